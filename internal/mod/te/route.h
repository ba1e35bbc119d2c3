/*
 * The candidates of a site's pairs: which paths each has, before tiers and weights. Private to the mod.
 */
#pragma once

#include "mod/te/search.h"

/* What a pair's searches found beside its paths: with them it says which changes could matter (kept.h). */
#define TE_DROPPED_MAX 4
#define TE_LIMIT_NONE UINT64_MAX

struct te_searched {
    uint64_t limit; /* cost of the costliest path that was searched for, without what all the pair's paths pay;
                       TE_LIMIT_NONE: more was dropped than there is room for, any change may matter */
    size_t taken;   /* paths of the first kind; what stands behind them was found without any cost for sharing */
    size_t dropped_len;
    struct te_path dropped[TE_DROPPED_MAX]; /* found, and not taken */
};

/* A search for the pair found a path at this cost; and one that is not taken. */
void te_searched_note(struct te_searched *searched, uint64_t cost);
void te_searched_drop(struct te_searched *searched, const struct te_path *path);

/* Paths of the pairs (from, to) whose `wanted` is set, by site: the others stay as they are. `costly` has room for a
 * flag a link; ret_searched is by site too. Pairs that are wanted must be empty. */
void te_route_source(struct te_search *search, size_t from, const bool *wanted, bool *costly,
                     struct te_routing *routing, struct te_searched *ret_searched);
