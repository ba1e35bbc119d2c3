/*
 * Path sets: for each demand the paths that it may use, stored with shared suffixes.
 *
 * PT_FLOW_BY_HOPS without constraints is the rule `disjoint4` (with paths_max 4): up to paths_max paths, one after the
 * other, each the shortest by hops that no link of an earlier path is on, ties broken as a breadth-first search from
 * the source with links in index order breaks them. By metric or delay: the same with weights, the first path by link
 * order among equals. Fewer paths than asked is no error; a demand without any is, unless `allow_unreachable`.
 *
 * Constraints are hard: a link that breaks one is not there; a path longer in delay or loss than allowed is not taken
 * (the search keeps, for each node, labels of (weight, delay) that no other dominates, so it finds one if one exists).
 *
 * Work may be spread over threads: the caller gives `run`, which calls work(arg, part) for every part < parts, on any
 * threads in any order, and returns when all are done. The result is the same whatever `run` does.
 */
#pragma once

#include "flow/graph.h"

enum pt_flow_weight { PT_FLOW_BY_HOPS, PT_FLOW_BY_METRIC, PT_FLOW_BY_DELAY };

#define PT_FLOW_PATHS_MAX 16U /* per demand */

struct pt_flow_rules {
    uint32_t paths_max; /* 1..PT_FLOW_PATHS_MAX; 0 means 4 */
    enum pt_flow_weight weight;
    bool srlg_disjoint;     /* later paths also avoid links that share a risk group with earlier ones */
    bool shared_too;        /* when no disjoint path is left, paths that share as little as possible follow */
    bool allow_unreachable; /* demands without a path get none, instead of an error */
    uint64_t labels_none;   /* links with any of these are out */
    uint64_t labels_all;    /* links without all of these are out */
    uint64_t labels_any;    /* links with none of these are out; 0: no such rule */
    double capacity_min;    /* thinner links are out */
    double delay_max;       /* of a path; 0: any */
    double loss_max;        /* of a path; 0: any */
};

typedef void (*pt_flow_work_fn)(void *arg, size_t part);
typedef void (*pt_flow_run_fn)(void *run_arg, pt_flow_work_fn work, void *arg, size_t parts);

struct pt_flow_workers { /* NULL or zeroed: everything on the caller's thread */
    pt_flow_run_fn run;
    void *run_arg;
    size_t threads; /* how many parts are worth making */
};

struct pt_flow_paths; /* opaque, immutable, own memory; it borrows nothing */

/* The list of demands decides the pairs; rates and classes do not matter here. */
enum pt_code pt_flow_paths_new(const struct pt_flow_graph *graph, const struct pt_flow_rules *rules,
                               const struct pt_flow_demand *demands, size_t demands_len,
                               const struct pt_flow_workers *workers, struct pt_flow_paths **ret_paths,
                               struct pt_error *reterr) PT_MUST;

/* The path set of a graph in which `changed` links differ from the graph of `old`. When links only went away, paths
 * that still work stay and no others are added, but a demand that lost all of its paths gets new ones as
 * pt_flow_paths_new would give them: quick, and nothing moves that need not. Any other change makes the whole set anew.
 * The demands (their ends) must be those of `old`. */
enum pt_code pt_flow_paths_update(const struct pt_flow_paths *old, const struct pt_flow_graph *graph,
                                  const struct pt_flow_rules *rules, const struct pt_flow_demand *demands,
                                  size_t demands_len, const uint32_t *changed, size_t changed_len,
                                  const struct pt_flow_workers *workers, struct pt_flow_paths **ret_paths,
                                  struct pt_error *reterr) PT_MUST;

/* Paths that the caller chose: path i belongs to demand owners[i] (ascending) and is links[first[i]] up to
 * links[first[i + 1] - 1]. Errors name "paths[7]" when it is not a path from end to end, or a link is down. */
enum pt_code pt_flow_paths_of(const struct pt_flow_graph *graph, const struct pt_flow_demand *demands,
                              size_t demands_len, const uint32_t *owners, const size_t *first, const uint32_t *links,
                              size_t paths_len, struct pt_flow_paths **ret_paths, struct pt_error *reterr) PT_MUST;
/* NULL is fine. */
void pt_flow_paths_free(struct pt_flow_paths *paths);

size_t pt_flow_paths_demands_len(const struct pt_flow_paths *paths);
/* Slots: the paths of all demands in the order of demands; the paths of demand d are the slots from
 * pt_flow_paths_first(d) up to pt_flow_paths_first(d + 1) - 1, and pt_flow_paths_first(demands_len) is their number.
 * Two demands of one pair have slots of their own that show the same paths. */
size_t pt_flow_paths_first(const struct pt_flow_paths *paths, size_t demand);
/* Number of links of a slot's path; writes up to links_max of them in order from the source. */
size_t pt_flow_path_links(const struct pt_flow_paths *paths, size_t slot, uint32_t *ret_links, size_t links_max);
/* Sum over slots of their lengths, and bytes of memory. */
size_t pt_flow_paths_hops(const struct pt_flow_paths *paths);
size_t pt_flow_paths_size(const struct pt_flow_paths *paths);
