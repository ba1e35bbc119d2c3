/*
 * The scratch of one thread that makes path sets (paths_tree.c, paths_join.c). Private to the folder.
 */
#pragma once

#include "flow/paths_priv.h"

struct flow_arc {
    uint16_t link, node; /* node: the other end */
};

struct flow_state { /* of a node, on the way to the current target without the links removed so far */
    uint64_t distance;
    uint32_t step; /* the store's step for this path, when it has been asked for */
    uint16_t next; /* link */
};

struct flow_saved {
    struct flow_state state;
    uint32_t node;
};

struct flow_heap {
    uint64_t key;
    uint32_t node;
};

struct flow_frame {
    uint32_t node, at; /* where its children go on */
    size_t log_len;    /* what to go back to */
};

enum { FLOW_UNWANTED, FLOW_PASSED, FLOW_WANTED };

struct flow_part {
    const struct flow_view *view;
    uint32_t target;
    struct flow_state *nodes;
    struct flow_arc *out, *in; /* as the graph's lists, with the other end beside */
    uint8_t *removed;          /* by link: how often it is taken away */
    uint16_t *tree_next;       /* by node: the link of its first path */
    uint8_t *wanted;           /* by node: is it a source? */
    uint16_t *order;           /* reached nodes, nearest first */
    uint32_t order_len;
    uint16_t *changed;      /* nodes */
    struct flow_heap *heap; /* nodes_len + links_len */
    size_t heap_len;
    uint16_t *trail; /* nodes or links of a path */
    struct flow_saved *log;
    size_t log_len, log_cap;
    struct flow_frame *stack; /* nodes_len */
    size_t stack_len;
    uint64_t *again; /* by node: distance without all earlier paths of a pair; FLOW_FAR when not reached */
    uint8_t *found;  /* by node: number of its paths */
    uint32_t *heads; /* [node * paths_max + path]: first steps */
    /* What is handed on, demand by demand in the order of targets and sources: */
    struct flow_step *steps;
    size_t steps_len, steps_cap;
    uint32_t *slots;
    uint8_t *counts;      /* paths of each demand */
    uint32_t *step_first; /* by target of the part: where its steps begin */
    size_t slots_len;
    size_t lost;    /* the first demand without a path, by the caller's index; SIZE_MAX for none */
    bool exhausted; /* no memory */
};

/* Works on a zeroed part, and flow_part_fini on one that failed. False: no memory. */
bool flow_part_init(struct flow_part *part, const struct flow_view *view);
void flow_part_fini(struct flow_part *part);
/* The paths from every wanted node to part->target: found and heads. Sources that no path leads from keep found 0. */
void flow_part_target(struct flow_part *part);
/* Numbers for nodes: two nodes with different ones are separated by at most two cables. NULL: no memory. */
uint32_t *flow_components(const struct flow_view *view);
