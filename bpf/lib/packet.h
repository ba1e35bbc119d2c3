/*
 * A host's packet as the LAN program sees it: read once, by a cursor, into one struct that every later step takes.
 *
 * Bytes are copied out with bpf_skb_load_bytes, not read through packet pointers: headers may lie outside the linear
 * part of a large packet, and copies stay valid when the packet is rewritten.
 */
#pragma once

#include <linux/icmpv6.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>

#include "bpf/lib/hash.h"
#include "bpf/lib/maps.h"

#define PT_IP_FRAGMENT_BITS 0x3fff /* more fragments, and the offset */
#define PT_IP_DF 0x4000
#define PT_V6_EXTENSIONS_MAX 4
#define PT_TCP_FIN 1
#define PT_TCP_SYN 2
#define PT_TCP_RST 4
#define PT_TCP_ACK 16

struct pkt {
    struct pt_abi_address source, destination;
    __u32 slot;                          /* of the bundle maps */
    __u32 vni;                           /* segment of the ingress interface */
    __u32 dir;                           /* its table of routes, or 0 */
    __u32 own_label;                     /* of this site */
    __u32 flow;                          /* hash */
    __u32 size;                          /* bytes from the IP header on; of a super-packet, all of it */
    __u32 size_max;                      /* of the largest packet that it will become on the wire */
    __u32 l4_offset;                     /* from the start of the frame; 0 when there is no whole L4 header */
    __u16 port_source, port_destination; /* host order; valid if has_ports */
    __u8 protocol;                       /* of L4 */
    __u8 tos;                            /* DSCP and ECN */
    __u8 ttl;
    __u32 packets; /* that it will become on the wire */
    __u8 v6, df, has_ports, fragment;
    __u8 begins;   /* a TCP SYN without ACK */
    __u8 ends;     /* a TCP FIN or RST */
    __u8 features; /* of its segment: PT_LAN_... */
};

struct pt_v6_extension {
    __u8 next, words; /* length in 8-byte words, without the first */
    __be16 rest;      /* of a fragment header: offset and the "more" bit */
};

/* Source and destination port, the first bytes of TCP, UDP, SCTP, UDP-Lite and DCCP alike. */
PT_INLINE void pkt_read_ports(struct __sk_buff *skb, struct pkt *p)
{
    struct {
        __be16 source, destination;
        __be32 sequence, acknowledged;
        __u8 offset, flags;
    } head;

    if (p->protocol != IPPROTO_TCP && p->protocol != IPPROTO_UDP && p->protocol != IPPROTO_SCTP &&
        p->protocol != IPPROTO_UDPLITE && p->protocol != IPPROTO_DCCP) {
        return;
    }
    if (p->protocol == IPPROTO_TCP && bpf_skb_load_bytes(skb, p->l4_offset, &head, 14) == 0) {
        p->begins = (head.flags & (PT_TCP_SYN | PT_TCP_ACK)) == PT_TCP_SYN;
        p->ends = (head.flags & (PT_TCP_FIN | PT_TCP_RST)) != 0;
    } else if (bpf_skb_load_bytes(skb, p->l4_offset, &head, 4) != 0) {
        return;
    }
    p->port_source = bpf_ntohs(head.source);
    p->port_destination = bpf_ntohs(head.destination);
    p->has_ports = 1;
}

/* An echo has no ports, but an id: taken as the port of who asks, it tells a question from an answer, and one from
 * another. has_ports stays 0: rules with ports are not about it. */
PT_INLINE void pkt_set_query(struct pkt *p, __u8 type, __be16 id)
{
    int asks = type == (p->v6 ? 128 : 8), answers = type == (p->v6 ? 129 : 0);

    if (p->protocol != (p->v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP) || (!asks && !answers)) {
        return;
    }
    p->port_source = asks ? bpf_ntohs(id) : PT_QUERY_PORT;
    p->port_destination = asks ? PT_QUERY_PORT : bpf_ntohs(id);
}

PT_INLINE void pkt_read_query(struct __sk_buff *skb, struct pkt *p)
{
    struct {
        __u8 type, code;
        __be16 check, id;
    } echo;

    if (p->l4_offset != 0 && !p->has_ports && bpf_skb_load_bytes(skb, p->l4_offset, &echo, sizeof(echo)) == 0) {
        pkt_set_query(p, echo.type, echo.id);
    }
}

/* 0 or a drop reason. */
PT_INLINE __u32 pkt_parse_v4(struct __sk_buff *skb, struct pkt *p)
{
    struct iphdr ip;

    if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)) != 0 || ip.version != 4 || ip.ihl < 5) {
        return PT_DROP_MALFORMED;
    }
    p->size = bpf_ntohs(ip.tot_len);
    if (p->size < ip.ihl * 4U || (skb->gso_size == 0 && p->size > skb->len - ETH_HLEN)) {
        return PT_DROP_MALFORMED;
    }
    p->source.words[2] = p->destination.words[2] = bpf_htonl(0xffff);
    p->source.words[3] = ip.saddr;
    p->destination.words[3] = ip.daddr;
    p->tos = ip.tos;
    p->ttl = ip.ttl;
    p->protocol = ip.protocol;
    p->df = (ip.frag_off & bpf_htons(PT_IP_DF)) != 0;
    p->fragment = (ip.frag_off & bpf_htons(PT_IP_FRAGMENT_BITS)) != 0;
    if (!p->fragment) {
        p->l4_offset = ETH_HLEN + ip.ihl * 4U;
    }
    return 0;
}

/* Walks a few extension headers; behind more of them, L4 counts as unknown. */
PT_INLINE __u32 pkt_parse_v6(struct __sk_buff *skb, struct pkt *p)
{
    struct ipv6hdr ip;

    if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)) != 0 || ip.version != 6) {
        return PT_DROP_MALFORMED;
    }
    p->size = bpf_ntohs(ip.payload_len) + (__u32)sizeof(ip);
    if (skb->gso_size == 0 && p->size > skb->len - ETH_HLEN) {
        return PT_DROP_MALFORMED;
    }
    __builtin_memcpy(&p->source, &ip.saddr, 16);
    __builtin_memcpy(&p->destination, &ip.daddr, 16);
    p->tos = (__u8)(ip.priority << 4 | ip.flow_lbl[0] >> 4);
    p->ttl = ip.hop_limit;
    p->df = 1; /* routers never fragment IPv6 */

    __u32 offset = ETH_HLEN + sizeof(ip);
    __u8 next = ip.nexthdr;
    for (int i = 0; i <= PT_V6_EXTENSIONS_MAX; i++) {
        struct pt_v6_extension extension;
        if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS && next != IPPROTO_FRAGMENT) {
            p->protocol = next;
            p->l4_offset = p->fragment ? 0 : offset;
            return 0;
        }
        if (bpf_skb_load_bytes(skb, offset, &extension, sizeof(extension)) != 0) {
            return PT_DROP_MALFORMED;
        }
        if (next == IPPROTO_FRAGMENT) {
            p->fragment = 1;
            offset += 8;
        } else {
            offset += 8U + extension.words * 8U;
        }
        next = extension.next;
    }
    p->protocol = IPPROTO_NONE;
    return 0;
}

/* Same hash for all packets of a flow; for all fragments of a datagram (their ports are not all visible). */
PT_INLINE void pkt_hash(struct pkt *p)
{
    __u32 h = p->vni ^ (__u32)p->protocol << 24;
    for (int i = 0; i < 4; i++) {
        h = pt_mix32(h ^ p->source.words[i]) + p->destination.words[i];
    }
    if (p->has_ports) {
        h ^= (__u32)p->port_source << 16 | p->port_destination;
    }
    p->flow = pt_mix32(h);
}

/* Fill *p from a frame whose ethertype is IPv4 or IPv6. 0 or a drop reason. */
PT_INLINE __u32 pkt_parse(struct __sk_buff *skb, struct pkt *p)
{
    __u32 reason;

    p->v6 = skb->protocol == bpf_htons(ETH_P_IPV6);
    reason = p->v6 ? pkt_parse_v6(skb, p) : pkt_parse_v4(skb, p);
    if (reason != 0) {
        return reason;
    }
    if (p->l4_offset != 0) {
        pkt_read_ports(skb, p);
    }
    if (skb->gso_size != 0) {
        /* An IP length of a super-packet may be 0 or wrong; the kernel's is right. */
        p->size = skb->len - ETH_HLEN;
    }
    p->size_max = p->size;
    p->packets = skb->gso_segs > 1 ? skb->gso_segs : 1;
    pkt_hash(p);
    return 0;
}

/* Multicast, broadcast and link-local concern this wire only: the kernel's business. */
PT_INLINE int pkt_is_link_scope(const struct pkt *p)
{
    __u32 first = bpf_ntohl(p->v6 ? p->destination.words[0] : p->destination.words[3]);

    if (p->v6) {
        return first >> 24 == 0xff || (first & 0xffc00000) == 0xfe800000;
    }
    return first >> 28 >= 0xe || (first & 0xffff0000) == 0xa9fe0000;
}
