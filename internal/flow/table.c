/*
 * Passes over all paths at the cost of their steps. A step stands behind the one it leads to, so one pass upwards gives
 * every suffix its price, and one downwards hands the rate of every suffix on to the next: some three million steps
 * instead of thirty million hops, and a block's steps stay in the cache while its entries are looked at.
 */
#include "flow/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FAR_AHEAD 24

/* A handful of numbers: a loop beats a call. */
static void copy(double *to, const double *from, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++) {
        to[i] = from[i];
    }
}

bool flow_table_init(struct flow_table *table, const struct pt_flow_problem *problem, const double *rates)
{
    const struct pt_flow_paths *paths = problem->paths;
    *table = (struct flow_table){.paths = paths};
    for (size_t b = 0; b < paths->blocks_len; b++) {
        size_t len = paths->blocks[b + 1].step - paths->blocks[b].step;
        table->scratch_len = len > table->scratch_len ? len : table->scratch_len;
    }
    table->rate = malloc((paths->demands_len + 1) * sizeof(table->rate[0]));
    table->x = malloc((paths->slots_len + 1) * sizeof(table->x[0]));
    table->scratch = flow_alloc(table->scratch_len + 1, sizeof(table->scratch[0]));
    if (table->rate == NULL || table->x == NULL || table->scratch == NULL) {
        return false;
    }
    for (size_t e = 0; e < paths->demands_len; e++) {
        uint32_t demand = paths->entry_demand[e];
        if (e + 2 * FAR_AHEAD < paths->demands_len) { /* demands lie in another order: every one is a cache miss */
            uint32_t ahead = paths->entry_demand[e + FAR_AHEAD];
            __builtin_prefetch(&problem->demands[ahead]);
            __builtin_prefetch(&rates[paths->first[ahead]]);
            __builtin_prefetch(&paths->first[paths->entry_demand[e + 2 * FAR_AHEAD]]);
        }
        table->rate[e] = problem->demands[demand].rate;
        copy(table->x + paths->entry_first[e], rates + paths->first[demand],
             paths->entry_first[e + 1] - paths->entry_first[e]);
    }
    return true;
}

void flow_table_fini(struct flow_table *table)
{
    free(table->rate);
    free(table->x);
    free(table->scratch);
}

void flow_table_store(const struct flow_table *table, const double *x, double *ret_rates)
{
    const struct pt_flow_paths *paths = table->paths;
    for (size_t e = 0; e < paths->demands_len; e++) {
        if (e + 2 * FAR_AHEAD < paths->demands_len) {
            __builtin_prefetch(&ret_rates[paths->first[paths->entry_demand[e + FAR_AHEAD]]], 1);
            __builtin_prefetch(&paths->first[paths->entry_demand[e + 2 * FAR_AHEAD]]);
        }
        copy(ret_rates + paths->first[paths->entry_demand[e]], x + paths->entry_first[e],
             paths->entry_first[e + 1] - paths->entry_first[e]);
    }
}

void flow_table_loads(const struct flow_table *table, double *ret_loads)
{
    const struct pt_flow_paths *paths = table->paths;
    memset(ret_loads, 0, paths->links_len * sizeof(ret_loads[0]));
    for (size_t b = 0; b < paths->blocks_len; b++) {
        const struct flow_block *block = &paths->blocks[b];
        const struct flow_step *steps = paths->steps + block->step;
        uint32_t len = block[1].step - block->step;
        double *carried = table->scratch + 1; /* carried[-1] takes what has arrived */
        memset(table->scratch, 0, ((size_t)len + 1) * sizeof(carried[0]));
        uint32_t end = paths->entry_first[block[1].entry];
        for (uint32_t i = paths->entry_first[block->entry]; i < end; i++) {
            carried[paths->entry_steps[i] - block->step] += table->x[i];
        }
        for (uint32_t i = len; i-- > 0;) {
            ret_loads[steps[i].link] += carried[i];
            carried[steps[i].next == FLOW_LAST ? -1 : (ptrdiff_t)(steps[i].next - block->step)] += carried[i];
        }
    }
}

const double *flow_table_prices(const struct flow_table *table, size_t b, const double *lengths)
{
    const struct flow_block *block = &table->paths->blocks[b];
    const struct flow_step *steps = table->paths->steps + block->step;
    uint32_t len = block[1].step - block->step;
    double *prices = table->scratch + 1;
    double last = 0; /* most steps lead to the one before them: what has just been computed is still at hand */
    prices[-1] = 0;
    for (uint32_t i = 0; i < len; i++) {
        uint32_t next = steps[i].next - block->step;
        double behind = last;
        if (next != i - 1) {
            behind = steps[i].next == FLOW_LAST ? 0 : prices[next];
        }
        last = prices[i] = lengths[steps[i].link] + behind;
    }
    return prices;
}

static double cheapest(const struct pt_flow_paths *paths, uint32_t entry, const double *prices, uint32_t base)
{
    double least = INFINITY;
    for (uint32_t i = paths->entry_first[entry]; i < paths->entry_first[entry + 1]; i++) {
        double price = prices[paths->entry_steps[i] - base];
        least = price < least ? price : least;
    }
    return least;
}

double flow_table_dual(const struct flow_table *table, const double *lengths)
{
    const struct pt_flow_paths *paths = table->paths;
    double sum = 0;
    for (size_t b = 0; b < paths->blocks_len; b++) {
        const struct flow_block *block = &paths->blocks[b];
        const double *prices = flow_table_prices(table, b, lengths);
        for (uint32_t e = block->entry; e < block[1].entry; e++) {
            double least = cheapest(paths, e, prices, block->step);
            sum += table->rate[e] > 0 ? table->rate[e] * least : 0;
        }
    }
    return sum;
}

double flow_table_dual_capped(const struct flow_table *table, const double *lengths, double cap)
{
    const struct pt_flow_paths *paths = table->paths;
    double sum = 0;
    for (size_t b = 0; b < paths->blocks_len; b++) {
        const struct flow_block *block = &paths->blocks[b];
        const double *prices = flow_table_prices(table, b, lengths);
        for (uint32_t e = block->entry; e < block[1].entry; e++) {
            double least = cheapest(paths, e, prices, block->step);
            sum += least < cap ? table->rate[e] * (cap - least) : 0;
        }
    }
    return sum;
}
