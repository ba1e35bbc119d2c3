/*
 * Which version decides: promotion, rollback, and how many are kept.
 *
 * A promotion is one transaction: the LIVE version becomes SHADOW, the model names the other one, the other one becomes
 * LIVE. Nobody ever sees two, or none where there was one; what the state machine refuses (bytes that are not stored, a
 * signature that is missing) leaves everything as it was. A rollback is a promotion of the version before.
 */
#include "serve/artifact.h"

#include "base/assert.h"
#include "patronus/v1/model.pb-c.h"
#include "patronus/v1/replication.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KIND_MODEL 10
#define KIND_VERSION 11
#define DELETES_MAX 16 /* versions that one look at the models removes */

/* ---- one transaction ------------------------------------------------------------------------------------------ */

struct promotion {
    char name[PT_NAME_SIZE_MAX + 1];   /* Model */
    char next[PT_NAME_SIZE_MAX + 1];   /* ModelVersion that is to decide */
    char former[PT_NAME_SIZE_MAX + 1]; /* that decides; "" */
};

static ProtobufCBinaryData packed_version(Patronus__V1__Stage stage, uint8_t data[16])
{
    Patronus__V1__ModelVersion version = PATRONUS__V1__MODEL_VERSION__INIT;
    version.stage = stage;
    return (ProtobufCBinaryData){.data = data, .len = patronus__v1__model_version__pack(&version, data)};
}

static ProtobufCBinaryData packed_model(const struct promotion *promotion, uint8_t data[PT_NAME_SIZE_MAX + 16])
{
    Patronus__V1__Model model = PATRONUS__V1__MODEL__INIT;
    model.live_version = (char *)(uintptr_t)promotion->next;
    return (ProtobufCBinaryData){.data = data, .len = patronus__v1__model__pack(&model, data)};
}

static Patronus__V1__Mutation update_of(uint32_t kind_id, const char *name, char **path, ProtobufCBinaryData resource)
{
    Patronus__V1__Mutation mutation = PATRONUS__V1__MUTATION__INIT;
    mutation.verb = PATRONUS__V1__VERB__UPDATE;
    mutation.kind_id = kind_id;
    mutation.name = (char *)(uintptr_t)name;
    mutation.paths = path;
    mutation.n_paths = 1;
    mutation.resource = resource;
    return mutation;
}

static void answer(struct pt_serve_call *call, const struct pt_verdict *verdict)
{
    if (verdict->error.code != PT_OK) {
        pt_serve_fail(call, &verdict->error);
        return;
    }
    struct pt_view *view = pt_view_new(call->controller->machine);
    const struct pt_msg *model = pt_view_get(view, call->state);
    if (model != NULL) {
        PT_AUTO(buf) struct pt_buf reply = {0};
        pt_msg_encode(model, &reply);
        pt_serve_reply(call, pt_buf_bytes(&reply));
    } else {
        pt_serve_refuse(call, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "the model was deleted meanwhile");
    }
    pt_view_free(view);
}

static void propose(struct pt_serve_call *call, const struct promotion *promotion, const char *request_id)
{
    char *stage_path = (char *)(uintptr_t) "stage", *live_path = (char *)(uintptr_t) "live_version";
    uint8_t down[16], up[16], over[PT_NAME_SIZE_MAX + 16];
    Patronus__V1__Mutation items[] = {
        update_of(KIND_VERSION, promotion->former, &stage_path, packed_version(PATRONUS__V1__STAGE__SHADOW, down)),
        update_of(KIND_MODEL, promotion->name, &live_path, packed_model(promotion, over)),
        update_of(KIND_VERSION, promotion->next, &stage_path, packed_version(PATRONUS__V1__STAGE__LIVE, up)),
    };
    Patronus__V1__Mutation *mutations[] = {&items[0], &items[1], &items[2]};
    bool replaces = promotion->former[0] != '\0' && strcmp(promotion->former, promotion->next) != 0;
    Patronus__V1__Transaction transaction = PATRONUS__V1__TRANSACTION__INIT;
    transaction.mutations = mutations + (replaces ? 0 : 1);
    transaction.n_mutations = replaces ? 3 : 2;
    Patronus__V1__Caller who = PATRONUS__V1__CALLER__INIT;
    who.groups = (char **)(uintptr_t)call->caller.groups;
    who.n_groups = call->caller.groups_len;
    who.api_key = (char *)(uintptr_t)call->caller.api_key;
    who.source = (char *)(uintptr_t)call->caller.source;
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    command.format = 1;
    command.time_ns = pt_sys_wall_ns(call->controller->sys);
    command.principal = (char *)(uintptr_t)call->caller.principal;
    command.caller = &who;
    command.request_id = (char *)(uintptr_t)request_id;
    command.op_case = PATRONUS__V1__COMMAND__OP_TRANSACTION;
    command.transaction = &transaction;
    PT_AUTO(buf) struct pt_buf data = {0};
    pt_kind_command(&command, &data);
    call->state = pt_arena_strdup(&call->arena, promotion->name);
    pt_serve_propose(call, pt_buf_bytes(&data), answer);
}

/* ---- the two calls -------------------------------------------------------------------------------------------- */

static void copy_name(char to[PT_NAME_SIZE_MAX + 1], const char *from)
{
    (void)snprintf(to, PT_NAME_SIZE_MAX + 1, "%.*s", PT_NAME_SIZE_MAX, from);
}

/* Names as the newest state has them. False after answering. */
static bool fill(struct pt_serve_call *call, const char *name, bool back, struct promotion *promotion)
{
    struct pt_controller *controller = call->controller;
    const struct pt_message_type *kind = NULL;
    const char *wanted = back ? "model" : "modelVersion";
    struct pt_error error = {0};
    if (pt_name_parse(controller->schema, name, &kind, &error) != PT_OK ||
        strcmp(kind->resource->singular, wanted) != 0) {
        pt_serve_refuse(call, PT_INVALID_ARGUMENT, PT_REASON_NAME_INVALID, "'%.300s' is not the name of a %s", name,
                        wanted);
        return false;
    }
    copy_name(promotion->name, name);
    copy_name(promotion->next, name);
    if (!back) {
        pt_name_parent(name, promotion->name);
    }
    struct pt_view *view = pt_view_new(controller->machine);
    const struct pt_msg *model = pt_view_get(view, promotion->name);
    bool good = model != NULL;
    if (!good) {
        pt_serve_refuse(call, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "there is no model '%.300s'",
                        promotion->name);
    } else {
        copy_name(promotion->former, pt_msg_str(model, "live_version"));
        if (back) {
            copy_name(promotion->next, pt_msg_str(model, "previous_live_version"));
        }
        good = promotion->next[0] != '\0';
        if (!good) {
            pt_serve_refuse(call, PT_FAILED_PRECONDITION, PT_REASON_WRONG_STATE,
                            "no version was in use before the present one: promote the one that is meant");
        }
    }
    pt_view_free(view);
    return good;
}

static void on_barrier(void *arg, enum pt_code code, uint64_t index)
{
    struct pt_serve_call *call = arg;
    struct pt_arena arena;
    pt_arena_init(&arena);
    struct pt_msg *request = NULL;
    struct pt_error error = {0};
    struct promotion promotion = {0};
    bool back = call->custom == &pt_serve_rollback_model;
    (void)index;
    if (code != PT_OK) {
        pt_serve_fail_raft(call, code);
    } else if (!pt_serve_call_open(call)) {
        /* nobody waits any more */
    } else if (pt_msg_parse(call->method->input, call->request, NULL, &arena, &request, &error) != PT_OK ||
               pt_msg_check(request, PT_RULE_CREATE, &error) != PT_OK) {
        pt_serve_fail(call, &error);
    } else if (strlen(pt_msg_str(request, "request_id")) > PT_REQUEST_ID_SIZE_MAX) {
        pt_serve_refuse(call, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "a request id has at most %d bytes",
                        PT_REQUEST_ID_SIZE_MAX);
    } else if (fill(call, pt_msg_str(request, "name"), back, &promotion)) {
        propose(call, &promotion, pt_msg_str(request, "request_id"));
    }
    pt_arena_fini(&arena);
    pt_serve_call_unref(call);
}

/* What is LIVE now decides what the transaction holds: a quorum first confirms that this node knows. */
static void promote_message(struct pt_serve_call *call, struct pt_bytes message)
{
    if (call->request.data == NULL) { /* else it waited for the leader to be ready, and is kept already */
        uint8_t *copy = malloc(message.size + 1);
        pt_assert(copy != NULL);
        if (message.size > 0) {
            memcpy(copy, message.data, message.size);
        }
        call->request = (struct pt_bytes){.data = copy, .size = message.size};
    }
    pt_serve_call_ref(call);
    pt_raft_barrier(call->controller->raft, on_barrier, call);
}

const struct pt_serve_method pt_serve_promote_version = {.path = "/patronus.v1.ModelVersionService/PromoteModelVersion",
                                                         .on_message = promote_message};
const struct pt_serve_method pt_serve_rollback_model = {.path = "/patronus.v1.ModelService/RollbackModel",
                                                        .on_message = promote_message};

/* ---- retention ------------------------------------------------------------------------------------------------ */

struct kept { /* a version that may go */
    const char *name, *etag;
    int64_t time_ns;
};

struct retention {
    struct pt_controller *controller;
    struct pt_arena arena;
    const char *live, *previous;
    struct kept *items;
    size_t len, capacity;
    size_t deletes;
};

static bool add_version(void *arg, const char *name, const struct pt_msg *msg)
{
    struct retention *retention = arg;
    int64_t stage = pt_msg_i64(msg, "stage");
    if (stage == PATRONUS__V1__STAGE__CANARY || stage == PATRONUS__V1__STAGE__LIVE ||
        strcmp(name, retention->live) == 0 || strcmp(name, retention->previous) == 0) {
        return true;
    }
    if (retention->len == retention->capacity) {
        size_t capacity = retention->capacity == 0 ? 64 : retention->capacity * 2;
        struct kept *items = pt_arena_array(&retention->arena, capacity, sizeof(*items));
        if (retention->len > 0) {
            memcpy(items, retention->items, retention->len * sizeof(*items));
        }
        retention->items = items;
        retention->capacity = capacity;
    }
    retention->items[retention->len++] =
        (struct kept){.name = pt_arena_strdup(&retention->arena, name),
                      .etag = pt_arena_strdup(&retention->arena, pt_msg_str(msg, "etag")),
                      .time_ns = pt_msg_time(msg, "create_time")};
    return true;
}

static int oldest_first(const void *a, const void *b)
{
    const struct kept *x = a, *y = b;
    return x->time_ns != y->time_ns ? (x->time_ns > y->time_ns) - (x->time_ns < y->time_ns) : strcmp(x->name, y->name);
}

static void on_deleted(void *arg, enum pt_code code, uint64_t index)
{
    (void)arg;
    (void)code; /* looked at again with the next change */
    (void)index;
}

/* The etag keeps one that was promoted meanwhile. */
static void delete_version(struct retention *retention, const struct kept *kept)
{
    Patronus__V1__Mutation mutation = PATRONUS__V1__MUTATION__INIT;
    mutation.verb = PATRONUS__V1__VERB__DELETE;
    mutation.kind_id = KIND_VERSION;
    mutation.name = (char *)(uintptr_t)kept->name;
    mutation.etag = (char *)(uintptr_t)kept->etag;
    Patronus__V1__Mutation *mutations[] = {&mutation};
    Patronus__V1__Transaction transaction = PATRONUS__V1__TRANSACTION__INIT;
    transaction.n_mutations = 1;
    transaction.mutations = mutations;
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    command.format = 1;
    command.time_ns = pt_sys_wall_ns(retention->controller->sys);
    command.principal = (char *)(uintptr_t) "internal";
    command.op_case = PATRONUS__V1__COMMAND__OP_TRANSACTION;
    command.transaction = &transaction;
    PT_AUTO(buf) struct pt_buf data = {0};
    pt_kind_command(&command, &data);
    pt_raft_propose(retention->controller->raft, pt_buf_bytes(&data), on_deleted, NULL);
    retention->deletes++;
}

static bool look_at_model(void *arg, const char *name, const struct pt_msg *msg)
{
    struct retention *retention = arg;
    uint64_t keep = pt_msg_u64(msg, "keep_versions");
    if (keep == 0) {
        return true;
    }
    retention->len = retention->capacity = 0;
    retention->live = pt_arena_strdup(&retention->arena, pt_msg_str(msg, "live_version"));
    retention->previous = pt_arena_strdup(&retention->arena, pt_msg_str(msg, "previous_live_version"));
    struct pt_view *view = pt_view_new(retention->controller->machine);
    pt_view_scan(view, "modelVersion", name, add_version, retention);
    pt_view_free(view);
    if (retention->len > keep) {
        qsort(retention->items, retention->len, sizeof(*retention->items), oldest_first);
    }
    for (size_t i = 0; retention->len > keep && i < retention->len - keep && retention->deletes < DELETES_MAX; i++) {
        delete_version(retention, &retention->items[i]);
    }
    return retention->deletes < DELETES_MAX;
}

void pt_models_retain(struct pt_controller *controller)
{
    struct retention retention = {.controller = controller};
    pt_arena_init(&retention.arena);
    struct pt_view *view = pt_view_new(controller->machine);
    pt_view_scan(view, "model", "", look_at_model, &retention);
    pt_view_free(view);
    pt_arena_fini(&retention.arena);
}
