/*
 * The flow cache: what makes an entry, what makes it stale, and how a flow follows a new choice. SLA and move mode of a
 * group are written into its map; the clock is the entry's `seen`, set back where a pause is meant.
 */
#include "bed.h"

#include "bpf/abi/event.h"
#include "bpf/abi/flow.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BASE_BUT_GROUP                                          \
    "node site=1\n"                                             \
    "link id=1 if=wan0 address=192.0.2.1 gateway=192.0.2.254\n" \
    "lan if=lan0 vni=100\nlan if=lan1 vni=100\n"                \
    "route vni=100 prefix=10.1.0.0/24 site=1 lan=lan0\n"        \
    "route vni=100 prefix=10.1.1.0/24 site=1 lan=lan1\n"        \
    "route vni=100 prefix=10.2.0.0/16 site=2\n"                 \
    "route vni=100 prefix=fd00:2::/32 site=2\n"                 \
    "tunnel id=1 link=1 remote=192.0.2.2 site=2\n"              \
    "tunnel id=2 link=1 remote=192.0.2.3 site=2\n"              \
    "path id=11 tunnel=1 site=2\n"                              \
    "path id=12 tunnel=2 site=2 stack=7,2\n"
#define BASE BASE_BUT_GROUP "group site=2 class=0 members=11:1:0,12:1:1\n"
#define DRAINED BASE_BUT_GROUP "group site=2 class=0 members=12:1:1,11:1:2\n"

#define SHAPED                                                                 \
    "node site=1\nlan if=lan0 vni=100\n"                                       \
    "link id=1 if=wan0 address=192.0.2.1 gateway=192.0.2.254 rate=100000000\n" \
    "route vni=100 prefix=10.1.0.0/24 site=1 lan=lan0\n"

#define TC_REDIRECT 7

static struct bed bed;
static uint32_t slot11, slot12;

static void write_map(const char *name, const void *key, const void *value)
{
    int fd = bed_pinned(bed.pins, name);
    ck_assert_int_eq(bpf_map_update_elem(fd, key, value, BPF_ANY), 0);
    (void)close(fd);
}

static uint32_t read_word(const char *name, uint32_t index)
{
    uint32_t value = 0;
    int fd = bed_pinned(bed.pins, name);
    ck_assert_int_eq(bpf_map_lookup_elem(fd, &index, &value), 0);
    (void)close(fd);
    return value;
}

static void alive(uint64_t path, bool is)
{
    bed.dp->ops->set_path_alive(bed.dp, path, is);
}

/* Site 2's group in both slots of the bundle map. */
static void set_group(uint8_t sla, uint8_t flags, uint8_t move)
{
    int outer = bed_pinned(bed.pins, "pt_groups");
    for (uint32_t slot = 0; slot < 2; slot++) {
        struct pt_abi_group_key key = {.site_label = 2};
        struct pt_abi_group group;
        uint32_t id = 0;
        ck_assert_int_eq(bpf_map_lookup_elem(outer, &slot, &id), 0);
        int inner = bpf_map_get_fd_by_id(id);
        ck_assert_int_eq(bpf_map_lookup_elem(inner, &key, &group), 0);
        group.sla = sla;
        group.flags = flags;
        group.move = move;
        ck_assert_int_eq(bpf_map_update_elem(inner, &key, &group, BPF_ANY), 0);
        (void)close(inner);
    }
    (void)close(outer);
    bed.dp->ops->ask_again(bed.dp);
}

static void set_broken(uint32_t slot, uint64_t slas)
{
    struct pt_abi_path_sla words = {.breaks = slas, .held = slas};
    write_map("pt_path_sla", &slot, &words);
    bed.dp->ops->ask_again(bed.dp);
}

static void set_up(void)
{
    uint64_t id = 0;
    bed_apply(&bed, BASE);
    alive(11, true);
    alive(12, true);
    int fd = bed_pinned(bed.pins, "pt_path_ids");
    for (uint32_t slot = 1; slot < 64; slot++) {
        ck_assert_int_eq(bpf_map_lookup_elem(fd, &slot, &id), 0);
        slot11 = id == 11 ? slot : slot11;
        slot12 = id == 12 ? slot : slot12;
    }
    (void)close(fd);
    set_group(0, 0, PT_MOVE_NEW_ONLY);
    set_broken(slot11, 0);
    set_broken(slot12, 0);
}

static struct packet packet4(uint8_t protocol, uint16_t port, uint8_t tcp_flags, uint8_t tos)
{
    struct packet p;
    put_ethernet(&p, ETH_P_IP);
    put_ipv4(&p, "10.1.0.2", "10.2.0.9", protocol, tos);
    if (protocol == IPPROTO_TCP) {
        uint32_t tcp = put_tcp(&p, port, 80, tcp_flags, NULL, 0);
        put_payload(&p, 40);
        finish_ipv4(&p, ETH_HLEN);
        finish_l4(&p, ETH_HLEN, tcp, 16);
    } else {
        uint32_t udp = put_udp(&p, port, 9);
        put_payload(&p, 40);
        finish_udp_size(&p, udp);
        finish_ipv4(&p, ETH_HLEN);
    }
    return p;
}

static struct packet packet6(uint16_t port)
{
    struct packet p;
    put_ethernet(&p, ETH_P_IPV6);
    uint32_t ip = put_ipv6(&p, "fd00:1::2", "fd00:2::9", IPPROTO_UDP, 0xb8);
    uint32_t udp = put_udp(&p, port, 9);
    put_payload(&p, 40);
    finish_udp_size(&p, udp);
    finish_ipv6(&p, ip);
    finish_l4(&p, ip, udp, 6);
    return p;
}

/* 11, 12, or 0 when dropped: by the outer destination. */
static int path_of(const struct packet *p)
{
    struct run r = run_lan(&bed, p);
    return r.verdict != TC_REDIRECT ? 0 : r.out.data[ETH_HLEN + 19] == 2 ? 11 : 12;
}

static struct pt_abi_flow4_key key_of(uint8_t protocol, uint16_t port)
{
    return (struct pt_abi_flow4_key){.source = htonl(0x0a010002),
                                     .destination = htonl(0x0a020009),
                                     .port_source = port,
                                     .port_destination = protocol == IPPROTO_TCP ? 80 : 9,
                                     .vni_protocol = PT_FLOW_VNI_PROTOCOL(100, protocol)};
}

static bool find_flow(uint8_t protocol, uint16_t port, struct pt_abi_flow *ret)
{
    struct pt_abi_flow4_key key = key_of(protocol, port);
    int fd = bed_pinned(bed.pins, "pt_flows4");
    bool found = bpf_map_lookup_elem(fd, &key, ret) == 0;
    (void)close(fd);
    return found;
}

/* As if the flow's last packet had come this many units ago. */
static void set_back(uint8_t protocol, uint16_t port, uint32_t units)
{
    struct pt_abi_flow4_key key = key_of(protocol, port);
    struct pt_abi_flow flow;
    ck_assert(find_flow(protocol, port, &flow));
    flow.seen -= units;
    write_map("pt_flows4", &key, &flow);
}

/* A flow on path 12 because 11 was dead; 11 is back now. */
static void be_on_12(const struct packet *p)
{
    alive(11, false);
    ck_assert_int_eq(path_of(p), 12);
    ck_assert_int_eq(path_of(p), 12);
    alive(11, true);
}

/* After be_on_12, without a pause, the flow stays. When the machine itself pauses, once more. */
static void stays_on_12(const struct packet *p)
{
    for (int tries = 0; tries < 100; tries++) {
        struct timespec before, after;
        (void)clock_gettime(CLOCK_MONOTONIC, &before);
        be_on_12(p);
        int first = path_of(p), second = path_of(p);
        (void)clock_gettime(CLOCK_MONOTONIC, &after);
        if ((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 < 150) {
            ck_assert_int_eq(first, 12);
            ck_assert_int_eq(second, 12);
            return;
        }
    }
    ck_abort_msg("the machine never ran for 150 ms");
}

START_TEST(the_second_packet_makes_an_entry_and_the_third_is_counted)
{
    struct packet p = packet4(IPPROTO_TCP, 1001, 16, 0xb8);
    struct pt_abi_flow flow;
    ck_assert_int_eq(path_of(&p), 11);
    ck_assert(!find_flow(IPPROTO_TCP, 1001, &flow));
    ck_assert_int_eq(path_of(&p), 11);
    ck_assert(find_flow(IPPROTO_TCP, 1001, &flow));
    ck_assert_int_eq(path_of(&p), 11);
    ck_assert(find_flow(IPPROTO_TCP, 1001, &flow));
    ck_assert_uint_eq(flow.out, slot11);
    ck_assert_uint_eq(flow.verdict, PT_FLOW_PATH);
    ck_assert_uint_eq(flow.packets, 2);
    ck_assert_uint_eq(flow.bytes, 2 * (p.size - ETH_HLEN));
    ck_assert_uint_eq(flow.dscp, 46);
    ck_assert_uint_eq(flow.generation, read_word("pt_generation", 0));
    ck_assert_uint_eq(flow.epoch, read_word("pt_epoch", 0));
}
END_TEST

START_TEST(a_flow_knows_the_bundle_that_decided_it)
{
    struct packet p = packet4(IPPROTO_TCP, 1012, 16, 0);
    struct pt_abi_flow flow;
    struct pt_abi_applied row;
    bed.dp->origin = (struct pt_dp_origin){.revision = 77, .epoch = 1, .term = 2, .generation = 3, .time_ns = 4};
    bed_apply(&bed, BASE);
    ck_assert_int_eq(path_of(&p), 11);
    ck_assert_int_eq(path_of(&p), 11);
    ck_assert(find_flow(IPPROTO_TCP, 1012, &flow));
    uint32_t index = flow.generation % PT_APPLIED_MAX;
    int fd = bed_pinned(bed.pins, "pt_applied");
    ck_assert_int_eq(bpf_map_lookup_elem(fd, &index, &row), 0);
    (void)close(fd);
    ck_assert_uint_eq(row.generation, flow.generation);
    ck_assert_uint_eq(row.revision, 77);
    ck_assert_uint_eq(row.term, 2);
    ck_assert_uint_eq(row.position, 3);
}
END_TEST

START_TEST(a_flood_of_single_packets_leaves_no_entry)
{
    struct pt_abi_flow flow;
    for (uint16_t port = 20000; port < 40000; port++) {
        struct packet p = packet4(IPPROTO_TCP, port, 2, 0);
        ck_assert_int_eq(path_of(&p), 11);
    }
    unsigned entries = 0;
    for (uint16_t port = 20000; port < 40000; port++) {
        entries += find_flow(IPPROTO_TCP, port, &flow);
    }
    ck_assert_uint_eq(entries, 0);
}
END_TEST

START_TEST(a_dead_path_is_left_at_once_and_tcp_does_not_go_back)
{
    struct packet tcp = packet4(IPPROTO_TCP, 1002, 16, 0), syn = packet4(IPPROTO_TCP, 1002, 2, 0);
    struct pt_abi_flow flow;
    be_on_12(&tcp);
    ck_assert_int_eq(path_of(&tcp), 12);
    set_back(IPPROTO_TCP, 1002, 10000);
    ck_assert_int_eq(path_of(&tcp), 12); /* a pause does not end a TCP flow under NEW_ONLY */
    bed_apply(&bed, BASE);
    set_group(0, 0, PT_MOVE_NEW_ONLY);
    ck_assert_int_eq(path_of(&tcp), 12); /* nor does a new bundle */
    ck_assert_int_eq(path_of(&syn), 11); /* one that begins anew is new */
    ck_assert_int_eq(path_of(&tcp), 11);
    ck_assert(find_flow(IPPROTO_TCP, 1002, &flow));
    ck_assert(flow.flags & PT_FLOW_MOVED);
}
END_TEST

START_TEST(a_path_that_is_put_behind_is_left_at_once)
{
    struct packet p = packet4(IPPROTO_TCP, 1011, 16, 0);
    ck_assert_int_eq(path_of(&p), 11);
    ck_assert_int_eq(path_of(&p), 11);
    bed_apply(&bed, DRAINED);
    ck_assert_int_eq(path_of(&p), 12);
    bed_apply(&bed, BASE); /* back: the flow has no reason to move again */
    ck_assert_int_eq(path_of(&p), 12);
}
END_TEST

START_TEST(without_a_handshake_a_pause_is_a_beginning_and_without_ports_every_packet)
{
    struct packet udp = packet4(IPPROTO_UDP, 1003, 0, 0), icmp = packet4(IPPROTO_ICMP, 0, 0, 0);
    stays_on_12(&udp);
    set_back(IPPROTO_UDP, 1003, PT_FLOW_GAP + 1);
    ck_assert_int_eq(path_of(&udp), 11);
    be_on_12(&icmp);
    ck_assert_int_eq(path_of(&icmp), 11);
}
END_TEST

START_TEST(graceful_follows_in_a_pause_and_forced_at_once)
{
    struct packet p = packet4(IPPROTO_TCP, 1004, 16, 0);
    set_group(0, 0, PT_MOVE_GRACEFUL);
    stays_on_12(&p);
    set_back(IPPROTO_TCP, 1004, PT_FLOW_GAP + 1);
    ck_assert_int_eq(path_of(&p), 11);
    p = packet4(IPPROTO_TCP, 1005, 16, 0);
    set_group(0, 0, PT_MOVE_FORCED);
    be_on_12(&p);
    ck_assert_int_eq(path_of(&p), 11);
}
END_TEST

struct told {
    struct pt_dp_decision newest;
    unsigned count;
};

static void on_told(void *arg, const struct pt_dp_decision *decision)
{
    struct told *told = arg;
    told->newest = *decision;
    told->count++;
}

static struct told read_told(void)
{
    struct told told = {0};
    (void)bed.dp->ops->decisions(bed.dp, on_told, &told);
    return told;
}

/* An entry that is made, and one that changes, is told; the same answer again is not, nor a hit. Without a way each
 * packet's drop is told, and then that it goes on. */
START_TEST(what_is_decided_is_told_once)
{
    struct packet p = packet4(IPPROTO_TCP, 1021, 16, 0xb8);
    struct pt_dp_origin origin;
    struct pt_dp_flow flow;
    bed.dp->origin =
        (struct pt_dp_origin){.revision = 88, .epoch = 1, .term = 2, .generation = 4, .time_ns = 5, .te_epoch = 6};
    bed_apply(&bed, BASE);
    (void)read_told();
    ck_assert_int_eq(path_of(&p), 11);
    ck_assert_uint_eq(read_told().count, 0);
    ck_assert_int_eq(path_of(&p), 11);
    struct told told = read_told();
    ck_assert_uint_eq(told.count, 1);
    ck_assert_uint_eq(told.newest.path_id, 11);
    ck_assert_uint_eq(told.newest.kind, PT_EVENT_FLOW);
    ck_assert_uint_eq(told.newest.verdict, PT_FLOW_PATH);
    ck_assert_uint_eq(told.newest.site_label, 2);
    ck_assert_uint_eq(told.newest.dscp, 46);
    ck_assert_uint_eq(told.newest.flow.source_port, 1021);
    ck_assert_uint_eq(told.newest.flow.vni, 100);
    ck_assert_uint_lt(told.newest.age_ns, 60000000000ULL);
    ck_assert(bed.dp->ops->origin_of(bed.dp, told.newest.generation, &origin));
    ck_assert_uint_eq(origin.revision, 88);
    ck_assert_uint_eq(origin.te_epoch, 6);
    ck_assert(bed.dp->ops->flow(bed.dp, &told.newest.flow, &flow));
    ck_assert_uint_eq(flow.packets, 1);
    ck_assert_int_eq(path_of(&p), 11);
    bed.dp->ops->ask_again(bed.dp);
    ck_assert_int_eq(path_of(&p), 11);
    ck_assert_uint_eq(read_told().count, 0);
    alive(11, false);
    ck_assert_int_eq(path_of(&p), 12);
    told = read_told();
    ck_assert_uint_eq(told.count, 1);
    ck_assert_uint_eq(told.newest.path_id, 12);
    alive(12, false);
    CHECK_DROP(&bed, run_lan(&bed, &p), NO_PATH);
    told = read_told();
    ck_assert_uint_eq(told.count, 1);
    ck_assert_uint_eq(told.newest.kind, PT_EVENT_NO_WAY);
    ck_assert_uint_eq(told.newest.verdict, PT_FLOW_DROP);
    ck_assert_uint_eq(told.newest.reason, PT_DROP_NO_PATH);
    alive(12, true);
    ck_assert_int_eq(path_of(&p), 12);
    told = read_told();
    ck_assert_uint_eq(told.count, 1);
    ck_assert_uint_eq(told.newest.path_id, 12);
    told.newest.flow.source_port = 4;
    ck_assert(!bed.dp->ops->flow(bed.dp, &told.newest.flow, &flow));
}
END_TEST

/* What is more than the ring or the gate lets through is counted, and harms no packet. */
START_TEST(too_many_decisions_are_counted_as_lost)
{
    uint64_t lost = bed.dp->ops->decisions(bed.dp, on_told, &(struct told){0});
    for (uint16_t port = 20000; port < 45000; port++) {
        struct packet p = packet4(IPPROTO_UDP, port, 0, 0);
        ck_assert_int_eq(path_of(&p), 11);
        ck_assert_int_eq(path_of(&p), 11);
    }
    struct told told = {0};
    uint64_t now = bed.dp->ops->decisions(bed.dp, on_told, &told);
    ck_assert_uint_gt(told.count, 1000);
    ck_assert_uint_eq(told.count + now - lost, 25000);
    ck_assert_uint_gt(now, lost);
}
END_TEST

START_TEST(an_sla_that_breaks_moves_flows_as_the_mode_says_and_require_at_once)
{
    struct packet p = packet4(IPPROTO_TCP, 1006, 16, 0), fresh = packet4(IPPROTO_TCP, 1007, 2, 0);
    set_group(4, 0, PT_MOVE_NEW_ONLY); /* SLA number 3 */
    ck_assert_int_eq(path_of(&p), 11);
    ck_assert_int_eq(path_of(&p), 11);
    set_broken(slot11, 1 << 2);
    ck_assert_int_eq(path_of(&fresh), 11); /* another SLA */
    set_broken(slot11, 1 << 3);
    ck_assert_int_eq(path_of(&p), 11);
    ck_assert_int_eq(path_of(&fresh), 12);
    set_group(4, PT_GROUP_REQUIRE, PT_MOVE_NEW_ONLY);
    ck_assert_int_eq(path_of(&p), 12);
    set_broken(slot12, 1 << 3);
    CHECK_DROP(&bed, run_lan(&bed, &p), SLA_UNMET);
    set_group(4, 0, PT_MOVE_NEW_ONLY); /* all break it: the best of them */
    ck_assert_int_eq(path_of(&fresh), 11);
}
END_TEST

START_TEST(a_new_bundle_or_another_dscp_asks_the_rules_again)
{
    struct packet p = packet4(IPPROTO_UDP, 1008, 0, 0), marked = packet4(IPPROTO_UDP, 1008, 0, 0xb8);
    ck_assert_int_eq(path_of(&p), 11);
    ck_assert_int_eq(path_of(&p), 11);
    bed_apply(&bed, BASE "rule vni=100 order=1 dscp=46 deny=1\n");
    ck_assert_int_eq(path_of(&p), 11);
    CHECK_DROP(&bed, run_lan(&bed, &marked), POLICY_DENY);
    CHECK_DROP(&bed, run_lan(&bed, &marked), POLICY_DENY);
    ck_assert_int_eq(path_of(&p), 11);
    bed_apply(&bed, BASE "rule vni=100 order=1 protocol=17 deny=1\n");
    CHECK_DROP(&bed, run_lan(&bed, &p), POLICY_DENY);
    struct pt_abi_flow flow;
    ck_assert(find_flow(IPPROTO_UDP, 1008, &flow));
    ck_assert_uint_eq(flow.verdict, PT_FLOW_DROP);
    ck_assert_uint_eq(flow.reason, PT_DROP_POLICY_DENY);
    bed_apply(&bed, BASE);
    ck_assert_int_eq(path_of(&p), 11);
}
END_TEST

START_TEST(a_flow_between_hosts_of_the_site_is_cached_and_its_own_wire_is_not)
{
    struct packet p;
    put_ethernet(&p, ETH_P_IP);
    put_ipv4(&p, "10.1.0.2", "10.1.1.9", IPPROTO_UDP, 0);
    uint32_t udp = put_udp(&p, 1009, 9);
    finish_udp_size(&p, udp);
    finish_ipv4(&p, ETH_HLEN);
    for (int i = 0; i < 3; i++) {
        struct run out = run_lan(&bed, &p);
        ck_assert_int_eq(out.verdict, TC_REDIRECT);
        struct run up = run_lan_with(&bed, &p, (struct run_options){.ifindex = bed.lan1});
        ck_assert_int_eq(up.verdict, TC_ACT_OK);
    }
}
END_TEST

START_TEST(a_meter_limits_the_rate)
{
    struct packet p = packet4(IPPROTO_UDP, 1010, 0, 0);
    struct pt_abi_flow4_key key = key_of(IPPROTO_UDP, 1010);
    struct pt_abi_meter meter = {.ns_per_byte_q20 = 1000000000ULL << 20, .burst_ns = 150000000000ULL};
    struct pt_abi_flow flow;
    uint32_t index = 5;
    write_map("pt_meters", &index, &meter); /* a byte a second, and 150 of them at once */
    ck_assert_int_eq(path_of(&p), 11);
    ck_assert_int_eq(path_of(&p), 11);
    ck_assert(find_flow(IPPROTO_UDP, 1010, &flow));
    flow.meter = 5;
    write_map("pt_flows4", &key, &flow);
    ck_assert_int_eq(path_of(&p), 11); /* 68 bytes */
    ck_assert_int_eq(path_of(&p), 11);
    CHECK_DROP(&bed, run_lan(&bed, &p), RATE_LIMITED);
}
END_TEST

/* ---- hook swift ----------------------------------------------------------------------------------------------- */

static struct run_options on_lan0(void)
{
    return (struct run_options){.ifindex = bed.lan0};
}

static void open_swift(void)
{
    ck_assert_int_ge(bed.swift_program, 0);
    ck_assert_int_eq(system("ip addr add 192.0.2.1/24 dev wan0 && ip neigh add 192.0.2.254 lladdr 02:00:00:00:00:fe "
                            "dev wan0 nud permanent && sysctl -qw net.ipv4.ip_forward=1"),
                     0);
}

/* Both hooks make the same packet of it; swift adds the link's addresses. */
static void same_by_both(const struct packet *p)
{
    ck_assert_int_eq(run_swift(&bed, p, on_lan0()).verdict, XDP_PASS); /* not known */
    ck_assert_int_eq(run_lan(&bed, p).verdict, TC_REDIRECT);
    ck_assert_int_eq(run_swift(&bed, p, on_lan0()).verdict, XDP_PASS); /* at the door */
    struct run slow = run_lan(&bed, p), fast = run_swift(&bed, p, on_lan0());
    static const uint8_t to[6] = {2, 0, 0, 0, 0, 0xfe};
    ck_assert_int_eq(slow.verdict, TC_REDIRECT);
    ck_assert_int_eq(fast.verdict, XDP_REDIRECT);
    ck_assert_uint_eq(slow.out.size, fast.out.size);
    ck_assert_mem_eq(fast.out.data, to, 6);
    ck_assert_mem_eq(slow.out.data + 12, fast.out.data + 12, fast.out.size - 12);
}

START_TEST(swift_sends_what_lan_would_have_sent)
{
    struct packet p = packet4(IPPROTO_TCP, 1020, 16, 0xb9);
    struct pt_dp_path_counters before = bed_path(&bed, 11), after;
    same_by_both(&p);
    after = bed_path(&bed, 11);
    ck_assert_uint_eq(after.tx_packets, before.tx_packets + 3);
    ck_assert_uint_eq(after.tx_bytes, before.tx_bytes + 3 * (p.size - ETH_HLEN));
    p = packet6(1021);
    same_by_both(&p);
    alive(11, false); /* the other path has a stack */
    p = packet4(IPPROTO_UDP, 1022, 0, 0);
    same_by_both(&p);
    p = packet6(1023);
    same_by_both(&p);
}
END_TEST

START_TEST(swift_leaves_to_lan_what_is_not_the_common_case)
{
    struct packet p = packet4(IPPROTO_TCP, 1024, 16, 0), q = p;
    same_by_both(&p);
    q.data[ETH_HLEN + 20 + 13] |= 2; /* SYN */
    ck_assert_int_eq(run_swift(&bed, &q, on_lan0()).verdict, XDP_PASS);
    q = p;
    q.data[ETH_HLEN + 8] = 1; /* TTL */
    ck_assert_int_eq(run_swift(&bed, &q, on_lan0()).verdict, XDP_PASS);
    q = p;
    q.data[ETH_HLEN + 6] = 0x20; /* a fragment */
    ck_assert_int_eq(run_swift(&bed, &q, on_lan0()).verdict, XDP_PASS);
    q = p;
    q.data[ETH_HLEN + 1] = 0x20; /* another DSCP */
    ck_assert_int_eq(run_swift(&bed, &q, on_lan0()).verdict, XDP_PASS);
    q = p;
    q.data[ETH_HLEN + 2] = 1; /* longer than the frame */
    ck_assert_int_eq(run_swift(&bed, &q, on_lan0()).verdict, XDP_PASS);
    q = p; /* the sum left to hardware */
    uint16_t partial = htons(sum16(q.data + ETH_HLEN + 12, 8, IPPROTO_TCP + q.size - ETH_HLEN - 20));
    memcpy(q.data + ETH_HLEN + 20 + 16, &partial, 2);
    ck_assert_int_eq(run_swift(&bed, &q, on_lan0()).verdict, XDP_PASS);
    alive(11, false);
    ck_assert_int_eq(run_swift(&bed, &p, on_lan0()).verdict, XDP_PASS);
    alive(11, true);
    p = packet4(IPPROTO_TCP, 1025, 16, 0);
    while (p.size < 60 + 1500) {
        put(&p, "", 1);
    }
    finish_ipv4(&p, ETH_HLEN);
    (void)run_lan(&bed, &p);
    (void)run_lan(&bed, &p);
    ck_assert_int_eq(run_swift(&bed, &p, on_lan0()).verdict, XDP_PASS); /* lan tells the host */
}
END_TEST

/* A segment that is to be encrypted, and only a plain path: neither hook sends, however often the flow is asked about.
 */
START_TEST(swift_sends_nothing_plain_that_must_be_sealed)
{
    bed_apply(&bed, BASE "route vni=100 prefix=10.3.0.0/16 site=2 sealed=1\n");
    struct packet p = packet4(IPPROTO_TCP, 1026, 16, 0);
    ck_assert_int_eq(inet_pton(AF_INET, "10.3.0.7", p.data + ETH_HLEN + 16), 1);
    finish_ipv4(&p, ETH_HLEN);
    for (unsigned i = 0; i < 4; i++) {
        CHECK_DROP(&bed, run_lan(&bed, &p), PLAIN_REFUSED);
        ck_assert_int_eq(run_swift(&bed, &p, on_lan0()).verdict, XDP_PASS);
    }
}
END_TEST

/* A host's packet to the internet. UDP of port 9 has no checksum, as packet4 leaves it. */
static struct packet packet_out(uint8_t protocol, uint16_t port, uint8_t tcp_flags, bool check)
{
    struct packet p = packet4(protocol, port, tcp_flags, 0);
    ck_assert_int_eq(inet_pton(AF_INET, "198.51.100.7", p.data + ETH_HLEN + 16), 1);
    finish_ipv4(&p, ETH_HLEN);
    if (check) {
        memset(p.data + ETH_HLEN + 20 + (protocol == IPPROTO_TCP ? 16 : 6), 0, 2);
        finish_l4(&p, ETH_HLEN, ETH_HLEN + 20, protocol == IPPROTO_TCP ? 16 : 6);
    }
    return p;
}

/* Under its mapping, by both hooks alike, checksums right; the end of a flow, a hardware's sum and a shaped link are
 * hook lan's. */
START_TEST(swift_translates_as_lan_would)
{
    bed_apply(&bed, BASE "exit vni=100 link=1\n");
    for (uint16_t i = 0; i < 20; i++) {
        struct packet p = packet_out(i % 2 == 0 ? IPPROTO_TCP : IPPROTO_UDP, (uint16_t)(1031 + 37 * i), 16, true);
        same_by_both(&p);
        struct run run = run_swift(&bed, &p, on_lan0());
        ck_assert_uint_eq(sum16(run.out.data + ETH_HLEN, 20, 0), 0xffff);
        ck_assert_uint_eq(l4_sum(run.out.data + ETH_HLEN, run.out.size - ETH_HLEN), 0xffff);
        ck_assert_mem_eq(run.out.data + ETH_HLEN + 12, "\xc0\x00\x02\x01", 4);
    }
    struct packet p = packet_out(IPPROTO_UDP, 1950, 0, false);
    same_by_both(&p);
    ck_assert_mem_eq(run_swift(&bed, &p, on_lan0()).out.data + ETH_HLEN + 20 + 6, "\0\0", 2);
    p = packet_out(IPPROTO_TCP, 1951, 16, true);
    same_by_both(&p);
    struct packet end = packet_out(IPPROTO_TCP, 1951, 17, true), partial = p;
    ck_assert_int_eq(run_swift(&bed, &end, on_lan0()).verdict, XDP_PASS);
    uint16_t sum = htons(sum16(partial.data + ETH_HLEN + 12, 8, IPPROTO_TCP + partial.size - ETH_HLEN - 20));
    memcpy(partial.data + ETH_HLEN + 20 + 16, &sum, 2);
    ck_assert_int_eq(run_swift(&bed, &partial, on_lan0()).verdict, XDP_PASS);
    bed_apply(&bed, SHAPED "exit vni=100 link=1\n");
    (void)run_lan(&bed, &p); /* asks again, under the new bundle */
    ck_assert_int_eq(run_swift(&bed, &p, on_lan0()).verdict, XDP_PASS);
    ck_assert_int_eq(run_lan(&bed, &p).verdict, TC_REDIRECT);
}
END_TEST

int main(void)
{
    if (!bed_possible()) {
        return 77;
    }
    bed_open_swift(&bed, BASE);
    Suite *suite = suite_create("flow");
    TCase *tc = tcase_create("flow");
    tcase_set_timeout(tc, 60);
    tcase_add_unchecked_fixture(tc, open_swift, NULL);
    tcase_add_checked_fixture(tc, set_up, NULL);
    tcase_add_test(tc, the_second_packet_makes_an_entry_and_the_third_is_counted);
    tcase_add_test(tc, a_flow_knows_the_bundle_that_decided_it);
    tcase_add_test(tc, a_flood_of_single_packets_leaves_no_entry);
    tcase_add_test(tc, a_dead_path_is_left_at_once_and_tcp_does_not_go_back);
    tcase_add_test(tc, a_path_that_is_put_behind_is_left_at_once);
    tcase_add_test(tc, without_a_handshake_a_pause_is_a_beginning_and_without_ports_every_packet);
    tcase_add_test(tc, graceful_follows_in_a_pause_and_forced_at_once);
    tcase_add_test(tc, what_is_decided_is_told_once);
    tcase_add_test(tc, too_many_decisions_are_counted_as_lost);
    tcase_add_test(tc, an_sla_that_breaks_moves_flows_as_the_mode_says_and_require_at_once);
    tcase_add_test(tc, a_new_bundle_or_another_dscp_asks_the_rules_again);
    tcase_add_test(tc, a_flow_between_hosts_of_the_site_is_cached_and_its_own_wire_is_not);
    tcase_add_test(tc, a_meter_limits_the_rate);
    tcase_add_test(tc, swift_sends_what_lan_would_have_sent);
    tcase_add_test(tc, swift_translates_as_lan_would);
    tcase_add_test(tc, swift_leaves_to_lan_what_is_not_the_common_case);
    tcase_add_test(tc, swift_sends_nothing_plain_that_must_be_sealed);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    bed_close(&bed);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
