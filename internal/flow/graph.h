/*
 * Graphs and demands of traffic engineering: what the path search and the solver compute on.
 *
 * flow/ is pure and stands beside base: no input or output, no clock, no random numbers, no globals. What it returns
 * depends on its inputs alone, bit for bit. Nodes and links are numbers from 0; names are the caller's business. A link
 * is directed; the two ways of a cable are two links. The order of links matters: searches look at a node's links in
 * ascending index, so that equal inputs give equal paths.
 *
 * Limits: PT_FLOW_*_MAX. Larger graphs are refused with PT_REASON_LIMIT_REACHED.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PT_FLOW_NODES_MAX 4096U
#define PT_FLOW_LINKS_MAX 65535U       /* a link fits 16 bits, with one value to spare */
#define PT_FLOW_DEMANDS_MAX (1U << 20) /* rather more than all pairs of the largest public WAN */
#define PT_FLOW_SRLGS_MAX 65536U       /* shared-risk groups are numbered below this */
#define PT_FLOW_METRIC_MAX (1U << 24)
#define PT_FLOW_CLASSES_MAX 8U
#define PT_FLOW_CAPACITY_MIN 1e-9
#define PT_FLOW_RATE_MAX 1e15 /* bound of rates and capacities, in the caller's unit */

struct pt_flow_link {
    uint32_t from, to;
    double capacity;       /* PT_FLOW_CAPACITY_MIN..PT_FLOW_RATE_MAX, same unit as demands */
    double delay;          /* >= 0, any unit */
    double loss;           /* share lost, 0 <= loss < 1 */
    uint32_t metric;       /* 1..PT_FLOW_METRIC_MAX (0 means 1): what PT_FLOW_BY_METRIC adds up */
    bool down;             /* administratively or really: no path uses it */
    uint64_t labels;       /* bit set of labels and admin groups, the caller's numbering */
    const uint32_t *srlgs; /* shared-risk groups; borrowed; may be NULL */
    uint32_t srlgs_len;
};

struct pt_flow_demand {
    uint32_t from, to;
    double rate;          /* >= 0 */
    double weight;        /* share in max-min fairness; 0 means 1 */
    uint32_t class_index; /* 0 is served first */
};

struct pt_flow_graph; /* opaque, immutable */

/* Checks and copies (also srlgs). Errors name "links[12].capacity". */
enum pt_code pt_flow_graph_new(uint32_t nodes_len, const struct pt_flow_link *links, uint32_t links_len,
                               struct pt_flow_graph **ret_graph, struct pt_error *reterr) PT_MUST;
/* NULL is fine. */
void pt_flow_graph_free(struct pt_flow_graph *graph);

/* The same graph with some links changed (state, capacity, anything but their ends): the base of an incremental step.
 */
enum pt_code pt_flow_graph_with(const struct pt_flow_graph *graph, const uint32_t *changed,
                                const struct pt_flow_link *links, size_t changed_len, struct pt_flow_graph **ret_graph,
                                struct pt_error *reterr) PT_MUST;

uint32_t pt_flow_nodes_len(const struct pt_flow_graph *graph);
uint32_t pt_flow_links_len(const struct pt_flow_graph *graph);
const struct pt_flow_link *pt_flow_link_at(const struct pt_flow_graph *graph, uint32_t link);

/* A list of demands is fine: ends exist and differ, rates are finite and not negative, classes and count are within
 * limits. Errors name "demands[12].rate". */
enum pt_code pt_flow_demands_check(const struct pt_flow_graph *graph, const struct pt_flow_demand *demands, size_t len,
                                   struct pt_error *reterr) PT_MUST;
