/*
 * Hash map from byte strings to pointers. Keys are copied; values are borrowed.
 *
 * Iteration is in insertion order (removal keeps it), so that nothing depends on hash order. Not thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pt_map_entry {
    uint8_t *key; /* key_size bytes and a NUL; NULL when removed */
    size_t key_size;
    uint64_t hash;
    void *value;
};

struct pt_map {
    struct pt_map_entry *entries; /* insertion order, with holes */
    size_t entries_len;
    size_t entries_capacity;
    uint32_t *slots; /* index + 1 into entries; 0 empty, UINT32_MAX removed */
    size_t slots_len;
    size_t count; /* live entries */
    size_t tombs; /* removed slots */
};

void pt_map_init(struct pt_map *map);
void pt_map_fini(struct pt_map *map);
void pt_map_clear(struct pt_map *map);
/* NULL when absent. */
void *pt_map_get(const struct pt_map *map, const void *key, size_t key_size);
/* Where the value of a key stands, to be replaced there by another one that is not NULL; NULL when the key is absent.
 * Good until the map changes. */
void **pt_map_at(const struct pt_map *map, const void *key, size_t key_size);
/* Insert or replace; returns the value replaced, or NULL. value must not be NULL. */
void *pt_map_put(struct pt_map *map, const void *key, size_t key_size, void *value);
/* Remove; returns the value removed, or NULL when absent. */
void *pt_map_remove(struct pt_map *map, const void *key, size_t key_size);
/* The same for C strings. */
void *pt_map_get_str(const struct pt_map *map, const char *key);
void *pt_map_put_str(struct pt_map *map, const char *key, void *value);
void *pt_map_remove_str(struct pt_map *map, const char *key);
/* Next live entry after *position (start with 0); NULL at the end. Removing the entry returned is allowed. */
struct pt_map_entry *pt_map_next(const struct pt_map *map, size_t *position);

#define PT_MAP_FOREACH(entry, map)                                                     \
    for (size_t entry##_at = 0, entry##_once = 1; entry##_once != 0; entry##_once = 0) \
        for (struct pt_map_entry * entry; (entry = pt_map_next((map), &entry##_at)) != NULL;)

/* FNV-1a 64: stable over processes; not for hostile input in quantity. */
uint64_t pt_hash(const void *data, size_t size);
/* For tables in memory: eight bytes at a time, spread already, and of no meaning outside of the process. */
uint64_t pt_hash_key(const void *key, size_t size);
/* A finalising mix (SplitMix64): spreads every bit of value over the result. */
uint64_t pt_hash_mix(uint64_t value);
