/*
 * A trivial twin of the store: arrays over a small universe of names, copied whole for a savepoint. And the random
 * operations that are done to both, and the comparison of everything that can be asked.
 */
#pragma once

#include "store/store.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TWIN_ORGS 3
#define TWIN_SITES 3
#define TWIN_EDGES 2
#define TWIN_NAMES (TWIN_ORGS * (1 + TWIN_SITES * (1 + TWIN_EDGES)))
#define TWIN_CELLS 4
#define TWIN_REPLIES 12 /* kept */
#define TWIN_EVENTS 40  /* kept */

struct twin_row {
    bool present;
    uint32_t kind_id;
    uint64_t value, revision;
    bool refers[TWIN_NAMES];
};

struct twin_event {
    uint64_t revision;
    uint32_t ordinal;
    unsigned name;
    uint64_t value;
};

struct twin_reply {
    uint64_t id, revision, value;
};

struct twin {
    struct twin_row rows[TWIN_NAMES];
    uint64_t meta[TWIN_CELLS];    /* 0: absent */
    uint64_t counter[TWIN_CELLS]; /* next number; 0: none given out */
    struct twin_reply replies[TWIN_REPLIES + 1];
    size_t replies_len;
    struct twin_event events[TWIN_EVENTS + 64];
    size_t events_len;
    struct twin_event floor; /* the newest that is gone; revision 0: none */
    uint64_t revision, ordinal, next_id;
    struct pt_digest digest; /* at the commit; for comparing after a restart */
};

struct rng {
    uint64_t state;
};

static inline uint64_t rng_below(struct rng *rng, uint64_t bound)
{
    rng->state += 0x9e3779b97f4a7c15ULL;
    uint64_t z = rng->state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return (z ^ (z >> 31)) % bound;
}

#define TEXT_SIZE 128

static inline const char *twin_name(unsigned index, char text[TEXT_SIZE])
{
    unsigned per_site = 1 + TWIN_EDGES;
    unsigned per_org = 1 + TWIN_SITES * per_site;
    unsigned org = index / per_org;
    unsigned rest = index % per_org;
    if (rest == 0) {
        (void)snprintf(text, TEXT_SIZE, "organizations/o%u", org);
    } else if ((rest - 1) % per_site == 0) {
        (void)snprintf(text, TEXT_SIZE, "organizations/o%u/sites/s%u", org, (rest - 1) / per_site);
    } else {
        (void)snprintf(text, TEXT_SIZE, "organizations/o%u/sites/s%u/edges/e%u", org, (rest - 1) / per_site,
                       (rest - 1) % per_site - 1);
    }
    return text;
}

static inline uint32_t twin_kind(unsigned index)
{
    unsigned rest = index % (1 + TWIN_SITES * (1 + TWIN_EDGES));
    return rest == 0 ? 1 : (rest - 1) % (1 + TWIN_EDGES) == 0 ? 2 : 3;
}

/* Bytes that follow from a number, NUL among them: 0 to 600 of them. */
static inline struct pt_bytes twin_value(uint64_t value, uint8_t bytes[600])
{
    struct rng rng = {value};
    size_t size = rng_below(&rng, 601);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)rng_below(&rng, 256);
    }
    return (struct pt_bytes){bytes, size};
}

static inline bool twin_below(const char *name, const char *parent)
{
    size_t size = strlen(parent);
    return size == 0 || (strncmp(name, parent, size) == 0 && name[size] == '/');
}

#define MUST(call)                                                                                        \
    do {                                                                                                  \
        struct pt_error must_error = {0};                                                                 \
        struct pt_error *why = &must_error;                                                               \
        enum pt_code must_code = (call);                                                                  \
        ck_assert_msg(must_code == PT_OK, "%s: %s: %s", #call, pt_code_name(must_code), must_error.text); \
    } while (0)

/* ---- one random change to both; the code of the store's first failure ----------------------------------------- */

static inline enum pt_code twin_put(struct pt_store *store, struct twin *twin, struct rng *rng, struct pt_error *error)
{
    unsigned index = (unsigned)rng_below(rng, TWIN_NAMES);
    struct twin_row *row = &twin->rows[index];
    uint64_t value = rng_below(rng, UINT64_MAX);
    uint8_t bytes[600];
    char name[TEXT_SIZE];
    char uid[32];
    char etag[32];
    (void)snprintf(uid, sizeof(uid), "u%llu", (unsigned long long)(value % 1000));
    (void)snprintf(etag, sizeof(etag), "%016llx", (unsigned long long)value);
    const struct pt_row put = {.name = twin_name(index, name),
                               .kind_id = twin_kind(index),
                               .value = twin_value(value, bytes),
                               .uid = uid,
                               .etag = etag,
                               .revision = twin->revision};
    PT_TRY(pt_store_put(store, &put, error));
    bool fresh = !row->present;
    row->present = true;
    row->kind_id = put.kind_id;
    row->value = value;
    row->revision = twin->revision;
    if (fresh) {
        memset(row->refers, 0, sizeof(row->refers));
    }
    if (rng_below(rng, 3) == 0) {
        return PT_OK; /* references as they were */
    }
    char names[4][TEXT_SIZE];
    const char *to[4];
    size_t len = (size_t)rng_below(rng, 5);
    memset(row->refers, 0, sizeof(row->refers));
    for (size_t i = 0; i < len; i++) {
        unsigned target = (unsigned)rng_below(rng, TWIN_NAMES);
        to[i] = twin_name(target, names[i]);
        row->refers[target] = true;
    }
    return pt_store_set_references(store, name, to, len, error);
}

static inline enum pt_code twin_remove(struct pt_store *store, struct twin *twin, struct rng *rng,
                                       struct pt_error *error)
{
    unsigned index = (unsigned)rng_below(rng, TWIN_NAMES);
    char name[TEXT_SIZE];
    enum pt_code code = pt_store_remove(store, twin_name(index, name), error);
    if (code == PT_NOT_FOUND && !twin->rows[index].present) {
        return PT_OK;
    }
    ck_assert(code != PT_OK || twin->rows[index].present);
    twin->rows[index] = (struct twin_row){0};
    return code;
}

static inline enum pt_code twin_event(struct pt_store *store, struct twin *twin, struct rng *rng,
                                      struct pt_error *error)
{
    struct twin_event event = {.revision = twin->revision,
                               .ordinal = (uint32_t)twin->ordinal++,
                               .name = (unsigned)rng_below(rng, TWIN_NAMES),
                               .value = rng_below(rng, UINT64_MAX)};
    char name[TEXT_SIZE];
    uint8_t bytes[600];
    PT_TRY(pt_store_history_put(store, event.revision, event.ordinal, twin_name(event.name, name),
                                twin_value(event.value, bytes), error));
    twin->events[twin->events_len++] = event;
    PT_TRY(pt_store_history_trim(store, TWIN_EVENTS, UINT64_MAX, error));
    if (twin->events_len > TWIN_EVENTS) {
        twin->floor = twin->events[0];
        memmove(twin->events, twin->events + 1, --twin->events_len * sizeof(twin->events[0]));
    }
    return PT_OK;
}

static inline enum pt_code twin_reply(struct pt_store *store, struct twin *twin, struct rng *rng,
                                      struct pt_error *error)
{
    struct twin_reply reply = {.id = twin->next_id++, .revision = twin->revision, .value = rng_below(rng, UINT64_MAX)};
    char id[32];
    uint8_t bytes[600];
    (void)snprintf(id, sizeof(id), "request-%llu", (unsigned long long)reply.id);
    PT_TRY(pt_store_reply_put(store, id, reply.revision, twin_value(reply.value, bytes), TWIN_REPLIES, error));
    twin->replies[twin->replies_len++] = reply;
    if (twin->replies_len > TWIN_REPLIES) {
        memmove(twin->replies, twin->replies + 1, --twin->replies_len * sizeof(reply));
    }
    return PT_OK;
}

static inline enum pt_code twin_cell(struct pt_store *store, struct twin *twin, struct rng *rng, struct pt_error *error)
{
    unsigned index = (unsigned)rng_below(rng, TWIN_CELLS);
    char key[32];
    (void)snprintf(key, sizeof(key), "key-%u", index);
    if (rng_below(rng, 2) == 0) {
        uint64_t value = rng_below(rng, UINT64_MAX - 1) + 1;
        uint8_t bytes[600];
        PT_TRY(pt_store_meta_put(store, key, twin_value(value, bytes), error));
        twin->meta[index] = value;
        return PT_OK;
    }
    uint64_t number = 0;
    PT_TRY(pt_store_allocate(store, key, 100, 1000000, &number, error));
    uint64_t expected = twin->counter[index] == 0 ? 100 : twin->counter[index];
    ck_assert_uint_eq(number, expected);
    twin->counter[index] = number + 1;
    return PT_OK;
}

static inline enum pt_code twin_change(struct pt_store *store, struct twin *twin, struct rng *rng,
                                       struct pt_error *error)
{
    switch (rng_below(rng, 8)) {
    case 0:
    case 1:
    case 2:
        return twin_put(store, twin, rng, error);
    case 3:
        return twin_remove(store, twin, rng, error);
    case 4:
        return twin_event(store, twin, rng, error);
    case 5:
    case 6:
        return twin_reply(store, twin, rng, error);
    default:
        return twin_cell(store, twin, rng, error);
    }
}

/* One entry: some changes within a savepoint, undone once in three times. */
static inline enum pt_code twin_entry(struct pt_store *store, struct twin *twin, struct rng *rng,
                                      struct pt_error *error)
{
    twin->revision++;
    twin->ordinal = 0;
    struct twin before = *twin;
    struct pt_digest digest = pt_store_digest(store);
    PT_TRY(pt_store_savepoint(store, error));
    for (uint64_t i = rng_below(rng, 6) + 1; i > 0; i--) {
        PT_TRY(twin_change(store, twin, rng, error));
    }
    if (rng_below(rng, 3) > 0) {
        return pt_store_release(store, error);
    }
    PT_TRY(pt_store_undo(store, error));
    *twin = before;
    struct pt_digest after = pt_store_digest(store);
    ck_assert(pt_digest_equal(&digest, &after));
    return PT_OK;
}

/* ---- comparison ----------------------------------------------------------------------------------------------- */

static inline void twin_compare_row(struct pt_store *store, const struct twin *twin, unsigned index,
                                    struct pt_arena *arena)
{
    char name[TEXT_SIZE];
    uint8_t bytes[600];
    struct pt_row row;
    struct pt_error error = {0};
    const struct twin_row *expected = &twin->rows[index];
    enum pt_code code = pt_store_get(store, twin_name(index, name), arena, &row, &error);
    ck_assert_int_eq(code, expected->present ? PT_OK : PT_NOT_FOUND);
    if (!expected->present) {
        ck_assert_str_eq(error.text, "");
        return;
    }
    struct pt_bytes value = twin_value(expected->value, bytes);
    char etag[32];
    (void)snprintf(etag, sizeof(etag), "%016llx", (unsigned long long)expected->value);
    ck_assert_str_eq(row.name, name);
    ck_assert_uint_eq(row.kind_id, expected->kind_id);
    ck_assert_uint_eq(row.revision, expected->revision);
    ck_assert_str_eq(row.etag, etag);
    ck_assert_uint_eq(row.value.size, value.size);
    ck_assert(memcmp(row.value.data, value.data, value.size) == 0);
}

static inline void twin_compare_referrer(struct pt_store *store, const struct twin *twin, unsigned index,
                                         struct pt_arena *arena)
{
    char to[TEXT_SIZE];
    char best[TEXT_SIZE] = "";
    twin_name(index, to);
    for (unsigned i = 0; i < TWIN_NAMES; i++) {
        char from[TEXT_SIZE];
        twin_name(i, from);
        bool counts = twin->rows[i].present && twin->rows[i].refers[index] && i != index && !twin_below(from, to);
        if (counts && (best[0] == '\0' || strcmp(from, best) < 0)) {
            strcpy(best, from);
        }
    }
    const char *from = NULL;
    MUST(pt_store_referrer(store, to, arena, &from, why));
    ck_assert_str_eq(from, best);
}

struct twin_scan {
    char names[TWIN_NAMES][TEXT_SIZE];
    size_t len;
};

static inline bool twin_note(void *arg, const struct pt_row *row)
{
    struct twin_scan *scan = arg;
    ck_assert_uint_lt(scan->len, TWIN_NAMES);
    strcpy(scan->names[scan->len++], row->name);
    return true;
}

static inline int twin_compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* A list with random bounds, and a count. */
static inline void twin_compare_scan(struct pt_store *store, const struct twin *twin, struct rng *rng)
{
    char parent[TEXT_SIZE] = "";
    char after[TEXT_SIZE] = "";
    if (rng_below(rng, 3) > 0) {
        twin_name((unsigned)rng_below(rng, TWIN_NAMES), parent);
    }
    if (rng_below(rng, 3) == 0) {
        twin_name((unsigned)rng_below(rng, TWIN_NAMES), after);
    }
    uint32_t kind_id = (uint32_t)rng_below(rng, 4);
    size_t len_max = (size_t)rng_below(rng, 5);
    struct twin_scan expected = {.len = 0};
    uint64_t count = 0;
    for (unsigned i = 0; i < TWIN_NAMES; i++) {
        char name[TEXT_SIZE];
        twin_name(i, name);
        if (twin->rows[i].present && (kind_id == 0 || twin->rows[i].kind_id == kind_id) && twin_below(name, parent)) {
            count++;
            if (strcmp(name, after) > 0) {
                strcpy(expected.names[expected.len++], name);
            }
        }
    }
    qsort(expected.names, expected.len, TEXT_SIZE, twin_compare_names);
    if (len_max > 0 && expected.len > len_max) {
        expected.len = len_max;
    }
    struct twin_scan got = {.len = 0};
    const struct pt_store_range range = {.kind_id = kind_id, .parent = parent, .after = after, .len_max = len_max};
    MUST(pt_store_scan(store, &range, twin_note, &got, why));
    ck_assert_uint_eq(got.len, expected.len);
    for (size_t i = 0; i < got.len; i++) {
        ck_assert_str_eq(got.names[i], expected.names[i]);
    }
    uint64_t got_count = UINT64_MAX;
    MUST(pt_store_count(store, kind_id, parent, &got_count, why));
    ck_assert_uint_eq(got_count, count);
}

static inline void twin_compare_replies(struct pt_store *store, const struct twin *twin)
{
    uint64_t oldest = twin->replies_len > 0 ? twin->replies[0].id : twin->next_id;
    for (uint64_t id = oldest > 3 ? oldest - 3 : 0; id < twin->next_id + 1; id++) {
        char text[32];
        (void)snprintf(text, sizeof(text), "request-%llu", (unsigned long long)id);
        PT_AUTO(buf) struct pt_buf reply = {0};
        const struct twin_reply *expected = NULL;
        for (size_t i = 0; i < twin->replies_len; i++) {
            expected = twin->replies[i].id == id ? &twin->replies[i] : expected;
        }
        ck_assert_int_eq(pt_store_reply_get(store, text, &reply, NULL), expected != NULL ? PT_OK : PT_NOT_FOUND);
        if (expected != NULL) {
            uint8_t bytes[600];
            struct pt_bytes value = twin_value(expected->value, bytes);
            ck_assert_uint_eq(reply.size, value.size);
            ck_assert(memcmp(reply.data != NULL ? reply.data : bytes, value.data, value.size) == 0);
        }
    }
}

struct twin_history_scan {
    const struct twin *twin;
    size_t at;
};

static inline bool twin_note_event(void *arg, uint64_t revision, uint32_t ordinal, const char *name,
                                   struct pt_bytes event)
{
    struct twin_history_scan *scan = arg;
    ck_assert_uint_lt(scan->at, scan->twin->events_len);
    const struct twin_event *expected = &scan->twin->events[scan->at++];
    char text[TEXT_SIZE];
    uint8_t bytes[600];
    struct pt_bytes value = twin_value(expected->value, bytes);
    ck_assert_uint_eq(revision, expected->revision);
    ck_assert_uint_eq(ordinal, expected->ordinal);
    ck_assert_str_eq(name, twin_name(expected->name, text));
    ck_assert_uint_eq(event.size, value.size);
    ck_assert(event.size == 0 || memcmp(event.data, value.data, value.size) == 0);
    return true;
}

static inline void twin_compare_history(struct pt_store *store, const struct twin *twin)
{
    struct twin_history_scan scan = {.twin = twin};
    MUST(pt_store_history_scan(store, twin->floor.revision, twin->floor.ordinal, twin_note_event, &scan, why));
    ck_assert_uint_eq(scan.at, twin->events_len);
    if (twin->floor.revision > 0) {
        struct pt_error error = {0};
        ck_assert_int_eq(pt_store_history_scan(store, twin->floor.revision - 1, 0, twin_note_event, &scan, &error),
                         PT_OUT_OF_RANGE);
        ck_assert_int_eq(error.reason, PT_REASON_HISTORY_COMPACTED);
    }
    if (twin->events_len > 1) {
        scan.at = 1;
        MUST(pt_store_history_scan(store, twin->events[0].revision, twin->events[0].ordinal, twin_note_event, &scan,
                                   why));
        ck_assert_uint_eq(scan.at, twin->events_len);
    }
}

static inline void twin_compare(struct pt_store *store, const struct twin *twin, struct rng *rng)
{
    struct pt_arena arena;
    pt_arena_init(&arena);
    for (unsigned i = 0; i < TWIN_NAMES; i++) {
        twin_compare_row(store, twin, i, &arena);
        twin_compare_referrer(store, twin, i, &arena);
    }
    pt_arena_fini(&arena);
    for (int i = 0; i < 5; i++) {
        twin_compare_scan(store, twin, rng);
    }
    twin_compare_replies(store, twin);
    twin_compare_history(store, twin);
    for (unsigned i = 0; i < TWIN_CELLS; i++) {
        char key[32];
        uint8_t bytes[600];
        PT_AUTO(buf) struct pt_buf value = {0};
        (void)snprintf(key, sizeof(key), "key-%u", i);
        ck_assert_int_eq(pt_store_meta_get(store, key, &value, NULL), twin->meta[i] != 0 ? PT_OK : PT_NOT_FOUND);
        if (twin->meta[i] != 0) {
            struct pt_bytes expected = twin_value(twin->meta[i], bytes);
            ck_assert_uint_eq(value.size, expected.size);
            ck_assert(value.size == 0 || memcmp(value.data, expected.data, value.size) == 0);
        }
    }
    MUST(pt_store_scrub(store, why));
}
