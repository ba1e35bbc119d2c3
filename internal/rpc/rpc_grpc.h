/*
 * Private to internal/rpc: what the gRPC server and client share. Only rpc_grpc*.c, rpc_queue.c, rpc_pump.c,
 * rpc_line.c and rpc_credentials.c include this; they are the one door to libgrpc.
 */
#pragma once

#include "base/list.h"
#include "crypto/identity.h"
#include "rpc/rpc.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <stdatomic.h>

/* ---- the library ---------------------------------------------------------------------------------------------- */

/* Counted: each server and each channel opens the library once and closes it once. */
void pt_rpc_library_open(void);
void pt_rpc_library_close(void);

/* ---- completions (rpc_queue.c) -------------------------------------------------------------------------------- */

/* One operation that gRPC will complete. Lives inside the object it belongs to; at most one operation at a time. */
struct pt_rpc_tag {
    void (*fn)(struct pt_rpc_tag *tag, bool ok); /* on the loop */
    struct pt_rpc_tag *next;                     /* in the list of completions; under the queue's lock */
    struct pt_rpc_queue *queue;                  /* that it was armed for */
    bool ok;                                     /* under the queue's lock */
    atomic_bool armed;                           /* set by the loop before it hands the tag to gRPC */
};

/* Something to do at the end of the loop's turn. */
struct pt_rpc_later {
    struct pt_list node; /* on its own when not waiting */
    void (*fn)(struct pt_rpc_later *later);
};

struct pt_rpc_queue;

struct pt_rpc_pump;

/* Takes the pump, which the last of its queues ends. */
struct pt_rpc_queue *pt_rpc_queue_new(struct pt_sys *sys, struct pt_rpc_pump *pump);
grpc_completion_queue *pt_rpc_queue_cq(struct pt_rpc_queue *queue);
struct pt_rpc_pump *pt_rpc_queue_pump(struct pt_rpc_queue *queue);
/* Say that the tag is about to be handed to gRPC; gives the pointer to hand over. */
void *pt_rpc_queue_arm(struct pt_rpc_queue *queue, struct pt_rpc_tag *tag);
void pt_rpc_queue_disarm(struct pt_rpc_tag *tag); /* gRPC would not have it: it will not complete */
/* Around each call that starts operations on this queue. What gRPC completes at once, on the loop's own thread, does
 * not take the way over the pump's thread: its tag's fn is called in the dispatch under way, or in the next. One inside
 * the other is fine. */
void pt_rpc_queue_enter(struct pt_rpc_queue *queue);
void pt_rpc_queue_leave(struct pt_rpc_queue *queue);
/* gRPC completed it, on the loop's own thread. */
void pt_rpc_queue_completed(struct pt_rpc_tag *tag, bool ok);
/* The same on any thread; or complete a tag ourselves, in a later turn. */
void pt_rpc_queue_complete(struct pt_rpc_queue *queue, struct pt_rpc_tag *tag, bool ok);
/* Call later->fn once, after the completions of this turn. Doing so again before it ran changes nothing. */
void pt_rpc_queue_later(struct pt_rpc_queue *queue, struct pt_rpc_later *later);
/* End: every operation must be on its way to completion. Waits for them, dispatches what is left, calls done(arg) and
 * frees the queue; all this before the return, or, when called from a tag's fn, at the end of the dispatch under way.
 */
void pt_rpc_queue_free(struct pt_rpc_queue *queue, pt_task_fn done, void *arg);

/* ---- who polls gRPC (rpc_pump.c) ------------------------------------------------------------------------------ */

/* threaded: by a thread of its own; otherwise nobody polls before pt_rpc_pump_on_loop. Counted; starts with one user.
 */
struct pt_rpc_pump *pt_rpc_pump_new(struct pt_sys *sys, bool threaded);
struct pt_rpc_pump *pt_rpc_pump_ref(struct pt_rpc_pump *pump);
void pt_rpc_pump_unref(struct pt_rpc_pump *pump); /* the last one: everything that was begun is over */
grpc_completion_queue *pt_rpc_pump_cq(struct pt_rpc_pump *pump);
/* From here on the loop polls. port: one that a server of gRPC's has opened. False: a thread does it after all. */
bool pt_rpc_pump_on_loop(struct pt_rpc_pump *pump, uint16_t port);
/* Take so many completions that should be there. Not when that is a thread's business. */
void pt_rpc_pump_take(struct pt_rpc_pump *pump, size_t len);
/* Wait for a moment for something to complete. False when that is a thread's business. */
bool pt_rpc_pump_wait(struct pt_rpc_pump *pump);

/* rpc_grpc_server.c: that of a server on gRPC. */
struct pt_rpc_queue *pt_rpc_grpc_server_queue(struct pt_rpc_server *server);

/* ---- answers that leave together (rpc_line.c) ------------------------------------------------------------------- */

#define PT_RPC_ADDRESS_SIZE 72

struct pt_rpc_lines;
struct pt_rpc_peer_cache;

/* A connection of a server, while it has calls. */
struct pt_rpc_line {
    char address[PT_RPC_ADDRESS_SIZE]; /* of its other end, "10.0.0.1:80" or "[::1]:80" */
    bool identified;                   /* by a certificate, for the next (pt_rpc_line_peer) */
    struct pt_identity identity;

    /* Of rpc_line.c. */
    struct pt_rpc_lines *lines;
    size_t refs;
    struct pt_list node;    /* of lines.busy; on its own when nothing waits */
    struct pt_list waiting; /* pt_rpc_later */
    grpc_auth_context *context;
    bool peer_read; /* `identified` is known */
};

struct pt_rpc_lines *pt_rpc_lines_new(struct pt_rpc_queue *queue);
void pt_rpc_lines_free(struct pt_rpc_lines *lines); /* NULL is fine; every line was given back */
/* The one that the call came by; to be given back. */
struct pt_rpc_line *pt_rpc_line_get(struct pt_rpc_lines *lines, grpc_call *call);
void pt_rpc_line_unref(struct pt_rpc_line *line);
/* Find out whom its certificate speaks for, once. PT_UNAUTHENTICATED when that is nobody of ours. */
PT_MUST enum pt_code pt_rpc_line_peer(struct pt_rpc_line *line, struct pt_rpc_peer_cache *cache,
                                      struct pt_error *reterr);
/* As pt_rpc_queue_later, for what hands something over to this connection. */
void pt_rpc_line_later(struct pt_rpc_line *line, struct pt_rpc_later *later);

/* ---- messages (rpc_message.c) --------------------------------------------------------------------------------- */

/* The bytes of a received message, without a copy when gRPC holds them in one piece. */
struct pt_rpc_view {
    struct pt_bytes bytes;
    grpc_slice whole; /* owned when `copied` */
    bool copied;
};
void pt_rpc_view_init(struct pt_rpc_view *view, grpc_byte_buffer *buffer);
void pt_rpc_view_fini(struct pt_rpc_view *view); /* before the buffer is destroyed */
grpc_byte_buffer *pt_rpc_buffer_new(struct pt_bytes message);

/* Messages of one stream that wait for the transport. */
struct pt_rpc_out;
struct pt_rpc_outbox {
    struct pt_rpc_out *head, *tail;
    size_t len;  /* messages */
    size_t size; /* their bytes */
    bool full;   /* a limit was passed; cleared when both are half empty again */
};
/* Copies. False when the box is full now. */
bool pt_rpc_outbox_push(struct pt_rpc_outbox *box, struct pt_bytes message);
/* The caller destroys it; NULL when empty. */
grpc_byte_buffer *pt_rpc_outbox_pop(struct pt_rpc_outbox *box);
/* True once after the box was full and has emptied by half. */
bool pt_rpc_outbox_drained(struct pt_rpc_outbox *box);
void pt_rpc_outbox_fini(struct pt_rpc_outbox *box);

/* ---- credentials (rpc_credentials.c) -------------------------------------------------------------------------- */

/* What the server's TLS presents and trusts; gRPC's threads fetch it, the loop replaces it. */
struct pt_rpc_credential_store;
struct pt_rpc_credential_store *pt_rpc_credential_store_new(const struct pt_rpc_credentials *credentials);
void pt_rpc_credential_store_set(struct pt_rpc_credential_store *store, const struct pt_rpc_credentials *credentials);
/* After the grpc_servers that use it. */
void pt_rpc_credential_store_free(struct pt_rpc_credential_store *store);
/* For one port. The result is the caller's. */
grpc_server_credentials *pt_rpc_credential_store_port(struct pt_rpc_credential_store *store, enum pt_rpc_door door);

/* A client's; the caller releases it. */
grpc_channel_credentials *pt_rpc_client_credentials(const struct pt_rpc_credentials *credentials);

/* ---- who calls (rpc_peer.c) ----------------------------------------------------------------------------------- */
struct pt_rpc_peer_cache;
struct pt_rpc_peer_cache *pt_rpc_peer_cache_new(void);
void pt_rpc_peer_cache_free(struct pt_rpc_peer_cache *cache); /* NULL is fine */
/* Of a leaf that TLS has verified, as PEM. PT_UNAUTHENTICATED when it names nobody of ours. */
PT_MUST enum pt_code pt_rpc_peer_identity(struct pt_rpc_peer_cache *cache, const char *pem, size_t size,
                                          struct pt_identity *ret_identity, struct pt_error *reterr);
