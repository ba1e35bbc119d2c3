/* Repairs: random graphs, every failure, and a walk through the network that knows nothing of how they were found. */
#include "repair_walk.h"

#include <check.h>

#define NODES 14
#define LINKS 80

struct net {
    struct te_repair_link links[LINKS];
    struct te_repair_graph graph;
};

static uint64_t draw(uint64_t *state, uint64_t below)
{
    *state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (*state >> 33) % below;
}

static void add_cable(struct net *net, uint32_t a, uint32_t b, uint32_t there, uint32_t back)
{
    net->links[net->graph.links_len++] = (struct te_repair_link){.from = a, .to = b, .metric = there};
    net->links[net->graph.links_len++] = (struct te_repair_link){.from = b, .to = a, .metric = back};
}

/* A random tree with random cables on top; parallel ones occur. */
static void make_net(struct net *net, uint64_t seed, bool symmetric)
{
    uint64_t state = seed;
    net->graph = (struct te_repair_graph){.links = net->links, .nodes_len = 4 + draw(&state, NODES - 3)};
    size_t more = 1 + draw(&state, 14);
    for (uint32_t i = 1; i < net->graph.nodes_len + more; i++) {
        uint32_t a = i < net->graph.nodes_len ? i : (uint32_t)draw(&state, net->graph.nodes_len);
        uint32_t b = (uint32_t)draw(&state, i < net->graph.nodes_len ? i : net->graph.nodes_len);
        uint32_t there = 1 + (uint32_t)draw(&state, 5);
        uint32_t back = symmetric ? there : 1 + (uint32_t)draw(&state, 5);
        if (a != b) {
            add_cable(net, a, b, there, back);
        }
    }
}

struct seen {
    struct walk_net walk;
    const struct te_repair_failure *failure;
    uint32_t *left; /* distance from the node at hand without the failure */
    uint32_t left_of;
    size_t repairs, unreachable, disjoint;
    uint32_t labels_most;
};

static void on_repair(void *arg, const struct te_repair *repair)
{
    struct seen *seen = arg;
    if (seen->left_of != repair->at) {
        walk_distances(seen->walk.graph, seen->walk.down, repair->at, seen->left);
        seen->left_of = repair->at;
    }
    bool reachable = seen->left[repair->destination] < WALK_FAR;
    ck_assert_int_eq(repair->reachable, reachable);
    if (!reachable) {
        seen->unreachable++;
        return;
    }
    ck_assert(repair->repaired);
    ck_assert(walk_arrives(&seen->walk, repair));
    seen->repairs++;
    seen->disjoint += repair->disjoint ? 1 : 0;
    seen->labels_most = repair->labels_len > seen->labels_most ? repair->labels_len : seen->labels_most;
}

static void plan(struct te_repair_planner *planner, struct seen *seen, const struct te_repair_failure *failure)
{
    seen->failure = failure;
    seen->left_of = TE_REPAIR_NONE;
    walk_fail(&seen->walk, failure);
    te_repair_plan(planner, failure, on_repair, seen);
}

static void open_net(const struct net *net, struct te_repair_planner **planner, struct seen *seen)
{
    ck_assert_int_eq(te_repair_planner_new(&net->graph, planner, NULL), PT_OK);
    *seen = (struct seen){.left = calloc(net->graph.nodes_len, sizeof(uint32_t))};
    walk_init(&seen->walk, &net->graph);
}

static void close_net(struct te_repair_planner *planner, struct seen *seen)
{
    te_repair_planner_free(planner);
    walk_fini(&seen->walk);
    free(seen->left);
}

/* Every cable of random graphs with equal metrics both ways: repaired with two labels at most. */
START_TEST(a_cable_needs_two_labels_at_most)
{
    size_t repairs = 0;
    for (uint64_t seed = 1; seed <= 150; seed++) {
        struct net net;
        make_net(&net, seed, true);
        struct te_repair_planner *planner = NULL;
        struct seen seen;
        open_net(&net, &planner, &seen);
        for (uint32_t i = 0; i < net.graph.links_len; i++) {
            const uint32_t cable[] = {i, te_repair_twin(planner, i)};
            ck_assert_uint_eq(te_repair_twin(planner, cable[1]), i);
            plan(planner, &seen, &(struct te_repair_failure){.links = cable, .links_len = 2, .node = TE_REPAIR_NONE});
        }
        ck_assert_uint_le(seen.labels_most, 2);
        repairs += seen.repairs;
        close_net(planner, &seen);
    }
    ck_assert_uint_gt(repairs, 1000);
}
END_TEST

/* Nodes, and groups of cables, with metrics that differ by direction: all repaired within the stack. */
START_TEST(nodes_and_groups_are_repaired)
{
    size_t repairs = 0;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct net net;
        make_net(&net, seed * 977, false);
        uint64_t state = seed;
        struct te_repair_planner *planner = NULL;
        struct seen seen;
        open_net(&net, &planner, &seen);
        for (uint32_t node = 0; node < net.graph.nodes_len; node++) {
            plan(planner, &seen, &(struct te_repair_failure){.node = node});
        }
        for (unsigned group = 0; group < 10; group++) {
            uint32_t links[8];
            size_t len = 0;
            while (len < 4 + 2 * (group % 3)) {
                links[len] = (uint32_t)draw(&state, net.graph.links_len);
                links[len + 1] = te_repair_twin(planner, links[len]);
                len += 2;
            }
            plan(planner, &seen, &(struct te_repair_failure){.links = links, .links_len = len, .node = TE_REPAIR_NONE});
        }
        repairs += seen.repairs;
        ck_assert_uint_le(seen.labels_most, TE_REPAIR_LABELS_MAX);
        close_net(planner, &seen);
    }
    ck_assert_uint_gt(repairs, 1000);
}
END_TEST

/* A square with a chord: cable 0-1 fails, and cable 0-2 shares its duct. 0 must go by 3, and by 2 when 3 is gone. */
START_TEST(a_repair_keeps_off_the_same_duct)
{
    struct net net = {.graph = {.links = net.links, .nodes_len = 4}};
    add_cable(&net, 0, 1, 1, 1);
    add_cable(&net, 0, 2, 1, 1);
    add_cable(&net, 2, 1, 1, 1);
    add_cable(&net, 0, 3, 5, 5);
    add_cable(&net, 3, 1, 5, 5);
    const uint32_t cable[] = {0, 1};
    const uint32_t duct[] = {2, 3};
    struct te_repair_planner *planner = NULL;
    struct seen seen;
    open_net(&net, &planner, &seen);
    plan(planner, &seen,
         &(struct te_repair_failure){
             .links = cable, .links_len = 2, .node = TE_REPAIR_NONE, .risky = duct, .risky_len = 2});
    ck_assert_uint_eq(seen.repairs, 2);
    ck_assert_uint_eq(seen.disjoint, 2);
    const uint32_t wide[] = {2, 3, 6, 7}; /* now every way shares the duct: one that does is better than none */
    plan(planner, &seen,
         &(struct te_repair_failure){
             .links = cable, .links_len = 2, .node = TE_REPAIR_NONE, .risky = wide, .risky_len = 4});
    ck_assert_uint_eq(seen.repairs, 4);
    ck_assert_uint_eq(seen.disjoint, 2);
    close_net(planner, &seen);
}
END_TEST

/* Random ducts: a repair keeps off what shares the failed cable's duct just where the graph has a way that does; and
 * it arrives when the whole duct is gone. */
static void on_duct_repair(void *arg, const struct te_repair *repair)
{
    struct seen *seen = arg;
    walk_distances(seen->walk.graph, seen->walk.down, repair->at, seen->left); /* without cable and duct */
    bool disjoint = seen->left[repair->destination] < WALK_FAR;
    if (repair->repaired) {
        ck_assert_int_eq(repair->disjoint, disjoint);
        ck_assert_int_eq(disjoint && !walk_arrives(&seen->walk, repair), false);
    }
    seen->repairs += repair->repaired ? 1 : 0;
    seen->disjoint += disjoint ? 1 : 0;
}

START_TEST(where_a_way_keeps_off_the_duct_the_repair_does)
{
    size_t repairs = 0, disjoint = 0;
    for (uint64_t seed = 1; seed <= 150; seed++) {
        struct net net;
        make_net(&net, seed * 31, true);
        uint64_t state = seed;
        struct te_repair_planner *planner = NULL;
        struct seen seen;
        open_net(&net, &planner, &seen);
        for (uint32_t i = 0; i < net.graph.links_len; i++) {
            uint32_t all[6] = {i, te_repair_twin(planner, i)};
            for (size_t j = 2; j < 6; j += 2) {
                all[j] = (uint32_t)draw(&state, net.graph.links_len);
                all[j + 1] = te_repair_twin(planner, all[j]);
            }
            const struct te_repair_failure both = {.links = all, .links_len = 6, .node = TE_REPAIR_NONE};
            const struct te_repair_failure failure = {
                .links = all, .links_len = 2, .node = TE_REPAIR_NONE, .risky = &all[2], .risky_len = 4};
            walk_fail(&seen.walk, &both);
            te_repair_plan(planner, &failure, on_duct_repair, &seen);
        }
        repairs += seen.repairs;
        disjoint += seen.disjoint;
        close_net(planner, &seen);
    }
    ck_assert_uint_gt(disjoint, 1000);
    ck_assert_uint_gt(repairs, disjoint); /* some have a way only through the duct: it is better than none */
}
END_TEST

/* A failure that cuts the graph: said, not repaired. */
START_TEST(a_cut_is_said)
{
    struct net net = {.graph = {.links = net.links, .nodes_len = 3}};
    add_cable(&net, 0, 1, 1, 1);
    add_cable(&net, 1, 2, 1, 1);
    const uint32_t cable[] = {2, 3};
    struct te_repair_planner *planner = NULL;
    struct seen seen;
    open_net(&net, &planner, &seen);
    plan(planner, &seen, &(struct te_repair_failure){.links = cable, .links_len = 2, .node = TE_REPAIR_NONE});
    ck_assert_uint_eq(seen.repairs, 0);
    ck_assert_uint_eq(seen.unreachable, 3); /* 1 to 2, 2 to 1 and 0 */
    close_net(planner, &seen);
}
END_TEST

START_TEST(bad_graphs_are_refused)
{
    struct te_repair_link link = {.from = 0, .to = 7, .metric = 1};
    struct te_repair_graph graph = {.links = &link, .links_len = 1, .nodes_len = 2};
    struct te_repair_planner *planner = NULL;
    struct pt_error error = {0};
    ck_assert_int_eq(te_repair_planner_new(&graph, &planner, &error), PT_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.text, "link 0"));
    link = (struct te_repair_link){.from = 0, .to = 1, .metric = 0};
    ck_assert_int_eq(te_repair_planner_new(&graph, &planner, &error), PT_INVALID_ARGUMENT);
    graph.nodes_len = TE_REPAIR_NODES_MAX + 1;
    ck_assert_int_eq(te_repair_planner_new(&graph, &planner, &error), PT_EXHAUSTED);
    ck_assert_ptr_null(planner);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("repair");
    TCase *tcase = tcase_create("repair");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_cable_needs_two_labels_at_most);
    tcase_add_test(tcase, nodes_and_groups_are_repaired);
    tcase_add_test(tcase, a_repair_keeps_off_the_same_duct);
    tcase_add_test(tcase, where_a_way_keeps_off_the_duct_the_repair_does);
    tcase_add_test(tcase, a_cut_is_said);
    tcase_add_test(tcase, bad_graphs_are_refused);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
