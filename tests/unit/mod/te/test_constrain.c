/* Paths under constraints: what single constraints do, what a rule installs, and random networks against every path. */
#include "fixture.h"

#include "mod/te/ask.h"

/* A PathConstraints from JSON. */
static struct pt_msg *constraints_of(struct fixture *f, const char *json)
{
    struct pt_msg *msg = NULL;
    struct pt_error error = {0};
    const struct pt_message_type *type = pt_schema_message(f->schema, "patronus.v1.PathConstraints");
    ck_assert_msg(pt_json_read(f->schema, type, json, strlen(json), &f->arena, &msg, &error) == PT_OK, "%s: %s", json,
                  error.text);
    return msg;
}

static Patronus__V1__ExplainDemandResponse *ask(struct fixture *f, unsigned from, unsigned to, const char *json)
{
    char names[2][64];
    Patronus__V1__ExplainDemandResponse *response = NULL;
    struct pt_error error = {0};
    snprintf(names[0], sizeof(names[0]), ORG "/sites/s%02u", from);
    snprintf(names[1], sizeof(names[1]), ORG "/sites/s%02u", to);
    ck_assert_msg(te_explain(&f->pass, names[0], names[1], constraints_of(f, json), &f->arena, &response, &error) ==
                      PT_OK,
                  "%s", error.text);
    return response;
}

/* Measured round trip of the direct path between two links, both ways. */
static void measure_both(struct fixture *f, const char *a, const char *b, uint32_t rtt_us, uint32_t loss_ppm)
{
    const uint64_t ids[] = {te_direct_path(te_tunnel_id(a, b)), te_direct_path(te_tunnel_id(b, a))};
    for (size_t i = 0; i < 2; i++) {
        measure(f, ids[i], true, rtt_us);
        uint8_t key[8];
        pt_put_be64(key, ids[i]);
        ((struct pt_path_soft *)pt_map_get(&f->soft.paths, key, sizeof(key)))->loss_seen_ppm = loss_ppm;
    }
}

/* s00 and s02 by a satellite, and over s01 by two cables. The satellite is cheap and slow. */
static void satellite(struct fixture *f)
{
    fixture_init(f);
    put_basics(f);
    for (unsigned i = 0; i < 3; i++) {
        put_site(f, i);
    }
    const char *cable = ",\"cost\":50,\"adminGroups\":[1,2],\"capacityUpBps\":\"1000\",\"capacityDownBps\":\"2000\"";
    const char *sky = ",\"labels\":{\"medium\":\"satellite\"},\"adminGroups\":[2],\"capacityUpBps\":\"9000\","
                      "\"capacityDownBps\":\"9000\"";
    put_link(f, 0, 0, "sky", sky);
    put_link(f, 2, 0, "sky", sky);
    put_link(f, 0, 1, "p0-1", cable);
    put_link(f, 1, 0, "p0-1", cable);
    put_link(f, 1, 1, "p1-2", cable);
    put_link(f, 2, 1, "p1-2", cable);
    measure_both(f, ORG "/sites/s00/links/l00", ORG "/sites/s02/links/l00", 500000, 3000);
    measure_both(f, ORG "/sites/s00/links/l01", ORG "/sites/s01/links/l00", 12000, 1000);
    measure_both(f, ORG "/sites/s01/links/l01", ORG "/sites/s02/links/l01", 13000, 1000);
}

static const struct {
    const char *constraints;
    size_t links;       /* of the first path; 0: there is none */
    const char *reason; /* in the answer, when there is none */
} questions[] = {
    {"{\"minCapacityBps\":\"1\"}", 4, ""}, /* the cables are quicker, and the delay counts */
    {"{\"requireLabels\":[\"medium=satellite\"]}", 2, ""},
    {"{\"requireLabels\":[\"medium\"]}", 2, ""},
    {"{\"requireLabels\":[\"medium=cable\"]}", 0, "without require_labels"},
    {"{\"excludeLabels\":[\"medium\"]}", 4, ""},
    {"{\"excludeLabels\":[\"medium=cable\"],\"excludeGroups\":[1]}", 2, ""},
    {"{\"includeAllGroups\":[1,2]}", 4, ""},
    {"{\"includeAnyGroups\":[1,3]}", 4, ""},
    {"{\"includeAllGroups\":[2],\"excludeGroups\":[1]}", 2, ""},
    {"{\"includeAnyGroups\":[7]}", 0, "without include_any_groups"},
    {"{\"maxLatencyUs\":25000}", 4, ""},
    {"{\"maxLatencyUs\":24999}", 0,
     "without max_latency_us there would be a path: round trip 25000 us, loss 1999 ppm, "
     "capacity 1000 bit/s"},
    {"{\"maxLossPpm\":1999}", 4, ""},
    {"{\"maxLossPpm\":1998}", 0, "without max_loss_ppm"},
    {"{\"minCapacityBps\":\"1001\"}", 2, ""},
    {"{\"minCapacityBps\":\"1001\",\"maxLatencyUs\":400000}", 0, "without max_latency_us"},
    {"{\"minCapacityBps\":\"1001\",\"maxLatencyUs\":10,\"includeAnyGroups\":[9]}", 0, "two constraints or more"},
};

START_TEST(each_constraint_does_what_it_says)
{
    struct fixture f;
    satellite(&f);
    pass_ok(&f);
    const Patronus__V1__ExplainDemandResponse *response = ask(&f, 0, 2, questions[_i].constraints);
    ck_assert_msg((response->n_paths > 0) == (questions[_i].links > 0), "%s", questions[_i].constraints);
    if (response->n_paths > 0) {
        ck_assert_uint_eq(response->paths[0]->n_links, questions[_i].links);
        ck_assert_str_eq(response->no_path_reason, "");
    } else {
        ck_assert_msg(strncmp(response->no_path_reason, questions[_i].reason, strlen(questions[_i].reason)) == 0,
                      "%s: %s", questions[_i].constraints, response->no_path_reason);
    }
    fixture_fini(&f);
}
END_TEST

static size_t members_of_rule(struct fixture *f, const char *rule, const Patronus__V1__GroupEntry **ret_group)
{
    put(f, "steeringPolicy",
        "{\"name\":\"" ORG "/steeringPolicies/p\",\"segment\":\"" ORG "/segments/corp\",\"rules\":[%s]}", rule);
    pass_ok(f);
    for (size_t i = 0; i < f->pass.nodes[0]->entries_len; i++) {
        const Patronus__V1__Entry *entry = f->pass.nodes[0]->entries[i];
        if (entry->entry_case == PATRONUS__V1__ENTRY__ENTRY_RULE) {
            *ret_group = group_of(f->pass.nodes[0], 3, entry->rule->policy_class);
        }
    }
    ck_assert_ptr_nonnull(*ret_group);
    return (*ret_group)->n_members;
}

static uint64_t sky_path(void)
{
    return te_direct_path(te_tunnel_id(ORG "/sites/s00/links/l00", ORG "/sites/s02/links/l00"));
}

/* REQUIRE leaves what keeps the constraints and nothing else; PREFER puts it first; without any it is an empty group,
 * and the node drops. Fallbacks come behind. */
START_TEST(a_rule_installs_what_keeps_its_constraints)
{
    static const struct {
        const char *rule;
        size_t members;
        bool sky_first;
    } rules[] = {
        {"{\"preference\":\"REQUIRE\",\"constraints\":{\"excludeGroups\":[1]}}", 1, true},
        {"{\"preference\":\"PREFER\",\"constraints\":{\"excludeGroups\":[1]}}", 2, true},
        {"{\"preference\":\"REQUIRE\",\"constraints\":{\"excludeLabels\":[\"medium\"]}}", 1, false},
        {"{\"preference\":\"REQUIRE\",\"underlays\":[\"sky\"],\"constraints\":{\"excludeLabels\":[\"medium\"]}}", 0,
         false},
        {"{\"preference\":\"REQUIRE\",\"constraints\":{\"maxLatencyUs\":1}}", 0, false},
        {"{\"preference\":\"REQUIRE\",\"constraints\":{\"maxLatencyUs\":1},\"fallbacks\":[{\"underlays\":[\"sky\"]}]}",
         1, true},
        {"{\"preference\":\"AVOID\",\"constraints\":{\"includeAllGroups\":[1]}}", 2, true},
    };
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        struct fixture f;
        satellite(&f);
        const Patronus__V1__GroupEntry *group = NULL;
        ck_assert_msg(members_of_rule(&f, rules[i].rule, &group) == rules[i].members, "%s: %zu", rules[i].rule,
                      group->n_members);
        const Patronus__V1__GroupMember *first = group->n_members > 0 ? group->members[0] : NULL;
        for (size_t j = 1; j < group->n_members; j++) {
            ck_assert_uint_ne(group->members[j]->tier, first->tier);
            first = group->members[j]->tier < first->tier ? group->members[j] : first;
        }
        ck_assert_msg((first != NULL && first->path == sky_path()) == rules[i].sky_first, "%s", rules[i].rule);
        fixture_fini(&f);
    }
}
END_TEST

static const Patronus__V1__PathEntry *path_entry(const struct fixture *f, uint64_t id)
{
    for (size_t i = 0; i < f->pass.nodes[0]->entries_len; i++) {
        const Patronus__V1__Entry *entry = f->pass.nodes[0]->entries[i];
        if (entry->entry_case == PATRONUS__V1__ENTRY__ENTRY_PATH && entry->path->path == id) {
            return entry->path;
        }
    }
    return NULL;
}

/* What a rule requires holds on the way too: its paths over other sites are strict, and are not those of other traffic.
 * One that only prefers may be led round; a path without transit has nobody to lead it. */
START_TEST(what_is_required_is_not_led_round)
{
    static const struct {
        const char *rule;
        bool strict;
    } rules[] = {
        {"{\"preference\":\"REQUIRE\",\"constraints\":{\"excludeLabels\":[\"medium\"]}}", true},
        {"{\"preference\":\"PREFER\",\"constraints\":{\"excludeLabels\":[\"medium\"]}}", false},
        {"{\"preference\":\"REQUIRE\",\"constraints\":{\"excludeGroups\":[1]}}", false},
    };
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        struct fixture f;
        satellite(&f);
        const Patronus__V1__GroupEntry *group = NULL;
        ck_assert_uint_gt(members_of_rule(&f, rules[i].rule, &group), 0);
        const Patronus__V1__PathEntry *path = path_entry(&f, group->members[0]->path);
        ck_assert_ptr_nonnull(path);
        ck_assert_int_eq(path->strict, rules[i].strict);
        for (size_t j = 0; rules[i].strict && j < pair_of(&f, 0, 2)->len; j++) {
            uint64_t id = pair_of(&f, 0, 2)->paths[j].id;
            ck_assert_uint_ne(path->path, id);
            ck_assert(path->path != te_strict_path(id) || !path_entry(&f, id)->strict);
        }
        fixture_fini(&f);
    }
}
END_TEST

/* A transit site knows labels, not links: where it may as well take one that is excluded, there is no path over it. */
START_TEST(transit_takes_any_tunnel_that_costs_least)
{
    for (unsigned dearer = 0; dearer < 2; dearer++) {
        struct fixture f;
        satellite(&f);
        const char *sky = dearer == 0 ? ",\"cost\":50,\"labels\":{\"medium\":\"satellite\"}"
                                      : ",\"cost\":500,\"labels\":{\"medium\":\"satellite\"}";
        put_link(&f, 1, 2, "more", sky);
        put_link(&f, 2, 2, "more", sky);
        measure_both(&f, ORG "/sites/s01/links/l02", ORG "/sites/s02/links/l02", 13000, 1000);
        const Patronus__V1__GroupEntry *group = NULL;
        size_t members = members_of_rule(
            &f, "{\"preference\":\"REQUIRE\",\"constraints\":{\"excludeLabels\":[\"medium\"]}}", &group);
        ck_assert_uint_eq(members, dearer);
        fixture_fini(&f);
    }
}
END_TEST

/* A path that no other traffic has among its own: the line over four sites, which the pair does not keep because there
 * are enough better ones, is found and its entry goes to the node. */
START_TEST(paths_are_found_that_nobody_else_uses)
{
    struct fixture f;
    fixture_init(&f);
    put_basics(&f);
    for (unsigned i = 0; i < 4; i++) {
        put_site(&f, i);
        for (unsigned n = 0; n < 5 && i != 1; n++) { /* s01 has red links only */
            char underlay[16];
            snprintf(underlay, sizeof(underlay), "u%u", n);
            put_link(&f, i, n, underlay, ",\"adminGroups\":[1]");
        }
    }
    const char *red = ",\"cost\":500,\"adminGroups\":[2]";
    put_link(&f, 0, 9, "r01", red);
    put_link(&f, 1, 9, "r01", red);
    put_link(&f, 1, 10, "r12", red);
    put_link(&f, 2, 9, "r12", red);
    const Patronus__V1__GroupEntry *group = NULL;
    ck_assert_uint_eq(
        members_of_rule(&f, "{\"preference\":\"REQUIRE\",\"constraints\":{\"includeAllGroups\":[2]}}", &group), 1);
    const Patronus__V1__PathEntry *path = NULL;
    for (size_t i = 0; i < f.pass.nodes[0]->entries_len; i++) {
        const Patronus__V1__Entry *entry = f.pass.nodes[0]->entries[i];
        if (entry->entry_case == PATRONUS__V1__ENTRY__ENTRY_PATH && entry->path->path == group->members[0]->path) {
            path = entry->path;
        }
    }
    ck_assert_ptr_nonnull(path);
    ck_assert_uint_eq(path->n_stack, 1);
    ck_assert_uint_eq(path->stack[0], 3);
    fixture_fini(&f);
}
END_TEST

/* ---- random networks ------------------------------------------------------------------------------------------ */

struct every {
    const struct te_topology *topology;
    const struct te_constraints *constraints;
    size_t target;
    bool visited[16];
    struct te_path path;
    uint64_t best;
};

static void walk(struct every *every, size_t site)
{
    if (site == every->target) {
        bool keeps = te_constraints_keep(every->constraints, every->topology, &every->path);
        every->best = keeps && every->path.metric < every->best ? every->path.metric : every->best;
        return;
    }
    size_t hops = every->path.tunnels_len;
    if (hops == 4 || (hops > 0 && !every->topology->sites[site].transits)) {
        return;
    }
    every->visited[site] = true;
    for (size_t i = 0; i < every->topology->tunnels_len; i++) {
        const struct te_tunnel *tunnel = &every->topology->tunnels[i];
        if (tunnel->from == site && !every->visited[tunnel->to]) {
            every->path.tunnels[hops] = i;
            every->path.tunnels_len = hops + 1;
            every->path.metric += tunnel->metric;
            walk(every, tunnel->to);
            every->path.metric -= tunnel->metric;
            every->path.tunnels_len = hops;
        }
    }
    every->visited[site] = false;
}

static void random_network(struct fixture *f, unsigned n)
{
    fixture_init(f);
    put_basics(f);
    unsigned used[8] = {0};
    for (unsigned i = 0; i < n; i++) {
        put_site(f, i);
    }
    for (unsigned a = 0; a < n; a++) {
        for (unsigned b = a + 1; b < n; b++) {
            if (rand() % 3 == 0) {
                continue;
            }
            char underlay[32], extra[128], names[2][64];
            snprintf(underlay, sizeof(underlay), "p%u-%u", a, b);
            snprintf(extra, sizeof(extra),
                     ",\"cost\":%d,\"adminGroups\":[%d],\"capacityUpBps\":\"%d\",\"capacityDownBps\":\"%d\"",
                     1 + rand() % 300, rand() % 4, 1 + rand() % 9, 1 + rand() % 9);
            snprintf(names[0], sizeof(names[0]), ORG "/sites/s%02u/links/l%02u", a, used[a]);
            snprintf(names[1], sizeof(names[1]), ORG "/sites/s%02u/links/l%02u", b, used[b]);
            put_link(f, a, used[a]++, underlay, extra);
            put_link(f, b, used[b]++, underlay, extra);
            measure_both(f, names[0], names[1], 1000 + (uint32_t)(rand() % 40000), (uint32_t)(rand() % 5) * 1000);
        }
    }
}

/* Two bounds at once are where a search that keeps one best way to each site goes wrong: here the first path is the
 * best of all paths that there are, and there is one exactly when some path keeps the constraints. */
START_TEST(random_networks_against_every_path)
{
    srand((unsigned)_i + 1);
    struct fixture f;
    unsigned n = 4 + (unsigned)rand() % 4;
    random_network(&f, n);
    pass_ok(&f);
    const struct te_topology *t = topology_of(&f);
    size_t found = 0;
    for (unsigned question = 0; question < 6; question++) {
        char json[256];
        snprintf(json, sizeof(json), "{\"maxLatencyUs\":%d,\"maxLossPpm\":%d,\"minCapacityBps\":\"%d\"%s}",
                 5000 + rand() % 60000, rand() % 9000, rand() % 4, rand() % 2 == 0 ? ",\"excludeGroups\":[0]" : "");
        const struct te_constraints *constraints = te_constraints_new(t, constraints_of(&f, json), &f.arena);
        for (size_t from = 0; from < n; from++) {
            struct te_constrained *search = te_constrained_new(t, &t->fabrics[0], constraints, from, NULL);
            for (size_t to = 0; to < n; to++) {
                struct te_pair pair;
                struct every every = {.topology = t, .constraints = constraints, .target = to, .best = UINT64_MAX};
                if (from != to) {
                    walk(&every, from);
                }
                bool any = te_constrained_pair(search, to, &pair);
                ck_assert_msg(any == (every.best != UINT64_MAX), "%s: %zu -> %zu", json, from, to);
                for (size_t i = 0; i < pair.len; i++) {
                    ck_assert(te_constraints_keep(constraints, t, &pair.paths[i]));
                    ck_assert_uint_ge(pair.paths[i].metric, every.best);
                }
                ck_assert(!any || pair.paths[0].metric == every.best);
                found += pair.len;
            }
            te_constrained_free(search);
        }
    }
    ck_assert_uint_gt(found, 0);
    fixture_fini(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("te constrain");
    TCase *tcase = tcase_create("constrain");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, each_constraint_does_what_it_says, 0, (int)(sizeof(questions) / sizeof(questions[0])));
    tcase_add_test(tcase, a_rule_installs_what_keeps_its_constraints);
    tcase_add_test(tcase, what_is_required_is_not_led_round);
    tcase_add_test(tcase, transit_takes_any_tunnel_that_costs_least);
    tcase_add_test(tcase, paths_are_found_that_nobody_else_uses);
    tcase_add_loop_test(tcase, random_networks_against_every_path, 0, 60);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
