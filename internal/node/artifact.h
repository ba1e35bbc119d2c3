/*
 * Artifacts on a node's disk: the bytes of model versions, each in a file that is called by its SHA-256.
 *
 *   <directory>/<64 hexadecimal digits>          whole: size and digest were right when it got this name
 *   <directory>/<64 hexadecimal digits>.<tag>    on its way: "fetch" is taken up again, everything else is of no use
 *                                                after a restart
 *
 * A file gets its name only when all of it has come, was checked and synced, so that a crash at any moment leaves
 * either the artifact or a part that nobody takes for one. What the disk does to it afterwards, pt_artifact_verify
 * finds.
 *
 * Everything here waits for the disk: for executors, and for programs.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "crypto/crypto.h"
#include "sys/sys.h"

#define PT_ARTIFACT_SIZE_MAX (UINT64_C(16) << 30)   /* bytes of one */
#define PT_ARTIFACT_DISK_LEFT (UINT64_C(128) << 20) /* bytes that stay free for the log and the state beside them */
#define PT_ARTIFACT_PATH_SIZE 1200
#define PT_ARTIFACT_FETCH "fetch"

char *pt_artifact_path(const char *directory, const char *digest_hex, char path[PT_ARTIFACT_PATH_SIZE]);
/* Is a file's name that of a whole artifact, or of a part ("tag" behind the dot then)? */
bool pt_artifact_is_name(const char *name, const char **ret_tag);

/* ---- writing -------------------------------------------------------------------------------------------------- */

struct pt_artifact_options {
    const char *directory;  /* made when missing; its parent exists */
    const char *digest_hex; /* what it must be in the end */
    uint64_t size;
    const char *tag;
    bool resume; /* keep what a part of this tag holds already */
};

struct pt_artifact_writer;
/* PT_NO_SPACE when the disk would be left with less than PT_ARTIFACT_DISK_LEFT. */
PT_MUST enum pt_code pt_artifact_open(struct pt_sys *sys, const struct pt_artifact_options *options,
                                      struct pt_artifact_writer **ret_writer, struct pt_error *reterr);
/* The next bytes; PT_INVALID_ARGUMENT when there are more than there should be. */
PT_MUST enum pt_code pt_artifact_write(struct pt_artifact_writer *writer, struct pt_bytes piece,
                                       struct pt_error *reterr);
uint64_t pt_artifact_written(const struct pt_artifact_writer *writer);
/* Everything came? Then sync and give it its name. PT_INVALID_ARGUMENT when size or digest are wrong; the part is
 * removed then. Frees the writer in any case. */
PT_MUST enum pt_code pt_artifact_finish(struct pt_artifact_writer *writer, struct pt_error *reterr);
void pt_artifact_cancel(struct pt_artifact_writer *writer); /* removes the part and frees; NULL is fine */
void pt_artifact_pause(struct pt_artifact_writer *writer);  /* keeps the part and frees; NULL is fine */

/* ---- reading -------------------------------------------------------------------------------------------------- */

/* Every byte of a file: PT_OK; PT_DATA_LOSS when it is not what it should be; PT_NOT_FOUND. */
PT_MUST enum pt_code pt_artifact_verify(struct pt_sys *sys, const char *path, const char *digest_hex, uint64_t size,
                                        struct pt_error *reterr);

/* ---- signatures ----------------------------------------------------------------------------------------------- */

/* What is signed: "patronus model version 1\n" NAME "\n" DIGEST "\n". The name binds the bytes to their place: a
 * version that was signed for one model is nothing for another. */
void pt_artifact_statement(const char *version, const char *digest_hex, struct pt_buf *out);
/* Has the key (64 hexadecimal digits) made the signature (128)? False for what is neither. */
bool pt_artifact_signed(const char *key_hex, const char *signature_hex, const char *version, const char *digest_hex);
/* May a node load these bytes as that version? Yes without keys, or when one of them has signed. */
bool pt_artifact_trusted(const char *const *keys, size_t keys_len, const char *signature_hex, const char *version,
                         const char *digest_hex);
