/*
 * The splits of a pass: what traffic there is, what is in force, what the solver says, the next step towards it, and
 * that step put into the pairs.
 *
 * Where a pair's traffic matters (something on its way is full, or it has splits of its own already) its classes are
 * flows of their own. The pair itself gets what all classes together have, so that whatever looks at pairs sees the
 * traffic as it is, and a class that was not measured yet goes like the rest; classes that are split otherwise get a
 * variant of the pair (te_pair_of_class), which becomes a group of its own. At most CLASS_PAIRS_MAX pairs of a site
 * have such classes; the traffic of others is one flow.
 */
#include "mod/te/split.h"

#include "base/assert.h"
#include "mod/te/changes.h"
#include "mod/te/in_force.h"

#include <stdlib.h>
#include <string.h>

#define HOT 0.8
#define KEEP_PPM 900000U
#define STRETCH 3U      /* an eligible path's metric is at most so many times the best */
#define SLACK_US 10000U /* and this */
#define PENALTY_US 100000U
#define CLASS_PAIRS_MAX 256U

static struct te_pair *pair_of(const struct te_topology *topology, struct te_paths *paths, const struct te_flow *flow)
{
    return (struct te_pair *)(uintptr_t)te_pair_of(topology, paths, flow->fabric, flow->from, flow->to);
}

static void round_normal(const struct te_update_problem *update, double *splits)
{
    for (size_t flow = 0; flow < update->flows_len; flow++) {
        size_t begin = update->first_path[flow];
        size_t len = update->first_path[flow + 1] - begin;
        uint32_t weights[TE_CANDIDATES_MAX];
        if (len > 0) {
            (void)te_quantise(&splits[begin], len, TE_QUANTUM, weights);
        }
        for (size_t i = 0; i < len; i++) {
            splits[begin + i] = (double)weights[i] / TE_QUANTUM;
        }
    }
}

/* What the previous solution gave the paths of a pair that still are, for one class; returns the sum. */
static uint64_t weights_before(const struct te_solution *previous, const char *from, const struct te_pair *pair,
                               uint32_t class_index, double *before)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < pair->len; i++) {
        const uint32_t *weight = te_weight_of(previous, from, pair->paths[i].id, class_index);
        before[i] = weight != NULL ? *weight : 0;
        sum += weight != NULL ? *weight : 0;
    }
    return sum;
}

/* What is in force of a flow: the previous solution's weights for its class, else for its pair; the normal ones when it
 * had none, or when what it had is gone. */
static void fill_before(const struct te_solution *previous, const char *from, const struct te_pair *pair,
                        uint32_t class_index, const double *normal, double *before)
{
    bool known = weights_before(previous, from, pair, class_index, before) == TE_QUANTUM;
    known = known || (class_index != 0 && weights_before(previous, from, pair, 0, before) == TE_QUANTUM);
    for (size_t i = 0; i < pair->len; i++) {
        before[i] = known ? before[i] / TE_QUANTUM : normal[i];
    }
}

/* ---- classes that stand apart --------------------------------------------------------------------------------- */

/* Has the pair weights from before, by class or for all? The classes that have, as bits. */
static uint32_t classes_before(const struct te_solution *previous, const char *from, const struct te_pair *pair)
{
    uint32_t mask = 0;
    for (size_t i = 0; previous != NULL && previous->weights.count > 0 && i < pair->len; i++) {
        for (uint32_t class = 0; class <= TE_CLASSES_MAX; class ++) {
            mask |= te_weight_of(previous, from, pair->paths[i].id, class) != NULL ? 1U << class : 0;
        }
    }
    return mask;
}

static bool crosses_full(const struct te_load *load, const double *loads, size_t flow)
{
    const struct te_update_problem *problem = &load->problem;
    for (size_t path = problem->first_path[flow]; path < problem->first_path[flow + 1]; path++) {
        for (size_t i = problem->first_hop[path]; load->splits[path] > 0 && i < problem->first_hop[path + 1]; i++) {
            if (loads[problem->hops[i]] > HOT * problem->capacity[problem->hops[i]]) {
                return true;
            }
        }
    }
    return false;
}

/* The traffic with classes apart where that may matter. */
static struct te_load *cut_into_classes(const struct pt_plan_pass *pass, const struct te_topology *topology,
                                        struct te_paths *paths, const struct te_load *load)
{
    uint32_t *masks = pt_arena_array(pass->arena, load->flows_len, sizeof(uint32_t));
    uint32_t *used = pt_arena_array(pass->arena, topology->sites_len, sizeof(uint32_t));
    const double *loads = te_load_links(load, load->splits, pass->arena);
    for (size_t i = 0; i < load->flows_len; i++) {
        const struct te_flow *flow = &load->flows[i];
        if (flow->fabric == TE_NONE || used[flow->from] == CLASS_PAIRS_MAX) {
            continue;
        }
        uint32_t before =
            classes_before(pass->previous, topology->sites[flow->from].name, pair_of(topology, paths, flow));
        if (before == 0 && !crosses_full(load, loads, i)) {
            continue;
        }
        for (uint32_t class = 1; class <= TE_CLASSES_MAX; class ++) {
            bool held = pass->previous != NULL && pass->previous->hold && (before >> class & 1) != 0;
            masks[i] |= flow->class_bps[class] > 0 || held ? 1U << class : 0;
        }
        used[flow->from] += masks[i] != 0 ? 1 : 0;
    }
    return te_load_by_class(load, masks, topology, paths, pass->arena);
}

static bool same_pair(const struct te_flow *a, const struct te_flow *b)
{
    return a->from == b->from && a->to == b->to;
}

static void fill_problem(const struct pt_plan_pass *pass, const struct te_topology *topology, struct te_paths *paths,
                         const struct te_load *load, struct te_split_problem *problem)
{
    double *before = pt_arena_array(pass->arena, load->paths_len, sizeof(double));
    bool *eligible = pt_arena_array(pass->arena, load->paths_len, sizeof(bool));
    uint32_t *site = pt_arena_array(pass->arena, topology->links_len, sizeof(uint32_t));
    uint32_t *pair_index = pt_arena_array(pass->arena, load->flows_len, sizeof(uint32_t));
    uint32_t *class_index = pt_arena_array(pass->arena, load->flows_len, sizeof(uint32_t));
    round_normal(&load->problem, load->splits);
    for (size_t i = 1; i < topology->links_len; i++) { /* numbered without gaps, for sites without links say nothing */
        site[i] = site[i - 1] + (topology->links[i].site != topology->links[i - 1].site ? 1 : 0);
    }
    for (size_t i = 0; i < load->flows_len; i++) {
        size_t begin = load->problem.first_path[i];
        const struct te_flow *flow = &load->flows[i];
        class_index[i] = flow->class_index;
        pair_index[i] = i == 0 ? 0 : pair_index[i - 1] + (same_pair(flow, flow - 1) ? 0 : 1);
        if (flow->fabric == TE_NONE) {
            continue;
        }
        const struct te_pair *pair = pair_of(topology, paths, flow);
        fill_before(pass->previous, topology->sites[flow->from].name, pair, flow->class_index, &load->splits[begin],
                    &before[begin]);
        for (size_t j = 0; j < pair->len; j++) {
            eligible[begin + j] = !pair->paths[j].leaving &&
                                  pair->paths[j].metric < pair->paths[0].metric + PENALTY_US / 10 * 9 &&
                                  pair->paths[j].metric <= pair->paths[0].metric * STRETCH + SLACK_US;
        }
    }
    /* In whole parts per million, so that a written solution says exactly what was computed with. */
    bool arrived = pass->previous != NULL && !pass->previous->more; /* half-way is nothing to keep */
    uint64_t keep_ppm = arrived ? KEEP_PPM : 0;
    if (arrived && pass->previous->target_ppm / 10 * 11 > keep_ppm) {
        keep_ppm = pass->previous->target_ppm / 10 * 11;
    }
    keep_ppm = pass->previous != NULL && pass->previous->hold ? (uint64_t)(TE_HOLD * 1e6) : keep_ppm;
    *problem = (struct te_split_problem){.update = &load->problem,
                                         .site = site,
                                         .pair = pair_index,
                                         .class_index = class_index,
                                         .normal = load->splits,
                                         .before = before,
                                         .eligible = eligible,
                                         .keep_below = (double)keep_ppm * 1e-6};
}

static int compare_order(const void *a, const void *b)
{
    const struct te_path *x = a;
    const struct te_path *y = b;
    if (x->tier != y->tier) {
        return x->tier < y->tier ? -1 : 1;
    }
    return x->metric != y->metric ? (x->metric < y->metric ? -1 : 1) : x->id < y->id ? -1 : x->id > y->id;
}

/* Paths with a share become tier 0 with it as weight; the others wait behind in the order in which they stood. */
static void set_splits(struct te_pair *pair, const double *splits)
{
    for (size_t i = 0; i < pair->len; i++) {
        struct te_path *path = &pair->paths[i];
        uint32_t weight = te_split_weight(splits[i]);
        path->tier = weight > 0 ? 0 : (uint32_t)i + 1;
        path->weight = weight > 0 ? weight : path->weight;
    }
    qsort(pair->paths, pair->len, sizeof(pair->paths[0]), compare_order);
    uint32_t tier = 0;
    for (size_t i = 0; i < pair->len; i++) {
        pair->paths[i].tier = pair->paths[i].tier == 0 ? 0 : ++tier;
    }
}

static void remember(const struct te_pair *pair, uint32_t class_index, const double *splits,
                     struct te_solution *solution, struct pt_arena *arena)
{
    for (size_t i = 0; i < pair->len; i++) {
        uint32_t weight = te_split_weight(splits[i]);
        uint8_t key[TE_WEIGHT_KEY_SIZE];
        size_t size = te_weight_key(pair->paths[i].id, class_index, NULL, key);
        (void)pt_map_put(&solution->weights, key, size, pt_arena_memdup(arena, &weight, sizeof(weight)));
    }
}

/* What all flows of a pair put on its paths together, as weights. */
static void add_up(const struct te_update_problem *problem, size_t flow, size_t end, const double *splits, double *ret)
{
    size_t len = problem->first_path[flow + 1] - problem->first_path[flow];
    uint32_t weights[TE_CANDIDATES_MAX];
    double sum = 0;
    for (size_t i = flow; i < end; i++) {
        sum += problem->rate[i];
    }
    memset(ret, 0, len * sizeof(double));
    for (size_t i = flow; i < end; i++) {
        double share = sum > 0 ? problem->rate[i] / sum : 1.0 / (double)(end - flow);
        for (size_t j = 0; j < len; j++) {
            ret[j] += share * splits[problem->first_path[i] + j];
        }
    }
    (void)te_quantise(ret, len, TE_QUANTUM, weights);
    for (size_t j = 0; j < len; j++) {
        ret[j] = (double)weights[j] / TE_QUANTUM;
    }
}

/* A class that is split otherwise than its pair (`all`) gets a variant of it; made before the pair itself changes. */
static void add_variant(struct te_pair *pair, uint32_t class_index, const double *splits, const double *all,
                        struct pt_arena *arena)
{
    if (memcmp(splits, all, pair->len * sizeof(double)) == 0) {
        return;
    }
    struct te_pair *variant = pt_arena_memdup(arena, pair, sizeof(*pair));
    variant->by_class = NULL;
    set_splits(variant, splits);
    if (pair->by_class == NULL) {
        pair->by_class = pt_arena_array(arena, TE_CLASSES_MAX + 1, sizeof(struct te_pair *));
    }
    pair->by_class[class_index] = variant;
}

static void install(struct te_pair *pair, const struct te_load *load, size_t flow, size_t end, const double *splits,
                    struct te_solution *solution, struct pt_arena *arena)
{
    double all[TE_CANDIDATES_MAX];
    add_up(&load->problem, flow, end, splits, all);
    pair->led = true;
    for (size_t i = flow; i < end && end - flow > 1; i++) {
        const double *own = &splits[load->problem.first_path[i]];
        remember(pair, load->flows[i].class_index, own, solution, arena);
        add_variant(pair, load->flows[i].class_index, own, all, arena);
    }
    remember(pair, 0, all, solution, arena);
    set_splits(pair, all);
}

static void install_all(const struct pt_plan_pass *pass, const struct te_topology *topology, struct te_paths *paths,
                        const struct te_load *load, const double *normal, const double *splits,
                        struct te_solution *solution)
{
    const size_t *first = load->problem.first_path;
    for (size_t flow = 0, end; flow < load->flows_len; flow = end) {
        end = flow + 1;
        while (end < load->flows_len && same_pair(&load->flows[end], &load->flows[flow])) {
            end++;
        }
        size_t size = (first[end] - first[flow]) * sizeof(double);
        if (size > 0 && memcmp(&splits[first[flow]], &normal[first[flow]], size) != 0) {
            install(pair_of(topology, paths, &load->flows[flow]), load, flow, end, splits, solution, pass->arena);
        }
    }
}

enum pt_code te_split_run(struct pt_plan_pass *pass, const struct te_topology *topology, struct te_paths *paths,
                          const struct te_solution **ret_solution, struct pt_error *reterr)
{
    bool kept, lost;
    const struct te_load *whole = te_load_new(pass, topology, paths, pass->arena);
    te_in_force_keep(pass, topology, paths, whole, &kept, &lost);
    whole = kept ? te_load_new(pass, topology, paths, pass->arena) : whole;
    struct te_load *load = cut_into_classes(pass, topology, paths, whole);
    struct te_split_problem problem;
    fill_problem(pass, topology, paths, load, &problem);
    struct te_split split;
    PT_TRY(te_split_solve(&problem, pass->arena, &split, reterr));
    struct te_in_force in_force;
    te_in_force_find(pass, topology, paths, load, problem.before, problem.normal, &in_force);
    load->problem.steps_left = pass->previous != NULL ? pass->previous->steps_left : 0;
    const struct te_update *update = te_update_plan(&load->problem, in_force.carrying, split.target, pass->arena);
    /* While some node may still be at an earlier step, nothing was verified about the next one: it waits. A question is
     * about where it ends, and not about steps. */
    const double *now = pass->under_way ? in_force.carrying : update->splits[0];
    now = pass->changes != NULL ? split.target : now;
    struct te_solution *solution = PT_NEW(pass->arena, struct te_solution);
    size_t size = load->paths_len * sizeof(double);
    bool same = pass->previous != NULL && memcmp(now, in_force.planned, size) == 0;
    bool moves = memcmp(now, in_force.carrying, size) != 0, more = memcmp(now, split.target, size) != 0;
    *solution = (struct te_solution){.epoch = (pass->previous != NULL ? pass->previous->epoch : 0) + (same ? 0 : 1),
                                     .time_ns = pass->time_ns,
                                     .kind = (int)split.kind,
                                     .target_ppm = te_ppm(split.value),
                                     .bound_ppm = te_ppm(split.bound),
                                     .gap_ppm = te_ppm(split.gap),
                                     .rounding_ppm = te_ppm(split.rounding),
                                     .worst_ppm = te_ppm(update->worst),
                                     .steps = (uint32_t)update->steps_len,
                                     .steps_left = (uint32_t)(more ? update->steps_len - (moves ? 1 : 0) : 0),
                                     .promised = update->promised && !(pass->late && moves) && !lost,
                                     .more = more,
                                     .topology = topology,
                                     .paths = paths,
                                     .problem = pt_arena_memdup(pass->arena, &problem, sizeof(problem)),
                                     .load = load,
                                     .target = split.target};
    install_all(pass, topology, paths, load, problem.normal, now, solution);
    te_in_force_drop(topology, paths, load);
    *ret_solution = solution;
    return PT_OK;
}
