/* Trees to JSON, as the proto3 mapping has it. Recursion follows the tree, which is bounded by its type; what is inside
 * an Any is parsed first and counts against a bound of its own. */
#include "wire/json.h"
#include "wire/msg_internal.h"
#include "wire/time_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANY_DEPTH_MAX 4 /* an Any in an Any ...: deeper ones stay base64 */

struct writer {
    const struct pt_schema *schema;
    unsigned flags;
    struct pt_buf *out;
    unsigned indent;
    unsigned any_depth;
};

static void write_message(struct writer *writer, const struct pt_msg *msg);

static void write_string(struct writer *writer, struct pt_bytes text)
{
    struct pt_buf *out = writer->out;
    pt_buf_append_u8(out, '"');
    size_t plain = 0; /* start of what can be copied as it is */
    for (size_t i = 0; i <= text.size; i++) {
        uint8_t c = i < text.size ? text.data[i] : 0;
        if (i < text.size && c >= ' ' && c != '"' && c != '\\') {
            continue;
        }
        if (i > plain) { /* empty text may come as NULL */
            pt_buf_append(out, text.data + plain, i - plain);
        }
        plain = i + 1;
        if (i == text.size) {
            break;
        }
        if (c == '"' || c == '\\') {
            pt_buf_append_u8(out, '\\');
            pt_buf_append_u8(out, c);
        } else if (c == '\n' || c == '\t' || c == '\r') {
            pt_buf_append_u8(out, '\\');
            pt_buf_append_u8(out, c == '\n' ? 'n' : c == '\t' ? 't' : 'r');
        } else {
            pt_buf_printf(out, "\\u%04x", c);
        }
    }
    pt_buf_append_u8(out, '"');
}

static void write_text(struct writer *writer, const char *text)
{
    write_string(writer, (struct pt_bytes){(const uint8_t *)text, strlen(text)});
}

static void write_base64(struct writer *writer, struct pt_bytes data)
{
    pt_buf_append_u8(writer->out, '"');
    pt_base64_write(data, writer->out);
    pt_buf_append_u8(writer->out, '"');
}

/* Between a container's brackets: a comma behind the one before, and a new line when indenting. */
static void write_separator(struct writer *writer, bool first)
{
    if (!first) {
        pt_buf_append_u8(writer->out, ',');
    }
    if ((writer->flags & PT_JSON_INDENT) != 0) {
        pt_buf_append_u8(writer->out, '\n');
        for (unsigned i = 0; i < writer->indent; i++) {
            pt_buf_append_str(writer->out, "  ");
        }
    }
}

static void write_open(struct writer *writer, uint8_t bracket)
{
    pt_buf_append_u8(writer->out, bracket);
    writer->indent++;
}

static void write_close(struct writer *writer, uint8_t bracket, bool empty)
{
    writer->indent--;
    if (!empty) {
        write_separator(writer, true);
    }
    pt_buf_append_u8(writer->out, bracket);
}

static void write_name(struct writer *writer, const char *name)
{
    write_text(writer, name);
    pt_buf_append_str(writer->out, (writer->flags & PT_JSON_INDENT) != 0 ? ": " : ":");
}

/* The fewest digits that read back as the same number. */
static void write_number(struct writer *writer, double number, bool single)
{
    if (isnan(number) || isinf(number)) {
        pt_buf_append_str(writer->out, isnan(number) ? "\"NaN\"" : number > 0 ? "\"Infinity\"" : "\"-Infinity\"");
        return;
    }
    char text[40];
    for (int digits = single ? 6 : 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, number);
        double back = strtod(text, NULL);
        if (memcmp(&back, &number, sizeof(back)) == 0 || (single && (float)back == (float)number)) {
            break;
        }
    }
    pt_buf_append_str(writer->out, text);
}

static void write_value(struct writer *writer, const struct pt_field_type *type, const union pt_value *value)
{
    const struct pt_enum_value *named = NULL;
    switch (type->kind) {
    case PT_FIELD_BOOL:
        pt_buf_append_str(writer->out, value->boolean ? "true" : "false");
        return;
    case PT_FIELD_UINT32:
    case PT_FIELD_FIXED32:
        pt_buf_printf(writer->out, "%" PRIu64, value->u64);
        return;
    case PT_FIELD_UINT64:
    case PT_FIELD_FIXED64:
        pt_buf_printf(writer->out, "\"%" PRIu64 "\"", value->u64);
        return;
    case PT_FIELD_INT64:
    case PT_FIELD_SINT64:
    case PT_FIELD_SFIXED64:
        pt_buf_printf(writer->out, "\"%" PRId64 "\"", value->i64);
        return;
    case PT_FIELD_ENUM:
        named = pt_enum_by_number(type->enumeration, (int32_t)value->i64);
        if (named != NULL) {
            write_text(writer, named->name);
            return;
        }
        __attribute__((fallthrough));
    case PT_FIELD_INT32:
    case PT_FIELD_SINT32:
    case PT_FIELD_SFIXED32:
        pt_buf_printf(writer->out, "%" PRId64, value->i64);
        return;
    case PT_FIELD_FLOAT:
    case PT_FIELD_DOUBLE:
        write_number(writer, value->number, type->kind == PT_FIELD_FLOAT);
        return;
    case PT_FIELD_STRING:
        write_string(writer, value->bytes);
        return;
    case PT_FIELD_BYTES:
        write_base64(writer, value->bytes);
        return;
    case PT_FIELD_MESSAGE:
        write_message(writer, value->message);
        return;
    }
    pt_unreachable();
}

static void write_default(struct writer *writer, const struct pt_field_type *type)
{
    union pt_value zero = {.u64 = 0};
    if (pt_kind_is_text(type->kind)) {
        zero.bytes = (struct pt_bytes){(const uint8_t *)"", 0};
    }
    if (type->kind == PT_FIELD_MESSAGE) {
        pt_buf_append_str(writer->out, "{}");
    } else {
        write_value(writer, type, &zero);
    }
}

static void write_map(struct writer *writer, const struct pt_msg_field *field)
{
    write_open(writer, '{');
    for (size_t i = 0; i < field->len; i++) {
        const struct pt_msg *entry = field->values[i].message;
        const struct pt_field_type *type = &entry->type->fields[1];
        const struct pt_msg_field *value = pt_msg_find(entry, type);
        char key[PT_KEY_TEXT_SIZE];
        write_separator(writer, i == 0);
        write_name(writer, pt_map_key_text(entry, key, sizeof(key)));
        if (value != NULL) {
            write_value(writer, type, &value->values[0]);
        } else {
            write_default(writer, type);
        }
    }
    write_close(writer, '}', field->len == 0);
}

static void write_field(struct writer *writer, const struct pt_msg_field *field)
{
    if (field->type->map) {
        write_map(writer, field);
    } else if (field->type->repeated) {
        write_open(writer, '[');
        for (size_t i = 0; i < field->len; i++) {
            write_separator(writer, i == 0);
            write_value(writer, field->type, &field->values[i]);
        }
        write_close(writer, ']', field->len == 0);
    } else {
        write_value(writer, field->type, &field->values[0]);
    }
}

/* The fields of a message without its brackets; `first` is false when something stands there already. */
static bool write_fields(struct writer *writer, const struct pt_msg *msg, bool first)
{
    for (size_t i = 0; i < msg->type->fields_len; i++) {
        const struct pt_field_type *type = &msg->type->fields[i];
        const struct pt_msg_field *field = pt_msg_find(msg, type);
        bool wanted = (writer->flags & PT_JSON_DEFAULTS) != 0 && !pt_field_has_presence(type);
        if (field == NULL && !wanted) {
            continue;
        }
        write_separator(writer, first);
        write_name(writer, type->json_name);
        if (field != NULL) {
            write_field(writer, field);
        } else if (type->repeated) {
            pt_buf_append_str(writer->out, type->map ? "{}" : "[]");
        } else {
            write_default(writer, type);
        }
        first = false;
    }
    return first;
}

/* ---- well-known types ----------------------------------------------------------------------------------------- */

/* Paths in lowerCamelCase, as far as they come back the same: '_' before a lower-case letter, no capitals. */
static void append_mask_path(struct pt_buf *out, const char *path)
{
    bool reversible = true;
    for (const char *p = path; *p != '\0'; p++) {
        reversible = reversible && !(*p >= 'A' && *p <= 'Z') && !(*p == '_' && !(p[1] >= 'a' && p[1] <= 'z'));
    }
    for (const char *p = path; *p != '\0'; p++) {
        if (reversible && *p == '_') {
            pt_buf_append_u8(out, (uint8_t)(*++p - 'a' + 'A'));
        } else {
            pt_buf_append_u8(out, (uint8_t)*p);
        }
    }
}

static void write_mask(struct writer *writer, const struct pt_msg *mask)
{
    PT_AUTO(buf) struct pt_buf text;
    pt_buf_init(&text);
    const struct pt_msg_field *paths = pt_msg_field(mask, "paths");
    for (size_t i = 0; paths != NULL && i < paths->len; i++) {
        if (i > 0) {
            pt_buf_append_u8(&text, ',');
        }
        append_mask_path(&text, (const char *)paths->values[i].bytes.data);
    }
    write_string(writer, pt_buf_bytes(&text));
}

/* The message inside, when its type is known and its bytes are one; NULL else. */
static struct pt_msg *open_any(struct writer *writer, const struct pt_msg *any, struct pt_arena *arena)
{
    const char *url = pt_msg_str(any, "type_url");
    const char *slash = strrchr(url, '/');
    const struct pt_message_type *type =
        writer->schema != NULL ? pt_schema_message(writer->schema, slash != NULL ? slash + 1 : url) : NULL;
    struct pt_msg *inner = NULL;
    struct pt_parse_options options = {.unknown = PT_UNKNOWN_DROP, .size_max = SIZE_MAX};
    if (type == NULL || type->map_entry || writer->any_depth >= ANY_DEPTH_MAX ||
        pt_msg_parse(type, pt_msg_bytes(any, "value"), &options, arena, &inner, NULL) != PT_OK) {
        return NULL;
    }
    return inner;
}

static void write_any(struct writer *writer, const struct pt_msg *any)
{
    if (any->fields_len == 0) {
        pt_buf_append_str(writer->out, "{}");
        return;
    }
    struct pt_arena arena;
    pt_arena_init(&arena);
    const struct pt_msg *inner = open_any(writer, any, &arena);
    write_open(writer, '{');
    write_separator(writer, true);
    write_name(writer, "@type");
    write_text(writer, pt_msg_str(any, "type_url"));
    writer->any_depth++;
    if (inner != NULL && inner->type->well_known == PT_WELL_KNOWN_NONE) {
        (void)write_fields(writer, inner, false); /* whether there were any does not matter behind "@type" */
    } else {
        write_separator(writer, false);
        write_name(writer, "value");
        if (inner != NULL) {
            write_message(writer, inner);
        } else {
            write_base64(writer, pt_msg_bytes(any, "value"));
        }
    }
    writer->any_depth--;
    write_close(writer, '}', false);
    pt_arena_fini(&arena);
}

static bool write_well_known(struct writer *writer, const struct pt_msg *msg)
{
    char text[PT_TIME_TEXT_SIZE];
    switch (msg->type->well_known) {
    case PT_WELL_KNOWN_TIMESTAMP:
        if (!pt_timestamp_format(pt_msg_i64(msg, "seconds"), pt_msg_i64(msg, "nanos"), text)) {
            return false; /* not a time: as plain fields, so that nothing is lost */
        }
        write_text(writer, text);
        return true;
    case PT_WELL_KNOWN_DURATION:
        if (!pt_duration_format(pt_msg_i64(msg, "seconds"), pt_msg_i64(msg, "nanos"), text)) {
            return false;
        }
        write_text(writer, text);
        return true;
    case PT_WELL_KNOWN_FIELD_MASK:
        write_mask(writer, msg);
        return true;
    case PT_WELL_KNOWN_ANY:
        write_any(writer, msg);
        return true;
    case PT_WELL_KNOWN_NONE:
        return false;
    }
    pt_unreachable();
}

static void write_message(struct writer *writer, const struct pt_msg *msg)
{
    if (!write_well_known(writer, msg)) {
        write_open(writer, '{');
        bool empty = write_fields(writer, msg, true);
        write_close(writer, '}', empty);
    }
}

void pt_json_write(const struct pt_schema *schema, const struct pt_msg *msg, unsigned flags, struct pt_buf *out)
{
    struct writer writer = {.schema = schema, .flags = flags, .out = out};
    write_message(&writer, msg);
}
