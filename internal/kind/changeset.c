/*
 * Change sets in the state machine: apply, confirm, take back.
 *
 * Applying is one log entry. Its changes run through the very code that single writes run through, with the rights of
 * whoever applies, under one savepoint: the first refusal undoes all of them. What each resource was before is kept
 * (kept.c), and taking back walks it backwards.
 *
 * While a change set waits for its confirmation, its organization takes no other changes of staged kinds (it is in
 * `machine->pending`). This makes taking it back a return to a state that was valid, through states that were: nothing
 * can have come to refer to what it made, or to occupy what it gave up, so nothing is checked and nothing can refuse.
 * Later there is no such promise, and each resource must still be what the change set made it.
 *
 * Time is the entry's. That a confirmation is late is the leader's finding (serve/changeset.c), which comes as an entry
 * of its own; whether the confirmation or the end of the wait was first is decided by the order of the log.
 */
#include "base/assert.h"
#include "base/limits.h"
#include "kind/machine.h"
#include "patronus/v1/changeset.pb-c.h"
#include "patronus/v1/replication.pb-c.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FINISHED_MAX 64                      /* change sets of an organization that are over and still shown */
#define CONFIRM_MIN_NS 1000000000LL          /* shortest wait for a confirmation */
#define CONFIRM_MAX_NS (3600LL * 1000000000) /* longest */

/* ---- the one that waits --------------------------------------------------------------------------------------- */

static void organization_of(const char *name, char organization[PT_NAME_SIZE_MAX + 1])
{
    size_t size = pt_tenant_name_size(name);
    memcpy(organization, name, size);
    organization[size] = '\0';
}

static void pending_drop(struct pt_machine_kind *machine, const char *organization)
{
    struct pt_pending *pending = pt_map_remove_str(&machine->pending, organization);
    if (pending != NULL) {
        free(pending);
    }
}

static void pending_put(struct pt_machine_kind *machine, const struct pt_msg *change_set)
{
    const char *name = pt_msg_str(change_set, "name");
    char organization[PT_NAME_SIZE_MAX + 1];
    organization_of(name, organization);
    pending_drop(machine, organization);
    struct pt_pending *pending = calloc(1, sizeof(*pending));
    pt_assert(pending != NULL);
    (void)snprintf(pending->name, sizeof(pending->name), "%s", name);
    (void)snprintf(pending->uid, sizeof(pending->uid), "%s", pt_msg_str(change_set, "uid"));
    pending->apply_revision = pt_msg_u64(change_set, "apply_revision");
    pending->deadline_ns = pt_msg_time(change_set, "confirm_before_time");
    (void)pt_map_put_str(&machine->pending, organization, pending);
}

struct load {
    struct pt_machine_kind *machine;
    enum pt_code code;
    struct pt_error *reterr;
};

static bool load_row(void *arg, const struct pt_row *row)
{
    struct load *load = arg;
    struct pt_arena arena;
    pt_arena_init(&arena);
    struct pt_msg *msg = NULL;
    load->code = pt_kind_parse_row(load->machine, row, &arena, &msg, load->reterr);
    if (load->code == PT_OK && pt_msg_i64(msg, "state") == PATRONUS__V1__CHANGE_SET_STATE__CONFIRMING) {
        pending_put(load->machine, msg);
    }
    pt_arena_fini(&arena);
    return load->code == PT_OK;
}

void pt_pending_fini(struct pt_machine_kind *machine)
{
    PT_MAP_FOREACH (entry, &machine->pending) {
        free(entry->value);
    }
    pt_map_fini(&machine->pending);
}

enum pt_code pt_pending_load(struct pt_machine_kind *machine, struct pt_error *reterr)
{
    pt_pending_fini(machine);
    pt_map_init(&machine->pending);
    const struct pt_message_type *type = pt_schema_kind(machine->schema, "changeSet");
    if (type == NULL) {
        return PT_OK;
    }
    struct load load = {.machine = machine, .reterr = reterr};
    const struct pt_store_range range = {.kind_id = type->resource->kind_id, .parent = "", .after = ""};
    PT_TRY(pt_store_scan(machine->store, &range, load_row, &load, reterr));
    return load.code;
}

static const struct pt_pending *pending_of(const struct pt_machine_kind *machine, const char *name)
{
    char organization[PT_NAME_SIZE_MAX + 1];
    organization_of(name, organization);
    return machine->pending.count > 0 ? pt_map_get_str(&machine->pending, organization) : NULL;
}

static enum pt_code waits(const struct pt_pending *pending, struct pt_error *reterr)
{
    return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_CHANGE_PENDING, "name",
                   "%.200s waits for its confirmation: confirm it or roll it back first", pending->name);
}

enum pt_code pt_change_set_barred(const struct pt_execution *execution, const struct pt_kind_info *info,
                                  const char *name, struct pt_error *reterr)
{
    const struct pt_pending *pending =
        info->staged && !execution->unbarred ? pending_of(execution->machine, name) : NULL;
    return pending != NULL ? waits(pending, reterr) : PT_OK;
}

void pt_kind_pending_each(struct pt_machine_kind *machine, void (*fn)(void *arg, const struct pt_pending *pending),
                          void *arg)
{
    PT_MAP_FOREACH (entry, &machine->pending) {
        fn(arg, entry->value);
    }
}

static enum pt_code write_change_set(struct pt_execution *execution, const struct pt_kind_info *info,
                                     struct pt_msg *change_set, struct pt_error *reterr)
{
    execution->journal = NULL;
    execution->unlimited = true; /* what stands in it now is the system's word */
    enum pt_code code = pt_mutate_derived(execution, info, pt_msg_str(change_set, "name"), change_set, reterr);
    execution->unlimited = false;
    return code;
}

static const char *who(const struct pt_execution *execution)
{
    return execution->caller != NULL ? execution->caller->principal : "internal";
}

static enum pt_code wrong_state(const struct pt_msg *change_set, const char *wanted, struct pt_error *reterr)
{
    static const char *const names[] = {"new", "staged", "waiting for its confirmation", "applied", "taken back"};
    int64_t state = pt_msg_i64(change_set, "state");
    return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_WRONG_STATE, "name", "%.200s is %s and not %s",
                   pt_msg_str(change_set, "name"), state >= 0 && state < 5 ? names[state] : "new", wanted);
}

/* ---- what is over --------------------------------------------------------------------------------------------- */

struct finished {
    const char *name, *uid;
    uint64_t revision;
    bool applied;
};

static int newest_first(const void *a, const void *b)
{
    uint64_t x = ((const struct finished *)a)->revision, y = ((const struct finished *)b)->revision;
    return (x < y) - (x > y);
}

/* Of what is over, so many can be taken back and so many are shown. */
static enum pt_code prune(struct pt_execution *execution, const struct pt_kind_info *info, const char *change_set,
                          struct pt_error *reterr)
{
    struct pt_machine_kind *machine = execution->machine;
    char organization[PT_NAME_SIZE_MAX + 1];
    organization_of(change_set, organization);
    struct pt_row_list rows = {.arena = execution->arena};
    const struct pt_store_range range = {.kind_id = info->type->resource->kind_id, .parent = organization, .after = ""};
    PT_TRY(pt_kind_rows(machine, &range, &rows, reterr));
    struct finished *finished = pt_arena_array(execution->arena, rows.len, sizeof(*finished));
    size_t len = 0;
    for (size_t i = 0; i < rows.len; i++) {
        struct pt_msg *msg = NULL;
        PT_TRY(pt_kind_parse_row(machine, &rows.rows[i], execution->arena, &msg, reterr));
        int64_t state = pt_msg_i64(msg, "state");
        if (state == PATRONUS__V1__CHANGE_SET_STATE__APPLIED || state == PATRONUS__V1__CHANGE_SET_STATE__ROLLED_BACK) {
            finished[len++] = (struct finished){.name = rows.rows[i].name,
                                                .uid = rows.rows[i].uid,
                                                .revision = pt_msg_u64(msg, "apply_revision"),
                                                .applied = state == PATRONUS__V1__CHANGE_SET_STATE__APPLIED};
        }
    }
    qsort(finished, len, sizeof(*finished), newest_first);
    size_t reversible = 0;
    for (size_t i = 0; i < len; i++) {
        if (i >= FINISHED_MAX) {
            PT_TRY(pt_mutate_remove(execution, info, finished[i].name, reterr));
        } else if (finished[i].applied && reversible++ >= PT_CHANGE_SETS_REVERSIBLE) {
            PT_TRY(pt_kept_forget(execution, finished[i].uid, reterr));
        }
    }
    return PT_OK;
}

/* ---- the steps ------------------------------------------------------------------------------------------------ */

/* A step is done: who did it, and what was over before makes room. The reply stays. */
static enum pt_code finish(struct pt_execution *execution, const struct pt_kind_info *info, struct pt_msg *change_set,
                           int64_t state, struct pt_error *reterr)
{
    struct pt_arena *arena = execution->arena;
    const char *name = pt_msg_str(change_set, "name");
    pt_msg_set_i64(change_set, arena, "state", state);
    pt_msg_clear(change_set, "confirm_before_time");
    PT_TRY(write_change_set(execution, info, change_set, reterr));
    PT_TRY(prune(execution, info, name, reterr));
    if (!execution->trial) {
        const struct pt_pending *pending = pending_of(execution->machine, name);
        char organization[PT_NAME_SIZE_MAX + 1];
        organization_of(name, organization);
        if (pending != NULL && strcmp(pending->name, name) == 0) {
            pending_drop(execution->machine, organization);
        }
    }
    return PT_OK;
}

static enum pt_code check_apply(const struct pt_execution *execution, const struct pt_msg *change_set,
                                const struct pt_msg *op, struct pt_error *reterr)
{
    const char *etag = pt_msg_str(op, "etag");
    int64_t timeout = pt_msg_i64(op, "confirm_timeout_ns");
    const struct pt_pending *pending = pending_of(execution->machine, pt_msg_str(change_set, "name"));
    if (pt_msg_i64(change_set, "state") != PATRONUS__V1__CHANGE_SET_STATE__STAGED) {
        return wrong_state(change_set, "staged: make another change set", reterr);
    }
    if (pending != NULL) {
        return waits(pending, reterr);
    }
    if (etag[0] != '\0' && strcmp(etag, pt_msg_str(change_set, "etag")) != 0) {
        return pt_fail(reterr, PT_ABORTED, PT_REASON_ETAG_MISMATCH, "etag",
                       "the change set has changed since you read it (etag %.16s, yours is %.32s); plan it again",
                       pt_msg_str(change_set, "etag"), etag);
    }
    if (timeout != 0 && (timeout < CONFIRM_MIN_NS || timeout > CONFIRM_MAX_NS)) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "confirm_timeout",
                       "a change set waits from 1 s to 1 h for its confirmation");
    }
    return pt_msg_has(change_set, "changes")
               ? PT_OK
               : pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_FIELD_REQUIRED, "changes",
                         "nothing is staged in %.200s", pt_msg_str(change_set, "name"));
}

static enum pt_code apply(struct pt_execution *execution, const struct pt_kind_info *info, struct pt_msg *change_set,
                          const struct pt_msg *op, struct pt_error *reterr)
{
    PT_TRY(pt_permit_method(execution, "changeSets.apply", info, pt_msg_str(change_set, "name"), change_set, reterr));
    PT_TRY(check_apply(execution, change_set, op, reterr));
    struct pt_arena *arena = execution->arena;
    struct pt_journal journal = {.arena = arena};
    execution->journal = &journal;
    enum pt_code code = pt_change_set_run(execution, change_set, pt_msg_field(change_set, "changes"),
                                          pt_msg_str(op, "uid"), NULL, NULL, reterr);
    execution->journal = NULL;
    PT_TRY(code);
    PT_TRY(pt_kept_write(execution, change_set, &journal, op, reterr));
    pt_msg_set_str(change_set, arena, "apply_principal", who(execution));
    pt_msg_set_time(change_set, arena, "apply_time", execution->time_ns);
    pt_msg_set_u64(change_set, arena, "apply_revision", execution->index);
    pt_msg_set_u64(change_set, arena, "changed", journal.len);
    execution->changed = pt_arena_memdup(arena, &journal, sizeof(journal)); /* each is recorded: audit.c */
    int64_t timeout = pt_msg_i64(op, "confirm_timeout_ns");
    if (timeout == 0) {
        return finish(execution, info, change_set, PATRONUS__V1__CHANGE_SET_STATE__APPLIED, reterr);
    }
    pt_msg_set_i64(change_set, arena, "state", PATRONUS__V1__CHANGE_SET_STATE__CONFIRMING);
    pt_msg_set_time(change_set, arena, "confirm_before_time", execution->time_ns + timeout);
    PT_TRY(write_change_set(execution, info, change_set, reterr));
    if (!execution->trial) {
        pending_put(execution->machine, change_set);
    }
    return PT_OK;
}

static enum pt_code confirm(struct pt_execution *execution, const struct pt_kind_info *info, struct pt_msg *change_set,
                            struct pt_error *reterr)
{
    PT_TRY(pt_permit_method(execution, "changeSets.confirm", info, pt_msg_str(change_set, "name"), change_set, reterr));
    if (pt_msg_i64(change_set, "state") != PATRONUS__V1__CHANGE_SET_STATE__CONFIRMING) {
        return wrong_state(change_set, "waiting for a confirmation", reterr);
    }
    pt_msg_set_str(change_set, execution->arena, "finish_principal", who(execution));
    pt_msg_set_time(change_set, execution->arena, "finish_time", execution->time_ns);
    return finish(execution, info, change_set, PATRONUS__V1__CHANGE_SET_STATE__APPLIED, reterr);
}

/* ---- taking back ---------------------------------------------------------------------------------------------- */

static enum pt_code roll_back(struct pt_execution *execution, const struct pt_kind_info *info,
                              struct pt_msg *change_set, const struct pt_msg *op, struct pt_error *reterr)
{
    bool asked = pt_msg_i64(op, "step") == PATRONUS__V1__CHANGE_SET_STEP__STEP_ROLLBACK;
    struct pt_arena *arena = execution->arena;
    PT_TRY(
        pt_permit_method(execution, "changeSets.rollback", info, pt_msg_str(change_set, "name"), change_set, reterr));
    int64_t state = pt_msg_i64(change_set, "state");
    bool waiting = state == PATRONUS__V1__CHANGE_SET_STATE__CONFIRMING;
    bool meant = asked || pt_msg_u64(op, "apply_revision") == pt_msg_u64(change_set, "apply_revision");
    if (!(waiting && meant) && !(asked && state == PATRONUS__V1__CHANGE_SET_STATE__APPLIED)) {
        return wrong_state(change_set, "in force", reterr);
    }
    const struct pt_pending *pending = pending_of(execution->machine, pt_msg_str(change_set, "name"));
    if (!waiting && pending != NULL) {
        return waits(pending, reterr);
    }
    struct pt_journal journal = {.arena = arena};
    execution->journal = &journal;
    execution->unbarred = true;
    execution->unlimited = waiting;
    enum pt_code code = pt_kept_undo(execution, change_set, waiting, reterr);
    execution->unbarred = execution->unlimited = false;
    execution->journal = NULL;
    PT_TRY(code);
    execution->changed = pt_arena_memdup(arena, &journal, sizeof(journal));
    pt_msg_set_str(change_set, arena, "finish_principal", who(execution));
    pt_msg_set_time(change_set, arena, "finish_time", execution->time_ns);
    uint64_t cause = asked ? PATRONUS__V1__ROLLBACK_CAUSE__REQUESTED : pt_msg_u64(op, "cause");
    pt_msg_set_i64(change_set, arena, "rollback_cause", (int64_t)cause);
    const struct pt_msg_field *edges = pt_msg_field(op, "lost_edges");
    for (size_t i = 0; edges != NULL && i < edges->len; i++) {
        pt_msg_append(change_set, arena, "lost_edges", edges->values[i]);
    }
    return finish(execution, info, change_set, PATRONUS__V1__CHANGE_SET_STATE__ROLLED_BACK, reterr);
}

enum pt_code pt_change_set(struct pt_execution *execution, const struct pt_msg *op, struct pt_error *reterr)
{
    struct pt_machine_kind *machine = execution->machine;
    const char *name = pt_msg_str(op, "name");
    int64_t step = pt_msg_i64(op, "step");
    if (step == PATRONUS__V1__CHANGE_SET_STEP__STEP_WAIT) {
        return PT_OK; /* its time is remembered: execute.c */
    }
    const struct pt_message_type *type = pt_schema_kind(machine->schema, "changeSet");
    const struct pt_kind_info *info = pt_kind_info(machine, type->resource->kind_id);
    struct pt_msg *change_set = NULL;
    struct pt_row row;
    enum pt_code code = pt_kind_load(machine, name, execution->arena, &change_set, &row, reterr);
    if (code == PT_NOT_FOUND || (code == PT_OK && row.kind_id != info->type->resource->kind_id)) {
        return pt_fail(reterr, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "name", "there is no changeSet '%.300s'",
                       name);
    }
    PT_TRY(code);
    switch (step) {
    case PATRONUS__V1__CHANGE_SET_STEP__STEP_APPLY:
        return apply(execution, info, change_set, op, reterr);
    case PATRONUS__V1__CHANGE_SET_STEP__STEP_CONFIRM:
        return confirm(execution, info, change_set, reterr);
    case PATRONUS__V1__CHANGE_SET_STEP__STEP_ROLLBACK:
    case PATRONUS__V1__CHANGE_SET_STEP__STEP_EXPIRE:
        return roll_back(execution, info, change_set, op, reterr);
    default:
        return pt_fail(reterr, PT_CORRUPT, PT_REASON_MESSAGE_MALFORMED, "step",
                       "a log entry has a step of a change set that this binary does not know; upgrade this node");
    }
}
