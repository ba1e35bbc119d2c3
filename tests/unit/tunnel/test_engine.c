/*
 * Two engines with their threads in one process, each in a network namespace of its own, and real packets between two
 * hosts: a TCP stream one way, which the kernel hands over in super-packets, and numbered UDP packets the other. While
 * they run keys are renewed several times a second, and the loop reconfigures paths and peers and reads every counter.
 * So under tsan this is where a thread would be seen to touch what is another's; everywhere it says that nothing is
 * corrupted, replayed or forged on the way. It asserts what arrived, never how fast.
 *
 * Besides, one engine takes another's place again and again, as another process would (door_take.c): under load, where
 * nothing may be taken twice or refused, and with single packets under way, of which none may be lost. All of it with
 * each cipher.
 */
#include "base/assert.h"
#include "base/log.h"
#include "sys/sys_uv.h"
#include "tunnel/engine_priv.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define STREAM_SIZE (3U << 20)
#define PATIENCE_MS 60000
#define CHURN_MS 50
#define REKEY_MS 300
#define HANDSHAKES_MIN 4
#define PORT 7000
#define MTU (1500 - 20 - 8 - 8 - PT_TUNNEL_OVERHEAD)

struct edge {
    int ns;
    struct pt_engine *engine;
    struct pt_engine_link link;
    struct pt_engine_path path;
    struct pt_peer_entry peer;
    struct pt_engine_options options;
};

struct world {
    struct pt_sys *sys;
    struct edge edges[2];
    int listener, client, udp_in, udp_out;
    atomic_uint stream_received, stream_wrong, udp_received, udp_wrong;
    atomic_bool stream_done, ending;
    enum pt_cipher cipher;
    unsigned rekey_ms, churns;
    struct pt_timer *timer;
};

PT_PRINTF(1, 2)
static void run(const char *format, ...)
{
    char command[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(command, sizeof(command), format, args);
    va_end(args);
    ck_assert_msg(system(command) == 0, "%s", command);
}

static void enter(const struct edge *edge)
{
    ck_assert_int_eq(setns(edge->ns, CLONE_NEWNET), 0);
}

static uint8_t byte_at(unsigned offset)
{
    return (uint8_t)(offset * 2654435761U >> 24);
}

/* ---- what hosts do -------------------------------------------------------------------------------------------- */

static bool ready(const struct world *w, int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};
    while (!atomic_load(&w->ending)) {
        if (poll(&p, 1, 50) > 0) {
            return true;
        }
    }
    return false;
}

static void *write_stream(void *arg)
{
    struct world *w = arg;
    static uint8_t buffer[32768];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = htonl(0x0a090002)};
    if (connect(w->client, (struct sockaddr *)&to, sizeof(to)) != 0 && errno != EINPROGRESS) {
        return NULL;
    }
    for (unsigned at = 0; at < STREAM_SIZE && ready(w, w->client, POLLOUT);) {
        unsigned size = STREAM_SIZE - at < sizeof(buffer) ? STREAM_SIZE - at : (unsigned)sizeof(buffer);
        for (unsigned i = 0; i < size; i++) {
            buffer[i] = byte_at(at + i);
        }
        ssize_t done = send(w->client, buffer, size, MSG_NOSIGNAL);
        at += done > 0 ? (unsigned)done : 0;
    }
    return NULL;
}

static void *read_stream(void *arg)
{
    struct world *w = arg;
    static uint8_t buffer[65536];
    int fd = ready(w, w->listener, POLLIN) ? accept4(w->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC) : -1;
    unsigned at = 0;
    while (fd >= 0 && at < STREAM_SIZE && ready(w, fd, POLLIN)) {
        ssize_t got = recv(fd, buffer, sizeof(buffer), 0);
        for (ssize_t i = 0; i < got; i++) {
            atomic_fetch_add(&w->stream_wrong, buffer[i] != byte_at(at++));
        }
        atomic_store(&w->stream_received, at);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    atomic_store(&w->stream_done, true);
    return NULL;
}

static void *write_packets(void *arg)
{
    const struct world *w = arg;
    uint8_t packet[1400];
    for (unsigned n = 0; !atomic_load(&w->ending); n++) {
        size_t size = 8 + n * 37 % (sizeof(packet) - 8);
        memset(packet, (int)byte_at(n), size);
        memcpy(packet, &n, sizeof(n));
        (void)send(w->udp_out, packet, size, MSG_DONTWAIT);
        (void)poll(NULL, 0, n % 8 == 0 ? 1 : 0);
    }
    return NULL;
}

static void *read_packets(void *arg)
{
    struct world *w = arg;
    uint8_t packet[2048];
    while (ready(w, w->udp_in, POLLIN)) {
        ssize_t got = recv(w->udp_in, packet, sizeof(packet), MSG_DONTWAIT);
        unsigned n = 0;
        if (got < 8) {
            continue;
        }
        memcpy(&n, packet, sizeof(n));
        bool right = (size_t)got == 8 + n * 37 % (1400 - 8);
        for (ssize_t i = sizeof(n); i < got; i++) {
            right = right && packet[i] == byte_at(n);
        }
        atomic_fetch_add(right ? &w->udp_received : &w->udp_wrong, 1);
    }
    return NULL;
}

/* ---- what the loop does meanwhile ----------------------------------------------------------------------------- */

static void configure(const struct world *w, struct edge *edge, bool with_path, uint32_t mtu)
{
    struct pt_error error = {0};
    edge->path.mtu = mtu;
    const struct pt_engine_config config = {.port = PT_SEALED_PORT,
                                            .links = &edge->link,
                                            .links_len = 1,
                                            .paths = &edge->path,
                                            .paths_len = with_path ? 1 : 0,
                                            .peers = &edge->peer,
                                            .peers_len = 1,
                                            .rekey_after_ms = w->rekey_ms};
    ck_assert_msg(pt_engine_configure(edge->engine, &config, &error) == PT_OK, "%s: %s", error.field, error.text);
}

/* A table that the next version of the program would not know. */
static void hide_table(struct pt_handover *handover, enum pt_handover_tag tag)
{
    uint32_t table[4];
    for (size_t at = 0; at < handover->size; at += sizeof(table) + (size_t)table[1] * table[2]) {
        memcpy(table, handover->data + at, sizeof(table));
        if (table[0] == (uint32_t)tag) {
            table[0] = 4711;
            memcpy(handover->data + at, table, sizeof(table));
        }
    }
}

/* Another engine in the place of the edge's; hidden: a table that it does not find, 0 for none. */
static void succeed(struct edge *edge, enum pt_handover_tag hidden)
{
    struct pt_handover given = {0}, got = {0};
    struct pt_engine *old = edge->engine;
    struct pt_engine_options options = edge->options;
    struct pt_error error = {0};
    const int size = 4 << 20;
    int sockets[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
    ck_assert_int_eq(setsockopt(sockets[0], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)), 0);
    pt_engine_pause(old);
    pt_engine_save(old, &given);
    ck_assert_uint_lt(given.size, (size_t)size / 2); /* it is sent and received by one thread */
    ck_assert(pt_handover_send(sockets[0], &given));
    ck_assert(pt_handover_receive(sockets[1], &got));
    hide_table(&got, hidden);
    options.adopt = &got;
    ck_assert_msg(pt_engine_open(&options, &edge->engine, &error) == PT_OK, "%s", error.text);
    pt_engine_close(old); /* it must not matter: its descriptors are copies */
    pt_engine_start(edge->engine);
    pt_handover_fini(&given);
    pt_handover_fini(&got);
    (void)close(sockets[0]);
    (void)close(sockets[1]);
}

static uint64_t handshakes(const struct world *w)
{
    struct pt_peer_status peer = {0};
    (void)pt_engine_peers(w->edges[0].engine, &peer, 1);
    return peer.handshakes;
}

static void note(void *arg, uint32_t label, const uint64_t *received, const uint64_t *expected)
{
    (void)arg;
    ck_assert_uint_eq(label, 2);
    for (unsigned i = 0; i < PT_TUNNEL_STREAMS; i++) {
        ck_assert_uint_le(received[i], expected[i]);
    }
}

static void churn(void *arg)
{
    struct world *w = arg;
    for (unsigned i = 0; i < 2; i++) {
        struct edge *edge = &w->edges[i];
        struct pt_engine_counters counters;
        struct pt_engine_path_status path;
        pt_engine_counters(edge->engine, &counters);
        (void)pt_engine_paths(edge->engine, &path, 1);
        pt_engine_streams(edge->engine, note, NULL);
        if (w->churns % 4 == i) {
            configure(w, edge, false, MTU); /* the path goes, and is back at once */
            configure(w, edge, true, MTU - w->churns % 8);
        }
        if (w->churns % 8 == 2 + 4 * i) {
            succeed(edge, 0);
        }
    }
    w->churns++;
    bool enough = atomic_load(&w->stream_done) && handshakes(w) >= HANDSHAKES_MIN;
    if (enough || w->churns * CHURN_MS > PATIENCE_MS) {
        pt_sys_uv_stop(w->sys);
    }
}

/* ---- two edges ------------------------------------------------------------------------------------------------ */

static void expect_packets(const struct world *w, unsigned len, size_t size)
{
    uint8_t packet[2048];
    for (unsigned i = 0; i < len; i++) {
        struct pollfd p = {.fd = w->udp_in, .events = POLLIN};
        ck_assert_int_eq(poll(&p, 1, PATIENCE_MS), 1);
        ck_assert_int_eq(recv(w->udp_in, packet, sizeof(packet), MSG_DONTWAIT), (ssize_t)size);
    }
}

static void open_edge(struct world *w, unsigned number)
{
    static const struct pt_log log = {.level_min = PT_LOG_ERROR, .node = "test"};
    struct edge *edge = &w->edges[number];
    struct pt_error error = {0};
    struct pt_engine_options options = {.sys = w->sys, .log = &log, .device = "t0", .workers = 2};
    uint8_t other[PT_X25519_SIZE];
    memset(options.private_key, (int)(0x11 * (number + 1)), sizeof(options.private_key));
    memset(other, (int)(0x11 * (2 - number)), sizeof(other));
    edge->link = (struct pt_engine_link){.number = 1, .interface = "w0"};
    edge->path = (struct pt_engine_path){.slot = 1, .peer = 2, .link = 1};
    edge->peer = (struct pt_peer_entry){.label = 2, .cipher = w->cipher};
    pt_x25519_public(other, edge->peer.public_key);
    ck_assert_int_eq(pt_ip_parse(number == 0 ? "192.0.2.1" : "192.0.2.2", &edge->link.address, NULL), PT_OK);
    ck_assert_int_eq(pt_ip_parse(number == 0 ? "192.0.2.2" : "192.0.2.1", &edge->path.remote, NULL), PT_OK);
    enter(edge);
    edge->options = options;
    ck_assert_msg(pt_engine_open(&options, &edge->engine, &error) == PT_OK, "%s: %s", error.field, error.text);
    configure(w, edge, true, MTU);
    /* The kernel's routes and a neighbour entry stand for the data plane's verdict: path 1. */
    run("ip addr add 10.9.0.%u/32 dev t0 && ip route add 10.9.0.%u/32 dev t0 src 10.9.0.%u mtu 1400 && "
        "ip neigh replace 10.9.0.%u lladdr 02:50:00:00:00:01 dev t0 nud permanent",
        number + 1, 2 - number, number + 1, 2 - number);
}

static int open_socket(const struct edge *edge, int type, uint32_t address, uint16_t port)
{
    const struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(address)};
    enter(edge);
    int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&own, sizeof(own)), 0);
    return fd;
}

static void open_hosts(struct world *w)
{
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = htonl(0x0a090001)};
    w->listener = open_socket(&w->edges[1], SOCK_STREAM, 0x0a090002, PORT);
    ck_assert_int_eq(listen(w->listener, 1), 0);
    w->client = open_socket(&w->edges[0], SOCK_STREAM, 0x0a090001, 0);
    w->udp_in = open_socket(&w->edges[0], SOCK_DGRAM, 0x0a090001, PORT);
    w->udp_out = open_socket(&w->edges[1], SOCK_DGRAM, 0x0a090002, 0);
    ck_assert_int_eq(connect(w->udp_out, (const struct sockaddr *)&to, sizeof(to)), 0);
}

static void make_namespaces(struct world *w)
{
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
        w->edges[i].ns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
        ck_assert_int_ge(w->edges[i].ns, 0);
        run("ip link set lo up");
    }
    run("ip link add w0 type veth peer name w0 netns /proc/%d/fd/%d", (int)getpid(), w->edges[0].ns);
    for (unsigned i = 0; i < 2; i++) {
        enter(&w->edges[i]);
        run("ip addr add 192.0.2.%u/24 dev w0 && ip link set w0 up", i + 1);
    }
}

/* ---- counters ------------------------------------------------------------------------------------------------- */

static uint64_t refused(const struct pt_engine_counters *c)
{
    return c->drops[PT_ENGINE_DROP_MALFORMED] + c->drops[PT_ENGINE_DROP_UNKNOWN_SESSION] +
           c->drops[PT_ENGINE_DROP_REPLAYED] + c->drops[PT_ENGINE_DROP_NOT_AUTHENTIC] +
           c->drops[PT_ENGINE_DROP_BAD_INNER] + c->drops[PT_ENGINE_DROP_ECN_INVALID] +
           c->drops[PT_ENGINE_DROP_WRITE_FAILED];
}

static void counters_of(const struct world *w, struct pt_engine_counters counters[2])
{
    pt_engine_counters(w->edges[0].engine, &counters[0]);
    pt_engine_counters(w->edges[1].engine, &counters[1]);
}

/* Until everything that is under way has come. */
static void settle(const struct world *w, struct pt_engine_counters counters[2])
{
    struct pt_engine_counters before[2];
    counters_of(w, counters);
    do {
        memcpy(before, counters, sizeof(before));
        (void)poll(NULL, 0, 200);
        counters_of(w, counters);
    } while (memcmp(before, counters, sizeof(before)) != 0);
}

/* Nothing changes any more, and packets go one at a time: what one end seals, and what nobody sealed, is opened at the
 * other or refused by name. */
static void counters_reconcile(struct world *w)
{
    enum { PACKETS = 200, STRANGE = 5 };
    struct pt_engine_counters before[2], after[2];
    uint8_t packet[2048] = {0};
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(PT_SEALED_PORT), .sin_addr.s_addr = htonl(0xc0000201)};
    settle(w, before);
    while (recv(w->udp_in, packet, sizeof(packet), MSG_DONTWAIT) >= 0) {
    }
    for (unsigned i = 0; i < PACKETS; i++) {
        ck_assert_int_eq(send(w->udp_out, packet, 100, 0), 100);
        if (i % 20 == 0) { /* while it is under way */
            succeed(&w->edges[i / 20 % 2], 0);
        }
        expect_packets(w, 1, 100);
    }
    int fd = open_socket(&w->edges[1], SOCK_DGRAM, 0xc0000202, 0);
    for (unsigned i = 0; i < STRANGE; i++) {
        memset(packet, 0x5a, sizeof(packet));
        ck_assert_int_eq(sendto(fd, packet, 40, 0, (const struct sockaddr *)&to, sizeof(to)), 40);
    }
    (void)close(fd);
    settle(w, after);
    ck_assert_uint_eq(after[1].sealed_packets - before[1].sealed_packets, PACKETS);
    ck_assert_uint_eq(after[0].opened_packets - before[0].opened_packets, PACKETS);
    ck_assert_uint_eq(refused(&after[0]) - refused(&before[0]), STRANGE);
}

/* A successor that cannot read the sessions, or not the numbers used with them, makes new ones; what hosts send
 * meanwhile waits. Sealing with the old key and numbers from 0 would be taken for replays, and be far worse. */
static void sessions_begin_anew(struct world *w, enum pt_handover_tag hidden)
{
    enum { PACKETS = 20 };
    struct pt_engine_counters before[2], after[2];
    uint8_t packet[100] = {0};
    settle(w, before);
    uint64_t made = handshakes(w);
    succeed(&w->edges[1], hidden);
    for (unsigned i = 0; i < PACKETS; i++) {
        ck_assert_int_eq(send(w->udp_out, packet, sizeof(packet), 0), (ssize_t)sizeof(packet));
    }
    for (unsigned i = 0; i < PATIENCE_MS && handshakes(w) == made; i++) {
        pt_sys_uv_turn(w->sys, true); /* the engines' timers and mail */
    }
    ck_assert_uint_gt(handshakes(w), made);
    struct pollfd p = {.fd = w->udp_in, .events = POLLIN};
    while (poll(&p, 1, 0) == 0) {
        pt_sys_uv_turn(w->sys, true);
    }
    expect_packets(w, PACKETS, sizeof(packet));
    counters_of(w, after);
    ck_assert_uint_eq(after[0].drops[PT_ENGINE_DROP_REPLAYED], before[0].drops[PT_ENGINE_DROP_REPLAYED]);
}

/* The endpoint that an edge's path leads to. */
static uint16_t remote_port(const struct edge *edge)
{
    struct pt_engine_path_status status = {0};
    ck_assert_uint_eq(pt_engine_paths(edge->engine, &status, 1), 1);
    return status.remote.port;
}

static void wait_port(struct world *w, uint16_t port)
{
    for (unsigned i = 0; remote_port(&w->edges[0]) != port; i++) {
        ck_assert_uint_lt(i, PATIENCE_MS / 20);
        pt_sys_uv_turn(w->sys, false);
        (void)poll(NULL, 0, 20);
    }
}

static void wait_drops(struct world *w, enum pt_engine_drop reason, uint64_t wanted)
{
    struct pt_engine_counters counters = {0};
    for (unsigned i = 0; counters.drops[reason] < wanted; i++) {
        ck_assert_uint_lt(i, PATIENCE_MS / 20);
        (void)poll(NULL, 0, 20);
        pt_sys_uv_turn(w->sys, false);
        pt_engine_counters(w->edges[0].engine, &counters);
    }
    ck_assert_uint_eq(counters.drops[reason], wanted);
}

/* A keepalive of edge 1 to edge 0, as a NAT that gave it another port would bring it. */
static int send_from_elsewhere(const struct world *w, const uint8_t *datagram, size_t size, uint16_t *ret_port)
{
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(PT_SEALED_PORT), .sin_addr.s_addr = htonl(0xc0000201)};
    struct sockaddr_in own;
    socklen_t own_size = sizeof(own);
    int fd = open_socket(&w->edges[1], SOCK_DGRAM, 0xc0000202, 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&own, &own_size), 0);
    ck_assert_int_eq(sendto(fd, datagram, size, 0, (const struct sockaddr *)&to, sizeof(to)), (ssize_t)size);
    *ret_port = ntohs(own.sin_port);
    return fd;
}

static size_t seal_keepalive(const struct world *w, uint8_t datagram[128])
{
    const struct pt_geneve geneve = {.protocol = htons(PT_SEALED_PROTOCOL)};
    const struct pt_tunnel_data data = {.flags = PT_TUNNEL_CONTROL, .stream = PT_CONTROL_STREAM};
    struct pt_tunnel_control control = {.kind = PT_TUNNEL_KEEPALIVE};
    uint8_t plain[PT_TUNNEL_CONTROL_SIZE];
    struct pt_tunnel_session *session = atomic_load(&w->edges[1].engine->peer_list->used);
    memcpy(control.address, w->edges[1].link.address.bytes, sizeof(control.address));
    pt_tunnel_control_write(&control, plain);
    memcpy(datagram, &geneve, sizeof(geneve));
    ck_assert_ptr_nonnull(session);
    ck_assert(pt_session_seal(session, PT_ENGINE_WORKERS_MAX, &data, plain, sizeof(plain), datagram + sizeof(geneve)));
    return sizeof(geneve) + PT_TUNNEL_OVERHEAD + sizeof(plain);
}

/* Only what opens, and is no replay, moves the place where packets go. Edge 1 itself is silent meanwhile. */
static void only_authentic_packets_move_a_path(struct world *w)
{
    struct pt_engine_counters before, settled[2];
    uint8_t datagram[128], forged[128];
    uint16_t moved, ignored;
    struct pt_engine_moved known;
    w->rekey_ms = 100000;
    configure(w, &w->edges[0], true, MTU);
    configure(w, &w->edges[1], true, MTU);
    pt_engine_pause(w->edges[1].engine);
    settle(w, settled);
    wait_port(w, PT_SEALED_PORT); /* and the loop has read everything that had come */
    pt_sys_uv_turn(w->sys, false);
    size_t size = seal_keepalive(w, datagram);
    pt_engine_counters(w->edges[0].engine, &before);

    memcpy(forged, datagram, size);
    forged[size - 1] ^= 1;
    int liar = send_from_elsewhere(w, forged, size, &ignored);
    wait_drops(w, PT_ENGINE_DROP_NOT_AUTHENTIC, before.drops[PT_ENGINE_DROP_NOT_AUTHENTIC] + 1);
    ck_assert_uint_eq(remote_port(&w->edges[0]), PT_SEALED_PORT);
    ck_assert_uint_eq(pt_engine_moved(w->edges[0].engine, &known, 1), 0);

    int peer = send_from_elsewhere(w, datagram, size, &moved);
    wait_port(w, moved);
    ck_assert_uint_eq(pt_engine_moved(w->edges[0].engine, &known, 1), 1); /* it is told where the peer is */
    ck_assert_uint_eq(known.slot, 1);

    int replayer = send_from_elsewhere(w, datagram, size, &ignored);
    wait_drops(w, PT_ENGINE_DROP_REPLAYED, before.drops[PT_ENGINE_DROP_REPLAYED] + 1);
    ck_assert_uint_eq(remote_port(&w->edges[0]), moved);

    succeed(&w->edges[0], 0); /* the next process knows it too */
    ck_assert_uint_eq(remote_port(&w->edges[0]), moved);
    atomic_load(&w->edges[1].engine->paths[1])->keepalive_ns = 0; /* from where it was: back again */
    pt_engine_start(w->edges[1].engine);
    wait_port(w, PT_SEALED_PORT);
    (void)close(liar);
    (void)close(peer);
    (void)close(replayer);
}

static uint64_t without_path(const struct edge *edge)
{
    struct pt_engine_counters counters;
    pt_engine_counters(edge->engine, &counters);
    return counters.drops[PT_ENGINE_DROP_NO_PATH];
}

/* The threads stand still, as on a busy machine, while their path leaves the configuration: what waits in the device
 * is sent by it all the same. Nobody is told of the path any more, and after a while there is none. */
static void what_waits_is_sent_by_a_path_that_left(struct world *w)
{
    enum { PACKETS = 20 };
    struct pt_engine_counters settled[2];
    struct pt_engine_path_status status;
    struct edge *edge = &w->edges[1];
    uint8_t packet[100] = {0};
    settle(w, settled);
    uint64_t before = without_path(edge);
    pt_engine_pause(edge->engine);
    for (unsigned i = 0; i < PACKETS; i++) {
        ck_assert_int_eq(send(w->udp_out, packet, sizeof(packet), 0), (ssize_t)sizeof(packet));
    }
    configure(w, edge, false, MTU);
    pt_engine_start(edge->engine);
    expect_packets(w, PACKETS, sizeof(packet));
    ck_assert_uint_eq(without_path(edge), before);
    ck_assert_uint_eq(pt_engine_paths(edge->engine, &status, 1), 0);
    for (unsigned i = 0; without_path(edge) == before; i++) {
        ck_assert_uint_lt(i, PATIENCE_MS / 20);
        ck_assert_int_eq(send(w->udp_out, packet, sizeof(packet), 0), (ssize_t)sizeof(packet));
        pt_sys_uv_turn(w->sys, false);
        (void)poll(NULL, 0, 20);
    }
    configure(w, edge, true, MTU);
    settle(w, settled);
    while (recv(w->udp_in, packet, sizeof(packet), MSG_DONTWAIT) >= 0) {
    }
}

/* Its peer goes while it is on its way out: then it goes as well, for its packets could not be sealed. */
static void a_path_that_left_goes_with_its_peer(struct world *w)
{
    const struct pt_engine_config none = {.port = PT_SEALED_PORT, .links = &w->edges[1].link, .links_len = 1};
    struct edge *edge = &w->edges[1];
    uint8_t packet[100] = {0};
    uint64_t before = without_path(edge);
    configure(w, edge, false, MTU);
    ck_assert_int_eq(pt_engine_configure(edge->engine, &none, NULL), PT_OK);
    for (unsigned i = 0; without_path(edge) == before; i++) {
        ck_assert_uint_lt(i, PATIENCE_MS / 20);
        ck_assert_int_eq(send(w->udp_out, packet, sizeof(packet), 0), (ssize_t)sizeof(packet));
        (void)poll(NULL, 0, 20); /* the loop does not turn: no time passes for it */
    }
}

START_TEST(threads_carry_packets_while_keys_paths_and_peers_change)
{
    static void *(*const hosts[])(void *arg) = {write_stream, read_stream, write_packets, read_packets};
    struct world world = {.cipher = (enum pt_cipher)_i, .rekey_ms = REKEY_MS}, *w = &world;
    struct pt_error error = {0};
    struct pt_peer_status peer;
    pthread_t threads[4];
    make_namespaces(w);
    ck_assert_int_eq(pt_sys_uv_new(&w->sys, &error), PT_OK);
    open_edge(w, 0);
    open_edge(w, 1);
    open_hosts(w);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, hosts[i], w), 0);
    }
    w->timer = pt_timer_new(w->sys, churn, w);
    pt_timer_start(w->timer, CHURN_MS, CHURN_MS);
    pt_sys_uv_run(w->sys);
    atomic_store(&w->ending, true);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    }
    ck_assert_uint_eq(atomic_load(&w->stream_received), STREAM_SIZE);
    ck_assert_uint_eq(atomic_load(&w->stream_wrong), 0);
    ck_assert_uint_gt(atomic_load(&w->udp_received), 0);
    ck_assert_uint_eq(atomic_load(&w->udp_wrong), 0);
    ck_assert_uint_ge(handshakes(w), HANDSHAKES_MIN);
    for (unsigned i = 0; i < 2; i++) {
        struct pt_engine_counters counters;
        pt_engine_counters(w->edges[i].engine, &counters);
        ck_assert_uint_gt(counters.opened_packets, 0);
        ck_assert_uint_eq(counters.drops[PT_ENGINE_DROP_REPLAYED], 0);
        ck_assert_uint_eq(counters.drops[PT_ENGINE_DROP_NOT_AUTHENTIC], 0);
        ck_assert_uint_eq(counters.drops[PT_ENGINE_DROP_BAD_INNER], 0);
        ck_assert_uint_eq(counters.drops[PT_ENGINE_DROP_MALFORMED], 0);
    }
    (void)pt_engine_peers(w->edges[0].engine, &peer, 1);
    ck_assert_int_eq(peer.cipher, _i);
    pt_timer_stop(w->timer);
    counters_reconcile(w);
    only_authentic_packets_move_a_path(w);
    sessions_begin_anew(w, PT_HANDOVER_SESSIONS);
    sessions_begin_anew(w, PT_HANDOVER_STREAMS);
    what_waits_is_sent_by_a_path_that_left(w);
    a_path_that_left_goes_with_its_peer(w);
    pt_timer_free(w->timer);
    pt_engine_close(w->edges[0].engine);
    pt_engine_close(w->edges[1].engine);
    const int fds[] = {w->listener, w->client, w->udp_in, w->udp_out, w->edges[0].ns, w->edges[1].ns};
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        (void)close(fds[i]);
    }
    pt_sys_uv_free(w->sys);
}
END_TEST

int main(void)
{
    if (geteuid() != 0 || access("/dev/net/tun", R_OK | W_OK) != 0) {
        printf("skipped: needs root for network namespaces, and /dev/net/tun\n");
        return 77;
    }
    Suite *suite = suite_create("engine");
    TCase *tests = tcase_create("engine");
    tcase_set_timeout(tests, 200);
    tcase_add_loop_test(tests, threads_carry_packets_while_keys_paths_and_peers_change, PT_CIPHER_AES_128_GCM,
                        PT_CIPHER_CHACHA20_POLY1305 + 1);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
