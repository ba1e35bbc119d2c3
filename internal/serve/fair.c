/*
 * Fair queues: whose change is proposed next.
 *
 *   mutation --room--> propose -> consensus -> verdict
 *      |                  ^                      |
 *      '--no room--> queue of its tenant --------'  one call of each tenant that waits, in turn
 *
 * Consensus takes changes in order and all that come. A tenant that keeps thousands of calls open would so stand before
 * everybody else, within his quota or not; a bucket (limits.c) counts calls a second, not how many wait. So only what
 * fills the batches under way is handed to consensus, and what comes then waits here, by tenant: the organization of
 * who calls, or, for who belongs to none, the caller himself. While there is room nothing waits and nothing is copied.
 *
 * A queue lives as long as calls wait in it. When this node leads no more, or closes, all of them go to the calls that
 * wait for a leader (api.c), which sends them on or refuses them. A call may end while it waits: its turn does nothing.
 */
#include "serve/controller_priv.h"

#include "base/assert.h"
#include "base/limits.h"
#include "kind/tenant.h"

#include <stdlib.h>
#include <string.h>

#define UNDER_WAY_MAX 512 /* proposals of calls: as many as a batch of consensus takes */
#define QUEUE_LEN_MAX 4096
#define WAITING_LEN_MAX 16384 /* of all tenants; a client has 256 calls under way on a connection */
#define WAITING_SIZE_MAX (64U << 20)

struct tenant {
    struct pt_list node; /* pt_fair.turn */
    struct pt_list calls;
    size_t len;
    char name[];
};

struct pt_fair {
    struct pt_map tenants; /* name -> struct tenant; those with calls */
    struct pt_list turn;   /* the same, the next one first */
    struct pt_timer *timer;
    size_t under_way; /* proposals of calls without a verdict */
    size_t len, size; /* that wait, and bytes of their requests */
};

static void run_next(void *arg);

struct pt_fair *pt_fair_new(struct pt_controller *controller)
{
    struct pt_fair *fair = calloc(1, sizeof(*fair));
    pt_assert(fair != NULL);
    pt_map_init(&fair->tenants);
    pt_list_init(&fair->turn);
    fair->timer = pt_timer_new(controller->sys, run_next, controller);
    return fair;
}

static void tenant_free(struct pt_fair *fair, struct tenant *tenant)
{
    pt_assert(pt_list_empty(&tenant->calls));
    (void)pt_map_remove_str(&fair->tenants, tenant->name);
    pt_list_remove(&tenant->node);
    free(tenant);
}

void pt_fair_free(struct pt_fair *fair)
{
    if (fair == NULL) {
        return;
    }
    while (!pt_list_empty(&fair->turn)) { /* of a host that crashed: the calls are gone */
        tenant_free(fair, PT_CONTAINER(fair->turn.next, struct tenant, node));
    }
    pt_timer_free(fair->timer);
    pt_map_fini(&fair->tenants);
    free(fair);
}

/* ---- waiting -------------------------------------------------------------------------------------------------- */

static struct tenant *tenant_of(struct pt_fair *fair, const struct pt_caller *caller)
{
    size_t size = pt_tenant_name_size(caller->principal);
    size = size > 0 ? size : strlen(caller->principal);
    struct tenant *tenant = pt_map_get(&fair->tenants, caller->principal, size);
    if (tenant == NULL) {
        tenant = calloc(1, sizeof(*tenant) + size + 1);
        pt_assert(tenant != NULL);
        memcpy(tenant->name, caller->principal, size);
        pt_list_init(&tenant->calls);
        (void)pt_map_put_str(&fair->tenants, tenant->name, tenant);
        pt_list_push_back(&fair->turn, &tenant->node);
    }
    return tenant;
}

bool pt_fair_wait(struct pt_serve_call *call, struct pt_bytes request)
{
    struct pt_fair *fair = call->controller->fair;
    if (call->has_turn || (fair->under_way < UNDER_WAY_MAX && fair->len == 0)) {
        return false;
    }
    struct tenant *tenant = tenant_of(fair, &call->caller);
    if (tenant->len >= QUEUE_LEN_MAX || fair->len >= WAITING_LEN_MAX || fair->size + request.size > WAITING_SIZE_MAX) {
        if (tenant->len == 0) {
            tenant_free(fair, tenant);
        }
        pt_serve_refuse(call, PT_EXHAUSTED, PT_REASON_OVERLOADED,
                        "too many changes wait for their turn: try again in a second, with fewer at a time");
        return true;
    }
    pt_serve_keep_request(call, request);
    pt_serve_call_ref(call);
    pt_list_push_back(&tenant->calls, &call->waiting);
    tenant->len++;
    fair->len++;
    fair->size += request.size;
    return true;
}

/* Take one out of its queue: of the tenant whose turn it is, who then comes last. NULL when nobody waits. */
static struct pt_serve_call *take(struct pt_fair *fair)
{
    struct pt_list *node = pt_list_pop_front(&fair->turn);
    if (node == NULL) {
        return NULL;
    }
    struct tenant *tenant = PT_CONTAINER(node, struct tenant, node);
    struct pt_serve_call *call = PT_CONTAINER(pt_list_pop_front(&tenant->calls), struct pt_serve_call, waiting);
    fair->len--;
    fair->size -= call->request.size;
    if (--tenant->len == 0) {
        tenant_free(fair, tenant);
    } else {
        pt_list_push_back(&fair->turn, &tenant->node);
    }
    return call;
}

/* ---- proposals ------------------------------------------------------------------------------------------------ */

void pt_fair_proposed(struct pt_controller *controller)
{
    controller->fair->under_way++;
}

void pt_fair_decided(struct pt_controller *controller)
{
    struct pt_fair *fair = controller->fair;
    pt_assert(fair->under_way > 0);
    fair->under_way--;
    if (fair->len > 0 && !pt_timer_active(fair->timer)) {
        pt_timer_start(fair->timer, 0, 0); /* not from here: a proposal may be decided while it is made */
    }
}

/* Those that have room, in turn. What ends without a proposal takes none. */
static void run_next(void *arg)
{
    struct pt_controller *controller = arg;
    struct pt_fair *fair = controller->fair;
    for (size_t n = 0; n < UNDER_WAY_MAX && fair->under_way < UNDER_WAY_MAX; n++) {
        struct pt_serve_call *call = take(fair);
        if (call == NULL) {
            return;
        }
        call->has_turn = true;
        pt_serve_run(call);
        call->has_turn = false;
        pt_serve_call_unref(call);
    }
    if (fair->len > 0 && fair->under_way < UNDER_WAY_MAX) {
        pt_timer_start(fair->timer, 0, 0); /* many were refused: the loop wants its turn too */
    }
}

void pt_fair_drain(struct pt_controller *controller)
{
    struct pt_serve_call *call = NULL;
    while ((call = take(controller->fair)) != NULL) {
        controller->waiting_len++;
        controller->waiting_size += call->request.size;
        pt_list_push_back(&controller->waiting, &call->waiting);
    }
    pt_timer_stop(controller->fair->timer);
}
