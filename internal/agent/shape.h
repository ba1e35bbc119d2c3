/*
 * Shaping of a WAN link: a tree of queues in the kernel (HTB), by class of traffic.
 *
 *    htb 5074:            what stands at the link's root
 *      5074:1             the link: nothing leaves faster than its rate
 *        5074:10          network control (liveness, ARP): a small rate of its own, served first
 *        5074:11          REALTIME: served before the others, at most its percent of the link
 *        5074:12..15      INTERACTIVE, STREAMING, STANDARD, BULK: each gets at least its percent when it asks for it;
 *                         what others leave is shared in the same proportion
 *
 * Which class a packet is in stands in its priority, which is the number of the queue (dp_bpf_qos.c writes it).
 */
#pragma once

#include "base/error.h"
#include "patronus/v1/agent.pb-c.h"

#include <stdbool.h>
#include <stdint.h>

#define PT_SHAPE_CLASSES 6U       /* by number of a TrafficClass; 0 is network control */
#define PT_SHAPE_RATE_MIN 100000U /* bit/s */

struct pt_shape_class {
    uint32_t percent;  /* of the link; 0: the class is not used */
    uint32_t queue_ms; /* most that may wait, as time at the link's rate (REALTIME: at its own); 0: a default */
};

struct pt_shape {
    uint64_t rate_bps; /* of Ethernet frames without preamble and checksum */
    uint32_t mtu;
    struct pt_shape_class classes[PT_SHAPE_CLASSES]; /* [0] is not looked at */
};

/* What a class is promised, bit/s: REALTIME's bound, and the least for the others. */
uint64_t pt_shape_promise(const struct pt_shape *shape, uint32_t traffic_class);
/* Number of a class's queue, for skb->priority. */
uint32_t pt_shape_queue(uint32_t traffic_class);

/* Put the tree at the link's root, or change the one that is there in place: packets that wait are kept. */
PT_MUST enum pt_code pt_shape_apply(uint32_t ifindex, const struct pt_shape *shape, struct pt_error *reterr);
/* Take our tree away; what somebody else put at the root stays. */
void pt_shape_remove(uint32_t ifindex);

/* Class of a DSCP by the link's entry; 0: network control. */
uint32_t pt_shape_class_of(const Patronus__V1__LinkEntry *entry, uint32_t dscp);

struct pt_shape_count { /* since the tree was made */
    uint64_t bytes, packets, drops;
    uint32_t backlog_bytes, backlog_packets; /* now */
};
/* False when our tree is not at the link's root. */
bool pt_shape_read(uint32_t ifindex, struct pt_shape_count ret_counts[PT_SHAPE_CLASSES]);
