/*
 * Staged changes: from what stands in a change set to the mutations that a caller would have asked for one by one.
 *
 * Who stages is told at once what can never be right: a name of another organization, a kind that change sets do not
 * hold, a resource that cannot be read. Everything else is decided when the change set is planned or applied.
 */
#include "base/assert.h"
#include "base/limits.h"
#include "kind/machine.h"
#include "patronus/v1/changeset.pb-c.h"
#include "patronus/v1/replication.pb-c.h"

#include <stdio.h>
#include <string.h>

/* ---- staged changes ------------------------------------------------------------------------------------------- */

static enum pt_code staged_name(struct pt_machine_kind *machine, const char *change_set, const char *name,
                                const struct pt_kind_info **ret_info, struct pt_error *reterr)
{
    const struct pt_message_type *kind = NULL;
    PT_TRY(pt_name_parse(machine->schema, name, &kind, reterr));
    size_t size = pt_tenant_name_size(change_set);
    if (strncmp(name, change_set, size) != 0 || name[size] != '/') {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_NAME_INVALID, "name",
                       "%.200s is not below %.*s; a change set changes what is of its own organization", name,
                       (int)size, change_set);
    }
    *ret_info = pt_kind_info(machine, kind->resource->kind_id);
    return (*ret_info)->staged
               ? PT_OK
               : pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "name",
                         "change sets do not hold %s; change them by themselves", kind->resource->plural);
}

static enum pt_code staged_resource(const struct pt_message_type *kind, const struct pt_msg *change,
                                    struct pt_arena *arena, struct pt_msg **ret_resource, struct pt_error *reterr)
{
    const struct pt_msg *any = pt_msg_child(change, "resource");
    const char *url = any != NULL ? pt_msg_str(any, "type_url") : "";
    const char *slash = strrchr(url, '/');
    if (any == NULL || strcmp(slash != NULL ? slash + 1 : url, kind->full_name) != 0) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "resource",
                       "it is '%.100s' and must be type.googleapis.com/%.100s", url, kind->full_name);
    }
    PT_TRY(pt_msg_parse(kind, pt_msg_bytes(any, "value"), NULL, arena, ret_resource, reterr));
    pt_msg_strip(*ret_resource, PT_OUTPUT_DERIVED, false); /* what `get` shows may be sent back */
    pt_msg_strip(*ret_resource, PT_OUTPUT_SOFT, false);
    pt_msg_set_str(*ret_resource, arena, "name", pt_msg_str(change, "name"));
    return PT_OK;
}

/* A new uid for each of many, from one that the leader drew. */
static const char *uid_of(const char *uid, size_t at, struct pt_arena *arena)
{
    const char *text = pt_arena_printf(arena, "%s %zu", uid, at);
    struct pt_digest digest = pt_sha256(text, strlen(text));
    char hex[65];
    return pt_arena_strndup(arena, pt_digest_hex(&digest, hex), 32);
}

/* The change as the mutation that a caller would have asked for. */
static enum pt_code decode(struct pt_machine_kind *machine, const char *change_set, const struct pt_msg *change,
                           struct pt_arena *arena, struct pt_mutation *mutation, struct pt_error *reterr)
{
    *mutation = (struct pt_mutation){.name = pt_msg_str(change, "name"), .etag = "", .uid = ""};
    PT_TRY(staged_name(machine, change_set, mutation->name, &mutation->info, reterr));
    mutation->force = pt_msg_bool(change, "force");
    mutation->allow_missing = pt_msg_bool(change, "allow_missing");
    switch (pt_msg_i64(change, "action")) {
    case PATRONUS__V1__CHANGE_ACTION__CHANGE_CREATE:
        mutation->verb = PATRONUS__V1__VERB__CREATE;
        return staged_resource(mutation->info->type, change, arena, &mutation->resource, reterr);
    case PATRONUS__V1__CHANGE_ACTION__CHANGE_UPDATE:
        mutation->verb = PATRONUS__V1__VERB__UPDATE;
        PT_TRY(staged_resource(mutation->info->type, change, arena, &mutation->resource, reterr));
        return pt_update_paths(pt_msg_child(change, "update_mask"), mutation->resource, arena, &mutation->paths,
                               &mutation->paths_len, reterr);
    case PATRONUS__V1__CHANGE_ACTION__CHANGE_DELETE:
        mutation->verb = PATRONUS__V1__VERB__DELETE;
        return PT_OK;
    default:
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_REQUIRED, "action",
                       "say what to do: CHANGE_CREATE, CHANGE_UPDATE or CHANGE_DELETE");
    }
}

/* "changes[3].resource.prefixes": which one, and what of it. */
static enum pt_code in_change(enum pt_code code, size_t at, const char *within, struct pt_error *reterr)
{
    if (code != PT_OK && !pt_code_is_fatal(code) && reterr != NULL) {
        char field[sizeof(reterr->field)];
        (void)snprintf(field, sizeof(field), "changes[%zu]%s%s%.*s", at, within, reterr->field[0] != '\0' ? "." : "",
                       (int)sizeof(field) - 48, reterr->field);
        (void)snprintf(reterr->field, sizeof(reterr->field), "%s", field);
    }
    return code;
}

enum pt_code pt_kind_staged_check(struct pt_view *view, const char *change_set, const struct pt_msg_field *changes,
                                  struct pt_error *reterr)
{
    struct pt_map names;
    pt_map_init(&names);
    enum pt_code code = PT_OK;
    for (size_t i = 0; changes != NULL && i < changes->len && code == PT_OK; i++) {
        const struct pt_msg *change = changes->values[i].message;
        const char *name = pt_msg_str(change, "name");
        struct pt_mutation mutation;
        code = decode(view->machine, change_set, change, view->memory, &mutation, reterr);
        if (code == PT_OK && pt_map_put_str(&names, name, (void *)(uintptr_t)name) != NULL) {
            code = pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "name",
                           "%.200s stands in the change set twice", name);
        }
        code = in_change(code, i, "", reterr);
    }
    pt_map_fini(&names);
    return code;
}

/* ---- conflicts ------------------------------------------------------------------------------------------------ */

enum pt_code pt_staged_conflict(struct pt_execution *execution, const char *name, const struct pt_row *present,
                                const char *since, struct pt_error *reterr)
{
    const char *principal = "";
    int64_t time_ns = 0;
    PT_AUTO(buf) struct pt_buf time = {0};
    if (present != NULL) {
        pt_revision_author(execution->machine, name, present->revision, execution->arena, &principal, &time_ns);
    } else {
        struct pt_revision revisions[PT_REVISIONS_PER_RESOURCE_MAX];
        size_t len = 0;
        PT_TRY(pt_revisions_read(execution->machine, name, execution->arena, revisions, &len, reterr));
        principal = len > 0 ? revisions[0].principal : "";
        time_ns = len > 0 ? revisions[0].time_ns : 0;
    }
    struct pt_msg *stamp =
        pt_msg_new(execution->arena, pt_schema_message(execution->machine->schema, "patronus.v1.Revision"));
    pt_msg_set_time(stamp, execution->arena, "time", time_ns);
    PT_TRY(pt_msg_text(stamp, "time", &time, reterr));
    return pt_fail(
        reterr, PT_ABORTED, PT_REASON_ETAG_MISMATCH, "etag",
        "%.180s was %s by %.120s at %.*s, after %s (etag now '%.16s'); read it again and stage the change anew", name,
        present != NULL ? "changed" : "deleted", principal[0] != '\0' ? principal : "somebody", (int)time.size,
        (const char *)time.data, since, present != NULL ? present->etag : "");
}

/* Is the resource still what the change was staged upon? */
static enum pt_code check_base(struct pt_execution *execution, const struct pt_msg *change, const struct pt_msg *base,
                               struct pt_error *reterr)
{
    const char *name = pt_msg_str(change, "name");
    const char *wanted = pt_msg_str(change, "etag");
    if (wanted[0] == '\0' && base == NULL) {
        return PT_OK; /* planned without having been staged */
    }
    wanted = wanted[0] != '\0' ? wanted : pt_msg_str(base, "etag");
    struct pt_row row;
    enum pt_code code = pt_store_get(execution->machine->store, name, execution->arena, &row, reterr);
    if (code != PT_OK && code != PT_NOT_FOUND) {
        return code;
    }
    return strcmp(code == PT_OK ? row.etag : "", wanted) == 0
               ? PT_OK
               : pt_staged_conflict(execution, name, code == PT_OK ? &row : NULL, "the change was staged", reterr);
}

/* ---- carrying out --------------------------------------------------------------------------------------------- */

static enum pt_code run_one(struct pt_execution *execution, const struct pt_msg *change_set,
                            const struct pt_msg *change, const struct pt_msg *base, const char *uid,
                            struct pt_error *reterr)
{
    struct pt_mutation mutation;
    PT_TRY(decode(execution->machine, pt_msg_str(change_set, "name"), change, execution->arena, &mutation, reterr));
    mutation.uid = mutation.verb == PATRONUS__V1__VERB__DELETE ? "" : uid;
    PT_TRY(pt_permit_mutation(execution, &mutation, reterr)); /* before a conflict tells anything */
    PT_TRY(check_base(execution, change, base, reterr));
    return pt_mutate(execution, &mutation, reterr);
}

enum pt_code pt_change_set_run(struct pt_execution *execution, const struct pt_msg *change_set,
                               const struct pt_msg_field *changes, const char *uid,
                               bool (*each)(void *arg, size_t at, enum pt_code code, const struct pt_error *error),
                               void *arg, struct pt_error *reterr)
{
    const struct pt_msg_field *bases = pt_msg_field(change_set, "bases");
    bool based = bases != NULL && changes != NULL && bases->len == changes->len;
    execution->unbarred = true;
    enum pt_code first = PT_OK;
    for (size_t i = 0; changes != NULL && i < changes->len; i++) {
        struct pt_error error = {0};
        enum pt_code code = run_one(execution, change_set, changes->values[i].message,
                                    based ? bases->values[i].message : NULL, uid_of(uid, i, execution->arena), &error);
        (void)in_change(code, i, "", &error);
        error.code = code;
        if (code != PT_OK && first == PT_OK && reterr != NULL) {
            *reterr = error;
        }
        first = first == PT_OK ? code : first;
        if (pt_code_is_fatal(code) || (each != NULL ? !each(arg, i, code, &error) : code != PT_OK)) {
            break;
        }
    }
    execution->unbarred = false;
    return first;
}
