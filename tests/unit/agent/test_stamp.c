/*
 * What RFC 8762 draws, byte by byte; and a sender of nobody's that asks the reflector over loopback.
 */
#include "agent/stamp.h"

#include "base/buf.h"
#include "measure/stamp.h"
#include "sys/sys_uv.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void question(uint8_t *packet, size_t size)
{
    memset(packet, 0, size);
    pt_put_be32(packet, 77);
    pt_put_be64(packet + 4, 0x0102030405060708);
    packet[12] = 0x16;
    packet[13] = 0x01;
}

START_TEST(times_are_those_of_ntp)
{
    ck_assert_uint_eq(pt_stamp_time(0), 2208988800ULL << 32);
    ck_assert_uint_eq(pt_stamp_time(1500000000), 2208988801ULL << 32 | 0x80000000);
    ck_assert_uint_eq(pt_stamp_time(999999999) >> 32, 2208988800ULL);
}
END_TEST

START_TEST(an_answer_is_laid_out_as_the_rfc_draws_it)
{
    uint8_t packet[PT_STAMP_SIZE], answer[PT_STAMP_SIZE_MAX];
    static const uint8_t zeros[3] = {0};
    const struct pt_stamp_arrival arrival = {.came_ns = 2000000000, .ttl = 61};
    question(packet, sizeof(packet));
    ck_assert(pt_stamp_reflect(packet, sizeof(packet), &arrival, answer));
    pt_stamp_leave(answer, 3000000000);
    ck_assert_uint_eq(pt_be32(answer), 77);
    ck_assert_uint_eq(pt_be64(answer + 4), 2208988803ULL << 32);
    ck_assert_uint_eq(answer[12] & 0x40, 0); /* NTP's format */
    ck_assert_uint_ne(answer[13], 0);        /* the multiplier must not be zero */
    ck_assert_uint_eq(pt_be64(answer + 16), 2208988802ULL << 32);
    ck_assert_mem_eq(answer + 24, packet, 14);
    ck_assert_mem_eq(answer + 38, zeros, 2);
    ck_assert_uint_eq(answer[40], 61);
    ck_assert_mem_eq(answer + 41, zeros, 3);
    ck_assert(!pt_stamp_reflect(packet, PT_STAMP_SIZE - 1, &arrival, answer));
    ck_assert(!pt_stamp_reflect(packet, PT_STAMP_SIZE_MAX + 1, &arrival, answer));
}
END_TEST

START_TEST(what_is_not_understood_comes_back_marked)
{
    uint8_t packet[PT_STAMP_SIZE + 20], answer[PT_STAMP_SIZE_MAX];
    const struct pt_stamp_arrival arrival = {.came_ns = 1};
    question(packet, sizeof(packet));
    memcpy(packet + PT_STAMP_SIZE, "\0\1\0\4abcd\0\3\0\0\0\3\xff\xff", 16); /* the last is longer than the packet */
    ck_assert(pt_stamp_reflect(packet, sizeof(packet), &arrival, answer));
    ck_assert_mem_eq(answer + PT_STAMP_SIZE, "\x80\1\0\4abcd\x80\3\0\0\xc0\3\xff\xff", 16);
    memset(packet + PT_STAMP_SIZE, 0, 20); /* padding stays padding */
    ck_assert(pt_stamp_reflect(packet, sizeof(packet), &arrival, answer));
    ck_assert_mem_eq(answer + PT_STAMP_SIZE, packet + PT_STAMP_SIZE, 20);
}
END_TEST

START_TEST(a_sender_is_answered_over_the_network)
{
    struct pt_sys *sys = NULL;
    struct pt_stamp_reflector *reflector = NULL;
    struct pt_error error = {0};
    struct pt_endpoint at = {.port = (uint16_t)(20000 + getpid() % 12000)};
    uint8_t packet[60], answer[PT_STAMP_SIZE_MAX];
    ck_assert_int_eq(pt_sys_uv_new(&sys, &error), PT_OK);
    ck_assert_int_eq(pt_ip_parse("127.0.0.1", &at.ip, NULL), PT_OK);
    ck_assert_msg(pt_stamp_reflector_open(sys, &at, false, &reflector, &error) == PT_OK, "%s", error.text);
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(at.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    question(packet, sizeof(packet));
    ck_assert_int_eq(sendto(fd, packet, 20, 0, (const struct sockaddr *)&to, sizeof(to)), 20); /* no test packet */
    ck_assert_int_eq(sendto(fd, packet, sizeof(packet), 0, (const struct sockaddr *)&to, sizeof(to)), 60);
    ssize_t size = -1;
    while (size < 0) { /* ctest's limit is the limit */
        pt_sys_uv_turn(sys, true);
        size = recv(fd, answer, sizeof(answer), MSG_DONTWAIT);
    }
    ck_assert_int_eq(size, 60); /* as long as the question */
    ck_assert_mem_eq(answer + 24, packet, 14);
    ck_assert_uint_ge(pt_be64(answer + 4), pt_be64(answer + 16)); /* it left after it came */
    ck_assert_uint_gt(pt_be64(answer + 16) >> 32, 2208988800ULL);
    ck_assert_uint_eq(answer[40], 64);
    ck_assert_int_lt(recv(fd, answer, sizeof(answer), MSG_DONTWAIT), 0);
    (void)close(fd);
    pt_stamp_reflector_close(reflector);
    pt_sys_uv_turn(sys, false);
    pt_sys_uv_free(sys);
}
END_TEST

static int ask(struct pt_sys *sys, int fd, uint8_t *packet, uint8_t answer[PT_STAMP_SIZE_MAX])
{
    ssize_t size = -1;
    ck_assert_int_eq(send(fd, packet, PT_STAMP_SIZE, 0), PT_STAMP_SIZE);
    while (size < 0) { /* ctest's limit is the limit */
        pt_sys_uv_turn(sys, true);
        size = recv(fd, answer, PT_STAMP_SIZE_MAX, MSG_DONTWAIT);
    }
    return (int)pt_be32(answer);
}

/* Two senders at a time, and one of them with two sessions. */
START_TEST(a_stateful_reflector_numbers_answers_to_each_sender)
{
    struct pt_sys *sys = NULL;
    struct pt_stamp_reflector *reflector = NULL;
    struct pt_error error = {0};
    struct pt_endpoint at = {.ip = pt_ip_from_v4(INADDR_LOOPBACK), .port = (uint16_t)(20001 + getpid() % 12000)};
    uint8_t packet[PT_STAMP_SIZE], answer[PT_STAMP_SIZE_MAX];
    int fds[2];
    ck_assert_int_eq(pt_sys_uv_new(&sys, &error), PT_OK);
    ck_assert_msg(pt_stamp_reflector_open(sys, &at, true, &reflector, &error) == PT_OK, "%s", error.text);
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(at.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (unsigned i = 0; i < 2; i++) {
        fds[i] = socket(AF_INET, SOCK_DGRAM, 0);
        ck_assert_int_eq(connect(fds[i], (const struct sockaddr *)&to, sizeof(to)), 0);
    }
    question(packet, sizeof(packet)); /* number 77 */
    for (int n = 0; n < 5; n++) {
        ck_assert_int_eq(ask(sys, fds[0], packet, answer), n);
        ck_assert_uint_eq(pt_be32(answer + 24), 77);
    }
    ck_assert_int_eq(ask(sys, fds[1], packet, answer), 0);
    packet[15] = 9; /* the session's identifier, RFC 8972 */
    ck_assert_int_eq(ask(sys, fds[1], packet, answer), 0);
    ck_assert_uint_eq(answer[15], 9);
    ck_assert_int_eq(ask(sys, fds[0], packet, answer), 0);
    packet[15] = 0;
    ck_assert_int_eq(ask(sys, fds[0], packet, answer), 5);
    ck_assert_int_eq(ask(sys, fds[1], packet, answer), 1);
    for (unsigned session = 1; session <= PT_STAMP_SENDERS_MAX; session++) { /* more than there is room for */
        packet[14] = 1;
        packet[15] = (uint8_t)session;
        ck_assert_int_eq(ask(sys, fds[1], packet, answer), 0);
    }
    packet[14] = packet[15] = 0;
    ck_assert_int_eq(ask(sys, fds[0], packet, answer), 0); /* forgotten: it was silent longest */
    (void)close(fds[0]);
    (void)close(fds[1]);
    pt_stamp_reflector_close(reflector);
    pt_sys_uv_turn(sys, false);
    pt_sys_uv_free(sys);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stamp");
    TCase *tc = tcase_create("reflector");
    tcase_add_test(tc, times_are_those_of_ntp);
    tcase_add_test(tc, an_answer_is_laid_out_as_the_rfc_draws_it);
    tcase_add_test(tc, what_is_not_understood_comes_back_marked);
    tcase_add_test(tc, a_sender_is_answered_over_the_network);
    tcase_add_test(tc, a_stateful_reflector_numbers_answers_to_each_sender);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
