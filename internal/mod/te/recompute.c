/*
 * A solution computed anew from its message alone: no pass, no view, no store and no clock are asked, so that whoever
 * has the message can check the leader's work, and a program that does needs the solver and nothing else.
 */
#include "mod/te/ask.h"

#include "mod/te/split.h"

#include <inttypes.h>
#include <string.h>

/* ---- the problem ---------------------------------------------------------------------------------------------- */

struct again {
    struct te_update_problem update;
    double *capacity, *rate, *normal, *before;
    size_t *first_path, *first_hop, paths_len, hops_len;
    uint32_t *hops, *site, *weights, *pair, *class_index;
    bool *eligible;
};

/* Links of a site stand together and sites are numbered in order, as in the topology. */
static void again_links(const Patronus__V1__Solution *solution, struct again *again, struct pt_arena *arena)
{
    again->capacity = pt_arena_array(arena, solution->n_links, sizeof(double));
    again->site = pt_arena_array(arena, solution->n_links / 2 + 1, sizeof(uint32_t));
    uint32_t site = 0;
    size_t size = 0;
    for (size_t i = 0; i < solution->n_links; i++) {
        const char *name = solution->links[i]->link;
        const char *part = strstr(name, "/links/");
        size_t end = part != NULL ? (size_t)(part - name) : strlen(name);
        if (i > 0 && (end != size || strncmp(name, solution->links[i - 1]->link, end) != 0)) {
            site++;
        }
        size = end;
        again->site[i / 2] = site;
        uint64_t capacity = solution->links[i]->capacity_bps;
        again->capacity[i] = capacity != 0 ? (double)capacity : TE_CAPACITY_UNKNOWN;
    }
}

static enum pt_code again_path(const Patronus__V1__SolutionPath *path, size_t links_len, struct again *again,
                               struct pt_error *reterr)
{
    for (size_t i = 0; i < path->n_links; i++) {
        if (path->links[i] >= links_len) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "pairs.paths.links",
                           "link %u does not stand in the solution", path->links[i]);
        }
        again->hops[again->hops_len++] = path->links[i];
    }
    size_t index = again->paths_len++;
    again->first_hop[index + 1] = again->hops_len;
    again->normal[index] = (double)path->weight_default / TE_QUANTUM;
    again->before[index] = (double)path->weight_before / TE_QUANTUM;
    again->eligible[index] = path->eligible;
    again->weights[index] = path->weight;
    return PT_OK;
}

static bool of_one_pair(const Patronus__V1__SolutionPair *a, const Patronus__V1__SolutionPair *b)
{
    return strcmp(a->source_site, b->source_site) == 0 && strcmp(a->destination_site, b->destination_site) == 0;
}

/* Classes of a pair stand together, ascend, and have the same paths. */
static enum pt_code check_class(const Patronus__V1__Solution *solution, size_t index, bool same,
                                struct pt_error *reterr)
{
    const Patronus__V1__SolutionPair *pair = solution->pairs[index];
    bool fits = (uint32_t)pair->traffic_class <= TE_CLASSES_MAX;
    if (same) {
        const Patronus__V1__SolutionPair *before = solution->pairs[index - 1];
        fits = fits && pair->traffic_class > before->traffic_class && pair->n_paths == before->n_paths;
    }
    return fits ? PT_OK
                : pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "pairs.traffic_class",
                          "classes of %.80s to %.80s must ascend and have the same paths", pair->source_site,
                          pair->destination_site);
}

static enum pt_code again_pairs(const Patronus__V1__Solution *solution, struct again *again, struct pt_arena *arena,
                                struct pt_error *reterr)
{
    size_t paths = 0;
    size_t hops = 0;
    for (size_t i = 0; i < solution->n_pairs; i++) {
        paths += solution->pairs[i]->n_paths;
        for (size_t j = 0; j < solution->pairs[i]->n_paths; j++) {
            hops += solution->pairs[i]->paths[j]->n_links;
        }
        if (solution->pairs[i]->n_paths > TE_CANDIDATES_MAX) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_LIMIT_REACHED, "pairs.paths",
                           "a pair has at most %d paths", TE_CANDIDATES_MAX);
        }
    }
    again->rate = pt_arena_array(arena, solution->n_pairs, sizeof(double));
    again->first_path = pt_arena_array(arena, solution->n_pairs + 1, sizeof(size_t));
    again->first_hop = pt_arena_array(arena, paths + 1, sizeof(size_t));
    again->hops = pt_arena_array(arena, hops, sizeof(uint32_t));
    again->normal = pt_arena_array(arena, paths, sizeof(double));
    again->before = pt_arena_array(arena, paths, sizeof(double));
    again->eligible = pt_arena_array(arena, paths, sizeof(bool));
    again->weights = pt_arena_array(arena, paths, sizeof(uint32_t));
    again->pair = pt_arena_array(arena, solution->n_pairs, sizeof(uint32_t));
    again->class_index = pt_arena_array(arena, solution->n_pairs, sizeof(uint32_t));
    for (size_t i = 0; i < solution->n_pairs; i++) {
        bool same = i > 0 && of_one_pair(solution->pairs[i], solution->pairs[i - 1]);
        again->pair[i] = i == 0 ? 0 : again->pair[i - 1] + (same ? 0 : 1);
        again->class_index[i] = (uint32_t)solution->pairs[i]->traffic_class;
        PT_TRY(check_class(solution, i, same, reterr));
        again->rate[i] = (double)solution->pairs[i]->rate_bps;
        for (size_t j = 0; j < solution->pairs[i]->n_paths; j++) {
            PT_TRY(again_path(solution->pairs[i]->paths[j], solution->n_links, again, reterr));
        }
        again->first_path[i + 1] = again->paths_len;
    }
    return PT_OK;
}

static enum pt_code recompute(const Patronus__V1__Solution *solution, bool *ret_equal, struct pt_arena *arena,
                              struct pt_error *reterr)
{
    struct again again = {0};
    again_links(solution, &again, arena);
    PT_TRY(again_pairs(solution, &again, arena, reterr));
    again.update = (struct te_update_problem){.capacity = again.capacity,
                                              .links_len = solution->n_links,
                                              .rate = again.rate,
                                              .flows_len = solution->n_pairs,
                                              .first_path = again.first_path,
                                              .first_hop = again.first_hop,
                                              .hops = again.hops,
                                              .quantum = TE_QUANTUM};
    const struct te_split_problem problem = {.update = &again.update,
                                             .site = again.site,
                                             .pair = again.pair,
                                             .class_index = again.class_index,
                                             .normal = again.normal,
                                             .before = again.before,
                                             .eligible = again.eligible,
                                             .keep_below = (double)solution->keep_below_ppm * 1e-6};
    struct te_split split;
    PT_TRY(te_split_solve(&problem, arena, &split, reterr));
    bool equal = solution->utilization_ppm == te_ppm(split.value) && solution->bound_ppm == te_ppm(split.bound) &&
                 solution->gap_ppm == te_ppm(split.gap) && solution->rounding_ppm == te_ppm(split.rounding);
    for (size_t i = 0; i < again.paths_len; i++) {
        equal = equal && te_split_weight(split.target[i]) == again.weights[i];
    }
    *ret_equal = equal;
    return PT_OK;
}

enum pt_code te_solution_recompute(const Patronus__V1__Solution *solution, bool *ret_equal, struct pt_error *reterr)
{
    struct pt_arena arena;
    if (solution->n_pairs == 0 && solution->utilization_ppm != 0) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_REQUIRED, "pairs",
                       "what epoch %" PRIu64
                       " was computed from is missing: it was asked for as a summary, or the leader had "
                       "no room for it any more (64 MiB for all that it keeps)",
                       solution->epoch);
    }
    pt_arena_init(&arena);
    enum pt_code code = recompute(solution, ret_equal, &arena, reterr);
    pt_arena_fini(&arena);
    return code;
}
