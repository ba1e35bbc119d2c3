/*
 * What the files of messages share: fields by type, kinds of values. Private to this folder.
 */
#pragma once

#include "base/assert.h"
#include "wire/msg.h"
#include "wire/path.h"

#include <string.h>

static inline bool pt_kind_is_text(enum pt_field_kind kind)
{
    return kind == PT_FIELD_STRING || kind == PT_FIELD_BYTES;
}

static inline bool pt_kind_is_unsigned(enum pt_field_kind kind)
{
    return kind == PT_FIELD_UINT32 || kind == PT_FIELD_UINT64 || kind == PT_FIELD_FIXED32 || kind == PT_FIELD_FIXED64;
}

static inline bool pt_kind_is_signed(enum pt_field_kind kind)
{
    return kind == PT_FIELD_INT32 || kind == PT_FIELD_INT64 || kind == PT_FIELD_SINT32 || kind == PT_FIELD_SINT64 ||
           kind == PT_FIELD_SFIXED32 || kind == PT_FIELD_SFIXED64;
}

static inline bool pt_kind_is_float(enum pt_field_kind kind)
{
    return kind == PT_FIELD_FLOAT || kind == PT_FIELD_DOUBLE;
}

/* True when absence and the default value are two things: messages, `optional`, members of a oneof. */
static inline bool pt_field_has_presence(const struct pt_field_type *type)
{
    return !type->repeated && (type->kind == PT_FIELD_MESSAGE || type->optional || type->oneof_index >= 0);
}

/* A copy in the arena with a NUL behind it. Bytes may hold NUL themselves, so the string functions will not do. */
static inline struct pt_bytes pt_bytes_dup(struct pt_arena *arena, struct pt_bytes bytes)
{
    uint8_t *copy = pt_arena_raw(arena, bytes.size + 1);
    if (bytes.size > 0) {
        memcpy(copy, bytes.data, bytes.size);
    }
    copy[bytes.size] = 0;
    return (struct pt_bytes){copy, bytes.size};
}

/* NULL when absent. */
struct pt_msg_field *pt_msg_find(const struct pt_msg *msg, const struct pt_field_type *type);
/* The field, made empty (len 0, which must not stay) when absent. */
struct pt_msg_field *pt_msg_make(struct pt_msg *msg, struct pt_arena *arena, const struct pt_field_type *type);
void pt_msg_remove(struct pt_msg *msg, const struct pt_field_type *type);
/* Remove every member of the type's oneof but itself. */
void pt_msg_clear_siblings(struct pt_msg *msg, const struct pt_field_type *type);
/* Room for one more value; the caller sets it. */
union pt_value *pt_msg_push(struct pt_msg_field *field, struct pt_arena *arena);
/* Room for len values at once, exactly; for packed input. */
void pt_msg_field_reserve(struct pt_msg_field *field, struct pt_arena *arena, size_t len);
/* Set a singular field by type: default values of fields without presence clear it, siblings go. */
void pt_msg_put(struct pt_msg *msg, struct pt_arena *arena, const struct pt_field_type *type, union pt_value value);
union pt_value pt_value_dup(const struct pt_field_type *type, union pt_value value, struct pt_arena *arena);

bool pt_value_is_default(enum pt_field_kind kind, const union pt_value *value);
/* Total order of scalar values of one kind: numbers by number, text by bytes. */
int pt_value_compare(enum pt_field_kind kind, const union pt_value *a, const union pt_value *b);
/* The key of a map entry; a default value (of static storage) when it is absent. */
const union pt_value *pt_map_key(const struct pt_msg *entry);
/* By key. Arguments are union pt_value of map entries, for qsort. */
int pt_map_entry_compare(const void *a, const void *b);
/* A map key as text: strings as they are, numbers decimal. */
const char *pt_map_key_text(const struct pt_msg *entry, char *text, size_t size);
#define PT_KEY_TEXT_SIZE 64
/* The entry with this key as text; NULL when absent. *ret_index may be NULL. */
struct pt_msg *pt_map_find(const struct pt_msg_field *field, const char *key, size_t *ret_index);
/* PT_OK when `name` is a full name of that kind; else the text says what a right one looks like. */
PT_MUST enum pt_code pt_name_check_kind(const struct pt_message_type *kind, const char *name,
                                        const struct pt_path *path, struct pt_error *reterr);
/* A string against its format (msg_format.c). */
PT_MUST enum pt_code pt_format_check(enum pt_format format, const char *text, const struct pt_path *path,
                                     struct pt_error *reterr);
