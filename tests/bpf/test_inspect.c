/*
 * Inspection from the programs' side: which packets are copied, that a verdict asks the rules again, that a name's
 * address is known from a flow's first packet, and that with nobody to ask a flow costs nothing.
 */
#include "bed.h"

#include "bpf/abi/flow.h"
#include "bpf/abi/inspect.h"
#include "bpf/abi/rule.h"
#include "agent/dp.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Application 7 goes by path 12, and application 8 nowhere. */
#define BASE                                                    \
    "node site=1\n"                                             \
    "link id=1 if=wan0 address=192.0.2.1 gateway=192.0.2.254\n" \
    "lan if=lan0 vni=100\nlan if=lan1 vni=100\n"                \
    "route vni=100 prefix=10.1.0.0/24 site=1 lan=lan0\n"        \
    "route vni=100 prefix=10.2.0.0/16 site=2\n"                 \
    "tunnel id=1 link=1 remote=192.0.2.2 site=2\n"              \
    "tunnel id=2 link=1 remote=192.0.2.3 site=2\n"              \
    "path id=11 tunnel=1 site=2\n"                              \
    "path id=12 tunnel=2 site=2\n"                              \
    "group site=2 class=0 members=11:1:0,12:1:1\n"              \
    "group site=2 class=1 members=12:1:0,11:1:1\n"              \
    "rule vni=100 order=0 class=1 id=5 applications=7\n"        \
    "rule vni=100 order=1 deny=1 id=6 applications=8\n"

#define TC_REDIRECT 7

static struct bed bed;

static struct packet packet_of(uint16_t port, uint32_t payload)
{
    struct packet p;
    put_ethernet(&p, ETH_P_IP);
    put_ipv4(&p, "10.1.0.2", "10.2.0.9", IPPROTO_TCP, 0);
    uint32_t tcp = put_tcp(&p, port, 80, 16, NULL, 0);
    if (payload > 0) {
        put_payload(&p, payload);
    }
    finish_ipv4(&p, ETH_HLEN);
    finish_l4(&p, ETH_HLEN, tcp, 16);
    return p;
}

static int path_of(const struct packet *p)
{
    struct run r = run_lan(&bed, p);
    return r.verdict != TC_REDIRECT ? 0 : r.out.data[ETH_HLEN + 19] == 2 ? 11 : 12;
}

static bool find_flow(uint16_t port, struct pt_abi_flow *ret)
{
    struct pt_abi_flow4_key key = {.source = htonl(0x0a010002),
                                   .destination = htonl(0x0a020009),
                                   .port_source = port,
                                   .port_destination = 80,
                                   .vni_protocol = PT_FLOW_VNI_PROTOCOL(100, IPPROTO_TCP)};
    int fd = bed_pinned(bed.pins, "pt_flows4");
    bool found = bpf_map_lookup_elem(fd, &key, ret) == 0;
    (void)close(fd);
    return found;
}

struct seen {
    size_t len;
    struct pt_dp_sample newest;
};

static void on_sample(void *arg, const struct pt_dp_sample *sample)
{
    struct seen *seen = arg;
    seen->len++;
    seen->newest = *sample;
}

static size_t samples(void)
{
    struct seen seen = {0};
    bed.dp->ops->samples(bed.dp, on_sample, &seen);
    return seen.len;
}

static struct pt_dp_verdict verdict_of(uint16_t port, uint32_t application)
{
    return (struct pt_dp_verdict){.source = pt_ip_from_v4(0x0a010002),
                                  .destination = pt_ip_from_v4(0x0a020009),
                                  .port_source = port,
                                  .port_destination = 80,
                                  .vni = 100,
                                  .application = application,
                                  .protocol = IPPROTO_TCP,
                                  .evidence = 8,
                                  .confidence = 95,
                                  .final = true};
}

static void set_up(void)
{
    bed_apply(&bed, BASE);
    bed.dp->ops->set_path_alive(bed.dp, 11, true);
    bed.dp->ops->set_path_alive(bed.dp, 12, true);
}

/* The first test: nobody has asked for copies yet. */
START_TEST(with_nobody_to_ask_nothing_is_copied_and_flows_are_fresh)
{
    struct packet p = packet_of(2001, 40);
    struct pt_abi_flow flow;
    struct pt_dp_inspected counts;
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(path_of(&p), 11);
    }
    ck_assert(find_flow(2001, &flow));
    ck_assert_uint_eq(flow.flags & PT_FLOW_LOOK, 0);
    bed.dp->ops->inspected(bed.dp, &counts);
    ck_assert_uint_eq(counts.sampled + counts.not_sampled + counts.hits + counts.misses, 0);
    ck_assert_int_ge(bed.dp->ops->sample_fd(bed.dp), 0);
}
END_TEST

START_TEST(first_packets_that_say_something_are_copied_and_no_more_than_so_many)
{
    struct packet empty = packet_of(2002, 0), p = packet_of(2002, 40);
    struct pt_abi_flow flow;
    struct seen seen = {0};
    ck_assert_int_eq(path_of(&empty), 11);
    ck_assert_uint_eq(samples(), 0);
    ck_assert_int_eq(path_of(&p), 11);
    bed.dp->ops->samples(bed.dp, on_sample, &seen);
    ck_assert_uint_eq(seen.len, 1);
    ck_assert_uint_eq(seen.newest.vni, 100);
    ck_assert(seen.newest.from_host);
    ck_assert_uint_eq(seen.newest.size, p.size - ETH_HLEN);
    ck_assert(find_flow(2002, &flow));
    ck_assert(flow.flags & PT_FLOW_ASKING);
    for (unsigned i = 0; i < 3 * PT_SAMPLE_PACKETS; i++) {
        ck_assert_int_eq(path_of(&p), 11);
    }
    size_t more = samples();
    ck_assert_msg(more > 0 && more <= PT_SAMPLE_PACKETS, "%zu copies", more);
    ck_assert(find_flow(2002, &flow));
    ck_assert_uint_eq(flow.flags & PT_FLOW_ASKING, 0);
}
END_TEST

static void on_told(void *arg, const struct pt_dp_decision *decision)
{
    *(struct pt_dp_decision *)arg = *decision;
}

/* The verdict goes into the entry, with its evidence, and what is told of the flow then says both. */
START_TEST(a_verdict_asks_the_rules_again)
{
    struct packet p = packet_of(2003, 40);
    struct pt_abi_flow flow;
    ck_assert_int_eq(path_of(&p), 11);
    ck_assert_int_eq(path_of(&p), 11);
    struct pt_dp_verdict verdict = verdict_of(2003, 8);
    bed.dp->ops->set_verdict(bed.dp, &verdict);
    CHECK_DROP(&bed, run_lan(&bed, &p), POLICY_DENY);
    ck_assert(find_flow(2003, &flow));
    ck_assert_uint_eq(flow.rule_id, 6);
    ck_assert_uint_eq(flow.application & PT_FLOW_APPLICATION_MASK, 8);
    ck_assert_uint_eq(flow.flags & (PT_FLOW_ASKING | PT_FLOW_LEARNED), 0);
    struct pt_dp_decision told = {0};
    (void)bed.dp->ops->decisions(bed.dp, on_told, &told);
    ck_assert_uint_eq(told.rule_id, 6);
    ck_assert_uint_eq(told.application, 8);
    ck_assert_uint_eq(told.evidence, 8);
    ck_assert_uint_eq(told.confidence, 95);
    struct pt_dp_flow now;
    ck_assert(bed.dp->ops->flow(bed.dp, &told.flow, &now));
    ck_assert_uint_eq(now.application, 8);
    ck_assert_uint_eq(now.evidence, 8);
    ck_assert_uint_eq(now.confidence, 95);
    (void)samples();
    CHECK_DROP(&bed, run_lan(&bed, &p), POLICY_DENY);
    ck_assert_uint_eq(samples(), 0);
}
END_TEST

/* NEW_ONLY: the flow stays where it began, under the rule that its application has now. */
START_TEST(a_flow_that_is_recognised_stays_on_its_path_and_the_next_one_takes_the_rules)
{
    struct packet p = packet_of(2004, 40), next = packet_of(2005, 40);
    struct pt_abi_flow flow;
    struct pt_dp_verdict verdict = verdict_of(2004, 7), early = verdict_of(2005, 7);
    ck_assert_int_eq(path_of(&p), 11);
    ck_assert_int_eq(path_of(&p), 11);
    bed.dp->ops->set_verdict(bed.dp, &verdict);
    ck_assert_int_eq(path_of(&p), 11);
    ck_assert(find_flow(2004, &flow));
    ck_assert_uint_eq(flow.rule_id, 5);
    bed.dp->ops->set_verdict(bed.dp, &early); /* before the flow has an entry */
    ck_assert_int_eq(path_of(&next), 12);
    ck_assert_int_eq(path_of(&next), 12);
    ck_assert(find_flow(2005, &flow));
    ck_assert_uint_eq(flow.application & PT_FLOW_APPLICATION_MASK, 7);
    ck_assert_uint_eq(flow.flags & PT_FLOW_ASKING, 0);
}
END_TEST

START_TEST(an_address_that_a_name_led_to_is_steered_from_the_first_packet)
{
    struct packet p = packet_of(2006, 40);
    struct pt_abi_flow flow;
    struct pt_dp_inspected before, after;
    struct pt_ip address = pt_ip_from_v4(0x0a020009);
    bed.dp->ops->inspected(bed.dp, &before);
    bed.dp->ops->set_host(
        bed.dp, 100, &address,
        &(struct pt_dp_known){.application = 7, .ttl_s = 60, .evidence = 3, .confidence = 60, .traffic_class = 3});
    ck_assert_int_eq(path_of(&p), 12);
    ck_assert_int_eq(path_of(&p), 12);
    ck_assert(find_flow(2006, &flow));
    ck_assert_uint_eq(flow.application, 7 | 4U << PT_FLOW_APPLICATION_BITS | 3U << PT_FLOW_EVIDENCE_SHIFT);
    ck_assert_uint_eq(flow.traffic_class, 3);
    ck_assert_uint_eq(flow.flags & (PT_FLOW_CLASSED | PT_FLOW_ASKING), PT_FLOW_CLASSED | PT_FLOW_ASKING);
    bed.dp->ops->inspected(bed.dp, &after);
    ck_assert_uint_eq(after.hits, before.hits + 1);
    struct pt_abi_subject_key key = {.vni = 100};
    memcpy(&key.source, address.bytes, sizeof(key.source));
    struct pt_abi_known known;
    int fd = bed_pinned(bed.pins, "pt_hosts");
    ck_assert_int_eq(bpf_map_lookup_elem(fd, &key, &known), 0);
    known.until -= 120U << 10; /* two minutes of its units, and it had one */
    ck_assert_int_eq(bpf_map_update_elem(fd, &key, &known, BPF_EXIST), 0);
    (void)close(fd);
    struct packet late = packet_of(2007, 40);
    ck_assert_int_eq(path_of(&late), 11); /* what has run out is forgotten */
}
END_TEST

/* ---- classes of shaped links ---------------------------------------------------------------------------------- */

#define LINK "link id=1 if=wan0 address=192.0.2.1 gateway=192.0.2.254\n"
/* REALTIME is told by 40 here, which is not the usual 46; BULK by the usual 8. */
#define SHAPED_LINK \
    "link id=1 if=wan0 address=192.0.2.1 gateway=192.0.2.254 rate=50000000 classes=1:20:40,4:60:0,5:20:8\n"

/* The outer header's TOS of a packet, the same for each of several, of a flow with a verdict and with this TOS. */
static uint8_t outer_tos(uint16_t port, uint8_t traffic_class, uint8_t tos)
{
    struct packet p = packet_of(port, 40);
    struct pt_dp_verdict verdict = verdict_of(port, 7);
    uint8_t seen = 0;
    verdict.traffic_class = traffic_class;
    p.data[ETH_HLEN + 1] = tos;
    finish_ipv4(&p, ETH_HLEN);
    bed.dp->ops->set_verdict(bed.dp, &verdict);
    for (int i = 0; i < 3; i++) { /* decided, written down, remembered */
        struct run r = run_lan(&bed, &p);
        ck_assert_int_eq(r.verdict, TC_REDIRECT);
        ck_assert_uint_eq(r.out.data[ETH_HLEN + 36 + 1], tos); /* inside it stays as the host wrote it */
        ck_assert_uint_eq(sum16(r.out.data + ETH_HLEN, 20, 0), 0xffff);
        ck_assert(i == 0 || r.out.data[ETH_HLEN + 1] == seen);
        seen = r.out.data[ETH_HLEN + 1];
    }
    return seen;
}

/* The link's queues know a packet by the outer code point; congestion marks are not theirs to change. */
START_TEST(a_shaped_link_is_told_the_class_by_the_outer_header)
{
    char text[2048];
    const char *rest = strstr(BASE, LINK) + strlen(LINK);
    (void)snprintf(text, sizeof(text), "node site=1\n" SHAPED_LINK "%s", rest);
    bed_apply(&bed, text);
    ck_assert_uint_eq(outer_tos(2101, 1, 0), 40 << 2);
    ck_assert_uint_eq(outer_tos(2102, 1, 18 << 2 | 2), 40 << 2 | 2);
    ck_assert_uint_eq(outer_tos(2103, 5, 46 << 2), 8 << 2);
    ck_assert_uint_eq(outer_tos(2104, 0, 46 << 2), 46 << 2); /* its application says nothing: by what it says itself */
    bed_apply(&bed, BASE);
    ck_assert_uint_eq(outer_tos(2105, 1, 18 << 2 | 2), 18 << 2 | 2);
    ck_assert_uint_eq(outer_tos(2103, 5, 46 << 2), 46 << 2); /* the flow that was marked */
}
END_TEST

int main(void)
{
    if (!bed_possible()) {
        return 77;
    }
    bed_open(&bed, BASE);
    Suite *suite = suite_create("inspect");
    TCase *tc = tcase_create("inspect");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, set_up, NULL);
    tcase_add_test(tc, with_nobody_to_ask_nothing_is_copied_and_flows_are_fresh);
    tcase_add_test(tc, first_packets_that_say_something_are_copied_and_no_more_than_so_many);
    tcase_add_test(tc, a_verdict_asks_the_rules_again);
    tcase_add_test(tc, a_flow_that_is_recognised_stays_on_its_path_and_the_next_one_takes_the_rules);
    tcase_add_test(tc, an_address_that_a_name_led_to_is_steered_from_the_first_packet);
    tcase_add_test(tc, a_shaped_link_is_told_the_class_by_the_outer_header);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    bed_close(&bed);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
