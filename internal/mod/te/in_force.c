/*
 * An update begins at what nodes do, and that is not always what a solver said: most pairs share their paths by tiers
 * and weights, which change when a link is drained, comes back, or costs something else. So what the pass before gave
 * each pair is looked up there, path by path.
 *
 * A path that has died carries nothing: the node that sends by it has taken the others already, in the shares that they
 * have among each other, or the next tier when none of them lives; the normal shares are where that leads. A pair whose
 * paths of before are not there any more begins there too.
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
