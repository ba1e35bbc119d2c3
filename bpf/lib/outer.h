/*
 * The outer header: made here for both programs, as two pieces of fixed layout (the IP header, and everything from UDP
 * to the last label), so that each can be stored with one call.
 */
#pragma once

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include "bpf/lib/maps.h"

#define PT_OUTER_TTL 64
#define PT_ECN_MASK 3
#define PT_SOURCE_PORT_FIRST 49152U /* RFC 8926 3.3: the ephemeral range carries the flow's entropy */

struct pt_tunnel_header {
    struct udphdr udp;
    struct pt_geneve geneve;
    struct pt_geneve_option option; /* not sent when the stack is empty */
    __be32 stack[PT_STACK_LEN_MAX];
};
_Static_assert(sizeof(struct pt_tunnel_header) == 16 + 4 + 24, "no padding");

/* What the outer header says of the packet inside. */
struct pt_envelope {
    __u32 vni;
    __u32 inner_size;
    __u32 flow;      /* for the source port and the flow label */
    __be16 port;     /* of Geneve */
    __be16 protocol; /* ethertype of the inner packet */
    __u8 tos;
    __u8 control;
    __u16 stack_len;
    __u8 repaired; /* 1: by labels put in front on the way */
    __u8 strict;   /* 1: no site may put any there */
};

PT_INLINE __u16 pt_checksum_fold(__u32 sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (__u16)~sum;
}

PT_INLINE __u32 pt_tunnel_size(__u32 stack_len)
{
    return (__u32)(sizeof(struct udphdr) + sizeof(struct pt_geneve)) + PT_STACK_SIZE(stack_len);
}

/* A super-packet's length does not fit; the kernel writes each segment's own. */
PT_INLINE __be16 pt_length16(__u32 size)
{
    return bpf_htons((__u16)(size > 0xffff ? 0xffff : size));
}

/* Everything from UDP on; the labels are the caller's to fill in. */
PT_INLINE void pt_tunnel_header_fill(struct pt_tunnel_header *h, const struct pt_envelope *e)
{
    __u32 option_size = PT_STACK_SIZE(e->stack_len);

    h->udp.source = bpf_htons((__u16)(PT_SOURCE_PORT_FIRST | (e->flow & 0x3fff)));
    h->udp.dest = e->port;
    h->udp.len = pt_length16(pt_tunnel_size(e->stack_len) + e->inner_size);
    h->udp.check = 0;
    h->geneve.version_words = (__u8)(option_size / 4);
    h->geneve.flags = (__u8)((option_size != 0 ? PT_GENEVE_CRITICAL : 0) | (e->control ? PT_GENEVE_CONTROL : 0));
    h->geneve.protocol = e->protocol;
    h->geneve.vni_reserved = bpf_htonl(e->vni << 8);
    h->option.class = bpf_htons(PT_OPTION_CLASS);
    h->option.type = PT_OPTION_PATH_STACK;
    h->option.words =
        (__u8)(e->stack_len | (e->repaired ? PT_OPTION_REPAIRED : 0) | (e->strict ? PT_OPTION_STRICT : 0));
}

PT_INLINE void pt_outer_v4(struct iphdr *ip, const struct pt_abi_path *path, const struct pt_envelope *e)
{
    ip->version = 4;
    ip->ihl = 5;
    ip->tos = e->tos;
    ip->tot_len = pt_length16((__u32)sizeof(*ip) + pt_tunnel_size(e->stack_len) + e->inner_size);
    ip->id = 0; /* meaningless with DF (RFC 6864) */
    ip->frag_off = bpf_htons(0x4000);
    ip->ttl = PT_OUTER_TTL;
    ip->protocol = IPPROTO_UDP;
    ip->saddr = path->local.words[3];
    ip->daddr = path->remote.words[3];
    /* Summed from the fields: the sum of 16-bit words is the same in any byte order, once folded. */
    __u32 sum = bpf_htons(0x4500 | e->tos) + ip->tot_len + ip->frag_off + bpf_htons(PT_OUTER_TTL << 8 | IPPROTO_UDP) +
                (ip->saddr & 0xffff) + (ip->saddr >> 16) + (ip->daddr & 0xffff) + (ip->daddr >> 16);
    ip->check = pt_checksum_fold(sum);
}

PT_INLINE void pt_outer_v6(struct ipv6hdr *ip, const struct pt_abi_path *path, const struct pt_envelope *e)
{
    ip->version = 6;
    ip->priority = e->tos >> 4;
    ip->flow_lbl[0] = (__u8)(e->tos << 4 | (e->flow >> 16 & 0xf));
    ip->flow_lbl[1] = (__u8)(e->flow >> 8);
    ip->flow_lbl[2] = (__u8)e->flow;
    ip->payload_len = pt_length16(pt_tunnel_size(e->stack_len) + e->inner_size);
    ip->nexthdr = IPPROTO_UDP;
    ip->hop_limit = PT_OUTER_TTL;
    __builtin_memcpy(&ip->saddr, &path->local, 16);
    __builtin_memcpy(&ip->daddr, &path->remote, 16);
}

PT_INLINE void pt_nexthop_fill(struct bpf_redir_neigh *neighbour, __u32 family, const struct pt_abi_address *address)
{
    neighbour->nh_family = family;
    if (family == 2 /* AF_INET */) {
        neighbour->ipv4_nh = address->words[3];
    } else {
        __builtin_memcpy(neighbour->ipv6_nh, address, 16);
    }
}

/* Family of a path's or destination's address: v4-mapped is IPv4. */
PT_INLINE __u32 pt_address_family(const struct pt_abi_address *a)
{
    return a->words[0] == 0 && a->words[1] == 0 && a->words[2] == bpf_htonl(0xffff) ? 2U : 10U;
}
