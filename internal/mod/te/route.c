/*
 * Candidates. For each pair of sites:
 *
 *   1. the best path by metric; then up to three more, each the best when links that the earlier ones use (or that
 * share a risk group with them) cost PENALTY_SHARED more: disjoint where the topology allows it, least shared where
 * not;
 *   2. what a single failure would leave without any of these (protect.c);
 *   3. for each own link without a path so far, the best path that begins with it, so that policies have a choice.
 *
 * A site's pairs need nothing of another site's: sources are for different threads.
 */
#include "mod/te/route.h"

#include "mod/te/protect.h"
#include "mod/te/te.h"

#include <string.h>

#define DISJOINT_PATHS 4

/* ---- how far a change may be away ------------------------------------------------------------------------------ */

static bool all_costly(const struct te_topology *topology, size_t site, const bool *costly)
{
    const struct te_site *at = &topology->sites[site];
    for (size_t i = at->first_link; i < at->first_link + at->links_len; i++) {
        if (topology->links[i].usable && !costly[i]) {
            return false;
        }
    }
    return true;
}

void te_searched_note(struct te_searched *searched, uint64_t cost)
{
    searched->limit = cost > searched->limit ? cost : searched->limit;
}

void te_searched_drop(struct te_searched *searched, const struct te_path *path)
{
    if (searched->dropped_len < TE_DROPPED_MAX) {
        searched->dropped[searched->dropped_len++] = *path;
    } else {
        searched->limit = TE_LIMIT_NONE;
    }
}

/* A path that was searched for while links were costly. Where all links of an end are, every path of the pair pays for
 * one of them: what is compared with other ways is what comes on top. */
static void note_shared(const struct te_topology *topology, const struct te_path *path, size_t from, size_t to,
                        const bool *costly, struct te_searched *searched)
{
    uint64_t shared = 0;
    for (size_t i = 0; i < path->tunnels_len; i++) {
        const struct te_tunnel *tunnel = &topology->tunnels[path->tunnels[i]];
        shared += (uint64_t)costly[tunnel->local] + costly[tunnel->remote];
    }
    shared -= (uint64_t)all_costly(topology, from, costly) + all_costly(topology, to, costly);
    te_searched_note(searched, path->metric + shared * TE_PENALTY_SHARED);
}

/* ---- disjoint ones --------------------------------------------------------------------------------------------- */

void te_path_mark_costly(const struct te_topology *topology, const struct te_path *path, bool *costly)
{
    for (size_t i = 0; i < path->tunnels_len; i++) {
        const struct te_tunnel *tunnel = &topology->tunnels[path->tunnels[i]];
        te_link_mark_risks(topology, tunnel->local, costly);
        te_link_mark_risks(topology, tunnel->remote, costly);
    }
}

bool te_path_touches(const struct te_topology *topology, const struct te_path *path, const bool *costly)
{
    for (size_t i = 0; i < path->tunnels_len; i++) {
        const struct te_tunnel *tunnel = &topology->tunnels[path->tunnels[i]];
        if (costly[tunnel->local] || costly[tunnel->remote]) {
            return true;
        }
    }
    return false;
}

/* Direct tunnels between the two sites that no earlier path touches: the common case of a mesh, found without search.
 */
static bool next_direct(const struct te_search *search, size_t from, size_t to, const bool *costly,
                        struct te_pair *pair)
{
    const struct te_topology *topology = search->topology;
    for (size_t i = search->fabric->first[from]; i < search->fabric->first[from + 1]; i++) {
        size_t index = search->fabric->tunnels[i];
        const struct te_tunnel *tunnel = &topology->tunnels[index];
        if (tunnel->to == to && !costly[tunnel->local] && !costly[tunnel->remote]) {
            pair->paths[pair->len++] = (struct te_path){.id = te_direct_path(tunnel->id),
                                                        .tunnels = {(uint32_t)index},
                                                        .tunnels_len = 1,
                                                        .metric = tunnel->metric,
                                                        .disjoint = true};
            return true;
        }
    }
    return false;
}

/* The next path by a search; false when it is not taken. */
static bool next_searched(struct te_search *search, size_t from, size_t to, const bool *costly, struct te_pair *pair,
                          struct te_searched *searched)
{
    const struct te_topology *topology = search->topology;
    /* A third path that shares links protects nothing more, and where all links of an end are used it would. */
    if (pair->len >= 2 && (all_costly(topology, from, costly) || all_costly(topology, to, costly))) {
        return false;
    }
    struct te_path path;
    search->costly = costly;
    te_search_to(search, from, to);
    search->costly = NULL;
    if (!te_search_path(search, from, to, &path)) {
        return false;
    }
    note_shared(topology, &path, from, to, costly, searched);
    path.disjoint = !te_path_touches(topology, &path, costly);
    if (te_pair_holds(pair, path.id) || (!path.disjoint && pair->len >= 2)) {
        te_searched_drop(searched, &path);
        return false;
    }
    pair->paths[pair->len++] = path;
    return true;
}

static void add_disjoint(struct te_search *search, size_t from, size_t to, bool *costly, struct te_pair *pair,
                         struct te_searched *searched)
{
    const struct te_topology *topology = search->topology;
    memset(costly, 0, topology->links_len * sizeof(bool));
    te_path_mark_costly(topology, &pair->paths[0], costly);
    while (pair->len < DISJOINT_PATHS) {
        bool all_direct = pair->paths[pair->len - 1].tunnels_len == 1;
        if (!(all_direct && next_direct(search, from, to, costly, pair)) &&
            !next_searched(search, from, to, costly, pair, searched)) {
            return;
        }
        te_path_mark_costly(topology, &pair->paths[pair->len - 1], costly);
    }
}

/* ---- by link --------------------------------------------------------------------------------------------------- */

static bool begins_with(const struct te_topology *topology, const struct te_pair *pair, size_t link)
{
    for (size_t i = 0; i < pair->len; i++) {
        if (topology->tunnels[pair->paths[i].tunnels[0]].local == link) {
            return true;
        }
    }
    return false;
}

/* One search serves all destinations that lack a path by the link; in a mesh mostly none does. */
static void add_by_link(struct te_search *search, size_t from, const bool *wanted, size_t link,
                        struct te_routing *routing)
{
    bool searched = false;
    for (size_t to = 0; to < search->topology->sites_len; to++) {
        struct te_pair *pair = wanted[to] ? te_pair_at(search->fabric, routing, from, to) : NULL;
        if (pair == NULL || pair->len == 0 || pair->len == TE_CANDIDATES_MAX ||
            begins_with(search->topology, pair, link)) {
            continue;
        }
        if (!searched) {
            search->first_link = link;
            te_search_run(search, from);
            search->first_link = TE_NONE;
            searched = true;
        }
        struct te_path path;
        if (te_search_path(search, from, to, &path)) {
            pair->paths[pair->len++] = path;
        }
    }
}

/* ---- all of a site --------------------------------------------------------------------------------------------- */

void te_route_source(struct te_search *search, size_t from, const bool *wanted, bool *costly,
                     struct te_routing *routing, struct te_searched *ret_searched)
{
    const struct te_topology *topology = search->topology;
    te_search_run(search, from);
    for (size_t to = 0; to < topology->sites_len; to++) {
        if (wanted[to]) {
            struct te_pair *pair = te_pair_at(search->fabric, routing, from, to);
            ret_searched[to] = (struct te_searched){0};
            pair->len = te_search_path(search, from, to, &pair->paths[0]) ? 1 : 0;
        }
    }
    for (size_t to = 0; to < topology->sites_len; to++) {
        if (wanted[to] && te_pair_at(search->fabric, routing, from, to)->len > 0) {
            struct te_pair *pair = te_pair_at(search->fabric, routing, from, to);
            te_searched_note(&ret_searched[to], pair->paths[0].metric);
            add_disjoint(search, from, to, costly, pair, &ret_searched[to]);
            ret_searched[to].taken = pair->len;
        }
    }
    te_protect_source(search, from, wanted, routing, ret_searched);
    const struct te_site *site = &topology->sites[from];
    for (size_t i = 0; i < site->links_len; i++) {
        add_by_link(search, from, wanted, site->first_link + i, routing);
    }
    for (size_t to = 0; to < topology->sites_len; to++) {
        const struct te_pair *pair = wanted[to] ? te_pair_at(search->fabric, routing, from, to) : NULL;
        for (size_t i = pair != NULL ? ret_searched[to].taken : 0; pair != NULL && i < pair->len; i++) {
            te_searched_note(&ret_searched[to], pair->paths[i].metric);
        }
    }
}
