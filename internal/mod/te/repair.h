/*
 * Fast repair: for a failure that has not happened yet, how each node next to it would get its packets around it.
 *
 * TI-LFA (draft-ietf-rtgwg-segment-routing-ti-lfa): the repair follows the path that routing will have once it has
 * converged without the failed element, written as few labels: a label names a node, reached by the shortest paths of
 * before the failure, or one link. Pure; the graph is any directed graph with positive metrics.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TE_REPAIR_LABELS_MAX 6 /* what the data plane's path stack holds */
#define TE_REPAIR_NODES_MAX 4096
#define TE_REPAIR_LINKS_MAX 1000000
#define TE_REPAIR_METRIC_MAX 250000
#define TE_REPAIR_NONE UINT32_MAX

struct te_repair_link { /* directed */
    uint32_t from, to;
    uint32_t metric; /* 1..TE_REPAIR_METRIC_MAX */
};

struct te_repair_graph {
    const struct te_repair_link *links; /* borrowed for as long as the planner lives */
    size_t links_len;
    size_t nodes_len;
};

/* What fails together. */
struct te_repair_failure {
    const uint32_t *links; /* directed links, by index; both directions of a cable are named */
    size_t links_len;
    uint32_t node; /* TE_REPAIR_NONE: none */
    /* Links that share a risk with the failed ones: a repair keeps off them where it can. */
    const uint32_t *risky;
    size_t risky_len;
};

struct te_repair_label {
    uint32_t node; /* TE_REPAIR_NONE: the label names a link */
    uint32_t link;
};

struct te_repair {
    uint32_t at;          /* the node that sees the failure */
    uint32_t destination; /* whose packets it repairs */
    bool reachable;       /* false: nothing leads there any more, and the rest means nothing */
    bool repaired;        /* false: no repair of at most TE_REPAIR_LABELS_MAX labels exists */
    bool disjoint;        /* keeps off the risky links */
    uint32_t link;        /* leave by this link first; TE_REPAIR_NONE: towards labels[0] by the shortest path */
    uint32_t labels_len;  /* put in front of the destination's own label */
    struct te_repair_label labels[TE_REPAIR_LABELS_MAX];
};

struct te_repair_planner; /* shortest paths before any failure, and scratch memory; one thread at a time */

/* PT_INVALID_ARGUMENT naming the link that is out of range, PT_EXHAUSTED beyond the limits. */
PT_MUST enum pt_code te_repair_planner_new(const struct te_repair_graph *graph, struct te_repair_planner **ret_planner,
                                           struct pt_error *reterr);
void te_repair_planner_free(struct te_repair_planner *planner); /* NULL is fine */

/* The other direction of a link: the k-th link from b to a belongs to the k-th from a to b. TE_REPAIR_NONE: it has
 * none. */
uint32_t te_repair_twin(const struct te_repair_planner *planner, uint32_t link);

/*
 * Repairs of one failure: calls fn for each node beside it and each destination that it may now send to across it, in
 * ascending order of (at, destination). `repair` is borrowed.
 */
void te_repair_plan(struct te_repair_planner *planner, const struct te_repair_failure *failure,
                    void (*fn)(void *arg, const struct te_repair *repair), void *arg);
