/*
 * Requests -> steps of a change set. As with mutations, the leader finds out first whether the step could be made: here
 * by a trial, since a change set is judged only as a whole.
 */
#include "kind/machine.h"
#include "patronus/v1/changeset.pb-c.h"
#include "patronus/v1/replication.pb-c.h"

#include "base/assert.h"

#include <string.h>

static int step_of(const struct pt_method_type *method)
{
    if (strcmp(method->name, "ApplyChangeSet") == 0) {
        return PATRONUS__V1__CHANGE_SET_STEP__STEP_APPLY;
    }
    if (strcmp(method->name, "ConfirmChangeSet") == 0) {
        return PATRONUS__V1__CHANGE_SET_STEP__STEP_CONFIRM;
    }
    pt_assert(strcmp(method->name, "RollbackChangeSet") == 0);
    return PATRONUS__V1__CHANGE_SET_STEP__STEP_ROLLBACK;
}

static enum pt_code check_timeouts(int64_t confirm_ns, int64_t reconnect_ns, struct pt_error *reterr)
{
    const int64_t second = 1000000000, hour = 3600 * second;
    if (confirm_ns != 0 && (confirm_ns < second || confirm_ns > hour)) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "confirm_timeout",
                       "a change set waits from 1 s to 1 h for its confirmation");
    }
    if (reconnect_ns != 0 && (reconnect_ns < second || reconnect_ns > hour)) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "reconnect_timeout",
                       "an edge may be away from 1 s to 1 h");
    }
    return reconnect_ns == 0 || confirm_ns != 0
               ? PT_OK
               : pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "reconnect_timeout",
                         "it counts while a confirmation is waited for: set confirm_timeout too");
}

static void pack(Patronus__V1__ChangeSetCommand *op, const struct pt_msg *request,
                 const struct pt_request_context *context, int64_t time_ns, struct pt_buf *out)
{
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    command.format = 1;
    command.time_ns = time_ns;
    command.principal = (char *)(uintptr_t)context->caller.principal;
    command.request_id = (char *)(uintptr_t)pt_msg_str(request, "request_id");
    Patronus__V1__Caller caller = PATRONUS__V1__CALLER__INIT;
    caller.groups = (char **)(uintptr_t)context->caller.groups;
    caller.n_groups = context->caller.groups_len;
    caller.api_key = (char *)(uintptr_t)(context->caller.api_key != NULL ? context->caller.api_key : "");
    caller.source = (char *)(uintptr_t)(context->caller.source != NULL ? context->caller.source : "");
    command.caller = caller.n_groups > 0 || caller.api_key[0] != '\0' || caller.source[0] != '\0' ? &caller : NULL;
    command.op_case = PATRONUS__V1__COMMAND__OP_CHANGE_SET;
    command.change_set = op;
    pt_kind_command(&command, out);
}

struct step {
    const struct pt_msg *op;
};

static enum pt_code run_step(struct pt_execution *execution, void *arg, struct pt_error *reterr)
{
    const struct step *step = arg;
    return pt_change_set(execution, step->op, reterr);
}

static enum pt_code prepare(struct pt_machine_kind *machine, const struct pt_method_type *method,
                            const struct pt_msg *request, const struct pt_request_context *context,
                            const char *const *edges, size_t edges_len, struct pt_arena *arena, struct pt_buf *command,
                            bool *ret_answered, struct pt_buf *reply, struct pt_error *reterr)
{
    PT_TRY(pt_kind_authenticate(machine, &context->caller, context->time_ns, reterr));
    Patronus__V1__ChangeSetCommand op = PATRONUS__V1__CHANGE_SET_COMMAND__INIT;
    op.step = (Patronus__V1__ChangeSetStep)step_of(method);
    op.name = (char *)(uintptr_t)pt_msg_str(request, "name");
    if (op.step == PATRONUS__V1__CHANGE_SET_STEP__STEP_APPLY) {
        op.etag = (char *)(uintptr_t)pt_msg_str(request, "etag");
        op.confirm_timeout_ns = pt_msg_time(request, "confirm_timeout");
        op.reconnect_timeout_ns = pt_msg_time(request, "reconnect_timeout");
        op.uid = pt_request_uid(context, arena);
        op.edges = (char **)(uintptr_t)edges;
        op.n_edges = op.confirm_timeout_ns > 0 ? edges_len : 0;
        PT_TRY(check_timeouts(op.confirm_timeout_ns, op.reconnect_timeout_ns, reterr));
    }
    pack(&op, request, context, pt_kind_time(machine, context->time_ns), command);
    PT_TRY(pt_find_answer(machine, request, context, pt_buf_bytes(command), arena, ret_answered, reply, reterr));
    if (*ret_answered) {
        return PT_OK;
    }
    struct pt_msg *parsed = NULL;
    PT_TRY(pt_command_decode(machine, pt_buf_bytes(command), arena, &parsed, reterr));
    struct step step = {.op = pt_msg_child(parsed, "change_set")};
    return pt_trial(machine, &context->caller, context->time_ns, run_step, &step, reterr);
}

enum pt_code pt_kind_prepare_step(struct pt_machine_kind *machine, const struct pt_method_type *method,
                                  const struct pt_msg *request, const struct pt_request_context *context,
                                  const char *const *edges, size_t edges_len, struct pt_buf *out, bool *ret_answered,
                                  struct pt_buf *reply, struct pt_error *reterr)
{
    struct pt_arena arena;
    pt_arena_init(&arena);
    PT_AUTO(buf) struct pt_buf command = {0};
    PT_AUTO(buf) struct pt_buf answer = {0};
    bool answered = false;
    enum pt_code code =
        prepare(machine, method, request, context, edges, edges_len, &arena, &command, &answered, &answer, reterr);
    if (code == PT_OK) {
        pt_buf_append(out, command.data, command.size);
        pt_buf_append(reply, answer.data, answered ? answer.size : 0);
        *ret_answered = answered;
    }
    pt_arena_fini(&arena);
    return code;
}
