/*
 * Max-min fairness as one walk of a simplex method.
 *
 * The level t is a parameter. Every rising demand carries weight * t, every other what it was held at; rates lie on key
 * paths and on the columns of a basis (basis.h), which keep the links that are full just full. As t grows, rates and
 * loads change linearly, until
 *   - a demand has all it asked for: it is held at that;
 *   - a link becomes full: it has to become a row;
 *   - the rate of a column (or of a key path: then the two change places) comes down to 0: the column has to go.
 * The last two call for a column that enters: a path that is cheaper than the key path of its demand by the lengths
 * that the basis gives the event, or the slack of a row with a negative length. Nothing is lost meanwhile, since what
 * enters begins at 0. So rates are feasible all the time, and t never falls.
 *
 * When nothing can enter, lengths are not negative, everybody who carries something uses only shortest paths, and links
 * with a length are full: sum of full * length = sum of rate * shortest. Whoever rises and has a length on its shortest
 * path is held: rise_cut.c. By the same equation every later answer keeps those links full and those demands on their
 * shortest paths: longer ones are closed, and the link or the column leaves the program.
 *
 * Classes follow each other: those of the first are held, but may still move between their open paths, when the second
 * begins at level 0. So nobody is in the way of a lower class without need.
 *
 * Equal capacities make many links full at one level, and a simplex method may turn in a circle there. Each link
 * therefore has a hair less than it may use, each another (PERTURBED).
 */
#include "flow/rise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PERTURBED 1e-12
#define STILL 1e-11        /* times the largest pull: does not change */
#define LOOK_ENOUGH 2000U  /* paths, before the best so far is taken */
#define CHECK_EVERY 64U    /* pivots */
#define RESIDUAL_MAX 1e-10 /* of a full link */
#define STALLED_MAX 20000U /* pivots at one level */
#define TROUBLE_MAX 8U     /* times that the basis was no good */

enum what { WHAT_NOTHING, WHAT_SERVED, WHAT_LINK, WHAT_COLUMN, WHAT_KEY };

struct event {
    enum what what;
    uint32_t index; /* entry, link, column, or a column of the entry whose key path is meant */
    double step;    /* of the level */
};

struct coming {
    double gain; /* 0: nothing */
    bool slack;
    uint32_t row, entry, slot;
};

/* ---- where everything is --------------------------------------------------------------------------------------- */

static double rate_now(const struct flow_rise *rise, uint32_t e)
{
    return rise->state[e] == FLOW_RISE_RISING  ? rise->weight[e] * rise->level
           : rise->state[e] == FLOW_RISE_FIXED ? rise->held[e]
                                               : 0;
}

static void add_along(const struct pt_flow_paths *paths, uint32_t slot, double by, double *ret_links)
{
    for (uint32_t step = paths->entry_steps[slot]; step != FLOW_LAST; step = paths->steps[step].next) {
        ret_links[paths->steps[step].link] += by;
    }
}

static void set_pull(struct flow_rise *rise)
{
    memset(rise->pull, 0, rise->paths->links_len * sizeof(double));
    for (uint32_t e = 0; e < rise->paths->demands_len; e++) {
        if (rise->state[e] == FLOW_RISE_RISING) {
            add_along(rise->paths, rise->key[e], rise->weight[e], rise->pull);
        }
    }
}

/* Rates of all paths to the table. */
static void spread(struct flow_rise *rise)
{
    const struct flow_basis *basis = &rise->basis;
    double *x = rise->table.x;
    memset(x, 0, rise->paths->slots_len * sizeof(double));
    for (uint32_t e = 0; e < rise->paths->demands_len; e++) {
        if (rise->state[e] == FLOW_RISE_RISING || rise->state[e] == FLOW_RISE_FIXED) {
            double key = rate_now(rise, e) - rise->taken[e];
            x[rise->key[e]] = key > 0 ? key : 0;
        }
    }
    for (uint32_t q = 0; q < basis->len; q++) {
        x[basis->slot[q]] = rise->y[q] > 0 ? rise->y[q] : 0;
    }
}

/* Columns' rates so that the rows' links are just full. Returns by how much the worst was not. */
static double settle(struct flow_rise *rise)
{
    const struct flow_basis *basis = &rise->basis;
    double worst = 0;
    spread(rise);
    flow_table_loads(&rise->table, rise->load);
    for (uint32_t i = 0; i < basis->len; i++) {
        uint32_t link = basis->link[i];
        rise->drift[link] = rise->full[link] - rise->load[link];
        worst = fmax(worst, fabs(rise->drift[link]) / rise->full[link]);
    }
    flow_basis_solve(basis, rise->drift, rise->dy);
    memset(rise->taken, 0, rise->paths->demands_len * sizeof(double));
    for (uint32_t q = 0; q < basis->len; q++) {
        rise->y[q] += rise->dy[q];
        rise->taken[basis->entry[q]] += rise->y[q];
    }
    spread(rise);
    flow_table_loads(&rise->table, rise->load);
    return worst;
}

/* False: the basis is singular. */
static bool refresh(struct flow_rise *rise)
{
    if (settle(rise) <= RESIDUAL_MAX) {
        return true;
    }
    if (!flow_basis_renew(&rise->basis)) {
        return false;
    }
    (void)settle(rise);
    return true;
}

/* ---- the next event -------------------------------------------------------------------------------------------- */

/* How rates and loads change with the level. */
static void direct(struct flow_rise *rise)
{
    const struct flow_basis *basis = &rise->basis;
    flow_basis_solve(basis, rise->pull, rise->dy);
    memcpy(rise->drift, rise->pull, rise->paths->links_len * sizeof(double));
    for (uint32_t q = 0; q < basis->len; q++) {
        rise->move[basis->entry[q]] = 0;
    }
    for (uint32_t q = 0; q < basis->len; q++) {
        rise->dy[q] = -rise->dy[q];
        rise->move[basis->entry[q]] += rise->dy[q];
        if (rise->dy[q] != 0) {
            add_along(rise->paths, basis->slot[q], rise->dy[q], rise->drift);
            add_along(rise->paths, rise->key[basis->entry[q]], -rise->dy[q], rise->drift);
        }
    }
}

static void sooner(struct event *event, enum what what, uint32_t index, double room, double speed)
{
    double step = room > 0 ? room / speed : 0;
    if (step < event->step) {
        *event = (struct event){.what = what, .index = index, .step = step};
    }
}

static struct event next_event(struct flow_rise *rise)
{
    const struct flow_basis *basis = &rise->basis;
    struct event event = {.what = WHAT_NOTHING, .step = INFINITY};
    double most = 0;
    for (; rise->order_at < rise->order_len; rise->order_at++) {
        uint32_t e = rise->order[rise->order_at];
        if (rise->state[e] == FLOW_RISE_RISING) {
            sooner(&event, WHAT_SERVED, e, rise->table.rate[e] / rise->weight[e] - rise->level, 1);
            break;
        }
    }
    for (uint32_t i = 0; i < rise->paths->links_len; i++) {
        most = fmax(most, rise->pull[i]);
    }
    for (uint32_t i = 0; i < rise->paths->links_len; i++) {
        if (rise->drift[i] > most * STILL && !rise->done[i] && basis->row_of[i] == FLOW_NO_ROW) {
            sooner(&event, WHAT_LINK, i, rise->full[i] - rise->load[i], rise->drift[i]);
        }
    }
    for (uint32_t q = 0; q < basis->len; q++) {
        uint32_t e = basis->entry[q];
        double key = (rise->state[e] == FLOW_RISE_RISING ? rise->weight[e] : 0) - rise->move[e];
        if (rise->dy[q] < -most * STILL) {
            sooner(&event, WHAT_COLUMN, q, rise->y[q], -rise->dy[q]);
        }
        if (key < -most * STILL) {
            sooner(&event, WHAT_KEY, q, rate_now(rise, e) - rise->taken[e], -key);
        }
    }
    return event;
}

static void advance(struct flow_rise *rise, double step)
{
    const struct flow_basis *basis = &rise->basis;
    rise->level += step;
    for (uint32_t i = 0; i < rise->paths->links_len; i++) {
        rise->load[i] += rise->drift[i] * step;
    }
    for (uint32_t q = 0; q < basis->len; q++) {
        rise->y[q] += rise->dy[q] * step;
        rise->taken[basis->entry[q]] += rise->dy[q] * step;
    }
}

/* ---- what enters ----------------------------------------------------------------------------------------------- */

double flow_rise_least(const struct flow_rise *rise)
{
    double most = 0;
    for (uint32_t i = 0; i < rise->paths->links_len; i++) {
        most = fmax(most, fabs(rise->lengths[i]));
    }
    return most * FLOW_RISE_LEAST;
}

static void look_at(const struct flow_rise *rise, uint32_t e, const double *prices, uint32_t base,
                    struct coming *coming)
{
    const struct pt_flow_paths *paths = rise->paths;
    double key = prices[paths->entry_steps[rise->key[e]] - base];
    for (uint32_t i = paths->entry_first[e]; i < paths->entry_first[e + 1]; i++) {
        double gain = key - prices[paths->entry_steps[i] - base];
        if (gain > coming->gain && !rise->closed_slot[i]) {
            *coming = (struct coming){.gain = gain, .entry = e, .slot = i};
        }
    }
}

/* The best of what has been looked at when enough has. */
static struct coming find(struct flow_rise *rise)
{
    const struct pt_flow_paths *paths = rise->paths;
    const struct flow_basis *basis = &rise->basis;
    double least = flow_rise_least(rise);
    struct coming coming = {.gain = least};
    size_t looked = 0;
    for (uint32_t i = 0; i < basis->len; i++) {
        double gain = -rise->lengths[basis->link[i]];
        if (gain > coming.gain && rise->locked_by[basis->link[i]] == FLOW_RISE_NOT_LOCKED) {
            coming = (struct coming){.gain = gain, .slack = true, .row = i};
        }
    }
    for (size_t n = 0; n < paths->blocks_len && !(coming.gain > least && looked >= LOOK_ENOUGH); n++) {
        size_t b = rise->block_at;
        rise->block_at = b + 1 < paths->blocks_len ? b + 1 : 0;
        if (rise->block_open[b] == 0) {
            continue;
        }
        const double *prices = flow_table_prices(&rise->table, b, rise->lengths);
        for (uint32_t e = paths->blocks[b].entry; e < paths->blocks[b + 1].entry; e++) {
            if (rise->state[e] == FLOW_RISE_RISING || (rise->state[e] == FLOW_RISE_FIXED && rise->held[e] > 0)) {
                look_at(rise, e, prices, paths->blocks[b].step, &coming);
            }
        }
        looked += rise->block_open[b];
    }
    rise->looked += looked;
    if (coming.gain <= least) {
        coming.gain = 0;
    }
    return coming;
}

/* The key path of the column's demand carries nothing any more and becomes the column. */
static void swap(struct flow_rise *rise, uint32_t column)
{
    uint32_t e = rise->basis.entry[column];
    uint32_t slot = rise->basis.slot[column];
    double key = rate_now(rise, e) - rise->taken[e];
    if (rise->state[e] == FLOW_RISE_RISING) {
        add_along(rise->paths, rise->key[e], -rise->weight[e], rise->pull);
        add_along(rise->paths, slot, rise->weight[e], rise->pull);
    }
    flow_basis_swap(&rise->basis, column);
    rise->key[e] = slot;
    rise->taken[e] += key - rise->y[column];
    rise->y[column] = key;
}

static bool enter_for_link(struct flow_rise *rise, uint32_t link, const struct coming *coming)
{
    if (coming->slack) {
        return flow_basis_replace_row(&rise->basis, coming->row, link);
    }
    if (!flow_basis_grow(&rise->basis, link, coming->entry, coming->slot)) {
        return false;
    }
    rise->y[rise->basis.len - 1] = 0;
    return true;
}

static bool enter_for_column(struct flow_rise *rise, uint32_t column, const struct coming *coming)
{
    uint32_t e = rise->basis.entry[column];
    double left = rise->y[column]; /* 0, but for rounding */
    if (coming->slack ? !flow_basis_shrink(&rise->basis, column, coming->row)
                      : !flow_basis_replace_column(&rise->basis, column, coming->entry, coming->slot)) {
        return false;
    }
    rise->taken[e] -= left;
    rise->y[column] = coming->slack ? rise->y[rise->basis.len] : 0;
    return true;
}

/* ---- the walk -------------------------------------------------------------------------------------------------- */

/* Nothing can enter: who cannot rise is held, and what has stopped to matter goes. */
static bool finish(struct flow_rise *rise, const struct event *event)
{
    struct flow_basis *basis = &rise->basis;
    if (!flow_rise_cut(rise)) {
        return false;
    }
    if (event->what == WHAT_LINK) {
        rise->done[event->index] = 1;
    } else {
        uint32_t best = 0;
        for (uint32_t i = 1; i < basis->len; i++) {
            best = fabs(rise->lengths[basis->link[i]]) > fabs(rise->lengths[basis->link[best]]) ? i : best;
        }
        rise->done[basis->link[best]] = 1;
        const struct coming none = {.slack = true, .row = best};
        (void)enter_for_column(rise, event->index, &none);
    }
    set_pull(rise);
    return true;
}

enum walk { WALK_ON, WALK_TROUBLE, WALK_NO_MEMORY };

static enum walk pivot(struct flow_rise *rise, struct event event)
{
    memset(rise->lengths, 0, rise->paths->links_len * sizeof(double));
    if (event.what == WHAT_KEY) {
        swap(rise, event.index);
        event.what = WHAT_COLUMN;
    }
    if (event.what == WHAT_LINK) {
        flow_basis_lengths_of_link(&rise->basis, event.index, rise->lengths);
    } else {
        flow_basis_lengths_of_column(&rise->basis, event.index, rise->lengths);
    }
    struct coming coming = find(rise);
    rise->pivots++;
    if (coming.gain <= 0) {
        return finish(rise, &event) ? WALK_ON : WALK_NO_MEMORY;
    }
    bool entered = event.what == WHAT_LINK ? enter_for_link(rise, event.index, &coming)
                                           : enter_for_column(rise, event.index, &coming);
    return entered ? WALK_ON : WALK_TROUBLE;
}

static void serve(struct flow_rise *rise, uint32_t e)
{
    rise->state[e] = FLOW_RISE_FIXED;
    rise->held[e] = rise->table.rate[e];
    rise->rising--;
    add_along(rise->paths, rise->key[e], -rise->weight[e], rise->pull);
}

/* Until everybody of the class is held. */
static enum flow_rise_end walk(struct flow_rise *rise)
{
    size_t stalled = 0;
    size_t trouble = 0;
    size_t checked = rise->pivots;
    while (rise->rising > 0) {
        if (flow_stopped(rise->run) || trouble > TROUBLE_MAX || stalled > STALLED_MAX) {
            return FLOW_RISE_STOPPED;
        }
        if (rise->pivots >= checked + CHECK_EVERY || trouble > 0) {
            checked = rise->pivots;
            if (!refresh(rise)) {
                return FLOW_RISE_STOPPED;
            }
            set_pull(rise);
        }
        direct(rise);
        struct event event = next_event(rise);
        if (event.what == WHAT_NOTHING) {
            return FLOW_RISE_STOPPED;
        }
        stalled = event.step > 0 ? 0 : stalled + 1;
        advance(rise, event.step);
        if (event.what == WHAT_SERVED) {
            serve(rise, event.index);
            continue;
        }
        enum walk went = pivot(rise, event);
        if (went == WALK_NO_MEMORY) {
            return FLOW_RISE_NO_MEMORY;
        }
        trouble = went == WALK_TROUBLE ? trouble + 1 : 0;
        if (went == WALK_TROUBLE && !flow_basis_renew(&rise->basis)) {
            return FLOW_RISE_STOPPED;
        }
    }
    return FLOW_RISE_DONE;
}

/* ---- beginning and end ----------------------------------------------------------------------------------------- */

struct wish {
    double level;
    uint32_t entry;
};

static int compare_wishes(const void *a, const void *b)
{
    const struct wish *x = a;
    const struct wish *y = b;
    if (x->level != y->level) {
        return x->level < y->level ? -1 : 1;
    }
    return x->entry < y->entry ? -1 : x->entry > y->entry;
}

/* A class begins to rise. False: no memory. */
static bool begin_class(struct flow_rise *rise, uint32_t class_index)
{
    const struct pt_flow_paths *paths = rise->paths;
    PT_AUTO(free) struct wish *wishes = flow_alloc(paths->demands_len, sizeof(wishes[0]));
    if (wishes == NULL) {
        return false;
    }
    rise->class_index = class_index;
    rise->level = 0;
    rise->first_set = false;
    rise->order_len = rise->order_at = 0;
    for (uint32_t e = 0; e < paths->demands_len; e++) {
        if (rise->state[e] == FLOW_RISE_WAITING &&
            rise->run->problem->demands[paths->entry_demand[e]].class_index == class_index) {
            rise->state[e] = FLOW_RISE_RISING;
            wishes[rise->order_len++] = (struct wish){rise->table.rate[e] / rise->weight[e], e};
        }
    }
    rise->rising = rise->order_len;
    qsort(wishes, rise->order_len, sizeof(wishes[0]), compare_wishes);
    for (size_t i = 0; i < rise->order_len; i++) {
        rise->order[i] = wishes[i].entry;
    }
    memset(rise->block_open, 0, paths->blocks_len * sizeof(rise->block_open[0]));
    for (size_t b = 0; b < paths->blocks_len; b++) {
        for (uint32_t i = paths->entry_first[paths->blocks[b].entry];
             i < paths->entry_first[paths->blocks[b + 1].entry]; i++) {
            rise->block_open[b] += !rise->closed_slot[i];
        }
    }
    set_pull(rise);
    return true;
}

static bool reserve(struct flow_rise *rise)
{
    const struct pt_flow_paths *paths = rise->paths;
    size_t entries = paths->demands_len;
    size_t links = paths->links_len;
    double **numbers[] = {&rise->weight, &rise->held,    &rise->taken, &rise->move, &rise->full, &rise->load,
                          &rise->drift,  &rise->lengths, &rise->pull,  &rise->y,    &rise->dy,   &rise->proof};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        *numbers[i] = flow_alloc(i < 4 ? entries : links + 1, sizeof(double));
        if (*numbers[i] == NULL) {
            return false;
        }
    }
    rise->key = flow_alloc(entries, sizeof(rise->key[0]));
    rise->order = flow_alloc(entries, sizeof(rise->order[0]));
    rise->state = flow_alloc(entries, 1);
    rise->closed_slot = flow_alloc(paths->slots_len, 1);
    rise->done = flow_alloc(links, 1);
    rise->locked_by = flow_alloc(links, sizeof(rise->locked_by[0]));
    rise->block_open = flow_alloc(paths->blocks_len, sizeof(rise->block_open[0]));
    return rise->key != NULL && rise->order != NULL && rise->state != NULL && rise->closed_slot != NULL &&
           rise->done != NULL && rise->locked_by != NULL && rise->block_open != NULL &&
           flow_table_init(&rise->table, rise->run->problem, rise->run->result->rates) &&
           flow_basis_init(&rise->basis, paths, rise->key);
}

static void release(struct flow_rise *rise)
{
    void *const all[] = {rise->weight,      rise->held,        rise->taken,     rise->move,       rise->full,
                         rise->load,        rise->drift,       rise->lengths,   rise->pull,       rise->y,
                         rise->dy,          rise->proof,       rise->key,       rise->order,      rise->state,
                         rise->closed_slot, rise->done,        rise->locked_by, rise->block_open, rise->cuts,
                         rise->cut_links,   rise->cut_lengths, rise->closed};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        free(all[i]);
    }
    flow_table_fini(&rise->table);
    flow_basis_fini(&rise->basis);
}

/* The key path is the one that the earlier answer used most; the first where there is none. */
static void prepare(struct flow_rise *rise)
{
    const struct pt_flow_paths *paths = rise->paths;
    const struct pt_flow_problem *problem = rise->run->problem;
    double share = problem->utilisation_max > 0 ? problem->utilisation_max : 1;
    for (uint32_t e = 0; e < paths->demands_len; e++) {
        const struct pt_flow_demand *demand = &problem->demands[paths->entry_demand[e]];
        bool part = demand->rate > 0 && paths->entry_first[e] < paths->entry_first[e + 1];
        rise->weight[e] = demand->weight > 0 ? demand->weight : 1;
        rise->state[e] = part ? FLOW_RISE_WAITING : FLOW_RISE_OUT;
        rise->key[e] = paths->entry_first[e];
        for (uint32_t i = paths->entry_first[e]; i < paths->entry_first[e + 1]; i++) {
            rise->key[e] = rise->table.x[i] > rise->table.x[rise->key[e]] ? i : rise->key[e];
        }
    }
    for (uint32_t i = 0; i < paths->links_len; i++) {
        uint32_t mixed = (i + 1) * 2654435761U;
        rise->locked_by[i] = FLOW_RISE_NOT_LOCKED;
        rise->full[i] = rise->run->graph->links[i].capacity * share;
        rise->full[i] *= 1 - PERTURBED * (1 + (double)(mixed >> 8) / (1 << 24));
    }
}

enum flow_rise_end flow_rise_solve(struct flow_run *run)
{
    struct flow_rise rise = {.run = run, .paths = run->paths};
    enum flow_rise_end end = FLOW_RISE_NO_MEMORY;
    if (reserve(&rise)) {
        prepare(&rise);
        end = FLOW_RISE_DONE;
        for (uint32_t k = 0; k < flow_classes_len(run->problem) && end == FLOW_RISE_DONE; k++) {
            end = begin_class(&rise, k) ? walk(&rise) : FLOW_RISE_NO_MEMORY;
        }
        (void)refresh(&rise);
        flow_table_store(&rise.table, rise.table.x, run->result->rates);
        memcpy(run->result->loads, rise.load, run->paths->links_len * sizeof(double));
        run->result->passes = rise.looked / (run->paths->slots_len + 1);
    }
    release(&rise);
    return end;
}
