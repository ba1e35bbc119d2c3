/*
 * UploadArtifact: bytes from a client, until a majority of the voters has them.
 *
 *   NAMED --its version is in this node's state--> WRITING --half-closed, checked, synced--> OFFERING --logged-->
 * WAITING
 *     '---- the bytes are here already ----------------------------------------------------------^     STORED: answer
 *
 * At most one piece is being written and one waits: the stream is paused meanwhile, and flow control holds up the
 * client. A client that goes away leaves nothing but, when all had come, the file, which it need not send again.
 */
#include "serve/artifact.h"

#include "base/assert.h"
#include "patronus/v1/model.pb-c.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PENDING_MAX (8U << 20) /* bytes that wait where nothing holds up the client (the simulator) */
#define NAMED_MS 3000          /* for a version that was made on another node just now */
#define OFFER_MS 30000
#define ASK_MS 5000
#define OFFER_AGAIN_MS 200
#define BYTES_PER_MS 4096 /* the slowest that the others may fetch */

enum phase { NAMED, WRITING, OFFERING, WAITING };

struct upload { /* call->state */
    struct pt_list node;
    struct pt_artifacts *artifacts;
    struct pt_serve_call *call;
    enum phase phase;
    char name[PT_NAME_SIZE_MAX + 1];
    char digest[PT_ARTIFACT_HEX_SIZE];
    uint64_t size;
    char tag[24];
    bool busy;  /* somebody will call back; it holds a reference to the call */
    bool ended; /* the call is over: the callback frees this */
    bool half_closed;
    struct pt_buf pending, writing;
    struct pt_artifact_writer *writer;
    enum pt_code code;
    struct pt_error error;
    uint64_t deadline_ms, again_ms;
};

static uint64_t now_ms(const struct upload *upload)
{
    return pt_sys_now_ms(upload->artifacts->controller->sys);
}

static void free_upload(void *arg)
{
    struct upload *upload = arg;
    pt_buf_fini(&upload->pending);
    pt_buf_fini(&upload->writing);
    free(upload);
}

static void cancel_work(void *arg)
{
    struct upload *upload = arg;
    pt_artifact_cancel(upload->writer);
}

static void end_upload(struct upload *upload)
{
    struct pt_artifacts *artifacts = upload->artifacts;
    pt_list_remove(&upload->node);
    artifacts->uploads_len--;
    if (upload->writer != NULL && artifacts->work != NULL) {
        pt_executor_submit(artifacts->work, cancel_work, free_upload, upload);
    } else {
        pt_artifact_pause(upload->writer); /* the node stops: its next start sweeps the part */
        free_upload(upload);
    }
}

static void begin(struct upload *upload)
{
    upload->busy = true;
    pt_serve_call_ref(upload->call);
}

/* In a callback: false when the call is over. The reference goes at the end of the callback, by the caller. */
static bool back(struct upload *upload)
{
    upload->busy = false;
    if (upload->ended) {
        end_upload(upload);
        return false;
    }
    return true;
}

static void pump(struct upload *upload);

static void submit(struct upload *upload, pt_task_fn work, pt_task_fn done)
{
    begin(upload);
    pt_executor_submit(pt_artifacts_work(upload->artifacts), work, done, upload);
}

/* ---- writing -------------------------------------------------------------------------------------------------- */

/* What the disk says is the controller's own affair, but that it is full. */
static void fail_disk(struct upload *upload)
{
    if (upload->code == PT_NO_SPACE) {
        pt_serve_refuse(upload->call, PT_EXHAUSTED, PT_REASON_NO_SPACE, "%s: %.300s",
                        upload->artifacts->controller->options.identity.name, upload->error.text);
    } else if (upload->code >= 100) {
        pt_log_error(upload->artifacts->controller->log, "an artifact cannot be written", "reason=\"%s\"",
                     upload->error.text);
        pt_serve_refuse(upload->call, PT_UNAVAILABLE, PT_REASON_NONE,
                        "this controller's disk fails: send it to another one");
    } else {
        pt_serve_fail(upload->call, &upload->error);
    }
}

static void open_work(void *arg)
{
    struct upload *upload = arg;
    const struct pt_artifact_options options = {.directory = upload->artifacts->directory,
                                                .digest_hex = upload->digest,
                                                .size = upload->size,
                                                .tag = upload->tag};
    upload->code = pt_artifact_open(upload->artifacts->controller->sys, &options, &upload->writer, &upload->error);
}

static void write_work(void *arg)
{
    struct upload *upload = arg;
    upload->code = pt_artifact_write(upload->writer, pt_buf_bytes(&upload->writing), &upload->error);
}

static void finish_work(void *arg)
{
    struct upload *upload = arg;
    upload->code = pt_artifact_finish(upload->writer, &upload->error);
    upload->writer = NULL;
}

static void work_done(void *arg)
{
    struct upload *upload = arg;
    struct pt_serve_call *call = upload->call;
    pt_buf_reset(&upload->writing);
    if (back(upload)) {
        if (upload->code != PT_OK) {
            fail_disk(upload);
        } else {
            pump(upload);
        }
    }
    pt_serve_call_unref(call);
}

static void finish_done(void *arg)
{
    struct upload *upload = arg;
    struct pt_serve_call *call = upload->call;
    if (upload->code == PT_OK) {
        pt_artifacts_came(upload->artifacts, upload->digest);
    }
    if (back(upload)) {
        if (upload->code != PT_OK) {
            fail_disk(upload);
        } else {
            upload->phase = OFFERING;
            upload->deadline_ms = now_ms(upload) + OFFER_MS;
            pump(upload);
        }
    }
    pt_serve_call_unref(call);
}

static void write_more(struct upload *upload)
{
    if (upload->pending.size > 0) {
        struct pt_buf swap = upload->writing;
        upload->writing = upload->pending;
        upload->pending = swap;
        submit(upload, write_work, work_done);
    } else if (upload->half_closed) {
        submit(upload, finish_work, finish_done);
    } else {
        pt_rpc_call_resume(upload->call->rpc);
    }
}

/* ---- its version ---------------------------------------------------------------------------------------------- */

static void answer(struct upload *upload)
{
    struct pt_view *view = pt_view_new(upload->artifacts->controller->machine);
    const struct pt_msg *version = pt_view_get(view, upload->name);
    if (version != NULL) {
        PT_AUTO(buf) struct pt_buf reply = {0};
        pt_msg_encode(version, &reply);
        pt_serve_reply(upload->call, pt_buf_bytes(&reply));
    } else {
        pt_serve_refuse(upload->call, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND,
                        "the version was deleted while its bytes were under way");
    }
    pt_view_free(view);
}

static void look_up(struct upload *upload)
{
    const struct pt_artifact_wanted *wanted = pt_artifacts_find(upload->artifacts, upload->name);
    if (wanted == NULL && now_ms(upload) < upload->deadline_ms) {
        return; /* moved again when the state does */
    }
    if (wanted == NULL) {
        pt_serve_refuse(upload->call, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND,
                        "there is no modelVersion '%.300s': create it with its digest and size, then send the bytes",
                        upload->name);
        return;
    }
    if (wanted->size > PT_ARTIFACT_SIZE_MAX) {
        pt_serve_refuse(upload->call, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID,
                        "the version has %" PRIu64 " bytes; %" PRIu64 " are the most that a controller keeps of one",
                        wanted->size, (uint64_t)PT_ARTIFACT_SIZE_MAX);
        return;
    }
    (void)snprintf(upload->digest, sizeof(upload->digest), "%s", wanted->digest);
    upload->size = wanted->size;
    pt_artifacts_touch(upload->artifacts, upload->digest, false);
    if (pt_artifacts_has(upload->artifacts, upload->digest)) {
        upload->phase = OFFERING;
        upload->deadline_ms = now_ms(upload) + OFFER_MS;
        pump(upload);
    } else {
        upload->phase = WRITING;
        submit(upload, open_work, work_done);
    }
}

/* ---- telling the others --------------------------------------------------------------------------------------- */

static void on_offered(struct upload *upload, const struct pt_error *error)
{
    struct pt_serve_call *call = upload->call;
    if (back(upload)) {
        if (error == NULL) {
            upload->phase = WAITING;
            upload->deadline_ms = now_ms(upload) + OFFER_MS + upload->size / BYTES_PER_MS;
            pump(upload);
        } else if (error->code == PT_UNAVAILABLE || error->code == PT_DEADLINE_EXCEEDED ||
                   error->code == PT_CANCELLED) {
            upload->again_ms = now_ms(upload) + OFFER_AGAIN_MS; /* the next leader is told the same */
        } else {
            pt_serve_fail(call, error);
        }
    }
    pt_serve_call_unref(call);
}

static void on_proposed(void *arg, enum pt_code code, uint64_t index)
{
    struct upload *upload = arg;
    struct pt_error error = {.code = PT_UNAVAILABLE};
    const struct pt_verdict *verdict =
        code == PT_OK ? pt_kind_verdict(upload->artifacts->controller->machine, index) : NULL;
    if (verdict != NULL) {
        error = verdict->error;
    }
    on_offered(upload, error.code == PT_OK ? NULL : &error);
}

static void on_answered(void *arg, const struct pt_error *error, struct pt_bytes message)
{
    (void)message;
    on_offered(arg, error);
}

static bool ask_leader(struct upload *upload)
{
    const struct pt_caller *caller = &upload->call->caller;
    Patronus__V1__OfferArtifactRequest request = PATRONUS__V1__OFFER_ARTIFACT_REQUEST__INIT;
    request.name = upload->name;
    request.digest = upload->digest;
    request.principal = (char *)(uintptr_t)caller->principal;
    request.groups = (char **)(uintptr_t)caller->groups;
    request.n_groups = caller->groups_len;
    request.api_key = (char *)(uintptr_t)caller->api_key;
    request.source = (char *)(uintptr_t)caller->source;
    PT_AUTO(buf) struct pt_buf data = {0};
    size_t size = patronus__v1__offer_artifact_request__get_packed_size(&request);
    (void)patronus__v1__offer_artifact_request__pack(&request, pt_buf_reserve(&data, size));
    data.size = size;
    return pt_serve_ask_leader(upload->artifacts->controller, "/patronus.v1.ArtifactService/OfferArtifact",
                               pt_buf_bytes(&data), ASK_MS, on_answered, upload);
}

static void offer(struct upload *upload)
{
    struct pt_controller *controller = upload->artifacts->controller;
    const struct pt_artifact_wanted *wanted = pt_artifacts_find(upload->artifacts, upload->name);
    if (wanted != NULL && wanted->state == PATRONUS__V1__ARTIFACT_STATE__STORED) {
        answer(upload); /* they were missing here alone */
    } else if (now_ms(upload) >= upload->deadline_ms) {
        pt_serve_refuse(upload->call, PT_UNAVAILABLE, PT_REASON_NO_LEADER,
                        "the bytes are on this controller, and no leader could be told: try again (they need not be "
                        "sent again)");
    } else if (now_ms(upload) >= upload->again_ms) {
        begin(upload);
        if (controller->ready) {
            PT_AUTO(buf) struct pt_buf command = {0};
            pt_artifacts_offer(controller, &upload->call->caller, upload->name, upload->digest,
                               controller->options.identity.name, &command);
            pt_raft_propose(controller->raft, pt_buf_bytes(&command), on_proposed, upload);
        } else if (!ask_leader(upload)) {
            upload->busy = false;
            upload->again_ms = now_ms(upload) + OFFER_AGAIN_MS;
            pt_serve_call_unref(upload->call);
        }
    }
}

static void wait_stored(struct upload *upload)
{
    const struct pt_artifact_wanted *wanted = pt_artifacts_find(upload->artifacts, upload->name);
    bool late = now_ms(upload) >= upload->deadline_ms;
    if (wanted != NULL && wanted->state == PATRONUS__V1__ARTIFACT_STATE__STORED) {
        answer(upload);
    } else if (late) {
        pt_serve_refuse(
            upload->call, PT_UNAVAILABLE, PT_REASON_NONE,
            "the bytes are on this controller and not yet on a majority of the voters, which fetch them: try "
            "again (they need not be sent again)");
    }
}

static void pump(struct upload *upload)
{
    if (upload->busy || upload->ended || upload->call->rpc == NULL) {
        return;
    }
    switch (upload->phase) {
    case NAMED:
        look_up(upload);
        break;
    case WRITING:
        write_more(upload);
        break;
    case OFFERING:
        offer(upload);
        break;
    case WAITING:
        wait_stored(upload);
        break;
    }
}

void pt_artifact_uploads_move(struct pt_artifacts *artifacts)
{
    PT_LIST_FOREACH_SAFE (node, &artifacts->uploads) {
        struct upload *upload = PT_CONTAINER(node, struct upload, node);
        if (upload->phase != WRITING) {
            pump(upload);
        }
    }
}

/* ---- the stream ----------------------------------------------------------------------------------------------- */

static struct upload *upload_new(struct pt_serve_call *call, const char *name)
{
    struct pt_artifacts *artifacts = call->controller->artifacts;
    if (name[0] == '\0') {
        pt_serve_refuse(call, PT_INVALID_ARGUMENT, PT_REASON_FIELD_REQUIRED,
                        "the first message names the modelVersion whose bytes come");
        return NULL;
    }
    if (artifacts->uploads_len >= PT_ARTIFACT_UPLOADS_MAX) {
        pt_serve_refuse(call, PT_UNAVAILABLE, PT_REASON_OVERLOADED,
                        "this controller takes %d uploads already: try another, or again later",
                        PT_ARTIFACT_UPLOADS_MAX);
        return NULL;
    }
    struct upload *upload = calloc(1, sizeof(*upload));
    pt_assert(upload != NULL);
    upload->artifacts = artifacts;
    upload->call = call;
    upload->deadline_ms = pt_sys_now_ms(call->controller->sys) + NAMED_MS;
    (void)snprintf(upload->name, sizeof(upload->name), "%s", name);
    (void)snprintf(upload->tag, sizeof(upload->tag), "upload-%u", ++artifacts->upload_number);
    pt_list_push_back(&artifacts->uploads, &upload->node);
    artifacts->uploads_len++;
    call->state = upload;
    return upload;
}

static void upload_message(struct pt_serve_call *call, struct pt_bytes message)
{
    struct upload *upload = call->state;
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
        const char *name = pt_msg_str(request, "name");
        struct pt_bytes data = pt_msg_bytes(request, "data");
        upload = upload != NULL ? upload : upload_new(call, name);
        if (upload == NULL) {
            /* answered */
        } else if (name[0] != '\0' && strcmp(name, upload->name) != 0) {
            pt_serve_refuse(call, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID,
                            "one stream carries the bytes of one version");
        } else if (upload->pending.size + data.size > PENDING_MAX) {
            pt_serve_refuse(call, PT_EXHAUSTED, PT_REASON_OVERLOADED, "more bytes came than the disk takes: try again");
        } else {
            pt_buf_append(&upload->pending, data.data, data.size);
            pt_rpc_call_pause(call->rpc);
            pump(upload);
        }
    }
    pt_arena_fini(&arena);
}

static void upload_half_close(struct pt_serve_call *call)
{
    struct upload *upload = call->state;
    if (upload == NULL) {
        pt_serve_refuse(call, PT_INVALID_ARGUMENT, PT_REASON_MESSAGE_MALFORMED,
                        "the stream is empty: its first message names the modelVersion whose bytes come");
        return;
    }
    upload->half_closed = true;
    pump(upload);
}

static void upload_end(struct pt_serve_call *call)
{
    struct upload *upload = call->state;
    call->state = NULL;
    if (upload != NULL && upload->busy) {
        upload->ended = true;
    } else if (upload != NULL) {
        end_upload(upload);
    }
}

const struct pt_serve_method pt_serve_upload_artifact = {.path = "/patronus.v1.ArtifactService/UploadArtifact",
                                                         .on_message = upload_message,
                                                         .on_half_close = upload_half_close,
                                                         .on_end = upload_end};
