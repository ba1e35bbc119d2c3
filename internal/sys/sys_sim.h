/*
 * The simulated world: virtual clock, network and disks for many nodes in one process, all from one seed.
 *
 * Time moves only in pt_sim_step. Every source of order (timers, network delays, disk latencies, random bytes) draws
 * from the seed, so that a run is a function of (seed, program).
 *
 * Disks lose on a crash what was written but not synced: each un-synced write is, by the seed, kept, lost or torn at a
 * 512-byte sector. Names are durable after pt_dir_sync of their folder; before it, by the seed, in order. That holds
 * for folders too: a new folder is durable after pt_dir_sync of its parent, and what is in it is lost with it.
 *
 * One thread runs everything: pt_sys_on_loop is always true here. A callback takes no virtual time, except that a sync
 * on the loop holds up the whole host for as long as it takes. Time is exact to the microsecond or so: a post or a
 * timer with delay 0 takes 1 us, other timers fire up to 100 us late, by the seed.
 *
 * Objects of a host (timers, streams, listeners, executors, files) must be freed before pt_sim_free.
 */
#pragma once

#include "sys/sys.h"

struct pt_sim;

struct pt_sim_options {
    uint64_t seed;
    uint64_t net_delay_min_us, net_delay_max_us;   /* one way; 0,0 means 50..500 */
    uint64_t disk_delay_min_us, disk_delay_max_us; /* a sync; 0,0 means 50..300 */
};

/* Not for another thread than the one that made it. */
struct pt_sim *pt_sim_new(const struct pt_sim_options *options);
void pt_sim_free(struct pt_sim *sim);
/* A new host with an empty disk and its own address 10.0.0.<index+1>. */
unsigned pt_sim_add_host(struct pt_sim *sim);
/* The world as the host sees it; NULL while it is down. Valid until pt_sim_crash of the host. */
struct pt_sys *pt_sim_host(struct pt_sim *sim, unsigned host);
/* Virtual now. */
uint64_t pt_sim_now_ns(const struct pt_sim *sim);
/* Run the next event; false when there is none before until_ns (the clock then stands at until_ns, unless that is
 * UINT64_MAX). */
bool pt_sim_step(struct pt_sim *sim, uint64_t until_ns);
/* Seeded random for the test itself, below bound (which is not 0). A stream of its own: drawing does not change what
 * the world does. */
uint64_t pt_sim_random(struct pt_sim *sim, uint64_t bound);
/* A hash over the time, order and host of every event that ran: equal for equal (seed, program). */
uint64_t pt_sim_trace_hash(const struct pt_sim *sim);

/* Faults. */
/* The process is gone: timers, executors, streams and posts of the host vanish without callbacks; the caller frees the
 * node's memory by the objects' own abandon functions, which call nothing of sys. Un-synced data is lost when
 * power_loss; kept otherwise (kill -9). pt_timer_free and such on a dead host's objects are no-ops that free memory;
 * anything else asked of its pt_sys does nothing, and file operations fail with PT_IO. The other ends of its streams
 * learn at once after kill -9; after a power loss when the host is back, or after 10 s. */
void pt_sim_crash(struct pt_sim *sim, unsigned host, bool power_loss);
void pt_sim_restart(struct pt_sim *sim, unsigned host);
/* Cut or heal one direction between two hosts; open streams stall (they do not learn) and then reset after 10 s. A
 * connect fails after 10 s when either direction stays cut. */
void pt_sim_partition(struct pt_sim *sim, unsigned from, unsigned to, bool cut);
/* The host runs nothing until virtual time passes (SIGSTOP). */
void pt_sim_pause(struct pt_sim *sim, unsigned host, uint64_t duration_ns);
/* Somebody sets the host's wall clock: so much from what it ought to be. It stays, over restarts too. */
void pt_sim_set_wall(struct pt_sim *sim, unsigned host, int64_t skew_ns);
/* The nth next file operation of the host fails with the code (PT_IO, PT_NO_SPACE), and all after it when sticky; nth 1
 * is the next one, 0 turns failing off. PT_NO_SPACE counts and fails only what allocates: making files and folders,
 * writing, renaming. A failed write may have written a part; a failed sync loses, by the seed, what it should have made
 * durable, and a later sync does not bring it back. */
void pt_sim_fail_disk(struct pt_sim *sim, unsigned host, unsigned nth, enum pt_code code, bool sticky);
/* Flip one bit of a file of the host's disk; false when the file is missing or shorter. */
bool pt_sim_flip_bit(struct pt_sim *sim, unsigned host, const char *path, uint64_t bit);
/* That bit as it is after a loss of power. False too when there is no such file, or it ends before. */
bool pt_sim_durable_bit(struct pt_sim *sim, unsigned host, const char *path, uint64_t bit);
/* Slow every sync of the host down to this long; 0 ends it. */
void pt_sim_slow_disk(struct pt_sim *sim, unsigned host, uint64_t sync_ns);
