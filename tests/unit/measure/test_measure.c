/* Sketches against sorted values; loss, delay and jitter against what was put in. */
#include "measure/measure.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 1;

static uint32_t any(uint32_t below)
{
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)(state >> 33) % below;
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* ---- sketches ------------------------------------------------------------------------------------------------- */

START_TEST(quantiles_are_within_the_stated_error_for_any_distribution)
{
    enum { LEN = 20000 };
    static uint32_t values[LEN];
    struct pt_sketch sketch;
    for (unsigned kind = 0; kind < 5; kind++) {
        pt_sketch_clear(&sketch);
        for (size_t i = 0; i < LEN; i++) {
            const uint32_t shapes[] = {1 + any(1000000), 20000 + any(100), 1 + any(3), any(100) < 97 ? 5000 : 90000,
                                       1 + (uint32_t)exp(any(18) + any(1000) / 1000.0)};
            values[i] = shapes[kind];
            pt_sketch_add(&sketch, values[i]);
        }
        qsort(values, LEN, sizeof(values[0]), compare);
        for (double q = 0; q <= 1; q += 0.01) {
            double want = values[(size_t)(q * (LEN - 1))], got = pt_sketch_quantile(&sketch, q);
            ck_assert_msg(fabs(got - want) <= want * PT_SKETCH_ERROR + 0.5, "kind %u q %.2f: %.0f instead of %.0f",
                          kind, q, got, want);
        }
    }
}
END_TEST

START_TEST(the_sum_of_sketches_is_the_sketch_of_the_sum_packed_or_not)
{
    struct pt_sketch all, a, b, sum;
    struct pt_sketch_packed packed;
    pt_sketch_clear(&all);
    pt_sketch_clear(&a);
    pt_sketch_clear(&b);
    pt_sketch_clear(&sum);
    for (unsigned i = 0; i < 5000; i++) {
        uint32_t value = 10000 + any(8000); /* some 30 buckets: packing loses nothing */
        pt_sketch_add(&all, value);
        pt_sketch_add(i % 3 == 0 ? &a : &b, value);
    }
    pt_sketch_pack(&a, &packed);
    pt_sketch_merge_packed(&sum, &packed);
    pt_sketch_merge(&sum, &b);
    ck_assert_mem_eq(&all, &sum, sizeof(all));
}
END_TEST

START_TEST(packing_many_buckets_keeps_the_high_quantiles)
{
    struct pt_sketch sketch, again;
    struct pt_sketch_packed packed;
    pt_sketch_clear(&sketch);
    pt_sketch_clear(&again);
    for (uint32_t i = 1; i <= 10000; i++) {
        pt_sketch_add(&sketch, i * i / 10 + 1);
    }
    pt_sketch_pack(&sketch, &packed);
    ck_assert_uint_eq(packed.len, PT_SKETCH_PACKED);
    pt_sketch_merge_packed(&again, &packed);
    ck_assert_uint_eq(again.total, sketch.total);
    ck_assert_uint_eq(pt_sketch_quantile(&again, 0.99), pt_sketch_quantile(&sketch, 0.99));
    ck_assert_uint_eq(pt_sketch_quantile(&again, 0.5), pt_sketch_quantile(&sketch, 0.5));
}
END_TEST

START_TEST(values_beyond_the_ends_count_as_the_ends)
{
    struct pt_sketch sketch;
    pt_sketch_clear(&sketch);
    ck_assert_uint_eq(pt_sketch_quantile(&sketch, 0.5), 0);
    pt_sketch_add(&sketch, 0);
    ck_assert_uint_eq(pt_sketch_quantile(&sketch, 0.5), 1);
    pt_sketch_clear(&sketch);
    pt_sketch_add(&sketch, UINT32_MAX);
    ck_assert_uint_ge(pt_sketch_quantile(&sketch, 0.5), PT_SKETCH_MAX / 100 * 98);
}
END_TEST

/* ---- loss ----------------------------------------------------------------------------------------------------- */

static struct pt_measure m;
static struct pt_measure_report report;

START_TEST(loss_is_of_the_last_ten_seconds_and_of_its_own_way)
{
    struct pt_measure_count forward = {0}, back = {0};
    pt_measure_init(&m, 1000);
    for (uint64_t s = 1000; s < 1030; s++) {
        pt_measure_counts(&m, PT_MEASURE_FORWARD, true, forward, s);
        pt_measure_counts(&m, PT_MEASURE_BACK, true, back, s);
        forward.expected += 1000;
        forward.received += s < 1015 ? 1000 : 950;
        back.expected += 500;
        back.received += 499;
    }
    pt_measure_report(&m, 0, &report);
    ck_assert_uint_eq(report.loss_ppm[PT_MEASURE_FORWARD], 50000);
    ck_assert_uint_eq(report.loss_ppm[PT_MEASURE_BACK], 2000);
    ck_assert_uint_eq(report.packets[PT_MEASURE_FORWARD], 10000);
    pt_measure_tick(&m, 1100);
    pt_measure_report(&m, 0, &report);
    ck_assert_uint_eq(report.packets[PT_MEASURE_FORWARD], 0); /* long ago */
    ck_assert_uint_eq(report.loss_ppm[PT_MEASURE_FORWARD], 0);
}
END_TEST

START_TEST(what_comes_late_is_not_lost_and_what_begins_anew_is_no_loss)
{
    pt_measure_init(&m, 1);
    pt_measure_counts(&m, 0, false, (struct pt_measure_count){100, 100}, 1);
    pt_measure_counts(&m, 0, false, (struct pt_measure_count){200, 190}, 1);
    pt_measure_counts(&m, 0, false, (struct pt_measure_count){200, 200}, 2); /* ten were only late */
    pt_measure_report(&m, 0, &report);
    ck_assert_uint_eq(report.loss_ppm[0], 0);
    ck_assert_uint_eq(report.packets[0], 100);
    pt_measure_counts(&m, 0, false, (struct pt_measure_count){5, 5}, 3); /* the other end restarted */
    pt_measure_counts(&m, 0, false, (struct pt_measure_count){15, 15}, 3);
    pt_measure_report(&m, 0, &report);
    ck_assert_uint_eq(report.loss_ppm[0], 0);
    ck_assert_uint_eq(report.packets[0], 110);
}
END_TEST

START_TEST(what_a_dead_path_lost_does_not_count)
{
    pt_measure_init(&m, 1);
    pt_measure_counts(&m, 0, false, (struct pt_measure_count){100, 100}, 1);
    pt_measure_resume(&m);
    pt_measure_counts(&m, 0, false, (struct pt_measure_count){900, 101}, 2);
    pt_measure_counts(&m, 0, false, (struct pt_measure_count){910, 110}, 3);
    pt_measure_report(&m, 0, &report);
    ck_assert_uint_eq(report.packets[0], 10);
    ck_assert_uint_eq(report.loss_ppm[0], 100000); /* one of the ten since */
}
END_TEST

/* ---- delay ---------------------------------------------------------------------------------------------------- */

START_TEST(delay_and_jitter_of_each_way_are_what_was_put_in)
{
    pt_measure_init(&m, 1);
    for (unsigned i = 0; i < 2000; i++) { /* 20 ms there, 30 or 34 back in turn: jitter 0 and 4 ms */
        pt_measure_probe(&m, 20000000, i % 2 == 0 ? 30000000 : 34000000, 1 + i / 23);
    }
    pt_measure_report(&m, 0, &report);
    ck_assert_uint_eq(report.jitter_us[PT_MEASURE_FORWARD], 0);
    ck_assert_uint_ge(report.jitter_us[PT_MEASURE_BACK], 3990);
    ck_assert_uint_le(report.jitter_us[PT_MEASURE_BACK], 4000);
    ck_assert_int_eq(report.delay_us[PT_MEASURE_FORWARD], 20000);
    ck_assert_int_ge(report.delay_us[PT_MEASURE_BACK], 30000);
    ck_assert_int_le(report.delay_us[PT_MEASURE_BACK], 34000);
    ck_assert_uint_eq(report.rtt_min_us, 50000);
    ck_assert_uint_ge(report.p50_us, 49000);
    ck_assert_uint_le(report.p99_us, 55100);
    ck_assert_uint_ge(report.p99_us, 52900);
}
END_TEST

START_TEST(clocks_that_disagree_do_not_disturb_the_round_trip)
{
    pt_measure_init(&m, 1);
    for (unsigned i = 0; i < 100; i++) {
        pt_measure_probe(&m, 20000000 - 5000000000LL, 30000000 + 5000000000LL, 1);
    }
    pt_measure_report(&m, 0, &report);
    ck_assert_uint_eq(report.rtt_us, 50000);
    ck_assert_int_eq(report.delay_us[0] + report.delay_us[1], 50000);
    ck_assert_uint_eq(report.jitter_us[0], 0);
    pt_measure_probe(&m, -200000000000LL, 200000000001LL, 1); /* nonsense */
    pt_measure_report(&m, 0, &report);
    ck_assert_uint_eq(report.rtt_us, 50000);
}
END_TEST

START_TEST(the_last_hour_is_there_and_no_more)
{
    struct pt_measure_count totals = {0};
    pt_measure_init(&m, 0);
    for (uint64_t s = 0; s < 2 * 3600; s++) {
        pt_measure_counts(&m, 0, false, totals, s);
        pt_measure_probe(&m, (int64_t)(s < 3600 ? 90000000 : 10000000), 10000000, s);
        totals.expected += 10;
        totals.received += s < 3600 ? 5 : 10;
    }
    pt_measure_report(&m, 55, &report);
    ck_assert_uint_eq(report.loss_ppm[0], 0);
    ck_assert_uint_le(report.p99_us, 20500);
    pt_measure_report(&m, 60, &report);
    ck_assert_uint_ge(report.packets[0], 3600 * 10 - 10);
    ck_assert_uint_le(report.packets[0], 3660 * 10);
}
END_TEST

/* Ten minutes of which the first six were bad: what is now is as it is now, the ten minutes are the mean of both, by
 * packets: three times as many were sent while it was bad. */
START_TEST(the_past_is_scored_by_its_own_jitter_and_delay)
{
    struct pt_measure_count totals = {0};
    struct pt_measure_report past;
    pt_measure_init(&m, 0);
    for (uint64_t s = 0; s < 600; s++) {
        bool bad = s < 360;
        for (unsigned i = 0; i < 20; i++) { /* 20 ms, or 500 and 540 in turn; back always the same */
            pt_measure_probe(&m, bad ? (i % 2 == 0 ? 500000000 : 540000000) : 20000000, 10000000, s);
        }
        pt_measure_counts(&m, PT_MEASURE_FORWARD, true, totals, s);
        totals.expected += bad ? 300 : 100;
        totals.received += bad ? 300 : 100;
    }
    pt_measure_report(&m, 0, &report);
    ck_assert_uint_lt(report.jitter_us[PT_MEASURE_FORWARD], 100);
    ck_assert_uint_ge(report.mos_100, 430);
    pt_measure_report(&m, 10, &past);
    ck_assert_uint_ge(past.jitter_us[PT_MEASURE_FORWARD], 32000); /* 40 ms for 108,000 of 132,000 packets */
    ck_assert_uint_le(past.jitter_us[PT_MEASURE_FORWARD], 33500);
    ck_assert_uint_eq(past.jitter_us[PT_MEASURE_BACK], 0);
    ck_assert_uint_eq(past.mos_100, pt_measure_mos_100(past.p50_us, past.jitter_us[PT_MEASURE_FORWARD], 0));
    ck_assert_uint_lt(past.mos_100, report.mos_100 - 50);
    pt_measure_report(&m, 3, &past); /* of the good ones only */
    ck_assert_uint_lt(past.jitter_us[PT_MEASURE_FORWARD], 100);
    ck_assert_uint_ge(past.mos_100, 430);
}
END_TEST

/* Points of G.107 as its calculators give them: default R is 93.2, MOS 4.41; loss and delay bring it down. */
START_TEST(the_score_falls_with_delay_and_loss)
{
    ck_assert_uint_ge(pt_measure_mos_100(1000, 0, 0), 438);
    ck_assert_uint_le(pt_measure_mos_100(1000, 0, 0), 441);
    uint32_t last = 450;
    for (uint32_t loss = 0; loss <= 500000; loss += 20000) {
        uint32_t mos = pt_measure_mos_100(100000, 1000, loss);
        ck_assert_uint_le(mos, last);
        last = mos;
    }
    ck_assert_uint_lt(last, 200);
    ck_assert_uint_lt(pt_measure_mos_100(800000, 0, 0), pt_measure_mos_100(300000, 0, 0));
    ck_assert_uint_eq(pt_measure_mos_100(UINT32_MAX, UINT32_MAX, 1000000), 100);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("measure");
    TCase *tests = tcase_create("measure");
    tcase_add_test(tests, quantiles_are_within_the_stated_error_for_any_distribution);
    tcase_add_test(tests, the_sum_of_sketches_is_the_sketch_of_the_sum_packed_or_not);
    tcase_add_test(tests, packing_many_buckets_keeps_the_high_quantiles);
    tcase_add_test(tests, values_beyond_the_ends_count_as_the_ends);
    tcase_add_test(tests, loss_is_of_the_last_ten_seconds_and_of_its_own_way);
    tcase_add_test(tests, what_comes_late_is_not_lost_and_what_begins_anew_is_no_loss);
    tcase_add_test(tests, what_a_dead_path_lost_does_not_count);
    tcase_add_test(tests, delay_and_jitter_of_each_way_are_what_was_put_in);
    tcase_add_test(tests, clocks_that_disagree_do_not_disturb_the_round_trip);
    tcase_add_test(tests, the_last_hour_is_there_and_no_more);
    tcase_add_test(tests, the_past_is_scored_by_its_own_jitter_and_delay);
    tcase_add_test(tests, the_score_falls_with_delay_and_loss);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
