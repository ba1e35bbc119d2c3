/*
 * Hard capacities: the state that solve_hard.c works on, and what solve_after.c adds to it. Private to the folder.
 */
#pragma once

#include "flow/soft.h"

#define FLOW_CLOSED 1e100    /* price of what must not be used */
#define FLOW_FULL_LEAST 1e-9 /* of a capacity: less is closed */

/* Leaving rate of a class out is one more path for each of its demands. */
struct flow_leave {
    double price;   /* of a unit, at the moment */
    double inverse; /* 0: the price is fixed; else 1 / what may be left out in all: priced as a link is */
    double load;    /* what is left out; follows every move */
    double carried; /* of a class before the one at hand: what is carried of it at least */
};

struct flow_hard {
    struct flow_soft soft;
    bool may_leave;       /* MAX_FLOW */
    uint32_t class_index; /* at hand; others have no rate, or come before it */
    struct flow_leave leaves[PT_FLOW_CLASSES_MAX];
    uint8_t *class_of;           /* by entry; NULL: all are of the class at hand */
    double length_max;           /* MAX_FLOW: longer says no more, and costs */
    double scale;                /* K */
    double wanted;               /* MAX_FLOW: sum of rates of the class */
    double cheapest;             /* sum of rate x cheapest way, leaving out included: of the newest bound */
    double *left;                /* MAX_FLOW, by entry: rate that is left out */
    double *safe_x, *safe_loads; /* a feasible answer to mix in: of classes before, or MIN_DELAY's first */
    double *least;               /* by entry: its cheapest path, under the newest lengths */
    double *before_x, *part_x;   /* room for solve_after.c */
    double *try_x, *try_loads;   /* the answer made feasible */
};

static inline struct flow_leave *flow_leave_of(struct flow_hard *hard, uint32_t entry)
{
    return &hard->leaves[hard->class_of != NULL ? hard->class_of[entry] : hard->class_index];
}

static inline bool flow_is_before(const struct flow_hard *hard, uint32_t entry)
{
    return hard->class_of != NULL && hard->class_of[entry] != hard->class_index;
}

/* ---- solve_hard.c ---------------------------------------------------------------------------------------------- */

bool flow_hard_init(struct flow_hard *hard, struct flow_run *run, const double *full);
void flow_hard_fini(struct flow_hard *hard);
/* What try_x carries of the class at hand, or its delay. */
double flow_hard_value(const struct flow_hard *hard);
void flow_hard_iterate(struct flow_hard *hard);
/* Loads of rates by entry slot. */
void flow_hard_loads(struct flow_hard *hard, double *x, double *loads);
/* Give rate that try_x leaves out what room there is on the entry's paths, at most `most`. Returns how much that is. */
double flow_hard_fill(struct flow_hard *hard, uint32_t entry, double most);
/* Worst of `used` by link along each path of a block, at least 1: of the path that begins with step s at [s - first].
 */
const double *flow_hard_overloads(struct flow_hard *hard, size_t block, const double *used);

/* ---- solve_after.c --------------------------------------------------------------------------------------------- */

/* Prices of leaving classes before out. */
void flow_after_price(struct flow_hard *hard);
/* try_x, feasible: classes before carry what they must. Returns what the class at hand would have if they did so by
 * themselves: what comes of prices, and not of what is kept of their old way. */
double flow_after_fit(struct flow_hard *hard);
/* The bound under soft->lengths, whose sum times full is `sum`. */
double flow_after_bound(struct flow_hard *hard, double sum);
