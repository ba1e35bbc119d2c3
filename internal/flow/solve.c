/*
 * The solver's entry: checks, the first answer (cold or warm), the objective's own algorithm, and the certificate.
 */
#include "flow/solve_priv.h"

#include "base/assert.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool flow_stopped(const struct flow_run *run)
{
    return run->options->stop != NULL && run->options->stop(run->options->stop_arg);
}

/* ---- results -------------------------------------------------------------------------------------------------- */

static struct pt_flow_result *new_result(size_t rates_len, uint32_t links_len)
{
    struct pt_flow_result *result = flow_alloc(1, sizeof(*result));
    if (result == NULL) {
        return NULL;
    }
    result->rates_len = rates_len;
    result->links_len = links_len;
    result->rates = flow_alloc(rates_len, sizeof(double));
    result->loads = flow_alloc(links_len, sizeof(double));
    result->lengths = flow_alloc(links_len, sizeof(double));
    if (result->rates == NULL || result->loads == NULL || result->lengths == NULL) {
        pt_flow_result_free(result);
        return NULL;
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
    free(result);
}

/* ---- the first answer ----------------------------------------------------------------------------------------- */

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

/* Carry all of every demand: as the earlier answer did, in proportion; else on the first path. */
static void carry_all(const struct flow_run *run)
{
    const struct pt_flow_paths *paths = run->paths;
    double *rates = run->result->rates;
    for (size_t d = 0; d < run->problem->demands_len; d++) {
        double sum = 0;
        if (run->options->warm != NULL) {
            take_over(run, d);
        }
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

/* ---- entry ------------------------------------------------------------------------------------------------------ */

static enum pt_code run_objective(struct flow_run *run, struct pt_error *reterr)
{
    switch (run->problem->objective) {
    case PT_FLOW_MIN_MLU:
        PT_TRY(check_carried(run->problem, reterr));
        carry_all(run);
        return flow_solve_mlu(run, reterr);
    default:
        return pt_fail(reterr, PT_UNIMPLEMENTED, PT_REASON_FIELD_INVALID, "objective", "only MIN_MLU is supported");
    }
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
    run.result = new_result(problem->paths->slots_len, problem->graph->links_len);
    if (run.result == NULL) {
        return flow_no_memory(reterr);
    }
    enum pt_code code = run_objective(&run, reterr);
    if (code != PT_OK) {
        pt_flow_result_free(run.result);
        return code;
    }
    conclude(&run);
    run.result->reached = run.result->certificate.gap <= run.gap;
    *ret_result = run.result;
    return PT_OK;
}
