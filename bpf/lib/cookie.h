/*
 * SYN cookies, made before the kernel sees a packet: while connections to the node itself begin faster than allowed, a
 * SYN over IPv4 is answered here by a SYN-ACK whose sequence number is a cookie of the kernel's own, and nothing is
 * kept. Who answers that has proved his address; his ACK goes up, and the kernel, which knows the cookie, makes the
 * connection of it. An invented source costs one small frame.
 *
 * The kernel takes cookies only while it makes some itself, so the SYNs that are within the rate go up; the agent sets
 * net.ipv4.tcp_syncookies to 2, with which it answers those by cookies too. The SYN-ACK offers an MSS and nothing else.
 *
 * A flood of inventions that were all answered would fill the way out, where the answers to honest sources are lost
 * with the others, and the way out is often the narrower. So sources that are new get PT_COOKIE_NEW_PS answers a second
 * between them; who asks again is honest, or an invention that came twice: every TCP asks again after a second, and is
 * answered then, as is what he begins in the next seconds.
 *
 *    SYN -> within the rate?  -> up                      pt_syns_v2[0]
 *        -> asked before?     -> cookie                  pt_askers
 *        -> answers left?     -> cookie                  pt_syns_v2[1]
 *        -> drop: he is known when he asks again
 *
 * Who asked before stands in a Bloom filter of one hash, in two generations of 2.1 s: 7,340,032 bits each, of which a
 * flood of a million SYNs a second sets a quarter, so that a quarter of it is answered; beyond some ten million all is,
 * as if this were not here.
 * Ports that are forwarded to a host are left alone: the host would not know the cookie.
 */
#pragma once

#include "bpf/lib/guard.h"

#include <linux/tcp.h>

#define PT_COOKIE_MSS 1460
#define PT_TCP_HEADER_MAX 60U

struct pt_cookie_reply {
    struct ethhdr eth;
    struct iphdr ip;
    struct tcphdr tcp;
    __u8 kind, size;
    __be16 mss;
} __attribute__((packed));
_Static_assert(sizeof(struct pt_cookie_reply) == 58, "no padding");

#define PT_COOKIE_NEW_PS 20000U /* some 13 Mbit/s of answers */

enum { PT_SYNS_PASSED = 0, PT_SYNS_NEW = 1, PT_SYNS_LEN = 2 };

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, PT_SYNS_LEN);
    __type(key, __u32);
    __type(value, __u64); /* as in pt_sources, of all sources */
} pt_syns_v2 SEC(".maps");

/* Words of 56 bits, and above them 8 of the generation that they are of: nobody need clear the one before. */
#define PT_ASKERS_WORDS (1U << 17)
#define PT_ASKERS_BITS 56U
#define PT_ASKERS_SHIFT 31 /* a generation lasts 2^31 ns */

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 2 * PT_ASKERS_WORDS);
    __type(key, __u32);
    __type(value, __u64);
} pt_askers SEC(".maps");

/* Is one more above the rate? If not, it is counted. */
PT_INLINE int pt_cookie_is_above(__u32 which, __u32 per_s)
{
    __u64 *until = bpf_map_lookup_elem(&pt_syns_v2, &which), now = bpf_ktime_get_coarse_ns();

    if (until == NULL) {
        return 0;
    }
    __u64 from = *until > now ? *until : now;
    if (from > now + PT_GUARD_BURST_NS) {
        return 1;
    }
    *until = from + 1000000000ULL / per_s;
    return 0;
}

/* Did the source ask in this generation or the one before? From now on it did. Losing a race to another CPU forgets
 * one. */
PT_INLINE int pt_cookie_asked(__be32 source)
{
    __u64 generation = bpf_ktime_get_coarse_ns() >> PT_ASKERS_SHIFT;
    __u32 hash = pt_mix32(source), word = hash & (PT_ASKERS_WORDS - 1), half = (generation & 1) * PT_ASKERS_WORDS;
    __u64 bit = 1ULL << (hash >> 17) % PT_ASKERS_BITS;
    __u32 key = word + half, key_before = word + PT_ASKERS_WORDS - half;
    __u64 *now = bpf_map_lookup_elem(&pt_askers, &key), *before = bpf_map_lookup_elem(&pt_askers, &key_before);

    if (now == NULL || before == NULL) {
        return 1;
    }
    __u64 is = *now >> PT_ASKERS_BITS == (generation & 0xff) ? *now : (generation & 0xff) << PT_ASKERS_BITS;
    int asked = (is & bit) != 0 || (*before >> PT_ASKERS_BITS == ((generation - 1) & 0xff) && (*before & bit) != 0);
    if (!(is & bit)) {
        *now = is | bit;
    }
    return asked;
}

/* Everything but the checksums. */
PT_INLINE void pt_cookie_fill(struct pt_cookie_reply *r, const struct ethhdr *eth, const struct iphdr *ip,
                              const struct tcphdr *tcp, __u32 cookie)
{
    __builtin_memcpy(r->eth.h_dest, eth->h_source, ETH_ALEN);
    __builtin_memcpy(r->eth.h_source, eth->h_dest, ETH_ALEN);
    r->eth.h_proto = bpf_htons(ETH_P_IP);
    r->ip.version = 4;
    r->ip.ihl = 5;
    r->ip.tot_len = bpf_htons(sizeof(*r) - ETH_HLEN);
    r->ip.frag_off = bpf_htons(0x4000);
    r->ip.ttl = PT_OUTER_TTL;
    r->ip.protocol = IPPROTO_TCP;
    r->ip.saddr = ip->daddr;
    r->ip.daddr = ip->saddr;
    r->tcp.source = tcp->dest;
    r->tcp.dest = tcp->source;
    r->tcp.seq = bpf_htonl(cookie);
    r->tcp.ack_seq = bpf_htonl(bpf_ntohl(tcp->seq) + 1);
    r->tcp.doff = 6;
    r->tcp.syn = 1;
    r->tcp.ack = 1;
    r->tcp.window = bpf_htons(0xffff);
    r->kind = 2;
    r->size = 4;
    r->mss = bpf_htons(PT_COOKIE_MSS);
}

PT_INLINE int pt_cookie_send(struct xdp_md *ctx, struct pt_cookie_reply *r)
{
    __u8 *bytes = (__u8 *)r;
    __be32 words[6];
    __u32 size = (__u32)bpf_xdp_get_buff_len(ctx);

    __builtin_memcpy(words, bytes + ETH_HLEN, 20);
    r->ip.check = pt_checksum_fold((__u32)bpf_csum_diff(NULL, 0, words, 20, 0));
    __builtin_memcpy(words, bytes + ETH_HLEN + 20, 24);
    __u32 sum = (__u32)bpf_csum_diff(NULL, 0, words, 24, bpf_htons(IPPROTO_TCP) + bpf_htons(24));
    words[0] = r->ip.saddr;
    words[1] = r->ip.daddr;
    r->tcp.check = pt_checksum_fold((__u32)bpf_csum_diff(NULL, 0, words, 8, sum));
    if (bpf_xdp_adjust_tail(ctx, (int)sizeof(*r) - (int)size) != 0 || bpf_xdp_store_bytes(ctx, 0, r, sizeof(*r)) != 0) {
        return -PT_DROP_SYN_UNPROVEN;
    }
    return XDP_TX;
}

/* A frame that is no tunnel's: a SYN to the node above the rate is answered. XDP_PASS, XDP_TX, or a drop reason
 * negated. */
PT_SUBPROGRAM int pt_cookie_judge(struct xdp_md *ctx, __u32 slot, __u32 syns_ps)
{
    struct {
        struct iphdr ip;
        __u8 tcp[PT_TCP_HEADER_MAX];
    } in;
    struct pt_cookie_reply reply = {};
    struct ethhdr eth;

    __builtin_memset(&in, 0, sizeof(in));
    if (bpf_xdp_load_bytes(ctx, 0, &eth, sizeof(eth)) != 0 || eth.h_proto != bpf_htons(ETH_P_IP) ||
        bpf_xdp_load_bytes(ctx, ETH_HLEN, &in, sizeof(in.ip) + sizeof(struct tcphdr)) != 0 ||
        in.ip.protocol != IPPROTO_TCP || in.ip.ihl != 5 || (in.ip.frag_off & bpf_htons(0x3fff))) {
        return XDP_PASS;
    }
    struct tcphdr tcp;
    __builtin_memcpy(&tcp, in.tcp, sizeof(tcp));
    __u32 size = tcp.doff * 4U;
    struct pt_abi_link_key key = {.ifindex = ctx->ingress_ifindex, .local = {.words = {0, 0, bpf_htonl(0xffff), 0}}};
    key.local.words[3] = in.ip.daddr;
    if (!tcp.syn || tcp.ack || tcp.rst || size < sizeof(tcp) || size > PT_TCP_HEADER_MAX) {
        return XDP_PASS;
    }
    const struct pt_abi_link *link = pt_find(&pt_links, slot, &key);
    if (link == NULL) {
        return XDP_PASS;
    }
    struct pt_abi_forward_key forward = {.scope = link->link, .port = bpf_ntohs(tcp.dest), .protocol = IPPROTO_TCP};
    if (pt_find(&pt_forwards, slot, &forward) != NULL || !pt_cookie_is_above(PT_SYNS_PASSED, syns_ps)) {
        return XDP_PASS;
    }
    if (!pt_cookie_asked(in.ip.saddr) && pt_cookie_is_above(PT_SYNS_NEW, PT_COOKIE_NEW_PS)) {
        return -PT_DROP_SYN_UNPROVEN;
    }
    PT_OPAQUE(size);
    if (size < sizeof(tcp) || size > PT_TCP_HEADER_MAX ||
        bpf_xdp_load_bytes(ctx, ETH_HLEN + sizeof(in.ip), in.tcp, size) != 0) {
        return -PT_DROP_SYN_UNPROVEN;
    }
    __s64 cookie = bpf_tcp_raw_gen_syncookie_ipv4(&in.ip, (struct tcphdr *)in.tcp, size);
    if (cookie < 0) {
        return -PT_DROP_SYN_UNPROVEN;
    }
    pt_cookie_fill(&reply, &eth, &in.ip, &tcp, (__u32)cookie);
    return pt_cookie_send(ctx, &reply);
}
