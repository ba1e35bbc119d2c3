/*
 * Undo: one log entry's changes, taken back when its verdict is a refusal.
 *
 * SQLite's savepoints would copy each page before its first change, for every entry, although nearly every entry is
 * accepted. Here the store remembers what it overwrites, in memory, and puts it back with ordinary statements,
 * backwards. What is remembered for a create is its name. Replies and history only grow at one end, so their old
 * lengths are enough; the digest is kept as it was.
 *
 * Bytes of an entry: a row is present(1) | name | kind | revision | value | uid | etag; references are name | count |
 * to...; a cell is present(1) | value. Every text and value has its length before it, and texts keep their NUL, so that
 * they can be used where they lie.
 */
#include "base/assert.h"
#include "store/store_state.h"

#include <stdlib.h>

static void put_bytes(struct pt_store *store, const void *data, size_t size)
{
    pt_buf_append_be32(&store->undo.bytes, (uint32_t)size);
    pt_buf_append(&store->undo.bytes, data, size);
}

static void put_text(struct pt_store *store, const char *text)
{
    put_bytes(store, text, strlen(text) + 1);
}

static struct pt_bytes take_bytes(const struct pt_store *store, size_t *at)
{
    const uint8_t *data = store->undo.bytes.data + *at;
    struct pt_bytes bytes = {data + 4, pt_be32(data)};
    *at += 4 + bytes.size;
    return bytes;
}

static const char *take_text(const struct pt_store *store, size_t *at)
{
    return (const char *)take_bytes(store, at).data;
}

static void push(struct pt_store *store, enum store_undo_kind kind, struct store_cell *cell)
{
    struct store_undo *undo = &store->undo;
    if (undo->len == undo->capacity) {
        undo->capacity = undo->capacity == 0 ? 16 : undo->capacity * 2;
        undo->entries = realloc(undo->entries, undo->capacity * sizeof(struct store_undo_entry));
        pt_assert(undo->entries != NULL);
    }
    undo->entries[undo->len++] = (struct store_undo_entry){.kind = kind, .cell = cell, .at = undo->bytes.size};
}

void store_undo_row(struct pt_store *store, const char *name, const struct pt_row *row)
{
    if (!store->in_savepoint) {
        return;
    }
    push(store, STORE_UNDO_ROW, NULL);
    pt_buf_append_u8(&store->undo.bytes, row != NULL);
    put_text(store, name);
    if (row != NULL) {
        pt_buf_append_be32(&store->undo.bytes, row->kind_id);
        pt_buf_append_be64(&store->undo.bytes, row->revision);
        put_bytes(store, row->value.data, row->value.size);
        put_text(store, row->uid);
        put_text(store, row->etag);
    }
}

void store_undo_references(struct pt_store *store, const char *from, const char *const *to, size_t len)
{
    if (!store->in_savepoint) {
        return;
    }
    push(store, STORE_UNDO_REFERENCES, NULL);
    put_text(store, from);
    pt_buf_append_be32(&store->undo.bytes, (uint32_t)len);
    for (size_t i = 0; i < len; i++) {
        put_text(store, to[i]);
    }
}

void store_undo_cell(struct pt_store *store, struct store_cell *cell)
{
    if (store->in_savepoint) {
        push(store, STORE_UNDO_CELL, cell);
        pt_buf_append_u8(&store->undo.bytes, cell->present);
        put_bytes(store, cell->value.data, cell->value.size);
    }
}

void store_undo_clear(struct pt_store *store)
{
    free(store->undo.entries);
    pt_buf_fini(&store->undo.bytes);
    store->undo = (struct store_undo){0};
}

static enum pt_code restore_row(struct pt_store *store, size_t at, struct pt_error *reterr)
{
    bool present = store->undo.bytes.data[at++] != 0;
    struct pt_row row = {.name = take_text(store, &at)};
    if (!present) {
        return store_row_erase(store, row.name, reterr);
    }
    row.kind_id = pt_be32(store->undo.bytes.data + at);
    row.revision = pt_be64(store->undo.bytes.data + at + 4);
    at += 12;
    row.value = take_bytes(store, &at);
    row.uid = take_text(store, &at);
    row.etag = take_text(store, &at);
    return store_row_restore(store, &row, reterr);
}

static enum pt_code restore_references(struct pt_store *store, size_t at, struct pt_error *reterr)
{
    const char *from = take_text(store, &at);
    size_t len = pt_be32(store->undo.bytes.data + at);
    at += 4;
    sqlite3_stmt *remove = NULL;
    PT_TRY(store_db_statement(&store->db, STORE_REFERENCE_REMOVE, &remove, reterr));
    store_bind_text(remove, 1, from);
    PT_TRY(store_db_run(&store->db, remove, reterr));
    const char **to = calloc(len + 1, sizeof(char *));
    pt_assert(to != NULL);
    for (size_t i = 0; i < len; i++) {
        to[i] = take_text(store, &at);
    }
    enum pt_code code = store_references_put(store, from, to, len, reterr);
    free(to);
    return code;
}

enum pt_code pt_store_savepoint(struct pt_store *store, struct pt_error *reterr)
{
    (void)reterr; /* memory only */
    pt_assert(store->in_transaction && !store->in_savepoint);
    struct store_undo *undo = &store->undo;
    pt_assert(undo->len == 0);
    store->in_savepoint = true;
    undo->digest = store->digest;
    undo->reply_head = store->replies.head;
    undo->reply_len = store->replies.len;
    undo->reply_pending = store->replies.pending.size;
    undo->history_pending = store->history.pending.size;
    undo->history_head = store->history.head;
    undo->history_len = store->history.len;
    undo->history_floor = store->history.floor;
    undo->history_size = store->history.size;
    return PT_OK;
}

static void close_savepoint(struct pt_store *store)
{
    store->in_savepoint = false;
    store->undo.len = 0;
    pt_buf_reset(&store->undo.bytes);
}

enum pt_code pt_store_release(struct pt_store *store, struct pt_error *reterr)
{
    (void)reterr; /* memory only */
    pt_assert(store->in_savepoint);
    close_savepoint(store);
    return PT_OK;
}

enum pt_code pt_store_undo(struct pt_store *store, struct pt_error *reterr)
{
    pt_assert(store->in_savepoint);
    struct store_undo *undo = &store->undo;
    struct pt_digest digest = undo->digest;
    while (undo->len > 0) {
        const struct store_undo_entry *entry = &undo->entries[--undo->len];
        size_t at = entry->at;
        switch (entry->kind) {
        case STORE_UNDO_ROW:
            PT_TRY(restore_row(store, at, reterr));
            break;
        case STORE_UNDO_REFERENCES:
            PT_TRY(restore_references(store, at, reterr));
            break;
        case STORE_UNDO_CELL: {
            bool present = undo->bytes.data[at++] != 0;
            store_cell_set(store, entry->cell, present, take_bytes(store, &at));
            break;
        }
        }
    }
    store_replies_undo(store);
    store_history_undo(store);
    store->digest = digest;
    store->fresh[0] = '\0';
    store->known[0] = '\0';
    store_counts_clear(store);
    close_savepoint(store);
    return PT_OK;
}
