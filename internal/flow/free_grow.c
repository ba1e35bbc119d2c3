/*
 * Any path: the larger set of a round.
 *
 * Block by block: the old paths are taken over; then, under each of the answer's lengths that speak of a demand, its
 * distance in the graph is compared with the shortest that it has. A tree of shortest paths is made for each target,
 * and the paths that are added to one target share its steps.
 */
#include "flow/free.h"
#include "flow/heap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SHORTER 1e-4      /* by what share a path must be shorter to be added */
#define SHORTER_FAIR 1e-7 /* proofs of levels are of single demands, and what is missing counts for all of a level */
#define ADDED_MAX 4U      /* for a demand in a round */

struct growing {
    const struct flow_view *view;
    const struct pt_flow_problem *problem;
    const struct pt_flow_result *result;
    const struct pt_flow_paths *old;
    struct pt_flow_paths *paths;
    size_t prices_len; /* how many kinds of lengths there are */
    double shorter;
    double *cost;     /* by link: what paths are compared by */
    double *prices;   /* by step of the old block: what is left to the path's end */
    double *carried;  /* by demand, for MAX_MIN */
    double *distance; /* by node, to the current target */
    uint16_t *next;
    uint32_t *step; /* by node: the step of its way to the target, FLOW_LAST when there is none yet */
    struct flow_heap *heap;
    size_t heap_len;
    uint16_t *trail;
    uint32_t *heads; /* [entry of the block * ADDED_MAX + path]: first steps of what is added */
    uint8_t *counts; /* by entry of the block */
    uint32_t target;
    size_t added;
    bool exhausted;
};

/* ---- shortest paths to a target -------------------------------------------------------------------------------- */

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
    flow_heap_push(g->heap, &g->heap_len, flow_heap_key(0), target);
    while (g->heap_len > 0) {
        struct flow_heap top = flow_heap_pop(g->heap, &g->heap_len);
        double here = flow_heap_distance(top.key);
        if (here > g->distance[top.node]) {
            continue;
        }
        for (uint32_t i = graph->in_first[top.node]; i < graph->in_first[top.node + 1]; i++) {
            uint16_t link = graph->in[i];
            uint32_t before = graph->links[link].from;
            double distance = here + g->cost[link];
            if (!g->view->out[link] && distance < g->distance[before]) {
                g->distance[before] = distance;
                g->next[before] = link;
                flow_heap_push(g->heap, &g->heap_len, flow_heap_key(distance), before);
            }
        }
    }
}

/* ---- steps ----------------------------------------------------------------------------------------------------- */

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

/* ---- lengths --------------------------------------------------------------------------------------------------- */

/* The k-th lengths of the answer: of the level, or of the class. */
static void set_cost(struct growing *g, size_t k)
{
    const struct pt_flow_result *result = g->result;
    size_t links_len = g->view->graph->links_len;
    if (g->problem->objective == PT_FLOW_MAX_MIN) {
        memset(g->cost, 0, links_len * sizeof(double));
        for (size_t i = result->levels.levels[k].first; i < result->levels.levels[k + 1].first; i++) {
            g->cost[result->levels.links[i]] = result->levels.lengths[i];
        }
        return;
    }
    for (size_t i = 0; i < links_len; i++) {
        double own = g->problem->objective == PT_FLOW_MIN_DELAY ? g->view->graph->links[i].delay : 0;
        g->cost[i] = result->lengths[k * links_len + i] + own;
    }
}

/* Do the k-th lengths say anything of the demand? */
static bool concerns(const struct growing *g, size_t k, size_t demand)
{
    switch (g->problem->objective) {
    case PT_FLOW_MAX_MIN:
        return g->carried[demand] > 0 || g->result->levels.of[demand] == k;
    case PT_FLOW_MAX_FLOW:
        return g->problem->demands[demand].class_index <= k; /* earlier ones may make room */
    default:
        return true;
    }
}

static void set_prices(struct growing *g, size_t b)
{
    const struct flow_block *block = &g->old->blocks[b];
    const struct flow_step *steps = g->old->steps + block->step;
    for (uint32_t i = 0; i < block[1].step - block->step; i++) {
        double behind = steps[i].next == FLOW_LAST ? 0 : g->prices[steps[i].next - block->step];
        g->prices[i] = g->cost[steps[i].link] + behind;
    }
}

/* Cheapest path of an entry in the old set. */
static double least_of(const struct growing *g, uint32_t e, uint32_t base)
{
    double least = INFINITY;
    for (uint32_t i = g->old->entry_first[e]; i < g->old->entry_first[e + 1]; i++) {
        double price = g->prices[g->old->entry_steps[i] - base];
        least = price < least ? price : least;
    }
    return least;
}

/* ---- the larger set -------------------------------------------------------------------------------------------- */

static bool same(const struct pt_flow_paths *paths, uint32_t a, uint32_t b)
{
    while (a != b && a != FLOW_LAST && b != FLOW_LAST && paths->steps[a].link == paths->steps[b].link) {
        a = paths->steps[a].next;
        b = paths->steps[b].next;
    }
    return a == b;
}

/* One more path for an entry, unless other lengths have found it in this round. */
static void add_path(struct growing *g, uint32_t index, uint32_t from)
{
    uint32_t *heads = g->heads + (size_t)index * ADDED_MAX;
    uint8_t count = g->counts[index];
    uint32_t head = count < ADDED_MAX ? step_of(g, from) : FLOW_LAST;
    for (uint8_t i = 0; head != FLOW_LAST && i < count; i++) {
        head = same(g->paths, head, heads[i]) ? FLOW_LAST : head;
    }
    if (head != FLOW_LAST) {
        heads[count] = head;
        g->counts[index]++;
        g->added++;
    }
}

static void look_by(struct growing *g, size_t k, size_t b, double *distances)
{
    const struct flow_block *block = &g->old->blocks[b];
    set_cost(g, k);
    set_prices(g, b);
    g->target = UINT32_MAX;
    for (uint32_t e = block->entry; e < block[1].entry && !g->exhausted; e++) {
        uint32_t d = g->old->entry_demand[e];
        const struct pt_flow_demand *demand = &g->problem->demands[d];
        if (!concerns(g, k, d)) {
            continue;
        }
        if (demand->to != g->target) {
            measure(g, demand->to);
        }
        distances[d] = g->distance[demand->from];
        if (demand->rate > 0 && distances[d] < least_of(g, e, block->step) * (1 - g->shorter)) {
            add_path(g, e - block->entry, demand->from);
        }
    }
}

static void grow_block(struct growing *g, size_t b, double *distances)
{
    const struct pt_flow_paths *old = g->old;
    const struct flow_block *block = &old->blocks[b];
    struct pt_flow_paths *paths = g->paths;
    uint32_t offset = copy_block(g, b);
    memset(g->counts, 0, block[1].entry - block->entry);
    for (size_t k = 0; k < g->prices_len && !g->exhausted; k++) {
        look_by(g, k, b, distances);
    }
    for (uint32_t e = block->entry; e < block[1].entry; e++) {
        uint32_t index = e - block->entry;
        for (uint32_t i = old->entry_first[e]; i < old->entry_first[e + 1]; i++) {
            paths->entry_steps[paths->slots_len++] = old->entry_steps[i] + offset;
        }
        for (uint8_t i = 0; i < g->counts[index]; i++) {
            paths->entry_steps[paths->slots_len++] = g->heads[(size_t)index * ADDED_MAX + i];
        }
        paths->entry_first[e + 1] = (uint32_t)paths->slots_len;
    }
}

/* ---- memory ---------------------------------------------------------------------------------------------------- */

static bool make_room(struct growing *g)
{
    const struct pt_flow_paths *old = g->old;
    struct pt_flow_paths *paths = flow_paths_new(old->demands_len, old->links_len);
    g->paths = paths;
    if (paths == NULL) {
        return false;
    }
    size_t slots_max = old->slots_len + old->demands_len * (g->prices_len < ADDED_MAX ? g->prices_len : ADDED_MAX);
    paths->by_target = old->by_target;
    paths->entry_demand = flow_alloc(old->demands_len, sizeof(paths->entry_demand[0]));
    paths->entry_first = flow_alloc(old->demands_len + 1, sizeof(paths->entry_first[0]));
    paths->entry_steps = flow_alloc(slots_max, sizeof(paths->entry_steps[0]));
    paths->blocks = flow_alloc(old->blocks_len + 1, sizeof(paths->blocks[0]));
    if (paths->entry_demand == NULL || paths->entry_first == NULL || paths->entry_steps == NULL ||
        paths->blocks == NULL || slots_max >= FLOW_LAST || !reserve(g, 1)) {
        return false;
    }
    memcpy(paths->entry_demand, old->entry_demand, old->demands_len * sizeof(paths->entry_demand[0]));
    return true;
}

static bool make_scratch(struct growing *g)
{
    size_t n = g->view->graph->nodes_len;
    size_t links_len = g->view->graph->links_len;
    size_t steps = 0;
    size_t entries = 0;
    for (size_t b = 0; b < g->old->blocks_len; b++) {
        const struct flow_block *block = &g->old->blocks[b];
        steps = block[1].step - block->step > steps ? block[1].step - block->step : steps;
        entries = block[1].entry - block->entry > entries ? block[1].entry - block->entry : entries;
    }
    g->cost = flow_alloc(links_len, sizeof(g->cost[0]));
    g->prices = flow_alloc(steps, sizeof(g->prices[0]));
    g->carried = flow_alloc(g->problem->demands_len, sizeof(g->carried[0]));
    g->distance = flow_alloc(n, sizeof(g->distance[0]));
    g->next = flow_alloc(n, sizeof(g->next[0]));
    g->step = flow_alloc(n, sizeof(g->step[0]));
    g->trail = flow_alloc(n, sizeof(g->trail[0]));
    g->heap = flow_alloc(links_len + 1, sizeof(g->heap[0]));
    g->heads = flow_alloc(entries * ADDED_MAX, sizeof(g->heads[0]));
    g->counts = flow_alloc(entries, sizeof(g->counts[0]));
    return g->cost != NULL && g->prices != NULL && g->carried != NULL && g->distance != NULL && g->next != NULL &&
           g->step != NULL && g->trail != NULL && g->heap != NULL && g->heads != NULL && g->counts != NULL;
}

static void free_scratch(struct growing *g)
{
    void *const all[] = {g->cost, g->prices, g->carried, g->distance, g->next,
                         g->step, g->trail,  g->heap,    g->heads,    g->counts};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        free(all[i]);
    }
}

enum pt_code flow_grow(const struct flow_view *view, const struct pt_flow_problem *problem,
                       const struct pt_flow_result *result, double *ret_distances, struct pt_flow_paths **ret_paths,
                       size_t *ret_added, struct pt_error *reterr)
{
    bool fair = problem->objective == PT_FLOW_MAX_MIN;
    struct growing g = {.view = view,
                        .problem = problem,
                        .result = result,
                        .old = problem->paths,
                        .prices_len = fair ? result->levels.len : result->classes_len,
                        .shorter = fair ? SHORTER_FAIR : SHORTER};
    g.exhausted = !make_room(&g) || !make_scratch(&g);
    for (size_t slot = 0, d = 0; fair && !g.exhausted && slot < g.old->slots_len; slot++) {
        while (slot >= g.old->first[d + 1]) {
            d++;
        }
        g.carried[d] += result->rates[slot];
    }
    for (size_t b = 0; !g.exhausted && b < g.old->blocks_len; b++) {
        grow_block(&g, b, ret_distances);
    }
    if (!g.exhausted) {
        g.paths->blocks[g.paths->blocks_len] =
            (struct flow_block){.entry = (uint32_t)g.old->demands_len, .step = (uint32_t)g.paths->steps_len};
        g.exhausted = !flow_slots_from_entries(g.paths);
    }
    free_scratch(&g);
    if (g.exhausted) {
        pt_flow_paths_free(g.paths);
        return flow_no_memory(reterr);
    }
    *ret_paths = g.paths;
    *ret_added = g.added;
    return PT_OK;
}
