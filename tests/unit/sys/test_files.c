/*
 * Files, the same tests on a real file system and on a simulated disk; then what only the real one has: a lock held by
 * another process, a device that is full.
 */
#include "worlds.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static struct pt_file *make(struct world *world, const char *name)
{
    char path[128];
    struct pt_file *file = NULL;
    ck_assert_int_eq(
        pt_file_open(world->sys, world_path(world, path, name), PT_OPEN_WRITE | PT_OPEN_CREATE, &file, NULL), PT_OK);
    return file;
}

/* Written bytes are read back, holes are zero, and a read past the end is an error that leaves nothing half done. */
START_TEST(write_then_read)
{
    struct world world;
    world_init(&world, _i);
    struct pt_file *file = make(&world, "f");
    struct pt_error error;
    char data[16];
    uint64_t size = 99;
    ck_assert_int_eq(pt_file_size(file, &size, NULL), PT_OK);
    ck_assert_uint_eq(size, 0);
    ck_assert_int_eq(pt_file_write(file, 0, "hello", 5, NULL), PT_OK);
    ck_assert_int_eq(pt_file_write(file, 10, "world", 5, NULL), PT_OK);
    ck_assert_int_eq(pt_file_write(file, 1, "u", 1, NULL), PT_OK);
    ck_assert_int_eq(pt_file_write(file, 3, "", 0, NULL), PT_OK);
    ck_assert_int_eq(pt_file_sync(file, NULL), PT_OK);
    ck_assert_int_eq(pt_file_write_through(file, 5, "!", 1, NULL), PT_OK);
    ck_assert_int_eq(pt_file_size(file, &size, NULL), PT_OK);
    ck_assert_uint_eq(size, 15);
    ck_assert_int_eq(pt_file_read(file, 0, data, 15, NULL), PT_OK);
    ck_assert_int_eq(memcmp(data, "hullo!\0\0\0\0world", 15), 0);
    ck_assert_int_eq(pt_file_read(file, 0, data, 16, &error), PT_OUT_OF_RANGE);
    ck_assert_int_eq(error.code, PT_OUT_OF_RANGE);
    ck_assert_int_eq(pt_file_read(file, 1000, data, 1, NULL), PT_OUT_OF_RANGE);
    ck_assert_int_eq(pt_file_read(file, 15, data, 0, NULL), PT_OK);
    pt_file_close(file);
    pt_file_close(NULL);
    world_fini(&world);
}
END_TEST

START_TEST(truncate_cuts_and_grows)
{
    struct world world;
    world_init(&world, _i);
    struct pt_file *file = make(&world, "f");
    char data[8];
    ck_assert_int_eq(pt_file_write(file, 0, "abcdefgh", 8, NULL), PT_OK);
    ck_assert_int_eq(pt_file_truncate(file, 3, NULL), PT_OK);
    ck_assert_int_eq(pt_file_truncate(file, 8, NULL), PT_OK);
    ck_assert_int_eq(pt_file_read(file, 0, data, 8, NULL), PT_OK);
    ck_assert_int_eq(memcmp(data, "abc\0\0\0\0\0", 8), 0);
    pt_file_close(file);
    world_fini(&world);
}
END_TEST

/* The codes of open: what callers branch on. */
START_TEST(open_says_what_is_wrong)
{
    struct world world;
    world_init(&world, _i);
    char path[128];
    struct pt_file *file = NULL;
    struct pt_error error;
    world_path(&world, path, "missing");
    ck_assert_int_eq(pt_file_open(world.sys, path, PT_OPEN_READ, &file, &error), PT_NOT_FOUND);
    ck_assert_str_eq(error.field, path);
    ck_assert_ptr_null(file);
    world_path(&world, path, "no-folder/f");
    ck_assert_int_eq(pt_file_open(world.sys, path, PT_OPEN_WRITE | PT_OPEN_CREATE, &file, NULL), PT_NOT_FOUND);
    pt_file_close(make(&world, "f"));
    world_path(&world, path, "f");
    ck_assert_int_eq(pt_file_open(world.sys, path, PT_OPEN_WRITE | PT_OPEN_CREATE | PT_OPEN_EXCLUSIVE, &file, NULL),
                     PT_ALREADY_EXISTS);
    ck_assert_int_eq(pt_file_open(world.sys, path, PT_OPEN_READ, &file, NULL), PT_OK);
    ck_assert_int_eq(pt_file_write(file, 0, "x", 1, NULL), PT_IO); /* open for reading only */
    ck_assert_int_eq(pt_file_write_through(file, 0, "x", 1, NULL), PT_IO);
    pt_file_close(file);
    world_fini(&world);
}
END_TEST

struct listing {
    char text[256];
};

static void add_to_listing(void *arg, const char *name)
{
    struct listing *listing = arg;
    strncat(listing->text, name, 100);
    strncat(listing->text, " ", 2);
}

/* Folders: make twice, list in byte order, rename over, remove twice, exists. */
START_TEST(folders_and_names)
{
    struct world world;
    world_init(&world, _i);
    char path[128];
    char other[128];
    static const char *const names[] = {"b", "a10", "a2", "B"};
    for (size_t i = 0; i < 4; i++) {
        struct pt_file *file = make(&world, names[i]);
        ck_assert_int_eq(pt_file_write(file, 0, names[i], strlen(names[i]), NULL), PT_OK);
        pt_file_close(file);
    }
    world_path(&world, path, "sub");
    ck_assert_int_eq(pt_dir_make(world.sys, path, NULL), PT_OK);
    ck_assert_int_eq(pt_dir_make(world.sys, path, NULL), PT_OK);
    ck_assert_int_eq(pt_dir_make(world.sys, world_path(&world, other, "b"), NULL), PT_ALREADY_EXISTS);
    ck_assert_int_eq(pt_dir_make(world.sys, world_path(&world, other, "no/no"), NULL), PT_NOT_FOUND);
    ck_assert_int_eq(pt_dir_sync(world.sys, world.folder, NULL), PT_OK);
    ck_assert_int_eq(pt_dir_sync(world.sys, world_path(&world, other, "no"), NULL), PT_NOT_FOUND);

    struct listing listing = {0};
    ck_assert_int_eq(pt_dir_list(world.sys, world.folder, add_to_listing, &listing, NULL), PT_OK);
    ck_assert_str_eq(listing.text, "B a10 a2 b sub ");
    ck_assert_int_eq(pt_dir_list(world.sys, world_path(&world, other, "no"), add_to_listing, &listing, NULL),
                     PT_NOT_FOUND);

    world_path(&world, path, "a2");
    world_path(&world, other, "b");
    ck_assert_int_eq(pt_path_rename(world.sys, path, other, NULL), PT_OK);
    ck_assert(!pt_path_exists(world.sys, path));
    ck_assert(pt_path_exists(world.sys, other));
    struct pt_buf data;
    ck_assert_int_eq(pt_path_read(world.sys, other, 10, &data, NULL), PT_OK);
    ck_assert_str_eq((char *)data.data, "a2");
    pt_buf_fini(&data);
    ck_assert_int_eq(pt_path_rename(world.sys, path, other, NULL), PT_NOT_FOUND);
    ck_assert_int_eq(pt_path_remove(world.sys, other, NULL), PT_OK);
    ck_assert_int_eq(pt_path_remove(world.sys, other, NULL), PT_OK);
    ck_assert(!pt_path_exists(world.sys, other));
    world_fini(&world);
}
END_TEST

/* An open file stays what it was when its name goes. */
START_TEST(open_file_outlives_its_name)
{
    struct world world;
    world_init(&world, _i);
    char path[128];
    char byte = 0;
    struct pt_file *file = make(&world, "f");
    ck_assert_int_eq(pt_file_write(file, 0, "x", 1, NULL), PT_OK);
    ck_assert_int_eq(pt_path_remove(world.sys, world_path(&world, path, "f"), NULL), PT_OK);
    struct pt_file *second = make(&world, "f");
    uint64_t size = 99;
    ck_assert_int_eq(pt_file_size(second, &size, NULL), PT_OK);
    ck_assert_uint_eq(size, 0);
    ck_assert_int_eq(pt_file_read(file, 0, &byte, 1, NULL), PT_OK);
    ck_assert_int_eq(byte, 'x');
    pt_file_close(file);
    pt_file_close(second);
    world_fini(&world);
}
END_TEST

START_TEST(whole_files)
{
    struct world world;
    world_init(&world, _i);
    char path[128];
    struct pt_buf data;
    struct pt_error error;
    world_path(&world, path, "f");
    ck_assert_int_eq(pt_path_read(world.sys, path, 100, &data, NULL), PT_NOT_FOUND);
    ck_assert_int_eq(pt_path_write(world.sys, path, "a longer text", 13, NULL), PT_OK);
    ck_assert_int_eq(pt_path_write(world.sys, path, "short", 5, NULL), PT_OK);
    ck_assert_int_eq(pt_path_read(world.sys, path, 5, &data, NULL), PT_OK);
    ck_assert_uint_eq(data.size, 5);
    ck_assert_str_eq((char *)data.data, "short");
    pt_buf_fini(&data);
    ck_assert_int_eq(pt_path_read(world.sys, path, 4, &data, &error), PT_EXHAUSTED);
    ck_assert_int_eq(error.reason, PT_REASON_LIMIT_REACHED);
    ck_assert_int_eq(pt_path_write(world.sys, path, "", 0, NULL), PT_OK);
    ck_assert_int_eq(pt_path_read(world.sys, path, 0, &data, NULL), PT_OK);
    ck_assert_uint_eq(data.size, 0);
    pt_buf_fini(&data);
    struct listing listing = {0};
    ck_assert_int_eq(pt_dir_list(world.sys, world.folder, add_to_listing, &listing, NULL), PT_OK);
    ck_assert_str_eq(listing.text, "f "); /* no temporary file is left */
    ck_assert_int_eq(pt_path_write(world.sys, world_path(&world, path, "no/f"), "x", 1, NULL), PT_NOT_FOUND);
    world_fini(&world);
}
END_TEST

/* The second handle is refused, a second call on the first is fine, and closing ends the lock. */
START_TEST(lock_is_exclusive)
{
    struct world world;
    world_init(&world, _i);
    struct pt_error error;
    struct pt_file *first = make(&world, "lock");
    struct pt_file *second = make(&world, "lock");
    ck_assert_int_eq(pt_file_lock(first, NULL), PT_OK);
    ck_assert_int_eq(pt_file_lock(first, NULL), PT_OK);
    ck_assert_int_eq(pt_file_lock(second, &error), PT_FAILED_PRECONDITION);
    ck_assert_ptr_nonnull(strstr(error.text, "locked"));
    pt_file_close(first);
    ck_assert_int_eq(pt_file_lock(second, NULL), PT_OK);
    pt_file_close(second);
    world_fini(&world);
}
END_TEST

/* A lock of another process is seen, and ends with that process however it ends. */
START_TEST(lock_of_another_process)
{
    struct world world;
    world_init(&world, WORLD_REAL);
    struct pt_file *file = make(&world, "lock");
    int to_parent[2];
    ck_assert_int_eq(pipe(to_parent), 0);
    pid_t child = fork();
    if (child == 0) {
        struct pt_file *own = make(&world, "lock");
        char answer = pt_file_lock(own, NULL) == PT_OK ? 'y' : 'n';
        (void)!write(to_parent[1], &answer, 1);
        for (;;) {
            pause();
        }
    }
    char answer = 0;
    ck_assert_int_eq(read(to_parent[0], &answer, 1), 1);
    ck_assert_int_eq(answer, 'y');
    ck_assert_int_eq(pt_file_lock(file, NULL), PT_FAILED_PRECONDITION);
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    ck_assert_int_eq(pt_file_lock(file, NULL), PT_OK);
    close(to_parent[0]);
    close(to_parent[1]);
    pt_file_close(file);
    world_fini(&world);
}
END_TEST

/* From now on this process has no pwritev2: each answers with the error. */
static void forbid_pwritev2(unsigned error)
{
    struct sock_filter rules[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                                  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pwritev2, 0, 1),
                                  BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
                                  BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {.len = sizeof(rules) / sizeof(rules[0]), .filter = rules};
    pt_assert(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

/* A sandbox or file system that knows no pwritev2, or not its flags: the bytes are written all the same, and synced. */
START_TEST(without_pwritev2_bytes_are_written)
{
    static const unsigned errors[] = {ENOSYS, EOPNOTSUPP};
    struct world world;
    world_init(&world, WORLD_REAL);
    struct pt_file *file = make(&world, "f");
    pid_t child = fork();
    if (child == 0) {
        forbid_pwritev2(errors[_i]);
        _exit(pt_file_write(file, 0, "plain", 5, NULL) == PT_OK &&
                      pt_file_write_through(file, 5, "synced", 6, NULL) == PT_OK
                  ? 0
                  : 1);
    }
    int status = -1;
    char data[11];
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(pt_file_read(file, 0, data, sizeof(data), NULL), PT_OK);
    ck_assert_int_eq(memcmp(data, "plainsynced", sizeof(data)), 0);
    pt_file_close(file);
    world_fini(&world);
}
END_TEST

/* /dev/full answers every write with ENOSPC. */
START_TEST(full_device_is_no_space)
{
    struct world world;
    world_init(&world, WORLD_REAL);
    struct pt_file *file = NULL;
    struct pt_error error;
    ck_assert_int_eq(pt_file_open(world.sys, "/dev/full", PT_OPEN_WRITE, &file, NULL), PT_OK);
    ck_assert_int_eq(pt_file_write(file, 0, "x", 1, &error), PT_NO_SPACE);
    ck_assert_int_eq(error.reason, PT_REASON_NO_SPACE);
    ck_assert_str_eq(error.field, "/dev/full");
    pt_file_close(file);
    world_fini(&world);
}
END_TEST

/* A full tmpfs, when we may mount one: the atomic write fails and leaves the old contents and no temporary file. */
START_TEST(full_disk_keeps_the_old_file)
{
    struct world world;
    world_init(&world, WORLD_REAL);
    if (mount("tmpfs", world.folder, "tmpfs", 0, "size=64k") == 0) {
        char path[128];
        char big[4096];
        memset(big, 'x', sizeof(big));
        ck_assert_int_eq(pt_path_write(world.sys, world_path(&world, path, "state"), "old", 3, NULL), PT_OK);
        struct pt_file *file = make(&world, "filler");
        enum pt_code code = PT_OK;
        for (uint64_t at = 0; code == PT_OK && at < (1U << 20); at += sizeof(big)) {
            code = pt_file_write(file, at, big, sizeof(big), NULL);
        }
        ck_assert_int_eq(code, PT_NO_SPACE);
        pt_file_close(file);
        ck_assert_int_eq(pt_path_write(world.sys, path, big, sizeof(big), NULL), PT_NO_SPACE);
        struct pt_buf data;
        ck_assert_int_eq(pt_path_read(world.sys, path, 10, &data, NULL), PT_OK);
        ck_assert_str_eq((char *)data.data, "old");
        pt_buf_fini(&data);
        struct listing listing = {0};
        ck_assert_int_eq(pt_dir_list(world.sys, world.folder, add_to_listing, &listing, NULL), PT_OK);
        ck_assert_str_eq(listing.text, "filler state ");
        ck_assert_int_eq(umount(world.folder), 0);
    }
    world_fini(&world);
}
END_TEST

/* Files belong to the owner alone. */
START_TEST(modes_are_private)
{
    struct world world;
    world_init(&world, WORLD_REAL);
    char path[128];
    struct stat info;
    ck_assert_int_eq(pt_path_write(world.sys, world_path(&world, path, "f"), "x", 1, NULL), PT_OK);
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_int_eq(info.st_mode & 0777, 0600);
    ck_assert_int_eq(pt_dir_make(world.sys, world_path(&world, path, "d"), NULL), PT_OK);
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_int_eq(info.st_mode & 0777, 0700);
    world_fini(&world);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sys_files");
    TCase *tc = tcase_create("all");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, write_then_read, 0, WORLDS);
    tcase_add_loop_test(tc, truncate_cuts_and_grows, 0, WORLDS);
    tcase_add_loop_test(tc, open_says_what_is_wrong, 0, WORLDS);
    tcase_add_loop_test(tc, folders_and_names, 0, WORLDS);
    tcase_add_loop_test(tc, open_file_outlives_its_name, 0, WORLDS);
    tcase_add_loop_test(tc, whole_files, 0, WORLDS);
    tcase_add_loop_test(tc, lock_is_exclusive, 0, WORLDS);
    tcase_add_test(tc, lock_of_another_process);
    tcase_add_loop_test(tc, without_pwritev2_bytes_are_written, 0, 2);
    tcase_add_test(tc, full_device_is_no_space);
    tcase_add_test(tc, full_disk_keeps_the_old_file);
    tcase_add_test(tc, modes_are_private);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
