/*
 * A recursive descent over the skeleton that scan.h finds: a span is a value, and its kind is told by its first
 * character. Depth is limited, so is the stack.
 */
#include "cli/value.h"

#include "cli/fields.h"
#include "cli/scan.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

struct reading {
    struct pt_cli_scan scan;
    struct pt_arena *arena;
    struct pt_error *reterr;
};

static enum pt_code refuse(const struct reading *reading, size_t offset, const char *text)
{
    char place[32];
    (void)snprintf(place, sizeof(place), "line %u", pt_cli_scan_line(&reading->scan, offset));
    return pt_fail(reading->reterr, PT_INVALID_ARGUMENT, PT_REASON_MESSAGE_MALFORMED, place, "%s", text);
}

/* ---- strings -------------------------------------------------------------------------------------------------- */

static bool hex4(const char *text, const char *end, unsigned *ret_value)
{
    unsigned value = 0;
    if (end - text < 4) {
        return false;
    }
    for (int i = 0; i < 4; i++) {
        if (!isxdigit((unsigned char)text[i])) {
            return false;
        }
        unsigned char c = (unsigned char)tolower((unsigned char)text[i]);
        value = value * 16 + (c >= 'a' ? c - 'a' + 10U : c - '0' + 0U);
    }
    *ret_value = value;
    return true;
}

/* A lone surrogate has no UTF-8: the caller sees false. */
static bool put_utf8(unsigned rune, struct pt_buf *out)
{
    if (rune >= 0xd800 && rune < 0xe000) {
        return false;
    }
    if (rune < 0x80) {
        pt_buf_append_u8(out, (uint8_t)rune);
    } else if (rune < 0x800) {
        pt_buf_append_u8(out, (uint8_t)(0xc0 | rune >> 6));
        pt_buf_append_u8(out, (uint8_t)(0x80 | (rune & 0x3f)));
    } else if (rune < 0x10000) {
        pt_buf_append_u8(out, (uint8_t)(0xe0 | rune >> 12));
        pt_buf_append_u8(out, (uint8_t)(0x80 | (rune >> 6 & 0x3f)));
        pt_buf_append_u8(out, (uint8_t)(0x80 | (rune & 0x3f)));
    } else {
        pt_buf_append_u8(out, (uint8_t)(0xf0 | rune >> 18));
        pt_buf_append_u8(out, (uint8_t)(0x80 | (rune >> 12 & 0x3f)));
        pt_buf_append_u8(out, (uint8_t)(0x80 | (rune >> 6 & 0x3f)));
        pt_buf_append_u8(out, (uint8_t)(0x80 | (rune & 0x3f)));
    }
    return true;
}

/* What stands behind a backslash; the position behind it, NULL when it is no escape. */
static const char *put_escape(const char *at, const char *end, struct pt_buf *out)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    const char *letter = at < end && *at != '\0' ? strchr(letters, *at) : NULL;
    if (letter != NULL) {
        pt_buf_append_u8(out, (uint8_t)meanings[letter - letters]);
        return at + 1;
    }
    unsigned rune = 0;
    unsigned low = 0;
    if (at >= end || *at != 'u' || !hex4(at + 1, end, &rune)) {
        return NULL;
    }
    at += 5;
    bool pair = rune >= 0xd800 && rune < 0xdc00 && end - at > 2 && at[0] == '\\' && at[1] == 'u' &&
                hex4(at + 2, end, &low) && low >= 0xdc00 && low < 0xe000;
    if (pair) {
        rune = 0x10000 + ((rune - 0xd800) << 10 | (low - 0xdc00));
        at += 6;
    }
    return put_utf8(rune, out) ? at : NULL;
}

/* Between the quotes at span's ends. */
static enum pt_code read_string(const struct reading *reading, struct pt_cli_span span, const char **ret_text,
                                size_t *ret_size)
{
    const char *at = reading->scan.text + span.begin + 1;
    const char *end = reading->scan.text + span.end - 1;
    PT_AUTO(buf) struct pt_buf out = {0};
    while (at < end) {
        if (*at != '\\') {
            pt_buf_append_u8(&out, (uint8_t)*at++);
            continue;
        }
        at = put_escape(at + 1, end, &out);
        if (at == NULL) {
            return refuse(reading, span.begin, "a text holds an escape that JSON does not know");
        }
    }
    *ret_size = out.size;
    pt_buf_append_u8(&out, 0);
    *ret_text = pt_arena_memdup(reading->arena, out.data, out.size);
    return PT_OK;
}

/* ---- values --------------------------------------------------------------------------------------------------- */

static bool is_number(const char *at, const char *end)
{
    at += at < end && *at == '-';
    const char *digits = at;
    while (at < end && isdigit((unsigned char)*at)) {
        at++;
    }
    if (at == digits || (*digits == '0' && at - digits > 1)) {
        return false;
    }
    if (at < end && *at == '.') {
        const char *fraction = ++at;
        while (at < end && isdigit((unsigned char)*at)) {
            at++;
        }
        if (at == fraction) {
            return false;
        }
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        at += at < end && (*at == '+' || *at == '-');
        const char *exponent = at;
        while (at < end && isdigit((unsigned char)*at)) {
            at++;
        }
        if (at == exponent) {
            return false;
        }
    }
    return at == end;
}

/* The whole token: a NUL within it does not end it. */
static bool is_word(const char *text, size_t size, const char *word)
{
    return size == strlen(word) && memcmp(text, word, size) == 0;
}

/* An exponent is kept with its sign: that is how YAML tells 12e+5 from a text such as a hash, 12e5. */
static const char *number_text(struct reading *reading, const char *text, size_t size)
{
    const char *kept = pt_arena_strndup(reading->arena, text, size);
    size_t mantissa = strcspn(kept, "eE");
    if (mantissa == size || kept[mantissa + 1] == '+' || kept[mantissa + 1] == '-') {
        return kept;
    }
    return pt_arena_printf(reading->arena, "%.*se+%s", (int)mantissa, kept, kept + mantissa + 1);
}

static enum pt_code read_value(struct reading *reading, struct pt_cli_span span, int depth, struct pt_cli_value *value);

static enum pt_code read_children(struct reading *reading, struct pt_cli_span span, int depth,
                                  struct pt_cli_value *value)
{
    bool object = value->kind == PT_CLI_VALUE_OBJECT;
    struct pt_cli_scan scan = {.text = reading->scan.text, .size = span.end, .at = span.begin + 1};
    struct pt_cli_value **place = &value->first;
    if (depth == PT_CLI_VALUE_DEPTH_MAX) {
        return refuse(reading, span.begin, "arrays and objects stand too deep within each other");
    }
    for (;;) {
        struct pt_cli_span key = {0, 0};
        struct pt_cli_span element = {0, 0};
        bool more = false;
        if (!(object ? pt_cli_scan_member(&scan, &key, &element, &more)
                     : pt_cli_scan_element(&scan, &element, &more))) {
            return refuse(reading, scan.at, "this is not JSON");
        }
        if (!more) {
            return PT_OK;
        }
        struct pt_cli_value *child = PT_NEW(reading->arena, struct pt_cli_value);
        size_t size = 0;
        if (object) {
            PT_TRY(read_string(reading, key, &child->key, &size));
            if (strlen(child->key) != size) {
                return refuse(reading, key.begin, "a name holds the character NUL");
            }
        }
        PT_TRY(read_value(reading, element, depth + 1, child));
        *place = child;
        place = &child->next;
        value->len++;
    }
}

static enum pt_code read_value(struct reading *reading, struct pt_cli_span span, int depth, struct pt_cli_value *value)
{
    const char *text = reading->scan.text + span.begin;
    size_t size = span.end - span.begin;
    value->text = "";
    if (text[0] == '{' || text[0] == '[') {
        value->kind = text[0] == '{' ? PT_CLI_VALUE_OBJECT : PT_CLI_VALUE_ARRAY;
        return read_children(reading, span, depth, value);
    }
    if (text[0] == '"') {
        value->kind = PT_CLI_VALUE_STRING;
        return read_string(reading, span, &value->text, &value->size);
    }
    value->text = pt_arena_strndup(reading->arena, text, size);
    value->size = size;
    if (is_word(text, size, "true") || is_word(text, size, "false")) {
        value->kind = PT_CLI_VALUE_BOOL;
    } else if (is_word(text, size, "null")) {
        value->kind = PT_CLI_VALUE_NULL;
    } else if (is_number(text, text + size)) {
        value->kind = PT_CLI_VALUE_NUMBER;
        value->text = number_text(reading, text, size);
        value->size = strlen(value->text);
    } else {
        return refuse(reading, span.begin, "this is no value of JSON; texts stand between double quotes");
    }
    return PT_OK;
}

enum pt_code pt_cli_value_read(const char *text, size_t size, struct pt_arena *arena,
                               const struct pt_cli_value **ret_value, struct pt_error *reterr)
{
    struct reading reading = {.scan = {.text = text, .size = size}, .arena = arena, .reterr = reterr};
    struct pt_cli_span span;
    if (pt_cli_scan_peek(&reading.scan) == '\0' || !pt_cli_scan_value(&reading.scan, &span) ||
        pt_cli_scan_peek(&reading.scan) != '\0' || reading.scan.at != size) {
        return refuse(&reading, reading.scan.at, "one value of JSON is expected here, and nothing behind it");
    }
    struct pt_cli_value *value = PT_NEW(arena, struct pt_cli_value);
    PT_TRY(read_value(&reading, span, 0, value));
    *ret_value = value;
    return PT_OK;
}

const struct pt_cli_value *pt_cli_value_member(const struct pt_cli_value *value, const char *key)
{
    if (value->kind != PT_CLI_VALUE_OBJECT) {
        return NULL;
    }
    for (const struct pt_cli_value *member = value->first; member != NULL; member = member->next) {
        if (strcmp(member->key, key) == 0) {
            return member;
        }
    }
    return NULL;
}

const char *pt_cli_value_text(const struct pt_cli_value *value, const char *key, const char *fallback)
{
    const struct pt_cli_value *member = pt_cli_value_member(value, key);
    return member != NULL && member->kind == PT_CLI_VALUE_STRING ? member->text : fallback;
}

void pt_cli_value_json(const struct pt_cli_value *value, struct pt_buf *out)
{
    bool object = value->kind == PT_CLI_VALUE_OBJECT;
    if (value->kind == PT_CLI_VALUE_STRING) {
        pt_cli_quote(value->text, value->size, out);
        return;
    }
    if (!object && value->kind != PT_CLI_VALUE_ARRAY) {
        pt_buf_append(out, value->text, value->size);
        return;
    }
    pt_buf_append_u8(out, object ? '{' : '[');
    for (const struct pt_cli_value *child = value->first; child != NULL; child = child->next) {
        if (object) {
            pt_cli_quote(child->key, strlen(child->key), out);
            pt_buf_append_u8(out, ':');
        }
        pt_cli_value_json(child, out);
        if (child->next != NULL) {
            pt_buf_append_u8(out, ',');
        }
    }
    pt_buf_append_u8(out, object ? '}' : ']');
}
