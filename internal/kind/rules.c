/*
 * Rules that the leader's fast check and apply share: whatever refuses a change stands here or in a mod's check, so
 * that the two cannot differ.
 */
#include "kind/machine.h"

#include "base/assert.h"
#include "base/limits.h"

#include <string.h>

/* ---- references ----------------------------------------------------------------------------------------------- */

struct reference_walk {
    struct pt_execution *execution;
    const char *self;
    enum pt_code code;
    struct pt_error *reterr;
};

/* "organizations/acme/sites/nyc" -> size of "organizations/acme"; 0 for a name at the top level. */
static size_t root_size(const char *name)
{
    const char *end = strchrnul(name, '/');
    end = strchrnul(*end == '/' ? end + 1 : end, '/');
    return *end == '/' ? (size_t)(end - name) : 0;
}

/* Resources below one top-level resource do not refer to what is below another: a tenant sees nothing of the next. */
static bool crosses_roots(const char *from, const char *to)
{
    size_t a = root_size(from);
    size_t b = root_size(to);
    return a > 0 && b > 0 && (a != b || memcmp(from, to, a) != 0);
}

static void check_reference(void *arg, const char *path, const char *kind, const char *name)
{
    struct reference_walk *walk = arg;
    if (walk->code != PT_OK) {
        return;
    }
    struct pt_machine_kind *machine = walk->execution->machine;
    if (crosses_roots(walk->self, name)) { /* without looking whether it exists */
        walk->code = pt_fail(walk->reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, path,
                             "'%.150s' is not below %.*s; a resource refers only to what belongs to the same", name,
                             (int)root_size(walk->self), walk->self);
        return;
    }
    struct pt_row row;
    enum pt_code code = pt_store_get(machine->store, name, walk->execution->arena, &row, walk->reterr);
    const struct pt_message_type *wanted = pt_schema_kind(machine->schema, kind);
    pt_assert(wanted != NULL);
    if (code == PT_OK && row.kind_id == wanted->resource->kind_id) {
        return;
    }
    if (code != PT_OK && code != PT_NOT_FOUND) {
        walk->code = code;
    } else {
        walk->code = pt_fail(walk->reterr, PT_FAILED_PRECONDITION, PT_REASON_REFERENCE_NOT_FOUND, path,
                             "there is no %s '%.200s'; create it first", kind, name);
    }
}

/* A schema-valid resource may still be refused by what else exists, and by what its mod knows. */
static enum pt_code check_with(struct pt_execution *execution, const struct pt_kind_info *info,
                               const struct pt_change *change, struct pt_error *reterr)
{
    if (change->after != NULL && info->has_reference) {
        struct reference_walk walk = {.execution = execution, .self = change->name, .reterr = reterr};
        pt_msg_references(change->after, check_reference, &walk);
        PT_TRY(walk.code);
    }
    if (info->rules == NULL || info->rules->check == NULL) {
        return PT_OK;
    }
    struct pt_view view;
    pt_view_init(&view, execution->machine, execution->arena, execution->time_ns);
    enum pt_code code = info->rules->check(&view, change, reterr);
    if (view.error.code != PT_OK) { /* what it read is not to be trusted */
        code = view.error.code;
        if (reterr != NULL) {
            *reterr = view.error;
        }
    }
    pt_view_fini(&view);
    return code;
}

enum pt_code pt_rules_check(struct pt_execution *execution, const struct pt_kind_info *info, const char *name,
                            const struct pt_msg *before, const struct pt_msg *after, struct pt_error *reterr)
{
    PT_TRY(pt_msg_check(after, before == NULL ? PT_RULE_CREATE : PT_RULE_UPDATE, reterr));
    const struct pt_change change = {.kind = info->type,
                                     .name = name,
                                     .before = before,
                                     .after = after,
                                     .proposed = execution->dry || execution->trial};
    return check_with(execution, info, &change, reterr);
}

enum pt_code pt_rules_check_again(struct pt_execution *execution, const struct pt_kind_info *info, const char *name,
                                  const struct pt_msg *after, struct pt_error *reterr)
{
    const struct pt_change change = {.kind = info->type, .name = name, .after = after};
    return check_with(execution, info, &change, reterr);
}

enum pt_code pt_rules_check_delete(struct pt_execution *execution, const struct pt_kind_info *info, const char *name,
                                   const struct pt_msg *before, struct pt_error *reterr)
{
    const struct pt_change change = {.kind = info->type, .name = name, .before = before};
    return check_with(execution, info, &change, reterr);
}

/* ---- fields that must not change ------------------------------------------------------------------------------ */

static bool field_equal(const struct pt_msg_field *a, const struct pt_msg_field *b, struct pt_buf *x, struct pt_buf *y)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }
    /* One-field messages, so that equality is that of canonical bytes. */
    struct pt_msg_field fields[2] = {*a, *b};
    struct pt_msg left = {.fields = &fields[0], .fields_len = 1, .fields_capacity = 1};
    struct pt_msg right = {.fields = &fields[1], .fields_len = 1, .fields_capacity = 1};
    pt_buf_reset(x);
    pt_buf_reset(y);
    pt_msg_encode(&left, x);
    pt_msg_encode(&right, y);
    return x->size == y->size && (x->size == 0 || memcmp(x->data, y->data, x->size) == 0);
}

enum pt_code pt_rules_immutable(const struct pt_msg *before, const struct pt_msg *after, struct pt_error *reterr)
{
    PT_AUTO(buf) struct pt_buf x = {0};
    PT_AUTO(buf) struct pt_buf y = {0};
    for (size_t i = 0; i < before->type->fields_len; i++) {
        const struct pt_field_type *type = &before->type->fields[i];
        if (type->rules.immutable &&
            !field_equal(pt_msg_field(before, type->name), pt_msg_field(after, type->name), &x, &y)) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_IMMUTABLE, type->name,
                           "%s cannot change after the resource was created; delete the resource and create it anew",
                           type->name);
        }
    }
    return PT_OK;
}

enum pt_code pt_rules_path(const struct pt_message_type *type, const char *path, struct pt_error *reterr)
{
    const char *at = path;
    while (type != NULL) {
        char part[128];
        size_t size = strcspn(at, ".");
        if (size >= sizeof(part)) {
            break;
        }
        memcpy(part, at, size);
        part[size] = '\0';
        const struct pt_field_type *field = pt_message_field(type, part);
        if (field == NULL) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_UNKNOWN, "update_mask",
                           "%s has no field '%.100s'", type->name, part);
        }
        if (field->rules.output != PT_OUTPUT_USER) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_OUTPUT_ONLY, "update_mask",
                           "%.100s is set by the server; leave it out of the mask", path);
        }
        type = field->map || field->repeated ? NULL : field->message;
        at += size;
        if (*at == '\0') {
            return PT_OK;
        }
        at++;
    }
    return PT_OK; /* a key of a map, or nonsense that pt_msg_copy_path refuses */
}

/* ---- counts --------------------------------------------------------------------------------------------------- */

static size_t count_key(char key[PT_NAME_SIZE_MAX + 8], uint32_t kind_id, const char *parent)
{
    pt_put_be32((uint8_t *)key, kind_id);
    size_t size = strlen(parent);
    pt_assert(size <= PT_NAME_SIZE_MAX);
    memcpy(key + 4, parent, size);
    return size + 4;
}

enum pt_code pt_rules_count(struct pt_machine_kind *machine, uint32_t kind_id, const char *parent, uint64_t *ret_count,
                            struct pt_error *reterr)
{
    char key[PT_NAME_SIZE_MAX + 8];
    size_t size = count_key(key, kind_id, parent);
    uintptr_t cached = (uintptr_t)pt_map_get(&machine->counts, key, size);
    if (cached == 0) {
        uint64_t count = 0;
        PT_TRY(pt_store_count(machine->store, kind_id, parent, &count, reterr));
        cached = (uintptr_t)count + 1;
        pt_map_put(&machine->counts, key, size, (void *)cached);
    }
    *ret_count = cached - 1;
    return PT_OK;
}

void pt_rules_count_add(struct pt_machine_kind *machine, uint32_t kind_id, const char *parent, int delta)
{
    char key[PT_NAME_SIZE_MAX + 8];
    size_t size = count_key(key, kind_id, parent);
    void **cached = pt_map_at(&machine->counts, key, size);
    if (cached != NULL) {
        uintptr_t next = (uintptr_t)*cached + (delta < 0 ? (uintptr_t)-1 : 1);
        pt_assert(next != 0);
        *cached = (void *)next;
    }
}

void pt_rules_counts_forget(struct pt_machine_kind *machine)
{
    pt_map_clear(&machine->counts);
}

/* ---- etag ----------------------------------------------------------------------------------------------------- */

static bool is_user_form(const struct pt_msg *resource)
{
    for (size_t i = 0; i < resource->fields_len; i++) {
        if (resource->fields[i].type->rules.output != PT_OUTPUT_USER) {
            return false;
        }
    }
    return true;
}

void pt_rules_etag(const struct pt_msg *resource, struct pt_arena *arena, char etag[PT_ETAG_SIZE])
{
    if (!is_user_form(resource)) { /* a new resource is, and needs no copy */
        struct pt_msg *user = pt_msg_dup(resource, arena);
        pt_msg_strip(user, PT_OUTPUT_DERIVED, false);
        pt_msg_strip(user, PT_OUTPUT_SOFT, false);
        resource = user;
    }
    struct pt_bytes bytes = pt_msg_encode_in(resource, arena);
    struct pt_digest digest = pt_sha256(bytes.data, bytes.size);
    pt_hex((struct pt_bytes){digest.bytes, (PT_ETAG_SIZE - 1) / 2}, etag);
}
