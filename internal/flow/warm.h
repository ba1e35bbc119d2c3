/*
 * A solved problem that is kept, so that links that fail cost what they touch and not what there is.
 *
 * MIN_MLU only. The object holds rates by path in the order in which steps lie, loads by link, and the lengths that
 * prove the bound. When links fail, paths over them are dropped, demands without any are given new ones (as
 * pt_flow_paths_update does), what the dropped paths carried goes to the others, and demands are balanced until the gap
 * is met. Nothing that depends on the number of demands is copied. Links that come back are another matter: better
 * paths may exist for every demand, and all is made anew (pt_flow_paths_new, pt_flow_solve).
 */
#pragma once

#include "flow/solve.h"

struct pt_flow_warm; /* opaque, own memory; it borrows the demands and the path set of the problem */

/* `result` is an answer of MIN_MLU to the problem, `rules` are those its path set was made by (NULL: none). Demands and
 * paths must outlive the object; the graph need not. */
enum pt_code pt_flow_warm_new(const struct pt_flow_problem *problem, const struct pt_flow_rules *rules,
                              const struct pt_flow_result *result, struct pt_flow_warm **ret_warm,
                              struct pt_error *reterr) PT_MUST;
/* NULL is fine. */
void pt_flow_warm_free(struct pt_flow_warm *warm);

/* Links went down: drop, reroute, balance. `options` as for pt_flow_solve, without its warm start. value, bound, gap,
 * worst_link and utilisation of the certificate are filled in. PT_FAILED_PRECONDITION, and nothing has changed, when a
 * demand is cut off: the error names it. Links that are down already are fine. */
enum pt_code pt_flow_warm_fail(struct pt_flow_warm *warm, const uint32_t *links, size_t links_len,
                               const struct pt_flow_options *options, struct pt_flow_certificate *ret_certificate,
                               struct pt_error *reterr) PT_MUST;

/* What pt_flow_warm_fail did last: demands that had a path over the failed links, and passes over all demands. */
size_t pt_flow_warm_touched(const struct pt_flow_warm *warm);
size_t pt_flow_warm_passes(const struct pt_flow_warm *warm);

/* The whole answer, as if it had been solved from the beginning: graph, paths and result are the caller's to free, and
 * pt_flow_verify accepts them. This does copy everything. */
enum pt_code pt_flow_warm_read(const struct pt_flow_warm *warm, struct pt_flow_graph **ret_graph,
                               struct pt_flow_paths **ret_paths, struct pt_flow_result **ret_result,
                               struct pt_error *reterr) PT_MUST;
