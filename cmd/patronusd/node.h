/*
 * What main.c runs: one function a command. Each runs on the loop of `sys` and returns the exit code.
 */
#pragma once

#include "config.h"

#include "base/log.h"
#include "sys/sys.h"

struct pt_schema;

struct process {
    struct pt_sys *sys;
    const struct pt_schema *schema;
    const struct pt_log *log;
    const struct config *config;
};

/* init.c, join.c: make the node's files. */
PT_MUST enum pt_code make_first(const struct process *process, struct pt_error *reterr);
PT_MUST enum pt_code make_joined(const struct process *process, struct pt_error *reterr);
/* restore.c: the first controller of a new epoch. Neither runs it. */
PT_MUST enum pt_code make_restored(const struct process *process, struct pt_error *reterr);
PT_MUST enum pt_code make_recovered(const struct process *process, struct pt_error *reterr);
/* init.c: the three doors from one address and three ports. */
struct addresses {
    char peer[80], api[80], agent[80];                      /* as others reach them */
    char peer_listen[80], api_listen[80], agent_listen[80]; /* to bind */
};
PT_MUST enum pt_code make_addresses(const struct config *config, struct addresses *ret_addresses,
                                    struct pt_error *reterr);
/* tunnel.c: an edge's tunnel process. */
#define TUNNEL_DEVICE "patronus0"
struct tunnel_paths {
    char socket[600], key[600], log[600];
};
void tunnel_paths(const struct config *config, struct tunnel_paths *ret_paths);
/* Leave the agent's session: returns in the child; the parent ends here. Before any thread. */
PT_MUST enum pt_code tunnel_leave(const struct config *config, struct pt_error *reterr);
PT_MUST enum pt_code run_tunnel(const struct process *process, struct pt_error *reterr);
PT_MUST enum pt_code run_paths(const struct process *process, struct pt_error *reterr);
/* run.c: run the node in the data folder until a signal. */
PT_MUST enum pt_code run_node(const struct process *process, struct pt_error *reterr);
