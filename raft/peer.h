/*
 * Links between members: frames over TLS over TCP, one outgoing connection for each member that this node talks to.
 *
 * What a node sends goes over the connection it dialled; the connection that the other dialled only brings frames (and
 * takes answers to hello and ping). So there is no question of who keeps which of two crossed connections. Frames are
 * kept in order while a link is up and dropped when it is down or its queue is full: Raft repeats what matters.
 * All on the loop.
 */
#pragma once

#include "base/log.h"
#include "crypto/tls.h"
#include "sys/sys.h"

#define PT_RAFT_FRAME_SIZE_MAX (4U << 20)       /* one frame, head included */
#define PT_RAFT_LINK_QUEUE_SIZE_MAX (32U << 20) /* bytes waiting for one member */
#define PT_RAFT_LINKS_IN_MAX 128U               /* accepted connections */

enum pt_raft_frame { /* never renumbered */
                     PT_RAFT_FRAME_HELLO = 1,
                     PT_RAFT_FRAME_REFUSED = 2,
                     PT_RAFT_FRAME_PING = 3,
                     PT_RAFT_FRAME_PONG = 4,
                     PT_RAFT_FRAME_MESSAGE = 5, /* codec.h */
                     PT_RAFT_FRAME_CHUNK = 6,   /* node_snapshot.c, as the three below */
                     PT_RAFT_FRAME_CHUNK_ACK = 7,
                     PT_RAFT_FRAME_NEED_SNAPSHOT = 8,
                     PT_RAFT_FRAME_READ = 9, /* node_read.c */
                     PT_RAFT_FRAME_READ_ACK = 10,
                     PT_RAFT_FRAME_LANE = 11, /* node_lane.c */
                     PT_RAFT_FRAME_MAX
};

struct pt_raft_net;

struct pt_raft_net_options {
    struct pt_sys *sys;
    const struct pt_log *log;
    uint64_t id;
    const char *address;    /* own, told to the other side */
    const char *cluster_id; /* another's is refused */
    const char *trust_id;   /* that certificates must name; NULL: cluster_id */
    struct pt_endpoint listen;
    struct pt_tls_context *tls; /* NULL: plain, ids are taken on trust */
    bool (*peer_allowed)(void *context, uint64_t id, const struct pt_identity *identity); /* NULL accepts */
    void *peer_context;
    /* A frame from member `id`, which says it listens on `address`; both borrowed. False closes the connection. */
    bool (*on_frame)(void *context, uint64_t id, const char *address, enum pt_raft_frame kind, struct pt_bytes payload);
    /* A connection that had worked was closed by the other side, and a new one was refused: its process has ended.
     * NULL: nobody wants to know. Neither link nor member may be touched inside. */
    void (*on_gone)(void *context, uint64_t id);
    /* A dialled connection that was up has ended: frames that were begun for the member may be lost. NULL: nobody wants
     * to know. Neither links nor members may be touched inside. */
    void (*on_lost)(void *context, uint64_t id);
    void *context;
};

PT_MUST enum pt_code pt_raft_net_open(const struct pt_raft_net_options *options, struct pt_raft_net **ret_net,
                                      struct pt_error *reterr);
void pt_raft_net_close(struct pt_raft_net *net);   /* no callback follows; NULL is fine */
void pt_raft_net_abandon(struct pt_raft_net *net); /* after a simulated crash */
void pt_raft_net_judge(struct pt_raft_net *net);   /* peer_allowed of every open link anew */
void pt_raft_net_set_tls(struct pt_raft_net *net, struct pt_tls_context *tls); /* for connections made from now on */
struct pt_endpoint pt_raft_net_listening(const struct pt_raft_net *net);

/* Begin a frame to a member: append the payload to the buffer returned, then call end. NULL when the frame must be
 * dropped; then do not call end. A member not known yet, or with a new address, is dialled. */
struct pt_buf *pt_raft_net_begin(struct pt_raft_net *net, uint64_t id, const char *address, enum pt_raft_frame kind);
void pt_raft_net_end(struct pt_raft_net *net);
/* Begin a frame that need not go this way: NULL when the link is not up, or anything waits for it to take more. */
struct pt_buf *pt_raft_net_begin_idle(struct pt_raft_net *net, uint64_t id, enum pt_raft_frame kind);
/* Bytes queued for a member; 0 when it is not known. */
size_t pt_raft_net_queued(const struct pt_raft_net *net, uint64_t id);
/* Median of the newest round trips to a member, microseconds; 0 when it is not known or its link is down. */
uint64_t pt_raft_net_rtt_us(const struct pt_raft_net *net, uint64_t id);
/* Hang up on a member and forget it. */
void pt_raft_net_forget(struct pt_raft_net *net, uint64_t id);
/* The same for all that `keep` does not want and that no frame was begun for since `idle_ms`: who was removed, or asked
 * and was answered, is not dialled for ever. Not between begin and end. */
void pt_raft_net_prune(struct pt_raft_net *net, bool (*keep)(void *context, uint64_t id), void *context,
                       uint64_t idle_ms);
bool pt_raft_net_knows(const struct pt_raft_net *net, uint64_t id); /* is there a link, up or dialled? */
