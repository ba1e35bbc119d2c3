/*
 * Distances over all paths of a graph, the plain way: links are relaxed, up and down the list, until none changes
 * anything. That is slower than a heap, and has nothing in common with what finds paths.
 */
#include "flow/free.h"

#include <math.h>
#include <stdlib.h>

static bool relax(const struct flow_view *view, const double *cost, uint32_t link, double *distances)
{
    const struct pt_flow_link *at = &view->graph->links[link];
    double distance = distances[at->to] + cost[link];
    if (view->out[link] || !(distance < distances[at->from])) {
        return false;
    }
    distances[at->from] = distance;
    return true;
}

void flow_far(const struct flow_view *view, const double *cost, uint32_t target, double *ret_distances)
{
    for (uint32_t i = 0; i < view->graph->nodes_len; i++) {
        ret_distances[i] = INFINITY;
    }
    ret_distances[target] = 0;
    bool changed = true;
    for (uint32_t turn = 0; changed; turn++) {
        changed = false;
        for (uint32_t i = 0; i < view->graph->links_len; i++) {
            uint32_t link = turn % 2 == 0 ? i : view->graph->links_len - 1 - i;
            changed |= relax(view, cost, link, ret_distances);
        }
    }
}

bool flow_by_target(const struct pt_flow_problem *problem, uint32_t *ret_order)
{
    uint32_t nodes_len = pt_flow_nodes_len(problem->graph);
    PT_AUTO(free) uint32_t *first = flow_alloc((size_t)nodes_len + 2, sizeof(first[0]));
    if (first == NULL) {
        return false;
    }
    for (size_t d = 0; d < problem->demands_len; d++) {
        first[problem->demands[d].to + 1]++;
    }
    for (uint32_t i = 0; i < nodes_len; i++) {
        first[i + 1] += first[i];
    }
    for (size_t d = 0; d < problem->demands_len; d++) {
        ret_order[first[problem->demands[d].to]++] = (uint32_t)d;
    }
    return true;
}
