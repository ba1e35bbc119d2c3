/*
 * Most carried, and least delay: capacities are hard, and a price says how hard.
 *
 * Both minimise a cost that is linear in x while no link may be loaded above its full mark f(e). The passes are those
 * of solve_mlu.c; only the price of a path differs:
 *
 *   MAX_FLOW   y(e) = exp(a (load/f - 1)), and leaving a unit of demand out costs 1: leaving out is one more path, of
 *              fixed price 1. A link whose price reaches 1 is full, so what a pass ends with is nearly feasible.
 *   MIN_DELAY  delay(e) + K exp(a (load/f - 1)); nothing may be left out. K is the mean delay of the shortest paths.
 *
 * An answer is made feasible before it counts. MAX_FLOW scales every path by the worst overload along it, then fills
 * what capacity is left, greedily. MIN_DELAY mixes in so much of the answer of least utilisation as it takes.
 *
 * Bounds: sum f y + sum rate max(0, 1 - shortest), and sum rate * shortest(delay + y) - sum f y.
 */
#include "flow/hard.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHARPNESS_FIRST 20.0
#define SHARPNESS_GROWTH 1.6
#define SHARPNESS_MAX 1e6
#define SOFT_SHARE 0.5  /* of the gap: more due to softness, and sharpness grows */
#define DRIFT 0.5       /* classes before are moved: what has lost less of its restlessness than this in ... */
#define DRIFT_PASSES 10 /* ... so many passes drifts, by prices that sharpness would tell apart */
#define DRIFT_MAX 120.0
#define SLACK_SHARE 0.02
#define NOTHING_SHARE 1e-4 /* of the gap, and of what a class wants: less is not worth another pass */

/* ---- a pass ---------------------------------------------------------------------------------------------------- */

/* Lengths from loads; links that nothing may use keep one that nobody pays. Returns sum f y. */
static double set_lengths(struct flow_hard *hard)
{
    struct flow_soft *soft = &hard->soft;
    double sum = 0;
    for (uint32_t i = 0; i < soft->links_len; i++) {
        struct flow_priced *link = &soft->links[i];
        double power = soft->a * (soft->loads[i] * link->inverse - 1);
        double y = soft->full[i] > 0 ? hard->scale * flow_exp(power < 200 ? power : 200) : FLOW_CLOSED;
        link->length = y > FLOW_LENGTH_LEAST ? y : FLOW_LENGTH_LEAST;
        sum += soft->full[i] * link->length;
    }
    if (hard->class_of != NULL) {
        flow_after_price(hard);
    }
    return sum;
}

struct choice {
    struct flow_price price;
    uint32_t slot; /* UINT32_MAX: leaving out */
};

/* Move rate from the dearest used way of an entry (leaving out is one) to its cheapest. */
static void balance(struct flow_hard *hard, uint32_t entry)
{
    struct flow_soft *soft = &hard->soft;
    const struct pt_flow_paths *paths = soft->table.paths;
    double *x = soft->table.x;
    double nothing = soft->table.rate[entry] * FLOW_RATE_LEAST;
    struct flow_leave *leave = flow_leave_of(hard, entry);
    struct choice out = {.price = {leave->price, leave->price * leave->inverse}, .slot = UINT32_MAX};
    struct choice low = out;
    struct choice high = {.price = {-1, 0}, .slot = UINT32_MAX};
    if (hard->may_leave && hard->left[entry] > nothing) {
        high = out;
    }
    for (uint32_t i = paths->entry_first[entry]; i < paths->entry_first[entry + 1]; i++) {
        struct choice choice = {.price = flow_soft_price(soft, paths->entry_steps[i]), .slot = i};
        low = choice.price.sum < low.price.sum ? choice : low;
        high = x[i] > nothing && choice.price.sum > high.price.sum ? choice : high;
    }
    if (low.slot == high.slot || high.price.sum <= low.price.sum * (1 + 1e-9)) {
        return;
    }
    double steep = high.price.steep / high.price.sum + low.price.steep / low.price.sum;
    double step = flow_log(high.price.sum / low.price.sum) / (soft->a * steep);
    double *from = high.slot == UINT32_MAX ? &hard->left[entry] : &x[high.slot];
    double *to = low.slot == UINT32_MAX ? &hard->left[entry] : &x[low.slot];
    double rate = step < *from ? step : *from;
    *from -= rate;
    *to += rate;
    if (high.slot != UINT32_MAX) {
        flow_soft_shift(soft, paths->entry_steps[high.slot], -rate);
    }
    if (low.slot != UINT32_MAX) {
        flow_soft_shift(soft, paths->entry_steps[low.slot], rate);
    }
    if (leave->inverse > 0 && (high.slot == UINT32_MAX || low.slot == UINT32_MAX)) {
        double more = high.slot == UINT32_MAX ? -rate : rate;
        leave->load += more;
        leave->price = fmin(leave->price * flow_exp(fmin(soft->a * more * leave->inverse, 300)), FLOW_CLOSED);
    }
}

static void pass(struct flow_hard *hard)
{
    struct flow_soft *soft = &hard->soft;
    const struct pt_flow_paths *paths = soft->table.paths;
    for (size_t b = 0; b < paths->blocks_len; b++) {
        flow_soft_freeze(soft);
        uint32_t base = paths->blocks[b].step;
        const double *prices = flow_table_prices(&soft->table, b, soft->lengths);
        for (uint32_t e = paths->blocks[b].entry; e < paths->blocks[b + 1].entry; e++) {
            double leave = flow_leave_of(hard, e)->price;
            double gain = flow_soft_gain(soft, e, prices, base, leave);
            if (hard->may_leave && hard->left[e] > 0) {
                double least = leave;
                for (uint32_t i = paths->entry_first[e]; i < paths->entry_first[e + 1]; i++) {
                    double price = prices[paths->entry_steps[i] - base];
                    least = price < least ? price : least;
                }
                gain += hard->left[e] * (leave - least);
            }
            if (gain > soft->slack) {
                balance(hard, e);
            }
        }
    }
}

/* ---- feasible answers ------------------------------------------------------------------------------------------ */

void flow_hard_loads(struct flow_hard *hard, double *x, double *loads)
{
    double *own = hard->soft.table.x;
    hard->soft.table.x = x;
    flow_table_loads(&hard->soft.table, loads);
    hard->soft.table.x = own;
}

/* Like prices, with the maximum for the sum. */
const double *flow_hard_overloads(struct flow_hard *hard, size_t b, const double *used)
{
    const struct flow_table *table = &hard->soft.table;
    const struct flow_block *block = &table->paths->blocks[b];
    const struct flow_step *steps = table->paths->steps + block->step;
    double *worst = table->scratch + 1;
    worst[-1] = 1;
    for (uint32_t i = 0; i < block[1].step - block->step; i++) {
        double behind = worst[steps[i].next == FLOW_LAST ? -1 : (ptrdiff_t)(steps[i].next - block->step)];
        double here = used[steps[i].link];
        worst[i] = here > behind ? here : behind;
    }
    return worst;
}

static void scale_down(struct flow_hard *hard)
{
    struct flow_soft *soft = &hard->soft;
    const struct pt_flow_paths *paths = soft->table.paths;
    for (uint32_t i = 0; i < soft->links_len; i++) {
        soft->lengths[i] = soft->full[i] > 0 ? soft->loads[i] * soft->links[i].inverse * (1 + 1e-12) : 1e300;
    }
    for (size_t b = 0; b < paths->blocks_len; b++) {
        const double *worst = flow_hard_overloads(hard, b, soft->lengths);
        uint32_t end = paths->entry_first[paths->blocks[b + 1].entry];
        for (uint32_t i = paths->entry_first[paths->blocks[b].entry]; i < end; i++) {
            hard->try_x[i] = soft->table.x[i] / worst[paths->entry_steps[i] - paths->blocks[b].step];
        }
    }
    flow_hard_loads(hard, hard->try_x, hard->try_loads);
}

static double room_on(const struct flow_hard *hard, uint32_t step)
{
    const struct flow_step *steps = hard->soft.table.paths->steps;
    double room = INFINITY;
    for (; step != FLOW_LAST; step = steps[step].next) {
        double here = hard->soft.full[steps[step].link] - hard->try_loads[steps[step].link];
        room = here < room ? here : room;
    }
    return room;
}

double flow_hard_fill(struct flow_hard *hard, uint32_t e, double most)
{
    const struct flow_table *table = &hard->soft.table;
    const struct pt_flow_paths *paths = table->paths;
    double left = table->rate[e];
    double given = 0;
    for (uint32_t i = paths->entry_first[e]; i < paths->entry_first[e + 1]; i++) {
        left -= hard->try_x[i];
    }
    left = fmin(left, most);
    for (uint32_t i = paths->entry_first[e]; i < paths->entry_first[e + 1] && left > table->rate[e] * 1e-9; i++) {
        double room = room_on(hard, paths->entry_steps[i]) * (1 - 1e-12);
        double more = left < room ? left : room;
        for (uint32_t s = paths->entry_steps[i]; more > 0 && s != FLOW_LAST; s = paths->steps[s].next) {
            hard->try_loads[paths->steps[s].link] += more;
        }
        hard->try_x[i] += more > 0 ? more : 0;
        left -= more > 0 ? more : 0;
        given += more > 0 ? more : 0;
    }
    return given;
}

/* Give what is left out what capacity is left over, path by path. */
static void fill_up(struct flow_hard *hard)
{
    for (uint32_t e = 0; e < hard->soft.table.paths->demands_len; e++) {
        (void)flow_hard_fill(hard, e, INFINITY);
    }
}

/* As much of the safe answer as brings the worst link down to its full mark. */
static void mix_in(struct flow_hard *hard)
{
    struct flow_soft *soft = &hard->soft;
    double share = 0;
    for (uint32_t i = 0; i < soft->links_len; i++) {
        double over = soft->loads[i] - soft->full[i];
        double safe = hard->safe_loads[i] - soft->full[i];
        if (over > 0) {
            double here = safe < 0 ? over / (over - safe) : 1;
            share = here > share ? here : share;
        }
    }
    for (size_t i = 0; i < soft->table.paths->slots_len; i++) {
        hard->try_x[i] = (1 - share) * soft->table.x[i] + share * hard->safe_x[i];
    }
    flow_hard_loads(hard, hard->try_x, hard->try_loads);
}

double flow_hard_value(const struct flow_hard *hard)
{
    const struct pt_flow_paths *paths = hard->soft.table.paths;
    double sum = 0;
    if (hard->may_leave) {
        for (uint32_t e = 0; e < paths->demands_len; e++) {
            for (uint32_t i = paths->entry_first[e]; !flow_is_before(hard, e) && i < paths->entry_first[e + 1]; i++) {
                sum += hard->try_x[i];
            }
        }
        return sum;
    }
    for (uint32_t i = 0; i < hard->soft.links_len; i++) {
        sum += hard->try_loads[i] * hard->soft.links[i].own;
    }
    return sum;
}

/* ---- iterations ------------------------------------------------------------------------------------------------ */

/* The bound; *ret_sum is that of full times length. A length above the price of leaving out says no more than one as
 * dear, and costs: such are cut. */
static double dual(struct flow_hard *hard, double *ret_sum)
{
    struct flow_soft *soft = &hard->soft;
    flow_soft_freeze(soft);
    if (!hard->may_leave) {
        hard->cheapest = flow_table_dual(&soft->table, soft->lengths);
        return hard->cheapest - *ret_sum;
    }
    *ret_sum = 0;
    for (uint32_t i = 0; i < soft->links_len; i++) {
        soft->lengths[i] = fmin(soft->lengths[i], hard->length_max);
        *ret_sum += soft->full[i] * soft->lengths[i];
    }
    if (hard->class_of != NULL) {
        return flow_after_bound(hard, *ret_sum);
    }
    double saved = flow_table_dual_capped(&soft->table, soft->lengths, 1);
    hard->cheapest = hard->wanted - saved;
    return *ret_sum + saved;
}

static void keep_best(struct flow_hard *hard, double bound)
{
    struct flow_soft *soft = &hard->soft;
    double value = flow_hard_value(hard);
    if (hard->may_leave ? value > soft->value : value < soft->value) {
        soft->value = value;
        memcpy(soft->best_x, hard->try_x, soft->table.paths->slots_len * sizeof(double));
        memcpy(soft->best_loads, hard->try_loads, soft->links_len * sizeof(double));
    }
    if (hard->may_leave ? bound < soft->bound : bound > soft->bound) {
        soft->bound = bound;
        for (uint32_t i = 0; i < soft->links_len; i++) { /* as in dual() */
            soft->best_lengths[i] = fmin(soft->links[i].length, hard->length_max);
        }
    }
}

/* A class that finds everything full has a value of nothing, and no share of it is small enough. */
static double gap_of(const struct flow_hard *hard)
{
    const struct flow_soft *soft = &hard->soft;
    double larger = fmax(fabs(soft->value), fabs(soft->bound));
    double apart = fabs(soft->value - soft->bound);
    return apart <= NOTHING_SHARE * soft->run->gap * hard->wanted || !(larger > 0) ? 0 : apart / larger;
}

/* What the gap owes to demands that are not on their cheapest ways: the rest of it is due to softness. */
static double restlessness(struct flow_hard *hard)
{
    struct flow_soft *soft = &hard->soft;
    double paid = 0;
    for (uint32_t i = 0; i < soft->links_len; i++) {
        paid += soft->full[i] > 0 ? soft->loads[i] * (soft->links[i].length + soft->links[i].own) : 0;
    }
    for (uint32_t e = 0; hard->may_leave && e < soft->table.paths->demands_len; e++) {
        paid += hard->left[e] > 0 ? hard->left[e] * flow_leave_of(hard, e)->price : 0;
    }
    return paid - hard->cheapest;
}

void flow_hard_iterate(struct flow_hard *hard)
{
    struct flow_soft *soft = &hard->soft;
    struct flow_run *run = soft->run;
    size_t passes_end = run->result->passes + run->passes_max; /* each class has as many */
    size_t looked = run->result->passes;
    double before = INFINITY;
    soft->a = SHARPNESS_FIRST;
    for (;;) {
        flow_table_loads(&soft->table, soft->loads);
        double sum = set_lengths(hard);
        double bound = dual(hard, &sum);
        double hoped = 0;
        if (hard->class_of != NULL) {
            hoped = flow_after_fit(hard);
        } else if (hard->may_leave) {
            scale_down(hard);
            fill_up(hard);
        } else {
            mix_in(hard);
        }
        keep_best(hard, bound);
        double value_now = hard->class_of != NULL ? hoped : flow_hard_value(hard);
        double gap = gap_of(hard);
        if (gap <= run->gap || run->result->passes >= passes_end || flow_stopped(run)) {
            return;
        }
        double restless = restlessness(hard);
        bool drifts = hard->class_of != NULL && soft->a < DRIFT_MAX && run->result->passes >= looked + DRIFT_PASSES &&
                      restless > before * DRIFT;
        if (run->result->passes >= looked + DRIFT_PASSES) {
            looked = run->result->passes;
            before = restless;
        }
        if ((restless < SOFT_SHARE * fabs(value_now - bound) || drifts) && soft->a < SHARPNESS_MAX) {
            soft->a *= SHARPNESS_GROWTH;
            set_lengths(hard);
        }
        soft->slack = SLACK_SHARE * run->gap * fabs(soft->bound) / (double)soft->table.paths->demands_len;
        pass(hard);
        run->result->passes++;
    }
}

bool flow_hard_init(struct flow_hard *hard, struct flow_run *run, const double *full)
{
    bool fits = flow_soft_init(&hard->soft, run);
    size_t slots_len = run->paths->slots_len;
    hard->left = flow_alloc(run->paths->demands_len, sizeof(double));
    hard->safe_x = flow_alloc(slots_len, sizeof(double));
    hard->safe_loads = flow_alloc(run->graph->links_len, sizeof(double));
    hard->try_x = flow_alloc(slots_len, sizeof(double));
    hard->try_loads = flow_alloc(run->graph->links_len, sizeof(double));
    if (!fits || hard->left == NULL || hard->safe_x == NULL || hard->safe_loads == NULL || hard->try_x == NULL ||
        hard->try_loads == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < hard->soft.links_len; i++) {
        bool open = full[i] > run->graph->links[i].capacity * FLOW_FULL_LEAST;
        hard->soft.full[i] = open ? full[i] : 0;
        hard->soft.links[i].inverse = open ? 1 / full[i] : 0;
    }
    return true;
}

void flow_hard_fini(struct flow_hard *hard)
{
    flow_soft_fini(&hard->soft);
    free(hard->left);
    free(hard->class_of);
    free(hard->least);
    free(hard->before_x);
    free(hard->part_x);
    free(hard->safe_x);
    free(hard->safe_loads);
    free(hard->try_x);
    free(hard->try_loads);
}

/* ---- the objectives -------------------------------------------------------------------------------------------- */

enum pt_code flow_solve_carry(struct flow_run *run, const double *full, uint32_t class_index, struct pt_error *reterr)
{
    struct flow_hard hard = {.may_leave = true, .class_index = class_index, .length_max = 1, .scale = 1};
    hard.leaves[class_index].price = 1;
    enum pt_code code = PT_OK;
    if (flow_hard_init(&hard, run, full)) {
        struct flow_table *table = &hard.soft.table;
        for (size_t e = 0; e < table->paths->demands_len; e++) {
            bool own = run->problem->demands[table->paths->entry_demand[e]].class_index == class_index;
            table->rate[e] = own ? table->rate[e] : 0;
            hard.wanted += table->rate[e];
            hard.left[e] = table->rate[e];
            for (uint32_t i = table->paths->entry_first[e]; i < table->paths->entry_first[e + 1]; i++) {
                table->x[i] = own ? table->x[i] : 0;
                hard.left[e] -= table->x[i];
            }
            hard.left[e] = hard.left[e] > 0 ? hard.left[e] : 0;
        }
        hard.soft.value = hard.wanted > 0 ? -1 : 0;
        hard.soft.bound = hard.wanted > 0 ? INFINITY : 0;
        if (hard.wanted > 0) { /* a class that nobody is in is done: nothing is carried, and no more can be */
            flow_hard_iterate(&hard);
        }
        flow_soft_store(&hard.soft);
    } else {
        code = flow_no_memory(reterr);
    }
    flow_hard_fini(&hard);
    return code;
}

enum pt_code flow_solve_delay(struct flow_run *run, const double *full, struct pt_error *reterr)
{
    struct flow_hard hard = {.length_max = INFINITY};
    hard.leaves[0].price = INFINITY;
    enum pt_code code = PT_OK;
    if (flow_hard_init(&hard, run, full)) {
        struct flow_soft *soft = &hard.soft;
        double rate = 0;
        for (uint32_t i = 0; i < soft->links_len; i++) {
            soft->links[i].own = run->graph->links[i].delay;
        }
        for (size_t e = 0; e < soft->table.paths->demands_len; e++) {
            rate += soft->table.rate[e];
        }
        memcpy(hard.safe_x, soft->table.x, soft->table.paths->slots_len * sizeof(double));
        flow_table_loads(&soft->table, hard.safe_loads);
        flow_soft_freeze(soft); /* no lengths yet: delays alone */
        hard.scale = rate > 0 ? flow_table_dual(&soft->table, soft->lengths) / rate : 0;
        hard.scale = hard.scale > 0 ? hard.scale : 1;
        soft->value = rate > 0 ? INFINITY : 0;
        soft->bound = rate > 0 ? -INFINITY : 0;
        if (rate > 0) {
            flow_hard_iterate(&hard);
        }
        flow_soft_store(soft);
    } else {
        code = flow_no_memory(reterr);
    }
    flow_hard_fini(&hard);
    return code;
}
