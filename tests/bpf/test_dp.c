/* The agent's side: bundles into maps and back, refusals, take-over, choice among paths, consistency during flips. */
#include "bed.h"
#include "bundle_text.h"

#include <bpf/bpf.h>
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TC_REDIRECT 7

static const char base[] = "node site=1\n"
                           "link id=1 if=wan0 address=192.0.2.1\n"
                           "link id=2 if=wan1 address=198.51.100.1\n"
                           "lan if=lan0 vni=100\n"
                           "route vni=100 prefix=10.1.0.0/24 site=1 lan=lan0\n"
                           "route vni=100 prefix=10.2.0.0/16 site=2\n"
                           "route vni=100 prefix=2001:db8:2::/48 site=2\n"
                           "tunnel id=1 link=1 remote=192.0.2.2 site=2\n"
                           "tunnel id=2 link=2 remote=198.51.100.2 site=2\n"
                           "tunnel id=3 link=1 remote=192.0.2.3 site=2\n"
                           "path id=11 tunnel=1 site=2\n"
                           "path id=12 tunnel=2 site=2\n"
                           "path id=13 tunnel=3 site=2\n"
                           "rule vni=100 order=5 dscp=46 class=1\n";

static struct bed bed;

static const char *with(const char *more)
{
    static char text[1 << 16];
    (void)snprintf(text, sizeof(text), "%s%s", base, more);
    return text;
}

static struct packet flow_packet(uint16_t port)
{
    struct packet p;
    put_ethernet(&p, ETH_P_IP);
    put_ipv4(&p, "10.1.0.2", "10.2.0.9", IPPROTO_TCP, 0);
    (void)put_tcp(&p, port, 9, TH_ACK, NULL, 0);
    finish_ipv4(&p, ETH_HLEN);
    return p;
}

/* Last byte of the outer destination and of its third octet tell the tunnel: 1, 2 or 3; 0 when dropped. */
static int tunnel_of(uint16_t port)
{
    struct packet p = flow_packet(port);
    struct run r = run_lan(&bed, &p);
    if (r.verdict != TC_REDIRECT) {
        return 0;
    }
    const uint8_t *to = r.out.data + ETH_HLEN + 16;
    return to[0] == 198 ? 2 : to[3] == 2 ? 1 : 3;
}

static void alive(uint64_t path, bool is)
{
    bed.dp->ops->set_path_alive(bed.dp, path, is);
}

START_TEST(a_dead_path_moves_its_own_flows_only_and_weights_hold)
{
    enum { FLOWS = 4000 };
    static int at[FLOWS], then[FLOWS];
    int count[4] = {0}, moved[4] = {0};
    bed_apply(&bed, with("group site=2 class=0 members=11:1:0,12:2:0,13:5:0\n"));
    for (uint64_t path = 11; path <= 13; path++) {
        alive(path, true);
    }
    for (int i = 0; i < FLOWS; i++) {
        count[at[i] = tunnel_of((uint16_t)(1000 + i))]++;
    }
    /* 1 : 2 : 5 of 4000; six standard deviations are 127, 165, 184 */
    ck_assert_int_eq(count[0], 0);
    ck_assert_int_le(abs(count[1] - 500), 127);
    ck_assert_int_le(abs(count[2] - 1000), 165);
    ck_assert_int_le(abs(count[3] - 2500), 184);

    alive(13, false);
    for (int i = 0; i < FLOWS; i++) {
        int now = tunnel_of((uint16_t)(1000 + i));
        ck_assert_int_eq(tunnel_of((uint16_t)(1000 + i)), now); /* two in a row make an entry */
        ck_assert_msg(at[i] == 3 ? now != 3 : now == at[i], "flow %d moved from %d to %d", i, at[i], now);
        moved[now] += at[i] == 3;
        then[i] = now;
    }
    /* what moved spreads by the remaining weights, 1 : 2 */
    ck_assert_int_le(abs(moved[1] - count[3] / 3), 145);
    /* flows under way stay where they are, new ones take the path that is back */
    alive(13, true);
    for (int i = 0; i < FLOWS; i++) {
        ck_assert_int_eq(tunnel_of((uint16_t)(1000 + i)), then[i]);
    }
    int fresh[4] = {0};
    for (int i = 0; i < FLOWS; i++) {
        fresh[tunnel_of((uint16_t)(1000 + FLOWS + i))]++;
    }
    ck_assert_int_le(abs(fresh[3] - 2500), 184);
}
END_TEST

/* ---- shares that change ---------------------------------------------------------------------------------------- */

enum { STREAMS = 2000, VOICE_TOS = 34 << 2 }; /* AF41: REALTIME's */

struct stream { /* so many flows of a kind, and the link that each takes: 1 or 2 */
    const char *to;
    uint8_t tos;
    uint16_t first_port;
    int at[STREAMS];
    int by_first; /* how many take link 1 */
};

static int link_of(const struct stream *stream, int number)
{
    struct packet p;
    put_ethernet(&p, ETH_P_IP);
    put_ipv4(&p, "10.1.0.2", stream->to, IPPROTO_TCP, stream->tos);
    (void)put_tcp(&p, (uint16_t)(stream->first_port + number), 9, TH_ACK, NULL, 0);
    finish_ipv4(&p, ETH_HLEN);
    struct run r = run_lan(&bed, &p);
    ck_assert_int_eq(r.verdict, TC_REDIRECT);
    return r.out.data[ETH_HLEN + 16] == 198 ? 2 : 1;
}

/* A packet of each flow; how many take another link than by the packet before. `only_to`: none may leave it. */
static int send_streams(struct stream *stream, int only_to)
{
    int moved = 0;
    stream->by_first = 0;
    for (int i = 0; i < STREAMS; i++) {
        int now = link_of(stream, i), before = stream->at[i];
        ck_assert_msg(before == 0 || before == now || now == only_to, "a flow left link %d", before);
        moved += before != 0 && before != now;
        stream->by_first += now == 1;
        stream->at[i] = now;
    }
    return moved;
}

#define TWO_SITES                                            \
    "route vni=100 prefix=10.3.0.0/16 site=3\n"              \
    "tunnel id=4 link=1 remote=192.0.2.4 site=3\n"           \
    "tunnel id=5 link=2 remote=198.51.100.5 site=3\n"        \
    "path id=24 tunnel=4 site=3\n"                           \
    "path id=25 tunnel=5 site=3\n"                           \
    "group site=2 class=0 traffic=1 members=11:3:0,12:1:0\n" \
    "group site=3 class=0 members=24:1:0,25:1:0\n"

/* Two classes between the same two sites share the same two paths otherwise; the one's weights change. Flows of the
 * other class, of another site, and all that are under way stay where they are, each one; and of what begins anew only
 * as many as must take another path than they would have, all of them the path whose weight rose. */
START_TEST(weights_that_change_move_nobody_else)
{
    static struct stream plain = {.to = "10.2.0.9", .first_port = 20000};
    static struct stream voice = {.to = "10.2.0.9", .tos = VOICE_TOS, .first_port = 24000};
    static struct stream other = {.to = "10.3.0.9", .first_port = 28000};
    static struct stream under_way = {.to = "10.2.0.9", .first_port = 32000};
    bed_apply(&bed, with(TWO_SITES "group site=2 class=0 members=11:1:0,12:3:0\n"));
    static const uint64_t paths[] = {11, 12, 24, 25};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        alive(paths[i], true);
    }
    (void)send_streams(&plain, 0);
    (void)send_streams(&voice, 0);
    (void)send_streams(&other, 0);
    for (int i = 0; i < STREAMS; i++) { /* two in a row make an entry */
        under_way.at[i] = link_of(&under_way, i);
        ck_assert_int_eq(link_of(&under_way, i), under_way.at[i]);
    }
    /* six standard deviations of 2000 at 1/4 and 1/2 are 116 and 134 */
    ck_assert_int_le(abs(plain.by_first - 500), 116);
    ck_assert_int_le(abs(voice.by_first - 1500), 116);
    ck_assert_int_le(abs(other.by_first - 1000), 134);

    bed_apply(&bed, with(TWO_SITES "group site=2 class=0 members=11:2:0,12:2:0\n"));
    ck_assert_int_eq(send_streams(&voice, 0), 0);
    ck_assert_int_eq(send_streams(&other, 0), 0);
    ck_assert_int_eq(send_streams(&under_way, 0), 0);
    int moved = send_streams(&plain, 1);
    ck_assert_int_le(abs(plain.by_first - 1000), 134);
    ck_assert_int_gt(moved, 0);
    ck_assert_int_le(abs(moved - 500), 116);
}
END_TEST

START_TEST(tiers_and_unknown_paths)
{
    bed_apply(&bed, with("group site=2 class=0 members=11:1:0,12:1:1,13:1:2\n"));
    alive(11, true);
    alive(12, true);
    alive(13, true);
    ck_assert_int_eq(tunnel_of(1), 1);
    alive(11, false);
    ck_assert_int_eq(tunnel_of(1), 2);
    alive(12, false);
    ck_assert_int_eq(tunnel_of(1), 3);
    alive(13, false);
    ck_assert_int_eq(tunnel_of(1), 0);
    alive(13, true);
    ck_assert_int_eq(tunnel_of(1), 3);
    /* a new path of a better tier does not take over before it is known to live, but serves when nothing else does */
    bed_apply(&bed, with("path id=14 tunnel=2 site=2\ngroup site=2 class=0 members=14:1:0,13:1:1\n"));
    ck_assert_int_eq(tunnel_of(1), 3);
    alive(13, false);
    ck_assert_int_eq(tunnel_of(1), 2);
    alive(13, true);
    alive(14, true);
    ck_assert_int_eq(tunnel_of(1), 2);
}
END_TEST

static struct pt_digest digest_of(const char *text)
{
    struct pt_bundle *bundle = bundle_from_text(text);
    struct pt_digest digest = *pt_bundle_digest(bundle);
    pt_bundle_unref(bundle);
    return digest;
}

static enum pt_code verify(struct pt_digest *ret, struct pt_error *reterr)
{
    return bed.dp->ops->verify(bed.dp, ret, reterr);
}

START_TEST(verify_answers_the_bundles_digest)
{
    const char *const more[] = {"", "group site=2 class=0 members=11:1:0\n",
                                "route vni=100 prefix=10.3.0.0/16 site=3\n", "rule vni=7 order=0 deny=1\n"};
    for (size_t i = 0; i < 12; i++) {
        struct pt_digest got, want = digest_of(with(more[i % 4]));
        struct pt_error error = {0};
        bed_apply(&bed, with(more[i % 4]));
        ck_assert_msg(verify(&got, &error) == PT_OK, "%s: %s", error.field, error.text);
        ck_assert(pt_digest_equal(&got, &want));
    }
}
END_TEST

/* The inner map in force, or (spare) the other one, opened through the pins. */
static int inner_of(const char *name, bool spare)
{
    char path[128];
    uint32_t zero = 0, generation = 0, id = 0;
    (void)snprintf(path, sizeof(path), "%s/v%d/pt_generation", bed.pins, PT_ABI_VERSION);
    int fd = bpf_obj_get(path);
    ck_assert_int_eq(bpf_map_lookup_elem(fd, &zero, &generation), 0);
    (void)close(fd);
    (void)snprintf(path, sizeof(path), "%s/v%d/%s", bed.pins, PT_ABI_VERSION, name);
    fd = bpf_obj_get(path);
    generation = (generation + spare) & 1;
    ck_assert_int_eq(bpf_map_lookup_elem(fd, &generation, &id), 0);
    (void)close(fd);
    return bpf_map_get_fd_by_id(id);
}

static int inner_in_force(const char *name)
{
    return inner_of(name, false);
}

START_TEST(verify_finds_what_is_missing_changed_or_foreign)
{
    struct pt_digest digest;
    struct pt_error error = {0};
    struct pt_abi_route4_key key = {.prefix_len = 48, .vni = htonl(100), .address = htonl(0x0a020000)};
    struct pt_abi_route value = {.site_label = 3};
    bed_apply(&bed, base);
    int fd = inner_in_force("pt_routes4");
    ck_assert_int_eq(bpf_map_update_elem(fd, &key, &value, BPF_ANY), 0);
    ck_assert_int_eq(verify(&digest, &error), PT_CORRUPT);
    ck_assert_str_eq(error.field, "pt_routes4");
    ck_assert_ptr_nonnull(strstr(error.text, "different"));
    ck_assert_int_eq(bpf_map_delete_elem(fd, &key), 0);
    ck_assert_int_eq(verify(&digest, &error), PT_CORRUPT);
    ck_assert_ptr_nonnull(strstr(error.text, "missing"));
    key.prefix_len = 47;
    ck_assert_int_eq(bpf_map_update_elem(fd, &key, &value, BPF_ANY), 0);
    ck_assert_int_eq(verify(&digest, &error), PT_CORRUPT);
    (void)close(fd);
    /* the next applies mend both slots */
    bed_apply(&bed, base);
    ck_assert_int_eq(verify(&digest, &error), PT_OK);
    bed_apply(&bed, base);
    ck_assert_msg(verify(&digest, &error) == PT_OK, "%s: %s", error.field, error.text);
}
END_TEST

static void restart(void)
{
    struct pt_dp_bpf_options options = {.pin_directory = bed.pins};
    struct pt_error error = {0};
    bed.dp->ops->close(bed.dp);
    ck_assert_msg(pt_dp_bpf_new(&options, &bed.dp, &error) == PT_OK, "%s: %s", error.field, error.text);
}

/* As bed_apply, but what is left for later stays so. */
static void put_in_force(const char *text)
{
    struct pt_error error = {0};
    struct pt_bundle *bundle = bundle_from_text(text);
    ck_assert_msg(bed.dp->ops->apply(bed.dp, bundle, &error) == PT_OK, "%s: %s", error.field, error.text);
    pt_bundle_unref(bundle);
}

/* Where the route to 10.2.0.0/16 leads by a slot. */
static uint32_t site_of_route(bool spare)
{
    struct pt_abi_route4_key key = {.prefix_len = 48, .vni = htonl(100), .address = htonl(0x0a020000)};
    struct pt_abi_route value = {0};
    int fd = inner_of("pt_routes4", spare);
    ck_assert_int_eq(bpf_map_lookup_elem(fd, &key, &value), 0);
    (void)close(fd);
    return PT_ROUTE_LABEL(&value);
}

START_TEST(a_bundle_is_in_force_before_it_is_settled)
{
    char text[4096];
    struct pt_digest got, want;
    bed_apply(&bed, with("group site=2 class=0 members=11:1:0\n"));
    alive(11, true);
    alive(12, true);
    (void)snprintf(text, sizeof(text), "%s%s", base, "group site=2 class=0 members=12:1:0\n");
    want = digest_of(text);
    put_in_force(text);
    ck_assert_int_eq(tunnel_of(1), 2);
    ck_assert_int_eq(verify(&got, NULL), PT_OK);
    ck_assert(pt_digest_equal(&got, &want));
    /* packets that are under way by the former one find it whole */
    (void)snprintf(text, sizeof(text), "node site=1\nlan if=lan0 vni=100\nroute vni=100 prefix=10.2.0.0/16 site=5\n");
    put_in_force(text);
    ck_assert_uint_eq(site_of_route(false), 5);
    ck_assert_uint_eq(site_of_route(true), 2);
    ck_assert_uint_ne(bed_path(&bed, 11).path_id, 0); /* nor is its slot given to another path */
    bed.dp->ops->settle(bed.dp);
    ck_assert_uint_eq(site_of_route(true), 5);
    ck_assert_uint_eq(bed_path(&bed, 11).path_id, 0);
    bed.dp->ops->settle(bed.dp); /* nothing is left to do */
    put_in_force(base);
    restart(); /* closing does what is left */
    ck_assert_uint_eq(site_of_route(true), 2);
}
END_TEST

START_TEST(hashes_grow_with_the_bundle)
{
    static char text[1 << 20];
    struct pt_digest digest;
    struct pt_error error = {0};
    struct bpf_map_info info = {0};
    uint32_t info_size = sizeof(info);
    size_t size = (size_t)snprintf(text, sizeof(text), "%s", base);
    for (int i = 3; i < 3000; i++) {
        size += (size_t)snprintf(text + size, sizeof(text) - size,
                                 "tunnel id=%d link=1 remote=198.18.%d.%d site=%d\npath id=%d tunnel=%d site=%d\n"
                                 "group site=%d class=0 members=%d:1:0\n",
                                 1000 + i, i / 256, i % 256, i, 10000 + i, 1000 + i, i, i, 10000 + i);
    }
    (void)snprintf(text + size, sizeof(text) - size, "group site=2 class=0 members=12:1:0\n");
    for (int round = 0; round < 2; round++) { /* smaller again: the map stays as it is */
        bed_apply(&bed, text);
        ck_assert_msg(verify(&digest, &error) == PT_OK, "%s: %s", error.field, error.text);
        alive(12, true);
        ck_assert_int_eq(tunnel_of(1), 2);
        bed_apply(&bed, base);
        ck_assert_msg(verify(&digest, &error) == PT_OK, "%s: %s", error.field, error.text);
    }
    int fd = inner_in_force("pt_groups");
    ck_assert_int_eq(bpf_obj_get_info_by_fd(fd, &info, &info_size), 0);
    ck_assert_uint_ge(info.max_entries, 2 * 2998);
    (void)close(fd);
}
END_TEST

START_TEST(a_refused_bundle_changes_nothing)
{
    struct pt_digest before, after;
    struct pt_error error = {0};
    bed_apply(&bed, with("group site=2 class=0 members=11:1:0\n"));
    alive(11, true);
    ck_assert_int_eq(verify(&before, &error), PT_OK);
    struct pt_bundle *bad = bundle_from_text(with("path id=99 tunnel=77 site=2\n"));
    ck_assert_int_eq(bed.dp->ops->apply(bed.dp, bad, &error), PT_INVALID_ARGUMENT);
    pt_bundle_unref(bad);
    ck_assert_int_eq(verify(&after, &error), PT_OK);
    ck_assert(pt_digest_equal(&before, &after));
    ck_assert_int_eq(tunnel_of(1), 1);
}
END_TEST

/* The agent is killed (its memory forgotten) and another takes over. */
START_TEST(a_new_agent_takes_over_what_is_pinned)
{
    struct pt_digest digest;
    struct pt_error error = {0};
    const char *text = with("group site=2 class=0 members=11:1:0,12:1:1\n");
    bed_apply(&bed, text);
    alive(11, false);
    alive(12, true);
    ck_assert_int_eq(tunnel_of(1), 2);
    uint64_t sent = bed_path(&bed, 12).tx_packets;

    restart();
    ck_assert_int_eq(tunnel_of(1), 2); /* forwards without being told anything */
    ck_assert_int_eq(verify(&digest, &error), PT_FAILED_PRECONDITION);
    ck_assert_uint_eq(bed_path(&bed, 12).tx_packets, sent + 1);
    bed_apply(&bed, text);
    ck_assert_int_eq(tunnel_of(1), 2); /* 11 is still known to be dead */
    ck_assert_int_eq(verify(&digest, &error), PT_OK);
    ck_assert_uint_eq(bed_path(&bed, 12).tx_packets, sent + 2);
}
END_TEST

START_TEST(a_path_that_returns_is_new)
{
    bed_apply(&bed, with("group site=2 class=0 members=11:1:0\n"));
    alive(11, true);
    (void)tunnel_of(1);
    ck_assert_uint_gt(bed_path(&bed, 11).tx_packets, 0);
    bed_apply(&bed, "node site=1\n");
    ck_assert_uint_eq(bed_path(&bed, 11).path_id, 0);
    bed_apply(&bed, with("group site=2 class=0 members=11:1:0\n"));
    ck_assert_uint_eq(bed_path(&bed, 11).path_id, 11);
    ck_assert_uint_eq(bed_path(&bed, 11).tx_packets, 0);
}
END_TEST

START_TEST(many_paths_make_the_array_grow)
{
    static char text[1 << 20];
    size_t size = (size_t)snprintf(text, sizeof(text), "%s", base);
    struct pt_digest digest;
    struct pt_error error = {0};
    for (int i = 0; i < 3000; i++) {
        size += (size_t)snprintf(text + size, sizeof(text) - size, "path id=%d tunnel=2 site=2 stack=2\n", 1000 + i);
    }
    (void)snprintf(text + size, sizeof(text) - size, "group site=2 class=0 members=3999:1:0\n");
    bed_apply(&bed, text);
    ck_assert_msg(verify(&digest, &error) == PT_OK, "%s: %s", error.field, error.text);
    ck_assert_int_eq(tunnel_of(1), 2);
    restart();
    ck_assert_int_eq(tunnel_of(1), 2);
    bed_apply(&bed, base);
    ck_assert_int_eq(verify(&digest, &error), PT_OK);
    ck_assert_uint_eq(bed_path(&bed, 3999).path_id, 0);
}
END_TEST

START_TEST(an_absent_interface_does_not_hold_up_the_rest)
{
    struct pt_digest digest, want;
    struct pt_error error = {0};
    char text[4096];
    (void)snprintf(text, sizeof(text), "%s%s", base,
                   "link id=3 if=wan9 address=203.0.113.1\n"
                   "tunnel id=9 link=3 remote=203.0.113.2 site=2\n"
                   "path id=19 tunnel=9 site=2\n"
                   "group site=2 class=0 members=19:1:0,12:1:1\n");
    want = digest_of(text);
    bed_apply(&bed, text);
    alive(12, true);
    ck_assert_int_eq(verify(&digest, &error), PT_OK);
    ck_assert(pt_digest_equal(&digest, &want));
    ck_assert_int_eq(tunnel_of(1), 2);
    ck_assert_uint_eq(bed_path(&bed, 19).path_id, 0);
}
END_TEST

/*
 * Two bundles that differ in every map agree each within itself: in one, prefix 10.2/16 is site 2 by tunnel 1; in the
 * other, site 4 by tunnel 2, and neither has the other's group. A thread sends while the bundles alternate; a packet
 * that saw parts of both would find no group.
 */
struct traffic {
    atomic_bool stop;
    unsigned sent, lost;
};

static void *send_all_along(void *arg)
{
    struct traffic *t = arg;
    while (!atomic_load(&t->stop)) {
        t->sent++;
        t->lost += tunnel_of((uint16_t)t->sent) == 0;
    }
    return NULL;
}

static void apply_all(const char *text)
{
    bed_apply(&bed, text);
}

START_TEST(no_packet_sees_half_a_bundle)
{
    static const char one[] = "node site=1\nlink id=1 if=wan0 address=192.0.2.1\nlan if=lan0 vni=100\n"
                              "route vni=100 prefix=10.2.0.0/16 site=2\n"
                              "tunnel id=1 link=1 remote=192.0.2.2 site=2\npath id=11 tunnel=1 site=2\n"
                              "group site=2 class=0 members=11:1:0\n";
    static const char two[] = "node site=1\nlink id=2 if=wan0 address=198.51.100.1\nlan if=lan0 vni=101\n"
                              "route vni=101 prefix=10.2.0.0/16 site=4\n"
                              "tunnel id=2 link=2 remote=198.51.100.2 site=4\npath id=12 tunnel=2 site=4\n"
                              "group site=4 class=0 members=12:1:0\n";
    struct traffic t = {0};
    pthread_t thread;
    bed_apply(&bed, one);
    ck_assert_int_eq(pthread_create(&thread, NULL, send_all_along, &t), 0);
    for (int i = 0; i < 60; i++) {
        (i % 3 == 0 ? put_in_force : apply_all)(i % 2 == 0 ? two : one);
    }
    atomic_store(&t.stop, true);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_uint_gt(t.sent, 1000);
    ck_assert_msg(t.lost == 0, "%u of %u packets saw half a bundle:%s", t.lost, t.sent, drops_text(&bed));
}
END_TEST

static void take_demand(void *arg, uint32_t site_label, uint64_t bytes)
{
    if (site_label == 2) {
        *(uint64_t *)arg = bytes;
    }
}

START_TEST(demand_counts_what_is_offered_even_without_a_path)
{
    uint64_t before = 0, after = 0;
    bed_apply(&bed, with("group site=2 class=0\n"));
    bed.dp->ops->demands(bed.dp, take_demand, &before);
    ck_assert_int_eq(tunnel_of(1), 0);
    bed.dp->ops->demands(bed.dp, take_demand, &after);
    ck_assert_uint_eq(after, before + 40);
}
END_TEST

int main(void)
{
    if (!bed_possible()) {
        return 77;
    }
    bed_open(&bed, base);
    Suite *suite = suite_create("dp");
    TCase *tc = tcase_create("dp");
    tcase_add_test(tc, a_dead_path_moves_its_own_flows_only_and_weights_hold);
    tcase_add_test(tc, weights_that_change_move_nobody_else);
    tcase_add_test(tc, tiers_and_unknown_paths);
    tcase_add_test(tc, verify_answers_the_bundles_digest);
    tcase_add_test(tc, verify_finds_what_is_missing_changed_or_foreign);
    tcase_add_test(tc, a_bundle_is_in_force_before_it_is_settled);
    tcase_add_test(tc, hashes_grow_with_the_bundle);
    tcase_add_test(tc, a_refused_bundle_changes_nothing);
    tcase_add_test(tc, a_new_agent_takes_over_what_is_pinned);
    tcase_add_test(tc, a_path_that_returns_is_new);
    tcase_add_test(tc, many_paths_make_the_array_grow);
    tcase_add_test(tc, an_absent_interface_does_not_hold_up_the_rest);
    tcase_add_test(tc, no_packet_sees_half_a_bundle);
    tcase_add_test(tc, demand_counts_what_is_offered_even_without_a_path);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    bed_close(&bed);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
