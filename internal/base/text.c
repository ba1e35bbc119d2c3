#include "base/text.h"

#include <stdbool.h>
#include <string.h>

size_t pt_text_utf8(const unsigned char *text, size_t size)
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

size_t pt_text_harmless(const unsigned char *text, size_t size)
{
    size_t len = pt_text_utf8(text, size);
    if (len == 1) {
        return text[0] >= 0x20 && text[0] != 0x7f ? 1 : 0;
    }
    bool control = len == 2 && text[0] == 0xc2 && text[1] < 0xa0;
    bool line_or_turn = len == 3 && text[0] == 0xe2 && text[1] == 0x80 && text[2] >= 0xa8 && text[2] <= 0xae;
    bool isolate = len == 3 && text[0] == 0xe2 && text[1] == 0x81 && text[2] >= 0xa6 && text[2] <= 0xa9;
    return control || line_or_turn || isolate ? 0 : len;
}

void pt_text_clean(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0';) {
        size_t len = pt_text_harmless((const unsigned char *)from, strnlen(from, 4));
        if (len > 0) {
            memmove(to, from, len);
        } else {
            *to = '?';
            size_t whole = pt_text_utf8((const unsigned char *)from, strnlen(from, 4));
            from += whole > 0 ? whole - 1 : 0;
        }
        to += len > 0 ? len : 1;
        from += len > 0 ? len : 1;
    }
    *to = '\0';
}
