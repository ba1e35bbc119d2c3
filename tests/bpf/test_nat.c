/*
 * Translation and firewall, packet by packet: what a host sends and what comes back, checksums always right.
 *
 *    h 10.1.0.2 --lan0--+                        +--wan0 192.0.2.1-- internet
 *    g 10.9.0.2 --lan1--+ this is site 1         +-- site 2: 10.2.0.0/16 of segment 100, 10.8.0.0/16 of segment 200
 */
#include "bed.h"

#include "bpf/abi/event.h"
#include "bpf/abi/filter.h"
#include "bpf/abi/nat.h"
#include "bpf/abi/tap.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TC_REDIRECT 7 /* TC_ACT_REDIRECT */
#define SYN 2
#define ACK 16
#define FIN 1

#define BASE                                                    \
    "node site=1\n"                                             \
    "link id=1 if=wan0 address=192.0.2.1 gateway=192.0.2.254\n" \
    "lan if=lan0 vni=100\n"                                     \
    "lan if=lan1 vni=200\n"                                     \
    "route vni=100 prefix=10.1.0.0/24 site=1 lan=lan0\n"        \
    "route vni=200 prefix=10.9.0.0/24 site=1 lan=lan1\n"        \
    "route vni=100 prefix=10.2.0.0/16 site=2\n"                 \
    "route vni=200 prefix=10.8.0.0/16 site=2\n"                 \
    "tunnel id=12 link=1 remote=192.0.2.2 site=2 mtu=1464\n"    \
    "path id=12 tunnel=12 site=2\n"                             \
    "group site=2 class=0 members=12:1:0\n"

static struct bed bed;

struct way {
    const char *source, *destination;
    uint16_t port_source, port;
    uint8_t protocol, flags; /* 0: UDP */
};

/* A packet with right checksums. */
static struct packet make(struct way w)
{
    struct packet p;
    uint8_t protocol = w.protocol == 0 ? IPPROTO_UDP : w.protocol;
    put_ethernet(&p, ETH_P_IP);
    uint32_t ip = put_ipv4(&p, w.source, w.destination, protocol, 0), l4 = p.size;
    if (protocol == IPPROTO_TCP) {
        l4 = put_tcp(&p, w.port_source, w.port, w.flags, NULL, 0);
    } else if (protocol == IPPROTO_UDP) {
        l4 = put_udp(&p, w.port_source, w.port);
    } else {
        uint8_t echo[8] = {w.flags, 0, 0, 0, (uint8_t)(w.port_source >> 8), (uint8_t)w.port_source, 0, 1};
        put(&p, echo, sizeof(echo));
    }
    put_payload(&p, 40);
    if (protocol == IPPROTO_UDP) {
        finish_udp_size(&p, l4);
    }
    finish_ipv4(&p, ip);
    if (protocol == IPPROTO_ICMP) {
        uint16_t sum = htons((uint16_t)~sum16(p.data + l4, p.size - l4, 0));
        memcpy(p.data + l4 + 2, &sum, 2);
    } else {
        finish_l4(&p, ip, l4, protocol == IPPROTO_TCP ? 16 : 6);
    }
    return p;
}

static uint16_t port_at(const struct packet *p, uint32_t offset)
{
    return (uint16_t)(p->data[offset] << 8 | p->data[offset + 1]);
}

#define SOURCE_PORT(p) port_at(p, ETH_HLEN + 20)
#define PORT(p) port_at(p, ETH_HLEN + 22)

static bool address_is(const struct packet *p, uint32_t offset, const char *text)
{
    struct in_addr address;
    ck_assert_int_eq(inet_pton(AF_INET, text, &address), 1);
    return memcmp(p->data + offset, &address, 4) == 0;
}

/* Redirected, from and to these addresses, and both checksums right. */
static void check_packet(const struct run *run, const char *source, const char *destination)
{
    ck_assert_msg(run->verdict == TC_REDIRECT, "verdict %d: %s", run->verdict, drops_text(&bed));
    ck_assert(address_is(&run->out, ETH_HLEN + 12, source));
    ck_assert(address_is(&run->out, ETH_HLEN + 16, destination));
    ck_assert_uint_eq(sum16(run->out.data + ETH_HLEN, 20, 0), 0xffff);
    if (run->out.data[ETH_HLEN + 9] == IPPROTO_ICMP) {
        ck_assert_uint_eq(sum16(run->out.data + ETH_HLEN + 20, run->out.size - ETH_HLEN - 20, 0), 0xffff);
    } else {
        ck_assert_uint_eq(l4_sum(run->out.data + ETH_HLEN, run->out.size - ETH_HLEN), 0xffff);
    }
    ck_assert_uint_eq(run->out.data[ETH_HLEN + 8], 63);
}

/* Out to the internet from a host's port; the port outside. */
static uint16_t out_from(uint8_t protocol, const char *source, uint16_t port, const char *destination)
{
    uint8_t flags = protocol == IPPROTO_TCP ? SYN : protocol == IPPROTO_ICMP ? 8 : 0;
    struct packet p = make((struct way){source, destination, port, 443, protocol, flags});
    struct run run = run_lan(&bed, &p);
    check_packet(&run, "192.0.2.1", destination);
    return protocol == IPPROTO_ICMP ? port_at(&run.out, ETH_HLEN + 24) : SOURCE_PORT(&run.out);
}

START_TEST(a_host_goes_out_and_its_answer_comes_in)
{
    static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP};
    bed_apply(&bed, BASE "exit vni=100 link=1\n");
    for (size_t i = 0; i < 3; i++) {
        uint8_t protocol = protocols[i], flags = protocol == IPPROTO_TCP ? SYN | ACK : 0;
        uint16_t port = out_from(protocol, "10.1.0.2", 5001, "198.51.100.7");
        ck_assert_uint_eq(port, 5001); /* nobody has it */
        struct packet p = make((struct way){"198.51.100.7", "192.0.2.1", 443, port, protocol, flags});
        if (protocol == IPPROTO_ICMP) {
            p = make((struct way){"198.51.100.7", "192.0.2.1", port, 0, protocol, 0});
        }
        struct run run = run_wan_tc(&bed, &p);
        check_packet(&run, "198.51.100.7", "10.1.0.2");
        if (protocol != IPPROTO_ICMP) {
            ck_assert_uint_eq(PORT(&run.out), 5001);
        }
    }
}
END_TEST

/* RFC 4787: one mapping whatever the destination, none shared, parity kept, anybody may answer. Cached or not. */
START_TEST(mappings_do_not_depend_on_the_destination)
{
    bed_apply(&bed, BASE "exit vni=100 link=1\n");
    uint16_t first = out_from(IPPROTO_UDP, "10.1.0.2", 6001, "198.51.100.7");
    ck_assert_uint_eq(out_from(IPPROTO_UDP, "10.1.0.2", 6001, "203.0.113.9"), first);
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(out_from(IPPROTO_UDP, "10.1.0.2", 6001, "198.51.100.7"), first);
    }
    uint16_t second = out_from(IPPROTO_UDP, "10.1.0.3", 6001, "198.51.100.7");
    ck_assert_uint_ne(second, first);
    ck_assert_uint_eq(second & 1, 6001 & 1);
    ck_assert_uint_ge(second, PT_NAT_PORT_FIRST);
    struct packet p = make((struct way){"203.0.113.200", "192.0.2.1", 53, second, IPPROTO_UDP, 0});
    struct run run = run_wan_tc(&bed, &p);
    check_packet(&run, "203.0.113.200", "10.1.0.3");
}
END_TEST

START_TEST(only_whom_the_host_has_sent_to_may_answer_if_so_wished)
{
    bed_apply(&bed, BASE "exit vni=100 link=1 dependent=1\n");
    uint16_t port = out_from(IPPROTO_UDP, "10.1.0.2", 6101, "198.51.100.7");
    struct packet p = make((struct way){"198.51.100.7", "192.0.2.1", 99, port, IPPROTO_UDP, 0});
    struct run run = run_wan_tc(&bed, &p);
    check_packet(&run, "198.51.100.7", "10.1.0.2");
    p = make((struct way){"203.0.113.9", "192.0.2.1", 99, port, IPPROTO_UDP, 0});
    CHECK_DROP(&bed, run_wan_tc(&bed, &p), NAT_FILTERED);
}
END_TEST

START_TEST(what_nobody_asked_for_is_the_node_s_own)
{
    bed_apply(&bed, BASE "exit vni=100 link=1\n");
    struct packet p = make((struct way){"198.51.100.7", "192.0.2.1", 443, 22222, IPPROTO_TCP, SYN});
    ck_assert_int_eq(run_wan_tc(&bed, &p).verdict, TC_ACT_OK);
    p = make((struct way){"198.51.100.7", "192.0.2.1", 7, 0, IPPROTO_ICMP, 8});
    ck_assert_int_eq(run_wan_tc(&bed, &p).verdict, TC_ACT_OK);
    p = make((struct way){"10.9.0.2", "198.51.100.7", 7, 7, 0, 0});
    CHECK_DROP(&bed, run_lan_with(&bed, &p, (struct run_options){.ifindex = bed.lan1}), NO_ROUTE);
}
END_TEST

START_TEST(a_forwarded_port_leads_to_its_host_and_back)
{
    bed_apply(&bed, BASE "exit vni=100 link=1\nforward link=1 protocol=6 port=8080 vni=100 address=10.1.0.5 target=80\n"
                         "filter vni=100 drop=1\n");
    struct packet p = make((struct way){"198.51.100.7", "192.0.2.1", 4321, 8080, IPPROTO_TCP, SYN});
    struct run run = run_wan_tc(&bed, &p);
    check_packet(&run, "198.51.100.7", "10.1.0.5");
    ck_assert_uint_eq(PORT(&run.out), 80);
    p = make((struct way){"10.1.0.5", "198.51.100.7", 80, 4321, IPPROTO_TCP, SYN | ACK});
    run = run_lan(&bed, &p); /* no rule allows it: it answers */
    check_packet(&run, "192.0.2.1", "198.51.100.7");
    ck_assert_uint_eq(SOURCE_PORT(&run.out), 8080);
    p = make((struct way){"10.1.0.6", "198.51.100.7", 80, 4321, IPPROTO_TCP, SYN});
    CHECK_DROP(&bed, run_lan(&bed, &p), FIREWALL);
}
END_TEST

static struct pt_dp_decision heard[16];
static size_t heard_len;

static void on_heard(void *arg, const struct pt_dp_decision *decision)
{
    (void)arg;
    if (heard_len < sizeof(heard) / sizeof(heard[0])) {
        heard[heard_len++] = *decision;
    }
}

static void count_told(void *arg, const struct pt_dp_decision *decision)
{
    (void)decision;
    *(uint64_t *)arg += 1;
}

static void listen_to(struct pt_dp *dp)
{
    heard_len = 0;
    (void)dp->ops->decisions(dp, on_heard, NULL);
}

/* By whichever link a question comes, its answer leaves by that one; breakout is not needed for it; the agent is told
 * of the flow once, under the number of the forward. */
START_TEST(answers_of_a_forwarded_port_go_where_the_question_came_from)
{
    bed_apply(&bed, BASE "link id=2 if=wan1 address=203.0.113.1 gateway=203.0.113.254\n"
                         "forward link=1 protocol=17 port=8080 vni=100 address=10.1.0.5 target=80\n"
                         "forward link=2 protocol=17 port=8080 vni=100 address=10.1.0.5 target=80\n"
                         "forward link=2 protocol=17 port=9090 vni=100 address=10.1.0.5 target=80\n");
    static const struct {
        const char *outside;
        uint16_t port;
    } ways[] = {{"192.0.2.1", 8080}, {"203.0.113.1", 8080}, {"203.0.113.1", 9090}};
    listen_to(bed.dp);
    for (uint16_t i = 0; i < 3; i++) {
        struct packet p =
            make((struct way){"198.51.100.7", ways[i].outside, (uint16_t)(5000 + i), ways[i].port, IPPROTO_UDP, 0});
        for (int again = 0; again < 3; again++) {
            struct run run = i == 0 ? run_wan_tc(&bed, &p) : run_wan1_tc(&bed, &p);
            check_packet(&run, "198.51.100.7", "10.1.0.5");
        }
        p = make((struct way){"10.1.0.5", "198.51.100.7", 80, (uint16_t)(5000 + i), IPPROTO_UDP, 0});
        struct run run = run_lan(&bed, &p);
        check_packet(&run, ways[i].outside, "198.51.100.7");
        ck_assert_uint_eq(SOURCE_PORT(&run.out), ways[i].port);
    }
    listen_to(bed.dp);
    size_t forwarded = 0;
    for (size_t i = 0; i < heard_len; i++) {
        if (heard[i].nat & PT_NAT_INBOUND) {
            ck_assert_uint_eq(heard[i].verdict, PT_FLOW_LOCAL);
            ck_assert_uint_eq(heard[i].site_label, 1);
            ck_assert_uint_eq(heard[i].flow.vni, 100);
            ck_assert_uint_eq(heard[i].flow.source_port, 5000 + forwarded);
            ck_assert_uint_eq(heard[i].flow.destination_port, ways[forwarded].port);
            ck_assert_uint_eq(PT_NAT_PORT(heard[i].nat), ways[forwarded].port);
            ck_assert_uint_eq(PT_NAT_LINK(heard[i].nat), forwarded == 0 ? 1 : 2);
            forwarded++;
        }
    }
    ck_assert_uint_eq(forwarded, 3);
    struct packet own = make((struct way){"10.1.0.5", "198.51.100.9", 80, 5000, IPPROTO_UDP, 0});
    struct run run = run_lan(&bed, &own); /* of its own: by the first */
    check_packet(&run, "192.0.2.1", "198.51.100.9");
    struct packet other = make((struct way){"10.1.0.5", "198.51.100.7", 81, 5000, IPPROTO_UDP, 0});
    CHECK_DROP(&bed, run_lan(&bed, &other), NO_ROUTE); /* and there is no breakout */
}
END_TEST

/* What hook wan drops is told by example: both what XDP drops and what its companion does. */
START_TEST(drops_from_outside_are_told)
{
    bed_apply(&bed, BASE "exit vni=100 link=1 dependent=1\nguard pps=0\ndenied prefix=203.0.113.0/24\n");
    uint16_t port = out_from(IPPROTO_UDP, "10.1.0.2", 7301, "198.51.100.7");
    listen_to(bed.dp);
    struct packet denied = make((struct way){"203.0.113.9", "192.0.2.1", 999, 22, IPPROTO_TCP, SYN});
    CHECK_DROP(&bed, run_wan(&bed, &denied), SOURCE_DENIED);
    struct packet stranger = make((struct way){"198.51.100.8", "192.0.2.1", 443, port, IPPROTO_UDP, 0});
    CHECK_DROP(&bed, run_wan_tc(&bed, &stranger), NAT_FILTERED);
    listen_to(bed.dp);
    ck_assert_uint_eq(heard_len, 2);
    ck_assert_uint_eq(heard[0].reason, PT_DROP_SOURCE_DENIED);
    ck_assert_uint_eq(heard[0].kind, PT_EVENT_PACKET);
    ck_assert_uint_eq(heard[0].flow.source_port, 999);
    ck_assert_uint_eq(heard[0].flow.destination_port, 22);
    ck_assert_uint_eq(heard[0].flow.protocol, IPPROTO_TCP);
    struct pt_ip source = pt_ip_from_v4(0xcb007109);
    ck_assert(pt_ip_equal(&heard[0].flow.source, &source));
    ck_assert_uint_eq(heard[1].reason, PT_DROP_NAT_FILTERED);
    ck_assert_uint_eq(heard[1].flow.vni, 100);
    for (int i = 0; i < 1000; i++) {
        CHECK_DROP(&bed, run_wan(&bed, &denied), SOURCE_DENIED);
    }
    uint64_t count = 0;
    (void)bed.dp->ops->decisions(bed.dp, count_told, &count);
    ck_assert_uint_lt(count, 1000); /* a burst of 64, and 64 a second: examples */
}
END_TEST

START_TEST(neighbours_meet_outside)
{
    bed_apply(&bed, BASE "exit vni=100 link=1\n");
    uint16_t port = out_from(IPPROTO_UDP, "10.1.0.2", 6201, "198.51.100.7");
    struct packet p = make((struct way){"10.1.0.3", "192.0.2.1", 6202, port, IPPROTO_UDP, 0});
    struct run run = run_lan(&bed, &p);
    check_packet(&run, "192.0.2.1", "10.1.0.2");
    ck_assert_uint_eq(PORT(&run.out), 6201);
}
END_TEST

/* Every place taken: counted, and said; one that is out of its time is given out again. */
START_TEST(exhausted_ports_are_counted)
{
    struct pt_abi_mapping taken = {.until = UINT32_MAX / 2, .inside = 1, .vni = 1}, free_place = {0};
    uint32_t link = 1, id;
    struct pt_dp_translation empty, full;
    bed_apply(&bed, BASE "exit vni=100 link=1\n");
    ck_assert(bed.dp->ops->translation(bed.dp, link, true, &empty));
    ck_assert(!bed.dp->ops->translation(bed.dp, 3, true, &full)); /* nobody leaves by it */
    int outer = bed_pinned(bed.pins, "pt_nat_pools");
    ck_assert_int_eq(bpf_map_lookup_elem(outer, &link, &id), 0);
    int pool = bpf_map_get_fd_by_id(id);
    for (uint32_t port = PT_NAT_PORT_FIRST; port <= PT_NAT_PORT_LAST; port++) {
        uint32_t place = PT_NAT_UDP << 16 | port;
        ck_assert_int_eq(bpf_map_update_elem(pool, &place, &taken, BPF_ANY), 0);
    }
    struct packet p = make((struct way){"10.1.0.9", "198.51.100.7", 7001, 9, IPPROTO_UDP, 0});
    CHECK_DROP(&bed, run_lan(&bed, &p), NAT_EXHAUSTED);
    ck_assert(bed.dp->ops->translation(bed.dp, link, true, &full));
    ck_assert_uint_eq(full.exhausted, empty.exhausted + 1);
    ck_assert_uint_eq(full.made, empty.made);
    ck_assert_uint_eq(full.taken[PT_NAT_UDP], PT_NAT_PORT_LAST - PT_NAT_PORT_FIRST + 1);
    ck_assert_uint_eq(full.taken[PT_NAT_TCP], empty.taken[PT_NAT_TCP]);
    for (uint32_t port = PT_NAT_PORT_FIRST; port <= PT_NAT_PORT_LAST; port++) {
        uint32_t place = PT_NAT_UDP << 16 | port;
        ck_assert_int_eq(bpf_map_update_elem(pool, &place, &free_place, BPF_ANY), 0);
    }
    ck_assert_uint_eq(out_from(IPPROTO_UDP, "10.1.0.9", 7001, "198.51.100.7"), 7001);
    ck_assert(bed.dp->ops->translation(bed.dp, link, true, &full));
    ck_assert_uint_eq(full.made, empty.made + 1);
    ck_assert_uint_eq(full.taken[PT_NAT_UDP], 1);
    (void)close(pool);
    (void)close(outer);
}
END_TEST

/* ---- lifetimes ------------------------------------------------------------------------------------------------ */

/* A mapping of link 1, made so much older; how many seconds are left of it then. */
static long left_of(uint32_t class, uint16_t port, uint32_t older_s)
{
    struct pt_abi_mapping mapping;
    struct timespec time;
    uint32_t link = 1, id, place = class << 16 | port;
    int outer = bed_pinned(bed.pins, "pt_nat_pools");
    ck_assert_int_eq(bpf_map_lookup_elem(outer, &link, &id), 0);
    int pool = bpf_map_get_fd_by_id(id);
    ck_assert_int_eq(bpf_map_lookup_elem(pool, &place, &mapping), 0);
    mapping.until -= (uint32_t)(((uint64_t)older_s * 1000000000) >> PT_NAT_TIME_SHIFT);
    ck_assert_int_eq(bpf_map_update_elem(pool, &place, &mapping, BPF_ANY), 0);
    (void)close(pool);
    (void)close(outer);
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    uint32_t now = (uint32_t)((((uint64_t)time.tv_sec * 1000000000) + (uint64_t)time.tv_nsec) >> PT_NAT_TIME_SHIFT);
    return ((long)(int32_t)(mapping.until - now) << PT_NAT_TIME_SHIFT) / 1000000000;
}

/* Times are kept in units of 1.07 s, and the machine may be slow. */
#define LASTS(class, port, seconds)                                                     \
    do {                                                                                \
        long left_ = left_of(class, port, 0);                                           \
        ck_assert_msg(left_ >= (seconds)-10 && left_ <= (seconds) + 4, "%ld s", left_); \
    } while (0)

static void tcp_out(const char *destination, uint8_t flags, uint16_t port)
{
    struct packet p = make((struct way){"10.1.0.2", destination, 6502, 443, IPPROTO_TCP, flags});
    struct run run = run_lan(&bed, &p);
    check_packet(&run, "192.0.2.1", destination);
    ck_assert_uint_eq(SOURCE_PORT(&run.out), port);
}

/* RFC 4787 REQ-5 and 6, RFC 5382 REQ-5, RFC 5508 REQ-1: each lasts as the policy says, and only what the host sends
 * makes it last. Each packet goes to another destination, so that none is served by the cache, which asks seldom. */
START_TEST(a_mapping_lasts_by_what_its_host_sends)
{
    bed_apply(&bed, BASE "exit vni=100 link=1 udp=100 tcp=3000 transitory=50 icmp=30\n");
    uint16_t port = out_from(IPPROTO_UDP, "10.1.0.2", 6501, "198.51.100.7");
    LASTS(PT_NAT_UDP, port, 100);
    (void)left_of(PT_NAT_UDP, port, 60);
    struct packet in = make((struct way){"198.51.100.7", "192.0.2.1", 443, port, IPPROTO_UDP, 0});
    struct run run = run_wan_tc(&bed, &in);
    check_packet(&run, "198.51.100.7", "10.1.0.2");
    LASTS(PT_NAT_UDP, port, 40);
    ck_assert_uint_eq(out_from(IPPROTO_UDP, "10.1.0.2", 6501, "198.51.100.8"), port);
    LASTS(PT_NAT_UDP, port, 100);
    (void)left_of(PT_NAT_UDP, port, 110);
    ck_assert_int_eq(run_wan_tc(&bed, &in).verdict, TC_ACT_OK);                       /* nobody's any more */
    ck_assert_uint_eq(out_from(IPPROTO_UDP, "10.1.0.3", 6501, "198.51.100.7"), port); /* and another host's */
    port = out_from(IPPROTO_ICMP, "10.1.0.2", 6501, "198.51.100.7");
    LASTS(PT_NAT_ICMP, port, 30);
    port = out_from(IPPROTO_TCP, "10.1.0.2", 6502, "198.51.100.7");
    LASTS(PT_NAT_TCP, port, 50);
    in = make((struct way){"198.51.100.7", "192.0.2.1", 443, port, IPPROTO_TCP, SYN | ACK});
    run = run_wan_tc(&bed, &in);
    check_packet(&run, "198.51.100.7", "10.1.0.2");
    LASTS(PT_NAT_TCP, port, 50);
    tcp_out("198.51.100.9", ACK, port); /* it was answered */
    LASTS(PT_NAT_TCP, port, 3000);
    tcp_out("198.51.100.10", FIN | ACK, port);
    LASTS(PT_NAT_TCP, port, 50);
}
END_TEST

/* An ICMP error quotes what we sent out; the host gets one that quotes what it sent. */
START_TEST(errors_are_translated_back)
{
    bed_apply(&bed, BASE "exit vni=100 link=1\n");
    (void)out_from(IPPROTO_UDP, "10.1.0.4", 6301, "198.51.100.7");
    uint16_t port = out_from(IPPROTO_UDP, "10.1.0.2", 6301, "198.51.100.7"); /* another than its own */
    struct packet quoted = make((struct way){"192.0.2.1", "198.51.100.7", port, 443, IPPROTO_UDP, 0}), p;
    uint8_t error[8] = {3, 1, 0, 0, 0, 0, 0, 0};
    put_ethernet(&p, ETH_P_IP);
    uint32_t ip = put_ipv4(&p, "203.0.113.1", "192.0.2.1", IPPROTO_ICMP, 0), l4 = p.size;
    put(&p, error, sizeof(error));
    put(&p, quoted.data + ETH_HLEN, 28);
    finish_ipv4(&p, ip);
    uint16_t sum = htons((uint16_t)~sum16(p.data + l4, p.size - l4, 0));
    memcpy(p.data + l4 + 2, &sum, 2);
    struct run run = run_wan_tc(&bed, &p);
    check_packet(&run, "203.0.113.1", "10.1.0.2");
    ck_assert(address_is(&run.out, l4 + 8 + 12, "10.1.0.2"));
    ck_assert_uint_eq(port_at(&run.out, l4 + 8 + 20), 6301);
    ck_assert_uint_eq(sum16(run.out.data + l4 + 8, 20, 0), 0xffff);
}
END_TEST

START_TEST(fragments_and_strange_protocols_are_dropped_by_name)
{
    bed_apply(&bed, BASE "exit vni=100 link=1\n");
    struct packet p = make((struct way){"10.1.0.2", "198.51.100.7", 1, 2, IPPROTO_UDP, 0});
    p.data[ETH_HLEN + 6] = 0x20;
    finish_ipv4(&p, ETH_HLEN);
    CHECK_DROP(&bed, run_lan(&bed, &p), NAT_FRAGMENT);
    p = make((struct way){"10.1.0.2", "198.51.100.7", 1, 2, 47, 0});
    CHECK_DROP(&bed, run_lan(&bed, &p), NAT_PROTOCOL);
}
END_TEST

/* ---- prefixes ------------------------------------------------------------------------------------------------- */

START_TEST(a_prefix_is_known_outside_by_another)
{
    bed_apply(&bed, BASE "prefix_map vni=100 prefix=10.1.0.0/24 outside=172.16.1.0\n");
    struct packet p = make((struct way){"10.1.0.2", "10.2.0.9", 1000, 9, IPPROTO_UDP, 0});
    for (int i = 0; i < 3; i++) { /* decided, written down, remembered */
        struct run run = run_lan(&bed, &p);
        ck_assert_int_eq(run.verdict, TC_REDIRECT);
        uint32_t inner = ETH_HLEN + 20 + 8 + 8;
        ck_assert(address_is(&run.out, inner + 12, "172.16.1.2"));
        ck_assert_uint_eq(sum16(run.out.data + inner, 20, 0), 0xffff);
        ck_assert_uint_eq(l4_sum(run.out.data + inner, run.out.size - inner), 0xffff);
    }
}
END_TEST

#define MAPPED BASE "prefix_map vni=100 prefix=10.1.0.0/24 outside=172.16.1.0\n"

/* By a plain path: a packet in Geneve. XDP finds the host and says what its companion is to write. */
START_TEST(what_arrives_for_a_prefix_outside_is_for_the_host_inside)
{
    static const char *const asked[] = {"172.16.1.2", "10.1.0.2"}; /* by either name; the second is not translated */
    bed_apply(&bed, MAPPED);
    for (size_t i = 0; i < 2; i++) {
        struct packet inner = make((struct way){"10.2.0.9", asked[i], 9, 1000, IPPROTO_UDP, 0}), p;
        struct in_addr outside;
        ck_assert_int_eq(inet_pton(AF_INET, asked[i], &outside), 1);
        put_ethernet(&p, ETH_P_IP);
        uint32_t ip = put_ipv4(&p, "192.0.2.2", "192.0.2.1", IPPROTO_UDP, 0), udp = put_udp(&p, 50001, 6081);
        (void)put_geneve(&p, 100, ETH_P_IP, 0, NULL, 0);
        put(&p, inner.data + ETH_HLEN, inner.size - ETH_HLEN);
        finish_udp_size(&p, udp);
        finish_ipv4(&p, ip);
        struct run run = run_wan(&bed, &p);
        ck_assert_msg(run.verdict == XDP_PASS && run.handed_over, "%s", drops_text(&bed));
        ck_assert_uint_eq(run.meta.ifindex, bed.lan0);
        ck_assert_uint_eq(ntohl(run.meta.nexthop.words[3]), 0x0a010002);
        ck_assert_uint_eq(run.meta.outside, i == 0 ? outside.s_addr : 0);
    }
}
END_TEST

/* By a sealed path: what the tunnel opened. */
START_TEST(what_was_sealed_is_translated_back_too)
{
    static const uint8_t tap[ETH_HLEN] = {PT_TAP_TO_0,   PT_TAP_TO_1, 0, 0, 0,   0, PT_TAP_FROM_0,
                                          PT_TAP_FROM_1, 0,           0, 0, 100, 8, 0};
    static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP};
    bed_apply(&bed, MAPPED);
    ck_assert_int_eq(bed.dp->ops->set_tunnel(bed.dp, bed.wan1, NULL), PT_OK);
    for (size_t i = 0; i < 3; i++) {
        struct packet p = make((struct way){"10.2.0.9", "172.16.1.2", 9, 1000, protocols[i], 0});
        memcpy(p.data, tap, sizeof(tap));
        struct run run = run_tap(bed.wan1, &p);
        p = make((struct way){"10.2.0.9", "10.1.0.2", 9, 1000, protocols[i], 0}); /* made so, checksums and all */
        ck_assert_msg(run.verdict == TC_REDIRECT, "%s", drops_text(&bed));
        ck_assert_uint_eq(run.out.size, p.size);
        ck_assert_mem_eq(run.out.data + ETH_HLEN, p.data + ETH_HLEN, p.size - ETH_HLEN);
    }
    struct packet cut = make((struct way){"10.2.0.9", "172.16.1.2", 9, 1000, IPPROTO_UDP, 0});
    memcpy(cut.data, tap, sizeof(tap));
    cut.data[ETH_HLEN + 7] = 1; /* a later fragment: it does not say where its checksum is */
    finish_ipv4(&cut, ETH_HLEN);
    CHECK_DROP(&bed, run_tap(bed.wan1, &cut), NAT_FRAGMENT);
}
END_TEST

/* ---- firewall ------------------------------------------------------------------------------------------------- */

#define FILTERS                                                    \
    "filter vni=100 drop=1 reach=200\n"                            \
    "filter_rule vni=100 order=0 protocol=6 ports=80-80 id=7\n"    \
    "filter_rule vni=100 order=1 to=200 protocol=17 ports=53-53\n" \
    "filter vni=200 reach=100\n"

START_TEST(what_no_rule_allows_is_dropped)
{
    bed_apply(&bed, BASE FILTERS);
    struct packet web = make((struct way){"10.1.0.2", "10.2.0.9", 1000, 80, IPPROTO_TCP, SYN});
    ck_assert_int_eq(run_lan(&bed, &web).verdict, TC_REDIRECT);
    struct packet other = make((struct way){"10.1.0.2", "10.2.0.9", 1000, 81, IPPROTO_TCP, SYN});
    CHECK_DROP(&bed, run_lan(&bed, &other), FIREWALL);
    bed_apply(&bed, BASE);
    ck_assert_int_eq(run_lan(&bed, &other).verdict, TC_REDIRECT);
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

/* Once and with its rule, be there an entry that says it or not. */
START_TEST(what_a_rule_refuses_is_told_once)
{
    struct run_options lan1 = {.ifindex = bed.lan1};
    struct told told = {0};
    bed_apply(&bed, BASE FILTERS "filter_rule vni=100 order=2 protocol=6 ports=82-82 allow=0 id=9\n"
                                 "filter_rule vni=200 order=0 to=100 protocol=17 ports=99-99 allow=0 id=11\n");
    (void)bed.dp->ops->decisions(bed.dp, on_told, &told); /* of before */
    told.count = 0;
    struct packet far = make((struct way){"10.1.0.2", "10.2.0.9", 1200, 82, IPPROTO_TCP, ACK});
    for (int i = 0; i < 4; i++) { /* a mark at the door, an entry, two hits */
        CHECK_DROP(&bed, run_lan(&bed, &far), FIREWALL);
    }
    (void)bed.dp->ops->decisions(bed.dp, on_told, &told);
    ck_assert_uint_eq(told.count, 1);
    ck_assert_uint_eq(told.newest.kind, PT_EVENT_FLOW);
    ck_assert_uint_eq(told.newest.rule_id, 9);
    struct packet here = make((struct way){"10.9.0.2", "10.1.0.2", 1200, 99, IPPROTO_UDP, 0});
    told.count = 0;
    CHECK_DROP(&bed, run_lan_with(&bed, &here, lan1), FIREWALL);
    (void)bed.dp->ops->decisions(bed.dp, on_told, &told);
    ck_assert_uint_eq(told.count, 1);
    ck_assert_uint_eq(told.newest.kind, PT_EVENT_NO_WAY);
    ck_assert_uint_eq(told.newest.verdict, PT_FLOW_DROP);
    ck_assert_uint_eq(told.newest.reason, PT_DROP_FIREWALL);
    ck_assert_uint_eq(told.newest.rule_id, 11);
}
END_TEST

/* Between segments only what a rule allows, and what answers it, whatever the other segment's own rules say. */
START_TEST(segments_meet_by_rules_only)
{
    bed_apply(&bed, BASE FILTERS);
    struct packet question = make((struct way){"10.1.0.2", "10.9.0.2", 1000, 53, IPPROTO_UDP, 0});
    struct packet answer = make((struct way){"10.9.0.2", "10.1.0.2", 53, 1000, IPPROTO_UDP, 0});
    struct packet unasked = make((struct way){"10.9.0.2", "10.1.0.2", 53, 1001, IPPROTO_UDP, 0});
    struct run_options lan1 = {.ifindex = bed.lan1};
    CHECK_DROP(&bed, run_lan_with(&bed, &answer, lan1), FIREWALL);
    struct run run = run_lan(&bed, &question);
    check_packet(&run, "10.1.0.2", "10.9.0.2");
    run = run_lan_with(&bed, &answer, lan1);
    check_packet(&run, "10.9.0.2", "10.1.0.2");
    CHECK_DROP(&bed, run_lan_with(&bed, &unasked, lan1), FIREWALL);
    question = make((struct way){"10.1.0.2", "10.9.0.2", 1000, 54, IPPROTO_UDP, 0});
    CHECK_DROP(&bed, run_lan(&bed, &question), FIREWALL);
}
END_TEST

/* Who may not ask may still answer: echoes are told apart by who asks, and by their ids. */
START_TEST(an_answer_to_a_ping_is_no_ping)
{
    struct run_options lan1 = {.ifindex = bed.lan1};
    struct packet question = make((struct way){"10.1.0.2", "10.9.0.2", 77, 0, IPPROTO_ICMP, 8});
    struct packet answer = make((struct way){"10.9.0.2", "10.1.0.2", 77, 0, IPPROTO_ICMP, 0});
    struct packet other = make((struct way){"10.9.0.2", "10.1.0.2", 78, 0, IPPROTO_ICMP, 0});
    struct packet asks = make((struct way){"10.9.0.2", "10.1.0.2", 77, 0, IPPROTO_ICMP, 8});
    bed_apply(&bed, BASE FILTERS "filter_rule vni=100 order=2 to=200 protocol=1\n");
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(run_lan(&bed, &question).verdict, TC_REDIRECT);
        ck_assert_int_eq(run_lan_with(&bed, &answer, lan1).verdict, TC_REDIRECT);
        CHECK_DROP(&bed, run_lan_with(&bed, &other, lan1), FIREWALL);
        CHECK_DROP(&bed, run_lan_with(&bed, &asks, lan1), FIREWALL);
    }
}
END_TEST

/* All tracks become so much older. The keys first: what is written anew changes its place in the order of keys. */
static void age_tracks(uint32_t seconds)
{
    struct pt_abi_flow4_key keys[256];
    struct pt_abi_track track;
    size_t len = 0;
    int tracks = bed_pinned(bed.pins, "pt_tracks4");
    while (len < 256 && bpf_map_get_next_key(tracks, len > 0 ? &keys[len - 1] : NULL, &keys[len]) == 0) {
        len++;
    }
    ck_assert_uint_lt(len, 256);
    for (size_t i = 0; i < len; i++) {
        ck_assert_int_eq(bpf_map_lookup_elem(tracks, &keys[i], &track), 0);
        track.seen -= (uint32_t)(((uint64_t)seconds * 1000000000) >> PT_FLOW_TIME_SHIFT);
        ck_assert_int_eq(bpf_map_update_elem(tracks, &keys[i], &track, BPF_EXIST), 0);
    }
    (void)close(tracks);
}

/* Answers pass for 5 minutes, of TCP for 4 until the first of them and then for 2 h 4 min (RFC 5382). */
START_TEST(answers_pass_for_a_time)
{
    static const struct {
        uint8_t protocol, flags, answer;
        bool answered; /* before the time goes by */
        uint32_t passes_s, ends_s;
    } cases[] = {{IPPROTO_UDP, 0, 0, false, 285, 310},
                 {IPPROTO_TCP, SYN, SYN | ACK, false, 225, 250},
                 {IPPROTO_TCP, SYN, SYN | ACK, true, 7400, 7460}};
    struct run_options lan1 = {.ifindex = bed.lan1};
    bed_apply(&bed, BASE FILTERS "filter_rule vni=100 order=2 to=200 protocol=6\n");
    for (uint16_t i = 0; i < 6; i++) {
        const uint16_t port = (uint16_t)(2200 + i);
        uint8_t protocol = cases[i / 2].protocol;
        struct packet question = make((struct way){"10.1.0.2", "10.9.0.2", port, 53, protocol, cases[i / 2].flags});
        struct packet answer = make((struct way){"10.9.0.2", "10.1.0.2", 53, port, protocol, cases[i / 2].answer});
        ck_assert_int_eq(run_lan(&bed, &question).verdict, TC_REDIRECT);
        if (cases[i / 2].answered) {
            ck_assert_int_eq(run_lan_with(&bed, &answer, lan1).verdict, TC_REDIRECT);
        }
        age_tracks(i % 2 == 0 ? cases[i / 2].passes_s : cases[i / 2].ends_s);
        if (i % 2 == 0) {
            ck_assert_int_eq(run_lan_with(&bed, &answer, lan1).verdict, TC_REDIRECT);
        } else {
            CHECK_DROP(&bed, run_lan_with(&bed, &answer, lan1), FIREWALL);
        }
    }
}
END_TEST

/* A flow that was let through lives on over bundles; a rule that goes takes its flows along, in both directions. */
START_TEST(a_flip_keeps_what_is_still_allowed)
{
    struct run_options lan1 = {.ifindex = bed.lan1};
    struct packet question = make((struct way){"10.1.0.2", "10.9.0.2", 2000, 53, IPPROTO_UDP, 0});
    struct packet answer = make((struct way){"10.9.0.2", "10.1.0.2", 53, 2000, IPPROTO_UDP, 0});
    bed_apply(&bed, BASE FILTERS);
    ck_assert_int_eq(run_lan(&bed, &question).verdict, TC_REDIRECT);
    bed_apply(&bed, BASE FILTERS "filter_rule vni=200 order=0 protocol=6\n");
    ck_assert_int_eq(run_lan_with(&bed, &answer, lan1).verdict, TC_REDIRECT);
    bed_apply(&bed, BASE "filter vni=100 reach=200\nfilter vni=200 reach=100\n");
    CHECK_DROP(&bed, run_lan(&bed, &question), FIREWALL);
    CHECK_DROP(&bed, run_lan_with(&bed, &answer, lan1), FIREWALL);
}
END_TEST

/* To another site a packet goes in the segment that it is for. */
START_TEST(it_travels_in_the_other_segment)
{
    bed_apply(&bed, BASE FILTERS);
    struct packet p = make((struct way){"10.1.0.2", "10.8.0.2", 1000, 53, IPPROTO_UDP, 0});
    for (int i = 0; i < 3; i++) {
        struct run run = run_lan(&bed, &p);
        ck_assert_int_eq(run.verdict, TC_REDIRECT);
        ck_assert_uint_eq(run.out.data[ETH_HLEN + 20 + 8 + 6], 200);
    }
}
END_TEST

/* ---- floods --------------------------------------------------------------------------------------------------- */

START_TEST(denied_and_loud_sources_are_dropped)
{
    bed_apply(&bed, BASE "guard pps=20\ndenied prefix=203.0.113.0/24\n");
    struct packet denied = make((struct way){"203.0.113.5", "192.0.2.1", 1, 22, IPPROTO_TCP, SYN});
    struct packet quiet = make((struct way){"198.51.100.200", "192.0.2.1", 1, 22, IPPROTO_TCP, SYN});
    struct packet loud = make((struct way){"198.51.100.201", "192.0.2.1", 1, 22, IPPROTO_TCP, SYN});
    CHECK_DROP(&bed, run_wan(&bed, &denied), SOURCE_DENIED);
    int dropped = 0;
    for (int i = 0; i < 50; i++) {
        dropped += run_wan(&bed, &loud).dropped;
    }
    ck_assert_int_ge(dropped, 25);
    ck_assert_int_eq(run_wan(&bed, &quiet).verdict, XDP_PASS);
    bed_apply(&bed, BASE);
    ck_assert_int_eq(run_wan(&bed, &denied).verdict, XDP_PASS);
}
END_TEST

/* The list has addresses of both families. */
START_TEST(a_denied_source_of_ipv6_is_dropped)
{
    bed_apply(&bed, BASE "guard pps=0\ndenied prefix=2001:db8:bad::/48\n");
    for (int i = 0; i < 2; i++) {
        struct packet six;
        put_ethernet(&six, ETH_P_IPV6);
        uint32_t ip = put_ipv6(&six, i == 0 ? "2001:db8:bad::5" : "2001:db8:900d::5", "2001:db8::1", IPPROTO_TCP, 0);
        (void)put_tcp(&six, 1, 22, SYN, NULL, 0);
        finish_ipv6(&six, ip);
        if (i == 0) {
            CHECK_DROP(&bed, run_wan(&bed, &six), SOURCE_DENIED);
        } else {
            ck_assert_int_eq(run_wan(&bed, &six).verdict, XDP_PASS);
        }
    }
}
END_TEST

/* Above the rate a SYN is answered here, and only its cookie is left of it. */
START_TEST(a_syn_above_the_rate_gets_a_cookie)
{
    bed_apply(&bed, BASE "guard syns=10\n");
    int answered = 0;
    for (int i = 0; i < 50; i++) {
        char source[32];
        (void)snprintf(source, sizeof(source), "198.51.100.%d", i + 1);
        struct packet p = make((struct way){source, "192.0.2.1", 999, 22, IPPROTO_TCP, SYN});
        struct run run = run_wan(&bed, &p);
        ck_assert(run.verdict == XDP_PASS || run.verdict == XDP_TX);
        if (run.verdict == XDP_TX) {
            answered++;
            ck_assert_uint_eq(run.out.size, 58);
            ck_assert(address_is(&run.out, ETH_HLEN + 12, "192.0.2.1"));
            ck_assert(address_is(&run.out, ETH_HLEN + 16, source));
            ck_assert_uint_eq(PORT(&run.out), 999);
            ck_assert_uint_eq(run.out.data[ETH_HLEN + 20 + 13], SYN | ACK);
            ck_assert_uint_eq(sum16(run.out.data + ETH_HLEN, 20, 0), 0xffff);
            ck_assert_uint_eq(l4_sum(run.out.data + ETH_HLEN, run.out.size - ETH_HLEN), 0xffff);
        }
    }
    ck_assert_int_ge(answered, 30);
    struct packet data = make((struct way){"198.51.100.7", "192.0.2.1", 999, 22, IPPROTO_TCP, ACK});
    ck_assert_int_eq(run_wan(&bed, &data).verdict, XDP_PASS);
}
END_TEST

/* As many as may be answered have been: a source that is new is not, until it asks again, as every TCP does. */
START_TEST(who_asks_again_is_answered)
{
    struct timespec time;
    int syns = bed_pinned(bed.pins, "pt_syns_v2");
    uint32_t zero = 0, one = 1;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    uint64_t later = ((uint64_t)time.tv_sec + 600) * 1000000000, now = 0;
    bed_apply(&bed, BASE "guard syns=10\n");
    ck_assert_int_eq(bpf_map_update_elem(syns, &zero, &later, BPF_ANY), 0);
    ck_assert_int_eq(bpf_map_update_elem(syns, &one, &later, BPF_ANY), 0);
    struct packet honest = make((struct way){"203.0.113.9", "192.0.2.1", 999, 22, IPPROTO_TCP, SYN});
    struct packet next = make((struct way){"203.0.113.9", "192.0.2.1", 1000, 22, IPPROTO_TCP, SYN});
    CHECK_DROP(&bed, run_wan(&bed, &honest), SYN_UNPROVEN);
    for (int i = 0; i < 20; i++) {
        char source[32];
        (void)snprintf(source, sizeof(source), "198.18.0.%d", i + 1);
        struct packet invented = make((struct way){source, "192.0.2.1", 999, 22, IPPROTO_TCP, SYN});
        ck_assert_int_eq(run_wan(&bed, &invented).dropped, 1);
    }
    ck_assert_int_eq(run_wan(&bed, &honest).verdict, XDP_TX);
    ck_assert_int_eq(run_wan(&bed, &next).verdict, XDP_TX); /* another connection of his */
    ck_assert_int_eq(bpf_map_update_elem(syns, &one, &now, BPF_ANY), 0);
    struct packet late = make((struct way){"203.0.113.10", "192.0.2.1", 999, 22, IPPROTO_TCP, SYN});
    ck_assert_int_eq(run_wan(&bed, &late).verdict, XDP_TX); /* answers are left: at once */
    ck_assert_int_eq(bpf_map_update_elem(syns, &zero, &now, BPF_ANY), 0);
    (void)close(syns);
}
END_TEST

/* ---- rates ---------------------------------------------------------------------------------------------------- */

START_TEST(a_rate_is_kept_by_segment_and_by_peer)
{
    bed_apply(&bed,
              BASE "limit id=1 vnis=100 site=2 rate=10000 burst=20 parent=2\nlimit id=2 rate=1000000000 burst=20\n");
    struct packet p = make((struct way){"10.1.0.2", "10.2.0.77", 1000, 9, IPPROTO_UDP, 0});
    uint64_t before = bed_drops(&bed, PT_DROP_RATE_LIMITED);
    for (int i = 0; i < 50; i++) {
        (void)run_lan(&bed, &p); /* 54 ms each at that rate */
    }
    ck_assert_uint_ge(bed_drops(&bed, PT_DROP_RATE_LIMITED), before + 40);
}
END_TEST

#define THIRD_SITE                                  \
    "route vni=100 prefix=10.3.0.0/16 site=3\n"     \
    "tunnel id=13 link=1 remote=192.0.2.3 site=3\n" \
    "path id=13 tunnel=13 site=3\n"                 \
    "group site=3 class=0 members=13:1:0\n"

/* Of 50 packets to a host, those that its meter lets through: at 1 kbit/s one in half a second. */
static unsigned passed_of_50(const char *destination)
{
    struct packet p = make((struct way){"10.1.0.2", destination, 1000, 9, IPPROTO_UDP, 0});
    uint64_t before = bed_drops(&bed, PT_DROP_RATE_LIMITED);
    unsigned passed = 0;
    for (int i = 0; i < 50; i++) {
        passed += run_lan(&bed, &p).verdict == TC_REDIRECT;
    }
    ck_assert_uint_eq(bed_drops(&bed, PT_DROP_RATE_LIMITED) - before, 50 - passed);
    return passed;
}

START_TEST(a_peer_s_limit_is_no_other_peer_s)
{
    bed_apply(&bed, BASE THIRD_SITE "limit id=1 vnis=100 site=2 rate=1000 burst=20 parent=2\n"
                                    "limit id=2 vnis=100 rate=1000000000 burst=20\n");
    ck_assert_uint_le(passed_of_50("10.2.0.77"), 10);
    ck_assert_uint_eq(passed_of_50("10.3.0.77"), 50);
    ck_assert_uint_le(passed_of_50("10.2.0.77"), 10);
}
END_TEST

/* What the tenant may send bounds its peers together, however much each of them may be sent. */
START_TEST(a_tight_parent_drops_what_its_children_allow)
{
    bed_apply(&bed, BASE THIRD_SITE "limit id=1 vnis=100 site=2 rate=1000000000 burst=20 parent=2\n"
                                    "limit id=3 vnis=100 site=3 rate=1000000000 burst=20 parent=2\n"
                                    "limit id=2 rate=1000 burst=20\n");
    ck_assert_uint_le(passed_of_50("10.2.0.78"), 10);
    ck_assert_uint_le(passed_of_50("10.3.0.78"), 10);
    bed_apply(&bed, BASE THIRD_SITE);
    ck_assert_uint_eq(passed_of_50("10.2.0.78"), 50);
}
END_TEST

int main(void)
{
    if (!bed_possible()) {
        return 77;
    }
    bed_open(&bed, BASE);
    Suite *suite = suite_create("nat");
    TCase *tc = tcase_create("nat");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_host_goes_out_and_its_answer_comes_in);
    tcase_add_test(tc, mappings_do_not_depend_on_the_destination);
    tcase_add_test(tc, only_whom_the_host_has_sent_to_may_answer_if_so_wished);
    tcase_add_test(tc, what_nobody_asked_for_is_the_node_s_own);
    tcase_add_test(tc, a_forwarded_port_leads_to_its_host_and_back);
    tcase_add_test(tc, answers_of_a_forwarded_port_go_where_the_question_came_from);
    tcase_add_test(tc, drops_from_outside_are_told);
    tcase_add_test(tc, neighbours_meet_outside);
    tcase_add_test(tc, exhausted_ports_are_counted);
    tcase_add_test(tc, a_mapping_lasts_by_what_its_host_sends);
    tcase_add_test(tc, errors_are_translated_back);
    tcase_add_test(tc, fragments_and_strange_protocols_are_dropped_by_name);
    tcase_add_test(tc, a_prefix_is_known_outside_by_another);
    tcase_add_test(tc, what_arrives_for_a_prefix_outside_is_for_the_host_inside);
    tcase_add_test(tc, what_was_sealed_is_translated_back_too);
    tcase_add_test(tc, what_no_rule_allows_is_dropped);
    tcase_add_test(tc, what_a_rule_refuses_is_told_once);
    tcase_add_test(tc, segments_meet_by_rules_only);
    tcase_add_test(tc, an_answer_to_a_ping_is_no_ping);
    tcase_add_test(tc, answers_pass_for_a_time);
    tcase_add_test(tc, a_flip_keeps_what_is_still_allowed);
    tcase_add_test(tc, it_travels_in_the_other_segment);
    tcase_add_test(tc, denied_and_loud_sources_are_dropped);
    tcase_add_test(tc, a_denied_source_of_ipv6_is_dropped);
    tcase_add_test(tc, a_syn_above_the_rate_gets_a_cookie);
    tcase_add_test(tc, who_asks_again_is_answered);
    tcase_add_test(tc, a_rate_is_kept_by_segment_and_by_peer);
    tcase_add_test(tc, a_peer_s_limit_is_no_other_peer_s);
    tcase_add_test(tc, a_tight_parent_drops_what_its_children_allow);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    bed_close(&bed);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
