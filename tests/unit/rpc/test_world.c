/*
 * Faults of the simulated network: crashes, cuts, determinism. On one real loop with all hosts on it, so that the
 * instants are not asserted here; tests of whole nodes do that on simulated hosts.
 */
#include "fixture.h"

START_TEST(a_crashed_server_is_unavailable_and_makes_no_callbacks)
{
    struct world world;
    struct reply reply = {0};
    struct listener listener;
    world_init(&world, WORLD_FABRIC);
    struct pt_rpc_channel *channel = open_channel(&world, &world.admin, &world.ca, world.api_port);
    (void)pt_rpc_unary(channel, "/t/Hold", bytes("x"), NULL, 0, 0, on_reply, &reply);
    listen_to(&world, &listener, channel, "/t/Chat");
    (void)pt_rpc_stream_send(listener.stream, bytes("x"));
    TURN_UNTIL(&world, world.held != NULL && listener.messages == 1);
    pt_rpc_world_crash(world.net, SERVER_HOST);
    ck_assert_uint_eq(reply.called, 0); /* the client learns of it later */
    TURN_UNTIL(&world, reply.called > 0 && listener.ended > 0);
    ck_assert_int_eq(reply.error.code, PT_UNAVAILABLE);
    ck_assert_int_eq(listener.error.code, PT_UNAVAILABLE);
    ck_assert_uint_eq(world.ends, 0);
    ck_assert_uint_eq(pt_rpc_world_calls(world.net), 0);
    pt_buf_fini(&reply.message);
    ck_assert_int_eq(call_text(&world, channel, "/t/Echo", "x", &reply), PT_UNAVAILABLE);
    pt_buf_fini(&reply.message);

    /* Back again at the same port: the channel finds it by itself. */
    struct pt_rpc_credentials credentials = credentials_of(&world.controller, &world.ca);
    ck_assert_int_eq(open_server(&world, &credentials, world.api_port, &world.server, NULL), PT_OK);
    ck_assert_int_eq(call_text(&world, channel, "/t/Echo", "back", &reply), PT_OK);
    ck_assert_str_eq(pem(&reply.message), "back");
    pt_buf_fini(&reply.message);
    pt_buf_fini(&listener.last);
    pt_rpc_channel_free(channel);
    world.ends += 2; /* the two that died without a word */
    world_fini(&world);
}
END_TEST

START_TEST(a_crashed_client_ends_its_calls_at_the_server)
{
    struct world world;
    struct reply reply = {0};
    struct listener listener;
    world_init(&world, WORLD_FABRIC);
    struct pt_rpc_channel *channel = open_channel(&world, &world.admin, &world.ca, world.api_port);
    (void)pt_rpc_unary(channel, "/t/Hold", bytes("x"), NULL, 0, 0, on_reply, &reply);
    listen_to(&world, &listener, channel, "/t/Chat");
    (void)pt_rpc_stream_send(listener.stream, bytes("x"));
    TURN_UNTIL(&world, world.held != NULL && listener.messages == 1);
    pt_rpc_world_crash(world.net, CLIENT_HOST);
    TURN_UNTIL(&world, world.ends == 2);
    ck_assert_uint_eq(world.ends_cancelled, 2);
    ck_assert_uint_eq(reply.called, 0);
    ck_assert_uint_eq(listener.ended, 0);
    ck_assert_uint_eq(pt_rpc_world_calls(world.net), 0);
    pt_buf_fini(&listener.last);
    world_fini(&world);
}
END_TEST

START_TEST(a_host_that_calls_itself_may_crash)
{
    struct world world;
    struct reply reply = {0};
    world_init(&world, WORLD_FABRIC);
    struct pt_rpc_channel_options options = {.credentials = credentials_of(&world.admin, &world.ca),
                                             .fabric = fabric_of(&world, SERVER_HOST)};
    char address[32];
    (void)snprintf(address, sizeof(address), "10.0.0.1:%u", world.api_port);
    options.address = address;
    struct pt_rpc_channel *channel = NULL;
    ck_assert_int_eq(pt_rpc_channel_new(world.sys, &options, &channel, NULL), PT_OK);
    (void)pt_rpc_unary(channel, "/t/Hold", bytes("x"), NULL, 0, 0, on_reply, &reply);
    TURN_UNTIL(&world, world.held != NULL);
    pt_rpc_world_crash(world.net, SERVER_HOST);
    ck_assert_uint_eq(pt_rpc_world_calls(world.net), 0);
    ck_assert_uint_eq(reply.called, 0);
    struct pt_rpc_credentials credentials = credentials_of(&world.controller, &world.ca);
    ck_assert_int_eq(open_server(&world, &credentials, 0, &world.server, NULL), PT_OK);
    world.ends++;
    world_fini(&world);
}
END_TEST

START_TEST(a_short_cut_delays_and_loses_nothing)
{
    struct world world;
    struct listener listener;
    world_init(&world, WORLD_FABRIC);
    struct pt_rpc_channel *channel = open_channel(&world, &world.admin, &world.ca, world.api_port);
    listen_to(&world, &listener, channel, "/t/Chat");
    (void)pt_rpc_stream_send(listener.stream, bytes("one"));
    TURN_UNTIL(&world, listener.messages == 1);
    /* Only the way back is cut: the server hears, the client does not. */
    pt_rpc_world_partition(world.net, SERVER_HOST, CLIENT_HOST, true);
    (void)pt_rpc_stream_send(listener.stream, bytes("two"));
    TURN_UNTIL(&world, world.messages == 2);
    uint64_t start_ns = pt_sys_now_ns(world.sys);
    struct reply reply = {0};
    (void)pt_rpc_unary(channel, "/t/Echo", bytes("x"), NULL, 0, 50, on_reply, &reply);
    TURN_UNTIL(&world, reply.called > 0); /* the deadline works without the network */
    ck_assert_int_eq(reply.error.code, PT_DEADLINE_EXCEEDED);
    ck_assert_uint_ge(pt_sys_now_ns(world.sys) - start_ns, UINT64_C(49000000));
    ck_assert_uint_eq(listener.messages, 1);
    pt_rpc_world_partition(world.net, SERVER_HOST, CLIENT_HOST, false);
    TURN_UNTIL(&world, listener.messages == 2);
    ck_assert_str_eq(pem(&listener.last), "two");
    pt_rpc_stream_half_close(listener.stream);
    TURN_UNTIL(&world, listener.ended > 0);
    ck_assert_int_eq(listener.error.code, PT_OK);
    pt_buf_fini(&reply.message);
    pt_buf_fini(&listener.last);
    pt_rpc_channel_free(channel);
    world_fini(&world);
}
END_TEST

START_TEST(a_long_cut_breaks_the_calls_on_both_sides)
{
    struct world world;
    struct listener listener;
    world_init(&world, WORLD_FABRIC);
    pt_rpc_server_close(world.server, 0, on_server_closed, &world);
    TURN_UNTIL(&world, world.server_closed);
    world.server_closed = false;
    pt_rpc_world_free(world.net);
    struct pt_rpc_world_options options = {
        .random = fixture_random, .random_arg = &fixture_random_state, .stall_ms = 100};
    world.net = pt_rpc_world_new(&options);
    struct pt_rpc_credentials credentials = credentials_of(&world.controller, &world.ca);
    ck_assert_int_eq(open_server(&world, &credentials, 0, &world.server, NULL), PT_OK);
    struct pt_rpc_channel *channel = open_channel(&world, &world.admin, &world.ca, pt_rpc_server_port(world.server, 0));
    listen_to(&world, &listener, channel, "/t/Chat");
    (void)pt_rpc_stream_send(listener.stream, bytes("one"));
    TURN_UNTIL(&world, listener.messages == 1);
    pt_rpc_world_partition(world.net, CLIENT_HOST, SERVER_HOST, true);
    TURN_UNTIL(&world, listener.ended > 0 && world.ends == 1);
    ck_assert_int_eq(listener.error.code, PT_UNAVAILABLE);
    ck_assert_uint_eq(world.ends_cancelled, 1);
    struct reply reply;
    ck_assert_int_eq(call_text(&world, channel, "/t/Echo", "x", &reply),
                     PT_UNAVAILABLE); /* a new one, across the cut */
    pt_buf_fini(&reply.message);
    pt_rpc_world_partition(world.net, CLIENT_HOST, SERVER_HOST, false);
    ck_assert_int_eq(call_text(&world, channel, "/t/Echo", "x", &reply), PT_OK);
    pt_buf_fini(&reply.message);
    TURN_UNTIL(&world, pt_rpc_world_calls(world.net) == 0);
    pt_buf_fini(&listener.last);
    pt_rpc_channel_free(channel);
    world_fini(&world);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rpc world");
    TCase *test_case = tcase_create("faults");
    tcase_set_timeout(test_case, 30);
    tcase_add_test(test_case, a_crashed_server_is_unavailable_and_makes_no_callbacks);
    tcase_add_test(test_case, a_crashed_client_ends_its_calls_at_the_server);
    tcase_add_test(test_case, a_host_that_calls_itself_may_crash);
    tcase_add_test(test_case, a_short_cut_delays_and_loses_nothing);
    tcase_add_test(test_case, a_long_cut_breaks_the_calls_on_both_sides);
    suite_add_tcase(suite, test_case);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
