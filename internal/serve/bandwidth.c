/*
 * MeasureBandwidth: the leader asks the edge that a path begins at, by the stream that it has open, and answers the
 * call when the edge does.
 *
 *    call --> path in the newest plan --> its edge's stream: BandwidthOrder --> ... --> BandwidthReport --> reply
 *
 * A call waits for WAIT_NS at most; an edge of an older version drops the order, and an edge that left says nothing.
 * The edge limits how often it measures, so nothing is counted here but how many calls wait.
 */
#include "serve/controller_priv.h"

#include "base/assert.h"
#include "mod/te/te.h"
#include "patronus/v1/agent.pb-c.h"
#include "patronus/v1/te.pb-c.h"
#include "plan/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_NS 15000000000ULL
#define WAITING_MAX 256U
#define RETRY_MS 10000 /* what an edge that refuses for the time being asks for */

struct measurement {
    struct pt_list node; /* controller->measurements */
    struct pt_serve_call *call;
    uint64_t request, path, deadline_ns;
    char edge[PT_NAME_SIZE_MAX + 1], name[PT_NAME_SIZE_MAX + 1];
};

static void measurement_free(struct measurement *m)
{
    m->call->controller->measurements_len--;
    pt_list_remove(&m->node);
    pt_serve_call_unref(m->call);
    free(m);
}

static void refuse(struct measurement *m, enum pt_code code, enum pt_reason reason, uint32_t retry_ms, const char *text)
{
    struct pt_error error = {0};
    (void)pt_fail(&error, code, reason, "name", "%s", text);
    error.retry_ms = retry_ms;
    pt_serve_fail(m->call, &error);
    measurement_free(m);
}

/* ---- which path, which edge ----------------------------------------------------------------------------------- */

uint64_t pt_serve_path_id(struct pt_controller *controller, const char *name, struct pt_arena *arena)
{
    const struct pt_plan_pass *pass = pt_push_pass(controller->push);
    const struct pt_message_type *kind = pt_schema_message(controller->schema, "patronus.v1.Path");
    size_t len = 0;
    struct te_view_item *items = pass != NULL ? te_view_paths(pass, kind, arena, &len) : NULL;
    for (size_t i = 0; i < len; i++) {
        if (strcmp(pt_msg_str(items[i].msg, "name"), name) == 0) {
            return items[i].path_id;
        }
    }
    return 0;
}

struct pt_edge_session *pt_serve_path_session(struct pt_controller *controller, uint64_t path)
{
    PT_LIST_FOREACH (node, &controller->sessions) {
        struct pt_edge_session *session = PT_CONTAINER(node, struct pt_edge_session, node);
        if (session->greeted && pt_push_may_report(controller->push, session->edge, path)) {
            return session;
        }
    }
    return NULL;
}

/* ---- the call ------------------------------------------------------------------------------------------------- */

static bool read_request(struct pt_serve_call *call, struct pt_bytes data, struct pt_arena *arena,
                         struct pt_msg **ret_request)
{
    const struct pt_parse_options options = {.unknown = PT_UNKNOWN_REFUSE};
    struct pt_error error = {0};
    enum pt_code code = pt_msg_parse(call->method->input, data, &options, arena, ret_request, &error);
    if (code == PT_OK) {
        code = pt_msg_check(*ret_request, PT_RULE_CREATE, &error);
    }
    if (code != PT_OK) {
        pt_serve_fail(call, &error);
    }
    return code == PT_OK;
}

static void order(struct pt_serve_call *call, const char *name, uint64_t max_bps, uint64_t path,
                  struct pt_edge_session *session)
{
    struct pt_controller *controller = call->controller;
    struct measurement *m = calloc(1, sizeof(*m));
    pt_assert(m != NULL);
    pt_serve_call_ref(call);
    m->call = call;
    m->request = ++controller->measurement_newest;
    m->path = path;
    m->deadline_ns = pt_sys_now_ns(controller->sys) + WAIT_NS;
    (void)snprintf(m->edge, sizeof(m->edge), "%s", session->edge);
    (void)snprintf(m->name, sizeof(m->name), "%s", name);
    pt_list_push_back(&controller->measurements, &m->node);
    controller->measurements_len++;
    Patronus__V1__BandwidthOrder what = PATRONUS__V1__BANDWIDTH_ORDER__INIT;
    what.request = m->request;
    what.path = path;
    what.max_rate_bps = max_bps;
    Patronus__V1__ControllerMessage message = PATRONUS__V1__CONTROLLER_MESSAGE__INIT;
    message.message_case = PATRONUS__V1__CONTROLLER_MESSAGE__MESSAGE_BANDWIDTH;
    message.bandwidth = &what;
    pt_edge_send(session, &message);
}

static void on_message(struct pt_serve_call *call, struct pt_bytes data)
{
    struct pt_controller *controller = call->controller;
    struct pt_arena arena;
    struct pt_msg *request = NULL;
    pt_arena_init(&arena);
    if (read_request(call, data, &arena, &request)) {
        const char *name = pt_msg_str(request, "name");
        uint64_t path = pt_serve_path_id(controller, name, &arena);
        struct pt_edge_session *session = path != 0 ? pt_serve_path_session(controller, path) : NULL;
        if (path == 0) {
            pt_serve_refuse(call, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "there is no '%.200s'", name);
        } else if (session == NULL) {
            pt_serve_refuse(call, PT_UNAVAILABLE, PT_REASON_NONE, "the edge that '%.200s' begins at is not connected",
                            name);
        } else if (controller->measurements_len >= WAITING_MAX) {
            pt_serve_refuse(call, PT_EXHAUSTED, PT_REASON_OVERLOADED, "%u measurements are under way already",
                            WAITING_MAX);
        } else {
            order(call, name, pt_msg_u64(request, "max_rate_bps"), path, session);
        }
    }
    pt_arena_fini(&arena);
}

const struct pt_serve_method pt_serve_measure_bandwidth = {
    .path = "/patronus.v1.TrafficEngineeringService/MeasureBandwidth", .on_message = on_message};

/* ---- the answer ----------------------------------------------------------------------------------------------- */

static void reply(struct measurement *m, const Patronus__V1__BandwidthReport *report)
{
    PT_AUTO(buf) struct pt_buf data = {0};
    Patronus__V1__MeasureBandwidthResponse response = PATRONUS__V1__MEASURE_BANDWIDTH_RESPONSE__INIT;
    response.name = m->name;
    response.rate_bps = report->rate_bps;
    response.low_bps = report->low_bps;
    response.high_bps = report->high_bps;
    response.trains = report->trains;
    response.packets = report->packets;
    response.bytes = report->bytes;
    response.duration_ms = report->duration_ms;
    size_t size = patronus__v1__measure_bandwidth_response__get_packed_size(&response);
    (void)patronus__v1__measure_bandwidth_response__pack(&response, pt_buf_reserve(&data, size));
    data.size = size;
    pt_serve_reply(m->call, pt_buf_bytes(&data));
    measurement_free(m);
}

void pt_bandwidth_take(struct pt_edge_session *session, const Patronus__V1__BandwidthReport *report)
{
    PT_LIST_FOREACH_SAFE (node, &session->controller->measurements) {
        struct measurement *m = PT_CONTAINER(node, struct measurement, node);
        if (m->request != report->request || m->path != report->path || strcmp(m->edge, session->edge) != 0) {
            continue;
        }
        enum pt_code code = pt_code_from_grpc((int)report->code);
        if (code == PT_OK) {
            reply(m, report);
        } else {
            bool later = code == PT_EXHAUSTED;
            enum pt_reason reason = later                            ? PT_REASON_RATE_LIMITED
                                    : code == PT_FAILED_PRECONDITION ? PT_REASON_WRONG_STATE
                                                                     : PT_REASON_NONE;
            refuse(m, code, reason, later ? RETRY_MS : 0, report->error);
        }
        return;
    }
}

void pt_bandwidth_tick(struct pt_controller *controller)
{
    uint64_t now = pt_sys_now_ns(controller->sys);
    PT_LIST_FOREACH_SAFE (node, &controller->measurements) {
        struct measurement *m = PT_CONTAINER(node, struct measurement, node);
        if (now >= m->deadline_ns) {
            refuse(m, PT_UNAVAILABLE, PT_REASON_NONE, 0,
                   "the edge did not answer: its connection is gone, or it runs an older version");
        }
    }
}

void pt_bandwidth_forget(struct pt_controller *controller)
{
    PT_LIST_FOREACH_SAFE (node, &controller->measurements) {
        refuse(PT_CONTAINER(node, struct measurement, node), PT_UNAVAILABLE, PT_REASON_LEADER_CHANGED, 0,
               "the leader changed meanwhile; ask again");
    }
}

void pt_bandwidth_abandon(struct pt_controller *controller)
{
    PT_LIST_FOREACH_SAFE (node, &controller->measurements) {
        measurement_free(PT_CONTAINER(node, struct measurement, node));
    }
}
