/*
 * Watch streams: the kind layer makes the events; this file carries them, with the stream's queue as the brake.
 *
 * Any controller serves a watch from its own replicated history, so it survives a change of leader without notice.
 */
#include "serve/controller_priv.h"

#include "base/assert.h"

#include <stdlib.h>

struct serve_watch {
    struct pt_list node; /* controller->watches */
    struct pt_serve_call *call;
    struct pt_watch *watch;
};

static bool on_event(void *arg, struct pt_bytes event)
{
    struct serve_watch *watch = arg;
    watch->call->controller->counters.watch_events++;
    return watch->call->rpc == NULL || pt_rpc_call_send(watch->call->rpc, event);
}

static void on_error(void *arg, const struct pt_error *error)
{
    struct serve_watch *watch = arg;
    pt_serve_fail(watch->call, error);
}

static void watch_message(struct pt_serve_call *call, struct pt_bytes message)
{
    if (call->controller->watches_len >= PT_SERVE_WATCHES_MAX) {
        pt_serve_refuse(call, PT_EXHAUSTED, PT_REASON_OVERLOADED,
                        "this controller has %u watches open: end some, or ask another controller",
                        PT_SERVE_WATCHES_MAX);
        return;
    }
    struct pt_error error = {0};
    if (pt_limits_open_stream(call->controller, &call->caller, &error) != PT_OK) {
        pt_serve_fail(call, &error);
        return;
    }
    call->controller->watches_len++;
    struct serve_watch *watch = calloc(1, sizeof(*watch));
    pt_assert(watch != NULL);
    watch->call = call;
    call->state = watch;
    pt_list_push_back(&call->controller->watches, &watch->node);
    const struct pt_watch_options options = {
        .request = message, .caller = &call->caller, .on_event = on_event, .on_error = on_error, .arg = watch};
    pt_kind_now(call->controller->machine, pt_sys_wall_ns(call->controller->sys));
    if (pt_watch_open(call->controller->machine, &options, &watch->watch, &error) != PT_OK) {
        pt_serve_fail(call, &error);
    }
}

static void watch_writable(struct pt_serve_call *call)
{
    struct serve_watch *watch = call->state;
    if (watch != NULL && watch->watch != NULL) {
        pt_watch_resume(watch->watch);
    }
}

static void watch_end(struct pt_serve_call *call)
{
    struct serve_watch *watch = call->state;
    if (watch != NULL) {
        pt_watch_close(watch->watch);
        pt_list_remove(&watch->node);
        call->controller->watches_len--;
        pt_limits_close_stream(call->controller, &call->caller);
        free(watch);
        call->state = NULL;
    }
}

const struct pt_serve_method pt_serve_watch = {.path = "/patronus.v1.WatchService/Watch",
                                               .on_message = watch_message,
                                               .on_writable = watch_writable,
                                               .on_end = watch_end};
