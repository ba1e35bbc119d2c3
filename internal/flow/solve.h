/*
 * The solver: shares of demands over their paths, with a certificate.
 *
 * Objectives (x: rate of a path; load(e): sum of x over paths through link e; c: capacity):
 *   MIN_MLU    carry every demand; least u with load(e) <= u c(e). Classes play no part.
 *   MAX_FLOW   load(e) <= b c(e), at most its rate for each demand; most carried in all. Class by class: class 0 gets
 *              the most it can; what it takes is gone for class 1; and so on.
 *   MAX_MIN    the same bounds; rates per weight max-min fair within a class, class by class as before.
 *   MIN_DELAY  carry every demand within load(e) <= b c(e); least sum of x times delay of path.
 * b is utilisation_max.
 *
 * The certificate. A dual bound is what any feasible answer *on the given path set* cannot beat; it comes from link
 * lengths that the result carries, and pt_flow_verify() computes value and bound anew from rates and lengths alone:
 *   MIN_MLU    any l >= 0 with sum c l = 1:  u >= sum over demands of rate * (shortest path by l)
 *   MAX_FLOW   any l >= 0:  carried <= sum b c l + sum over demands of rate * max(0, 1 - shortest)   (one class)
 *   MIN_DELAY  any l >= 0:  delay >= sum over demands of rate * min over paths (delay + l) - sum b c l
 *   MAX_MIN    value is the level t up to which every demand of class 0 gets min(rate, t * weight); any l >= 0:
 *              sum over demands of min(rate, t * weight) * shortest <= sum b c l
 * MAX_FLOW with several classes adds up the bounds of the classes, each with its own lengths, and with the capacity
 * that the answer leaves to it. gap = |value - bound| / the larger of the two; 0 when both are 0. The gap says nothing
 * about paths outside the set.
 *
 * Anytime: stop() is asked between passes; the best answer so far is returned, its gap saying how good it is. An answer
 * is always feasible, also when stopped at once. The same inputs give the same bits (unless stop() cuts in).
 */
#pragma once

#include "flow/paths.h"

enum pt_flow_objective { PT_FLOW_MIN_MLU, PT_FLOW_MAX_MIN, PT_FLOW_MAX_FLOW, PT_FLOW_MIN_DELAY };

struct pt_flow_problem { /* everything borrowed */
    const struct pt_flow_graph *graph;
    const struct pt_flow_demand *demands;
    size_t demands_len;
    const struct pt_flow_paths *paths; /* of the same demands, in the same order */
    enum pt_flow_objective objective;
    double utilisation_max; /* 0 means 1; not used by MIN_MLU */
};

struct pt_flow_certificate {
    double value, bound, gap;
    uint32_t worst_link;   /* the most used one by load / capacity */
    double utilisation;    /* its load / capacity */
    double carried, unmet; /* sums of rates */
};

struct pt_flow_result {
    struct pt_flow_certificate certificate;
    double *rates; /* by slot */
    size_t rates_len;
    double *loads;   /* by link */
    double *lengths; /* [class * links_len + link]: the dual prices that prove the bound; MIN_MLU and MIN_DELAY have one
                        class. A unit more of capacity moves the objective by about the price (MIN_MLU: times u) */
    uint32_t links_len, classes_len;
    size_t passes; /* over all demands; what the work was */
    /* MAX_MIN, beyond the first level: demands are held back in groups, each of which shares a bottleneck. Prices show
     * that no answer gives a whole group more than (1 + growth) of what it was held at while everybody else keeps what
     * they had then; gap is growth / (1 + growth). The largest, and the mean over demands (of the class with the
     * largest); what is served has none. A
     * demand of a group may still be worse off than its fellows had to make it. */
    double level_gap, level_gap_mean;
    uint32_t level_groups;
    bool reached; /* the gap that was asked for */
};

struct pt_flow_options {
    double gap;              /* stop when the certified gap is at most this; 0 means 0.01 */
    size_t passes_max;       /* 0: no limit but the built-in one */
    bool (*stop)(void *arg); /* true: answer with what there is; may be NULL */
    void *stop_arg;
    /* Warm start: an earlier result, and the paths it was for (the same demands by index; the paths may differ: a rate
     * stays on a path that is still there). Both or neither. */
    const struct pt_flow_result *warm;
    const struct pt_flow_paths *warm_paths;
};

/* PT_FAILED_PRECONDITION when there is no feasible answer (MIN_DELAY above the bound, a demand without a path where all
 * must be carried): the error names the demand or the link. ret_result is the caller's: pt_flow_result_free. */
enum pt_code pt_flow_solve(const struct pt_flow_problem *problem, const struct pt_flow_options *options,
                           struct pt_flow_result **ret_result, struct pt_error *reterr) PT_MUST;
/* The same over all paths of the graph, found as needed: problem->paths is not read, the set that was made is returned
 * and is the caller's to free. The bound holds for every path that `rules` let through. */
enum pt_code pt_flow_solve_free(const struct pt_flow_problem *problem, const struct pt_flow_rules *rules,
                                const struct pt_flow_options *options, struct pt_flow_paths **ret_paths,
                                struct pt_flow_result **ret_result, struct pt_error *reterr) PT_MUST;
/* NULL is fine. */
void pt_flow_result_free(struct pt_flow_result *result);

/* Compute the certificate again from rates and lengths, by nothing that the solver has cached. PT_INTERNAL with the
 * place when the rates break a constraint by more than 1e-6 of it. */
enum pt_code pt_flow_verify(const struct pt_flow_problem *problem, const double *rates, const double *lengths,
                            struct pt_flow_certificate *ret_certificate, struct pt_error *reterr) PT_MUST;
