/*
 * The simulated network behind rpc.h: servers and channels of many hosts in one process, messages with delay.
 *
 * A world is the network. A fabric is one host's place in it, handed to pt_rpc_server_new and pt_rpc_channel_new by
 * their options. Time comes from the pt_sys that each server and channel is made with: on simulated hosts a run is a
 * function of the seed; on a real loop the same code is a message bus for tests. Delays have the resolution of
 * pt_timer, a millisecond, and are rounded up.
 *
 * What is kept of the real thing: order within a call, credentials and their refusals, doors, peers, deadlines,
 * cancelling, bounded queues with on_writable, the size limit of messages, status texts with reason and field.
 * What is not: bytes, connections, flow control over several calls.
 *
 * Hosts die without a word. pt_rpc_world_crash forgets all that the host had, with no callback on its side; it frees
 * the memory of the host's servers, channels and calls, which must not be touched afterwards. The other sides of its
 * calls learn of it `reset_ms` later: UNAVAILABLE at clients, cancelled at servers. The host may then come back with a
 * new pt_sys.
 */
#pragma once

#include "rpc/rpc.h"

struct pt_rpc_world;

struct pt_rpc_world_options {
    uint64_t (*random)(void *arg, uint64_t bound); /* uniform in 0..bound-1 */
    void *random_arg;
    uint64_t delay_min_us, delay_max_us; /* one way; 0,0 means 50..500 */
    uint64_t reset_ms;                   /* from a crash to the other sides' knowing; 0 means 20 */
    uint64_t stall_ms;                   /* from a cut to UNAVAILABLE on calls across it; 0 means 8000 */
};

struct pt_rpc_world *pt_rpc_world_new(const struct pt_rpc_world_options *options);
/* Servers, channels and calls must be gone or crashed. NULL is fine. */
void pt_rpc_world_free(struct pt_rpc_world *world);
/* The host's place, made at the first question; its address is 10.0.0.<host+1>. Valid until pt_rpc_world_free, also
 * over crashes. host < 250. */
struct pt_rpc_fabric *pt_rpc_world_host(struct pt_rpc_world *world, unsigned host);

/* Before or after pt_sim_crash of the same host, in the same instant. */
void pt_rpc_world_crash(struct pt_rpc_world *world, unsigned host);
/* Cut or heal one direction. What is under way stalls; after stall_ms of it both sides of a call see it break. */
void pt_rpc_world_partition(struct pt_rpc_world *world, unsigned from, unsigned to, bool cut);
/* Calls under way, for tests. */
size_t pt_rpc_world_calls(const struct pt_rpc_world *world);
