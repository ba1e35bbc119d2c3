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

/* What only inspection can tell becomes a line for the application's number; nodes are told what to look for. */
START_TEST(applications_by_name_and_signature_are_lines_of_their_number)
{
    struct fixture f;
    two_sites(&f);
    put(&f, "application",
        "{\"name\":\"" ORG "/applications/video\",\"applicationId\":9,\"trafficClass\":\"STREAMING\",\"matches\":["
        "{\"hosts\":[\"*.Video.test\"],\"protocol\":6},{\"signatures\":[\"youtube\"]},{\"protocol\":17}]}");
    put_policy(&f, "a", 10, "{\"preference\":\"DENY\",\"applications\":[\"" ORG "/applications/video\"]}");
    pass_ok(&f);
    const Patronus__V1__RuleEntry *rules[8];
    ck_assert_uint_eq(rules_of(f.pass.nodes[0], rules, 8), 3);
    ck_assert(rules[0]->protocol == 6 && rules[0]->n_applications == 1 && rules[0]->applications[0] == 9);
    ck_assert(rules[1]->protocol == 256 && rules[1]->n_applications == 1 && rules[1]->applications[0] == 9);
    ck_assert(rules[2]->protocol == 17 && rules[2]->n_applications == 0); /* the packet itself says so */
    const Patronus__V1__ApplicationEntry *told = NULL;
    const struct pt_plan_node *node = f.pass.nodes[0];
    for (size_t i = 0; i < node->entries_len; i++) {
        told = node->entries[i]->entry_case == PATRONUS__V1__ENTRY__ENTRY_APPLICATION ? node->entries[i]->application
                                                                                      : told;
    }
    ck_assert_ptr_nonnull(told);
    ck_assert_uint_eq(told->application, 9);
    ck_assert_uint_eq(told->traffic_class, 3);
    ck_assert_uint_eq(told->n_descriptions, 3);
    ck_assert_str_eq(told->descriptions[0]->hosts[0], "*.video.test");
    ck_assert_uint_ne(told->descriptions[1]->signatures[0], 0);
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

static const Patronus__V1__SlaEntry *sla_of(const struct pt_plan_node *node, size_t *ret_len)
{
    const Patronus__V1__SlaEntry *sla = NULL;
    *ret_len = 0;
    for (size_t i = 0; i < node->entries_len; i++) {
        if (node->entries[i]->entry_case == PATRONUS__V1__ENTRY__ENTRY_SLA) {
            sla = node->entries[i]->sla;
            *ret_len += 1;
        }
    }
    return sla;
}

/* The leader names the profile; whether a path keeps it is the node's to say, whatever the leader has heard. */
START_TEST(an_sla_profile_goes_to_the_node_which_judges)
{
    struct fixture f;
    two_sites(&f);
    put(&f, "slaProfile",
        "{\"name\":\"" ORG
        "/slaProfiles/v\",\"maxLatencyUs\":50000,\"maxLossPpm\":0,\"slowUp\":\"5s\",\"dampening\":\"0s\"}");
    put_policy(&f, "p", 1,
               "{\"preference\":\"REQUIRE\",\"slaProfile\":\"" ORG
               "/slaProfiles/v\",\"moveMode\":\"FORCED\",\"dscps\":[46]},"
               "{\"preference\":\"PREFER\",\"transports\":[\"MPLS\"],\"slaProfile\":\"" ORG "/slaProfiles/v\"}");
    uint64_t inet = te_tunnel_id(ORG "/sites/s00/links/l00", ORG "/sites/s01/links/l00");
    measure(&f, te_direct_path(inet), true, 90000);
    pass_ok(&f);
    const Patronus__V1__RuleEntry *rules[8];
    size_t slas = 0;
    const Patronus__V1__SlaEntry *sla = sla_of(f.pass.nodes[0], &slas);
    ck_assert_uint_eq(slas, 1);
    ck_assert_uint_eq(sla->bounds, 3);
    ck_assert_uint_eq(sla->rtt_us_max, 50000);
    ck_assert_uint_eq(sla->loss_ppm_max, 0);
    ck_assert_uint_eq(sla->window_ms, 1000);
    ck_assert_uint_eq(sla->fast_down_ms, 300);
    ck_assert_uint_eq(sla->slow_up_ms, 5000);
    ck_assert_uint_eq(sla->half_life_ms, 0);
    ck_assert_uint_eq(rules_of(f.pass.nodes[0], rules, 8), 2);
    const Patronus__V1__GroupEntry *required = group_of(f.pass.nodes[0], 2, rules[0]->policy_class);
    const Patronus__V1__GroupEntry *preferred = group_of(f.pass.nodes[0], 2, rules[1]->policy_class);
    ck_assert_uint_eq(required->n_members, 2);
    ck_assert(required->require && required->sla == sla->sla && required->move == 2);
    ck_assert(!preferred->require && preferred->sla == sla->sla && preferred->move == 0);
    ck_assert_uint_eq(group_of(f.pass.nodes[0], 2, 0)->sla, 0);
    fixture_fini(&f);
}
END_TEST

/* First choice, first fallback, second fallback, the rest; REQUIRE has no rest. */
START_TEST(fallbacks_come_in_their_order)
{
    struct fixture f;
    fixture_init(&f);
    put_basics(&f);
    static const char *const underlays[] = {"inet", "mpls", "lte", "sat"};
    for (unsigned i = 0; i < 2; i++) {
        put_site(&f, i);
        for (unsigned j = 0; j < 4; j++) {
            put_link(&f, i, j, underlays[j], "");
        }
    }
#define CHOICES "\"underlays\":[\"sat\"],\"fallbacks\":[{\"underlays\":[\"lte\"]},{\"underlays\":[\"mpls\"]}]"
    put_policy(&f, "p", 1,
               "{\"preference\":\"PREFER\",\"dscps\":[46]," CHOICES "},{\"preference\":\"REQUIRE\"," CHOICES "}");
    pass_ok(&f);
    const Patronus__V1__RuleEntry *rules[8];
    ck_assert_uint_eq(rules_of(f.pass.nodes[0], rules, 8), 2);
    for (size_t i = 0; i < 2; i++) {
        const Patronus__V1__GroupEntry *group = group_of(f.pass.nodes[0], 2, rules[i]->policy_class);
        ck_assert_uint_eq(group->n_members, i == 0 ? 4 : 3);
        for (size_t j = 0; j < group->n_members; j++) {
            static const char *const order[] = {"sat", "lte", "mpls", "inet"};
            const char *underlay = underlay_of(&f, group->members[j]->path);
            ck_assert_str_eq(underlay, order[group->members[j]->tier / TE_RANK_STEP]);
        }
    }
    fixture_fini(&f);
}
END_TEST

static size_t subjects_of(const struct pt_plan_node *node, const Patronus__V1__SubjectEntry **ret, size_t len_max)
{
    size_t len = 0;
    for (size_t i = 0; i < node->entries_len; i++) {
        if (node->entries[i]->entry_case == PATRONUS__V1__ENTRY__ENTRY_SUBJECT && len < len_max) {
            ret[len++] = node->entries[i]->subject;
        }
    }
    return len;
}

#define SESSION(id, user, groups, site, addresses, expires)                                                           \
    "{\"name\":\"" ORG "/userSessions/" id "\",\"user\":\"" user "\",\"groups\":[" groups "],\"site\":\"" ORG         \
    "/sites/" site "\",\"segment\":\"" ORG "/segments/corp\",\"addresses\":[" addresses "],\"expireTime\":\"" expires \
    "\"}"

/* Sets of users and groups are bits; sessions become words, at their own site, while they last. */
START_TEST(users_and_groups_become_addresses_at_their_site)
{
    struct fixture f;
    two_sites(&f);
    put(&f, "userSession",
        SESSION("a", "ann", "\"staff\",\"boss\"", "s00", "\"10.0.0.7\",\"fd00::7\"", "2030-01-01T00:00:00Z"));
    put(&f, "userSession", SESSION("b", "bob", "\"staff\"", "s00", "\"10.0.0.8\"", "2030-01-01T00:00:00Z"));
    put(&f, "userSession", SESSION("c", "bob", "\"staff\"", "s01", "\"10.1.0.8\"", "2030-01-01T00:00:00Z"));
    put(&f, "userSession", SESSION("d", "dan", "\"guests\"", "s00", "\"10.0.0.9\"", "2030-01-01T00:00:00Z"));
    put(&f, "userSession", SESSION("e", "eve", "\"staff\"", "s00", "\"10.0.0.10\"", "1970-01-01T00:00:01Z"));
    put(&f, "userSession", SESSION("f", "fay", "\"boss\"", "s00", "\"10.0.0.8\"", "2029-01-01T00:00:00Z"));
    put_policy(
        &f, "p", 1,
        "{\"preference\":\"DENY\",\"groups\":[\"staff\"],\"dscps\":[1]},{\"preference\":\"DENY\",\"users\":[\"ann\","
        "\"eve\"],\"groups\":[\"boss\"],\"dscps\":[2]},{\"preference\":\"DENY\",\"groups\":[\"staff\"],\"dscps\":[3]}");
    pass_ok(&f);
    const Patronus__V1__RuleEntry *rules[8];
    ck_assert_uint_eq(rules_of(f.pass.nodes[0], rules, 8), 3);
    ck_assert_uint_eq(rules[0]->subjects, 1);
    ck_assert_uint_eq(rules[1]->subjects, 2);
    ck_assert_uint_eq(rules[2]->subjects, 1);
    ck_assert_uint_eq(rules[2]->rule_id, 3);
    ck_assert_str_eq(rules[2]->origin, ORG "/steeringPolicies/p rules[2]");
    const Patronus__V1__SubjectEntry *subjects[8];
    size_t len = subjects_of(f.pass.nodes[0], subjects, 8);
    size_t found = 0;
    for (size_t i = 0; i < len; i++) {
        uint8_t last = subjects[i]->address.data[15];
        ck_assert_uint_eq(subjects[i]->vni, 7);
        if (last == 7) { /* ann: both sets, twice: IPv4 and IPv6 */
            ck_assert_uint_eq(subjects[i]->subjects, 3);
            ck_assert_int_eq(subjects[i]->expire_time_s, 1893456000);
            found++;
        } else if (last == 8) { /* two sessions on one address: joined until the first ends */
            ck_assert_uint_eq(subjects[i]->subjects, 3);
            ck_assert_int_eq(subjects[i]->expire_time_s, 1861920000);
            found++;
        } else {
            ck_assert_msg(last == 10, "nobody names the group of 10.0.0.%u", last);
        }
    }
    ck_assert_uint_eq(found, 3);
    ck_assert_uint_eq(subjects_of(f.pass.nodes[1], subjects, 8), 1);
    fixture_fini(&f);
}
END_TEST

START_TEST(times_of_the_week_are_told_in_minutes)
{
    struct fixture f;
    two_sites(&f);
    put_policy(
        &f, "p", 1,
        "{\"preference\":\"DENY\",\"windows\":[{\"days\":[\"MONDAY\",\"SUNDAY\"],\"start\":\"08:30\",\"end\":\"18:00\","
        "\"utcOffsetMinutes\":-90},{\"start\":\"22:00\",\"end\":\"06:00\"},{},{\"start\":\"12:00\",\"end\":\"12:00\"}]"
        "}");
    pass_ok(&f);
    const Patronus__V1__RuleEntry *rules[8];
    ck_assert_uint_eq(rules_of(f.pass.nodes[0], rules, 8), 1);
    ck_assert_uint_eq(rules[0]->n_windows, 4);
    static const unsigned wanted[][3] = {{0x41, 510, 570}, {0x7f, 1320, 480}, {0x7f, 0, 1440}, {0x7f, 720, 1440}};
    for (size_t i = 0; i < 4; i++) {
        ck_assert_uint_eq(rules[0]->windows[i]->days, wanted[i][0]);
        ck_assert_uint_eq(rules[0]->windows[i]->first_minute, wanted[i][1]);
        ck_assert_uint_eq(rules[0]->windows[i]->minutes, wanted[i][2]);
    }
    ck_assert_int_eq(rules[0]->windows[0]->utc_offset_minutes, -90);
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
    tcase_add_test(tcase, applications_by_name_and_signature_are_lines_of_their_number);
    tcase_add_test(tcase, disabled_policies_do_nothing);
    tcase_add_test(tcase, too_many_rules_fail_the_pass);
    tcase_add_test(tcase, nodes_see_their_own_segments_only);
    tcase_add_test(tcase, an_sla_profile_goes_to_the_node_which_judges);
    tcase_add_test(tcase, fallbacks_come_in_their_order);
    tcase_add_test(tcase, users_and_groups_become_addresses_at_their_site);
    tcase_add_test(tcase, times_of_the_week_are_told_in_minutes);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
