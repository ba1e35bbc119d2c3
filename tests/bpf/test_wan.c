/* The WAN program: what is ours, what is well formed, delivery, transit, control. */
#include "bed.h"

#include "bpf/abi/hello.h"

#include <arpa/inet.h>
#include <check.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* This is site 1; sites 2 and 3 are its neighbours, 4 lies behind 3. */
static const char bundle[] = "node site=1\n"
                             "link id=1 if=wan0 address=192.0.2.1\n"
                             "link id=2 if=wan1 address=2001:db8:ff::1 gateway=2001:db8:ff::fe\n"
                             "lan if=lan0 vni=100\n"
                             "lan if=lan1 vni=200\n"
                             "route vni=100 prefix=10.1.0.0/24 site=1 lan=lan0\n"
                             "route vni=100 prefix=2001:db8:1::/64 site=1 lan=lan0\n"
                             "route vni=200 prefix=10.1.1.0/24 site=1 lan=lan1\n"
                             "route vni=100 prefix=10.2.0.0/24 site=2\n"
                             "tunnel id=12 link=1 remote=192.0.2.2 site=2\n"
                             "tunnel id=13 link=1 remote=192.0.2.3 site=3\n"
                             "tunnel id=16 link=2 remote=2001:db8:ff::3 site=3\n"
                             "tunnel id=18 link=1 remote=192.0.2.28 site=8\n"
                             "tunnel id=15 link=1 remote=192.0.2.25 site=5\n"
                             "tunnel id=19 link=1 remote=192.0.2.29 site=9\n"
                             "path id=12 tunnel=12 site=2\n"
                             "path id=13 tunnel=13 site=3\n"
                             "path id=16 tunnel=16 site=3\n"
                             "path id=18 tunnel=18 site=8\n"
                             "path id=15 tunnel=15 site=5\n"
                             "path id=25 tunnel=12 site=5 stack=5\n"
                             "path id=95 tunnel=19 site=5 stack=6,5\n"
                             "group site=2 class=0 members=12:1:0\n"
                             "group site=3 class=transit members=13:1:0,16:1:1\n"
                             "group site=8 class=transit members=18:1:0\n"
                             "group site=5 class=transit members=15:1:0,25:1:1024,95:1:1025\n";

static struct bed bed;

/* A tunnel packet from site 2, with an inner UDP packet for `destination`. */
struct tunnel_packet {
    struct packet p;
    uint32_t ip, udp, geneve, inner;
};

struct shape {
    const char *source, *target; /* outer */
    const char *destination;     /* inner */
    uint32_t vni;
    uint8_t flags, tos, inner_tos;
    uint32_t stack[8];
    size_t stack_len;
};

static void finish(struct tunnel_packet *t)
{
    finish_udp_size(&t->p, t->udp);
    if (t->p.data[t->ip] >> 4 == 4) {
        finish_ipv4(&t->p, t->ip);
    } else {
        finish_ipv6(&t->p, t->ip);
    }
}

static struct tunnel_packet make(struct shape s)
{
    static struct tunnel_packet t;
    const char *source = s.source == NULL ? "192.0.2.2" : s.source;
    const char *target = s.target == NULL ? "192.0.2.1" : s.target;
    const char *destination = s.destination == NULL ? "10.1.0.2" : s.destination;
    bool outer6 = strchr(source, ':') != NULL, inner6 = strchr(destination, ':') != NULL;
    put_ethernet(&t.p, outer6 ? ETH_P_IPV6 : ETH_P_IP);
    t.ip = outer6 ? put_ipv6(&t.p, source, target, IPPROTO_UDP, s.tos)
                  : put_ipv4(&t.p, source, target, IPPROTO_UDP, s.tos);
    t.udp = put_udp(&t.p, 50001, 6081);
    t.geneve =
        put_geneve(&t.p, s.vni == 0 ? 100 : s.vni, inner6 ? ETH_P_IPV6 : ETH_P_IP, s.flags, s.stack, s.stack_len);
    t.inner = inner6 ? put_ipv6(&t.p, "2001:db8:2::2", destination, IPPROTO_UDP, s.inner_tos)
                     : put_ipv4(&t.p, "10.2.0.2", destination, IPPROTO_UDP, s.inner_tos);
    uint32_t udp = put_udp(&t.p, 7, 9);
    put_payload(&t.p, 33);
    finish_udp_size(&t.p, udp);
    if (inner6) {
        finish_ipv6(&t.p, t.inner);
    } else {
        finish_ipv4(&t.p, t.inner);
    }
    finish_l4(&t.p, t.inner, udp, 6);
    finish(&t);
    return t;
}

static void check_delivered(const struct run *r, const struct tunnel_packet *t, uint32_t ifindex, uint16_t ethertype)
{
    struct ethhdr eth;
    ck_assert_int_eq(r->verdict, XDP_PASS);
    ck_assert_msg(r->handed_over, "%s", drops_text(&bed));
    ck_assert_uint_eq(r->meta.magic, PT_META_MAGIC);
    ck_assert_uint_eq(r->meta.ifindex, ifindex);
    memcpy(&eth, r->out.data, sizeof(eth));
    ck_assert_uint_eq(ntohs(eth.h_proto), ethertype);
    ck_assert_mem_eq(eth.h_dest, t->p.data, 6); /* still for this machine: the kernel must take it */
    ck_assert_uint_eq(r->out.size, ETH_HLEN + t->p.size - t->inner);
    ck_assert_mem_eq(r->out.data + ETH_HLEN, t->p.data + t->inner, t->p.size - t->inner);
}

START_TEST(what_is_for_a_local_prefix_is_decapsulated)
{
    struct tunnel_packet t = make((struct shape){0});
    struct pt_dp_path_counters before = bed_path(&bed, 12);
    struct run r = run_wan(&bed, &t.p);
    check_delivered(&r, &t, bed.lan0, ETH_P_IP);
    ck_assert_uint_eq(r.meta.family, AF_INET);
    ck_assert_uint_eq(ntohl(r.meta.nexthop.words[3]), 0x0a010002);
    struct pt_dp_path_counters after = bed_path(&bed, 12);
    ck_assert_uint_eq(after.rx_packets, before.rx_packets + 1);
    ck_assert_uint_eq(after.rx_bytes, before.rx_bytes + t.p.size - t.inner);

    t = make((struct shape){.destination = "2001:db8:1::2"});
    r = run_wan(&bed, &t.p);
    check_delivered(&r, &t, bed.lan0, ETH_P_IPV6);
    ck_assert_uint_eq(r.meta.family, AF_INET6);

    t = make((struct shape){.destination = "10.1.1.2", .vni = 200});
    r = run_wan(&bed, &t.p);
    check_delivered(&r, &t, bed.lan1, ETH_P_IP);
}
END_TEST

START_TEST(an_outer_ipv6_header_works_alike)
{
    struct tunnel_packet t = make((struct shape){.source = "2001:db8:ff::3", .target = "2001:db8:ff::1"});
    struct run r = run_wan_with(&bed, &t.p, (struct run_options){.ifindex = bed.wan1});
    check_delivered(&r, &t, bed.lan0, ETH_P_IP);
}
END_TEST

START_TEST(segments_never_cross)
{
    struct tunnel_packet t = make((struct shape){.destination = "10.1.1.2", .vni = 100});
    CHECK_DROP(&bed, run_wan(&bed, &t.p), WRONG_SEGMENT);
    t = make((struct shape){.destination = "10.1.0.2", .vni = 200});
    CHECK_DROP(&bed, run_wan(&bed, &t.p), WRONG_SEGMENT);
    t = make((struct shape){.vni = 300});
    CHECK_DROP(&bed, run_wan(&bed, &t.p), WRONG_SEGMENT);
    t = make((struct shape){.destination = "10.2.0.2"});
    CHECK_DROP(&bed, run_wan(&bed, &t.p), NOT_LOCAL);
}
END_TEST

START_TEST(only_known_peers_on_their_link_may_send)
{
    struct tunnel_packet t = make((struct shape){.source = "192.0.2.9"});
    CHECK_DROP(&bed, run_wan(&bed, &t.p), UNKNOWN_PEER);
    t = make((struct shape){.source = "2001:db8:ff::9", .target = "2001:db8:ff::1"});
    CHECK_DROP(&bed, run_wan_with(&bed, &t.p, (struct run_options){.ifindex = bed.wan1}), UNKNOWN_PEER);
    t = make((struct shape){.flags = PT_GENEVE_CONTROL, .source = "192.0.2.9"});
    CHECK_DROP(&bed, run_wan(&bed, &t.p), UNKNOWN_PEER);
}
END_TEST

static void check_untouched(const struct packet *p, uint32_t ifindex)
{
    struct run r = run_wan_with(&bed, p, (struct run_options){.ifindex = ifindex});
    ck_assert_int_eq(r.verdict, XDP_PASS);
    ck_assert(!r.handed_over);
    ck_assert_uint_eq(r.out.size, p->size);
    ck_assert_mem_eq(r.out.data, p->data, p->size);
}

START_TEST(what_is_not_ours_passes_untouched)
{
    struct tunnel_packet t = make((struct shape){0});
    check_untouched(&t.p, bed.wan1); /* the address is another link's */
    t = make((struct shape){.target = "192.0.2.77"});
    check_untouched(&t.p, bed.wan0);
    t = make((struct shape){0});
    t.p.data[t.udp + 3]++; /* another port */
    check_untouched(&t.p, bed.wan0);
    t = make((struct shape){0});
    t.p.data[t.ip + 9] = IPPROTO_TCP;
    check_untouched(&t.p, bed.wan0);
    t = make((struct shape){0});
    t.p.data[12] = 0x08, t.p.data[13] = 0x06; /* ARP */
    check_untouched(&t.p, bed.wan0);
}
END_TEST

START_TEST(control_with_an_empty_stack_goes_up)
{
    struct tunnel_packet t = make((struct shape){.flags = PT_GENEVE_CONTROL});
    check_untouched(&t.p, bed.wan0);
}
END_TEST

/* A hello from site 2, behind an outer header of our making. */
static struct tunnel_packet make_hello(uint8_t type, uint8_t return_len)
{
    static struct tunnel_packet t;
    struct pt_hello_packet hello = {.magic = htonl(PT_HELLO_MAGIC),
                                    .version = PT_HELLO_VERSION,
                                    .type = type,
                                    .return_len = return_len,
                                    .path = 0x1122334455667788ULL,
                                    .sequence = 7,
                                    .sent_ns = 9};
    for (uint32_t i = 0; i < PT_STACK_LEN_MAX; i++) {
        hello.return_stack[i] = htonl(40 + i);
    }
    memset(&t, 0, sizeof(t));
    put_ethernet(&t.p, ETH_P_IP);
    t.ip = put_ipv4(&t.p, "192.0.2.2", "192.0.2.1", IPPROTO_UDP, 0);
    t.udp = put_udp(&t.p, PT_GENEVE_PORT, PT_GENEVE_PORT);
    t.geneve = put_geneve(&t.p, 0, PT_HELLO_PROTOCOL, PT_GENEVE_CONTROL, NULL, 0);
    t.inner = t.p.size;
    put(&t.p, &hello, sizeof(hello));
    finish(&t);
    return t;
}

/* For every length of the return stack: the reply goes back along the tunnel, with that stack, all else copied. */
START_TEST(hello_request_is_answered_by_the_program)
{
    for (uint8_t len = 0; len <= PT_STACK_LEN_MAX; len++) {
        struct tunnel_packet t = make_hello(PT_HELLO_REQUEST, len);
        struct run r = run_wan(&bed, &t.p);
        ck_assert_int_eq(r.verdict, XDP_PASS);
        ck_assert_msg(r.handed_over, "%s", drops_text(&bed));
        ck_assert_uint_eq(r.meta.ifindex, bed.wan0);
        struct iphdr ip;
        struct pt_hello_packet hello;
        const uint8_t *at = r.out.data + ETH_HLEN;
        memcpy(&ip, at, sizeof(ip));
        ck_assert_uint_eq(ntohl(ip.saddr), 0xc0000201);
        ck_assert_uint_eq(ntohl(ip.daddr), 0xc0000202);
        ck_assert_uint_eq(ntohs(ip.tot_len), r.out.size - ETH_HLEN);
        ck_assert_uint_eq(at[28] & 0x3f, PT_STACK_SIZE(len) / 4);
        for (uint8_t i = 0; i < len; i++) {
            uint32_t label;
            memcpy(&label, at + 36 + 4 + 4 * i, 4);
            ck_assert_uint_eq(ntohl(label), 40U + i);
        }
        ck_assert_uint_eq(r.out.size, ETH_HLEN + 36 + PT_STACK_SIZE(len) + sizeof(hello));
        memcpy(&hello, at + 36 + PT_STACK_SIZE(len), sizeof(hello));
        ck_assert_uint_eq(hello.type, PT_HELLO_REPLY);
        ck_assert_uint_eq(hello.path, 0x1122334455667788ULL);
        ck_assert_uint_eq(hello.sequence, 7);
        ck_assert_uint_eq(hello.sent_ns, 9);
    }
}
END_TEST

START_TEST(hello_reply_goes_up_and_bad_hellos_are_not_answered)
{
    struct tunnel_packet t = make_hello(PT_HELLO_REPLY, 0);
    check_untouched(&t.p, bed.wan0);
    t = make_hello(PT_HELLO_REQUEST, 0);
    t.p.data[t.inner]++; /* magic */
    check_untouched(&t.p, bed.wan0);
    t = make_hello(PT_HELLO_REQUEST, PT_STACK_LEN_MAX + 1);
    CHECK_DROP(&bed, run_wan(&bed, &t.p), NO_PATH);
    t = make_hello(PT_HELLO_REQUEST, 0);
    t.p.size -= 1; /* cut short */
    finish(&t);
    check_untouched(&t.p, bed.wan0);
}
END_TEST

/* The outer header of a packet in transit: from wan0 to site 3 by IPv4. */
static void check_forwarded_v4(const struct run *r, const struct tunnel_packet *t, const uint32_t *stack, size_t len)
{
    struct iphdr ip;
    struct udphdr udp;
    struct pt_geneve geneve;
    const uint8_t *at = r->out.data + ETH_HLEN;
    ck_assert_int_eq(r->verdict, XDP_PASS);
    ck_assert_msg(r->handed_over, "%s", drops_text(&bed));
    ck_assert_uint_eq(r->meta.ifindex, bed.wan0);
    ck_assert_uint_eq(r->meta.family, 0);
    memcpy(&ip, at, sizeof(ip));
    memcpy(&udp, at + 20, sizeof(udp));
    memcpy(&geneve, at + 28, sizeof(geneve));
    ck_assert_uint_eq(sum16(at, 20, 0), 0xffff);
    ck_assert_uint_eq(ntohl(ip.saddr), 0xc0000201);
    ck_assert_uint_eq(ntohl(ip.daddr), 0xc0000203);
    ck_assert_uint_eq(ntohs(ip.tot_len), r->out.size - ETH_HLEN);
    ck_assert_uint_eq(ntohs(udp.len), r->out.size - ETH_HLEN - 20);
    ck_assert_uint_eq(udp.check, 0);
    ck_assert_uint_eq(ntohs(udp.source), 50001); /* the flow's entropy is kept */
    ck_assert_uint_eq(geneve.version_words, PT_STACK_SIZE(len) / 4);
    ck_assert_uint_eq(ntohl(geneve.vni_reserved), 100 << 8);
    ck_assert_uint_eq((geneve.flags & PT_GENEVE_CRITICAL) != 0, len != 0);
    for (size_t i = 0; i < len; i++) {
        uint32_t label;
        memcpy(&label, at + 36 + 4 + 4 * i, 4);
        ck_assert_uint_eq(ntohl(label), stack[i]);
    }
    size_t header = 36 + PT_STACK_SIZE(len);
    ck_assert_uint_eq(r->out.size - ETH_HLEN - header, t->p.size - t->inner);
    ck_assert_mem_eq(at + header, t->p.data + t->inner, t->p.size - t->inner);
}

START_TEST(transit_takes_one_label_off)
{
    for (size_t len = 1; len <= 6; len++) {
        struct shape s = {.stack = {3, 4, 5, 6, 7, 8}, .stack_len = len, .destination = "10.99.0.1"};
        struct tunnel_packet t = make(s);
        struct run r = run_wan(&bed, &t.p);
        check_forwarded_v4(&r, &t, s.stack + 1, len - 1);
    }
    ck_assert_uint_ge(bed_path(&bed, 13).tx_packets, 6);
}
END_TEST

START_TEST(control_in_transit_keeps_its_mark)
{
    struct tunnel_packet t =
        make((struct shape){.stack = {3}, .stack_len = 1, .flags = PT_GENEVE_CONTROL, .tos = 0xb8});
    struct run r = run_wan(&bed, &t.p);
    check_forwarded_v4(&r, &t, NULL, 0);
    ck_assert_uint_eq(r.out.data[ETH_HLEN + 1], 0xb8);
    ck_assert_uint_eq(r.out.data[ETH_HLEN + 29] & PT_GENEVE_CONTROL, PT_GENEVE_CONTROL);
}
END_TEST

/* Liveness has a port of its own, which transit keeps; without labels it is the tunnel process's. */
START_TEST(liveness_keeps_its_port_in_transit_and_goes_up_at_the_end)
{
    struct tunnel_packet t = make((struct shape){.stack = {3}, .stack_len = 1, .flags = PT_GENEVE_CONTROL});
    uint16_t port = htons(PT_LIVE_PORT);
    memcpy(t.p.data + t.udp + 2, &port, sizeof(port));
    struct run r = run_wan(&bed, &t.p);
    ck_assert(r.handed_over);
    ck_assert_mem_eq(r.out.data + ETH_HLEN + 20 + 2, &port, sizeof(port));
    t = make((struct shape){.flags = PT_GENEVE_CONTROL});
    memcpy(t.p.data + t.udp + 2, &port, sizeof(port));
    check_untouched(&t.p, bed.wan0);
}
END_TEST

START_TEST(transit_uses_the_next_tier_when_the_first_is_dead_and_may_change_family)
{
    struct tunnel_packet t = make((struct shape){.stack = {3, 4}, .stack_len = 2, .tos = 0x2a});
    struct ip6_hdr ip;
    bed.dp->ops->set_path_alive(bed.dp, 13, false);
    struct run r = run_wan(&bed, &t.p);
    ck_assert(r.handed_over);
    ck_assert_uint_eq(r.meta.ifindex, bed.wan1);
    ck_assert_uint_eq(r.meta.family, AF_INET6); /* the link has a gateway */
    ck_assert_uint_eq(ntohl(r.meta.nexthop.words[3]), 0xfe);
    memcpy(&ip, r.out.data + ETH_HLEN, sizeof(ip));
    ck_assert_uint_eq(ntohl(ip.ip6_flow) >> 20, 0x600 | 0x2a);
    ck_assert_uint_eq(ntohs(ip.ip6_plen), r.out.size - ETH_HLEN - 40);
    ck_assert_uint_eq(ip.ip6_dst.s6_addr[15], 3);
    ck_assert_uint_eq(ip.ip6_src.s6_addr[15], 1);
    ck_assert_uint_eq(r.out.size, t.p.size + 20 - 4);
    ck_assert_mem_eq(r.out.data + r.out.size - (t.p.size - t.inner), t.p.data + t.inner, t.p.size - t.inner);

    bed.dp->ops->set_path_alive(bed.dp, 16, false);
    CHECK_DROP(&bed, run_wan(&bed, &t.p), NO_PATH);
    bed.dp->ops->set_path_alive(bed.dp, 13, true);
    bed.dp->ops->set_path_alive(bed.dp, 16, true);
    t = make((struct shape){.stack = {77}, .stack_len = 1});
    CHECK_DROP(&bed, run_wan(&bed, &t.p), NO_GROUP);
}
END_TEST

/* The next tunnel's far end (192.0.2.x), the labels, and whether the packet is marked as led round a failure. */
static void check_led(const struct run *r, unsigned to, const uint32_t *stack, size_t len, bool repaired)
{
    ck_assert_msg(r->handed_over, "%s", drops_text(&bed));
    const uint8_t *at = r->out.data + ETH_HLEN;
    ck_assert_uint_eq(at[19], to);
    ck_assert_uint_eq(at[28], PT_STACK_SIZE(len) / 4);
    if (len > 0) {
        ck_assert_uint_eq(at[36 + 3], len | (repaired ? PT_OPTION_REPAIRED : 0));
    }
    for (size_t i = 0; i < len; i++) {
        uint32_t label;
        memcpy(&label, at + 36 + 4 + 4 * i, 4);
        ck_assert_uint_eq(ntohl(label), stack[i]);
    }
}

static void set_alive(uint64_t path, bool alive)
{
    bed.dp->ops->set_path_alive(bed.dp, path, alive);
}

/* The packet is to go to site 5, then 8. The tunnel to 5 dies, then the way round over 2, then that over 9 and 6. */
START_TEST(transit_leads_round_a_dead_neighbour)
{
    const struct shape two = {.stack = {5, 8}, .stack_len = 2};
    const struct shape last = {.stack = {5}, .stack_len = 1};
    struct tunnel_packet t = make(two);
    struct run r = run_wan(&bed, &t.p);
    check_led(&r, 25, (const uint32_t[]){8}, 1, false);
    set_alive(15, false);
    set_alive(25, true);
    t = make(two);
    r = run_wan(&bed, &t.p);
    check_led(&r, 2, (const uint32_t[]){5, 8}, 2, true);
    t = make(last);
    r = run_wan(&bed, &t.p);
    check_led(&r, 2, (const uint32_t[]){5}, 1, true);
    set_alive(25, false);
    t = make(two);
    r = run_wan(&bed, &t.p);
    check_led(&r, 29, (const uint32_t[]){6, 5, 8}, 3, true);
    set_alive(95, false); /* site 5 itself is gone: on to the one after it */
    t = make(two);
    r = run_wan(&bed, &t.p);
    check_led(&r, 28, NULL, 0, true);
    t = make((struct shape){.stack = {5, 8, 77}, .stack_len = 3});
    r = run_wan(&bed, &t.p);
    check_led(&r, 28, (const uint32_t[]){77}, 1, true);
    t = make(last);
    CHECK_DROP(&bed, run_wan(&bed, &t.p), NO_PATH);
    for (uint64_t path = 15; path <= 95; path += path == 15 ? 10 : 70) {
        set_alive(path, true);
    }
}
END_TEST

/* A strict packet goes by the tunnels that come first, and keeps its mark; else it goes nowhere, though there are ways.
 */
START_TEST(transit_leads_no_strict_packet)
{
    struct tunnel_packet t = make((struct shape){.stack = {5, 8}, .stack_len = 2});
    t.p.data[t.geneve + 8 + 3] |= PT_OPTION_STRICT;
    struct run r = run_wan(&bed, &t.p);
    ck_assert_uint_eq(r.out.data[ETH_HLEN + 36 + 3], 1 | PT_OPTION_STRICT);
    set_alive(15, false);
    CHECK_DROP(&bed, run_wan(&bed, &t.p), NO_PATH);
    set_alive(25, false);
    set_alive(95, false);
    CHECK_DROP(&bed, run_wan(&bed, &t.p), NO_PATH);
    for (uint64_t path = 15; path <= 95; path += path == 15 ? 10 : 70) {
        set_alive(path, true);
    }
}
END_TEST

/* What has been led round once is never again, by labels or past a site: it could go back and forth. */
START_TEST(transit_leads_round_only_once)
{
    struct tunnel_packet t = make((struct shape){.stack = {5, 8}, .stack_len = 2});
    t.p.data[t.geneve + 8 + 3] |= PT_OPTION_REPAIRED;
    struct run r = run_wan(&bed, &t.p);
    check_led(&r, 25, (const uint32_t[]){8}, 1, true); /* tunnels are no detour, and the mark stays */
    set_alive(15, false);
    CHECK_DROP(&bed, run_wan(&bed, &t.p), NO_PATH);
    set_alive(25, false);
    set_alive(95, false);
    CHECK_DROP(&bed, run_wan(&bed, &t.p), NO_PATH);
    set_alive(15, true);
    set_alive(25, true);
    set_alive(95, true);
}
END_TEST

/* Six labels and two more do not fit. */
START_TEST(a_detour_must_fit_the_stack)
{
    struct tunnel_packet t = make((struct shape){.stack = {5, 4, 3, 2, 7, 8}, .stack_len = 6});
    set_alive(15, false);
    struct run r = run_wan(&bed, &t.p);
    check_led(&r, 2, (const uint32_t[]){5, 4, 3, 2, 7, 8}, 6, true);
    set_alive(25, false);
    CHECK_DROP(&bed, run_wan(&bed, &t.p), NO_PATH);
    set_alive(15, true);
    set_alive(25, true);
}
END_TEST

START_TEST(a_checksum_left_to_hardware_is_refused_in_transit_only)
{
    struct tunnel_packet t = make((struct shape){.stack = {3}, .stack_len = 1});
    uint16_t check = htons(sum16(t.p.data + t.ip + 12, 8, IPPROTO_UDP + (t.p.size - t.udp)));
    memcpy(t.p.data + t.udp + 6, &check, 2);
    CHECK_DROP(&bed, run_wan(&bed, &t.p), OUTER_CHECKSUM);
    check ^= htons(0x1234);
    memcpy(t.p.data + t.udp + 6, &check, 2);
    struct run r = run_wan(&bed, &t.p);
    check_forwarded_v4(&r, &t, NULL, 0);

    t = make((struct shape){.source = "2001:db8:ff::3", .target = "2001:db8:ff::1", .stack = {3}, .stack_len = 1});
    check = htons(sum16(t.p.data + t.ip + 8, 32, IPPROTO_UDP + (t.p.size - t.udp)));
    memcpy(t.p.data + t.udp + 6, &check, 2);
    CHECK_DROP(&bed, run_wan_with(&bed, &t.p, (struct run_options){.ifindex = bed.wan1}), OUTER_CHECKSUM);
}
END_TEST

START_TEST(malformed_outer_headers_are_dropped)
{
    struct tunnel_packet t = make((struct shape){0});
    t.p.data[t.ip + 10] ^= 1;
    CHECK_DROP(&bed, run_wan(&bed, &t.p), OUTER_MALFORMED);
    t = make((struct shape){0});
    t.p.data[t.ip + 6] = 0x20; /* more fragments follow */
    t.p.data[t.ip + 10] = t.p.data[t.ip + 11] = 0;
    uint16_t check = htons((uint16_t)~sum16(t.p.data + t.ip, 20, 0));
    memcpy(t.p.data + t.ip + 10, &check, 2);
    CHECK_DROP(&bed, run_wan(&bed, &t.p), OUTER_FRAGMENT);
    t = make((struct shape){0});
    t.p.data[t.udp + 5]++;
    CHECK_DROP(&bed, run_wan(&bed, &t.p), OUTER_MALFORMED);
}
END_TEST

START_TEST(malformed_geneve_is_dropped)
{
    struct tunnel_packet t = make((struct shape){0});
    t.p.data[t.geneve] |= 0x40; /* version 1 */
    CHECK_DROP(&bed, run_wan(&bed, &t.p), GENEVE_MALFORMED);
    t = make((struct shape){0});
    t.p.data[t.geneve] |= 0x3f; /* 252 bytes of options in a smaller packet */
    CHECK_DROP(&bed, run_wan(&bed, &t.p), GENEVE_MALFORMED);
    t = make((struct shape){.stack = {3, 4}, .stack_len = 2});
    t.p.data[t.geneve + 8 + 3] = 3; /* the option is longer than the options */
    CHECK_DROP(&bed, run_wan(&bed, &t.p), GENEVE_MALFORMED);
    t.p.data[t.geneve + 8 + 3] = 0; /* an empty stack is written as no option */
    CHECK_DROP(&bed, run_wan(&bed, &t.p), GENEVE_MALFORMED);
    t = make((struct shape){.stack = {3, 4, 5, 6, 7, 8, 9}, .stack_len = 7});
    CHECK_DROP(&bed, run_wan(&bed, &t.p), GENEVE_MALFORMED);
    t = make((struct shape){.stack = {0x100003}, .stack_len = 1});
    CHECK_DROP(&bed, run_wan(&bed, &t.p), GENEVE_MALFORMED);
    t = make((struct shape){.stack = {3}, .stack_len = 1});
    t.p.data[t.geneve + 8] = 0x01; /* another class, critical */
    CHECK_DROP(&bed, run_wan(&bed, &t.p), UNKNOWN_OPTION);
    t.p.data[t.geneve + 8 + 2] = 0x01; /* not critical: skipped, and then there is no stack */
    struct run r = run_wan(&bed, &t.p);
    check_delivered(&r, &t, bed.lan0, ETH_P_IP);
    /* two stacks: one option holds the other's header as its label */
    t = make((struct shape){.stack = {3, 4, 5}, .stack_len = 3});
    t.p.data[t.geneve + 8 + 3] = 1;
    memcpy(t.p.data + t.geneve + 16, t.p.data + t.geneve + 8, 4);
    CHECK_DROP(&bed, run_wan(&bed, &t.p), GENEVE_MALFORMED);
}
END_TEST

START_TEST(malformed_inner_packets_are_dropped)
{
    struct tunnel_packet t = make((struct shape){0});
    t.p.data[t.inner] = 0x65;
    CHECK_DROP(&bed, run_wan(&bed, &t.p), INNER_MALFORMED);
    t.p.data[t.inner] = 0x44;
    CHECK_DROP(&bed, run_wan(&bed, &t.p), INNER_MALFORMED);
    t = make((struct shape){0});
    t.p.data[t.inner + 3]++; /* longer than what is there */
    CHECK_DROP(&bed, run_wan(&bed, &t.p), INNER_MALFORMED);
    t = make((struct shape){.destination = "2001:db8:1::2"});
    t.p.data[t.inner + 5]++;
    CHECK_DROP(&bed, run_wan(&bed, &t.p), INNER_MALFORMED);
    t = make((struct shape){0});
    t.p.data[t.geneve + 2] = 0x65, t.p.data[t.geneve + 3] = 0x58; /* Ethernet inside: not ours */
    CHECK_DROP(&bed, run_wan(&bed, &t.p), INNER_MALFORMED);
}
END_TEST

/* Cut a good packet at every length, once as the wire might (lengths in the headers as before) and once as an attacker
 * would (outer lengths right). Nothing short may be handed over or forwarded. */
START_TEST(no_truncated_packet_gets_through)
{
    struct shape shapes[] = {{0},
                             {.stack = {3, 4}, .stack_len = 2},
                             {.destination = "2001:db8:1::2"},
                             {.source = "2001:db8:ff::3", .target = "2001:db8:ff::1"}};
    for (size_t i = 0; i < 4; i++) {
        struct tunnel_packet whole = make(shapes[i]);
        struct run_options options = {.ifindex = shapes[i].source == NULL ? bed.wan0 : bed.wan1};
        for (uint32_t size = ETH_HLEN; size < whole.p.size; size++) {
            struct tunnel_packet cut = whole;
            cut.p.size = size;
            struct run r = run_wan_with(&bed, &cut.p, options);
            ck_assert_msg(!r.handed_over, "shape %zu cut at %u is handed over", i, size);
            if (size < whole.geneve) {
                continue;
            }
            finish(&cut);
            r = run_wan_with(&bed, &cut.p, options);
            bool transit_whole_header = shapes[i].stack_len != 0 && size >= whole.inner;
            ck_assert_msg(r.handed_over == transit_whole_header, "shape %zu cut at %u with right lengths", i, size);
            ck_assert_int_eq(r.verdict, transit_whole_header ? XDP_PASS : XDP_DROP);
        }
    }
}
END_TEST

/* Random damage: whatever happens, a packet is only ever handed to an interface that a bundle names. */
START_TEST(damaged_packets_never_go_astray)
{
    struct tunnel_packet whole = make((struct shape){.stack = {3}, .stack_len = 1});
    uint64_t random = 20261121;
    unsigned handed = 0;
    for (int i = 0; i < 20000; i++) {
        struct tunnel_packet t = i % 2 == 0 ? whole : make((struct shape){0});
        for (int k = 0; k < 1 + i % 3; k++) {
            random = random * 6364136223846793005ULL + 1442695040888963407ULL;
            t.p.data[ETH_HLEN + (random >> 33) % (t.p.size - ETH_HLEN)] = (uint8_t)(random >> 25);
        }
        t.p.data[t.ip + 10] = t.p.data[t.ip + 11] = 0;
        uint16_t check = htons((uint16_t)~sum16(t.p.data + t.ip, 20, 0)); /* let it get further than the checksum */
        memcpy(t.p.data + t.ip + 10, &check, 2);
        struct run r = run_wan(&bed, &t.p);
        if (r.handed_over) {
            ck_assert_int_eq(r.verdict, XDP_PASS);
            ck_assert(r.meta.ifindex == bed.lan0 || r.meta.ifindex == bed.lan1 || r.meta.ifindex == bed.wan0);
            handed++;
        }
    }
    ck_assert_uint_gt(handed, 100); /* damage to payloads is not ours to see */
}
END_TEST

START_TEST(congestion_outside_is_marked_inside)
{
    for (uint8_t inner_tos = 1; inner_tos <= 3; inner_tos++) {
        struct tunnel_packet t = make((struct shape){.tos = 0x03, .inner_tos = (uint8_t)(0xa0 | inner_tos)});
        struct run r = run_wan(&bed, &t.p);
        ck_assert(r.handed_over);
        ck_assert_uint_eq(r.out.data[ETH_HLEN + 1], 0xa3);
        ck_assert_uint_eq(sum16(r.out.data + ETH_HLEN, 20, 0), 0xffff);
    }
    struct tunnel_packet t = make((struct shape){.tos = 0x03, .inner_tos = 0xa2, .destination = "2001:db8:1::2"});
    struct run r = run_wan(&bed, &t.p);
    ck_assert_uint_eq(r.out.data[ETH_HLEN] << 4 | r.out.data[ETH_HLEN + 1] >> 4, 0x600 | 0xa3);
    t = make((struct shape){.tos = 0x03});
    CHECK_DROP(&bed, run_wan(&bed, &t.p), ECN_INVALID);
}
END_TEST

int main(void)
{
    if (!bed_possible()) {
        return 77;
    }
    bed_open(&bed, bundle);
    Suite *suite = suite_create("wan");
    TCase *tc = tcase_create("wan");
    tcase_add_test(tc, what_is_for_a_local_prefix_is_decapsulated);
    tcase_add_test(tc, an_outer_ipv6_header_works_alike);
    tcase_add_test(tc, segments_never_cross);
    tcase_add_test(tc, only_known_peers_on_their_link_may_send);
    tcase_add_test(tc, what_is_not_ours_passes_untouched);
    tcase_add_test(tc, control_with_an_empty_stack_goes_up);
    tcase_add_test(tc, hello_request_is_answered_by_the_program);
    tcase_add_test(tc, hello_reply_goes_up_and_bad_hellos_are_not_answered);
    tcase_add_test(tc, transit_takes_one_label_off);
    tcase_add_test(tc, control_in_transit_keeps_its_mark);
    tcase_add_test(tc, liveness_keeps_its_port_in_transit_and_goes_up_at_the_end);
    tcase_add_test(tc, transit_uses_the_next_tier_when_the_first_is_dead_and_may_change_family);
    tcase_add_test(tc, transit_leads_round_a_dead_neighbour);
    tcase_add_test(tc, transit_leads_round_only_once);
    tcase_add_test(tc, transit_leads_no_strict_packet);
    tcase_add_test(tc, a_detour_must_fit_the_stack);
    tcase_add_test(tc, a_checksum_left_to_hardware_is_refused_in_transit_only);
    tcase_add_test(tc, malformed_outer_headers_are_dropped);
    tcase_add_test(tc, malformed_geneve_is_dropped);
    tcase_add_test(tc, malformed_inner_packets_are_dropped);
    tcase_add_test(tc, no_truncated_packet_gets_through);
    tcase_add_test(tc, damaged_packets_never_go_astray);
    tcase_add_test(tc, congestion_outside_is_marked_inside);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    bed_close(&bed);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
