/*
 * What edges say of the applications of their hosts' flows: kept as it came, for reads of Edge, and added up for
 * /metrics.
 */
#include "serve/controller_priv.h"

#include "base/assert.h"
#include "base/metric.h"
#include "patronus/v1/agent.pb-c.h"

#include <stdlib.h>
#include <string.h>

#define EDGES_LEN_MAX 100000U
#define APPLICATIONS_MAX 64
#define METRIC_APPLICATIONS_MAX 32 /* in /metrics; the rest of what edges report is added up as "other" */
#define NAME_SIZE 128
#define STALE_NS (10 * 1000000000ULL) /* a node says it each second */

struct use {
    char name[NAME_SIZE];
    uint64_t flows;
};

struct inspection_state {
    uint64_t heard_ns;
    uint64_t sampled, not_sampled, recognised, unknown, cache_hits, cache_misses, learned_addresses, reloads;
    size_t uses_len;
    struct use uses[APPLICATIONS_MAX];
};

void pt_soft_take_inspection(struct pt_controller *controller, struct pt_map *inspections, const char *edge,
                             const Patronus__V1__Telemetry *telemetry)
{
    const Patronus__V1__InspectionReport *report = telemetry->inspection;
    struct inspection_state *state = pt_map_get_str(inspections, edge);
    if (report == NULL || (state == NULL && inspections->count >= EDGES_LEN_MAX)) {
        return;
    }
    if (state == NULL) {
        state = calloc(1, sizeof(*state));
        pt_assert(state != NULL);
        (void)pt_map_put_str(inspections, edge, state);
    }
    *state = (struct inspection_state){.heard_ns = pt_sys_now_ns(controller->sys),
                                       .sampled = report->sampled,
                                       .not_sampled = report->not_sampled,
                                       .recognised = report->recognised,
                                       .unknown = report->unknown,
                                       .cache_hits = report->cache_hits,
                                       .cache_misses = report->cache_misses,
                                       .learned_addresses = report->learned_addresses,
                                       .reloads = report->reloads};
    for (size_t i = 0; i < report->n_applications && i < APPLICATIONS_MAX; i++) {
        struct use *use = &state->uses[state->uses_len++];
        strncpy(use->name, report->applications[i]->name, sizeof(use->name) - 1);
        use->flows = report->applications[i]->flows;
    }
}

void pt_soft_clear_inspections(struct pt_map *inspections)
{
    PT_MAP_FOREACH (entry, inspections) {
        free(entry->value);
    }
    pt_map_clear(inspections);
}

void pt_soft_overlay_inspection(struct pt_controller *controller, const struct pt_map *inspections,
                                struct pt_msg *resource, struct pt_arena *arena)
{
    const struct inspection_state *state = pt_map_get_str(inspections, pt_msg_str(resource, "name"));
    if (state == NULL || pt_sys_now_ns(controller->sys) - state->heard_ns > STALE_NS) {
        return;
    }
    struct pt_msg *msg = pt_msg_new(arena, pt_schema_message(controller->schema, "patronus.v1.Inspection"));
    pt_msg_set_u64(msg, arena, "sampled", state->sampled);
    pt_msg_set_u64(msg, arena, "not_sampled", state->not_sampled);
    pt_msg_set_u64(msg, arena, "recognised", state->recognised);
    pt_msg_set_u64(msg, arena, "unknown", state->unknown);
    pt_msg_set_u64(msg, arena, "cache_hits", state->cache_hits);
    pt_msg_set_u64(msg, arena, "cache_misses", state->cache_misses);
    pt_msg_set_u64(msg, arena, "learned_addresses", state->learned_addresses);
    pt_msg_set_u64(msg, arena, "reloads", state->reloads);
    const struct pt_message_type *type = pt_schema_message(controller->schema, "patronus.v1.ApplicationUse");
    for (size_t i = 0; i < state->uses_len; i++) {
        struct pt_msg *use = pt_msg_new(arena, type);
        pt_msg_set_str(use, arena, "application", state->uses[i].name);
        pt_msg_set_u64(use, arena, "flows", state->uses[i].flows);
        pt_msg_append(msg, arena, "applications", (union pt_value){.message = use});
    }
    pt_msg_set_child(resource, arena, "inspection", msg);
}

/* ---- metrics -------------------------------------------------------------------------------------------------- */

/* Labels have few values, and none that a tenant chose: an organization's own applications are one. */
static const char *label_of(const char *name)
{
    return strchr(name, '/') != NULL ? "described" : name;
}

static void add_use(struct use *sums, size_t *len, const char *name, uint64_t flows)
{
    size_t i = 0;
    while (i < *len && strcmp(sums[i].name, name) != 0) {
        i++;
    }
    if (i == METRIC_APPLICATIONS_MAX) {
        i--; /* the last one is "other" */
    } else if (i == *len) {
        (*len)++;
        strncpy(sums[i].name, i == METRIC_APPLICATIONS_MAX - 1 ? "other" : name, sizeof(sums[i].name) - 1);
    }
    sums[i].flows += flows;
}

void pt_soft_put_inspections(const struct pt_map *inspections, struct pt_buf *out)
{
    struct inspection_state sum = {0};
    struct use uses[METRIC_APPLICATIONS_MAX] = {0};
    size_t len = 0;
    PT_MAP_FOREACH (entry, inspections) {
        const struct inspection_state *state = entry->value;
        sum.sampled += state->sampled;
        sum.not_sampled += state->not_sampled;
        sum.cache_hits += state->cache_hits;
        sum.cache_misses += state->cache_misses;
        for (size_t i = 0; i < state->uses_len; i++) {
            add_use(uses, &len, label_of(state->uses[i].name), state->uses[i].flows);
        }
    }
    pt_metric_head(out, PT_METRIC_INSPECT_PACKETS);
    pt_metric_value(out, PT_METRIC_INSPECT_PACKETS, "sampled", sum.sampled);
    pt_metric_value(out, PT_METRIC_INSPECT_PACKETS, "not_sampled", sum.not_sampled);
    pt_metric_head(out, PT_METRIC_INSPECT_FLOWS);
    for (size_t i = 0; i < len; i++) {
        pt_metric_value(out, PT_METRIC_INSPECT_FLOWS, uses[i].name, uses[i].flows);
    }
    pt_metric_head(out, PT_METRIC_INSPECT_CACHE);
    pt_metric_value(out, PT_METRIC_INSPECT_CACHE, "hit", sum.cache_hits);
    pt_metric_value(out, PT_METRIC_INSPECT_CACHE, "miss", sum.cache_misses);
}
