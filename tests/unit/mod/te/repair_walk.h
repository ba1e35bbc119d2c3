/*
 * What the network does with a repaired packet, hop by hop and without looking at how the repair was found: nodes
 * forward by the shortest paths of before the failure, any of several equal ones.
 */
#pragma once

#include "mod/te/repair.h"

#include <stdlib.h>
#include <string.h>

#define WALK_FAR 1000000000U

struct walk_net {
    const struct te_repair_graph *graph;
    uint32_t *distance; /* [from * nodes + to], before the failure */
    bool *down;         /* by link */
    bool *seen;         /* by node: the packet may come by */
    uint32_t *queue;
    uint32_t *first, *out; /* links by their start */
};

/* Shortest paths by relaxing every link until nothing changes: slow, and plainly right. */
static inline void walk_distances(const struct te_repair_graph *graph, const bool *down, uint32_t source, uint32_t *ret)
{
    for (size_t i = 0; i < graph->nodes_len; i++) {
        ret[i] = i == source ? 0 : WALK_FAR;
    }
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < graph->links_len; i++) {
            const struct te_repair_link *link = &graph->links[i];
            if ((down == NULL || !down[i]) && ret[link->from] + link->metric < ret[link->to]) {
                ret[link->to] = ret[link->from] + link->metric;
                changed = true;
            }
        }
    }
}

static inline void walk_init(struct walk_net *net, const struct te_repair_graph *graph)
{
    size_t nodes = graph->nodes_len;
    *net = (struct walk_net){.graph = graph,
                             .distance = calloc(nodes * nodes + 1, sizeof(uint32_t)),
                             .down = calloc(graph->links_len + 1, sizeof(bool)),
                             .seen = calloc(nodes + 1, sizeof(bool)),
                             .queue = calloc(nodes + 1, sizeof(uint32_t)),
                             .first = calloc(nodes + 1, sizeof(uint32_t)),
                             .out = calloc(graph->links_len + 1, sizeof(uint32_t))};
    uint32_t len = 0;
    for (uint32_t node = 0; node < nodes; node++) {
        for (uint32_t i = 0; i < graph->links_len; i++) {
            if (graph->links[i].from == node) {
                net->out[len++] = i;
            }
        }
        net->first[node + 1] = len;
    }
    for (uint32_t i = 0; i < nodes; i++) {
        walk_distances(graph, NULL, i, &net->distance[i * nodes]);
    }
}

static inline void walk_fini(struct walk_net *net)
{
    free(net->distance);
    free(net->down);
    free(net->seen);
    free(net->queue);
    free(net->first);
    free(net->out);
}

static inline void walk_fail(struct walk_net *net, const struct te_repair_failure *failure)
{
    memset(net->down, 0, net->graph->links_len);
    for (size_t i = 0; i < failure->links_len; i++) {
        net->down[failure->links[i]] = true;
    }
    for (size_t i = 0; i < net->graph->links_len; i++) {
        const struct te_repair_link *link = &net->graph->links[i];
        net->down[i] = net->down[i] || link->from == failure->node || link->to == failure->node;
    }
}

/* From `from` to `target` by every equal choice of the nodes between; false when any of them leads onto a failed link.
 */
static inline bool walk_to_node(struct walk_net *net, uint32_t from, uint32_t target)
{
    const struct te_repair_graph *graph = net->graph;
    size_t nodes = graph->nodes_len;
    memset(net->seen, 0, nodes);
    size_t len = 0;
    net->queue[len++] = from;
    net->seen[from] = true;
    for (size_t head = 0; head < len; head++) {
        uint32_t node = net->queue[head];
        bool any = node == target;
        for (size_t i = net->first[node]; node != target && i < net->first[node + 1]; i++) {
            const struct te_repair_link *link = &graph->links[net->out[i]];
            if (link->metric + net->distance[link->to * nodes + target] != net->distance[node * nodes + target]) {
                continue;
            }
            if (net->down[net->out[i]]) {
                return false;
            }
            any = true;
            if (!net->seen[link->to]) {
                net->seen[link->to] = true;
                net->queue[len++] = link->to;
            }
        }
        if (!any) {
            return false;
        }
    }
    return true;
}

static inline bool walk_link(const struct walk_net *net, uint32_t link, uint32_t *at)
{
    if (net->down[link] || net->graph->links[link].from != *at) {
        return false;
    }
    *at = net->graph->links[link].to;
    return true;
}

/* The repaired packet arrives, whatever the nodes between choose. */
static inline bool walk_arrives(struct walk_net *net, const struct te_repair *repair)
{
    uint32_t at = repair->at;
    if (repair->link != TE_REPAIR_NONE && !walk_link(net, repair->link, &at)) {
        return false;
    }
    for (uint32_t i = 0; i < repair->labels_len; i++) {
        const struct te_repair_label *label = &repair->labels[i];
        if (label->node == TE_REPAIR_NONE ? !walk_link(net, label->link, &at) : !walk_to_node(net, at, label->node)) {
            return false;
        }
        at = label->node == TE_REPAIR_NONE ? at : label->node;
    }
    return walk_to_node(net, at, repair->destination);
}
