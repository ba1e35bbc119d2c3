/*
 * What the store writes, on real files, in larger or fewer pieces than it was given: rows of a group, references,
 * copies.
 */
#include "files.h"

#include <fcntl.h>

static void refer(struct pt_store *store, unsigned resource, const char *const *to, size_t len)
{
    char name[32];
    (void)snprintf(name, sizeof(name), "rows/%03u", resource);
    MUST(pt_store_set_references(store, name, to, len, why));
}

/* References that are put as they stand, in another order and twice, take no page of the log; others do, and an undo
 * brings the old ones back. */
START_TEST(references_that_stay_cost_no_pages)
{
    enum { ROWS = 400 };
    const char *to[] = {"targets/one", "targets/two"};
    const char *again[] = {"targets/two", "targets/one", "targets/two"};
    const char *others[] = {"targets/two", "targets/three"};
    struct pt_store *store = open_at(path);
    char name[32];
    MUST(pt_store_begin(store, why));
    for (unsigned i = 0; i < ROWS; i++) {
        (void)snprintf(name, sizeof(name), "rows/%03u", i);
        put_text(store, name, 1, "v", 1);
        refer(store, i, to, 2);
    }
    commit(store, 1);
    struct pt_digest digest = pt_store_digest(store);
    for (unsigned i = 0; i < ROWS; i++) {
        MUST(pt_store_begin(store, why));
        MUST(pt_store_savepoint(store, why));
        refer(store, i, again, 3);
        refer(store, i, others, i % 2 == 0 ? 2 : 0);
        MUST(pt_store_undo(store, why));
        refer(store, i, again, 3);
        MUST(pt_store_end(store, &(struct pt_witness){.applied_index = 1}, why));
    }
    MUST(pt_store_begin(store, why));
    for (unsigned i = 0; i < ROWS; i++) {
        refer(store, i, again, 3);
    }
    commit(store, 2);
    struct pt_digest after = pt_store_digest(store);
    ck_assert(pt_digest_equal(&digest, &after));
    MUST(pt_store_scrub(store, why));
    uint64_t before = log_size();
    MUST(pt_store_begin(store, why));
    for (unsigned i = 0; i < ROWS; i++) {
        refer(store, i, again, 3);
    }
    commit(store, 3);
    uint64_t same = log_size() - before;
    MUST(pt_store_begin(store, why));
    for (unsigned i = 0; i < ROWS; i++) {
        refer(store, i, others, 2);
    }
    commit(store, 4);
    ck_assert_uint_gt(log_size() - before - same, 5 * same);
    MUST(pt_store_scrub(store, why));
    pt_store_close(store);
}
END_TEST

struct seen {
    uint64_t next; /* revision that is expected */
    unsigned wrong;
};

static bool see(void *arg, uint64_t revision, uint32_t ordinal, const char *name, struct pt_bytes event)
{
    struct seen *seen = arg;
    (void)ordinal;
    (void)name;
    seen->wrong += revision != seen->next || event.size != 9000 || event.data[0] != (uint8_t)revision;
    seen->next = revision + 1;
    return true;
}

/* Replies and events of one group fill several rows: each is found wherever it lies, an undo takes its own alone, and
 * the group is committed by its size although most of it is in SQLite already. */
START_TEST(a_group_fills_several_rows)
{
    enum { ENTRIES = 300, KEPT_REPLIES = 40, KEPT_EVENTS = 60 };
    static uint8_t bytes[9000];
    struct pt_store *store = open_at(path);
    uint64_t before = log_size();
    char id[24];
    for (uint64_t index = 1; index <= ENTRIES; index++) {
        memset(bytes, (int)(uint8_t)index, sizeof(bytes));
        struct pt_bytes value = {bytes, sizeof(bytes)};
        MUST(pt_store_begin(store, why));
        for (int turn = 0; turn < 2; turn++) { /* the first is taken back */
            MUST(pt_store_savepoint(store, why));
            (void)snprintf(id, sizeof(id), "id-%u", (unsigned)index);
            MUST(pt_store_history_put(store, index, 0, "a", value, why));
            MUST(pt_store_history_trim(store, KEPT_EVENTS, UINT64_MAX, why));
            MUST(pt_store_reply_put(store, id, index, value, KEPT_REPLIES, why));
            MUST(turn == 0 ? pt_store_undo(store, why) : pt_store_release(store, why));
        }
        struct pt_witness witness = witness_of(index);
        MUST(pt_store_end(store, &witness, why));
        uint64_t floor = index > KEPT_EVENTS ? index - KEPT_EVENTS : 0;
        struct seen seen = {.next = floor + 1};
        MUST(pt_store_history_scan(store, floor, 0, see, &seen, why));
        ck_assert_uint_eq(seen.next, index + 1);
        ck_assert_uint_eq(seen.wrong, 0);
        for (uint64_t old = 1; old <= index; old++) {
            PT_AUTO(buf) struct pt_buf reply = {0};
            (void)snprintf(id, sizeof(id), "id-%u", (unsigned)old);
            enum pt_code code = pt_store_reply_get(store, id, &reply, NULL);
            ck_assert_int_eq(code, index - old < KEPT_REPLIES ? PT_OK : PT_NOT_FOUND);
            ck_assert(code != PT_OK || (reply.size == sizeof(bytes) && reply.data[8999] == (uint8_t)old));
        }
    }
    ck_assert_uint_gt(log_size() - before, ENTRIES * sizeof(bytes));
    MUST(pt_store_scrub(store, why));
    struct pt_digest digest = pt_store_digest(store);
    pt_store_close(store);
    store = open_at(path);
    struct pt_digest again = pt_store_digest(store);
    ck_assert(pt_digest_equal(&digest, &again));
    struct seen seen = {.next = ENTRIES - KEPT_EVENTS + 1};
    MUST(pt_store_history_scan(store, ENTRIES - KEPT_EVENTS, 0, see, &seen, why));
    ck_assert_uint_eq(seen.next, ENTRIES + 1);
    ck_assert_uint_eq(seen.wrong, 0);
    pt_store_close(store);
}
END_TEST

static void nothing(void *arg)
{
    (void)arg;
}

/* What a copy says of itself is what lies there: several pieces, and one that is cut short. */
START_TEST(a_copy_says_its_size_and_digest)
{
    char snapshot[96];
    static uint8_t value[300001];
    (void)snprintf(snapshot, sizeof(snapshot), "%s/snapshot", folder);
    struct pt_store *store = open_at(path);
    for (uint64_t index = 1; index <= 3; index++) {
        MUST(pt_store_begin(store, why));
        memset(value, (int)index, sizeof(value));
        MUST(pt_store_history_put(store, index, 0, "a", (struct pt_bytes){value, sizeof(value)}, why));
        commit(store, index);
        MUST(pt_store_snapshot(store, snapshot, why)); /* the pin below finds nothing to wait for */
        MUST(pt_store_pin(store, nothing, NULL, why));
        uint64_t size = 0;
        struct pt_digest digest;
        MUST(pt_store_copy(store, snapshot, &size, &digest, why));
        pt_store_unpin(store);
        PT_AUTO(buf) struct pt_buf bytes = {0};
        struct stat status;
        ck_assert_int_eq(stat(snapshot, &status), 0);
        ck_assert_uint_eq(size, (uint64_t)status.st_size);
        ck_assert_uint_gt(size, index * sizeof(value));
        int file = open(snapshot, O_RDONLY | O_CLOEXEC);
        ck_assert_int_eq(read(file, pt_buf_reserve(&bytes, size), size), (ssize_t)size);
        ck_assert_int_eq(close(file), 0);
        struct pt_digest there = pt_sha256(bytes.data, size);
        ck_assert(pt_digest_equal(&there, &digest));
    }
    pt_store_close(store);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store/pieces");
    TCase *tcase = tcase_create("pieces");
    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, references_that_stay_cost_no_pages);
    tcase_add_test(tcase, a_group_fills_several_rows);
    tcase_add_test(tcase, a_copy_says_its_size_and_digest);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
