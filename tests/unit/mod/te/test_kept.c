/*
 * Passes that go on from the one before, against passes that make everything anew: random fabrics, and on each a random
 * sequence of what happens to links and sites. After each step every pair must have the very same paths, tiers and
 * weights, on one thread or several, and what is kept for the step after must be the same too.
 */
#include "fixture.h"

#include "mod/te/kept.h"

#include "flow/paths.h"

#include <pthread.h>

#define SITES_MAX 10
#define LINKS_MAX 6
#define STEPS 24
#define THREADS 3

struct net {
    struct fixture f;
    unsigned sites, links[SITES_MAX];
    char underlay[SITES_MAX][LINKS_MAX][32];
    char state[SITES_MAX][LINKS_MAX][96]; /* more JSON members of the link */
    const struct te_solution *newest;
    size_t searched, pairs; /* over all steps but the first of a fabric */
};

/* ---- a random one ---------------------------------------------------------------------------------------------- */

static void write_link(struct net *n, unsigned site, unsigned link)
{
    put_link(&n->f, site, link, n->underlay[site][link], n->state[site][link]);
}

static void add_link(struct net *n, unsigned site, const char *underlay)
{
    static const char *const states[] = {"", "", ",\"srlgs\":[7]", ",\"srlgs\":[7,8]", ",\"cost\":30"};
    unsigned link = n->links[site];
    if (link < LINKS_MAX) {
        (void)snprintf(n->underlay[site][link], sizeof(n->underlay[site][link]), "%s", underlay);
        (void)snprintf(n->state[site][link], sizeof(n->state[site][link]), "%s", states[rand() % 5]);
        n->links[site]++;
        write_link(n, site, link);
    }
}

static void add_cable(struct net *n, unsigned a, unsigned b)
{
    char underlay[32];
    (void)snprintf(underlay, sizeof(underlay), "p%u-%u", a, b);
    if (n->links[a] < LINKS_MAX && n->links[b] < LINKS_MAX) {
        add_link(n, a, underlay);
        add_link(n, b, underlay);
    }
}

/* Kinds: a mesh over shared underlays; a ring with chords; spokes with one link or two; all of it. */
static void net_init(struct net *n, int seed)
{
    static const char *const shared[] = {"inet", "mpls", "lte"};
    srand((unsigned)seed + 1);
    memset(n, 0, sizeof(*n));
    fixture_init(&n->f);
    put_basics(&n->f);
    int kind = seed % 4;
    n->sites = 4 + (unsigned)rand() % (SITES_MAX - 3);
    put(&n->f, "fabric",
        "{\"name\":\"" ORG "/fabrics/f\",\"maxTransitSites\":%d,\"topology\":\"%s\",\"hubs\":[\"" ORG
        "/sites/s00\",\"" ORG "/sites/s01\"]}",
        1 + rand() % 4, kind == 2 ? "HUB_SPOKE" : "FULL_MESH");
    put(&n->f, "fabric",
        "{\"name\":\"" ORG "/fabrics/g\",\"sites\":[\"" ORG "/sites/s00\",\"" ORG "/sites/s02\",\"" ORG
        "/sites/s03\"]}");
    for (unsigned i = 0; i < n->sites; i++) {
        put_site(&n->f, i);
        for (unsigned j = 0; kind != 1 && j < 3; j++) {
            if (j == 0 || rand() % 3 == 0) {
                add_link(n, i, shared[j]);
            }
        }
    }
    for (unsigned i = 0; (kind & 1) != 0 && i < n->sites; i++) {
        add_cable(n, i, (i + 1) % n->sites);
        unsigned other = (unsigned)rand() % n->sites;
        if (other != i && rand() % 2 == 0) {
            add_cable(n, i, other);
        }
    }
}

/* ---- what happens ---------------------------------------------------------------------------------------------- */

static void measure_link(struct net *n, size_t link, bool alive, uint32_t rtt_us)
{
    const struct te_topology *topology = topology_of(&n->f);
    for (size_t i = 0; i < topology->tunnels_len; i++) {
        if (topology->tunnels[i].local == link) {
            measure(&n->f, te_direct_path(topology->tunnels[i].id), alive, rtt_us);
        }
    }
}

static void happen(struct net *n)
{
    static const char *const states[] = {"", ",\"cost\":30", ",\"adminState\":\"DRAINED\"", ",\"cost\":11",
                                         ",\"srlgs\":[7]"};
    const struct te_topology *topology = topology_of(&n->f);
    const struct te_tunnel *tunnel = &topology->tunnels[(size_t)rand() % topology->tunnels_len];
    unsigned site = (unsigned)rand() % n->sites, link = (unsigned)rand() % n->links[site];
    switch (rand() % 10) {
    case 0: /* a link goes down, or comes back */
    case 1:
    case 2:
    case 3:
        measure_link(n, (size_t)rand() % topology->links_len, rand() % 2 == 0, 0);
        break;
    case 4: /* one tunnel's delay, by some steps or none */
    case 5:
    case 6:
        measure(&n->f, te_direct_path(tunnel->id), true, (uint32_t)(rand() % 5) * 10000);
        break;
    case 7: /* a link is drained, or costs something else, or is in another risk group */
    case 8:
        (void)snprintf(n->state[site][link], sizeof(n->state[site][link]), "%s", states[rand() % 5]);
        write_link(n, site, link);
        break;
    default: /* a site is drained, or back */
        put(&n->f, "site", "{\"name\":\"" ORG "/sites/s%02u\",\"siteLabel\":%u%s}", site, site + 1,
            rand() % 2 == 0 ? ",\"adminState\":\"DRAINED\"" : "");
        break;
    }
}

/* ---- comparing ------------------------------------------------------------------------------------------------- */

static void ck_same_pair(const struct te_pair *a, const struct te_pair *b)
{
    ck_assert_uint_eq(a->len, b->len);
    for (size_t i = 0; i < a->len; i++) {
        const struct te_path *x = &a->paths[i], *y = &b->paths[i];
        ck_assert_uint_eq(x->id, y->id);
        ck_assert_uint_eq(x->metric, y->metric);
        ck_assert_uint_eq(x->tier, y->tier);
        ck_assert_uint_eq(x->weight, y->weight);
        ck_assert_int_eq(x->disjoint, y->disjoint);
        ck_assert_uint_eq(x->tunnels_len, y->tunnels_len);
        ck_assert_mem_eq(x->tunnels, y->tunnels, x->tunnels_len * sizeof(x->tunnels[0]));
    }
}

static void ck_same_kept(const struct te_kept *a, const struct te_kept *b, size_t places)
{
    ck_assert_mem_eq(a->first, b->first, (places + 1) * sizeof(a->first[0]));
    ck_assert_mem_eq(a->limit, b->limit, places * sizeof(a->limit[0]));
    for (size_t i = 0; i < a->first[places]; i++) {
        ck_assert_uint_eq(a->paths[i].id, b->paths[i].id);
        ck_assert_uint_eq(a->paths[i].metric, b->paths[i].metric);
        ck_assert_int_eq(a->paths[i].dropped, b->paths[i].dropped);
    }
}

static void ck_same(const struct te_topology *topology, const struct te_paths *a, const struct te_paths *b)
{
    for (size_t f = 0; f < topology->fabrics_len; f++) {
        size_t places = topology->fabrics[f].members_len;
        for (size_t i = 0; i < places * places; i++) {
            ck_same_pair(&a->fabrics[f].pairs[i], &b->fabrics[f].pairs[i]);
        }
        for (size_t i = 0; i < places; i++) {
            ck_same_kept(&a->fabrics[f].kept[i], &b->fabrics[f].kept[i], places);
        }
    }
}

/* ---- passes ---------------------------------------------------------------------------------------------------- */

/* The stage once more on the newest topology, from nothing, or from `previous`. */
static const struct te_paths *paths_of(struct fixture *f, const struct te_solution *previous,
                                       const struct pt_flow_workers *workers)
{
    struct pt_plan_pass pass = f->pass;
    pass.previous = previous;
    pass.workers = workers;
    void *section = NULL;
    struct pt_error error = {0};
    ck_assert_msg(te_paths_run(&pass, &section, &error) == PT_OK, "%s", error.text);
    const struct te_paths *paths = section;
    pt_map_fini(&((struct te_solution *)(uintptr_t)paths->solution)->weights);
    return paths;
}

static void step(struct net *n)
{
    if (n->newest == NULL) {
        pass_ok(&n->f);
    } else {
        pass_again(&n->f, n->newest);
    }
    const struct te_topology *topology = topology_of(&n->f);
    const struct te_paths *paths = pt_map_get_str(&n->f.pass.sections, "te");
    ck_same(topology, paths, paths_of(&n->f, NULL, NULL));
    for (size_t f = 0; n->newest != NULL && f < topology->fabrics_len; f++) {
        n->searched += paths->fabrics[f].searched;
        n->pairs += topology->fabrics[f].members_len * (topology->fabrics[f].members_len - 1);
    }
    n->newest = te_solution_of(&n->f.pass);
}

START_TEST(a_pass_that_goes_on_is_a_pass_made_anew)
{
    static struct net n;
    net_init(&n, _i);
    step(&n);
    for (int i = 0; i < STEPS; i++) {
        for (int j = rand() % 3; j >= 0; j--) {
            happen(&n);
        }
        step(&n);
    }
    ck_assert_uint_lt(n.searched, n.pairs); /* and it did go on, mostly */
    fixture_fini(&n.f);
}
END_TEST

/* ---- who is searched for anew ---------------------------------------------------------------------------------- */

static void mesh_init(struct net *n, unsigned sites)
{
    memset(n, 0, sizeof(*n));
    fixture_init_sites(&n->f, sites);
    for (unsigned i = 0; i < sites; i++) {
        put_link(&n->f, i, 1, "mpls", "");
    }
    step(n);
}

static size_t searched(const struct net *n)
{
    return ((const struct te_paths *)pt_map_get_str(&n->f.pass.sections, "te"))->fabrics[0].searched;
}

/* In a mesh a link's end concerns the pairs of its site and nobody else, when it goes and when it comes; what changes
 * no metric concerns no pair. */
START_TEST(a_link_concerns_its_own_pairs)
{
    static struct net n;
    const unsigned sites = 12;
    mesh_init(&n, sites);
    ck_assert_uint_eq(searched(&n), sites * (sites - 1));
    step(&n);
    ck_assert_uint_eq(searched(&n), 0);
    for (int i = 0; i < 2; i++) {
        measure_link(&n, 7, i == 1, 0);
        step(&n);
        ck_assert_uint_eq(searched(&n), 2 * (sites - 1));
    }
    put(&n.f, "segment", "{\"name\":\"" ORG "/segments/more\",\"fabric\":\"" ORG "/fabrics/f\",\"vni\":8}");
    step(&n);
    ck_assert_uint_eq(searched(&n), 0);
    fixture_fini(&n.f);
}
END_TEST

/* Another set of sites, links or tunnels: nothing of before is asked. */
START_TEST(another_shape_is_made_anew)
{
    static struct net n;
    mesh_init(&n, 5);
    put_site(&n.f, 5);
    put_link(&n.f, 5, 0, "inet", "");
    step(&n);
    ck_assert_uint_eq(searched(&n), 6 * 5);
    put_link(&n.f, 2, 1, "mpls", ",\"adminState\":\"MAINTENANCE\"");
    step(&n);
    ck_assert_uint_eq(searched(&n), 6 * 5);
    put(&n.f, "site", "{\"name\":\"" ORG "/sites/s03\",\"siteLabel\":4,\"adminState\":\"DRAINED\"}");
    step(&n);
    ck_assert_uint_eq(searched(&n), 6 * 5);
    fixture_fini(&n.f);
}
END_TEST

/* ---- more found than is kept ----------------------------------------------------------------------------------- */

/* s00 = s01, three cables s01 = s03, and a long way s01 = s02 = s03. The best way has the first cable, in risk groups 1
 * and 9. Five searches find ways over the same sites, which are no new paths: four (whatever is shared, either link,
 * group 1) by the second cable, which is in group 9, and the last one (group 9) by the third, which is in group 1. */
static void cables_init(struct net *n)
{
    memset(n, 0, sizeof(*n));
    fixture_init(&n->f);
    put_basics(&n->f);
    put(&n->f, "fabric", "{\"name\":\"" ORG "/fabrics/f\",\"maxTransitSites\":3}");
    for (unsigned i = 0; i < 4; i++) {
        put_site(&n->f, i);
    }
    put_link(&n->f, 0, 0, "way", "");
    put_link(&n->f, 1, 0, "way", "");
    put_link(&n->f, 1, 1, "first", ",\"srlgs\":[1,9]");
    put_link(&n->f, 1, 2, "second", ",\"srlgs\":[9],\"cost\":20");
    put_link(&n->f, 1, 3, "third", ",\"srlgs\":[1],\"cost\":30");
    put_link(&n->f, 1, 4, "long", ",\"srlgs\":[1],\"cost\":60");
    put_link(&n->f, 2, 0, "long", "");
    put_link(&n->f, 2, 1, "last", "");
    put_link(&n->f, 3, 0, "first", "");
    put_link(&n->f, 3, 1, "second", "");
    put_link(&n->f, 3, 2, "third", "");
    put_link(&n->f, 3, 3, "last", "");
    step(n);
}

/* What the fifth search found is not kept, so that nothing says that the third cable concerns the pair: it has to be
 * searched for whatever changes. When that cable becomes slow, group 9 is avoided by the long way alone, a new path. */
START_TEST(a_pair_with_more_found_than_is_kept_is_searched_for_at_any_change)
{
    static struct net n;
    cables_init(&n);
    const struct te_paths *paths = pt_map_get_str(&n.f.pass.sections, "te");
    ck_assert_uint_eq(paths->fabrics[0].kept[0].limit[3], TE_LIMIT_NONE);
    ck_assert_uint_eq(pair_of(&n.f, 0, 3)->len, 1);
    step(&n);
    ck_assert_uint_eq(searched(&n), 0); /* no change at all */
    measure_link(&n, 4, true, 500000);  /* s01's link to the third cable */
    step(&n);
    ck_assert_uint_eq(pair_of(&n.f, 0, 3)->len, 2);
    ck_assert_uint_eq(pair_of(&n.f, 0, 3)->paths[1].tunnels_len, 3);
    fixture_fini(&n.f);
}
END_TEST

/* ---- threads --------------------------------------------------------------------------------------------------- */

struct part {
    pthread_t thread;
    pt_flow_work_fn work;
    void *arg;
    size_t part;
};

static void *run_part(void *arg)
{
    struct part *part = arg;
    part->work(part->arg, part->part);
    return NULL;
}

/* A thread for each part; counts them. */
static void run_threads(void *run_arg, pt_flow_work_fn work, void *arg, size_t parts)
{
    struct part all[THREADS];
    ck_assert_uint_le(parts, THREADS);
    for (size_t i = 0; i < parts; i++) {
        all[i] = (struct part){.work = work, .arg = arg, .part = i};
        ck_assert_int_eq(pthread_create(&all[i].thread, NULL, run_part, &all[i]), 0);
    }
    for (size_t i = 0; i < parts; i++) {
        ck_assert_int_eq(pthread_join(all[i].thread, NULL), 0);
    }
    *(size_t *)run_arg += parts;
}

START_TEST(threads_find_what_one_finds)
{
    static struct net n;
    const unsigned sites = 66;
    size_t parts = 0;
    const struct pt_flow_workers workers = {.run = run_threads, .run_arg = &parts, .threads = THREADS};
    mesh_init(&n, sites);
    const struct te_topology *topology = topology_of(&n.f);
    const struct te_paths *paths = pt_map_get_str(&n.f.pass.sections, "te");
    ck_same(topology, paths, paths_of(&n.f, NULL, &workers));
    ck_assert_uint_eq(parts, THREADS);
    const struct te_solution *before = n.newest;
    measure_link(&n, 7, false, 0);
    step(&n);
    paths = pt_map_get_str(&n.f.pass.sections, "te");
    const struct te_paths *spread = paths_of(&n.f, before, &workers);
    ck_same(topology_of(&n.f), paths, spread);
    ck_assert_uint_eq(spread->fabrics[0].searched, 2 * (sites - 1));
    ck_assert_uint_eq(parts, 2 * THREADS);
    fixture_fini(&n.f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("te kept");
    TCase *tcase = tcase_create("kept");
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, a_pass_that_goes_on_is_a_pass_made_anew, 0, 120);
    tcase_add_test(tcase, a_link_concerns_its_own_pairs);
    tcase_add_test(tcase, another_shape_is_made_anew);
    tcase_add_test(tcase, a_pair_with_more_found_than_is_kept_is_searched_for_at_any_change);
    tcase_add_test(tcase, threads_find_what_one_finds);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
