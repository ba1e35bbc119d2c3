/*
 * Even steps, as few as will do.
 *
 * When both ends leave a share s of every link free, n = ceil(1/s) - 1 even steps are always enough: a link carries at
 * most (1-s)c at every point of the straight line, a step adds at most 1/n of what the target puts there, and
 * (1-s)c + (1-s)c/n <= c as soon as n >= (1-s)/s = 1/s - 1. That is the bound; most transitions need fewer, because
 * what one flow leaves another rarely takes. So n is tried from 1 up to the bound, each n verified by the sum itself,
 * and the first that stays below capacity is taken. Splits in between are rounded as the weights that will be
 * installed, before they are verified: what is promised is what the nodes get.
 *
 * (Hong et al., Achieving High Utilization with Software-Driven WAN, SIGCOMM 2013, gives the bound; it solves a linear
 * program for the steps, where the straight line is enough.)
 */
#include "mod/te/update.h"

#include "base/assert.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDING 1e-9 /* what sums of doubles may be off by, relative to capacity */
#define NEAR 0.01     /* of a capacity: nothing that is worth another step where a link is overloaded anyway */

uint32_t te_split_weight(double split)
{
    return (uint32_t)lround(split * TE_QUANTUM);
}

uint64_t te_ppm(double share)
{
    return share < 1e12 ? (uint64_t)(share * 1e6 + 0.5) : UINT64_MAX;
}

static size_t paths_len(const struct te_update_problem *problem)
{
    return problem->first_path[problem->flows_len];
}

double te_update_worst(const struct te_update_problem *problem, const double *before, const double *after)
{
    double *load = calloc(problem->links_len + 1, sizeof(*load));
    double *was = calloc(problem->links_len + 1, sizeof(*was)); /* share of the flow at hand, by link */
    double *will = calloc(problem->links_len + 1, sizeof(*will));
    pt_assert(load != NULL && was != NULL && will != NULL);
    for (size_t flow = 0; flow < problem->flows_len; flow++) {
        size_t begin = problem->first_hop[problem->first_path[flow]];
        size_t end = problem->first_hop[problem->first_path[flow + 1]];
        for (size_t path = problem->first_path[flow]; path < problem->first_path[flow + 1]; path++) {
            for (size_t i = problem->first_hop[path]; i < problem->first_hop[path + 1]; i++) {
                was[problem->hops[i]] += before[path];
                will[problem->hops[i]] += after[path];
            }
        }
        for (size_t i = begin; i < end; i++) {
            uint32_t link = problem->hops[i];
            load[link] += problem->rate[flow] * (was[link] > will[link] ? was[link] : will[link]);
            was[link] = 0;
            will[link] = 0; /* a link that several paths of the flow share counts once */
        }
    }
    double worst = 0;
    for (size_t link = 0; link < problem->links_len; link++) {
        double utilisation = load[link] > 0 ? load[link] / problem->capacity[link] : 0;
        worst = utilisation > worst ? utilisation : worst;
    }
    free(load);
    free(was);
    free(will);
    return worst;
}

double te_quantise(const double *splits, size_t len, uint32_t quantum, uint32_t *ret_weights)
{
    pt_assert(quantum > 0);
    uint64_t given = 0;
    for (size_t i = 0; i < len; i++) {
        double share = splits[i] > 0 ? splits[i] * quantum : 0;
        ret_weights[i] = share >= quantum ? quantum : (uint32_t)(share + ROUNDING);
        given += ret_weights[i];
    }
    while (given < quantum && len > 0) {
        size_t most = 0;
        for (size_t i = 1; i < len; i++) {
            double left = splits[i] * quantum - ret_weights[i];
            if (left > splits[most] * quantum - ret_weights[most] + ROUNDING) {
                most = i;
            }
        }
        ret_weights[most]++;
        given++;
    }
    double error = 0;
    for (size_t i = 0; i < len; i++) {
        double off = fabs(splits[i] - (double)ret_weights[i] / quantum);
        error = off > error ? off : error;
    }
    return error;
}

/* ---- steps ---------------------------------------------------------------------------------------------------- */

static void round_flow(const struct te_update_problem *problem, size_t flow, const double *before, const double *after,
                       double *splits)
{
    size_t begin = problem->first_path[flow];
    size_t len = problem->first_path[flow + 1] - begin;
    double sum = 0;
    bool moves = false;
    for (size_t i = 0; i < len; i++) {
        sum += splits[begin + i];
        moves = moves || before[begin + i] != after[begin + i];
    }
    if (!moves || fabs(sum - 1) > ROUNDING) {
        return; /* one that appears or goes has no shares to round */
    }
    uint32_t weights[64];
    pt_assert(len <= sizeof(weights) / sizeof(weights[0]));
    (void)te_quantise(&splits[begin], len, problem->quantum, weights);
    for (size_t i = 0; i < len; i++) {
        splits[begin + i] = (double)weights[i] / problem->quantum;
    }
}

static void fill_step(const struct te_update_problem *problem, const double *before, const double *after, size_t step,
                      size_t steps_len, double *splits)
{
    double share = (double)step / (double)steps_len;
    for (size_t i = 0; i < paths_len(problem); i++) {
        splits[i] = step == steps_len ? after[i] : before[i] + (after[i] - before[i]) * share;
    }
    for (size_t flow = 0; problem->quantum > 0 && step < steps_len && flow < problem->flows_len; flow++) {
        round_flow(problem, flow, before, after, splits);
    }
}

/* Worst interleaving of all steps, when the way is cut into so many. */
static double worst_of(const struct te_update_problem *problem, const double *before, const double *after,
                       size_t steps_len)
{
    size_t size = (paths_len(problem) + 1) * sizeof(double);
    double *from = malloc(size);
    double *to = malloc(size);
    pt_assert(from != NULL && to != NULL);
    memcpy(from, before, size - sizeof(double));
    double worst = 0;
    for (size_t step = 1; step <= steps_len; step++) {
        fill_step(problem, before, after, step, steps_len, to);
        double here = te_update_worst(problem, from, to);
        worst = here > worst ? here : worst;
        double *swap = from;
        from = to;
        to = swap;
    }
    free(from);
    free(to);
    return worst;
}

/* The first number of steps that can be promised; else the first that comes NEAR the least bad. */
static void choose_steps(const struct te_update_problem *problem, const double *before, const double *after,
                         struct te_update *update)
{
    bool still = memcmp(before, after, paths_len(problem) * sizeof(double)) == 0;
    size_t steps_max = still ? 1 : update->steps_max;
    size_t left = problem->steps_left > 0 && problem->steps_left < steps_max ? problem->steps_left : steps_max;
    double worst[TE_UPDATE_STEPS_MAX + 1], least = INFINITY;
    for (size_t n = 1; n <= steps_max && !update->promised; n++) {
        worst[n] = worst_of(problem, before, after, n);
        least = n <= left && worst[n] < least ? worst[n] : least;
        update->promised = worst[n] <= 1 + ROUNDING;
        update->steps_len = n;
    }
    for (size_t n = 1; !update->promised && n <= left; n++) {
        if (worst[n] <= least + NEAR) {
            update->steps_len = n;
            break;
        }
    }
    update->worst = worst[update->steps_len];
}

const struct te_update *te_update_plan(const struct te_update_problem *problem, const double *before,
                                       const double *after, struct pt_arena *arena)
{
    struct te_update *update = PT_NEW(arena, struct te_update);
    double start = te_update_worst(problem, before, before);
    double target = te_update_worst(problem, after, after);
    update->scratch = 1 - (start > target ? start : target);
    update->steps_max = TE_UPDATE_STEPS_MAX;
    if (update->scratch * (TE_UPDATE_STEPS_MAX + 1) > 1) {
        update->steps_max = (size_t)ceil(1 / update->scratch - ROUNDING) - 1;
    }
    update->steps_max = update->steps_max < 1 ? 1 : update->steps_max;
    choose_steps(problem, before, after, update);
    update->splits = pt_arena_array(arena, update->steps_len, sizeof(double *));
    for (size_t step = 1; step <= update->steps_len; step++) {
        update->splits[step - 1] = pt_arena_array(arena, paths_len(problem), sizeof(double));
        fill_step(problem, before, after, step, update->steps_len, update->splits[step - 1]);
    }
    return update;
}
