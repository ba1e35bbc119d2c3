/*
 * What traffic puts on links: pairs with demand, their candidate paths, and the directions of links that these use.
 *
 * Each WAN link has two directions with a capacity of their own: up (from the site) and down (to the site). A tunnel
 * uses the local link's up and the remote link's down. Private to the mod.
 */
#pragma once

#include "mod/te/paths.h"
#include "mod/te/update.h"

#define TE_CAPACITY_UNKNOWN 1e13 /* bit/s: a direction that is never full */

struct te_flow {
    size_t fabric, from, to; /* fabric: TE_NONE when no path is left */
    uint64_t rate_bps;
    uint64_t class_bps[PT_DEMAND_CLASSES]; /* of it, by number of TrafficClass; what has none is STANDARD's */
    uint32_t class_index;                  /* the TrafficClass that the flow is; 0: all of the pair */
};

struct te_load {
    struct te_flow *flows; /* ascending by (from, to) */
    size_t flows_len;
    /* Resources: 2 * link is its up direction, 2 * link + 1 its down direction. Paths of a flow stand in the order of
     * its pair. */
    struct te_update_problem problem;
    size_t paths_len;
    double *splits; /* by path, as the pairs' tiers and weights say */
};

/* From the measured demand, the pass's changes and, when these say so, the Demand resources. */
struct te_load *te_load_new(const struct pt_plan_pass *pass, const struct te_topology *topology,
                            const struct te_paths *paths, struct pt_arena *arena);
/* The same traffic with flow i cut into its classes in masks[i] (bit n: TrafficClass n); 0: left whole. */
struct te_load *te_load_by_class(const struct te_load *load, const uint32_t *masks, const struct te_topology *topology,
                                 const struct te_paths *paths, struct pt_arena *arena);
/* Loads by direction, in the arena. */
double *te_load_links(const struct te_load *load, const double *splits, struct pt_arena *arena);
/* Splits that the weights of tier 0 stand for; len of the pair's paths. */
void te_pair_splits(const struct te_pair *pair, double *ret_splits);
