/*
 * Liveness of paths: a BFD session (bfd/session.h) over each, on a thread of its own in the tunnel process.
 *
 * The owner of a path keeps a session along it; the far end answers with one of its own, along the return stack that
 * the owner sends. A path is alive while its owner's session is UP. When it goes down the thread itself writes the
 * path's word in the data plane, before anything else happens: next-hop groups leave it at once. The agent need not
 * run. Then it is told, and tells the leader.
 *
 * Every packet is authenticated: keyed SHA1 with a key that both ends make of their tunnel keys (X25519), over header
 * and BFD packet. A path whose far end has no known key has no session (the agent's hellos judge it).
 *
 * A path over transit sites begins with a tunnel that a direct path may watch, and it is dead while that one is. What
 * it crosses further on the sites there watch and lead packets round; so with more than ten such paths their interval
 * grows, up to PT_LIVE_TRANSIT_INTERVAL_MAX_US: each of their packets is carried many times.
 *
 * Liveness must not fill what it watches. On a shaped link all sessions together take PT_LIVE_LINK_PERCENT of its rate
 * at most, which is less than the queue of network control lets pass (agent/shape.c): with more paths, or on a slow
 * link, their interval grows. A session that asked for more than that would be dead by its own packets.
 *
 * Any thread may call; one lock guards all. Limits: PT_LIVE_PATHS_MAX paths, as many answering sessions, 20,000 packets
 * a second of sending: with more than 500 paths every interval grows in proportion.
 */
#pragma once

#include "base/error.h"
#include "crypto/aead.h"
#include "measure/measure.h"
#include "sla/sla.h"
#include "tunnel/engine.h"

#include <pthread.h>

#define PT_LIVE_PATHS_MAX PT_ENGINE_SLOTS
#define PT_LIVE_INTERVAL_US 50000 /* why these: docs/decisions, "liveness by BFD" */
#define PT_LIVE_MULTIPLIER 4
#define PT_LIVE_TRANSIT_INTERVAL_MAX_US 150000 /* 66 probes in 10 s: one that is lost is less than 2 % */
#define PT_LIVE_MEASURED_MAX 2048              /* 42 MB */
#define PT_LIVE_LINK_PERCENT 5U                /* of a shaped link's rate, at most */

struct pt_live_path {
    uint64_t id;
    uint32_t slot, peer, link; /* in the data plane; label of the last site; number of the link */
    uint16_t stack_len;
    uint16_t strict; /* 1: no site on the way may lead its packets round a failure, so none may lead probes */
    uint32_t back_len;
    uint32_t stack[PT_STACK_LEN_MAX], back[PT_STACK_LEN_MAX];
    struct pt_ip remote;
};

/* A profile that every measured path is judged by (live_sla.c). */
struct pt_live_sla {
    uint32_t number; /* bit in the data plane's word; below PT_SLA_PROFILES_MAX */
    struct pt_sla_profile profile;
};

struct pt_live_config {
    uint32_t label; /* of this site */
    uint32_t zero;
    const struct pt_engine_link *links;
    size_t links_len;
    const struct pt_live_path *paths;
    size_t paths_len;
    const struct pt_peer_entry *peers;
    size_t peers_len;
    const struct pt_live_sla *slas;
    size_t slas_len;
};

/* One per path that has a session, ascending by id. */
struct pt_live_status {
    uint64_t path;
    uint8_t known; /* it was up once: alive or dead is certain */
    uint8_t alive;
    uint8_t state, diagnostic; /* of BFD */
    uint32_t detection_ms;
    uint64_t ups, downs;
    uint64_t sla_breaks, sla_held;   /* bit n: it breaks profile n now; it is not used for it, held includes breaks */
    struct pt_measure_report recent; /* zeroes when the path is not measured, or not known yet */
};

struct pt_live_measures {
    uint64_t path;
    struct pt_measure_report report;
};

struct pt_live_options {
    uint8_t private_key[PT_X25519_SIZE];
    uint16_t port; /* 0: PT_LIVE_PORT */
    /* On the thread, with the lock held: must not wait, and not call back. */
    void (*set_word)(void *arg, uint32_t slot, bool alive);
    void (*on_change)(void *arg, uint64_t path, bool alive);
    void (*set_sla)(void *arg, uint32_t slot, uint64_t breaks, uint64_t held); /* as the status's; NULL is fine */
    void *arg;
    /* What another process had (NULL: begin anew): its sockets and sessions, which are taken out of it. Nothing is sent
     * or judged before pt_live_start. */
    struct pt_handover *adopt;
};

/* Bandwidth on request (train.c, measure/bandwidth.h): the newest request and what came of it. */
enum pt_live_bandwidth_state { PT_LIVE_BANDWIDTH_NONE, PT_LIVE_BANDWIDTH_RUNNING, PT_LIVE_BANDWIDTH_DONE };
#define PT_LIVE_BANDWIDTH_AGAIN_MS 10000 /* a path is measured once in this time */
#define PT_LIVE_BANDWIDTH_MS_MAX 10000   /* and a measurement takes no longer */
struct pt_live_bandwidth {
    uint64_t path;
    uint32_t state; /* enum pt_live_bandwidth_state */
    int32_t code;   /* of those that are done; PT_OK: what follows holds */
    char text[128]; /* why it could not be measured */
    uint64_t rate_bps, low_bps, high_bps, bytes;
    uint32_t trains, packets, duration_ms, zero;
};

struct pt_live;
/* Who holds the lock inherits the priority of the thread that waits: else a busy machine could keep him from running.
 */
void pt_live_lock_init(pthread_mutex_t *lock);
PT_MUST enum pt_code pt_live_open(const struct pt_live_options *options, struct pt_live **ret_live,
                                  struct pt_error *reterr);
/* To hand over, as pt_engine_pause and its like. No bandwidth may be under measurement. */
void pt_live_pause(struct pt_live *live);
void pt_live_save(struct pt_live *live, struct pt_handover *into);
PT_MUST enum pt_code pt_live_start(struct pt_live *live, struct pt_error *reterr);
void pt_live_close(struct pt_live *live); /* says AdminDown to nobody: a process that ends is silent; NULL is fine */
/* Sessions of paths that stay go on. Words and changes of all that are known are given again. */
void pt_live_configure(struct pt_live *live, const struct pt_live_config *config);
/* Returns how many there are; fills at most len_max. */
size_t pt_live_statuses(struct pt_live *live, struct pt_live_status *ret_status, size_t len_max);
/* What the measured paths were like in the last so many minutes (0: ten seconds), ascending by path. */
size_t pt_live_measures(struct pt_live *live, unsigned minutes, struct pt_live_measures *ret_measures, size_t len_max);
/* From the engine, now and then: what arrived of each stream of a peer (PT_TUNNEL_STREAMS of each), and by which
 * streams each path sends (pt_engine_path_streams). */
void pt_live_note_streams(struct pt_live *live, uint32_t label, const uint64_t *received, const uint64_t *expected);
void pt_live_note_paths(struct pt_live *live, const uint8_t *first, unsigned streams);
/* And where peers are that are not at the configured address (pt_engine_moved): all of them, ascending by slot. */
void pt_live_note_moved(struct pt_live *live, const struct pt_engine_moved *moved, size_t len);
/* Begin to measure how much more a path could carry, looking no higher than max_bps (0: as high as can be told).
 * PT_NOT_FOUND; PT_FAILED_PRECONDITION: it is not alive; PT_EXHAUSTED: one at a time, and each path now and then. */
PT_MUST enum pt_code pt_live_bandwidth_start(struct pt_live *live, uint64_t path, uint64_t max_bps,
                                             struct pt_error *reterr);
struct pt_live_bandwidth pt_live_bandwidth(struct pt_live *live);
