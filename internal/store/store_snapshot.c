/*
 * Snapshots: a copy of the database file out, and another node's copy in.
 *
 * Out. A checkpoint lists what is not in the database file yet, and a worker brings it there (store_backfill.c). From
 * the list on the store is pinned: commits go to the write-ahead log alone and no checkpoint runs, so that the file,
 * once the worker is through, holds the state of the pin and does not change until the pin is taken off. Another worker
 * copies it as it lies, however long that takes, and the loop goes on meanwhile; the log grows by what is committed. It
 * hashes what it copies while that is at hand: who hashed the copy afterwards read all of it once more.
 *
 * In, with D the database, D.next the candidate and D-wal the log. Each step is durable before the next begins:
 *
 *   1  copy the snapshot to D.next                                  crash: old state; D.next is removed at the next
 * open 2  open D.next as a store: structure, checksums and digest are checked; PT_CORRUPT ends here, D untouched 3  in
 * D.next: acked index = max(ours, its applied index)        the snapshot says what its maker acknowledged, not we 4
 * close D.next (its log goes into it); sync it and its folder  crash: old state 5  whole checkpoint of D, close it,
 * remove D-wal, sync folder   crash: old state, all of it in D 6  rename D.next to D, sync folder crash: old or new
 * state, each whole and without log 7  open D
 *
 * Step 5 is what makes 6 safe: a log that stood beside the new file would be replayed into it. The lock is on a file of
 * its own, so nobody can come between 5 and 7. An error from 5 on leaves the store failed: the node stops, and its
 * next start finds one state or the other.
 */
#include "base/assert.h"
#include "store/store_state.h"

#include <stdio.h>
#include <stdlib.h>

#define COPY_SIZE (256 * 1024)
#define SYNC_SIZE (4 * 1024 * 1024)
#define PATH_SIZE_MAX 1024

static enum pt_code copy_pieces(struct pt_file *from, struct pt_file *to, uint64_t size,
                                struct pt_sha256_stream *stream, struct pt_error *reterr)
{
    PT_AUTO(buf) struct pt_buf piece = {0};
    uint8_t *data = pt_buf_reserve(&piece, COPY_SIZE);
    for (uint64_t at = 0; at < size;) {
        size_t len = size - at < COPY_SIZE ? (size_t)(size - at) : COPY_SIZE;
        PT_TRY(pt_file_read(from, at, data, len, reterr));
        if (stream != NULL) {
            pt_sha256_update(stream, data, len);
        }
        PT_TRY(pt_file_write(to, at, data, len, reterr));
        at += len;
        if (at % SYNC_SIZE == 0) { /* the log's syncs would wait for all that lies unwritten on their disk */
            PT_TRY(pt_file_sync(to, reterr));
        }
    }
    return pt_file_sync(to, reterr);
}

/* A durable copy under a name that is free afterwards whatever stood there. The stream (may be NULL) takes its bytes.
 */
static enum pt_code copy_file(struct pt_sys *sys, const char *from_path, const char *to_path,
                              struct pt_sha256_stream *stream, uint64_t *ret_size, struct pt_error *reterr)
{
    uint64_t size = 0;
    struct pt_file *from = NULL;
    struct pt_file *to = NULL;
    enum pt_code code = pt_file_open(sys, from_path, PT_OPEN_READ, &from, reterr);
    if (code == PT_OK) {
        code = pt_path_remove(sys, to_path, reterr);
    }
    if (code == PT_OK) {
        code = pt_file_open(sys, to_path, PT_OPEN_WRITE | PT_OPEN_CREATE | PT_OPEN_EXCLUSIVE, &to, reterr);
    }
    if (code == PT_OK) {
        code = pt_file_size(from, &size, reterr);
    }
    if (code == PT_OK) {
        code = copy_pieces(from, to, size, stream, reterr);
    }
    pt_file_close(to);
    pt_file_close(from);
    PT_TRY(code);
    PT_TRY(store_sync_folder(sys, to_path, reterr));
    *ret_size = size;
    return PT_OK;
}

/* path and ending; the open has made sure that every such path fits. */
static const char *with_ending(const char *path, const char *ending, char text[PATH_SIZE_MAX])
{
    int size = snprintf(text, PATH_SIZE_MAX, "%s%s", path, ending);
    pt_assert(size > 0 && size < PATH_SIZE_MAX);
    return text;
}

enum pt_code store_restore_clean(struct pt_sys *sys, const char *path, struct pt_error *reterr)
{
    static const char *const endings[] = {".next", ".next-wal", ".next-journal"};
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        char name[PATH_SIZE_MAX];
        PT_TRY(pt_path_remove(sys, with_ending(path, endings[i], name), reterr));
    }
    return PT_OK;
}

/* The worker is through with what the pin listed, or with what was listed just before. */
static void file_ready(void *arg)
{
    struct pt_store *store = arg;
    store->pin_error = *store_vfs_failure(store->db.vfs);
    store->pin_ready(store->pin_ready_arg);
}

enum pt_code pt_store_pin(struct pt_store *store, pt_task_fn ready, void *arg, struct pt_error *reterr)
{
    pt_assert(!store->in_transaction && !store->pinned);
    struct store_db *db = &store->db;
    PT_TRY(store_group_commit(store, reterr));
    /* When a checkpoint is under way and nothing was committed since, everything is listed; a further one would wait.
     */
    if (store_vfs_failure(db->vfs)->code != PT_OK || db->wal_pages > 0 || !store_vfs_checkpoint_busy(db->vfs)) {
        PT_TRY(store_db_checkpoint(db, STORE_CHECKPOINT_BEHIND, reterr));
    }
    store->pinned = true;
    store->pin_ready = ready;
    store->pin_ready_arg = arg;
    if (store_vfs_checkpoint_busy(db->vfs)) {
        store_vfs_checkpoint_then(db->vfs, file_ready, store);
    } else {
        file_ready(store);
    }
    return PT_OK;
}

enum pt_code pt_store_copy(const struct pt_store *store, const char *path, uint64_t *ret_size,
                           struct pt_digest *ret_digest, struct pt_error *reterr)
{
    if (store->pin_error.code != PT_OK) {
        if (reterr != NULL) {
            *reterr = store->pin_error;
        }
        return store->pin_error.code;
    }
    struct pt_sha256_stream *stream = pt_sha256_open();
    enum pt_code code = copy_file(store->sys, store->path, path, stream, ret_size, reterr);
    struct pt_digest digest = pt_sha256_close(stream);
    PT_TRY(code);
    *ret_digest = digest;
    return PT_OK;
}

void pt_store_unpin(struct pt_store *store)
{
    store->pinned = false; /* the next commit finds a long log and checkpoints */
    if (store->db.vfs != NULL) {
        store_vfs_checkpoint_then(store->db.vfs, NULL, NULL);
    }
}

static void ignore_ready(void *arg)
{
    (void)arg;
}

enum pt_code pt_store_snapshot(struct pt_store *store, const char *path, struct pt_error *reterr)
{
    PT_TRY(pt_store_pin(store, ignore_ready, NULL, reterr));
    store_vfs_checkpoint_wait(store->db.vfs);
    uint64_t size = 0;
    struct pt_digest digest;
    enum pt_code code = pt_store_copy(store, path, &size, &digest, reterr);
    pt_store_unpin(store);
    return code;
}

/* Steps 1 to 4. */
static enum pt_code prepare(struct pt_store *store, const char *snapshot_path, const char *next_path,
                            struct pt_error *reterr)
{
    uint64_t size = 0;
    struct pt_file *file = NULL;
    PT_TRY(pt_file_open(store->sys, snapshot_path, PT_OPEN_READ, &file, reterr));
    enum pt_code code = pt_file_size(file, &size, reterr);
    pt_file_close(file);
    PT_TRY(code);
    if (size == 0) { /* SQLite takes an empty file for a new database */
        return pt_fail(reterr, PT_CORRUPT, PT_REASON_NONE, snapshot_path, "the snapshot is empty");
    }
    PT_TRY(copy_file(store->sys, snapshot_path, next_path, NULL, &size, reterr));
    struct pt_store *next = calloc(1, sizeof(*next));
    pt_assert(next != NULL);
    next->sys = store->sys;
    next->path = strdup(next_path);
    pt_assert(next->path != NULL);
    code = store_attach(next, reterr);
    if (code == PT_OK) {
        struct pt_witness witness = next->witness;
        uint64_t ours = store->witness.acked_index;
        witness.acked_index = ours > witness.applied_index ? ours : witness.applied_index;
        code = pt_store_begin(next, reterr);
        if (code == PT_OK) {
            code = pt_store_commit(next, &witness, reterr);
        }
        if (code == PT_OK) {
            code = store_db_checkpoint(&next->db, STORE_CHECKPOINT_WHOLE, reterr);
        }
    }
    store_detach(next);
    free(next->path);
    free(next);
    return code;
}

/* Steps 5 to 7. */
static enum pt_code replace(struct pt_store *store, const char *next_path, struct pt_error *reterr)
{
    char name[PATH_SIZE_MAX];
    PT_TRY(store_db_checkpoint(&store->db, STORE_CHECKPOINT_WHOLE, reterr));
    store_detach(store);
    PT_TRY(pt_path_remove(store->sys, with_ending(next_path, "-wal", name), reterr));
    PT_TRY(pt_path_remove(store->sys, with_ending(store->path, "-wal", name), reterr));
    PT_TRY(store_sync_folder(store->sys, store->path, reterr));
    PT_TRY(pt_path_rename(store->sys, next_path, store->path, reterr));
    PT_TRY(store_sync_folder(store->sys, store->path, reterr));
    return store_attach(store, reterr);
}

enum pt_code pt_store_restore(struct pt_store *store, const char *path, struct pt_error *reterr)
{
    pt_assert(!store->in_transaction && !store->pinned);
    if (store->db.failure.code != PT_OK) {
        return store_db_fail(&store->db, SQLITE_ERROR, reterr);
    }
    PT_TRY(store_group_commit(store, reterr)); /* a restore that fails leaves the state as it was */
    char next_path[PATH_SIZE_MAX];
    (void)with_ending(store->path, ".next", next_path);
    enum pt_code code = prepare(store, path, next_path, reterr);
    if (code != PT_OK) {
        enum pt_code cleaned = store_restore_clean(store->sys, store->path, NULL);
        (void)cleaned; /* what is left does no harm, and the next open removes it */
        return code;
    }
    struct pt_error error = {0};
    code = replace(store, next_path, &error);
    if (code != PT_OK) {
        if (store->db.failure.code == PT_OK) {
            store->db.failure = error; /* there may be no connection: every later call must say so */
        }
        if (reterr != NULL) {
            *reterr = error;
        }
    }
    return code;
}
