/*
 * The queues of shaped links, for telemetry: what the kernel counts, and what follows from it.
 *
 * A class's delay is what waits, divided by the rate at which it leaves: the one measured since the last report, but
 * never less than what the class is promised, which it gets as soon as there is something to send.
 */
#include "agent/agent_priv.h"

#include "base/arena.h"
#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#define LINKS_MAX 64

struct pt_agent_queue {
    char link[256];
    uint64_t bytes[PT_DP_QUEUES]; /* at the last report */
};

struct collect {
    struct pt_agent *agent;
    struct pt_arena *arena;
    Patronus__V1__Telemetry *telemetry;
    uint64_t elapsed_ms;
};

/* What was counted at the last report; NULL when the link was not in it. */
static struct pt_agent_queue *last_of(struct pt_agent *agent, const char *link, bool *ret_known)
{
    for (size_t i = 0; i < agent->queues_len; i++) {
        if (strcmp(agent->queues[i].link, link) == 0) {
            *ret_known = true;
            return &agent->queues[i];
        }
    }
    *ret_known = false;
    if (agent->queues_len == LINKS_MAX) {
        agent->queues_len = 0; /* links that come and go: begin anew */
    }
    if (agent->queues == NULL) {
        agent->queues = calloc(LINKS_MAX, sizeof(*agent->queues));
        pt_assert(agent->queues != NULL);
    }
    struct pt_agent_queue *last = &agent->queues[agent->queues_len++];
    *last = (struct pt_agent_queue){0};
    strncpy(last->link, link, sizeof(last->link) - 1);
    return last;
}

static Patronus__V1__ClassReport *new_report(struct collect *collect, const struct pt_dp_queue *queue, uint32_t class,
                                             uint64_t grown)
{
    Patronus__V1__ClassReport *report = PT_NEW(collect->arena, Patronus__V1__ClassReport);
    patronus__v1__class_report__init(report);
    report->traffic_class = class;
    report->rate_bps = grown * 8 * 1000 / collect->elapsed_ms;
    report->promised_bps = queue->promised_bps;
    report->backlog_bytes = queue->backlog_bytes;
    report->backlog_packets = queue->backlog_packets;
    uint64_t rate = report->rate_bps > queue->promised_bps ? report->rate_bps : queue->promised_bps;
    report->delay_us = rate != 0 ? (uint32_t)((uint64_t)queue->backlog_bytes * 8000000 / rate) : 0;
    report->drops = queue->drops;
    report->packets = queue->packets;
    report->bytes = queue->bytes;
    return report;
}

static void on_link(void *arg, const struct pt_dp_link_queues *queues)
{
    struct collect *collect = arg;
    Patronus__V1__Telemetry *telemetry = collect->telemetry;
    bool known = false;
    if (telemetry->n_links == LINKS_MAX) {
        return;
    }
    struct pt_agent_queue *last = last_of(collect->agent, queues->link, &known);
    Patronus__V1__LinkReport *link = PT_NEW(collect->arena, Patronus__V1__LinkReport);
    patronus__v1__link_report__init(link);
    link->name = pt_arena_strdup(collect->arena, queues->link);
    link->error = pt_arena_strdup(collect->arena, queues->error);
    link->classes = pt_arena_array(collect->arena, PT_DP_QUEUES, sizeof(*link->classes));
    for (uint32_t class = 0; class < PT_DP_QUEUES && queues->error[0] == '\0'; class ++) {
        const struct pt_dp_queue *queue = &queues->queues[class];
        bool grew = known && queue->bytes >= last->bytes[class]; /* else the queues are new */
        uint64_t grown = grew ? queue->bytes - last->bytes[class] : 0;
        last->bytes[class] = queue->bytes;
        if (queues->used[class]) {
            link->classes[link->n_classes++] = new_report(collect, queue, class, grown);
        }
    }
    telemetry->links[telemetry->n_links++] = link;
}

void pt_agent_add_classes(struct pt_agent *agent, struct pt_arena *arena, Patronus__V1__Telemetry *telemetry,
                          uint64_t elapsed_ms)
{
    struct collect collect = {.agent = agent, .arena = arena, .telemetry = telemetry, .elapsed_ms = elapsed_ms};
    telemetry->links = pt_arena_array(arena, LINKS_MAX, sizeof(*telemetry->links));
    agent->options.dp->ops->queues(agent->options.dp, on_link, &collect);
}
