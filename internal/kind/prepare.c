/*
 * Requests -> commands.
 *
 * The requests of all kinds are alike by convention (AIP 131 to 135), so their fields are found by name:
 *
 *   Create  parent, <snake_singular>_id, <the resource>, request_id, validate_only
 *   Update  <the resource>, update_mask, request_id, validate_only, allow_missing
 *   Delete  name, etag, force, request_id, validate_only, allow_missing
 *
 * A command depends on its request alone, but for what the leader stamps (time, uid): repeating a request gives the
 * same command, which is how a repetition is told from another request under the same id.
 */
#include "kind/machine.h"

#include "base/assert.h"
#include "base/limits.h"
#include "patronus/v1/replication.pb-c.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A field of the request that not every request has. */
static const char *text_of(const struct pt_msg *request, const char *name)
{
    return pt_message_field(request->type, name) != NULL ? pt_msg_str(request, name) : "";
}

static bool flag_of(const struct pt_msg *request, const char *name)
{
    return pt_message_field(request->type, name) != NULL && pt_msg_bool(request, name);
}

/* The field that holds the resource; wire/schema has seen to it that there is one. */
static const struct pt_field_type *body_field(const struct pt_method_type *method)
{
    for (size_t i = 0; i < method->input->fields_len; i++) {
        if (method->input->fields[i].message == method->kind && !method->input->fields[i].repeated) {
            return &method->input->fields[i];
        }
    }
    pt_unreachable();
}

/* "steeringPolicy" -> "steering_policy_id" */
static void id_field(const char *singular, char *field, size_t size)
{
    size_t len = 0;
    for (const char *c = singular; *c != '\0' && len + 5 < size; c++) {
        if (isupper((unsigned char)*c)) {
            field[len++] = '_';
        }
        field[len++] = (char)tolower((unsigned char)*c);
    }
    (void)snprintf(field + len, size - len, "_id");
}

/* A copy of the body without what only the server sets. */
static struct pt_msg *take_body(const struct pt_method_type *method, const struct pt_msg *request,
                                struct pt_arena *arena)
{
    const struct pt_msg *body = pt_msg_child(request, body_field(method)->name);
    return body != NULL ? pt_msg_dup(body, arena) : pt_msg_new(arena, method->kind);
}

/* ---- create --------------------------------------------------------------------------------------------------- */

static enum pt_code new_name(const struct pt_message_type *kind, const char *parent, const char *id, const char *field,
                             struct pt_arena *arena, const char **ret_name, struct pt_error *reterr)
{
    const struct pt_resource_type *resource = kind->resource;
    PT_TRY(pt_parent_parse(kind, parent, false, reterr));
    if (id[0] == '\0') {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_REQUIRED, field,
                       "a new %s needs an id: 1 to 63 of a-z, 0-9 and '-', beginning with a letter",
                       resource->singular);
    }
    if (!pt_id_valid(id)) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_NAME_INVALID, field,
                       "'%.80s' is not an id; ids are 1 to 63 of a-z, 0-9 and '-', begin with a letter and do not end "
                       "with '-'",
                       id);
    }
    char *name = pt_arena_raw(arena, strlen(parent) + strlen(resource->plural) + strlen(id) + 3);
    char *end = stpcpy(stpcpy(name, parent), parent[0] != '\0' ? "/" : "");
    end = stpcpy(stpcpy(stpcpy(end, resource->plural), "/"), id);
    if (end - name > PT_NAME_SIZE_MAX) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_NAME_INVALID, field,
                       "the name would be longer than %d bytes", PT_NAME_SIZE_MAX);
    }
    *ret_name = name;
    return PT_OK;
}

static enum pt_code create_name(const struct pt_method_type *method, const struct pt_msg *request,
                                struct pt_arena *arena, const char **ret_name, struct pt_error *reterr)
{
    char field[128];
    id_field(method->kind->resource->singular, field, sizeof(field));
    return new_name(method->kind, pt_msg_str(request, "parent"), text_of(request, field), field, arena, ret_name,
                    reterr);
}

static enum pt_code prepare_create(const struct pt_method_type *method, const struct pt_msg *request,
                                   struct pt_arena *arena, struct pt_mutation *mutation, struct pt_error *reterr)
{
    PT_TRY(create_name(method, request, arena, &mutation->name, reterr));
    mutation->resource = take_body(method, request, arena);
    const char *given = pt_msg_str(mutation->resource, "name");
    if (given[0] != '\0' && strcmp(given, mutation->name) != 0) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_NAME_INVALID, "name",
                       "the resource says '%.180s', parent and id say '%.180s'; leave the former empty", given,
                       mutation->name);
    }
    pt_msg_set_str(mutation->resource, arena, "name", mutation->name);
    return PT_OK;
}

/* ---- update --------------------------------------------------------------------------------------------------- */

struct path_list {
    const char **paths;
    size_t len;
};

static bool is_user_field(const struct pt_field_type *field)
{
    return field->rules.output == PT_OUTPUT_USER && strcmp(field->name, "name") != 0;
}

/* Every user's field of the kind, or only those that the body sets. */
static void all_paths(const struct pt_msg *body, bool set_only, struct pt_arena *arena, struct path_list *list)
{
    list->paths = pt_arena_array(arena, body->type->fields_len, sizeof(*list->paths));
    for (size_t i = 0; i < body->type->fields_len; i++) {
        const struct pt_field_type *field = &body->type->fields[i];
        if (is_user_field(field) && (!set_only || pt_msg_has(body, field->name))) {
            list->paths[list->len++] = field->name;
        }
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* lowerCamelCase names are accepted as well: they are what JSON shows. Paths go into the log in snake_case. */
static const char *canonical_path(const struct pt_message_type *type, const char *path, struct pt_arena *arena)
{
    PT_AUTO(buf) struct pt_buf out = {0};
    const char *at = path;
    while (*at != '\0') {
        size_t size = strcspn(at, ".");
        char *part = pt_arena_strndup(arena, at, size);
        const struct pt_field_type *field = type != NULL ? pt_message_field(type, part) : NULL;
        pt_buf_append_str(&out, field != NULL ? field->name : part);
        type = field != NULL && !field->repeated ? field->message : NULL;
        at += size;
        if (*at == '.') {
            pt_buf_append_u8(&out, '.');
            at++;
        }
    }
    return pt_arena_strndup(arena, (const char *)out.data, out.size);
}

static enum pt_code mask_paths(const struct pt_msg_field *mask, const struct pt_msg *body, struct pt_arena *arena,
                               struct path_list *list, struct pt_error *reterr)
{
    list->paths = pt_arena_array(arena, mask->len, sizeof(*list->paths));
    for (size_t i = 0; i < mask->len; i++) {
        const char *path = canonical_path(body->type, (const char *)mask->values[i].bytes.data, arena);
        if (strcmp(path, "*") == 0) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "update_mask",
                           "'*' means every field; it stands alone");
        }
        if (strcmp(path, "name") == 0) {
            continue; /* it says which resource; it cannot change */
        }
        PT_TRY(pt_rules_path(body->type, path, reterr));
        list->paths[list->len++] = path;
    }
    qsort(list->paths, list->len, sizeof(*list->paths), by_text);
    return PT_OK;
}

enum pt_code pt_update_paths(const struct pt_msg *mask, const struct pt_msg *body, struct pt_arena *arena,
                             const char *const **ret_paths, size_t *ret_len, struct pt_error *reterr)
{
    struct path_list list = {0};
    const struct pt_msg_field *paths = mask != NULL ? pt_msg_field(mask, "paths") : NULL;
    if (paths == NULL || paths->len == 0) {
        all_paths(body, true, arena, &list);
    } else if (paths->len == 1 && strcmp((const char *)paths->values[0].bytes.data, "*") == 0) {
        all_paths(body, false, arena, &list);
    } else {
        PT_TRY(mask_paths(paths, body, arena, &list, reterr));
    }
    *ret_paths = list.paths;
    *ret_len = list.len;
    return PT_OK;
}

static enum pt_code prepare_update(struct pt_machine_kind *machine, const struct pt_method_type *method,
                                   const struct pt_msg *request, struct pt_arena *arena, struct pt_mutation *mutation,
                                   struct pt_error *reterr)
{
    struct pt_msg *body = take_body(method, request, arena);
    mutation->name = pt_msg_str(body, "name");
    const struct pt_message_type *kind = NULL;
    if (mutation->name[0] == '\0') {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_REQUIRED, "name",
                       "the resource's name says which %s to update: %s", method->kind->resource->singular,
                       method->kind->resource->pattern);
    }
    PT_TRY(pt_name_parse(machine->schema, mutation->name, &kind, reterr));
    if (kind != method->kind) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_NAME_INVALID, "name",
                       "'%.200s' is not the name of a %s; write %s", mutation->name, method->kind->resource->singular,
                       method->kind->resource->pattern);
    }
    mutation->etag = pt_msg_str(body, "etag"); /* as it was read (AIP-154); the other output fields are not looked at */
    pt_msg_strip(body, PT_OUTPUT_DERIVED, false);
    pt_msg_strip(body, PT_OUTPUT_SOFT, false);
    PT_TRY(pt_update_paths(pt_msg_child(request, "update_mask"), body, arena, &mutation->paths, &mutation->paths_len,
                           reterr));
    mutation->resource = body;
    mutation->allow_missing = flag_of(request, "allow_missing");
    return PT_OK;
}

/* ---- delete --------------------------------------------------------------------------------------------------- */

static enum pt_code prepare_delete(struct pt_machine_kind *machine, const struct pt_method_type *method,
                                   const struct pt_msg *request, struct pt_mutation *mutation, struct pt_error *reterr)
{
    mutation->name = pt_msg_str(request, "name");
    const struct pt_message_type *kind = NULL;
    PT_TRY(pt_name_parse(machine->schema, mutation->name, &kind, reterr));
    if (kind != method->kind) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_NAME_INVALID, "name",
                       "'%.200s' is not the name of a %s; write %s", mutation->name, method->kind->resource->singular,
                       method->kind->resource->pattern);
    }
    mutation->etag = text_of(request, "etag");
    mutation->force = flag_of(request, "force");
    mutation->allow_missing = flag_of(request, "allow_missing");
    return PT_OK;
}

char *pt_request_uid(const struct pt_request_context *context, struct pt_arena *arena)
{
    uint8_t bytes[16];
    pt_put_be64(bytes, context->uid_hi);
    pt_put_be64(bytes + 8, context->uid_lo);
    return pt_hex((struct pt_bytes){bytes, sizeof(bytes)}, pt_arena_raw(arena, 2 * sizeof(bytes) + 1));
}

/* ---- the command ---------------------------------------------------------------------------------------------- */

static const char *text_or_empty(const char *text)
{
    return text != NULL ? text : "";
}

static void pack(const struct pt_mutation *mutation, const char *request_id, const struct pt_request_context *context,
                 int64_t time_ns, struct pt_arena *arena, struct pt_buf *out)
{
    struct pt_bytes resource = {0};
    if (mutation->resource != NULL) {
        resource = pt_msg_encode_in(mutation->resource, arena);
    }
    Patronus__V1__Mutation packed = PATRONUS__V1__MUTATION__INIT;
    packed.verb = (Patronus__V1__Verb)mutation->verb;
    packed.kind_id = mutation->info->type->resource->kind_id;
    packed.name = (char *)(uintptr_t)mutation->name;
    packed.resource.data = (uint8_t *)(uintptr_t)resource.data;
    packed.resource.len = resource.size;
    packed.paths = (char **)(uintptr_t)mutation->paths;
    packed.n_paths = mutation->paths_len;
    packed.etag = (char *)(uintptr_t)mutation->etag;
    packed.force = mutation->force;
    packed.allow_missing = mutation->allow_missing;
    packed.uid = (char *)(uintptr_t)mutation->uid;
    Patronus__V1__Mutation *mutations[] = {&packed};
    Patronus__V1__Transaction transaction = PATRONUS__V1__TRANSACTION__INIT;
    transaction.mutations = mutations;
    transaction.n_mutations = 1;
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    command.format = 1;
    command.time_ns = time_ns;
    command.principal = (char *)(uintptr_t)context->caller.principal;
    command.request_id = (char *)(uintptr_t)request_id;
    Patronus__V1__Caller caller = PATRONUS__V1__CALLER__INIT;
    caller.groups = (char **)(uintptr_t)context->caller.groups;
    caller.n_groups = context->caller.groups_len;
    caller.api_key = (char *)(uintptr_t)text_or_empty(context->caller.api_key);
    caller.source = (char *)(uintptr_t)text_or_empty(context->caller.source);
    bool more = caller.n_groups > 0 || caller.api_key[0] != '\0' || caller.source[0] != '\0';
    command.caller = more ? &caller : NULL;
    command.op_case = PATRONUS__V1__COMMAND__OP_TRANSACTION;
    command.transaction = &transaction;
    pt_kind_command(&command, out);
}

static enum pt_code prepare_mutation(struct pt_machine_kind *machine, const struct pt_method_type *method,
                                     const struct pt_msg *request, const struct pt_request_context *context,
                                     struct pt_arena *arena, struct pt_mutation *mutation, struct pt_error *reterr)
{
    mutation->info = pt_kind_info(machine, method->kind->resource->kind_id);
    pt_assert(mutation->info != NULL);
    mutation->etag = "";
    mutation->uid = "";
    const char *uid = pt_request_uid(context, arena);
    switch (method->verb) {
    case PT_VERB_CREATE:
        mutation->verb = PATRONUS__V1__VERB__CREATE;
        mutation->uid = uid;
        return prepare_create(method, request, arena, mutation, reterr);
    case PT_VERB_UPDATE:
        mutation->verb = PATRONUS__V1__VERB__UPDATE;
        PT_TRY(prepare_update(machine, method, request, arena, mutation, reterr));
        mutation->uid = mutation->allow_missing ? uid : "";
        return PT_OK;
    case PT_VERB_DELETE:
        mutation->verb = PATRONUS__V1__VERB__DELETE;
        return prepare_delete(machine, method, request, mutation, reterr);
    case PT_VERB_UNDELETE:
        mutation->verb = PATRONUS__V1__VERB__UNDELETE;
        PT_TRY(prepare_delete(machine, method, request, mutation, reterr));
        mutation->uid = text_of(request, "uid");
        return PT_OK;
    default:
        return pt_fail(reterr, PT_UNIMPLEMENTED, PT_REASON_NONE, NULL, "%s is not a mutation", method->path);
    }
}

/* Has this very request been answered before? Then *ret_answered is set and `reply` holds the answer. */
enum pt_code pt_find_answer(struct pt_machine_kind *machine, const struct pt_msg *request,
                            const struct pt_request_context *context, struct pt_bytes command, struct pt_arena *arena,
                            bool *ret_answered, struct pt_buf *reply, struct pt_error *reterr)
{
    const char *request_id = text_of(request, "request_id");
    if (request_id[0] == '\0') {
        return PT_OK;
    }
    if (strlen(request_id) > PT_REQUEST_ID_SIZE_MAX) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "request_id",
                       "a request id has at most %d bytes", PT_REQUEST_ID_SIZE_MAX);
    }
    struct pt_msg *parsed = NULL;
    PT_TRY(pt_command_decode(machine, command, arena, &parsed, reterr));
    struct pt_digest digest = pt_command_digest(parsed, arena);
    uint64_t revision = 0;
    enum pt_code code = pt_replay(machine, context->caller.principal, request_id, &digest, reply, &revision, reterr);
    *ret_answered = code == PT_OK;
    return code == PT_NOT_FOUND ? PT_OK : code;
}

/* The command of a mutation, and whether it could be carried out now; or the answer, when that is known already. */
static enum pt_code settle(struct pt_machine_kind *machine, const struct pt_mutation *mutation,
                           const struct pt_msg *request, const struct pt_request_context *context,
                           struct pt_arena *arena, struct pt_buf *command, bool *ret_answered, struct pt_buf *reply,
                           struct pt_error *reterr)
{
    int64_t time_ns = pt_kind_time(machine, context->time_ns);
    bool validate_only = flag_of(request, "validate_only");
    pack(mutation, text_of(request, "request_id"), context, time_ns, arena, command);
    if (command->size > PT_MESSAGE_SIZE_MAX) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_MESSAGE_TOO_LARGE, NULL,
                       "the change takes %zu bytes; at most %u are allowed", command->size, PT_MESSAGE_SIZE_MAX);
    }
    if (!validate_only) {
        PT_TRY(pt_find_answer(machine, request, context, pt_buf_bytes(command), arena, ret_answered, reply, reterr));
        if (*ret_answered) {
            return PT_OK;
        }
    }
    struct pt_execution execution = {.caller = &context->caller,
                                     .machine = machine,
                                     .arena = arena,
                                     .events_arena = arena,
                                     .time_ns = time_ns,
                                     .dry = true,
                                     .reply = validate_only ? reply : NULL};
    PT_TRY(pt_mutate(&execution, mutation, reterr));
    *ret_answered = validate_only;
    return PT_OK;
}

static enum pt_code prepare(struct pt_machine_kind *machine, const struct pt_method_type *method,
                            const struct pt_msg *request, const struct pt_request_context *context,
                            struct pt_arena *arena, struct pt_buf *command, bool *ret_answered, struct pt_buf *reply,
                            struct pt_error *reterr)
{
    struct pt_mutation mutation = {0};
    PT_TRY(pt_kind_authenticate(machine, &context->caller, context->time_ns, reterr));
    PT_TRY(prepare_mutation(machine, method, request, context, arena, &mutation, reterr));
    return settle(machine, &mutation, request, context, arena, command, ret_answered, reply, reterr);
}

enum pt_code pt_kind_prepare(struct pt_machine_kind *machine, const struct pt_method_type *method,
                             const struct pt_msg *request, const struct pt_request_context *context, struct pt_buf *out,
                             bool *ret_validate_only, struct pt_buf *reply, struct pt_error *reterr)
{
    struct pt_arena arena;
    PT_ARENA_LENT(memory, 16384);
    pt_arena_init_lent(&arena, memory, sizeof(memory));
    PT_AUTO(buf) struct pt_buf command = {0};
    PT_AUTO(buf) struct pt_buf answer = {0};
    bool answered = false;
    enum pt_code code = prepare(machine, method, request, context, &arena, &command, &answered, &answer, reterr);
    if (code == PT_OK) { /* outputs stay untouched on failure */
        pt_buf_append(out, command.data, command.size);
        pt_buf_append(reply, answer.data, answered ? answer.size : 0);
        *ret_validate_only = answered;
    }
    pt_arena_fini(&arena);
    return code;
}

static enum pt_code make(struct pt_machine_kind *machine, const struct pt_message_type *kind, const char *parent,
                         const char *id, struct pt_msg *resource, const struct pt_request_context *context,
                         struct pt_arena *arena, struct pt_buf *command, struct pt_error *reterr)
{
    PT_TRY(pt_kind_authenticate(machine, &context->caller, context->time_ns, reterr));
    struct pt_mutation mutation = {.verb = PATRONUS__V1__VERB__CREATE,
                                   .info = pt_kind_info(machine, kind->resource->kind_id),
                                   .resource = resource,
                                   .etag = ""};
    mutation.uid = pt_request_uid(context, arena);
    PT_TRY(new_name(kind, parent, id, "id", arena, &mutation.name, reterr));
    pt_msg_set_str(resource, arena, "name", mutation.name);
    int64_t time_ns = pt_kind_time(machine, context->time_ns);
    pack(&mutation, "", context, time_ns, arena, command);
    struct pt_execution execution = {.machine = machine,
                                     .caller = &context->caller,
                                     .arena = arena,
                                     .events_arena = arena,
                                     .time_ns = time_ns,
                                     .dry = true};
    return pt_mutate(&execution, &mutation, reterr);
}

enum pt_code pt_kind_prepare_create(struct pt_machine_kind *machine, const struct pt_message_type *kind,
                                    const char *parent, const char *id, struct pt_msg *resource,
                                    const struct pt_request_context *context, struct pt_buf *out,
                                    struct pt_error *reterr)
{
    struct pt_arena arena;
    pt_arena_init(&arena);
    PT_AUTO(buf) struct pt_buf command = {0};
    enum pt_code code = make(machine, kind, parent, id, resource, context, &arena, &command, reterr);
    if (code == PT_OK) {
        pt_buf_append(out, command.data, command.size);
    }
    pt_arena_fini(&arena);
    return code;
}

/* ---- an earlier revision -------------------------------------------------------------------------------------- */

static enum pt_code restore(struct pt_machine_kind *machine, const struct pt_msg *request,
                            const struct pt_request_context *context, struct pt_arena *arena, struct pt_buf *command,
                            bool *ret_answered, struct pt_buf *reply, struct pt_error *reterr)
{
    const char *name = pt_msg_str(request, "name");
    const struct pt_message_type *kind = NULL;
    struct pt_msg *body = NULL;
    const struct pt_caller *caller = pt_access_unbound(&context->caller) ? NULL : &context->caller;
    PT_TRY(pt_kind_authenticate(machine, &context->caller, context->time_ns, reterr));
    PT_TRY(pt_name_parse(machine->schema, name, &kind, reterr));
    PT_TRY(pt_permit_get(machine, caller, kind, name, NULL, reterr));
    const struct pt_kind_info *info = pt_kind_info(machine, kind->resource->kind_id);
    if (info->has_secret || kind->resource->view) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_FIELD_INVALID, "name",
                       "%s cannot be restored: their secrets are not kept", kind->resource->plural);
    }
    PT_TRY(pt_revision_find(machine, name, pt_msg_u64(request, "revision"), arena, &body, reterr));
    PT_TRY(pt_permit_get(machine, caller, kind, name, body, reterr));
    struct pt_mutation mutation = {.verb = PATRONUS__V1__VERB__UPDATE,
                                   .info = info,
                                   .name = name,
                                   .etag = pt_msg_str(request, "etag"),
                                   .allow_missing = true,
                                   .uid = pt_request_uid(context, arena)};
    pt_msg_strip(body, PT_OUTPUT_DERIVED, false);
    mutation.resource = body;
    struct path_list list = {0};
    all_paths(body, false, arena, &list);
    mutation.paths = list.paths;
    mutation.paths_len = list.len;
    return settle(machine, &mutation, request, context, arena, command, ret_answered, reply, reterr);
}

enum pt_code pt_kind_prepare_restore(struct pt_machine_kind *machine, const struct pt_msg *request,
                                     const struct pt_request_context *context, struct pt_buf *out, bool *ret_answered,
                                     struct pt_buf *reply, struct pt_error *reterr)
{
    struct pt_arena arena;
    pt_arena_init(&arena);
    PT_AUTO(buf) struct pt_buf command = {0};
    PT_AUTO(buf) struct pt_buf answer = {0};
    bool answered = false;
    enum pt_code code = restore(machine, request, context, &arena, &command, &answered, &answer, reterr);
    if (code == PT_OK) {
        pt_buf_append(out, command.data, command.size);
        pt_buf_append(reply, answer.data, answered ? answer.size : 0);
        *ret_answered = answered;
    }
    pt_arena_fini(&arena);
    return code;
}
