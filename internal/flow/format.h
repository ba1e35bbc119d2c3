/*
 * The text form of an instance, `.te`: "nodes links demands", then a line "from to capacity" for each link, then a line
 * "from to rate" for each demand. Nodes are numbers from 0. Empty lines and what follows '#' are skipped.
 *
 * Behind the three fields may stand what else is known, as key=value:
 *   of a link    delay=7.5 (1 when not said, so that delay counts links), loss=0.001 (a share), metric=10,
 *                labels=0,12 (numbers 0 to 63: labels and administrative groups), srlgs=5,7 (0 to 65535, at most 16)
 *   of a demand  class=0 (0 to 7; 0 is served first), weight=2 (in max-min fairness)
 */
#pragma once

#include "flow/graph.h"

#define PT_FLOW_TE_SIZE_MAX (64U << 20) /* bytes */

struct pt_flow_te {
    uint32_t head_line; /* where "nodes links demands" stood, from 1 */
    struct pt_flow_graph *graph;
    struct pt_flow_demand *demands;
    size_t demands_len;
    uint32_t *demand_lines; /* by demand: the line that it stood on, from 1 */
};

/* Errors name the place in `field`: "line 17, field 3". A pair may have one demand of each class. Free with
 * pt_flow_te_fini. */
enum pt_code pt_flow_te_read(const char *text, size_t size, struct pt_flow_te *ret_te, struct pt_error *reterr) PT_MUST;
/* Fine on a zeroed one. */
void pt_flow_te_fini(struct pt_flow_te *te);
