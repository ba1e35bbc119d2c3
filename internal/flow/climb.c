/*
 * Least worst utilisation, without a linear program.
 *
 * The maximum over links is replaced by a soft one: Phi(x) = sum over links of exp(a load(e) / c(e)). Its gradient
 * gives every link the length y(e) = exp(a u(e)) / c(e), and these lengths, divided by sum c y, are a feasible dual
 * answer: the bound is sum over demands of rate * (shortest of its paths).
 *
 * A round begins with a pass: all paths are priced by the lengths of the moment (cheap: shared suffixes, table.c),
 * which gives the bound, and the entries that would gain by moving rate. Most have nothing to move. The others are
 * balanced one after the other: rate goes from the longest used path to the shortest, by the step that would make both
 * equally long if each were one link: with P = sum y and Q = sum y/c over a path, log(P1/P2) / (a (Q1/P1 + Q2/P2)).
 * Lengths and loads are kept up to date after every move. A sweep over a few thousand entries costs little against a
 * pass over millions of steps, so there are some in a round, until nothing changes any more.
 *
 * The gap has two parts: worst - sum p u, p being the share of each link in sum c y, says how much softer the soft
 * maximum is than the true one, and shrinks as a grows; sum p u - bound says how far demands are from their shortest
 * paths, and shrinks by rounds. a begins soft and grows when the first part is the larger one: growing it earlier only
 * makes the steps of later rounds shorter.
 */
#include "flow/climb.h"

#include <math.h>

#define SHARPNESS_FIRST 0.6 /* times the gap */
#define SHARPNESS_GROWTH 1.6
#define SHARPNESS_MAX 1e6
#define SOFT_SHARE 0.5   /* of the gap: more due to softness, and sharpness grows */
#define SLACK_SHARE 0.02 /* of the gap: what may be left undone by not looking closely */
#define SWEEPS 4U

double flow_climb_sharpness(double gap)
{
    return SHARPNESS_FIRST / gap;
}

static bool met(const struct flow_climb *climb)
{
    return climb->soft.value - climb->soft.bound <= climb->soft.value * climb->run->gap;
}

void flow_climb_bound(struct flow_climb *climb, const double *lengths, double bound, double sum)
{
    if (bound > climb->soft.bound) {
        climb->soft.bound = bound;
        for (uint32_t i = 0; i < climb->soft.links_len; i++) {
            climb->best_lengths[i] = lengths[i] / sum;
        }
    }
}

/* Every path priced by soft.lengths: sum of rate times cheapest. Entries that could gain more than the slack are
 * chosen. */
static double price_layer(const struct flow_soft *soft, struct flow_layer *layer)
{
    const struct pt_flow_paths *paths = layer->table.paths;
    const double *x = layer->table.x;
    double dual = 0;
    layer->chosen_len = 0;
    for (size_t b = 0; b < paths->blocks_len; b++) {
        const struct flow_block *block = &paths->blocks[b];
        const double *prices = flow_table_prices(&layer->table, b, soft->lengths);
        for (uint32_t e = block->entry; e < block[1].entry; e++) {
            double least = INFINITY;
            double paid = 0;
            for (uint32_t i = paths->entry_first[e]; i < paths->entry_first[e + 1]; i++) {
                double price = prices[paths->entry_steps[i] - block->step];
                least = price < least ? price : least;
                paid += x[i] * price;
            }
            if (layer->table.rate[e] > 0) {
                double due = layer->table.rate[e] * least;
                dual += due;
                layer->chosen[layer->chosen_len] = e;
                layer->chosen_len += paid - due > soft->slack;
            }
        }
    }
    return dual;
}

/* Balance what is chosen; what moved stays chosen. */
static void sweep(struct flow_climb *climb)
{
    struct flow_soft *soft = &climb->soft;
    for (size_t k = 0; k < climb->layers_len; k++) {
        struct flow_layer *layer = &climb->layers[k];
        size_t moved = 0;
        soft->table = layer->table;
        for (size_t i = 0; i < layer->chosen_len; i++) {
            uint32_t entry = layer->chosen[i];
            layer->chosen[moved] = entry;
            moved += flow_soft_balance(soft, entry);
        }
        layer->chosen_len = moved;
    }
    for (uint32_t i = 0; i < soft->links_len; i++) {
        soft->loads[i] = soft->links[i].load > 0 ? soft->links[i].load : 0;
    }
    soft->value = flow_soft_worst(soft);
}

static void sweeps(struct flow_climb *climb)
{
    for (uint32_t i = 0; i < SWEEPS && !met(climb); i++) {
        double before = climb->soft.value;
        sweep(climb);
        if (i > 0 && fabs(before - climb->soft.value) < before * climb->run->gap * SLACK_SHARE) {
            break; /* others have to move first */
        }
    }
}

/* A pass, and a bound. Returns the sharpness to go on with. */
static double look(struct flow_climb *climb, double sharpness)
{
    struct flow_soft *soft = &climb->soft;
    soft->a = sharpness / soft->value;
    double sum = flow_soft_lengths(soft, soft->value, 1);
    flow_soft_freeze(soft);
    soft->slack = SLACK_SHARE * climb->run->gap * soft->value * sum / (double)climb->demands_len;
    double dual = 0;
    for (size_t k = 0; k < climb->layers_len; k++) {
        dual += price_layer(soft, &climb->layers[k]);
    }
    climb->passes++;
    flow_climb_bound(climb, soft->lengths, dual / sum, sum);
    double mean = 0;
    for (uint32_t i = 0; i < soft->links_len; i++) {
        mean += soft->loads[i] * soft->lengths[i] / sum;
    }
    bool softness = soft->value - mean > SOFT_SHARE * (soft->value - dual / sum);
    return softness && sharpness < SHARPNESS_MAX ? sharpness * SHARPNESS_GROWTH : sharpness;
}

void flow_climb_run(struct flow_climb *climb, void (*keep)(void *arg, const struct flow_climb *climb), void *keep_arg)
{
    struct flow_soft *soft = &climb->soft;
    double sharpness = flow_climb_sharpness(climb->run->gap);
    double best = INFINITY;
    soft->value = flow_soft_worst(soft);
    while (soft->value > 0) {
        soft->a = sharpness / soft->value;
        flow_soft_lengths(soft, soft->value, 1);
        sweeps(climb);
        if (keep != NULL && soft->value < best) {
            best = soft->value;
            keep(keep_arg, climb);
        }
        if (met(climb) || climb->passes >= climb->run->passes_max || flow_stopped(climb->run)) {
            return;
        }
        sharpness = look(climb, sharpness);
    }
}
