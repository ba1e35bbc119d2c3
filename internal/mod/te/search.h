/*
 * Searches for best paths from a site: to all others of a fabric, or to one. Private to the mod. A search is one
 * thread's.
 */
#pragma once

#include "mod/te/paths.h"

#define TE_PENALTY_SHARED 10000000000ULL /* for each end of a tunnel whose link is costly: more than any way costs */

struct te_search {
    const struct te_topology *topology;
    const struct te_fabric *fabric;
    size_t layers;
    const bool *costly; /* by link: used already; NULL for none */
    size_t first_link;  /* the first tunnel must leave by this link; TE_NONE for any */
    const bool *banned; /* by link: not to be used; NULL for none */
    size_t banned_site; /* TE_NONE: none */
    /* Found: infinite, but for what the newest search has reached. */
    uint64_t *distance; /* [layer * sites_len + site] */
    size_t *via;        /* tunnel by which the site was reached in the layer */
    uint64_t *best;     /* by site: the least in any layer before the one being filled */
    size_t *touched;    /* indices into distance */
    size_t touched_len;
    size_t *now, *next; /* sites that were reached in the layer, and in the one being filled */
    size_t next_len;
    /* By site: the fabric's tunnels that lead there, ascending by (from, metric, id). */
    size_t *into, *into_first;
    size_t *ends; /* sites that tunnels lead to */
    size_t ends_len;
};

/* Everything lies in the arena. */
void te_search_init(struct te_search *search, const struct te_topology *topology, const struct te_fabric *fabric,
                    struct pt_arena *arena);
/* Best paths from one source to every site. Heeds first_link, banned and banned_site; links are as costly as they are.
 */
void te_search_run(struct te_search *search, size_t source);
/* The best path to one target, where costly links cost much more. Nothing is known of other sites. */
void te_search_to(struct te_search *search, size_t source, size_t target);
/* The best path found to a site; false when there is none. */
bool te_search_path(const struct te_search *search, size_t source, size_t target, struct te_path *ret_path);
