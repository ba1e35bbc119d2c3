/*
 * From one pass to the next: who moves and who stays, in how many steps, and what nodes are waited for. What links
 * carry on the way is added up from the groups that nodes get, tunnel by tunnel, and not with the planner's own sums.
 */
#include "fixture.h"

#include "mod/te/ask.h"
#include "mod/te/split.h"

#include <math.h>

#define MBIT 1000000ULL
#define SITES 4
#define LINK_MBIT 100
#define DRAINED ",\"adminState\":\"DRAINED\""

struct world {
    struct fixture f;
    struct te_solution before; /* the pass before, with its weights */
    const char *inet_of[SITES], *mpls_of[SITES];
    uint64_t mbit[SITES][SITES];
};

static void put_links(struct world *w, unsigned site)
{
    char extra[2][200];
    const char *const more[] = {w->inet_of[site], w->mpls_of[site]};
    for (unsigned i = 0; i < 2; i++) {
        (void)snprintf(extra[i], sizeof(extra[i]), ",\"capacityUpBps\":\"%u000000\",\"capacityDownBps\":\"%u000000\"%s",
                       LINK_MBIT, LINK_MBIT, more[i]);
        put_link(&w->f, site, i, i == 0 ? "inet" : "mpls", extra[i]);
    }
}

/* Sites 0 and 3 prefer inet, site 1 prefers mpls, and site 2 is where the traffic goes. */
static void world_init(struct world *w)
{
    *w = (struct world){.inet_of = {",\"cost\":5", ",\"cost\":30", "", ",\"cost\":5"}, .mpls_of = {"", "", "", ""}};
    fixture_init(&w->f);
    put_basics(&w->f);
    for (unsigned i = 0; i < SITES; i++) {
        put_site(&w->f, i);
        put_links(w, i);
    }
}

static void world_fini(struct world *w)
{
    pt_map_fini(&w->before.weights);
    fixture_fini(&w->f);
}

static void demand(struct world *w, unsigned from, unsigned to, uint64_t mbit)
{
    char key[128];
    (void)snprintf(key, sizeof(key), ORG "/sites/s%02u/edges/e/%u", from, to + 1);
    struct pt_demand_soft *soft = pt_arena_alloc(&w->f.arena, sizeof(*soft));
    soft->rate_bps = mbit * MBIT;
    (void)pt_map_put_str(&w->f.soft.demands, key, soft);
    w->mbit[from][to] = mbit;
}

/* A pass that goes on from the newest one. */
static const struct te_solution *next(struct world *w)
{
    struct te_solution *newest = (struct te_solution *)(uintptr_t)te_solution_of(&w->f.pass);
    if (newest != NULL) {
        pt_map_fini(&w->before.weights);
        w->before = *newest;
        newest->weights = (struct pt_map){0};
        pass_again(&w->f, &w->before);
    } else {
        pass_ok(&w->f);
    }
    return te_solution_of(&w->f.pass);
}

/* ---- what nodes were given ------------------------------------------------------------------------------------ */

struct shares {                                 /* of what a site sends to another: what of it goes over each link */
    double by_link[SITES][SITES][2 * SITES][2]; /* [from][to][link][up 0, down 1] */
};

static const struct te_path *path_with(const struct te_pair *pair, uint64_t id)
{
    for (size_t i = 0; i < pair->len; i++) {
        if (pair->paths[i].id == id) {
            return &pair->paths[i];
        }
    }
    ck_abort_msg("a group names a path that the pair has not");
    return NULL;
}

/* By the groups in the bundles: the members of tier 0 share by their weights. */
static struct shares shares_of(struct world *w)
{
    struct shares shares = {0};
    const struct te_topology *t = topology_of(&w->f);
    for (size_t from = 0; from < SITES; from++) {
        for (size_t to = 0; to < SITES; to++) {
            const Patronus__V1__GroupEntry *group =
                from != to ? group_of(t->sites[from].node, (uint32_t)to + 1, 0) : NULL;
            double sum = 0;
            for (size_t i = 0; group != NULL && i < group->n_members; i++) {
                sum += group->members[i]->tier == 0 ? group->members[i]->weight : 0;
            }
            for (size_t i = 0; group != NULL && i < group->n_members && group->members[i]->tier == 0; i++) {
                const struct te_path *path = path_with(pair_of(&w->f, from, to), group->members[i]->path);
                for (size_t j = 0; j < path->tunnels_len; j++) {
                    const struct te_tunnel *tunnel = &t->tunnels[path->tunnels[j]];
                    shares.by_link[from][to][tunnel->local][0] += group->members[i]->weight / sum;
                    shares.by_link[from][to][tunnel->remote][1] += group->members[i]->weight / sum;
                }
            }
        }
    }
    return shares;
}

/* Share of a site's traffic to another that leaves by its inet link. */
static double by_inet(const struct shares *shares, unsigned from, unsigned to)
{
    return shares->by_link[from][to][2 * from][0];
}

/* Highest load of a direction, Mbit/s, when each site may have changed already or not yet. */
static double worst_mbit(const struct world *w, const struct shares *a, const struct shares *b)
{
    double worst = 0;
    for (unsigned link = 0; link < 2 * SITES; link++) {
        for (unsigned way = 0; way < 2; way++) {
            double load = 0;
            for (unsigned from = 0; from < SITES; from++) {
                for (unsigned to = 0; to < SITES; to++) {
                    double x = a->by_link[from][to][link][way], y = b->by_link[from][to][link][way];
                    load += (double)w->mbit[from][to] * (x > y ? x : y);
                }
            }
            worst = load > worst ? load : worst;
        }
    }
    return worst;
}

/* ---- tests ---------------------------------------------------------------------------------------------------- */

/* What the solver had spread over two links leaves the one that is drained, or dead: it is not kept for being empty
 * enough, and nobody whose paths are as they were moves. */
START_TEST(a_solution_is_left_by_those_whose_path_is_drained_or_dead)
{
    struct world world, *w = &world;
    world_init(w);
    demand(w, 0, 2, 85);
    demand(w, 2, 1, 85);
    ck_assert_int_eq(next(w)->kind, TE_SPLIT_SOLVED);
    struct shares first = shares_of(w);
    ck_assert_double_eq_tol(by_inet(&first, 0, 2), 0.5, 0.05);
    ck_assert_double_eq_tol(by_inet(&first, 2, 1), 0.5, 0.05);
    if (_i == 0) {
        w->inet_of[0] = ",\"cost\":5" DRAINED;
        put_links(w, 0);
    } else {
        for (unsigned to = 0; to < SITES; to++) {
            char local[64], remote[64];
            (void)snprintf(local, sizeof(local), ORG "/sites/s00/links/l00");
            (void)snprintf(remote, sizeof(remote), ORG "/sites/s%02u/links/l00", to);
            measure(&w->f, te_direct_path(te_tunnel_id(local, remote)), false, 0);
        }
    }
    const struct te_solution *solution = next(w);
    struct shares second = shares_of(w);
    ck_assert_double_eq(by_inet(&second, 0, 2), 0);
    ck_assert_mem_eq(second.by_link[2][1], first.by_link[2][1], sizeof(first.by_link[2][1]));
    ck_assert_uint_eq(solution->epoch, w->before.epoch + 1);
    world_fini(w);
}
END_TEST

/* Site 0 leaves inet for mpls, where site 1 must make room: together that would be 120 of 100 Mbit/s at site 2, in one
 * order of the two or the other. It takes two steps, and no order of either is above what there is. */
static void swap(struct world *w)
{
    demand(w, 0, 2, 60);
    demand(w, 1, 2, 60);
    ck_assert_int_eq(next(w)->kind, TE_SPLIT_DEFAULT);
    struct shares shares = shares_of(w);
    ck_assert_double_eq(by_inet(&shares, 0, 2), 1);
    ck_assert_double_eq(by_inet(&shares, 1, 2), 0);
    w->inet_of[0] = ",\"cost\":5" DRAINED;
    put_links(w, 0);
}

START_TEST(what_one_step_would_overload_takes_more)
{
    struct world world, *w = &world;
    world_init(w);
    swap(w);
    struct shares at = shares_of(w);
    const struct te_solution *solution = next(w);
    ck_assert_uint_ge(solution->steps, 2);
    ck_assert(solution->promised);
    ck_assert(solution->more);
    unsigned steps = 1;
    for (;; steps++) {
        struct shares then = shares_of(w);
        ck_assert_double_le(worst_mbit(w, &at, &then), LINK_MBIT);
        ck_assert_double_le((double)solution->worst_ppm, 1e6);
        ck_assert_uint_eq(solution->epoch, w->before.epoch + 1);
        at = then;
        if (!solution->more) {
            break;
        }
        ck_assert_uint_lt(steps, 8);
        solution = next(w);
        ck_assert(solution->promised);
    }
    ck_assert_uint_ge(steps, 2);
    ck_assert_double_eq(by_inet(&at, 0, 2), 0);
    uint64_t epoch = solution->epoch;
    ck_assert_uint_eq(next(w)->epoch, epoch); /* it has arrived, and stays */
    world_fini(w);
}
END_TEST

/* A pass that comes while a node may be at an earlier step moves nothing, whatever it was made for; when the node has
 * had its time the next step is taken, and nothing is promised about it. */
START_TEST(no_step_is_taken_before_the_nodes_have_the_last)
{
    struct world world, *w = &world;
    world_init(w);
    swap(w);
    (void)next(w);
    struct shares half = shares_of(w);
    w->f.pass.under_way = true;
    demand(w, 3, 1, 5); /* somebody new */
    for (unsigned i = 0; i < 3; i++) {
        const struct te_solution *solution = next(w);
        struct shares now = shares_of(w);
        ck_assert(solution->more);
        ck_assert_uint_eq(solution->epoch, w->before.epoch);
        ck_assert_mem_eq(now.by_link[0], half.by_link[0], sizeof(half.by_link[0]));
        ck_assert_mem_eq(now.by_link[1], half.by_link[1], sizeof(half.by_link[1]));
    }
    w->f.pass.under_way = false;
    w->f.pass.late = true;
    const struct te_solution *solution = next(w);
    struct shares now = shares_of(w);
    ck_assert_double_lt(by_inet(&now, 0, 2), by_inet(&half, 0, 2));
    ck_assert(!solution->promised);
    world_fini(w);
}
END_TEST

/* A dead path is not waited for: its node has left it, and the others are told by the first pass. */
START_TEST(a_death_waits_for_nobody)
{
    struct world world, *w = &world;
    world_init(w);
    swap(w);
    (void)next(w);
    w->f.pass.under_way = true;
    const char *from = ORG "/sites/s03/links/l00";
    for (unsigned to = 0; to < 3; to++) {
        char remote[64];
        (void)snprintf(remote, sizeof(remote), ORG "/sites/s%02u/links/l00", to);
        measure(&w->f, te_direct_path(te_tunnel_id(from, remote)), false, 0);
    }
    demand(w, 3, 1, 5);
    (void)next(w);
    struct shares now = shares_of(w);
    ck_assert_double_eq(by_inet(&now, 3, 1), 0);
    world_fini(w);
}
END_TEST

/* More than there is room for at one end already: nothing is promised, few steps are taken, and they arrive. */
START_TEST(without_room_it_says_so_and_arrives)
{
    struct world world, *w = &world;
    world_init(w);
    swap(w);
    demand(w, 0, 2, 105);
    demand(w, 1, 2, 90);
    const struct te_solution *solution = next(w);
    ck_assert(!solution->promised);
    ck_assert_uint_gt(solution->worst_ppm, 1000000);
    unsigned steps = 1;
    for (; solution->more; steps++) {
        ck_assert_uint_lt(steps, TE_UPDATE_STEPS_MAX);
        solution = next(w);
    }
    struct shares now = shares_of(w);
    ck_assert_double_eq(by_inet(&now, 0, 2), 0);
    world_fini(w);
}
END_TEST

/* One link becomes full: those who cross it are spread, and every other group stays as it was, byte by byte. */
START_TEST(who_is_not_concerned_does_not_move)
{
    struct world world, *w = &world;
    world_init(w);
    demand(w, 0, 1, 20);
    demand(w, 3, 0, 20);
    demand(w, 0, 2, 20);
    demand(w, 2, 3, 30);
    (void)next(w);
    struct shares before = shares_of(w);
    demand(w, 2, 3, 88);
    const struct te_solution *solution = next(w);
    ck_assert_int_eq(solution->kind, TE_SPLIT_SOLVED);
    struct shares after = shares_of(w);
    unsigned moved = 0;
    for (unsigned from = 0; from < SITES; from++) {
        for (unsigned to = 0; to < SITES; to++) {
            bool same = memcmp(after.by_link[from][to], before.by_link[from][to], sizeof(after.by_link[from][to])) == 0;
            ck_assert_msg(same || (from == 2 && to == 3), "%u -> %u moved", from, to);
            moved += same ? 0 : 1;
        }
    }
    ck_assert_uint_eq(moved, 1);
    world_fini(w);
}
END_TEST

/* ---- random transitions ---------------------------------------------------------------------------------------- */

#define STEPS_SEEN TE_UPDATE_STEPS_MAX

struct transition {
    struct shares at[STEPS_SEEN + 1]; /* before, and after each step that moved something */
    size_t len;
    bool promised;
};

static double total_mbit(const struct world *w)
{
    double total = 0;
    for (unsigned from = 0; from < SITES; from++) {
        for (unsigned to = 0; to < SITES; to++) {
            total += (double)w->mbit[from][to];
        }
    }
    return total;
}

/* What weights of a sixteenth and of 1/256 are apart. */
static double rounding_mbit(const struct world *w)
{
    return total_mbit(w) / TE_QUANTUM;
}

static void random_change(struct world *w)
{
    static const char *const states[] = {"", ",\"cost\":5", ",\"cost\":30", DRAINED, ",\"cost\":5" DRAINED};
    unsigned site = (unsigned)rand() % SITES;
    if (rand() % 3 == 0) {
        unsigned to = (site + 1 + (unsigned)rand() % (SITES - 1)) % SITES;
        demand(w, site, to, (uint64_t)(rand() % 50));
        return;
    }
    const char *state = states[rand() % 5];
    bool inet = rand() % 2 == 0;
    (inet ? w->inet_of : w->mpls_of)[site] = state;
    if (strstr(state, "DRAINED") != NULL) { /* of a site one link stays */
        (inet ? w->mpls_of : w->inet_of)[site] = "";
    }
    put_links(w, site);
}

/* Passes, each with every node's acknowledgement of the one before, until the target is reached. */
static void follow(struct world *w, struct transition *t)
{
    *t = (struct transition){.promised = true};
    t->at[t->len++] = shares_of(w);
    const struct te_solution *solution;
    do {
        ck_assert_uint_lt(t->len, STEPS_SEEN + 1);
        solution = next(w);
        t->promised = t->promised && solution->promised;
        ck_assert(solution->promised || solution->worst_ppm > 1000000); /* it says so, and why */
        t->at[t->len] = shares_of(w);
        if (memcmp(&t->at[t->len], &t->at[t->len - 1], sizeof(t->at[0])) != 0) {
            t->len++;
        }
    } while (solution->more);
}

/* On each way to a target that was promised: no link is above its capacity in any order of the nodes, also where a
 * pair's traffic leaves paths that are none of the pair's any more; and there are no more steps than the room at both
 * ends calls for. */
START_TEST(random_transitions_keep_their_promises)
{
    static struct transition t;
    unsigned promised = 0, several = 0;
    for (unsigned seed = 1; seed <= 60; seed++) {
        struct world world, *w = &world;
        srand(seed + 1000 * (unsigned)_i);
        world_init(w);
        for (unsigned i = 0; i < 5; i++) {
            unsigned from = (unsigned)rand() % SITES;
            demand(w, from, (from + 1 + (unsigned)rand() % (SITES - 1)) % SITES, 30 + (uint64_t)(rand() % 50));
        }
        while (next(w)->more) {
        }
        for (unsigned change = 0; change < 3; change++) {
            random_change(w);
            follow(w, &t);
            double first = worst_mbit(w, &t.at[0], &t.at[0]), last = worst_mbit(w, &t.at[t.len - 1], &t.at[t.len - 1]);
            double room = 1 - ((first > last ? first : last) + rounding_mbit(w)) / LINK_MBIT;
            if (!t.promised || room <= 0) {
                continue;
            }
            for (size_t i = 1; i < t.len; i++) {
                ck_assert_double_le(worst_mbit(w, &t.at[i - 1], &t.at[i]), LINK_MBIT + rounding_mbit(w));
            }
            ck_assert_double_le((double)(t.len - 1), fmax(ceil(1 / room - 1e-9) - 1, 1));
            promised++;
            several += t.len > 2;
        }
        world_fini(w);
    }
    printf("%u transitions promised, %u of them in several steps\n", promised, several);
    ck_assert_uint_gt(promised, 60);
    ck_assert_uint_gt(several, 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("transition");
    TCase *tcase = tcase_create("all");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, a_solution_is_left_by_those_whose_path_is_drained_or_dead, 0, 2);
    tcase_add_test(tcase, what_one_step_would_overload_takes_more);
    tcase_add_test(tcase, no_step_is_taken_before_the_nodes_have_the_last);
    tcase_add_test(tcase, a_death_waits_for_nobody);
    tcase_add_test(tcase, without_room_it_says_so_and_arrives);
    tcase_add_test(tcase, who_is_not_concerned_does_not_move);
    tcase_add_loop_test(tcase, random_transitions_keep_their_promises, 0, 2);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
