/*
 * What only the whole set can tell about kinds: unique ids and names, parents, references, the common fields, and that
 * no message contains itself. Last, effective limits: every field that a user can store has a bound.
 */
#include "wire/schema_internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define PARENTS_LEN_MAX 8 /* deepest name hierarchy */

static bool is_google(const struct pt_message_type *type)
{
    return strncmp(type->full_name, "google.protobuf.", 16) == 0;
}

/* ---- containment ---------------------------------------------------------------------------------------------- */

enum mark { MARK_OPEN = 1, MARK_DONE = 2 };

static enum pt_code walk_contained(struct pt_map *marks, const struct pt_message_type *type, unsigned depth,
                                   struct pt_error *reterr)
{
    if (is_google(type)) {
        return PT_OK;
    }
    uintptr_t mark = (uintptr_t)pt_map_get(marks, &type, sizeof(type));
    if (mark == MARK_DONE) {
        return PT_OK;
    }
    if (mark == MARK_OPEN) {
        return pt_schema_fail(reterr, type->full_name, "the message contains itself; use a reference or a flat list");
    }
    if (depth > PT_MESSAGE_DEPTH_MAX) {
        return pt_schema_fail(reterr, type->full_name, "messages nest more than %d deep", PT_MESSAGE_DEPTH_MAX);
    }
    (void)pt_map_put(marks, &type, sizeof(type), (void *)(uintptr_t)MARK_OPEN);
    for (size_t i = 0; i < type->fields_len; i++) {
        if (type->fields[i].message != NULL) {
            PT_TRY(walk_contained(marks, type->fields[i].message, depth + 1, reterr));
        }
    }
    (void)pt_map_put(marks, &type, sizeof(type), (void *)(uintptr_t)MARK_DONE);
    return PT_OK;
}

static enum pt_code check_containment(const struct pt_schema *schema, struct pt_error *reterr)
{
    struct pt_map marks;
    pt_map_init(&marks);
    enum pt_code code = PT_OK;
    PT_MAP_FOREACH (entry, &schema->messages) {
        code = walk_contained(&marks, entry->value, 1, reterr);
        if (code != PT_OK) {
            break;
        }
    }
    pt_map_fini(&marks);
    return code;
}

/* ---- identity ------------------------------------------------------------------------------------------------- */

static int by_kind_id(const void *a, const void *b)
{
    uint32_t x = (*(const struct pt_message_type *const *)a)->resource->kind_id;
    uint32_t y = (*(const struct pt_message_type *const *)b)->resource->kind_id;
    return x < y ? -1 : x > y;
}

static enum pt_code add_name(struct pt_schema *schema, const struct pt_message_type *type, const char *name,
                             struct pt_error *reterr)
{
    const struct pt_message_type *other = pt_map_put_str(&schema->kind_names, name, (void *)(uintptr_t)type);
    return other == NULL ? PT_OK
                         : pt_schema_fail(reterr, type->full_name, "the kind name '%s' is already one of %s", name,
                                          other->full_name);
}

static enum pt_code collect_kinds(struct pt_schema *schema, struct pt_error *reterr)
{
    size_t len = 0;
    PT_MAP_FOREACH (entry, &schema->messages) {
        len += ((const struct pt_message_type *)entry->value)->resource != NULL;
    }
    schema->kinds = pt_arena_array(&schema->arena, len, sizeof(*schema->kinds));
    PT_MAP_FOREACH (entry, &schema->messages) {
        const struct pt_message_type *type = entry->value;
        if (type->resource != NULL) {
            schema->kinds[schema->kinds_len++] = type;
        }
    }
    qsort(schema->kinds, len, sizeof(*schema->kinds), by_kind_id);
    for (size_t i = 0; i < len; i++) {
        const struct pt_message_type *type = schema->kinds[i];
        if (i > 0 && schema->kinds[i - 1]->resource->kind_id == type->resource->kind_id) {
            return pt_schema_fail(reterr, type->full_name, "kind_id %u is already that of %s; take a new one",
                                  type->resource->kind_id, schema->kinds[i - 1]->full_name);
        }
        PT_TRY(add_name(schema, type, type->resource->singular, reterr));
        PT_TRY(add_name(schema, type, type->resource->plural, reterr));
        for (size_t j = 0; j < type->resource->short_names_len; j++) {
            PT_TRY(add_name(schema, type, type->resource->short_names[j], reterr));
        }
    }
    return PT_OK;
}

/* The kind whose singular this is; NULL when only a plural or short name, or nothing, is called so. */
static const struct pt_message_type *kind_of_singular(const struct pt_schema *schema, const char *singular)
{
    const struct pt_message_type *type = pt_map_get_str(&schema->kind_names, singular);
    return type != NULL && strcmp(type->resource->singular, singular) == 0 ? type : NULL;
}

/* ---- shape ---------------------------------------------------------------------------------------------------- */

static enum pt_code check_common_fields(const struct pt_message_type *type, struct pt_error *reterr)
{
    static const struct {
        uint32_t number;
        const char *name;
        enum pt_field_kind kind;
        enum pt_output output;
        bool repeated;
    } common[] = {
        {1, "name", PT_FIELD_STRING, PT_OUTPUT_USER, false},
        {2, "uid", PT_FIELD_STRING, PT_OUTPUT_DERIVED, false},
        {3, "etag", PT_FIELD_STRING, PT_OUTPUT_DERIVED, false},
        {4, "revision", PT_FIELD_UINT64, PT_OUTPUT_DERIVED, false},
        {5, "create_time", PT_FIELD_MESSAGE, PT_OUTPUT_DERIVED, false},
        {6, "update_time", PT_FIELD_MESSAGE, PT_OUTPUT_DERIVED, false},
        {7, "labels", PT_FIELD_MESSAGE, PT_OUTPUT_USER, true},
        {8, "annotations", PT_FIELD_MESSAGE, PT_OUTPUT_USER, true},
        {9, "display_name", PT_FIELD_STRING, PT_OUTPUT_USER, false},
        {10, "reconciling", PT_FIELD_BOOL, PT_OUTPUT_SOFT, false},
        {11, "conditions", PT_FIELD_MESSAGE, PT_OUTPUT_SOFT, true},
        {12, "observed_revision", PT_FIELD_UINT64, PT_OUTPUT_SOFT, false},
    };
    for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++) {
        const struct pt_field_type *field = pt_message_field_by_number(type, common[i].number);
        if (field == NULL || strcmp(field->name, common[i].name) != 0 || field->kind != common[i].kind ||
            field->rules.output != common[i].output || field->repeated != common[i].repeated) {
            return pt_schema_fail(reterr, type->full_name,
                                  "a kind must have the common field %s = %u with its usual type and output class",
                                  common[i].name, common[i].number);
        }
    }
    return PT_OK;
}

static enum pt_code check_columns(const struct pt_message_type *type, struct pt_error *reterr)
{
    for (size_t i = 0; i < type->resource->columns_len; i++) {
        const char *column = type->resource->columns[i];
        const struct pt_message_type *at = type;
        for (const char *part = column; *part != '\0';) {
            size_t len = strcspn(part, ".");
            const struct pt_field_type *field = NULL;
            for (size_t j = 0; at != NULL && j < at->fields_len; j++) {
                if (strlen(at->fields[j].name) == len && memcmp(at->fields[j].name, part, len) == 0) {
                    field = &at->fields[j];
                }
            }
            if (field == NULL) {
                return pt_schema_fail(reterr, type->full_name, "the column '%s' is no field of the kind", column);
            }
            if (field->map) {
                break; /* the rest is a key */
            }
            at = field->message;
            part += len + (part[len] == '.');
        }
    }
    return PT_OK;
}

/* "enrollmentToken" -> "enrollment_token" */
static const char *snake_case(struct pt_arena *arena, const char *name)
{
    char *snake = pt_arena_alloc(arena, strlen(name) * 2 + 1);
    size_t at = 0;
    for (; *name != '\0'; name++) {
        if (*name >= 'A' && *name <= 'Z') {
            snake[at++] = '_';
        }
        snake[at++] = (char)tolower((unsigned char)*name);
    }
    return snake;
}

static enum pt_code resolve_parent(struct pt_schema *schema, const struct pt_message_type *type,
                                   struct pt_error *reterr)
{
    struct pt_resource_type *resource = (struct pt_resource_type *)(uintptr_t)type->resource; /* still being built */
    if (resource->parent[0] != '\0') {
        resource->parent_kind = kind_of_singular(schema, resource->parent);
        if (resource->parent_kind == NULL) {
            return pt_schema_fail(reterr, type->full_name, "the parent '%s' is not the singular of a kind",
                                  resource->parent);
        }
    }
    return PT_OK;
}

static enum pt_code make_pattern(struct pt_schema *schema, const struct pt_message_type *type, struct pt_error *reterr)
{
    struct pt_arena *arena = &schema->arena;
    const char *pattern = "";
    unsigned levels = 0;
    for (const struct pt_message_type *at = type; at != NULL; at = at->resource->parent_kind) {
        if (++levels > PARENTS_LEN_MAX) {
            return pt_schema_fail(reterr, type->full_name, "the parents form a circle or more than %d levels",
                                  PARENTS_LEN_MAX);
        }
        pattern = pt_arena_printf(arena, "%s/{%s}%s%s", at->resource->plural, snake_case(arena, at->resource->singular),
                                  pattern[0] != '\0' ? "/" : "", pattern);
    }
    ((struct pt_resource_type *)(uintptr_t)type->resource)->pattern = pattern;
    return PT_OK;
}

/* ---- rules ---------------------------------------------------------------------------------------------------- */

static enum pt_code resolve_references(struct pt_schema *schema, struct pt_message_type *type, struct pt_error *reterr)
{
    for (size_t i = 0; i < type->fields_len; i++) {
        struct pt_field_type *field = (struct pt_field_type *)(uintptr_t)&type->fields[i]; /* still being built */
        if (field->rules.reference == NULL) {
            continue;
        }
        field->rules.reference_kind = kind_of_singular(schema, field->rules.reference);
        bool text = field->kind == PT_FIELD_STRING ||
                    (field->map && pt_message_field_by_number(field->message, 2)->kind == PT_FIELD_STRING);
        if (field->rules.reference_kind == NULL || !text) {
            return pt_schema_fail(reterr, type->full_name,
                                  "field %s refers to '%s', which is not the singular of a kind, or is no string",
                                  field->name, field->rules.reference);
        }
    }
    return PT_OK;
}

/* Give every field of the message and of those within it a bound. The walk ends: containment has been checked. */
static void fill_limits(struct pt_map *done, const struct pt_message_type *type)
{
    if (is_google(type) || pt_map_put(done, &type, sizeof(type), (void *)(uintptr_t)type) != NULL) {
        return;
    }
    for (size_t i = 0; i < type->fields_len; i++) {
        struct pt_field_type *field = (struct pt_field_type *)(uintptr_t)&type->fields[i]; /* still being built */
        if (field->rules.max_size == PT_LIMIT_NONE) {
            field->rules.max_size = PT_MAX_SIZE_DEFAULT;
        }
        if (field->rules.max_items == PT_LIMIT_NONE) {
            field->rules.max_items = PT_MAX_ITEMS_DEFAULT;
        }
        if (field->message != NULL) {
            fill_limits(done, field->message);
        }
    }
}

/* Entry types are made for one map field each, so its rules can stand on them. */
static void pass_rules_to_entry(const struct pt_field_type *map)
{
    struct pt_field_type *key = (struct pt_field_type *)(uintptr_t)&map->message->fields[0]; /* still being built */
    struct pt_field_type *value = (struct pt_field_type *)(uintptr_t)&map->message->fields[1];
    key->rules = (struct pt_field_rules){.max_size = map->rules.max_size, .max_items = PT_LIMIT_NONE};
    value->rules = map->rules;
    value->rules.required = value->rules.immutable = value->rules.set = false;
    value->rules.output = PT_OUTPUT_USER;
    value->rules.max_items = PT_LIMIT_NONE;
}

enum pt_code pt_schema_finish_kinds(struct pt_schema *schema, struct pt_error *reterr)
{
    PT_TRY(check_containment(schema, reterr));
    PT_TRY(collect_kinds(schema, reterr));
    for (size_t i = 0; i < schema->kinds_len; i++) {
        PT_TRY(check_common_fields(schema->kinds[i], reterr));
        PT_TRY(check_columns(schema->kinds[i], reterr));
        PT_TRY(resolve_parent(schema, schema->kinds[i], reterr));
    }
    for (size_t i = 0; i < schema->kinds_len; i++) {
        PT_TRY(make_pattern(schema, schema->kinds[i], reterr));
    }
    struct pt_map done;
    pt_map_init(&done);
    for (size_t i = 0; i < schema->kinds_len; i++) {
        fill_limits(&done, schema->kinds[i]);
    }
    pt_map_fini(&done);
    PT_MAP_FOREACH (entry, &schema->messages) {
        struct pt_message_type *type = entry->value;
        PT_TRY(resolve_references(schema, type, reterr));
        for (size_t i = 0; i < type->fields_len; i++) {
            if (type->fields[i].map) {
                pass_rules_to_entry(&type->fields[i]);
            }
        }
    }
    return PT_OK;
}
