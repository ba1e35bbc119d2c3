/*
 * Opening and closing a member; what it says of itself.
 *
 * Start.
 *   1. Log: lock, identity, scan (log_open.c).
 *   2. Snapshot record. Marked "installing": finish it, restore the machine and begin the log behind it.
 *   3. A machine that is behind the log's first entry (its folder was lost) is restored from the own snapshot file.
 *   4. Witness against log. Damage: quarantine. The log is put aside and the node starts with its term and an empty log
 *      and configuration; it neither votes nor stands, and asks the leader for a snapshot.
 *   5. A node that is the only voter takes a new term first: libraft lets it lead at once in the old one, where entries
 *      that it had sent but not written could meet different ones of the same index and term.
 *   6. RAFT_START with everything that is on the disk; links and timers.
 *
 * Stop. A posted task tears everything down, so that closing is safe in any callback. An error of the disk, or a state
 * that must not be, stops the node where it is (fatal): nothing is sent, written or applied afterwards; the owner is
 * told and closes.
 */
#include "raft/node_priv.h"

#include "base/assert.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ELECTION_MS_DEFAULT 400U
#define HEARTBEAT_MS_DEFAULT 100U
#define THRESHOLD_DEFAULT 32768U
#define TRAILING_DEFAULT 4096U

void pt_raft_fatal(struct pt_raft *raft, const struct pt_error *error)
{
    if (raft->failed) {
        return;
    }
    raft->failed = true;
    if (raft->timer != NULL) {
        pt_timer_stop(raft->timer);
        pt_timer_stop(raft->tick);
        pt_timer_stop(raft->hasty);
        pt_timer_stop(raft->tell);
        pt_timer_stop(raft->second);
        pt_timer_stop(raft->lag.timer);
    }
    pt_log_error(raft->options.log, "consensus stops", "node=%" PRIu64 " place=%s reason=\"%s\"", raft->options.id,
                 error->field, error->text);
    if (raft->options.on_fatal != NULL) {
        raft->options.on_fatal(raft->options.fatal_context, error);
    }
}

void pt_raft_fail(struct pt_raft *raft, const struct pt_error *error)
{
    if (!pt_raft_dead(raft)) {
        pt_raft_fatal(raft, error);
    }
}

static void on_log_error(void *context, const struct pt_error *error)
{
    pt_raft_fatal(context, error);
}

static void on_log_room(void *context)
{
    pt_raft_run_soon(context); /* proposals may wait for it */
}

struct pt_raft_peer *pt_raft_peer_find(struct pt_raft *raft, uint64_t id)
{
    PT_LIST_FOREACH (node, &raft->peers) {
        struct pt_raft_peer *peer = PT_CONTAINER(node, struct pt_raft_peer, node);
        if (peer->id == id) {
            return peer;
        }
    }
    return NULL;
}

struct pt_raft_peer *pt_raft_peer_get(struct pt_raft *raft, uint64_t id, const char *address)
{
    struct pt_raft_peer *peer = pt_raft_peer_find(raft, id);
    if (peer == NULL) {
        peer = calloc(1, sizeof *peer);
        pt_assert(peer != NULL);
        peer->owner = raft;
        peer->id = id;
        pt_list_init(&peer->backlog);
        pt_list_push_back(&raft->peers, &peer->node);
    }
    /* What the cluster agreed on counts more than what the other says of itself. */
    for (unsigned i = 0; i < raft->raft.configuration.n; i++) {
        if (raft->raft.configuration.servers[i].id == id) {
            address = raft->raft.configuration.servers[i].address;
        }
    }
    if (strcmp(peer->address, address) != 0) {
        size_t size = strnlen(address, PT_RAFT_ADDRESS_SIZE_MAX);
        memmove(peer->address, address, size);
        peer->address[size] = '\0';
    }
    return peer;
}

bool pt_raft_is_voter(const struct pt_raft *raft, uint64_t id)
{
    for (unsigned i = 0; i < raft->raft.configuration.n; i++) {
        const struct raft_server *server = &raft->raft.configuration.servers[i];
        if (server->id == id) {
            return server->role == RAFT_VOTER;
        }
    }
    return false;
}

/* ---- bootstrap ------------------------------------------------------------------------------------------------ */

enum pt_code pt_raft_bootstrap(struct pt_sys *sys, const char *directory, const char *cluster_id, uint64_t id,
                               const char *address, struct pt_error *reterr)
{
    struct raft_configuration configuration;
    raft_configuration_init(&configuration);
    if (id == 0 || strlen(address) > PT_RAFT_ADDRESS_SIZE_MAX ||
        raft_configuration_add(&configuration, id, address, RAFT_VOTER) != 0) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "id", "node id or address is not valid");
    }
    struct raft_buffer buffer = {0};
    int rv = raft_configuration_encode(&configuration, &buffer);
    pt_assert(rv == 0);
    raft_configuration_close(&configuration);
    struct pt_raft_log_options options = {.sys = sys, .directory = directory, .cluster_id = cluster_id, .node_id = id};
    enum pt_code code = pt_raft_log_bootstrap(&options, (struct pt_bytes){buffer.base, buffer.len}, reterr);
    raft_free(buffer.base);
    return code;
}

/* ---- open ----------------------------------------------------------------------------------------------------- */

static struct pt_raft *node_new(struct pt_sys *sys, const struct pt_raft_options *options)
{
    struct pt_raft *raft = calloc(1, sizeof *raft);
    pt_assert(raft != NULL);
    raft->sys = sys;
    raft->options = *options;
    raft->address = strdup(options->address);
    raft->directory = strdup(options->directory);
    raft->cluster_id = strdup(options->cluster_id);
    raft->decoded = calloc(1, sizeof *raft->decoded);
    raft->sending = calloc(PT_RAFT_BATCH_LEN_MAX, sizeof *raft->sending);
    raft->batch = calloc(PT_RAFT_BATCH_LEN_MAX, sizeof *raft->batch);
    pt_assert(raft->address != NULL && raft->directory != NULL && raft->cluster_id != NULL && raft->decoded != NULL &&
              raft->sending != NULL && raft->batch != NULL);
    raft->options.address = raft->address;
    raft->options.directory = raft->directory;
    raft->options.cluster_id = raft->cluster_id;
    raft->options.election_timeout_ms =
        options->election_timeout_ms == 0 ? ELECTION_MS_DEFAULT : options->election_timeout_ms;
    raft->options.heartbeat_ms = options->heartbeat_ms == 0 ? HEARTBEAT_MS_DEFAULT : options->heartbeat_ms;
    raft->options.snapshot_threshold =
        options->snapshot_threshold == 0 ? THRESHOLD_DEFAULT : options->snapshot_threshold;
    raft->options.snapshot_trailing = options->snapshot_trailing == 0 ? TRAILING_DEFAULT : options->snapshot_trailing;
    pt_list_init(&raft->peers);
    pt_list_init(&raft->deferred);
    pt_list_init(&raft->reads);
    pt_list_init(&raft->changes);
    pt_list_init(&raft->exports);
    return raft;
}

static struct pt_raft_witness witness_of(const struct pt_raft *raft)
{
    struct pt_raft_witness witness = {0};
    raft->options.machine.witness(raft->options.machine.context, &witness.applied_index, &witness.applied_term,
                                  &witness.acked_index, &witness.log_hash);
    return witness;
}

static bool snapshot_file_good(struct pt_raft *raft)
{
    char path[PT_RAFT_SNAPSHOT_PATH_SIZE];
    pt_raft_snapshot_path(raft->directory, &raft->snapshot, path);
    uint64_t size = 0;
    struct pt_digest digest;
    return pt_raft_file_digest(raft->sys, path, false, &size, &digest, NULL) == PT_OK && size == raft->snapshot.size &&
           pt_digest_equal(&digest, &raft->snapshot.digest);
}

/* Steps 2 and 3: the snapshot. *ret_damage says why the node must go into quarantine, or stays NULL. */
static enum pt_code open_snapshot(struct pt_raft *raft, const char **ret_damage, struct pt_error *reterr)
{
    enum pt_code code = pt_raft_snapshot_load(raft->sys, raft->directory, &raft->snapshot, reterr);
    if (code == PT_CORRUPT) {
        *ret_damage = "the snapshot record is damaged";
        return PT_OK;
    }
    PT_TRY(code);
    if (raft->snapshot.index == 0) {
        return PT_OK;
    }
    bool good = snapshot_file_good(raft);
    raft->snapshot_file_bad = !good;
    struct pt_raft_witness witness = witness_of(raft);
    bool needed = raft->snapshot.installing || (witness.applied_index < raft->snapshot.machine_index &&
                                                witness.applied_index + 1 < pt_raft_log_first(raft->log));
    if (!needed) {
        return PT_OK;
    }
    if (!good) {
        *ret_damage = "the snapshot that the state must come from is damaged";
        return PT_OK;
    }
    char path[PT_RAFT_SNAPSHOT_PATH_SIZE];
    pt_raft_snapshot_path(raft->directory, &raft->snapshot, path);
    PT_TRY(raft->options.machine.restore(raft->options.machine.context, path, reterr));
    if (raft->snapshot.installing) {
        PT_TRY(
            pt_raft_log_reset_now(raft->log, raft->snapshot.index, raft->snapshot.term, &raft->snapshot.chain, reterr));
        raft->snapshot.installing = false;
        PT_TRY(pt_raft_snapshot_store(raft->sys, raft->directory, &raft->snapshot, reterr));
    }
    return PT_OK;
}

/* Step 4. */
static enum pt_code open_check(struct pt_raft *raft, const char *damage, struct pt_error *reterr)
{
    struct pt_raft_witness witness = witness_of(raft);
    if (damage == NULL && !pt_raft_log_meta(raft->log)->quarantined) {
        const char *found = pt_raft_log_damage(raft->log, &witness, raft->snapshot.index);
        damage = found[0] == '\0' ? NULL : found;
    }
    raft->applied = witness.applied_index;
    if (witness.applied_index >= raft->snapshot.machine_index && raft->snapshot.index > raft->applied) {
        raft->applied = raft->snapshot.index; /* what lies between is libraft's own */
    }
    raft->need_index = witness.applied_index > witness.acked_index ? witness.applied_index : witness.acked_index;
    if (damage == NULL && !pt_raft_log_meta(raft->log)->quarantined) {
        return PT_OK;
    }
    if (damage != NULL) {
        pt_log_error(raft->options.log, "log is damaged: node goes into quarantine", "node=%" PRIu64 " reason=\"%s\"",
                     raft->options.id, damage);
        PT_TRY(pt_raft_log_quarantine(raft->log, reterr));
    }
    raft->quarantined = true;
    pt_raft_snapshot_clear(&raft->snapshot);
    return PT_OK;
}

/* Read the configuration entries of the log. */
static enum pt_code open_changes(struct pt_raft *raft, struct pt_error *reterr)
{
    for (uint64_t i = pt_raft_log_first(raft->log); i <= pt_raft_log_last(raft->log); i++) {
        if (pt_raft_log_type(raft->log, i) != PT_RAFT_ENTRY_CHANGE) {
            continue;
        }
        raft->old_changes = realloc(raft->old_changes, (raft->old_changes_len + 1) * sizeof *raft->old_changes);
        pt_assert(raft->old_changes != NULL);
        struct pt_raft_held *held = &raft->old_changes[raft->old_changes_len++];
        *held = (struct pt_raft_held){.index = i};
        PT_TRY(pt_raft_log_read_now(raft->log, i, &held->data, reterr));
    }
    return PT_OK;
}

/* Is this node the only voter of the newest configuration on its disk? */
static bool only_voter(const struct pt_raft *raft)
{
    struct raft_configuration decoded;
    const struct raft_configuration *configuration = &raft->snapshot.configuration;
    raft_configuration_init(&decoded);
    if (raft->old_changes_len > 0) {
        const struct pt_raft_held *newest = &raft->old_changes[raft->old_changes_len - 1];
        struct raft_buffer buffer = {newest->data.data, newest->data.size};
        if (newest->index > raft->snapshot.index && raft_configuration_decode(&buffer, &decoded) == 0) {
            configuration = &decoded;
        }
    }
    unsigned voters = 0;
    bool self = false;
    for (unsigned i = 0; i < configuration->n; i++) {
        if (configuration->servers[i].role == RAFT_VOTER) {
            voters++;
            self = self || configuration->servers[i].id == raft->options.id;
        }
    }
    raft_configuration_close(&decoded);
    return voters == 1 && self;
}

/* Step 5; and a folder that is new does not know what it may have promised in an earlier life. */
static enum pt_code open_meta(struct pt_raft *raft, struct pt_error *reterr)
{
    struct pt_raft_meta meta = *pt_raft_log_meta(raft->log);
    if (raft->quarantined) {
        return PT_OK;
    }
    if (meta.sequence == 0) {
        meta.forgetful = true;
        return pt_raft_log_put_meta(raft->log, &meta, reterr);
    }
    if (only_voter(raft)) {
        meta.term++;
        meta.voted_for = raft->options.id;
        return pt_raft_log_put_meta(raft->log, &meta, reterr);
    }
    return PT_OK;
}

/* Step 6. libraft keeps of the entries only index, term and the newest configurations. */
static void feed_start(struct pt_raft *raft)
{
    uint64_t first = pt_raft_log_first(raft->log);
    size_t len = (size_t)(pt_raft_log_last(raft->log) + 1 - first);
    struct raft_entry *entries = calloc(len + 1, sizeof *entries);
    pt_assert(entries != NULL);
    for (size_t i = 0; i < len; i++) {
        entries[i].term = pt_raft_log_term(raft->log, first + i);
        entries[i].type = (enum raft_entry_type)pt_raft_log_type(raft->log, first + i);
    }
    for (size_t i = 0; i < raft->old_changes_len; i++) {
        struct pt_raft_held *held = &raft->old_changes[i];
        entries[held->index - first].buf = (struct raft_buffer){held->data.data, held->data.size};
    }
    struct raft_snapshot_metadata metadata = {0};
    struct raft_event event = {.type = RAFT_START};
    event.start.term = pt_raft_log_meta(raft->log)->term;
    event.start.voted_for = pt_raft_log_meta(raft->log)->voted_for;
    event.start.start_index = first;
    event.start.entries = entries;
    event.start.n_entries = (unsigned)len;
    if (raft->snapshot.index > 0) {
        struct pt_raft_snapshot copy;
        pt_raft_snapshot_copy(&raft->snapshot, &copy);
        metadata.index = copy.index;
        metadata.term = copy.term;
        metadata.configuration = copy.configuration; /* libraft's from here on */
        metadata.configuration_index = copy.configuration_index;
        event.start.metadata = &metadata;
    }
    raft->changes_done = raft->snapshot.configuration_index;
    int rv = pt_raft_feed(raft, &event);
    pt_assert(rv == 0); /* only NOMEM */
    free(entries);
}

static enum pt_code open_disk(struct pt_raft *raft, struct pt_error *reterr)
{
    struct pt_raft_log_options options = {.sys = raft->sys,
                                          .directory = raft->directory,
                                          .cluster_id = raft->cluster_id,
                                          .node_id = raft->options.id,
                                          .segment_size = raft->options.segment_size,
                                          .on_durable = pt_raft_on_durable,
                                          .on_room = on_log_room,
                                          .on_error = on_log_error,
                                          .context = raft};
    const char *damage = NULL;
    PT_TRY(pt_raft_log_open(&options, &raft->log, reterr));
    PT_TRY(open_snapshot(raft, &damage, reterr));
    PT_TRY(open_check(raft, damage, reterr));
    PT_TRY(open_changes(raft, reterr));
    PT_TRY(open_meta(raft, reterr));
    return pt_raft_log_start(raft->log, reterr);
}

static enum pt_code open_net(struct pt_raft *raft, struct pt_error *reterr)
{
    const struct pt_raft_options *o = &raft->options;
    struct pt_raft_net_options options = {.sys = raft->sys,
                                          .log = o->log,
                                          .id = o->id,
                                          .address = o->address,
                                          .cluster_id = o->cluster_id,
                                          .trust_id = o->trust_id,
                                          .listen = o->listen,
                                          .tls = o->tls,
                                          .peer_allowed = o->peer_allowed,
                                          .peer_context = o->peer_context,
                                          .on_frame = pt_raft_on_frame,
                                          .on_gone = pt_raft_on_gone,
                                          .on_lost = pt_raft_on_lost,
                                          .context = raft};
    return pt_raft_net_open(&options, &raft->net, reterr);
}

static void raft_make(struct pt_raft *raft)
{
    int rv = raft_init(&raft->raft, NULL, NULL, raft->options.id, raft->address);
    pt_assert(rv == 0);
    raft->raft_made = true;
    raft->raft.tracer = NULL; /* it formats every message before asking whether anybody wants it */
    raft_seed(&raft->raft, (unsigned)pt_sys_random_u64(raft->sys));
    raft->election_ms = raft->options.election_timeout_ms;
    raft_set_election_timeout(&raft->raft, raft->election_ms);
    raft_set_heartbeat_timeout(&raft->raft, raft->options.heartbeat_ms);
    /* libraft leaves its snapshot state only by a match that grows, or by this. It may well be short: repeating the
     * message while the file is on its way costs nothing (node_snapshot.c, which gives up by progress alone). */
    raft_set_install_snapshot_timeout(&raft->raft, 2 * raft->options.election_timeout_ms);
    raft_set_pre_vote(&raft->raft, true);
    raft_set_max_inflight_entries(&raft->raft, PT_RAFT_INFLIGHT_MAX);
}

static void node_free(struct pt_raft *raft, bool abandoned)
{
    pt_timer_free(raft->timer);
    pt_timer_free(raft->tick);
    pt_timer_free(raft->hasty);
    pt_timer_free(raft->tell);
    pt_timer_free(raft->second);
    pt_timer_free(raft->lag.timer);
    if (abandoned) {
        pt_raft_net_abandon(raft->net);
    } else {
        pt_raft_net_close(raft->net);
    }
    pt_executor_free(raft->work);
    if (abandoned) {
        pt_raft_log_abandon(raft->log);
    } else {
        pt_raft_log_close(raft->log);
    }
    pt_raft_snapshot_fini(raft);
    PT_LIST_FOREACH_SAFE (node, &raft->peers) {
        pt_raft_peer_free(PT_CONTAINER(node, struct pt_raft_peer, node));
    }
    pt_raft_deferred_free(raft);
    for (size_t i = 0; i < raft->old_changes_len; i++) {
        pt_buf_fini(&raft->old_changes[i].data);
    }
    free(raft->old_changes);
    if (raft->raft_made) {
        raft_close(&raft->raft, NULL);
    }
    pt_buf_fini(&raft->proposals.data);
    free(raft->proposals.items);
    free(raft->pending.items);
    pt_buf_fini(&raft->noop);
    free(raft->loaded.records);
    pt_buf_fini(&raft->loaded.bytes);
    free(raft->batch);
    free(raft->sending);
    free(raft->decoded);
    free(raft->address);
    free(raft->directory);
    free(raft->cluster_id);
    free(raft);
}

enum pt_code pt_raft_open(struct pt_sys *sys, const struct pt_raft_options *options, struct pt_raft **ret_raft,
                          struct pt_error *reterr)
{
    if (options->id == 0 || strlen(options->address) > PT_RAFT_ADDRESS_SIZE_MAX) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "id", "node id or address is not valid");
    }
    struct pt_raft *raft = node_new(sys, options);
    enum pt_code code = open_disk(raft, reterr);
    if (code == PT_OK) {
        code = open_net(raft, reterr);
    }
    if (code != PT_OK) {
        raft->closing = true;
        node_free(raft, false);
        return code;
    }
    raft->work = pt_executor_new(sys, "raft-snap", 1);
    pt_executor_relax(raft->work); /* a copy of all there is, while calls go on */
    raft->timer = pt_timer_new(sys, pt_raft_on_timer, raft);
    raft->tick = pt_timer_new(sys, pt_raft_on_tick, raft);
    raft->hasty = pt_timer_new(sys, pt_raft_on_hasty, raft);
    raft->tell = pt_timer_new(sys, pt_raft_on_tell, raft);
    raft->second = pt_timer_new(sys, pt_raft_on_second, raft);
    raft->lag.timer = pt_timer_new(sys, pt_raft_on_lag, raft);
    raft_make(raft);
    *ret_raft = raft;
    bool entered = pt_raft_enter(raft);
    pt_assert(entered);
    feed_start(raft);
    /* The rest a turn later: the machine's callbacks must not run before the caller has its handle. */
    raft->busy = false;
    pt_timer_start(raft->tick, PT_RAFT_TICK_MS, PT_RAFT_TICK_MS);
    pt_raft_run_soon(raft);
    return PT_OK;
}

/* ---- close ---------------------------------------------------------------------------------------------------- */

static void close_posted(void *arg)
{
    struct pt_raft *raft = arg;
    pt_task_fn done = raft->close_done;
    void *done_arg = raft->close_arg;
    pt_raft_proposals_end(raft, PT_CLOSED, PT_CLOSED);
    pt_raft_reads_end(raft, PT_CLOSED);
    pt_raft_changes_end(raft, PT_CLOSED);
    pt_raft_exports_end(raft, PT_CLOSED);
    node_free(raft, false);
    if (done != NULL) {
        done(done_arg);
    }
}

void pt_raft_close(struct pt_raft *raft, pt_task_fn done, void *arg)
{
    pt_assert(!raft->closing);
    raft->closing = true;
    raft->close_done = done;
    raft->close_arg = arg;
    pt_sys_post(raft->sys, close_posted, raft);
}

static void ignore_done(void *arg, enum pt_code code, uint64_t index)
{
    (void)arg;
    (void)code;
    (void)index;
}

void pt_raft_abandon(struct pt_raft *raft)
{
    raft->closing = true;
    /* The owners of the callbacks crashed with the node: nobody is told. */
    for (size_t i = raft->proposals.head; i < raft->proposals.len; i++) {
        raft->proposals.items[i].fn = ignore_done;
    }
    PT_LIST_FOREACH (node, &raft->reads) {
        PT_CONTAINER(node, struct pt_raft_read, node)->fn = ignore_done;
    }
    PT_LIST_FOREACH (node, &raft->changes) {
        PT_CONTAINER(node, struct pt_raft_change, node)->fn = NULL;
    }
    pt_raft_reads_end(raft, PT_CLOSED);
    pt_raft_changes_end(raft, PT_CLOSED);
    pt_raft_exports_drop(raft);
    node_free(raft, true);
}

void pt_raft_set_tls(struct pt_raft *raft, struct pt_tls_context *tls)
{
    raft->options.tls = tls;
    pt_raft_net_set_tls(raft->net, tls);
}

void pt_raft_judge_peers(struct pt_raft *raft)
{
    pt_raft_net_judge(raft->net);
}

struct pt_endpoint pt_raft_listening(const struct pt_raft *raft)
{
    return pt_raft_net_listening(raft->net);
}

/* ---- status --------------------------------------------------------------------------------------------------- */

static enum pt_raft_role role_now(const struct pt_raft *raft)
{
    if (raft->raft.state == RAFT_LEADER) {
        return PT_RAFT_LEADER;
    }
    if (raft->raft.state == RAFT_CANDIDATE) {
        return PT_RAFT_CANDIDATE;
    }
    return pt_raft_is_voter(raft, raft->options.id) ? PT_RAFT_FOLLOWER : PT_RAFT_STANDBY;
}

struct pt_raft_status pt_raft_status(const struct pt_raft *raft)
{
    uint64_t leader = 0;
    if (raft->raft.state == RAFT_LEADER) {
        leader = raft->options.id;
    } else if (raft->raft.state == RAFT_FOLLOWER) {
        leader = raft->raft.follower_state.current_leader.id;
    }
    return (struct pt_raft_status){.role = role_now(raft),
                                   .id = raft->options.id,
                                   .term = raft_current_term(&raft->raft),
                                   .leader_id = leader,
                                   .commit_index = raft_commit_index(&raft->raft),
                                   .applied_index = raft->applied,
                                   .last_index = pt_raft_log_last(raft->log),
                                   .snapshot_index = raft->snapshot.index,
                                   .quarantined = raft->quarantined,
                                   .election_timeout_ms = raft->election_ms};
}

size_t pt_raft_members(const struct pt_raft *raft, struct pt_raft_member *ret_members, size_t len_max)
{
    const struct raft_configuration *configuration = &raft->raft.configuration;
    size_t len = 0;
    uint64_t previous = 0;
    while (len < len_max && len < configuration->n) { /* ascending by id; there are few */
        const struct raft_server *next = NULL;
        for (unsigned i = 0; i < configuration->n; i++) {
            const struct raft_server *server = &configuration->servers[i];
            if (server->id > previous && (next == NULL || server->id < next->id)) {
                next = server;
            }
        }
        pt_assert(next != NULL);
        ret_members[len++] = (struct pt_raft_member){.id = next->id,
                                                     .address = next->address,
                                                     .voter = next->role == RAFT_VOTER,
                                                     .spare = next->role == RAFT_SPARE,
                                                     .silent = pt_raft_silent_ms(raft, next->id) >= raft->election_ms};
        previous = next->id;
    }
    return len;
}

uint64_t pt_raft_match_index(const struct pt_raft *raft, uint64_t id)
{
    raft_index match = 0;
    return raft_match_index(&raft->raft, id, &match) == 0 ? match : 0;
}

uint64_t pt_raft_silent_ms(const struct pt_raft *raft, uint64_t id)
{
    if (id == raft->options.id) {
        return 0;
    }
    PT_LIST_FOREACH (node, (struct pt_list *)(uintptr_t)&raft->peers) {
        const struct pt_raft_peer *peer = PT_CONTAINER(node, struct pt_raft_peer, node);
        if (peer->id == id && peer->heard_ms != 0) {
            return pt_sys_now_ms(raft->sys) - peer->heard_ms;
        }
    }
    return UINT64_MAX;
}
