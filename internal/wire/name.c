/*
 * Resource names: collection/id pairs along the chain of parents that the schema declares,
 * "organizations/acme/sites/nyc".
 */
#include "wire/msg_internal.h"
#include "base/limits.h"

#include <stdio.h>
#include <string.h>

static bool id_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

/* [a-z]([a-z0-9-]{0,61}[a-z0-9])? */
static bool id_valid(const char *id, size_t size)
{
    if (size < 1 || size > PT_ID_SIZE_MAX || id[0] < 'a' || id[0] > 'z' || id[size - 1] == '-') {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (!id_char(id[i])) {
            return false;
        }
    }
    return true;
}

bool pt_id_valid(const char *id)
{
    return id_valid(id, strnlen(id, PT_ID_SIZE_MAX + 1));
}

/* The part up to the next '/' or the end; *rest is set behind it, or to NULL at the end. */
static struct pt_bytes next_part(const char *name, const char **rest)
{
    size_t size = (size_t)(strchrnul(name, '/') - name);
    *rest = name[size] == '/' ? name + size + 1 : NULL;
    return (struct pt_bytes){(const uint8_t *)name, size};
}

static bool part_is(struct pt_bytes part, const char *text)
{
    return strlen(text) == part.size && memcmp(part.data, text, part.size) == 0;
}

#define ID_RULE "ids are 1 to 63 of a-z, 0-9 and '-', begin with a letter and do not end with '-'"

/* A name against a kind's pattern; ids may be "-" with wildcards. On failure *ret_bad is the part that is wrong, with
 * size 0 when the shape as a whole is. */
static bool matches(const struct pt_message_type *kind, const char *name, bool wildcards, struct pt_bytes *ret_bad)
{
    const char *rest = name;
    const char *pattern = kind->resource->pattern;
    *ret_bad = (struct pt_bytes){0};
    while (pattern != NULL && rest != NULL) {
        struct pt_bytes expected = next_part(pattern, &pattern);
        struct pt_bytes part = next_part(rest, &rest);
        if (expected.data[0] != '{') {
            if (part.size != expected.size || memcmp(part.data, expected.data, part.size) != 0) {
                return false;
            }
        } else if (!(wildcards && part_is(part, "-")) && !id_valid((const char *)part.data, part.size)) {
            *ret_bad = part;
            return false;
        }
    }
    return pattern == NULL && rest == NULL;
}

static enum pt_code check_form(const struct pt_message_type *kind, const char *name, bool wildcards,
                               const struct pt_path *path, enum pt_reason reason, struct pt_error *reterr)
{
    if (strnlen(name, PT_NAME_SIZE_MAX + 1) > PT_NAME_SIZE_MAX) {
        return pt_fail_at(reterr, reason, path, "the name is longer than %d bytes", PT_NAME_SIZE_MAX);
    }
    struct pt_bytes bad;
    if (matches(kind, name, wildcards, &bad)) {
        return PT_OK;
    }
    if (bad.size > 0) {
        return pt_fail_at(reterr, reason, path, "'%.*s' in '%.100s' is not an id; " ID_RULE, (int)bad.size,
                          (const char *)bad.data, name);
    }
    return pt_fail_at(reterr, reason, path, "'%.100s' is not the name of a %s; write %s", name,
                      kind->resource->singular, kind->resource->pattern);
}

enum pt_code pt_name_check_kind(const struct pt_message_type *kind, const char *name, const struct pt_path *path,
                                struct pt_error *reterr)
{
    return check_form(kind, name, false, path, PT_REASON_FIELD_INVALID, reterr);
}

/* The kind whose plural is the last collection of the name; NULL when there is none. */
static const struct pt_message_type *kind_of_name(const struct pt_schema *schema, const char *name)
{
    struct pt_bytes collection = {0};
    const char *rest = name;
    for (size_t i = 0; rest != NULL; i++) {
        struct pt_bytes part = next_part(rest, &rest);
        collection = i % 2 == 0 ? part : collection;
    }
    char plural[PT_NAME_SIZE_MAX + 1];
    if (collection.size >= sizeof(plural)) {
        return NULL;
    }
    memcpy(plural, collection.data, collection.size);
    plural[collection.size] = '\0';
    const struct pt_message_type *kind = pt_schema_kind(schema, plural);
    return kind != NULL && strcmp(kind->resource->plural, plural) == 0 ? kind : NULL;
}

enum pt_code pt_name_parse(const struct pt_schema *schema, const char *name, const struct pt_message_type **ret_kind,
                           struct pt_error *reterr)
{
    struct pt_path path = {.name = "name", .index = PT_PATH_NO_INDEX};
    if (strnlen(name, PT_NAME_SIZE_MAX + 1) > PT_NAME_SIZE_MAX) {
        return pt_fail_at(reterr, PT_REASON_NAME_INVALID, &path, "the name is longer than %d bytes", PT_NAME_SIZE_MAX);
    }
    const struct pt_message_type *kind = kind_of_name(schema, name);
    if (kind == NULL) {
        return pt_fail_at(reterr, PT_REASON_NAME_INVALID, &path,
                          "'%.100s' is not a resource name; write for example organizations/acme/sites/nyc", name);
    }
    PT_TRY(check_form(kind, name, false, &path, PT_REASON_NAME_INVALID, reterr));
    *ret_kind = kind;
    return PT_OK;
}

enum pt_code pt_parent_parse(const struct pt_message_type *kind, const char *parent, bool wildcards,
                             struct pt_error *reterr)
{
    struct pt_path path = {.name = "parent", .index = PT_PATH_NO_INDEX};
    const struct pt_message_type *above = kind->resource->parent_kind;
    if (above != NULL) {
        return check_form(above, parent, wildcards, &path, PT_REASON_NAME_INVALID, reterr);
    }
    return parent[0] == '\0' ? PT_OK
                             : pt_fail_at(reterr, PT_REASON_NAME_INVALID, &path,
                                          "%s are at the top level; leave the parent empty instead of '%.100s'",
                                          kind->resource->plural, parent);
}

void pt_name_parent(const char *name, char parent[])
{
    const char *slash = strrchr(name, '/');
    size_t size = slash != NULL ? (size_t)(slash - name) : 0;
    while (size > 0 && name[size - 1] != '/') {
        size--; /* the collection goes too */
    }
    size -= size > 0;
    memmove(parent, name, size);
    parent[size] = '\0';
}

const char *pt_name_id(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash != NULL ? slash + 1 : name;
}
