/*
 * The numbers of shaping: what is promised fits the link, and liveness fits into its own queue.
 */
#include "agent/shape.h"

#include "tunnel/live_priv.h"

#include <check.h>

#define FRAME_V4 198U /* Ethernet, IPv4, UDP, Geneve, header, BFD with SHA1 */

static const uint64_t rates[] = {PT_SHAPE_RATE_MIN, 1000000, 2000000, 50000000, 300000000, 1000000000, 10000000000};

static struct pt_shape shape_of(uint64_t rate_bps)
{
    return (struct pt_shape){
        .rate_bps = rate_bps,
        .mtu = 1500,
        .classes = {{0}, {.percent = 20}, {.percent = 20}, {.percent = 20}, {.percent = 25}, {15}}};
}

START_TEST(promises_are_no_more_than_the_link_and_none_is_zero)
{
    for (size_t i = 1; i < sizeof(rates) / sizeof(rates[0]); i++) { /* the least rate promises control a third */
        struct pt_shape shape = shape_of(rates[i]);
        uint64_t sum = 0;
        for (uint32_t class = 0; class < PT_SHAPE_CLASSES; class ++) {
            ck_assert_uint_gt(pt_shape_promise(&shape, class), 0);
            sum += pt_shape_promise(&shape, class);
        }
        ck_assert_uint_le(sum, rates[i]);
        ck_assert_uint_ge(sum * 100, rates[i] * 99);
        ck_assert_uint_le(pt_shape_promise(&shape, 0) * 10, rates[i]); /* hosts have nine tenths at least */
    }
}
END_TEST

/* The fault that this is about: a session over a link of 1 Mbit/s sent 63 kbit/s by a queue of 32. */
START_TEST(liveness_fits_into_its_queue_on_every_link)
{
    static const size_t paths[] = {1, 2, 3, 10, 100, 1000, 16383};
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        struct pt_shape shape = shape_of(rates[i]);
        for (size_t n = 0; n < sizeof(paths) / sizeof(paths[0]); n++) {
            uint64_t interval_us = pt_live_link_interval_us(rates[i], paths[n]);
            interval_us = interval_us < PT_LIVE_INTERVAL_US ? PT_LIVE_INTERVAL_US : interval_us;
            /* Of each path a session here and an answer to the other end's, an eighth sooner than the interval. */
            uint64_t bps = paths[n] * 2 * FRAME_V4 * 8 * 1000000 / interval_us * 8 / 7;
            ck_assert_msg(bps <= pt_shape_promise(&shape, 0), "%zu paths at %llu bit/s", paths[n],
                          (unsigned long long)rates[i]);
        }
    }
    ck_assert_uint_eq(pt_live_link_interval_us(0, 5), 0); /* not shaped: nothing asks for less */
    ck_assert_uint_lt(pt_live_link_interval_us(2000000, 1), PT_LIVE_INTERVAL_US);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("shape");
    TCase *tc = tcase_create("numbers");
    tcase_add_test(tc, promises_are_no_more_than_the_link_and_none_is_zero);
    tcase_add_test(tc, liveness_fits_into_its_queue_on_every_link);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
