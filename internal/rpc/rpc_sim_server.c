/*
 * The server's side of the simulated network.
 *
 * A call reaches its server by address and port when it is made; whether the server is still there is asked again when
 * the headers arrive. A finish sends the status at once, behind the messages; on_end follows in the next turn, as it
 * does on the real one, where the status must leave first.
 */
#include "base/assert.h"
#include "rpc/rpc_sim_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct pt_rpc_link *link_of(const struct pt_rpc_call *base)
{
    return PT_CONTAINER((uintptr_t)base, struct pt_rpc_link, call.base);
}

/* ---- servers -------------------------------------------------------------------------------------------------- */

static struct pt_ip host_ip(const struct pt_rpc_fabric *fabric)
{
    return pt_ip_from_v4(0x0a000001 + fabric->host);
}

static bool is_any(const struct pt_ip *ip)
{
    static const struct pt_ip any = {{0}};
    return pt_ip_equal(ip, &any) || (pt_ip_is_v4(ip) && pt_ip_to_v4(ip) == 0);
}

struct pt_rpc_sim_server *pt_rpc_sim_server_find(struct pt_rpc_world *world, const struct pt_endpoint *address,
                                                 enum pt_rpc_door *ret_door)
{
    uint32_t index = pt_ip_is_v4(&address->ip) ? pt_ip_to_v4(&address->ip) - 0x0a000001 : UINT32_MAX;
    struct pt_rpc_fabric *fabric = index < PT_RPC_HOSTS_MAX ? world->hosts[index] : NULL;
    if (fabric == NULL) {
        return NULL;
    }
    PT_LIST_FOREACH (node, &fabric->servers) {
        struct pt_rpc_sim_server *server = PT_CONTAINER(node, struct pt_rpc_sim_server, node);
        for (size_t i = 0; i < server->listens_len && !server->closing; i++) {
            if (server->listens[i].address.port == address->port) {
                *ret_door = server->listens[i].door;
                return server;
            }
        }
    }
    return NULL;
}

static void set_credentials(struct pt_rpc_sim_server *server, const struct pt_rpc_credentials *credentials)
{
    free(server->cert_pem);
    free(server->ca_pem);
    server->cert_pem = strdup(credentials->cert_pem);
    server->ca_pem = strdup(credentials->ca_pem);
    pt_assert(server->cert_pem != NULL && server->ca_pem != NULL);
    server->version = ++server->fabric->world->version;
}

static enum pt_code take_port(struct pt_rpc_sim_server *server, struct pt_rpc_listen *listen, struct pt_error *reterr)
{
    struct pt_endpoint wanted = {.ip = host_ip(server->fabric), .port = listen->address.port};
    char text[PT_ENDPOINT_TEXT_SIZE];
    (void)pt_endpoint_format(&listen->address, text);
    if (!is_any(&listen->address.ip) && !pt_ip_equal(&listen->address.ip, &wanted.ip)) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_NONE, text,
                       "cannot listen on %s: it is not an address of this host", text);
    }
    enum pt_rpc_door door;
    if (wanted.port != 0 && pt_rpc_sim_server_find(server->fabric->world, &wanted, &door) != NULL) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_NONE, text,
                       "cannot listen on %s: the address is in use", text);
    }
    if (wanted.port == 0) {
        listen->address.port = ++server->fabric->world->port;
    }
    return PT_OK;
}

/* The end of a close: nothing is open any more, or the grace is over. */
static void on_close_timer(void *arg)
{
    struct pt_rpc_sim_server *server = arg;
    struct pt_error error;
    (void)pt_fail(&error, PT_UNAVAILABLE, PT_REASON_SHUTTING_DOWN, NULL, "the server is shutting down");
    while (!pt_list_empty(&server->calls)) {
        struct pt_rpc_link *link = PT_CONTAINER(server->calls.next, struct pt_rpc_link, server_node);
        pt_rpc_link_hold(link);
        if (!link->call.finished) {
            pt_rpc_side_send_status(&link->client, &error, 0);
        }
        pt_rpc_sim_server_over(link, !link->call.finished);
        pt_rpc_link_release(link);
    }
    pt_task_fn done = server->done;
    void *done_arg = server->done_arg;
    pt_rpc_sim_server_forget(server);
    if (done != NULL) {
        done(done_arg);
    }
}

enum pt_code pt_rpc_sim_server_new(struct pt_sys *sys, const struct pt_rpc_server_options *options,
                                   struct pt_rpc_server **ret_server, struct pt_error *reterr)
{
    struct pt_rpc_sim_server *server = calloc(1, sizeof(*server));
    pt_assert(server != NULL);
    server->base.backend = &pt_rpc_sim_backend;
    server->sys = sys;
    server->fabric = options->fabric;
    server->handler = options->handler;
    server->handler_arg = options->handler_arg;
    server->message_size_max = options->message_size_max;
    server->calls_max = options->calls_max;
    pt_list_init(&server->calls);
    pt_list_push_back(&server->fabric->servers, &server->node);
    server->timer = pt_timer_new(sys, on_close_timer, server);
    set_credentials(server, &options->credentials);
    server->listens = calloc(options->listens_len, sizeof(*server->listens));
    pt_assert(server->listens != NULL);
    for (size_t i = 0; i < options->listens_len; i++) {
        server->listens[i] = options->listens[i];
        enum pt_code code = take_port(server, &server->listens[i], reterr);
        if (code != PT_OK) {
            pt_rpc_sim_server_forget(server);
            return code;
        }
        server->listens_len++;
    }
    *ret_server = &server->base;
    return PT_OK;
}

void pt_rpc_sim_server_forget(struct pt_rpc_sim_server *server)
{
    pt_assert(pt_list_empty(&server->calls));
    pt_list_remove(&server->node);
    pt_timer_free(server->timer);
    free(server->listens);
    free(server->cert_pem);
    free(server->ca_pem);
    free(server);
}

uint16_t pt_rpc_sim_server_port(const struct pt_rpc_server *base, size_t index)
{
    const struct pt_rpc_sim_server *server = (const struct pt_rpc_sim_server *)base;
    pt_assert(index < server->listens_len);
    return server->listens[index].address.port;
}

enum pt_code pt_rpc_sim_server_set_credentials(struct pt_rpc_server *base, const struct pt_rpc_credentials *credentials,
                                               struct pt_error *reterr)
{
    struct pt_rpc_sim_server *server = (struct pt_rpc_sim_server *)base;
    PT_TRY(pt_rpc_credentials_check(server->sys, credentials, "controller", reterr));
    set_credentials(server, credentials);
    return PT_OK;
}

void pt_rpc_sim_server_close(struct pt_rpc_server *base, uint64_t grace_ms, pt_task_fn done, void *arg)
{
    struct pt_rpc_sim_server *server = (struct pt_rpc_sim_server *)base;
    pt_assert(!server->closing);
    server->closing = true;
    server->done = done;
    server->done_arg = arg;
    pt_timer_start(server->timer, pt_list_empty(&server->calls) ? 0 : grace_ms, 0);
}

/* ---- calls ---------------------------------------------------------------------------------------------------- */

void pt_rpc_sim_server_detach(struct pt_rpc_link *link)
{
    struct pt_rpc_sim_server *server = link->at;
    if (server == NULL) {
        return;
    }
    link->at = NULL;
    pt_list_remove(&link->server_node);
    server->calls_len--;
    if (server->closing && server->calls_len == 0) {
        pt_timer_start(server->timer, 0, 0);
    }
}

void pt_rpc_sim_server_over(struct pt_rpc_link *link, bool cancelled)
{
    struct pt_rpc_sim_server *server = link->at;
    pt_assert(server != NULL && link->server.alive);
    link->call.finished = true;
    link->server.ending = true;
    if (link->call.shown) {
        server->handler->on_end(server->handler_arg, &link->call.base, cancelled);
    }
    pt_rpc_side_end(&link->server);
    pt_rpc_sim_server_detach(link);
}

static void open_call(struct pt_rpc_link *link)
{
    struct pt_rpc_sim_server *server = link->at;
    struct pt_rpc_sim_call *call = &link->call;
    struct pt_endpoint from = {.ip = host_ip(link->client.host), .port = 1};
    uint64_t left_ns = UINT64_MAX;
    if (link->client.deadline_ns != UINT64_MAX) {
        uint64_t now_ns = pt_sys_now_ns(link->client.sys);
        left_ns = link->client.deadline_ns > now_ns ? link->client.deadline_ns - now_ns : 0;
        link->server.deadline_ns = pt_sys_now_ns(link->server.sys) + left_ns;
    }
    call->base.info.method = link->method;
    call->base.info.peer_address = pt_endpoint_format(&from, call->address);
    call->base.info.deadline_ns = link->server.deadline_ns;
    struct pt_error error;
    if (server->closing) {
        (void)pt_fail(&error, PT_UNAVAILABLE, PT_REASON_SHUTTING_DOWN, NULL, "the server is shutting down");
        pt_rpc_sim_call_finish(&call->base, &error);
    } else if (server->calls_len > server->calls_max) {
        (void)pt_fail(&error, PT_EXHAUSTED, PT_REASON_OVERLOADED, NULL,
                      "the server has %zu calls under way; try again later", server->calls_max);
        pt_rpc_sim_call_finish(&call->base, &error);
    } else {
        call->shown = true;
        server->handler->on_call(server->handler_arg, &call->base);
    }
}

static void take_message(struct pt_rpc_link *link, const struct pt_rpc_item *item)
{
    struct pt_rpc_sim_server *server = link->at;
    if (item->size > server->message_size_max) {
        struct pt_error error;
        (void)pt_fail(&error, PT_EXHAUSTED, PT_REASON_NONE, NULL, "Received message larger than max (%zu vs. %zu)",
                      item->size, server->message_size_max);
        pt_rpc_side_send_status(&link->client, &error, 0);
        pt_rpc_sim_server_over(link, true);
        return;
    }
    if (link->call.expect_one && link->call.received) {
        return;
    }
    link->call.received = true;
    server->handler->on_message(server->handler_arg, &link->call.base,
                                (struct pt_bytes){.data = item->data, .size = item->size});
}

static void take_half_close(struct pt_rpc_link *link)
{
    struct pt_rpc_sim_server *server = link->at;
    if (!link->call.expect_one) {
        if (server->handler->on_half_close != NULL) {
            server->handler->on_half_close(server->handler_arg, &link->call.base);
        }
    } else if (!link->call.received) {
        struct pt_error error;
        (void)pt_fail(&error, PT_INVALID_ARGUMENT, PT_REASON_MESSAGE_MALFORMED, NULL,
                      "the call carries no request message; this method takes one");
        pt_rpc_sim_call_finish(&link->call.base, &error);
    }
}

void pt_rpc_sim_server_item(struct pt_rpc_link *link, const struct pt_rpc_item *item)
{
    struct pt_rpc_sim_server *server = link->at;
    switch (item->kind) {
    case ITEM_OPEN:
        open_call(link);
        break;
    case ITEM_MESSAGE:
        take_message(link, item);
        break;
    case ITEM_HALF_CLOSE:
        take_half_close(link);
        break;
    case ITEM_CANCEL:
        pt_rpc_sim_server_over(link, true);
        break;
    case ITEM_CREDIT:
        if (server->handler->on_writable != NULL) {
            server->handler->on_writable(server->handler_arg, &link->call.base);
        }
        break;
    case ITEM_STATUS:
        pt_unreachable();
    }
}

void pt_rpc_sim_call_expect_one(struct pt_rpc_call *base)
{
    struct pt_rpc_link *link = link_of(base);
    pt_assert(!link->call.received);
    link->call.expect_one = true;
}

const char *pt_rpc_sim_call_metadata(const struct pt_rpc_call *base, const char *key)
{
    const struct pt_rpc_link *link = link_of(base);
    for (size_t i = 0; i < link->metadata_len; i++) {
        if (strcmp(link->metadata[i].key, key) == 0) {
            return link->metadata[i].value;
        }
    }
    return "";
}

bool pt_rpc_sim_call_send(struct pt_rpc_call *base, struct pt_bytes message)
{
    struct pt_rpc_link *link = link_of(base);
    return link->call.finished ? true : pt_rpc_side_send_message(&link->server, message);
}

void pt_rpc_sim_call_finish(struct pt_rpc_call *base, const struct pt_error *error)
{
    struct pt_rpc_link *link = link_of(base);
    if (link->call.finished) {
        return;
    }
    link->call.finished = true;
    pt_rpc_side_send_status(&link->client, error, 0);
    link->server.ending = true; /* on_end in the next turn */
    pt_rpc_side_arm(&link->server);
}

size_t pt_rpc_sim_call_queued(const struct pt_rpc_call *base)
{
    return link_of(base)->server.queued;
}
