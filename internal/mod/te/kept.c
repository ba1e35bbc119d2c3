/*
 * Which pairs a change can matter to.
 *
 * Between most passes only metrics differ: a tunnel died or lives again, a delay moved, a link is being drained. When
 * anything else that searches look at differs (sites, links, tunnels, who transits, risk groups), all is made anew.
 *
 * Dearer. A search chooses by (cost, hops, ids). What it chose and does not lead over what became dearer is still the
 * best: whatever was worse is no better now. So a pair is concerned when one of the paths that its searches found,
 * taken or not, has a tunnel whose metric changed.
 *
 * Cheaper. All tunnels that became cheaper touch a few sites, most often one: that of a link which came back. A way
 * that has become better leads over one of these, and costs at least the way there and the way on, by the metrics of
 * now. With L, the cost of the costliest path that the pair's searches found, the pair is concerned when
 *
 *     least(from, over) + least(over, to) <= L
 *
 * for one of these sites. Equal counts, because ids choose among equals. A search in which links that are used already
 * cost more is covered too: what each path of the pair pays for them alike is left out of L (route.c), the rest only
 * adds to the left side. Both ends of a tunnel that became cheaper are concerned in any case: its site is `over`, one
 * side is 0 and the other no more than the pair's best path. A direct tunnel that was taken without a search
 * (next_direct in route.c) is therefore not in L.
 *
 * Whether there is a way at all, within the number of transit sites, does not depend on metrics.
 */
#include "mod/te/kept.h"

#include <string.h>

#define INFINITE UINT64_MAX
#define OVER_MAX 8 /* sites that cheaper tunnels touch; more, and all is made anew */

/* ---- what differs ---------------------------------------------------------------------------------------------- */

static bool same_site(const struct te_site *a, const struct te_site *b)
{
    return a->label == b->label && a->transits == b->transits && a->first_link == b->first_link &&
           a->links_len == b->links_len;
}

static bool same_link(const struct te_link *a, const struct te_link *b)
{
    return a->site == b->site && a->usable == b->usable && a->srlgs_len == b->srlgs_len &&
           (a->srlgs_len == 0 || memcmp(a->srlgs, b->srlgs, a->srlgs_len * sizeof(a->srlgs[0])) == 0);
}

static bool same_tunnel(const struct te_tunnel *a, const struct te_tunnel *b)
{
    return a->id == b->id && a->from == b->from && a->to == b->to && a->local == b->local && a->remote == b->remote;
}

static bool same_arrays(const struct te_topology *a, const struct te_topology *b)
{
    bool same = a->sites_len == b->sites_len && a->links_len == b->links_len && a->tunnels_len == b->tunnels_len;
    for (size_t i = 0; same && i < a->sites_len; i++) {
        same = same_site(&a->sites[i], &b->sites[i]);
    }
    for (size_t i = 0; same && i < a->links_len; i++) {
        same = same_link(&a->links[i], &b->links[i]);
    }
    for (size_t i = 0; same && i < a->tunnels_len; i++) {
        same = same_tunnel(&a->tunnels[i], &b->tunnels[i]);
    }
    return same;
}

/* Members and tunnels; these are ordered by metric, so that only the set can be compared. */
static bool same_fabric(const struct te_topology *topology, const struct te_fabric *a, const struct te_fabric *b,
                        struct pt_arena *arena)
{
    if (a->max_transit != b->max_transit || a->tunnels_len != b->tunnels_len ||
        memcmp(a->place, b->place, topology->sites_len * sizeof(a->place[0])) != 0) {
        return false;
    }
    bool *marks = pt_arena_array(arena, topology->tunnels_len, sizeof(bool));
    for (size_t i = 0; i < a->tunnels_len; i++) {
        marks[a->tunnels[i]] = true;
    }
    for (size_t i = 0; i < b->tunnels_len; i++) {
        if (!marks[b->tunnels[i]]) {
            return false;
        }
    }
    return true;
}

/* ---- what became cheaper --------------------------------------------------------------------------------------- */

/* Least metric from the site to all others, or (backwards) from all to it, in at most as many tunnels as a path may
 * have; what has no way is infinite. May be too little where more tunnels would make it less: it is a bound. */
static uint64_t *least_from(const struct te_topology *topology, const struct te_fabric *fabric, size_t site,
                            bool backwards, struct pt_arena *arena)
{
    uint64_t *least = pt_arena_array(arena, topology->sites_len, sizeof(uint64_t));
    memset(least, 0xff, topology->sites_len * sizeof(uint64_t));
    least[site] = 0;
    bool more = true;
    for (size_t layer = 0; layer <= fabric->max_transit && more; layer++) {
        more = false;
        for (size_t i = 0; i < fabric->tunnels_len; i++) {
            const struct te_tunnel *tunnel = &topology->tunnels[fabric->tunnels[i]];
            size_t near = backwards ? tunnel->to : tunnel->from;
            size_t far = backwards ? tunnel->from : tunnel->to;
            bool leads_on = near == site || topology->sites[near].transits;
            if (leads_on && least[near] != INFINITE && least[near] + tunnel->metric < least[far]) {
                least[far] = least[near] + tunnel->metric;
                more = true;
            }
        }
    }
    return least;
}

/* The site that most of the tunnels which are left touch. */
static size_t most_touched(const struct te_topology *topology, const bool *left, struct pt_arena *arena)
{
    size_t *touching = pt_arena_array(arena, topology->sites_len, sizeof(size_t));
    size_t most = 0;
    for (size_t i = 0; i < topology->tunnels_len; i++) {
        touching[topology->tunnels[i].from] += left[i];
        touching[topology->tunnels[i].to] += left[i];
    }
    for (size_t i = 1; i < topology->sites_len; i++) {
        most = touching[i] > touching[most] ? i : most;
    }
    return touching[most] > 0 ? most : TE_NONE;
}

/* False: too many. */
static bool find_over(const struct te_topology *topology, const struct te_fabric *fabric, bool *cheaper,
                      struct te_change *change, struct pt_arena *arena)
{
    change->over = pt_arena_array(arena, OVER_MAX, sizeof(size_t));
    change->over_to = pt_arena_array(arena, OVER_MAX, sizeof(uint64_t *));
    change->from_over = pt_arena_array(arena, OVER_MAX, sizeof(uint64_t *));
    for (size_t site = 0; (site = most_touched(topology, cheaper, arena)) != TE_NONE;) {
        if (change->over_len == OVER_MAX) {
            return false;
        }
        change->over[change->over_len] = site;
        change->over_to[change->over_len] = least_from(topology, fabric, site, true, arena);
        change->from_over[change->over_len] = least_from(topology, fabric, site, false, arena);
        change->over_len++;
        for (size_t i = 0; i < topology->tunnels_len; i++) {
            cheaper[i] = cheaper[i] && topology->tunnels[i].from != site && topology->tunnels[i].to != site;
        }
    }
    return true;
}

struct te_change te_change_of(const struct te_topology *topology, size_t fabric, const struct te_topology *before,
                              const struct te_paths *paths_before, struct pt_arena *arena)
{
    struct te_change change = {.anew = true};
    const struct te_fabric *now = &topology->fabrics[fabric];
    if (before == NULL || paths_before == NULL || fabric >= before->fabrics_len || !same_arrays(before, topology) ||
        !same_fabric(topology, now, &before->fabrics[fabric], arena)) {
        return change;
    }
    bool *cheaper = pt_arena_array(arena, topology->tunnels_len, sizeof(bool));
    change.tunnels = pt_arena_array(arena, topology->tunnels_len, sizeof(bool));
    for (size_t i = 0; i < now->tunnels_len; i++) {
        size_t index = now->tunnels[i];
        change.tunnels[index] = topology->tunnels[index].metric != before->tunnels[index].metric;
        change.any = change.any || change.tunnels[index];
        cheaper[index] = topology->tunnels[index].metric < before->tunnels[index].metric;
    }
    change.anew = !find_over(topology, now, cheaper, &change, arena);
    change.kept = change.anew ? NULL : paths_before->fabrics[fabric].kept;
    return change;
}

/* ---- taking ---------------------------------------------------------------------------------------------------- */

static bool is_concerned(const struct te_topology *topology, const struct te_change *change, const struct te_kept *kept,
                         size_t from, size_t to, size_t place)
{
    if (change->any && kept->limit[place] == TE_LIMIT_NONE) {
        return true;
    }
    for (size_t i = kept->first[place]; i < kept->first[place + 1]; i++) {
        for (size_t j = 0; j < kept->paths[i].tunnels_len; j++) {
            if (change->tunnels[kept->paths[i].tunnels[j]]) {
                return true;
            }
        }
    }
    for (size_t i = 0; i < change->over_len; i++) {
        size_t over = change->over[i];
        uint64_t there = change->over_to[i][from], on = change->from_over[i][to];
        bool leads = topology->sites[over].transits || over == from || over == to;
        if (leads && there != INFINITE && on != INFINITE && there + on <= kept->limit[place]) {
            return true;
        }
    }
    return false;
}

static void take_pair(const struct te_kept *kept, size_t place, struct te_pair *pair)
{
    for (size_t i = kept->first[place]; i < kept->first[place + 1]; i++) {
        const struct te_kept_path *path = &kept->paths[i];
        if (path->dropped) {
            continue;
        }
        struct te_path *to = &pair->paths[pair->len++];
        *to = (struct te_path){
            .id = path->id, .metric = path->metric, .tunnels_len = path->tunnels_len, .disjoint = path->disjoint};
        for (size_t j = 0; j < path->tunnels_len; j++) {
            to->tunnels[j] = path->tunnels[j];
        }
    }
}

size_t te_kept_take(const struct te_topology *topology, const struct te_fabric *fabric, const struct te_change *change,
                    size_t from, struct te_routing *routing, bool *ret_wanted)
{
    const struct te_kept *kept = change->anew ? NULL : &change->kept[fabric->place[from]];
    size_t wanted = 0;
    for (size_t to = 0; to < topology->sites_len; to++) {
        bool is_pair = to != from && fabric->member[to];
        size_t place = fabric->place[to];
        ret_wanted[to] = is_pair && (kept == NULL || is_concerned(topology, change, kept, from, to, place));
        wanted += ret_wanted[to];
        if (is_pair && !ret_wanted[to]) {
            take_pair(kept, place, te_pair_at(fabric, routing, from, to));
        }
    }
    return wanted;
}

/* ---- putting --------------------------------------------------------------------------------------------------- */

static struct te_kept_path kept_path(const struct te_path *path)
{
    struct te_kept_path kept = {
        .id = path->id, .metric = path->metric, .tunnels_len = (uint8_t)path->tunnels_len, .disjoint = path->disjoint};
    for (size_t i = 0; i < path->tunnels_len; i++) {
        kept.tunnels[i] = (uint32_t)path->tunnels[i];
    }
    return kept;
}

static size_t put_pair(const struct te_pair *pair, const struct te_searched *searched, struct te_kept_path *paths)
{
    size_t len = 0;
    for (; len < pair->len; len++) {
        paths[len] = kept_path(&pair->paths[len]);
    }
    for (size_t i = 0; i < searched->dropped_len; i++) {
        paths[len] = kept_path(&searched->dropped[i]);
        paths[len++].dropped = true;
    }
    return len;
}

void te_kept_put(const struct te_topology *topology, const struct te_fabric *fabric, const struct te_change *change,
                 size_t from, const bool *wanted, const struct te_searched *searched, const struct te_routing *routing,
                 struct pt_arena *arena, struct te_kept *ret_kept)
{
    const struct te_kept *before = change->anew ? NULL : &change->kept[fabric->place[from]];
    size_t room = 0, len = 0;
    for (size_t to = 0; to < topology->sites_len; to++) {
        size_t place = fabric->place[to];
        room += wanted[to] ? te_pair_at(fabric, routing, from, to)->len + searched[to].dropped_len
                : place == TE_NONE || before == NULL ? 0
                                                     : before->first[place + 1] - before->first[place];
    }
    *ret_kept = (struct te_kept){.paths = pt_arena_array(arena, room, sizeof(struct te_kept_path)),
                                 .first = pt_arena_array(arena, fabric->members_len + 1, sizeof(uint32_t)),
                                 .limit = pt_arena_array(arena, fabric->members_len, sizeof(uint64_t))};
    for (size_t to = 0; to < topology->sites_len; to++) { /* ascending by place too */
        size_t place = fabric->place[to];
        if (place == TE_NONE) {
            continue;
        }
        ret_kept->first[place] = (uint32_t)len;
        if (wanted[to]) {
            len += put_pair(te_pair_at(fabric, routing, from, to), &searched[to], &ret_kept->paths[len]);
            ret_kept->limit[place] = searched[to].limit;
        } else if (before != NULL && before->first[place + 1] > before->first[place]) {
            size_t more = before->first[place + 1] - before->first[place];
            memcpy(&ret_kept->paths[len], &before->paths[before->first[place]], more * sizeof(ret_kept->paths[0]));
            len += more;
            ret_kept->limit[place] = before->limit[place];
        }
    }
    ret_kept->first[fabric->members_len] = (uint32_t)len;
}

struct te_kept te_kept_dup(const struct te_kept *kept, const struct te_fabric *fabric, struct pt_arena *arena)
{
    size_t places = fabric->members_len;
    return (struct te_kept){.paths = pt_arena_memdup(arena, kept->paths, kept->first[places] * sizeof(kept->paths[0])),
                            .first = pt_arena_memdup(arena, kept->first, (places + 1) * sizeof(kept->first[0])),
                            .limit = pt_arena_memdup(arena, kept->limit, places * sizeof(kept->limit[0]))};
}
