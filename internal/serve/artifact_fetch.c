/*
 * Fetching: what the state refers to and this disk lacks, from a controller that has it.
 *
 *   part (taken up where it was left) -> ask for the next RANGE -> write -> ... -> check, sync, name -> tell the leader
 *
 * A range at a time, so that what has come and is not written stays small, and a source that dies costs one range. Who
 * took the bytes from the client is asked first, then the others in turn, each try later than the last.
 */
#include "serve/artifact.h"

#include "base/assert.h"
#include "patronus/v1/model.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RANGE (4U << 20)
#define AGAIN_MS 250 /* after the first failure; then twice as long each time */
#define AGAIN_MS_MAX 8000
#define SOURCES_MAX 64
#define DOWNLOAD "/patronus.v1.ArtifactService/DownloadArtifact"

struct tried {
    uint64_t again_ms;
    unsigned times;
};

struct fetch {
    struct pt_list node;
    struct pt_artifacts *artifacts;
    char name[PT_NAME_SIZE_MAX + 1];
    char digest[PT_ARTIFACT_HEX_SIZE];
    char source[80]; /* address */
    uint64_t size;
    struct pt_rpc_channel *channel;
    struct pt_rpc_stream *stream;
    struct pt_artifact_writer *writer;
    struct pt_buf range;
    bool busy; /* on the executor */
    enum pt_code code;
    struct pt_error error;
};

static void fetch_free(struct fetch *fetch)
{
    pt_list_remove(&fetch->node);
    fetch->artifacts->fetches_len--;
    pt_artifact_pause(fetch->writer);
    pt_buf_fini(&fetch->range);
    free(fetch);
}

static void fetch_end(struct fetch *fetch)
{
    pt_rpc_channel_free(fetch->channel);
    fetch_free(fetch);
}

static void fetch_fail(struct fetch *fetch, enum pt_code code, const char *text)
{
    struct pt_artifacts *artifacts = fetch->artifacts;
    struct tried *tried = pt_map_get_str(&artifacts->tried, fetch->digest);
    if (tried == NULL) {
        tried = calloc(1, sizeof(*tried));
        pt_assert(tried != NULL);
        (void)pt_map_put_str(&artifacts->tried, fetch->digest, tried);
    }
    uint64_t pause_ms = (uint64_t)AGAIN_MS << (tried->times < 5 ? tried->times : 5);
    tried->times++;
    tried->again_ms = pt_sys_now_ms(artifacts->controller->sys) + (pause_ms < AGAIN_MS_MAX ? pause_ms : AGAIN_MS_MAX);
    pt_log_warn(artifacts->controller->log, "artifact not fetched", "digest=%s from=%s code=%s reason=\"%.200s\"",
                fetch->digest, fetch->source, pt_code_name(code), text);
    fetch_end(fetch);
}

static void ask(struct fetch *fetch);

static void submit(struct fetch *fetch, pt_task_fn work, pt_task_fn done)
{
    fetch->busy = true;
    pt_executor_submit(pt_artifacts_work(fetch->artifacts), work, done, fetch);
}

/* In a callback of the executor: false when the fetch is over. */
static bool back(struct fetch *fetch)
{
    fetch->busy = false;
    if (fetch->artifacts->closing) {
        fetch_end(fetch);
        return false;
    }
    if (fetch->code != PT_OK) {
        fetch_fail(fetch, fetch->code, fetch->error.text);
        return false;
    }
    return true;
}

/* ---- the end -------------------------------------------------------------------------------------------------- */

static void finish_work(void *arg)
{
    struct fetch *fetch = arg;
    fetch->code = pt_artifact_finish(fetch->writer, &fetch->error);
    fetch->writer = NULL;
}

static void finish_done(void *arg)
{
    struct fetch *fetch = arg;
    if (back(fetch)) {
        struct pt_artifacts *artifacts = fetch->artifacts;
        pt_log_info(artifacts->controller->log, "artifact fetched", "digest=%s from=%s", fetch->digest, fetch->source);
        pt_artifacts_came(artifacts, fetch->digest);
        fetch_end(fetch);
    }
}

/* ---- a range -------------------------------------------------------------------------------------------------- */

static void open_work(void *arg)
{
    struct fetch *fetch = arg;
    const struct pt_artifact_options options = {.directory = fetch->artifacts->directory,
                                                .digest_hex = fetch->digest,
                                                .size = fetch->size,
                                                .tag = PT_ARTIFACT_FETCH,
                                                .resume = true};
    fetch->code = pt_artifact_open(fetch->artifacts->controller->sys, &options, &fetch->writer, &fetch->error);
}

static void write_work(void *arg)
{
    struct fetch *fetch = arg;
    fetch->code = pt_artifact_write(fetch->writer, pt_buf_bytes(&fetch->range), &fetch->error);
}

static void write_done(void *arg)
{
    struct fetch *fetch = arg;
    if (!back(fetch)) {
        return;
    }
    pt_buf_reset(&fetch->range);
    if (pt_artifact_written(fetch->writer) == fetch->size) {
        submit(fetch, finish_work, finish_done);
    } else {
        ask(fetch);
    }
}

static void on_chunk(void *arg, struct pt_bytes message)
{
    struct fetch *fetch = arg;
    Patronus__V1__ArtifactChunk *chunk = patronus__v1__artifact_chunk__unpack(NULL, message.size, message.data);
    if (chunk == NULL || fetch->range.size + chunk->data.len > RANGE) {
        pt_rpc_stream_cancel(fetch->stream);
    } else {
        pt_buf_append(&fetch->range, chunk->data.data, chunk->data.len);
    }
    patronus__v1__artifact_chunk__free_unpacked(chunk, NULL);
}

static void on_range_end(void *arg, const struct pt_error *error)
{
    struct fetch *fetch = arg;
    fetch->stream = NULL;
    if (fetch->artifacts->closing) {
        return; /* who closes frees it */
    }
    if (fetch->range.size > 0) { /* also what came before a break */
        submit(fetch, write_work, write_done);
    } else {
        fetch_fail(fetch, error != NULL ? error->code : PT_UNAVAILABLE,
                   error != NULL ? error->text : "the source sent nothing");
    }
}

static void ask(struct fetch *fetch)
{
    static const struct pt_rpc_stream_ops ops = {.on_message = on_chunk, .on_end = on_range_end};
    Patronus__V1__DownloadArtifactRequest request = PATRONUS__V1__DOWNLOAD_ARTIFACT_REQUEST__INIT;
    request.name = fetch->name;
    request.offset = pt_artifact_written(fetch->writer);
    request.limit = RANGE;
    PT_AUTO(buf) struct pt_buf data = {0};
    size_t size = patronus__v1__download_artifact_request__get_packed_size(&request);
    (void)patronus__v1__download_artifact_request__pack(&request, pt_buf_reserve(&data, size));
    data.size = size;
    fetch->stream = pt_rpc_stream_open(fetch->channel, DOWNLOAD, NULL, 0, &ops, fetch);
    (void)pt_rpc_stream_send(fetch->stream, pt_buf_bytes(&data)); /* one message fits any queue */
    pt_rpc_stream_half_close(fetch->stream);
}

/* ---- where from ----------------------------------------------------------------------------------------------- */

struct sources {
    const char *self, *first;
    struct pt_arena *arena;
    const char *addresses[SOURCES_MAX];
    size_t len;
};

static bool add_source(void *arg, const char *name, const struct pt_msg *msg)
{
    struct sources *sources = arg;
    const char *address = pt_msg_str(msg, "api_address");
    if (strcmp(name, sources->self) == 0 || address[0] == '\0') {
        return true;
    }
    const char *copy = pt_arena_strdup(sources->arena, address);
    if (strcmp(name, sources->first) == 0 && sources->len > 0) {
        sources->addresses[sources->len++] = sources->addresses[0];
        sources->addresses[0] = copy;
    } else {
        sources->addresses[sources->len++] = copy;
    }
    return sources->len < SOURCES_MAX;
}

static bool choose_source(struct fetch *fetch, const char *offered_by, unsigned times)
{
    struct pt_controller *controller = fetch->artifacts->controller;
    struct pt_arena arena;
    pt_arena_init(&arena);
    struct sources sources = {.self = controller->options.identity.name, .first = offered_by, .arena = &arena};
    struct pt_view *view = pt_view_new(controller->machine);
    pt_view_scan(view, "controller", "", add_source, &sources);
    pt_view_free(view);
    if (sources.len > 0) {
        (void)snprintf(fetch->source, sizeof(fetch->source), "%s", sources.addresses[times % sources.len]);
    }
    pt_arena_fini(&arena);
    return sources.len > 0;
}

static void open_done(void *arg)
{
    struct fetch *fetch = arg;
    if (!back(fetch)) {
        return;
    }
    if (pt_artifact_written(fetch->writer) == fetch->size) {
        submit(fetch, finish_work, finish_done); /* nothing was missing but the end */
    } else {
        ask(fetch);
    }
}

static void start(struct pt_artifacts *artifacts, const struct pt_artifact_wanted *wanted, unsigned times)
{
    struct pt_controller *controller = artifacts->controller;
    struct fetch *fetch = calloc(1, sizeof(*fetch));
    pt_assert(fetch != NULL);
    fetch->artifacts = artifacts;
    fetch->size = wanted->size;
    (void)snprintf(fetch->name, sizeof(fetch->name), "%s", wanted->name);
    (void)snprintf(fetch->digest, sizeof(fetch->digest), "%s", wanted->digest);
    pt_list_push_back(&artifacts->fetches, &fetch->node);
    artifacts->fetches_len++;
    if (!choose_source(fetch, wanted->offered_by, times)) {
        fetch_end(fetch);
        return;
    }
    const struct pt_rpc_channel_options options = {.fabric = controller->options.fabric,
                                                   .address = fetch->source,
                                                   .beside = controller->closing ? NULL : controller->server,
                                                   .credentials = {.cert_pem = controller->cert_pem,
                                                                   .key_pem = controller->key_pem,
                                                                   .ca_pem = controller->ca_pem}};
    struct pt_error error = {0};
    if (pt_rpc_channel_new(controller->sys, &options, &fetch->channel, &error) != PT_OK) {
        fetch_fail(fetch, error.code, error.text);
        return;
    }
    pt_artifacts_touch(artifacts, fetch->digest, false);
    submit(fetch, open_work, open_done);
}

static bool under_way(const struct pt_artifacts *artifacts, const char *digest)
{
    PT_LIST_FOREACH (node, &artifacts->fetches) {
        if (strcmp(PT_CONTAINER(node, struct fetch, node)->digest, digest) == 0) {
            return true;
        }
    }
    return false;
}

void pt_artifact_fetch_more(struct pt_artifacts *artifacts)
{
    uint64_t now = pt_sys_now_ms(artifacts->controller->sys);
    for (size_t i = 0; i < artifacts->wanted_len && artifacts->fetches_len < PT_ARTIFACT_FETCHES_MAX; i++) {
        const struct pt_artifact_wanted *wanted = &artifacts->wanted[i];
        if (wanted->deleted || wanted->state == PATRONUS__V1__ARTIFACT_STATE__ARTIFACT_STATE_UNSPECIFIED ||
            pt_artifacts_has(artifacts, wanted->digest) || under_way(artifacts, wanted->digest)) {
            continue;
        }
        const struct tried *tried = pt_map_get_str(&artifacts->tried, wanted->digest);
        if (tried == NULL || now >= tried->again_ms) {
            start(artifacts, wanted, tried != NULL ? tried->times : 0);
        }
    }
}

void pt_artifact_fetch_close(struct pt_artifacts *artifacts)
{
    PT_LIST_FOREACH_SAFE (node, &artifacts->fetches) {
        struct fetch *fetch = PT_CONTAINER(node, struct fetch, node);
        struct pt_rpc_channel *channel = fetch->channel;
        fetch->channel = NULL;
        pt_rpc_channel_free(channel); /* ends the stream */
        if (!fetch->busy) {
            fetch_free(fetch); /* else its work's end does */
        }
    }
}

void pt_artifact_fetch_forget(struct pt_artifacts *artifacts)
{
    PT_LIST_FOREACH_SAFE (node, &artifacts->fetches) {
        fetch_free(PT_CONTAINER(node, struct fetch, node));
    }
}
