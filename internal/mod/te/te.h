/*
 * Traffic engineering, first form: topology -> paths -> groups, rules and routes of every node.
 *
 * Stages: "topology" (nodes, links, tunnels), "te" (a primary and a link-disjoint backup path for each pair of sites,
 * weights over equal ones), "steer" (policies compiled into rules and classes), "emit" (entries). All pure.
 *
 * The one public header of the mod: serve/ shows tunnels and paths through it.
 */
#pragma once

#include "plan/plan.h"

extern const struct pt_mod pt_mod_te;

#define TE_WEIGHTS_SUM 256 /* what the weights of a pair's paths add to in a solution */

/* What stage "te" decided about the pairs with traffic. In the pass's arena; its map is freed with te_solution_fini. */
struct te_split_problem;
struct te_load;
struct te_topology;
struct te_paths;
struct te_solution {
    uint64_t epoch; /* rises when traffic moves */
    int64_t time_ns;
    int kind;              /* enum te_split_kind */
    struct pt_map weights; /* te_weight_key -> uint32_t, for the pairs that do not have their normal ones */
    uint64_t target_ppm;   /* highest utilisation under the target */
    uint64_t bound_ppm, gap_ppm, rounding_ppm, worst_ppm;
    uint32_t steps, steps_left; /* in all; after this one */
    bool promised;
    bool hold; /* not found by a pass, but said by nodes: kept whatever the traffic seems to be */
    bool more; /* the target is not reached: plan again when the nodes have this */
    const struct te_topology *topology; /* what the pass gave every pair, for the next one; NULL: said by nodes */
    const struct te_paths *paths;
    const struct te_split_problem *problem; /* what it was computed from */
    const struct te_load *load;
    const double *target;
};
/* Key of a path's weight for a TrafficClass; 0: for all together, and for classes that have no weights of their own.
 * said_at: in a solution that nodes said, the Site whose node said it, for it counts nowhere else; NULL in others.
 * Returns the key's size. */
#define TE_WEIGHT_KEY_SIZE (9 + PT_NAME_SIZE_MAX)
size_t te_weight_key(uint64_t path_id, uint32_t traffic_class, const char *said_at,
                     uint8_t ret_key[TE_WEIGHT_KEY_SIZE]);
/* The weight of a path that begins at the Site `from`; NULL: it has its normal one. solution may be NULL. */
const uint32_t *te_weight_of(const struct te_solution *solution, const char *from, uint64_t path_id,
                             uint32_t traffic_class);
/* NULL before the first pass. */
const struct te_solution *te_solution_of(const struct pt_plan_pass *pass);
/* Frees what the arena does not hold; fine on a pass that failed. */
void te_pass_fini(struct pt_plan_pass *pass);

/* Stable ids. A tunnel is an ordered pair of Link resources; a path is its first tunnel and the site labels after the
 * tunnel's far end; a direct path has none. */
uint64_t te_tunnel_id(const char *local_link, const char *remote_link);
uint64_t te_path_id(uint64_t tunnel_id, const uint32_t *stack, size_t stack_len);
uint64_t te_direct_path(uint64_t tunnel_id);
/* The same way for packets that no site may lead round a failure: watched, and counted, by itself. */
uint64_t te_strict_path(uint64_t path_id);

/* Ids of the tunnels that leave by a link, in the newest pass. Returns how many, at most len_max. */
size_t te_link_tunnels(const struct pt_plan_pass *pass, const char *link, uint64_t *ret_tunnels, size_t len_max);

/* Views: resources of the kinds tunnel and path, ascending by name; measured fields are left to the caller. */
struct te_view_item {
    struct pt_msg *msg;
    uint64_t path_id; /* whose measurement it shows */
};
struct te_view_item *te_view_tunnels(const struct pt_plan_pass *pass, const struct pt_message_type *kind,
                                     struct pt_arena *arena, size_t *ret_len);
struct te_view_item *te_view_paths(const struct pt_plan_pass *pass, const struct pt_message_type *kind,
                                   struct pt_arena *arena, size_t *ret_len);
