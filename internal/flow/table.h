/*
 * Rates over a path set in the order in which its steps lie, and the passes that every objective makes over it. Private
 * to the folder.
 */
#pragma once

#include "flow/paths_priv.h"
#include "flow/solve.h"

struct flow_table {
    const struct pt_flow_paths *paths;
    double *rate;    /* by entry: what is demanded */
    double *x;       /* by entry slot (paths->entry_first): what a path carries */
    double *scratch; /* by step of a block, and one before */
    size_t scratch_len;
};

/* Rates from the problem, x from `rates` by slot. False: no memory. */
bool flow_table_init(struct flow_table *table, const struct pt_flow_problem *problem, const double *rates);
void flow_table_fini(struct flow_table *table);
/* x back to rates by slot. */
void flow_table_store(const struct flow_table *table, const double *x, double *ret_rates);
/* Loads of the links. */
void flow_table_loads(const struct flow_table *table, double *ret_loads);
/* Prices of the paths of a block's entries under `lengths`: the price of the path that begins with step s is
 * result[s - first step of the block]. The memory is the table's. */
const double *flow_table_prices(const struct flow_table *table, size_t block, const double *lengths);
/* Sum over all entries of rate times cheapest path. */
double flow_table_dual(const struct flow_table *table, const double *lengths);
/* Sum over all entries of rate times max(0, cap - cheapest path). */
double flow_table_dual_capped(const struct flow_table *table, const double *lengths, double cap);
