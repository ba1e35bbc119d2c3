/*
 * A snapshot of the leader's, put in place of this node's state. node_snapshot.c shows the exchange and its formats.
 *
 * Receiving. libraft gets the install message only when the whole file is on this disk and checks, so it never waits
 * inside an installation for bytes that may not come; a leader that repeats the message meanwhile is answered with how
 * far the file got. A term that changed in between makes libraft refuse it, and the file goes.
 *
 * Installing. Record with the mark "installing", machine.restore, log emptied behind it, record without the mark, then
 * RAFT_PERSISTED_SNAPSHOT. A crash anywhere between is finished by the next start (node.c).
 *
 *   RECEIVING -> CHECKING -> READY -> INSTALLING -> FINISHED
 *                  digest     libraft   record, machine,   libraft is told
 *                             accepts   log, record
 */
#include "raft/node_priv.h"

#include "base/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEED_MS 500U

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

/* ---- receiving ------------------------------------------------------------------------------------------------ */

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
        send_ack(raft, in, PT_RAFT_OFFSET_BROKEN);
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
    if (payload.size <= PT_RAFT_CHUNK_HEAD_SIZE || in == NULL || in->from != peer->id ||
        in->state != INCOMING_RECEIVING || pt_be64(payload.data) != in->snapshot.index ||
        pt_be64(payload.data + 8) != in->snapshot.term) {
        return;
    }
    size_t size = payload.size - PT_RAFT_CHUNK_HEAD_SIZE;
    if (pt_be64(payload.data + 16) != in->received || size > in->snapshot.size - in->received) {
        return; /* one before it was lost: the leader starts over when the acks stall */
    }
    in->since_ms = pt_sys_now_ms(raft->sys);
    chunk_submit(in, payload.data + PT_RAFT_CHUNK_HEAD_SIZE, size);
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

/* ---- installing ----------------------------------------------------------------------------------------------- */

static void record_work(void *arg)
{
    struct pt_raft_incoming *in = arg;
    in->code = pt_raft_snapshot_store(in->raft->sys, in->raft->directory, &in->snapshot, &in->error);
    if (in->code == PT_OK && !in->snapshot.installing) {
        pt_raft_snapshot_others_remove(in->raft, &in->snapshot);
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

bool pt_raft_install_settle(struct pt_raft *raft)
{
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

/* ---- asking, giving up ---------------------------------------------------------------------------------------- */

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

void pt_raft_install_tick(struct pt_raft *raft, uint64_t now)
{
    struct pt_raft_incoming *in = raft->incoming;
    if (in != NULL && in->state == INCOMING_RECEIVING && in->jobs == 0 && now - in->since_ms > PT_RAFT_STALL_MS) {
        incoming_end(raft);
    }
}

void pt_raft_install_fini(struct pt_raft *raft)
{
    if (raft->incoming != NULL) {
        incoming_free(raft->incoming);
        raft->incoming = NULL;
    }
}
