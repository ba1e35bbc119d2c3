/*
 * What nodes say of the queues of their links: kept as it came, for reads of Link.
 *
 * A node is believed about the links of its own edge only: what it says is kept under the link's name together with its
 * own, and shown when the resource names that edge.
 */
#include "serve/controller_priv.h"

#include "base/assert.h"
#include "patronus/v1/agent.pb-c.h"

#include <stdlib.h>
#include <string.h>

#define LINKS_LEN_MAX 100000U
#define ERROR_SIZE 200
#define STALE_NS (10 * 1000000000ULL) /* a node says it each second */

struct class_state {
    uint32_t traffic_class, backlog_bytes, backlog_packets, delay_us;
    uint64_t rate_bps, promised_bps, drops, packets, bytes;
};

struct link_state {
    char edge[PT_NAME_SIZE_MAX + 1], error[ERROR_SIZE];
    uint64_t heard_ns;
    size_t classes_len;
    struct class_state classes[8];
};

bool pt_soft_is_of_site(const char *name, const char *edge)
{
    size_t size = strcspn(edge, "/");
    for (int i = 0; i < 3 && edge[size] != '\0'; i++) { /* organizations/x/sites/y/ */
        size += 1 + strcspn(edge + size + 1, "/");
    }
    return strlen(name) <= PT_NAME_SIZE_MAX && strncmp(name, edge, size + 1) == 0;
}

static void take_link(struct pt_controller *controller, struct pt_map *links, const char *edge,
                      const Patronus__V1__LinkReport *report)
{
    struct link_state *state = pt_map_get_str(links, report->name);
    if (!pt_soft_is_of_site(report->name, edge) || (state == NULL && links->count >= LINKS_LEN_MAX)) {
        return;
    }
    if (state == NULL) {
        state = calloc(1, sizeof(*state));
        pt_assert(state != NULL);
        (void)pt_map_put(links, report->name, strlen(report->name), state);
    }
    *state = (struct link_state){.heard_ns = pt_sys_now_ns(controller->sys)};
    strncpy(state->edge, edge, sizeof(state->edge) - 1);
    strncpy(state->error, report->error, sizeof(state->error) - 1);
    for (size_t i = 0; i < report->n_classes && i < 8; i++) {
        const Patronus__V1__ClassReport *class = report->classes[i];
        state->classes[state->classes_len++] = (struct class_state){.traffic_class = class->traffic_class,
                                                                    .rate_bps = class->rate_bps,
                                                                    .promised_bps = class->promised_bps,
                                                                    .backlog_bytes = class->backlog_bytes,
                                                                    .backlog_packets = class->backlog_packets,
                                                                    .delay_us = class->delay_us,
                                                                    .drops = class->drops,
                                                                    .packets = class->packets,
                                                                    .bytes = class->bytes};
    }
}

void pt_soft_take_links(struct pt_controller *controller, struct pt_map *links, const char *edge,
                        const Patronus__V1__Telemetry *telemetry)
{
    for (size_t i = 0; i < telemetry->n_links; i++) {
        take_link(controller, links, edge, telemetry->links[i]);
    }
}

void pt_soft_clear_links(struct pt_map *links)
{
    PT_MAP_FOREACH (entry, links) {
        free(entry->value);
    }
    pt_map_clear(links);
}

void pt_soft_overlay_classes(struct pt_controller *controller, const struct pt_map *links, struct pt_msg *resource,
                             struct pt_arena *arena)
{
    const struct link_state *state = pt_map_get_str(links, pt_msg_str(resource, "name"));
    const struct pt_message_type *type = pt_schema_message(controller->schema, "patronus.v1.LinkClass");
    if (state == NULL || strcmp(state->edge, pt_msg_str(resource, "edge")) != 0 ||
        pt_sys_now_ns(controller->sys) - state->heard_ns > STALE_NS || !pt_msg_has(resource, "qos_profile")) {
        return;
    }
    if (state->error[0] != '\0') {
        pt_msg_set_str(resource, arena, "shaping_error", state->error);
    }
    for (size_t i = 0; i < state->classes_len; i++) {
        const struct class_state *class = &state->classes[i];
        struct pt_msg *msg = pt_msg_new(arena, type);
        pt_msg_set_i64(msg, arena, "traffic_class", class->traffic_class);
        pt_msg_set_u64(msg, arena, "rate_bps", class->rate_bps);
        pt_msg_set_u64(msg, arena, "promised_bps", class->promised_bps);
        pt_msg_set_u64(msg, arena, "backlog_bytes", class->backlog_bytes);
        pt_msg_set_u64(msg, arena, "backlog_packets", class->backlog_packets);
        pt_msg_set_u64(msg, arena, "delay_us", class->delay_us);
        pt_msg_set_u64(msg, arena, "drops", class->drops);
        pt_msg_set_u64(msg, arena, "packets", class->packets);
        pt_msg_set_u64(msg, arena, "bytes", class->bytes);
        pt_msg_append(resource, arena, "classes", (union pt_value){.message = msg});
    }
}
