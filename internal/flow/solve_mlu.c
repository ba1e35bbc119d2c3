/*
 * Least worst utilisation, without a linear program.
 *
 * The maximum over links is replaced by a soft one: Phi(x) = sum over links of exp(a load(e) / c(e)). Its gradient
 * gives every link the length y(e) = exp(a u(e)) / c(e), and these lengths, divided by sum c y, are a feasible dual
 * answer, so every pass ends with a certificate for free. A pass visits the demands one after the other; each moves
 * rate from its longest used path to its shortest by the step that would make both equally long if each were one link:
 * with P = sum y and Q = sum y/c over a path, log(P1/P2) / (a (Q1/P1 + Q2/P2)). Loads and lengths are kept up to date
 * after each demand, which is why some ten passes do.
 *
 * a begins soft and grows as the passes stop gaining. With a u = ln(links)/gap the soft maximum is within the gap of
 * the true one; mostly less is enough.
 */
#include "flow/solve_priv.h"

#include "base/assert.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SHARPNESS_FIRST 30.0
#define SHARPNESS_GROWTH 1.5
#define SHARPNESS_MAX 1e5
#define RATE_LEAST 1e-12 /* of a demand: less is nothing */

struct mlu {
    struct flow_run *run;
    double *loads;
    double *length;    /* y, scaled by exp(-a worst) */
    double *steepness; /* y / c */
    double *best_rates;
    double *best_lengths;
    double value, bound; /* best so far */
    double sharpness;    /* a times worst utilisation */
    double a;
};

static double worst_of(const struct mlu *mlu)
{
    const struct pt_flow_graph *graph = mlu->run->graph;
    double worst = 0;
    for (uint32_t i = 0; i < graph->links_len; i++) {
        double used = mlu->loads[i] / graph->links[i].capacity;
        worst = used > worst ? used : worst;
    }
    return worst;
}

/* Lengths from loads, anew. Returns sum c y. */
static double set_lengths(struct mlu *mlu, double worst)
{
    const struct pt_flow_graph *graph = mlu->run->graph;
    double sum = 0;
    mlu->a = mlu->sharpness / worst;
    for (uint32_t i = 0; i < graph->links_len; i++) {
        double capacity = graph->links[i].capacity;
        double e = exp(mlu->a * (mlu->loads[i] / capacity - worst));
        mlu->length[i] = e / capacity;
        mlu->steepness[i] = e / (capacity * capacity);
        sum += e;
    }
    return sum;
}

static double price(const struct pt_flow_paths *paths, const double *lengths, uint32_t step)
{
    double sum = 0;
    for (; step != FLOW_LAST; step = paths->steps[step].next) {
        sum += lengths[paths->steps[step].link];
    }
    return sum;
}

static double bound_of(const struct mlu *mlu, double sum)
{
    const struct pt_flow_problem *problem = mlu->run->problem;
    const struct pt_flow_paths *paths = mlu->run->paths;
    double bound = 0;
    for (size_t d = 0; d < problem->demands_len; d++) {
        double least = INFINITY;
        for (uint32_t slot = paths->first[d]; slot < paths->first[d + 1]; slot++) {
            double p = price(paths, mlu->length, paths->slots[slot]);
            least = p < least ? p : least;
        }
        bound += problem->demands[d].rate > 0 ? problem->demands[d].rate * least : 0;
    }
    return bound / sum;
}

static void shift(struct mlu *mlu, uint32_t step, double rate)
{
    const struct pt_flow_paths *paths = mlu->run->paths;
    for (; step != FLOW_LAST; step = paths->steps[step].next) {
        uint16_t link = paths->steps[step].link;
        double capacity = mlu->run->graph->links[link].capacity;
        double factor = exp(mlu->a * rate / capacity);
        mlu->loads[link] += rate;
        mlu->length[link] *= factor;
        mlu->steepness[link] *= factor;
    }
}

static void balance(struct mlu *mlu, size_t d)
{
    const struct pt_flow_paths *paths = mlu->run->paths;
    double rate = mlu->run->problem->demands[d].rate;
    double *rates = mlu->run->result->rates;
    uint32_t low = 0;
    uint32_t high = 0;
    double low_price = INFINITY;
    double high_price = -1;
    for (uint32_t slot = paths->first[d]; slot < paths->first[d + 1]; slot++) {
        double p = price(paths, mlu->length, paths->slots[slot]);
        if (p < low_price) {
            low_price = p;
            low = slot;
        }
        if (rates[slot] > rate * RATE_LEAST && p > high_price) {
            high_price = p;
            high = slot;
        }
    }
    if (high_price <= low_price * (1 + 1e-9) || low == high) {
        return;
    }
    double low_steep = price(paths, mlu->steepness, paths->slots[low]);
    double high_steep = price(paths, mlu->steepness, paths->slots[high]);
    double move = rates[high];
    if (low_price > 1e-290 && low_steep > 1e-290) {
        double step = log(high_price / low_price) / (mlu->a * (high_steep / high_price + low_steep / low_price));
        move = step < move ? step : move;
    }
    rates[high] -= move;
    rates[low] += move;
    shift(mlu, paths->slots[high], -move);
    shift(mlu, paths->slots[low], move);
}

static void keep_best(struct mlu *mlu, double value, double bound, double sum)
{
    const struct flow_run *run = mlu->run;
    if (value < mlu->value) {
        mlu->value = value;
        memcpy(mlu->best_rates, run->result->rates, run->result->rates_len * sizeof(double));
    }
    if (bound > mlu->bound) {
        mlu->bound = bound;
        for (uint32_t i = 0; i < run->graph->links_len; i++) {
            mlu->best_lengths[i] = mlu->length[i] / sum;
        }
    }
}

static void iterate(struct mlu *mlu)
{
    struct flow_run *run = mlu->run;
    struct pt_flow_result *result = run->result;
    double gap_before = INFINITY;
    for (;;) {
        flow_add_loads(run->paths, result->rates, mlu->loads);
        double worst = worst_of(mlu);
        if (worst <= 0) {
            mlu->value = mlu->bound = 0;
            break;
        }
        double sum = set_lengths(mlu, worst);
        keep_best(mlu, worst, bound_of(mlu, sum), sum);
        double gap = 1 - mlu->bound / mlu->value;
        if (gap <= run->gap || result->passes >= run->passes_max || flow_stopped(run)) {
            break;
        }
        if (gap > gap_before * 0.8 && mlu->sharpness < SHARPNESS_MAX) {
            mlu->sharpness *= SHARPNESS_GROWTH;
            set_lengths(mlu, worst);
        }
        gap_before = gap;
        for (size_t d = 0; d < run->problem->demands_len; d++) {
            if (run->problem->demands[d].rate > 0 && run->paths->first[d + 1] - run->paths->first[d] > 1) {
                balance(mlu, d);
            }
        }
        result->passes++;
    }
    memcpy(result->rates, mlu->best_rates, result->rates_len * sizeof(double));
    memcpy(result->lengths, mlu->best_lengths, result->links_len * sizeof(double));
}

enum pt_code flow_solve_mlu(struct flow_run *run, struct pt_error *reterr)
{
    struct mlu mlu = {.run = run, .value = INFINITY, .bound = 0, .sharpness = SHARPNESS_FIRST};
    size_t links_len = run->graph->links_len;
    mlu.loads = flow_alloc(links_len, sizeof(double));
    mlu.length = flow_alloc(links_len, sizeof(double));
    mlu.steepness = flow_alloc(links_len, sizeof(double));
    mlu.best_lengths = flow_alloc(links_len, sizeof(double));
    mlu.best_rates = flow_alloc(run->result->rates_len, sizeof(double));
    enum pt_code code = PT_OK;
    if (mlu.loads == NULL || mlu.length == NULL || mlu.steepness == NULL || mlu.best_lengths == NULL ||
        mlu.best_rates == NULL) {
        code = flow_no_memory(reterr);
    } else {
        iterate(&mlu);
    }
    free(mlu.loads);
    free(mlu.length);
    free(mlu.steepness);
    free(mlu.best_lengths);
    free(mlu.best_rates);
    return code;
}
