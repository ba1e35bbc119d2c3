/*
 * Why traffic goes the way it goes.
 */
#include "mod/te/ask.h"

#include "base/assert.h"
#include "mod/te/constrain.h"
#include "mod/te/protect.h"
#include "mod/te/split.h"

#include <string.h>

static char *borrow(const char *text)
{
    return (char *)(uintptr_t)text;
}

/* ---- one pair ------------------------------------------------------------------------------------------------- */

static const char *reason_of(const struct te_topology *topology, const struct te_pair *pair, size_t index,
                             const struct te_solution *solution, struct pt_arena *arena)
{
    const struct te_path *path = &pair->paths[index];
    for (size_t i = 0; i < path->tunnels_len; i++) {
        const struct te_tunnel *tunnel = &topology->tunnels[path->tunnels[i]];
        const struct pt_path_soft *soft = te_measured(topology, te_direct_path(tunnel->id));
        const char *local = topology->links[tunnel->local].name;
        if (soft != NULL && soft->known && !soft->alive) {
            return pt_arena_printf(arena, "waits: %.150s answers no hellos", local);
        }
        if (topology->links[tunnel->local].drained || topology->links[tunnel->remote].drained) {
            return "waits: it crosses a drained link";
        }
        if (soft != NULL && soft->known && soft->loss_ppm > 0) {
            return pt_arena_printf(arena, "waits: %.150s loses packets", local);
        }
    }
    if (path->tier == 0) {
        bool solved = te_weight_of(solution, "", path->id, 0) != NULL; /* a pass's own: nobody said it */
        return solved       ? "carries: something would be full otherwise, and the solver gave it this share"
               : index == 0 ? "carries: the best by cost and delay"
                            : "carries: as good as the best, and disjoint from it";
    }
    return path->disjoint ? "waits: disjoint from the paths before it, but costs more"
                          : "waits: shares a link or a risk with a path before it";
}

static void put_path(const struct te_topology *topology, const struct te_load *load, const double *loads,
                     const struct te_path *from, Patronus__V1__ExplainedPath *path, struct pt_arena *arena)
{
    const struct te_tunnel *first = &topology->tunnels[from->tunnels[0]];
    double most = 0;
    path->path = pt_arena_printf(arena, "%s/paths/p-%016llx", topology->sites[first->from].organization,
                                 (unsigned long long)from->id);
    path->links = pt_arena_array(arena, from->tunnels_len * 2, sizeof(char *));
    for (size_t i = 0; i < from->tunnels_len; i++) {
        const struct te_tunnel *tunnel = &topology->tunnels[from->tunnels[i]];
        path->links[path->n_links++] = borrow(topology->links[tunnel->local].name);
        path->links[path->n_links++] = borrow(topology->links[tunnel->remote].name);
        const size_t directions[] = {2 * tunnel->local, 2 * tunnel->remote + 1};
        for (size_t j = 0; j < 2; j++) {
            double share = loads[directions[j]] / load->problem.capacity[directions[j]];
            most = share > most ? share : most;
        }
    }
    struct te_path_measure measure = te_path_measure(topology, from);
    path->tier = from->tier;
    path->metric = from->metric;
    path->utilization_ppm = te_ppm(most);
    path->rtt_us = measure.rtt_us;
    path->loss_ppm = (uint32_t)measure.loss_ppm;
    path->capacity_bps = measure.capacity_bps;
}

/* Classes that have shares of their own on a path of the pair. */
static void put_class_shares(const struct te_pair *pair, Patronus__V1__ExplainedPath *path, uint64_t id,
                             struct pt_arena *arena)
{
    path->class_shares = pt_arena_array(arena, TE_CLASSES_MAX, sizeof(*path->class_shares));
    for (uint32_t class = 1; class <= TE_CLASSES_MAX; class ++) {
        const struct te_pair *variant = te_pair_for_class(pair, class);
        double splits[TE_CANDIDATES_MAX];
        if (variant == pair) {
            continue;
        }
        te_pair_splits(variant, splits);
        Patronus__V1__ClassShare *share = PT_NEW(arena, Patronus__V1__ClassShare);
        patronus__v1__class_share__init(share);
        share->traffic_class = (Patronus__V1__TrafficClass) class;
        for (size_t i = 0; i < variant->len; i++) {
            share->share_ppm = variant->paths[i].id == id ? (uint32_t)te_ppm(splits[i]) : share->share_ppm;
        }
        path->class_shares[path->n_class_shares++] = share;
    }
}

static void put_paths(const struct pt_plan_pass *pass, const struct te_topology *topology, const struct te_pair *pair,
                      const struct te_load *load, Patronus__V1__ExplainDemandResponse *response, struct pt_arena *arena)
{
    const double *loads = te_load_links(load, load->splits, arena);
    double splits[TE_CANDIDATES_MAX];
    te_pair_splits(pair, splits);
    response->paths = pt_arena_array(arena, pair->len, sizeof(*response->paths));
    for (size_t i = 0; i < pair->len; i++) {
        Patronus__V1__ExplainedPath *path = PT_NEW(arena, Patronus__V1__ExplainedPath);
        patronus__v1__explained_path__init(path);
        put_path(topology, load, loads, &pair->paths[i], path, arena);
        path->share_ppm = (uint32_t)te_ppm(splits[i]);
        put_class_shares(pair, path, pair->paths[i].id, arena);
        path->reason = borrow(reason_of(topology, pair, i, te_solution_of(pass), arena));
        response->paths[response->n_paths++] = path;
    }
}

/* ---- one pair under constraints ------------------------------------------------------------------------------- */

/* The first fabric in which a path keeps the constraints; TE_NONE when none does. */
static size_t constrained_pair(const struct te_topology *topology, const struct pt_msg *message, size_t from, size_t to,
                               struct te_pair *ret_pair, struct pt_arena *arena)
{
    const struct te_constraints *constraints = te_constraints_new(topology, message, arena);
    for (size_t i = 0; i < topology->fabrics_len; i++) {
        const struct te_fabric *fabric = &topology->fabrics[i];
        if (fabric->member[from] && fabric->member[to]) {
            struct te_constrained *search = te_constrained_new(topology, fabric, constraints, from, NULL);
            bool found = te_constrained_pair(search, to, ret_pair);
            te_constrained_free(search);
            if (found) {
                return i;
            }
        }
    }
    return TE_NONE;
}

/* Which constraint alone stands in the way, found by leaving out one at a time. */
static char *why_none(const struct te_topology *topology, const struct pt_msg *message, size_t from, size_t to,
                      struct pt_arena *arena)
{
    for (size_t i = 0; i < message->fields_len; i++) {
        struct pt_msg *without = pt_msg_dup(message, arena);
        const char *name = message->fields[i].type->name;
        struct te_pair pair = {0};
        pt_msg_clear(without, name);
        if (constrained_pair(topology, without, from, to, &pair, arena) != TE_NONE) {
            struct te_path_measure best = te_path_measure(topology, &pair.paths[0]);
            return pt_arena_printf(arena,
                                   "without %s there would be a path: round trip %llu us, loss %llu ppm, capacity %llu "
                                   "bit/s",
                                   name, (unsigned long long)best.rtt_us, (unsigned long long)best.loss_ppm,
                                   (unsigned long long)best.capacity_bps);
        }
    }
    const struct pt_msg *nothing = pt_msg_new(arena, message->type);
    struct te_pair pair;
    return constrained_pair(topology, nothing, from, to, &pair, arena) == TE_NONE
               ? borrow("there is no path at all: do the sites share a fabric and an underlay?")
               : borrow("two constraints or more stand in the way: leaving out any single one does not help");
}

static void explain_constrained(const struct pt_plan_pass *pass, const struct te_topology *topology,
                                const struct te_load *load, const struct pt_msg *constraints, size_t from, size_t to,
                                Patronus__V1__ExplainDemandResponse *response, struct pt_arena *arena)
{
    struct te_pair pair;
    if (constrained_pair(topology, constraints, from, to, &pair, arena) == TE_NONE) {
        response->no_path_reason = why_none(topology, constraints, from, to, arena);
        return;
    }
    put_paths(pass, topology, &pair, load, response, arena);
    for (size_t i = 0; i < response->n_paths; i++) {
        response->paths[i]->reason = borrow(pair.paths[i].tier == 0 ? "keeps the constraints and costs least"
                                                                    : "keeps the constraints, and waits");
    }
    te_protect_explain(topology, &pair, response, arena);
}

static size_t site_named(const struct te_topology *topology, const char *name)
{
    for (size_t i = 0; i < topology->sites_len; i++) {
        if (strcmp(topology->sites[i].name, name) == 0) {
            return i;
        }
    }
    return TE_NONE;
}

enum pt_code te_explain(const struct pt_plan_pass *pass, const char *source, const char *destination,
                        const struct pt_msg *constraints, struct pt_arena *arena,
                        Patronus__V1__ExplainDemandResponse **ret_response, struct pt_error *reterr)
{
    const struct te_topology *topology = pt_map_get_str(&pass->sections, "topology");
    const struct te_paths *paths = pt_map_get_str(&pass->sections, "te");
    size_t from = site_named(topology, source);
    size_t to = site_named(topology, destination);
    if (from != TE_NONE && to != TE_NONE &&
        strcmp(topology->sites[from].organization, topology->sites[to].organization) != 0) {
        to = TE_NONE; /* what another tenant has does not exist for this one */
    }
    if (from == TE_NONE || to == TE_NONE) {
        return pt_fail(reterr, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND,
                       from == TE_NONE ? "source_site" : "destination_site",
                       "'%.200s' does not exist, or is a site without an edge", from == TE_NONE ? source : destination);
    }
    if (from == to) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "destination_site",
                       "'%.200s' is the source too; write another site", destination);
    }
    Patronus__V1__ExplainDemandResponse *response = PT_NEW(arena, Patronus__V1__ExplainDemandResponse);
    patronus__v1__explain_demand_response__init(response);
    const struct te_load *load = te_load_new(pass, topology, paths, arena);
    for (size_t i = 0; i < load->flows_len; i++) {
        response->rate_bps =
            load->flows[i].from == from && load->flows[i].to == to ? load->flows[i].rate_bps : response->rate_bps;
    }
    response->epoch = te_solution_of(pass) != NULL ? te_solution_of(pass)->epoch : 0;
    *ret_response = response;
    if (constraints != NULL && constraints->fields_len > 0) {
        explain_constrained(pass, topology, load, constraints, from, to, response, arena);
        return PT_OK;
    }
    for (size_t fabric = 0; fabric < topology->fabrics_len && response->n_paths == 0; fabric++) {
        const struct te_pair *pair = te_pair_of(topology, paths, fabric, from, to);
        if (pair->len > 0) {
            put_paths(pass, topology, pair, load, response, arena);
            te_protect_explain(topology, pair, response, arena);
        }
    }
    return PT_OK;
}
