/*
 * Max-min fair rates, exactly, with a proof for every demand: all demands of a class rise together, and a simplex
 * method moves rate between paths where that lets them rise on. Private to the folder; rise.c says how.
 */
#pragma once

#include "flow/basis.h"
#include "flow/solve_priv.h"
#include "flow/table.h"

#define FLOW_RISE_NOT_LOCKED UINT32_MAX

enum flow_rise_state {
    FLOW_RISE_OUT,     /* takes no part: asks for nothing, or has no path */
    FLOW_RISE_WAITING, /* its class has not begun: carries nothing */
    FLOW_RISE_RISING,  /* carries weight * level */
    FLOW_RISE_FIXED    /* carries `held`: served, or shown to get no more */
};

/* Lengths that showed that no more is possible, and the paths that they close: longer than others of their demand. */
struct flow_cut {
    size_t first, closed_first; /* into cut_links and closed; the next cut says where it ends */
};

struct flow_closed {
    uint32_t entry, slot;
    double excess; /* by the cut's lengths, over the demand's shortest */
};

struct flow_rise {
    struct flow_run *run;
    const struct pt_flow_paths *paths;
    struct flow_table table;
    struct flow_basis basis;
    double level;
    uint32_t class_index;
    size_t rising;
    bool first_set; /* somebody of the class has been held */
    /* By entry. */
    uint32_t *key; /* slot of the path that carries what no other does */
    uint8_t *state;
    double *weight, *held;
    double *taken, *move; /* what the columns carry of it, and how that changes with the level */
    /* By link. */
    double *full;         /* a hair below what may be used, each by another: so that no two are full at once */
    double *load, *drift; /* and how it changes with the level */
    double *pull;         /* how the key paths alone would change it */
    double *lengths;
    uint8_t *done;       /* full for good, and no row: follows from others */
    uint32_t *locked_by; /* the first cut that showed that it stays full, or FLOW_RISE_NOT_LOCKED */
    /* By column. */
    double *y, *dy;
    uint8_t *closed_slot; /* by slot: never used again */
    uint32_t *block_open; /* by block: how many paths are worth a look */
    size_t block_at;      /* where the next look begins */
    uint32_t *order;      /* entries of the class by rate / weight */
    size_t order_len, order_at;
    /* What has been shown: flow_cut_*. */
    struct flow_cut *cuts;
    size_t cuts_len, cuts_cap;
    uint32_t *cut_links;
    double *cut_lengths;
    size_t cut_links_len, cut_links_cap;
    struct flow_closed *closed;
    size_t closed_len, closed_cap;
    double *proof; /* by link: scratch */
    size_t looked; /* slots priced */
    size_t pivots;
};

/* Nothing that enters lets the level rise: the lengths of the moment say so. Holds who cannot rise, closes paths,
 * adds a level to the result. False: no memory. */
bool flow_rise_cut(struct flow_rise *rise);
#define FLOW_RISE_LEAST 1e-9 /* times the largest length: less is rounding */
double flow_rise_least(const struct flow_rise *rise);

enum flow_rise_end {
    FLOW_RISE_DONE,    /* everybody has its rate, and a proof */
    FLOW_RISE_STOPPED, /* rates are feasible; who has no proof may get more */
    FLOW_RISE_NO_MEMORY
};

/* Rates and levels of the result. */
enum flow_rise_end flow_rise_solve(struct flow_run *run);
