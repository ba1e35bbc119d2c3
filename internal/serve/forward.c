/*
 * Forwarding: any controller takes any call; a follower sends what needs the leader there, once.
 *
 * The call goes over the leader's API door with this controller's certificate and names the caller, which the leader
 * believes from controllers only. CRUD calls go as parcels (parcel.h) on one stream, all of a turn in one message: a
 * call of its own for each cost as much as carrying it out. Others, which are few, go as single calls with metadata. A
 * forwarded call that meets a node that does not lead is refused, not sent on: two nodes that disagree about the leader
 * must not play ball.
 */
#include "serve/carrier.h"

#include "base/assert.h"
#include "crypto/crypto.h"
#include "patronus/v1/replication.pb-c.h"
#include "serve/lane.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OUT_SIZE_MAX (16U << 20) /* bytes of parcels that wait for the stream */
#define PENDING_LEN_MAX 20000    /* parcels without an answer */

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

/* ---- the channel ------------------------------------------------------------------------------------------------
 *
 *   CURRENT --certificate, address or leader changed--> RETIRED --last call ended--> freed
 *      |                                                   '---- another leads, and who led is lost, or
 *      |                                                         DRAIN_MS later --> freed, its calls cancelled
 *      '---- closing ---------------------------------------------------------> freed, its calls cancelled
 *
 * A leader that hands over answers what it still can: it is given a moment. One that was silent before another was
 * elected is cut off or dead and answers nothing: its calls are told so, and can ask the new one.
 */
#define DRAIN_MS 1000U
#define LOST_MS 500U /* several heartbeats */

struct pt_serve_link {
    struct pt_list node; /* controller->retired_links; empty while current */
    struct pt_controller *controller;
    struct pt_rpc_channel *channel;
    uint64_t leader_id;
    char address[80];
    size_t calls;
    uint64_t retired_ms;
    bool dying;
    struct pt_rpc_stream *stream; /* of parcels; NULL: not open */
    bool blocked;                 /* the stream takes no more now */
    uint64_t session;             /* of its lane */
    bool lane, lane_used;         /* the leader takes parcels by the lane; some went that way */
    struct pt_buf out;            /* parcels of this turn */
    struct pt_timer *flusher;
    struct pt_map pending; /* parcel id -> struct pt_serve_call */
    uint64_t next_id;
};

static void flush(void *arg)
{
    struct pt_serve_link *link = arg;
    if (link->out.size > 0 && link->lane && link->stream != NULL &&
        pt_lane_send(link->controller, link->leader_id, PT_LANE_CALLS, link->session, pt_buf_bytes(&link->out))) {
        link->lane_used = true;
        pt_buf_reset(&link->out);
    } else if (link->out.size > 0 && !link->blocked && link->stream != NULL) {
        link->blocked = !pt_rpc_stream_send(link->stream, pt_buf_bytes(&link->out));
        pt_buf_reset(&link->out);
    }
}

static void link_free(struct pt_serve_link *link)
{
    link->dying = true; /* the calls that end now must not free it once more */
    pt_list_remove(&link->node);
    pt_rpc_channel_free(link->channel); /* ends calls and the stream */
    pt_timer_free(link->flusher);
    pt_map_fini(&link->pending);
    pt_buf_fini(&link->out);
    free(link);
}

void pt_serve_forward_reset(struct pt_controller *controller)
{
    struct pt_serve_link *link = controller->leader_link;
    controller->leader_link = NULL;
    if (link != NULL) {
        link_free(link);
    }
    while (!pt_list_empty(&controller->retired_links)) {
        link_free(PT_CONTAINER(controller->retired_links.next, struct pt_serve_link, node));
    }
}

void pt_serve_forward_renew(struct pt_controller *controller)
{
    struct pt_serve_link *link = controller->leader_link;
    controller->leader_link = NULL;
    if (link != NULL && link->calls > 0) {
        link->retired_ms = pt_sys_now_ms(controller->sys);
        pt_list_push_back(&controller->retired_links, &link->node);
    } else if (link != NULL) {
        link_free(link);
    }
}

void pt_serve_forward_abandon(struct pt_controller *controller)
{
    /* The channels themselves are gone with the host. */
    if (controller->leader_link != NULL) {
        pt_list_push_back(&controller->retired_links, &controller->leader_link->node);
    }
    PT_LIST_FOREACH_SAFE (node, &controller->retired_links) {
        struct pt_serve_link *link = PT_CONTAINER(node, struct pt_serve_link, node);
        pt_timer_free(link->flusher);
        pt_map_fini(&link->pending);
        pt_buf_fini(&link->out);
        free(link);
    }
}

static struct pt_serve_link *link_new(struct pt_controller *controller, uint64_t leader_id, const char *address)
{
    const struct pt_rpc_channel_options options = {.fabric = controller->options.fabric,
                                                   .address = address,
                                                   .beside = controller->closing ? NULL : controller->server,
                                                   .credentials = {.cert_pem = controller->cert_pem,
                                                                   .key_pem = controller->key_pem,
                                                                   .ca_pem = controller->ca_pem}};
    struct pt_rpc_channel *channel = NULL;
    struct pt_error error = {0};
    if (pt_rpc_channel_new(controller->sys, &options, &channel, &error) != PT_OK) {
        pt_log_warn(controller->log, "no channel to the leader", "address=%s reason=\"%s\"", address, error.text);
        return NULL;
    }
    struct pt_serve_link *link = calloc(1, sizeof(*link));
    pt_assert(link != NULL);
    link->controller = controller;
    link->channel = channel;
    link->leader_id = leader_id;
    link->flusher = pt_timer_new(controller->sys, flush, link);
    pt_map_init(&link->pending);
    pt_list_init(&link->node);
    (void)snprintf(link->address, sizeof(link->address), "%s", address);
    return link;
}

void pt_serve_forward_drain(struct pt_controller *controller)
{
    uint64_t now = pt_sys_now_ms(controller->sys);
    uint64_t leader_id = pt_raft_status(controller->raft).leader_id;
    if (leader_id != 0 && controller->leader_link != NULL && controller->leader_link->leader_id != leader_id) {
        pt_serve_forward_renew(controller); /* without waiting for the next call */
    }
    PT_LIST_FOREACH_SAFE (node, &controller->retired_links) {
        struct pt_serve_link *link = PT_CONTAINER(node, struct pt_serve_link, node);
        bool lost = pt_raft_silent_ms(controller->raft, link->leader_id) >= LOST_MS;
        if (link->leader_id != leader_id && (lost || now - link->retired_ms >= DRAIN_MS)) {
            link_free(link);
        }
    }
}

/* The link to the leader; NULL when there is none to go to. */
static struct pt_serve_link *leader_link(struct pt_controller *controller)
{
    uint64_t leader_id = pt_raft_status(controller->raft).leader_id;
    if (leader_id == 0 || leader_id == controller->options.identity.raft_id) {
        return NULL;
    }
    if (controller->leader_link != NULL && controller->leader_link->leader_id != leader_id) {
        pt_serve_forward_renew(controller);
    }
    struct pt_serve_link *link = controller->leader_link;
    if (link == NULL) {
        struct pt_arena arena;
        pt_arena_init(&arena);
        const char *address = pt_serve_controller_field(controller, leader_id, "api_address", &arena);
        if (address[0] != '\0') {
            link = controller->leader_link = link_new(controller, leader_id, address);
        }
        pt_arena_fini(&arena);
    }
    return link;
}

/* ---- calls ----------------------------------------------------------------------------------------------------------
 */

static void call_over(struct pt_serve_link *link)
{
    link->calls--;
    bool retired = !pt_list_empty(&link->node);
    if (retired && link->calls == 0 && !link->dying) {
        link_free(link);
    }
}

static void on_reply(void *arg, const struct pt_error *error, struct pt_bytes message)
{
    struct pt_serve_call *call = arg;
    struct pt_serve_link *link = call->link;
    call->link = NULL;
    if (error == NULL) {
        pt_serve_reply(call, message);
    } else if (error->code == PT_CANCELLED) {
        /* The link was dropped because the leader changed. */
        pt_serve_fail_raft(call, call->controller->closing ? PT_CLOSED : PT_ABORTED);
    } else {
        pt_serve_fail(call, error);
    }
    pt_serve_call_unref(call);
    call_over(link);
}

/* What the leader must know beside the principal. */
static void encode_caller(const struct pt_caller *caller, struct pt_buf *out)
{
    Patronus__V1__Caller packed = PATRONUS__V1__CALLER__INIT;
    packed.groups = (char **)(uintptr_t)caller->groups;
    packed.n_groups = caller->groups_len;
    packed.api_key = (char *)(uintptr_t)caller->api_key;
    packed.source = (char *)(uintptr_t)caller->source;
    size_t size = patronus__v1__caller__get_packed_size(&packed);
    out->size += patronus__v1__caller__pack(&packed, pt_buf_reserve(out, size));
}

/* ---- parcels --------------------------------------------------------------------------------------------------- */

static void on_answers(void *arg, struct pt_bytes message)
{
    struct pt_serve_link *link = arg;
    struct pt_parcel_answer answer;
    while (message.size > 0) {
        if (!pt_parcel_answer_take(&message, &answer)) {
            pt_rpc_stream_cancel(link->stream); /* its end answers whoever waits */
            return;
        }
        link->lane = link->lane || answer.id == 0;
        struct pt_serve_call *call = pt_map_remove(&link->pending, &answer.id, sizeof(answer.id));
        if (call == NULL) {
            continue;
        }
        if (answer.error.code == PT_OK) {
            pt_serve_reply(call, answer.reply);
        } else {
            pt_serve_fail(call, &answer.error);
        }
        call->link = NULL;
        pt_serve_call_unref(call);
        if (--link->calls == 0 && !pt_list_empty(&link->node) && !link->dying) {
            pt_rpc_stream_half_close(link->stream); /* retired, and this was its last: freed at the stream's end */
        }
    }
}

static void on_stream_writable(void *arg)
{
    struct pt_serve_link *link = arg;
    link->blocked = false;
    flush(link);
}

/* What was under way may or may not have been carried out. */
static void on_stream_end(void *arg, const struct pt_error *error)
{
    struct pt_serve_link *link = arg;
    (void)error;
    link->stream = NULL;
    link->blocked = link->lane = link->lane_used = false;
    pt_buf_reset(&link->out);
    struct pt_map pending = link->pending;
    pt_map_init(&link->pending);
    PT_MAP_FOREACH (entry, &pending) {
        struct pt_serve_call *call = entry->value;
        call->link = NULL;
        pt_serve_fail_raft(call, call->controller->closing ? PT_CLOSED : PT_ABORTED);
        pt_serve_call_unref(call);
        link->calls--;
    }
    pt_map_fini(&pending);
    if (link->calls == 0 && !pt_list_empty(&link->node) && !link->dying) {
        link_free(link);
    }
}

static void open_stream(struct pt_serve_link *link)
{
    static const struct pt_rpc_stream_ops ops = {
        .on_message = on_answers, .on_writable = on_stream_writable, .on_end = on_stream_end};
    char session[24];
    link->session = pt_sys_random_u64(link->controller->sys) | 1; /* not 0 */
    (void)snprintf(session, sizeof(session), "%" PRIu64, link->session);
    const struct pt_rpc_metadata metadata = {.key = PT_LANE_METADATA, .value = session};
    link->stream = pt_rpc_stream_open(link->channel, PT_CARRIER_PATH, &metadata, 1, &ops, link);
}

static struct pt_serve_link *find_session(struct pt_controller *controller, uint64_t raft_id, uint64_t session)
{
    struct pt_serve_link *link = controller->leader_link;
    if (link != NULL && link->leader_id == raft_id && link->session == session) {
        return link;
    }
    PT_LIST_FOREACH (node, &controller->retired_links) {
        link = PT_CONTAINER(node, struct pt_serve_link, node);
        if (link->leader_id == raft_id && link->session == session) {
            return link;
        }
    }
    return NULL;
}

void pt_forward_take(struct pt_controller *controller, uint64_t raft_id, uint64_t session, struct pt_bytes parcels)
{
    struct pt_serve_link *link = find_session(controller, raft_id, session);
    if (link != NULL && link->stream != NULL) {
        on_answers(link, parcels);
    }
}

static void link_lost(struct pt_serve_link *link, uint64_t raft_id)
{
    if (link != NULL && link->leader_id == raft_id && link->lane_used && link->stream != NULL) {
        pt_rpc_stream_cancel(link->stream); /* its end answers whoever waits */
    }
}

void pt_forward_lost(struct pt_controller *controller, uint64_t raft_id)
{
    link_lost(controller->leader_link, raft_id);
    PT_LIST_FOREACH_SAFE (node, &controller->retired_links) {
        link_lost(PT_CONTAINER(node, struct pt_serve_link, node), raft_id);
    }
}

/* False when it does not fit a parcel. */
static bool send_parcel(struct pt_serve_link *link, struct pt_serve_call *call, struct pt_bytes request)
{
    if (link->out.size > 0 && link->out.size + request.size > PT_CARRIER_MESSAGE_SIZE) {
        flush(link);
    }
    if (link->out.size + request.size > OUT_SIZE_MAX || link->pending.count >= PENDING_LEN_MAX) {
        pt_serve_refuse(call, PT_UNAVAILABLE, PT_REASON_OVERLOADED,
                        "too many calls wait for the leader: try again in a second");
        return true;
    }
    PT_AUTO(buf) struct pt_buf caller = {0};
    encode_caller(&call->caller, &caller);
    bool first = link->out.size == 0;
    uint64_t id = link->next_id + 1;
    if (!pt_parcel_call_put(&link->out, id, call->method->path, call->caller.principal, pt_buf_bytes(&caller),
                            request)) {
        return false;
    }
    link->next_id = id;
    if (link->stream == NULL) {
        open_stream(link);
    }
    if (first) {
        pt_timer_start(link->flusher, 0, 0);
    }
    pt_serve_call_ref(call);
    link->calls++;
    call->link = link;
    pt_map_put(&link->pending, &id, sizeof(id), call);
    return true;
}

/* ---- streams of answers ---------------------------------------------------------------------------------------- */

/* What the leader says goes on to the caller, and so does the end; when the caller is gone, the leader's call ends. */
static void on_streamed(void *arg, struct pt_bytes message)
{
    struct pt_serve_call *call = arg;
    if (call->rpc != NULL) {
        (void)pt_rpc_call_send(call->rpc, message); /* the method's own limits bound what can wait here */
    }
}

static void on_streamed_end(void *arg, const struct pt_error *error)
{
    struct pt_serve_call *call = arg;
    struct pt_serve_link *link = call->link;
    call->link = NULL;
    call->answers = NULL;
    if (error == NULL && call->rpc != NULL) {
        pt_rpc_call_finish(call->rpc, NULL);
    } else if (error != NULL && error->code == PT_CANCELLED) {
        pt_serve_fail_raft(call, call->controller->closing ? PT_CLOSED : PT_ABORTED);
    } else if (error != NULL) {
        pt_serve_fail(call, error);
    }
    pt_serve_call_unref(call);
    call_over(link);
}

static const struct pt_rpc_stream_ops answers_ops = {.on_message = on_streamed, .on_end = on_streamed_end};

static void forward_stream(struct pt_serve_link *link, struct pt_serve_call *call, struct pt_bytes request,
                           const struct pt_rpc_metadata metadata[2])
{
    pt_serve_call_ref(call);
    link->calls++;
    call->link = link;
    call->answers = pt_rpc_stream_open(link->channel, call->method->path, metadata, 2, &answers_ops, call);
    (void)pt_rpc_stream_send(call->answers, request);
    pt_rpc_stream_half_close(call->answers);
}

void pt_serve_forward_end(struct pt_serve_call *call)
{
    if (call->answers != NULL) {
        pt_rpc_stream_cancel(call->answers);
    }
}

bool pt_serve_ask_leader(struct pt_controller *controller, const char *method, struct pt_bytes request,
                         uint64_t deadline_ms, pt_rpc_reply_fn fn, void *arg)
{
    struct pt_serve_link *link = leader_link(controller);
    if (link == NULL) {
        return false;
    }
    (void)pt_rpc_unary(link->channel, method, request, NULL, 0, deadline_ms, fn, arg);
    return true;
}

void pt_serve_forward(struct pt_serve_call *call, struct pt_bytes request)
{
    struct pt_controller *controller = call->controller;
    if (!pt_serve_call_open(call)) {
        return;
    }
    struct pt_serve_link *link = call->forwarded ? NULL : leader_link(controller);
    if (link == NULL) {
        pt_serve_refuse(call, PT_UNAVAILABLE, PT_REASON_NO_LEADER,
                        "no leader is known at this moment: try again in a second (is a quorum of voters up?)");
        return;
    }
    if (call->custom == NULL && send_parcel(link, call, request)) {
        return;
    }
    uint64_t deadline_ns = pt_rpc_call_info(call->rpc)->deadline_ns;
    uint64_t deadline_ms = 0;
    if (deadline_ns != UINT64_MAX) {
        uint64_t now = pt_sys_now_ns(controller->sys);
        deadline_ms = deadline_ns > now ? (deadline_ns - now) / 1000000 + 1 : 1;
    }
    PT_AUTO(buf) struct pt_buf bytes = {0};
    PT_AUTO(buf) struct pt_buf caller = {0};
    encode_caller(&call->caller, &bytes);
    pt_base64url_encode(pt_buf_bytes(&bytes), &caller);
    pt_buf_append_u8(&caller, '\0');
    const struct pt_rpc_metadata metadata[] = {
        {.key = PT_SERVE_PRINCIPAL_METADATA, .value = call->caller.principal},
        {.key = PT_SERVE_CALLER_METADATA, .value = (const char *)caller.data},
    };
    if (call->method->server_streaming) {
        forward_stream(link, call, request, metadata);
        return;
    }
    pt_serve_call_ref(call);
    link->calls++;
    call->link = link;
    (void)pt_rpc_unary(link->channel, call->method->path, request, metadata, 2, deadline_ms, on_reply, call);
}
