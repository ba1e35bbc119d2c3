/*
 * Several members in one process, over real sockets with mTLS and a real disk, with a toy machine.
 *
 * Time is real here, so nothing sleeps and everything waits for a condition with a generous limit.
 */
#include "toy.h"

#include "crypto/identity.h"
#include "sys/sys_uv.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define NODES 4
#define WAIT_MS 60000U
#define CLUSTER "c-test"

struct member {
    struct pt_raft *raft;
    struct toy toy;
    struct pt_tls_context *tls;
    struct pt_endpoint listen;
    char address[PT_ENDPOINT_TEXT_SIZE];
    char directory[128];
    bool fatal;
};

static struct pt_sys *world;
static char root[64];
static struct member members[NODES + 1]; /* by id, from 1 */
static struct pt_buf ca_key, ca_cert;
static struct pt_log quiet = {.level_min = PT_LOG_ERROR};
static uint64_t threshold, trailing;
static uint64_t banned; /* a member whose certificate is revoked; 0: nobody's is */

/* ---- the world ------------------------------------------------------------------------------------------------ */

static struct pt_tls_context *tls_of(unsigned id)
{
    struct pt_buf key = {0}, csr = {0}, cert = {0};
    char spiffe[64];
    snprintf(spiffe, sizeof spiffe, "spiffe://" CLUSTER "/controller/c%u", id);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct pt_leaf_options options = {.spiffe_id = spiffe,
                                      .now_ns = (int64_t)now.tv_sec * 1000000000,
                                      .lifetime_ns = INT64_C(3600) * 1000000000,
                                      .serial = id};
    ck_assert_int_eq(pt_key_new(&key, NULL), PT_OK);
    ck_assert_int_eq(pt_csr_new((char *)key.data, &csr, NULL), PT_OK);
    ck_assert_int_eq(pt_leaf_sign((char *)ca_key.data, (char *)ca_cert.data, pt_buf_bytes(&csr), &options, &cert, NULL),
                     PT_OK);
    struct pt_tls_context *context = NULL;
    ck_assert_int_eq(pt_tls_context_new((char *)cert.data, (char *)key.data, (char *)ca_cert.data, &context, NULL),
                     PT_OK);
    pt_auto_secret(&key);
    pt_buf_fini(&csr);
    pt_buf_fini(&cert);
    return context;
}

static void refuse_all(void *arg, struct pt_stream *stream, const struct pt_endpoint *peer)
{
    (void)arg;
    (void)stream;
    (void)peer;
}

static void setup(void)
{
    ck_assert_int_eq(pt_sys_uv_new(&world, NULL), PT_OK);
    snprintf(root, sizeof root, "/tmp/raft-test.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    ck_assert_int_eq(pt_ca_new(CLUSTER, (int64_t)now.tv_sec * 1000000000, &ca_key, &ca_cert, NULL), PT_OK);
    threshold = trailing = banned = 0;
    for (unsigned id = 1; id <= NODES; id++) {
        struct member *m = &members[id];
        *m = (struct member){.toy = {.sys = world}};
        m->tls = tls_of(id);
        snprintf(m->directory, sizeof m->directory, "%s/n%u", root, id);
        struct pt_listener *listener = NULL;
        struct pt_endpoint any;
        ck_assert_int_eq(pt_endpoint_parse(id % 2 == 0 ? "[::1]:0" : "127.0.0.1:0", &any, NULL), PT_OK);
        ck_assert_int_eq(pt_listen(world, &any, refuse_all, NULL, &listener, NULL), PT_OK);
        m->listen = pt_listener_address(listener);
        pt_listener_close(listener);
        pt_endpoint_format(&m->listen, m->address);
    }
    pt_sys_uv_turn(world, false);
}

static void closed(void *arg)
{
    *(bool *)arg = true;
}

static void stop(unsigned id)
{
    bool done = false;
    pt_raft_close(members[id].raft, closed, &done);
    members[id].raft = NULL;
    while (!done) {
        pt_sys_uv_turn(world, true);
    }
}

static void teardown(void)
{
    for (unsigned id = 1; id <= NODES; id++) {
        if (members[id].raft != NULL) {
            stop(id);
        }
        pt_tls_context_free(members[id].tls);
        toy_fini(&members[id].toy);
    }
    pt_auto_secret(&ca_key);
    pt_buf_fini(&ca_cert);
    pt_sys_uv_turn(world, false);
    pt_sys_uv_free(world);
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", root);
    ck_assert_int_eq(system(command), 0);
}

static void on_fatal(void *context, const struct pt_error *error)
{
    struct member *m = context;
    m->fatal = true;
    fprintf(stderr, "fatal: %s %s\n", error->field, error->text);
}

/* Its certificate must name it. */
static bool peer_allowed(void *context, uint64_t id, const struct pt_identity *identity)
{
    (void)context;
    if (id == banned) {
        return false;
    }
    char path[32];
    snprintf(path, sizeof path, "c%" PRIu64, id);
    return strcmp(identity->role, "controller") == 0 && strcmp(identity->path, path) == 0;
}

static enum pt_code open_in(struct member *m, unsigned id, const char *cluster, struct pt_raft **ret_raft,
                            struct pt_error *reterr)
{
    struct pt_raft_options options = {.id = id,
                                      .listen = m->listen,
                                      .address = m->address,
                                      .directory = m->directory,
                                      .cluster_id = cluster,
                                      .tls = m->tls,
                                      .machine = toy_machine(&m->toy),
                                      .log = &quiet,
                                      .election_timeout_ms = 2000, /* no stall of a busy machine is that long */
                                      .heartbeat_ms = 50,
                                      .snapshot_threshold = threshold,
                                      .snapshot_trailing = trailing,
                                      .peer_allowed = peer_allowed,
                                      .on_fatal = on_fatal,
                                      .fatal_context = m};
    return pt_raft_open(world, &options, ret_raft, reterr);
}

static enum pt_code open_as(unsigned id, const char *cluster, struct pt_raft **ret_raft, struct pt_error *reterr)
{
    return open_in(&members[id], id, cluster, ret_raft, reterr);
}

static void start(unsigned id)
{
    struct pt_error error = {0};
    ck_assert_msg(open_as(id, CLUSTER, &members[id].raft, &error) == PT_OK, "%s", error.text);
}

#define AWAIT(condition)                                                                    \
    do {                                                                                    \
        uint64_t until_ = pt_sys_now_ms(world) + WAIT_MS;                                   \
        struct pt_timer *wake_ = pt_timer_new(world, nothing, NULL);                        \
        pt_timer_start(wake_, 20, 20);                                                      \
        while (!(condition)) {                                                              \
            ck_assert_msg(pt_sys_now_ms(world) < until_, "waited in vain for " #condition); \
            pt_sys_uv_turn(world, true);                                                    \
        }                                                                                   \
        pt_timer_free(wake_);                                                               \
    } while (0)

static void nothing(void *arg)
{
    (void)arg;
}

/* ---- requests ------------------------------------------------------------------------------------------------- */

struct reply {
    bool done;
    enum pt_code code;
    uint64_t index;
};

static void on_reply(void *arg, enum pt_code code, uint64_t index)
{
    *(struct reply *)arg = (struct reply){.done = true, .code = code, .index = index};
}

static enum pt_code add(unsigned leader, unsigned id)
{
    struct reply reply = {0};
    pt_raft_add(members[leader].raft, id, members[id].address, on_reply, &reply);
    AWAIT(reply.done);
    return reply.code;
}

static enum pt_code assign(unsigned leader, unsigned id, bool voter)
{
    struct reply reply = {0};
    pt_raft_assign(members[leader].raft, id, voter, on_reply, &reply);
    AWAIT(reply.done);
    return reply.code;
}

static enum pt_code barrier(unsigned leader)
{
    struct reply reply = {0};
    pt_raft_barrier(members[leader].raft, on_reply, &reply);
    AWAIT(reply.done);
    return reply.code;
}

struct load {
    unsigned leader;
    uint64_t next, count, acked, in_flight, failed;
    uint8_t data[256];
};

static void load_fill(struct load *load, unsigned width);

static void on_load(void *arg, enum pt_code code, uint64_t index)
{
    struct load *load = arg;
    (void)index;
    load->in_flight--;
    if (code == PT_OK) {
        load->acked++;
    } else {
        load->failed++;
        return;
    }
    load_fill(load, 64);
}

static void load_fill(struct load *load, unsigned width)
{
    while (load->in_flight < width && load->next < load->count && members[load->leader].raft != NULL) {
        pt_put_be64(load->data, ++load->next);
        load->in_flight++;
        pt_raft_propose(members[load->leader].raft, (struct pt_bytes){load->data, sizeof load->data}, on_load, load);
    }
}

static void commit(unsigned leader, uint64_t count)
{
    struct load load = {.leader = leader, .count = count};
    load_fill(&load, 64);
    AWAIT(load.acked == count);
}

static unsigned leader_of(unsigned but)
{
    for (unsigned id = 1; id <= NODES; id++) {
        if (id != but && members[id].raft != NULL && members[id].toy.leading) {
            return id;
        }
    }
    return 0;
}

static bool same(unsigned a, unsigned b)
{
    const struct toy *x = &members[a].toy, *y = &members[b].toy;
    return x->len == y->len && x->applied_index == y->applied_index &&
           (x->len == 0 || memcmp(x->values, y->values, x->len * sizeof *x->values) == 0) &&
           pt_digest_equal(&x->log_hash, &y->log_hash);
}

/* Node 1 founds, 2 and 3 join and vote. */
static void three(void)
{
    ck_assert_int_eq(pt_dir_make(world, root, NULL), PT_OK);
    ck_assert_int_eq(pt_raft_bootstrap(world, members[1].directory, CLUSTER, 1, members[1].address, NULL), PT_OK);
    start(1);
    AWAIT(members[1].toy.leading);
    for (unsigned id = 2; id <= 3; id++) {
        start(id);
        ck_assert_int_eq(add(1, id), PT_OK);
        ck_assert_int_eq(assign(1, id, true), PT_OK);
    }
}

/* ---- tests ---------------------------------------------------------------------------------------------------- */

START_TEST(one_node_commits_and_keeps_over_a_restart)
{
    ck_assert_int_eq(pt_raft_bootstrap(world, members[1].directory, CLUSTER, 1, members[1].address, NULL), PT_OK);
    struct pt_error error = {0};
    ck_assert_int_eq(pt_raft_bootstrap(world, members[1].directory, CLUSTER, 1, members[1].address, &error),
                     PT_ALREADY_EXISTS);
    start(1);
    AWAIT(members[1].toy.leading);
    commit(1, 1000);
    ck_assert_int_eq(barrier(1), PT_OK);
    ck_assert_uint_eq(members[1].toy.len, 1000);
    uint64_t term = pt_raft_status(members[1].raft).term;
    stop(1);
    start(1);
    AWAIT(members[1].toy.leading);
    commit(1, 10);
    ck_assert_uint_eq(members[1].toy.len, 1010);
    ck_assert_uint_gt(pt_raft_status(members[1].raft).term, term);
    /* A machine that lost its state is filled again from the log. */
    stop(1);
    toy_fini(&members[1].toy);
    start(1);
    AWAIT(members[1].toy.len == 1010);
}
END_TEST

START_TEST(three_nodes_commit_ten_thousand_entries)
{
    three();
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    commit(1, 10000);
    clock_gettime(CLOCK_MONOTONIC, &after);
    double seconds = (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9;
    fprintf(stderr,
            "10,000 entries of 256 bytes, 64 in flight, 3 nodes in one thread, mTLS: %.2f s, %.0f/s, %u batches\n",
            seconds, 10000 / seconds, members[1].toy.batches);
    ck_assert_int_eq(barrier(1), PT_OK);
    ck_assert_uint_eq(members[1].toy.len, 10000);
    AWAIT(same(1, 2) && same(1, 3));
    for (uint64_t i = 0; i < 10000; i++) {
        ck_assert_uint_eq(members[1].toy.values[i], i + 1);
    }
    struct pt_raft_member list[8];
    ck_assert_uint_eq(pt_raft_members(members[2].raft, list, 8), 3);
    ck_assert_uint_eq(list[2].id, 3);
    ck_assert(list[2].voter && !list[2].spare);
    ck_assert_uint_eq(pt_raft_match_index(members[1].raft, 2), pt_raft_status(members[1].raft).last_index);
}
END_TEST

START_TEST(a_new_leader_has_all_that_was_acknowledged)
{
    three();
    struct load load = {.leader = 1, .count = UINT64_MAX};
    load_fill(&load, 64);
    AWAIT(load.acked > 2000);
    uint64_t acked = load.acked;
    stop(1); /* in the middle of the load */
    ck_assert_uint_eq(load.in_flight, 0);
    ck_assert_uint_ge(load.acked, acked);
    acked = load.acked;
    AWAIT(leader_of(1) != 0);
    unsigned leader = leader_of(1);
    ck_assert_int_eq(barrier(leader), PT_OK);
    const struct toy *toy = &members[leader].toy;
    ck_assert_uint_ge(toy->len, acked);
    for (uint64_t i = 0; i < acked; i++) {
        ck_assert_uint_eq(toy->values[i], i + 1);
    }
    commit(leader, 500);
    start(1); /* catches up as a follower */
    AWAIT(same(1, leader));
    AWAIT(same(5 - leader, leader));
    /* Who does not lead says so. */
    struct reply reply = {0};
    pt_raft_propose(members[1].raft, (struct pt_bytes){load.data, 8}, on_reply, &reply);
    ck_assert(reply.done);
    ck_assert_int_eq(reply.code, PT_NOT_LEADER);
}
END_TEST

static void wipe(unsigned id)
{
    char command[256];
    snprintf(command, sizeof command, "rm -rf %s", members[id].directory);
    ck_assert_int_eq(system(command), 0);
    toy_fini(&members[id].toy);
}

START_TEST(a_wiped_follower_gets_a_snapshot)
{
    threshold = 500;
    trailing = 100;
    three();
    commit(1, 3000);
    AWAIT(same(1, 3));
    ck_assert_uint_gt(members[1].toy.snapshots, 0);
    stop(3);
    wipe(3);
    commit(1, 1000);
    start(3);
    AWAIT(same(1, 3));
    ck_assert_uint_gt(members[3].toy.restores, 0);
    commit(1, 100);
    AWAIT(same(1, 3));
    /* It is a full member again: with node 2 gone, nothing is decided without it. */
    stop(2);
    commit(1, 100);
    AWAIT(same(1, 3));
}
END_TEST

START_TEST(a_follower_that_was_away_too_long_gets_a_snapshot)
{
    threshold = 500;
    trailing = 100;
    three();
    commit(1, 100);
    stop(3);
    commit(1, 5000);
    start(3);
    AWAIT(same(1, 3));
    ck_assert_uint_eq(members[3].toy.restores, 1);
    stop(3);
    start(3); /* and stands on its own feet afterwards */
    commit(1, 10);
    AWAIT(same(1, 3));
    ck_assert(!pt_raft_status(members[3].raft).quarantined);
}
END_TEST

START_TEST(old_entries_are_read_back_from_the_disk)
{
    three();
    stop(3);
    commit(1, 3000);
    static uint8_t data[64 << 10]; /* 8 MiB: the cache holds 2 */
    uint64_t done = 0;
    for (unsigned i = 0; i < 128; i++) {
        struct reply reply = {0};
        pt_put_be64(data, 100000 + i);
        pt_raft_propose(members[1].raft, (struct pt_bytes){data, sizeof data}, on_reply, &reply);
        AWAIT(reply.done);
        ck_assert_int_eq(reply.code, PT_OK);
        done++;
    }
    ck_assert_uint_eq(done, 128);
    start(3);
    AWAIT(same(1, 3));
    ck_assert_uint_eq(members[3].toy.restores, 0);
}
END_TEST

START_TEST(members_come_and_go)
{
    three();
    struct reply first = {0}, second = {0};
    pt_raft_add(members[1].raft, 4, members[4].address, on_reply, &first);
    pt_raft_add(members[1].raft, 4, members[4].address, on_reply, &second);
    ck_assert(second.done); /* one at a time */
    ck_assert_int_eq(second.code, PT_FAILED_PRECONDITION);
    AWAIT(first.done);
    ck_assert_int_eq(first.code, PT_OK);
    ck_assert_int_eq(add(1, 4), PT_ALREADY_EXISTS);
    commit(1, 200);
    start(4);
    ck_assert_int_eq(assign(1, 4, false), PT_OK); /* standby: gets entries, has no vote */
    AWAIT(same(1, 4));
    ck_assert_int_eq(pt_raft_status(members[4].raft).role, PT_RAFT_STANDBY);
    /* It lacks nothing, the leader knows that, and nobody writes: it becomes a voter all the same. */
    AWAIT(pt_raft_match_index(members[1].raft, 4) == pt_raft_status(members[1].raft).last_index);
    ck_assert_int_eq(assign(1, 4, true), PT_OK);
    commit(1, 200);
    AWAIT(same(1, 2) && same(1, 4)); /* 2 too: who is removed gets nothing more, not even what it lacked */
    ck_assert_int_eq(pt_raft_status(members[4].raft).role, PT_RAFT_FOLLOWER);
    struct reply removed = {0};
    pt_raft_remove(members[1].raft, 2, on_reply, &removed);
    AWAIT(removed.done);
    ck_assert_int_eq(removed.code, PT_OK);
    struct pt_raft_member list[8];
    ck_assert_uint_eq(pt_raft_members(members[1].raft, list, 8), 3);
    commit(1, 200);
    AWAIT(same(1, 3) && same(1, 4));
    ck_assert_uint_eq(members[2].toy.len, 400);
    ck_assert_int_eq(assign(1, 2, true), PT_NOT_FOUND);
    /* The leader removes itself. */
    struct reply self = {0};
    pt_raft_remove(members[1].raft, 1, on_reply, &self);
    AWAIT(self.done);
    ck_assert_int_eq(self.code, PT_OK);
    AWAIT(leader_of(1) != 0);
    commit(leader_of(1), 10);
    ck_assert_uint_eq(pt_raft_members(members[leader_of(1)].raft, list, 8), 2);
}
END_TEST

START_TEST(leadership_is_handed_over)
{
    three();
    commit(1, 100);
    struct reply reply = {0};
    pt_raft_transfer(members[1].raft, 3, on_reply, &reply);
    AWAIT(reply.done && members[3].toy.leading);
    ck_assert_int_eq(reply.code, PT_OK);
    ck_assert(!members[1].toy.leading);
    commit(3, 100);
    AWAIT(same(1, 3) && same(2, 3));
    struct reply any = {0};
    pt_raft_transfer(members[3].raft, 0, on_reply, &any);
    AWAIT(any.done && leader_of(3) != 0);
    ck_assert_int_eq(any.code, PT_OK);
}
END_TEST

START_TEST(a_folder_serves_one_instance_of_its_own_cluster)
{
    ck_assert_int_eq(pt_raft_bootstrap(world, members[1].directory, CLUSTER, 1, members[1].address, NULL), PT_OK);
    start(1);
    struct pt_error error = {0};
    struct pt_raft *other = NULL;
    ck_assert_int_eq(open_as(1, CLUSTER, &other, &error), PT_FAILED_PRECONDITION);
    stop(1);
    ck_assert_int_eq(open_as(1, "c-other", &other, &error), PT_FAILED_PRECONDITION);
    ck_assert_ptr_nonnull(strstr(error.text, "belongs to node 1 of cluster " CLUSTER));
    snprintf(members[2].directory, sizeof members[2].directory, "%s", members[1].directory);
    ck_assert_int_eq(open_as(2, CLUSTER, &other, &error), PT_FAILED_PRECONDITION);
    start(1);
    AWAIT(members[1].toy.leading);
}
END_TEST

static void copy_folder(const char *from, const char *to)
{
    char command[400];
    snprintf(command, sizeof command, "rm -rf %s && cp -a %s %s", to, from, to);
    ck_assert_int_eq(system(command), 0);
}

/* Somebody copies node 3's folder, certificate and all, and starts the copy on another machine. Nobody dials it, so it
 * is told nothing, votes for nobody and leads nothing; and what it says to the others does not disturb them. */
/* Commit through the leader; how many of them were acknowledged before it lost its place, which only time can take. */
static uint64_t commit_some(unsigned leader, uint64_t count)
{
    struct load load = {.leader = leader, .count = count};
    load_fill(&load, 64);
    AWAIT(load.acked == count || (load.failed > 0 && load.in_flight == 0));
    return load.acked;
}

static void open_copy(struct member *copy)
{
    struct pt_error error = {0};
    ck_assert_msg(open_in(copy, 3, CLUSTER, &copy->raft, &error) == PT_OK, "%s", error.text);
}

/* The copy stands for election over and over, from its opening on. While it does so, the others keep their leader and
 * their term: in a window with an attempt nothing changes. Time is real here, and a machine that stands
 * still for longer than an election timeout makes an election that is none of the copy's doing: then another window is
 * looked at. What the copy does, it does in every one. */
#define WINDOWS_MAX 8

START_TEST(a_copied_folder_takes_no_part)
{
    three();
    commit(1, 200);
    AWAIT(same(1, 3));
    stop(3);
    copy_folder(members[3].directory, members[4].directory);
    start(3);
    struct member *copy = &members[4];
    pt_tls_context_free(copy->tls);
    copy->tls = tls_of(3);
    uint64_t proposed = 200, acked = 200;
    unsigned leader = 0;
    bool undisturbed = false;
    uint64_t copied_term = 0;
    for (unsigned i = 0; i < WINDOWS_MAX && !undisturbed; i++) {
        AWAIT(leader_of(4) != 0);
        leader = leader_of(4);
        uint64_t term = pt_raft_status(members[leader].raft).term;
        if (i > 0) {
            stop(4); /* opened anew, so that attempts of its fall into this window for sure */
        }
        open_copy(copy);
        copied_term = i == 0 ? pt_raft_status(copy->raft).term : copied_term;
        AWAIT(pt_raft_status(copy->raft).role == PT_RAFT_CANDIDATE);
        acked += commit_some(leader, 200);
        proposed += 200;
        AWAIT(same(1, 2) && same(1, 3));
        undisturbed = members[leader].toy.leading && pt_raft_status(members[leader].raft).term == term;
        ck_assert(!copy->toy.leading);
        ck_assert_uint_eq(pt_raft_status(copy->raft).term, copied_term);
    }
    ck_assert_msg(undisturbed, "the others' leader or term changed in each of %d windows", WINDOWS_MAX);
    stop(leader);
    unsigned a = leader == 1 ? 2 : 1, b = leader == 3 ? 2 : 3;
    AWAIT(leader_of(4) != 0);
    acked += commit_some(leader_of(4), 200);
    proposed += 200;
    AWAIT(same(a, b));
    ck_assert_uint_ge(members[a].toy.len, acked);
    ck_assert_uint_le(members[a].toy.len, proposed); /* equal, unless a leader went in between */
    ck_assert(!copy->toy.leading);
    ck_assert_uint_eq(pt_raft_status(copy->raft).term, copied_term);
    ck_assert_uint_le(copy->toy.len, 200);
}
END_TEST

/* A folder as it was some time ago is put back. The node does not know that it is behind itself; the others do, and it
 * gets what it lacks, by entries or by a snapshot. */
START_TEST(an_old_folder_that_is_put_back_is_filled_again)
{
    char old[160];
    threshold = _i == 0 ? 0 : 100; /* in the second turn the others have no such old entries any more */
    trailing = _i == 0 ? 0 : 20;
    three();
    snprintf(old, sizeof old, "%s/old", root);
    commit(1, 200);
    AWAIT(same(1, 3));
    stop(3);
    copy_folder(members[3].directory, old);
    start(3);
    commit(1, 300);
    AWAIT(same(1, 3));
    stop(3);
    copy_folder(old, members[3].directory);
    toy_fini(&members[3].toy);
    members[3].toy = (struct toy){.sys = world};
    start(3);
    commit(1, 100);
    AWAIT(same(1, 3));
    ck_assert_uint_eq(members[3].toy.len, 600);
    ck_assert(!members[3].fatal);
}
END_TEST

START_TEST(a_peer_of_another_cluster_or_name_is_refused)
{
    ck_assert_int_eq(pt_raft_bootstrap(world, members[1].directory, CLUSTER, 1, members[1].address, NULL), PT_OK);
    start(1);
    AWAIT(members[1].toy.leading);
    /* Node 2 says it is of another cluster; node 3 has node 4's certificate. */
    ck_assert_int_eq(open_as(2, "c-other", &members[2].raft, NULL), PT_OK);
    struct pt_tls_context *own = members[3].tls;
    members[3].tls = members[4].tls;
    start(3);
    for (unsigned id = 2; id <= 3; id++) {
        ck_assert_int_eq(add(1, id), PT_OK);
        struct reply reply = {0};
        pt_raft_assign(members[1].raft, id, true, on_reply, &reply);
        AWAIT(reply.done);
        ck_assert_int_eq(reply.code, PT_DEADLINE_EXCEEDED); /* it never catches up */
        ck_assert_uint_eq(pt_raft_status(members[id].raft).term, 0);
    }
    commit(1, 10);
    ck_assert_uint_eq(members[2].toy.len + members[3].toy.len, 0);
    members[3].tls = own;
}
END_TEST

static size_t ban_at;

static void ban_third(struct toy *toy)
{
    if (toy->len == ban_at) {
        banned = 3;
        pt_raft_judge_peers(members[1].raft);
    }
}

/* The entry that revokes a member is committed by that member's own word, mostly: its connection ends inside of what it
 * brought. It is heard no more, until it is let in again. */
START_TEST(a_member_is_revoked_by_what_it_acknowledges)
{
    three();
    members[1].toy.applied = ban_third;
    stop(2); /* so that it is 3 whose word commits; or the leader's own disk, when that is later */
    for (unsigned round = 0; round < 4; round++) {
        ban_at = members[1].toy.len + 1;
        commit(1, 1);
        ck_assert_uint_eq(banned, 3);
        struct load load = {.leader = 1, .count = 1};
        load_fill(&load, 1);
        for (unsigned turn = 0; turn < 100; turn++) {
            pt_sys_uv_turn(world, false);
        }
        ck_assert_uint_eq(load.acked, 0);
        banned = 0;
        AWAIT(load.acked == 1 && same(1, 3));
    }
}
END_TEST

START_TEST(a_machine_that_fails_stops_its_node)
{
    three();
    commit(1, 100);
    AWAIT(same(1, 2));
    members[2].toy.fail = PT_INTERNAL;
    commit(1, 10);
    AWAIT(members[2].fatal);
    commit(1, 100); /* the others go on */
    ck_assert_uint_eq(members[2].toy.len, 100);
}
END_TEST

START_TEST(a_barrier_waits_for_a_majority)
{
    three();
    commit(1, 10);
    stop(2);
    stop(3);
    struct reply reply = {0};
    pt_raft_barrier(members[1].raft, on_reply, &reply);
    AWAIT(reply.done); /* the leader learns that it is alone */
    ck_assert_int_eq(reply.code, PT_NOT_LEADER);
    ck_assert(!members[1].toy.leading);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("raft cluster");
    TCase *tc = tcase_create("all");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, one_node_commits_and_keeps_over_a_restart);
    tcase_add_test(tc, three_nodes_commit_ten_thousand_entries);
    tcase_add_test(tc, a_new_leader_has_all_that_was_acknowledged);
    tcase_add_test(tc, a_wiped_follower_gets_a_snapshot);
    tcase_add_test(tc, a_follower_that_was_away_too_long_gets_a_snapshot);
    tcase_add_test(tc, old_entries_are_read_back_from_the_disk);
    tcase_add_test(tc, members_come_and_go);
    tcase_add_test(tc, leadership_is_handed_over);
    tcase_add_test(tc, a_folder_serves_one_instance_of_its_own_cluster);
    tcase_add_test(tc, a_copied_folder_takes_no_part);
    tcase_add_loop_test(tc, an_old_folder_that_is_put_back_is_filled_again, 0, 2);
    tcase_add_test(tc, a_peer_of_another_cluster_or_name_is_refused);
    tcase_add_test(tc, a_member_is_revoked_by_what_it_acknowledges);
    tcase_add_test(tc, a_machine_that_fails_stops_its_node);
    tcase_add_test(tc, a_barrier_waits_for_a_majority);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
