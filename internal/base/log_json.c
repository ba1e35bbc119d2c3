/*
 * A log line as one JSON object: {"time":...,"level":"info","event":"enrolled","node":"edge/...","role":"voter"}.
 *
 * The fields come as they are written for people (log_format.c), key=value with quotes around values that hold spaces,
 * and escapes, which are taken back here. A value ends at a space, or, when it begins with a quote, at the last quote
 * before the next " key=" or the end that no escape stands before. Whole numbers become numbers. What is not UTF-8 is
 * replaced byte by byte, so that every line can be read.
 */
#include "base/log_priv.h"

#include "base/text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define TAIL_SIZE 24 /* room for what closes the object */

struct out {
    char *text;
    size_t size, at;
    bool full;
};

static void put(struct out *out, const char *text, size_t size)
{
    if (out->full || out->at + size + TAIL_SIZE > out->size) {
        out->full = true;
        return;
    }
    memcpy(out->text + out->at, text, size);
    out->at += size;
}

/* One byte that log_format.c wrote as an escape; returns what that takes, 0 when it is none. */
static size_t take_back(const char *text, size_t size, unsigned char *ret_byte)
{
    static const char named[] = "nrt\"\\";
    static const char bytes[] = "\n\r\t\"\\";
    const char *name = size >= 2 && text[0] == '\\' && text[1] != '\0' ? strchr(named, text[1]) : NULL;
    if (name != NULL) {
        *ret_byte = (unsigned char)bytes[name - named];
        return 2;
    }
    unsigned value = 0;
    if (size < 4 || text[0] != '\\' || text[1] != 'x' || sscanf(text + 2, "%2x", &value) != 1) {
        return 0;
    }
    *ret_byte = (unsigned char)value;
    return 4;
}

/* Of a sequence of three bytes at most. */
static unsigned point(const unsigned char *text, size_t len)
{
    return len == 1   ? text[0]
           : len == 2 ? (text[0] & 0x1fU) << 6 | (text[1] & 0x3fU)
                      : (text[0] & 0xfU) << 12 | (text[1] & 0x3fU) << 6 | (text[2] & 0x3fU);
}

static void put_string(struct out *out, const char *escaped, size_t escaped_size)
{
    char text[PT_LOG_FIELDS_SIZE];
    size_t size = 0;
    for (size_t i = 0; i < escaped_size && size < sizeof(text);) {
        unsigned char byte = (unsigned char)escaped[i];
        size_t len = take_back(escaped + i, escaped_size - i, &byte);
        text[size++] = (char)byte;
        i += len > 0 ? len : 1;
    }
    put(out, "\"", 1);
    for (size_t i = 0; i < size;) {
        unsigned char c = (unsigned char)text[i];
        char escape[8];
        size_t len = pt_text_utf8((const unsigned char *)text + i, size - i);
        if (c == '"' || c == '\\') {
            (void)snprintf(escape, sizeof(escape), "\\%c", c);
            put(out, escape, 2);
        } else if (pt_text_harmless((const unsigned char *)text + i, size - i) == 0) {
            (void)snprintf(escape, sizeof(escape), "\\u%04x",
                           len > 0 ? point((const unsigned char *)text + i, len) : 0xfffdU);
            put(out, escape, 6);
        } else {
            put(out, text + i, len);
        }
        i += len == 0 ? 1 : len;
    }
    put(out, "\"", 1);
}

static bool is_number(const char *text, size_t size)
{
    if (size == 0 || size > 15 || (text[0] == '0' && size > 1)) {
        return false; /* readers keep 53 bits */
    }
    return strspn(text, "0123456789") >= size;
}

static size_t key_size(const char *text)
{
    size_t size = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_");
    return size > 0 && text[size] == '=' ? size : 0;
}

/* Bytes of the value, with its quotes. */
static size_t value_size(const char *text)
{
    if (text[0] != '"') {
        return strcspn(text, " ");
    }
    size_t end = 0;
    for (size_t i = 1; text[i] != '\0'; i++) {
        if (text[i] == '\\' && text[i + 1] != '\0') {
            i++;
            continue;
        }
        if (text[i] != '"') {
            continue;
        }
        end = i;
        if (text[i + 1] == ' ' && key_size(text + i + 2) > 0) {
            break;
        }
    }
    return end > 0 ? end + 1 : strlen(text); /* cut off: no closing quote */
}

static void put_pair(struct out *out, const char *key, size_t key_len, const char *value, size_t value_len)
{
    size_t before = out->at;
    put(out, ",", out->at > 1 ? 1 : 0);
    put_string(out, key, key_len);
    put(out, ":", 1);
    if (is_number(value, value_len)) {
        put(out, value, value_len);
    } else {
        put_string(out, value, value_len);
    }
    if (out->full) {
        out->at = before; /* no half a pair */
    }
}

static void put_fields(struct out *out, const char *fields)
{
    while (*fields != '\0') {
        size_t key = key_size(fields);
        if (key == 0) { /* not ours: kept as it is */
            put_pair(out, "text", 4, fields, strlen(fields));
            return;
        }
        const char *value = fields + key + 1;
        size_t size = value_size(value);
        bool quoted = value[0] == '"' && size >= 2 && value[size - 1] == '"';
        put_pair(out, fields, key, quoted ? value + 1 : value, quoted ? size - 2 : size);
        fields = value + size;
        fields += strspn(fields, " ");
    }
}

size_t pt_log_json(const struct pt_log_line *line, char *text, size_t size)
{
    struct out out = {.text = text, .size = size};
    put(&out, "{", 1);
    if (line->time[0] != '\0') {
        put_pair(&out, "time", 4, line->time, strlen(line->time));
    }
    put_pair(&out, "level", 5, line->level, strlen(line->level));
    if (line->node[0] != '\0') {
        put_pair(&out, "logger", 6, line->node, strlen(line->node));
    }
    put_pair(&out, "event", 5, line->event, strlen(line->event));
    put_fields(&out, line->fields);
    int tail = snprintf(text + out.at, size - out.at, "%s}", out.full ? ",\"truncated\":true" : "");
    return out.at + (size_t)tail;
}
