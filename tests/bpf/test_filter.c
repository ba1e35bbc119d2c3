/*
 * Firewall, floods and rates, packet by packet: what passes, for how long, and under which name the rest is dropped.
 */
#include "nat_bed.h"

#include "bpf/abi/event.h"
#include "bpf/abi/filter.h"

#include <bpf/bpf.h>
#include <time.h>
#include <unistd.h>

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
    Suite *suite = suite_create("filter");
    TCase *tc = tcase_create("filter");
    tcase_set_timeout(tc, 60);
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
    return run_in_bed(suite);
}
