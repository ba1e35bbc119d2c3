/*
 * Max-min fairness: rise.c does the work. Where it was stopped, what room is left is given to those who have no proof,
 * class by class: in each round everybody takes its widest path, every link is divided among those that took it, and
 * each gets the least share along its path. Whoever was held keeps what it has.
 */
#include "flow/rise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 12

struct rest {
    const struct flow_run *run;
    double *room;     /* by link */
    double *sharing;  /* by link: weights of those that took it */
    double *lacking;  /* by demand: what it has not of what it asks for; 0 takes no part */
    uint32_t *chosen; /* by demand: slot */
};

static double weight_of(const struct pt_flow_demand *demand)
{
    return demand->weight > 0 ? demand->weight : 1;
}

/* The least room along a path; divided by who shares it, when `sharing` is not NULL. */
static double narrowest(const struct rest *rest, uint32_t slot, const double *sharing)
{
    const struct pt_flow_paths *paths = rest->run->paths;
    double least = INFINITY;
    for (uint32_t step = paths->slots[slot]; step != FLOW_LAST; step = paths->steps[step].next) {
        uint16_t link = paths->steps[step].link;
        double here = sharing != NULL ? rest->room[link] / sharing[link] : rest->room[link];
        least = here < least ? here : least;
    }
    return least;
}

static void add_along(const struct pt_flow_paths *paths, uint32_t slot, double by, double *ret_links)
{
    for (uint32_t step = paths->slots[slot]; step != FLOW_LAST; step = paths->steps[step].next) {
        ret_links[paths->steps[step].link] += by;
    }
}

static void choose(struct rest *rest, size_t d)
{
    const struct pt_flow_paths *paths = rest->run->paths;
    double widest = -1;
    for (uint32_t slot = paths->first[d]; slot < paths->first[d + 1]; slot++) {
        double width = narrowest(rest, slot, NULL);
        if (width > widest) {
            widest = width;
            rest->chosen[d] = slot;
        }
    }
    add_along(paths, rest->chosen[d], weight_of(&rest->run->problem->demands[d]), rest->sharing);
}

static void round_of(struct rest *rest, uint32_t class_index)
{
    const struct pt_flow_problem *problem = rest->run->problem;
    memset(rest->sharing, 0, rest->run->paths->links_len * sizeof(double));
    for (size_t d = 0; d < problem->demands_len; d++) {
        if (rest->lacking[d] > 0 && problem->demands[d].class_index == class_index) {
            choose(rest, d);
        }
    }
    memcpy(rest->run->result->loads, rest->room, rest->run->paths->links_len * sizeof(double));
    for (size_t d = 0; d < problem->demands_len; d++) {
        if (rest->lacking[d] > 0 && problem->demands[d].class_index == class_index) {
            double share = narrowest(rest, rest->chosen[d], rest->sharing) * weight_of(&problem->demands[d]);
            double rate = share < rest->lacking[d] ? share : rest->lacking[d];
            rest->run->result->rates[rest->chosen[d]] += rate;
            rest->lacking[d] -= rate;
            add_along(rest->run->paths, rest->chosen[d], -rate, rest->run->result->loads);
        }
    }
    for (uint32_t i = 0; i < rest->run->paths->links_len; i++) {
        rest->room[i] = rest->run->result->loads[i] > 0 ? rest->run->result->loads[i] : 0;
    }
}

static void set_loads(const struct flow_run *run)
{
    double *loads = run->result->loads;
    memset(loads, 0, run->paths->links_len * sizeof(double));
    for (size_t slot = 0; slot < run->paths->slots_len; slot++) {
        if (run->result->rates[slot] > 0) {
            add_along(run->paths, (uint32_t)slot, run->result->rates[slot], loads);
        }
    }
}

static double usable(const struct flow_run *run, uint32_t link)
{
    double share = run->problem->utilisation_max > 0 ? run->problem->utilisation_max : 1;
    return run->graph->links[link].capacity * share;
}

static bool give_rest(const struct flow_run *run)
{
    const struct pt_flow_problem *problem = run->problem;
    PT_AUTO(free) double *room = flow_alloc(2 * (size_t)run->paths->links_len, sizeof(double));
    PT_AUTO(free) double *lacking = flow_alloc(problem->demands_len, sizeof(double));
    PT_AUTO(free) uint32_t *chosen = flow_alloc(problem->demands_len, sizeof(chosen[0]));
    if (room == NULL || lacking == NULL || chosen == NULL) {
        return false;
    }
    struct rest rest = {
        .run = run, .room = room, .sharing = room + run->paths->links_len, .lacking = lacking, .chosen = chosen};
    for (uint32_t i = 0; i < run->paths->links_len; i++) {
        room[i] = fmax(0, usable(run, i) - run->result->loads[i]);
    }
    for (size_t d = 0; d < problem->demands_len; d++) {
        if (run->paths->first[d] < run->paths->first[d + 1] && run->result->levels.of[d] == PT_FLOW_LEVEL_NONE) {
            lacking[d] = problem->demands[d].rate;
            for (uint32_t slot = run->paths->first[d]; slot < run->paths->first[d + 1]; slot++) {
                lacking[d] -= run->result->rates[slot];
            }
        }
    }
    for (uint32_t k = 0; k < flow_classes_len(problem); k++) {
        for (int round = 0; round < ROUNDS; round++) {
            round_of(&rest, k);
        }
    }
    return true;
}

/* What rounding left over a link's capacity, some 1e-13 of it, is taken from everybody. */
static void fit(const struct flow_run *run)
{
    double worst = 1;
    set_loads(run);
    for (uint32_t i = 0; i < run->paths->links_len; i++) {
        worst = fmax(worst, run->result->loads[i] / usable(run, i));
    }
    for (size_t slot = 0; worst > 1 && slot < run->paths->slots_len; slot++) {
        run->result->rates[slot] /= worst;
    }
    if (worst > 1) {
        set_loads(run);
    }
}

enum pt_code flow_solve_fair(struct flow_run *run, struct pt_error *reterr)
{
    enum flow_rise_end end = flow_rise_solve(run);
    if (end == FLOW_RISE_NO_MEMORY) {
        return flow_no_memory(reterr);
    }
    fit(run);
    if (end == FLOW_RISE_STOPPED) {
        if (!give_rest(run)) {
            return flow_no_memory(reterr);
        }
        fit(run);
    }
    return PT_OK;
}
