/*
 * The writer's side of the log: a list of operations, carried out in order on a thread of its own, then one sync.
 *
 * Consecutive writes that touch in the file go out as one write. Rolling over syncs the full segment first, so that a
 * segment with a successor is always whole; the next one is the spare, zeroed and synced beforehand, renamed into
 * place. Cutting deletes the later segments from the end, then zeroes the tail: whatever instant the power fails at,
 * what is left is a prefix, perhaps with remains behind it that the next start wipes. Any error ends the list: the loop
 * stops the node.
 */
#include "raft/log_priv.h"

#include "base/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define ZERO_CHUNK (256U << 10)

static enum pt_code write_zeros(struct pt_file *file, uint64_t offset, uint64_t end, struct pt_error *reterr)
{
    PT_AUTO(free) uint8_t *zeros = calloc(1, ZERO_CHUNK);
    pt_assert(zeros != NULL);
    while (offset < end) {
        size_t size = end - offset < ZERO_CHUNK ? (size_t)(end - offset) : ZERO_CHUNK;
        PT_TRY(pt_file_write(file, offset, zeros, size, reterr));
        offset += size;
    }
    return PT_OK;
}

/* A file that exists is overwritten in place: its space is not given back and asked for again. */
enum pt_code pt_raft_writer_make_zeroed(struct pt_sys *sys, const char *path, uint32_t size, struct pt_error *reterr)
{
    struct pt_file *file = NULL;
    PT_TRY(pt_file_open(sys, path, PT_OPEN_WRITE | PT_OPEN_CREATE, &file, reterr));
    enum pt_code code = write_zeros(file, 0, size, reterr);
    if (code == PT_OK) {
        code = pt_file_truncate(file, size, reterr);
    }
    if (code == PT_OK) {
        code = pt_file_sync(file, reterr);
    }
    pt_file_close(file);
    return code;
}

enum pt_code pt_raft_writer_open_tail(struct pt_raft_writer *writer, uint64_t first, struct pt_error *reterr)
{
    char path[PT_RAFT_PATH_SIZE];
    pt_raft_log_segment_path(writer->directory, first, path);
    struct pt_file *file = NULL;
    PT_TRY(pt_file_open(writer->sys, path, PT_OPEN_WRITE, &file, reterr));
    pt_file_close(writer->file);
    writer->file = file;
    writer->segment = first;
    return PT_OK;
}

/* Rename a zeroed file into place, write its head, stand in it. The caller syncs. */
static enum pt_code begin_segment(struct pt_raft_writer *writer, const char *zeroed, uint64_t first,
                                  const struct pt_digest *chain, struct pt_error *reterr)
{
    char path[PT_RAFT_PATH_SIZE];
    pt_raft_log_segment_path(writer->directory, first, path);
    PT_TRY(pt_path_rename(writer->sys, zeroed, path, reterr));
    PT_TRY(pt_raft_writer_open_tail(writer, first, reterr));
    uint8_t head[PT_RAFT_SEGMENT_HEAD_SIZE];
    pt_raft_segment_encode(&(struct pt_raft_segment_head){.first_index = first, .previous = *chain}, head);
    PT_TRY(pt_file_write(writer->file, 0, head, sizeof head, reterr));
    return pt_dir_sync(writer->sys, writer->directory, reterr);
}

static enum pt_code remove_segments(struct pt_raft_writer *writer, const struct pt_raft_op *op, struct pt_error *reterr)
{
    for (size_t i = 0; i < op->removed_len; i++) {
        char path[PT_RAFT_PATH_SIZE];
        pt_raft_log_segment_path(writer->directory, op->removed[i], path);
        if (writer->file != NULL && op->removed[i] == writer->segment) {
            pt_file_close(writer->file);
            writer->file = NULL;
        }
        if (op->recycle && i + 1 == op->removed_len) {
            char recycled[PT_RAFT_PATH_SIZE];
            (void)snprintf(recycled, sizeof recycled, "%s/recycled", writer->directory);
            PT_TRY(pt_path_rename(writer->sys, path, recycled, reterr));
        } else {
            PT_TRY(pt_path_remove(writer->sys, path, reterr));
        }
    }
    return op->removed_len == 0 ? PT_OK : pt_dir_sync(writer->sys, writer->directory, reterr);
}

static enum pt_code write_meta(struct pt_raft_writer *writer, const struct pt_raft_meta *meta, struct pt_error *reterr)
{
    uint8_t bytes[PT_RAFT_META_SIZE];
    pt_raft_meta_encode(meta, bytes);
    for (unsigned copy = 0; copy < 2; copy++) {
        PT_TRY(pt_file_write(writer->meta_file, (uint64_t)copy * PT_RAFT_META_SIZE, bytes, sizeof bytes, reterr));
        PT_TRY(pt_file_sync(writer->meta_file, reterr));
    }
    return PT_OK;
}

static enum pt_code run_roll(struct pt_raft_writer *writer, const struct pt_raft_op *op, struct pt_error *reterr)
{
    PT_TRY(pt_file_sync(writer->file, reterr));
    char spare[PT_RAFT_PATH_SIZE];
    (void)snprintf(spare, sizeof spare, "%s/%s", writer->directory, op->recycle ? "recycled" : "spare");
    return begin_segment(writer, spare, op->segment, &op->chain, reterr);
}

static enum pt_code run_cut(struct pt_raft_writer *writer, const struct pt_raft_op *op, struct pt_error *reterr)
{
    PT_TRY(remove_segments(writer, op, reterr));
    if (op->recycle) {
        char recycled[PT_RAFT_PATH_SIZE];
        (void)snprintf(recycled, sizeof recycled, "%s/recycled", writer->directory);
        PT_TRY(pt_raft_writer_make_zeroed(writer->sys, recycled, writer->segment_size, reterr));
    }
    if (writer->file == NULL || writer->segment != op->segment) {
        PT_TRY(pt_raft_writer_open_tail(writer, op->segment, reterr));
    }
    PT_TRY(write_zeros(writer->file, op->offset, op->end, reterr));
    return pt_file_sync(writer->file, reterr);
}

static enum pt_code run_reset(struct pt_raft_writer *writer, const struct pt_raft_op *op, struct pt_error *reterr)
{
    PT_TRY(remove_segments(writer, op, reterr));
    char path[PT_RAFT_PATH_SIZE];
    (void)snprintf(path, sizeof path, "%s/reset.tmp", writer->directory);
    PT_TRY(pt_raft_writer_make_zeroed(writer->sys, path, writer->segment_size, reterr));
    PT_TRY(begin_segment(writer, path, op->segment, &op->chain, reterr));
    PT_TRY(pt_file_sync(writer->file, reterr));
    return write_meta(writer, &op->meta, reterr);
}

/* Write op and those behind it that continue it in the file; returns the last one written by *ret_op. When nothing else
 * of the file waits for a sync and nothing follows, the write syncs itself, which leaves *dirty false. */
static enum pt_code run_writes(struct pt_raft_writer *writer, struct pt_raft_op *op, struct pt_raft_op **ret_op,
                               bool *dirty, struct pt_error *reterr)
{
    const struct pt_raft_block *block = op->block;
    uint32_t offset = block->offset;
    struct pt_bytes bytes = pt_buf_bytes(&block->bytes);
    bool gathered = false;
    while (op->next != NULL && op->next->kind == PT_RAFT_OP_WRITE && op->next->block->offset == offset + bytes.size) {
        if (!gathered) {
            pt_buf_reset(&writer->scratch);
            pt_buf_append(&writer->scratch, bytes.data, bytes.size);
            gathered = true;
        }
        op = op->next;
        pt_buf_append(&writer->scratch, op->block->bytes.data, op->block->bytes.size);
        bytes = pt_buf_bytes(&writer->scratch);
    }
    *ret_op = op;
    if (!*dirty && op->next == NULL) {
        return pt_file_write_through(writer->file, offset, bytes.data, bytes.size, reterr);
    }
    *dirty = true;
    return pt_file_write(writer->file, offset, bytes.data, bytes.size, reterr);
}

enum pt_code pt_raft_writer_run(struct pt_raft_writer *writer, struct pt_raft_op *ops, struct pt_error *reterr)
{
    bool dirty = false;
    for (struct pt_raft_op *op = ops; op != NULL; op = op->next) {
        switch (op->kind) {
        case PT_RAFT_OP_WRITE:
            PT_TRY(run_writes(writer, op, &op, &dirty, reterr));
            break;
        case PT_RAFT_OP_ROLL:
            PT_TRY(run_roll(writer, op, reterr));
            dirty = true;
            break;
        case PT_RAFT_OP_CUT:
            PT_TRY(run_cut(writer, op, reterr));
            dirty = false;
            break;
        case PT_RAFT_OP_META:
            PT_TRY(write_meta(writer, &op->meta, reterr));
            break;
        case PT_RAFT_OP_REMOVE:
            PT_TRY(remove_segments(writer, op, reterr));
            break;
        case PT_RAFT_OP_RESET:
            PT_TRY(run_reset(writer, op, reterr));
            dirty = false;
            break;
        }
    }
    return dirty ? pt_file_sync(writer->file, reterr) : PT_OK;
}

/* ---- the spare segment, made ahead on the side executor ------------------------------------------------------- */

static void spare_work(void *arg)
{
    struct pt_raft_log *log = arg;
    char temporary[PT_RAFT_PATH_SIZE], spare[PT_RAFT_PATH_SIZE];
    (void)snprintf(temporary, sizeof temporary, "%s/spare.tmp", log->directory);
    (void)snprintf(spare, sizeof spare, "%s/spare", log->directory);
    struct pt_sys *sys = log->options.sys;
    enum pt_code code = pt_raft_writer_make_zeroed(sys, temporary, log->segment_size, &log->spare_error);
    if (code == PT_OK) {
        code = pt_path_rename(sys, temporary, spare, &log->spare_error);
    }
    if (code == PT_OK) {
        code = pt_dir_sync(sys, log->directory, &log->spare_error);
    }
    log->spare_code = code;
}

static void spare_done(void *arg)
{
    struct pt_raft_log *log = arg;
    log->spare_pending = false;
    if (log->closing || log->failed) {
        return;
    }
    if (log->spare_code == PT_OK) {
        log->spare_ready = true;
        log->spare_short = false;
        log->options.on_room(log->options.context);
    } else if (log->spare_code == PT_NO_SPACE) {
        /* Give the part back that did fit: others need it more, and the retry starts from nothing anyway. */
        char temporary[PT_RAFT_PATH_SIZE];
        (void)snprintf(temporary, sizeof temporary, "%s/spare.tmp", log->directory);
        enum pt_code ignored = pt_path_remove(log->options.sys, temporary, NULL);
        (void)ignored; /* what stays is overwritten by the retry */
        log->spare_short = true;
        pt_timer_start(log->spare_timer, PT_RAFT_SPARE_RETRY_MS, 0);
        log->options.on_room(log->options.context);
    } else {
        log->failed = true;
        log->options.on_error(log->options.context, &log->spare_error);
    }
}

void pt_raft_spare_begin(struct pt_raft_log *log)
{
    if (log->spare_ready || log->spare_pending || log->failed || log->closing) {
        return;
    }
    log->spare_pending = true;
    pt_executor_submit(log->side, spare_work, spare_done, log);
}
