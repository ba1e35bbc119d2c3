/*
 * Addresses to the form that sockets have and back: all of what is said of an address comes through, and what a socket
 * was given earlier does not show.
 */
#include "sys/sys_uv.h"

#include <check.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

START_TEST(an_address_comes_back_as_it_went)
{
    static const char *const texts[] = {"192.0.2.7:443", "0.0.0.0:0", "255.255.255.255:65535", "[2001:db8::1]:8443",
                                        "[::]:1"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct pt_endpoint endpoint;
        struct sockaddr_storage storage, again;
        ck_assert_int_eq(pt_endpoint_parse(texts[i], &endpoint, NULL), PT_OK);
        memset(&storage, 0xff, sizeof(storage));
        memset(&again, 0, sizeof(again));
        bool v4 = pt_ip_is_v4(&endpoint.ip);
        ck_assert_uint_eq(pt_sys_uv_sockaddr(&endpoint, &storage),
                          v4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
        ck_assert_int_eq(storage.ss_family, v4 ? AF_INET : AF_INET6);
        (void)pt_sys_uv_sockaddr(&endpoint, &again);
        ck_assert_mem_eq(&storage, &again, sizeof(storage));
        struct pt_endpoint back = pt_sys_uv_endpoint(&storage);
        ck_assert_mem_eq(&back.ip, &endpoint.ip, sizeof(back.ip));
        ck_assert_uint_eq(back.port, endpoint.port);
    }
}
END_TEST

START_TEST(the_bytes_are_those_of_the_network)
{
    struct pt_endpoint endpoint;
    struct sockaddr_storage storage;
    ck_assert_int_eq(pt_endpoint_parse("192.0.2.7:258", &endpoint, NULL), PT_OK);
    (void)pt_sys_uv_sockaddr(&endpoint, &storage);
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&storage;
    ck_assert_mem_eq(&v4->sin_addr, "\xc0\x00\x02\x07", 4);
    ck_assert_mem_eq(&v4->sin_port, "\x01\x02", 2);
    ck_assert_int_eq(pt_endpoint_parse("[2001:db8::1]:258", &endpoint, NULL), PT_OK);
    (void)pt_sys_uv_sockaddr(&endpoint, &storage);
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&storage;
    ck_assert_mem_eq(&v6->sin6_addr, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
    ck_assert_mem_eq(&v6->sin6_port, "\x01\x02", 2);
}
END_TEST

START_TEST(what_is_neither_is_nothing)
{
    struct sockaddr_storage storage;
    memset(&storage, 0xff, sizeof(storage));
    storage.ss_family = AF_UNIX;
    const struct pt_endpoint none = {0};
    struct pt_endpoint back = pt_sys_uv_endpoint(&storage);
    ck_assert_mem_eq(&back.ip, &none.ip, sizeof(none.ip));
    ck_assert_uint_eq(back.port, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sys/uv_address");
    TCase *tcase = tcase_create("address");
    tcase_add_test(tcase, an_address_comes_back_as_it_went);
    tcase_add_test(tcase, the_bytes_are_those_of_the_network);
    tcase_add_test(tcase, what_is_neither_is_nothing);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
