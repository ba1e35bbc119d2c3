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
 * The gap has two parts: worst - sum p u, p being the share of each link in sum c y, says how much softer the soft
 * maximum is than the true one, and shrinks as a grows; sum p u - bound says how far demands are from their shortest
 * paths, and shrinks by passes. a begins soft and grows when the first part is the larger one: growing it earlier only
 * makes the steps of later passes shorter.
 */
#include "flow/soft.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SHARPNESS_FIRST 30.0 /* a times the worst utilisation */
#define SHARPNESS_WARM 200.0 /* an answer to begin with is not to be softened */
#define SHARPNESS_GROWTH 1.6
#define SHARPNESS_MAX 1e6
#define SOFT_SHARE 0.5   /* of the gap: more due to softness, and sharpness grows */
#define SLACK_SHARE 0.02 /* of the gap: what may be left undone by not looking closely */

/* Move rate from the longest used path of an entry to its shortest. */
static void balance(struct flow_soft *soft, uint32_t entry)
{
    const struct pt_flow_paths *paths = soft->table.paths;
    double *x = soft->table.x;
    double nothing = soft->table.rate[entry] * FLOW_RATE_LEAST;
    uint32_t low = 0;
    uint32_t high = 0;
    struct flow_price low_price = {INFINITY, 0};
    struct flow_price high_price = {-1, 0};
    for (uint32_t i = paths->entry_first[entry]; i < paths->entry_first[entry + 1]; i++) {
        struct flow_price price = flow_soft_price(soft, paths->entry_steps[i]);
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
                  (soft->a * (high_price.steep / high_price.sum + low_price.steep / low_price.sum));
    double rate = step < x[high] ? step : x[high];
    x[high] -= rate;
    x[low] += rate;
    flow_soft_shift(soft, paths->entry_steps[high], -rate);
    flow_soft_shift(soft, paths->entry_steps[low], rate);
}

static void pass(struct flow_soft *soft)
{
    const struct pt_flow_paths *paths = soft->table.paths;
    for (size_t b = 0; b < paths->blocks_len; b++) {
        flow_soft_freeze(soft);
        const double *prices = flow_table_prices(&soft->table, b, soft->lengths);
        for (uint32_t e = paths->blocks[b].entry; e < paths->blocks[b + 1].entry; e++) {
            if (paths->entry_first[e + 1] - paths->entry_first[e] > 1 &&
                flow_soft_gain(soft, e, prices, paths->blocks[b].step, INFINITY) > soft->slack) {
                balance(soft, e);
            }
        }
    }
}

static void keep_best(struct flow_soft *soft, double value, double bound, double sum)
{
    if (value < soft->value) {
        soft->value = value;
        memcpy(soft->best_x, soft->table.x, soft->table.paths->slots_len * sizeof(double));
        memcpy(soft->best_loads, soft->loads, soft->links_len * sizeof(double));
    }
    if (bound > soft->bound) {
        soft->bound = bound;
        for (uint32_t i = 0; i < soft->links_len; i++) {
            soft->best_lengths[i] = soft->lengths[i] / sum;
        }
    }
}

/* What the lengths of an earlier answer still prove: often enough after a small change. */
static void keep_warm_bound(struct flow_soft *soft)
{
    const struct pt_flow_result *warm = soft->run->options->warm;
    double sum = 0;
    if (warm == NULL || warm->links_len != soft->links_len) {
        return;
    }
    for (uint32_t i = 0; i < soft->links_len; i++) {
        soft->lengths[i] = warm->lengths[i];
        sum += warm->lengths[i] * soft->full[i];
    }
    if (sum > 0) {
        keep_best(soft, INFINITY, flow_table_dual(&soft->table, soft->lengths) / sum, sum);
    }
}

static void iterate(struct flow_soft *soft)
{
    struct flow_run *run = soft->run;
    double sharpness = run->options->warm != NULL ? SHARPNESS_WARM : SHARPNESS_FIRST;
    for (;;) {
        flow_table_loads(&soft->table, soft->loads);
        double worst = flow_soft_worst(soft);
        if (worst <= 0) {
            keep_best(soft, 0, 0, 1);
            return;
        }
        soft->a = sharpness / worst;
        double sum = flow_soft_lengths(soft, worst, 1);
        flow_soft_freeze(soft);
        double bound = flow_table_dual(&soft->table, soft->lengths) / sum;
        keep_best(soft, worst, bound, sum);
        if (1 - soft->bound / soft->value <= run->gap || run->result->passes >= run->passes_max || flow_stopped(run)) {
            return;
        }
        double mean = 0;
        for (uint32_t i = 0; i < soft->links_len; i++) {
            mean += soft->loads[i] * soft->lengths[i];
        }
        mean /= sum;
        if (worst - mean > SOFT_SHARE * (worst - bound) && sharpness < SHARPNESS_MAX) {
            sharpness *= SHARPNESS_GROWTH;
            soft->a = sharpness / worst;
            sum = flow_soft_lengths(soft, worst, 1);
        }
        soft->slack = SLACK_SHARE * run->gap * worst * sum / (double)soft->table.paths->demands_len;
        pass(soft);
        run->result->passes++;
    }
}

enum pt_code flow_solve_mlu(struct flow_run *run, struct pt_error *reterr)
{
    struct flow_soft soft;
    enum pt_code code = PT_OK;
    if (flow_soft_init(&soft, run)) {
        soft.value = INFINITY;
        keep_warm_bound(&soft);
        iterate(&soft);
        flow_soft_store(&soft);
    } else {
        code = flow_no_memory(reterr);
    }
    flow_soft_fini(&soft);
    return code;
}
