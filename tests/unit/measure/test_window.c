/* The ring against a list of everything that was put in. */
#include "measure/window.h"

#include <check.h>
#include <stdlib.h>

struct event {
    uint64_t ms;
    enum pt_measure_way way;
    int expected, lost;
    uint32_t rtt_us; /* 0: counts only */
};

static uint64_t state;

static uint32_t any(uint32_t below)
{
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)(state >> 33) % below;
}

static void check_window(struct pt_window *window, const struct event *events, size_t len, uint32_t window_ms,
                         uint64_t now_ms)
{
    struct pt_window_values v;
    int64_t expected[2] = {0}, lost[2] = {0};
    uint32_t probes = 0, least = UINT32_MAX;
    uint64_t first_slot = now_ms / PT_WINDOW_SLOT_MS - (window_ms + PT_WINDOW_SLOT_MS - 1) / PT_WINDOW_SLOT_MS;
    for (size_t i = 0; i < len; i++) {
        if (events[i].ms / PT_WINDOW_SLOT_MS >= first_slot) {
            expected[events[i].way] += events[i].expected;
            lost[events[i].way] += events[i].lost;
            probes += events[i].rtt_us > 0 ? 1 : 0;
            least = events[i].rtt_us > 0 && events[i].rtt_us < least ? events[i].rtt_us : least;
        }
    }
    pt_window_read(window, window_ms, now_ms, &v);
    unsigned worse = lost[1] * expected[0] > lost[0] * expected[1] ? 1 : 0;
    ck_assert_uint_eq(v.packets, (uint32_t)expected[worse]);
    ck_assert_uint_eq(v.lost, (uint32_t)lost[worse]);
    ck_assert_uint_eq(v.probes, probes);
    ck_assert_uint_eq(v.rtt_us_min, probes > 0 ? least : 0);
}

START_TEST(any_window_is_what_was_put_in)
{
    enum { LEN = 4000 };
    static struct event events[LEN];
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct pt_window window;
        struct pt_measure_count totals[2] = {{.expected = 100, .received = 100}, {.expected = 7, .received = 7}};
        uint64_t now_ms = 5000000;
        state = seed;
        pt_window_init(&window, now_ms);
        pt_window_counts(&window, PT_MEASURE_FORWARD, false, totals[0], now_ms);
        pt_window_counts(&window, PT_MEASURE_BACK, false, totals[1], now_ms);
        for (size_t i = 0; i < LEN; i++) {
            struct event *event = &events[i];
            now_ms += any(40) == 0 ? any(15000) : any(60);
            *event = (struct event){.ms = now_ms, .way = any(2)};
            if (any(2) == 0) {
                event->expected = (int)any(50) + 1;
                event->lost = (int)any((uint32_t)event->expected);
                totals[event->way].expected += (uint64_t)event->expected;
                totals[event->way].received += (uint64_t)(event->expected - event->lost);
                pt_window_counts(&window, event->way, false, totals[event->way], now_ms);
            } else {
                event->rtt_us = 2000 + any(100000);
                pt_window_probe(&window, (int64_t)event->rtt_us * 1000, 0, now_ms);
            }
            check_window(&window, events, i + 1, 100 + any(PT_WINDOW_MS_MAX - 200), now_ms);
        }
    }
}
END_TEST

START_TEST(nonsense_and_a_restart_of_the_other_end_are_ignored)
{
    struct pt_window window;
    struct pt_window_values v;
    pt_window_init(&window, 1000);
    pt_window_probe(&window, 200000000000LL, 0, 1010);
    pt_window_probe(&window, -5000, 1000, 1020);
    pt_window_counts(&window, PT_MEASURE_FORWARD, true, (struct pt_measure_count){1000, 1000}, 1030);
    pt_window_counts(&window, PT_MEASURE_FORWARD, true, (struct pt_measure_count){5, 4}, 1040);
    pt_window_read(&window, 1000, 1050, &v);
    ck_assert_uint_eq(v.probes, 0);
    ck_assert_uint_eq(v.packets, 0);
    ck_assert_uint_eq(v.mos_100, 0);
    pt_window_counts(&window, PT_MEASURE_FORWARD, true, (struct pt_measure_count){15, 12}, 1060);
    pt_window_read(&window, 1000, 1070, &v);
    ck_assert_uint_eq(v.packets, 10);
    ck_assert_uint_eq(v.lost, 2);
}
END_TEST

START_TEST(the_delay_is_that_of_the_path_and_not_of_a_late_thread)
{
    struct pt_window window;
    struct pt_window_values v;
    pt_window_init(&window, 0);
    for (uint64_t ms = 0; ms < 2000; ms += 50) { /* every other probe was read late */
        pt_window_probe(&window, 10000000, ms % 100 == 0 ? 10000000 : 400000000, ms);
    }
    pt_window_read(&window, 1000, 2000, &v);
    ck_assert_uint_eq(v.rtt_us, 20000);
    ck_assert_uint_ge(v.jitter_us, 300000);
    ck_assert_uint_ge(v.mos_100, 100);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("window");
    TCase *ring = tcase_create("ring");
    tcase_set_timeout(ring, 60);
    tcase_add_test(ring, any_window_is_what_was_put_in);
    tcase_add_test(ring, nonsense_and_a_restart_of_the_other_end_are_ignored);
    tcase_add_test(ring, the_delay_is_that_of_the_path_and_not_of_a_late_thread);
    suite_add_tcase(suite, ring);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
