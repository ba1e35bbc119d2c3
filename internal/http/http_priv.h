/*
 * What the files of http/ share: server, connection, exchange. Private to the folder.
 */
#pragma once

#include "base/list.h"
#include "http/http.h"

#define PT_HTTP_PATH_SIZE_MAX 2048

struct lws;
struct lws_context;
struct lws_vhost;

struct pt_http_server {
    struct pt_http_options options; /* with every default taken; tls is NULL */
    struct lws_context *context;    /* the library clears it when it is through */
    struct lws_vhost *vhost;
    struct pt_tls_lender *lender;
    struct pt_list connections; /* connection.node */
    struct pt_list exchanges;   /* pt_http_exchange.node: not yet answered, or the answer is on its way */
    struct pt_timer *tick;      /* deadlines; while closing: is it done? */
    struct pt_http_counters counters;
    bool closing;
    unsigned looks; /* whether it is closed */
    pt_task_fn done;
    void *done_arg;
};

struct connection {
    struct pt_list node;
    struct pt_http_server *server;
    struct lws *wsi;
    struct pt_http_exchange *exchange; /* under way; NULL */
    uint64_t deadline_ns;              /* of what it is expected to do next */
    char source[64];
};

struct pt_http_exchange {
    struct pt_list node;
    struct pt_http_server *server;     /* NULL: it was closed meanwhile */
    struct connection *connection;     /* NULL: gone before the answer */
    const struct pt_http_route *route; /* NULL: refused before it came to one */
    struct pt_http_request request;
    struct pt_identity peer;
    char path[PT_HTTP_PATH_SIZE_MAX];
    char source[64];
    char authorization[PT_HTTP_TOKEN_SIZE_MAX];
    char content_type[128];
    struct pt_buf body;
    size_t body_size; /* as the header says */
    bool answered, head_sent;
    bool close; /* the connection ends behind the answer */
    unsigned status;
    char type[64];
    struct pt_buf answer;
    size_t sent; /* of the answer */
};

/* route.c: pure. */
/* NULL: none; *ret_method_missing: there is one of another method. */
const struct pt_http_route *pt_http_route_find(const struct pt_http_route *routes, size_t len,
                                               enum pt_http_method method, const char *path, bool *ret_method_missing);
/* Absolute, no ".." segment, no backslash, nothing below a space: what a handler may take apart. */
bool pt_http_path_good(const char *path);
/* 127.0.0.0/8, ::1, and the former in the latter's clothes. */
bool pt_http_is_loopback(const char *source);
