/*
 * The solver's entry: checks, the first answer (cold or warm), the objective's own algorithm, and the certificate.
 */
#include "flow/solve_priv.h"

#include "base/assert.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAR_AHEAD 24    /* entries, for what lies in another order */
#define CLASS_SHARE 0.5 /* of the gap: what a class lacks makes room for those behind it, and widens their gap */

bool flow_stopped(const struct flow_run *run)
{
    return run->options->stop != NULL && run->options->stop(run->options->stop_arg);
}

/* ---- results --------------------------------------------------------------------------------------------------- */

static struct pt_flow_result *new_result(const struct pt_flow_problem *problem)
{
    struct pt_flow_result *result = flow_alloc(1, sizeof(*result));
    if (result == NULL) {
        return NULL;
    }
    bool by_class = problem->objective == PT_FLOW_MAX_FLOW || problem->objective == PT_FLOW_MAX_MIN;
    result->rates_len = problem->paths->slots_len;
    result->links_len = problem->graph->links_len;
    result->classes_len = by_class ? flow_classes_len(problem) : 1;
    result->rates = flow_alloc(result->rates_len, sizeof(double));
    result->loads = flow_alloc(result->links_len, sizeof(double));
    result->lengths = flow_alloc((size_t)result->links_len * result->classes_len, sizeof(double));
    bool fits = result->rates != NULL && result->loads != NULL && result->lengths != NULL;
    if (fits && problem->objective == PT_FLOW_MAX_MIN) {
        result->levels.of = flow_alloc(problem->demands_len, sizeof(result->levels.of[0]));
        fits = result->levels.of != NULL;
    }
    if (!fits) {
        pt_flow_result_free(result);
        return NULL;
    }
    for (size_t d = 0; result->levels.of != NULL && d < problem->demands_len; d++) {
        result->levels.of[d] = PT_FLOW_LEVEL_NONE;
    }
    return result;
}

void pt_flow_result_free(struct pt_flow_result *result)
{
    if (result == NULL) {
        return;
    }
    free(result->rates);
    free(result->loads);
    free(result->lengths);
    free(result->levels.levels);
    free(result->levels.links);
    free(result->levels.lengths);
    free(result->levels.of);
    free(result);
}

/* ---- the first answer ------------------------------------------------------------------------------------------ */

static bool same_path(const struct pt_flow_paths *a, uint32_t step_a, const struct pt_flow_paths *b, uint32_t step_b)
{
    while (step_a != FLOW_LAST && step_b != FLOW_LAST && a->steps[step_a].link == b->steps[step_b].link) {
        step_a = a->steps[step_a].next;
        step_b = b->steps[step_b].next;
    }
    return step_a == FLOW_LAST && step_b == FLOW_LAST;
}

/* What the earlier answer sent over paths that are still there. */
static void take_over(const struct flow_run *run, size_t d)
{
    const struct pt_flow_paths *paths = run->paths;
    const struct pt_flow_paths *before = run->options->warm_paths;
    for (uint32_t slot = paths->first[d]; slot < paths->first[d + 1]; slot++) {
        for (uint32_t old = before->first[d]; old < before->first[d + 1]; old++) {
            if (run->options->warm->rates[old] > 0 &&
                same_path(paths, paths->slots[slot], before, before->slots[old])) {
                run->result->rates[slot] = run->options->warm->rates[old];
            }
        }
    }
}

/* The same for all demands when the set was made from the earlier one: it knows where each path came from. */
static void take_over_all(const struct flow_run *run)
{
    const struct pt_flow_paths *paths = run->paths;
    const struct pt_flow_paths *before = run->options->warm_paths;
    if (paths == before) {
        memcpy(run->result->rates, run->options->warm->rates, run->result->rates_len * sizeof(double));
        return;
    }
    if (paths->origin != before || paths->entry_origin == NULL) {
        for (size_t d = 0; d < paths->demands_len; d++) {
            take_over(run, d);
        }
        return;
    }
    for (size_t e = 0; e < paths->demands_len; e++) {
        if (e + 2 * FAR_AHEAD < paths->demands_len) {
            uint32_t ahead = paths->entry_demand[e + FAR_AHEAD];
            __builtin_prefetch(&run->result->rates[paths->first[ahead]], 1);
            __builtin_prefetch(&run->options->warm->rates[before->first[ahead]]);
            __builtin_prefetch(&paths->first[paths->entry_demand[e + 2 * FAR_AHEAD]]);
            __builtin_prefetch(&before->first[paths->entry_demand[e + 2 * FAR_AHEAD]]);
        }
        double *rates = run->result->rates + paths->first[paths->entry_demand[e]];
        const double *old = run->options->warm->rates + before->first[before->entry_demand[e]];
        for (uint32_t i = paths->entry_first[e]; i < paths->entry_first[e + 1]; i++, rates++) {
            uint32_t from = paths->entry_origin[i] - before->entry_first[e];
            *rates = paths->entry_origin[i] != UINT32_MAX && paths->entry_origin[i] < before->slots_len ? old[from] : 0;
        }
    }
}

/* Carry all of every demand: as the earlier answer did, in proportion; else on the first path. */
static void carry_all(const struct flow_run *run)
{
    const struct pt_flow_paths *paths = run->paths;
    double *rates = run->result->rates;
    if (run->options->warm != NULL) {
        take_over_all(run);
    }
    for (size_t d = 0; d < run->problem->demands_len; d++) {
        double sum = 0;
        for (uint32_t slot = paths->first[d]; slot < paths->first[d + 1]; slot++) {
            sum += rates[slot];
        }
        for (uint32_t slot = paths->first[d]; sum > 0 && slot < paths->first[d + 1]; slot++) {
            rates[slot] *= run->problem->demands[d].rate / sum;
        }
        if (sum <= 0 && paths->first[d] < paths->first[d + 1]) {
            rates[paths->first[d]] = run->problem->demands[d].rate;
        }
    }
}

/* What an earlier answer carried, where there is one and not more than is wanted now; else nothing. */
static void carry_some(const struct flow_run *run)
{
    const struct pt_flow_paths *paths = run->paths;
    double *rates = run->result->rates;
    if (run->options->warm != NULL) {
        take_over_all(run);
    }
    for (size_t d = 0; run->options->warm != NULL && d < run->problem->demands_len; d++) {
        double sum = 0;
        for (uint32_t slot = paths->first[d]; slot < paths->first[d + 1]; slot++) {
            sum += rates[slot];
        }
        for (uint32_t slot = paths->first[d]; sum > run->problem->demands[d].rate && slot < paths->first[d + 1];
             slot++) {
            rates[slot] *= run->problem->demands[d].rate / sum;
        }
    }
}

static enum pt_code check_carried(const struct pt_flow_problem *problem, struct pt_error *reterr)
{
    for (size_t d = 0; d < problem->demands_len; d++) {
        if (problem->demands[d].rate > 0 && problem->paths->first[d] == problem->paths->first[d + 1]) {
            char field[64];
            snprintf(field, sizeof(field), "demands[%zu]", d);
            return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, field,
                           "has no path from node %u to node %u, but all of it must be carried; MAX_FLOW and MAX_MIN "
                           "may leave some out",
                           problem->demands[d].from, problem->demands[d].to);
        }
    }
    return PT_OK;
}

/* The certificate's other members, from value, bound and loads. */
static void conclude(const struct flow_run *run)
{
    struct pt_flow_certificate *certificate = &run->result->certificate;
    for (uint32_t i = 0; i < run->graph->links_len; i++) {
        double used = run->result->loads[i] / run->graph->links[i].capacity;
        if (used > certificate->utilisation) {
            certificate->utilisation = used;
            certificate->worst_link = i;
        }
    }
    double wanted = 0;
    for (size_t d = 0; d < run->problem->demands_len; d++) {
        wanted += run->problem->demands[d].rate;
    }
    for (size_t i = 0; i < run->result->rates_len; i++) {
        certificate->carried += run->result->rates[i];
    }
    certificate->unmet = wanted > certificate->carried ? wanted - certificate->carried : 0;
    double larger = fmax(fabs(certificate->value), fabs(certificate->bound));
    certificate->gap = larger > 0 ? fabs(certificate->value - certificate->bound) / larger : 0;
}

/* ---- class by class -------------------------------------------------------------------------------------------- */

uint32_t flow_classes_len(const struct pt_flow_problem *problem)
{
    uint32_t len = 1;
    for (size_t d = 0; d < problem->demands_len; d++) {
        len = problem->demands[d].class_index >= len ? problem->demands[d].class_index + 1 : len;
    }
    return len;
}

static void set_full(const struct flow_run *run, const double *taken, double *full)
{
    double share = run->problem->utilisation_max > 0 ? run->problem->utilisation_max : 1;
    for (uint32_t i = 0; i < run->graph->links_len; i++) {
        double left = run->graph->links[i].capacity * share - taken[i];
        full[i] = left > 0 ? left : 0;
    }
}

static double wanted_by(const struct pt_flow_problem *problem, uint32_t class_index)
{
    double wanted = 0;
    for (size_t d = 0; d < problem->demands_len; d++) {
        wanted += problem->demands[d].class_index == class_index ? problem->demands[d].rate : 0;
    }
    return wanted;
}

struct flow_classes {               /* what the classes so far have */
    double *full, *taken, *nothing; /* by link */
    double *lengths;
    double *rates, *start;
    struct pt_flow_certificate sum;
};

/* First on what room the classes before leave; where that is not all it asks for, they may make more. */
static enum pt_code carry_class(struct flow_run *run, uint32_t k, struct flow_classes *so_far, struct pt_error *reterr)
{
    struct pt_flow_result *result = run->result;
    uint32_t links_len = run->graph->links_len;
    double wanted = wanted_by(run->problem, k);
    set_full(run, so_far->taken, so_far->full);
    memcpy(result->rates, so_far->start, result->rates_len * sizeof(double));
    PT_TRY(flow_solve_carry(run, so_far->full, k, reterr));
    for (size_t i = 0; i < result->rates_len; i++) {
        so_far->rates[i] += result->rates[i];
    }
    for (uint32_t i = 0; i < links_len; i++) {
        so_far->taken[i] += result->loads[i];
    }
    if (so_far->sum.value > 0 && result->certificate.value < wanted * (1 - 1e-9)) {
        memcpy(result->rates, so_far->rates, result->rates_len * sizeof(double));
        set_full(run, so_far->nothing, so_far->full);
        PT_TRY(flow_solve_after(run, so_far->full, k, reterr));
        memcpy(so_far->rates, result->rates, result->rates_len * sizeof(double));
        memcpy(so_far->taken, result->loads, links_len * sizeof(double));
    }
    memcpy(so_far->lengths + (size_t)k * links_len, result->lengths, links_len * sizeof(double));
    so_far->sum.value += result->certificate.value;
    so_far->sum.bound += fmin(result->certificate.bound, wanted);
    return PT_OK;
}

/* Class 0 first; the answers add up. */
static enum pt_code by_class(struct flow_run *run, struct pt_error *reterr)
{
    struct pt_flow_result *result = run->result;
    uint32_t links_len = run->graph->links_len;
    PT_AUTO(free) double *full = flow_alloc(links_len, sizeof(double));
    PT_AUTO(free) double *taken = flow_alloc(links_len, sizeof(double));
    PT_AUTO(free) double *nothing = flow_alloc(links_len, sizeof(double));
    PT_AUTO(free) double *lengths = flow_alloc((size_t)links_len * result->classes_len, sizeof(double));
    PT_AUTO(free) double *rates = flow_alloc(result->rates_len, sizeof(double));
    PT_AUTO(free) double *start = flow_alloc(result->rates_len, sizeof(double));
    if (full == NULL || taken == NULL || nothing == NULL || lengths == NULL || rates == NULL || start == NULL) {
        return flow_no_memory(reterr);
    }
    struct flow_classes so_far = {
        .full = full, .taken = taken, .nothing = nothing, .lengths = lengths, .rates = rates, .start = start};
    double gap = run->gap;
    memcpy(start, result->rates, result->rates_len * sizeof(double));
    run->gap *= result->classes_len > 1 ? CLASS_SHARE : 1;
    for (uint32_t k = 0; k < result->classes_len; k++) {
        PT_TRY(carry_class(run, k, &so_far, reterr));
    }
    run->gap = gap;
    memcpy(result->rates, rates, result->rates_len * sizeof(double));
    memcpy(result->loads, taken, links_len * sizeof(double));
    memcpy(result->lengths, lengths, (size_t)links_len * result->classes_len * sizeof(double));
    result->certificate = so_far.sum;
    return PT_OK;
}

/* ---- least delay ----------------------------------------------------------------------------------------------- */

/* A feasible answer to begin with is one of low utilisation; when there is none, the bound says so. */
static enum pt_code least_delay(struct flow_run *run, struct pt_error *reterr)
{
    double share = run->problem->utilisation_max > 0 ? run->problem->utilisation_max : 1;
    double gap = run->gap;
    for (int i = 0; i < 3; i++) {
        PT_TRY(flow_solve_mlu(run, reterr));
        if (run->result->certificate.value <= share || run->result->certificate.bound > share) {
            break;
        }
        run->gap /= 10; /* in between: look closer */
    }
    run->gap = gap;
    if (run->result->certificate.value > share) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "utilisation_max",
                       "no answer keeps all links at %.6g or below: %.6g is reached on these paths, and less than %.6g "
                       "is impossible; raise the bound or give more paths",
                       share, run->result->certificate.value, run->result->certificate.bound);
    }
    PT_AUTO(free) double *full = flow_alloc(run->graph->links_len, sizeof(double));
    PT_AUTO(free) double *none = flow_alloc(run->graph->links_len, sizeof(double));
    if (full == NULL || none == NULL) {
        return flow_no_memory(reterr);
    }
    set_full(run, none, full);
    run->result->certificate = (struct pt_flow_certificate){0};
    return flow_solve_delay(run, full, reterr);
}

/* ---- entry ----------------------------------------------------------------------------------------------------- */

static enum pt_code run_objective(struct flow_run *run, struct pt_error *reterr)
{
    switch (run->problem->objective) {
    case PT_FLOW_MIN_MLU:
        PT_TRY(check_carried(run->problem, reterr));
        carry_all(run);
        return flow_solve_mlu(run, reterr);
    case PT_FLOW_MIN_DELAY:
        PT_TRY(check_carried(run->problem, reterr));
        carry_all(run);
        return least_delay(run, reterr);
    case PT_FLOW_MAX_MIN:
        carry_some(run);
        return flow_solve_fair(run, reterr);
    default:
        carry_some(run);
        return by_class(run, reterr);
    }
}

/* The solver knows levels, not how well they are proved; nor what classes before the last carry in the end. */
static enum pt_code judge(const struct flow_run *run, struct pt_error *reterr)
{
    struct pt_flow_result *result = run->result;
    bool fair = run->problem->objective == PT_FLOW_MAX_MIN;
    if (!fair && (run->problem->objective != PT_FLOW_MAX_FLOW || result->classes_len == 1)) {
        conclude(run);
        return PT_OK;
    }
    PT_TRY(pt_flow_verify(run->problem, result->rates, result->lengths, &result->certificate, reterr));
    return fair ? pt_flow_verify_levels(run->problem, result->rates, &result->levels, NULL, &result->fairness, reterr)
                : PT_OK;
}

enum pt_code pt_flow_solve(const struct pt_flow_problem *problem, const struct pt_flow_options *options,
                           struct pt_flow_result **ret_result, struct pt_error *reterr)
{
    static const struct pt_flow_options defaults;
    options = options != NULL ? options : &defaults;
    pt_assert(problem->paths->demands_len == problem->demands_len);
    pt_assert(problem->paths->links_len == problem->graph->links_len);
    pt_assert((options->warm == NULL) == (options->warm_paths == NULL));
    pt_assert(options->warm == NULL || options->warm_paths->demands_len == problem->demands_len);
    PT_TRY(pt_flow_demands_check(problem->graph, problem->demands, problem->demands_len, reterr));
    struct flow_run run = {.problem = problem,
                           .options = options,
                           .graph = problem->graph,
                           .paths = problem->paths,
                           .gap = options->gap > 0 ? options->gap : FLOW_GAP_DEFAULT,
                           .passes_max = options->passes_max > 0 ? options->passes_max : FLOW_PASSES_MAX};
    run.result = new_result(problem);
    if (run.result == NULL) {
        return flow_no_memory(reterr);
    }
    enum pt_code code = run_objective(&run, reterr);
    if (code != PT_OK) {
        pt_flow_result_free(run.result);
        return code;
    }
    code = judge(&run, reterr);
    if (code != PT_OK) {
        pt_flow_result_free(run.result);
        return code;
    }
    run.result->reached = run.result->certificate.gap <= run.gap && run.result->fairness.gap <= run.gap;
    *ret_result = run.result;
    return PT_OK;
}
