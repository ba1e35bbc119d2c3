/*
 * Ping and traceroute: echoes into a segment as its hosts would send them.
 *
 *   ping        one echo each interval; each is told when it is answered, or when its timeout is over
 *   traceroute  hop by hop, all packets to a hop at once; the next hop when all were answered or given up
 *
 * Hop 1 of a traceroute is the edge itself, which needs no packet. A packet to hop n has a time to live of n: the edge
 * takes one, and the way to another site, however many sites it passes, no more. Where the destination is a host of the
 * edge's own wire the edge takes none.
 *
 * Round trips are between two times of the kernel's, as far as it gives them: the loop may be late.
 */
#include "agent/diagnose.h"

#include "agent/history.h"
#include "base/assert.h"
#include "bpf/abi/flow.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS 20
#define TTL 64

static int64_t wall_ns(const struct pt_diagnostic *diagnostic)
{
    return pt_sys_wall_ns(diagnostic->agent->options.sys);
}

/* ---- sending -------------------------------------------------------------------------------------------------- */

/* The echo of that place in the list. */
static enum pt_code send_echo(struct pt_diagnostic *diagnostic, uint32_t place, uint32_t sequence, uint8_t ttl,
                              struct pt_error *reterr)
{
    struct pt_diagnostic_echoes *echoes = &diagnostic->echoes;
    uint8_t packet[PT_ECHO_SIZE_MAX];
    const struct pt_echo echo = {.source = echoes->source,
                                 .destination = echoes->destination,
                                 .id = echoes->id,
                                 .sequence = (uint16_t)sequence,
                                 .payload_size = echoes->payload_size,
                                 .ttl = ttl,
                                 .dscp = echoes->dscp};
    size_t size = pt_echo_build(&echo, packet);
    echoes->list[place] = (struct pt_diagnostic_echo){.sent_ns = wall_ns(diagnostic)};
    echoes->sent++;
    return diagnostic->agent->options.wires->send(diagnostic->wire, echoes->around, (struct pt_bytes){packet, size},
                                                  reterr);
}

static enum pt_code open_wire(struct pt_diagnostic *diagnostic, uint32_t vni, const char *destination,
                              void (*on_frame)(void *arg, const struct pt_wire_frame *frame), struct pt_error *reterr)
{
    struct pt_diagnostic_echoes *echoes = &diagnostic->echoes;
    const struct pt_wire_options options = {
        .echoes_only = true, .snap_size = 256, .on_frame = on_frame, .arg = diagnostic};
    bool local = false;
    PT_TRY(pt_ip_parse(destination, &echoes->destination, reterr));
    PT_TRY(pt_diagnostic_open(diagnostic, vni, &echoes->destination, &options, &local, reterr));
    PT_TRY(diagnostic->agent->options.wires->address(diagnostic->wire, pt_ip_is_v4(&echoes->destination),
                                                     &echoes->source, reterr));
    echoes->around = !local;
    echoes->vni = vni;
    echoes->id = (uint16_t)pt_sys_random_u64(diagnostic->agent->options.sys);
    echoes->list = calloc(echoes->count, sizeof(*echoes->list));
    pt_assert(echoes->list != NULL);
    return PT_OK;
}

static void end_echoes(struct pt_diagnostic *diagnostic)
{
    free(diagnostic->echoes.list);
}

/* ---- receiving ------------------------------------------------------------------------------------------------ */

/* An answer to one of ours; the place in the list that it is about is the caller's to find. */
static bool read_answer(const struct pt_diagnostic *diagnostic, const struct pt_wire_frame *frame,
                        struct pt_echo_answer *ret_answer)
{
    const size_t ethernet = 14;
    if (diagnostic->over || frame->bytes.size <= ethernet) {
        return false;
    }
    struct pt_bytes packet = {frame->bytes.data + ethernet, frame->bytes.size - ethernet};
    return pt_echo_read(packet, ret_answer) && ret_answer->id == diagnostic->echoes.id;
}

static uint32_t rtt_us(const struct pt_diagnostic *diagnostic, const struct pt_diagnostic_echo *echo,
                       const struct pt_wire_frame *frame)
{
    int64_t came = frame->time_ns != 0 ? frame->time_ns : wall_ns(diagnostic);
    return came > echo->sent_ns ? (uint32_t)((came - echo->sent_ns) / 1000) : 0;
}

static bool is_late(const struct pt_diagnostic *diagnostic, const struct pt_diagnostic_echo *echo)
{
    return echo->sent_ns != 0 && !echo->over &&
           wall_ns(diagnostic) - echo->sent_ns >= (int64_t)diagnostic->echoes.timeout_ms * 1000000;
}

/* ---- ping ----------------------------------------------------------------------------------------------------- */

/* answer NULL: nobody answered in time. */
static void tell_echo(struct pt_diagnostic *diagnostic, uint32_t place, const struct pt_echo_answer *answer,
                      uint32_t took_us)
{
    struct pt_diagnostic_echoes *echoes = &diagnostic->echoes;
    Patronus__V1__DiagnosticReport report = PATRONUS__V1__DIAGNOSTIC_REPORT__INIT;
    Patronus__V1__PingResponse ping = PATRONUS__V1__PING_RESPONSE__INIT;
    char responder[PT_IP_TEXT_SIZE] = "", source[PT_IP_TEXT_SIZE];
    echoes->list[place].over = true;
    echoes->over++;
    ping.sequence = place + 1;
    ping.source = pt_ip_format(&echoes->source, source);
    ping.sent = echoes->sent;
    if (answer != NULL) {
        ping.answered = answer->kind == PT_ECHO_REPLY;
        echoes->received += answer->kind == PT_ECHO_REPLY;
        ping.rtt_us = took_us;
        ping.ttl = answer->ttl;
        ping.responder = pt_ip_format(&answer->responder, responder);
        ping.error = (char *)(uintptr_t)(answer->kind == PT_ECHO_EXPIRED ? "time to live exceeded" : answer->error);
    }
    ping.received = echoes->received;
    report.response_case = PATRONUS__V1__DIAGNOSTIC_REPORT__RESPONSE_PING;
    report.ping = &ping;
    pt_diagnostic_tell(diagnostic, &report, echoes->over == echoes->count);
}

static void on_ping_frame(void *arg, const struct pt_wire_frame *frame)
{
    struct pt_diagnostic *diagnostic = arg;
    struct pt_echo_answer answer;
    if (!read_answer(diagnostic, frame, &answer)) {
        return;
    }
    uint32_t place = (uint32_t)answer.sequence - 1;
    if (answer.sequence >= 1 && place < diagnostic->echoes.sent && !diagnostic->echoes.list[place].over) {
        tell_echo(diagnostic, place, &answer, rtt_us(diagnostic, &diagnostic->echoes.list[place], frame));
    }
}

static void on_ping_timer(struct pt_diagnostic *diagnostic)
{
    struct pt_diagnostic_echoes *echoes = &diagnostic->echoes;
    uint64_t now = pt_sys_now_ns(diagnostic->agent->options.sys);
    struct pt_error error = {0};
    if (echoes->sent < echoes->count && now >= echoes->next_ns) {
        echoes->next_ns = now + (uint64_t)echoes->interval_ms * 1000000;
        if (send_echo(diagnostic, echoes->sent, echoes->sent + 1, TTL, &error) != PT_OK) {
            pt_diagnostic_fail(diagnostic, &error);
            return;
        }
    }
    for (uint32_t i = 0; i < echoes->sent; i++) {
        if (is_late(diagnostic, &echoes->list[i])) {
            tell_echo(diagnostic, i, NULL, 0);
        }
    }
}

static enum pt_code begin_ping(struct pt_diagnostic *diagnostic, const Patronus__V1__DiagnosticOrder *order,
                               struct pt_error *reterr)
{
    const Patronus__V1__PingRequest *request = order->ping;
    diagnostic->echoes = (struct pt_diagnostic_echoes){
        .count = pt_diagnostic_bound(request->count, 5, 1, PT_DIAGNOSTIC_PROBES_MAX),
        .interval_ms = pt_diagnostic_bound(request->interval_ms, 1000, 100, 10000),
        .timeout_ms = pt_diagnostic_bound(request->timeout_ms, 1000, 100, 10000),
        .payload_size = (uint16_t)pt_diagnostic_bound(request->payload_size, 56, 16, 1400),
        .dscp = (uint8_t)(request->dscp & 63)};
    PT_TRY(open_wire(diagnostic, order->vni, request->destination, on_ping_frame, reterr));
    pt_timer_start(diagnostic->timer, 0, TICK_MS);
    return PT_OK;
}

const struct pt_diagnostic_type pt_diagnostic_ping = {
    .begin = begin_ping, .on_timer = on_ping_timer, .end = end_echoes};

/* ---- traceroute ----------------------------------------------------------------------------------------------- */

/* The path that the newest decision about these echoes took to another site; 0: none, or it was not told. Keys of flows
 * have an echo's id where the segment is filtered, else nothing. */
static uint64_t path_of(struct pt_diagnostic *diagnostic)
{
    const struct pt_diagnostic_echoes *echoes = &diagnostic->echoes;
    struct pt_agent *agent = diagnostic->agent;
    struct pt_dp_flow_key flow = {.source = echoes->source,
                                  .destination = echoes->destination,
                                  .vni = echoes->vni,
                                  .source_port = echoes->id,
                                  .destination_port = PT_QUERY_PORT,
                                  .protocol = pt_ip_is_v4(&echoes->source) ? IPPROTO_ICMP : IPPROTO_ICMPV6};
    const struct pt_history_record *record = NULL;
    if (agent->history == NULL || echoes->hop < 2) {
        return 0;
    }
    pt_agent_recall(agent);
    if (pt_history_find(agent->history, &flow, wall_ns(diagnostic), &record, 1) == 0) {
        flow.source_port = flow.destination_port = 0;
        if (pt_history_find(agent->history, &flow, wall_ns(diagnostic), &record, 1) == 0) {
            return 0;
        }
    }
    return record->decision.verdict == PT_FLOW_PATH ? record->decision.path_id : 0;
}

static void tell_hop(struct pt_diagnostic *diagnostic, Patronus__V1__TracerouteResponse *hop)
{
    struct pt_diagnostic_echoes *echoes = &diagnostic->echoes;
    Patronus__V1__DiagnosticReport report = PATRONUS__V1__DIAGNOSTIC_REPORT__INIT;
    report.response_case = PATRONUS__V1__DIAGNOSTIC_REPORT__RESPONSE_TRACEROUTE;
    report.traceroute = hop;
    report.path = hop->answered ? path_of(diagnostic) : 0;
    hop->hop = echoes->hop;
    echoes->over++;
    bool hop_is_over = echoes->over == echoes->count;
    pt_diagnostic_tell(diagnostic, &report, hop_is_over && (echoes->reached || echoes->hop == echoes->hops_max));
}

static void tell_probe(struct pt_diagnostic *diagnostic, uint32_t place, const struct pt_echo_answer *answer,
                       uint32_t took_us)
{
    Patronus__V1__TracerouteResponse hop = PATRONUS__V1__TRACEROUTE_RESPONSE__INIT;
    char responder[PT_IP_TEXT_SIZE] = "";
    diagnostic->echoes.list[place].over = true;
    hop.probe = place + 1;
    if (answer != NULL) {
        hop.answered = true;
        hop.responder = pt_ip_format(&answer->responder, responder);
        hop.rtt_us = took_us;
        hop.reached = answer->kind == PT_ECHO_REPLY;
        hop.error = (char *)(uintptr_t)answer->error;
        /* Whoever says that it goes no further is the end of the way too. */
        diagnostic->echoes.reached = diagnostic->echoes.reached || answer->kind != PT_ECHO_EXPIRED;
    }
    tell_hop(diagnostic, &hop);
}

static uint32_t sequence_of(const struct pt_diagnostic_echoes *echoes, uint32_t place)
{
    return echoes->hop * 8 + place; /* at most 5 places of a hop, 64 hops */
}

static void on_hop_frame(void *arg, const struct pt_wire_frame *frame)
{
    struct pt_diagnostic *diagnostic = arg;
    struct pt_diagnostic_echoes *echoes = &diagnostic->echoes;
    struct pt_echo_answer answer;
    if (!read_answer(diagnostic, frame, &answer) || answer.sequence / 8 != echoes->hop) {
        return;
    }
    uint32_t place = answer.sequence % 8;
    if (place < echoes->count && echoes->list[place].sent_ns != 0 && !echoes->list[place].over) {
        tell_probe(diagnostic, place, &answer, rtt_us(diagnostic, &echoes->list[place], frame));
    }
}

static void next_hop(struct pt_diagnostic *diagnostic)
{
    struct pt_diagnostic_echoes *echoes = &diagnostic->echoes;
    struct pt_error error = {0};
    echoes->hop++;
    echoes->over = 0;
    memset(echoes->list, 0, echoes->count * sizeof(*echoes->list));
    uint32_t ttl = echoes->around ? echoes->hop : echoes->hop - 1;
    for (uint32_t i = 0; i < echoes->count; i++) {
        if (send_echo(diagnostic, i, sequence_of(echoes, i), (uint8_t)ttl, &error) != PT_OK) {
            pt_diagnostic_fail(diagnostic, &error);
            return;
        }
    }
}

static void on_hop_timer(struct pt_diagnostic *diagnostic)
{
    struct pt_diagnostic_echoes *echoes = &diagnostic->echoes;
    for (uint32_t i = 0; i < echoes->count; i++) {
        if (is_late(diagnostic, &echoes->list[i])) {
            tell_probe(diagnostic, i, NULL, 0);
        }
    }
    if (!diagnostic->over && echoes->over == echoes->count) {
        next_hop(diagnostic);
    }
}

/* The edge itself. */
static void tell_first_hop(struct pt_diagnostic *diagnostic)
{
    struct pt_diagnostic_echoes *echoes = &diagnostic->echoes;
    char source[PT_IP_TEXT_SIZE];
    echoes->hop = 1;
    echoes->reached = pt_ip_equal(&echoes->source, &echoes->destination);
    for (uint32_t i = 0; i < echoes->count; i++) {
        Patronus__V1__TracerouteResponse hop = PATRONUS__V1__TRACEROUTE_RESPONSE__INIT;
        hop.probe = i + 1;
        hop.answered = true;
        hop.reached = echoes->reached;
        hop.responder = pt_ip_format(&echoes->source, source);
        tell_hop(diagnostic, &hop);
    }
}

static enum pt_code begin_traceroute(struct pt_diagnostic *diagnostic, const Patronus__V1__DiagnosticOrder *order,
                                     struct pt_error *reterr)
{
    const Patronus__V1__TracerouteRequest *request = order->traceroute;
    diagnostic->echoes =
        (struct pt_diagnostic_echoes){.count = pt_diagnostic_bound(request->probes, 3, 1, 5),
                                      .hops_max = pt_diagnostic_bound(request->max_hops, 30, 1, 64),
                                      .timeout_ms = pt_diagnostic_bound(request->timeout_ms, 1000, 100, 5000),
                                      .payload_size = 32,
                                      .dscp = (uint8_t)(request->dscp & 63)};
    PT_TRY(open_wire(diagnostic, order->vni, request->destination, on_hop_frame, reterr));
    pt_timer_start(diagnostic->timer, TICK_MS, TICK_MS);
    tell_first_hop(diagnostic);
    return PT_OK;
}

const struct pt_diagnostic_type pt_diagnostic_traceroute = {
    .begin = begin_traceroute, .on_timer = on_hop_timer, .end = end_echoes};
