/*
 * What the programs told: events of a ring, entries of the flow cache, and which bundle a generation was.
 *
 * The ring's read position is part of the map, which is pinned: an agent that restarts goes on where its predecessor
 * stopped. Nobody is woken by an event; the agent looks now and then.
 */
#include "agent/dp.h"
#include "agent/dp_bpf_kernel.h"
#include "base/assert.h"

#include "bpf/abi/event.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define VNI_MASK 0xffffffU

struct pt_dp_events {
    const struct pt_dp_slots *slots; /* borrowed */
    struct ring_buffer *ring;
    int gate;
    void (*fn)(void *arg, const struct pt_dp_decision *decision); /* while reading */
    void *arg;
    uint64_t now_ns;
};

static uint64_t monotonic_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

static uint64_t before(uint64_t then_ns, uint64_t now_ns)
{
    return then_ns < now_ns ? now_ns - then_ns : 0;
}

static int on_event(void *arg, void *data, size_t size)
{
    struct pt_dp_events *events = arg;
    struct pt_abi_event event;
    if (size < sizeof(event)) {
        return 0; /* of older programs: none told less so far */
    }
    memcpy(&event, data, sizeof(event));
    bool by_path = event.kind == PT_EVENT_FLOW && event.verdict == PT_FLOW_PATH && event.out < PT_PATH_SLOTS;
    struct pt_dp_decision decision = {.flow = {.vni = event.flow.vni_protocol & VNI_MASK,
                                               .protocol = (uint8_t)(event.flow.vni_protocol >> 24),
                                               .source_port = event.flow.port_source,
                                               .destination_port = event.flow.port_destination},
                                      .age_ns = before(event.ns, events->now_ns),
                                      .path_id = by_path ? events->slots->ids[event.out] : 0,
                                      .generation = event.generation,
                                      .rule_id = event.rule_id,
                                      .policy_class = event.policy_class,
                                      .site_label = event.site_label,
                                      .nat = event.nat,
                                      .verdict = event.verdict,
                                      .reason = event.reason,
                                      .dscp = event.dscp,
                                      .flags = event.flags,
                                      .traffic_class = event.traffic_class,
                                      .move = event.move,
                                      .kind = event.kind};
    decision.application = pt_dp_application_of(event.application, &decision.evidence, &decision.confidence);
    memcpy(decision.flow.source.bytes, &event.flow.source, sizeof(decision.flow.source.bytes));
    memcpy(decision.flow.destination.bytes, &event.flow.destination, sizeof(decision.flow.destination.bytes));
    events->fn(events->arg, &decision);
    return 0;
}

enum pt_code pt_dp_events_new(const struct pt_dp_maps *maps, const struct pt_dp_slots *slots,
                              struct pt_dp_events **ret_events, struct pt_error *reterr)
{
    struct pt_dp_events *events = calloc(1, sizeof(*events));
    pt_assert(events != NULL);
    events->slots = slots;
    events->gate = maps->event_gate;
    events->ring = ring_buffer__new(maps->events, on_event, events, NULL);
    if (events->ring == NULL) {
        free(events);
        return pt_fail_errno(reterr, errno, "pt_events", "cannot read the ring of events");
    }
    *ret_events = events;
    return PT_OK;
}

void pt_dp_events_free(struct pt_dp_events *events)
{
    if (events != NULL) {
        ring_buffer__free(events->ring);
        free(events);
    }
}

uint64_t pt_dp_events_read(struct pt_dp_events *events, void (*fn)(void *arg, const struct pt_dp_decision *decision),
                           void *arg)
{
    uint32_t zero = 0;
    struct pt_abi_event_gate gate = {0};
    events->fn = fn;
    events->arg = arg;
    events->now_ns = monotonic_ns();
    (void)ring_buffer__consume(events->ring); /* what cannot be read now is read the next time */
    (void)bpf_map_lookup_elem(events->gate, &zero, &gate);
    return gate.lost;
}

/* ---- the flow cache ------------------------------------------------------------------------------------------- */

bool pt_dp_flow_read(const struct pt_dp_maps *maps, const struct pt_dp_flow_key *key, struct pt_dp_flow *ret_flow)
{
    struct pt_abi_flow flow;
    struct pt_abi_flow4_key v4 = {.port_source = key->source_port,
                                  .port_destination = key->destination_port,
                                  .vni_protocol = PT_FLOW_VNI_PROTOCOL(key->vni, key->protocol)};
    struct pt_abi_flow6_key v6 = {.port_source = key->source_port,
                                  .port_destination = key->destination_port,
                                  .vni_protocol = PT_FLOW_VNI_PROTOCOL(key->vni, key->protocol)};
    bool is_v4 = pt_ip_is_v4(&key->source);
    memcpy(&v4.source, key->source.bytes + 12, sizeof(v4.source));
    memcpy(&v4.destination, key->destination.bytes + 12, sizeof(v4.destination));
    memcpy(&v6.source, key->source.bytes, sizeof(v6.source));
    memcpy(&v6.destination, key->destination.bytes, sizeof(v6.destination));
    if (bpf_map_lookup_elem(is_v4 ? maps->flows4 : maps->flows6, is_v4 ? (void *)&v4 : (void *)&v6, &flow) != 0) {
        return false;
    }
    uint32_t units = (uint32_t)(monotonic_ns() >> PT_FLOW_TIME_SHIFT) - flow.seen; /* both wrap alike */
    *ret_flow = (struct pt_dp_flow){.packets = flow.packets,
                                    .bytes = flow.bytes,
                                    .seen_age_ns = (uint64_t)units << PT_FLOW_TIME_SHIFT,
                                    .nat = flow.nat,
                                    .flags = flow.flags};
    ret_flow->application = pt_dp_application_of(flow.application, &ret_flow->evidence, &ret_flow->confidence);
    return true;
}

bool pt_dp_applied_read(const struct pt_dp_maps *maps, uint32_t generation, struct pt_dp_origin *ret_origin)
{
    uint32_t index = generation % PT_APPLIED_MAX;
    struct pt_abi_applied row;
    if (bpf_map_lookup_elem(maps->applied, &index, &row) != 0 || row.generation != generation || row.time_ns == 0) {
        return false;
    }
    *ret_origin = (struct pt_dp_origin){.revision = row.revision,
                                        .epoch = row.epoch,
                                        .term = row.term,
                                        .generation = row.position,
                                        .te_epoch = row.te_epoch,
                                        .time_ns = (int64_t)row.time_ns};
    return true;
}
