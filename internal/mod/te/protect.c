/*
 * A pair is protected against a failure when one of its paths avoids what fails. What every path of the pair has in
 * common is what is left to look at: seldom anything, for paths were chosen to be disjoint. Those common elements are
 * gathered for all destinations of a site, and for each element one search without it serves them all.
 *
 * Failures are those of a link, of a transit site, and of a shared-risk group. The ends of a pair cannot fail for it.
 */
#include "mod/te/protect.h"

#include "base/assert.h"
#include "mod/te/te.h"

#include <stdlib.h>
#include <string.h>

#define ELEMENTS_MAX 512 /* of one path */

enum element_kind { ELEMENT_LINK, ELEMENT_SITE, ELEMENT_SRLG };

struct element {
    enum element_kind kind;
    size_t index; /* link, site or number of the group */
};

struct need { /* no path to the destination avoids the element */
    struct element element;
    size_t to;
};

/* ---- what a path stands on ------------------------------------------------------------------------------------ */

static bool link_in(const struct te_link *link, size_t index, const struct element *element)
{
    if (element->kind == ELEMENT_LINK) {
        return index == element->index;
    }
    for (size_t i = 0; element->kind == ELEMENT_SRLG && i < link->srlgs_len; i++) {
        if (link->srlgs[i] == element->index) {
            return true;
        }
    }
    return false;
}

static bool hits(const struct te_topology *topology, const struct te_path *path, const struct element *element)
{
    for (size_t i = 0; i < path->tunnels_len; i++) {
        const struct te_tunnel *tunnel = &topology->tunnels[path->tunnels[i]];
        if (element->kind == ELEMENT_SITE) {
            if (i + 1 < path->tunnels_len && tunnel->to == element->index) {
                return true;
            }
        } else if (link_in(&topology->links[tunnel->local], tunnel->local, element) ||
                   link_in(&topology->links[tunnel->remote], tunnel->remote, element)) {
            return true;
        }
    }
    return false;
}

static void put_element(struct element *elements, size_t *len, enum element_kind kind, size_t index)
{
    for (size_t i = 0; i < *len; i++) {
        if (elements[i].kind == kind && elements[i].index == index) {
            return;
        }
    }
    if (*len < ELEMENTS_MAX) {
        elements[(*len)++] = (struct element){.kind = kind, .index = index};
    }
}

/* Everything whose failure the path does not survive. */
static size_t elements_of(const struct te_topology *topology, const struct te_path *path, struct element *ret_elements)
{
    size_t len = 0;
    for (size_t i = 0; i < path->tunnels_len; i++) {
        const struct te_tunnel *tunnel = &topology->tunnels[path->tunnels[i]];
        const size_t ends[] = {tunnel->local, tunnel->remote};
        for (size_t j = 0; j < 2; j++) {
            const struct te_link *link = &topology->links[ends[j]];
            put_element(ret_elements, &len, ELEMENT_LINK, ends[j]);
            for (size_t k = 0; k < link->srlgs_len; k++) {
                put_element(ret_elements, &len, ELEMENT_SRLG, link->srlgs[k]);
            }
        }
        if (i + 1 < path->tunnels_len) {
            put_element(ret_elements, &len, ELEMENT_SITE, tunnel->to);
        }
    }
    return len;
}

static bool survives(const struct te_topology *topology, const struct te_pair *pair, size_t begin,
                     const struct element *element)
{
    for (size_t i = begin; i < pair->len; i++) {
        if (!hits(topology, &pair->paths[i], element)) {
            return true;
        }
    }
    return false;
}

/* ---- adding what is missing ----------------------------------------------------------------------------------- */

struct needs {
    struct need *items;
    size_t len, capacity;
};

/* Nothing of a site's own links is left: no search could help. */
static bool cuts_off(const struct te_topology *topology, size_t site, const struct element *element)
{
    const struct te_site *at = &topology->sites[site];
    for (size_t i = at->first_link; element->kind != ELEMENT_SITE && i < at->first_link + at->links_len; i++) {
        if (topology->links[i].usable && !link_in(&topology->links[i], i, element)) {
            return false;
        }
    }
    return element->kind != ELEMENT_SITE;
}

static void gather(const struct te_topology *topology, const struct te_pair *pair, size_t from, size_t to,
                   struct needs *needs)
{
    struct element elements[ELEMENTS_MAX];
    size_t len = elements_of(topology, &pair->paths[0], elements);
    for (size_t i = 0; i < len; i++) {
        if (survives(topology, pair, 1, &elements[i]) || cuts_off(topology, from, &elements[i]) ||
            cuts_off(topology, to, &elements[i])) {
            continue;
        }
        if (needs->len == needs->capacity) {
            needs->capacity = needs->capacity == 0 ? 64 : needs->capacity * 2;
            needs->items = realloc(needs->items, needs->capacity * sizeof(*needs->items));
            pt_assert(needs->items != NULL);
        }
        needs->items[needs->len++] = (struct need){.element = elements[i], .to = to};
    }
}

static int compare_needs(const void *a, const void *b)
{
    const struct need *x = a;
    const struct need *y = b;
    if (x->element.kind != y->element.kind) {
        return x->element.kind < y->element.kind ? -1 : 1;
    }
    if (x->element.index != y->element.index) {
        return x->element.index < y->element.index ? -1 : 1;
    }
    return x->to < y->to ? -1 : x->to > y->to;
}

static void search_without(struct te_search *search, const struct element *element, size_t from, bool *banned)
{
    const struct te_topology *topology = search->topology;
    memset(banned, 0, topology->links_len * sizeof(bool));
    for (size_t i = 0; element->kind != ELEMENT_SITE && i < topology->links_len; i++) {
        banned[i] = link_in(&topology->links[i], i, element);
    }
    search->banned = banned;
    search->banned_site = element->kind == ELEMENT_SITE ? element->index : TE_NONE;
    te_search_run(search, from);
    search->banned = NULL;
    search->banned_site = TE_NONE;
}

/* Which tunnel a transit site takes is its own affair: a path that crosses the same sites is the pair's already. */
static void take_path(const struct te_path *path, struct te_pair *pair, struct te_searched *searched)
{
    te_searched_note(searched, path->metric);
    if (te_pair_holds(pair, path->id)) {
        te_searched_drop(searched, path);
    } else {
        pair->paths[pair->len++] = *path;
    }
}

void te_protect_source(struct te_search *search, size_t from, const bool *wanted, struct te_routing *routing,
                       struct te_searched *searched)
{
    const struct te_topology *topology = search->topology;
    struct needs needs = {0};
    for (size_t to = 0; to < topology->sites_len; to++) {
        if (wanted[to] && te_pair_at(search->fabric, routing, from, to)->len > 0) {
            gather(topology, te_pair_at(search->fabric, routing, from, to), from, to, &needs);
        }
    }
    if (needs.len == 0) {
        return;
    }
    qsort(needs.items, needs.len, sizeof(*needs.items), compare_needs);
    bool *banned = calloc(topology->links_len + 1, sizeof(bool));
    pt_assert(banned != NULL);
    for (size_t i = 0; i < needs.len; i++) {
        const struct need *need = &needs.items[i];
        const struct need *last = i > 0 ? &needs.items[i - 1] : NULL;
        if (last == NULL || last->element.kind != need->element.kind || last->element.index != need->element.index) {
            search_without(search, &need->element, from, banned);
        }
        struct te_pair *pair = te_pair_at(search->fabric, routing, from, need->to);
        struct te_path path;
        /* What was added for an element before may do for this one too. */
        if (pair->len < TE_CANDIDATES_MAX && !survives(topology, pair, 1, &need->element) &&
            te_search_path(search, from, need->to, &path)) {
            take_path(&path, pair, &searched[need->to]);
        }
    }
    free(banned);
    free(needs.items);
}

/* ---- saying it ------------------------------------------------------------------------------------------------ */

static char *text_of(const struct te_topology *topology, const struct element *element, struct pt_arena *arena)
{
    switch (element->kind) {
    case ELEMENT_LINK:
        return (char *)(uintptr_t)topology->links[element->index].name;
    case ELEMENT_SITE:
        return (char *)(uintptr_t)topology->sites[element->index].name;
    case ELEMENT_SRLG:
        break;
    }
    return pt_arena_printf(arena, "SRLG %zu", element->index);
}

void te_protect_explain(const struct te_topology *topology, const struct te_pair *pair,
                        Patronus__V1__ExplainDemandResponse *response, struct pt_arena *arena)
{
    struct element elements[ELEMENTS_MAX];
    size_t len = elements_of(topology, &pair->paths[0], elements);
    response->cutting_failures = pt_arena_array(arena, len, sizeof(char *));
    for (size_t i = 0; i < len; i++) {
        bool carried = false;
        for (size_t j = 0; j < pair->len; j++) {
            carried = carried || (pair->paths[j].tier == 0 && !hits(topology, &pair->paths[j], &elements[i]));
        }
        if (carried) {
            continue;
        }
        if (survives(topology, pair, 0, &elements[i])) {
            response->repaired_failures++;
        } else {
            response->cutting_failures[response->n_cutting_failures++] = text_of(topology, &elements[i], arena);
        }
    }
}
