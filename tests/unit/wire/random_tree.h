/*
 * Random trees of any message type, for property tests: every field may be there, strings mix one- to four-byte
 * characters, numbers favour the edges. The same seed gives the same tree.
 */
#pragma once

#include "wire/msg_internal.h"
#include "wire/utf8.h"

#include <stdio.h>
#include <string.h>

struct rng {
    uint64_t state;
};

static inline uint64_t rng_next(struct rng *rng)
{
    rng->state += 0x9e3779b97f4a7c15ULL;
    uint64_t z = rng->state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
    return z ^ z >> 31;
}

static inline size_t rng_below(struct rng *rng, size_t limit)
{
    return (size_t)(rng_next(rng) % limit);
}

static inline struct pt_bytes random_text(struct rng *rng, struct pt_arena *arena, size_t size_max)
{
    static const uint32_t points[] = {'a',   'Z',   '"',    '\\',   '\n',   1,       0x7f,    0x80,
                                      0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff};
    uint8_t *text = pt_arena_alloc(arena, 64);
    size_t size = 0;
    for (size_t n = rng_below(rng, 8); n > 0 && size + 4 <= size_max; n--) {
        size += pt_utf8_put(points[rng_below(rng, sizeof(points) / sizeof(points[0]))], text + size);
    }
    return (struct pt_bytes){text, size};
}

static inline uint64_t random_bits(struct rng *rng)
{
    switch (rng_below(rng, 4)) {
    case 0:
        return rng_below(rng, 3);
    case 1:
        return ~(uint64_t)0 >> rng_below(rng, 64);
    case 2:
        return (uint64_t)1 << rng_below(rng, 64);
    default:
        return rng_next(rng) >> rng_below(rng, 64);
    }
}

static inline struct pt_msg *random_tree(struct rng *rng, struct pt_arena *arena, const struct pt_schema *schema,
                                         const struct pt_message_type *type, unsigned depth);

static inline union pt_value random_value(struct rng *rng, struct pt_arena *arena, const struct pt_schema *schema,
                                          const struct pt_field_type *type, unsigned depth)
{
    union pt_value value = {.u64 = random_bits(rng)};
    switch (type->kind) {
    case PT_FIELD_BOOL: {
        bool boolean = (value.u64 & 1) != 0;
        value.u64 = 0;
        value.boolean = boolean;
        return value;
    }
    case PT_FIELD_INT32:
    case PT_FIELD_SINT32:
    case PT_FIELD_SFIXED32:
        value.i64 = (int32_t)(uint32_t)value.u64;
        return value;
    case PT_FIELD_UINT32:
    case PT_FIELD_FIXED32:
        value.u64 = (uint32_t)value.u64;
        return value;
    case PT_FIELD_FLOAT:
        value.number = (double)((float)(int32_t)value.u64 / 64);
        return value;
    case PT_FIELD_DOUBLE:
        value.number = (double)(int64_t)value.u64 / 1024;
        return value;
    case PT_FIELD_ENUM:
        value.i64 = type->enumeration->values[rng_below(rng, type->enumeration->values_len)].number;
        return value;
    case PT_FIELD_STRING:
    case PT_FIELD_BYTES:
        value.bytes = random_text(rng, arena, type->rules.max_size);
        return value;
    case PT_FIELD_MESSAGE:
        value.message = random_tree(rng, arena, schema, type->message, depth + 1);
        return value;
    default:
        return value;
    }
}

/* A type URL and bytes that belong together; a mask of plausible paths. Other content could not be told apart from
 * damage, so JSON would not carry it. */
static inline void random_well_known(struct rng *rng, struct pt_arena *arena, const struct pt_schema *schema,
                                     struct pt_msg *msg, unsigned depth)
{
    if (msg->type->well_known == PT_WELL_KNOWN_ANY) {
        PT_AUTO(buf) struct pt_buf bytes;
        pt_buf_init(&bytes);
        const struct pt_message_type *inner = pt_schema_message(schema, "patronus.v1.Site");
        pt_msg_encode(random_tree(rng, arena, schema, inner, depth + 1), &bytes);
        pt_msg_set_str(msg, arena, "type_url", "type.googleapis.com/patronus.v1.Site");
        pt_msg_set_bytes(msg, arena, "value", pt_buf_bytes(&bytes));
    } else {
        static const char *const paths[] = {"name", "admin_state", "labels.tier", "a__b", "x_", "measured.loss_ppm"};
        for (size_t n = rng_below(rng, 4); n > 0; n--) {
            const char *path = paths[rng_below(rng, sizeof(paths) / sizeof(paths[0]))];
            pt_msg_append(msg, arena, "paths", (union pt_value){.bytes = {(const uint8_t *)path, strlen(path)}});
        }
    }
}

/* Keys differ by index: two equal ones would not be a map. */
static inline union pt_value random_entry(struct rng *rng, struct pt_arena *arena, const struct pt_schema *schema,
                                          const struct pt_field_type *map, size_t index, unsigned depth)
{
    struct pt_msg *entry = pt_msg_new(arena, map->message);
    const struct pt_field_type *key = &map->message->fields[0];
    if (key->kind == PT_FIELD_STRING) {
        const char *text = pt_arena_printf(arena, "%c%zu", "zmaZ"[rng_below(rng, 4)], index);
        pt_msg_put(entry, arena, key, (union pt_value){.bytes = {(const uint8_t *)text, strlen(text)}});
    } else {
        pt_msg_put(entry, arena, key, (union pt_value){.u64 = index});
    }
    pt_msg_put(entry, arena, &map->message->fields[1],
               random_value(rng, arena, schema, &map->message->fields[1], depth + 1));
    return (union pt_value){.message = entry};
}

static inline struct pt_msg *random_tree(struct rng *rng, struct pt_arena *arena, const struct pt_schema *schema,
                                         const struct pt_message_type *type, unsigned depth)
{
    struct pt_msg *msg = pt_msg_new(arena, type);
    if (type->well_known == PT_WELL_KNOWN_ANY || type->well_known == PT_WELL_KNOWN_FIELD_MASK) {
        random_well_known(rng, arena, schema, msg, depth);
        return msg;
    }
    for (size_t i = 0; i < type->fields_len; i++) {
        const struct pt_field_type *field = &type->fields[i];
        if (rng_below(rng, 3) == 0 || (field->kind == PT_FIELD_MESSAGE && depth > 5)) {
            continue;
        }
        size_t len = rng_below(rng, 4);
        len = len < field->rules.max_items ? len : field->rules.max_items;
        if (!field->repeated) {
            pt_msg_put(msg, arena, field, random_value(rng, arena, schema, field, depth));
        }
        for (size_t j = 0; field->repeated && j < len; j++) {
            union pt_value value = field->map ? random_entry(rng, arena, schema, field, j, depth)
                                              : random_value(rng, arena, schema, field, depth);
            *pt_msg_push(pt_msg_make(msg, arena, field), arena) = value;
        }
    }
    return msg;
}
