/* Policies of translation, firewall, protection and rates become entries of the nodes that they are for, and of no
 * other. */
#include "fixture.h"

#include "patronus/v1/firewall.pb-c.h"

#define ENTRIES_MAX 128
#define ANY_PROTOCOL 256
#define INTERNET 0xffffffffU

static void two_sites(struct fixture *f)
{
    fixture_init(f);
    put_basics(f);
    for (unsigned i = 0; i < 2; i++) {
        put_site(f, i);
        put_link(f, i, 0, "inet", "");
        put_link(f, i, 1, "mpls", "");
    }
}

/* Entries of one kind of a node, in order; the bundle's own type comes out of each by its name. */
static size_t entries_of(const struct fixture *f, size_t site, Patronus__V1__Entry__EntryCase which,
                         const Patronus__V1__Entry *ret_entries[ENTRIES_MAX])
{
    const struct pt_plan_node *node = f->pass.nodes[site];
    size_t len = 0;
    for (size_t i = 0; i < node->entries_len; i++) {
        if (node->entries[i]->entry_case == which) {
            ck_assert_uint_lt(len, ENTRIES_MAX);
            ret_entries[len++] = node->entries[i];
        }
    }
    return len;
}
#define ENTRIES(f, site, CASE, list) entries_of(f, site, PATRONUS__V1__ENTRY__ENTRY_##CASE, list)

static bool is_address(const ProtobufCBinaryData *bytes, const char *text)
{
    struct pt_ip ip;
    ck_assert_int_eq(pt_ip_parse(text, &ip, NULL), PT_OK);
    return bytes->len == 16 && memcmp(bytes->data, ip.bytes, 16) == 0;
}

static void put_nat(struct fixture *f, const char *id, const char *rest)
{
    put(f, "natPolicy", "{\"name\":\"" ORG "/natPolicies/%s\",\"segment\":\"" ORG "/segments/corp\",%s}", id, rest);
}

static void put_firewall(struct fixture *f, const char *id, unsigned priority, const char *rest)
{
    put(f, "firewallPolicy",
        "{\"name\":\"" ORG "/firewallPolicies/%s\",\"segment\":\"" ORG "/segments/corp\",\"priority\":%u,%s}", id,
        priority, rest);
}

/* ---- translation ---------------------------------------------------------------------------------------------- */

START_TEST(a_breakout_leaves_by_the_links_of_its_underlays)
{
    const Patronus__V1__Entry *e[ENTRIES_MAX];
    struct fixture f;
    two_sites(&f);
    put_nat(&f, "p",
            "\"breakout\":{\"underlays\":[\"inet\"],\"destinationCidrs\":[\"203.0.113.0/24\"],"
            "\"filtering\":\"ADDRESS_DEPENDENT\",\"udpTimeoutSeconds\":20}");
    pass_ok(&f);
    for (size_t site = 0; site < 2; site++) {
        ck_assert_uint_eq(ENTRIES(&f, site, EXIT, e), 1);
        const Patronus__V1__ExitEntry *exit = e[0]->exit;
        const struct te_topology *t = topology_of(&f);
        ck_assert_uint_eq(exit->vni, 7);
        ck_assert_uint_eq(exit->link, t->links[t->sites[site].first_link].number); /* l00 is of inet */
        ck_assert(exit->address_dependent);
        ck_assert_uint_eq(exit->udp_s, 20);
        ck_assert_uint_eq(exit->tcp_s, 7440); /* RFC 5382, as what is not said */
        ck_assert_uint_eq(exit->n_destinations, 1);
        ck_assert_uint_eq(exit->destinations[0].len, 17);
        ck_assert_uint_eq(exit->destinations[0].data[16], 24);
    }
    fixture_fini(&f);
}
END_TEST

START_TEST(a_policy_is_for_its_sites_and_the_first_by_name_decides)
{
    const Patronus__V1__Entry *e[ENTRIES_MAX];
    struct fixture f;
    two_sites(&f);
    put_nat(&f, "b", "\"breakout\":{}");
    put_nat(&f, "a",
            "\"sites\":[\"" ORG "/sites/s01\"],\"portForwards\":[{\"protocol\":6,\"port\":8443,"
            "\"address\":\"10.1.0.5\",\"targetPort\":443},{\"protocol\":17,\"port\":53,\"address\":\"10.1.0.6\"}]");
    put_nat(&f, "0", "\"disabled\":true,\"breakout\":{\"underlays\":[\"mpls\"]}");
    pass_ok(&f);
    ck_assert_uint_eq(ENTRIES(&f, 0, EXIT, e), 2); /* of no underlay by name: both links */
    ck_assert_uint_eq(ENTRIES(&f, 0, FORWARD, e), 0);
    ck_assert_uint_eq(ENTRIES(&f, 1, EXIT, e), 0);
    ck_assert_uint_eq(ENTRIES(&f, 1, FORWARD, e), 4);
    const Patronus__V1__ForwardEntry *web = e[0]->forward, *dns = e[1]->forward;
    ck_assert_uint_eq(web->protocol, 6);
    ck_assert_uint_eq(web->port, 8443);
    ck_assert_uint_eq(web->target_port, 443);
    ck_assert(is_address(&web->address, "10.1.0.5"));
    ck_assert_uint_eq(dns->target_port, 53); /* the same, when none is said */
    ck_assert_uint_ne(web->link, e[2]->forward->link);
    fixture_fini(&f);
}
END_TEST

static const Patronus__V1__RouteEntry *route_to(const struct fixture *f, size_t site, uint32_t label)
{
    const Patronus__V1__Entry *e[ENTRIES_MAX];
    const Patronus__V1__RouteEntry *found = NULL;
    size_t len = ENTRIES(f, site, ROUTE, e);
    for (size_t i = 0; i < len; i++) {
        if (e[i]->route->site_label == label) {
            ck_assert_ptr_null(found);
            found = e[i]->route;
        }
    }
    ck_assert_ptr_nonnull(found);
    return found;
}

/* Two sites of one segment with the same prefix: each knows itself as it is, and the other as it is known. */
START_TEST(sites_with_equal_prefixes_know_each_other_by_others)
{
    const Patronus__V1__Entry *e[ENTRIES_MAX];
    struct fixture f;
    two_sites(&f);
    for (unsigned i = 0; i < 2; i++) {
        put(&f, "edge",
            "{\"name\":\"" ORG "/sites/s%02u/edges/e\",\"nodeId\":\"edge/x%u\",\"lanInterfaces\":[{\"interface\":"
            "\"lan0\",\"segment\":\"" ORG "/segments/corp\",\"prefixes\":[\"10.7.0.0/24\"]}]}",
            i, i);
    }
    put_nat(&f, "p",
            "\"prefixMaps\":[{\"site\":\"" ORG "/sites/s00\",\"inside\":\"10.7.0.0/24\",\"outside\":\"172.16.1.0/24\"},"
            "{\"site\":\"" ORG "/sites/s01\",\"inside\":\"10.7.0.0/24\",\"outside\":\"172.16.2.0/24\"}]");
    pass_ok(&f);
    for (uint32_t site = 0; site < 2; site++) {
        static const char *const outsides[] = {"172.16.1.0", "172.16.2.0"};
        const Patronus__V1__RouteEntry *own = route_to(&f, site, site + 1), *other = route_to(&f, site, 2 - site);
        ck_assert(is_address(&own->prefix, "10.7.0.0"));
        ck_assert_str_eq(own->lan_interface, "lan0");
        ck_assert(is_address(&other->prefix, outsides[1 - site]));
        ck_assert_uint_eq(ENTRIES(&f, site, PREFIX_MAP, e), 1); /* its own, and not the other one's */
        ck_assert(is_address(&e[0]->prefix_map->inside, "10.7.0.0"));
        ck_assert(is_address(&e[0]->prefix_map->outside, outsides[site]));
        ck_assert_uint_eq(e[0]->prefix_map->vni, 7);
    }
    fixture_fini(&f);
}
END_TEST

/* ---- firewall ------------------------------------------------------------------------------------------------- */

START_TEST(a_rule_is_the_product_of_what_it_lists)
{
    const Patronus__V1__Entry *e[ENTRIES_MAX];
    struct fixture f;
    two_sites(&f);
    put_firewall(
        &f, "p", 1,
        "\"defaultAction\":\"DROP\",\"rules\":[{\"action\":\"ALLOW\",\"protocol\":6,\"sourceCidrs\":"
        "[\"10.0.0.0/24\",\"10.1.0.0/24\"],\"ports\":[{\"first\":80,\"last\":80},{\"first\":443,\"last\":444}]},"
        "{\"action\":\"DROP\",\"scope\":\"INTERNET\"}]");
    pass_ok(&f);
    ck_assert_uint_eq(ENTRIES(&f, 0, FILTER, e), 1);
    ck_assert(e[0]->filter->drop && e[0]->filter->vni == 7 && e[0]->filter->n_reach == 0);
    ck_assert_uint_eq(ENTRIES(&f, 0, FILTER_RULE, e), 5);
    for (uint32_t i = 0; i < 4; i++) {
        const Patronus__V1__FilterRuleEntry *line = e[i]->filter_rule;
        ck_assert_uint_eq(line->order, i);
        ck_assert(line->allow && line->protocol == 6 && line->to == 0);
        ck_assert(is_address(&line->source, i < 2 ? "10.0.0.0" : "10.1.0.0"));
        ck_assert_uint_eq(line->destination.len, 0);
        ck_assert_uint_eq(line->port_first, i % 2 == 0 ? 80 : 443);
        ck_assert_uint_eq(line->port_last, i % 2 == 0 ? 80 : 444);
        ck_assert_uint_eq(line->rule_id, e[0]->filter_rule->rule_id); /* one rule, whatever it became */
        ck_assert_str_eq(line->origin, ORG "/firewallPolicies/p rules[0]");
    }
    const Patronus__V1__FilterRuleEntry *last = e[4]->filter_rule;
    ck_assert(!last->allow && last->to == INTERNET && last->protocol == ANY_PROTOCOL && last->port_last == UINT16_MAX);
    ck_assert_uint_ne(last->rule_id, e[0]->filter_rule->rule_id);
    fixture_fini(&f);
}
END_TEST

START_TEST(policies_come_by_priority_and_end_where_a_node_does)
{
    const Patronus__V1__Entry *e[ENTRIES_MAX];
    struct fixture f;
    char rules[4096] = "\"rules\":[";
    two_sites(&f);
    for (unsigned i = 0; i < 64; i++) {
        size_t size = strlen(rules);
        snprintf(rules + size, sizeof(rules) - size, "%s{\"action\":\"ALLOW\",\"protocol\":%u}", i > 0 ? "," : "", i);
    }
    strcat(rules, "]");
    put_firewall(&f, "a", 20, rules);
    put_firewall(&f, "z", 10, "\"rules\":[{\"action\":\"DROP\"}]");
    pass_ok(&f);
    ck_assert_uint_eq(ENTRIES(&f, 0, FILTER_RULE, e), 64);
    ck_assert_str_eq(e[0]->filter_rule->origin, ORG "/firewallPolicies/z rules[0]");
    ck_assert_str_eq(e[1]->filter_rule->origin, ORG "/firewallPolicies/a rules[0]");
    ck_assert_uint_eq(e[63]->filter_rule->protocol, 62);
    ck_assert_uint_eq(ENTRIES(&f, 0, FILTER, e), 1);
    ck_assert(!e[0]->filter->drop); /* no default is said: what no rule names passes */
    fixture_fini(&f);
}
END_TEST

START_TEST(segments_that_a_rule_joins_know_each_other)
{
    const Patronus__V1__Entry *e[ENTRIES_MAX];
    struct fixture f;
    two_sites(&f);
    put(&f, "segment", "{\"name\":\"" ORG "/segments/lab\",\"fabric\":\"" ORG "/fabrics/f\",\"vni\":9}");
    put(&f, "edge",
        "{\"name\":\"" ORG "/sites/s01/edges/e\",\"nodeId\":\"edge/x1\",\"lanInterfaces\":[{\"interface\":\"lan0\","
        "\"segment\":\"" ORG "/segments/lab\",\"prefixes\":[\"10.9.0.0/24\"]}]}");
    put_firewall(&f, "p", 1,
                 "\"rules\":[{\"action\":\"ALLOW\",\"scope\":\"SEGMENT\",\"toSegment\":\"" ORG "/segments/lab\"},"
                 "{\"action\":\"ALLOW\",\"scope\":\"WITHIN\"}]");
    pass_ok(&f);
    ck_assert_uint_eq(ENTRIES(&f, 0, FILTER_RULE, e), 2);
    ck_assert_uint_eq(e[0]->filter_rule->to, 9);
    ck_assert_uint_eq(e[1]->filter_rule->to, 7);
    ck_assert_uint_eq(ENTRIES(&f, 0, FILTER, e), 1);
    ck_assert_uint_eq(e[0]->filter->n_reach, 1);
    ck_assert_uint_eq(e[0]->filter->reach[0], 9);
    ck_assert(is_address(&route_to(&f, 0, 2)->prefix, "10.9.0.0")); /* a route into the other segment */
    ck_assert_uint_eq(ENTRIES(&f, 1, FILTER, e), 1);                /* which has no policy, and lets answers back */
    ck_assert_uint_eq(e[0]->filter->vni, 9);
    ck_assert_uint_eq(e[0]->filter->reach[0], 7);
    fixture_fini(&f);
}
END_TEST

/* ---- protection and rates ------------------------------------------------------------------------------------- */

START_TEST(a_guard_and_what_it_denies_go_to_its_sites)
{
    const Patronus__V1__Entry *e[ENTRIES_MAX];
    struct fixture f;
    two_sites(&f);
    put(&f, "floodGuard",
        "{\"name\":\"" ORG "/floodGuards/g\",\"sites\":[\"" ORG "/sites/s00\"],\"deniedCidrs\":[\"198.51.100.0/24\","
        "\"2001:db8::/32\"],\"sourcePacketsPerSecond\":1000,\"synsPerSecond\":50}");
    pass_ok(&f);
    ck_assert_uint_eq(ENTRIES(&f, 0, GUARD, e), 1);
    ck_assert_uint_eq(e[0]->guard->source_pps, 1000);
    ck_assert_uint_eq(e[0]->guard->syns_ps, 50);
    ck_assert_uint_eq(ENTRIES(&f, 0, DENIED, e), 2);
    ck_assert(is_address(&e[0]->denied->prefix, "198.51.100.0") && is_address(&e[1]->denied->prefix, "2001:db8::"));
    ck_assert_uint_eq(ENTRIES(&f, 1, GUARD, e), 0);
    fixture_fini(&f);
}
END_TEST

START_TEST(the_narrowest_rate_counts_and_stands_in_the_next_wider_one)
{
    const Patronus__V1__Entry *e[ENTRIES_MAX];
    struct fixture f;
    two_sites(&f);
    put(&f, "rateLimit", "{\"name\":\"" ORG "/rateLimits/all\",\"rateBps\":\"50000000\",\"burstMs\":200}");
    put(&f, "rateLimit",
        "{\"name\":\"" ORG "/rateLimits/peer\",\"segment\":\"" ORG "/segments/corp\",\"peerSite\":\"" ORG
        "/sites/s01\",\"sites\":[\"" ORG "/sites/s00\"],\"rateBps\":\"10000000\"}");
    pass_ok(&f);
    ck_assert_uint_eq(ENTRIES(&f, 0, LIMIT, e), 2);
    const Patronus__V1__LimitEntry *all = e[0]->limit, *peer = e[1]->limit;
    ck_assert_uint_eq(all->rate_bps, 50000000);
    ck_assert_uint_eq(all->burst_ms, 200);
    ck_assert_uint_eq(all->parent, 0);
    ck_assert_uint_eq(all->site_label, 0);
    ck_assert_uint_eq(peer->site_label, 2);
    ck_assert_uint_eq(peer->parent, all->limit);
    ck_assert_uint_eq(peer->burst_ms, 50);
    ck_assert(peer->n_vnis == 1 && peer->vnis[0] == 7);
    ck_assert_uint_eq(ENTRIES(&f, 1, LIMIT, e), 1);
    ck_assert_uint_eq(e[0]->limit->limit, all->limit);
    fixture_fini(&f);
}
END_TEST

/* ---- shaping -------------------------------------------------------------------------------------------------- */

#define PROFILE ",\"qosProfile\":\"" ORG "/qosProfiles/office\""

/* A link that names a profile and knows its rate is shaped to it; a node is told percents and code points. */
START_TEST(a_profile_becomes_percents_and_code_points_of_its_link)
{
    const Patronus__V1__Entry *e[ENTRIES_MAX];
    struct fixture f;
    fixture_init(&f);
    put_basics(&f);
    put(&f, "qosProfile",
        "{\"name\":\"" ORG
        "/qosProfiles/office\",\"classes\":[{\"trafficClass\":\"BULK\",\"percent\":15,\"queueMs\":200,"
        "\"dscps\":[38]},{\"trafficClass\":\"REALTIME\",\"percent\":30,\"dscpOut\":0}]}");
    put_site(&f, 0);
    put_link(&f, 0, 0, "inet", PROFILE ",\"capacityUpBps\":\"50000000\"");
    put_link(&f, 0, 1, "mpls", ",\"capacityUpBps\":\"50000000\""); /* no profile */
    put_link(&f, 0, 2, "lte", PROFILE);                            /* no rate */
    pass_ok(&f);
    ck_assert_uint_eq(ENTRIES(&f, 0, LINK, e), 3);
    for (size_t i = 0; i < 3; i++) {
        const Patronus__V1__LinkEntry *link = e[i]->link;
        if (strcmp(link->interface, "wan0") != 0) {
            ck_assert(link->rate_bps == 0 && link->n_classes == 0);
            continue;
        }
        static const struct {
            uint32_t traffic_class, percent, queue_ms, dscp_out;
        } wanted[] = {{1, 30, 0, 1}, {4, 55, 0, 0}, {5, 15, 200, 0}}; /* STANDARD has what is left */
        ck_assert_uint_eq(link->rate_bps, 50000000);
        ck_assert_uint_eq(link->n_classes, 3);
        for (size_t j = 0; j < 3; j++) {
            const Patronus__V1__LinkClassEntry *class = link->classes[j];
            ck_assert_uint_eq(class->traffic_class, wanted[j].traffic_class);
            ck_assert_uint_eq(class->percent, wanted[j].percent);
            ck_assert_uint_eq(class->queue_ms, wanted[j].queue_ms);
            ck_assert_uint_eq(class->dscp_out, wanted[j].dscp_out);
        }
        ck_assert((link->classes[0]->dscp_mask & 1ULL << 46) != 0);
        ck_assert(link->classes[2]->dscp_mask == 1ULL << 38);
    }
    fixture_fini(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("edge_rules");
    TCase *tcase = tcase_create("emission");
    tcase_add_test(tcase, a_breakout_leaves_by_the_links_of_its_underlays);
    tcase_add_test(tcase, a_policy_is_for_its_sites_and_the_first_by_name_decides);
    tcase_add_test(tcase, sites_with_equal_prefixes_know_each_other_by_others);
    tcase_add_test(tcase, a_rule_is_the_product_of_what_it_lists);
    tcase_add_test(tcase, policies_come_by_priority_and_end_where_a_node_does);
    tcase_add_test(tcase, segments_that_a_rule_joins_know_each_other);
    tcase_add_test(tcase, a_guard_and_what_it_denies_go_to_its_sites);
    tcase_add_test(tcase, the_narrowest_rate_counts_and_stands_in_the_next_wider_one);
    tcase_add_test(tcase, a_profile_becomes_percents_and_code_points_of_its_link);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
