/*
 * Paths (AIP-161): "admin_state", "measured.loss_ppm", "labels.tier". Every part names a field; behind a map, the rest
 * is a key, dots included. A path does not go through the elements of a list.
 */
#include "wire/msg_internal.h"
#include "wire/json.h"
#include "wire/time_text.h"

#include <inttypes.h>
#include <string.h>

/* The first part of a path as a field of the type; *ret_rest is what follows its dot, or NULL at the end. */
static enum pt_code take_part(const struct pt_message_type *type, const char *path, const char *whole,
                              const struct pt_field_type **ret_field, const char **ret_rest, struct pt_error *reterr)
{
    char name[128];
    size_t size = strcspn(path, ".");
    const struct pt_field_type *field = NULL;
    if (size > 0 && size < sizeof(name)) {
        memcpy(name, path, size);
        name[size] = '\0';
        field = pt_message_field(type, name);
    }
    if (field == NULL) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_UNKNOWN, whole, "%s has no field '%.*s'",
                       type->full_name, size < 64 ? (int)size : 64, path);
    }
    const char *rest = path[size] == '.' ? path + size + 1 : NULL;
    if (rest != NULL && !field->map && (field->repeated || field->kind != PT_FIELD_MESSAGE)) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_UNKNOWN, whole, "%s.%s is %s; a path ends there",
                       type->full_name, field->name, field->repeated ? "a list" : "a plain value");
    }
    if (rest != NULL && rest[0] == '\0') {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_UNKNOWN, whole, "the path ends with a dot");
    }
    *ret_field = field;
    *ret_rest = rest;
    return PT_OK;
}

/* ---- copy ----------------------------------------------------------------------------------------------------- */

static void copy_entry(struct pt_msg *to, const struct pt_msg *from, const struct pt_field_type *field, const char *key,
                       struct pt_arena *arena)
{
    const struct pt_msg_field *source = pt_msg_find(from, field);
    struct pt_msg *entry = source != NULL ? pt_map_find(source, key, NULL) : NULL;
    struct pt_msg_field *target = pt_msg_find(to, field);
    size_t index = 0;
    bool there = target != NULL && pt_map_find(target, key, &index) != NULL;
    if (entry != NULL) {
        union pt_value copy = {.message = pt_msg_dup(entry, arena)};
        if (there) {
            target->values[index] = copy;
        } else {
            *pt_msg_push(pt_msg_make(to, arena, field), arena) = copy;
        }
    } else if (there) {
        memmove(&target->values[index], &target->values[index + 1],
                (target->len - index - 1) * sizeof(*target->values));
        if (--target->len == 0) {
            pt_msg_remove(to, field);
        }
    }
}

static void copy_field(struct pt_msg *to, const struct pt_msg *from, const struct pt_field_type *type,
                       struct pt_arena *arena)
{
    const struct pt_msg_field *source = pt_msg_find(from, type);
    pt_msg_remove(to, type);
    if (source == NULL) {
        return;
    }
    pt_msg_clear_siblings(to, type);
    struct pt_msg_field *target = pt_msg_make(to, arena, type);
    pt_msg_field_reserve(target, arena, source->len);
    for (size_t i = 0; i < source->len; i++) {
        *pt_msg_push(target, arena) = pt_value_dup(type, source->values[i], arena);
    }
}

enum pt_code pt_msg_copy_path(struct pt_msg *to, const struct pt_msg *from, const char *path, struct pt_arena *arena,
                              struct pt_error *reterr)
{
    pt_assert(to->type == from->type);
    /* First the whole path, so that a bad one changes nothing. */
    const struct pt_message_type *type = to->type;
    for (const char *rest = path; rest != NULL;) {
        const struct pt_field_type *field = NULL;
        PT_TRY(take_part(type, rest, path, &field, &rest, reterr));
        type = field->message;
        if (field->map) {
            break;
        }
    }
    struct pt_arena scratch;
    pt_arena_init(&scratch);
    for (const char *rest = path; rest != NULL;) {
        const struct pt_field_type *field = NULL;
        (void)take_part(to->type, rest, path, &field, &rest, NULL); /* seen above */
        if (rest == NULL) {
            copy_field(to, from, field, arena);
        } else if (field->map) {
            copy_entry(to, from, field, rest, arena);
            rest = NULL;
        } else {
            const struct pt_msg_field *source = pt_msg_find(from, field);
            struct pt_msg_field *target = pt_msg_find(to, field);
            if (source == NULL && target == NULL) {
                break; /* absent on both sides */
            }
            if (target == NULL) {
                pt_msg_put(to, arena, field, (union pt_value){.message = pt_msg_new(arena, field->message)});
                target = pt_msg_find(to, field);
            }
            from = source != NULL ? source->values[0].message : pt_msg_new(&scratch, field->message);
            to = target->values[0].message;
        }
    }
    pt_arena_fini(&scratch);
    return PT_OK;
}

/* ---- text ----------------------------------------------------------------------------------------------------- */

static void append_value(const struct pt_field_type *type, const union pt_value *value, struct pt_buf *out)
{
    char text[PT_TIME_TEXT_SIZE];
    const struct pt_enum_value *named = NULL;
    switch (type->kind) {
    case PT_FIELD_STRING:
        pt_buf_append(out, value->bytes.data, value->bytes.size);
        return;
    case PT_FIELD_BYTES:
        pt_base64_write(value->bytes, out);
        return;
    case PT_FIELD_BOOL:
        pt_buf_append_str(out, value->boolean ? "true" : "false");
        return;
    case PT_FIELD_FLOAT:
    case PT_FIELD_DOUBLE:
        pt_buf_printf(out, "%.15g", value->number);
        return;
    case PT_FIELD_ENUM:
        named = pt_enum_by_number(type->enumeration, (int32_t)value->i64);
        if (named != NULL) {
            pt_buf_append_str(out, named->name);
            return;
        }
        break;
    case PT_FIELD_MESSAGE:
        if (type->message->well_known == PT_WELL_KNOWN_TIMESTAMP &&
            pt_timestamp_format(pt_msg_i64(value->message, "seconds"), pt_msg_i64(value->message, "nanos"), text)) {
            pt_buf_append_str(out, text);
        } else if (type->message->well_known == PT_WELL_KNOWN_DURATION &&
                   pt_duration_format(pt_msg_i64(value->message, "seconds"), pt_msg_i64(value->message, "nanos"),
                                      text)) {
            pt_buf_append_str(out, text);
        } else {
            pt_json_write(NULL, value->message, PT_JSON_COMPACT, out);
        }
        return;
    default:
        break;
    }
    if (pt_kind_is_unsigned(type->kind)) {
        pt_buf_printf(out, "%" PRIu64, value->u64);
    } else {
        pt_buf_printf(out, "%" PRId64, value->i64);
    }
}

/* The value of a map entry; a default one when the entry has none. */
static void append_entry_value(const struct pt_msg *entry, struct pt_buf *out)
{
    const struct pt_field_type *type = &entry->type->fields[1];
    const struct pt_msg_field *field = pt_msg_find(entry, type);
    static const union pt_value number_zero = {.u64 = 0};
    if (field != NULL) {
        append_value(type, &field->values[0], out);
    } else if (!pt_kind_is_text(type->kind) && type->kind != PT_FIELD_MESSAGE) {
        append_value(type, &number_zero, out);
    }
}

static void append_field(const struct pt_msg_field *field, struct pt_buf *out)
{
    for (size_t i = 0; i < field->len; i++) {
        if (i > 0) {
            pt_buf_append_u8(out, ',');
        }
        if (field->type->map) {
            char key[PT_KEY_TEXT_SIZE];
            pt_buf_append_str(out, pt_map_key_text(field->values[i].message, key, sizeof(key)));
            pt_buf_append_u8(out, '=');
            append_entry_value(field->values[i].message, out);
        } else {
            append_value(field->type, &field->values[i], out);
        }
    }
}

enum pt_code pt_msg_text(const struct pt_msg *msg, const char *path, struct pt_buf *out, struct pt_error *reterr)
{
    const struct pt_message_type *type = msg->type;
    for (const char *rest = path; rest != NULL;) {
        const struct pt_field_type *part = NULL;
        PT_TRY(take_part(type, rest, path, &part, &rest, reterr));
        const struct pt_msg_field *field = msg != NULL ? pt_msg_find(msg, part) : NULL;
        if (rest == NULL) {
            if (field != NULL) {
                append_field(field, out);
            }
        } else if (part->map) {
            const struct pt_msg *entry = field != NULL ? pt_map_find(field, rest, NULL) : NULL;
            if (entry != NULL) {
                append_entry_value(entry, out);
            }
            rest = NULL;
        } else {
            /* Go on without a message when it is absent: the rest of the path must still exist. */
            msg = field != NULL ? field->values[0].message : NULL;
            type = part->message;
        }
    }
    return PT_OK;
}
