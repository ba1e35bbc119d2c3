/*
 * Least worst utilisation, without a linear program.
 *
 * The maximum over links is replaced by a soft one: Phi(x) = sum over links of exp(a load(e) / c(e)). Its gradient
 * gives every link the length y(e) = exp(a u(e)) / c(e), and these lengths, divided by sum c y, are a feasible dual
 * answer, so every pass has a certificate for free: the bound is sum over demands of rate * (shortest of its paths).
 *
 * A pass visits the demands one after the other and moves rate from the longest used path to the shortest, by the step
 * that would make both equally long if each were one link: with P = sum y and Q = sum y/c over a path,
 * log(P1/P2) / (a (Q1/P1 + Q2/P2)). Lengths are kept up to date after every move, which is why a handful of passes
 * does. Most demands have nothing to move. Which ones may have is seen from prices that were fixed at the beginning of
 * a block (cheap: shared suffixes, table.c); only they are looked at closely, with the prices of the moment.
 *
 * a begins soft and grows when passes stop gaining. The soft maximum is within ln(links)/(a u) of the true one.
 */
#include "flow/solve_priv.h"

#include "base/assert.h"
#include "flow/number.h"
#include "flow/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SHARPNESS_FIRST 30.0 /* a times the worst utilisation */
#define SHARPNESS_GROWTH 1.6
#define SHARPNESS_MAX 1e6
#define LENGTH_LEAST 1e-200 /* of an idle link, against 1 for the worst: paths without load differ by hops */
#define RATE_LEAST 1e-12    /* of a demand: less is nothing */
#define SLACK_SHARE 0.02    /* of the gap: what may be left undone by not looking closely */

/* What a walk along a path needs of a link: read together. */
struct priced {
    double length, inverse; /* y, and 1 / capacity */
};

struct mlu {
    struct flow_run *run;
    struct flow_table table;
    double *loads;
    double *lengths;
    struct priced *links;
    double *best_x, *best_loads, *best_lengths;
    double value, bound; /* best so far */
    double sharpness;
    double a;
    double slack; /* price times rate below which a demand is left alone */
};

/* ---- lengths ------------------------------------------------------------------------------------------------------
 */

static double worst_of(const struct mlu *mlu)
{
    const struct pt_flow_graph *graph = mlu->run->graph;
    double worst = 0;
    for (uint32_t i = 0; i < graph->links_len; i++) {
        double used = mlu->loads[i] * mlu->links[i].inverse;
        worst = used > worst ? used : worst;
    }
    return worst;
}

/* Lengths from loads. Returns sum c y. */
static double set_lengths(struct mlu *mlu, double worst)
{
    double sum = 0;
    mlu->a = mlu->sharpness / worst;
    for (uint32_t i = 0; i < mlu->run->graph->links_len; i++) {
        double inverse = mlu->links[i].inverse;
        double e = flow_exp(mlu->a * (mlu->loads[i] * inverse - worst));
        e = e > LENGTH_LEAST ? e : LENGTH_LEAST;
        mlu->lengths[i] = e * inverse;
        mlu->links[i].length = e * inverse;
        sum += e;
    }
    return sum;
}

/* ---- one demand -----------------------------------------------------------------------------------------------------
 */

struct price {
    double sum, steep; /* of y, and of y/c */
};

static struct price price_of(const struct mlu *mlu, uint32_t step)
{
    const struct flow_step *steps = mlu->table.paths->steps;
    struct price price = {0, 0};
    for (; step != FLOW_LAST; step = steps[step].next) {
        struct priced link = mlu->links[steps[step].link];
        price.sum += link.length;
        price.steep += link.length * link.inverse;
    }
    return price;
}

static void shift(struct mlu *mlu, uint32_t step, double rate)
{
    const struct flow_step *steps = mlu->table.paths->steps;
    double power = mlu->a * rate;
    for (; step != FLOW_LAST; step = steps[step].next) {
        struct priced *link = &mlu->links[steps[step].link];
        double z = power * link->inverse;
        link->length *= z < 600 ? flow_exp(z) : 1e260;
    }
}

/* Move rate from the longest used path of an entry to its shortest. */
static void balance(struct mlu *mlu, uint32_t entry)
{
    const struct pt_flow_paths *paths = mlu->table.paths;
    double *x = mlu->table.x;
    double nothing = mlu->table.rate[entry] * RATE_LEAST;
    uint32_t low = 0;
    uint32_t high = 0;
    struct price low_price = {INFINITY, 0};
    struct price high_price = {-1, 0};
    for (uint32_t i = paths->entry_first[entry]; i < paths->entry_first[entry + 1]; i++) {
        struct price price = price_of(mlu, paths->entry_steps[i]);
        if (price.sum < low_price.sum) {
            low_price = price;
            low = i;
        }
        if (x[i] > nothing && price.sum > high_price.sum) {
            high_price = price;
            high = i;
        }
    }
    if (low == high || high_price.sum <= low_price.sum * (1 + 1e-9)) {
        return;
    }
    double step = flow_log(high_price.sum / low_price.sum) /
                  (mlu->a * (high_price.steep / high_price.sum + low_price.steep / low_price.sum));
    double rate = step < x[high] ? step : x[high];
    x[high] -= rate;
    x[low] += rate;
    shift(mlu, paths->entry_steps[high], -rate);
    shift(mlu, paths->entry_steps[low], rate);
}

/* ---- a pass ---------------------------------------------------------------------------------------------------------
 */

/* Could a closer look at the entry gain anything that counts? */
static bool promising(const struct mlu *mlu, uint32_t entry, const double *prices, uint32_t base)
{
    const struct pt_flow_paths *paths = mlu->table.paths;
    const double *x = mlu->table.x;
    double least = INFINITY;
    double sum = 0;
    double carried = 0;
    for (uint32_t i = paths->entry_first[entry]; i < paths->entry_first[entry + 1]; i++) {
        double price = prices[paths->entry_steps[i] - base];
        least = price < least ? price : least;
        sum += x[i] * price;
        carried += x[i];
    }
    return sum - carried * least > mlu->slack;
}

static void pass(struct mlu *mlu)
{
    const struct pt_flow_paths *paths = mlu->table.paths;
    uint32_t links_len = mlu->run->graph->links_len;
    for (size_t b = 0; b < paths->blocks_len; b++) {
        for (uint32_t i = 0; i < links_len; i++) {
            mlu->lengths[i] = mlu->links[i].length;
        }
        const double *prices = flow_table_prices(&mlu->table, b, mlu->lengths);
        for (uint32_t e = paths->blocks[b].entry; e < paths->blocks[b + 1].entry; e++) {
            if (paths->entry_first[e + 1] - paths->entry_first[e] > 1 &&
                promising(mlu, e, prices, paths->blocks[b].step)) {
                balance(mlu, e);
            }
        }
    }
}

static void keep_best(struct mlu *mlu, double value, double bound, double sum)
{
    if (value < mlu->value) {
        mlu->value = value;
        memcpy(mlu->best_x, mlu->table.x, mlu->table.paths->slots_len * sizeof(double));
        memcpy(mlu->best_loads, mlu->loads, mlu->run->graph->links_len * sizeof(double));
    }
    if (bound > mlu->bound) {
        mlu->bound = bound;
        for (uint32_t i = 0; i < mlu->run->graph->links_len; i++) {
            mlu->best_lengths[i] = mlu->lengths[i] / sum;
        }
    }
}

static void iterate(struct mlu *mlu)
{
    struct flow_run *run = mlu->run;
    double gap_before = INFINITY;
    for (;;) {
        flow_table_loads(&mlu->table, mlu->loads);
        double worst = worst_of(mlu);
        if (worst <= 0) {
            mlu->value = mlu->bound = 0;
            return;
        }
        double sum = set_lengths(mlu, worst);
        keep_best(mlu, worst, flow_table_dual(&mlu->table, mlu->lengths) / sum, sum);
        double gap = 1 - mlu->bound / mlu->value;
        if (gap <= run->gap || run->result->passes >= run->passes_max || flow_stopped(run)) {
            return;
        }
        if (gap > gap_before * 0.8 && mlu->sharpness < SHARPNESS_MAX) {
            mlu->sharpness *= SHARPNESS_GROWTH;
            sum = set_lengths(mlu, worst);
        }
        gap_before = gap;
        mlu->slack = SLACK_SHARE * run->gap * worst * sum / (double)mlu->table.paths->demands_len;
        pass(mlu);
        run->result->passes++;
    }
}

enum pt_code flow_solve_mlu(struct flow_run *run, struct pt_error *reterr)
{
    struct mlu mlu = {.run = run, .value = INFINITY, .sharpness = SHARPNESS_FIRST};
    size_t links_len = run->graph->links_len;
    bool fits = flow_table_init(&mlu.table, run->problem, run->result->rates);
    mlu.loads = flow_alloc(links_len, sizeof(double));
    mlu.lengths = flow_alloc(links_len, sizeof(double));
    mlu.links = flow_alloc(links_len, sizeof(mlu.links[0]));
    mlu.best_lengths = flow_alloc(links_len, sizeof(double));
    mlu.best_loads = flow_alloc(links_len, sizeof(double));
    mlu.best_x = malloc((run->paths->slots_len + 1) * sizeof(double));
    enum pt_code code = PT_OK;
    if (!fits || mlu.loads == NULL || mlu.lengths == NULL || mlu.links == NULL || mlu.best_lengths == NULL ||
        mlu.best_loads == NULL || mlu.best_x == NULL) {
        code = flow_no_memory(reterr);
    } else {
        for (uint32_t i = 0; i < links_len; i++) {
            mlu.links[i].inverse = 1 / run->graph->links[i].capacity;
        }
        iterate(&mlu);
        flow_table_store(&mlu.table, mlu.value > 0 ? mlu.best_x : mlu.table.x, run->result->rates);
        memcpy(run->result->loads, mlu.value > 0 ? mlu.best_loads : mlu.loads, links_len * sizeof(double));
        memcpy(run->result->lengths, mlu.best_lengths, links_len * sizeof(double));
        run->result->certificate.value = mlu.value;
        run->result->certificate.bound = mlu.bound;
    }
    flow_table_fini(&mlu.table);
    free(mlu.loads);
    free(mlu.lengths);
    free(mlu.links);
    free(mlu.best_lengths);
    free(mlu.best_loads);
    free(mlu.best_x);
    return code;
}
