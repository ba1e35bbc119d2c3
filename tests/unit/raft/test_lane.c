/*
 * The lane: what one member sends another between the messages of consensus arrives once and in order, or the sender
 * hears that it may not have. Members on the simulated clock, network and disk.
 */
#include "members.h"

#define MEMBERS 3
#define SILENT_MS 3000 /* of raft/peer_priv.h: a link on which no pong comes is given up */
#define PAYLOADS 200

static struct pt_buf arrived[MEMBERS_MAX][MEMBERS_MAX + 1]; /* at, from: the bytes */
static unsigned lost[MEMBERS_MAX][MEMBERS_MAX + 1];         /* at, to: how often */

static void on_lane(void *context, uint64_t id, struct pt_bytes bytes)
{
    const struct member *m = context;
    pt_buf_append(&arrived[m->host][id], bytes.data, bytes.size);
}

static void on_lane_lost(void *context, uint64_t id)
{
    const struct member *m = context;
    lost[m->host][id]++;
}

static void on_done(void *arg, enum pt_code code, uint64_t index)
{
    (void)index;
    ck_assert_int_eq(code, PT_OK);
    *(bool *)arg = true;
}

static void await(const bool *done)
{
    uint64_t until = pt_sim_now_ns(sim) + 30000 * MS;
    while (!*done) {
        ck_assert(pt_sim_step(sim, until));
    }
}

static void up(void)
{
    members_init(&(struct pt_sim_options){.seed = 7}, 1, 0, 0);
    member_crash(&members[0]); /* it was opened before it had ears */
    pt_sim_restart(sim, 0);
    for (unsigned i = 0; i < MEMBERS; i++) {
        struct member *m = &members[i];
        if (i > 0) {
            *m = (struct member){.host = pt_sim_add_host(sim), .id = i + 1};
            snprintf(m->address, sizeof m->address, "10.0.0.%u:7000", m->host + 1);
        }
        m->on_lane = on_lane;
        m->on_lane_lost = on_lane_lost;
        member_start(m);
        if (i > 0) {
            bool added = false, assigned = false;
            pt_raft_add(members[0].raft, m->id, m->address, on_done, &added);
            await(&added);
            pt_raft_assign(members[0].raft, m->id, true, on_done, &assigned);
            await(&assigned);
        }
        run_ms(2000);
    }
    memset(lost, 0, sizeof lost);
}

static void down(void)
{
    for (unsigned i = 0; i < MEMBERS_MAX; i++) {
        for (unsigned j = 0; j <= MEMBERS_MAX; j++) {
            pt_buf_fini(&arrived[i][j]);
            arrived[i][j] = (struct pt_buf){0};
        }
    }
    members_fini();
}

static void send(unsigned from, unsigned to, const char *text)
{
    ck_assert(
        pt_raft_lane_send(members[from].raft, members[to].id, (struct pt_bytes){(const uint8_t *)text, strlen(text)}));
}

static void ck_assert_arrived(unsigned at, unsigned from, const char *text)
{
    const struct pt_buf *buf = &arrived[at][members[from].id];
    ck_assert_msg(buf->size == strlen(text) && (buf->size == 0 || memcmp(buf->data, text, buf->size) == 0), "%.*s",
                  (int)buf->size, (const char *)buf->data);
}

/* Both ways, with entries of consensus in between, and the sender is who it says. */
START_TEST(what_is_sent_arrives_in_order)
{
    up();
    bool done[PAYLOADS] = {false};
    PT_AUTO(buf) struct pt_buf sent = {0};
    for (unsigned i = 0; i < PAYLOADS; i++) {
        char text[16];
        uint8_t entry[8] = {0};
        snprintf(text, sizeof text, "%u,", i);
        pt_buf_append(&sent, text, strlen(text));
        send(0, 1, text);
        send(1, 0, text);
        pt_raft_propose(members[0].raft, (struct pt_bytes){entry, sizeof entry}, on_done, &done[i]);
        if (i % 3 == 0) {
            run_ms(1);
        }
    }
    await(&done[PAYLOADS - 1]);
    run_ms(100);
    pt_buf_append_u8(&sent, '\0');
    ck_assert_arrived(1, 0, (const char *)sent.data);
    ck_assert_arrived(0, 1, (const char *)sent.data);
    ck_assert_arrived(2, 0, "");
    ck_assert_arrived(0, 2, "");
    ck_assert_uint_eq(lost[0][2] + lost[1][1], 0);
    down();
}
END_TEST

/* It goes another way when it is much, when nobody is known there, and when much waits already. */
START_TEST(what_would_delay_consensus_is_not_taken)
{
    static const uint8_t much[PT_RAFT_LANE_SIZE_MAX + 1];
    up();
    ck_assert(!pt_raft_lane_send(members[0].raft, members[1].id, (struct pt_bytes){much, sizeof much}));
    ck_assert(!pt_raft_lane_send(members[0].raft, 77, (struct pt_bytes){much, 1}));
    unsigned taken = 0;
    while (pt_raft_lane_send(members[0].raft, members[1].id, (struct pt_bytes){much, PT_RAFT_LANE_SIZE_MAX})) {
        ck_assert_uint_lt(++taken, 10);
    }
    ck_assert_uint_ge(taken, 1);
    run_ms(100);
    ck_assert_uint_eq(arrived[1][1].size, taken * PT_RAFT_LANE_SIZE_MAX);
    /* Nobody takes anything off this line: it fills, long before it is given up. */
    pt_sim_partition(sim, 0, 1, true);
    for (taken = 0; pt_raft_lane_send(members[0].raft, members[1].id, (struct pt_bytes){much, PT_RAFT_LANE_SIZE_MAX});
         taken++) {
        run_ms(10);
        ck_assert_uint_lt(taken, SILENT_MS / 2 / 10);
    }
    ck_assert_uint_eq(lost[0][2], 0);
    run_ms(SILENT_MS * 3 / 2);
    ck_assert_uint_eq(lost[0][2], 1);
    down();
}
END_TEST

/* Cut: nothing is said for as long as a pong may be late, then it is. Crashed: at once. Healed: it works again. */
START_TEST(who_sent_hears_of_a_loss)
{
    up();
    pt_sim_partition(sim, 1, 0, true);
    send(1, 0, "into the dark");
    run_ms(SILENT_MS / 2);
    ck_assert_uint_eq(lost[1][1], 0);
    run_ms(SILENT_MS);
    ck_assert_uint_eq(lost[1][1], 1);
    ck_assert_arrived(0, 1, "");
    pt_sim_partition(sim, 1, 0, false);
    run_ms(3000);
    arrived[0][2].size = 0; /* what was on its way for so long may come late */
    send(1, 0, "light");
    run_ms(100);
    ck_assert_arrived(0, 1, "light");

    send(0, 2, "x");
    member_crash(&members[2]);
    run_ms(1000);
    ck_assert_uint_eq(lost[0][3], 1);
    ck_assert(!pt_raft_lane_send(members[0].raft, members[2].id, (struct pt_bytes){(const uint8_t *)"x", 1}));
    down();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("raft-lane");
    TCase *tcase = tcase_create("lane");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, what_is_sent_arrives_in_order);
    tcase_add_test(tcase, what_would_delay_consensus_is_not_taken);
    tcase_add_test(tcase, who_sent_hears_of_a_loss);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
