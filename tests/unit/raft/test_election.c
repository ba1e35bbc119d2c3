/*
 * How long a cluster is without a leader, and followers without the word of a commit: three members on the simulated
 * clock, network and disk, over many seeds.
 */
#include "members.h"

#define MEMBERS 3
#define SEEDS 20
#define STEP_MS (ELECTION_MS / 8)

static struct member *leader(const struct member *but)
{
    for (unsigned i = 0; i < MEMBERS; i++) {
        if (&members[i] != but && members[i].raft != NULL && members[i].toy.leading) {
            return &members[i];
        }
    }
    return NULL;
}

/* Until a member but this one leads; how many virtual milliseconds it took. */
static uint64_t leaderless_ms(const struct member *but)
{
    uint64_t began = pt_sim_now_ns(sim);
    while (leader(but) == NULL) {
        ck_assert(pt_sim_step(sim, began + 30000 * MS));
    }
    return (pt_sim_now_ns(sim) - began) / MS;
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

static void up(const struct pt_sim_options *options)
{
    members_init(options, MEMBERS, 0, 0);
    (void)leaderless_ms(NULL);
    for (unsigned i = 1; i < MEMBERS; i++) {
        bool added = false, assigned = false;
        member_start(&members[i]);
        pt_raft_add(members[0].raft, members[i].id, members[i].address, on_done, &added);
        await(&added);
        pt_raft_assign(members[0].raft, members[i].id, true, on_done, &assigned);
        await(&assigned);
    }
    run_ms(2000);
}

static void propose(struct member *m, uint64_t value, bool *done)
{
    uint8_t data[8];
    pt_put_be64(data, value);
    pt_raft_propose(m->raft, (struct pt_bytes){data, sizeof data}, on_done, done);
}

static void on_any(void *arg, enum pt_code code, uint64_t index)
{
    (void)arg; /* whatever becomes of it */
    (void)code;
    (void)index;
}

/* Each member leads in turn and dies with an entry on its way. Two ranks and the messages of an election. */
START_TEST(a_leader_that_is_killed_is_replaced_at_once)
{
    uint64_t worst = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        up(&(struct pt_sim_options){.seed = seed});
        for (unsigned round = 0; round < 4; round++) {
            struct member *first = leader(NULL);
            uint8_t data[8] = {0};
            pt_raft_propose(first->raft, (struct pt_bytes){data, sizeof data}, on_any, NULL);
            run_ms(pt_sim_random(sim, 3));
            member_crash(first);
            uint64_t took = leaderless_ms(NULL);
            worst = took > worst ? took : worst;
            ck_assert_msg(took <= 2 * STEP_MS + 20, "seed %" PRIu64 ": %" PRIu64 " ms", seed, took);
            pt_sim_restart(sim, first->host);
            member_start(first);
            run_ms(2000);
        }
        members_fini();
    }
    fprintf(stderr, "killed: at most %" PRIu64 " ms without a leader, of %d\n", worst, SEEDS * 4);
}
END_TEST

/* A follower applies a lone entry as soon as it is told of the commit, which is not left to the next heartbeat. */
START_TEST(followers_hear_of_a_commit_at_once)
{
    uint64_t worst = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        up(&(struct pt_sim_options){.seed = seed});
        struct member *first = leader(NULL);
        for (uint64_t round = 1; round <= 10; round++) {
            bool done = false;
            run_ms(pt_sim_random(sim, HEARTBEAT_MS * 2));
            propose(first, round, &done);
            await(&done);
            uint64_t committed = pt_sim_now_ns(sim);
            for (unsigned i = 0; i < MEMBERS; i++) {
                while (members[i].toy.len < round) {
                    ck_assert(pt_sim_step(sim, committed + 30000 * MS));
                }
            }
            uint64_t took = (pt_sim_now_ns(sim) - committed) / MS;
            worst = took > worst ? took : worst;
            ck_assert_msg(took <= HEARTBEAT_MS / 3, "seed %" PRIu64 ": %" PRIu64 " ms", seed, took);
        }
        members_fini();
    }
    fprintf(stderr, "told: at most %" PRIu64 " ms after the commit, of %d\n", worst, SEEDS * 10);
}
END_TEST

static void cut_off(const struct member *one)
{
    for (unsigned i = 0; i < MEMBERS; i++) {
        if (&members[i] != one) {
            pt_sim_partition(sim, one->host, members[i].host, true);
            pt_sim_partition(sim, members[i].host, one->host, true);
        }
    }
}

/* Nobody learns that its lines are cut: one randomised timeout, at most twice the election timeout, and no second one.
 */
START_TEST(a_leader_that_is_cut_off_is_replaced_after_one_timeout)
{
    uint64_t worst = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        up(&(struct pt_sim_options){.seed = seed});
        struct member *first = leader(NULL);
        cut_off(first);
        uint64_t took = leaderless_ms(first);
        worst = took > worst ? took : worst;
        ck_assert_msg(took <= 2 * ELECTION_MS + 2 * STEP_MS + 20, "seed %" PRIu64 ": %" PRIu64 " ms", seed, took);
        members_fini();
    }
    fprintf(stderr, "cut off: at most %" PRIu64 " ms without a leader, of %d\n", worst, SEEDS);
}
END_TEST

/* Round trips of 80 to 150 ms: the timeout follows them, nobody stands while the leader is well, and one that is killed
 * is replaced by votes that take two round trips. */
START_TEST(long_lines_make_no_elections)
{
    for (uint64_t seed = 1; seed <= 2; seed++) {
        up(&(struct pt_sim_options){.seed = seed, .net_delay_min_us = 40000, .net_delay_max_us = 75000});
        struct member *first = leader(NULL);
        ck_assert_ptr_nonnull(first);
        run_ms(10000);
        struct pt_raft_status before = pt_raft_status(first->raft);
        for (unsigned i = 0; i < MEMBERS; i++) {
            uint32_t timeout = pt_raft_status(members[i].raft).election_timeout_ms;
            ck_assert_uint_ge(timeout, 400);
            ck_assert_uint_le(timeout, 1000);
        }
        for (uint64_t second = 0; second < 600; second++) {
            bool done = false;
            propose(first, second, &done);
            run_ms(1000);
            ck_assert(done);
        }
        ck_assert_uint_eq(pt_raft_status(first->raft).term, before.term);
        member_crash(first);
        uint64_t took = leaderless_ms(NULL);
        ck_assert_msg(took <= 1200, "seed %" PRIu64 ": %" PRIu64 " ms", seed, took);
        fprintf(stderr, "long lines: %" PRIu64 " ms without a leader\n", took);
        members_fini();
    }
}
END_TEST

/* Over long lines two timeouts often run out within a round trip: the lower id goes on, the other lets it. So a silent
 * leader costs one timeout, which is at most twice what is in force, and the votes' two round trips; a killed one only
 * these. */
START_TEST(two_that_stand_together_over_long_lines_split_no_votes)
{
    uint64_t worst_cut = 0, worst_killed = 0;
    for (uint64_t seed = 1; seed <= 2 * SEEDS; seed++) {
        up(&(struct pt_sim_options){.seed = seed, .net_delay_min_us = 40000, .net_delay_max_us = 75000});
        run_ms(10000);
        struct member *first = leader(NULL);
        ck_assert_ptr_nonnull(first);
        uint64_t timeout = 2 * pt_raft_status(first->raft).election_timeout_ms;
        bool killed = seed % 2 == 0;
        if (killed) {
            member_crash(first);
        } else {
            cut_off(first);
        }
        uint64_t took = leaderless_ms(first), *worst = killed ? &worst_killed : &worst_cut;
        *worst = took > *worst ? took : *worst;
        ck_assert_msg(took <= (killed ? 900 : timeout + 500), "seed %" PRIu64 ": %" PRIu64 " ms", seed, took);
        members_fini();
    }
    fprintf(stderr, "long lines: at most %" PRIu64 " ms without a leader that was cut off, %" PRIu64 " killed\n",
            worst_cut, worst_killed);
}
END_TEST

/* A fourth member is made a voter, and is cut off before it hears of that. Then one of the three others is lost: three
 * of four are left, of which the fourth must vote, with a configuration in which it does not. */
START_TEST(who_was_made_a_voter_votes_before_it_knows)
{
    for (uint64_t seed = 1; seed <= 5; seed++) {
        up(&(struct pt_sim_options){.seed = seed});
        struct member *fourth = &members[3];
        *fourth = (struct member){.host = pt_sim_add_host(sim), .id = 4};
        snprintf(fourth->address, sizeof fourth->address, "10.0.0.%u:7000", fourth->host + 1);
        member_start(fourth);
        bool added = false, assigned = false;
        struct member *leads = leader(NULL);
        pt_raft_add(leads->raft, 4, fourth->address, on_done, &added);
        await(&added);
        pt_raft_assign(leads->raft, 4, false, on_done, &assigned);
        await(&assigned);
        run_ms(1000);
        assigned = false;
        uint64_t last = pt_raft_status(leads->raft).last_index;
        pt_raft_assign(leads->raft, 4, true, on_done, &assigned);
        while (pt_raft_status(leads->raft).last_index == last) {
            ck_assert(pt_sim_step(sim, UINT64_MAX));
        }
        for (unsigned i = 0; i < MEMBERS; i++) {
            pt_sim_partition(sim, members[i].host, fourth->host, true);
        }
        await(&assigned);
        member_crash(leads);
        for (unsigned i = 0; i < MEMBERS; i++) {
            pt_sim_partition(sim, members[i].host, fourth->host, false);
        }
        struct pt_raft_member known[4];
        ck_assert_uint_eq(pt_raft_members(fourth->raft, known, 4), 4);
        ck_assert(!known[3].voter);
        (void)leaderless_ms(leads);
        members_fini();
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("raft election");
    TCase *tc = tcase_create("all");
    tcase_set_timeout(tc, 0);
    tcase_add_test(tc, a_leader_that_is_killed_is_replaced_at_once);
    tcase_add_test(tc, followers_hear_of_a_commit_at_once);
    tcase_add_test(tc, a_leader_that_is_cut_off_is_replaced_after_one_timeout);
    tcase_add_test(tc, who_was_made_a_voter_votes_before_it_knows);
    tcase_add_test(tc, long_lines_make_no_elections);
    tcase_add_test(tc, two_that_stand_together_over_long_lines_split_no_votes);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
