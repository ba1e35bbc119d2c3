/*
 * The promise: the highest index of the log that this node has acknowledged or applied, in a file of its own.
 *
 *   path.acked    index(8) crc(4), big-endian; the checksum is CRC-32C over the index
 *
 * A log that ends below what its node acknowledged has lost something, and the node must not vote. The witness in the
 * database says so too, but it is committed with its group, a tenth of a second late; a process that is killed
 * meanwhile would not know of its last word. So each batch writes these twelve bytes, and so does a follower while
 * entries wait to be applied. The operating system keeps them like the write-ahead log: a killed process loses nothing
 * of either, a power loss may take the newest of both.
 *
 * A file that is missing or does not check says nothing: then the database's witness alone counts, as it did before.
 */
#include "base/assert.h"
#include "store/store_state.h"

#include <stdio.h>

#define PROMISE_SIZE 12
#define PATH_SIZE_MAX 1024

enum pt_code store_promise_open(struct pt_store *store, struct pt_error *reterr)
{
    char path[PATH_SIZE_MAX];
    int size = snprintf(path, sizeof(path), "%s.acked", store->path);
    pt_assert(size > 0 && (size_t)size < sizeof(path)); /* as long as that of the lock */
    PT_TRY(pt_file_open(store->sys, path, PT_OPEN_WRITE | PT_OPEN_CREATE, &store->promise, reterr));
    uint8_t record[PROMISE_SIZE];
    enum pt_code code = pt_file_read(store->promise, 0, record, sizeof(record), reterr);
    if (code != PT_OK && code != PT_OUT_OF_RANGE) {
        return code;
    }
    if (code == PT_OK && pt_crc32c(0, record, 8) == pt_be32(record + 8)) {
        store->promised = pt_be64(record);
    }
    if (store->witness.acked_index < store->promised) {
        store->witness.acked_index = store->promised;
    }
    return PT_OK;
}

enum pt_code store_promise_write(struct pt_store *store, struct pt_error *reterr)
{
    const struct pt_witness *witness = &store->witness;
    uint64_t index = witness->acked_index > witness->applied_index ? witness->acked_index : witness->applied_index;
    if (index == store->promised) {
        return PT_OK;
    }
    uint8_t record[PROMISE_SIZE];
    pt_put_be64(record, index);
    pt_put_be32(record + 8, pt_crc32c(0, record, 8));
    struct pt_error error = {0};
    if (pt_file_write(store->promise, 0, record, sizeof(record), &error) != PT_OK) {
        store->db.failure = error; /* for good, as with the database */
        return store_db_fail(&store->db, SQLITE_IOERR, reterr);
    }
    store->promised = index;
    return PT_OK;
}

enum pt_code pt_store_promise(struct pt_store *store, uint64_t acked_index, struct pt_error *reterr)
{
    pt_assert(!store->in_transaction);
    if (acked_index <= store->witness.acked_index) {
        return PT_OK;
    }
    store->witness.acked_index = acked_index;
    return store_promise_write(store, reterr);
}

void store_promise_close(struct pt_store *store)
{
    pt_file_close(store->promise);
    store->promise = NULL;
}
