/*
 * The RPC message port, and gRPC behind it.
 *
 * Handlers and clients see messages, never gRPC: this header is the seam at which the simulator replaces gRPC's bytes
 * (rpc_sim.c connects nodes of one process). rpc_grpc*.c is the one door to libgrpc.
 *
 * Threads. Everything here runs on the loop. gRPC's own threads only move bytes into a bounded queue and wake the loop.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "crypto/identity.h"
#include "sys/sys.h"

/* ---- server ---------------------------------------------------------------------------------------------------------- */

struct pt_rpc_call; /* one incoming call; owned by the server until it is finished */

/* Which door a call came in by. */
enum pt_rpc_door { PT_DOOR_API, PT_DOOR_AGENT };

struct pt_rpc_call_info {
    const char *method; /* "/patronus.v1.SiteService/CreateSite" */
    enum pt_rpc_door door;
    const struct pt_identity *peer;   /* NULL when no client certificate was given (API door only) */
    const char *peer_address;         /* text, for logs */
    uint64_t deadline_ns;             /* on pt_sys_now_ns; UINT64_MAX for none */
};

struct pt_rpc_handler {
    /* A call arrived; headers are read. For unary calls the single message follows at once by on_message. The call's
     * user data may be set with pt_rpc_call_set_user. */
    void (*on_call)(void *arg, struct pt_rpc_call *call);
    /* A message of the client. Borrowed. Streaming: the next one is read after the return. */
    void (*on_message)(void *arg, struct pt_rpc_call *call, struct pt_bytes message);
    /* The client half-closed (it sends no more). Not called for unary calls. */
    void (*on_half_close)(void *arg, struct pt_rpc_call *call);
    /* The queue of a stream has room again after pt_rpc_call_send returned false. */
    void (*on_writable)(void *arg, struct pt_rpc_call *call);
    /* The call is over (finished, cancelled by the client, deadline, shutdown). Last callback: free what hangs on it. */
    void (*on_end)(void *arg, struct pt_rpc_call *call, bool cancelled);
};

const struct pt_rpc_call_info *pt_rpc_call_info(const struct pt_rpc_call *call);
/* A metadata value the client sent, "" when absent. */
const char *pt_rpc_call_metadata(const struct pt_rpc_call *call, const char *key);
void pt_rpc_call_set_user(struct pt_rpc_call *call, void *user);
void *pt_rpc_call_user(const struct pt_rpc_call *call);
/* Queue one message. Copies. False when the stream's queue (default 256 messages or 8 MiB) is full now: the message is
 * taken all the same; stop until on_writable. Sending after finish is ignored. */
bool pt_rpc_call_send(struct pt_rpc_call *call, struct pt_bytes message);
/* End the call: after the queued messages the status goes out. error NULL means OK. ErrorInfo and BadRequest details
 * are made from the error (grpc-status-details-bin). Calling it twice is ignored. */
void pt_rpc_call_finish(struct pt_rpc_call *call, const struct pt_error *error);
/* Messages queued and not yet handed to the transport. */
size_t pt_rpc_call_queued(const struct pt_rpc_call *call);

/* PEM texts; borrowed for the call of the function that takes them. */
struct pt_rpc_credentials {
    const char *cert_pem, *key_pem, *ca_pem;
};

struct pt_rpc_listen {
    struct pt_endpoint address; /* port 0: any */
    enum pt_rpc_door door;      /* AGENT: a client certificate is required; API: asked for, verified when given */
};

struct pt_rpc_server;
struct pt_rpc_server_options {
    const struct pt_rpc_listen *listens;
    size_t listens_len;
    struct pt_rpc_credentials credentials;
    const struct pt_rpc_handler *handler;
    void *handler_arg;
    size_t message_size_max; /* 0: PT_MESSAGE_SIZE_MAX + 64 KiB; larger messages get RESOURCE_EXHAUSTED by gRPC */
};
/* PT_FAILED_PRECONDITION when an address is in use, naming it. */
PT_MUST enum pt_code pt_rpc_server_new(struct pt_sys *sys, const struct pt_rpc_server_options *options,
                                       struct pt_rpc_server **ret_server, struct pt_error *reterr);
/* Port of the nth listen. */
uint16_t pt_rpc_server_port(const struct pt_rpc_server *server, size_t index);
/* New connections use these from now on; open ones go on. */
PT_MUST enum pt_code pt_rpc_server_set_credentials(struct pt_rpc_server *server,
                                                   const struct pt_rpc_credentials *credentials,
                                                   struct pt_error *reterr);
/* Stop accepting, let calls finish for grace_ms, cancel the rest, then call done and free the server. */
void pt_rpc_server_close(struct pt_rpc_server *server, uint64_t grace_ms, pt_task_fn done, void *arg);

/* ---- client ---------------------------------------------------------------------------------------------------------- */

struct pt_rpc_channel; /* to one address; connects by itself, again and again */
struct pt_rpc_channel_options {
    const char *address;                   /* "10.0.0.1:7400" */
    struct pt_rpc_credentials credentials; /* cert and key may be NULL: anonymous */
    const char *server_pin_hex;            /* with ca_pem NULL: trust the server whose CA has this SHA-256 (join) */
};
/* The server must present a leaf of role "controller" under the CA; its host name is not looked at. */
PT_MUST enum pt_code pt_rpc_channel_new(struct pt_sys *sys, const struct pt_rpc_channel_options *options,
                                        struct pt_rpc_channel **ret_channel, struct pt_error *reterr);
/* Calls under way end with PT_CANCELLED (their on_end comes before the return). NULL is fine. */
void pt_rpc_channel_free(struct pt_rpc_channel *channel);

struct pt_rpc_metadata {
    const char *key, *value;
};

/* Called once. `error` is NULL on success, and holds the server's status (reason and field restored from the details)
 * otherwise; message is borrowed. */
typedef void (*pt_rpc_reply_fn)(void *arg, const struct pt_error *error, struct pt_bytes message);
struct pt_rpc_unary;
/* deadline_ms from now; 0 means 30,000. Returns a handle for pt_rpc_unary_cancel, valid until fn is called. */
struct pt_rpc_unary *pt_rpc_unary(struct pt_rpc_channel *channel, const char *method, struct pt_bytes request,
                                  const struct pt_rpc_metadata *metadata, size_t metadata_len, uint64_t deadline_ms,
                                  pt_rpc_reply_fn fn, void *arg);
void pt_rpc_unary_cancel(struct pt_rpc_unary *unary); /* fn is called with PT_CANCELLED */

struct pt_rpc_stream;
struct pt_rpc_stream_ops {
    void (*on_message)(void *arg, struct pt_bytes message);
    void (*on_writable)(void *arg);
    /* Over; error NULL for status OK. Last callback; the stream is freed behind it. */
    void (*on_end)(void *arg, const struct pt_error *error);
};
struct pt_rpc_stream *pt_rpc_stream_open(struct pt_rpc_channel *channel, const char *method,
                                         const struct pt_rpc_metadata *metadata, size_t metadata_len,
                                         const struct pt_rpc_stream_ops *ops, void *arg);
bool pt_rpc_stream_send(struct pt_rpc_stream *stream, struct pt_bytes message); /* as pt_rpc_call_send */
void pt_rpc_stream_half_close(struct pt_rpc_stream *stream);
void pt_rpc_stream_cancel(struct pt_rpc_stream *stream); /* on_end follows with PT_CANCELLED */
