/* What the files of liveness share. Private to the folder. */
#pragma once

#include "base/map.h"
#include "bfd/session.h"
#include "measure/window.h"
#include "tunnel/live.h"
#include "tunnel/live_wire.h"
#include "tunnel/train_wire.h"
#include "tunnel/wire.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

/* Between looks at all sessions and sockets: bounds the work, and is small beside any interval. */
#define PT_LIVE_SCAN_NS 3000000ULL

struct pt_live_link {
    struct pt_engine_link config;
    int fd; /* -1: could not be opened; tried again each second */
    bool wanted;
    uint32_t interval_us; /* the shortest that its rate allows */
};

struct pt_live_peer {
    uint8_t public_key[PT_X25519_SIZE], key[PT_BFD_SHA1_SIZE], train_key[PT_HMAC_SIZE];
    uint64_t received[PT_TUNNEL_STREAMS], expected[PT_TUNNEL_STREAMS]; /* of what it sealed for us */
    bool wanted;
};

/* What a path was like just now, and which profiles it keeps. */
struct pt_live_quality {
    struct pt_window window;
    uint64_t judged_ns;
    bool in_doubt;         /* judge at the next measurement, not when it is time */
    uint64_t breaks, held; /* as told to the data plane */
    struct pt_sla states[PT_SLA_PROFILES_MAX];
};

struct pt_live_session {
    enum pt_live_role role; /* ours */
    uint64_t path;
    uint32_t label; /* of the other end */
    uint32_t slot;  /* owners only */
    uint32_t link;
    uint32_t stack_len, back_len;
    bool strict; /* owners */
    uint32_t stack[PT_STACK_LEN_MAX], back[PT_STACK_LEN_MAX];
    struct pt_endpoint remote;
    struct pt_ip configured; /* owners: where the peer should be */
    bool moved;              /* owners: it is not there, or a NAT stands before it (live_moved.c) */
    uint32_t moves;          /* answers: the live->moves that its peer's port was learned after */
    struct pt_bfd bfd;
    bool wanted;       /* owners: stands in the newest configuration */
    bool known, alive; /* owners: what the data plane was told */
    bool cut;          /* owners: a direct path over the same tunnel is dead, and so is this one, whatever BFD says */
    uint64_t heard_ns; /* answers: when last, to forget them */
    uint32_t sent;     /* sequence of the newest packet we sent */
    uint32_t received, highest;
    uint8_t first_stream, streams;   /* of the path's sealed packets: answers count them */
    struct pt_measure *measure;      /* owners; NULL: not measured */
    struct pt_live_quality *quality; /* of those that are measured */
    uint64_t trains_ns;              /* when its bandwidth was asked for last; 0: never */
    uint64_t echo_ns, echo_at_ns;    /* sender's stamp of the newest packet, and when it came by our wall clock */
};

/* A datagram as it came. */
struct pt_live_arrival {
    uint32_t link;
    struct pt_endpoint from;
    const uint8_t *data;
    size_t size;
    uint64_t now_ns, wall_ns; /* wall: stamped by the kernel when it came */
    uint64_t came_ns;         /* at most PT_LIVE_SCAN_NS before now */
};

/* Trains of probes that this node sends (train.c). */
struct pt_live_trains {
    pthread_t thread;
    bool started;           /* it is to be joined */
    pthread_cond_t changed; /* a report came, or it is to end */
    struct pt_live_bandwidth newest;
    uint64_t max_bps;
    uint32_t number; /* of the train that is under way */
    bool reported;
    struct pt_train_message report; /* of that one */
};

struct pt_live {
    struct pt_live_options options;
    pthread_mutex_t lock;
    pthread_t thread;
    bool started;
    atomic_bool stopping;
    int wake; /* eventfd */
    uint32_t label, interval_us, transit_interval_us;
    uint32_t next_discriminator;
    struct pt_live_link links[PT_ENGINE_LINKS_MAX];
    size_t links_len;
    struct pt_map peers;                   /* label, 4 bytes big-endian -> struct pt_live_peer */
    struct pt_map owners;                  /* path id, 8 bytes big-endian -> session */
    struct pt_map answers;                 /* label and path id, 12 bytes big-endian -> session */
    uint8_t slot_streams[PT_ENGINE_SLOTS]; /* pt_engine_path_streams */
    unsigned streams;
    size_t measured; /* how many owners are */
    bool moved;      /* some peer is not where it was configured */
    uint32_t moves;  /* times that one was found elsewhere */
    struct pt_live_sla slas[PT_SLA_PROFILES_MAX];
    size_t slas_len;
    struct pt_live_trains trains;
    struct pt_map train_logs; /* label, 4 bytes big-endian -> struct train_log: newest train of a peer */
    uint64_t retried_ns;
    uint64_t trained_ns; /* when a packet of a train came last; 0: never */
    uint64_t refused;    /* packets of nobody, forged or replayed */
};

/* ---- live.c: sessions; with the lock held --------------------------------------------------------------------- */
void pt_live_take(struct pt_live *live, const struct pt_live_arrival *arrival);
/* Shortest interval that so many paths, each with an answering session the other way, may have on a link. */
uint32_t pt_live_link_interval_us(uint64_t rate_bps, size_t paths_len);
/* The thread itself was away for so long: no session goes down for it. */
void pt_live_excuse(struct pt_live *live, uint64_t ns);
/* Send what is due and judge silences. Returns when to look again. */
uint64_t pt_live_run(struct pt_live *live, uint64_t now_ns);
const struct pt_live_peer *pt_live_find_peer(const struct pt_live *live, uint32_t label);
struct pt_live_session *pt_live_find_owner(const struct pt_live *live, uint64_t path);

/* ---- train.c; with the lock held but for init and fini --------------------------------------------------------- */
void pt_live_trains_init(struct pt_live *live);
void pt_live_trains_fini(struct pt_live *live); /* waits for its thread */
/* False: it is no packet of a train. */
bool pt_live_trains_take(struct pt_live *live, const struct pt_live_arrival *arrival);
void pt_live_trains_forget(struct pt_live *live, uint32_t label); /* a peer is gone */

/* ---- live_sla.c; with the lock held --------------------------------------------------------------------------- */
struct pt_live_quality *pt_live_quality_new(uint64_t now_ns);
/* Of measured owners: after something was measured; and when the path is dead. */
void pt_live_judge(struct pt_live *live, struct pt_live_session *session, uint64_t now_ns);
void pt_live_judge_dead(struct pt_live *live, struct pt_live_session *session, uint64_t now_ns);
/* Take over the profiles; states of numbers that stay go on. */
void pt_live_put_slas(struct pt_live *live, const struct pt_live_config *config);
/* Tell the data plane of every path again. */
void pt_live_publish_slas(struct pt_live *live);

/* ---- live_moved.c; with the lock held -------------------------------------------------------------------------- */
/* An authentic packet of the owner that `answer` answers came from answer->remote, the one before it from `before`. */
void pt_live_learn_port(struct pt_live *live, struct pt_live_session *answer, const struct pt_endpoint *before);

/* ---- live_io.c ------------------------------------------------------------------------------------------------ */
uint64_t pt_live_now_ns(void);
uint64_t pt_live_wall_ns(void);
void pt_live_links_open(struct pt_live *live); /* those that are not */
void pt_live_link_close(struct pt_live_link *link);
void pt_live_send(struct pt_live *live, uint32_t link, const struct pt_endpoint *remote, const uint8_t *data,
                  size_t size);
/* The same as what hosts send goes: without the class of network control. */
void pt_live_send_plain(struct pt_live *live, uint32_t link, const struct pt_endpoint *remote, const uint8_t *data,
                        size_t size);
void *pt_live_thread(void *live);

/* ---- live.c, for live_state.c --------------------------------------------------------------------------------- */
/* A session as pt_live_configure and a first packet make it, with the key of `peer`. */
void pt_live_session_start(struct pt_live *live, struct pt_live_session *session, const struct pt_live_peer *peer,
                           uint64_t now_ns);
/* Begin to measure an owner, if there is room for it. */
void pt_live_session_measure(struct pt_live *live, struct pt_live_session *session, uint64_t now_ns);
void pt_live_answer_key(uint32_t label, uint64_t path, uint8_t key[12]);

/* ---- live_state.c --------------------------------------------------------------------------------------------- */
void pt_live_adopt(struct pt_live *live);
