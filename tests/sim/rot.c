/*
 * One bit flips on a controller while another one is down and the third lags.
 *
 *   lagging  cut off: what is acknowledged now is at the other two alone
 *   down     then it goes away, and stays away
 *   victim   then it dies, one bit of its files flips, and it comes back; the lagging one is reachable again
 *
 * What was acknowledged meanwhile is whole on the one that is down only. A victim that does not see its damage, or
 * takes its log for shorter than it was, can make a majority with the lagging one and go on without it: that is how one
 * bit loses acknowledged writes. It must see it and not vote, until the third is back; a victim that the bit did not
 * harm goes on. The clients' model judges in the end, as always.
 */
#include "nodes.h"

static bool live_for(struct world *world, uint64_t ms)
{
    return world_live(world, now_ns(world) + ms * MS);
}

static void separate(struct world *world, const struct controller_host *node, bool on)
{
    for (unsigned i = 0; i < CONTROLLERS_MAX; i++) {
        nemesis_cut(world, node->host, world->controllers[i].host, on);
        nemesis_cut(world, world->controllers[i].host, node->host, on);
    }
    nemesis_cut(world, world->client_host, node->host, on);
    nemesis_cut(world, node->host, world->client_host, on);
}

void rot_live(struct world *world)
{
    world->next_fault_ns = UINT64_MAX; /* nothing else goes wrong */
    unsigned turn = (unsigned)draw(world, 3);
    bool other_way = chance(world, 50);
    struct controller_host *victim = &world->controllers[turn];
    struct controller_host *down = &world->controllers[(turn + (other_way ? 1 : 2)) % 3];
    struct controller_host *lagging = &world->controllers[(turn + (other_way ? 2 : 1)) % 3];
    if (!live_for(world, 300 + draw(world, 1500))) {
        return;
    }
    tell(world, "rot: %s lags", lagging->name);
    separate(world, lagging, true);
    if (!live_for(world, 600 + draw(world, 2500))) {
        return;
    }
    tell(world, "rot: %s goes down", down->name);
    controller_crash(down, chance(world, 50));
    down->restart_ns = UINT64_MAX;
    if (!live_for(world, draw(world, 200))) {
        return;
    }
    nemesis_flip(world, victim);
    world->faults++;
    separate(world, lagging, false);
    if (!live_for(world, 1000 + draw(world, 3000))) {
        return;
    }
    down->restart_ns = now_ns(world);
    (void)live_for(world, 1000);
}
