/*
 * Paths. The candidates of each pair of sites of a fabric (route.c) become tiers with weights: paths that are as good
 * as the best and disjoint from it form tier 0 and share the load by the free capacity of their narrowest link; each
 * other path is a tier of its own, in order of (shared, metric). The data plane uses the lowest tier that has a live
 * path.
 *
 * Candidates are what a pass is made of, so a pass takes those that nothing since the one before can matter to (kept.c)
 * and spreads the sources of the others over its workers. Either way each pair is what it would be if all were made
 * anew on one thread. Tiers and weights follow load and ramps and are made each time.
 */
#include "mod/te/paths.h"

#include "base/assert.h"
#include "flow/paths.h"
#include "mod/te/kept.h"
#include "mod/te/split.h"
#include "mod/te/te.h"

#include <stdlib.h>
#include <string.h>

#define WEIGHT_STEPS 16U
#define PARTS_MAX 16
#define SPREAD_PAIRS 4096        /* with fewer a second thread costs more than it helps */
#define PENALTY_LEAST_US 100000U /* of the smallest penalty: a path with one does not stand in */

struct te_pair *te_pair_at(const struct te_fabric *fabric, const struct te_routing *routing, size_t from, size_t to)
{
    return &routing->pairs[fabric->place[from] * fabric->members_len + fabric->place[to]];
}

/* ---- candidates of a pair ------------------------------------------------------------------------------------- */

bool te_pair_holds(const struct te_pair *pair, uint64_t id)
{
    for (size_t i = 0; i < pair->len; i++) {
        if (pair->paths[i].id == id) {
            return true;
        }
    }
    return false;
}

/* ---- tiers and weights ---------------------------------------------------------------------------------------- */

static int compare_paths(const void *a, const void *b)
{
    const struct te_path *x = a;
    const struct te_path *y = b;
    if (x->tier != y->tier) {
        return x->tier < y->tier ? -1 : 1;
    }
    if (x->disjoint != y->disjoint) {
        return x->disjoint ? -1 : 1;
    }
    if (x->metric != y->metric) {
        return x->metric < y->metric ? -1 : 1;
    }
    return x->id < y->id ? -1 : x->id > y->id;
}

static uint64_t narrowest(const struct te_topology *topology, const struct te_path *path, const uint64_t *load_bps)
{
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < path->tunnels_len; i++) {
        const struct te_tunnel *tunnel = &topology->tunnels[path->tunnels[i]];
        const struct te_link *local = &topology->links[tunnel->local];
        const struct te_link *remote = &topology->links[tunnel->remote];
        uint64_t out = local->capacity_bps != 0 ? local->capacity_bps : UINT64_MAX;
        uint64_t in = remote->capacity_in_bps != 0 ? remote->capacity_in_bps : UINT64_MAX;
        uint64_t capacity = out < in ? out : in;
        if (capacity != UINT64_MAX) {
            uint64_t load = load_bps[tunnel->local];
            capacity = load < capacity / 16 * 15 ? capacity - load : capacity / 16;
        }
        least = capacity < least ? capacity : least;
    }
    return least;
}

static void set_weights(const struct te_topology *topology, struct te_pair *pair, const uint64_t *load_bps)
{
    uint64_t most = 0;
    uint64_t free_bps[TE_CANDIDATES_MAX];
    for (size_t i = 0; i < pair->len; i++) {
        free_bps[i] = narrowest(topology, &pair->paths[i], load_bps);
        if (pair->paths[i].tier == 0 && free_bps[i] != UINT64_MAX && free_bps[i] > most) {
            most = free_bps[i];
        }
    }
    for (size_t i = 0; i < pair->len; i++) {
        struct te_path *path = &pair->paths[i];
        path->weight = WEIGHT_STEPS;
        if (path->tier == 0 && free_bps[i] != UINT64_MAX && most >= WEIGHT_STEPS) {
            path->weight = (uint32_t)(free_bps[i] / (most / WEIGHT_STEPS));
            path->weight = path->weight < 1 ? 1 : path->weight > WEIGHT_STEPS ? WEIGHT_STEPS : path->weight;
        }
    }
}

void te_pair_set_tiers(struct te_pair *pair)
{
    uint64_t best = pair->paths[0].metric;
    pair->paths[0].disjoint = true;
    for (size_t i = 0; i < pair->len; i++) {
        pair->paths[i].tier = pair->paths[i].disjoint && pair->paths[i].metric == best ? 0 : 1;
    }
    qsort(pair->paths, pair->len, sizeof(pair->paths[0]), compare_paths);
    uint32_t tier = 0;
    for (size_t i = 0; i < pair->len; i++) {
        pair->paths[i].tier = pair->paths[i].tier == 0 ? 0 : ++tier;
    }
}

uint32_t te_path_ramp(const struct te_topology *topology, const struct te_path *path)
{
    uint32_t percent = 100;
    for (size_t i = 0; i < path->tunnels_len; i++) {
        const struct te_tunnel *tunnel = &topology->tunnels[path->tunnels[i]];
        const uint32_t parts[] = {topology->links[tunnel->local].ramp_percent,
                                  topology->links[tunnel->remote].ramp_percent,
                                  i + 1 < path->tunnels_len ? topology->sites[tunnel->to].ramp_percent : 100};
        for (size_t j = 0; j < 3; j++) {
            percent = parts[j] < percent ? parts[j] : percent;
        }
    }
    return percent;
}

/* What comes back from a drain gets part of its share: the rest stays with the other paths of tier 0, or, when these
 * all come back too, with the best of those that waited for them. */
static void ramp_up(const struct te_topology *topology, struct te_pair *pair)
{
    bool ramping = false;
    bool steady = false;
    for (size_t i = 0; i < pair->len && pair->paths[i].tier == 0; i++) {
        bool here = te_path_ramp(topology, &pair->paths[i]) < 100;
        ramping = ramping || here;
        steady = steady || !here;
    }
    struct te_path *stand_in = NULL;
    for (size_t i = 0; i < pair->len && ramping && !steady && stand_in == NULL; i++) {
        bool fine = pair->paths[i].tier > 0 && te_path_ramp(topology, &pair->paths[i]) == 100 &&
                    pair->paths[i].metric < pair->paths[0].metric + PENALTY_LEAST_US;
        stand_in = fine ? &pair->paths[i] : NULL;
    }
    if (!ramping || (!steady && stand_in == NULL)) {
        return;
    }
    uint32_t left = 0;
    for (size_t i = 0; i < pair->len && pair->paths[i].tier == 0; i++) {
        uint32_t percent = te_path_ramp(topology, &pair->paths[i]);
        left += pair->paths[i].weight * (100 - percent);
        pair->paths[i].weight = pair->paths[i].weight * percent;
        pair->paths[i].weight = pair->paths[i].weight < 1 ? 1 : pair->paths[i].weight;
    }
    if (stand_in != NULL) {
        stand_in->tier = 0;
        stand_in->weight = left;
        qsort(pair->paths, pair->len, sizeof(pair->paths[0]), compare_paths);
    }
}

/* Load of each link by what nodes measured, put on the pairs' best paths. */
static void add_load(const struct te_topology *topology, const struct te_fabric *fabric,
                     const struct te_routing *routing, uint64_t *load_bps)
{
    bool loaded = topology->soft != NULL && topology->soft->demands.count > 0;
    for (size_t from = 0; loaded && from < topology->sites_len; from++) {
        for (size_t to = 0; to < topology->sites_len && fabric->member[from]; to++) {
            const struct te_pair *pair = fabric->member[to] ? te_pair_at(fabric, routing, from, to) : NULL;
            if (pair == NULL || pair->len == 0) {
                continue;
            }
            struct pt_arena scratch;
            pt_arena_init(&scratch);
            const char *key =
                pt_arena_printf(&scratch, "%s/%u", topology->sites[from].node->edge, topology->sites[to].label);
            const struct pt_demand_soft *demand = pt_map_get_str(&topology->soft->demands, key);
            pt_arena_fini(&scratch);
            for (size_t i = 0; demand != NULL && i < pair->paths[0].tunnels_len; i++) {
                load_bps[topology->tunnels[pair->paths[0].tunnels[i]].local] += demand->rate_bps;
            }
        }
    }
}

/* ---- stage ---------------------------------------------------------------------------------------------------- */

struct routing_run { /* of one fabric, over all parts */
    const struct te_topology *topology;
    const struct te_fabric *fabric;
    const struct te_change *change;
    struct te_routing *routing;
    struct te_kept *kept; /* by place of the source; in the parts' arenas */
    struct pt_arena arenas[PARTS_MAX];
    size_t searched[PARTS_MAX]; /* pairs */
    size_t parts;
};

/* Every so many-th source, so that parts are alike; a thread's own search and memory. */
static void route_part(void *arg, size_t part)
{
    struct routing_run *run = arg;
    const struct te_topology *topology = run->topology;
    const struct te_fabric *fabric = run->fabric;
    struct pt_arena scratch;
    pt_arena_init(&scratch);
    struct te_search search = {0};
    bool *wanted = pt_arena_array(&scratch, topology->sites_len, sizeof(bool));
    bool *costly = pt_arena_array(&scratch, topology->links_len, sizeof(bool));
    struct te_searched *searched = pt_arena_array(&scratch, topology->sites_len, sizeof(struct te_searched));
    for (size_t from = 0; from < topology->sites_len; from++) {
        if (!fabric->member[from] || fabric->place[from] % run->parts != part) {
            continue;
        }
        size_t wanted_len = te_kept_take(topology, fabric, run->change, from, run->routing, wanted);
        run->searched[part] += wanted_len;
        if (wanted_len > 0) {
            if (search.topology == NULL) {
                te_search_init(&search, topology, fabric, &scratch);
            }
            te_route_source(&search, from, wanted, costly, run->routing, searched);
        }
        te_kept_put(topology, fabric, run->change, from, wanted, searched, run->routing, &run->arenas[part],
                    &run->kept[fabric->place[from]]);
    }
    pt_arena_fini(&scratch);
}

static void route_sources(const struct pt_flow_workers *workers, struct routing_run *run, struct pt_arena *arena)
{
    size_t members_len = run->fabric->members_len;
    bool spread = workers != NULL && workers->run != NULL && members_len * members_len >= SPREAD_PAIRS;
    run->parts = spread ? workers->threads : 1;
    run->parts = run->parts < 1 ? 1 : run->parts > PARTS_MAX ? PARTS_MAX : run->parts;
    for (size_t part = 0; part < run->parts; part++) {
        pt_arena_init(&run->arenas[part]);
    }
    if (run->parts > 1) {
        workers->run(workers->run_arg, route_part, run, run->parts);
    } else {
        route_part(run, 0);
    }
    for (size_t place = 0; place < members_len; place++) {
        run->kept[place] = te_kept_dup(&run->kept[place], run->fabric, arena);
    }
    for (size_t part = 0; part < run->parts; part++) {
        run->routing->searched += run->searched[part];
        pt_arena_fini(&run->arenas[part]);
    }
}

static void route_fabric(const struct pt_plan_pass *pass, struct te_topology *topology, size_t index,
                         struct te_routing *routing)
{
    const struct te_solution *previous = pass->previous;
    const struct te_fabric *fabric = &topology->fabrics[index];
    struct pt_arena scratch;
    pt_arena_init(&scratch);
    struct te_change change = te_change_of(topology, index, previous != NULL ? previous->topology : NULL,
                                           previous != NULL ? previous->paths : NULL, &scratch);
    struct te_kept *kept = pt_arena_array(pass->arena, fabric->members_len, sizeof(struct te_kept));
    struct routing_run run = {
        .topology = topology, .fabric = fabric, .change = &change, .routing = routing, .kept = kept};
    route_sources(pass->workers, &run, pass->arena);
    routing->kept = kept;
    uint64_t *load_bps = pt_arena_array(&scratch, topology->links_len, sizeof(uint64_t));
    add_load(topology, fabric, routing, load_bps);
    for (size_t i = 0; i < fabric->members_len * fabric->members_len; i++) {
        if (routing->pairs[i].len > 0) {
            te_pair_set_tiers(&routing->pairs[i]);
            set_weights(topology, &routing->pairs[i], load_bps);
            ramp_up(topology, &routing->pairs[i]);
        }
    }
    pt_arena_fini(&scratch);
}

enum pt_code te_paths_run(struct pt_plan_pass *pass, void **ret_section, struct pt_error *reterr)
{
    struct te_topology *topology = pt_map_get_str(&pass->sections, "topology");
    struct te_paths *paths = PT_NEW(pass->arena, struct te_paths);
    paths->fabrics = pt_arena_array(pass->arena, topology->fabrics_len, sizeof(struct te_routing));
    for (size_t i = 0; i < topology->fabrics_len; i++) {
        size_t members_len = topology->fabrics[i].members_len;
        paths->fabrics[i].pairs = pt_arena_array(pass->arena, members_len * members_len, sizeof(struct te_pair));
        route_fabric(pass, topology, i, &paths->fabrics[i]);
    }
    PT_TRY(te_split_run(pass, topology, paths, &paths->solution, reterr));
    *ret_section = paths;
    return PT_OK;
}

const struct te_pair *te_pair_for_class(const struct te_pair *pair, uint32_t traffic_class)
{
    bool own = pair->by_class != NULL && traffic_class <= TE_CLASSES_MAX && pair->by_class[traffic_class] != NULL;
    return own ? pair->by_class[traffic_class] : pair;
}

const struct te_pair *te_pair_of(const struct te_topology *topology, const struct te_paths *paths, size_t fabric,
                                 size_t from, size_t to)
{
    static const struct te_pair none;
    const struct te_fabric *f = &topology->fabrics[fabric];
    return f->place[from] == TE_NONE || f->place[to] == TE_NONE ? &none
                                                                : te_pair_at(f, &paths->fabrics[fabric], from, to);
}

/* ---- ids ------------------------------------------------------------------------------------------------------ */

uint64_t te_tunnel_id(const char *local_link, const char *remote_link)
{
    uint64_t local = pt_hash(local_link, strlen(local_link));
    uint64_t remote = pt_hash(remote_link, strlen(remote_link));
    return pt_hash_mix(local ^ pt_hash_mix(remote));
}

uint64_t te_path_id(uint64_t tunnel_id, const uint32_t *stack, size_t stack_len)
{
    uint64_t id = pt_hash_mix(tunnel_id ^ 0x70617468ULL);
    for (size_t i = 0; i < stack_len; i++) {
        id = pt_hash_mix(id ^ stack[i]);
    }
    return id;
}

uint64_t te_strict_path(uint64_t path_id)
{
    return pt_hash_mix(path_id ^ 0x737472696374ULL);
}

uint64_t te_direct_path(uint64_t tunnel_id)
{
    return te_path_id(tunnel_id, NULL, 0);
}
