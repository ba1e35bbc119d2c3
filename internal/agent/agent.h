/*
 * The node's own side of an edge: finds the leader, keeps its EdgeSync stream, puts bundles in force, measures paths.
 *
 *   OFFLINE --dial--> CONNECTING --first message--> STREAMING
 *      ^                  |  ^                          |
 *      '------ backoff ---'--(--------------------------'   next address, next link
 *                            '---- the second connection, when the first one's link died
 *
 * Everything runs on the loop. The data plane goes on without the agent: what is pinned forwards. A node that starts
 * with no controller in reach puts the last good bundle from its disk in force, after checking its signature.
 */
#pragma once

#include "agent/dp.h"
#include "agent/hello.h"
#include "agent/tunnel.h"
#include "agent/wires.h"
#include "base/error.h"
#include "base/log.h"
#include "base/planted.h"
#include "node/files.h"
#include "rpc/rpc.h"
#include "sys/sys.h"

/* How the node reaches a controller by a certain link; NULL members do nothing. */
struct pt_agent_routes {
    void *context;
    /* Send packets for `controller` out of the interface from now on. Failures are the callee's to log. */
    void (*use_link)(void *context, const struct pt_ip *controller, const char *interface, const struct pt_ip *source,
                     const struct pt_ip *gateway);
    /* Those that have the source already stay with the interface, whatever use_link says later. False: they do not. */
    bool (*hold_link)(void *context, const struct pt_ip *controller, const char *interface, const struct pt_ip *source,
                      const struct pt_ip *gateway);
    /* Address that packets to it have; false: none leads there. */
    bool (*source_to)(void *context, const struct pt_ip *controller, struct pt_ip *ret_source);
};

struct pt_agent_options {
    struct pt_sys *sys;
    const struct pt_schema *schema;
    const struct pt_log *log;
    struct pt_rpc_fabric *fabric; /* NULL: gRPC */
    const char *directory;        /* data folder */
    const char *version;
    struct pt_node_files *files;    /* borrowed; address lists and certificate are kept up to date in it */
    struct pt_dp *dp;               /* borrowed */
    struct pt_hello_io *hello_io;   /* borrowed; NULL: paths are not probed (the simulator) */
    struct pt_agent_tunnel *tunnel; /* borrowed; NULL: nothing is sealed (the simulator) */
    struct pt_wires *wires;         /* borrowed; NULL: no diagnostics of wires (the simulator) */
    struct pt_agent_routes routes;
    enum pt_planted planted;
};

struct pt_agent;
/* Puts the bundle on disk in force when there is one; PT_CORRUPT on disk is logged and ignored: the leader sends anew.
 */
PT_MUST enum pt_code pt_agent_open(const struct pt_agent_options *options, struct pt_agent **ret_agent,
                                   struct pt_error *reterr);
/* The data plane goes on. NULL is fine. */
void pt_agent_close(struct pt_agent *agent);
void pt_agent_abandon(struct pt_agent *agent); /* after a simulated crash */

/* For tests and checkers: position of the bundle in force; false when there is none. Borrowed until the next bundle. */
struct pt_agent_position {
    uint64_t epoch, term, generation;
    struct pt_digest digest;
};
bool pt_agent_position(const struct pt_agent *agent, struct pt_agent_position *ret_position);
bool pt_agent_connected(const struct pt_agent *agent);
