/*
 * A word is tried against the scope and each name above it, the nearest first; the first that makes a valid name wins.
 * Nothing here asks a server: whether a resource exists is not looked at.
 */
#include "cli/names.h"

#include "base/limits.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* ---- kinds ---------------------------------------------------------------------------------------------------- */

static bool same_word(const char *a, const char *b)
{
    for (;;) {
        while (*a == '-' || *a == '_') {
            a++;
        }
        while (*b == '-' || *b == '_') {
            b++;
        }
        if (tolower((unsigned char)*a) != tolower((unsigned char)*b)) {
            return false;
        }
        if (*a == '\0') {
            return true;
        }
        a++;
        b++;
    }
}

static bool is_called(const struct pt_message_type *kind, const char *word)
{
    const struct pt_resource_type *resource = kind->resource;
    bool found =
        same_word(resource->singular, word) || same_word(resource->plural, word) || same_word(kind->name, word);
    for (size_t i = 0; i < resource->short_names_len && !found; i++) {
        found = same_word(resource->short_names[i], word);
    }
    return found;
}

const struct pt_message_type *pt_cli_kind(const struct pt_schema *schema, const char *word)
{
    size_t len = 0;
    const struct pt_message_type *const *kinds = pt_schema_kinds(schema, &len);
    for (size_t i = 0; i < len; i++) {
        if (is_called(kinds[i], word)) {
            return kinds[i];
        }
    }
    return NULL;
}

static size_t common_start(const char *a, const char *b)
{
    size_t len = 0;
    while (a[len] != '\0' && tolower((unsigned char)a[len]) == tolower((unsigned char)b[len])) {
        len++;
    }
    return len;
}

enum pt_code pt_cli_kind_find(const struct pt_schema *schema, const char *word, const struct pt_message_type **ret_kind,
                              struct pt_error *reterr)
{
    const struct pt_message_type *kind = pt_cli_kind(schema, word);
    if (kind != NULL) {
        *ret_kind = kind;
        return PT_OK;
    }
    size_t len = 0;
    size_t best = 1;
    const struct pt_message_type *const *kinds = pt_schema_kinds(schema, &len);
    for (size_t i = 0; i < len; i++) {
        size_t start = common_start(kinds[i]->resource->plural, word);
        if (start > best) {
            best = start;
            kind = kinds[i];
        }
    }
    return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_NAME_INVALID, word,
                   "there is no such kind%s%s%s; patronusctl kinds lists them", kind != NULL ? ", did you mean '" : "",
                   kind != NULL ? kind->resource->plural : "", kind != NULL ? "'" : "");
}

/* ---- names ---------------------------------------------------------------------------------------------------- */

/* Kind of a full name whose ids may be "-"; NULL when it is none. */
static const struct pt_message_type *kind_of(const struct pt_schema *schema, const char *name)
{
    char solid[PT_NAME_SIZE_MAX + 1];
    size_t size = strlen(name);
    if (size == 0 || size >= sizeof(solid)) {
        return NULL;
    }
    for (size_t i = 0; i <= size; i++) {
        bool alone = name[i] == '-' && i > 0 && name[i - 1] == '/' && (name[i + 1] == '/' || name[i + 1] == '\0');
        solid[i] = alone ? 'x' : name[i];
    }
    const struct pt_message_type *kind = NULL;
    return pt_name_parse(schema, solid, &kind, NULL) == PT_OK ? kind : NULL;
}

static bool has_wildcard(const char *name)
{
    size_t size = strlen(name);
    return strstr(name, "/-/") != NULL || (size >= 2 && strcmp(name + size - 2, "/-") == 0);
}

enum pt_code pt_cli_scope_init(const struct pt_schema *schema, const char *parent, struct pt_arena *arena,
                               struct pt_cli_scope *ret_scope, struct pt_error *reterr)
{
    const char *full = parent;
    if (parent[0] != '\0' && strchr(parent, '/') == NULL) {
        size_t len = 0;
        const struct pt_message_type *const *kinds = pt_schema_kinds(schema, &len);
        for (size_t i = 0; i < len; i++) {
            const struct pt_message_type *above = kinds[i]->resource->parent_kind;
            if (above != NULL && above->resource->parent_kind == NULL) {
                full = pt_arena_printf(arena, "%s/%s", above->resource->plural, parent);
                break;
            }
        }
    }
    if (full[0] != '\0' && kind_of(schema, full) == NULL) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_NAME_INVALID, "--parent",
                       "'%.100s' is not the name of a resource; write for example organizations/acme", parent);
    }
    *ret_scope = (struct pt_cli_scope){.schema = schema, .parent = full};
    return PT_OK;
}

/* The word below `base` ("" for the top), if that is a name of the kind (NULL: of any). */
static const char *try_base(const struct pt_schema *schema, const char *base, const struct pt_message_type *kind,
                            const char *word, struct pt_arena *arena, const struct pt_message_type **ret_kind)
{
    const char *slash = base[0] != '\0' ? "/" : "";
    const char *name = NULL;
    if (strchr(word, '/') != NULL) {
        name = pt_arena_printf(arena, "%s%s%s", base, slash, word);
    } else if (kind != NULL) {
        name = pt_arena_printf(arena, "%s%s%s/%s", base, slash, kind->resource->plural, word);
    } else {
        return NULL;
    }
    const struct pt_message_type *found = NULL;
    if (pt_name_parse(schema, name, &found, NULL) != PT_OK || (kind != NULL && found != kind)) {
        return NULL;
    }
    *ret_kind = found;
    return name;
}

static const char *resolve(const struct pt_schema *schema, const char *parent, const struct pt_message_type *kind,
                           const char *word, struct pt_arena *arena, const struct pt_message_type **ret_kind)
{
    char *base = pt_arena_strdup(arena, parent);
    for (;;) {
        const char *name = try_base(schema, base, kind, word, arena, ret_kind);
        if (name != NULL || base[0] == '\0') {
            return name;
        }
        pt_name_parent(base, base);
    }
}

enum pt_code pt_cli_name(const struct pt_cli_scope *scope, const struct pt_message_type *kind, const char *word,
                         struct pt_arena *arena, const char **ret_name, const struct pt_message_type **ret_kind,
                         struct pt_error *reterr)
{
    const struct pt_message_type *found = NULL;
    const char *name =
        strlen(word) <= PT_NAME_SIZE_MAX ? resolve(scope->schema, scope->parent, kind, word, arena, &found) : NULL;
    if (name != NULL) {
        *ret_name = name;
        if (ret_kind != NULL) {
            *ret_kind = found;
        }
        return PT_OK;
    }
    if (kind == NULL) {
        return pt_fail(
            reterr, PT_INVALID_ARGUMENT, PT_REASON_NAME_INVALID, word,
            "this is not a name%s%s; write it in full (organizations/acme/sites/nyc) or relative to --parent "
            "(sites/nyc), or put the kind before it",
            scope->parent[0] != '\0' ? " below " : "", scope->parent);
    }
    return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_NAME_INVALID, word,
                   "this is not the name of a %s%s%s; write %s, or an id and --parent; ids are of a-z, 0-9 and '-'",
                   kind->resource->singular, scope->parent[0] != '\0' ? " below " : "", scope->parent,
                   kind->resource->pattern);
}

static bool is_above(const struct pt_message_type *above, const struct pt_message_type *kind)
{
    for (; kind != NULL; kind = kind->resource->parent_kind) {
        if (kind == above) {
            return true;
        }
    }
    return false;
}

const char *pt_cli_list_parent(const struct pt_cli_scope *scope, const struct pt_message_type *kind,
                               struct pt_arena *arena)
{
    const struct pt_message_type *wanted = kind->resource->parent_kind;
    if (wanted == NULL) {
        return "";
    }
    char *base = pt_arena_strdup(arena, scope->parent);
    while (base[0] != '\0' && !is_above(kind_of(scope->schema, base), wanted)) {
        pt_name_parent(base, base);
    }
    const struct pt_message_type *from = kind_of(scope->schema, base);
    const char *tail = "";
    for (const struct pt_message_type *level = wanted; level != from; level = level->resource->parent_kind) {
        tail = pt_arena_printf(arena, "/%s/-%s", level->resource->plural, tail);
    }
    return base[0] == '\0' ? tail + 1 : pt_arena_printf(arena, "%s%s", base, tail);
}

const char *pt_cli_short_name(const struct pt_cli_scope *scope, const char *name)
{
    size_t size = strlen(scope->parent);
    bool below =
        size > 0 && !has_wildcard(scope->parent) && strncmp(name, scope->parent, size) == 0 && name[size] == '/';
    return below ? name + size + 1 : name;
}

/* ---- references ----------------------------------------------------------------------------------------------- */

void pt_cli_expand_references(const struct pt_cli_scope *scope, const char *name, struct pt_msg *msg,
                              struct pt_arena *arena)
{
    for (size_t i = 0; i < msg->fields_len; i++) {
        struct pt_msg_field *field = &msg->fields[i];
        const struct pt_message_type *kind = field->type->rules.reference_kind;
        for (size_t j = 0; j < field->len; j++) {
            union pt_value *value = &field->values[j];
            if (field->type->kind == PT_FIELD_MESSAGE) {
                /* Depth is bounded: what was read has passed the walker's limit. */
                pt_cli_expand_references(scope, name, value->message, arena);
                continue;
            }
            if (kind == NULL || field->type->kind != PT_FIELD_STRING || value->bytes.size == 0 ||
                value->bytes.size > PT_NAME_SIZE_MAX) {
                continue;
            }
            const char *word = (const char *)value->bytes.data;
            const struct pt_message_type *found = NULL;
            const char *full = resolve(scope->schema, name, kind, word, arena, &found);
            if (full == NULL) {
                full = resolve(scope->schema, scope->parent, kind, word, arena, &found);
            }
            if (full != NULL) {
                value->bytes = (struct pt_bytes){.data = (const uint8_t *)full, .size = strlen(full)};
            }
        }
    }
}
