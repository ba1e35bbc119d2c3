/*
 * The flow cache: what was decided for a flow, so that its next packet need not ask again.
 *
 * An entry is an answer with the question's date. It holds while its `generation` is the bundle in force and its
 * `epoch` the steering state in force; nobody sweeps the table when either word changes: the flow's next packet finds
 * its entry stale, runs rules, route and group once more, and writes the date of today. What the entry remembers
 * survives that: the path that the flow is on, which the move mode may let it keep, and everything counted.
 *
 * The path's own state is asked for every packet, so a dead path is left at once whatever the entry's date.
 *
 * Layout. A key of IPv4 is 16 bytes and a value 64, so that with the kernel's 48 bytes of links and hash an entry of
 * the IPv4 table is two cache lines, the value being one of them. The first half of the value is what a hit needs.
 *
 * `application` is the verdict of packet inspection (abi/inspect.h): a number in the low 24 bits, above them how sure
 * that is, a step of PT_FLOW_SURE_STEPS, and in the highest 4 by what it was recognised. The agent writes it with
 * BPF_EXIST, clears PT_FLOW_ASKING when it is final, and makes the entry stale, so that rules are asked once more, now
 * about that application too. `traffic_class` (the queue), `nat` (what is translated, see abi/nat.h; 0: nothing) and
 * `meter` (an index into pt_meters; 0: none) are read on a hit and kept over a new decision. Why a packet went where it
 * went is the entry itself: rule, class, reason, and by `generation` a row of pt_applied, which names the revision of
 * the configuration, the bundle's position and the epoch of traffic engineering; the same goes out as an event
 * (abi/event.h). Other questions get a table of their own, with the same key.
 */
#pragma once

#include "bpf/abi/address.h"

/* Entries of each of the two tables; the least recently used go first. 262,144, and what may lie in lists of CPUs. */
#define PT_FLOWS_MAX (262144U + 8192U)

struct pt_abi_flow4_key {
    __be32 source, destination;
    __u16 port_source, port_destination; /* host order; 0 of protocols that have none */
    __u32 vni_protocol;                  /* VNI in the low 24 bits, protocol in the high 8 */
};
_Static_assert(sizeof(struct pt_abi_flow4_key) == 16, "abi");

struct pt_abi_flow6_key {
    struct pt_abi_address source, destination;
    __u16 port_source, port_destination;
    __u32 vni_protocol;
};
_Static_assert(sizeof(struct pt_abi_flow6_key) == 40, "abi");

#define PT_FLOW_VNI_PROTOCOL(vni, protocol) ((vni) | (__u32)(protocol) << 24)

/* Echoes have no ports in rules, but in keys of flows: the id is the port of who asks, this is that of who answers. */
#define PT_QUERY_PORT 8

enum pt_abi_flow_verdict {
    PT_FLOW_PATH = 1,  /* out by a path: `out` is its slot */
    PT_FLOW_LOCAL = 2, /* to a host of this site: `out` is the interface */
    PT_FLOW_DROP = 3,  /* `reason` says why; `out` is the path before, or 0 */
    PT_FLOW_EXIT = 4   /* to the internet: `out` is the link, `nat` the mapping */
};

/* Flags of an entry. */
#define PT_FLOW_SEALED 1U  /* the segment refuses plain paths */
#define PT_FLOW_LEAVING 2U /* the path breaks what the rule asks for: leave it at the next gap (GRACEFUL) */
#define PT_FLOW_ASKING 4U  /* packet inspection has not given its answer yet: its first packets go there */
#define PT_FLOW_MOVED 8U   /* has changed its path at least once since it began */
#define PT_FLOW_NO_WAY 16U /* packets were dropped since the last decision, because there was no way */
/* Something else remembers the flow too, a track or a mapping, and is to be told that it lives: the first packet in
 * each 2^PT_FLOW_WATCH_SHIFT units (4.3 s) asks again. */
#define PT_FLOW_WATCHED 32U
#define PT_FLOW_WATCH_SHIFT 12
#define PT_FLOW_LEARNED 64U  /* its application changed since the last decision: a path that may be kept is kept */
#define PT_FLOW_CLASSED 128U /* traffic_class is its application's, whatever its DSCP says */
/* What a hit must look at more closely, by one test for all; of most flows none is set. */
#define PT_FLOW_LOOK (PT_FLOW_LEAVING | PT_FLOW_WATCHED | PT_FLOW_ASKING)

/* How flows that are under way follow a new choice. */
enum pt_abi_move {
    PT_MOVE_NEW_ONLY = 0, /* they do not */
    PT_MOVE_GRACEFUL = 1, /* when they pause, so that nothing overtakes */
    PT_MOVE_FORCED = 2    /* at once */
};

#define PT_FLOW_TIME_SHIFT 20 /* `seen` and `since` count units of 2^20 ns (1.05 ms) of the monotonic clock */
#define PT_FLOW_GAP 191U      /* units: a pause of 200 ms, in which what is on its way arrives */
#define PT_FLOW_APPLICATION_BITS 24
#define PT_FLOW_APPLICATION_MASK 0xffffffU
#define PT_FLOW_EVIDENCE_SHIFT 28 /* enum pt_dpi_evidence; programs do not look at it, nor at the step */
#define PT_FLOW_SURE_MASK 15U
#define PT_FLOW_SURE_STEPS 0, 20, 30, 50, 60, 70, 95, 100 /* per cent: all that inspection says (docs/mod/dpi.md) */

struct pt_abi_flow {
    __u32 generation; /* of the bundle at the last decision */
    __u32 epoch;      /* of steering at the last decision */
    __u32 out;        /* by verdict */
    __u8 verdict;     /* enum pt_abi_flow_verdict */
    __u8 reason;      /* dropped: enum pt_drop; by a path: its tier when that was decided, 255 for that or more */
    __u8 dscp;        /* that the decision was made for; a packet with another one asks again */
    __u8 flags;
    __u32 seen; /* when the last packet came */
    __u32 nat;
    __u16 meter;
    __u8 traffic_class; /* enum pt_demand_class */
    __u8 move;          /* enum pt_abi_move of the group */
    __u32 since;        /* when `out` or the verdict last changed */

    __u32 rule_id; /* of the rule that matched; 0: none did */
    __u32 hash;    /* of the flow, as lib/packet.h makes it: chooses among paths, and the outer source port */
    __u32 policy_class;
    __u32 application;
    /* That hosts sent, dropped ones included. Plain additions: where two CPUs carry one flow at a time some are lost.
     * Sums that must be right are those of pt_counters and pt_drops. */
    __u64 packets, bytes;
};
_Static_assert(sizeof(struct pt_abi_flow) == 64, "abi");

/* Which bundle a generation was: row generation % PT_APPLIED_MAX of pt_applied, written before the flip. */
#define PT_APPLIED_MAX 1024U

struct pt_abi_applied {
    __u32 generation;
    __u32 te_epoch;              /* of traffic engineering */
    __u64 revision;              /* log index of the state that it was computed from */
    __u64 epoch, term, position; /* of the bundle; `position` is its generation within the term */
    __u64 time_ns;               /* node's clock, since 1970 */
};
_Static_assert(sizeof(struct pt_abi_applied) == 48, "abi");

/*
 * A rate limit: the time at which the traffic let through so far would have ended at the rate (GCRA). One word for all
 * CPUs, advanced by compare-and-swap. The clock has the kernel's tick, so burst_ns is at least 20 ms.
 */
#define PT_METERS_MAX 1024U

struct pt_abi_meter {
    __u64 ns_per_byte_q20; /* nanoseconds a byte, with 20 fractional bits; 0: no limit */
    __u64 burst_ns;
    __u64 until_ns; /* the programs' */
    __u64 dropped;
    __u32 parent; /* meter that must let the packet through too; 0: none */
    __u32 reserved;
};
_Static_assert(sizeof(struct pt_abi_meter) == 40, "abi");
