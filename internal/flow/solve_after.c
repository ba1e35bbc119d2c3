/*
 * MAX_FLOW, a class after others: all that comes before it may be carried otherwise, but no less of it in all.
 *
 * Demands of all these classes are balanced together (solve_hard.c). What a class before leaves out has a limit: its
 * rates less what it carried. So leaving out is a path over a link of its own whose capacity is that limit, and is
 * priced as links are: exp(a (left / limit - 1)). A class that carries all it asks for has no such way.
 *
 * Bound, for lengths l >= 0 and prices m >= 0 by class before, V being what it carries:
 *   carried <= sum f l + sum rate max(0, 1 - shortest) + sum over classes before (sum rate max(0, m - shortest) - m V)
 *
 * An answer is made feasible class by class: paths of the classes before are scaled down to what links hold, and filled
 * up to V, before the class at hand counts; where they still lack some, they get so much of their old way as it takes,
 * but for a tenth of the gap. The class at hand is scaled to what room is left, and fills it up.
 */
#include "flow/hard.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PRICE_MAX 1e4 /* of a length that counts in a bound */
#define ALL 1e-9      /* of a class left out is nothing */
#define DEAR 8.0      /* price of what is just full, when leaving out a unit of the class at hand costs 1 */
#define HALVINGS 40
#define SPARE 0.1 /* of the gap: so much of what a class before carries may be lost by moving it */

/* What is dearer than at its full mark is used a little more than it holds, by log(price / DEAR) / a, and an answer in
 * which the classes before lack that little has no room for the class at hand: so the mark is dear. */
void flow_after_price(struct flow_hard *hard)
{
    for (uint32_t k = 0; k < hard->class_index; k++) {
        hard->leaves[k].load = 0;
    }
    for (uint32_t e = 0; e < hard->soft.table.paths->demands_len; e++) {
        flow_leave_of(hard, e)->load += hard->left[e];
    }
    for (uint32_t k = 0; k < hard->class_index; k++) {
        struct flow_leave *leave = &hard->leaves[k];
        double power = hard->soft.a * (leave->load * leave->inverse - 1);
        leave->price = leave->inverse > 0 ? DEAR * flow_exp(power < 200 ? power : 200) : FLOW_CLOSED;
    }
}

/* The least that a class before adds to the bound: at the price up to which there is as much as it carries. Any price
 * is one; that of the moment is too far from it while little moves. */
static double bound_before(const struct flow_hard *hard, uint32_t k)
{
    const struct flow_table *table = &hard->soft.table;
    double low = 0, high = PRICE_MAX;
    for (int i = 0; i < HALVINGS; i++) {
        double price = (low + high) / 2, nearer = 0;
        for (uint32_t e = 0; e < table->paths->demands_len; e++) {
            nearer += hard->class_of[e] == k && hard->least[e] < price ? table->rate[e] : 0;
        }
        *(nearer < hard->leaves[k].carried ? &low : &high) = price;
    }
    double more = -high * hard->leaves[k].carried;
    for (uint32_t e = 0; e < table->paths->demands_len; e++) {
        more += hard->class_of[e] == k ? table->rate[e] * fmax(0, high - hard->least[e]) : 0;
    }
    return more;
}

double flow_after_bound(struct flow_hard *hard, double sum)
{
    const struct flow_table *table = &hard->soft.table;
    const struct pt_flow_paths *paths = table->paths;
    double bound = sum;
    hard->cheapest = 0;
    for (size_t b = 0; b < paths->blocks_len; b++) {
        const struct flow_block *block = &paths->blocks[b];
        const double *prices = flow_table_prices(table, b, hard->soft.lengths);
        for (uint32_t e = block->entry; e < block[1].entry; e++) {
            double least = PRICE_MAX;
            for (uint32_t i = paths->entry_first[e]; i < paths->entry_first[e + 1]; i++) {
                least = fmin(least, prices[paths->entry_steps[i] - block->step]);
            }
            hard->least[e] = least;
            hard->cheapest += table->rate[e] * fmin(least, flow_leave_of(hard, e)->price);
            bound += flow_is_before(hard, e) ? 0 : table->rate[e] * fmax(0, 1 - least);
        }
    }
    for (uint32_t k = 0; k < hard->class_index; k++) {
        bound += bound_before(hard, k);
    }
    return fmin(bound, hard->wanted);
}

/* ---- feasible answers ------------------------------------------------------------------------------------------ */

/* Rates of the classes before, or of the class at hand, of the newest answer: x by entry slot. */
static void take_part(const struct flow_hard *hard, bool before, double *x)
{
    const struct flow_table *table = &hard->soft.table;
    for (uint32_t e = 0; e < table->paths->demands_len; e++) {
        bool counts = flow_is_before(hard, e) == before;
        for (uint32_t i = table->paths->entry_first[e]; i < table->paths->entry_first[e + 1]; i++) {
            x[i] = counts ? table->x[i] : 0;
        }
    }
}

/* Add x to try_x, each path scaled by the worst of its links: what x loads it with over what room there is. */
static void add_scaled(struct flow_hard *hard, double *x)
{
    struct flow_soft *soft = &hard->soft;
    const struct pt_flow_paths *paths = soft->table.paths;
    double *used = soft->lengths; /* prices are made anew before they are used */
    flow_hard_loads(hard, x, used);
    for (uint32_t i = 0; i < soft->links_len; i++) {
        double room = soft->full[i] - hard->try_loads[i];
        used[i] = room > soft->full[i] * FLOW_FULL_LEAST ? used[i] / room * (1 + 1e-12) : 1e300;
    }
    for (size_t b = 0; b < paths->blocks_len; b++) {
        const double *worst = flow_hard_overloads(hard, b, used);
        uint32_t end = paths->entry_first[paths->blocks[b + 1].entry];
        for (uint32_t i = paths->entry_first[paths->blocks[b].entry]; i < end; i++) {
            hard->try_x[i] += x[i] / worst[paths->entry_steps[i] - paths->blocks[b].step];
        }
    }
    flow_hard_loads(hard, hard->try_x, hard->try_loads);
}

static void start_empty(struct flow_hard *hard)
{
    memset(hard->try_x, 0, hard->soft.table.paths->slots_len * sizeof(double));
    memset(hard->try_loads, 0, hard->soft.links_len * sizeof(double));
}

/* The classes before into try_x, filled up to what they must carry. Returns how much of their old way it takes until
 * none of them lacks more than SPARE of the gap: 0 to 1. */
static double fit_before(struct flow_hard *hard)
{
    const struct pt_flow_paths *paths = hard->soft.table.paths;
    double lacking[PT_FLOW_CLASSES_MAX];
    double share = 0;
    start_empty(hard);
    take_part(hard, true, hard->part_x);
    add_scaled(hard, hard->part_x);
    for (uint32_t k = 0; k < hard->class_index; k++) {
        lacking[k] = hard->leaves[k].carried;
    }
    for (uint32_t e = 0; e < paths->demands_len; e++) {
        for (uint32_t i = paths->entry_first[e]; flow_is_before(hard, e) && i < paths->entry_first[e + 1]; i++) {
            lacking[hard->class_of[e]] -= hard->try_x[i];
        }
    }
    for (uint32_t e = 0; e < paths->demands_len; e++) {
        if (flow_is_before(hard, e) && lacking[hard->class_of[e]] > 0) {
            lacking[hard->class_of[e]] -= flow_hard_fill(hard, e, lacking[hard->class_of[e]]);
        }
    }
    for (uint32_t k = 0; k < hard->class_index; k++) {
        double spare = hard->leaves[k].carried * hard->soft.run->gap * SPARE;
        share = lacking[k] > spare ? fmax(share, 1 - spare / lacking[k]) : share;
    }
    return share;
}

/* The class at hand on what room there is. */
static void fit_class(struct flow_hard *hard)
{
    const struct pt_flow_paths *paths = hard->soft.table.paths;
    take_part(hard, false, hard->part_x);
    add_scaled(hard, hard->part_x);
    for (uint32_t e = 0; e < paths->demands_len; e++) {
        if (!flow_is_before(hard, e)) {
            (void)flow_hard_fill(hard, e, INFINITY);
        }
    }
}

double flow_after_fit(struct flow_hard *hard)
{
    double share = fit_before(hard);
    memcpy(hard->before_x, hard->try_x, hard->soft.table.paths->slots_len * sizeof(double));
    fit_class(hard);
    double hoped = flow_hard_value(hard);
    if (share > 0) {
        for (size_t i = 0; i < hard->soft.table.paths->slots_len; i++) {
            hard->try_x[i] = (1 - share) * hard->before_x[i] + share * hard->safe_x[i];
        }
        flow_hard_loads(hard, hard->try_x, hard->try_loads);
        fit_class(hard);
    }
    return hoped;
}

/* ---- the class ------------------------------------------------------------------------------------------------- */

/* What the answer so far carries: of classes before it is what must be, and a way that is feasible. */
static void take_entry(struct flow_hard *hard, uint32_t e, uint32_t class_index)
{
    struct flow_table *table = &hard->soft.table;
    bool counts = class_index <= hard->class_index;
    double carried = 0;
    table->rate[e] = counts ? table->rate[e] : 0;
    hard->class_of[e] = (uint8_t)(counts ? class_index : hard->class_index);
    for (uint32_t i = table->paths->entry_first[e]; i < table->paths->entry_first[e + 1]; i++) {
        table->x[i] = counts ? table->x[i] : 0;
        hard->safe_x[i] = flow_is_before(hard, e) ? table->x[i] : 0;
        carried += table->x[i];
    }
    hard->left[e] = fmax(0, table->rate[e] - carried);
    hard->leaves[hard->class_of[e]].carried += carried;
    hard->leaves[hard->class_of[e]].load += hard->left[e];
}

/* A class that carries all, but for rounding, has nothing to leave out. */
static void close_class(struct flow_hard *hard, uint32_t k)
{
    struct flow_leave *leave = &hard->leaves[k];
    struct flow_table *table = &hard->soft.table;
    if (leave->load > ALL * leave->carried) {
        leave->inverse = 1 / leave->load;
        return;
    }
    for (uint32_t e = 0; e < table->paths->demands_len; e++) {
        if (hard->class_of[e] == k) {
            table->rate[e] -= hard->left[e];
            hard->left[e] = 0;
        }
    }
}

enum pt_code flow_solve_after(struct flow_run *run, const double *full, uint32_t class_index, struct pt_error *reterr)
{
    struct flow_hard hard = {.may_leave = true, .class_index = class_index, .length_max = PRICE_MAX, .scale = DEAR};
    struct flow_soft *soft = &hard.soft;
    hard.leaves[class_index].price = 1;
    bool fits = flow_hard_init(&hard, run, full);
    hard.class_of = flow_alloc(run->paths->demands_len, sizeof(hard.class_of[0]));
    hard.before_x = flow_alloc(run->paths->slots_len, sizeof(double));
    hard.part_x = flow_alloc(run->paths->slots_len, sizeof(double));
    hard.least = flow_alloc(run->paths->demands_len, sizeof(double));
    if (!fits || hard.class_of == NULL || hard.before_x == NULL || hard.part_x == NULL || hard.least == NULL) {
        flow_hard_fini(&hard);
        return flow_no_memory(reterr);
    }
    for (uint32_t e = 0; e < run->paths->demands_len; e++) {
        take_entry(&hard, e, run->problem->demands[run->paths->entry_demand[e]].class_index);
        hard.wanted += hard.class_of[e] == class_index ? soft->table.rate[e] : 0;
    }
    for (uint32_t k = 0; k < class_index; k++) {
        close_class(&hard, k);
    }
    memcpy(soft->best_x, soft->table.x, run->paths->slots_len * sizeof(double));
    flow_table_loads(&soft->table, soft->best_loads);
    soft->value = hard.leaves[class_index].carried;
    soft->bound = hard.wanted;
    flow_hard_iterate(&hard);
    flow_soft_store(soft);
    flow_hard_fini(&hard);
    return PT_OK;
}
