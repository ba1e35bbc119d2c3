/*
 * Snapshots: taking one, sending it, putting it in place of this node's state.
 *
 * Taking. On the loop the machine writes its state as of the applied index to a file; the side executor syncs and
 * digests it and stores the record; then libraft and the log forget what lies further back than the trailing entries.
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
 * So libraft never waits inside an installation for bytes that may not come, and a leader that repeats the message
 * while the file is on its way is answered with how far it got.
 *
 * Installing. Record with the mark "installing", machine.restore, log emptied behind it, record without the mark, then
 * RAFT_PERSISTED_SNAPSHOT. A crash anywhere between is finished by the next start.
 *
 *   chunk       u64 index   u64 term   u64 offset   bytes
 *   chunk ack   u64 index   u64 term   u64 offset
 *   need        u64 lowest index that helps
 *
 * Need. A node in quarantine asks the leader for a snapshot at or above everything it had acknowledged; the leader
 * makes one when its newest is older. The leader answers only from entries of its own term on: then everything that was
 * ever committed, and so everything the node may have helped to commit, is in it.
 */
#include "raft/node_priv.h"

#include "base/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE (256U << 10)
#define CHUNK_HEAD_SIZE 24U
#define WINDOW_SIZE (8U * CHUNK_SIZE)
#define REPEAT_MS 1000U
#define STALL_MS 15000U
#define NEED_MS 500U
#define NO_SPACE_MS 5000U /* until a snapshot that found no space is tried again */
#define OFFSET_BROKEN UINT64_MAX

struct pt_raft_taking {
    struct pt_raft *raft;
    struct pt_raft_snapshot snapshot;
    bool ready; /* the executor is done with it */
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

enum incoming_state { INCOMING_RECEIVING, INCOMING_CHECKING, INCOMING_READY, INCOMING_INSTALLING, INCOMING_FINISHED };

struct pt_raft_incoming {
    struct pt_raft *raft;
    uint64_t from, message_term;
    struct pt_raft_snapshot snapshot;
    enum incoming_state state;
    struct pt_file *file;
    uint64_t received, written, since_ms;
    unsigned jobs; /* with the executor; the last one frees this if `ended` */
    bool ended;
    struct raft_snapshot_metadata metadata; /* libraft's, once it accepted */
    enum pt_code code;
    struct pt_error error;
};

struct chunk_job {
    struct pt_raft_incoming *incoming;
    uint64_t offset;
    struct pt_buf bytes;
};

/* ---- taking
 * ---------------------------------------------------------------------------------------------------------- */

static void taking_free(struct pt_raft_taking *taking)
{
    pt_raft_snapshot_clear(&taking->snapshot);
    free(taking);
}

/* On the executor. A transfer of an older one that is under way ends by this, and libraft asks for the newer one. */
static void remove_others(const struct pt_raft *raft, const struct pt_raft_snapshot *keep)
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
    taking->code =
        pt_raft_file_digest(raft->sys, path, true, &taking->snapshot.size, &taking->snapshot.digest, &taking->error);
    if (taking->code == PT_OK) {
        taking->code = pt_dir_sync(raft->sys, raft->directory, &taking->error);
    }
    if (taking->code == PT_OK) {
        taking->code = pt_raft_snapshot_store(raft->sys, raft->directory, &taking->snapshot, &taking->error);
    }
    if (taking->code == PT_OK) {
        remove_others(raft, &taking->snapshot);
    }
}

static void taken(struct pt_raft *raft, struct pt_raft_snapshot *snapshot)
{
    struct raft_event event = {.type = RAFT_SNAPSHOT};
    struct pt_raft_snapshot copy;
    pt_raft_snapshot_copy(snapshot, &copy);
    event.snapshot.metadata.index = snapshot->index;
    event.snapshot.metadata.term = snapshot->term;
    event.snapshot.metadata.configuration_index = snapshot->configuration_index;
    event.snapshot.metadata.configuration = copy.configuration; /* libraft's from here on */
    event.snapshot.trailing = (unsigned)raft->options.snapshot_trailing;
    (void)pt_raft_feed(raft, &event); /* cannot fail */
    pt_raft_snapshot_clear(&raft->snapshot);
    raft->snapshot = *snapshot;
    *snapshot = (struct pt_raft_snapshot){0};
    raft->snapshot_file_bad = false;
    if (raft->snapshot.index > raft->options.snapshot_trailing) {
        pt_raft_log_compact(raft->log, raft->snapshot.index - raft->options.snapshot_trailing + 1);
    }
}

static void taking_done(void *arg)
{
    struct pt_raft_taking *taking = arg;
    struct pt_raft *raft = taking->raft;
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

static void take(struct pt_raft *raft)
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
    char path[PT_RAFT_SNAPSHOT_PATH_SIZE];
    pt_raft_snapshot_path(raft->directory, &taking->snapshot, path);
    struct pt_error error = {0};
    enum pt_code code = pt_path_remove(raft->sys, path, &error);
    if (code == PT_OK) {
        code = raft->options.machine.snapshot(raft->options.machine.context, path, &error);
    }
    if (code != PT_OK) {
        taking_free(taking);
        raft->take_after_ms = pt_sys_now_ms(raft->sys) + NO_SPACE_MS;
        if (code != PT_NO_SPACE) {
            pt_raft_fatal(raft, &error);
        }
        return;
    }
    raft->taking = taking;
    pt_executor_submit(raft->work, taking_work, taking_done, taking);
}

void pt_raft_snapshot_consider(struct pt_raft *raft)
{
    bool wanted = raft->applied > raft->snapshot.index + raft->options.snapshot_threshold ||
                  (raft->snapshot_file_bad && raft->applied > raft->snapshot.index);
    if (wanted && pt_sys_now_ms(raft->sys) >= raft->take_after_ms) {
        take(raft);
    }
}

/* ---- sending
 * --------------------------------------------------------------------------------------------------------- */

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
    uint8_t *p = pt_buf_reserve(&out->chunk, CHUNK_HEAD_SIZE + size);
    pt_put_be64(p, out->snapshot.index);
    pt_put_be64(p + 8, out->snapshot.term);
    pt_put_be64(p + 16, out->next);
    struct pt_file *file = NULL;
    out->code = pt_file_open(sys, out->path, PT_OPEN_READ, &file, NULL);
    if (out->code == PT_OK) {
        out->code = pt_file_read(file, out->next, p + CHUNK_HEAD_SIZE, size, NULL);
    }
    pt_file_close(file);
    out->chunk.size = CHUNK_HEAD_SIZE + size;
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
    out->next += out->chunk.size - CHUNK_HEAD_SIZE;
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
    if (offset == OFFSET_BROKEN) {
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
        take(raft); /* the node asks again when it is there */
    }
}

/* ---- receiving
 * ------------------------------------------------------------------------------------------------------- */

static void incoming_path(const struct pt_raft *raft, char path[PT_RAFT_SNAPSHOT_PATH_SIZE])
{
    (void)snprintf(path, PT_RAFT_SNAPSHOT_PATH_SIZE, "%s/snapshot-incoming.tmp", raft->directory);
}

static void incoming_free(struct pt_raft_incoming *in)
{
    pt_file_close(in->file);
    pt_raft_snapshot_clear(&in->snapshot);
    raft_configuration_close(&in->metadata.configuration);
    free(in);
}

static void incoming_end(struct pt_raft *raft)
{
    struct pt_raft_incoming *in = raft->incoming;
    raft->incoming = NULL;
    if (in == NULL) {
        return;
    }
    if (in->jobs > 0) {
        in->ended = true;
    } else {
        incoming_free(in);
    }
}

static void send_ack(struct pt_raft *raft, const struct pt_raft_incoming *in, uint64_t offset)
{
    uint8_t payload[24];
    pt_put_be64(payload, in->snapshot.index);
    pt_put_be64(payload + 8, in->snapshot.term);
    pt_put_be64(payload + 16, offset);
    struct pt_raft_peer *peer = pt_raft_peer_find(raft, in->from);
    pt_assert(peer != NULL);
    pt_raft_send_frame(raft, peer, PT_RAFT_FRAME_CHUNK_ACK, payload, sizeof payload);
}

/* A job has ended; false when nobody is interested any more. */
static bool job_done(struct pt_raft_incoming *in)
{
    in->jobs--;
    if (in->ended) {
        if (in->jobs == 0) {
            incoming_free(in);
        }
        return false;
    }
    return !pt_raft_dead(in->raft);
}

/* On the executor: is the file what the manifest says? Then give it its name. */
static void check_work(void *arg)
{
    struct pt_raft_incoming *in = arg;
    struct pt_raft *raft = in->raft;
    pt_file_close(in->file);
    in->file = NULL;
    char temporary[PT_RAFT_SNAPSHOT_PATH_SIZE], path[PT_RAFT_SNAPSHOT_PATH_SIZE];
    incoming_path(raft, temporary);
    pt_raft_snapshot_path(raft->directory, &in->snapshot, path);
    uint64_t size = 0;
    struct pt_digest digest;
    in->code = pt_raft_file_digest(raft->sys, temporary, true, &size, &digest, &in->error);
    if (in->code == PT_OK && (size != in->snapshot.size || !pt_digest_equal(&digest, &in->snapshot.digest))) {
        in->code = PT_CORRUPT;
    }
    if (in->code == PT_OK) {
        in->code = pt_path_rename(raft->sys, temporary, path, &in->error);
    }
    if (in->code == PT_OK) {
        in->code = pt_dir_sync(raft->sys, raft->directory, &in->error);
    }
}

static void check_done(void *arg)
{
    struct pt_raft_incoming *in = arg;
    struct pt_raft *raft = in->raft;
    if (!job_done(in)) {
        return;
    }
    if (in->code == PT_CORRUPT) {
        send_ack(raft, in, OFFSET_BROKEN);
        incoming_end(raft);
    } else if (in->code != PT_OK) {
        pt_raft_fatal(raft, &in->error);
    } else {
        in->state = INCOMING_READY;
        if (pt_raft_enter(raft)) { /* else settled when the gate opens */
            pt_raft_leave(raft);
        }
    }
}

static void check_if_whole(struct pt_raft_incoming *in)
{
    if (in->state == INCOMING_RECEIVING && in->written == in->snapshot.size) {
        in->state = INCOMING_CHECKING;
        in->jobs++;
        pt_executor_submit(in->raft->work, check_work, check_done, in);
    }
}

static void chunk_write(void *arg)
{
    struct chunk_job *job = arg;
    struct pt_raft_incoming *in = job->incoming;
    if (in->code == PT_OK && in->file == NULL) {
        char path[PT_RAFT_SNAPSHOT_PATH_SIZE];
        incoming_path(in->raft, path);
        in->code = pt_file_open(in->raft->sys, path, PT_OPEN_WRITE | PT_OPEN_CREATE, &in->file, &in->error);
        if (in->code == PT_OK) {
            in->code = pt_file_truncate(in->file, 0, &in->error);
        }
    }
    if (in->code == PT_OK) {
        in->code = pt_file_write(in->file, job->offset, job->bytes.data, job->bytes.size, &in->error);
    }
}

static void chunk_write_done(void *arg)
{
    struct chunk_job *job = arg;
    struct pt_raft_incoming *in = job->incoming;
    uint64_t end = job->offset + job->bytes.size;
    pt_buf_fini(&job->bytes);
    free(job);
    if (!job_done(in)) {
        return;
    }
    struct pt_raft *raft = in->raft;
    if (in->code == PT_NO_SPACE) {
        incoming_end(raft); /* the leader repeats it; perhaps there is space then */
    } else if (in->code != PT_OK) {
        pt_raft_fatal(raft, &in->error);
    } else {
        in->written = end;
        send_ack(raft, in, end);
        check_if_whole(in);
    }
}

static void chunk_submit(struct pt_raft_incoming *in, const uint8_t *data, size_t size)
{
    struct chunk_job *job = calloc(1, sizeof *job);
    pt_assert(job != NULL);
    job->incoming = in;
    job->offset = in->received;
    if (size > 0) {
        pt_buf_append(&job->bytes, data, size);
    }
    in->received += size;
    in->jobs++;
    pt_executor_submit(in->raft->work, chunk_write, chunk_write_done, job);
}

void pt_raft_on_chunk(struct pt_raft *raft, struct pt_raft_peer *peer, struct pt_bytes payload)
{
    struct pt_raft_incoming *in = raft->incoming;
    if (payload.size <= CHUNK_HEAD_SIZE || in == NULL || in->from != peer->id || in->state != INCOMING_RECEIVING ||
        pt_be64(payload.data) != in->snapshot.index || pt_be64(payload.data + 8) != in->snapshot.term) {
        return;
    }
    size_t size = payload.size - CHUNK_HEAD_SIZE;
    if (pt_be64(payload.data + 16) != in->received || size > in->snapshot.size - in->received) {
        return; /* one before it was lost: the leader starts over when the acks stall */
    }
    in->since_ms = pt_sys_now_ms(raft->sys);
    chunk_submit(in, payload.data + CHUNK_HEAD_SIZE, size);
}

static void incoming_begin(struct pt_raft *raft, struct pt_raft_peer *peer, const struct pt_raft_snapshot *snapshot,
                           uint64_t term)
{
    incoming_end(raft);
    struct pt_raft_incoming *in = calloc(1, sizeof *in);
    pt_assert(in != NULL);
    in->raft = raft;
    in->from = peer->id;
    in->message_term = term;
    in->snapshot = *snapshot; /* its configuration too */
    in->since_ms = pt_sys_now_ms(raft->sys);
    raft->incoming = in;
    pt_log_info(raft->options.log, "receiving snapshot", "peer=%" PRIu64 " index=%" PRIu64 " size=%" PRIu64, peer->id,
                snapshot->index, snapshot->size);
    chunk_submit(in, NULL, 0); /* makes the file; its ack starts the leader */
}

/* Is the message moot because this node has all of it? Then libraft answers it so. */
static bool have_all(const struct pt_raft *raft, const struct raft_install_snapshot *install)
{
    return !raft->quarantined && (install->last_index <= raft->snapshot.index ||
                                  (install->last_index >= pt_raft_log_first(raft->log) &&
                                   install->last_index <= pt_raft_log_last(raft->log) &&
                                   pt_raft_log_term(raft->log, install->last_index) == install->last_term));
}

static void feed_install(struct pt_raft *raft, uint64_t from, const char *address,
                         const struct raft_install_snapshot *install)
{
    struct raft_message message = {.type = RAFT_INSTALL_SNAPSHOT, .server_id = from, .server_address = address};
    message.install_snapshot = *install;
    message.install_snapshot.data = (struct raft_buffer){.base = raft_malloc(1), .len = 1};
    pt_assert(message.install_snapshot.data.base != NULL);
    struct raft_event event = {.type = RAFT_RECEIVE};
    event.receive.message = &message;
    (void)pt_raft_feed(raft, &event); /* only NOMEM, which aborts */
}

void pt_raft_on_install(struct pt_raft *raft, struct pt_raft_peer *peer, struct raft_message *message)
{
    struct raft_install_snapshot *install = &message->install_snapshot;
    struct pt_raft_snapshot wanted = {.index = install->last_index,
                                      .term = install->last_term,
                                      .configuration_index = install->conf_index,
                                      .configuration = install->conf};
    struct pt_raft_incoming *in = raft->incoming;
    bool fine = pt_raft_manifest_decode((struct pt_bytes){install->data.base, install->data.len}, &wanted) &&
                install->term >= raft_current_term(&raft->raft) && !raft->installing && raft->taking == NULL &&
                !(raft->quarantined && install->last_index < raft->need_index);
    if (fine && have_all(raft, install)) {
        feed_install(raft, peer->id, peer->address, install); /* frees conf */
        return;
    }
    if (!fine || (!raft->quarantined && install->last_index <= raft->applied)) {
        raft_configuration_close(&install->conf);
        return;
    }
    if (in != NULL && in->from == peer->id && in->snapshot.index == wanted.index &&
        pt_digest_equal(&in->snapshot.digest, &wanted.digest)) {
        in->message_term = install->term;
        raft_configuration_close(&install->conf);
        if (in->jobs == 0 && in->received == in->written && in->state == INCOMING_RECEIVING) {
            send_ack(raft, in, in->written);
        }
        return;
    }
    incoming_begin(raft, peer, &wanted, install->term);
}

/* ---- installing
 * ------------------------------------------------------------------------------------------------------ */

static void record_work(void *arg)
{
    struct pt_raft_incoming *in = arg;
    in->code = pt_raft_snapshot_store(in->raft->sys, in->raft->directory, &in->snapshot, &in->error);
    if (in->code == PT_OK && !in->snapshot.installing) {
        remove_others(in->raft, &in->snapshot);
    }
}

static void finished_done(void *arg)
{
    struct pt_raft_incoming *in = arg;
    struct pt_raft *raft = in->raft;
    if (!job_done(in)) {
        return;
    }
    if (in->code != PT_OK) {
        pt_raft_fatal(raft, &in->error);
        return;
    }
    in->state = INCOMING_FINISHED;
    if (pt_raft_enter(raft)) { /* else settled when the gate opens */
        pt_raft_leave(raft);
    }
}

static void on_reset(void *arg)
{
    struct pt_raft *raft = arg;
    if (pt_raft_dead(raft)) {
        return;
    }
    struct pt_raft_incoming *in = raft->incoming;
    in->snapshot.installing = false;
    in->jobs++;
    pt_executor_submit(raft->work, record_work, finished_done, in);
}

static void marked_done(void *arg)
{
    struct pt_raft_incoming *in = arg;
    struct pt_raft *raft = in->raft;
    if (!job_done(in)) {
        return;
    }
    char path[PT_RAFT_SNAPSHOT_PATH_SIZE];
    pt_raft_snapshot_path(raft->directory, &in->snapshot, path);
    if (in->code == PT_OK) {
        in->code = raft->options.machine.restore(raft->options.machine.context, path, &in->error);
    }
    if (in->code != PT_OK) {
        pt_raft_fatal(raft, &in->error);
        return;
    }
    if (pt_raft_log_meta(raft->log)->forgetful && raft->raft.voted_for == 0) {
        raft->raft.voted_for = in->from;
    }
    pt_raft_log_reset(raft->log, in->snapshot.index, in->snapshot.term, &in->snapshot.chain, in->from, on_reset, raft);
}

void pt_raft_install_begin(struct pt_raft *raft, const struct raft_update *update)
{
    struct pt_raft_incoming *in = raft->incoming;
    pt_assert(in != NULL && in->state == INCOMING_READY && !raft->installing);
    raft->installing = true;
    in->state = INCOMING_INSTALLING;
    in->metadata = update->snapshot.metadata;
    raft_free(update->snapshot.chunk.base);
    in->snapshot.installing = true;
    in->jobs++;
    pt_executor_submit(raft->work, record_work, marked_done, in);
}

static void finish(struct pt_raft *raft, struct pt_raft_incoming *in)
{
    struct raft_event event = {.type = RAFT_PERSISTED_SNAPSHOT};
    event.persisted_snapshot.metadata = in->metadata; /* with its configuration */
    event.persisted_snapshot.last = true;
    in->metadata = (struct raft_snapshot_metadata){0};
    raft->installing = raft->quarantined = false;
    raft->applied = in->snapshot.index;
    raft->changes_done = in->snapshot.configuration_index;
    raft->loaded.len = 0;
    pt_raft_snapshot_clear(&raft->snapshot);
    raft->snapshot = in->snapshot;
    in->snapshot = (struct pt_raft_snapshot){0};
    raft->snapshot_file_bad = false;
    incoming_end(raft);
    pt_log_info(raft->options.log, "snapshot installed", "index=%" PRIu64 " term=%" PRIu64, raft->snapshot.index,
                raft->snapshot.term);
    (void)pt_raft_feed(raft, &event); /* cannot fail */
}

bool pt_raft_snapshot_settle(struct pt_raft *raft)
{
    if (raft->taking != NULL && raft->taking->ready) {
        struct pt_raft_taking *taking = raft->taking;
        raft->taking = NULL;
        if (taking->code == PT_OK && taking->snapshot.index > raft->snapshot.index) {
            taken(raft, &taking->snapshot);
        }
        taking_free(taking);
        return true;
    }
    struct pt_raft_incoming *in = raft->incoming;
    if (in == NULL) {
        return false;
    }
    if (in->state == INCOMING_FINISHED) {
        finish(raft, in);
        return true;
    }
    if (in->state != INCOMING_READY) {
        return false;
    }
    struct pt_raft_peer *peer = pt_raft_peer_find(raft, in->from);
    struct pt_raft_snapshot copy;
    pt_raft_snapshot_copy(&in->snapshot, &copy);
    struct raft_install_snapshot install = {.term = in->message_term,
                                            .last_index = copy.index,
                                            .last_term = copy.term,
                                            .conf = copy.configuration,
                                            .conf_index = copy.configuration_index};
    feed_install(raft, in->from, peer->address, &install);
    if (!raft->installing) {
        incoming_end(raft); /* overtaken: a new term, or the entries came meanwhile */
    }
    return true;
}

/* ---- asking, repeating, giving up
 * ------------------------------------------------------------------------------------- */

void pt_raft_snapshot_ask(struct pt_raft *raft, struct pt_raft_peer *leader)
{
    uint64_t now = pt_sys_now_ms(raft->sys);
    if (raft->incoming != NULL || raft->installing ||
        (raft->need_asked_ms != 0 && now - raft->need_asked_ms < NEED_MS)) {
        return;
    }
    raft->need_asked_ms = now;
    uint8_t payload[8];
    pt_put_be64(payload, raft->need_index);
    pt_raft_send_frame(raft, leader, PT_RAFT_FRAME_NEED_SNAPSHOT, payload, sizeof payload);
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
        if (now - out->since_ms > STALL_MS || raft->raft.state != RAFT_LEADER) {
            pt_raft_outgoing_end(peer);
        } else if (now - out->repeat_ms > REPEAT_MS && !out->reading) {
            /* Chunks or acks were lost: say it again, and go on from the answer. */
            out->started = false;
            send_install(raft, out);
        }
    }
    struct pt_raft_incoming *in = raft->incoming;
    if (in != NULL && in->state == INCOMING_RECEIVING && in->jobs == 0 && now - in->since_ms > STALL_MS) {
        incoming_end(raft);
    }
}

void pt_raft_snapshot_fini(struct pt_raft *raft)
{
    if (raft->taking != NULL) {
        taking_free(raft->taking);
    }
    if (raft->incoming != NULL) {
        incoming_free(raft->incoming);
    }
    PT_LIST_FOREACH (node, &raft->peers) {
        struct pt_raft_peer *peer = PT_CONTAINER(node, struct pt_raft_peer, node);
        if (peer->outgoing != NULL) {
            outgoing_free(peer->outgoing);
            peer->outgoing = NULL;
        }
    }
    pt_raft_snapshot_clear(&raft->snapshot);
}
