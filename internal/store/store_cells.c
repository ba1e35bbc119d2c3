/*
 * Values and counters, called cells: few, small, read and changed by almost every log entry.
 *
 * All of them stay in memory. A change marks the cell; the commit writes those that are marked, so that a thousand
 * entries that each take a number cost one write and one hash. The digest of the store follows the same way: a cell's
 * committed value is in it, and pt_store_digest puts the marked ones right when it is asked within a transaction.
 */
#include "base/assert.h"
#include "store/store_state.h"

#include <stdlib.h>

struct store_cell *store_cell_add(struct pt_store *store, const char *key)
{
    size_t size = strlen(key) + 1;
    struct store_cell *cell = calloc(1, sizeof(*cell) + size);
    pt_assert(cell != NULL);
    memcpy(cell->key, key, size);
    pt_map_put_str(&store->cells, key, cell);
    return cell;
}

struct pt_digest store_cell_digest(struct pt_store *store, const struct store_cell *cell)
{
    store_form_start(store, STORE_TAG_CELL);
    store_form_text(store, cell->key);
    store_form_bytes(store, cell->value.data, cell->value.size);
    return store_form_digest(store);
}

void store_cell_set(struct pt_store *store, struct store_cell *cell, bool present, struct pt_bytes value)
{
    pt_buf_reset(&cell->value);
    pt_buf_append(&cell->value, value.data, value.size);
    cell->present = present;
    if (!cell->dirty) {
        cell->dirty = true;
        if (store->dirty_len == store->dirty_capacity) {
            store->dirty_capacity = store->dirty_capacity == 0 ? 16 : store->dirty_capacity * 2;
            store->dirty = realloc(store->dirty, store->dirty_capacity * sizeof(struct store_cell *));
            pt_assert(store->dirty != NULL);
        }
        store->dirty[store->dirty_len++] = cell;
    }
}

enum pt_code store_cells_flush(struct pt_store *store, struct pt_error *reterr)
{
    for (size_t i = 0; i < store->dirty_len; i++) {
        struct store_cell *cell = store->dirty[i];
        cell->dirty = false;
        if (!cell->present) {
            continue; /* was made and undone in this transaction; a cell never goes once it is committed */
        }
        sqlite3_stmt *put = NULL;
        PT_TRY(store_db_statement(&store->db, STORE_CELL_PUT, &put, reterr));
        store_bind_text(put, 1, cell->key);
        store_bind_bytes(put, 2, pt_buf_bytes(&cell->value));
        PT_TRY(store_db_run(&store->db, put, reterr));
        struct pt_digest term = store_cell_digest(store, cell);
        store_digest_swap(store, &cell->term, &term);
        cell->term = term;
    }
    store->dirty_len = 0;
    return PT_OK;
}

struct pt_digest pt_store_digest(const struct pt_store *store)
{
    struct pt_digest sum = store->digest;
    struct pt_store form = {0}; /* for its scratch memory alone: the store itself is const here */
    for (size_t i = 0; i < store->dirty_len; i++) {
        const struct store_cell *cell = store->dirty[i];
        if (cell->present) {
            struct pt_digest term = store_cell_digest(&form, cell);
            pt_digest_sub(&sum, &cell->term);
            pt_digest_add(&sum, &term);
        }
    }
    pt_buf_fini(&form.scratch);
    return sum;
}

void store_cells_clear(struct pt_store *store)
{
    PT_MAP_FOREACH (entry, &store->cells) {
        struct store_cell *cell = entry->value;
        pt_buf_fini(&cell->value);
        free(cell);
    }
    pt_map_fini(&store->cells);
    free(store->dirty);
    store->dirty = NULL;
    store->dirty_len = 0;
    store->dirty_capacity = 0;
}

/* The cell of a name in one of the two spaces; NULL when it is absent and not wanted. */
static struct store_cell *cell_of(struct pt_store *store, char space, const char *name, bool add)
{
    char key[256];
    size_t size = strlen(name);
    pt_assert(size > 0 && size + 2 <= sizeof(key));
    key[0] = space;
    memcpy(key + 1, name, size + 1);
    struct store_cell *cell = pt_map_get(&store->cells, key, size + 1);
    if (cell == NULL && add) {
        cell = store_cell_add(store, key);
    }
    return cell;
}

enum pt_code pt_store_meta_get(struct pt_store *store, const char *key, struct pt_buf *ret_value,
                               struct pt_error *reterr)
{
    (void)reterr; /* absence is an answer, and nothing else can go wrong */
    const struct store_cell *cell = cell_of(store, 'm', key, false);
    if (cell == NULL || !cell->present) {
        return PT_NOT_FOUND;
    }
    pt_buf_append(ret_value, cell->value.data, cell->value.size);
    return PT_OK;
}

enum pt_code pt_store_meta_put(struct pt_store *store, const char *key, struct pt_bytes value, struct pt_error *reterr)
{
    (void)reterr; /* memory takes it; the commit reports what the disk says */
    pt_assert(store->in_transaction);
    struct store_cell *cell = cell_of(store, 'm', key, true);
    store_undo_cell(store, cell);
    store_cell_set(store, cell, true, value);
    return PT_OK;
}

enum pt_code pt_store_allocate(struct pt_store *store, const char *counter, uint64_t first, uint64_t last,
                               uint64_t *ret_number, struct pt_error *reterr)
{
    pt_assert(store->in_transaction && first <= last && last < UINT64_MAX);
    struct store_cell *cell = cell_of(store, 'c', counter, true);
    uint64_t next = cell->present ? pt_be64(cell->value.data) : first; /* 8 bytes: checked at load */
    if (next < first) {
        next = first;
    }
    if (next > last) {
        return pt_fail(reterr, PT_EXHAUSTED, PT_REASON_LIMIT_REACHED, NULL,
                       "every number of %s up to %llu was given out, and none is given twice", counter,
                       (unsigned long long)last);
    }
    uint8_t bytes[8];
    pt_put_be64(bytes, next + 1);
    store_undo_cell(store, cell);
    store_cell_set(store, cell, true, (struct pt_bytes){bytes, sizeof(bytes)});
    *ret_number = next;
    return PT_OK;
}
