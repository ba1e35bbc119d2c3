/*
 * Clusters in the simulated world: crashes, power loss, partitions, pauses, failing and rotting disks, from a seed.
 *
 * Checked at each step: one leader per term; all machines agree on every index; what was acknowledged stays; a read
 * after a barrier sees every write acknowledged before it; a healthy disk never leads to quarantine, a damaged one
 * never to lost entries. At the end everything is mended and all members must become equal.
 *
 * Usage: test_raft_sim [first seed [count]]. The seed of a failure is printed.
 */
#include "toy.h"

#include "sys/sys_sim.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>

#define NODES_MAX 5
#define SECOND UINT64_C(1000000000)
#define MS UINT64_C(1000000)
#define MARKS 64
#define LEADERS_MAX 4096

struct mark {
    uint64_t applied_index, applied_term, acked_index;
    struct pt_digest log_hash;
    size_t len;
};

struct node {
    struct cluster *cluster;
    unsigned host;
    uint64_t id;
    struct pt_raft *raft;
    struct toy toy;
    char address[32];
    bool fatal;
    bool rotten;              /* its disk was damaged: quarantine is expected */
    struct mark marks[MARKS]; /* what the machine looked like after its last batches */
    size_t marks_len;
};

struct cluster {
    struct pt_sim *sim;
    uint64_t seed;
    unsigned len;
    struct node nodes[NODES_MAX];
    uint64_t *reference; /* by index: value + 1, 0 unknown */
    size_t reference_len;
    uint64_t *acked; /* indexes acknowledged, by value */
    size_t acked_len;
    uint64_t acked_max; /* highest index acknowledged */
    uint64_t next_value, acks, refused, full, unknown, reads, crashes, quarantines;
    uint64_t leaders[LEADERS_MAX]; /* by term */
    enum pt_planted planted;
    bool broken; /* an invariant failed; fatal unless a bug was planted */
};

static uint64_t seed_first = 1, seed_count = 12;

#define CHECK(c, condition, ...)                                          \
    do {                                                                  \
        if (!(condition)) {                                               \
            (c)->broken = true;                                           \
            if ((c)->planted == PT_PLANTED_NONE) {                        \
                fprintf(stderr, "seed %" PRIu64 ": ", (c)->seed);         \
                fprintf(stderr, __VA_ARGS__);                             \
                fprintf(stderr, "\n");                                    \
                ck_abort_msg("seed %" PRIu64 ": " #condition, (c)->seed); \
            }                                                             \
        }                                                                 \
    } while (0)

/* ---- the machine, watched ------------------------------------------------------------------------------------- */

static void agree(struct node *node, uint64_t index, uint64_t value)
{
    struct cluster *c = node->cluster;
    if (index >= c->reference_len) {
        size_t len = index * 2 + 1024;
        c->reference = realloc(c->reference, len * sizeof *c->reference);
        memset(c->reference + c->reference_len, 0, (len - c->reference_len) * sizeof *c->reference);
        c->reference_len = len;
    }
    if (c->reference[index] == 0) {
        c->reference[index] = value + 1;
    }
    CHECK(c, c->reference[index] == value + 1, "node %" PRIu64 " has %" PRIu64 " at %" PRIu64 ", others %" PRIu64,
          node->id, value, index, c->reference[index] - 1);
}

static void mark(struct node *node)
{
    const struct toy *toy = &node->toy;
    node->marks[node->marks_len++ % MARKS] =
        (struct mark){toy->applied_index, toy->applied_term, toy->acked_index, toy->log_hash, toy->len};
}

static enum pt_code apply(void *context, const struct pt_raft_entry *entries, size_t len, uint64_t acked_index,
                          const struct pt_digest *log_hash, struct pt_error *reterr)
{
    struct node *node = context;
    for (size_t i = 0; i < len; i++) {
        agree(node, entries[i].index, entries[i].data.size >= 8 ? pt_be64(entries[i].data.data) : 0);
    }
    enum pt_code code = toy_apply(&node->toy, entries, len, acked_index, log_hash, reterr);
    mark(node);
    return code;
}

static void witness(void *context, uint64_t *index, uint64_t *term, uint64_t *acked, struct pt_digest *hash)
{
    toy_witness(&((struct node *)context)->toy, index, term, acked, hash);
}

/* The machine needs a while before it can be read, as one does whose files are behind: the node applies, loses its
 * leader, or crashes meanwhile. */
static enum pt_code snapshot_begin(void *context, pt_task_fn ready, void *arg, struct pt_error *reterr)
{
    struct node *node = context;
    node->toy.ready_ms = pt_sim_random(node->cluster->sim, 200);
    return toy_snapshot_begin(&node->toy, ready, arg, reterr);
}

static void snapshot_end(void *context)
{
    toy_snapshot_end(&((struct node *)context)->toy);
}

static enum pt_code snapshot(void *context, const char *path, uint64_t *ret_size, struct pt_digest *ret_digest,
                             struct pt_error *reterr)
{
    return toy_snapshot(&((struct node *)context)->toy, path, ret_size, ret_digest, reterr);
}

static enum pt_code restore(void *context, const char *path, struct pt_error *reterr)
{
    struct node *node = context;
    enum pt_code code = toy_restore(&node->toy, path, reterr);
    for (size_t i = 0; i < node->toy.len && code == PT_OK; i++) {
        agree(node, node->toy.indexes[i], node->toy.values[i]);
    }
    node->marks_len = 0;
    mark(node);
    return code;
}

static void role_changed(void *context, bool leading, uint64_t term)
{
    struct node *node = context;
    struct cluster *c = node->cluster;
    node->toy.leading = leading;
    if (leading) {
        CHECK(c, term < LEADERS_MAX, "term %" PRIu64 " in a minute", term);
        CHECK(c, c->leaders[term] == 0 || c->leaders[term] == node->id,
              "nodes %" PRIu64 " and %" PRIu64 " lead term %" PRIu64, c->leaders[term], node->id, term);
        c->leaders[term] = node->id;
    }
}

static void on_fatal(void *context, const struct pt_error *error)
{
    struct node *node = context;
    (void)error;
    node->fatal = true;
}

/* Whether somebody waits changes from one moment to the next. */
static bool may_lag(void *context, uint64_t acked_index)
{
    struct node *node = context;
    bool lags = (node->toy.len / 64 + node->id) % 2 == 0;
    if (lags && acked_index > node->toy.acked_index) {
        node->toy.acked_index = acked_index;
        mark(node);
    }
    return lags;
}

/* ---- nodes ---------------------------------------------------------------------------------------------------- */

static struct pt_log silent = {.level_min = PT_LOG_ERROR + 1};

static void start(struct node *node)
{
    struct cluster *c = node->cluster;
    struct pt_sys *sys = pt_sim_host(c->sim, node->host);
    node->toy.sys = sys;
    node->toy.leading = false;
    node->fatal = false;
    struct pt_raft_options options = {.id = node->id,
                                      .address = node->address,
                                      .directory = "/raft",
                                      .cluster_id = "c-sim",
                                      .machine = {.context = node,
                                                  .apply = apply,
                                                  .witness = witness,
                                                  .snapshot_begin = snapshot_begin,
                                                  .snapshot = snapshot,
                                                  .snapshot_end = snapshot_end,
                                                  .restore = restore,
                                                  .role_changed = role_changed,
                                                  .may_lag = may_lag},
                                      .log = &silent,
                                      .election_timeout_ms = 300,
                                      .heartbeat_ms = 60,
                                      .snapshot_threshold = 400,
                                      .snapshot_trailing = 100,
                                      .on_fatal = on_fatal,
                                      .fatal_context = node,
                                      .segment_size = 32768,
                                      .planted = c->planted};
    ck_assert_int_eq(pt_endpoint_parse(node->address, &options.listen, NULL), PT_OK);
    struct pt_error error = {0};
    enum pt_code code = pt_raft_open(sys, &options, &node->raft, &error);
    CHECK(c, code == PT_OK, "node %" PRIu64 " does not open: %s", node->id, error.text);
    if (node->raft != NULL && pt_raft_status(node->raft).quarantined) {
        c->quarantines++;
        CHECK(c, node->rotten, "node %" PRIu64 " in quarantine for nothing", node->id);
    }
}

/* The machine's disk may forget the last transactions when the power fails. */
static void roll_back(struct node *node)
{
    size_t kept = node->marks_len < MARKS ? node->marks_len : MARKS;
    if (kept < 2) {
        return;
    }
    size_t back = pt_sim_random(node->cluster->sim, kept - 1);
    back = back > 8 ? 8 : back;
    node->marks_len -= back;
    const struct mark *m = &node->marks[(node->marks_len - 1) % MARKS];
    node->toy.applied_index = m->applied_index;
    node->toy.applied_term = m->applied_term;
    node->toy.acked_index = m->acked_index;
    node->toy.log_hash = m->log_hash;
    node->toy.len = m->len;
}

static void crash(struct node *node, bool power_loss)
{
    pt_sim_crash(node->cluster->sim, node->host, power_loss);
    if (node->raft != NULL) {
        pt_raft_abandon(node->raft);
        node->raft = NULL;
    }
    node->toy.leading = false;
    node->cluster->crashes++;
    if (power_loss && pt_sim_random(node->cluster->sim, 2) == 0) {
        roll_back(node);
    }
}

static void run_ms(struct cluster *c, uint64_t ms)
{
    uint64_t until = pt_sim_now_ns(c->sim) + ms * MS;
    while (pt_sim_step(c->sim, until)) {
    }
}

static struct node *leader(struct cluster *c)
{
    struct node *found = NULL;
    for (unsigned i = 0; i < c->len; i++) {
        struct node *node = &c->nodes[i];
        if (node->raft != NULL && !node->fatal && node->toy.leading &&
            (found == NULL || pt_raft_status(node->raft).term > pt_raft_status(found->raft).term)) {
            found = node;
        }
    }
    return found;
}

/* ---- clients -------------------------------------------------------------------------------------------------- */

struct call {
    struct cluster *cluster;
    uint64_t value; /* of a write; of a read: the highest index acknowledged when it was asked */
    struct node *node;
    bool used;
};

#define CALLS 4096
static struct call calls[CALLS];
static size_t calls_at;

static struct call *call_new(struct cluster *c, struct node *node, uint64_t value)
{
    struct call *call = &calls[calls_at++ % CALLS]; /* those of crashed nodes are simply overwritten */
    *call = (struct call){.cluster = c, .node = node, .value = value};
    return call;
}

static void on_write(void *arg, enum pt_code code, uint64_t index)
{
    struct call *call = arg;
    struct cluster *c = call->cluster;
    if (code == PT_OK) {
        c->acks++;
        CHECK(c, index < c->reference_len && c->reference[index] == call->value + 1,
              "value %" PRIu64 " was acknowledged at %" PRIu64 " but is not there", call->value, index);
        if (call->value >= c->acked_len) {
            size_t len = call->value * 2 + 1024;
            c->acked = realloc(c->acked, len * sizeof *c->acked);
            memset(c->acked + c->acked_len, 0, (len - c->acked_len) * sizeof *c->acked);
            c->acked_len = len;
        }
        c->acked[call->value] = index;
        c->acked_max = index > c->acked_max ? index : c->acked_max;
    } else if (code == PT_NO_SPACE) {
        c->full++;
    } else if (code == PT_NOT_LEADER) {
        c->refused++;
    } else {
        c->unknown++;
    }
}

static void on_read(void *arg, enum pt_code code, uint64_t index)
{
    struct call *call = arg;
    (void)index;
    if (code == PT_OK) {
        call->cluster->reads++;
        CHECK(call->cluster, call->node->toy.applied_index >= call->value,
              "a read at node %" PRIu64 " saw %" PRIu64 ", but %" PRIu64 " was acknowledged", call->node->id,
              call->node->toy.applied_index, call->value);
    }
}

static void clients(struct cluster *c)
{
    for (unsigned i = 0; i < c->len; i++) { /* every one that thinks it leads, former leaders too */
        struct node *node = &c->nodes[i];
        if (node->raft == NULL || node->fatal || !node->toy.leading) {
            continue;
        }
        uint64_t n = pt_sim_random(c->sim, 4);
        for (uint64_t k = 0; k < n; k++) {
            uint8_t data[300];
            memset(data, (int)k + 1, sizeof data);
            pt_put_be64(data, ++c->next_value);
            size_t size = 8 + pt_sim_random(c->sim, sizeof data - 8);
            pt_raft_propose(node->raft, (struct pt_bytes){data, size}, on_write, call_new(c, node, c->next_value));
        }
        pt_raft_barrier(node->raft, on_read, call_new(c, node, c->acked_max));
    }
}

/* ---- the cluster ---------------------------------------------------------------------------------------------- */

static void dump(const struct cluster *c)
{
    for (unsigned i = 0; i < c->len; i++) {
        const struct node *node = &c->nodes[i];
        if (node->raft == NULL) {
            fprintf(stderr, "node %" PRIu64 " is down\n", node->id);
            continue;
        }
        struct pt_raft_status s = pt_raft_status(node->raft);
        fprintf(stderr,
                "node %" PRIu64 ": role %d term %" PRIu64 " leader %" PRIu64 " last %" PRIu64 " commit %" PRIu64
                " applied %" PRIu64 "/%" PRIu64 " len %zu snapshot %" PRIu64 "%s%s\n",
                node->id, (int)s.role, s.term, s.leader_id, s.last_index, s.commit_index, s.applied_index,
                node->toy.applied_index, node->toy.len, s.snapshot_index, s.quarantined ? " quarantined" : "",
                node->fatal ? " stopped" : "");
        for (unsigned k = 0; k < c->len && s.role == PT_RAFT_LEADER; k++) {
            fprintf(stderr, "  of node %u it knows %" PRIu64 "\n", k + 1, pt_raft_match_index(node->raft, k + 1));
        }
    }
}

static void await(struct cluster *c, bool (*condition)(struct cluster *), const char *what)
{
    for (unsigned i = 0; i < 6000 && !condition(c); i++) { /* a minute */
        run_ms(c, 10);
        for (unsigned k = 0; k < c->len;
             k++) { /* who stopped for a disk error is started again, as by an init system */
            struct node *node = &c->nodes[k];
            if (node->fatal) {
                crash(node, false);
                pt_sim_restart(c->sim, node->host);
                start(node);
            }
        }
    }
    if (!condition(c) && c->planted == PT_PLANTED_NONE) {
        dump(c);
    }
    CHECK(c, condition(c), "waited in vain: %s", what);
}

static bool has_leader(struct cluster *c)
{
    return leader(c) != NULL;
}

static bool all_equal(struct cluster *c)
{
    const struct node *first = leader(c);
    if (first == NULL || first->toy.applied_index < c->acked_max) {
        return false;
    }
    for (unsigned i = 0; i < c->len; i++) {
        const struct toy *toy = &c->nodes[i].toy;
        if (c->nodes[i].raft == NULL || toy->applied_index != first->toy.applied_index || toy->len != first->toy.len ||
            !pt_digest_equal(&toy->log_hash, &first->toy.log_hash) || pt_raft_status(c->nodes[i].raft).quarantined) {
            return false;
        }
    }
    return true;
}

struct done {
    bool done;
    enum pt_code code;
};

static void on_done(void *arg, enum pt_code code, uint64_t index)
{
    (void)index;
    *(struct done *)arg = (struct done){true, code};
}

static struct done change;

static bool change_done(struct cluster *c)
{
    (void)c;
    return change.done;
}

static void cluster_init(struct cluster *c, uint64_t seed, unsigned len, enum pt_planted planted)
{
    *c = (struct cluster){.seed = seed, .len = len, .planted = planted};
    c->sim = pt_sim_new(&(struct pt_sim_options){.seed = seed});
    for (unsigned i = 0; i < len; i++) {
        struct node *node = &c->nodes[i];
        node->cluster = c;
        node->host = pt_sim_add_host(c->sim);
        node->id = i + 1;
        snprintf(node->address, sizeof node->address, "10.0.0.%u:7000", i + 1);
    }
    ck_assert_int_eq(pt_raft_bootstrap(pt_sim_host(c->sim, 0), "/raft", "c-sim", 1, c->nodes[0].address, NULL), PT_OK);
    start(&c->nodes[0]);
    await(c, has_leader, "the first leader");
    for (unsigned i = 1; i < len; i++) {
        start(&c->nodes[i]);
        change = (struct done){0};
        pt_raft_add(c->nodes[0].raft, i + 1, c->nodes[i].address, on_done, &change);
        await(c, change_done, "add");
        change = (struct done){0};
        pt_raft_assign(c->nodes[0].raft, i + 1, true, on_done, &change);
        await(c, change_done, "assign");
        ck_assert_int_eq(change.code, PT_OK);
    }
}

static void cluster_fini(struct cluster *c)
{
    for (unsigned i = 0; i < c->len; i++) {
        if (c->nodes[i].raft != NULL) {
            pt_sim_crash(c->sim, c->nodes[i].host, false);
            pt_raft_abandon(c->nodes[i].raft);
        }
        toy_fini(&c->nodes[i].toy);
    }
    pt_sim_free(c->sim);
    free(c->reference);
    free(c->acked);
}

static void mend(struct cluster *c)
{
    for (unsigned i = 0; i < c->len; i++) {
        for (unsigned k = 0; k < c->len; k++) {
            if (i != k) {
                pt_sim_partition(c->sim, i, k, false);
            }
        }
        pt_sim_fail_disk(c->sim, i, 0, PT_OK, false);
        pt_sim_slow_disk(c->sim, i, 0);
        if (c->nodes[i].raft == NULL) {
            pt_sim_restart(c->sim, i);
            start(&c->nodes[i]);
        }
    }
}

static void judge(struct cluster *c)
{
    mend(c);
    await(c, has_leader, "a leader after all was mended");
    run_ms(c, 2000);
    await(c, has_leader, "a leader after all was mended");
    if (c->broken) {
        return;
    }
    await(c, all_equal, "all members equal");
    for (uint64_t value = 1; value < c->acked_len; value++) {
        uint64_t index = c->acked[value];
        CHECK(c, index == 0 || c->reference[index] == value + 1, "value %" PRIu64 " is lost", value);
    }
    /* The reference is what machines said; the members' own lists must hold it. */
    const struct toy *toy = &c->nodes[0].toy;
    size_t at = 0;
    for (uint64_t value = 1; value < c->acked_len && !c->broken; value++) {
        uint64_t index = c->acked[value];
        if (index == 0) {
            continue;
        }
        bool found = false;
        for (at = 0; at < toy->len && !found; at++) {
            found = toy->indexes[at] == index && toy->values[at] == value;
        }
        CHECK(c, found, "value %" PRIu64 " acknowledged at %" PRIu64 " is not in the state", value, index);
        value += pt_sim_random(c->sim, 40); /* a sample: the lists are long */
    }
}

/* ---- chaos
 * --------------------------------------------------------------------------------------------------------------------
 */

static unsigned down(const struct cluster *c)
{
    unsigned count = 0;
    for (unsigned i = 0; i < c->len; i++) {
        count += c->nodes[i].raft == NULL ? 1 : 0;
    }
    return count;
}

static void disturb(struct cluster *c)
{
    struct node *node = &c->nodes[pt_sim_random(c->sim, c->len)];
    unsigned other = (unsigned)pt_sim_random(c->sim, c->len);
    switch (pt_sim_random(c->sim, 12)) {
    case 0:
    case 1:
        if (node->raft != NULL) {
            crash(node, false);
        }
        break;
    case 2:
        if (node->raft != NULL) {
            crash(node, true);
        }
        break;
    case 3: /* the power of all of them */
        if (pt_sim_random(c->sim, 4) == 0) {
            for (unsigned i = 0; i < c->len; i++) {
                if (c->nodes[i].raft != NULL) {
                    crash(&c->nodes[i], true);
                }
            }
        }
        break;
    case 4:
    case 5:
        if (other != node->host) {
            pt_sim_partition(c->sim, node->host, other, true);
        }
        break;
    case 6: /* cut one off */
        for (unsigned i = 0; i < c->len; i++) {
            if (i != node->host) {
                pt_sim_partition(c->sim, node->host, i, true);
                pt_sim_partition(c->sim, i, node->host, true);
            }
        }
        break;
    case 7:
    case 8:
        for (unsigned i = 0; i < c->len; i++) {
            for (unsigned k = 0; k < c->len; k++) {
                if (i != k) {
                    pt_sim_partition(c->sim, i, k, false);
                }
            }
        }
        break;
    case 9:
        if (node->raft != NULL) {
            pt_sim_pause(c->sim, node->host, (100 + pt_sim_random(c->sim, 3000)) * MS);
        }
        break;
    case 10:
        pt_sim_slow_disk(c->sim, node->host, pt_sim_random(c->sim, 3) == 0 ? 200 * MS : 0);
        break;
    default:
        if (node->raft != NULL && node->toy.leading) {
            crash(node, pt_sim_random(c->sim, 2) == 0);
        }
        break;
    }
}

static void revive(struct cluster *c)
{
    for (unsigned i = 0; i < c->len; i++) {
        struct node *node = &c->nodes[i];
        if (node->fatal && node->raft != NULL) {
            crash(node, false);
        }
        if (node->raft == NULL && pt_sim_random(c->sim, down(c) > c->len / 2 ? 10 : 40) == 0) {
            pt_sim_restart(c->sim, node->host);
            start(node);
        }
    }
}

static void chaos(struct cluster *c, unsigned seconds)
{
    uint64_t until = pt_sim_now_ns(c->sim) + seconds * SECOND;
    while (pt_sim_now_ns(c->sim) < until && !c->broken) {
        run_ms(c, 1 + pt_sim_random(c->sim, 40));
        clients(c);
        if (pt_sim_random(c->sim, 25) == 0) {
            disturb(c);
        }
        revive(c);
    }
}

static void report(const struct cluster *c, const char *what)
{
    fprintf(stderr,
            "%s: seed %" PRIu64 ", %u nodes: %" PRIu64 " writes acknowledged, %" PRIu64 " refused, %" PRIu64
            " without space, %" PRIu64 " unknown, %" PRIu64 " reads, %" PRIu64 " crashes, %" PRIu64 " quarantines\n",
            what, c->seed, c->len, c->acks, c->refused, c->full, c->unknown, c->reads, c->crashes, c->quarantines);
}

START_TEST(chaos_loses_nothing)
{
    for (uint64_t seed = seed_first; seed < seed_first + seed_count; seed++) {
        struct cluster c;
        cluster_init(&c, seed, seed % 2 == 0 ? 5 : 3, PT_PLANTED_NONE);
        chaos(&c, 60);
        judge(&c);
        ck_assert_uint_gt(c.acks, 100);
        ck_assert_uint_gt(c.reads, 100);
        report(&c, "chaos");
        cluster_fini(&c);
    }
}
END_TEST

/* Disks answer with errors: the node stops, is started again, and nothing is lost. */
START_TEST(disk_errors_stop_the_node_and_lose_nothing)
{
    for (uint64_t seed = seed_first; seed < seed_first + seed_count; seed++) {
        struct cluster c;
        cluster_init(&c, seed, 3, PT_PLANTED_NONE);
        for (unsigned round = 0; round < 60; round++) {
            unsigned host = (unsigned)pt_sim_random(c.sim, 3);
            pt_sim_fail_disk(c.sim, host, 1 + (unsigned)pt_sim_random(c.sim, 200), PT_IO, pt_sim_random(c.sim, 2) == 0);
            for (unsigned i = 0; i < 30; i++) {
                run_ms(&c, 1 + pt_sim_random(c.sim, 30));
                clients(&c);
            }
            pt_sim_fail_disk(c.sim, host, 0, PT_OK, false);
            for (unsigned i = 0; i < 3; i++) {
                if (c.nodes[i].fatal) {
                    crash(&c.nodes[i], pt_sim_random(c.sim, 2) == 0);
                    pt_sim_restart(c.sim, i);
                    start(&c.nodes[i]);
                }
            }
        }
        judge(&c);
        ck_assert_uint_gt(c.crashes, 0);
        report(&c, "disk errors");
        cluster_fini(&c);
    }
}
END_TEST

struct names {
    char names[64][64];
    unsigned len;
};

static void name_add(void *arg, const char *name)
{
    struct names *names = arg;
    if (names->len < 64 && strstr(name, ".bad") == NULL && strcmp(name, "lock") != 0 && strcmp(name, "identity") != 0 &&
        strstr(name, "spare") == NULL) {
        snprintf(names->names[names->len++], 64, "%s", name);
    }
}

/* One flipped bit somewhere in the log, the metadata or the snapshot of one node that is down: found, healed by the
 * others without help, nothing lost. */
START_TEST(a_flipped_bit_is_healed_by_a_snapshot)
{
    uint64_t quarantines = 0, flips = 0;
    for (uint64_t seed = seed_first; seed < seed_first + seed_count; seed++) {
        struct cluster c;
        cluster_init(&c, seed, 3, PT_PLANTED_NONE);
        for (unsigned round = 0; round < 10; round++) {
            for (unsigned i = 0; i < 40; i++) {
                run_ms(&c, 1 + pt_sim_random(c.sim, 20));
                clients(&c);
            }
            struct node *node = &c.nodes[pt_sim_random(c.sim, 3)];
            struct names names = {0};
            struct pt_sys *sys = pt_sim_host(c.sim, node->host);
            ck_assert_int_eq(pt_dir_list(sys, "/raft", name_add, &names, NULL), PT_OK);
            crash(node, false);
            char path[80];
            snprintf(path, sizeof path, "/raft/%s", names.names[pt_sim_random(c.sim, names.len)]);
            node->rotten = true;
            flips += pt_sim_flip_bit(c.sim, node->host, path, pt_sim_random(c.sim, 32768 * 8)) ? 1 : 0;
            run_ms(&c, 500);
            pt_sim_restart(c.sim, node->host);
            start(node);
            clients(&c);
            await(&c, all_equal, "the damaged node is healed");
            node->rotten = false;
        }
        judge(&c);
        report(&c, "bit flips");
        quarantines += c.quarantines;
        cluster_fini(&c);
    }
    ck_assert_uint_gt(flips, 0);
    ck_assert(quarantines > 0 || seed_count == 1);
}
END_TEST

#ifdef PT_PLANTED_BUGS
/* The checkers must see what they are there for. */
START_TEST(planted_bugs_are_found)
{
    enum pt_planted bugs[] = {PT_PLANTED_ACK_BEFORE_SYNC, PT_PLANTED_OLD_TERM_COMMIT};
    for (size_t i = 0; i < 2; i++) {
        bool found = false;
        for (uint64_t seed = 1; seed <= 60 && !found; seed++) {
            struct cluster c;
            cluster_init(&c, seed, 3, bugs[i]);
            chaos(&c, 60);
            if (!c.broken) {
                judge(&c);
            }
            found = c.broken;
            fprintf(stderr, "planted bug %d: seed %" PRIu64 " %s\n", (int)bugs[i], seed, found ? "found" : "not seen");
            cluster_fini(&c);
        }
        ck_assert(found);
    }
}
END_TEST
#endif

int main(int argc, char **argv)
{
    if (argc > 1) {
        seed_first = strtoull(argv[1], NULL, 10);
        seed_count = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    }
    if (seed_count == 1) {
        silent.level_min = PT_LOG_WARN; /* one seed is run to be looked at */
    }
    Suite *suite = suite_create("raft sim");
    TCase *tc = tcase_create("all");
    tcase_set_timeout(tc, 0);
    tcase_add_test(tc, chaos_loses_nothing);
    tcase_add_test(tc, disk_errors_stop_the_node_and_lose_nothing);
    tcase_add_test(tc, a_flipped_bit_is_healed_by_a_snapshot);
#ifdef PT_PLANTED_BUGS
    tcase_add_test(tc, planted_bugs_are_found);
#endif
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
