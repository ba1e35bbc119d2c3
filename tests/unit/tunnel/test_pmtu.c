/*
 * The search for a path's MTU on virtual time, over a path that carries so much, takes so long, and loses by chance.
 */
#include "tunnel/pmtu.h"

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>

#define MS 1000000ULL
#define TICK_NS (100 * MS)
#define FLIGHTS_MAX 64

struct flight {
    uint32_t size;
    uint64_t sent_ns, comes_ns; /* comes_ns 0: free */
};

struct world {
    struct pt_pmtu pmtu;
    uint64_t now_ns, rtt_ns;
    uint32_t carries, loss_percent, random;
    unsigned probes, flying;
    struct flight flights[FLIGHTS_MAX];
};

static uint32_t chance(struct world *w)
{
    w->random = w->random * 1664525 + 1013904223;
    return (w->random >> 8) % 100;
}

static void world_init(struct world *w, uint32_t max, uint32_t carries, uint64_t rtt_ms)
{
    *w = (struct world){.now_ns = 1000 * MS, .rtt_ns = rtt_ms * MS, .carries = carries, .random = 1};
    pt_pmtu_init(&w->pmtu, max);
}

static void send_probe(struct world *w, uint32_t size)
{
    ck_assert_uint_le(size, w->pmtu.max);
    w->probes++;
    for (size_t i = 0; i < FLIGHTS_MAX && size <= w->carries && chance(w) >= w->loss_percent; i++) {
        if (w->flights[i].comes_ns == 0) {
            w->flights[i] = (struct flight){size, w->now_ns, w->now_ns + w->rtt_ns};
            w->flying++;
            return;
        }
    }
}

/* A tenth of a second: what comes, comes; then the engine's tick. */
static void turn(struct world *w)
{
    w->now_ns += TICK_NS;
    for (size_t i = 0; i < FLIGHTS_MAX && w->flying > 0; i++) {
        struct flight *f = &w->flights[i];
        if (f->comes_ns != 0 && f->comes_ns <= w->now_ns) {
            pt_pmtu_echo(&w->pmtu, f->size, f->sent_ns, w->now_ns);
            f->comes_ns = 0;
            w->flying--;
        }
    }
    uint32_t size = pt_pmtu_tick(&w->pmtu, w->now_ns);
    if (size != 0) {
        send_probe(w, size);
    }
}

static void run(struct world *w, unsigned seconds)
{
    for (unsigned i = 0; i < seconds * 10; i++) {
        turn(w);
    }
}

static bool right(const struct world *w)
{
    uint32_t carries = w->carries < w->pmtu.max ? w->carries : w->pmtu.max;
    return w->pmtu.found <= carries && w->pmtu.found + PT_PMTU_STEP > carries;
}

START_TEST(what_is_configured_and_carried_costs_one_probe)
{
    struct world w;
    world_init(&w, 1432, 9000, 30);
    run(&w, 2);
    ck_assert_uint_eq(w.pmtu.found, 1432);
    ck_assert_uint_eq(w.probes, 1);
    run(&w, 27);
    ck_assert_uint_eq(w.probes, 1);
    run(&w, 3); /* 30 s later: does it still? */
    ck_assert_uint_eq(w.probes, 2);
    ck_assert_uint_eq(w.pmtu.found, 1432);
}
END_TEST

/* Every size between the least and the configured one, near and far; nothing is claimed before the search is over. */
START_TEST(a_smaller_path_is_found_to_within_a_step)
{
    const uint64_t rtts_ms[] = {1, 80, 600};
    for (size_t r = 0; r < sizeof(rtts_ms) / sizeof(rtts_ms[0]); r++) {
        for (uint32_t carries = PT_PMTU_MIN; carries < 1432; carries += 11) {
            struct world w;
            unsigned changes = 0;
            world_init(&w, 1432, carries, rtts_ms[r]);
            for (unsigned i = 0; i < 280; i++) {
                uint32_t before = w.pmtu.found;
                turn(&w);
                changes += w.pmtu.found != before;
            }
            ck_assert_msg(right(&w), "carries %u, rtt %u ms: found %u", carries, (unsigned)rtts_ms[r], w.pmtu.found);
            ck_assert_uint_eq(changes, 1);
        }
    }
}
END_TEST

START_TEST(a_path_that_shrinks_is_noticed_and_one_that_grows_too)
{
    struct world w;
    world_init(&w, 1432, 1432, 20);
    run(&w, 10);
    ck_assert(right(&w));
    w.carries = 1300;
    run(&w, 45); /* asked each 30 s; three timeouts of some 0.3 s, then the search */
    ck_assert(right(&w));
    w.carries = 1432;
    run(&w, 500);
    ck_assert_uint_le(w.pmtu.found, 1300); /* not yet: up to ten minutes */
    run(&w, 200);
    ck_assert(right(&w));
    ck_assert_uint_eq(w.pmtu.found, 1432);
}
END_TEST

START_TEST(doubt_asks_at_once)
{
    struct world w;
    world_init(&w, 1432, 1432, 20);
    run(&w, 10);
    w.carries = 1200;
    pt_pmtu_doubt(&w.pmtu, w.now_ns);
    run(&w, 12);
    ck_assert_msg(right(&w), "found %u", w.pmtu.found);
}
END_TEST

START_TEST(raising_in_vain_leaves_what_was_found)
{
    struct world w;
    world_init(&w, 1432, 1300, 20);
    run(&w, 30);
    ck_assert(right(&w));
    uint32_t found = w.pmtu.found;
    for (unsigned i = 0; i < 36000; i++) { /* an hour */
        turn(&w);
        ck_assert_uint_eq(w.pmtu.found, found);
    }
    ck_assert_uint_lt(w.probes, 400); /* some 120 checks, and six searches in vain */
}
END_TEST

START_TEST(loss_does_not_make_a_path_small_for_long)
{
    unsigned wrong = 0;
    for (uint32_t seed = 1; seed <= 50; seed++) {
        struct world w;
        world_init(&w, 1432, 1400, 40);
        w.random = seed;
        w.loss_percent = 10;
        run(&w, 1300); /* two raises */
        wrong += !right(&w);
    }
    ck_assert_uint_le(wrong, 3); /* a lost probe in a thousand is taken for a size that does not arrive */
}
END_TEST

/* The line stands still for longer than three timeouts: what comes afterwards corrects what was concluded. */
START_TEST(late_echoes_correct)
{
    struct world w;
    world_init(&w, 1432, 1432, 5);
    run(&w, 35); /* the round trip is known, timeouts are short */
    w.rtt_ns = 4000 * MS;
    pt_pmtu_doubt(&w.pmtu, w.now_ns);
    run(&w, 3);
    w.rtt_ns = 5 * MS;
    run(&w, 20);
    ck_assert_uint_eq(w.pmtu.found, 1432);
}
END_TEST

START_TEST(a_dead_path_is_left_alone_and_keeps_what_was_found)
{
    struct world w;
    world_init(&w, 1432, 1300, 20);
    run(&w, 30);
    uint32_t found = w.pmtu.found;
    w.carries = 0;
    run(&w, 120);
    ck_assert_uint_eq(w.pmtu.found, found);
    unsigned probes = w.probes;
    run(&w, 120);
    ck_assert_uint_lt(w.probes - probes, 200); /* a search each half a minute */
    w.carries = 1432;
    run(&w, 60);
    ck_assert_uint_eq(w.pmtu.found, 1432);
}
END_TEST

START_TEST(what_was_found_before_is_kept_and_asked_again)
{
    struct world w;
    world_init(&w, 1432, 1300, 20);
    pt_pmtu_restore(&w.pmtu, 1296, w.now_ns);
    ck_assert_uint_eq(w.pmtu.found, 1296);
    turn(&w);
    ck_assert_uint_eq(w.probes, 1);
    run(&w, 20);
    ck_assert_uint_eq(w.pmtu.found, 1296);
    ck_assert_uint_eq(w.probes, 1);
}
END_TEST

START_TEST(even_a_configured_size_below_the_least_is_asked)
{
    struct world w;
    world_init(&w, 500, 9000, 20);
    run(&w, 5);
    ck_assert_uint_eq(w.pmtu.found, 500);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pmtu");
    TCase *tests = tcase_create("pmtu");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, what_is_configured_and_carried_costs_one_probe);
    tcase_add_test(tests, a_smaller_path_is_found_to_within_a_step);
    tcase_add_test(tests, a_path_that_shrinks_is_noticed_and_one_that_grows_too);
    tcase_add_test(tests, doubt_asks_at_once);
    tcase_add_test(tests, raising_in_vain_leaves_what_was_found);
    tcase_add_test(tests, loss_does_not_make_a_path_small_for_long);
    tcase_add_test(tests, late_echoes_correct);
    tcase_add_test(tests, a_dead_path_is_left_alone_and_keeps_what_was_found);
    tcase_add_test(tests, what_was_found_before_is_kept_and_asked_again);
    tcase_add_test(tests, even_a_configured_size_below_the_least_is_asked);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
