#include "wire/utf8.h"

#include <string.h>

/* Bytes of the sequence that starts at text, or 0 when it is malformed. */
static size_t sequence_size(const uint8_t *text, size_t size)
{
    uint8_t first = text[0];
    if (first < 0x80) {
        return first != 0;
    }
    /* The second byte's range excludes overlong forms, surrogates and what lies above U+10FFFF. */
    uint8_t low = 0x80;
    uint8_t high = 0xbf;
    size_t len = 0;
    if (first >= 0xc2 && first <= 0xdf) {
        len = 2;
    } else if (first >= 0xe0 && first <= 0xef) {
        len = 3;
        low = first == 0xe0 ? 0xa0 : low;
        high = first == 0xed ? 0x9f : high;
    } else if (first >= 0xf0 && first <= 0xf4) {
        len = 4;
        low = first == 0xf0 ? 0x90 : low;
        high = first == 0xf4 ? 0x8f : high;
    }
    if (len == 0 || len > size || text[1] < low || text[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < len; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return len;
}

/* Eight bytes that are all ASCII and none NUL: most text is, and reading it byte by byte showed in profiles. */
static bool plain8(const uint8_t *text)
{
    const uint64_t highs = 0x8080808080808080ULL;
    uint64_t word;
    memcpy(&word, text, sizeof(word));
    /* A zero byte borrows into its high bit; bytes with the high bit set are refused anyway. */
    return ((word | (word - 0x0101010101010101ULL)) & highs) == 0;
}

bool pt_utf8_valid(const uint8_t *text, size_t size)
{
    for (size_t at = 0; at < size;) {
        if (size - at >= 8 && plain8(text + at)) {
            at += 8;
            continue;
        }
        size_t len = sequence_size(text + at, size - at);
        if (len == 0) {
            return false;
        }
        at += len;
    }
    return true;
}

size_t pt_utf8_put(uint32_t point, uint8_t out[4])
{
    if (point < 0x80) {
        out[0] = (uint8_t)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (uint8_t)(0xc0 | point >> 6);
        out[1] = (uint8_t)(0x80 | (point & 0x3f));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (uint8_t)(0xe0 | point >> 12);
        out[1] = (uint8_t)(0x80 | (point >> 6 & 0x3f));
        out[2] = (uint8_t)(0x80 | (point & 0x3f));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | point >> 18);
    out[1] = (uint8_t)(0x80 | (point >> 12 & 0x3f));
    out[2] = (uint8_t)(0x80 | (point >> 6 & 0x3f));
    out[3] = (uint8_t)(0x80 | (point & 0x3f));
    return 4;
}
