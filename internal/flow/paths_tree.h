/*
 * The scratch of one thread that makes path sets (paths_tree.c, paths_join.c). Private to the folder.
 */
#pragma once

#include "flow/heap.h"
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

/* What waits in a bucket: whole numbers sort by counting. */
#define FLOW_NO_ITEM UINT32_MAX
struct flow_item {
    uint32_t next; /* of the same bucket */
    uint16_t node, distance;
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
    struct flow_item *items; /* nodes_len + links_len */
    uint32_t items_len;
    uint32_t *buckets; /* by rank, below 2 * nodes_len: the newest item, FLOW_NO_ITEM when there is none */
    uint32_t bucket_high;
    uint16_t *trail; /* nodes or links of a path */
    struct flow_saved *log;
    size_t log_len, log_cap;
    struct flow_frame *stack; /* nodes_len */
    size_t stack_len;
    uint64_t *again; /* by node: distance without all earlier paths of a pair; all FLOW_FAR between uses */
    uint8_t *found;  /* by node: number of its paths */
    uint32_t *heads; /* [node * paths_max + path]: first steps */
    /* What is handed on, demand by demand in the order of targets and sources: */
    struct flow_step *steps;
    size_t steps_len, steps_cap;
    uint32_t *slots;
    uint8_t *counts;      /* paths of each demand */
    uint32_t *step_first; /* by target of the part: where its steps begin */
    size_t slots_len;
    uint32_t step_offset, slot_offset; /* of what is handed on, in the whole */
    size_t lost;                       /* the first demand without a path, by the caller's index; SIZE_MAX for none */
    bool exhausted;                    /* no memory */
};

/* Works on a zeroed part, and flow_part_fini on one that failed. False: no memory. */
bool flow_part_init(struct flow_part *part, const struct flow_view *view);
void flow_part_fini(struct flow_part *part);
/* The paths from every wanted node to part->target: found and heads. Sources that no path leads from keep found 0. */
void flow_part_target(struct flow_part *part);
/* More paths of a source, up to the rules' number: found and heads. Of those that it has, so many are removed. */
void flow_part_more(struct flow_part *part, uint32_t source, uint32_t removed);
/* Room for steps. False: no memory, and the part is exhausted. */
bool flow_part_reserve_steps(struct flow_part *part, uint32_t more);
/* Numbers for nodes: two nodes with different ones are separated by at most two cables. NULL: no memory. */
uint32_t *flow_components(const struct flow_view *view);

static inline void flow_part_push(struct flow_part *part, uint64_t key, uint32_t node)
{
    flow_heap_push(part->heap, &part->heap_len, key, node);
}

static inline struct flow_heap flow_part_pop(struct flow_part *part)
{
    return flow_heap_pop(part->heap, &part->heap_len);
}

/* ---- buckets, all empty between uses --------------------------------------------------------------------------- */

static inline void flow_buckets_begin(struct flow_part *part, uint32_t rank)
{
    part->items_len = 0;
    part->bucket_high = rank;
}

static inline void flow_buckets_put(struct flow_part *part, uint32_t rank, uint32_t node, uint32_t distance)
{
    part->items[part->items_len] =
        (struct flow_item){.next = part->buckets[rank], .node = (uint16_t)node, .distance = (uint16_t)distance};
    part->buckets[rank] = part->items_len++;
    part->bucket_high = rank > part->bucket_high ? rank : part->bucket_high;
}

/* The bucket is not empty. */
static inline struct flow_item flow_buckets_take(struct flow_part *part, uint32_t rank)
{
    struct flow_item item = part->items[part->buckets[rank]];
    part->buckets[rank] = item.next;
    return item;
}

static inline void flow_buckets_empty(struct flow_part *part, uint32_t rank)
{
    for (; rank <= part->bucket_high; rank++) {
        part->buckets[rank] = FLOW_NO_ITEM;
    }
}
