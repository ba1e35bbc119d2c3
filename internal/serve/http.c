/*
 * The HTTP listener of a controller: its table of routes, and who may ask.
 *
 *   GET /healthz   the loop turns: 200
 *   GET /readyz    can it serve? 200, or 503 with a line for each thing that is missing
 *   GET /metrics   Prometheus' text
 *
 * Deny by default: a request needs a credential, the same ones as on the API listener, one a request; and the
 * permission cluster.get. Health alone is open to this machine itself (loopback), for probes that can hold no
 * credential. What anybody is refused is audited as on the API listener.
 *
 * Answers come from this node's own state: a follower is asked about itself, also when nobody leads.
 */
#include "serve/controller_priv.h"

#include "base/assert.h"
#include "http/http.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BEHIND_ENTRIES_MAX 4096 /* committed and not applied: more is not ready */
#define TEXT "text/plain; charset=utf-8"
#define PERMISSION_OF "/patronus.v1.ClusterService/GetClusterStatus"

static unsigned status_of(enum pt_code code)
{
    switch (code) {
    case PT_UNAUTHENTICATED:
        return 401;
    case PT_PERMISSION_DENIED:
    case PT_NOT_FOUND:
        return 403;
    case PT_EXHAUSTED:
        return 429;
    case PT_UNAVAILABLE:
        return 503;
    default:
        return 500;
    }
}

/* ---- who asks -------------------------------------------------------------------------------------------------- */

static enum pt_code check(struct pt_serve_call *call, const struct pt_http_request *request, struct pt_error *reterr)
{
    struct pt_controller *controller = call->controller;
    call->caller.source = request->source;
    PT_TRY(pt_serve_identify(call, request->peer, request->authorization, reterr));
    if (strcmp(call->caller.principal, "anonymous") == 0) {
        return pt_fail(reterr, PT_UNAUTHENTICATED, PT_REASON_CREDENTIALS_MISSING, NULL,
                       "present a client certificate of this cluster, or an API key or token as authorization: Bearer");
    }
    uint64_t hold_ns = 0; /* nothing here is held: a page is asked for one by one */
    PT_TRY(pt_limits_request(controller, &call->caller, &hold_ns, reterr));
    struct pt_msg *message = pt_msg_new(&call->arena, call->method->input);
    return pt_kind_permit(controller->machine, &call->caller, call->method, message, pt_sys_wall_ns(controller->sys),
                          reterr);
}

/* False after refusing. */
static bool permitted(struct pt_controller *controller, struct pt_http_exchange *exchange)
{
    struct pt_serve_call call = {.controller = controller,
                                 .method = pt_schema_method(controller->schema, PERMISSION_OF),
                                 .caller = {.principal = "anonymous", .api_key = "", .source = ""},
                                 .credential_end_ns = INT64_MAX,
                                 .refs = 1};
    struct pt_error error = {0};
    pt_arena_init(&call.arena);
    enum pt_code code = check(&call, pt_http_request(exchange), &error);
    if (code != PT_OK) {
        pt_serve_note_denied(&call, pt_http_request(exchange)->path, &error);
        pt_http_refuse(exchange, status_of(code), "%s", error.text);
    }
    pt_arena_fini(&call.arena);
    return code == PT_OK;
}

/* ---- the routes ------------------------------------------------------------------------------------------------ */

static void healthz(void *arg, struct pt_http_exchange *exchange)
{
    if (pt_http_request(exchange)->loopback || permitted(arg, exchange)) {
        pt_http_reply(exchange, 200, TEXT, (struct pt_bytes){(const uint8_t *)"ok\n", 3});
    }
}

static bool certificate_good(const struct pt_controller *controller)
{
    struct pt_leaf_info info;
    int64_t now = pt_sys_wall_ns(controller->sys);
    return pt_leaf_read(controller->cert_pem, controller->ca_pem, now, false, &info, NULL) == PT_OK;
}

/* One line a condition; true when all hold. */
static bool put_ready(struct pt_controller *controller, struct pt_buf *out)
{
    struct pt_raft_status status = pt_raft_status(controller->raft);
    uint64_t behind = status.commit_index > status.applied_index ? status.commit_index - status.applied_index : 0;
    const struct {
        bool holds;
        const char *name, *otherwise;
    } conditions[] = {
        {!controller->closing && controller->closed == NULL, "running", "this controller is shutting down"},
        {!status.quarantined, "log", "the log ends below what was acknowledged; it waits for a snapshot of the leader"},
        {pt_serve_leader_heard(controller), "leader",
         "no leader is heard: does a majority of the voters run and reach each other?"},
        {behind <= BEHIND_ENTRIES_MAX, "applied", "too many committed entries are not applied yet"},
        {pt_store_failure(pt_kind_store(controller->machine)) == NULL, "store", "the database has failed"},
        {certificate_good(controller), "certificate", "this node's certificate is not valid now; is the clock right?"},
    };
    bool all = true;
    for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
        all = all && conditions[i].holds;
        pt_buf_printf(out, "%s %s%s%s\n", conditions[i].holds ? "ok" : "no", conditions[i].name,
                      conditions[i].holds ? "" : ": ", conditions[i].holds ? "" : conditions[i].otherwise);
    }
    return all;
}

static void readyz(void *arg, struct pt_http_exchange *exchange)
{
    if (!pt_http_request(exchange)->loopback && !permitted(arg, exchange)) {
        return;
    }
    PT_AUTO(buf) struct pt_buf text = {0};
    unsigned status = put_ready(arg, &text) ? 200 : 503;
    pt_http_reply(exchange, status, TEXT, pt_buf_bytes(&text));
}

static void metrics(void *arg, struct pt_http_exchange *exchange)
{
    if (!permitted(arg, exchange)) {
        return;
    }
    PT_AUTO(buf) struct pt_buf text = {0};
    pt_metrics_write(arg, &text);
    pt_http_reply(exchange, 200, "text/plain; version=0.0.4; charset=utf-8", pt_buf_bytes(&text));
}

static const struct pt_http_route routes[] = {
    {PT_HTTP_GET, "/healthz", 0, healthz},
    {PT_HTTP_GET, "/readyz", 0, readyz},
    {PT_HTTP_GET, "/metrics", 0, metrics},
};

enum pt_code pt_serve_open_http(struct pt_controller *controller, struct pt_error *reterr)
{
    if (controller->options.http_listen == NULL) {
        return PT_OK;
    }
    const struct pt_http_options options = {.sys = controller->sys,
                                            .listen = *controller->options.http_listen,
                                            .tls = controller->tls,
                                            .routes = routes,
                                            .routes_len = sizeof(routes) / sizeof(routes[0]),
                                            .arg = controller};
    return pt_http_open(&options, &controller->http, reterr);
}
