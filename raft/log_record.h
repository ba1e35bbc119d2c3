/*
 * The bytes of the log: segment heads, records, the metadata copies. Pure: no files here.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "base/limits.h"
#include "crypto/crypto.h"

#include <stdbool.h>

#define PT_RAFT_SECTOR_SIZE 512U                                  /* what a disk writes whole or not at all */
#define PT_RAFT_DATA_SIZE_MAX (PT_MESSAGE_SIZE_MAX + (64U << 10)) /* largest entry; sealing adds some to a message */
#define PT_RAFT_RECORD_HEAD_SIZE 64U
#define PT_RAFT_SEGMENT_HEAD_SIZE 512U
#define PT_RAFT_META_SIZE 4096U /* one copy; the file holds two */

enum pt_raft_entry_type { PT_RAFT_ENTRY_COMMAND = 1, PT_RAFT_ENTRY_BARRIER = 2, PT_RAFT_ENTRY_CHANGE = 3 };

struct pt_raft_record { /* data borrows from the bytes parsed */
    uint64_t index, term;
    enum pt_raft_entry_type type;
    struct pt_bytes data;
    struct pt_digest previous; /* chain before this record */
    size_t size;               /* on disk, with trailer and padding */
};

enum pt_raft_record_state {
    PT_RAFT_RECORD_GOOD,
    PT_RAFT_RECORD_END,  /* zeros: nothing was written here */
    PT_RAFT_RECORD_TORN, /* a sector of it never reached the disk */
    PT_RAFT_RECORD_BAD   /* all its sectors were written, yet it does not check: damage */
};

/* Bytes on disk of an entry with that much data. */
size_t pt_raft_record_size(size_t data_size);
/* Append the record to out (its position in the file must be a multiple of 8) and move *chain on over it. */
void pt_raft_record_encode(uint64_t index, uint64_t term, enum pt_raft_entry_type type, struct pt_bytes data,
                           struct pt_digest *chain, struct pt_buf *out);
/* Read the record at offset of a segment's bytes. On GOOD fills *ret_record and *ret_chain, the chain behind it. */
enum pt_raft_record_state pt_raft_record_parse(struct pt_bytes segment, size_t offset,
                                               struct pt_raft_record *ret_record, struct pt_digest *ret_chain);
bool pt_raft_all_zero(const uint8_t *data, size_t size);

struct pt_raft_segment_head {
    uint64_t first_index;
    struct pt_digest previous; /* chain before the first record */
};
void pt_raft_segment_encode(const struct pt_raft_segment_head *head, uint8_t out[PT_RAFT_SEGMENT_HEAD_SIZE]);
enum pt_raft_record_state pt_raft_segment_parse(struct pt_bytes segment, struct pt_raft_segment_head *ret_head);

struct pt_raft_meta {
    uint64_t sequence; /* grows with each write; 0: none yet */
    uint64_t term, voted_for;
    /* While the machine's applied index is at most `limit_applied`, its acked index counts only up to `limit_acked`:
     * what was acknowledged above it was rightly replaced (a conflict, or a snapshot) and the witness does not know. */
    uint64_t limit_applied, limit_acked;
    bool limited;
    bool quarantined; /* acknowledged entries were lost: do not vote before a snapshot */
    bool forgetful;   /* both copies of the metadata were lost: term and vote are not known */
};
void pt_raft_meta_encode(const struct pt_raft_meta *meta, uint8_t out[PT_RAFT_META_SIZE]);
bool pt_raft_meta_parse(const uint8_t data[PT_RAFT_META_SIZE], struct pt_raft_meta *ret_meta);
