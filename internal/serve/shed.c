/*
 * Refusals that wait: a client that hammers is answered no faster than it may call, within bounds.
 *
 *   refused by its bucket --few of late--> answered at once
 *        '--as many as its rate, and more--> held, unread --its turn, HOLD_NS_MAX at most--> answered
 *
 * A refusal is cheap, and still costs what any call costs: records of TLS, frames, a turn of the loop, the client's own
 * work. Who sends ten times its rate and heeds no delay would have nine of ten answered as fast as they come, and buy
 * the next nine with the answers. So limits.c gives each refusal a turn, as many a second as the bucket lets calls in,
 * and what is ahead of its turn waits here.
 *
 * What slows such a client down is its own connection: that carries PT_RPC_STREAMS_MAX calls, and when all of them are
 * held, the next ones wait on the client's side and cost nothing here. Each has a turn of its own so that they end one
 * by one: a client whose calls all end together begins as many together, and others notice that (with a second for all
 * of them a quarter of each second was as if nothing had been held). So HOLD_NS_MAX (limits.c) is what the calls of one
 * connection need at the usual rate. Not more of both, for a held call is 36 KiB of gRPC's, thousands that begin or are
 * left at once keep others waiting, and a client that mends its ways is not to wait long for its first answer. Those
 * that are due are answered together, SLICE_MS apart: fewer records, fewer turns.
 *
 * Nothing of a held call is read and nothing of gRPC is begun for it; that its client gave up shows when it is
 * answered. When too many wait, the next refusals go out at once, as they do when this controller closes.
 */
#include "serve/controller_priv.h"

#include "base/assert.h"

#include <stdlib.h>

#define SLICE_MS 20U
#define HELD_LEN_MAX 512U /* some 36 KiB each, nearly all of it what gRPC keeps of a call and of what came with it */

struct pt_refusal {
    struct pt_list node; /* pt_shed.held */
    struct pt_serve_call *call;
    uint64_t due_ns;
    struct pt_error error;
};

struct pt_shed {
    struct pt_list held; /* ascending by due_ns */
    size_t len;
    struct pt_timer *timer; /* runs while any is held */
};

static void answer_due(void *arg);

struct pt_shed *pt_shed_new(struct pt_controller *controller)
{
    struct pt_shed *shed = calloc(1, sizeof(*shed));
    pt_assert(shed != NULL);
    pt_list_init(&shed->held);
    shed->timer = pt_timer_new(controller->sys, answer_due, controller);
    return shed;
}

void pt_shed_free(struct pt_shed *shed)
{
    if (shed != NULL) {
        pt_assert(pt_list_empty(&shed->held));
        pt_timer_free(shed->timer);
        free(shed);
    }
}

void pt_shed_forget(struct pt_serve_call *call)
{
    struct pt_refusal *refusal = call->refusal;
    if (refusal == NULL) {
        return;
    }
    struct pt_shed *shed = call->controller->shed;
    pt_list_remove(&refusal->node);
    if (--shed->len == 0) {
        pt_timer_stop(shed->timer);
    }
    call->refusal = NULL;
    free(refusal);
}

static void answer(struct pt_refusal *refusal)
{
    struct pt_serve_call *call = refusal->call;
    pt_rpc_call_finish(call->rpc, &refusal->error); /* on_end frees the call */
    pt_shed_forget(call);
}

static void answer_due(void *arg)
{
    struct pt_controller *controller = arg;
    uint64_t now_ns = pt_sys_now_ns(controller->sys);
    PT_LIST_FOREACH_SAFE (node, &controller->shed->held) {
        struct pt_refusal *refusal = PT_CONTAINER(node, struct pt_refusal, node);
        if (refusal->due_ns > now_ns) {
            return;
        }
        answer(refusal);
    }
}

void pt_shed_release(struct pt_controller *controller)
{
    PT_LIST_FOREACH_SAFE (node, &controller->shed->held) {
        answer(PT_CONTAINER(node, struct pt_refusal, node));
    }
}

/* From the back: who comes later is mostly due later. To look at hundreds each SLICE_MS took more than answering. */
static void insert(struct pt_shed *shed, struct pt_refusal *refusal)
{
    struct pt_list *after = shed->held.prev;
    while (after != &shed->held && PT_CONTAINER(after, struct pt_refusal, node)->due_ns > refusal->due_ns) {
        after = after->prev;
    }
    pt_list_push_front(after, &refusal->node);
}

bool pt_shed_hold(struct pt_serve_call *call, uint64_t hold_ns, const struct pt_error *error)
{
    struct pt_shed *shed = call->controller->shed;
    uint64_t now_ns = pt_sys_now_ns(call->controller->sys);
    uint64_t deadline_ns = pt_rpc_call_info(call->rpc)->deadline_ns;
    uint64_t half_ns = deadline_ns > now_ns ? (deadline_ns - now_ns) / 2 : 0; /* it is to hear why */
    hold_ns = hold_ns < half_ns ? hold_ns : half_ns;
    if (hold_ns < SLICE_MS * 1000000U || shed->len >= HELD_LEN_MAX || call->controller->closing) {
        return false;
    }
    struct pt_refusal *refusal = malloc(sizeof(*refusal));
    pt_assert(refusal != NULL);
    *refusal = (struct pt_refusal){.call = call, .due_ns = now_ns + hold_ns, .error = *error};
    insert(shed, refusal);
    if (shed->len++ == 0) {
        pt_timer_start(shed->timer, SLICE_MS, SLICE_MS);
    }
    call->refusal = refusal;
    call->shed = true;
    call->custom = NULL; /* no handler has seen it, and none will */
    call->caller = (struct pt_caller){.principal = "anonymous", .api_key = "", .source = ""};
    pt_arena_fini(&call->arena);
    pt_arena_init(&call->arena);
    pt_rpc_call_reply_one(call->rpc);
    pt_rpc_call_pause(call->rpc);
    return true;
}
