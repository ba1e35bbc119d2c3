/*
 * Any path: column generation.
 *
 * Solve on the paths that there are; under the lengths of the answer, look for shorter paths in the whole graph (a tree
 * of shortest paths to each target); add those that are shorter than what their demand has, and solve again from there.
 * The distances in the graph make a bound for every path, not only for those of the set: when it is close enough to the
 * value, or when there is nothing to add, this is the answer. Paths to one target come from one tree and share steps.
 */
#include "flow/solve_priv.h"

#include "flow/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS_MAX 60
#define SHORTER 1e-4    /* by what share a path must be shorter to be added */
#define SOLVE_SHARE 0.5 /* of the gap that is asked for goes to solving, the rest to what paths are missing */

struct growing {
    const struct pt_flow_problem *problem;
    const struct flow_view *view;
    const struct pt_flow_paths *old;
    struct pt_flow_paths *paths; /* the larger set; NULL while only bounds are wanted */
    double *cost;                /* by link: what paths are compared by */
    double *distance;            /* by node, to the current target */
    uint16_t *next;
    uint32_t *step; /* by node: the step of its way to the target, FLOW_LAST when there is none yet */
    struct heap_item *heap;
    size_t heap_len;
    uint16_t *trail;
    uint32_t target;
    size_t added;
    bool exhausted;
};

struct heap_item {
    double key;
    uint32_t node;
};

/* ---- shortest paths to a target -------------------------------------------------------------------------------- */

static void push(struct growing *g, double key, uint32_t node)
{
    size_t at = g->heap_len++;
    while (at > 0 && key < g->heap[(at - 1) / 2].key) {
        g->heap[at] = g->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    g->heap[at] = (struct heap_item){.key = key, .node = node};
}

static struct heap_item pop(struct growing *g)
{
    struct heap_item least = g->heap[0];
    struct heap_item last = g->heap[--g->heap_len];
    size_t at = 0;
    for (size_t child = 1; child < g->heap_len; child = 2 * at + 1) {
        if (child + 1 < g->heap_len && g->heap[child + 1].key < g->heap[child].key) {
            child++;
        }
        if (g->heap[child].key >= last.key) {
            break;
        }
        g->heap[at] = g->heap[child];
        at = child;
    }
    g->heap[at] = last;
    return least;
}

static void measure(struct growing *g, uint32_t target)
{
    const struct pt_flow_graph *graph = g->view->graph;
    for (uint32_t i = 0; i < graph->nodes_len; i++) {
        g->distance[i] = INFINITY;
        g->step[i] = FLOW_LAST;
    }
    g->target = target;
    g->distance[target] = 0;
    g->heap_len = 0;
    push(g, 0, target);
    while (g->heap_len > 0) {
        struct heap_item top = pop(g);
        if (top.key > g->distance[top.node]) {
            continue;
        }
        for (uint32_t i = graph->in_first[top.node]; i < graph->in_first[top.node + 1]; i++) {
            uint16_t link = graph->in[i];
            uint32_t before = graph->links[link].from;
            double distance = top.key + g->cost[link];
            if (!g->view->out[link] && distance < g->distance[before]) {
                g->distance[before] = distance;
                g->next[before] = link;
                push(g, distance, before);
            }
        }
    }
}

/* ---- the larger set -------------------------------------------------------------------------------------------- */

static bool reserve(struct growing *g, size_t more)
{
    struct pt_flow_paths *paths = g->paths;
    if (paths->steps_len + more <= paths->steps_cap) {
        return true;
    }
    size_t cap = paths->steps_cap * 2 + more;
    struct flow_step *steps = cap < FLOW_LAST ? realloc(paths->steps, cap * sizeof(steps[0])) : NULL;
    if (steps == NULL) {
        g->exhausted = true;
        return false;
    }
    paths->steps = steps;
    paths->steps_cap = cap;
    return true;
}

static uint32_t step_of(struct growing *g, uint32_t node)
{
    const struct pt_flow_graph *graph = g->view->graph;
    uint32_t len = 0;
    while (node != g->target && g->step[node] == FLOW_LAST) {
        g->trail[len++] = (uint16_t)node;
        node = graph->links[g->next[node]].to;
    }
    if (!reserve(g, len)) {
        return FLOW_LAST;
    }
    uint32_t step = node == g->target ? FLOW_LAST : g->step[node];
    while (len-- > 0) {
        uint16_t at = g->trail[len];
        g->paths->steps[g->paths->steps_len] = (struct flow_step){.next = step, .link = g->next[at]};
        step = (uint32_t)g->paths->steps_len++;
        g->step[at] = step;
    }
    return step;
}

/* The steps of a block of the old set, moved. Returns what to add to their indices (modulo 2^32). */
static uint32_t copy_block(struct growing *g, size_t b)
{
    const struct flow_block *block = &g->old->blocks[b];
    uint32_t len = block[1].step - block->step;
    uint32_t offset = (uint32_t)g->paths->steps_len - block->step;
    g->paths->blocks[g->paths->blocks_len++] =
        (struct flow_block){.entry = block->entry, .step = (uint32_t)g->paths->steps_len};
    for (uint32_t i = 0; reserve(g, len - i) && i < len; i++) {
        struct flow_step step = g->old->steps[block->step + i];
        step.next += step.next != FLOW_LAST ? offset : 0;
        g->paths->steps[g->paths->steps_len++] = step;
    }
    return offset;
}

static void grow_entry(struct growing *g, uint32_t e, uint32_t offset, double least)
{
    const struct pt_flow_paths *old = g->old;
    const struct pt_flow_demand *demand = &g->problem->demands[old->entry_demand[e]];
    struct pt_flow_paths *paths = g->paths;
    for (uint32_t i = old->entry_first[e]; i < old->entry_first[e + 1]; i++) {
        paths->entry_steps[paths->slots_len++] = old->entry_steps[i] + offset;
    }
    if (demand->rate > 0 && g->distance[demand->from] < least * (1 - SHORTER)) {
        paths->entry_steps[paths->slots_len++] = step_of(g, demand->from);
        g->added++;
    }
    paths->entry_first[e + 1] = (uint32_t)paths->slots_len;
}

/* Cheapest path of an entry in the old set. */
static double least_of(const struct growing *g, uint32_t e)
{
    const struct pt_flow_paths *old = g->old;
    double least = INFINITY;
    for (uint32_t i = old->entry_first[e]; i < old->entry_first[e + 1]; i++) {
        double sum = 0;
        for (uint32_t step = old->entry_steps[i]; step != FLOW_LAST; step = old->steps[step].next) {
            sum += g->cost[old->steps[step].link];
        }
        least = sum < least ? sum : least;
    }
    return least;
}

static void grow_block(struct growing *g, size_t b, double *distances)
{
    uint32_t offset = copy_block(g, b);
    g->target = UINT32_MAX;
    for (uint32_t e = g->old->blocks[b].entry; e < g->old->blocks[b + 1].entry && !g->exhausted; e++) {
        const struct pt_flow_demand *demand = &g->problem->demands[g->old->entry_demand[e]];
        if (demand->to != g->target) {
            measure(g, demand->to);
        }
        distances[g->old->entry_demand[e]] = g->distance[demand->from];
        grow_entry(g, e, offset, least_of(g, e));
    }
}

static bool make_room(struct growing *g)
{
    const struct pt_flow_paths *old = g->old;
    struct pt_flow_paths *paths = flow_alloc(1, sizeof(*paths));
    g->paths = paths;
    if (paths == NULL) {
        return false;
    }
    size_t slots_max = old->slots_len + old->demands_len;
    paths->demands_len = old->demands_len;
    paths->links_len = old->links_len;
    paths->by_target = old->by_target;
    paths->first = flow_alloc(old->demands_len + 1, sizeof(paths->first[0]));
    paths->entry_demand = flow_alloc(old->demands_len, sizeof(paths->entry_demand[0]));
    paths->entry_first = flow_alloc(old->demands_len + 1, sizeof(paths->entry_first[0]));
    paths->entry_steps = flow_alloc(slots_max, sizeof(paths->entry_steps[0]));
    paths->blocks = flow_alloc(old->blocks_len + 1, sizeof(paths->blocks[0]));
    if (paths->first == NULL || paths->entry_demand == NULL || paths->entry_first == NULL ||
        paths->entry_steps == NULL || paths->blocks == NULL || slots_max >= FLOW_LAST) {
        return false;
    }
    memcpy(paths->entry_demand, old->entry_demand, old->demands_len * sizeof(paths->entry_demand[0]));
    return true;
}

/* A set with what is missing under the costs; distances by demand. False: no memory. */
static bool grow(struct growing *g, double *distances)
{
    size_t n = g->view->graph->nodes_len;
    g->distance = flow_alloc(n, sizeof(g->distance[0]));
    g->next = flow_alloc(n, sizeof(g->next[0]));
    g->step = flow_alloc(n, sizeof(g->step[0]));
    g->trail = flow_alloc(n, sizeof(g->trail[0]));
    g->heap = flow_alloc((size_t)g->view->graph->links_len + 1, sizeof(g->heap[0]));
    g->exhausted = !make_room(g) || g->distance == NULL || g->next == NULL || g->step == NULL || g->trail == NULL ||
                   g->heap == NULL;
    for (size_t b = 0; !g->exhausted && b < g->old->blocks_len; b++) {
        grow_block(g, b, distances);
    }
    if (!g->exhausted) {
        g->paths->blocks[g->paths->blocks_len] =
            (struct flow_block){.entry = (uint32_t)g->old->demands_len, .step = (uint32_t)g->paths->steps_len};
        g->exhausted = !flow_slots_from_entries(g->paths);
    }
    free(g->distance);
    free(g->next);
    free(g->step);
    free(g->trail);
    free(g->heap);
    return !g->exhausted;
}

/* ---- rounds ---------------------------------------------------------------------------------------------------- */

struct rounds {
    struct pt_flow_problem problem; /* with the current set */
    const struct flow_view *view;
    const struct pt_flow_options *asked;
    double gap, bound;
    struct pt_flow_paths *paths;
    struct pt_flow_result *result;
    double *cost, *distances;
};

static bool closer(const struct rounds *rounds, double bound)
{
    bool lower = rounds->problem.objective == PT_FLOW_MIN_MLU || rounds->problem.objective == PT_FLOW_MIN_DELAY;
    return lower ? bound > rounds->bound : bound < rounds->bound;
}

static double gap_of(double value, double bound)
{
    double larger = fmax(fabs(value), fabs(bound));
    return larger > 0 ? fabs(value - bound) / larger : 0;
}

/* One round: look for paths under the newest lengths; solve again when there are any. True: that was the last. */
static enum pt_code look(struct rounds *rounds, bool *ret_last, struct pt_error *reterr)
{
    const struct pt_flow_graph *graph = rounds->view->graph;
    struct growing growing = {
        .problem = &rounds->problem, .view = rounds->view, .old = rounds->paths, .cost = rounds->cost};
    for (uint32_t i = 0; i < graph->links_len; i++) {
        double own = rounds->problem.objective == PT_FLOW_MIN_DELAY ? graph->links[i].delay : 0;
        rounds->cost[i] = rounds->result->lengths[i] + own;
    }
    if (!grow(&growing, rounds->distances)) {
        pt_flow_paths_free(growing.paths);
        return flow_no_memory(reterr);
    }
    double bound = flow_bound(&rounds->problem, rounds->result->lengths, rounds->distances);
    rounds->bound = closer(rounds, bound) ? bound : rounds->bound;
    bool stopped = rounds->asked->stop != NULL && rounds->asked->stop(rounds->asked->stop_arg);
    *ret_last =
        gap_of(rounds->result->certificate.value, rounds->bound) <= rounds->gap || growing.added == 0 || stopped;
    if (*ret_last) {
        pt_flow_paths_free(growing.paths);
        return PT_OK;
    }
    struct pt_flow_options options = *rounds->asked;
    options.gap = rounds->gap * SOLVE_SHARE;
    options.warm = rounds->result;
    options.warm_paths = rounds->paths;
    struct pt_flow_result *result = NULL;
    rounds->problem.paths = growing.paths;
    enum pt_code code = pt_flow_solve(&rounds->problem, &options, &result, reterr);
    if (code != PT_OK) {
        pt_flow_paths_free(growing.paths);
        return code;
    }
    pt_flow_result_free(rounds->result);
    pt_flow_paths_free(rounds->paths);
    rounds->result = result;
    rounds->paths = growing.paths;
    return PT_OK;
}

static enum pt_code run_rounds(struct rounds *rounds, struct pt_error *reterr)
{
    struct pt_flow_options first = *rounds->asked;
    first.gap = rounds->gap * SOLVE_SHARE;
    first.warm = NULL;
    first.warm_paths = NULL;
    rounds->cost = flow_alloc(rounds->view->graph->links_len, sizeof(double));
    rounds->distances = flow_alloc(rounds->problem.demands_len, sizeof(double));
    if (rounds->cost == NULL || rounds->distances == NULL) {
        return flow_no_memory(reterr);
    }
    PT_TRY(pt_flow_paths_new(rounds->view->graph, &rounds->view->rules, rounds->problem.demands,
                             rounds->problem.demands_len, NULL, &rounds->paths, reterr));
    rounds->problem.paths = rounds->paths;
    PT_TRY(pt_flow_solve(&rounds->problem, &first, &rounds->result, reterr));
    bool last = false;
    for (int i = 0; i < ROUNDS_MAX && !last; i++) {
        PT_TRY(look(rounds, &last, reterr));
    }
    struct pt_flow_certificate *certificate = &rounds->result->certificate;
    certificate->bound = rounds->bound;
    certificate->gap = gap_of(certificate->value, certificate->bound);
    rounds->result->reached = certificate->gap <= rounds->gap;
    return PT_OK;
}

enum pt_code pt_flow_solve_free(const struct pt_flow_problem *problem, const struct pt_flow_rules *rules,
                                const struct pt_flow_options *options, struct pt_flow_paths **ret_paths,
                                struct pt_flow_result **ret_result, struct pt_error *reterr)
{
    static const struct pt_flow_options defaults;
    options = options != NULL ? options : &defaults;
    if (rules != NULL && (rules->delay_max > 0 || rules->loss_max > 0)) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "rules",
                       "any path with a bound on its delay or loss cannot be searched; ask for a number of paths");
    }
    bool by_class = problem->objective == PT_FLOW_MAX_FLOW || problem->objective == PT_FLOW_MAX_MIN;
    if (by_class && flow_classes_len(problem) > 1) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "demands",
                       "several classes over any path: solve them one after the other, or ask for a number of paths");
    }
    struct flow_view view;
    PT_TRY(flow_view_init(&view, problem->graph, rules, reterr));
    bool lower = problem->objective == PT_FLOW_MIN_MLU || problem->objective == PT_FLOW_MIN_DELAY;
    struct rounds rounds = {.problem = *problem,
                            .view = &view,
                            .asked = options,
                            .gap = options->gap > 0 ? options->gap : FLOW_GAP_DEFAULT,
                            .bound = lower ? 0 : INFINITY};
    enum pt_code code = run_rounds(&rounds, reterr);
    flow_view_fini(&view);
    free(rounds.cost);
    free(rounds.distances);
    if (code != PT_OK) {
        pt_flow_result_free(rounds.result);
        pt_flow_paths_free(rounds.paths);
        return code;
    }
    *ret_paths = rounds.paths;
    *ret_result = rounds.result;
    return PT_OK;
}
