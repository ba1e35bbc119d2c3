/*
 * libwebsockets on our loop, with our TLS.
 *
 *      accept -> connection -- hello, header --> exchange -- handler --> answer -> connection waits for the next
 *                    |                              |
 *                    `-- gone before the answer ----'  the exchange stays until it is answered, to nobody
 *
 * The library parses HTTP and drives sockets on the foreign libuv loop (its event plugin must be installed). It makes
 * an SSL_CTX and hands it over by LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS, the documented place for a
 * server that sets up its own certificate; crypto/tls_lend.c does the rest.
 *
 * Time. The library's own timeouts begin again with each piece that arrives, so that one byte a second would hold a
 * connection for ever. Ours are deadlines: every connection has one, for the header, then for the request, then for the
 * next request, and a tick of one second closes who is late.
 *
 * Closing takes turns of the loop, and the library says that it is done by clearing *pcontext; nothing calls us then,
 * so a timer looks. What is closed in one turn closes more in the next, and only turns count: on a busy machine the
 * timer may be due before the second one. To end it too early unloads the plugin that its handles call.
 */
#include "http/http_priv.h"

#include "base/assert.h"
#include "sys/sys_uv.h"

#include <libwebsockets.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS 1000
#define CLOSE_LOOK_MS 10
#define FDS_OF_ITS_OWN 16
#define NS_PER_MS 1000000ULL

static uint64_t in_ms(const struct pt_http_server *server, uint32_t ms)
{
    return pt_sys_now_ns(server->options.sys) + ms * NS_PER_MS;
}

/* ---- exchanges ------------------------------------------------------------------------------------------------- */

static void exchange_free(struct pt_http_exchange *exchange)
{
    pt_list_remove(&exchange->node);
    pt_buf_fini(&exchange->body);
    pt_buf_fini(&exchange->answer);
    pt_memory_clear(exchange->authorization, sizeof(exchange->authorization));
    free(exchange);
}

const struct pt_http_request *pt_http_request(const struct pt_http_exchange *exchange)
{
    return &exchange->request;
}

void pt_http_reply(struct pt_http_exchange *exchange, unsigned status, const char *type, struct pt_bytes body)
{
    pt_assert(!exchange->answered && status >= 200 && status < 600);
    exchange->answered = true;
    if (exchange->connection == NULL) {
        if (exchange->server != NULL) {
            exchange->server->counters.answers[0]++;
        }
        exchange_free(exchange);
        return;
    }
    exchange->server->counters.answers[status / 100]++;
    exchange->status = status;
    (void)snprintf(exchange->type, sizeof(exchange->type), "%s", type);
    pt_buf_append(&exchange->answer, body.data, body.size);
    lws_callback_on_writable(exchange->connection->wsi);
}

void pt_http_refuse(struct pt_http_exchange *exchange, unsigned status, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(text, sizeof(text) - 1, format, args);
    va_end(args);
    size_t len = (size_t)size < sizeof(text) - 1 ? (size_t)size : sizeof(text) - 2;
    text[len++] = '\n';
    pt_http_reply(exchange, status, "text/plain; charset=utf-8", (struct pt_bytes){(const uint8_t *)text, len});
}

/* ---- the answer's way out -------------------------------------------------------------------------------------- */

#define PIECE_SIZE 16384

static int write_head(struct pt_http_exchange *exchange, struct lws *wsi)
{
    uint8_t head[LWS_PRE + 1024];
    uint8_t *start = head + LWS_PRE;
    uint8_t *at = start;
    uint8_t *end = head + sizeof(head) - 1;
    static const char bearer[] = "Bearer realm=\"patronus\"";
    static const char later[] = "1";
    static const char nosniff[] = "nosniff";
    static const char no_store[] = "no-store";
    bool bad = lws_add_http_common_headers(wsi, exchange->status, exchange->type, exchange->answer.size, &at, end) != 0;
    bad = bad || lws_add_http_header_by_name(wsi, (const uint8_t *)"x-content-type-options:", (const uint8_t *)nosniff,
                                             sizeof(nosniff) - 1, &at, end) != 0;
    bad = bad || lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_CACHE_CONTROL, (const uint8_t *)no_store,
                                              sizeof(no_store) - 1, &at, end) != 0;
    if (exchange->status == 401) {
        bad = bad || lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_WWW_AUTHENTICATE, (const uint8_t *)bearer,
                                                  sizeof(bearer) - 1, &at, end) != 0;
    } else if (exchange->status == 429 || exchange->status == 503) {
        bad = bad || lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_RETRY_AFTER, (const uint8_t *)later,
                                                  sizeof(later) - 1, &at, end) != 0;
    }
    return bad || lws_finalize_write_http_header(wsi, start, &at, end) != 0 ? -1 : 0;
}

/* One piece a call; less than 0 closes the connection. */
static int write_piece(struct connection *connection)
{
    struct pt_http_exchange *exchange = connection->exchange;
    struct lws *wsi = connection->wsi;
    if (exchange == NULL || !exchange->answered) {
        return 0;
    }
    if (!exchange->head_sent) {
        exchange->head_sent = true;
        if (write_head(exchange, wsi) != 0) {
            return -1;
        }
        lws_callback_on_writable(wsi);
        return 0;
    }
    size_t left = exchange->answer.size - exchange->sent;
    size_t size = left < PIECE_SIZE ? left : PIECE_SIZE;
    bool last = size == left;
    uint8_t piece[LWS_PRE + PIECE_SIZE];
    if (size > 0) {
        memcpy(piece + LWS_PRE, exchange->answer.data + exchange->sent, size);
    }
    int wrote = lws_write(wsi, piece + LWS_PRE, size, last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP);
    if (wrote < 0 || (size_t)wrote < size) {
        return -1;
    }
    exchange->sent += size;
    if (!last) {
        lws_callback_on_writable(wsi);
        return 0;
    }
    bool close = exchange->close;
    connection->exchange = NULL;
    connection->deadline_ns = in_ms(connection->server, connection->server->options.idle_ms_max);
    exchange_free(exchange);
    return close || lws_http_transaction_completed(wsi) != 0 ? -1 : 0;
}

/* ---- a request's way in ---------------------------------------------------------------------------------------- */

static enum pt_http_method method_of(struct lws *wsi)
{
    char *uri = NULL;
    int len = 0;
    switch (lws_http_get_uri_and_method(wsi, &uri, &len)) {
    case LWSHUMETH_GET:
        return PT_HTTP_GET;
    case LWSHUMETH_POST:
        return PT_HTTP_POST;
    case LWSHUMETH_PUT:
        return PT_HTTP_PUT;
    case LWSHUMETH_PATCH:
        return PT_HTTP_PATCH;
    case LWSHUMETH_DELETE:
        return PT_HTTP_DELETE;
    default:
        return PT_HTTP_OTHER;
    }
}

/* False when the header field is longer than size. */
static bool copy_header(struct lws *wsi, enum lws_token_indexes token, char *text, size_t size)
{
    int len = lws_hdr_total_length(wsi, token);
    text[0] = '\0';
    return len <= 0 || ((size_t)len < size && lws_hdr_copy(wsi, text, (int)size, token) >= 0);
}

static void dispatch(struct pt_http_exchange *exchange)
{
    exchange->request.body = pt_buf_bytes(&exchange->body);
    exchange->route->handle(exchange->server->options.arg, exchange);
}

/* Does the request say how long its body is? false: it must not have one so. */
static bool body_length(struct lws *wsi, size_t *ret_size)
{
    char text[24];
    char *end = NULL;
    *ret_size = 0;
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0 ||
        !copy_header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, text, sizeof(text))) {
        return false; /* two ways to tell the end of a body are how requests are smuggled: one is enough */
    }
    if (text[0] == '\0') {
        return true;
    }
    unsigned long long size = strtoull(text, &end, 10);
    *ret_size = (size_t)size;
    return text[0] >= '0' && text[0] <= '9' && *end == '\0';
}

static bool refuse_early(struct pt_http_exchange *exchange, struct lws *wsi, size_t *ret_body_size)
{
    bool method_missing = false;
    const char *path = exchange->request.path;
    exchange->route = pt_http_route_find(exchange->server->options.routes, exchange->server->options.routes_len,
                                         exchange->request.method, path, &method_missing);
    if (!body_length(wsi, ret_body_size)) {
        exchange->close = true;
        pt_http_refuse(exchange, 411, "say the size of the body by content-length, and by nothing else");
    } else if (!pt_http_path_good(path)) {
        exchange->close = *ret_body_size > 0;
        pt_http_refuse(exchange, 400, "the path must begin with '/' and have no '..' in it");
    } else if (exchange->route == NULL) {
        exchange->close = *ret_body_size > 0;
        pt_http_refuse(exchange, method_missing ? 405 : 404,
                       method_missing ? "this path has no such method" : "there is nothing at this path");
    } else if (*ret_body_size > exchange->route->body_size_max || *ret_body_size > PT_HTTP_BODY_SIZE_MAX) {
        exchange->close = true; /* its bytes are not read */
        pt_http_refuse(exchange, 413, "a body of %zu bytes is more than the %zu that this path takes", *ret_body_size,
                       exchange->route->body_size_max);
    } else {
        return false;
    }
    return true;
}

static int on_request(struct connection *connection, struct lws *wsi, const char *path)
{
    struct pt_http_server *server = connection->server;
    if (connection->exchange != NULL || server->closing) {
        return -1; /* a second request before the answer to the first */
    }
    struct pt_http_exchange *exchange = calloc(1, sizeof(*exchange));
    pt_assert(exchange != NULL);
    exchange->server = server;
    exchange->connection = connection;
    pt_list_push_back(&server->exchanges, &exchange->node);
    connection->exchange = exchange;
    connection->deadline_ns = in_ms(server, server->options.request_ms_max);
    struct pt_http_request *request = &exchange->request;
    (void)snprintf(exchange->path, sizeof(exchange->path), "%s", path);
    (void)snprintf(exchange->source, sizeof(exchange->source), "%s", connection->source);
    request->method = method_of(wsi);
    request->path = exchange->path;
    request->source = exchange->source;
    request->authorization = exchange->authorization;
    request->content_type = exchange->content_type;
    request->loopback = pt_http_is_loopback(exchange->source);
    request->peer = pt_tls_lent_peer(lws_get_ssl(wsi), &exchange->peer) ? &exchange->peer : NULL;
    if (!copy_header(wsi, WSI_TOKEN_HTTP_AUTHORIZATION, exchange->authorization, sizeof(exchange->authorization)) ||
        !copy_header(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE, exchange->content_type, sizeof(exchange->content_type))) {
        exchange->close = true;
        pt_http_refuse(exchange, 431, "a header field is too long");
        return 0;
    }
    size_t body_size = 0;
    if (refuse_early(exchange, wsi, &body_size)) {
        return 0;
    }
    exchange->body_size = body_size;
    if (body_size == 0) {
        dispatch(exchange);
    }
    return 0;
}

static int on_body(struct connection *connection, const void *data, size_t size)
{
    struct pt_http_exchange *exchange = connection->exchange;
    if (exchange == NULL || exchange->answered) {
        return 0; /* it is refused already; the connection ends behind the answer */
    }
    if (exchange->body.size + size > exchange->body_size) {
        return -1;
    }
    pt_buf_append(&exchange->body, data, size);
    return 0;
}

static void on_body_end(struct connection *connection)
{
    struct pt_http_exchange *exchange = connection->exchange;
    if (exchange != NULL && !exchange->answered && exchange->body_size > 0) {
        dispatch(exchange);
    }
}

/* ---- connections ----------------------------------------------------------------------------------------------- */

static void on_accepted(struct pt_http_server *server, struct lws *wsi)
{
    struct connection *connection = calloc(1, sizeof(*connection));
    pt_assert(connection != NULL);
    connection->server = server;
    connection->wsi = wsi;
    connection->deadline_ns = in_ms(server, server->options.open_ms_max);
    (void)lws_get_peer_simple(wsi, connection->source, sizeof(connection->source)); /* "" when it is gone already */
    pt_list_push_back(&server->connections, &connection->node);
    server->counters.connections++;
    server->counters.accepted++;
    lws_set_opaque_user_data(wsi, connection);
}

static void on_gone(struct connection *connection)
{
    struct pt_http_exchange *exchange = connection->exchange;
    if (exchange != NULL) {
        exchange->connection = NULL;
        if (exchange->answered || exchange->route == NULL || exchange->body.size < exchange->body_size) {
            exchange_free(exchange); /* its handler is through with it, or never saw it */
        }
    }
    connection->server->counters.connections--;
    pt_list_remove(&connection->node);
    free(connection);
}

static void on_tick(void *arg)
{
    struct pt_http_server *server = arg;
    uint64_t now = pt_sys_now_ns(server->options.sys);
    PT_LIST_FOREACH_SAFE (node, &server->connections) {
        struct connection *connection = PT_CONTAINER(node, struct connection, node);
        if (connection->deadline_ns <= now) {
            connection->deadline_ns = UINT64_MAX;
            server->counters.timed_out++;
            lws_set_timeout(connection->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
        }
    }
}

/* ---- what the library says --------------------------------------------------------------------------------------- */

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    struct pt_http_server *server = lws_context_user(lws_get_context(wsi));
    struct connection *connection = NULL;
    switch ((int)reason) {
    case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
        return pt_tls_lender_install(server->lender, user, NULL) == PT_OK ? 0 : 1;
    case LWS_CALLBACK_FILTER_NETWORK_CONNECTION:
        if (server->closing || server->counters.connections >= server->options.connections_max) {
            server->counters.turned_away++;
            return 1;
        }
        return 0;
    case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
        on_accepted(server, wsi);
        return 0;
    default:
        break;
    }
    connection = lws_get_opaque_user_data(wsi);
    if (connection == NULL) {
        return 0; /* of the listening socket */
    }
    switch ((int)reason) {
    case LWS_CALLBACK_HTTP:
        return on_request(connection, wsi, in);
    case LWS_CALLBACK_HTTP_BODY:
        return on_body(connection, in, len);
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        on_body_end(connection);
        return 0;
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return write_piece(connection);
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
    case LWS_CALLBACK_RAW_ADOPT:
    case LWS_CALLBACK_RAW_RX:
        return -1; /* WebSocket, HTTP/2 in the clear, something that is no HTTP: nothing here speaks it */
    case LWS_CALLBACK_WSI_DESTROY:
        lws_set_opaque_user_data(wsi, NULL);
        on_gone(connection);
        return 0;
    default:
        return 0;
    }
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

static const struct lws_protocols protocols[] = {{.name = "http", .callback = on_event}, {0}};

static void take_defaults(struct pt_http_options *options)
{
    options->connections_max = options->connections_max != 0 ? options->connections_max : PT_HTTP_CONNECTIONS_MAX;
    options->open_ms_max = options->open_ms_max != 0 ? options->open_ms_max : PT_HTTP_OPEN_MS_MAX;
    options->request_ms_max = options->request_ms_max != 0 ? options->request_ms_max : PT_HTTP_REQUEST_MS_MAX;
    options->idle_ms_max = options->idle_ms_max != 0 ? options->idle_ms_max : PT_HTTP_IDLE_MS_MAX;
}

static bool open_context(struct pt_http_server *server)
{
    const struct pt_endpoint *listen = &server->options.listen;
    char host[PT_IP_TEXT_SIZE];
    bool v6 = !pt_ip_is_v4(&listen->ip);
    bool any = strcmp(pt_ip_format(&listen->ip, host), "::") == 0 || strcmp(host, "0.0.0.0") == 0;
    void *loops[1] = {pt_sys_uv_loop(server->options.sys)};
    struct lws_context_creation_info info = {0};
    info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
                   LWS_SERVER_OPTION_UV_NO_SIGSEGV_SIGFPE_SPIN | LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS |
                   LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND | LWS_SERVER_OPTION_SKIP_SERVER_CANONICAL_NAME;
    info.foreign_loops = loops;
    info.pcontext = &server->context;
    info.user = server;
    info.fd_limit_per_thread = server->options.connections_max + FDS_OF_ITS_OWN; /* its tables are that long */
    info.max_http_header_data = PT_HTTP_HEADER_SIZE_MAX;
    info.max_http_header_pool = (unsigned short)server->options.connections_max;
    info.timeout_secs = server->options.open_ms_max / 1000 + 1;
    info.timeout_secs_ah_idle = server->options.open_ms_max / 1000 + 1;
    server->context = lws_create_context(&info);
    if (server->context == NULL) {
        return false;
    }
    info.options |= LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX | (v6 ? 0 : LWS_SERVER_OPTION_DISABLE_IPV6);
    info.port = listen->port;
    info.iface = any ? NULL : host;
    info.protocols = protocols;
    info.vhost_name = "patronus";
    info.server_string = "patronus";
    info.alpn = "http/1.1";
    info.keepalive_timeout = (int)(server->options.idle_ms_max / 1000 + 1);
    server->vhost = lws_create_vhost(server->context, &info);
    return server->vhost != NULL;
}

static void server_free(struct pt_http_server *server)
{
    PT_LIST_FOREACH_SAFE (node, &server->exchanges) { /* handlers still hold them: their answers go nowhere */
        struct pt_http_exchange *exchange = PT_CONTAINER(node, struct pt_http_exchange, node);
        exchange->server = NULL;
        pt_list_remove(&exchange->node);
        pt_list_init(&exchange->node);
    }
    pt_timer_free(server->tick);
    pt_tls_lender_free(server->lender);
    free(server);
}

static void look_closed(void *arg)
{
    struct pt_http_server *server = arg;
    bool closing = pt_sys_uv_closing(server->options.sys);
    if (server->context != NULL && !closing && server->looks++ > 0 && pt_list_empty(&server->connections)) {
        lws_context_destroy(server->context); /* the handles are closed: now what they stood on */
    }
    if (server->context != NULL || closing) {
        pt_timer_start(server->tick, CLOSE_LOOK_MS, 0);
        return;
    }
    pt_task_fn done = server->done;
    void *done_arg = server->done_arg;
    server_free(server);
    if (done != NULL) {
        done(done_arg);
    }
}

void pt_http_close(struct pt_http_server *server, pt_task_fn done, void *arg)
{
    pt_assert(!server->closing);
    server->closing = true;
    server->done = done;
    server->done_arg = arg;
    pt_timer_free(server->tick);
    server->tick = pt_timer_new(server->options.sys, look_closed, server);
    if (server->context != NULL) {
        lws_context_destroy(server->context);
    }
    pt_timer_start(server->tick, 0, 0);
}

static void refuse_stream(void *arg, struct pt_stream *stream, const struct pt_endpoint *peer)
{
    (void)arg; /* not taken, so it is closed */
    (void)stream;
    (void)peer;
}

/* The library says neither why it cannot listen, nor frees all that it made by then: ask first. */
static enum pt_code try_address(const struct pt_http_options *options, struct pt_error *reterr)
{
    struct pt_listener *listener = NULL;
    PT_TRY(pt_listen(options->sys, &options->listen, refuse_stream, NULL, &listener, reterr));
    pt_listener_close(listener);
    return PT_OK;
}

enum pt_code pt_http_open(const struct pt_http_options *options, struct pt_http_server **ret_server,
                          struct pt_error *reterr)
{
    PT_TRY(try_address(options, reterr));
    struct pt_http_server *server = calloc(1, sizeof(*server));
    pt_assert(server != NULL);
    server->options = *options;
    server->options.tls = NULL; /* borrowed for this call only */
    take_defaults(&server->options);
    pt_list_init(&server->connections);
    pt_list_init(&server->exchanges);
    server->lender = pt_tls_lender_new(options->tls);
    server->tick = pt_timer_new(options->sys, on_tick, server);
    lws_set_log_level(0, NULL); /* it would write to the standard error by itself */
    if (!open_context(server)) {
        char text[PT_ENDPOINT_TEXT_SIZE];
        enum pt_code code = pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "http_listen",
                                    "libwebsockets cannot listen at %s; is its event plugin for libuv installed "
                                    "(libwebsockets-evlib-uv)?",
                                    pt_endpoint_format(&options->listen, text));
        pt_http_close(server, NULL, NULL);
        return code;
    }
    pt_timer_start(server->tick, TICK_MS, TICK_MS);
    *ret_server = server;
    return PT_OK;
}

uint16_t pt_http_port(const struct pt_http_server *server)
{
    return (uint16_t)lws_get_vhost_listen_port(server->vhost);
}

void pt_http_set_tls(struct pt_http_server *server, const struct pt_tls_context *tls)
{
    pt_tls_lender_set(server->lender, tls);
}

struct pt_http_counters pt_http_counters(const struct pt_http_server *server)
{
    return server->counters;
}
