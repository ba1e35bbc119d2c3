/*
 * The rounds that bring the worst utilisation down: what solving from the beginning and after a failure share. Private
 * to the folder.
 */
#pragma once

#include "flow/soft.h"

/* A path set of some of the demands, with rates: a problem may be spread over several. */
struct flow_layer {
    struct flow_table table;
    uint32_t *chosen; /* entries that are to be looked at closely; room for all */
    size_t chosen_len;
};

struct flow_climb {
    struct flow_soft soft; /* loads, lengths, links[].inverse, value and bound; its table changes from layer to layer */
    const struct flow_run *run; /* gap, passes_max, stop */
    struct flow_layer *layers;
    size_t layers_len;
    size_t demands_len;   /* of the whole problem */
    double *best_lengths; /* by link: those that prove soft.bound; sum of capacity times length is 1 */
    size_t passes;        /* over all demands, so far */
};

/* How soft the maximum may be to begin with, for a gap: a times the worst utilisation. */
double flow_climb_sharpness(double gap);
/* The bound is one that these lengths prove, sum being that of capacity times length: keep the better. */
void flow_climb_bound(struct flow_climb *climb, const double *lengths, double bound, double sum);
/* Balance what is chosen, then round after round, until the gap is met, passes are used up or the caller says stop.
 * soft.loads are those of the rates, before and after. `keep`, when not NULL, is called with the first answer and
 * whenever a round has made a better one. */
void flow_climb_run(struct flow_climb *climb, void (*keep)(void *arg, const struct flow_climb *climb), void *keep_arg);
