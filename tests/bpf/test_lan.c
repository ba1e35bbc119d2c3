/* The LAN program: what goes up, what is dropped, rules, choice of path, MTU, and the outer header byte by byte. */
#include "bed.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TC_REDIRECT 7 /* TC_ACT_REDIRECT */

/* This is site 1. Site 2 is reached by IPv4 or by two labels, site 3 by IPv6, site 4 has no group, site 5 an empty one.
 */
static const char bundle[] = "node site=1\n"
                             "link id=1 if=wan0 address=192.0.2.1 gateway=192.0.2.254\n"
                             "link id=2 if=wan1 address=2001:db8:ff::1\n"
                             "lan if=lan0 vni=100\n"
                             "lan if=lan1 vni=100\n"
                             "route vni=100 prefix=10.1.0.0/24 site=1 lan=lan0\n"
                             "route vni=100 prefix=10.1.1.0/24 site=1 lan=lan1\n"
                             "route vni=100 prefix=2001:db8:1:1::/64 site=1 lan=lan1\n"
                             "route vni=100 prefix=10.2.0.0/16 site=2\n"
                             "route vni=100 prefix=10.2.3.0/24 site=3\n"
                             "route vni=100 prefix=2001:db8:2::/48 site=2\n"
                             "route vni=100 prefix=2001:db8:3::/48 site=3\n"
                             "route vni=100 prefix=10.4.0.0/16 site=4\n"
                             "route vni=100 prefix=10.5.0.0/16 site=5\n"
                             "route vni=200 prefix=10.20.0.0/16 site=2\n"
                             "tunnel id=12 link=1 remote=192.0.2.2 site=2 mtu=1464\n"
                             "tunnel id=13 link=2 remote=2001:db8:ff::3 site=3 mtu=1444\n"
                             "path id=12 tunnel=12 site=2\n"
                             "path id=13 tunnel=13 site=3\n"
                             "path id=132 tunnel=13 site=2 stack=7,0xfffff\n"
                             "group site=2 class=0 members=12:1:0\n"
                             "group site=2 class=1 members=132:1:0\n"
                             "path id=133 tunnel=13 site=2 stack=7,0xfffff strict=1\n"
                             "group site=2 class=2 members=12:1:0\n"
                             "group site=2 class=2 traffic=1 members=133:1:0\n"
                             "group site=2 class=2 traffic=4 members=132:1:0\n"
                             "group site=3 class=0 members=13:1:0\n"
                             "group site=5 class=0\n"
                             "rule vni=100 order=0 protocol=17 ports=5000-5010 class=1\n"
                             "rule vni=100 order=1 protocol=17 ports=5005-5020 deny=1\n"
                             "rule vni=100 order=2 dscp=46 prefix=10.2.0.0/16 class=1\n"
                             "rule vni=100 order=3 prefix=2001:db8:2:bad::/64 deny=1\n"
                             "rule vni=100 order=4 protocol=6 ports=80-80 class=9\n"
                             "rule vni=100 order=5 protocol=17 ports=6000-6010 class=2\n";

static struct bed bed;

struct shape {
    const char *source, *destination;
    uint16_t source_port, port;
    uint8_t tos, ttl;
    size_t payload;
    bool may_fragment;
};

struct host_packet {
    struct packet p;
    uint32_t l4;
};

static struct host_packet make(struct shape s)
{
    static struct host_packet h;
    bool v6 = strchr(s.destination, ':') != NULL;
    put_ethernet(&h.p, v6 ? ETH_P_IPV6 : ETH_P_IP);
    uint32_t ip = v6 ? put_ipv6(&h.p, "2001:db8:1::2", s.destination, IPPROTO_UDP, s.tos)
                     : put_ipv4(&h.p, s.source == NULL ? "10.1.0.2" : s.source, s.destination, IPPROTO_UDP, s.tos);
    if (s.ttl != 0) {
        h.p.data[ip + (v6 ? 7 : 8)] = s.ttl;
    }
    if (s.may_fragment) {
        h.p.data[ip + 6] = 0;
    }
    h.l4 = put_udp(&h.p, s.source_port == 0 ? 1024 : s.source_port, s.port == 0 ? 9 : s.port);
    put_payload(&h.p, s.payload == 0 ? 50 : s.payload);
    finish_udp_size(&h.p, h.l4);
    if (v6) {
        finish_ipv6(&h.p, ip);
    } else {
        finish_ipv4(&h.p, ip);
    }
    finish_l4(&h.p, ip, h.l4, 6);
    return h;
}

/* The inner packet behind `header` bytes is the host's with one hop less, its IP checksum right. */
static void check_inner(const struct run *r, uint32_t header, const struct packet *host)
{
    const uint8_t *inner = r->out.data + ETH_HLEN + header, *was = host->data + ETH_HLEN;
    uint32_t size = host->size - ETH_HLEN;
    ck_assert_uint_eq(r->out.size, ETH_HLEN + header + size);
    if (was[0] >> 4 == 4) {
        ck_assert_uint_eq(inner[8], was[8] - 1);
        ck_assert_uint_eq(sum16(inner, 20, 0), 0xffff);
        ck_assert_mem_eq(inner, was, 8);
        ck_assert_mem_eq(inner + 12, was + 12, size - 12);
    } else {
        ck_assert_uint_eq(inner[7], was[7] - 1);
        ck_assert_mem_eq(inner, was, 7);
        ck_assert_mem_eq(inner + 8, was + 8, size - 8);
    }
}

START_TEST(ipv4_goes_into_an_ipv4_tunnel)
{
    struct host_packet h = make((struct shape){.destination = "10.2.0.9", .tos = 0x2a});
    struct pt_dp_path_counters before = bed_path(&bed, 12);
    struct run r = run_lan(&bed, &h.p);
    struct iphdr ip;
    struct udphdr udp;
    struct pt_geneve geneve;
    const uint8_t *at = r.out.data + ETH_HLEN;
    ck_assert_msg(r.verdict == TC_REDIRECT, "%s", drops_text(&bed));
    memcpy(&ip, at, sizeof(ip));
    memcpy(&udp, at + 20, sizeof(udp));
    memcpy(&geneve, at + 28, sizeof(geneve));
    ck_assert_uint_eq(at[0], 0x45);
    ck_assert_uint_eq(sum16(at, 20, 0), 0xffff);
    ck_assert_uint_eq(ip.tos, 0x2a); /* DSCP and ECN as inside */
    ck_assert_uint_eq(ntohs(ip.frag_off), 0x4000);
    ck_assert_uint_eq(ip.protocol, IPPROTO_UDP);
    ck_assert_uint_eq(ntohl(ip.saddr), 0xc0000201);
    ck_assert_uint_eq(ntohl(ip.daddr), 0xc0000202);
    ck_assert_uint_eq(ntohs(ip.tot_len), r.out.size - ETH_HLEN);
    ck_assert_uint_eq(ntohs(udp.dest), 6081);
    ck_assert_uint_ge(ntohs(udp.source), 49152);
    ck_assert_uint_eq(udp.check, 0);
    ck_assert_uint_eq(ntohs(udp.len), r.out.size - ETH_HLEN - 20);
    ck_assert_uint_eq(geneve.version_words, 0);
    ck_assert_uint_eq(geneve.flags, 0);
    ck_assert_uint_eq(ntohs(geneve.protocol), ETH_P_IP);
    ck_assert_uint_eq(ntohl(geneve.vni_reserved), 100 << 8);
    check_inner(&r, 36, &h.p);
    struct pt_dp_path_counters after = bed_path(&bed, 12);
    ck_assert_uint_eq(after.tx_packets, before.tx_packets + 1);
    ck_assert_uint_eq(after.tx_bytes, before.tx_bytes + h.p.size - ETH_HLEN);
}
END_TEST

START_TEST(ipv6_goes_into_an_ipv6_tunnel)
{
    struct host_packet h = make((struct shape){.destination = "2001:db8:3::9", .tos = 0xb8});
    struct run r = run_lan(&bed, &h.p);
    struct ip6_hdr ip;
    const uint8_t *at = r.out.data + ETH_HLEN;
    ck_assert_msg(r.verdict == TC_REDIRECT, "%s", drops_text(&bed));
    memcpy(&ip, at, sizeof(ip));
    ck_assert_uint_eq(r.out.data[12] << 8 | r.out.data[13], ETH_P_IPV6);
    ck_assert_uint_eq(ntohl(ip.ip6_flow) >> 20, 0x600 | 0xb8);
    ck_assert_uint_ne(ntohl(ip.ip6_flow) & 0xfffff, 0);
    ck_assert_uint_eq(ip.ip6_nxt, IPPROTO_UDP);
    ck_assert_uint_eq(ntohs(ip.ip6_plen), r.out.size - ETH_HLEN - 40);
    ck_assert_uint_eq(ip.ip6_src.s6_addr[15], 1);
    ck_assert_uint_eq(ip.ip6_dst.s6_addr[15], 3);
    ck_assert_uint_eq(at[46] << 8 | at[47], 0);          /* UDP checksum */
    ck_assert_uint_eq(at[50] << 8 | at[51], ETH_P_IPV6); /* inside */
    check_inner(&r, 56, &h.p);
    /* the longest prefix decides, and IPv4 goes into IPv6 as well */
    h = make((struct shape){.destination = "10.2.3.4"});
    r = run_lan(&bed, &h.p);
    ck_assert_uint_eq(r.out.data[ETH_HLEN + 50] << 8 | r.out.data[ETH_HLEN + 51], ETH_P_IP);
    check_inner(&r, 56, &h.p);
}
END_TEST

START_TEST(a_stack_becomes_a_critical_option)
{
    struct host_packet h = make((struct shape){.destination = "10.2.0.9", .port = 5000});
    const uint8_t want[] = {3, 0x40, 0x08, 0x00, 0, 0, 100, 0, 0xff, 0, 0x81, 2, 0, 0, 0, 7, 0, 0x0f, 0xff, 0xff};
    struct run r = run_lan(&bed, &h.p);
    ck_assert_int_eq(r.verdict, TC_REDIRECT);
    ck_assert_mem_eq(r.out.data + ETH_HLEN + 48, want, sizeof(want));
    check_inner(&r, 56 + 12, &h.p);
    ck_assert_uint_eq(bed_path(&bed, 132).tx_packets, 1);
}
END_TEST

/* Of a policy class that is split by traffic class: AF41 is REALTIME's, 0 is STANDARD's, AF11 has no group of its own.
 * A path that must be kept to says so in each packet. */
START_TEST(a_traffic_class_has_a_group_of_its_own)
{
    static const struct {
        uint8_t tos;
        uint64_t path;
    } cases[] = {{34 << 2, 133}, {0, 132}, {10 << 2, 12}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t before = bed_path(&bed, cases[i].path).tx_packets;
        struct host_packet h = make((struct shape){.destination = "10.2.0.9", .port = 6000, .tos = cases[i].tos});
        struct run r = run_lan(&bed, &h.p);
        ck_assert_int_eq(r.verdict, TC_REDIRECT);
        ck_assert_uint_eq(bed_path(&bed, cases[i].path).tx_packets, before + 1);
        if (cases[i].path != 12) {
            ck_assert_uint_eq(r.out.data[ETH_HLEN + 48 + 11], 2 | (cases[i].path == 133 ? PT_OPTION_STRICT : 0));
        }
    }
}
END_TEST

START_TEST(rules_match_in_order)
{
    uint64_t denied = bed_drops(&bed, PT_DROP_POLICY_DENY);
    struct host_packet h = make((struct shape){.destination = "10.2.0.9", .port = 5010}); /* both rules 0 and 1 */
    ck_assert_int_eq(run_lan(&bed, &h.p).verdict, TC_REDIRECT);
    h = make((struct shape){.destination = "10.2.0.9", .port = 5011});
    CHECK_DROP(&bed, run_lan(&bed, &h.p), POLICY_DENY);
    h = make((struct shape){.destination = "10.2.0.9", .port = 5021});
    ck_assert_int_eq(run_lan(&bed, &h.p).verdict, TC_REDIRECT);
    h = make((struct shape){.destination = "10.2.0.9", .port = 4999});
    ck_assert_int_eq(run_lan(&bed, &h.p).verdict, TC_REDIRECT);
    h = make((struct shape){.destination = "2001:db8:2:bad::1"});
    CHECK_DROP(&bed, run_lan(&bed, &h.p), POLICY_DENY);
    h = make((struct shape){.destination = "2001:db8:2:bae::1"});
    ck_assert_int_eq(run_lan(&bed, &h.p).verdict, TC_REDIRECT);
    ck_assert_uint_eq(bed_drops(&bed, PT_DROP_POLICY_DENY), denied + 2);

    uint64_t steered = bed_path(&bed, 132).tx_packets;
    h = make((struct shape){.destination = "10.2.0.9", .tos = 46 << 2});
    (void)run_lan(&bed, &h.p);
    ck_assert_uint_eq(bed_path(&bed, 132).tx_packets, steered + 1);
    h = make((struct shape){.destination = "10.2.0.9", .tos = 45 << 2});
    (void)run_lan(&bed, &h.p);
    ck_assert_uint_eq(bed_path(&bed, 132).tx_packets, steered + 1);
    /* a later fragment has no ports: rules with ports do not match it */
    h = make((struct shape){.destination = "10.2.0.9", .port = 5000});
    h.p.data[ETH_HLEN + 6] = 0, h.p.data[ETH_HLEN + 7] = 1;
    finish_ipv4(&h.p, ETH_HLEN);
    (void)run_lan(&bed, &h.p);
    ck_assert_uint_eq(bed_path(&bed, 132).tx_packets, steered + 1);
}
END_TEST

START_TEST(a_class_without_a_group_uses_class_0)
{
    struct packet p;
    put_ethernet(&p, ETH_P_IP);
    put_ipv4(&p, "10.1.0.2", "10.2.0.9", IPPROTO_TCP, 0);
    uint32_t l4 = put_tcp(&p, 1024, 80, TH_ACK, NULL, 0);
    finish_ipv4(&p, ETH_HLEN);
    finish_l4(&p, ETH_HLEN, l4, 16);
    uint64_t before = bed_path(&bed, 12).tx_packets;
    ck_assert_int_eq(run_lan(&bed, &p).verdict, TC_REDIRECT);
    ck_assert_uint_eq(bed_path(&bed, 12).tx_packets, before + 1);
}
END_TEST

START_TEST(the_wire_s_own_traffic_goes_up)
{
    const char *const up[] = {"10.1.0.1", "224.0.0.251", "255.255.255.255", "169.254.1.1", "ff02::1", "fe80::1"};
    for (size_t i = 0; i < sizeof(up) / sizeof(up[0]); i++) {
        struct host_packet h = make((struct shape){.destination = up[i], .ttl = 1, .port = 5011});
        struct run r = run_lan(&bed, &h.p);
        ck_assert_msg(r.verdict == TC_ACT_OK, "%s: %d", up[i], r.verdict);
        ck_assert_mem_eq(r.out.data, h.p.data, h.p.size);
    }
    struct host_packet h = make((struct shape){.destination = "10.2.0.9"});
    h.p.data[12] = 0x08, h.p.data[13] = 0x06; /* ARP */
    ck_assert_int_eq(run_lan(&bed, &h.p).verdict, TC_ACT_OK);
}
END_TEST

START_TEST(another_interface_of_the_segment_is_one_hop_away)
{
    const char *const there[] = {"10.1.1.7", "2001:db8:1:1::7"};
    for (int i = 0; i < 2; i++) {
        struct host_packet h = make((struct shape){.destination = there[i]});
        struct run r = run_lan(&bed, &h.p);
        ck_assert_int_eq(r.verdict, TC_REDIRECT);
        check_inner(&r, 0, &h.p);
    }
    struct host_packet h = make((struct shape){.destination = "10.1.1.7", .ttl = 1});
    CHECK_DROP(&bed, run_lan(&bed, &h.p), TTL_EXCEEDED);
    h = make((struct shape){.destination = "10.1.1.7", .payload = 1473});
    CHECK_DROP(&bed, run_lan(&bed, &h.p), EGRESS_TOO_BIG);
    h = make((struct shape){.destination = "10.1.1.7", .port = 5015});
    CHECK_DROP(&bed, run_lan(&bed, &h.p), POLICY_DENY);
}
END_TEST

START_TEST(what_cannot_be_forwarded_is_dropped_by_its_reason)
{
    struct host_packet h = make((struct shape){.destination = "10.9.0.1"});
    CHECK_DROP(&bed, run_lan(&bed, &h.p), NO_ROUTE);
    h = make((struct shape){.destination = "10.20.0.1"}); /* a route of another segment */
    CHECK_DROP(&bed, run_lan(&bed, &h.p), NO_ROUTE);
    h = make((struct shape){.destination = "2001:db8:9::1"});
    CHECK_DROP(&bed, run_lan(&bed, &h.p), NO_ROUTE);
    h = make((struct shape){.destination = "10.4.0.1"});
    CHECK_DROP(&bed, run_lan(&bed, &h.p), NO_GROUP);
    h = make((struct shape){.destination = "10.5.0.1"});
    CHECK_DROP(&bed, run_lan(&bed, &h.p), NO_PATH);
    h = make((struct shape){.destination = "10.2.0.9", .ttl = 1});
    CHECK_DROP(&bed, run_lan(&bed, &h.p), TTL_EXCEEDED);
    h = make((struct shape){.destination = "2001:db8:3::1", .ttl = 1});
    CHECK_DROP(&bed, run_lan(&bed, &h.p), TTL_EXCEEDED);
    h = make((struct shape){.destination = "10.2.0.9"});
    CHECK_DROP(&bed, run_lan_with(&bed, &h.p, (struct run_options){.ifindex = bed.wan1}), UNKNOWN_LAN);
}
END_TEST

START_TEST(malformed_headers_are_dropped)
{
    struct host_packet h = make((struct shape){.destination = "10.2.0.9"});
    h.p.data[ETH_HLEN] = 0x65;
    CHECK_DROP(&bed, run_lan(&bed, &h.p), MALFORMED);
    h.p.data[ETH_HLEN] = 0x44;
    CHECK_DROP(&bed, run_lan(&bed, &h.p), MALFORMED);
    h.p.data[ETH_HLEN] = 0x45;
    h.p.data[ETH_HLEN + 3]++;
    CHECK_DROP(&bed, run_lan(&bed, &h.p), MALFORMED);
    /* cut at every length: a header that says more than there is must not be believed */
    for (int v6 = 0; v6 < 2; v6++) {
        h = make((struct shape){.destination = v6 ? "2001:db8:3::1" : "10.2.0.9"});
        uint32_t whole = h.p.size;
        for (h.p.size = ETH_HLEN + (v6 ? 40 : 20); h.p.size < whole; h.p.size++) { /* PROG_RUN takes none shorter */
            CHECK_DROP(&bed, run_lan(&bed, &h.p), MALFORMED);
        }
    }
}
END_TEST

START_TEST(ipv6_extension_headers_are_walked)
{
    /* hop-by-hop, destination options, then UDP to a denied port: the rule must see it */
    struct packet p;
    uint8_t hop[8] = {IPPROTO_DSTOPTS, 0, 1, 4}, options[16] = {IPPROTO_UDP, 1, 1, 12};
    put_ethernet(&p, ETH_P_IPV6);
    put_ipv6(&p, "2001:db8:1::2", "2001:db8:2::1", IPPROTO_HOPOPTS, 0);
    put(&p, hop, sizeof(hop));
    put(&p, options, sizeof(options));
    uint32_t udp = put_udp(&p, 1024, 5011);
    put_payload(&p, 20);
    finish_udp_size(&p, udp);
    finish_ipv6(&p, ETH_HLEN);
    CHECK_DROP(&bed, run_lan(&bed, &p), POLICY_DENY);
    p.data[ETH_HLEN + 41] = 200; /* a length that leads out of the packet */
    CHECK_DROP(&bed, run_lan(&bed, &p), MALFORMED);
}
END_TEST

/* A SYN with these options; returns the MSS option's value afterwards and checks the checksum. */
static unsigned clamp(const char *destination, const uint8_t *options, size_t size, size_t mss_at)
{
    bool v6 = strchr(destination, ':') != NULL;
    struct packet p;
    put_ethernet(&p, v6 ? ETH_P_IPV6 : ETH_P_IP);
    if (v6) {
        put_ipv6(&p, "2001:db8:1::2", destination, IPPROTO_TCP, 0);
    } else {
        put_ipv4(&p, "10.1.0.2", destination, IPPROTO_TCP, 0);
    }
    uint32_t l4 = put_tcp(&p, 1024, 443, TH_SYN, options, size);
    if (v6) {
        finish_ipv6(&p, ETH_HLEN);
    } else {
        finish_ipv4(&p, ETH_HLEN);
    }
    finish_l4(&p, ETH_HLEN, l4, 16);
    struct run r = run_lan(&bed, &p);
    ck_assert_int_eq(r.verdict, TC_REDIRECT);
    const uint8_t *inner = r.out.data + r.out.size - (p.size - ETH_HLEN);
    ck_assert_uint_eq(l4_sum(inner, p.size - ETH_HLEN), 0xffff);
    const uint8_t *at = inner + (l4 - ETH_HLEN) + 20 + mss_at;
    return (unsigned)at[0] << 8 | at[1];
}

START_TEST(the_mss_of_a_syn_is_lowered_to_what_fits)
{
    const uint8_t first[] = {2, 4, 0x05, 0xb4, 1, 3, 3, 7};                         /* 1460, NOP, window scale */
    const uint8_t odd[] = {1, 2, 4, 0x05, 0xb4, 3, 3, 7};                           /* at an odd offset */
    const uint8_t small[] = {2, 4, 0x02, 0x18};                                     /* 536 */
    const uint8_t last[] = {4, 2, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 2, 4, 0x23, 0x28}; /* behind timestamps: 9000 */
    const uint8_t broken[] = {3, 0, 2, 4, 0x05, 0xb4, 0, 0};                        /* a length of 0 */
    const uint8_t ended[] = {0, 2, 4, 0x05, 0xb4, 0, 0, 0};                         /* behind the end of the list */
    ck_assert_uint_eq(clamp("10.2.0.9", first, sizeof(first), 2), 1464 - 40);
    ck_assert_uint_eq(clamp("10.2.0.9", odd, sizeof(odd), 3), 1464 - 40);
    ck_assert_uint_eq(clamp("10.2.0.9", small, sizeof(small), 2), 536);
    ck_assert_uint_eq(clamp("10.2.0.9", last, sizeof(last), 14), 1464 - 40);
    ck_assert_uint_eq(clamp("10.2.0.9", broken, sizeof(broken), 4), 1460);
    ck_assert_uint_eq(clamp("10.2.0.9", ended, sizeof(ended), 3), 1460);
    ck_assert_uint_eq(clamp("2001:db8:3::1", first, sizeof(first), 2), 1444 - 60);
}
END_TEST

START_TEST(too_big_ipv4_is_reported_to_the_host)
{
    struct host_packet h = make((struct shape){.destination = "10.2.0.9", .payload = 1464 - 28});
    ck_assert_int_eq(run_lan(&bed, &h.p).verdict, TC_REDIRECT); /* just fits */
    ck_assert_uint_eq(bed_drops(&bed, PT_DROP_TOO_BIG_REPORTED), 0);

    h = make((struct shape){.destination = "10.2.0.9", .payload = 1464 - 27});
    struct run r = run_lan(&bed, &h.p);
    const uint8_t *ip = r.out.data + ETH_HLEN, *icmp = ip + 20;
    ck_assert_int_eq(r.verdict, TC_REDIRECT);
    ck_assert_uint_eq(bed_drops(&bed, PT_DROP_TOO_BIG_REPORTED), 1);
    ck_assert_uint_eq(r.out.size, ETH_HLEN + 20 + 8 + 128);
    ck_assert_mem_eq(r.out.data, h.p.data + 6, 6); /* back to the sender */
    ck_assert_mem_eq(r.out.data + 6, h.p.data, 6);
    ck_assert_uint_eq(sum16(ip, 20, 0), 0xffff);
    ck_assert_uint_eq(ip[9], IPPROTO_ICMP);
    ck_assert_mem_eq(ip + 12, h.p.data + ETH_HLEN + 16, 4);
    ck_assert_mem_eq(ip + 16, h.p.data + ETH_HLEN + 12, 4);
    ck_assert_uint_eq(ip[2] << 8 | ip[3], r.out.size - ETH_HLEN);
    ck_assert_uint_eq(icmp[0], 3);
    ck_assert_uint_eq(icmp[1], 4);
    ck_assert_uint_eq(icmp[6] << 8 | icmp[7], 1464);
    ck_assert_uint_eq(sum16(icmp, 8 + 128, 0), 0xffff);
    ck_assert_mem_eq(icmp + 8, h.p.data + ETH_HLEN, 128); /* the packet as the host sent it */

    h = make((struct shape){.destination = "10.2.0.9", .payload = 1464 - 27, .may_fragment = true});
    CHECK_DROP(&bed, run_lan(&bed, &h.p), TOO_BIG);
}
END_TEST

START_TEST(too_big_ipv6_is_reported_to_the_host)
{
    struct host_packet h = make((struct shape){.destination = "2001:db8:3::1", .payload = 1444 - 47});
    struct run r = run_lan(&bed, &h.p);
    const uint8_t *ip = r.out.data + ETH_HLEN, *icmp = ip + 40;
    ck_assert_int_eq(r.verdict, TC_REDIRECT);
    ck_assert_uint_eq(r.out.size, ETH_HLEN + 40 + 8 + 128);
    ck_assert_mem_eq(ip + 8, h.p.data + ETH_HLEN + 24, 16);
    ck_assert_mem_eq(ip + 24, h.p.data + ETH_HLEN + 8, 16);
    ck_assert_uint_eq(ip[6], IPPROTO_ICMPV6);
    ck_assert_uint_eq(icmp[0], 2);
    ck_assert_uint_eq(icmp[6] << 8 | icmp[7], 1444);
    ck_assert_uint_eq(l4_sum(ip, r.out.size - ETH_HLEN), 0xffff);
    ck_assert_mem_eq(icmp + 8, h.p.data + ETH_HLEN, 128);
    /* a stack takes room: 12 bytes less on the path with two labels */
    h = make((struct shape){.destination = "10.2.0.9", .port = 5000, .payload = 1432 - 28});
    ck_assert_uint_eq(run_lan(&bed, &h.p).out.data[ETH_HLEN] >> 4, 6);
    h = make((struct shape){.destination = "10.2.0.9", .port = 5000, .payload = 1432 - 27});
    r = run_lan(&bed, &h.p);
    ck_assert_uint_eq(r.out.data[ETH_HLEN + 26] << 8 | r.out.data[ETH_HLEN + 27], 1432);
}
END_TEST

START_TEST(a_super_packet_is_judged_by_its_segments)
{
    struct packet p;
    put_ethernet(&p, ETH_P_IP);
    put_ipv4(&p, "10.1.0.2", "10.2.0.9", IPPROTO_TCP, 0);
    uint32_t l4 = put_tcp(&p, 1024, 443, TH_ACK, "\1\1\1\1", 4);
    put_payload(&p, 3000);
    finish_ipv4(&p, ETH_HLEN);
    finish_l4(&p, ETH_HLEN, l4, 16);
    uint64_t before = bed_drops(&bed, PT_DROP_TOO_BIG_REPORTED);
    /* 20 + 24 + 1421 = 1465 is one too many */
    (void)run_lan_with(&bed, &p, (struct run_options){.ifindex = bed.lan0, .gso_size = 1421, .gso_segs = 3});
    ck_assert_uint_eq(bed_drops(&bed, PT_DROP_TOO_BIG_REPORTED), before + 1);
    (void)run_lan_with(&bed, &p, (struct run_options){.ifindex = bed.lan0, .gso_size = 1420, .gso_segs = 3});
    ck_assert_uint_eq(bed_drops(&bed, PT_DROP_TOO_BIG_REPORTED), before + 1);
}
END_TEST

int main(void)
{
    if (!bed_possible()) {
        return 77;
    }
    bed_open(&bed, bundle);
    Suite *suite = suite_create("lan");
    TCase *tc = tcase_create("lan");
    tcase_add_test(tc, ipv4_goes_into_an_ipv4_tunnel);
    tcase_add_test(tc, ipv6_goes_into_an_ipv6_tunnel);
    tcase_add_test(tc, a_stack_becomes_a_critical_option);
    tcase_add_test(tc, rules_match_in_order);
    tcase_add_test(tc, a_class_without_a_group_uses_class_0);
    tcase_add_test(tc, a_traffic_class_has_a_group_of_its_own);
    tcase_add_test(tc, the_wire_s_own_traffic_goes_up);
    tcase_add_test(tc, another_interface_of_the_segment_is_one_hop_away);
    tcase_add_test(tc, what_cannot_be_forwarded_is_dropped_by_its_reason);
    tcase_add_test(tc, malformed_headers_are_dropped);
    tcase_add_test(tc, ipv6_extension_headers_are_walked);
    tcase_add_test(tc, the_mss_of_a_syn_is_lowered_to_what_fits);
    tcase_add_test(tc, too_big_ipv4_is_reported_to_the_host);
    tcase_add_test(tc, too_big_ipv6_is_reported_to_the_host);
    tcase_add_test(tc, a_super_packet_is_judged_by_its_segments);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    bed_close(&bed);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
