/*
 * What a pass found for each pair, kept for the next one: pairs that no change between the two can matter to have it
 * still. Private to the mod.
 */
#pragma once

#include "mod/te/route.h"

struct te_kept_path {
    uint64_t id, metric;
    uint32_t tunnels[PT_PATH_STACK_LEN_MAX + 1]; /* indices, as in struct te_path */
    uint8_t tunnels_len;
    bool disjoint;
    bool dropped; /* found, but no path of the pair */
};

/* Of one site's pairs. */
struct te_kept {
    struct te_kept_path *paths; /* in the order in which they were found */
    uint32_t *first;            /* by place of the destination: index into paths; members_len + 1 long */
    uint64_t *limit;            /* by place: te_searched.limit */
};

/* How one fabric differs between two passes. */
struct te_change {
    bool anew;                       /* in more than can be told here: nothing of before holds */
    bool any;                        /* some metric */
    bool *tunnels;                   /* by index: its metric is another */
    uint64_t **over_to, **from_over; /* by site of a few that all tunnels which became cheaper touch: the least metric
                                        to it from each site, and from it to each */
    size_t *over;
    size_t over_len;
    const struct te_kept *kept; /* by place of the source; NULL when anew */
};

/* Compare with the pass before, which may be NULL. The result is in the arena. */
struct te_change te_change_of(const struct te_topology *topology, size_t fabric, const struct te_topology *before,
                              const struct te_paths *paths_before, struct pt_arena *arena);
/* Take what still holds of a source's pairs into the routing; ret_wanted, by site, says which have to be found anew,
 * and their number is returned. */
size_t te_kept_take(const struct te_topology *topology, const struct te_fabric *fabric, const struct te_change *change,
                    size_t from, struct te_routing *routing, bool *ret_wanted);
/* All of a source's pairs, before tiers and weights: what was found anew, and what was taken. */
void te_kept_put(const struct te_topology *topology, const struct te_fabric *fabric, const struct te_change *change,
                 size_t from, const bool *wanted, const struct te_searched *searched, const struct te_routing *routing,
                 struct pt_arena *arena, struct te_kept *ret_kept);
/* Into another arena. */
struct te_kept te_kept_dup(const struct te_kept *kept, const struct te_fabric *fabric, struct pt_arena *arena);
