/*
 * Calls of every shape. Each test runs in both worlds (_i): gRPC over TLS on loopback, and the simulated network.
 */
#include "fixture.h"

#include <time.h>

START_TEST(a_unary_call_carries_message_metadata_and_peer)
{
    struct world world;
    struct reply reply;
    world_init(&world, (enum world_kind)_i);
    struct pt_rpc_channel *channel = open_channel(&world, &world.edge, &world.ca, world.api_port);
    ck_assert_int_eq(call_text(&world, channel, "/t/Echo", "hello", &reply), PT_OK);
    ck_assert_str_eq(pem(&reply.message), "hello");
    pt_buf_fini(&reply.message);
    ck_assert_int_eq(call_text(&world, channel, "/t/Who", "", &reply), PT_OK);
    ck_assert_str_eq(pem(&reply.message), "api edge/organizations/acme/sites/nyc/edges/e1 ping");
    pt_buf_fini(&reply.message);
    pt_rpc_channel_free(channel);
    channel = open_channel(&world, &world.edge, &world.ca, world.agent_port);
    ck_assert_int_eq(call_text(&world, channel, "/t/Who", "", &reply), PT_OK);
    ck_assert_str_eq(pem(&reply.message), "agent edge/organizations/acme/sites/nyc/edges/e1 ping");
    pt_buf_fini(&reply.message);
    pt_rpc_channel_free(channel);
    ck_assert_uint_eq(world.half_closes, 0); /* unary calls have none */
    world_fini(&world);
}
END_TEST

START_TEST(a_refusal_keeps_code_reason_field_and_text)
{
    struct world world;
    struct reply reply;
    world_init(&world, (enum world_kind)_i);
    struct pt_rpc_channel *channel = open_channel(&world, &world.admin, &world.ca, world.api_port);
    ck_assert_int_eq(call_text(&world, channel, "/t/Fail", "91 is above 90; give \xc2\xb5-degrees", &reply),
                     PT_INVALID_ARGUMENT);
    ck_assert_int_eq(reply.error.reason, PT_REASON_FIELD_INVALID);
    ck_assert_str_eq(reply.error.field, "site.latitude_micro");
    ck_assert_str_eq(reply.error.text, "91 is above 90; give \xc2\xb5-degrees");
    pt_buf_fini(&reply.message);
    ck_assert_int_eq(call_text(&world, channel, "/t/Nothing", "", &reply), PT_UNIMPLEMENTED);
    ck_assert_str_eq(reply.error.text, "there is no method /t/Nothing");
    pt_buf_fini(&reply.message);
    pt_rpc_channel_free(channel);
    world_fini(&world);
}
END_TEST

START_TEST(without_a_certificate_the_api_door_shows_no_peer_and_the_agent_door_refuses)
{
    struct world world;
    struct reply reply;
    world_init(&world, (enum world_kind)_i);
    struct pt_rpc_channel *channel = open_channel(&world, NULL, &world.ca, world.api_port);
    ck_assert_int_eq(call_text(&world, channel, "/t/Who", "", &reply), PT_OK);
    ck_assert_str_eq(pem(&reply.message), "api - ping");
    pt_buf_fini(&reply.message);
    pt_rpc_channel_free(channel);
    channel = open_channel(&world, NULL, &world.ca, world.agent_port);
    ck_assert_int_eq(call_text(&world, channel, "/t/Who", "", &reply), PT_UNAVAILABLE);
    pt_buf_fini(&reply.message);
    pt_rpc_channel_free(channel);
    ck_assert_uint_eq(world.calls, 1);
    world_fini(&world);
}
END_TEST

START_TEST(another_ca_is_refused_on_both_sides)
{
    struct world world;
    struct reply reply;
    world_init(&world, (enum world_kind)_i);
    /* The client's certificate is of another CA: both doors refuse, though one needs none. */
    const uint16_t ports[] = {world.api_port, world.agent_port};
    for (size_t i = 0; i < 2; i++) {
        struct pt_rpc_channel *channel = open_channel(&world, &world.stranger, &world.other_ca, ports[i]);
        ck_assert_int_eq(call_text(&world, channel, "/t/Echo", "", &reply), PT_UNAVAILABLE);
        pt_buf_fini(&reply.message);
        pt_rpc_channel_free(channel);
    }
    /* The client trusts another CA than the server's. */
    struct pt_rpc_channel *channel = open_channel(&world, NULL, &world.other_ca, world.api_port);
    ck_assert_int_eq(call_text(&world, channel, "/t/Echo", "", &reply), PT_UNAVAILABLE);
    pt_buf_fini(&reply.message);
    pt_rpc_channel_free(channel);
    ck_assert_uint_eq(world.calls, 0);
    world_fini(&world);
}
END_TEST

START_TEST(nobody_listening_is_unavailable)
{
    struct world world;
    struct reply reply;
    world_init(&world, (enum world_kind)_i);
    struct pt_rpc_channel *channel = open_channel(&world, NULL, &world.ca, 1);
    ck_assert_int_eq(call_text(&world, channel, "/t/Echo", "", &reply), PT_UNAVAILABLE);
    pt_buf_fini(&reply.message);
    pt_rpc_channel_free(channel);
    world_fini(&world);
}
END_TEST

START_TEST(a_deadline_ends_the_call_on_both_sides)
{
    struct world world;
    struct reply reply = {0};
    world_init(&world, (enum world_kind)_i);
    struct pt_rpc_channel *channel = open_channel(&world, &world.admin, &world.ca, world.api_port);
    ck_assert_int_eq(call_text(&world, channel, "/t/Echo", "", &reply), PT_OK); /* connected */
    pt_buf_fini(&reply.message);
    reply = (struct reply){0};
    uint64_t start_ns = pt_sys_now_ns(world.sys);
    (void)pt_rpc_unary(channel, "/t/Hold", bytes(""), NULL, 0, 300, on_reply, &reply);
    TURN_UNTIL(&world, world.held != NULL);
    uint64_t deadline_ns = pt_rpc_call_info(world.held)->deadline_ns;
    ck_assert_uint_ge(deadline_ns, start_ns + 200 * UINT64_C(1000000));
    ck_assert_uint_le(deadline_ns, start_ns + 400 * UINT64_C(1000000));
    TURN_UNTIL(&world, reply.called > 0 && world.ends == 2);
    ck_assert_int_eq(reply.error.code, PT_DEADLINE_EXCEEDED);
    ck_assert_uint_ge(pt_sys_now_ns(world.sys), start_ns + 290 * UINT64_C(1000000));
    ck_assert_uint_eq(world.ends_cancelled, 1);
    pt_buf_fini(&reply.message);
    pt_rpc_channel_free(channel);
    world_fini(&world);
}
END_TEST

START_TEST(cancelling_reaches_the_server)
{
    struct world world;
    struct reply reply = {0};
    world_init(&world, (enum world_kind)_i);
    struct pt_rpc_channel *channel = open_channel(&world, &world.admin, &world.ca, world.api_port);
    struct pt_rpc_unary *unary = pt_rpc_unary(channel, "/t/Hold", bytes("x"), NULL, 0, 0, on_reply, &reply);
    TURN_UNTIL(&world, world.held != NULL);
    pt_rpc_unary_cancel(unary);
    ck_assert_uint_eq(reply.called, 0); /* later, not now */
    TURN_UNTIL(&world, reply.called > 0 && world.ends == 1);
    ck_assert_int_eq(reply.error.code, PT_CANCELLED);
    ck_assert_uint_eq(world.ends_cancelled, 1);
    pt_buf_fini(&reply.message);
    pt_rpc_channel_free(channel);
    world_fini(&world);
}
END_TEST

/* Answered; refused; given up by the client, which the server learns with its answer; open when the server closes. */
/* Answered, refused, left by its client and cut off by the end of the server. */
static void late_replies(enum world_kind kind, const char *method)
{
    struct world world;
    struct reply replies[4] = {0};
    world_init(&world, kind);
    struct pt_rpc_channel *channel = open_channel(&world, &world.admin, &world.ca, world.api_port);
    for (unsigned i = 0; i < 4; i++) {
        struct reply *reply = &replies[i];
        struct pt_rpc_unary *unary = pt_rpc_unary(channel, method, bytes("x"), NULL, 0, 0, on_reply, reply);
        TURN_UNTIL(&world, world.held != NULL);
        if (i == 0) {
            (void)pt_rpc_call_send(world.held, bytes("late"));
            pt_rpc_call_finish(world.held, NULL);
        } else if (i == 1) {
            struct pt_error error = {0};
            (void)pt_fail(&error, PT_ABORTED, PT_REASON_CONFLICT, NULL, "no");
            pt_rpc_call_finish(world.held, &error);
        } else if (i == 2) {
            pt_rpc_unary_cancel(unary);
            TURN_UNTIL(&world, reply->called > 0);
            if (world.held != NULL) {
                pt_rpc_call_finish(world.held, NULL);
            }
        } else {
            pt_rpc_server_close(world.server, 10, on_server_closed, &world);
            TURN_UNTIL(&world, world.server_closed);
        }
        TURN_UNTIL(&world, reply->called > 0 && world.ends == i + 1 && world.held == NULL);
        ck_assert(i == 2 || world.ends_cancelled >= i / 3); /* 2: the answer may go out before the word of the client */
        ck_assert(i >= 2 || world.ends_cancelled == 0);
    }
    ck_assert(strcmp(method, "/t/Shut") != 0 || kind == WORLD_FABRIC || world.messages == 0);
    ck_assert_int_eq(replies[0].error.code, PT_OK);
    ck_assert_uint_ge(replies[0].message.size, 4);
    ck_assert_mem_eq(replies[0].message.data, "late", 4);
    ck_assert_int_eq(replies[1].error.code, PT_ABORTED);
    ck_assert_int_eq(replies[2].error.code, PT_CANCELLED);
    ck_assert_int_ne(replies[3].error.code, PT_OK);
    for (unsigned i = 0; i < 4; i++) {
        pt_buf_fini(&replies[i].message);
    }
    pt_rpc_channel_free(channel);
    world_fini(&world);
}

START_TEST(a_call_of_one_reply_ends_with_it)
{
    late_replies((enum world_kind)_i, "/t/Late");
}
END_TEST

START_TEST(a_call_that_is_not_read_is_answered_too)
{
    late_replies((enum world_kind)_i, "/t/Shut");
}
END_TEST

START_TEST(freeing_a_channel_ends_its_calls_first)
{
    struct world world;
    struct reply reply = {0};
    struct listener listener;
    world_init(&world, (enum world_kind)_i);
    struct pt_rpc_channel *channel = open_channel(&world, &world.admin, &world.ca, world.api_port);
    (void)pt_rpc_unary(channel, "/t/Hold", bytes("x"), NULL, 0, 0, on_reply, &reply);
    listen_to(&world, &listener, channel, "/t/Chat");
    (void)pt_rpc_stream_send(listener.stream, bytes("one"));
    TURN_UNTIL(&world, world.held != NULL && listener.messages == 1);
    pt_rpc_channel_free(channel);
    ck_assert_uint_eq(reply.called, 1);
    ck_assert_int_eq(reply.error.code, PT_CANCELLED);
    ck_assert_uint_eq(listener.ended, 1);
    ck_assert_int_eq(listener.error.code, PT_CANCELLED);
    TURN_UNTIL(&world, world.ends == 2);
    ck_assert_uint_eq(world.ends_cancelled, 2);
    pt_buf_fini(&reply.message);
    pt_buf_fini(&listener.last);
    world_fini(&world);
}
END_TEST

struct suicide {
    struct pt_rpc_channel *channel;
    unsigned called;
};

static void free_own_channel(void *arg, const struct pt_error *error, struct pt_bytes message)
{
    struct suicide *suicide = arg;
    suicide->called++;
    pt_rpc_channel_free(suicide->channel);
    suicide->channel = NULL;
    ck_assert_ptr_null(error);
    ck_assert_mem_eq(message.data, "bye", 3); /* still there */
}

START_TEST(a_callback_may_free_its_channel)
{
    struct world world;
    struct reply other = {0};
    world_init(&world, (enum world_kind)_i);
    struct suicide suicide = {.channel = open_channel(&world, &world.admin, &world.ca, world.api_port)};
    (void)pt_rpc_unary(suicide.channel, "/t/Hold", bytes("x"), NULL, 0, 0, on_reply, &other);
    (void)pt_rpc_unary(suicide.channel, "/t/Echo", bytes("bye"), NULL, 0, 0, free_own_channel, &suicide);
    TURN_UNTIL(&world, suicide.called > 0);
    ck_assert_uint_eq(suicide.called, 1);
    ck_assert_uint_eq(other.called, 1);
    ck_assert_int_eq(other.error.code, PT_CANCELLED);
    pt_buf_fini(&other.message);
    TURN_UNTIL(&world, world.ends == world.calls && world.calls >= 1);
    world_fini(&world);
}
END_TEST

START_TEST(a_stream_talks_both_ways_and_ends_with_ok)
{
    struct world world;
    struct listener listener;
    world_init(&world, (enum world_kind)_i);
    struct pt_rpc_channel *channel = open_channel(&world, &world.edge, &world.ca, world.agent_port);
    listen_to(&world, &listener, channel, "/t/Chat");
    for (unsigned i = 1; i <= 100; i++) {
        char text[16];
        (void)snprintf(text, sizeof(text), "message %u", i);
        (void)pt_rpc_stream_send(listener.stream, bytes(text));
        if (i % 10 == 0) { /* ten at once, then wait for the last of them */
            TURN_UNTIL(&world, listener.messages == i);
            ck_assert_str_eq(pem(&listener.last), text);
        }
    }
    (void)pt_rpc_stream_send(listener.stream, bytes("last"));
    pt_rpc_stream_half_close(listener.stream);
    (void)pt_rpc_stream_send(listener.stream, bytes("ignored"));
    TURN_UNTIL(&world, listener.ended > 0);
    ck_assert_int_eq(listener.error.code, PT_OK);
    ck_assert_uint_eq(listener.messages, 101);
    ck_assert_str_eq(pem(&listener.last), "last");
    TURN_UNTIL(&world, world.ends == 1);
    ck_assert_uint_eq(world.half_closes, 1);
    ck_assert_uint_eq(world.ends_cancelled, 0);
    pt_buf_fini(&listener.last);
    pt_rpc_channel_free(channel);
    world_fini(&world);
}
END_TEST

/* gRPC's client keeps what is too much: the server never has more open, and each has its turn. */
START_TEST(calls_that_a_connection_does_not_carry_wait_at_the_client)
{
    enum { LEN = PT_RPC_STREAMS_MAX + 50 };
    if (_i == WORLD_FABRIC) { /* it has no connections */
        return;
    }
    struct world world;
    struct listener *listeners = calloc(LEN, sizeof(*listeners));
    bool answered[LEN] = {false}, closed[LEN] = {false};
    world_init(&world, (enum world_kind)_i);
    struct pt_rpc_channel *channel = open_channel(&world, &world.edge, &world.ca, world.agent_port);
    for (unsigned i = 0; i < LEN; i++) {
        listen_to(&world, &listeners[i], channel, "/t/Chat");
        (void)pt_rpc_stream_send(listeners[i].stream, bytes("one"));
    }
    unsigned open_max = 0;
    for (unsigned answers = 0; answers < LEN;) {
        pt_sys_uv_turn(world.sys, true);
        unsigned open = world.calls - world.ends;
        open_max = open > open_max ? open : open_max;
        for (unsigned i = 0; i < LEN; i++) {
            if (!answered[i] && listeners[i].messages > 0) {
                answered[i] = true;
                answers++;
            }
        }
        for (unsigned i = 0; answers >= PT_RPC_STREAMS_MAX && i < LEN; i++) { /* as many as may be: now let others in */
            if (answered[i] && !closed[i]) {
                closed[i] = true;
                pt_rpc_stream_half_close(listeners[i].stream);
            }
        }
    }
    ck_assert_uint_eq(open_max, PT_RPC_STREAMS_MAX);
    for (unsigned i = 0; i < LEN; i++) {
        TURN_UNTIL(&world, listeners[i].ended > 0);
        ck_assert_int_eq(listeners[i].error.code, PT_OK);
        pt_buf_fini(&listeners[i].last);
    }
    pt_rpc_channel_free(channel);
    free(listeners);
    world_fini(&world);
}
END_TEST

/* The first batch holds the headers and a message with more behind it: it must leave all the same. */
START_TEST(two_messages_in_the_first_turn_arrive_while_the_stream_stays_open)
{
    struct world world;
    struct listener listener;
    world_init(&world, (enum world_kind)_i);
    struct pt_rpc_channel *channel = open_channel(&world, &world.edge, &world.ca, world.agent_port);
    listen_to(&world, &listener, channel, "/t/Twice");
    (void)pt_rpc_stream_send(listener.stream, bytes("hello"));
    TURN_UNTIL(&world, listener.messages == 2);
    ck_assert_uint_eq(listener.ended, 0);
    pt_rpc_stream_half_close(listener.stream);
    TURN_UNTIL(&world, listener.ended > 0);
    pt_buf_fini(&listener.last);
    pt_rpc_channel_free(channel);
    world_fini(&world);
}
END_TEST

START_TEST(a_fast_writer_waits_for_the_reader_within_the_bound)
{
    struct world world;
    struct listener listener;
    world_init(&world, (enum world_kind)_i);
    struct pt_rpc_channel *channel = open_channel(&world, &world.edge, &world.ca, world.agent_port);
    listen_to(&world, &listener, channel, "/t/Count");
    (void)pt_rpc_stream_send(listener.stream, bytes("3000 1000"));
    pt_rpc_stream_half_close(listener.stream);
    TURN_UNTIL(&world, listener.ended > 0);
    ck_assert_int_eq(listener.error.code, PT_OK);
    ck_assert_uint_eq(listener.messages, 3000);
    uint32_t number;
    memcpy(&number, listener.last.data, sizeof(number));
    ck_assert_uint_eq(number, 2999); /* nothing is lost behind the status */
    ck_assert_uint_gt(world.writables, 0);
    ck_assert_uint_le(world.queued_max, PT_RPC_QUEUE_LEN_MAX);
    TURN_UNTIL(&world, world.ends == 1);
    pt_buf_fini(&listener.last);
    pt_rpc_channel_free(channel);
    world_fini(&world);
}
END_TEST

START_TEST(a_client_stream_is_bounded_too)
{
    struct world world;
    struct listener listener;
    world_init(&world, (enum world_kind)_i);
    struct pt_rpc_channel *channel = open_channel(&world, &world.edge, &world.ca, world.agent_port);
    listen_to(&world, &listener, channel, "/t/Chat");
    unsigned sent = 1;
    while (pt_rpc_stream_send(listener.stream, bytes("x"))) {
        sent++;
    }
    ck_assert_uint_eq(sent, PT_RPC_QUEUE_LEN_MAX);
    TURN_UNTIL(&world, listener.writables == 1);
    ck_assert(pt_rpc_stream_send(listener.stream, bytes("x")));
    pt_rpc_stream_half_close(listener.stream);
    TURN_UNTIL(&world, listener.ended > 0);
    ck_assert_uint_eq(listener.messages, sent + 1);
    pt_buf_fini(&listener.last);
    pt_rpc_channel_free(channel);
    world_fini(&world);
}
END_TEST

START_TEST(cancelling_a_stream_ends_it_on_both_sides)
{
    struct world world;
    struct listener listener;
    world_init(&world, (enum world_kind)_i);
    struct pt_rpc_channel *channel = open_channel(&world, &world.edge, &world.ca, world.agent_port);
    listen_to(&world, &listener, channel, "/t/Chat");
    (void)pt_rpc_stream_send(listener.stream, bytes("x"));
    TURN_UNTIL(&world, listener.messages == 1);
    pt_rpc_stream_cancel(listener.stream);
    TURN_UNTIL(&world, listener.ended > 0 && world.ends == 1);
    ck_assert_int_eq(listener.error.code, PT_CANCELLED);
    ck_assert_uint_eq(world.ends_cancelled, 1);
    pt_buf_fini(&listener.last);
    pt_rpc_channel_free(channel);
    world_fini(&world);
}
END_TEST

START_TEST(one_message_is_asked_for_and_none_comes)
{
    struct world world;
    struct listener listener;
    world_init(&world, (enum world_kind)_i);
    struct pt_rpc_channel *channel = open_channel(&world, &world.admin, &world.ca, world.api_port);
    listen_to(&world, &listener, channel, "/t/Echo");
    pt_rpc_stream_half_close(listener.stream);
    TURN_UNTIL(&world, listener.ended > 0);
    ck_assert_int_eq(listener.error.code, PT_INVALID_ARGUMENT);
    ck_assert_int_eq(listener.error.reason, PT_REASON_MESSAGE_MALFORMED);
    TURN_UNTIL(&world, world.ends == 1);
    pt_buf_fini(&listener.last);
    pt_rpc_channel_free(channel);
    world_fini(&world);
}
END_TEST

START_TEST(a_message_over_the_limit_is_refused_and_one_at_it_passes)
{
    struct world world;
    struct reply reply;
    world_init(&world, (enum world_kind)_i);
    struct pt_rpc_channel *channel = open_channel(&world, &world.admin, &world.ca, world.api_port);
    size_t limit = (1U << 20) + (64U << 10);
    for (size_t extra = 0; extra < 2; extra++) {
        PT_AUTO(free) char *text = malloc(limit + extra + 1);
        memset(text, 'x', limit + extra);
        text[limit + extra] = '\0';
        ck_assert_int_eq(call_text(&world, channel, "/t/Echo", text, &reply), extra == 0 ? PT_OK : PT_EXHAUSTED);
        ck_assert_uint_eq(reply.message.size, extra == 0 ? limit + 1 : 1);
        pt_buf_fini(&reply.message);
    }
    ck_assert_int_eq(call_text(&world, channel, "/t/Echo", "fine", &reply), PT_OK); /* the connection lives on */
    pt_buf_fini(&reply.message);
    pt_rpc_channel_free(channel);
    world_fini(&world);
}
END_TEST

START_TEST(closing_waits_for_the_grace_and_then_cancels)
{
    struct world world;
    struct listener listener;
    world_init(&world, (enum world_kind)_i);
    struct pt_rpc_channel *channel = open_channel(&world, &world.edge, &world.ca, world.agent_port);
    listen_to(&world, &listener, channel, "/t/Chat");
    (void)pt_rpc_stream_send(listener.stream, bytes("x"));
    TURN_UNTIL(&world, listener.messages == 1);
    uint64_t start_ns = pt_sys_now_ns(world.sys);
    pt_rpc_server_close(world.server, 200, on_server_closed, &world);
    (void)pt_rpc_stream_send(listener.stream, bytes("still served"));
    TURN_UNTIL(&world, listener.messages == 2);
    ck_assert(!world.server_closed);
    TURN_UNTIL(&world, world.server_closed && listener.ended > 0);
    uint64_t took_ms = (pt_sys_now_ns(world.sys) - start_ns) / 1000000;
    ck_assert_uint_ge(took_ms, 199);
    ck_assert_uint_le(took_ms, 5000);
    ck_assert_uint_eq(world.ends_cancelled, 1);
    ck_assert_int_ne(listener.error.code, PT_OK);
    pt_buf_fini(&listener.last);
    pt_rpc_channel_free(channel);
    world_fini(&world);
}
END_TEST

START_TEST(closing_ends_at_once_when_nothing_is_open)
{
    struct world world;
    struct reply reply;
    world_init(&world, (enum world_kind)_i);
    struct pt_rpc_channel *channel = open_channel(&world, &world.edge, &world.ca, world.agent_port);
    ck_assert_int_eq(call_text(&world, channel, "/t/Echo", "x", &reply), PT_OK);
    pt_buf_fini(&reply.message);
    uint64_t start_ns = pt_sys_now_ns(world.sys);
    pt_rpc_server_close(world.server, 60000, on_server_closed, &world);
    TURN_UNTIL(&world, world.server_closed);
    ck_assert_uint_le(pt_sys_now_ns(world.sys) - start_ns, UINT64_C(10000000000));
    ck_assert_int_eq(call_text(&world, channel, "/t/Echo", "x", &reply), PT_UNAVAILABLE);
    pt_buf_fini(&reply.message);
    pt_rpc_channel_free(channel);
    world_fini(&world);
}
END_TEST

START_TEST(an_address_in_use_is_named)
{
    struct world world;
    world_init(&world, (enum world_kind)_i);
    struct pt_rpc_credentials credentials = credentials_of(&world.controller, &world.ca);
    struct pt_rpc_server *second = NULL;
    struct pt_error error = {0};
    ck_assert_int_eq(open_server(&world, &credentials, world.api_port, &second, &error), PT_FAILED_PRECONDITION);
    char port[8];
    (void)snprintf(port, sizeof(port), ":%u", world.api_port);
    ck_assert_ptr_nonnull(strstr(error.text, port));
    ck_assert_ptr_null(second);
    world_fini(&world);
}
END_TEST

static const char *const world_names[] = {
    [WORLD_GRPC] = "grpc", [WORLD_FABRIC] = "fabric", [WORLD_POLLED] = "grpc, polled by the loop"};

/* Keep 64 calls in flight until `left` is used up. */
struct load {
    struct world *world;
    struct pt_rpc_channel *channel;
    unsigned left, answered, in_flight;
    unsigned char *seen; /* per call: how often it was answered */
};

struct shot {
    struct load *load;
    unsigned number;
};

static void shoot(struct load *load);

static void on_shot(void *arg, const struct pt_error *error, struct pt_bytes message)
{
    struct shot *shot = arg;
    struct load *load = shot->load;
    ck_assert_ptr_null(error);
    unsigned number;
    ck_assert_uint_eq(message.size, 256);
    memcpy(&number, message.data, sizeof(number));
    ck_assert_uint_eq(number, shot->number);
    load->seen[number]++;
    load->answered++;
    load->in_flight--;
    free(shot);
    shoot(load);
}

static void shoot(struct load *load)
{
    while (load->left > 0 && load->in_flight < 64) {
        struct shot *shot = malloc(sizeof(*shot));
        *shot = (struct shot){.load = load, .number = --load->left};
        uint8_t request[256] = {0};
        memcpy(request, &shot->number, sizeof(shot->number));
        load->in_flight++;
        (void)pt_rpc_unary(load->channel, "/t/Echo", (struct pt_bytes){.data = request, .size = sizeof(request)}, NULL,
                           0, 0, on_shot, shot);
    }
}

START_TEST(each_of_20000_calls_is_answered_once)
{
#ifdef __SANITIZE_THREAD__
    enum { LEN = 200 }; /* a hundred times slower */
#else
    enum { LEN = 20000 };
#endif
    struct world world;
    world_init(&world, (enum world_kind)_i);
    struct load load = {.world = &world,
                        .channel = open_channel(&world, &world.admin, &world.ca, world.api_port),
                        .left = LEN,
                        .seen = calloc(LEN, 1)};
    uint64_t start_ns = pt_sys_now_ns(world.sys);
    shoot(&load);
    TURN_UNTIL(&world, load.answered == LEN);
    double seconds = (double)(pt_sys_now_ns(world.sys) - start_ns) / 1e9;
    printf("%s: %d calls, 64 in flight: %.0f calls/s\n", world_names[_i], LEN, LEN / seconds);
    for (unsigned i = 0; i < LEN; i++) {
        ck_assert_uint_eq(load.seen[i], 1);
    }
    free(load.seen);
    pt_rpc_channel_free(load.channel);
    world_fini(&world);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_unary_call_carries_message_metadata_and_peer,
        a_refusal_keeps_code_reason_field_and_text,
        without_a_certificate_the_api_door_shows_no_peer_and_the_agent_door_refuses,
        another_ca_is_refused_on_both_sides,
        nobody_listening_is_unavailable,
        a_deadline_ends_the_call_on_both_sides,
        cancelling_reaches_the_server,
        a_call_of_one_reply_ends_with_it,
        a_call_that_is_not_read_is_answered_too,
        freeing_a_channel_ends_its_calls_first,
        a_callback_may_free_its_channel,
        a_stream_talks_both_ways_and_ends_with_ok,
        calls_that_a_connection_does_not_carry_wait_at_the_client,
        two_messages_in_the_first_turn_arrive_while_the_stream_stays_open,
        a_fast_writer_waits_for_the_reader_within_the_bound,
        a_client_stream_is_bounded_too,
        cancelling_a_stream_ends_it_on_both_sides,
        one_message_is_asked_for_and_none_comes,
        a_message_over_the_limit_is_refused_and_one_at_it_passes,
        closing_waits_for_the_grace_and_then_cancels,
        closing_ends_at_once_when_nothing_is_open,
        an_address_in_use_is_named,
        each_of_20000_calls_is_answered_once,
    };
    Suite *suite = suite_create("rpc calls");
    for (int world = WORLD_GRPC; world <= WORLD_POLLED; world++) {
        TCase *test_case = tcase_create(world_names[world]);
        tcase_set_timeout(test_case, 60);
        for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
            tcase_add_loop_test(test_case, tests[i], world, world + 1);
        }
        suite_add_tcase(suite, test_case);
    }
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK); /* no fork after grpc_init */
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
