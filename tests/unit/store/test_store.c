/*
 * The store on real files: against its twin, its digest, its bounds, its snapshots, and damage of every byte class.
 */
#include "files.h"

#include <fcntl.h>

/* Transactions of entries, some undone, with a look at everything between; reopened now and then. */
START_TEST(random_operations_agree_with_the_twin)
{
    struct rng rng = {(uint64_t)_i};
    struct twin twin = {0};
    struct pt_store *store = open_at(path);
    for (uint64_t index = 1; index <= 60; index++) {
        MUST(pt_store_begin(store, why));
        for (uint64_t entries = rng_below(&rng, 12) + 1; entries > 0; entries--) {
            MUST(twin_entry(store, &twin, &rng, why));
        }
        if (index % 5 == 0) {
            twin_compare(store, &twin, &rng); /* within a transaction */
        }
        struct pt_digest before = pt_store_digest(store);
        commit(store, index);
        struct pt_digest after = pt_store_digest(store);
        ck_assert(pt_digest_equal(&before, &after));
        if (index % 7 == 0) {
            pt_store_close(store);
            store = open_at(path);
            struct pt_witness witness = pt_store_witness(store);
            struct pt_witness expected = witness_of(index);
            ck_assert_uint_eq(witness.applied_index, expected.applied_index);
            ck_assert_uint_eq(witness.applied_term, expected.applied_term);
            ck_assert_uint_eq(witness.acked_index, expected.acked_index);
            ck_assert(pt_digest_equal(&witness.log_hash, &expected.log_hash));
            struct pt_digest loaded = pt_store_digest(store);
            ck_assert(pt_digest_equal(&after, &loaded));
        }
        twin_compare(store, &twin, &rng);
    }
    pt_store_close(store);
}
END_TEST

START_TEST(a_transaction_that_is_not_committed_leaves_nothing)
{
    struct rng rng = {99};
    struct twin twin = {0};
    struct pt_store *store = open_at(path);
    MUST(pt_store_begin(store, why));
    for (int i = 0; i < 20; i++) {
        MUST(twin_entry(store, &twin, &rng, why));
    }
    commit(store, 5);
    struct twin kept = twin;
    MUST(pt_store_begin(store, why));
    for (int i = 0; i < 20; i++) {
        MUST(twin_entry(store, &twin, &rng, why));
    }
    pt_store_close(store);
    store = open_at(path);
    ck_assert_uint_eq(pt_store_witness(store).applied_index, 5);
    twin_compare(store, &kept, &rng);
    pt_store_close(store);
}
END_TEST

/* The same rows by different ways: shuffled, replaced on the way, with others that come and go. */
START_TEST(the_digest_depends_on_the_rows_alone)
{
    struct pt_store *a = open_at(path);
    struct pt_store *b = open_at(other);
    char name[64];
    struct pt_digest empty = pt_store_digest(a);
    struct pt_digest zero = {0};
    ck_assert(pt_digest_equal(&empty, &zero));
    MUST(pt_store_begin(a, why));
    MUST(pt_store_begin(b, why));
    const char *to[] = {"rows/1", "rows/2"};
    const char *to_back[] = {"rows/2", "rows/1", "rows/2"};
    for (int i = 0; i < 50; i++) {
        (void)snprintf(name, sizeof(name), "rows/%d", i);
        put_text(a, name, 4, name, 7);
        MUST(pt_store_set_references(a, name, to, 2, why));
        int j = (i * 17 + 5) % 50;
        (void)snprintf(name, sizeof(name), "rows/%d", j);
        put_text(b, name, 4, "something else", 3);
        put_text(b, "rows/passing", 5, "x", 1);
        MUST(pt_store_set_references(b, name, to, 1, why));
        put_text(b, name, 4, name, 7);
        MUST(pt_store_set_references(b, name, to_back, 3, why));
        MUST(pt_store_remove(b, "rows/passing", why));
    }
    MUST(pt_store_meta_put(a, "k", (struct pt_bytes){(const uint8_t *)"v", 1}, why));
    MUST(pt_store_meta_put(b, "k", (struct pt_bytes){(const uint8_t *)"w", 1}, why));
    struct pt_digest digest_a = pt_store_digest(a);
    struct pt_digest digest_b = pt_store_digest(b);
    ck_assert(!pt_digest_equal(&digest_a, &digest_b));
    MUST(pt_store_meta_put(b, "k", (struct pt_bytes){(const uint8_t *)"v", 1}, why));
    digest_b = pt_store_digest(b);
    ck_assert(pt_digest_equal(&digest_a, &digest_b));
    commit(a, 1);
    commit(b, 9);
    digest_b = pt_store_digest(b);
    ck_assert(pt_digest_equal(&digest_a, &digest_b));
    MUST(pt_store_scrub(a, why));
    MUST(pt_store_scrub(b, why));

    MUST(pt_store_begin(a, why)); /* each column counts */
    const struct pt_row base = {.name = "rows/1",
                                .kind_id = 4,
                                .value = {(const uint8_t *)"rows/1", 6},
                                .uid = "uid",
                                .etag = "etag",
                                .revision = 7};
    struct pt_row changed[6] = {base, base, base, base, base, base};
    changed[1].kind_id = 5;
    changed[2].value.size = 5;
    changed[3].uid = "uie";
    changed[4].etag = "etah";
    changed[5].revision = 8;
    for (int i = 0; i < 6; i++) {
        MUST(pt_store_put(a, &changed[i], why));
        struct pt_digest digest = pt_store_digest(a);
        ck_assert(pt_digest_equal(&digest, &digest_a) == (i == 0));
    }
    pt_store_close(a);
    pt_store_close(b);
}
END_TEST

static bool count_event(void *arg, uint64_t revision, uint32_t ordinal, const char *name, struct pt_bytes event)
{
    (void)ordinal;
    (void)name;
    (void)event;
    uint64_t *last = arg;
    ck_assert_uint_gt(revision, *last);
    *last = revision;
    return revision % 10 != 0; /* stops there */
}

START_TEST(history_answers_from_what_is_kept)
{
    struct pt_store *store = open_at(path);
    MUST(pt_store_begin(store, why));
    for (uint64_t revision = 1; revision <= 100; revision++) {
        MUST(pt_store_history_put(store, revision, 3, "x", (struct pt_bytes){(const uint8_t *)"e", 1}, why));
    }
    MUST(pt_store_history_trim(store, 30, UINT64_MAX, why));
    commit(store, 1);
    for (int round = 0; round < 2; round++) {
        uint64_t last = 0;
        ck_assert_int_eq(pt_store_history_scan(store, 69, 3, count_event, &last, NULL), PT_OUT_OF_RANGE);
        ck_assert_int_eq(pt_store_history_scan(store, 70, 2, count_event, &last, NULL), PT_OUT_OF_RANGE);
        ck_assert_int_eq(pt_store_history_scan(store, 0, 0, count_event, &last, NULL), PT_OUT_OF_RANGE);
        ck_assert_uint_eq(last, 0);
        MUST(pt_store_history_scan(store, 70, 3, count_event, &last, why));
        ck_assert_uint_eq(last, 80);
        MUST(pt_store_history_scan(store, 95, 0, count_event, &last, why));
        ck_assert_uint_eq(last, 100);
        MUST(pt_store_history_scan(store, 100, 3, count_event, &last, why));
        ck_assert_uint_eq(last, 100);
        pt_store_close(store);
        store = open_at(path);
    }
    MUST(pt_store_begin(store, why));
    MUST(pt_store_history_trim(store, 0, UINT64_MAX, why));
    commit(store, 2);
    uint64_t last = 0;
    ck_assert_int_eq(pt_store_history_scan(store, 99, 0, count_event, &last, NULL), PT_OUT_OF_RANGE);
    MUST(pt_store_history_scan(store, 100, 3, count_event, &last, why));
    ck_assert_uint_eq(last, 0);
    pt_store_close(store);
}
END_TEST

/* Each transaction is a row of its own, so that what is trimmed is gone from the disk as well. */
START_TEST(history_is_bounded_by_bytes_too)
{
    struct pt_store *store = open_at(path);
    uint8_t event[100] = {0};
    for (uint64_t revision = 1; revision <= 50; revision++) {
        MUST(pt_store_begin(store, why));
        MUST(pt_store_history_put(store, revision, 0, "x", (struct pt_bytes){event, sizeof(event)}, why));
        MUST(pt_store_savepoint(store, why)); /* what is undone does not count */
        MUST(pt_store_history_put(store, revision, 1, "x", (struct pt_bytes){event, sizeof(event)}, why));
        MUST(pt_store_history_trim(store, 1000, 100, why));
        MUST(pt_store_undo(store, why));
        MUST(pt_store_history_trim(store, 1000, 1050, why));
        commit(store, revision);
        if (revision % 20 == 0) {
            pt_store_close(store);
            store = open_at(path);
        }
        ck_assert_uint_eq(pt_store_history_floor(store) >> 20, revision > 10 ? revision - 10 : 0);
    }
    uint64_t last = 0;
    ck_assert_int_eq(pt_store_history_scan(store, 39, 0, count_event, &last, NULL), PT_OUT_OF_RANGE);
    MUST(pt_store_history_scan(store, 40, 0, count_event, &last, why));
    ck_assert_uint_eq(last, 50);
    pt_store_close(store);
}
END_TEST

START_TEST(a_repeated_request_id_is_told_and_the_oldest_reply_goes_first)
{
    struct pt_store *store = open_at(path);
    char id[32];
    MUST(pt_store_begin(store, why));
    for (uint64_t i = 0; i < 25; i++) {
        (void)snprintf(id, sizeof(id), "r%llu", (unsigned long long)i);
        MUST(pt_store_reply_put(store, id, i, (struct pt_bytes){(const uint8_t *)id, strlen(id)}, 10, why));
    }
    ck_assert_int_eq(pt_store_reply_put(store, "r20", 9, (struct pt_bytes){NULL, 0}, 10, NULL), PT_ALREADY_EXISTS);
    MUST(pt_store_reply_put(store, "r3", 9, (struct pt_bytes){NULL, 0}, 10, why)); /* gone: a new one */
    commit(store, 1);
    pt_store_close(store);
    store = open_at(path);
    for (uint64_t i = 0; i < 25; i++) {
        PT_AUTO(buf) struct pt_buf reply = {0};
        (void)snprintf(id, sizeof(id), "r%llu", (unsigned long long)i);
        bool kept = i >= 16 || i == 3;
        ck_assert_int_eq(pt_store_reply_get(store, id, &reply, NULL), kept ? PT_OK : PT_NOT_FOUND);
        ck_assert_uint_eq(reply.size, kept && i != 3 ? strlen(id) : 0);
    }
    pt_store_close(store);
}
END_TEST

START_TEST(a_number_is_given_out_once)
{
    struct pt_store *store = open_at(path);
    struct rng rng = {4};
    bool given[200] = {false};
    uint64_t index = 0;
    for (int round = 0; round < 120; round++) {
        MUST(pt_store_begin(store, why));
        MUST(pt_store_savepoint(store, why));
        uint64_t number = 0;
        struct pt_error error = {0};
        enum pt_code code = pt_store_allocate(store, "label", 16, 79, &number, &error);
        if (code == PT_EXHAUSTED) {
            ck_assert_uint_eq(index, 64);
            ck_assert_int_eq(error.reason, PT_REASON_LIMIT_REACHED);
        } else {
            ck_assert_int_eq(code, PT_OK);
            ck_assert(number >= 16 && number <= 79);
        }
        if (rng_below(&rng, 4) == 0) {
            MUST(pt_store_undo(store, why));
        } else {
            MUST(pt_store_release(store, why));
            if (code == PT_OK) {
                ck_assert(!given[number]);
                given[number] = true;
                index++;
            }
        }
        commit(store, index);
        if (rng_below(&rng, 5) == 0) {
            pt_store_close(store);
            store = open_at(path);
        }
    }
    ck_assert_uint_eq(index, 64);
    pt_store_close(store);
}
END_TEST

/* Events that go take no writing but their row's: the pages that they filled are not overwritten one by one. */
START_TEST(trimmed_history_costs_no_pages)
{
    enum { KEPT = 10, MORE = 30 };
    static uint8_t event[100000];
    struct pt_store *store = open_at(path);
    uint64_t before = log_size(), kept = 0;
    for (uint64_t index = 1; index <= KEPT + MORE; index++) {
        MUST(pt_store_begin(store, why));
        MUST(pt_store_history_put(store, index, 0, "a", (struct pt_bytes){event, sizeof(event)}, why));
        MUST(pt_store_history_trim(store, KEPT, UINT64_MAX, why));
        commit(store, index);
        kept = index == KEPT ? log_size() - before : kept;
    }
    ck_assert_uint_gt(kept, KEPT * sizeof(event));
    ck_assert_uint_lt(log_size() - before - kept, kept * MORE / KEPT * 5 / 4);
    pt_store_close(store);
}
END_TEST

/* What was promised between batches is known after a crash that takes the batches since the last commit. */
START_TEST(a_promise_is_kept_without_a_batch)
{
    struct pt_store *store = open_at(path);
    MUST(pt_store_begin(store, why));
    commit(store, 10); /* acknowledged: 12 */
    MUST(pt_store_promise(store, 500, why));
    MUST(pt_store_promise(store, 400, why)); /* less is no news */
    ck_assert_uint_eq(pt_store_witness(store).acked_index, 500);
    pt_store_abandon(store);
    store = open_at(path);
    ck_assert_uint_eq(pt_store_witness(store).acked_index, 500);
    ck_assert_uint_eq(pt_store_witness(store).applied_index, 10);
    pt_store_close(store);
}
END_TEST

static void fill(struct pt_store *store, struct twin *twin, struct rng *rng, uint64_t index)
{
    MUST(pt_store_begin(store, why));
    for (int i = 0; i < 60; i++) {
        MUST(twin_entry(store, twin, rng, why));
    }
    commit(store, index);
}

START_TEST(a_snapshot_brings_another_store_to_the_same_state)
{
    struct rng rng = {11};
    struct twin source = {0};
    struct twin target = {0};
    char snapshot[96];
    (void)snprintf(snapshot, sizeof(snapshot), "%s/snapshot", folder);
    struct pt_store *a = open_at(path);
    struct pt_store *b = open_at(other);
    fill(a, &source, &rng, 10);
    fill(b, &target, &rng, 4);
    MUST(pt_store_snapshot(a, snapshot, why));
    struct twin at_snapshot = source;
    fill(a, &source, &rng, 20); /* goes on meanwhile */
    MUST(pt_store_restore(b, snapshot, why));
    twin_compare(b, &at_snapshot, &rng);
    ck_assert_uint_eq(pt_store_witness(b).applied_index, 10);
    ck_assert_uint_eq(pt_store_witness(b).acked_index, 10); /* not what the maker acknowledged */
    fill(b, &at_snapshot, &rng, 30);                        /* and it works on */
    twin_compare(b, &at_snapshot, &rng);
    pt_store_close(b);
    b = open_at(other);
    twin_compare(b, &at_snapshot, &rng);
    MUST(pt_store_snapshot(a, snapshot, why)); /* over the old one */
    MUST(pt_store_restore(b, snapshot, why));
    twin_compare(b, &source, &rng);
    ck_assert_uint_eq(pt_store_witness(b).applied_index, 20);
    ck_assert_uint_eq(pt_store_witness(b).acked_index, 32); /* a promise of its own stands */
    twin_compare(a, &source, &rng);
    pt_store_close(a);
    pt_store_close(b);
}
END_TEST

static void copy_damaged(const char *from, const char *to, long flip_byte, long cut)
{
    FILE *in = fopen(from, "rb");
    FILE *out = fopen(to, "wb");
    ck_assert(in != NULL && out != NULL);
    int c;
    for (long at = 0; (c = fgetc(in)) != EOF && (cut < 0 || at < cut); at++) {
        fputc(at == flip_byte ? c ^ 0x04 : c, out);
    }
    fclose(in);
    fclose(out);
}

static long size_of(const char *file)
{
    struct stat info;
    ck_assert_int_eq(stat(file, &info), 0);
    return (long)info.st_size;
}

/* Bits all over the file, and cuts: refused with the state as it was, or the bit lay where nothing is kept. */
START_TEST(a_damaged_snapshot_changes_nothing)
{
    struct rng rng = {12};
    struct twin source = {0};
    struct twin target = {0};
    char snapshot[96];
    char damaged[96];
    (void)snprintf(snapshot, sizeof(snapshot), "%s/snapshot", folder);
    (void)snprintf(damaged, sizeof(damaged), "%s/damaged", folder);
    struct pt_store *a = open_at(path);
    struct pt_store *b = open_at(other);
    fill(a, &source, &rng, 10);
    fill(b, &target, &rng, 4);
    struct pt_digest good = pt_store_digest(a);
    struct pt_digest before = pt_store_digest(b);
    MUST(pt_store_snapshot(a, snapshot, why));
    long size = size_of(snapshot);
    int refused = 0;
    for (long i = 0; i < 120; i++) {
        bool cuts = i % 10 == 9;
        long at = (long)rng_below(&rng, (uint64_t)size);
        copy_damaged(snapshot, damaged, cuts ? -1 : at, cuts ? at : -1);
        struct pt_error error = {0};
        enum pt_code code = pt_store_restore(b, damaged, &error);
        struct pt_digest now = pt_store_digest(b);
        if (code == PT_OK) { /* the bit was in free space */
            ck_assert(!cuts && pt_digest_equal(&now, &good));
            MUST(pt_store_scrub(b, why));
            pt_store_close(b);
            (void)unlink(other);
            b = open_at(other);
            target = (struct twin){0};
            fill(b, &target, &rng, 4);
            before = pt_store_digest(b);
            continue;
        }
        refused++;
        ck_assert_msg(code == PT_CORRUPT || code == PT_FAILED_PRECONDITION, "%s: %s", pt_code_name(code), error.text);
        ck_assert(pt_digest_equal(&now, &before));
        if (i % 8 == 0) {
            twin_compare(b, &target, &rng);
        }
    }
    ck_assert_int_gt(refused, 30); /* the rest is free space: small stores have much of it */
    ck_assert_int_eq(pt_store_restore(b, folder, NULL) == PT_OK, 0);
    copy_damaged(snapshot, damaged, -1, 0);
    ck_assert_int_eq(pt_store_restore(b, damaged, NULL), PT_CORRUPT);
    ck_assert_int_eq(pt_store_restore(b, "/nonexistent/snapshot", NULL), PT_NOT_FOUND);
    twin_compare(b, &target, &rng);
    fill(b, &target, &rng, 5);
    pt_store_close(a);
    pt_store_close(b);
}
END_TEST

START_TEST(a_damaged_database_is_found_at_the_open)
{
    struct rng rng = {13};
    struct twin twin = {0};
    struct pt_store *store = open_at(path);
    fill(store, &twin, &rng, 10);
    pt_store_close(store);
    long size = size_of(path);
    int refused = 0;
    for (long i = 0; i < 200; i++) {
        copy_damaged(path, other, (long)rng_below(&rng, (uint64_t)size), -1);
        struct pt_error error = {0};
        struct pt_store *damaged = NULL;
        enum pt_code code = pt_store_open(sys, other, &damaged, &error);
        if (code == PT_OK) {
            twin_compare(damaged, &twin, &rng); /* nothing that is kept was hit */
            pt_store_close(damaged);
        } else {
            ck_assert_msg(code == PT_CORRUPT || code == PT_FAILED_PRECONDITION, "%s: %s", pt_code_name(code),
                          error.text);
            refused++;
        }
        char log[128];
        (void)snprintf(log, sizeof(log), "%s-wal", other);
        (void)unlink(log);
    }
    ck_assert_int_gt(refused, 60); /* the rest is free space */
}
END_TEST

START_TEST(a_file_that_is_no_database_is_refused)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    for (int i = 0; i < 10000; i++) {
        fputs("not a database\n", file);
    }
    fclose(file);
    struct pt_store *store = NULL;
    ck_assert_int_eq(pt_store_open(sys, path, &store, NULL), PT_CORRUPT);
    ck_assert_ptr_null(store);
    ck_assert_int_eq(pt_store_open(sys, "/nonexistent/folder/db", &store, NULL), PT_NOT_FOUND);
}
END_TEST

START_TEST(a_second_open_is_refused)
{
    struct pt_store *store = open_at(path);
    struct pt_store *second = NULL;
    struct pt_error error = {0};
    ck_assert_int_eq(pt_store_open(sys, path, &second, &error), PT_FAILED_PRECONDITION);
    ck_assert_ptr_null(second);
    ck_assert_str_ne(error.text, "");
    MUST(pt_store_begin(store, why));
    put_text(store, "x", 1, "y", 1);
    commit(store, 1);
    pt_store_close(store);
    second = open_at(path);
    ck_assert_uint_eq(pt_store_witness(second).applied_index, 1);
    pt_store_close(second);
    pt_store_close(NULL);
    pt_store_abandon(NULL);
}
END_TEST

/* Texts that would matter if they ever became SQL come back as they went in. */
START_TEST(sql_in_texts_is_text)
{
    static const char *const texts[] = {
        "'; DROP TABLE resource; --",
        "x' OR '1'='1",
        "\"; ATTACH DATABASE '/tmp/x' AS x; --",
        "%s%n%s",
        "?1",
        "$name",
        "a%b_c*",
        "\xc3\xa4\xf0\x9f\x98\x80",
        "x\ny\tz",
        "--",
        "/*",
    };
    struct pt_store *store = open_at(path);
    struct pt_arena arena;
    pt_arena_init(&arena);
    MUST(pt_store_begin(store, why));
    size_t len = sizeof(texts) / sizeof(texts[0]);
    for (size_t i = 0; i < len; i++) {
        put_text(store, texts[i], (uint32_t)i + 1, texts[i], 1);
        MUST(pt_store_set_references(store, texts[i], &texts[(i + 1) % len], 1, why));
        MUST(pt_store_reply_put(store, texts[i], 1, (struct pt_bytes){(const uint8_t *)texts[i], strlen(texts[i])}, 100,
                                why));
        MUST(pt_store_meta_put(store, texts[i], (struct pt_bytes){(const uint8_t *)texts[i], 1}, why));
    }
    commit(store, 1);
    pt_store_close(store);
    store = open_at(path);
    for (size_t i = 0; i < len; i++) {
        struct pt_row row;
        const char *from = NULL;
        PT_AUTO(buf) struct pt_buf reply = {0};
        MUST(pt_store_get(store, texts[i], &arena, &row, why));
        ck_assert_uint_eq(row.kind_id, i + 1);
        MUST(pt_store_referrer(store, texts[(i + 1) % len], &arena, &from, why));
        ck_assert_str_eq(from, texts[i]);
        MUST(pt_store_reply_get(store, texts[i], &reply, why));
        ck_assert_str_eq((char *)reply.data, texts[i]);
    }
    uint64_t count = 0;
    MUST(pt_store_count(store, 0, "", &count, why));
    ck_assert_uint_eq(count, len);
    pt_arena_fini(&arena);
    pt_store_close(store);
}
END_TEST

struct nested {
    struct pt_store *store;
    unsigned outer, inner;
};

static bool count_inner(void *arg, const struct pt_row *row)
{
    (void)row;
    ((struct nested *)arg)->inner++;
    return true;
}

static bool scan_again(void *arg, const struct pt_row *row)
{
    struct nested *nested = arg;
    struct pt_arena arena;
    struct pt_row again;
    const struct pt_store_range range = {.kind_id = 2, .parent = "a", .after = ""};
    pt_arena_init(&arena);
    MUST(pt_store_scan(nested->store, &range, count_inner, nested, why));
    MUST(pt_store_get(nested->store, row->name, &arena, &again, why));
    ck_assert_str_eq(again.name, row->name);
    pt_arena_fini(&arena);
    return ++nested->outer < 5;
}

START_TEST(a_scan_may_scan_within)
{
    struct pt_store *store = open_at(path);
    char name[32];
    MUST(pt_store_begin(store, why));
    for (int i = 0; i < 8; i++) {
        (void)snprintf(name, sizeof(name), "a/%d", i);
        put_text(store, name, 2, "v", 1);
    }
    struct nested nested = {.store = store};
    const struct pt_store_range range = {.kind_id = 2, .parent = "a", .after = ""};
    MUST(pt_store_scan(store, &range, scan_again, &nested, why));
    ck_assert_uint_eq(nested.outer, 5);
    ck_assert_uint_eq(nested.inner, 40);
    commit(store, 1);
    pt_store_close(store);
}
END_TEST

static bool exists(struct pt_store *store, const char *name)
{
    bool found = false;
    MUST(pt_store_exists(store, name, &found, why));
    return found;
}

/* What was found once is remembered; removing and undoing must be told apart from that. */
START_TEST(existence_follows_each_change)
{
    struct pt_store *store = open_at(path);
    const struct pt_row row = {.name = "sites/a", .kind_id = 1, .value = {NULL, 0}, .uid = "u", .etag = "e"};
    MUST(pt_store_begin(store, why));
    ck_assert(!exists(store, "sites/a"));
    MUST(pt_store_savepoint(store, why));
    MUST(pt_store_put(store, &row, why));
    ck_assert(exists(store, "sites/a"));
    MUST(pt_store_undo(store, why));
    ck_assert(!exists(store, "sites/a"));
    MUST(pt_store_put(store, &row, why));
    ck_assert(exists(store, "sites/a"));
    MUST(pt_store_savepoint(store, why));
    MUST(pt_store_remove(store, "sites/a", why));
    ck_assert(!exists(store, "sites/a"));
    MUST(pt_store_undo(store, why));
    ck_assert(exists(store, "sites/a"));
    ck_assert(exists(store, "sites/a"));
    ck_assert(!exists(store, "sites"));
    MUST(pt_store_remove(store, "sites/a", why));
    ck_assert(!exists(store, "sites/a"));
    pt_store_close(store);
}
END_TEST

/* More names than the first filters hold, some of which go again, before and after the store is opened anew. */
START_TEST(existence_is_right_for_many_names)
{
    enum { LEN = 9000 };
    char name[32];
    struct pt_store *store = open_at(path);
    MUST(pt_store_begin(store, why));
    for (unsigned i = 0; i < LEN; i++) {
        (void)snprintf(name, sizeof(name), "rows/%u", i);
        ck_assert(!exists(store, name));
        put_text(store, name, 1, "v", i + 1);
    }
    for (unsigned i = 0; i < LEN; i += 3) {
        (void)snprintf(name, sizeof(name), "rows/%u", i);
        MUST(pt_store_remove(store, name, why));
    }
    commit(store, LEN);
    for (int opened = 0; opened < 2; opened++) {
        for (unsigned i = 0; i < 2 * LEN; i++) {
            (void)snprintf(name, sizeof(name), "rows/%u", i);
            ck_assert_msg(exists(store, name) == (i < LEN && i % 3 != 0), "%s", name);
        }
        pt_store_close(store);
        store = open_at(path);
    }
    pt_store_close(store);
}
END_TEST

START_TEST(references_need_their_resource)
{
    struct pt_store *store = open_at(path);
    const char *to[] = {"b"};
    struct pt_arena arena;
    const char *from = NULL;
    pt_arena_init(&arena);
    MUST(pt_store_begin(store, why));
    ck_assert_int_eq(pt_store_set_references(store, "a", to, 1, NULL), PT_NOT_FOUND);
    put_text(store, "a", 1, "v", 1);
    MUST(pt_store_set_references(store, "a", to, 1, why));
    MUST(pt_store_set_references(store, "a", to, 1, why));
    MUST(pt_store_referrer(store, "b", &arena, &from, why));
    ck_assert_str_eq(from, "a");
    MUST(pt_store_remove(store, "a", why));
    MUST(pt_store_referrer(store, "b", &arena, &from, why));
    ck_assert_str_eq(from, "");
    ck_assert_int_eq(pt_store_remove(store, "a", NULL), PT_NOT_FOUND);
    struct pt_digest digest = pt_store_digest(store);
    struct pt_digest zero = {0};
    ck_assert(pt_digest_equal(&digest, &zero));
    commit(store, 1);
    pt_arena_fini(&arena);
    pt_store_close(store);
}
END_TEST

/* More than the page cache in one transaction, and a value of the largest size. */
START_TEST(large_transactions_and_values_hold)
{
    struct pt_store *store = open_at(path);
    PT_AUTO(buf) struct pt_buf value = {0};
    memset(pt_buf_reserve(&value, 1 << 20), 0x5a, 1 << 20);
    char name[32];
    MUST(pt_store_begin(store, why));
    for (unsigned i = 0; i < 6000; i++) {
        (void)snprintf(name, sizeof(name), "rows/%08x", i * 2654435761U);
        const struct pt_row row = {.name = name,
                                   .kind_id = 1,
                                   .value = {value.data, i % 1000 == 0 ? 1U << 20 : 3000},
                                   .uid = "",
                                   .etag = "",
                                   .revision = i};
        MUST(pt_store_put(store, &row, why));
    }
    commit(store, 6000);
    pt_store_close(store);
    store = open_at(path);
    uint64_t count = 0;
    MUST(pt_store_count(store, 1, "rows", &count, why));
    ck_assert_uint_eq(count, 6000);
    pt_store_close(store);
}
END_TEST

static uint8_t *row_value(uint8_t value[3000], unsigned row, unsigned round)
{
    for (size_t i = 0; i < 3000; i++) {
        value[i] = (uint8_t)(row * 31 + round * 7 + i);
    }
    return value;
}

/* Rows are overwritten commit after commit while a worker brings the log into the database; each is read back at once,
 * far more of them than SQLite's cache holds, and again after the store is opened anew. */
START_TEST(rows_are_right_while_a_worker_makes_the_checkpoint)
{
    enum { ROWS = 2000, ROUNDS = 12 };
    struct pt_store *store = open_at(path);
    uint8_t value[3000];
    char name[32];
    for (unsigned round = 0; round <= ROUNDS; round++) {
        unsigned stride = round == 0 || round == ROUNDS ? 1 : 3; /* the first makes all, the last changes all */
        MUST(pt_store_begin(store, why));
        for (unsigned i = round % stride; i < ROWS; i += stride) {
            (void)snprintf(name, sizeof(name), "rows/%04u", i);
            const struct pt_row row = {.name = name,
                                       .kind_id = 1,
                                       .value = {row_value(value, i, round), sizeof(value)},
                                       .uid = "",
                                       .etag = "",
                                       .revision = round};
            MUST(pt_store_put(store, &row, why));
        }
        commit(store, round + 1);
        for (unsigned i = 0; i < ROWS; i++) {
            struct pt_arena arena;
            struct pt_row row;
            pt_arena_init(&arena);
            (void)snprintf(name, sizeof(name), "rows/%04u", i);
            MUST(pt_store_get(store, name, &arena, &row, why));
            ck_assert_msg(i % stride != round % stride || row.revision == round, "%s in round %u", name, round);
            ck_assert_mem_eq(row.value.data, row_value(value, i, (unsigned)row.revision), sizeof(value));
            pt_arena_fini(&arena);
        }
    }
    struct pt_digest before = pt_store_digest(store);
    pt_store_close(store);
    store = open_at(path);
    struct pt_digest after = pt_store_digest(store);
    ck_assert(pt_digest_equal(&before, &after));
    pt_store_close(store);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store");
    TCase *tcase = tcase_create("store");
    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, random_operations_agree_with_the_twin, 1, 7);
    tcase_add_test(tcase, a_transaction_that_is_not_committed_leaves_nothing);
    tcase_add_test(tcase, the_digest_depends_on_the_rows_alone);
    tcase_add_test(tcase, history_answers_from_what_is_kept);
    tcase_add_test(tcase, history_is_bounded_by_bytes_too);
    tcase_add_test(tcase, a_repeated_request_id_is_told_and_the_oldest_reply_goes_first);
    tcase_add_test(tcase, a_number_is_given_out_once);
    tcase_add_test(tcase, trimmed_history_costs_no_pages);
    tcase_add_test(tcase, a_promise_is_kept_without_a_batch);
    tcase_add_test(tcase, a_snapshot_brings_another_store_to_the_same_state);
    tcase_add_test(tcase, a_damaged_snapshot_changes_nothing);
    tcase_add_test(tcase, a_damaged_database_is_found_at_the_open);
    tcase_add_test(tcase, a_file_that_is_no_database_is_refused);
    tcase_add_test(tcase, a_second_open_is_refused);
    tcase_add_test(tcase, sql_in_texts_is_text);
    tcase_add_test(tcase, a_scan_may_scan_within);
    tcase_add_test(tcase, existence_follows_each_change);
    tcase_add_test(tcase, existence_is_right_for_many_names);
    tcase_add_test(tcase, references_need_their_resource);
    tcase_add_test(tcase, rows_are_right_while_a_worker_makes_the_checkpoint);
    tcase_add_test(tcase, large_transactions_and_values_hold);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
