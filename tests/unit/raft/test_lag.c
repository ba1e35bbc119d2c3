/*
 * Followers for which nobody waits apply in larger pieces, a little later: three members on the simulated clock,
 * network and disk. Compared with the same members when somebody waits.
 */
#include "members.h"

#define MEMBERS 3
#define ENTRIES 200
#define LAG_MS 10 /* of raft/node_lag.c */
#define HOP_MS 5  /* more than a message, a sync and the word of a commit take here */

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

/* Three voters, of which the first one leads. */
static void up(uint64_t seed, bool lags)
{
    members_init(&(struct pt_sim_options){.seed = seed}, MEMBERS, 0, 0);
    run_ms(2000);
    ck_assert(members[0].toy.leading);
    for (unsigned i = 1; i < MEMBERS; i++) {
        bool added = false, assigned = false;
        member_start(&members[i]);
        pt_raft_add(members[0].raft, members[i].id, members[i].address, on_done, &added);
        await(&added);
        pt_raft_assign(members[0].raft, members[i].id, true, on_done, &assigned);
        await(&assigned);
    }
    for (unsigned i = 0; i < MEMBERS; i++) {
        members[i].toy.lags = lags;
    }
    run_ms(2000);
}

static void propose(uint64_t value, size_t size, bool *done)
{
    uint8_t *data = calloc(1, size);
    ck_assert_ptr_nonnull(data);
    pt_put_be64(data, value);
    pt_raft_propose(members[0].raft, (struct pt_bytes){data, size}, on_done, done);
    free(data);
}

/* One entry a millisecond; the batches in which each member applied them. */
static void stream(size_t size, unsigned ret_batches[MEMBERS])
{
    static bool done[ENTRIES];
    memset(done, 0, sizeof done);
    for (unsigned i = 0; i < MEMBERS; i++) {
        members[i].toy.batches = 0;
    }
    for (uint64_t i = 0; i < ENTRIES; i++) {
        propose(i + 1, size, &done[i]);
        run_ms(1);
    }
    run_ms(LAG_MS + HOP_MS);
    for (unsigned i = 0; i < MEMBERS; i++) {
        ck_assert_uint_eq(members[i].toy.len, ENTRIES);
        ck_assert_uint_eq(members[i].toy.values[ENTRIES - 1], ENTRIES);
        ret_batches[i] = members[i].toy.batches;
    }
    ck_assert(done[ENTRIES - 1]);
}

/* Of a stream of entries a follower makes a batch each LAG_MS, and all of it is applied LAG_MS behind the last commit;
 * the leader waits for nothing, nor does a follower whose machine is waited for. */
START_TEST(a_stream_is_applied_in_larger_pieces)
{
    for (uint64_t seed = 1; seed <= 5; seed++) {
        unsigned eager[MEMBERS], lagging[MEMBERS];
        up(seed, false);
        stream(8, eager);
        members_fini();
        up(seed, true);
        stream(8, lagging);
        members_fini();
        ck_assert_uint_le(lagging[0] > eager[0] ? lagging[0] - eager[0] : eager[0] - lagging[0], eager[0] / 4);
        for (unsigned i = 1; i < MEMBERS; i++) {
            ck_assert_msg(lagging[i] <= ENTRIES / LAG_MS + 2 && eager[i] > 2 * lagging[i],
                          "seed %" PRIu64 ": %u batches and %u", seed, lagging[i], eager[i]);
        }
    }
}
END_TEST

/* Entries that fill memory do not wait: of 64 KiB each a handful is enough. */
START_TEST(large_entries_are_not_collected)
{
    unsigned batches[MEMBERS];
    up(1, true);
    stream(64 * 1024, batches);
    ck_assert_uint_ge(batches[1], ENTRIES / 5);
    ck_assert_uint_ge(batches[2], ENTRIES / 5);
    members_fini();
}
END_TEST

/* After a calm an entry is applied as soon as the follower knows of the commit. */
START_TEST(a_lone_entry_is_applied_at_once)
{
    up(1, true);
    for (uint64_t round = 1; round <= 10; round++) {
        bool done = false;
        run_ms(LAG_MS * 3);
        propose(round, 8, &done);
        await(&done);
        run_ms(HOP_MS);
        for (unsigned i = 0; i < MEMBERS; i++) {
            ck_assert_uint_eq(members[i].toy.len, round);
        }
    }
    members_fini();
}
END_TEST

/* What waits at a follower is applied when it has to lead, before anybody reads there, and when it starts anew. */
START_TEST(what_waits_is_not_lost)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        up(seed, true);
        static bool done[ENTRIES];
        memset(done, 0, sizeof done);
        uint64_t acknowledged = 0;
        for (uint64_t i = 0; i < 20 + seed; i++) {
            propose(i + 1, 8, &done[i]);
            run_ms(1);
        }
        while (acknowledged < ENTRIES && done[acknowledged]) {
            acknowledged++;
        }
        ck_assert_uint_gt(acknowledged, 0);
        member_crash(&members[0]);
        member_crash(&members[1]);
        pt_sim_restart(sim, members[1].host);
        member_start(&members[1]);
        uint64_t until = pt_sim_now_ns(sim) + 30000 * MS;
        while (!members[1].toy.leading && !members[2].toy.leading) {
            ck_assert(pt_sim_step(sim, until));
        }
        bool read = false;
        pt_raft_barrier(members[members[1].toy.leading ? 1 : 2].raft, on_done, &read);
        await(&read);
        ck_assert_uint_ge(members[members[1].toy.leading ? 1 : 2].toy.len, acknowledged);
        members_fini();
    }
}
END_TEST

/* A change of members is passed on at once, with the commands before it. */
START_TEST(a_change_of_members_does_not_wait)
{
    up(1, true);
    bool done[10] = {false}, removed = false;
    for (uint64_t i = 0; i < 10; i++) {
        propose(i + 1, 8, &done[i]);
    }
    await(&done[9]);
    pt_raft_remove(members[0].raft, members[2].id, on_done, &removed);
    await(&removed);
    uint64_t until = pt_sim_now_ns(sim) + HOP_MS * MS, change = pt_raft_status(members[0].raft).applied_index;
    while (pt_raft_status(members[1].raft).applied_index < change) {
        ck_assert(pt_sim_step(sim, until));
    }
    ck_assert_uint_eq(members[1].toy.len, 10);
    members_fini();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lag");
    TCase *tc = tcase_create("lag");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, a_stream_is_applied_in_larger_pieces);
    tcase_add_test(tc, large_entries_are_not_collected);
    tcase_add_test(tc, a_lone_entry_is_applied_at_once);
    tcase_add_test(tc, what_waits_is_not_lost);
    tcase_add_test(tc, a_change_of_members_does_not_wait);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
