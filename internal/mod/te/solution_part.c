/*
 * One tenant's part of a solution. Solutions are made for the whole network, because nodes are told once; but no tenant
 * may read off one how much another sends, or over which links. No link is of two organizations, and no path leads from
 * one to another: so a part is what begins with the organization's name, with the paths' indices moved along.
 *
 * What can be said of the part alone is computed for it; what only holds for the whole (the solver's bound, and the
 * worst interleaving) is left out, unless the part is all there is.
 */
#include "mod/te/ask.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

static bool below(const char *name, const char *organization, size_t size)
{
    return strncmp(name, organization, size) == 0 && name[size] == '/';
}

/* Keeps the order; ret_places[i] is where link i stands now. */
static size_t keep_links(Patronus__V1__Solution *solution, const char *organization, uint32_t *ret_places)
{
    size_t size = strlen(organization);
    size_t len = 0;
    for (size_t i = 0; i < solution->n_links; i++) {
        if (below(solution->links[i]->link, organization, size)) {
            ret_places[i] = (uint32_t)len;
            solution->links[len++] = solution->links[i];
        } else {
            ret_places[i] = UINT32_MAX;
            patronus__v1__solution_link__free_unpacked(solution->links[i], NULL);
        }
    }
    return len;
}

static void move_indices(Patronus__V1__SolutionPair *pair, const uint32_t *places)
{
    for (size_t i = 0; i < pair->n_paths; i++) {
        for (size_t j = 0; j < pair->paths[i]->n_links; j++) {
            uint32_t place = places[pair->paths[i]->links[j]];
            pt_assert(place != UINT32_MAX); /* no path leads over another organization's link */
            pair->paths[i]->links[j] = place;
        }
    }
}

static size_t keep_pairs(Patronus__V1__Solution *solution, const char *organization, const uint32_t *places)
{
    size_t size = strlen(organization);
    size_t len = 0;
    for (size_t i = 0; i < solution->n_pairs; i++) {
        Patronus__V1__SolutionPair *pair = solution->pairs[i];
        if (below(pair->source_site, organization, size)) {
            move_indices(pair, places);
            solution->pairs[len++] = pair;
        } else {
            patronus__v1__solution_pair__free_unpacked(pair, NULL);
        }
    }
    return len;
}

static uint64_t fullest_ppm(const Patronus__V1__Solution *solution)
{
    double most = 0;
    for (size_t i = 0; i < solution->n_links; i++) {
        const Patronus__V1__SolutionLink *link = solution->links[i];
        double share = link->capacity_bps > 0 ? (double)link->load_bps / (double)link->capacity_bps : 0;
        most = share > most ? share : most;
    }
    return (uint64_t)(most < 1e12 ? most * 1e6 + 0.5 : 1e18);
}

void te_solution_part(Patronus__V1__Solution *solution, const char *organization)
{
    size_t links_len = solution->n_links;
    uint32_t *places = calloc(links_len + 1, sizeof(*places));
    pt_assert(places != NULL);
    solution->n_links = keep_links(solution, organization, places);
    solution->n_pairs = keep_pairs(solution, organization, places);
    free(places);
    if (solution->n_links < links_len || links_len == 0) { /* 0: too large to be kept; it is not known whose it was */
        solution->utilization_ppm = fullest_ppm(solution);
        solution->bound_ppm = 0;
        solution->worst_ppm = 0;
    }
}

void te_solution_summary(Patronus__V1__Solution *solution)
{
    for (size_t i = 0; i < solution->n_links; i++) {
        patronus__v1__solution_link__free_unpacked(solution->links[i], NULL);
    }
    for (size_t i = 0; i < solution->n_pairs; i++) {
        patronus__v1__solution_pair__free_unpacked(solution->pairs[i], NULL);
    }
    solution->n_links = 0;
    solution->n_pairs = 0;
}
