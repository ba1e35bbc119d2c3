/*
 * The tree itself. A message holds only the fields that are present, ascending by number, so that walking it is walking
 * its canonical form. Everything is in an arena; what is replaced or removed stays there until the arena goes.
 */
#include "wire/msg_internal.h"

#include <string.h>

#define FIELDS_LEN_FIRST 3U /* at first; more would pass PT_MSG_EXPANSION_MAX where many messages have one field */

struct pt_msg *pt_msg_new(struct pt_arena *arena, const struct pt_message_type *type)
{
    struct pt_msg *msg = PT_NEW(arena, struct pt_msg);
    msg->type = type;
    return msg;
}

/* ---- fields by type ------------------------------------------------------------------------------------------- */

/* Index of the first field whose number is not below. Input mostly comes ascending, so look at the end first. */
static inline size_t lower_bound(const struct pt_msg *msg, uint32_t number)
{
    if (msg->fields_len == 0 || msg->fields[msg->fields_len - 1].type->number < number) {
        return msg->fields_len;
    }
    size_t low = 0;
    size_t high = msg->fields_len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (msg->fields[middle].type->number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct pt_msg_field *pt_msg_find(const struct pt_msg *msg, const struct pt_field_type *type)
{
    size_t at = lower_bound(msg, type->number);
    return at < msg->fields_len && msg->fields[at].type == type ? &msg->fields[at] : NULL;
}

struct pt_msg_field *pt_msg_make(struct pt_msg *msg, struct pt_arena *arena, const struct pt_field_type *type)
{
    size_t at = lower_bound(msg, type->number);
    if (at < msg->fields_len && msg->fields[at].type == type) {
        return &msg->fields[at];
    }
    if (msg->fields_len == msg->fields_capacity) {
        /* A message has at most fields_len fields: never ask for more. */
        size_t capacity = msg->fields_capacity == 0 ? FIELDS_LEN_FIRST : msg->fields_capacity * 2;
        capacity = capacity < msg->type->fields_len ? capacity : msg->type->fields_len;
        struct pt_msg_field *fields = pt_arena_raw(arena, capacity * sizeof(*fields));
        if (msg->fields_len > 0) {
            memcpy(fields, msg->fields, msg->fields_len * sizeof(*fields));
        }
        msg->fields = fields;
        msg->fields_capacity = capacity;
    }
    pt_assert(msg->fields_len < msg->fields_capacity);
    if (at < msg->fields_len) {
        memmove(&msg->fields[at + 1], &msg->fields[at], (msg->fields_len - at) * sizeof(*msg->fields));
    }
    msg->fields_len++;
    msg->fields[at] = (struct pt_msg_field){.type = type};
    return &msg->fields[at];
}

void pt_msg_remove(struct pt_msg *msg, const struct pt_field_type *type)
{
    struct pt_msg_field *field = pt_msg_find(msg, type);
    if (field != NULL) {
        size_t behind = (size_t)(msg->fields + msg->fields_len - field) - 1;
        memmove(field, field + 1, behind * sizeof(*field));
        msg->fields_len--;
    }
}

void pt_msg_clear_siblings(struct pt_msg *msg, const struct pt_field_type *type)
{
    for (size_t i = msg->fields_len; type->oneof_index >= 0 && i-- > 0;) {
        const struct pt_field_type *other = msg->fields[i].type;
        if (other != type && other->oneof_index == type->oneof_index) {
            pt_msg_remove(msg, other);
        }
    }
}

void pt_msg_field_reserve(struct pt_msg_field *field, struct pt_arena *arena, size_t len)
{
    if (len > field->capacity) {
        union pt_value *values = pt_arena_array(arena, len, sizeof(*values));
        if (field->len > 0) {
            memcpy(values, field->values, field->len * sizeof(*values));
        }
        field->values = values;
        field->capacity = len;
    }
}

union pt_value *pt_msg_push(struct pt_msg_field *field, struct pt_arena *arena)
{
    if (field->len == field->capacity) {
        size_t first = field->type->repeated ? 4 : 1;
        pt_msg_field_reserve(field, arena, field->capacity == 0 ? first : field->capacity * 2);
    }
    return &field->values[field->len++];
}

bool pt_value_is_default(enum pt_field_kind kind, const union pt_value *value)
{
    switch (kind) {
    case PT_FIELD_BOOL:
        return !value->boolean;
    case PT_FIELD_STRING:
    case PT_FIELD_BYTES:
        return value->bytes.size == 0;
    case PT_FIELD_MESSAGE:
        return false;
    default:
        return value->u64 == 0; /* bits: -0.0 is not the default of a double */
    }
}

void pt_msg_put(struct pt_msg *msg, struct pt_arena *arena, const struct pt_field_type *type, union pt_value value)
{
    pt_assert(!type->repeated);
    if (!pt_field_has_presence(type) && pt_value_is_default(type->kind, &value)) {
        pt_msg_remove(msg, type);
        return;
    }
    pt_msg_clear_siblings(msg, type);
    struct pt_msg_field *field = pt_msg_make(msg, arena, type);
    if (field->capacity == 0) {
        field->values = pt_arena_raw(arena, sizeof(*field->values));
        field->capacity = 1;
    }
    field->len = 1;
    field->values[0] = value;
}

/* ---- access by name ------------------------------------------------------------------------------------------- */

struct pt_msg_field *pt_msg_field_mutable(struct pt_msg *msg, const char *name)
{
    for (size_t i = 0; i < msg->fields_len; i++) {
        const char *other = msg->fields[i].type->name;
        if (other[0] == name[0] && strcmp(other, name) == 0) { /* most differ there, and this is asked all the time */
            return &msg->fields[i];
        }
    }
    return NULL;
}

const struct pt_msg_field *pt_msg_field(const struct pt_msg *msg, const char *name)
{
    return pt_msg_field_mutable((struct pt_msg *)(uintptr_t)msg, name); /* only looks */
}

bool pt_msg_has(const struct pt_msg *msg, const char *name)
{
    return pt_msg_field(msg, name) != NULL;
}

struct pt_bytes pt_msg_bytes(const struct pt_msg *msg, const char *name)
{
    const struct pt_msg_field *field = pt_msg_field(msg, name);
    if (field == NULL) {
        return (struct pt_bytes){(const uint8_t *)"", 0};
    }
    pt_assert(!field->type->repeated && pt_kind_is_text(field->type->kind));
    return field->values[0].bytes;
}

const char *pt_msg_str(const struct pt_msg *msg, const char *name)
{
    const struct pt_msg_field *field = pt_msg_field(msg, name);
    if (field == NULL) {
        return "";
    }
    pt_assert(!field->type->repeated && field->type->kind == PT_FIELD_STRING);
    return (const char *)field->values[0].bytes.data;
}

uint64_t pt_msg_u64(const struct pt_msg *msg, const char *name)
{
    const struct pt_msg_field *field = pt_msg_field(msg, name);
    if (field == NULL) {
        return 0;
    }
    pt_assert(!field->type->repeated && (pt_kind_is_unsigned(field->type->kind) || field->type->kind == PT_FIELD_BOOL));
    return field->type->kind == PT_FIELD_BOOL ? field->values[0].boolean : field->values[0].u64;
}

int64_t pt_msg_i64(const struct pt_msg *msg, const char *name)
{
    const struct pt_msg_field *field = pt_msg_field(msg, name);
    if (field == NULL) {
        return 0;
    }
    pt_assert(!field->type->repeated && (pt_kind_is_signed(field->type->kind) || field->type->kind == PT_FIELD_ENUM));
    return field->values[0].i64;
}

bool pt_msg_bool(const struct pt_msg *msg, const char *name)
{
    const struct pt_msg_field *field = pt_msg_field(msg, name);
    pt_assert(field == NULL || (!field->type->repeated && field->type->kind == PT_FIELD_BOOL));
    return field != NULL && field->values[0].boolean;
}

struct pt_msg *pt_msg_child(const struct pt_msg *msg, const char *name)
{
    const struct pt_msg_field *field = pt_msg_field(msg, name);
    pt_assert(field == NULL || (!field->type->repeated && field->type->kind == PT_FIELD_MESSAGE));
    return field != NULL ? field->values[0].message : NULL;
}

/* ---- change by name ------------------------------------------------------------------------------------------- */

static const struct pt_field_type *named(const struct pt_msg *msg, const char *name)
{
    const struct pt_field_type *type = pt_message_field(msg->type, name);
    pt_assert(type != NULL);
    return type;
}

void pt_msg_set_bytes(struct pt_msg *msg, struct pt_arena *arena, const char *name, struct pt_bytes value)
{
    const struct pt_field_type *type = named(msg, name);
    pt_assert(pt_kind_is_text(type->kind));
    pt_msg_put(msg, arena, type, (union pt_value){.bytes = pt_bytes_dup(arena, value)});
}

void pt_msg_set_str(struct pt_msg *msg, struct pt_arena *arena, const char *name, const char *value)
{
    const struct pt_field_type *type = named(msg, name);
    pt_assert(type->kind == PT_FIELD_STRING);
    struct pt_bytes text = {(const uint8_t *)value, strlen(value)};
    pt_msg_put(msg, arena, type, (union pt_value){.bytes = pt_bytes_dup(arena, text)});
}

void pt_msg_set_u64(struct pt_msg *msg, struct pt_arena *arena, const char *name, uint64_t value)
{
    const struct pt_field_type *type = named(msg, name);
    pt_assert(pt_kind_is_unsigned(type->kind));
    pt_assert(value <= UINT32_MAX || type->kind == PT_FIELD_UINT64 || type->kind == PT_FIELD_FIXED64);
    pt_msg_put(msg, arena, type, (union pt_value){.u64 = value});
}

void pt_msg_set_i64(struct pt_msg *msg, struct pt_arena *arena, const char *name, int64_t value)
{
    const struct pt_field_type *type = named(msg, name);
    pt_assert(pt_kind_is_signed(type->kind) || type->kind == PT_FIELD_ENUM);
    pt_assert((value >= INT32_MIN && value <= INT32_MAX) || type->kind == PT_FIELD_INT64 ||
              type->kind == PT_FIELD_SINT64 || type->kind == PT_FIELD_SFIXED64);
    pt_msg_put(msg, arena, type, (union pt_value){.i64 = value});
}

void pt_msg_set_bool(struct pt_msg *msg, struct pt_arena *arena, const char *name, bool value)
{
    const struct pt_field_type *type = named(msg, name);
    pt_assert(type->kind == PT_FIELD_BOOL);
    union pt_value whole = {.u64 = 0};
    whole.boolean = value;
    pt_msg_put(msg, arena, type, whole);
}

void pt_msg_set_child(struct pt_msg *msg, struct pt_arena *arena, const char *name, struct pt_msg *value)
{
    const struct pt_field_type *type = named(msg, name);
    pt_assert(type->kind == PT_FIELD_MESSAGE && value->type == type->message);
    pt_msg_put(msg, arena, type, (union pt_value){.message = value});
}

void pt_msg_append(struct pt_msg *msg, struct pt_arena *arena, const char *name, union pt_value value)
{
    const struct pt_field_type *type = named(msg, name);
    pt_assert(type->repeated);
    *pt_msg_push(pt_msg_make(msg, arena, type), arena) = value;
}

void pt_msg_clear(struct pt_msg *msg, const char *name)
{
    pt_msg_remove(msg, named(msg, name));
}

/* ---- times ---------------------------------------------------------------------------------------------------- */

#define NS_PER_S 1000000000

void pt_msg_set_time(struct pt_msg *msg, struct pt_arena *arena, const char *name, int64_t time_ns)
{
    const struct pt_field_type *type = named(msg, name);
    pt_assert(type->kind == PT_FIELD_MESSAGE && (type->message->well_known == PT_WELL_KNOWN_TIMESTAMP ||
                                                 type->message->well_known == PT_WELL_KNOWN_DURATION));
    int64_t seconds = time_ns / NS_PER_S;
    int64_t nanos = time_ns % NS_PER_S;
    if (nanos < 0 && type->message->well_known == PT_WELL_KNOWN_TIMESTAMP) {
        seconds--; /* nanos of a Timestamp count forward; those of a Duration have its sign */
        nanos += NS_PER_S;
    }
    struct pt_msg *time = pt_msg_new(arena, type->message);
    const struct pt_field_type *fields = type->message->fields; /* of both: seconds and nanos */
    pt_msg_put(time, arena, &fields[0], (union pt_value){.i64 = seconds});
    pt_msg_put(time, arena, &fields[1], (union pt_value){.i64 = nanos});
    pt_msg_put(msg, arena, type, (union pt_value){.message = time});
}

int64_t pt_msg_time(const struct pt_msg *msg, const char *name)
{
    const struct pt_msg *time = pt_msg_child(msg, name);
    if (time == NULL) {
        return 0;
    }
    int64_t seconds = pt_msg_i64(time, "seconds");
    int64_t result = 0;
    if (__builtin_mul_overflow(seconds, (int64_t)NS_PER_S, &result) ||
        __builtin_add_overflow(result, pt_msg_i64(time, "nanos"), &result)) {
        return seconds < 0 ? INT64_MIN : INT64_MAX; /* pt_msg_check refuses such times; here they only must not wrap */
    }
    return result;
}

/* ---- copies and comparison ------------------------------------------------------------------------------------ */

union pt_value pt_value_dup(const struct pt_field_type *type, union pt_value value, struct pt_arena *arena)
{
    if (pt_kind_is_text(type->kind)) {
        value.bytes = pt_bytes_dup(arena, value.bytes);
    } else if (type->kind == PT_FIELD_MESSAGE) {
        value.message = pt_msg_dup(value.message, arena);
    }
    return value;
}

struct pt_msg *pt_msg_dup(const struct pt_msg *msg, struct pt_arena *arena)
{
    struct pt_msg *copy = pt_msg_new(arena, msg->type);
    copy->fields = pt_arena_array(arena, msg->fields_len, sizeof(*copy->fields));
    copy->fields_len = copy->fields_capacity = msg->fields_len;
    for (size_t i = 0; i < msg->fields_len; i++) {
        const struct pt_msg_field *from = &msg->fields[i];
        copy->fields[i] = (struct pt_msg_field){.type = from->type};
        pt_msg_field_reserve(&copy->fields[i], arena, from->len);
        for (size_t j = 0; j < from->len; j++) {
            *pt_msg_push(&copy->fields[i], arena) = pt_value_dup(from->type, from->values[j], arena);
        }
    }
    return copy;
}

bool pt_msg_equal(const struct pt_msg *a, const struct pt_msg *b)
{
    if (a->type != b->type) {
        return false;
    }
    /* Equal trees have equal bytes, whatever order map entries stand in. */
    PT_AUTO(buf) struct pt_buf x;
    PT_AUTO(buf) struct pt_buf y;
    pt_buf_init(&x);
    pt_buf_init(&y);
    pt_msg_encode(a, &x);
    pt_msg_encode(b, &y);
    return x.size == y.size && (x.size == 0 || memcmp(x.data, y.data, x.size) == 0);
}
