/*
 * What a failure does to the paths that nodes have, on random networks: a path that avoids what fails stands ready
 * wherever there is one; and while some nodes have the plan of before and others the one of after, no packet turns in
 * circles.
 *
 * Why none can: a packet carries the list of sites that it will cross, made by its source alone. A transit site takes
 * the first label off and sends the packet to that site, whatever plan it has; so each hop shortens the list. Only a
 * site that finds its neighbour dead puts labels in front, two at most, and marks the packet, and a marked packet gets
 * no more. The test takes every path of either plan, and at each hop every choice of plan.
 */
#include "fixture.h"

#include "mod/te/split.h"

#define SITES_MAX 8
#define LABELS_MAX 16

/* Each cable is an underlay of its own, with a link of its name at both ends. */
static unsigned random_network(struct fixture *f, unsigned seed, bool groups)
{
    srand(seed);
    unsigned n = 4 + (unsigned)rand() % 4, used[SITES_MAX] = {0}, cables = 0;
    put_basics(f);
    for (unsigned i = 0; i < n; i++) {
        put_site(f, i);
    }
    for (unsigned a = 0; a < n; a++) {
        for (unsigned b = a + 1; b < n; b++) {
            if (b != a + 1 && rand() % 2 == 0) {
                continue;
            }
            char underlay[32], extra[160];
            snprintf(underlay, sizeof(underlay), "c%u", cables);
            int size = snprintf(extra, sizeof(extra),
                                ",\"cost\":%d,\"capacityUpBps\":\"10000000\",\"capacityDownBps\":\"10000000\"",
                                1 + rand() % 30);
            if (groups && rand() % 2 == 0) {
                snprintf(extra + size, sizeof(extra) - (size_t)size, ",\"srlgs\":[%d]", 1 + rand() % 4);
            }
            put_link(f, a, used[a]++, underlay, extra);
            put_link(f, b, used[b]++, underlay, extra);
            cables++;
        }
    }
    return cables;
}

/* ---- a repair exists where it can ----------------------------------------------------------------------------- */

struct failure { /* one of: a shared-risk group, a cable by its underlay, a site */
    uint32_t group;
    char cable[32];
    size_t site; /* TE_NONE: none */
};

static bool in_group(const struct te_link *link, uint32_t group)
{
    for (size_t i = 0; group != 0 && i < link->srlgs_len; i++) {
        if (link->srlgs[i] == group) {
            return true;
        }
    }
    return false;
}

static bool tunnel_hit(const struct te_topology *t, const struct te_tunnel *tunnel, const struct failure *failure)
{
    return in_group(&t->links[tunnel->local], failure->group) || in_group(&t->links[tunnel->remote], failure->group) ||
           strcmp(t->links[tunnel->local].underlay, failure->cable) == 0 || tunnel->from == failure->site ||
           tunnel->to == failure->site;
}

/* Is there a way of at most four tunnels that avoids the failure? */
static bool reaches(const struct te_topology *t, size_t from, size_t to, const struct failure *failure, unsigned hops,
                    bool *visited)
{
    if (from == to) {
        return true;
    }
    visited[from] = true;
    for (size_t i = 0; hops > 0 && i < t->tunnels_len; i++) {
        const struct te_tunnel *tunnel = &t->tunnels[i];
        if (tunnel->from == from && !visited[tunnel->to] && !tunnel_hit(t, tunnel, failure) &&
            reaches(t, tunnel->to, to, failure, hops - 1, visited)) {
            visited[from] = false;
            return true;
        }
    }
    visited[from] = false;
    return false;
}

/* Among the members of the group that the node has for the destination is a path that avoids the failure. */
static bool stands_ready(struct fixture *f, size_t from, size_t to, const struct failure *failure)
{
    const struct te_topology *t = topology_of(f);
    const struct te_pair *pair = pair_of(f, from, to);
    const Patronus__V1__GroupEntry *group = group_of(t->sites[from].node, t->sites[to].label, 0);
    for (size_t i = 0; group != NULL && i < pair->len; i++) {
        bool hit = true;
        for (size_t j = 0; j < group->n_members && hit; j++) {
            hit = group->members[j]->path != pair->paths[i].id;
        }
        for (size_t j = 0; j < pair->paths[i].tunnels_len && !hit; j++) {
            hit = tunnel_hit(t, &t->tunnels[pair->paths[i].tunnels[j]], failure);
        }
        if (!hit) {
            return true;
        }
    }
    return false;
}

/* The failure breaks paths that carry; returns for how many pairs a way round stands ready. */
static size_t check_failure(struct fixture *f, const struct failure *failure, const char *what, size_t number)
{
    const struct te_topology *t = topology_of(f);
    size_t ready = 0;
    for (size_t from = 0; from < t->sites_len; from++) {
        for (size_t to = 0; to < t->sites_len; to++) {
            bool visited[SITES_MAX] = {false};
            if (from == to || from == failure->site || to == failure->site) {
                continue;
            }
            bool stands = stands_ready(f, from, to, failure);
            ck_assert_msg(stands == reaches(t, from, to, failure, 4, visited), "%s %zu: %zu -> %zu", what, number, from,
                          to);
            ready += stands ? 1 : 0;
        }
    }
    return ready;
}

/* For every group, every cable and every site, in the bundles that nodes have before anything fails: wherever the
 * network without it has a way of as many tunnels as the fabric allows, one such way stands in the node's group. */
START_TEST(where_a_path_avoids_a_failure_one_stands_ready)
{
    struct fixture f;
    size_t ready = 0;
    fixture_init(&f);
    unsigned cables = random_network(&f, (unsigned)_i + 1, true);
    pass_ok(&f);
    for (uint32_t group = 1; group <= 4; group++) {
        ready += check_failure(&f, &(struct failure){.group = group, .site = TE_NONE}, "group", group);
    }
    for (unsigned cable = 0; cable < cables; cable++) {
        struct failure failure = {.site = TE_NONE};
        (void)snprintf(failure.cable, sizeof(failure.cable), "c%u", cable);
        ready += check_failure(&f, &failure, "cable", cable);
    }
    for (size_t site = 0; site < topology_of(&f)->sites_len; site++) {
        ready += check_failure(&f, &(struct failure){.site = site}, "site", site);
    }
    ck_assert_uint_gt(ready, 0);
    fixture_fini(&f);
}
END_TEST

/* ---- mixed plans ---------------------------------------------------------------------------------------------- */

struct mix {
    struct fixture *plans[2];
    const char *cut; /* underlay of the cable that is cut */
    size_t packets, delivered, lost, most_hops;
};

struct packet {
    uint32_t labels[LABELS_MAX]; /* sites that it is still to cross, the next first */
    size_t labels_len, hops;
    bool marked;
    unsigned visits[SITES_MAX + 1]; /* by label */
};

static const Patronus__V1__Entry *entry_of(const struct pt_plan_node *node, Patronus__V1__Entry__EntryCase which,
                                           uint64_t id)
{
    for (size_t i = 0; i < node->entries_len; i++) {
        const Patronus__V1__Entry *entry = node->entries[i];
        if (entry->entry_case == which && (which == PATRONUS__V1__ENTRY__ENTRY_PATH     ? entry->path->path == id
                                           : which == PATRONUS__V1__ENTRY__ENTRY_TUNNEL ? entry->tunnel->tunnel == id
                                                                                        : false)) {
            return entry;
        }
    }
    return NULL;
}

/* What the node itself knows: the path begins with a tunnel that is not over the cut cable. */
static bool lives(const struct mix *mix, const struct fixture *plan, const Patronus__V1__PathEntry *path)
{
    const struct te_topology *t = topology_of((struct fixture *)(uintptr_t)plan);
    for (size_t i = 0; i < t->tunnels_len; i++) {
        if (t->tunnels[i].id == path->tunnel) {
            return strcmp(t->links[t->tunnels[i].local].underlay, mix->cut) != 0;
        }
    }
    return false;
}

static const Patronus__V1__PathEntry *path_entry(const struct pt_plan_node *node, uint64_t id)
{
    const Patronus__V1__Entry *entry = entry_of(node, PATRONUS__V1__ENTRY__ENTRY_PATH, id);
    ck_assert_ptr_nonnull(entry);
    return entry->path;
}

static uint32_t first_site(const struct pt_plan_node *node, const Patronus__V1__PathEntry *path)
{
    const Patronus__V1__Entry *entry = entry_of(node, PATRONUS__V1__ENTRY__ENTRY_TUNNEL, path->tunnel);
    ck_assert_ptr_nonnull(entry);
    return entry->tunnel->remote_site;
}

static void arrive(struct mix *mix, uint32_t site, struct packet packet);

/* Put a path's labels in front of those that follow, and go to its first site. */
static void go_by(struct mix *mix, const struct pt_plan_node *node, const Patronus__V1__PathEntry *path,
                  const struct packet *packet, const uint32_t *rest, size_t rest_len)
{
    struct packet next = *packet;
    next.labels_len = 0;
    for (size_t i = 0; i < path->n_stack; i++) {
        next.labels[next.labels_len++] = path->stack[i];
    }
    for (size_t i = 0; i < rest_len; i++) {
        ck_assert_uint_lt(next.labels_len, LABELS_MAX);
        next.labels[next.labels_len++] = rest[i];
    }
    next.hops++;
    arrive(mix, first_site(node, path), next);
}

/* A transit site with one of the plans: the lowest tier that lives decides, every member of it may be taken. */
static void forward(struct mix *mix, const struct fixture *plan, uint32_t site, const struct packet *packet)
{
    const struct pt_plan_node *node = plan->pass.nodes[site - 1];
    const Patronus__V1__GroupEntry *group = group_of(node, packet->labels[0], 0xffffffff);
    uint32_t tier = UINT32_MAX;
    for (size_t i = 0; group != NULL && i < group->n_members; i++) {
        bool usable = lives(mix, plan, path_entry(node, group->members[i]->path)) &&
                      (group->members[i]->tier < 1024 || !packet->marked);
        tier = usable && group->members[i]->tier < tier ? group->members[i]->tier : tier;
    }
    if (tier == UINT32_MAX && packet->labels_len > 1 && !packet->marked) {
        struct packet next = *packet; /* the neighbour has failed: on to the site after it */
        next.marked = true;
        next.labels_len--;
        memmove(next.labels, packet->labels + 1, next.labels_len * sizeof(next.labels[0]));
        forward(mix, plan, site, &next);
        return;
    }
    if (tier == UINT32_MAX) {
        mix->lost++; /* until the source has the new plan */
        return;
    }
    for (size_t i = 0; i < group->n_members; i++) {
        const Patronus__V1__PathEntry *path = path_entry(node, group->members[i]->path);
        if (group->members[i]->tier == tier && lives(mix, plan, path)) {
            struct packet next = *packet;
            next.marked = next.marked || tier >= 1024;
            go_by(mix, node, path, &next, packet->labels + 1, packet->labels_len - 1);
        }
    }
}

static void arrive(struct mix *mix, uint32_t site, struct packet packet)
{
    packet.visits[site]++;
    mix->most_hops = packet.hops > mix->most_hops ? packet.hops : mix->most_hops;
    ck_assert_msg(packet.visits[site] <= (packet.marked ? 2U : 1U), "site %u is crossed %u times", site,
                  packet.visits[site]);
    ck_assert_uint_le(packet.hops, PT_PATH_STACK_LEN_MAX + 1 + 2);
    if (packet.labels_len == 0) {
        mix->delivered++;
        return;
    }
    for (size_t plan = 0; plan < 2; plan++) {
        forward(mix, mix->plans[plan], site, &packet);
    }
}

static void send_all(struct mix *mix)
{
    for (size_t plan = 0; plan < 2; plan++) {
        const struct fixture *f = mix->plans[plan];
        for (size_t from = 0; from < f->pass.nodes_len; from++) {
            const struct pt_plan_node *node = f->pass.nodes[from];
            for (size_t i = 0; i < node->entries_len; i++) {
                const Patronus__V1__GroupEntry *group =
                    node->entries[i]->entry_case == PATRONUS__V1__ENTRY__ENTRY_GROUP ? node->entries[i]->group : NULL;
                for (size_t j = 0; group != NULL && group->policy_class == 0 && j < group->n_members; j++) {
                    const Patronus__V1__PathEntry *path = path_entry(node, group->members[j]->path);
                    struct packet packet = {0};
                    packet.visits[from + 1] = 1;
                    if (lives(mix, f, path)) {
                        mix->packets++;
                        go_by(mix, node, path, &packet, NULL, 0);
                    }
                }
            }
        }
    }
}

enum change { CUT, CUT_UNDER_LOAD, BACK, DRAINED_SITE, CHANGES };

static unsigned split_by_the_solver; /* plans under load that were */

/* What hosts offer: so much to the next site that the links are too full by shortest paths. */
static void put_load(struct fixture *f, unsigned sites)
{
    for (unsigned from = 0; from < sites; from++) {
        struct pt_demand_soft *soft = pt_arena_alloc(&f->arena, sizeof(*soft));
        char key[128];
        snprintf(key, sizeof(key), ORG "/sites/s%02u/edges/e/%u", from, (from + 1) % sites + 1);
        soft->rate_bps = 9000000;
        (void)pt_map_put_str(&f->soft.demands, key, soft);
    }
}

/* The network of a seed once more, with one thing otherwise. `usual` has the ids of its tunnels. */
static void plan_otherwise(struct fixture *f, unsigned seed, struct fixture *usual, enum change change, const char *cut)
{
    const struct te_topology *t = topology_of(usual);
    fixture_init(f);
    (void)random_network(f, seed, false);
    if (change == DRAINED_SITE) {
        unsigned site = seed % (unsigned)t->sites_len;
        put(f, "site", "{\"name\":\"" ORG "/sites/s%02u\",\"siteLabel\":%u,\"adminState\":\"DRAINED\"}", site,
            site + 1);
    }
    for (size_t i = 0; i < t->tunnels_len && change != DRAINED_SITE; i++) {
        if (strcmp(t->links[t->tunnels[i].local].underlay, cut) == 0) {
            measure(f, te_direct_path(t->tunnels[i].id), false, 0);
        }
    }
    if (change == CUT_UNDER_LOAD) {
        put_load(f, (unsigned)t->sites_len);
    }
    pass_ok(f);
    split_by_the_solver += te_solution_of(&f->pass)->kind == TE_SPLIT_SOLVED;
}

/* A cable is cut, and the plan is made anew, also one in which the solver has split what is too much for a link; it
 * comes back; a site is drained. In every mix of the two plans packets arrive or are dropped, and none turns in
 * circles; and where nothing has failed, none is dropped. */
START_TEST(no_mix_of_plans_turns_a_packet_in_circles)
{
    struct fixture usual, other;
    enum change change = (enum change)(_i % CHANGES);
    unsigned seed = (unsigned)(_i / CHANGES) + 1;
    char cut[32];
    fixture_init(&usual);
    unsigned cables = random_network(&usual, seed, false);
    snprintf(cut, sizeof(cut), "c%u", (unsigned)rand() % cables);
    pass_ok(&usual);
    plan_otherwise(&other, seed, &usual, change, cut);
    bool failed = change == CUT || change == CUT_UNDER_LOAD;
    struct mix mix = {.plans = {change == BACK ? &other : &usual, change == BACK ? &usual : &other},
                      .cut = failed ? cut : "none"};
    send_all(&mix);
    ck_assert_uint_gt(mix.packets, 0);
    ck_assert_uint_gt(mix.delivered, 0);
    ck_assert(failed || mix.lost == 0);
    fixture_fini(&usual);
    fixture_fini(&other);
}
END_TEST

START_TEST(some_of_these_plans_were_the_solver_s)
{
    ck_assert_uint_gt(split_by_the_solver, 10);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("te protect");
    TCase *tcase = tcase_create("protect");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, where_a_path_avoids_a_failure_one_stands_ready, 0, 40);
    tcase_add_loop_test(tcase, no_mix_of_plans_turns_a_packet_in_circles, 0, 40 * CHANGES);
    tcase_add_test(tcase, some_of_these_plans_were_the_solver_s);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
