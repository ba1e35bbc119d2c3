/*
 * The server on gRPC.
 *
 * One grpc_server per door, because gRPC does not tell a call by which port it came; they share the completion queue,
 * the credentials and the list of calls. Every call is requested generically and dispatched by its name above.
 *
 * A call and its operations:
 *
 *   arm     grpc_server_request_call; ARMED_LEN of them wait at each door, the next is armed before a call is looked at
 *   closed  RECV_CLOSE_ON_SERVER from the start to the end: the signal that the client gave up, or that the status
 *           went out. A call that is answered soon (reply_one) has it in the batch of its reply instead: each batch of
 *           its own costs a completion, which is a lock, perhaps a wake-up, and a turn of the loop
 *   recv    RECV_MESSAGE, one at a time, the next after on_message returned
 *   sent    one batch at a time: headers (first), a message (if any waits), the status (with the last message). A unary
 *           reply is thus a single batch
 *
 * on_end comes with `closed`, or with the `sent` that stands for it; the call is freed when, besides, neither recv nor
 * sent is under way. Only these three completions free it: whatever a handler does in a callback starts nothing at
 * once, but at the end of the turn.
 *
 * The server:
 *
 *   OPEN --close--> DRAINING --grace over--> CANCELLING --+
 *                      |                                  |  every door said that its last call is gone
 *                      +----------------------------------+--> CLOSED: doors, queue, credentials, memory
 *
 * An open stream would block gRPC's shutdown for ever, hence the grace and the cancelling.
 */
#include "base/arena.h"
#include "base/assert.h"
#include "base/sm.h"
#include "rpc/rpc_backend.h"
#include "rpc/rpc_grpc.h"
#include "rpc/rpc_status.h"

#include <grpc/support/time.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARMED_LEN 128
#define SPARE_LEN_MAX 1024 /* freed calls kept for reuse */
#define METHOD_SIZE 256    /* a longer name is cut and so unknown */

enum { OPEN, DRAINING, CANCELLING, CLOSED };

static const struct pt_sm_state states[] = {
    [OPEN] = {"open", 1U << DRAINING},
    [DRAINING] = {"draining", 1U << CANCELLING | 1U << CLOSED},
    [CANCELLING] = {"cancelling", 1U << CLOSED},
    [CLOSED] = {"closed", 0},
};

struct door {
    struct server *server;
    enum pt_rpc_door door;
    grpc_server *grpc;
    int port;
    struct pt_rpc_tag down; /* shutdown is complete */
};

struct server {
    struct pt_rpc_server base;
    struct pt_sys *sys;
    const struct pt_rpc_handler *handler;
    void *handler_arg;
    size_t calls_max;
    struct pt_rpc_queue *queue;
    struct pt_rpc_credential_store *store;
    struct pt_rpc_peer_cache *peers;
    struct pt_rpc_lines *lines;
    struct door *doors;
    size_t doors_len, doors_open; /* open: shutdown is not complete */
    struct pt_list calls;         /* under way, by call.node */
    size_t calls_len;
    struct pt_list spare; /* freed calls */
    size_t spare_len;
    struct pt_sm sm;
    struct pt_timer *grace; /* while DRAINING */
    bool stillborn;         /* a door could not be opened */
    pt_task_fn done;
    void *done_arg;
};

struct call {
    struct pt_rpc_call base;
    struct server *server;
    struct door *door;
    struct pt_list node; /* of server.calls or .spare; on its own while armed */
    grpc_call *grpc;
    grpc_call_details details;
    grpc_metadata_array metadata;
    struct pt_rpc_tag arm, closed, recv, sent;
    struct pt_rpc_later flush;
    struct pt_rpc_line *line;   /* NULL while armed */
    grpc_byte_buffer *incoming; /* of recv */
    int cancelled;              /* of closed */
    struct pt_rpc_outbox outbox;
    grpc_byte_buffer *outgoing; /* of sent */
    grpc_slice status_text, status_details;
    int status;
    bool silent;           /* refused by the port itself: the handler never hears of it */
    bool expect_one;       /* exactly one message comes */
    bool reply_one;        /* and one goes, soon */
    bool close_started;    /* `closed` is with gRPC, or came, or the next is true */
    bool close_in_sent;    /* the completion of `sent` is that of RECV_CLOSE too */
    bool received;         /* a message came */
    bool starting;         /* in on_call */
    bool paused;           /* by its reader */
    bool half_closed;      /* nothing more comes */
    bool recv_busy;        /* recv is with gRPC */
    bool sent_busy;        /* sent is with gRPC */
    bool headers_sent;     /* or on their way */
    bool finish_wanted;    /* the status is known */
    bool status_sent;      /* or on its way */
    bool ended;            /* closed came; on_end is through or running */
    struct pt_arena arena; /* metadata values that were asked for */
    char method[METHOD_SIZE];
};

static const struct pt_rpc_backend backend;

static void arm(struct door *door);
static void start_close(struct call *call);
static void on_arm(struct pt_rpc_tag *tag, bool ok);
static void on_closed(struct pt_rpc_tag *tag, bool ok);
static void on_recv(struct pt_rpc_tag *tag, bool ok);
static void on_sent(struct pt_rpc_tag *tag, bool ok);
static void on_flush(struct pt_rpc_later *later);
static void on_door_down(struct pt_rpc_tag *tag, bool ok);
static void call_finish(struct pt_rpc_call *base, const struct pt_error *error);

/* ---- life of a server ----------------------------------------------------------------------------------------- */

static grpc_arg int_arg(const char *key, int value)
{
    return (grpc_arg){.type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)key, .value.integer = value};
}

static grpc_server *new_grpc_server(size_t message_size_max)
{
    grpc_arg args[] = {
        int_arg(GRPC_ARG_ALLOW_REUSEPORT, 0), /* else a second node would take half of the connections */
        int_arg(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, (int)message_size_max),
        int_arg(GRPC_ARG_MAX_CONCURRENT_STREAMS, PT_RPC_STREAMS_MAX),
        int_arg(GRPC_ARG_MAX_METADATA_SIZE, PT_RPC_METADATA_SIZE_MAX),
        int_arg(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 10000),
        /* A client that vanished is noticed in 20 s; one that pings more than once a second is sent away. */
        int_arg(GRPC_ARG_KEEPALIVE_TIME_MS, 10000),
        int_arg(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10000),
        int_arg(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1),
        int_arg(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 1000),
        int_arg(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 3),
        int_arg(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1U << GRPC_COMPRESS_NONE),
        /* Nothing is compressed: no filter need look at each message. What says that it is, is refused all the same. */
        int_arg(GRPC_ARG_ENABLE_PER_MESSAGE_COMPRESSION, 0),
        int_arg(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0),
        int_arg(GRPC_ARG_ENABLE_CHANNELZ, 0), /* its tracing costs a lock per message */
        /* A timer for each call. The client ends the call at its deadline, and it is known here (deadline_ns). */
        int_arg(GRPC_ARG_ENABLE_DEADLINE_CHECKS, 0),
    };
    grpc_channel_args all = {.num_args = sizeof(args) / sizeof(args[0]), .args = args};
    return grpc_server_create(&all, NULL);
}

static enum pt_code open_door(struct door *door, const struct pt_rpc_listen *listen, size_t message_size_max,
                              struct pt_error *reterr)
{
    struct server *server = door->server;
    door->door = listen->door;
    door->down.fn = on_door_down;
    door->grpc = new_grpc_server(message_size_max);
    grpc_server_register_completion_queue(door->grpc, pt_rpc_queue_cq(server->queue), NULL);
    char address[PT_ENDPOINT_TEXT_SIZE];
    (void)pt_endpoint_format(&listen->address, address);
    grpc_server_credentials *credentials = pt_rpc_credential_store_port(server->store, listen->door);
    door->port = grpc_server_add_http2_port(door->grpc, address, credentials);
    grpc_server_credentials_release(credentials);
    if (door->port == 0) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_NONE, address,
                       "cannot listen on %s: the address is in use, or is not one of this host", address);
    }
    return PT_OK;
}

/* Of the queue's end: nothing of gRPC refers to the server any more. */
static void free_server(void *arg)
{
    struct server *server = arg;
    pt_assert(server->calls_len == 0);
    struct pt_list *node;
    while ((node = pt_list_pop_front(&server->spare)) != NULL) {
        free(PT_CONTAINER(node, struct call, node));
    }
    pt_rpc_credential_store_free(server->store);
    pt_rpc_peer_cache_free(server->peers);
    pt_rpc_lines_free(server->lines);
    pt_timer_free(server->grace);
    pt_rpc_library_close();
    pt_task_fn done = server->done;
    void *done_arg = server->done_arg;
    free(server->doors);
    free(server);
    if (done != NULL) {
        done(done_arg);
    }
}

static void shut_door(struct door *door)
{
    grpc_server_shutdown_and_notify(door->grpc, pt_rpc_queue_cq(door->server->queue),
                                    pt_rpc_queue_arm(door->server->queue, &door->down));
}

static void on_door_down(struct pt_rpc_tag *tag, bool ok)
{
    (void)ok; /* gRPC reports completion, not success */
    struct door *door = PT_CONTAINER(tag, struct door, down);
    struct server *server = door->server;
    grpc_server_destroy(door->grpc);
    door->grpc = NULL;
    pt_assert(server->doors_open > 0);
    if (--server->doors_open == 0 && !server->stillborn) {
        pt_sm_move(&server->sm, CLOSED);
        pt_rpc_queue_free(server->queue, free_server, server);
    }
}

static void on_grace_over(void *arg)
{
    struct server *server = arg;
    pt_sm_move(&server->sm, CANCELLING);
    for (size_t i = 0; i < server->doors_len; i++) {
        if (server->doors[i].grpc != NULL) {
            grpc_server_cancel_all_calls(server->doors[i].grpc);
        }
    }
    PT_LIST_FOREACH (node, &server->calls) {
        start_close(PT_CONTAINER(node, struct call, node)); /* those that wait for their reply to hear of it */
    }
}

static void server_close(struct pt_rpc_server *base, uint64_t grace_ms, pt_task_fn done, void *arg)
{
    struct server *server = (struct server *)base;
    pt_assert(pt_sys_on_loop(server->sys));
    server->done = done;
    server->done_arg = arg;
    pt_sm_move(&server->sm, DRAINING);
    for (size_t i = 0; i < server->doors_len; i++) {
        shut_door(&server->doors[i]);
    }
    pt_timer_start(server->grace, grace_ms, 0);
}

enum pt_code pt_rpc_grpc_server_new(struct pt_sys *sys, const struct pt_rpc_server_options *options,
                                    struct pt_rpc_server **ret_server, struct pt_error *reterr)
{
    pt_rpc_library_open();
    struct server *server = calloc(1, sizeof(*server));
    pt_assert(server != NULL);
    server->base.backend = &backend;
    server->sys = sys;
    server->handler = options->handler;
    server->handler_arg = options->handler_arg;
    server->calls_max = options->calls_max;
    pt_list_init(&server->calls);
    pt_list_init(&server->spare);
    pt_sm_init(&server->sm, states, NULL, server, OPEN);
    server->grace = pt_timer_new(sys, on_grace_over, server);
    server->queue = pt_rpc_queue_new(sys, pt_rpc_pump_new(sys, !options->polled));
    server->store = pt_rpc_credential_store_new(&options->credentials);
    server->peers = pt_rpc_peer_cache_new();
    server->lines = pt_rpc_lines_new(server->queue);
    server->doors = calloc(options->listens_len, sizeof(*server->doors));
    pt_assert(server->doors != NULL);
    enum pt_code code = PT_OK;
    for (size_t i = 0; i < options->listens_len && code == PT_OK; i++) {
        struct door *door = &server->doors[i];
        door->server = server;
        server->doors_len = server->doors_open = i + 1;
        code = open_door(door, &options->listens[i], options->message_size_max, reterr);
    }
    if (code != PT_OK) {
        server->stillborn = true;
        for (size_t i = 0; i < server->doors_len; i++) {
            shut_door(&server->doors[i]);
        }
        pt_rpc_queue_free(server->queue, free_server, server);
        return code;
    }
    for (size_t i = 0; i < server->doors_len; i++) {
        grpc_server_start(server->doors[i].grpc);
        for (size_t n = 0; n < ARMED_LEN; n++) {
            arm(&server->doors[i]);
        }
    }
    if (options->polled) {
        (void)pt_rpc_pump_on_loop(pt_rpc_queue_pump(server->queue), (uint16_t)server->doors[0].port); /* or a thread */
    }
    *ret_server = &server->base;
    return PT_OK;
}

struct pt_rpc_queue *pt_rpc_grpc_server_queue(struct pt_rpc_server *base)
{
    return ((struct server *)base)->queue;
}

static uint16_t server_port(const struct pt_rpc_server *base, size_t index)
{
    const struct server *server = (const struct server *)base;
    pt_assert(index < server->doors_len);
    return (uint16_t)server->doors[index].port;
}

static enum pt_code server_set_credentials(struct pt_rpc_server *base, const struct pt_rpc_credentials *credentials,
                                           struct pt_error *reterr)
{
    struct server *server = (struct server *)base;
    pt_assert(pt_sys_on_loop(server->sys));
    PT_TRY(pt_rpc_credentials_check(server->sys, credentials, "controller", reterr));
    pt_rpc_credential_store_set(server->store, credentials);
    return PT_OK;
}

/* ---- life of a call ------------------------------------------------------------------------------------------- */

/* A call object with everything zero but what it may keep. */
static struct call *new_call(struct door *door)
{
    struct server *server = door->server;
    struct pt_list *node = pt_list_pop_front(&server->spare);
    struct call *call;
    if (node != NULL) {
        server->spare_len--;
        call = PT_CONTAINER(node, struct call, node);
        memset(call, 0, offsetof(struct call, method));
    } else {
        call = calloc(1, sizeof(*call));
        pt_assert(call != NULL);
    }
    call->base.backend = &backend;
    call->server = server;
    call->door = door;
    pt_list_init(&call->node);
    pt_list_init(&call->flush.node);
    call->flush.fn = on_flush;
    call->arm.fn = on_arm;
    call->closed.fn = on_closed;
    call->recv.fn = on_recv;
    call->sent.fn = on_sent;
    grpc_call_details_init(&call->details);
    grpc_metadata_array_init(&call->metadata);
    call->status_text = call->status_details = grpc_empty_slice();
    return call;
}

static void free_call(struct call *call)
{
    struct server *server = call->server;
    grpc_call_details_destroy(&call->details);
    grpc_metadata_array_destroy(&call->metadata);
    grpc_slice_unref(call->status_text);
    grpc_slice_unref(call->status_details);
    pt_rpc_outbox_fini(&call->outbox);
    pt_arena_fini(&call->arena);
    pt_list_remove(&call->flush.node);
    if (call->line != NULL) {
        pt_rpc_line_unref(call->line);
    }
    if (call->grpc != NULL) {
        pt_list_remove(&call->node);
        server->calls_len--;
        grpc_call_unref(call->grpc);
    }
    if (server->spare_len < SPARE_LEN_MAX) {
        pt_list_push_front(&server->spare, &call->node);
        server->spare_len++;
    } else {
        free(call);
    }
}

static void free_call_if_over(struct call *call)
{
    if (call->ended && !call->recv_busy && !call->sent_busy) {
        free_call(call);
    }
}

static void arm(struct door *door)
{
    struct call *call = new_call(door);
    grpc_completion_queue *cq = pt_rpc_queue_cq(door->server->queue);
    pt_rpc_queue_enter(door->server->queue);
    grpc_call_error error = grpc_server_request_call(door->grpc, &call->grpc, &call->details, &call->metadata, cq, cq,
                                                     pt_rpc_queue_arm(door->server->queue, &call->arm));
    pt_rpc_queue_leave(door->server->queue);
    pt_assert(error == GRPC_CALL_OK);
}

static void start_batch(struct call *call, const grpc_op *ops, size_t ops_len, struct pt_rpc_tag *tag)
{
    pt_rpc_queue_enter(call->server->queue);
    grpc_call_error error =
        grpc_call_start_batch(call->grpc, ops, ops_len, pt_rpc_queue_arm(call->server->queue, tag), NULL);
    pt_rpc_queue_leave(call->server->queue);
    pt_assert(error == GRPC_CALL_OK);
}

static grpc_op close_op(struct call *call)
{
    return (grpc_op){.op = GRPC_OP_RECV_CLOSE_ON_SERVER, .data.recv_close_on_server.cancelled = &call->cancelled};
}

static void start_close(struct call *call)
{
    if (!call->close_started) {
        grpc_op op = close_op(call);
        call->close_started = true;
        start_batch(call, &op, 1, &call->closed);
    }
}

static void start_recv(struct call *call)
{
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &call->incoming};
    call->recv_busy = true;
    start_batch(call, &op, 1, &call->recv);
}

/* Who calls. A certificate that was verified but speaks for nobody we know is refused. */
static enum pt_code read_peer(struct call *call, struct pt_error *reterr)
{
    struct pt_rpc_line *line = call->line;
    PT_TRY(pt_rpc_line_peer(line, call->server->peers, reterr));
    if (line->identified) {
        call->base.info.peer = &line->identity;
    } else if (call->door->door == PT_DOOR_AGENT) { /* TLS refuses these before; this is the second lock */
        return pt_fail(reterr, PT_UNAUTHENTICATED, PT_REASON_CREDENTIALS_MISSING, NULL,
                       "a client certificate is required here");
    }
    return PT_OK;
}

static uint64_t deadline_on_sys(struct pt_sys *sys, gpr_timespec deadline)
{
    if (gpr_time_cmp(deadline, gpr_inf_future(deadline.clock_type)) == 0) {
        return UINT64_MAX;
    }
    gpr_timespec left =
        gpr_time_sub(gpr_convert_clock_type(deadline, GPR_CLOCK_MONOTONIC), gpr_now(GPR_CLOCK_MONOTONIC));
    uint64_t now_ns = pt_sys_now_ns(sys);
    if (left.tv_sec < 0) {
        return now_ns;
    }
    uint64_t left_s = (uint64_t)left.tv_sec < UINT32_MAX ? (uint64_t)left.tv_sec : UINT32_MAX;
    return now_ns + left_s * 1000000000U + (uint64_t)left.tv_nsec;
}

static void fill_info(struct call *call)
{
    size_t size = GRPC_SLICE_LENGTH(call->details.method);
    size = size < sizeof(call->method) ? size : sizeof(call->method) - 1;
    memcpy(call->method, GRPC_SLICE_START_PTR(call->details.method), size);
    call->method[size] = '\0';
    call->line = pt_rpc_line_get(call->server->lines, call->grpc);
    call->base.info =
        (struct pt_rpc_call_info){.method = call->method,
                                  .door = call->door->door,
                                  .peer_address = call->line->address,
                                  .deadline_ns = deadline_on_sys(call->server->sys, call->details.deadline)};
}

static enum pt_code admit(struct call *call, struct pt_error *reterr)
{
    struct server *server = call->server;
    PT_TRY(read_peer(call, reterr));
    if (server->calls_len > server->calls_max) {
        return pt_fail(reterr, PT_EXHAUSTED, PT_REASON_OVERLOADED, NULL,
                       "the server has %zu calls under way; try again later", server->calls_max);
    }
    return PT_OK;
}

static void on_arm(struct pt_rpc_tag *tag, bool ok)
{
    struct call *call = PT_CONTAINER(tag, struct call, arm);
    struct server *server = call->server;
    if (!ok) { /* the door is shut */
        call->grpc = NULL;
        free_call(call);
        return;
    }
    if (server->sm.state == OPEN) {
        arm(call->door);
    }
    pt_list_push_back(&server->calls, &call->node);
    server->calls_len++;
    fill_info(call);
    struct pt_error error;
    if (admit(call, &error) != PT_OK) {
        call->silent = true;
        call_finish(&call->base, &error);
        return;
    }
    call->starting = true;
    server->handler->on_call(server->handler_arg, &call->base);
    call->starting = false;
    if (!call->finish_wanted) {
        if (!call->reply_one) {
            start_close(call);
        }
        if (!call->paused) { /* by the handler, just now */
            start_recv(call);
        }
    }
}

static void end_call(struct call *call)
{
    struct server *server = call->server;
    pt_assert(!call->ended);
    call->ended = true;
    if (!call->silent) {
        server->handler->on_end(server->handler_arg, &call->base, call->cancelled != 0);
    }
}

static void on_closed(struct pt_rpc_tag *tag, bool ok)
{
    (void)ok; /* RECV_CLOSE always succeeds */
    struct call *call = PT_CONTAINER(tag, struct call, closed);
    end_call(call);
    free_call_if_over(call);
}

static void deliver(struct call *call)
{
    struct server *server = call->server;
    struct pt_rpc_view view;
    pt_rpc_view_init(&view, call->incoming);
    grpc_byte_buffer *buffer = call->incoming;
    call->incoming = NULL;
    if (!call->ended && !call->finish_wanted) {
        call->received = true;
        server->handler->on_message(server->handler_arg, &call->base, view.bytes);
    }
    pt_rpc_view_fini(&view);
    grpc_byte_buffer_destroy(buffer);
}

static void half_closed(struct call *call)
{
    struct server *server = call->server;
    if (call->expect_one) {
        struct pt_error error;
        (void)pt_fail(&error, PT_INVALID_ARGUMENT, PT_REASON_MESSAGE_MALFORMED, NULL,
                      "the call carries no request message; this method takes one");
        call_finish(&call->base, &error);
    } else if (server->handler->on_half_close != NULL) {
        server->handler->on_half_close(server->handler_arg, &call->base);
    }
}

static void on_recv(struct pt_rpc_tag *tag, bool ok)
{
    struct call *call = PT_CONTAINER(tag, struct call, recv);
    if (call->incoming != NULL) {
        deliver(call);
        call->recv_busy = false;
        if (!call->ended && !call->finish_wanted && !call->expect_one && !call->paused) {
            start_recv(call);
        }
    } else {
        call->half_closed = true;
        if (ok && !call->ended && !call->finish_wanted) {
            half_closed(call);
        }
        call->recv_busy = false;
    }
    free_call_if_over(call);
}

static void call_pause(struct pt_rpc_call *base, bool paused)
{
    struct call *call = (struct call *)base;
    call->paused = paused;
    if (!paused && !call->recv_busy && !call->starting && !call->half_closed && !call->ended && !call->finish_wanted &&
        !call->expect_one) {
        start_recv(call);
    }
}

/* ---- sending -------------------------------------------------------------------------------------------------- */

static size_t put_status(struct call *call, grpc_op *op, grpc_metadata *trailer)
{
    *op = (grpc_op){.op = GRPC_OP_SEND_STATUS_FROM_SERVER};
    op->data.send_status_from_server.status = (grpc_status_code)call->status;
    op->data.send_status_from_server.status_details = &call->status_text;
    if (GRPC_SLICE_LENGTH(call->status_details) > 0) {
        *trailer =
            (grpc_metadata){.key = grpc_slice_from_static_string(PT_RPC_STATUS_KEY), .value = call->status_details};
        op->data.send_status_from_server.trailing_metadata_count = 1;
        op->data.send_status_from_server.trailing_metadata = trailer;
    }
    call->status_sent = true;
    return 1;
}

/* Hand over one batch of what waits. */
static void flush(struct call *call)
{
    bool status_due = call->finish_wanted && !call->status_sent && call->outbox.len <= 1;
    if (call->sent_busy || call->ended || (call->outbox.len == 0 && !status_due)) {
        return;
    }
    grpc_op ops[4] = {0};
    grpc_metadata trailer;
    size_t len = 0;
    if (!call->headers_sent) {
        ops[len++].op = GRPC_OP_SEND_INITIAL_METADATA;
        call->headers_sent = true;
    }
    call->outgoing = pt_rpc_outbox_pop(&call->outbox);
    if (call->outgoing != NULL) {
        ops[len].op = GRPC_OP_SEND_MESSAGE;
        /* More follows at once; but never together with the headers, for gRPC then starts no write at all, and the
         * batch that would bring the rest waits for this one. */
        ops[len].flags = call->outbox.len > 0 && len == 0 ? GRPC_WRITE_BUFFER_HINT : 0;
        ops[len++].data.send_message.send_message = call->outgoing;
    }
    if (status_due) {
        len += put_status(call, &ops[len], &trailer);
    }
    if (!call->close_started && status_due) {
        ops[len++] = close_op(call);
        call->close_started = call->close_in_sent = true;
    } else {
        start_close(call); /* it is no single reply after all */
    }
    call->sent_busy = true;
    start_batch(call, ops, len, &call->sent);
}

static void on_flush(struct pt_rpc_later *later)
{
    flush(PT_CONTAINER(later, struct call, flush));
}

static void on_sent(struct pt_rpc_tag *tag, bool ok)
{
    struct call *call = PT_CONTAINER(tag, struct call, sent);
    struct server *server = call->server;
    if (call->outgoing != NULL) {
        grpc_byte_buffer_destroy(call->outgoing);
        call->outgoing = NULL;
    }
    call->sent_busy = false;
    if (call->close_in_sent) {
        end_call(call);
    } else if (!ok) { /* the client is gone; `closed` says so too */
        pt_rpc_outbox_fini(&call->outbox);
    } else {
        flush(call);
        if (!call->ended && !call->finish_wanted && pt_rpc_outbox_drained(&call->outbox) &&
            server->handler->on_writable != NULL) {
            server->handler->on_writable(server->handler_arg, &call->base);
        }
    }
    free_call_if_over(call);
}

static bool call_send(struct pt_rpc_call *base, struct pt_bytes message)
{
    struct call *call = (struct call *)base;
    pt_assert(pt_sys_on_loop(call->server->sys));
    if (call->finish_wanted || call->ended) {
        return true; /* ignored: there is nothing to wait for */
    }
    bool room = pt_rpc_outbox_push(&call->outbox, message);
    pt_rpc_line_later(call->line, &call->flush);
    return room;
}

static void call_finish(struct pt_rpc_call *base, const struct pt_error *error)
{
    struct call *call = (struct call *)base;
    pt_assert(pt_sys_on_loop(call->server->sys));
    if (call->finish_wanted || call->ended) {
        return;
    }
    call->finish_wanted = true;
    if (error != NULL) {
        char text[PT_ERROR_TEXT_SIZE];
        PT_AUTO(buf) struct pt_buf details = {0};
        call->status = pt_code_grpc(error->code);
        call->status_text = grpc_slice_from_copied_buffer(text, pt_rpc_status_text(error->text, text, sizeof(text)));
        pt_rpc_status_encode(error, &details);
        call->status_details = grpc_slice_from_copied_buffer((const char *)details.data, details.size);
    }
    pt_rpc_line_later(call->line, &call->flush);
}

static size_t call_queued(const struct pt_rpc_call *base)
{
    return ((const struct call *)base)->outbox.len;
}

static void call_expect_one(struct pt_rpc_call *base)
{
    struct call *call = (struct call *)base;
    pt_assert(call->starting);
    call->expect_one = true;
}

static void call_reply_one(struct pt_rpc_call *base)
{
    struct call *call = (struct call *)base;
    pt_assert(call->starting);
    call->reply_one = true;
}

static const char *call_metadata(const struct pt_rpc_call *base, const char *key)
{
    /* The arena is a cache behind a getter. */
    struct call *call = (struct call *)(uintptr_t)base;
    for (size_t i = 0; i < call->metadata.count; i++) {
        const grpc_metadata *entry = &call->metadata.metadata[i];
        if (grpc_slice_str_cmp(entry->key, key) == 0) {
            return pt_arena_strndup(&call->arena, (const char *)GRPC_SLICE_START_PTR(entry->value),
                                    GRPC_SLICE_LENGTH(entry->value));
        }
    }
    return "";
}

static const struct pt_rpc_backend backend = {
    .server_port = server_port,
    .server_set_credentials = server_set_credentials,
    .server_close = server_close,
    .call_expect_one = call_expect_one,
    .call_reply_one = call_reply_one,
    .call_pause = call_pause,
    .call_metadata = call_metadata,
    .call_send = call_send,
    .call_finish = call_finish,
    .call_queued = call_queued,
};
