/*
 * What the files of warm solving share. Private to the folder.
 */
#pragma once

#include "flow/climb.h"
#include "flow/warm.h"

#define FLOW_WARM_LAYERS_MAX 8U

struct flow_warm_layer {
    struct pt_flow_paths view; /* as the set was made, but for entry_steps, which are our own */
    const struct pt_flow_paths *paths;
    struct pt_flow_paths *made; /* what is ours to free; NULL for the problem's */
    uint32_t *demands;          /* the problem's demand of each of the set's; NULL when they are the same */
    struct flow_table table;    /* of view */
    uint8_t *gone;              /* by entry */
    uint32_t *chosen;           /* entries that the newest pass has found */
    uint16_t *dead;             /* of these, after a failure: which of their paths are dead, a bit each */
    size_t chosen_len;
};

struct pt_flow_warm {
    struct pt_flow_problem problem; /* its graph is ours */
    struct pt_flow_graph *graph;
    struct pt_flow_rules rules;
    struct flow_warm_layer layers[FLOW_WARM_LAYERS_MAX];
    size_t layers_len;
    struct pt_flow_result *result; /* lengths, loads and certificate; no rates */
    double *lengths;               /* scratch of a climb */
    struct flow_priced *links;
    double carried; /* sum of rates */
    size_t touched, passes;
};

/* `problem` has the demands of the set; rates by slot. Works on a zeroed layer; fini in any case. */
bool flow_warm_layer_init(struct flow_warm_layer *layer, const struct pt_flow_problem *problem, const double *rates);
void flow_warm_layer_fini(struct flow_warm_layer *layer);
/* All layers become one, whose set is ours. */
enum pt_code flow_warm_flatten(struct pt_flow_warm *warm, struct pt_error *reterr);
/* Without rates, but with room for them. NULL: no memory. */
struct pt_flow_result *flow_warm_result(const struct pt_flow_result *from, size_t rates_len);

static inline uint32_t flow_warm_demand(const struct flow_warm_layer *layer, uint32_t entry)
{
    uint32_t demand = layer->paths->entry_demand[entry];
    return layer->demands != NULL ? layer->demands[demand] : demand;
}
