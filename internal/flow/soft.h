/*
 * What the objectives' sequential passes share: link lengths that grow exponentially with load, the price of a path,
 * and moving rate between two paths. Private to the folder.
 */
#pragma once

#include "flow/number.h"
#include "flow/solve_priv.h"
#include "flow/table.h"

#define FLOW_LENGTH_LEAST 1e-200 /* of an idle link, against 1 at the full mark: idle paths differ by hops */
#define FLOW_RATE_LEAST 1e-12    /* of a demand: less is nothing */

/* What a walk along a path needs of a link: read together. */
struct flow_priced {
    double length, inverse; /* y; 1 / capacity */
    double own;             /* a price that does not depend on load */
    double load;            /* follows every move from what flow_soft_lengths found */
};

struct flow_price {
    double sum, steep; /* of own + y; of y / capacity */
};

struct flow_soft {
    struct flow_run *run;
    struct flow_table table;
    double *loads;
    double *lengths; /* y, fixed for a block or a pass */
    double *full;    /* capacity that counts as full; 0: closed, no rate may use it */
    struct flow_priced *links;
    uint32_t links_len;
    double a; /* sharpness: y grows by e when load / full grows by 1 / a */
    double *best_x, *best_loads, *best_lengths;
    double value, bound; /* best so far */
    double slack;        /* price times rate below which a demand is left alone */
};

/* False: no memory; flow_soft_fini in any case. The table's x comes from the result's rates. */
bool flow_soft_init(struct flow_soft *soft, struct flow_run *run);
void flow_soft_fini(struct flow_soft *soft);
/* Lengths scale * exp(a (load / full - level)). Returns sum of full * y. */
double flow_soft_lengths(struct flow_soft *soft, double level, double scale);
/* The best answer so far becomes the result: rates, loads, lengths, value and bound. */
void flow_soft_store(const struct flow_soft *soft);
/* Largest load / full. */
double flow_soft_worst(const struct flow_soft *soft);
/* Lengths of the moment, and `own` on top, to soft->lengths: what a block's prices are computed from. */
void flow_soft_freeze(struct flow_soft *soft);
/* Sum of x times (price - cheapest), for prices of a block: what a closer look at an entry could gain. */
double flow_soft_gain(const struct flow_soft *soft, uint32_t entry, const double *prices, uint32_t base, double cap);

/* Move rate from the longest used path of an entry to its shortest: solve_mlu.c says how much. False: nothing to move.
 */
bool flow_soft_balance(struct flow_soft *soft, uint32_t entry);

static inline struct flow_price flow_soft_price(const struct flow_soft *soft, uint32_t step)
{
    const struct flow_step *steps = soft->table.paths->steps;
    struct flow_price price = {0, 0};
    for (; step != FLOW_LAST; step = steps[step].next) {
        struct flow_priced link = soft->links[steps[step].link];
        price.sum += link.length + link.own;
        price.steep += link.length * link.inverse;
    }
    return price;
}

static inline void flow_soft_shift(struct flow_soft *soft, uint32_t step, double rate)
{
    const struct flow_step *steps = soft->table.paths->steps;
    double power = soft->a * rate;
    for (; step != FLOW_LAST; step = steps[step].next) {
        struct flow_priced *link = &soft->links[steps[step].link];
        double z = power * link->inverse;
        link->load += rate;
        link->length *= z < 300 ? flow_exp(z) : 1e130;
        link->length = link->length < 1e250 ? link->length : 1e250;
    }
}
