/*
 * Format. Beside the log's files the folder holds
 *
 *   snapshot                       the record, written atomically (new file, sync, rename)
 *   snapshot-<index>-<term>.state  the machine's file that the record names
 *
 *   record   0 "PTRAFTSS"   8 u32 version   12 u32 CRC-32C of the rest   16 u64 index   24 u64 term
 *            32 u64 configuration index   40 manifest (80)   120 u8 installing   121 configuration (codec.h)
 *   manifest chain (32)   u64 size   digest of the file (32)   u64 machine index
 *
 * The file is complete and synced before the record names it. While `installing` is set the record names the state to
 * come, and a start finishes what was begun: restore the machine, begin the log behind it, clear the mark.
 */
#include "raft/snapshot_file.h"

#include "base/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_SIZE_MAX (64U << 10)
#define HEAD_SIZE 121U
#define MANIFEST_SIZE 80U
#define READ_CHUNK (256U << 10)

static const char magic[8] = {'P', 'T', 'R', 'A', 'F', 'T', 'S', 'S'};

void pt_raft_snapshot_clear(struct pt_raft_snapshot *snapshot)
{
    raft_configuration_close(&snapshot->configuration);
    *snapshot = (struct pt_raft_snapshot){0};
}

void pt_raft_snapshot_copy(const struct pt_raft_snapshot *from, struct pt_raft_snapshot *ret_to)
{
    *ret_to = *from;
    raft_configuration_init(&ret_to->configuration);
    for (unsigned i = 0; i < from->configuration.n; i++) {
        const struct raft_server *server = &from->configuration.servers[i];
        int rv = raft_configuration_add(&ret_to->configuration, server->id, server->address, server->role);
        pt_assert(rv == 0);
    }
}

void pt_raft_snapshot_path(const char *directory, const struct pt_raft_snapshot *snapshot,
                           char path[PT_RAFT_SNAPSHOT_PATH_SIZE])
{
    (void)snprintf(path, PT_RAFT_SNAPSHOT_PATH_SIZE, "%s/snapshot-%020" PRIu64 "-%" PRIu64 ".state", directory,
                   snapshot->index, snapshot->term);
}

void pt_raft_manifest_encode(const struct pt_raft_snapshot *snapshot, struct pt_buf *out)
{
    pt_buf_append(out, snapshot->chain.bytes, PT_DIGEST_SIZE);
    pt_buf_append_be64(out, snapshot->size);
    pt_buf_append(out, snapshot->digest.bytes, PT_DIGEST_SIZE);
    pt_buf_append_be64(out, snapshot->machine_index);
}

bool pt_raft_manifest_decode(struct pt_bytes bytes, struct pt_raft_snapshot *ret_snapshot)
{
    if (bytes.size != MANIFEST_SIZE) {
        return false;
    }
    memcpy(ret_snapshot->chain.bytes, bytes.data, PT_DIGEST_SIZE);
    ret_snapshot->size = pt_be64(bytes.data + PT_DIGEST_SIZE);
    memcpy(ret_snapshot->digest.bytes, bytes.data + PT_DIGEST_SIZE + 8, PT_DIGEST_SIZE);
    ret_snapshot->machine_index = pt_be64(bytes.data + 2 * PT_DIGEST_SIZE + 8);
    return true;
}

enum pt_code pt_raft_snapshot_load(struct pt_sys *sys, const char *directory, struct pt_raft_snapshot *ret_snapshot,
                                   struct pt_error *reterr)
{
    char path[PT_RAFT_SNAPSHOT_PATH_SIZE];
    (void)snprintf(path, sizeof path, "%s/snapshot", directory);
    PT_AUTO(buf) struct pt_buf record = {0};
    enum pt_code code = pt_path_read(sys, path, RECORD_SIZE_MAX, &record, reterr);
    if (code == PT_NOT_FOUND) {
        *ret_snapshot = (struct pt_raft_snapshot){0};
        return PT_OK;
    }
    PT_TRY(code);
    if (record.size < HEAD_SIZE || memcmp(record.data, magic, sizeof magic) != 0 || pt_be32(record.data + 8) != 1 ||
        pt_be32(record.data + 12) != pt_crc32c(0, record.data + 16, record.size - 16)) {
        return pt_fail(reterr, PT_CORRUPT, PT_REASON_NONE, path, "the snapshot record does not check");
    }
    struct pt_raft_snapshot found = {.index = pt_be64(record.data + 16),
                                     .term = pt_be64(record.data + 24),
                                     .configuration_index = pt_be64(record.data + 32),
                                     .installing = record.data[120] != 0};
    bool decoded = pt_raft_manifest_decode((struct pt_bytes){record.data + 40, MANIFEST_SIZE}, &found);
    pt_assert(decoded);
    PT_TRY(pt_raft_configuration_decode((struct pt_bytes){record.data + HEAD_SIZE, record.size - HEAD_SIZE},
                                        &found.configuration, reterr));
    *ret_snapshot = found;
    return PT_OK;
}

enum pt_code pt_raft_snapshot_store(struct pt_sys *sys, const char *directory, const struct pt_raft_snapshot *snapshot,
                                    struct pt_error *reterr)
{
    char path[PT_RAFT_SNAPSHOT_PATH_SIZE];
    (void)snprintf(path, sizeof path, "%s/snapshot", directory);
    PT_AUTO(buf) struct pt_buf record = {0};
    pt_buf_append(&record, magic, sizeof magic);
    pt_buf_append_be32(&record, 1);
    pt_buf_append_be32(&record, 0);
    pt_buf_append_be64(&record, snapshot->index);
    pt_buf_append_be64(&record, snapshot->term);
    pt_buf_append_be64(&record, snapshot->configuration_index);
    pt_raft_manifest_encode(snapshot, &record);
    pt_buf_append_u8(&record, snapshot->installing ? 1 : 0);
    pt_raft_configuration_encode(&snapshot->configuration, &record);
    pt_put_be32(record.data + 12, pt_crc32c(0, record.data + 16, record.size - 16));
    return pt_path_write(sys, path, record.data, record.size, reterr);
}

enum pt_code pt_raft_file_digest(struct pt_sys *sys, const char *path, bool sync, uint64_t *ret_size,
                                 struct pt_digest *ret_digest, struct pt_error *reterr)
{
    struct pt_file *file = NULL;
    PT_TRY(pt_file_open(sys, path, sync ? PT_OPEN_WRITE : PT_OPEN_READ, &file, reterr));
    uint64_t size = 0;
    enum pt_code code = sync ? pt_file_sync(file, reterr) : PT_OK;
    if (code == PT_OK) {
        code = pt_file_size(file, &size, reterr);
    }
    PT_AUTO(free) uint8_t *chunk = malloc(READ_CHUNK);
    pt_assert(chunk != NULL);
    struct pt_sha256_stream *stream = pt_sha256_open();
    for (uint64_t offset = 0; offset < size && code == PT_OK;) {
        size_t part = size - offset < READ_CHUNK ? (size_t)(size - offset) : READ_CHUNK;
        code = pt_file_read(file, offset, chunk, part, reterr);
        if (code == PT_OK) {
            pt_sha256_update(stream, chunk, part);
        }
        offset += part;
    }
    struct pt_digest digest = pt_sha256_close(stream);
    pt_file_close(file);
    PT_TRY(code);
    *ret_size = size;
    *ret_digest = digest;
    return PT_OK;
}

struct clean {
    struct pt_sys *sys;
    const char *directory;
    const char *keep; /* full path; "" for none */
    enum pt_code code;
    struct pt_error *reterr;
};

static void clean_one(void *arg, const char *name)
{
    struct clean *clean = arg;
    size_t size = strlen(name);
    if (clean->code != PT_OK || strncmp(name, "snapshot-", 9) != 0 || size < 9) {
        return;
    }
    char path[PT_RAFT_SNAPSHOT_PATH_SIZE + 256];
    (void)snprintf(path, sizeof path, "%s/%s", clean->directory, name);
    if (strcmp(path, clean->keep) != 0) {
        clean->code = pt_path_remove(clean->sys, path, clean->reterr);
    }
}

enum pt_code pt_raft_snapshot_clean(struct pt_sys *sys, const char *directory, const struct pt_raft_snapshot *keep,
                                    struct pt_error *reterr)
{
    char path[PT_RAFT_SNAPSHOT_PATH_SIZE] = "";
    if (keep != NULL && keep->index > 0) {
        pt_raft_snapshot_path(directory, keep, path);
    }
    struct clean clean = {.sys = sys, .directory = directory, .keep = path, .reterr = reterr};
    PT_TRY(pt_dir_list(sys, directory, clean_one, &clean, reterr));
    return clean.code;
}
