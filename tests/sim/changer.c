/*
 * Changes that go together. Two sites of an organization always get the same name, by a ChangeSet, and nobody else
 * touches them:
 *
 *   STAGE -> APPLY --plain--------------------------------------------> DELETE
 *              |   '--plain, then--> ROLLBACK -------------------------> DELETE
 *              '--waits--+--> CONFIRM --acked: it stays; too late: it is taken back--> DELETE
 *                        +--> ROLLBACK --> DELETE
 *                        '--> AWAIT: nobody says anything: the cluster takes it back by itself --> DELETE
 *
 * Every step is repeated with its request id until the answer is clear, and a list follows each. What must hold:
 *   - a list never shows two names: a set is applied whole, and taken back whole;
 *   - the name is that of the last set which was applied and not taken back; while a set waits, that or the one before;
 *   - what was confirmed stays; what nobody confirmed is never APPLIED, and is taken back;
 *   - in the end every member has the same.
 */
#include "nodes.h"

#include "base/assert.h"
#include "google/protobuf/any.pb-c.h"
#include "google/protobuf/duration.pb-c.h"
#include "patronus/v1/changeset.pb-c.h"
#include "patronus/v1/site.pb-c.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVICE "/patronus.v1.ChangeSetService/"
#define CALL_MS 1200
#define THINK_MS 80
#define RETRY_MS 40
#define AWAIT_MS 150
#define SITES_LEN 2
#define NAME_SIZE 24

enum step { STEP_STAGE, STEP_APPLY, STEP_CONFIRM, STEP_ROLLBACK, STEP_AWAIT, STEP_DELETE };
enum plan { PLAN_PLAIN, PLAN_TAKE_BACK, PLAN_CONFIRM, PLAN_ROLLBACK, PLAN_LEAVE, PLANS };

struct changer {
    struct world *world;
    struct pt_timer *timer;
    bool busy;
    bool lists; /* the list behind a step */
    enum step step;
    enum plan plan;
    uint64_t number; /* of the set; its value */
    uint64_t value;  /* that the sites have for certain when it rests */
    uint64_t also;   /* while a set waits: they may have this too */
    uint64_t timeout_ms;
    unsigned target;
};

static char *borrow(const char *text)
{
    return (char *)(uintptr_t)text;
}

static void value_text(uint64_t value, char text[NAME_SIZE])
{
    (void)snprintf(text, NAME_SIZE, "v%" PRIu64, value);
}

/* ---- steps ------------------------------------------------------------------------------------------------------ */

static void rest(struct changer *changer)
{
    struct world *world = changer->world;
    world->ops++;
    changer->busy = false;
    pt_timer_start(changer->timer, 1 + draw(world, THINK_MS), 0);
}

/* The next step, after a list. */
static void go(struct changer *changer, enum step step)
{
    changer->step = step;
    changer->lists = true;
    changer->world->ops++;
    pt_timer_start(changer->timer, 1 + draw(changer->world, THINK_MS), 0);
}

static void settle(struct changer *changer, uint64_t value)
{
    changer->value = changer->also = value;
    go(changer, STEP_DELETE);
}

static void applied(struct changer *changer)
{
    uint64_t before = changer->value;
    changer->value = changer->number;
    changer->also = changer->plan == PLAN_PLAIN || changer->plan == PLAN_TAKE_BACK ? changer->number : before;
    if (changer->plan == PLAN_PLAIN) {
        settle(changer, changer->number);
        return;
    }
    if (changer->plan == PLAN_TAKE_BACK) { /* what a rollback leads to */
        changer->also = before;
        changer->value = changer->number;
    }
    go(changer, changer->plan == PLAN_CONFIRM ? STEP_CONFIRM
                : changer->plan == PLAN_LEAVE ? STEP_AWAIT
                                              : STEP_ROLLBACK);
}

static void read_state(struct changer *changer, struct pt_bytes message)
{
    Patronus__V1__ChangeSet *set = patronus__v1__change_set__unpack(NULL, message.size, message.data);
    Patronus__V1__ChangeSetState state =
        set != NULL ? set->state : PATRONUS__V1__CHANGE_SET_STATE__CHANGE_SET_STATE_UNSPECIFIED;
    if (set != NULL) {
        patronus__v1__change_set__free_unpacked(set, NULL);
    }
    if (state == PATRONUS__V1__CHANGE_SET_STATE__CONFIRMING) {
        pt_timer_start(changer->timer, AWAIT_MS, 0);
    } else if (state == PATRONUS__V1__CHANGE_SET_STATE__ROLLED_BACK) {
        settle(changer, changer->also);
    } else {
        violate(changer->world, "change set %" PRIu64 " was not confirmed and is in state %d", changer->number,
                (int)state);
    }
}

static void got_list(struct changer *changer, struct pt_bytes message)
{
    struct world *world = changer->world;
    Patronus__V1__ListSitesResponse *list = patronus__v1__list_sites_response__unpack(NULL, message.size, message.data);
    char value[NAME_SIZE], also[NAME_SIZE];
    value_text(changer->value, value);
    value_text(changer->also, also);
    if (list == NULL || list->n_sites != SITES_LEN) {
        violate(world, "a list of the changed sites shows %zu", list != NULL ? list->n_sites : 0);
    } else if (strcmp(list->sites[0]->display_name, list->sites[1]->display_name) != 0) {
        violate(world, "half a change: '%.20s' and '%.20s'", list->sites[0]->display_name,
                list->sites[1]->display_name);
    } else if (strcmp(list->sites[0]->display_name, value) != 0 && strcmp(list->sites[0]->display_name, also) != 0) {
        violate(world, "the sites have '%.20s' and should have %s or %s", list->sites[0]->display_name, value, also);
    }
    if (list != NULL) {
        patronus__v1__list_sites_response__free_unpacked(list, NULL);
    }
    changer->lists = false;
    pt_timer_start(changer->timer, 1, 0);
}

/* ---- answers ---------------------------------------------------------------------------------------------------- */

static bool is_vague(const struct pt_error *error)
{
    return error->code == PT_UNAVAILABLE || error->code == PT_DEADLINE_EXCEEDED || error->code == PT_CANCELLED ||
           error->code == PT_EXHAUSTED;
}

static void refused(struct changer *changer, const struct pt_error *error)
{
    bool late = error->reason == PT_REASON_WRONG_STATE && changer->plan >= PLAN_CONFIRM && !changer->lists &&
                (changer->step == STEP_CONFIRM || changer->step == STEP_ROLLBACK);
    if (late) { /* the time was up: then the cluster has taken it back, or does so; nothing else is right */
        changer->step = STEP_AWAIT;
        pt_timer_start(changer->timer, 1, 0);
        return;
    }
    violate(changer->world, "change set %" PRIu64 ", step %d, was refused: %s %s: %.120s", changer->number,
            (int)changer->step, pt_code_name(error->code), error->field, error->text);
}

static void on_reply(void *arg, const struct pt_error *error, struct pt_bytes message)
{
    struct changer *changer = arg;
    struct world *world = changer->world;
    if (world->violations > 0) {
        return;
    }
    if (error != NULL && is_vague(error)) {
        changer->target = (unsigned)draw(world, CONTROLLERS_MAX);
        pt_timer_start(changer->timer, 1 + draw(world, RETRY_MS), 0);
    } else if (error != NULL) {
        refused(changer, error);
    } else if (changer->lists) {
        got_list(changer, message);
    } else if (changer->step == STEP_STAGE) {
        go(changer, STEP_APPLY);
    } else if (changer->step == STEP_APPLY) {
        applied(changer);
    } else if (changer->step == STEP_CONFIRM) {
        settle(changer, changer->number);
    } else if (changer->step == STEP_ROLLBACK) {
        settle(changer, changer->also);
    } else if (changer->step == STEP_AWAIT) {
        read_state(changer, message);
    } else {
        rest(changer);
    }
}

/* ---- requests --------------------------------------------------------------------------------------------------- */

static void call(struct changer *changer, const char *method, const ProtobufCMessage *request)
{
    PT_AUTO(buf) struct pt_buf data = {0};
    size_t size = protobuf_c_message_get_packed_size(request);
    (void)protobuf_c_message_pack(request, pt_buf_reserve(&data, size));
    data.size = size;
    (void)pt_rpc_unary(changer->world->channels[changer->target], method, pt_buf_bytes(&data), NULL, 0, CALL_MS,
                       on_reply, changer);
}

static void send_stage(struct changer *changer, const char *name, const char *request_id)
{
    static const char *const sites[SITES_LEN] = {CHANGED "/sites/a", CHANGED "/sites/b"};
    Patronus__V1__Site site = PATRONUS__V1__SITE__INIT;
    char value[NAME_SIZE];
    uint8_t bytes[64];
    value_text(changer->number, value);
    site.display_name = value;
    size_t size = patronus__v1__site__get_packed_size(&site);
    pt_assert(size <= sizeof(bytes));
    (void)patronus__v1__site__pack(&site, bytes);
    Google__Protobuf__Any any = GOOGLE__PROTOBUF__ANY__INIT;
    any.type_url = borrow("type.googleapis.com/patronus.v1.Site");
    any.value = (ProtobufCBinaryData){.data = bytes, .len = size};
    char *paths[] = {borrow("display_name")};
    Google__Protobuf__FieldMask mask = GOOGLE__PROTOBUF__FIELD_MASK__INIT;
    mask.paths = paths;
    mask.n_paths = 1;
    Patronus__V1__StagedChange changes[SITES_LEN];
    Patronus__V1__StagedChange *list[SITES_LEN];
    for (size_t i = 0; i < SITES_LEN; i++) {
        changes[i] = (Patronus__V1__StagedChange)PATRONUS__V1__STAGED_CHANGE__INIT;
        changes[i].action = PATRONUS__V1__CHANGE_ACTION__CHANGE_UPDATE;
        changes[i].name = borrow(sites[i]);
        changes[i].resource = &any;
        changes[i].update_mask = &mask;
        list[i] = &changes[i];
    }
    Patronus__V1__ChangeSet set = PATRONUS__V1__CHANGE_SET__INIT;
    set.name = borrow(name);
    set.changes = list;
    set.n_changes = SITES_LEN;
    Patronus__V1__UpdateChangeSetRequest request = PATRONUS__V1__UPDATE_CHANGE_SET_REQUEST__INIT;
    request.change_set = &set;
    request.allow_missing = true;
    request.request_id = borrow(request_id);
    call(changer, SERVICE "UpdateChangeSet", &request.base);
}

static void send_apply(struct changer *changer, const char *name, const char *request_id)
{
    Google__Protobuf__Duration timeout = GOOGLE__PROTOBUF__DURATION__INIT;
    timeout.seconds = (int64_t)(changer->timeout_ms / 1000);
    timeout.nanos = (int32_t)(changer->timeout_ms % 1000) * 1000000;
    Patronus__V1__ApplyChangeSetRequest request = PATRONUS__V1__APPLY_CHANGE_SET_REQUEST__INIT;
    request.name = borrow(name);
    request.confirm_timeout = changer->plan >= PLAN_CONFIRM ? &timeout : NULL;
    request.request_id = borrow(request_id);
    call(changer, SERVICE "ApplyChangeSet", &request.base);
}

static void send(struct changer *changer)
{
    char name[64], request_id[64];
    (void)snprintf(name, sizeof(name), CHANGED "/changeSets/cs%" PRIu64, changer->number);
    (void)snprintf(request_id, sizeof(request_id), "change%" PRIu64 "-%d", changer->number, (int)changer->step);
    if (changer->lists) {
        Patronus__V1__ListSitesRequest request = PATRONUS__V1__LIST_SITES_REQUEST__INIT;
        request.parent = borrow(CHANGED);
        call(changer, "/patronus.v1.SiteService/ListSites", &request.base);
    } else if (changer->step == STEP_STAGE) {
        send_stage(changer, name, request_id);
    } else if (changer->step == STEP_APPLY) {
        send_apply(changer, name, request_id);
    } else if (changer->step == STEP_CONFIRM) {
        Patronus__V1__ConfirmChangeSetRequest request = PATRONUS__V1__CONFIRM_CHANGE_SET_REQUEST__INIT;
        request.name = name;
        request.request_id = request_id;
        call(changer, SERVICE "ConfirmChangeSet", &request.base);
    } else if (changer->step == STEP_ROLLBACK) {
        Patronus__V1__RollbackChangeSetRequest request = PATRONUS__V1__ROLLBACK_CHANGE_SET_REQUEST__INIT;
        request.name = name;
        request.request_id = request_id;
        call(changer, SERVICE "RollbackChangeSet", &request.base);
    } else if (changer->step == STEP_AWAIT) {
        Patronus__V1__GetChangeSetRequest request = PATRONUS__V1__GET_CHANGE_SET_REQUEST__INIT;
        request.name = name;
        call(changer, SERVICE "GetChangeSet", &request.base);
    } else {
        Patronus__V1__DeleteChangeSetRequest request = PATRONUS__V1__DELETE_CHANGE_SET_REQUEST__INIT;
        request.name = name;
        request.allow_missing = true;
        request.request_id = request_id;
        call(changer, SERVICE "DeleteChangeSet", &request.base);
    }
}

static void on_timer(void *arg)
{
    struct changer *changer = arg;
    struct world *world = changer->world;
    if (world->violations > 0 || (!changer->busy && world->winding_down)) {
        return;
    }
    if (!changer->busy) {
        changer->busy = true;
        changer->number++;
        changer->step = STEP_STAGE;
        changer->plan = (enum plan)draw(world, PLANS);
        changer->timeout_ms = 1000 + draw(world, 2000);
    }
    if (chance(world, 20)) {
        changer->target = (unsigned)draw(world, CONTROLLERS_MAX);
    }
    send(changer);
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

void changer_init(struct world *world)
{
    struct changer *changer = calloc(1, sizeof(*changer));
    pt_assert(changer != NULL);
    changer->world = world;
    changer->timer = pt_timer_new(pt_sim_host(world->sim, world->client_host), on_timer, changer);
    pt_timer_start(changer->timer, 1 + draw(world, 100), 0);
    world->changer = changer;
}

void changer_fini(struct world *world)
{
    if (world->changer != NULL) {
        pt_timer_free(world->changer->timer);
        free(world->changer);
        world->changer = NULL;
    }
}

bool changer_idle(const struct world *world)
{
    return !world->changer->busy;
}

void changer_check(struct world *world, struct controller_host *node)
{
    static const char *const sites[SITES_LEN] = {CHANGED "/sites/a", CHANGED "/sites/b"};
    char value[NAME_SIZE];
    value_text(world->changer->value, value);
    struct pt_view *view = pt_view_new(pt_controller_machine(node->controller));
    for (size_t i = 0; i < SITES_LEN; i++) {
        const struct pt_msg *site = pt_view_get(view, sites[i]);
        if (site == NULL || strcmp(pt_msg_str(site, "display_name"), value) != 0) {
            violate(world, "%s: %s is '%.20s' in the end and not %s", node->name, sites[i],
                    site != NULL ? pt_msg_str(site, "display_name") : "(missing)", value);
        }
    }
    pt_view_free(view);
}
