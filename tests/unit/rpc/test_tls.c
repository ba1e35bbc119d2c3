/*
 * Credentials and hostile input at the real doors; what the simulated network can do of it runs there too (_i).
 */
#include "fixture.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

START_TEST(new_credentials_serve_new_connections_while_a_stream_goes_on)
{
    struct world world;
    struct reply reply;
    struct listener listener;
    world_init(&world, (enum world_kind)_i);
    struct pt_rpc_channel *old = open_channel(&world, &world.edge, &world.ca, world.agent_port);
    listen_to(&world, &listener, old, "/t/Chat");
    (void)pt_rpc_stream_send(listener.stream, bytes("before"));
    TURN_UNTIL(&world, listener.messages == 1);

    /* The other CA makes the change visible: who trusts it gets in now, and who trusts the old one does not. */
    struct pt_rpc_credentials credentials = credentials_of(&world.stranger, &world.other_ca);
    ck_assert_int_eq(pt_rpc_server_set_credentials(world.server, &credentials, NULL), PT_OK);
    const uint16_t ports[] = {world.api_port, world.agent_port};
    for (size_t i = 0; i < 2; i++) {
        struct pt_rpc_channel *channel = open_channel(&world, &world.stranger, &world.other_ca, ports[i]);
        ck_assert_int_eq(call_text(&world, channel, "/t/Echo", "x", &reply), PT_OK);
        pt_buf_fini(&reply.message);
        pt_rpc_channel_free(channel);
        channel = open_channel(&world, &world.edge, &world.ca, ports[i]);
        ck_assert_int_eq(call_text(&world, channel, "/t/Echo", "x", &reply), PT_UNAVAILABLE);
        pt_buf_fini(&reply.message);
        pt_rpc_channel_free(channel);
    }
    (void)pt_rpc_stream_send(listener.stream, bytes("after"));
    TURN_UNTIL(&world, listener.messages == 2);
    ck_assert_str_eq(pem(&listener.last), "after");
    pt_rpc_channel_free(old);
    pt_buf_fini(&listener.last);
    world_fini(&world);
}
END_TEST

START_TEST(credentials_that_do_not_fit_together_are_refused_and_the_old_ones_stay)
{
    struct world world;
    struct reply reply;
    world_init(&world, (enum world_kind)_i);
    struct pt_rpc_credentials good = credentials_of(&world.controller2, &world.ca);
    struct pt_rpc_credentials wrong_key = good, wrong_ca = good, no_pem = good;
    wrong_key.key_pem = pem(&world.edge.key_pem);
    wrong_ca.ca_pem = pem(&world.other_ca.cert_pem);
    no_pem.cert_pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    struct pt_rpc_credentials wrong_role = credentials_of(&world.edge, &world.ca);
    const struct pt_rpc_credentials *bad[] = {&wrong_key, &wrong_ca, &no_pem, &wrong_role};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct pt_error error = {0};
        struct pt_rpc_server *server = NULL;
        ck_assert_int_ne(pt_rpc_server_set_credentials(world.server, bad[i], &error), PT_OK);
        ck_assert_str_ne(error.text, "");
        ck_assert_int_ne(open_server(&world, bad[i], 0, &server, &error), PT_OK);
        ck_assert_ptr_null(server);
    }
    struct pt_rpc_channel *channel = open_channel(&world, &world.admin, &world.ca, world.api_port);
    ck_assert_int_eq(call_text(&world, channel, "/t/Echo", "x", &reply), PT_OK);
    pt_buf_fini(&reply.message);
    pt_rpc_channel_free(channel);
    world_fini(&world);
}
END_TEST

START_TEST(calls_over_the_cap_are_told_so)
{
    struct world world;
    struct reply replies[3] = {{0}, {0}, {0}};
    struct pt_rpc_unary *unaries[2];
    world_init(&world, (enum world_kind)_i);
    pt_rpc_server_close(world.server, 0, on_server_closed, &world);
    TURN_UNTIL(&world, world.server_closed);
    world.server_closed = false;
    struct pt_ip ip = pt_ip_from_v4(_i != WORLD_FABRIC ? 0x7f000001 : 0x0a000001);
    struct pt_rpc_listen listen = {.address = {.ip = ip}, .door = PT_DOOR_API};
    struct pt_rpc_server_options options = {.listens = &listen,
                                            .listens_len = 1,
                                            .credentials = credentials_of(&world.controller, &world.ca),
                                            .handler = &service,
                                            .handler_arg = &world,
                                            .calls_max = 2,
                                            .fabric = fabric_of(&world, SERVER_HOST)};
    ck_assert_int_eq(pt_rpc_server_new(world.sys, &options, &world.server, NULL), PT_OK);
    struct pt_rpc_channel *channel = open_channel(&world, &world.admin, &world.ca, pt_rpc_server_port(world.server, 0));
    for (unsigned i = 0; i < 2; i++) {
        unaries[i] = pt_rpc_unary(channel, "/t/Hold", bytes("x"), NULL, 0, 0, on_reply, &replies[i]);
    }
    TURN_UNTIL(&world, world.calls == 2);
    ck_assert_int_eq(call_text(&world, channel, "/t/Echo", "x", &replies[2]), PT_EXHAUSTED);
    ck_assert_int_eq(replies[2].error.reason, PT_REASON_OVERLOADED);
    ck_assert_uint_eq(world.calls, 2); /* the handler never saw it */
    pt_buf_fini(&replies[2].message);
    pt_rpc_unary_cancel(unaries[0]);
    pt_rpc_unary_cancel(unaries[1]);
    TURN_UNTIL(&world, world.ends == 2 && replies[0].called == 1 && replies[1].called == 1);
    ck_assert_int_eq(call_text(&world, channel, "/t/Echo", "x", &replies[2]), PT_OK);
    for (unsigned i = 0; i < 3; i++) {
        pt_buf_fini(&replies[i].message);
    }
    pt_rpc_channel_free(channel);
    world_fini(&world);
}
END_TEST

START_TEST(a_controller_without_the_server_name_is_not_trusted)
{
    struct world world;
    struct reply reply;
    world_init(&world, WORLD_GRPC);
    /* new_party gives names to controllers; an edge's request signed with a controller's id gets none. */
    PT_AUTO(buf) struct pt_buf csr = {0};
    PT_AUTO(buf) struct pt_buf cert = {0};
    struct pt_leaf_options options = {.spiffe_id = "spiffe://c-test/controller/c9",
                                      .now_ns = pt_sys_wall_ns(world.sys),
                                      .lifetime_ns = 3600 * INT64_C(1000000000),
                                      .serial = 99};
    ck_assert_int_eq(pt_csr_new(pem(&world.edge.key_pem), &csr, NULL), PT_OK);
    ck_assert_int_eq(
        pt_leaf_sign(pem(&world.ca.key_pem), pem(&world.ca.cert_pem), pt_buf_bytes(&csr), &options, &cert, NULL),
        PT_OK);
    struct pt_rpc_credentials nameless = {
        .cert_pem = pem(&cert), .key_pem = pem(&world.edge.key_pem), .ca_pem = pem(&world.ca.cert_pem)};
    ck_assert_int_eq(pt_rpc_server_set_credentials(world.server, &nameless, NULL), PT_OK);
    struct pt_rpc_channel *channel = open_channel(&world, &world.admin, &world.ca, world.api_port);
    ck_assert_int_eq(call_text(&world, channel, "/t/Echo", "x", &reply), PT_UNAVAILABLE);
    pt_buf_fini(&reply.message);
    pt_rpc_channel_free(channel);
    world_fini(&world);
}
END_TEST

START_TEST(metadata_that_no_header_can_carry_is_refused)
{
    struct world world;
    struct reply reply = {0};
    struct listener listener = {0};
    static const struct pt_rpc_stream_ops ops = {.on_message = listener_on_message, .on_end = listener_on_end};
    struct pt_rpc_metadata metadata = {.key = "x-test", .value = "a\nb"};
    world_init(&world, WORLD_GRPC);
    struct pt_rpc_channel *channel = open_channel(&world, &world.admin, &world.ca, world.api_port);
    (void)pt_rpc_unary(channel, "/t/Echo", bytes("x"), &metadata, 1, 0, on_reply, &reply);
    (void)pt_rpc_stream_open(channel, "/t/Chat", &metadata, 1, &ops, &listener);
    ck_assert_uint_eq(reply.called + listener.ended, 0);
    TURN_UNTIL(&world, reply.called == 1 && listener.ended == 1);
    ck_assert_int_eq(reply.error.code, PT_INVALID_ARGUMENT);
    ck_assert_int_eq(listener.error.code, PT_INVALID_ARGUMENT);
    pt_buf_fini(&reply.message);
    pt_rpc_channel_free(channel);
    world_fini(&world);
}
END_TEST

static int dial(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

START_TEST(what_is_not_tls_does_not_disturb_the_others)
{
    /* Method: plaintext HTTP/2, HTTP/1, a TLS record that promises more than it holds, and noise, all connections kept
     * open; then a proper call. */
    static const char *const noises[] = {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                                         "\x16\x03\x01\x40\x01\x01", "\xff\xfe\xfd\xfc"};
    struct world world;
    struct reply reply;
    int fds[40];
    world_init(&world, (enum world_kind)_i);
    for (size_t i = 0; i < 40; i++) {
        const char *noise = noises[i % 4];
        fds[i] = dial(i % 2 == 0 ? world.api_port : world.agent_port);
        ck_assert_int_eq(send(fds[i], noise, strlen(noise), MSG_NOSIGNAL), (ssize_t)strlen(noise));
    }
    struct pt_rpc_channel *channel = open_channel(&world, &world.admin, &world.ca, world.api_port);
    ck_assert_int_eq(call_text(&world, channel, "/t/Echo", "x", &reply), PT_OK);
    pt_buf_fini(&reply.message);
    for (size_t i = 0; i < 40; i++) {
        close(fds[i]);
    }
    pt_rpc_channel_free(channel);
    ck_assert_uint_eq(world.calls, 1);
    world_fini(&world);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rpc tls");
    TCase *test_case = tcase_create("doors");
    tcase_set_timeout(test_case, 60);
    tcase_add_loop_test(test_case, new_credentials_serve_new_connections_while_a_stream_goes_on, WORLD_GRPC,
                        WORLD_POLLED + 1);
    tcase_add_loop_test(test_case, credentials_that_do_not_fit_together_are_refused_and_the_old_ones_stay, WORLD_GRPC,
                        WORLD_POLLED + 1);
    tcase_add_loop_test(test_case, calls_over_the_cap_are_told_so, WORLD_GRPC, WORLD_POLLED + 1);
    tcase_add_test(test_case, a_controller_without_the_server_name_is_not_trusted);
    tcase_add_test(test_case, metadata_that_no_header_can_carry_is_refused);
    tcase_add_loop_test(test_case, what_is_not_tls_does_not_disturb_the_others, WORLD_GRPC, WORLD_GRPC + 1);
    tcase_add_loop_test(test_case, what_is_not_tls_does_not_disturb_the_others, WORLD_POLLED, WORLD_POLLED + 1);
    suite_add_tcase(suite, test_case);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK); /* no fork after grpc_init */
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
