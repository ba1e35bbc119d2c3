/*
 * Translation of addresses on links that hosts leave by, for telemetry: what was made and refused, and how many ports
 * are taken.
 *
 * The first two are counted by the programs. Ports are counted by reading the pool, which costs some milliseconds: so
 * twice a minute, and at once when a host was refused one, because then somebody will look.
 */
#include "agent/agent_priv.h"

#include "base/arena.h"
#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#define LINKS_MAX 64 /* numbers are 1..64 */
#define PORTS_NS (30 * 1000000000ULL)

struct pt_agent_ports {
    struct pt_dp_translation last[LINKS_MAX + 1]; /* by number of the link */
    uint64_t counted_at_ns[LINKS_MAX + 1];        /* 0: never */
};

/* Bit n - 1: hosts of some segment leave by link n. */
static uint64_t exits_of(const struct pt_bundle *bundle)
{
    size_t len = 0;
    const Patronus__V1__Entry *const *entries = pt_bundle_entries(bundle, &len);
    uint64_t exits = 0;
    for (size_t i = 0; i < len; i++) {
        if (entries[i]->entry_case == PATRONUS__V1__ENTRY__ENTRY_EXIT && entries[i]->exit->link >= 1 &&
            entries[i]->exit->link <= LINKS_MAX) {
            exits |= 1ULL << (entries[i]->exit->link - 1);
        }
    }
    return exits;
}

static const char *name_of(const struct pt_bundle *bundle, uint32_t link)
{
    size_t len = 0;
    const Patronus__V1__Entry *const *entries = pt_bundle_entries(bundle, &len);
    for (size_t i = 0; i < len; i++) {
        if (entries[i]->entry_case == PATRONUS__V1__ENTRY__ENTRY_LINK && entries[i]->link->link == link) {
            return entries[i]->link->name;
        }
    }
    return "";
}

/* The counts of now; those of ports as they were counted last. False: the data plane has no such pool. */
static bool count(struct pt_agent *agent, uint32_t link, struct pt_dp_translation *ret_counts)
{
    const struct pt_dp_ops *ops = agent->options.dp->ops;
    struct pt_dp_translation *last = &agent->ports->last[link];
    uint64_t now = pt_sys_now_ns(agent->options.sys), *at = &agent->ports->counted_at_ns[link];
    if (!ops->translation(agent->options.dp, link, false, ret_counts)) {
        return false;
    }
    bool refused = *at != 0 && ret_counts->exhausted != last->exhausted && now - *at >= PORTS_NS / 10;
    if (*at == 0 || now - *at >= PORTS_NS || refused) {
        *at = now;
        return ops->translation(agent->options.dp, link, true, ret_counts) && (*last = *ret_counts, true);
    }
    memcpy(ret_counts->taken, last->taken, sizeof(ret_counts->taken));
    return true;
}

void pt_agent_add_translations(struct pt_agent *agent, struct pt_arena *arena, Patronus__V1__Telemetry *telemetry)
{
    uint64_t exits = agent->bundle != NULL ? exits_of(agent->bundle) : 0;
    if (agent->options.dp->ops->translation == NULL || exits == 0) {
        return;
    }
    if (agent->ports == NULL) {
        agent->ports = calloc(1, sizeof(*agent->ports));
        pt_assert(agent->ports != NULL);
    }
    telemetry->translations = pt_arena_array(arena, LINKS_MAX, sizeof(*telemetry->translations));
    for (uint32_t link = 1; link <= LINKS_MAX; link++) {
        struct pt_dp_translation counts;
        if ((exits >> (link - 1) & 1) == 0 || !count(agent, link, &counts)) {
            continue;
        }
        Patronus__V1__TranslationReport *report = PT_NEW(arena, Patronus__V1__TranslationReport);
        patronus__v1__translation_report__init(report);
        report->link = pt_arena_strdup(arena, name_of(agent->bundle, link));
        report->made = counts.made;
        report->exhausted = counts.exhausted;
        report->tcp_ports = counts.taken[0];
        report->udp_ports = counts.taken[1];
        report->icmp_ids = counts.taken[2];
        telemetry->translations[telemetry->n_translations++] = report;
    }
}
