/*
 * One search: best paths from a site to all others of a fabric. Private to the mod.
 */
#pragma once

#include "mod/te/paths.h"

struct te_search {
    const struct te_topology *topology;
    const struct te_fabric *fabric;
    size_t layers;
    uint64_t *distance; /* [layer * sites_len + site] */
    size_t *via;        /* tunnel by which the site was reached in the layer */
    const bool *costly; /* by link: used already; NULL for none */
    size_t first_link;  /* the first tunnel must leave by this link; TE_NONE for any */
    const bool *banned; /* by link: not to be used; NULL for none */
    size_t banned_site; /* TE_NONE: none */
};

/* Fill distance and via from one source. */
void te_search_run(struct te_search *search, size_t source);
/* The best path found to a site; false when there is none. */
bool te_search_path(const struct te_search *search, size_t source, size_t target, struct te_path *ret_path);
