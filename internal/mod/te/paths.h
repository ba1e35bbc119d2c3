/*
 * Paths between sites of a fabric: candidates with tiers and weights. Private to the mod.
 */
#pragma once

#include "mod/te/topology.h"

#define TE_CANDIDATES_MAX 8

struct te_path {
    uint64_t id;
    uint32_t tunnels[PT_PATH_STACK_LEN_MAX + 1]; /* indices; the first is the path's own, the others what transit
                                                    would take. Small, for a large fabric has 100,000s of paths */
    uint32_t tunnels_len;
    uint64_t metric;
    uint32_t tier;   /* 0: primary */
    uint32_t weight; /* 1..16 within the tier */
    bool strict;     /* its packets must keep to it: transit sites may not lead them round a failure */
    bool disjoint;   /* shares no risk with the paths of lower tiers */
    bool leaving;    /* no path of the pair any more, but traffic is on it until an update's last step (in_force.c) */
};

struct te_pair {
    struct te_path paths[TE_CANDIDATES_MAX]; /* ascending by (tier, metric, id) */
    size_t len;
    bool led; /* the weights are a solution's: flows under way follow them, and it counts on that */
    const struct te_pair *
        *by_class; /* by TrafficClass: a class that has tiers and weights of its own; NULL: none has */
};

struct te_kept;
struct te_routing {             /* of one fabric */
    struct te_pair *pairs;      /* [place of from * members_len + place of to] */
    const struct te_kept *kept; /* by place of from: what was found, for the next pass (kept.h) */
    size_t searched;            /* pairs that were searched for anew */
};

struct te_solution;
struct te_paths {
    struct te_routing *fabrics; /* by fabric index */
    const struct te_solution *solution;
};

/* Stage "te". */
enum pt_code te_paths_run(struct pt_plan_pass *pass, void **ret_section, struct pt_error *reterr);

/* Both sites are members of the fabric. */
struct te_pair *te_pair_at(const struct te_fabric *fabric, const struct te_routing *routing, size_t from, size_t to);
bool te_pair_holds(const struct te_pair *pair, uint64_t path_id);
/* Order paths: those that cost as little as the first and are disjoint make tier 0, each other one a tier of its own.
 */
void te_pair_set_tiers(struct te_pair *pair);
/* Marks the links of a path, and those that share a risk with them; and whether a path takes such a link. */
void te_path_mark_costly(const struct te_topology *topology, const struct te_path *path, bool *costly);
bool te_path_touches(const struct te_topology *topology, const struct te_path *path, const bool *costly);

/* What a TrafficClass uses of a pair: a variant of its own, or the pair. */
const struct te_pair *te_pair_for_class(const struct te_pair *pair, uint32_t traffic_class);
/* Never NULL: a pair with a site outside the fabric has no paths. */
const struct te_pair *te_pair_of(const struct te_topology *topology, const struct te_paths *paths, size_t fabric,
                                 size_t from, size_t to);
