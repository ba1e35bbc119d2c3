/* Tables and descriptors between two versions of the program, over a socket pair; and what is not whole is refused. */
#include "tunnel/handover.h"

#include "base/assert.h"

#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

struct record {
    uint32_t a, b;
};
struct longer_record {
    uint32_t a, b, c;
};

static const struct record records[2] = {{1, 2}, {3, 4}};

START_TEST(a_record_is_read_by_versions_that_know_less_or_more)
{
    struct pt_handover h = {0};
    size_t len;
    pt_handover_add(&h, PT_HANDOVER_LINKS, records, sizeof(records[0]), 2);
    ck_assert(pt_handover_valid(&h));
    ck_assert_uint_eq(pt_handover_record_size(&h, PT_HANDOVER_LINKS), sizeof(struct record));
    uint32_t *less = pt_handover_take(&h, PT_HANDOVER_LINKS, sizeof(*less), &len);
    ck_assert_uint_eq(len, 2);
    ck_assert_uint_eq(less[0], 1);
    ck_assert_uint_eq(less[1], 3);
    pt_handover_drop(less, sizeof(*less), len);
    struct longer_record *more = pt_handover_take(&h, PT_HANDOVER_LINKS, sizeof(*more), &len);
    ck_assert_uint_eq(len, 2);
    ck_assert_uint_eq(more[1].a, 3);
    ck_assert_uint_eq(more[1].b, 4);
    ck_assert_uint_eq(more[1].c, 0);
    pt_handover_drop(more, sizeof(*more), len);
    pt_handover_fini(&h);
}
END_TEST

START_TEST(unknown_tables_are_passed_over_and_missing_ones_are_empty)
{
    struct pt_handover h = {0};
    size_t len;
    pt_handover_add(&h, (enum pt_handover_tag)4711, "unknown", 7, 1);
    pt_handover_add(&h, PT_HANDOVER_PATHS, records, sizeof(records[0]), 1);
    struct record *paths = pt_handover_take(&h, PT_HANDOVER_PATHS, sizeof(*paths), &len);
    ck_assert_uint_eq(len, 1);
    ck_assert_uint_eq(paths[0].b, 2);
    pt_handover_drop(paths, sizeof(*paths), len);
    ck_assert_uint_eq(pt_handover_record_size(&h, PT_HANDOVER_SESSIONS), 0);
    void *none = pt_handover_take(&h, PT_HANDOVER_SESSIONS, sizeof(struct record), &len);
    ck_assert_ptr_nonnull(none);
    ck_assert_uint_eq(len, 0);
    pt_handover_drop(none, sizeof(struct record), len);
    pt_handover_fini(&h);
}
END_TEST

START_TEST(every_cut_of_a_table_is_refused)
{
    struct pt_handover h = {0};
    pt_handover_add(&h, PT_HANDOVER_PATHS, records, sizeof(records[0]), 2);
    size_t whole = h.size;
    for (h.size = 1; h.size < whole; h.size++) {
        ck_assert(!pt_handover_valid(&h));
    }
    memset(h.data + 4, 0, 4); /* records of no size */
    ck_assert(!pt_handover_valid(&h));
    h.size = whole;
    pt_handover_fini(&h);
}
END_TEST

struct sender {
    int fd;
    struct pt_handover *handover;
    bool sent;
};

static void *send_all(void *arg)
{
    struct sender *sender = arg;
    sender->sent = pt_handover_send(sender->fd, sender->handover);
    (void)shutdown(sender->fd, SHUT_WR);
    return NULL;
}

static unsigned open_fds(void)
{
    unsigned len = 0;
    for (int fd = 0; fd < 1024; fd++) {
        len += fcntl(fd, F_GETFD) >= 0;
    }
    return len;
}

/* More descriptors than go with one message, and more bytes than a socket takes at once. */
START_TEST(descriptors_and_tables_cross_and_what_is_not_taken_is_closed)
{
    enum { PIPES = 200, SIZE = 3000000 };
    int sockets[2], pipes[PIPES][2];
    struct pt_handover h = {0}, got = {0};
    uint8_t *big = malloc(SIZE);
    pthread_t thread;
    size_t len;
    pt_assert(big != NULL && socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
    memset(big, 0x5a, SIZE);
    ck_assert_int_eq(pt_handover_add_fd(&h, -1), -1);
    for (int i = 0; i < PIPES; i++) {
        ck_assert_int_eq(pipe(pipes[i]), 0);
        ck_assert_int_eq(pt_handover_add_fd(&h, pipes[i][1]), i);
    }
    pt_handover_add(&h, PT_HANDOVER_STREAMS, big, 1000, SIZE / 1000);
    unsigned before = open_fds();
    struct sender sender = {.fd = sockets[0], .handover = &h};
    ck_assert_int_eq(pthread_create(&thread, NULL, send_all, &sender), 0);
    ck_assert(pt_handover_receive(sockets[1], &got));
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert(sender.sent);
    ck_assert_uint_eq(open_fds(), before + PIPES);
    int fd = pt_handover_take_fd(&got, 137);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pt_handover_take_fd(&got, 137), -1);
    ck_assert_int_eq(pt_handover_take_fd(&got, PIPES), -1);
    ck_assert_int_eq(write(fd, "x", 1), 1);
    char byte = 0;
    ck_assert_int_eq(read(pipes[137][0], &byte, 1), 1);
    ck_assert_int_eq(byte, 'x');
    uint8_t *received = pt_handover_take(&got, PT_HANDOVER_STREAMS, 1000, &len);
    ck_assert_uint_eq(len, SIZE / 1000);
    ck_assert(memcmp(received, big, SIZE) == 0);
    pt_handover_drop(received, 1000, len);
    pt_handover_fini(&got);
    ck_assert_uint_eq(open_fds(), before + 1); /* the one that was taken */
    pt_handover_fini(&h);
    ck_assert_uint_eq(open_fds(), before + 1); /* the sender's are the sender's */
    free(big);
}
END_TEST

START_TEST(a_sender_that_breaks_off_leaves_nothing_behind)
{
    for (unsigned what = 0; what < 3; what++) {
        int sockets[2];
        struct pt_handover got = {0};
        const uint64_t sizes[2] = {what == 0 ? PT_HANDOVER_SIZE_MAX + 1 : 100, what == 1 ? PT_HANDOVER_FDS_MAX + 1 : 0};
        pt_assert(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
        unsigned before = open_fds();
        ck_assert_int_eq(write(sockets[0], sizes, sizeof(sizes)), sizeof(sizes));
        ck_assert_int_eq(write(sockets[0], records, sizeof(records)), sizeof(records)); /* 16 of 100 bytes */
        (void)shutdown(sockets[0], SHUT_WR);
        ck_assert(!pt_handover_receive(sockets[1], &got));
        ck_assert_ptr_null(got.data);
        ck_assert_uint_eq(open_fds(), before);
        (void)close(sockets[0]);
        (void)close(sockets[1]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("handover");
    TCase *tests = tcase_create("handover");
    tcase_add_test(tests, a_record_is_read_by_versions_that_know_less_or_more);
    tcase_add_test(tests, unknown_tables_are_passed_over_and_missing_ones_are_empty);
    tcase_add_test(tests, every_cut_of_a_table_is_refused);
    tcase_add_test(tests, descriptors_and_tables_cross_and_what_is_not_taken_is_closed);
    tcase_add_test(tests, a_sender_that_breaks_off_leaves_nothing_behind);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
