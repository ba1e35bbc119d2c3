/*
 * The solver on graphs small enough to know the answer.
 */
#include "flow/solve.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

/* Two ways from 0 to 3: over 1 (capacity 10) and over 2 (capacity 30). */
static struct pt_flow_graph *diamond(void)
{
    const struct pt_flow_link links[] = {
        {.from = 0, .to = 1, .capacity = 10},
        {.from = 1, .to = 3, .capacity = 10},
        {.from = 0, .to = 2, .capacity = 30},
        {.from = 2, .to = 3, .capacity = 30},
    };
    struct pt_flow_graph *graph = NULL;
    ck_assert_int_eq(pt_flow_graph_new(4, links, 4, &graph, NULL), PT_OK);
    return graph;
}

START_TEST(splits_by_capacity)
{
    struct pt_flow_graph *graph = diamond();
    const struct pt_flow_demand demand = {.from = 0, .to = 3, .rate = 20};
    struct pt_flow_paths *paths = NULL;
    ck_assert_int_eq(pt_flow_paths_new(graph, NULL, &demand, 1, NULL, &paths, NULL), PT_OK);
    ck_assert_uint_eq(pt_flow_paths_first(paths, 1), 2);
    const struct pt_flow_problem problem = {.graph = graph, .demands = &demand, .demands_len = 1, .paths = paths};
    const struct pt_flow_options options = {.gap = 0.001};
    struct pt_flow_result *result = NULL;
    ck_assert_int_eq(pt_flow_solve(&problem, &options, &result, NULL), PT_OK);
    ck_assert_double_eq_tol(result->certificate.value, 0.5, 0.001);
    ck_assert_double_le(result->certificate.gap, 0.001);
    ck_assert_double_eq_tol(result->rates[0], 5, 0.02);
    pt_flow_result_free(result);
    pt_flow_paths_free(paths);
    pt_flow_graph_free(graph);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("flow solve");
    TCase *tcase = tcase_create("solve");
    tcase_add_test(tcase, splits_by_capacity);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
