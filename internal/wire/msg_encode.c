/*
 * The canonical form. The size of every message must be known before its content can be written, so the writer goes
 * backwards: one pass for the whole size, then from the last byte of the last field to the first, where the length of a
 * nested message is simply the distance just covered.
 */
#include "wire/msg_internal.h"

#include <stdlib.h>
#include <string.h>

enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

static size_t varint_size(uint64_t value)
{
    unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
    return (bits + 6) / 7;
}

static uint32_t wire_type(enum pt_field_kind kind)
{
    switch (kind) {
    case PT_FIELD_FIXED32:
    case PT_FIELD_SFIXED32:
    case PT_FIELD_FLOAT:
        return WIRE_FIXED32;
    case PT_FIELD_FIXED64:
    case PT_FIELD_SFIXED64:
    case PT_FIELD_DOUBLE:
        return WIRE_FIXED64;
    case PT_FIELD_STRING:
    case PT_FIELD_BYTES:
    case PT_FIELD_MESSAGE:
        return WIRE_BYTES;
    default:
        return WIRE_VARINT;
    }
}

/* What stands on the wire for a scalar: the varint, or the fixed bits. */
static uint64_t scalar_bits(enum pt_field_kind kind, const union pt_value *value)
{
    switch (kind) {
    case PT_FIELD_BOOL:
        return value->boolean;
    case PT_FIELD_SINT32:
    case PT_FIELD_SINT64:
        return (uint64_t)value->i64 << 1 ^ (uint64_t)(value->i64 >> 63);
    case PT_FIELD_FLOAT: {
        float single = (float)value->number;
        uint32_t bits = 0;
        memcpy(&bits, &single, sizeof(bits));
        return bits;
    }
    default:
        return value->u64; /* signed ones as two's complement, doubles by their bits */
    }
}

static size_t scalar_size(enum pt_field_kind kind, const union pt_value *value)
{
    switch (wire_type(kind)) {
    case WIRE_FIXED32:
        return 4;
    case WIRE_FIXED64:
        return 8;
    default:
        return varint_size(scalar_bits(kind, value));
    }
}

static size_t packed_size(const struct pt_msg_field *field)
{
    size_t size = 0;
    for (size_t i = 0; i < field->len; i++) {
        size += scalar_size(field->type->kind, &field->values[i]);
    }
    return size;
}

static size_t field_size(const struct pt_msg_field *field)
{
    size_t tag = varint_size((uint64_t)field->type->number << 3);
    if (field->type->packed) {
        size_t size = packed_size(field);
        return tag + varint_size(size) + size;
    }
    size_t total = 0;
    for (size_t i = 0; i < field->len; i++) {
        const union pt_value *value = &field->values[i];
        if (wire_type(field->type->kind) != WIRE_BYTES) {
            total += tag + scalar_size(field->type->kind, value);
            continue;
        }
        size_t size = field->type->kind == PT_FIELD_MESSAGE ? pt_msg_encoded_size(value->message) : value->bytes.size;
        total += tag + varint_size(size) + size;
    }
    return total;
}

size_t pt_msg_encoded_size(const struct pt_msg *msg)
{
    size_t size = 0;
    for (size_t i = 0; i < msg->fields_len; i++) {
        size += field_size(&msg->fields[i]);
    }
    return size;
}

/* ---- backwards: every put_ writes its bytes before `at` and returns the new `at` ------------------------------ */

static uint8_t *put_msg(uint8_t *at, const struct pt_msg *msg);

static uint8_t *put_varint(uint8_t *at, uint64_t value)
{
    at -= varint_size(value);
    uint8_t *p = at;
    for (; value >= 0x80; value >>= 7) {
        *p++ = (uint8_t)(value | 0x80);
    }
    *p = (uint8_t)value;
    return at;
}

static uint8_t *put_scalar(uint8_t *at, enum pt_field_kind kind, const union pt_value *value)
{
    uint64_t bits = scalar_bits(kind, value);
    uint32_t wire = wire_type(kind);
    if (wire == WIRE_VARINT) {
        return put_varint(at, bits);
    }
    size_t size = wire == WIRE_FIXED32 ? 4 : 8;
    at -= size;
    for (size_t i = 0; i < size; i++) {
        at[i] = (uint8_t)(bits >> (8 * i));
    }
    return at;
}

static uint8_t *put_value(uint8_t *at, const struct pt_field_type *type, const union pt_value *value)
{
    uint8_t *end = at;
    if (type->kind == PT_FIELD_MESSAGE) {
        at = put_msg(at, value->message);
    } else if (wire_type(type->kind) == WIRE_BYTES) {
        at -= value->bytes.size;
        if (value->bytes.size > 0) {
            memcpy(at, value->bytes.data, value->bytes.size);
        }
    } else {
        at = put_scalar(at, type->kind, value);
        return put_varint(at, (uint64_t)type->number << 3 | wire_type(type->kind));
    }
    at = put_varint(at, (uint64_t)(end - at));
    return put_varint(at, (uint64_t)type->number << 3 | WIRE_BYTES);
}

static bool entries_sorted(const struct pt_msg_field *field)
{
    for (size_t i = 1; i < field->len; i++) {
        if (pt_map_entry_compare(&field->values[i - 1], &field->values[i]) > 0) {
            return false;
        }
    }
    return true;
}

static uint8_t *put_packed(uint8_t *at, const struct pt_msg_field *field)
{
    uint8_t *end = at;
    for (size_t i = field->len; i-- > 0;) {
        at = put_scalar(at, field->type->kind, &field->values[i]);
    }
    at = put_varint(at, (uint64_t)(end - at));
    return put_varint(at, (uint64_t)field->type->number << 3 | WIRE_BYTES);
}

static uint8_t *put_values(uint8_t *at, const struct pt_field_type *type, const union pt_value *values, size_t len)
{
    while (len > 0) {
        at = put_value(at, type, &values[--len]);
    }
    return at;
}

static uint8_t *put_unsorted_map(uint8_t *at, const struct pt_msg_field *field)
{
    PT_AUTO(free) union pt_value *sorted = malloc(field->len * sizeof(*sorted));
    pt_assert(sorted != NULL);
    memcpy(sorted, field->values, field->len * sizeof(*sorted));
    qsort(sorted, field->len, sizeof(*sorted), pt_map_entry_compare);
    return put_values(at, field->type, sorted, field->len);
}

static uint8_t *put_field(uint8_t *at, const struct pt_msg_field *field)
{
    if (field->type->packed) {
        return put_packed(at, field);
    }
    if (field->type->map && !entries_sorted(field)) {
        return put_unsorted_map(at, field);
    }
    return put_values(at, field->type, field->values, field->len);
}

static uint8_t *put_msg(uint8_t *at, const struct pt_msg *msg)
{
    for (size_t i = msg->fields_len; i-- > 0;) {
        pt_assert(msg->fields[i].len > 0);
        at = put_field(at, &msg->fields[i]);
    }
    return at;
}

struct pt_bytes pt_msg_encode_in(const struct pt_msg *msg, struct pt_arena *arena)
{
    size_t size = pt_msg_encoded_size(msg);
    uint8_t *start = pt_arena_raw(arena, size);
    uint8_t *at = put_msg(start + size, msg);
    pt_assert(at == start);
    return (struct pt_bytes){start, size};
}

void pt_msg_encode(const struct pt_msg *msg, struct pt_buf *out)
{
    size_t size = pt_msg_encoded_size(msg);
    if (size == 0) {
        return;
    }
    uint8_t *start = pt_buf_reserve(out, size);
    uint8_t *at = put_msg(start + size, msg);
    pt_assert(at == start);
    start[size] = 0;
    out->size += size;
}
