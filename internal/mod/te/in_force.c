/*
 * An update begins at what nodes do, and that is not always what a solver said: most pairs share their paths by tiers
 * and weights, which change when a link is drained, comes back, or costs something else. So what the pass before gave
 * each pair is looked up there, path by path.
 *
 * A path that has died carries nothing: the node that sends by it has taken the others already, in the shares that they
 * have among each other, or the next tier when none of them lives; the normal shares are where that leads. A pair whose
 * paths of before are gone for good begins there too.
 */
#include "mod/te/in_force.h"

#include "mod/te/split.h"
#include "mod/te/te.h"

#include <string.h>

/* The site of an earlier topology with this one's name; TE_NONE. Sites seldom change: most often it is the same index.
 */
static size_t site_then(const struct te_topology *then, const struct te_topology *now, size_t site)
{
    const char *name = now->sites[site].name;
    bool same = site < then->sites_len && strcmp(then->sites[site].name, name) == 0;
    return same ? site : te_site_named(then, name, strlen(name));
}

/* What the pass before gave the flow's pair, or its class; NULL: nothing. */
static const struct te_pair *pair_then(const struct te_solution *previous, const struct te_topology *topology,
                                       const struct te_flow *flow)
{
    const struct te_topology *then = previous->topology;
    const char *fabric = topology->fabrics[flow->fabric].name;
    if (flow->fabric >= then->fabrics_len || strcmp(then->fabrics[flow->fabric].name, fabric) != 0) {
        return NULL;
    }
    size_t from = site_then(then, topology, flow->from), to = site_then(then, topology, flow->to);
    if (from == TE_NONE || to == TE_NONE) {
        return NULL;
    }
    return te_pair_for_class(te_pair_of(then, previous->paths, flow->fabric, from, to), flow->class_index);
}

/* ---- paths that traffic is still on ---------------------------------------------------------------------------- */

static size_t tunnel_from(const struct te_topology *topology, const struct te_fabric *fabric, size_t site, uint64_t id)
{
    for (size_t i = fabric->first[site]; i < fabric->first[site + 1]; i++) {
        if (topology->tunnels[fabric->tunnels[i]].id == id) {
            return fabric->tunnels[i];
        }
    }
    return TE_NONE;
}

/* A path of the topology of then in that of now; false when one of its tunnels is gone. */
static bool path_now(const struct te_topology *then, const struct te_topology *now, const struct te_fabric *fabric,
                     size_t from, const struct te_path *path, struct te_path *ret_path)
{
    *ret_path = (struct te_path){.id = path->id, .tunnels_len = path->tunnels_len, .weight = 1, .leaving = true};
    for (size_t i = 0; i < path->tunnels_len; i++) {
        size_t index = tunnel_from(now, fabric, from, then->tunnels[path->tunnels[i]].id);
        if (index == TE_NONE) {
            return false;
        }
        ret_path->tunnels[i] = (uint32_t)index;
        ret_path->metric += now->tunnels[index].metric;
        from = now->tunnels[index].to;
    }
    return true;
}

/* Room for one more: what waits behind the others and carried nothing gives way. */
static bool make_room(struct te_pair *pair, const struct te_pair *then)
{
    for (size_t i = pair->len; pair->len == TE_CANDIDATES_MAX && i > 1; i--) {
        if (!te_pair_holds(then, pair->paths[i - 1].id) && pair->paths[i - 1].tier > 0) {
            pair->len--;
            memmove(&pair->paths[i - 1], &pair->paths[i], (pair->len - (i - 1)) * sizeof(pair->paths[0]));
        }
    }
    return pair->len < TE_CANDIDATES_MAX;
}

static void keep_of(const struct te_solution *previous, const struct te_topology *topology, const struct te_flow *flow,
                    const struct te_pair *then, struct te_pair *pair, bool *ret_kept, bool *ret_lost)
{
    double splits[TE_CANDIDATES_MAX];
    te_pair_splits(then, splits);
    for (size_t i = 0; i < then->len; i++) {
        struct te_path path;
        if (splits[i] == 0 || te_pair_holds(pair, then->paths[i].id)) {
            continue;
        }
        bool is_there = path_now(previous->topology, topology, &topology->fabrics[flow->fabric], flow->from,
                                 &then->paths[i], &path);
        if (!is_there || !make_room(pair, then)) {
            *ret_lost = true;
            continue;
        }
        path.tier = pair->paths[pair->len - 1].tier + 1;
        pair->paths[pair->len++] = path;
        *ret_kept = true;
    }
}

void te_in_force_keep(const struct pt_plan_pass *pass, const struct te_topology *topology, struct te_paths *paths,
                      const struct te_load *load, bool *ret_kept, bool *ret_lost)
{
    const struct te_solution *previous = pass->previous;
    *ret_kept = *ret_lost = false;
    if (previous == NULL || previous->paths == NULL || pass->changes != NULL) {
        return; /* a question is about where it ends, and not about steps */
    }
    for (size_t i = 0; i < load->flows_len; i++) {
        struct te_flow flow = load->flows[i];
        for (flow.class_index = 0; flow.fabric != TE_NONE && flow.class_index <= TE_CLASSES_MAX; flow.class_index++) {
            const struct te_pair *then = pair_then(previous, topology, &flow);
            if (then != NULL && then->len > 0) {
                keep_of(previous, topology, &flow, then,
                        (struct te_pair *)(uintptr_t)te_pair_of(topology, paths, flow.fabric, flow.from, flow.to),
                        ret_kept, ret_lost);
            }
        }
    }
}

static void drop_of(struct te_pair *pair)
{
    size_t kept = 0;
    for (size_t i = 0; i < pair->len; i++) {
        if (!pair->paths[i].leaving || pair->paths[i].tier == 0) {
            pair->paths[kept++] = pair->paths[i];
        }
    }
    pair->len = kept;
}

void te_in_force_drop(const struct te_topology *topology, struct te_paths *paths, const struct te_load *load)
{
    for (size_t i = 0; i < load->flows_len; i++) {
        const struct te_flow *flow = &load->flows[i];
        if (flow->fabric == TE_NONE) {
            continue;
        }
        const struct te_pair *pair = te_pair_of(topology, paths, flow->fabric, flow->from, flow->to);
        for (uint32_t class_index = 0; class_index <= TE_CLASSES_MAX; class_index++) {
            drop_of((struct te_pair *)(uintptr_t)te_pair_for_class(pair, class_index));
        }
    }
}

/* ---- shares ---------------------------------------------------------------------------------------------------- */

/* The shares that `then` had, by path of `now`; false when some of it went by paths that are gone. */
static bool shares_then(const struct te_pair *then, const struct te_pair *now, double *ret)
{
    double splits[TE_CANDIDATES_MAX], left = 0;
    te_pair_splits(then, splits);
    memset(ret, 0, now->len * sizeof(double));
    for (size_t i = 0; i < then->len; i++) {
        bool found = false;
        for (size_t j = 0; j < now->len && !found; j++) {
            found = now->paths[j].id == then->paths[i].id;
            ret[j] += found ? splits[i] : 0;
        }
        left += found ? 0 : splits[i];
    }
    return then->len > 0 && left == 0;
}

static void round_splits(double *splits, size_t len)
{
    uint32_t weights[TE_CANDIDATES_MAX];
    (void)te_quantise(splits, len, TE_QUANTUM, weights);
    for (size_t i = 0; i < len; i++) {
        splits[i] = (double)weights[i] / TE_QUANTUM;
    }
}

static bool is_dead(const struct te_topology *topology, const struct te_path *path)
{
    for (size_t i = 0; i < path->tunnels_len; i++) {
        if (topology->tunnels[path->tunnels[i]].dead) {
            return true;
        }
    }
    return false;
}

static void find_planned(const struct te_solution *previous, const struct te_topology *topology,
                         const struct te_pair *pair, const struct te_flow *flow, const double *normal, double *planned)
{
    double now[TE_CANDIDATES_MAX], then[TE_CANDIDATES_MAX];
    const struct te_pair *before = pair_then(previous, topology, flow);
    if (before == NULL || !shares_then(before, pair, then)) {
        return;
    }
    te_pair_splits(pair, now);
    bool same = memcmp(now, then, pair->len * sizeof(double)) == 0; /* rounded alike, in whatever order they stood */
    memcpy(planned, same ? normal : then, pair->len * sizeof(double));
    if (!same) {
        round_splits(planned, pair->len);
    }
}

static void find_carrying(const struct te_topology *topology, const struct te_pair *pair, const double *planned,
                          const double *normal, double *carrying)
{
    double sum = 0;
    bool lost = false;
    for (size_t i = 0; i < pair->len; i++) {
        bool dead = planned[i] > 0 && is_dead(topology, &pair->paths[i]);
        carrying[i] = dead ? 0 : planned[i];
        sum += carrying[i];
        lost = lost || dead;
    }
    if (!lost) {
        return;
    }
    for (size_t i = 0; i < pair->len; i++) {
        carrying[i] = sum > 0 ? carrying[i] / sum : normal[i];
    }
    round_splits(carrying, pair->len);
}

void te_in_force_find(const struct pt_plan_pass *pass, const struct te_topology *topology, const struct te_paths *paths,
                      const struct te_load *load, const double *before, const double *normal,
                      struct te_in_force *ret_in_force)
{
    size_t size = load->paths_len * sizeof(double);
    const struct te_solution *previous = pass->previous;
    ret_in_force->planned = pt_arena_memdup(pass->arena, before, size);
    ret_in_force->carrying = pt_arena_memdup(pass->arena, before, size);
    for (size_t i = 0; i < load->flows_len; i++) {
        const struct te_flow *flow = &load->flows[i];
        size_t begin = load->problem.first_path[i], len = load->problem.first_path[i + 1] - begin;
        if (flow->fabric == TE_NONE || len == 0) {
            continue;
        }
        const struct te_pair *pair = te_pair_of(topology, paths, flow->fabric, flow->from, flow->to);
        double *planned = &ret_in_force->planned[begin];
        if (previous != NULL && previous->paths != NULL && memcmp(planned, &normal[begin], len * sizeof(double)) == 0) {
            find_planned(previous, topology, pair, flow, &normal[begin], planned);
        }
        find_carrying(topology, pair, planned, &normal[begin], &ret_in_force->carrying[begin]);
    }
}
