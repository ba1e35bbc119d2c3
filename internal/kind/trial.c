/*
 * Trials: what a change would do, found out by doing it and undoing it.
 *
 * A trial runs as an entry behind the newest one would, through the same code, within a transaction of the store and
 * under a savepoint; then everything is undone, and the transaction ends with nothing in it. So a plan cannot disagree
 * with the verdict on the same state, and staged state is read where any other is. Nobody is told of a trial: no
 * listener, no watch, no audit, no reply by request id.
 *
 * Plans compare each resource before and after field by field, as far as the caller may read it.
 */
#include "base/assert.h"
#include "base/limits.h"
#include "kind/machine.h"
#include "patronus/v1/changeset.pb-c.h"
#include "wire/diff.h"

#include <stdio.h>
#include <string.h>

#define TYPE_URL_PREFIX "type.googleapis.com/"

/* Undone, and the transaction closed; whatever `code` says. */
static enum pt_code end(struct pt_machine_kind *machine, enum pt_code code, struct pt_error *reterr)
{
    const struct pt_witness witness = pt_store_witness(machine->store);
    if (!pt_code_is_fatal(code)) {
        struct pt_error error = {0};
        enum pt_code undone = pt_undo(machine, &error);
        if (undone == PT_OK) {
            undone = pt_store_end(machine->store, &witness, &error);
        }
        if (undone != PT_OK) {
            code = undone;
            if (reterr != NULL) {
                *reterr = error;
            }
        }
    }
    machine->failed = machine->failed || pt_code_is_fatal(code); /* the next apply stops the node */
    return code;
}

enum pt_code pt_trial(struct pt_machine_kind *machine, const struct pt_caller *caller, int64_t time_ns,
                      enum pt_code (*fn)(struct pt_execution *execution, void *arg, struct pt_error *reterr), void *arg,
                      struct pt_error *reterr)
{
    if (machine->failed) {
        return pt_fail(reterr, PT_UNAVAILABLE, PT_REASON_SHUTTING_DOWN, NULL, "this controller is stopping");
    }
    PT_TRY(pt_store_begin(machine->store, reterr));
    PT_TRY(pt_store_savepoint(machine->store, reterr));
    pt_tenants_mark(machine);
    pt_revisions_mark(machine);
    struct pt_arena arena;
    pt_arena_init(&arena);
    struct pt_event_list events = {0};
    PT_AUTO(buf) struct pt_buf record = {0};
    PT_AUTO(buf) struct pt_buf reply = {0};
    struct pt_execution execution = {.machine = machine,
                                     .arena = &arena,
                                     .events = &events,
                                     .events_arena = &arena,
                                     .index = machine->applied_index + 1,
                                     .revision = machine->applied_index + 1,
                                     .time_ns = pt_kind_time(machine, time_ns),
                                     .caller = pt_access_unbound(caller) ? NULL : caller,
                                     .trial = true,
                                     .record = &record,
                                     .reply = &reply};
    enum pt_code code = end(machine, fn(&execution, arg, reterr), reterr);
    pt_arena_fini(&arena);
    return code;
}

/* ---- the change set ------------------------------------------------------------------------------------------- */

/* The change set that a request names, or one that does not exist with the changes of the request. */
static enum pt_code find(struct pt_execution *execution, const struct pt_msg *request, struct pt_arena *arena,
                         const struct pt_msg **ret_change_set, struct pt_error *reterr)
{
    struct pt_machine_kind *machine = execution->machine;
    const char *name = pt_msg_str(request, "name");
    const struct pt_message_type *kind = NULL;
    PT_TRY(pt_name_parse(machine->schema, name, &kind, reterr));
    const struct pt_kind_info *info = pt_kind_info(machine, kind->resource->kind_id);
    if (!info->change_set) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_NAME_INVALID, "name",
                       "'%.200s' is not the name of a change set; write organizations/{organization}/changeSets/"
                       "{change_set}",
                       name);
    }
    PT_TRY(pt_permit_method(execution, "changeSets.plan", info, name, NULL, reterr));
    struct pt_msg *change_set = NULL;
    enum pt_code code = pt_kind_load(machine, name, arena, &change_set, NULL, reterr);
    bool given = pt_message_field(request->type, "changes") != NULL && pt_msg_has(request, "changes");
    if (code == PT_NOT_FOUND && !given) {
        return pt_fail(reterr, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "name", "there is no changeSet '%.300s'",
                       name);
    }
    if (code != PT_OK && code != PT_NOT_FOUND) {
        return code;
    }
    if (given) {
        change_set = pt_msg_new(arena, kind);
        pt_msg_set_str(change_set, arena, "name", name);
        const struct pt_msg_field *changes = pt_msg_field(request, "changes");
        for (size_t i = 0; i < changes->len; i++) {
            pt_msg_append(change_set, arena, "changes", changes->values[i]);
        }
    } else {
        PT_TRY(pt_permit_method(execution, "changeSets.plan", info, name, change_set, reterr));
    }
    *ret_change_set = change_set;
    return PT_OK;
}

/* ---- plans ---------------------------------------------------------------------------------------------------- */

struct plan {
    const struct pt_msg *request;
    const struct pt_caller *caller;
    struct pt_arena *arena;
    struct pt_msg *response;
    bool wants_view;
    struct pt_view *previous; /* may be NULL */
    struct pt_view *view;
    struct pt_execution *execution;
    const struct pt_msg_field *changes;
    struct pt_journal journal;
    size_t told; /* journal items that are in the response */
    uint64_t usage[PT_QUOTA_LEN];
};

static struct pt_msg *add(struct plan *plan, const char *field)
{
    struct pt_msg *item = pt_msg_new(plan->arena, pt_message_field(plan->response->type, field)->message);
    pt_msg_append(plan->response, plan->arena, field, (union pt_value){.message = item});
    return item;
}

struct fields {
    struct plan *plan;
    struct pt_msg *change;
};

static void add_field(void *arg, const char *path, const char *before, const char *after)
{
    struct fields *fields = arg;
    struct pt_arena *arena = fields->plan->arena;
    struct pt_msg *diff = pt_msg_new(arena, pt_message_field(fields->change->type, "fields")->message);
    pt_msg_set_str(diff, arena, "path", path);
    pt_msg_set_str(diff, arena, "before", before);
    pt_msg_set_str(diff, arena, "after", after);
    pt_msg_append(fields->change, arena, "fields", (union pt_value){.message = diff});
}

static bool readable(struct plan *plan, const struct pt_journal_item *item)
{
    struct pt_execution *execution = plan->execution;
    const struct pt_msg *either = item->before != NULL ? item->before : item->after;
    return execution->caller == NULL ||
           pt_permit_get(execution->machine, execution->caller, item->info->type, item->name, either, NULL) == PT_OK;
}

static void tell_item(struct plan *plan, const struct pt_journal_item *item)
{
    struct pt_msg *change = add(plan, "changes");
    pt_msg_set_str(change, plan->arena, "name", item->name);
    pt_msg_set_i64(change, plan->arena, "action",
                   item->before == NULL  ? PATRONUS__V1__CHANGE_ACTION__CHANGE_CREATE
                   : item->after == NULL ? PATRONUS__V1__CHANGE_ACTION__CHANGE_DELETE
                                         : PATRONUS__V1__CHANGE_ACTION__CHANGE_UPDATE);
    struct fields fields = {.plan = plan, .change = change};
    if (readable(plan, item)) {
        pt_msg_diff(item->info->type, item->before, item->after, add_field, &fields);
    }
}

static bool each(void *arg, size_t at, enum pt_code code, const struct pt_error *error)
{
    struct plan *plan = arg;
    const struct pt_msg *staged = plan->changes->values[at].message;
    const char *name = pt_msg_str(staged, "name");
    if (code != PT_OK) {
        struct pt_msg *change = add(plan, "changes");
        pt_msg_set_i64(change, plan->arena, "action", pt_msg_i64(staged, "action"));
        pt_msg_set_str(change, plan->arena, "name", name);
        pt_msg_set_str(change, plan->arena, "error_reason", pt_reason_name(error->reason));
        pt_msg_set_str(change, plan->arena, "error_message", error->text);
        pt_msg_set_str(change, plan->arena, "error_field", error->field);
        /* A forced delete may have stopped half-way: what follows would be judged by what is not so. */
        return !pt_code_is_fatal(code) && !pt_msg_bool(staged, "force");
    }
    if (plan->told == plan->journal.len) { /* nothing to do */
        pt_msg_set_str(add(plan, "changes"), plan->arena, "name", name);
    }
    for (; plan->told < plan->journal.len; plan->told++) {
        tell_item(plan, &plan->journal.items[plan->told]);
    }
    return true;
}

static void tell_quotas(struct plan *plan, const char *name)
{
    for (size_t i = 0; i < PT_QUOTA_REQUESTS; i++) {
        uint64_t limit = 0, after = 0;
        if (pt_quota_usage(plan->execution->machine, name, (enum pt_quota)i, &limit, &after) &&
            after != plan->usage[i]) {
            struct pt_msg *quota = add(plan, "quotas");
            pt_msg_set_str(quota, plan->arena, "metric", pt_quota_name((enum pt_quota)i));
            pt_msg_set_u64(quota, plan->arena, "limit", limit);
            pt_msg_set_u64(quota, plan->arena, "before", plan->usage[i]);
            pt_msg_set_u64(quota, plan->arena, "after", after);
        }
    }
}

static enum pt_code run_plan(struct pt_execution *execution, void *arg, struct pt_error *reterr)
{
    struct plan *plan = arg;
    struct pt_machine_kind *machine = execution->machine;
    const struct pt_msg *change_set = NULL;
    PT_TRY(find(execution, plan->request, execution->arena, &change_set, reterr));
    const char *name = pt_msg_str(change_set, "name");
    for (size_t i = 0; i < PT_QUOTA_LEN; i++) {
        uint64_t limit = 0;
        (void)pt_quota_usage(machine, name, (enum pt_quota)i, &limit, &plan->usage[i]);
    }
    plan->execution = execution;
    plan->changes = pt_msg_field(change_set, "changes");
    plan->journal = (struct pt_journal){.arena = execution->arena};
    execution->journal = &plan->journal;
    struct pt_error refusal = {0};
    enum pt_code code = pt_change_set_run(execution, change_set, plan->changes, "", each, plan, &refusal);
    execution->journal = NULL;
    if (pt_code_is_fatal(code)) {
        *reterr = refusal;
        return code;
    }
    tell_quotas(plan, name);
    pt_msg_set_bool(plan->response, plan->arena, "acceptable", code == PT_OK);
    pt_msg_set_u64(plan->response, plan->arena, "revision", machine->applied_index);
    if (code == PT_OK && plan->wants_view) {
        plan->view = pt_view_new(machine);
        if (!pt_view_fork(plan->view, plan->previous, execution->events->items, execution->events->len)) {
            while (!pt_view_copy(plan->view, NULL)) {
            }
        }
    }
    return PT_OK;
}

enum pt_code pt_kind_plan(struct pt_machine_kind *machine, const struct pt_caller *caller,
                          const struct pt_method_type *method, const struct pt_msg *request, int64_t time_ns,
                          struct pt_view *previous, struct pt_arena *arena, struct pt_msg **ret_response,
                          struct pt_view **ret_view, struct pt_error *reterr)
{
    struct plan plan = {.request = request,
                        .arena = arena,
                        .response = pt_msg_new(arena, method->output),
                        .wants_view = ret_view != NULL,
                        .previous = previous};
    enum pt_code code = pt_trial(machine, caller, time_ns, run_plan, &plan, reterr);
    if (code != PT_OK) {
        pt_view_free(plan.view);
        return code;
    }
    *ret_response = plan.response;
    if (ret_view != NULL) {
        *ret_view = plan.view;
    }
    return PT_OK;
}

/* ---- staged state --------------------------------------------------------------------------------------------- */

struct staged_read {
    const struct pt_msg *request;
    const struct pt_method_type *method;
    struct pt_buf *reply;
};

static enum pt_code run_read(struct pt_execution *execution, void *arg, struct pt_error *reterr)
{
    struct staged_read *read = arg;
    struct pt_machine_kind *machine = execution->machine;
    struct pt_arena *arena = execution->arena;
    const char *name = pt_msg_str(read->request, "resource");
    const struct pt_message_type *kind = NULL;
    const struct pt_msg *change_set = NULL;
    PT_TRY(find(execution, read->request, arena, &change_set, reterr));
    PT_TRY(pt_name_parse(machine->schema, name, &kind, reterr));
    if (kind->resource->view) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_NAME_INVALID, "resource",
                       "%s are computed by the leader; plan the change set to see how many change",
                       kind->resource->plural);
    }
    PT_TRY(pt_permit_get(machine, execution->caller, kind, name, NULL, reterr));
    struct pt_journal journal = {.arena = arena};
    execution->journal = &journal;
    PT_TRY(pt_change_set_run(execution, change_set, pt_msg_field(change_set, "changes"), "", NULL, NULL, reterr));
    struct pt_msg *resource = NULL;
    enum pt_code code = pt_kind_load(machine, name, arena, &resource, NULL, reterr);
    if (code == PT_NOT_FOUND) {
        return pt_fail(reterr, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "resource", "there would be no %s '%.300s'",
                       kind->resource->singular, name);
    }
    PT_TRY(code);
    PT_TRY(pt_permit_get(machine, execution->caller, kind, name, resource, reterr));
    pt_msg_strip(resource, PT_OUTPUT_USER, true);
    PT_AUTO(buf) struct pt_buf bytes = {0};
    pt_msg_encode(resource, &bytes);
    struct pt_msg *response = pt_msg_new(arena, read->method->output);
    struct pt_msg *any = pt_msg_new(arena, pt_message_field(response->type, "resource")->message);
    pt_msg_set_str(any, arena, "type_url", pt_arena_printf(arena, TYPE_URL_PREFIX "%s", kind->full_name));
    pt_msg_set_bytes(any, arena, "value", pt_buf_bytes(&bytes));
    pt_msg_set_child(response, arena, "resource", any);
    for (size_t i = 0; i < journal.len; i++) {
        if (strcmp(journal.items[i].name, name) == 0) {
            pt_msg_set_bool(response, arena, "staged", true);
        }
    }
    pt_msg_encode(response, read->reply);
    return PT_OK;
}

enum pt_code pt_kind_read_staged(struct pt_machine_kind *machine, const struct pt_caller *caller,
                                 const struct pt_method_type *method, const struct pt_msg *request, int64_t time_ns,
                                 struct pt_buf *reply, struct pt_error *reterr)
{
    struct staged_read read = {.request = request, .method = method, .reply = reply};
    return pt_trial(machine, caller, time_ns, run_read, &read, reterr);
}
