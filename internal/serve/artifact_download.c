/*
 * DownloadArtifact: bytes from this disk, to clients and to other controllers; and the reading again of all of them.
 *
 * Nobody is sent what was not checked: the whole file is read once before its first byte goes. A file that is not what
 * it was is removed at once and fetched from another controller, and the caller is told to ask one. Every file is read
 * so some seconds after the start, and each six hours.
 */
#include "serve/artifact.h"

#include "base/assert.h"
#include "patronus/v1/model.pb-c.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE_SIZE (256U << 10)

struct download { /* call->state */
    struct pt_serve_call *call;
    char digest[PT_ARTIFACT_HEX_SIZE];
    char path[PT_ARTIFACT_PATH_SIZE];
    uint64_t size, sent, end;
    bool verify;
    bool busy;  /* somebody will call back; it holds a reference to the call */
    bool ended; /* the call is over: the callback frees this */
    bool full;  /* the stream's queue */
    struct pt_file *file;
    struct pt_buf piece;
    enum pt_code code;
    struct pt_error error;
};

static void download_free(struct download *download)
{
    download->call->controller->artifacts->downloads_len--;
    pt_file_close(download->file);
    pt_buf_fini(&download->piece);
    free(download);
}

static void submit(struct download *download, pt_task_fn work, pt_task_fn done)
{
    download->busy = true;
    pt_serve_call_ref(download->call);
    pt_executor_submit(pt_artifacts_work(download->call->controller->artifacts), work, done, download);
}

static bool back(struct download *download)
{
    download->busy = false;
    if (download->ended) {
        download_free(download);
        return false;
    }
    return true;
}

/* ---- pieces --------------------------------------------------------------------------------------------------- */

static void read_work(void *arg)
{
    struct download *download = arg;
    uint64_t left = download->end - download->sent;
    size_t size = left < PIECE_SIZE ? (size_t)left : PIECE_SIZE;
    pt_buf_reset(&download->piece);
    download->code =
        pt_file_read(download->file, download->sent, pt_buf_reserve(&download->piece, size), size, &download->error);
    download->piece.size = size;
}

static void read_done(void *arg);

static void pump(struct download *download)
{
    if (download->sent == download->end) {
        pt_rpc_call_finish(download->call->rpc, NULL);
    } else if (!download->busy && !download->full) {
        submit(download, read_work, read_done);
    }
}

static void send_chunk(struct download *download, const Patronus__V1__ArtifactChunk *chunk)
{
    PT_AUTO(buf) struct pt_buf data = {0};
    size_t size = patronus__v1__artifact_chunk__get_packed_size(chunk);
    (void)patronus__v1__artifact_chunk__pack(chunk, pt_buf_reserve(&data, size));
    data.size = size;
    download->full = !pt_rpc_call_send(download->call->rpc, pt_buf_bytes(&data));
}

static void lost(struct download *download)
{
    pt_artifacts_lost(download->call->controller->artifacts, download->digest);
    pt_serve_refuse(download->call, PT_UNAVAILABLE, PT_REASON_NONE,
                    "this controller's copy was damaged and is being fetched anew: ask another controller");
}

static void read_done(void *arg)
{
    struct download *download = arg;
    struct pt_serve_call *call = download->call;
    if (back(download)) {
        if (download->code != PT_OK) {
            lost(download);
        } else {
            Patronus__V1__ArtifactChunk chunk = PATRONUS__V1__ARTIFACT_CHUNK__INIT;
            chunk.data = (ProtobufCBinaryData){.len = download->piece.size, .data = download->piece.data};
            download->sent += download->piece.size;
            send_chunk(download, &chunk);
            pump(download);
        }
    }
    pt_serve_call_unref(call);
}

static void download_writable(struct pt_serve_call *call)
{
    struct download *download = call->state;
    if (download != NULL && download->file != NULL) {
        download->full = false;
        pump(download);
    }
}

/* ---- the beginning -------------------------------------------------------------------------------------------- */

static void open_work(void *arg)
{
    struct download *download = arg;
    struct pt_sys *sys = download->call->controller->sys;
    download->code = download->verify
                         ? pt_artifact_verify(sys, download->path, download->digest, download->size, &download->error)
                         : PT_OK;
    if (download->code == PT_OK) {
        download->code = pt_file_open(sys, download->path, PT_OPEN_READ, &download->file, &download->error);
    }
}

static void open_done(void *arg)
{
    struct download *download = arg;
    struct pt_serve_call *call = download->call;
    if (back(download)) {
        if (download->code != PT_OK) {
            lost(download);
        } else {
            pump(download);
        }
    }
    pt_serve_call_unref(call);
}

static void send_manifest(struct download *download, struct pt_view *view, const char *name,
                          const struct pt_msg *version)
{
    char parent[PT_NAME_SIZE_MAX + 1];
    pt_name_parent(name, parent);
    const struct pt_msg *model = pt_view_get(view, parent);
    const struct pt_msg_field *keys = model != NULL ? pt_msg_field(model, "signing_keys") : NULL;
    char *texts[8];
    Patronus__V1__ArtifactManifest manifest = PATRONUS__V1__ARTIFACT_MANIFEST__INIT;
    for (; keys != NULL && manifest.n_signing_keys < keys->len && manifest.n_signing_keys < 8;
         manifest.n_signing_keys++) {
        texts[manifest.n_signing_keys] = (char *)(uintptr_t)keys->values[manifest.n_signing_keys].bytes.data;
    }
    manifest.signing_keys = texts;
    manifest.name = (char *)(uintptr_t)name;
    manifest.digest = download->digest;
    manifest.size_bytes = download->size;
    manifest.signature = (char *)(uintptr_t)pt_msg_str(version, "signature");
    Patronus__V1__ArtifactChunk chunk = PATRONUS__V1__ARTIFACT_CHUNK__INIT;
    chunk.manifest = &manifest;
    send_chunk(download, &chunk);
}

/* May it be sent, and is it here? False after answering. */
static bool fit(struct pt_serve_call *call, const struct pt_msg *version, uint64_t offset)
{
    struct pt_artifacts *artifacts = call->controller->artifacts;
    bool peer = strcmp(pt_identity_role(call->caller.principal), "controller") == 0;
    if (version == NULL && call->controller->leading) {
        pt_serve_refuse(call, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "there is no such modelVersion");
    } else if (version == NULL) {
        pt_serve_refuse(call, PT_UNAVAILABLE, PT_REASON_NONE,
                        "this controller does not know the version, or not yet: ask another controller");
    } else if (!peer && pt_msg_i64(version, "artifact_state") != PATRONUS__V1__ARTIFACT_STATE__STORED) {
        pt_serve_refuse(call, PT_FAILED_PRECONDITION, PT_REASON_WRONG_STATE,
                        "the bytes of the version are not stored yet: patronusctl models upload");
    } else if (offset > pt_msg_u64(version, "size_bytes")) {
        pt_serve_refuse(call, PT_OUT_OF_RANGE, PT_REASON_FIELD_INVALID, "the version has %" PRIu64 " bytes",
                        pt_msg_u64(version, "size_bytes"));
    } else if (!pt_artifacts_has(artifacts, pt_msg_str(version, "digest"))) {
        pt_serve_refuse(call, PT_UNAVAILABLE, PT_REASON_NONE,
                        "this controller does not have the bytes yet: ask another controller");
    } else if (artifacts->downloads_len >= PT_ARTIFACT_DOWNLOADS_MAX) {
        pt_serve_refuse(call, PT_UNAVAILABLE, PT_REASON_OVERLOADED,
                        "this controller sends %d artifacts already: ask another controller",
                        PT_ARTIFACT_DOWNLOADS_MAX);
    } else {
        return true;
    }
    return false;
}

static void start(struct pt_serve_call *call, const struct pt_msg *request)
{
    struct pt_artifacts *artifacts = call->controller->artifacts;
    const char *name = pt_msg_str(request, "name");
    uint64_t offset = pt_msg_u64(request, "offset");
    uint64_t limit = pt_msg_u64(request, "limit");
    struct pt_view *view = pt_view_new(call->controller->machine);
    const struct pt_msg *version =
        pt_artifacts_find(artifacts, name) != NULL ? pt_view_get(view, name) : NULL; /* of that kind */
    if (fit(call, version, offset)) {
        struct download *download = calloc(1, sizeof(*download));
        pt_assert(download != NULL);
        download->call = call;
        download->size = pt_msg_u64(version, "size_bytes");
        download->sent = offset;
        download->end = limit != 0 && limit < download->size - offset ? offset + limit : download->size;
        download->verify = offset == 0;
        (void)snprintf(download->digest, sizeof(download->digest), "%s", pt_msg_str(version, "digest"));
        (void)pt_artifact_path(artifacts->directory, download->digest, download->path);
        call->state = download;
        artifacts->downloads_len++;
        send_manifest(download, view, name, version);
        submit(download, open_work, open_done);
    }
    pt_view_free(view);
}

static void download_message(struct pt_serve_call *call, struct pt_bytes message)
{
    struct pt_arena arena;
    pt_arena_init(&arena);
    struct pt_msg *request = NULL;
    struct pt_error error = {0};
    if (call->rpc == NULL) {
        /* over */
    } else if (pt_msg_parse(call->method->input, message, NULL, &arena, &request, &error) != PT_OK ||
               pt_msg_check(request, PT_RULE_CREATE, &error) != PT_OK) {
        pt_serve_fail(call, &error);
    } else {
        start(call, request);
    }
    pt_arena_fini(&arena);
}

static void download_end(struct pt_serve_call *call)
{
    struct download *download = call->state;
    call->state = NULL;
    if (download != NULL && download->busy) {
        download->ended = true;
    } else if (download != NULL) {
        download_free(download);
    }
}

const struct pt_serve_method pt_serve_download_artifact = {.path = "/patronus.v1.ArtifactService/DownloadArtifact",
                                                           .on_message = download_message,
                                                           .on_writable = download_writable,
                                                           .on_end = download_end};

/* ---- reading them all again ----------------------------------------------------------------------------------- */

struct check {
    struct pt_artifacts *artifacts;
    char digest[PT_ARTIFACT_HEX_SIZE];
    char path[PT_ARTIFACT_PATH_SIZE];
    uint64_t size;
    enum pt_code code;
};

static void check_work(void *arg)
{
    struct check *check = arg;
    check->code = pt_artifact_verify(check->artifacts->controller->sys, check->path, check->digest, check->size, NULL);
}

static void check_done(void *arg)
{
    struct check *check = arg;
    struct pt_artifacts *artifacts = check->artifacts;
    artifacts->checking = false;
    if (check->code != PT_OK && pt_artifacts_has(artifacts, check->digest)) {
        pt_artifacts_lost(artifacts, check->digest);
    }
    free(check);
    pt_artifact_check_next(artifacts);
}

void pt_artifact_check_next(struct pt_artifacts *artifacts)
{
    while (!artifacts->checking && !artifacts->closing && artifacts->check_at < artifacts->wanted_len) {
        const struct pt_artifact_wanted *wanted = &artifacts->wanted[artifacts->check_at++];
        if (!pt_artifacts_has(artifacts, wanted->digest)) {
            continue;
        }
        struct check *check = calloc(1, sizeof(*check));
        pt_assert(check != NULL);
        check->artifacts = artifacts;
        check->size = wanted->size;
        (void)snprintf(check->digest, sizeof(check->digest), "%s", wanted->digest);
        (void)pt_artifact_path(artifacts->directory, check->digest, check->path);
        artifacts->checking = true;
        pt_executor_submit(pt_artifacts_work(artifacts), check_work, check_done, check);
    }
}
