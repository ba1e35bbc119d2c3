/*
 * The client on gRPC.
 *
 * A channel is one connection with a completion queue and its thread, its own or a server's (`beside`). It connects at
 * the first call, and again after each failure, with 100 ms to 2 s between attempts.
 *
 * A unary call is one batch of six operations and thus one completion. A stream has three completions: `recv` (headers
 * with the first message, then message by message until there is none), `sent` (one message, or the half-close, at a
 * time) and `over` (the status). It ends when the status is there and recv has come to the end, so that no message is
 * lost behind a status.
 *
 * Freeing a channel ends its calls at once: their callbacks run with CANCELLED and they leave the channel's list as
 * orphans (`fn` or `ops` NULL), whose completions only free them.
 */
#include "base/assert.h"
#include "rpc/rpc_backend.h"
#include "rpc/rpc_grpc.h"
#include "rpc/rpc_status.h"

#include <grpc/support/time.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define METADATA_LEN_MAX 16
#define SPARE_LEN_MAX 256

struct channel {
    struct pt_rpc_channel base;
    struct pt_sys *sys;
    struct pt_rpc_queue *queue;
    grpc_channel *grpc;
    struct pt_list unaries, streams; /* under way */
    struct pt_list spare;            /* unary calls for reuse */
    size_t spare_len;
};

/* What a call learns at its end. */
struct outcome {
    grpc_metadata_array headers, trailers;
    grpc_status_code status;
    grpc_slice text;
};

struct unary {
    struct pt_rpc_unary base;
    struct pt_list node; /* of channel.unaries or .spare */
    struct channel *channel;
    grpc_call *grpc; /* NULL when it could not even start */
    struct pt_rpc_tag done;
    struct outcome outcome;
    grpc_byte_buffer *reply;
    bool cancelled;
    pt_rpc_reply_fn fn; /* NULL: an orphan */
    void *arg;
};

struct stream {
    struct pt_rpc_stream base;
    struct pt_list node; /* of channel.streams */
    struct channel *channel;
    grpc_call *grpc;
    struct pt_rpc_tag recv, sent, over;
    struct pt_rpc_later flush;
    struct outcome outcome;
    grpc_byte_buffer *incoming;
    struct pt_rpc_outbox outbox;
    grpc_byte_buffer *outgoing;
    bool recv_busy, sent_busy, over_busy;
    bool half_close_wanted, half_close_sent;
    bool cancelled;
    bool ended; /* on_end is through or running */
    struct pt_rpc_stream_ops ops;
    void *arg;
};

static const struct pt_rpc_backend backend;

static void on_unary_done(struct pt_rpc_tag *tag, bool ok);
static void on_recv(struct pt_rpc_tag *tag, bool ok);
static void on_sent(struct pt_rpc_tag *tag, bool ok);
static void on_over(struct pt_rpc_tag *tag, bool ok);
static void on_flush(struct pt_rpc_later *later);

static const struct pt_error cancelled_error = {.code = PT_CANCELLED, .text = "the call was cancelled"};

/* ---- channel -------------------------------------------------------------------------------------------------- */

static grpc_arg int_arg(const char *key, int value)
{
    return (grpc_arg){.type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)key, .value.integer = value};
}

/* An address is dialled as it is; only a name goes through the resolver. */
static void format_target(const char *address, char *text, size_t size)
{
    struct pt_endpoint endpoint;
    if (pt_endpoint_parse(address, &endpoint, NULL) == PT_OK) {
        (void)snprintf(text, size, "%s:%s", pt_ip_is_v4(&endpoint.ip) ? "ipv4" : "ipv6", address);
    } else {
        (void)snprintf(text, size, "dns:///%s", address);
    }
}

static grpc_channel *new_grpc_channel(const struct pt_rpc_channel_options *options)
{
    grpc_arg args[] = {
        {.type = GRPC_ARG_STRING,
         .key = (char *)(uintptr_t)GRPC_SSL_TARGET_NAME_OVERRIDE_ARG,
         .value.string = (char *)(uintptr_t)PT_RPC_SERVER_NAME},
        int_arg(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, (int)options->message_size_max),
        int_arg(GRPC_ARG_MAX_METADATA_SIZE, PT_RPC_METADATA_SIZE_MAX),
        int_arg(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100),
        int_arg(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 3000), /* also the limit for one attempt to connect */
        int_arg(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000),
        /* A link that was cut silently shows in 8 s. */
        int_arg(GRPC_ARG_KEEPALIVE_TIME_MS, 5000),
        int_arg(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 3000),
        int_arg(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0), /* no limit: an idle stream is watched too */
        int_arg(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1),    /* a connection of its own, with its own credentials */
        int_arg(GRPC_ARG_ENABLE_HTTP_PROXY, 0),            /* the environment must not lead node traffic elsewhere */
        int_arg(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1),
        int_arg(GRPC_ARG_ENABLE_RETRIES, 0), /* whoever calls knows what may be repeated */
        int_arg(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1U << GRPC_COMPRESS_NONE),
        /* Nothing is compressed: no filter need look at each message. What says that it is, is refused all the same. */
        int_arg(GRPC_ARG_ENABLE_PER_MESSAGE_COMPRESSION, 0),
        int_arg(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0),
        int_arg(GRPC_ARG_ENABLE_CHANNELZ, 0),
    };
    grpc_channel_args all = {.num_args = sizeof(args) / sizeof(args[0]), .args = args};
    char target[300];
    format_target(options->address, target, sizeof(target));
    grpc_channel_credentials *credentials = pt_rpc_client_credentials(&options->credentials);
    grpc_channel *channel = grpc_channel_create(target, credentials, &all);
    grpc_channel_credentials_release(credentials);
    return channel;
}

enum pt_code pt_rpc_grpc_channel_new(struct pt_sys *sys, const struct pt_rpc_channel_options *options,
                                     struct pt_rpc_channel **ret_channel, struct pt_error *reterr)
{
    if (options->credentials.cert_pem != NULL) {
        PT_TRY(pt_rpc_credentials_check(sys, &options->credentials, NULL, reterr));
    }
    pt_rpc_library_open();
    struct channel *channel = calloc(1, sizeof(*channel));
    pt_assert(channel != NULL);
    channel->base.backend = &backend;
    channel->sys = sys;
    pt_list_init(&channel->unaries);
    pt_list_init(&channel->streams);
    pt_list_init(&channel->spare);
    struct pt_rpc_pump *pump = options->beside == NULL
                                   ? pt_rpc_pump_new(sys, true)
                                   : pt_rpc_pump_ref(pt_rpc_queue_pump(pt_rpc_grpc_server_queue(options->beside)));
    channel->queue = pt_rpc_queue_new(sys, pump);
    channel->grpc = new_grpc_channel(options);
    *ret_channel = &channel->base;
    return PT_OK;
}

static void free_channel(void *arg)
{
    struct channel *channel = arg;
    struct pt_list *node;
    while ((node = pt_list_pop_front(&channel->spare)) != NULL) {
        free(PT_CONTAINER(node, struct unary, node));
    }
    free(channel);
    pt_rpc_library_close();
}

static void channel_free(struct pt_rpc_channel *base)
{
    struct channel *channel = (struct channel *)base;
    pt_assert(pt_sys_on_loop(channel->sys));
    struct pt_list *node;
    while ((node = pt_list_pop_front(&channel->unaries)) != NULL) {
        struct unary *unary = PT_CONTAINER(node, struct unary, node);
        pt_rpc_reply_fn fn = unary->fn;
        unary->fn = NULL;
        if (unary->grpc != NULL) {
            (void)grpc_call_cancel(unary->grpc, NULL); /* fails only for a call that is over */
        }
        fn(unary->arg, &cancelled_error, (struct pt_bytes){0});
    }
    while ((node = pt_list_pop_front(&channel->streams)) != NULL) {
        struct stream *stream = PT_CONTAINER(node, struct stream, node);
        (void)grpc_call_cancel(stream->grpc, NULL);
        if (!stream->ended) {
            stream->ended = true;
            stream->ops.on_end(stream->arg, &cancelled_error);
        }
    }
    grpc_channel_destroy(channel->grpc);
    channel->grpc = NULL;
    pt_rpc_queue_free(channel->queue, free_channel, channel);
}

/* ---- what both kinds of calls need ---------------------------------------------------------------------------- */

static void outcome_init(struct outcome *outcome)
{
    grpc_metadata_array_init(&outcome->headers);
    grpc_metadata_array_init(&outcome->trailers);
    outcome->status = GRPC_STATUS_UNKNOWN;
    outcome->text = grpc_empty_slice();
}

static void outcome_fini(struct outcome *outcome)
{
    grpc_metadata_array_destroy(&outcome->headers);
    grpc_metadata_array_destroy(&outcome->trailers);
    grpc_slice_unref(outcome->text);
}

static void outcome_error(const struct outcome *outcome, struct pt_error *ret_error)
{
    char text[PT_ERROR_TEXT_SIZE];
    size_t size = GRPC_SLICE_LENGTH(outcome->text);
    (void)snprintf(text, sizeof(text), "%.*s", (int)(size < sizeof(text) ? size : sizeof(text)),
                   (const char *)GRPC_SLICE_START_PTR(outcome->text));
    struct pt_bytes details = {0};
    for (size_t i = 0; i < outcome->trailers.count; i++) {
        const grpc_metadata *entry = &outcome->trailers.metadata[i];
        if (grpc_slice_str_cmp(entry->key, PT_RPC_STATUS_KEY) == 0) {
            details =
                (struct pt_bytes){.data = GRPC_SLICE_START_PTR(entry->value), .size = GRPC_SLICE_LENGTH(entry->value)};
        }
    }
    pt_rpc_status_decode((int)outcome->status, text, details, ret_error);
}

static void put_metadata(const struct pt_rpc_metadata *metadata, size_t len, grpc_metadata *ret_metadata)
{
    pt_assert(len <= METADATA_LEN_MAX);
    for (size_t i = 0; i < len; i++) {
        ret_metadata[i] = (grpc_metadata){.key = grpc_slice_from_copied_string(metadata[i].key),
                                          .value = grpc_slice_from_copied_string(metadata[i].value)};
    }
}

static void drop_metadata(grpc_metadata *metadata, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        grpc_slice_unref(metadata[i].key);
        grpc_slice_unref(metadata[i].value);
    }
}

static grpc_call *new_grpc_call(struct channel *channel, const char *method, gpr_timespec deadline)
{
    grpc_slice name = grpc_slice_from_copied_string(method);
    grpc_call *call = grpc_channel_create_call(channel->grpc, NULL, GRPC_PROPAGATE_DEFAULTS,
                                               pt_rpc_queue_cq(channel->queue), name, NULL, deadline, NULL);
    grpc_slice_unref(name);
    return call;
}

static grpc_op op_status(struct outcome *outcome)
{
    grpc_op op = {.op = GRPC_OP_RECV_STATUS_ON_CLIENT};
    op.data.recv_status_on_client.trailing_metadata = &outcome->trailers;
    op.data.recv_status_on_client.status = &outcome->status;
    op.data.recv_status_on_client.status_details = &outcome->text;
    return op;
}

static grpc_op op_headers(struct outcome *outcome)
{
    return (grpc_op){.op = GRPC_OP_RECV_INITIAL_METADATA,
                     .data.recv_initial_metadata.recv_initial_metadata = &outcome->headers};
}

/* ---- unary calls ---------------------------------------------------------------------------------------------- */

static struct unary *new_unary(struct channel *channel)
{
    struct pt_list *node = pt_list_pop_front(&channel->spare);
    struct unary *unary;
    if (node != NULL) {
        channel->spare_len--;
        unary = PT_CONTAINER(node, struct unary, node);
        memset(unary, 0, sizeof(*unary));
    } else {
        unary = calloc(1, sizeof(*unary));
        pt_assert(unary != NULL);
    }
    unary->base.backend = &backend;
    unary->channel = channel;
    unary->done.fn = on_unary_done;
    outcome_init(&unary->outcome);
    pt_list_push_back(&channel->unaries, &unary->node);
    return unary;
}

static struct pt_rpc_unary *unary_start(struct pt_rpc_channel *base, const char *method, struct pt_bytes request,
                                        const struct pt_rpc_metadata *metadata, size_t metadata_len,
                                        uint64_t deadline_ms, pt_rpc_reply_fn fn, void *arg)
{
    struct channel *channel = (struct channel *)base;
    pt_assert(pt_sys_on_loop(channel->sys) && channel->grpc != NULL);
    struct unary *unary = new_unary(channel);
    unary->fn = fn;
    unary->arg = arg;
    int64_t delay_ms = deadline_ms < INT32_MAX ? (int64_t)deadline_ms : INT32_MAX;
    gpr_timespec deadline = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(delay_ms, GPR_TIMESPAN));
    unary->grpc = new_grpc_call(channel, method, deadline);

    grpc_metadata headers[METADATA_LEN_MAX];
    put_metadata(metadata, metadata_len, headers);
    grpc_byte_buffer *message = pt_rpc_buffer_new(request);
    grpc_op ops[6] = {{.op = GRPC_OP_SEND_INITIAL_METADATA},
                      {.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = message},
                      {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
                      op_headers(&unary->outcome),
                      {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &unary->reply},
                      op_status(&unary->outcome)};
    ops[0].data.send_initial_metadata.count = metadata_len;
    ops[0].data.send_initial_metadata.metadata = headers;
    pt_rpc_queue_enter(channel->queue);
    grpc_call_error error =
        grpc_call_start_batch(unary->grpc, ops, 6, pt_rpc_queue_arm(channel->queue, &unary->done), NULL);
    pt_rpc_queue_leave(channel->queue);
    if (error != GRPC_CALL_OK) { /* metadata that HTTP/2 cannot carry */
        grpc_call_unref(unary->grpc);
        unary->grpc = NULL;
        unary->outcome.status = GRPC_STATUS_INVALID_ARGUMENT;
        unary->outcome.text = grpc_slice_from_static_string("the metadata holds bytes that a header cannot carry");
        pt_rpc_queue_complete(channel->queue, &unary->done, true);
    }
    grpc_byte_buffer_destroy(message);
    drop_metadata(headers, metadata_len);
    return &unary->base;
}

static void report_unary(struct unary *unary)
{
    struct pt_error error;
    struct pt_rpc_view view = {0};
    if (unary->cancelled) {
        unary->fn(unary->arg, &cancelled_error, view.bytes);
    } else if (unary->outcome.status != GRPC_STATUS_OK) {
        outcome_error(&unary->outcome, &error);
        unary->fn(unary->arg, &error, view.bytes);
    } else if (unary->reply == NULL) {
        (void)pt_fail(&error, PT_INTERNAL, PT_REASON_MESSAGE_MALFORMED, NULL, "the server answered OK without a reply");
        unary->fn(unary->arg, &error, view.bytes);
    } else {
        pt_rpc_view_init(&view, unary->reply);
        unary->fn(unary->arg, NULL, view.bytes);
        pt_rpc_view_fini(&view);
    }
}

static void on_unary_done(struct pt_rpc_tag *tag, bool ok)
{
    (void)ok; /* a batch with a status always succeeds */
    struct unary *unary = PT_CONTAINER(tag, struct unary, done);
    struct channel *channel = unary->channel;
    pt_list_remove(&unary->node); /* before fn: it may free the channel */
    if (unary->fn != NULL) {
        report_unary(unary);
    }
    if (unary->reply != NULL) {
        grpc_byte_buffer_destroy(unary->reply);
    }
    outcome_fini(&unary->outcome);
    if (unary->grpc != NULL) {
        grpc_call_unref(unary->grpc);
    }
    if (channel->spare_len < SPARE_LEN_MAX) {
        pt_list_push_front(&channel->spare, &unary->node);
        channel->spare_len++;
    } else {
        free(unary);
    }
}

static void unary_cancel(struct pt_rpc_unary *base)
{
    struct unary *unary = (struct unary *)base;
    pt_assert(pt_sys_on_loop(unary->channel->sys));
    unary->cancelled = true;
    if (unary->grpc != NULL) {
        (void)grpc_call_cancel(unary->grpc, NULL); /* fails only for a call that is over */
    }
}

/* ---- streams -------------------------------------------------------------------------------------------------- */

static bool stream_batch(struct stream *stream, const grpc_op *ops, size_t len, struct pt_rpc_tag *tag, bool *busy)
{
    pt_rpc_queue_enter(stream->channel->queue);
    void *armed = pt_rpc_queue_arm(stream->channel->queue, tag);
    *busy = grpc_call_start_batch(stream->grpc, ops, len, armed, NULL) == GRPC_CALL_OK;
    pt_rpc_queue_leave(stream->channel->queue);
    if (!*busy) {
        pt_rpc_queue_disarm(tag);
    }
    return *busy;
}

static void start_recv(struct stream *stream, bool first)
{
    grpc_op ops[2] = {{.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &stream->incoming},
                      op_headers(&stream->outcome)};
    pt_assert(stream_batch(stream, ops, first ? 2 : 1, &stream->recv, &stream->recv_busy));
}

static struct pt_rpc_stream *stream_open(struct pt_rpc_channel *base, const char *method,
                                         const struct pt_rpc_metadata *metadata, size_t metadata_len,
                                         const struct pt_rpc_stream_ops *ops, void *arg)
{
    struct channel *channel = (struct channel *)base;
    pt_assert(pt_sys_on_loop(channel->sys) && channel->grpc != NULL);
    struct stream *stream = calloc(1, sizeof(*stream));
    pt_assert(stream != NULL);
    stream->base.backend = &backend;
    stream->channel = channel;
    stream->ops = *ops;
    stream->arg = arg;
    stream->recv.fn = on_recv;
    stream->sent.fn = on_sent;
    stream->over.fn = on_over;
    stream->flush.fn = on_flush;
    pt_list_init(&stream->flush.node);
    pt_list_push_back(&channel->streams, &stream->node);
    outcome_init(&stream->outcome);
    stream->grpc = new_grpc_call(channel, method, gpr_inf_future(GPR_CLOCK_MONOTONIC));

    grpc_op status = op_status(&stream->outcome);
    pt_assert(stream_batch(stream, &status, 1, &stream->over, &stream->over_busy));
    grpc_metadata headers[METADATA_LEN_MAX];
    put_metadata(metadata, metadata_len, headers);
    grpc_op open = {.op = GRPC_OP_SEND_INITIAL_METADATA,
                    .data.send_initial_metadata = {.count = metadata_len, .metadata = headers}};
    if (stream_batch(stream, &open, 1, &stream->sent, &stream->sent_busy)) {
        start_recv(stream, true);
    } else { /* metadata that HTTP/2 cannot carry */
        (void)grpc_call_cancel_with_status(stream->grpc, GRPC_STATUS_INVALID_ARGUMENT,
                                           "the metadata holds bytes that a header cannot carry", NULL);
    }
    drop_metadata(headers, metadata_len);
    return &stream->base;
}

static void free_stream_if_over(struct stream *stream)
{
    if (stream->recv_busy || stream->over_busy) {
        return;
    }
    if (!stream->ended) {
        stream->ended = true;
        pt_list_remove(&stream->node); /* before on_end: it may free the channel */
        struct pt_error error;
        if (stream->cancelled) {
            error = cancelled_error;
        } else if (stream->outcome.status != GRPC_STATUS_OK) {
            outcome_error(&stream->outcome, &error);
        }
        bool failed = stream->cancelled || stream->outcome.status != GRPC_STATUS_OK;
        stream->ops.on_end(stream->arg, failed ? &error : NULL);
    }
    if (stream->sent_busy) {
        return;
    }
    pt_list_remove(&stream->flush.node);
    pt_rpc_outbox_fini(&stream->outbox);
    outcome_fini(&stream->outcome);
    grpc_call_unref(stream->grpc);
    free(stream);
}

static void on_over(struct pt_rpc_tag *tag, bool ok)
{
    (void)ok; /* RECV_STATUS always succeeds */
    struct stream *stream = PT_CONTAINER(tag, struct stream, over);
    stream->over_busy = false;
    free_stream_if_over(stream);
}

static void on_recv(struct pt_rpc_tag *tag, bool ok)
{
    (void)ok; /* without a message it is the end either way; the status says why */
    struct stream *stream = PT_CONTAINER(tag, struct stream, recv);
    stream->recv_busy = false;
    if (stream->incoming == NULL) {
        free_stream_if_over(stream);
        return;
    }
    grpc_byte_buffer *buffer = stream->incoming;
    stream->incoming = NULL;
    struct pt_rpc_view view;
    pt_rpc_view_init(&view, buffer);
    if (!stream->ended && !stream->cancelled) {
        stream->ops.on_message(stream->arg, view.bytes);
    }
    pt_rpc_view_fini(&view);
    grpc_byte_buffer_destroy(buffer);
    start_recv(stream, false);
}

static void flush(struct stream *stream)
{
    if (stream->sent_busy || stream->half_close_sent || !stream->over_busy) {
        return;
    }
    grpc_op ops[2] = {0};
    size_t len = 0;
    stream->outgoing = pt_rpc_outbox_pop(&stream->outbox);
    if (stream->outgoing != NULL) {
        ops[len].op = GRPC_OP_SEND_MESSAGE;
        ops[len].flags = stream->outbox.len > 0 ? GRPC_WRITE_BUFFER_HINT : 0; /* more follows at once */
        ops[len++].data.send_message.send_message = stream->outgoing;
    }
    if (stream->half_close_wanted && stream->outbox.len == 0) {
        ops[len++].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
        stream->half_close_sent = true;
    }
    if (len > 0) {
        pt_assert(stream_batch(stream, ops, len, &stream->sent, &stream->sent_busy));
    }
}

static void on_flush(struct pt_rpc_later *later)
{
    flush(PT_CONTAINER(later, struct stream, flush));
}

static void on_sent(struct pt_rpc_tag *tag, bool ok)
{
    struct stream *stream = PT_CONTAINER(tag, struct stream, sent);
    if (stream->outgoing != NULL) {
        grpc_byte_buffer_destroy(stream->outgoing);
        stream->outgoing = NULL;
    }
    stream->sent_busy = false;
    if (!ok || stream->ended) { /* the stream is breaking; `over` says why */
        pt_rpc_outbox_fini(&stream->outbox);
    } else {
        flush(stream);
        if (!stream->cancelled && pt_rpc_outbox_drained(&stream->outbox) && stream->ops.on_writable != NULL) {
            stream->ops.on_writable(stream->arg);
        }
    }
    free_stream_if_over(stream);
}

static bool stream_send(struct pt_rpc_stream *base, struct pt_bytes message)
{
    struct stream *stream = (struct stream *)base;
    pt_assert(pt_sys_on_loop(stream->channel->sys));
    if (stream->ended || stream->cancelled || stream->half_close_wanted) {
        return true; /* ignored: there is nothing to wait for */
    }
    bool room = pt_rpc_outbox_push(&stream->outbox, message);
    pt_rpc_queue_later(stream->channel->queue, &stream->flush);
    return room;
}

static void stream_half_close(struct pt_rpc_stream *base)
{
    struct stream *stream = (struct stream *)base;
    if (!stream->ended) {
        stream->half_close_wanted = true;
        pt_rpc_queue_later(stream->channel->queue, &stream->flush);
    }
}

static void stream_cancel(struct pt_rpc_stream *base)
{
    struct stream *stream = (struct stream *)base;
    pt_assert(pt_sys_on_loop(stream->channel->sys));
    stream->cancelled = true;
    (void)grpc_call_cancel(stream->grpc, NULL); /* fails only for a call that is over */
}

static const struct pt_rpc_backend backend = {
    .channel_free = channel_free,
    .unary = unary_start,
    .unary_cancel = unary_cancel,
    .stream_open = stream_open,
    .stream_send = stream_send,
    .stream_half_close = stream_half_close,
    .stream_cancel = stream_cancel,
};
