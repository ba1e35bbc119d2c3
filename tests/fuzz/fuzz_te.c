/* libs: pt_flow */
/*
 * The reader of .te files. What is read must solve or be refused by name, within limits that keep a run short.
 */
#include "base/assert.h"
#include "flow/format.h"
#include "flow/solve.h"

#include <stdlib.h>

#define WORK_MAX 4000U /* nodes times demands */

/* Over any path: what is found has a bound that holds, whatever the classes. */
static void solve_free(const struct pt_flow_problem *problem, const struct pt_flow_rules *rules,
                       const struct pt_flow_options *options)
{
    struct pt_flow_paths *paths = NULL;
    struct pt_flow_result *result = NULL;
    struct pt_flow_certificate certificate;
    struct pt_error error = {0};
    if (pt_flow_solve_free(problem, rules, options, &paths, &result, &error) != PT_OK) {
        pt_assert(error.field[0] != '\0' || error.code == PT_EXHAUSTED);
        return;
    }
    struct pt_flow_problem found = *problem;
    found.paths = paths;
    pt_assert(pt_flow_verify_any(&found, rules, result->rates, result->lengths, &certificate, &error) == PT_OK);
    bool lower = problem->objective == PT_FLOW_MIN_MLU || problem->objective == PT_FLOW_MIN_DELAY;
    pt_assert(lower ? certificate.value >= certificate.bound * (1 - 1e-5)
                    : certificate.value <= certificate.bound * (1 + 1e-3)); /* as served counts */
    pt_flow_result_free(result);
    pt_flow_paths_free(paths);
}

static void solve(const struct pt_flow_te *te)
{
    struct pt_flow_paths *paths = NULL;
    struct pt_error error = {0};
    const struct pt_flow_rules rules = {.allow_unreachable = true};
    pt_assert(pt_flow_paths_new(te->graph, &rules, te->demands, te->demands_len, NULL, &paths, &error) == PT_OK);
    const struct pt_flow_problem problem = {
        .graph = te->graph, .demands = te->demands, .demands_len = te->demands_len, .paths = paths};
    const struct pt_flow_options options = {.gap = 0.05, .passes_max = 20};
    struct pt_flow_result *result = NULL;
    if (pt_flow_solve(&problem, &options, &result, &error) == PT_OK) {
        struct pt_flow_certificate certificate;
        pt_assert(pt_flow_verify(&problem, result->rates, result->lengths, &certificate, &error) == PT_OK);
    } else {
        pt_assert(error.field[0] != '\0');
    }
    pt_flow_result_free(result);
    struct pt_flow_problem fair = problem;
    fair.objective = PT_FLOW_MAX_MIN;
    if (pt_flow_solve(&fair, &options, &result, &error) == PT_OK) { /* it has verified itself */
        pt_assert(result->fairness.gap >= 0 && result->fairness.gap <= 1);
        pt_flow_result_free(result);
    } else {
        pt_assert(error.code == PT_EXHAUSTED);
    }
    for (int objective = PT_FLOW_MIN_MLU; objective <= PT_FLOW_MIN_DELAY; objective++) {
        struct pt_flow_problem any = problem;
        any.objective = (enum pt_flow_objective)objective;
        solve_free(&any, &rules, &options);
    }
    pt_flow_paths_free(paths);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pt_flow_te te = {0};
    struct pt_error error = {0};
    if (pt_flow_te_read((const char *)data, size, &te, &error) != PT_OK) {
        pt_assert(te.graph == NULL && error.code != PT_OK && error.text[0] != '\0');
    } else if (pt_flow_nodes_len(te.graph) * te.demands_len <= WORK_MAX) {
        solve(&te);
    }
    pt_flow_te_fini(&te);
    return 0;
}
