/*
 * Translation of addresses (NAT): where hosts reach the internet, and under which ports they are known there.
 *
 * Mappings (RFC 4787: endpoint-independent). Each link that is an exit has a pool: an array with a place for every port
 * of its address, for TCP, UDP and ICMP queries. The place is the mapping: who has it, and until when. A place that is
 * free or out of its time is taken by compare-and-swap, so two CPUs never give out one port, and nobody sweeps. What
 * comes in from the internet needs one look at that place; what goes out remembers the place in its flow entry, or
 * finds it by pt_nat_out, whose entries are hints: the place says whether they hold. So the hints may be evicted, and
 * are.
 *
 *    flow->nat    link (1..64) << 18 | class << 16 | port         0: none
 *                 PT_NAT_PREFIX | n                               prefix n of the segment's, one to one
 *                 PT_NAT_SEGMENT | VNI                            not translated: goes on in another segment
 *    in events    PT_NAT_INBOUND | link << 18 | class << 16 | port    came for that port, went to the host behind it
 *
 * Static mappings (port forwards) stand in the bundle, a row for each direction, and come before all others.
 */
#pragma once

#include <linux/types.h>

#define PT_NAT_LINKS_MAX 65U /* link numbers are 1..64 */
#define PT_NAT_PLACES (3U << 16)
#define PT_NAT_PORT_FIRST 1024U
#define PT_NAT_PORT_LAST 32767U /* above are the node's own ports (ip_local_port_range) */
#define PT_NAT_TRIES 1024U      /* places looked at for a new mapping */
#define PT_NAT_OUT_MAX 131072U
#define PT_NAT_PREFIX 0x80000000U
#define PT_NAT_SEGMENT 0x40000000U
#define PT_NAT_INBOUND 0x20000000U
#define PT_NAT_SEGMENT_VNI 0xffffffU
#define PT_NAT_TIME_SHIFT 30 /* times count units of 2^30 ns (1.07 s) of the monotonic clock */

enum pt_abi_nat_class { PT_NAT_TCP = 0, PT_NAT_UDP = 1, PT_NAT_ICMP = 2 };

#define PT_NAT_INDEX(link, class, port) ((__u32)(link) << 18 | (__u32)(class) << 16 | (port))
#define PT_NAT_LINK(index) ((index) >> 18 & 0x7f)
#define PT_NAT_PLACE(index) ((index)&0x3ffffU)
#define PT_NAT_PORT(index) ((__u16)(index))

/* key: number of the link, in exits; a row that is all zero is no exit */
struct pt_abi_exit {
    __be32 address, nexthop; /* nexthop 0: the kernel's routes decide */
    __u32 ifindex;
    __u16 mtu;
    __u16 flags; /* PT_EXIT_... */
};
_Static_assert(sizeof(struct pt_abi_exit) == 16, "abi");
#define PT_EXIT_SHAPED 1U /* packets must pass the link's queues, which XDP does not */

#define PT_NAT_EXITS_MAX 4 /* of a segment at a site */
#define PT_NAT_DESTINATIONS_MAX 16
#define PT_NAT_ADDRESS_DEPENDENT 1U

/* key: VNI, in breakouts. A host keeps to one link: the one that its address chooses. */
struct pt_abi_breakout {
    __u8 links_len, destinations_len, flags, reserved;
    __u8 links[PT_NAT_EXITS_MAX];
    __u32 udp, tcp, tcp_transitory, icmp; /* how long mappings last, in units */
    struct {
        __be32 prefix, mask;
    } destinations[PT_NAT_DESTINATIONS_MAX]; /* none: all */
};
_Static_assert(sizeof(struct pt_abi_breakout) == 24 + 8 * PT_NAT_DESTINATIONS_MAX, "abi");

/* in forwards */
struct pt_abi_forward_key {
    __be32 address; /* inside: the host's; else 0 */
    __u32 scope;    /* inside: VNI; else number of the link */
    __u16 port;     /* host order */
    __u8 protocol;
    __u8 inside; /* 1: what the host sends; 0: what comes for the link's address */
};
_Static_assert(sizeof(struct pt_abi_forward_key) == 12, "abi");

struct pt_abi_forward {
    __be32 address; /* of the host; 0 when inside */
    __u32 scope;    /* VNI; inside: number of the link */
    __u32 port;
    __u32 lan_ifindex; /* where the host is; 0 when inside */
};
_Static_assert(sizeof(struct pt_abi_forward) == 16, "abi");

/* A place of a pool. */
#define PT_NAT_ANSWERED 1U /* something came back */
#define PT_NAT_CLOSING 2U  /* a FIN or RST was sent, and no SYN since */

struct pt_abi_mapping {
    __u32 until;   /* taken until then; 0, or in the past: free */
    __be32 inside; /* who has it */
    __u32 vni;
    __u16 port; /* host order; of ICMP the query's id */
    __u16 flags;
    __u32 lan_ifindex;
    __u32 packets_in, packets_out; /* plain additions */
    __u32 reserved;
};
_Static_assert(sizeof(struct pt_abi_mapping) == 32, "abi");

/* in pt_nat_out */
struct pt_abi_inside {
    __be32 address;
    __u32 vni_class; /* VNI in the low 24 bits, enum pt_abi_nat_class in the high 8 */
    __u16 port;
    __u16 link;
};
_Static_assert(sizeof(struct pt_abi_inside) == 12, "abi");

/* in pt_nat_entered: flows that port forwards let in */
#define PT_NAT_ENTERED_MAX 65536U

/* in pt_nat_peers: whom the host of a mapping has sent to, where only those may answer. Value: until when. */
#define PT_NAT_PEERS_MAX 65536U
struct pt_abi_nat_peer {
    __u32 index; /* as in flow->nat */
    __be32 remote;
};
_Static_assert(sizeof(struct pt_abi_nat_peer) == 8, "abi");

/* key: VNI, in prefixes */
#define PT_NAT_PREFIXES_MAX 16
struct pt_abi_prefixes {
    __u32 len;
    struct {
        __be32 inside, outside, mask;
    } maps[PT_NAT_PREFIXES_MAX];
};
_Static_assert(sizeof(struct pt_abi_prefixes) == 4 + 12 * PT_NAT_PREFIXES_MAX, "abi");

/* What NAT did, and could not do, by link and CPU. There is room for more. Key: PT_NAT_COUNT */
#define PT_NAT_COUNTS_EACH 8U
#define PT_NAT_COUNTS_MAX (PT_NAT_LINKS_MAX * PT_NAT_COUNTS_EACH)
#define PT_NAT_COUNT(link, what) ((link)*PT_NAT_COUNTS_EACH + (what))
enum pt_abi_nat_count { PT_NAT_MADE = 0, PT_NAT_EXHAUSTED = 1, PT_NAT_ERRORS = 2, PT_NAT_HAIRPINS = 3 };
