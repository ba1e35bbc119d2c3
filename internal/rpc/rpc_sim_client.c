/*
 * The client's side of the simulated network.
 *
 * What TLS does at the start of a connection is done here when a channel first meets a server's credentials, and again
 * when these change: both leaves are verified against the other side's CA. The outcome is kept for the calls that
 * follow; a refusal is UNAVAILABLE after a round trip, as it is behind a real handshake.
 */
#include "base/assert.h"
#include "rpc/rpc_sim_wire.h"
#include "rpc/rpc_status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- channels ------------------------------------------------------------------------------------------------- */

enum pt_code pt_rpc_sim_channel_new(struct pt_sys *sys, const struct pt_rpc_channel_options *options,
                                    struct pt_rpc_channel **ret_channel, struct pt_error *reterr)
{
    if (options->credentials.cert_pem != NULL) {
        PT_TRY(pt_rpc_credentials_check(sys, &options->credentials, NULL, reterr));
    }
    struct pt_rpc_sim_channel *channel = calloc(1, sizeof(*channel));
    pt_assert(channel != NULL);
    channel->base.backend = &pt_rpc_sim_backend;
    channel->sys = sys;
    channel->fabric = options->fabric;
    channel->address_known = pt_endpoint_parse(options->address, &channel->address, NULL) == PT_OK;
    channel->message_size_max = options->message_size_max;
    channel->ca_pem = strdup(options->credentials.ca_pem);
    pt_assert(channel->ca_pem != NULL);
    if (options->credentials.cert_pem != NULL) {
        channel->cert_pem = strdup(options->credentials.cert_pem);
        pt_assert(channel->cert_pem != NULL);
    }
    pt_list_init(&channel->calls);
    pt_list_push_back(&channel->fabric->channels, &channel->node);
    *ret_channel = &channel->base;
    return PT_OK;
}

void pt_rpc_sim_channel_forget(struct pt_rpc_sim_channel *channel)
{
    pt_assert(pt_list_empty(&channel->calls));
    pt_list_remove(&channel->node);
    free(channel->cert_pem);
    free(channel->ca_pem);
    free(channel);
}

static const struct pt_error cancelled_error = {.code = PT_CANCELLED, .text = "the call was cancelled"};

static void channel_free(struct pt_rpc_channel *base)
{
    struct pt_rpc_sim_channel *channel = (struct pt_rpc_sim_channel *)base;
    while (!pt_list_empty(&channel->calls)) {
        struct pt_rpc_link *link = PT_CONTAINER(channel->calls.next, struct pt_rpc_link, channel_node);
        pt_rpc_link_hold(link);
        pt_rpc_side_send(&link->server, ITEM_CANCEL, (struct pt_bytes){0});
        pt_rpc_sim_client_over(link, &cancelled_error);
        pt_rpc_link_release(link);
    }
    pt_rpc_sim_channel_forget(channel);
}

static enum pt_code check_both(struct pt_rpc_sim_channel *channel, const struct pt_rpc_sim_server *server,
                               enum pt_rpc_door door)
{
    struct pt_leaf_info info;
    PT_TRY(pt_leaf_read(server->cert_pem, channel->ca_pem, pt_sys_wall_ns(channel->sys), false, &info, NULL));
    if (strcmp(info.identity.role, "controller") != 0) {
        return PT_UNAUTHENTICATED;
    }
    if (channel->cert_pem == NULL) {
        return door == PT_DOOR_AGENT ? PT_UNAUTHENTICATED : PT_OK;
    }
    PT_TRY(pt_leaf_read(channel->cert_pem, server->ca_pem, pt_sys_wall_ns(server->sys), false, &info, NULL));
    channel->identity = info.identity;
    return PT_OK;
}

/* Connect the link to its server; NULL, or why not. */
static const char *reach(struct pt_rpc_sim_channel *channel, struct pt_rpc_link *link)
{
    enum pt_rpc_door door = PT_DOOR_API;
    struct pt_rpc_sim_server *server =
        channel->address_known ? pt_rpc_sim_server_find(link->world, &channel->address, &door) : NULL;
    if (server == NULL) {
        return "failed to connect: nobody listens there";
    }
    if (channel->checked_version != server->version || channel->checked_door != door) {
        channel->checked_version = server->version;
        channel->checked_door = door;
        channel->checked_code = check_both(channel, server, door);
    }
    if (channel->checked_code != PT_OK) {
        return "failed to connect: the handshake failed";
    }
    link->at = server;
    pt_list_push_back(&server->calls, &link->server_node);
    server->calls_len++;
    link->server.host = server->fabric;
    link->server.sys = server->sys;
    link->server.alive = true;
    link->call.base.info.door = door;
    if (channel->cert_pem != NULL) {
        link->call.peer = channel->identity;
        link->call.base.info.peer = &link->call.peer;
    }
    return NULL;
}

static void open_link(struct pt_rpc_sim_channel *channel, struct pt_rpc_link *link)
{
    const char *why = reach(channel, link);
    if (why != NULL) {
        struct pt_error error;
        (void)pt_fail(&error, PT_UNAVAILABLE, PT_REASON_NONE, NULL, "%s", why);
        pt_rpc_side_send_status(&link->client, &error, 0);
    } else {
        pt_rpc_side_send(&link->server, ITEM_OPEN, (struct pt_bytes){0});
        pt_rpc_link_cut_changed(link);
    }
    pt_rpc_side_arm(&link->client);
}

/* ---- what comes back ------------------------------------------------------------------------------------------ */

void pt_rpc_sim_client_over(struct pt_rpc_link *link, const struct pt_error *error)
{
    pt_assert(link->client.alive);
    if (link->cancelled) {
        error = &cancelled_error;
    }
    struct pt_bytes message = {0};
    struct pt_error none;
    if (link->is_unary && error == NULL) {
        if (link->reply != NULL) {
            message = (struct pt_bytes){.data = link->reply->data, .size = link->reply->size};
        } else {
            (void)pt_fail(&none, PT_INTERNAL, PT_REASON_MESSAGE_MALFORMED, NULL,
                          "the server answered OK without a reply");
            error = &none;
        }
    }
    /* Before the callback, which may free the channel. */
    pt_rpc_side_end(&link->client);
    pt_list_remove(&link->channel_node);
    link->channel = NULL;
    if (link->is_unary) {
        link->fn(link->arg, error, message);
    } else {
        link->ops.on_end(link->arg, error);
    }
}

static void take_status(struct pt_rpc_link *link, const struct pt_rpc_item *item)
{
    if (item->size == 0) {
        pt_rpc_sim_client_over(link, NULL);
        return;
    }
    const char *text = (const char *)item->data + 1;
    size_t head_size = 1 + strlen(text) + 1;
    struct pt_error error;
    pt_rpc_status_decode(item->data[0], text,
                         (struct pt_bytes){.data = item->data + head_size, .size = item->size - head_size}, &error);
    pt_rpc_sim_client_over(link, &error);
}

static void take_message(struct pt_rpc_link *link, struct pt_rpc_item *item, bool *ret_taken)
{
    if (item->size > link->channel->message_size_max) {
        struct pt_error error;
        (void)pt_fail(&error, PT_EXHAUSTED, PT_REASON_NONE, NULL, "Received message larger than max (%zu vs. %zu)",
                      item->size, link->channel->message_size_max);
        pt_rpc_side_send(&link->server, ITEM_CANCEL, (struct pt_bytes){0});
        pt_rpc_sim_client_over(link, &error);
    } else if (!link->is_unary) {
        link->ops.on_message(link->arg, (struct pt_bytes){.data = item->data, .size = item->size});
    } else if (link->reply == NULL) {
        link->reply = item;
        *ret_taken = true;
    }
}

void pt_rpc_sim_client_item(struct pt_rpc_link *link, struct pt_rpc_item *item, bool *ret_taken)
{
    switch (item->kind) {
    case ITEM_MESSAGE:
        take_message(link, item, ret_taken);
        break;
    case ITEM_STATUS:
        take_status(link, item);
        break;
    case ITEM_CREDIT:
        if (!link->is_unary && !link->half_closed && link->ops.on_writable != NULL) {
            link->ops.on_writable(link->arg);
        }
        break;
    case ITEM_OPEN:
    case ITEM_HALF_CLOSE:
    case ITEM_CANCEL:
        pt_unreachable();
    }
}

/* ---- calls ---------------------------------------------------------------------------------------------------- */

static struct pt_rpc_unary *unary_start(struct pt_rpc_channel *base, const char *method, struct pt_bytes request,
                                        const struct pt_rpc_metadata *metadata, size_t metadata_len,
                                        uint64_t deadline_ms, pt_rpc_reply_fn fn, void *arg)
{
    struct pt_rpc_sim_channel *channel = (struct pt_rpc_sim_channel *)base;
    struct pt_rpc_link *link = pt_rpc_link_new(channel, method, metadata, metadata_len);
    link->is_unary = true;
    link->fn = fn;
    link->arg = arg;
    link->client.deadline_ns = pt_sys_now_ns(channel->sys) + deadline_ms * 1000000;
    open_link(channel, link);
    (void)pt_rpc_side_send_message(&link->client, request); /* one message is always taken */
    pt_rpc_side_send(&link->server, ITEM_HALF_CLOSE, (struct pt_bytes){0});
    return &link->unary;
}

static struct pt_rpc_stream *stream_open(struct pt_rpc_channel *base, const char *method,
                                         const struct pt_rpc_metadata *metadata, size_t metadata_len,
                                         const struct pt_rpc_stream_ops *ops, void *arg)
{
    struct pt_rpc_sim_channel *channel = (struct pt_rpc_sim_channel *)base;
    struct pt_rpc_link *link = pt_rpc_link_new(channel, method, metadata, metadata_len);
    link->ops = *ops;
    link->arg = arg;
    open_link(channel, link);
    return &link->stream;
}

/* The server learns of it; the client's callback comes in the next turn. */
static void cancel(struct pt_rpc_link *link)
{
    if (link->cancelled || !link->client.alive) {
        return;
    }
    link->cancelled = true;
    pt_rpc_side_send(&link->server, ITEM_CANCEL, (struct pt_bytes){0});
    link->client.ending = true;
    pt_rpc_side_arm(&link->client);
}

static void unary_cancel(struct pt_rpc_unary *base)
{
    cancel(PT_CONTAINER(base, struct pt_rpc_link, unary));
}

static void stream_cancel(struct pt_rpc_stream *base)
{
    cancel(PT_CONTAINER(base, struct pt_rpc_link, stream));
}

static bool stream_send(struct pt_rpc_stream *base, struct pt_bytes message)
{
    struct pt_rpc_link *link = PT_CONTAINER(base, struct pt_rpc_link, stream);
    if (link->cancelled || link->half_closed || !link->client.alive) {
        return true; /* ignored: there is nothing to wait for */
    }
    return pt_rpc_side_send_message(&link->client, message);
}

static void stream_half_close(struct pt_rpc_stream *base)
{
    struct pt_rpc_link *link = PT_CONTAINER(base, struct pt_rpc_link, stream);
    if (!link->half_closed && !link->cancelled && link->client.alive) {
        link->half_closed = true;
        pt_rpc_side_send(&link->server, ITEM_HALF_CLOSE, (struct pt_bytes){0});
    }
}

const struct pt_rpc_backend pt_rpc_sim_backend = {
    .server_port = pt_rpc_sim_server_port,
    .server_set_credentials = pt_rpc_sim_server_set_credentials,
    .server_close = pt_rpc_sim_server_close,
    .call_expect_one = pt_rpc_sim_call_expect_one,
    .call_metadata = pt_rpc_sim_call_metadata,
    .call_send = pt_rpc_sim_call_send,
    .call_finish = pt_rpc_sim_call_finish,
    .call_queued = pt_rpc_sim_call_queued,
    .channel_free = channel_free,
    .unary = unary_start,
    .unary_cancel = unary_cancel,
    .stream_open = stream_open,
    .stream_send = stream_send,
    .stream_half_close = stream_half_close,
    .stream_cancel = stream_cancel,
};
