/*
 * Comments and rules of the .proto as text: the user's manual that cannot be out of date.
 */
#include "cli/explain.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *kind_text(enum pt_field_kind kind)
{
    switch (kind) {
    case PT_FIELD_BOOL:
        return "true or false";
    case PT_FIELD_FLOAT:
    case PT_FIELD_DOUBLE:
        return "number";
    case PT_FIELD_STRING:
        return "text";
    case PT_FIELD_BYTES:
        return "bytes";
    case PT_FIELD_UINT32:
    case PT_FIELD_UINT64:
    case PT_FIELD_FIXED32:
    case PT_FIELD_FIXED64:
        return "whole number, not negative";
    default:
        return "whole number";
    }
}

static const char *format_text(enum pt_format format)
{
    switch (format) {
    case PT_FORMAT_ID:
        return "id: 1 to 63 of a-z, 0-9 and '-', beginning with a letter";
    case PT_FORMAT_IP:
        return "IP address, for example 192.0.2.1 or 2001:db8::1";
    case PT_FORMAT_IP_PREFIX:
        return "IP prefix without host bits, for example 10.1.0.0/16";
    case PT_FORMAT_IP_INTERFACE:
        return "IP address with length, for example 10.1.0.5/16";
    case PT_FORMAT_HOST_PORT:
        return "host:port, for example 192.0.2.1:7400";
    case PT_FORMAT_FQDN:
        return "DNS name, for example www.example.com or *.example.com";
    case PT_FORMAT_IFNAME:
        return "name of a network interface, for example wan0";
    case PT_FORMAT_SHA256_HEX:
        return "SHA-256, 64 lower-case hexadecimal digits";
    default:
        return NULL;
    }
}

static void put_type(const struct pt_field_type *field, struct pt_buf *out)
{
    if (field->map) {
        pt_buf_append_str(out, "map: ");
        put_type(&field->message->fields[0], out);
        pt_buf_append_str(out, " = ");
        put_type(&field->message->fields[1], out);
        return;
    }
    if (field->repeated) {
        pt_buf_append_str(out, "list of ");
    }
    if (field->kind == PT_FIELD_ENUM) {
        const char *bar = "";
        for (size_t i = 0; i < field->enumeration->values_len; i++) {
            if (field->enumeration->values[i].number != 0) {
                pt_buf_printf(out, "%s%s", bar, field->enumeration->values[i].name);
                bar = "|";
            }
        }
    } else if (field->rules.reference != NULL && field->kind == PT_FIELD_STRING) {
        pt_buf_printf(out, "name of a %s", field->rules.reference);
    } else if (field->kind != PT_FIELD_MESSAGE) {
        pt_buf_append_str(out, kind_text(field->kind));
    } else if (field->message->well_known == PT_WELL_KNOWN_TIMESTAMP) {
        pt_buf_append_str(out, "time");
    } else if (field->message->well_known == PT_WELL_KNOWN_DURATION) {
        pt_buf_append_str(out, "duration");
    } else {
        pt_buf_append_str(out, field->message->name);
    }
}

/* One word or two on the rules, for the list of fields. */
static void put_marks(const struct pt_field_rules *rules, struct pt_buf *out)
{
    if (rules->has_range) {
        pt_buf_printf(out, ", %" PRId64 " to %" PRId64 "%s%s", rules->min, rules->max, rules->unit != NULL ? " " : "",
                      rules->unit != NULL ? rules->unit : "");
    }
    if (rules->required) {
        pt_buf_append_str(out, ", required");
    }
    if (rules->immutable) {
        pt_buf_append_str(out, ", immutable");
    }
    if (rules->output != PT_OUTPUT_USER) {
        pt_buf_append_str(out, ", output only");
    }
    if (rules->secret) {
        pt_buf_append_str(out, ", secret");
    }
}

/* Comment text, wrapped: paragraphs are lines. */
static void put_comment(const char *comment, int indent, struct pt_buf *out)
{
    int column = 0;
    for (const char *at = comment; *at != '\0';) {
        size_t size = strcspn(at, " \n");
        if (column > 0 && column + 1 + (int)size > 96 - indent) {
            pt_buf_append_u8(out, '\n');
            column = 0;
        }
        if (size > 0) {
            pt_buf_printf(out, "%*s%.*s", column > 0 ? 1 : indent, "", (int)size, at);
            column += (column > 0) + (int)size;
        }
        at += size;
        if (*at == '\n') {
            pt_buf_append_u8(out, '\n');
            column = 0;
        }
        at += *at != '\0';
    }
    if (column > 0) {
        pt_buf_append_u8(out, '\n');
    }
}

static void put_fields(const struct pt_message_type *type, struct pt_buf *out)
{
    for (size_t i = 0; i < type->fields_len; i++) {
        const struct pt_field_type *field = &type->fields[i];
        pt_buf_printf(out, "  %s  <", field->name);
        put_type(field, out);
        put_marks(&field->rules, out);
        pt_buf_append_str(out, ">\n");
        put_comment(field->comment, 6, out);
    }
}

static void explain_kind(const struct pt_message_type *kind, struct pt_buf *out)
{
    const struct pt_resource_type *resource = kind->resource;
    pt_buf_printf(out, "%s (%s", resource->singular, resource->plural);
    for (size_t i = 0; i < resource->short_names_len; i++) {
        pt_buf_printf(out, ", %s", resource->short_names[i]);
    }
    pt_buf_append_str(out, ")\n");
    put_comment(kind->comment, 2, out);
    pt_buf_printf(out, "\nName: %s\n", resource->pattern);
    if (resource->view) {
        pt_buf_append_str(out, "Computed by the leader: can be read and watched only.\n");
    } else {
        pt_buf_printf(out, "At most %u %s.\n", resource->max_per_parent,
                      resource->parent_kind != NULL ? "under one parent" : "in all");
    }
    pt_buf_append_str(out, "\nFields:\n");
    put_fields(kind, out);
}

static void put_limits(const struct pt_field_type *field, struct pt_buf *out)
{
    const struct pt_field_rules *rules = &field->rules;
    const char *format = format_text(rules->format);
    if (format != NULL) {
        pt_buf_printf(out, "  form       %s\n", format);
    }
    if (rules->has_range) {
        pt_buf_printf(out, "  range      %" PRId64 " to %" PRId64 "\n", rules->min, rules->max);
    }
    if (rules->unit != NULL) {
        pt_buf_printf(out, "  unit       %s\n", rules->unit);
    }
    if (rules->reference != NULL) {
        pt_buf_printf(out, "  refers to  %s, which must exist%s%s\n", rules->reference,
                      rules->reference_kind != NULL ? ": " : "",
                      rules->reference_kind != NULL ? rules->reference_kind->resource->pattern : "");
    }
    bool sized = field->kind == PT_FIELD_STRING || field->kind == PT_FIELD_BYTES || field->map;
    if (sized && rules->max_size != PT_LIMIT_NONE) {
        pt_buf_printf(out, "  size       at most %u bytes\n", rules->max_size);
    }
    if (field->repeated && rules->max_items != PT_LIMIT_NONE) {
        pt_buf_printf(out, "  elements   at most %u%s\n", rules->max_items,
                      rules->set ? ", each once; their order means nothing" : "");
    }
    if (field->kind == PT_FIELD_ENUM) {
        pt_buf_append_str(out, "\nValues:\n");
        for (size_t i = 0; i < field->enumeration->values_len; i++) {
            pt_buf_printf(out, "  %s\n", field->enumeration->values[i].name);
            put_comment(field->enumeration->values[i].comment, 6, out);
        }
    }
}

static void explain_field(const struct pt_field_type *field, const char *path, struct pt_buf *out)
{
    pt_buf_printf(out, "%s\n", path);
    put_comment(field->comment, 2, out);
    pt_buf_append_str(out, "\n  type       ");
    put_type(field, out);
    pt_buf_append_u8(out, '\n');
    const struct pt_field_rules *rules = &field->rules;
    pt_buf_printf(out, "  set by     %s\n", rules->output != PT_OUTPUT_USER ? "the system" : "you");
    if (rules->required) {
        pt_buf_append_str(out, "  required   yes\n");
    }
    if (rules->immutable) {
        pt_buf_append_str(out, "  immutable  it cannot change after the create\n");
    }
    if (rules->secret) {
        pt_buf_append_str(out, "  secret     it is never shown\n");
    }
    put_limits(field, out);
    bool plain = field->message == NULL || field->map || field->message->well_known != PT_WELL_KNOWN_NONE;
    if (!plain) {
        pt_buf_append_str(out, "\nFields:\n");
        put_fields(field->message, out);
    }
}

enum pt_code pt_cli_explain(const struct pt_schema *schema, const char *path, struct pt_buf *out,
                            struct pt_error *reterr)
{
    char part[128];
    size_t size = strcspn(path, ".");
    (void)snprintf(part, sizeof(part), "%.*s", (int)(size < 100 ? size : 100), path);
    const struct pt_message_type *type = NULL;
    PT_TRY(pt_cli_kind_find(schema, part, &type, reterr));
    if (path[size] == '\0') {
        explain_kind(type, out);
        return PT_OK;
    }
    const struct pt_field_type *field = NULL;
    for (const char *rest = path + size + 1;; rest += size + 1) {
        size = strcspn(rest, ".");
        (void)snprintf(part, sizeof(part), "%.*s", (int)(size < 100 ? size : 100), rest);
        field = type != NULL ? pt_message_field(type, part) : NULL;
        if (field == NULL) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_UNKNOWN, path, "%s%shas no field '%s'",
                           type != NULL ? type->name : "", type != NULL ? " " : "a plain value ", part);
        }
        if (rest[size] == '\0') {
            explain_field(field, path, out);
            return PT_OK;
        }
        type = field->map ? NULL : field->message;
    }
}

void pt_cli_kinds(const struct pt_schema *schema, struct pt_arena *arena, struct pt_buf *out)
{
    struct pt_cli_table table;
    pt_cli_table_init(&table, arena);
    pt_cli_table_column(&table, "KIND");
    pt_cli_table_column(&table, "PLURAL");
    pt_cli_table_column(&table, "SHORT");
    pt_cli_table_column(&table, "BELOW");
    pt_cli_table_column(&table, "MEANING");
    size_t len = 0;
    const struct pt_message_type *const *kinds = pt_schema_kinds(schema, &len);
    for (size_t i = 0; i < len; i++) {
        const struct pt_resource_type *resource = kinds[i]->resource;
        struct pt_buf names = {0};
        for (size_t j = 0; j < resource->short_names_len; j++) {
            pt_buf_printf(&names, "%s%s", j > 0 ? "," : "", resource->short_names[j]);
        }
        const char *cells[] = {resource->singular, resource->plural, names.size > 0 ? (const char *)names.data : "",
                               resource->parent,
                               pt_arena_strndup(arena, kinds[i]->comment, strcspn(kinds[i]->comment, ".\n:[;"))};
        pt_cli_table_row(&table, cells);
        pt_buf_fini(&names);
    }
    pt_cli_table_render(&table, 0, out);
}
