/*
 * Dispatch: who calls, may he, and which way does the call go.
 *
 *   call -> method (schema) -> principal (certificate) -> access -> parse (the walker)
 *        -> mutation: leader: prepare -> propose -> verdict      follower: forward
 *        -> read:     stale: now; leader: barrier, then read     follower: forward
 *        -> custom:   the method's own handler
 *
 * Nothing of a call is looked at before the walker has passed it. A call that arrives while this node leads but is not
 * ready waits; it neither fails nor reads old state.
 */
#include "serve/artifact.h"
#include "serve/carrier.h"

#include "base/assert.h"
#include "base/limits.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct pt_serve_method *const methods[] = {
    &pt_serve_enroll,
    &pt_serve_renew,
    &pt_serve_status,
    &pt_serve_transfer,
    &pt_serve_watch,
    &pt_serve_health_check,
    &pt_serve_health_watch,
    &pt_serve_reflection_v1,
    &pt_serve_reflection_v1alpha,
    &pt_serve_edge_sync,
    &pt_serve_what_if,
    &pt_serve_explain_demand,
    &pt_serve_traffic_matrix,
    &pt_serve_list_solutions,
    &pt_serve_measure_bandwidth,
    &pt_serve_simulate_steering,
    &pt_serve_find_shadowed,
    &pt_serve_explain_flow,
    &pt_serve_explain_drop,
    &pt_serve_ping,
    &pt_serve_traceroute,
    &pt_serve_capture,
    &pt_serve_probe_path,
    &pt_serve_classify,
    &pt_serve_diagnose_site,
    &pt_serve_drain,
    &pt_serve_undrain,
    &pt_serve_issue_key,
    &pt_serve_test_permissions,
    &pt_serve_carry,
    &pt_serve_query_audit,
    &pt_serve_report_denied,
    &pt_serve_plan_change,
    &pt_serve_read_staged,
    &pt_serve_apply_change,
    &pt_serve_confirm_change,
    &pt_serve_roll_back_change,
    &pt_serve_list_revisions,
    &pt_serve_restore_revision,
    &pt_serve_backup,
    &pt_serve_upload_artifact,
    &pt_serve_download_artifact,
    &pt_serve_offer_artifact,
    &pt_serve_report_artifacts,
    &pt_serve_promote_version,
    &pt_serve_rollback_model,
    &pt_serve_list_authorities,
    &pt_serve_rotate_authority,
    &pt_serve_report_trust,
    &pt_serve_reseal_secrets,
    &pt_serve_issue_credential,
    &pt_serve_upgrade,
};

static const struct pt_serve_method *find_custom(const char *path)
{
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (strcmp(methods[i]->path, path) == 0) {
            return methods[i];
        }
    }
    return NULL;
}

/* ---- the life of a call -------------------------------------------------------------------------------------------
 */

void pt_serve_call_ref(struct pt_serve_call *call)
{
    call->refs++;
}

/* A call with the first block of its arena: who calls fits it, mostly. */
struct room {
    struct pt_serve_call call;
    PT_ARENA_LENT(memory, 768);
};

static void call_free(struct pt_serve_call *call)
{
    pt_shed_forget(call);
    pt_list_remove(&call->node);
    pt_list_remove(&call->waiting);
    pt_list_remove(&call->parcel);
    free((void *)(uintptr_t)call->request.data);
    pt_arena_fini(&call->arena);
    free(PT_CONTAINER(call, struct room, call));
}

void pt_serve_call_unref(struct pt_serve_call *call)
{
    pt_assert(call->refs > 0);
    if (--call->refs == 0) {
        call_free(call);
    }
}

void pt_serve_abandon_calls(struct pt_controller *controller)
{
    while (!pt_list_empty(&controller->calls)) { /* the end of one may be the end of others */
        struct pt_serve_call *call = PT_CONTAINER(controller->calls.next, struct pt_serve_call, node);
        call->rpc = NULL;
        if (call->custom != NULL && call->custom->on_end != NULL) {
            call->custom->on_end(call);
        }
        call_free(call);
    }
}

void pt_serve_end_streams(struct pt_controller *controller)
{
    PT_LIST_FOREACH_SAFE (node, &controller->calls) {
        struct pt_serve_call *call = PT_CONTAINER(node, struct pt_serve_call, node);
        if (call->custom == &pt_serve_watch || call->custom == &pt_serve_health_watch ||
            call->custom == &pt_serve_backup || call->custom == &pt_serve_carry ||
            call->custom == &pt_serve_upload_artifact || call->custom == &pt_serve_download_artifact ||
            call->custom == &pt_serve_reflection_v1 || call->custom == &pt_serve_reflection_v1alpha) {
            pt_serve_fail_raft(call, PT_CLOSED);
        }
    }
}

static void count(struct pt_controller *controller, enum pt_code code)
{
    controller->counters.calls[pt_code_grpc(code)]++;
}

void pt_serve_reply(struct pt_serve_call *call, struct pt_bytes reply)
{
    if (pt_serve_call_open(call)) {
        count(call->controller, PT_OK);
    }
    if (call->rpc != NULL) {
        (void)pt_rpc_call_send(call->rpc, reply); /* a unary call's queue takes its one reply */
        pt_rpc_call_finish(call->rpc, NULL);
    } else if (call->carrier != NULL) {
        pt_carrier_answer(call, NULL, reply);
    }
}

void pt_serve_fail(struct pt_serve_call *call, const struct pt_error *error)
{
    if (pt_serve_call_open(call)) {
        count(call->controller, error->code);
        if (!call->recorded) {
            pt_serve_note_denied(call, "", error);
        }
    }
    if (call->rpc != NULL) {
        pt_rpc_call_finish(call->rpc, error);
    } else if (call->carrier != NULL) {
        pt_carrier_answer(call, error, (struct pt_bytes){0});
    }
}

void pt_serve_refuse(struct pt_serve_call *call, enum pt_code code, enum pt_reason reason, const char *format, ...)
{
    struct pt_error error = {.code = code, .reason = reason, .denied = code == PT_PERMISSION_DENIED};
    va_list args;
    va_start(args, format);
    (void)vsnprintf(error.text, sizeof(error.text), format, args);
    va_end(args);
    pt_serve_fail(call, &error);
}

void pt_serve_fail_raft(struct pt_serve_call *call, enum pt_code code)
{
    switch (code) {
    case PT_NO_SPACE:
        pt_serve_refuse(call, PT_EXHAUSTED, PT_REASON_NO_SPACE,
                        "the leader's disk is full: free space in its data folder, then try again");
        break;
    case PT_EXHAUSTED:
        pt_serve_refuse(call, PT_EXHAUSTED, PT_REASON_OVERLOADED, "too many changes are under way: try again");
        break;
    case PT_CLOSED:
        pt_serve_refuse(call, PT_UNAVAILABLE, PT_REASON_SHUTTING_DOWN,
                        "this controller is shutting down: try again at another");
        break;
    default:
        pt_serve_refuse(call, PT_UNAVAILABLE, PT_REASON_LEADER_CHANGED,
                        "the leader changed while the call was under way; it may or may not have been carried out: try "
                        "again with the same request_id");
        break;
    }
}

/* ---- mutations ----------------------------------------------------------------------------------------------------
 */

static void on_proposed(void *arg, enum pt_code code, uint64_t index)
{
    struct pt_serve_call *call = arg;
    const struct pt_verdict *verdict = code == PT_OK ? pt_kind_verdict(call->controller->machine, index) : NULL;
    pt_fair_decided(call->controller);
    call->recorded = verdict != NULL; /* by the state machine, in the entry itself */
    if (code != PT_OK) {
        pt_serve_fail_raft(call, code);
    } else if (verdict == NULL) {
        pt_serve_fail_raft(call, PT_ABORTED);
    } else if (call->decided != NULL) {
        call->decided(call, verdict);
    } else if (verdict->error.code != PT_OK) {
        pt_serve_fail(call, &verdict->error);
    } else {
        pt_serve_reply(call, verdict->reply);
    }
    pt_serve_call_unref(call);
}

void pt_serve_propose(struct pt_serve_call *call, struct pt_bytes command,
                      void (*done)(struct pt_serve_call *call, const struct pt_verdict *verdict))
{
    call->decided = done;
    pt_serve_call_ref(call);
    pt_fair_proposed(call->controller);
    pt_raft_propose(call->controller->raft, command, on_proposed, call);
}

static void on_barrier(void *arg, enum pt_code code, uint64_t index);

/* A refusal that the state is the reason of is a read of it. A leader that was deposed while it slept does not know
 * that yet, and what it refuses may have become possible: a majority confirms first, as for reads. */
static bool refusal_is_read(const struct pt_serve_call *call, enum pt_code code)
{
    return code != PT_INVALID_ARGUMENT && !call->confirmed;
}

static void wait_ready(struct pt_serve_call *call, struct pt_bytes request);

static void mutate(struct pt_serve_call *call, const struct pt_msg *request, struct pt_bytes bytes)
{
    struct pt_controller *controller = call->controller;
    const struct pt_request_context context = {
        .caller = call->caller,
        .time_ns = pt_sys_wall_ns(controller->sys),
        .uid_hi = pt_sys_random_u64(controller->sys),
        .uid_lo = pt_sys_random_u64(controller->sys),
    };
    PT_AUTO(buf) struct pt_buf command = {0};
    PT_AUTO(buf) struct pt_buf reply = {0};
    bool validate_only = false;
    struct pt_error error = {0};
    enum pt_code code =
        pt_kind_prepare(controller->machine, call->method, request, &context, &command, &validate_only, &reply, &error);
    if (code == PT_OK) { /* he may, and the state allows it */
        bool wait = false;
        code = pt_serve_members_check(call, request, &wait, &error);
        if (wait) {
            wait_ready(call, bytes);
            return;
        }
    }
    if (code != PT_OK && refusal_is_read(call, code)) {
        pt_serve_keep_request(call, bytes);
        call->confirmed = true;
        pt_serve_call_ref(call);
        pt_raft_barrier(controller->raft, on_barrier, call);
    } else if (code != PT_OK) {
        pt_serve_fail_recorded(call, request, &error);
    } else if (validate_only) {
        if (pt_msg_bool(request, "validate_only")) { /* and not the stored answer to an earlier try */
            pt_serve_warn(call, &reply);
        }
        pt_serve_reply(call, pt_buf_bytes(&reply));
    } else {
        pt_serve_propose(call, pt_buf_bytes(&command), NULL);
    }
}

/* ---- reads --------------------------------------------------------------------------------------------------------
 */

static void read_now(struct pt_serve_call *call, const struct pt_msg *request, bool stale)
{
    struct pt_controller *controller = call->controller;
    PT_AUTO(buf) struct pt_buf reply = {0};
    struct pt_error error = {0};
    struct pt_soft_overlay overlay = pt_soft_overlay(controller);
    pt_kind_now(controller->machine, pt_sys_wall_ns(controller->sys));
    if (pt_kind_read(controller->machine, &call->caller, call->method, request, stale ? NULL : &overlay, &reply,
                     &error) != PT_OK) {
        pt_serve_fail_recorded(call, request, &error);
    } else {
        pt_serve_reply(call, pt_buf_bytes(&reply));
    }
}

/* Errors name fields as paths in the resource, whoever finds them: "site.location" of CreateSiteRequest is "location".
 */
static void name_in_resource(const struct pt_method_type *method, struct pt_error *error)
{
    for (size_t i = 0; method->kind != NULL && i < method->input->fields_len; i++) {
        const struct pt_field_type *body = &method->input->fields[i];
        size_t size = strlen(body->name);
        if (body->message == method->kind && strncmp(error->field, body->name, size) == 0 &&
            error->field[size] == '.') {
            memmove(error->field, error->field + size + 1, strlen(error->field + size + 1) + 1);
            return;
        }
    }
}

/* Parse the request; NULL after answering the call. */
static struct pt_msg *parse(struct pt_serve_call *call, struct pt_bytes request, struct pt_arena *arena)
{
    const struct pt_parse_options options = {.unknown = PT_UNKNOWN_REFUSE, .size_max = PT_MESSAGE_SIZE_MAX};
    struct pt_msg *msg = NULL;
    struct pt_error error = {0};
    if (pt_msg_parse(call->method->input, request, &options, arena, &msg, &error) != PT_OK) {
        name_in_resource(call->method, &error);
        pt_serve_fail(call, &error);
        return NULL;
    }
    return msg;
}

static void on_barrier(void *arg, enum pt_code code, uint64_t index)
{
    struct pt_serve_call *call = arg;
    (void)index;
    if (code != PT_OK) {
        pt_serve_fail_raft(call, code);
    } else if (pt_serve_call_open(call)) {
        struct pt_arena arena;
        pt_arena_init(&arena);
        struct pt_msg *request = parse(call, call->request, &arena);
        if (request != NULL && call->confirmed) {
            mutate(call, request, call->request);
        } else if (request != NULL) {
            read_now(call, request, false);
        }
        pt_arena_fini(&arena);
    }
    pt_serve_call_unref(call);
}

void pt_serve_keep_request(struct pt_serve_call *call, struct pt_bytes request)
{
    if (call->request.data == NULL) {
        uint8_t *copy = malloc(request.size + 1);
        pt_assert(copy != NULL);
        if (request.size > 0) {
            memcpy(copy, request.data, request.size);
        }
        call->request = (struct pt_bytes){.data = copy, .size = request.size};
    }
}

/* The leader is not ready: hold the call until it is. */
static void wait_ready(struct pt_serve_call *call, struct pt_bytes request)
{
    struct pt_controller *controller = call->controller;
    if (controller->waiting_len >= PT_SERVE_WAITING_LEN_MAX ||
        controller->waiting_size + request.size > PT_SERVE_WAITING_SIZE_MAX) {
        pt_serve_refuse(call, PT_UNAVAILABLE, PT_REASON_OVERLOADED,
                        "the leader was elected just now and too many calls wait for it: try again in a second");
        return;
    }
    pt_serve_keep_request(call, request);
    pt_serve_call_ref(call);
    controller->waiting_len++;
    controller->waiting_size += request.size;
    pt_list_push_back(&controller->waiting, &call->waiting);
}

static void handle_crud(struct pt_serve_call *call, struct pt_bytes request)
{
    struct pt_controller *controller = call->controller;
    struct pt_arena arena;
    PT_ARENA_LENT(memory, 8192);
    pt_arena_init_lent(&arena, memory, sizeof(memory));
    struct pt_msg *msg = parse(call, request, &arena);
    bool reads = call->method->verb == PT_VERB_GET || call->method->verb == PT_VERB_LIST;
    if (msg == NULL) {
        /* answered */
    } else if (reads && pt_msg_bool(msg, "stale") && !call->method->kind->resource->view) {
        read_now(call, msg, true);
    } else if (!controller->leading) {
        pt_serve_forward(call, request);
    } else if (!controller->ready) {
        wait_ready(call, request);
    } else if (reads) {
        pt_serve_keep_request(call, request);
        pt_serve_call_ref(call);
        pt_raft_barrier(controller->raft, on_barrier, call);
    } else if (!pt_fair_wait(call, request)) {
        mutate(call, msg, request);
    }
    pt_arena_fini(&arena);
}

static bool permit_custom(struct pt_serve_call *call, struct pt_bytes request);

static void handle(struct pt_serve_call *call, struct pt_bytes request)
{
    struct pt_controller *controller = call->controller;
    if (call->custom == NULL) {
        handle_crud(call, request);
    } else if (!call->permitted && !permit_custom(call, request)) {
        /* answered */
    } else if (call->method->level > pt_kind_level(controller->machine)) {
        pt_serve_refuse(call, PT_FAILED_PRECONDITION, PT_REASON_WRONG_STATE,
                        "this takes cluster level %" PRIu32 " and the cluster is at %" PRIu32
                        ": when every controller is upgraded, patronusctl cluster upgrade --finalize",
                        call->method->level, pt_kind_level(controller->machine));
    } else if (call->method->leader && !call->method->client_streaming && !controller->leading) {
        pt_serve_forward(call, request);
    } else if (call->method->leader && !call->method->client_streaming && !controller->ready) {
        wait_ready(call, request);
    } else {
        call->permitted = call->method->client_streaming; /* the first message names what is asked for */
        call->custom->on_message(call, request);
    }
}

/* Nobody hears its answer any more. */
static bool expired(const struct pt_serve_call *call)
{
    return call->rpc != NULL && pt_rpc_call_info(call->rpc)->deadline_ns <= pt_sys_now_ns(call->controller->sys);
}

void pt_serve_run(struct pt_serve_call *call)
{
    if (call->controller->closing) {
        pt_serve_fail_raft(call, PT_CLOSED);
    } else if (expired(call)) {
        pt_serve_refuse(call, PT_DEADLINE_EXCEEDED, PT_REASON_NONE,
                        "its turn did not come, or no leader was ready, within the call's deadline");
    } else if (pt_serve_call_open(call)) {
        handle(call, call->request);
    }
}

void pt_serve_run_waiting(struct pt_controller *controller)
{
    struct pt_list waiting;
    pt_list_init(&waiting);
    if (!controller->ready || controller->closing) {
        pt_fair_drain(controller);
    }
    struct pt_list *node = NULL;
    while ((node = pt_list_pop_front(&controller->waiting)) != NULL) {
        pt_list_push_back(&waiting, node);
    }
    controller->waiting_len = 0;
    controller->waiting_size = 0;
    while ((node = pt_list_pop_front(&waiting)) != NULL) {
        struct pt_serve_call *call = PT_CONTAINER(node, struct pt_serve_call, waiting);
        pt_serve_run(call);
        pt_serve_call_unref(call);
    }
}

/* ---- who may ------------------------------------------------------------------------------------------------------
 */

/* Doors, and the roles that certificates have for themselves. What bindings decide is asked where the request is
 * known: by the kind layer for CRUD, below for other methods. */
static enum pt_code check_door(const struct pt_serve_call *call, const struct pt_rpc_call_info *info,
                               struct pt_error *reterr)
{
    const struct pt_method_type *method = call->method;
    const struct pt_identity *peer = info->peer;
    if (info->door == PT_DOOR_AGENT && strcmp(method->role, "edge") != 0) {
        return pt_fail(reterr, PT_PERMISSION_DENIED, PT_REASON_PERMISSION_MISSING, NULL,
                       "this listener serves nodes only; use the API address");
    }
    if (method == &pt_carrier_method && peer != NULL && strcmp(peer->role, "controller") == 0) {
        return PT_OK;
    }
    if (method->role[0] != '\0' &&
        (info->door != PT_DOOR_AGENT || peer == NULL || strcmp(peer->role, method->role) != 0)) {
        return pt_fail(reterr, PT_PERMISSION_DENIED, PT_REASON_PERMISSION_MISSING, NULL,
                       "the method needs a certificate of role '%s' on the agent listener", method->role);
    }
    if (method->anonymous || method->role[0] != '\0') {
        return PT_OK;
    }
    if (strcmp(call->caller.principal, "anonymous") == 0) {
        return pt_fail(reterr, PT_UNAUTHENTICATED, PT_REASON_CREDENTIALS_MISSING, NULL,
                       "present a client certificate of this cluster, or an API key or token as authorization: Bearer");
    }
    if (strcmp(pt_identity_role(call->caller.principal), "edge") == 0) {
        return pt_fail(reterr, PT_PERMISSION_DENIED, PT_REASON_PERMISSION_MISSING, NULL,
                       "the caller lacks the permission '%s': a node has its own stream and nothing else",
                       method->permission);
    }
    return PT_OK;
}

/* A method that is neither CRUD nor open to everybody. False after answering the call. */
static bool permit_custom(struct pt_serve_call *call, struct pt_bytes request)
{
    const struct pt_method_type *method = call->method;
    if (method->anonymous || method->role[0] != '\0' || method->permission[0] == '\0') {
        return true; /* by what it carries; by its certificate; health and reflection, to whoever is known */
    }
    struct pt_arena arena;
    pt_arena_init(&arena);
    struct pt_msg *msg = parse(call, request, &arena);
    struct pt_error error = {0};
    bool permitted = msg != NULL && pt_kind_permit(call->controller->machine, &call->caller, method, msg,
                                                   pt_sys_wall_ns(call->controller->sys), &error) == PT_OK;
    if (msg != NULL && !permitted) {
        pt_serve_fail_recorded(call, msg, &error);
    }
    pt_arena_fini(&arena);
    return permitted;
}

/* ---- callbacks of the port -----------------------------------------------------------------------------------------
 */

static void refuse_call(struct pt_controller *controller, struct pt_rpc_call *rpc, const struct pt_error *error)
{
    const struct pt_rpc_call_info *info = pt_rpc_call_info(rpc);
    pt_log_info(controller->log, "refused", "method=%.128s peer=%s code=%s", info->method, info->peer_address,
                pt_code_name(error->code));
    count(controller, error->code);
    pt_rpc_call_finish(rpc, error);
}

static struct pt_serve_call *call_new(struct pt_controller *controller, struct pt_rpc_call *rpc,
                                      const struct pt_method_type *method, const struct pt_serve_method *custom)
{
    struct room *room = malloc(sizeof(*room));
    pt_assert(room != NULL);
    struct pt_serve_call *call = &room->call;
    *call = (struct pt_serve_call){.controller = controller,
                                   .rpc = rpc,
                                   .method = method,
                                   .custom = custom,
                                   .caller = {.principal = "anonymous", .api_key = "", .source = ""},
                                   .credential_end_ns = INT64_MAX,
                                   .refs = 1};
    pt_arena_init_lent(&call->arena, room->memory, sizeof(room->memory));
    pt_list_init(&call->node);
    pt_list_init(&call->waiting);
    pt_list_init(&call->parcel);
    return call;
}

struct pt_serve_call *pt_serve_call_parcel(struct pt_serve_call *stream, const struct pt_parcel_call *parcel)
{
    struct pt_controller *controller = stream->controller;
    struct pt_serve_call *call = call_new(controller, NULL, pt_schema_method(controller->schema, parcel->path), NULL);
    pt_list_push_back(&controller->calls, &call->node);
    return call;
}

void pt_serve_call_begin(struct pt_serve_call *call, const struct pt_parcel_call *parcel)
{
    struct pt_error error = {0};
    if (call->method == NULL || call->method->verb == PT_VERB_CUSTOM) {
        pt_serve_refuse(call, PT_UNIMPLEMENTED, PT_REASON_NONE, "there is no method '%.128s' to forward", parcel->path);
    } else if (pt_serve_believe(call, parcel->principal, parcel->caller, &error) != PT_OK) {
        pt_serve_fail(call, &error);
    } else {
        handle(call, parcel->request);
    }
}

/* limits.c says how many, now and then: a line each would cost as much. */
static void refuse_excess(struct pt_serve_call *call, uint64_t hold_ns, const struct pt_error *error)
{
    struct pt_controller *controller = call->controller;
    count(controller, error->code);
    if (pt_shed_hold(call, hold_ns, error)) {
        pt_list_push_back(&controller->calls, &call->node);
        pt_rpc_call_set_user(call->rpc, call);
    } else {
        pt_rpc_call_finish(call->rpc, error);
        pt_serve_call_unref(call);
    }
}

static void on_call(void *arg, struct pt_rpc_call *rpc)
{
    struct pt_controller *controller = arg;
    const struct pt_rpc_call_info *info = pt_rpc_call_info(rpc);
    const struct pt_method_type *method = pt_schema_method(controller->schema, info->method);
    const struct pt_serve_method *custom = NULL;
    if (method == NULL || method->verb == PT_VERB_CUSTOM) { /* one of the standard ones is in no list to search */
        custom = find_custom(info->method);
        method = custom == &pt_serve_carry ? &pt_carrier_method : method;
    }
    struct pt_error error = {0};
    if (method == NULL || (method->verb == PT_VERB_CUSTOM && custom == NULL)) {
        (void)pt_fail(&error, PT_UNIMPLEMENTED, PT_REASON_NONE, NULL,
                      "there is no method '%.128s'; reflection lists them", info->method);
        refuse_call(controller, rpc, &error);
        return;
    }
    if (controller->closing) {
        (void)pt_fail(&error, PT_UNAVAILABLE, PT_REASON_SHUTTING_DOWN, NULL, "this controller is shutting down");
        refuse_call(controller, rpc, &error);
        return;
    }
    struct pt_serve_call *call = call_new(controller, rpc, method, custom);
    if (pt_serve_authenticate(call, &error) != PT_OK || check_door(call, info, &error) != PT_OK) {
        pt_serve_note_denied(call, "", &error);
        pt_serve_call_unref(call);
        refuse_call(controller, rpc, &error);
        return;
    }
    uint64_t hold_ns = 0;
    if (!call->forwarded && pt_limits_request(controller, &call->caller, &hold_ns, &error) != PT_OK) {
        refuse_excess(call, hold_ns, &error);
        return;
    }
    pt_list_push_back(&controller->calls, &call->node);
    pt_rpc_call_set_user(rpc, call);
    if (!method->client_streaming) {
        pt_rpc_call_expect_one(rpc);
    }
    if (custom == NULL) { /* the standard methods: unary, and never slow but for want of a leader */
        pt_rpc_call_reply_one(rpc);
    }
    if (custom != NULL && custom->on_open != NULL) {
        custom->on_open(call);
    }
}

static void on_message(void *arg, struct pt_rpc_call *rpc, struct pt_bytes message)
{
    (void)arg;
    struct pt_serve_call *call = pt_rpc_call_user(rpc);
    if (call == NULL || call->shed) {
        return;
    }
    if (call->got_message && !call->method->client_streaming) {
        return; /* a second message of a unary call: the first one decides */
    }
    call->got_message = true;
    handle(call, message);
}

static void on_half_close(void *arg, struct pt_rpc_call *rpc)
{
    (void)arg;
    struct pt_serve_call *call = pt_rpc_call_user(rpc);
    if (call != NULL && call->custom != NULL && call->custom->on_half_close != NULL) {
        call->custom->on_half_close(call);
    }
}

static void on_writable(void *arg, struct pt_rpc_call *rpc)
{
    (void)arg;
    struct pt_serve_call *call = pt_rpc_call_user(rpc);
    if (call != NULL && call->custom != NULL && call->custom->on_writable != NULL) {
        call->custom->on_writable(call);
    }
}

static void on_end(void *arg, struct pt_rpc_call *rpc, bool cancelled)
{
    (void)arg;
    (void)cancelled;
    struct pt_serve_call *call = pt_rpc_call_user(rpc);
    if (call == NULL) {
        return;
    }
    call->rpc = NULL;
    pt_serve_forward_end(call);
    if (call->custom != NULL && call->custom->on_end != NULL) {
        call->custom->on_end(call);
    }
    pt_serve_call_unref(call);
}

const struct pt_rpc_handler *pt_serve_handler(void)
{
    static const struct pt_rpc_handler handler = {.on_call = on_call,
                                                  .on_message = on_message,
                                                  .on_half_close = on_half_close,
                                                  .on_writable = on_writable,
                                                  .on_end = on_end};
    return &handler;
}
