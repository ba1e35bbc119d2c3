/*
 * Paths that keep constraints: labels, groups and capacity of every link, round trip and loss of the whole. Private to
 * the mod.
 */
#pragma once

#include "mod/te/paths.h"

#define TE_CONSTRAINED_PATHS 3U /* that are searched for between two sites */

struct te_constraints {  /* a PathConstraints message for one topology */
    const bool *allowed; /* by link: at either end of a tunnel */
    uint64_t capacity_min_bps;
    uint64_t rtt_us_max, loss_ppm_max; /* UINT64_MAX: any */
};

/* In the arena. */
const struct te_constraints *te_constraints_new(const struct te_topology *topology, const struct pt_msg *message,
                                                struct pt_arena *arena);
bool te_constraints_keep(const struct te_constraints *constraints, const struct te_topology *topology,
                         const struct te_path *path);

/* Sums over a path's tunnels: round trip (of those that are measured; 0: none is), loss, and the narrowest capacity in
 * its direction (0: not known). */
struct te_path_measure {
    uint64_t rtt_us, loss_ppm, capacity_bps;
};
struct te_path_measure te_path_measure(const struct te_topology *topology, const struct te_path *path);

/* One search from a site, for all others of the fabric. */
struct te_constrained;
/* first: links that a path may begin with; NULL: any. Everything is borrowed until te_constrained_free. */
struct te_constrained *te_constrained_new(const struct te_topology *topology, const struct te_fabric *fabric,
                                          const struct te_constraints *constraints, size_t from, const bool *first);
void te_constrained_free(struct te_constrained *search);
/* The best path to a site, and in fabrics that are not too large more, as far from it as can be; tiers are set. False
 * when there is none, *ret_pair is empty then. */
bool te_constrained_pair(struct te_constrained *search, size_t to, struct te_pair *ret_pair);
