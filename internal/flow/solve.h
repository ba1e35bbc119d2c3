/*
 * The solver: shares of demands over their paths, with a certificate.
 *
 * Objectives (x: rate of a path; load(e): sum of x over paths through link e; c: capacity):
 *   MIN_MLU    carry every demand; least u with load(e) <= u c(e). Classes play no part.
 *   MAX_FLOW   load(e) <= b c(e), at most its rate for each demand; most carried in all. Class by class: class 0 gets
 *              the most it can; class 1 what it can without class 0 carrying less in all (but for a twentieth of the
 *              gap), whose demands may take other paths, or other demands of it be served; and so on.
 *   MAX_MIN    the same bounds; rates per weight max-min fair within a class. Class 0 comes first: a demand of a later
 *              class never costs one of an earlier class any rate, but may make it use other paths.
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
 *              That is the first level; pt_flow_verify_levels() judges all of them, demand by demand.
 * MAX_FLOW with several classes adds up the bounds of the classes, each with its own lengths: no answer in which the
 * classes before carry in all what they do in this one carries more of the class (verify.c, solve_after.c). gap =
 * |value - bound| / the larger of the two; 0 when both are 0. The gap says nothing about paths outside the set.
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

/* One step of max-min fairness: demands that are held at one level, and lengths that show that they can get no more. */
struct pt_flow_level {
    double level;         /* rate / weight, as the solver saw it */
    uint32_t class_index; /* whose turn it was; demands of later classes may be held with it, at nothing */
    uint32_t demands_len; /* how many are */
    size_t first;         /* into links and lengths of pt_flow_levels, up to that of the next level */
};

struct pt_flow_levels {
    struct pt_flow_level *levels; /* one more than len: where the last one ends */
    size_t len;
    uint32_t *links; /* ascending within a level; others have length 0 */
    double *lengths;
    uint32_t *of; /* by demand: its level, or PT_FLOW_LEVEL_NONE: served, or not shown to be held */
};
#define PT_FLOW_LEVEL_NONE UINT32_MAX

struct pt_flow_level_proof {
    double value, bound, gap; /* the level, and what the whole group could reach if others keep what they have */
    size_t demands_len;
};

struct pt_flow_fairness {
    double gap, gap_mean; /* over demands that are not served: the share that one might lack of what it could have */
    double level_gap;     /* the largest of a level */
    size_t held, served, unproved;
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
    /* MAX_MIN; else empty: the levels of all classes in the order of their making, and what the verifier says of them.
     */
    struct pt_flow_levels levels;
    struct pt_flow_fairness fairness;
    bool reached; /* the gap that was asked for */
};

struct pt_flow_options {
    double gap;              /* stop when the certified gap is at most this; 0 means 0.01 */
    size_t passes_max;       /* 0: no limit but the built-in one; MAX_MIN goes on to its end */
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
 * and is the caller's to free. Bound and proofs of levels hold for every path that `rules` let through. */
enum pt_code pt_flow_solve_free(const struct pt_flow_problem *problem, const struct pt_flow_rules *rules,
                                const struct pt_flow_options *options, struct pt_flow_paths **ret_paths,
                                struct pt_flow_result **ret_result, struct pt_error *reterr) PT_MUST;
/* NULL is fine. */
void pt_flow_result_free(struct pt_flow_result *result);

/* Compute the certificate again from rates and lengths, by nothing that the solver has cached. PT_INTERNAL with the
 * place when the rates break a constraint by more than 1e-6 of it. */
enum pt_code pt_flow_verify(const struct pt_flow_problem *problem, const double *rates, const double *lengths,
                            struct pt_flow_certificate *ret_certificate, struct pt_error *reterr) PT_MUST;

/* The same, but the bound is one for every path that `rules` let through, not only for those of the set. */
enum pt_code pt_flow_verify_any(const struct pt_flow_problem *problem, const struct pt_flow_rules *rules,
                                const double *rates, const double *lengths, struct pt_flow_certificate *ret_certificate,
                                struct pt_error *reterr) PT_MUST;

/* MAX_MIN: is every demand's rate max-min fair? A gap of g says of a demand: no answer gives it more than rate / (1 -
 * g) unless a demand of an earlier class, or of its own class with no more per weight, gets less (a demand that
 * has less than a hundredth of what it asks for is judged against that hundredth). Computed from the
 * rates and the levels' lengths alone. ret_proofs has room for levels->len, or is NULL. */
enum pt_code pt_flow_verify_levels(const struct pt_flow_problem *problem, const double *rates,
                                   const struct pt_flow_levels *levels, struct pt_flow_level_proof *ret_proofs,
                                   struct pt_flow_fairness *ret_fairness, struct pt_error *reterr) PT_MUST;
/* The same over every path that `rules` let through. */
enum pt_code pt_flow_verify_levels_any(const struct pt_flow_problem *problem, const struct pt_flow_rules *rules,
                                       const double *rates, const struct pt_flow_levels *levels,
                                       struct pt_flow_level_proof *ret_proofs, struct pt_flow_fairness *ret_fairness,
                                       struct pt_error *reterr) PT_MUST;
