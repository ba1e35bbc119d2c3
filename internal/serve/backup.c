/*
 * Backup: the newest snapshot as a stream, from any controller.
 *
 *   call -> which revision must be in it?   leader: a barrier    follower: the leader is asked    stale: what is here
 *        -> consensus: a snapshot at or above it (node_export.c), the same file that a new voter would get
 *        -> manifest, then the file in pieces, as fast as the reader takes them
 *
 * The file is read on an executor: the loop never waits for it. Its digest was computed when it was made, so a disk
 * that gives other bytes back shows at the reader.
 */
#include "serve/controller_priv.h"

#include "base/assert.h"
#include "google/protobuf/timestamp.pb-c.h"
#include "patronus/v1/cluster.pb-c.h"

#include <stdlib.h>
#include <string.h>

#define PIECE_SIZE (256U << 10)
#define ASK_MS 5000
#define LIST "/patronus.v1.ControllerService/ListControllers"

struct backup { /* call->state */
    struct pt_serve_call *call;
    bool busy;  /* somebody will call back; it holds a reference to the call */
    bool ended; /* the call is over: the callback frees this */
    bool full;  /* the stream's queue */
    bool stale;
    struct pt_file *file;
    uint64_t size, sent;
    struct pt_buf piece;
    enum pt_code code;
    struct pt_error error;
};

static void backup_free(struct backup *backup)
{
    backup->call->controller->backups_len--;
    pt_file_close(backup->file);
    pt_buf_fini(&backup->piece);
    free(backup);
}

static void begin(struct backup *backup)
{
    backup->busy = true;
    pt_serve_call_ref(backup->call);
}

/* In a callback: false when the call is over, and then `backup` is freed. The reference goes at the end of the
 * callback, by the caller. */
static bool back(struct backup *backup)
{
    backup->busy = false;
    if (backup->ended) {
        backup_free(backup);
        return false;
    }
    return true;
}

/* ---- the file, piece by piece --------------------------------------------------------------------------------- */

static void read_piece(void *arg)
{
    struct backup *backup = arg;
    uint64_t left = backup->size - backup->sent;
    size_t size = left < PIECE_SIZE ? (size_t)left : PIECE_SIZE;
    pt_buf_reset(&backup->piece);
    uint8_t *data = pt_buf_reserve(&backup->piece, size);
    backup->code = pt_file_read(backup->file, backup->sent, data, size, &backup->error);
    backup->piece.size = size;
}

static void read_done(void *arg);

static void pump(struct backup *backup)
{
    if (backup->sent == backup->size) {
        pt_rpc_call_finish(backup->call->rpc, NULL);
    } else if (!backup->busy && !backup->full) {
        begin(backup);
        pt_executor_submit(backup->call->controller->backup_work, read_piece, read_done, backup);
    }
}

static void send_chunk(struct backup *backup, const Patronus__V1__BackupChunk *chunk)
{
    PT_AUTO(buf) struct pt_buf data = {0};
    size_t size = patronus__v1__backup_chunk__get_packed_size(chunk);
    (void)patronus__v1__backup_chunk__pack(chunk, pt_buf_reserve(&data, size));
    data.size = size;
    backup->full = !pt_rpc_call_send(backup->call->rpc, pt_buf_bytes(&data));
}

static void read_done(void *arg)
{
    struct backup *backup = arg;
    struct pt_serve_call *call = backup->call;
    if (!back(backup)) {
        pt_serve_call_unref(call);
        return;
    }
    if (backup->code != PT_OK) {
        pt_serve_fail(call, &backup->error);
    } else {
        Patronus__V1__BackupChunk chunk = PATRONUS__V1__BACKUP_CHUNK__INIT;
        chunk.data = (ProtobufCBinaryData){.len = backup->piece.size, .data = backup->piece.data};
        backup->sent += backup->piece.size;
        send_chunk(backup, &chunk);
        pump(backup);
    }
    pt_serve_call_unref(call);
}

static void backup_writable(struct pt_serve_call *call)
{
    struct backup *backup = call->state;
    if (backup != NULL && backup->file != NULL) {
        backup->full = false;
        pump(backup);
    }
}

/* ---- the snapshot --------------------------------------------------------------------------------------------- */

static uint64_t state_number(struct pt_controller *controller, const char *key, size_t size, uint64_t otherwise)
{
    PT_AUTO(buf) struct pt_buf value = {0};
    enum pt_code code = pt_store_meta_get(pt_kind_store(controller->machine), key, &value, NULL);
    if (code != PT_OK || value.size != size) {
        return otherwise;
    }
    return size == 4 ? pt_be32(value.data) : pt_be64(value.data);
}

static void send_manifest(struct backup *backup, const struct pt_raft_snapshot_file *file)
{
    struct pt_controller *controller = backup->call->controller;
    Patronus__V1__BackupManifest manifest = PATRONUS__V1__BACKUP_MANIFEST__INIT;
    Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    int64_t now = pt_sys_wall_ns(controller->sys);
    char hex[65];
    time.seconds = now / 1000000000;
    time.nanos = (int32_t)(now % 1000000000);
    manifest.cluster_id = (char *)(uintptr_t)controller->options.identity.cluster_id;
    manifest.controller = (char *)(uintptr_t)controller->options.identity.name;
    manifest.software_version = (char *)(uintptr_t)controller->options.version;
    manifest.epoch = state_number(controller, PT_META_CLUSTER_EPOCH, 8, 0);
    manifest.level = (uint32_t)state_number(controller, PT_META_CLUSTER_LEVEL, 4, 1);
    manifest.revision = file->machine_index;
    manifest.index = file->index;
    manifest.term = file->term;
    manifest.create_time = &time;
    manifest.stale = backup->stale;
    manifest.size = file->size;
    manifest.sha256 = pt_digest_hex(&file->digest, hex);
    Patronus__V1__BackupChunk chunk = PATRONUS__V1__BACKUP_CHUNK__INIT;
    chunk.manifest = &manifest;
    send_chunk(backup, &chunk);
}

static void on_snapshot(void *arg, enum pt_code code, const struct pt_raft_snapshot_file *file)
{
    struct backup *backup = arg;
    struct pt_serve_call *call = backup->call;
    struct pt_error error = {0};
    if (!back(backup)) {
        /* nobody waits any more */
    } else if (code == PT_FAILED_PRECONDITION) {
        pt_serve_refuse(call, PT_UNAVAILABLE, PT_REASON_CONFLICT,
                        "this controller's log is damaged and it waits for a snapshot itself: ask another one");
    } else if (code != PT_OK) {
        pt_serve_fail_raft(call, code);
    } else if (pt_file_open(call->controller->sys, file->path, PT_OPEN_READ, &backup->file, &error) != PT_OK) {
        pt_serve_fail(call, &error);
    } else {
        backup->size = file->size;
        send_manifest(backup, file);
        pump(backup);
    }
    pt_serve_call_unref(call);
}

static void take(struct backup *backup, uint64_t index)
{
    begin(backup);
    pt_raft_snapshot_get(backup->call->controller->raft, index, on_snapshot, backup);
}

/* ---- which revision ------------------------------------------------------------------------------------------- */

static void on_barrier(void *arg, enum pt_code code, uint64_t index)
{
    struct backup *backup = arg;
    struct pt_serve_call *call = backup->call;
    (void)index;
    if (!back(backup)) {
        /* nobody waits any more */
    } else if (code != PT_OK) {
        pt_serve_fail_raft(call, code);
    } else {
        take(backup, 0);
    }
    pt_serve_call_unref(call);
}

/* The leader's answer to a linearizable read says how far its state is. */
static void on_leader(void *arg, const struct pt_error *error, struct pt_bytes message)
{
    struct backup *backup = arg;
    struct pt_serve_call *call = backup->call;
    if (!back(backup)) {
        /* nobody waits any more */
    } else if (error != NULL) {
        pt_serve_fail(call, error);
    } else {
        Patronus__V1__ListControllersResponse *list =
            patronus__v1__list_controllers_response__unpack(NULL, message.size, message.data);
        if (list == NULL) {
            pt_serve_refuse(call, PT_INTERNAL, PT_REASON_MESSAGE_MALFORMED, "the leader's answer cannot be read");
        } else {
            take(backup, list->revision);
            patronus__v1__list_controllers_response__free_unpacked(list, NULL);
        }
    }
    pt_serve_call_unref(call);
}

static void ask_leader(struct backup *backup)
{
    struct pt_controller *controller = backup->call->controller;
    Patronus__V1__ListControllersRequest list = PATRONUS__V1__LIST_CONTROLLERS_REQUEST__INIT;
    list.page_size = 1;
    uint8_t data[64];
    size_t size = patronus__v1__list_controllers_request__pack(&list, data);
    begin(backup);
    if (!pt_serve_ask_leader(controller, LIST, (struct pt_bytes){.data = data, .size = size}, ASK_MS, on_leader,
                             backup)) {
        backup->busy = false;
        pt_serve_call_unref(backup->call);
        pt_serve_refuse(backup->call, PT_UNAVAILABLE, PT_REASON_NO_LEADER,
                        "there is no leader to say what is newest: try again, or take what this controller has with "
                        "stale (patronusctl backup --stale)");
    }
}

static void backup_message(struct pt_serve_call *call, struct pt_bytes message)
{
    struct pt_controller *controller = call->controller;
    Patronus__V1__BackupRequest *request =
        call->rpc != NULL ? patronus__v1__backup_request__unpack(NULL, message.size, message.data) : NULL;
    if (request == NULL) {
        pt_serve_refuse(call, PT_INVALID_ARGUMENT, PT_REASON_MESSAGE_MALFORMED, "the request cannot be read");
        return;
    }
    bool stale = request->stale != 0;
    patronus__v1__backup_request__free_unpacked(request, NULL);
    if (controller->backups_len >= PT_SERVE_BACKUPS_MAX) {
        pt_serve_refuse(call, PT_EXHAUSTED, PT_REASON_OVERLOADED,
                        "this controller sends %u backups already: wait for one to end, or ask another controller",
                        PT_SERVE_BACKUPS_MAX);
        return;
    }
    if (controller->backup_work == NULL) {
        controller->backup_work = pt_executor_new(controller->sys, "backup", 1);
    }
    struct backup *backup = calloc(1, sizeof(*backup));
    pt_assert(backup != NULL);
    backup->call = call;
    backup->stale = stale;
    call->state = backup;
    controller->backups_len++;
    if (stale) {
        take(backup, 0);
    } else if (controller->leading) {
        begin(backup);
        pt_raft_barrier(controller->raft, on_barrier, backup);
    } else {
        ask_leader(backup);
    }
}

static void backup_end(struct pt_serve_call *call)
{
    struct backup *backup = call->state;
    call->state = NULL;
    if (backup != NULL && backup->busy) {
        backup->ended = true;
    } else if (backup != NULL) {
        backup_free(backup);
    }
}

const struct pt_serve_method pt_serve_backup = {.path = "/patronus.v1.ClusterService/Backup",
                                                .on_message = backup_message,
                                                .on_writable = backup_writable,
                                                .on_end = backup_end};
