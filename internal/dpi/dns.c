/*
 *    header (12) | question: name, type, class | answers: name, type, class, TTL, length, data | ...
 *
 * The name that matters is the one asked for: the answer's own names may be those of a chain of aliases behind it. So
 * names in answers are stepped over and not read, which also leaves no loop of compressed names to fall into: only the
 * question's name is read, and it is not compressed.
 */
#include "dpi/dns.h"

#include "base/word16.h"

#include <string.h>

#define HEADER_SIZE 12
#define FLAG_RESPONSE 0x80
#define RCODE_MASK 0x0f
#define TYPE_A 1
#define TYPE_AAAA 28
#define RECORDS_MAX 64

/* The name at *offset, which is moved behind it; text may be NULL. */
static bool read_name(const uint8_t *data, size_t size, size_t *offset, char *text)
{
    size_t at = *offset, len = 0;
    while (at < size && data[at] != 0) {
        size_t label = data[at];
        if (label >= 0xc0) { /* the rest stands elsewhere */
            *offset = at + 2;
            return text == NULL && at + 2 <= size;
        }
        if (label > 63 || at + 1 + label > size || len + label + 1 >= PT_DPI_HOST_SIZE) {
            return false;
        }
        for (size_t i = 0; text != NULL && i < label; i++) {
            uint8_t c = data[at + 1 + i];
            c = c >= 'A' && c <= 'Z' ? c + 32 : c;
            if (c <= ' ' || c >= 0x7f) {
                return false;
            }
            text[len + i] = (char)c;
        }
        len += label;
        if (text != NULL) {
            text[len] = '.';
        }
        len++;
        at += 1 + label;
    }
    if (at >= size) {
        return false;
    }
    if (text != NULL) {
        text[len > 0 ? len - 1 : 0] = '\0';
    }
    *offset = at + 1;
    return true;
}

/* The record at *offset, which is moved behind it. */
static bool read_record(const uint8_t *data, size_t size, size_t *offset, struct pt_dpi_answer *answer)
{
    if (!read_name(data, size, offset, NULL) || *offset + 10 > size) {
        return false;
    }
    const uint8_t *record = data + *offset;
    uint16_t type = pt_be16(record), length = pt_be16(record + 8);
    uint32_t ttl = (uint32_t)pt_be16(record + 4) << 16 | pt_be16(record + 6);
    if (*offset + 10 + length > size) {
        return false;
    }
    *offset += 10U + length;
    answer->ttl_s = ttl < answer->ttl_s ? ttl : answer->ttl_s;
    if (answer->addresses_len == PT_DPI_DNS_ADDRESSES_MAX) {
        return true;
    }
    const uint8_t *at = record + 10;
    if (type == TYPE_A && length == 4) {
        answer->addresses[answer->addresses_len++] = pt_ip_from_v4((uint32_t)pt_be16(at) << 16 | pt_be16(at + 2));
    } else if (type == TYPE_AAAA && length == 16) {
        memcpy(answer->addresses[answer->addresses_len++].bytes, at, 16);
    }
    return true;
}

bool pt_dpi_dns_parse(const uint8_t *data, size_t size, struct pt_dpi_answer *ret_answer)
{
    struct pt_dpi_answer answer = {.ttl_s = UINT32_MAX};
    size_t offset = HEADER_SIZE;
    if (size < HEADER_SIZE || (data[2] & FLAG_RESPONSE) == 0 || (data[3] & RCODE_MASK) != 0 || pt_be16(data + 4) != 1) {
        return false;
    }
    size_t records = pt_be16(data + 6);
    if (!read_name(data, size, &offset, answer.host) || offset + 4 > size || answer.host[0] == '\0') {
        return false;
    }
    offset += 4;
    for (size_t i = 0; i < records && i < RECORDS_MAX; i++) {
        if (!read_record(data, size, &offset, &answer)) {
            return false;
        }
    }
    if (answer.addresses_len == 0) {
        return false;
    }
    *ret_answer = answer;
    return true;
}
