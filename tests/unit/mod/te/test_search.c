/*
 * Searches against the plain way: every layer in full, whatever it costs. Random fabrics with few different metrics, so
 * that many ways are equal and ids have to choose; some sites carry no transit, some links are used already, some down.
 */
#include "mod/te/search.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define SITES_MAX 12
#define LINKS_PER_SITE 3
#define TUNNELS_MAX (SITES_MAX * SITES_MAX * LINKS_PER_SITE)
#define LAYERS_MAX PT_PATH_STACK_LEN_MAX
#define PENALTY 10000000000ULL /* of a link that is used already */

struct net {
    struct pt_arena arena;
    struct te_topology topology;
    struct te_fabric fabric;
    struct te_site sites[SITES_MAX];
    struct te_tunnel tunnels[TUNNELS_MAX];
    size_t order[TUNNELS_MAX], first[SITES_MAX + 1];
    bool costly[SITES_MAX * LINKS_PER_SITE], banned[SITES_MAX * LINKS_PER_SITE];
    size_t banned_site, first_link; /* TE_NONE: none, any */
};

/* ---- a random one ---------------------------------------------------------------------------------------------- */

static int compare_tunnels(const void *a, const void *b, void *arg)
{
    const struct net *net = arg;
    const struct te_tunnel *x = &net->tunnels[*(const size_t *)a];
    const struct te_tunnel *y = &net->tunnels[*(const size_t *)b];
    return x->from != y->from       ? (x->from < y->from ? -1 : 1)
           : x->metric != y->metric ? (x->metric < y->metric ? -1 : 1)
           : x->id < y->id          ? -1
                                    : x->id > y->id;
}

static void add_tunnel(struct net *net, size_t from, size_t to)
{
    net->tunnels[net->topology.tunnels_len] = (struct te_tunnel){.id = pt_hash_mix((uint64_t)rand()),
                                                                 .from = from,
                                                                 .to = to,
                                                                 .local = from * LINKS_PER_SITE + (size_t)rand() % 3,
                                                                 .remote = to * LINKS_PER_SITE + (size_t)rand() % 3,
                                                                 .metric = 1 + (uint64_t)(rand() % 4)};
    net->order[net->topology.tunnels_len] = net->topology.tunnels_len;
    net->topology.tunnels_len++;
}

/* One in `sparse` pairs of sites has a tunnel. */
static void net_init(struct net *net, int seed, int sparse)
{
    srand((unsigned)seed + 1);
    memset(net, 0, sizeof(*net));
    pt_arena_init(&net->arena);
    size_t n = 2 + (size_t)rand() % (SITES_MAX - 1);
    net->topology = (struct te_topology){
        .sites = net->sites, .sites_len = n, .tunnels = net->tunnels, .links_len = n * LINKS_PER_SITE};
    for (size_t i = 0; i < n; i++) {
        net->sites[i] = (struct te_site){.label = (uint32_t)i + 1, .transits = rand() % 4 != 0};
        for (size_t j = 0; j < LINKS_PER_SITE * n; j++) {
            if (j % n != i && rand() % sparse == 0) {
                add_tunnel(net, i, j % n);
            }
        }
    }
    qsort_r(net->order, net->topology.tunnels_len, sizeof(size_t), compare_tunnels, net);
    for (size_t i = 0, at = 0; i <= n; i++) {
        while (at < net->topology.tunnels_len && net->tunnels[net->order[at]].from < i) {
            at++;
        }
        net->first[i] = at;
    }
    net->fabric = (struct te_fabric){.max_transit = (uint32_t)rand() % LAYERS_MAX,
                                     .tunnels = net->order,
                                     .tunnels_len = net->topology.tunnels_len,
                                     .first = net->first};
    net->banned_site = net->first_link = TE_NONE;
}

/* ---- the plain way --------------------------------------------------------------------------------------------- */

struct plain {
    uint64_t distance[(LAYERS_MAX + 2) * SITES_MAX];
    size_t via[(LAYERS_MAX + 2) * SITES_MAX];
};

static bool open_to(const struct net *net, size_t layer, const struct te_tunnel *tunnel)
{
    return (layer > 0 || net->first_link == TE_NONE || tunnel->local == net->first_link) &&
           tunnel->to != net->banned_site && !net->banned[tunnel->local] && !net->banned[tunnel->remote];
}

static void plain_run(const struct net *net, size_t source, bool penalties, struct plain *ret_plain)
{
    size_t n = net->topology.sites_len;
    memset(ret_plain->distance, 0xff, sizeof(ret_plain->distance));
    ret_plain->distance[source] = 0;
    for (size_t layer = 0; layer <= net->fabric.max_transit; layer++) {
        for (size_t i = 0; i < net->topology.tunnels_len; i++) {
            const struct te_tunnel *tunnel = &net->tunnels[i];
            uint64_t here = ret_plain->distance[layer * n + tunnel->from];
            bool leads_on = layer == 0 || (tunnel->from != source && net->sites[tunnel->from].transits);
            if (here == UINT64_MAX || !leads_on || !open_to(net, layer, tunnel)) {
                continue;
            }
            uint64_t used = (uint64_t)net->costly[tunnel->local] + net->costly[tunnel->remote];
            uint64_t distance = here + tunnel->metric + (penalties ? used * PENALTY : 0);
            size_t cell = (layer + 1) * n + tunnel->to;
            if (distance < ret_plain->distance[cell] ||
                (distance == ret_plain->distance[cell] && tunnel->id < net->tunnels[ret_plain->via[cell]].id)) {
                ret_plain->distance[cell] = distance;
                ret_plain->via[cell] = i;
            }
        }
    }
}

/* The search found what the plain way found: the same tunnels, or nothing. */
static void ck_same(const struct net *net, const struct te_search *search, const struct plain *plain, size_t source,
                    size_t target)
{
    size_t n = net->topology.sites_len;
    size_t best = 0;
    for (size_t layer = 1; layer <= net->fabric.max_transit + 1; layer++) {
        uint64_t least = best > 0 ? plain->distance[best * n + target] : UINT64_MAX;
        best = plain->distance[layer * n + target] < least ? layer : best;
    }
    struct te_path path = {0};
    ck_assert_int_eq(te_search_path(search, source, target, &path), best > 0);
    ck_assert_uint_eq(path.tunnels_len, best);
    for (size_t site = target; best > 0; best--) {
        ck_assert_uint_eq(path.tunnels[best - 1], plain->via[best * n + site]);
        site = net->tunnels[path.tunnels[best - 1]].from;
    }
}

/* ---- tests ----------------------------------------------------------------------------------------------------- */

static void some(bool *flags, size_t len, int one_in)
{
    for (size_t i = 0; i < len; i++) {
        flags[i] = rand() % one_in == 0;
    }
}

START_TEST(to_all_as_the_plain_way)
{
    static struct net net;
    struct te_search search;
    struct plain plain;
    net_init(&net, _i, 1 + _i % 8);
    te_search_init(&search, &net.topology, &net.fabric, &net.arena);
    for (size_t source = 0; source < net.topology.sites_len; source++) {
        some(net.banned, net.topology.links_len, source % 3 == 0 ? 5 : 1000000);
        net.banned_site = source % 4 == 1 ? (source + 1) % net.topology.sites_len : TE_NONE;
        net.first_link = source % 2 == 1 ? source * LINKS_PER_SITE : TE_NONE;
        search.banned = net.banned;
        search.banned_site = net.banned_site;
        search.first_link = net.first_link;
        te_search_run(&search, source);
        plain_run(&net, source, false, &plain);
        for (size_t target = 0; target < net.topology.sites_len; target++) {
            if (target != source) {
                ck_same(&net, &search, &plain, source, target);
            }
        }
    }
    pt_arena_fini(&net.arena);
}
END_TEST

START_TEST(to_one_as_the_plain_way)
{
    static struct net net;
    struct te_search search;
    struct plain plain;
    net_init(&net, _i, 1 + _i % 8);
    te_search_init(&search, &net.topology, &net.fabric, &net.arena);
    for (size_t source = 0; source < net.topology.sites_len; source++) {
        for (size_t target = 0; target < net.topology.sites_len; target++) {
            if (target == source) {
                continue;
            }
            some(net.costly, net.topology.links_len, 1 + (int)target % 4);
            search.costly = net.costly;
            te_search_to(&search, source, target);
            plain_run(&net, source, true, &plain);
            ck_same(&net, &search, &plain, source, target);
        }
    }
    pt_arena_fini(&net.arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("te search");
    TCase *tcase = tcase_create("search");
    tcase_add_loop_test(tcase, to_all_as_the_plain_way, 0, 300);
    tcase_add_loop_test(tcase, to_one_as_the_plain_way, 0, 300);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
