/*
 * Packets that do not fit the path.
 *
 *  1. The MSS of every TCP SYN is lowered to what fits, so that TCP never meets the limit.
 *  2. IPv6, and IPv4 with DF: the packet itself is rewritten into the ICMP error (type 3 code 4, RFC 1191; ICMPv6 type
 * 2, RFC 4443) and goes back out of the interface that it came from.
 *  3. IPv4 without DF is dropped: we do not fragment.
 *
 * The error's source is the packet's destination: hosts accept it from there, and no address of ours need be known. It
 * quotes 128 bytes, which is all the headers. If the host left its checksum to hardware, the error still carries that
 * order on its quote; it can only go back to the same virtual host, which takes it as checked.
 */
#pragma once

#include "bpf/lib/outer.h"
#include "bpf/lib/packet.h"

#define PT_QUOTE_SIZE 128U
#define PT_TCP_OPTIONS_SIZE 40
#define PT_TCP_OPTION_END 0
#define PT_TCP_OPTION_NOP 1
#define PT_TCP_OPTION_MSS 2

struct pt_icmp_error {
    __u8 type, code;
    __be16 checksum;
    __be32 mtu; /* ICMPv4: upper half unused */
};

/* Size of the largest packet on the wire: a super-packet's segments have its headers and gso_size bytes each. */
PT_SUBPROGRAM __u32 pt_segment_size(struct __sk_buff *skb, __u32 l4_offset, __u32 protocol, __u32 size)
{
    __u8 tcp_words;

    if (skb->gso_size == 0 || l4_offset == 0) {
        return size;
    }
    if (protocol == IPPROTO_TCP) {
        if (bpf_skb_load_bytes(skb, l4_offset + 12, &tcp_words, 1) != 0) {
            return size;
        }
        return l4_offset - ETH_HLEN + (tcp_words >> 4) * 4U + skb->gso_size;
    }
    return l4_offset - ETH_HLEN + (__u32)sizeof(struct udphdr) + skb->gso_size;
}

/* Lower the MSS option of a SYN to `mss_max`. A malformed option list is left to the hosts. Options are read where they
 * are, one by one: the verifier need not follow an index into a copy. */
PT_SUBPROGRAM int pt_clamp_mss(struct __sk_buff *skb, __u32 l4_offset, __u32 mss_max)
{
    struct tcphdr tcp;
    struct {
        __u8 kind, size;
        __be16 mss;
    } option;

    if (bpf_skb_load_bytes(skb, l4_offset, &tcp, sizeof(tcp)) != 0 || !tcp.syn) {
        return 0;
    }
    __u32 at = sizeof(tcp), end = tcp.doff * 4U;
    for (int i = 0; i < PT_TCP_OPTIONS_SIZE; i++) {
        if (at + sizeof(option) > end || bpf_skb_load_bytes(skb, l4_offset + at, &option, sizeof(option)) != 0) {
            return 0;
        }
        if (option.kind == PT_TCP_OPTION_NOP) {
            at++;
            continue;
        }
        if (option.kind == PT_TCP_OPTION_END || option.size < 2) {
            return 0;
        }
        if (option.kind != PT_TCP_OPTION_MSS) {
            at += option.size;
            continue;
        }
        if (option.size != 4 || bpf_ntohs(option.mss) <= mss_max) {
            return 0;
        }
        __be16 from = option.mss, to = bpf_htons((__u16)mss_max);
        (void)bpf_skb_store_bytes(skb, l4_offset + at + 2, &to, sizeof(to), BPF_F_RECOMPUTE_CSUM);
        if (at & 1) { /* the checksum pairs bytes from the header's start: an odd offset swaps them */
            from = __builtin_bswap16(from);
            to = __builtin_bswap16(to);
        }
        (void)bpf_l4_csum_replace(skb, l4_offset + offsetof(struct tcphdr, check), from, to, sizeof(to));
        return 1;
    }
    return 0;
}

/* The packet becomes frame | new IP header | ICMP error | quote. 0, or -1 when the kernel could not. */
PT_INLINE int pt_error_make_room(struct __sk_buff *skb, __u32 ip_size)
{
    if (bpf_skb_change_tail(skb, ETH_HLEN + PT_QUOTE_SIZE, 0) != 0) {
        return -1;
    }
    return bpf_skb_adjust_room(skb, (__s32)(ip_size + sizeof(struct pt_icmp_error)), BPF_ADJ_ROOM_MAC, 0) != 0 ? -1 : 0;
}

PT_INLINE int pt_error_reply_mac(struct __sk_buff *skb)
{
    struct ethhdr from, to;

    if (bpf_skb_load_bytes(skb, 0, &from, sizeof(from)) != 0) {
        return -1;
    }
    __builtin_memcpy(to.h_dest, from.h_source, ETH_ALEN);
    __builtin_memcpy(to.h_source, from.h_dest, ETH_ALEN);
    to.h_proto = from.h_proto;
    return bpf_skb_store_bytes(skb, 0, &to, sizeof(to), 0) != 0 ? -1 : 0;
}

/* Sum over the error and its quote, for the checksum. */
PT_INLINE int pt_error_sum(struct __sk_buff *skb, __u32 offset, const struct pt_icmp_error *error, __u32 *sum)
{
    __be32 quote[PT_QUOTE_SIZE / 4];

    if (bpf_skb_load_bytes(skb, offset, quote, sizeof(quote)) != 0) {
        return -1;
    }
    *sum = (__u32)bpf_csum_diff(NULL, 0, quote, sizeof(quote), *sum);
    *sum = (__u32)bpf_csum_diff(NULL, 0, (__be32 *)error, sizeof(*error), *sum);
    return 0;
}

PT_SUBPROGRAM int pt_reply_v4(struct __sk_buff *skb, const struct pkt *p, __u32 mtu)
{
    struct {
        struct iphdr ip;
        struct pt_icmp_error error;
    } h = {.error = {.type = 3, .code = 4, .mtu = bpf_htonl(mtu & 0xffff)}};
    __u32 sum = 0;

    if (p == NULL || pt_error_make_room(skb, sizeof(h.ip)) != 0 ||
        pt_error_sum(skb, ETH_HLEN + sizeof(h), &h.error, &sum) != 0) {
        return -1;
    }
    h.error.checksum = pt_checksum_fold(sum);
    h.ip.version = 4;
    h.ip.ihl = 5;
    h.ip.tot_len = bpf_htons((__u16)(sizeof(h) + PT_QUOTE_SIZE));
    h.ip.ttl = PT_OUTER_TTL;
    h.ip.protocol = IPPROTO_ICMP;
    h.ip.saddr = p->destination.words[3];
    h.ip.daddr = p->source.words[3];
    h.ip.check = pt_checksum_fold((__u32)bpf_csum_diff(NULL, 0, (__be32 *)&h.ip, sizeof(h.ip), 0));
    return bpf_skb_store_bytes(skb, ETH_HLEN, &h, sizeof(h), 0) != 0 ? -1 : pt_error_reply_mac(skb);
}

PT_SUBPROGRAM int pt_reply_v6(struct __sk_buff *skb, const struct pkt *p, __u32 mtu)
{
    struct {
        struct ipv6hdr ip;
        struct pt_icmp_error error;
    } h = {.error = {.type = ICMPV6_PKT_TOOBIG, .mtu = bpf_htonl(mtu)}};
    __u16 payload_size = sizeof(h.error) + PT_QUOTE_SIZE;
    __u32 sum = bpf_htonl(payload_size) >> 16; /* the pseudo header's length ... */

    if (p == NULL || pt_error_make_room(skb, sizeof(h.ip)) != 0) {
        return -1;
    }
    h.ip.version = 6;
    h.ip.payload_len = bpf_htons(payload_size);
    h.ip.nexthdr = IPPROTO_ICMPV6;
    h.ip.hop_limit = PT_OUTER_TTL;
    __builtin_memcpy(&h.ip.saddr, &p->destination, 16);
    __builtin_memcpy(&h.ip.daddr, &p->source, 16);
    sum += bpf_htons(IPPROTO_ICMPV6); /* ... protocol and addresses */
    sum = (__u32)bpf_csum_diff(NULL, 0, (__be32 *)&h.ip.saddr, 32, sum);
    if (pt_error_sum(skb, ETH_HLEN + sizeof(h), &h.error, &sum) != 0) {
        return -1;
    }
    h.error.checksum = pt_checksum_fold(sum);
    return bpf_skb_store_bytes(skb, ETH_HLEN, &h, sizeof(h), 0) != 0 ? -1 : pt_error_reply_mac(skb);
}
