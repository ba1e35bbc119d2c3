/*
 * What is done to a log while no node runs on it: begin one behind a state that came from elsewhere, and read what a
 * survivor has.
 *
 * Begin. The folder gets the state's file and a snapshot record marked "installing" that names it; opening the node
 * then does what it does after a crash during an installation: restore the machine, begin the log behind it, clear the
 * mark. So there is one way in which a state comes to a machine, whoever it came from.
 *
 * Read. Every entry behind what the machine has applied, committed or not: a survivor of a lost majority cannot know
 * which of them the others had acknowledged.
 */
#include "raft/raft_node.h"

#include "base/assert.h"
#include "raft/log.h"
#include "raft/snapshot_file.h"

#include <inttypes.h>
#include <stdio.h>

static enum pt_code seed(struct pt_sys *sys, const struct pt_raft_seed *seed, struct pt_raft_log *log,
                         struct pt_raft_snapshot *snapshot, struct pt_error *reterr)
{
    if (pt_raft_log_last(log) > 0 || pt_raft_log_meta(log)->sequence > 0 || pt_raft_log_meta(log)->forgetful) {
        return pt_fail(reterr, PT_ALREADY_EXISTS, PT_REASON_NONE, seed->directory, "the folder holds a log already");
    }
    char path[PT_RAFT_SNAPSHOT_PATH_SIZE];
    pt_raft_snapshot_path(seed->directory, snapshot, path);
    PT_TRY(pt_raft_file_digest(sys, seed->state_path, true, &snapshot->size, &snapshot->digest, reterr));
    PT_TRY(pt_path_rename(sys, seed->state_path, path, reterr));
    PT_TRY(pt_dir_sync(sys, seed->directory, reterr));
    const struct pt_raft_meta meta = {.term = seed->term};
    PT_TRY(pt_raft_log_put_meta(log, &meta, reterr));
    return pt_raft_snapshot_store(sys, seed->directory, snapshot, reterr);
}

enum pt_code pt_raft_seed(struct pt_sys *sys, const struct pt_raft_seed *options, struct pt_error *reterr)
{
    pt_assert(options->index > 0 && options->term > 0);
    struct pt_raft_snapshot snapshot = {.index = options->index,
                                        .term = options->term,
                                        .configuration_index = options->index,
                                        .machine_index = options->index,
                                        .chain = options->chain,
                                        .installing = true};
    raft_configuration_init(&snapshot.configuration);
    if (options->id == 0 ||
        raft_configuration_add(&snapshot.configuration, options->id, options->address, RAFT_VOTER) != 0) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "id", "node id or address is not valid");
    }
    const struct pt_raft_log_options log_options = {
        .sys = sys, .directory = options->directory, .cluster_id = options->cluster_id, .node_id = options->id};
    struct pt_raft_log *log = NULL;
    enum pt_code code = pt_raft_log_open(&log_options, &log, reterr);
    if (code == PT_OK) {
        code = seed(sys, options, log, &snapshot, reterr);
        pt_raft_log_close(log);
    }
    pt_raft_snapshot_clear(&snapshot);
    return code;
}

static enum pt_code check(struct pt_raft_log *log, const struct pt_raft_snapshot *snapshot,
                          const struct pt_raft_replay *replay, struct pt_error *reterr)
{
    const struct pt_raft_witness witness = {
        .applied_index = replay->applied_index, .acked_index = replay->acked_index, .log_hash = replay->log_hash};
    const char *damage = pt_raft_log_damage(log, &witness, snapshot->index);
    if (snapshot->installing) {
        return pt_fail(
            reterr, PT_FAILED_PRECONDITION, PT_REASON_NONE, replay->directory,
            "this node was receiving a snapshot when it stopped: let patronusd run finish that once (it needs "
            "no other controller), stop it, and repeat");
    }
    if (pt_raft_log_meta(log)->quarantined || damage[0] != '\0') {
        return pt_fail(reterr, PT_CORRUPT, PT_REASON_NONE, replay->directory,
                       "this node's log is damaged (%.160s): recover on another survivor, or restore a backup",
                       damage[0] != '\0' ? damage : "it is in quarantine");
    }
    if (replay->applied_index + 1 < pt_raft_log_first(log)) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_NONE, replay->directory,
                       "the state is behind the log: let patronusd run repair that once, stop it, and repeat");
    }
    return PT_OK;
}

static enum pt_code replay_all(struct pt_raft_log *log, struct pt_raft_replay *replay, struct pt_error *reterr)
{
    PT_AUTO(buf) struct pt_buf data = {0};
    for (uint64_t i = replay->applied_index + 1; i <= pt_raft_log_last(log); i++) {
        if (pt_raft_log_type(log, i) != PT_RAFT_ENTRY_COMMAND) {
            continue;
        }
        pt_buf_reset(&data);
        PT_TRY(pt_raft_log_read_now(log, i, &data, reterr));
        const struct pt_raft_entry entry = {.index = i, .term = pt_raft_log_term(log, i), .data = pt_buf_bytes(&data)};
        PT_TRY(replay->entry(replay->context, &entry, reterr));
        replay->entries_len++;
    }
    uint64_t last = pt_raft_log_last(log);
    replay->last_index = last > replay->applied_index ? last : replay->applied_index;
    replay->term = pt_raft_log_meta(log)->term;
    return PT_OK;
}

enum pt_code pt_raft_replay(struct pt_sys *sys, struct pt_raft_replay *replay, struct pt_error *reterr)
{
    const struct pt_raft_log_options options = {
        .sys = sys, .directory = replay->directory, .cluster_id = replay->cluster_id, .node_id = replay->id};
    struct pt_raft_log *log = NULL;
    struct pt_raft_snapshot snapshot = {0};
    PT_TRY(pt_raft_log_open(&options, &log, reterr));
    enum pt_code code = pt_raft_snapshot_load(sys, replay->directory, &snapshot, reterr);
    if (code == PT_OK) {
        code = check(log, &snapshot, replay, reterr);
    }
    if (code == PT_OK) {
        code = replay_all(log, replay, reterr);
    }
    pt_raft_snapshot_clear(&snapshot);
    pt_raft_log_close(log);
    return code;
}
