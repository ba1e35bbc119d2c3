/*
 * The data plane of the simulator: it keeps what it is given. Nothing is forwarded here; the checkers read the digest,
 * and the liveness of paths through pt_dp_sim_path_alive.
 */
#include "agent/dp.h"
#include "base/assert.h"
#include "base/buf.h"

#include <stdlib.h>

#define TOLD_MAX 64

struct dp_sim {
    struct pt_dp base;
    struct pt_dp_decision told[TOLD_MAX]; /* pt_dp_sim_tell */
    size_t told_len;
    struct pt_bundle *bundle; /* in force, or NULL */
    struct pt_map alive;      /* be64 path id -> marker; a path that nobody judged is absent */
    uint8_t yes, no;          /* the markers */
};

static struct dp_sim *dp_sim_of(struct pt_dp *dp)
{
    return (struct dp_sim *)dp;
}

static enum pt_code apply(struct pt_dp *dp, const struct pt_bundle *bundle, struct pt_error *reterr)
{
    struct dp_sim *sim = dp_sim_of(dp);
    struct pt_bundle *kept = (struct pt_bundle *)(uintptr_t)bundle; /* references are not part of its value */
    (void)reterr;
    pt_bundle_ref(kept);
    pt_bundle_unref(sim->bundle);
    sim->bundle = kept;
    return PT_OK;
}

static enum pt_code verify(struct pt_dp *dp, struct pt_digest *ret_digest, struct pt_error *reterr)
{
    struct dp_sim *sim = dp_sim_of(dp);
    if (sim->bundle == NULL) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_NONE, NULL,
                       "no bundle was applied since the agent started");
    }
    *ret_digest = *pt_bundle_digest(sim->bundle);
    return PT_OK;
}

static int state_map(struct pt_dp *dp)
{
    (void)dp;
    return -1;
}

static void ask_again(struct pt_dp *dp)
{
    (void)dp; /* it has no flows */
}

static void set_path_alive(struct pt_dp *dp, uint64_t path_id, bool alive)
{
    struct dp_sim *sim = dp_sim_of(dp);
    uint8_t key[8];
    pt_put_be64(key, path_id);
    (void)pt_map_put(&sim->alive, key, sizeof(key), alive ? &sim->yes : &sim->no);
}

bool pt_dp_sim_path_alive(const struct pt_dp *dp, uint64_t path_id)
{
    const struct dp_sim *sim = (const struct dp_sim *)dp;
    uint8_t key[8];
    pt_put_be64(key, path_id);
    return pt_map_get(&sim->alive, key, sizeof(key)) == &sim->yes;
}

static void counters(struct pt_dp *dp, void (*path_fn)(void *arg, const struct pt_dp_path_counters *counters),
                     void (*drop_fn)(void *arg, const struct pt_dp_drop *drop), void *arg)
{
    struct dp_sim *sim = dp_sim_of(dp);
    size_t len = 0;
    const Patronus__V1__Entry *const *entries = sim->bundle == NULL ? NULL : pt_bundle_entries(sim->bundle, &len);
    (void)drop_fn; /* nothing is forwarded, so nothing is dropped */
    for (size_t i = 0; i < len; i++) {
        if (entries[i]->entry_case == PATRONUS__V1__ENTRY__ENTRY_PATH) {
            path_fn(arg, &(struct pt_dp_path_counters){.path_id = entries[i]->path->path});
        }
    }
}

static void demands(struct pt_dp *dp, void (*fn)(void *arg, uint32_t key, uint64_t bytes), void *arg)
{
    (void)dp, (void)fn, (void)arg; /* no traffic */
}

static void queues(struct pt_dp *dp, void (*fn)(void *arg, const struct pt_dp_link_queues *queues), void *arg)
{
    (void)dp, (void)fn, (void)arg; /* no links */
}

void pt_dp_sim_tell(struct pt_dp *dp, const struct pt_dp_decision *decision)
{
    struct dp_sim *sim = dp_sim_of(dp);
    pt_assert(sim->told_len < TOLD_MAX);
    sim->told[sim->told_len++] = *decision;
}

static uint64_t decisions(struct pt_dp *dp, void (*fn)(void *arg, const struct pt_dp_decision *decision), void *arg)
{
    struct dp_sim *sim = dp_sim_of(dp);
    for (size_t i = 0; i < sim->told_len; i++) {
        fn(arg, &sim->told[i]);
    }
    sim->told_len = 0;
    return 0;
}

static bool flow(struct pt_dp *dp, const struct pt_dp_flow_key *key, struct pt_dp_flow *ret_flow)
{
    (void)dp, (void)key, (void)ret_flow;
    return false;
}

static bool origin_of(struct pt_dp *dp, uint32_t generation, struct pt_dp_origin *ret_origin)
{
    (void)generation; /* there is one bundle */
    *ret_origin = dp->origin;
    return true;
}

static enum pt_dp_life path_life(struct pt_dp *dp, uint64_t path_id)
{
    uint8_t key[8];
    pt_put_be64(key, path_id);
    const void *marker = pt_map_get(&dp_sim_of(dp)->alive, key, sizeof(key));
    return marker == NULL ? PT_DP_LIFE_UNKNOWN : pt_dp_sim_path_alive(dp, path_id) ? PT_DP_LIFE_ALIVE : PT_DP_LIFE_DEAD;
}

static void close_dp(struct pt_dp *dp)
{
    struct dp_sim *sim = dp_sim_of(dp);
    pt_bundle_unref(sim->bundle);
    pt_map_fini(&sim->alive);
    free(sim);
}

/* The simulator seals nothing. */
static uint32_t path_slot(struct pt_dp *dp, uint64_t path_id)
{
    (void)dp, (void)path_id;
    return 0;
}

static enum pt_code set_tunnel(struct pt_dp *dp, uint32_t ifindex, struct pt_error *reterr)
{
    (void)dp, (void)ifindex, (void)reterr;
    return PT_OK;
}

static bool sla_maps(struct pt_dp *dp, int *ret_sla_map, int *ret_epoch_map)
{
    (void)dp, (void)ret_sla_map, (void)ret_epoch_map;
    return false;
}

static int sla_number(struct pt_dp *dp, uint64_t sla)
{
    (void)dp, (void)sla;
    return -1;
}

static void set_time(struct pt_dp *dp, int64_t wall_s)
{
    (void)dp, (void)wall_s; /* it keeps bundles, not what they make */
}

static int64_t due(struct pt_dp *dp)
{
    (void)dp;
    return INT64_MAX;
}

static void set_path_mtu(struct pt_dp *dp, uint64_t path_id, uint32_t mtu)
{
    (void)dp, (void)path_id, (void)mtu;
}

struct pt_dp *pt_dp_sim_new(void)
{
    static const struct pt_dp_ops ops = {.apply = apply,
                                         .verify = verify,
                                         .set_path_alive = set_path_alive,
                                         .ask_again = ask_again,
                                         .state_map = state_map,
                                         .counters = counters,
                                         .demands = demands,
                                         .queues = queues,
                                         .path_slot = path_slot,
                                         .set_tunnel = set_tunnel,
                                         .set_path_mtu = set_path_mtu,
                                         .sla_maps = sla_maps,
                                         .sla_number = sla_number,
                                         .set_time = set_time,
                                         .due = due,
                                         .decisions = decisions,
                                         .flow = flow,
                                         .origin_of = origin_of,
                                         .path_life = path_life,
                                         .close = close_dp};
    struct dp_sim *sim = calloc(1, sizeof(*sim));
    pt_assert(sim != NULL);
    sim->base.ops = &ops;
    pt_map_init(&sim->alive);
    return &sim->base;
}
