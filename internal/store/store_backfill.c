/*
 * A checkpoint's slow part, off the loop.
 *
 * SQLite makes a checkpoint in one go: sync the log, copy its pages, sync the database. On the loop, with a log of 16
 * MiB, that was 50 ms in which a controller did nothing else, and all members of a cluster did it at about the same
 * time. Now the loop only lists the pages (store_vfs.c), and a worker does what SQLite would have done, in its order:
 *
 *   sync the log --> copy the pages --> sync the database --> the list is forgotten, on the loop
 *
 * Pages that are neighbours in the database are written as one piece, and those of them that are neighbours in the log
 * too are read as one, with the heads of frames that lie between them. Most are: what is new is appended to both, and a
 * list of 2,000 pages fell into some 50 runs. Page by page, 4 KiB each, the calls were most of what a checkpoint took.
 *
 * Until then whoever reads a listed page gets it from the log, and the log may not be begun anew. The worker has
 * descriptors of its own and reads the list, which nobody changes meanwhile. A power loss at any point leaves a log
 * that is whole, from which SQLite recovers: it was synced before the first page was written.
 */
#include "store/store_backfill.h"
#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

/* Written at once at most. The buffer is there while a worker copies and is large enough for malloc to map it, so that
 * the system has it back afterwards. */
#define PIECE_SIZE (256 * 1024)
/* Bytes between two pages of the log that still lie together: SQLite's head of a frame has 24. */
#define GAP_SIZE_MAX 64

struct listed_page {
    uint64_t database_offset, log_offset;
};

struct store_backfill {
    struct pt_sys *sys;
    struct pt_executor *executor; /* NULL: nothing was to do since it was made, or since somebody waited */
    struct listed_page *pages;    /* ascending by database_offset */
    size_t pages_len, pages_capacity;
    size_t page_size;
    bool running;
    bool failed;
    char *database_path, *log_path;
    void (*on_failed)(void *arg, const struct pt_error *error);
    void *on_failed_arg;
    pt_task_fn then; /* NULL: nobody waits */
    void *then_arg;
    /* What the worker found. */
    enum pt_code code;
    struct pt_error error;
};

struct store_backfill *store_backfill_new(struct pt_sys *sys)
{
    struct store_backfill *backfill = calloc(1, sizeof(*backfill));
    pt_assert(backfill != NULL);
    backfill->sys = sys;
    return backfill;
}

static void paths_free(struct store_backfill *backfill)
{
    free(backfill->database_path);
    free(backfill->log_path);
    backfill->database_path = backfill->log_path = NULL;
}

void store_backfill_free(struct store_backfill *backfill)
{
    if (backfill != NULL) {
        pt_executor_free(backfill->executor);
        paths_free(backfill);
        free(backfill->pages);
        free(backfill);
    }
}

void store_backfill_add(struct store_backfill *backfill, uint64_t database_offset, uint64_t log_offset, size_t size)
{
    pt_assert(!backfill->running && !backfill->failed);
    size_t len = backfill->pages_len;
    pt_assert(len == 0 || (size == backfill->page_size && database_offset > backfill->pages[len - 1].database_offset));
    pt_assert(size > 0 && size <= PIECE_SIZE);
    backfill->page_size = size;
    if (len == backfill->pages_capacity) {
        backfill->pages_capacity = len == 0 ? 256 : len * 2;
        backfill->pages = realloc(backfill->pages, backfill->pages_capacity * sizeof(*backfill->pages));
        pt_assert(backfill->pages != NULL);
    }
    backfill->pages[backfill->pages_len++] =
        (struct listed_page){.database_offset = database_offset, .log_offset = log_offset};
}

/* How many pages from the first on lie one behind the other in the database, and fit a piece. */
static size_t run_len(const struct listed_page *pages, size_t len, size_t page_size)
{
    size_t run = 1;
    while (run < len && (run + 1) * page_size <= PIECE_SIZE &&
           pages[run].database_offset == pages[run - 1].database_offset + page_size) {
        run++;
    }
    return run;
}

/* How many of them lie so in the log, but for what stands between its pages. */
static size_t span_len(const struct listed_page *pages, size_t len, size_t page_size)
{
    size_t span = 1;
    while (span < len && pages[span].log_offset >= pages[span - 1].log_offset + page_size &&
           pages[span].log_offset - pages[span - 1].log_offset - page_size <= GAP_SIZE_MAX) {
        span++;
    }
    return span;
}

/* Read pages of the log to data, one behind the other. Behind them there is room for what lies between. */
static enum pt_code read_pages(struct pt_file *log, const struct listed_page *pages, size_t len, size_t page_size,
                               uint8_t *data, struct pt_error *reterr)
{
    for (size_t done = 0; done < len;) {
        const struct listed_page *first = &pages[done];
        uint8_t *to = data + done * page_size;
        size_t span = span_len(first, len - done, page_size);
        size_t size = (size_t)(first[span - 1].log_offset - first->log_offset) + page_size;
        PT_TRY(pt_file_read(log, first->log_offset, to, size, reterr));
        for (size_t i = 1; i < span; i++) {
            memmove(to + i * page_size, to + (first[i].log_offset - first->log_offset), page_size);
        }
        done += span;
    }
    return PT_OK;
}

static enum pt_code copy_pages(const struct store_backfill *backfill, struct pt_file *log, struct pt_file *database,
                               struct pt_error *reterr)
{
    const size_t page_size = backfill->page_size;
    PT_AUTO(buf) struct pt_buf piece = {0};
    uint8_t *data = pt_buf_reserve(&piece, PIECE_SIZE + PIECE_SIZE / page_size * GAP_SIZE_MAX);
    for (size_t done = 0; done < backfill->pages_len;) {
        const struct listed_page *pages = &backfill->pages[done];
        size_t len = run_len(pages, backfill->pages_len - done, page_size);
        PT_TRY(read_pages(log, pages, len, page_size, data, reterr));
        PT_TRY(pt_file_write(database, pages->database_offset, data, len * page_size, reterr));
        done += len;
    }
    return PT_OK;
}

static void work(void *arg)
{
    struct store_backfill *backfill = arg;
    struct pt_file *log = NULL;
    struct pt_file *database = NULL;
    struct pt_error *error = &backfill->error;
    enum pt_code code = pt_file_open(backfill->sys, backfill->log_path, PT_OPEN_WRITE, &log, error);
    if (code == PT_OK) {
        code = pt_file_open(backfill->sys, backfill->database_path, PT_OPEN_WRITE, &database, error);
    }
    if (code == PT_OK) {
        code = pt_file_sync(log, error);
    }
    if (code == PT_OK) {
        code = copy_pages(backfill, log, database, error);
    }
    if (code == PT_OK) {
        code = pt_file_sync(database, error);
    }
    pt_file_close(database);
    pt_file_close(log);
    backfill->code = code;
}

static void done(void *arg)
{
    struct store_backfill *backfill = arg;
    backfill->running = false;
    paths_free(backfill);
    if (backfill->code == PT_OK) {
        backfill->pages_len = 0;
    } else {
        backfill->failed = true; /* what the database file holds is not known: the list stays */
        backfill->on_failed(backfill->on_failed_arg, &backfill->error);
    }
    pt_task_fn then = backfill->then;
    backfill->then = NULL;
    if (then != NULL) {
        then(backfill->then_arg);
    }
}

void store_backfill_start(struct store_backfill *backfill, const char *database_path, const char *log_path,
                          void (*failed)(void *arg, const struct pt_error *error), void *arg)
{
    pt_assert(!backfill->running && backfill->pages_len > 0);
    backfill->database_path = strdup(database_path);
    backfill->log_path = strdup(log_path);
    pt_assert(backfill->database_path != NULL && backfill->log_path != NULL);
    backfill->on_failed = failed;
    backfill->on_failed_arg = arg;
    if (backfill->executor == NULL) {
        backfill->executor = pt_executor_new(backfill->sys, "store", 1);
    }
    backfill->running = true;
    pt_executor_submit(backfill->executor, work, done, backfill);
}

bool store_backfill_busy(const struct store_backfill *backfill)
{
    return backfill->pages_len > 0;
}

void store_backfill_then(struct store_backfill *backfill, pt_task_fn fn, void *arg)
{
    pt_assert(fn == NULL || (backfill->running && backfill->then == NULL));
    backfill->then = fn;
    backfill->then_arg = arg;
}

bool store_backfill_find(const struct store_backfill *backfill, uint64_t database_offset, uint64_t *ret_log_offset)
{
    if (backfill->pages_len == 0) {
        return false;
    }
    uint64_t within = database_offset % backfill->page_size;
    database_offset -= within;
    size_t low = 0, high = backfill->pages_len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (backfill->pages[middle].database_offset < database_offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == backfill->pages_len || backfill->pages[low].database_offset != database_offset) {
        return false;
    }
    *ret_log_offset = backfill->pages[low].log_offset + within;
    return true;
}

void store_backfill_wait(struct store_backfill *backfill)
{
    if (backfill->running) {
        pt_executor_free(backfill->executor); /* calls done */
        backfill->executor = NULL;
    }
}
