/*
 * The scratch of one thread that makes path sets: made and freed. One allocation per array, all or nothing.
 */
#include "flow/paths_tree.h"

#include <stdlib.h>
#include <string.h>

bool flow_part_init(struct flow_part *part, const struct flow_view *view)
{
    const struct pt_flow_graph *graph = view->graph;
    size_t n = graph->nodes_len;
    size_t m = graph->links_len;
    *part = (struct flow_part){.view = view, .lost = SIZE_MAX};
    part->nodes = flow_alloc(n, sizeof(part->nodes[0]));
    part->out = flow_alloc(m + 1, sizeof(part->out[0]));
    part->in = flow_alloc(m + 1, sizeof(part->in[0]));
    part->removed = flow_alloc(m, 1);
    part->tree_next = flow_alloc(n, sizeof(part->tree_next[0]));
    part->wanted = flow_alloc(n, 1);
    part->order = flow_alloc(n, sizeof(part->order[0]));
    part->changed = flow_alloc(n, sizeof(part->changed[0]));
    part->heap = flow_alloc(n + m + 1, sizeof(part->heap[0]));
    part->items = flow_alloc(n + m + 1, sizeof(part->items[0]));
    part->buckets = flow_alloc(2 * n + 1, sizeof(part->buckets[0]));
    part->trail = flow_alloc(n, sizeof(part->trail[0]));
    part->stack = flow_alloc(n, sizeof(part->stack[0]));
    part->found = flow_alloc(n, 1);
    part->heads = flow_alloc(n * view->rules.paths_max, sizeof(part->heads[0]));
    part->again = flow_alloc(n, sizeof(part->again[0]));
    if (part->nodes == NULL || part->out == NULL || part->in == NULL || part->removed == NULL ||
        part->tree_next == NULL || part->wanted == NULL || part->order == NULL || part->changed == NULL ||
        part->heap == NULL || part->trail == NULL || part->stack == NULL || part->found == NULL ||
        part->heads == NULL || part->again == NULL || part->items == NULL || part->buckets == NULL) {
        return false;
    }
    memset(part->again, 0xff, n * sizeof(part->again[0]));
    memset(part->buckets, 0xff, (2 * n + 1) * sizeof(part->buckets[0]));
    for (uint32_t i = 0; i < m; i++) {
        part->out[i] = (struct flow_arc){.link = graph->out[i], .node = (uint16_t)graph->links[graph->out[i]].to};
        part->in[i] = (struct flow_arc){.link = graph->in[i], .node = (uint16_t)graph->links[graph->in[i]].from};
    }
    return true;
}

void flow_part_fini(struct flow_part *part)
{
    free(part->nodes);
    free(part->out);
    free(part->in);
    free(part->removed);
    free(part->tree_next);
    free(part->wanted);
    free(part->order);
    free(part->changed);
    free(part->heap);
    free(part->items);
    free(part->buckets);
    free(part->trail);
    free(part->stack);
    free(part->found);
    free(part->heads);
    free(part->again);
    free(part->log);
    free(part->steps);
    free(part->slots);
    free(part->counts);
    free(part->step_first);
}
