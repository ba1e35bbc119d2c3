/*
 * An HTTP server: HTTP/1.1 over TLS 1.3 on the node's loop. The one door to libwebsockets.
 *
 * What is served stands in a table of routes that the owner gives; this folder knows no metrics and no resources, so a
 * gateway, a dashboard or a WebSocket is a row more. An exchange is one request and its answer. A handler may answer
 * at once or later; each exchange is answered exactly once, whether or not its client is still there.
 *
 * Everything runs on the loop of a real pt_sys (sys_uv.h); the simulator has no HTTP.
 *
 * Limits, in the order in which a stranger meets them: connections, time for handshake and header, size of the header,
 * size of the body, time for the whole request. What is beyond is closed or answered by a 4xx; it never waits.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "crypto/tls.h"
#include "sys/sys.h"

#define PT_HTTP_CONNECTIONS_MAX 128      /* at a time; more are closed at once */
#define PT_HTTP_HEADER_SIZE_MAX 8192     /* bytes of request line and header fields */
#define PT_HTTP_BODY_SIZE_MAX (1U << 20) /* whatever a route says */
#define PT_HTTP_OPEN_MS_MAX 10000        /* from accept to a whole header */
#define PT_HTTP_REQUEST_MS_MAX 30000     /* from the header to the last byte of the answer */
#define PT_HTTP_IDLE_MS_MAX 60000        /* between two requests of a connection */
#define PT_HTTP_TOKEN_SIZE_MAX 4096      /* bytes of the authorization field */

enum pt_http_method { PT_HTTP_GET, PT_HTTP_POST, PT_HTTP_PUT, PT_HTTP_PATCH, PT_HTTP_DELETE, PT_HTTP_OTHER };

struct pt_http_exchange;

struct pt_http_request {
    enum pt_http_method method;
    const char *path;               /* decoded, without the query; begins with '/' and holds no ".." segment */
    const char *authorization;      /* header field, "" when absent */
    const char *content_type;       /* header field, "" when absent */
    const struct pt_identity *peer; /* of the client's certificate; NULL: it has none */
    const char *source;             /* address of the client, text */
    bool loopback;                  /* it is this machine */
    struct pt_bytes body;
};

/* A path that ends in '/' stands for everything below it too; the longest that fits wins. */
struct pt_http_route {
    enum pt_http_method method;
    const char *path;
    size_t body_size_max; /* 0: the request must have no body */
    void (*handle)(void *arg, struct pt_http_exchange *exchange);
};

struct pt_http_server;
struct pt_http_options {
    struct pt_sys *sys; /* a real one */
    struct pt_endpoint listen;
    const struct pt_tls_context *tls;   /* borrowed for the call */
    const struct pt_http_route *routes; /* borrowed until closed */
    size_t routes_len;
    void *arg;                /* of the handlers */
    uint32_t connections_max; /* 0: PT_HTTP_CONNECTIONS_MAX */
    uint32_t open_ms_max;     /* 0: PT_HTTP_OPEN_MS_MAX; looked at once a second */
    uint32_t request_ms_max;  /* 0: PT_HTTP_REQUEST_MS_MAX */
    uint32_t idle_ms_max;     /* 0: PT_HTTP_IDLE_MS_MAX */
};

/* PT_FAILED_PRECONDITION when the address cannot be had, naming it. */
PT_MUST enum pt_code pt_http_open(const struct pt_http_options *options, struct pt_http_server **ret_server,
                                  struct pt_error *reterr);
uint16_t pt_http_port(const struct pt_http_server *server);
/* A renewed certificate: for handshakes from now on. What stands is not dropped. */
void pt_http_set_tls(struct pt_http_server *server, const struct pt_tls_context *tls);
/* Close everything, then done (may be NULL), on the loop. Exchanges that are not answered yet must still be, before
 * or after; their answers go nowhere. */
void pt_http_close(struct pt_http_server *server, pt_task_fn done, void *arg);

/* Valid until the answer. */
const struct pt_http_request *pt_http_request(const struct pt_http_exchange *exchange);
/* Answer, and forget the exchange. Text and bytes are copied. type: "text/plain; charset=utf-8" and such. */
void pt_http_reply(struct pt_http_exchange *exchange, unsigned status, const char *type, struct pt_bytes body);
/* The same with a line of text. challenge: also say how to authenticate, or after how many seconds to come again. */
void pt_http_refuse(struct pt_http_exchange *exchange, unsigned status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

struct pt_http_counters {
    uint64_t connections; /* open now */
    uint64_t accepted;    /* ever */
    uint64_t turned_away; /* beyond connections_max */
    uint64_t timed_out;
    uint64_t answers[6]; /* by the first digit of the status; 0: ended without one */
};
struct pt_http_counters pt_http_counters(const struct pt_http_server *server);
