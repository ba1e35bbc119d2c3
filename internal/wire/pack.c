#include "wire/pack.h"

#include "base/assert.h"

#include <stdbool.h>
#include <string.h>

#define SIZE_FIRST 512 /* most messages take no more, and one allocation */
#define VARINT_SIZE_MAX 10
#define WIRE_VARINT 0U
#define WIRE_BYTES 2U

static void put_message(struct pt_buf *out, uint32_t number, const ProtobufCMessage *message);

static uint8_t *put_varint(uint8_t *to, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) {
        *to++ = (uint8_t)(value | 0x80);
    }
    *to++ = (uint8_t)value;
    return to;
}

static void put_number(struct pt_buf *out, uint32_t number, uint64_t value)
{
    uint8_t *to = pt_buf_reserve(out, 2 * VARINT_SIZE_MAX);
    to = put_varint(to, (uint64_t)number << 3 | WIRE_VARINT);
    out->size = (size_t)(put_varint(to, value) - out->data);
}

static void put_text(struct pt_buf *out, uint32_t number, struct pt_bytes text)
{
    uint8_t *to = pt_buf_reserve(out, 2 * VARINT_SIZE_MAX + text.size);
    to = put_varint(to, (uint64_t)number << 3 | WIRE_BYTES);
    to = put_varint(to, text.size);
    if (text.size > 0) {
        memcpy(to, text.data, text.size);
    }
    out->size = (size_t)(to - out->data) + text.size;
}

/* ---- members of generated structs ------------------------------------------------------------------------------ */

/* What stands on the wire for a number. */
static uint64_t number_at(ProtobufCType type, const void *member)
{
    switch (type) {
    case PROTOBUF_C_TYPE_BOOL:
        return *(const protobuf_c_boolean *)member != 0;
    case PROTOBUF_C_TYPE_UINT32:
        return *(const uint32_t *)member;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_ENUM:
        return (uint64_t)(int64_t) * (const int32_t *)member; /* negative ones take ten bytes */
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64:
        return *(const uint64_t *)member;
    default:
        pt_unreachable(); /* no message that is packed has a number of another kind */
    }
}

static struct pt_bytes text_at(ProtobufCType type, const void *member)
{
    if (type == PROTOBUF_C_TYPE_BYTES) {
        const ProtobufCBinaryData *data = member;
        return (struct pt_bytes){data->data, data->len};
    }
    const char *text = *(const char *const *)member;
    return (struct pt_bytes){(const uint8_t *)text, text != NULL ? strlen(text) : 0};
}

/* One value. Defaults are left out unless they say something: as a member of a oneof, or in a list. */
static void put_value(struct pt_buf *out, const ProtobufCFieldDescriptor *field, const void *member, bool defaults)
{
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        const ProtobufCMessage *inner = *(const ProtobufCMessage *const *)member;
        if (inner != NULL) {
            put_message(out, field->id, inner);
        }
    } else if (field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_BYTES) {
        struct pt_bytes text = text_at(field->type, member);
        if (text.size > 0 || defaults) {
            put_text(out, field->id, text);
        }
    } else {
        uint64_t value = number_at(field->type, member);
        if (value != 0 || defaults) {
            put_number(out, field->id, value);
        }
    }
}

static void put_list(struct pt_buf *out, const ProtobufCFieldDescriptor *field, const void *member, size_t len)
{
    const uint8_t *values = *(const uint8_t *const *)member;
    size_t step = field->type == PROTOBUF_C_TYPE_BYTES ? sizeof(ProtobufCBinaryData) : sizeof(void *);
    pt_assert(len == 0 || field->type == PROTOBUF_C_TYPE_BYTES || field->type == PROTOBUF_C_TYPE_STRING ||
              field->type == PROTOBUF_C_TYPE_MESSAGE); /* of numbers there are none */
    for (size_t i = 0; i < len; i++) {
        put_value(out, field, values + i * step, true);
    }
}

static void put_fields(struct pt_buf *out, const ProtobufCMessage *message)
{
    const uint8_t *base = (const uint8_t *)message;
    pt_assert(message->n_unknown_fields == 0);
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        const uint8_t *member = base + field->offset;
        const uint8_t *quantifier = base + field->quantifier_offset;
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            put_list(out, field, member, *(const size_t *)(const void *)quantifier);
        } else if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0) {
            pt_assert(field->label == PROTOBUF_C_LABEL_NONE);
            put_value(out, field, member, false);
        } else if (*(const uint32_t *)(const void *)quantifier == field->id) {
            put_value(out, field, member, true);
        }
    }
}

/* The size stands before the content, and is known after it: most often it is one byte, for which room is left. */
static void put_message(struct pt_buf *out, uint32_t number, const ProtobufCMessage *message)
{
    uint8_t *to = pt_buf_reserve(out, 2 * VARINT_SIZE_MAX);
    out->size = (size_t)(put_varint(to, (uint64_t)number << 3 | WIRE_BYTES) - out->data) + 1;
    size_t start = out->size;
    put_fields(out, message);
    size_t size = out->size - start;
    uint8_t head[VARINT_SIZE_MAX];
    size_t head_size = (size_t)(put_varint(head, size) - head);
    if (head_size > 1) {
        (void)pt_buf_reserve(out, head_size);
        memmove(out->data + start + head_size - 1, out->data + start, size);
        out->size += head_size - 1;
    }
    memcpy(out->data + start - 1, head, head_size);
}

void pt_pack(const ProtobufCMessage *message, struct pt_buf *out)
{
    (void)pt_buf_reserve(out, SIZE_FIRST);
    put_fields(out, message);
    out->data[out->size] = 0;
}
