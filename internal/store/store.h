/*
 * Versioned resources on SQLite: the replicated state of one node. The one door to SQLite.
 *
 * The store knows keys, bytes, revisions, references and digests; it knows no kinds. Names are keys. All calls on the
 * loop thread. A write happens inside pt_store_begin .. pt_store_end or pt_store_commit, for a batch of log entries,
 * which also carries the witness. An I/O error is fatal to the node (PT_IO, PT_NO_SPACE, PT_CORRUPT): the caller stops
 * it.
 *
 * Durability. The Raft log is synced before anything is acknowledged; the database (WAL, synchronous=NORMAL, exclusive
 * locking) may fall behind it after power loss, never be torn: entries behind the applied index are applied again.
 *
 * Digest of the state = sum modulo 2^256 of SHA-256 over each row's canonical form: table tag, key, and every column
 * that is replicated; kept incrementally. History and witness are not in it.
 *
 * Files go through pt_sys (an own VFS), so that the simulator's disks are under it too.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "crypto/crypto.h"
#include "sys/sys.h"

struct pt_store;

/* What the consensus layer must find again, in the same transaction as the mutations. */
struct pt_witness {
    uint64_t applied_index;
    uint64_t applied_term;
    uint64_t acked_index;      /* highest index this node acknowledged as durable */
    struct pt_digest log_hash; /* running hash of the log at applied_index */
};

struct pt_row { /* a resource */
    const char *name;
    uint32_t kind_id;
    struct pt_bytes value; /* canonical, DERIVED fields included, SOFT absent */
    const char *uid;
    const char *etag;
    uint64_t revision;
};

/* path: database file; made when missing. Beside it: path-wal, path.lock (held while open), path.acked (what this node
 * acknowledged), path.next (a restore under way). Every row is read and checked. PT_CORRUPT when it is damaged,
 * PT_FAILED_PRECONDITION when it is locked or has another format. */
PT_MUST enum pt_code pt_store_open(struct pt_sys *sys, const char *path, struct pt_store **ret_store,
                                   struct pt_error *reterr);
/* NULL is fine. Batches that ended are committed; one that is open is rolled back, with those not yet committed. */
void pt_store_close(struct pt_store *store);
void pt_store_abandon(struct pt_store *store); /* after a simulated crash: free memory, touch no file */
/* The failure after which the database can no longer be trusted: every later call repeats it. NULL while there is none.
 * It may have come up in a read, of which nobody but the asker was told: the owner asks now and then, and stops. */
const struct pt_error *pt_store_failure(const struct pt_store *store);

/* ---- transactions --------------------------------------------------------------------------------------------- */
PT_MUST enum pt_code pt_store_begin(struct pt_store *store, struct pt_error *reterr);
PT_MUST enum pt_code pt_store_commit(struct pt_store *store, const struct pt_witness *witness, struct pt_error *reterr);
/* The same for a batch that can be applied again: it counts at once for every call here, and is committed together with
 * those that follow, about ten times a second. A crash may take it, but never the witness's acked index. */
PT_MUST enum pt_code pt_store_end(struct pt_store *store, const struct pt_witness *witness, struct pt_error *reterr);
/* Entries up to this index are acknowledged, though not all are applied: the witness says so from now on, also after a
 * crash. Between batches. */
PT_MUST enum pt_code pt_store_promise(struct pt_store *store, uint64_t acked_index, struct pt_error *reterr);
/* One log entry's changes, nested in the transaction: undone when its verdict is a refusal. */
PT_MUST enum pt_code pt_store_savepoint(struct pt_store *store, struct pt_error *reterr);
PT_MUST enum pt_code pt_store_release(struct pt_store *store, struct pt_error *reterr);
PT_MUST enum pt_code pt_store_undo(struct pt_store *store, struct pt_error *reterr);
struct pt_witness pt_store_witness(const struct pt_store *store); /* of the last batch, or as loaded */

/* ---- resources ------------------------------------------------------------------------------------------------ */
/* PT_NOT_FOUND without filling reterr's text when absent. Results live in the arena. */
PT_MUST enum pt_code pt_store_get(struct pt_store *store, const char *name, struct pt_arena *arena,
                                  struct pt_row *ret_row, struct pt_error *reterr);
/* Cheaper than getting it, for those who need nothing of it. */
PT_MUST enum pt_code pt_store_exists(struct pt_store *store, const char *name, bool *ret_exists,
                                     struct pt_error *reterr);
struct pt_store_range {
    uint32_t kind_id;   /* 0: every kind */
    const char *parent; /* names below "parent/"; "" for all */
    const char *after;  /* names greater than this; "" from the start */
    size_t len_max;     /* 0: no bound */
};
/* Ascending by name. fn returns false to stop. Rows are borrowed for the call. fn may read the store, not change it. */
PT_MUST enum pt_code pt_store_scan(struct pt_store *store, const struct pt_store_range *range,
                                   bool (*fn)(void *arg, const struct pt_row *row), void *arg, struct pt_error *reterr);
PT_MUST enum pt_code pt_store_count(struct pt_store *store, uint32_t kind_id, const char *parent, uint64_t *ret_count,
                                    struct pt_error *reterr);
/* Insert or replace. The name has 1 to PT_NAME_SIZE_MAX bytes and kind_id is not 0: the caller has checked. */
PT_MUST enum pt_code pt_store_put(struct pt_store *store, const struct pt_row *row, struct pt_error *reterr);
PT_MUST enum pt_code pt_store_remove(struct pt_store *store, const char *name, struct pt_error *reterr);
/* References from one resource to others, for "in use" checks; replaced as a whole; removed with the row. Order and
 * doubles do not matter. PT_NOT_FOUND when there is no resource `from`: put it first. */
PT_MUST enum pt_code pt_store_set_references(struct pt_store *store, const char *from, const char *const *to,
                                             size_t len, struct pt_error *reterr);
/* Name of the first resource, other than `to` and not below it, that refers to `to`; "" when there is none. */
PT_MUST enum pt_code pt_store_referrer(struct pt_store *store, const char *to, struct pt_arena *arena,
                                       const char **ret_from, struct pt_error *reterr);

/* ---- replicated values and counters, in the digest; few and small: they are kept in memory; keys below 250 bytes ----
 */
PT_MUST enum pt_code pt_store_meta_get(struct pt_store *store, const char *key, struct pt_buf *ret_value,
                                       struct pt_error *reterr); /* PT_NOT_FOUND when absent */
PT_MUST enum pt_code pt_store_meta_put(struct pt_store *store, const char *key, struct pt_bytes value,
                                       struct pt_error *reterr);
/* Next number of a counter, from `first` up to `last`; PT_EXHAUSTED behind it. Never reused. */
PT_MUST enum pt_code pt_store_allocate(struct pt_store *store, const char *counter, uint64_t first, uint64_t last,
                                       uint64_t *ret_number, struct pt_error *reterr);

/* ---- replies by request id (bounded: the oldest go first), in the digest. PT_ALREADY_EXISTS for an id that has one
 * ---- */
PT_MUST enum pt_code pt_store_reply_get(struct pt_store *store, const char *request_id, struct pt_buf *ret_reply,
                                        struct pt_error *reterr);
PT_MUST enum pt_code pt_store_reply_put(struct pt_store *store, const char *request_id, uint64_t revision,
                                        struct pt_bytes reply, size_t keep_len, struct pt_error *reterr);

/* ---- history: what Watch reads; replicated and snapshotted, bounded, not in the digest. Put in ascending order of
 * (revision, ordinal), from revision 1; ordinal < 2^20 ---- */
PT_MUST enum pt_code pt_store_history_put(struct pt_store *store, uint64_t revision, uint32_t ordinal, const char *name,
                                          struct pt_bytes event, struct pt_error *reterr);
/* Events behind (revision, ordinal), ascending. PT_OUT_OF_RANGE when some of them are gone. fn returns false to stop.
 */
PT_MUST enum pt_code pt_store_history_scan(struct pt_store *store, uint64_t revision, uint32_t ordinal,
                                           bool (*fn)(void *arg, uint64_t revision, uint32_t ordinal, const char *name,
                                                      struct pt_bytes event),
                                           void *arg, struct pt_error *reterr);
/* revision << 20 | ordinal of the newest event that is gone; 0: none is. */
uint64_t pt_store_history_floor(const struct pt_store *store);
/* Keep at most keep_len events, of keep_size bytes in all. Called in apply, so that every node keeps the same. */
PT_MUST enum pt_code pt_store_history_trim(struct pt_store *store, uint64_t keep_len, uint64_t keep_size,
                                           struct pt_error *reterr);

/* ---- digest, snapshot ----------------------------------------------------------------------------------------- */
struct pt_digest pt_store_digest(const struct pt_store *store); /* within a transaction: as changed so far */
/* Recompute from every row; PT_CORRUPT when it differs from the kept one. */
PT_MUST enum pt_code pt_store_scrub(struct pt_store *store, struct pt_error *reterr);
/* A copy of the state as it is now, made while the store goes on: after pin (no transaction may be open) a worker
 * brings what is missing into the database file, which then holds this state and does not change until unpin;
 * ready(arg) is called on the loop when it is there or could not be brought, within pin if nothing was missing, never
 * when pin failed or after unpin. From then on copy, on any one thread, writes it to a new file at path, synced, with
 * its size and its SHA-256, or says what the worker met. Pin and unpin on the loop; no restore in between. */
PT_MUST enum pt_code pt_store_pin(struct pt_store *store, pt_task_fn ready, void *arg, struct pt_error *reterr);
PT_MUST enum pt_code pt_store_copy(const struct pt_store *store, const char *path, uint64_t *ret_size,
                                   struct pt_digest *ret_digest, struct pt_error *reterr);
void pt_store_unpin(struct pt_store *store);
/* The three in one call. */
PT_MUST enum pt_code pt_store_snapshot(struct pt_store *store, const char *path, struct pt_error *reterr);
/* Replace the whole state by a snapshot file, atomically and durably; the store stays open on the new state. The file
 * is checked first (integrity, digest); PT_CORRUPT leaves the store as it was. */
PT_MUST enum pt_code pt_store_restore(struct pt_store *store, const char *path, struct pt_error *reterr);
