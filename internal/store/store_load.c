/*
 * From the database into memory, and is it what was written?
 *
 * store_db.c has checked the structure; here each row is hashed and the sum compared with the one that was kept when it
 * was written, so that a flipped bit in any column of any replicated table is found. History rows, which are not in the
 * sum, have a checksum each. What a page holds beside its rows (free space, dead pages) is never read and needs no
 * check.
 */
#include "base/assert.h"
#include "store/store_state.h"

static enum pt_code load_cells(struct pt_store *store, struct pt_digest *sum, struct pt_error *reterr)
{
    sqlite3_stmt *all = NULL;
    PT_TRY(store_db_statement(&store->db, STORE_CELL_ALL, &all, reterr));
    for (;;) {
        bool row = false;
        PT_TRY(store_db_step(&store->db, all, &row, reterr));
        if (!row) {
            return PT_OK;
        }
        const char *key = store_column_text(all, 0);
        struct pt_bytes value = store_column_bytes(all, 1);
        if ((key[0] != 'm' && key[0] != 'c') || (key[0] == 'c' && value.size != 8)) {
            return store_db_corrupt(&store->db, reterr, "there is a value of an unknown form");
        }
        struct store_cell *cell = store_cell_add(store, key);
        pt_buf_append(&cell->value, value.data, value.size);
        cell->present = true;
        cell->term = store_cell_digest(store, cell);
        pt_digest_add(sum, &cell->term);
    }
}

static enum pt_code load_replies(struct pt_store *store, struct pt_digest *sum, struct pt_error *reterr)
{
    sqlite3_stmt *all = NULL;
    PT_TRY(store_db_statement(&store->db, STORE_REPLY_ALL, &all, reterr));
    store_bind_u64(all, 1, 0);
    for (;;) {
        bool row = false;
        PT_TRY(store_db_step(&store->db, all, &row, reterr));
        if (!row) {
            return PT_OK;
        }
        uint64_t seq = store_column_u64(all, 0);
        const char *request_id = store_column_text(all, 1);
        if (seq != store->replies.next_seq || pt_map_get_str(&store->replies.by_id, request_id) != NULL) {
            return store_db_corrupt(&store->db, reterr, "the replies are not the ones that were kept");
        }
        struct store_reply *reply = store_reply_add(store, seq, request_id);
        reply->term = store_reply_digest(store, request_id, store_column_u64(all, 2), store_column_bytes(all, 3));
        pt_digest_add(sum, &reply->term);
    }
}

static enum pt_code load_history(struct pt_store *store, struct pt_error *reterr)
{
    sqlite3_stmt *all = NULL;
    PT_TRY(store_db_statement(&store->db, STORE_HISTORY_ALL, &all, reterr));
    for (;;) {
        bool row = false;
        PT_TRY(store_db_step(&store->db, all, &row, reterr));
        if (!row) {
            return PT_OK;
        }
        uint64_t key = store_column_u64(all, 0);
        uint32_t crc = store_history_crc(key, store_column_text(all, 1), store_column_bytes(all, 2));
        if (key <= store->history.floor || crc != store_column_u64(all, 3)) {
            return store_db_corrupt(&store->db, reterr, "an event of the history does not match its checksum");
        }
        store_history_add(store, key);
    }
}

static enum pt_code sum_rows(struct pt_store *store, struct pt_digest *sum, struct pt_error *reterr)
{
    sqlite3_stmt *all = NULL;
    PT_TRY(store_db_borrow(&store->db, STORE_ROW_SCAN, &all, reterr));
    store_bind_text(all, 2, "");
    (void)sqlite3_bind_blob(all, 3, "", 0, SQLITE_STATIC); /* above every text */
    (void)sqlite3_bind_int64(all, 4, -1);
    enum pt_code code = PT_OK;
    bool found = true;
    while ((code = store_db_step(&store->db, all, &found, reterr)) == PT_OK && found) {
        struct pt_row row;
        store_row_of(all, &row);
        struct pt_digest term = store_row_digest(store, &row);
        pt_digest_add(sum, &term);
    }
    store_db_return(&store->db, STORE_ROW_SCAN, all);
    return code;
}

/* The form of a resource's list is built while its rows go by: it ends where the next resource's begins. */
static enum pt_code sum_references(struct pt_store *store, struct pt_digest *sum, struct pt_error *reterr)
{
    sqlite3_stmt *all = NULL;
    PT_TRY(store_db_statement(&store->db, STORE_REFERENCE_ALL, &all, reterr));
    PT_AUTO(buf) struct pt_buf from = {0};
    for (;;) {
        bool row = false;
        PT_TRY(store_db_step(&store->db, all, &row, reterr));
        const char *name = row ? store_column_text(all, 0) : "";
        if (from.size > 0 && strcmp((const char *)from.data, name) != 0) {
            struct pt_digest term = store_form_digest(store);
            pt_digest_add(sum, &term);
            pt_buf_reset(&from);
        }
        if (!row) {
            return PT_OK;
        }
        if (from.size == 0) {
            pt_buf_append_str(&from, name);
            store_form_start(store, STORE_TAG_REFERENCES);
            store_form_text(store, name);
        }
        store_form_text(store, store_column_text(all, 1));
    }
}

enum pt_code store_load(struct pt_store *store, struct pt_error *reterr)
{
    struct pt_digest sum = {0};
    PT_TRY(store_status_read(store, reterr));
    PT_TRY(load_cells(store, &sum, reterr));
    PT_TRY(load_replies(store, &sum, reterr));
    PT_TRY(load_history(store, reterr));
    PT_TRY(sum_rows(store, &sum, reterr));
    PT_TRY(sum_references(store, &sum, reterr));
    if (!pt_digest_equal(&sum, &store->digest)) {
        return store_db_corrupt(&store->db, reterr, "its rows do not sum to the digest that was kept");
    }
    return PT_OK;
}

/* Replies that were evicted in this transaction are still on disk, and are left out. */
static enum pt_code sum_replies(struct pt_store *store, struct pt_digest *sum, struct pt_error *reterr)
{
    sqlite3_stmt *all = NULL;
    PT_TRY(store_db_statement(&store->db, STORE_REPLY_ALL, &all, reterr));
    store_bind_u64(all, 1, store_replies_first(store));
    for (;;) {
        bool row = false;
        PT_TRY(store_db_step(&store->db, all, &row, reterr));
        if (!row) {
            return PT_OK;
        }
        struct pt_digest term =
            store_reply_digest(store, store_column_text(all, 1), store_column_u64(all, 2), store_column_bytes(all, 3));
        pt_digest_add(sum, &term);
    }
}

/* Cells on disk, which is what store->digest holds of them. */
static enum pt_code sum_cells(struct pt_store *store, struct pt_digest *sum, struct pt_error *reterr)
{
    sqlite3_stmt *all = NULL;
    PT_TRY(store_db_statement(&store->db, STORE_CELL_ALL, &all, reterr));
    for (;;) {
        bool row = false;
        PT_TRY(store_db_step(&store->db, all, &row, reterr));
        if (!row) {
            return PT_OK;
        }
        struct pt_bytes value = store_column_bytes(all, 1);
        store_form_start(store, STORE_TAG_CELL);
        store_form_text(store, store_column_text(all, 0));
        store_form_bytes(store, value.data, value.size);
        struct pt_digest term = store_form_digest(store);
        pt_digest_add(sum, &term);
    }
}

enum pt_code pt_store_scrub(struct pt_store *store, struct pt_error *reterr)
{
    struct pt_digest sum = {0};
    PT_TRY(sum_cells(store, &sum, reterr));
    PT_TRY(sum_replies(store, &sum, reterr));
    PT_TRY(sum_rows(store, &sum, reterr));
    PT_TRY(sum_references(store, &sum, reterr));
    if (!pt_digest_equal(&sum, &store->digest)) {
        return store_db_corrupt(&store->db, reterr, "its rows do not sum to the digest that was kept");
    }
    return PT_OK;
}
