/*
 * Answers that leave together: a server and a client on one loop and gRPC's one poller, so that nobody comes between;
 * counted by what the kernel says of the server's end of the connection.
 */
#include "fixture.h"
#include "rpc/rpc_hook.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define LEN_MAX 100

/* A service that keeps its calls until so many are there, and then answers all. */
struct counter {
    struct pt_rpc_call *calls[LEN_MAX];
    unsigned len, due;
    unsigned refused_each; /* every so manieth is refused; 0: none */
    uint32_t segments;     /* of the server's end, before the answers */
};

struct client {
    unsigned answered, refused;
};

/* The ports of both ends of a connection. */
static bool connects(int fd, uint16_t own, uint16_t other)
{
    struct sockaddr_storage here = {0}, there = {0};
    socklen_t here_size = sizeof(here), there_size = sizeof(there);
    return getsockname(fd, (struct sockaddr *)&here, &here_size) == 0 &&
           getpeername(fd, (struct sockaddr *)&there, &there_size) == 0 && pt_sys_uv_endpoint(&here).port == own &&
           pt_sys_uv_endpoint(&there).port == other;
}

/* Segments with data that left the server's end of this call's connection. */
static uint32_t segments_of(const struct world *world, const char *peer)
{
    const char *colon = strrchr(peer, ':');
    ck_assert_ptr_nonnull(colon);
    uint16_t port = (uint16_t)strtoul(colon + 1, NULL, 10);
    for (int fd = 0; fd < 1024; fd++) {
        struct tcp_info info = {0};
        socklen_t size = sizeof(info);
        if (connects(fd, world->api_port, port) && getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0) {
            return info.tcpi_data_segs_out;
        }
    }
    ck_abort_msg("no descriptor is the connection to %s", peer);
    return 0;
}

static void counter_on_call(void *arg, struct pt_rpc_call *call)
{
    (void)arg;
    pt_rpc_call_expect_one(call);
    pt_rpc_call_reply_one(call);
}

static void answer_all(struct counter *counter)
{
    for (unsigned i = 0; i < counter->len; i++) {
        struct pt_rpc_call *call = counter->calls[i];
        struct pt_error error = {.code = PT_NOT_FOUND, .text = "there is none"};
        if (counter->refused_each > 0 && i % counter->refused_each == 0) {
            pt_rpc_call_finish(call, &error);
        } else {
            (void)pt_rpc_call_send(call, bytes("an answer"));
            pt_rpc_call_finish(call, NULL);
        }
    }
}

static void counter_on_message(void *arg, struct pt_rpc_call *call, struct pt_bytes message)
{
    struct counter *counter = arg;
    ck_assert_uint_eq(message.size, 4);
    counter->calls[counter->len++] = call;
}

static void counter_on_end(void *arg, struct pt_rpc_call *call, bool cancelled)
{
    (void)arg;
    (void)call;
    ck_assert(!cancelled);
}

static const struct pt_rpc_handler counter_service = {
    .on_call = counter_on_call, .on_message = counter_on_message, .on_end = counter_on_end};

static void on_answer(void *arg, const struct pt_error *error, struct pt_bytes message)
{
    struct client *client = arg;
    client->answered++;
    if (error != NULL) {
        ck_assert_int_eq(error->code, PT_NOT_FOUND);
        client->refused++;
    } else {
        ck_assert_uint_eq(message.size, strlen("an answer"));
    }
}

static void note_true(void *arg)
{
    bool *closed = arg;
    *closed = true;
}

static struct pt_rpc_channel *channel_beside(struct world *world, struct pt_rpc_server *server)
{
    char address[32];
    (void)snprintf(address, sizeof(address), "127.0.0.1:%u", world->api_port);
    const struct pt_rpc_channel_options options = {
        .address = address, .beside = server, .credentials = credentials_of(&world->admin, &world->ca)};
    struct pt_rpc_channel *channel = NULL;
    ck_assert_int_eq(pt_rpc_channel_new(world->sys, &options, &channel, NULL), PT_OK);
    return channel;
}

/* So many calls are answered in one turn, each once; gives the segments that it took. */
static uint32_t answer_in_one_turn(unsigned len, unsigned refused_each)
{
    struct world world;
    struct counter counter = {.refused_each = refused_each};
    struct client client = {0};
    world_init(&world, WORLD_FABRIC); /* for its certificates and its loop */
    struct pt_ip ip = pt_ip_from_v4(INADDR_LOOPBACK);
    struct pt_rpc_listen listen = {.address = {.ip = ip}, .door = PT_DOOR_API};
    struct pt_rpc_server_options options = {.listens = &listen,
                                            .listens_len = 1,
                                            .credentials = credentials_of(&world.controller, &world.ca),
                                            .handler = &counter_service,
                                            .handler_arg = &counter,
                                            .polled = true};
    struct pt_rpc_server *server = NULL;
    ck_assert_int_eq(pt_rpc_server_new(world.sys, &options, &server, NULL), PT_OK);
    world.api_port = pt_rpc_server_port(server, 0);
    struct pt_rpc_channel *channel = channel_beside(&world, server);
    for (unsigned i = 0; i < len; i++) {
        (void)pt_rpc_unary(channel, "/t/Any", bytes("call"), NULL, 0, 60000, on_answer, &client);
    }
    TURN_UNTIL(&world, counter.len == len);
    char peer[64];
    (void)snprintf(peer, sizeof(peer), "%s", pt_rpc_call_info(counter.calls[0])->peer_address);
    uint32_t before = segments_of(&world, peer);
    answer_all(&counter);
    TURN_UNTIL(&world, client.answered == len);
    uint32_t after = segments_of(&world, peer);
    ck_assert_uint_eq(client.refused, refused_each > 0 ? (len + refused_each - 1) / refused_each : 0);
    pt_rpc_channel_free(channel);
    bool closed = false;
    pt_rpc_server_close(server, 1000, note_true, &closed);
    TURN_UNTIL(&world, closed);
    world_fini(&world);
    return after - before;
}

/* Besides the answers, a window or a ping of HTTP/2 may leave. */
START_TEST(the_first_leaves_alone_and_the_others_with_each_other)
{
    ck_assert_uint_ge(answer_in_one_turn(1, 0), 1);
    ck_assert_uint_le(answer_in_one_turn(24, 0), 6);
}
END_TEST

START_TEST(a_crowd_leaves_in_pieces)
{
    uint32_t segments = answer_in_one_turn(LEN_MAX, 0);
    ck_assert_uint_ge(segments, 7); /* four times one and the others, the last of them four */
    ck_assert_uint_le(segments, 16);
}
END_TEST

START_TEST(refusals_leave_with_answers)
{
    ck_assert_uint_le(answer_in_one_turn(24, 3), 6);
    ck_assert_uint_le(answer_in_one_turn(24, 1), 6);
}
END_TEST

static void send_first(void *arg)
{
    const int *fd = arg;
    ck_assert_int_eq(send(*fd, "first ", 6, MSG_NOSIGNAL), 6);
}

START_TEST(what_is_done_before_a_write_is_done_once)
{
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    struct iovec part = {.iov_base = (void *)(uintptr_t) "write ", .iov_len = 6};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    char text[32] = {0};
    ck_assert(pt_rpc_hook_works());
    pt_rpc_hook_before_send(send_first, &pair[0]);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(sendmsg(pair[0], &message, MSG_NOSIGNAL), 6);
    }
    ck_assert_int_eq(recv(pair[1], text, sizeof(text), 0), 18);
    ck_assert_str_eq(text, "first write write ");
    pt_rpc_hook_before_send(send_first, &pair[0]);
    pt_rpc_hook_before_send(NULL, NULL);
    ck_assert_int_eq(sendmsg(pair[0], &message, MSG_NOSIGNAL), 6);
    ck_assert_int_eq(recv(pair[1], text, sizeof(text), 0), 6);
    ck_assert_int_eq(close(pair[0]) | close(pair[1]), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("line");
    TCase *tcase = tcase_create("line");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, the_first_leaves_alone_and_the_others_with_each_other);
    tcase_add_test(tcase, a_crowd_leaves_in_pieces);
    tcase_add_test(tcase, refusals_leave_with_answers);
    tcase_add_test(tcase, what_is_done_before_a_write_is_done_once);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
