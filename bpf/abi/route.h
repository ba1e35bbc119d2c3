/*
 * Segments: which interface belongs to which, and where their prefixes are.
 *
 * IPv4 and IPv6 have a table each, because a walk down a trie costs by the bit. Both hold every segment of the node:
 * the VNI stands before the address, so a prefix length counts 32 bits for the VNI first.
 */
#pragma once

#include "bpf/abi/address.h"

#define PT_ROUTE_VNI_BITS 32U

#define PT_LAN_FILTERED 1U /* a row in filters */
#define PT_LAN_EXITS 2U    /* one in breakouts, or forwards that lead to it */
#define PT_LAN_PREFIXES 4U /* one in prefixes */
#define PT_LAN_LIMITED 8U  /* some in limits */

/* key: ifindex */
struct pt_abi_lan {
    __u32 vni;
    __be16 geneve_port; /* the node's, so that a hit need not ask for it */
    __u8 dir;           /* 1..PT_DIRS_MAX: the segment's IPv4 prefixes are in that table; 0: in the trie */
    __u8 features;      /* of the segment, so that who has none pays for none */
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
#define PT_LABEL_INTERNET 0x100000U /* no site's: beyond 20 bits */
#define PT_ROUTE_LABEL(route) ((route)->site_label & 0xfffffU)

struct pt_abi_route {
    __u32 site_label;  /* and flags */
    __u32 lan_ifindex; /* 0 unless the prefix is here */
};
_Static_assert(sizeof(struct pt_abi_route) == 8, "abi");

/*
 * A table for the IPv4 prefixes of one big segment (DIR-24-8): a word for each /24, and blocks of 256 words for those
 * /24s that longer prefixes cut up. A look-up reads one word, or two, however many prefixes there are; the trie reads a
 * node for each bit in which prefixes differ. Words lie 16 in an entry of the map, so that no space is lost to its
 * stride.
 *
 *    word   0                       no route
 *           1 block (24)            PT_DIR_BLOCK: look on in that block, by the last byte
 *           01 sealed ifindex (24)  PT_DIR_LOCAL: of this site
 *           00 sealed label (20)    of another
 */
#define PT_DIRS_MAX 8U           /* tables of a node */
#define PT_DIR_ROUTES_MIN 16384U /* prefixes from which a segment gets one: 64 MB, twice */
#define PT_DIR_WORDS 16U
#define PT_DIR_FIRST (1U << 20) /* entries before the first block */
#define PT_DIR_BLOCK 0x80000000U
#define PT_DIR_LOCAL 0x40000000U
#define PT_DIR_SEALED 0x20000000U
#define PT_DIR_VALUE 0xffffffU

struct pt_abi_dir_line {
    __u32 words[PT_DIR_WORDS];
};
_Static_assert(sizeof(struct pt_abi_dir_line) == 64, "abi");
