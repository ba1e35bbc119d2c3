/*
 * How much more could a path carry? Trains of probes are sent at one rate after the other. A train that is faster than
 * what is left of the narrowest link makes a queue grow while it lasts, so each of its packets is later than the one
 * before; one that is slower does not. The rate at which that begins is looked for: by fours until a train is slow,
 * then between the fastest that was not and the slowest that was, beginning with the rate at which the slow one came
 * out.
 *
 * What is asked is only whether delay grows along a train, so the clocks of the two ends need not agree, and what a
 * single packet waited for a processor does not count: medians of the first and the last quarter are compared. Where
 * the queue is too short to show that, a train that loses a tenth more than slower ones did is slow. A slow train is
 * believed when a second one is slow too. A sender that was kept from sending for a while spoils its train: the queue
 * drained meanwhile, and it is sent again.
 *
 * Pure: who uses it sends the trains. Limits: PT_TRAINS_MAX trains of PT_TRAIN_LEN_MAX packets, 4 MB.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define PT_TRAIN_LEN_MAX 100
#define PT_TRAIN_LEN_MIN 16
#define PT_TRAIN_SIZE 1280U /* of a packet with its IP header: no IPv6 path takes less */
#define PT_TRAINS_MAX 30U
#define PT_BANDWIDTH_BPS_MIN 100000U /* below this nothing is looked for */
#define PT_BANDWIDTH_BPS_MAX 1000000000U

/* A train that was sent, packet by packet. */
struct pt_train {
    uint32_t len;
    int64_t sent_ns[PT_TRAIN_LEN_MAX], came_ns[PT_TRAIN_LEN_MAX]; /* by the clock of each end */
    bool came[PT_TRAIN_LEN_MAX];
};

struct pt_train_verdict {
    uint64_t sent_bps, came_bps; /* came: as delay grew */
    uint32_t lost;
    bool slow;    /* delay grew: faster than the path takes */
    bool spoiled; /* not sent evenly */
};
void pt_train_judge(const struct pt_train *train, struct pt_train_verdict *ret_verdict);

struct pt_bandwidth {
    uint64_t max_bps, next_bps;       /* next 0: done */
    uint64_t low_bps, high_bps;       /* low: came as sent; high: did not; 0: no such train yet */
    uint64_t hint_bps;                /* at which the newest slow train came out */
    unsigned hints;                   /* rates around it that are still to be tried: one below, one above */
    bool doubtful;                    /* the newest train was slow: the same once more */
    uint32_t fast_packets, fast_lost; /* of trains that were not slow: what the path loses anyhow */
    uint32_t trains, packets, spoiled;
    uint64_t bytes;
};

/* max_bps: 0 or more than PT_BANDWIDTH_BPS_MAX: that. */
void pt_bandwidth_init(struct pt_bandwidth *bandwidth, uint64_t max_bps);
/* Packets of a train of this rate: some 200 ms of them. */
uint32_t pt_bandwidth_train_len(uint64_t rate_bps);
void pt_bandwidth_put(struct pt_bandwidth *bandwidth, const struct pt_train *train);
/* The middle of what is known; 0: less than PT_BANDWIDTH_BPS_MIN. */
uint64_t pt_bandwidth_estimate(const struct pt_bandwidth *bandwidth);
