/* See split_plan.h. In a file of its own: its fixture and the test bed have names in common. */
#include "split_plan.h"

#include "tests/unit/mod/te/fixture.h"

#include "mod/te/split.h"
#include "patronus/v1/te.pb-c.h"

#define MBIT 1000000ULL

struct split_plan {
    struct fixture f;
    struct te_solution before; /* the pass before, with its weights */
    unsigned costs[SPLIT_SITES][2];
};

static void put_rated(struct split_plan *plan, unsigned site, unsigned link, const char *more)
{
    char extra[256];
    (void)snprintf(extra, sizeof(extra),
                   ",\"cost\":%u,\"encryption\":\"PLAIN\",\"capacityUpBps\":\"100000000\","
                   "\"capacityDownBps\":\"100000000\"%s",
                   plan->costs[site][link], more);
    put_link(&plan->f, site, link, link == 0 ? "inet" : "mpls", extra);
}

struct split_plan *split_plan_new(const unsigned costs[SPLIT_SITES][2])
{
    struct split_plan *plan = calloc(1, sizeof(*plan));
    ck_assert_ptr_nonnull(plan);
    memcpy(plan->costs, costs, sizeof(plan->costs));
    fixture_init(&plan->f);
    put_basics(&plan->f);
    for (unsigned site = 0; site < SPLIT_SITES; site++) {
        put_site(&plan->f, site);
        put_rated(plan, site, 0, "");
        put_rated(plan, site, 1, "");
    }
    return plan;
}

void split_plan_free(struct split_plan *plan)
{
    pt_map_fini(&plan->before.weights);
    fixture_fini(&plan->f);
    free(plan);
}

void split_plan_demand(struct split_plan *plan, unsigned from, unsigned to, const uint64_t mbit[3])
{
    char key[128];
    (void)snprintf(key, sizeof(key), ORG "/sites/s%02u/edges/e/%u", from, to + 1);
    struct pt_demand_soft *soft = pt_arena_alloc(&plan->f.arena, sizeof(*soft));
    soft->rate_bps = (mbit[0] + mbit[1] + mbit[2]) * MBIT;
    soft->class_bps[PATRONUS__V1__TRAFFIC_CLASS__REALTIME] = mbit[1] * MBIT;
    soft->class_bps[PATRONUS__V1__TRAFFIC_CLASS__BULK] = mbit[2] * MBIT;
    (void)pt_map_put_str(&plan->f.soft.demands, key, soft);
}

void split_plan_drain(struct split_plan *plan, unsigned site, unsigned link)
{
    put_rated(plan, site, link, ",\"adminState\":\"DRAINED\"");
}

struct pt_bundle *split_plan_pass(struct split_plan *plan)
{
    struct te_solution *newest = (struct te_solution *)(uintptr_t)te_solution_of(&plan->f.pass);
    if (newest != NULL) {
        pt_map_fini(&plan->before.weights);
        plan->before = *newest;
        newest->weights = (struct pt_map){0};
        pass_again(&plan->f, &plan->before);
    } else {
        pass_ok(&plan->f);
    }
    const struct pt_plan_node *node = topology_of(&plan->f)->sites[0].node;
    return pt_bundle_new(node->entries, node->entries_len);
}

bool split_plan_is_solved(const struct split_plan *plan)
{
    return te_solution_of(&plan->f.pass)->kind == TE_SPLIT_SOLVED;
}

bool split_plan_has_more(const struct split_plan *plan)
{
    return te_solution_of(&plan->f.pass)->more;
}

double split_plan_by_wan0(struct split_plan *plan, unsigned to, uint32_t traffic_class)
{
    const struct te_topology *topology = topology_of(&plan->f);
    const struct te_pair *pair = te_pair_for_class(pair_of(&plan->f, 0, to), traffic_class);
    double splits[TE_CANDIDATES_MAX], share = 0;
    te_pair_splits(pair, splits);
    for (size_t i = 0; i < pair->len; i++) {
        share += topology->tunnels[pair->paths[i].tunnels[0]].local == 0 ? splits[i] : 0;
    }
    return share;
}
