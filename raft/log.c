/*
 * The loop's side of the log: places, hashes, cache, and the queue of operations for the writer.
 *
 * Order. Every change is decided here at once (indexes, offsets, the running hash) and queued as an operation; the
 * writer carries the queue out in order. So the loop never waits, and memory is always ahead of the disk by exactly the
 * queue. `durable` follows: it moves when a group of operations has been written and synced. A truncation overtakes
 * writes that are queued or under way: it lowers their `last`, so that nothing replaced is ever reported durable.
 *
 * Space. pt_raft_log_room counts zeroed bytes only: the rest of the tail and the spare segment. A full disk thus shows
 * when the next spare is made, long before an append could fail, and appends never meet PT_NO_SPACE.
 *
 * Failure. The first error of a write, sync, rename or removal is reported once by on_error; nothing is written
 * afterwards. A read that fails is reported to its caller alone.
 */
#include "raft/log_priv.h"

#include "base/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void pt_raft_log_segment_path(const char *directory, uint64_t first, char path[PT_RAFT_PATH_SIZE])
{
    (void)snprintf(path, PT_RAFT_PATH_SIZE, "%s/%020" PRIu64 ".log", directory, first);
}

void pt_raft_block_unref(struct pt_raft_block *block)
{
    if (block != NULL && --block->refs == 0) {
        pt_buf_fini(&block->bytes);
        free(block);
    }
}

/* Pages that entry `index` and all before it need, from the first that is kept. */
static size_t pages_len(const struct pt_raft_log *log, uint64_t index)
{
    return (size_t)(index / PT_RAFT_PAGE_LEN - (log->base_index + 1) / PT_RAFT_PAGE_LEN) + 1;
}

static struct pt_raft_slot **page_of(const struct pt_raft_log *log, uint64_t index)
{
    return &log->pages[index / PT_RAFT_PAGE_LEN & (log->capacity - 1)];
}

static void pages_grow(struct pt_raft_log *log)
{
    struct pt_raft_log grown = {.capacity = log->capacity == 0 ? 4 : log->capacity * 2};
    grown.pages = calloc(grown.capacity, sizeof *grown.pages);
    pt_assert(grown.pages != NULL);
    uint64_t first = (log->base_index + 1) / PT_RAFT_PAGE_LEN; /* `capacity` pages from here are all that there are */
    for (size_t i = 0; i < log->capacity; i++) {
        *page_of(&grown, (first + i) * PT_RAFT_PAGE_LEN) = *page_of(log, (first + i) * PT_RAFT_PAGE_LEN);
    }
    free(log->pages);
    log->pages = grown.pages;
    log->capacity = grown.capacity;
}

/* The page of an entry that is no longer kept, when none of its entries is. */
static void page_release(struct pt_raft_log *log, uint64_t index)
{
    if (index % PT_RAFT_PAGE_LEN == PT_RAFT_PAGE_LEN - 1) {
        free(*page_of(log, index));
        *page_of(log, index) = NULL;
    }
}

struct pt_raft_slot *pt_raft_log_push_slot(struct pt_raft_log *log)
{
    uint64_t index = pt_raft_log_end(log) + 1;
    while (pages_len(log, index) > log->capacity) {
        pages_grow(log);
    }
    struct pt_raft_slot **page = page_of(log, index);
    if (*page == NULL) {
        *page = calloc(PT_RAFT_PAGE_LEN, sizeof **page);
        pt_assert(*page != NULL);
    }
    log->len++;
    struct pt_raft_slot *slot = pt_raft_log_slot(log, index);
    *slot = (struct pt_raft_slot){0};
    return slot;
}

void pt_raft_log_push_segment(struct pt_raft_log *log, uint64_t first, uint32_t size)
{
    if (log->segments_len == log->segments_capacity) {
        log->segments_capacity = log->segments_capacity == 0 ? 16 : log->segments_capacity * 2;
        log->segments = realloc(log->segments, log->segments_capacity * sizeof *log->segments);
        pt_assert(log->segments != NULL);
    }
    log->segments[log->segments_len++] = (struct pt_raft_segment){.first = first, .size = size};
}

static void slot_evict(struct pt_raft_log *log, struct pt_raft_slot *slot)
{
    if (slot->block != NULL) {
        log->cached_size -= pt_raft_record_size(slot->data_size);
        pt_raft_block_unref(slot->block);
        slot->block = NULL;
    }
}

void pt_raft_log_drop_all(struct pt_raft_log *log)
{
    for (uint64_t i = log->base_index + 1; i <= pt_raft_log_end(log); i++) {
        slot_evict(log, pt_raft_log_slot(log, i));
    }
    for (size_t i = 0; i < log->capacity; i++) {
        free(log->pages[i]);
        log->pages[i] = NULL;
    }
    log->len = 0;
    log->segments_len = 0;
}

/* ---- state ---------------------------------------------------------------------------------------------------- */

const struct pt_raft_meta *pt_raft_log_meta(const struct pt_raft_log *log)
{
    return &log->meta;
}

uint64_t pt_raft_log_first(const struct pt_raft_log *log)
{
    return log->base_index + 1;
}

uint64_t pt_raft_log_last(const struct pt_raft_log *log)
{
    return pt_raft_log_end(log);
}

uint64_t pt_raft_log_durable(const struct pt_raft_log *log)
{
    return log->durable;
}

struct pt_digest pt_raft_log_hash(const struct pt_raft_log *log, uint64_t index)
{
    pt_assert(index >= log->base_index && index <= pt_raft_log_end(log));
    return index == log->base_index ? log->base_chain : pt_raft_log_slot(log, index)->chain;
}

uint64_t pt_raft_log_term(const struct pt_raft_log *log, uint64_t index)
{
    pt_assert(index > log->base_index && index <= pt_raft_log_end(log));
    return pt_raft_log_slot(log, index)->term;
}

enum pt_raft_entry_type pt_raft_log_type(const struct pt_raft_log *log, uint64_t index)
{
    pt_assert(index > log->base_index && index <= pt_raft_log_end(log));
    return pt_raft_log_slot(log, index)->type;
}

static unsigned spares(const struct pt_raft_log *log)
{
    return (log->spare_ready ? 1U : 0U) + (log->recycled_ready ? 1U : 0U);
}

uint64_t pt_raft_log_room(const struct pt_raft_log *log)
{
    uint64_t room = pt_raft_log_tail_left(log);
    room += (uint64_t)spares(log) * (log->segment_size - PT_RAFT_SEGMENT_HEAD_SIZE);
    uint64_t kept = PT_RAFT_ROOM_RESERVE < log->segment_size / 4 ? PT_RAFT_ROOM_RESERVE : log->segment_size / 4;
    return room > kept ? room - kept : 0;
}

bool pt_raft_log_fits(const struct pt_raft_log *log, size_t total_size, size_t record_size_max)
{
    /* A record does not straddle segments: up to one record's worth of the tail may stay unused. */
    if (total_size > pt_raft_log_tail_left(log)) {
        /* And not more than one fresh segment takes: that much is there even after a truncation (writer, "recycled").
         */
        return total_size + record_size_max * (1 + spares(log)) <= pt_raft_log_room(log) &&
               total_size + record_size_max + PT_RAFT_SEGMENT_HEAD_SIZE <= log->segment_size;
    }
    return total_size <= pt_raft_log_room(log);
}

bool pt_raft_log_fits_reserve(const struct pt_raft_log *log, size_t total_size, size_t record_size_max)
{
    uint64_t left = pt_raft_log_tail_left(log);
    return total_size <= left ||
           (log->spare_ready && total_size + record_size_max <= left + log->segment_size - PT_RAFT_SEGMENT_HEAD_SIZE);
}

bool pt_raft_log_short(const struct pt_raft_log *log)
{
    return log->spare_short;
}

bool pt_raft_log_get(struct pt_raft_log *log, uint64_t index, struct pt_raft_record *ret_record)
{
    pt_assert(index > log->base_index && index <= pt_raft_log_end(log));
    const struct pt_raft_slot *slot = pt_raft_log_slot(log, index);
    if (slot->block == NULL) {
        return false;
    }
    const uint8_t *record = slot->block->bytes.data + (slot->offset - slot->block->offset);
    *ret_record = (struct pt_raft_record){.index = index,
                                          .term = slot->term,
                                          .type = slot->type,
                                          .data = {record + PT_RAFT_RECORD_HEAD_SIZE, slot->data_size},
                                          .size = pt_raft_record_size(slot->data_size)};
    return true;
}

/* ---- the queue ------------------------------------------------------------------------------------------------ */

static void op_free(struct pt_raft_op *op)
{
    pt_raft_block_unref(op->block);
    free(op->removed);
    free(op);
}

static void ops_free(struct pt_raft_op *op)
{
    while (op != NULL) {
        struct pt_raft_op *next = op->next;
        op_free(op);
        op = next;
    }
}

static void group_work(void *arg)
{
    struct pt_raft_log *log = arg;
    log->run_code = pt_raft_writer_run(&log->writer, log->running, &log->run_error);
}

static void group_start(struct pt_raft_log *log);

static void group_done(void *arg)
{
    struct pt_raft_log *log = arg;
    struct pt_raft_op *ops = log->running;
    log->running = NULL;
    if (log->run_code != PT_OK) {
        ops_free(ops);
        if (!log->failed) {
            log->failed = true;
            if (!log->closing) {
                log->options.on_error(log->options.context, &log->run_error);
            }
        }
        return;
    }
    uint64_t durable = log->durable;
    bool rolled = false;
    for (const struct pt_raft_op *op = ops; op != NULL; op = op->next) {
        if (op->kind == PT_RAFT_OP_WRITE && op->last >= op->first && op->last > durable) {
            durable = op->last;
        }
        rolled = rolled || op->kind == PT_RAFT_OP_ROLL;
    }
    bool moved = durable > log->durable;
    log->durable = durable;
    group_start(log);
    if (rolled) {
        pt_raft_spare_begin(log);
    }
    while (ops != NULL) {
        struct pt_raft_op *next = ops->next;
        if (ops->fn != NULL && !log->closing) {
            ops->fn(ops->arg);
        }
        op_free(ops);
        ops = next;
    }
    if (moved && !log->closing) {
        log->options.on_durable(log->options.context, log->durable);
    }
}

static void group_start(struct pt_raft_log *log)
{
    if (log->running != NULL || log->queue_head == NULL || log->failed || log->closing) {
        return;
    }
    log->running = log->queue_head;
    log->queue_head = log->queue_tail = NULL;
    pt_executor_submit(log->executor, group_work, group_done, log);
}

static struct pt_raft_op *op_push(struct pt_raft_log *log, enum pt_raft_op_kind kind)
{
    struct pt_raft_op *op = calloc(1, sizeof *op);
    pt_assert(op != NULL && log->started);
    op->kind = kind;
    if (log->queue_tail == NULL) {
        log->queue_head = op;
    } else {
        log->queue_tail->next = op;
    }
    log->queue_tail = op;
    return op;
}

/* Take the segments from position `at` on out of the list and name them in op, last one first. */
static void op_take_segments(struct pt_raft_log *log, struct pt_raft_op *op, size_t at)
{
    op->removed_len = log->segments_len - at;
    op->removed = calloc(op->removed_len + 1, sizeof *op->removed);
    pt_assert(op->removed != NULL);
    for (size_t i = 0; i < op->removed_len; i++) {
        op->removed[i] = log->segments[log->segments_len - 1 - i].first;
    }
    log->segments_len = at;
}

/* ---- append --------------------------------------------------------------------------------------------------- */

static void cache_trim(struct pt_raft_log *log)
{
    if (log->cached_from <= log->base_index) {
        log->cached_from = log->base_index + 1;
    }
    while (log->cached_size > log->cache_size && log->cached_from <= log->durable &&
           log->cached_from <= pt_raft_log_end(log)) {
        slot_evict(log, pt_raft_log_slot(log, log->cached_from));
        log->cached_from++;
    }
}

/* A block for those of the entries that the tail segment takes. It stays while one of them is cached, so it gets no
 * more memory than they need. */
static struct pt_raft_op *write_begin(struct pt_raft_log *log, const struct pt_raft_log_entry *entries, size_t len)
{
    struct pt_raft_block *block = calloc(1, sizeof *block);
    pt_assert(block != NULL);
    block->refs = 1;
    block->offset = log->tail_offset;
    pt_buf_init(&block->bytes);
    size_t size = 0;
    for (size_t i = 0; i < len && size + pt_raft_record_size(entries[i].data.size) <= pt_raft_log_tail_left(log); i++) {
        size += pt_raft_record_size(entries[i].data.size);
    }
    (void)pt_buf_reserve(&block->bytes, size);
    struct pt_raft_op *op = op_push(log, PT_RAFT_OP_WRITE);
    op->block = block;
    op->first = pt_raft_log_end(log) + 1;
    op->last = op->first - 1;
    return op;
}

static void roll(struct pt_raft_log *log, const struct pt_digest *chain)
{
    pt_assert(log->spare_ready || log->recycled_ready);
    struct pt_raft_op *op = op_push(log, PT_RAFT_OP_ROLL);
    op->recycle = log->recycled_ready;
    if (log->recycled_ready) {
        log->recycled_ready = false;
    } else {
        log->spare_ready = false;
    }
    op->segment = pt_raft_log_end(log) + 1;
    op->chain = *chain;
    pt_raft_log_push_segment(log, op->segment, log->segment_size);
    log->tail_offset = PT_RAFT_SEGMENT_HEAD_SIZE;
}

void pt_raft_log_append(struct pt_raft_log *log, const struct pt_raft_log_entry *entries, size_t len)
{
    pt_assert(log->started && len > 0);
    struct pt_digest chain = pt_raft_log_hash(log, pt_raft_log_end(log));
    struct pt_raft_op *op = NULL;
    for (size_t i = 0; i < len; i++) {
        const struct pt_raft_log_entry *entry = &entries[i];
        pt_assert(entry->data.size <= PT_RAFT_DATA_SIZE_MAX && entry->term > 0);
        size_t size = pt_raft_record_size(entry->data.size);
        if (size > pt_raft_log_tail_left(log)) {
            roll(log, &chain);
            op = NULL;
            pt_assert(size <= pt_raft_log_tail_left(log));
        }
        if (op == NULL) {
            op = write_begin(log, entry, len - i);
        }
        struct pt_raft_slot *slot = pt_raft_log_push_slot(log);
        pt_raft_record_encode(pt_raft_log_end(log), entry->term, entry->type, entry->data, &chain, &op->block->bytes);
        op->block->refs++;
        op->last = pt_raft_log_end(log);
        *slot = (struct pt_raft_slot){.term = entry->term,
                                      .chain = chain,
                                      .block = op->block,
                                      .offset = log->tail_offset,
                                      .data_size = (uint32_t)entry->data.size,
                                      .type = entry->type};
        log->tail_offset += (uint32_t)size;
        log->cached_size += size;
    }
    cache_trim(log);
    group_start(log);
}

/* ---- truncate, metadata, compact, reset ----------------------------------------------------------------------- */

static void meta_push(struct pt_raft_log *log, pt_task_fn fn, void *arg)
{
    log->meta.sequence++;
    struct pt_raft_op *op = op_push(log, PT_RAFT_OP_META);
    op->meta = log->meta;
    op->fn = fn;
    op->arg = arg;
}

static void writes_cut(struct pt_raft_op *op, uint64_t index)
{
    for (; op != NULL; op = op->next) {
        if (op->kind == PT_RAFT_OP_WRITE && op->last >= index) {
            op->last = index - 1;
        }
    }
}

void pt_raft_log_truncate(struct pt_raft_log *log, uint64_t index, uint64_t applied)
{
    pt_assert(log->started && index > log->base_index && index <= pt_raft_log_end(log) && index > applied);
    writes_cut(log->running, index);
    writes_cut(log->queue_head, index);
    /* First the word that less is acknowledged from here on, then the deed. */
    log->meta.limited = true;
    log->meta.limit_applied = applied;
    log->meta.limit_acked = index - 1;
    meta_push(log, NULL, NULL);

    uint32_t end = log->tail_offset;
    size_t keep = log->segments_len; /* segments that stay */
    while (keep > 1 && log->segments[keep - 1].first >= index) {
        /* A segment that begins at index would hold nothing: drop it and stand at the end of the one before. */
        keep--;
        end = log->segments[keep - 1].size;
    }
    struct pt_raft_op *op = op_push(log, PT_RAFT_OP_CUT);
    op->recycle = keep < log->segments_len && !log->recycled_ready;
    log->recycled_ready = log->recycled_ready || op->recycle;
    op_take_segments(log, op, keep);
    uint64_t before = index - 1;
    uint32_t offset = pt_raft_log_slot(log, index)->offset;
    if (op->removed_len > 0 && op->removed[op->removed_len - 1] <= index) {
        offset = before > log->base_index ? pt_raft_log_slot(log, before)->offset +
                                                (uint32_t)pt_raft_record_size(pt_raft_log_slot(log, before)->data_size)
                                          : PT_RAFT_SEGMENT_HEAD_SIZE;
    }
    op->segment = log->segments[log->segments_len - 1].first;
    op->offset = offset;
    op->end = end;
    log->tail_offset = offset;
    for (uint64_t i = pt_raft_log_end(log); i >= index; i--) {
        slot_evict(log, pt_raft_log_slot(log, i));
        log->len--;
    }
    if (log->durable >= index) {
        log->durable = index - 1;
    }
    if (log->cached_from > index) {
        log->cached_from = index;
    }
    group_start(log);
}

void pt_raft_log_set_vote(struct pt_raft_log *log, uint64_t term, uint64_t voted_for, pt_task_fn fn, void *arg)
{
    pt_assert(log->started && term >= log->meta.term);
    log->meta.term = term;
    log->meta.voted_for = voted_for;
    if (voted_for != 0) {
        log->meta.forgetful = false; /* no second vote can be given in this term */
    }
    meta_push(log, fn, arg);
    group_start(log);
}

void pt_raft_log_compact(struct pt_raft_log *log, uint64_t index)
{
    pt_assert(log->started);
    if (index > log->durable) {
        index = log->durable;
    }
    if (index <= log->base_index + 1) {
        return;
    }
    struct pt_digest chain = pt_raft_log_hash(log, index - 1);
    while (log->base_index + 1 < index) {
        slot_evict(log, pt_raft_log_slot(log, log->base_index + 1));
        log->base_index++;
        log->len--;
        page_release(log, log->base_index);
    }
    log->base_chain = chain;
    cache_trim(log);
    size_t gone = 0; /* a segment is free once the next one begins at or below the first entry kept */
    while (gone + 1 < log->segments_len && log->segments[gone + 1].first <= log->base_index + 1) {
        gone++;
    }
    if (gone > 0) {
        struct pt_raft_op *op = op_push(log, PT_RAFT_OP_REMOVE);
        op->removed = calloc(gone, sizeof *op->removed);
        pt_assert(op->removed != NULL);
        op->removed_len = gone;
        for (size_t i = 0; i < gone; i++) {
            op->removed[i] = log->segments[i].first;
        }
        log->segments_len -= gone;
        memmove(log->segments, log->segments + gone, log->segments_len * sizeof *log->segments);
    }
    group_start(log);
}

void pt_raft_log_reset(struct pt_raft_log *log, uint64_t index, uint64_t term, const struct pt_digest *chain,
                       uint64_t vote_if_forgetful, pt_task_fn fn, void *arg)
{
    pt_assert(log->started);
    writes_cut(log->running, 0 + 1);
    writes_cut(log->queue_head, 0 + 1);
    if (log->meta.forgetful && log->meta.voted_for == 0) {
        log->meta.voted_for = vote_if_forgetful;
    }
    if (log->meta.term < term) {
        log->meta.term = term;
    }
    log->meta.limited = true;
    log->meta.limit_applied = log->meta.limit_acked = index;
    log->meta.quarantined = log->meta.forgetful = false;
    log->meta.sequence++;
    struct pt_raft_op *op = op_push(log, PT_RAFT_OP_RESET);
    op_take_segments(log, op, 0);
    pt_raft_log_drop_all(log);
    log->base_index = log->durable = index;
    log->base_chain = *chain;
    log->cached_from = index + 1;
    op->segment = index + 1;
    op->chain = *chain;
    op->meta = log->meta;
    op->fn = fn;
    op->arg = arg;
    pt_raft_log_push_segment(log, index + 1, log->segment_size);
    log->tail_offset = PT_RAFT_SEGMENT_HEAD_SIZE;
    group_start(log);
}

/* ---- the end -------------------------------------------------------------------------------------------------- */

static void log_free(struct pt_raft_log *log)
{
    pt_timer_free(log->spare_timer);
    ops_free(log->queue_head);
    ops_free(log->running);
    pt_raft_loads_free(log);
    pt_raft_log_drop_all(log);
    pt_file_close(log->writer.file);
    pt_file_close(log->writer.meta_file);
    pt_file_close(log->lock_file);
    pt_buf_fini(&log->writer.scratch);
    free(log->pages);
    free(log->segments);
    free(log->directory);
    free(log->cluster_id);
    free(log);
}

void pt_raft_log_close(struct pt_raft_log *log)
{
    if (log == NULL) {
        return;
    }
    log->closing = true;
    pt_executor_free(log->executor); /* waits for the group under way */
    pt_executor_free(log->side);
    if (log->queue_head != NULL && !log->failed) {
        /* What was queued behind it. Nobody was told of it, so an error is nobody's loss. */
        enum pt_code ignored = pt_raft_writer_run(&log->writer, log->queue_head, NULL);
        (void)ignored;
    }
    log_free(log);
}

void pt_raft_log_abandon(struct pt_raft_log *log)
{
    if (log == NULL) {
        return;
    }
    log->closing = true;
    pt_executor_free(log->executor);
    pt_executor_free(log->side);
    log_free(log);
}
