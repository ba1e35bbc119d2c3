/*
 * Bytes to trees: the walk that every request, peer message and stored resource passes before anything else looks at
 * it. This is the security boundary; protobuf-c's own unpack has no depth limit and accepts more than we want to sign.
 *
 * Refused, with the path of the field: truncation, groups, field number 0, wrong wire types, numbers that do not fit
 * their type, unknown enum numbers, strings that are not UTF-8 or hold NUL, two members of one oneof, two occurrences
 * of a singular message (protobuf would merge them; a sender that does that is broken or up to something), two map
 * entries with one key, more than PT_MESSAGE_DEPTH_MAX levels, fields over their limits. Accepted though not canonical:
 * fields in any order, repeated scalars packed or not whatever the schema says, long varints, explicit defaults, and a
 * singular scalar given twice, of which the last counts.
 *
 * Memory: the largest expansion is a message with one empty message in it, in a repeated field without max_items: 4
 * bytes of input become two values, two of struct pt_msg and room for some fields, grown by doubling, in arena blocks
 * that double: 90 times the input. So a tree takes at most PT_MSG_EXPANSION_MAX times the input, plus one arena block.
 * Packed fields are counted before they are allocated. Time is linear, but for the sorting of map entries.
 */
#include "wire/msg_internal.h"
#include "wire/utf8.h"
#include "base/limits.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

struct parser {
    struct pt_arena *arena;
    enum pt_unknown_fields unknown;
    struct pt_error *reterr;
};

struct cursor {
    const uint8_t *at;
    const uint8_t *end;
};

static enum pt_code malformed(const struct parser *parser, const struct pt_path *path, const char *what)
{
    return pt_fail_at(parser->reterr, PT_REASON_MESSAGE_MALFORMED, path, "the message is malformed: %s", what);
}

/* ---- pieces --------------------------------------------------------------------------------------------------- */

static bool take_varint(struct cursor *in, uint64_t *ret_value)
{
    if (in->at < in->end && *in->at < 0x80) { /* tags, sizes, enum numbers: most are one byte */
        *ret_value = *in->at++;
        return true;
    }
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70 && in->at < in->end; shift += 7) {
        uint8_t byte = *in->at++;
        if (shift == 63 && byte > 1) {
            return false; /* more than 64 bits */
        }
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}

static bool take_fixed(struct cursor *in, size_t size, uint64_t *ret_value)
{
    if ((size_t)(in->end - in->at) < size) {
        return false;
    }
    uint64_t value = 0;
    for (size_t i = size; i-- > 0;) {
        value = value << 8 | in->at[i];
    }
    in->at += size;
    *ret_value = value;
    return true;
}

static bool take_bytes(struct cursor *in, struct pt_bytes *ret_bytes)
{
    uint64_t size = 0;
    if (!take_varint(in, &size) || size > (size_t)(in->end - in->at)) {
        return false;
    }
    *ret_bytes = (struct pt_bytes){in->at, (size_t)size};
    in->at += size;
    return true;
}

static bool skip_value(struct cursor *in, uint64_t wire)
{
    uint64_t number = 0;
    struct pt_bytes bytes;
    switch (wire) {
    case WIRE_VARINT:
        return take_varint(in, &number);
    case WIRE_FIXED64:
        return take_fixed(in, 8, &number);
    case WIRE_BYTES:
        return take_bytes(in, &bytes);
    case WIRE_FIXED32:
        return take_fixed(in, 4, &number);
    default:
        return false; /* groups */
    }
}

static uint64_t wire_of(enum pt_field_kind kind)
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

/* ---- values --------------------------------------------------------------------------------------------------- */

/* Every NaN becomes the same one: equal values must have equal bytes. */
static double plain_nan(double number)
{
    return number != number ? __builtin_nan("") : number;
}

/* Raw bits to a value; false when they do not fit the kind. */
static bool scalar_value(enum pt_field_kind kind, uint64_t raw, union pt_value *value)
{
    *value = (union pt_value){.u64 = 0};
    int64_t number = (int64_t)raw;
    switch (kind) {
    case PT_FIELD_BOOL:
        value->boolean = raw != 0;
        return raw <= 1;
    case PT_FIELD_UINT32:
    case PT_FIELD_FIXED32:
        value->u64 = raw;
        return raw <= UINT32_MAX;
    case PT_FIELD_INT32:
    case PT_FIELD_ENUM:
        value->i64 = number;
        return number >= INT32_MIN && number <= INT32_MAX;
    case PT_FIELD_SINT32:
    case PT_FIELD_SINT64:
        number = (int64_t)(raw >> 1 ^ (~(raw & 1) + 1));
        value->i64 = number;
        return kind == PT_FIELD_SINT64 || (number >= INT32_MIN && number <= INT32_MAX);
    case PT_FIELD_SFIXED32:
        value->i64 = (int32_t)(uint32_t)raw;
        return true;
    case PT_FIELD_FLOAT: {
        uint32_t bits = (uint32_t)raw;
        float single = 0;
        memcpy(&single, &bits, sizeof(single));
        value->number = plain_nan((double)single);
        return true;
    }
    case PT_FIELD_DOUBLE:
        memcpy(&value->number, &raw, sizeof(raw));
        value->number = plain_nan(value->number);
        return true;
    default:
        value->u64 = raw;
        return true;
    }
}

static enum pt_code read_scalar(const struct parser *parser, const struct pt_field_type *type, struct cursor *in,
                                const struct pt_path *path, union pt_value *ret_value)
{
    uint64_t raw = 0;
    uint64_t wire = wire_of(type->kind);
    bool whole = wire == WIRE_VARINT ? take_varint(in, &raw) : take_fixed(in, wire == WIRE_FIXED32 ? 4 : 8, &raw);
    if (!whole) {
        return malformed(parser, path, "a number is cut off or longer than 64 bits");
    }
    if (!scalar_value(type->kind, raw, ret_value)) {
        return pt_fail_at(parser->reterr, PT_REASON_MESSAGE_MALFORMED, path,
                          "the value %" PRIu64 " does not fit the field's type", raw);
    }
    if (type->kind == PT_FIELD_ENUM && pt_enum_by_number(type->enumeration, (int32_t)ret_value->i64) == NULL) {
        return pt_fail_at(parser->reterr, PT_REASON_FIELD_INVALID, path, "%" PRId64 " is not a value of %s",
                          ret_value->i64, type->enumeration->full_name);
    }
    return PT_OK;
}

static enum pt_code read_text(const struct parser *parser, const struct pt_field_type *type, struct pt_bytes bytes,
                              const struct pt_path *path, union pt_value *ret_value)
{
    if (bytes.size > type->rules.max_size) {
        return pt_fail_at(parser->reterr, PT_REASON_FIELD_INVALID, path, "is %zu bytes long; at most %u are allowed",
                          bytes.size, type->rules.max_size);
    }
    if (type->kind == PT_FIELD_STRING && !pt_utf8_valid(bytes.data, bytes.size)) {
        return pt_fail_at(parser->reterr, PT_REASON_FIELD_INVALID, path, "is not valid UTF-8 without NUL");
    }
    *ret_value = (union pt_value){.bytes = pt_bytes_dup(parser->arena, bytes)};
    return PT_OK;
}

/* ---- fields --------------------------------------------------------------------------------------------------- */

static enum pt_code parse_message(const struct parser *parser, const struct pt_message_type *type, struct pt_bytes data,
                                  const struct pt_path *path, unsigned depth, struct pt_msg **ret_msg);

static enum pt_code too_many(const struct parser *parser, const struct pt_field_type *type, const struct pt_path *path)
{
    return pt_fail_at(parser->reterr, PT_REASON_FIELD_INVALID, path,
                      "has more than %u elements; at most %u are allowed", type->rules.max_items,
                      type->rules.max_items);
}

/* A packed run: count, reserve exactly, read. */
static enum pt_code read_packed(const struct parser *parser, struct pt_msg *msg, const struct pt_field_type *type,
                                struct pt_bytes data, struct pt_path *path)
{
    uint64_t wire = wire_of(type->kind);
    size_t count = 0;
    if (wire == WIRE_VARINT) {
        for (size_t i = 0; i < data.size; i++) {
            count += data.data[i] < 0x80;
        }
    } else {
        count = data.size / (wire == WIRE_FIXED32 ? 4 : 8);
    }
    if (data.size == 0) {
        return PT_OK; /* no element, so no field */
    }
    if (count == 0) {
        return malformed(parser, path, "a packed field is cut off");
    }
    struct pt_msg_field *field = pt_msg_make(msg, parser->arena, type);
    path->index = field->len;
    if (count > type->rules.max_items || field->len > type->rules.max_items - count) {
        return too_many(parser, type, path);
    }
    /* Several runs of one field may follow each other: double then, so that many small ones stay linear. */
    size_t need = field->len + count;
    if (need > field->capacity) {
        pt_msg_field_reserve(field, parser->arena, field->len == 0 ? need : need + field->len);
    }
    struct cursor in = {data.data, data.data + data.size};
    while (in.at < in.end) {
        path->index = field->len;
        union pt_value value;
        PT_TRY(read_scalar(parser, type, &in, path, &value));
        *pt_msg_push(field, parser->arena) = value;
    }
    return PT_OK;
}

static enum pt_code read_value(const struct parser *parser, const struct pt_field_type *type, struct cursor *in,
                               const struct pt_path *path, unsigned depth, union pt_value *ret_value)
{
    if (wire_of(type->kind) != WIRE_BYTES) {
        return read_scalar(parser, type, in, path, ret_value);
    }
    struct pt_bytes bytes;
    if (!take_bytes(in, &bytes)) {
        return malformed(parser, path, "the length of a field reaches behind the end");
    }
    if (type->kind != PT_FIELD_MESSAGE) {
        return read_text(parser, type, bytes, path, ret_value);
    }
    struct pt_msg *child = NULL;
    PT_TRY(parse_message(parser, type->message, bytes, path, depth + 1, &child));
    *ret_value = (union pt_value){.message = child};
    return PT_OK;
}

static enum pt_code read_repeated(const struct parser *parser, struct pt_msg *msg, const struct pt_field_type *type,
                                  struct cursor *in, struct pt_path *path, unsigned depth)
{
    const struct pt_msg_field *before = pt_msg_find(msg, type);
    path->index = before != NULL ? before->len : 0;
    if (path->index >= type->rules.max_items) {
        return too_many(parser, type, path);
    }
    union pt_value value;
    PT_TRY(read_value(parser, type, in, path, depth, &value));
    *pt_msg_push(pt_msg_make(msg, parser->arena, type), parser->arena) = value;
    return PT_OK;
}

static enum pt_code read_singular(const struct parser *parser, struct pt_msg *msg, const struct pt_field_type *type,
                                  struct cursor *in, const struct pt_path *path, unsigned depth)
{
    if (type->kind == PT_FIELD_MESSAGE && pt_msg_find(msg, type) != NULL) {
        return pt_fail_at(parser->reterr, PT_REASON_MESSAGE_MALFORMED, path,
                          "is given twice; a singular message may stand once only");
    }
    for (size_t i = 0; type->oneof_index >= 0 && i < msg->fields_len; i++) {
        const struct pt_field_type *other = msg->fields[i].type;
        if (other != type && other->oneof_index == type->oneof_index) {
            return pt_fail_at(parser->reterr, PT_REASON_MESSAGE_MALFORMED, path,
                              "cannot be set together with %s: both belong to the oneof %s", other->name,
                              type->oneof_name);
        }
    }
    union pt_value value;
    PT_TRY(read_value(parser, type, in, path, depth, &value));
    pt_msg_put(msg, parser->arena, type, value);
    return PT_OK;
}

/* Sort the entries of each map and refuse two with one key. */
static enum pt_code settle_maps(const struct parser *parser, struct pt_msg *msg, const struct pt_path *path)
{
    for (size_t i = 0; i < msg->fields_len; i++) {
        const struct pt_msg_field *field = &msg->fields[i];
        if (!field->type->map) {
            continue;
        }
        qsort(field->values, field->len, sizeof(*field->values), pt_map_entry_compare);
        for (size_t j = 1; j < field->len; j++) {
            if (pt_map_entry_compare(&field->values[j - 1], &field->values[j]) == 0) {
                char text[PT_KEY_TEXT_SIZE];
                struct pt_path at = {.parent = path,
                                     .name = field->type->name,
                                     .key = pt_map_key_text(field->values[j].message, text, sizeof(text))};
                return pt_fail_at(parser->reterr, PT_REASON_FIELD_INVALID, &at, "the key is given twice");
            }
        }
    }
    return PT_OK;
}

static enum pt_code read_field(const struct parser *parser, struct pt_msg *msg, struct cursor *in,
                               const struct pt_path *path, unsigned depth)
{
    uint64_t tag = 0;
    if (!take_varint(in, &tag) || tag > UINT32_MAX || tag >> 3 == 0) {
        return malformed(parser, path, "a field's tag is cut off or out of range");
    }
    const struct pt_field_type *type = pt_message_field_by_number(msg->type, (uint32_t)(tag >> 3));
    uint64_t wire = tag & 7;
    if (type == NULL) {
        if (parser->unknown == PT_UNKNOWN_REFUSE) {
            return pt_fail_at(parser->reterr, PT_REASON_FIELD_UNKNOWN, path,
                              "%s has no field number %" PRIu64 "; is the sender of another version?",
                              msg->type->full_name, tag >> 3);
        }
        return skip_value(in, wire) ? PT_OK : malformed(parser, path, "an unknown field is cut off or a group");
    }
    struct pt_path here = {.parent = path, .name = type->name, .index = PT_PATH_NO_INDEX};
    uint64_t expected = wire_of(type->kind);
    if (type->repeated && expected != WIRE_BYTES && wire == WIRE_BYTES) {
        struct pt_bytes run;
        if (!take_bytes(in, &run)) {
            return malformed(parser, &here, "the length of a field reaches behind the end");
        }
        return read_packed(parser, msg, type, run, &here);
    }
    if (wire != expected) {
        return pt_fail_at(parser->reterr, PT_REASON_MESSAGE_MALFORMED, &here,
                          "the wire type is %u; that of the field is %u", (unsigned)wire, (unsigned)expected);
    }
    return type->repeated ? read_repeated(parser, msg, type, in, &here, depth)
                          : read_singular(parser, msg, type, in, &here, depth);
}

static enum pt_code parse_message(const struct parser *parser, const struct pt_message_type *type, struct pt_bytes data,
                                  const struct pt_path *path, unsigned depth, struct pt_msg **ret_msg)
{
    if (depth > PT_MESSAGE_DEPTH_MAX) {
        return pt_fail_at(parser->reterr, PT_REASON_MESSAGE_TOO_DEEP, path, "messages are nested more than %d deep",
                          PT_MESSAGE_DEPTH_MAX);
    }
    struct pt_msg *msg = pt_msg_new(parser->arena, type);
    struct cursor in = {data.data, data.data + data.size};
    while (in.at < in.end) {
        PT_TRY(read_field(parser, msg, &in, path, depth));
    }
    PT_TRY(settle_maps(parser, msg, path));
    *ret_msg = msg;
    return PT_OK;
}

enum pt_code pt_msg_parse(const struct pt_message_type *type, struct pt_bytes data,
                          const struct pt_parse_options *options, struct pt_arena *arena, struct pt_msg **ret_msg,
                          struct pt_error *reterr)
{
    size_t size_max = options != NULL && options->size_max != 0 ? options->size_max : PT_MESSAGE_SIZE_MAX;
    if (data.size > size_max) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_MESSAGE_TOO_LARGE, NULL,
                       "the message is %zu bytes long; at most %zu are allowed", data.size, size_max);
    }
    struct parser parser = {
        .arena = arena, .unknown = options != NULL ? options->unknown : PT_UNKNOWN_REFUSE, .reterr = reterr};
    /* An empty message may come as NULL; no arithmetic on that. */
    static const uint8_t nothing[1];
    if (data.size == 0) {
        data.data = nothing;
    }
    return parse_message(&parser, type, data, NULL, 1, ret_msg);
}
