/*
 * Later paths of a pair: the shortest in the graph without all earlier paths of the pair, one search each. Third paths
 * are found so, and second ones where few sources are asked for.
 *
 * By hops the search goes from the source and looks ahead: a node's rank is its hops from the source, as found, plus
 * its hops to the target that paths_tree.c has at hand (without the first path, during the walk over the tree), which
 * taking more links away can only make more. Ranks never fall along a path, so nodes come out of the buckets with their
 * true hops, and when the rank of the target is done, every node of every shortest path has its hops; most of the graph
 * was never looked at. Going back from the target then marks the nodes of shortest paths, and going forward the first
 * link to a marked one is the choice that a plain breadth-first search would make. By other weights it is a Dijkstra
 * from the target that stops at the source.
 */
#include "flow/paths_tree.h"

#include "base/assert.h"

#include <string.h>

#define TURNED ((uint64_t)1 << 32) /* hops to the target, not from the source */

/* ---- distances without all earlier paths ----------------------------------------------------------------------- */

/* As far as the source. False: there is no way left. */
static bool measure_again(struct flow_part *part, uint32_t source)
{
    const struct flow_view *view = part->view;
    const struct pt_flow_graph *graph = view->graph;
    part->heap_len = 0;
    flow_part_push(part, 0, part->target);
    while (part->heap_len > 0) {
        struct flow_heap top = flow_part_pop(part);
        if (part->again[top.node] != FLOW_FAR) {
            continue;
        }
        part->again[top.node] = top.key;
        if (top.node == source) {
            return true;
        }
        for (uint32_t i = graph->in_first[top.node]; i < graph->in_first[top.node + 1]; i++) {
            struct flow_arc arc = part->in[i];
            if (part->again[arc.node] == FLOW_FAR && !part->removed[arc.link]) {
                flow_part_push(part, top.key + view->weight[arc.link], arc.node);
            }
        }
    }
    return false;
}

/* Hops from the source, to the nodes whose rank is at most the target's. False: there is no way left. */
static bool measure_hops_again(struct flow_part *part, uint32_t source)
{
    const struct pt_flow_graph *graph = part->view->graph;
    uint32_t rank = (uint32_t)part->nodes[source].distance;
    flow_buckets_begin(part, rank);
    flow_buckets_put(part, rank, source, 0);
    for (; rank <= part->bucket_high; rank++) {
        while (part->buckets[rank] != FLOW_NO_ITEM) {
            struct flow_item item = flow_buckets_take(part, rank);
            if (part->again[item.node] != FLOW_FAR) {
                continue;
            }
            part->again[item.node] = item.distance;
            for (uint32_t i = graph->out_first[item.node]; i < graph->out_first[item.node + 1]; i++) {
                struct flow_arc arc = part->out[i];
                uint64_t left = part->nodes[arc.node].distance;
                if (part->again[arc.node] == FLOW_FAR && !part->removed[arc.link] && left != FLOW_FAR) {
                    flow_buckets_put(part, item.distance + 1U + (uint32_t)left, arc.node, item.distance + 1U);
                }
            }
        }
        if (part->again[part->target] != FLOW_FAR) {
            flow_buckets_empty(part, rank);
            return true;
        }
    }
    return false;
}

static void forget_hops(struct flow_part *part)
{
    for (uint32_t i = 0; i < part->items_len; i++) {
        part->again[part->items[i].node] = FLOW_FAR;
    }
}

/* Nodes of shortest paths, by going back from the target: their hops from the source become hops to the target. */
static void turn_hops(struct flow_part *part)
{
    const struct pt_flow_graph *graph = part->view->graph;
    uint64_t all = part->again[part->target];
    uint32_t len = 0;
    part->changed[len++] = (uint16_t)part->target;
    part->again[part->target] = TURNED;
    for (uint32_t head = 0; head < len && part->again[part->changed[head]] < TURNED + all; head++) {
        uint32_t node = part->changed[head];
        uint64_t before = all - (part->again[node] - TURNED) - 1; /* hops from the source, of a node before it */
        for (uint32_t i = graph->in_first[node]; i < graph->in_first[node + 1]; i++) {
            struct flow_arc arc = part->in[i];
            if (part->again[arc.node] == before && !part->removed[arc.link]) {
                part->again[arc.node] = part->again[node] + 1;
                part->changed[len++] = arc.node;
            }
        }
    }
}

/* ---- paths ----------------------------------------------------------------------------------------------------- */

static void mark_path(const struct flow_part *part, uint32_t step, uint8_t delta)
{
    for (; step != FLOW_LAST; step = part->steps[step].next) {
        part->removed[part->steps[step].link] = (uint8_t)(part->removed[part->steps[step].link] + delta);
    }
}

/* The first of the shortest paths by link order, as steps of its own. A node that is on none of them is FAR, or does
 * not fit in distance. */
static uint32_t step_again(struct flow_part *part, uint32_t source)
{
    const struct flow_view *view = part->view;
    uint32_t len = 0;
    for (uint32_t node = source; node != part->target;) {
        uint32_t i = view->graph->out_first[node];
        for (;; i++) {
            pt_assert(i < view->graph->out_first[node + 1]);
            struct flow_arc arc = part->out[i];
            uint64_t beyond = part->again[arc.node];
            if (beyond != FLOW_FAR && beyond + view->weight[arc.link] == part->again[node] &&
                !part->removed[arc.link]) {
                break;
            }
        }
        part->trail[len++] = part->out[i].link;
        node = part->out[i].node;
    }
    if (!flow_part_reserve_steps(part, len)) {
        return FLOW_LAST;
    }
    uint32_t step = FLOW_LAST;
    while (len-- > 0) {
        part->steps[part->steps_len] = (struct flow_step){.next = step, .link = part->trail[len]};
        step = (uint32_t)part->steps_len++;
    }
    return step;
}

static bool search_again(struct flow_part *part, uint32_t source, uint32_t *ret_step)
{
    bool by_hops = part->view->rules.weight == PT_FLOW_BY_HOPS;
    bool found = by_hops ? measure_hops_again(part, source) : measure_again(part, source);
    if (found) {
        if (by_hops) {
            turn_hops(part);
        }
        *ret_step = step_again(part, source);
    }
    if (by_hops) {
        forget_hops(part);
    } else {
        memset(part->again, 0xff, part->view->graph->nodes_len * sizeof(part->again[0]));
    }
    return found;
}

/* Is there a link left to leave the source by, and one to reach the target by? */
static bool ends_left(const struct flow_part *part, uint32_t source)
{
    const struct pt_flow_graph *graph = part->view->graph;
    bool leaves = false;
    bool reaches = false;
    for (uint32_t i = graph->out_first[source]; i < graph->out_first[source + 1]; i++) {
        leaves |= !part->removed[part->out[i].link];
    }
    for (uint32_t i = graph->in_first[part->target]; i < graph->in_first[part->target + 1]; i++) {
        reaches |= !part->removed[part->in[i].link];
    }
    return leaves && reaches;
}

static uint32_t paths_possible(const struct flow_part *part, uint32_t source)
{
    const struct flow_view *view = part->view;
    uint32_t most = view->rules.paths_max;
    return most > 2 && view->component[source] != view->component[part->target] ? 2 : most;
}

void flow_part_more(struct flow_part *part, uint32_t source, uint32_t removed)
{
    uint32_t *heads = part->heads + (size_t)source * part->view->rules.paths_max;
    uint32_t most = paths_possible(part, source);
    uint32_t marked = removed;
    while (part->found[source] < most && !part->exhausted) {
        while (marked < part->found[source]) {
            mark_path(part, heads[marked++], 1);
        }
        if (!ends_left(part, source) || !search_again(part, source, &heads[part->found[source]])) {
            break;
        }
        part->found[source]++;
    }
    while (marked > removed) {
        mark_path(part, heads[--marked], (uint8_t)-1);
    }
}
