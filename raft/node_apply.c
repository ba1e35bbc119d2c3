/*
 * Proposals in, committed entries out.
 *
 * Proposals of one turn of the loop are copied into one buffer and submitted together; each then waits by its index.
 * While a batch is on its way those that come wait for it: each batch costs every member a message, a write and a sync
 * whatever its length. One that takes longer than PT_RAFT_ROUND_MS, over a distance or on a busy disk, is followed by a
 * second one, and then they wait for the older of the two: a longer batch is no later than one more behind both. An
 * entry is applied when it is committed and durable on this node: the machine must never be ahead of its own log, or a
 * restart would take it for damage. Batches end before a configuration entry, which is libraft's business, and at 512
 * entries or 1 MiB; the machine makes each batch one transaction.
 *
 * No space. Appending takes only space that was zeroed beforehand. When this node's, or a majority's, runs low and the
 * disk gives no more, proposals end with PT_NO_SPACE before they are submitted; when another voter has room, leadership
 * goes there. While the next segment is merely not ready yet, proposals wait for it.
 */
#include "raft/node_priv.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

/* ---- proposals ------------------------------------------------------------------------------------------------ */

void pt_raft_propose(struct pt_raft *raft, struct pt_bytes data, pt_raft_done_fn fn, void *arg)
{
    if (pt_raft_dead(raft) || raft->raft.state != RAFT_LEADER) {
        fn(arg, pt_raft_dead(raft) ? PT_CLOSED : PT_NOT_LEADER, 0);
        return;
    }
    if (data.size > PT_RAFT_DATA_SIZE_MAX) {
        fn(arg, PT_INVALID_ARGUMENT, 0);
        return;
    }
    if (raft->proposals.len - raft->proposals.head + raft->pending.len >= PT_RAFT_PROPOSALS_MAX) {
        fn(arg, PT_EXHAUSTED, 0);
        return;
    }
    if (raft->proposals.len == raft->proposals.capacity) {
        raft->proposals.capacity = raft->proposals.capacity == 0 ? 64 : raft->proposals.capacity * 2;
        raft->proposals.items =
            realloc(raft->proposals.items, raft->proposals.capacity * sizeof *raft->proposals.items);
        pt_assert(raft->proposals.items != NULL);
    }
    raft->proposals.items[raft->proposals.len++] =
        (struct pt_raft_proposal){.offset = raft->proposals.data.size, .size = data.size, .fn = fn, .arg = arg};
    if (data.size > 0) {
        pt_buf_append(&raft->proposals.data, data.data, data.size);
    }
    pt_raft_run_soon(raft);
}

void pt_raft_pending_push(struct pt_raft *raft, uint64_t index, pt_raft_done_fn fn, void *arg)
{
    if (raft->pending.len == raft->pending.capacity) {
        size_t capacity = raft->pending.capacity == 0 ? 256 : raft->pending.capacity * 2;
        struct pt_raft_pending *items = calloc(capacity, sizeof *items);
        pt_assert(items != NULL);
        for (size_t i = 0; i < raft->pending.len; i++) {
            items[i] = raft->pending.items[(raft->pending.head + i) % raft->pending.capacity];
        }
        free(raft->pending.items);
        raft->pending.items = items;
        raft->pending.head = 0;
        raft->pending.capacity = capacity;
    }
    size_t at = (raft->pending.head + raft->pending.len++) % raft->pending.capacity;
    raft->pending.items[at] = (struct pt_raft_pending){.index = index, .fn = fn, .arg = arg};
}

static void proposals_shift(struct pt_raft *raft)
{
    if (raft->proposals.head == raft->proposals.len) {
        raft->proposals.head = raft->proposals.len = 0;
        pt_buf_reset(&raft->proposals.data);
    }
}

static void proposals_refuse(struct pt_raft *raft, enum pt_code code)
{
    /* Those that callbacks add meanwhile wait for the next turn. */
    size_t stop = raft->proposals.len;
    while (raft->proposals.head < stop) {
        struct pt_raft_proposal proposal = raft->proposals.items[raft->proposals.head++];
        proposal.fn(proposal.arg, code, 0);
    }
    proposals_shift(raft);
}

void pt_raft_proposals_end(struct pt_raft *raft, enum pt_code queued, enum pt_code submitted)
{
    size_t len = raft->pending.len;
    for (; len > 0; len--) {
        struct pt_raft_pending pending = raft->pending.items[raft->pending.head];
        raft->pending.head = (raft->pending.head + 1) % raft->pending.capacity;
        raft->pending.len--;
        if (pending.fn != NULL) {
            pending.fn(pending.arg, submitted, 0);
        }
    }
    proposals_refuse(raft, queued);
}

static void pending_done(struct pt_raft *raft, uint64_t index)
{
    while (raft->pending.len > 0 && raft->pending.items[raft->pending.head].index <= index) {
        struct pt_raft_pending pending = raft->pending.items[raft->pending.head];
        raft->pending.head = (raft->pending.head + 1) % raft->pending.capacity;
        raft->pending.len--;
        if (pending.fn != NULL) {
            pending.fn(pending.arg, PT_OK, pending.index);
        }
    }
}

/* Voters that can take entries, and one of them that could lead in our place. */
static bool majority_has_room(struct pt_raft *raft, uint64_t *ret_other)
{
    unsigned voters = 0, roomy = 0;
    *ret_other = 0;
    for (unsigned i = 0; i < raft->raft.configuration.n; i++) {
        const struct raft_server *server = &raft->raft.configuration.servers[i];
        if (server->role != RAFT_VOTER) {
            continue;
        }
        voters++;
        const struct pt_raft_peer *peer = pt_raft_peer_find(raft, server->id);
        if (server->id == raft->options.id) {
            roomy +=
                pt_raft_log_short(raft->log) && pt_raft_log_room(raft->log) < PT_RAFT_CAPACITY_MIN_KB * 1024 ? 0 : 1;
        } else if (peer == NULL || !peer->capacity_known || peer->capacity_kb >= PT_RAFT_CAPACITY_MIN_KB) {
            roomy++;
            if (peer != NULL && peer->capacity_known) {
                *ret_other = server->id;
            }
        }
    }
    return voters > 0 && roomy > voters / 2;
}

static void hand_over(struct pt_raft *raft, uint64_t id)
{
    if (id != 0 && raft_transferee(&raft->raft) == 0) {
        struct raft_event event = {.type = RAFT_TRANSFER};
        event.transfer.server_id = id;
        (void)pt_raft_feed(raft, &event); /* it goes on refusing proposals if that fails */
    }
}

/* The next proposals that fit one batch; 0 when there is no room for the first. */
static size_t batch_measure(struct pt_raft *raft, size_t *ret_size)
{
    size_t n = 0, size = 0, total = 0, largest = 0;
    while (raft->proposals.head + n < raft->proposals.len && n < PT_RAFT_BATCH_LEN_MAX) {
        size_t one = raft->proposals.items[raft->proposals.head + n].size;
        size_t record = pt_raft_record_size(one);
        if (n > 0 && size + one > PT_RAFT_BATCH_SIZE_MAX) {
            break;
        }
        if (!pt_raft_log_fits(raft->log, total + record, record > largest ? record : largest)) {
            break;
        }
        total += record;
        largest = record > largest ? record : largest;
        size += one;
        n++;
    }
    *ret_size = size;
    return n;
}

static int submit(struct pt_raft *raft, struct raft_entry *entries, unsigned n)
{
    struct raft_event event = {.type = RAFT_SUBMIT};
    event.submit.entries = entries;
    event.submit.n = n;
    int rv = pt_raft_feed(raft, &event);
    if (rv != 0) {
        raft_free(entries[0].batch);
    }
    return rv;
}

static void batch_submit(struct pt_raft *raft, size_t n, size_t size)
{
    uint8_t *batch = raft_malloc(size + 1);
    pt_assert(batch != NULL);
    size_t at = 0, head = raft->proposals.head;
    uint64_t first = pt_raft_log_last(raft->log) + 1;
    for (size_t i = 0; i < n; i++) {
        const struct pt_raft_proposal *proposal = &raft->proposals.items[head + i];
        if (proposal->size > 0) {
            memcpy(batch + at, raft->proposals.data.data + proposal->offset, proposal->size);
        }
        raft->sending[i] = (struct raft_entry){.term = raft_current_term(&raft->raft),
                                               .type = RAFT_COMMAND,
                                               .buf = {batch + at, proposal->size},
                                               .batch = batch};
        pt_raft_pending_push(raft, first + i, proposal->fn, proposal->arg);
        at += proposal->size;
    }
    raft->proposals.head += n;
    memmove(&raft->rounds[1], &raft->rounds[0], (PT_RAFT_ROUNDS_MAX - 1) * sizeof raft->rounds[0]);
    raft->rounds[0] = first + n - 1;
    raft->round_since_ms = pt_sys_now_ms(raft->sys);
    /* send_messages uses the same scratch, but only after the entries were copied to the log. */
    int rv = submit(raft, raft->sending, (unsigned)n);
    pt_assert(rv == 0 || raft->failed); /* leader, not transferring, no threshold set: nothing is left to refuse */
    proposals_shift(raft);
}

/* Are so many batches on their way that the next one waits? pt_raft_apply_some looks again, or the timer. */
static bool rounds_full(struct pt_raft *raft)
{
    uint64_t committed = pt_raft_committed(raft);
    if (committed < raft->rounds[PT_RAFT_ROUNDS_MAX - 1]) {
        return true;
    }
    uint64_t took_ms = pt_sys_now_ms(raft->sys) - raft->round_since_ms;
    if (committed >= raft->rounds[0] || took_ms >= PT_RAFT_ROUND_MS) {
        return false;
    }
    if (!pt_timer_active(raft->second)) {
        pt_timer_start(raft->second, PT_RAFT_ROUND_MS - took_ms, 0);
    }
    return true;
}

void pt_raft_on_second(void *arg)
{
    pt_raft_run_soon(arg);
}

void pt_raft_flush_proposals(struct pt_raft *raft)
{
    while (raft->proposals.head < raft->proposals.len && !pt_raft_dead(raft) && !raft->gated) {
        if (raft->raft.state != RAFT_LEADER) {
            proposals_refuse(raft, PT_NOT_LEADER);
            return;
        }
        if (rounds_full(raft)) {
            return;
        }
        if (raft_transferee(&raft->raft) != 0) {
            return; /* they wait for its outcome */
        }
        uint64_t other = 0;
        if (!majority_has_room(raft, &other)) {
            proposals_refuse(raft, PT_NO_SPACE);
            return;
        }
        size_t size = 0;
        size_t n = batch_measure(raft, &size);
        if (n == 0) {
            if (pt_raft_log_short(raft->log)) {
                proposals_refuse(raft, PT_NO_SPACE);
                hand_over(raft, other);
            }
            return;
        }
        batch_submit(raft, n, size);
    }
}

/* A new leader cannot tell which entries of older terms are committed until one of its own is (Raft section 8). */
void pt_raft_submit_first(struct pt_raft *raft)
{
    if (raft->gated || raft->raft.state != RAFT_LEADER ||
        !pt_raft_log_fits(raft->log, pt_raft_record_size(raft->noop.size), pt_raft_record_size(raft->noop.size))) {
        return;
    }
    struct raft_entry entry = {.term = raft_current_term(&raft->raft),
                               .type = raft->noop.size > 0 ? RAFT_COMMAND : RAFT_BARRIER,
                               .buf = {.len = raft->noop.size > 0 ? raft->noop.size : 8}};
    entry.batch = entry.buf.base = raft_calloc(1, entry.buf.len);
    pt_assert(entry.batch != NULL);
    if (raft->noop.size > 0) {
        memcpy(entry.batch, raft->noop.data, raft->noop.size);
    }
    (void)submit(raft, &entry, 1); /* not leading any more: the next one does it */
}

void pt_raft_set_noop(struct pt_raft *raft, struct pt_bytes data)
{
    pt_buf_reset(&raft->noop);
    pt_buf_append(&raft->noop, data.data, data.size);
}

/* ---- apply ---------------------------------------------------------------------------------------------------- */

static void on_loaded(void *arg, enum pt_code code, const struct pt_raft_record *records, size_t len)
{
    struct pt_raft *raft = arg;
    raft->loading = false;
    if (pt_raft_dead(raft)) {
        return;
    }
    if (code != PT_OK && !raft->installing) {
        struct pt_error error = {0};
        (void)pt_fail(&error, code, PT_REASON_NONE, raft->directory, "committed entries can no longer be read");
        pt_raft_fatal(raft, &error);
        return;
    }
    pt_buf_reset(&raft->loaded.bytes);
    free(raft->loaded.records);
    raft->loaded.records = calloc(len + 1, sizeof *records);
    pt_assert(raft->loaded.records != NULL);
    raft->loaded.len = len;
    raft->loaded.first = len > 0 ? records[0].index : 0;
    size_t size = 0;
    for (size_t i = 0; i < len; i++) {
        size += records[i].data.size;
    }
    pt_buf_reserve(&raft->loaded.bytes, size);
    for (size_t i = 0; i < len; i++) {
        raft->loaded.records[i] = records[i];
        raft->loaded.records[i].data.data = raft->loaded.bytes.data + raft->loaded.bytes.size;
        pt_buf_append(&raft->loaded.bytes, records[i].data.data, records[i].data.size);
    }
    if (pt_raft_enter(raft)) {
        pt_raft_leave(raft);
    }
}

/* Entry at index, from the cache or from what was read back. */
static bool fetch(struct pt_raft *raft, uint64_t index, struct pt_raft_record *ret_record)
{
    if (pt_raft_log_get(raft->log, index, ret_record)) {
        return true;
    }
    if (raft->loaded.len > 0 && index >= raft->loaded.first && index < raft->loaded.first + raft->loaded.len) {
        *ret_record = raft->loaded.records[index - raft->loaded.first];
        return ret_record->term == pt_raft_log_term(raft->log, index);
    }
    return false;
}

static void configuration_committed(struct pt_raft *raft, uint64_t index, struct pt_bytes data)
{
    struct raft_event event = {.type = RAFT_CONFIGURATION};
    struct raft_buffer buffer = {(void *)(uintptr_t)data.data, data.size};
    event.configuration.index = index;
    int rv = raft_configuration_decode(&buffer, &event.configuration.conf);
    if (rv != 0) {
        struct pt_error error = {0};
        (void)pt_fail(&error, PT_CORRUPT, PT_REASON_NONE, "", "a committed configuration cannot be decoded");
        pt_raft_fatal(raft, &error);
        return;
    }
    (void)pt_raft_feed(raft, &event); /* takes conf; cannot fail */
    raft->changes_done = index;
    pt_raft_change_committed(raft, index);
}

/* Configurations that the machine's state has passed already, as the commit index passes them after a restart. */
static bool old_change(struct pt_raft *raft, uint64_t commit)
{
    for (size_t i = 0; i < raft->old_changes_len; i++) {
        struct pt_raft_held *held = &raft->old_changes[i];
        if (held->index > raft->changes_done && held->index <= commit && held->index <= raft->applied) {
            configuration_committed(raft, held->index, pt_buf_bytes(&held->data));
            return true;
        }
    }
    return false;
}

static void apply_failed(struct pt_raft *raft, struct pt_error *error, enum pt_code code)
{
    if (error->code == PT_OK) {
        (void)pt_fail(error, code, PT_REASON_NONE, "", "the state machine refused committed entries");
    }
    pt_raft_fatal(raft, error);
}

/* Gather entries behind `applied`, up to limit and up to the next configuration entry; returns the last index taken. */
static uint64_t gather(struct pt_raft *raft, uint64_t limit, size_t *ret_len, uint64_t *ret_last_command,
                       bool *ret_missing)
{
    uint64_t index = raft->applied;
    size_t size = 0;
    *ret_len = 0;
    *ret_missing = false;
    while (index < limit && *ret_len < PT_RAFT_BATCH_LEN_MAX && size < PT_RAFT_BATCH_SIZE_MAX) {
        struct pt_raft_record record;
        if (pt_raft_log_type(raft->log, index + 1) == PT_RAFT_ENTRY_CHANGE && index > raft->applied) {
            break;
        }
        if (!fetch(raft, index + 1, &record)) {
            *ret_missing = true;
            break;
        }
        index++;
        if (record.type == PT_RAFT_ENTRY_CHANGE) {
            break;
        }
        if (record.type == PT_RAFT_ENTRY_COMMAND) {
            raft->batch[(*ret_len)++] =
                (struct pt_raft_entry){.index = index, .term = record.term, .data = record.data};
            *ret_last_command = index;
            size += record.data.size;
        }
    }
    return index;
}

bool pt_raft_apply_some(struct pt_raft *raft)
{
    if (raft->installing || raft->quarantined || raft->loading) {
        return false;
    }
    uint64_t commit = pt_raft_committed(raft);
    if (old_change(raft, commit)) {
        return true;
    }
    uint64_t stored = pt_raft_stored(raft);
    uint64_t limit = commit < stored ? commit : stored;
    if (limit <= raft->applied || pt_raft_lags(raft, limit)) {
        return false;
    }
    size_t len = 0;
    uint64_t last_command = 0;
    bool missing = false;
    uint64_t last = gather(raft, limit, &len, &last_command, &missing);
    if (last == raft->applied) {
        pt_assert(missing);
        raft->loading =
            pt_raft_log_load(raft->log, last + 1, PT_RAFT_BATCH_LEN_MAX, PT_RAFT_BATCH_SIZE_MAX, on_loaded, raft);
        pt_assert(raft->loading);
        return false;
    }
    if (len > 0) {
        struct pt_error error = {0};
        struct pt_digest hash = pt_raft_log_hash(raft->log, last_command);
        enum pt_code code =
            raft->options.machine.apply(raft->options.machine.context, raft->batch, len, stored, &hash, &error);
        if (code != PT_OK) {
            apply_failed(raft, &error, code);
            return false;
        }
    }
    raft->applied = last;
    pt_raft_lag_restart(raft);
    struct pt_raft_record record;
    if (pt_raft_log_type(raft->log, last) == PT_RAFT_ENTRY_CHANGE && last > raft->changes_done) {
        bool found = fetch(raft, last, &record);
        pt_assert(found);
        configuration_committed(raft, last, record.data);
    }
    pending_done(raft, last);
    if (raft->proposals.head < raft->proposals.len) {
        pt_raft_run_soon(raft); /* they may have waited for this */
    }
    return true;
}
