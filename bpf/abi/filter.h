/*
 * The firewall: what hosts of a segment may begin, and the flows that have begun.
 *
 * Rules stand by segment, all in one value, as steering rules do (abi/rule.h). What they let through leaves a track: an
 * entry under the key of the packets that will answer. A packet that has a track passes without rules. The site where
 * the answers come from learns of the flow by its first packet, which it believes: the seal, or the tunnel's address,
 * says that another edge has judged it.
 */
#pragma once

#include "bpf/abi/address.h"
#include "bpf/abi/flow.h"

#define PT_FILTER_RULES_MAX 64
#define PT_FILTER_REACH_MAX 8
#define PT_FILTER_INTERNET 0xffffffffU /* the target "internet", where a VNI stands else */
#define PT_FILTER_ALLOW 1U
#define PT_FILTER_PORTS 2U
#define PT_FILTER_PROTOCOL 4U

struct pt_abi_filter_rule {
    struct pt_abi_address source, source_mask;
    struct pt_abi_address destination, destination_mask;
    __u32 to; /* 0: within the segment, and to the internet */
    __u32 rule_id;
    __u16 port_first, port_last;
    __u16 protocol;
    __u16 flags;
};
_Static_assert(sizeof(struct pt_abi_filter_rule) == 80, "abi");

/* key: VNI, in filters */
struct pt_abi_filter {
    __u32 len;
    __u32 drop; /* what no rule matches */
    __u32 reach_len;
    __u32 reach[PT_FILTER_REACH_MAX]; /* VNIs of segments that rules lead to, or from */
    __u32 reserved;
    struct pt_abi_filter_rule rules[PT_FILTER_RULES_MAX];
};
_Static_assert(sizeof(struct pt_abi_filter) == 48 + 80 * PT_FILTER_RULES_MAX, "abi");

/* How long a track lasts after the flow's last packet, in units of abi/flow.h (1.05 ms). */
#define PT_TRACK_TCP 7095000U       /* 2 h 4 min (RFC 5382) */
#define PT_TRACK_TCP_BEGINS 228000U /* 4 min */
#define PT_TRACK_OTHER 286000U      /* 5 min */
#define PT_TRACK_FRESH_SHIFT 12     /* a track is written anew once in 2^12 units (4.3 s) */
#define PT_TRACKS_MAX 262144U

enum pt_abi_track_state { PT_TRACK_BEGUN = 1, PT_TRACK_ANSWERED = 2, PT_TRACK_DENIED = 3 };

struct pt_abi_track {
    __u32 seen; /* units */
    __u32 vni;  /* of the segment of who began: where answers go */
    __u32 rule_id;
    __u32 state;
};
_Static_assert(sizeof(struct pt_abi_track) == 16, "abi");
