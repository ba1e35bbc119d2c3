/*
 * Base64url without padding (RFC 4648, section 5), strict: one value has one text.
 *
 * Three bytes make four characters; a rest of one or two bytes makes two or three. Refused are characters outside the
 * alphabet (padding too), a rest of one character, and unused low bits that are not zero.
 */
#include "crypto/crypto.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void pt_base64url_encode(struct pt_bytes data, struct pt_buf *out)
{
    char *text = (char *)pt_buf_reserve(out, data.size / 3 * 4 + 4);
    size_t len = 0;
    uint32_t bits = 0;
    unsigned bits_len = 0;
    for (size_t i = 0; i < data.size; i++) {
        bits = bits << 8 | data.data[i];
        for (bits_len += 8; bits_len >= 6; bits_len -= 6) {
            text[len++] = alphabet[bits >> (bits_len - 6) & 63];
        }
    }
    if (bits_len > 0) {
        text[len++] = alphabet[bits << (6 - bits_len) & 63];
    }
    out->size += len;
    out->data[out->size] = 0;
}

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

enum pt_code pt_base64url_decode(const char *text, size_t size, struct pt_buf *out, struct pt_error *reterr)
{
    if (size % 4 == 1) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, NULL,
                       "base64url of %zu characters is cut short", size);
    }
    uint8_t *data = pt_buf_reserve(out, size / 4 * 3 + 3);
    size_t len = 0;
    uint32_t bits = 0;
    unsigned bits_len = 0;
    for (size_t i = 0; i < size; i++) {
        int value = value_of(text[i]);
        if (value < 0) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, NULL,
                           "character %zu is not base64url (A-Z, a-z, 0-9, - and _, no padding)", i + 1);
        }
        bits = bits << 6 | (uint32_t)value;
        bits_len += 6;
        if (bits_len >= 8) {
            bits_len -= 8;
            data[len++] = (uint8_t)(bits >> bits_len);
        }
    }
    if ((bits & ((1U << bits_len) - 1)) != 0) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, NULL,
                       "the last character has bits set that belong to no byte");
    }
    out->size += len;
    out->data[out->size] = 0;
    return PT_OK;
}
