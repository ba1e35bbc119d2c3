/*
 * What the files of the store share: its state in memory, and the seams between them. Not for other folders.
 *
 *   store.c          life, transactions, savepoints, the status record
 *   store_load.c     from the database into memory, checked; scrub
 *   store_rows.c     resources and references
 *   store_names.c    which names may be there
 *   store_cells.c    values and counters
 *   store_replies.c  replies by request id
 *   store_history.c  what Watch reads
 *   store_undo.c     one entry's changes, backwards
 *   store_snapshot.c copies out and in
 *   store_promise.c  the word of what was acknowledged, which may not wait for a commit
 *   store_db.c       the SQLite connection; store_vfs.c its files;
 *   store_backfill.c what a checkpoint leaves to a worker
 */
#pragma once

#include "base/map.h"
#include "store/store.h"
#include "store/store_db.h"

/* Row tags of the digest. A tag is never reused for another form. */
#define STORE_TAG_ROW 'R'
#define STORE_TAG_REFERENCES 'F'
#define STORE_TAG_CELL 'C'
#define STORE_TAG_REPLY 'Y'

/* A value or counter. Lives as long as the store; its key is 'm' or 'c' and then the name. */
struct store_cell {
    struct pt_buf value;   /* as changed so far */
    struct pt_digest term; /* what of it is in store->digest: the value as committed; zero when it was absent */
    bool present;
    bool dirty; /* differs from the committed value; listed in store->dirty */
    char key[];
};

struct store_reply {
    uint64_t seq;
    uint64_t batch;      /* sequence number of the first reply in its row */
    size_t offset, size; /* of its bytes, in the row or in pending */
    struct pt_digest term;
    char request_id[];
};

/* A reply and an event as they lie in a row; borrowed from it. */
struct store_reply_entry {
    const char *request_id;
    uint64_t revision;
    struct pt_bytes reply;
    size_t offset;
};

struct store_event_entry {
    uint64_t key;
    const char *name;
    struct pt_bytes event;
};

/* Entries from `head` up to `len` are live. Those from `gone` up to head go from disk and memory at the commit, those
 * before gone have gone. gone <= head <= len. */
struct store_replies {
    struct store_reply **list; /* ascending and without gap in seq */
    size_t gone, head, len, capacity;
    struct pt_map by_id;   /* request id -> struct store_reply; the live ones */
    struct pt_buf pending; /* the row that is being filled */
    uint64_t pending_seq;  /* what will be its key */
    uint64_t next_seq;
};

/* gone, head and len as in store_replies. */
struct store_history {
    uint64_t *keys;  /* (revision, ordinal) as one number, ascending */
    uint32_t *sizes; /* of their events */
    uint64_t size;   /* of those that are kept */
    size_t gone, head, len, capacity;
    struct pt_buf pending; /* the row that is being filled */
    uint64_t floor;        /* the newest key that is gone; 0 when none is */
};

/* How many resources of a kind there are below a parent; remembered because limits ask at each create. */
#define STORE_COUNTS_LEN 32
struct store_count {
    char *parent; /* NULL: unused */
    uint32_t kind_id;
    uint64_t count;
};

/* Filters of names, each twice the size of the one before; the last one is being filled. */
#define STORE_NAMES_FILTERS_MAX 10 /* 4 million names, 8 MiB */
struct store_names {
    uint64_t *filters[STORE_NAMES_FILTERS_MAX];
    size_t filters_len;
    size_t len; /* names in the newest */
    bool all;   /* there were too many: any name may be there */
};

enum store_undo_kind { STORE_UNDO_ROW, STORE_UNDO_REFERENCES, STORE_UNDO_CELL };

struct store_undo_entry {
    enum store_undo_kind kind;
    struct store_cell *cell;
    size_t at; /* into bytes */
};

/* What undo needs: counts and sums as they were at the savepoint, and what rows held before. */
struct store_undo {
    struct store_undo_entry *entries;
    size_t len, capacity;
    struct pt_buf bytes;
    struct pt_digest digest;
    size_t reply_head, reply_len, reply_pending;
    size_t history_head, history_len, history_pending;
    uint64_t history_floor, history_size;
};

struct pt_store {
    struct pt_sys *sys;
    char *path;
    struct pt_file *lock; /* of path.lock, for as long as the store is open */
    struct store_db db;
    struct pt_witness witness;
    struct pt_digest digest;    /* of rows, references, replies as changed so far, and of cells as committed */
    bool in_transaction;        /* between begin and end or commit */
    bool in_group;              /* SQLite's transaction is open; in_transaction implies it */
    uint64_t group_since_ns;    /* when it began */
    uint64_t group_since_index; /* applied index before it */
    size_t group_size;          /* bytes of replies and events that it has inserted already */
    struct pt_file *promise;    /* path.acked */
    uint64_t promised;          /* what it says */
    bool in_savepoint;
    bool pinned;          /* a snapshot is being copied: the database file must not change */
    pt_task_fn pin_ready; /* who waits for the file to hold the state of the pin */
    void *pin_ready_arg;
    struct pt_error pin_error; /* set before pin_ready is called: why the file does not hold it */
    struct pt_map cells;       /* key -> struct store_cell */
    struct store_cell **dirty;
    size_t dirty_len, dirty_capacity;
    struct store_replies replies;
    struct store_history history;
    struct store_count counts[STORE_COUNTS_LEN];
    size_t counts_next; /* the one to be replaced next */
    struct store_names names;
    struct store_undo undo;
    /* Name of the resource that the last put inserted: it has no references yet, so none need be looked for. */
    char fresh[512];
    /* Name of the resource that was found to be there last: a create asks for its parent, as did the one before it. */
    char known[512];
    struct pt_buf scratch; /* the canonical form of one row, for hashing */
};

/* Add to or take from the digest. */
void store_digest_swap(struct pt_store *store, const struct pt_digest *out, const struct pt_digest *in);
struct pt_digest store_row_digest(struct pt_store *store, const struct pt_row *row);
/* Canonical form in scratch: start with the tag, then fields. */
void store_form_start(struct pt_store *store, char tag);
void store_form_bytes(struct pt_store *store, const void *data, size_t size);
void store_form_text(struct pt_store *store, const char *text);
void store_form_u64(struct pt_store *store, uint64_t value);
struct pt_digest store_form_digest(struct pt_store *store);

/* store.c: read and write the status record within a transaction. */
PT_MUST enum pt_code store_status_read(struct pt_store *store, struct pt_error *reterr);
PT_MUST enum pt_code store_status_write(struct pt_store *store, struct pt_error *reterr);
/* Commit what has gathered; outside a transaction. */
PT_MUST enum pt_code store_group_commit(struct pt_store *store, struct pt_error *reterr);
/* Connection and memory of the database at store->path, without the lock. */
PT_MUST enum pt_code store_attach(struct pt_store *store, struct pt_error *reterr);
void store_detach(struct pt_store *store);

/* store_promise.c: raise the witness's acked index to what was promised; write down what it promises now. */
PT_MUST enum pt_code store_promise_open(struct pt_store *store, struct pt_error *reterr);
PT_MUST enum pt_code store_promise_write(struct pt_store *store, struct pt_error *reterr);
void store_promise_close(struct pt_store *store);

/* store_snapshot.c: remove what an interrupted restore left. */
PT_MUST enum pt_code store_restore_clean(struct pt_sys *sys, const char *path, struct pt_error *reterr);

/* store_load.c: fill memory from the database and compare the digest. */
PT_MUST enum pt_code store_load(struct pt_store *store, struct pt_error *reterr);

/* store_rows.c */
void store_row_of(sqlite3_stmt *statement, struct pt_row *ret_row); /* columns of ROW_GET; borrowed */
PT_MUST enum pt_code store_references_put(struct pt_store *store, const char *from, const char *const *to, size_t len,
                                          struct pt_error *reterr);
PT_MUST enum pt_code store_row_restore(struct pt_store *store, const struct pt_row *row, struct pt_error *reterr);
PT_MUST enum pt_code store_row_erase(struct pt_store *store, const char *name, struct pt_error *reterr);
struct pt_digest store_references_digest(struct pt_store *store, const char *from, const char *const *to, size_t len);
void store_names_add(struct pt_store *store, const char *name);
bool store_names_may(const struct pt_store *store, const char *name); /* false: it is not there */
void store_names_clear(struct pt_store *store);
void store_counts_clear(struct pt_store *store);

/* store_cells.c */
struct store_cell *store_cell_add(struct pt_store *store, const char *key);
struct pt_digest store_cell_digest(struct pt_store *store, const struct store_cell *cell);
void store_cell_set(struct pt_store *store, struct store_cell *cell, bool present, struct pt_bytes value);
PT_MUST enum pt_code store_cells_flush(struct pt_store *store, struct pt_error *reterr);
void store_cells_clear(struct pt_store *store);

/* store_replies.c */
struct store_reply *store_reply_add(struct pt_store *store, uint64_t seq, const char *request_id);
/* The entry at *at, which moves behind it; false when the bytes are none. */
bool store_reply_parse(struct pt_bytes body, size_t *at, struct store_reply_entry *ret_entry);
struct pt_digest store_reply_digest(struct pt_store *store, const struct store_reply_entry *entry);
PT_MUST enum pt_code store_replies_flush(struct pt_store *store, struct pt_error *reterr);
/* What is pending becomes a row; outside a savepoint. */
PT_MUST enum pt_code store_replies_insert(struct pt_store *store, struct pt_error *reterr);
void store_replies_undo(struct pt_store *store);
uint64_t store_replies_first(const struct pt_store *store);
void store_replies_clear(struct pt_store *store);

/* store_history.c */
void store_history_add(struct pt_store *store, uint64_t key, size_t size);
bool store_event_parse(struct pt_bytes body, size_t *at, struct store_event_entry *ret_entry);
uint32_t store_history_crc(uint64_t first_key, struct pt_bytes body);
PT_MUST enum pt_code store_history_flush(struct pt_store *store, struct pt_error *reterr);
/* As store_replies_insert. */
PT_MUST enum pt_code store_history_insert(struct pt_store *store, struct pt_error *reterr);
void store_history_undo(struct pt_store *store);
void store_history_clear(struct pt_store *store);

/* store_undo.c: remember, when a savepoint is open, what is about to change. */
void store_undo_row(struct pt_store *store, const char *name, const struct pt_row *row); /* row NULL: absent */
void store_undo_references(struct pt_store *store, const char *from, const char *const *to, size_t len);
void store_undo_cell(struct pt_store *store, struct store_cell *cell);
void store_undo_clear(struct pt_store *store);
