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
/* tunnel.c: an edge's tunnel process. */
#define TUNNEL_DEVICE "patronus0"
struct tunnel_paths {
    char socket[600], key[600], log[600];
};
void tunnel_paths(const struct config *config, struct tunnel_paths *ret_paths);
/* Leave the agent's session: returns in the child; the parent ends here. Before any thread. */
PT_MUST enum pt_code tunnel_leave(const struct config *config, struct pt_error *reterr);
PT_MUST enum pt_code run_tunnel(const struct process *process, struct pt_error *reterr);
/* run.c: run the node in the data folder until a signal. */
PT_MUST enum pt_code run_node(const struct process *process, struct pt_error *reterr);
