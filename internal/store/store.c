/*
 * The store's life, its transactions, and the status record that goes with each.
 *
 * A transaction holds a batch of log entries; several batches gather in one transaction of SQLite, a group:
 *
 *   begin, changes, end;  begin, changes, end;  ...  begin, changes, commit
 *   '------------------- a group, one transaction of SQLite ---------------'
 *
 * The commit writes, in this order: cells that changed, replies and events, evictions and trims, the status record;
 * then it hands the write-ahead log to the operating system. The witness in the database therefore always speaks of
 * exactly the state beside it. Replies and events that are ROW_SIZE long go into SQLite's transaction before, at the
 * end of a batch: SQLite makes a copy of each row, and one of half a megabyte was mapped, filled and unmapped page by
 * page at every commit. A commit of a dozen entries writes as many pages as there are trees, each of them whole, and
 * the next one writes most of them again: at 2,000 entries a second, 30 KiB an entry. A group of 100 ms writes 3. What
 * a crash takes of a group the log still holds, and it is applied again. What must not be late is the word of what this
 * node acknowledged (store_promise.c).
 *
 * The status record, big-endian:
 *
 *   version(4) applied index(8) applied term(8) acked index(8) log hash(32) digest(32) first reply(8) floor(8) crc(4)
 *
 * An empty record is that of a new database. The checksum is CRC-32C over what stands before it.
 *
 * Failure. After an error of file or database nothing more is written, by any call: what SQLite holds in memory may no
 * longer be what the disk will say. The next start finds the last commit that the write-ahead log proves.
 */
#include "store/store.h"
#include "base/assert.h"
#include "store/store_state.h"

#include <stdio.h>
#include <stdlib.h>

#define STATUS_VERSION 1
#define STATUS_SIZE (4 + 3 * 8 + 2 * PT_DIGEST_SIZE + 2 * 8 + 4)
/* Pages of 4 KiB in the write-ahead log before it is brought into the database: larger saves writes of pages that
 * change often, smaller saves time at start. */
#define CHECKPOINT_PAGES 2000
/* A group is committed when it is so old, so long, or so large; one that nobody adds to stays open, which costs a
 * restart the entries of a tenth of a second. */
#define GROUP_NS UINT64_C(100000000)
#define GROUP_LEN 4096
#define GROUP_SIZE (1U << 20)
/* Replies and events of a group become a row of theirs when they are so long: its copy is taken from the heap. */
#define ROW_SIZE (64U << 10)

/* ---- canonical forms ------------------------------------------------------------------------------------------ */

void store_form_start(struct pt_store *store, char tag)
{
    pt_buf_reset(&store->scratch);
    pt_buf_append_u8(&store->scratch, (uint8_t)tag);
}

void store_form_bytes(struct pt_store *store, const void *data, size_t size)
{
    pt_buf_append_be32(&store->scratch, (uint32_t)size);
    pt_buf_append(&store->scratch, data, size);
}

void store_form_text(struct pt_store *store, const char *text)
{
    store_form_bytes(store, text, strlen(text));
}

void store_form_u64(struct pt_store *store, uint64_t value)
{
    pt_buf_append_be64(&store->scratch, value);
}

struct pt_digest store_form_digest(struct pt_store *store)
{
    return pt_sha256(store->scratch.data, store->scratch.size);
}

void store_digest_swap(struct pt_store *store, const struct pt_digest *out, const struct pt_digest *in)
{
    if (out != NULL) {
        pt_digest_sub(&store->digest, out);
    }
    if (in != NULL) {
        pt_digest_add(&store->digest, in);
    }
}

/* ---- status --------------------------------------------------------------------------------------------------- */

enum pt_code store_status_write(struct pt_store *store, struct pt_error *reterr)
{
    struct pt_buf *record = &store->scratch;
    const struct pt_witness *witness = &store->witness;
    pt_buf_reset(record);
    pt_buf_append_be32(record, STATUS_VERSION);
    pt_buf_append_be64(record, witness->applied_index);
    pt_buf_append_be64(record, witness->applied_term);
    pt_buf_append_be64(record, witness->acked_index);
    pt_buf_append(record, witness->log_hash.bytes, PT_DIGEST_SIZE);
    pt_buf_append(record, store->digest.bytes, PT_DIGEST_SIZE);
    pt_buf_append_be64(record, store_replies_first(store));
    pt_buf_append_be64(record, store->history.floor);
    pt_buf_append_be32(record, pt_crc32c(0, record->data, record->size));
    pt_assert(record->size == STATUS_SIZE);
    sqlite3_stmt *put = NULL;
    PT_TRY(store_db_statement(&store->db, STORE_STATUS_PUT, &put, reterr));
    store_bind_bytes(put, 1, pt_buf_bytes(record));
    return store_db_run(&store->db, put, reterr);
}

enum pt_code store_status_read(struct pt_store *store, struct pt_error *reterr)
{
    sqlite3_stmt *get = NULL;
    PT_TRY(store_db_statement(&store->db, STORE_STATUS_GET, &get, reterr));
    bool row = false;
    PT_TRY(store_db_step(&store->db, get, &row, reterr));
    uint8_t record[STATUS_SIZE];
    size_t size = row ? store_column_bytes(get, 0).size : SIZE_MAX;
    if (size == STATUS_SIZE) {
        memcpy(record, store_column_bytes(get, 0).data, STATUS_SIZE);
    }
    (void)sqlite3_reset(get); /* an error would have come with the step */
    if (size == 0) {
        return PT_OK; /* a new database: everything is zero */
    }
    if (size != STATUS_SIZE || pt_crc32c(0, record, STATUS_SIZE - 4) != pt_be32(record + STATUS_SIZE - 4) ||
        pt_be32(record) != STATUS_VERSION) {
        return store_db_corrupt(&store->db, reterr, "the status record does not match its checksum");
    }
    store->witness = (struct pt_witness){
        .applied_index = pt_be64(record + 4),
        .applied_term = pt_be64(record + 12),
        .acked_index = pt_be64(record + 20),
    };
    memcpy(store->witness.log_hash.bytes, record + 28, PT_DIGEST_SIZE);
    memcpy(store->digest.bytes, record + 28 + PT_DIGEST_SIZE, PT_DIGEST_SIZE);
    store->replies.next_seq = pt_be64(record + 28 + 2 * PT_DIGEST_SIZE);
    store->history.floor = pt_be64(record + 36 + 2 * PT_DIGEST_SIZE);
    return PT_OK;
}

/* ---- life ----------------------------------------------------------------------------------------------------- */

enum pt_code store_attach(struct pt_store *store, struct pt_error *reterr)
{
    PT_TRY(store_db_open(&store->db, store->sys, store->path, reterr));
    return store_load(store, reterr);
}

static void forget(struct pt_store *store)
{
    store_cells_clear(store);
    store_replies_clear(store);
    store_history_clear(store);
    store_counts_clear(store);
    store_names_clear(store);
    store_undo_clear(store);
    pt_buf_fini(&store->scratch);
    store->witness = (struct pt_witness){0};
    store->digest = (struct pt_digest){0};
    store->in_transaction = false;
    store->in_group = false;
    store->in_savepoint = false;
    store->fresh[0] = '\0';
    store->known[0] = '\0';
}

void store_detach(struct pt_store *store)
{
    store_db_close(&store->db);
    forget(store);
}

static struct pt_store *store_new(struct pt_sys *sys, const char *path)
{
    struct pt_store *store = calloc(1, sizeof(*store));
    pt_assert(store != NULL);
    store->sys = sys;
    store->path = strdup(path);
    pt_assert(store->path != NULL);
    return store;
}

static void store_free(struct pt_store *store)
{
    store_promise_close(store);
    pt_file_close(store->lock);
    free(store->path);
    free(store);
}

enum pt_code pt_store_open(struct pt_sys *sys, const char *path, struct pt_store **ret_store, struct pt_error *reterr)
{
    char lock_path[1024];
    int size = snprintf(lock_path, sizeof(lock_path), "%s.lock", path);
    if (size < 0 || (size_t)size >= sizeof(lock_path)) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_NONE, NULL, "the path of the database is too long");
    }
    struct pt_store *store = store_new(sys, path);
    enum pt_code code = pt_file_open(sys, lock_path, PT_OPEN_WRITE | PT_OPEN_CREATE, &store->lock, reterr);
    if (code == PT_OK) {
        code = pt_file_lock(store->lock, reterr);
    }
    if (code == PT_OK) {
        code = store_restore_clean(sys, path, reterr);
    }
    if (code == PT_OK) {
        code = store_attach(store, reterr);
    }
    if (code == PT_OK) {
        code = store_promise_open(store, reterr);
    }
    if (code != PT_OK) {
        store_detach(store);
        store_free(store);
        return code;
    }
    *ret_store = store;
    return PT_OK;
}

void pt_store_close(struct pt_store *store)
{
    if (store == NULL) {
        return;
    }
    if (!store->in_transaction && store->db.failure.code == PT_OK) {
        enum pt_code ignored = store_group_commit(store, NULL);
        (void)ignored; /* the log has what the database has not */
    }
    store_detach(store); /* SQLite rolls back what is open */
    store_free(store);
}

void pt_store_abandon(struct pt_store *store)
{
    if (store != NULL) {
        store_db_abandon(&store->db);
        forget(store);
        store_free(store);
    }
}

/* ---- transactions --------------------------------------------------------------------------------------------- */

enum pt_code pt_store_begin(struct pt_store *store, struct pt_error *reterr)
{
    pt_assert(!store->in_transaction);
    if (!store->in_group) {
        PT_TRY(store_db_do(&store->db, STORE_BEGIN, reterr));
        store->in_group = true;
        store->group_since_ns = pt_sys_now_ns(store->sys);
        store->group_since_index = store->witness.applied_index;
        store->group_size = 0;
    }
    store->in_transaction = true;
    return PT_OK;
}

static enum pt_code checkpoint_when_due(struct pt_store *store, struct pt_error *reterr)
{
    struct store_db *db = &store->db;
    if (store_vfs_failure(db->vfs)->code != PT_OK) { /* of the worker: nobody else was told */
        return store_db_fail(db, SQLITE_IOERR, reterr);
    }
    if (store->pinned || db->wal_pages < CHECKPOINT_PAGES) {
        return PT_OK;
    }
    return store_db_checkpoint(db, STORE_CHECKPOINT_BEHIND, reterr);
}

enum pt_code store_group_commit(struct pt_store *store, struct pt_error *reterr)
{
    pt_assert(!store->in_transaction);
    if (!store->in_group) {
        return PT_OK;
    }
    PT_TRY(store_cells_flush(store, reterr));
    PT_TRY(store_replies_flush(store, reterr));
    PT_TRY(store_history_flush(store, reterr));
    PT_TRY(store_status_write(store, reterr));
    PT_TRY(store_db_do(&store->db, STORE_COMMIT, reterr));
    store->in_group = false;
    if (store_vfs_flush(store->db.vfs, NULL) != PT_OK) {
        return store_db_fail(&store->db, SQLITE_IOERR, reterr);
    }
    return checkpoint_when_due(store, reterr);
}

static bool group_due(const struct pt_store *store)
{
    return pt_sys_now_ns(store->sys) - store->group_since_ns >= GROUP_NS ||
           store->witness.applied_index - store->group_since_index >= GROUP_LEN ||
           store->group_size + store->history.pending.size + store->replies.pending.size >= GROUP_SIZE;
}

static enum pt_code insert_long_rows(struct pt_store *store, struct pt_error *reterr)
{
    if (store->history.pending.size >= ROW_SIZE) {
        store->group_size += store->history.pending.size;
        PT_TRY(store_history_insert(store, reterr));
    }
    if (store->replies.pending.size >= ROW_SIZE) {
        store->group_size += store->replies.pending.size;
        PT_TRY(store_replies_insert(store, reterr));
    }
    return PT_OK;
}

static void end(struct pt_store *store, const struct pt_witness *witness)
{
    pt_assert(store->in_transaction && !store->in_savepoint);
    store->witness = *witness;
    store->in_transaction = false;
}

enum pt_code pt_store_commit(struct pt_store *store, const struct pt_witness *witness, struct pt_error *reterr)
{
    end(store, witness);
    return store_group_commit(store, reterr);
}

enum pt_code pt_store_end(struct pt_store *store, const struct pt_witness *witness, struct pt_error *reterr)
{
    end(store, witness);
    PT_TRY(store_promise_write(store, reterr));
    PT_TRY(insert_long_rows(store, reterr));
    return group_due(store) ? store_group_commit(store, reterr) : PT_OK;
}

const struct pt_error *pt_store_failure(const struct pt_store *store)
{
    const struct store_db *db = &store->db;
    if (db->failure.code == PT_OK && db->vfs != NULL && store_vfs_failure(db->vfs)->code != PT_OK) {
        return store_vfs_failure(db->vfs); /* of the worker, which nobody has met yet */
    }
    return db->failure.code != PT_OK ? &db->failure : NULL;
}

struct pt_witness pt_store_witness(const struct pt_store *store)
{
    return store->witness;
}
