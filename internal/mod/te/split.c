/*
 * When nothing is fuller than HOT under the normal weights, they stay: most networks, most of the time, and no traffic
 * moves because of a measurement. Else the flows that touch something hot are given to the solver, which spreads them
 * over their eligible paths so that the fullest link is as empty as can be; all others stay where they are and only
 * narrow the links. What the solver found is kept while it does (KEEP), so that load that wanders does not move
 * traffic; it is given up when the normal weights have become fine again (COOL).
 *
 * Graph for the solver: a node a site and one for all underlays; a link's up direction leads from its site to that node
 * and its down direction back, so that a tunnel is two links in a row.
 */
#include "mod/te/split.h"

#include "base/assert.h"
#include "flow/solve.h"
#include "mod/te/changes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HOT 0.8
#define COOL 0.7
#define KEEP_PPM 900000U
#define GAP 0.01
#define PASSES_MAX 400
#define NARROW 0.01     /* of a capacity is left at least when other flows fill it */
#define STRETCH 3U      /* an eligible path's metric is at most so many times the best */
#define SLACK_US 10000U /* and this */
#define PENALTY_US 100000U

/* ---- which flows ---------------------------------------------------------------------------------------------- */

static double *loads_of(const struct te_update_problem *update, const double *splits, const bool *only,
                        struct pt_arena *arena)
{
    double *loads = pt_arena_array(arena, update->links_len, sizeof(double));
    for (size_t flow = 0; flow < update->flows_len; flow++) {
        for (size_t path = update->first_path[flow]; path < update->first_path[flow + 1]; path++) {
            for (size_t i = update->first_hop[path]; only[flow] && i < update->first_hop[path + 1]; i++) {
                loads[update->hops[i]] += update->rate[flow] * splits[path];
            }
        }
    }
    return loads;
}

/* Flows that put something on a link fuller than HOT; returns how many. */
static size_t mark_movable(const struct te_split_problem *problem, bool *movable, bool *fixed, struct pt_arena *arena)
{
    const struct te_update_problem *update = problem->update;
    memset(fixed, 1, update->flows_len * sizeof(bool));
    const double *loads = loads_of(update, problem->normal, fixed, arena);
    size_t len = 0;
    for (size_t flow = 0; flow < update->flows_len; flow++) {
        for (size_t path = update->first_path[flow]; path < update->first_path[flow + 1]; path++) {
            for (size_t i = update->first_hop[path]; problem->normal[path] > 0 && i < update->first_hop[path + 1];
                 i++) {
                uint32_t link = update->hops[i];
                movable[flow] = movable[flow] || loads[link] > HOT * update->capacity[link];
            }
        }
        fixed[flow] = !movable[flow];
        len += movable[flow] ? 1 : 0;
    }
    return len;
}

/* ---- asking the solver ---------------------------------------------------------------------------------------- */

struct ask {
    struct pt_flow_graph *graph;
    struct pt_flow_paths *paths;
    struct pt_flow_result *result;
    struct pt_flow_demand *demands;
    size_t demands_len;
    size_t *path_of; /* slot -> path of the problem */
    size_t slots_len;
};

static enum pt_code make_graph(const struct te_split_problem *problem, const double *background, struct ask *ask,
                               struct pt_arena *arena, struct pt_error *reterr)
{
    const struct te_update_problem *update = problem->update;
    struct pt_flow_link *links = pt_arena_array(arena, update->links_len, sizeof(*links));
    uint32_t hub = 0;
    for (size_t i = 0; i < update->links_len / 2; i++) {
        hub = problem->site[i] >= hub ? problem->site[i] + 1 : hub;
    }
    for (size_t i = 0; i < update->links_len; i++) {
        double left = update->capacity[i] - background[i];
        double least = update->capacity[i] * NARROW;
        uint32_t site = problem->site[i / 2];
        links[i] = (struct pt_flow_link){.from = i % 2 == 0 ? site : hub,
                                         .to = i % 2 == 0 ? hub : site,
                                         .capacity = left > least ? left : least,
                                         .metric = 1};
    }
    /* A path may be longer than there are sites with links: room for the check of its length. */
    return pt_flow_graph_new(hub + 1 + 2 * (PT_PATH_STACK_LEN_MAX + 1), links, (uint32_t)update->links_len, &ask->graph,
                             reterr);
}

static enum pt_code make_paths(const struct te_split_problem *problem, const bool *movable, struct ask *ask,
                               struct pt_arena *arena, struct pt_error *reterr)
{
    const struct te_update_problem *update = problem->update;
    size_t all = update->first_path[update->flows_len];
    ask->demands = pt_arena_array(arena, update->flows_len, sizeof(*ask->demands));
    ask->path_of = pt_arena_array(arena, all, sizeof(size_t));
    uint32_t *owners = pt_arena_array(arena, all, sizeof(uint32_t));
    size_t *first = pt_arena_array(arena, all + 1, sizeof(size_t));
    uint32_t *links = pt_arena_array(arena, update->first_hop[all], sizeof(uint32_t));
    size_t len = 0;
    for (size_t flow = 0; flow < update->flows_len; flow++) {
        for (size_t path = update->first_path[flow]; movable[flow] && path < update->first_path[flow + 1]; path++) {
            if (!problem->eligible[path] && problem->normal[path] == 0) {
                continue;
            }
            size_t begin = update->first_hop[path];
            size_t hops = update->first_hop[path + 1] - begin;
            memcpy(&links[len], &update->hops[begin], hops * sizeof(uint32_t));
            len += hops;
            owners[ask->slots_len] = (uint32_t)ask->demands_len;
            ask->path_of[ask->slots_len++] = path;
            first[ask->slots_len] = len;
            ask->demands[ask->demands_len] = (struct pt_flow_demand){
                .from = problem->site[update->hops[begin] / 2],
                .to = problem->site[update->hops[begin + hops - 1] / 2],
                .rate = update->rate[flow],
            };
        }
        ask->demands_len += movable[flow] ? 1 : 0;
    }
    return pt_flow_paths_of(ask->graph, ask->demands, ask->demands_len, owners, first, links, ask->slots_len,
                            &ask->paths, reterr);
}

/* What is in force is where the solver begins: what is good enough stays, and what moves moves from there. Prices are
 * not kept, so that a written solution says everything that it was computed from. */
static void warm_start(const struct te_split_problem *problem, const struct ask *ask, struct pt_flow_result *ret_warm,
                       struct pt_arena *arena)
{
    double *rates = pt_arena_array(arena, ask->slots_len, sizeof(double));
    for (size_t demand = 0; demand < ask->demands_len; demand++) {
        for (size_t slot = pt_flow_paths_first(ask->paths, demand); slot < pt_flow_paths_first(ask->paths, demand + 1);
             slot++) {
            rates[slot] = problem->before[ask->path_of[slot]] * ask->demands[demand].rate;
        }
    }
    *ret_warm = (struct pt_flow_result){
        .rates = rates,
        .rates_len = ask->slots_len,
        .lengths = pt_arena_array(arena, problem->update->links_len, sizeof(double)), /* zeroes: nothing is proved */
        .links_len = (uint32_t)problem->update->links_len,
        .classes_len = 1};
}

/* The solver's rates as weights of the flow that owns the slots [begin, end). */
static double round_slots(const struct ask *ask, size_t begin, size_t end, double *target)
{
    double splits[TE_CANDIDATES_MAX];
    uint32_t weights[TE_CANDIDATES_MAX];
    double sum = 0;
    size_t len = end - begin;
    pt_assert(len > 0 && len <= TE_CANDIDATES_MAX);
    for (size_t i = 0; i < len; i++) {
        sum += ask->result->rates[begin + i];
    }
    for (size_t i = 0; i < len; i++) {
        splits[i] = sum > 0 ? ask->result->rates[begin + i] / sum : 1.0 / (double)len;
    }
    double error = te_quantise(splits, len, TE_QUANTUM, weights);
    for (size_t i = 0; i < len; i++) {
        target[ask->path_of[begin + i]] = (double)weights[i] / TE_QUANTUM;
    }
    return error;
}

static void take_rates(const struct te_split_problem *problem, const bool *movable, const struct ask *ask,
                       struct te_split *split)
{
    const struct te_update_problem *update = problem->update;
    size_t demand = 0;
    for (size_t flow = 0; flow < update->flows_len; flow++) {
        if (!movable[flow]) {
            continue;
        }
        for (size_t path = update->first_path[flow]; path < update->first_path[flow + 1]; path++) {
            split->target[path] = 0;
        }
        double error = round_slots(ask, pt_flow_paths_first(ask->paths, demand),
                                   pt_flow_paths_first(ask->paths, demand + 1), split->target);
        split->rounding = error > split->rounding ? error : split->rounding;
        demand++;
    }
    split->bound = ask->result->certificate.bound;
    split->gap = ask->result->certificate.gap;
}

static enum pt_code solve(const struct te_split_problem *problem, struct pt_arena *arena, struct te_split *split,
                          struct pt_error *reterr)
{
    const struct te_update_problem *update = problem->update;
    bool *movable = pt_arena_array(arena, update->flows_len, sizeof(bool));
    bool *fixed = pt_arena_array(arena, update->flows_len, sizeof(bool));
    if (update->links_len > PT_FLOW_LINKS_MAX || mark_movable(problem, movable, fixed, arena) == 0) {
        return PT_OK; /* what the solver does not take keeps its normal weights */
    }
    struct ask ask = {0};
    enum pt_code code = make_graph(problem, loads_of(update, problem->normal, fixed, arena), &ask, arena, reterr);
    if (code == PT_OK) {
        code = make_paths(problem, movable, &ask, arena, reterr);
    }
    if (code == PT_OK) {
        const struct pt_flow_problem flow = {.graph = ask.graph,
                                             .demands = ask.demands,
                                             .demands_len = ask.demands_len,
                                             .paths = ask.paths,
                                             .objective = PT_FLOW_MIN_MLU};
        struct pt_flow_result warm;
        warm_start(problem, &ask, &warm, arena);
        const struct pt_flow_options options = {
            .gap = GAP, .passes_max = PASSES_MAX, .warm = &warm, .warm_paths = ask.paths};
        code = pt_flow_solve(&flow, &options, &ask.result, reterr);
    }
    if (code == PT_OK) {
        take_rates(problem, movable, &ask, split);
        split->kind = TE_SPLIT_SOLVED;
    }
    pt_flow_result_free(ask.result);
    pt_flow_paths_free(ask.paths);
    pt_flow_graph_free(ask.graph);
    return code;
}

enum pt_code te_split_solve(const struct te_split_problem *problem, struct pt_arena *arena, struct te_split *ret_split,
                            struct pt_error *reterr)
{
    const struct te_update_problem *update = problem->update;
    size_t paths_len = update->first_path[update->flows_len];
    double normal = te_update_worst(update, problem->normal, problem->normal);
    double before = te_update_worst(update, problem->before, problem->before);
    struct te_split split = {
        .kind = TE_SPLIT_DEFAULT, .value = normal, .target = pt_arena_array(arena, paths_len, sizeof(double))};
    memcpy(split.target, problem->normal, paths_len * sizeof(double));
    bool moved = memcmp(problem->before, problem->normal, paths_len * sizeof(double)) != 0;
    bool held = moved && problem->keep_below >= TE_HOLD;
    if (!held && normal <= (moved ? COOL : HOT)) {
        *ret_split = split;
        return PT_OK;
    }
    if (moved && before <= problem->keep_below) {
        split.kind = TE_SPLIT_KEPT;
        split.value = before;
        memcpy(split.target, problem->before, paths_len * sizeof(double));
        *ret_split = split;
        return PT_OK;
    }
    PT_TRY(solve(problem, arena, &split, reterr));
    split.value = te_update_worst(update, split.target, split.target);
    if (split.kind == TE_SPLIT_SOLVED && split.value >= normal) { /* rounding ate what there was to gain */
        split.kind = TE_SPLIT_DEFAULT;
        split.value = normal;
        memcpy(split.target, problem->normal, paths_len * sizeof(double));
    } else if (split.kind == TE_SPLIT_SOLVED && moved && before <= split.value * (1 + GAP)) {
        split.value = before; /* as good as what was found: nobody moves for less than the solver's own gap */
        split.rounding = 0;
        memcpy(split.target, problem->before, paths_len * sizeof(double));
    }
    *ret_split = split;
    return PT_OK;
}

/* ---- the stage's part ----------------------------------------------------------------------------------------- */

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

static const uint32_t *weight_before(const struct te_solution *previous, uint64_t path_id)
{
    uint8_t key[8];
    pt_put_be64(key, path_id);
    return previous != NULL ? pt_map_get(&previous->weights, key, sizeof(key)) : NULL;
}

/* What is in force of a flow: the previous solution's weights on the paths that still are; the normal ones when it had
 * none, or when what it had is gone. */
static void fill_before(const struct te_solution *previous, const struct te_pair *pair, const double *normal,
                        double *before)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < pair->len; i++) {
        const uint32_t *weight = weight_before(previous, pair->paths[i].id);
        before[i] = weight != NULL ? *weight : 0;
        sum += weight != NULL ? *weight : 0;
    }
    for (size_t i = 0; i < pair->len; i++) {
        before[i] = sum == TE_QUANTUM ? before[i] / TE_QUANTUM : normal[i];
    }
}

static void fill_problem(const struct pt_plan_pass *pass, const struct te_topology *topology, struct te_paths *paths,
                         const struct te_load *load, struct te_split_problem *problem)
{
    double *before = pt_arena_array(pass->arena, load->paths_len, sizeof(double));
    bool *eligible = pt_arena_array(pass->arena, load->paths_len, sizeof(bool));
    uint32_t *site = pt_arena_array(pass->arena, topology->links_len, sizeof(uint32_t));
    round_normal(&load->problem, load->splits);
    for (size_t i = 1; i < topology->links_len; i++) { /* numbered without gaps, for sites without links say nothing */
        site[i] = site[i - 1] + (topology->links[i].site != topology->links[i - 1].site ? 1 : 0);
    }
    for (size_t i = 0; i < load->flows_len; i++) {
        size_t begin = load->problem.first_path[i];
        if (load->flows[i].fabric == TE_NONE) {
            continue;
        }
        const struct te_pair *pair = pair_of(topology, paths, &load->flows[i]);
        fill_before(pass->previous, pair, &load->splits[begin], &before[begin]);
        for (size_t j = 0; j < pair->len; j++) {
            eligible[begin + j] = pair->paths[j].metric < pair->paths[0].metric + PENALTY_US / 10 * 9 &&
                                  pair->paths[j].metric <= pair->paths[0].metric * STRETCH + SLACK_US;
        }
    }
    /* In whole parts per million, so that a written solution says exactly what was computed with. */
    uint64_t keep_ppm = pass->previous == NULL ? 0 : KEEP_PPM;
    if (pass->previous != NULL && pass->previous->target_ppm / 10 * 11 > keep_ppm) {
        keep_ppm = pass->previous->target_ppm / 10 * 11;
    }
    keep_ppm = pass->previous != NULL && pass->previous->hold ? (uint64_t)(TE_HOLD * 1e6) : keep_ppm;
    *problem = (struct te_split_problem){.update = &load->problem,
                                         .site = site,
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
static void install(struct te_pair *pair, const double *splits, struct te_solution *solution, struct pt_arena *arena)
{
    for (size_t i = 0; i < pair->len; i++) {
        struct te_path *path = &pair->paths[i];
        uint32_t weight = (uint32_t)lround(splits[i] * TE_QUANTUM);
        uint8_t key[8];
        pt_put_be64(key, path->id);
        (void)pt_map_put(&solution->weights, key, sizeof(key), pt_arena_memdup(arena, &weight, sizeof(weight)));
        path->tier = weight > 0 ? 0 : (uint32_t)i + 1;
        path->weight = weight > 0 ? weight : path->weight;
    }
    qsort(pair->paths, pair->len, sizeof(pair->paths[0]), compare_order);
    uint32_t tier = 0;
    for (size_t i = 0; i < pair->len; i++) {
        pair->paths[i].tier = pair->paths[i].tier == 0 ? 0 : ++tier;
    }
}

static void install_all(const struct pt_plan_pass *pass, const struct te_topology *topology, struct te_paths *paths,
                        const struct te_load *load, const double *normal, const double *splits,
                        struct te_solution *solution)
{
    for (size_t i = 0; i < load->flows_len; i++) {
        size_t begin = load->problem.first_path[i];
        size_t len = load->problem.first_path[i + 1] - begin;
        if (len > 0 && memcmp(&splits[begin], &normal[begin], len * sizeof(double)) != 0) {
            install(pair_of(topology, paths, &load->flows[i]), &splits[begin], solution, pass->arena);
        }
    }
}

static uint64_t ppm(double share)
{
    return share < 1e12 ? (uint64_t)(share * 1e6 + 0.5) : UINT64_MAX;
}

enum pt_code te_split_run(struct pt_plan_pass *pass, const struct te_topology *topology, struct te_paths *paths,
                          const struct te_solution **ret_solution, struct pt_error *reterr)
{
    const struct te_load *load = te_load_new(pass, topology, paths, pass->arena);
    struct te_split_problem problem;
    fill_problem(pass, topology, paths, load, &problem);
    struct te_split split;
    PT_TRY(te_split_solve(&problem, pass->arena, &split, reterr));
    const struct te_update *update = te_update_plan(&load->problem, problem.before, split.target, pass->arena);
    /* A question is about where it ends, not about the first step. */
    const double *now = pass->changes != NULL ? split.target : update->splits[0];
    struct te_solution *solution = PT_NEW(pass->arena, struct te_solution);
    size_t size = load->paths_len * sizeof(double);
    bool same = pass->previous != NULL && memcmp(now, problem.before, size) == 0;
    *solution = (struct te_solution){.epoch = (pass->previous != NULL ? pass->previous->epoch : 0) + (same ? 0 : 1),
                                     .time_ns = pass->time_ns,
                                     .kind = (int)split.kind,
                                     .target_ppm = ppm(split.value),
                                     .bound_ppm = ppm(split.bound),
                                     .gap_ppm = ppm(split.gap),
                                     .rounding_ppm = ppm(split.rounding),
                                     .worst_ppm = ppm(update->worst),
                                     .steps = (uint32_t)update->steps_len,
                                     .promised = update->promised,
                                     .more = memcmp(now, split.target, size) != 0,
                                     .problem = pt_arena_memdup(pass->arena, &problem, sizeof(problem)),
                                     .load = load,
                                     .target = split.target};
    install_all(pass, topology, paths, load, problem.normal, now, solution);
    *ret_solution = solution;
    return PT_OK;
}
