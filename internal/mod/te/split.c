/*
 * When nothing is fuller than HOT under the normal weights, they stay: most networks, most of the time, and no traffic
 * moves because of a measurement. Else the flows that touch something hot are given to the solver, which spreads them
 * over their eligible paths so that the fullest link is as empty as can be; all others stay where they are and only
 * narrow the links. What the solver found is kept while it does (KEEP), so that load that wanders does not move
 * traffic; it is given up when the normal weights have become fine again (COOL), and by those who would go by something
 * that died or is drained.
 *
 * The solver sees pairs. What it gives a pair's paths is then shared out to the classes (share.c), which changes no
 * link's load. Only where not everything fits, which the solver's bound proves, classes are asked for one by one: what
 * there is goes to the first class first, and within a class the rates are max-min fair; a class that does not get all
 * it wants is split as what it got.
 *
 * Graph for the solver: a node a site and one for all underlays; a link's up direction leads from its site to that node
 * and its down direction back, so that a tunnel is two links in a row. It holds what flows that may move can use, and
 * nothing else: how large the network is, or how many tenants share the controllers, is no limit.
 */
#include "mod/te/split.h"

#include "base/assert.h"
#include "flow/solve.h"
#include "mod/te/share.h"

#include <string.h>

#define HOT 0.8
#define COOL 0.7
#define GAP 0.01
#define PASSES_MAX 400
#define NARROW 0.01           /* of a capacity is left at least when other flows fill it */
#define FAIR_DEMANDS_MAX 256U /* that are asked for class by class: what the exact method does in a second */

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
    uint32_t *link_of; /* of the problem's directions: the solver's link + 1; 0: nothing that may move uses it */
    size_t links_len, nodes_len;
    struct pt_flow_graph *graph;
    struct pt_flow_paths *paths;
    struct pt_flow_result *result;
    struct pt_flow_demand *demands;
    size_t demands_len;
    size_t *path_of; /* slot -> path of the problem; of a pair its first flow's */
    size_t slots_len;
    bool by_class; /* a demand a flow; else a demand a pair */
};

/* Flows of the pair of `flow`, which is its first: up to here, without. */
static size_t pair_end(const struct te_split_problem *problem, size_t flow)
{
    size_t end = flow + 1;
    while (end < problem->update->flows_len && problem->pair[end] == problem->pair[flow]) {
        end++;
    }
    return end;
}

/* What of no class in particular is STANDARD's. */
static uint32_t rank_of(const struct te_split_problem *problem, size_t flow)
{
    return problem->class_index[flow] != 0 ? problem->class_index[flow] - 1 : TE_CLASS_STANDARD - 1;
}

static bool may_use(const struct te_split_problem *problem, size_t path)
{
    return problem->eligible[path] || problem->normal[path] > 0;
}

/* Number what flows that may move can use, in the order of the problem: the rest of the network, and that of other
 * tenants, may be larger than any graph. */
static void number_links(const struct te_split_problem *problem, const bool *movable, struct ask *ask,
                         struct pt_arena *arena)
{
    const struct te_update_problem *update = problem->update;
    ask->link_of = pt_arena_array(arena, update->links_len, sizeof(uint32_t));
    for (size_t flow = 0; flow < update->flows_len; flow++) {
        for (size_t path = update->first_path[flow]; movable[flow] && path < update->first_path[flow + 1]; path++) {
            for (size_t i = update->first_hop[path]; may_use(problem, path) && i < update->first_hop[path + 1]; i++) {
                ask->link_of[update->hops[i]] = 1;
            }
        }
    }
    uint32_t site = UINT32_MAX;
    for (size_t i = 0; i < update->links_len; i++) {
        if (ask->link_of[i] != 0) {
            ask->link_of[i] = (uint32_t)++ask->links_len;
            ask->nodes_len += problem->site[i / 2] != site ? 1 : 0; /* links of a site stand together */
            site = problem->site[i / 2];
        }
    }
}

static enum pt_code make_graph(const struct te_split_problem *problem, const double *background, struct ask *ask,
                               struct pt_arena *arena, struct pt_error *reterr)
{
    const struct te_update_problem *update = problem->update;
    struct pt_flow_link *links = pt_arena_array(arena, ask->links_len, sizeof(*links));
    uint32_t site = UINT32_MAX;
    uint32_t node = 0; /* 0 is what lies between sites */
    for (size_t i = 0; i < update->links_len; i++) {
        if (ask->link_of[i] == 0) {
            continue;
        }
        node += problem->site[i / 2] != site ? 1 : 0;
        site = problem->site[i / 2];
        double left = update->capacity[i] - background[i];
        double least = update->capacity[i] * NARROW;
        links[ask->link_of[i] - 1] = (struct pt_flow_link){.from = i % 2 == 0 ? node : 0,
                                                           .to = i % 2 == 0 ? 0 : node,
                                                           .capacity = left > least ? left : least,
                                                           .metric = 1};
    }
    return pt_flow_graph_new((uint32_t)ask->nodes_len + TE_NODES_BESIDE, links, (uint32_t)ask->links_len, &ask->graph,
                             reterr);
}

/* The paths of a flow that the solver may use become slots of the newest demand. */
static size_t add_slots(const struct te_split_problem *problem, size_t flow, struct ask *ask, uint32_t *owners,
                        size_t *first, uint32_t *links)
{
    const struct te_update_problem *update = problem->update;
    size_t len = first[ask->slots_len];
    for (size_t path = update->first_path[flow]; path < update->first_path[flow + 1]; path++) {
        if (!may_use(problem, path)) {
            continue;
        }
        size_t begin = update->first_hop[path];
        size_t hops = update->first_hop[path + 1] - begin;
        for (size_t i = 0; i < hops; i++) {
            links[len++] = ask->link_of[update->hops[begin + i]] - 1;
        }
        owners[ask->slots_len] = (uint32_t)ask->demands_len;
        ask->path_of[ask->slots_len++] = path;
        first[ask->slots_len] = len;
        ask->demands[ask->demands_len].from = pt_flow_link_at(ask->graph, links[len - hops])->from;
        ask->demands[ask->demands_len].to = pt_flow_link_at(ask->graph, links[len - 1])->to;
    }
    return len;
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
    for (size_t flow = 0; flow < update->flows_len;) {
        size_t end = ask->by_class ? flow + 1 : pair_end(problem, flow);
        if (movable[flow]) {
            (void)add_slots(problem, flow, ask, owners, first, links);
            for (size_t i = flow; i < end; i++) {
                ask->demands[ask->demands_len].rate += update->rate[i];
            }
            ask->demands[ask->demands_len].class_index = ask->by_class ? rank_of(problem, flow) : 0;
            ask->demands_len++;
        }
        flow = end;
    }
    return pt_flow_paths_of(ask->graph, ask->demands, ask->demands_len, owners, first, links, ask->slots_len,
                            &ask->paths, reterr);
}

/* What is in force is where the solver begins: what is good enough stays, and what moves moves from there. Prices are
 * not kept, so that a written solution says everything that it was computed from. */
static void warm_start(const struct te_split_problem *problem, const bool *movable, const struct ask *ask,
                       struct pt_flow_result *ret_warm, struct pt_arena *arena)
{
    const struct te_update_problem *update = problem->update;
    double *rates = pt_arena_array(arena, ask->slots_len, sizeof(double));
    size_t demand = 0;
    for (size_t flow = 0, end; flow < update->flows_len; flow = end) {
        end = pair_end(problem, flow);
        for (size_t i = flow; movable[flow] && i < end; i++) {
            size_t ahead = update->first_path[i] - update->first_path[flow];
            for (size_t slot = pt_flow_paths_first(ask->paths, demand);
                 slot < pt_flow_paths_first(ask->paths, demand + 1); slot++) {
                rates[slot] += problem->before[ask->path_of[slot] + ahead] * update->rate[i];
            }
        }
        demand += movable[flow] ? 1 : 0;
    }
    *ret_warm = (struct pt_flow_result){
        .rates = rates,
        .rates_len = ask->slots_len,
        .lengths = pt_arena_array(arena, ask->links_len, sizeof(double)), /* zeroes: nothing is proved */
        .links_len = (uint32_t)ask->links_len,
        .classes_len = 1};
}

/* The rates of the demands [demand, demand_end), which are those of one pair, as weights of its flows. */
static double take_pair(const struct te_split_problem *problem, const struct ask *ask, size_t flow, size_t demand,
                        double *target)
{
    const struct te_update_problem *update = problem->update;
    double room[TE_CANDIDATES_MAX] = {0}, served[TE_CLASSES_MAX], splits[TE_CLASSES_MAX * TE_CANDIDATES_MAX];
    size_t begin = update->first_path[flow], len = update->first_path[flow + 1] - begin;
    size_t classes_len = pair_end(problem, flow) - flow, demands_len = ask->by_class ? classes_len : 1;
    pt_assert(len <= TE_CANDIDATES_MAX && classes_len <= TE_CLASSES_MAX);
    for (size_t i = 0; i < classes_len; i++) {
        served[i] = ask->by_class ? 0 : update->rate[flow + i];
    }
    for (size_t i = 0; i < demands_len; i++) {
        for (size_t slot = pt_flow_paths_first(ask->paths, demand + i);
             slot < pt_flow_paths_first(ask->paths, demand + i + 1); slot++) {
            room[ask->path_of[slot] - update->first_path[flow + i]] += ask->result->rates[slot];
            served[i] += ask->by_class ? ask->result->rates[slot] : 0;
        }
    }
    const struct te_share_problem share = {.paths_len = len,
                                           .classes_len = classes_len,
                                           .room = room,
                                           .normal = &problem->normal[begin],
                                           .served = served};
    te_share_classes(&share, splits);
    double error = 0;
    for (size_t i = 0; i < classes_len; i++) {
        uint32_t weights[TE_CANDIDATES_MAX];
        double off = te_quantise(&splits[i * len], len, TE_QUANTUM, weights);
        error = off > error ? off : error;
        for (size_t j = 0; j < len; j++) {
            target[update->first_path[flow + i] + j] = (double)weights[j] / TE_QUANTUM;
        }
    }
    return error;
}

static void take_rates(const struct te_split_problem *problem, const bool *movable, const struct ask *ask,
                       struct te_split *split)
{
    size_t demand = 0;
    split->rounding = 0;
    for (size_t flow = 0, end; flow < problem->update->flows_len; flow = end) {
        end = pair_end(problem, flow);
        if (movable[flow]) {
            double error = take_pair(problem, ask, flow, demand, split->target);
            split->rounding = error > split->rounding ? error : split->rounding;
            demand += ask->by_class ? end - flow : 1;
        }
    }
}

static void ask_free(struct ask *ask)
{
    pt_flow_result_free(ask->result);
    pt_flow_paths_free(ask->paths);
    pt_flow_graph_free(ask->graph);
}

static enum pt_code ask_solver(const struct te_split_problem *problem, const bool *movable, const double *background,
                               struct ask *ask, struct pt_arena *arena, struct pt_error *reterr)
{
    PT_TRY(make_graph(problem, background, ask, arena, reterr));
    PT_TRY(make_paths(problem, movable, ask, arena, reterr));
    const struct pt_flow_problem flow = {.graph = ask->graph,
                                         .demands = ask->demands,
                                         .demands_len = ask->demands_len,
                                         .paths = ask->paths,
                                         .objective = ask->by_class ? PT_FLOW_MAX_MIN : PT_FLOW_MIN_MLU};
    struct pt_flow_result warm;
    struct pt_flow_options options = {.gap = GAP, .passes_max = PASSES_MAX};
    if (!ask->by_class) {
        warm_start(problem, movable, ask, &warm, arena);
        options.warm = &warm;
        options.warm_paths = ask->paths;
    }
    return pt_flow_solve(&flow, &options, &ask->result, reterr);
}

/* Not everything fits, so that it matters who comes first; and few enough ask. */
static bool is_fairness_due(const struct te_split_problem *problem, const bool *movable, double bound)
{
    size_t len = 0;
    uint32_t seen = 0;
    for (size_t flow = 0; flow < problem->update->flows_len; flow++) {
        len += movable[flow] ? 1 : 0;
        seen |= movable[flow] ? 1U << rank_of(problem, flow) : 0;
    }
    return bound > 1 && len <= FAIR_DEMANDS_MAX && (seen & (seen - 1)) != 0;
}

static enum pt_code solve(const struct te_split_problem *problem, struct pt_arena *arena, struct te_split *split,
                          struct pt_error *reterr)
{
    const struct te_update_problem *update = problem->update;
    bool *movable = pt_arena_array(arena, update->flows_len, sizeof(bool));
    bool *fixed = pt_arena_array(arena, update->flows_len, sizeof(bool));
    struct ask pairs = {0};
    size_t len = mark_movable(problem, movable, fixed, arena);
    number_links(problem, movable, &pairs, arena);
    if (len == 0 || len > PT_FLOW_DEMANDS_MAX || pairs.links_len > PT_FLOW_LINKS_MAX ||
        pairs.nodes_len > PT_FLOW_NODES_MAX - TE_NODES_BESIDE) {
        return PT_OK; /* what the solver does not take keeps its normal weights */
    }
    const double *background = loads_of(update, problem->normal, fixed, arena);
    struct ask classes = pairs;
    classes.by_class = true;
    enum pt_code code = ask_solver(problem, movable, background, &pairs, arena, reterr);
    if (code == PT_OK) {
        take_rates(problem, movable, &pairs, split);
        split->kind = TE_SPLIT_SOLVED;
        split->bound = pairs.result->certificate.bound;
        split->gap = pairs.result->certificate.gap;
    }
    if (code == PT_OK && is_fairness_due(problem, movable, split->bound)) {
        code = ask_solver(problem, movable, background, &classes, arena, reterr);
        if (code == PT_OK) {
            take_rates(problem, movable, &classes, split);
            split->kind = TE_SPLIT_FAIR;
        }
    }
    ask_free(&pairs);
    ask_free(&classes);
    return code;
}

/* What is in force, but for flows that use a path which is not good enough any more, or dead, or drained: they take the
 * normal weights, and only they have to move. */
static const double *what_may_stay(const struct te_split_problem *problem, struct pt_arena *arena)
{
    const struct te_update_problem *update = problem->update;
    double *kept = pt_arena_memdup(arena, problem->before, update->first_path[update->flows_len] * sizeof(double));
    for (size_t flow = 0; flow < update->flows_len; flow++) {
        size_t begin = update->first_path[flow], end = update->first_path[flow + 1];
        bool good = true;
        for (size_t i = begin; i < end; i++) {
            good = good && (problem->before[i] == 0 || problem->eligible[i] || problem->normal[i] > 0);
        }
        if (!good) {
            memcpy(&kept[begin], &problem->normal[begin], (end - begin) * sizeof(double));
        }
    }
    return kept;
}

enum pt_code te_split_solve(const struct te_split_problem *problem, struct pt_arena *arena, struct te_split *ret_split,
                            struct pt_error *reterr)
{
    const struct te_update_problem *update = problem->update;
    size_t paths_len = update->first_path[update->flows_len];
    const double *kept = what_may_stay(problem, arena);
    double normal = te_update_worst(update, problem->normal, problem->normal);
    double before = te_update_worst(update, kept, kept);
    struct te_split split = {
        .kind = TE_SPLIT_DEFAULT, .value = normal, .target = pt_arena_array(arena, paths_len, sizeof(double))};
    memcpy(split.target, problem->normal, paths_len * sizeof(double));
    bool moved = memcmp(kept, problem->normal, paths_len * sizeof(double)) != 0 && problem->keep_below > 0;
    bool held = moved && problem->keep_below >= TE_HOLD;
    if (!held && normal <= (moved ? COOL : HOT)) {
        *ret_split = split;
        return PT_OK;
    }
    if (moved && before <= problem->keep_below) {
        split.kind = TE_SPLIT_KEPT;
        split.value = before;
        memcpy(split.target, kept, paths_len * sizeof(double));
        *ret_split = split;
        return PT_OK;
    }
    PT_TRY(solve(problem, arena, &split, reterr));
    split.value = te_update_worst(update, split.target, split.target);
    if (split.kind == TE_SPLIT_FAIR) { /* who gets what counts there, and not how full the fullest link is */
        *ret_split = split;
        return PT_OK;
    }
    if (split.kind == TE_SPLIT_SOLVED && split.value >= normal) { /* rounding ate what there was to gain */
        split.kind = TE_SPLIT_DEFAULT;
        split.value = normal;
        memcpy(split.target, problem->normal, paths_len * sizeof(double));
    } else if (split.kind == TE_SPLIT_SOLVED && moved && before <= split.value * (1 + GAP)) {
        split.value = before; /* as good as what was found: nobody moves for less than the solver's own gap */
        split.rounding = 0;
        memcpy(split.target, kept, paths_len * sizeof(double));
    }
    *ret_split = split;
    return PT_OK;
}
