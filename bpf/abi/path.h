/*
 * Links, peers, paths and next-hop groups as the programs see them.
 *
 * A path has a slot: a small number, local to the node, that stays the same from bundle to bundle while the path
 * exists. Everything that must outlive a bundle (liveness, counters) is an array over slots.
 */
#pragma once

#include "bpf/abi/address.h"
#include "bpf/abi/demand.h"
#include "bpf/abi/geneve.h"

#define PT_PATH_SLOTS 16384U /* slot 0 is never used: it means "none" */
#define PT_MEMBERS_MAX 8
#define PT_CLASS_TRANSIT 0xffffffffU /* policy class of the groups that a label selects */
#define PT_TIER_REPAIR 1024U /* of such a group, from here on: paths round a failure, whose labels go in front */

/* Own address on a WAN interface. */
struct pt_abi_link_key {
    __u32 ifindex;
    struct pt_abi_address local;
};
_Static_assert(sizeof(struct pt_abi_link_key) == 20, "abi");

struct pt_abi_link {
    __u32 link; /* number within the node */
    __u32 mtu;
};
_Static_assert(sizeof(struct pt_abi_link) == 8, "abi");

/* Who may send to us: far end of a tunnel, seen on a link. */
struct pt_abi_peer_key {
    __u32 ifindex;
    struct pt_abi_address remote;
};
_Static_assert(sizeof(struct pt_abi_peer_key) == 20, "abi");

struct pt_abi_peer {
    __u32 site_label;
    __u32 path_slot; /* the path straight over this tunnel, for counting what arrives; 0 for none */
};
_Static_assert(sizeof(struct pt_abi_peer) == 8, "abi");

#define PT_PATH_V6 1U      /* the outer header is IPv6 */
#define PT_PATH_NEXTHOP 2U /* nexthop is set; else the kernel's routes decide on the link */
#define PT_PATH_SEALED 4U  /* what it carries goes through the tunnel process; mtu is less by the seal */
#define PT_PATH_STRICT 64U /* no transit site may lead its packets round a failure: PT_OPTION_STRICT, bit for bit */
#define PT_PATH_SHAPED 8U  /* its link is shaped: packets must pass the link's queues, which XDP does not */

struct pt_abi_path {
    struct pt_abi_address local, remote; /* outer addresses */
    struct pt_abi_address nexthop;
    __u32 ifindex; /* 0: no path in this slot */
    __u32 mtu;     /* largest inner packet, with this stack */
    __u16 flags;
    __u16 stack_len;
    __u32 stack[PT_STACK_LEN_MAX]; /* labels in host order */
    __u32 destination;             /* label of the last site */
};
_Static_assert(sizeof(struct pt_abi_path) == 88, "abi");

/* The group of a site for a policy class; of a traffic class that is split otherwise, as PT_DEMAND_KEY of the label. */
struct pt_abi_group_key {
    __u32 site_label;
    __u32 policy_class;
};
_Static_assert(sizeof(struct pt_abi_group_key) == 8, "abi");

struct pt_abi_member {
    __u32 path_slot;
    __u16 weight;
    __u16 tier;
};
_Static_assert(sizeof(struct pt_abi_member) == 8, "abi");

/* Of a path: bit n is SLA n of this node. It breaks it now; it is not used for it (breaks, or came back too recently).
 */
struct pt_abi_path_sla {
    __u64 breaks, held;
};
_Static_assert(sizeof(struct pt_abi_path_sla) == 16, "abi");

#define PT_GROUP_REQUIRE                                                                                              \
    1U                       /* members that break the SLA are left out; those that are held come last, as without it \
                              */
#define PT_GROUP_BY_CLASS 2U /* some traffic class has a group of its own instead */
#define PT_GROUP_FOLLOW 4U   /* flows under way follow when a share moves between members that are as good */
/* Number of a class in a group's key, by enum pt_demand_class: there STANDARD has its own number, as 0 is all. */
#define PT_GROUP_CLASS(class) ((class) == PT_DEMAND_STANDARD ? 4U : (__u32)(class))
#define PT_TIER_SLA 0x8000U /* added to the tier of members that are held */
#define PT_SLAS_MAX 64U     /* SLAs of a node */

struct pt_abi_group {
    __u32 members_len;
    __u8 sla; /* 0: none; else its number on this node plus 1 */
    __u8 flags;
    __u8 move; /* enum pt_abi_move */
    __u8 reserved;
    struct pt_abi_member members[PT_MEMBERS_MAX];
};
_Static_assert(sizeof(struct pt_abi_group) == 72, "abi");

/* One word per slot. A path of which nothing is known yet carries traffic only when no other is alive. */
enum pt_abi_path_state { PT_PATH_UNKNOWN = 0, PT_PATH_ALIVE = 1, PT_PATH_DEAD = 2 };

struct pt_abi_counters {
    __u64 tx_packets, tx_bytes; /* inner bytes */
    __u64 rx_packets, rx_bytes;
    __u64 offered[PT_DEMAND_CLASSES]; /* bytes that hosts offered to it, sent or not: the demand of its site, in part */
};
_Static_assert(sizeof(struct pt_abi_counters) == 80, "abi");
