/*
 * Is it max-min fair? Computed anew from the rates of the paths and the lengths of the levels alone.
 *
 * Let d be a demand that was held, l its level's lengths, r rates and w weights. Take any answer in which nobody who
 * has no more than d is worse off: every other demand j has at least
 *   least(j) = r(j)                        where its class comes before that of d
 *              min(r(j), r(d) / w(d) w(j)) in the class of d
 *              0                           in a later class.
 * What is carried has to fit: sum over j of its rate * shortest(j) <= sum of what links may carry * l. So d has
 *   r'(d) <= r(d) + (sum of full * l - sum of least * shortest) / shortest(d).
 * That is the definition of max-min fairness, but for the last term: its share of r'(d) is the gap of the demand (of a
 * hundredth of what it asks for, where that is more: somebody may be left nothing by earlier classes).
 *
 * The same numbers bound the level that all of a group could reach together, which is the gap of the level.
 */
#include "flow/free.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SERVED (1 - 1e-6)
#define WORTH_HAVING 0.01 /* of what a demand asks for: one that has less is judged against that */

struct judging {
    const struct pt_flow_problem *problem;
    const struct flow_view *view; /* any path; NULL: those of the set */
    const struct pt_flow_levels *levels;
    const double *rates;
    double *far;       /* by node, to the current target: any path */
    uint32_t *order;   /* demands by target: any path */
    double *lengths;   /* by link, of a level */
    double *behind;    /* by step: what is left to the path's end */
    double *carried;   /* by demand */
    double *distances; /* by demand, by the level's lengths */
    uint32_t *member;  /* demands by level */
    size_t *first;     /* by level: into member */
};

static double weight_of(const struct pt_flow_demand *demand)
{
    return demand->weight > 0 ? demand->weight : 1;
}

static void measure_set(struct judging *j)
{
    const struct pt_flow_paths *paths = j->problem->paths;
    for (size_t s = 0; s < paths->steps_len; s++) { /* what a step leads to lies before it */
        uint32_t next = paths->steps[s].next;
        j->behind[s] = j->lengths[paths->steps[s].link] + (next == FLOW_LAST ? 0 : j->behind[next]);
    }
    for (size_t d = 0; d < j->problem->demands_len; d++) {
        j->distances[d] = INFINITY;
        for (uint32_t slot = paths->first[d]; slot < paths->first[d + 1]; slot++) {
            j->distances[d] = fmin(j->distances[d], j->behind[paths->slots[slot]]);
        }
    }
}

static void measure_any(struct judging *j)
{
    uint32_t target = UINT32_MAX;
    for (size_t i = 0; i < j->problem->demands_len; i++) {
        const struct pt_flow_demand *demand = &j->problem->demands[j->order[i]];
        if (demand->to != target) {
            target = demand->to;
            flow_far(j->view, j->lengths, target, j->far);
        }
        j->distances[j->order[i]] = j->far[demand->from];
    }
}

/* Lengths of a level, and every demand's distance by them. */
static enum pt_code measure(struct judging *j, size_t k, double *ret_budget, struct pt_error *reterr)
{
    const struct pt_flow_paths *paths = j->problem->paths;
    double share = j->problem->utilisation_max > 0 ? j->problem->utilisation_max : 1;
    memset(j->lengths, 0, paths->links_len * sizeof(double));
    *ret_budget = 0;
    for (size_t i = j->levels->levels[k].first; i < j->levels->levels[k + 1].first; i++) {
        uint32_t link = j->levels->links[i];
        if (link >= paths->links_len || !(j->levels->lengths[i] >= 0)) {
            return pt_fail(reterr, PT_INTERNAL, PT_REASON_NONE, "levels", "level %zu has a length that is none", k);
        }
        j->lengths[link] += j->levels->lengths[i];
        *ret_budget += pt_flow_link_at(j->problem->graph, link)->capacity * share * j->levels->lengths[i];
    }
    if (j->view != NULL) {
        measure_any(j);
    } else {
        measure_set(j);
    }
    return PT_OK;
}

/* What is left of the budget when everybody has the least that a demand of that class and level must leave. */
static double left_over(const struct judging *j, double budget, uint32_t class_index, double level)
{
    double paid = 0;
    for (size_t d = 0; d < j->problem->demands_len; d++) {
        const struct pt_flow_demand *demand = &j->problem->demands[d];
        if (j->carried[d] > 0 && demand->class_index <= class_index) {
            double least =
                demand->class_index < class_index ? j->carried[d] : fmin(j->carried[d], level * weight_of(demand));
            paid += least * j->distances[d];
        }
    }
    return fmax(0, budget - paid);
}

/* How much of what it might have a demand lacks. */
static double gap_of(const struct judging *j, size_t d, double left)
{
    const struct pt_flow_demand *demand = &j->problem->demands[d];
    double more = j->distances[d] > 0 ? left / j->distances[d] : INFINITY;
    more = fmin(more, fmax(0, demand->rate - j->carried[d]));
    return more > 0 ? more / fmax(j->carried[d] + more, demand->rate * WORTH_HAVING) : 0;
}

/* Members of one class at a level. */
static void judge(const struct judging *j, size_t k, uint32_t class_index, double budget,
                  struct pt_flow_level_proof *proof, struct pt_flow_fairness *fairness)
{
    double level = INFINITY;
    double mass = 0;
    for (size_t i = j->first[k]; i < j->first[k + 1]; i++) {
        const struct pt_flow_demand *demand = &j->problem->demands[j->member[i]];
        if (demand->class_index == class_index) {
            level = fmin(level, j->carried[j->member[i]] / weight_of(demand));
            mass += weight_of(demand) * j->distances[j->member[i]];
        }
    }
    if (level == INFINITY) {
        return;
    }
    double left = left_over(j, budget, class_index, level);
    if (class_index == j->levels->levels[k].class_index) {
        proof->value = level;
        proof->bound = mass > 0 ? level + left / mass : INFINITY;
        proof->gap = proof->bound > 0 ? 1 - level / proof->bound : 0;
    }
    for (size_t i = j->first[k]; i < j->first[k + 1]; i++) {
        size_t d = j->member[i];
        if (j->problem->demands[d].class_index == class_index) {
            double gap = gap_of(j, d, left);
            fairness->gap = fmax(fairness->gap, gap);
            fairness->gap_mean += gap;
        }
    }
}

/* Members by level; who has neither all nor a level is unproved. */
static enum pt_code sort_out(struct judging *j, struct pt_flow_fairness *fairness, struct pt_error *reterr)
{
    const struct pt_flow_problem *problem = j->problem;
    for (size_t d = 0; d < problem->demands_len; d++) {
        for (uint32_t slot = problem->paths->first[d]; slot < problem->paths->first[d + 1]; slot++) {
            j->carried[d] += j->rates[slot];
        }
        bool asks = problem->demands[d].rate > 0 && problem->paths->first[d] < problem->paths->first[d + 1];
        uint32_t level = j->levels->of[d];
        if (level != PT_FLOW_LEVEL_NONE && level >= j->levels->len) {
            return pt_fail(reterr, PT_INTERNAL, PT_REASON_NONE, "levels", "demand %zu is at level %u of %zu", d, level,
                           j->levels->len);
        }
        if (level != PT_FLOW_LEVEL_NONE) {
            j->first[level + 1]++;
            fairness->held++;
        } else if (asks && j->carried[d] >= problem->demands[d].rate * SERVED) {
            fairness->served++;
        } else {
            fairness->unproved += asks;
        }
    }
    for (size_t k = 0; k < j->levels->len; k++) {
        j->first[k + 1] += j->first[k];
    }
    for (size_t d = problem->demands_len; d-- > 0;) { /* from the end: first[k + 1] comes down to first[k] */
        if (j->levels->of[d] != PT_FLOW_LEVEL_NONE) {
            j->member[--j->first[j->levels->of[d] + 1]] = (uint32_t)d;
        }
    }
    for (size_t k = 0; k < j->levels->len; k++) {
        j->first[k] = j->first[k + 1];
    }
    j->first[j->levels->len] = fairness->held;
    return PT_OK;
}

static enum pt_code judge_all(struct judging *j, struct pt_flow_level_proof *proofs, struct pt_flow_fairness *fairness,
                              struct pt_error *reterr)
{
    PT_TRY(sort_out(j, fairness, reterr));
    uint32_t classes_len = flow_classes_len(j->problem);
    for (size_t k = 0; k < j->levels->len; k++) {
        double budget = 0;
        struct pt_flow_level_proof proof = {.demands_len = j->first[k + 1] - j->first[k]};
        PT_TRY(measure(j, k, &budget, reterr));
        for (uint32_t c = 0; c < classes_len; c++) {
            judge(j, k, c, budget, &proof, fairness);
        }
        fairness->level_gap = fmax(fairness->level_gap, proof.gap);
        if (proofs != NULL) {
            proofs[k] = proof;
        }
    }
    if (fairness->unproved > 0) {
        fairness->gap = fairness->level_gap = 1;
        fairness->gap_mean += (double)fairness->unproved;
    }
    if (fairness->held + fairness->unproved > 0) {
        fairness->gap_mean /= (double)(fairness->held + fairness->unproved);
    }
    return PT_OK;
}

static enum pt_code verify(const struct pt_flow_problem *problem, const struct flow_view *view, const double *rates,
                           const struct pt_flow_levels *levels, struct pt_flow_level_proof *ret_proofs,
                           struct pt_flow_fairness *ret_fairness, struct pt_error *reterr)
{
    const struct pt_flow_paths *paths = problem->paths;
    struct pt_flow_fairness fairness = {0};
    struct judging j = {.problem = problem, .view = view, .levels = levels, .rates = rates};
    j.far = flow_alloc(pt_flow_nodes_len(problem->graph), sizeof(double));
    j.order = flow_alloc(problem->demands_len, sizeof(j.order[0]));
    j.lengths = flow_alloc(paths->links_len, sizeof(double));
    j.behind = flow_alloc(paths->steps_len, sizeof(double));
    j.carried = flow_alloc(problem->demands_len, sizeof(double));
    j.distances = flow_alloc(problem->demands_len, sizeof(double));
    j.member = flow_alloc(problem->demands_len, sizeof(j.member[0]));
    j.first = flow_alloc(levels->len + 2, sizeof(j.first[0]));
    enum pt_code code = PT_OK;
    if (j.far == NULL || j.order == NULL || j.lengths == NULL || j.behind == NULL || j.carried == NULL ||
        j.distances == NULL || j.member == NULL || j.first == NULL || !flow_by_target(problem, j.order)) {
        code = flow_no_memory(reterr);
    } else {
        code = judge_all(&j, ret_proofs, &fairness, reterr);
    }
    if (code == PT_OK) {
        *ret_fairness = fairness;
    }
    void *const all[] = {j.far, j.order, j.lengths, j.behind, j.carried, j.distances, j.member, j.first};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        free(all[i]);
    }
    return code;
}

enum pt_code pt_flow_verify_levels(const struct pt_flow_problem *problem, const double *rates,
                                   const struct pt_flow_levels *levels, struct pt_flow_level_proof *ret_proofs,
                                   struct pt_flow_fairness *ret_fairness, struct pt_error *reterr)
{
    return verify(problem, NULL, rates, levels, ret_proofs, ret_fairness, reterr);
}

enum pt_code pt_flow_verify_levels_any(const struct pt_flow_problem *problem, const struct pt_flow_rules *rules,
                                       const double *rates, const struct pt_flow_levels *levels,
                                       struct pt_flow_level_proof *ret_proofs, struct pt_flow_fairness *ret_fairness,
                                       struct pt_error *reterr)
{
    struct flow_view view;
    PT_TRY(flow_view_init(&view, problem->graph, rules, reterr));
    enum pt_code code = verify(problem, &view, rates, levels, ret_proofs, ret_fairness, reterr);
    flow_view_fini(&view);
    return code;
}
