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

/* One per objective: rates, loads, lengths, value and bound of the result. `full` by link: what may be used. */
enum pt_code flow_solve_mlu(struct flow_run *run, struct pt_error *reterr);
enum pt_code flow_solve_delay(struct flow_run *run, const double *full, struct pt_error *reterr);
/* Of one class; rates of all others become 0. */
enum pt_code flow_solve_carry(struct flow_run *run, const double *full, uint32_t class_index, struct pt_error *reterr);
/* Of one class, where classes before it carry something: the result's rates are those of all these, feasible, and the
 * classes before may carry it otherwise, but no less of it in all. Value and bound become those of the class. */
enum pt_code flow_solve_after(struct flow_run *run, const double *full, uint32_t class_index, struct pt_error *reterr);
/* All classes. Value and bound are left to the verifier. */
enum pt_code flow_solve_fair(struct flow_run *run, struct pt_error *reterr);

/* One more than the largest class of a demand; at least 1. */
uint32_t flow_classes_len(const struct pt_flow_problem *problem);
/* The bound that the lengths of an answer prove, given each demand's distance: over its path set, or over all paths. Of
 * MAX_FLOW with one class; with several the verifier says it. */
double flow_bound(const struct pt_flow_problem *problem, const double *lengths, const double *distances);
