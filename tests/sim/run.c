/*
 * One seed: found a cluster, let it live under faults, heal it, judge it.
 */
#include "nodes.h"

#define FOUND_NS (20 * SECOND)
#define TICK_NS (10 * MS)

/* Let time pass; false once a promise is broken. */
static bool pass(struct world *world, uint64_t until_ns)
{
    while (world->violations == 0 && pt_sim_step(world->sim, until_ns)) {
        world->events++;
        check_step(world);
        if (world->attention) {
            nemesis_attend(world);
        }
    }
    return world->violations == 0;
}

/* The founding commands are applied and every founder votes. */
static bool is_founded(struct world *world, unsigned voters)
{
    struct controller_host *leader = leader_of(world);
    if (leader == NULL) {
        return false;
    }
    struct pt_raft_member members[CONTROLLERS_MAX + 1];
    size_t len = pt_raft_members(pt_controller_raft(leader->controller), members, CONTROLLERS_MAX + 1);
    unsigned voting = 0;
    for (size_t i = 0; i < len; i++) {
        voting += members[i].voter ? 1 : 0;
    }
    return voting == voters;
}

static bool found(struct world *world)
{
    unsigned voters = world->options->rot || chance(world, 60) ? 3 : 5;
    tell(world, "seed %llu: %u controllers", (unsigned long long)world->options->seed, voters);
    found_cluster(world, voters);
    for (unsigned i = 0; i < world->edges_len; i++) {
        edge_start(&world->edges[i]);
    }
    while (!is_founded(world, voters)) {
        if (now_ns(world) > FOUND_NS) {
            violate(world, "the cluster is not founded in time");
        }
        if (!pass(world, now_ns(world) + TICK_NS)) {
            return false;
        }
    }
    return true;
}

bool world_live(struct world *world, uint64_t until_ns)
{
    while (now_ns(world) < until_ns && pass(world, now_ns(world) + TICK_NS)) {
        operator_tick(world);
        nemesis_tick(world);
    }
    return world->violations == 0;
}

void run_seed(const struct options *options, const struct certs *certs, const struct pt_schema *schema,
              struct result *ret_result)
{
    static const unsigned clients[] = {4, 8, 16, 24};
    static const unsigned keys[] = {4, 12, 48};
    struct world world;
    world_init(&world, options, certs, schema);
    model_init(&world.model, keys[draw(&world, 3)]);
    if (found(&world)) {
        clients_init(&world, clients[draw(&world, 4)]);
        watchers_init(&world, WATCHERS_MAX);
        operator_init(&world);
        tenants_init(&world);
        changer_init(&world);
        movers_init(&world);
        nemesis_init(&world);
        if (options->rot) {
            rot_live(&world);
        } else {
            (void)world_live(&world, now_ns(&world) + options->seconds * SECOND);
        }
        if (world.violations == 0) {
            check_end(&world);
        }
    }
    *ret_result = (struct result){.ops = world.ops,
                                  .faults = world.faults,
                                  .violations = world.violations,
                                  .trace_hash = pt_sim_trace_hash(world.sim),
                                  .virtual_ms = now_ns(&world) / MS,
                                  .events = world.events};
    world.violations++; /* from here on nobody starts anything */
    world.winding_down = true;
    world_fini(&world);
    model_fini(&world.model);
}
