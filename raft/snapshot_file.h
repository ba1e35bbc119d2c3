/*
 * A snapshot on disk: the machine's file, and a record of what it is.
 */
#pragma once

#include "raft/codec.h"
#include "sys/sys.h"

#define PT_RAFT_SNAPSHOT_PATH_SIZE 640U

struct pt_raft_snapshot {
    uint64_t index, term; /* of the last entry in it; index 0: there is none */
    uint64_t configuration_index;
    struct raft_configuration configuration; /* owned */
    uint64_t machine_index;                  /* the machine's applied index in it: at or below index */
    struct pt_digest chain;                  /* the log's hash at index */
    uint64_t size;                           /* of the file */
    struct pt_digest digest;                 /* SHA-256 of the file */
    bool installing;                         /* came from another member, and the state is being replaced by it */
};

void pt_raft_snapshot_clear(struct pt_raft_snapshot *snapshot);
void pt_raft_snapshot_copy(const struct pt_raft_snapshot *from, struct pt_raft_snapshot *ret_to);
/* The file that belongs to it. */
void pt_raft_snapshot_path(const char *directory, const struct pt_raft_snapshot *snapshot,
                           char path[PT_RAFT_SNAPSHOT_PATH_SIZE]);
/* What is said of it in an install message beyond libraft's own fields. */
void pt_raft_manifest_encode(const struct pt_raft_snapshot *snapshot, struct pt_buf *out);
bool pt_raft_manifest_decode(struct pt_bytes bytes, struct pt_raft_snapshot *ret_snapshot);

/* The record "snapshot" in the folder; index 0 when there is none. PT_CORRUPT when it does not check. */
PT_MUST enum pt_code pt_raft_snapshot_load(struct pt_sys *sys, const char *directory,
                                           struct pt_raft_snapshot *ret_snapshot, struct pt_error *reterr);
/* Atomic and durable. Any thread that may use files. */
PT_MUST enum pt_code pt_raft_snapshot_store(struct pt_sys *sys, const char *directory,
                                            const struct pt_raft_snapshot *snapshot, struct pt_error *reterr);
/* Size and SHA-256 of a file; syncs it first when asked. */
PT_MUST enum pt_code pt_raft_file_digest(struct pt_sys *sys, const char *path, bool sync, uint64_t *ret_size,
                                         struct pt_digest *ret_digest, struct pt_error *reterr);
/* Remove what no snapshot record names: all "snapshot-*" but `keep` (may be NULL), and temporary files. */
PT_MUST enum pt_code pt_raft_snapshot_clean(struct pt_sys *sys, const char *directory,
                                            const struct pt_raft_snapshot *keep, struct pt_error *reterr);
