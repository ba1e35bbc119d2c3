/*
 * Opening the log: whose folder is it, what does it hold, is it sound?
 *
 * Algorithm. Lock the folder, read the identity, read both metadata copies, then walk the segments in order of their
 * first index and every record in them: places, checksums, indexes and the hash chain must join without a gap. Only the
 * last segment may end in a torn record or in remains of one; they are cut off at start. Everything else that does not
 * check is damage. Damage is a finding, not an error: the caller weighs it with the state machine's witness and puts
 * the node into quarantine (raft_node.h), where it neither votes nor stands until a snapshot has replaced its state.
 *
 * The witness. The state machine keeps, in the transaction of each apply, the index and hash it stands at and the
 * highest index that this node had acknowledged. A log that ends below, or whose hash at the applied index differs, has
 * lost or changed entries that others count on, even if each of its bytes checks (an old copy put back, a zeroed
 * sector). Truncations and snapshots rightly lower what counts as acknowledged: the metadata says until which apply
 * (pt_raft_meta.limit_*).
 */
#include "raft/log_priv.h"

#include "base/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IDENTITY_SIZE_MAX 512U

struct scan {
    struct pt_raft_log *log;
    struct pt_digest chain;
    uint64_t term;
    bool ended; /* a segment ended early: none may follow */
};

/* ---- identity and lock ---------------------------------------------------------------------------------------- */

static void identity_text(const char *cluster_id, uint64_t node_id, char text[IDENTITY_SIZE_MAX])
{
    int size = snprintf(text, IDENTITY_SIZE_MAX - 16, "patronus raft log 1\ncluster %s\nnode %" PRIu64 "\n", cluster_id,
                        node_id);
    (void)snprintf(text + size, 16, "crc %08x\n", pt_crc32c(0, text, (size_t)size));
}

static enum pt_code identity_check(const struct pt_raft_log_options *o, struct pt_error *reterr)
{
    char path[PT_RAFT_PATH_SIZE], text[IDENTITY_SIZE_MAX], cluster[256] = "";
    (void)snprintf(path, sizeof path, "%s/identity", o->directory);
    identity_text(o->cluster_id, o->node_id, text);
    PT_AUTO(buf) struct pt_buf found = {0};
    enum pt_code code = pt_path_read(o->sys, path, IDENTITY_SIZE_MAX, &found, reterr);
    if (code == PT_NOT_FOUND) {
        return pt_path_write(o->sys, path, text, strlen(text), reterr);
    }
    PT_TRY(code);
    if (found.size == strlen(text) && memcmp(found.data, text, found.size) == 0) {
        return PT_OK;
    }
    uint64_t node = 0;
    if (sscanf((const char *)found.data, "patronus raft log 1\ncluster %255s\nnode %" SCNu64, cluster, &node) != 2) {
        return pt_fail(reterr, PT_CORRUPT, PT_REASON_NONE, path, "the identity file cannot be read: restore it");
    }
    char full[IDENTITY_SIZE_MAX];
    identity_text(cluster, node, full);
    if (found.size != strlen(full) || memcmp(found.data, full, found.size) != 0) {
        return pt_fail(reterr, PT_CORRUPT, PT_REASON_NONE, path, "the identity file is damaged: restore it");
    }
    return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_NONE, path,
                   "the log belongs to node %" PRIu64 " of cluster %s, not to node %" PRIu64 " of cluster %s", node,
                   cluster, o->node_id, o->cluster_id);
}

static enum pt_code folder_lock(struct pt_raft_log *log, struct pt_error *reterr)
{
    char path[PT_RAFT_PATH_SIZE];
    PT_TRY(pt_dir_make(log->options.sys, log->directory, reterr));
    /* A folder is only as durable as its name: without this a power loss takes votes and entries with it. */
    (void)snprintf(path, sizeof path, "%s", log->directory);
    char *slash = strrchr(path, '/');
    if (slash != NULL) {
        slash[slash == path ? 1 : 0] = '\0';
        PT_TRY(pt_dir_sync(log->options.sys, path, reterr));
    }
    (void)snprintf(path, sizeof path, "%s/lock", log->directory);
    PT_TRY(pt_file_open(log->options.sys, path, PT_OPEN_WRITE | PT_OPEN_CREATE, &log->lock_file, reterr));
    return pt_file_lock(log->lock_file, reterr);
}

/* ---- metadata ------------------------------------------------------------------------------------------------- */

static enum pt_code meta_read(struct pt_raft_log *log, bool *ret_written, struct pt_error *reterr)
{
    char path[PT_RAFT_PATH_SIZE];
    (void)snprintf(path, sizeof path, "%s/meta", log->directory);
    PT_TRY(pt_file_open(log->options.sys, path, PT_OPEN_WRITE | PT_OPEN_CREATE, &log->writer.meta_file, reterr));
    uint64_t size = 0;
    PT_TRY(pt_file_size(log->writer.meta_file, &size, reterr));
    uint8_t bytes[2 * PT_RAFT_META_SIZE] = {0};
    if (size > sizeof bytes) {
        size = sizeof bytes;
    }
    if (size > 0) {
        PT_TRY(pt_file_read(log->writer.meta_file, 0, bytes, (size_t)size, reterr));
    }
    *ret_written = !pt_raft_all_zero(bytes, sizeof bytes);
    struct pt_raft_meta copies[2] = {0};
    bool good[2] = {pt_raft_meta_parse(bytes, &copies[0]), pt_raft_meta_parse(bytes + PT_RAFT_META_SIZE, &copies[1])};
    if (good[0] && good[1]) {
        log->meta = copies[copies[1].sequence > copies[0].sequence ? 1 : 0];
    } else if (good[0] || good[1]) {
        log->meta = copies[good[1] ? 1 : 0];
    } else if (*ret_written && size > PT_RAFT_META_SIZE) {
        /* The second copy exists, so the first was whole once: what was promised in it is forgotten. */
        (void)snprintf(log->damage, sizeof log->damage, "both copies of the metadata are damaged");
        log->meta.forgetful = true;
    }
    return PT_OK;
}

enum pt_code pt_raft_log_put_meta(struct pt_raft_log *log, const struct pt_raft_meta *meta, struct pt_error *reterr)
{
    pt_assert(!log->started);
    uint64_t sequence = log->meta.sequence + 1;
    log->meta = *meta;
    log->meta.sequence = sequence;
    struct pt_raft_op op = {.kind = PT_RAFT_OP_META, .meta = log->meta};
    return pt_raft_writer_run(&log->writer, &op, reterr);
}

/* ---- the scan ------------------------------------------------------------------------------------------------- */

static void damage(struct pt_raft_log *log, uint64_t segment, size_t offset, const char *what)
{
    if (log->damage[0] == '\0') {
        (void)snprintf(log->damage, sizeof log->damage, "segment %" PRIu64 ", byte %zu: %s", segment, offset, what);
    }
}

static void scan_tail(struct scan *scan, struct pt_bytes segment, size_t offset)
{
    /* Remains of a write that was never synced may stand behind the end. */
    size_t end = segment.size;
    while (end > offset && segment.data[end - 1] == 0) {
        end--;
    }
    scan->log->tail_offset = (uint32_t)offset;
    scan->log->torn_end = (uint32_t)end;
}

static void scan_records(struct scan *scan, uint64_t first, struct pt_bytes bytes)
{
    struct pt_raft_log *log = scan->log;
    size_t offset = PT_RAFT_SEGMENT_HEAD_SIZE;
    for (;;) {
        struct pt_raft_record record;
        struct pt_digest chain;
        enum pt_raft_record_state state = pt_raft_record_parse(bytes, offset, &record, &chain);
        if (state == PT_RAFT_RECORD_BAD) {
            damage(log, first, offset, "a record does not check");
            return;
        }
        if (state != PT_RAFT_RECORD_GOOD) {
            scan->ended = state == PT_RAFT_RECORD_TORN || scan->ended;
            scan_tail(scan, bytes, offset);
            return;
        }
        if (record.index != pt_raft_log_end(log) + 1 || !pt_digest_equal(&record.previous, &scan->chain) ||
            record.term < scan->term) {
            damage(log, first, offset, "a record does not continue the one before it");
            return;
        }
        struct pt_raft_slot *slot = pt_raft_log_push_slot(log);
        *slot = (struct pt_raft_slot){.term = record.term,
                                      .chain = chain,
                                      .offset = (uint32_t)offset,
                                      .data_size = (uint32_t)record.data.size,
                                      .type = record.type};
        scan->chain = chain;
        scan->term = record.term;
        offset += record.size;
    }
}

/* Keep the bytes of configuration changes and of the newest entries of the last segment at hand. */
static void scan_cache(struct pt_raft_log *log, uint64_t first, struct pt_buf *bytes)
{
    struct pt_raft_block *block = calloc(1, sizeof *block);
    pt_assert(block != NULL);
    block->refs = 1;
    size_t kept = 0;
    for (uint64_t i = pt_raft_log_end(log); i >= first && kept <= log->cache_size; i--) {
        struct pt_raft_slot *slot = pt_raft_log_slot(log, i);
        slot->block = block;
        block->refs++;
        kept += pt_raft_record_size(slot->data_size);
        log->cached_from = i;
    }
    log->cached_size = kept;
    block->bytes = *bytes;
    *bytes = (struct pt_buf){0};
    pt_raft_block_unref(block);
}

static enum pt_code scan_segment(struct scan *scan, uint64_t first, bool last, struct pt_error *reterr)
{
    struct pt_raft_log *log = scan->log;
    char path[PT_RAFT_PATH_SIZE];
    pt_raft_log_segment_path(log->directory, first, path);
    PT_AUTO(buf) struct pt_buf bytes = {0};
    PT_TRY(pt_path_read(log->options.sys, path, UINT32_MAX, &bytes, reterr));
    struct pt_raft_segment_head head = {0};
    enum pt_raft_record_state state = pt_raft_segment_parse(pt_buf_bytes(&bytes), &head);
    if (state == PT_RAFT_RECORD_END && last && (log->segments_len > 0 || pt_raft_all_zero(bytes.data, bytes.size))) {
        /* Renamed into place, but its head never reached the disk; records behind it were not synced either, or the
         * witness knows of them. */
        return pt_path_remove(log->options.sys, path, reterr);
    }
    if (state != PT_RAFT_RECORD_GOOD || head.first_index != first || bytes.size < PT_RAFT_SEGMENT_SIZE_MIN ||
        bytes.size % PT_RAFT_SECTOR_SIZE != 0) {
        damage(log, first, 0, "the head of the segment does not check");
        return PT_OK;
    }
    if (log->segments_len == 0) {
        log->base_index = first - 1;
        log->base_chain = scan->chain = head.previous;
    } else if (first != pt_raft_log_end(log) + 1 || scan->ended || !pt_digest_equal(&head.previous, &scan->chain)) {
        damage(log, first, 0, "the segment does not continue the one before it");
        return PT_OK;
    }
    pt_raft_log_push_segment(log, first, (uint32_t)bytes.size);
    scan_records(scan, first, pt_buf_bytes(&bytes));
    if (!last && log->damage[0] == '\0' && log->torn_end > log->tail_offset) {
        damage(log, first, log->tail_offset, "remains behind the end of a full segment");
    }
    if (last && log->damage[0] == '\0') {
        scan_cache(log, first, &bytes);
    }
    return PT_OK;
}

struct names {
    uint64_t *firsts;
    size_t len, capacity;
};

static void name_add(void *arg, const char *name)
{
    struct names *names = arg;
    uint64_t first;
    int end = 0;
    if (sscanf(name, "%20" SCNu64 ".log%n", &first, &end) != 1 || end != 24 || name[end] != '\0') {
        return;
    }
    if (names->len == names->capacity) {
        names->capacity = names->capacity == 0 ? 16 : names->capacity * 2;
        names->firsts = realloc(names->firsts, names->capacity * sizeof *names->firsts);
        pt_assert(names->firsts != NULL);
    }
    names->firsts[names->len++] = first;
}

static enum pt_code scan_all(struct pt_raft_log *log, struct names *names, struct pt_error *reterr)
{
    struct scan scan = {.log = log};
    for (size_t i = 0; i < names->len && log->damage[0] == '\0'; i++) {
        PT_TRY(scan_segment(&scan, names->firsts[i], i + 1 == names->len, reterr));
    }
    log->durable = pt_raft_log_end(log);
    if (log->cached_from == 0 || log->cached_from > log->durable) {
        log->cached_from = log->durable + 1;
    }
    return PT_OK;
}

/* ---- open ----------------------------------------------------------------------------------------------------- */

static struct pt_raft_log *log_new(const struct pt_raft_log_options *options)
{
    struct pt_raft_log *log = calloc(1, sizeof *log);
    pt_assert(log != NULL);
    log->options = *options;
    log->directory = strdup(options->directory);
    log->cluster_id = strdup(options->cluster_id);
    pt_assert(log->directory != NULL && log->cluster_id != NULL);
    log->segment_size = options->segment_size == 0 ? PT_RAFT_SEGMENT_SIZE_DEFAULT : options->segment_size;
    log->cache_size = options->cache_size == 0 ? PT_RAFT_CACHE_SIZE_DEFAULT : options->cache_size;
    pt_assert(log->segment_size >= PT_RAFT_SEGMENT_SIZE_MIN && log->segment_size % PT_RAFT_SECTOR_SIZE == 0);
    pt_list_init(&log->loads);
    log->writer =
        (struct pt_raft_writer){.sys = options->sys, .directory = log->directory, .segment_size = log->segment_size};
    return log;
}

enum pt_code pt_raft_log_open(const struct pt_raft_log_options *options, struct pt_raft_log **ret_log,
                              struct pt_error *reterr)
{
    pt_assert(strlen(options->directory) < PT_RAFT_PATH_SIZE - 64 && strlen(options->cluster_id) < 128);
    struct pt_raft_log *log = log_new(options);
    struct names names = {0};
    bool written = false;
    enum pt_code code = folder_lock(log, reterr);
    if (code == PT_OK) {
        code = identity_check(options, reterr);
    }
    if (code == PT_OK) {
        code = meta_read(log, &written, reterr);
    }
    if (code == PT_OK) {
        code = pt_dir_list(options->sys, log->directory, name_add, &names, reterr);
    }
    if (code == PT_OK) {
        code = scan_all(log, &names, reterr);
    }
    if (code == PT_OK && !written && log->len > 0) {
        (void)snprintf(log->damage, sizeof log->damage, "the metadata is missing");
        log->meta.forgetful = true;
    }
    if (code == PT_OK && log->damage[0] == '\0' && log->len > 0 &&
        pt_raft_log_term(log, pt_raft_log_end(log)) > log->meta.term) {
        (void)snprintf(log->damage, sizeof log->damage, "the metadata is older than the entries");
        log->meta.forgetful = true;
    }
    free(names.firsts);
    if (code != PT_OK) {
        pt_raft_log_close(log);
        return code;
    }
    *ret_log = log;
    return PT_OK;
}

const char *pt_raft_log_damage(struct pt_raft_log *log, const struct pt_raft_witness *witness, uint64_t snapshot_index)
{
    uint64_t end = pt_raft_log_end(log);
    uint64_t acked = witness->acked_index;
    if (log->meta.limited && log->meta.limit_applied >= witness->applied_index && acked > log->meta.limit_acked) {
        acked = log->meta.limit_acked;
    }
    uint64_t must = witness->applied_index > acked ? witness->applied_index : acked;
    must = snapshot_index > must ? snapshot_index : must;
    if (log->damage[0] != '\0') {
        return log->damage;
    }
    if (end < must) {
        (void)snprintf(log->damage, sizeof log->damage, "the log ends at %" PRIu64 ", but %" PRIu64 " was acknowledged",
                       end, must);
    } else if (log->base_index > snapshot_index) {
        (void)snprintf(log->damage, sizeof log->damage, "entries %" PRIu64 " to %" PRIu64 " are missing",
                       snapshot_index + 1, log->base_index);
    } else if (witness->applied_index > 0 && witness->applied_index >= log->base_index) {
        struct pt_digest hash = pt_raft_log_hash(log, witness->applied_index);
        if (!pt_digest_equal(&hash, &witness->log_hash)) {
            (void)snprintf(log->damage, sizeof log->damage, "the log's hash at %" PRIu64 " is not the state machine's",
                           witness->applied_index);
        }
    }
    return log->damage;
}

enum pt_code pt_raft_log_reset_now(struct pt_raft_log *log, uint64_t index, uint64_t term,
                                   const struct pt_digest *chain, struct pt_error *reterr)
{
    pt_assert(!log->started);
    struct names names = {0};
    PT_TRY(pt_dir_list(log->options.sys, log->directory, name_add, &names, reterr));
    for (size_t i = 0; i < names.len / 2; i++) { /* from the last to the first */
        uint64_t other = names.firsts[i];
        names.firsts[i] = names.firsts[names.len - 1 - i];
        names.firsts[names.len - 1 - i] = other;
    }
    if (log->meta.term < term) {
        log->meta.term = term;
    }
    log->meta.limited = true;
    log->meta.limit_applied = log->meta.limit_acked = index;
    log->meta.quarantined = log->meta.forgetful = false;
    log->meta.sequence++;
    struct pt_raft_op op = {.kind = PT_RAFT_OP_RESET,
                            .segment = index + 1,
                            .chain = *chain,
                            .meta = log->meta,
                            .removed = names.firsts,
                            .removed_len = names.len};
    enum pt_code code = pt_raft_writer_run(&log->writer, &op, reterr);
    free(names.firsts);
    pt_raft_log_drop_all(log);
    log->base_index = log->durable = index;
    log->base_chain = *chain;
    log->cached_from = index + 1;
    log->damage[0] = '\0';
    log->torn_end = log->tail_offset = PT_RAFT_SEGMENT_HEAD_SIZE;
    pt_raft_log_push_segment(log, index + 1, log->segment_size);
    return code;
}

enum pt_code pt_raft_log_quarantine(struct pt_raft_log *log, struct pt_error *reterr)
{
    pt_assert(!log->started);
    struct pt_raft_meta meta = log->meta;
    meta.quarantined = true;
    if (log->len > 0 && pt_raft_log_term(log, pt_raft_log_end(log)) > meta.term) {
        meta.term = pt_raft_log_term(log, pt_raft_log_end(log));
        meta.voted_for = 0;
    }
    PT_TRY(pt_raft_log_put_meta(log, &meta, reterr));
    struct names names = {0};
    PT_TRY(pt_dir_list(log->options.sys, log->directory, name_add, &names, reterr));
    enum pt_code code = PT_OK;
    for (size_t i = names.len; i > 0 && code == PT_OK; i--) {
        char path[PT_RAFT_PATH_SIZE], aside[PT_RAFT_PATH_SIZE + 8];
        pt_raft_log_segment_path(log->directory, names.firsts[i - 1], path);
        (void)snprintf(aside, sizeof aside, "%s.bad", path);
        code = pt_path_rename(log->options.sys, path, aside, reterr);
    }
    free(names.firsts);
    pt_file_close(log->writer.file);
    log->writer.file = NULL;
    pt_raft_log_drop_all(log);
    log->base_index = log->durable = 0;
    log->base_chain = (struct pt_digest){0};
    log->cached_from = 1;
    return code == PT_OK ? pt_dir_sync(log->options.sys, log->directory, reterr) : code;
}

/* An empty folder gets its first segment. */
static enum pt_code first_segment(struct pt_raft_log *log, struct pt_error *reterr)
{
    struct pt_raft_meta meta = log->meta;
    struct pt_digest chain = log->base_chain;
    PT_TRY(pt_raft_log_reset_now(log, log->base_index, 0, &chain, reterr));
    meta.sequence = log->meta.sequence; /* the reset marks a snapshot; there was none */
    return pt_raft_log_put_meta(log, &meta, reterr);
}

/* What the scan read may stand in the page cache only: after a sync that failed Linux calls the pages clean, and a
 * restarted process reads what no disk holds. So everything that later writes build on is written and synced anew
 * before this node acts on it: term and vote, and the tail. The segments before the tail were synced when it began. */
static enum pt_code rewrite(struct pt_raft_log *log, struct pt_error *reterr)
{
    if (log->meta.sequence > 0) {
        struct pt_raft_meta meta = log->meta;
        PT_TRY(pt_raft_log_put_meta(log, &meta, reterr));
    }
    PT_AUTO(buf) struct pt_buf bytes = {0};
    uint8_t *data = pt_buf_reserve(&bytes, log->tail_offset);
    PT_TRY(pt_file_read(log->writer.file, 0, data, log->tail_offset, reterr));
    PT_TRY(pt_file_write(log->writer.file, 0, data, log->tail_offset, reterr));
    return pt_file_sync(log->writer.file, reterr);
}

enum pt_code pt_raft_log_start(struct pt_raft_log *log, struct pt_error *reterr)
{
    pt_assert(!log->started);
    if (log->segments_len == 0) {
        PT_TRY(first_segment(log, reterr));
    }
    uint64_t tail = log->segments[log->segments_len - 1].first;
    if (log->writer.file == NULL || log->writer.segment != tail) {
        PT_TRY(pt_raft_writer_open_tail(&log->writer, tail, reterr));
    }
    if (log->torn_end > log->tail_offset) {
        struct pt_raft_op cut = {
            .kind = PT_RAFT_OP_CUT, .segment = tail, .offset = log->tail_offset, .end = log->torn_end};
        PT_TRY(pt_raft_writer_run(&log->writer, &cut, reterr));
    }
    PT_TRY(rewrite(log, reterr));
    char recycled[PT_RAFT_PATH_SIZE];
    (void)snprintf(recycled, sizeof recycled, "%s/recycled", log->directory);
    PT_TRY(pt_path_remove(log->options.sys, recycled, reterr));
    log->executor = pt_executor_new(log->options.sys, "raft-log", 1);
    pt_executor_hasten(log->executor); /* each write that is acknowledged waited for it */
    log->side = pt_executor_new(log->options.sys, "raft-side", 1);
    log->spare_timer = pt_timer_new(log->options.sys, (pt_task_fn)pt_raft_spare_begin, log);
    log->started = true;
    pt_raft_spare_begin(log);
    return PT_OK;
}

enum pt_code pt_raft_log_read_now(struct pt_raft_log *log, uint64_t index, struct pt_buf *ret_data,
                                  struct pt_error *reterr)
{
    pt_assert(!log->started && index > log->base_index && index <= pt_raft_log_end(log));
    size_t at = log->segments_len - 1;
    while (log->segments[at].first > index) {
        at--;
    }
    char path[PT_RAFT_PATH_SIZE];
    pt_raft_log_segment_path(log->directory, log->segments[at].first, path);
    const struct pt_raft_slot *slot = pt_raft_log_slot(log, index);
    struct pt_file *file = NULL;
    PT_TRY(pt_file_open(log->options.sys, path, PT_OPEN_READ, &file, reterr));
    uint8_t *data = pt_buf_reserve(ret_data, slot->data_size);
    enum pt_code code = pt_file_read(file, slot->offset + PT_RAFT_RECORD_HEAD_SIZE, data, slot->data_size, reterr);
    pt_file_close(file);
    if (code == PT_OK) {
        ret_data->size += slot->data_size;
    }
    return code;
}

enum pt_code pt_raft_log_bootstrap(const struct pt_raft_log_options *options, struct pt_bytes configuration,
                                   struct pt_error *reterr)
{
    struct pt_raft_log *log = NULL;
    PT_TRY(pt_raft_log_open(options, &log, reterr));
    enum pt_code code = PT_OK;
    if (log->len > 0 || log->meta.term > 1 || log->damage[0] != '\0') {
        code = pt_fail(reterr, PT_ALREADY_EXISTS, PT_REASON_NONE, options->directory, "the folder holds a log already");
    }
    if (code == PT_OK) {
        code = first_segment(log, reterr);
    }
    if (code == PT_OK) {
        /* The entry last: a folder cut off before it can be bootstrapped again. */
        struct pt_raft_meta meta = {.term = 1};
        code = pt_raft_log_put_meta(log, &meta, reterr);
    }
    struct pt_raft_block block = {.refs = 1, .offset = PT_RAFT_SEGMENT_HEAD_SIZE};
    if (code == PT_OK) {
        struct pt_digest chain = {0};
        pt_raft_record_encode(1, 1, PT_RAFT_ENTRY_CHANGE, configuration, &chain, &block.bytes);
        struct pt_raft_op op = {.kind = PT_RAFT_OP_WRITE, .block = &block, .first = 1, .last = 1};
        code = pt_raft_writer_run(&log->writer, &op, reterr);
    }
    pt_buf_fini(&block.bytes);
    pt_raft_log_close(log);
    return code;
}
