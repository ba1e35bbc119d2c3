/*
 * Telemetry: what the node measured since it last said so. Soft: a report that is lost is made up by the next.
 *
 * After a death the dead paths are said alone and at once: every node that a cut concerns has the leader wait for it,
 * and reading all counters and paths is most of what a report costs either end. The rest follows a little later.
 */
#include "agent/agent_priv.h"

#include "base/arena.h"
#include "base/assert.h"
#include "bpf/abi/drop.h"

#include <stdlib.h>
#include <string.h>

#define PATHS_MAX 16384

struct collect {
    struct pt_arena *arena;
    Patronus__V1__Telemetry *telemetry;
    size_t drops_capacity;
};

static Patronus__V1__PathReport *find_report(const Patronus__V1__Telemetry *telemetry, uint64_t path_id)
{
    size_t low = 0;
    size_t high = telemetry->n_paths;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (telemetry->paths[middle]->path < path_id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < telemetry->n_paths && telemetry->paths[low]->path == path_id ? telemetry->paths[low] : NULL;
}

static void on_path(void *arg, const struct pt_dp_path_counters *counters)
{
    struct collect *collect = arg;
    Patronus__V1__PathReport *report = find_report(collect->telemetry, counters->path_id);
    if (report != NULL) {
        report->tx_packets = counters->tx_packets;
        report->tx_bytes = counters->tx_bytes;
    }
}

static void on_drop(void *arg, const struct pt_dp_drop *drop)
{
    struct collect *collect = arg;
    Patronus__V1__Telemetry *telemetry = collect->telemetry;
    if (drop->packets == 0 || telemetry->n_drops == collect->drops_capacity) {
        return;
    }
    Patronus__V1__DropReport *report = PT_NEW(collect->arena, Patronus__V1__DropReport);
    patronus__v1__drop_report__init(report);
    report->reason = drop->reason;
    report->packets = drop->packets;
    telemetry->drops[telemetry->n_drops++] = report;
}

/* What BFD's packets and the data's numbers say, in place of hellos. */
static void add_measures(Patronus__V1__PathReport *report, const struct pt_measure_report *measured)
{
    if (measured->p50_us == 0) {
        return; /* not measured, or not yet */
    }
    report->rtt_us = measured->rtt_us;
    report->min_rtt_us = measured->rtt_min_us;
    report->loss_ppm = measured->loss_ppm[PT_MEASURE_FORWARD];
    report->back_loss_ppm = measured->loss_ppm[PT_MEASURE_BACK];
    report->loss_packets = measured->packets[PT_MEASURE_FORWARD];
    report->delay_us = measured->delay_us[PT_MEASURE_FORWARD];
    report->back_delay_us = measured->delay_us[PT_MEASURE_BACK];
    report->jitter_us = measured->jitter_us[PT_MEASURE_FORWARD];
    report->back_jitter_us = measured->jitter_us[PT_MEASURE_BACK];
    report->rtt_p50_us = measured->p50_us;
    report->rtt_p95_us = measured->p95_us;
    report->rtt_p99_us = measured->p99_us;
    report->mos_100 = measured->mos_100;
}

/* The profiles that a path breaks, or came back from too recently, by the ids that the leader gave them. */
static void add_slas(const struct pt_agent *agent, struct pt_arena *arena, const struct pt_live_status *live,
                     Patronus__V1__PathReport *report)
{
    size_t len = 0;
    const Patronus__V1__Entry *const *entries = pt_bundle_entries(agent->bundle, &len);
    if (live->sla_held == 0) {
        return;
    }
    report->broken_slas = pt_arena_array(arena, 64, sizeof(uint64_t));
    report->held_slas = pt_arena_array(arena, 64, sizeof(uint64_t));
    for (size_t i = 0; i < len; i++) {
        if (entries[i]->entry_case != PATRONUS__V1__ENTRY__ENTRY_SLA) {
            continue;
        }
        int number = agent->options.dp->ops->sla_number(agent->options.dp, entries[i]->sla->sla);
        if (number >= 0 && (live->sla_breaks >> number & 1) != 0) {
            report->broken_slas[report->n_broken_slas++] = entries[i]->sla->sla;
        } else if (number >= 0 && (live->sla_held >> number & 1) != 0) {
            report->held_slas[report->n_held_slas++] = entries[i]->sla->sla;
        }
    }
}

static void add_paths(struct pt_agent *agent, struct pt_arena *arena, bool dead_only,
                      Patronus__V1__Telemetry *telemetry)
{
    size_t len = agent->hello != NULL ? pt_hello_reports(agent->hello, NULL, 0) : 0;
    len = len < PATHS_MAX ? len : PATHS_MAX;
    struct pt_path_report *reports = pt_arena_array(arena, len, sizeof(*reports));
    if (len > 0) {
        (void)pt_hello_reports(agent->hello, reports, len);
    }
    telemetry->paths = pt_arena_array(arena, len, sizeof(*telemetry->paths));
    for (size_t i = 0; i < len; i++) {
        if (dead_only && pt_agent_path_alive(agent, reports[i].path_id)) {
            continue;
        }
        Patronus__V1__PathReport *report = PT_NEW(arena, Patronus__V1__PathReport);
        patronus__v1__path_report__init(report);
        report->path = reports[i].path_id;
        report->alive = reports[i].alive;
        report->rtt_us = reports[i].rtt_us;
        report->min_rtt_us = reports[i].min_rtt_us;
        report->loss_ppm = reports[i].loss_ppm;
        struct pt_live_status live;
        if (agent->options.tunnel != NULL && pt_agent_tunnel_live(agent->options.tunnel, report->path, &live)) {
            report->alive = live.alive;
            add_measures(report, &live.recent);
            add_slas(agent, arena, &live, report);
        }
        struct pt_agent_tunnel_path sealed;
        if (agent->options.tunnel != NULL && pt_agent_tunnel_path(agent->options.tunnel, report->path, &sealed)) {
            report->mtu = sealed.mtu;
            report->cipher = sealed.cipher;
            report->session_age_ms = sealed.session_age_ms;
            report->handshakes = sealed.handshakes;
        }
        telemetry->paths[telemetry->n_paths++] = report;
    }
}

/* The tunnel process counts by reasons of its own; they follow those of the programs. */
static void add_tunnel_drops(const struct pt_agent *agent, struct collect *collect)
{
    const struct pt_engine_counters *counters =
        agent->options.tunnel != NULL ? pt_agent_tunnel_counters(agent->options.tunnel) : NULL;
    for (uint32_t i = 0; counters != NULL && i < PT_ENGINE_DROPS_LEN; i++) {
        const struct pt_dp_drop drop = {.reason = PT_DROP_LEN_MAX + i, .packets = counters->drops[i]};
        on_drop(collect, &drop);
    }
}

static void send(struct pt_agent *agent, Patronus__V1__Telemetry *telemetry)
{
    Patronus__V1__EdgeMessage message = PATRONUS__V1__EDGE_MESSAGE__INIT;
    message.message_case = PATRONUS__V1__EDGE_MESSAGE__MESSAGE_TELEMETRY;
    message.telemetry = telemetry;
    pt_agent_send(agent, &message);
}

void pt_agent_report_death(struct pt_agent *agent)
{
    if (!agent->reported) { /* counters are told from a first report on */
        pt_agent_report(agent);
        return;
    }
    struct pt_arena arena;
    pt_arena_init(&arena);
    Patronus__V1__Telemetry telemetry = PATRONUS__V1__TELEMETRY__INIT;
    telemetry.time_ns = pt_sys_wall_ns(agent->options.sys);
    add_paths(agent, &arena, true, &telemetry);
    send(agent, &telemetry);
    pt_arena_fini(&arena);
}

void pt_agent_report(struct pt_agent *agent)
{
    struct pt_arena arena;
    pt_arena_init(&arena);
    Patronus__V1__Telemetry telemetry = PATRONUS__V1__TELEMETRY__INIT;
    telemetry.time_ns = pt_sys_wall_ns(agent->options.sys);
    add_paths(agent, &arena, false, &telemetry);
    struct collect collect = {.arena = &arena, .telemetry = &telemetry, .drops_capacity = 256};
    telemetry.drops = pt_arena_array(&arena, collect.drops_capacity, sizeof(*telemetry.drops));
    agent->options.dp->ops->counters(agent->options.dp, on_path, on_drop, &collect);
    add_tunnel_drops(agent, &collect);
    pt_agent_add_demands(agent, &arena, &telemetry);
    if (agent->inspect != NULL) {
        pt_agent_add_inspection(agent->inspect, &arena, &telemetry);
    }
    send(agent, &telemetry);
    pt_arena_fini(&arena);
    agent->reported = true;
}
