/*
 * Any path: what free.c's rounds ask of free_grow.c, and what a verifier needs to know of all paths. Private to the
 * folder.
 */
#pragma once

#include "flow/solve_priv.h"

/* The set of problem->paths, and for each demand those paths of the graph that are shorter by the lengths of the
 * answer than all that it has: by its class's, or, for MAX_MIN, by those of every level that it has a part in. Writes
 * how many were added, and each demand's distance in the graph by its class's lengths (not for MAX_MIN). */
enum pt_code flow_grow(const struct flow_view *view, const struct pt_flow_problem *problem,
                       const struct pt_flow_result *result, double *ret_distances, struct pt_flow_paths **ret_paths,
                       size_t *ret_added, struct pt_error *reterr) PT_MUST;

/* Distance of every node to the target over links that are not out, by `cost`: plainly, for verifiers, which do not
 * share the searches of the algorithms. */
void flow_far(const struct flow_view *view, const double *cost, uint32_t target, double *ret_distances);
/* Indices of the demands, ascending by target. False: no memory. */
bool flow_by_target(const struct pt_flow_problem *problem, uint32_t *ret_order);
