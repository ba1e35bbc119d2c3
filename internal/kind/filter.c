/*
 * Filters. The grammar is the part of AIP-160 that an index could serve:
 *
 *   filter = term { "AND" term }        term = path "=" value
 *   path   = name { "." name }          value = "text with \" and \\" | bare-word
 *
 * Values are compared as text, as tables show them: numbers decimal, enums by name. A scalar that is absent has its
 * type's default, so `metered = false` finds what never said.
 */
#include "kind/query.h"

#include "base/assert.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PATH_SIZE_MAX 256

/* ---- parsing -------------------------------------------------------------------------------------------------- */

struct scanner {
    const char *text;
    const char *at;
    struct pt_arena *arena;
    struct pt_error *reterr;
};

static void skip_space(struct scanner *scanner)
{
    scanner->at += strspn(scanner->at, " \t\r\n");
}

static enum pt_code bad(struct scanner *scanner, const char *wanted)
{
    return pt_fail(scanner->reterr, PT_INVALID_ARGUMENT, PT_REASON_FILTER_INVALID, "filter",
                   "column %td: %s is wanted; write for example: labels.tier = \"gold\" AND transport = MPLS",
                   scanner->at - scanner->text + 1, wanted);
}

static bool is_path_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '-' || c == '/';
}

static enum pt_code scan_path(struct scanner *scanner, const char **ret_path)
{
    const char *start = scanner->at;
    while (is_path_char(*scanner->at)) {
        scanner->at++;
    }
    size_t size = (size_t)(scanner->at - start);
    if (size == 0 || size > PATH_SIZE_MAX) {
        scanner->at = start;
        return bad(scanner, "the name of a field");
    }
    *ret_path = pt_arena_strndup(scanner->arena, start, size);
    return PT_OK;
}

static enum pt_code scan_quoted(struct scanner *scanner, const char **ret_value)
{
    PT_AUTO(buf) struct pt_buf value = {0};
    for (scanner->at++; *scanner->at != '"'; scanner->at++) {
        if (*scanner->at == '\\' && (scanner->at[1] == '"' || scanner->at[1] == '\\')) {
            scanner->at++;
        }
        if (*scanner->at == '\0') {
            return bad(scanner, "a closing quotation mark");
        }
        pt_buf_append_u8(&value, (uint8_t)*scanner->at);
    }
    scanner->at++;
    *ret_value = pt_arena_strndup(scanner->arena, value.size > 0 ? (const char *)value.data : "", value.size);
    return PT_OK;
}

static enum pt_code scan_value(struct scanner *scanner, const char **ret_value)
{
    if (*scanner->at == '"') {
        return scan_quoted(scanner, ret_value);
    }
    size_t size = strcspn(scanner->at, " \t\r\n\"=()");
    if (size == 0) {
        return bad(scanner, "a value");
    }
    *ret_value = pt_arena_strndup(scanner->arena, scanner->at, size);
    scanner->at += size;
    return PT_OK;
}

static enum pt_code scan_term(struct scanner *scanner, struct pt_filter_term *term)
{
    PT_TRY(scan_path(scanner, &term->path));
    skip_space(scanner);
    if (*scanner->at != '=') {
        return bad(scanner, "'=' (only equality is supported)");
    }
    scanner->at++;
    skip_space(scanner);
    return scan_value(scanner, &term->value);
}

enum pt_code pt_filter_parse(const char *text, struct pt_arena *arena, struct pt_filter *ret_filter,
                             struct pt_error *reterr)
{
    struct scanner scanner = {.text = text, .at = text, .arena = arena, .reterr = reterr};
    struct pt_filter filter = {0};
    skip_space(&scanner);
    while (*scanner.at != '\0') {
        if (filter.len > 0) {
            if (strncmp(scanner.at, "AND", 3) != 0 || !isspace((unsigned char)scanner.at[3])) {
                return bad(&scanner, "AND between terms (OR and parentheses are not supported)");
            }
            scanner.at += 3;
            skip_space(&scanner);
        }
        if (filter.len == PT_FILTER_TERMS_MAX) {
            return bad(&scanner, "the end: a filter has at most 16 terms; nothing more");
        }
        PT_TRY(scan_term(&scanner, &filter.terms[filter.len]));
        filter.len++;
        skip_space(&scanner);
    }
    *ret_filter = filter;
    return PT_OK;
}

/* ---- against a kind ------------------------------------------------------------------------------------------- */

const struct pt_field_type *pt_path_field(const struct pt_message_type *type, const char *path)
{
    const char *at = path;
    for (;;) {
        char part[PATH_SIZE_MAX + 1];
        size_t size = strcspn(at, ".");
        if (size > PATH_SIZE_MAX) {
            return NULL;
        }
        memcpy(part, at, size);
        part[size] = '\0';
        const struct pt_field_type *field = pt_message_field(type, part);
        if (field == NULL || at[size] == '\0') {
            return field;
        }
        at += size + 1;
        if (field->map) { /* the rest is a key, dots and all */
            return *at != '\0' ? pt_message_field_by_number(field->message, 2) : NULL;
        }
        if (field->repeated || field->message == NULL || field->message->well_known != PT_WELL_KNOWN_NONE) {
            return NULL;
        }
        type = field->message;
    }
}

static bool is_integer(const char *text, bool negative_allowed)
{
    const char *digits = text + (negative_allowed && *text == '-');
    return *digits != '\0' && strspn(digits, "0123456789") == strlen(digits) && strlen(digits) <= 20;
}

static bool is_scalar(const struct pt_field_type *field)
{
    return !field->repeated && (field->message == NULL || field->message->well_known == PT_WELL_KNOWN_TIMESTAMP ||
                                field->message->well_known == PT_WELL_KNOWN_DURATION);
}

static const char *wanted_value(const struct pt_field_type *field, const char *value)
{
    switch (field->kind) {
    case PT_FIELD_BOOL:
        return strcmp(value, "true") == 0 || strcmp(value, "false") == 0 ? NULL : "true or false";
    case PT_FIELD_UINT32:
    case PT_FIELD_UINT64:
    case PT_FIELD_FIXED32:
    case PT_FIELD_FIXED64:
        return is_integer(value, false) ? NULL : "a number";
    case PT_FIELD_INT32:
    case PT_FIELD_INT64:
    case PT_FIELD_SINT32:
    case PT_FIELD_SINT64:
    case PT_FIELD_SFIXED32:
    case PT_FIELD_SFIXED64:
        return is_integer(value, true) ? NULL : "a number";
    case PT_FIELD_ENUM:
        return pt_enum_by_name(field->enumeration, value) != NULL ? NULL : "the name of one of its values";
    default:
        return NULL;
    }
}

enum pt_code pt_filter_check(const struct pt_filter *filter, const struct pt_message_type *kind,
                             struct pt_error *reterr)
{
    for (size_t i = 0; i < filter->len; i++) {
        const struct pt_filter_term *term = &filter->terms[i];
        const struct pt_field_type *field = pt_path_field(kind, term->path);
        if (field == NULL) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FILTER_INVALID, "filter", "%s has no field '%.100s'",
                           kind->name, term->path);
        }
        if (!is_scalar(field)) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FILTER_INVALID, "filter",
                           "'%.100s' is not a single value; only those can be compared", term->path);
        }
        const char *wanted = wanted_value(field, term->value);
        if (wanted != NULL) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FILTER_INVALID, "filter",
                           "'%.100s' is compared with '%.100s'; it wants %s", term->path, term->value, wanted);
        }
    }
    return PT_OK;
}

/* ---- against a resource --------------------------------------------------------------------------------------- */

static const char *default_text(const struct pt_field_type *field)
{
    switch (field->kind) {
    case PT_FIELD_BOOL:
        return "false";
    case PT_FIELD_STRING:
    case PT_FIELD_BYTES:
    case PT_FIELD_MESSAGE:
        return "";
    case PT_FIELD_ENUM: {
        const struct pt_enum_value *value = pt_enum_by_number(field->enumeration, 0);
        return value != NULL ? value->name : "";
    }
    default:
        return "0";
    }
}

/* A number may be written with leading zeros. */
static const char *plain_number(const struct pt_field_type *field, const char *value)
{
    bool text = field->kind == PT_FIELD_STRING || field->kind == PT_FIELD_BYTES || field->kind == PT_FIELD_MESSAGE;
    while (!text && value[0] == '0' && value[1] != '\0') {
        value++;
    }
    return value;
}

static bool term_match(const struct pt_filter_term *term, const struct pt_msg *resource)
{
    const struct pt_field_type *field = pt_path_field(resource->type, term->path);
    if (field == NULL || !is_scalar(field)) {
        return false;
    }
    PT_AUTO(buf) struct pt_buf text = {0};
    if (pt_msg_text(resource, term->path, &text, NULL) != PT_OK) {
        return false;
    }
    const char *present = text.size > 0 ? (const char *)text.data : field->optional ? "" : default_text(field);
    return strcmp(present, plain_number(field, term->value)) == 0;
}

bool pt_filter_match(const struct pt_filter *filter, const struct pt_msg *resource)
{
    for (size_t i = 0; i < filter->len; i++) {
        if (!term_match(&filter->terms[i], resource)) {
            return false;
        }
    }
    return true;
}
