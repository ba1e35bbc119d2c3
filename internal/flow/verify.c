/*
 * The certificate, computed anew: nothing here is shared with the algorithms but the readers of paths. It trusts
 * neither loads nor prices that a solver kept; it needs the rates, the lengths, and the problem.
 *
 * MAX_FLOW and MAX_MIN go class by class, and each class has its own lengths. What a class of MAX_FLOW can get depends
 * on how much the classes before carry in all, not on how. Demands are visited by target, because paths to one target
 * lie together. Where any path counts, distances are those in the graph (far.c).
 */
#include "flow/free.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOLERANCE 1e-6
#define HALVINGS 100
#define SERVED (1 - 1e-4) /* of a demand is all of it, where levels are judged: exact to four digits */

struct verifying {
    const struct pt_flow_problem *problem;
    const struct flow_view *view; /* any path; NULL: those of the set */
    const double *rates, *lengths;
    bool by_class;
    double *loads;                        /* of the classes so far */
    double *full;                         /* what links may be loaded with */
    double of_class[PT_FLOW_CLASSES_MAX]; /* carried by each class so far */
    double *distances, *carried;          /* by demand */
    double *cost, *far;                   /* by link; by node, to the current target: any path */
    uint32_t *order;
    uint32_t *path;
    size_t path_max;
};

static enum pt_code refuse(struct pt_error *reterr, const char *what, size_t index, double is, double due)
{
    char field[64];
    snprintf(field, sizeof(field), "%s[%zu]", what, index);
    return pt_fail(reterr, PT_INTERNAL, PT_REASON_NONE, field, "the answer breaks a constraint: %.9g where %.9g is due",
                   is, due);
}

static bool belongs(const struct verifying *v, size_t d, uint32_t class_index)
{
    return !v->by_class || v->problem->demands[d].class_index == class_index;
}

/* ---- bounds from distances ------------------------------------------------------------------------------------- */

static double usable(const struct pt_flow_problem *problem, uint32_t link)
{
    double share = problem->utilisation_max > 0 ? problem->utilisation_max : 1;
    return pt_flow_link_at(problem->graph, link)->capacity * share;
}

static double weight_of(const struct pt_flow_demand *demand)
{
    return demand->weight > 0 ? demand->weight : 1;
}

/* The largest level t with sum of min(rate, t weight) * distance <= budget, at most what serves everybody. */
static double level_bound(const struct pt_flow_problem *problem, const double *distances, double budget)
{
    double high = 0;
    for (size_t d = 0; d < problem->demands_len; d++) {
        const struct pt_flow_demand *demand = &problem->demands[d];
        if (demand->class_index == 0 && demand->rate > 0) {
            high = fmax(high, demand->rate / weight_of(demand));
        }
    }
    double low = 0;
    double t = high;
    for (int i = 0; i < HALVINGS && low < high * (1 - 1e-12); i++) {
        double sum = 0;
        for (size_t d = 0; d < problem->demands_len; d++) {
            const struct pt_flow_demand *demand = &problem->demands[d];
            if (demand->class_index == 0 && demand->rate > 0) {
                sum += fmin(demand->rate, t * weight_of(demand)) * distances[d];
            }
        }
        if (sum <= budget) {
            low = t;
        } else {
            high = t;
        }
        t = (low + high) / 2;
    }
    return high;
}

struct far_demand {
    double distance, rate;
};

static int compare_far(const void *a, const void *b)
{
    double x = ((const struct far_demand *)a)->distance, y = ((const struct far_demand *)b)->distance;
    return x < y ? -1 : x > y;
}

/* MAX_FLOW: what an earlier class adds to the bound of a later one. It carries `carried` in all at least. For any price
 * m >= 0 of leaving out a unit of it, that is sum rate x max(0, m - distance) - m x carried; the least of these is at
 * the distance up to which there is as much as is carried. Infinite when there is no memory. */
static double bound_before(const struct pt_flow_problem *problem, uint32_t class_index, double carried,
                           const double *distances)
{
    PT_AUTO(free) struct far_demand *far = flow_alloc(problem->demands_len, sizeof(far[0]));
    size_t len = 0;
    for (size_t d = 0; far != NULL && d < problem->demands_len; d++) {
        const struct pt_flow_demand *demand = &problem->demands[d];
        if (demand->class_index == class_index && demand->rate > 0 && distances[d] < INFINITY) {
            far[len++] = (struct far_demand){.distance = distances[d], .rate = demand->rate};
        }
    }
    if (far == NULL || len == 0) {
        return far == NULL ? INFINITY : 0; /* without a demand nothing is carried */
    }
    qsort(far, len, sizeof(far[0]), compare_far);
    size_t last = 0;
    for (double sum = far[0].rate; last + 1 < len && sum < carried; sum += far[last].rate) {
        last++;
    }
    double more = -far[last].distance * carried;
    for (size_t i = 0; i < last; i++) {
        more += far[i].rate * (far[last].distance - far[i].distance);
    }
    return more;
}

/* Bound of one class. */
static double bound_of(const struct pt_flow_problem *problem, bool by_class, uint32_t class_index, const double *full,
                       const double *lengths, const double *distances, const double *carried)
{
    double budget = 0;
    double paid = 0;
    double saved = 0;
    double wanted = 0;
    for (uint32_t i = 0; i < pt_flow_links_len(problem->graph); i++) {
        budget += full[i] * lengths[i];
    }
    for (size_t d = 0; d < problem->demands_len; d++) {
        double rate = problem->demands[d].rate;
        if (rate > 0 && (!by_class || problem->demands[d].class_index == class_index)) {
            paid += rate * distances[d];
            wanted += rate;
            saved += distances[d] < 1 ? rate * (1 - distances[d]) : 0;
        }
    }
    switch (problem->objective) {
    case PT_FLOW_MIN_MLU:
        return budget > 0 ? paid / budget : 0;
    case PT_FLOW_MAX_FLOW:
        for (uint32_t k = 0; k < class_index; k++) {
            saved += bound_before(problem, k, carried[k], distances);
        }
        return fmax(0, fmin(budget + saved, wanted)); /* nobody gets more than he asks for */
    case PT_FLOW_MIN_DELAY:
        return fmax(paid - budget, 0); /* no delay is negative */
    default:
        return level_bound(problem, distances, budget);
    }
}

double flow_bound(const struct pt_flow_problem *problem, const double *lengths, const double *distances)
{
    uint32_t links_len = pt_flow_links_len(problem->graph);
    bool lower = problem->objective == PT_FLOW_MIN_MLU || problem->objective == PT_FLOW_MIN_DELAY;
    PT_AUTO(free) double *full = flow_alloc(links_len, sizeof(double));
    for (uint32_t i = 0; full != NULL && i < links_len; i++) {
        full[i] =
            problem->objective == PT_FLOW_MIN_MLU ? pt_flow_link_at(problem->graph, i)->capacity : usable(problem, i);
    }
    return full == NULL ? (lower ? -INFINITY : INFINITY) : bound_of(problem, false, 0, full, lengths, distances, NULL);
}

/* ---- demands --------------------------------------------------------------------------------------------------- */

/* Distance of a demand of an earlier class under the lengths of a later one. */
static void measure_demand(struct verifying *v, size_t d, const double *lengths)
{
    const struct pt_flow_problem *problem = v->problem;
    size_t end = pt_flow_paths_first(problem->paths, d + 1);
    v->distances[d] = v->view != NULL ? v->far[problem->demands[d].from] : INFINITY;
    for (size_t slot = pt_flow_paths_first(problem->paths, d); v->view == NULL && slot < end; slot++) {
        size_t len = pt_flow_path_links(problem->paths, slot, v->path, v->path_max);
        double length = 0;
        for (size_t i = 0; i < len; i++) {
            length += lengths[v->path[i]];
        }
        v->distances[d] = fmin(v->distances[d], length);
    }
}

/* Loads, distance and carried rate of one demand. */
static enum pt_code add_demand(struct verifying *v, size_t d, const double *lengths, struct pt_error *reterr)
{
    const struct pt_flow_problem *problem = v->problem;
    double carried = 0;
    double least = INFINITY;
    size_t end = pt_flow_paths_first(problem->paths, d + 1);
    for (size_t slot = pt_flow_paths_first(problem->paths, d); slot < end; slot++) {
        size_t len = pt_flow_path_links(problem->paths, slot, v->path, v->path_max);
        double length = 0;
        if (!(v->rates[slot] >= 0)) {
            return refuse(reterr, "rates", slot, v->rates[slot], 0);
        }
        for (size_t i = 0; i < len; i++) {
            v->loads[v->path[i]] += v->rates[slot];
            length += lengths[v->path[i]];
            if (problem->objective == PT_FLOW_MIN_DELAY) {
                length += pt_flow_link_at(problem->graph, v->path[i])->delay;
            }
        }
        carried += v->rates[slot];
        least = length < least ? length : least;
    }
    double rate = problem->demands[d].rate;
    bool all = problem->objective == PT_FLOW_MIN_MLU || problem->objective == PT_FLOW_MIN_DELAY;
    if (all ? fabs(carried - rate) > rate * TOLERANCE : carried > rate * (1 + TOLERANCE)) {
        return refuse(reterr, "demands", d, carried, rate);
    }
    v->carried[d] = carried;
    v->of_class[problem->demands[d].class_index] += carried;
    v->distances[d] = v->view != NULL ? v->far[problem->demands[d].from] : least;
    return PT_OK;
}

/* Demands of a class by target, each with its distance. */
static enum pt_code add_class(struct verifying *v, uint32_t class_index, const double *lengths, struct pt_error *reterr)
{
    const struct pt_flow_problem *problem = v->problem;
    uint32_t target = UINT32_MAX;
    for (uint32_t i = 0; v->view != NULL && i < pt_flow_links_len(problem->graph); i++) {
        double own = problem->objective == PT_FLOW_MIN_DELAY ? pt_flow_link_at(problem->graph, i)->delay : 0;
        v->cost[i] = lengths[i] + own;
    }
    for (size_t i = 0; i < problem->demands_len; i++) {
        size_t d = v->order[i];
        bool before = problem->objective == PT_FLOW_MAX_FLOW && problem->demands[d].class_index < class_index;
        if (!before && !belongs(v, d, class_index)) {
            continue;
        }
        if (v->view != NULL && problem->demands[d].to != target) {
            target = problem->demands[d].to;
            flow_far(v->view, v->cost, target, v->far);
        }
        if (before) {
            measure_demand(v, d, lengths);
        } else {
            PT_TRY(add_demand(v, d, lengths, reterr));
        }
    }
    return PT_OK;
}

/* ---- values ---------------------------------------------------------------------------------------------------- */

/* The level up to which everybody of the first class is served; `bound` when all get all. */
static double level_of(const struct verifying *v, double bound)
{
    double level = INFINITY;
    for (size_t d = 0; d < v->problem->demands_len; d++) {
        const struct pt_flow_demand *demand = &v->problem->demands[d];
        if (demand->class_index == 0 && v->carried[d] < demand->rate * SERVED) {
            level = fmin(level, v->carried[d] / weight_of(demand));
        }
    }
    return level < INFINITY ? level : bound;
}

static double delay_of(const struct verifying *v)
{
    double sum = 0;
    for (uint32_t i = 0; i < pt_flow_links_len(v->problem->graph); i++) {
        sum += v->loads[i] * pt_flow_link_at(v->problem->graph, i)->delay;
    }
    return sum;
}

static enum pt_code conclude(const struct verifying *v, struct pt_flow_certificate *certificate,
                             struct pt_error *reterr)
{
    const struct pt_flow_problem *problem = v->problem;
    for (uint32_t i = 0; i < pt_flow_links_len(problem->graph); i++) {
        double capacity = pt_flow_link_at(problem->graph, i)->capacity;
        if (problem->objective != PT_FLOW_MIN_MLU && v->loads[i] > usable(problem, i) * (1 + TOLERANCE)) {
            return refuse(reterr, "links", i, v->loads[i], usable(problem, i));
        }
        if (v->loads[i] / capacity > certificate->utilisation) {
            certificate->utilisation = v->loads[i] / capacity;
            certificate->worst_link = i;
        }
    }
    for (size_t d = 0; d < problem->demands_len; d++) {
        certificate->carried += v->carried[d];
        certificate->unmet += fmax(0, problem->demands[d].rate - v->carried[d]);
    }
    certificate->value = problem->objective == PT_FLOW_MIN_MLU     ? certificate->utilisation
                         : problem->objective == PT_FLOW_MAX_FLOW  ? certificate->carried
                         : problem->objective == PT_FLOW_MIN_DELAY ? delay_of(v)
                                                                   : level_of(v, certificate->bound);
    double larger = fmax(fabs(certificate->value), fabs(certificate->bound));
    certificate->gap = larger > 0 ? fabs(certificate->value - certificate->bound) / larger : 0;
    return PT_OK;
}

/* ---- all ------------------------------------------------------------------------------------------------------- */

static enum pt_code check_lengths(const struct verifying *v, const double *lengths, struct pt_error *reterr)
{
    for (uint32_t i = 0; i < pt_flow_links_len(v->problem->graph); i++) {
        if (!(lengths[i] >= 0)) {
            return refuse(reterr, "lengths", i, lengths[i], 0);
        }
    }
    return PT_OK;
}

static enum pt_code compute(struct verifying *v, struct pt_flow_certificate *ret_certificate, struct pt_error *reterr)
{
    const struct pt_flow_problem *problem = v->problem;
    struct pt_flow_certificate certificate = {0};
    uint32_t links_len = pt_flow_links_len(problem->graph);
    uint32_t classes_len = v->by_class ? flow_classes_len(problem) : 1;
    for (uint32_t i = 0; i < links_len; i++) {
        v->full[i] =
            problem->objective == PT_FLOW_MIN_MLU ? pt_flow_link_at(problem->graph, i)->capacity : usable(problem, i);
    }
    for (uint32_t k = 0; k < classes_len; k++) {
        const double *lengths = v->lengths + (size_t)k * links_len;
        PT_TRY(check_lengths(v, lengths, reterr));
        PT_TRY(add_class(v, k, lengths, reterr));
        if (k == 0 || problem->objective == PT_FLOW_MAX_FLOW) {
            certificate.bound += bound_of(problem, v->by_class, k, v->full, lengths, v->distances, v->of_class);
        }
    }
    PT_TRY(conclude(v, &certificate, reterr));
    *ret_certificate = certificate;
    return PT_OK;
}

static enum pt_code verify(const struct pt_flow_problem *problem, const struct flow_view *view, const double *rates,
                           const double *lengths, struct pt_flow_certificate *ret_certificate, struct pt_error *reterr)
{
    size_t links_len = pt_flow_links_len(problem->graph);
    struct verifying v = {.problem = problem, .view = view, .rates = rates, .lengths = lengths};
    v.by_class = problem->objective == PT_FLOW_MAX_FLOW || problem->objective == PT_FLOW_MAX_MIN;
    v.path_max = pt_flow_nodes_len(problem->graph);
    v.loads = flow_alloc(links_len, sizeof(double));
    v.full = flow_alloc(links_len, sizeof(double));
    v.cost = flow_alloc(links_len, sizeof(double));
    v.far = flow_alloc(v.path_max, sizeof(double));
    v.distances = flow_alloc(problem->demands_len, sizeof(double));
    v.carried = flow_alloc(problem->demands_len, sizeof(double));
    v.order = flow_alloc(problem->demands_len, sizeof(v.order[0]));
    v.path = flow_alloc(v.path_max, sizeof(v.path[0]));
    enum pt_code code = PT_OK;
    if (v.loads == NULL || v.full == NULL || v.cost == NULL || v.far == NULL || v.distances == NULL ||
        v.carried == NULL || v.order == NULL || v.path == NULL || !flow_by_target(problem, v.order)) {
        code = flow_no_memory(reterr);
    } else {
        code = compute(&v, ret_certificate, reterr);
    }
    void *const all[] = {v.loads, v.full, v.cost, v.far, v.distances, v.carried, v.order, v.path};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        free(all[i]);
    }
    return code;
}

enum pt_code pt_flow_verify(const struct pt_flow_problem *problem, const double *rates, const double *lengths,
                            struct pt_flow_certificate *ret_certificate, struct pt_error *reterr)
{
    return verify(problem, NULL, rates, lengths, ret_certificate, reterr);
}

enum pt_code pt_flow_verify_any(const struct pt_flow_problem *problem, const struct pt_flow_rules *rules,
                                const double *rates, const double *lengths, struct pt_flow_certificate *ret_certificate,
                                struct pt_error *reterr)
{
    struct flow_view view;
    PT_TRY(flow_view_init(&view, problem->graph, rules, reterr));
    enum pt_code code = verify(problem, &view, rates, lengths, ret_certificate, reterr);
    flow_view_fini(&view);
    return code;
}
