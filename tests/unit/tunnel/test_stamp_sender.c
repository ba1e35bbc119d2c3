/*
 * The sender's sockets: a reflector of the test's own that loses what it is told to, over loopback; and how targets are
 * written.
 */
#include "tunnel/stamp_sender.h"

#include "base/buf.h"
#include "sys/sys_uv.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

START_TEST(targets_are_written_as_text)
{
    struct pt_stamp_target targets[PT_STAMP_TARGETS_MAX];
    struct pt_error error = {0};
    size_t len = 77;
    ck_assert_int_eq(pt_stamp_targets_parse("", targets, &len, &error), PT_OK);
    ck_assert_uint_eq(len, 0);
    ck_assert_int_eq(pt_stamp_targets_parse("192.0.2.1:862,wan0=[2001:db8::1]:8620", targets, &len, &error), PT_OK);
    ck_assert_uint_eq(len, 2);
    ck_assert_uint_eq(targets[0].reflector.port, 862);
    ck_assert_str_eq(targets[0].interface, "");
    ck_assert_uint_eq(targets[1].reflector.port, 8620);
    ck_assert_str_eq(targets[1].interface, "wan0");
    static const char *const wrong[] = {
        "192.0.2.1",
        "=192.0.2.1:862",
        "sixteen-letters-=192.0.2.1:862",
        ",",
        "192.0.2.1:862,",
        "192.0.2.1:862,,192.0.2.2:862",
        "wan0=",
        "host:862",
        "1.1.1.1:1,1.1.1.1:2,1.1.1.1:3,1.1.1.1:4,1.1.1.1:5,1.1.1.1:6,1.1.1.1:7,1.1.1.1:8,1.1.1.1:9"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        ck_assert_msg(pt_stamp_targets_parse(wrong[i], targets, &len, &error) != PT_OK, "%s", wrong[i]);
        ck_assert_uint_eq(len, 2); /* untouched */
    }
}
END_TEST

static int reflector_socket(struct pt_endpoint *ret_at)
{
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(own);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&own, sizeof(own)), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&own, &size), 0);
    *ret_at = (struct pt_endpoint){.ip = pt_ip_from_v4(INADDR_LOOPBACK), .port = ntohs(own.sin_port)};
    return fd;
}

/* Stateful; each fourth question does not reach it. Returns how many came. */
static unsigned reflect_all(struct pt_sys *sys, int fd)
{
    static uint32_t number;
    uint8_t question[100], answer[PT_STAMP_SIZE_MAX];
    struct sockaddr_in from;
    socklen_t from_size = sizeof(from);
    unsigned came = 0;
    for (;;) {
        ssize_t size = recvfrom(fd, question, sizeof(question), MSG_DONTWAIT, (struct sockaddr *)&from, &from_size);
        if (size < 0) {
            return came;
        }
        ck_assert_int_eq(size, PT_STAMP_SIZE);
        const struct pt_stamp_arrival arrival = {.came_ns = (uint64_t)pt_sys_wall_ns(sys)};
        came++;
        if (pt_be32(question) % 4 != 2) {
            ck_assert(pt_stamp_reflect(question, (size_t)size, &arrival, answer));
            pt_stamp_number(answer, number++);
            pt_stamp_leave(answer, (uint64_t)pt_sys_wall_ns(sys));
            (void)sendto(fd, answer, (size_t)size, 0, (struct sockaddr *)&from, from_size);
        }
    }
}

START_TEST(the_way_to_a_reflector_is_measured)
{
    struct pt_sys *sys = NULL;
    struct pt_error error = {0};
    struct pt_stamp_target targets[2] = {0};
    struct pt_stamp_status status[PT_STAMP_TARGETS_MAX];
    ck_assert_int_eq(pt_sys_uv_new(&sys, &error), PT_OK);
    int fd = reflector_socket(&targets[0].reflector), silent = reflector_socket(&targets[1].reflector);
    struct pt_stamp_sender *sender = pt_stamp_sender_new(sys);
    ck_assert_uint_eq(pt_stamp_sender_status(sender, 0, status), 0);
    pt_stamp_sender_configure(sender, targets, 2);
    for (unsigned came = 0; came < 14;) { /* ctest's limit is the limit */
        pt_sys_uv_turn(sys, true);
        came += reflect_all(sys, fd);
        if (came == 5) {
            pt_stamp_sender_configure(sender, targets, 2); /* nothing is forgotten by that */
        }
    }
    pt_sys_uv_turn(sys, false);
    ck_assert_uint_eq(pt_stamp_sender_status(sender, 60, status), 2);
    const struct pt_measure_report *report = &status[0].report;
    ck_assert_uint_ge(report->packets[PT_MEASURE_FORWARD], 8);
    ck_assert_uint_gt(report->loss_ppm[PT_MEASURE_FORWARD], 100000);
    ck_assert_uint_lt(report->loss_ppm[PT_MEASURE_FORWARD], 400000);
    ck_assert_uint_eq(report->loss_ppm[PT_MEASURE_BACK], 0);
    ck_assert_uint_ne(status[0].silent_ms, UINT64_MAX);
    ck_assert_uint_eq(status[1].silent_ms, UINT64_MAX);
    ck_assert_uint_eq(status[1].report.packets[PT_MEASURE_FORWARD], 0);
    pt_stamp_sender_configure(sender, targets + 1, 1);
    ck_assert_uint_eq(pt_stamp_sender_status(sender, 60, status), 1);
    ck_assert_uint_eq(status[0].target.reflector.port, targets[1].reflector.port);
    pt_stamp_sender_free(sender);
    pt_sys_uv_turn(sys, false);
    pt_sys_uv_free(sys);
    (void)close(fd);
    (void)close(silent);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stamp_sender");
    TCase *tc = tcase_create("sender");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, targets_are_written_as_text);
    tcase_add_test(tc, the_way_to_a_reflector_is_measured);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
