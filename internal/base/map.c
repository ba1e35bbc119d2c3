#include "base/map.h"
#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#define REMOVED UINT32_MAX
#define SPREAD 0x9e3779b97f4a7c15ULL /* 2^64 over the golden ratio, odd */

uint64_t pt_hash(const void *data, size_t size)
{
    const uint8_t *p = data;
    uint64_t hash = 0xcbf29ce484222325ULL;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ p[i]) * 0x100000001b3ULL;
    }
    return hash;
}

uint64_t pt_hash_mix(uint64_t value)
{
    value += SPREAD;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
    return value ^ (value >> 31);
}

uint64_t pt_hash_key(const void *key, size_t size)
{
    const uint8_t *p = key;
    const uint8_t *end = p + size;
    uint64_t hash = size * SPREAD; /* not the size itself: it would meet small words */
    uint64_t word = 0;
    if (size < sizeof(word)) {
        while (p < end) {
            word = word << 8 | *p++;
        }
        return pt_hash_mix(hash ^ word);
    }
    for (; (size_t)(end - p) > sizeof(word); p += sizeof(word)) {
        memcpy(&word, p, sizeof(word));
        hash = (hash ^ word) * SPREAD;
        hash ^= hash >> 32;
    }
    memcpy(&word, end - sizeof(word), sizeof(word)); /* the last ones; some may have been read before */
    return pt_hash_mix(hash ^ word);
}

void pt_map_init(struct pt_map *map)
{
    *map = (struct pt_map){0};
}

void pt_map_fini(struct pt_map *map)
{
    for (size_t i = 0; i < map->entries_len; i++) {
        free(map->entries[i].key);
    }
    free(map->entries);
    free(map->slots);
    *map = (struct pt_map){0};
}

void pt_map_clear(struct pt_map *map)
{
    pt_map_fini(map);
}

/* Slot of the key, or of the first place where it could go (*ret_found false). */
static size_t find(const struct pt_map *map, const void *key, size_t key_size, uint64_t hash, bool *ret_found)
{
    size_t mask = map->slots_len - 1;
    size_t free_slot = SIZE_MAX;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        uint32_t slot = map->slots[i];
        if (slot == 0) {
            *ret_found = false;
            return free_slot != SIZE_MAX ? free_slot : i;
        }
        if (slot == REMOVED) {
            if (free_slot == SIZE_MAX) {
                free_slot = i;
            }
            continue;
        }
        const struct pt_map_entry *entry = &map->entries[slot - 1];
        if (entry->hash == hash && entry->key_size == key_size && memcmp(entry->key, key, key_size) == 0) {
            *ret_found = true;
            return i;
        }
    }
}

/* Rebuild with room for `count` entries at a load of at most one half, without holes. */
static void rebuild(struct pt_map *map, size_t count)
{
    size_t slots_len = 16;
    while (slots_len < count * 2) {
        slots_len *= 2;
    }
    pt_assert(slots_len / 2 < REMOVED - 1);
    size_t len = 0;
    for (size_t i = 0; i < map->entries_len; i++) {
        if (map->entries[i].key != NULL) {
            map->entries[len++] = map->entries[i];
        }
    }
    map->entries_len = len;
    if (map->entries_capacity < slots_len / 2 + 1) {
        map->entries_capacity = slots_len / 2 + 1;
        map->entries = realloc(map->entries, map->entries_capacity * sizeof(*map->entries));
        pt_assert(map->entries != NULL);
    }
    free(map->slots);
    map->slots = calloc(slots_len, sizeof(*map->slots));
    pt_assert(map->slots != NULL);
    map->slots_len = slots_len;
    map->tombs = 0;
    for (size_t i = 0; i < len; i++) {
        size_t slot = map->entries[i].hash & (slots_len - 1);
        while (map->slots[slot] != 0) {
            slot = (slot + 1) & (slots_len - 1);
        }
        map->slots[slot] = (uint32_t)(i + 1);
    }
}

void **pt_map_at(const struct pt_map *map, const void *key, size_t key_size)
{
    if (map->slots_len == 0) {
        return NULL;
    }
    bool found = false;
    size_t slot = find(map, key, key_size, pt_hash_key(key, key_size), &found);
    return found ? &map->entries[map->slots[slot] - 1].value : NULL;
}

void *pt_map_get(const struct pt_map *map, const void *key, size_t key_size)
{
    void **value = pt_map_at(map, key, key_size);
    return value != NULL ? *value : NULL;
}

void *pt_map_put(struct pt_map *map, const void *key, size_t key_size, void *value)
{
    pt_assert(value != NULL);
    if ((map->count + map->tombs + 1) * 2 > map->slots_len || map->entries_len == map->entries_capacity) {
        rebuild(map, (map->count + 1) * 2);
    }
    uint64_t hash = pt_hash_key(key, key_size);
    bool found = false;
    size_t slot = find(map, key, key_size, hash, &found);
    if (found) {
        struct pt_map_entry *entry = &map->entries[map->slots[slot] - 1];
        void *old = entry->value;
        entry->value = value;
        return old;
    }
    uint8_t *copy = malloc(key_size + 1);
    pt_assert(copy != NULL);
    if (key_size > 0) {
        memcpy(copy, key, key_size);
    }
    copy[key_size] = 0;
    map->entries[map->entries_len++] =
        (struct pt_map_entry){.key = copy, .key_size = key_size, .hash = hash, .value = value};
    if (map->slots[slot] == REMOVED) {
        map->tombs--;
    }
    map->slots[slot] = (uint32_t)map->entries_len;
    map->count++;
    return NULL;
}

void *pt_map_remove(struct pt_map *map, const void *key, size_t key_size)
{
    if (map->slots_len == 0) {
        return NULL;
    }
    bool found = false;
    size_t slot = find(map, key, key_size, pt_hash_key(key, key_size), &found);
    if (!found) {
        return NULL;
    }
    struct pt_map_entry *entry = &map->entries[map->slots[slot] - 1];
    void *value = entry->value;
    free(entry->key);
    *entry = (struct pt_map_entry){0};
    map->slots[slot] = REMOVED;
    map->tombs++;
    map->count--;
    return value;
}

void *pt_map_get_str(const struct pt_map *map, const char *key)
{
    return pt_map_get(map, key, strlen(key));
}

void *pt_map_put_str(struct pt_map *map, const char *key, void *value)
{
    return pt_map_put(map, key, strlen(key), value);
}

void *pt_map_remove_str(struct pt_map *map, const char *key)
{
    return pt_map_remove(map, key, strlen(key));
}

struct pt_map_entry *pt_map_next(const struct pt_map *map, size_t *position)
{
    while (*position < map->entries_len) {
        struct pt_map_entry *entry = &map->entries[(*position)++];
        if (entry->key != NULL) {
            return entry;
        }
    }
    return NULL;
}
