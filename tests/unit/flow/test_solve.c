/*
 * The solver on graphs small enough to know the answer.
 */
#include "flow/solve.h"

#include "tests/unit/flow/instance.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

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

/* A random graph with a gravity matrix, and its paths. */
struct bed {
    struct pt_flow_graph *graph;
    struct pt_flow_demand *demands;
    struct pt_flow_paths *paths;
    struct pt_flow_problem problem;
};

static struct bed bed_new(int seed, double load)
{
    struct bed bed;
    uint32_t nodes = 8 + (uint32_t)seed % 20;
    bed.graph = instance_graph(nodes, nodes * 2, (uint64_t)seed + 100);
    size_t len = instance_gravity(bed.graph, (uint64_t)seed, load, &bed.demands);
    ck_assert_int_eq(pt_flow_paths_new(bed.graph, NULL, bed.demands, len, NULL, &bed.paths, NULL), PT_OK);
    bed.problem =
        (struct pt_flow_problem){.graph = bed.graph, .demands = bed.demands, .demands_len = len, .paths = bed.paths};
    return bed;
}

static void bed_free(struct bed *bed)
{
    pt_flow_paths_free(bed->paths);
    pt_flow_graph_free(bed->graph);
    free(bed->demands);
}

static struct pt_flow_result *answer(const struct pt_flow_problem *problem, const struct pt_flow_options *options)
{
    struct pt_flow_result *result = NULL;
    struct pt_flow_certificate certificate;
    struct pt_error error = {0};
    ck_assert_msg(pt_flow_solve(problem, options, &result, &error) == PT_OK, "%s: %s", error.field, error.text);
    ck_assert_msg(pt_flow_verify(problem, result->rates, result->lengths, &certificate, &error) == PT_OK, "%s: %s",
                  error.field, error.text);
    return result;
}

START_TEST(the_same_bits_every_time)
{
    for (int objective = PT_FLOW_MIN_MLU; objective <= PT_FLOW_MIN_DELAY; objective++) {
        struct bed bed = bed_new(3, 0.3);
        bed.problem.objective = (enum pt_flow_objective)objective;
        bed.problem.utilisation_max = 2;
        struct pt_flow_result *a = answer(&bed.problem, NULL);
        struct pt_flow_result *b = answer(&bed.problem, NULL);
        ck_assert_mem_eq(a->rates, b->rates, a->rates_len * sizeof(double));
        ck_assert_mem_eq(a->lengths, b->lengths, a->links_len * sizeof(double));
        pt_flow_result_free(a);
        pt_flow_result_free(b);
        bed_free(&bed);
    }
}
END_TEST

/* A link fails: the answer from the one before is as good as one from nothing, on the same paths. */
START_TEST(warm_is_as_good_as_cold)
{
    struct bed bed = bed_new(_i, 1);
    const struct pt_flow_options cold = {.gap = 0.01};
    struct pt_flow_result *before = answer(&bed.problem, &cold);
    uint32_t link = before->certificate.worst_link;
    struct pt_flow_link down = *pt_flow_link_at(bed.graph, link);
    down.down = true;
    struct bed after = bed;
    ck_assert_int_eq(pt_flow_graph_with(bed.graph, &link, &down, 1, &after.graph, NULL), PT_OK);
    ck_assert_int_eq(pt_flow_paths_update(bed.paths, after.graph, NULL, bed.demands, bed.problem.demands_len, &link, 1,
                                          NULL, &after.paths, NULL),
                     PT_OK);
    after.problem.graph = after.graph;
    after.problem.paths = after.paths;
    const struct pt_flow_options warm = {.gap = 0.01, .warm = before, .warm_paths = bed.paths};
    struct pt_flow_result *a = answer(&after.problem, &warm);
    struct pt_flow_result *b = answer(&after.problem, &cold);
    ck_assert(a->reached && b->reached);
    ck_assert_double_le(fabs(a->certificate.value - b->certificate.value), 0.0101 * b->certificate.value);
    ck_assert_double_eq(a->loads[link], 0);
    pt_flow_result_free(a);
    pt_flow_result_free(b);
    pt_flow_result_free(before);
    pt_flow_paths_free(after.paths);
    pt_flow_graph_free(after.graph);
    bed_free(&bed);
}
END_TEST

static bool at_once(void *arg)
{
    (*(int *)arg)++;
    return true;
}

START_TEST(stopped_at_once_is_still_an_answer)
{
    for (int objective = PT_FLOW_MIN_MLU; objective <= PT_FLOW_MIN_DELAY; objective++) {
        struct bed bed = bed_new(5, 0.2);
        int asked = 0;
        const struct pt_flow_options options = {.gap = 1e-9, .stop = at_once, .stop_arg = &asked};
        bed.problem.objective = (enum pt_flow_objective)objective;
        bed.problem.utilisation_max = 10;
        pt_flow_result_free(answer(&bed.problem, &options));
        ck_assert_int_gt(asked, 0);
        bed_free(&bed);
    }
}
END_TEST

/* One link of 10: class 0 gets its 7 of it, class 1 what is left. */
START_TEST(first_classes_come_first)
{
    const struct pt_flow_link link = {.from = 0, .to = 1, .capacity = 10};
    const struct pt_flow_demand demands[] = {{.from = 0, .to = 1, .rate = 9, .class_index = 1},
                                             {.from = 0, .to = 1, .rate = 7, .class_index = 0}};
    struct pt_flow_graph *graph = NULL;
    struct pt_flow_paths *paths = NULL;
    ck_assert_int_eq(pt_flow_graph_new(2, &link, 1, &graph, NULL), PT_OK);
    ck_assert_int_eq(pt_flow_paths_new(graph, NULL, demands, 2, NULL, &paths, NULL), PT_OK);
    for (int i = 0; i < 2; i++) {
        const struct pt_flow_problem problem = {.graph = graph,
                                                .demands = demands,
                                                .demands_len = 2,
                                                .paths = paths,
                                                .objective = i == 0 ? PT_FLOW_MAX_FLOW : PT_FLOW_MAX_MIN};
        struct pt_flow_result *result = answer(&problem, NULL);
        ck_assert_double_eq_tol(result->rates[0], 3, 0.05);
        ck_assert_double_eq_tol(result->rates[1], 7, 0.05);
        pt_flow_result_free(result);
    }
    pt_flow_paths_free(paths);
    pt_flow_graph_free(graph);
}
END_TEST

/* A verifier that believes everything would be none: change a rate, a length, the demand. */
/* Two links side by side; class 2 fills one of them, and 4 and 6 want what is left: the certificate of all classes
 * holds, also for those that nobody is in, and of those that find everything full. */
START_TEST(each_class_is_certified)
{
    static const char text[] = "3 4 4\n0 1 10\n0 2 10\n2 1 10\n1 2 1\n"
                               "0 1 12 class=2\n0 2 3 class=4\n0 1 9 class=4\n1 2 2 class=6\n";
    struct pt_flow_te te = {0};
    struct pt_flow_paths *paths = NULL;
    ck_assert_int_eq(pt_flow_te_read(text, sizeof(text) - 1, &te, NULL), PT_OK);
    ck_assert_int_eq(pt_flow_paths_new(te.graph, NULL, te.demands, te.demands_len, NULL, &paths, NULL), PT_OK);
    const struct pt_flow_problem problem = {.graph = te.graph,
                                            .demands = te.demands,
                                            .demands_len = te.demands_len,
                                            .paths = paths,
                                            .objective = PT_FLOW_MAX_FLOW};
    /* Each class has so many passes, and an empty one needs none. */
    const struct pt_flow_options options = {.passes_max = 400};
    struct pt_flow_result *result = NULL;
    struct pt_flow_certificate certificate;
    struct pt_error error = {0};
    ck_assert_int_eq(pt_flow_solve(&problem, &options, &result, NULL), PT_OK);
    ck_assert_uint_eq(result->classes_len, 7);
    ck_assert_msg(pt_flow_verify(&problem, result->rates, result->lengths, &certificate, &error) == PT_OK, "%s",
                  error.text);
    ck_assert_msg(fabs(certificate.value - 21) < 0.05, "%g", certificate.value); /* 12, 8 and 1 */
    ck_assert_msg(certificate.gap <= 0.01, "%g to %g", certificate.value, certificate.bound);
    ck_assert(fabs(certificate.bound - result->certificate.bound) < 0.01);
    ck_assert_uint_lt(result->passes, 400);
    pt_flow_result_free(result);
    pt_flow_paths_free(paths);
    pt_flow_te_fini(&te);
}
END_TEST

/* Nothing is asked for: nothing is carried, and that is certified at once. */
START_TEST(nothing_is_done_at_once)
{
    static const char text[] = "3 2 2\n0 1 10\n1 2 10\n0 2 0\n0 1 0 class=3\n";
    struct pt_flow_te te = {0};
    struct pt_flow_paths *paths = NULL;
    ck_assert_int_eq(pt_flow_te_read(text, sizeof(text) - 1, &te, NULL), PT_OK);
    ck_assert_int_eq(pt_flow_paths_new(te.graph, NULL, te.demands, te.demands_len, NULL, &paths, NULL), PT_OK);
    for (int objective = PT_FLOW_MIN_MLU; objective <= PT_FLOW_MIN_DELAY; objective++) {
        const struct pt_flow_problem problem = {.graph = te.graph,
                                                .demands = te.demands,
                                                .demands_len = te.demands_len,
                                                .paths = paths,
                                                .objective = (enum pt_flow_objective)objective};
        struct pt_flow_result *result = NULL;
        struct pt_flow_certificate certificate;
        ck_assert_int_eq(pt_flow_solve(&problem, NULL, &result, NULL), PT_OK);
        ck_assert_int_eq(pt_flow_verify(&problem, result->rates, result->lengths, &certificate, NULL), PT_OK);
        ck_assert(certificate.value == 0 && certificate.bound == 0 && certificate.gap == 0);
        ck_assert_uint_le(result->passes, 1);
        ck_assert(result->reached);
        pt_flow_result_free(result);
    }
    pt_flow_paths_free(paths);
    pt_flow_te_fini(&te);
}
END_TEST

START_TEST(the_verifier_is_not_fooled)
{
    struct bed bed = bed_new(1, 1);
    struct pt_flow_result *result = answer(&bed.problem, NULL);
    struct pt_flow_certificate certificate;
    struct pt_error error = {0};
    double kept = result->rates[0];
    result->rates[0] += 1 + kept;
    ck_assert_int_eq(pt_flow_verify(&bed.problem, result->rates, result->lengths, &certificate, &error), PT_INTERNAL);
    result->rates[0] = NAN;
    ck_assert_int_eq(pt_flow_verify(&bed.problem, result->rates, result->lengths, &certificate, &error), PT_INTERNAL);
    result->rates[0] = kept;
    result->lengths[0] = -1;
    ck_assert_int_eq(pt_flow_verify(&bed.problem, result->rates, result->lengths, &certificate, &error), PT_INTERNAL);
    ck_assert_str_eq(error.field, "lengths[0]");
    pt_flow_result_free(result);
    bed_free(&bed);
}
END_TEST

START_TEST(files_say_what_else_is_known)
{
    static const char text[] = "3 2 3 # sizes\n"
                               "0 1 10 srlgs=7,9 delay=2.5 metric=20\n"
                               "1 2 10 loss=0.125 labels=0,63 srlgs=9\n"
                               "0 1 4 class=1 weight=3\n"
                               "0 1 5\n"
                               "0 2 6 class=7\n";
    struct pt_flow_te te = {0};
    struct pt_error error = {0};
    ck_assert_msg(pt_flow_te_read(text, sizeof(text) - 1, &te, &error) == PT_OK, "%s: %s", error.field, error.text);
    const struct pt_flow_link *a = pt_flow_link_at(te.graph, 0), *b = pt_flow_link_at(te.graph, 1);
    ck_assert(a->delay == 2.5 && a->metric == 20 && a->srlgs_len == 2 && a->srlgs[0] == 7 && a->srlgs[1] == 9);
    ck_assert(b->delay == 1 && b->loss == 0.125 && b->labels == (UINT64_C(1) << 63 | 1) && b->srlgs_len == 1 &&
              b->srlgs[0] == 9);
    ck_assert(te.demands[0].class_index == 1 && te.demands[0].weight == 3);
    ck_assert(te.demands[1].class_index == 0 && te.demands[2].class_index == 7);
    pt_flow_te_fini(&te);
}
END_TEST

START_TEST(files_say_where_they_are_wrong)
{
    static const struct {
        const char *text, *field;
    } cases[] = {
        {"", "line 1"},
        {"2 1", "line 1"},
        {"2 1 x\n", "line 1, field 3"},
        {"5000 1 1\n", "line 1, field 1"},
        {"2 1 2000000\n", "line 1, field 3"},
        {"2 1 1\n0 1 0\n", "line 2, field 3"},
        {"2 1 1\n0 2 1\n", "line 2, field 2"},
        {"2 1 1\n\n0 1 1\n0 1 -1\n", "line 4, field 3"},
        {"2 1 1\n0 1 1\n0 1 nan\n", "line 3, field 3"},
        {"2 1 1\n0 1 1\n0 1 0x10\n", "line 3, field 3"},
        {"2 1 1\n0 1 inf\n0 1 1\n", "line 2, field 3"},
        {"2 1 1\n0 1 1\n0 0 1\n", "line 3, field 2"},
        {"2 1 1\n0 1 1\nnyc 1 1\n", "line 3, field 1"},
        {"2 1 2\n0 1 1\n0 1 1\n", "line 4"},
        {"2 1 2\n0 1 1\n0 1 1\n0 1 2\n", "line 4"},
        {"2 1 1\n0 1 1\n0 1 1\n1 0 1\n", "line 4"},
        {"2 1 1\n0 1 1 1\n", "line 2, field 4"},
        {"2 1 1 1\n", "line 1, field 4"},
        {"2 1 1\n0 1 1 delay=1 loss=0 metric=1 labels=1 srlgs=1 delay=2\n", "line 2"},
        {"2 1 1\n0 1 1 delay=-1\n", "line 2, field 4"},
        {"2 1 1\n0 1 1 delay=1 delay=nan\n", "line 2, field 5"},
        {"2 1 1\n0 1 1 loss=1\n", "line 2, field 4"},
        {"2 1 1\n0 1 1 metric=0\n", "line 2, field 4"},
        {"2 1 1\n0 1 1 labels=1,\n", "line 2, field 4"},
        {"2 1 1\n0 1 1 labels=64\n", "line 2, field 4"},
        {"2 1 1\n0 1 1 srlgs=65536\n", "line 2, field 4"},
        {"2 1 1\n0 1 1 srlgs=1,2,3,4,5,6,7,8 srlgs=1,2,3,4,5,6,7,8,9\n", "line 2, field 5"},
        {"2 1 1\n0 1 1 class=1\n", "line 2, field 4"},
        {"2 1 1\n0 1 1\n0 1 1 class=8\n", "line 3, field 4"},
        {"2 1 1\n0 1 1\n0 1 1 weight=0\n", "line 3, field 4"},
        {"2 1 1\n0 1 1\n0 1 1 delay=1\n", "line 3, field 4"},
        {"2 1 2\n0 1 1\n0 1 1 class=2\n0 1 2 class=2\n", "line 4"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct pt_flow_te te = {0};
        struct pt_error error = {0};
        ck_assert(pt_flow_te_read(cases[i].text, strlen(cases[i].text), &te, &error) != PT_OK);
        ck_assert_msg(strcmp(error.field, cases[i].field) == 0, "case %zu: %s: %s", i, error.field, error.text);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("flow solve");
    TCase *tcase = tcase_create("solve");
    tcase_add_test(tcase, splits_by_capacity);
    tcase_add_test(tcase, the_same_bits_every_time);
    tcase_add_loop_test(tcase, warm_is_as_good_as_cold, 0, 20);
    tcase_add_test(tcase, stopped_at_once_is_still_an_answer);
    tcase_add_test(tcase, first_classes_come_first);
    tcase_add_test(tcase, each_class_is_certified);
    tcase_add_test(tcase, nothing_is_done_at_once);
    tcase_add_test(tcase, the_verifier_is_not_fooled);
    tcase_add_test(tcase, files_say_what_else_is_known);
    tcase_add_test(tcase, files_say_where_they_are_wrong);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
