/* The search against a queue whose rate is known: with other traffic in it, loss, unsteady clocks and a late sender. */
#include "measure/bandwidth.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

struct line {
    double rate_bps, other_bps; /* of the line; of other traffic in it, in packets of its own */
    double loss, noise_ns;      /* noise: each packet may be so much later at its far end */
    double stall;               /* share of packets before which the sender is kept from sending */
    double queue_ns;            /* what may wait; then drop-tail */
    int64_t skew_ns;            /* of the far end's clock */
    double busy_until_ns, other_next_ns;
    uint64_t state;
};

static double any(struct line *line)
{
    line->state = line->state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (double)(line->state >> 11) / (double)(1ULL << 53);
}

static bool enter(struct line *line, double now_ns, double bits)
{
    double starts = line->busy_until_ns > now_ns ? line->busy_until_ns : now_ns;
    if (starts - now_ns > line->queue_ns) {
        return false;
    }
    line->busy_until_ns = starts + bits * 1e9 / line->rate_bps;
    return true;
}

static void others(struct line *line, double now_ns)
{
    while (line->other_bps > 0 && line->other_next_ns <= now_ns) {
        (void)enter(line, line->other_next_ns, 8000);
        line->other_next_ns += 8000 * 1e9 / line->other_bps;
    }
}

static void send_train(struct line *line, uint64_t rate_bps, double *now_ns, struct pt_train *train)
{
    *train = (struct pt_train){.len = pt_bandwidth_train_len(rate_bps)};
    for (uint32_t i = 0; i < train->len; i++) {
        *now_ns += any(line) < line->stall ? 30e6 : 0;
        others(line, *now_ns);
        train->sent_ns[i] = (int64_t)*now_ns;
        train->came[i] = enter(line, *now_ns, PT_TRAIN_SIZE * 8) && any(line) >= line->loss;
        train->came_ns[i] = (int64_t)(line->busy_until_ns + 1e7 + any(line) * line->noise_ns) + line->skew_ns;
        *now_ns += PT_TRAIN_SIZE * 8e9 / (double)rate_bps;
    }
    *now_ns += 300e6; /* the queue drains */
    others(line, *now_ns);
}

static struct pt_bandwidth search(struct line line, uint64_t max_bps)
{
    struct pt_bandwidth b;
    struct pt_train train;
    double now_ns = 1e9;
    line.queue_ns = line.queue_ns > 0 ? line.queue_ns : 50e6;
    line.other_next_ns = now_ns;
    pt_bandwidth_init(&b, max_bps);
    for (unsigned n = 0; b.next_bps != 0; n++) {
        ck_assert_uint_lt(n, PT_TRAINS_MAX);
        send_train(&line, b.next_bps, &now_ns, &train);
        pt_bandwidth_put(&b, &train);
    }
    return b;
}

static void near(struct line line, double wanted_bps, double error)
{
    for (uint64_t seed = 1; seed <= 50; seed++) {
        line.state = seed;
        struct pt_bandwidth b = search(line, 0);
        double found = (double)pt_bandwidth_estimate(&b);
        ck_assert_msg(found > wanted_bps * (1 - error) && found < wanted_bps * (1 + error),
                      "seed %lu: %.0f of %.0f bit/s: %lu to %lu in %u trains", (unsigned long)seed, found, wanted_bps,
                      (unsigned long)b.low_bps, (unsigned long)b.high_bps, b.trains);
        ck_assert_uint_le(b.low_bps, b.high_bps);
    }
}

START_TEST(an_idle_line_is_found_within_a_tenth)
{
    for (double rate = 400e3; rate < 800e6; rate *= 1.7) {
        near((struct line){.rate_bps = rate, .noise_ns = 2000, .skew_ns = -3600000000000}, rate, 0.1);
    }
}
END_TEST

START_TEST(what_others_take_is_not_there)
{
    near((struct line){.rate_bps = 50e6, .other_bps = 30e6, .noise_ns = 20000}, 20e6, 0.15);
    near((struct line){.rate_bps = 200e6, .other_bps = 50e6, .noise_ns = 2000}, 150e6, 0.15);
}
END_TEST

START_TEST(loss_noise_and_a_late_sender_do_not_mislead)
{
    near((struct line){.rate_bps = 20e6, .loss = 0.05, .noise_ns = 300000}, 20e6, 0.1);
    near((struct line){.rate_bps = 20e6, .stall = 0.003, .noise_ns = 20000}, 20e6, 0.15);
    near((struct line){.rate_bps = 20e6, .queue_ns = 5e6, .noise_ns = 20000}, 20e6, 0.15); /* the train is lost in it */
}
END_TEST

START_TEST(a_line_faster_than_asked_for_is_at_least_that)
{
    struct pt_bandwidth b = search((struct line){.rate_bps = 900e6, .state = 1}, 100000000);
    ck_assert_uint_eq(b.high_bps, 0);
    ck_assert_uint_gt(pt_bandwidth_estimate(&b), 95000000);
    ck_assert_uint_le(pt_bandwidth_estimate(&b), 101000000);
    ck_assert_uint_lt(b.trains, 6);
}
END_TEST

START_TEST(a_line_slower_than_can_be_told_is_nothing)
{
    struct pt_bandwidth b = search((struct line){.rate_bps = 40e3, .queue_ns = 20e9, .state = 1}, 0);
    ck_assert_uint_eq(b.low_bps, 0);
    ck_assert_uint_eq(pt_bandwidth_estimate(&b), 0);
    ck_assert_uint_gt(b.high_bps, 0);
}
END_TEST

/* Whatever comes back: no more trains, packets and bytes than are promised, and low is not above high. */
START_TEST(any_answers_end_it)
{
    struct line random = {.state = 7};
    for (unsigned round = 0; round < 2000; round++) {
        struct pt_bandwidth b;
        unsigned n = 0;
        pt_bandwidth_init(&b, (uint64_t)(any(&random) * 2e9));
        for (; b.next_bps != 0; n++) {
            struct pt_train train = {.len = pt_bandwidth_train_len(b.next_bps)};
            double came = any(&random);
            for (uint32_t i = 0; i < train.len; i++) {
                train.sent_ns[i] = (int64_t)(any(&random) * 1e9) * (round % 2 == 0 ? 1 : (int64_t)i);
                train.came_ns[i] = (int64_t)(any(&random) * 1e9);
                train.came[i] = any(&random) < came;
            }
            pt_bandwidth_put(&b, &train);
            ck_assert(b.next_bps == 0 || (b.next_bps >= PT_BANDWIDTH_BPS_MIN && b.next_bps <= PT_BANDWIDTH_BPS_MAX));
        }
        ck_assert_uint_le(n, PT_TRAINS_MAX);
        ck_assert_uint_le(b.bytes, 4000000);
        ck_assert(b.high_bps == 0 || b.low_bps <= b.high_bps);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bandwidth");
    TCase *tcase = tcase_create("bandwidth");
    tcase_add_test(tcase, an_idle_line_is_found_within_a_tenth);
    tcase_add_test(tcase, what_others_take_is_not_there);
    tcase_add_test(tcase, loss_noise_and_a_late_sender_do_not_mislead);
    tcase_add_test(tcase, a_line_faster_than_asked_for_is_at_least_that);
    tcase_add_test(tcase, a_line_slower_than_can_be_told_is_nothing);
    tcase_add_test(tcase, any_answers_end_it);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
