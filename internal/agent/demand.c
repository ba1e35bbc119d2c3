/*
 * Demand: bytes that hosts offered towards each site, sent or not, as a rate since the last report.
 *
 * The data plane counts since its programs were loaded, which may be long before this agent started: the first look
 * only sets marks. What appears later began at nothing.
 *
 * The leader makes the matrix's percentiles, forecast and daily means of these reports, in memory. A leader that
 * follows it would know nothing of the last hour; so the node keeps its own row of the matrix, in the same intervals,
 * and tells it once to each leader that it finds, HISTORY_PER_REPORT cells a report.
 */
#include "agent/agent_priv.h"

#include "base/arena.h"
#include "base/assert.h"
#include "bpf/abi/demand.h"
#include "patronus/v1/te.pb-c.h"

#include <stdlib.h>
#include <string.h>

#define INTERVAL_MS 30000
#define INTERVALS 120 /* an hour */
#define INTERVALS_PER_HOUR 120
#define HOURS 24
#define HISTORY_PER_REPORT 256U /* some 150 KB */
#define DAY_WEIGHT 4            /* the newest day counts a quarter in an hour's mean */

struct pt_agent_demand {
    uint32_t key; /* site and class */
    bool marked;
    uint64_t bytes, bytes_before;
    /* the last hour */
    int64_t interval;            /* number, since 1970, of the one that is being filled; 0: none yet */
    uint64_t interval_bytes;     /* in it so far */
    uint64_t history[INTERVALS]; /* full ones, the newest at (history_len - 1) % INTERVALS */
    uint32_t history_len;        /* goes on counting */
    uint64_t hours[HOURS];       /* mean, bit/s plus 1; 0: not known */
    uint64_t hour_bytes;         /* of the hour under way, in so many intervals */
    uint32_t hour_len;
};

static struct pt_agent_demand *demand_of(struct pt_agent *agent, uint32_t key)
{
    for (size_t i = 0; i < agent->demand_len; i++) {
        if (agent->demand[i].key == key) {
            return &agent->demand[i];
        }
    }
    agent->demand = realloc(agent->demand, (agent->demand_len + 1) * sizeof(*agent->demand));
    pt_assert(agent->demand != NULL);
    agent->demand[agent->demand_len] = (struct pt_agent_demand){.key = key};
    return &agent->demand[agent->demand_len++];
}

static void on_demand(void *arg, uint32_t key, uint64_t bytes)
{
    struct pt_agent *agent = arg;
    struct pt_agent_demand *demand = demand_of(agent, key);
    demand->bytes = bytes;
    if ((!demand->marked && !agent->demand_known) || bytes < demand->bytes_before) { /* see above; or loaded anew */
        demand->bytes_before = bytes;
    }
    demand->marked = true;
}

/* ---- the last hour -------------------------------------------------------------------------------------------- */

static void end_hour(struct pt_agent_demand *demand, size_t hour)
{
    uint64_t mean = demand->hour_bytes * 8000 / ((uint64_t)demand->hour_len * INTERVAL_MS);
    uint64_t usual = demand->hours[hour] != 0 ? demand->hours[hour] - 1 : mean;
    demand->hours[hour] = (usual * (DAY_WEIGHT - 1) + mean) / DAY_WEIGHT + 1;
    demand->hour_bytes = 0;
    demand->hour_len = 0;
}

static void end_interval(struct pt_agent_demand *demand)
{
    demand->history[demand->history_len++ % INTERVALS] = demand->interval_bytes;
    demand->hour_bytes += demand->interval_bytes;
    demand->hour_len++;
    if (demand->interval % INTERVALS_PER_HOUR == INTERVALS_PER_HOUR - 1) {
        end_hour(demand, (size_t)(demand->interval / INTERVALS_PER_HOUR % HOURS));
    }
    demand->interval++;
    demand->interval_bytes = 0;
}

static void remember(struct pt_agent_demand *demand, int64_t now_ns, uint64_t bytes)
{
    int64_t now = now_ns / (INTERVAL_MS * 1000000LL);
    if (demand->interval == 0 || now < demand->interval || now - demand->interval > INTERVALS) {
        /* the first, a clock that was set back, or silence for longer than is kept */
        demand->interval = now;
        demand->interval_bytes = 0;
        demand->history_len = 0;
        demand->hour_bytes = 0;
        demand->hour_len = 0;
    }
    while (demand->interval < now) {
        end_interval(demand);
    }
    demand->interval_bytes += bytes;
}

static void add_history(const struct pt_agent_demand *demand, struct pt_arena *arena,
                        Patronus__V1__DemandReport *report)
{
    size_t len = demand->history_len < INTERVALS ? demand->history_len : INTERVALS;
    report->history_bytes = pt_arena_array(arena, len, sizeof(uint64_t));
    report->n_history_bytes = len;
    for (size_t i = 0; i < len; i++) {
        report->history_bytes[i] = demand->history[(demand->history_len - len + i) % INTERVALS];
    }
    report->history_interval = (uint64_t)demand->interval - 1;
    report->n_history_hours = HOURS;
    report->history_hours = pt_arena_memdup(arena, demand->hours, sizeof(demand->hours));
}

/* ---- the report ----------------------------------------------------------------------------------------------- */

static Patronus__V1__DemandReport *report_of(struct pt_agent_demand *demand, struct pt_arena *arena,
                                             uint64_t elapsed_ms)
{
    uint64_t grown = demand->bytes - demand->bytes_before;
    demand->bytes_before = demand->bytes;
    Patronus__V1__DemandReport *report = PT_NEW(arena, Patronus__V1__DemandReport);
    patronus__v1__demand_report__init(report);
    uint32_t class = PT_DEMAND_CLASS(demand->key);
    report->site_label = PT_DEMAND_LABEL(demand->key);
    report->traffic_class = class == PT_DEMAND_STANDARD ? PATRONUS__V1__TRAFFIC_CLASS__STANDARD : class;
    report->rate_bps = grown * 8 * 1000 / elapsed_ms;
    report->bytes = grown;
    report->window_ms = (uint32_t)elapsed_ms;
    return report;
}

void pt_agent_add_demands(struct pt_agent *agent, struct pt_arena *arena, Patronus__V1__Telemetry *telemetry)
{
    uint64_t now = pt_sys_now_ns(agent->options.sys);
    uint64_t elapsed_ms = (now - agent->reported_at_ns) / 1000000;
    if (agent->bundle == NULL || elapsed_ms < 500) {
        return; /* too short for a rate: a transition was reported just now */
    }
    _Static_assert(PT_DEMAND_REALTIME == (int)PATRONUS__V1__TRAFFIC_CLASS__REALTIME &&
                       PT_DEMAND_BULK == (int)PATRONUS__V1__TRAFFIC_CLASS__BULK,
                   "numbered alike");
    agent->options.dp->ops->demands(agent->options.dp, on_demand, agent);
    agent->demand_known = true;
    telemetry->demands = pt_arena_array(arena, agent->demand_len, sizeof(*telemetry->demands));
    size_t told = agent->history_told;
    for (size_t i = 0; i < agent->demand_len; i++) {
        struct pt_agent_demand *demand = &agent->demand[i];
        Patronus__V1__DemandReport *report = report_of(demand, arena, elapsed_ms);
        remember(demand, pt_sys_wall_ns(agent->options.sys), report->bytes);
        if (i == agent->history_told && i < told + HISTORY_PER_REPORT) {
            agent->history_told++;
            add_history(demand, arena, report);
        }
        telemetry->demands[telemetry->n_demands++] = report;
    }
    pt_agent_add_classes(agent, arena, telemetry, elapsed_ms);
    pt_agent_add_translations(agent, arena, telemetry);
    agent->reported_at_ns = now;
}
