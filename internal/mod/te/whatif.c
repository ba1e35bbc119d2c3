/*
 * What if: the same stages over the same frozen view, with the changes put in where the topology is made, and the two
 * results compared. So an answer is what the leader would really do, and not what a second model of it says.
 *
 * Unmet traffic is what the solver's greatest flow over the same paths leaves behind. Shadow prices are not read off
 * the dual prices, which only hold for the first bit: each of the fullest directions is given a tenth more, at least 1
 * Mbit/s, and the question is solved again.
 */
#include "mod/te/ask.h"

#include "flow/solve.h"
#include "mod/te/split.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOVED_MAX 100
#define RISKS_MAX 100
#define PRICES_MAX 8
#define PRICE_ABOVE 0.9 /* utilisation from which more capacity is worth a look */
#define STEP_BPS_MIN 1000000ULL
#define CLASSES (PT_DEMAND_CLASSES - 1) /* REALTIME first, as they are numbered from 1 */
#define PASSES_MAX 400
#define WORK_MAX \
    40000000U      /* paths times passes of one solve: what a question costs has a limit in the largest network */
#define ALL 1e-6   /* of all demands: what rounding takes */
#define FITS 0.005 /* less than this share of a class is the solver's gap, not a lack of room */

struct state { /* one side of the comparison */
    struct pt_plan_pass pass;
    const struct te_topology *topology;
    const struct te_paths *paths;
    const struct te_load *load;
    const double *loads; /* by direction */
    double worst;        /* of the organization's own directions */
};

struct question {
    const char *organization;
    struct pt_arena *arena;
    struct state before, after;
    Patronus__V1__WhatIfResponse *response;
};

static char *borrow(const char *text)
{
    return (char *)(uintptr_t)text;
}

/* ---- the two sides -------------------------------------------------------------------------------------------- */

static bool ours(const struct question *question, const struct te_topology *topology, size_t site)
{
    return strcmp(topology->sites[site].organization, question->organization) == 0;
}

static bool our_direction(const struct question *question, const struct state *state, size_t direction)
{
    return ours(question, state->topology, state->topology->links[direction / 2].site);
}

static void look(const struct question *question, struct state *state)
{
    state->load = te_load_new(&state->pass, state->topology, state->paths, question->arena);
    state->loads = te_load_links(state->load, state->load->splits, question->arena);
    const struct te_update_problem *problem = &state->load->problem;
    for (size_t i = 0; i < problem->links_len; i++) {
        double share = state->loads[i] / problem->capacity[i];
        state->worst = share > state->worst && our_direction(question, state, i) ? share : state->worst;
    }
}

static void look_before(const struct question *question, const struct pt_plan_pass *pass, struct state *state)
{
    state->pass = *pass;
    state->pass.arena = question->arena;
    state->topology = pt_map_get_str(&pass->sections, "topology");
    state->paths = pt_map_get_str(&pass->sections, "te");
    look(question, state);
}

/* The stages with the changes; ends with state_fini. */
static enum pt_code look_after(const struct question *question, const struct pt_plan_pass *pass,
                               const struct te_changes *changes, struct state *state, struct pt_error *reterr)
{
    struct pt_arena *arena = question->arena;
    state->pass = (struct pt_plan_pass){.view = pass->view,
                                        .soft = pass->soft,
                                        .time_ns = pass->time_ns,
                                        .previous = te_solution_of(pass),
                                        .changes = changes,
                                        .arena = arena};
    void *section = NULL;
    PT_TRY(te_topology_run(&state->pass, &section, reterr));
    (void)pt_map_put_str(&state->pass.sections, "topology", section);
    state->topology = section;
    PT_TRY(te_paths_run(&state->pass, &section, reterr));
    (void)pt_map_put_str(&state->pass.sections, "te", section);
    state->paths = section;
    look(question, state);
    return PT_OK;
}

static void state_fini(struct state *state)
{
    te_pass_fini(&state->pass);
    pt_map_fini(&state->pass.sections);
}

/* ---- links ---------------------------------------------------------------------------------------------------- */

static int compare_links(const void *a, const void *b)
{
    const Patronus__V1__LinkUtilization *x = *(Patronus__V1__LinkUtilization *const *)a;
    const Patronus__V1__LinkUtilization *y = *(Patronus__V1__LinkUtilization *const *)b;
    if (x->after_ppm != y->after_ppm) {
        return x->after_ppm > y->after_ppm ? -1 : 1;
    }
    int order = strcmp(x->link, y->link);
    return order != 0 ? order : x->up - y->up;
}

static void put_links(struct question *question)
{
    const struct te_topology *before = question->before.topology;
    const struct te_topology *after = question->after.topology;
    Patronus__V1__WhatIfResponse *response = question->response;
    struct pt_map index;
    pt_map_init(&index);
    for (size_t i = 0; i < before->links_len; i++) {
        (void)pt_map_put_str(&index, before->links[i].name, (void *)(uintptr_t)(i + 1));
    }
    response->links = pt_arena_array(question->arena, after->links_len * 2, sizeof(*response->links));
    for (size_t i = 0; i < after->links_len * 2; i++) {
        const struct te_link *link = &after->links[i / 2];
        uintptr_t old = (uintptr_t)pt_map_get_str(&index, link->name);
        double was = old != 0 ? question->before.loads[(old - 1) * 2 + i % 2] : 0;
        double will = question->after.loads[i];
        if (!ours(question, after, link->site) || (was < 1 && will < 1)) {
            continue;
        }
        double capacity = question->after.load->problem.capacity[i];
        Patronus__V1__LinkUtilization *item = PT_NEW(question->arena, Patronus__V1__LinkUtilization);
        patronus__v1__link_utilization__init(item);
        item->link = borrow(link->name);
        item->up = i % 2 == 0;
        item->capacity_bps = capacity < TE_CAPACITY_UNKNOWN ? (uint64_t)capacity : 0;
        item->before_bps = (uint64_t)(was + 0.5);
        item->after_bps = (uint64_t)(will + 0.5);
        item->after_ppm = te_ppm(will / capacity);
        response->links[response->n_links++] = item;
    }
    pt_map_fini(&index);
    if (response->n_links > 0) {
        qsort(response->links, response->n_links, sizeof(*response->links), compare_links);
    }
}

/* ---- pairs ---------------------------------------------------------------------------------------------------- */

/* Links by which a pair's traffic leaves, in order of the paths. */
static size_t leaving(const struct state *state, const struct te_flow *flow, const char *ret_links[TE_CANDIDATES_MAX])
{
    size_t len = 0;
    if (flow == NULL || flow->fabric == TE_NONE) {
        return 0;
    }
    const struct te_pair *pair = te_pair_of(state->topology, state->paths, flow->fabric, flow->from, flow->to);
    for (size_t i = 0; i < pair->len; i++) {
        if (pair->paths[i].tier == 0) {
            ret_links[len++] = state->topology->links[state->topology->tunnels[pair->paths[i].tunnels[0]].local].name;
        }
    }
    return len;
}

/* Sum of the ids of what carries the pair, with weights: equal when nothing moves. */
static uint64_t way_of(const struct state *state, const struct te_flow *flow)
{
    if (flow == NULL || flow->fabric == TE_NONE) {
        return 0;
    }
    const struct te_pair *pair = te_pair_of(state->topology, state->paths, flow->fabric, flow->from, flow->to);
    uint64_t sum = 0;
    size_t carrying = 0;
    for (size_t i = 0; i < pair->len; i++) {
        carrying += pair->paths[i].tier == 0 ? 1 : 0;
    }
    for (size_t i = 0; i < pair->len; i++) {
        if (pair->paths[i].tier == 0) {
            sum += pt_hash_mix(pair->paths[i].id + (carrying > 1 ? pair->paths[i].weight : 0));
        }
    }
    return sum;
}

static const struct te_flow *flow_between(const struct state *state, size_t from, size_t to)
{
    size_t low = 0;
    size_t high = state->load->flows_len;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct te_flow *flow = &state->load->flows[middle];
        if (flow->from < from || (flow->from == from && flow->to < to)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    const struct te_flow *flow = &state->load->flows[low];
    return low < state->load->flows_len && flow->from == from && flow->to == to ? flow : NULL;
}

static void put_moved(struct question *question, const struct te_flow *was, const struct te_flow *will)
{
    Patronus__V1__WhatIfResponse *response = question->response;
    response->paths_moved++;
    if (response->n_moved == MOVED_MAX) {
        return;
    }
    struct pt_arena *arena = question->arena;
    Patronus__V1__MovedPath *moved = PT_NEW(arena, Patronus__V1__MovedPath);
    patronus__v1__moved_path__init(moved);
    moved->source_site = borrow(question->after.topology->sites[will->from].name);
    moved->destination_site = borrow(question->after.topology->sites[will->to].name);
    moved->rate_bps = will->rate_bps;
    moved->before = pt_arena_array(arena, TE_CANDIDATES_MAX, sizeof(char *));
    moved->after = pt_arena_array(arena, TE_CANDIDATES_MAX, sizeof(char *));
    moved->n_before = leaving(&question->before, was, (const char **)moved->before);
    moved->n_after = leaving(&question->after, will, (const char **)moved->after);
    response->moved[response->n_moved++] = moved;
}

static void put_risk(struct question *question, const struct te_flow *flow, const char *profile, const char *reason)
{
    Patronus__V1__WhatIfResponse *response = question->response;
    if (response->n_sla_at_risk == RISKS_MAX) {
        return;
    }
    Patronus__V1__SlaRisk *risk = PT_NEW(question->arena, Patronus__V1__SlaRisk);
    patronus__v1__sla_risk__init(risk);
    risk->source_site = borrow(question->after.topology->sites[flow->from].name);
    risk->destination_site = borrow(question->after.topology->sites[flow->to].name);
    risk->sla_profile = borrow(profile);
    risk->reason = borrow(reason);
    response->sla_at_risk[response->n_sla_at_risk++] = risk;
}

/* Round-trip time of the slowest path that carries the pair, as far as tunnels were measured, microseconds. */
static uint64_t delay_of(const struct state *state, const struct te_flow *flow)
{
    const struct te_pair *pair = te_pair_of(state->topology, state->paths, flow->fabric, flow->from, flow->to);
    uint64_t most = 0;
    for (size_t i = 0; i < pair->len && pair->paths[i].tier == 0; i++) {
        uint64_t sum = 0;
        for (size_t j = 0; j < pair->paths[i].tunnels_len; j++) {
            const struct te_tunnel *tunnel = &state->topology->tunnels[pair->paths[i].tunnels[j]];
            const struct pt_path_soft *soft = te_measured(state->topology, te_direct_path(tunnel->id));
            sum += soft != NULL && soft->known ? soft->rtt_us : 0;
        }
        most = sum > most ? sum : most;
    }
    return most;
}

/* Highest utilisation of a direction that the pair's traffic uses. */
static double fullest(const struct state *state, size_t flow)
{
    const struct te_update_problem *problem = &state->load->problem;
    double most = 0;
    for (size_t path = problem->first_path[flow]; path < problem->first_path[flow + 1]; path++) {
        for (size_t i = problem->first_hop[path]; state->load->splits[path] > 0 && i < problem->first_hop[path + 1];
             i++) {
            double share = state->loads[problem->hops[i]] / problem->capacity[problem->hops[i]];
            most = share > most ? share : most;
        }
    }
    return most;
}

struct profiles {
    struct question *question;
    const struct te_flow *was, *will;
    double fullest_before, fullest_after;
};

static bool check_profile(void *arg, const char *name, const struct pt_msg *msg)
{
    struct profiles *profiles = arg;
    struct question *question = profiles->question;
    uint64_t limit = pt_msg_u64(msg, "max_latency_us") * 2; /* one way; measured both ways */
    uint64_t delay = delay_of(&question->after, profiles->will);
    bool met = profiles->was == NULL || profiles->was->fabric == TE_NONE ||
               delay_of(&question->before, profiles->was) <= limit;
    if (limit > 0 && delay > limit && met) {
        put_risk(question, profiles->will, name,
                 pt_arena_printf(question->arena, "%llu us one way, %llu allowed", (unsigned long long)delay / 2,
                                 (unsigned long long)limit / 2));
    } else if (pt_msg_has(msg, "max_loss_ppm") && profiles->fullest_after > 1 && profiles->fullest_before <= 1) {
        put_risk(question, profiles->will, name,
                 pt_arena_printf(question->arena, "a link on its way would be at %.0f %%: packets would be lost",
                                 profiles->fullest_after * 100));
    }
    return question->response->n_sla_at_risk < RISKS_MAX;
}

static void put_pairs(struct question *question)
{
    const struct state *after = &question->after;
    Patronus__V1__WhatIfResponse *response = question->response;
    response->moved = pt_arena_array(question->arena, MOVED_MAX, sizeof(*response->moved));
    response->sla_at_risk = pt_arena_array(question->arena, RISKS_MAX, sizeof(*response->sla_at_risk));
    for (size_t i = 0; i < after->load->flows_len; i++) {
        const struct te_flow *flow = &after->load->flows[i];
        if (!ours(question, after->topology, flow->from)) {
            continue;
        }
        response->demand_bps += flow->rate_bps;
        /* Sites keep their places: the changes take part of them out of use, but none out of the list. */
        const struct te_flow *was = flow_between(&question->before, flow->from, flow->to);
        struct te_flow quiet = *flow;
        if (was == NULL) { /* without traffic so far: it would have taken this way */
            const struct te_pair *pair = NULL;
            quiet.fabric = TE_NONE;
            for (size_t f = 0; f < question->before.topology->fabrics_len && (pair == NULL || pair->len == 0); f++) {
                pair = te_pair_of(question->before.topology, question->before.paths, f, flow->from, flow->to);
                quiet.fabric = pair->len > 0 ? f : TE_NONE;
            }
            was = &quiet;
        }
        if (way_of(&question->before, was) != way_of(after, flow)) {
            put_moved(question, was, flow);
        }
        bool fails = !after->topology->sites[flow->from].active || !after->topology->sites[flow->to].active;
        if (flow->fabric == TE_NONE) {
            response->cut_off += 1;
            response->unmet_bps += flow->rate_bps;
            put_risk(question, flow, "", fails ? "one of the two sites is down" : "no path is left");
            continue;
        }
        struct profiles profiles = {.question = question, .was = was, .will = flow, .fullest_after = fullest(after, i)};
        profiles.fullest_before =
            was == &quiet ? 0 : fullest(&question->before, (size_t)(was - question->before.load->flows));
        pt_view_scan(after->pass.view, "slaProfile", question->organization, check_profile, &profiles);
    }
}

/* ---- what does not fit, and what would help ------------------------------------------------------------------- */

struct fit { /* of the organization's own traffic; nobody else's crosses its links */
    struct pt_flow_link *links;
    struct pt_flow_demand *demands;      /* as the newest solve wants them */
    const struct pt_flow_demand *wanted; /* all of them, each of its class */
    uint32_t *owners, *paths;
    size_t *first;
    size_t demands_len, paths_len;
    uint32_t *link_of, *site_of; /* of a direction and a site of the topology: here */
    uint32_t nodes_len, links_len;
};

/* The organization's own links and sites, numbered among themselves: others' may be many. */
static void fit_links(struct fit *fit, const struct question *question, const struct state *state)
{
    const struct te_topology *topology = state->topology;
    fit->links = pt_arena_array(question->arena, topology->links_len * 2, sizeof(*fit->links));
    fit->link_of = pt_arena_array(question->arena, topology->links_len * 2, sizeof(uint32_t));
    fit->site_of = pt_arena_array(question->arena, topology->sites_len, sizeof(uint32_t));
    for (size_t i = 0; i < topology->sites_len; i++) {
        fit->site_of[i] = ours(question, topology, i) ? ++fit->nodes_len : 0; /* 0 is what lies between sites */
    }
    fit->nodes_len += TE_NODES_BESIDE;
    for (size_t i = 0; i < topology->links_len * 2; i++) {
        uint32_t site = fit->site_of[topology->links[i / 2].site];
        if (site != 0) {
            fit->link_of[i] = fit->links_len;
            fit->links[fit->links_len++] = (struct pt_flow_link){.from = i % 2 == 0 ? site : 0,
                                                                 .to = i % 2 == 0 ? 0 : site,
                                                                 .capacity = state->load->problem.capacity[i],
                                                                 .metric = 1};
        }
    }
}

static void fit_init(struct fit *fit, const struct question *question, const struct state *state)
{
    const struct te_update_problem *problem = &state->load->problem;
    struct pt_arena *arena = question->arena;
    fit_links(fit, question, state);
    fit->demands = pt_arena_array(arena, problem->flows_len * CLASSES, sizeof(*fit->demands));
    fit->owners = pt_arena_array(arena, state->load->paths_len * CLASSES, sizeof(uint32_t));
    fit->first = pt_arena_array(arena, state->load->paths_len * CLASSES + 1, sizeof(size_t));
    fit->paths = pt_arena_array(arena, problem->first_hop[state->load->paths_len] * CLASSES, sizeof(uint32_t));
    for (size_t i = 0; i < problem->flows_len * CLASSES; i++) {
        size_t flow = i / CLASSES;
        uint64_t rate_bps = state->load->flows[flow].class_bps[1 + i % CLASSES];
        if (state->load->flows[flow].fabric == TE_NONE || rate_bps == 0 ||
            !ours(question, state->topology, state->load->flows[flow].from)) {
            continue;
        }
        for (size_t path = problem->first_path[flow]; path < problem->first_path[flow + 1]; path++) {
            size_t begin = problem->first_hop[path];
            size_t len = problem->first_hop[path + 1] - begin;
            for (size_t j = 0; j < len; j++) {
                fit->paths[fit->first[fit->paths_len] + j] = fit->link_of[problem->hops[begin + j]];
            }
            fit->owners[fit->paths_len] = (uint32_t)fit->demands_len;
            fit->first[fit->paths_len + 1] = fit->first[fit->paths_len] + len;
            fit->paths_len++;
        }
        fit->demands[fit->demands_len++] = (struct pt_flow_demand){.from = fit->site_of[state->load->flows[flow].from],
                                                                   .to = fit->site_of[state->load->flows[flow].to],
                                                                   .rate = (double)rate_bps,
                                                                   .class_index = (uint32_t)(i % CLASSES)};
    }
    fit->wanted = pt_arena_memdup(arena, fit->demands, fit->demands_len * sizeof(*fit->demands));
}

/* Certificate of an objective over the same paths, and what of each class is carried (may be NULL). */
static enum pt_code fit_solve(const struct fit *fit, enum pt_flow_objective objective,
                              struct pt_flow_certificate *ret_certificate, double *ret_carried, struct pt_error *reterr)
{
    struct pt_flow_graph *graph = NULL;
    struct pt_flow_paths *paths = NULL;
    struct pt_flow_result *result = NULL;
    enum pt_code code = pt_flow_graph_new(fit->nodes_len, fit->links, fit->links_len, &graph, reterr);
    if (code == PT_OK) {
        code = pt_flow_paths_of(graph, fit->demands, fit->demands_len, fit->owners, fit->first, fit->paths,
                                fit->paths_len, &paths, reterr);
    }
    if (code == PT_OK) {
        const struct pt_flow_problem problem = {.graph = graph,
                                                .demands = fit->demands,
                                                .demands_len = fit->demands_len,
                                                .paths = paths,
                                                .objective = objective};
        size_t affordable = WORK_MAX / (fit->paths_len + 1) + 1;
        const struct pt_flow_options options = {.gap = 0.002,
                                                .passes_max = affordable < PASSES_MAX ? affordable : PASSES_MAX};
        code = pt_flow_solve(&problem, &options, &result, reterr);
    }
    if (code == PT_OK) {
        *ret_certificate = result->certificate;
        for (size_t i = 0; ret_carried != NULL && i < fit->paths_len; i++) { /* a slot a path, in the same order */
            ret_carried[fit->demands[fit->owners[i]].class_index] += result->rates[i];
        }
    }
    pt_flow_result_free(result);
    pt_flow_paths_free(paths);
    pt_flow_graph_free(graph);
    return code;
}

/* The most that fits of all demands up to a class, whichever class they are of. */
static enum pt_code fit_upto(const struct fit *fit, size_t class, double *ret_carried, struct pt_error *reterr)
{
    struct pt_flow_certificate most;
    for (size_t i = 0; i < fit->demands_len; i++) {
        fit->demands[i] = fit->wanted[i];
        fit->demands[i].rate = fit->wanted[i].class_index <= class ? fit->wanted[i].rate : 0;
        fit->demands[i].class_index = 0;
    }
    enum pt_code code = fit_solve(fit, PT_FLOW_MAX_FLOW, &most, NULL, reterr);
    memcpy(fit->demands, fit->wanted, fit->demands_len * sizeof(*fit->demands));
    if (code == PT_OK) {
        *ret_carried = most.value;
    }
    return code;
}

/* The most that fits of all demands, and of each class. One class after the other, each with what the ones before it
 * have left, is what fits at least; but a class that could go another way may be in the way of the next without need.
 * So up to each class counts what fits of all of these together, where that is more. */
static enum pt_code fit_carried(const struct fit *fit, double *ret_carried, double ret_classes[CLASSES],
                                struct pt_error *reterr)
{
    struct pt_flow_certificate most;
    double wanted[CLASSES] = {0};
    double alone[CLASSES] = {0};
    double before = 0, all = 0, least = 0;
    PT_TRY(fit_solve(fit, PT_FLOW_MAX_FLOW, &most, alone, reterr));
    for (size_t i = 0; i < fit->demands_len; i++) {
        wanted[fit->wanted[i].class_index] += fit->wanted[i].rate;
    }
    for (size_t class = 0; class < CLASSES; class ++) {
        double carried = 0;
        bool follows = all > 0;
        all += wanted[class];
        least += alone[class];
        if (wanted[class] > 0 && follows && least < all * (1 - ALL)) {
            PT_TRY(fit_upto(fit, class, &carried, reterr));
        }
        carried = carried > least ? carried : least;
        carried = carried < all * (1 - ALL) ? carried : all;
        carried = carried > before ? carried : before;
        carried = carried < before + wanted[class] ? carried : before + wanted[class];
        ret_classes[class] = carried - before;
        before = carried;
    }
    *ret_carried = before;
    return PT_OK;
}

/* Before it is known what does not fit: everything does, but for what is cut off. */
static void put_classes(struct question *question)
{
    Patronus__V1__WhatIfResponse *response = question->response;
    const struct te_load *load = question->after.load;
    response->classes = pt_arena_array(question->arena, CLASSES, sizeof(*response->classes));
    for (size_t class = 1; class <= CLASSES; class ++) {
        Patronus__V1__ClassOutcome outcome = PATRONUS__V1__CLASS_OUTCOME__INIT;
        outcome.traffic_class = (Patronus__V1__TrafficClass) class;
        for (size_t i = 0; i < load->flows_len; i++) {
            bool cut = load->flows[i].fabric == TE_NONE;
            bool counts = ours(question, question->after.topology, load->flows[i].from);
            outcome.demand_bps += counts ? load->flows[i].class_bps[class] : 0;
            outcome.unmet_bps += counts && cut ? load->flows[i].class_bps[class] : 0;
        }
        if (outcome.demand_bps > 0) {
            response->classes[response->n_classes++] = pt_arena_memdup(question->arena, &outcome, sizeof(outcome));
        }
    }
}

/* What of each class does not fit; the sum over classes is what of everything does not. */
static void put_unmet(struct question *question, const struct fit *fit, const double carried[CLASSES])
{
    Patronus__V1__WhatIfResponse *response = question->response;
    for (size_t i = 0; i < response->n_classes; i++) {
        size_t class = (size_t)response->classes[i]->traffic_class - 1;
        double wanted = 0;
        for (size_t j = 0; j < fit->demands_len; j++) {
            wanted += fit->demands[j].class_index == class ? fit->demands[j].rate : 0;
        }
        bool all = wanted - carried[class] < wanted * FITS;
        uint64_t unmet_bps = all ? 0 : (uint64_t)(wanted - carried[class]);
        response->classes[i]->unmet_bps += unmet_bps;
        response->unmet_bps += unmet_bps;
    }
}

static enum pt_code put_price(struct question *question, struct fit *fit, size_t direction, double carried,
                              struct pt_error *reterr)
{
    Patronus__V1__WhatIfResponse *response = question->response;
    struct pt_flow_link *link = &fit->links[fit->link_of[direction]];
    double capacity = link->capacity;
    uint64_t added = (uint64_t)(capacity / 10) > STEP_BPS_MIN ? (uint64_t)(capacity / 10) : STEP_BPS_MIN;
    struct pt_flow_certificate least;
    double more = 0;
    link->capacity = capacity + (double)added;
    enum pt_code code = fit_upto(fit, CLASSES, &more, reterr);
    if (code == PT_OK) {
        code = fit_solve(fit, PT_FLOW_MIN_MLU, &least, NULL, reterr);
    }
    link->capacity = capacity;
    PT_TRY(code);
    Patronus__V1__ShadowPrice *price = PT_NEW(question->arena, Patronus__V1__ShadowPrice);
    patronus__v1__shadow_price__init(price);
    price->link = borrow(question->after.topology->links[direction / 2].name);
    price->up = direction % 2 == 0;
    price->added_bps = added;
    price->relieved_bps = more > carried + 0.5 ? (uint64_t)(more - carried) : 0;
    price->max_utilization_ppm = te_ppm(least.value);
    response->shadow_prices[response->n_shadow_prices++] = price;
    return PT_OK;
}

/* The fullest direction that is not done; SIZE_MAX when none is fuller than PRICE_ABOVE. */
static size_t next_fullest(const struct question *question, const bool *done)
{
    const struct te_update_problem *problem = &question->after.load->problem;
    size_t best = SIZE_MAX;
    double most = PRICE_ABOVE;
    for (size_t i = 0; i < problem->links_len; i++) {
        double share = question->after.loads[i] / problem->capacity[i];
        if (!done[i] && share > most && our_direction(question, &question->after, i)) {
            most = share;
            best = i;
        }
    }
    return best;
}

static enum pt_code put_prices(struct question *question, struct pt_error *reterr)
{
    const struct te_update_problem *problem = &question->after.load->problem;
    Patronus__V1__WhatIfResponse *response = question->response;
    if (question->after.worst <= PRICE_ABOVE) {
        return PT_OK;
    }
    struct fit fit = {0};
    double carried = 0;
    fit_init(&fit, question, &question->after);
    double classes[CLASSES] = {0};
    PT_TRY(fit_carried(&fit, &carried, classes, reterr));
    put_unmet(question, &fit, classes);
    bool *done = pt_arena_array(question->arena, problem->links_len, sizeof(bool));
    response->shadow_prices = pt_arena_array(question->arena, PRICES_MAX, sizeof(*response->shadow_prices));
    for (size_t i = 0; i < PRICES_MAX; i++) {
        size_t direction = next_fullest(question, done);
        if (direction == SIZE_MAX) {
            break;
        }
        done[direction] = true;
        PT_TRY(put_price(question, &fit, direction, carried, reterr));
    }
    return PT_OK;
}

enum pt_code te_what_if(const struct pt_plan_pass *pass, const struct te_changes *changes, const char *organization,
                        struct pt_arena *arena, Patronus__V1__WhatIfResponse **ret_response, struct pt_error *reterr)
{
    struct question question = {.organization = organization, .arena = arena};
    question.response = PT_NEW(arena, Patronus__V1__WhatIfResponse);
    patronus__v1__what_if_response__init(question.response);
    look_before(&question, pass, &question.before);
    enum pt_code code = look_after(&question, pass, changes, &question.after, reterr);
    if (code == PT_OK) {
        question.response->before_ppm = te_ppm(question.before.worst);
        question.response->after_ppm = te_ppm(question.after.worst);
        question.response->revision = pt_view_revision(pass->view);
        put_links(&question);
        put_pairs(&question);
        put_classes(&question);
        code = put_prices(&question, reterr);
    }
    state_fini(&question.after);
    if (code == PT_OK) {
        *ret_response = question.response;
    }
    return code;
}

/* ---- draining ------------------------------------------------------------------------------------------------- */

enum pt_code te_drain_check(const struct pt_plan_pass *pass, const char *name, struct pt_arena *arena,
                            Patronus__V1__WhatIfResponse **ret_response, struct pt_error *reterr)
{
    bool is_link = strstr(name, "/links/") != NULL;
    struct te_changes changes = {0};
    if (is_link) {
        changes.drain_links = &name;
        changes.drain_links_len = 1;
    } else {
        changes.drain_sites = &name;
        changes.drain_sites_len = 1;
    }
    const char *second = strchr(strchr(name, '/') + 1, '/');
    const char *organization = pt_arena_strndup(arena, name, (size_t)(second - name));
    Patronus__V1__WhatIfResponse *response = NULL;
    PT_TRY(te_what_if(pass, &changes, organization, arena, &response, reterr));
    *ret_response = response;
    for (size_t i = 0; i < response->n_links; i++) {
        const Patronus__V1__LinkUtilization *link = response->links[i];
        double was = link->capacity_bps > 0 ? (double)link->before_bps / (double)link->capacity_bps : 0;
        if (link->after_ppm > 1000000 && (double)link->after_ppm > was * 1e6 + 1000) {
            return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "name",
                           "the rest lacks capacity: %.150s (%s) would be at %llu %%; add capacity or wait for less "
                           "traffic, or say --force",
                           link->link, link->up ? "up" : "down", (unsigned long long)link->after_ppm / 10000);
        }
        const struct pt_msg *msg = pt_view_get(pass->view, link->link);
        bool here = is_link && strcmp(link->link, name) == 0;
        bool drained = msg != NULL && pt_msg_i64(msg, "admin_state") == PATRONUS__V1__ADMIN_STATE__DRAINED;
        if ((here && link->after_bps > 0) || (drained && link->after_bps > link->before_bps + 1)) {
            return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "name",
                           "%llu kbit/s have no other way than %.150s, which %s drained; give the sites a second "
                           "underlay, or say --force and it goes on carrying them",
                           (unsigned long long)link->after_bps / 1000, link->link, here ? "is to be" : "is");
        }
    }
    return response->cut_off == 0
               ? PT_OK
               : pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "name",
                         "%u pairs of sites would be cut off; say --force to do it all the same", response->cut_off);
}
