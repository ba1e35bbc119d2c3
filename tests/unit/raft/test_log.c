/*
 * The log against a trivial twin, and against everything that can happen to its files: torn tails, flipped bits,
 * foreign folders. On the simulated disk, so that every byte can be reached in no time.
 */
#include "raft/log_priv.h"

#include "base/assert.h"
#include "sys/sys_sim.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND UINT64_C(1000000000)
#define TWIN_MAX 4096
#define CONF "configuration"

struct twin_entry {
    uint64_t term;
    enum pt_raft_entry_type type;
    size_t size;
    uint8_t data[600];
    struct pt_digest chain;
};

struct bench {
    struct pt_sim *sim;
    struct pt_sys *sys;
    struct pt_raft_log *log;
    uint32_t segment_size;
    size_t cache_size;
    uint64_t durable_told;
    bool failed;
    struct twin_entry *twin; /* by index; 0 unused */
    uint64_t first, last;
};

static void on_durable(void *context, uint64_t index)
{
    struct bench *b = context;
    ck_assert_uint_le(index, pt_raft_log_last(b->log));
    b->durable_told = index;
}

static void on_room(void *context)
{
    (void)context;
}

static void on_error(void *context, const struct pt_error *error)
{
    (void)error;
    ((struct bench *)context)->failed = true;
}

static struct pt_raft_log_options options_of(struct bench *b)
{
    return (struct pt_raft_log_options){.sys = b->sys,
                                        .directory = "/log",
                                        .cluster_id = "c-1",
                                        .node_id = 1,
                                        .segment_size = b->segment_size,
                                        .cache_size = b->cache_size,
                                        .on_durable = on_durable,
                                        .on_room = on_room,
                                        .on_error = on_error,
                                        .context = b};
}

static void run(struct bench *b)
{
    uint64_t until = pt_sim_now_ns(b->sim) + SECOND / 10;
    while (pt_sim_step(b->sim, until)) {
    }
}

static void bench_init(struct bench *b, uint64_t seed, uint32_t segment_size, size_t cache_size)
{
    *b = (struct bench){.segment_size = segment_size, .cache_size = cache_size, .first = 1};
    b->sim = pt_sim_new(&(struct pt_sim_options){.seed = seed});
    b->sys = pt_sim_host(b->sim, pt_sim_add_host(b->sim));
    b->twin = calloc(TWIN_MAX, sizeof *b->twin);
}

static void bench_fini(struct bench *b)
{
    pt_raft_log_close(b->log);
    pt_sim_free(b->sim);
    free(b->twin);
}

static void open_log(struct bench *b)
{
    struct pt_raft_log_options options = options_of(b);
    struct pt_error error = {0};
    ck_assert_msg(pt_raft_log_open(&options, &b->log, &error) == PT_OK, "%s", error.text);
}

static void start_log(struct bench *b)
{
    ck_assert_int_eq(pt_raft_log_start(b->log, NULL), PT_OK);
    run(b);
}

static void append(struct bench *b, uint64_t term, size_t n, size_t size_max)
{
    struct pt_raft_log_entry entries[16];
    pt_assert(n <= 16);
    for (size_t i = 0; i < n; i++) {
        struct twin_entry *e = &b->twin[++b->last];
        e->term = term;
        e->type = (enum pt_raft_entry_type)(1 + pt_sim_random(b->sim, 3));
        e->size = pt_sim_random(b->sim, size_max + 1);
        for (size_t k = 0; k < e->size; k++) {
            e->data[k] = (uint8_t)(1 + pt_sim_random(b->sim, 255)); /* zeros would look like a lost sector */
        }
        entries[i] = (struct pt_raft_log_entry){.term = term, .type = e->type, .data = {e->data, e->size}};
    }
    pt_raft_log_append(b->log, entries, n);
    for (uint64_t i = b->last - n + 1; i <= b->last; i++) {
        b->twin[i].chain = pt_raft_log_hash(b->log, i);
    }
}

static struct {
    struct bench *bench;
    uint64_t next;
    bool done;
} reading;

static void on_loaded(void *arg, enum pt_code code, const struct pt_raft_record *records, size_t len)
{
    (void)arg;
    ck_assert_int_eq(code, PT_OK);
    for (size_t i = 0; i < len; i++) {
        const struct twin_entry *e = &reading.bench->twin[reading.next];
        ck_assert_uint_eq(records[i].index, reading.next++);
        ck_assert_uint_eq(records[i].term, e->term);
        ck_assert_uint_eq(records[i].data.size, e->size);
        ck_assert(e->size == 0 || memcmp(records[i].data.data, e->data, e->size) == 0);
    }
    reading.done = true;
}

/* Everything that the log says, by memory and by disk, against the twin. */
static void compare(struct bench *b, bool deep)
{
    ck_assert_uint_eq(pt_raft_log_last(b->log), b->last);
    ck_assert_uint_le(pt_raft_log_first(b->log), b->first);
    for (uint64_t i = b->first; i <= b->last; i++) {
        const struct twin_entry *e = &b->twin[i];
        struct pt_raft_record record;
        struct pt_digest hash = pt_raft_log_hash(b->log, i);
        ck_assert_uint_eq(pt_raft_log_term(b->log, i), e->term);
        ck_assert_int_eq(pt_raft_log_type(b->log, i), e->type);
        ck_assert(pt_digest_equal(&hash, &e->chain));
        if (pt_raft_log_get(b->log, i, &record)) {
            ck_assert_uint_eq(record.data.size, e->size);
            ck_assert(e->size == 0 || memcmp(record.data.data, e->data, e->size) == 0);
        }
    }
    reading.bench = b;
    reading.next = b->first;
    while (deep && reading.next <= b->last) {
        reading.done = false;
        ck_assert(pt_raft_log_load(b->log, reading.next, 50, 4000, on_loaded, NULL));
        while (!reading.done) {
            run(b);
        }
    }
}

static void reopen(struct bench *b)
{
    pt_raft_log_close(b->log);
    open_log(b);
    ck_assert_str_eq(pt_raft_log_damage(b->log, &(struct pt_raft_witness){0}, b->first - 1), "");
    start_log(b);
}

START_TEST(random_work_equals_the_twin)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct bench b;
        bench_init(&b, seed, seed % 2 == 0 ? 4096 : 16384, seed % 3 == 0 ? 1000 : 0);
        open_log(&b);
        start_log(&b);
        uint64_t term = 1;
        for (unsigned step = 0; step < 300 && b.last < TWIN_MAX - 32; step++) {
            uint64_t what = pt_sim_random(b.sim, 20);
            if (what < 12) {
                if (pt_raft_log_fits(b.log, 4 * 704, 704)) {
                    append(&b, term, 1 + pt_sim_random(b.sim, 4), 600);
                }
            } else if (what < 14 && b.last > b.first) {
                uint64_t at = b.first + 1 + pt_sim_random(b.sim, b.last - b.first);
                pt_raft_log_truncate(b.log, at, b.first);
                b.last = at - 1;
                term++;
                ck_assert_uint_le(pt_raft_log_durable(b.log), b.last);
                ck_assert(pt_raft_log_fits(b.log, 704, 704)); /* a truncation makes room */
                append(&b, term, 1, 600);
            } else if (what < 15 && pt_raft_log_durable(b.log) > b.first) {
                b.first += pt_sim_random(b.sim, pt_raft_log_durable(b.log) - b.first);
                pt_raft_log_compact(b.log, b.first);
            } else if (what < 16) {
                pt_raft_log_set_vote(b.log, term, 7, NULL, NULL);
            } else if (what < 18) {
                run(&b);
                ck_assert_uint_eq(pt_raft_log_durable(b.log), b.last);
            } else if (what == 18) {
                pt_raft_log_set_vote(b.log, term, 9, NULL, NULL);
                run(&b);
                reopen(&b);
                ck_assert_uint_eq(pt_raft_log_meta(b.log)->term, term);
                ck_assert_uint_eq(pt_raft_log_meta(b.log)->voted_for, 9);
            }
        }
        run(&b);
        compare(&b, true);
        ck_assert(!b.failed);
        bench_fini(&b);
    }
}
END_TEST

START_TEST(a_reset_continues_behind_a_snapshot)
{
    struct bench b;
    bench_init(&b, 1, 4096, 0);
    open_log(&b);
    start_log(&b);
    append(&b, 1, 10, 300);
    run(&b);
    struct pt_digest chain = pt_sha256("x", 1);
    pt_raft_log_reset(b.log, 500, 3, &chain, 0, NULL, NULL);
    ck_assert_uint_eq(pt_raft_log_first(b.log), 501);
    run(&b);
    b.first = 501;
    b.last = 500;
    append(&b, 3, 5, 300);
    run(&b);
    compare(&b, true);
    pt_raft_log_set_vote(b.log, 3, 0, NULL, NULL);
    run(&b);
    pt_raft_log_close(b.log);
    open_log(&b);
    /* The machine may still carry the acknowledgements of whoever made the snapshot. */
    struct pt_raft_witness witness = {.applied_index = 500, .applied_term = 3, .acked_index = 900, .log_hash = chain};
    ck_assert_str_eq(pt_raft_log_damage(b.log, &witness, 500), "");
    witness.acked_index = 506; /* but once it applied something of its own, they count */
    witness.applied_index = 501;
    witness.log_hash = b.twin[501].chain;
    ck_assert_str_ne(pt_raft_log_damage(b.log, &witness, 500), "");
    bench_fini(&b);
}
END_TEST

/* A folder with ten synced entries in one group each, then one group of three. Returns where that group begins. */
static uint32_t prepare(struct bench *b, uint64_t seed)
{
    bench_init(b, seed, 16384, 0);
    open_log(b);
    start_log(b);
    pt_raft_log_set_vote(b->log, 1, 0, NULL, NULL);
    for (unsigned i = 0; i < 10; i++) {
        append(b, 1, 1, 300);
        run(b);
    }
    uint32_t offset = b->log->tail_offset;
    append(b, 1, 3, 600);
    run(b);
    return offset;
}

#define SEGMENT "/log/00000000000000000001.log"

START_TEST(a_torn_tail_is_cut_at_any_sector_boundary)
{
    for (unsigned lost = 0; lost < 8; lost++) {
        struct bench b;
        uint32_t begin = prepare(&b, 5);
        uint32_t end = b.log->tail_offset;
        pt_raft_log_close(b.log);
        /* The sector number `lost` of the last group never reached the disk. */
        uint32_t sector = (begin / PT_RAFT_SECTOR_SIZE + lost) * PT_RAFT_SECTOR_SIZE;
        if (sector >= end) {
            b.log = NULL;
            bench_fini(&b);
            break;
        }
        uint32_t from = sector < begin ? begin : sector;
        uint32_t to = sector + PT_RAFT_SECTOR_SIZE < end ? sector + PT_RAFT_SECTOR_SIZE : end;
        struct pt_file *file = NULL;
        uint8_t zeros[PT_RAFT_SECTOR_SIZE] = {0};
        ck_assert_int_eq(pt_file_open(b.sys, SEGMENT, PT_OPEN_WRITE, &file, NULL), PT_OK);
        ck_assert_int_eq(pt_file_write(file, from, zeros, to - from, NULL), PT_OK);
        pt_file_close(file);
        open_log(&b);
        uint64_t last = pt_raft_log_last(b.log);
        ck_assert_uint_ge(last, 10);
        ck_assert_uint_lt(last, 13);
        ck_assert_str_eq(pt_raft_log_damage(b.log, &(struct pt_raft_witness){.acked_index = 10}, 0), "");
        b.last = last;
        start_log(&b);
        append(&b, 1, 4, 600); /* goes on where it was cut */
        run(&b);
        reopen(&b);
        compare(&b, true);
        /* The same loss below what was acknowledged is no torn tail. */
        pt_raft_log_close(b.log);
        open_log(&b);
        ck_assert_str_ne(pt_raft_log_damage(b.log, &(struct pt_raft_witness){.acked_index = b.last + 1}, 0), "");
        bench_fini(&b);
    }
}
END_TEST

START_TEST(every_flipped_bit_is_found)
{
    struct bench b;
    prepare(&b, 5);
    uint32_t end = b.log->tail_offset;
    struct pt_raft_witness witness = {.applied_index = 12, .acked_index = 13, .log_hash = b.twin[12].chain};
    pt_raft_log_close(b.log);
    unsigned damaged = 0, checked = 0;
    for (uint64_t bit = 0; bit < (uint64_t)end * 8; bit += 3) {
        uint64_t at = bit / 8;
        ck_assert(pt_sim_flip_bit(b.sim, 0, SEGMENT, bit));
        open_log(&b);
        const char *found = pt_raft_log_damage(b.log, &witness, 0);
        ck_assert_msg(found[0] != '\0', "bit %" PRIu64 " of byte %" PRIu64 " went unseen", bit % 8, at);
        damaged += found[0] != '\0' ? 1 : 0;
        checked++;
        pt_raft_log_close(b.log);
        ck_assert(pt_sim_flip_bit(b.sim, 0, SEGMENT, bit));
    }
    ck_assert_uint_eq(damaged, checked);
    /* One in the zeros behind the end is harmless, and wiped. */
    ck_assert(pt_sim_flip_bit(b.sim, 0, SEGMENT, ((uint64_t)end + 100) * 8));
    open_log(&b);
    ck_assert_str_eq(pt_raft_log_damage(b.log, &witness, 0), "");
    start_log(&b);
    append(&b, 1, 8, 100);
    run(&b);
    reopen(&b);
    compare(&b, true);
    bench_fini(&b);
}
END_TEST

START_TEST(a_flip_in_a_copy_of_the_metadata_is_healed_two_are_found)
{
    struct bench b;
    prepare(&b, 5);
    pt_raft_log_set_vote(b.log, 4, 3, NULL, NULL);
    run(&b);
    pt_raft_log_close(b.log);
    for (unsigned copy = 0; copy < 2; copy++) {
        for (uint64_t bit = 0; bit < PT_RAFT_META_SIZE * 8; bit += 61) {
            ck_assert(pt_sim_flip_bit(b.sim, 0, "/log/meta", (uint64_t)copy * PT_RAFT_META_SIZE * 8 + bit));
            open_log(&b);
            ck_assert_str_eq(pt_raft_log_damage(b.log, &(struct pt_raft_witness){0}, 0), "");
            ck_assert_uint_eq(pt_raft_log_meta(b.log)->term, 4);
            ck_assert_uint_eq(pt_raft_log_meta(b.log)->voted_for, 3);
            pt_raft_log_close(b.log);
            ck_assert(pt_sim_flip_bit(b.sim, 0, "/log/meta", (uint64_t)copy * PT_RAFT_META_SIZE * 8 + bit));
        }
    }
    ck_assert(pt_sim_flip_bit(b.sim, 0, "/log/meta", 200));
    ck_assert(pt_sim_flip_bit(b.sim, 0, "/log/meta", PT_RAFT_META_SIZE * 8 + 300));
    open_log(&b);
    ck_assert_str_ne(pt_raft_log_damage(b.log, &(struct pt_raft_witness){0}, 0), "");
    ck_assert(pt_raft_log_meta(b.log)->forgetful);
    ck_assert_int_eq(pt_raft_log_quarantine(b.log, NULL), PT_OK);
    start_log(&b);
    pt_raft_log_close(b.log);
    open_log(&b); /* the mark stays */
    ck_assert(pt_raft_log_meta(b.log)->quarantined && pt_raft_log_meta(b.log)->forgetful);
    ck_assert_uint_eq(pt_raft_log_last(b.log), 0);
    ck_assert(pt_path_exists(b.sys, SEGMENT ".bad"));
    bench_fini(&b);
}
END_TEST

START_TEST(an_older_copy_of_the_log_is_found_by_the_witness)
{
    struct bench b;
    prepare(&b, 5);
    PT_AUTO(buf) struct pt_buf old = {0};
    ck_assert_int_eq(pt_path_read(b.sys, SEGMENT, 1 << 20, &old, NULL), PT_OK);
    append(&b, 1, 5, 300);
    run(&b);
    struct pt_raft_witness witness = {.applied_index = 15, .acked_index = 18, .log_hash = b.twin[15].chain};
    pt_raft_log_close(b.log);
    ck_assert_int_eq(pt_path_write(b.sys, SEGMENT, old.data, old.size, NULL), PT_OK);
    open_log(&b);
    ck_assert_str_ne(pt_raft_log_damage(b.log, &witness, 0), "");
    bench_fini(&b);
    /* Another history of the same length. */
    struct bench c;
    prepare(&c, 6);
    pt_raft_log_close(c.log);
    open_log(&c);
    witness.applied_index = 12;
    witness.acked_index = 12;
    ck_assert_str_ne(pt_raft_log_damage(c.log, &witness, 0), "");
    bench_fini(&c);
}
END_TEST

START_TEST(a_truncation_lowers_what_counts_as_acknowledged)
{
    struct bench b;
    prepare(&b, 5);
    struct pt_raft_witness witness = {.applied_index = 8, .acked_index = 13, .log_hash = b.twin[8].chain};
    pt_raft_log_truncate(b.log, 10, 8);
    b.last = 9;
    run(&b);
    pt_raft_log_close(b.log);
    open_log(&b);
    ck_assert_uint_eq(pt_raft_log_last(b.log), 9);
    ck_assert_str_eq(pt_raft_log_damage(b.log, &witness, 0), "");
    witness.applied_index = 9; /* a later apply wrote what was acknowledged then */
    witness.log_hash = b.twin[9].chain;
    witness.acked_index = 10;
    ck_assert_str_ne(pt_raft_log_damage(b.log, &witness, 0), "");
    bench_fini(&b);
}
END_TEST

START_TEST(power_loss_keeps_all_that_was_durable)
{
    for (uint64_t seed = 1; seed <= 150; seed++) {
        struct bench b;
        bench_init(&b, seed, 4096, 0);
        open_log(&b);
        start_log(&b);
        uint64_t term = 1;
        pt_raft_log_set_vote(b.log, term, 1, NULL, NULL);
        run(&b);
        for (unsigned round = 0; round < 4; round++) {
            uint64_t floor = 0;
            for (unsigned i = 0; i < 30; i++) {
                if (pt_raft_log_fits(b.log, 3 * 704, 704)) {
                    append(&b, term, 1 + pt_sim_random(b.sim, 3), 600);
                }
                uint64_t until = pt_sim_now_ns(b.sim) + pt_sim_random(b.sim, 300) * 1000;
                while (pt_sim_step(b.sim, until)) {
                }
                floor = pt_raft_log_durable(b.log);
            }
            struct pt_digest chain = pt_raft_log_hash(b.log, floor);
            pt_sim_crash(b.sim, 0, true);
            pt_raft_log_abandon(b.log);
            pt_sim_restart(b.sim, 0);
            b.sys = pt_sim_host(b.sim, 0);
            open_log(&b);
            struct pt_raft_witness witness = {.applied_index = floor, .acked_index = floor, .log_hash = chain};
            ck_assert_msg(pt_raft_log_damage(b.log, &witness, 0)[0] == '\0', "seed %" PRIu64 ": %s", seed,
                          pt_raft_log_damage(b.log, &witness, 0));
            ck_assert_uint_ge(pt_raft_log_last(b.log), floor);
            ck_assert_uint_le(pt_raft_log_last(b.log), b.last);
            b.last = pt_raft_log_last(b.log);
            start_log(&b);
            compare(&b, round == 3);
        }
        bench_fini(&b);
    }
}
END_TEST

START_TEST(a_full_disk_is_seen_before_an_append_fails)
{
    struct bench b;
    bench_init(&b, 1, 4096, 0);
    open_log(&b);
    ck_assert_int_eq(pt_raft_log_start(b.log, NULL), PT_OK);
    pt_sim_fail_disk(b.sim, 0, 1, PT_NO_SPACE, false); /* the first spare cannot be made */
    run(&b);
    ck_assert(pt_raft_log_short(b.log) && !b.failed);
    unsigned appended = 0;
    for (; pt_raft_log_fits(b.log, 704, 704); appended++) {
        append(&b, 1, 1, 600);
        run(&b);
        ck_assert_uint_eq(pt_raft_log_durable(b.log), b.last);
    }
    ck_assert_uint_gt(appended, 2);                     /* the rest of the first segment */
    ck_assert(pt_raft_log_fits_reserve(b.log, 80, 80)); /* and still a barrier */
    for (unsigned i = 0; i < 15; i++) {
        run(&b); /* a second and a half: it has tried again */
    }
    ck_assert(!pt_raft_log_short(b.log));
    ck_assert(pt_raft_log_fits(b.log, 704, 704));
    append(&b, 1, 1, 600);
    run(&b);
    compare(&b, true);
    bench_fini(&b);
}
END_TEST

/* Found by the simulator (seed 163): the power failed between rolling over and the sync, and kept records but no head.
 */
START_TEST(a_new_segment_whose_head_was_lost_is_dropped)
{
    struct bench b;
    bench_init(&b, 1, 4096, 0);
    open_log(&b);
    start_log(&b);
    while (b.log->segments_len < 2) {
        append(&b, 1, 1, 600);
        run(&b);
    }
    uint64_t kept = b.log->segments[1].first - 1;
    char path[PT_RAFT_PATH_SIZE];
    pt_raft_log_segment_path("/log", kept + 1, path);
    pt_raft_log_set_vote(b.log, 1, 0, NULL, NULL);
    run(&b);
    pt_raft_log_close(b.log);
    struct pt_file *file = NULL;
    uint8_t zeros[PT_RAFT_SEGMENT_HEAD_SIZE] = {0};
    ck_assert_int_eq(pt_file_open(b.sys, path, PT_OPEN_WRITE, &file, NULL), PT_OK);
    ck_assert_int_eq(pt_file_write(file, 0, zeros, sizeof zeros, NULL), PT_OK);
    pt_file_close(file);
    open_log(&b);
    ck_assert_str_eq(pt_raft_log_damage(b.log, &(struct pt_raft_witness){.acked_index = kept}, 0), "");
    ck_assert_uint_eq(pt_raft_log_last(b.log), kept);
    b.last = kept;
    start_log(&b);
    append(&b, 1, 3, 600);
    run(&b);
    reopen(&b);
    compare(&b, true);
    bench_fini(&b);
}
END_TEST

START_TEST(errors_are_told_once_and_end_the_writing)
{
    for (unsigned nth = 1; nth < 12; nth++) {
        struct bench b;
        bench_init(&b, nth, 4096, 0);
        open_log(&b);
        start_log(&b);
        pt_sim_fail_disk(b.sim, 0, nth, PT_IO, false);
        for (unsigned i = 0; i < 30 && !b.failed; i++) {
            if (pt_raft_log_fits(b.log, 704, 704)) {
                append(&b, 1, 1, 600);
            }
            run(&b);
        }
        ck_assert(b.failed);
        uint64_t durable = b.durable_told;
        append(&b, 1, 1, 8);
        run(&b);
        ck_assert_uint_eq(b.durable_told, durable);
        bench_fini(&b);
    }
}
END_TEST

START_TEST(folders_are_known_by_cluster_and_node)
{
    struct bench b;
    bench_init(&b, 1, 4096, 0);
    struct pt_raft_log_options options = options_of(&b);
    ck_assert_int_eq(pt_raft_log_bootstrap(&options, (struct pt_bytes){(const uint8_t *)CONF, strlen(CONF)}, NULL),
                     PT_OK);
    struct pt_error error = {0};
    ck_assert_int_eq(pt_raft_log_bootstrap(&options, (struct pt_bytes){(const uint8_t *)CONF, strlen(CONF)}, &error),
                     PT_ALREADY_EXISTS);
    open_log(&b);
    ck_assert_uint_eq(pt_raft_log_last(b.log), 1);
    ck_assert_int_eq(pt_raft_log_type(b.log, 1), PT_RAFT_ENTRY_CHANGE);
    PT_AUTO(buf) struct pt_buf data = {0};
    ck_assert_int_eq(pt_raft_log_read_now(b.log, 1, &data, NULL), PT_OK);
    ck_assert_uint_eq(data.size, strlen(CONF));
    ck_assert_mem_eq(data.data, CONF, data.size);
    struct pt_raft_log *second = NULL;
    ck_assert_int_eq(pt_raft_log_open(&options, &second, &error), PT_FAILED_PRECONDITION); /* locked */
    pt_raft_log_close(b.log);
    b.log = NULL;
    options.cluster_id = "c-2";
    ck_assert_int_eq(pt_raft_log_open(&options, &second, &error), PT_FAILED_PRECONDITION);
    ck_assert_ptr_nonnull(strstr(error.text, "c-1"));
    options = options_of(&b);
    options.node_id = 2;
    ck_assert_int_eq(pt_raft_log_open(&options, &second, &error), PT_FAILED_PRECONDITION);
    ck_assert(pt_sim_flip_bit(b.sim, 0, "/log/identity", 300));
    options.node_id = 1;
    ck_assert_int_eq(pt_raft_log_open(&options, &second, &error), PT_CORRUPT);
    bench_fini(&b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("raft log");
    TCase *tc = tcase_create("all");
    tcase_set_timeout(tc, 100);
    tcase_add_test(tc, random_work_equals_the_twin);
    tcase_add_test(tc, a_reset_continues_behind_a_snapshot);
    tcase_add_test(tc, a_torn_tail_is_cut_at_any_sector_boundary);
    tcase_add_test(tc, every_flipped_bit_is_found);
    tcase_add_test(tc, a_flip_in_a_copy_of_the_metadata_is_healed_two_are_found);
    tcase_add_test(tc, an_older_copy_of_the_log_is_found_by_the_witness);
    tcase_add_test(tc, a_truncation_lowers_what_counts_as_acknowledged);
    tcase_add_test(tc, power_loss_keeps_all_that_was_durable);
    tcase_add_test(tc, a_full_disk_is_seen_before_an_append_fails);
    tcase_add_test(tc, a_new_segment_whose_head_was_lost_is_dropped);
    tcase_add_test(tc, errors_are_told_once_and_end_the_writing);
    tcase_add_test(tc, folders_are_known_by_cluster_and_node);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
