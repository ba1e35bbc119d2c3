/*
 * Why traffic goes the way it goes, and solutions as messages from which they can be computed again.
 */
#include "mod/te/ask.h"

#include "base/assert.h"
#include "mod/te/constrain.h"
#include "mod/te/protect.h"
#include "mod/te/split.h"

#include <math.h>
#include <string.h>

static char *borrow(const char *text)
{
    return (char *)(uintptr_t)text;
}

static uint64_t ppm(double share)
{
    return share < 1e12 ? (uint64_t)(share * 1e6 + 0.5) : UINT64_MAX;
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
        uint8_t key[TE_WEIGHT_KEY_SIZE];
        te_weight_key(path->id, 0, key);
        bool solved = solution != NULL && pt_map_get(&solution->weights, key, sizeof(key)) != NULL;
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
    path->utilization_ppm = ppm(most);
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
            share->share_ppm = variant->paths[i].id == id ? (uint32_t)ppm(splits[i]) : share->share_ppm;
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
        path->share_ppm = (uint32_t)ppm(splits[i]);
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

/* ---- solutions ------------------------------------------------------------------------------------------------ */

static void put_solution_links(const struct te_topology *topology, const struct te_solution *solution,
                               Patronus__V1__Solution *message, struct pt_arena *arena)
{
    const struct te_update_problem *update = solution->problem->update;
    const double *loads = te_load_links(solution->load, solution->target, arena);
    message->links = pt_arena_array(arena, update->links_len, sizeof(*message->links));
    message->n_links = update->links_len;
    for (size_t i = 0; i < update->links_len; i++) {
        Patronus__V1__SolutionLink *link = PT_NEW(arena, Patronus__V1__SolutionLink);
        patronus__v1__solution_link__init(link);
        link->link = borrow(topology->links[i / 2].name);
        link->up = i % 2 == 0;
        link->capacity_bps = update->capacity[i] < TE_CAPACITY_UNKNOWN ? (uint64_t)update->capacity[i] : 0;
        link->load_bps = (uint64_t)(loads[i] + 0.5);
        message->links[i] = link;
    }
}

static uint32_t weight_of(double split)
{
    return (uint32_t)lround(split * TE_QUANTUM);
}

static Patronus__V1__SolutionPath *solution_path(const struct te_solution *solution, size_t index,
                                                 struct pt_arena *arena)
{
    const struct te_split_problem *problem = solution->problem;
    size_t begin = problem->update->first_hop[index];
    Patronus__V1__SolutionPath *path = PT_NEW(arena, Patronus__V1__SolutionPath);
    patronus__v1__solution_path__init(path);
    path->n_links = problem->update->first_hop[index + 1] - begin;
    path->links = (uint32_t *)(uintptr_t)&problem->update->hops[begin];
    path->weight_before = weight_of(problem->before[index]);
    path->weight = weight_of(solution->target[index]);
    path->weight_default = weight_of(problem->normal[index]);
    path->eligible = problem->eligible[index];
    return path;
}

static void put_solution_pairs(const struct te_topology *topology, const struct te_solution *solution,
                               Patronus__V1__Solution *message, struct pt_arena *arena)
{
    const struct te_load *load = solution->load;
    message->pairs = pt_arena_array(arena, load->flows_len, sizeof(*message->pairs));
    for (size_t i = 0; i < load->flows_len; i++) {
        Patronus__V1__SolutionPair *pair = PT_NEW(arena, Patronus__V1__SolutionPair);
        patronus__v1__solution_pair__init(pair);
        pair->source_site = borrow(topology->sites[load->flows[i].from].name);
        pair->destination_site = borrow(topology->sites[load->flows[i].to].name);
        pair->rate_bps = load->flows[i].rate_bps;
        pair->traffic_class = (Patronus__V1__TrafficClass)load->flows[i].class_index;
        size_t begin = load->problem.first_path[i];
        pair->n_paths = load->problem.first_path[i + 1] - begin;
        pair->paths = pt_arena_array(arena, pair->n_paths, sizeof(*pair->paths));
        for (size_t j = 0; j < pair->n_paths; j++) {
            pair->paths[j] = solution_path(solution, begin + j, arena);
        }
        message->pairs[message->n_pairs++] = pair;
    }
}

Patronus__V1__Solution *te_solution_message(const struct pt_plan_pass *pass, bool summary, struct pt_arena *arena)
{
    static const char *const kinds[] = {"default", "kept", "solved", "fair"};
    const struct te_solution *solution = te_solution_of(pass);
    if (solution == NULL) {
        return NULL;
    }
    Patronus__V1__Solution *message = PT_NEW(arena, Patronus__V1__Solution);
    patronus__v1__solution__init(message);
    message->epoch = solution->epoch;
    message->revision = pt_view_revision(pass->view);
    message->time = PT_NEW(arena, Google__Protobuf__Timestamp);
    google__protobuf__timestamp__init(message->time);
    message->time->seconds = solution->time_ns / 1000000000;
    message->time->nanos = (int32_t)(solution->time_ns % 1000000000);
    message->kind = borrow(kinds[solution->kind]);
    message->utilization_ppm = solution->target_ppm;
    message->bound_ppm = solution->bound_ppm;
    message->gap_ppm = solution->gap_ppm;
    message->steps = solution->steps;
    message->promised = solution->promised;
    message->rounding_ppm = solution->rounding_ppm;
    message->worst_ppm = solution->worst_ppm;
    message->keep_below_ppm = (uint64_t)llround(solution->problem->keep_below * 1e6);
    if (!summary) {
        const struct te_topology *topology = pt_map_get_str(&pass->sections, "topology");
        put_solution_links(topology, solution, message, arena);
        put_solution_pairs(topology, solution, message, arena);
    }
    return message;
}

#define PACKED_SIZE_MAX (4U << 20)

void te_solution_pack(const struct pt_plan_pass *pass, struct pt_buf *out)
{
    struct pt_arena arena;
    pt_arena_init(&arena);
    const Patronus__V1__Solution *message = te_solution_message(pass, false, &arena);
    if (message != NULL && patronus__v1__solution__get_packed_size(message) > PACKED_SIZE_MAX) {
        message = te_solution_message(pass, true, &arena);
    }
    if (message != NULL) {
        size_t size = patronus__v1__solution__get_packed_size(message);
        (void)patronus__v1__solution__pack(message, pt_buf_reserve(out, size));
        out->size = size;
    }
    pt_arena_fini(&arena);
}

/* ---- computing one again -------------------------------------------------------------------------------------- */

struct again {
    struct te_update_problem update;
    double *capacity, *rate, *normal, *before;
    size_t *first_path, *first_hop, paths_len, hops_len;
    uint32_t *hops, *site, *weights, *pair, *class_index;
    bool *eligible;
};

/* Links of a site stand together and sites are numbered in order, as in the topology. */
static void again_links(const Patronus__V1__Solution *solution, struct again *again, struct pt_arena *arena)
{
    again->capacity = pt_arena_array(arena, solution->n_links, sizeof(double));
    again->site = pt_arena_array(arena, solution->n_links / 2 + 1, sizeof(uint32_t));
    uint32_t site = 0;
    size_t size = 0;
    for (size_t i = 0; i < solution->n_links; i++) {
        const char *name = solution->links[i]->link;
        const char *part = strstr(name, "/links/");
        size_t end = part != NULL ? (size_t)(part - name) : strlen(name);
        if (i > 0 && (end != size || strncmp(name, solution->links[i - 1]->link, end) != 0)) {
            site++;
        }
        size = end;
        again->site[i / 2] = site;
        uint64_t capacity = solution->links[i]->capacity_bps;
        again->capacity[i] = capacity != 0 ? (double)capacity : TE_CAPACITY_UNKNOWN;
    }
}

static enum pt_code again_path(const Patronus__V1__SolutionPath *path, size_t links_len, struct again *again,
                               struct pt_error *reterr)
{
    for (size_t i = 0; i < path->n_links; i++) {
        if (path->links[i] >= links_len) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "pairs.paths.links",
                           "link %u does not stand in the solution", path->links[i]);
        }
        again->hops[again->hops_len++] = path->links[i];
    }
    size_t index = again->paths_len++;
    again->first_hop[index + 1] = again->hops_len;
    again->normal[index] = (double)path->weight_default / TE_QUANTUM;
    again->before[index] = (double)path->weight_before / TE_QUANTUM;
    again->eligible[index] = path->eligible;
    again->weights[index] = path->weight;
    return PT_OK;
}

static bool of_one_pair(const Patronus__V1__SolutionPair *a, const Patronus__V1__SolutionPair *b)
{
    return strcmp(a->source_site, b->source_site) == 0 && strcmp(a->destination_site, b->destination_site) == 0;
}

/* Classes of a pair stand together, ascend, and have the same paths. */
static enum pt_code check_class(const Patronus__V1__Solution *solution, size_t index, bool same,
                                struct pt_error *reterr)
{
    const Patronus__V1__SolutionPair *pair = solution->pairs[index];
    bool fits = (uint32_t)pair->traffic_class <= TE_CLASSES_MAX;
    if (same) {
        const Patronus__V1__SolutionPair *before = solution->pairs[index - 1];
        fits = fits && pair->traffic_class > before->traffic_class && pair->n_paths == before->n_paths;
    }
    return fits ? PT_OK
                : pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "pairs.traffic_class",
                          "classes of %.80s to %.80s must ascend and have the same paths", pair->source_site,
                          pair->destination_site);
}

static enum pt_code again_pairs(const Patronus__V1__Solution *solution, struct again *again, struct pt_arena *arena,
                                struct pt_error *reterr)
{
    size_t paths = 0;
    size_t hops = 0;
    for (size_t i = 0; i < solution->n_pairs; i++) {
        paths += solution->pairs[i]->n_paths;
        for (size_t j = 0; j < solution->pairs[i]->n_paths; j++) {
            hops += solution->pairs[i]->paths[j]->n_links;
        }
        if (solution->pairs[i]->n_paths > TE_CANDIDATES_MAX) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_LIMIT_REACHED, "pairs.paths",
                           "a pair has at most %d paths", TE_CANDIDATES_MAX);
        }
    }
    again->rate = pt_arena_array(arena, solution->n_pairs, sizeof(double));
    again->first_path = pt_arena_array(arena, solution->n_pairs + 1, sizeof(size_t));
    again->first_hop = pt_arena_array(arena, paths + 1, sizeof(size_t));
    again->hops = pt_arena_array(arena, hops, sizeof(uint32_t));
    again->normal = pt_arena_array(arena, paths, sizeof(double));
    again->before = pt_arena_array(arena, paths, sizeof(double));
    again->eligible = pt_arena_array(arena, paths, sizeof(bool));
    again->weights = pt_arena_array(arena, paths, sizeof(uint32_t));
    again->pair = pt_arena_array(arena, solution->n_pairs, sizeof(uint32_t));
    again->class_index = pt_arena_array(arena, solution->n_pairs, sizeof(uint32_t));
    for (size_t i = 0; i < solution->n_pairs; i++) {
        bool same = i > 0 && of_one_pair(solution->pairs[i], solution->pairs[i - 1]);
        again->pair[i] = i == 0 ? 0 : again->pair[i - 1] + (same ? 0 : 1);
        again->class_index[i] = (uint32_t)solution->pairs[i]->traffic_class;
        PT_TRY(check_class(solution, i, same, reterr));
        again->rate[i] = (double)solution->pairs[i]->rate_bps;
        for (size_t j = 0; j < solution->pairs[i]->n_paths; j++) {
            PT_TRY(again_path(solution->pairs[i]->paths[j], solution->n_links, again, reterr));
        }
        again->first_path[i + 1] = again->paths_len;
    }
    return PT_OK;
}

static enum pt_code recompute(const Patronus__V1__Solution *solution, bool *ret_equal, struct pt_arena *arena,
                              struct pt_error *reterr)
{
    struct again again = {0};
    again_links(solution, &again, arena);
    PT_TRY(again_pairs(solution, &again, arena, reterr));
    again.update = (struct te_update_problem){.capacity = again.capacity,
                                              .links_len = solution->n_links,
                                              .rate = again.rate,
                                              .flows_len = solution->n_pairs,
                                              .first_path = again.first_path,
                                              .first_hop = again.first_hop,
                                              .hops = again.hops,
                                              .quantum = TE_QUANTUM};
    const struct te_split_problem problem = {.update = &again.update,
                                             .site = again.site,
                                             .pair = again.pair,
                                             .class_index = again.class_index,
                                             .normal = again.normal,
                                             .before = again.before,
                                             .eligible = again.eligible,
                                             .keep_below = (double)solution->keep_below_ppm * 1e-6};
    struct te_split split;
    PT_TRY(te_split_solve(&problem, arena, &split, reterr));
    bool equal = true;
    for (size_t i = 0; i < again.paths_len; i++) {
        equal = equal && weight_of(split.target[i]) == again.weights[i];
    }
    *ret_equal = equal;
    return PT_OK;
}

enum pt_code te_solution_recompute(const Patronus__V1__Solution *solution, bool *ret_equal, struct pt_error *reterr)
{
    struct pt_arena arena;
    pt_arena_init(&arena);
    enum pt_code code = recompute(solution, ret_equal, &arena, reterr);
    pt_arena_fini(&arena);
    return code;
}
