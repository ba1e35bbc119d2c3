/*
 * Max-min fairness, by what must hold whatever the instance: answers fit, every demand is served or has a proof, the
 * verifier takes no proof that is none, and stopping early costs proofs, never feasibility. test_oracle.c compares the
 * rates with CLP's.
 */
#include "flow/solve.h"

#include <check.h>
#include <string.h>

#include "tests/unit/flow/instance.h"

#define INSTANCES 60
#define EXACT 1e-4 /* what a proof may lack: the links' hair, times some hundred demands at a level */

struct bed {
    struct pt_flow_graph *graph;
    struct pt_flow_demand *demands;
    struct pt_flow_paths *paths;
    struct pt_flow_problem problem;
};

/* Weights of 1, 2 and 5, three classes, some demands that ask for nothing: as the seed says. */
static struct bed bed_new(uint64_t seed, double load)
{
    struct bed bed;
    struct instance_random random = {.state = seed * 77};
    uint32_t nodes = 3 + (uint32_t)(seed % 14);
    bed.graph = instance_graph(nodes, nodes * 2, seed);
    size_t len = instance_gravity(bed.graph, seed, load, &bed.demands);
    for (size_t d = 0; d < len; d++) {
        static const double weights[] = {0, 1, 2, 5};
        bed.demands[d].weight = seed % 2 != 0 ? weights[instance_bits(&random) % 4] : 0;
        bed.demands[d].class_index = seed % 3 != 0 ? (uint32_t)(instance_bits(&random) % 3) : 0;
        bed.demands[d].rate *= seed % 5 == 0 && instance_bits(&random) % 4 == 0 ? 0 : 1;
    }
    ck_assert_int_eq(pt_flow_paths_new(bed.graph, NULL, bed.demands, len, NULL, &bed.paths, NULL), PT_OK);
    bed.problem = (struct pt_flow_problem){.graph = bed.graph,
                                           .demands = bed.demands,
                                           .demands_len = len,
                                           .paths = bed.paths,
                                           .objective = PT_FLOW_MAX_MIN};
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
    struct pt_error error = {0};
    ck_assert_msg(pt_flow_solve(problem, options, &result, &error) == PT_OK, "%s: %s", error.field, error.text);
    struct pt_flow_certificate certificate;
    ck_assert_msg(pt_flow_verify(problem, result->rates, result->lengths, &certificate, &error) == PT_OK, "%s: %s",
                  error.field, error.text);
    ck_assert_double_ge(certificate.bound, certificate.value * (1 - 1e-4)); /* as served counts */
    return result;
}

static struct pt_flow_fairness judge(const struct bed *bed, const struct pt_flow_result *result)
{
    struct pt_flow_fairness fairness;
    struct pt_error error = {0};
    ck_assert_msg(pt_flow_verify_levels(&bed->problem, result->rates, &result->levels, NULL, &fairness, &error) ==
                      PT_OK,
                  "%s: %s", error.field, error.text);
    return fairness;
}

static double carried(const struct bed *bed, const struct pt_flow_result *result, size_t d)
{
    double sum = 0;
    for (size_t slot = pt_flow_paths_first(bed->paths, d); slot < pt_flow_paths_first(bed->paths, d + 1); slot++) {
        sum += result->rates[slot];
    }
    return sum;
}

START_TEST(everybody_is_served_or_has_a_proof)
{
    struct bed bed = bed_new((uint64_t)_i, _i % 4 == 0 ? 0.5 : 3);
    struct pt_flow_result *result = answer(&bed.problem, NULL);
    struct pt_flow_fairness fairness = judge(&bed, result);
    size_t asking = 0;
    for (size_t d = 0; d < bed.problem.demands_len; d++) {
        asking += bed.demands[d].rate > 0;
    }
    ck_assert_uint_eq(fairness.unproved, 0);
    ck_assert_uint_eq(fairness.served + fairness.held, asking);
    ck_assert_double_le(fairness.gap, EXACT);
    ck_assert_double_le(fairness.gap_mean, fairness.gap);
    ck_assert(result->reached);
    ck_assert_double_le(result->certificate.gap, EXACT);
    pt_flow_result_free(result);
    bed_free(&bed);
}
END_TEST

/* Bounds are no less than values, groups are no larger than the whole, levels of a class rise. */
START_TEST(levels_are_in_order)
{
    struct bed bed = bed_new((uint64_t)_i, 3);
    struct pt_flow_result *result = answer(&bed.problem, NULL);
    struct pt_flow_level_proof *proofs = calloc(result->levels.len + 1, sizeof(proofs[0]));
    struct pt_flow_fairness fairness;
    ck_assert_int_eq(pt_flow_verify_levels(&bed.problem, result->rates, &result->levels, proofs, &fairness, NULL),
                     PT_OK);
    size_t held = 0;
    for (size_t k = 0; k < result->levels.len; k++) {
        const struct pt_flow_level *level = &result->levels.levels[k];
        held += proofs[k].demands_len;
        ck_assert_uint_eq(proofs[k].demands_len, level->demands_len);
        ck_assert_double_ge(proofs[k].bound, proofs[k].value);
        if (k > 0 && level->class_index == level[-1].class_index) {
            ck_assert_double_ge(level->level, level[-1].level);
        } else if (k > 0) {
            ck_assert_uint_gt(level->class_index, level[-1].class_index);
        }
    }
    ck_assert_uint_eq(held, fairness.held);
    free(proofs);
    pt_flow_result_free(result);
    bed_free(&bed);
}
END_TEST

/* Twice the room: no first level is lower. And rates of everything times 1e6 are rates times 1e6. */
START_TEST(more_room_is_no_loss)
{
    struct bed bed = bed_new((uint64_t)_i * 6, 4); /* one class */
    struct pt_flow_result *result = answer(&bed.problem, NULL);
    bed.problem.utilisation_max = 2;
    struct pt_flow_result *roomy = answer(&bed.problem, NULL);
    ck_assert_double_ge(roomy->certificate.value, result->certificate.value * (1 - 1e-9));
    for (size_t d = 0; d < bed.problem.demands_len; d++) {
        bed.demands[d].rate *= 2;
    }
    struct pt_flow_result *large = answer(&bed.problem, NULL); /* the first problem, twice as large */
    for (size_t d = 0; d < bed.problem.demands_len; d++) {
        ck_assert_double_eq_tol(carried(&bed, large, d), 2 * carried(&bed, result, d),
                                1e-6 * (1 + carried(&bed, large, d)));
    }
    pt_flow_result_free(large);
    pt_flow_result_free(roomy);
    pt_flow_result_free(result);
    bed_free(&bed);
}
END_TEST

/* The rates are unique: what an earlier answer says of the way there changes the work, not the result. */
START_TEST(warm_gives_the_same_rates)
{
    struct bed bed = bed_new((uint64_t)_i, 3);
    struct pt_flow_result *cold = answer(&bed.problem, NULL);
    const struct pt_flow_options options = {.warm = cold, .warm_paths = bed.paths};
    struct pt_flow_result *warm = answer(&bed.problem, &options);
    ck_assert_uint_eq(judge(&bed, warm).unproved, 0);
    for (size_t d = 0; d < bed.problem.demands_len; d++) {
        double due = carried(&bed, cold, d);
        ck_assert_double_eq_tol(carried(&bed, warm, d), due, 1e-6 * (1 + due));
    }
    pt_flow_result_free(warm);
    pt_flow_result_free(cold);
    bed_free(&bed);
}
END_TEST

/* A demand of a later class takes another way when one of an earlier class needs its own, and the other way round:
 * class 0 could use both paths and class 1 only one, so class 0 leaves it that one. */
START_TEST(nobody_is_in_the_way_without_need)
{
    const struct pt_flow_link links[] = {{.from = 0, .to = 1, .capacity = 10},
                                         {.from = 0, .to = 2, .capacity = 10},
                                         {.from = 2, .to = 1, .capacity = 10}};
    const struct pt_flow_demand demands[] = {{.from = 0, .to = 1, .rate = 9, .class_index = 0},
                                             {.from = 0, .to = 1, .rate = 9, .class_index = 1}};
    struct bed bed = {.demands = NULL};
    const uint32_t owners[] = {0, 0, 1};
    const size_t first[] = {0, 1, 3, 4};
    const uint32_t along[] = {0, 1, 2, 0};
    ck_assert_int_eq(pt_flow_graph_new(3, links, 3, &bed.graph, NULL), PT_OK);
    ck_assert_int_eq(pt_flow_paths_of(bed.graph, demands, 2, owners, first, along, 3, &bed.paths, NULL), PT_OK);
    bed.problem = (struct pt_flow_problem){
        .graph = bed.graph, .demands = demands, .demands_len = 2, .paths = bed.paths, .objective = PT_FLOW_MAX_MIN};
    struct pt_flow_result *result = answer(&bed.problem, NULL);
    ck_assert_double_eq_tol(carried(&bed, result, 0), 9, 1e-6);
    ck_assert_double_eq_tol(carried(&bed, result, 1), 9, 1e-6);
    ck_assert_uint_eq(judge(&bed, result).served, 2);
    pt_flow_result_free(result);
    bed_free(&bed);
}
END_TEST

struct patience {
    int asked, limit;
};

static bool enough(void *arg)
{
    struct patience *patience = arg;
    return ++patience->asked > patience->limit;
}

/* Stopped anywhere: what there is fits, and whoever has no proof is counted. */
START_TEST(stopped_anywhere_it_says_what_is_not_proved)
{
    struct bed bed = bed_new(13 + (uint64_t)_i, 12);
    size_t unproved_before = SIZE_MAX;
    double served = 0;
    for (size_t d = 0; d < bed.problem.demands_len; d++) {
        double weight = bed.demands[d].weight > 0 ? bed.demands[d].weight : 1;
        served = bed.demands[d].class_index == 0 ? fmax(served, bed.demands[d].rate / weight) : served;
    }
    for (int limit = 0; limit < 1 << 16; limit = 2 * limit + 1) {
        struct patience patience = {.limit = limit};
        const struct pt_flow_options options = {.stop = enough, .stop_arg = &patience};
        struct pt_flow_result *result = answer(&bed.problem, &options);
        struct pt_flow_fairness fairness = judge(&bed, result);
        ck_assert_double_eq(fairness.gap, result->fairness.gap);
        ck_assert(fairness.unproved == 0 ? fairness.gap <= EXACT : fairness.gap == 1 && !result->reached);
        ck_assert_double_lt(result->certificate.bound, served); /* there always is a proof that not all can be served */
        unproved_before = fairness.unproved;
        pt_flow_result_free(result);
    }
    ck_assert_uint_eq(unproved_before, 0);
    bed_free(&bed);
}
END_TEST

/* Every link alike and everybody asking for the same: as many ties as there can be. */
START_TEST(ties_are_no_trouble)
{
    struct bed bed = bed_new(13, 3);
    uint32_t len = pt_flow_links_len(bed.graph);
    struct pt_flow_link *links = calloc(len, sizeof(links[0]));
    for (uint32_t i = 0; i < len; i++) {
        links[i] = *pt_flow_link_at(bed.graph, i);
        links[i].capacity = 1;
    }
    pt_flow_graph_free(bed.graph);
    ck_assert_int_eq(pt_flow_graph_new(3 + 13, links, len, &bed.graph, NULL), PT_OK);
    for (size_t d = 0; d < bed.problem.demands_len; d++) {
        bed.demands[d] = (struct pt_flow_demand){.from = bed.demands[d].from, .to = bed.demands[d].to, .rate = 1};
    }
    bed.problem.graph = bed.graph;
    struct pt_flow_result *result = answer(&bed.problem, NULL);
    struct pt_flow_fairness fairness = judge(&bed, result);
    ck_assert_uint_eq(fairness.unproved, 0);
    ck_assert_uint_gt(fairness.held, 100);
    ck_assert_double_le(fairness.gap, EXACT);
    pt_flow_result_free(result);
    free(links);
    bed_free(&bed);
}
END_TEST

/* A held demand that is given less lacks that much; lengths that prove nothing are worth nothing; numbers that cannot
 * be are refused. */
START_TEST(the_verifier_is_not_fooled)
{
    struct bed bed = bed_new(12, 3);
    struct pt_flow_result *result = answer(&bed.problem, NULL);
    struct pt_flow_fairness fairness;
    size_t victim = 0;
    while (result->levels.of[victim] == PT_FLOW_LEVEL_NONE || carried(&bed, result, victim) <= 0) {
        victim++;
    }
    for (size_t s = pt_flow_paths_first(bed.paths, victim); s < pt_flow_paths_first(bed.paths, victim + 1); s++) {
        result->rates[s] *= 0.8;
    }
    ck_assert_double_ge(judge(&bed, result).gap, 0.19);
    for (size_t s = pt_flow_paths_first(bed.paths, victim); s < pt_flow_paths_first(bed.paths, victim + 1); s++) {
        result->rates[s] /= 0.8;
    }
    ck_assert_double_le(judge(&bed, result).gap, EXACT);
    uint32_t level = result->levels.of[victim];
    result->levels.of[victim] = PT_FLOW_LEVEL_NONE;
    ck_assert_uint_eq(judge(&bed, result).unproved, 1);
    result->levels.of[victim] = (uint32_t)result->levels.len;
    ck_assert_int_eq(pt_flow_verify_levels(&bed.problem, result->rates, &result->levels, NULL, &fairness, NULL),
                     PT_INTERNAL);
    result->levels.of[victim] = level;
    size_t first = result->levels.levels[level].first;
    double length = result->levels.lengths[first];
    result->levels.lengths[first] = length * 4;
    ck_assert_double_gt(judge(&bed, result).gap, 0.01);
    result->levels.lengths[first] = NAN;
    ck_assert_int_eq(pt_flow_verify_levels(&bed.problem, result->rates, &result->levels, NULL, &fairness, NULL),
                     PT_INTERNAL);
    result->levels.lengths[first] = length;
    for (size_t i = 0; i < result->levels.levels[result->levels.len].first; i++) {
        result->levels.lengths[i] = 0;
    }
    ck_assert_double_gt(judge(&bed, result).gap, 0.1);
    pt_flow_result_free(result);
    bed_free(&bed);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("flow: max-min fairness");
    TCase *tcase = tcase_create("fair");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, everybody_is_served_or_has_a_proof, 0, INSTANCES);
    tcase_add_loop_test(tcase, levels_are_in_order, 0, INSTANCES / 2);
    tcase_add_loop_test(tcase, more_room_is_no_loss, 1, 6);
    tcase_add_loop_test(tcase, warm_gives_the_same_rates, 0, INSTANCES / 2);
    tcase_add_test(tcase, nobody_is_in_the_way_without_need);
    tcase_add_loop_test(tcase, stopped_anywhere_it_says_what_is_not_proved, 0, 4);
    tcase_add_test(tcase, ties_are_no_trouble);
    tcase_add_test(tcase, the_verifier_is_not_fooled);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
