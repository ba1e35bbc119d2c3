/*
 * The log on disk: entries by index, term and vote, identity and lock of the folder.
 *
 * Owned by the loop. Writes go to a one-thread executor in groups: everything queued while a group is being synced goes
 * out with the next write and sync. Reads of old entries run on a second executor. No function but the pt_raft_log_open
 * group waits for a disk.
 *
 * Entries stay on disk; memory holds 72 bytes for each (term, place, running hash) and the bytes of the newest ones.
 */
#pragma once

#include "raft/log_record.h"
#include "sys/sys.h"

struct pt_raft_log;

struct pt_raft_log_options {
    struct pt_sys *sys;
    const char *directory;
    const char *cluster_id;
    uint64_t node_id;
    uint32_t segment_size;                             /* 0: 8 MiB; a multiple of 512 */
    size_t cache_size;                                 /* bytes of newest entries kept in memory; 0: 2 MiB */
    void (*on_durable)(void *context, uint64_t index); /* every entry up to index is on disk */
    void (*on_room)(void *context);                    /* pt_raft_log_fits may have become true */
    void (*on_error)(void *context, const struct pt_error *error); /* nothing is written afterwards */
    void *context;
};

/* What a state machine's own disk says about the log. */
struct pt_raft_witness {
    uint64_t applied_index, applied_term, acked_index;
    struct pt_digest log_hash; /* the chain at applied_index */
};

/* ---- opening: these wait for the disk -------------------------------------------------------------------------------
 */

/* Make the folder of a new cluster's first node; `configuration` becomes entry 1 with term 1. PT_ALREADY_EXISTS when
 * the folder holds a log. */
PT_MUST enum pt_code pt_raft_log_bootstrap(const struct pt_raft_log_options *options, struct pt_bytes configuration,
                                           struct pt_error *reterr);
/* Lock the folder, check whose it is, read and verify everything. Makes the folder when missing. PT_FAILED_PRECONDITION
 * when it is locked or belongs to another cluster or node. Damage is not an error here: see pt_raft_log_damage. */
PT_MUST enum pt_code pt_raft_log_open(const struct pt_raft_log_options *options, struct pt_raft_log **ret_log,
                                      struct pt_error *reterr);
/* What is wrong with the log, "" when nothing: records that do not check, metadata lost, an end below what the witness
 * saw acknowledged, a chain other than the witness's, a gap behind the snapshot (snapshot_index 0: none). */
const char *pt_raft_log_damage(struct pt_raft_log *log, const struct pt_raft_witness *witness, uint64_t snapshot_index);
/* Put the segments aside (suffix ".bad") and go on empty, behind `index`; mark the metadata. Before start only. */
PT_MUST enum pt_code pt_raft_log_quarantine(struct pt_raft_log *log, struct pt_error *reterr);
/* Write metadata and wait. Before start only. */
PT_MUST enum pt_code pt_raft_log_put_meta(struct pt_raft_log *log, const struct pt_raft_meta *meta,
                                          struct pt_error *reterr);
/* Drop everything, continue behind `index` with this chain; waits. Before start only. */
PT_MUST enum pt_code pt_raft_log_reset_now(struct pt_raft_log *log, uint64_t index, uint64_t term,
                                           const struct pt_digest *chain, struct pt_error *reterr);
/* Append the data of an entry to ret_data; waits. Before start only. */
PT_MUST enum pt_code pt_raft_log_read_now(struct pt_raft_log *log, uint64_t index, struct pt_buf *ret_data,
                                          struct pt_error *reterr);
/* Cut a torn tail off and begin to accept writes. */
PT_MUST enum pt_code pt_raft_log_start(struct pt_raft_log *log, struct pt_error *reterr);

/* Finish the writes that were queued, then free. No callback follows. NULL is fine. */
void pt_raft_log_close(struct pt_raft_log *log);
void pt_raft_log_abandon(struct pt_raft_log *log); /* after a simulated crash */

/* ---- state ----------------------------------------------------------------------------------------------------------
 */

const struct pt_raft_meta *pt_raft_log_meta(const struct pt_raft_log *log);
uint64_t pt_raft_log_first(const struct pt_raft_log *log); /* of the entries kept; last + 1 when there is none */
uint64_t pt_raft_log_last(const struct pt_raft_log *log);
uint64_t pt_raft_log_durable(const struct pt_raft_log *log);
/* first - 1 <= index <= last for the hash, first <= index <= last for term and type. */
struct pt_digest pt_raft_log_hash(const struct pt_raft_log *log, uint64_t index);
uint64_t pt_raft_log_term(const struct pt_raft_log *log, uint64_t index);
enum pt_raft_entry_type pt_raft_log_type(const struct pt_raft_log *log, uint64_t index);
/* Bytes that can be appended for certain: zeroed space is set aside for them. */
uint64_t pt_raft_log_room(const struct pt_raft_log *log);
/* Is there room for records of that total size on disk (pt_raft_record_size), the largest of them so large? */
bool pt_raft_log_fits(const struct pt_raft_log *log, size_t total_size, size_t record_size_max);
/* The same with the reserve counted in, for what libraft appends unasked. */
bool pt_raft_log_fits_reserve(const struct pt_raft_log *log, size_t total_size, size_t record_size_max);
/* The disk had no space for the next segment; it is tried again each second. */
bool pt_raft_log_short(const struct pt_raft_log *log);
/* In memory? Then fills *ret_record; data is valid until the next append, truncate or compact. */
bool pt_raft_log_get(struct pt_raft_log *log, uint64_t index, struct pt_raft_record *ret_record);

/* ---- work -----------------------------------------------------------------------------------------------------------
 */

struct pt_raft_log_entry {
    uint64_t term;
    enum pt_raft_entry_type type;
    struct pt_bytes data; /* copied */
};
/* Behind last. pt_raft_log_fits must hold, but for one small record from the reserve. */
void pt_raft_log_append(struct pt_raft_log *log, const struct pt_raft_log_entry *entries, size_t len);
/* Remove [index, last]; `applied` is the machine's applied index now. */
void pt_raft_log_truncate(struct pt_raft_log *log, uint64_t index, uint64_t applied);
/* Make term and vote durable, then fn on the loop (not after a failure). */
void pt_raft_log_set_vote(struct pt_raft_log *log, uint64_t term, uint64_t voted_for, pt_task_fn fn, void *arg);
/* Forget entries below `index`; files go once all their entries did. */
void pt_raft_log_compact(struct pt_raft_log *log, uint64_t index);
/* A snapshot replaced the state: go on behind it, out of quarantine. fn once it is durable. `vote_if_forgetful` becomes
 * the vote in the current term if metadata had been lost. */
void pt_raft_log_reset(struct pt_raft_log *log, uint64_t index, uint64_t term, const struct pt_digest *chain,
                       uint64_t vote_if_forgetful, pt_task_fn fn, void *arg);
/* Read entries from `first` on, at most `len_max` of them and about `size_max` bytes, at least one. fn on the loop:
 * records are borrowed for the call; len 0 and a code when they are gone or do not check. Returns false when `first` is
 * not kept. */
typedef void (*pt_raft_load_fn)(void *arg, enum pt_code code, const struct pt_raft_record *records, size_t len);
bool pt_raft_log_load(struct pt_raft_log *log, uint64_t first, size_t len_max, size_t size_max, pt_raft_load_fn fn,
                      void *arg);
