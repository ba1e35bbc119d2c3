/*
 * Translation, packet by packet: what a host sends and what comes back, checksums always right.
 */
#include "nat_bed.h"

#include "bpf/abi/event.h"
#include "bpf/abi/nat.h"
#include "bpf/abi/tap.h"

#include <bpf/bpf.h>
#include <time.h>
#include <unistd.h>

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

int main(void)
{
    if (!bed_possible()) {
        return 77;
    }
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
    suite_add_tcase(suite, tc);
    return run_in_bed(suite);
}
