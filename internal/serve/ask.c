/*
 * Questions about the newest pass, answered by a worker of their own; callers that wait until the nodes have what they
 * asked for; and links and sites that come back from a drain.
 *
 * A pass is immutable once it is done, so that a question only holds a reference: the planning goes on meanwhile. Waits
 * are looked at when a pass is done and when a node acknowledges, and once a second for their deadlines.
 */
#include "serve/push_priv.h"

#include "base/assert.h"
#include "mod/te/te.h"

#include <stdlib.h>
#include <string.h>

#define WAITS_MS 1000
#define RAMP_STEP_MS 2000
#define RAMP_STEPS 4
#define MORE_MS 1000 /* the next step of an update, when a node does not acknowledge the one before */

/* ---- questions ------------------------------------------------------------------------------------------------ */

struct ask {
    struct pt_push *push;
    struct pass *pass;
    void (*work)(void *arg, const struct pt_plan_pass *pass);
    void (*done)(void *arg);
    void *arg;
};

static void ask_work(void *arg)
{
    struct ask *ask = arg;
    ask->work(ask->arg, &ask->pass->plan);
}

static void ask_done(void *arg)
{
    struct ask *ask = arg;
    ask->push->asking--;
    pt_pass_unref(ask->pass);
    ask->done(ask->arg);
    free(ask);
}

enum pt_code pt_push_ask(struct pt_push *push, void (*work)(void *arg, const struct pt_plan_pass *pass),
                         void (*done)(void *arg), void *arg, struct pt_error *reterr)
{
    if (push->newest == NULL) {
        return pt_fail(reterr, PT_UNAVAILABLE, PT_REASON_LEADER_CHANGED, NULL,
                       "the leader was elected just now and has no plan yet: try again in a second");
    }
    if (push->asking == PT_PUSH_ASKING_MAX) {
        return pt_fail(reterr, PT_EXHAUSTED, PT_REASON_OVERLOADED, NULL,
                       "%d questions are being answered: try again in a second", PT_PUSH_ASKING_MAX);
    }
    if (push->asker == NULL) {
        push->asker = pt_executor_new(push->controller->sys, "ask", 1);
    }
    struct ask *ask = calloc(1, sizeof(*ask));
    pt_assert(ask != NULL);
    *ask = (struct ask){.push = push, .pass = push->newest, .work = work, .done = done, .arg = arg};
    push->newest->refs++;
    push->asking++;
    pt_executor_submit(push->asker, ask_work, ask_done, ask);
    return PT_OK;
}

/* ---- waiting for the nodes ------------------------------------------------------------------------------------ */

/* Every connected node has its newest bundle in force; how many there are. */
static bool all_acked(const struct pt_push *push, uint32_t *ret_nodes)
{
    uint32_t nodes = 0;
    PT_LIST_FOREACH (node, &push->controller->sessions) {
        const struct pt_edge_session *session = PT_CONTAINER(node, struct pt_edge_session, node);
        const struct node_bundle *bundle = session->greeted ? pt_map_get_str(&push->nodes, session->edge) : NULL;
        if (bundle != NULL && (session->acked == NULL ||
                               !pt_digest_equal(pt_bundle_digest(session->acked), pt_bundle_digest(bundle->bundle)))) {
            return false;
        }
        nodes += bundle != NULL ? 1 : 0;
    }
    *ret_nodes = nodes;
    return true;
}

static void end_wait(struct pt_push_wait *wait, bool reached, uint32_t nodes)
{
    pt_list_remove(&wait->node);
    wait->fn(wait->arg, reached, nodes);
}

static void look_at_waits(struct pt_push *push)
{
    uint32_t nodes = 0;
    bool acked = push->newest != NULL && all_acked(push, &nodes);
    uint64_t now = pt_sys_now_ns(push->controller->sys);
    PT_LIST_FOREACH_SAFE (node, &push->waits) {
        struct pt_push_wait *wait = PT_CONTAINER(node, struct pt_push_wait, node);
        if (acked && pt_view_revision(push->newest->plan.view) >= wait->revision) {
            end_wait(wait, true, nodes);
        } else if (now >= wait->deadline_ns) {
            end_wait(wait, false, 0);
        }
    }
    if (pt_list_empty(&push->waits)) {
        pt_timer_stop(push->waits_timer);
    }
}

static void on_waits_timer(void *arg)
{
    look_at_waits(arg);
}

void pt_push_wait(struct pt_push *push, struct pt_push_wait *wait)
{
    pt_list_push_back(&push->waits, &wait->node);
    pt_timer_start(push->waits_timer, WAITS_MS, WAITS_MS);
    look_at_waits(push);
}

void pt_push_acked(struct pt_push *push)
{
    look_at_waits(push);
    const struct te_solution *solution = push->newest != NULL ? te_solution_of(&push->newest->plan) : NULL;
    uint32_t nodes = 0;
    if (solution != NULL && solution->more && all_acked(push, &nodes)) {
        pt_push_within(push, 0); /* the next step */
    }
}

/* ---- coming back ---------------------------------------------------------------------------------------------- */

void pt_push_ramp(struct pt_push *push, const char *name)
{
    uint64_t *began = malloc(sizeof(*began));
    pt_assert(began != NULL);
    *began = pt_sys_now_ns(push->controller->sys);
    free(pt_map_put_str(&push->ramps, name, began));
}

void pt_ask_ramps(struct pt_push *push, struct pass *pass)
{
    uint64_t now = pt_sys_now_ns(push->controller->sys);
    PT_MAP_FOREACH (entry, &push->ramps) {
        uint64_t *began = entry->value;
        uint64_t steps = (now - *began) / (RAMP_STEP_MS * 1000000ULL) + 1;
        if (steps >= RAMP_STEPS) {
            (void)pt_map_remove(&push->ramps, entry->key, entry->key_size);
            free(began);
            continue;
        }
        uint32_t *percent = PT_NEW(&pass->arena, uint32_t);
        *percent = (uint32_t)(100 * steps / RAMP_STEPS);
        (void)pt_map_put(&pass->ramps, entry->key, entry->key_size, percent);
    }
    pass->plan.ramps = &pass->ramps;
}

void pt_ask_pass(struct pt_push *push, struct pass *pass)
{
    if (pass->solution.size > 0) {
        struct pt_buf *slot = &push->solutions[push->solutions_len++ % PT_PUSH_SOLUTIONS_LEN];
        pt_buf_fini(slot);
        *slot = pass->solution;
        pass->solution = (struct pt_buf){0};
    }
    const struct te_solution *solution = te_solution_of(&pass->plan);
    if (push->ramps.count > 0) {
        pt_push_within(push, RAMP_STEP_MS);
    }
    if (solution != NULL && solution->more) {
        pt_push_within(push, MORE_MS);
    }
    look_at_waits(push);
}

bool pt_push_solution(const struct pt_push *push, size_t index, struct pt_bytes *ret_solution)
{
    size_t kept = push->solutions_len < PT_PUSH_SOLUTIONS_LEN ? push->solutions_len : PT_PUSH_SOLUTIONS_LEN;
    if (index >= kept) {
        return false;
    }
    *ret_solution = pt_buf_bytes(&push->solutions[(push->solutions_len - 1 - index) % PT_PUSH_SOLUTIONS_LEN]);
    return true;
}

/* ---- life ----------------------------------------------------------------------------------------------------- */

void pt_ask_init(struct pt_push *push)
{
    pt_list_init(&push->waits);
    push->waits_timer = pt_timer_new(push->controller->sys, on_waits_timer, push);
}

static void forget(struct pt_push *push)
{
    PT_MAP_FOREACH (entry, &push->ramps) {
        free(entry->value);
    }
    pt_map_clear(&push->ramps);
    for (size_t i = 0; i < PT_PUSH_SOLUTIONS_LEN; i++) {
        pt_buf_fini(&push->solutions[i]);
    }
    push->solutions_len = 0;
    PT_LIST_FOREACH_SAFE (node, &push->waits) {
        end_wait(PT_CONTAINER(node, struct pt_push_wait, node), false, 0);
    }
}

void pt_ask_role_changed(struct pt_push *push)
{
    forget(push);
}

void pt_ask_fini(struct pt_push *push)
{
    pt_executor_free(push->asker);
    push->asker = NULL;
    forget(push);
    pt_timer_free(push->waits_timer);
    pt_map_fini(&push->ramps);
}
