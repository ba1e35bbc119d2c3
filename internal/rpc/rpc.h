/*
 * The RPC message port, and gRPC behind it.
 *
 * Handlers and clients see messages, never gRPC: this header is the seam at which the simulator replaces gRPC's bytes.
 * A server or channel whose options name a `fabric` lives in a simulated world (rpc_sim.h); without one it speaks gRPC
 * over TLS (rpc_grpc*.c, the one door to libgrpc). Everything after construction is the same.
 *
 * Threads. Everything here runs on the loop. gRPC's own threads only move completions into a bounded list and wake the
 * loop.
 *
 * Names in certificates. A client does not look at the host name that it dialled. It asks for three things: the
 * server's chain ends at the CA, the leaf's SPIFFE role is "controller", and the leaf has the DNS SAN
 * PT_RPC_SERVER_NAME, which gRPC compares in place of the host name. Clients in other languages set that name as their
 * TLS server name, or dial an address that stands in the leaf's IP SANs.
 *
 * Compression is off: a message that arrives compressed is answered with UNIMPLEMENTED, so that a small frame cannot
 * unfold into a large one.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "crypto/identity.h"
#include "sys/sys.h"

#define PT_RPC_SERVER_NAME "controller.patronus" /* a DNS SAN that every controller's leaf carries */

#define PT_RPC_CALLS_MAX 20000              /* calls under way on one server; more get OVERLOADED */
#define PT_RPC_STREAMS_MAX 256              /* calls under way on one connection; more wait at the client */
#define PT_RPC_QUEUE_LEN_MAX 256            /* messages queued on one stream before "full" */
#define PT_RPC_QUEUE_SIZE_MAX (8U << 20)    /* bytes queued on one stream before "full" */
#define PT_RPC_METADATA_SIZE_MAX (16 << 10) /* bytes of headers or trailers of one call */
#define PT_RPC_DEADLINE_MS_DEFAULT 30000    /* of a unary call */

struct pt_rpc_fabric; /* a simulated host's place in the network: rpc_sim.h */

/* ---- server --------------------------------------------------------------------------------------------------- */

struct pt_rpc_call; /* one incoming call; owned by the server until it is finished */

/* Which door a call came in by. */
enum pt_rpc_door { PT_DOOR_API, PT_DOOR_AGENT };

struct pt_rpc_call_info {
    const char *method; /* "/patronus.v1.SiteService/CreateSite" */
    enum pt_rpc_door door;
    const struct pt_identity *peer; /* NULL when no client certificate was given (API door only) */
    const char *peer_address;       /* text, for logs */
    uint64_t deadline_ns;           /* on pt_sys_now_ns; UINT64_MAX for none */
};

struct pt_rpc_handler {
    /* A call arrived; its headers are read, its messages follow by on_message. Nothing in the transport says whether a
     * method takes one message or a stream: for one message, say so here with pt_rpc_call_expect_one. The call's user
     * data may be set with pt_rpc_call_set_user. */
    void (*on_call)(void *arg, struct pt_rpc_call *call);
    /* A message of the client. Borrowed. Streaming: the next one is read after the return. */
    void (*on_message)(void *arg, struct pt_rpc_call *call, struct pt_bytes message);
    /* The client half-closed (it sends no more). Not called after pt_rpc_call_expect_one. May be NULL. */
    void (*on_half_close)(void *arg, struct pt_rpc_call *call);
    /* The queue of a stream is half empty again after pt_rpc_call_send returned false. May be NULL. */
    void (*on_writable)(void *arg, struct pt_rpc_call *call);
    /* The call is over: its status was handed over, or (cancelled) the client gave up or is gone, the deadline passed
     * or the server closed. Last callback: free what hangs on it; the call is no longer valid after the return. */
    void (*on_end)(void *arg, struct pt_rpc_call *call, bool cancelled);
};

const struct pt_rpc_call_info *pt_rpc_call_info(const struct pt_rpc_call *call);
/* In on_call only: the method takes exactly one message. It comes by on_message, or, when the client half-closes
 * without one, the call ends by itself with INVALID_ARGUMENT. Cheaper than a stream of one. */
void pt_rpc_call_expect_one(struct pt_rpc_call *call);
/* In on_call only, besides: the method is answered soon, with one message or an error. Whether the client still waits
 * is then looked at when the answer goes out: on_end comes no sooner, but when the server closes. Cheaper again. */
void pt_rpc_call_reply_one(struct pt_rpc_call *call);
/* A metadata value that the client sent (the first of that key), "" when absent. Valid until on_end. */
const char *pt_rpc_call_metadata(const struct pt_rpc_call *call, const char *key);
void pt_rpc_call_set_user(struct pt_rpc_call *call, void *user);
void *pt_rpc_call_user(const struct pt_rpc_call *call);
/* A stream's reader that falls behind: after pause no message and no half-close comes until resume, and the client is
 * held up by flow control. One message that was on its way may still come, but not after a pause in on_call. Both in
 * any order and any number. */
void pt_rpc_call_pause(struct pt_rpc_call *call);
void pt_rpc_call_resume(struct pt_rpc_call *call);
/* Queue one message. Copies. False when the stream's queue (PT_RPC_QUEUE_LEN_MAX, PT_RPC_QUEUE_SIZE_MAX) is full now:
 * the message is taken all the same; stop until on_writable. Sending after finish is ignored. What is sent in one turn
 * of the loop leaves together at its end. */
bool pt_rpc_call_send(struct pt_rpc_call *call, struct pt_bytes message);
/* End the call: after the queued messages the status goes out. error NULL means OK. ErrorInfo and BadRequest details
 * are made from the error (grpc-status-details-bin). Calling it twice is ignored. */
void pt_rpc_call_finish(struct pt_rpc_call *call, const struct pt_error *error);
/* Messages queued and not yet handed to the transport. */
size_t pt_rpc_call_queued(const struct pt_rpc_call *call);

/* PEM texts; borrowed for the call of the function that takes them. A server needs all three. */
struct pt_rpc_credentials {
    const char *cert_pem, *key_pem, *ca_pem;
};

struct pt_rpc_listen {
    struct pt_endpoint address; /* port 0: any; ip :: or 0.0.0.0: every address */
    enum pt_rpc_door door;      /* AGENT: a client certificate is required; API: asked for, verified when given */
};

struct pt_rpc_server;
struct pt_rpc_server_options {
    const struct pt_rpc_listen *listens;
    size_t listens_len;
    struct pt_rpc_credentials credentials;
    const struct pt_rpc_handler *handler;
    void *handler_arg;
    size_t message_size_max; /* 0: PT_MESSAGE_SIZE_MAX + 64 KiB; a larger message ends its call, RESOURCE_EXHAUSTED */
    size_t calls_max;        /* 0: PT_RPC_CALLS_MAX */
    struct pt_rpc_fabric *fabric; /* NULL: gRPC */
    /* gRPC is polled by the loop, without a thread: fewer wake-ups for each call. For a process whose one server this
     * is, and whose channels stand beside it: what another's thread polls would be late here. */
    bool polled;
};
/* PT_FAILED_PRECONDITION when an address is in use, naming it; PT_UNAUTHENTICATED and such when the credentials are
 * no good. Handlers run from the next turn of the loop on. */
PT_MUST enum pt_code pt_rpc_server_new(struct pt_sys *sys, const struct pt_rpc_server_options *options,
                                       struct pt_rpc_server **ret_server, struct pt_error *reterr);
/* Port of the nth listen. */
uint16_t pt_rpc_server_port(const struct pt_rpc_server *server, size_t index);
/* New connections use these from now on; open ones go on. Refused as a whole when certificate, key and CA do not fit
 * together; the old ones then stay. */
PT_MUST enum pt_code pt_rpc_server_set_credentials(struct pt_rpc_server *server,
                                                   const struct pt_rpc_credentials *credentials,
                                                   struct pt_error *reterr);
/* Stop accepting, let calls finish for grace_ms, cancel the rest (on_end comes for each), then call done (may be NULL)
 * and free the server. Streams do not know: whoever has open ones finishes them meanwhile. */
void pt_rpc_server_close(struct pt_rpc_server *server, uint64_t grace_ms, pt_task_fn done, void *arg);

/* ---- client --------------------------------------------------------------------------------------------------- */

struct pt_rpc_channel; /* to one address; connects by itself, again and again */
struct pt_rpc_channel_options {
    const char *address;                   /* "10.0.0.1:7400", "[2001:db8::1]:7400" or "name.example:7400" */
    struct pt_rpc_credentials credentials; /* cert and key may be NULL: anonymous. ca_pem is needed */
    size_t message_size_max;               /* of replies; 0 as for the server */
    struct pt_rpc_fabric *fabric;          /* NULL: gRPC */
    struct pt_rpc_server *beside; /* a server of this process whose poller it uses; NULL: a thread of its own */
};
/* The server must present a leaf of role "controller" under the CA; its host name is not looked at. A node that joins
 * has the CA certificate from its token. Nothing is dialled before the first call. */
PT_MUST enum pt_code pt_rpc_channel_new(struct pt_sys *sys, const struct pt_rpc_channel_options *options,
                                        struct pt_rpc_channel **ret_channel, struct pt_error *reterr);
/* Calls under way end with PT_CANCELLED (their fn or on_end comes before the return). NULL is fine; so is a call from
 * one of the channel's own callbacks. */
void pt_rpc_channel_free(struct pt_rpc_channel *channel);

struct pt_rpc_metadata {
    const char *key, *value;
};

/* Called once. `error` is NULL on success, and holds the server's status (reason and field restored from the details)
 * otherwise; message is borrowed. */
typedef void (*pt_rpc_reply_fn)(void *arg, const struct pt_error *error, struct pt_bytes message);
struct pt_rpc_unary;
/* deadline_ms from now; 0 means PT_RPC_DEADLINE_MS_DEFAULT. Returns a handle for pt_rpc_unary_cancel, valid until fn is
 * called, which is never before the return. Fails fast with PT_UNAVAILABLE while the server cannot be reached. */
struct pt_rpc_unary *pt_rpc_unary(struct pt_rpc_channel *channel, const char *method, struct pt_bytes request,
                                  const struct pt_rpc_metadata *metadata, size_t metadata_len, uint64_t deadline_ms,
                                  pt_rpc_reply_fn fn, void *arg);
void pt_rpc_unary_cancel(struct pt_rpc_unary *unary); /* fn is called with PT_CANCELLED, later */

struct pt_rpc_stream;
struct pt_rpc_stream_ops {
    void (*on_message)(void *arg, struct pt_bytes message); /* borrowed; the next one is read after the return */
    void (*on_writable)(void *arg);                         /* as in pt_rpc_handler; may be NULL */
    /* Over; error NULL for status OK. Last callback; the stream is freed behind it. */
    void (*on_end)(void *arg, const struct pt_error *error);
};
/* No deadline; nothing is called before the return. */
struct pt_rpc_stream *pt_rpc_stream_open(struct pt_rpc_channel *channel, const char *method,
                                         const struct pt_rpc_metadata *metadata, size_t metadata_len,
                                         const struct pt_rpc_stream_ops *ops, void *arg);
bool pt_rpc_stream_send(struct pt_rpc_stream *stream, struct pt_bytes message); /* as pt_rpc_call_send */
void pt_rpc_stream_half_close(struct pt_rpc_stream *stream);
void pt_rpc_stream_cancel(struct pt_rpc_stream *stream); /* on_end follows with PT_CANCELLED, later */
