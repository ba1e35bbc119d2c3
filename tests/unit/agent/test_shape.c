/*
 * The numbers of shaping: what is promised fits the link, liveness fits into its own queue, and the kernel is told so.
 */
#include "agent/shape.h"

#include "agent/netlink.h"
#include "tunnel/live_priv.h"

#include <check.h>
#include <linux/pkt_sched.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

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

/* ---- what stands in the kernel -------------------------------------------------------------------------------- */

struct tree { /* bytes a second, by class; [PT_SHAPE_CLASSES]: the link */
    uint64_t rates[PT_SHAPE_CLASSES + 1], ceils[PT_SHAPE_CLASSES + 1];
    uint32_t priorities[PT_SHAPE_CLASSES + 1];
    size_t len;
};

static uint64_t wide(const void *wider, uint32_t rate)
{
    uint64_t value = rate;
    if (wider != NULL) { /* only there when 32 bits are not enough */
        memcpy(&value, wider, sizeof(value));
    }
    return value;
}

static void on_class(void *arg, const struct nlmsghdr *answer)
{
    struct tree *tree = arg;
    struct tcmsg body;
    struct tc_htb_opt htb;
    size_t size = 0;
    if (answer->nlmsg_type != RTM_NEWTCLASS) {
        return;
    }
    memcpy(&body, NLMSG_DATA(answer), sizeof(body));
    const struct rtattr *first = TCA_RTA(NLMSG_DATA(answer));
    const struct rtattr *options = pt_netlink_find(first, NLMSG_PAYLOAD(answer, sizeof(body)), TCA_OPTIONS, 0, &size);
    const void *found = options != NULL ? pt_netlink_find(options, size, TCA_HTB_PARMS, sizeof(htb), NULL) : NULL;
    if (found == NULL) {
        return; /* a leaf's own */
    }
    memcpy(&htb, found, sizeof(htb));
    size_t at = PT_SHAPE_CLASSES;
    for (uint32_t i = 0; i < PT_SHAPE_CLASSES; i++) {
        at = body.tcm_handle == pt_shape_queue(i) ? i : at;
    }
    tree->rates[at] = wide(pt_netlink_find(options, size, TCA_HTB_RATE64, 8, NULL), htb.rate.rate);
    tree->ceils[at] = wide(pt_netlink_find(options, size, TCA_HTB_CEIL64, 8, NULL), htb.ceil.rate);
    tree->priorities[at] = htb.prio;
    tree->len++;
}

static struct tree read_tree(uint32_t ifindex)
{
    const struct tcmsg body = {.tcm_ifindex = (int)ifindex};
    struct pt_netlink request;
    struct tree tree = {0};
    pt_netlink_start(&request, RTM_GETTCLASS, 0, &body, sizeof(body));
    ck_assert_int_eq(pt_netlink_dump(&request, on_class, &tree), 0);
    ck_assert_uint_eq(tree.len, PT_SHAPE_CLASSES + 1);
    return tree;
}

/* Control and REALTIME come first and may never send more than they are promised; the others may borrow all there is.
 * In a network namespace of its own, on its loopback interface, at a rate of 32 bits and at one of more. */
START_TEST(only_what_comes_first_is_bounded)
{
    static const uint64_t link_rates[] = {50000000, 40000000000};
    if (unshare(CLONE_NEWNET) != 0) {
        printf("skipped: a network namespace takes root\n");
        return;
    }
    uint32_t lo = if_nametoindex("lo");
    for (size_t i = 0; i < 2; i++) {
        struct pt_shape shape = shape_of(link_rates[i]);
        struct pt_error error = {0};
        ck_assert_msg(pt_shape_apply(lo, &shape, &error) == PT_OK, "%s: %s", error.field, error.text);
        struct tree tree = read_tree(lo);
        ck_assert_uint_eq(tree.rates[PT_SHAPE_CLASSES], link_rates[i] / 8);
        ck_assert_uint_eq(tree.ceils[PT_SHAPE_CLASSES], link_rates[i] / 8);
        for (uint32_t class = 0; class < PT_SHAPE_CLASSES; class ++) {
            uint64_t promise = pt_shape_promise(&shape, class) / 8;
            bool bounded = class <= 1;
            ck_assert_uint_eq(tree.rates[class], promise);
            ck_assert_uint_eq(tree.ceils[class], bounded ? promise : link_rates[i] / 8);
            ck_assert_uint_eq(tree.priorities[class], bounded ? class : 2);
        }
        ck_assert_uint_eq(tree.ceils[1], link_rates[i] / 8 / 5); /* its 20 percent */
    }
    pt_shape_remove(lo);
    struct pt_shape_count counts[PT_SHAPE_CLASSES];
    ck_assert(!pt_shape_read(lo, counts));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("shape");
    TCase *tc = tcase_create("numbers");
    tcase_add_test(tc, promises_are_no_more_than_the_link_and_none_is_zero);
    tcase_add_test(tc, liveness_fits_into_its_queue_on_every_link);
    tcase_add_test(tc, only_what_comes_first_is_bounded);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
