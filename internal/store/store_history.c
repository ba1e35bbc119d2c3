/*
 * History: the events that Watch reads, in the order of (revision, ordinal).
 *
 * Both numbers are one integer on disk, revision << 20 | ordinal, which is the table's own key: putting is an append
 * and trimming a cut at the other end. The keys are in memory too, so that trimming to a length knows where to cut
 * without reading. As with replies, a trim moves `head` and the floor at once and the rows go at the commit.
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

void store_history_add(struct pt_store *store, uint64_t key)
{
    struct store_history *history = &store->history;
    if (history->len == history->capacity) {
        history->capacity = history->capacity == 0 ? 256 : history->capacity * 2;
        history->keys = realloc(history->keys, history->capacity * sizeof(uint64_t));
        pt_assert(history->keys != NULL);
    }
    history->keys[history->len++] = key;
}

uint32_t store_history_crc(uint64_t key, const char *name, struct pt_bytes event)
{
    uint8_t bytes[8];
    pt_put_be64(bytes, key);
    uint32_t crc = pt_crc32c(0, bytes, sizeof(bytes));
    crc = pt_crc32c(crc, name, strlen(name) + 1);
    return pt_crc32c(crc, event.data, event.size);
}

enum pt_code pt_store_history_put(struct pt_store *store, uint64_t revision, uint32_t ordinal, const char *name,
                                  struct pt_bytes event, struct pt_error *reterr)
{
    const struct store_history *history = &store->history;
    uint64_t key = key_of(revision, ordinal);
    pt_assert(store->in_transaction);
    pt_assert(key > history->floor && (history->len == 0 || key > history->keys[history->len - 1]));
    sqlite3_stmt *insert = NULL;
    PT_TRY(store_db_statement(&store->db, STORE_HISTORY_INSERT, &insert, reterr));
    store_bind_u64(insert, 1, key);
    store_bind_text(insert, 2, name);
    store_bind_bytes(insert, 3, event);
    store_bind_u64(insert, 4, store_history_crc(key, name, event));
    PT_TRY(store_db_run(&store->db, insert, reterr));
    store_history_add(store, key);
    return PT_OK;
}

enum pt_code pt_store_history_scan(struct pt_store *store, uint64_t revision, uint32_t ordinal,
                                   bool (*fn)(void *arg, uint64_t revision, uint32_t ordinal, const char *name,
                                              struct pt_bytes event),
                                   void *arg, struct pt_error *reterr)
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
    for (bool row = true, more = true; more && row;) {
        code = store_db_step(&store->db, scan, &row, reterr);
        if (code != PT_OK || !row) {
            break;
        }
        uint64_t key = store_column_u64(scan, 0);
        more = fn(arg, key >> ORDINAL_BITS, (uint32_t)(key & ((1U << ORDINAL_BITS) - 1)), store_column_text(scan, 1),
                  store_column_bytes(scan, 2));
    }
    store_db_return(&store->db, STORE_HISTORY_SCAN, scan);
    return code;
}

enum pt_code pt_store_history_trim(struct pt_store *store, uint64_t keep_len, struct pt_error *reterr)
{
    (void)reterr; /* the commit reports what the disk says */
    struct store_history *history = &store->history;
    pt_assert(store->in_transaction);
    size_t len = history->len - history->head;
    if (len > keep_len) {
        history->head += len - (size_t)keep_len;
        history->floor = history->keys[history->head - 1];
    }
    return PT_OK;
}

enum pt_code store_history_flush(struct pt_store *store, struct pt_error *reterr)
{
    struct store_history *history = &store->history;
    if (history->head == history->gone) {
        return PT_OK;
    }
    sqlite3_stmt *trim = NULL;
    PT_TRY(store_db_statement(&store->db, STORE_HISTORY_TRIM, &trim, reterr));
    store_bind_u64(trim, 1, history->floor);
    PT_TRY(store_db_run(&store->db, trim, reterr));
    history->gone = history->head;
    if (history->gone > history->len / 2) {
        history->len -= history->gone;
        memmove(history->keys, history->keys + history->gone, history->len * sizeof(uint64_t));
        history->gone = 0;
        history->head = 0;
    }
    return PT_OK;
}

enum pt_code store_history_undo(struct pt_store *store, struct pt_error *reterr)
{
    struct store_history *history = &store->history;
    const struct store_undo *undo = &store->undo;
    if (history->len > undo->history_len) {
        sqlite3_stmt *remove = NULL;
        PT_TRY(store_db_statement(&store->db, STORE_HISTORY_UNDO, &remove, reterr));
        store_bind_u64(remove, 1, history->keys[undo->history_len] - 1);
        PT_TRY(store_db_run(&store->db, remove, reterr));
    }
    history->len = undo->history_len;
    history->head = undo->history_head;
    history->floor = undo->history_floor;
    return PT_OK;
}

void store_history_clear(struct pt_store *store)
{
    free(store->history.keys);
    store->history = (struct store_history){0};
}
