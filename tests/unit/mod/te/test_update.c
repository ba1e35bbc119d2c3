/* Congestion-free updates: what is promised holds in every interleaving tried, and within the bound's number of steps.
 */
#include "mod/te/update.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FLOWS 12
#define LINKS 10
#define PATHS 3

struct net {
    double capacity[LINKS];
    double rate[FLOWS];
    size_t first_path[FLOWS + 1], first_hop[FLOWS * PATHS + 1];
    uint32_t hops[FLOWS * PATHS * 4];
    double before[FLOWS * PATHS], after[FLOWS * PATHS];
    struct te_update_problem problem;
};

static uint64_t draw(uint64_t *state, uint64_t below)
{
    *state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (*state >> 33) % below;
}

static void random_splits(uint64_t *state, double *splits)
{
    uint32_t left = 64;
    for (size_t i = 0; i < PATHS; i++) {
        uint32_t part = i + 1 == PATHS ? left : (uint32_t)draw(state, left + 1);
        splits[i] = part / 64.0;
        left -= part;
    }
}

/* Random paths of 1 to 4 links; capacities such that the busier end leaves `scratch` free. */
static void make_net(struct net *net, uint64_t seed, double scratch)
{
    uint64_t state = seed;
    size_t hops = 0;
    for (size_t flow = 0; flow < FLOWS; flow++) {
        net->rate[flow] = 1 + (double)draw(&state, 100);
        net->first_path[flow + 1] = (flow + 1) * PATHS;
        for (size_t path = flow * PATHS; path < (flow + 1) * PATHS; path++) {
            uint32_t at = (uint32_t)draw(&state, LINKS);
            for (uint64_t len = 1 + draw(&state, 4); len > 0; len--, at = (at + 1) % LINKS) {
                net->hops[hops++] = at;
            }
            net->first_hop[path + 1] = hops;
        }
        random_splits(&state, &net->before[flow * PATHS]);
        random_splits(&state, &net->after[flow * PATHS]);
        if (flow % 4 == 0) { /* one that is not to move */
            memcpy(&net->after[flow * PATHS], &net->before[flow * PATHS], PATHS * sizeof(double));
        }
    }
    net->problem = (struct te_update_problem){.capacity = net->capacity,
                                              .links_len = LINKS,
                                              .rate = net->rate,
                                              .flows_len = FLOWS,
                                              .first_path = net->first_path,
                                              .first_hop = net->first_hop,
                                              .hops = net->hops};
    for (size_t link = 0; link < LINKS; link++) {
        net->capacity[link] = 1;
    }
    /* Each link's own load decides its capacity, so that many links are as full as allowed. */
    for (size_t link = 0; link < LINKS; link++) {
        double most = 1;
        for (unsigned end = 0; end < 2; end++) {
            double load = 0;
            for (size_t path = 0; path < FLOWS * PATHS; path++) {
                for (size_t i = net->first_hop[path]; i < net->first_hop[path + 1]; i++) {
                    load += net->hops[i] == link
                                ? net->rate[path / PATHS] * (end == 0 ? net->before[path] : net->after[path])
                                : 0;
                }
            }
            most = load > most ? load : most;
        }
        net->capacity[link] = most / (1 - scratch);
    }
}

/* Utilisation when each flow is at one end of the step or the other. */
static double utilisation(const struct net *net, const double *from, const double *to, uint64_t mask)
{
    double worst = 0;
    for (size_t link = 0; link < LINKS; link++) {
        double load = 0;
        for (size_t path = 0; path < FLOWS * PATHS; path++) {
            double split = mask >> (path / PATHS) & 1 ? to[path] : from[path];
            for (size_t i = net->first_hop[path]; i < net->first_hop[path + 1]; i++) {
                load += net->hops[i] == link ? net->rate[path / PATHS] * split : 0;
            }
        }
        worst = load / net->capacity[link] > worst ? load / net->capacity[link] : worst;
    }
    return worst;
}

START_TEST(promises_hold_in_every_interleaving)
{
    size_t promised = 0;
    size_t steps = 0;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct net net = {0};
        double scratch = 0.05 + 0.05 * (double)(seed % 8);
        make_net(&net, seed, scratch);
        struct pt_arena arena;
        pt_arena_init(&arena);
        const struct te_update *update = te_update_plan(&net.problem, net.before, net.after, &arena);
        ck_assert(update->promised); /* without rounding, the bound always does */
        ck_assert_uint_le(update->steps_len, (size_t)ceil(1 / scratch - 1e-6) - 1);
        const double *from = net.before;
        for (size_t step = 0; step < update->steps_len; step++) {
            uint64_t state = seed;
            for (unsigned i = 0; i < 40; i++) {
                ck_assert_double_le(utilisation(&net, from, update->splits[step], draw(&state, 1U << FLOWS)), 1 + 1e-6);
            }
            for (size_t i = 0; i < PATHS; i++) {
                ck_assert_double_eq(update->splits[step][i], net.before[i]); /* flow 0 does not move */
            }
            from = update->splits[step];
        }
        ck_assert_mem_eq(from, net.after, sizeof(net.after));
        promised++;
        steps += update->steps_len;
        pt_arena_fini(&arena);
    }
    ck_assert_uint_eq(promised, 200);
    ck_assert_uint_gt(steps, 200); /* some need more than one */
}
END_TEST

/* The worst interleaving is reached: the verifier is not merely an upper bound for one link. */
START_TEST(the_verifier_is_exact_for_one_link)
{
    const double capacity[] = {10};
    const double rate[] = {6, 6};
    const size_t first_path[] = {0, 2, 4};
    const size_t first_hop[] = {0, 1, 1, 2, 2}; /* each flow: one path over the link, one beside it */
    const uint32_t hops[] = {0, 0};
    const struct te_update_problem problem = {.capacity = capacity,
                                              .links_len = 1,
                                              .rate = rate,
                                              .flows_len = 2,
                                              .first_path = first_path,
                                              .first_hop = first_hop,
                                              .hops = hops};
    const double before[] = {1, 0, 0, 1};
    const double after[] = {0, 1, 1, 0};
    ck_assert_double_eq_tol(te_update_worst(&problem, before, before), 0.6, 1e-12);
    ck_assert_double_eq_tol(te_update_worst(&problem, before, after), 1.2, 1e-12);
    struct pt_arena arena;
    pt_arena_init(&arena);
    const struct te_update *update = te_update_plan(&problem, before, after, &arena);
    ck_assert(update->promised);
    ck_assert_uint_eq(update->steps_len, 2); /* ceil(1/0.4) - 1 */
    ck_assert_double_eq_tol(update->worst, 0.9, 1e-12);
    pt_arena_fini(&arena);
}
END_TEST

/* An end that is overloaded itself: nothing is promised, and the steps still lead there. */
START_TEST(no_promise_without_room)
{
    struct net net = {0};
    make_net(&net, 5, 0.2);
    for (size_t link = 0; link < LINKS; link++) {
        net.capacity[link] *= 0.5;
    }
    struct pt_arena arena;
    pt_arena_init(&arena);
    const struct te_update *update = te_update_plan(&net.problem, net.before, net.after, &arena);
    ck_assert(!update->promised);
    ck_assert_double_gt(update->worst, 1);
    ck_assert_mem_eq(update->splits[update->steps_len - 1], net.after, sizeof(net.after));
    pt_arena_fini(&arena);
}
END_TEST

/* The fullest link in the worst order of any step, when the way is cut into so many even ones: each flow may be at
 * either end of the step, so a link carries at most the sum of the greater of the two. */
static double worst_of_even(const struct net *net, size_t steps)
{
    double worst = 0;
    for (size_t step = 0; step < steps; step++) {
        for (size_t link = 0; link < LINKS; link++) {
            double load = 0;
            for (size_t flow = 0; flow < FLOWS; flow++) {
                double share[2] = {0};
                for (size_t path = flow * PATHS; path < (flow + 1) * PATHS; path++) {
                    for (size_t i = net->first_hop[path]; i < net->first_hop[path + 1]; i++) {
                        double way = net->after[path] - net->before[path];
                        for (size_t end = 0; end < 2 && net->hops[i] == link; end++) {
                            share[end] += net->before[path] + way * (double)(step + end) / (double)steps;
                        }
                    }
                }
                load += net->rate[flow] * fmax(share[0], share[1]);
            }
            worst = fmax(worst, load / net->capacity[link]);
        }
    }
    return worst;
}

/* Where nothing can be promised, no number of even steps up to the limit is better by more than a hundredth, and none
 * of fewer steps is as good. What it says of the worst is what the steps do. */
START_TEST(without_a_promise_it_is_the_least_bad)
{
    size_t seen = 0, more_than_one = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct net net = {0};
        make_net(&net, seed, 0.1);
        for (size_t link = 0; link < LINKS; link++) {
            net.capacity[link] *= 0.6;
        }
        struct pt_arena arena;
        pt_arena_init(&arena);
        const struct te_update *update = te_update_plan(&net.problem, net.before, net.after, &arena);
        ck_assert(!update->promised);
        double least = INFINITY;
        for (size_t steps = 1; steps <= TE_UPDATE_STEPS_MAX; steps++) {
            double worst = worst_of_even(&net, steps);
            least = fmin(least, worst);
            if (steps < update->steps_len) {
                ck_assert_double_gt(worst, update->worst - 1e-9);
            }
        }
        ck_assert_double_eq_tol(update->worst, worst_of_even(&net, update->steps_len), 1e-9);
        ck_assert_double_le(update->worst, least + 0.01 + 1e-9);
        more_than_one += update->steps_len > 1 ? 1 : 0;
        seen++;
        pt_arena_fini(&arena);
    }
    ck_assert_uint_eq(seen, 40);
    ck_assert_uint_gt(more_than_one, 0);
}
END_TEST

START_TEST(weights_are_within_their_bound)
{
    uint64_t state = 3;
    for (unsigned round = 0; round < 2000; round++) {
        double splits[8];
        uint32_t weights[8];
        size_t len = 1 + draw(&state, 8);
        uint32_t quantum = 1 + (uint32_t)draw(&state, 300);
        double sum = 0;
        for (size_t i = 0; i < len; i++) {
            splits[i] = (double)draw(&state, 1000);
            sum += splits[i];
        }
        for (size_t i = 0; i < len; i++) {
            splits[i] = sum > 0 ? splits[i] / sum : 1.0 / (double)len;
        }
        double error = te_quantise(splits, len, quantum, weights);
        uint64_t given = 0;
        for (size_t i = 0; i < len; i++) {
            given += weights[i];
            ck_assert_double_le(fabs((double)weights[i] / quantum - splits[i]), error + 1e-12);
        }
        ck_assert_uint_eq(given, quantum);
        ck_assert_double_lt(error, 1.0 / quantum);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("update");
    TCase *tcase = tcase_create("update");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, promises_hold_in_every_interleaving);
    tcase_add_test(tcase, the_verifier_is_exact_for_one_link);
    tcase_add_test(tcase, no_promise_without_room);
    tcase_add_test(tcase, without_a_promise_it_is_the_least_bad);
    tcase_add_test(tcase, weights_are_within_their_bound);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
