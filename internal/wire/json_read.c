/*
 * JSON to trees: recursive descent along the message type, so that a value is understood, or refused, at the place
 * where it stands. The depth is that of messages, bounded by PT_MESSAGE_DEPTH_MAX. An object for an Any is scanned
 * twice, for
 * "@type" may come last; the nesting of those is bounded as well, so that the work stays linear.
 */
#include "wire/json.h"
#include "wire/json_scan.h"
#include "wire/msg_internal.h"
#include "wire/time_text.h"
#include "base/limits.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ANY_DEPTH_MAX 4

struct reader {
    struct pt_json_scan scan;
    const struct pt_schema *schema;
    unsigned any_depth;
};

static enum pt_code read_message(struct reader *reader, const struct pt_message_type *type, const struct pt_path *path,
                                 unsigned depth, struct pt_msg **ret_msg);

#define REFUSE(reader, at, path, ...) pt_json_fail(&(reader)->scan, (at), PT_REASON_FIELD_INVALID, (path), __VA_ARGS__)

/* ---- scalars -------------------------------------------------------------------------------------------------- */

/* A number, bare or in quotes. */
static enum pt_code number_text(struct reader *reader, const struct pt_path *path, const char **ret_text)
{
    struct pt_bytes text;
    if (pt_json_peek(&reader->scan) == '"') {
        PT_TRY(pt_json_string(&reader->scan, path, &text));
    } else {
        PT_TRY(pt_json_number(&reader->scan, path, &text));
    }
    *ret_text = (const char *)text.data;
    return PT_OK;
}

/* Digits, perhaps behind a '-': what strtoll takes beyond that is not for us. */
static bool is_whole(const char *text, bool negative_allowed)
{
    text += negative_allowed && text[0] == '-';
    return text[0] != '\0' && strspn(text, "0123456789") == strlen(text);
}

static bool is_32_bits(enum pt_field_kind kind)
{
    return kind == PT_FIELD_INT32 || kind == PT_FIELD_SINT32 || kind == PT_FIELD_SFIXED32 || kind == PT_FIELD_UINT32 ||
           kind == PT_FIELD_FIXED32 || kind == PT_FIELD_ENUM;
}

/* Text to an integer of the kind; false when it is none or does not fit. */
static bool integer_value(enum pt_field_kind kind, const char *text, union pt_value *value)
{
    *value = (union pt_value){.u64 = 0};
    errno = 0;
    if (pt_kind_is_unsigned(kind)) {
        value->u64 = strtoull(text, NULL, 10);
        return is_whole(text, false) && errno == 0 && (!is_32_bits(kind) || value->u64 <= UINT32_MAX);
    }
    value->i64 = strtoll(text, NULL, 10);
    return is_whole(text, true) && errno == 0 &&
           (!is_32_bits(kind) || (value->i64 >= INT32_MIN && value->i64 <= INT32_MAX));
}

static enum pt_code read_integer(struct reader *reader, const struct pt_field_type *type, const struct pt_path *path,
                                 union pt_value *ret_value)
{
    (void)pt_json_peek(&reader->scan);
    const char *at = reader->scan.at;
    const char *text = NULL;
    PT_TRY(number_text(reader, path, &text));
    if (!integer_value(type->kind, text, ret_value)) {
        return REFUSE(reader, at, path, "'%.40s' is not a whole number of %s%d bits", text,
                      pt_kind_is_unsigned(type->kind) ? "0 or more, in " : "", is_32_bits(type->kind) ? 32 : 64);
    }
    return PT_OK;
}

static enum pt_code read_float(struct reader *reader, const struct pt_field_type *type, const struct pt_path *path,
                               union pt_value *ret_value)
{
    (void)pt_json_peek(&reader->scan);
    const char *at = reader->scan.at;
    const char *text = NULL;
    PT_TRY(number_text(reader, path, &text));
    double number = 0;
    if (strcmp(text, "NaN") == 0) {
        number = __builtin_nan("");
    } else if (strcmp(text, "Infinity") == 0 || strcmp(text, "-Infinity") == 0) {
        number = text[0] == '-' ? -__builtin_inf() : __builtin_inf();
    } else {
        char *end = NULL;
        number = strtod(text, &end);
        bool plain = text[0] != '\0' && strspn(text, "0123456789+-.eE") == strlen(text) && *end == '\0';
        if (!plain || isinf(number) || (type->kind == PT_FIELD_FLOAT && fabs(number) > (double)FLT_MAX)) {
            return REFUSE(reader, at, path, "'%.40s' is not a number that fits", text);
        }
    }
    ret_value->number = type->kind == PT_FIELD_FLOAT ? (double)(float)number : number;
    return PT_OK;
}

static enum pt_code read_enum(struct reader *reader, const struct pt_field_type *type, const struct pt_path *path,
                              union pt_value *ret_value)
{
    const struct pt_enum_type *enumeration = type->enumeration;
    bool by_name = pt_json_peek(&reader->scan) == '"';
    const char *at = reader->scan.at;
    const char *text = NULL;
    PT_TRY(number_text(reader, path, &text));
    union pt_value number = {.i64 = 0};
    const struct pt_enum_value *value = NULL;
    if (by_name) {
        value = pt_enum_by_name(enumeration, text);
    } else if (integer_value(PT_FIELD_ENUM, text, &number)) {
        value = pt_enum_by_number(enumeration, (int32_t)number.i64);
    }
    if (value == NULL) {
        PT_AUTO(buf) struct pt_buf names;
        pt_buf_init(&names);
        for (size_t i = 0; i < enumeration->values_len; i++) {
            pt_buf_printf(&names, "%s%s", i > 0 ? ", " : "", enumeration->values[i].name);
        }
        return REFUSE(reader, at, path, "'%.40s' is not one of %.200s", text, (const char *)names.data);
    }
    *ret_value = (union pt_value){.i64 = value->number};
    return PT_OK;
}

static enum pt_code read_text(struct reader *reader, const struct pt_field_type *type, const struct pt_path *path,
                              union pt_value *ret_value)
{
    (void)pt_json_peek(&reader->scan);
    const char *at = reader->scan.at;
    struct pt_bytes text;
    PT_TRY(pt_json_string(&reader->scan, path, &text));
    if (type->kind == PT_FIELD_BYTES) {
        PT_AUTO(buf) struct pt_buf raw;
        pt_buf_init(&raw);
        if (!pt_base64_read(text, &raw)) {
            return REFUSE(reader, at, path, "is not base64");
        }
        text = (struct pt_bytes){pt_arena_memdup(reader->scan.arena, raw.data, raw.size), raw.size};
    }
    if (text.size > type->rules.max_size) {
        return REFUSE(reader, at, path, "is %zu bytes long; at most %u are allowed", text.size, type->rules.max_size);
    }
    *ret_value = (union pt_value){.bytes = text};
    return PT_OK;
}

static enum pt_code read_value(struct reader *reader, const struct pt_field_type *type, const struct pt_path *path,
                               unsigned depth, union pt_value *ret_value)
{
    *ret_value = (union pt_value){.u64 = 0};
    switch (type->kind) {
    case PT_FIELD_MESSAGE: {
        struct pt_msg *child = NULL;
        PT_TRY(read_message(reader, type->message, path, depth + 1, &child));
        *ret_value = (union pt_value){.message = child};
        return PT_OK;
    }
    case PT_FIELD_BOOL:
        (void)pt_json_peek(&reader->scan);
        ret_value->boolean = pt_json_take_word(&reader->scan, "true");
        if (!ret_value->boolean && !pt_json_take_word(&reader->scan, "false")) {
            return REFUSE(reader, reader->scan.at, path, "expected true or false");
        }
        return PT_OK;
    case PT_FIELD_ENUM:
        return read_enum(reader, type, path, ret_value);
    case PT_FIELD_STRING:
    case PT_FIELD_BYTES:
        return read_text(reader, type, path, ret_value);
    case PT_FIELD_FLOAT:
    case PT_FIELD_DOUBLE:
        return read_float(reader, type, path, ret_value);
    default:
        return read_integer(reader, type, path, ret_value);
    }
}

/* ---- containers ----------------------------------------------------------------------------------------------- */

/* Behind an element: true and the comma taken when another follows; else the bracket is taken. */
static enum pt_code next_element(struct reader *reader, char close, const struct pt_path *path, bool *ret_more)
{
    *ret_more = pt_json_peek(&reader->scan) == ',';
    if (*ret_more) {
        reader->scan.at++;
        return PT_OK;
    }
    return pt_json_expect(&reader->scan, close, path);
}

/* Behind the opening bracket: false, with the bracket taken, when the container is empty. */
static bool first_element(struct reader *reader, char close)
{
    if (pt_json_peek(&reader->scan) != close) {
        return true;
    }
    reader->scan.at++;
    return false;
}

static enum pt_code too_many(struct reader *reader, const struct pt_field_type *type, const struct pt_path *path)
{
    return REFUSE(reader, reader->scan.at, path, "has more than %u elements; at most %u are allowed",
                  type->rules.max_items, type->rules.max_items);
}

static enum pt_code read_list(struct reader *reader, struct pt_msg *msg, const struct pt_field_type *type,
                              struct pt_path *path, unsigned depth)
{
    PT_TRY(pt_json_expect(&reader->scan, '[', path));
    struct pt_msg_field *field = NULL;
    for (bool more = first_element(reader, ']'); more;) {
        path->index = field != NULL ? field->len : 0;
        if (path->index >= type->rules.max_items) {
            return too_many(reader, type, path);
        }
        union pt_value value;
        PT_TRY(read_value(reader, type, path, depth, &value));
        field = field != NULL ? field : pt_msg_make(msg, reader->scan.arena, type);
        *pt_msg_push(field, reader->scan.arena) = value;
        PT_TRY(next_element(reader, ']', path, &more));
    }
    return PT_OK;
}

/* A map's key from its text. */
static bool key_value(const struct pt_field_type *type, struct pt_bytes text, union pt_value *value)
{
    *value = (union pt_value){.u64 = 0};
    if (type->kind == PT_FIELD_STRING) {
        value->bytes = text;
        return text.size <= type->rules.max_size;
    }
    if (type->kind == PT_FIELD_BOOL) {
        value->boolean = strcmp((const char *)text.data, "true") == 0;
        return value->boolean || strcmp((const char *)text.data, "false") == 0;
    }
    return integer_value(type->kind, (const char *)text.data, value);
}

static enum pt_code check_keys(struct reader *reader, const char *at, struct pt_msg_field *field, struct pt_path *path)
{
    qsort(field->values, field->len, sizeof(*field->values), pt_map_entry_compare);
    for (size_t i = 1; i < field->len; i++) {
        if (pt_map_entry_compare(&field->values[i - 1], &field->values[i]) == 0) {
            char key[PT_KEY_TEXT_SIZE];
            path->key = pt_map_key_text(field->values[i].message, key, sizeof(key));
            return REFUSE(reader, at, path, "the key is given twice");
        }
    }
    return PT_OK;
}

static enum pt_code read_map(struct reader *reader, struct pt_msg *msg, const struct pt_field_type *type,
                             struct pt_path *path, unsigned depth)
{
    const struct pt_field_type *key_type = &type->message->fields[0];
    const struct pt_field_type *value_type = &type->message->fields[1];
    struct pt_arena *arena = reader->scan.arena;
    PT_TRY(pt_json_expect(&reader->scan, '{', path));
    const char *open = reader->scan.at;
    struct pt_msg_field *field = NULL;
    for (bool more = first_element(reader, '}'); more;) {
        struct pt_bytes text;
        union pt_value key;
        union pt_value value;
        const char *at = reader->scan.at;
        PT_TRY(pt_json_string(&reader->scan, path, &text));
        path->key = (const char *)text.data;
        if (!key_value(key_type, text, &key)) {
            return REFUSE(reader, at, path, "the key is not of the map's key type, or too long");
        }
        if (field != NULL && field->len >= type->rules.max_items) {
            return too_many(reader, type, path);
        }
        PT_TRY(pt_json_expect(&reader->scan, ':', path));
        PT_TRY(read_value(reader, value_type, path, depth + 1, &value));
        struct pt_msg *entry = pt_msg_new(arena, type->message);
        pt_msg_put(entry, arena, key_type, key);
        pt_msg_put(entry, arena, value_type, value);
        field = field != NULL ? field : pt_msg_make(msg, arena, type);
        *pt_msg_push(field, arena) = (union pt_value){.message = entry};
        PT_TRY(next_element(reader, '}', path, &more));
    }
    path->key = NULL;
    return field != NULL ? check_keys(reader, open, field, path) : PT_OK;
}

static enum pt_code read_field(struct reader *reader, struct pt_msg *msg, const struct pt_field_type *type,
                               const struct pt_path *parent, unsigned depth)
{
    struct pt_path path = {.parent = parent, .name = type->name, .index = PT_PATH_NO_INDEX};
    const char *at = reader->scan.at;
    (void)pt_json_peek(&reader->scan);
    if (pt_json_take_word(&reader->scan, "null")) {
        return PT_OK;
    }
    if (type->map) {
        return read_map(reader, msg, type, &path, depth);
    }
    if (type->repeated) {
        return read_list(reader, msg, type, &path, depth);
    }
    for (size_t i = 0; type->oneof_index >= 0 && i < msg->fields_len; i++) {
        if (msg->fields[i].type->oneof_index == type->oneof_index) {
            return REFUSE(reader, at, &path, "cannot be set together with %s: both belong to the oneof %s",
                          msg->fields[i].type->name, type->oneof_name);
        }
    }
    union pt_value value;
    PT_TRY(read_value(reader, type, &path, depth, &value));
    pt_msg_put(msg, reader->scan.arena, type, value);
    return PT_OK;
}

/* ---- names ---------------------------------------------------------------------------------------------------- */

/* Edits between two short words; for "did you mean". */
static unsigned edit_distance(const char *a, const char *b)
{
    unsigned row[64];
    size_t len = strlen(b);
    if (strlen(a) > 60 || len > 60) {
        return 99;
    }
    for (unsigned j = 0; j <= len; j++) {
        row[j] = j;
    }
    for (unsigned i = 1; a[i - 1] != '\0'; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= len; j++) {
            unsigned replace = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            unsigned shorter = row[j] < row[j - 1] ? row[j] : row[j - 1];
            row[j] = replace < shorter + 1 ? replace : shorter + 1;
        }
    }
    return row[len];
}

static enum pt_code unknown_name(struct reader *reader, const char *at, const struct pt_message_type *type,
                                 const char *name, const struct pt_path *path)
{
    const char *nearest = NULL;
    unsigned nearest_distance = 4;
    for (size_t i = 0; i < type->fields_len; i++) {
        unsigned snake = edit_distance(name, type->fields[i].name);
        unsigned json = edit_distance(name, type->fields[i].json_name);
        unsigned distance = snake < json ? snake : json;
        if (distance < nearest_distance) {
            nearest = type->fields[i].json_name;
            nearest_distance = distance;
        }
    }
    return pt_json_fail(&reader->scan, at, PT_REASON_FIELD_UNKNOWN, path, "%s has no field '%.60s'%s%s%s",
                        type->full_name, name, nearest != NULL ? "; did you mean '" : "",
                        nearest != NULL ? nearest : "", nearest != NULL ? "'?" : "");
}

/* The members of an object behind its '{', into msg. "@type" is passed over when any is true. */
static enum pt_code read_members(struct reader *reader, struct pt_msg *msg, bool any, const struct pt_path *path,
                                 unsigned depth)
{
    const struct pt_message_type *type = msg->type;
    bool *seen = NULL; /* by index of the field; an empty object, the cheapest to write, does without */
    for (bool more = first_element(reader, '}'); more;) {
        seen = seen != NULL ? seen : pt_arena_array(reader->scan.arena, type->fields_len, sizeof(*seen));
        struct pt_bytes name;
        (void)pt_json_peek(&reader->scan);
        const char *at = reader->scan.at;
        PT_TRY(pt_json_string(&reader->scan, path, &name));
        PT_TRY(pt_json_expect(&reader->scan, ':', path));
        if (any && strcmp((const char *)name.data, "@type") == 0) {
            PT_TRY(pt_json_skip(&reader->scan, path, 0));
            PT_TRY(next_element(reader, '}', path, &more));
            continue;
        }
        const struct pt_field_type *field = pt_message_field(type, (const char *)name.data);
        if (field == NULL) {
            return unknown_name(reader, at, type, (const char *)name.data, path);
        }
        if (seen[field - type->fields]) {
            struct pt_path twice = {.parent = path, .name = field->name, .index = PT_PATH_NO_INDEX};
            return REFUSE(reader, at, &twice, "is given twice");
        }
        seen[field - type->fields] = true;
        PT_TRY(read_field(reader, msg, field, path, depth));
        PT_TRY(next_element(reader, '}', path, &more));
    }
    return PT_OK;
}

/* ---- well-known types ----------------------------------------------------------------------------------------- */

static enum pt_code read_time(struct reader *reader, struct pt_msg *msg, const struct pt_path *path)
{
    (void)pt_json_peek(&reader->scan);
    const char *at = reader->scan.at;
    struct pt_bytes text;
    PT_TRY(pt_json_string(&reader->scan, path, &text));
    int64_t seconds = 0;
    int32_t nanos = 0;
    bool stamp = msg->type->well_known == PT_WELL_KNOWN_TIMESTAMP;
    bool valid = stamp ? pt_timestamp_parse((const char *)text.data, &seconds, &nanos)
                       : pt_duration_parse((const char *)text.data, &seconds, &nanos);
    if (!valid) {
        return REFUSE(reader, at, path, "'%.40s' is not a %s", (const char *)text.data,
                      stamp ? "time; write for example 2026-01-31T12:00:00Z"
                            : "duration; write for example 30s or 1.5s");
    }
    pt_msg_set_i64(msg, reader->scan.arena, "seconds", seconds);
    pt_msg_set_i64(msg, reader->scan.arena, "nanos", nanos);
    return PT_OK;
}

/* "adminState,labels.tier": back to snake_case; names already in it stay. */
static enum pt_code read_mask(struct reader *reader, struct pt_msg *msg, const struct pt_path *path)
{
    struct pt_bytes text;
    (void)pt_json_peek(&reader->scan);
    const char *at = reader->scan.at;
    PT_TRY(pt_json_string(&reader->scan, path, &text));
    struct pt_arena *arena = reader->scan.arena;
    const char *p = (const char *)text.data;
    while (*p != '\0') {
        size_t size = strcspn(p, ",");
        if (size == 0) {
            return REFUSE(reader, at, path, "holds an empty path; write for example \"adminState,region\"");
        }
        char *snake = pt_arena_alloc(arena, size * 2 + 1);
        size_t used = 0;
        for (size_t i = 0; i < size; i++) {
            bool capital = p[i] >= 'A' && p[i] <= 'Z';
            if (capital) {
                snake[used++] = '_';
            }
            snake[used++] = (char)(capital ? p[i] - 'A' + 'a' : p[i]);
        }
        pt_msg_append(msg, arena, "paths", (union pt_value){.bytes = {(const uint8_t *)snake, used}});
        p += size + (p[size] == ',');
    }
    return PT_OK;
}

/* Look through an object for its "@type"; the scanner ends where it began. *ret_url is NULL when there is none. */
static enum pt_code find_any_type(struct reader *reader, const struct pt_path *path, const char **ret_url)
{
    const char *start = reader->scan.at;
    *ret_url = NULL;
    PT_TRY(pt_json_expect(&reader->scan, '{', path));
    for (bool more = first_element(reader, '}'); more;) {
        struct pt_bytes text;
        PT_TRY(pt_json_string(&reader->scan, path, &text));
        PT_TRY(pt_json_expect(&reader->scan, ':', path));
        if (strcmp((const char *)text.data, "@type") == 0) {
            if (*ret_url != NULL) {
                return REFUSE(reader, reader->scan.at, path, "\"@type\" is given twice");
            }
            PT_TRY(pt_json_string(&reader->scan, path, &text));
            *ret_url = (const char *)text.data;
        } else {
            PT_TRY(pt_json_skip(&reader->scan, path, 0));
        }
        PT_TRY(next_element(reader, '}', path, &more));
    }
    reader->scan.at = start;
    return PT_OK;
}

/* {"@type": url, "value": special form} */
static enum pt_code read_any_value(struct reader *reader, const struct pt_message_type *type,
                                   const struct pt_path *path, unsigned depth, struct pt_msg **ret_msg)
{
    for (bool more = first_element(reader, '}'); more;) {
        struct pt_bytes name;
        const char *at = reader->scan.at;
        PT_TRY(pt_json_string(&reader->scan, path, &name));
        PT_TRY(pt_json_expect(&reader->scan, ':', path));
        if (strcmp((const char *)name.data, "@type") == 0) {
            PT_TRY(pt_json_skip(&reader->scan, path, 0));
        } else if (strcmp((const char *)name.data, "value") == 0 && *ret_msg == NULL) {
            PT_TRY(read_message(reader, type, path, depth + 1, ret_msg));
        } else {
            return REFUSE(reader, at, path, "an Any of %s has \"@type\" and \"value\" only", type->full_name);
        }
        PT_TRY(next_element(reader, '}', path, &more));
    }
    *ret_msg = *ret_msg != NULL ? *ret_msg : pt_msg_new(reader->scan.arena, type);
    return PT_OK;
}

static enum pt_code read_any(struct reader *reader, struct pt_msg *any, const struct pt_path *path, unsigned depth)
{
    (void)pt_json_peek(&reader->scan);
    const char *at = reader->scan.at;
    const char *url = NULL;
    if (reader->any_depth >= ANY_DEPTH_MAX) {
        return pt_json_fail(&reader->scan, at, PT_REASON_MESSAGE_TOO_DEEP, path, "Any is nested more than %d deep",
                            ANY_DEPTH_MAX);
    }
    PT_TRY(find_any_type(reader, path, &url));
    PT_TRY(pt_json_expect(&reader->scan, '{', path));
    if (url == NULL) {
        return pt_json_expect(&reader->scan, '}', path); /* an empty one */
    }
    const char *slash = strrchr(url, '/');
    const struct pt_message_type *type =
        reader->schema != NULL ? pt_schema_message(reader->schema, slash != NULL ? slash + 1 : url) : NULL;
    if (type == NULL || type->map_entry) {
        return REFUSE(reader, at, path, "'%.80s' is not a type of this schema", url);
    }
    struct pt_msg *inner = NULL;
    reader->any_depth++;
    if (type->well_known != PT_WELL_KNOWN_NONE) {
        PT_TRY(read_any_value(reader, type, path, depth, &inner));
    } else {
        inner = pt_msg_new(reader->scan.arena, type);
        PT_TRY(read_members(reader, inner, true, path, depth));
    }
    reader->any_depth--;
    PT_AUTO(buf) struct pt_buf bytes;
    pt_buf_init(&bytes);
    pt_msg_encode(inner, &bytes);
    pt_msg_set_str(any, reader->scan.arena, "type_url", url);
    pt_msg_set_bytes(any, reader->scan.arena, "value", pt_buf_bytes(&bytes));
    return PT_OK;
}

/* ---- messages ------------------------------------------------------------------------------------------------- */

static enum pt_code read_message(struct reader *reader, const struct pt_message_type *type, const struct pt_path *path,
                                 unsigned depth, struct pt_msg **ret_msg)
{
    if (depth > PT_MESSAGE_DEPTH_MAX) {
        return pt_json_fail(&reader->scan, reader->scan.at, PT_REASON_MESSAGE_TOO_DEEP, path,
                            "messages are nested more than %d deep", PT_MESSAGE_DEPTH_MAX);
    }
    struct pt_msg *msg = pt_msg_new(reader->scan.arena, type);
    bool object = pt_json_peek(&reader->scan) == '{';
    switch (type->well_known) {
    case PT_WELL_KNOWN_ANY:
        PT_TRY(read_any(reader, msg, path, depth));
        break;
    case PT_WELL_KNOWN_FIELD_MASK:
        PT_TRY(read_mask(reader, msg, path));
        break;
    case PT_WELL_KNOWN_TIMESTAMP:
    case PT_WELL_KNOWN_DURATION:
        if (!object) {
            PT_TRY(read_time(reader, msg, path));
            break;
        }
        __attribute__((fallthrough)); /* as plain fields: how the writer prints one that is no time */
    case PT_WELL_KNOWN_NONE:
        PT_TRY(pt_json_expect(&reader->scan, '{', path));
        PT_TRY(read_members(reader, msg, false, path, depth));
        break;
    }
    *ret_msg = msg;
    return PT_OK;
}

enum pt_code pt_json_read(const struct pt_schema *schema, const struct pt_message_type *type, const char *text,
                          size_t size, struct pt_arena *arena, struct pt_msg **ret_msg, struct pt_error *reterr)
{
    if (size > PT_JSON_SIZE_MAX) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_MESSAGE_TOO_LARGE, NULL,
                       "the text is %zu bytes long; at most %u are allowed", size, PT_JSON_SIZE_MAX);
    }
    struct reader reader = {.scan = {.start = text, .at = text, .end = text + size, .arena = arena, .reterr = reterr},
                            .schema = schema};
    struct pt_msg *msg = NULL;
    PT_TRY(read_message(&reader, type, NULL, 1, &msg));
    (void)pt_json_peek(&reader.scan);
    if (reader.scan.at != reader.scan.end) {
        return pt_json_fail(&reader.scan, reader.scan.at, PT_REASON_MESSAGE_MALFORMED, NULL,
                            "something follows the message");
    }
    *ret_msg = msg;
    return PT_OK;
}
