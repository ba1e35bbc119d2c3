/*
 * Status of the cluster as the answering node sees it, and hand-over of leadership.
 */
#include "serve/controller_priv.h"

#include "base/assert.h"
#include "patronus/v1/cluster.pb-c.h"

#include <stdlib.h>
#include <string.h>

#define MEMBERS_MAX 64

static const char *state_text(const struct pt_raft_status *status)
{
    if (status->quarantined) {
        return "quarantined";
    }
    switch (status->role) {
    case PT_RAFT_LEADER:
        return "leader";
    case PT_RAFT_CANDIDATE:
        return "candidate";
    case PT_RAFT_STANDBY:
        return "standby";
    case PT_RAFT_FOLLOWER:
        break;
    }
    return "follower";
}

static char *borrow(const char *text)
{
    return (char *)(uintptr_t)text;
}

static size_t fill_members(struct pt_controller *controller, struct pt_arena *arena,
                           Patronus__V1__ControllerStatus **items)
{
    struct pt_raft_member members[MEMBERS_MAX];
    size_t len = pt_raft_members(controller->raft, members, MEMBERS_MAX);
    for (size_t i = 0; i < len; i++) {
        Patronus__V1__ControllerStatus *item = pt_arena_alloc(arena, sizeof(*item));
        patronus__v1__controller_status__init(item);
        item->raft_id = members[i].id;
        item->name = borrow(pt_serve_controller_name(controller, members[i].id, arena));
        item->role = borrow(members[i].voter ? "voter" : members[i].spare ? "spare" : "standby");
        item->peer_address = pt_arena_strdup(arena, members[i].address);
        item->match_index = controller->leading ? pt_raft_match_index(controller->raft, members[i].id) : 0;
        items[i] = item;
    }
    return len;
}

static void status_message(struct pt_serve_call *call, struct pt_bytes message)
{
    (void)message; /* has no fields */
    struct pt_controller *controller = call->controller;
    struct pt_arena arena;
    pt_arena_init(&arena);
    struct pt_raft_status status = pt_raft_status(controller->raft);
    Patronus__V1__GetClusterStatusResponse response = PATRONUS__V1__GET_CLUSTER_STATUS_RESPONSE__INIT;
    char digest_hex[65];
    struct pt_digest digest = pt_store_digest(pt_kind_store(controller->machine));
    response.cluster_id = borrow(controller->options.identity.cluster_id);
    response.controller = borrow(controller->options.identity.name);
    response.raft_state = borrow(state_text(&status));
    response.term = status.term;
    response.leader = borrow(pt_serve_controller_name(controller, status.leader_id, &arena));
    response.commit_index = status.commit_index;
    response.applied_index = status.applied_index;
    response.state_digest = pt_digest_hex(&digest, digest_hex);
    response.cluster_level = pt_kind_level(controller->machine);
    response.supported_level = pt_kind_level_max(controller->machine);
    response.software_version = borrow(controller->options.version);
    response.generation = pt_push_generation(controller->push);
    PT_LIST_FOREACH (node, &controller->sessions) {
        struct pt_edge_session *session = PT_CONTAINER(node, struct pt_edge_session, node);
        response.connected_edges += session->greeted ? 1 : 0;
    }
    Patronus__V1__ControllerStatus *items[MEMBERS_MAX];
    response.n_controllers = fill_members(controller, &arena, items);
    response.controllers = items;
    PT_AUTO(buf) struct pt_buf reply = {0};
    size_t size = patronus__v1__get_cluster_status_response__get_packed_size(&response);
    (void)patronus__v1__get_cluster_status_response__pack(&response, pt_buf_reserve(&reply, size));
    reply.size = size;
    pt_serve_reply(call, pt_buf_bytes(&reply));
    pt_arena_fini(&arena);
}

const struct pt_serve_method pt_serve_status = {.path = "/patronus.v1.ClusterService/GetClusterStatus",
                                                .on_message = status_message};

/* ---- transfer -------------------------------------------------------------------------------------------------------
 */

#define TRANSFER_TRIES_MAX 4U

struct transfer { /* call->state */
    uint64_t id;
    unsigned tries;
};

/* A try ends after an election timeout. What was in the way, a slow sync mostly, may be over by the next one. */
static void on_transferred(void *arg, enum pt_code code, uint64_t index)
{
    struct pt_serve_call *call = arg;
    struct transfer *transfer = call->state;
    (void)index;
    if (code == PT_DEADLINE_EXCEEDED && call->rpc != NULL && ++transfer->tries < TRANSFER_TRIES_MAX) {
        pt_raft_transfer(call->controller->raft, transfer->id, on_transferred, call);
        return;
    }
    if (code == PT_OK) {
        pt_serve_reply(call, (struct pt_bytes){.data = NULL, .size = 0});
    } else {
        pt_serve_refuse(call, PT_UNAVAILABLE, PT_REASON_LEADER_CHANGED,
                        "leadership was not handed over: is the other controller a voter, up and caught up?");
    }
    pt_serve_call_unref(call);
}

static void transfer_message(struct pt_serve_call *call, struct pt_bytes message)
{
    struct pt_controller *controller = call->controller;
    struct pt_arena arena;
    pt_arena_init(&arena);
    const struct pt_parse_options options = {.unknown = PT_UNKNOWN_REFUSE};
    struct pt_msg *request = NULL;
    struct pt_error error = {0};
    uint64_t id = 0;
    if (pt_msg_parse(call->method->input, message, &options, &arena, &request, &error) != PT_OK) {
        pt_serve_fail(call, &error);
        goto out;
    }
    const char *name = pt_msg_str(request, "controller");
    if (name[0] != '\0') {
        struct pt_view *view = pt_view_new(controller->machine);
        const struct pt_msg *msg = pt_view_get(view, name);
        id = msg != NULL && strncmp(name, "controllers/", 12) == 0 ? pt_msg_u64(msg, "raft_id") : 0;
        pt_view_free(view);
        if (id == 0) {
            pt_serve_refuse(call, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND,
                            "there is no controller '%.200s'; list them with: patronusctl get controllers", name);
            goto out;
        }
    }
    struct transfer *transfer = calloc(1, sizeof(*transfer));
    pt_assert(transfer != NULL);
    transfer->id = id;
    call->state = transfer;
    pt_serve_call_ref(call);
    pt_raft_transfer(controller->raft, id, on_transferred, call);
out:
    pt_arena_fini(&arena);
}

static void transfer_end(struct pt_serve_call *call)
{
    free(call->state);
    call->state = NULL;
}

const struct pt_serve_method pt_serve_transfer = {
    .path = "/patronus.v1.ClusterService/TransferLeadership", .on_message = transfer_message, .on_end = transfer_end};
