/*
 * Path sets as the files of flow/ see them. Private to the folder.
 *
 * A path is a chain of steps from its source to its target: a step is a link and the step after it. Paths that end
 * alike share steps (a trie of suffixes), and a step stands behind the one it leads to, so that one pass in index order
 * computes the price of every suffix, and one in reverse order adds up loads.
 */
#pragma once

#include "flow/graph_priv.h"
#include "flow/paths.h"

#define FLOW_LAST UINT32_MAX /* no step after this */
/* Weights are whole numbers, so that sums do not depend on their order and equal means equal: the low bits count hops,
 * which break ties and keep links of weight 0 from making circles. Delays are taken in 2^-24 of the largest. Sums stay
 * below 2^62: 24 bits of weight, 13 of the hop unit, 12 of hops, 13 of the penalty for sharing. */
#define FLOW_HOP_UNITS 8192U
#define FLOW_FAR UINT64_MAX

_Static_assert(FLOW_HOP_UNITS > PT_FLOW_NODES_MAX, "no path has more hops");

struct flow_step {
    uint32_t next; /* index below the step's own, or FLOW_LAST */
    uint16_t link;
};

/* A run of entries whose paths all lie in one run of steps: small enough to work on inside the cache. */
struct flow_block {
    uint32_t entry, step; /* where it begins; the next block says where it ends */
};

struct pt_flow_paths {
    size_t demands_len;
    size_t slots_len;
    uint32_t links_len;
    uint32_t *first; /* demands_len + 1: slots, in the order of demands */
    uint32_t *slots; /* the first step of each slot's path */
    /* The same again in the order in which steps lie: entries are demands, sorted by block. */
    uint32_t *entry_demand; /* demands_len */
    uint32_t *entry_first;  /* demands_len + 1: into entry_steps */
    uint32_t *entry_steps;  /* slots_len */
    struct flow_block *blocks;
    size_t blocks_len; /* and one more that ends the last */
    bool by_target;    /* a block is a target */
    /* Made by an update: from which set (compared, never followed), and from which entry slot; UINT32_MAX: new. */
    const struct pt_flow_paths *origin;
    uint32_t *entry_origin;
    struct flow_step *steps; /* never NULL, also when there are none: offsets are added to it */
    size_t steps_len, steps_cap;
};

/* How rules see a graph: what is out, what a link weighs. Made once, read by all threads. */
struct flow_view {
    const struct pt_flow_graph *graph;
    struct pt_flow_rules rules; /* paths_max filled in */
    uint8_t *out;               /* by link: 1 when no path may use it */
    uint64_t *weight;           /* by link: what the rules weigh, times FLOW_HOP_UNITS, plus one for the hop */
    uint64_t penalty;           /* of a shared link: more than any path weighs */
    uint32_t *component;        /* by node, NULL when not computed: flow_components() */
    double *loss;               /* by link: -log(1 - loss), which adds up along a path */
};

enum pt_code flow_view_init(struct flow_view *view, const struct pt_flow_graph *graph,
                            const struct pt_flow_rules *rules, struct pt_error *reterr);
void flow_view_fini(struct flow_view *view);

/* One pair after the other, any rules: the plain way, which the fast one (paths_tree.c) is tested against. */
struct flow_search;
struct flow_search *flow_search_new(const struct flow_view *view); /* NULL: no memory */
void flow_search_free(struct flow_search *search);
/* All paths of one pair by the rules. Path i goes to links + i * nodes_len, its length to ret_lens[i]; links has room
 * for paths_max * nodes_len. Returns how many. */
size_t flow_search_pair(struct flow_search *search, uint32_t from, uint32_t to, uint16_t *ret_links,
                        uint32_t *ret_lens);

/* All pairs of a list, a target at a time: much faster, for rules that flow_tree_fits. Fills first, slots and steps. */
bool flow_tree_fits(const struct pt_flow_rules *rules);
enum pt_code flow_tree_make(struct flow_view *view, const struct pt_flow_demand *demands,
                            const struct pt_flow_workers *workers, struct pt_flow_paths *paths,
                            struct pt_error *reterr);
/* Only links went down, and the set is one that flow_update can work on. */
bool flow_update_fits(const struct pt_flow_paths *old, const struct flow_view *view, const uint32_t *changed,
                      size_t changed_len);
enum pt_code flow_update(const struct pt_flow_paths *old, struct flow_view *view, const struct pt_flow_demand *demands,
                         struct pt_flow_paths *paths, struct pt_error *reterr);
/* Empty but for first. NULL: no memory. */
struct pt_flow_paths *flow_paths_new(size_t demands_len, uint32_t links_len);
/* first and slots from the entries. False: no memory. */
bool flow_slots_from_entries(struct pt_flow_paths *paths);
/* The slots of the demands of a range of entries; first and slots[] are there. */
void flow_slots_of_entries(struct pt_flow_paths *paths, size_t entry, size_t end);
/* Entries and blocks of a set whose first, slots and steps are there, demand by demand. */
enum pt_code flow_index_plain(struct pt_flow_paths *paths, struct pt_error *reterr);
/* The error for a demand that no path fits. */
enum pt_code flow_unreachable(size_t demand, const struct pt_flow_demand *demands, struct pt_error *reterr);
