/*
 * Forwarding: any controller takes any call; a follower sends what needs the leader there, once.
 *
 * The call goes over the leader's API door with this controller's certificate and names the caller in metadata, which
 * the leader believes from controllers only. A forwarded call that meets a node that does not lead is refused, not sent
 * on: two nodes that disagree about the leader must not play ball.
 */
#include "serve/controller_priv.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

struct find {
    uint64_t raft_id;
    const char *field;
    struct pt_arena *arena;
    const char *name;
    const char *value;
};

static bool match(void *arg, const char *name, const struct pt_msg *msg)
{
    struct find *find = arg;
    if (pt_msg_u64(msg, "raft_id") != find->raft_id) {
        return true;
    }
    find->name = pt_arena_strdup(find->arena, name);
    find->value = find->field != NULL ? pt_arena_strdup(find->arena, pt_msg_str(msg, find->field)) : "";
    return false;
}

static struct find find_controller(struct pt_controller *controller, uint64_t raft_id, const char *field,
                                   struct pt_arena *arena)
{
    struct find find = {.raft_id = raft_id, .field = field, .arena = arena, .name = "", .value = ""};
    if (raft_id != 0) {
        struct pt_view *view = pt_view_new(controller->machine);
        pt_view_scan(view, "controller", "", match, &find);
        pt_view_free(view);
    }
    return find;
}

const char *pt_serve_controller_name(struct pt_controller *controller, uint64_t raft_id, struct pt_arena *arena)
{
    return find_controller(controller, raft_id, NULL, arena).name;
}

const char *pt_serve_controller_field(struct pt_controller *controller, uint64_t raft_id, const char *field,
                                      struct pt_arena *arena)
{
    return find_controller(controller, raft_id, field, arena).value;
}

void pt_serve_forward_reset(struct pt_controller *controller)
{
    struct pt_rpc_channel *channel = controller->leader_channel;
    controller->leader_channel = NULL;
    controller->leader_channel_id = 0;
    pt_rpc_channel_free(channel);
}

/* The channel to the leader; NULL when there is none to go to. */
static struct pt_rpc_channel *leader_channel(struct pt_controller *controller)
{
    uint64_t leader_id = pt_raft_status(controller->raft).leader_id;
    if (leader_id == 0 || leader_id == controller->options.identity.raft_id) {
        return NULL;
    }
    if (controller->leader_channel != NULL && controller->leader_channel_id == leader_id) {
        return controller->leader_channel;
    }
    pt_serve_forward_reset(controller);
    struct pt_arena arena;
    pt_arena_init(&arena);
    const char *address = pt_serve_controller_field(controller, leader_id, "api_address", &arena);
    if (address[0] != '\0') {
        const struct pt_rpc_channel_options options = {
            .fabric = controller->options.fabric,
            .address = address,
            .credentials = {.cert_pem = controller->cert_pem,
                            .key_pem = controller->key_pem,
                            .ca_pem = controller->ca_pem},
        };
        struct pt_error error = {0};
        if (pt_rpc_channel_new(controller->sys, &options, &controller->leader_channel, &error) == PT_OK) {
            controller->leader_channel_id = leader_id;
        } else {
            pt_log_warn(controller->log, "no channel to the leader", "address=%s reason=\"%s\"", address, error.text);
        }
    }
    pt_arena_fini(&arena);
    return controller->leader_channel;
}

static void on_reply(void *arg, const struct pt_error *error, struct pt_bytes message)
{
    struct pt_serve_call *call = arg;
    if (error == NULL) {
        pt_serve_reply(call, message);
    } else if (error->code == PT_CANCELLED) {
        /* The channel was reset because the leader changed. */
        pt_serve_fail_raft(call, PT_ABORTED);
    } else {
        pt_serve_fail(call, error);
    }
    pt_serve_call_unref(call);
}

void pt_serve_forward(struct pt_serve_call *call, struct pt_bytes request)
{
    struct pt_controller *controller = call->controller;
    if (call->rpc == NULL) {
        return;
    }
    struct pt_rpc_channel *channel = call->forwarded ? NULL : leader_channel(controller);
    if (channel == NULL) {
        pt_serve_refuse(call, PT_UNAVAILABLE, PT_REASON_NO_LEADER,
                        "no leader is known at this moment: try again in a second (is a quorum of voters up?)");
        return;
    }
    uint64_t deadline_ns = pt_rpc_call_info(call->rpc)->deadline_ns;
    uint64_t deadline_ms = 0;
    if (deadline_ns != UINT64_MAX) {
        uint64_t now = pt_sys_now_ns(controller->sys);
        deadline_ms = deadline_ns > now ? (deadline_ns - now) / 1000000 + 1 : 1;
    }
    const struct pt_rpc_metadata metadata = {.key = PT_SERVE_PRINCIPAL_METADATA, .value = call->principal};
    pt_serve_call_ref(call);
    (void)pt_rpc_unary(channel, call->method->path, request, &metadata, 1, deadline_ms, on_reply, call);
}
