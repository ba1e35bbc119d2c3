#include "wire/json_scan.h"
#include "wire/utf8.h"

#include <stdio.h>
#include <string.h>

enum pt_code pt_json_fail(const struct pt_json_scan *scan, const char *at, enum pt_reason reason,
                          const struct pt_path *path, const char *format, ...)
{
    if (scan->reterr == NULL) {
        return PT_INVALID_ARGUMENT;
    }
    size_t line = 1;
    const char *line_start = scan->start;
    for (const char *p = scan->start; p < at; p++) {
        if (*p == '\n') {
            line++;
            line_start = p + 1;
        }
    }
    char place[64];
    (void)snprintf(place, sizeof(place), "line %zu, column %zu", line, (size_t)(at - line_start) + 1);
    char where[PT_ERROR_FIELD_SIZE];
    char what[PT_ERROR_TEXT_SIZE - PT_ERROR_FIELD_SIZE];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    (void)pt_path_format(path, where, sizeof(where));
    return pt_fail(scan->reterr, PT_INVALID_ARGUMENT, reason, place, "%s%s%s", where, where[0] != '\0' ? ": " : "",
                   what);
}

char pt_json_peek(struct pt_json_scan *scan)
{
    while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\r' || *scan->at == '\t')) {
        scan->at++;
    }
    return scan->at < scan->end ? *scan->at : '\0';
}

enum pt_code pt_json_expect(struct pt_json_scan *scan, char c, const struct pt_path *path)
{
    char found = pt_json_peek(scan);
    if (found == c && scan->at < scan->end) {
        scan->at++;
        return PT_OK;
    }
    if (scan->at == scan->end) {
        return pt_json_fail(scan, scan->at, PT_REASON_MESSAGE_MALFORMED, path, "the text ends where '%c' should be", c);
    }
    return pt_json_fail(scan, scan->at, PT_REASON_MESSAGE_MALFORMED, path, "expected '%c'", c);
}

bool pt_json_take_word(struct pt_json_scan *scan, const char *word)
{
    size_t size = strlen(word);
    if ((size_t)(scan->end - scan->at) < size || memcmp(scan->at, word, size) != 0) {
        return false;
    }
    scan->at += size;
    return true;
}

/* Four hexadecimal digits; -1 when they are not there. */
static int32_t take_hex4(struct pt_json_scan *scan)
{
    int32_t value = 0;
    if (scan->end - scan->at < 4) {
        return -1;
    }
    for (int i = 0; i < 4; i++) {
        char c = *scan->at++;
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) {
            return -1;
        }
        value = value * 16 + digit;
    }
    return value;
}

/* Behind "\u": one code point, by two escapes when it is a surrogate pair. 0 when malformed (NUL is refused anyway). */
static uint32_t take_point(struct pt_json_scan *scan)
{
    int32_t high = take_hex4(scan);
    if (high < 0 || (high >= 0xdc00 && high <= 0xdfff)) {
        return 0;
    }
    if (high < 0xd800 || high > 0xdbff) {
        return (uint32_t)high;
    }
    if (!pt_json_take_word(scan, "\\u")) {
        return 0;
    }
    int32_t low = take_hex4(scan);
    if (low < 0xdc00 || low > 0xdfff) {
        return 0;
    }
    return 0x10000U + ((uint32_t)(high - 0xd800) << 10) + (uint32_t)(low - 0xdc00);
}

/* One escape, behind the backslash; bytes written to out, 0 when malformed. */
static size_t take_escape(struct pt_json_scan *scan, uint8_t out[4])
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    if (scan->at == scan->end) {
        return 0;
    }
    char c = *scan->at++;
    if (c == 'u') {
        uint32_t point = take_point(scan);
        return point != 0 ? pt_utf8_put(point, out) : 0;
    }
    const char *known = memchr(from, c, sizeof(from) - 1);
    if (known == NULL) {
        return 0;
    }
    out[0] = (uint8_t)to[known - from];
    return 1;
}

/* The end of a string's raw form: its closing quote, or NULL. */
static const char *find_quote(const struct pt_json_scan *scan)
{
    for (const char *p = scan->at; p < scan->end; p++) {
        if (*p == '\\') {
            p++;
        } else if (*p == '"') {
            return p;
        }
    }
    return NULL;
}

enum pt_code pt_json_string(struct pt_json_scan *scan, const struct pt_path *path, struct pt_bytes *ret_text)
{
    const char *start = scan->at;
    if (pt_json_peek(scan) != '"') {
        return pt_json_fail(scan, scan->at, PT_REASON_FIELD_INVALID, path, "expected a string in double quotes");
    }
    scan->at++;
    const char *quote = find_quote(scan);
    if (quote == NULL) {
        return pt_json_fail(scan, start, PT_REASON_MESSAGE_MALFORMED, path, "the string does not end");
    }
    /* Unescaping never makes it longer. */
    uint8_t *text = pt_arena_alloc(scan->arena, (size_t)(quote - scan->at) + 1);
    size_t size = 0;
    while (scan->at < quote) {
        const char *here = scan->at;
        uint8_t c = (uint8_t)*scan->at++;
        if (c < ' ') {
            return pt_json_fail(scan, here, PT_REASON_MESSAGE_MALFORMED, path,
                                "a control character in a string; write \\n, \\t or \\u%04x", c);
        }
        if (c != '\\') {
            text[size++] = c;
            continue;
        }
        uint8_t point[4];
        size_t len = take_escape(scan, point);
        if (len == 0 || scan->at > quote) {
            return pt_json_fail(scan, here, PT_REASON_MESSAGE_MALFORMED, path,
                                "a bad escape in a string; \\u0000 and lone surrogates are not allowed");
        }
        memcpy(text + size, point, len);
        size += len;
    }
    scan->at = quote + 1;
    if (!pt_utf8_valid(text, size)) {
        return pt_json_fail(scan, start, PT_REASON_FIELD_INVALID, path, "is not valid UTF-8 without NUL");
    }
    *ret_text = (struct pt_bytes){text, size};
    return PT_OK;
}

static bool take_digits(struct pt_json_scan *scan)
{
    const char *start = scan->at;
    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9') {
        scan->at++;
    }
    return scan->at > start;
}

static bool take_one_of(struct pt_json_scan *scan, const char *set)
{
    if (scan->at < scan->end && *scan->at != '\0' && strchr(set, *scan->at) != NULL) {
        scan->at++;
        return true;
    }
    return false;
}

/* -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)? */
static bool take_number(struct pt_json_scan *scan)
{
    (void)take_one_of(scan, "-");
    if (!take_one_of(scan, "0") && !take_digits(scan)) {
        return false;
    }
    if (take_one_of(scan, ".") && !take_digits(scan)) {
        return false;
    }
    if (take_one_of(scan, "eE")) {
        (void)take_one_of(scan, "+-");
        return take_digits(scan);
    }
    return scan->at == scan->end || *scan->at < '0' || *scan->at > '9'; /* no leading zero */
}

enum pt_code pt_json_number(struct pt_json_scan *scan, const struct pt_path *path, struct pt_bytes *ret_text)
{
    (void)pt_json_peek(scan);
    const char *start = scan->at;
    if (!take_number(scan)) {
        return pt_json_fail(scan, start, PT_REASON_FIELD_INVALID, path, "expected a number");
    }
    size_t size = (size_t)(scan->at - start);
    if (size > 64) {
        return pt_json_fail(scan, start, PT_REASON_FIELD_INVALID, path, "the number has more than 64 characters");
    }
    *ret_text = (struct pt_bytes){(const uint8_t *)pt_arena_strndup(scan->arena, start, size), size};
    return PT_OK;
}

static enum pt_code skip_container(struct pt_json_scan *scan, const struct pt_path *path, unsigned depth, char close)
{
    scan->at++;
    if (pt_json_peek(scan) == close) {
        scan->at++;
        return PT_OK;
    }
    for (;;) {
        if (close == '}') {
            struct pt_bytes name;
            PT_TRY(pt_json_string(scan, path, &name));
            PT_TRY(pt_json_expect(scan, ':', path));
        }
        PT_TRY(pt_json_skip(scan, path, depth + 1));
        if (pt_json_peek(scan) != ',') {
            return pt_json_expect(scan, close, path);
        }
        scan->at++;
    }
}

enum pt_code pt_json_skip(struct pt_json_scan *scan, const struct pt_path *path, unsigned depth)
{
    if (depth > PT_JSON_DEPTH_MAX) {
        return pt_json_fail(scan, scan->at, PT_REASON_MESSAGE_TOO_DEEP, path, "values are nested more than %d deep",
                            PT_JSON_DEPTH_MAX);
    }
    struct pt_bytes text;
    switch (pt_json_peek(scan)) {
    case '{':
        return skip_container(scan, path, depth, '}');
    case '[':
        return skip_container(scan, path, depth, ']');
    case '"':
        return pt_json_string(scan, path, &text);
    case 't':
    case 'f':
    case 'n':
        if (pt_json_take_word(scan, "true") || pt_json_take_word(scan, "false") || pt_json_take_word(scan, "null")) {
            return PT_OK;
        }
        return pt_json_fail(scan, scan->at, PT_REASON_MESSAGE_MALFORMED, path, "expected a value");
    default:
        return pt_json_number(scan, path, &text);
    }
}
