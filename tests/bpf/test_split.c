/*
 * From the solver to packets: bundles that the real stages make of a network and its traffic are put in force, and
 * thousands of flows say by which link they leave. So the shares that the leader computes links' loads from, and
 * promises not to exceed, are the shares of packets, for flows that begin and for flows that are under way.
 */
#include "bed.h"
#include "split_plan.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define TC_REDIRECT 7
#define REALTIME 1
#define BULK 5
#define VOICE_TOS (46 << 2)
#define BULK_TOS (10 << 2)

enum { FLOWS = 2000 };

static struct bed bed;
static const unsigned inet_is_best[SPLIT_SITES][2] = {{5, 10}, {5, 10}, {5, 10}};

/* Flows of a kind, and the link that each takes: 1 is wan0, 2 wan1. */
struct stream {
    unsigned to;
    uint8_t tos;
    uint16_t first_port;
    int at[FLOWS];
    double by_wan0;
    int moved; /* by the newest packet of each */
};

static int link_of(const struct stream *stream, int number)
{
    char destination[32];
    struct packet p;
    (void)snprintf(destination, sizeof(destination), "10.%u.0.9", stream->to);
    put_ethernet(&p, ETH_P_IP);
    put_ipv4(&p, "10.0.0.2", destination, IPPROTO_TCP, stream->tos);
    (void)put_tcp(&p, (uint16_t)(stream->first_port + number), 9, TH_ACK, NULL, 0);
    finish_ipv4(&p, ETH_HLEN);
    struct run r = run_lan(&bed, &p);
    ck_assert_msg(r.verdict == TC_REDIRECT, "verdict %d: %s", r.verdict, drops_text(&bed));
    return r.out.data[ETH_HLEN + 15]; /* of the outer source: 192.0.0.1 is wan0's, .2 wan1's */
}

/* Two packets of each flow: from then on it is under way. `only_to`: those that move take this link; 0: none moves. */
static void send_all(struct stream *stream, int only_to)
{
    int by_wan0 = 0;
    stream->moved = 0;
    for (int i = 0; i < FLOWS; i++) {
        int before = stream->at[i], now = link_of(stream, i);
        ck_assert_msg(before == 0 || now == before || now == only_to, "flow %d to site %u left link %d for %d", i,
                      stream->to, before, now);
        ck_assert_int_eq(link_of(stream, i), now);
        stream->moved += before != 0 && before != now;
        stream->at[i] = now;
        by_wan0 += now == 1;
    }
    stream->by_wan0 = (double)by_wan0 / FLOWS;
}

/* Six standard deviations of as many flows that choose by themselves. */
static void check_share(const struct stream *stream, double share)
{
    double tolerance = 6 * sqrt(share * (1 - share) / FLOWS);
    ck_assert_msg(fabs(stream->by_wan0 - share) <= tolerance, "%.3f of the flows to site %u leave by wan0, not %.3f",
                  stream->by_wan0, stream->to, share);
}

static void put_in_force(struct split_plan *plan)
{
    struct pt_bundle *bundle = split_plan_pass(plan);
    struct pt_error error = {0};
    size_t len = 0;
    ck_assert_msg(bed.dp->ops->apply(bed.dp, bundle, &error) == PT_OK, "%s: %s", error.field, error.text);
    bed.dp->ops->settle(bed.dp);
    const Patronus__V1__Entry *const *entries = pt_bundle_entries(bundle, &len);
    for (size_t i = 0; i < len; i++) {
        if (entries[i]->entry_case == PATRONUS__V1__ENTRY__ENTRY_PATH) {
            bed.dp->ops->set_path_alive(bed.dp, entries[i]->path->path, true);
        }
    }
    pt_bundle_unref(bundle);
}

static void demand(struct split_plan *plan, unsigned from, unsigned to, uint64_t plain, uint64_t voice, uint64_t bulk)
{
    const uint64_t mbit[] = {plain, voice, bulk};
    split_plan_demand(plan, from, to, mbit);
}

/* 20 Mbit/s of voice and 70 of bulk on a link of 100: the solver halves that, and shares it out so that voice keeps the
 * better link. Packets of the two classes between the same two sites do just that; what was not measured goes like all
 * together. What the links carry is what the solver said: 45 Mbit/s each. */
START_TEST(classes_of_a_pair_leave_by_their_own_splits)
{
    static struct stream voice = {.to = 1, .tos = VOICE_TOS, .first_port = 20000};
    static struct stream bulk = {.to = 1, .tos = BULK_TOS, .first_port = 24000};
    static struct stream plain = {.to = 1, .first_port = 28000};
    struct split_plan *plan = split_plan_new(inet_is_best);
    demand(plan, 0, 1, 0, 20, 70);
    put_in_force(plan);
    ck_assert(split_plan_is_solved(plan));
    send_all(&voice, 0);
    send_all(&bulk, 0);
    send_all(&plain, 0);
    ck_assert_double_eq(voice.by_wan0, 1);
    check_share(&bulk, split_plan_by_wan0(plan, 1, BULK));
    check_share(&plain, split_plan_by_wan0(plan, 1, 0));
    ck_assert_double_eq(split_plan_by_wan0(plan, 1, REALTIME), 1);
    ck_assert_double_eq_tol(20 * voice.by_wan0 + 70 * bulk.by_wan0, 45, 6);
    split_plan_free(plan);
}
END_TEST

/* Sites 0 and 2 send more to site 1 than its inet link should carry: the solver splits them. Flows of site 0 that are
 * under way take their shares too, of them only those that must, and all in one direction. Its flows to site 2 leave by
 * the same links, and need not move: they stay, each one. So do all while the traffic changes a little. When it has
 * become small, everybody is where he began. */
START_TEST(flows_under_way_follow_and_nobody_else_moves)
{
    static struct stream split = {.to = 1, .first_port = 32000};
    static struct stream other = {.to = 2, .first_port = 36000};
    struct split_plan *plan = split_plan_new(inet_is_best);
    demand(plan, 0, 1, 20, 0, 0);
    demand(plan, 2, 1, 20, 0, 0);
    demand(plan, 0, 2, 5, 0, 0);
    put_in_force(plan);
    ck_assert(!split_plan_is_solved(plan));
    send_all(&split, 0);
    send_all(&other, 0);
    ck_assert_double_eq(split.by_wan0, 1);
    ck_assert_double_eq(other.by_wan0, 1);

    demand(plan, 0, 1, 60, 0, 0);
    demand(plan, 2, 1, 30, 0, 0);
    put_in_force(plan);
    ck_assert(split_plan_is_solved(plan));
    double share = split_plan_by_wan0(plan, 1, 0);
    ck_assert_double_lt(share, 0.9);
    send_all(&split, 2);
    send_all(&other, 0);
    check_share(&split, share);
    ck_assert_int_eq(split.moved, (int)lround((1 - split.by_wan0) * FLOWS));

    demand(plan, 0, 1, 62, 0, 0);
    put_in_force(plan);
    send_all(&split, 0);
    send_all(&other, 0);

    demand(plan, 0, 1, 20, 0, 0);
    do {
        put_in_force(plan);
        send_all(&split, 1);
        send_all(&other, 0);
    } while (split_plan_has_more(plan));
    ck_assert_double_eq(split.by_wan0, 1);
    split_plan_free(plan);
}
END_TEST

/* Site 1 is drained off inet and comes to mpls, where site 0 must make room: 60 and 60 Mbit/s at site 2, for 100. That
 * takes several steps, and after each of them the flows of site 0 that were there before the first, and never pause,
 * have the shares that the next step counts on. */
START_TEST(each_step_is_in_force_for_flows_under_way)
{
    static const unsigned costs[SPLIT_SITES][2] = {{30, 10}, {5, 10}, {10, 10}};
    static struct stream stream = {.to = 2, .first_port = 44000};
    struct split_plan *plan = split_plan_new(costs);
    demand(plan, 0, 2, 60, 0, 0);
    demand(plan, 1, 2, 60, 0, 0);
    put_in_force(plan);
    send_all(&stream, 0);
    ck_assert_double_eq(stream.by_wan0, 0);
    split_plan_drain(plan, 1, 0);
    unsigned steps = 0;
    double before = 0;
    do {
        put_in_force(plan);
        send_all(&stream, 1);
        double share = split_plan_by_wan0(plan, 2, 0);
        ck_assert_double_gt(share, before);
        check_share(&stream, share);
        before = share;
        ck_assert_uint_lt(steps++, 8);
    } while (split_plan_has_more(plan));
    ck_assert_uint_ge(steps, 2);
    ck_assert_double_gt(before, 0.3); /* 120 Mbit/s are on links of 100 */
    split_plan_free(plan);
}
END_TEST

int main(void)
{
    if (!bed_possible()) {
        return 77;
    }
    bed_open(&bed, "node site=1\n"
                   "link id=1 if=wan0 address=192.0.0.1\nlink id=2 if=wan1 address=192.0.0.2\n"
                   "lan if=lan0 vni=7\n");
    Suite *suite = suite_create("split");
    TCase *tcase = tcase_create("split");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, classes_of_a_pair_leave_by_their_own_splits);
    tcase_add_test(tcase, flows_under_way_follow_and_nobody_else_moves);
    tcase_add_test(tcase, each_step_is_in_force_for_flows_under_way);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    bed_close(&bed);
    return failed == 0 ? 0 : 1;
}
