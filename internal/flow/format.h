/*
 * The text form of an instance, `.te`: "nodes links demands", then a line "from to capacity" for each link, then a line
 * "from to rate" for each demand. Nodes are numbers from 0. Empty lines and what follows '#' are skipped.
 * A link's delay is 1: with this form, delay counts links.
 */
#pragma once

#include "flow/graph.h"

#define PT_FLOW_TE_SIZE_MAX (64U << 20) /* bytes */

struct pt_flow_te {
    struct pt_flow_graph *graph;
    struct pt_flow_demand *demands;
    size_t demands_len;
    uint32_t *demand_lines; /* by demand: the line that it stood on, from 1 */
};

/* Errors name the place in `field`: "line 17, field 3". A pair may have one demand. Free with pt_flow_te_fini. */
enum pt_code pt_flow_te_read(const char *text, size_t size, struct pt_flow_te *ret_te, struct pt_error *reterr) PT_MUST;
/* Fine on a zeroed one. */
void pt_flow_te_fini(struct pt_flow_te *te);
