/*
 * Solutions as messages, with everything that they were computed from (recompute.c computes them anew from that).
 */
#include "mod/te/ask.h"

#include "mod/te/split.h"

#include <math.h>

static char *borrow(const char *text)
{
    return (char *)(uintptr_t)text;
}

/* ---- as a message --------------------------------------------------------------------------------------------- */

static void put_solution_links(const struct te_topology *topology, const struct te_solution *solution,
                               Patronus__V1__Solution *message, struct pt_arena *arena)
{
    const struct te_update_problem *update = solution->problem->update;
    const double *loads = te_load_links(solution->load, solution->target, arena);
    message->links = pt_arena_array(arena, update->links_len, sizeof(*message->links));
    message->n_links = update->links_len;
    for (size_t i = 0; i < update->links_len; i++) {
        Patronus__V1__SolutionLink *link = PT_NEW(arena, Patronus__V1__SolutionLink);
        patronus__v1__solution_link__init(link);
        link->link = borrow(topology->links[i / 2].name);
        link->up = i % 2 == 0;
        link->capacity_bps = update->capacity[i] < TE_CAPACITY_UNKNOWN ? (uint64_t)update->capacity[i] : 0;
        link->load_bps = (uint64_t)(loads[i] + 0.5);
        message->links[i] = link;
    }
}

static Patronus__V1__SolutionPath *solution_path(const struct te_solution *solution, size_t index,
                                                 struct pt_arena *arena)
{
    const struct te_split_problem *problem = solution->problem;
    size_t begin = problem->update->first_hop[index];
    Patronus__V1__SolutionPath *path = PT_NEW(arena, Patronus__V1__SolutionPath);
    patronus__v1__solution_path__init(path);
    path->n_links = problem->update->first_hop[index + 1] - begin;
    path->links = (uint32_t *)(uintptr_t)&problem->update->hops[begin];
    path->weight_before = te_split_weight(problem->before[index]);
    path->weight = te_split_weight(solution->target[index]);
    path->weight_default = te_split_weight(problem->normal[index]);
    path->eligible = problem->eligible[index];
    return path;
}

static void put_solution_pairs(const struct te_topology *topology, const struct te_solution *solution,
                               Patronus__V1__Solution *message, struct pt_arena *arena)
{
    const struct te_load *load = solution->load;
    message->pairs = pt_arena_array(arena, load->flows_len, sizeof(*message->pairs));
    for (size_t i = 0; i < load->flows_len; i++) {
        Patronus__V1__SolutionPair *pair = PT_NEW(arena, Patronus__V1__SolutionPair);
        patronus__v1__solution_pair__init(pair);
        pair->source_site = borrow(topology->sites[load->flows[i].from].name);
        pair->destination_site = borrow(topology->sites[load->flows[i].to].name);
        pair->rate_bps = load->flows[i].rate_bps;
        pair->traffic_class = (Patronus__V1__TrafficClass)load->flows[i].class_index;
        size_t begin = load->problem.first_path[i];
        pair->n_paths = load->problem.first_path[i + 1] - begin;
        pair->paths = pt_arena_array(arena, pair->n_paths, sizeof(*pair->paths));
        for (size_t j = 0; j < pair->n_paths; j++) {
            pair->paths[j] = solution_path(solution, begin + j, arena);
        }
        message->pairs[message->n_pairs++] = pair;
    }
}

Patronus__V1__Solution *te_solution_message(const struct pt_plan_pass *pass, bool summary, struct pt_arena *arena)
{
    static const char *const kinds[] = {"default", "kept", "solved", "fair"};
    const struct te_solution *solution = te_solution_of(pass);
    if (solution == NULL) {
        return NULL;
    }
    Patronus__V1__Solution *message = PT_NEW(arena, Patronus__V1__Solution);
    patronus__v1__solution__init(message);
    message->epoch = solution->epoch;
    message->revision = pt_view_revision(pass->view);
    message->time = PT_NEW(arena, Google__Protobuf__Timestamp);
    google__protobuf__timestamp__init(message->time);
    message->time->seconds = solution->time_ns / 1000000000;
    message->time->nanos = (int32_t)(solution->time_ns % 1000000000);
    message->kind = borrow(kinds[solution->kind]);
    message->utilization_ppm = solution->target_ppm;
    message->bound_ppm = solution->bound_ppm;
    message->gap_ppm = solution->gap_ppm;
    message->steps = solution->steps;
    message->promised = solution->promised;
    message->rounding_ppm = solution->rounding_ppm;
    message->worst_ppm = solution->worst_ppm;
    message->keep_below_ppm = (uint64_t)llround(solution->problem->keep_below * 1e6);
    if (!summary) {
        const struct te_topology *topology = pt_map_get_str(&pass->sections, "topology");
        put_solution_links(topology, solution, message, arena);
        put_solution_pairs(topology, solution, message, arena);
    }
    return message;
}
