/*
 * Measured demands are keyed by edge and label; here they become flows between sites. A flow belongs to the first
 * fabric that has a path for it: demand is measured towards sites, not within fabrics.
 */
#include "mod/te/load.h"

#include "base/assert.h"
#include "mod/te/changes.h"
#include "mod/te/te.h"
#include "patronus/v1/te.pb-c.h"

#include <stdlib.h>
#include <string.h>

struct gather {
    const struct pt_plan_pass *pass;
    const struct te_topology *topology;
    struct pt_arena *arena;
    struct pt_map site_by_label; /* 8 bytes big-endian -> index + 1; empty unless demands were measured */
    struct te_flow *flows;
    size_t len, capacity;
};

static size_t site_labelled(const struct gather *gather, uint32_t label)
{
    uint8_t key[8];
    pt_put_be64(key, label);
    uintptr_t value = (uintptr_t)pt_map_get(&gather->site_by_label, key, sizeof(key));
    return value == 0 ? TE_NONE : value - 1;
}

/* `class_bps` may be NULL: STANDARD. */
static void push_flow(struct gather *gather, size_t from, size_t to, uint64_t rate_bps, const uint64_t *class_bps)
{
    if (gather->len == gather->capacity) {
        gather->capacity = gather->capacity == 0 ? 64 : gather->capacity * 2;
        struct te_flow *more = pt_arena_array(gather->arena, gather->capacity, sizeof(*more));
        if (gather->len > 0) {
            memcpy(more, gather->flows, gather->len * sizeof(*more));
        }
        gather->flows = more;
    }
    struct te_flow *flow = &gather->flows[gather->len++];
    *flow = (struct te_flow){.from = from, .to = to, .rate_bps = rate_bps};
    uint64_t left = rate_bps;
    for (size_t i = 1; class_bps != NULL && i < PT_DEMAND_CLASSES; i++) {
        flow->class_bps[i] = class_bps[i] < left ? class_bps[i] : left;
        left -= flow->class_bps[i];
    }
    flow->class_bps[PATRONUS__V1__TRAFFIC_CLASS__STANDARD] += left;
}

static void add_flow(struct gather *gather, size_t from, size_t to, uint64_t rate_bps, const uint64_t *class_bps)
{
    if (from == TE_NONE || to == TE_NONE || from == to || rate_bps == 0) {
        return;
    }
    push_flow(gather, from, to, rate_bps, class_bps);
}

static size_t site_named(const struct gather *gather, const char *name)
{
    return te_site_named(gather->topology, name, strlen(name));
}

#define RATE_BPS_MAX 1000000000000000ULL /* of a pair: sums of all pairs, a hundredfold, fit */

static uint64_t scaled(uint64_t rate_bps, uint64_t percent)
{
    return (rate_bps < RATE_BPS_MAX ? rate_bps : RATE_BPS_MAX) * percent / 100;
}

/* Of "<Edge name>/<label>": the edge's name is the site's with two segments behind. */
static void add_measured(struct gather *gather, const char *key, size_t size, const struct pt_demand_soft *demand,
                         uint64_t percent)
{
    size_t end = size;
    uint32_t label = 0;
    uint32_t unit = 1;
    for (; end > 0 && key[end - 1] != '/'; end--, unit *= 10) {
        label += (uint32_t)(key[end - 1] - '0') * unit;
    }
    for (unsigned slashes = 0; end > 0 && slashes < 3; end--) {
        slashes += key[end - 1] == '/' ? 1 : 0;
    }
    uint64_t class_bps[PT_DEMAND_CLASSES];
    for (size_t i = 0; i < PT_DEMAND_CLASSES; i++) {
        class_bps[i] = scaled(demand->class_bps[i], percent);
    }
    add_flow(gather, te_site_named(gather->topology, key, end), site_labelled(gather, label),
             scaled(demand->rate_bps, percent), class_bps);
}

static void add_of_class(struct gather *gather, const char *source, const char *destination, uint64_t rate_bps,
                         uint32_t class_index)
{
    uint64_t class_bps[PT_DEMAND_CLASSES] = {0};
    class_bps[class_index < PT_DEMAND_CLASSES ? class_index : 0] = rate_bps;
    add_flow(gather, site_named(gather, source), site_named(gather, destination), rate_bps, class_bps);
}

static bool add_planned(void *arg, const char *name, const struct pt_msg *msg)
{
    struct gather *gather = arg;
    (void)name;
    add_of_class(gather, pt_msg_str(msg, "source_site"), pt_msg_str(msg, "destination_site"),
                 pt_msg_u64(msg, "rate_bps"), (uint32_t)pt_msg_i64(msg, "traffic_class"));
    return true;
}

static const struct te_pair *pair_of_flow(const struct te_topology *topology, const struct te_paths *paths,
                                          struct te_flow *flow)
{
    for (size_t fabric = 0; fabric < topology->fabrics_len; fabric++) {
        const struct te_pair *pair = te_pair_of(topology, paths, fabric, flow->from, flow->to);
        if (pair->len > 0) {
            flow->fabric = fabric;
            return pair;
        }
    }
    flow->fabric = TE_NONE;
    return NULL;
}

/* Pairs of which nothing was measured yet, but whose splits nodes have said: they are to stay. */
static void add_held(struct gather *gather, const struct te_paths *paths)
{
    const struct te_topology *topology = gather->topology;
    const struct te_solution *held = gather->pass->previous;
    for (size_t from = 0; held != NULL && held->hold && from < topology->sites_len; from++) {
        for (size_t to = 0; to < topology->sites_len; to++) {
            struct te_flow flow = {.from = from, .to = to};
            const struct te_pair *pair = from != to ? pair_of_flow(topology, paths, &flow) : NULL;
            bool found = false;
            for (size_t i = 0; pair != NULL && !found && i < pair->len; i++) {
                found = te_weight_of(held, topology->sites[from].name, pair->paths[i].id, 0) != NULL;
            }
            if (found) {
                push_flow(gather, from, to, 0, NULL);
            }
        }
    }
}

static int compare_flows(const void *a, const void *b)
{
    const struct te_flow *x = a;
    const struct te_flow *y = b;
    if (x->from != y->from) {
        return x->from < y->from ? -1 : 1;
    }
    if (x->to != y->to) {
        return x->to < y->to ? -1 : 1;
    }
    return x->rate_bps < y->rate_bps ? -1 : x->rate_bps > y->rate_bps;
}

/* One flow a pair: those of equal ends are added up. */
static void merge(struct gather *gather)
{
    if (gather->len == 0) {
        return;
    }
    qsort(gather->flows, gather->len, sizeof(*gather->flows), compare_flows);
    size_t kept = 0;
    for (size_t i = 1; i < gather->len; i++) {
        if (gather->flows[i].from == gather->flows[kept].from && gather->flows[i].to == gather->flows[kept].to) {
            gather->flows[kept].rate_bps += gather->flows[i].rate_bps;
            for (size_t j = 0; j < PT_DEMAND_CLASSES; j++) {
                gather->flows[kept].class_bps[j] += gather->flows[i].class_bps[j];
            }
        } else {
            gather->flows[++kept] = gather->flows[i];
        }
    }
    gather->len = kept + 1;
}

static void gather_flows(struct gather *gather, const struct te_paths *paths)
{
    const struct te_topology *topology = gather->topology;
    const struct te_changes *changes = gather->pass->changes;
    uint64_t percent = changes != NULL && changes->scale_percent != 0 ? changes->scale_percent : 100;
    if (topology->soft != NULL && topology->soft->demands.count > 0) {
        for (size_t i = 0; i < topology->sites_len; i++) {
            uint8_t label[8];
            pt_put_be64(label, topology->sites[i].label);
            (void)pt_map_put(&gather->site_by_label, label, sizeof(label), (void *)(uintptr_t)(i + 1));
        }
        PT_MAP_FOREACH (entry, &topology->soft->demands) {
            add_measured(gather, (const char *)entry->key, entry->key_size, entry->value, percent);
        }
    }
    for (size_t i = 0; changes != NULL && i < changes->demands_len; i++) {
        const struct te_added_demand *demand = &changes->demands[i];
        add_of_class(gather, demand->source, demand->destination, demand->rate_bps, demand->class_index);
    }
    if (changes != NULL && changes->planned) {
        pt_view_scan(gather->pass->view, "demand", "", add_planned, gather);
    }
    add_held(gather, paths);
    merge(gather);
    pt_map_fini(&gather->site_by_label);
}

/* ---- the problem ---------------------------------------------------------------------------------------------- */

void te_pair_splits(const struct te_pair *pair, double *ret_splits)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < pair->len; i++) {
        sum += pair->paths[i].tier == 0 ? pair->paths[i].weight : 0;
    }
    for (size_t i = 0; i < pair->len; i++) {
        ret_splits[i] = pair->paths[i].tier == 0 && sum > 0 ? (double)pair->paths[i].weight / (double)sum : 0;
    }
}

static double *capacities(const struct te_topology *topology, struct pt_arena *arena)
{
    double *capacity = pt_arena_array(arena, topology->links_len * 2, sizeof(double));
    for (size_t i = 0; i < topology->links_len; i++) {
        const struct te_link *link = &topology->links[i];
        capacity[2 * i] = link->capacity_bps != 0 ? (double)link->capacity_bps : TE_CAPACITY_UNKNOWN;
        capacity[2 * i + 1] = link->capacity_in_bps != 0 ? (double)link->capacity_in_bps : TE_CAPACITY_UNKNOWN;
    }
    return capacity;
}

static struct te_load *load_of(struct te_flow *flows, size_t len, const struct te_topology *topology,
                               const struct te_paths *paths, struct pt_arena *arena)
{
    struct te_load *load = PT_NEW(arena, struct te_load);
    load->flows = flows;
    load->flows_len = len;
    size_t *first_path = pt_arena_array(arena, len + 1, sizeof(size_t));
    size_t *first_hop = pt_arena_array(arena, len * TE_CANDIDATES_MAX + 1, sizeof(size_t));
    uint32_t *hops = pt_arena_array(arena, len * TE_CANDIDATES_MAX * (PT_PATH_STACK_LEN_MAX + 1) * 2, sizeof(uint32_t));
    double *rate = pt_arena_array(arena, len, sizeof(double));
    load->splits = pt_arena_array(arena, len * TE_CANDIDATES_MAX, sizeof(double));
    size_t hops_len = 0;
    for (size_t i = 0; i < len; i++) {
        const struct te_pair *pair = pair_of_flow(topology, paths, &load->flows[i]);
        rate[i] = (double)load->flows[i].rate_bps;
        if (pair != NULL) {
            te_pair_splits(pair, &load->splits[load->paths_len]);
        }
        for (size_t j = 0; pair != NULL && j < pair->len; j++) {
            for (size_t k = 0; k < pair->paths[j].tunnels_len; k++) {
                const struct te_tunnel *tunnel = &topology->tunnels[pair->paths[j].tunnels[k]];
                hops[hops_len++] = (uint32_t)(2 * tunnel->local);
                hops[hops_len++] = (uint32_t)(2 * tunnel->remote + 1);
            }
            first_hop[++load->paths_len] = hops_len;
        }
        first_path[i + 1] = load->paths_len;
    }
    load->problem = (struct te_update_problem){.capacity = capacities(topology, arena),
                                               .links_len = topology->links_len * 2,
                                               .rate = rate,
                                               .flows_len = len,
                                               .first_path = first_path,
                                               .first_hop = first_hop,
                                               .hops = hops,
                                               .quantum = TE_QUANTUM};
    return load;
}

struct te_load *te_load_new(const struct pt_plan_pass *pass, const struct te_topology *topology,
                            const struct te_paths *paths, struct pt_arena *arena)
{
    struct gather gather = {.pass = pass, .topology = topology, .arena = arena};
    gather_flows(&gather, paths);
    return load_of(gather.flows, gather.len, topology, paths, arena);
}

struct te_load *te_load_by_class(const struct te_load *load, const uint32_t *masks, const struct te_topology *topology,
                                 const struct te_paths *paths, struct pt_arena *arena)
{
    size_t len = 0;
    for (size_t i = 0; i < load->flows_len; i++) {
        len += masks[i] != 0 ? (size_t)__builtin_popcount(masks[i]) : 1;
    }
    struct te_flow *flows = pt_arena_array(arena, len, sizeof(*flows));
    len = 0;
    for (size_t i = 0; i < load->flows_len; i++) {
        if (masks[i] == 0) {
            flows[len++] = load->flows[i];
        }
        for (uint32_t class = 1; class < PT_DEMAND_CLASSES; class ++) {
            if (masks[i] >> class & 1) {
                struct te_flow *flow = &flows[len++];
                *flow = load->flows[i];
                flow->class_index = class;
                flow->rate_bps = flow->class_bps[class];
            }
        }
    }
    return load_of(flows, len, topology, paths, arena);
}

double *te_load_links(const struct te_load *load, const double *splits, struct pt_arena *arena)
{
    const struct te_update_problem *problem = &load->problem;
    double *loads = pt_arena_array(arena, problem->links_len, sizeof(double));
    for (size_t flow = 0; flow < problem->flows_len; flow++) {
        for (size_t path = problem->first_path[flow]; path < problem->first_path[flow + 1]; path++) {
            for (size_t i = problem->first_hop[path]; i < problem->first_hop[path + 1]; i++) {
                loads[problem->hops[i]] += problem->rate[flow] * splits[path];
            }
        }
    }
    return loads;
}
