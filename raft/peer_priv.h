/*
 * Insides of the links, shared by peer.c (dialled), peer_in.c (accepted) and peer_frame.c (bytes).
 */
#pragma once

#include "base/list.h"
#include "raft/codec.h"
#include "raft/peer.h"

#define PT_RAFT_PROTOCOL 1U
#define PT_RAFT_FRAME_HEAD_SIZE 9U
#define PT_RAFT_LINK_TICK_MS 250U
#define PT_RAFT_LINK_SILENT_MS 3000U /* no pong for so long: hang up and dial again */
#define PT_RAFT_HANDSHAKE_MS 5000U
#define PT_RAFT_RTT_SAMPLES 15U
#define PT_RAFT_LINK_PROBE_MS 1000U              /* dialled at once no more often than this */
#define PT_RAFT_LINK_IDLE_SIZE_MAX (128U << 10)  /* queued in this turn, and nothing of before */
#define PT_RAFT_LINK_EARLY_SIZE_MAX (256U << 10) /* queued while dialling: enough for a vote and a few entries */

struct pt_raft_hello {
    uint64_t from, to;
    char cluster_id[128];
    char address[PT_RAFT_ADDRESS_SIZE_MAX + 1];
};

struct pt_raft_pipe { /* a stream with an optional TLS filter and a frame parser */
    struct pt_stream *stream;
    struct pt_tls *tls;
    struct pt_buf plain, wire; /* received plaintext not parsed yet; scratch for what TLS wants to send */
    bool blocked;              /* the stream's queue is full */
};

enum pt_raft_link_state { PT_RAFT_LINK_WAITING, PT_RAFT_LINK_DIALLING, PT_RAFT_LINK_SHAKING, PT_RAFT_LINK_UP };

struct pt_raft_link { /* dialled by this node */
    struct pt_list node;
    struct pt_raft_net *net;
    uint64_t id;
    char *address;
    enum pt_raft_link_state state;
    struct pt_raft_pipe pipe;
    struct pt_buf queue; /* frames not handed to the stream yet */
    bool flush_posted, doomed;
    unsigned failures;
    uint64_t retry_ms; /* WAITING: dial at this time */
    uint64_t heard_ms; /* begun, or last pong */
    uint64_t used_ms;  /* a frame was last begun for it */
    bool probing;      /* dialled at once after it was closed; nothing heard since */
    uint64_t probed_ms;
    uint32_t rtt_us[PT_RAFT_RTT_SAMPLES]; /* of the newest pings, since the link came up */
    size_t rtt_len;                       /* ever; sample i is at i modulo the number kept */
    bool refused_logged;
};

struct pt_raft_in { /* accepted */
    struct pt_list node;
    struct pt_raft_net *net;
    struct pt_raft_pipe pipe;
    bool greeted;
    bool busy;   /* inside on_data: what it brings may end it */
    bool doomed; /* ended meanwhile, and freed at the end of that */
    uint64_t id;
    char address[PT_RAFT_ADDRESS_SIZE_MAX + 1];
    uint64_t since_ms;
};

struct pt_raft_net {
    struct pt_raft_net_options options;
    char *address, *cluster_id, *trust_id;
    struct pt_listener *listener;
    struct pt_timer *tick;
    struct pt_list links, ins;
    struct pt_list doomed; /* forgotten links whose posted flush is still to come */
    size_t ins_len;
    struct pt_raft_link *open_link; /* between begin and end */
    size_t open_at;
};

/* peer_frame.c */
void pt_raft_frame_put(struct pt_buf *out, enum pt_raft_frame kind, const void *payload, size_t size);
void pt_raft_frame_seal(struct pt_buf *out, size_t at); /* fill in the head of the frame that begins at `at` */
/* Next whole frame of `bytes` from *offset: 1 found, 0 needs more, -1 broken. */
int pt_raft_frame_next(struct pt_bytes bytes, size_t *offset, enum pt_raft_frame *ret_kind,
                       struct pt_bytes *ret_payload);
void pt_raft_hello_encode(const struct pt_raft_net *net, uint64_t to, struct pt_buf *out);
bool pt_raft_hello_decode(struct pt_bytes payload, struct pt_raft_hello *ret_hello);
/* NULL when fine, else why not. */
const char *pt_raft_hello_check(const struct pt_raft_net *net, const struct pt_raft_hello *hello,
                                const struct pt_tls *tls);
void pt_raft_pipe_fini(struct pt_raft_pipe *pipe);
/* Received bytes -> plain. False when the connection is to be closed. */
bool pt_raft_pipe_feed(struct pt_raft_pipe *pipe, const uint8_t *data, size_t size, struct pt_error *reterr);
bool pt_raft_pipe_write(struct pt_raft_pipe *pipe, const void *data, size_t size);
bool pt_raft_pipe_ready(const struct pt_raft_pipe *pipe);
/* peer_in.c */
void pt_raft_in_accept(void *arg, struct pt_stream *stream, const struct pt_endpoint *peer);
void pt_raft_in_free(struct pt_raft_in *in);
void pt_raft_in_tick(struct pt_raft_net *net, uint64_t now_ms);
