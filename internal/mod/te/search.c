/*
 * Shortest paths are found by relaxation in layers of hops (Bellman-Ford, at most max_transit + 1 layers), because the
 * number of transit sites is bounded by the path stack, and because layers make the result independent of any order but
 * (metric, tunnel id).
 *
 * A leader searches some hundred thousand times in a pass over a large fabric, so what cannot matter is not looked at:
 *   - a site that was reached with fewer hops at no more cost: what goes on from there is as good, and fewer hops win;
 *   - a site's tunnels, which are sorted by metric, from the one on that is too long for any site that is left: all are
 *     reached already for less;
 *   - with a single target: whatever, together with the cheapest tunnel into the target, is more than the best way to
 *     it that is known. Ways of one cost are all looked at, because ids choose among them.
 * tests/unit/mod/te/test_search.c compares with the plain way.
 */
#include "mod/te/search.h"

#include "base/assert.h"
#include "mod/te/te.h"

#define INFINITE UINT64_MAX

/* ---- life ------------------------------------------------------------------------------------------------------ */

static void set_into(struct te_search *search, struct pt_arena *arena)
{
    const struct te_topology *topology = search->topology;
    const struct te_fabric *fabric = search->fabric;
    size_t n = topology->sites_len;
    search->into = pt_arena_array(arena, fabric->tunnels_len + 1, sizeof(size_t));
    search->into_first = pt_arena_array(arena, n + 2, sizeof(size_t));
    search->ends = pt_arena_array(arena, n + 1, sizeof(size_t));
    for (size_t i = 0; i < fabric->tunnels_len; i++) {
        search->into_first[topology->tunnels[fabric->tunnels[i]].to + 2]++;
    }
    for (size_t site = 0; site < n; site++) {
        if (search->into_first[site + 2] > 0) {
            search->ends[search->ends_len++] = site;
        }
        search->into_first[site + 2] += search->into_first[site + 1];
    }
    for (size_t i = 0; i < fabric->tunnels_len; i++) { /* afterwards into_first[site + 1] is where the site ends */
        search->into[search->into_first[topology->tunnels[fabric->tunnels[i]].to + 1]++] = fabric->tunnels[i];
    }
}

void te_search_init(struct te_search *search, const struct te_topology *topology, const struct te_fabric *fabric,
                    struct pt_arena *arena)
{
    size_t n = topology->sites_len;
    *search = (struct te_search){.topology = topology,
                                 .fabric = fabric,
                                 .layers = fabric->max_transit + 1,
                                 .first_link = TE_NONE,
                                 .banned_site = TE_NONE};
    pt_assert(search->layers <= PT_PATH_STACK_LEN_MAX);
    size_t cells = (search->layers + 1) * n + 1;
    search->distance = pt_arena_array(arena, cells, sizeof(uint64_t));
    search->via = pt_arena_array(arena, cells, sizeof(size_t));
    search->touched = pt_arena_array(arena, cells, sizeof(size_t));
    search->best = pt_arena_array(arena, n + 1, sizeof(uint64_t));
    search->now = pt_arena_array(arena, n + 1, sizeof(size_t));
    search->next = pt_arena_array(arena, n + 1, sizeof(size_t));
    for (size_t i = 0; i < cells; i++) {
        search->distance[i] = INFINITE;
    }
    for (size_t site = 0; site < n; site++) {
        search->best[site] = INFINITE;
    }
    set_into(search, arena);
}

/* ---- reaching -------------------------------------------------------------------------------------------------- */

static uint64_t cost_of(const struct te_search *search, const struct te_tunnel *tunnel)
{
    uint64_t shared =
        search->costly != NULL ? (uint64_t)search->costly[tunnel->local] + search->costly[tunnel->remote] : 0;
    return tunnel->metric + shared * TE_PENALTY_SHARED;
}

static bool banned(const struct te_search *search, const struct te_tunnel *tunnel)
{
    return tunnel->to == search->banned_site ||
           (search->banned != NULL && (search->banned[tunnel->local] || search->banned[tunnel->remote]));
}

static void begin(struct te_search *search, size_t source)
{
    size_t n = search->topology->sites_len;
    for (size_t i = 0; i < search->touched_len; i++) {
        search->distance[search->touched[i]] = INFINITE;
        search->best[search->touched[i] % n] = INFINITE;
    }
    search->distance[source] = 0;
    search->best[source] = 0;
    search->touched[0] = source;
    search->touched_len = 1;
    search->now[0] = source;
    search->next_len = 0;
}

/* A tunnel leads to a site of the layer. */
static void reach(struct te_search *search, size_t layer, size_t index, uint64_t distance)
{
    const struct te_topology *topology = search->topology;
    const struct te_tunnel *tunnel = &topology->tunnels[index];
    size_t cell = layer * topology->sites_len + tunnel->to;
    if (distance >= search->best[tunnel->to]) {
        return;
    }
    if (search->distance[cell] == INFINITE) {
        search->touched[search->touched_len++] = cell;
        search->next[search->next_len++] = tunnel->to;
    } else if (distance > search->distance[cell] ||
               (distance == search->distance[cell] && tunnel->id >= topology->tunnels[search->via[cell]].id)) {
        return;
    }
    search->distance[cell] = distance;
    search->via[cell] = index;
}

/* The layer is filled: the next one begins with what it has reached. Returns how much that is. */
static size_t turn(struct te_search *search, size_t layer)
{
    size_t n = search->topology->sites_len;
    for (size_t i = 0; i < search->next_len; i++) {
        size_t site = search->next[i];
        uint64_t distance = search->distance[layer * n + site];
        search->best[site] = distance < search->best[site] ? distance : search->best[site];
    }
    size_t *now = search->next;
    search->next = search->now;
    search->now = now;
    size_t len = search->next_len;
    search->next_len = 0;
    return len;
}

static bool goes_on(const struct te_search *search, size_t layer, size_t site)
{
    return layer == 0 || search->topology->sites[site].transits;
}

/* ---- to all ---------------------------------------------------------------------------------------------------- */

/* Whoever is farthest: infinite while somebody has not been reached. */
static uint64_t farthest(const struct te_search *search)
{
    uint64_t most = 0;
    for (size_t i = 0; i < search->ends_len && most < INFINITE; i++) {
        uint64_t best = search->best[search->ends[i]];
        most = best > most ? best : most;
    }
    return most;
}

static void spread(struct te_search *search, size_t layer, size_t site, uint64_t worst)
{
    const struct te_topology *topology = search->topology;
    uint64_t here = search->distance[layer * topology->sites_len + site];
    for (size_t i = search->fabric->first[site]; i < search->fabric->first[site + 1]; i++) {
        size_t index = search->fabric->tunnels[i];
        const struct te_tunnel *tunnel = &topology->tunnels[index];
        if (here + tunnel->metric > worst) {
            return;
        }
        if ((layer > 0 || search->first_link == TE_NONE || tunnel->local == search->first_link) &&
            !banned(search, tunnel)) {
            reach(search, layer + 1, index, here + tunnel->metric);
        }
    }
}

void te_search_run(struct te_search *search, size_t source)
{
    pt_assert(search->costly == NULL);
    begin(search, source);
    size_t len = 1;
    for (size_t layer = 0; layer < search->layers && len > 0; layer++) {
        uint64_t worst = farthest(search);
        for (size_t i = 0; i < len; i++) {
            if (goes_on(search, layer, search->now[i])) {
                spread(search, layer, search->now[i], worst);
            }
        }
        len = turn(search, layer + 1);
    }
}

/* ---- to one ---------------------------------------------------------------------------------------------------- */

static uint64_t cheapest_into(const struct te_search *search, size_t target)
{
    uint64_t least = INFINITE;
    for (size_t i = search->into_first[target]; i < search->into_first[target + 1]; i++) {
        uint64_t cost = cost_of(search, &search->topology->tunnels[search->into[i]]);
        least = cost < least ? cost : least;
    }
    return least;
}

/* Tunnels from a site to the target. */
static void arrive(struct te_search *search, size_t layer, size_t site, size_t target)
{
    const struct te_topology *topology = search->topology;
    size_t low = search->into_first[target];
    size_t end = search->into_first[target + 1];
    for (size_t high = end; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (topology->tunnels[search->into[middle]].from < site) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    uint64_t here = search->distance[layer * topology->sites_len + site];
    for (; low < end && topology->tunnels[search->into[low]].from == site; low++) {
        reach(search, layer + 1, search->into[low], here + cost_of(search, &topology->tunnels[search->into[low]]));
    }
}

/* Tunnels from a site to others than the target, as long as they can be part of a way as good as `bound`. */
static void pass_on(struct te_search *search, size_t layer, size_t site, size_t target, uint64_t last, uint64_t bound)
{
    const struct te_topology *topology = search->topology;
    uint64_t here = search->distance[layer * topology->sites_len + site];
    for (size_t i = search->fabric->first[site]; i < search->fabric->first[site + 1]; i++) {
        size_t index = search->fabric->tunnels[i];
        const struct te_tunnel *tunnel = &topology->tunnels[index];
        if (here + tunnel->metric + last > bound) {
            return;
        }
        uint64_t distance = here + cost_of(search, tunnel);
        if (tunnel->to != target && distance + last <= bound) {
            reach(search, layer + 1, index, distance);
        }
    }
}

void te_search_to(struct te_search *search, size_t source, size_t target)
{
    size_t n = search->topology->sites_len;
    uint64_t last = cheapest_into(search, target);
    uint64_t bound = INFINITE;
    size_t len = last < INFINITE ? 1 : 0;
    pt_assert(search->first_link == TE_NONE && search->banned == NULL && search->banned_site == TE_NONE);
    begin(search, source);
    for (size_t layer = 0; layer < search->layers && len > 0; layer++) {
        for (size_t i = 0; i < len; i++) {
            if (goes_on(search, layer, search->now[i]) && search->now[i] != target) {
                arrive(search, layer, search->now[i], target);
            }
        }
        uint64_t found = search->distance[(layer + 1) * n + target];
        bound = found < bound ? found : bound;
        for (size_t i = 0; i < len && layer + 1 < search->layers; i++) {
            if (goes_on(search, layer, search->now[i]) && search->now[i] != target) {
                pass_on(search, layer, search->now[i], target, last, bound);
            }
        }
        len = turn(search, layer + 1);
    }
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

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
    struct te_path path = {.tunnels_len = (uint32_t)best};
    size_t site = target;
    for (size_t layer = best; layer > 0; layer--) {
        size_t index = search->via[layer * n + site];
        path.tunnels[layer - 1] = (uint32_t)index;
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
