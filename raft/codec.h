/*
 * libraft's messages as bytes, and back. The one format of the peer link's raft frames (peer.h frames them).
 *
 * Decoding trusts nothing: every length is checked against the limits and the bytes left, every byte must be used, and
 * what libraft would assert on (an index below its term's start, a rejection above the hint) is refused here.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "raft/log_record.h"

#include <raft.h>

#define PT_RAFT_MESSAGE_ENTRIES_MAX 512U     /* entries in one message */
#define PT_RAFT_MESSAGE_BYTES_MAX (1U << 20) /* entry data in one message, beyond the first entry */
#define PT_RAFT_MEMBERS_MAX 32U              /* servers of a configuration */
#define PT_RAFT_ADDRESS_SIZE_MAX 255U        /* longest member address */
#define PT_RAFT_MANIFEST_SIZE_MAX 4096U      /* what stands for the snapshot in an install message */

/* Append. For APPEND_ENTRIES the entries' buf is encoded; server_id and server_address are not part of it. */
void pt_raft_message_encode(const struct raft_message *message, struct pt_buf *out);

struct pt_raft_decoded {
    struct raft_message message; /* entries point to `entries`; entry and snapshot data borrow from the input */
    struct raft_entry entries[PT_RAFT_MESSAGE_ENTRIES_MAX]; /* batch is NULL */
};
/* PT_CORRUPT with the reason. On success the configuration of an install message is the caller's to close. */
PT_MUST enum pt_code pt_raft_message_decode(struct pt_bytes bytes, struct pt_raft_decoded *ret_decoded,
                                            struct pt_error *reterr);

void pt_raft_configuration_encode(const struct raft_configuration *configuration, struct pt_buf *out);
/* Takes the whole of `bytes`. */
PT_MUST enum pt_code pt_raft_configuration_decode(struct pt_bytes bytes, struct raft_configuration *ret_configuration,
                                                  struct pt_error *reterr);
