/*
 * See artifact.h. The digest is computed while the bytes pass, so that finishing costs a sync and a rename; a part that
 * is taken up again is read once for it.
 */
#include "node/artifact.h"

#include "base/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEX_SIZE 64
#define BLOCK_SIZE (256U << 10)

char *pt_artifact_path(const char *directory, const char *digest_hex, char path[PT_ARTIFACT_PATH_SIZE])
{
    int size = snprintf(path, PT_ARTIFACT_PATH_SIZE, "%s/%s", directory, digest_hex);
    pt_assert(size > 0 && size < PT_ARTIFACT_PATH_SIZE);
    return path;
}

bool pt_artifact_is_name(const char *name, const char **ret_tag)
{
    size_t size = strspn(name, "0123456789abcdef");
    if (size != HEX_SIZE || (name[size] != '\0' && name[size] != '.')) {
        return false;
    }
    *ret_tag = name[size] == '.' ? name + size + 1 : NULL;
    return true;
}

/* ---- writing -------------------------------------------------------------------------------------------------- */

struct pt_artifact_writer {
    struct pt_sys *sys;
    char *directory;
    char digest_hex[HEX_SIZE + 1];
    char part[PT_ARTIFACT_PATH_SIZE];
    uint64_t size, written;
    struct pt_file *file;
    struct pt_sha256_stream *hash;
};

static void writer_free(struct pt_artifact_writer *writer)
{
    pt_file_close(writer->file);
    if (writer->hash != NULL) {
        (void)pt_sha256_close(writer->hash);
    }
    free(writer->directory);
    free(writer);
}

void pt_artifact_pause(struct pt_artifact_writer *writer)
{
    if (writer != NULL) {
        writer_free(writer);
    }
}

void pt_artifact_cancel(struct pt_artifact_writer *writer)
{
    if (writer != NULL) {
        enum pt_code ignored = pt_path_remove(writer->sys, writer->part, NULL);
        (void)ignored; /* what stays is swept at the next start */
        writer_free(writer);
    }
}

/* Feed the file's first bytes to the hash. */
static enum pt_code hash_file(struct pt_file *file, uint64_t size, struct pt_sha256_stream *hash,
                              struct pt_error *reterr)
{
    PT_AUTO(buf) struct pt_buf block = {0};
    uint8_t *data = pt_buf_reserve(&block, BLOCK_SIZE);
    for (uint64_t at = 0; at < size;) {
        size_t piece = size - at < BLOCK_SIZE ? (size_t)(size - at) : BLOCK_SIZE;
        PT_TRY(pt_file_read(file, at, data, piece, reterr));
        pt_sha256_update(hash, data, piece);
        at += piece;
    }
    return PT_OK;
}

static enum pt_code check_room(const struct pt_artifact_writer *writer, struct pt_error *reterr)
{
    uint64_t left = 0;
    PT_TRY(pt_disk_free(writer->sys, writer->directory, &left, reterr));
    uint64_t wanted = writer->size - writer->written + PT_ARTIFACT_DISK_LEFT;
    if (left < wanted) {
        return pt_fail(reterr, PT_NO_SPACE, PT_REASON_NO_SPACE, NULL,
                       "%" PRIu64 " MiB are free where artifacts are kept, and %" PRIu64
                       " are needed, what the log needs included: free some, or delete versions",
                       left >> 20, wanted >> 20);
    }
    return PT_OK;
}

static enum pt_code take_up(struct pt_artifact_writer *writer, bool resume, struct pt_error *reterr)
{
    PT_TRY(pt_dir_make(writer->sys, writer->directory, reterr));
    PT_TRY(pt_file_open(writer->sys, writer->part, PT_OPEN_WRITE | PT_OPEN_CREATE, &writer->file, reterr));
    uint64_t present = 0;
    PT_TRY(pt_file_size(writer->file, &present, reterr));
    if (!resume || present > writer->size) {
        PT_TRY(pt_file_truncate(writer->file, 0, reterr));
        present = 0;
    }
    PT_TRY(hash_file(writer->file, present, writer->hash, reterr));
    writer->written = present;
    return check_room(writer, reterr);
}

enum pt_code pt_artifact_open(struct pt_sys *sys, const struct pt_artifact_options *options,
                              struct pt_artifact_writer **ret_writer, struct pt_error *reterr)
{
    pt_assert(strlen(options->digest_hex) == HEX_SIZE);
    struct pt_artifact_writer *writer = calloc(1, sizeof(*writer));
    pt_assert(writer != NULL);
    writer->sys = sys;
    writer->directory = strdup(options->directory);
    pt_assert(writer->directory != NULL);
    writer->size = options->size;
    memcpy(writer->digest_hex, options->digest_hex, HEX_SIZE);
    int size =
        snprintf(writer->part, sizeof(writer->part), "%s/%s.%s", options->directory, options->digest_hex, options->tag);
    pt_assert(size > 0 && (size_t)size < sizeof(writer->part));
    writer->hash = pt_sha256_open();
    enum pt_code code = take_up(writer, options->resume, reterr);
    if (code != PT_OK && options->resume) {
        pt_artifact_pause(writer);
    } else if (code != PT_OK) {
        pt_artifact_cancel(writer);
    } else {
        *ret_writer = writer;
    }
    return code;
}

enum pt_code pt_artifact_write(struct pt_artifact_writer *writer, struct pt_bytes piece, struct pt_error *reterr)
{
    if (piece.size > writer->size - writer->written) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "size_bytes",
                       "more bytes came than the version's %" PRIu64, writer->size);
    }
    if (piece.size > 0) {
        PT_TRY(pt_file_write(writer->file, writer->written, piece.data, piece.size, reterr));
        pt_sha256_update(writer->hash, piece.data, piece.size);
        writer->written += piece.size;
    }
    return PT_OK;
}

uint64_t pt_artifact_written(const struct pt_artifact_writer *writer)
{
    return writer->written;
}

/* The part is what it should be: make it last. */
static enum pt_code settle(struct pt_artifact_writer *writer, struct pt_error *reterr)
{
    char path[PT_ARTIFACT_PATH_SIZE];
    PT_TRY(pt_file_sync(writer->file, reterr));
    PT_TRY(pt_path_rename(writer->sys, writer->part, pt_artifact_path(writer->directory, writer->digest_hex, path),
                          reterr));
    return pt_dir_sync(writer->sys, writer->directory, reterr);
}

static enum pt_code check_whole(struct pt_artifact_writer *writer, struct pt_error *reterr)
{
    if (writer->written != writer->size) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "size_bytes",
                       "%" PRIu64 " bytes came, and the version has %" PRIu64, writer->written, writer->size);
    }
    struct pt_digest digest = pt_sha256_close(writer->hash);
    writer->hash = NULL;
    char hex[HEX_SIZE + 1];
    if (strcmp(pt_digest_hex(&digest, hex), writer->digest_hex) != 0) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "digest",
                       "the bytes that came have the SHA-256 %s, and the version has %s", hex, writer->digest_hex);
    }
    return PT_OK;
}

enum pt_code pt_artifact_finish(struct pt_artifact_writer *writer, struct pt_error *reterr)
{
    enum pt_code code = check_whole(writer, reterr);
    if (code == PT_OK) {
        code = settle(writer, reterr);
    }
    if (code == PT_OK) {
        writer_free(writer);
    } else {
        pt_artifact_cancel(writer);
    }
    return code;
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

enum pt_code pt_artifact_verify(struct pt_sys *sys, const char *path, const char *digest_hex, uint64_t size,
                                struct pt_error *reterr)
{
    struct pt_file *file = NULL;
    uint64_t present = 0;
    PT_TRY(pt_file_open(sys, path, PT_OPEN_READ, &file, reterr));
    struct pt_sha256_stream *hash = pt_sha256_open();
    enum pt_code code = pt_file_size(file, &present, reterr);
    if (code == PT_OK && present == size) {
        code = hash_file(file, size, hash, reterr);
    }
    struct pt_digest digest = pt_sha256_close(hash);
    pt_file_close(file);
    char hex[HEX_SIZE + 1];
    if (code == PT_OK && (present != size || strcmp(pt_digest_hex(&digest, hex), digest_hex) != 0)) {
        return pt_fail(reterr, PT_DATA_LOSS, PT_REASON_NONE, NULL,
                       "the bytes of artifact %.16s... are not what they were", digest_hex);
    }
    return code;
}

/* ---- signatures ----------------------------------------------------------------------------------------------- */

void pt_artifact_statement(const char *version, const char *digest_hex, struct pt_buf *out)
{
    pt_buf_printf(out, "patronus model version 1\n%s\n%s\n", version, digest_hex);
}

static bool hex_read(const char *text, uint8_t *bytes, size_t size)
{
    if (strlen(text) != 2 * size || strspn(text, "0123456789abcdef") != 2 * size) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        unsigned value = 0;
        (void)sscanf(text + 2 * i, "%2x", &value);
        bytes[i] = (uint8_t)value;
    }
    return true;
}

bool pt_artifact_signed(const char *key_hex, const char *signature_hex, const char *version, const char *digest_hex)
{
    uint8_t key[PT_SIGN_PUBLIC_SIZE];
    uint8_t signature[PT_SIGNATURE_SIZE];
    PT_AUTO(buf) struct pt_buf statement = {0};
    pt_artifact_statement(version, digest_hex, &statement);
    return hex_read(key_hex, key, sizeof(key)) && hex_read(signature_hex, signature, sizeof(signature)) &&
           pt_sign_verify(key, statement.data, statement.size, signature);
}

bool pt_artifact_trusted(const char *const *keys, size_t keys_len, const char *signature_hex, const char *version,
                         const char *digest_hex)
{
    bool trusted = keys_len == 0;
    for (size_t i = 0; i < keys_len && !trusted; i++) {
        trusted = pt_artifact_signed(keys[i], signature_hex, version, digest_hex);
    }
    return trusted;
}
