/*
 * What nodes say of translation on the links that their hosts leave by: kept as it came, for reads of Link, for the
 * doctor and for /metrics. A node is believed about the links of its own edge only (soft_class.c).
 */
#include "serve/controller_priv.h"

#include "base/assert.h"
#include "base/metric.h"
#include "bpf/abi/nat.h"
#include "patronus/v1/agent.pb-c.h"

#include <stdlib.h>
#include <string.h>

#define LINKS_LEN_MAX 100000U
#define STALE_NS (10 * 1000000000ULL)  /* a node says it each second */
#define RECENT_NS (60 * 1000000000ULL) /* so long a link that refused a host counts as full */
#define PORTS (PT_NAT_PORT_LAST - PT_NAT_PORT_FIRST + 1)

struct translation_state {
    char edge[PT_NAME_SIZE_MAX + 1];
    uint64_t heard_ns, refused_ns; /* when it last said that hosts were refused; 0: never */
    uint64_t made, exhausted;
    uint32_t tcp_ports, udp_ports, icmp_ids;
};

static void take(struct pt_controller *controller, struct pt_map *translations, const char *edge,
                 const Patronus__V1__TranslationReport *report)
{
    struct translation_state *state = pt_map_get_str(translations, report->link);
    uint64_t now = pt_sys_now_ns(controller->sys);
    if (!pt_soft_is_of_site(report->link, edge) || (state == NULL && translations->count >= LINKS_LEN_MAX)) {
        return;
    }
    if (state == NULL) {
        state = calloc(1, sizeof(*state));
        pt_assert(state != NULL);
        (void)pt_map_put(translations, report->link, strlen(report->link), state);
        state->exhausted = report->exhausted; /* when those were is not known */
    }
    strncpy(state->edge, edge, sizeof(state->edge) - 1);
    state->refused_ns = report->exhausted > state->exhausted ? now : state->refused_ns;
    state->heard_ns = now;
    state->made = report->made;
    state->exhausted = report->exhausted;
    state->tcp_ports = report->tcp_ports;
    state->udp_ports = report->udp_ports;
    state->icmp_ids = report->icmp_ids;
}

void pt_soft_take_translations(struct pt_controller *controller, struct pt_map *translations, const char *edge,
                               const Patronus__V1__Telemetry *telemetry)
{
    for (size_t i = 0; i < telemetry->n_translations; i++) {
        take(controller, translations, edge, telemetry->translations[i]);
    }
}

void pt_soft_clear_translations(struct pt_map *translations)
{
    PT_MAP_FOREACH (entry, translations) {
        free(entry->value);
    }
    pt_map_clear(translations);
}

/* Of the link, as its own edge said of late; else NULL. */
static const struct translation_state *find(struct pt_controller *controller, const struct pt_map *translations,
                                            const struct pt_msg *link)
{
    const struct translation_state *state = pt_map_get_str(translations, pt_msg_str(link, "name"));
    bool valid = state != NULL && strcmp(state->edge, pt_msg_str(link, "edge")) == 0 &&
                 pt_sys_now_ns(controller->sys) - state->heard_ns <= STALE_NS;
    return valid ? state : NULL;
}

void pt_soft_overlay_translation(struct pt_controller *controller, const struct pt_map *translations,
                                 struct pt_msg *resource, struct pt_arena *arena)
{
    const struct translation_state *state = find(controller, translations, resource);
    if (state == NULL) {
        return;
    }
    struct pt_msg *msg = pt_msg_new(arena, pt_schema_message(controller->schema, "patronus.v1.LinkTranslation"));
    pt_msg_set_u64(msg, arena, "mappings_made", state->made);
    pt_msg_set_u64(msg, arena, "exhausted_packets", state->exhausted);
    pt_msg_set_u64(msg, arena, "tcp_ports", state->tcp_ports);
    pt_msg_set_u64(msg, arena, "udp_ports", state->udp_ports);
    pt_msg_set_u64(msg, arena, "icmp_ids", state->icmp_ids);
    pt_msg_set_u64(msg, arena, "ports", PORTS);
    pt_msg_set_child(resource, arena, "translation", msg);
}

static bool is_refusing(const struct translation_state *state, uint64_t now)
{
    return state->refused_ns != 0 && now - state->refused_ns <= RECENT_NS;
}

bool pt_soft_refuses_ports(struct pt_controller *controller, const struct pt_map *translations,
                           const struct pt_msg *link)
{
    const struct translation_state *state = find(controller, translations, link);
    return state != NULL && is_refusing(state, pt_sys_now_ns(controller->sys));
}

/* ---- metrics -------------------------------------------------------------------------------------------------- */

/* Names of links are tenants', and no labels: sums, and how many links are full. */
void pt_soft_put_translations(struct pt_controller *controller, const struct pt_map *translations, struct pt_buf *out)
{
    uint64_t made = 0, exhausted = 0, links = 0, full = 0, now = pt_sys_now_ns(controller->sys);
    uint64_t taken[3] = {0};
    PT_MAP_FOREACH (entry, translations) {
        const struct translation_state *state = entry->value;
        made += state->made;
        exhausted += state->exhausted;
        if (now - state->heard_ns <= STALE_NS) {
            links++;
            full += is_refusing(state, now);
            taken[0] += state->tcp_ports;
            taken[1] += state->udp_ports;
            taken[2] += state->icmp_ids;
        }
    }
    pt_metric_head(out, PT_METRIC_NAT_MAPPINGS);
    pt_metric_value(out, PT_METRIC_NAT_MAPPINGS, "made", made);
    pt_metric_value(out, PT_METRIC_NAT_MAPPINGS, "refused", exhausted);
    pt_metric_head(out, PT_METRIC_NAT_PORTS);
    pt_metric_value(out, PT_METRIC_NAT_PORTS, "tcp", taken[0]);
    pt_metric_value(out, PT_METRIC_NAT_PORTS, "udp", taken[1]);
    pt_metric_value(out, PT_METRIC_NAT_PORTS, "icmp", taken[2]);
    pt_metric_head(out, PT_METRIC_NAT_LINKS);
    pt_metric_value(out, PT_METRIC_NAT_LINKS, "full", full);
    pt_metric_value(out, PT_METRIC_NAT_LINKS, "open", links - full);
}
