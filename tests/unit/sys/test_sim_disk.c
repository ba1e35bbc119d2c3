/*
 * Simulated disks: what survives a crash, what may not, and operations that fail.
 *
 * Each crash test runs over many seeds and asserts two things: that what must survive always does, and that what may be
 * lost is lost in some runs and kept in others; a simulator that never loses anything would pass the first alone.
 */
#include "sys/sys_sim.h"
#include "base/assert.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define SEEDS 200

static struct pt_sim *sim_new(uint64_t seed)
{
    struct pt_sim *sim = pt_sim_new(&(struct pt_sim_options){.seed = seed});
    ck_assert_uint_eq(pt_sim_add_host(sim), 0);
    return sim;
}

static struct pt_file *make(struct pt_sim *sim, const char *path)
{
    struct pt_file *file = NULL;
    ck_assert_int_eq(pt_file_open(pt_sim_host(sim, 0), path, PT_OPEN_WRITE | PT_OPEN_CREATE, &file, NULL), PT_OK);
    return file;
}

static struct pt_file *make_durable(struct pt_sim *sim, const char *path)
{
    struct pt_file *file = make(sim, path);
    ck_assert_int_eq(pt_dir_sync(pt_sim_host(sim, 0), "/", NULL), PT_OK);
    return file;
}

static void crash(struct pt_sim *sim, bool power_loss)
{
    pt_sim_crash(sim, 0, power_loss);
    pt_sim_restart(sim, 0);
}

/* Synced bytes survive; un-synced ones are, over the seeds, kept whole, lost whole and torn, but only by whole sectors
 * of old or new. */
START_TEST(power_loss_loses_what_was_not_synced)
{
    enum { SIZE = 4096, AT = 100 };
    int kept = 0;
    int lost = 0;
    int torn = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct pt_sim *sim = sim_new(seed);
        uint8_t data[SIZE];
        struct pt_file *file = make_durable(sim, "/f");
        memset(data, 'a', SIZE);
        ck_assert_int_eq(pt_file_write(file, AT, data, SIZE, NULL), PT_OK);
        ck_assert_int_eq(pt_file_sync(file, NULL), PT_OK);
        memset(data, 'b', SIZE);
        ck_assert_int_eq(pt_file_write(file, AT, data, SIZE, NULL), PT_OK);
        crash(sim, true);
        pt_file_close(file);
        file = make(sim, "/f");
        ck_assert_int_eq(pt_file_read(file, AT, data, SIZE, NULL), PT_OK);
        int new_sectors = 0;
        int sectors = 0;
        for (size_t at = 0; at < SIZE; at += at == 0 ? 512 - AT : 512) {
            size_t size = at == 0 ? 512 - AT : SIZE - at < 512 ? SIZE - at : 512;
            ck_assert(data[at] == 'a' || data[at] == 'b');
            for (size_t i = 0; i < size; i++) {
                ck_assert_uint_eq(data[at + i], data[at]);
            }
            sectors++;
            new_sectors += data[at] == 'b';
        }
        kept += new_sectors == sectors;
        lost += new_sectors == 0;
        torn += new_sectors > 0 && new_sectors < sectors;
        pt_file_close(file);
        pt_sim_free(sim);
    }
    ck_assert_int_eq(kept + lost + torn, SEEDS);
    ck_assert_int_gt(kept, SEEDS / 10);
    ck_assert_int_gt(lost, SEEDS / 10);
    ck_assert_int_gt(torn, SEEDS / 10);
}
END_TEST

/* What was written through is there after a power loss; what was written elsewhere in the file before it may be lost.
 */
START_TEST(writing_through_syncs_its_own_bytes_alone)
{
    int lost = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct pt_sim *sim = sim_new(seed);
        struct pt_file *file = make_durable(sim, "/f");
        ck_assert_int_eq(pt_file_write(file, 0, "before", 6, NULL), PT_OK);
        ck_assert_int_eq(pt_file_write(file, 5000, "XX", 2, NULL), PT_OK);
        ck_assert_int_eq(pt_file_write_through(file, 5001, "through", 7, NULL), PT_OK);
        crash(sim, true);
        pt_file_close(file);
        file = make(sim, "/f");
        char data[8] = "";
        ck_assert_int_eq(pt_file_read(file, 5000, data, 8, NULL), PT_OK);
        ck_assert_int_eq(memcmp(data, "Xthrough", 8), 0);
        ck_assert_int_eq(pt_file_read(file, 0, data, 6, NULL), PT_OK);
        lost += memcmp(data, "before", 6) != 0;
        pt_file_close(file);
        pt_sim_free(sim);
    }
    ck_assert_int_gt(lost, SEEDS / 10);
    ck_assert_int_lt(lost, SEEDS);
}
END_TEST

/* The end of a process is not the end of the machine: everything written is still there, but still not durable. */
START_TEST(kill_keeps_everything_until_the_power_goes)
{
    int lost = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct pt_sim *sim = sim_new(seed);
        struct pt_file *file = make(sim, "/f");
        ck_assert_int_eq(pt_file_write(file, 0, "data", 4, NULL), PT_OK);
        ck_assert_int_eq(pt_file_lock(file, NULL), PT_OK);
        crash(sim, false);
        struct pt_file *again = make(sim, "/f");
        ck_assert_int_eq(pt_file_lock(again, NULL), PT_OK); /* the dead process holds no lock */
        pt_file_close(file);
        char data[4];
        ck_assert_int_eq(pt_file_read(again, 0, data, 4, NULL), PT_OK);
        ck_assert_int_eq(memcmp(data, "data", 4), 0);
        crash(sim, true);
        pt_file_close(again);
        struct pt_buf left;
        enum pt_code code = pt_path_read(pt_sim_host(sim, 0), "/f", 4, &left, NULL);
        lost += code == PT_NOT_FOUND || left.size == 0;
        if (code == PT_OK) {
            pt_buf_fini(&left);
        }
        pt_sim_free(sim);
    }
    ck_assert_int_gt(lost, SEEDS / 10);
    ck_assert_int_lt(lost, SEEDS);
}
END_TEST

/* Names: durable after the sync of their folder; before it a prefix of the changes survives. */
START_TEST(names_are_durable_after_dir_sync)
{
    int made = 0;
    int removed = 0;
    int folders = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct pt_sim *sim = sim_new(seed);
        struct pt_sys *sys = pt_sim_host(sim, 0);
        pt_file_close(make(sim, "/synced"));
        pt_file_close(make(sim, "/old"));
        ck_assert_int_eq(pt_dir_sync(sys, "/", NULL), PT_OK);
        pt_file_close(make(sim, "/new"));
        ck_assert_int_eq(pt_path_remove(sys, "/old", NULL), PT_OK);
        ck_assert_int_eq(pt_dir_make(sys, "/folder", NULL), PT_OK);
        pt_file_close(make(sim, "/folder/file"));
        ck_assert_int_eq(pt_dir_sync(sys, "/folder", NULL), PT_OK); /* but not "/" */
        crash(sim, true);
        sys = pt_sim_host(sim, 0);
        bool has_new = pt_path_exists(sys, "/new");
        bool has_old = pt_path_exists(sys, "/old");
        ck_assert(pt_path_exists(sys, "/synced"));
        ck_assert(has_new || has_old); /* the removal came after */
        ck_assert(pt_path_exists(sys, "/folder") == pt_path_exists(sys, "/folder/file"));
        made += has_new;
        removed += !has_old;
        folders += pt_path_exists(sys, "/folder");
        pt_sim_free(sim);
    }
    ck_assert_int_gt(made, removed);
    ck_assert_int_gt(removed, folders);
    ck_assert_int_gt(folders, SEEDS / 10);
    ck_assert_int_lt(made, SEEDS);
}
END_TEST

/* pt_path_write is atomic and durable: after a crash at any disk operation the file holds the old or the new text, and
 * the new one once the call has returned. */
START_TEST(path_write_is_atomic)
{
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        for (unsigned nth = 0; nth < 9; nth++) {
            struct pt_sim *sim = sim_new(seed);
            struct pt_sys *sys = pt_sim_host(sim, 0);
            ck_assert_int_eq(pt_path_write(sys, "/state", "old", 3, NULL), PT_OK);
            pt_sim_fail_disk(sim, 0, nth, PT_IO, true); /* from here on nothing works: as good as dead */
            enum pt_code code = pt_path_write(sys, "/state", "newer", 5, NULL);
            ck_assert(nth != 0 || code == PT_OK);
            pt_sim_fail_disk(sim, 0, 0, PT_OK, false);
            crash(sim, true);
            struct pt_buf data;
            ck_assert_int_eq(pt_path_read(pt_sim_host(sim, 0), "/state", 100, &data, NULL), PT_OK);
            bool is_old = data.size == 3 && memcmp(data.data, "old", 3) == 0;
            bool is_new = data.size == 5 && memcmp(data.data, "newer", 5) == 0;
            ck_assert(is_new || (is_old && code != PT_OK));
            pt_buf_fini(&data);
            pt_sim_free(sim);
        }
    }
}
END_TEST

/* Random writes, truncations, syncs and power losses against plain arrays: a byte is the last synced one or a later
 * one written to its place; a synced file is exactly what was synced. */
START_TEST(contents_agree_with_a_trivial_twin)
{
    enum { SIZE = 5000 };
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct pt_sim *sim = sim_new(seed);
        struct pt_file *file = make_durable(sim, "/f");
        uint8_t twin[SIZE] = {0};
        uint8_t got[SIZE];
        uint64_t size = 0;
        for (int step = 0; step < 300; step++) {
            uint8_t data[SIZE];
            uint64_t at = pt_sim_random(sim, SIZE - 1);
            uint64_t len = 1 + pt_sim_random(sim, SIZE - at);
            memset(data, (int)pt_sim_random(sim, 256), len);
            if (pt_sim_random(sim, 8) == 0) {
                ck_assert_int_eq(pt_file_truncate(file, at, NULL), PT_OK);
                memset(twin + at, 0, SIZE - at);
                size = at;
            } else {
                ck_assert_int_eq(pt_file_write(file, at, data, len, NULL), PT_OK);
                memcpy(twin + at, data, len);
                size = at + len > size ? at + len : size;
            }
            uint64_t seen = 0;
            ck_assert_int_eq(pt_file_size(file, &seen, NULL), PT_OK);
            ck_assert_uint_eq(seen, size);
            ck_assert_int_eq(pt_file_read(file, 0, got, size, NULL), PT_OK);
            ck_assert_int_eq(memcmp(got, twin, size), 0);
            if (pt_sim_random(sim, 10) == 0) {
                ck_assert_int_eq(pt_file_sync(file, NULL), PT_OK);
                crash(sim, true);
                pt_file_close(file);
                file = make(sim, "/f");
                ck_assert_int_eq(pt_file_size(file, &seen, NULL), PT_OK);
                ck_assert_uint_eq(seen, size);
                ck_assert_int_eq(pt_file_read(file, 0, got, size, NULL), PT_OK);
                ck_assert_int_eq(memcmp(got, twin, size), 0);
            }
        }
        pt_file_close(file);
        pt_sim_free(sim);
    }
}
END_TEST

/* The nth operation fails, once or from then on; PT_NO_SPACE leaves alone what allocates nothing. */
START_TEST(the_nth_operation_fails)
{
    struct pt_sim *sim = sim_new(1);
    struct pt_sys *sys = pt_sim_host(sim, 0);
    struct pt_file *file = make(sim, "/f");
    struct pt_error error;
    char byte;
    pt_sim_fail_disk(sim, 0, 3, PT_IO, false);
    ck_assert_int_eq(pt_file_write(file, 0, "x", 1, NULL), PT_OK);
    ck_assert_int_eq(pt_file_read(file, 0, &byte, 1, NULL), PT_OK);
    ck_assert_int_eq(pt_file_sync(file, &error), PT_IO);
    ck_assert_str_eq(error.field, "/f");
    ck_assert_int_eq(pt_file_sync(file, NULL), PT_OK);

    pt_sim_fail_disk(sim, 0, 2, PT_NO_SPACE, true);
    ck_assert_int_eq(pt_file_sync(file, NULL), PT_OK);
    ck_assert_int_eq(pt_file_write(file, 0, "y", 1, NULL), PT_OK);
    ck_assert_int_eq(pt_file_read(file, 0, &byte, 1, NULL), PT_OK);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(pt_file_write(file, 0, "z", 1, &error), PT_NO_SPACE);
        ck_assert_int_eq(error.reason, PT_REASON_NO_SPACE);
    }
    ck_assert_int_eq(pt_file_sync(file, NULL), PT_OK);
    ck_assert_int_eq(pt_dir_make(sys, "/d", NULL), PT_NO_SPACE);
    pt_sim_fail_disk(sim, 0, 0, PT_OK, false);
    ck_assert_int_eq(pt_file_write(file, 0, "z", 1, NULL), PT_OK);
    pt_file_close(file);
    pt_sim_free(sim);
}
END_TEST

/* After a failed sync a later one that succeeds does not bring the bytes back: some runs have lost them. */
START_TEST(a_failed_sync_loses_for_good)
{
    int lost = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct pt_sim *sim = sim_new(seed);
        struct pt_file *file = make_durable(sim, "/f");
        char byte = 0;
        ck_assert_int_eq(pt_file_write(file, 0, "a", 1, NULL), PT_OK);
        ck_assert_int_eq(pt_file_sync(file, NULL), PT_OK);
        ck_assert_int_eq(pt_file_write(file, 0, "b", 1, NULL), PT_OK);
        pt_sim_fail_disk(sim, 0, 1, PT_IO, false);
        ck_assert_int_eq(pt_file_sync(file, NULL), PT_IO);
        ck_assert_int_eq(pt_file_sync(file, NULL), PT_OK);
        ck_assert_int_eq(pt_file_read(file, 0, &byte, 1, NULL), PT_OK);
        ck_assert_int_eq(byte, 'b'); /* the cache still shows it */
        crash(sim, true);
        pt_file_close(file);
        file = make(sim, "/f");
        ck_assert_int_eq(pt_file_read(file, 0, &byte, 1, NULL), PT_OK);
        lost += byte == 'a';
        pt_file_close(file);
        pt_sim_free(sim);
    }
    ck_assert_int_gt(lost, SEEDS / 10);
    ck_assert_int_lt(lost, SEEDS);
}
END_TEST

START_TEST(flip_bit_flips_one_bit_for_good)
{
    struct pt_sim *sim = sim_new(1);
    struct pt_file *file = make_durable(sim, "/f");
    uint8_t data[2] = {0};
    ck_assert_int_eq(pt_file_write(file, 0, data, 2, NULL), PT_OK);
    ck_assert_int_eq(pt_file_sync(file, NULL), PT_OK);
    ck_assert(!pt_sim_flip_bit(sim, 0, "/g", 0));
    ck_assert(!pt_sim_flip_bit(sim, 0, "/f", 16));
    ck_assert(pt_sim_flip_bit(sim, 0, "/f", 11));
    crash(sim, true);
    pt_file_close(file);
    file = make(sim, "/f");
    ck_assert_int_eq(pt_file_read(file, 0, data, 2, NULL), PT_OK);
    ck_assert_uint_eq(data[0], 0);
    ck_assert_uint_eq(data[1], 8);
    pt_file_close(file);
    pt_sim_free(sim);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sys_sim_disk");
    TCase *tc = tcase_create("all");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, power_loss_loses_what_was_not_synced);
    tcase_add_test(tc, writing_through_syncs_its_own_bytes_alone);
    tcase_add_test(tc, kill_keeps_everything_until_the_power_goes);
    tcase_add_test(tc, names_are_durable_after_dir_sync);
    tcase_add_test(tc, path_write_is_atomic);
    tcase_add_test(tc, contents_agree_with_a_trivial_twin);
    tcase_add_test(tc, the_nth_operation_fails);
    tcase_add_test(tc, a_failed_sync_loses_for_good);
    tcase_add_test(tc, flip_bit_flips_one_bit_for_good);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
