/*
 * Any path: column generation.
 *
 * Solve on the paths that there are; under the lengths of the answer, look for shorter paths in the whole graph; add
 * those that are shorter than what their demand has (free_grow.c), and solve again from there. The distances in the
 * graph make a bound for every path, not only for those of the set: when it is close enough to the value, or when
 * there is nothing to add, this is the answer.
 *
 * MAX_FLOW goes class by class, and each class looks by its own lengths; its first rounds are coarse, because their
 * paths are not the last ones. MAX_MIN has lengths for every level: all are looked by, since what is fair over a few
 * paths is not over all of them, and its proofs are judged over all paths. MIN_DELAY needs an answer that keeps the
 * bound on utilisation to begin with: as long as the paths of the set allow none, paths are added for the least
 * utilisation.
 */
#include "flow/free.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS_MAX 60
#define SOLVE_SHARE 0.5 /* of the gap that is asked for goes to solving, the rest to what paths are missing */
#define COARSE 8.0      /* MAX_FLOW: times the gap, in the first round */
#define FINER 0.5       /* of that in each round that follows */
#define CLOSER_MAX 3    /* times that the gap is divided by ten when it is not clear whether the bound can be kept */

struct rounds {
    struct pt_flow_problem problem; /* with the current set */
    const struct flow_view *view;
    const struct pt_flow_options *asked;
    double gap, bound;
    double coarse;               /* times the gap that a round is solved to; 1 in the end */
    struct pt_flow_paths *paths; /* the current set */
    struct pt_flow_result *result;
    struct pt_flow_fairness fairness; /* MAX_MIN: over all paths */
    double *lengths;                  /* that prove `bound` */
    double *distances;
};

static double gap_of(double value, double bound)
{
    double larger = fmax(fabs(value), fabs(bound));
    return larger > 0 ? fabs(value - bound) / larger : 0;
}

static double gap_now(const struct rounds *rounds)
{
    return fmax(gap_of(rounds->result->certificate.value, rounds->bound), rounds->fairness.gap);
}

/* ---- one round ------------------------------------------------------------------------------------------------- */

/* Solve on a set, which becomes the current one, from the answer so far. */
static enum pt_code solve_on(struct rounds *rounds, struct pt_flow_paths *paths, struct pt_error *reterr)
{
    struct pt_flow_options options = *rounds->asked;
    options.gap = rounds->gap * SOLVE_SHARE * rounds->coarse;
    options.warm = rounds->result;
    options.warm_paths = rounds->result != NULL ? rounds->paths : NULL;
    rounds->problem.paths = paths;
    struct pt_flow_result *result = NULL;
    enum pt_code code = pt_flow_solve(&rounds->problem, &options, &result, reterr);
    if (paths != rounds->paths) {
        struct pt_flow_paths *other = code == PT_OK ? rounds->paths : paths;
        rounds->paths = code == PT_OK ? paths : rounds->paths;
        rounds->problem.paths = rounds->paths;
        pt_flow_paths_free(other);
    }
    if (code == PT_OK) {
        pt_flow_result_free(rounds->result);
        rounds->result = result;
    }
    return code;
}

/* Bounds of one class do not depend on the answer: the best of all rounds is kept, with what proves it. What the second
 * class can have depends on what the first has taken, and fair levels on those before: there the newest counts. */
static void take_bound(struct rounds *rounds)
{
    const struct pt_flow_result *result = rounds->result;
    bool lower = rounds->problem.objective == PT_FLOW_MIN_MLU || rounds->problem.objective == PT_FLOW_MIN_DELAY;
    double bound = flow_bound(&rounds->problem, result->lengths, rounds->distances);
    if (lower ? bound > rounds->bound : bound < rounds->bound) {
        rounds->bound = bound;
        memcpy(rounds->lengths, result->lengths, (size_t)result->classes_len * result->links_len * sizeof(double));
    }
}

static enum pt_code judge(struct rounds *rounds, struct pt_error *reterr)
{
    struct pt_flow_certificate certificate;
    const struct pt_flow_result *result = rounds->result;
    bool flow = rounds->problem.objective == PT_FLOW_MAX_FLOW;
    if (rounds->problem.objective != PT_FLOW_MAX_MIN && !(flow && result->classes_len > 1)) {
        take_bound(rounds);
        return PT_OK;
    }
    PT_TRY(pt_flow_verify_any(&rounds->problem, &rounds->view->rules, result->rates, result->lengths, &certificate,
                              reterr));
    rounds->bound = certificate.bound;
    if (flow) {
        memcpy(rounds->lengths, result->lengths, (size_t)result->classes_len * result->links_len * sizeof(double));
        return PT_OK;
    }
    return pt_flow_verify_levels_any(&rounds->problem, &rounds->view->rules, result->rates, &result->levels, NULL,
                                     &rounds->fairness, reterr);
}

/* Look for paths under the newest lengths; solve again when there are any. *ret_last: the answer stays as it is. */
static enum pt_code look(struct rounds *rounds, bool no_more, bool *ret_last, struct pt_error *reterr)
{
    struct pt_flow_paths *larger = NULL;
    size_t added = 0;
    PT_TRY(flow_grow(rounds->view, &rounds->problem, rounds->result, rounds->distances, &larger, &added, reterr));
    enum pt_code code = judge(rounds, reterr);
    bool stopped = rounds->asked->stop != NULL && rounds->asked->stop(rounds->asked->stop_arg);
    bool complete = added == 0 && rounds->coarse <= 1;
    *ret_last = code != PT_OK || gap_now(rounds) <= rounds->gap || complete || stopped || no_more;
    if (*ret_last) {
        pt_flow_paths_free(larger);
        return code;
    }
    rounds->coarse = fmax(1, rounds->coarse * FINER);
    return solve_on(rounds, larger, reterr);
}

/* ---- rounds ---------------------------------------------------------------------------------------------------- */

static double share_of(const struct rounds *rounds)
{
    return rounds->problem.utilisation_max > 0 ? rounds->problem.utilisation_max : 1;
}

/* Paths for the least utilisation, until there is an answer below what is allowed or a proof that there is none. */
static enum pt_code make_feasible(struct rounds *rounds, struct pt_error *reterr)
{
    double gap = rounds->gap;
    rounds->problem.objective = PT_FLOW_MIN_MLU;
    rounds->bound = 0;
    PT_TRY(solve_on(rounds, rounds->paths, reterr));
    for (int closer = 0; closer <= CLOSER_MAX; closer++, rounds->gap /= 10) {
        bool last = false;
        for (int i = 0; i < ROUNDS_MAX && !last && rounds->result->certificate.value > share_of(rounds); i++) {
            PT_TRY(look(rounds, i + 1 == ROUNDS_MAX, &last, reterr));
        }
        if (rounds->result->certificate.value <= share_of(rounds) || rounds->bound > share_of(rounds)) {
            break;
        }
    }
    if (rounds->result->certificate.value > share_of(rounds)) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "utilisation_max",
                       "no answer keeps all links at %.6g or below: %.6g is reached over any path, and less than %.6g "
                       "is impossible; raise the bound",
                       share_of(rounds), rounds->result->certificate.value, rounds->bound);
    }
    rounds->gap = gap;
    rounds->bound = 0;
    rounds->problem.objective = PT_FLOW_MIN_DELAY;
    return PT_OK;
}

/* What has been found over all paths goes to the result. */
static void conclude(struct rounds *rounds)
{
    struct pt_flow_result *result = rounds->result;
    if (rounds->problem.objective != PT_FLOW_MAX_MIN) {
        memcpy(result->lengths, rounds->lengths, (size_t)result->classes_len * result->links_len * sizeof(double));
    }
    result->certificate.bound = rounds->bound;
    result->certificate.gap = gap_of(result->certificate.value, rounds->bound);
    result->fairness = rounds->fairness;
    result->reached = gap_now(rounds) <= rounds->gap;
}

static enum pt_code run_rounds(struct rounds *rounds, struct pt_error *reterr)
{
    const struct pt_flow_problem *problem = &rounds->problem;
    size_t links_len = rounds->view->graph->links_len;
    rounds->lengths = flow_alloc(links_len * flow_classes_len(problem), sizeof(double));
    rounds->distances = flow_alloc(problem->demands_len, sizeof(double));
    if (rounds->lengths == NULL || rounds->distances == NULL) {
        return flow_no_memory(reterr);
    }
    PT_TRY(pt_flow_paths_new(problem->graph, &rounds->view->rules, problem->demands, problem->demands_len, NULL,
                             &rounds->paths, reterr));
    if (problem->objective == PT_FLOW_MIN_DELAY) {
        PT_TRY(make_feasible(rounds, reterr));
    }
    PT_TRY(solve_on(rounds, rounds->paths, reterr));
    bool last = false;
    for (int i = 0; i < ROUNDS_MAX && !last; i++) {
        PT_TRY(look(rounds, i + 1 == ROUNDS_MAX, &last, reterr));
    }
    conclude(rounds);
    return PT_OK;
}

enum pt_code pt_flow_solve_free(const struct pt_flow_problem *problem, const struct pt_flow_rules *rules,
                                const struct pt_flow_options *options, struct pt_flow_paths **ret_paths,
                                struct pt_flow_result **ret_result, struct pt_error *reterr)
{
    static const struct pt_flow_options defaults;
    struct pt_flow_options asked = options != NULL ? *options : defaults;
    asked.warm = NULL; /* of other paths than those of the first set */
    asked.warm_paths = NULL;
    if (rules != NULL && (rules->delay_max > 0 || rules->loss_max > 0)) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "rules",
                       "any path with a bound on its delay or loss cannot be searched; ask for a number of paths");
    }
    struct flow_view view;
    PT_TRY(flow_view_init(&view, problem->graph, rules, reterr));
    bool lower = problem->objective == PT_FLOW_MIN_MLU || problem->objective == PT_FLOW_MIN_DELAY;
    struct rounds rounds = {.problem = *problem,
                            .view = &view,
                            .asked = &asked,
                            .gap = asked.gap > 0 ? asked.gap : FLOW_GAP_DEFAULT,
                            .coarse = problem->objective == PT_FLOW_MAX_FLOW ? COARSE : 1,
                            .bound = lower ? 0 : INFINITY};
    enum pt_code code = run_rounds(&rounds, reterr);
    flow_view_fini(&view);
    free(rounds.lengths);
    free(rounds.distances);
    if (code != PT_OK) {
        pt_flow_result_free(rounds.result);
        pt_flow_paths_free(rounds.paths);
        return code;
    }
    *ret_paths = rounds.paths;
    *ret_result = rounds.result;
    return PT_OK;
}
