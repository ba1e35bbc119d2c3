/*
 * Format.
 *
 *   patronus backup 1\n
 *   name=value\n             each field of the manifest once, in the order of the tables below
 *   head=<64 hexadecimal>\n  SHA-256 of everything before this line
 *   block, block, ...        u32 size, SHA-256 of (u64 number, data), data; 1 MiB each, the last one what is left
 *
 * The blocks end where the manifest's size is reached, and the file with them. The number in a block's digest makes two
 * blocks that changed places show as both damaged. Integers are big-endian.
 */
#include "node/backup.h"

#include "base/assert.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC "patronus backup 1\n"
#define BLOCK_SIZE (1U << 20)
#define BLOCK_HEAD_SIZE (4 + PT_DIGEST_SIZE)
#define PATH_SIZE 1024

/* ---- the head ------------------------------------------------------------------------------------------------- */

enum field_kind { FIELD_TEXT, FIELD_NUMBER, FIELD_DIGEST };

struct field {
    const char *name;
    enum field_kind kind;
    size_t offset, size;
};

#define FIELD(member, field_kind)                                         \
    {                                                                     \
#member, field_kind, offsetof(struct pt_backup_manifest, member), \
            sizeof(((struct pt_backup_manifest *)0)->member)              \
    }

static const struct field fields[] = {
    FIELD(cluster_id, FIELD_TEXT), FIELD(epoch, FIELD_NUMBER),    FIELD(revision, FIELD_NUMBER),
    FIELD(index, FIELD_NUMBER),    FIELD(term, FIELD_NUMBER),     FIELD(level, FIELD_NUMBER),
    FIELD(time_ms, FIELD_NUMBER),  FIELD(controller, FIELD_TEXT), FIELD(version, FIELD_TEXT),
    FIELD(stale, FIELD_NUMBER),    FIELD(size, FIELD_NUMBER),     FIELD(sha256, FIELD_DIGEST),
};

#define FIELDS_LEN (sizeof(fields) / sizeof(fields[0]))

void pt_backup_head_write(const struct pt_backup_manifest *manifest, struct pt_buf *out)
{
    size_t start = out->size;
    pt_buf_append_str(out, MAGIC);
    for (size_t i = 0; i < FIELDS_LEN; i++) {
        const void *place = (const char *)manifest + fields[i].offset;
        char hex[65];
        if (fields[i].kind == FIELD_TEXT) {
            pt_buf_printf(out, "%s=%s\n", fields[i].name, (const char *)place);
        } else if (fields[i].kind == FIELD_NUMBER) {
            pt_buf_printf(out, "%s=%" PRIu64 "\n", fields[i].name, *(const uint64_t *)place);
        } else {
            pt_buf_printf(out, "%s=%s\n", fields[i].name, pt_digest_hex(place, hex));
        }
    }
    struct pt_digest digest = pt_sha256(out->data + start, out->size - start);
    char hex[65];
    pt_buf_printf(out, "head=%s\n", pt_digest_hex(&digest, hex));
}

static bool number_parse(const char *text, uint64_t *ret_number)
{
    uint64_t number = 0;
    const char *p = text;
    for (; *p >= '0' && *p <= '9' && p - text < 20; p++) {
        uint64_t digit = (uint64_t)(*p - '0');
        if (number > (UINT64_MAX - digit) / 10) {
            return false;
        }
        number = number * 10 + digit;
    }
    *ret_number = number;
    return p != text && *p == '\0' && (text[0] != '0' || p == text + 1);
}

/* One text for one digest: lower case. */
static bool digest_parse(const char *text, struct pt_digest *ret_digest)
{
    char hex[65];
    return strlen(text) == 64 && pt_digest_from_hex(text, ret_digest, NULL) == PT_OK &&
           strcmp(pt_digest_hex(ret_digest, hex), text) == 0;
}

static bool value_set(struct pt_backup_manifest *manifest, const struct field *field, const char *value)
{
    void *place = (char *)manifest + field->offset;
    size_t len = strlen(value);
    if (field->kind == FIELD_NUMBER) {
        return number_parse(value, place);
    }
    if (field->kind == FIELD_DIGEST) {
        return digest_parse(value, place);
    }
    if (len >= field->size) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (value[i] < ' ' || value[i] > '~') {
            return false;
        }
    }
    memcpy(place, value, len + 1);
    return true;
}

/* One line without its end into `line`; the size with its end, 0 when there is none that fits. */
static size_t line_take(struct pt_bytes bytes, size_t at, char line[256])
{
    for (size_t i = at; i < bytes.size && i - at < 255; i++) {
        if (bytes.data[i] == '\n') {
            memcpy(line, bytes.data + at, i - at);
            line[i - at] = '\0';
            return strlen(line) == i - at ? i - at + 1 : 0;
        }
    }
    return 0;
}

enum pt_code pt_backup_head_parse(struct pt_bytes bytes, struct pt_backup_manifest *ret_manifest, size_t *ret_size,
                                  struct pt_error *reterr)
{
    struct pt_backup_manifest manifest = {0};
    size_t at = strlen(MAGIC);
    char line[256];
    if (bytes.size < at || memcmp(bytes.data, MAGIC, at) != 0) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_NONE, "line 1",
                       "this is no backup of a cluster; make one with: patronusctl backup FILE");
    }
    for (size_t i = 0; i <= FIELDS_LEN; i++) {
        char place[32];
        (void)snprintf(place, sizeof(place), "line %zu", i + 2);
        const char *name = i < FIELDS_LEN ? fields[i].name : "head";
        size_t name_len = strlen(name);
        size_t size = line_take(bytes, at, line);
        if (size == 0 || strncmp(line, name, name_len) != 0 || line[name_len] != '=') {
            return pt_fail(reterr, PT_CORRUPT, PT_REASON_NONE, place, "%s= does not stand there: the head is damaged",
                           name);
        }
        struct pt_digest head, found = pt_sha256(bytes.data, at);
        bool good = i < FIELDS_LEN ? value_set(&manifest, &fields[i], line + name_len + 1)
                                   : digest_parse(line + name_len + 1, &head) && pt_digest_equal(&head, &found);
        if (!good) {
            return pt_fail(reterr, PT_CORRUPT, PT_REASON_NONE, place,
                           i < FIELDS_LEN ? "the value of %s does not fit: the head is damaged"
                                          : "%s= does not fit what stands above it: the head was changed",
                           name);
        }
        at += size;
    }
    *ret_manifest = manifest;
    *ret_size = at;
    return PT_OK;
}

/* ---- blocks --------------------------------------------------------------------------------------------------- */

static struct pt_digest block_digest(uint64_t number, const uint8_t *data, size_t size)
{
    uint8_t head[8];
    pt_put_be64(head, number);
    struct pt_sha256_stream *stream = pt_sha256_open();
    pt_sha256_update(stream, head, sizeof(head));
    pt_sha256_update(stream, data, size);
    return pt_sha256_close(stream);
}

/* ---- writing -------------------------------------------------------------------------------------------------- */

struct pt_backup_writer {
    struct pt_sys *sys;
    char path[PATH_SIZE], part[PATH_SIZE];
    struct pt_backup_manifest manifest;
    struct pt_file *file;
    struct pt_sha256_stream *sha256;
    uint64_t offset;     /* in the file */
    uint64_t number;     /* of the next block */
    uint64_t taken;      /* bytes of the state */
    struct pt_buf block; /* being filled; room for its head in front */
};

enum pt_code pt_backup_create(struct pt_sys *sys, const char *path, const struct pt_backup_manifest *manifest,
                              struct pt_backup_writer **ret_writer, struct pt_error *reterr)
{
    if (strlen(path) + 6 > PATH_SIZE) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "FILE", "the path is too long");
    }
    if (pt_path_exists(sys, path)) {
        return pt_fail(reterr, PT_ALREADY_EXISTS, PT_REASON_NONE, path,
                       "the file exists; name another one, or remove it first");
    }
    struct pt_backup_writer *writer = calloc(1, sizeof(*writer));
    pt_assert(writer != NULL);
    writer->sys = sys;
    writer->manifest = *manifest;
    (void)snprintf(writer->path, PATH_SIZE, "%s", path);
    (void)snprintf(writer->part, PATH_SIZE, "%s.part", path);
    writer->sha256 = pt_sha256_open();
    PT_AUTO(buf) struct pt_buf head = {0};
    pt_backup_head_write(manifest, &head);
    enum pt_code code = pt_file_open(sys, writer->part, PT_OPEN_WRITE | PT_OPEN_CREATE, &writer->file, reterr);
    if (code == PT_NOT_FOUND) {
        code = pt_fail(reterr, PT_NOT_FOUND, PT_REASON_NONE, path,
                       "the folder of the file does not exist; make it first, or name another one");
    }
    if (code == PT_OK) {
        code = pt_file_truncate(writer->file, 0, reterr);
    }
    if (code == PT_OK) {
        code = pt_file_write(writer->file, 0, head.data, head.size, reterr);
    }
    writer->offset = head.size;
    if (code != PT_OK) {
        pt_backup_cancel(writer);
        return code;
    }
    *ret_writer = writer;
    return PT_OK;
}

static enum pt_code block_flush(struct pt_backup_writer *writer, struct pt_error *reterr)
{
    if (writer->block.size <= BLOCK_HEAD_SIZE) {
        return PT_OK;
    }
    size_t size = writer->block.size - BLOCK_HEAD_SIZE;
    uint8_t *data = writer->block.data + BLOCK_HEAD_SIZE;
    struct pt_digest digest = block_digest(writer->number++, data, size);
    pt_put_be32(writer->block.data, (uint32_t)size);
    memcpy(writer->block.data + 4, digest.bytes, PT_DIGEST_SIZE);
    PT_TRY(pt_file_write(writer->file, writer->offset, writer->block.data, writer->block.size, reterr));
    writer->offset += writer->block.size;
    pt_buf_reset(&writer->block);
    return PT_OK;
}

enum pt_code pt_backup_write(struct pt_backup_writer *writer, struct pt_bytes piece, struct pt_error *reterr)
{
    static const uint8_t room[BLOCK_HEAD_SIZE] = {0};
    if (piece.size > writer->manifest.size - writer->taken) {
        return pt_fail(reterr, PT_CORRUPT, PT_REASON_NONE, "state", "more came than the %" PRIu64 " bytes announced",
                       writer->manifest.size);
    }
    writer->taken += piece.size;
    pt_sha256_update(writer->sha256, piece.data, piece.size);
    while (piece.size > 0) {
        if (writer->block.size == 0) {
            pt_buf_append(&writer->block, room, sizeof(room));
        }
        size_t left = BLOCK_HEAD_SIZE + BLOCK_SIZE - writer->block.size;
        size_t size = piece.size < left ? piece.size : left;
        pt_buf_append(&writer->block, piece.data, size);
        piece.data += size;
        piece.size -= size;
        if (size == left) {
            PT_TRY(block_flush(writer, reterr));
        }
    }
    return PT_OK;
}

static void writer_free(struct pt_backup_writer *writer)
{
    pt_file_close(writer->file);
    if (writer->sha256 != NULL) {
        (void)pt_sha256_close(writer->sha256); /* frees; nobody wants the digest any more */
    }
    pt_buf_fini(&writer->block);
    free(writer);
}

void pt_backup_cancel(struct pt_backup_writer *writer)
{
    if (writer != NULL) {
        enum pt_code ignored = pt_path_remove(writer->sys, writer->part, NULL);
        (void)ignored; /* what stays is called .part */
        writer_free(writer);
    }
}

static void folder_of(const char *path, char folder[PATH_SIZE])
{
    (void)snprintf(folder, PATH_SIZE, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash == NULL) {
        (void)snprintf(folder, PATH_SIZE, ".");
    } else {
        slash[slash == folder ? 1 : 0] = '\0';
    }
}

static enum pt_code finish(struct pt_backup_writer *writer, struct pt_error *reterr)
{
    struct pt_digest digest = pt_sha256_close(writer->sha256);
    writer->sha256 = NULL;
    if (writer->taken != writer->manifest.size) {
        return pt_fail(reterr, PT_CORRUPT, PT_REASON_NONE, "state",
                       "the stream ended after %" PRIu64 " of %" PRIu64 " bytes: repeat the backup", writer->taken,
                       writer->manifest.size);
    }
    if (!pt_digest_equal(&digest, &writer->manifest.sha256)) {
        return pt_fail(reterr, PT_CORRUPT, PT_REASON_NONE, "state",
                       "what came is not what the controller announced: repeat the backup");
    }
    PT_TRY(block_flush(writer, reterr));
    PT_TRY(pt_file_sync(writer->file, reterr));
    PT_TRY(pt_path_rename(writer->sys, writer->part, writer->path, reterr));
    char folder[PATH_SIZE];
    folder_of(writer->path, folder);
    return pt_dir_sync(writer->sys, folder, reterr);
}

enum pt_code pt_backup_finish(struct pt_backup_writer *writer, struct pt_error *reterr)
{
    enum pt_code code = finish(writer, reterr);
    if (code != PT_OK) {
        pt_backup_cancel(writer);
    } else {
        writer_free(writer);
    }
    return code;
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

struct reader {
    struct pt_file *file, *to; /* to: NULL when it is only checked */
    uint64_t file_size, offset, number, done;
    struct pt_buf data;
    struct pt_sha256_stream *sha256;
};

static enum pt_code block_bad(const struct reader *reader, const char *what, struct pt_error *reterr)
{
    char place[64];
    (void)snprintf(place, sizeof(place), "block %" PRIu64, reader->number);
    return pt_fail(reterr, PT_CORRUPT, PT_REASON_NONE, place,
                   "bytes %" PRIu64 " and following of the file: %s; this backup cannot be used", reader->offset, what);
}

static enum pt_code block_read(struct reader *reader, const struct pt_backup_manifest *manifest,
                               struct pt_error *reterr)
{
    uint64_t left = manifest->size - reader->done;
    size_t want = left < BLOCK_SIZE ? (size_t)left : BLOCK_SIZE;
    if (reader->file_size - reader->offset < BLOCK_HEAD_SIZE + want) {
        return block_bad(reader, "the file is cut off there", reterr);
    }
    pt_buf_reset(&reader->data);
    uint8_t *data = pt_buf_reserve(&reader->data, BLOCK_HEAD_SIZE + want);
    PT_TRY(pt_file_read(reader->file, reader->offset, data, BLOCK_HEAD_SIZE + want, reterr));
    struct pt_digest digest = block_digest(reader->number, data + BLOCK_HEAD_SIZE, want);
    if (pt_be32(data) != want || memcmp(data + 4, digest.bytes, PT_DIGEST_SIZE) != 0) {
        return block_bad(reader, "a byte in this block was changed", reterr);
    }
    pt_sha256_update(reader->sha256, data + BLOCK_HEAD_SIZE, want);
    if (reader->to != NULL) {
        PT_TRY(pt_file_write(reader->to, reader->done, data + BLOCK_HEAD_SIZE, want, reterr));
    }
    reader->done += want;
    reader->offset += BLOCK_HEAD_SIZE + want;
    reader->number++;
    return PT_OK;
}

static enum pt_code read_all(struct reader *reader, struct pt_backup_manifest *manifest, struct pt_error *reterr)
{
    PT_TRY(pt_file_size(reader->file, &reader->file_size, reterr));
    size_t size = reader->file_size < PT_BACKUP_HEAD_SIZE_MAX ? (size_t)reader->file_size : PT_BACKUP_HEAD_SIZE_MAX;
    uint8_t *data = pt_buf_reserve(&reader->data, size + 1);
    if (size > 0) {
        PT_TRY(pt_file_read(reader->file, 0, data, size, reterr));
    }
    size_t head_size = 0;
    PT_TRY(pt_backup_head_parse((struct pt_bytes){data, size}, manifest, &head_size, reterr));
    reader->offset = head_size;
    while (reader->done < manifest->size) {
        PT_TRY(block_read(reader, manifest, reterr));
    }
    if (reader->offset != reader->file_size) {
        return block_bad(reader, "something was added behind the last block", reterr);
    }
    struct pt_digest digest = pt_sha256_close(reader->sha256);
    reader->sha256 = NULL;
    if (!pt_digest_equal(&digest, &manifest->sha256)) {
        return pt_fail(reterr, PT_CORRUPT, PT_REASON_NONE, "sha256",
                       "the blocks are not those that the head announces; this backup cannot be used");
    }
    return reader->to != NULL ? pt_file_sync(reader->to, reterr) : PT_OK;
}

enum pt_code pt_backup_read(struct pt_sys *sys, const char *path, const char *state_path,
                            struct pt_backup_manifest *ret_manifest, struct pt_error *reterr)
{
    struct reader reader = {.sha256 = pt_sha256_open()};
    struct pt_backup_manifest manifest;
    enum pt_code code = pt_file_open(sys, path, PT_OPEN_READ, &reader.file, reterr);
    if (code == PT_OK && state_path != NULL) {
        code = pt_file_open(sys, state_path, PT_OPEN_WRITE | PT_OPEN_CREATE | PT_OPEN_EXCLUSIVE, &reader.to, reterr);
    }
    if (code == PT_OK) {
        code = read_all(&reader, &manifest, reterr);
    }
    pt_file_close(reader.file);
    pt_file_close(reader.to);
    pt_buf_fini(&reader.data);
    if (reader.sha256 != NULL) {
        (void)pt_sha256_close(reader.sha256); /* frees */
    }
    if (code == PT_OK) {
        *ret_manifest = manifest;
    } else if (reader.to != NULL) {
        enum pt_code ignored = pt_path_remove(sys, state_path, NULL);
        (void)ignored; /* the failure that is reported counts */
    }
    return code;
}
