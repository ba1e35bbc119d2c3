/*
 * Traffic engineering for callers: what if, drain and undrain, why this path, the matrix, the newest solutions.
 *
 * A question is copied into an arena of its own, answered by a worker on the newest pass, and replied to on the loop. A
 * drain is a question first: does the rest hold? Then it is an ordinary change of admin_state through consensus, and
 * then it waits until every connected node forwards by it; so that when the command returns, the traffic is off.
 */
#include "serve/controller_priv.h"

#include "base/assert.h"
#include "mod/te/ask.h"
#include "mod/te/matrix.h"
#include "mod/te/packed.h"
#include "mod/te/simulate.h"
#include "plan/plan.h"
#include "wire/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DRAIN_WAIT_NS 10000000000ULL

/* One question; it holds its call until it has been answered. */
struct question {
    struct pt_serve_call *call;
    struct pt_arena arena;
    struct pt_msg *request;
    const char *organization;
    ProtobufCMessage *response;
    enum pt_code code;
    struct pt_error error;
    void (*work)(struct question *question, const struct pt_plan_pass *pass);
    /* drain and undrain */
    const char *name; /* the site or link */
    bool drains;
    uint64_t began_ns;
    struct pt_push_wait wait;
};

static void question_free(struct question *question)
{
    pt_serve_call_unref(question->call);
    pt_arena_fini(&question->arena);
    free(question);
}

static void reply(struct pt_serve_call *call, const ProtobufCMessage *message)
{
    PT_AUTO(buf) struct pt_buf data = {0};
    size_t size = protobuf_c_message_get_packed_size(message);
    (void)protobuf_c_message_pack(message, pt_buf_reserve(&data, size));
    data.size = size;
    pt_serve_reply(call, pt_buf_bytes(&data));
}

/* A new question with its request checked against the schema's rules; NULL after refusing the call. */
static struct question *question_new(struct pt_serve_call *call, struct pt_bytes message)
{
    struct question *question = calloc(1, sizeof(*question));
    pt_assert(question != NULL);
    pt_arena_init(&question->arena);
    pt_serve_call_ref(call);
    question->call = call;
    question->began_ns = pt_sys_now_ns(call->controller->sys);
    const struct pt_parse_options options = {.unknown = PT_UNKNOWN_REFUSE};
    struct pt_error error = {0};
    uint8_t *copy = pt_arena_memdup(&question->arena, message.data, message.size);
    enum pt_code code = pt_msg_parse(call->method->input, (struct pt_bytes){.data = copy, .size = message.size},
                                     &options, &question->arena, &question->request, &error);
    if (code == PT_OK) {
        code = pt_msg_check(question->request, PT_RULE_CREATE, &error);
    }
    if (code != PT_OK) {
        pt_serve_fail(call, &error);
        question_free(question);
        return NULL;
    }
    return question;
}

static bool exists(struct pt_controller *controller, const char *name)
{
    struct pt_view *view = pt_view_new(controller->machine);
    bool found = pt_view_get(view, name) != NULL;
    pt_view_free(view);
    return found;
}

/* ---- asking a worker ------------------------------------------------------------------------------------------ */

static void on_work(void *arg, const struct pt_plan_pass *pass)
{
    struct question *question = arg;
    question->work(question, pass);
}

static void on_answer(void *arg)
{
    struct question *question = arg;
    if (question->code != PT_OK) {
        pt_serve_fail(question->call, &question->error);
    } else {
        reply(question->call, question->response);
    }
    question_free(question);
}

static void ask(struct question *question, void (*work)(struct question *question, const struct pt_plan_pass *pass),
                void (*done)(void *arg))
{
    struct pt_error error = {0};
    question->work = work;
    if (pt_push_ask(question->call->controller->push, on_work, done, question, &error) != PT_OK) {
        pt_serve_fail(question->call, &error);
        question_free(question);
    }
}

static bool parent_found(struct question *question)
{
    question->organization = pt_msg_str(question->request, "parent");
    if (exists(question->call->controller, question->organization)) {
        return true;
    }
    pt_serve_refuse(question->call, PT_NOT_FOUND, PT_REASON_PARENT_NOT_FOUND, "there is no '%.200s'",
                    question->organization);
    question_free(question);
    return false;
}

static void what_if_work(struct question *question, const struct pt_plan_pass *pass)
{
    struct te_changes *changes = NULL;
    Patronus__V1__WhatIfResponse *response = NULL;
    question->code = te_changes_read(pass, question->request, &question->arena, &changes, &question->error);
    if (question->code == PT_OK) {
        question->code =
            te_what_if(pass, changes, question->organization, &question->arena, &response, &question->error);
    }
    question->response = response != NULL ? &response->base : NULL;
}

static void what_if_message(struct pt_serve_call *call, struct pt_bytes message)
{
    struct question *question = question_new(call, message);
    if (question != NULL && parent_found(question)) {
        ask(question, what_if_work, on_answer);
    }
}

const struct pt_serve_method pt_serve_what_if = {.path = "/patronus.v1.TrafficEngineeringService/WhatIf",
                                                 .on_message = what_if_message};

static void explain_work(struct question *question, const struct pt_plan_pass *pass)
{
    Patronus__V1__ExplainDemandResponse *response = NULL;
    question->code = te_explain(
        pass, pt_msg_str(question->request, "source_site"), pt_msg_str(question->request, "destination_site"),
        pt_msg_child(question->request, "constraints"), &question->arena, &response, &question->error);
    question->response = response != NULL ? &response->base : NULL;
}

static void explain_message(struct pt_serve_call *call, struct pt_bytes message)
{
    struct question *question = question_new(call, message);
    if (question != NULL) {
        ask(question, explain_work, on_answer);
    }
}

const struct pt_serve_method pt_serve_explain_demand = {.path = "/patronus.v1.TrafficEngineeringService/ExplainDemand",
                                                        .on_message = explain_message};

/* ---- steering ------------------------------------------------------------------------------------------------- */

static bool measured_now(void *arg, uint64_t path_id, struct te_measure *ret_measure)
{
    const struct pt_controller *controller = arg;
    return pt_soft_measured(controller->soft, path_id, ret_measure);
}

/* On the loop, where the newest measurements are: one packet costs some dozens of comparisons. */
static void simulate_message(struct pt_serve_call *call, struct pt_bytes message)
{
    struct question *question = question_new(call, message);
    if (question == NULL) {
        return;
    }
    const struct pt_plan_pass *pass = pt_push_pass(call->controller->push);
    const struct te_measures measures = {.find = measured_now, .arg = call->controller};
    Patronus__V1__SimulateSteeringResponse *response = NULL;
    if (pass == NULL) {
        pt_serve_refuse(call, PT_UNAVAILABLE, PT_REASON_LEADER_CHANGED,
                        "the leader was elected just now and has no plan yet: try again in a second");
        question_free(question);
        return;
    }
    question->code = te_simulate(pass, &measures, question->request, &question->arena, &response, &question->error);
    question->response = response != NULL ? &response->base : NULL;
    on_answer(question);
}

const struct pt_serve_method pt_serve_simulate_steering = {
    .path = "/patronus.v1.SteeringPolicyService/SimulateSteering", .on_message = simulate_message};

static void shadowed_work(struct question *question, const struct pt_plan_pass *pass)
{
    Patronus__V1__FindShadowedRulesResponse *response = NULL;
    te_shadowed(pass, question->organization, &question->arena, &response);
    question->response = &response->base;
}

static void shadowed_message(struct pt_serve_call *call, struct pt_bytes message)
{
    struct question *question = question_new(call, message);
    if (question != NULL && parent_found(question)) {
        ask(question, shadowed_work, on_answer);
    }
}

const struct pt_serve_method pt_serve_find_shadowed = {.path = "/patronus.v1.SteeringPolicyService/FindShadowedRules",
                                                       .on_message = shadowed_message};

/* ---- solutions ------------------------------------------------------------------------------------------------ */

/* Who may ask everywhere gets solutions whole, so that they can be computed again; others what is theirs of them. */
static bool sees_all(const struct pt_serve_call *call)
{
    struct pt_controller *controller = call->controller;
    return pt_kind_test_permission(controller->machine, &call->caller, call->method->permission, "", NULL,
                                   pt_sys_wall_ns(controller->sys));
}

/* The work of cutting out what is a tenant's is a worker's, and so is putting a reply together: a solution may be many
 * MiB. */
struct listing {
    struct question *question;
    struct pt_push_solution *held[PT_PUSH_SOLUTIONS_LEN];
    const struct te_packed *kept[PT_PUSH_SOLUTIONS_LEN];
    size_t len;
    bool whole;
    struct pt_buf answer;
};

static void listing_work(void *arg, const struct pt_plan_pass *pass)
{
    (void)pass; /* solutions of earlier ones */
    struct listing *listing = arg;
    const struct pt_msg *request = listing->question->request;
    const struct te_packed_question asked = {.organization = listing->whole ? NULL : listing->question->organization,
                                             .epoch = pt_msg_u64(request, "epoch"),
                                             .summary = pt_msg_bool(request, "summary"),
                                             .part = (uint32_t)pt_msg_u64(request, "part")};
    te_packed_answer(listing->kept, listing->len, &asked, &listing->answer);
}

static void listing_free(struct listing *listing)
{
    for (size_t i = 0; i < listing->len; i++) {
        pt_push_solution_unref(listing->held[i]);
    }
    pt_buf_fini(&listing->answer);
    question_free(listing->question);
    free(listing);
}

static void listing_done(void *arg)
{
    struct listing *listing = arg;
    pt_serve_reply(listing->question->call, pt_buf_bytes(&listing->answer));
    listing_free(listing);
}

static void solutions_message(struct pt_serve_call *call, struct pt_bytes message)
{
    struct question *question = question_new(call, message);
    if (question == NULL || !parent_found(question)) {
        return;
    }
    if (pt_msg_u64(question->request, "part") != 0 && pt_msg_u64(question->request, "epoch") == 0) {
        pt_serve_refuse(call, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID,
                        "part: say by `epoch` of which solution; a list of them with `summary` has their epochs");
        question_free(question);
        return;
    }
    struct listing *listing = calloc(1, sizeof(*listing));
    pt_assert(listing != NULL);
    listing->question = question;
    listing->whole = sees_all(call);
    struct pt_push *push = call->controller->push;
    struct pt_push_solution *solution = NULL;
    while (listing->len < PT_PUSH_SOLUTIONS_LEN && (solution = pt_push_solution_ref(push, listing->len)) != NULL) {
        listing->held[listing->len] = solution;
        listing->kept[listing->len++] = pt_push_solution_packed(solution);
    }
    struct pt_error error = {0};
    if (listing->len == 0) { /* and no pass whose question it could be */
        listing_done(listing);
    } else if (pt_push_ask(push, listing_work, listing_done, listing, &error) != PT_OK) {
        pt_serve_fail(call, &error);
        listing_free(listing);
    }
}

const struct pt_serve_method pt_serve_list_solutions = {.path = "/patronus.v1.TrafficEngineeringService/ListSolutions",
                                                        .on_message = solutions_message};

/* ---- matrix --------------------------------------------------------------------------------------------------- */

struct matrix {
    struct question *question;
    struct pt_map sites; /* 8 bytes of a label -> name */
    Patronus__V1__MatrixCell **cells;
    size_t len, capacity;
    uint64_t min_rate_bps, total_bps;
    int64_t now_ns;
};

static bool add_site(void *arg, const char *name, const struct pt_msg *msg)
{
    struct matrix *matrix = arg;
    uint8_t key[8];
    pt_put_be64(key, pt_msg_u64(msg, "site_label"));
    (void)pt_map_put(&matrix->sites, key, sizeof(key), pt_arena_strdup(&matrix->question->arena, name));
    return true;
}

static void add_cell(void *arg, const char *edge, uint32_t site_label, uint32_t traffic_class,
                     const struct te_series *series)
{
    struct matrix *matrix = arg;
    struct pt_arena *arena = &matrix->question->arena;
    const char *organization = matrix->question->organization;
    size_t size = strlen(organization);
    uint8_t key[8];
    pt_put_be64(key, site_label);
    const char *destination = pt_map_get(&matrix->sites, key, sizeof(key));
    const char *part = strstr(edge, "/edges/");
    struct te_series_summary summary = te_series_summarise(series, matrix->now_ns);
    if (strncmp(edge, organization, size) != 0 || edge[size] != '/' || destination == NULL || part == NULL ||
        (series->rate_bps < matrix->min_rate_bps && summary.p95_bps < matrix->min_rate_bps)) {
        return;
    }
    Patronus__V1__MatrixCell *cell = PT_NEW(arena, Patronus__V1__MatrixCell);
    patronus__v1__matrix_cell__init(cell);
    cell->source_site = pt_arena_strndup(arena, edge, (size_t)(part - edge));
    cell->destination_site = (char *)(uintptr_t)destination;
    cell->traffic_class = (Patronus__V1__TrafficClass)traffic_class;
    cell->rate_bps = series->rate_bps;
    cell->p50_bps = summary.p50_bps;
    cell->p95_bps = summary.p95_bps;
    cell->max_bps = summary.max_bps;
    cell->forecast_bps = summary.forecast_bps;
    cell->usual_bps = summary.usual_bps;
    cell->bytes = series->bytes;
    matrix->total_bps += series->rate_bps;
    if (matrix->len == matrix->capacity) {
        matrix->capacity = matrix->capacity == 0 ? 64 : matrix->capacity * 2;
        matrix->cells = realloc(matrix->cells, matrix->capacity * sizeof(Patronus__V1__MatrixCell *));
        pt_assert(matrix->cells != NULL);
    }
    matrix->cells[matrix->len++] = cell;
}

static int compare_cells(const void *a, const void *b)
{
    const Patronus__V1__MatrixCell *x = *(Patronus__V1__MatrixCell *const *)a;
    const Patronus__V1__MatrixCell *y = *(Patronus__V1__MatrixCell *const *)b;
    int order = strcmp(x->source_site, y->source_site);
    order = order != 0 ? order : strcmp(x->destination_site, y->destination_site);
    return order != 0 ? order : (int)x->traffic_class - (int)y->traffic_class;
}

static void matrix_message(struct pt_serve_call *call, struct pt_bytes message)
{
    struct question *question = question_new(call, message);
    if (question == NULL || !parent_found(question)) {
        return;
    }
    struct matrix matrix = {.question = question,
                            .min_rate_bps = pt_msg_u64(question->request, "min_rate_bps"),
                            .now_ns = pt_sys_wall_ns(call->controller->sys)};
    struct pt_view *view = pt_view_new(call->controller->machine);
    pt_view_scan(view, "site", question->organization, add_site, &matrix);
    pt_view_free(view);
    pt_soft_matrix(call->controller->soft, add_cell, &matrix);
    if (matrix.len > 0) {
        qsort(matrix.cells, matrix.len, sizeof(Patronus__V1__MatrixCell *), compare_cells);
    }
    Patronus__V1__GetTrafficMatrixResponse response = PATRONUS__V1__GET_TRAFFIC_MATRIX_RESPONSE__INIT;
    response.cells = matrix.cells;
    response.n_cells = matrix.len;
    response.total_bps = matrix.total_bps;
    response.interval_ms = TE_MATRIX_INTERVAL_MS;
    reply(call, &response.base);
    free(matrix.cells);
    pt_map_fini(&matrix.sites);
    question_free(question);
}

const struct pt_serve_method pt_serve_traffic_matrix = {
    .path = "/patronus.v1.TrafficEngineeringService/GetTrafficMatrix", .on_message = matrix_message};

/* ---- drain and undrain ---------------------------------------------------------------------------------------- */

static void drain_reply(struct question *question, uint32_t nodes)
{
    struct pt_controller *controller = question->call->controller;
    Patronus__V1__DrainResponse response = PATRONUS__V1__DRAIN_RESPONSE__INIT;
    struct pt_view *view = pt_view_new(controller->machine);
    const struct pt_msg *msg = pt_view_get(view, question->name);
    response.name = (char *)(uintptr_t)question->name;
    response.admin_state = msg != NULL ? (Patronus__V1__AdminState)pt_msg_i64(msg, "admin_state") : 0;
    response.effect = (Patronus__V1__WhatIfResponse *)question->response;
    response.nodes = nodes;
    response.took_ms = (uint32_t)((pt_sys_now_ns(controller->sys) - question->began_ns) / 1000000);
    reply(question->call, &response.base);
    pt_view_free(view);
}

static void drain_reached(void *arg, enum pt_code code, uint32_t nodes)
{
    struct question *question = arg;
    if (code == PT_OK) {
        drain_reply(question, nodes);
    } else if (code == PT_ABORTED) {
        pt_serve_refuse(question->call, PT_UNAVAILABLE, PT_REASON_LEADER_CHANGED,
                        "the change is made, but the leader changed before every connected node had it in force: call "
                        "again, which waits for them");
    } else {
        pt_serve_refuse(
            question->call, PT_DEADLINE_EXCEEDED, PT_REASON_NONE,
            "the change is made, but not every connected node has it in force yet: look at applied_generation "
            "with patronusctl list edges");
    }
    question_free(question);
}

static void wait_for_nodes(struct question *question, uint64_t revision)
{
    struct pt_controller *controller = question->call->controller;
    question->wait = (struct pt_push_wait){.revision = revision,
                                           .deadline_ns = pt_sys_now_ns(controller->sys) + DRAIN_WAIT_NS,
                                           .fn = drain_reached,
                                           .arg = question};
    pt_push_wait(controller->push, &question->wait);
}

static void drain_decided(struct pt_serve_call *call, const struct pt_verdict *verdict)
{
    struct question *question = call->state;
    call->state = NULL;
    if (verdict->error.code != PT_OK) {
        pt_serve_fail(call, &verdict->error);
        question_free(question);
        return;
    }
    if (!question->drains) {
        pt_push_ramp(call->controller->push, question->name, 0);
    }
    wait_for_nodes(question, verdict->revision);
}

/* The ordinary update of admin_state. */
static struct pt_msg *update_request(struct question *question, const struct pt_method_type *method)
{
    struct pt_arena *arena = &question->arena;
    struct pt_msg *request = pt_msg_new(arena, method->input);
    struct pt_msg *body = pt_msg_new(arena, method->kind);
    struct pt_msg *mask = pt_msg_new(arena, pt_message_field(method->input, "update_mask")->message);
    pt_msg_set_str(body, arena, "name", question->name);
    pt_msg_set_i64(body, arena, "admin_state",
                   question->drains ? PATRONUS__V1__ADMIN_STATE__DRAINED : PATRONUS__V1__ADMIN_STATE__ACTIVE);
    static const char path[] = "admin_state";
    pt_msg_append(mask, arena, "paths",
                  (union pt_value){.bytes = {.data = (const uint8_t *)path, .size = sizeof(path) - 1}});
    pt_msg_set_child(request, arena, method->kind->resource->singular, body);
    pt_msg_set_child(request, arena, "update_mask", mask);
    return request;
}

static void change_state(struct question *question)
{
    struct pt_serve_call *call = question->call;
    struct pt_controller *controller = call->controller;
    bool is_link = strstr(question->name, "/links/") != NULL;
    const struct pt_method_type *method = pt_schema_method(
        controller->schema, is_link ? "/patronus.v1.LinkService/UpdateLink" : "/patronus.v1.SiteService/UpdateSite");
    const struct pt_request_context context = {.caller = call->caller,
                                               .time_ns = pt_sys_wall_ns(controller->sys),
                                               .uid_hi = pt_sys_random_u64(controller->sys),
                                               .uid_lo = pt_sys_random_u64(controller->sys)};
    PT_AUTO(buf) struct pt_buf command = {0};
    PT_AUTO(buf) struct pt_buf answer = {0};
    bool nothing = false;
    struct pt_error error = {0};
    enum pt_code code = pt_kind_prepare(controller->machine, method, update_request(question, method), &context,
                                        &command, &nothing, &answer, &error);
    if (code != PT_OK || !controller->ready) {
        if (code == PT_OK) {
            pt_serve_fail_raft(call, PT_ABORTED);
        } else {
            pt_serve_fail(call, &error);
        }
        question_free(question);
    } else if (nothing) { /* it is so already, in a state that a plan may still be due for */
        struct pt_view *view = pt_view_new(controller->machine);
        pt_push_dirty(controller->push);
        wait_for_nodes(question, pt_view_revision(view));
        pt_view_free(view);
    } else {
        call->state = question;
        pt_serve_propose(call, pt_buf_bytes(&command), drain_decided);
    }
}

static void drain_work(struct question *question, const struct pt_plan_pass *pass)
{
    Patronus__V1__WhatIfResponse *response = NULL;
    question->code = te_drain_check(pass, question->name, &question->arena, &response, &question->error);
    question->response = response != NULL ? &response->base : NULL;
}

static void drain_checked(void *arg)
{
    struct question *question = arg;
    bool forced = pt_msg_bool(question->request, "force") && question->code == PT_FAILED_PRECONDITION;
    if (question->code != PT_OK && !forced) {
        pt_serve_fail(question->call, &question->error);
        question_free(question);
    } else if (pt_msg_bool(question->request, "validate_only")) {
        drain_reply(question, 0);
        question_free(question);
    } else {
        change_state(question);
    }
}

/* The site or link that the request names; NULL after refusing the call. */
static struct question *drain_question(struct pt_serve_call *call, struct pt_bytes message)
{
    struct question *question = question_new(call, message);
    if (question == NULL) {
        return NULL;
    }
    question->name = pt_msg_str(question->request, "name");
    const struct pt_message_type *kind = NULL;
    struct pt_error error = {0};
    enum pt_code code = pt_name_parse(call->controller->schema, question->name, &kind, &error);
    bool drainable = code == PT_OK &&
                     (strcmp(kind->resource->singular, "link") == 0 || strcmp(kind->resource->singular, "site") == 0);
    if (code == PT_OK && !drainable) {
        code = pt_fail(&error, PT_INVALID_ARGUMENT, PT_REASON_NAME_INVALID, "name",
                       "'%.200s' is neither a site nor a link", question->name);
    }
    if (code == PT_OK && !exists(call->controller, question->name)) {
        code = pt_fail(&error, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "name", "'%.200s' does not exist",
                       question->name);
    }
    if (code != PT_OK) {
        pt_serve_fail(call, &error);
        question_free(question);
        return NULL;
    }
    return question;
}

static void drain_message(struct pt_serve_call *call, struct pt_bytes message)
{
    struct question *question = drain_question(call, message);
    if (question != NULL) {
        question->drains = true;
        ask(question, drain_work, drain_checked);
    }
}

static void undrain_message(struct pt_serve_call *call, struct pt_bytes message)
{
    struct question *question = drain_question(call, message);
    if (question != NULL) {
        change_state(question);
    }
}

/* The proposal's end is lost with the call: what it was for goes too. */
static void drain_end(struct pt_serve_call *call)
{
    (void)call; /* the question holds the call until the proposal is decided */
}

const struct pt_serve_method pt_serve_drain = {
    .path = "/patronus.v1.TrafficEngineeringService/Drain", .on_message = drain_message, .on_end = drain_end};
const struct pt_serve_method pt_serve_undrain = {
    .path = "/patronus.v1.TrafficEngineeringService/Undrain", .on_message = undrain_message, .on_end = drain_end};
