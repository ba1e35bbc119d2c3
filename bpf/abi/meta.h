/*
 * What the XDP program of a WAN link tells its tc companion, in the metadata before the frame.
 */
#pragma once

#include "bpf/abi/address.h"

#define PT_META_MAGIC 0x50540002U /* its last digits change with this struct */

struct pt_abi_meta {
    __u32 magic; /* zeroed by the companion: metadata may travel over a veth to another node's companion */
    __u32 ifindex;
    __u32 family; /* AF_INET, AF_INET6, or 0 when there is no next hop */
    struct pt_abi_address nexthop;
    __be32 outside; /* the packet's destination is to become `nexthop`; 0: it is not to be changed */
};
_Static_assert(sizeof(struct pt_abi_meta) == 32, "drivers take at most 32 bytes, in steps of 4");
