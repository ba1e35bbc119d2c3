/*
 * All pairs, a target at a time.
 *
 * First paths to a target t form a tree T into t: at each node the first link, by index, on a shortest path. The second
 * path of c is the first path in the graph without the links of c's way through T. Walking T from t outwards, one link
 * more goes away per step (the one from c to its parent) and comes back when the walk returns, so the shortest paths of
 * "the graph without the way from c to t" are never computed from scratch:
 *
 *   - When c's link to its parent goes, only nodes whose current path leads through it change: a subtree, found by
 * going down from c. Nothing else can: taking links away makes no path better, and ties keep their first choice.
 *   - Those nodes get new distances from their neighbours outside by a small Dijkstra, and then their first choices.
 *   - A log restores what was, on the way back.
 *
 * Distance, next link and step of a node (the suffix from it to t in the store) are kept together; a step is made when
 * first asked for, and all sources whose paths run into it share it. On the largest public topology 29.8 million hops
 * become 1.9 million steps, and a pair costs some hundred nanoseconds.
 *
 * Third and later paths are few (both ends need three links): a search of its own (paths_again.c), in the graph without
 * all earlier paths. It is not even begun where two cables separate source and target (components.c).
 *
 * Threads take ranges of targets; each has its own scratch and its own stretch of steps, joined in the order of
 * targets.
 */
#include "flow/paths_tree.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#define NO_STEP UINT32_MAX
#define FEW_SHARE 24U /* of the nodes, one in so many */

/* ---- steps ----------------------------------------------------------------------------------------------------- */

bool flow_part_reserve_steps(struct flow_part *part, uint32_t more)
{
    if (part->steps_len + more <= part->steps_cap) {
        return true;
    }
    size_t cap = part->steps_cap * 2 + part->view->graph->nodes_len;
    struct flow_step *steps = cap < FLOW_LAST ? realloc(part->steps, cap * sizeof(steps[0])) : NULL;
    if (steps == NULL) {
        part->exhausted = true;
        return false;
    }
    part->steps = steps;
    part->steps_cap = cap;
    return true;
}

/* The step of a node's current path; the node reaches the target. UINT32_MAX when there is no memory. */
static uint32_t step_of(struct flow_part *part, uint32_t node)
{
    uint32_t len = 0;
    while (node != part->target && part->nodes[node].step == NO_STEP) {
        part->trail[len++] = (uint16_t)node;
        node = part->view->graph->links[part->nodes[node].next].to;
    }
    if (!flow_part_reserve_steps(part, len)) {
        return NO_STEP;
    }
    uint32_t step = node == part->target ? FLOW_LAST : part->nodes[node].step;
    while (len-- > 0) {
        struct flow_state *state = &part->nodes[part->trail[len]];
        part->steps[part->steps_len] = (struct flow_step){.next = step, .link = state->next};
        step = (uint32_t)part->steps_len++;
        state->step = step;
    }
    return step;
}

/* ---- the tree of first paths ----------------------------------------------------------------------------------- */

static uint16_t first_choice(const struct flow_part *part, uint32_t node)
{
    const struct flow_view *view = part->view;
    uint64_t distance = part->nodes[node].distance;
    if (distance == FLOW_FAR || node == part->target) {
        return FLOW_NO_LINK;
    }
    for (uint32_t i = view->graph->out_first[node];; i++) {
        pt_assert(i < view->graph->out_first[node + 1]);
        struct flow_arc arc = part->out[i];
        uint64_t beyond = part->nodes[arc.node].distance;
        if (beyond != FLOW_FAR && beyond + view->weight[arc.link] == distance && !part->removed[arc.link]) {
            return arc.link;
        }
    }
}

/* Distances of all nodes to the target; order[] holds the reached ones, nearest first. */
static void measure(struct flow_part *part)
{
    const struct flow_view *view = part->view;
    const struct pt_flow_graph *graph = view->graph;
    for (uint32_t i = 0; i < graph->nodes_len; i++) {
        part->nodes[i] = (struct flow_state){.distance = FLOW_FAR, .step = NO_STEP, .next = FLOW_NO_LINK};
    }
    part->order_len = 0;
    part->heap_len = 0;
    flow_part_push(part, 0, part->target);
    while (part->heap_len > 0) {
        struct flow_heap top = flow_part_pop(part);
        if (part->nodes[top.node].distance != FLOW_FAR) {
            continue;
        }
        part->nodes[top.node].distance = top.key;
        part->order[part->order_len++] = (uint16_t)top.node;
        for (uint32_t i = graph->in_first[top.node]; i < graph->in_first[top.node + 1]; i++) {
            struct flow_arc arc = part->in[i];
            if (part->nodes[arc.node].distance == FLOW_FAR && !part->removed[arc.link]) {
                flow_part_push(part, top.key + view->weight[arc.link], arc.node);
            }
        }
    }
}

/* The same by hops: a queue is enough. */
static void measure_hops(struct flow_part *part)
{
    const struct pt_flow_graph *graph = part->view->graph;
    for (uint32_t i = 0; i < graph->nodes_len; i++) {
        part->nodes[i] = (struct flow_state){.distance = FLOW_FAR, .step = NO_STEP, .next = FLOW_NO_LINK};
    }
    part->order[0] = (uint16_t)part->target;
    part->order_len = 1;
    part->nodes[part->target].distance = 0;
    for (uint32_t head = 0; head < part->order_len; head++) {
        uint32_t node = part->order[head];
        for (uint32_t i = graph->in_first[node]; i < graph->in_first[node + 1]; i++) {
            struct flow_arc arc = part->in[i];
            if (part->nodes[arc.node].distance == FLOW_FAR && !part->removed[arc.link]) {
                part->nodes[arc.node].distance = part->nodes[node].distance + 1;
                part->order[part->order_len++] = arc.node;
            }
        }
    }
}

/* ---- taking a link away ---------------------------------------------------------------------------------------- */

static bool reserve_log(struct flow_part *part)
{
    size_t n = part->view->graph->nodes_len;
    if (part->log_len + n <= part->log_cap) {
        return true;
    }
    size_t cap = part->log_cap * 2 + n;
    struct flow_saved *log = realloc(part->log, cap * sizeof(log[0]));
    if (log == NULL) {
        part->exhausted = true;
        return false;
    }
    part->log = log;
    part->log_cap = cap;
    return true;
}

/* The nodes whose current path leads through `root`: saved, and marked as far. */
static uint32_t uproot(struct flow_part *part, uint32_t root)
{
    const struct pt_flow_graph *graph = part->view->graph;
    uint32_t len = 0;
    part->changed[len++] = (uint16_t)root;
    for (uint32_t head = 0; head < len; head++) {
        uint32_t node = part->changed[head];
        struct flow_state *state = &part->nodes[node];
        part->log[part->log_len++] = (struct flow_saved){.state = *state, .node = node};
        state->distance = FLOW_FAR;
        state->step = NO_STEP;
        for (uint32_t i = graph->in_first[node]; i < graph->in_first[node + 1]; i++) {
            struct flow_arc arc = part->in[i];
            if (part->nodes[arc.node].next == arc.link) {
                part->changed[len++] = arc.node;
            }
        }
        state->next = FLOW_NO_LINK;
    }
    return len;
}

/* Nodes that were uprooted are as far as the nearest neighbour outside says, or one of their own: the least first. */
static void settle(struct flow_part *part, uint32_t len)
{
    const struct flow_view *view = part->view;
    const struct pt_flow_graph *graph = view->graph;
    part->heap_len = 0;
    for (uint32_t i = 0; i < len; i++) {
        uint32_t node = part->changed[i];
        uint64_t best = FLOW_FAR;
        for (uint32_t j = graph->out_first[node]; j < graph->out_first[node + 1]; j++) {
            struct flow_arc arc = part->out[j];
            uint64_t beyond = part->nodes[arc.node].distance;
            if (beyond != FLOW_FAR && !part->removed[arc.link] && beyond + view->weight[arc.link] < best) {
                best = beyond + view->weight[arc.link];
            }
        }
        if (best != FLOW_FAR) {
            flow_part_push(part, best, node);
        }
    }
    while (part->heap_len > 0) {
        struct flow_heap top = flow_part_pop(part);
        if (part->nodes[top.node].distance != FLOW_FAR) {
            continue;
        }
        part->nodes[top.node].distance = top.key;
        for (uint32_t i = graph->in_first[top.node]; i < graph->in_first[top.node + 1]; i++) {
            struct flow_arc arc = part->in[i];
            if (part->nodes[arc.node].distance == FLOW_FAR && !part->removed[arc.link]) {
                flow_part_push(part, top.key + view->weight[arc.link], arc.node);
            }
        }
    }
}

/* The same by hops: buckets instead of a heap. */
static void settle_hops(struct flow_part *part, uint32_t len)
{
    const struct pt_flow_graph *graph = part->view->graph;
    flow_buckets_begin(part, 0);
    uint32_t first = UINT32_MAX;
    for (uint32_t i = 0; i < len; i++) {
        uint32_t node = part->changed[i];
        uint64_t best = FLOW_FAR;
        for (uint32_t j = graph->out_first[node]; j < graph->out_first[node + 1]; j++) {
            struct flow_arc arc = part->out[j];
            uint64_t beyond = part->nodes[arc.node].distance;
            best = beyond < best && !part->removed[arc.link] ? beyond : best;
        }
        if (best != FLOW_FAR) {
            uint32_t hops = (uint32_t)best + 1;
            first = hops < first ? hops : first;
            flow_buckets_put(part, hops, node, hops);
        }
    }
    for (uint32_t hops = first; first != UINT32_MAX && hops <= part->bucket_high; hops++) {
        while (part->buckets[hops] != FLOW_NO_ITEM) {
            uint32_t node = flow_buckets_take(part, hops).node;
            if (part->nodes[node].distance != FLOW_FAR) {
                continue;
            }
            part->nodes[node].distance = hops;
            for (uint32_t i = graph->in_first[node]; i < graph->in_first[node + 1]; i++) {
                struct flow_arc arc = part->in[i];
                if (part->nodes[arc.node].distance == FLOW_FAR && !part->removed[arc.link]) {
                    flow_buckets_put(part, hops + 1, arc.node, hops + 1);
                }
            }
        }
    }
}

/* The link by which `root` went on is removed: new paths for it and all behind it. */
static void reroute(struct flow_part *part, uint32_t root)
{
    if (!reserve_log(part)) {
        return;
    }
    uint32_t len = uproot(part, root);
    if (part->view->rules.weight == PT_FLOW_BY_HOPS) {
        settle_hops(part, len);
    } else {
        settle(part, len);
    }
    for (uint32_t i = 0; i < len; i++) {
        part->nodes[part->changed[i]].next = first_choice(part, part->changed[i]);
    }
}

static void restore(struct flow_part *part, size_t log_len)
{
    while (part->log_len > log_len) {
        const struct flow_saved *saved = &part->log[--part->log_len];
        part->nodes[saved->node] = saved->state;
    }
}

/* ---- a target -------------------------------------------------------------------------------------------------- */

/* Enter a node of the tree: its link is gone from here on. */
static void enter(struct flow_part *part, uint32_t node)
{
    uint16_t link = part->tree_next[node];
    part->removed[link] = 1;
    if (part->nodes[node].next == link) {
        reroute(part, node);
    }
    if (part->wanted[node] != FLOW_WANTED || part->nodes[node].distance == FLOW_FAR || part->exhausted) {
        return;
    }
    part->heads[(size_t)node * part->view->rules.paths_max + 1] = step_of(part, node);
    part->found[node] = 2;
    flow_part_more(part, node, 1);
}

/* Depth first over the tree, children in link order. A node's place in its parent's links is where the walk goes on. */
static void walk_tree(struct flow_part *part)
{
    const struct pt_flow_graph *graph = part->view->graph;
    uint32_t node = part->target;
    uint32_t at = graph->in_first[node];
    part->stack_len = 0;
    for (;;) {
        while (at < graph->in_first[node + 1] && (part->tree_next[part->in[at].node] != part->in[at].link ||
                                                  part->wanted[part->in[at].node] == FLOW_UNWANTED)) {
            at++;
        }
        if (at < graph->in_first[node + 1]) {
            part->stack[part->stack_len++] = (struct flow_frame){.node = node, .at = at + 1, .log_len = part->log_len};
            node = part->in[at].node;
            at = graph->in_first[node];
            enter(part, node);
        } else if (part->stack_len > 0) {
            struct flow_frame frame = part->stack[--part->stack_len];
            part->removed[part->tree_next[node]] = 0;
            restore(part, frame.log_len);
            node = frame.node;
            at = frame.at;
        } else {
            return;
        }
    }
}

/* Nodes on the way from wanted ones to the target are passed through; all others are left out. */
static void mark_ways(struct flow_part *part)
{
    for (uint32_t i = part->order_len; i-- > 1;) {
        uint32_t node = part->order[i];
        uint32_t parent = part->view->graph->links[part->tree_next[node]].to;
        if (part->wanted[node] != FLOW_UNWANTED && part->wanted[parent] == FLOW_UNWANTED) {
            part->wanted[parent] = FLOW_PASSED;
        }
    }
}

/* Few sources: a search for each path of each costs less than the walk over the tree. */
static void serve_few(struct flow_part *part)
{
    const struct pt_flow_link *links = part->view->graph->links;
    for (uint32_t i = 1; i < part->order_len; i++) {
        uint32_t source = part->order[i];
        if (part->wanted[source] != FLOW_WANTED) {
            continue;
        }
        for (uint32_t node = source; node != part->target && part->nodes[node].next == FLOW_NO_LINK;
             node = links[part->nodes[node].next].to) {
            part->nodes[node].next = first_choice(part, node);
        }
        part->heads[(size_t)source * part->view->rules.paths_max] = step_of(part, source);
        part->found[source] = 1;
        flow_part_more(part, source, 0);
    }
}

static bool few_wanted(const struct flow_part *part)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < part->view->graph->nodes_len; i++) {
        count += part->wanted[i] == FLOW_WANTED;
    }
    return part->view->rules.weight == PT_FLOW_BY_HOPS && count <= part->view->graph->nodes_len / FEW_SHARE;
}

void flow_part_target(struct flow_part *part)
{
    const struct flow_view *view = part->view;
    uint32_t paths_max = view->rules.paths_max;
    memcpy(part->removed, view->out, view->graph->links_len);
    if (view->rules.weight == PT_FLOW_BY_HOPS) {
        measure_hops(part);
    } else {
        measure(part);
    }
    if (few_wanted(part)) {
        serve_few(part);
        return;
    }
    for (uint32_t i = 0; i < view->graph->nodes_len; i++) {
        part->tree_next[i] = first_choice(part, i);
        part->nodes[i].next = part->tree_next[i];
    }
    for (uint32_t i = 1; i < part->order_len; i++) {
        uint32_t node = part->order[i];
        if (part->wanted[node] == FLOW_WANTED) {
            part->heads[(size_t)node * paths_max] = step_of(part, node);
            part->found[node] = 1;
        }
    }
    if (paths_max > 1) {
        mark_ways(part);
        walk_tree(part);
    }
}
