/*
 * Max-min fairness: rise.c does the work. Where it was stopped, what room is left is given to those who have no proof,
 * class by class: in each round everybody takes its widest path, every link is divided among those that took it, and
 * each gets the least share along its path. Whoever was held keeps what it has.
 *
 * That happens when time is over, so it goes over steps, not over hops (table.c): a fraction of a second for the
 * largest instance.
 */
#include "flow/rise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 12
#define WORTH_A_ROUND 1e-3 /* of what was lacking: less than that ends the rounds of a class */
#define NOBODY UINT32_MAX
#define BOUND_PASSES 16

struct rest {
    const struct flow_run *run;
    struct flow_table table; /* x: what is carried */
    double *room;            /* by link */
    double *sharing;         /* by link: weights of those that took it */
    double *lacking;         /* by entry: what it has not of what it asks for; 0 takes no part */
    uint32_t *chosen;        /* by entry: slot, or NOBODY */
    double *amount;          /* by step of a block: what passes it */
    double *loads;           /* by link: what a round adds */
};

static const struct pt_flow_demand *demand_of(const struct rest *rest, uint32_t entry)
{
    return &rest->run->problem->demands[rest->table.paths->entry_demand[entry]];
}

static double weight_of(const struct pt_flow_demand *demand)
{
    return demand->weight > 0 ? demand->weight : 1;
}

static bool takes_part(const struct rest *rest, uint32_t entry, uint32_t class_index)
{
    return rest->lacking[entry] > 0 && demand_of(rest, entry)->class_index == class_index;
}

/* The least of `by_link` along the path of each step of a block. The memory is the table's. */
static const double *narrowest(const struct rest *rest, const struct flow_block *block, const double *by_link)
{
    const struct flow_step *steps = rest->table.paths->steps + block->step;
    double *least = rest->table.scratch + 1;
    for (uint32_t i = 0; i < block[1].step - block->step; i++) {
        double behind = steps[i].next == FLOW_LAST ? INFINITY : least[steps[i].next - block->step];
        double here = by_link[steps[i].link];
        least[i] = here < behind ? here : behind;
    }
    return least;
}

/* What begins at the steps of a block is added to the links that it passes. Leaves amount empty. */
static void pass_down(struct rest *rest, const struct flow_block *block, double *ret_links)
{
    const struct flow_step *steps = rest->table.paths->steps + block->step;
    for (uint32_t i = block[1].step - block->step; i-- > 0;) {
        ret_links[steps[i].link] += rest->amount[i];
        if (steps[i].next != FLOW_LAST) {
            rest->amount[steps[i].next - block->step] += rest->amount[i];
        }
        rest->amount[i] = 0;
    }
}

static void choose(struct rest *rest, const struct flow_block *block, uint32_t class_index)
{
    const struct pt_flow_paths *paths = rest->table.paths;
    const double *widths = narrowest(rest, block, rest->room);
    for (uint32_t e = block->entry; e < block[1].entry; e++) {
        rest->chosen[e] = NOBODY;
        double widest = -1;
        for (uint32_t i = paths->entry_first[e]; takes_part(rest, e, class_index) && i < paths->entry_first[e + 1];
             i++) {
            double width = widths[paths->entry_steps[i] - block->step];
            if (width > widest) {
                widest = width;
                rest->chosen[e] = i;
            }
        }
        if (rest->chosen[e] != NOBODY) {
            rest->amount[paths->entry_steps[rest->chosen[e]] - block->step] += weight_of(demand_of(rest, e));
        }
    }
    pass_down(rest, block, rest->sharing);
}

/* Everybody's share; `shares` is by link, room over who shares it. Returns what was given. */
static double give(struct rest *rest, const struct flow_block *block, const double *shares)
{
    const struct pt_flow_paths *paths = rest->table.paths;
    const double *least = narrowest(rest, block, shares);
    double given = 0;
    for (uint32_t e = block->entry; e < block[1].entry; e++) {
        if (rest->chosen[e] == NOBODY) {
            continue;
        }
        uint32_t step = paths->entry_steps[rest->chosen[e]] - block->step;
        double share = least[step] * weight_of(demand_of(rest, e));
        double rate = share < rest->lacking[e] ? share : rest->lacking[e];
        rest->table.x[rest->chosen[e]] += rate;
        rest->lacking[e] -= rate;
        rest->amount[step] += rate;
        given += rate;
    }
    pass_down(rest, block, rest->loads);
    return given;
}

static double round_of(struct rest *rest, uint32_t class_index)
{
    const struct pt_flow_paths *paths = rest->table.paths;
    double given = 0;
    memset(rest->sharing, 0, paths->links_len * sizeof(double));
    memset(rest->loads, 0, paths->links_len * sizeof(double));
    for (size_t b = 0; b < paths->blocks_len; b++) {
        choose(rest, &paths->blocks[b], class_index);
    }
    for (uint32_t i = 0; i < paths->links_len; i++) {
        rest->sharing[i] = rest->sharing[i] > 0 ? rest->room[i] / rest->sharing[i] : INFINITY;
    }
    for (size_t b = 0; b < paths->blocks_len; b++) {
        given += give(rest, &paths->blocks[b], rest->sharing);
    }
    for (uint32_t i = 0; i < paths->links_len; i++) {
        rest->room[i] = fmax(0, rest->room[i] - rest->loads[i]);
    }
    return given;
}

static double usable(const struct flow_run *run, uint32_t link)
{
    double share = run->problem->utilisation_max > 0 ? run->problem->utilisation_max : 1;
    return run->graph->links[link].capacity * share;
}

static void give_rest(struct rest *rest)
{
    const struct pt_flow_paths *paths = rest->table.paths;
    for (uint32_t i = 0; i < paths->links_len; i++) {
        rest->room[i] = fmax(0, usable(rest->run, i) - rest->run->result->loads[i]);
    }
    for (uint32_t e = 0; e < paths->demands_len; e++) {
        bool open = rest->run->result->levels.of[paths->entry_demand[e]] == PT_FLOW_LEVEL_NONE;
        double lacking = open ? rest->table.rate[e] : 0;
        for (uint32_t i = paths->entry_first[e]; open && i < paths->entry_first[e + 1]; i++) {
            lacking -= rest->table.x[i];
        }
        rest->lacking[e] = lacking;
    }
    for (uint32_t k = 0; k < flow_classes_len(rest->run->problem); k++) {
        double first = 0;
        for (int round = 0; round < ROUNDS; round++) {
            double given = round_of(rest, k);
            first = round == 0 ? given : first;
            if (given <= first * WORTH_A_ROUND) {
                break;
            }
        }
    }
}

/* What rounding left over a link's capacity, some 1e-13 of it, is taken from everybody. */
static void fit(struct rest *rest)
{
    const struct pt_flow_paths *paths = rest->table.paths;
    double *loads = rest->run->result->loads;
    double worst = 1;
    flow_table_loads(&rest->table, loads);
    for (uint32_t i = 0; i < paths->links_len; i++) {
        worst = fmax(worst, loads[i] / usable(rest->run, i));
    }
    for (size_t slot = 0; worst > 1 && slot < paths->slots_len; slot++) {
        rest->table.x[slot] /= worst;
    }
    if (worst > 1) {
        flow_table_loads(&rest->table, loads);
    }
}

static bool rest_init(struct rest *rest, const struct flow_run *run)
{
    const struct pt_flow_paths *paths = run->paths;
    *rest = (struct rest){.run = run};
    bool fits = flow_table_init(&rest->table, run->problem, run->result->rates);
    rest->room = flow_alloc(paths->links_len, sizeof(double));
    rest->sharing = flow_alloc(paths->links_len, sizeof(double));
    rest->loads = flow_alloc(paths->links_len, sizeof(double));
    rest->lacking = flow_alloc(paths->demands_len, sizeof(double));
    rest->chosen = flow_alloc(paths->demands_len, sizeof(rest->chosen[0]));
    rest->amount = flow_alloc(rest->table.scratch_len + 1, sizeof(double));
    return fits && rest->room != NULL && rest->sharing != NULL && rest->loads != NULL && rest->lacking != NULL &&
           rest->chosen != NULL && rest->amount != NULL;
}

static void rest_fini(struct rest *rest)
{
    flow_table_fini(&rest->table);
    free(rest->room);
    free(rest->sharing);
    free(rest->loads);
    free(rest->lacking);
    free(rest->chosen);
    free(rest->amount);
}

/* Stopped before anybody of the first class was held, there is no proof of how high all could rise. The lengths of a
 * few passes for the least utilisation are one: not a close one, but at a small part of the time. */
static enum pt_code bound_first_level(const struct flow_run *run, struct pt_error *reterr)
{
    const struct pt_flow_options options = {.gap = run->gap};
    struct pt_flow_result *result = run->result;
    PT_AUTO(free) double *rates = flow_alloc(run->paths->slots_len, sizeof(double));
    PT_AUTO(free) double *loads = flow_alloc(run->graph->links_len, sizeof(double));
    PT_AUTO(free) double *lengths = flow_alloc(run->graph->links_len, sizeof(double));
    if (rates == NULL || loads == NULL || lengths == NULL) {
        return flow_no_memory(reterr);
    }
    for (size_t d = 0; d < run->problem->demands_len; d++) {
        if (run->paths->first[d] < run->paths->first[d + 1]) {
            rates[run->paths->first[d]] = run->problem->demands[d].rate;
        }
    }
    struct pt_flow_result of_all = {.rates = rates,
                                    .rates_len = run->paths->slots_len,
                                    .loads = loads,
                                    .lengths = lengths,
                                    .links_len = run->graph->links_len,
                                    .classes_len = 1};
    struct flow_run least = *run;
    least.options = &options;
    least.passes_max = BOUND_PASSES;
    least.result = &of_all;
    PT_TRY(flow_solve_mlu(&least, reterr));
    memcpy(result->lengths, lengths, run->graph->links_len * sizeof(double));
    return PT_OK;
}

static bool has_length(const struct flow_run *run)
{
    bool any = false;
    for (uint32_t i = 0; i < run->graph->links_len; i++) {
        any = any || run->result->lengths[i] > 0;
    }
    return any;
}

enum pt_code flow_solve_fair(struct flow_run *run, struct pt_error *reterr)
{
    enum flow_rise_end end = flow_rise_solve(run);
    if (end == FLOW_RISE_NO_MEMORY) {
        return flow_no_memory(reterr);
    }
    struct rest rest;
    enum pt_code code = PT_OK;
    if (rest_init(&rest, run)) {
        fit(&rest);
        if (end == FLOW_RISE_STOPPED) {
            give_rest(&rest);
            fit(&rest);
        }
        flow_table_store(&rest.table, rest.table.x, run->result->rates);
    } else {
        code = flow_no_memory(reterr);
    }
    rest_fini(&rest);
    return code == PT_OK && end == FLOW_RISE_STOPPED && !has_length(run) ? bound_first_level(run, reterr) : code;
}
