/*
 * Logs of older cluster levels, as they were written then, give the state that they gave then: by this binary, in any
 * batches, under any locale and time zone, whatever compiler and sanitizer built it. tests/unit/kind/frozen holds one
 * file a level; it is made once, at the release, and never again:
 *
 *   for t in access undelete changeset enroll quota revision audit crud; do
 *       PT_FREEZE=$PWD/new.log build/dev/unit/test_kind_$t
 *   done
 *
 * A file is a sequence of logs, one for each machine of those tests: "PTFL", number of entries, for each its index,
 * size and bytes, and the state's digest at the end; numbers big-endian. A change after which this test fails changes
 * what running clusters do with entries that they have: make it depend on the cluster level.
 */
#include "fixture.h"

#include <locale.h>
#include <time.h>

#define BATCH 17

static struct pt_buf file;

static void read_file(unsigned level)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/tests/unit/kind/frozen/level%u.log", PT_SOURCE_DIR, level);
    FILE *stream = fopen(path, "rb");
    ck_assert_msg(stream != NULL, "%s", path);
    pt_buf_reset(&file);
    uint8_t piece[65536];
    size_t got = 0;
    while ((got = fread(piece, 1, sizeof(piece), stream)) > 0) {
        pt_buf_append(&file, piece, got);
    }
    ck_assert_int_eq(fclose(stream), 0);
}

/* One log of the file, in batches of at most so many; *at moves behind it. */
static void replay(size_t *at, size_t batch)
{
    struct fixture fx;
    struct pt_log_entry entries[BATCH];
    const struct pt_digest hash = {0};
    ck_assert_uint_ge(file.size - *at, 8);
    ck_assert_int_eq(memcmp(file.data + *at, "PTFL", 4), 0);
    uint32_t len = pt_be32(file.data + *at + 4);
    size_t place = *at + 8;
    fx_init_bare(&fx, 1);
    for (uint32_t done = 0; done < len;) {
        size_t taken = 0;
        while (taken < batch && done < len) {
            uint32_t size = pt_be32(file.data + place + 8);
            ck_assert_uint_le(size, file.size - place);
            entries[taken++] = (struct pt_log_entry){
                .index = pt_be64(file.data + place), .term = 1, .data = {file.data + place + 12, size}};
            place += 12 + (size_t)size;
            done++;
        }
        uint64_t last = entries[taken - 1].index;
        enum pt_code code = pt_kind_apply(fx.machine, entries, taken, last, &hash, &fx.error);
        ck_assert_msg(code == PT_OK, "entry %u of the log at byte %zu: %s", done, *at, fx.error.text);
    }
    struct pt_digest digest = pt_store_digest(pt_kind_store(fx.machine));
    ck_assert_msg(memcmp(digest.bytes, file.data + place, PT_DIGEST_SIZE) == 0,
                  "the log at byte %zu gives another state than it gave: see the head of this file", *at);
    ck_assert_int_eq(pt_store_scrub(pt_kind_store(fx.machine), NULL), PT_OK);
    *at = place + PT_DIGEST_SIZE;
    fx_fini(&fx);
}

static size_t replay_all(unsigned level, size_t batch)
{
    size_t logs = 0;
    read_file(level);
    for (size_t at = 0; at < file.size; logs++) {
        replay(&at, batch);
    }
    return logs;
}

START_TEST(a_log_of_every_level_gives_what_it_gave)
{
    for (unsigned level = 1; level <= PT_CLUSTER_LEVEL_MAX; level++) {
        ck_assert_uint_ge(replay_all(level, BATCH), 20);
    }
}
END_TEST

/* Neither where batches end, nor the world around the process, is part of the state. PT_LONG: a hundred times. */
START_TEST(nothing_else_has_a_say)
{
    static const char *const zones[] = {"UTC", "Asia/Kathmandu", "America/St_Johns", "Pacific/Kiritimati"};
    static const char *const locales[] = {"C", "C.UTF-8", "de_DE.UTF-8", "tr_TR.UTF-8"}; /* those that are there */
    unsigned rounds = getenv("PT_LONG") != NULL ? 100 : 4;
    for (unsigned i = 0; i < rounds; i++) {
        ck_assert_int_eq(setenv("TZ", zones[i % 4], 1), 0);
        tzset();
        (void)setlocale(LC_ALL, locales[i / 4 % 4]);
        ck_assert_uint_ge(replay_all(1 + i % PT_CLUSTER_LEVEL_MAX, 1 + i * 7 % BATCH), 20);
    }
    (void)setlocale(LC_ALL, "C");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kind/frozen");
    TCase *tests = tcase_create("frozen");
    tcase_set_timeout(tests, getenv("PT_LONG") != NULL ? 3000 : 100);
    tcase_add_test(tests, a_log_of_every_level_gives_what_it_gave);
    tcase_add_test(tests, nothing_else_has_a_say);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    pt_buf_fini(&file);
    return failed == 0 ? 0 : 1;
}
