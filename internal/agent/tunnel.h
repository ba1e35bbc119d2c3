/*
 * The agent's side of the tunnel process: starts it, gives it what the bundle says, tells the data plane its device and
 * what it found paths to carry, and hears from it which paths are alive.
 *
 * Who judges a path: the tunnel process, from the first time that its BFD session was up; hellos before that, where the
 * far end has no key or no tunnel process, and while ours is not there.
 */
#pragma once

#include "agent/dp.h"
#include "base/log.h"
#include "sys/sys.h"
#include "tunnel/door.h"

struct pt_agent_tunnel;
struct pt_agent_tunnel_options {
    struct pt_sys *sys;
    const struct pt_log *log;
    struct pt_dp *dp;    /* borrowed */
    const char *socket;  /* of the tunnel process; copied */
    const char *program; /* of the tunnel process; NULL: this binary */
    const char *data;    /* the process is started as `patronusd tunnel --data DATA --log-level LEVEL` */
    const char *log_level;
    const struct pt_stamp_target *stamps; /* STAMP reflectors to measure the way to; copied */
    size_t stamps_len;
    bool liveness; /* have paths watched; false: whoever uses this judges them */
};
/* Never fails for good: without a tunnel process sealed paths drop, and it is tried again each second. */
struct pt_agent_tunnel *pt_agent_tunnel_new(const struct pt_agent_tunnel_options *options);
void pt_agent_tunnel_free(struct pt_agent_tunnel *tunnel); /* the process goes on; NULL is fine */
/* 32 bytes, or NULL when there was no tunnel process yet. */
const uint8_t *pt_agent_tunnel_public_key(const struct pt_agent_tunnel *tunnel);
/* The data plane is about to flip to `next`: the process learns its paths beside those of the bundle in force, so that
 * none of a packet's verdicts names a path that it does not have. Slots must have been given already. */
void pt_agent_tunnel_prepare(struct pt_agent_tunnel *tunnel, const struct pt_bundle *next);
/* What the process is to do from now on. Call after the data plane has taken the bundle: slots come from there. */
void pt_agent_tunnel_set_bundle(struct pt_agent_tunnel *tunnel, const struct pt_bundle *bundle);
/* Newest state, at most a second old; NULL: none. */
struct pt_agent_tunnel_path {
    uint32_t mtu, cipher;
    uint64_t session_age_ms, handshakes;
};
bool pt_agent_tunnel_path(const struct pt_agent_tunnel *tunnel, uint64_t path_id,
                          struct pt_agent_tunnel_path *ret_path);
/* Liveness. The data plane's word is set already when on_change is called; on_lost: nobody watches the path any more,
 * its word is the caller's again. Set before the first bundle. */
struct pt_agent_tunnel_watcher {
    void (*on_change)(void *arg, uint64_t path_id, bool alive);
    void (*on_lost)(void *arg, uint64_t path_id);
    void *arg;
};
void pt_agent_tunnel_watch(struct pt_agent_tunnel *tunnel, const struct pt_agent_tunnel_watcher *watcher);
/* False: the tunnel process does not judge the path. *ret_status (may be NULL) is at most a second old but for alive.
 */
bool pt_agent_tunnel_live(const struct pt_agent_tunnel *tunnel, uint64_t path_id, struct pt_live_status *ret_status);
/* Bandwidth of a path on request: pt_live_bandwidth_start and pt_live_bandwidth, through the door. PT_UNAVAILABLE:
 * there is no tunnel process just now. */
PT_MUST enum pt_code pt_agent_tunnel_bandwidth_start(const struct pt_agent_tunnel *tunnel, uint64_t path_id,
                                                     uint64_t max_bps, struct pt_error *reterr);
PT_MUST enum pt_code pt_agent_tunnel_bandwidth(const struct pt_agent_tunnel *tunnel,
                                               struct pt_live_bandwidth *ret_bandwidth, struct pt_error *reterr);
const struct pt_engine_counters *pt_agent_tunnel_counters(const struct pt_agent_tunnel *tunnel);
/* Stop the process, for `patronusd --detach`. */
void pt_agent_tunnel_stop(const char *socket);
