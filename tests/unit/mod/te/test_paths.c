/* Paths: what is chosen on small topologies, and properties on random ones against an exhaustive search. */
#include "fixture.h"

static const struct te_link *first_link(struct fixture *f, const struct te_path *path)
{
    const struct te_topology *t = topology_of(f);
    return &t->links[t->tunnels[path->tunnels[0]].local];
}

static bool share_link(struct fixture *f, const struct te_path *a, const struct te_path *b)
{
    const struct te_topology *t = topology_of(f);
    for (size_t i = 0; i < a->tunnels_len; i++) {
        for (size_t j = 0; j < b->tunnels_len; j++) {
            const struct te_tunnel *x = &t->tunnels[a->tunnels[i]];
            const struct te_tunnel *y = &t->tunnels[b->tunnels[j]];
            if (x->local == y->local || x->remote == y->remote || x->local == y->remote || x->remote == y->local) {
                return true;
            }
        }
    }
    return false;
}

/* Two sites with two underlays: both direct tunnels are equal, so they share tier 0 and no link. */
START_TEST(equal_direct_paths_share_the_load)
{
    struct fixture f;
    fixture_init(&f);
    put_basics(&f);
    for (unsigned i = 0; i < 2; i++) {
        put_site(&f, i);
        put_link(&f, i, 0, "inet", ",\"capacityUpBps\":\"100000000\",\"capacityDownBps\":\"100000000\"");
        put_link(&f, i, 1, "mpls", ",\"capacityUpBps\":\"50000000\",\"capacityDownBps\":\"50000000\"");
    }
    pass_ok(&f);
    const struct te_pair *pair = pair_of(&f, 0, 1);
    ck_assert_uint_eq(pair->len, 2);
    ck_assert_uint_eq(pair->paths[0].tier, 0);
    ck_assert_uint_eq(pair->paths[1].tier, 0);
    ck_assert(!share_link(&f, &pair->paths[0], &pair->paths[1]));
    unsigned inet = strcmp(first_link(&f, &pair->paths[0])->underlay, "inet") == 0 ? 0 : 1;
    ck_assert_uint_eq(pair->paths[inet].weight, 16);
    ck_assert_uint_eq(pair->paths[1 - inet].weight, 8); /* half the capacity, half the weight */
    fixture_fini(&f);
}
END_TEST

/* A costs more: it becomes the backup. */
START_TEST(costlier_link_is_the_backup)
{
    struct fixture f;
    fixture_init(&f);
    put_basics(&f);
    for (unsigned i = 0; i < 2; i++) {
        put_site(&f, i);
        put_link(&f, i, 0, "inet", ",\"cost\":50");
        put_link(&f, i, 1, "mpls", "");
    }
    pass_ok(&f);
    const struct te_pair *pair = pair_of(&f, 0, 1);
    ck_assert_uint_eq(pair->len, 2);
    ck_assert_str_eq(first_link(&f, &pair->paths[0])->underlay, "mpls");
    ck_assert_uint_eq(pair->paths[1].tier, 1);
    ck_assert(pair->paths[1].disjoint);
    fixture_fini(&f);
}
END_TEST

/* s00 - s01 - s02 in a line: the ends reach each other over the middle, by its label and then theirs. */
START_TEST(transit_site_stands_in_the_path)
{
    struct fixture f;
    fixture_init(&f);
    put_basics(&f);
    for (unsigned i = 0; i < 3; i++) {
        put_site(&f, i);
    }
    put_pair(&f, 0, 0, 1, 0);
    put_pair(&f, 1, 1, 2, 0);
    pass_ok(&f);
    const struct te_pair *pair = pair_of(&f, 0, 2);
    ck_assert_uint_eq(pair->len, 1);
    ck_assert_uint_eq(pair->paths[0].tunnels_len, 2);
    const struct te_topology *t = topology_of(&f);
    ck_assert_uint_eq(t->tunnels[pair->paths[0].tunnels[0]].to, 1);
    const uint32_t stack[] = {3};
    ck_assert_uint_eq(pair->paths[0].id, te_path_id(t->tunnels[pair->paths[0].tunnels[0]].id, stack, 1));
    /* The first hop carries one label (8 bytes), the second none, or two that a repair puts in front (12). */
    for (size_t i = 0; i < f.pass.nodes[0]->entries_len; i++) {
        const Patronus__V1__Entry *entry = f.pass.nodes[0]->entries[i];
        if (entry->entry_case == PATRONUS__V1__ENTRY__ENTRY_PATH && entry->path->path == pair->paths[0].id) {
            ck_assert(entry->path->sealed); /* the default */
            ck_assert_uint_eq(entry->path->mtu, 1500 - 36 - 12 - 32);
        }
    }
    /* The middle knows what both labels mean. */
    ck_assert_ptr_nonnull(group_of(f.pass.nodes[1], 1, 0xffffffff));
    ck_assert_ptr_nonnull(group_of(f.pass.nodes[1], 3, 0xffffffff));
    fixture_fini(&f);
}
END_TEST

/* The line s00 - s01 - s02 and a way round: s01 - s03 - s02. What s01 does with packets for s02 when its tunnel there
 * is dead stands in its bundle beforehand: label of s02 behind the tunnel to s03. */
START_TEST(transit_sites_have_repairs)
{
    struct fixture f;
    fixture_init(&f);
    put_basics(&f);
    for (unsigned i = 0; i < 4; i++) {
        put_site(&f, i);
    }
    put_pair(&f, 0, 0, 1, 0);
    put_pair(&f, 1, 1, 2, 0);
    put_pair(&f, 1, 2, 3, 0);
    put_pair(&f, 3, 1, 2, 1);
    pass_ok(&f);
    const Patronus__V1__GroupEntry *group = group_of(f.pass.nodes[1], 3, 0xffffffff);
    ck_assert_ptr_nonnull(group);
    ck_assert_uint_eq(group->n_members, 2);
    ck_assert_uint_eq(group->members[0]->tier, 0);
    ck_assert_uint_ge(group->members[1]->tier, 1024);
    const Patronus__V1__PathEntry *repair = NULL;
    for (size_t i = 0; i < f.pass.nodes[1]->entries_len; i++) {
        const Patronus__V1__Entry *entry = f.pass.nodes[1]->entries[i];
        if (entry->entry_case == PATRONUS__V1__ENTRY__ENTRY_PATH && entry->path->path == group->members[1]->path) {
            repair = entry->path;
        }
    }
    ck_assert_ptr_nonnull(repair);
    ck_assert_uint_eq(repair->destination, 3);
    ck_assert_uint_eq(repair->n_stack, 1);
    ck_assert_uint_eq(repair->stack[0], 3);
    /* s00 lies behind one cable: nothing to repair with. */
    ck_assert_uint_eq(group_of(f.pass.nodes[1], 1, 0xffffffff)->n_members, 1);
    fixture_fini(&f);
}
END_TEST

/* The same line with the middle drained: it carries no transit. */
START_TEST(drained_site_carries_no_transit)
{
    struct fixture f;
    fixture_init(&f);
    put_basics(&f);
    for (unsigned i = 0; i < 3; i++) {
        put_site(&f, i);
    }
    put(&f, "site", "{\"name\":\"" ORG "/sites/s01\",\"siteLabel\":2,\"adminState\":\"DRAINED\"}");
    put_pair(&f, 0, 0, 1, 0);
    put_pair(&f, 1, 1, 2, 0);
    pass_ok(&f);
    ck_assert_uint_eq(pair_of(&f, 0, 2)->len, 0);
    ck_assert_uint_eq(pair_of(&f, 0, 1)->len, 1); /* its own traffic goes on */
    fixture_fini(&f);
}
END_TEST

/* A dead tunnel falls behind every live path; jitter of a delay within its step moves nothing. */
START_TEST(dead_tunnel_falls_behind)
{
    struct fixture f;
    fixture_init(&f);
    put_basics(&f);
    for (unsigned i = 0; i < 2; i++) {
        put_site(&f, i);
        put_link(&f, i, 0, "inet", "");
        put_link(&f, i, 1, "mpls", ",\"cost\":50");
    }
    uint64_t inet = te_tunnel_id(ORG "/sites/s00/links/l00", ORG "/sites/s01/links/l00");
    measure(&f, te_direct_path(inet), false, 0);
    pass_ok(&f);
    const struct te_pair *pair = pair_of(&f, 0, 1);
    ck_assert_str_eq(first_link(&f, &pair->paths[0])->underlay, "mpls");
    ck_assert_uint_eq(pair->paths[1].id, te_direct_path(inet));
    fixture_fini(&f);
}
END_TEST

/* Links of one risk group do not protect each other when another choice exists. */
START_TEST(backup_avoids_the_risk_group)
{
    struct fixture f;
    fixture_init(&f);
    put_basics(&f);
    for (unsigned i = 0; i < 2; i++) {
        put_site(&f, i);
        put_link(&f, i, 0, "a", ",\"srlgs\":[5]");
        put_link(&f, i, 1, "b", ",\"srlgs\":[5],\"cost\":20");
        put_link(&f, i, 2, "c", ",\"cost\":90");
    }
    pass_ok(&f);
    const struct te_pair *pair = pair_of(&f, 0, 1);
    ck_assert_str_eq(first_link(&f, &pair->paths[0])->underlay, "a");
    ck_assert_str_eq(first_link(&f, &pair->paths[1])->underlay, "c");
    ck_assert(pair->paths[1].disjoint);
    fixture_fini(&f);
}
END_TEST

/* ---- random topologies ----------------------------------------------------------------------------------------------
 */

struct exhaustive {
    const struct te_topology *topology;
    size_t target;
    bool visited[16];
    uint64_t best;
    size_t hops_max;
};

static void walk(struct exhaustive *search, size_t site, size_t hops, uint64_t metric)
{
    if (site == search->target) {
        search->best = metric < search->best ? metric : search->best;
        return;
    }
    if (hops == search->hops_max || (hops > 0 && !search->topology->sites[site].transits)) {
        return;
    }
    search->visited[site] = true;
    for (size_t i = 0; i < search->topology->tunnels_len; i++) {
        const struct te_tunnel *tunnel = &search->topology->tunnels[i];
        if (tunnel->from == site && !search->visited[tunnel->to]) {
            walk(search, tunnel->to, hops + 1, metric + tunnel->metric);
        }
    }
    search->visited[site] = false;
}

static void check_path(const struct te_topology *t, const struct te_path *path, size_t from, size_t to)
{
    bool seen[16] = {false};
    size_t site = from;
    seen[from] = true;
    ck_assert_uint_ge(path->tunnels_len, 1);
    ck_assert_uint_le(path->tunnels_len, 4);
    for (size_t i = 0; i < path->tunnels_len; i++) {
        const struct te_tunnel *tunnel = &t->tunnels[path->tunnels[i]];
        ck_assert_uint_eq(tunnel->from, site);
        site = tunnel->to;
        ck_assert_msg(!seen[site], "a path visits a site twice");
        seen[site] = true;
    }
    ck_assert_uint_eq(site, to);
}

START_TEST(random_topologies_keep_the_rules)
{
    struct fixture f;
    fixture_init(&f);
    srand((unsigned)_i + 1);
    put_basics(&f);
    unsigned n = 3 + (unsigned)rand() % 4;
    unsigned used[8] = {0};
    for (unsigned i = 0; i < n; i++) {
        put_site(&f, i);
    }
    for (unsigned a = 0; a < n; a++) {
        for (unsigned b = a + 1; b < n; b++) {
            if (rand() % 2 == 0) {
                char underlay[32];
                char extra[64];
                snprintf(underlay, sizeof(underlay), "p%u-%u", a, b);
                snprintf(extra, sizeof(extra), ",\"cost\":%d", 1 + rand() % 30);
                put_link(&f, a, used[a]++, underlay, extra);
                put_link(&f, b, used[b]++, underlay, extra);
            }
        }
    }
    pass_ok(&f);
    const struct te_topology *t = topology_of(&f);
    for (size_t from = 0; from < n; from++) {
        for (size_t to = 0; to < n; to++) {
            if (from == to) {
                continue;
            }
            struct exhaustive search = {.topology = t, .target = to, .best = UINT64_MAX, .hops_max = 4};
            walk(&search, from, 0, 0);
            const struct te_pair *pair = pair_of(&f, from, to);
            ck_assert_msg((pair->len > 0) == (search.best != UINT64_MAX), "reachability %zu -> %zu", from, to);
            for (size_t i = 0; i < pair->len; i++) {
                check_path(t, &pair->paths[i], from, to);
                ck_assert_uint_ge(pair->paths[i].metric, search.best);
                ck_assert_uint_ge(pair->paths[i].weight, 1);
                for (size_t j = 0; j < i; j++) {
                    ck_assert_uint_ne(pair->paths[i].id, pair->paths[j].id);
                    if (pair->paths[i].tier == 0) {
                        ck_assert(!share_link(&f, &pair->paths[i], &pair->paths[j]));
                    }
                }
            }
            if (pair->len > 0) {
                ck_assert_uint_eq(pair->paths[0].metric, search.best);
                ck_assert_uint_eq(pair->paths[0].tier, 0);
            }
        }
    }
    fixture_fini(&f);
}
END_TEST

/* One site more than is computed fails the pass, whatever the links are; what is in force stays. */
START_TEST(a_fabric_that_is_too_large_is_refused)
{
    struct fixture f;
    fixture_init(&f);
    put_basics(&f);
    for (unsigned i = 0; i <= TE_SITES_PER_FABRIC_MAX; i++) {
        put(&f, "site", "{\"name\":\"" ORG "/sites/s%u\",\"siteLabel\":%u}", i, i + 1);
        put(&f, "edge", "{\"name\":\"" ORG "/sites/s%u/edges/e\",\"nodeId\":\"edge/x\"}", i);
    }
    struct pt_error error = {0};
    ck_assert_int_eq(run_pass(&f, &error), PT_EXHAUSTED);
    ck_assert_str_eq(error.field, ORG "/fabrics/f");
    fixture_fini(&f);
}
END_TEST

/* A list of paths takes memory for the paths there are, not for those that so many sites could have: with 10,000 sites
 * that was more than the machine has, and whoever led ended. */
START_TEST(sites_without_paths_cost_a_list_nothing)
{
    struct fixture f;
    fixture_init_sites(&f, 2);
    for (unsigned i = 2; i < 2000; i++) {
        put(&f, "site", "{\"name\":\"" ORG "/sites/t%u\",\"siteLabel\":%u}", i, i + 1);
    }
    pass_ok(&f);
    struct pt_arena arena;
    pt_arena_init(&arena);
    size_t len = 0;
    const struct te_view_item *items = te_view_paths(&f.pass, pt_schema_kind(f.schema, "path"), &arena, &len);
    ck_assert_uint_eq(len, 2);
    ck_assert_str_eq(items[0].msg->type->name, "Path");
    ck_assert_uint_lt(arena.total_size, 1 << 20);
    pt_arena_fini(&arena);
    fixture_fini(&f);
}
END_TEST

/* The same state gives the same entries. */
START_TEST(passes_are_deterministic)
{
    struct pt_digest digests[2];
    for (unsigned round = 0; round < 2; round++) {
        struct fixture f;
        fixture_init(&f);
        put_basics(&f);
        for (unsigned i = 0; i < 5; i++) {
            put_site(&f, i);
            put_link(&f, i, 0, "inet", "");
            put_link(&f, i, 1, "mpls", "");
        }
        pass_ok(&f);
        struct pt_bundle *bundle = pt_bundle_new(f.pass.nodes[3]->entries, f.pass.nodes[3]->entries_len);
        digests[round] = *pt_bundle_digest(bundle);
        pt_bundle_unref(bundle);
        fixture_fini(&f);
    }
    ck_assert(pt_digest_equal(&digests[0], &digests[1]));
}
END_TEST

/* Four sites, two regions (s00 and s01 east, s02 and s03 west), one underlay: exactly the pairs that the topology wants
 * have tunnels, one each way. wanted: a bit for each pair in the order 01 02 03 12 13 23. */
static void check_adjacency(const char *topology, const char *hubs, unsigned wanted)
{
    struct fixture f;
    fixture_init(&f);
    put_basics(&f);
    put(&f, "fabric", "{\"name\":\"" ORG "/fabrics/f\",\"topology\":\"%s\",\"hubs\":[%s]}", topology, hubs);
    for (unsigned i = 0; i < 4; i++) {
        put_site(&f, i);
        put(&f, "site", "{\"name\":\"" ORG "/sites/s%02u\",\"siteLabel\":%u,\"region\":\"%s\"}", i, i + 1,
            i < 2 ? "east" : "west");
        put_link(&f, i, 0, "inet", "");
    }
    pass_ok(&f);
    const struct te_topology *t = topology_of(&f);
    unsigned count[4][4] = {0};
    for (size_t i = 0; i < t->tunnels_len; i++) {
        count[t->tunnels[i].from][t->tunnels[i].to]++;
    }
    unsigned bit = 0;
    for (unsigned a = 0; a < 4; a++) {
        ck_assert_uint_eq(count[a][a], 0);
        for (unsigned b = a + 1; b < 4; b++, bit++) {
            ck_assert_msg(count[a][b] == (wanted >> bit & 1), "%s: s%02u to s%02u: %u", topology, a, b, count[a][b]);
            ck_assert_msg(count[b][a] == (wanted >> bit & 1), "%s: s%02u to s%02u: %u", topology, b, a, count[b][a]);
        }
    }
    fixture_fini(&f);
}

START_TEST(fabrics_make_the_tunnels_of_their_topology)
{
    static const char one[] = "\"" ORG "/sites/s00\"", two[] = "\"" ORG "/sites/s00\",\"" ORG "/sites/s02\"";
    enum { P01 = 1, P02 = 2, P03 = 4, P12 = 8, P13 = 16, P23 = 32 };
    check_adjacency("FULL_MESH", "", P01 | P02 | P03 | P12 | P13 | P23);
    check_adjacency("HUB_SPOKE", one, P01 | P02 | P03);
    check_adjacency("HUB_SPOKE", two, P01 | P02 | P03 | P12 | P23);
    check_adjacency("REGIONAL", "", P01 | P23);
    check_adjacency("REGIONAL", two, P01 | P23 | P02);
    check_adjacency("REGIONAL", one, P01 | P23); /* a hub of one region has no other to meet */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("te paths");
    TCase *tcase = tcase_create("paths");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, equal_direct_paths_share_the_load);
    tcase_add_test(tcase, costlier_link_is_the_backup);
    tcase_add_test(tcase, transit_site_stands_in_the_path);
    tcase_add_test(tcase, transit_sites_have_repairs);
    tcase_add_test(tcase, drained_site_carries_no_transit);
    tcase_add_test(tcase, dead_tunnel_falls_behind);
    tcase_add_test(tcase, backup_avoids_the_risk_group);
    tcase_add_loop_test(tcase, random_topologies_keep_the_rules, 0, 60);
    tcase_add_test(tcase, a_fabric_that_is_too_large_is_refused);
    tcase_add_test(tcase, sites_without_paths_cost_a_list_nothing);
    tcase_add_test(tcase, passes_are_deterministic);
    tcase_add_test(tcase, fabrics_make_the_tunnels_of_their_topology);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
