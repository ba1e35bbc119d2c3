/*
 * The oracle: the same problems as linear programs, solved by CLP. For tests and benchmarks only; include it where
 * PT_HAVE_CLP is defined.
 */
#pragma once

#include "flow/solve.h"

#include <coin/Clp_C_Interface.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ORACLE_INFINITE 1.7976931348623157e308

/* A file need not use them all. */
#define ORACLE_FN __attribute__((unused)) static

enum oracle_method { ORACLE_DUAL, ORACLE_PRIMAL, ORACLE_BARRIER };

/* A program under construction, column by column. */
struct oracle_lp {
    int rows_len, cols_len;
    CoinBigIndex entries_len, entries_cap;
    CoinBigIndex *start;
    int cols_cap;
    int *index;
    double *value, *lower, *upper, *cost;
    double *row_lower, *row_upper;
};

ORACLE_FN void oracle_init(struct oracle_lp *lp, int rows_len)
{
    *lp = (struct oracle_lp){.rows_len = rows_len};
    lp->row_lower = calloc((size_t)rows_len + 1, sizeof(double));
    lp->row_upper = calloc((size_t)rows_len + 1, sizeof(double));
}

ORACLE_FN void oracle_column(struct oracle_lp *lp, double cost, double upper)
{
    if (lp->cols_len + 1 >= lp->cols_cap) {
        lp->cols_cap = lp->cols_cap * 2 + 64;
        lp->start = realloc(lp->start, ((size_t)lp->cols_cap + 1) * sizeof(lp->start[0]));
        lp->lower = realloc(lp->lower, (size_t)lp->cols_cap * sizeof(double));
        lp->upper = realloc(lp->upper, (size_t)lp->cols_cap * sizeof(double));
        lp->cost = realloc(lp->cost, (size_t)lp->cols_cap * sizeof(double));
    }
    lp->start[lp->cols_len] = lp->entries_len;
    lp->lower[lp->cols_len] = 0;
    lp->upper[lp->cols_len] = upper;
    lp->cost[lp->cols_len++] = cost;
    lp->start[lp->cols_len] = lp->entries_len;
}

/* An entry of the newest column. */
ORACLE_FN void oracle_entry(struct oracle_lp *lp, int row, double value)
{
    if (lp->entries_len == lp->entries_cap) {
        lp->entries_cap = lp->entries_cap * 2 + 256;
        lp->index = realloc(lp->index, (size_t)lp->entries_cap * sizeof(int));
        lp->value = realloc(lp->value, (size_t)lp->entries_cap * sizeof(double));
    }
    lp->index[lp->entries_len] = row;
    lp->value[lp->entries_len++] = value;
    lp->start[lp->cols_len] = lp->entries_len;
}

ORACLE_FN double oracle_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Minimise. The model stays for its solution: Clp_deleteModel. NULL when it is not solved to optimality. */
ORACLE_FN Clp_Simplex *oracle_solve(const struct oracle_lp *lp, enum oracle_method method, double *ret_seconds)
{
    Clp_Simplex *model = Clp_newModel();
    Clp_setLogLevel(model, 0);
    Clp_loadProblem(model, lp->cols_len, lp->rows_len, lp->start, lp->index, lp->value, lp->lower, lp->upper, lp->cost,
                    lp->row_lower, lp->row_upper);
    double begin = oracle_seconds();
    switch (method) {
    case ORACLE_DUAL:
        Clp_initialDualSolve(model);
        break;
    case ORACLE_PRIMAL:
        Clp_initialPrimalSolve(model);
        break;
    default:
        Clp_initialBarrierSolve(model);
        break;
    }
    if (ret_seconds != NULL) {
        *ret_seconds = oracle_seconds() - begin;
    }
    if (Clp_status(model) != 0) {
        Clp_deleteModel(model);
        return NULL;
    }
    return model;
}

ORACLE_FN void oracle_fini(struct oracle_lp *lp)
{
    free(lp->start);
    free(lp->index);
    free(lp->value);
    free(lp->lower);
    free(lp->upper);
    free(lp->cost);
    free(lp->row_lower);
    free(lp->row_upper);
}

/* ---- programs over a path set: rows are links, then demands; columns are slots --------------------------------- */

ORACLE_FN void oracle_paths(struct oracle_lp *lp, const struct pt_flow_problem *problem, double cost_of_rate,
                            bool delays)
{
    uint32_t *path = calloc(pt_flow_nodes_len(problem->graph), sizeof(path[0]));
    int links_len = (int)pt_flow_links_len(problem->graph);
    for (size_t d = 0; d < problem->demands_len; d++) {
        for (size_t s = pt_flow_paths_first(problem->paths, d); s < pt_flow_paths_first(problem->paths, d + 1); s++) {
            size_t len = pt_flow_path_links(problem->paths, s, path, pt_flow_nodes_len(problem->graph));
            double delay = 0;
            for (size_t i = 0; i < len; i++) {
                delay += pt_flow_link_at(problem->graph, path[i])->delay;
            }
            oracle_column(lp, delays ? delay : cost_of_rate, ORACLE_INFINITE);
            for (size_t i = 0; i < len; i++) {
                oracle_entry(lp, (int)path[i], 1);
            }
            oracle_entry(lp, links_len + (int)d, 1);
        }
    }
    free(path);
}

ORACLE_FN double oracle_full(const struct pt_flow_problem *problem, int link)
{
    return pt_flow_link_at(problem->graph, (uint32_t)link)->capacity *
           (problem->utilisation_max > 0 ? problem->utilisation_max : 1);
}

/* The optimum of MIN_MLU, MAX_FLOW (one class) or MIN_DELAY; NAN when CLP says there is none. The program also goes to
 * an MPS file when one is named. */
ORACLE_FN double oracle_value_mps(const struct pt_flow_problem *problem, enum oracle_method method, double *ret_seconds,
                                  const char *mps)
{
    int links_len = (int)pt_flow_links_len(problem->graph);
    struct oracle_lp lp;
    oracle_init(&lp, links_len + (int)problem->demands_len);
    const bool mlu = problem->objective == PT_FLOW_MIN_MLU;
    for (int i = 0; i < links_len; i++) {
        lp.row_lower[i] = -ORACLE_INFINITE;
        lp.row_upper[i] = mlu ? 0 : oracle_full(problem, i);
    }
    for (size_t d = 0; d < problem->demands_len; d++) {
        lp.row_upper[links_len + (int)d] = problem->demands[d].rate;
        lp.row_lower[links_len + (int)d] = problem->objective == PT_FLOW_MAX_FLOW ? 0 : problem->demands[d].rate;
    }
    oracle_paths(&lp, problem, mlu ? 0 : -1, problem->objective == PT_FLOW_MIN_DELAY);
    if (mlu) {
        oracle_column(&lp, 1, ORACLE_INFINITE);
        for (int i = 0; i < links_len; i++) {
            oracle_entry(&lp, i, -pt_flow_link_at(problem->graph, (uint32_t)i)->capacity);
        }
    }
    Clp_Simplex *model = oracle_solve(&lp, method, ret_seconds);
    double value = NAN;
    if (model != NULL) {
        value = Clp_objectiveValue(model) * (problem->objective == PT_FLOW_MAX_FLOW ? -1 : 1);
        if (mps != NULL) {
            Clp_writeMps(model, mps, 0, 2, 1);
        }
        Clp_deleteModel(model);
    }
    oracle_fini(&lp);
    return value;
}

ORACLE_FN double oracle_value(const struct pt_flow_problem *problem, enum oracle_method method, double *ret_seconds)
{
    return oracle_value_mps(problem, method, ret_seconds, NULL);
}

/* The most that MAX_FLOW's class k can carry when each class before it carries at least `carried` of its own in all;
 * NAN when CLP says there is none. */
ORACLE_FN double oracle_after(const struct pt_flow_problem *problem, uint32_t k, const double *carried)
{
    int links_len = (int)pt_flow_links_len(problem->graph);
    int demands_len = (int)problem->demands_len;
    uint32_t *path = calloc(pt_flow_nodes_len(problem->graph), sizeof(path[0]));
    struct oracle_lp lp;
    oracle_init(&lp, links_len + demands_len + (int)k);
    for (int i = 0; i < links_len; i++) {
        lp.row_lower[i] = -ORACLE_INFINITE;
        lp.row_upper[i] = oracle_full(problem, i);
    }
    for (int d = 0; d < demands_len; d++) {
        bool counts = problem->demands[d].class_index <= k;
        lp.row_lower[links_len + d] = 0;
        lp.row_upper[links_len + d] = counts ? problem->demands[d].rate : 0;
        for (size_t s = pt_flow_paths_first(problem->paths, (size_t)d);
             s < pt_flow_paths_first(problem->paths, (size_t)d + 1); s++) {
            size_t len = pt_flow_path_links(problem->paths, s, path, pt_flow_nodes_len(problem->graph));
            oracle_column(&lp, problem->demands[d].class_index == k ? -1 : 0, ORACLE_INFINITE);
            for (size_t i = 0; i < len; i++) {
                oracle_entry(&lp, (int)path[i], 1);
            }
            oracle_entry(&lp, links_len + d, 1);
            if (problem->demands[d].class_index < k) {
                oracle_entry(&lp, links_len + demands_len + (int)problem->demands[d].class_index, 1);
            }
        }
    }
    for (uint32_t j = 0; j < k; j++) {
        lp.row_lower[links_len + demands_len + (int)j] = carried[j] * (1 - 1e-9);
        lp.row_upper[links_len + demands_len + (int)j] = ORACLE_INFINITE;
    }
    Clp_Simplex *model = oracle_solve(&lp, ORACLE_DUAL, NULL);
    double value = model != NULL ? -Clp_objectiveValue(model) : NAN;
    if (model != NULL) {
        Clp_deleteModel(model);
    }
    oracle_fini(&lp);
    free(path);
    return value;
}

/* One level: most t with weight * t for all that do not stay, and what they have for the others. Who is served or has a
 * price stays. Returns how many do now; 0: CLP gave up. */
ORACLE_FN size_t oracle_level(const struct pt_flow_problem *problem, bool *stays, double *rates)
{
    int links_len = (int)pt_flow_links_len(problem->graph);
    size_t len = problem->demands_len;
    size_t count = 0;
    double cap = INFINITY;
    struct oracle_lp lp;
    oracle_init(&lp, links_len + (int)len);
    for (int i = 0; i < links_len; i++) {
        lp.row_lower[i] = -ORACLE_INFINITE;
        lp.row_upper[i] = oracle_full(problem, i);
    }
    oracle_paths(&lp, problem, 0, false);
    oracle_column(&lp, -1, ORACLE_INFINITE);
    for (size_t d = 0; d < len; d++) {
        double weight = problem->demands[d].weight > 0 ? problem->demands[d].weight : 1;
        lp.row_lower[links_len + (int)d] = stays[d] ? rates[d] * (1 - 1e-9) : 0;
        lp.row_upper[links_len + (int)d] = ORACLE_INFINITE;
        if (!stays[d]) {
            oracle_entry(&lp, links_len + (int)d, -weight);
            cap = fmin(cap, problem->demands[d].rate / weight);
        }
    }
    lp.upper[lp.cols_len - 1] = cap;
    Clp_Simplex *model = oracle_solve(&lp, ORACLE_DUAL, NULL);
    if (model != NULL) {
        double level = Clp_primalColumnSolution(model)[lp.cols_len - 1];
        const double *duals = Clp_dualRowSolution(model);
        for (size_t d = 0; d < len; d++) {
            double weight = problem->demands[d].weight > 0 ? problem->demands[d].weight : 1;
            bool served = level * weight >= problem->demands[d].rate * (1 - 1e-9);
            if (!stays[d] && (served || fabs(duals[links_len + (int)d]) > 1e-9)) {
                stays[d] = true;
                rates[d] = level * weight;
                count++;
            }
        }
        Clp_deleteModel(model);
    }
    oracle_fini(&lp);
    return count;
}

/* Max-min fair rates, exactly: a program a level, class by class; false: CLP gave up, or `seconds` were over. */
ORACLE_FN bool oracle_fair(const struct pt_flow_problem *problem, double seconds, double *ret_rates)
{
    size_t len = problem->demands_len;
    double begin = oracle_seconds();
    bool *stays = calloc(len, sizeof(bool));
    bool solved = true;
    for (uint32_t k = 0; k < PT_FLOW_CLASSES_MAX && solved; k++) {
        size_t rising = 0;
        for (size_t d = 0; d < len; d++) { /* what comes later has nothing yet, and costs nothing */
            stays[d] = problem->demands[d].class_index != k;
            rising += !stays[d];
        }
        while (rising > 0 && solved) {
            size_t held = oracle_level(problem, stays, ret_rates);
            solved = held > 0 && oracle_seconds() - begin < seconds;
            rising -= held;
        }
    }
    free(stays);
    return solved;
}

/* ---- over all paths: flows from each source on each link ------------------------------------------------------- */

/* Least worst utilisation whatever the paths. Rows: links, then (source, node). */
ORACLE_FN double oracle_edge_mlu(const struct pt_flow_graph *graph, const struct pt_flow_demand *demands, size_t len,
                                 double *ret_seconds)
{
    int n = (int)pt_flow_nodes_len(graph);
    int m = (int)pt_flow_links_len(graph);
    struct oracle_lp lp;
    oracle_init(&lp, m + n * n);
    for (int i = 0; i < m; i++) {
        lp.row_lower[i] = -ORACLE_INFINITE;
    }
    for (size_t d = 0; d < len; d++) { /* what arrives at a node from a source stays there */
        int base = m + (int)demands[d].from * n;
        lp.row_lower[base + (int)demands[d].to] += demands[d].rate;
        lp.row_upper[base + (int)demands[d].to] += demands[d].rate;
        lp.row_lower[base + (int)demands[d].from] -= demands[d].rate;
        lp.row_upper[base + (int)demands[d].from] -= demands[d].rate;
    }
    for (int s = 0; s < n; s++) {
        for (int i = 0; i < m; i++) {
            const struct pt_flow_link *link = pt_flow_link_at(graph, (uint32_t)i);
            oracle_column(&lp, 0, ORACLE_INFINITE);
            oracle_entry(&lp, i, 1);
            oracle_entry(&lp, m + s * n + (int)link->from, -1);
            oracle_entry(&lp, m + s * n + (int)link->to, 1);
        }
    }
    oracle_column(&lp, 1, ORACLE_INFINITE);
    for (int i = 0; i < m; i++) {
        oracle_entry(&lp, i, -pt_flow_link_at(graph, (uint32_t)i)->capacity);
    }
    Clp_Simplex *model = oracle_solve(&lp, ORACLE_DUAL, ret_seconds);
    double value = model != NULL ? Clp_objectiveValue(model) : NAN;
    Clp_deleteModel(model);
    oracle_fini(&lp);
    return value;
}
