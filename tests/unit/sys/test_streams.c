/*
 * Streams, the same tests over real loopback sockets (IPv4 and IPv6) and over the simulated network.
 */
#include "worlds.h"

struct peer {
    struct world *world;
    struct pt_stream *stream;
    struct pt_buf got;
    bool echo;
    bool close_on_data;
    int connects, accepts, closes, writables;
    enum pt_code connect_code, close_code;
    struct pt_endpoint from;
};

static void on_connect(void *arg, enum pt_code code)
{
    struct peer *peer = arg;
    peer->connects++;
    peer->connect_code = code;
}

static void on_data(void *arg, const uint8_t *data, size_t size)
{
    struct peer *peer = arg;
    ck_assert_uint_gt(size, 0);
    ck_assert_int_eq(peer->closes, 0);
    pt_buf_append(&peer->got, data, size);
    if (peer->echo) {
        (void)pt_stream_write(peer->stream, data, size);
    }
    if (peer->close_on_data) {
        pt_stream_close(peer->stream);
        peer->stream = NULL;
    }
}

static void on_closed(void *arg, enum pt_code code)
{
    struct peer *peer = arg;
    ck_assert_int_eq(peer->closes, 0);
    peer->closes++;
    peer->close_code = code;
}

static void on_writable(void *arg)
{
    ((struct peer *)arg)->writables++;
}

static const struct pt_stream_ops ops = {on_connect, on_data, on_closed, on_writable};

static void on_accept(void *arg, struct pt_stream *stream, const struct pt_endpoint *from)
{
    struct peer *peer = arg;
    peer->accepts++;
    peer->from = *from;
    peer->stream = stream;
    pt_stream_start(stream, &ops, peer);
}

static void refuse(void *arg, struct pt_stream *stream, const struct pt_endpoint *from)
{
    (void)stream;
    (void)from;
    ((struct peer *)arg)->accepts++;
}

struct fixture {
    struct world world;
    struct pt_listener *listener;
    struct peer client;
    struct peer server;
};

/* _i: 0 real v4, 1 real v6, 2 simulated v4, 3 simulated v6. */
#define VARIANTS 4

static void fixture_init(struct fixture *f, int variant, pt_accept_fn accept)
{
    struct pt_endpoint at;
    *f = (struct fixture){0};
    world_init(&f->world, variant / 2);
    ck_assert_int_eq(pt_endpoint_parse(variant % 2 == 0 ? "127.0.0.1:0" : "[::1]:0", &at, NULL), PT_OK);
    ck_assert_int_eq(pt_listen(f->world.sys, &at, accept, &f->server, &f->listener, NULL), PT_OK);
    at = pt_listener_address(f->listener);
    ck_assert_uint_ne(at.port, 0);
    f->client.stream = pt_connect(f->world.sys, &at, &ops, &f->client);
    ck_assert_int_eq(f->client.connects, 0); /* never at once */
}

static void fixture_open(struct fixture *f, int variant)
{
    fixture_init(f, variant, on_accept);
    WORLD_WAIT(&f->world, f->client.connects == 1 && f->server.accepts == 1);
    ck_assert_int_eq(f->client.connect_code, PT_OK);
}

static void fixture_fini(struct fixture *f)
{
    pt_stream_close(f->client.stream);
    pt_stream_close(f->server.stream);
    pt_listener_close(f->listener);
    pt_buf_fini(&f->client.got);
    pt_buf_fini(&f->server.got);
    world_fini(&f->world);
}

/* What is written comes back whole and in order, also when written before the connection stands. */
START_TEST(echo)
{
    struct fixture f;
    fixture_init(&f, _i, on_accept);
    f.server.echo = true;
    ck_assert(pt_stream_write(f.client.stream, "before", 6));
    WORLD_WAIT(&f.world, f.client.got.size == 6);
    for (int i = 0; i < 1000; i++) {
        char text[16];
        (void)snprintf(text, sizeof(text), "%06d ", i);
        ck_assert(pt_stream_write(f.client.stream, text, 7));
        if (i % 100 == 0) {
            world_turn(&f.world);
        }
    }
    WORLD_WAIT(&f.world, f.client.got.size == 6 + 7000);
    ck_assert_int_eq(memcmp(f.client.got.data, "before", 6), 0);
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(atoi((char *)f.client.got.data + 6 + i * 7), i);
    }
    ck_assert(!pt_ip_is_v4(&f.server.from.ip) == (_i == 1)); /* simulated hosts show their one address */
    ck_assert_uint_ne(f.server.from.port, 0);
    ck_assert_int_eq(f.client.closes + f.server.closes, 0);
    fixture_fini(&f);
}
END_TEST

/* More than a megabyte queued: write says false, on_writable comes once, and every byte arrives. */
START_TEST(backpressure)
{
    struct fixture f;
    fixture_open(&f, _i);
    enum { BLOCK = 65536 };
    uint8_t *block = malloc(BLOCK);
    pt_assert(block != NULL);
    size_t written = 0;
    bool more = true;
    for (int i = 0; i < 1000 && more; i++) {
        memset(block, i, BLOCK);
        more = pt_stream_write(f.client.stream, block, BLOCK);
        written += BLOCK;
    }
    ck_assert(!more);
    ck_assert_uint_gt(written, 1U << 20);
    memset(block, 0xee, BLOCK);
    ck_assert(!pt_stream_write(f.client.stream, block, BLOCK)); /* taken all the same */
    written += BLOCK;
    ck_assert_int_eq(f.client.writables, 0);
    WORLD_WAIT(&f.world, f.client.writables == 1);
    ck_assert(pt_stream_write(f.client.stream, "end", 3));
    WORLD_WAIT(&f.world, f.server.got.size == written + 3);
    ck_assert_int_eq(f.client.writables, 1);
    for (size_t at = 0; at < written - BLOCK; at += BLOCK / 2) {
        ck_assert_uint_eq(f.server.got.data[at], (uint8_t)(at / BLOCK));
    }
    ck_assert_uint_eq(f.server.got.data[written - 1], 0xee);
    ck_assert_int_eq(memcmp(f.server.got.data + written, "end", 3), 0);
    free(block);
    fixture_fini(&f);
}
END_TEST

/* An orderly close is told as PT_CLOSED, once; writing afterwards is harmless. */
START_TEST(close_is_told)
{
    struct fixture f;
    fixture_open(&f, _i);
    ck_assert(pt_stream_write(f.client.stream, "x", 1));
    WORLD_WAIT(&f.world, f.server.got.size == 1);
    pt_stream_close(f.client.stream);
    f.client.stream = NULL;
    WORLD_WAIT(&f.world, f.server.closes == 1);
    ck_assert_int_eq(f.server.close_code, PT_CLOSED);
    ck_assert(pt_stream_write(f.server.stream, "nobody", 6));
    pt_stream_close(NULL);
    fixture_fini(&f);
}
END_TEST

/* Closing within on_data is allowed: nothing is called afterwards, and the other side learns. */
START_TEST(close_within_a_callback)
{
    struct fixture f;
    fixture_open(&f, _i);
    f.server.close_on_data = true;
    f.server.echo = true;
    ck_assert(pt_stream_write(f.client.stream, "x", 1));
    WORLD_WAIT(&f.world, f.client.closes == 1);
    ck_assert_ptr_null(f.server.stream);
    ck_assert_int_eq(f.server.closes, 0);
    fixture_fini(&f);
}
END_TEST

/* Nobody listens: on_connect says so, and on_closed does not follow. */
START_TEST(connect_refused)
{
    struct fixture f;
    fixture_init(&f, _i, on_accept);
    struct pt_endpoint at = pt_listener_address(f.listener);
    pt_stream_close(f.client.stream); /* before it is connected */
    pt_listener_close(f.listener);
    f.listener = NULL;
    f.client.stream = pt_connect(f.world.sys, &at, &ops, &f.client);
    WORLD_WAIT(&f.world, f.client.connects == 1);
    ck_assert_int_eq(f.client.connect_code, PT_UNAVAILABLE);
    ck_assert_int_eq(f.client.closes, 0);
    ck_assert(pt_stream_write(f.client.stream, "x", 1));
    fixture_fini(&f);
}
END_TEST

/* A stream that on_accept does not take is closed. */
START_TEST(stream_not_taken_is_closed)
{
    struct fixture f;
    fixture_init(&f, _i, refuse);
    WORLD_WAIT(&f.world, f.client.closes == 1);
    ck_assert_int_eq(f.client.connects, 1);
    ck_assert_int_eq(f.client.connect_code, PT_OK);
    ck_assert_int_eq(f.server.accepts, 1);
    fixture_fini(&f);
}
END_TEST

/* The second listener on an address is refused by name. */
START_TEST(address_in_use)
{
    struct fixture f;
    fixture_open(&f, _i);
    struct pt_endpoint at = pt_listener_address(f.listener);
    struct pt_listener *second = NULL;
    struct pt_error error;
    char text[PT_ENDPOINT_TEXT_SIZE];
    ck_assert_int_eq(pt_listen(f.world.sys, &at, on_accept, &f.server, &second, &error), PT_FAILED_PRECONDITION);
    ck_assert_ptr_nonnull(strstr(error.text, pt_endpoint_format(&at, text)));
    ck_assert_ptr_null(second);
    fixture_fini(&f);
}
END_TEST

/* Many streams, a third closed before they are connected: each owner is told what it must be and no more. */
START_TEST(connect_and_close_many)
{
    struct fixture f;
    fixture_init(&f, _i, refuse);
    struct pt_endpoint at = pt_listener_address(f.listener);
    struct peer peers[50] = {0};
    for (int i = 0; i < 50; i++) {
        peers[i].stream = pt_connect(f.world.sys, &at, &ops, &peers[i]);
        (void)pt_stream_write(peers[i].stream, "abc", 3);
        if (i % 3 == 0) {
            pt_stream_close(peers[i].stream);
            peers[i].stream = NULL;
        }
    }
    for (int i = 0; i < 50; i++) {
        if (peers[i].stream != NULL) {
            WORLD_WAIT(&f.world, peers[i].closes == 1);
            ck_assert_int_eq(peers[i].connects, 1);
        } else {
            ck_assert_int_eq(peers[i].connects, 0);
        }
        pt_stream_close(peers[i].stream);
    }
    fixture_fini(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sys_streams");
    TCase *tc = tcase_create("all");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, echo, 0, VARIANTS);
    tcase_add_loop_test(tc, backpressure, 0, VARIANTS);
    tcase_add_loop_test(tc, close_is_told, 0, VARIANTS);
    tcase_add_loop_test(tc, close_within_a_callback, 0, VARIANTS);
    tcase_add_loop_test(tc, connect_refused, 0, VARIANTS);
    tcase_add_loop_test(tc, stream_not_taken_is_closed, 0, VARIANTS);
    tcase_add_loop_test(tc, address_in_use, 0, VARIANTS);
    tcase_add_loop_test(tc, connect_and_close_many, 0, VARIANTS);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
