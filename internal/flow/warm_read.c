/*
 * Reading a warm object: its layers put together as one path set, as if it had been made from the beginning.
 */
#include "flow/warm_priv.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

struct reading {
    const struct pt_flow_warm *warm;
    struct pt_flow_paths *paths;
    double *x; /* by entry slot of paths */
};

/* Rate of a path of a layer: what is on it, and on its other mentions. */
static double carried(const struct flow_warm_layer *layer, uint32_t entry, uint32_t slot)
{
    double sum = 0;
    for (uint32_t i = layer->view.entry_first[entry]; i < layer->view.entry_first[entry + 1]; i++) {
        sum += layer->view.entry_steps[i] == layer->paths->entry_steps[slot] ? layer->table.x[i] : 0;
    }
    return sum;
}

static void read_entry(struct reading *r, const struct flow_warm_layer *layer, uint32_t entry, uint32_t offset)
{
    struct pt_flow_paths *paths = r->paths;
    paths->entry_demand[paths->demands_len] = flow_warm_demand(layer, entry);
    paths->entry_first[paths->demands_len++] = (uint32_t)paths->slots_len;
    for (uint32_t i = layer->view.entry_first[entry]; i < layer->view.entry_first[entry + 1]; i++) {
        if (layer->view.entry_steps[i] == layer->paths->entry_steps[i]) { /* else it has been dropped */
            r->x[paths->slots_len] = carried(layer, entry, i);
            paths->entry_steps[paths->slots_len++] = layer->paths->entry_steps[i] + offset;
        }
    }
}

/* Steps, blocks and entries of a layer behind those that are there. */
static void read_layer(struct reading *r, const struct flow_warm_layer *layer)
{
    struct pt_flow_paths *paths = r->paths;
    uint32_t offset = (uint32_t)paths->steps_len;
    for (size_t i = 0; i < layer->view.steps_len; i++) {
        struct flow_step step = layer->view.steps[i];
        step.next += step.next != FLOW_LAST ? offset : 0;
        paths->steps[paths->steps_len++] = step;
    }
    for (size_t b = 0; b < layer->view.blocks_len; b++) {
        const struct flow_block *block = &layer->view.blocks[b];
        paths->blocks[paths->blocks_len++] =
            (struct flow_block){.entry = (uint32_t)paths->demands_len, .step = block->step + offset};
        for (uint32_t e = block->entry; e < block[1].entry; e++) {
            if (!layer->gone[e]) {
                read_entry(r, layer, e, offset);
            }
        }
    }
    paths->by_target = paths->by_target && layer->view.by_target;
}

static enum pt_code read_paths(struct reading *r, struct pt_error *reterr)
{
    const struct pt_flow_warm *warm = r->warm;
    size_t steps = 0;
    size_t slots = 0;
    size_t blocks = 0;
    for (size_t k = 0; k < warm->layers_len; k++) {
        steps += warm->layers[k].view.steps_len;
        slots += warm->layers[k].view.slots_len;
        blocks += warm->layers[k].view.blocks_len;
    }
    struct pt_flow_paths *paths = r->paths = flow_paths_new(warm->problem.demands_len, warm->graph->links_len);
    if (paths == NULL || steps >= FLOW_LAST || slots >= FLOW_LAST) {
        return flow_no_memory(reterr);
    }
    paths->entry_demand = malloc((paths->demands_len + 1) * sizeof(paths->entry_demand[0]));
    paths->entry_first = malloc((paths->demands_len + 1) * sizeof(paths->entry_first[0]));
    paths->entry_steps = malloc((slots + 1) * sizeof(paths->entry_steps[0]));
    paths->blocks = malloc((blocks + 1) * sizeof(paths->blocks[0]));
    paths->steps = malloc((steps + 1) * sizeof(paths->steps[0]));
    r->x = malloc((slots + 1) * sizeof(r->x[0]));
    if (paths->entry_demand == NULL || paths->entry_first == NULL || paths->entry_steps == NULL ||
        paths->blocks == NULL || paths->steps == NULL || r->x == NULL) {
        return flow_no_memory(reterr);
    }
    paths->steps_cap = steps + 1;
    paths->by_target = true;
    paths->demands_len = 0; /* counts what has been read */
    for (size_t k = 0; k < warm->layers_len; k++) {
        read_layer(r, &warm->layers[k]);
    }
    pt_assert(paths->demands_len == warm->problem.demands_len);
    paths->entry_first[paths->demands_len] = (uint32_t)paths->slots_len;
    paths->blocks[paths->blocks_len] =
        (struct flow_block){.entry = (uint32_t)paths->demands_len, .step = (uint32_t)paths->steps_len};
    return flow_slots_from_entries(paths) ? PT_OK : flow_no_memory(reterr);
}

struct pt_flow_result *flow_warm_result(const struct pt_flow_result *from, size_t rates_len)
{
    struct pt_flow_result *result = flow_alloc(1, sizeof(*result));
    if (result == NULL) {
        return NULL;
    }
    *result = *from;
    result->rates_len = rates_len;
    result->rates = flow_alloc(rates_len, sizeof(double));
    result->loads = flow_alloc(from->links_len, sizeof(double));
    result->lengths = flow_alloc(from->links_len, sizeof(double));
    if (result->rates == NULL || result->loads == NULL || result->lengths == NULL) {
        pt_flow_result_free(result);
        return NULL;
    }
    memcpy(result->loads, from->loads, from->links_len * sizeof(double));
    memcpy(result->lengths, from->lengths, from->links_len * sizeof(double));
    return result;
}

static enum pt_code read_all(struct reading *r, struct pt_flow_graph **ret_graph, struct pt_flow_result **ret_result,
                             struct pt_error *reterr)
{
    PT_TRY(read_paths(r, reterr));
    struct pt_flow_result *result = flow_warm_result(r->warm->result, r->paths->slots_len);
    if (result == NULL) {
        return flow_no_memory(reterr);
    }
    const struct flow_table table = {.paths = r->paths};
    flow_table_store(&table, r->x, result->rates);
    enum pt_code code = pt_flow_graph_with(r->warm->graph, NULL, NULL, 0, ret_graph, reterr);
    if (code != PT_OK) {
        pt_flow_result_free(result);
        return code;
    }
    *ret_result = result;
    return PT_OK;
}

enum pt_code pt_flow_warm_read(const struct pt_flow_warm *warm, struct pt_flow_graph **ret_graph,
                               struct pt_flow_paths **ret_paths, struct pt_flow_result **ret_result,
                               struct pt_error *reterr)
{
    struct reading r = {.warm = warm};
    enum pt_code code = read_all(&r, ret_graph, ret_result, reterr);
    free(r.x);
    if (code != PT_OK) {
        pt_flow_paths_free(r.paths);
        return code;
    }
    *ret_paths = r.paths;
    return PT_OK;
}

enum pt_code flow_warm_flatten(struct pt_flow_warm *warm, struct pt_error *reterr)
{
    struct pt_flow_graph *graph = NULL;
    struct pt_flow_paths *paths = NULL;
    struct pt_flow_result *result = NULL;
    PT_TRY(pt_flow_warm_read(warm, &graph, &paths, &result, reterr));
    struct pt_flow_problem problem = warm->problem;
    problem.paths = paths;
    struct flow_warm_layer layer = {.made = paths};
    bool fits = flow_warm_layer_init(&layer, &problem, result->rates);
    pt_flow_graph_free(graph);
    pt_flow_result_free(result);
    if (!fits) {
        flow_warm_layer_fini(&layer);
        return flow_no_memory(reterr);
    }
    for (size_t k = 0; k < warm->layers_len; k++) {
        flow_warm_layer_fini(&warm->layers[k]);
    }
    warm->layers[0] = layer;
    warm->layers[0].table.paths = &warm->layers[0].view;
    warm->layers_len = 1;
    flow_table_loads(&warm->layers[0].table, warm->result->loads); /* and what rounding had added up goes */
    return PT_OK;
}
