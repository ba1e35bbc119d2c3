/*
 * Artifacts on disk: a file has its name only when all of it is there, whatever the disk does on the way.
 */
#include "node/artifact.h"

#include "sys/sys_sim.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#define DIRECTORY "/data/artifacts"
#define SIZE 700000

static struct pt_sim *sim;
static unsigned host;
static struct pt_sys *sys;
static uint8_t bytes[SIZE];
static char digest[65], path[PT_ARTIFACT_PATH_SIZE];

static void setup(void)
{
    const struct pt_sim_options options = {.seed = 1};
    sim = pt_sim_new(&options);
    host = pt_sim_add_host(sim);
    sys = pt_sim_host(sim, host);
    ck_assert_int_eq(pt_dir_make(sys, "/data", NULL), PT_OK);
    for (size_t i = 0; i < SIZE; i++) {
        bytes[i] = (uint8_t)(i * 2654435761U >> 16);
    }
    struct pt_digest sum = pt_sha256(bytes, SIZE);
    (void)pt_digest_hex(&sum, digest);
    (void)pt_artifact_path(DIRECTORY, digest, path);
}

static void teardown(void)
{
    pt_sim_free(sim);
}

static struct pt_artifact_options options_of(const char *tag, bool resume)
{
    return (struct pt_artifact_options){
        .directory = DIRECTORY, .digest_hex = digest, .size = SIZE, .tag = tag, .resume = resume};
}

/* Open, write from where it stands up to `end` in pieces, finish when that is the end. */
static enum pt_code write_to(const char *tag, bool resume, size_t end, struct pt_error *reterr)
{
    const struct pt_artifact_options options = options_of(tag, resume);
    struct pt_artifact_writer *writer = NULL;
    PT_TRY(pt_artifact_open(sys, &options, &writer, reterr));
    for (uint64_t at = pt_artifact_written(writer); at < end; at = pt_artifact_written(writer)) {
        size_t size = end - at < 100000 ? (size_t)(end - at) : 100000;
        enum pt_code code = pt_artifact_write(writer, (struct pt_bytes){bytes + at, size}, reterr);
        if (code != PT_OK && resume) {
            pt_artifact_pause(writer);
            return code;
        }
        if (code != PT_OK) {
            pt_artifact_cancel(writer);
            return code;
        }
    }
    if (end < SIZE) {
        pt_artifact_pause(writer);
        return PT_OK;
    }
    return pt_artifact_finish(writer, reterr);
}

static enum pt_code verify(void)
{
    return pt_artifact_verify(sys, path, digest, SIZE, NULL);
}

static void spoil(size_t at)
{
    struct pt_file *file = NULL;
    uint8_t byte = (uint8_t)(bytes[at] ^ 1);
    ck_assert_int_eq(pt_file_open(sys, path, PT_OPEN_WRITE, &file, NULL), PT_OK);
    ck_assert_int_eq(pt_file_write(file, at, &byte, 1, NULL), PT_OK);
    pt_file_close(file);
}

START_TEST(what_was_written_is_there_and_any_change_shows)
{
    ck_assert_int_eq(verify(), PT_NOT_FOUND);
    ck_assert_int_eq(write_to("upload-1", false, SIZE, NULL), PT_OK);
    ck_assert_int_eq(verify(), PT_OK);
    spoil(SIZE - 1);
    ck_assert_int_eq(verify(), PT_DATA_LOSS);
    ck_assert_int_eq(write_to("upload-2", false, SIZE, NULL), PT_OK); /* over the damaged one */
    ck_assert_int_eq(verify(), PT_OK);
    ck_assert_int_eq(pt_artifact_verify(sys, path, digest, SIZE + 1, NULL), PT_DATA_LOSS);
}
END_TEST

START_TEST(other_bytes_get_no_name)
{
    bytes[SIZE / 2] ^= 1;
    struct pt_error error = {0};
    ck_assert_int_eq(write_to("upload-1", false, SIZE, &error), PT_INVALID_ARGUMENT);
    ck_assert_str_eq(error.field, "digest");
    ck_assert_int_eq(verify(), PT_NOT_FOUND);

    const struct pt_artifact_options options = options_of("upload-2", false);
    struct pt_artifact_writer *writer = NULL;
    ck_assert_int_eq(pt_artifact_open(sys, &options, &writer, NULL), PT_OK);
    ck_assert_int_eq(pt_artifact_write(writer, (struct pt_bytes){bytes, SIZE - 1}, NULL), PT_OK);
    ck_assert_int_eq(pt_artifact_write(writer, (struct pt_bytes){bytes, 2}, &error),
                     PT_INVALID_ARGUMENT);                                     /* too many */
    ck_assert_int_eq(pt_artifact_finish(writer, &error), PT_INVALID_ARGUMENT); /* too few */
    ck_assert_str_eq(error.field, "size_bytes");
    ck_assert(!pt_path_exists(sys, DIRECTORY "/upload-2"));
}
END_TEST

START_TEST(a_fetch_goes_on_where_it_was_left)
{
    ck_assert_int_eq(write_to(PT_ARTIFACT_FETCH, true, 300000, NULL), PT_OK);
    const struct pt_artifact_options options = options_of(PT_ARTIFACT_FETCH, true);
    struct pt_artifact_writer *writer = NULL;
    ck_assert_int_eq(pt_artifact_open(sys, &options, &writer, NULL), PT_OK);
    ck_assert_uint_eq(pt_artifact_written(writer), 300000);
    pt_artifact_pause(writer);
    ck_assert_int_eq(write_to(PT_ARTIFACT_FETCH, true, SIZE, NULL), PT_OK);
    ck_assert_int_eq(verify(), PT_OK);
}
END_TEST

/* The nth operation of the disk fails, for every n: there is never a wrong file under the name, and once the disk is
 * well again the artifact can be written. */
START_TEST(a_failing_disk_leaves_nothing_half)
{
    static const enum pt_code codes[] = {PT_NO_SPACE, PT_IO};
    for (size_t c = 0; c < 2; c++) {
        bool failed = true;
        for (unsigned n = 1; failed; n++) {
            struct pt_error error = {0};
            ck_assert_int_eq(pt_path_remove(sys, path, NULL), PT_OK);
            pt_sim_fail_disk(sim, host, n, codes[c], false);
            enum pt_code code = write_to("upload-1", false, SIZE, &error);
            pt_sim_fail_disk(sim, host, 0, PT_OK, false);
            failed = code != PT_OK;
            ck_assert(code == PT_OK || code == codes[c]);
            enum pt_code state = verify();
            ck_assert_msg(state == PT_OK || state == PT_NOT_FOUND, "operation %u", n);
            ck_assert(failed || state == PT_OK);
            ck_assert_int_eq(write_to("upload-1", false, SIZE, &error), PT_OK);
            ck_assert_int_eq(verify(), PT_OK);
            ck_assert_uint_lt(n, 100);
        }
    }
}
END_TEST

START_TEST(names_are_digests_with_or_without_a_tag)
{
    char name[80];
    const char *tag = "x";
    ck_assert(pt_artifact_is_name(digest, &tag));
    ck_assert_ptr_null(tag);
    (void)snprintf(name, sizeof(name), "%s.fetch", digest);
    ck_assert(pt_artifact_is_name(name, &tag));
    ck_assert_str_eq(tag, "fetch");
    ck_assert(!pt_artifact_is_name("state.db", &tag));
    (void)snprintf(name, sizeof(name), "%s0", digest);
    ck_assert(!pt_artifact_is_name(name, &tag));
    name[63] = '\0';
    ck_assert(!pt_artifact_is_name(name, &tag));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("node/artifact");
    TCase *tcase = tcase_create("artifact");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, what_was_written_is_there_and_any_change_shows);
    tcase_add_test(tcase, other_bytes_get_no_name);
    tcase_add_test(tcase, a_fetch_goes_on_where_it_was_left);
    tcase_add_test(tcase, a_failing_disk_leaves_nothing_half);
    tcase_add_test(tcase, names_are_digests_with_or_without_a_tag);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
