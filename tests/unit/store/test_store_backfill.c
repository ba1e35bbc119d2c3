/*
 * What a checkpoint leaves to a worker, by itself on real files: whatever order the pages have in the log, the database
 * file ends as if each had been copied alone.
 */
#include "store/store_backfill.h"

#include "sys/sys_uv.h"
#include "twin.h"

#include <unistd.h>

#define MUST_OK(call) ck_assert_int_eq((call), PT_OK)
#define PAGES 900 /* of 4 KiB: more than ten pieces of 256 KiB */
#define PAGE_SIZE_MAX 16384
#define OLD 0xee

static struct pt_sys *sys;
static char folder[64];
static char database[96];
static char log_path[96];

static void setup(void)
{
    strcpy(folder, "/tmp/pt-store-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(database, sizeof(database), "%s/db", folder);
    (void)snprintf(log_path, sizeof(log_path), "%s/db-wal", folder);
    MUST_OK(pt_sys_uv_new(&sys, NULL));
}

static void teardown(void)
{
    ck_assert_int_eq(unlink(database), 0);
    ck_assert_int_eq(unlink(log_path), 0);
    ck_assert_int_eq(rmdir(folder), 0);
    pt_sys_uv_free(sys);
}

static void note_failure(void *arg, const struct pt_error *error)
{
    ck_assert_int_ne(error->code, PT_OK);
    ++*(int *)arg;
}

struct layout {
    size_t page_size;
    bool listed[PAGES];
    uint64_t log_offset[PAGES];
};

/* The byte that fills the page with this number. Never OLD. */
static int byte_of(size_t page)
{
    return (int)(page % 200 + 1);
}

static struct pt_file *open_file(const char *path)
{
    struct pt_file *file = NULL;
    MUST_OK(pt_file_open(sys, path, PT_OPEN_WRITE | PT_OPEN_CREATE, &file, NULL));
    return file;
}

/* A log of frames of the listed pages, in runs: mostly the neighbour follows, with a frame's head between, else any. */
static void write_log(struct layout *layout, struct rng *rng)
{
    struct pt_file *file = open_file(log_path);
    uint8_t page[PAGE_SIZE_MAX];
    bool written[PAGES] = {false};
    uint64_t at = 32;
    size_t left = 0;
    for (size_t i = 0; i < PAGES; i++) {
        left += layout->listed[i] ? 1 : 0;
    }
    for (size_t i = 0; left > 0;) {
        while (!layout->listed[i] || written[i]) {
            i = (i + 1) % PAGES;
        }
        at += rng_below(rng, 20) == 0 ? 24 + layout->page_size : 24; /* now and then an old frame lies between */
        memset(page, byte_of(i), layout->page_size);
        MUST_OK(pt_file_write(file, at, page, layout->page_size, NULL));
        layout->log_offset[i] = at;
        at += layout->page_size;
        written[i] = true;
        left--;
        i = rng_below(rng, 12) == 0 ? rng_below(rng, PAGES) : (i + 1) % PAGES;
    }
    pt_file_close(file);
}

static void write_old(const struct layout *layout)
{
    struct pt_file *file = open_file(database);
    uint8_t page[PAGE_SIZE_MAX];
    memset(page, OLD, layout->page_size);
    for (size_t i = 0; i < PAGES; i++) {
        MUST_OK(pt_file_write(file, i * layout->page_size, page, layout->page_size, NULL));
    }
    pt_file_close(file);
}

static void check_database(const struct layout *layout)
{
    struct pt_file *file = open_file(database);
    uint64_t size = 0;
    MUST_OK(pt_file_size(file, &size, NULL));
    ck_assert_uint_eq(size, PAGES * layout->page_size);
    uint8_t page[PAGE_SIZE_MAX];
    uint8_t wanted[PAGE_SIZE_MAX];
    for (size_t i = 0; i < PAGES; i++) {
        memset(wanted, layout->listed[i] ? byte_of(i) : OLD, layout->page_size);
        MUST_OK(pt_file_read(file, i * layout->page_size, page, layout->page_size, NULL));
        ck_assert_msg(memcmp(page, wanted, layout->page_size) == 0, "page %zu", i);
    }
    pt_file_close(file);
}

static struct store_backfill *list_pages(const struct layout *layout)
{
    struct store_backfill *backfill = store_backfill_new(sys);
    for (size_t i = 0; i < PAGES; i++) {
        if (layout->listed[i]) {
            store_backfill_add(backfill, i * layout->page_size, layout->log_offset[i], layout->page_size);
        }
    }
    return backfill;
}

/* Runs in the log and in the database of every length, also longer than a piece; the first seed lists all pages. */
START_TEST(pages_arrive_whatever_their_order_in_the_log)
{
    static const size_t sizes[] = {4096, 512, PAGE_SIZE_MAX};
    struct rng rng = {(uint64_t)_i};
    struct layout layout = {.page_size = sizes[_i % 3]};
    for (size_t i = 0; i < PAGES; i++) {
        layout.listed[i] = _i < 3 || (rng_below(&rng, 300) < 200 + 100 * (i / 100 % 2));
    }
    write_log(&layout, &rng);
    write_old(&layout);
    struct store_backfill *backfill = list_pages(&layout);
    int failed = 0;
    ck_assert(store_backfill_busy(backfill));
    for (size_t i = 0; i < PAGES; i++) {
        uint64_t at = 0;
        bool found = store_backfill_find(backfill, i * layout.page_size + 16, &at);
        ck_assert_int_eq(found, layout.listed[i]);
        ck_assert(!found || at == layout.log_offset[i] + 16);
    }
    store_backfill_start(backfill, database, log_path, note_failure, &failed);
    store_backfill_wait(backfill);
    ck_assert(!store_backfill_busy(backfill));
    ck_assert_int_eq(failed, 0);
    check_database(&layout);
    store_backfill_free(backfill);
}
END_TEST

/* A log that ends before a page that it is said to hold: the failure is told once, and the list stays. */
START_TEST(a_log_that_is_too_short_is_told)
{
    struct rng rng = {7};
    struct layout layout = {.page_size = 4096};
    memset(layout.listed, true, sizeof(layout.listed));
    write_log(&layout, &rng);
    write_old(&layout);
    struct store_backfill *backfill = list_pages(&layout);
    struct pt_file *file = open_file(log_path);
    uint64_t size = 0;
    MUST_OK(pt_file_size(file, &size, NULL));
    MUST_OK(pt_file_truncate(file, size - 1, NULL));
    pt_file_close(file);
    int failed = 0;
    store_backfill_start(backfill, database, log_path, note_failure, &failed);
    store_backfill_wait(backfill);
    ck_assert_int_eq(failed, 1);
    uint64_t at = 0;
    ck_assert(store_backfill_busy(backfill));
    ck_assert(store_backfill_find(backfill, 0, &at));
    ck_assert_uint_eq(at, layout.log_offset[0]);
    store_backfill_free(backfill);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_backfill");
    TCase *tcase = tcase_create("backfill");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, pages_arrive_whatever_their_order_in_the_log, 0, 12);
    tcase_add_test(tcase, a_log_that_is_too_short_is_told);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
