/*
 * EdgeSync sessions: one stream per node, on the leader.
 *
 *   open -> hello (what is in force) -> bundle -> ack -> bundle ... ; telemetry at any time
 *
 * A controller that does not lead answers with the leader's address and closes. A node's identity is its certificate:
 * the session belongs to the Edge resource whose name stands in it, and to nothing else. The resource must exist and be
 * enrolled; a session ends in the turn in which that ceases.
 *
 * A node may keep a second stream open, by another of its links, to go on by at once when the first one's link dies. It
 * becomes the node's session with its hello, and ends the one before; until then it is an opening, which nobody is told
 * of and nothing counts. So a node has one session at any time, and says itself which stream that is. What the leader
 * knows of the bundle in force goes over to it, so that a change of streams costs no bundle.
 */
#include "serve/controller_priv.h"

#include "base/assert.h"
#include "patronus/v1/agent.pb-c.h"
#include "patronus/v1/replication.pb-c.h"
#include "plan/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_REFUSED_NS (2000ULL * 1000000ULL)
#define RETRY_KEY_NS (2000ULL * 1000000ULL)

static struct pt_edge_session *find_in(const struct pt_list *list, const char *edge)
{
    PT_LIST_FOREACH (node, list) {
        struct pt_edge_session *session = PT_CONTAINER(node, struct pt_edge_session, node);
        if (strcmp(session->edge, edge) == 0) {
            return session;
        }
    }
    return NULL;
}

struct pt_edge_session *pt_edge_find(struct pt_controller *controller, const char *edge)
{
    return find_in(&controller->sessions, edge);
}

/* ---- who may be here ------------------------------------------------------------------------------------------------
 */

/* By the key that opened the stream: a node that joined again with a new one ends the stream of the old. */
static bool enrolled(struct pt_view *view, const struct pt_edge_session *session)
{
    const struct pt_msg *msg = pt_view_get(view, session->edge);
    char hex[65];
    bool unbound = session->controller->options.keys_unbound;
    return msg != NULL && strcmp(msg->type->resource->singular, "edge") == 0 &&
           pt_msg_str(msg, "public_key_digest")[0] != '\0' &&
           (unbound || strcmp(pt_msg_str(msg, "public_key_digest"), pt_digest_hex(&session->key_digest, hex)) == 0);
}

static void close_session(struct pt_edge_session *session)
{
    /* Out of the list at once, so that nothing is sent to it or said of it until its end comes. */
    session->closed = true;
    pt_list_remove(&session->node);
}

static void send_off(struct pt_edge_session *session)
{
    pt_log_info(session->controller->log, "node sent away", "edge=%s", session->edge);
    pt_serve_refuse(session->call, PT_PERMISSION_DENIED, PT_REASON_PERMISSION_MISSING,
                    "the cluster does not know this node any more: join it again with a new token");
    close_session(session);
}

static void check_list(struct pt_view *view, const struct pt_list *list, const char *edge)
{
    PT_LIST_FOREACH_SAFE (node, list) {
        struct pt_edge_session *session = PT_CONTAINER(node, struct pt_edge_session, node);
        if ((edge == NULL || strcmp(session->edge, edge) == 0) && !enrolled(view, session)) {
            send_off(session);
        }
    }
}

void pt_edge_check(struct pt_controller *controller, const char *edge)
{
    if (!controller->ready) {
        return; /* what is missing here may stand in entries that are not applied yet */
    }
    struct pt_view *view = pt_view_new(controller->machine);
    check_list(view, &controller->sessions, edge);
    check_list(view, &controller->openings, edge);
    pt_view_free(view);
}

static bool send_message(struct pt_serve_call *call, const Patronus__V1__ControllerMessage *message)
{
    if (call->rpc == NULL) {
        return false;
    }
    PT_AUTO(buf) struct pt_buf data = {0};
    size_t size = patronus__v1__controller_message__get_packed_size(message);
    (void)patronus__v1__controller_message__pack(message, pt_buf_reserve(&data, size));
    data.size = size;
    return pt_rpc_call_send(call->rpc, pt_buf_bytes(&data));
}

void pt_edge_send(struct pt_edge_session *session, const Patronus__V1__ControllerMessage *message)
{
    (void)send_message(session->call, message); /* small; a full queue still takes it */
}

bool pt_edge_ask(struct pt_edge_session *session, const Patronus__V1__NodeQuestion *question)
{
    Patronus__V1__ControllerMessage message = PATRONUS__V1__CONTROLLER_MESSAGE__INIT;
    message.message_case = PATRONUS__V1__CONTROLLER_MESSAGE__MESSAGE_QUESTION;
    message.question = (Patronus__V1__NodeQuestion *)(uintptr_t)question; /* only read */
    return session->greeted && send_message(session->call, &message);
}

static void send_away(struct pt_serve_call *call)
{
    struct pt_controller *controller = call->controller;
    struct pt_arena arena;
    pt_arena_init(&arena);
    struct pt_raft_status status = pt_raft_status(controller->raft);
    uint64_t leader_id = status.leader_id == controller->options.identity.raft_id ? 0 : status.leader_id;
    Patronus__V1__NotLeader not_leader = PATRONUS__V1__NOT_LEADER__INIT;
    not_leader.leader_id = leader_id;
    not_leader.term = status.term;
    not_leader.agent_address =
        (char *)(uintptr_t)pt_serve_controller_field(controller, leader_id, "agent_address", &arena);
    Patronus__V1__ControllerMessage message = PATRONUS__V1__CONTROLLER_MESSAGE__INIT;
    message.message_case = PATRONUS__V1__CONTROLLER_MESSAGE__MESSAGE_NOT_LEADER;
    message.not_leader = &not_leader;
    (void)send_message(call, &message);
    pt_arena_fini(&arena);
    if (call->rpc != NULL) {
        pt_rpc_call_finish(call->rpc, NULL);
    }
}

static void leave_list(const struct pt_list *list)
{
    PT_LIST_FOREACH_SAFE (node, list) {
        struct pt_edge_session *session = PT_CONTAINER(node, struct pt_edge_session, node);
        send_away(session->call);
        close_session(session);
    }
}

void pt_edge_leave_all(struct pt_controller *controller)
{
    leave_list(&controller->sessions);
    leave_list(&controller->openings);
}

/* ---- addresses ------------------------------------------------------------------------------------------------------
 */

struct address_list {
    struct pt_arena *arena;
    char *agents[64];
    char *apis[64];
    size_t len;
};

static bool add_address(void *arg, const char *name, const struct pt_msg *msg)
{
    (void)name;
    struct address_list *list = arg;
    list->agents[list->len] = pt_arena_strdup(list->arena, pt_msg_str(msg, "agent_address"));
    list->apis[list->len++] = pt_arena_strdup(list->arena, pt_msg_str(msg, "api_address"));
    return list->len < 64;
}

/* only NULL: to all sessions. */
static void send_to(struct pt_controller *controller, struct pt_edge_session *only,
                    const Patronus__V1__ControllerMessage *message)
{
    if (only != NULL) {
        pt_edge_send(only, message);
        return;
    }
    PT_LIST_FOREACH_SAFE (node, &controller->sessions) {
        pt_edge_send(PT_CONTAINER(node, struct pt_edge_session, node), message);
    }
}

void pt_edge_send_controllers(struct pt_controller *controller, struct pt_edge_session *only)
{
    struct pt_arena arena;
    pt_arena_init(&arena);
    struct address_list list = {.arena = &arena};
    struct pt_view *view = pt_view_new(controller->machine);
    pt_view_scan(view, "controller", "", add_address, &list);
    pt_view_free(view);
    Patronus__V1__ControllerList controllers = PATRONUS__V1__CONTROLLER_LIST__INIT;
    controllers.agent_addresses = list.agents;
    controllers.n_agent_addresses = list.len;
    controllers.api_addresses = list.apis;
    controllers.n_api_addresses = list.len;
    Patronus__V1__ControllerMessage message = PATRONUS__V1__CONTROLLER_MESSAGE__INIT;
    message.message_case = PATRONUS__V1__CONTROLLER_MESSAGE__MESSAGE_CONTROLLERS;
    message.controllers = &controllers;
    send_to(controller, only, &message);
    pt_arena_fini(&arena);
}

/* ---- authorities ------------------------------------------------------------------------------------------------ */

void pt_edge_send_trust(struct pt_controller *controller, struct pt_edge_session *only)
{
    struct pt_ca_info issuing;
    if (pt_list_empty(&controller->sessions) || pt_ca_read(controller->ca_pem, &issuing, NULL) != PT_OK) {
        return;
    }
    Patronus__V1__TrustBundle trust = PATRONUS__V1__TRUST_BUNDLE__INIT;
    trust.ca_pem = controller->ca_pem; /* the issuing one stands first */
    trust.issuer = issuing.key_id;
    Patronus__V1__ControllerMessage message = PATRONUS__V1__CONTROLLER_MESSAGE__INIT;
    message.message_case = PATRONUS__V1__CONTROLLER_MESSAGE__MESSAGE_TRUST;
    message.trust = &trust;
    send_to(controller, only, &message);
}

static void on_trust(struct pt_edge_session *session, const Patronus__V1__TrustReport *report)
{
    session->trust_reported = report->trust_digest.len == PT_DIGEST_SIZE;
    if (session->trust_reported) {
        memcpy(session->trust.bytes, report->trust_digest.data, PT_DIGEST_SIZE);
    }
    (void)snprintf(session->issuer, sizeof(session->issuer), "%.*s", PT_KEY_ID_SIZE, report->issuer);
    session->leaf_end_wall_ns = report->expire_time_ns < 0 ? 0 : report->expire_time_ns;
}

/* ---- messages of the node ------------------------------------------------------------------------------------- */

static void take_digest(struct pt_digest *to, const ProtobufCBinaryData *from)
{
    memset(to, 0, sizeof(*to));
    if (from->len == PT_DIGEST_SIZE) {
        memcpy(to->bytes, from->data, PT_DIGEST_SIZE);
    }
}

static void tunnel_key_done(void *arg, enum pt_code code, uint64_t index)
{
    (void)arg, (void)code, (void)index; /* what was not committed is proposed again: pt_edge_tell_key */
}

static void propose_tunnel_key(struct pt_edge_session *session, const char *hex)
{
    struct pt_controller *controller = session->controller;
    session->tunnel_key_proposed_ns = pt_sys_now_ns(controller->sys);
    Patronus__V1__TunnelKeyCommand op = PATRONUS__V1__TUNNEL_KEY_COMMAND__INIT;
    op.edge = (char *)(uintptr_t)session->edge;
    op.public_key = (char *)(uintptr_t)hex;
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    command.format = 1;
    command.time_ns = pt_sys_wall_ns(controller->sys);
    command.principal = (char *)"internal";
    command.op_case = PATRONUS__V1__COMMAND__OP_TUNNEL_KEY;
    command.tunnel_key = &op;
    PT_AUTO(buf) struct pt_buf data = {0};
    pt_kind_command(&command, &data);
    pt_raft_propose(controller->raft, pt_buf_bytes(&data), tunnel_key_done, NULL);
}

void pt_edge_tell_key(struct pt_edge_session *session)
{
    struct pt_controller *controller = session->controller;
    uint64_t now_ns = pt_sys_now_ns(controller->sys);
    char hex[65];
    if (session->tunnel_key_at_ns == 0 || now_ns < session->tunnel_key_at_ns) {
        return;
    }
    pt_digest_hex(&session->tunnel_key, hex);
    struct pt_view *view = pt_view_new(controller->machine);
    const struct pt_msg *edge = pt_view_get(view, session->edge);
    bool same = edge != NULL && strcmp(pt_msg_str(edge, "tunnel_public_key"), hex) == 0;
    bool differs = edge != NULL && !same;
    pt_view_free(view);
    /* Before this leader is ready the state may be one of before, and say what it will not say then. */
    session->tunnel_key_at_ns = same && controller->ready ? 0 : now_ns + RETRY_KEY_NS;
    if (differs) {
        propose_tunnel_key(session, hex);
    }
}

/* It may be new, or made anew. A node that has another one each time is one entry of the log each RETRY_KEY_NS, and not
 * one a hello: the key that it said last counts. */
static void take_tunnel_key(struct pt_edge_session *session, const ProtobufCBinaryData *key)
{
    if (key->len != sizeof(session->tunnel_key.bytes)) {
        return; /* it cannot seal */
    }
    memcpy(session->tunnel_key.bytes, key->data, sizeof(session->tunnel_key.bytes));
    uint64_t proposed_ns = session->tunnel_key_proposed_ns;
    session->tunnel_key_at_ns = proposed_ns == 0 ? 1 : proposed_ns + RETRY_KEY_NS; /* 1: now */
    pt_edge_tell_key(session);
}

/* What the node has in force stands on record by the stream before, acknowledged or on its way. */
static void take_record(struct pt_edge_session *session, const struct pt_edge_session *old)
{
    session->tunnel_key_proposed_ns = old->tunnel_key_proposed_ns;
    bool acked = old->acked != NULL && pt_digest_equal(&session->reported, pt_bundle_digest(old->acked));
    bool sent = !acked && old->sent != NULL && pt_digest_equal(&session->reported, pt_bundle_digest(old->sent));
    if (acked || sent) {
        session->acked = acked ? old->acked : old->sent;
        session->acked_generation = acked ? old->acked_generation : old->sent_generation;
        session->acked_revision = acked ? old->acked_revision : old->sent_revision;
        session->acked_te_epoch = acked ? old->acked_te_epoch : old->sent_te_epoch;
        pt_bundle_ref(session->acked);
    }
}

static void become_session(struct pt_edge_session *session)
{
    struct pt_controller *controller = session->controller;
    struct pt_edge_session *old = pt_edge_find(controller, session->edge);
    session->greeted = true;
    if (old != NULL) {
        take_record(session, old);
        pt_serve_refuse(old->call, PT_ABORTED, PT_REASON_CONFLICT, "a newer stream of this node took over");
        close_session(old);
    }
    pt_list_remove(&session->node);
    pt_list_push_back(&controller->sessions, &session->node);
}

static void on_hello(struct pt_edge_session *session, const Patronus__V1__NodeHello *hello)
{
    struct pt_controller *controller = session->controller;
    (void)snprintf(session->version, sizeof(session->version), "%.63s", hello->software_version);
    take_digest(&session->reported, &hello->digest);
    if (!session->greeted) {
        become_session(session);
        pt_log_info(controller->log, "node connected", "edge=%s version=%s", session->edge, session->version);
    }
    pt_push_learn(controller->push, session, hello);
    take_tunnel_key(session, &hello->tunnel_public_key);
    pt_edge_send_controllers(controller, session);
    pt_edge_send_trust(controller, session);
    pt_push_session(controller->push, session);
    pt_push_dirty(controller->push);
}

static void on_ack(struct pt_edge_session *session, const Patronus__V1__BundleAck *ack)
{
    struct pt_controller *controller = session->controller;
    uint64_t generation = ack->position != NULL ? ack->position->generation : 0;
    struct pt_digest digest;
    take_digest(&digest, &ack->digest);
    if (session->sent == NULL || ack->position == NULL || ack->position->term != controller->term ||
        generation != session->sent_generation) {
        return; /* an answer to something older: the newest send decides */
    }
    struct pt_bundle *sent = session->sent;
    session->sent = NULL;
    if (ack->error[0] == '\0' && pt_digest_equal(&digest, pt_bundle_digest(sent))) {
        pt_bundle_unref(session->acked);
        session->acked = sent;
        session->acked_generation = generation;
        session->acked_revision = session->sent_revision;
        session->acked_te_epoch = session->sent_te_epoch;
        session->reported = digest;
        session->refused = false;
        pt_push_session(controller->push, session); /* what changed meanwhile */
        pt_push_acked(controller->push);
        return;
    }
    pt_log_warn(controller->log, "bundle refused", "edge=%s generation=%" PRIu64 " reason=\"%s\"", session->edge,
                generation, ack->error[0] != '\0' ? ack->error : "another digest");
    pt_bundle_unref(sent);
    /* Doubt is settled by sending everything: at once when it was a difference that did not fit, else later. */
    bool was_difference = session->acked != NULL;
    pt_bundle_unref(session->acked);
    session->acked = NULL;
    session->reported = digest;
    if (was_difference) {
        pt_push_session(controller->push, session);
        return;
    }
    session->refused = true;
    session->retry_at_ns = pt_sys_now_ns(controller->sys) + RETRY_REFUSED_NS;
}

static bool sound(struct pt_serve_call *call, struct pt_bytes message)
{
    struct pt_arena arena;
    pt_arena_init(&arena);
    /* A newer node may say more than this leader knows. */
    const struct pt_parse_options options = {.unknown = PT_UNKNOWN_DROP};
    struct pt_msg *msg = NULL;
    struct pt_error error = {0};
    enum pt_code code = pt_msg_parse(call->method->input, message, &options, &arena, &msg, &error);
    pt_arena_fini(&arena);
    if (code != PT_OK) {
        pt_serve_fail(call, &error);
    }
    return code == PT_OK;
}

/* What a node says is answered, and answers wait in its stream's queue. One that goes on saying and does not read is
 * sent off before that queue is more than any stream may hold. */
static bool reads(struct pt_serve_call *call)
{
    if (pt_rpc_call_queued(call->rpc) < PT_RPC_QUEUE_LEN_MAX) {
        return true;
    }
    pt_serve_refuse(call, PT_EXHAUSTED, PT_REASON_OVERLOADED,
                    "the node does not take what it is sent: connect again and read");
    return false;
}

static void edge_message(struct pt_serve_call *call, struct pt_bytes data)
{
    struct pt_edge_session *session = call->state;
    struct pt_controller *controller = call->controller;
    if (session == NULL || session->closed || call->rpc == NULL || !reads(call) || !sound(call, data)) {
        return;
    }
    Patronus__V1__EdgeMessage *message = patronus__v1__edge_message__unpack(NULL, data.size, data.data);
    if (message == NULL) {
        pt_serve_refuse(call, PT_INVALID_ARGUMENT, PT_REASON_MESSAGE_MALFORMED, "the message cannot be read");
        return;
    }
    session->last_seen_wall_ns = (uint64_t)pt_sys_wall_ns(controller->sys);
    if (message->message_case == PATRONUS__V1__EDGE_MESSAGE__MESSAGE_HELLO) {
        on_hello(session, message->hello);
    } else if (!session->greeted) {
        pt_serve_refuse(call, PT_FAILED_PRECONDITION, PT_REASON_NONE, "the first message must be a hello");
    } else if (message->message_case == PATRONUS__V1__EDGE_MESSAGE__MESSAGE_ACK) {
        on_ack(session, message->ack);
    } else if (message->message_case == PATRONUS__V1__EDGE_MESSAGE__MESSAGE_TELEMETRY) {
        int64_t time_ns = message->telemetry->time_ns < 0 ? 1 : message->telemetry->time_ns; /* before 1970: wrong */
        session->clock_known = time_ns != 0;
        session->clock_ms = (time_ns - pt_sys_wall_ns(controller->sys)) / 1000000;
        pt_metrics_drops(controller, session->edge, message->telemetry);
        pt_push_measured(controller->push, pt_soft_telemetry(controller->soft, session->edge, message->telemetry));
    } else if (message->message_case == PATRONUS__V1__EDGE_MESSAGE__MESSAGE_TRUST) {
        on_trust(session, message->trust);
    } else if (message->message_case == PATRONUS__V1__EDGE_MESSAGE__MESSAGE_BANDWIDTH) {
        pt_bandwidth_take(session, message->bandwidth);
    } else if (message->message_case == PATRONUS__V1__EDGE_MESSAGE__MESSAGE_ANSWER) {
        if (!pt_diagnose_answer(controller, session->edge, message->answer)) {
            pt_explain_answer(controller, session->edge, message->answer);
            message->message_case = PATRONUS__V1__EDGE_MESSAGE__MESSAGE__NOT_SET; /* taken */
        }
    }
    patronus__v1__edge_message__free_unpacked(message, NULL);
}

/* ---- open and end --------------------------------------------------------------------------------------------- */

static void edge_open(struct pt_serve_call *call)
{
    struct pt_controller *controller = call->controller;
    if (!controller->leading) {
        send_away(call);
        return;
    }
    const struct pt_identity *peer = pt_rpc_call_info(call->rpc)->peer;
    pt_assert(peer != NULL);
    struct pt_edge_session *old = find_in(&controller->openings, peer->path);
    struct pt_edge_session *session = calloc(1, sizeof(*session));
    pt_assert(session != NULL);
    session->controller = controller;
    session->call = call;
    session->key_digest = peer->key_digest;
    session->last_seen_wall_ns = (uint64_t)pt_sys_wall_ns(controller->sys);
    (void)snprintf(session->edge, sizeof(session->edge), "%.*s", (int)sizeof(session->edge) - 1, peer->path);
    call->state = session;
    if (old != NULL) {
        pt_serve_refuse(old->call, PT_ABORTED, PT_REASON_CONFLICT, "a newer stream of this node took its place");
        close_session(old);
    }
    pt_list_push_back(&controller->openings, &session->node);
    pt_edge_check(controller, session->edge);
    if (!session->closed) {
        pt_edge_send_controllers(controller, session); /* the node hears that the stream stands */
    }
}

static void edge_half_close(struct pt_serve_call *call)
{
    if (call->rpc != NULL) {
        pt_rpc_call_finish(call->rpc, NULL);
    }
}

static void edge_end(struct pt_serve_call *call)
{
    struct pt_edge_session *session = call->state;
    if (session == NULL) {
        return;
    }
    if (session->greeted) {
        pt_log_info(call->controller->log, "node disconnected", "edge=%s", session->edge);
    }
    pt_list_remove(&session->node);
    if (pt_edge_find(call->controller, session->edge) == NULL) { /* no newer stream took over */
        pt_diagnose_gone(call->controller, session->edge);
    }
    pt_bundle_unref(session->acked);
    pt_bundle_unref(session->sent);
    free(session);
    call->state = NULL;
}

const struct pt_serve_method pt_serve_edge_sync = {.path = "/patronus.v1.EdgeSync/Stream",
                                                   .on_message = edge_message,
                                                   .on_open = edge_open,
                                                   .on_half_close = edge_half_close,
                                                   .on_end = edge_end};
