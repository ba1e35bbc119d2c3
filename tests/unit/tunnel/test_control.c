/*
 * Keepalives, roaming and probes of one edge on virtual time. The engine here has no threads: links, paths and sessions
 * are made by hand, what it sends goes to sockets on the loopback and is opened with the other end's session.
 */
#include "base/assert.h"
#include "tunnel/engine_priv.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MS 1000000ULL
#define SECOND (1000 * MS)
#define PEER 7
#define DIRECT 1 /* slots */
#define STACKED 2
#define MTU 1400

struct far { /* a place from where the peer may send */
    int fd;
    struct pt_endpoint endpoint;
};

struct world {
    struct pt_engine *engine;
    struct pt_link *link;
    struct pt_peer *peer;
    struct pt_tunnel_session *ours, *theirs;
    struct far home, away;
    uint64_t now_ns;
};

/* What a far end got since it looked last. */
struct got {
    unsigned keepalives, probes, echoes;
    struct pt_tunnel_control last_keepalive, last_echo;
};

static int open_socket(struct pt_endpoint *ret_endpoint)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    pt_assert(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
              getsockname(fd, (struct sockaddr *)&address, &size) == 0);
    *ret_endpoint = (struct pt_endpoint){.ip = pt_ip_from_v4(INADDR_LOOPBACK), .port = ntohs(address.sin_port)};
    return fd;
}

static struct pt_path *add_path(struct world *w, uint32_t slot, uint32_t stack_len, struct pt_ip remote)
{
    struct pt_path *path = calloc(1, sizeof(*path));
    struct pt_target *target = malloc(sizeof(*target));
    pt_assert(path != NULL && target != NULL);
    path->config = (struct pt_engine_path){
        .slot = slot, .peer = PEER, .link = 1, .mtu = MTU, .remote = remote, .stack_len = stack_len};
    path->link = w->link;
    path->peer = w->peer;
    pt_pmtu_init(&path->pmtu, MTU);
    path->outer_size = 8 + (stack_len > 0 ? 4 + 4 * stack_len : 0);
    pt_target_set(target, &w->home.endpoint);
    atomic_store(&path->target, target);
    atomic_store(&w->engine->paths[slot], path);
    return path;
}

static void world_init(struct world *w)
{
    static const struct pt_log log = {.level_min = PT_LOG_ERROR, .node = "test"};
    struct pt_endpoint own;
    *w = (struct world){.now_ns = 1000 * SECOND};
    w->engine = aligned_alloc(64, (sizeof(*w->engine) + 63) / 64 * 64);
    w->link = calloc(1, sizeof(*w->link));
    w->peer = calloc(1, sizeof(*w->peer));
    pt_assert(w->engine != NULL && w->link != NULL && w->peer != NULL);
    memset(w->engine, 0, sizeof(*w->engine));
    w->engine->paths = calloc(PT_ENGINE_SLOTS, sizeof(*w->engine->paths));
    pt_assert(w->engine->paths != NULL);
    w->engine->options.log = &log;
    pt_epoch_init(&w->engine->epoch, 0);
    w->link->in[0] = w->link->stacked[0] = open_socket(&own);
    w->link->config = (struct pt_engine_link){.number = 1, .address = own.ip};
    atomic_store(&w->engine->link_table[1], w->link);
    w->home.fd = open_socket(&w->home.endpoint);
    w->away.fd = open_socket(&w->away.endpoint);
    w->peer->label = PEER;
    w->engine->peer_list = w->peer;
    struct pt_tunnel_keys keys = {.local_index = 1, .remote_index = 2, .cipher = PT_CIPHER_AES_256_GCM};
    memset(keys.send, 0x11, sizeof(keys.send));
    memset(keys.receive, 0x22, sizeof(keys.receive));
    w->ours = pt_engine_peers_ops.session_new(w->engine, PEER, &keys);
    keys.local_index = 2;
    keys.remote_index = 1;
    memset(keys.send, 0x22, sizeof(keys.send));
    memset(keys.receive, 0x11, sizeof(keys.receive));
    w->theirs = pt_engine_peers_ops.session_new(w->engine, PEER, &keys);
}

static void world_free(struct world *w)
{
    for (uint32_t slot = 1; slot <= STACKED; slot++) {
        struct pt_path *path = atomic_load(&w->engine->paths[slot]);
        if (path != NULL) {
            free(atomic_load(&path->target));
            free(path);
        }
    }
    pt_engine_peers_ops.session_free(w->engine, w->ours);
    pt_engine_peers_ops.session_free(w->engine, w->theirs);
    pt_epoch_fini(&w->engine->epoch);
    (void)close(w->link->in[0]);
    (void)close(w->home.fd);
    (void)close(w->away.fd);
    free(w->engine->paths);
    free(w->engine);
    free(w->link);
    free(w->peer);
}

static void use_session(struct world *w)
{
    pt_engine_peers_ops.session_use(w->engine, PEER, w->ours);
}

static struct got look(struct world *w, const struct far *far, size_t outer_size)
{
    struct got got = {0};
    uint8_t message[4096], plain[4096];
    ssize_t size;
    while ((size = recv(far->fd, message, sizeof(message), MSG_DONTWAIT)) >= 0) {
        struct pt_tunnel_data data;
        struct pt_tunnel_control control;
        size_t inner = (size_t)size - outer_size;
        ck_assert(pt_tunnel_data_read(message + outer_size, inner, &data));
        ck_assert((data.flags & PT_TUNNEL_CONTROL) != 0);
        ck_assert_int_eq(pt_session_open(w->theirs, 0, &data, message + outer_size, inner, plain), PT_ENGINE_DROPS_LEN);
        ck_assert(pt_tunnel_control_read(plain, inner - PT_TUNNEL_OVERHEAD, &control));
        if (control.kind == PT_TUNNEL_KEEPALIVE) {
            got.keepalives++;
            got.last_keepalive = control;
        } else if (control.kind == PT_TUNNEL_ECHO) {
            got.echoes++;
            got.last_echo = control;
        } else {
            got.probes++;
        }
    }
    return got;
}

static void tick(struct world *w)
{
    w->now_ns += 100 * MS;
    pt_control_tick(w->engine, w->now_ns);
}

/* What the peer's session said, as an in thread hands it to the loop. */
static void hear(struct world *w, const struct far *from, uint32_t label, uint32_t link,
                 const struct pt_tunnel_control *control, uint16_t size)
{
    struct pt_mail mail = {.link = link, .label = label, .from = from->endpoint, .size = size};
    pt_tunnel_control_write(control, mail.message);
    pt_control_take(w->engine, &mail, w->now_ns);
    pt_epoch_collect(&w->engine->epoch);
}

static struct pt_tunnel_control keepalive_of(struct pt_ip address)
{
    struct pt_tunnel_control control = {.kind = PT_TUNNEL_KEEPALIVE};
    memcpy(control.address, address.bytes, sizeof(control.address));
    return control;
}

static bool goes_to(const struct pt_path *path, const struct far *far)
{
    const struct pt_target *target = atomic_load(&path->target);
    return target->endpoint.port == far->endpoint.port && pt_ip_equal(&target->endpoint.ip, &far->endpoint.ip);
}

/* The shortest time after which NATs may forget a UDP mapping is 30 s in practice (RFC 4787 asks for 120). */
START_TEST(a_keepalive_leaves_each_15_seconds_and_with_each_new_session)
{
    struct world w;
    world_init(&w);
    add_path(&w, DIRECT, 0, w.home.endpoint.ip);
    for (unsigned i = 0; i < 300; i++) {
        tick(&w);
    }
    ck_assert_uint_eq(look(&w, &w.home, 8).keepalives, 0); /* nothing to seal it with */
    use_session(&w);
    uint64_t last_ns = 0;
    for (unsigned i = 0, n = 0; i < 1500; i++) {
        tick(&w);
        struct got got = look(&w, &w.home, 8);
        ck_assert_uint_le(got.keepalives, 1);
        if (got.keepalives == 1) {
            ck_assert_mem_eq(got.last_keepalive.address, w.link->config.address.bytes, 16);
            ck_assert_uint_eq(w.now_ns - last_ns, n == 0 ? w.now_ns : 15 * SECOND);
            last_ns = w.now_ns;
            n++;
        }
        ck_assert_uint_eq(n, i / 150 + 1);
    }
    use_session(&w); /* a responder waits for a first packet of the new one */
    tick(&w);
    ck_assert_uint_eq(look(&w, &w.home, 8).keepalives, 1);
    world_free(&w);
}
END_TEST

START_TEST(behind_a_transit_site_no_address_is_told)
{
    struct world w;
    const uint8_t none[16] = {0};
    world_init(&w);
    add_path(&w, STACKED, 1, w.home.endpoint.ip);
    use_session(&w);
    tick(&w);
    struct got got = look(&w, &w.home, 16);
    ck_assert_uint_eq(got.keepalives, 1);
    ck_assert_mem_eq(got.last_keepalive.address, none, sizeof(none));
    world_free(&w);
}
END_TEST

START_TEST(a_peer_that_moved_is_followed_and_so_is_its_return)
{
    struct world w;
    world_init(&w);
    struct pt_path *path = add_path(&w, DIRECT, 0, w.home.endpoint.ip);
    struct pt_tunnel_control keepalive = keepalive_of(w.home.endpoint.ip);
    use_session(&w);
    hear(&w, &w.away, PEER, 1, &keepalive, PT_TUNNEL_CONTROL_SIZE);
    ck_assert(goes_to(path, &w.away));
    tick(&w);
    ck_assert_uint_eq(look(&w, &w.away, 8).keepalives, 1);
    ck_assert_uint_eq(look(&w, &w.home, 8).keepalives, 0);
    hear(&w, &w.home, PEER, 1, &keepalive, PT_TUNNEL_CONTROL_SIZE);
    ck_assert(goes_to(path, &w.home));
    world_free(&w);
}
END_TEST

START_TEST(nothing_else_moves_a_path)
{
    struct world w;
    world_init(&w);
    struct pt_path *path = add_path(&w, DIRECT, 0, w.home.endpoint.ip);
    struct pt_path *stacked = add_path(&w, STACKED, 1, w.home.endpoint.ip);
    struct pt_tunnel_control right = keepalive_of(w.home.endpoint.ip), wrong = keepalive_of(pt_ip_from_v4(0x0a000001));
    const struct pt_tunnel_control probe = {.kind = PT_TUNNEL_PROBE, .size = 600};
    use_session(&w);
    hear(&w, &w.away, PEER + 1, 1, &right, PT_TUNNEL_CONTROL_SIZE); /* opened by another peer's session */
    hear(&w, &w.away, PEER, 2, &right, PT_TUNNEL_CONTROL_SIZE);     /* came by another link */
    hear(&w, &w.away, PEER, 1, &wrong, PT_TUNNEL_CONTROL_SIZE);     /* of another of its links */
    hear(&w, &w.away, PEER, 1, &right, PT_TUNNEL_CONTROL_SIZE - 1); /* cut */
    hear(&w, &w.away, PEER, 1, &probe, 600);
    ck_assert(goes_to(path, &w.home));
    hear(&w, &w.away, PEER, 1, &right, PT_TUNNEL_CONTROL_SIZE);
    ck_assert(goes_to(path, &w.away));
    ck_assert(goes_to(stacked, &w.home)); /* a transit site is in between: its address is the next site's */
    world_free(&w);
}
END_TEST

START_TEST(a_probe_is_echoed_as_it_came_and_a_cut_one_is_not)
{
    struct world w;
    world_init(&w);
    add_path(&w, DIRECT, 0, w.home.endpoint.ip);
    struct pt_tunnel_control probe = {.kind = PT_TUNNEL_PROBE, .size = 1000, .address = {1, 2, 3, 4, 5}};
    use_session(&w);
    hear(&w, &w.home, PEER, 1, &probe, 999);
    ck_assert_uint_eq(look(&w, &w.home, 8).echoes, 0);
    hear(&w, &w.home, PEER, 1, &probe, 1000);
    struct got got = look(&w, &w.home, 8);
    ck_assert_uint_eq(got.echoes, 1);
    ck_assert_uint_eq(got.last_echo.size, 1000);
    ck_assert_mem_eq(got.last_echo.address, probe.address, sizeof(probe.address));
    world_free(&w);
}
END_TEST

/* The echo is heard as the answer to the path's own probe only from the peer that the path leads to. */
START_TEST(an_echo_finds_the_mtu_of_its_path_alone)
{
    struct world w;
    world_init(&w);
    struct pt_path *path = add_path(&w, DIRECT, 0, w.home.endpoint.ip);
    struct pt_tunnel_control echo = {.kind = PT_TUNNEL_ECHO, .size = MTU};
    pt_put_be32(echo.address, DIRECT);
    use_session(&w);
    tick(&w);
    ck_assert_uint_eq(look(&w, &w.home, 8).probes, 1);
    hear(&w, &w.home, PEER + 1, 1, &echo, PT_TUNNEL_CONTROL_SIZE);
    ck_assert_uint_eq(path->pmtu.found, 0);
    pt_put_be32(echo.address, PT_ENGINE_SLOTS + 5);
    hear(&w, &w.home, PEER, 1, &echo, PT_TUNNEL_CONTROL_SIZE);
    ck_assert_uint_eq(path->pmtu.found, 0);
    pt_put_be32(echo.address, DIRECT);
    hear(&w, &w.home, PEER, 1, &echo, PT_TUNNEL_CONTROL_SIZE);
    ck_assert_uint_eq(path->pmtu.found, MTU);
    world_free(&w);
}
END_TEST

/* A link whose MTU was lowered says so with the first packet that it refuses. */
START_TEST(a_refused_packet_has_the_mtu_asked_again_at_once)
{
    struct world w;
    world_init(&w);
    struct pt_path *path = add_path(&w, DIRECT, 0, w.home.endpoint.ip);
    use_session(&w);
    pt_pmtu_restore(&path->pmtu, MTU, w.now_ns);
    pt_pmtu_echo(&path->pmtu, MTU, 0, w.now_ns);
    tick(&w);
    tick(&w);
    pt_pmtu_echo(&path->pmtu, MTU, 0, w.now_ns);
    (void)look(&w, &w.home, 8);
    tick(&w);
    ck_assert_uint_eq(look(&w, &w.home, 8).probes, 0);
    atomic_store(&path->doubt, true);
    tick(&w);
    ck_assert_uint_eq(look(&w, &w.home, 8).probes, 1);
    world_free(&w);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("control");
    TCase *tests = tcase_create("control");
    tcase_add_test(tests, a_keepalive_leaves_each_15_seconds_and_with_each_new_session);
    tcase_add_test(tests, behind_a_transit_site_no_address_is_told);
    tcase_add_test(tests, a_peer_that_moved_is_followed_and_so_is_its_return);
    tcase_add_test(tests, nothing_else_moves_a_path);
    tcase_add_test(tests, a_probe_is_echoed_as_it_came_and_a_cut_one_is_not);
    tcase_add_test(tests, an_echo_finds_the_mtu_of_its_path_alone);
    tcase_add_test(tests, a_refused_packet_has_the_mtu_asked_again_at_once);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
