/*
 * How pairs share their paths: by shortest paths and free capacity while nothing is full, by the solver when something
 * is, and in steps from the one to the other. Private to the mod, but for the summary that te.h shows.
 */
#pragma once

#include "mod/te/load.h"
#include "mod/te/te.h"

#define TE_HOLD 1e6 /* as keep_below: the traffic is not known yet */

#define TE_CLASSES_MAX 5U /* TrafficClass 1..5, in the order in which they are served */
#define TE_CLASS_STANDARD 4U

enum te_split_kind { TE_SPLIT_DEFAULT, TE_SPLIT_KEPT, TE_SPLIT_SOLVED, TE_SPLIT_FAIR };

/* Nodes of a solver's graph besides the sites: one between them all; and a path may be longer than there are sites with
 * links, so that the check of its length needs room. */
#define TE_NODES_BESIDE (1 + 2 * (PT_PATH_STACK_LEN_MAX + 1))

struct te_split_problem { /* borrowed; everything a solution is computed from */
    const struct te_update_problem *update;
    const uint32_t *site;        /* by link (resource / 2): where it is */
    const uint32_t *pair;        /* by flow: number of its pair; the flows of one stand together, classes ascending */
    const uint32_t *class_index; /* by flow: its TrafficClass; 0: all of the pair */
    const double *normal;        /* by path: shortest paths and free capacity, in multiples of 1/TE_QUANTUM */
    const double *before;        /* by path: in force now, the same */
    const bool *eligible;        /* by path: good enough to carry traffic while something is full */
    double keep_below; /* what is in force is kept while nothing is fuller than this; 0: never; TE_HOLD: always */
};

struct te_split {
    enum te_split_kind kind;
    double *target;    /* by path, in multiples of 1/TE_QUANTUM */
    double value;      /* highest utilisation under the target */
    double bound, gap; /* the solver's certificate for the flows that it was given; 0 when it was not asked */
    double rounding;   /* largest difference between what the solver said and the weights */
};

/* Pure: the same problem gives the same bits. */
PT_MUST enum pt_code te_split_solve(const struct te_split_problem *problem, struct pt_arena *arena,
                                    struct te_split *ret_split, struct pt_error *reterr);

/* The part of stage "te" behind the paths: sets tiers and weights of pairs with traffic. */
PT_MUST enum pt_code te_split_run(struct pt_plan_pass *pass, const struct te_topology *topology, struct te_paths *paths,
                                  const struct te_solution **ret_solution, struct pt_error *reterr);
