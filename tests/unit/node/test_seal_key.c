/*
 * The seal key from a file, a variable, a command: the same key, or a refusal that does not show it.
 */
#include "node/files.h"

#include "sys/sys_uv.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEX "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static struct pt_sys *sys;
static uint8_t key[PT_SEAL_KEY_SIZE];

static void setup(void)
{
    ck_assert_int_eq(pt_sys_uv_new(&sys, NULL), PT_OK);
    for (size_t i = 0; i < sizeof(key); i++) {
        key[i] = (uint8_t)i;
    }
}

static void teardown(void)
{
    pt_sys_uv_free(sys);
}

static void loads(const char *path)
{
    uint8_t found[PT_SEAL_KEY_SIZE] = {0};
    struct pt_error error = {0};
    enum pt_code code = pt_node_seal_key_load(sys, path, found, &error);
    ck_assert_msg(code == PT_OK, "%s: %s", path, error.text);
    ck_assert(memcmp(found, key, sizeof(key)) == 0);
}

static void refuses(const char *path, enum pt_code expected, const char *secret)
{
    uint8_t found[PT_SEAL_KEY_SIZE];
    struct pt_error error = {0};
    ck_assert_str_eq(pt_code_name(pt_node_seal_key_load(sys, path, found, &error)), pt_code_name(expected));
    ck_assert_str_ne(error.text, "");
    ck_assert(strstr(error.text, secret) == NULL);
}

START_TEST(a_key_comes_from_file_variable_or_command)
{
    char path[] = "/tmp/pt-seal-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, key, sizeof(key)), sizeof(key));
    loads(path);
    ck_assert_int_eq(pwrite(fd, HEX "\n", 65, 0), 65);
    loads(path);
    (void)close(fd);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(setenv("PT_TEST_SEAL", HEX, 1), 0);
    loads("env:PT_TEST_SEAL");
    loads("cmd:echo " HEX);
    loads("cmd:printf '%s' \"$PT_TEST_SEAL\"");
}
END_TEST

START_TEST(what_is_no_key_is_refused_and_not_shown)
{
    refuses("env:PT_TEST_NOT_SET", PT_NOT_FOUND, "?");
    ck_assert_int_eq(setenv("PT_TEST_SEAL", "hunter2", 1), 0);
    refuses("env:PT_TEST_SEAL", PT_INVALID_ARGUMENT, "hunter2");
    ck_assert_int_eq(setenv("PT_TEST_SEAL", "z" HEX, 1), 0);
    refuses("env:PT_TEST_SEAL", PT_INVALID_ARGUMENT, HEX);
    refuses("cmd:echo " HEX "; exit 3", PT_FAILED_PRECONDITION, HEX);
    refuses("cmd:yes " HEX " 2>/dev/null", PT_FAILED_PRECONDITION, HEX);
    refuses("cmd:true", PT_INVALID_ARGUMENT, "?");
    refuses("/nonexistent/seal.key", PT_NOT_FOUND, "?");
}
END_TEST

/* init and join write files; of what others keep they only ask whether it is this key. */
START_TEST(create_writes_files_only)
{
    char path[] = "/tmp/pt-seal-XXXXXX";
    uint8_t other[PT_SEAL_KEY_SIZE] = {1};
    ck_assert_int_ge(close(mkstemp(path)), 0);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(pt_node_seal_key_create(sys, path, key, NULL), PT_OK);
    loads(path);
    ck_assert_int_eq(pt_node_seal_key_create(sys, path, key, NULL), PT_OK);
    ck_assert_int_eq(pt_node_seal_key_create(sys, path, other, NULL), PT_ALREADY_EXISTS);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(pt_node_seal_key_create(sys, "cmd:echo " HEX, key, NULL), PT_OK);
    ck_assert_int_eq(pt_node_seal_key_create(sys, "cmd:echo " HEX, other, NULL), PT_FAILED_PRECONDITION);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("seal key");
    TCase *tests = tcase_create("sources");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_key_comes_from_file_variable_or_command);
    tcase_add_test(tests, what_is_no_key_is_refused_and_not_shown);
    tcase_add_test(tests, create_writes_files_only);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
