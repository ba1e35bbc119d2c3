/*
 * A word is turned into a JSON object with that one field in it, read as any other JSON, and copied by its path: so
 * there is one reader of values, with one set of limits. What a person may write more freely than JSON (enums in any
 * case, lists with commas, 100M) is put into JSON's form here.
 */
#include "cli/fields.h"

#include "base/limits.h"
#include "wire/json.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PARTS_MAX 8

struct target {
    const char *path; /* as given, for errors; then canonical */
    const char *parts[PARTS_MAX];
    size_t parts_len;
    const struct pt_field_type *field; /* the last one */
    bool map_entry;                    /* the last part is a key of a map */
};

void pt_cli_mask_add(struct pt_cli_mask *mask, struct pt_arena *arena, const char *path)
{
    for (size_t i = 0; i < mask->len; i++) {
        if (strcmp(mask->paths[i], path) == 0) {
            return;
        }
    }
    if (mask->len == mask->capacity) {
        size_t capacity = mask->capacity == 0 ? 16 : mask->capacity * 2;
        const char **paths = pt_arena_array(arena, capacity, sizeof(*paths));
        if (mask->len > 0) {
            memcpy(paths, mask->paths, mask->len * sizeof(*paths));
        }
        mask->paths = paths;
        mask->capacity = capacity;
    }
    mask->paths[mask->len++] = pt_arena_strdup(arena, path);
}

bool pt_cli_is_assignment(const char *word)
{
    size_t size = strcspn(word, "=");
    return word[size] == '=' && size > 0 && isalpha((unsigned char)word[0]);
}

static enum pt_code refuse(struct pt_error *reterr, enum pt_reason reason, const char *path, const char *text)
{
    return pt_fail(reterr, PT_INVALID_ARGUMENT, reason, path, "%s", text);
}

/* ---- the path ------------------------------------------------------------------------------------------------- */

static enum pt_code unknown(const struct pt_message_type *type, const char *path, const char *part,
                            struct pt_error *reterr)
{
    const char *near = "";
    size_t best = 2;
    for (size_t i = 0; i < type->fields_len; i++) {
        const char *name = type->fields[i].name;
        size_t len = 0;
        while (name[len] != '\0' && name[len] == part[len]) {
            len++;
        }
        if (len > best) {
            best = len;
            near = name;
        }
    }
    return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_UNKNOWN, path,
                   "%s has no field '%.60s'%s%s%s; patronusctl explain shows its fields", type->name, part,
                   near[0] != '\0' ? ", did you mean '" : "", near, near[0] != '\0' ? "'" : "");
}

static enum pt_code find_target(const struct pt_message_type *type, const char *path, struct pt_arena *arena,
                                struct target *target, struct pt_error *reterr)
{
    const char *canonical = "";
    for (const char *rest = path; rest != NULL;) {
        if (target->parts_len == PARTS_MAX - 1) {
            return refuse(reterr, PT_REASON_FIELD_UNKNOWN, path, "the path is too deep");
        }
        size_t size = strcspn(rest, ".");
        const char *part = pt_arena_strndup(arena, rest, size);
        const struct pt_field_type *field = pt_message_field(type, part);
        if (field == NULL) {
            return unknown(type, path, part, reterr);
        }
        if (field->rules.output != PT_OUTPUT_USER) {
            return refuse(reterr, PT_REASON_FIELD_OUTPUT_ONLY, path, "the system sets this field; leave it out");
        }
        target->parts[target->parts_len++] = field->name;
        target->field = field;
        canonical = pt_arena_printf(arena, "%s%s%s", canonical, canonical[0] != '\0' ? "." : "", field->name);
        rest = rest[size] == '.' ? rest + size + 1 : NULL;
        if (rest != NULL && field->map) {
            target->parts[target->parts_len++] = rest;
            target->field = &field->message->fields[1];
            target->map_entry = true;
            canonical = pt_arena_printf(arena, "%s.%s", canonical, rest);
            rest = NULL;
        } else if (rest != NULL && (field->repeated || field->kind != PT_FIELD_MESSAGE)) {
            return refuse(reterr, PT_REASON_FIELD_UNKNOWN, path,
                          field->repeated ? "a path does not go into a list; give the whole list, for example as JSON"
                                          : "this is a plain value; the path ends before the dot");
        } else {
            type = field->message;
        }
    }
    target->path = canonical;
    return PT_OK;
}

/* ---- the value as JSON ---------------------------------------------------------------------------------------- */

void pt_cli_quote(const char *text, size_t size, struct pt_buf *out)
{
    pt_buf_append_u8(out, '"');
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\') {
            pt_buf_append_u8(out, '\\');
            pt_buf_append_u8(out, c);
        } else if (c < 0x20) {
            pt_buf_printf(out, "\\u%04x", c);
        } else {
            pt_buf_append_u8(out, c);
        }
    }
    pt_buf_append_u8(out, '"');
}

static enum pt_code put_bool(const struct target *target, const char *text, struct pt_buf *out, struct pt_error *reterr)
{
    bool yes = strcasecmp(text, "true") == 0 || strcasecmp(text, "yes") == 0;
    if (!yes && strcasecmp(text, "false") != 0 && strcasecmp(text, "no") != 0) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, target->path,
                       "'%.60s' is not true or false", text);
    }
    pt_buf_append_str(out, yes ? "true" : "false");
    return PT_OK;
}

static enum pt_code put_enum(const struct target *target, const char *text, struct pt_buf *out, struct pt_error *reterr)
{
    const struct pt_enum_type *type = target->field->enumeration;
    char names[300] = "";
    size_t used = 0;
    for (size_t i = 0; i < type->values_len; i++) {
        if (strcasecmp(type->values[i].name, text) == 0) {
            pt_cli_quote(type->values[i].name, strlen(type->values[i].name), out);
            return PT_OK;
        }
        if (type->values[i].number != 0 && used < sizeof(names)) {
            int n = snprintf(names + used, sizeof(names) - used, "%s%s", used > 0 ? ", " : "", type->values[i].name);
            used += n > 0 ? (size_t)n : 0;
        }
    }
    return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, target->path,
                   "'%.60s' is not a value of this field; write one of %s", text, names);
}

/* A whole number, with k, M, G or T behind it for powers of a thousand. */
static enum pt_code put_integer(const struct target *target, const char *text, struct pt_buf *out,
                                struct pt_error *reterr)
{
    size_t digits = text[0] == '-' ? 1 : 0;
    size_t len = digits + strspn(text + digits, "0123456789");
    const char *zeros = NULL;
    if (text[len] == '\0') {
        zeros = "";
    } else if (text[len + 1] == '\0') {
        zeros = text[len] == 'k' ? "000" : NULL;
        zeros = text[len] == 'M' ? "000000" : zeros;
        zeros = text[len] == 'G' ? "000000000" : zeros;
        zeros = text[len] == 'T' ? "000000000000" : zeros;
    }
    if (len == digits || zeros == NULL) {
        const struct pt_field_rules *rules = &target->field->rules;
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, target->path,
                       "'%.60s' is not a whole number%s%s%s; k, M, G and T behind it are understood", text,
                       rules->unit != NULL ? " (" : "", rules->unit != NULL ? rules->unit : "",
                       rules->unit != NULL ? ")" : "");
    }
    pt_buf_append(out, text, len);
    pt_buf_append_str(out, zeros);
    return PT_OK;
}

static enum pt_code put_number(const struct target *target, const char *text, struct pt_buf *out,
                               struct pt_error *reterr)
{
    char *end = NULL;
    double value = strtod(text, &end);
    if (text[0] == '\0' || *end != '\0') {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, target->path, "'%.60s' is not a number",
                       text);
    }
    pt_buf_printf(out, "%.17g", value);
    return PT_OK;
}

static enum pt_code put_single(const struct target *target, const char *text, struct pt_buf *out,
                               struct pt_error *reterr)
{
    switch (target->field->kind) {
    case PT_FIELD_BOOL:
        return put_bool(target, text, out, reterr);
    case PT_FIELD_ENUM:
        return put_enum(target, text, out, reterr);
    case PT_FIELD_STRING:
    case PT_FIELD_BYTES:
        pt_cli_quote(text, strlen(text), out);
        return PT_OK;
    case PT_FIELD_FLOAT:
    case PT_FIELD_DOUBLE:
        return put_number(target, text, out, reterr);
    case PT_FIELD_MESSAGE:
        if (target->field->message->well_known != PT_WELL_KNOWN_NONE && text[0] != '{') {
            pt_cli_quote(text, strlen(text), out);
            return PT_OK;
        }
        if (text[0] != '{') {
            return refuse(reterr, PT_REASON_FIELD_INVALID, target->path,
                          target->field->map ? "write JSON, {\"key\": \"value\"}, or one key: labels.key=value"
                                             : "write JSON, {\"field\": value}, or one field: this.field=value");
        }
        pt_buf_append_str(out, text);
        return PT_OK;
    default:
        return put_integer(target, text, out, reterr);
    }
}

static enum pt_code put_list(const struct target *target, const char *text, struct pt_arena *arena, struct pt_buf *out,
                             struct pt_error *reterr)
{
    if (text[0] == '[') {
        pt_buf_append_str(out, text);
        return PT_OK;
    }
    if (target->field->kind == PT_FIELD_MESSAGE && text[0] != '{') {
        return refuse(reterr, PT_REASON_FIELD_INVALID, target->path, "write JSON: [{\"field\": value}, ...]");
    }
    pt_buf_append_u8(out, '[');
    if (target->field->kind == PT_FIELD_MESSAGE) {
        pt_buf_append_str(out, text); /* one object, or several with commas */
    } else {
        for (const char *at = text;;) {
            size_t size = strcspn(at, ",");
            if (size == 0) {
                return refuse(reterr, PT_REASON_FIELD_INVALID, target->path, "there is an empty element in the list");
            }
            PT_TRY(put_single(target, pt_arena_strndup(arena, at, size), out, reterr));
            at += size;
            if (*at == '\0') {
                break;
            }
            pt_buf_append_u8(out, ',');
            at++;
        }
    }
    pt_buf_append_u8(out, ']');
    return PT_OK;
}

/* ---- together ------------------------------------------------------------------------------------------------- */

/* {"a":{"b":VALUE}} */
static enum pt_code put_object(const struct target *target, const char *text, struct pt_arena *arena,
                               struct pt_buf *out, struct pt_error *reterr)
{
    for (size_t i = 0; i < target->parts_len; i++) {
        pt_buf_append_u8(out, '{');
        pt_cli_quote(target->parts[i], strlen(target->parts[i]), out);
        pt_buf_append_u8(out, ':');
    }
    if (target->field->repeated && !target->field->map) {
        PT_TRY(put_list(target, text, arena, out, reterr));
    } else {
        PT_TRY(put_single(target, text, out, reterr));
    }
    for (size_t i = 0; i < target->parts_len; i++) {
        pt_buf_append_u8(out, '}');
    }
    return PT_OK;
}

enum pt_code pt_cli_assign(const struct pt_schema *schema, const char *word, struct pt_msg *msg,
                           struct pt_cli_mask *mask, struct pt_arena *arena, struct pt_error *reterr)
{
    if (!pt_cli_is_assignment(word)) {
        return refuse(reterr, PT_REASON_FIELD_INVALID, word, "this is not FIELD=VALUE");
    }
    size_t size = strcspn(word, "=");
    const char *path = pt_arena_strndup(arena, word, size);
    const char *value = word + size + 1;
    struct target target = {.path = path};
    if (strcmp(path, "name") == 0) {
        return refuse(reterr, PT_REASON_FIELD_IMMUTABLE, path, "the name stands before the fields and cannot change");
    }
    PT_TRY(find_target(msg->type, path, arena, &target, reterr));
    struct pt_msg *one = pt_msg_new(arena, msg->type);
    if (value[0] != '\0') {
        PT_AUTO(buf) struct pt_buf json = {0};
        PT_TRY(put_object(&target, value, arena, &json, reterr));
        enum pt_code code = pt_json_read(schema, msg->type, (const char *)json.data, json.size, arena, &one, reterr);
        if (code != PT_OK) {
            if (reterr != NULL) { /* a column in text that nobody wrote helps nobody */
                (void)snprintf(reterr->field, sizeof(reterr->field), "%.180s", target.path);
            }
            return code;
        }
    }
    PT_TRY(pt_msg_copy_path(msg, one, target.path, arena, reterr));
    if (mask != NULL) {
        pt_cli_mask_add(mask, arena, target.path);
    }
    return PT_OK;
}
