/*
 * From one set of splits to the next without congestion on the way.
 *
 * Nodes change one by one and in no order. While a step is under way a link may carry, of each flow, the greater of
 * what the flow puts on it before and after: the worst that any interleaving can do is the sum of these.
 */
#pragma once

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TE_UPDATE_STEPS_MAX 64
#define TE_QUANTUM 256 /* sum of the weights that a solution gives to the paths of a pair */

/* The weight of a share that te_quantise has rounded. */
uint32_t te_split_weight(double split);
/* A utilisation or a gap in millionths; what is not finite, or absurd: UINT64_MAX. */
uint64_t te_ppm(double share);

struct te_update_problem {  /* borrowed */
    const double *capacity; /* by link, in the unit of the rates; INFINITY: unknown */
    size_t links_len;
    const double *rate; /* by flow */
    size_t flows_len;
    const size_t *first_path; /* by flow: its paths begin here; flows_len + 1 long */
    const size_t *first_hop;  /* by path: its links begin here in hops; one longer than there are paths */
    const uint32_t *hops;     /* links; none twice in a path */
    uint32_t quantum;         /* splits that stand in between are multiples of 1/quantum; 0: any */
    size_t steps_left;        /* of an update that is under way: without a promise no more than these; 0: it begins */
};

struct te_update {
    double **splits; /* by step, then by path; the last is the target */
    size_t steps_len;
    bool promised;    /* no link exceeds its capacity in any interleaving of any step */
    double worst;     /* highest utilisation in the worst interleaving of all steps */
    double scratch;   /* share of capacity that both ends leave free on every link; <= 0: none */
    size_t steps_max; /* that so much scratch needs at most: ceil(1/scratch) - 1 */
};

/* Highest utilisation of one step in its worst interleaving; before == after gives the utilisation of a state. */
double te_update_worst(const struct te_update_problem *problem, const double *before, const double *after);

/*
 * Plan the steps from `before` to `after` (splits by path; those of a flow add to 1, or are all 0). What is promised
 * has been verified. Without a promise it is the least bad of up to TE_UPDATE_STEPS_MAX even steps, in the fewest that
 * come within a hundredth of it: more would only make it last. Flows whose splits are the same at both ends never move.
 */
const struct te_update *te_update_plan(const struct te_update_problem *problem, const double *before,
                                       const double *after, struct pt_arena *arena);

/*
 * Splits (adding to 1) as weights that add to `quantum`, by largest remainder, the first of equals. Returns the largest
 * difference between a split and its weight's share: less than 1/quantum.
 */
double te_quantise(const double *splits, size_t len, uint32_t quantum, uint32_t *ret_weights);
