/*
 * Organizations that move. Two of them, with two sites each, wander between two parents whose quota is three sites:
 * both below one is one site too many, so that of two moves which meet one is refused.
 *
 * What must hold:
 *   - two moves to one parent are never both acknowledged, unless one of them left again;
 *   - who is refused for the quota's sake was so rightly: the other was, or may have been, below that parent while he
 *     asked;
 *   - in the end, on every member, each is where its last acknowledged move put it.
 *
 * A move that was refused after an answer that says nothing may come through later by an earlier try. Nobody knows then
 * where that organization is, for good: it moves no more, and may be anywhere.
 */
#include "nodes.h"

#include "base/assert.h"
#include "patronus/v1/tenancy.pb-c.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOVERS_LEN 2
#define CALL_MS 1200
#define THINK_MS 120
#define RETRY_MS 40

static const char *const parents[] = {MOVE_PARENT "1", MOVE_PARENT "2"};

struct mover {
    struct movers *movers;
    unsigned number, target;
    struct pt_timer *timer;
    bool busy, open, lost;
    bool other_possible; /* since the move began, the other may have been where this one goes */
    unsigned at, to;     /* index of a parent */
    uint64_t sequence;
};

struct movers {
    struct world *world;
    struct mover items[MOVERS_LEN];
};

static bool may_be(const struct mover *mover, unsigned parent)
{
    return mover->lost || mover->at == parent || (mover->busy && mover->to == parent);
}

static struct mover *other_of(struct mover *mover)
{
    return &mover->movers->items[1 - mover->number];
}

static void rest(struct mover *mover)
{
    struct world *world = mover->movers->world;
    world->ops++;
    mover->busy = false;
    mover->open = false;
    pt_timer_start(mover->timer, 1 + draw(world, THINK_MS), 0);
}

static void moved(struct mover *mover)
{
    const struct mover *other = other_of(mover);
    struct world *world = mover->movers->world;
    mover->at = mover->to;
    if (!other->lost && !other->busy && other->at == mover->at) {
        violate(world, "both organizations are below %s, whose quota holds one", parents[mover->at]);
    }
    rest(mover);
}

static void refused(struct mover *mover, const struct pt_error *error)
{
    struct world *world = mover->movers->world;
    if (error->reason != PT_REASON_QUOTA_EXCEEDED) {
        violate(world, "a move was refused: %s %s: %.120s", pt_code_name(error->code), error->field, error->text);
        return;
    }
    if (!mover->other_possible) {
        violate(world, "a move to %s was refused for the quota, and nobody was there", parents[mover->to]);
    }
    mover->lost = mover->open;
    rest(mover);
}

static void on_reply(void *arg, const struct pt_error *error, struct pt_bytes message)
{
    struct mover *mover = arg;
    struct world *world = mover->movers->world;
    (void)message;
    if (world->violations > 0) {
        return;
    }
    if (error == NULL) {
        moved(mover);
    } else if (error->reason != PT_REASON_QUOTA_EXCEEDED &&
               (error->code == PT_UNAVAILABLE || error->code == PT_DEADLINE_EXCEEDED || error->code == PT_CANCELLED ||
                error->code == PT_EXHAUSTED)) {
        mover->open = true;
        pt_timer_start(mover->timer, 1 + draw(world, RETRY_MS), 0);
    } else {
        refused(mover, error);
    }
}

static void send(struct mover *mover)
{
    struct world *world = mover->movers->world;
    char name[64], request_id[64];
    (void)snprintf(name, sizeof(name), MOVER "%u", mover->number);
    (void)snprintf(request_id, sizeof(request_id), "move%u-%" PRIu64, mover->number, mover->sequence);
    if (mover->open || chance(world, 20)) {
        mover->target = (unsigned)draw(world, CONTROLLERS_MAX);
    }
    static char path[] = "parent_organization";
    char *paths[] = {path};
    Google__Protobuf__FieldMask mask = GOOGLE__PROTOBUF__FIELD_MASK__INIT;
    mask.paths = paths;
    mask.n_paths = 1;
    Patronus__V1__Organization organization = PATRONUS__V1__ORGANIZATION__INIT;
    organization.name = name;
    organization.parent_organization = (char *)(uintptr_t)parents[mover->to];
    Patronus__V1__UpdateOrganizationRequest request = PATRONUS__V1__UPDATE_ORGANIZATION_REQUEST__INIT;
    request.organization = &organization;
    request.update_mask = &mask;
    request.request_id = request_id;
    PT_AUTO(buf) struct pt_buf data = {0};
    size_t size = patronus__v1__update_organization_request__get_packed_size(&request);
    (void)patronus__v1__update_organization_request__pack(&request, pt_buf_reserve(&data, size));
    data.size = size;
    (void)pt_rpc_unary(world->channels[mover->target], "/patronus.v1.OrganizationService/UpdateOrganization",
                       pt_buf_bytes(&data), NULL, 0, CALL_MS, on_reply, mover);
}

static void on_timer(void *arg)
{
    struct mover *mover = arg;
    struct world *world = mover->movers->world;
    if (world->violations > 0 || mover->lost || (!mover->busy && world->winding_down)) {
        return;
    }
    if (!mover->busy) {
        struct mover *other = other_of(mover);
        mover->busy = true;
        mover->to = (unsigned)draw(world, 2);
        mover->sequence++;
        mover->other_possible = may_be(other, mover->to);
        if (other->busy && other->to == mover->at) {
            other->other_possible = true;
        }
        if (other->busy && other->to == mover->to) {
            other->other_possible = true;
        }
    }
    send(mover);
}

void movers_init(struct world *world)
{
    struct movers *movers = calloc(1, sizeof(*movers));
    pt_assert(movers != NULL);
    movers->world = world;
    for (unsigned i = 0; i < MOVERS_LEN; i++) {
        struct mover *mover = &movers->items[i];
        *mover = (struct mover){.movers = movers, .number = i, .at = i};
        mover->timer = pt_timer_new(pt_sim_host(world->sim, world->client_host), on_timer, mover);
        pt_timer_start(mover->timer, 1 + draw(world, 100), 0);
    }
    world->movers = movers;
}

void movers_fini(struct world *world)
{
    if (world->movers != NULL) {
        for (unsigned i = 0; i < MOVERS_LEN; i++) {
            pt_timer_free(world->movers->items[i].timer);
        }
        free(world->movers);
        world->movers = NULL;
    }
}

bool movers_idle(const struct world *world)
{
    return !world->movers->items[0].busy && !world->movers->items[1].busy;
}

void movers_check(struct world *world, struct controller_host *node)
{
    struct pt_view *view = pt_view_new(pt_controller_machine(node->controller));
    const char *where[MOVERS_LEN];
    for (unsigned i = 0; i < MOVERS_LEN; i++) {
        const struct mover *mover = &world->movers->items[i];
        char name[64];
        (void)snprintf(name, sizeof(name), MOVER "%u", i);
        const struct pt_msg *organization = pt_view_get(view, name);
        where[i] = organization != NULL ? pt_msg_str(organization, "parent_organization") : "";
        if (!mover->lost && strcmp(where[i], parents[mover->at]) != 0) {
            violate(world, "%s: %s is below '%.60s' in the end and not %s", node->name, name, where[i],
                    parents[mover->at]);
        }
    }
    if (strcmp(where[0], where[1]) == 0) {
        violate(world, "%s: both organizations are below %.60s, whose quota holds one", node->name, where[0]);
    }
    pt_view_free(view);
}
