/*
 * The certificate, computed anew: nothing here is shared with the algorithms but the readers of paths. It trusts
 * neither loads nor prices that a solver kept; it needs the rates, the lengths, and the problem.
 */
#include "flow/solve.h"

#include "base/assert.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOLERANCE 1e-6

struct verifying {
    const struct pt_flow_problem *problem;
    const double *rates, *lengths;
    double *loads;
    uint32_t *path;
    size_t path_max;
    double dual; /* sum over demands of rate * shortest */
};

static enum pt_code refuse(struct pt_error *reterr, const char *what, size_t index, double is, double most)
{
    char field[64];
    snprintf(field, sizeof(field), "%s[%zu]", what, index);
    return pt_fail(reterr, PT_INTERNAL, PT_REASON_NONE, field, "the answer breaks a constraint: %.9g where %.9g is due",
                   is, most);
}

static enum pt_code add_demand(struct verifying *v, size_t d, struct pt_flow_certificate *certificate,
                               struct pt_error *reterr)
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
            length += v->lengths[v->path[i]];
        }
        carried += v->rates[slot];
        least = length < least ? length : least;
    }
    double rate = problem->demands[d].rate;
    if (fabs(carried - rate) > rate * TOLERANCE) {
        return refuse(reterr, "demands", d, carried, rate);
    }
    certificate->carried += carried;
    v->dual += rate > 0 ? rate * least : 0;
    return PT_OK;
}

static enum pt_code compute(struct verifying *v, struct pt_flow_certificate *ret_certificate, struct pt_error *reterr)
{
    const struct pt_flow_problem *problem = v->problem;
    struct pt_flow_certificate certificate = {0};
    for (size_t d = 0; d < problem->demands_len; d++) {
        PT_TRY(add_demand(v, d, &certificate, reterr));
    }
    double scale = 0;
    for (uint32_t link = 0; link < pt_flow_links_len(problem->graph); link++) {
        double capacity = pt_flow_link_at(problem->graph, link)->capacity;
        if (!(v->lengths[link] >= 0)) {
            return refuse(reterr, "lengths", link, v->lengths[link], 0);
        }
        scale += capacity * v->lengths[link];
        if (v->loads[link] / capacity > certificate.utilisation) {
            certificate.utilisation = v->loads[link] / capacity;
            certificate.worst_link = link;
        }
    }
    certificate.value = certificate.utilisation;
    certificate.bound = scale > 0 ? v->dual / scale : 0;
    double larger = fmax(fabs(certificate.value), fabs(certificate.bound));
    certificate.gap = larger > 0 ? fabs(certificate.value - certificate.bound) / larger : 0;
    *ret_certificate = certificate;
    return PT_OK;
}

enum pt_code pt_flow_verify(const struct pt_flow_problem *problem, const double *rates, const double *lengths,
                            struct pt_flow_certificate *ret_certificate, struct pt_error *reterr)
{
    struct verifying v = {.problem = problem, .rates = rates, .lengths = lengths};
    v.path_max = pt_flow_nodes_len(problem->graph);
    v.loads = calloc((size_t)pt_flow_links_len(problem->graph) + 1, sizeof(double));
    v.path = calloc(v.path_max, sizeof(v.path[0]));
    enum pt_code code = PT_OK;
    if (v.loads == NULL || v.path == NULL) {
        code = pt_fail(reterr, PT_EXHAUSTED, PT_REASON_LIMIT_REACHED, NULL, "not enough memory to check the answer");
    } else {
        code = compute(&v, ret_certificate, reterr);
    }
    free(v.loads);
    free(v.path);
    return code;
}
