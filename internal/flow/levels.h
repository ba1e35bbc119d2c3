/*
 * Max-min fair rates, level by level, each level a linear program that an interior-point method solves nearly exactly.
 * For problems small enough; flow_solve_fair fills with water otherwise. Private to the folder.
 */
#pragma once

#include "flow/solve_priv.h"

struct flow_levels {
    const struct flow_run *run; /* asked whether to stop */
    const struct pt_flow_paths *paths;
    const double *weight; /* by entry; 0 when it takes no part */
    const double *rate;   /* by entry */
    const double *full;   /* by link */
    const uint8_t *shut;  /* by link: no path over it is used */
};

enum flow_levels_end {
    FLOW_LEVELS_DONE,     /* x and lengths are filled in */
    FLOW_LEVELS_UNFIT,    /* too large, or too close to singular: outputs are as they were */
    FLOW_LEVELS_NO_MEMORY /* likewise */
};

#define FLOW_LEVELS_GROWTH 5e-3 /* of its rate: who is shown not to get that much more stays */

/* x by entry slot; loads may be over by 1e-6, which the caller scales away. lengths by link prove the level at which
 * the first demand was held back (zeros when none was). Stopped early: those not yet held back have the level reached.
 */
enum flow_levels_end flow_levels_solve(const struct flow_levels *levels, double *ret_x, double *ret_lengths);
