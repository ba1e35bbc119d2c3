/*
 * What the programs tell the agent as it happens: a flow was decided, decided otherwise, or a packet was dropped. The
 * agent keeps them (internal/agent/history.h): the flow cache knows what is, they know what was.
 *
 * A flow is told when it gets its entry, and when its verdict, path, rule or class changes; not when the same decision
 * is only made anew. Drops that no entry remembers are told packet by packet, and the entry of a flow that had one is
 * marked, so that it is told again when it goes on. All pass one gate of PT_EVENTS_PER_S, so that a flood costs a
 * comparison a packet; what the gate or a full ring keeps out is counted. Of what hook wan drops a few examples a
 * second are told, and the flows that port forwards let in, as they come: from outside to the link's address.
 */
#pragma once

#include "bpf/abi/flow.h"

#define PT_EVENTS_SIZE (1U << 20) /* of the ring: 10,000 events */
#define PT_EVENTS_PER_S 8000U
#define PT_EVENTS_SAMPLES_PER_S 64U /* of drops by hook wan */
#define PT_EVENTS_BURST_NS 1000000000ULL

enum pt_abi_event_kind {
    PT_EVENT_FLOW = 0,   /* a flow's entry says the same */
    PT_EVENT_NO_WAY = 1, /* the flow has no way now; no entry says so */
    PT_EVENT_PACKET = 2  /* one packet was dropped, whatever the flow's way is: too big, TTL used up */
};

struct pt_abi_event {
    struct pt_abi_flow6_key flow; /* IPv4 as v4-mapped */
    __u32 generation;
    __u64 ns; /* monotonic */
    __u32 out;
    __u32 rule_id, policy_class, site_label;
    __u32 application, nat;
    __u8 verdict; /* enum pt_abi_flow_verdict */
    __u8 reason, dscp, flags;
    __u8 traffic_class, move;
    __u8 kind; /* enum pt_abi_event_kind */
    __u8 reserved;
};
_Static_assert(sizeof(struct pt_abi_event) == 88, "abi");

/* key: 0 */
struct pt_abi_event_gate {
    __u64 until_ns; /* GCRA, as a meter */
    __u64 lost;     /* about: races lose counts */
};
_Static_assert(sizeof(struct pt_abi_event_gate) == 16, "abi");
