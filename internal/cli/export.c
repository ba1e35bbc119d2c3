/*
 * A running system as Terraform configuration.
 *
 * What the provider (terraform/) makes of a message is known here as rules, not by kind: a resource is called
 * patronus_<kind in snake_case>, its label is the ids of its name joined with '_' (ids hold none, so labels are unique
 * in a kind), fields that Terraform reserves have the kind before them, whole numbers are numbers, times and durations
 * are texts as in JSON, enums are names. Fields that hold their default are absent from a message and from the text;
 * the provider has the same default. So the plan of what is written here changes nothing.
 */
#include "cli/export.h"

#include "base/limits.h"
#include "wire/json.h"

#include <inttypes.h>
#include <string.h>

static void put_snake(const char *camel, struct pt_buf *out)
{
    for (const char *at = camel; *at != '\0'; at++) {
        bool upper = *at >= 'A' && *at <= 'Z';
        if (upper && at > camel) {
            pt_buf_append_u8(out, '_');
        }
        pt_buf_append_u8(out, (uint8_t)(upper ? *at - 'A' + 'a' : *at));
    }
}

/* The text between quotes: HCL's escapes, and no templates. */
static void put_escaped(const char *text, size_t size, struct pt_buf *out)
{
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        bool template = (c == '$' || c == '%') && i + 1 < size && text[i + 1] == '{';
        if (c == '"' || c == '\\') {
            pt_buf_printf(out, "\\%c", c);
        } else if (template) {
            pt_buf_printf(out, "%c%c", c, c);
        } else if (c == '\n' || c == '\r' || c == '\t') {
            pt_buf_printf(out, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
        } else if ((unsigned char)c < ' ') {
            pt_buf_printf(out, "\\u%04x", (unsigned)c);
        } else {
            pt_buf_append_u8(out, (uint8_t)c);
        }
    }
}

static void put_quoted(struct pt_bytes text, struct pt_buf *out)
{
    pt_buf_append_u8(out, '"');
    put_escaped((const char *)text.data, text.size, out);
    pt_buf_append_u8(out, '"');
}

/* "organizations/acme/sites/nyc" -> patronus_site.acme_nyc */
static void put_address(const struct pt_resource_type *kind, const char *name, const char *between, struct pt_buf *out)
{
    pt_buf_append_str(out, "patronus_");
    put_snake(kind->singular, out);
    pt_buf_append_str(out, between);
    bool id = false;
    const char *join = "";
    for (const char *at = name; *at != '\0'; id = !id) {
        size_t size = strcspn(at, "/");
        if (id) {
            pt_buf_append_str(out, join);
            pt_buf_append(out, at, size);
            join = "_";
        }
        at += size + (at[size] == '/');
    }
}

struct writer {
    const struct pt_map *names;
    struct pt_buf *out;
};

static void put_message(const struct writer *writer, const struct pt_msg *msg, const struct pt_resource_type *kind,
                        int depth);

static void put_enum(const struct pt_field_type *field, int64_t number, struct pt_buf *out)
{
    const struct pt_enum_value *value = pt_enum_by_number(field->enumeration, (int32_t)number);
    if (value != NULL) {
        pt_buf_printf(out, "\"%s\"", value->name);
    } else {
        pt_buf_printf(out, "\"%" PRId64 "\"", number);
    }
}

static void put_text(const struct writer *writer, const struct pt_field_type *field, struct pt_bytes text)
{
    const struct pt_message_type *target = field->rules.reference_kind;
    const char *name = (const char *)text.data; /* a NUL follows */
    if (target != NULL && text.size > 0 && pt_map_get_str(writer->names, name) != NULL) {
        put_address(target->resource, name, ".", writer->out);
        pt_buf_append_str(writer->out, ".name");
    } else {
        put_quoted(text, writer->out);
    }
}

static void put_value(const struct writer *writer, const struct pt_field_type *field, const union pt_value *value,
                      int depth)
{
    struct pt_buf *out = writer->out;
    switch (field->kind) {
    case PT_FIELD_BOOL:
        pt_buf_append_str(out, value->boolean ? "true" : "false");
        return;
    case PT_FIELD_ENUM:
        put_enum(field, value->i64, out);
        return;
    case PT_FIELD_STRING:
        put_text(writer, field, value->bytes);
        return;
    case PT_FIELD_MESSAGE:
        if (value->message->type->well_known != PT_WELL_KNOWN_NONE) {
            pt_json_write(NULL, value->message, PT_JSON_COMPACT, out); /* a quoted text */
            return;
        }
        pt_buf_append_str(out, "{\n");
        put_message(writer, value->message, NULL, depth + 1);
        pt_buf_printf(out, "%*s}", depth * 2, "");
        return;
    case PT_FIELD_FLOAT:
    case PT_FIELD_DOUBLE:
        pt_buf_printf(out, "%.17g", value->number);
        return;
    case PT_FIELD_INT32:
    case PT_FIELD_INT64:
    case PT_FIELD_SINT32:
    case PT_FIELD_SINT64:
    case PT_FIELD_SFIXED32:
    case PT_FIELD_SFIXED64:
        pt_buf_printf(out, "%" PRId64, value->i64);
        return;
    case PT_FIELD_UINT32:
    case PT_FIELD_UINT64:
    case PT_FIELD_FIXED32:
    case PT_FIELD_FIXED64:
        pt_buf_printf(out, "%" PRIu64, value->u64);
        return;
    case PT_FIELD_BYTES:
        put_quoted(value->bytes, out);
        return;
    }
}

static void put_map(const struct writer *writer, const struct pt_msg_field *field, int depth)
{
    pt_buf_append_str(writer->out, "{\n");
    for (size_t i = 0; i < field->len; i++) {
        const struct pt_msg *entry = field->values[i].message;
        const struct pt_msg_field *key = pt_msg_field(entry, "key");
        const struct pt_msg_field *value = pt_msg_field(entry, "value");
        pt_buf_printf(writer->out, "%*s", (depth + 1) * 2, "");
        if (key != NULL && key->type->kind == PT_FIELD_STRING) {
            put_quoted(key->values[0].bytes, writer->out);
        } else if (key != NULL) {
            pt_buf_append_u8(writer->out, '"');
            put_value(writer, key->type, &key->values[0], depth + 1);
            pt_buf_append_u8(writer->out, '"');
        }
        pt_buf_append_str(writer->out, " = ");
        if (value != NULL) {
            put_value(writer, value->type, &value->values[0], depth + 1);
        } else { /* the default of its type */
            enum pt_field_kind kind = pt_message_field(entry->type, "value")->kind;
            pt_buf_append_str(writer->out, kind == PT_FIELD_STRING ? "\"\"" : kind == PT_FIELD_BOOL ? "false" : "0");
        }
        pt_buf_append_u8(writer->out, '\n');
    }
    pt_buf_printf(writer->out, "%*s}", depth * 2, "");
}

static void put_list(const struct writer *writer, const struct pt_msg_field *field, int depth)
{
    pt_buf_append_u8(writer->out, '[');
    for (size_t i = 0; i < field->len; i++) {
        pt_buf_append_str(writer->out, i > 0 ? ", " : "");
        put_value(writer, field->type, &field->values[i], depth);
    }
    pt_buf_append_u8(writer->out, ']');
}

/* Terraform keeps these names at the top of a resource for itself. */
static bool is_reserved(const char *name)
{
    static const char *const reserved[] = {"connection", "count",    "depends_on", "for_each",
                                           "lifecycle",  "provider", "provisioner"};
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        if (strcmp(name, reserved[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* kind: of the resource at the top; NULL within. */
static void put_message(const struct writer *writer, const struct pt_msg *msg, const struct pt_resource_type *kind,
                        int depth)
{
    for (size_t i = 0; i < msg->fields_len; i++) {
        const struct pt_msg_field *field = &msg->fields[i];
        const struct pt_field_rules *rules = &field->type->rules;
        bool is_name = kind != NULL && strcmp(field->type->name, "name") == 0;
        if (rules->output != PT_OUTPUT_USER || rules->secret || is_name) {
            continue;
        }
        pt_buf_printf(writer->out, "%*s", depth * 2, "");
        if (kind != NULL && is_reserved(field->type->name)) {
            put_snake(kind->singular, writer->out);
            pt_buf_append_u8(writer->out, '_');
        }
        pt_buf_printf(writer->out, "%s = ", field->type->name);
        if (field->type->map) {
            put_map(writer, field, depth);
        } else if (field->type->repeated) {
            put_list(writer, field, depth);
        } else {
            put_value(writer, field->type, &field->values[0], depth);
        }
        pt_buf_append_u8(writer->out, '\n');
    }
}

/* The name itself: below its parent's, when that is exported too. */
static void put_name(const struct writer *writer, const struct pt_resource_type *kind, const char *name)
{
    const char *own = name + strlen(name);
    for (int slashes = 0; own > name; own--) {
        if (*own == '/' && ++slashes == 2) {
            break;
        }
    }
    char parent[PT_NAME_SIZE_MAX + 1];
    size_t size = (size_t)(own - name);
    memcpy(parent, name, size); /* a stored name fits */
    parent[size] = '\0';
    pt_buf_append_str(writer->out, "  name = \"");
    if (kind->parent_kind != NULL && pt_map_get_str(writer->names, parent) != NULL) {
        pt_buf_append_str(writer->out, "${");
        put_address(kind->parent_kind->resource, parent, ".", writer->out);
        pt_buf_append_str(writer->out, ".name}");
        name = own;
    }
    pt_buf_printf(writer->out, "%s\"\n", name);
}

void pt_cli_export_tf(const struct pt_msg *resource, const struct pt_map *names, struct pt_buf *out)
{
    const struct pt_resource_type *kind = resource->type->resource;
    const char *name = pt_msg_str(resource, "name");
    const struct writer writer = {.names = names, .out = out};
    pt_buf_append_str(out, "import {\n  to = ");
    put_address(kind, name, ".", out);
    pt_buf_printf(out, "\n  id = \"%s\"\n}\n\nresource \"", name);
    put_address(kind, name, "\" \"", out);
    pt_buf_append_str(out, "\" {\n");
    put_name(&writer, kind, name);
    put_message(&writer, resource, kind, 1);
    pt_buf_append_str(out, "}\n\n");
}
