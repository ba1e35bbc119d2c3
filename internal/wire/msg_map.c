/*
 * Maps: repeated fields of entry messages, field 1 the key and field 2 the value. Their order carries no meaning, so
 * the canonical one is by key: strings by bytes, numbers by number.
 */
#include "wire/msg_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int compare_bytes(struct pt_bytes a, struct pt_bytes b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size > 0 ? memcmp(a.data, b.data, size) : 0;
    return order != 0 ? order : a.size < b.size ? -1 : a.size > b.size;
}

int pt_value_compare(enum pt_field_kind kind, const union pt_value *a, const union pt_value *b)
{
    if (pt_kind_is_text(kind)) {
        return compare_bytes(a->bytes, b->bytes);
    }
    if (kind == PT_FIELD_BOOL) {
        return (int)a->boolean - (int)b->boolean;
    }
    if (pt_kind_is_unsigned(kind) || pt_kind_is_float(kind)) {
        return a->u64 < b->u64 ? -1 : a->u64 > b->u64;
    }
    return a->i64 < b->i64 ? -1 : a->i64 > b->i64;
}

const union pt_value *pt_map_key(const struct pt_msg *entry)
{
    static const union pt_value zero = {.bytes = {(const uint8_t *)"", 0}};
    static const union pt_value number_zero = {.u64 = 0};
    if (entry->fields_len > 0 && entry->fields[0].type->number == 1) {
        return &entry->fields[0].values[0];
    }
    return pt_kind_is_text(entry->type->fields[0].kind) ? &zero : &number_zero;
}

int pt_map_entry_compare(const void *a, const void *b)
{
    const struct pt_msg *x = ((const union pt_value *)a)->message;
    const struct pt_msg *y = ((const union pt_value *)b)->message;
    return pt_value_compare(x->type->fields[0].kind, pt_map_key(x), pt_map_key(y));
}

const char *pt_map_key_text(const struct pt_msg *entry, char *text, size_t size)
{
    enum pt_field_kind kind = entry->type->fields[0].kind;
    const union pt_value *key = pt_map_key(entry);
    if (kind == PT_FIELD_STRING) {
        return (const char *)key->bytes.data;
    }
    if (kind == PT_FIELD_BOOL) {
        return key->boolean ? "true" : "false";
    }
    if (pt_kind_is_unsigned(kind)) {
        (void)snprintf(text, size, "%" PRIu64, key->u64);
    } else {
        (void)snprintf(text, size, "%" PRId64, key->i64);
    }
    return text;
}

struct pt_msg *pt_map_find(const struct pt_msg_field *field, const char *key, size_t *ret_index)
{
    char text[PT_KEY_TEXT_SIZE];
    for (size_t i = 0; i < field->len; i++) {
        struct pt_msg *entry = field->values[i].message;
        if (strcmp(pt_map_key_text(entry, text, sizeof(text)), key) == 0) {
            if (ret_index != NULL) {
                *ret_index = i;
            }
            return entry;
        }
    }
    return NULL;
}
