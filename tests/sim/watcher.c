/*
 * Watchers: streams that move from node to node by their resume tokens.
 *
 * Each keeps every event that it was given. In the end its list must be the history of the cluster from its first
 * bookmark on: nothing missing, nothing twice, in order.
 */
#include "nodes.h"

#include "base/assert.h"
#include "patronus/v1/policy.pb-c.h"
#include "patronus/v1/replication.pb-c.h"
#include "patronus/v1/watch.pb-c.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_MS 100
#define MOVE_MS 4000
#define NAME_LEN 64

struct seen {
    uint64_t revision;
    uint32_t type;
    char name[NAME_LEN];
};

struct watcher {
    struct world *world;
    unsigned number, target;
    struct pt_timer *timer;
    struct pt_rpc_stream *stream;
    bool started; /* the first bookmark has come */
    uint64_t start_revision, last_revision;
    char token[256];
    struct seen *events;
    size_t len, capacity, tokened_len; /* those that the token stands behind */
};

static void take_event(struct watcher *watcher, const Patronus__V1__WatchEvent *event)
{
    struct world *world = watcher->world;
    if (event->resume_token[0] != '\0') {
        (void)snprintf(watcher->token, sizeof(watcher->token), "%s", event->resume_token);
    }
    if (event->type == PATRONUS__V1__WATCH_EVENT_TYPE__BOOKMARK) {
        if (!watcher->started) {
            watcher->started = true;
            watcher->start_revision = watcher->last_revision = event->revision;
            watcher->len = 0;
        }
        watcher->tokened_len = watcher->len;
        return;
    }
    if (!watcher->started) {
        return; /* the state before the first bookmark is what lists check */
    }
    if (event->revision < watcher->last_revision || event->revision <= watcher->start_revision) {
        violate(world, "watcher %u: revision %" PRIu64 " after %" PRIu64, watcher->number, event->revision,
                watcher->last_revision);
    }
    if (watcher->len == watcher->capacity) {
        watcher->capacity = watcher->capacity == 0 ? 1024 : watcher->capacity * 2;
        watcher->events = realloc(watcher->events, watcher->capacity * sizeof(*watcher->events));
        pt_assert(watcher->events != NULL);
    }
    struct seen *seen = &watcher->events[watcher->len++];
    *seen = (struct seen){.revision = event->revision, .type = event->type};
    (void)snprintf(seen->name, sizeof(seen->name), "%.63s", event->name);
    watcher->last_revision = event->revision;
    if (event->resume_token[0] != '\0') {
        watcher->tokened_len = watcher->len;
    }
}

static void on_message(void *arg, struct pt_bytes message)
{
    struct watcher *watcher = arg;
    Patronus__V1__WatchEvent *event = patronus__v1__watch_event__unpack(NULL, message.size, message.data);
    if (event == NULL) {
        violate(watcher->world, "a watch event cannot be read");
        return;
    }
    if (watcher->world->violations == 0) {
        take_event(watcher, event);
    }
    patronus__v1__watch_event__free_unpacked(event, NULL);
}

static void on_end(void *arg, const struct pt_error *error)
{
    struct watcher *watcher = arg;
    watcher->stream = NULL;
    /* A transaction that broke off is sent again from its start. */
    watcher->len = watcher->tokened_len;
    watcher->last_revision = watcher->len > 0 ? watcher->events[watcher->len - 1].revision : watcher->start_revision;
    bool vague = error == NULL || error->code == PT_UNAVAILABLE || error->code == PT_CANCELLED ||
                 error->code == PT_DEADLINE_EXCEEDED || error->code == PT_EXHAUSTED || error->code == PT_INTERNAL;
    if (!vague) {
        violate(watcher->world, "watcher %u: %s: %.150s", watcher->number, pt_code_name(error->code), error->text);
    }
    pt_timer_start(watcher->timer, 1 + draw(watcher->world, RETRY_MS), 0);
}

static void dial(struct watcher *watcher)
{
    static const struct pt_rpc_stream_ops ops = {.on_message = on_message, .on_end = on_end};
    struct world *world = watcher->world;
    Patronus__V1__WatchRequest request = PATRONUS__V1__WATCH_REQUEST__INIT;
    Google__Protobuf__Duration interval = GOOGLE__PROTOBUF__DURATION__INIT;
    interval.seconds = 1;
    request.parent = (char *)(uintptr_t)(watcher->number == 0 ? "" : ORG);
    request.bookmark_interval = &interval;
    if (watcher->started) {
        request.resume_token = watcher->token;
    } else {
        request.send_initial = 1;
    }
    PT_AUTO(buf) struct pt_buf data = {0};
    size_t size = patronus__v1__watch_request__get_packed_size(&request);
    (void)patronus__v1__watch_request__pack(&request, pt_buf_reserve(&data, size));
    data.size = size;
    watcher->target = (unsigned)draw(world, CONTROLLERS_MAX);
    watcher->stream =
        pt_rpc_stream_open(world->channels[watcher->target], "/patronus.v1.WatchService/Watch", NULL, 0, &ops, watcher);
    (void)pt_rpc_stream_send(watcher->stream, pt_buf_bytes(&data));
    pt_rpc_stream_half_close(watcher->stream);
    pt_timer_start(watcher->timer, MOVE_MS / 4 + draw(world, MOVE_MS), 0);
}

static void on_timer(void *arg)
{
    struct watcher *watcher = arg;
    if (watcher->world->violations > 0) {
        return;
    }
    if (watcher->stream == NULL) {
        dial(watcher);
    } else {
        pt_rpc_stream_cancel(watcher->stream); /* on_end dials the next one */
    }
}

void watchers_init(struct world *world, size_t len)
{
    world->watchers = calloc(len, sizeof(*world->watchers));
    pt_assert(world->watchers != NULL);
    world->watchers_len = len;
    for (size_t i = 0; i < len; i++) {
        struct watcher *watcher = &world->watchers[i];
        *watcher = (struct watcher){.world = world, .number = (unsigned)i};
        watcher->timer = pt_timer_new(pt_sim_host(world->sim, world->client_host), on_timer, watcher);
        pt_timer_start(watcher->timer, 1 + draw(world, 1000), 0);
    }
}

void watchers_fini(struct world *world)
{
    for (size_t i = 0; i < world->watchers_len; i++) {
        pt_timer_free(world->watchers[i].timer);
        free(world->watchers[i].events);
    }
    free(world->watchers);
    world->watchers = NULL;
    world->watchers_len = 0;
}

bool watchers_reached(const struct world *world, uint64_t revision)
{
    for (size_t i = 0; i < world->watchers_len; i++) {
        if (!world->watchers[i].started || world->watchers[i].last_revision < revision) {
            return false;
        }
    }
    return true;
}

/* ---- against the history -------------------------------------------------------------------------------------- */

struct comparison {
    struct world *world;
    const struct watcher *watcher;
    size_t at;
};

static bool compare(void *arg, uint64_t revision, uint32_t ordinal, const char *name, struct pt_bytes data)
{
    static const uint32_t types[] = {0, PATRONUS__V1__WATCH_EVENT_TYPE__ADDED, PATRONUS__V1__WATCH_EVENT_TYPE__MODIFIED,
                                     PATRONUS__V1__WATCH_EVENT_TYPE__DELETED};
    struct comparison *comparison = arg;
    const struct watcher *watcher = comparison->watcher;
    (void)ordinal;
    bool wanted = revision > watcher->start_revision && name[0] != '!' && /* an audit record is not watched */
                  (watcher->number == 0 || strncmp(name, ORG "/", sizeof(ORG)) == 0 || strcmp(name, ORG) == 0);
    if (!wanted) {
        return true;
    }
    Patronus__V1__HistoryEvent *event = patronus__v1__history_event__unpack(NULL, data.size, data.data);
    const struct seen *seen = comparison->at < watcher->len ? &watcher->events[comparison->at] : NULL;
    if (event == NULL) {
        violate(comparison->world, "the history at %" PRIu64 " cannot be read", revision);
    } else if (seen == NULL) {
        violate(comparison->world, "watcher %u missed %" PRIu64 " (%s) and what follows", watcher->number, revision,
                name);
    } else if (seen->revision != revision || strncmp(seen->name, name, NAME_LEN - 1) != 0 ||
               event->verb > PATRONUS__V1__VERB__DELETE || seen->type != types[event->verb]) {
        violate(comparison->world, "watcher %u saw %" PRIu64 " %s (type %u) where the history has %" PRIu64 " %s (%u)",
                watcher->number, seen->revision, seen->name, seen->type, revision, name, (unsigned)event->verb);
    }
    if (event != NULL) {
        patronus__v1__history_event__free_unpacked(event, NULL);
    }
    comparison->at++;
    return comparison->world->violations == 0;
}

void watchers_check(struct world *world, struct controller_host *node)
{
    struct pt_store *store = pt_kind_store(pt_controller_machine(node->controller));
    for (size_t i = 0; i < world->watchers_len && world->violations == 0; i++) {
        struct comparison comparison = {.world = world, .watcher = &world->watchers[i]};
        struct pt_error error = {0};
        if (pt_store_history_scan(store, 0, 0, compare, &comparison, &error) != PT_OK) {
            violate(world, "the history cannot be read: %.150s", error.text);
        } else if (world->violations == 0 && comparison.at != comparison.watcher->len) {
            violate(world, "watcher %u saw %zu events more than happened", comparison.watcher->number,
                    comparison.watcher->len - comparison.at);
        }
    }
}
