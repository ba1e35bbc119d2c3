/*
 * Insides of the log, shared by log.c (the loop's side), log_open.c (start) and log_write.c (the executor's side).
 */
#pragma once

#include "base/list.h"
#include "raft/log.h"

#define PT_RAFT_SEGMENT_SIZE_DEFAULT (8U << 20)
#define PT_RAFT_CACHE_SIZE_DEFAULT (2U << 20)
#define PT_RAFT_SEGMENT_SIZE_MIN 4096U
#define PT_RAFT_ROOM_RESERVE 4096U /* never promised: for the barrier that libraft appends by itself */
#define PT_RAFT_PATH_SIZE 640U
#define PT_RAFT_SPARE_RETRY_MS 1000U
#define PT_RAFT_PAGE_LEN 2048U /* slots; 128 KiB, which malloc gives back to the system when they are freed */

struct pt_raft_block { /* records as they stand in a segment; shared by cache and writer */
    unsigned refs;
    uint32_t offset; /* in the segment */
    struct pt_buf bytes;
};

struct pt_raft_slot {
    uint64_t term;
    struct pt_digest chain;      /* behind this entry */
    struct pt_raft_block *block; /* NULL: on disk only */
    uint32_t offset;             /* of the record in its segment */
    uint32_t data_size;
    enum pt_raft_entry_type type;
};

enum pt_raft_op_kind {
    PT_RAFT_OP_WRITE,
    PT_RAFT_OP_ROLL,
    PT_RAFT_OP_CUT,
    PT_RAFT_OP_META,
    PT_RAFT_OP_REMOVE,
    PT_RAFT_OP_RESET
};

struct pt_raft_op { /* one step of the writer, in order */
    struct pt_raft_op *next;
    enum pt_raft_op_kind kind;
    struct pt_raft_block *block; /* WRITE */
    uint64_t first, last;        /* WRITE: entries; the loop lowers last when a truncation overtakes the write */
    uint64_t segment;            /* ROLL, CUT, RESET: the segment to stand in afterwards, by first index */
    uint32_t offset, end;        /* CUT: zero this range */
    struct pt_digest chain;      /* ROLL, RESET: before the segment's first entry */
    uint64_t *removed;           /* CUT, REMOVE, RESET: segments to delete, in this order */
    size_t removed_len;
    bool recycle;             /* CUT: keep the last of `removed` as the file "recycled"; ROLL: use that file */
    struct pt_raft_meta meta; /* META, RESET */
    pt_task_fn fn;            /* META, RESET: on the loop when durable; may be NULL */
    void *arg;
};

struct pt_raft_writer { /* owned by the writer thread once started */
    struct pt_sys *sys;
    const char *directory;
    uint32_t segment_size;
    struct pt_file *file; /* the tail segment */
    uint64_t segment;     /* its first index */
    struct pt_file *meta_file;
    struct pt_buf scratch;
};

struct pt_raft_segment {
    uint64_t first; /* index; also its file's name */
    uint32_t size;  /* of the file: what the setting was when it was made */
};

struct pt_raft_log {
    struct pt_raft_log_options options;
    char *directory, *cluster_id;
    uint32_t segment_size;
    size_t cache_size;
    struct pt_file *lock_file;
    struct pt_executor *executor, *side; /* writer; spare segments and reads */
    struct pt_timer *spare_timer;

    struct pt_raft_meta meta; /* newest, perhaps not durable yet */
    uint64_t base_index;      /* entries [base_index + 1, base_index + len] are kept */
    struct pt_digest base_chain;
    struct pt_raft_slot **pages; /* ring; entry i in page i / PAGE_LEN % capacity; NULL where none was needed */
    size_t capacity, len;        /* of pages, a power of two; of entries */
    uint64_t durable;
    uint64_t cached_from; /* entries below are on disk only */
    size_t cached_size;

    struct pt_raft_segment *segments; /* ascending; the last one is the tail */
    size_t segments_len, segments_capacity;
    uint32_t tail_offset; /* where the next record goes */

    bool spare_ready, spare_pending, spare_short;
    bool recycled_ready; /* a segment that a truncation emptied: a second spare */
    enum pt_code spare_code;
    struct pt_error spare_error;

    struct pt_raft_op *queue_head, *queue_tail; /* not yet with the writer */
    struct pt_raft_op *running;                 /* with the writer */
    enum pt_code run_code;
    struct pt_error run_error;
    struct pt_list loads;
    struct pt_raft_writer writer;
    bool failed, closing, started;

    /* findings of the scan */
    char damage[256];
    uint32_t torn_end; /* tail: zero from tail_offset to here at start */
};

static inline uint64_t pt_raft_log_end(const struct pt_raft_log *log)
{
    return log->base_index + log->len;
}

static inline struct pt_raft_slot *pt_raft_log_slot(const struct pt_raft_log *log, uint64_t index)
{
    return &log->pages[index / PT_RAFT_PAGE_LEN & (log->capacity - 1)][index % PT_RAFT_PAGE_LEN];
}

/* Bytes left in the tail segment. */
static inline uint32_t pt_raft_log_tail_left(const struct pt_raft_log *log)
{
    return log->segments[log->segments_len - 1].size - log->tail_offset;
}

/* log.c */
struct pt_raft_slot *pt_raft_log_push_slot(struct pt_raft_log *log);
void pt_raft_log_push_segment(struct pt_raft_log *log, uint64_t first, uint32_t size);
void pt_raft_log_drop_all(struct pt_raft_log *log); /* slots, cache and segments; not files */
void pt_raft_log_segment_path(const char *directory, uint64_t first, char path[PT_RAFT_PATH_SIZE]);
void pt_raft_block_unref(struct pt_raft_block *block);
/* log_read.c */
void pt_raft_loads_free(struct pt_raft_log *log); /* those whose end will not be told any more */
/* log_write.c; on the writer thread, or on the loop before start */
PT_MUST enum pt_code pt_raft_writer_run(struct pt_raft_writer *writer, struct pt_raft_op *ops, struct pt_error *reterr);
PT_MUST enum pt_code pt_raft_writer_make_zeroed(struct pt_sys *sys, const char *path, uint32_t size,
                                                struct pt_error *reterr);
PT_MUST enum pt_code pt_raft_writer_open_tail(struct pt_raft_writer *writer, uint64_t first, struct pt_error *reterr);
void pt_raft_spare_begin(struct pt_raft_log *log);
