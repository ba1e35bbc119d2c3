/*
 * Change sets and revisions for callers.
 *
 * Everything here is the leader's, asked after a quorum has confirmed that it leads: what is planned, read or refused
 * is an answer about the newest state. A plan is made in two parts: the state machine's, by a trial, and the
 * forwarding's, by a compute pass over the state that the trial left behind, on a worker.
 */
#include "serve/controller_priv.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#define NODES_LEN_MAX 256 /* that a plan names */
#define TYPE_URL_PREFIX "type.googleapis.com/"

/* One call, from its message to its answer. */
struct asked {
    struct pt_list node; /* controller->asked */
    struct pt_serve_call *call;
    struct pt_arena arena;
    struct pt_bytes bytes;   /* the request, in the arena */
    struct pt_msg *request;  /* parsed when the quorum has answered */
    struct pt_msg *response; /* of a plan, while forwarding is computed */
    void (*run)(struct asked *asked);
};

static void asked_free(struct asked *asked)
{
    pt_list_remove(&asked->node);
    pt_serve_call_unref(asked->call);
    pt_arena_fini(&asked->arena);
    free(asked);
}

void pt_serve_abandon_asked(struct pt_controller *controller)
{
    PT_LIST_FOREACH_SAFE (node, &controller->asked) {
        asked_free(PT_CONTAINER(node, struct asked, node));
    }
}

static void on_barrier(void *arg, enum pt_code code, uint64_t index)
{
    struct asked *asked = arg;
    (void)index;
    if (code != PT_OK) {
        pt_serve_fail_raft(asked->call, code);
    } else if (pt_serve_call_open(asked->call)) {
        pt_kind_now(asked->call->controller->machine, pt_sys_wall_ns(asked->call->controller->sys));
        asked->run(asked);
        return;
    }
    asked_free(asked);
}

/* Check the request against its rules, and hold it until this node is known to lead. */
static void ask(struct pt_serve_call *call, struct pt_bytes message, void (*run)(struct asked *asked))
{
    struct asked *asked = calloc(1, sizeof(*asked));
    pt_assert(asked != NULL);
    pt_arena_init(&asked->arena);
    pt_serve_call_ref(call);
    asked->call = call;
    pt_list_push_back(&call->controller->asked, &asked->node);
    asked->run = run;
    asked->bytes = (struct pt_bytes){pt_arena_memdup(&asked->arena, message.data, message.size), message.size};
    struct pt_error error = {0};
    enum pt_code code = pt_msg_parse(call->method->input, asked->bytes, NULL, &asked->arena, &asked->request, &error);
    if (code == PT_OK) {
        code = pt_msg_check(asked->request, PT_RULE_CREATE, &error);
    }
    if (code != PT_OK) {
        pt_serve_fail(call, &error);
        asked_free(asked);
        return;
    }
    pt_raft_barrier(call->controller->raft, on_barrier, asked);
}

static void answer(struct asked *asked, enum pt_code code, const struct pt_buf *reply, const struct pt_error *error)
{
    if (code != PT_OK) {
        pt_serve_fail_recorded(asked->call, asked->request, error);
    } else {
        pt_serve_reply(asked->call, pt_buf_bytes(reply));
    }
    asked_free(asked);
}

static struct pt_request_context context_of(const struct pt_serve_call *call)
{
    struct pt_sys *sys = call->controller->sys;
    return (struct pt_request_context){.caller = call->caller,
                                       .time_ns = pt_sys_wall_ns(sys),
                                       .uid_hi = pt_sys_random_u64(sys),
                                       .uid_lo = pt_sys_random_u64(sys)};
}

/* "organizations/acme/changeSets/c1" -> "organizations/acme" */
static const char *organization_of(struct asked *asked)
{
    const char *name = pt_msg_str(asked->request, "name");
    const char *rest = strchr(name, '/');
    rest = rest != NULL ? strchr(rest + 1, '/') : NULL;
    return rest != NULL ? pt_arena_strndup(&asked->arena, name, (size_t)(rest - name)) : name;
}

/* ---- plans ---------------------------------------------------------------------------------------------------- */

static void send_plan(struct asked *asked, const char *forwarding_error)
{
    PT_AUTO(buf) struct pt_buf reply = {0};
    pt_msg_set_bool(asked->response, &asked->arena, "forwarding_planned", forwarding_error[0] == '\0');
    pt_msg_set_str(asked->response, &asked->arena, "forwarding_error", forwarding_error);
    pt_msg_encode(asked->response, &reply);
    answer(asked, PT_OK, &reply, NULL);
}

static void on_planned(void *arg, const struct pt_push_try *result, const struct pt_error *error)
{
    struct asked *asked = arg;
    struct pt_arena *arena = &asked->arena;
    if (error != NULL) {
        send_plan(asked, error->text);
        return;
    }
    const struct pt_message_type *type = pt_message_field(asked->response->type, "nodes")->message;
    for (size_t i = 0; i < result->nodes_len && i < NODES_LEN_MAX; i++) {
        struct pt_msg *node = pt_msg_new(arena, type);
        pt_msg_set_str(node, arena, "edge", result->nodes[i].edge);
        pt_msg_set_u64(node, arena, "entries", result->nodes[i].entries);
        pt_msg_append(asked->response, arena, "nodes", (union pt_value){.message = node});
    }
    for (size_t i = 0; i < result->warnings_len; i++) {
        const uint8_t *text = (const uint8_t *)pt_arena_strdup(arena, result->warnings[i]);
        pt_msg_append(asked->response, arena, "warnings",
                      (union pt_value){.bytes = {.data = text, .size = strlen(result->warnings[i])}});
    }
    pt_msg_set_u64(asked->response, arena, "nodes_affected", result->nodes_len);
    pt_msg_set_u64(asked->response, arena, "paths_moved", result->groups);
    send_plan(asked, "");
}

static void run_plan(struct asked *asked)
{
    struct pt_controller *controller = asked->call->controller;
    struct pt_view *view = NULL;
    struct pt_error error = {0};
    enum pt_code code = pt_kind_plan(controller->machine, &asked->call->caller, asked->call->method, asked->request,
                                     pt_sys_wall_ns(controller->sys), pt_push_view(controller->push), &asked->arena,
                                     &asked->response, &view, &error);
    if (code != PT_OK) {
        answer(asked, code, NULL, &error);
    } else if (view == NULL) {
        send_plan(asked, "the changes would be refused");
    } else if (pt_push_try(controller->push, view, organization_of(asked), on_planned, asked, &error) != PT_OK) {
        send_plan(asked, error.text);
    }
}

static void plan_message(struct pt_serve_call *call, struct pt_bytes message)
{
    ask(call, message, run_plan);
}

const struct pt_serve_method pt_serve_plan_change = {.path = "/patronus.v1.ChangeSetService/PlanChangeSet",
                                                     .on_message = plan_message};

/* ---- reads ---------------------------------------------------------------------------------------------------- */

static void run_read_staged(struct asked *asked)
{
    struct pt_controller *controller = asked->call->controller;
    PT_AUTO(buf) struct pt_buf reply = {0};
    struct pt_error error = {0};
    enum pt_code code = pt_kind_read_staged(controller->machine, &asked->call->caller, asked->call->method,
                                            asked->request, pt_sys_wall_ns(controller->sys), &reply, &error);
    answer(asked, code, &reply, &error);
}

static void read_staged_message(struct pt_serve_call *call, struct pt_bytes message)
{
    ask(call, message, run_read_staged);
}

const struct pt_serve_method pt_serve_read_staged = {.path = "/patronus.v1.ChangeSetService/ReadStagedState",
                                                     .on_message = read_staged_message};

static void run_revisions(struct asked *asked)
{
    PT_AUTO(buf) struct pt_buf reply = {0};
    struct pt_error error = {0};
    enum pt_code code = pt_kind_revisions(asked->call->controller->machine, &asked->call->caller, asked->call->method,
                                          asked->request, &reply, &error);
    answer(asked, code, &reply, &error);
}

static void revisions_message(struct pt_serve_call *call, struct pt_bytes message)
{
    ask(call, message, run_revisions);
}

const struct pt_serve_method pt_serve_list_revisions = {.path = "/patronus.v1.RevisionService/ListRevisions",
                                                        .on_message = revisions_message};

/* ---- steps ---------------------------------------------------------------------------------------------------- */

static void run_step(struct asked *asked)
{
    struct pt_serve_call *call = asked->call;
    struct pt_controller *controller = call->controller;
    const struct pt_request_context context = context_of(call);
    PT_AUTO(buf) struct pt_buf command = {0};
    PT_AUTO(buf) struct pt_buf reply = {0};
    bool answered = false;
    size_t edges_len = 0;
    const char *const *edges = pt_pending_connected(controller, organization_of(asked), &asked->arena, &edges_len);
    struct pt_error error = {0};
    enum pt_code code = pt_kind_prepare_step(controller->machine, call->method, asked->request, &context, edges,
                                             edges_len, &command, &answered, &reply, &error);
    if (code == PT_OK && !answered) {
        pt_serve_propose(call, pt_buf_bytes(&command), NULL);
        asked_free(asked);
    } else {
        answer(asked, code, &reply, &error);
    }
}

static void step_message(struct pt_serve_call *call, struct pt_bytes message)
{
    ask(call, message, run_step);
}

const struct pt_serve_method pt_serve_apply_change = {.path = "/patronus.v1.ChangeSetService/ApplyChangeSet",
                                                      .on_message = step_message};
const struct pt_serve_method pt_serve_confirm_change = {.path = "/patronus.v1.ChangeSetService/ConfirmChangeSet",
                                                        .on_message = step_message};
const struct pt_serve_method pt_serve_roll_back_change = {.path = "/patronus.v1.ChangeSetService/RollbackChangeSet",
                                                          .on_message = step_message};

/* ---- restoring ------------------------------------------------------------------------------------------------ */

/* The resource as the update's reply has it, in an Any. */
static void send_restored(struct pt_serve_call *call, const char *type, struct pt_bytes resource)
{
    struct pt_arena arena;
    pt_arena_init(&arena);
    struct pt_msg *response = pt_msg_new(&arena, call->method->output);
    struct pt_msg *any = pt_msg_new(&arena, pt_message_field(response->type, "resource")->message);
    pt_msg_set_str(any, &arena, "type_url", pt_arena_printf(&arena, TYPE_URL_PREFIX "%s", type));
    pt_msg_set_bytes(any, &arena, "value", resource);
    pt_msg_set_child(response, &arena, "resource", any);
    PT_AUTO(buf) struct pt_buf reply = {0};
    pt_msg_encode(response, &reply);
    pt_serve_reply(call, pt_buf_bytes(&reply));
    pt_arena_fini(&arena);
}

static void restored(struct pt_serve_call *call, const struct pt_verdict *verdict)
{
    if (verdict->error.code != PT_OK) {
        pt_serve_fail(call, &verdict->error);
    } else {
        send_restored(call, call->state, verdict->reply);
    }
}

static void run_restore(struct asked *asked)
{
    struct pt_serve_call *call = asked->call;
    const struct pt_request_context context = context_of(call);
    PT_AUTO(buf) struct pt_buf command = {0};
    PT_AUTO(buf) struct pt_buf reply = {0};
    bool answered = false;
    const struct pt_message_type *kind = NULL;
    struct pt_error error = {0};
    enum pt_code code = pt_kind_prepare_restore(call->controller->machine, asked->request, &context, &command,
                                                &answered, &reply, &error);
    if (code == PT_OK) {
        code = pt_name_parse(call->controller->schema, pt_msg_str(asked->request, "name"), &kind, &error);
    }
    if (code != PT_OK) {
        answer(asked, code, NULL, &error);
        return;
    }
    call->state = (void *)(uintptr_t)kind->full_name; /* the schema's */
    if (answered) {
        send_restored(call, kind->full_name, pt_buf_bytes(&reply));
    } else {
        pt_serve_propose(call, pt_buf_bytes(&command), restored);
    }
    asked_free(asked);
}

static void restore_message(struct pt_serve_call *call, struct pt_bytes message)
{
    ask(call, message, run_restore);
}

const struct pt_serve_method pt_serve_restore_revision = {.path = "/patronus.v1.RevisionService/RestoreRevision",
                                                          .on_message = restore_message};
