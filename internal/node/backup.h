/*
 * A backup: one file that holds the replicated state of a cluster and says what it is.
 *
 * The text at its head is for people (`head -20 FILE`); every byte of the file is covered by a digest, and each block
 * of the state by one of its own, so that damage has a place. It holds no seal key: what is secret in the state stays
 * sealed. No signature either: who can write to the file can make another; keep it where only you can.
 *
 * Everything here waits for the disk: for programs at start and for executors.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "crypto/crypto.h"
#include "sys/sys.h"

#define PT_BACKUP_HEAD_SIZE_MAX 4096U

struct pt_backup_manifest {
    char cluster_id[64];
    char controller[96];     /* whose state it is */
    char version[32];        /* of its binary */
    uint64_t epoch;          /* restores in the life of the cluster; 0: none */
    uint64_t revision;       /* log index that the state has applied */
    uint64_t index;          /* of the snapshot: at or above revision */
    uint64_t term;           /* of that entry */
    uint64_t level;          /* cluster level */
    uint64_t time_ms;        /* wall clock of its maker, since 1970 */
    uint64_t stale;          /* 1: taken without asking the leader; newer writes may be missing */
    uint64_t size;           /* of the state, bytes */
    struct pt_digest sha256; /* of the state's bytes */
};

/* ---- writing -------------------------------------------------------------------------------------------------- */

struct pt_backup_writer;
/* Writes to `path`.part, and PT_ALREADY_EXISTS when `path` exists. */
PT_MUST enum pt_code pt_backup_create(struct pt_sys *sys, const char *path, const struct pt_backup_manifest *manifest,
                                      struct pt_backup_writer **ret_writer, struct pt_error *reterr);
/* The state's bytes, in order, in pieces of any size. */
PT_MUST enum pt_code pt_backup_write(struct pt_backup_writer *writer, struct pt_bytes piece, struct pt_error *reterr);
/* Everything came? Then sync and give it its name; PT_CORRUPT when size or digest differ from the manifest's. Frees the
 * writer in any case. */
PT_MUST enum pt_code pt_backup_finish(struct pt_backup_writer *writer, struct pt_error *reterr);
/* Remove what was written, and free. NULL is fine. */
void pt_backup_cancel(struct pt_backup_writer *writer);

/* ---- reading -------------------------------------------------------------------------------------------------- */

/* Check every byte. PT_CORRUPT names the place; PT_INVALID_ARGUMENT when it is no backup at all. With `state_path` the
 * state is written there, a new file, synced; after a failure it is removed. */
PT_MUST enum pt_code pt_backup_read(struct pt_sys *sys, const char *path, const char *state_path,
                                    struct pt_backup_manifest *ret_manifest, struct pt_error *reterr);

/* The head alone, for tests: bytes of the file's beginning; *ret_size is what the head takes of them. */
void pt_backup_head_write(const struct pt_backup_manifest *manifest, struct pt_buf *out);
PT_MUST enum pt_code pt_backup_head_parse(struct pt_bytes bytes, struct pt_backup_manifest *ret_manifest,
                                          size_t *ret_size, struct pt_error *reterr);
