/*
 * Two nodes watch a path between them over loopback: real threads, real sockets, real time. What is waited for is a
 * condition, with much patience; what is asserted is what happened, never how fast.
 */
#include "tunnel/live.h"

#include "tunnel/live_priv.h"

#include <check.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 20000
#define PATH 77
#define SLOT 5
#define TRANSIT 78 /* a path over a site that is not there */
#define TRANSIT_SLOT 6

struct node {
    struct pt_live *live;
    uint8_t private_key[PT_X25519_SIZE], public_key[PT_X25519_SIZE];
    const char *address;
    uint32_t label;
    uint64_t rate_bps;     /* of its link; 0: not shaped */
    int changed;           /* eventfd */
    atomic_int word, told; /* 0: nothing yet, 1: alive, 2: dead */
    atomic_uint words;
    atomic_int transit; /* the word of TRANSIT_SLOT */
};

static void set_word(void *arg, uint32_t slot, bool alive)
{
    struct node *node = arg;
    if (slot == TRANSIT_SLOT) {
        atomic_store(&node->transit, alive ? 1 : 2);
        return;
    }
    ck_assert_uint_eq(slot, SLOT);
    atomic_store(&node->word, alive ? 1 : 2);
    atomic_fetch_add(&node->words, 1);
}

static void on_change(void *arg, uint64_t path, bool alive)
{
    struct node *node = arg;
    if (path == TRANSIT) {
        (void)eventfd_write(node->changed, 1);
        return;
    }
    ck_assert_uint_eq(path, PATH);
    ck_assert_int_eq(atomic_load(&node->word), alive ? 1 : 2); /* the data plane first */
    atomic_store(&node->told, alive ? 1 : 2);
    (void)eventfd_write(node->changed, 1);
}

static uint16_t port(void)
{
    return (uint16_t)(20000 + getpid() % 12000);
}

static void node_open(struct node *node, uint32_t label, const char *address)
{
    struct pt_error error = {0};
    *node = (struct node){.address = address, .label = label, .changed = eventfd(0, EFD_NONBLOCK)};
    memset(node->private_key, (int)(0x10 + label), sizeof(node->private_key));
    pt_x25519_public(node->private_key, node->public_key);
    struct pt_live_options options = {.port = port(), .set_word = set_word, .on_change = on_change, .arg = node};
    memcpy(options.private_key, node->private_key, sizeof(options.private_key));
    ck_assert_msg(pt_live_open(&options, &node->live, &error) == PT_OK, "%s", error.text);
}

static void node_close(struct node *node)
{
    pt_live_close(node->live);
    node->live = NULL;
    (void)close(node->changed);
}

static void pair_open(struct node *a, struct node *b)
{
    node_open(a, 1, "127.0.0.1");
    node_open(b, 2, "127.0.0.2");
}

static void pair_close(struct node *a, struct node *b)
{
    node_close(a);
    node_close(b);
}

/* Tell a node of so many paths to the other one: its direct one, and one that begins with the same tunnel. 0: it only
 * answers. */
static void configure_paths(struct node *node, const struct node *other, size_t paths_len, uint8_t key_change)
{
    struct pt_engine_link link = {.number = 1, .interface = "lo", .rate_bps = node->rate_bps};
    struct pt_live_path paths[2] = {{.id = PATH, .slot = SLOT, .peer = other->label, .link = 1, .strict = 1},
                                    {.id = TRANSIT,
                                     .slot = TRANSIT_SLOT,
                                     .peer = other->label,
                                     .link = 1,
                                     .stack_len = 1,
                                     .back_len = 1,
                                     .stack = {9},
                                     .back = {9}}};
    struct pt_peer_entry peer = {.label = other->label};
    memcpy(peer.public_key, other->public_key, sizeof(peer.public_key));
    peer.public_key[3] ^= key_change;
    ck_assert_int_eq(pt_ip_parse(node->address, &link.address, NULL), PT_OK);
    ck_assert_int_eq(pt_ip_parse(other->address, &paths[0].remote, NULL), PT_OK);
    paths[1].remote = paths[0].remote;
    const struct pt_live_config config = {.label = node->label,
                                          .links = &link,
                                          .links_len = 1,
                                          .paths = paths,
                                          .paths_len = paths_len,
                                          .peers = &peer,
                                          .peers_len = 1};
    pt_live_configure(node->live, &config);
}

static void configure(struct node *node, const struct node *other, bool own, uint8_t key_change)
{
    configure_paths(node, other, own ? 1 : 0, key_change);
}

static void wait_told(struct node *node, int wanted)
{
    while (atomic_load(&node->told) != wanted) {
        struct pollfd changed = {.fd = node->changed, .events = POLLIN};
        eventfd_t ignored;
        ck_assert_msg(poll(&changed, 1, PATIENCE_MS) == 1, "still %d", atomic_load(&node->told));
        (void)eventfd_read(node->changed, &ignored);
    }
}

/* A path from the first to the second, which only answers; it is alive. */
static void pair_up(struct node *a, struct node *b)
{
    pair_open(a, b);
    configure(a, b, true, 0);
    configure(b, a, false, 0);
    wait_told(a, 1);
}

static struct pt_live_status status_of(struct node *node)
{
    struct pt_live_status status = {0};
    ck_assert_uint_eq(pt_live_statuses(node->live, &status, 1), 1);
    ck_assert_uint_eq(status.path, PATH);
    return status;
}

START_TEST(a_path_comes_up_dies_in_silence_and_comes_back)
{
    struct node a, b;
    pair_open(&a, &b);
    configure(&a, &b, true, 0);
    ck_assert_int_eq(atomic_load(&a.word), 0); /* nothing is claimed of a path that was never up: b knows no peer yet */
    configure(&b, &a, false, 0);
    wait_told(&a, 1);
    ck_assert_uint_eq(pt_live_statuses(b.live, NULL, 0), 0); /* it only answers */
    struct pt_live_status up = status_of(&a);
    ck_assert(up.known && up.alive);
    ck_assert_uint_eq(up.state, PT_BFD_UP);
    node_close(&b);
    wait_told(&a, 2);
    ck_assert_uint_ge(status_of(&a).downs, 1);
    node_open(&b, 2, "127.0.0.2");
    configure(&b, &a, false, 0);
    wait_told(&a, 1);
    pair_close(&a, &b);
}
END_TEST

START_TEST(a_wrong_key_never_comes_up_and_the_right_one_does)
{
    struct node a, b;
    pair_open(&a, &b);
    configure(&a, &b, true, 1);
    configure(&b, &a, true, 0);
    struct pollfd changed = {.fd = a.changed, .events = POLLIN};
    ck_assert_int_eq(poll(&changed, 1, 300), 0);
    ck_assert_uint_eq(status_of(&a).known, 0);
    configure(&a, &b, true, 0);
    wait_told(&a, 1);
    wait_told(&b, 1);
    pair_close(&a, &b);
}
END_TEST

START_TEST(what_is_known_is_told_again_with_each_configuration_and_goes_with_the_path)
{
    struct node a, b;
    pair_up(&a, &b);
    uint64_t ups = status_of(&a).ups;
    unsigned words = atomic_load(&a.words);
    configure(&a, &b, true, 0);
    ck_assert_uint_gt(atomic_load(&a.words), words);
    ck_assert_uint_eq(status_of(&a).ups, ups); /* the session went on */
    configure(&a, &b, false, 0);
    ck_assert_uint_eq(pt_live_statuses(a.live, NULL, 0), 0);
    pair_close(&a, &b);
}
END_TEST

/* The end with the slow link only answers: it says what it can bear, and the other one sends no more. */
START_TEST(liveness_takes_no_more_of_a_slow_link_than_its_share)
{
    struct node a, b;
    pair_open(&a, &b);
    b.rate_bps = 500000;
    configure(&a, &b, true, 0);
    configure(&b, &a, false, 0);
    uint32_t slow_ms = PT_LIVE_MULTIPLIER * pt_live_link_interval_us(b.rate_bps, 1) / 1000, detection_ms = 0;
    ck_assert_uint_gt(slow_ms, 500);
    for (int waited = 0; detection_ms != slow_ms; waited += 20) {
        ck_assert_msg(waited < PATIENCE_MS, "detection takes %u ms, not %u", detection_ms, slow_ms);
        (void)poll(NULL, 0, 20);
        detection_ms = status_of(&a).detection_ms;
    }
    wait_told(&a, 1);
    uint64_t ups = status_of(&a).ups;
    b.rate_bps = 0; /* the same socket, another rate: the session goes on, and is fast again */
    configure(&b, &a, false, 0);
    for (int waited = 0; detection_ms != PT_LIVE_MULTIPLIER * PT_LIVE_INTERVAL_US / 1000; waited += 20) {
        ck_assert_msg(waited < PATIENCE_MS, "detection still takes %u ms", detection_ms);
        (void)poll(NULL, 0, 20);
        detection_ms = status_of(&a).detection_ms;
    }
    ck_assert_uint_eq(status_of(&a).ups, ups);
    pair_close(&a, &b);
}
END_TEST

/* Paths to a node that is not there: nothing comes up, what counts is how many there are. */
static void configure_many(struct node *node, const struct node *other, size_t direct_len, size_t transit_len)
{
    struct pt_engine_link link = {.number = 1, .interface = "lo"};
    struct pt_peer_entry peer = {.label = other->label};
    struct pt_live_path *paths = calloc(direct_len + transit_len, sizeof(*paths));
    ck_assert_ptr_nonnull(paths);
    memcpy(peer.public_key, other->public_key, sizeof(peer.public_key));
    ck_assert_int_eq(pt_ip_parse(node->address, &link.address, NULL), PT_OK);
    for (size_t i = 0; i < direct_len + transit_len; i++) {
        uint16_t labels = i < direct_len ? 0 : 1;
        paths[i] = (struct pt_live_path){.id = 1000 + i,
                                         .slot = 100 + (uint32_t)i,
                                         .peer = other->label,
                                         .link = 1,
                                         .stack_len = labels,
                                         .back_len = labels,
                                         .stack = {9},
                                         .back = {9}};
        ck_assert_int_eq(pt_ip_parse(other->address, &paths[i].remote, NULL), PT_OK);
    }
    const struct pt_live_config config = {.label = node->label,
                                          .links = &link,
                                          .links_len = 1,
                                          .paths = paths,
                                          .paths_len = direct_len + transit_len,
                                          .peers = &peer,
                                          .peers_len = 1};
    pt_live_configure(node->live, &config);
    free(paths);
    ck_assert_uint_eq(pt_live_statuses(node->live, NULL, 0), direct_len + transit_len);
}

/* 20,000 packets a second of a node, 400 of its paths over transit sites as long as these keep 150 ms; then less. */
START_TEST(many_paths_are_asked_more_seldom)
{
    static const struct {
        size_t direct_len, transit_len;
        uint32_t direct_ms, transit_ms;
    } rows[] = {{500, 0, 50, 50}, {1000, 0, 100, 100}, {4000, 0, 400, 400},  {1, 10, 50, 50},     {1, 20, 50, 100},
                {1, 30, 50, 150}, {1, 300, 50, 150},   {500, 500, 100, 150}, {1, 1999, 200, 200}, {1, 1, 50, 50}};
    struct node a, b = {.address = "127.0.0.2", .label = 2};
    node_open(&a, 1, "127.0.0.1");
    memcpy(b.public_key, a.public_key, sizeof(b.public_key)); /* a key like another: nobody answers */
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        configure_many(&a, &b, rows[i].direct_len, rows[i].transit_len);
        ck_assert_uint_eq(a.live->interval_us, rows[i].direct_ms * 1000);
        ck_assert_uint_eq(a.live->transit_interval_us, rows[i].transit_ms * 1000);
    }
    node_close(&a);
}
END_TEST

static void wait_transit(struct node *node, int wanted)
{
    while (atomic_load(&node->transit) != wanted) {
        struct pollfd changed = {.fd = node->changed, .events = POLLIN};
        eventfd_t ignored;
        ck_assert_msg(poll(&changed, 1, PATIENCE_MS) == 1, "still %d", atomic_load(&node->transit));
        (void)eventfd_read(node->changed, &ignored);
    }
}

/* The path over a transit site comes up, for nobody on the loopback minds its label. Then its own session is made deaf
 * to silence, so that what takes it down is the death of the tunnel. */
START_TEST(what_begins_with_a_dead_tunnel_is_dead)
{
    struct node a, b;
    uint8_t key[8];
    pt_put_be64(key, TRANSIT);
    pair_open(&a, &b);
    configure(&b, &a, false, 0);
    configure_paths(&a, &b, 2, 0);
    wait_told(&a, 1);
    wait_transit(&a, 1);
    node_close(&b);
    (void)pthread_mutex_lock(&a.live->lock);
    struct pt_live_session *session = pt_map_get(&a.live->owners, key, sizeof(key));
    ck_assert_ptr_nonnull(session);
    session->bfd.remote_multiplier = 0;
    (void)pthread_mutex_unlock(&a.live->lock);
    wait_told(&a, 2);
    wait_transit(&a, 2);
    configure_paths(&a, &b, 2, 0); /* a new configuration does not bring it back */
    ck_assert_int_eq(atomic_load(&a.transit), 2);
    node_close(&a);
}
END_TEST

static void wait_answering(struct node *node)
{
    for (int waited = 0;; waited += 20) {
        bool up = false;
        (void)pthread_mutex_lock(&node->live->lock);
        PT_MAP_FOREACH (entry, &node->live->answers) {
            up = up || ((struct pt_live_session *)entry->value)->bfd.state == PT_BFD_UP;
        }
        (void)pthread_mutex_unlock(&node->live->lock);
        if (up) {
            return;
        }
        ck_assert_msg(waited < PATIENCE_MS, "nobody asks node %u", node->label);
        (void)poll(NULL, 0, 20);
    }
}

/* Both nodes have a path by the same tunnel. With the lock held nothing arrives, and so each session has been silent
 * for as long as is written into it: the node's own for `own_ns`, the one that answers for all of its detection time.
 * elsewhere: the node's own goes by another link of it.
 */
static bool dies_with_answers(struct node *node, uint64_t own_ns, bool elsewhere)
{
    uint8_t key[8];
    pt_put_be64(key, PATH);
    wait_told(node, 1);
    wait_answering(node);
    (void)pthread_mutex_lock(&node->live->lock);
    uint64_t now_ns = pt_live_now_ns();
    struct pt_live_session *own = pt_map_get(&node->live->owners, key, sizeof(key));
    ck_assert(own != NULL && own->alive);
    own->bfd.last_received_ns = now_ns - own_ns;
    own->link += elsewhere;
    PT_MAP_FOREACH (entry, &node->live->answers) {
        struct pt_bfd *answer = &((struct pt_live_session *)entry->value)->bfd;
        answer->last_received_ns = now_ns - PT_LIVE_MULTIPLIER * PT_LIVE_INTERVAL_US * 1000ULL;
    }
    (void)pt_live_run(node->live, now_ns);
    bool died = !own->alive;
    own->link -= elsewhere;
    (void)pthread_mutex_unlock(&node->live->lock);
    return died;
}

START_TEST(a_tunnel_is_dead_when_the_first_of_its_two_sessions_misses_it)
{
    const uint64_t most_ns = (PT_LIVE_MULTIPLIER - 1) * PT_LIVE_INTERVAL_US * 1000ULL;
    struct node a, b;
    pair_open(&a, &b);
    configure(&a, &b, true, 0);
    configure(&b, &a, true, 0);
    wait_told(&b, 1);
    ck_assert(!dies_with_answers(&a, 0, false)); /* the other node has no such path any more: no failure */
    ck_assert(!dies_with_answers(&a, most_ns - 1, false));
    ck_assert(!dies_with_answers(&a, most_ns, true));
    ck_assert(dies_with_answers(&a, most_ns, false));
    wait_told(&a, 2);
    wait_told(&a, 1); /* it was none: it comes back */
    pair_close(&a, &b);
}
END_TEST

START_TEST(headers_are_read_as_they_were_written_and_cut_ones_are_not)
{
    struct pt_live_header in = {.role = PT_LIVE_OWNER,
                                .label = 0x12345,
                                .sequence = 9,
                                .path = 0x0102030405060708,
                                .sent_ns = 10,
                                .echo_ns = 11,
                                .held_us = 12,
                                .received = 13,
                                .highest = 14,
                                .first_stream = 60,
                                .streams = 4,
                                .data_received = 15,
                                .data_expected = 16,
                                .back_len = 2,
                                .back = {1, 0xfffff}};
    const uint32_t stack[] = {7, 8, 9};
    uint8_t packet[PT_LIVE_PACKET_MAX] = {0};
    const uint8_t *message = NULL;
    struct pt_live_header out;
    size_t bfd_size = 0;
    memset(&out, 0, sizeof(out));
    size_t outer = pt_live_outer(stack, 3, packet);
    ck_assert_uint_eq(outer, 8 + 4 + 12);
    pt_live_header_write(&in, packet + outer);
    size_t size = outer + PT_LIVE_HEADER_SIZE + PT_BFD_SIZE;
    ck_assert(pt_live_read(packet, size, &out, &message, &bfd_size));
    ck_assert_ptr_eq(message, packet + outer);
    ck_assert_uint_eq(bfd_size, PT_BFD_SIZE);
    ck_assert_mem_eq(&in, &out, sizeof(in));
    for (size_t cut = 0; cut < size; cut++) {
        ck_assert(!pt_live_read(packet, cut, &out, &message, &bfd_size));
    }
    packet[outer + 6] = PT_STACK_LEN_MAX + 1;
    ck_assert(!pt_live_read(packet, size, &out, &message, &bfd_size));
}
END_TEST

static struct pt_live_session session_of(struct node *node, bool owner)
{
    uint8_t key[12];
    pt_put_be32(key, owner ? 0 : 1); /* the label of the owner, in an answer's key */
    pt_put_be64(key + 4, PATH);
    (void)pthread_mutex_lock(&node->live->lock);
    struct pt_live_session *s =
        owner ? pt_map_get(&node->live->owners, key + 4, 8) : pt_map_get(&node->live->answers, key, sizeof(key));
    ck_assert_ptr_nonnull(s);
    struct pt_live_session copy = *s;
    (void)pthread_mutex_unlock(&node->live->lock);
    return copy;
}

/* Another liveness in the place of the node's, as another process would; its sockets are copies of the old one's. */
static void succeed(struct node *node)
{
    struct pt_handover given = {0}, got = {0};
    struct pt_error error = {0};
    struct pt_live_options options = {
        .port = port(), .set_word = set_word, .on_change = on_change, .arg = node, .adopt = &got};
    const int size = 1 << 20;
    int sockets[2];
    memcpy(options.private_key, node->private_key, sizeof(options.private_key));
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
    ck_assert_int_eq(setsockopt(sockets[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
    pt_live_pause(node->live);
    pt_live_save(node->live, &given);
    ck_assert(pt_handover_send(sockets[0], &given)); /* 30 KB: it fits */
    ck_assert(pt_handover_receive(sockets[1], &got));
    pt_live_close(node->live);
    ck_assert_msg(pt_live_open(&options, &node->live, &error) == PT_OK, "%s", error.text);
    pt_handover_fini(&given);
    pt_handover_fini(&got);
    (void)close(sockets[0]);
    (void)close(sockets[1]);
}

/* First the owner's process is replaced, then the other one. A machine that stands still meanwhile may take the path
 * down; it may not take it for another session, or forget what was known. */
START_TEST(sessions_go_on_in_the_process_that_takes_the_place)
{
    struct node a, b;
    pair_up(&a, &b);
    struct node *nodes[] = {&a, &b};
    for (size_t i = 0; i < 2; i++) {
        struct node *node = nodes[i];
        bool owner = i == 0;
        unsigned words = atomic_load(&node->words);
        pt_live_pause(node->live);
        struct pt_live_session before = session_of(node, owner);
        succeed(node);
        struct pt_live_session after = session_of(node, owner);
        ck_assert_uint_eq(after.bfd.options.discriminator, before.bfd.options.discriminator);
        ck_assert_uint_eq(after.bfd.remote_discriminator, before.bfd.remote_discriminator);
        ck_assert_int_eq(after.bfd.state, before.bfd.state);
        ck_assert_uint_eq(after.bfd.sent_sequence, before.bfd.sent_sequence);
        ck_assert_uint_eq(after.bfd.received_sequence, before.bfd.received_sequence);
        ck_assert_uint_eq(after.bfd.ups, before.bfd.ups);
        ck_assert_int_eq(after.bfd.next_send_ns == before.bfd.next_send_ns, 1);
        ck_assert_mem_eq(after.bfd.options.key, before.bfd.options.key, sizeof(after.bfd.options.key));
        ck_assert_int_eq(after.strict, owner);
        ck_assert_int_eq(after.known, before.known);
        ck_assert_int_eq(after.alive, before.alive);
        ck_assert_uint_eq(after.sent, before.sent);
        ck_assert_uint_eq(after.highest, before.highest);
        ck_assert_int_eq((after.measure != NULL), owner);
        ck_assert_uint_eq(atomic_load(&node->words), words); /* the data plane knows */
        ck_assert_int_eq(pt_live_start(node->live, NULL), PT_OK);
        for (int waited = 0; session_of(node, owner).received < after.received + 5; waited += 20) {
            ck_assert_int_lt(waited, PATIENCE_MS);
            (void)poll(NULL, 0, 20);
        }
        wait_told(&a, 1);
        ck_assert_uint_eq(session_of(node, owner).bfd.options.discriminator, before.bfd.options.discriminator);
    }
    uint64_t ups = status_of(&a).ups;
    configure(&a, &b, true, 0); /* what the agent says again changes nothing */
    ck_assert_uint_eq(status_of(&a).ups, ups);
    pair_close(&a, &b);
}
END_TEST

/* The other end is not where it was configured, and its engine's keepalives told ours where it is. */
START_TEST(a_peer_that_moved_is_followed)
{
    struct node a, b;
    pair_open(&a, &b);
    struct node configured = b;
    configured.address = "127.0.0.9";
    configure(&a, &configured, true, 0);
    configure(&b, &a, true, 0);
    wait_told(&b, 1); /* answers go back to where it is */
    ck_assert_int_eq(atomic_load(&a.told), 0);

    struct pt_engine_moved moved = {.slot = SLOT};
    ck_assert_int_eq(pt_ip_parse("127.0.0.2", &moved.ip, NULL), PT_OK);
    pt_live_note_moved(a.live, &moved, 1);
    wait_told(&a, 1);
    configure(&a, &configured, true, 0); /* what the leader knows of it is as old as before */
    pt_live_note_moved(a.live, &moved, 1);
    struct pt_live_session s = session_of(&a, true);
    ck_assert(pt_ip_equal(&s.remote.ip, &moved.ip));

    pt_live_note_moved(a.live, NULL, 0); /* its link got another configuration: nobody is there */
    wait_told(&a, 2);
    pair_close(&a, &b);
}
END_TEST

static void learn_port(struct node *node, struct pt_live_session *answer, const struct pt_endpoint *before)
{
    (void)pthread_mutex_lock(&node->live->lock);
    pt_live_learn_port(node->live, answer, before);
    (void)pthread_mutex_unlock(&node->live->lock);
}

START_TEST(the_port_that_a_nat_gives_is_the_one_that_its_packets_come_from)
{
    struct node a, b;
    pair_open(&a, &b);
    configure(&a, &b, true, 0);
    struct pt_engine_moved moved = {.slot = SLOT};
    ck_assert_int_eq(pt_ip_parse("127.0.0.7", &moved.ip, NULL), PT_OK);
    struct pt_endpoint before = {.port = 1};
    struct pt_live_session answer = {
        .role = PT_LIVE_ANSWER, .label = 2, .link = 1, .remote = {.ip = moved.ip, .port = 4242}};
    pt_live_note_moved(a.live, NULL, 0);
    learn_port(&a, &answer, &before); /* nobody has moved */
    ck_assert_uint_eq(session_of(&a, true).remote.port, port());

    pt_live_note_moved(a.live, &moved, 1);
    ck_assert_uint_eq(session_of(&a, true).remote.port, port());
    before = answer.remote; /* it comes from where it always came from, but did not look since we know */
    learn_port(&a, &answer, &before);
    ck_assert_uint_eq(session_of(&a, true).remote.port, 4242);
    answer.remote.port = 4243; /* the NAT forgot it */
    learn_port(&a, &answer, &before);
    ck_assert_uint_eq(session_of(&a, true).remote.port, 4243);

    struct pt_live_session other = answer; /* another site's, and one of another address */
    other.label = 3;
    other.remote.port = 1;
    learn_port(&a, &other, &before);
    other.label = 2;
    other.remote.ip.bytes[15]++;
    learn_port(&a, &other, &before);
    ck_assert_uint_eq(session_of(&a, true).remote.port, 4243);
    pair_close(&a, &b);
}
END_TEST

static struct pt_live_bandwidth wait_measured(struct node *node)
{
    struct pt_live_bandwidth found = pt_live_bandwidth(node->live);
    for (int waited = 0; found.state == PT_LIVE_BANDWIDTH_RUNNING; waited += 20) {
        ck_assert_int_lt(waited, PATIENCE_MS);
        (void)poll(NULL, 0, 20);
        found = pt_live_bandwidth(node->live);
    }
    return found;
}

START_TEST(bandwidth_is_measured_on_request_and_not_too_often)
{
    struct node a, b;
    struct pt_error error = {0};
    pair_open(&a, &b);
    configure(&a, &b, true, 0);
    ck_assert_uint_eq(pt_live_bandwidth(a.live).state, PT_LIVE_BANDWIDTH_NONE);
    ck_assert_int_eq(pt_live_bandwidth_start(a.live, PATH + 5, 0, &error), PT_NOT_FOUND);
    ck_assert_int_eq(pt_live_bandwidth_start(a.live, PATH, 0, &error), PT_FAILED_PRECONDITION); /* not alive yet */
    configure(&b, &a, false, 0);
    wait_told(&a, 1);
    ck_assert_msg(pt_live_bandwidth_start(a.live, PATH, 8000000, &error) == PT_OK, "%s", error.text);
    ck_assert_int_eq(pt_live_bandwidth_start(a.live, PATH, 0, &error), PT_EXHAUSTED); /* one at a time */
    struct pt_live_bandwidth found = wait_measured(&a);
    ck_assert_msg(found.code == PT_OK, "%s", found.text);
    ck_assert_uint_eq(found.path, PATH);
    ck_assert_uint_ge(found.trains, 2); /* 2 and 8 Mbit/s, if nothing else is going on */
    ck_assert_uint_le(found.trains, PT_TRAINS_MAX);
    ck_assert_uint_eq(found.bytes, (uint64_t)found.packets * PT_TRAIN_SIZE);
    ck_assert_uint_le(found.rate_bps, 8000000);
    ck_assert_int_eq(pt_live_bandwidth_start(a.live, PATH, 0, &error), PT_EXHAUSTED); /* a moment ago */
    pair_close(&a, &b);
}
END_TEST

START_TEST(a_measurement_outlives_a_moment_in_which_its_path_is_dead)
{
    struct node a, b;
    struct pt_error error = {0};
    pair_up(&a, &b);
    ck_assert_int_eq(pt_live_bandwidth_start(a.live, PATH, 100000, &error), PT_OK); /* a train takes 1.6 s */
    node_close(&b);
    wait_told(&a, 2);
    node_open(&b, 2, "127.0.0.2");
    configure(&b, &a, false, 0);
    wait_told(&a, 1);
    struct pt_live_bandwidth found = wait_measured(&a);
    ck_assert_msg(found.code == PT_OK || found.duration_ms >= PT_LIVE_BANDWIDTH_MS_MAX, "%s", found.text);
    ck_assert_uint_ge(found.trains, found.code == PT_OK ? 1 : 0);
    pair_close(&a, &b);
}
END_TEST

START_TEST(a_measurement_ends_with_its_path_and_with_the_process)
{
    struct node a, b;
    struct pt_error error = {0};
    pair_open(&a, &b);
    configure(&a, &b, true, 0);
    configure(&b, &a, true, 0);
    wait_told(&a, 1);
    wait_told(&b, 1);
    ck_assert_int_eq(pt_live_bandwidth_start(b.live, PATH, 100000, &error), PT_OK);
    ck_assert_int_eq(pt_live_bandwidth_start(a.live, PATH, 100000, &error), PT_OK); /* a train takes 1.6 s */
    configure(&a, &b, false, 0);                                                    /* its path is gone */
    struct pt_live_bandwidth found = wait_measured(&a);
    ck_assert_int_eq(found.code, PT_UNAVAILABLE);
    ck_assert_uint_gt(strlen(found.text), 0);
    node_close(&b); /* in the middle of its own */
    node_close(&a);
}
END_TEST

START_TEST(messages_of_trains_are_read_as_they_were_written_and_others_are_not)
{
    uint8_t data[8 + PT_TRAIN_MESSAGE_MAX], key[PT_HMAC_SIZE] = {1, 2, 3};
    const uint8_t *bytes = NULL;
    struct pt_train_message m = {.kind = PT_TRAIN_REPORT,
                                 .label = 7,
                                 .train = 0xfffffffe,
                                 .path = 0x123456789abcdef0,
                                 .len = PT_TRAIN_LEN_MAX,
                                 .back_len = 2,
                                 .back = {5, 0xfffff}};
    struct pt_train_message read;
    for (uint32_t i = 0; i < m.len; i++) {
        m.came_ns[i] = i * 1000003;
    }
    size_t outer = pt_live_outer(NULL, 0, data), size = outer + pt_train_write(&m, key, data + outer);
    ck_assert(pt_train_read(data, size, &read, &bytes) && pt_train_authentic(&read, bytes, key));
    ck_assert_uint_eq(read.path, m.path);
    ck_assert_uint_eq(read.train, m.train);
    ck_assert_uint_eq(read.back[1], 0xfffff);
    ck_assert_mem_eq(read.came_ns, m.came_ns, sizeof(m.came_ns));
    for (size_t cut = 0; cut < size; cut++) {
        ck_assert(!pt_train_read(data, cut, &read, &bytes));
    }
    for (size_t at = outer; at < size; at++) { /* every byte is covered: a changed one is refused by rule or by MAC */
        data[at] ^= 1;
        ck_assert(!pt_train_read(data, size, &read, &bytes) || !pt_train_authentic(&read, bytes, key));
        data[at] ^= 1;
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("live");
    TCase *tests = tcase_create("live");
    tcase_set_timeout(tests, 100);
    tcase_add_test(tests, a_path_comes_up_dies_in_silence_and_comes_back);
    tcase_add_test(tests, a_wrong_key_never_comes_up_and_the_right_one_does);
    tcase_add_test(tests, what_is_known_is_told_again_with_each_configuration_and_goes_with_the_path);
    tcase_add_test(tests, liveness_takes_no_more_of_a_slow_link_than_its_share);
    tcase_add_test(tests, what_begins_with_a_dead_tunnel_is_dead);
    tcase_add_test(tests, a_tunnel_is_dead_when_the_first_of_its_two_sessions_misses_it);
    tcase_add_test(tests, many_paths_are_asked_more_seldom);
    tcase_add_test(tests, headers_are_read_as_they_were_written_and_cut_ones_are_not);
    tcase_add_test(tests, sessions_go_on_in_the_process_that_takes_the_place);
    tcase_add_test(tests, a_peer_that_moved_is_followed);
    tcase_add_test(tests, the_port_that_a_nat_gives_is_the_one_that_its_packets_come_from);
    tcase_add_test(tests, bandwidth_is_measured_on_request_and_not_too_often);
    tcase_add_test(tests, a_measurement_outlives_a_moment_in_which_its_path_is_dead);
    tcase_add_test(tests, a_measurement_ends_with_its_path_and_with_the_process);
    tcase_add_test(tests, messages_of_trains_are_read_as_they_were_written_and_others_are_not);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
