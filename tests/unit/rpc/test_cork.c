/*
 * Answers that leave together: on real connections over the loopback, by what the kernel says of them.
 */
#include "base/net.h"
#include "rpc/rpc_grpc.h"
#include "sys/sys_uv.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <linux/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct pair {
    int server, client;
    struct pt_endpoint peer; /* the client, as the server sees it */
};

static struct pt_sys *sys;
static struct pt_rpc_cork *cork;

static struct pair connect_pair(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    struct pair pair = {.client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    ck_assert_int_eq(connect(pair.client, (struct sockaddr *)&address, size), 0);
    pair.server = accept4(listener, (struct sockaddr *)&address, &size, SOCK_CLOEXEC);
    ck_assert_int_ge(pair.server, 0);
    pair.peer = (struct pt_endpoint){.ip = pt_ip_from_v4(INADDR_LOOPBACK), .port = ntohs(address.sin_port)};
    ck_assert_int_eq(close(listener), 0);
    return pair;
}

static void close_pair(struct pair *pair)
{
    ck_assert_int_eq(close(pair->server), 0);
    ck_assert_int_eq(close(pair->client), 0);
}

static bool corked(int fd)
{
    int value = -1;
    socklen_t size = sizeof(value);
    ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_CORK, &value, &size), 0);
    return value != 0;
}

static unsigned segments(int fd)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof(info);
    ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
    return info.tcpi_segs_out;
}

static void setup(void)
{
    struct pt_error error;
    ck_assert_int_eq(pt_sys_uv_new(&sys, &error), PT_OK);
    cork = pt_rpc_cork_new(sys);
}

static void teardown(void)
{
    pt_rpc_cork_free(cork);
    pt_sys_uv_free(sys);
}

static void answer(const struct pair *pair)
{
    pt_rpc_cork_answer(cork, &pair->peer);
    ck_assert_int_eq(send(pair->server, "answer", 6, MSG_NOSIGNAL), 6);
}

START_TEST(the_first_leaves_and_the_others_with_each_other)
{
    struct pair pair = connect_pair();
    int on = 1; /* as gRPC sets it */
    ck_assert_int_eq(setsockopt(pair.server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
    unsigned before = segments(pair.server);
    answer(&pair);
    ck_assert(!corked(pair.server));
    ck_assert_uint_eq(segments(pair.server), before + 1);
    for (int i = 0; i < 9; i++) {
        answer(&pair);
        ck_assert(corked(pair.server));
    }
    pt_rpc_cork_pull(cork);
    ck_assert(!corked(pair.server));
    /* Two: what the kernel acknowledges or lets go after a fifth of a second counts too. */
    ck_assert_uint_le(segments(pair.server), before + 3);
    char text[64];
    ck_assert_int_eq(recv(pair.client, text, 60, MSG_WAITALL), 60);
    close_pair(&pair);
}
END_TEST

START_TEST(lone_answers_are_not_held)
{
    struct pair first = connect_pair(), second = connect_pair();
    for (int turn = 0; turn < 3; turn++) {
        answer(&first);
        answer(&second);
        ck_assert(!corked(first.server));
        ck_assert(!corked(second.server));
        pt_rpc_cork_pull(cork);
    }
    close_pair(&first);
    close_pair(&second);
}
END_TEST

START_TEST(a_crowd_of_answers_leaves_in_pieces)
{
    struct pair pair = connect_pair();
    char text[6 * 64];
    unsigned held = 0;
    for (int i = 0; i < 40; i++) {
        held = segments(pair.server);
        answer(&pair);
        if (i == 15 || i == 31) { /* the kernel would let them go too, a fifth of a second later */
            ck_assert_uint_gt(segments(pair.server), held);
        }
    }
    /* Sixteen and the sixteen behind them are not kept for the other eight. */
    ck_assert_int_eq(recv(pair.client, text, 31 * 6, MSG_WAITALL), 31 * 6);
    ck_assert(corked(pair.server));
    pt_rpc_cork_pull(cork);
    ck_assert_int_eq(recv(pair.client, text, 9 * 6, MSG_WAITALL), 9 * 6);
    close_pair(&pair);
}
END_TEST

START_TEST(a_number_that_passed_to_another_connection_is_not_taken_for_the_first)
{
    struct pair pair = connect_pair();
    answer(&pair);
    answer(&pair);
    ck_assert(corked(pair.server));
    pt_rpc_cork_pull(cork);
    int number = pair.server;
    struct pair other = connect_pair();
    ck_assert_int_eq(close(pair.server), 0);
    ck_assert_int_eq(dup2(other.server, number), number);
    pt_rpc_cork_answer(cork, &pair.peer);
    pt_rpc_cork_answer(cork, &pair.peer);
    ck_assert(!corked(number));
    pt_rpc_cork_pull(cork);
    pair.server = number;
    close_pair(&pair);
    close_pair(&other);
}
END_TEST

START_TEST(what_is_closed_in_its_turn_or_unknown_does_no_harm)
{
    struct pair pair = connect_pair();
    answer(&pair);
    answer(&pair);
    close_pair(&pair);
    pt_rpc_cork_answer(cork, &pair.peer);
    pt_rpc_cork_pull(cork);
    struct pt_endpoint unknown = {0};
    for (int i = 0; i < 3; i++) {
        pt_rpc_cork_answer(cork, &unknown);
        pt_rpc_cork_answer(cork, &pair.peer);
    }
    pt_rpc_cork_pull(cork);
    struct pair next = connect_pair();
    answer(&next);
    ck_assert(!corked(next.server));
    pt_rpc_cork_pull(cork);
    close_pair(&next);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cork");
    TCase *tcase = tcase_create("cork");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, the_first_leaves_and_the_others_with_each_other);
    tcase_add_test(tcase, lone_answers_are_not_held);
    tcase_add_test(tcase, a_crowd_of_answers_leaves_in_pieces);
    tcase_add_test(tcase, a_number_that_passed_to_another_connection_is_not_taken_for_the_first);
    tcase_add_test(tcase, what_is_closed_in_its_turn_or_unknown_does_no_harm);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
