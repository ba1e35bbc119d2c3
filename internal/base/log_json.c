/*
 * A log line as one JSON object: {"time":...,"level":"info","event":"enrolled","node":"edge/...","role":"voter"}.
 *
 * The fields come as they are written for people, key=value with quotes around values that hold spaces. A value ends at
 * a space, or, when it begins with a quote, at the last quote before the next " key=" or the end: texts of errors may
 * hold quotes themselves. Whole numbers become numbers. What is not UTF-8 is replaced byte by byte, so that every line
 * can be read.
 */
#include "base/log.h"

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

/* Length of the UTF-8 sequence at text, 0 when it is none. */
static size_t sequence(const unsigned char *text, size_t size)
{
    size_t len = text[0] < 0x80                      ? 1
                 : text[0] >= 0xc2 && text[0] < 0xe0 ? 2
                 : (text[0] & 0xf0) == 0xe0          ? 3
                 : text[0] >= 0xf0 && text[0] < 0xf5 ? 4
                                                     : 0;
    if (len == 0 || len > size) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool bad = (text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] >= 0xa0) ||
               (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] >= 0x90);
    return bad ? 0 : len;
}

static void put_string(struct out *out, const char *text, size_t size)
{
    put(out, "\"", 1);
    for (size_t i = 0; i < size;) {
        unsigned char c = (unsigned char)text[i];
        char escape[8];
        size_t len = sequence((const unsigned char *)text + i, size - i);
        if (c == '"' || c == '\\') {
            (void)snprintf(escape, sizeof(escape), "\\%c", c);
            put(out, escape, 2);
        } else if (c < 0x20 || len == 0) {
            (void)snprintf(escape, sizeof(escape), "\\u%04x", c < 0x20 ? c : 0xfffdU);
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
