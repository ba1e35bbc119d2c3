/*
 * What nodes do now with the traffic of a pass: where its update begins. Private to the mod.
 */
#pragma once

#include "mod/te/load.h"

struct te_in_force {  /* by path of the load, in multiples of 1/TE_QUANTUM */
    double *planned;  /* what the pass before gave them; the normal shares where that says nothing */
    double *carrying; /* the same without what is dead: its traffic has been taken elsewhere by its node */
};

/*
 * Traffic leaves a path in steps also when it is no path of its pair any more, because others have become better. So
 * what carried in the pass before, and is missing now, is put behind the paths of the pairs that have traffic; nothing
 * new is put on it. *ret_kept: some was; *ret_lost: some cannot be, since a link is gone: then what nodes do until they
 * have their bundles is in no promise.
 */
void te_in_force_keep(const struct pt_plan_pass *pass, const struct te_topology *topology, struct te_paths *paths,
                      const struct te_load *load, bool *ret_kept, bool *ret_lost);
/* Takes away what was kept and carries nothing any more. */
void te_in_force_drop(const struct te_topology *topology, struct te_paths *paths, const struct te_load *load);

/* `before` and `normal` are those of the problem: shares that a solution gave, and what tiers and weights say. */
void te_in_force_find(const struct pt_plan_pass *pass, const struct te_topology *topology, const struct te_paths *paths,
                      const struct te_load *load, const double *before, const double *normal,
                      struct te_in_force *ret_in_force);
