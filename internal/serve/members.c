/*
 * Membership follows the Controller resources: the leader compares them with consensus' configuration and makes one
 * change at a time until they agree. A change that fails (the node is not up yet) is tried again later. A leader whose
 * own resource is gone, or is to be a standby, hands leadership over first; the next one makes the change.
 *
 * What would take away the majority that answers is refused before it is proposed (check): only the leader knows who
 * answers, so this is no verdict of the state machine, and a cluster that is already without its majority cannot be
 * asked at all (patronusd recover). A voter that died a moment ago is not heard any more, but was: so only who is heard
 * from the question on counts, and the question waits for that, a heartbeat mostly and 3 s at most.
 *
 * Leadership moves to a voter of a higher leader_priority when membership is settled, that voter answers and lacks
 * little, and this node has led for a while: a preferred controller that comes and goes must not take the lead along.
 */
#include "serve/controller_priv.h"
#include "serve/membership.h"

#include "patronus/v1/cluster.pb-c.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define RETRY_NS (2000ULL * 1000000ULL)
#define SILENT_MS_MAX 3000            /* so long a voter has to be heard, from the question on; then it is silent */
#define PREFER_AFTER_NS 5000000000ULL /* as the leader, before leadership is given to a preferred one */
#define PREFER_RETRY_NS 30000000000ULL
#define PREFER_LAG_MAX 256 /* entries that it may lack: hand-over waits for them */

static bool collect(void *arg, const char *name, const struct pt_msg *msg)
{
    (void)name;
    struct pt_wanted_list *list = arg;
    uint64_t id = pt_msg_u64(msg, "raft_id");
    if (id == 0) {
        return true; /* made by hand: no node has joined under this name */
    }
    struct pt_wanted *item = &list->items[list->len++];
    item->id = id;
    item->voter = pt_msg_i64(msg, "role") == PATRONUS__V1__CONTROLLER_ROLE__VOTER;
    item->priority = pt_msg_u64(msg, "leader_priority");
    const char *address = pt_msg_str(msg, "peer_address");
    size_t size = strnlen(address, sizeof(item->address) - 1);
    memcpy(item->address, address, size);
    item->address[size] = '\0';
    return list->len < PT_MEMBERSHIP_MAX;
}

static void on_changed(void *arg, enum pt_code code, uint64_t index)
{
    struct pt_controller *controller = arg;
    if (code == PT_CLOSED) {
        return;
    }
    controller->member_change_running = false;
    if (code == PT_OK) {
        pt_log_info(controller->log, "membership changed", "index=%" PRIu64, index);
    } else if (controller->leading) {
        controller->member_retry_at_ns = pt_sys_now_ns(controller->sys) + RETRY_NS;
        pt_log_info(controller->log, "membership not changed yet", "code=%s", pt_code_name(code));
    }
}

/* ---- who should lead ------------------------------------------------------------------------------------------- */

static void on_preferred(void *arg, enum pt_code code, uint64_t index)
{
    struct pt_controller *controller = arg;
    (void)index;
    if (code == PT_CLOSED) {
        return;
    }
    controller->member_change_running = false;
    if (code != PT_OK && controller->leading) {
        controller->member_retry_at_ns = pt_sys_now_ns(controller->sys) + PREFER_RETRY_NS;
        pt_log_info(controller->log, "preferred controller did not take the lead", "code=%s", pt_code_name(code));
    }
}

static void prefer(struct pt_controller *controller, const struct pt_wanted_list *list)
{
    uint64_t self = controller->options.identity.raft_id;
    const struct pt_wanted *best = NULL;
    uint64_t own = UINT64_MAX;
    for (size_t i = 0; i < list->len; i++) {
        const struct pt_wanted *item = &list->items[i];
        bool fit = item->voter && item->id != self && pt_raft_silent_ms(controller->raft, item->id) < SILENT_MS_MAX &&
                   pt_raft_match_index(controller->raft, item->id) + PREFER_LAG_MAX >=
                       pt_raft_status(controller->raft).last_index;
        own = item->id == self ? item->priority : own;
        best = fit && (best == NULL || item->priority > best->priority) ? item : best;
    }
    if (best != NULL && best->priority > own &&
        pt_sys_now_ns(controller->sys) - controller->leading_since_ns > PREFER_AFTER_NS) {
        controller->member_change_running = true;
        pt_log_info(controller->log, "giving leadership to a preferred controller", "raft_id=%" PRIu64, best->id);
        pt_raft_transfer(controller->raft, best->id, on_preferred, controller);
    }
}

/* ---- what is refused ------------------------------------------------------------------------------------------- */

struct head_count {
    struct pt_controller *controller;
    const char *target;
    bool votes;        /* the target, after the change */
    uint64_t since_ms; /* the question came so long ago: who was heard since, answers */
    size_t voters, answering;
    bool changes;    /* the target's vote */
    char silent[64]; /* one that does not answer */
};

static bool count_voter(void *arg, const char *name, const struct pt_msg *msg)
{
    struct head_count *count = arg;
    bool target = strcmp(name, count->target) == 0;
    bool votes = pt_msg_i64(msg, "role") == PATRONUS__V1__CONTROLLER_ROLE__VOTER;
    count->changes = count->changes || (target && votes != count->votes);
    if (!(target ? count->votes : votes)) {
        return true;
    }
    count->voters++;
    if (pt_raft_silent_ms(count->controller->raft, pt_msg_u64(msg, "raft_id")) <= count->since_ms) {
        count->answering++;
    } else {
        (void)snprintf(count->silent, sizeof(count->silent), "%.63s", name + strlen("controllers/"));
    }
    return true;
}

/* Does the update say anything of the role? *ret_votes is what. */
static bool update_role(const struct pt_msg *request, bool *ret_votes)
{
    const struct pt_msg *mask = pt_msg_child(request, "update_mask");
    const struct pt_msg_field *paths = mask != NULL ? pt_msg_field(mask, "paths") : NULL;
    const struct pt_msg *resource = pt_msg_child(request, "controller");
    bool named = paths == NULL || paths->len == 0;
    for (size_t i = 0; paths != NULL && i < paths->len; i++) {
        struct pt_bytes path = paths->values[i].bytes;
        named = named || (path.size == 4 && memcmp(path.data, "role", 4) == 0);
    }
    int64_t role = resource != NULL ? pt_msg_i64(resource, "role") : 0;
    *ret_votes = role == PATRONUS__V1__CONTROLLER_ROLE__VOTER;
    return named && role != 0;
}

enum pt_code pt_serve_members_check(struct pt_serve_call *call, const struct pt_msg *request, bool *ret_wait,
                                    struct pt_error *reterr)
{
    struct pt_controller *controller = call->controller;
    const struct pt_method_type *method = call->method;
    struct head_count count = {.controller = controller, .target = ""};
    *ret_wait = false;
    if (method->kind == NULL || strcmp(method->kind->resource->singular, "controller") != 0) {
        return PT_OK;
    }
    if (method->verb == PT_VERB_DELETE) {
        count.target = pt_msg_str(request, "name");
    } else if (method->verb == PT_VERB_UPDATE && update_role(request, &count.votes)) {
        count.target = pt_msg_str(pt_msg_child(request, "controller"), "name");
    } else {
        return PT_OK;
    }
    uint64_t now = pt_sys_now_ns(controller->sys);
    call->voters_asked_ns = call->voters_asked_ns != 0 ? call->voters_asked_ns : now;
    count.since_ms = (now - call->voters_asked_ns) / 1000000;
    struct pt_view *view = pt_view_new(controller->machine);
    pt_view_scan(view, "controller", "", count_voter, &count);
    pt_view_free(view);
    if (!count.changes || count.answering > count.voters / 2) {
        return PT_OK;
    }
    if (count.since_ms < SILENT_MS_MAX) {
        *ret_wait = true; /* each answers the next heartbeat */
        return PT_OK;
    }
    return pt_fail(
        reterr, PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "role",
        "then there would be %zu voters, of which %zu answer: nothing could be written any more. Bring %s back "
        "first, or join another voter (patronusctl controllers add), or, when it is lost for good, remove %s "
        "instead",
        count.voters, count.answering, count.silent, count.silent);
}

/* ---- making it so ------------------------------------------------------------------------------------------------ */

void pt_serve_members_tick(struct pt_controller *controller)
{
    if (controller->member_change_running || pt_sys_now_ns(controller->sys) < controller->member_retry_at_ns) {
        return;
    }
    struct pt_wanted_list list = {.len = 0};
    struct pt_view *view = pt_view_new(controller->machine);
    pt_view_scan(view, "controller", "", collect, &list);
    pt_view_free(view);
    struct pt_raft_member members[PT_MEMBERSHIP_MAX];
    size_t members_len = pt_raft_members(controller->raft, members, PT_MEMBERSHIP_MAX);

    if (list.len == 0) {
        return; /* not founded yet */
    }
    uint64_t self = controller->options.identity.raft_id;
    struct pt_membership_change change = pt_membership_next(&list, members, members_len, self);
    controller->member_change_running = change.step != PT_MEMBERSHIP_SETTLED;
    switch (change.step) {
    case PT_MEMBERSHIP_ADD:
        pt_raft_add(controller->raft, change.id, change.address, on_changed, controller);
        break;
    case PT_MEMBERSHIP_ASSIGN:
        pt_raft_assign(controller->raft, change.id, change.voter, on_changed, controller);
        break;
    case PT_MEMBERSHIP_REMOVE:
        pt_raft_remove(controller->raft, change.id, on_changed, controller);
        break;
    case PT_MEMBERSHIP_TRANSFER:
        pt_raft_transfer(controller->raft, 0, on_changed, controller);
        break;
    case PT_MEMBERSHIP_SETTLED:
        prefer(controller, &list);
        break;
    }
}
