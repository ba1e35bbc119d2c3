/*
 * What a new leader goes on from.
 *
 * Soft state dies with the leader that gathered it. Who is drained stands in the log, and what is alive is told within
 * a second; but splits that a solver gave are justified by traffic that the new leader has not measured yet. Nodes know
 * the splits, for they forward by them: each says them in its hello, and for LEARN_MS every pass keeps what is in
 * force. A node is believed about the paths that begin at its own site: another's are none of its business. After that
 * the first pass with measured traffic finds them as what was before, to be kept or to be left in steps.
 *
 * A link or site that was undrained less than the ramp's length ago is known by when it was changed last: it goes on
 * coming back by quarters. Others that were changed then do so too, which does no harm.
 */
#include "serve/push_priv.h"

#include "base/assert.h"
#include "patronus/v1/agent.pb-c.h"
#include "patronus/v1/common.pb-c.h"
#include "patronus/v1/site.pb-c.h"
#include "wire/msg.h"

#include <stdlib.h>
#include <string.h>

#define LEARN_MS 5000
#define LEARNED_LEN_MAX 1000000U

void pt_push_learn(struct pt_push *push, struct pt_edge_session *session, const Patronus__V1__NodeHello *hello)
{
    uint64_t age_ns = pt_sys_now_ns(push->controller->sys) - push->ready_ns;
    if (!push->controller->leading || (push->controller->ready && age_ns > LEARN_MS * 1000000ULL)) {
        return; /* by now the leader knows better */
    }
    char site[PT_NAME_SIZE_MAX + 1];
    pt_name_parent(session->edge, site);
    for (size_t i = 0; i < hello->n_shares && push->learned.count < LEARNED_LEN_MAX; i++) {
        uint8_t key[TE_WEIGHT_KEY_SIZE];
        uint32_t weight = hello->shares[i]->weight;
        if (weight == 0 || weight > TE_WEIGHTS_SUM || hello->shares[i]->traffic_class >= PT_DEMAND_CLASSES) {
            continue;
        }
        uint32_t *kept = malloc(sizeof(*kept));
        pt_assert(kept != NULL);
        *kept = weight;
        size_t size = te_weight_key(hello->shares[i]->path, hello->shares[i]->traffic_class, site, key);
        free(pt_map_put(&push->learned, key, size, kept));
        session->after_pass = push->passes + 1;
    }
}

static void forget(struct pt_push *push)
{
    PT_MAP_FOREACH (entry, &push->learned) {
        free(entry->value);
    }
    pt_map_clear(&push->learned);
}

void pt_learn_role_changed(struct pt_push *push)
{
    if (!push->controller->ready) {
        forget(push);
    }
    push->ready_ns = pt_sys_now_ns(push->controller->sys); /* nodes may have come before that */
}

void pt_learn_fini(struct pt_push *push)
{
    forget(push);
    pt_map_fini(&push->learned);
}

void pt_learn_start(struct pt_push *push, struct pass *pass)
{
    const struct te_solution *before = pass->before != NULL ? te_solution_of(&pass->before->plan) : NULL;
    pass->plan.previous = before;
    uint64_t age_ms = (pt_sys_now_ns(push->controller->sys) - push->ready_ns) / 1000000;
    if (push->learned.count == 0 || age_ms > LEARN_MS) {
        return;
    }
    PT_MAP_FOREACH (entry, &push->learned) {
        uint32_t *weight = pt_arena_memdup(&pass->arena, entry->value, sizeof(*weight));
        (void)pt_map_put(&pass->learned.weights, entry->key, entry->key_size, weight);
    }
    pass->learned.epoch = before != NULL ? before->epoch : 0;
    pass->learned.hold = true;
    pass->plan.previous = &pass->learned;
    pt_push_within(push, LEARN_MS - age_ms + 1); /* then for good */
}

/* ---- coming back ---------------------------------------------------------------------------------------------- */

struct recent {
    struct pt_push *push;
    int64_t now_ns;
};

static bool add_recent(void *arg, const char *name, const struct pt_msg *msg)
{
    struct recent *recent = arg;
    int64_t age_ns = recent->now_ns - pt_msg_time(msg, "update_time");
    bool active = pt_msg_i64(msg, "admin_state") != PATRONUS__V1__ADMIN_STATE__DRAINED;
    bool changed = pt_msg_time(msg, "update_time") > pt_msg_time(msg, "create_time");
    if (active && changed && age_ns >= 0 && age_ns < PT_PUSH_RAMP_MS * 1000000LL) {
        pt_push_ramp(recent->push, name, (uint64_t)age_ns);
    }
    return true;
}

void pt_learn_ramps(struct pt_push *push, struct pt_view *view)
{
    struct recent recent = {.push = push, .now_ns = pt_sys_wall_ns(push->controller->sys)};
    pt_view_scan(view, "link", "", add_recent, &recent);
    pt_view_scan(view, "site", "", add_recent, &recent);
}
