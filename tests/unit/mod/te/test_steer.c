/* Policies become rules, classes and groups; nodes see their own segments only. */
#include "fixture.h"

static void two_sites(struct fixture *f)
{
    fixture_init(f);
    put_basics(f);
    for (unsigned i = 0; i < 2; i++) {
        put_site(f, i);
        put_link(f, i, 0, "inet", ",\"transport\":\"BROADBAND\"");
        put_link(f, i, 1, "mpls", ",\"transport\":\"MPLS\",\"cost\":50");
    }
}

static void put_policy(struct fixture *f, const char *name, unsigned priority, const char *rules)
{
    put(f, "steeringPolicy",
        "{\"name\":\"" ORG "/steeringPolicies/%s\",\"segment\":\"" ORG
        "/segments/corp\",\"priority\":%u,\"revision\":\"9\",\"rules\":[%s]}",
        name, priority, rules);
}

/* Rules of a node in order; returns how many. */
static size_t rules_of(const struct pt_plan_node *node, const Patronus__V1__RuleEntry **ret_rules, size_t len_max)
{
    size_t len = 0;
    for (size_t i = 0; i < node->entries_len; i++) {
        if (node->entries[i]->entry_case == PATRONUS__V1__ENTRY__ENTRY_RULE && len < len_max) {
            ck_assert_uint_eq(node->entries[i]->rule->order, len);
            ret_rules[len++] = node->entries[i]->rule;
        }
    }
    return len;
}

static const char *underlay_of(struct fixture *f, uint64_t path_id)
{
    const struct te_topology *t = topology_of(f);
    const struct te_pair *pair = pair_of(f, 0, 1);
    for (size_t i = 0; i < pair->len; i++) {
        if (pair->paths[i].id == path_id) {
            return t->links[t->tunnels[pair->paths[i].tunnels[0]].local].underlay;
        }
    }
    return "";
}

START_TEST(require_keeps_only_what_fits)
{
    struct fixture f;
    two_sites(&f);
    put_policy(&f, "p", 1, "{\"preference\":\"REQUIRE\",\"transports\":[\"MPLS\"]}");
    pass_ok(&f);
    const Patronus__V1__RuleEntry *rules[8];
    ck_assert_uint_eq(rules_of(f.pass.nodes[0], rules, 8), 1);
    ck_assert_uint_eq(rules[0]->vni, 7);
    ck_assert_uint_eq(rules[0]->revision, 9);
    const Patronus__V1__GroupEntry *group = group_of(f.pass.nodes[0], 2, rules[0]->policy_class);
    ck_assert_uint_eq(group->n_members, 1);
    ck_assert_str_eq(underlay_of(&f, group->members[0]->path), "mpls");
    /* The default class is untouched. */
    ck_assert_uint_eq(group_of(f.pass.nodes[0], 2, 0)->n_members, 2);
    fixture_fini(&f);
}
END_TEST

START_TEST(require_without_a_fit_leaves_an_empty_group)
{
    struct fixture f;
    two_sites(&f);
    put_policy(&f, "p", 1, "{\"preference\":\"REQUIRE\",\"transports\":[\"SATELLITE\"]}");
    pass_ok(&f);
    const Patronus__V1__RuleEntry *rules[8];
    ck_assert_uint_eq(rules_of(f.pass.nodes[0], rules, 8), 1);
    ck_assert_uint_eq(group_of(f.pass.nodes[0], 2, rules[0]->policy_class)->n_members, 0);
    fixture_fini(&f);
}
END_TEST

START_TEST(prefer_and_avoid_reorder)
{
    struct fixture f;
    two_sites(&f);
    put_policy(&f, "a", 1, "{\"preference\":\"PREFER\",\"underlays\":[\"mpls\"],\"dscps\":[46]}");
    put_policy(&f, "b", 2, "{\"preference\":\"AVOID\",\"underlays\":[\"inet\"]}");
    pass_ok(&f);
    const Patronus__V1__RuleEntry *rules[8];
    ck_assert_uint_eq(rules_of(f.pass.nodes[0], rules, 8), 2);
    ck_assert_uint_eq(rules[0]->dscp_mask, 1ULL << 46);
    ck_assert_uint_eq(rules[1]->dscp_mask, UINT64_MAX);
    for (size_t i = 0; i < 2; i++) {
        const Patronus__V1__GroupEntry *group = group_of(f.pass.nodes[0], 2, rules[i]->policy_class);
        ck_assert_uint_eq(group->n_members, 2);
        for (size_t j = 0; j < 2; j++) {
            bool mpls = strcmp(underlay_of(&f, group->members[j]->path), "mpls") == 0;
            ck_assert_msg(mpls == (group->members[j]->tier < TE_CANDIDATES_MAX), "the other paths come behind");
        }
    }
    fixture_fini(&f);
}
END_TEST

/* Policies are read by priority whatever their names; DENY needs no class; applications multiply. */
START_TEST(order_deny_and_applications)
{
    struct fixture f;
    two_sites(&f);
    put(&f, "application",
        "{\"name\":\"" ORG "/applications/web\",\"matches\":[{\"protocol\":6,\"ports\":[{\"first\":80,\"last\":80},"
        "{\"first\":443,\"last\":443}]},{\"protocol\":17,\"cidrs\":[\"10.9.0.0/16\"]}]}");
    put_policy(&f, "a", 20, "{\"preference\":\"AVAILABLE\"}");
    put_policy(&f, "z", 10,
               "{\"preference\":\"DENY\",\"applications\":[\"" ORG
               "/applications/web\"]},{\"preference\":\"DENY\",\"sites\":[\"" ORG "/sites/s01\"]}");
    pass_ok(&f);
    const Patronus__V1__RuleEntry *rules[8];
    ck_assert_uint_eq(rules_of(f.pass.nodes[0], rules, 8), 4); /* the rule for s01 only is not here */
    ck_assert(rules[0]->deny && rules[0]->protocol == 6 && rules[0]->port_first == 80 && rules[0]->port_last == 80);
    ck_assert(rules[1]->deny && rules[1]->port_first == 443);
    ck_assert(rules[2]->deny && rules[2]->protocol == 17 && rules[2]->prefix_len == 16);
    ck_assert(!rules[3]->deny && rules[3]->protocol == 256 && rules[3]->policy_class == 0);
    ck_assert_uint_eq(rules_of(f.pass.nodes[1], rules, 8), 5);
    fixture_fini(&f);
}
END_TEST

START_TEST(disabled_policies_do_nothing)
{
    struct fixture f;
    two_sites(&f);
    put(&f, "steeringPolicy",
        "{\"name\":\"" ORG "/steeringPolicies/p\",\"segment\":\"" ORG
        "/segments/corp\",\"disabled\":true,\"rules\":[{\"preference\":\"DENY\"}]}");
    pass_ok(&f);
    const Patronus__V1__RuleEntry *rules[8];
    ck_assert_uint_eq(rules_of(f.pass.nodes[0], rules, 8), 0);
    fixture_fini(&f);
}
END_TEST

START_TEST(too_many_rules_fail_the_pass)
{
    struct fixture f;
    two_sites(&f);
    for (unsigned i = 0; i < 65; i++) {
        char name[8];
        snprintf(name, sizeof(name), "p%u", i);
        put_policy(&f, name, i, "{\"preference\":\"DENY\"}");
    }
    struct pt_error error = {0};
    ck_assert_int_eq(run_pass(&f, &error), PT_EXHAUSTED);
    ck_assert_int_eq(error.reason, PT_REASON_LIMIT_REACHED);
    ck_assert_ptr_nonnull(strstr(error.field, "segments/corp"));
    fixture_fini(&f);
}
END_TEST

/* A site learns nothing of a segment that it has no interface in; a segment of a second fabric has its own default. */
START_TEST(nodes_see_their_own_segments_only)
{
    struct fixture f;
    two_sites(&f);
    put(&f, "fabric", "{\"name\":\"" ORG "/fabrics/g\"}");
    put(&f, "segment", "{\"name\":\"" ORG "/segments/guest\",\"fabric\":\"" ORG "/fabrics/g\",\"vni\":8}");
    put_site(&f, 2);
    put(&f, "edge",
        "{\"name\":\"" ORG "/sites/s02/edges/e\",\"nodeId\":\"edge/x\",\"lanInterfaces\":[{\"interface\":\"lan0\","
        "\"segment\":\"" ORG "/segments/guest\",\"prefixes\":[\"10.0.0.0/24\"]}]}");
    put_link(&f, 2, 0, "inet", "");
    pass_ok(&f);
    for (size_t i = 0; i < 3; i++) {
        for (size_t j = 0; j < f.pass.nodes[i]->entries_len; j++) {
            const Patronus__V1__Entry *entry = f.pass.nodes[i]->entries[j];
            if (entry->entry_case == PATRONUS__V1__ENTRY__ENTRY_ROUTE) {
                ck_assert_uint_eq(entry->route->vni, i == 2 ? 8 : 7);
            }
        }
    }
    const Patronus__V1__RuleEntry *rules[8];
    ck_assert_uint_eq(rules_of(f.pass.nodes[2], rules, 8), 1);
    ck_assert_uint_ne(rules[0]->policy_class, 0);
    ck_assert_uint_eq(rules_of(f.pass.nodes[0], rules, 8), 0);
    fixture_fini(&f);
}
END_TEST

START_TEST(sla_profile_judges_by_measurement)
{
    struct fixture f;
    two_sites(&f);
    put(&f, "slaProfile", "{\"name\":\"" ORG "/slaProfiles/v\",\"maxLatencyUs\":50000}");
    put_policy(&f, "p", 1, "{\"preference\":\"REQUIRE\",\"slaProfile\":\"" ORG "/slaProfiles/v\"}");
    uint64_t inet = te_tunnel_id(ORG "/sites/s00/links/l00", ORG "/sites/s01/links/l00");
    measure(&f, te_direct_path(inet), true, 90000);
    pass_ok(&f);
    const Patronus__V1__RuleEntry *rules[8];
    ck_assert_uint_eq(rules_of(f.pass.nodes[0], rules, 8), 1);
    const Patronus__V1__GroupEntry *group = group_of(f.pass.nodes[0], 2, rules[0]->policy_class);
    ck_assert_uint_eq(group->n_members, 1);
    ck_assert_str_eq(underlay_of(&f, group->members[0]->path), "mpls");
    fixture_fini(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("te steer");
    TCase *tcase = tcase_create("steer");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, require_keeps_only_what_fits);
    tcase_add_test(tcase, require_without_a_fit_leaves_an_empty_group);
    tcase_add_test(tcase, prefer_and_avoid_reorder);
    tcase_add_test(tcase, order_deny_and_applications);
    tcase_add_test(tcase, disabled_policies_do_nothing);
    tcase_add_test(tcase, too_many_rules_fail_the_pass);
    tcase_add_test(tcase, nodes_see_their_own_segments_only);
    tcase_add_test(tcase, sla_profile_judges_by_measurement);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
