/*
 * Max-min fairness by levels.
 *
 * A level is the program: most t, so that every demand that still rises gets weight * t, every other what it has, and
 * no link carries more than it may. Who cannot get more is seen from the prices: by duality no answer gives a demand
 * with price pi more than gap / pi above its share, so a demand stays when that is next to nothing
 * (FLOW_LEVELS_GROWTH), and when it is served. An interior-point method ends in the middle of the best answers, where
 * everybody who can be held back has a price: as few levels as there can be, and none held back by an accident of a
 * vertex.
 *
 * The method is Mehrotra's: a step of Newton towards the optimum says how far to aim, a second one with the same
 * factors corrects for curvature. Columns: a path's rate v (in units of weight * t0 of its demand), the slack s of a
 * link, t in units of t0, and u, what t has left to a ceiling that nothing reaches. Rows: links (divided by capacity),
 * demands, the ceiling. Paths are many and links few: the demands' rows are diagonal, so they are eliminated, and t's
 * column is a rank-one term; what is left to factor is one dense matrix of links. It is built from differences between
 * the paths of a demand and their mean, so that nothing cancels.
 *
 * Work of an iteration: links^3 / 3, and for each demand the square of the links that its paths touch. WORK_MAX bounds
 * it; beyond that the filling of solve_fair.c is the way.
 */
#include "flow/levels.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WORK_MAX 2e6      /* multiplications of an iteration */
#define ITERATIONS_MAX 80 /* of a level; 15 to 25 do */
#define GAP 1e-5          /* sum of v z at the end, against the level */
#define CEILING 1e4       /* of t, in t0: keeps u from vanishing */
#define GAP_SOUND 1e-3    /* the same, when there is no better */
#define LOST 1e30
#define REFINEMENTS 3
#define FEASIBLE 1e-5     /* largest residual of a row */
#define GIVE 1e-5         /* of a rate that stays: leaves the next level an inside */
#define TO_WALL 0.995     /* of the way to the boundary */
#define SERVED (1 - 1e-5) /* of a demand is all of it */
#define PIVOT_LEAST 1e-14 /* of the diagonal: less is rounding, the row depends on others */
#define PIVOT_FIXED 1e30  /* takes its place: the row's step is next to nothing */
#define TOUCHED_MAX 512   /* links of one demand's paths */

struct hop {      /* a link of a path */
    double value; /* what the link's row has in the path's column: unit of the demand / full of the link */
    uint32_t row;
};

struct solver {
    const struct flow_levels *in;
    uint32_t links, demands, cols; /* rows of links and demands; columns: paths, slacks, t, u */
    uint32_t paths;
    uint32_t *row_link;  /* by row of a link */
    uint32_t *row_entry; /* by demand */
    uint32_t *first;     /* demands + 1: its paths */
    uint32_t *col_slot;  /* by path: slot of x */
    uint32_t *hop_first; /* paths + 1 */
    struct hop *hops;
    double *unit; /* by demand: weight * t0 */
    double *held; /* by demand: its rate in units when it stays; < 0: rises */
    double *v, *z, *dv, *dz, *d, *rd, *rc;
    double *rows, *rhs, *dual, *step, *column, *rp, *rest;
    double *kept_v, *kept_z, *kept_dual; /* the best point so far */ /* links + demands + 1 each */
    double *matrix;                                                  /* links * links, its lower half */
    double *dense;                                                   /* by row of a link, zero between uses */
    double *share;                                                   /* demands: sum of d */
    void *memory;
};

/* ---- rows and columns ------------------------------------------------------------------------------------------ */

/* rows += matrix * v. */
static void add_product(const struct solver *s, const double *v, double *rows)
{
    uint32_t t = s->paths + s->links;
    for (uint32_t k = 0; k < s->demands; k++) {
        for (uint32_t p = s->first[k]; p < s->first[k + 1]; p++) {
            for (uint32_t h = s->hop_first[p]; h < s->hop_first[p + 1]; h++) {
                rows[s->hops[h].row] += v[p] * s->hops[h].value;
            }
            rows[s->links + k] += v[p];
        }
        rows[s->links + k] -= s->held[k] < 0 ? v[t] : 0;
    }
    for (uint32_t i = 0; i < s->links; i++) {
        rows[i] += v[s->paths + i];
    }
    rows[s->links + s->demands] += v[t] + v[t + 1];
}

/* cols = transpose of matrix * dual. */
static void transpose_product(const struct solver *s, const double *dual, double *cols)
{
    uint32_t t = s->paths + s->links;
    cols[t] = cols[t + 1] = dual[s->links + s->demands];
    for (uint32_t k = 0; k < s->demands; k++) {
        for (uint32_t p = s->first[k]; p < s->first[k + 1]; p++) {
            cols[p] = dual[s->links + k];
            for (uint32_t h = s->hop_first[p]; h < s->hop_first[p + 1]; h++) {
                cols[p] += dual[s->hops[h].row] * s->hops[h].value;
            }
        }
        cols[t] -= s->held[k] < 0 ? dual[s->links + k] : 0;
    }
    memcpy(cols + s->paths, dual, s->links * sizeof(double));
}

/* ---- the normal equations -------------------------------------------------------------------------------------- */

/* Mean of a demand's paths, weighted by d, to s->dense; the rows that are touched to `touched`. Returns how many. */
static uint32_t mean_path(struct solver *s, uint32_t k, uint16_t *touched)
{
    uint32_t len = 0;
    for (uint32_t p = s->first[k]; p < s->first[k + 1]; p++) {
        for (uint32_t h = s->hop_first[p]; h < s->hop_first[p + 1]; h++) {
            uint16_t row = (uint16_t)s->hops[h].row;
            if (s->dense[row] == 0) {
                touched[len++] = row;
            }
            s->dense[row] += s->d[p] / s->share[k] * s->hops[h].value;
        }
    }
    return len;
}

static void add_demand(struct solver *s, uint32_t k)
{
    uint16_t touched[TOUCHED_MAX];
    double away[TOUCHED_MAX];
    uint32_t len = mean_path(s, k, touched);
    for (uint32_t p = s->first[k]; p < s->first[k + 1]; p++) {
        for (uint32_t i = 0; i < len; i++) {
            away[i] = -s->dense[touched[i]];
        }
        for (uint32_t h = s->hop_first[p]; h < s->hop_first[p + 1]; h++) {
            uint32_t i = 0;
            while (touched[i] != s->hops[h].row) {
                i++;
            }
            away[i] += s->hops[h].value;
        }
        for (uint32_t i = 0; i < len; i++) {
            double *row = s->matrix + (size_t)touched[i] * s->links;
            for (uint32_t j = 0; j < len; j++) {
                row[touched[j]] += s->d[p] * away[i] * away[j];
            }
        }
    }
    for (uint32_t i = 0; i < len; i++) {
        s->dense[touched[i]] = 0;
    }
}

/* Where rows depend on each other there is no unique step: the later of them gets none. */
static void factor(struct solver *s)
{
    uint32_t n = s->links;
    memset(s->matrix, 0, (size_t)n * n * sizeof(double));
    for (uint32_t k = 0; k < s->demands; k++) {
        s->share[k] = 0;
        for (uint32_t p = s->first[k]; p < s->first[k + 1]; p++) {
            s->share[k] += s->d[p];
        }
        if (s->first[k + 1] - s->first[k] > 1) {
            add_demand(s, k);
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        double *row = s->matrix + (size_t)i * n;
        row[i] += s->d[s->paths + i];
        double diagonal = row[i];
        for (uint32_t j = 0; j <= i; j++) {
            const double *other = s->matrix + (size_t)j * n;
            double sum = row[j];
            for (uint32_t l = 0; l < j; l++) {
                sum -= row[l] * other[l];
            }
            if (i == j && !(sum > diagonal * PIVOT_LEAST)) {
                sum = PIVOT_FIXED;
            }
            row[j] = i == j ? sqrt(sum) : sum / other[j];
        }
    }
}

static void substitute(const struct solver *s, double *y)
{
    uint32_t n = s->links;
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t j = 0; j < i; j++) {
            y[i] -= s->matrix[(size_t)i * n + j] * y[j];
        }
        y[i] /= s->matrix[(size_t)i * n + i];
    }
    for (uint32_t i = n; i-- > 0;) {
        y[i] /= s->matrix[(size_t)i * n + i];
        for (uint32_t j = 0; j < i; j++) {
            y[j] -= s->matrix[(size_t)i * n + j] * y[i];
        }
    }
}

/* Without the column of t: links by the factors, demands and the ceiling by division. In place. */
static void solve_without_t(const struct solver *s, double *rows)
{
    for (uint32_t k = 0; k < s->demands; k++) {
        double each = rows[s->links + k] / s->share[k];
        for (uint32_t p = s->first[k]; p < s->first[k + 1]; p++) {
            for (uint32_t h = s->hop_first[p]; h < s->hop_first[p + 1]; h++) {
                rows[s->hops[h].row] -= s->d[p] * each * s->hops[h].value;
            }
        }
    }
    substitute(s, rows);
    for (uint32_t k = 0; k < s->demands; k++) {
        double sum = rows[s->links + k];
        for (uint32_t p = s->first[k]; p < s->first[k + 1]; p++) {
            for (uint32_t h = s->hop_first[p]; h < s->hop_first[p + 1]; h++) {
                sum -= s->d[p] * s->hops[h].value * rows[s->hops[h].row];
            }
        }
        rows[s->links + k] = sum / s->share[k];
    }
    rows[s->links + s->demands] /= s->d[s->paths + s->links + 1];
}

static double along_t(const struct solver *s, const double *rows)
{
    double sum = rows[s->links + s->demands];
    for (uint32_t k = 0; k < s->demands; k++) {
        sum -= s->held[k] < 0 ? rows[s->links + k] : 0;
    }
    return sum;
}

/* s->column: the column of t through the factors, for the rank-one term. */
static void prepare_t(struct solver *s)
{
    memset(s->column, 0, s->links * sizeof(double));
    for (uint32_t k = 0; k < s->demands; k++) {
        s->column[s->links + k] = s->held[k] < 0 ? -1 : 0;
    }
    s->column[s->links + s->demands] = 1;
    solve_without_t(s, s->column);
}

static void solve_with_t(const struct solver *s, double *rows)
{
    solve_without_t(s, rows);
    double dt = s->d[s->paths + s->links];
    double share = dt * along_t(s, rows) / (1 + dt * along_t(s, s->column));
    for (uint32_t i = 0; i < s->links + s->demands + 1; i++) {
        rows[i] -= share * s->column[i];
    }
}

/* s->step from the right-hand side in s->rows. The rank-one term cancels where t is all that gives; what that costs in
 * digits is won back by solving for the residual. */
static void solve_refined(struct solver *s)
{
    uint32_t rows = s->links + s->demands + 1;
    memcpy(s->step, s->rows, rows * sizeof(double));
    solve_with_t(s, s->step);
    for (int round = 0; round < REFINEMENTS; round++) {
        transpose_product(s, s->step, s->dz);
        for (uint32_t i = 0; i < s->cols; i++) {
            s->dz[i] *= -s->d[i];
        }
        memcpy(s->rest, s->rows, rows * sizeof(double));
        add_product(s, s->dz, s->rest);
        solve_with_t(s, s->rest);
        for (uint32_t i = 0; i < rows; i++) {
            s->step[i] += s->rest[i];
        }
    }
}

/* From rc (what v z is to change by) to dv, dz and the duals' step. */
static void direction(struct solver *s)
{
    for (uint32_t i = 0; i < s->cols; i++) {
        s->dv[i] = s->d[i] * s->rd[i] - s->rc[i] / s->z[i];
    }
    memcpy(s->rows, s->rp, (s->links + s->demands + 1) * sizeof(double));
    add_product(s, s->dv, s->rows);
    solve_refined(s);
    transpose_product(s, s->step, s->dz);
    for (uint32_t i = 0; i < s->cols; i++) {
        s->dz[i] = s->rd[i] - s->dz[i];
        s->dv[i] = (s->rc[i] - s->v[i] * s->dz[i]) / s->z[i];
    }
}

/* ---- a level --------------------------------------------------------------------------------------------------- */

static double reach(const double *at, const double *by, uint32_t len)
{
    double most = 1;
    for (uint32_t i = 0; i < len; i++) {
        if (by[i] < 0 && at[i] * TO_WALL < most * -by[i]) {
            most = at[i] * TO_WALL / -by[i];
        }
    }
    return most;
}

static double complement(const struct solver *s, double by_v, double by_z)
{
    double sum = 0;
    for (uint32_t i = 0; i < s->cols; i++) {
        sum += (s->v[i] + by_v * s->dv[i]) * (s->z[i] + by_z * s->dz[i]);
    }
    return sum;
}

/* Residuals; returns the largest of a row. */
static double residuals(struct solver *s)
{
    uint32_t rows = s->links + s->demands + 1;
    double worst = 0;
    memset(s->rows, 0, rows * sizeof(double));
    add_product(s, s->v, s->rows);
    for (uint32_t i = 0; i < rows; i++) {
        double due = i < s->links ? 1 : i == rows - 1 ? CEILING : s->held[i - s->links] < 0 ? 0 : s->held[i - s->links];
        s->rp[i] = due - s->rows[i];
        worst = fmax(worst, fabs(s->rp[i]) / (1 + due));
    }
    transpose_product(s, s->dual, s->rd);
    for (uint32_t i = 0; i < s->cols; i++) {
        s->rd[i] = (i == s->paths + s->links ? -1 : 0) - s->rd[i] - s->z[i];
    }
    return worst;
}

static void improve(struct solver *s, double gap)
{
    double mean = gap / s->cols;
    for (uint32_t i = 0; i < s->cols; i++) {
        s->d[i] = s->v[i] / s->z[i];
        s->rc[i] = -s->v[i] * s->z[i];
    }
    factor(s);
    prepare_t(s);
    direction(s);
    double by_v = reach(s->v, s->dv, s->cols);
    double by_z = reach(s->z, s->dz, s->cols);
    double aim = complement(s, by_v, by_z) / gap;
    aim = aim * aim * aim;
    for (uint32_t i = 0; i < s->cols; i++) {
        s->rc[i] = aim * mean - s->v[i] * s->z[i] - s->dv[i] * s->dz[i];
    }
    direction(s);
    by_v = reach(s->v, s->dv, s->cols);
    by_z = reach(s->z, s->dz, s->cols);
    for (uint32_t i = 0; i < s->cols; i++) {
        s->v[i] += by_v * s->dv[i];
        s->z[i] += by_z * s->dz[i];
    }
    for (uint32_t i = 0; i < s->links + s->demands + 1; i++) {
        s->dual[i] += by_z * s->step[i];
    }
}

/* Everybody on all paths alike, t at half of what fits so; every v z the same. */
static void start_level(struct solver *s)
{
    uint32_t t = s->paths + s->links;
    memset(s->rows, 0, s->links * sizeof(double));
    memset(s->dual, 0, (s->links + s->demands + 1) * sizeof(double));
    s->v[t] = 1;
    s->v[t + 1] = CEILING - s->v[t];
    for (uint32_t k = 0; k < s->demands; k++) {
        double whole = s->held[k] < 0 ? s->v[t] : s->held[k];
        for (uint32_t p = s->first[k]; p < s->first[k + 1]; p++) {
            s->v[p] = whole / (s->first[k + 1] - s->first[k]);
            for (uint32_t h = s->hop_first[p]; h < s->hop_first[p + 1]; h++) {
                s->rows[s->hops[h].row] += s->v[p] * s->hops[h].value;
            }
        }
    }
    for (uint32_t i = 0; i < s->links; i++) {
        s->v[s->paths + i] = fmax(0.1, 1 - s->rows[i]);
    }
    for (uint32_t i = 0; i < s->cols; i++) {
        s->z[i] = 1 / (s->cols * s->v[i]);
    }
}

static void keep(struct solver *s)
{
    memcpy(s->kept_v, s->v, s->cols * sizeof(double));
    memcpy(s->kept_z, s->z, s->cols * sizeof(double));
    memcpy(s->kept_dual, s->dual, (s->links + s->demands + 1) * sizeof(double));
}

static void restore(struct solver *s)
{
    memcpy(s->v, s->kept_v, s->cols * sizeof(double));
    memcpy(s->z, s->kept_z, s->cols * sizeof(double));
    memcpy(s->dual, s->kept_dual, (s->links + s->demands + 1) * sizeof(double));
}

/* Near the optimum the matrix may run out of digits: then the last sound point has to do, with the gap that it has. */
static bool solve_level(struct solver *s, double *ret_gap)
{
    double kept = INFINITY;
    start_level(s);
    for (int i = 0; i < ITERATIONS_MAX; i++) {
        double off = residuals(s);
        double gap = complement(s, 0, 0);
        double level = s->v[s->paths + s->links];
        if (off <= FEASIBLE && gap <= GAP_SOUND * level) {
            kept = gap;
            keep(s);
        } else if (kept < INFINITY || !(gap < LOST)) {
            break;
        }
        if (kept <= GAP * level) {
            break;
        }
        improve(s, gap);
    }
    if (kept < INFINITY) {
        restore(s);
        *ret_gap = kept;
    }
    return kept < INFINITY;
}

/* Who asks for no more than the level has all of it, and stays; what the level took for them beyond that is free for
 * the next. Returns how many. */
static uint32_t serve(struct solver *s)
{
    double level = s->v[s->paths + s->links];
    uint32_t served = 0;
    for (uint32_t k = 0; k < s->demands; k++) {
        double rate = s->in->rate[s->row_entry[k]] / s->unit[k];
        if (s->held[k] < 0 && level >= rate * SERVED) {
            s->held[k] = fmin(level, rate) * (1 - GIVE);
            served++;
        }
    }
    return served;
}

/* Who is shown to get no more stays. Returns how many: at least one. */
static uint32_t hold(struct solver *s, double gap)
{
    double level = s->v[s->paths + s->links];
    uint32_t dearest = UINT32_MAX;
    uint32_t count = 0;
    for (uint32_t k = 0; k < s->demands; k++) {
        if (s->held[k] >= 0) {
            continue;
        }
        double price = s->dual[s->links + k];
        if (gap <= FLOW_LEVELS_GROWTH * level * price) {
            s->held[k] = level * (1 - GIVE);
            count++;
        } else if (dearest == UINT32_MAX || price > s->dual[s->links + dearest]) {
            dearest = k;
        }
    }
    if (count == 0) { /* rounding: one has to stay, or there is no end */
        s->held[dearest] = level * (1 - GIVE);
        count = 1;
    }
    return count;
}

/* The share of what a demand's paths carry that is its own. */
static double own_share(const struct solver *s, uint32_t k)
{
    double most = s->held[k] >= 0 ? s->held[k] / (1 - GIVE) : s->in->rate[s->row_entry[k]] / s->unit[k];
    double sum = 0;
    for (uint32_t p = s->first[k]; p < s->first[k + 1]; p++) {
        sum += s->v[p];
    }
    return sum > most ? most / sum : 1;
}

static bool climb(struct solver *s, double *ret_x, double *ret_lengths)
{
    uint32_t rising = s->demands;
    bool first = true;
    PT_AUTO(free) double *lengths = flow_alloc(s->paths + s->links, sizeof(double));
    if (lengths == NULL) {
        return false;
    }
    do {
        double gap = 0;
        if (!solve_level(s, &gap)) {
            if (rising == s->demands) {
                return false;
            }
            restore(s); /* the level before holds for the few that are left; what room there is, the caller gives out */
            break;
        }
        uint32_t served = serve(s);
        rising -= served > 0 ? served : hold(s, gap);
        if (served == 0 && first) {
            first = false;
            for (uint32_t i = 0; i < s->links; i++) {
                lengths[i] = s->z[s->paths + i] / s->in->full[s->row_link[i]];
            }
        }
    } while (rising > 0 && !flow_stopped(s->in->run));
    memset(ret_x, 0, s->in->paths->slots_len * sizeof(double));
    memset(ret_lengths, 0, s->in->paths->links_len * sizeof(double));
    for (uint32_t k = 0; k < s->demands; k++) {
        double share = own_share(s, k);
        for (uint32_t p = s->first[k]; p < s->first[k + 1]; p++) {
            ret_x[s->col_slot[p]] = s->v[p] * s->unit[k] * share;
        }
    }
    for (uint32_t i = 0; i < s->links; i++) {
        ret_lengths[s->row_link[i]] = lengths[i];
    }
    return true;
}

/* ---- setting up ------------------------------------------------------------------------------------------------ */

static bool path_open(const struct flow_levels *in, uint32_t slot)
{
    for (uint32_t step = in->paths->entry_steps[slot]; step != FLOW_LAST; step = in->paths->steps[step].next) {
        if (in->shut[in->paths->steps[step].link]) {
            return false;
        }
    }
    return true;
}

/* Rows and columns; before there is memory it only counts. Returns the work of an iteration, INFINITY when too much. */
static double lay_out(struct solver *s, uint16_t *row_of, uint32_t *ret_hops)
{
    const struct pt_flow_paths *paths = s->in->paths;
    double work = 0;
    uint32_t hops = 0;
    s->demands = s->paths = 0;
    for (uint32_t e = 0; e < paths->demands_len && work <= WORK_MAX; e++) {
        uint32_t begin = s->paths;
        uint32_t hops_begin = hops;
        for (uint32_t i = paths->entry_first[e]; i < paths->entry_first[e + 1] && s->in->weight[e] > 0; i++) {
            if (!path_open(s->in, i)) {
                continue;
            }
            if (s->hops != NULL) {
                s->col_slot[s->paths] = i;
                s->hop_first[s->paths] = hops;
            }
            for (uint32_t step = paths->entry_steps[i]; step != FLOW_LAST; step = paths->steps[step].next, hops++) {
                uint16_t link = paths->steps[step].link;
                if (row_of[link] == FLOW_NO_LINK) {
                    row_of[link] = (uint16_t)s->links++;
                }
                if (s->hops != NULL) {
                    s->row_link[row_of[link]] = link;
                    s->hops[hops].row = row_of[link];
                }
            }
            s->paths++;
        }
        if (s->paths > begin) {
            double touched = hops - hops_begin;
            work += touched > TOUCHED_MAX ? INFINITY : touched * touched * (s->paths - begin);
            if (s->hops != NULL) {
                s->row_entry[s->demands] = e;
                s->first[s->demands] = begin;
            }
            s->demands++;
        }
    }
    *ret_hops = hops;
    return work + (double)s->links * s->links * s->links / 3;
}

static bool reserve(struct solver *s, uint32_t hops)
{
    size_t rows = (size_t)s->links + s->demands + 1;
    size_t cols = (size_t)s->paths + s->links + 2;
    size_t doubles = cols * 9 + rows * 7 + (size_t)s->links * (s->links + 1) + 3 * (size_t)s->demands;
    size_t words = (size_t)s->links + 2 * (size_t)s->demands + 2 * (size_t)s->paths + 2;
    static_assert(sizeof(struct hop) == 2 * sizeof(double), "hops lie among the numbers");
    double *at = flow_alloc(doubles + 2 * (size_t)hops + words / 2 + 1, sizeof(double));
    s->memory = at;
    if (at == NULL) {
        return false;
    }
    double **by_col[] = {&s->v, &s->z, &s->dv, &s->dz, &s->d, &s->rd, &s->rc, &s->kept_v, &s->kept_z};
    double **by_row[] = {&s->rows, &s->dual, &s->step, &s->column, &s->rp, &s->rest, &s->kept_dual};
    double **by_demand[] = {&s->unit, &s->held, &s->share};
    for (size_t i = 0; i < 9; i++, at += cols) {
        *by_col[i] = at;
    }
    for (size_t i = 0; i < 7; i++, at += rows) {
        *by_row[i] = at;
    }
    for (size_t i = 0; i < 3; i++, at += s->demands) {
        *by_demand[i] = at;
    }
    s->dense = at;
    s->matrix = at + s->links;
    s->hops = (struct hop *)(s->matrix + (size_t)s->links * s->links);
    s->row_link = (uint32_t *)(s->hops + hops);
    s->row_entry = s->row_link + s->links;
    s->first = s->row_entry + s->demands;
    s->col_slot = s->first + s->demands + 1;
    s->hop_first = s->col_slot + s->paths;
    s->cols = (uint32_t)cols;
    return true;
}

/* Unit by demand and values by hop; t0 is the level at which the first link is full when all split evenly. */
static void set_units(struct solver *s)
{
    double worst = 0;
    for (uint32_t k = 0; k < s->demands; k++) {
        double weight = s->in->weight[s->row_entry[k]];
        s->held[k] = -1;
        for (uint32_t h = s->hop_first[s->first[k]]; h < s->hop_first[s->first[k + 1]]; h++) {
            s->hops[h].value = weight / s->in->full[s->row_link[s->hops[h].row]];
            s->dense[s->hops[h].row] += s->hops[h].value / (s->first[k + 1] - s->first[k]);
            worst = fmax(worst, s->dense[s->hops[h].row]);
        }
    }
    memset(s->dense, 0, s->links * sizeof(double));
    double t0 = 1 / worst;
    for (uint32_t k = 0; k < s->demands; k++) {
        s->unit[k] = s->in->weight[s->row_entry[k]] * t0;
    }
    for (uint32_t h = 0; h < s->hop_first[s->paths]; h++) {
        s->hops[h].value *= t0;
    }
}

enum flow_levels_end flow_levels_solve(const struct flow_levels *levels, double *ret_x, double *ret_lengths)
{
    struct solver s = {.in = levels};
    uint32_t links_len = levels->paths->links_len;
    uint32_t hops = 0;
    PT_AUTO(free) uint16_t *row_of = flow_alloc(links_len, sizeof(row_of[0]));
    if (row_of == NULL) {
        return FLOW_LEVELS_NO_MEMORY;
    }
    memset(row_of, 0xff, links_len * sizeof(row_of[0]));
    if (lay_out(&s, row_of, &hops) > WORK_MAX || s.demands == 0) {
        return FLOW_LEVELS_UNFIT;
    }
    if (!reserve(&s, hops)) {
        return FLOW_LEVELS_NO_MEMORY;
    }
    (void)lay_out(&s, row_of, &hops);
    s.first[s.demands] = s.paths;
    s.hop_first[s.paths] = hops;
    set_units(&s);
    bool solved = climb(&s, ret_x, ret_lengths);
    free(s.memory);
    return solved ? FLOW_LEVELS_DONE : FLOW_LEVELS_UNFIT;
}
