/*
 * Members that come and go while the others are busy: on the simulated clock, network and disk.
 */
#include "members.h"

#include "raft/node_priv.h"

#define MEMBERS 4
#define IN_FLIGHT 64

#define AWAIT(condition, ms_max)                                 \
    do {                                                         \
        uint64_t until_ = pt_sim_now_ns(sim) + (ms_max)*MS;      \
        while (!(condition)) {                                   \
            ck_assert_msg(pt_sim_step(sim, until_), #condition); \
        }                                                        \
    } while (0)

struct reply {
    bool done;
    enum pt_code code;
};

static void on_reply(void *arg, enum pt_code code, uint64_t index)
{
    (void)index;
    *(struct reply *)arg = (struct reply){.done = true, .code = code};
}

/* As the controller does: asked again until it is so. */
static void join(struct member *leader, struct member *m, uint64_t ms_max)
{
    struct reply added = {0}, assigned = {0};
    uint64_t until = pt_sim_now_ns(sim) + ms_max * MS;
    member_start(m);
    pt_raft_add(leader->raft, m->id, m->address, on_reply, &added);
    AWAIT(added.done, 10000);
    do {
        assigned.done = false;
        pt_raft_assign(leader->raft, m->id, true, on_reply, &assigned);
        AWAIT(assigned.done, 60000);
        if (assigned.code != PT_OK) {
            run_ms(2000);
        }
        ck_assert_msg(pt_sim_now_ns(sim) < until, "not promoted in %" PRIu64 " ms", ms_max);
    } while (assigned.code != PT_OK);
}

static void up(const struct pt_sim_options *options)
{
    members_init(options, MEMBERS, 100, 20);
    AWAIT(members[0].toy.leading, 10000);
    join(&members[0], &members[1], 10000);
    join(&members[0], &members[2], 10000);
}

struct load {
    struct member *leader;
    uint64_t acked;
    unsigned in_flight;
    bool ended;
};

static void load_fill(struct load *load);

static void on_load(void *arg, enum pt_code code, uint64_t index)
{
    struct load *load = arg;
    (void)index;
    load->in_flight--;
    load->acked += code == PT_OK ? 1 : 0;
    load->ended = load->ended || code != PT_OK;
    load_fill(load);
}

static void load_fill(struct load *load)
{
    uint8_t data[8] = {0};
    while (!load->ended && load->in_flight < IN_FLIGHT) {
        load->in_flight++;
        pt_raft_propose(load->leader->raft, (struct pt_bytes){data, sizeof data}, on_load, load);
    }
}

/* Others write without a pause, a snapshot is due more often than one is carried over the lines, and the log behind it
 * is short. The new member gets there all the same, and goes on by entries. */
START_TEST(a_member_is_promoted_while_others_write)
{
    uint64_t worst_ms = 0;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        up(&(struct pt_sim_options){.seed = seed, .net_delay_min_us = 40000, .net_delay_max_us = 75000});
        struct load load = {.leader = &members[0]};
        load_fill(&load);
        AWAIT(load.acked > 20000, 600000);
        uint64_t began = pt_sim_now_ns(sim), acked = load.acked;
        join(&members[0], &members[3], 60000);
        uint64_t took_ms = (pt_sim_now_ns(sim) - began) / MS;
        worst_ms = took_ms > worst_ms ? took_ms : worst_ms;
        ck_assert_uint_gt(load.acked, acked);
        ck_assert(!load.ended);
        /* And it keeps up. */
        unsigned restores = members[3].toy.restores;
        acked = load.acked;
        AWAIT(load.acked > acked + 1000, 60000);
        AWAIT(members[3].toy.len > acked, 10000);
        ck_assert_uint_eq(members[3].toy.restores, restores);
        load.ended = true;
        AWAIT(load.in_flight == 0, 10000);
        members_fini();
    }
    fprintf(stderr, "promoted under load: after at most %" PRIu64 " ms\n", worst_ms);
}
END_TEST

static bool known(uint64_t id)
{
    bool found = false;
    for (unsigned i = 0; i < MEMBERS; i++) {
        found = found || (members[i].raft != NULL && pt_raft_net_knows(members[i].raft->net, id));
    }
    return found;
}

/* The one that removes it hangs up at once; the others, which dialled it for an election, do so a little later. */
START_TEST(who_was_removed_is_dialled_no_more)
{
    up(&(struct pt_sim_options){.seed = 7});
    join(&members[0], &members[3], 10000);
    struct reply moved = {0}, removed = {0};
    pt_raft_transfer(members[0].raft, 2, on_reply, &moved);
    AWAIT(moved.done && members[1].toy.leading, 10000);
    run_ms(1000);
    ck_assert(pt_raft_net_knows(members[0].raft->net, 4));
    ck_assert(pt_raft_net_knows(members[1].raft->net, 4));
    pt_raft_remove(members[1].raft, 4, on_reply, &removed);
    AWAIT(removed.done, 10000);
    ck_assert_int_eq(removed.code, PT_OK);
    run_ms(5000); /* it does not know, stands for election and is answered */
    member_crash(&members[3]);
    AWAIT(!known(4), 20000);
    /* Who stayed is known for ever: the next election finds its links up. */
    run_ms(60000);
    ck_assert(!known(4));
    ck_assert(pt_raft_net_knows(members[0].raft->net, 2) && pt_raft_net_knows(members[1].raft->net, 1));
    ck_assert(pt_raft_net_knows(members[1].raft->net, 3));
    members_fini();
}
END_TEST

/* Batches follow one another to the disk, so that the member that is to lead has hardly ever stored all of its log when
 * it is told. It stands when it has, and not after the leader gave up: writes wait for as long. */
START_TEST(leadership_moves_at_once_while_others_write)
{
    uint64_t worst_ms = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        up(&(struct pt_sim_options){.seed = seed, .disk_delay_min_us = 5000, .disk_delay_max_us = 15000});
        struct load load = {.leader = &members[0]};
        const struct member *next = &members[1 + seed % 2];
        struct reply moved = {0};
        load_fill(&load);
        AWAIT(load.acked > 500, 60000);
        run_ms(pt_sim_random(sim, 40));
        uint64_t began = pt_sim_now_ns(sim);
        pt_raft_transfer(members[0].raft, next->id, on_reply, &moved);
        AWAIT(next->toy.leading, 60000);
        uint64_t took_ms = (pt_sim_now_ns(sim) - began) / MS;
        worst_ms = took_ms > worst_ms ? took_ms : worst_ms;
        AWAIT(moved.done && load.in_flight == 0, 10000);
        ck_assert_int_eq(moved.code, PT_OK);
        ck_assert_msg(took_ms < ELECTION_MS / 2, "seed %" PRIu64 ": %" PRIu64 " ms", seed, took_ms);
        members_fini();
    }
    fprintf(stderr, "handed over under load: within %" PRIu64 " ms\n", worst_ms);
}
END_TEST

/* A candidate asks while it writes its own vote: the two writes, of two syncs of 100 ms here, are under way together.
 */
START_TEST(votes_are_written_at_the_same_time)
{
    for (uint64_t seed = 1; seed <= 5; seed++) {
        up(&(struct pt_sim_options){.seed = seed});
        struct reply moved = {0};
        run_ms(1000);
        for (unsigned i = 0; i < 3; i++) {
            pt_sim_slow_disk(sim, members[i].host, 100 * MS);
        }
        uint64_t began = pt_sim_now_ns(sim);
        pt_raft_transfer(members[0].raft, 2, on_reply, &moved);
        AWAIT(members[1].toy.leading, 5000);
        uint64_t took_ms = (pt_sim_now_ns(sim) - began) / MS;
        ck_assert_msg(took_ms < 300, "seed %" PRIu64 ": %" PRIu64 " ms", seed, took_ms);
        members_fini();
    }
}
END_TEST
/* It asked, was granted votes and died before its own was on the disk: it has not led, and the others go on. */
START_TEST(who_dies_while_its_vote_is_written_has_not_led)
{
    up(&(struct pt_sim_options){.seed = 4});
    struct reply moved = {0};
    run_ms(1000);
    uint64_t term = pt_raft_status(members[0].raft).term;
    pt_sim_slow_disk(sim, members[1].host, 200 * MS);
    pt_raft_transfer(members[0].raft, 2, on_reply, &moved);
    AWAIT(pt_raft_status(members[2].raft).term == term + 1, 150); /* it has been asked, and grants it */
    run_ms(50);
    ck_assert(!members[1].toy.leading);
    member_crash(&members[1]);
    AWAIT(members[0].toy.leading || members[2].toy.leading, 5000);
    pt_sim_slow_disk(sim, members[1].host, 0);
    pt_sim_restart(sim, members[1].host);
    member_start(&members[1]);
    run_ms(3000);
    ck_assert(!members[1].toy.leading);
    ck_assert_uint_gt(pt_raft_status(members[1].raft).term, term + 1);
    members_fini();
}
END_TEST
/* The member stores what it was told to wait for when the leader has long given up: then it does not depose it. */
START_TEST(who_is_told_to_stand_and_is_too_slow_follows)
{
    up(&(struct pt_sim_options){.seed = 3});
    struct reply first = {0}, second = {0}, moved = {0};
    uint8_t data[8] = {0};
    run_ms(1000);
    uint64_t term = pt_raft_status(members[0].raft).term;
    pt_sim_slow_disk(sim, members[1].host, 100 * MS);
    pt_raft_propose(members[0].raft, (struct pt_bytes){data, sizeof data}, on_reply, &first);
    AWAIT(first.done, 50); /* by the other one's disk: here it is still being written */
    pt_sim_slow_disk(sim, members[1].host, 1000 * MS);
    pt_raft_propose(members[0].raft, (struct pt_bytes){data, sizeof data}, on_reply, &second);
    AWAIT(second.done, 50);
    pt_raft_transfer(members[0].raft, 2, on_reply, &moved);
    AWAIT(moved.done, 1000);
    ck_assert_int_eq(moved.code, PT_DEADLINE_EXCEEDED);
    ck_assert_uint_ne(members[1].raft->told.server_id, 0); /* it was told */
    AWAIT(members[1].raft->told.server_id == 0, 5000);     /* and has stored it all */
    run_ms(5000);
    ck_assert(members[0].toy.leading);
    ck_assert_uint_eq(pt_raft_status(members[0].raft).term, term);
    members_fini();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("membership");
    TCase *tests = tcase_create("membership");
    tcase_set_timeout(tests, 300);
    tcase_add_test(tests, a_member_is_promoted_while_others_write);
    tcase_add_test(tests, who_was_removed_is_dialled_no_more);
    tcase_add_test(tests, leadership_moves_at_once_while_others_write);
    tcase_add_test(tests, votes_are_written_at_the_same_time);
    tcase_add_test(tests, who_dies_while_its_vote_is_written_has_not_led);
    tcase_add_test(tests, who_is_told_to_stand_and_is_too_slow_follows);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
