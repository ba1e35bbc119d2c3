/* The traffic matrix over time: percentiles, forecast and the usual of an hour, by given instants. */
#include "mod/te/matrix.h"

#include <check.h>

#define SECOND 1000000000LL
#define DAY (86400LL * SECOND)

static void feed(struct te_series *series, int64_t from_ns, int64_t seconds, uint64_t rate_bps)
{
    for (int64_t i = 0; i < seconds; i++) {
        te_series_add(series, from_ns + i * SECOND, 1000, rate_bps / 8);
    }
}

START_TEST(percentiles_are_of_the_last_hour)
{
    struct te_series series;
    te_series_init(&series);
    feed(&series, 20000 * DAY, 3420, 8000000);
    feed(&series, 20000 * DAY + 3420 * SECOND, 180 + 30, 80000000); /* the last 6 of 120 intervals */
    struct te_series_summary summary = te_series_summarise(&series, 20000 * DAY + 3630 * SECOND);
    ck_assert_uint_eq(summary.p50_bps, 8000000);
    ck_assert_uint_eq(summary.p95_bps, 8000000);
    ck_assert_uint_eq(summary.max_bps, 80000000);
    ck_assert_uint_eq(series.rate_bps, 80000000);
    ck_assert_uint_eq(series.bytes, 3420ULL * 1000000 + 210ULL * 10000000);
}
END_TEST

/* A rate that grows by the same step each interval: the forecast comes within a step of the next one. */
START_TEST(forecast_follows_a_trend)
{
    struct te_series series;
    te_series_init(&series);
    for (int64_t i = 0; i < 100; i++) {
        feed(&series, 20000 * DAY + i * 30 * SECOND, 30, 1000000 + (uint64_t)i * 100000);
    }
    struct te_series_summary summary = te_series_summarise(&series, 20000 * DAY + 3000 * SECOND);
    ck_assert_uint_gt(summary.forecast_bps, 10700000); /* interval 99 is being filled: 98 gave 10.8 Mbit/s */
    ck_assert_uint_lt(summary.forecast_bps, 11100000);
}
END_TEST

START_TEST(an_hour_of_the_day_is_remembered)
{
    struct te_series series;
    te_series_init(&series);
    feed(&series, 20000 * DAY, 3600, 8000000);
    feed(&series, 20000 * DAY + 3600 * SECOND, 3600, 16000000);
    feed(&series, 20000 * DAY + 7200 * SECOND, 60, 16000000);
    ck_assert_uint_eq(te_series_summarise(&series, 20001 * DAY + 60 * SECOND).usual_bps, 8000000);
    ck_assert_uint_ge(te_series_summarise(&series, 20001 * DAY + 3660 * SECOND).usual_bps, 15999000);
    ck_assert_uint_le(te_series_summarise(&series, 20001 * DAY + 3660 * SECOND).usual_bps, 16001000);
    ck_assert_uint_eq(te_series_summarise(&series, 20001 * DAY + 20 * 3600 * SECOND).usual_bps, 0);
}
END_TEST

/* Silence counts, and a clock that is set back or leaps does no harm. */
START_TEST(gaps_are_silent)
{
    struct te_series series;
    te_series_init(&series);
    feed(&series, 20000 * DAY, 60, 8000000);
    te_series_add(&series, 20000 * DAY + 1800 * SECOND, 1000, 1000000);
    struct te_series_summary summary = te_series_summarise(&series, 20000 * DAY + 1800 * SECOND);
    ck_assert_uint_eq(summary.p50_bps, 0);
    ck_assert_uint_eq(summary.max_bps, 8000000);
    te_series_add(&series, 20000 * DAY, 1000, 1000000);
    te_series_add(&series, 30000 * DAY, 1000, 1000000);
    summary = te_series_summarise(&series, 30000 * DAY);
    ck_assert_uint_eq(summary.max_bps, 0);
    te_series_add(&series, 30000 * DAY, 0, 5); /* a window of no length has no rate */
    ck_assert_uint_eq(series.rate_bps, 0);
}
END_TEST

/* A leader that a node tells its hour knows what the one before knew; from the next interval on the two agree. */
START_TEST(a_new_leader_learns_the_hour)
{
    struct te_series old;
    te_series_init(&old);
    int64_t begin = 20000 * DAY + 3600 * SECOND;
    uint64_t bytes[TE_MATRIX_INTERVALS];
    for (int64_t i = 0; i < TE_MATRIX_INTERVALS; i++) {
        uint64_t rate = 1000000 + (uint64_t)(i % 7) * 800000;
        feed(&old, begin + i * 30 * SECOND, 30, rate);
        bytes[i] = rate / 8 * 30;
    }
    int64_t now = begin + 3600 * SECOND;
    uint64_t hours[24] = {[5] = 2000001};
    struct te_series heir;
    te_series_init(&heir);
    te_series_add(&heir, now, 1000, 125000);
    te_series_add(&old, now, 1000, 125000);
    uint64_t newest = (uint64_t)(now / (30 * SECOND)) - 1;
    ck_assert(te_series_learn(&heir, newest, bytes, TE_MATRIX_INTERVALS, hours, 24));
    ck_assert(!te_series_learn(&heir, newest, bytes, TE_MATRIX_INTERVALS, hours, 24)); /* once */
    for (int64_t i = 0; i < 2; i++) {
        struct te_series_summary a = te_series_summarise(&old, now + i * 30 * SECOND);
        struct te_series_summary b = te_series_summarise(&heir, now + i * 30 * SECOND);
        ck_assert_uint_eq(a.p50_bps, b.p50_bps);
        ck_assert_uint_eq(a.p95_bps, b.p95_bps);
        ck_assert_uint_eq(a.max_bps, b.max_bps);
        ck_assert_uint_eq(a.forecast_bps, b.forecast_bps);
        te_series_add(&old, now + (i + 1) * 30 * SECOND, 1000, 250000);
        te_series_add(&heir, now + (i + 1) * 30 * SECOND, 1000, 250000);
    }
    ck_assert_uint_eq(te_series_summarise(&heir, 20001 * DAY + 5 * 3600 * SECOND).usual_bps, 2000000);
}
END_TEST

/* What cannot be, or comes too late, is left. */
START_TEST(a_wrong_hour_is_not_learned)
{
    struct te_series series;
    const uint64_t bytes[TE_MATRIX_INTERVALS + 1] = {1};
    te_series_init(&series);
    ck_assert(!te_series_learn(&series, 5, bytes, 1, NULL, 0)); /* nothing came yet: what time is it? */
    te_series_add(&series, 20000 * DAY, 1000, 1);
    uint64_t now = 20000 * 2880;
    ck_assert(!te_series_learn(&series, now, bytes, 1, NULL, 0));
    ck_assert(!te_series_learn(&series, UINT64_MAX, bytes, 1, NULL, 0));
    ck_assert(!te_series_learn(&series, now - TE_MATRIX_INTERVALS - 1, bytes, 1, NULL, 0));
    ck_assert(!te_series_learn(&series, now - 1, bytes, TE_MATRIX_INTERVALS + 1, NULL, 0));
    ck_assert(te_series_learn(&series, now - 3, bytes, 1, NULL, 0));
    ck_assert_uint_eq(series.len, 3); /* two silent ones in between */
}
END_TEST

/* A node may say anything: it ends in a number, and in no other cell. */
START_TEST(what_cannot_be_is_bounded)
{
    struct te_series series;
    te_series_init(&series);
    te_series_add(&series, 1000LL * TE_MATRIX_INTERVAL_MS * 1000000, 1, UINT64_MAX);
    uint64_t bytes[2] = {UINT64_MAX, UINT64_MAX}, hours[24];
    for (size_t i = 0; i < 24; i++) {
        hours[i] = UINT64_MAX;
    }
    ck_assert_uint_le(series.rate_bps, UINT64_C(1000000000000000000));
    ck_assert(te_series_learn(&series, 999, bytes, 2, hours, 24));
    struct te_series_summary summary = te_series_summarise(&series, 1000LL * TE_MATRIX_INTERVAL_MS * 1000000);
    ck_assert_uint_le(summary.max_bps, UINT64_C(1000000000000000000));
    ck_assert_uint_gt(summary.max_bps, 0);
    ck_assert_uint_le(summary.usual_bps, UINT64_C(1000000000000000000));
    ck_assert_uint_le(summary.forecast_bps, UINT64_C(1000000000000000000));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("matrix");
    TCase *tcase = tcase_create("matrix");
    tcase_add_test(tcase, percentiles_are_of_the_last_hour);
    tcase_add_test(tcase, forecast_follows_a_trend);
    tcase_add_test(tcase, an_hour_of_the_day_is_remembered);
    tcase_add_test(tcase, gaps_are_silent);
    tcase_add_test(tcase, a_new_leader_learns_the_hour);
    tcase_add_test(tcase, a_wrong_hour_is_not_learned);
    tcase_add_test(tcase, what_cannot_be_is_bounded);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
