/*
 * Max-min fairness: filling with water.
 *
 * All demands of a class rise together, each as its weight says. Between two rises the passes of solve_mlu.c spread
 * what is there, so that a link is full only when nothing can be moved off it. When links stay overfull, demands whose
 * every path leads over one have reached their level: they go back by the last rise and stay (their paths may still
 * change). A demand that has all it asked for stays too. The last ones to stay have the highest level.
 *
 * A rise is as large as room allows while nobody is near a full link, and STEP of the gap otherwise, which is what
 * levels are exact to. At the end every path is scaled by what overload is left along it, and what room is left is
 * given out, lowest first, in steps again.
 *
 * The certificate is about the first level t: every demand gets min(rate, t * weight). Whatever the lengths l,
 * sum of min(rate, t * weight) * shortest <= sum of full * l, which bounds t; l is that of the moment when the first
 * demands stay. Later levels have a certificate of the same kind, group by group: those that are held back together
 * share what full links are left, and for the lengths l of that moment
 *   t <= (sum of full * l - sum over all others of what they had * shortest) / sum over the group of weight * shortest
 * bounds the level t that all of the group could have had while the others kept what they had before the last rise.
 */
#include "flow/levels.h"
#include "flow/soft.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define STEP 0.3        /* of the gap: a rise */
#define SHARPNESS 40.0  /* over a rise: how sharp prices tell a full link from one a rise below */
#define OVER_LIMIT 0.5  /* of a rise: links this much overfull are full; more is taken back */
#define OVER_MAX 2.0    /* of a rise: so much overload is left for later rises to spread */
#define NEAR_WORST 0.15 /* of a rise: this near to the worst link counts as the same place */
#define SETTLE_MAX 200  /* passes after a rise */
#define STALL_PASSES 16
#define ROUNDS_MAX 1000   /* of giving out what is left */
#define RATIO_LEAST 1e-3  /* of prices: less is not worth a look */
#define SERVED (1 - 1e-9) /* of a demand is all of it */
#define NOTHING_LEFT 1e-9 /* of a link's capacity: no more than that, and it is closed to the class */

struct fair {
    struct flow_soft soft;
    double *weight;  /* by entry; 0 when it takes no part */
    uint8_t *stays;  /* by entry */
    double *carried; /* by entry */
    double *resting; /* by link: load of those that stay */
    double step;
    size_t rising;   /* how many still rise */
    uint32_t *group; /* entries held back together */
    uint32_t group_len;
    double gap_sum; /* of those that were, over demands */
    size_t gap_len;
    bool first; /* nobody has been held back yet */
};

/* ---- passes ---------------------------------------------------------------------------------------------------- */

static void balance(struct flow_soft *soft, uint32_t entry)
{
    const struct pt_flow_paths *paths = soft->table.paths;
    double *x = soft->table.x;
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
        if (x[i] > 0 && price.sum > high_price.sum) {
            high_price = price;
            high = i;
        }
    }
    if (low == high || high_price.sum <= low_price.sum * (1 + 1e-6)) {
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

/* By ratio, not by amount: what is full far below the worst link counts as much, for its own demands. */
static bool worth_a_look(const struct flow_soft *soft, uint32_t entry, const double *prices, uint32_t base)
{
    const struct pt_flow_paths *paths = soft->table.paths;
    double least = INFINITY;
    double most = 0;
    for (uint32_t i = paths->entry_first[entry]; i < paths->entry_first[entry + 1]; i++) {
        double price = prices[paths->entry_steps[i] - base];
        least = price < least ? price : least;
        most = soft->table.x[i] > 0 && price > most ? price : most;
    }
    return most > least * (1 + RATIO_LEAST);
}

static void pass(struct fair *fair)
{
    struct flow_soft *soft = &fair->soft;
    const struct pt_flow_paths *paths = soft->table.paths;
    for (size_t b = 0; b < paths->blocks_len; b++) {
        flow_soft_freeze(soft);
        const double *prices = flow_table_prices(&soft->table, b, soft->lengths);
        for (uint32_t e = paths->blocks[b].entry; e < paths->blocks[b + 1].entry; e++) {
            if (paths->entry_first[e + 1] - paths->entry_first[e] > 1 &&
                worth_a_look(soft, e, prices, paths->blocks[b].step)) {
                balance(soft, e);
            }
        }
    }
    soft->run->result->passes++;
}

static double carried(const struct fair *fair, uint32_t entry)
{
    const struct pt_flow_paths *paths = fair->soft.table.paths;
    double sum = 0;
    for (uint32_t i = paths->entry_first[entry]; i < paths->entry_first[entry + 1]; i++) {
        sum += fair->soft.table.x[i];
    }
    return sum;
}

/* What no spreading of these rates can stay below: sum of rate * shortest over sum of full * length. */
static double utilisation_bound(struct fair *fair, double sum)
{
    struct flow_soft *soft = &fair->soft;
    double *demanded = soft->table.rate;
    soft->table.rate = fair->carried;
    for (uint32_t e = 0; e < soft->table.paths->demands_len; e++) {
        fair->carried[e] = carried(fair, e);
    }
    flow_soft_freeze(soft);
    double bound = flow_table_dual(&soft->table, soft->lengths) / sum;
    soft->table.rate = demanded;
    return bound;
}

/* Spread until no link is overfull, or until that is shown to be impossible, or passes stop helping. Returns the worst
 * link's load / full. */
static double settle(struct fair *fair)
{
    struct flow_soft *soft = &fair->soft;
    flow_table_loads(&soft->table, soft->loads);
    double worst = flow_soft_worst(soft);
    double before = INFINITY;
    for (int i = 0; i < SETTLE_MAX && worst > 0 && !flow_stopped(soft->run); i++) {
        double sum = flow_soft_lengths(soft, worst, 1);
        if (i > 0 && (worst <= 1 || utilisation_bound(fair, sum) > 1 + fair->step * OVER_LIMIT)) {
            break;
        }
        if (i % STALL_PASSES == STALL_PASSES - 1) { /* now and then: has it been worth it? */
            if (before - worst < fair->step * 0.01) {
                break;
            }
            before = worst;
        }
        pass(fair);
        flow_table_loads(&soft->table, soft->loads);
        worst = flow_soft_worst(soft);
    }
    return worst;
}

/* ---- who stays ------------------------------------------------------------------------------------------------- */

static void stay(struct fair *fair, uint32_t entry)
{
    fair->stays[entry] = 1;
    fair->rising--;
}

static void hold(struct fair *fair, uint32_t entry)
{
    stay(fair, entry);
    fair->group[fair->group_len++] = entry;
}

/* The cheapest of an entry's paths. */
static double shortest(const struct fair *fair, uint32_t entry)
{
    const struct pt_flow_paths *paths = fair->soft.table.paths;
    double least = INFINITY;
    for (uint32_t i = paths->entry_first[entry]; i < paths->entry_first[entry + 1]; i++) {
        double sum = 0;
        for (uint32_t step = paths->entry_steps[i]; step != FLOW_LAST; step = paths->steps[step].next) {
            sum += fair->soft.lengths[paths->steps[step].link];
        }
        least = sum < least ? sum : least;
    }
    return least;
}

/* The certificate of those that are held back now, by the lengths of the last settling; rates are as they were raised
 * by `rise`. */
static void certify_group(struct fair *fair, double rise)
{
    struct flow_soft *soft = &fair->soft;
    struct pt_flow_result *result = soft->run->result;
    double *demanded = soft->table.rate;
    double room = 0, mass = 0;
    for (uint32_t e = 0; e < soft->table.paths->demands_len; e++) {
        fair->carried[e] = carried(fair, e) / (fair->stays[e] ? 1 : rise);
    }
    for (uint32_t i = 0; i < fair->group_len; i++) {
        fair->carried[fair->group[i]] = carried(fair, fair->group[i]) / rise;
        mass += fair->carried[fair->group[i]] * shortest(fair, fair->group[i]);
    }
    for (uint32_t i = 0; i < soft->links_len; i++) {
        room += soft->full[i] * soft->lengths[i];
    }
    soft->table.rate = fair->carried;
    room -= flow_table_dual(&soft->table, soft->lengths);
    soft->table.rate = demanded;
    double growth = mass > 0 ? (room > 0 ? room : 0) / mass : INFINITY;
    double gap = growth < INFINITY ? growth / (1 + growth) : 1;
    result->level_gap = gap > result->level_gap ? gap : result->level_gap;
    result->level_groups++;
    fair->gap_sum += gap * fair->group_len;
    fair->gap_len += fair->group_len;
}

static void scale(struct fair *fair, uint32_t entry, double factor)
{
    const struct pt_flow_paths *paths = fair->soft.table.paths;
    for (uint32_t i = paths->entry_first[entry]; i < paths->entry_first[entry + 1]; i++) {
        fair->soft.table.x[i] *= factor;
    }
}

/* The least over paths of the worst link along it. */
static double best_way(const struct fair *fair, uint32_t entry)
{
    const struct flow_soft *soft = &fair->soft;
    const struct pt_flow_paths *paths = soft->table.paths;
    double best = INFINITY;
    for (uint32_t i = paths->entry_first[entry]; i < paths->entry_first[entry + 1]; i++) {
        double worst = 0;
        for (uint32_t step = paths->entry_steps[i]; step != FLOW_LAST; step = paths->steps[step].next) {
            uint16_t link = paths->steps[step].link;
            double used = soft->loads[link] * soft->links[link].inverse;
            worst = used > worst ? used : worst;
        }
        best = worst < best ? worst : best;
    }
    return best;
}

/* They go back by the last rise. Returns how many. */
static size_t take_back_group(struct fair *fair, double rise)
{
    if (fair->group_len > 0) {
        certify_group(fair, rise);
    }
    for (uint32_t i = 0; i < fair->group_len; i++) {
        scale(fair, fair->group[i], 1 / rise);
    }
    return fair->group_len;
}

/* Demands that no path leads on for go back by the last rise. Returns how many. */
static size_t hold_back(struct fair *fair, double limit, double rise)
{
    fair->group_len = 0;
    for (uint32_t e = 0; e < fair->soft.table.paths->demands_len; e++) {
        if (fair->weight[e] > 0 && !fair->stays[e] && best_way(fair, e) > limit) {
            hold(fair, e);
        }
    }
    return take_back_group(fair, rise);
}

/* Those at the worst link that rise: what is left to do when nobody else explains it. */
static size_t hold_at_worst(struct fair *fair, double rise)
{
    const struct flow_soft *soft = &fair->soft;
    const struct pt_flow_paths *paths = soft->table.paths;
    double worst = flow_soft_worst(soft) * (1 - 1e-9);
    fair->group_len = 0;
    for (uint32_t e = 0; e < paths->demands_len; e++) {
        bool there = false;
        for (uint32_t i = paths->entry_first[e]; i < paths->entry_first[e + 1] && fair->weight[e] > 0; i++) {
            for (uint32_t step = paths->entry_steps[i]; step != FLOW_LAST && soft->table.x[i] > 0;
                 step = paths->steps[step].next) {
                uint16_t link = paths->steps[step].link;
                there |= soft->loads[link] * soft->links[link].inverse >= worst;
            }
        }
        if (there && !fair->stays[e]) {
            hold(fair, e);
        }
    }
    return take_back_group(fair, rise);
}

/* ---- rising ---------------------------------------------------------------------------------------------------- */

/* By what factor everybody may rise before a link is full; at least one step. */
static double room(struct fair *fair)
{
    struct flow_soft *soft = &fair->soft;
    const struct pt_flow_paths *paths = soft->table.paths;
    double factor = INFINITY;
    flow_table_loads(&soft->table, soft->loads);
    memcpy(soft->best_x, soft->table.x, paths->slots_len * sizeof(double));
    for (uint32_t e = 0; e < paths->demands_len; e++) {
        if (fair->weight[e] > 0 && !fair->stays[e]) {
            scale(fair, e, 0);
        }
    }
    flow_table_loads(&soft->table, fair->resting);
    memcpy(soft->table.x, soft->best_x, paths->slots_len * sizeof(double));
    for (uint32_t i = 0; i < soft->links_len; i++) {
        double rising = soft->loads[i] - fair->resting[i];
        if (rising > soft->loads[i] * 1e-12) {
            double here = (soft->full[i] - fair->resting[i]) / rising;
            factor = here < factor ? here : factor;
        }
    }
    return factor > 1 + fair->step ? factor : 1 + fair->step;
}

static void rise(struct fair *fair, double factor)
{
    for (uint32_t e = 0; e < fair->soft.table.paths->demands_len; e++) {
        if (fair->weight[e] <= 0 || fair->stays[e]) {
            continue;
        }
        double now = carried(fair, e);
        if (now * factor >= fair->soft.table.rate[e]) {
            scale(fair, e, fair->soft.table.rate[e] / now);
            stay(fair, e);
        } else {
            scale(fair, e, factor);
        }
    }
}

/* After a rise: take back what cannot be, the worst place first, because only there is it certain; what is overfull
 * elsewhere may only not have been spread yet. False: the overload is of those that stay; scaling will do. */
static bool take_back(struct fair *fair, double factor)
{
    double limit = 1 + fair->step * OVER_LIMIT;
    double worst = settle(fair);
    while (worst > limit && !flow_stopped(fair->soft.run)) {
        if (fair->first) {
            fair->first = false;
            memcpy(fair->soft.best_lengths, fair->soft.lengths, fair->soft.links_len * sizeof(double));
        }
        double near = worst - fair->step * NEAR_WORST;
        if (hold_back(fair, near > limit ? near : limit, factor) == 0) {
            /* Who has a way left will have moved there by the next rises; only when the overload grows are they held.
             */
            return worst <= 1 + fair->step * OVER_MAX || hold_at_worst(fair, factor) > 0 ||
                   worst <= 1 + 2 * fair->step * OVER_MAX;
        }
        worst = settle(fair);
    }
    return true;
}

static void fill(struct fair *fair)
{
    bool more = true;
    while (more && fair->rising > 0 && !flow_stopped(fair->soft.run)) {
        double factor = room(fair);
        rise(fair, factor);
        more = take_back(fair, factor);
    }
}

/* ---- the end --------------------------------------------------------------------------------------------------- */

/* Who gets all it asked for keeps it, for however little that is, a share of it would be the lowest level of all. The
 * others give way, each path by the worst overload along it; and everybody where those are not enough. */
static void scale_down(struct fair *fair)
{
    struct flow_soft *soft = &fair->soft;
    const struct pt_flow_paths *paths = soft->table.paths;
    double *served = fair->resting;
    memcpy(soft->best_x, soft->table.x, paths->slots_len * sizeof(double));
    for (uint32_t e = 0; e < paths->demands_len; e++) {
        fair->stays[e] = fair->weight[e] > 0 && carried(fair, e) >= soft->table.rate[e] * SERVED;
        if (!fair->stays[e]) {
            scale(fair, e, 0);
        }
    }
    flow_table_loads(&soft->table, served);
    memcpy(soft->table.x, soft->best_x, paths->slots_len * sizeof(double));
    flow_table_loads(&soft->table, soft->loads);
    for (uint32_t e = 0; e < paths->demands_len; e++) {
        for (uint32_t i = paths->entry_first[e]; i < paths->entry_first[e + 1]; i++) {
            double worst = 1;
            for (uint32_t step = paths->entry_steps[i]; step != FLOW_LAST; step = paths->steps[step].next) {
                uint16_t link = paths->steps[step].link;
                double rest = soft->full[link] - served[link];
                double used = rest <= 0        ? INFINITY
                              : fair->stays[e] ? served[link] / soft->full[link]
                                               : (soft->loads[link] - served[link]) / rest;
                used = used == INFINITY ? soft->loads[link] / soft->full[link] : used;
                worst = used * (1 + 1e-12) > worst ? used * (1 + 1e-12) : worst;
            }
            soft->table.x[i] /= worst;
        }
    }
    flow_table_loads(&soft->table, soft->loads);
}

struct level {
    double level;
    uint32_t entry;
};

static int compare_levels(const void *a, const void *b)
{
    const struct level *x = a;
    const struct level *y = b;
    if (x->level != y->level) {
        return x->level < y->level ? -1 : 1;
    }
    return x->entry < y->entry ? -1 : 1;
}

/* Give out what room is left: the lowest first, each up to the next step of levels, round after round. */
static void top_up(struct fair *fair, struct level *levels)
{
    struct flow_soft *soft = &fair->soft;
    const struct pt_flow_paths *paths = soft->table.paths;
    double given = INFINITY;
    for (int round = 0; round < ROUNDS_MAX && given > 0 && !flow_stopped(soft->run); round++) {
        size_t len = 0;
        given = 0;
        for (uint32_t e = 0; e < paths->demands_len; e++) {
            if (fair->weight[e] > 0) {
                levels[len++] = (struct level){.level = carried(fair, e) / fair->weight[e], .entry = e};
            }
        }
        qsort(levels, len, sizeof(levels[0]), compare_levels);
        for (size_t l = 0; l < len; l++) {
            uint32_t e = levels[l].entry;
            double most = levels[l].level * (1 + fair->step) * fair->weight[e];
            double wish = (most < soft->table.rate[e] ? most : soft->table.rate[e]) - levels[l].level * fair->weight[e];
            for (uint32_t i = paths->entry_first[e]; i < paths->entry_first[e + 1] && wish > 0; i++) {
                double free_rate = wish;
                for (uint32_t s = paths->entry_steps[i]; s != FLOW_LAST; s = paths->steps[s].next) {
                    double here = soft->full[paths->steps[s].link] * (1 - 1e-12) - soft->loads[paths->steps[s].link];
                    free_rate = here < free_rate ? here : free_rate;
                }
                for (uint32_t s = paths->entry_steps[i]; free_rate > 0 && s != FLOW_LAST; s = paths->steps[s].next) {
                    soft->loads[paths->steps[s].link] += free_rate;
                }
                soft->table.x[i] += free_rate > 0 ? free_rate : 0;
                wish -= free_rate > 0 ? free_rate : 0;
                given += free_rate > most * 1e-6 ? free_rate : 0;
            }
        }
    }
}

/* Everybody begins with the same small level on the first path. */
static void begin(struct fair *fair, uint32_t class_index)
{
    struct flow_soft *soft = &fair->soft;
    const struct pt_flow_paths *paths = soft->table.paths;
    double least = INFINITY;
    for (uint32_t e = 0; e < paths->demands_len; e++) {
        const struct pt_flow_demand *demand = &soft->run->problem->demands[paths->entry_demand[e]];
        bool own = demand->class_index == class_index && demand->rate > 0 &&
                   paths->entry_first[e] < paths->entry_first[e + 1] && best_way(fair, e) < INFINITY;
        fair->weight[e] = !own ? 0 : demand->weight > 0 ? demand->weight : 1;
        fair->stays[e] = !own;
        fair->rising += own;
        scale(fair, e, 0);
        if (own && demand->rate / fair->weight[e] < least) {
            least = demand->rate / fair->weight[e];
        }
    }
    for (uint32_t i = 0; i < soft->links_len; i++) {
        least = soft->full[i] > 0 && soft->full[i] < least ? soft->full[i] : least;
    }
    for (uint32_t e = 0; e < paths->demands_len; e++) {
        if (fair->weight[e] > 0) {
            soft->table.x[paths->entry_first[e]] = least * 1e-6 * fair->weight[e];
        }
    }
}

static bool fair_init(struct fair *fair, struct flow_run *run, const double *full)
{
    bool fits = flow_soft_init(&fair->soft, run);
    fair->weight = flow_alloc(run->paths->demands_len, sizeof(double));
    fair->stays = flow_alloc(run->paths->demands_len, 1);
    fair->carried = flow_alloc(run->paths->demands_len, sizeof(double));
    fair->resting = flow_alloc(run->graph->links_len, sizeof(double));
    fair->group = flow_alloc(run->paths->demands_len, sizeof(fair->group[0]));
    if (!fits || fair->weight == NULL || fair->stays == NULL || fair->carried == NULL || fair->resting == NULL ||
        fair->group == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < fair->soft.links_len; i++) {
        /* What earlier classes left; next to nothing where they left nothing: demands there stay at that. */
        double least = run->graph->links[i].capacity * NOTHING_LEFT;
        fair->soft.full[i] = full[i] > least ? full[i] : least;
        fair->soft.links[i].inverse = 1 / fair->soft.full[i];
    }
    return true;
}

/* Small problems level by level, nearly exactly. False: fill. */
static enum flow_levels_end climb(struct fair *fair, struct flow_run *run)
{
    struct flow_soft *soft = &fair->soft;
    PT_AUTO(free) uint8_t *shut = flow_alloc(soft->links_len, 1);
    if (shut == NULL) {
        return FLOW_LEVELS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < soft->links_len; i++) {
        shut[i] = soft->full[i] <= run->graph->links[i].capacity * NOTHING_LEFT;
    }
    const struct flow_levels levels = {.run = run,
                                       .paths = run->paths,
                                       .weight = fair->weight,
                                       .rate = soft->table.rate,
                                       .full = soft->full,
                                       .shut = shut};
    return flow_levels_solve(&levels, soft->table.x, soft->best_lengths);
}

/* What still rises when filling stops has no certificate. */
static void uncertified(struct fair *fair)
{
    struct pt_flow_result *result = fair->soft.run->result;
    fair->gap_sum += (double)fair->rising;
    fair->gap_len += fair->rising;
    result->level_gap = fair->rising > 0 ? 1 : result->level_gap;
    double mean = fair->gap_len > 0 ? fair->gap_sum / (double)fair->gap_len : 0;
    result->level_gap_mean = mean > result->level_gap_mean ? mean : result->level_gap_mean; /* the worst class's */
}

enum pt_code flow_solve_fair(struct flow_run *run, const double *full, uint32_t class_index, struct pt_error *reterr)
{
    struct fair fair = {.step = STEP * run->gap, .first = true};
    struct level *levels = flow_alloc(run->paths->demands_len, sizeof(levels[0]));
    enum pt_code code = PT_OK;
    if (fair_init(&fair, run, full) && levels != NULL) {
        fair.soft.a = SHARPNESS / fair.step;
        begin(&fair, class_index);
        if (climb(&fair, run) == FLOW_LEVELS_DONE) {
            run->result->level_gap =
                run->result->level_gap > FLOW_LEVELS_GROWTH ? run->result->level_gap : FLOW_LEVELS_GROWTH;
            run->result->level_gap_mean =
                run->result->level_gap_mean > FLOW_LEVELS_GROWTH ? run->result->level_gap_mean : FLOW_LEVELS_GROWTH;
        } else {
            fill(&fair);
            uncertified(&fair);
        }
        scale_down(&fair);
        top_up(&fair, levels);
        memcpy(fair.soft.best_x, fair.soft.table.x, run->paths->slots_len * sizeof(double));
        flow_table_loads(&fair.soft.table, fair.soft.best_loads);
        flow_soft_store(&fair.soft);
    } else {
        code = flow_no_memory(reterr);
    }
    flow_soft_fini(&fair.soft);
    free(fair.weight);
    free(fair.stays);
    free(fair.carried);
    free(fair.resting);
    free(fair.group);
    free(levels);
    return code;
}
