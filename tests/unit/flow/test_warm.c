/*
 * A solved problem that is kept: whatever fails, it is as good as an answer from the beginning.
 */
#include "flow/warm.h"

#include "tests/unit/flow/instance.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct bed {
    struct pt_flow_graph *graph;
    struct pt_flow_demand *demands;
    struct pt_flow_paths *paths;
    struct pt_flow_problem problem;
    struct pt_flow_result *result;
    struct pt_flow_warm *warm;
};

static const struct pt_flow_options options = {.gap = 0.01};

static struct bed bed_new(uint32_t nodes, uint32_t cables, uint64_t seed)
{
    struct bed bed = {.graph = instance_graph(nodes, cables, seed)};
    size_t len = instance_gravity(bed.graph, seed, 1, &bed.demands);
    ck_assert_int_eq(pt_flow_paths_new(bed.graph, NULL, bed.demands, len, NULL, &bed.paths, NULL), PT_OK);
    bed.problem =
        (struct pt_flow_problem){.graph = bed.graph, .demands = bed.demands, .demands_len = len, .paths = bed.paths};
    ck_assert_int_eq(pt_flow_solve(&bed.problem, &options, &bed.result, NULL), PT_OK);
    ck_assert_int_eq(pt_flow_warm_new(&bed.problem, NULL, bed.result, &bed.warm, NULL), PT_OK);
    return bed;
}

static void bed_free(struct bed *bed)
{
    pt_flow_warm_free(bed->warm);
    pt_flow_result_free(bed->result);
    pt_flow_paths_free(bed->paths);
    pt_flow_graph_free(bed->graph);
    free(bed->demands);
}

/* What the object has come to, read out and verified: value and bound. */
static struct pt_flow_certificate read_out(const struct bed *bed)
{
    struct pt_flow_graph *graph = NULL;
    struct pt_flow_problem problem = bed->problem;
    struct pt_flow_paths *paths = NULL;
    struct pt_flow_result *result = NULL;
    struct pt_flow_certificate certificate;
    struct pt_error error = {0};
    ck_assert_int_eq(pt_flow_warm_read(bed->warm, &graph, &paths, &result, NULL), PT_OK);
    problem.graph = graph;
    problem.paths = paths;
    ck_assert_msg(pt_flow_verify(&problem, result->rates, result->lengths, &certificate, &error) == PT_OK, "%s: %s",
                  error.field, error.text);
    uint32_t links[64];
    for (size_t slot = 0; slot < pt_flow_paths_first(paths, problem.demands_len); slot++) {
        size_t len = pt_flow_path_links(paths, slot, links, 64);
        for (size_t i = 0; i < len; i++) {
            ck_assert(!pt_flow_link_at(graph, links[i])->down);
        }
    }
    ck_assert_double_eq_tol(certificate.value, result->certificate.value, 1e-9 * certificate.value);
    pt_flow_result_free(result);
    pt_flow_paths_free(paths);
    pt_flow_graph_free(graph);
    return certificate;
}

/* The same failure by the long way: the set updated, the problem solved. Least worst utilisation is above its bound. */
static double from_the_beginning(const struct bed *bed, const uint32_t *down, size_t down_len)
{
    struct pt_flow_graph *graph = NULL;
    struct pt_flow_paths *paths = NULL;
    struct pt_flow_result *result = NULL;
    struct pt_flow_link links[64];
    for (size_t i = 0; i < down_len; i++) {
        links[i] = *pt_flow_link_at(bed->graph, down[i]);
        links[i].down = true;
    }
    ck_assert_int_eq(pt_flow_graph_with(bed->graph, down, links, down_len, &graph, NULL), PT_OK);
    ck_assert_int_eq(pt_flow_paths_update(bed->paths, graph, NULL, bed->demands, bed->problem.demands_len, down,
                                          down_len, NULL, &paths, NULL),
                     PT_OK);
    struct pt_flow_problem problem = bed->problem;
    problem.graph = graph;
    problem.paths = paths;
    ck_assert_int_eq(pt_flow_solve(&problem, &options, &result, NULL), PT_OK);
    double bound = result->certificate.bound;
    pt_flow_result_free(result);
    pt_flow_paths_free(paths);
    pt_flow_graph_free(graph);
    return bound;
}

/* One random link: the long way's bound holds for the short way's value, and the gap is met and verified. */
START_TEST(one_failure_is_as_good_as_from_the_beginning)
{
    struct bed bed = bed_new(10 + (uint32_t)_i, 20 + 2 * (uint32_t)_i, (uint64_t)_i + 1);
    struct instance_random random = {.state = (uint64_t)_i};
    uint32_t link = (uint32_t)(instance_bits(&random) % pt_flow_links_len(bed.graph));
    struct pt_flow_certificate certificate;
    ck_assert_int_eq(pt_flow_warm_fail(bed.warm, &link, 1, &options, &certificate, NULL), PT_OK);
    ck_assert_double_le(certificate.gap, 0.01);
    ck_assert_uint_gt(pt_flow_warm_touched(bed.warm), 0);
    ck_assert_uint_ge(pt_flow_warm_passes(bed.warm), 1);
    struct pt_flow_certificate verified = read_out(&bed);
    ck_assert_double_le(verified.gap, 0.01 + 1e-9);
    double bound = from_the_beginning(&bed, &link, 1);
    ck_assert_double_ge(verified.value, bound * (1 - 1e-9));
    ck_assert_double_le(verified.bound * (1 - 0.0101), bound); /* two bounds of nearly the same optimum */
    bed_free(&bed);
}
END_TEST

/* Twenty links, one after the other: layers fill up and are put together, and every state verifies. A link that would
 * cut a demand off is refused, by name, and nothing has changed. */
START_TEST(many_failures_in_a_row)
{
    struct bed bed = bed_new(24, 44, (uint64_t)_i + 7);
    struct instance_random random = {.state = (uint64_t)_i + 99};
    struct pt_flow_certificate certificate = {0};
    int refused = 0;
    for (int k = 0; k < 40; k++) {
        uint32_t link = (uint32_t)(instance_bits(&random) % pt_flow_links_len(bed.graph));
        struct pt_flow_certificate before = read_out(&bed);
        struct pt_error error = {0};
        enum pt_code code = pt_flow_warm_fail(bed.warm, &link, 1, &options, &certificate, &error);
        if (code != PT_OK) {
            ck_assert_int_eq(code, PT_FAILED_PRECONDITION);
            ck_assert(strncmp(error.field, "demands[", 8) == 0);
            size_t demand = strtoul(error.field + 8, NULL, 10);
            ck_assert_uint_lt(demand, bed.problem.demands_len);
            char ends[64];
            snprintf(ends, sizeof(ends), "node %u to node %u", bed.demands[demand].from, bed.demands[demand].to);
            ck_assert_msg(strstr(error.text, ends) != NULL, "%s: %s", error.field, error.text);
            refused++;
            struct pt_flow_certificate after = read_out(&bed);
            ck_assert_double_eq(before.value, after.value);
            ck_assert_double_eq(before.bound, after.bound);
            continue;
        }
        ck_assert_double_le(certificate.gap, 0.01);
        ck_assert_double_le(read_out(&bed).gap, 0.01 + 1e-9);
    }
    ck_assert_int_gt(refused, 0);
    bed_free(&bed);
}
END_TEST

/* A link twice, and no link at all. */
START_TEST(what_is_down_stays_down)
{
    struct bed bed = bed_new(12, 30, 3);
    struct pt_flow_certificate once;
    struct pt_flow_certificate twice;
    const uint32_t link = 5;
    ck_assert_int_eq(pt_flow_warm_fail(bed.warm, &link, 1, NULL, &once, NULL), PT_OK);
    ck_assert_int_eq(pt_flow_warm_fail(bed.warm, &link, 1, NULL, &twice, NULL), PT_OK);
    ck_assert_uint_eq(pt_flow_warm_touched(bed.warm), 0);
    ck_assert_double_eq(once.value, twice.value);
    ck_assert_int_eq(pt_flow_warm_fail(bed.warm, NULL, 0, NULL, &twice, NULL), PT_OK);
    ck_assert_double_eq(once.value, twice.value);
    bed_free(&bed);
}
END_TEST

/* The same failures give the same bits. */
START_TEST(the_same_bits_every_time)
{
    double values[2];
    double bounds[2];
    for (int k = 0; k < 2; k++) {
        struct bed bed = bed_new(30, 60, 11);
        struct pt_flow_certificate certificate = {0};
        for (uint32_t link = 0; link < 60; link += 20) {
            ck_assert_int_eq(pt_flow_warm_fail(bed.warm, &link, 1, &options, &certificate, NULL), PT_OK);
        }
        values[k] = certificate.value;
        bounds[k] = certificate.bound;
        bed_free(&bed);
    }
    ck_assert(memcmp(&values[0], &values[1], sizeof(double)) == 0);
    ck_assert(memcmp(&bounds[0], &bounds[1], sizeof(double)) == 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("flow warm");
    TCase *tcase = tcase_create("warm");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, one_failure_is_as_good_as_from_the_beginning, 0, 30);
    tcase_add_loop_test(tcase, many_failures_in_a_row, 0, 4);
    tcase_add_test(tcase, what_is_down_stays_down);
    tcase_add_test(tcase, the_same_bits_every_time);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
