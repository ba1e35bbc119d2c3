/*
 * History: the events that Watch reads, in the order of (revision, ordinal).
 *
 * Both numbers are one key, revision << 20 | ordinal. On disk the events of several log entries are one row, under the
 * key of the first, for the same reason as replies:
 *
 *   { key(8), name size(4), name with its NUL, event size(4), event } ...     and a checksum beside it
 *
 * All keys are in memory too, with the sizes of the events, so that trimming knows where to cut without reading. A trim
 * moves `head` and the floor at once; a row goes at a commit, when all of its events are gone.
 *
 * The floor is the newest key that is gone. Whoever asks for events behind an older one has missed some and is told so.
 */
#include "base/assert.h"
#include "store/store_state.h"

#include <stdlib.h>

#define ORDINAL_BITS 20
#define REVISION_MAX (UINT64_C(1) << (63 - ORDINAL_BITS))

static uint64_t key_of(uint64_t revision, uint32_t ordinal)
{
    pt_assert(revision < REVISION_MAX && ordinal < 1U << ORDINAL_BITS);
    return revision << ORDINAL_BITS | ordinal;
}

void store_history_add(struct pt_store *store, uint64_t key, size_t size)
{
    struct store_history *history = &store->history;
    if (history->len == history->capacity) {
        history->capacity = history->capacity == 0 ? 256 : history->capacity * 2;
        history->keys = realloc(history->keys, history->capacity * sizeof(uint64_t));
        history->sizes = realloc(history->sizes, history->capacity * sizeof(uint32_t));
        pt_assert(history->keys != NULL && history->sizes != NULL);
    }
    pt_assert(size <= UINT32_MAX);
    history->sizes[history->len] = (uint32_t)size;
    history->keys[history->len++] = key;
    history->size += size;
}

uint32_t store_history_crc(uint64_t first_key, struct pt_bytes body)
{
    uint8_t bytes[8];
    pt_put_be64(bytes, first_key);
    return pt_crc32c(pt_crc32c(0, bytes, sizeof(bytes)), body.data, body.size);
}

bool store_event_parse(struct pt_bytes body, size_t *at, struct store_event_entry *ret_entry)
{
    const uint8_t *data = body.data + *at;
    size_t left = body.size - *at;
    if (left < 12 || pt_be32(data + 8) == 0 || left - 12 < (uint64_t)pt_be32(data + 8) + 4) {
        return false;
    }
    size_t name_size = pt_be32(data + 8);
    const uint8_t *rest = data + 12 + name_size;
    size_t size = pt_be32(rest);
    if (rest[-1] != 0 || left - 12 - name_size - 4 < size) {
        return false;
    }
    *ret_entry =
        (struct store_event_entry){.key = pt_be64(data), .name = (const char *)data + 12, .event = {rest + 4, size}};
    *at += 16 + name_size + size;
    return true;
}

enum pt_code pt_store_history_put(struct pt_store *store, uint64_t revision, uint32_t ordinal, const char *name,
                                  struct pt_bytes event, struct pt_error *reterr)
{
    (void)reterr; /* memory takes it; the commit reports what the disk says */
    struct store_history *history = &store->history;
    uint64_t key = key_of(revision, ordinal);
    pt_assert(store->in_transaction);
    pt_assert(key > history->floor && (history->len == 0 || key > history->keys[history->len - 1]));
    size_t name_size = strlen(name) + 1;
    pt_buf_append_be64(&history->pending, key);
    pt_buf_append_be32(&history->pending, (uint32_t)name_size);
    pt_buf_append(&history->pending, name, name_size);
    pt_buf_append_be32(&history->pending, (uint32_t)event.size);
    pt_buf_append(&history->pending, event.data, event.size);
    store_history_add(store, key, event.size);
    return PT_OK;
}

typedef bool (*event_fn)(void *arg, uint64_t revision, uint32_t ordinal, const char *name, struct pt_bytes event);

/* Hand out what of a row lies behind `from`. False when fn wants no more, or the row does not parse (*ret_whole). */
static bool hand_out(struct pt_bytes body, uint64_t from, event_fn fn, void *arg, bool *ret_whole)
{
    for (size_t at = 0; at < body.size;) {
        struct store_event_entry entry;
        if (!store_event_parse(body, &at, &entry)) {
            *ret_whole = false;
            return false;
        }
        if (entry.key > from && !fn(arg, entry.key >> ORDINAL_BITS, (uint32_t)(entry.key & ((1U << ORDINAL_BITS) - 1)),
                                    entry.name, entry.event)) {
            return false;
        }
    }
    return true;
}

enum pt_code pt_store_history_scan(struct pt_store *store, uint64_t revision, uint32_t ordinal, event_fn fn, void *arg,
                                   struct pt_error *reterr)
{
    uint64_t from = key_of(revision, ordinal);
    if (from < store->history.floor) {
        return pt_fail(reterr, PT_OUT_OF_RANGE, PT_REASON_HISTORY_COMPACTED, NULL,
                       "changes behind revision %llu are no longer kept; list again and watch from there",
                       (unsigned long long)revision);
    }
    sqlite3_stmt *scan = NULL;
    PT_TRY(store_db_borrow(&store->db, STORE_HISTORY_SCAN, &scan, reterr));
    store_bind_u64(scan, 1, from);
    enum pt_code code = PT_OK;
    bool more = true;
    bool whole = true;
    while (more) {
        bool row = false;
        code = store_db_step(&store->db, scan, &row, reterr);
        if (code != PT_OK || !row) {
            break;
        }
        more = hand_out(store_column_bytes(scan, 1), from, fn, arg, &whole);
    }
    store_db_return(&store->db, STORE_HISTORY_SCAN, scan);
    if (code == PT_OK && more) {
        more = hand_out(pt_buf_bytes(&store->history.pending), from, fn, arg, &whole);
    }
    return code == PT_OK && !whole ? store_db_corrupt(&store->db, reterr, "a row of the history is torn") : code;
}

uint64_t pt_store_history_floor(const struct pt_store *store)
{
    return store->history.floor;
}

enum pt_code pt_store_history_trim(struct pt_store *store, uint64_t keep_len, uint64_t keep_size,
                                   struct pt_error *reterr)
{
    (void)reterr; /* the commit reports what the disk says */
    struct store_history *history = &store->history;
    pt_assert(store->in_transaction);
    while (history->len - history->head > keep_len || (history->size > keep_size && history->len > history->head)) {
        history->size -= history->sizes[history->head];
        history->floor = history->keys[history->head++];
    }
    return PT_OK;
}

/* One row of what is pending. Its first key is the oldest of the keys that were added with it. */
enum pt_code store_history_insert(struct pt_store *store, struct pt_error *reterr)
{
    struct store_history *history = &store->history;
    pt_assert(!store->in_savepoint);
    if (history->pending.size == 0) {
        return PT_OK;
    }
    struct pt_bytes body = pt_buf_bytes(&history->pending);
    uint64_t first = pt_be64(body.data);
    sqlite3_stmt *insert = NULL;
    PT_TRY(store_db_statement(&store->db, STORE_HISTORY_INSERT, &insert, reterr));
    store_bind_u64(insert, 1, first);
    store_bind_bytes(insert, 2, body);
    store_bind_u64(insert, 3, store_history_crc(first, body));
    PT_TRY(store_db_run(&store->db, insert, reterr));
    pt_buf_reset(&history->pending);
    return PT_OK;
}

enum pt_code store_history_flush(struct pt_store *store, struct pt_error *reterr)
{
    struct store_history *history = &store->history;
    PT_TRY(store_history_insert(store, reterr));
    if (history->head == history->gone) {
        return PT_OK;
    }
    sqlite3_stmt *trim = NULL;
    PT_TRY(store_db_statement(&store->db, STORE_HISTORY_TRIM, &trim, reterr));
    store_bind_u64(trim, 1, history->head < history->len ? history->keys[history->head] : history->floor);
    PT_TRY(store_db_run(&store->db, trim, reterr));
    history->gone = history->head;
    if (history->gone > history->len / 2) { /* close the gap so seldom that it costs nothing */
        history->len -= history->gone;
        memmove(history->keys, history->keys + history->gone, history->len * sizeof(uint64_t));
        memmove(history->sizes, history->sizes + history->gone, history->len * sizeof(uint32_t));
        history->gone = 0;
        history->head = 0;
    }
    return PT_OK;
}

void store_history_undo(struct pt_store *store)
{
    struct store_history *history = &store->history;
    const struct store_undo *undo = &store->undo;
    history->len = undo->history_len;
    history->head = undo->history_head;
    history->floor = undo->history_floor;
    history->size = undo->history_size;
    history->pending.size = undo->history_pending;
}

void store_history_clear(struct pt_store *store)
{
    free(store->history.keys);
    free(store->history.sizes);
    pt_buf_fini(&store->history.pending);
    store->history = (struct store_history){0};
}
