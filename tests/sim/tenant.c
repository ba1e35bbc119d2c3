/*
 * Tenants at their limit. An organization has a quota of a few sites and more users than that; each makes and deletes
 * sites of its own, so that two creates often meet at the last free place, under every fault there is.
 *
 *   of a site   ABSENT --create--> MAKING --acked--> PRESENT --delete--> ENDING --acked--> ABSENT
 *                 ^                   | refused           ENDING --no clear answer: asked again--
 *                 +-------------------+
 *
 * What must hold:
 *   - never are more sites there for certain than the quota allows: those whose create was acknowledged and whose
 *     delete was not asked for;
 *   - a list shows no more than the quota, each own site that is there and none that is not;
 *   - who is refused for the quota's sake was so rightly: at some time while he asked, so many sites may have been
 *     there;
 *   - in the end, on every member, the rows keep the quota.
 *
 * A create that was refused after an answer that says nothing may still come through by an earlier try. Such a site is
 * deleted like any other, and then left alone for good: a "ghost", which may take a place for ever.
 */
#include "nodes.h"

#include "base/assert.h"
#include "patronus/v1/common.pb-c.h"
#include "patronus/v1/site.pb-c.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVICE "/patronus.v1.SiteService/"
#define TENANTS_LEN 4
#define SLOTS_LEN 3 /* sites of each tenant */
#define CALL_MS 1200
#define THINK_MS 60
#define RETRY_MS 40

enum slot_state { SLOT_ABSENT, SLOT_MAKING, SLOT_PRESENT, SLOT_ENDING };

struct slot {
    enum slot_state state;
    unsigned generation; /* part of the site's id */
    bool doubtful;       /* MAKING or ENDING: an earlier try of its create may come through late */
};

struct tenant {
    struct tenants *tenants;
    unsigned number;
    struct pt_timer *timer;
    bool busy, lists;
    struct slot slots[SLOTS_LEN];
    unsigned slot, tries, target;
    bool open;             /* some try may have been carried out */
    unsigned possible_max; /* others' sites that may have been there at one time since the create began */
    uint64_t sequence;
};

struct tenants {
    struct world *world;
    struct tenant items[TENANTS_LEN];
    unsigned ghosts;
};

static char *borrow(const char *text)
{
    return (char *)(uintptr_t)text;
}

static void site_id(const struct tenant *tenant, unsigned slot, char id[32])
{
    (void)snprintf(id, 32, "t%u-%u-%u", tenant->number, slot, tenant->slots[slot].generation);
}

/* ---- what is known -------------------------------------------------------------------------------------------- */

static unsigned count_certain(const struct tenants *tenants)
{
    unsigned count = 0;
    for (unsigned i = 0; i < TENANTS_LEN * SLOTS_LEN; i++) {
        count += tenants->items[i / SLOTS_LEN].slots[i % SLOTS_LEN].state == SLOT_PRESENT ? 1 : 0;
    }
    return count;
}

static unsigned count_possible(const struct tenants *tenants)
{
    unsigned count = tenants->ghosts;
    for (unsigned i = 0; i < TENANTS_LEN * SLOTS_LEN; i++) {
        count += tenants->items[i / SLOTS_LEN].slots[i % SLOTS_LEN].state != SLOT_ABSENT ? 1 : 0;
    }
    return count;
}

/* A create begins: everybody who waits for an answer may be refused because of it. */
static void possible_grew(struct tenants *tenants)
{
    unsigned possible = count_possible(tenants);
    for (unsigned i = 0; i < TENANTS_LEN; i++) {
        struct tenant *tenant = &tenants->items[i];
        if (tenant->busy && !tenant->lists && tenant->slots[tenant->slot].state == SLOT_MAKING &&
            tenant->possible_max < possible - 1) {
            tenant->possible_max = possible - 1;
        }
    }
}

static void rest(struct tenant *tenant)
{
    tenant->busy = false;
    tenant->tries = 0;
    tenant->open = false;
    pt_timer_start(tenant->timer, 1 + draw(tenant->tenants->world, THINK_MS), 0);
}

static bool is_vague(const struct pt_error *error)
{
    return error->code == PT_UNAVAILABLE || error->code == PT_DEADLINE_EXCEEDED || error->code == PT_CANCELLED ||
           (error->code == PT_EXHAUSTED && error->reason != PT_REASON_QUOTA_EXCEEDED);
}

/* ---- answers -------------------------------------------------------------------------------------------------- */

static void made(struct tenant *tenant)
{
    struct tenants *tenants = tenant->tenants;
    tenant->slots[tenant->slot].state = SLOT_PRESENT;
    unsigned certain = count_certain(tenants);
    if (certain > TENANT_SITES_MAX) {
        violate(tenants->world, "%u sites were made where the quota is %u", certain, TENANT_SITES_MAX);
    }
}

static void refused(struct tenant *tenant, const struct pt_error *error)
{
    struct world *world = tenant->tenants->world;
    struct slot *slot = &tenant->slots[tenant->slot];
    if (slot->state != SLOT_MAKING || tenant->lists || error->reason != PT_REASON_QUOTA_EXCEEDED) {
        violate(world, "tenant %u was refused: %s %s: %.120s", tenant->number, pt_code_name(error->code), error->field,
                error->text);
        return;
    }
    if (strcmp(error->field, "sites") != 0) {
        violate(world, "the quota of %s is said to be used up, not that of sites", error->field);
    }
    if (tenant->possible_max < TENANT_SITES_MAX) {
        violate(world, "tenant %u was refused for the quota of %u sites when there were at most %u", tenant->number,
                TENANT_SITES_MAX, tenant->possible_max);
    }
    slot->doubtful = tenant->open;
    slot->state = tenant->open ? SLOT_ENDING : SLOT_ABSENT;
}

static void ended(struct tenant *tenant)
{
    struct slot *slot = &tenant->slots[tenant->slot];
    slot->state = SLOT_ABSENT;
    if (slot->doubtful) {
        tenant->tenants->ghosts++;
        slot->generation++;
        slot->doubtful = false;
    }
}

static void got_list(struct tenant *tenant, struct pt_bytes message)
{
    struct world *world = tenant->tenants->world;
    Patronus__V1__ListSitesResponse *list = patronus__v1__list_sites_response__unpack(NULL, message.size, message.data);
    if (list == NULL) {
        violate(world, "the answer to a tenant's list cannot be read");
        return;
    }
    if (list->n_sites > TENANT_SITES_MAX) {
        violate(world, "a list shows %zu sites where the quota is %u", list->n_sites, TENANT_SITES_MAX);
    }
    for (unsigned i = 0; i < SLOTS_LEN; i++) {
        char id[32];
        site_id(tenant, i, id);
        bool there = false;
        for (size_t j = 0; j < list->n_sites; j++) {
            there = there || strcmp(strrchr(list->sites[j]->name, '/') + 1, id) == 0;
        }
        enum slot_state state = tenant->slots[i].state; /* its owner lists: nobody changes it meanwhile */
        if ((state == SLOT_PRESENT && !there) || (state == SLOT_ABSENT && there)) {
            violate(world, "site %s is %s in a list of its owner", id, there ? "still" : "not");
        }
    }
    patronus__v1__list_sites_response__free_unpacked(list, NULL);
}

static void on_reply(void *arg, const struct pt_error *error, struct pt_bytes message)
{
    struct tenant *tenant = arg;
    struct world *world = tenant->tenants->world;
    if (world->violations > 0) {
        return;
    }
    if (error != NULL && is_vague(error)) {
        tenant->open = true;
        pt_timer_start(tenant->timer, 1 + draw(world, RETRY_MS), 0);
        return;
    }
    if (error != NULL) {
        refused(tenant, error);
    } else if (tenant->lists) {
        got_list(tenant, message);
    } else if (tenant->slots[tenant->slot].state == SLOT_MAKING) {
        made(tenant);
    } else {
        ended(tenant);
    }
    world->ops++;
    rest(tenant);
}

/* ---- requests ------------------------------------------------------------------------------------------------- */

static void call(struct tenant *tenant, const char *method, const ProtobufCMessage *request)
{
    PT_AUTO(buf) struct pt_buf data = {0};
    size_t size = protobuf_c_message_get_packed_size(request);
    (void)protobuf_c_message_pack(request, pt_buf_reserve(&data, size));
    data.size = size;
    (void)pt_rpc_unary(tenant->tenants->world->channels[tenant->target], method, pt_buf_bytes(&data), NULL, 0, CALL_MS,
                       on_reply, tenant);
}

static void send(struct tenant *tenant)
{
    struct world *world = tenant->tenants->world;
    char id[32], name[96], request_id[64];
    site_id(tenant, tenant->slot, id);
    (void)snprintf(name, sizeof(name), TENANT "/sites/%s", id);
    (void)snprintf(request_id, sizeof(request_id), "tenant%u-%" PRIu64, tenant->number, tenant->sequence);
    tenant->tries++;
    if (tenant->tries > 1 || chance(world, 20)) {
        tenant->target = (unsigned)draw(world, CONTROLLERS_MAX);
    }
    if (tenant->lists) {
        Patronus__V1__ListSitesRequest request = PATRONUS__V1__LIST_SITES_REQUEST__INIT;
        request.parent = borrow(TENANT);
        request.page_size = 1000;
        call(tenant, SERVICE "ListSites", &request.base);
    } else if (tenant->slots[tenant->slot].state == SLOT_MAKING) {
        Patronus__V1__Site site = PATRONUS__V1__SITE__INIT;
        Patronus__V1__CreateSiteRequest request = PATRONUS__V1__CREATE_SITE_REQUEST__INIT;
        request.parent = borrow(TENANT);
        request.site_id = id;
        request.site = &site;
        request.request_id = request_id;
        call(tenant, SERVICE "CreateSite", &request.base);
    } else {
        Patronus__V1__DeleteSiteRequest request = PATRONUS__V1__DELETE_SITE_REQUEST__INIT;
        request.name = name;
        request.allow_missing = true;
        request.request_id = request_id;
        call(tenant, SERVICE "DeleteSite", &request.base);
    }
}

static void begin(struct tenant *tenant)
{
    struct world *world = tenant->tenants->world;
    tenant->busy = true;
    tenant->lists = chance(world, 10);
    tenant->slot = (unsigned)draw(world, SLOTS_LEN);
    tenant->sequence++;
    tenant->possible_max = 0;
    struct slot *slot = &tenant->slots[tenant->slot];
    if (!tenant->lists && slot->state == SLOT_ABSENT) {
        slot->state = SLOT_MAKING;
        possible_grew(tenant->tenants);
    } else if (!tenant->lists) {
        slot->state = SLOT_ENDING;
    }
    send(tenant);
}

static void on_timer(void *arg)
{
    struct tenant *tenant = arg;
    const struct world *world = tenant->tenants->world;
    if (world->violations > 0) {
        return;
    }
    if (tenant->busy) {
        send(tenant);
    } else if (!world->winding_down) {
        begin(tenant);
    }
}

/* ---- life ----------------------------------------------------------------------------------------------------- */

void tenants_init(struct world *world)
{
    struct tenants *tenants = calloc(1, sizeof(*tenants));
    pt_assert(tenants != NULL);
    tenants->world = world;
    for (unsigned i = 0; i < TENANTS_LEN; i++) {
        struct tenant *tenant = &tenants->items[i];
        tenant->tenants = tenants;
        tenant->number = i;
        tenant->timer = pt_timer_new(pt_sim_host(world->sim, world->client_host), on_timer, tenant);
        pt_timer_start(tenant->timer, 1 + draw(world, 100), 0);
    }
    world->tenants = tenants;
}

void tenants_fini(struct world *world)
{
    if (world->tenants != NULL) {
        for (unsigned i = 0; i < TENANTS_LEN; i++) {
            pt_timer_free(world->tenants->items[i].timer);
        }
        free(world->tenants);
        world->tenants = NULL;
    }
}

bool tenants_idle(const struct world *world)
{
    for (unsigned i = 0; i < TENANTS_LEN; i++) {
        if (world->tenants->items[i].busy) {
            return false;
        }
    }
    return true;
}

void tenants_check(struct world *world, struct controller_host *node)
{
    uint64_t count = 0;
    struct pt_error error = {0};
    struct pt_store *store = pt_kind_store(pt_controller_machine(node->controller));
    if (pt_store_count(store, KIND_SITE, TENANT, &count, &error) != PT_OK) {
        violate(world, "%s: sites cannot be counted: %.150s", node->name, error.text);
    } else if (count > TENANT_SITES_MAX || count < count_certain(world->tenants) ||
               count > count_possible(world->tenants)) {
        violate(world, "%s: %" PRIu64 " sites in the end; the quota is %u, %u were made, %u may have been", node->name,
                count, TENANT_SITES_MAX, count_certain(world->tenants), count_possible(world->tenants));
    }
}
