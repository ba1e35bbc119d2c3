/*
 * Sessions between nodes on virtual time: two to three struct pt_peers, a queue of messages between them that can lose,
 * replay and forge, and sessions that are only their keys.
 */
#include "tunnel/peers.h"

#include "base/map.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND 1000000000ULL
#define STEP (100 * 1000000ULL)

struct pt_tunnel_session {
    struct pt_tunnel_keys keys;
    uint64_t volume;
    bool heard;
    struct pt_tunnel_session *next;
};

struct message {
    unsigned from;
    uint32_t label; /* of the receiver; 0: the sender of what is being handled */
    uint8_t data[256];
    size_t size;
};

struct node {
    struct world *world;
    unsigned number; /* its label is number + 1 */
    struct pt_peers *peers;
    uint8_t private_key[32];
    struct pt_tunnel_session *sessions, *used[4]; /* by label */
    unsigned changes;                             /* of what is used */
    unsigned random_count;
};

struct world {
    struct node nodes[3];
    size_t len;
    struct message queue[4096];
    size_t queue_len;
    uint64_t now_ns, wall_skew_ns;
    bool cut; /* everything is lost */
    unsigned sent[5], handling;
};

static void on_send(void *arg, uint32_t label, const struct pt_tunnel_via *via, const uint8_t *data, size_t size)
{
    struct node *node = arg;
    struct world *world = node->world;
    (void)via;
    world->sent[data[0]]++;
    ck_assert_uint_lt(world->queue_len, 4096);
    struct message *message = &world->queue[world->queue_len++];
    *message = (struct message){.from = node->number, .label = label != 0 ? label : world->handling + 1, .size = size};
    memcpy(message->data, data, size);
}

static void on_random(void *arg, void *data, size_t size)
{
    struct node *node = arg;
    for (size_t i = 0; i < size; i++) {
        ((uint8_t *)data)[i] = (uint8_t)pt_hash_mix(((uint64_t)node->number << 32) + ++node->random_count);
    }
}

static struct pt_tunnel_session *on_session_new(void *arg, uint32_t label, const struct pt_tunnel_keys *keys)
{
    struct node *node = arg;
    struct pt_tunnel_session *session = calloc(1, sizeof(*session));
    (void)label;
    session->keys = *keys;
    session->next = node->sessions;
    node->sessions = session;
    return session;
}

static void on_session_use(void *arg, uint32_t label, struct pt_tunnel_session *session)
{
    struct node *node = arg;
    node->used[label] = session;
    node->changes++;
}

static void on_session_free(void *arg, struct pt_tunnel_session *session)
{
    struct node *node = arg;
    struct pt_tunnel_session **at = &node->sessions;
    while (*at != session) {
        at = &(*at)->next;
    }
    *at = session->next;
    free(session);
}

static uint64_t on_session_volume(void *arg, struct pt_tunnel_session *session)
{
    (void)arg;
    return session->volume;
}

static bool on_session_heard(void *arg, struct pt_tunnel_session *session)
{
    (void)arg;
    bool heard = session->heard;
    session->heard = false;
    return heard;
}

static const struct pt_peers_ops ops = {.send = on_send,
                                        .random = on_random,
                                        .session_new = on_session_new,
                                        .session_use = on_session_use,
                                        .session_free = on_session_free,
                                        .session_volume = on_session_volume,
                                        .session_heard = on_session_heard};

static void node_start(struct world *world, unsigned number, uint64_t rekey_after_ms)
{
    struct node *node = &world->nodes[number];
    struct pt_peer_entry entries[3];
    size_t len = 0;
    node->world = world;
    node->number = number;
    struct pt_peers_options options = {.ops = &ops, .arg = node, .rekey_after_ms = rekey_after_ms};
    memset(node->private_key, (int)(0x11 * (number + 1)), sizeof(node->private_key));
    memcpy(options.private_key, node->private_key, sizeof(options.private_key));
    node->peers = pt_peers_new(&options);
    for (unsigned i = 0; i < world->len; i++) {
        if (i != number) {
            uint8_t private_key[32];
            memset(private_key, (int)(0x11 * (i + 1)), sizeof(private_key));
            entries[len] = (struct pt_peer_entry){.label = i + 1, .cipher = PT_CIPHER_AES_128_GCM};
            pt_x25519_public(private_key, entries[len++].public_key);
        }
    }
    pt_peers_set(node->peers, entries, len, world->now_ns);
}

static uint64_t wall(const struct world *world)
{
    return 1700000000 * SECOND + world->now_ns + world->wall_skew_ns;
}

static void deliver(struct world *world, const struct message *message, unsigned to)
{
    const struct pt_tunnel_via via = {.link = 1, .remote = {.ip = pt_ip_from_v4(0x0a000001 + message->from)}};
    world->handling = message->from;
    pt_peers_receive(world->nodes[to].peers, &via, message->data, message->size, world->now_ns, wall(world));
}

static void pump(struct world *world)
{
    for (size_t i = 0; i < world->queue_len; i++) {
        struct message message = world->queue[i];
        if (!world->cut) {
            deliver(world, &message, message.label - 1);
        }
    }
    world->queue_len = 0;
}

/* What the data plane would do: everyone sends to everyone with what it uses; it must open there. */
static unsigned exchange(struct world *world)
{
    unsigned opened = 0;
    for (unsigned from = 0; from < world->len && !world->cut; from++) {
        for (unsigned to = 0; to < world->len; to++) {
            struct pt_tunnel_session *mine = world->nodes[from].used[to + 1];
            for (struct pt_tunnel_session *s = world->nodes[to].sessions; from != to && mine != NULL && s != NULL;
                 s = s->next) {
                if (s->keys.local_index == mine->keys.remote_index &&
                    memcmp(s->keys.receive, mine->keys.send, sizeof(mine->keys.send)) == 0) {
                    s->heard = true;
                    opened++;
                }
            }
        }
    }
    return opened;
}

static void run(struct world *world, uint64_t seconds)
{
    for (uint64_t end = world->now_ns + seconds * SECOND; world->now_ns < end; world->now_ns += STEP) {
        for (unsigned i = 0; i < world->len; i++) {
            pt_peers_tick(world->nodes[i].peers, world->now_ns, wall(world));
        }
        pump(world);
        (void)exchange(world);
    }
}

static struct world *world_new(size_t len, uint64_t rekey_after_ms)
{
    struct world *world = calloc(1, sizeof(*world));
    world->len = len;
    world->now_ns = SECOND;
    for (unsigned i = 0; i < len; i++) {
        node_start(world, i, rekey_after_ms);
    }
    return world;
}

static void world_free(struct world *world)
{
    for (unsigned i = 0; i < world->len; i++) {
        pt_peers_free(world->nodes[i].peers);
        ck_assert_ptr_null(world->nodes[i].sessions);
    }
    free(world);
}

/* ---- tests ---------------------------------------------------------------------------------------------------- */

START_TEST(every_pair_has_a_session_at_once)
{
    struct world *world = world_new(3, 0);
    run(world, 1);
    ck_assert_uint_eq(exchange(world), 6);
    ck_assert_uint_eq(world->sent[PT_TUNNEL_INITIATION], 3); /* one end of each pair starts */
    run(world, 119);
    ck_assert_uint_eq(world->sent[PT_TUNNEL_INITIATION], 3);
    run(world, 2); /* rekeyed after two minutes, by the initiators */
    ck_assert_uint_eq(world->sent[PT_TUNNEL_INITIATION], 6);
    struct pt_peer_status status[3];
    ck_assert_uint_eq(pt_peers_status(world->nodes[0].peers, status, 3), 2);
    ck_assert_uint_eq(status[0].label, 2);
    ck_assert_uint_eq(status[0].handshakes, 2);
    ck_assert_uint_eq(status[1].handshakes, 2);
    world_free(world);
}
END_TEST

/* Rekey each second for a minute: at no instant is there a direction that does not open. */
START_TEST(rekeying_never_leaves_a_gap)
{
    struct world *world = world_new(2, 1000);
    run(world, 2);
    for (unsigned i = 0; i < 600; i++) {
        for (unsigned j = 0; j < 2; j++) {
            pt_peers_tick(world->nodes[j].peers, world->now_ns, wall(world));
            ck_assert_uint_eq(exchange(world), 2);
        }
        for (size_t j = 0; j < world->queue_len; j++) { /* between any two messages too */
            struct message message = world->queue[j];
            deliver(world, &message, message.label - 1);
            ck_assert_uint_eq(exchange(world), 2);
        }
        world->queue_len = 0;
        world->now_ns += STEP;
    }
    ck_assert_uint_ge(world->sent[PT_TUNNEL_RESPONSE], 40);
    world_free(world);
}
END_TEST

START_TEST(volume_renews_the_keys)
{
    struct world *world = world_new(2, 0);
    run(world, 3);
    unsigned before = world->sent[PT_TUNNEL_INITIATION];
    world->nodes[0].used[2]->volume = 64ULL << 30;
    run(world, 1);
    ck_assert_uint_eq(world->sent[PT_TUNNEL_INITIATION], before + 1);
    ck_assert_uint_eq(world->nodes[0].used[2]->volume, 0);
    world_free(world);
}
END_TEST

/* Cut off for as long as you like: old keys end, new ones are there seconds after the cut does. */
START_TEST(keys_expire_without_the_peer_and_come_back_with_it)
{
    struct world *world = world_new(2, 0);
    run(world, 10);
    world->cut = true;
    run(world, 179);
    ck_assert_ptr_null(world->nodes[0].used[2]);
    ck_assert_ptr_null(world->nodes[1].used[1]);
    unsigned tried = world->sent[PT_TUNNEL_INITIATION];
    ck_assert_uint_ge(tried, 30);
    world->cut = false;
    run(world, 6);
    ck_assert_uint_eq(exchange(world), 2);
    world_free(world);
}
END_TEST

START_TEST(a_node_that_restarts_is_back_within_seconds)
{
    for (unsigned which = 0; which < 2; which++) {
        struct world *world = world_new(2, 0);
        run(world, 10);
        pt_peers_free(world->nodes[which].peers);
        node_start(world, which, 0);
        run(world, 3); /* the end with the greater key waits for two */
        ck_assert_uint_eq(exchange(world), 2);
        world_free(world);
    }
}
END_TEST

START_TEST(replayed_and_forged_messages_change_nothing)
{
    struct world *world = world_new(2, 0);
    struct message first = {0};
    pt_peers_tick(world->nodes[0].peers, world->now_ns, wall(world));
    pt_peers_tick(world->nodes[1].peers, world->now_ns, wall(world));
    ck_assert_uint_eq(world->queue_len, 1);
    first = world->queue[0];
    for (size_t i = 0; i < first.size - PT_TUNNEL_MAC_SIZE; i++) { /* mac2 is not looked at without load */
        struct message forged = first;
        forged.data[i] ^= 0x20;
        deliver(world, &forged, first.label - 1);
    }
    ck_assert_uint_eq(world->sent[PT_TUNNEL_RESPONSE], 0);
    pump(world);
    run(world, 1);
    ck_assert_uint_eq(world->sent[PT_TUNNEL_RESPONSE], 1);
    for (unsigned i = 0; i < 50; i++) {
        deliver(world, &first, first.label - 1);
    }
    ck_assert_uint_eq(world->sent[PT_TUNNEL_RESPONSE], 1);
    world_free(world);
}
END_TEST

START_TEST(a_stranger_gets_no_answer)
{
    struct world *world = world_new(3, 0);
    pt_peers_set(world->nodes[1].peers, NULL, 0, world->now_ns);
    pt_peers_set(world->nodes[2].peers, NULL, 0, world->now_ns);
    run(world, 10);
    ck_assert_uint_gt(world->sent[PT_TUNNEL_INITIATION], 1);
    ck_assert_uint_eq(world->sent[PT_TUNNEL_RESPONSE], 0);
    world_free(world);
}
END_TEST

/* A flood with valid mac1: beyond the limit cookies are given, and with its cookie a peer is heard all the same. */
START_TEST(under_load_only_cookies_are_worked_on)
{
    struct world *world = world_new(2, 0);
    struct message flood;
    pt_peers_tick(world->nodes[0].peers, world->now_ns, wall(world));
    pt_peers_tick(world->nodes[1].peers, world->now_ns, wall(world));
    flood = world->queue[0];
    world->queue_len = 0;
    unsigned victim = flood.label - 1, peer = flood.from;
    world->now_ns += SECOND;
    for (unsigned i = 0; i < 1000; i++) {
        deliver(world, &flood, victim);
        world->queue_len = 0;
    }
    ck_assert_uint_gt(world->sent[PT_TUNNEL_COOKIE], 700);
    ck_assert_uint_eq(world->sent[PT_TUNNEL_RESPONSE], 1);

    /* The next initiation of the peer comes in the same second: a cookie, then the same with mac2. */
    world->wall_skew_ns = SECOND;
    pt_peers_tick(world->nodes[peer].peers, world->now_ns, wall(world));
    ck_assert_uint_eq(world->queue_len, 1);
    struct message message = world->queue[0];
    world->queue_len = 0;
    deliver(world, &message, victim);
    ck_assert_uint_eq(world->queue_len, 1);
    message = world->queue[0];
    ck_assert_int_eq(message.data[0], PT_TUNNEL_COOKIE);
    world->queue_len = 0;
    deliver(world, &message, peer);
    world->wall_skew_ns = 2 * SECOND;
    pt_peers_tick(world->nodes[peer].peers, world->now_ns, wall(world));
    ck_assert_uint_eq(world->queue_len, 1);
    pump(world);
    ck_assert_uint_eq(world->sent[PT_TUNNEL_RESPONSE], 2);
    world_free(world);
}
END_TEST

START_TEST(a_peer_that_leaves_the_bundle_has_no_session)
{
    struct world *world = world_new(3, 0);
    run(world, 1);
    struct pt_peer_entry entry = {.label = 2, .cipher = PT_CIPHER_AES_256_GCM};
    pt_x25519_public(world->nodes[1].private_key, entry.public_key);
    struct pt_tunnel_session *kept = world->nodes[0].used[2];
    pt_peers_set(world->nodes[0].peers, &entry, 1, world->now_ns);
    ck_assert_ptr_eq(world->nodes[0].used[2], kept);
    ck_assert_ptr_null(world->nodes[0].used[3]);
    entry.public_key[0] ^= 1; /* another key: another node */
    pt_peers_set(world->nodes[0].peers, &entry, 1, world->now_ns);
    ck_assert_ptr_null(world->nodes[0].used[2]);
    world_free(world);
}
END_TEST

/* Keys are the pair's own affair: nobody else is asked, for days. A node that boots is back after one handshake. */
START_TEST(nine_days_of_rekeying_and_reboots_need_nobody_else)
{
    const uint64_t days = 9;
    struct world *world = world_new(2, 0);
    unsigned reboots = 0, lost = 0, checked = 0;
    run(world, 2);
    uint64_t settled_ns = 0, end_ns = world->now_ns + days * 86400 * SECOND;
    for (uint64_t tick = 0; world->now_ns < end_ns; tick++) {
        if (tick % 400000 == 399999) { /* some eleven hours */
            unsigned number = ++reboots % 2;
            pt_peers_free(world->nodes[number].peers);
            memset(world->nodes[number].used, 0, sizeof(world->nodes[number].used));
            node_start(world, number, 0);
            settled_ns =
                world->now_ns + 21 * SECOND; /* the end that does not start is heard of after 20 s of nothing */
        }
        for (unsigned i = 0; i < world->len; i++) {
            pt_peers_tick(world->nodes[i].peers, world->now_ns, wall(world));
        }
        pump(world);
        if (tick % 10 == 0) {
            unsigned opened = exchange(world);
            lost += world->now_ns >= settled_ns && opened != 2;
            checked++;
        }
        world->now_ns += STEP;
    }
    ck_assert_uint_eq(lost, 0);
    ck_assert_uint_ge(world->sent[PT_TUNNEL_RESPONSE], days * 700);
    printf("headless: keys days %u checked %u reboots %u lost %u\n", (unsigned)days, checked, reboots, lost);
    world_free(world);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("peers");
    TCase *tcase = tcase_create("peers");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, every_pair_has_a_session_at_once);
    tcase_add_test(tcase, rekeying_never_leaves_a_gap);
    tcase_add_test(tcase, nine_days_of_rekeying_and_reboots_need_nobody_else);
    tcase_add_test(tcase, volume_renews_the_keys);
    tcase_add_test(tcase, keys_expire_without_the_peer_and_come_back_with_it);
    tcase_add_test(tcase, a_node_that_restarts_is_back_within_seconds);
    tcase_add_test(tcase, replayed_and_forged_messages_change_nothing);
    tcase_add_test(tcase, a_stranger_gets_no_answer);
    tcase_add_test(tcase, under_load_only_cookies_are_worked_on);
    tcase_add_test(tcase, a_peer_that_leaves_the_bundle_has_no_session);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
