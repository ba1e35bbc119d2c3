/*
 * Backups: what is written is what is read; every byte counts; damage is refused with its place.
 */
#include "node/backup.h"

#include "sys/sys_uv.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MIB (1U << 20)

static struct pt_sys *sys;
static char folder[64], path[96], out[96], part[104];

static void setup(void)
{
    strcpy(folder, "/tmp/pt-backup-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/b", folder);
    (void)snprintf(part, sizeof(part), "%s/b.part", folder);
    (void)snprintf(out, sizeof(out), "%s/state", folder);
    ck_assert_int_eq(pt_sys_uv_new(&sys, NULL), PT_OK);
}

static void teardown(void)
{
    (void)unlink(path);
    (void)unlink(part);
    (void)unlink(out);
    ck_assert_int_eq(rmdir(folder), 0);
    pt_sys_uv_free(sys);
}

/* A state whose bytes do not repeat with the block. */
static void state_make(size_t size, struct pt_buf *state)
{
    uint8_t *data = pt_buf_reserve(state, size + 1);
    uint32_t x = 12345;
    for (size_t i = 0; i < size; i++) {
        x = x * 1664525 + 1013904223;
        data[i] = (uint8_t)(x >> 24);
    }
    state->size = size;
}

static struct pt_backup_manifest manifest_of(const struct pt_buf *state)
{
    struct pt_backup_manifest manifest = {.cluster_id = "c-1",
                                          .controller = "controllers/c2",
                                          .version = "1.2.3",
                                          .epoch = 3,
                                          .revision = 41,
                                          .index = 42,
                                          .term = 7,
                                          .level = 1,
                                          .time_ms = 1700000000000,
                                          .size = state->size};
    manifest.sha256 = pt_sha256(state->data, state->size);
    return manifest;
}

static enum pt_code write_all(const struct pt_backup_manifest *manifest, const struct pt_buf *state, size_t piece,
                              struct pt_error *error)
{
    struct pt_backup_writer *writer = NULL;
    ck_assert_int_eq(pt_backup_create(sys, path, manifest, &writer, error), PT_OK);
    for (size_t at = 0; at < state->size; at += piece) {
        size_t size = state->size - at < piece ? state->size - at : piece;
        ck_assert_int_eq(pt_backup_write(writer, (struct pt_bytes){state->data + at, size}, error), PT_OK);
    }
    return pt_backup_finish(writer, error);
}

/* Pieces of every awkward size, states that end before, at and behind a block's end: the same state comes back. */
START_TEST(what_is_written_is_read)
{
    static const size_t sizes[] = {1, MIB - 1, MIB, MIB + 1, 2 * MIB + 77};
    static const size_t pieces[] = {1000, 256 * 1024, 3 * MIB};
    for (size_t i = 0; i < 5; i++) {
        PT_AUTO(buf) struct pt_buf state = {0};
        state_make(sizes[i], &state);
        struct pt_backup_manifest manifest = manifest_of(&state), found;
        ck_assert_int_eq(write_all(&manifest, &state, pieces[i % 3], NULL), PT_OK);
        ck_assert(!pt_path_exists(sys, part));
        ck_assert_int_eq(pt_backup_read(sys, path, out, &found, NULL), PT_OK);
        ck_assert_str_eq(found.cluster_id, "c-1");
        ck_assert_str_eq(found.controller, "controllers/c2");
        ck_assert_uint_eq(found.epoch, 3);
        ck_assert_uint_eq(found.index, 42);
        PT_AUTO(buf) struct pt_buf read = {0};
        ck_assert_int_eq(pt_path_read(sys, out, 4 * MIB, &read, NULL), PT_OK);
        ck_assert_uint_eq(read.size, state.size);
        ck_assert(memcmp(read.data, state.data, state.size) == 0);
        ck_assert_int_eq(unlink(path), 0);
        ck_assert_int_eq(unlink(out), 0);
    }
}
END_TEST

/* A stream that ends early, or is not what was announced, leaves no file under the name. */
START_TEST(what_is_not_whole_gets_no_name)
{
    PT_AUTO(buf) struct pt_buf state = {0};
    state_make(5000, &state);
    struct pt_backup_manifest manifest = manifest_of(&state);
    struct pt_error error = {0};
    state.size = 4999;
    ck_assert_int_eq(write_all(&manifest, &state, 700, &error), PT_CORRUPT);
    ck_assert_ptr_nonnull(strstr(error.text, "4999 of 5000"));
    state.size = 5000;
    state.data[17] ^= 1;
    ck_assert_int_eq(write_all(&manifest, &state, 700, &error), PT_CORRUPT);
    ck_assert(!pt_path_exists(sys, path) && !pt_path_exists(sys, part));
    struct pt_backup_writer *writer = NULL;
    ck_assert_int_eq(pt_backup_create(sys, path, &manifest, &writer, NULL), PT_OK);
    ck_assert_int_eq(pt_backup_write(writer, pt_buf_bytes(&state), NULL), PT_OK);
    ck_assert_int_eq(pt_backup_write(writer, (struct pt_bytes){state.data, 1}, NULL), PT_CORRUPT);
    pt_backup_cancel(writer);
    ck_assert(!pt_path_exists(sys, part));
}
END_TEST

/* One bit anywhere, a cut anywhere, a byte more: refused, with a place, and nothing is left of the state. Every byte of
 * the head and of the block heads, and a stride through the rest. */
START_TEST(every_byte_counts)
{
    PT_AUTO(buf) struct pt_buf state = {0};
    state_make(MIB + 3000, &state);
    struct pt_backup_manifest manifest = manifest_of(&state), found;
    ck_assert_int_eq(write_all(&manifest, &state, MIB, NULL), PT_OK);
    PT_AUTO(buf) struct pt_buf good = {0};
    ck_assert_int_eq(pt_path_read(sys, path, 4 * MIB, &good, NULL), PT_OK);
    size_t head = good.size - state.size - 2 * 36;
    int fd = open(path, O_RDWR | O_CLOEXEC); /* changed in place: nothing here has to outlive a power loss */
    ck_assert_int_ge(fd, 0);
    for (size_t at = 0; at < good.size; at += at < head + 40 ? 1 : 9973) {
        struct pt_error error = {0};
        uint8_t bad = good.data[at] ^ (uint8_t)(1U << (at % 8));
        ck_assert_int_eq(pwrite(fd, &bad, 1, (off_t)at), 1);
        enum pt_code code = pt_backup_read(sys, path, at % 16 == 0 ? out : NULL, &found, &error);
        ck_assert_int_eq(pwrite(fd, good.data + at, 1, (off_t)at), 1);
        ck_assert_msg(code == PT_CORRUPT || code == PT_INVALID_ARGUMENT, "byte %zu: %s", at, pt_code_name(code));
        ck_assert_str_ne(error.field, "");
        ck_assert(!pt_path_exists(sys, out));
        if (at > head + MIB + 36) {
            ck_assert_str_eq(error.field, "block 1");
        }
    }
    ck_assert_int_eq(pwrite(fd, "", 1, (off_t)good.size), 1);
    ck_assert_int_eq(pt_backup_read(sys, path, NULL, &found, NULL), PT_CORRUPT);
    for (size_t size = good.size; size > 0; size -= size > head ? (size - head < 99991 ? size - head : 99991) : 1) {
        ck_assert_int_eq(ftruncate(fd, (off_t)size - 1), 0);
        ck_assert_int_ne(pt_backup_read(sys, path, NULL, &found, NULL), PT_OK);
    }
    (void)close(fd);
}
END_TEST

/* Two whole blocks in each other's place. */
START_TEST(blocks_do_not_change_places)
{
    PT_AUTO(buf) struct pt_buf state = {0};
    state_make(2 * MIB, &state);
    struct pt_backup_manifest manifest = manifest_of(&state), found;
    struct pt_error error = {0};
    ck_assert_int_eq(write_all(&manifest, &state, MIB, NULL), PT_OK);
    PT_AUTO(buf) struct pt_buf file = {0};
    ck_assert_int_eq(pt_path_read(sys, path, 4 * MIB, &file, NULL), PT_OK);
    size_t block = MIB + 36, head = file.size - 2 * block;
    PT_AUTO(buf) struct pt_buf first = {0};
    pt_buf_append(&first, file.data + head, block);
    memmove(file.data + head, file.data + head + block, block);
    memcpy(file.data + head + block, first.data, block);
    ck_assert_int_eq(pt_path_write(sys, path, file.data, file.size, NULL), PT_OK);
    ck_assert_int_eq(pt_backup_read(sys, path, NULL, &found, &error), PT_CORRUPT);
    ck_assert_str_eq(error.field, "block 0");
}
END_TEST

START_TEST(an_existing_file_is_not_replaced)
{
    PT_AUTO(buf) struct pt_buf state = {0};
    state_make(10, &state);
    struct pt_backup_manifest manifest = manifest_of(&state);
    struct pt_backup_writer *writer = NULL;
    ck_assert_int_eq(pt_path_write(sys, path, "x", 1, NULL), PT_OK);
    ck_assert_int_eq(pt_backup_create(sys, path, &manifest, &writer, NULL), PT_ALREADY_EXISTS);
    struct pt_error error = {0};
    ck_assert_int_eq(pt_backup_create(sys, "/nowhere/b", &manifest, &writer, &error), PT_NOT_FOUND);
    ck_assert_str_eq(error.field, "/nowhere/b"); /* what was asked for, not the name that it has until it is whole */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("backup");
    TCase *tests = tcase_create("file");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, what_is_written_is_read);
    tcase_add_test(tests, what_is_not_whole_gets_no_name);
    tcase_add_test(tests, every_byte_counts);
    tcase_add_test(tests, blocks_do_not_change_places);
    tcase_add_test(tests, an_existing_file_is_not_replaced);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
