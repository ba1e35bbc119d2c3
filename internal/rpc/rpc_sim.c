/*
 * The simulated network. A fabric is refused until there is one.
 */
#include "rpc/rpc_sim.h"
#include "rpc/rpc_backend.h"

enum pt_code pt_rpc_sim_server_new(struct pt_sys *sys, const struct pt_rpc_server_options *options,
                                   struct pt_rpc_server **ret_server, struct pt_error *reterr)
{
    (void)sys;
    (void)options;
    (void)ret_server;
    return pt_fail(reterr, PT_UNIMPLEMENTED, PT_REASON_NONE, NULL, "there is no simulated network yet");
}

enum pt_code pt_rpc_sim_channel_new(struct pt_sys *sys, const struct pt_rpc_channel_options *options,
                                    struct pt_rpc_channel **ret_channel, struct pt_error *reterr)
{
    (void)sys;
    (void)options;
    (void)ret_channel;
    return pt_fail(reterr, PT_UNIMPLEMENTED, PT_REASON_NONE, NULL, "there is no simulated network yet");
}
