/*
 * The codec is written by hand: three small message types that never change, against generated code for three more
 * .proto files that our own schema does not use. What is decoded comes from another process: every length is checked
 * against what is left, unknown fields are skipped, and nothing here recurses.
 */
#include "rpc/rpc_status.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define TYPE_ERROR_INFO "type.googleapis.com/google.rpc.ErrorInfo"
#define TYPE_QUOTA_FAILURE "type.googleapis.com/google.rpc.QuotaFailure"
#define TYPE_RETRY_INFO "type.googleapis.com/google.rpc.RetryInfo"
#define TYPE_BAD_REQUEST "type.googleapis.com/google.rpc.BadRequest"

enum { WIRE_VARINT = 0, WIRE_I64 = 1, WIRE_LEN = 2, WIRE_I32 = 5 };

/* ---- encode --------------------------------------------------------------------------------------------------- */

static void put_varint(struct pt_buf *out, uint64_t value)
{
    while (value >= 0x80) {
        pt_buf_append_u8(out, (uint8_t)(value | 0x80));
        value >>= 7;
    }
    pt_buf_append_u8(out, (uint8_t)value);
}

static void put_len(struct pt_buf *out, unsigned field, const void *data, size_t size)
{
    put_varint(out, field << 3 | WIRE_LEN);
    put_varint(out, size);
    pt_buf_append(out, data, size);
}

static void put_text(struct pt_buf *out, unsigned field, const char *text)
{
    char clean[PT_ERROR_TEXT_SIZE];
    size_t size = pt_rpc_status_text(text, clean, sizeof(clean));
    if (size > 0) {
        put_len(out, field, clean, size);
    }
}

static void put_detail(struct pt_buf *out, const char *type, const struct pt_buf *value)
{
    PT_AUTO(buf) struct pt_buf any = {0};
    put_text(&any, 1, type);
    put_len(&any, 2, value->data, value->size);
    put_len(out, 3, any.data, any.size);
}

static void put_metadata(struct pt_buf *info, const char *key, const char *value)
{
    PT_AUTO(buf) struct pt_buf entry = {0};
    put_text(&entry, 1, key);
    put_text(&entry, 2, value);
    put_len(info, 3, entry.data, entry.size);
}

static void put_number(struct pt_buf *info, const char *key, uint64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    put_metadata(info, key, text);
}

static void put_error_info(struct pt_buf *out, const struct pt_error *error)
{
    PT_AUTO(buf) struct pt_buf info = {0};
    put_text(&info, 1, pt_reason_name(error->reason));
    put_text(&info, 2, PT_RPC_ERROR_DOMAIN);
    if (error->field[0] != '\0') {
        put_metadata(&info, "field", error->field);
    }
    if (error->subject[0] != '\0') {
        put_metadata(&info, "quota_subject", error->subject);
        put_number(&info, "quota_limit", error->limit);
        put_number(&info, "quota_usage", error->usage);
    }
    put_detail(out, TYPE_ERROR_INFO, &info);
}

static void put_bad_request(struct pt_buf *out, const struct pt_error *error)
{
    PT_AUTO(buf) struct pt_buf violation = {0};
    PT_AUTO(buf) struct pt_buf request = {0};
    put_text(&violation, 1, error->field);
    put_text(&violation, 2, error->text);
    put_len(&request, 1, violation.data, violation.size);
    put_detail(out, TYPE_BAD_REQUEST, &request);
}

/* Violation {subject = 1, description = 2, quota_metric = 4, quota_value = 7} */
static void put_quota_failure(struct pt_buf *out, const struct pt_error *error)
{
    PT_AUTO(buf) struct pt_buf violation = {0};
    PT_AUTO(buf) struct pt_buf failure = {0};
    put_text(&violation, 1, error->subject);
    put_text(&violation, 2, error->text);
    put_text(&violation, 4, error->field);
    put_varint(&violation, 7 << 3 | WIRE_VARINT);
    put_varint(&violation, error->limit);
    put_len(&failure, 1, violation.data, violation.size);
    put_detail(out, TYPE_QUOTA_FAILURE, &failure);
}

/* RetryInfo {retry_delay = 1 {seconds = 1, nanos = 2}} */
static void put_retry_info(struct pt_buf *out, const struct pt_error *error)
{
    PT_AUTO(buf) struct pt_buf delay = {0};
    PT_AUTO(buf) struct pt_buf info = {0};
    put_varint(&delay, 1 << 3 | WIRE_VARINT);
    put_varint(&delay, error->retry_ms / 1000);
    put_varint(&delay, 2 << 3 | WIRE_VARINT);
    put_varint(&delay, (uint64_t)(error->retry_ms % 1000) * 1000000);
    put_len(&info, 1, delay.data, delay.size);
    put_detail(out, TYPE_RETRY_INFO, &info);
}

void pt_rpc_status_encode(const struct pt_error *error, struct pt_buf *out)
{
    int code = pt_code_grpc(error->code);
    put_varint(out, 1 << 3 | WIRE_VARINT);
    put_varint(out, (uint64_t)code);
    put_text(out, 2, error->text);
    if (error->reason != PT_REASON_NONE) {
        put_error_info(out, error);
    }
    if (code == PT_INVALID_ARGUMENT && error->field[0] != '\0') {
        put_bad_request(out, error);
    }
    if (error->subject[0] != '\0') {
        put_quota_failure(out, error);
    }
    if (error->retry_ms > 0) {
        put_retry_info(out, error);
    }
}

/* Length of the valid UTF-8 sequence at `p` (RFC 3629: shortest form, no surrogates), 0 when there is none. */
static size_t sequence_len(const unsigned char *p)
{
    size_t len = p[0] < 0x80 ? 1 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 : 0;
    if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        len = 4;
    }
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80) { /* also stops at the NUL */
            return 0;
        }
    }
    bool bad = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
               (p[0] == 0xf4 && p[1] > 0x8f);
    return bad ? 0 : len;
}

size_t pt_rpc_status_text(const char *text, char *ret_text, size_t size)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t used = 0;
    while (*p != '\0') {
        size_t len = sequence_len(p);
        size_t take = len == 0 ? 1 : len;
        if (used + take >= size) {
            break;
        }
        memcpy(ret_text + used, len == 0 ? "?" : (const char *)p, take);
        used += take;
        p += take;
    }
    ret_text[used] = '\0';
    return used;
}

/* ---- decode --------------------------------------------------------------------------------------------------- */

static bool get_varint(struct pt_bytes *in, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && in->size > 0; shift += 7) {
        uint8_t byte = *in->data;
        in->data++;
        in->size--;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}

/* The next field. For a length-delimited one `ret_value` borrows its bytes, else it is empty. False at the end and for
 * bytes that are not a message. */
static bool get_field(struct pt_bytes *in, uint64_t *ret_field, struct pt_bytes *ret_value)
{
    uint64_t tag = 0, skip = 0;
    if (!get_varint(in, &tag)) {
        return false;
    }
    *ret_field = tag >> 3;
    *ret_value = (struct pt_bytes){0};
    switch (tag & 7) {
    case WIRE_VARINT:
        return get_varint(in, &skip);
    case WIRE_I64:
        skip = 8;
        break;
    case WIRE_I32:
        skip = 4;
        break;
    case WIRE_LEN:
        if (!get_varint(in, &skip)) {
            return false;
        }
        break;
    default:
        return false;
    }
    if (skip > in->size) {
        return false;
    }
    if ((tag & 7) == WIRE_LEN) {
        *ret_value = (struct pt_bytes){.data = in->data, .size = (size_t)skip};
    }
    in->data += skip;
    in->size -= (size_t)skip;
    return true;
}

/* The last length-delimited value of the field, empty when absent. */
static struct pt_bytes get_value(struct pt_bytes message, uint64_t field)
{
    struct pt_bytes found = {0}, value;
    uint64_t number;
    while (get_field(&message, &number, &value)) {
        if (number == field && value.data != NULL) {
            found = value;
        }
    }
    return found;
}

static bool equals(struct pt_bytes bytes, const char *text)
{
    return bytes.size == strlen(text) && (bytes.size == 0 || memcmp(bytes.data, text, bytes.size) == 0);
}

static void copy_text(char *to, size_t size, struct pt_bytes from)
{
    (void)snprintf(to, size, "%.*s", (int)(from.size < size ? from.size : size), (const char *)from.data);
}

/* Decimal digits, as put_number writes them. */
static uint64_t get_number(struct pt_bytes text)
{
    uint64_t number = 0;
    for (size_t i = 0; i < text.size && text.data[i] >= '0' && text.data[i] <= '9'; i++) {
        number = number * 10 + (uint64_t)(text.data[i] - '0');
    }
    return number;
}

/* RetryInfo as put_retry_info writes it, at most a day. */
static uint32_t get_retry_ms(struct pt_bytes info)
{
    struct pt_bytes delay = get_value(info, 1);
    uint64_t seconds = 0, nanos = 0, tag = 0, value = 0;
    while (get_varint(&delay, &tag) && (tag & 7) == WIRE_VARINT && get_varint(&delay, &value)) {
        seconds = tag >> 3 == 1 ? value : seconds;
        nanos = tag >> 3 == 2 ? value : nanos;
    }
    return seconds > 86400 || nanos >= 1000000000 ? 86400000 : (uint32_t)(seconds * 1000 + nanos / 1000000);
}

static void read_error_info(struct pt_bytes info, struct pt_error *error)
{
    if (!equals(get_value(info, 2), PT_RPC_ERROR_DOMAIN)) {
        return;
    }
    char reason[64] = "";
    struct pt_bytes name = get_value(info, 1);
    if (name.size > 0) {
        copy_text(reason, sizeof(reason), name);
    }
    error->reason = pt_reason_from_name(reason);
    struct pt_bytes entry;
    uint64_t number;
    while (get_field(&info, &number, &entry)) {
        struct pt_bytes key = get_value(entry, 1), value = get_value(entry, 2);
        if (number != 3 || value.size == 0) {
            continue;
        }
        if (equals(key, "field")) {
            copy_text(error->field, sizeof(error->field), value);
        } else if (equals(key, "quota_subject")) {
            copy_text(error->subject, sizeof(error->subject), value);
        } else if (equals(key, "quota_limit")) {
            error->limit = get_number(value);
        } else if (equals(key, "quota_usage")) {
            error->usage = get_number(value);
        }
    }
}

void pt_rpc_status_decode(int status, const char *text, struct pt_bytes details, struct pt_error *ret_error)
{
    *ret_error = (struct pt_error){.code = pt_code_from_grpc(status)};
    (void)snprintf(ret_error->text, sizeof(ret_error->text), "%s", text);
    struct pt_bytes any;
    uint64_t number;
    while (get_field(&details, &number, &any)) {
        if (number != 3) {
            continue;
        }
        struct pt_bytes type = get_value(any, 1), value = get_value(any, 2);
        if (equals(type, TYPE_ERROR_INFO)) {
            read_error_info(value, ret_error);
        } else if (equals(type, TYPE_RETRY_INFO)) {
            ret_error->retry_ms = get_retry_ms(value);
        } else if (equals(type, TYPE_BAD_REQUEST)) {
            struct pt_bytes field = get_value(get_value(value, 1), 1);
            if (field.size > 0) {
                copy_text(ret_error->field, sizeof(ret_error->field), field);
            }
        }
    }
}
