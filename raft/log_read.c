/*
 * Reading old entries back: for a follower that fell behind the cache, and for apply after a restart.
 *
 * A load is planned on the loop (one run of records within one segment), read and verified on the side executor with a
 * file handle of its own, and handed out on the loop. Meanwhile the loop may compact or truncate: a segment that is
 * gone or bytes that no longer check end the load with a code, and the caller decides what that means for it.
 */
#include "raft/log_priv.h"

#include "base/assert.h"

#include <stdlib.h>

struct pt_raft_load {
    struct pt_list node;
    struct pt_raft_log *log;
    uint64_t segment, first;
    uint32_t offset;
    size_t len, size;
    struct pt_buf bytes;
    struct pt_raft_record *records;
    enum pt_code code;
    pt_raft_load_fn fn;
    void *arg;
};

static void load_free(struct pt_raft_load *load)
{
    pt_list_remove(&load->node);
    pt_buf_fini(&load->bytes);
    free(load->records);
    free(load);
}

void pt_raft_loads_free(struct pt_raft_log *log)
{
    PT_LIST_FOREACH_SAFE (node, &log->loads) {
        load_free(PT_CONTAINER(node, struct pt_raft_load, node));
    }
}

static enum pt_code load_read(struct pt_raft_load *load)
{
    char path[PT_RAFT_PATH_SIZE];
    pt_raft_log_segment_path(load->log->directory, load->segment, path);
    struct pt_file *file = NULL;
    PT_TRY(pt_file_open(load->log->options.sys, path, PT_OPEN_READ, &file, NULL));
    uint8_t *bytes = pt_buf_reserve(&load->bytes, load->size);
    enum pt_code code = pt_file_read(file, load->offset, bytes, load->size, NULL);
    pt_file_close(file);
    PT_TRY(code);
    load->bytes.size = load->size;
    struct pt_digest chain, previous = {0};
    size_t offset = 0;
    for (size_t i = 0; i < load->len; i++) {
        struct pt_raft_record *record = &load->records[i];
        if (pt_raft_record_parse(pt_buf_bytes(&load->bytes), offset, record, &chain) != PT_RAFT_RECORD_GOOD ||
            record->index != load->first + i || (i > 0 && !pt_digest_equal(&record->previous, &previous))) {
            return PT_CORRUPT;
        }
        previous = chain;
        offset += record->size;
    }
    return PT_OK;
}

static void load_work(void *arg)
{
    struct pt_raft_load *load = arg;
    load->code = load_read(load);
}

static void load_done(void *arg)
{
    struct pt_raft_load *load = arg;
    if (!load->log->closing) {
        load->fn(load->arg, load->code, load->records, load->code == PT_OK ? load->len : 0);
    }
    load_free(load);
}

bool pt_raft_log_load(struct pt_raft_log *log, uint64_t first, size_t len_max, size_t size_max, pt_raft_load_fn fn,
                      void *arg)
{
    pt_assert(len_max > 0 && log->started && !log->closing);
    if (first <= log->base_index || first > log->durable) {
        return false;
    }
    size_t at = log->segments_len - 1;
    while (log->segments[at].first > first) {
        pt_assert(at > 0);
        at--;
    }
    uint64_t stop = at + 1 < log->segments_len ? log->segments[at + 1].first : log->durable + 1;
    stop = stop > log->durable + 1 ? log->durable + 1 : stop;
    struct pt_raft_load *load = calloc(1, sizeof *load);
    pt_assert(load != NULL);
    load->log = log;
    load->segment = log->segments[at].first;
    load->first = first;
    load->offset = pt_raft_log_slot(log, first)->offset;
    for (uint64_t i = first; i < stop && load->len < len_max && (load->len == 0 || load->size < size_max); i++) {
        load->size += pt_raft_record_size(pt_raft_log_slot(log, i)->data_size);
        load->len++;
    }
    pt_buf_init(&load->bytes);
    load->records = calloc(load->len, sizeof *load->records);
    pt_assert(load->records != NULL);
    load->fn = fn;
    load->arg = arg;
    pt_list_push_back(&log->loads, &load->node);
    pt_executor_submit(log->side, load_work, load_done, load);
    return true;
}
