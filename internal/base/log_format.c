/*
 * The fields of a log line: key=%s key="%s" key=%u ..., with what is put in made harmless.
 *
 * Much of what is logged comes from outside: an edge's version, a certificate's name, the words of a peer. Put in as it
 * is, a line feed would begin a line of its own, an escape would move the reader's cursor, and a quote would end the
 * value and begin a field of the sender's choice. So a text that is put in is escaped as its place wants it:
 *
 *   between quotes   " and \ by a \; line feed, return and tab as \n \r \t
 *   elsewhere        a space as \x20 besides
 *   both             other controls, what is not UTF-8, and what turns the direction of writing, byte by byte as \xNN
 *
 * The format itself is the program's own and stands as it is. log_json.c takes the escapes back.
 */
#include "base/log_priv.h"

#include "base/assert.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct out {
    char *text;
    size_t size, at;
};

static void put(struct out *out, const char *text, size_t size)
{
    if (out->at + size < out->size) {
        memcpy(out->text + out->at, text, size);
        out->at += size;
    } else {
        out->size = out->at + 1; /* nothing follows what had no room */
    }
}

static void put_text(struct out *out, const char *text, bool quoted)
{
    static const char named[] = "\n\r\t\"\\";
    static const char names[] = "nrt\"\\";
    while (*text != '\0') {
        char escape[8];
        const char *name = strchr(named, *text);
        size_t len = pt_text_harmless((const unsigned char *)text, strnlen(text, 4));
        if (name != NULL) {
            (void)snprintf(escape, sizeof(escape), "\\%c", names[name - named]);
        } else if (len == 0 || (!quoted && *text == ' ')) {
            (void)snprintf(escape, sizeof(escape), "\\x%02x", (unsigned char)*text);
        }
        bool plain = name == NULL && len > 0 && (quoted || *text != ' ');
        put(out, plain ? text : escape, plain ? len : strlen(escape));
        text += plain ? len : 1;
    }
}

/* ---- conversions ---------------------------------------------------------------------------------------------- */

struct conversion {
    char text[24]; /* of the format, without a star */
    char letter;
    char length; /* 'l', 'L' for two of them, 'z', 'j', or 0 */
    bool star;   /* %.*s */
};

/* Reads one; returns the bytes of the format that it takes. */
static size_t read_conversion(const char *format, struct conversion *ret_conversion)
{
    size_t size = 1 + strspn(format + 1, "-+ #0123456789.*");
    struct conversion c = {.star = memchr(format, '*', size) != NULL};
    size_t lengths = strspn(format + size, "lzjht");
    c.length = lengths == 2 && format[size] == 'l' ? 'L' : lengths == 1 ? format[size] : '\0';
    size += lengths;
    c.letter = format[size];
    size++;
    pt_assert(c.letter != '\0' && size < sizeof(c.text));
    memcpy(c.text, format, size);
    *ret_conversion = c;
    return size;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* pieces of a format that the compiler has checked whole */

static void put_number(struct out *out, const struct conversion *c, va_list *args)
{
    char text[64];
    if (strchr("feg", c->letter) != NULL) {
        (void)snprintf(text, sizeof(text), c->text, va_arg(*args, double));
    } else if (c->letter == 'p') {
        (void)snprintf(text, sizeof(text), c->text, va_arg(*args, void *));
    } else if (c->length == 'L') {
        (void)snprintf(text, sizeof(text), c->text, va_arg(*args, long long));
    } else if (c->length == 'l') {
        (void)snprintf(text, sizeof(text), c->text, va_arg(*args, long));
    } else if (c->length == 'j') {
        (void)snprintf(text, sizeof(text), c->text, va_arg(*args, intmax_t));
    } else if (c->length == 'z' || c->length == 't') {
        (void)snprintf(text, sizeof(text), c->text, va_arg(*args, size_t));
    } else {
        (void)snprintf(text, sizeof(text), c->text, va_arg(*args, int));
    }
    put(out, text, strlen(text));
}

static void put_string(struct out *out, const struct conversion *c, bool quoted, va_list *args)
{
    char text[PT_LOG_FIELDS_SIZE]; /* the line is no longer */
    if (c->star) {
        int precision = va_arg(*args, int);
        (void)snprintf(text, sizeof(text), c->text, precision, va_arg(*args, const char *));
    } else {
        (void)snprintf(text, sizeof(text), c->text, va_arg(*args, const char *));
    }
    put_text(out, text, quoted);
}

#pragma GCC diagnostic pop

size_t pt_log_fields(char *text, size_t size, const char *format, va_list args)
{
    struct out out = {.text = text, .size = size};
    bool quoted = false;
    va_list rest;
    va_copy(rest, args);
    while (*format != '\0') {
        struct conversion c;
        if (*format != '%') {
            quoted = *format == '"' ? !quoted : quoted;
            put(&out, format++, 1);
            continue;
        }
        format += read_conversion(format, &c);
        if (c.letter == '%') {
            put(&out, "%", 1);
        } else if (c.letter == 's') {
            put_string(&out, &c, quoted, &rest);
        } else {
            put_number(&out, &c, &rest);
        }
    }
    va_end(rest);
    out.text[out.at] = '\0';
    return out.at;
}
