/*
 * What the tests of internal/rpc share: a CA with leaves, a small service, and three worlds to run it in: gRPC on
 * loopback, polled by threads or by the loop, and the simulated network. All run on one real loop; `turns` waits for
 * conditions, never for time.
 */
#pragma once

#include "base/assert.h"
#include "crypto/identity.h"
#include "rpc/rpc.h"
#include "rpc/rpc_sim.h"
#include "sys/sys_uv.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNUSED __attribute__((unused))

enum world_kind { WORLD_GRPC, WORLD_FABRIC, WORLD_POLLED };

struct party {
    struct pt_buf key_pem, cert_pem;
};

struct authority {
    struct pt_buf key_pem, cert_pem;
    uint64_t serial;
};

struct world {
    enum world_kind kind;
    struct pt_sys *sys;
    struct pt_rpc_world *net; /* WORLD_FABRIC */
    struct authority ca, other_ca;
    struct party controller, controller2, edge, admin, stranger; /* the stranger is of the other CA */
    struct pt_rpc_server *server;
    uint16_t api_port, agent_port;
    bool server_closed;

    /* What the service saw. */
    unsigned calls, ends, ends_cancelled, messages, half_closes, writables;
    size_t queued_max;
    struct pt_rpc_call *held; /* the last call that does not answer by itself; NULL when it ended */
};

static inline char *pem(const struct pt_buf *buf)
{
    return (char *)buf->data;
}

static inline struct pt_bytes bytes(const char *text)
{
    return (struct pt_bytes){.data = (const uint8_t *)text, .size = strlen(text)};
}

#define TURN_UNTIL(world, condition)        \
    while (!(condition)) {                  \
        pt_sys_uv_turn((world)->sys, true); \
    }

/* ---- certificates --------------------------------------------------------------------------------------------- */

static inline void new_authority(struct authority *ca, const char *cluster_id, int64_t now_ns)
{
    *ca = (struct authority){.serial = 1};
    ck_assert_int_eq(pt_ca_new(cluster_id, now_ns, &ca->key_pem, &ca->cert_pem, NULL), PT_OK);
}

static inline struct party new_party(struct authority *ca, const char *spiffe_id, int64_t now_ns)
{
    static const char *const names[] = {PT_RPC_SERVER_NAME};
    bool controller = strstr(spiffe_id, "/controller/") != NULL;
    struct pt_ip loopback = pt_ip_from_v4(0x7f000001);
    struct pt_leaf_options options = {.spiffe_id = spiffe_id,
                                      .now_ns = now_ns,
                                      .lifetime_ns = 3600 * INT64_C(1000000000),
                                      .ips = &loopback,
                                      .ips_len = controller ? 1 : 0,
                                      .dns = names,
                                      .dns_len = controller ? 1 : 0,
                                      .serial = ++ca->serial};
    struct party party = {0};
    PT_AUTO(buf) struct pt_buf csr = {0};
    ck_assert_int_eq(pt_key_new(&party.key_pem, NULL), PT_OK);
    ck_assert_int_eq(pt_csr_new(pem(&party.key_pem), &csr, NULL), PT_OK);
    ck_assert_int_eq(
        pt_leaf_sign(pem(&ca->key_pem), pem(&ca->cert_pem), pt_buf_bytes(&csr), &options, &party.cert_pem, NULL),
        PT_OK);
    return party;
}

static inline void free_party(struct party *party)
{
    pt_buf_fini(&party->key_pem);
    pt_buf_fini(&party->cert_pem);
}

static inline struct pt_rpc_credentials credentials_of(const struct party *party, const struct authority *ca)
{
    return (struct pt_rpc_credentials){.cert_pem = party != NULL ? pem(&party->cert_pem) : NULL,
                                       .key_pem = party != NULL ? pem(&party->key_pem) : NULL,
                                       .ca_pem = pem(&ca->cert_pem)};
}

/* ---- the service --------------------------------------------------------------------------------------------------
 *
 *   /t/Echo   unary: the request
 *   /t/Fail   unary: a refusal with reason and field; the request is the text
 *   /t/Hold   unary: no answer; the call is kept in world->held
 *   /t/Late   the same, with the promise of one reply
 *   /t/Shut   the same, and its request is not read; the call is kept from the start
 *   /t/Who    unary: door, peer, the metadata x-test
 *   /t/Count  one request "n size": n messages of that size, as fast as the reader takes them
 *   /t/Chat   both ways: each message comes back; OK at half-close
 *   /t/Twice  the same, but each message comes back twice in one turn
 */

struct count {
    unsigned next, len;
    size_t size;
};

static inline void count_on(struct world *world, struct pt_rpc_call *call)
{
    struct count *count = pt_rpc_call_user(call);
    PT_AUTO(free) void *data = calloc(1, count->size);
    bool room = true;
    while (room && count->next < count->len) {
        uint32_t number = count->next++;
        memcpy(data, &number, sizeof(number));
        room = pt_rpc_call_send(call, (struct pt_bytes){.data = data, .size = count->size});
        size_t queued = pt_rpc_call_queued(call);
        world->queued_max = queued > world->queued_max ? queued : world->queued_max;
    }
    if (count->next == count->len) {
        pt_rpc_call_finish(call, NULL);
    }
}

static inline bool is(const struct pt_rpc_call *call, const char *method)
{
    return strcmp(pt_rpc_call_info(call)->method, method) == 0;
}

static void service_on_call(void *arg, struct pt_rpc_call *call)
{
    struct world *world = arg;
    world->calls++;
    if (is(call, "/t/Late")) {
        pt_rpc_call_expect_one(call);
        pt_rpc_call_reply_one(call);
    } else if (is(call, "/t/Shut")) {
        pt_rpc_call_reply_one(call);
        pt_rpc_call_pause(call);
        world->held = call;
    } else if (is(call, "/t/Echo") || is(call, "/t/Fail") || is(call, "/t/Hold") || is(call, "/t/Who") ||
               is(call, "/t/Count")) {
        pt_rpc_call_expect_one(call);
    } else if (!is(call, "/t/Chat") && !is(call, "/t/Twice")) {
        struct pt_error error;
        (void)pt_fail(&error, PT_UNIMPLEMENTED, PT_REASON_NONE, NULL, "there is no method %s",
                      pt_rpc_call_info(call)->method);
        pt_rpc_call_finish(call, &error);
    }
}

static void service_on_message(void *arg, struct pt_rpc_call *call, struct pt_bytes message)
{
    struct world *world = arg;
    world->messages++;
    if (is(call, "/t/Chat")) {
        (void)pt_rpc_call_send(call, message);
    } else if (is(call, "/t/Twice")) {
        (void)pt_rpc_call_send(call, message);
        (void)pt_rpc_call_send(call, message);
    } else if (is(call, "/t/Echo")) {
        (void)pt_rpc_call_send(call, message);
        pt_rpc_call_finish(call, NULL);
    } else if (is(call, "/t/Fail")) {
        struct pt_error error;
        (void)pt_fail(&error, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "site.latitude_micro", "%.*s",
                      (int)message.size, (const char *)message.data);
        pt_rpc_call_finish(call, &error);
    } else if (is(call, "/t/Hold") || is(call, "/t/Late")) {
        world->held = call;
    } else if (is(call, "/t/Who")) {
        const struct pt_rpc_call_info *info = pt_rpc_call_info(call);
        PT_AUTO(buf) struct pt_buf text = {0};
        pt_buf_printf(&text, "%s %s%s%s %s", info->door == PT_DOOR_API ? "api" : "agent",
                      info->peer != NULL ? info->peer->role : "-", info->peer != NULL ? "/" : "",
                      info->peer != NULL ? info->peer->path : "", pt_rpc_call_metadata(call, "x-test"));
        (void)pt_rpc_call_send(call, pt_buf_bytes(&text));
        pt_rpc_call_finish(call, NULL);
    } else if (is(call, "/t/Count")) {
        struct count *count = calloc(1, sizeof(*count));
        char text[64];
        (void)snprintf(text, sizeof(text), "%.*s", (int)message.size, (const char *)message.data);
        ck_assert_int_eq(sscanf(text, "%u %zu", &count->len, &count->size), 2);
        pt_rpc_call_set_user(call, count);
        count_on(world, call);
    }
}

static void service_on_half_close(void *arg, struct pt_rpc_call *call)
{
    struct world *world = arg;
    world->half_closes++;
    if (!is(call, "/t/Shut")) {
        pt_rpc_call_finish(call, NULL);
    }
}

static void service_on_writable(void *arg, struct pt_rpc_call *call)
{
    struct world *world = arg;
    world->writables++;
    if (is(call, "/t/Count")) {
        count_on(world, call);
    }
}

static void service_on_end(void *arg, struct pt_rpc_call *call, bool cancelled)
{
    struct world *world = arg;
    world->ends++;
    world->ends_cancelled += cancelled;
    if (world->held == call) {
        world->held = NULL;
    }
    if (is(call, "/t/Count")) {
        free(pt_rpc_call_user(call));
    }
}

static const struct pt_rpc_handler service = {.on_call = service_on_call,
                                              .on_message = service_on_message,
                                              .on_half_close = service_on_half_close,
                                              .on_writable = service_on_writable,
                                              .on_end = service_on_end};

/* ---- the worlds ----------------------------------------------------------------------------------------------- */

#define SERVER_HOST 0
#define CLIENT_HOST 1

static uint64_t fixture_random(void *arg, uint64_t bound)
{
    uint64_t *state = arg;
    *state = *state * 6364136223846793005U + 1442695040888963407U;
    return (*state >> 33) % bound;
}

static inline struct pt_rpc_fabric *fabric_of(struct world *world, unsigned host)
{
    return world->net != NULL ? pt_rpc_world_host(world->net, host) : NULL;
}

static inline enum pt_code open_server(struct world *world, const struct pt_rpc_credentials *credentials, uint16_t port,
                                       struct pt_rpc_server **ret_server, struct pt_error *reterr)
{
    struct pt_ip ip = pt_ip_from_v4(world->kind != WORLD_FABRIC ? 0x7f000001 : 0x0a000001 + SERVER_HOST);
    struct pt_rpc_listen listens[] = {{.address = {.ip = ip, .port = port}, .door = PT_DOOR_API},
                                      {.address = {.ip = ip}, .door = PT_DOOR_AGENT}};
    struct pt_rpc_server_options options = {.listens = listens,
                                            .listens_len = 2,
                                            .credentials = *credentials,
                                            .handler = &service,
                                            .handler_arg = world,
                                            .fabric = fabric_of(world, SERVER_HOST),
                                            .polled = world->kind == WORLD_POLLED};
    return pt_rpc_server_new(world->sys, &options, ret_server, reterr);
}

static uint64_t fixture_random_state;

static void world_init(struct world *world, enum world_kind kind)
{
    *world = (struct world){.kind = kind};
    ck_assert_int_eq(pt_sys_uv_new(&world->sys, NULL), PT_OK);
    pt_sys_uv_turn(world->sys, false);
    int64_t now_ns = pt_sys_wall_ns(world->sys);
    new_authority(&world->ca, "c-test", now_ns);
    new_authority(&world->other_ca, "c-test", now_ns);
    world->controller = new_party(&world->ca, "spiffe://c-test/controller/c1", now_ns);
    world->controller2 = new_party(&world->ca, "spiffe://c-test/controller/c2", now_ns);
    world->edge = new_party(&world->ca, "spiffe://c-test/edge/organizations/acme/sites/nyc/edges/e1", now_ns);
    world->admin = new_party(&world->ca, "spiffe://c-test/admin/root", now_ns);
    world->stranger = new_party(&world->other_ca, "spiffe://c-test/controller/c1", now_ns);
    if (kind == WORLD_FABRIC) {
        fixture_random_state = 1;
        struct pt_rpc_world_options options = {.random = fixture_random, .random_arg = &fixture_random_state};
        world->net = pt_rpc_world_new(&options);
    }
    struct pt_rpc_credentials credentials = credentials_of(&world->controller, &world->ca);
    struct pt_error error = {0};
    enum pt_code code = open_server(world, &credentials, 0, &world->server, &error);
    ck_assert_msg(code == PT_OK, "%s", error.text);
    world->api_port = pt_rpc_server_port(world->server, 0);
    world->agent_port = pt_rpc_server_port(world->server, 1);
}

static void on_server_closed(void *arg)
{
    ((struct world *)arg)->server_closed = true;
}

static void world_fini(struct world *world)
{
    if (!world->server_closed) {
        pt_rpc_server_close(world->server, 0, on_server_closed, world);
        TURN_UNTIL(world, world->server_closed);
    }
    ck_assert_uint_eq(world->calls, world->ends); /* every call that was shown ended once */
    pt_sys_uv_turn(world->sys, false);
    pt_rpc_world_free(world->net);
    pt_sys_uv_free(world->sys);
    struct party *parties[] = {&world->controller, &world->controller2, &world->edge, &world->admin, &world->stranger};
    for (size_t i = 0; i < sizeof(parties) / sizeof(parties[0]); i++) {
        free_party(parties[i]);
    }
    pt_buf_fini(&world->ca.key_pem);
    pt_buf_fini(&world->ca.cert_pem);
    pt_buf_fini(&world->other_ca.key_pem);
    pt_buf_fini(&world->other_ca.cert_pem);
}

static inline struct pt_rpc_channel *open_channel(struct world *world, const struct party *party,
                                                  const struct authority *ca, uint16_t port)
{
    char address[32];
    (void)snprintf(address, sizeof(address), "%s:%u", world->kind != WORLD_FABRIC ? "127.0.0.1" : "10.0.0.1", port);
    struct pt_rpc_channel_options options = {.address = address,
                                             .credentials = credentials_of(party, ca),
                                             .fabric = fabric_of(world, CLIENT_HOST),
                                             .beside = world->kind == WORLD_POLLED ? world->server : NULL};
    struct pt_rpc_channel *channel = NULL;
    struct pt_error error = {0};
    ck_assert_msg(pt_rpc_channel_new(world->sys, &options, &channel, &error) == PT_OK, "%s", error.text);
    return channel;
}

/* ---- clients -------------------------------------------------------------------------------------------------- */

struct reply {
    unsigned called;
    struct pt_error error; /* code PT_OK on success */
    struct pt_buf message;
};

static UNUSED void on_reply(void *arg, const struct pt_error *error, struct pt_bytes message)
{
    struct reply *reply = arg;
    reply->called++;
    if (error != NULL) {
        reply->error = *error;
    }
    pt_buf_reset(&reply->message);
    pt_buf_append(&reply->message, message.data, message.size);
    pt_buf_append_u8(&reply->message, 0);
}

/* One unary call to its end. The caller frees reply->message. */
static UNUSED enum pt_code call_text(struct world *world, struct pt_rpc_channel *channel, const char *method,
                                     const char *request, struct reply *reply)
{
    *reply = (struct reply){0};
    struct pt_rpc_metadata metadata = {.key = "x-test", .value = "ping"};
    (void)pt_rpc_unary(channel, method, bytes(request), &metadata, 1, 20000, on_reply, reply);
    TURN_UNTIL(world, reply->called > 0);
    return reply->error.code;
}

struct listener {
    struct world *world;
    struct pt_rpc_stream *stream;
    unsigned messages, writables, ended;
    struct pt_error error;
    struct pt_buf last;
};

static UNUSED void listener_on_message(void *arg, struct pt_bytes message)
{
    struct listener *listener = arg;
    ck_assert_uint_eq(listener->ended, 0);
    listener->messages++;
    pt_buf_reset(&listener->last);
    pt_buf_append(&listener->last, message.data, message.size);
    pt_buf_append_u8(&listener->last, 0);
}

static UNUSED void listener_on_writable(void *arg)
{
    ((struct listener *)arg)->writables++;
}

static UNUSED void listener_on_end(void *arg, const struct pt_error *error)
{
    struct listener *listener = arg;
    listener->ended++;
    if (error != NULL) {
        listener->error = *error;
    }
}

static UNUSED void listen_to(struct world *world, struct listener *listener, struct pt_rpc_channel *channel,
                             const char *method)
{
    static const struct pt_rpc_stream_ops ops = {
        .on_message = listener_on_message, .on_writable = listener_on_writable, .on_end = listener_on_end};
    *listener = (struct listener){.world = world};
    listener->stream = pt_rpc_stream_open(channel, method, NULL, 0, &ops, listener);
}
