/*
 * Requests are alike by convention (AIP 131 to 135): what a kind's request does not have is simply not set.
 */
#include "cli/request.h"

#include "base/assert.h"
#include "base/limits.h"

#include <string.h>

const struct pt_method_type *pt_cli_method(const struct pt_schema *schema, const struct pt_message_type *kind,
                                           enum pt_verb verb)
{
    size_t len = 0;
    const struct pt_method_type *const *methods = pt_schema_methods(schema, &len);
    for (size_t i = 0; i < len; i++) {
        if (methods[i]->kind == kind && methods[i]->verb == verb) {
            return methods[i];
        }
    }
    return NULL;
}

enum pt_code pt_cli_method_find(const struct pt_schema *schema, const struct pt_message_type *kind, enum pt_verb verb,
                                const struct pt_method_type **ret_method, struct pt_error *reterr)
{
    const struct pt_method_type *method = pt_cli_method(schema, kind, verb);
    if (method == NULL) {
        return pt_fail(reterr, PT_UNIMPLEMENTED, PT_REASON_NONE, kind->resource->plural, "%s",
                       kind->resource->view ? "the system computes these resources; they can be read and watched only"
                                            : "this kind has no such method");
    }
    *ret_method = method;
    return PT_OK;
}

static const struct pt_field_type *body_field(const struct pt_message_type *type, const struct pt_message_type *kind)
{
    for (size_t i = 0; i < type->fields_len; i++) {
        if (type->fields[i].message == kind) {
            return &type->fields[i];
        }
    }
    pt_unreachable(); /* the schema reader has seen to it */
}

static const struct pt_field_type *id_field(const struct pt_message_type *type)
{
    for (size_t i = 0; i < type->fields_len; i++) {
        size_t size = strlen(type->fields[i].name);
        if (size > 3 && strcmp(type->fields[i].name + size - 3, "_id") == 0 &&
            strcmp(type->fields[i].name, "request_id") != 0) {
            return &type->fields[i];
        }
    }
    pt_unreachable();
}

static void set_text(struct pt_msg *msg, struct pt_arena *arena, const char *field, const char *value)
{
    if (value[0] != '\0' && pt_message_field(msg->type, field) != NULL) {
        pt_msg_set_str(msg, arena, field, value);
    }
}

static void set_flag(struct pt_msg *msg, struct pt_arena *arena, const char *field, bool value)
{
    if (value && pt_message_field(msg->type, field) != NULL) {
        pt_msg_set_bool(msg, arena, field, true);
    }
}

struct pt_msg *pt_cli_request_get(const struct pt_method_type *method, const char *name, bool stale,
                                  struct pt_arena *arena)
{
    struct pt_msg *request = pt_msg_new(arena, method->input);
    set_text(request, arena, "name", name);
    set_flag(request, arena, "stale", stale);
    return request;
}

struct pt_msg *pt_cli_request_list(const struct pt_method_type *method, const struct pt_cli_list_options *options,
                                   struct pt_arena *arena)
{
    struct pt_msg *request = pt_msg_new(arena, method->input);
    set_text(request, arena, "parent", options->parent);
    set_text(request, arena, "filter", options->filter);
    set_text(request, arena, "order_by", options->order_by);
    set_text(request, arena, "page_token", options->page_token);
    set_flag(request, arena, "stale", options->stale);
    if (options->page_size > 0) {
        pt_msg_set_i64(request, arena, "page_size", (int64_t)options->page_size);
    }
    return request;
}

static void set_common(struct pt_msg *request, const struct pt_cli_write_options *options, struct pt_arena *arena)
{
    set_text(request, arena, "request_id", options->request_id);
    set_flag(request, arena, "validate_only", options->dry_run);
    set_flag(request, arena, "allow_missing", options->allow_missing);
    set_flag(request, arena, "force", options->force);
}

struct pt_msg *pt_cli_request_create(const struct pt_method_type *method, const char *name, struct pt_msg *resource,
                                     const struct pt_cli_write_options *options, struct pt_arena *arena)
{
    struct pt_msg *request = pt_msg_new(arena, method->input);
    char parent[PT_NAME_SIZE_MAX + 1];
    pt_name_parent(name, parent);
    set_text(request, arena, "parent", parent);
    pt_msg_set_str(request, arena, id_field(method->input)->name, pt_name_id(name));
    pt_msg_set_str(resource, arena, "name", name);
    pt_msg_set_child(request, arena, body_field(method->input, method->kind)->name, resource);
    set_common(request, options, arena);
    return request;
}

struct pt_msg *pt_cli_request_update(const struct pt_method_type *method, const char *name, struct pt_msg *resource,
                                     const struct pt_cli_mask *mask, const struct pt_cli_write_options *options,
                                     struct pt_arena *arena)
{
    struct pt_msg *request = pt_msg_new(arena, method->input);
    pt_msg_set_str(resource, arena, "name", name);
    set_text(resource, arena, "etag", options->etag);
    pt_msg_set_child(request, arena, body_field(method->input, method->kind)->name, resource);
    struct pt_msg *paths = pt_msg_new(arena, pt_message_field(method->input, "update_mask")->message);
    for (size_t i = 0; i < mask->len; i++) {
        pt_msg_append(paths, arena, "paths",
                      (union pt_value){.bytes = {(const uint8_t *)mask->paths[i], strlen(mask->paths[i])}});
    }
    pt_msg_set_child(request, arena, "update_mask", paths);
    set_common(request, options, arena);
    return request;
}

struct pt_msg *pt_cli_request_delete(const struct pt_method_type *method, const char *name,
                                     const struct pt_cli_write_options *options, struct pt_arena *arena)
{
    struct pt_msg *request = pt_msg_new(arena, method->input);
    set_text(request, arena, "name", name);
    set_text(request, arena, "etag", options->etag);
    set_common(request, options, arena);
    return request;
}

const struct pt_msg_field *pt_cli_list_items(const struct pt_method_type *method, const struct pt_msg *response)
{
    return pt_msg_field(response, body_field(method->output, method->kind)->name);
}
