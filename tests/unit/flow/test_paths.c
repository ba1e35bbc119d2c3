/*
 * Path sets: the fast way against the plain one, constraints, and updates.
 *
 * The plain search is what rules with srlg_disjoint get; without any risk group they ask for the same paths as plain
 * rules do, so that one public call is the twin of the other.
 */
#include "tests/unit/flow/instance.h"

#include "flow/paths.h"

#include <check.h>
#include <string.h>

#define GRAPHS 30

struct pairs {
    struct pt_flow_graph *graph;
    struct pt_flow_demand *demands;
    size_t len;
};

static struct pairs all_pairs(int seed)
{
    struct pairs pairs;
    uint32_t nodes = 4 + (uint32_t)seed;
    pairs.graph = instance_graph(nodes, nodes + nodes * (uint32_t)(seed % 4) / 2, (uint64_t)seed);
    pairs.len = instance_gravity(pairs.graph, 1, 1, &pairs.demands);
    return pairs;
}

static void pairs_free(struct pairs *pairs)
{
    pt_flow_graph_free(pairs->graph);
    free(pairs->demands);
}

static struct pt_flow_paths *paths_by(const struct pairs *pairs, const struct pt_flow_graph *graph,
                                      const struct pt_flow_rules *rules, const struct pt_flow_workers *workers)
{
    struct pt_flow_paths *paths = NULL;
    struct pt_error error = {0};
    ck_assert_msg(pt_flow_paths_new(graph, rules, pairs->demands, pairs->len, workers, &paths, &error) == PT_OK, "%s",
                  error.text);
    return paths;
}

static void ck_same(const struct pt_flow_paths *a, const struct pt_flow_paths *b)
{
    size_t len = pt_flow_paths_demands_len(a);
    uint32_t x[256];
    uint32_t y[256];
    for (size_t d = 0; d <= len; d++) {
        ck_assert_uint_eq(pt_flow_paths_first(a, d), pt_flow_paths_first(b, d));
    }
    for (size_t slot = 0; slot < pt_flow_paths_first(a, len); slot++) {
        size_t hops = pt_flow_path_links(a, slot, x, 256);
        ck_assert_uint_eq(hops, pt_flow_path_links(b, slot, y, 256));
        ck_assert_mem_eq(x, y, hops * sizeof(x[0]));
    }
}

START_TEST(fast_and_plain_agree)
{
    struct pairs pairs = all_pairs(_i);
    for (int weight = PT_FLOW_BY_HOPS; weight <= PT_FLOW_BY_DELAY; weight++) {
        struct pt_flow_rules fast = {.weight = (enum pt_flow_weight)weight, .paths_max = 1 + (uint32_t)_i % 5};
        struct pt_flow_rules plain = fast;
        plain.srlg_disjoint = true;
        struct pt_flow_paths *a = paths_by(&pairs, pairs.graph, &fast, NULL);
        struct pt_flow_paths *b = paths_by(&pairs, pairs.graph, &plain, NULL);
        ck_same(a, b);
        pt_flow_paths_free(a);
        pt_flow_paths_free(b);
    }
    pairs_free(&pairs);
}
END_TEST

/* The rule in its own words: one breadth-first search after the other, links in index order, ended at the first
 * arrival; no link twice. Returns the number of links of the next path, 0 when there is none. */
static size_t next_by_the_rule(const struct pt_flow_graph *graph, uint32_t from, uint32_t to, bool *used,
                               uint32_t *path)
{
    uint32_t queue[256];
    uint32_t via[256];
    bool seen[256] = {false};
    size_t len = 0;
    queue[len++] = from;
    seen[from] = true;
    for (size_t at = 0; at < len && !seen[to]; at++) {
        for (uint32_t i = 0; i < pt_flow_links_len(graph) && !seen[to]; i++) {
            const struct pt_flow_link *link = pt_flow_link_at(graph, i);
            if (link->from == queue[at] && !used[i] && !seen[link->to]) {
                seen[link->to] = true;
                via[link->to] = i;
                queue[len++] = link->to;
            }
        }
    }
    size_t hops = 0;
    for (uint32_t node = to; seen[to] && node != from; node = pt_flow_link_at(graph, via[node])->from) {
        used[via[node]] = true;
        hops++;
    }
    for (uint32_t node = to, i = 0; seen[to] && node != from; node = pt_flow_link_at(graph, via[node])->from, i++) {
        path[hops - 1 - i] = via[node];
    }
    return hops;
}

static void ck_rule(const struct pt_flow_graph *graph, const struct pt_flow_demand *demands, size_t len)
{
    struct pt_flow_paths *paths = NULL;
    ck_assert_int_eq(pt_flow_paths_new(graph, NULL, demands, len, NULL, &paths, NULL), PT_OK);
    for (size_t d = 0; d < len; d++) {
        bool used[2048] = {false};
        uint32_t due[256];
        uint32_t links[256];
        size_t slot = pt_flow_paths_first(paths, d);
        size_t end = pt_flow_paths_first(paths, d + 1);
        for (int i = 0; i < 4; i++) {
            size_t hops = next_by_the_rule(graph, demands[d].from, demands[d].to, used, due);
            ck_assert_int_eq(hops > 0, slot < end);
            if (hops == 0) {
                break;
            }
            ck_assert_uint_eq(pt_flow_path_links(paths, slot++, links, 256), hops);
            ck_assert_mem_eq(links, due, hops * sizeof(due[0]));
        }
        ck_assert_uint_eq(slot, end);
    }
    pt_flow_paths_free(paths);
}

START_TEST(disjoint4_is_the_rule)
{
    struct pairs pairs = all_pairs(_i);
    ck_rule(pairs.graph, pairs.demands, pairs.len);
    pairs_free(&pairs);
}
END_TEST

/* Of the file, a prime's multiples: pairs of all kinds. And its paths share their ends: less memory than a number of
 * two bytes a hop would take. */
START_TEST(disjoint4_of_a_real_network)
{
    struct pt_flow_te te = instance_file(PT_SOURCE_DIR "/tests/data/te/UsCarrier.topo");
    struct pt_flow_demand *demands = NULL;
    size_t len = instance_gravity(te.graph, 1, 1, &demands);
    struct pt_flow_paths *paths = NULL;
    ck_assert_int_eq(pt_flow_paths_new(te.graph, NULL, demands, len, NULL, &paths, NULL), PT_OK);
    ck_assert_uint_lt(pt_flow_paths_size(paths), 2 * pt_flow_paths_hops(paths));
    pt_flow_paths_free(paths);
    size_t some = 0;
    for (size_t d = 0; d < len; d += 37) {
        demands[some++] = demands[d];
    }
    ck_rule(te.graph, demands, some);
    free(demands);
    pt_flow_te_fini(&te);
}
END_TEST

/* Parts in reverse order: whatever order threads run in, the set is the same. */
static void run_backwards(void *run_arg, pt_flow_work_fn work, void *arg, size_t parts)
{
    *(size_t *)run_arg = parts;
    while (parts-- > 0) {
        work(arg, parts);
    }
}

START_TEST(spreading_changes_nothing)
{
    struct pairs pairs = all_pairs(25);
    size_t parts = 0;
    const struct pt_flow_workers workers = {.run = run_backwards, .run_arg = &parts, .threads = 3};
    struct pt_flow_paths *a = paths_by(&pairs, pairs.graph, NULL, NULL);
    struct pt_flow_paths *b = paths_by(&pairs, pairs.graph, NULL, &workers);
    ck_assert_uint_gt(parts, 3);
    ck_same(a, b);
    pt_flow_paths_free(a);
    pt_flow_paths_free(b);
    pairs_free(&pairs);
}
END_TEST

/* Does a path of the demand lead over the link? */
static bool uses(const struct pt_flow_paths *paths, size_t slot, uint32_t link)
{
    uint32_t links[256];
    size_t hops = pt_flow_path_links(paths, slot, links, 256);
    for (size_t i = 0; i < hops; i++) {
        if (links[i] == link) {
            return true;
        }
    }
    return false;
}

START_TEST(a_failed_link_takes_its_paths_along)
{
    struct pairs pairs = all_pairs(_i);
    const struct pt_flow_rules rules = {.allow_unreachable = true};
    struct pt_flow_paths *before = paths_by(&pairs, pairs.graph, &rules, NULL);
    uint32_t link = (uint32_t)_i % pt_flow_links_len(pairs.graph);
    struct pt_flow_link down = *pt_flow_link_at(pairs.graph, link);
    down.down = true;
    struct pt_flow_graph *graph = NULL;
    ck_assert_int_eq(pt_flow_graph_with(pairs.graph, &link, &down, 1, &graph, NULL), PT_OK);
    struct pt_flow_paths *fresh = paths_by(&pairs, graph, &rules, NULL);
    struct pt_flow_paths *after = NULL;
    ck_assert_int_eq(
        pt_flow_paths_update(before, graph, &rules, pairs.demands, pairs.len, &link, 1, NULL, &after, NULL), PT_OK);
    for (size_t d = 0; d < pairs.len; d++) {
        size_t alive = 0;
        for (size_t s = pt_flow_paths_first(before, d); s < pt_flow_paths_first(before, d + 1); s++) {
            alive += !uses(before, s, link);
        }
        size_t now = pt_flow_paths_first(after, d + 1) - pt_flow_paths_first(after, d);
        size_t due = pt_flow_paths_first(fresh, d + 1) - pt_flow_paths_first(fresh, d);
        ck_assert_uint_eq(now, alive > 0 ? alive : due);
        for (size_t s = pt_flow_paths_first(after, d); s < pt_flow_paths_first(after, d + 1); s++) {
            ck_assert(!uses(after, s, link));
        }
    }
    pt_flow_paths_free(before);
    pt_flow_paths_free(after);
    pt_flow_paths_free(fresh);
    pt_flow_graph_free(graph);
    pairs_free(&pairs);
}
END_TEST

/* 0 to 3: over 1 (short in hops, slow), over 2 (labelled), over 4 and 5 (long, quick). Links 0 and 2 share a risk. */
static struct pt_flow_graph *choices(void)
{
    static const uint32_t risk[] = {7};
    const struct pt_flow_link links[] = {
        {.from = 0, .to = 1, .capacity = 10, .delay = 50, .srlgs = risk, .srlgs_len = 1},
        {.from = 1, .to = 3, .capacity = 10, .delay = 50, .loss = 0.1},
        {.from = 0, .to = 2, .capacity = 30, .delay = 20, .labels = 4, .srlgs = risk, .srlgs_len = 1},
        {.from = 2, .to = 3, .capacity = 30, .delay = 20, .labels = 4},
        {.from = 0, .to = 4, .capacity = 30, .delay = 1},
        {.from = 4, .to = 5, .capacity = 30, .delay = 1},
        {.from = 5, .to = 3, .capacity = 5, .delay = 1},
    };
    struct pt_flow_graph *graph = NULL;
    ck_assert_int_eq(pt_flow_graph_new(6, links, 7, &graph, NULL), PT_OK);
    return graph;
}

START_TEST(constraints_leave_what_fits)
{
    static const struct {
        struct pt_flow_rules rules;
        size_t len;
        uint32_t first; /* link that the first path begins with */
    } cases[] = {
        {{.weight = PT_FLOW_BY_HOPS}, 3, 0}, {{.weight = PT_FLOW_BY_DELAY}, 3, 4},
        {{.labels_none = 4}, 2, 0},          {{.labels_all = 4}, 1, 2},
        {{.labels_any = 6}, 1, 2},           {{.capacity_min = 20}, 1, 2},
        {{.delay_max = 45}, 2, 2},           {{.loss_max = 0.05}, 2, 2},
        {{.srlg_disjoint = true}, 2, 0},     {{.paths_max = 1}, 1, 0},
    };
    struct pt_flow_graph *graph = choices();
    const struct pt_flow_demand demand = {.from = 0, .to = 3, .rate = 1};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct pt_flow_paths *paths = NULL;
        ck_assert_int_eq(pt_flow_paths_new(graph, &cases[i].rules, &demand, 1, NULL, &paths, NULL), PT_OK);
        uint32_t links[8];
        pt_flow_path_links(paths, 0, links, 8);
        ck_assert_msg(pt_flow_paths_first(paths, 1) == cases[i].len && links[0] == cases[i].first,
                      "case %zu: %zu paths, the first by link %u", i, pt_flow_paths_first(paths, 1), links[0]);
        pt_flow_paths_free(paths);
    }
    pt_flow_graph_free(graph);
}
END_TEST

START_TEST(what_cannot_be_is_named)
{
    struct pt_flow_graph *graph = choices();
    const struct pt_flow_demand demands[] = {{.from = 0, .to = 3, .rate = 1}, {.from = 3, .to = 0, .rate = 1}};
    struct pt_flow_paths *paths = NULL;
    struct pt_error error = {0};
    ck_assert_int_eq(pt_flow_paths_new(graph, NULL, demands, 2, NULL, &paths, &error), PT_FAILED_PRECONDITION);
    ck_assert_str_eq(error.field, "demands[1]");
    const struct pt_flow_link bad[] = {{.from = 0, .to = 1, .capacity = 1}, {.from = 0, .to = 1, .capacity = 0}};
    ck_assert_int_eq(pt_flow_graph_new(2, bad, 2, &graph, &error), PT_INVALID_ARGUMENT);
    ck_assert_str_eq(error.field, "links[1].capacity");
    const struct pt_flow_demand nan[] = {{.from = 0, .to = 3, .rate = NAN}};
    ck_assert_int_eq(pt_flow_demands_check(graph, nan, 1, &error), PT_INVALID_ARGUMENT);
    ck_assert_str_eq(error.field, "demands[0].rate");
    ck_assert_ptr_null(paths);
    pt_flow_graph_free(graph);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("flow paths");
    TCase *tcase = tcase_create("paths");
    tcase_add_loop_test(tcase, fast_and_plain_agree, 0, GRAPHS);
    tcase_add_loop_test(tcase, disjoint4_is_the_rule, 0, GRAPHS);
    tcase_add_test(tcase, disjoint4_of_a_real_network);
    tcase_add_test(tcase, spreading_changes_nothing);
    tcase_add_loop_test(tcase, a_failed_link_takes_its_paths_along, 0, GRAPHS);
    tcase_add_test(tcase, constraints_leave_what_fits);
    tcase_add_test(tcase, what_cannot_be_is_named);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
