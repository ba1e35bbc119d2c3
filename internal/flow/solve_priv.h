/*
 * What the objectives share. Private to the folder.
 */
#pragma once

#include "flow/paths_priv.h"
#include "flow/solve.h"

#define FLOW_GAP_DEFAULT 0.01
#define FLOW_PASSES_MAX 4000

/* A solve under way: inputs, and the result that is being made. */
struct flow_run {
    const struct pt_flow_problem *problem;
    const struct pt_flow_options *options;
    const struct pt_flow_graph *graph;
    const struct pt_flow_paths *paths;
    double gap;
    size_t passes_max;
    struct pt_flow_result *result;
};

bool flow_stopped(const struct flow_run *run);

/* One per objective: fills rates, loads, lengths, value and bound of the result. */
enum pt_code flow_solve_mlu(struct flow_run *run, struct pt_error *reterr);
