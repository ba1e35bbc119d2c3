/*
 * The port itself: complete the options, choose the implementation, pass every call on to it.
 *
 * The choice is made once, where a server or a channel is made; its calls inherit it through their base
 * (rpc_backend.h).
 */
#include "rpc/rpc.h"
#include "base/assert.h"
#include "base/limits.h"
#include "rpc/rpc_backend.h"

#define FRAME_SIZE (64U << 10) /* what a message may have around a resource of the largest size */

enum pt_code pt_rpc_server_new(struct pt_sys *sys, const struct pt_rpc_server_options *options,
                               struct pt_rpc_server **ret_server, struct pt_error *reterr)
{
    pt_assert(pt_sys_on_loop(sys));
    pt_assert(options->listens_len > 0 && options->handler != NULL);
    pt_assert(options->handler->on_call != NULL && options->handler->on_message != NULL &&
              options->handler->on_end != NULL);
    struct pt_rpc_server_options complete = *options;
    if (complete.message_size_max == 0) {
        complete.message_size_max = PT_MESSAGE_SIZE_MAX + FRAME_SIZE;
    }
    if (complete.calls_max == 0) {
        complete.calls_max = PT_RPC_CALLS_MAX;
    }
    PT_TRY(pt_rpc_credentials_check(sys, &complete.credentials, "controller", reterr));
    return complete.fabric != NULL ? pt_rpc_sim_server_new(sys, &complete, ret_server, reterr)
                                   : pt_rpc_grpc_server_new(sys, &complete, ret_server, reterr);
}

uint16_t pt_rpc_server_port(const struct pt_rpc_server *server, size_t index)
{
    return server->backend->server_port(server, index);
}

enum pt_code pt_rpc_server_set_credentials(struct pt_rpc_server *server, const struct pt_rpc_credentials *credentials,
                                           struct pt_error *reterr)
{
    return server->backend->server_set_credentials(server, credentials, reterr);
}

void pt_rpc_server_close(struct pt_rpc_server *server, uint64_t grace_ms, pt_task_fn done, void *arg)
{
    server->backend->server_close(server, grace_ms, done, arg);
}

const struct pt_rpc_call_info *pt_rpc_call_info(const struct pt_rpc_call *call)
{
    return &call->info;
}

void pt_rpc_call_reply_one(struct pt_rpc_call *call)
{
    if (call->backend->call_reply_one != NULL) {
        call->backend->call_reply_one(call);
    }
}

void pt_rpc_call_pause(struct pt_rpc_call *call)
{
    if (call->backend->call_pause != NULL) {
        call->backend->call_pause(call, true);
    }
}

void pt_rpc_call_resume(struct pt_rpc_call *call)
{
    if (call->backend->call_pause != NULL) {
        call->backend->call_pause(call, false);
    }
}

void pt_rpc_call_expect_one(struct pt_rpc_call *call)
{
    call->backend->call_expect_one(call);
}

const char *pt_rpc_call_metadata(const struct pt_rpc_call *call, const char *key)
{
    return call->backend->call_metadata(call, key);
}

void pt_rpc_call_set_user(struct pt_rpc_call *call, void *user)
{
    call->user = user;
}

void *pt_rpc_call_user(const struct pt_rpc_call *call)
{
    return call->user;
}

bool pt_rpc_call_send(struct pt_rpc_call *call, struct pt_bytes message)
{
    return call->backend->call_send(call, message);
}

void pt_rpc_call_finish(struct pt_rpc_call *call, const struct pt_error *error)
{
    call->backend->call_finish(call, error);
}

size_t pt_rpc_call_queued(const struct pt_rpc_call *call)
{
    return call->backend->call_queued(call);
}

enum pt_code pt_rpc_channel_new(struct pt_sys *sys, const struct pt_rpc_channel_options *options,
                                struct pt_rpc_channel **ret_channel, struct pt_error *reterr)
{
    pt_assert(pt_sys_on_loop(sys));
    pt_assert(options->address != NULL && options->credentials.ca_pem != NULL);
    pt_assert((options->credentials.cert_pem == NULL) == (options->credentials.key_pem == NULL));
    struct pt_rpc_channel_options complete = *options;
    if (complete.message_size_max == 0) {
        complete.message_size_max = PT_MESSAGE_SIZE_MAX + FRAME_SIZE;
    }
    return complete.fabric != NULL ? pt_rpc_sim_channel_new(sys, &complete, ret_channel, reterr)
                                   : pt_rpc_grpc_channel_new(sys, &complete, ret_channel, reterr);
}

void pt_rpc_channel_free(struct pt_rpc_channel *channel)
{
    if (channel != NULL) {
        channel->backend->channel_free(channel);
    }
}

struct pt_rpc_unary *pt_rpc_unary(struct pt_rpc_channel *channel, const char *method, struct pt_bytes request,
                                  const struct pt_rpc_metadata *metadata, size_t metadata_len, uint64_t deadline_ms,
                                  pt_rpc_reply_fn fn, void *arg)
{
    pt_assert(fn != NULL && method[0] == '/');
    return channel->backend->unary(channel, method, request, metadata, metadata_len,
                                   deadline_ms != 0 ? deadline_ms : PT_RPC_DEADLINE_MS_DEFAULT, fn, arg);
}

void pt_rpc_unary_cancel(struct pt_rpc_unary *unary)
{
    unary->backend->unary_cancel(unary);
}

struct pt_rpc_stream *pt_rpc_stream_open(struct pt_rpc_channel *channel, const char *method,
                                         const struct pt_rpc_metadata *metadata, size_t metadata_len,
                                         const struct pt_rpc_stream_ops *ops, void *arg)
{
    pt_assert(method[0] == '/' && ops->on_message != NULL && ops->on_end != NULL);
    return channel->backend->stream_open(channel, method, metadata, metadata_len, ops, arg);
}

bool pt_rpc_stream_send(struct pt_rpc_stream *stream, struct pt_bytes message)
{
    return stream->backend->stream_send(stream, message);
}

void pt_rpc_stream_half_close(struct pt_rpc_stream *stream)
{
    stream->backend->stream_half_close(stream);
}

void pt_rpc_stream_cancel(struct pt_rpc_stream *stream)
{
    stream->backend->stream_cancel(stream);
}
