/*
 * Shortest paths are found by relaxation in layers of hops (Bellman-Ford, at most max_transit + 1 layers), because the
 * number of transit sites is bounded by the path stack, and because layers make the result independent of any order but
 * (metric, tunnel id).
 */
#include "mod/te/search.h"

#include "base/assert.h"
#include "mod/te/te.h"

#define INFINITE UINT64_MAX
#define PENALTY_SHARED 10000000000ULL

static uint64_t cost_of(const struct te_search *search, const struct te_tunnel *tunnel)
{
    uint64_t shared =
        search->costly != NULL ? (uint64_t)search->costly[tunnel->local] + search->costly[tunnel->remote] : 0;
    return tunnel->metric + shared * PENALTY_SHARED;
}

static bool banned(const struct te_search *search, const struct te_tunnel *tunnel)
{
    return tunnel->to == search->banned_site ||
           (search->banned != NULL && (search->banned[tunnel->local] || search->banned[tunnel->remote]));
}

void te_search_run(struct te_search *search, size_t source)
{
    const struct te_topology *topology = search->topology;
    size_t n = topology->sites_len;
    for (size_t i = 0; i < (search->layers + 1) * n; i++) {
        search->distance[i] = INFINITE;
        search->via[i] = TE_NONE;
    }
    search->distance[source] = 0;
    for (size_t layer = 0; layer < search->layers; layer++) {
        const uint64_t *from = &search->distance[layer * n];
        uint64_t *to = &search->distance[(layer + 1) * n];
        size_t *via = &search->via[(layer + 1) * n];
        for (size_t site = 0; site < n; site++) {
            if (from[site] == INFINITE || (layer > 0 && (site == source || !topology->sites[site].transits))) {
                continue;
            }
            for (size_t i = search->fabric->first[site]; i < search->fabric->first[site + 1]; i++) {
                size_t index = search->fabric->tunnels[i];
                const struct te_tunnel *tunnel = &topology->tunnels[index];
                if ((layer == 0 && search->first_link != TE_NONE && tunnel->local != search->first_link) ||
                    banned(search, tunnel)) {
                    continue;
                }
                uint64_t distance = from[site] + cost_of(search, tunnel);
                if (distance < to[tunnel->to] ||
                    (distance == to[tunnel->to] && tunnel->id < topology->tunnels[via[tunnel->to]].id)) {
                    to[tunnel->to] = distance;
                    via[tunnel->to] = index;
                }
            }
        }
    }
}

bool te_search_path(const struct te_search *search, size_t source, size_t target, struct te_path *ret_path)
{
    const struct te_topology *topology = search->topology;
    size_t n = topology->sites_len;
    size_t best = 0;
    uint64_t distance = INFINITE;
    for (size_t layer = 1; layer <= search->layers; layer++) {
        if (search->distance[layer * n + target] < distance) {
            distance = search->distance[layer * n + target];
            best = layer;
        }
    }
    if (distance == INFINITE) {
        return false;
    }
    struct te_path path = {.tunnels_len = best};
    size_t site = target;
    for (size_t layer = best; layer > 0; layer--) {
        size_t index = search->via[layer * n + site];
        path.tunnels[layer - 1] = index;
        path.metric += topology->tunnels[index].metric;
        site = topology->tunnels[index].from;
    }
    /* Costs are positive, so a best path visits no site twice; a walk through the target would have ended there. */
    pt_assert(site == source);
    uint32_t stack[PT_PATH_STACK_LEN_MAX];
    for (size_t i = 1; i < best; i++) {
        stack[i - 1] = topology->sites[topology->tunnels[path.tunnels[i]].to].label;
    }
    path.id = te_path_id(topology->tunnels[path.tunnels[0]].id, stack, best - 1);
    *ret_path = path;
    return true;
}
