/*
 * Changing an address and a port in an IPv4 packet, checksums by the difference (RFC 1624).
 *
 * At tc packets may be whole trains with unfinished checksums: the kernel's helpers know which part of one is still to
 * be made. At XDP nothing is unfinished (hook `swift` leaves such packets alone), so it is a few sums in place.
 */
#pragma once

#include "bpf/lib/outer.h"
#include "bpf/lib/packet.h"

#include <linux/tcp.h>
#include <linux/udp.h>

/* ---- at tc ---------------------------------------------------------------------------------------------------- */

struct pt_nat_change {
    __be32 from, to; /* address */
    __be16 port_from, port_to;
    __u32 port_at; /* of the port, or query id, from the start of the frame; 0: not to be changed */
    __u32 l4_offset;
    __u8 protocol;
    __u8 is_source; /* else it is the destination */
    __u8 hop;       /* 1: the TTL, which is more than 1, becomes one less on the way */
};

/* The rest of an IPv4 header from its TTL on: one load and one store for all that changes. */
struct pt_ip_tail {
    __u8 ttl, protocol;
    __be16 check;
    __be32 source, destination;
};

/* What the change of an address adds to a one's complement sum, not folded. */
PT_INLINE __u32 pt_address_delta(__be32 from, __be32 to)
{
    return (~from & 0xffff) + (~from >> 16) + (to & 0xffff) + (to >> 16);
}

PT_INLINE __u16 pt_checksum_add(__u16 check, __u32 delta)
{
    return pt_checksum_fold((__u16)~check + delta);
}

/* The IP header's checksum is never left to hardware, and its own sum stays what it was: skb->csum need not know. */
PT_INLINE int change_l3(struct __sk_buff *skb, const struct pt_nat_change *c)
{
    const __u32 at = ETH_HLEN + offsetof(struct iphdr, ttl);
    __u32 delta = pt_address_delta(c->from, c->to);
    struct pt_ip_tail tail;

    if (bpf_skb_load_bytes(skb, at, &tail, sizeof(tail)) != 0) {
        return -1;
    }
    if (c->hop) {
        tail.ttl--;
        delta += (__u16)~bpf_htons(0x0100);
    }
    tail.check = pt_checksum_add(tail.check, delta);
    if (c->is_source) {
        tail.source = c->to;
    } else {
        tail.destination = c->to;
    }
    return (int)bpf_skb_store_bytes(skb, at, &tail, sizeof(tail), 0);
}

/* 0, or -1 when the packet is too short. */
PT_SUBPROGRAM int pt_nat_apply(struct __sk_buff *skb, const struct pt_nat_change *c)
{
    if (c == NULL) {
        return -1;
    }
    __u32 check = 0;
    __u64 flags = 0;

    if (c->protocol == IPPROTO_TCP) {
        check = c->l4_offset + offsetof(struct tcphdr, check);
    } else if (c->protocol == IPPROTO_UDP) {
        check = c->l4_offset + offsetof(struct udphdr, check);
        flags = BPF_F_MARK_MANGLED_0; /* a checksum of 0 is none */
    } else if (c->protocol == IPPROTO_ICMP) {
        check = c->l4_offset + 2;
    }
    if (c->l4_offset != 0 && check != 0) {
        if (c->protocol != IPPROTO_ICMP && c->from != c->to &&
            bpf_l4_csum_replace(skb, check, c->from, c->to, BPF_F_PSEUDO_HDR | flags | 4) != 0) {
            return -1;
        }
        if (c->port_at != 0 && c->port_from != c->port_to) {
            if (bpf_l4_csum_replace(skb, check, c->port_from, c->port_to, flags | 2) != 0 ||
                bpf_skb_store_bytes(skb, c->port_at, &c->port_to, sizeof(c->port_to), 0) != 0) {
                return -1;
            }
        }
    }
    return c->from == c->to && !c->hop ? 0 : change_l3(skb, c);
}

/* The source becomes this address and port, one hop on if the caller wants that done here too. */
PT_INLINE int pt_nat_source(struct __sk_buff *skb, const struct pkt *p, __be32 address, __u16 port, int hop)
{
    struct pt_nat_change c = {.from = p->source.words[3],
                              .to = address,
                              .port_from = bpf_htons(p->port_source),
                              .port_to = bpf_htons(port),
                              .port_at = p->l4_offset,
                              .l4_offset = p->l4_offset,
                              .protocol = p->protocol,
                              .is_source = 1,
                              .hop = (__u8)hop};

    if (p->protocol == IPPROTO_ICMP) {
        c.port_at += 4;
    }
    return pt_nat_apply(skb, &c);
}

/* The destination becomes this one, one hop on. */
PT_INLINE int pt_nat_destination(struct __sk_buff *skb, const struct pkt *p, __be32 address, __u16 port)
{
    struct pt_nat_change c = {.from = p->destination.words[3],
                              .to = address,
                              .port_from = bpf_htons(p->port_destination),
                              .port_to = bpf_htons(port),
                              .port_at = p->l4_offset + 2,
                              .l4_offset = p->l4_offset,
                              .protocol = p->protocol,
                              .hop = 1};

    if (p->protocol == IPPROTO_ICMP) {
        c.port_at = p->l4_offset + 4;
    }
    return pt_nat_apply(skb, &c);
}

/* ---- at XDP --------------------------------------------------------------------------------------------------- */

struct pt_source_change {
    __be32 from, to;
    __be16 port_from, port_to;
};

/* The source of a whole TCP or UDP packet becomes this one. 0, or -1 when the packet ends too early. */
PT_INLINE int pt_source_change_in_place(struct iphdr *ip, void *end, const struct pt_source_change *c)
{
    struct udphdr *udp = (void *)(ip + 1);
    struct tcphdr *tcp = (void *)(ip + 1);
    __u32 address = pt_address_delta(c->from, c->to), delta = address + (__u16)~c->port_from + c->port_to;

    if ((void *)(udp + 1) > end) {
        return -1;
    }
    if (ip->protocol == IPPROTO_UDP) {
        __u16 check = udp->check == 0 ? 0 : pt_checksum_add(udp->check, delta); /* 0: there is none */
        udp->check = udp->check != 0 && check == 0 ? 0xffff : check;
    } else {
        if ((void *)(tcp + 1) > end) {
            return -1;
        }
        tcp->check = pt_checksum_add(tcp->check, delta);
    }
    udp->source = c->port_to; /* where TCP has it too */
    ip->check = pt_checksum_add(ip->check, address);
    ip->saddr = c->to;
    return 0;
}
