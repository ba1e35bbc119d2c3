/*
 * The leader's end of forwarding: a stream of parcels from one follower, each a whole CRUD call of somebody.
 *
 *   message -> parcels -> a call each, which lives as one of its own -> answers of a turn -> message
 *
 * The stream is opened with a controller's certificate, and what it says of callers is believed as it is of single
 * forwarded calls. It is no part of the API and of the schema: clients have no use for it.
 *
 * A call without a connection of its own is held by its carrier until it is answered. When the stream ends, what is
 * under way goes on and its answers go nowhere: the follower has told the clients that the outcome is unknown.
 */
#include "serve/carrier.h"

#include "base/assert.h"
#include "serve/lane.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pt_carrier {
    struct pt_list node; /* controller->carriers */
    struct pt_serve_call *stream;
    uint64_t raft_id;     /* of the follower; 0: not known, no lane */
    uint64_t session;     /* of the lane */
    bool answers_by_lane; /* the follower has used it */
    bool lane_used;       /* and so has this end */
    struct pt_list calls; /* pt_serve_call.parcel */
    struct pt_buf out;    /* answers of this turn */
    struct pt_timer *flusher;
    bool blocked; /* the stream takes no more now */
};

const struct pt_method_type pt_carrier_method = {.path = PT_CARRIER_PATH,
                                                 .name = "Carry",
                                                 .service = "patronus.internal.Controllers",
                                                 .comment = "",
                                                 .client_streaming = true,
                                                 .server_streaming = true,
                                                 .permission = "",
                                                 .role = "controller",
                                                 .scope = ""};

static void flush(void *arg)
{
    struct pt_carrier *carrier = arg;
    if (carrier->out.size > 0 && carrier->answers_by_lane && carrier->stream->rpc != NULL &&
        pt_lane_send(carrier->stream->controller, carrier->raft_id, PT_LANE_ANSWERS, carrier->session,
                     pt_buf_bytes(&carrier->out))) {
        carrier->lane_used = true;
        pt_buf_reset(&carrier->out);
    } else if (carrier->out.size > 0 && !carrier->blocked && carrier->stream->rpc != NULL) {
        carrier->blocked = !pt_rpc_call_send(carrier->stream->rpc, pt_buf_bytes(&carrier->out));
        pt_buf_reset(&carrier->out);
    }
}

void pt_carrier_answer(struct pt_serve_call *call, const struct pt_error *error, struct pt_bytes reply)
{
    struct pt_carrier *carrier = call->carrier;
    if (carrier->out.size > 0 && carrier->out.size + reply.size > PT_CARRIER_MESSAGE_SIZE) {
        flush(carrier);
    }
    if (carrier->out.size == 0) {
        pt_timer_start(carrier->flusher, 0, 0);
    }
    pt_parcel_answer_put(&carrier->out, call->parcel_id, error, reply);
    call->carrier = NULL;
    pt_list_remove(&call->parcel);
    pt_serve_call_unref(call);
}

/* The member that opened the stream, by its certificate; 0 when this node does not know it. */
static uint64_t opened_by(struct pt_serve_call *stream)
{
    const struct pt_identity *peer = pt_rpc_call_info(stream->rpc)->peer;
    char name[PT_SPIFFE_SIZE_MAX + 16];
    (void)snprintf(name, sizeof(name), "controllers/%s", peer != NULL ? peer->path : "");
    struct pt_view *view = pt_view_new(stream->controller->machine);
    const struct pt_msg *msg = strlen(name) <= PT_NAME_SIZE_MAX ? pt_view_get(view, name) : NULL;
    uint64_t raft_id = msg != NULL ? pt_msg_u64(msg, "raft_id") : 0;
    pt_view_free(view);
    return raft_id;
}

/* Keep the session, and say that its lane may be used: a parcel answered that nobody sent. */
static void offer_lane(struct pt_carrier *carrier)
{
    struct pt_serve_call *stream = carrier->stream;
    const char *session = pt_rpc_call_metadata(stream->rpc, PT_LANE_METADATA);
    carrier->session = strtoull(session, NULL, 10);
    carrier->raft_id = carrier->session != 0 ? opened_by(stream) : 0;
    if (carrier->raft_id != 0) {
        pt_parcel_answer_put(&carrier->out, 0, NULL, (struct pt_bytes){0});
        flush(carrier);
    }
}

static void on_open(struct pt_serve_call *stream)
{
    struct pt_carrier *carrier = calloc(1, sizeof(*carrier));
    pt_assert(carrier != NULL);
    carrier->stream = stream;
    pt_list_init(&carrier->calls);
    carrier->flusher = pt_timer_new(stream->controller->sys, flush, carrier);
    stream->state = carrier;
    pt_list_push_front(&stream->controller->carriers, &carrier->node);
    offer_lane(carrier);
}

static void on_message(struct pt_serve_call *stream, struct pt_bytes message)
{
    struct pt_carrier *carrier = stream->state;
    struct pt_parcel_call parcel;
    while (message.size > 0 && stream->rpc != NULL) {
        if (!pt_parcel_call_take(&message, &parcel)) {
            pt_serve_refuse(stream, PT_INVALID_ARGUMENT, PT_REASON_MESSAGE_MALFORMED, "a parcel cannot be read");
            return;
        }
        struct pt_serve_call *call = pt_serve_call_parcel(stream, &parcel);
        call->carrier = carrier;
        call->parcel_id = parcel.id;
        pt_list_push_back(&carrier->calls, &call->parcel);
        pt_serve_call_ref(call); /* it may be answered at once */
        pt_serve_call_begin(call, &parcel);
        pt_serve_call_unref(call);
    }
}

static void on_half_close(struct pt_serve_call *stream)
{
    pt_rpc_call_finish(stream->rpc, NULL);
}

static void on_writable(struct pt_serve_call *stream)
{
    struct pt_carrier *carrier = stream->state;
    carrier->blocked = false;
    flush(carrier);
}

static void on_end(struct pt_serve_call *stream)
{
    struct pt_carrier *carrier = stream->state;
    while (!pt_list_empty(&carrier->calls)) {
        struct pt_serve_call *call = PT_CONTAINER(carrier->calls.next, struct pt_serve_call, parcel);
        pt_list_remove(&call->parcel);
        call->carrier = NULL;
        pt_serve_call_unref(call);
    }
    pt_list_remove(&carrier->node);
    pt_timer_free(carrier->flusher);
    pt_buf_fini(&carrier->out);
    free(carrier);
    stream->state = NULL;
}

void pt_carrier_take(struct pt_controller *controller, uint64_t raft_id, uint64_t session, struct pt_bytes parcels)
{
    PT_LIST_FOREACH (node, &controller->carriers) {
        struct pt_carrier *carrier = PT_CONTAINER(node, struct pt_carrier, node);
        if (carrier->raft_id == raft_id && carrier->session == session && carrier->stream->rpc != NULL) {
            carrier->answers_by_lane = true;
            on_message(carrier->stream, parcels);
            return;
        }
    }
}

void pt_carrier_lost(struct pt_controller *controller, uint64_t raft_id)
{
    PT_LIST_FOREACH_SAFE (node, &controller->carriers) {
        struct pt_carrier *carrier = PT_CONTAINER(node, struct pt_carrier, node);
        if (carrier->raft_id == raft_id && carrier->lane_used) {
            pt_serve_fail_raft(carrier->stream, PT_ABORTED);
        }
    }
}

const struct pt_serve_method pt_serve_carry = {.path = PT_CARRIER_PATH,
                                               .on_open = on_open,
                                               .on_message = on_message,
                                               .on_half_close = on_half_close,
                                               .on_writable = on_writable,
                                               .on_end = on_end};
