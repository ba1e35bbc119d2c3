/*
 * Diagnostics: an edge looks at its network because somebody asks, and tells reply by reply.
 *
 *    call -> whom, where? -> record in the log --committed--> order over the edge's stream
 *         <-- response <-- report <-- report, report, ... last report ------------'
 *
 * Nothing leaves an edge before the call stands in the audit log. The caller's end, or its credential's, stops the edge
 * at once. Limits: CALLS_MAX here, ORGANIZATION_MAX for an organization's edges together, EDGE_MAX for one edge (which
 * has limits of its own), streams a tenant as for watches. An edge that says nothing for SILENCE_MS longer than it may
 * is given up.
 */
#include "serve/controller_priv.h"

#include "base/assert.h"
#include "kind/tenant.h"
#include "patronus/v1/agent.pb-c.h"
#include "patronus/v1/diagnostics.pb-c.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALLS_MAX 64
#define ORGANIZATION_MAX 8
#define EDGE_MAX 4
#define SILENCE_MS 15000

struct diagnosing {
    struct pt_list node; /* controller->diagnosing */
    struct pt_serve_call *call;
    uint64_t id;                     /* of the question */
    char edge[PT_NAME_SIZE_MAX + 1]; /* Edge resource */
    bool asked;                      /* the edge works, and is told when nobody waits any more */
    bool full;                       /* the caller reads too slowly: pieces of a capture are left out until it does */
    uint64_t packets, left_out;      /* of a capture so far: in its pieces; of these in pieces that were left out */
    uint64_t silence_ms;             /* that is still in order */
    struct pt_timer *timer;
    Patronus__V1__DiagnosticOrder order; /* its request is the next one's */
    ProtobufCMessage *request;
};

/* ---- life ----------------------------------------------------------------------------------------------------- */

/* The edge need not go on. */
static void stop(struct diagnosing *d)
{
    struct pt_controller *controller = d->call->controller;
    bool leads = controller->leading && !controller->closing; /* else the edge's stream ends, which stops it too */
    struct pt_edge_session *session = d->asked && leads ? pt_edge_find(controller, d->edge) : NULL;
    if (session != NULL) {
        Patronus__V1__NodeQuestion question = PATRONUS__V1__NODE_QUESTION__INIT;
        question.question_case = PATRONUS__V1__NODE_QUESTION__QUESTION_STOP;
        question.stop = d->id;
        (void)pt_edge_ask(session, &question);
    }
    d->asked = false;
}

/* It hangs on the call: whoever ends the call frees it by on_end. */
static void on_end(struct pt_serve_call *call)
{
    struct diagnosing *d = call->state;
    if (d == NULL) {
        return;
    }
    stop(d);
    pt_limits_close_stream(call->controller, &call->caller);
    call->controller->diagnosing_len--;
    pt_list_remove(&d->node);
    pt_timer_free(d->timer);
    if (d->request != NULL) {
        protobuf_c_message_free_unpacked(d->request, NULL);
    }
    free(d);
    call->state = NULL;
}

static void on_silent(void *arg)
{
    struct diagnosing *d = arg;
    pt_serve_refuse(d->call, PT_UNAVAILABLE, PT_REASON_NONE,
                    "'%.200s' does not answer: it may be cut off, or older than the controllers", d->edge);
}

void pt_diagnose_forget(struct pt_controller *controller)
{
    PT_LIST_FOREACH_SAFE (node, &controller->diagnosing) {
        struct diagnosing *d = PT_CONTAINER(node, struct diagnosing, node);
        pt_serve_refuse(d->call, PT_UNAVAILABLE, PT_REASON_LEADER_CHANGED, "the leader changed: try again");
    }
}

void pt_diagnose_gone(struct pt_controller *controller, const char *edge)
{
    PT_LIST_FOREACH_SAFE (node, &controller->diagnosing) {
        struct diagnosing *d = PT_CONTAINER(node, struct diagnosing, node);
        if (d->asked && strcmp(d->edge, edge) == 0) {
            d->asked = false; /* what comes to the leader next knows nothing of it */
            pt_serve_refuse(d->call, PT_UNAVAILABLE, PT_REASON_NONE, "'%.200s' lost its connection: try again", edge);
        }
    }
}

/* ---- reports -------------------------------------------------------------------------------------------------- */

static const ProtobufCMessage *response_of(const Patronus__V1__DiagnosticReport *report)
{
    switch (report->response_case) {
    case PATRONUS__V1__DIAGNOSTIC_REPORT__RESPONSE_PING:
        return &report->ping->base;
    case PATRONUS__V1__DIAGNOSTIC_REPORT__RESPONSE_TRACEROUTE:
        return &report->traceroute->base;
    case PATRONUS__V1__DIAGNOSTIC_REPORT__RESPONSE_CAPTURE:
        return &report->capture->base;
    case PATRONUS__V1__DIAGNOSTIC_REPORT__RESPONSE_PROBE_PATH:
        return &report->probe_path->base;
    default:
        return NULL;
    }
}

static void pass_on(struct diagnosing *d, const ProtobufCMessage *response)
{
    PT_AUTO(buf) struct pt_buf data = {0};
    size_t size = protobuf_c_message_get_packed_size(response);
    (void)protobuf_c_message_pack(response, pt_buf_reserve(&data, size));
    data.size = size;
    if (d->call->rpc != NULL) {
        d->full = !pt_rpc_call_send(d->call->rpc, pt_buf_bytes(&data));
    }
}

/* A piece of a capture is left out while the caller has not read what waits for him, and what was in it is lost to him,
 * as he is told. Two pieces are not: the first, without which the others are no file, and the last, which says how many
 * there are and why it ends. */
static void pass_piece(struct diagnosing *d, const Patronus__V1__CaptureResponse *piece, bool last)
{
    bool first = d->packets == 0 && d->left_out == 0;
    uint64_t packets = piece->packets > d->packets ? piece->packets - d->packets : 0; /* in this one */
    d->packets = piece->packets;
    if (d->full && !first && !last) {
        d->left_out += packets;
        return;
    }
    Patronus__V1__CaptureResponse passed = *piece;
    passed.packets = d->packets - d->left_out;
    passed.lost = piece->lost + d->left_out;
    pass_on(d, &passed.base);
}

/* The edge knows its paths by number; a path is the organization's. */
static void pass_hop(struct diagnosing *d, const Patronus__V1__DiagnosticReport *report)
{
    Patronus__V1__TracerouteResponse hop = *report->traceroute;
    char name[PT_NAME_SIZE_MAX + 1] = "";
    if (report->path != 0) {
        (void)snprintf(name, sizeof(name), "%.*s/paths/p-%016" PRIx64, (int)pt_tenant_name_size(d->edge), d->edge,
                       report->path);
    }
    hop.path = name;
    pass_on(d, &hop.base);
}

static void on_report(struct diagnosing *d, const Patronus__V1__NodeAnswer *answer)
{
    const Patronus__V1__DiagnosticReport *report =
        answer->answer_case == PATRONUS__V1__NODE_ANSWER__ANSWER_DIAGNOSTIC ? answer->diagnostic : NULL;
    const ProtobufCMessage *response = report != NULL ? response_of(report) : NULL;
    bool capture = report != NULL && report->response_case == PATRONUS__V1__DIAGNOSTIC_REPORT__RESPONSE_CAPTURE;
    if (answer->error[0] != '\0' || report == NULL) {
        d->asked = false;
        pt_serve_refuse(d->call, PT_FAILED_PRECONDITION, PT_REASON_WRONG_STATE, "'%.160s' cannot: %.200s", d->edge,
                        answer->error);
        return;
    }
    if (response != NULL && response->descriptor->name != NULL &&
        strcmp(response->descriptor->name, d->call->method->output->full_name) == 0) {
        if (capture) {
            pass_piece(d, report->capture, report->last);
        } else if (report->response_case == PATRONUS__V1__DIAGNOSTIC_REPORT__RESPONSE_TRACEROUTE) {
            pass_hop(d, report);
        } else {
            pass_on(d, response);
        }
    }
    if (report->last) {
        d->asked = false;
        if (d->call->rpc != NULL) {
            pt_rpc_call_finish(d->call->rpc, NULL);
        }
        return;
    }
    pt_timer_start(d->timer, d->silence_ms, 0);
}

bool pt_diagnose_answer(struct pt_controller *controller, const char *edge, const Patronus__V1__NodeAnswer *answer)
{
    PT_LIST_FOREACH (node, &controller->diagnosing) {
        struct diagnosing *d = PT_CONTAINER(node, struct diagnosing, node);
        if (d->id == answer->id && d->asked && strcmp(d->edge, edge) == 0) {
            on_report(d, answer);
            return true;
        }
    }
    return false;
}

static void on_writable(struct pt_serve_call *call)
{
    struct diagnosing *d = call->state;
    if (d != NULL) {
        d->full = false;
    }
}

/* ---- asking --------------------------------------------------------------------------------------------------- */

/* It stands in the log: now the edge may. */
static void on_recorded(struct pt_serve_call *call, const struct pt_verdict *verdict)
{
    struct diagnosing *d = call->state;
    (void)verdict;
    if (d == NULL || call->rpc == NULL) {
        return; /* nobody waits any more */
    }
    struct pt_edge_session *session = pt_edge_find(call->controller, d->edge);
    Patronus__V1__NodeQuestion question = PATRONUS__V1__NODE_QUESTION__INIT;
    question.id = d->id;
    question.question_case = PATRONUS__V1__NODE_QUESTION__QUESTION_DIAGNOSTIC;
    question.diagnostic = &d->order;
    if (session == NULL || !pt_edge_ask(session, &question)) {
        pt_serve_refuse(call, PT_UNAVAILABLE, PT_REASON_NONE, "'%.200s' is not connected: try again when it is",
                        d->edge);
        return;
    }
    d->asked = true;
    pt_timer_start(d->timer, d->silence_ms, 0);
}

/* ---- limits --------------------------------------------------------------------------------------------------- */

static bool same_organization(const char *a, const char *b)
{
    size_t size = pt_tenant_name_size(a);
    return size == pt_tenant_name_size(b) && strncmp(a, b, size) == 0;
}

static enum pt_code has_room(struct pt_controller *controller, const char *edge, struct pt_error *reterr)
{
    size_t organization = 0, own = 0;
    PT_LIST_FOREACH (node, &controller->diagnosing) {
        const struct diagnosing *other = PT_CONTAINER(node, struct diagnosing, node);
        organization += same_organization(other->edge, edge);
        own += strcmp(other->edge, edge) == 0;
    }
    if (controller->diagnosing_len > CALLS_MAX || organization >= ORGANIZATION_MAX || own >= EDGE_MAX) {
        (void)pt_fail(reterr, PT_EXHAUSTED, PT_REASON_RATE_LIMITED, NULL,
                      "%s: end one, or try again when one has ended",
                      own >= EDGE_MAX                    ? "4 diagnostics run on this edge"
                      : organization >= ORGANIZATION_MAX ? "8 diagnostics run on edges of this organization"
                                                         : "64 diagnostics run");
        reterr->retry_ms = 1000;
        return PT_EXHAUSTED;
    }
    return PT_OK;
}

/* ---- whom, and where ------------------------------------------------------------------------------------------ */

/* The segment of the request, or else the edge's only one. Its wires are the edge's by construction: a segment that no
 * wire of the edge belongs to is refused. */
static enum pt_code find_segment(struct pt_view *view, const struct pt_msg *request, uint32_t *ret_vni,
                                 struct pt_error *reterr)
{
    const struct pt_msg *edge = pt_view_get(view, pt_msg_str(request, "edge"));
    const struct pt_msg_field *lans = edge != NULL ? pt_msg_field(edge, "lan_interfaces") : NULL;
    const char *wanted = pt_msg_str(request, "segment"), *found = "";
    if (edge == NULL) {
        return pt_fail(reterr, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "edge", "there is no '%.200s'",
                       pt_msg_str(request, "edge"));
    }
    for (size_t i = 0; lans != NULL && i < lans->len; i++) {
        const char *segment = pt_msg_str(lans->values[i].message, "segment");
        if (wanted[0] == '\0' && found[0] != '\0' && strcmp(found, segment) != 0) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_REQUIRED, "segment",
                           "the edge has wires of several segments: name one, for example '%.160s'", segment);
        }
        found = wanted[0] == '\0' || strcmp(wanted, segment) == 0 ? segment : found;
    }
    const struct pt_msg *segment = found[0] != '\0' ? pt_view_get(view, found) : NULL;
    *ret_vni = segment != NULL ? (uint32_t)pt_msg_u64(segment, "vni") : 0;
    return *ret_vni != 0 ? PT_OK
                         : pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_WRONG_STATE, "segment",
                                   "the edge has no wire of this segment: see its lan_interfaces");
}

static enum pt_code find_path(struct pt_controller *controller, const char *name, struct pt_arena *arena,
                              struct diagnosing *d, struct pt_error *reterr)
{
    d->order.path = pt_serve_path_id(controller, name, arena);
    if (d->order.path == 0) {
        return pt_fail(reterr, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "name", "there is no '%.200s'", name);
    }
    const struct pt_edge_session *session = pt_serve_path_session(controller, d->order.path);
    if (session == NULL) {
        return pt_fail(reterr, PT_UNAVAILABLE, PT_REASON_NONE, "name",
                       "the edge that '%.200s' begins at is not connected", name);
    }
    (void)snprintf(d->edge, sizeof(d->edge), "%s", session->edge);
    return PT_OK;
}

/* The request, for the edge: it has passed the walker. */
static void fill_order(struct diagnosing *d, struct pt_bytes message)
{
    const char *name = d->call->method->input->full_name;
    patronus__v1__diagnostic_order__init(&d->order);
#define UNPACK(type, case_, member)                                                         \
    if (strcmp(name, patronus__v1__##type##__descriptor.name) == 0) {                       \
        d->order.request_case = PATRONUS__V1__DIAGNOSTIC_ORDER__REQUEST_##case_;            \
        d->order.member = patronus__v1__##type##__unpack(NULL, message.size, message.data); \
        pt_assert(d->order.member != NULL);                                                 \
        d->request = &d->order.member->base;                                                \
        return;                                                                             \
    }
    UNPACK(ping_request, PING, ping)
    UNPACK(traceroute_request, TRACEROUTE, traceroute)
    UNPACK(capture_request, CAPTURE, capture)
    UNPACK(probe_path_request, PROBE_PATH, probe_path)
#undef UNPACK
    pt_assert(false);
}

/* What the rules of the schema cannot say: an explicit value that is not 0 has a lower bound too. */
static enum pt_code check_bounds(const struct pt_msg *request, struct pt_error *reterr)
{
    static const struct {
        const char *field;
        uint32_t least;
    } bounds[] = {{"interval_ms", 100}, {"timeout_ms", 100}, {"payload_size", 16},
                  {"snap_size", 64},    {"max_size", 1024},  {"duration_ms", 100}};
    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        bool there = pt_message_field(request->type, bounds[i].field) != NULL;
        uint64_t value = there ? pt_msg_u64(request, bounds[i].field) : 0;
        if (value != 0 && value < bounds[i].least) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, bounds[i].field,
                           "must be at least %u, or 0 for the default", bounds[i].least);
        }
    }
    return PT_OK;
}

static enum pt_code prepare(struct diagnosing *d, const struct pt_msg *request, struct pt_arena *arena,
                            struct pt_error *reterr)
{
    struct pt_controller *controller = d->call->controller;
    bool path = pt_message_field(request->type, "edge") == NULL;
    PT_TRY(check_bounds(request, reterr));
    if (path) {
        PT_TRY(find_path(controller, pt_msg_str(request, "name"), arena, d, reterr));
    } else {
        struct pt_view *view = pt_view_new(controller->machine);
        enum pt_code code = find_segment(view, request, &d->order.vni, reterr);
        pt_view_free(view);
        PT_TRY(code);
        (void)snprintf(d->edge, sizeof(d->edge), "%s", pt_msg_str(request, "edge"));
        if (pt_edge_find(controller, d->edge) == NULL) {
            return pt_fail(reterr, PT_UNAVAILABLE, PT_REASON_NONE, "edge",
                           "'%.200s' is not connected: try again when it is", d->edge);
        }
    }
    /* How long an edge may rightly say nothing. */
    static const char *const pauses[] = {"interval_ms", "timeout_ms", "duration_ms"};
    d->silence_ms = SILENCE_MS;
    for (size_t i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++) {
        bool there = pt_message_field(request->type, pauses[i]) != NULL;
        uint64_t pause_ms = there ? pt_msg_u64(request, pauses[i]) : 0;
        bool capture = there && strcmp(pauses[i], "duration_ms") == 0 && pause_ms == 0;
        d->silence_ms += capture ? 30000 : pause_ms;
    }
    return has_room(controller, d->edge, reterr);
}

static struct diagnosing *diagnosing_new(struct pt_serve_call *call)
{
    struct diagnosing *d = calloc(1, sizeof(*d));
    pt_assert(d != NULL);
    d->call = call;
    d->id = ++call->controller->question_id;
    d->timer = pt_timer_new(call->controller->sys, on_silent, d);
    pt_list_init(&d->node);
    return d;
}

static void on_message(struct pt_serve_call *call, struct pt_bytes message)
{
    const struct pt_parse_options options = {.unknown = PT_UNKNOWN_REFUSE};
    struct pt_msg *request = NULL;
    struct pt_error error = {0};
    enum pt_code code = pt_msg_parse(call->method->input, message, &options, &call->arena, &request, &error);
    code = code == PT_OK ? pt_msg_check(request, PT_RULE_CREATE, &error) : code;
    code = code == PT_OK ? pt_limits_open_stream(call->controller, &call->caller, &error) : code;
    if (code != PT_OK) {
        pt_serve_fail(call, &error);
        return;
    }
    struct diagnosing *d = diagnosing_new(call);
    call->state = d;
    call->controller->diagnosing_len++;
    fill_order(d, message);
    code = prepare(d, request, &call->arena, &error);
    pt_list_push_back(&call->controller->diagnosing, &d->node); /* now it counts */
    if (code != PT_OK) {
        pt_serve_fail(call, &error);
        return;
    }
    pt_serve_record(d->call, d->order.path != 0 ? pt_msg_str(request, "name") : d->edge, on_recorded);
}

#define METHOD(name)                                                                                           \
    {                                                                                                          \
        .path = "/patronus.v1.DiagnosticsService/" name, .on_message = on_message, .on_writable = on_writable, \
        .on_end = on_end                                                                                       \
    }
const struct pt_serve_method pt_serve_ping = METHOD("Ping");
const struct pt_serve_method pt_serve_traceroute = METHOD("Traceroute");
const struct pt_serve_method pt_serve_capture = METHOD("Capture");
const struct pt_serve_method pt_serve_probe_path = METHOD("ProbePath");
