/*
 * Segments: which interface belongs to which, and where their prefixes are.
 *
 * IPv4 and IPv6 have a table each, because a walk down a trie costs by the bit. Both hold every segment of the node:
 * the VNI stands before the address, so a prefix length counts 32 bits for the VNI first.
 */
#pragma once

#include "bpf/abi/address.h"

#define PT_ROUTE_VNI_BITS 32U

/* key: ifindex */
struct pt_abi_lan {
    __u32 vni;
    __be16 geneve_port; /* the node's, so that a hit need not ask for it */
    __u16 reserved;
};
_Static_assert(sizeof(struct pt_abi_lan) == 8, "abi");

struct pt_abi_route4_key {
    __u32 prefix_len; /* PT_ROUTE_VNI_BITS + 0..32; host order, as every trie key */
    __be32 vni;
    __be32 address;
};
_Static_assert(sizeof(struct pt_abi_route4_key) == 12, "abi");

struct pt_abi_route6_key {
    __u32 prefix_len; /* PT_ROUTE_VNI_BITS + 0..128 */
    __be32 vni;
    struct pt_abi_address address;
};
_Static_assert(sizeof(struct pt_abi_route6_key) == 24, "abi");

#define PT_ROUTE_SEALED 0x80000000U /* in site_label (20 bits): the segment refuses plain paths, in both directions */
#define PT_ROUTE_LABEL(route) ((route)->site_label & 0xfffffU)

struct pt_abi_route {
    __u32 site_label;  /* and flags */
    __u32 lan_ifindex; /* 0 unless the prefix is here */
};
_Static_assert(sizeof(struct pt_abi_route) == 8, "abi");
