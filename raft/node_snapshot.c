/*
 * Snapshots: taking one, sending it to a member that is too far behind. node_install.c is the other side.
 *
 * Taking. The machine holds its state as of the applied index, and says when it can be written; the side executor
 * writes it to a file, syncs and digests that and stores the record; then libraft and the log forget what lies further
 * back than the trailing entries.
 *
 * Sending. libraft's install message carries a manifest only (log hash, size, SHA-256). The file follows in chunks:
 *
 *   leader                                   follower
 *   install message, manifest -------------> opens a file, or finds it begun
 *              <---------------------------- ack, offset it has
 *   chunks, at most 8 ahead of the acks ---> written on the executor
 *              <---------------------------- ack, offset written            (offset 2^64-1: the file does not check)
 *                                            all there: digest, rename, and only now libraft gets the message
 *
 *   chunk       u64 index   u64 term   u64 offset   bytes
 *   chunk ack   u64 index   u64 term   u64 offset
 *   need        u64 lowest index that helps
 *
 * Need. A node in quarantine asks the leader for a snapshot at or above everything it had acknowledged; the leader
 * makes one when its newest is older. The leader answers only from entries of its own term on: then everything that was
 * ever committed, and so everything the node may have helped to commit, is in it.
 *
 * Failure. Lost chunks or acks: the message is repeated after a second and sending goes on from the answer. No progress
 * for 15 s, or leadership lost: given up; libraft asks again. A file that cannot be read or does not check at the
 * receiver is replaced by a new snapshot.
 *
 * Load. While a member is behind the newest snapshot, no newer one is taken, and the log keeps what such a member
 * lacks, both within limits: else a member that needs longer for a snapshot than the cluster for writing the next one
 * would never get to its end.
 */
#include "raft/node_priv.h"

#include "base/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE (256U << 10)
#define WINDOW_SIZE (8U * CHUNK_SIZE)
#define REPEAT_MS 1000U
#define SILENT_MS 3000U           /* who was not heard for so long is not waited for */
#define PATIENCE 3U               /* intervals that the log may hold for a member that is behind */
#define COPY_PER_ENTRY 512U       /* bytes of snapshot for each entry that was logged */
#define TURNS 8U                  /* see turn() */
#define INTERVAL_MAX (256U << 10) /* entries: the log keeps 72 bytes of each in memory */
#define NO_SPACE_MS 5000U         /* until a snapshot that found no space is tried again */

struct pt_raft_taking {
    struct pt_raft *raft;
    struct pt_raft_snapshot snapshot;
    bool submitted; /* the machine was ready: the executor has it */
    bool ready;     /* the executor is done with it */
    enum pt_code code;
    struct pt_error error;
};

struct pt_raft_outgoing {
    struct pt_raft_peer *peer;
    struct pt_raft_snapshot snapshot;
    char path[PT_RAFT_SNAPSHOT_PATH_SIZE];
    uint64_t next, acked, since_ms, repeat_ms;
    bool started; /* the follower has answered */
    bool reading; /* a chunk is with the executor, which then owns this if `ended` */
    bool ended;
    struct pt_buf chunk;
    enum pt_code code;
};

/* ---- taking --------------------------------------------------------------------------------------------------- */

static void taking_free(struct pt_raft_taking *taking)
{
    pt_raft_snapshot_clear(&taking->snapshot);
    free(taking);
}

void pt_raft_snapshot_others_remove(const struct pt_raft *raft, const struct pt_raft_snapshot *keep)
{
    enum pt_code ignored = pt_raft_snapshot_clean(raft->sys, raft->directory, keep, NULL);
    (void)ignored; /* what stays is removed next time */
}

static void taking_work(void *arg)
{
    struct pt_raft_taking *taking = arg;
    struct pt_raft *raft = taking->raft;
    char path[PT_RAFT_SNAPSHOT_PATH_SIZE];
    pt_raft_snapshot_path(raft->directory, &taking->snapshot, path);
    taking->code = pt_path_remove(raft->sys, path, &taking->error);
    if (taking->code == PT_OK) {
        taking->code = raft->options.machine.snapshot(raft->options.machine.context, path, &taking->snapshot.size,
                                                      &taking->snapshot.digest, &taking->error);
    }
    if (taking->code == PT_OK) {
        taking->code = pt_dir_sync(raft->sys, raft->directory, &taking->error);
    }
    if (taking->code == PT_OK) {
        taking->code = pt_raft_snapshot_store(raft->sys, raft->directory, &taking->snapshot, &taking->error);
    }
    if (taking->code == PT_OK) {
        pt_raft_snapshot_others_remove(raft, &taking->snapshot);
    }
}

/* Entries between snapshots. A copy of a large state costs much more than the entries it replaces: it is due when about
 * twice as much was logged as it will write, so that what snapshots cost per entry does not grow with the state. */
static uint64_t interval(const struct pt_raft *raft)
{
    uint64_t entries = raft->snapshot.size / COPY_PER_ENTRY;
    entries = entries < INTERVAL_MAX ? entries : INTERVAL_MAX;
    return entries > raft->options.snapshot_threshold ? entries : raft->options.snapshot_threshold;
}

/* Members apply the same entries, and would all copy their states in the same seconds. Each lower id lets this one wait
 * a little longer, so that a majority has its disk to itself. */
static uint64_t turn(const struct pt_raft *raft)
{
    unsigned lower = 0;
    for (unsigned i = 0; i < raft->raft.configuration.n; i++) {
        lower += raft->raft.configuration.servers[i].id < raft->options.id ? 1 : 0;
    }
    return interval(raft) / TURNS * (lower % TURNS);
}

/* How far the log of the member that lacks most is, of those that are there and are replicated to; what is applied when
 * there is none, or nobody follows this node. */
static uint64_t slowest(const struct pt_raft *raft)
{
    uint64_t lowest = raft->applied;
    for (unsigned i = 0; raft->leading && i < raft->raft.configuration.n; i++) {
        const struct raft_server *server = &raft->raft.configuration.servers[i];
        raft_index match = 0;
        if (server->id != raft->options.id && server->role != RAFT_SPARE &&
            pt_raft_silent_ms(raft, server->id) < SILENT_MS && raft_match_index(&raft->raft, server->id, &match) == 0 &&
            match < lowest) {
            lowest = match;
        }
    }
    return lowest;
}

/* Entries to keep behind a snapshot: those that a slow member still lacks, within limits, so that it goes on by entries
 * and needs no snapshot. */
static uint64_t trailing(const struct pt_raft *raft, uint64_t index)
{
    uint64_t lowest = slowest(raft), least = raft->options.snapshot_trailing;
    uint64_t lacks = index > lowest ? index - lowest : 0;
    return lacks > least && lacks <= PATIENCE * interval(raft) ? lacks : least;
}

static void taken(struct pt_raft *raft, struct pt_raft_snapshot *snapshot)
{
    struct raft_event event = {.type = RAFT_SNAPSHOT};
    uint64_t keep = trailing(raft, snapshot->index);
    struct pt_raft_snapshot copy;
    pt_raft_snapshot_copy(snapshot, &copy);
    event.snapshot.metadata.index = snapshot->index;
    event.snapshot.metadata.term = snapshot->term;
    event.snapshot.metadata.configuration_index = snapshot->configuration_index;
    event.snapshot.metadata.configuration = copy.configuration; /* libraft's from here on */
    event.snapshot.trailing = (unsigned)keep;
    (void)pt_raft_feed(raft, &event); /* cannot fail */
    pt_raft_snapshot_clear(&raft->snapshot);
    raft->snapshot = *snapshot;
    *snapshot = (struct pt_raft_snapshot){0};
    raft->snapshot_file_bad = false;
    if (raft->snapshot.index > keep) {
        pt_raft_log_compact(raft->log, raft->snapshot.index - keep + 1);
    }
}

static void taking_done(void *arg)
{
    struct pt_raft_taking *taking = arg;
    struct pt_raft *raft = taking->raft;
    raft->options.machine.snapshot_end(raft->options.machine.context);
    if (pt_raft_dead(raft)) {
        raft->taking = NULL;
        taking_free(taking);
        return;
    }
    if (taking->code != PT_OK && taking->code != PT_NO_SPACE) {
        pt_raft_fatal(raft, &taking->error);
    }
    if (taking->code == PT_NO_SPACE) {
        raft->take_after_ms = pt_sys_now_ms(raft->sys) + NO_SPACE_MS;
    }
    taking->ready = true;
    if (pt_raft_enter(raft)) { /* else settled when the gate opens */
        pt_raft_leave(raft);
    }
}

/* May come in the midst of an entry's apply, when the machine had to wait for its files. */
static void machine_ready(void *arg)
{
    struct pt_raft_taking *taking = arg;
    taking->submitted = true;
    pt_executor_submit(taking->raft->work, taking_work, taking_done, taking);
}

void pt_raft_snapshot_take(struct pt_raft *raft)
{
    uint64_t index = raft->applied;
    if (raft->taking != NULL || raft->installing || raft->incoming != NULL || raft->quarantined ||
        index <= raft->snapshot.index || index < pt_raft_log_first(raft->log) || index > pt_raft_log_last(raft->log) ||
        raft->raft.configuration_committed_index == 0 || raft->raft.configuration_committed_index > index ||
        pt_raft_committed(raft) < index) {
        return;
    }
    struct pt_raft_taking *taking = calloc(1, sizeof *taking);
    pt_assert(taking != NULL);
    taking->raft = raft;
    taking->snapshot = (struct pt_raft_snapshot){.index = index,
                                                 .term = pt_raft_log_term(raft->log, index),
                                                 .configuration_index = raft->raft.configuration_committed_index,
                                                 .configuration = raft->raft.configuration_committed,
                                                 .chain = pt_raft_log_hash(raft->log, index)};
    uint64_t term = 0, acked = 0;
    struct pt_digest hash;
    raft->options.machine.witness(raft->options.machine.context, &taking->snapshot.machine_index, &term, &acked, &hash);
    struct pt_raft_snapshot own;
    pt_raft_snapshot_copy(&taking->snapshot, &own);
    taking->snapshot = own;
    struct pt_error error = {0};
    raft->taking = taking;
    enum pt_code code =
        raft->options.machine.snapshot_begin(raft->options.machine.context, machine_ready, taking, &error);
    if (code != PT_OK) {
        /* For want of space too: the machine could not write to its own files. A leader that went on would lead a
         * cluster in which nothing can be written. */
        raft->taking = NULL;
        taking_free(taking);
        pt_raft_fatal(raft, &error);
    }
}

/* A member that is there has not got past the newest snapshot. A newer one would cut off, under a steady load for ever,
 * the one that is on its way to it, or the entries that it needs next. The log may grow for that, within limits. */
static bool held_back(const struct pt_raft *raft)
{
    return raft->snapshot.index > 0 && slowest(raft) < raft->snapshot.index &&
           raft->applied - raft->snapshot.index < PATIENCE * interval(raft) && !pt_raft_log_short(raft->log);
}

void pt_raft_snapshot_consider(struct pt_raft *raft)
{
    bool wanted = (raft->applied > raft->snapshot.index + interval(raft) + turn(raft) && !held_back(raft)) ||
                  (raft->snapshot_file_bad && raft->applied > raft->snapshot.index);
    if (wanted && pt_sys_now_ms(raft->sys) >= raft->take_after_ms) {
        pt_raft_snapshot_take(raft);
    }
}

/* ---- sending -------------------------------------------------------------------------------------------------- */

static void outgoing_free(struct pt_raft_outgoing *out)
{
    pt_raft_snapshot_clear(&out->snapshot);
    pt_buf_fini(&out->chunk);
    free(out);
}

void pt_raft_outgoing_end(struct pt_raft_peer *peer)
{
    struct pt_raft_outgoing *out = peer->outgoing;
    peer->outgoing = NULL;
    if (out != NULL && out->reading) {
        out->ended = true;
    } else if (out != NULL) {
        outgoing_free(out);
    }
}

uint64_t pt_raft_outgoing_moved_ms(const struct pt_raft_peer *peer)
{
    return peer->outgoing != NULL ? peer->outgoing->since_ms : 0;
}

static void send_install(struct pt_raft *raft, struct pt_raft_outgoing *out)
{
    PT_AUTO(buf) struct pt_buf manifest = {0};
    pt_raft_manifest_encode(&out->snapshot, &manifest);
    struct raft_message message = {.type = RAFT_INSTALL_SNAPSHOT};
    message.install_snapshot = (struct raft_install_snapshot){.term = raft_current_term(&raft->raft),
                                                              .last_index = out->snapshot.index,
                                                              .last_term = out->snapshot.term,
                                                              .conf = out->snapshot.configuration,
                                                              .conf_index = out->snapshot.configuration_index,
                                                              .data = {.base = manifest.data, .len = manifest.size}};
    PT_AUTO(buf) struct pt_buf bytes = {0};
    pt_raft_message_encode(&message, &bytes);
    pt_raft_send_frame(raft, out->peer, PT_RAFT_FRAME_MESSAGE, bytes.data, bytes.size);
    out->repeat_ms = pt_sys_now_ms(raft->sys);
}

static void outgoing_begin(struct pt_raft *raft, struct pt_raft_peer *peer)
{
    struct pt_raft_outgoing *out = calloc(1, sizeof *out);
    pt_assert(out != NULL);
    out->peer = peer;
    pt_raft_snapshot_copy(&raft->snapshot, &out->snapshot);
    pt_raft_snapshot_path(raft->directory, &out->snapshot, out->path);
    out->since_ms = pt_sys_now_ms(raft->sys);
    peer->outgoing = out;
    pt_log_info(raft->options.log, "sending snapshot", "peer=%" PRIu64 " index=%" PRIu64 " size=%" PRIu64, peer->id,
                out->snapshot.index, out->snapshot.size);
    send_install(raft, out);
}

static void chunk_read(void *arg)
{
    struct pt_raft_outgoing *out = arg;
    struct pt_sys *sys = out->peer->owner->sys;
    uint64_t left = out->snapshot.size - out->next;
    size_t size = left < CHUNK_SIZE ? (size_t)left : CHUNK_SIZE;
    pt_buf_reset(&out->chunk);
    uint8_t *p = pt_buf_reserve(&out->chunk, PT_RAFT_CHUNK_HEAD_SIZE + size);
    pt_put_be64(p, out->snapshot.index);
    pt_put_be64(p + 8, out->snapshot.term);
    pt_put_be64(p + 16, out->next);
    struct pt_file *file = NULL;
    out->code = pt_file_open(sys, out->path, PT_OPEN_READ, &file, NULL);
    if (out->code == PT_OK) {
        out->code = pt_file_read(file, out->next, p + PT_RAFT_CHUNK_HEAD_SIZE, size, NULL);
    }
    pt_file_close(file);
    out->chunk.size = PT_RAFT_CHUNK_HEAD_SIZE + size;
}

static void outgoing_pump(struct pt_raft *raft, struct pt_raft_outgoing *out);

static void chunk_read_done(void *arg)
{
    struct pt_raft_outgoing *out = arg;
    struct pt_raft *raft = out->peer->owner;
    out->reading = false;
    if (out->ended) {
        outgoing_free(out);
        return;
    }
    if (pt_raft_dead(raft)) {
        return;
    }
    if (out->code != PT_OK) {
        raft->snapshot_file_bad = raft->snapshot_file_bad || raft->snapshot.index == out->snapshot.index;
        pt_raft_outgoing_end(out->peer);
        return;
    }
    pt_raft_send_frame(raft, out->peer, PT_RAFT_FRAME_CHUNK, out->chunk.data, out->chunk.size);
    out->next += out->chunk.size - PT_RAFT_CHUNK_HEAD_SIZE;
    outgoing_pump(raft, out);
}

static void outgoing_pump(struct pt_raft *raft, struct pt_raft_outgoing *out)
{
    if (out->started && !out->reading && out->next < out->snapshot.size && out->next - out->acked < WINDOW_SIZE) {
        out->reading = true;
        pt_executor_submit(raft->work, chunk_read, chunk_read_done, out);
    }
}

void pt_raft_on_chunk_ack(struct pt_raft *raft, struct pt_raft_peer *peer, struct pt_bytes payload)
{
    struct pt_raft_outgoing *out = peer->outgoing;
    if (payload.size != 24 || out == NULL || pt_be64(payload.data) != out->snapshot.index ||
        pt_be64(payload.data + 8) != out->snapshot.term) {
        return;
    }
    uint64_t offset = pt_be64(payload.data + 16);
    if (offset == PT_RAFT_OFFSET_BROKEN) {
        pt_log_warn(raft->options.log, "snapshot does not check at the receiver", "peer=%" PRIu64 " index=%" PRIu64,
                    peer->id, out->snapshot.index);
        raft->snapshot_file_bad = raft->snapshot_file_bad || raft->snapshot.index == out->snapshot.index;
        pt_raft_outgoing_end(peer);
        return;
    }
    if (offset > out->snapshot.size) {
        return;
    }
    uint64_t now = pt_sys_now_ms(raft->sys);
    if (!out->started || offset > out->acked) {
        out->since_ms = out->repeat_ms = now;
    }
    if (!out->started) {
        out->started = true;
        out->next = out->acked = offset;
    }
    out->acked = offset > out->acked ? offset : out->acked;
    if (out->acked == out->snapshot.size) {
        pt_raft_outgoing_end(peer);
        return;
    }
    outgoing_pump(raft, out);
}

void pt_raft_snapshot_send(struct pt_raft *raft, uint64_t id)
{
    for (unsigned i = 0; i < raft->raft.configuration.n; i++) {
        const struct raft_server *server = &raft->raft.configuration.servers[i];
        if (server->id == id && id != raft->options.id) {
            struct pt_raft_peer *peer = pt_raft_peer_get(raft, id, server->address);
            if (peer->outgoing == NULL && raft->snapshot.index > 0 && !raft->snapshot_file_bad) {
                outgoing_begin(raft, peer);
            }
        }
    }
}

void pt_raft_snapshot_need(struct pt_raft *raft, struct pt_raft_peer *peer, uint64_t index)
{
    raft_index match = 0;
    if (!raft->leading || raft->raft.state != RAFT_LEADER || peer->outgoing != NULL ||
        raft_match_index(&raft->raft, peer->id, &match) != 0) {
        return;
    }
    uint64_t need = match > index ? match : index;
    need = raft->leading_from > need ? raft->leading_from : need;
    if (raft->snapshot.index >= need && !raft->snapshot_file_bad) {
        outgoing_begin(raft, peer);
    } else if (raft->applied >= need) {
        pt_raft_snapshot_take(raft); /* the node asks again when it is there */
    }
}

/* ---- repeating, giving up ------------------------------------------------------------------------------------- */

bool pt_raft_snapshot_settle(struct pt_raft *raft)
{
    if (raft->taking != NULL && raft->taking->ready) {
        struct pt_raft_taking *taking = raft->taking;
        raft->taking = NULL;
        if (taking->code == PT_OK && taking->snapshot.index > raft->snapshot.index) {
            taken(raft, &taking->snapshot);
        }
        if (taking->code != PT_OK) {
            pt_raft_exports_end(raft, taking->code);
        }
        taking_free(taking);
        return true;
    }
    return pt_raft_install_settle(raft);
}

void pt_raft_snapshot_tick(struct pt_raft *raft)
{
    uint64_t now = pt_sys_now_ms(raft->sys);
    PT_LIST_FOREACH (node, &raft->peers) {
        struct pt_raft_peer *peer = PT_CONTAINER(node, struct pt_raft_peer, node);
        struct pt_raft_outgoing *out = peer->outgoing;
        if (out == NULL) {
            continue;
        }
        if (now - out->since_ms > PT_RAFT_STALL_MS || raft->raft.state != RAFT_LEADER) {
            pt_raft_outgoing_end(peer);
        } else if (now - out->repeat_ms > REPEAT_MS && !out->reading) {
            /* Chunks or acks were lost: say it again, and go on from the answer. */
            out->started = false;
            send_install(raft, out);
        }
    }
    pt_raft_install_tick(raft, now);
}

void pt_raft_snapshot_fini(struct pt_raft *raft)
{
    if (raft->taking != NULL && !raft->taking->submitted) {
        raft->options.machine.snapshot_end(raft->options.machine.context); /* who waits for it is gone */
    }
    if (raft->taking != NULL) {
        taking_free(raft->taking);
    }
    pt_raft_install_fini(raft);
    PT_LIST_FOREACH (node, &raft->peers) {
        struct pt_raft_peer *peer = PT_CONTAINER(node, struct pt_raft_peer, node);
        if (peer->outgoing != NULL) {
            outgoing_free(peer->outgoing);
            peer->outgoing = NULL;
        }
    }
    pt_raft_snapshot_clear(&raft->snapshot);
}
