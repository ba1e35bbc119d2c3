/*
 * The shaper in virtual time: every instant is asserted exactly, statistics within bounds that the seed fixes.
 */
#include "lab/shaper.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS 1000000ULL

static struct pt_lab_params params_of(const char *words)
{
    struct pt_lab_params params = {0};
    char text[200];
    (void)snprintf(text, sizeof(text), "%s", words);
    char *rest = NULL;
    for (char *word = strtok_r(text, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        ck_assert_int_eq(pt_lab_params_set(&params, word, NULL), PT_OK);
    }
    return params;
}

static void start(struct pt_shaper *shaper, const char *words)
{
    struct pt_lab_params params = params_of(words);
    pt_shaper_init(shaper, &params, 1);
}

/* Offer a frame that carries `number`; queue it when it is to wait. */
static enum pt_shaper_verdict offer(struct pt_shaper *shaper, uint64_t now_ns, uint32_t number, size_t size)
{
    uint8_t frame[2000] = {0};
    uint64_t due_ns = 0;
    memcpy(frame, &number, sizeof(number));
    enum pt_shaper_verdict verdict = pt_shaper_offer(shaper, now_ns, size, &due_ns);
    if (verdict == PT_SHAPER_HOLD) {
        pt_shaper_push(shaper, due_ns, frame, size);
    }
    return verdict;
}

/* The number of the frame that is due; UINT32_MAX when none is. */
static uint32_t take(struct pt_shaper *shaper, uint64_t now_ns)
{
    size_t size = 0;
    uint32_t number = UINT32_MAX;
    const uint8_t *data = pt_shaper_peek(shaper, now_ns, &size);
    if (data != NULL) {
        memcpy(&number, data, sizeof(number));
        pt_shaper_pop(shaper);
    }
    return number;
}

START_TEST(without_parameters_frames_go_at_once)
{
    struct pt_shaper shaper;
    start(&shaper, "delay=0");
    for (uint32_t i = 0; i < 1000; i++) {
        ck_assert_int_eq(offer(&shaper, i, i, 1500), PT_SHAPER_SEND);
    }
    ck_assert_uint_eq(shaper.counters.frames, 1000);
    ck_assert_uint_eq(shaper.counters.bytes, 1500000);
    ck_assert_uint_eq(pt_shaper_next_ns(&shaper), PT_SHAPER_NEVER);
    pt_shaper_fini(&shaper);
}
END_TEST

START_TEST(delay_is_exact_and_keeps_order)
{
    struct pt_shaper shaper;
    start(&shaper, "delay=20ms");
    ck_assert_int_eq(offer(&shaper, 0, 1, 100), PT_SHAPER_HOLD);
    ck_assert_int_eq(offer(&shaper, 3 * MS, 2, 100), PT_SHAPER_HOLD);
    ck_assert_uint_eq(pt_shaper_next_ns(&shaper), 20 * MS);
    ck_assert_uint_eq(take(&shaper, 20 * MS - 1), UINT32_MAX);
    ck_assert_uint_eq(take(&shaper, 20 * MS), 1);
    ck_assert_uint_eq(take(&shaper, 20 * MS), UINT32_MAX);
    ck_assert_uint_eq(pt_shaper_next_ns(&shaper), 23 * MS);
    ck_assert_uint_eq(take(&shaper, 23 * MS), 2);
    pt_shaper_fini(&shaper);
}
END_TEST

START_TEST(jitter_spreads_delays_and_keeps_order)
{
    struct pt_shaper shaper;
    start(&shaper, "delay=20ms jitter=5ms");
    uint64_t early = 0;
    uint64_t late = 0;
    for (uint32_t i = 0; i < 2000; i++) {
        /* A frame each second: no frame waits for another, each shows its own delay. */
        uint64_t now = (uint64_t)i * 1000 * MS;
        ck_assert_int_eq(offer(&shaper, now, i, 100), PT_SHAPER_HOLD);
        uint64_t delay = pt_shaper_next_ns(&shaper) - now;
        ck_assert_uint_ge(delay, 15 * MS);
        ck_assert_uint_le(delay, 25 * MS);
        early += delay < 17 * MS;
        late += delay > 23 * MS;
        ck_assert_uint_eq(take(&shaper, now + 25 * MS), i);
    }
    /* Uniform: a fifth of them in either fifth; four sigma are 72. */
    ck_assert_uint_ge(early, 400 - 72);
    ck_assert_uint_le(early, 400 + 72);
    ck_assert_uint_ge(late, 400 - 72);
    ck_assert_uint_le(late, 400 + 72);
    /* Back to back they come out as they went in, at times that never fall. */
    uint64_t start_ns = 3000000 * MS;
    for (uint32_t i = 0; i < 500; i++) {
        ck_assert_int_eq(offer(&shaper, start_ns + i * 1000, i, 100), PT_SHAPER_HOLD);
    }
    uint64_t last = 0;
    for (uint32_t i = 0; i < 500; i++) {
        ck_assert_uint_ge(pt_shaper_next_ns(&shaper), last);
        last = pt_shaper_next_ns(&shaper);
        ck_assert_uint_eq(take(&shaper, last), i);
    }
    pt_shaper_fini(&shaper);
}
END_TEST

START_TEST(jitter_above_the_delay_does_not_reach_into_the_past)
{
    struct pt_shaper shaper;
    start(&shaper, "delay=1ms jitter=10ms");
    for (uint32_t i = 0; i < 1000; i++) {
        uint64_t now = (uint64_t)(i + 1) * 1000 * MS;
        if (offer(&shaper, now, i, 100) == PT_SHAPER_HOLD) {
            ck_assert_uint_ge(pt_shaper_next_ns(&shaper), now);
            ck_assert_uint_le(pt_shaper_next_ns(&shaper), now + 11 * MS);
            ck_assert_uint_eq(take(&shaper, now + 11 * MS), i);
        }
    }
    pt_shaper_fini(&shaper);
}
END_TEST

START_TEST(loss_is_as_configured_and_follows_from_the_seed)
{
    uint64_t lost[3];
    for (unsigned run = 0; run < 3; run++) {
        struct pt_lab_params params = params_of("loss=2%");
        struct pt_shaper shaper;
        pt_shaper_init(&shaper, &params, run < 2 ? 7 : 8);
        uint64_t pattern = 0;
        for (uint32_t i = 0; i < 100000; i++) {
            pattern = pattern * 31 + (offer(&shaper, i, i, 100) == PT_SHAPER_DROP);
        }
        /* 2000 expected, sigma 44: five of them. */
        ck_assert_uint_ge(shaper.counters.drops_loss, 1780);
        ck_assert_uint_le(shaper.counters.drops_loss, 2220);
        ck_assert_uint_eq(shaper.counters.drops_loss + shaper.counters.frames, 100000);
        lost[run] = pattern;
        pt_shaper_fini(&shaper);
    }
    ck_assert_uint_eq(lost[0], lost[1]);
    ck_assert_uint_ne(lost[0], lost[2]);
}
END_TEST

START_TEST(loss_of_all_and_nothing_are_exact)
{
    struct pt_shaper all;
    struct pt_shaper nothing;
    start(&all, "loss=100%");
    start(&nothing, "loss=0");
    for (uint32_t i = 0; i < 10000; i++) {
        ck_assert_int_eq(offer(&all, i, i, 100), PT_SHAPER_DROP);
        ck_assert_int_eq(offer(&nothing, i, i, 100), PT_SHAPER_SEND);
    }
    pt_shaper_fini(&all);
    pt_shaper_fini(&nothing);
}
END_TEST

START_TEST(rate_spaces_frames_by_their_size)
{
    struct pt_shaper shaper;
    start(&shaper, "rate=8mbit delay=10ms"); /* a byte a microsecond */
    for (uint32_t i = 0; i < 10; i++) {
        ck_assert_int_eq(offer(&shaper, 0, i, 1000), PT_SHAPER_HOLD);
    }
    for (uint32_t i = 0; i < 10; i++) {
        ck_assert_uint_eq(pt_shaper_next_ns(&shaper), (i + 1) * MS + 10 * MS);
        ck_assert_uint_eq(take(&shaper, PT_SHAPER_NEVER - 1), i);
    }
    /* Idle since 10 ms: the next one starts at once. */
    ck_assert_int_eq(offer(&shaper, 50 * MS, 10, 500), PT_SHAPER_HOLD);
    ck_assert_uint_eq(pt_shaper_next_ns(&shaper), 60 * MS + MS / 2);
    pt_shaper_fini(&shaper);
}
END_TEST

START_TEST(rate_over_time_is_what_was_asked)
{
    struct pt_shaper shaper;
    start(&shaper, "rate=50mbit");
    /* 200 Mbit/s offered for a second: one frame of 1250 bytes each 50 us. */
    for (uint32_t i = 0; i < 20000; i++) {
        uint64_t now = (uint64_t)i * 50000;
        while (take(&shaper, now) != UINT32_MAX) {
        }
        (void)offer(&shaper, now, i, 1250);
    }
    /* 5000 frames of 1250 bytes are 50 Mbit; the frame under way at either end is one of tolerance. */
    ck_assert_uint_ge(shaper.counters.frames, 4999);
    ck_assert_uint_le(shaper.counters.frames, 5001);
    ck_assert_uint_eq(shaper.counters.frames + shaper.counters.drops_tail + shaper.len, 20000);
    pt_shaper_fini(&shaper);
}
END_TEST

START_TEST(drop_tail_holds_exactly_the_queue)
{
    struct pt_shaper shaper;
    start(&shaper, "rate=8mbit queue=10kB");
    unsigned held = 0;
    for (uint32_t i = 0; i < 100; i++) {
        held += offer(&shaper, 0, i, 1000) == PT_SHAPER_HOLD;
    }
    ck_assert_uint_eq(held, 10); /* 10 kB of backlog, the frame under transmission included */
    ck_assert_uint_eq(shaper.counters.drops_tail, 90);
    /* One frame's time later there is room for one. */
    ck_assert_int_eq(offer(&shaper, MS, 100, 1000), PT_SHAPER_HOLD);
    ck_assert_int_eq(offer(&shaper, MS, 101, 1000), PT_SHAPER_DROP);
    pt_shaper_fini(&shaper);
    /* A frame above the queue's size still passes when the transmitter is idle. */
    start(&shaper, "rate=8mbit queue=100B");
    ck_assert_int_eq(offer(&shaper, 0, 0, 1500), PT_SHAPER_HOLD);
    ck_assert_int_eq(offer(&shaper, 0, 1, 1500), PT_SHAPER_DROP);
    pt_shaper_fini(&shaper);
}
END_TEST

START_TEST(cut_drops_everything_and_what_is_on_the_wire)
{
    struct pt_shaper shaper;
    start(&shaper, "delay=20ms");
    for (uint32_t i = 0; i < 5; i++) {
        ck_assert_int_eq(offer(&shaper, 0, i, 100), PT_SHAPER_HOLD);
    }
    struct pt_lab_params params = params_of("delay=20ms cut=yes");
    pt_shaper_change(&shaper, &params);
    ck_assert_uint_eq(shaper.counters.drops_cut, 5);
    ck_assert_uint_eq(pt_shaper_next_ns(&shaper), PT_SHAPER_NEVER);
    ck_assert_int_eq(offer(&shaper, MS, 5, 100), PT_SHAPER_DROP);
    ck_assert_uint_eq(shaper.counters.drops_cut, 6);
    params.cut = false;
    pt_shaper_change(&shaper, &params);
    ck_assert_int_eq(offer(&shaper, 2 * MS, 6, 100), PT_SHAPER_HOLD);
    ck_assert_uint_eq(take(&shaper, 22 * MS), 6);
    ck_assert_uint_eq(shaper.counters.frames, 1);
    pt_shaper_fini(&shaper);
}
END_TEST

START_TEST(a_shorter_delay_does_not_overtake_the_queue)
{
    struct pt_shaper shaper;
    start(&shaper, "delay=100ms");
    ck_assert_int_eq(offer(&shaper, 0, 1, 100), PT_SHAPER_HOLD);
    struct pt_lab_params params = params_of("delay=0");
    pt_shaper_change(&shaper, &params);
    ck_assert_int_eq(offer(&shaper, 10 * MS, 2, 100), PT_SHAPER_HOLD);
    ck_assert_uint_eq(take(&shaper, 99 * MS), UINT32_MAX);
    ck_assert_uint_eq(take(&shaper, 100 * MS), 1);
    ck_assert_uint_eq(take(&shaper, 100 * MS), 2);
    ck_assert_int_eq(offer(&shaper, 100 * MS, 3, 100), PT_SHAPER_SEND);
    pt_shaper_fini(&shaper);
}
END_TEST

START_TEST(reordered_frames_skip_the_delay)
{
    struct pt_shaper shaper;
    start(&shaper, "delay=10ms reorder=10%");
    unsigned at_once = 0;
    for (uint32_t i = 0; i < 10000; i++) {
        at_once += offer(&shaper, i, i, 100) == PT_SHAPER_SEND;
    }
    ck_assert_uint_ge(at_once, 1000 - 150); /* five sigma */
    ck_assert_uint_le(at_once, 1000 + 150);
    pt_shaper_fini(&shaper);
}
END_TEST

START_TEST(duplicates_are_frames_like_others_and_are_counted)
{
    struct pt_shaper shaper;
    start(&shaper, "rate=8mbit duplicate=10%"); /* 1 us a byte */
    uint64_t copies = 0, due_ns = 0;
    for (uint32_t i = 0; i < 10000; i++) {
        copies += pt_shaper_copies(&shaper) - 1;
    }
    ck_assert_uint_eq(shaper.counters.duplicates, copies);
    ck_assert_uint_ge(copies, 1000 - 150); /* five sigma */
    ck_assert_uint_le(copies, 1000 + 150);
    ck_assert_int_eq(pt_shaper_offer(&shaper, 0, 100, &due_ns), PT_SHAPER_HOLD);
    ck_assert_uint_eq(due_ns, 100000);
    ck_assert_int_eq(pt_shaper_offer(&shaper, 0, 100, &due_ns), PT_SHAPER_HOLD); /* the copy waits behind it */
    ck_assert_uint_eq(due_ns, 200000);
    shaper.params.cut = true;
    ck_assert_uint_eq(pt_shaper_copies(&shaper), 1);
    pt_shaper_fini(&shaper);
}
END_TEST

START_TEST(the_fifo_is_bounded)
{
    struct pt_shaper shaper;
    start(&shaper, "delay=10s");
    for (uint32_t i = 0; i < PT_SHAPER_QUEUE_LEN_MAX; i++) {
        ck_assert_int_eq(offer(&shaper, 0, i, 60), PT_SHAPER_HOLD);
    }
    ck_assert_int_eq(offer(&shaper, 0, 0, 60), PT_SHAPER_DROP);
    ck_assert_uint_eq(shaper.counters.drops_tail, 1);
    ck_assert_uint_eq(take(&shaper, 10000 * MS), 0);
    ck_assert_int_eq(offer(&shaper, 0, 0, 60), PT_SHAPER_HOLD);
    pt_shaper_fini(&shaper);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("shaper");
    TCase *tcase = tcase_create("shaper");
    tcase_add_test(tcase, without_parameters_frames_go_at_once);
    tcase_add_test(tcase, delay_is_exact_and_keeps_order);
    tcase_add_test(tcase, jitter_spreads_delays_and_keeps_order);
    tcase_add_test(tcase, jitter_above_the_delay_does_not_reach_into_the_past);
    tcase_add_test(tcase, loss_is_as_configured_and_follows_from_the_seed);
    tcase_add_test(tcase, loss_of_all_and_nothing_are_exact);
    tcase_add_test(tcase, rate_spaces_frames_by_their_size);
    tcase_add_test(tcase, rate_over_time_is_what_was_asked);
    tcase_add_test(tcase, drop_tail_holds_exactly_the_queue);
    tcase_add_test(tcase, cut_drops_everything_and_what_is_on_the_wire);
    tcase_add_test(tcase, a_shorter_delay_does_not_overtake_the_queue);
    tcase_add_test(tcase, reordered_frames_skip_the_delay);
    tcase_add_test(tcase, duplicates_are_frames_like_others_and_are_counted);
    tcase_add_test(tcase, the_fifo_is_bounded);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
