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

/* One row. Those before `first` were evicted, and lie here still because a later one of the row does. */
static bool load_reply_row(struct pt_store *store, uint64_t batch, struct pt_bytes body, uint64_t first,
                           struct pt_digest *sum)
{
    struct store_replies *replies = &store->replies;
    uint64_t seq = batch;
    for (size_t at = 0; at < body.size; seq++) {
        struct store_reply_entry entry;
        if (!store_reply_parse(body, &at, &entry)) {
            return false;
        }
        if (seq < first) {
            continue;
        }
        if (pt_map_get_str(&replies->by_id, entry.request_id) != NULL) {
            return false;
        }
        struct store_reply *reply = store_reply_add(store, seq, entry.request_id);
        reply->batch = batch;
        reply->offset = entry.offset;
        reply->size = entry.reply.size;
        reply->term = store_reply_digest(store, &entry);
        pt_digest_add(sum, &reply->term);
    }
    replies->pending_seq = seq;
    return true;
}

static enum pt_code load_replies(struct pt_store *store, struct pt_digest *sum, struct pt_error *reterr)
{
    sqlite3_stmt *all = NULL;
    uint64_t first = store->replies.next_seq; /* as the status record says */
    store->replies.pending_seq = first;
    PT_TRY(store_db_statement(&store->db, STORE_REPLY_ALL, &all, reterr));
    for (bool any = false;; any = true) {
        bool row = false;
        PT_TRY(store_db_step(&store->db, all, &row, reterr));
        if (!row) {
            return PT_OK;
        }
        uint64_t batch = store_column_u64(all, 0);
        bool follows = any ? batch == store->replies.pending_seq : batch <= first;
        if (!follows || !load_reply_row(store, batch, store_column_bytes(all, 1), first, sum)) {
            return store_db_corrupt(&store->db, reterr, "the replies are not the ones that were kept");
        }
    }
}

static bool load_history_row(struct pt_store *store, struct pt_bytes body)
{
    struct store_history *history = &store->history;
    uint64_t last = 0;
    for (size_t at = 0; at < body.size;) {
        struct store_event_entry entry;
        if (!store_event_parse(body, &at, &entry) || entry.key <= last) {
            return false;
        }
        last = entry.key;
        if (entry.key <= history->floor) {
            continue; /* trimmed, and here still because a later one of the row is kept */
        }
        if (history->len > 0 && entry.key <= history->keys[history->len - 1]) {
            return false;
        }
        store_history_add(store, entry.key, entry.event.size);
    }
    return true;
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
        struct pt_bytes body = store_column_bytes(all, 1);
        if (store_history_crc(store_column_u64(all, 0), body) != store_column_u64(all, 2) ||
            !load_history_row(store, body)) {
            return store_db_corrupt(&store->db, reterr, "events of the history do not match their checksum");
        }
    }
}

/* loading: the names of the rows are new to store_names.c. */
static enum pt_code sum_rows(struct pt_store *store, bool loading, struct pt_digest *sum, struct pt_error *reterr)
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
        if (loading) {
            store_names_add(store, row.name);
        }
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
    PT_TRY(sum_rows(store, true, &sum, reterr));
    PT_TRY(sum_references(store, &sum, reterr));
    if (!pt_digest_equal(&sum, &store->digest)) {
        return store_db_corrupt(&store->db, reterr, "its rows do not sum to the digest that was kept");
    }
    return PT_OK;
}

static bool sum_reply_row(struct pt_store *store, uint64_t seq, struct pt_bytes body, struct pt_digest *sum)
{
    uint64_t first = store_replies_first(store);
    for (size_t at = 0; at < body.size; seq++) {
        struct store_reply_entry entry;
        if (!store_reply_parse(body, &at, &entry)) {
            return false;
        }
        if (seq >= first) {
            struct pt_digest term = store_reply_digest(store, &entry);
            pt_digest_add(sum, &term);
        }
    }
    return true;
}

/* Those on disk and those of this transaction; what was evicted in it is still there, and is left out. */
static enum pt_code sum_replies(struct pt_store *store, struct pt_digest *sum, struct pt_error *reterr)
{
    sqlite3_stmt *all = NULL;
    bool whole = true;
    PT_TRY(store_db_statement(&store->db, STORE_REPLY_ALL, &all, reterr));
    for (;;) {
        bool row = false;
        PT_TRY(store_db_step(&store->db, all, &row, reterr));
        if (!row) {
            break;
        }
        whole = sum_reply_row(store, store_column_u64(all, 0), store_column_bytes(all, 1), sum) && whole;
    }
    const struct store_replies *replies = &store->replies;
    whole = sum_reply_row(store, replies->pending_seq, pt_buf_bytes(&replies->pending), sum) && whole;
    return whole ? PT_OK : store_db_corrupt(&store->db, reterr, "a row of the replies is torn");
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
    PT_TRY(sum_rows(store, false, &sum, reterr));
    PT_TRY(sum_references(store, &sum, reterr));
    if (!pt_digest_equal(&sum, &store->digest)) {
        return store_db_corrupt(&store->db, reterr, "its rows do not sum to the digest that was kept");
    }
    return PT_OK;
}
