/*
 * A state machine for tests: the list of values applied, in memory. "Durable" means that the struct outlives the node.
 * An entry's value is its first eight bytes. Its list is checked for order and against the log hash by the tests.
 */
#pragma once

#include "base/assert.h"
#include "raft/raft_node.h"

#include <stdlib.h>
#include <string.h>

struct toy {
    struct pt_sys *sys;
    uint64_t applied_index, applied_term, acked_index;
    struct pt_digest log_hash;
    uint64_t *values, *indexes;
    size_t len, capacity;
    bool leading;
    bool lags;          /* nobody waits for what it applies */
    struct pt_buf held; /* the snapshot that is being written */
    /* How long the machine takes until that can begin, and who is told. */
    uint64_t ready_ms;
    struct pt_timer *ready_timer; /* NULL: it can begin, or nothing is held */
    pt_task_fn ready;
    void *ready_arg;
    unsigned snapshots, restores, batches;
    enum pt_code fail; /* what apply answers, when not PT_OK */
    /* Called at the end of apply, inside consensus; NULL: nothing is. */
    void (*applied)(struct toy *toy);
};

static inline void toy_push(struct toy *toy, uint64_t index, uint64_t value)
{
    if (toy->len == toy->capacity) {
        toy->capacity = toy->capacity == 0 ? 1024 : toy->capacity * 2;
        toy->values = realloc(toy->values, toy->capacity * sizeof *toy->values);
        toy->indexes = realloc(toy->indexes, toy->capacity * sizeof *toy->indexes);
        pt_assert(toy->values != NULL && toy->indexes != NULL);
    }
    toy->indexes[toy->len] = index;
    toy->values[toy->len++] = value;
}

static enum pt_code toy_apply(void *context, const struct pt_raft_entry *entries, size_t len, uint64_t acked_index,
                              const struct pt_digest *log_hash, struct pt_error *reterr)
{
    struct toy *toy = context;
    (void)reterr;
    if (toy->fail != PT_OK) {
        return toy->fail;
    }
    toy->batches++;
    for (size_t i = 0; i < len; i++) {
        pt_assert(entries[i].index > toy->applied_index && entries[i].term >= toy->applied_term);
        toy->applied_index = entries[i].index;
        toy->applied_term = entries[i].term;
        toy_push(toy, entries[i].index, entries[i].data.size >= 8 ? pt_be64(entries[i].data.data) : 0);
    }
    toy->acked_index = acked_index;
    toy->log_hash = *log_hash;
    if (toy->applied != NULL) {
        toy->applied(toy);
    }
    return PT_OK;
}

static void toy_witness(void *context, uint64_t *ret_applied_index, uint64_t *ret_applied_term,
                        uint64_t *ret_acked_index, struct pt_digest *ret_log_hash)
{
    const struct toy *toy = context;
    *ret_applied_index = toy->applied_index;
    *ret_applied_term = toy->applied_term;
    *ret_acked_index = toy->acked_index;
    *ret_log_hash = toy->log_hash;
}

static void toy_ready(void *arg)
{
    struct toy *toy = arg;
    pt_timer_free(toy->ready_timer);
    toy->ready_timer = NULL;
    toy->ready(toy->ready_arg);
}

static enum pt_code toy_snapshot_begin(void *context, pt_task_fn ready, void *arg, struct pt_error *reterr)
{
    (void)reterr;
    struct toy *toy = context;
    pt_assert(toy->ready_timer == NULL);
    toy->ready = ready;
    toy->ready_arg = arg;
    toy->ready_timer = pt_timer_new(toy->sys, toy_ready, toy);
    pt_timer_start(toy->ready_timer, toy->ready_ms, 0);
    pt_buf_reset(&toy->held); /* a node that crashed may have left one */
    pt_buf_append_be64(&toy->held, toy->applied_index);
    pt_buf_append_be64(&toy->held, toy->applied_term);
    pt_buf_append_be64(&toy->held, toy->acked_index);
    pt_buf_append(&toy->held, toy->log_hash.bytes, PT_DIGEST_SIZE);
    for (size_t i = 0; i < toy->len; i++) {
        pt_buf_append_be64(&toy->held, toy->indexes[i]);
        pt_buf_append_be64(&toy->held, toy->values[i]);
    }
    toy->snapshots++;
    return PT_OK;
}

static enum pt_code toy_snapshot(void *context, const char *path, uint64_t *ret_size, struct pt_digest *ret_digest,
                                 struct pt_error *reterr)
{
    struct toy *toy = context;
    pt_assert(toy->ready_timer == NULL);
    struct pt_file *file = NULL;
    enum pt_code code = pt_file_open(toy->sys, path, PT_OPEN_WRITE | PT_OPEN_CREATE, &file, reterr);
    if (code == PT_OK) {
        code = pt_file_write(file, 0, toy->held.data, toy->held.size, reterr);
        code = code == PT_OK ? pt_file_sync(file, reterr) : code;
        pt_file_close(file);
    }
    *ret_size = toy->held.size;
    *ret_digest = pt_sha256(toy->held.data, toy->held.size);
    return code;
}

static void toy_snapshot_end(void *context)
{
    struct toy *toy = context;
    pt_buf_reset(&toy->held);
    pt_timer_free(toy->ready_timer); /* a node that closes does not wait for it */
    toy->ready_timer = NULL;
}

static enum pt_code toy_restore(void *context, const char *path, struct pt_error *reterr)
{
    struct toy *toy = context;
    struct pt_buf buf = {0};
    enum pt_code code = pt_path_read(toy->sys, path, 1U << 30, &buf, reterr);
    if (code == PT_OK) {
        pt_assert(buf.size >= 24 + PT_DIGEST_SIZE && (buf.size - 24 - PT_DIGEST_SIZE) % 16 == 0);
        toy->applied_index = pt_be64(buf.data);
        toy->applied_term = pt_be64(buf.data + 8);
        toy->acked_index = pt_be64(buf.data + 16);
        memcpy(toy->log_hash.bytes, buf.data + 24, PT_DIGEST_SIZE);
        toy->len = 0;
        for (size_t at = 24 + PT_DIGEST_SIZE; at < buf.size; at += 16) {
            toy_push(toy, pt_be64(buf.data + at), pt_be64(buf.data + at + 8));
        }
        toy->restores++;
    }
    pt_buf_fini(&buf);
    return code;
}

static void toy_role_changed(void *context, bool leading, uint64_t term)
{
    struct toy *toy = context;
    (void)term;
    toy->leading = leading;
}

static bool toy_may_lag(void *context, uint64_t acked_index)
{
    struct toy *toy = context;
    toy->acked_index = toy->lags && acked_index > toy->acked_index ? acked_index : toy->acked_index;
    return toy->lags;
}

static inline struct pt_machine toy_machine(struct toy *toy)
{
    return (struct pt_machine){.context = toy,
                               .apply = toy_apply,
                               .witness = toy_witness,
                               .snapshot_begin = toy_snapshot_begin,
                               .snapshot = toy_snapshot,
                               .snapshot_end = toy_snapshot_end,
                               .restore = toy_restore,
                               .role_changed = toy_role_changed,
                               .may_lag = toy_may_lag};
}

static inline void toy_fini(struct toy *toy)
{
    pt_buf_fini(&toy->held);
    free(toy->values);
    free(toy->indexes);
    *toy = (struct toy){.sys = toy->sys};
}
