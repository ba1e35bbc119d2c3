/*
 * The map against a trivial twin: an array that is searched from the front.
 */
#include "base/map.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS 300 /* few enough that puts hit old keys, many enough that the table grows and is rebuilt */

struct twin_entry {
    char key[16];
    void *value;
};

struct twin {
    struct twin_entry entries[KEYS];
    size_t len;
};

static size_t twin_find(const struct twin *twin, const char *key)
{
    size_t i = 0;
    while (i < twin->len && strcmp(twin->entries[i].key, key) != 0) {
        i++;
    }
    return i;
}

static void *twin_put(struct twin *twin, const char *key, void *value)
{
    size_t i = twin_find(twin, key);
    void *before = i < twin->len ? twin->entries[i].value : NULL;
    if (i == twin->len) {
        twin->len++;
        (void)snprintf(twin->entries[i].key, sizeof(twin->entries[i].key), "%s", key);
    }
    twin->entries[i].value = value;
    return before;
}

static void *twin_remove(struct twin *twin, const char *key)
{
    size_t i = twin_find(twin, key);
    if (i == twin->len) {
        return NULL;
    }
    void *before = twin->entries[i].value;
    memmove(&twin->entries[i], &twin->entries[i + 1], (twin->len - i - 1) * sizeof(twin->entries[0]));
    twin->len--;
    return before;
}

/* The same entries in the same order: that of insertion. */
static void compare(const struct pt_map *map, const struct twin *twin)
{
    size_t i = 0;
    ck_assert_uint_eq(map->count, twin->len);
    PT_MAP_FOREACH (entry, map) {
        ck_assert_uint_lt(i, twin->len);
        ck_assert_str_eq((const char *)entry->key, twin->entries[i].key);
        ck_assert_uint_eq(entry->key_size, strlen(twin->entries[i].key));
        ck_assert_ptr_eq(entry->value, twin->entries[i].value);
        i++;
    }
    ck_assert_uint_eq(i, twin->len);
}

static uint64_t next_random(uint64_t *state)
{
    return pt_hash_mix((*state)++);
}

START_TEST(agrees_with_a_trivial_twin)
{
    static int values[1000];
    uint64_t random = (uint64_t)_i << 32;
    struct pt_map map;
    struct twin twin = {.len = 0};
    pt_map_init(&map);
    for (int step = 0; step < 20000; step++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "key%d", (int)(next_random(&random) % KEYS));
        void *value = &values[next_random(&random) % 1000];
        /* Phases in which the map mostly grows, and in which it mostly shrinks. */
        uint64_t remove_of_10 = step / 2000 % 2 == 0 ? 2 : 8;
        if (next_random(&random) % 10 < remove_of_10) {
            ck_assert_ptr_eq(pt_map_remove_str(&map, key), twin_remove(&twin, key));
            ck_assert_ptr_null(pt_map_get_str(&map, key));
        } else {
            ck_assert_ptr_eq(pt_map_put_str(&map, key, value), twin_put(&twin, key, value));
            ck_assert_ptr_eq(pt_map_get_str(&map, key), value);
        }
        (void)snprintf(key, sizeof(key), "key%d", (int)(next_random(&random) % KEYS));
        size_t at = twin_find(&twin, key);
        ck_assert_ptr_eq(pt_map_get_str(&map, key), at < twin.len ? twin.entries[at].value : NULL);
        if (step % 100 == 0) {
            compare(&map, &twin);
        }
    }
    pt_map_fini(&map);
}
END_TEST

/* Putting and removing for ever at a small size must not grow the memory. */
START_TEST(churn_does_not_grow)
{
    struct pt_map map;
    pt_map_init(&map);
    for (int i = 0; i < 100000; i++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "%d", i);
        ck_assert_ptr_null(pt_map_put_str(&map, key, &map));
        ck_assert_ptr_eq(pt_map_remove_str(&map, key), &map);
    }
    ck_assert_uint_eq(map.count, 0);
    ck_assert_uint_le(map.slots_len, 64);
    ck_assert_uint_le(map.entries_capacity, 64);
    pt_map_fini(&map);
}
END_TEST

START_TEST(keys_are_bytes)
{
    struct pt_map map;
    int a = 0;
    int b = 0;
    pt_map_init(&map);
    ck_assert_ptr_null(pt_map_get(&map, "x", 1));
    ck_assert_ptr_null(pt_map_remove(&map, "x", 1));
    ck_assert_ptr_null(pt_map_put(&map, "a\0b", 3, &a));
    ck_assert_ptr_null(pt_map_put(&map, "a\0c", 3, &b));
    ck_assert_ptr_null(pt_map_put(&map, "", 0, &map));
    ck_assert_ptr_eq(pt_map_get(&map, "a\0b", 3), &a);
    ck_assert_ptr_eq(pt_map_get(&map, "a\0c", 3), &b);
    ck_assert_ptr_eq(pt_map_get(&map, "", 0), &map);
    ck_assert_ptr_null(pt_map_get(&map, "a", 1));
    ck_assert_ptr_null(pt_map_at(&map, "a", 1));
    *pt_map_at(&map, "a\0c", 3) = &map;
    ck_assert_ptr_eq(pt_map_get(&map, "a\0c", 3), &map);
    pt_map_clear(&map);
    ck_assert_ptr_null(pt_map_at(&map, "a\0b", 3));
    ck_assert_ptr_null(pt_map_get(&map, "", 0));
    ck_assert_ptr_null(pt_map_put_str(&map, "again", &a));
    pt_map_fini(&map);
}
END_TEST

/* Removing the entry at hand while iterating visits every entry once. */
START_TEST(remove_while_iterating)
{
    struct pt_map map;
    int visited = 0;
    pt_map_init(&map);
    for (int i = 0; i < 100; i++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "%03d", i);
        ck_assert_ptr_null(pt_map_put_str(&map, key, &map));
    }
    PT_MAP_FOREACH (entry, &map) {
        int number = atoi((const char *)entry->key);
        ck_assert_int_eq(number, visited);
        visited++;
        if (number % 2 == 0) {
            char key[16];
            (void)snprintf(key, sizeof(key), "%03d", number);
            ck_assert_ptr_eq(pt_map_remove_str(&map, key), &map);
        }
    }
    ck_assert_int_eq(visited, 100);
    ck_assert_uint_eq(map.count, 50);
    pt_map_fini(&map);
}
END_TEST

/* Every byte counts, and the length, at each place in and behind a word of eight. */
START_TEST(hash_of_a_key_tells_keys_apart)
{
    char key[24] = {0};
    uint64_t seen[sizeof(key) * 2];
    size_t len = 0;
    for (size_t size = 0; size < sizeof(key); size++) {
        seen[len++] = pt_hash_key(key, size);
        if (size > 0) {
            key[size - 1] = 1;
            seen[len++] = pt_hash_key(key, size);
            key[size - 1] = 0;
        }
    }
    for (size_t i = 0; i < len; i++) {
        for (size_t j = 0; j < i; j++) {
            ck_assert_uint_ne(seen[i], seen[j]);
        }
    }
}
END_TEST

/* Published values of FNV-1a 64: the hash must not change between builds. */
START_TEST(hash_is_fnv1a)
{
    ck_assert_uint_eq(pt_hash("", 0), 0xcbf29ce484222325ULL);
    ck_assert_uint_eq(pt_hash("a", 1), 0xaf63dc4c8601ec8cULL);
    ck_assert_uint_eq(pt_hash("foobar", 6), 0x85944171f73967e8ULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base_map");
    TCase *tc = tcase_create("all");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, agrees_with_a_trivial_twin, 0, 5);
    tcase_add_test(tc, churn_does_not_grow);
    tcase_add_test(tc, keys_are_bytes);
    tcase_add_test(tc, remove_while_iterating);
    tcase_add_test(tc, hash_of_a_key_tells_keys_apart);
    tcase_add_test(tc, hash_is_fnv1a);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
