/*
 * Hook `lan` in a form that BPF_PROG_RUN can repeat, as cost.bpf.c is for hook `swift`.
 *
 * pt_first, pt_first6: each run is the first packet of another flow, of 2^32 in an order without repetition, and
 * afterwards the outer header is taken off again. What that costs is in the figure; so is the second try for room,
 * because a frame that was a tunnel's once keeps that mark.
 *
 * pt_translated: each run is the next packet of one of so many flows that go out to the internet; the source is put
 * back.
 */
#include "bpf/lan.bpf.c"

#include "tests/bpf/cost.h"

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct bench);
} pt_bench_lan SEC(".maps");

#ifndef BPF_F_ADJ_ROOM_DECAP_L3_IPV6
#define BPF_F_ADJ_ROOM_DECAP_L3_IPV6 (1ULL << 8) /* Linux 6.3: headers may be older than the kernel */
#endif
#define OUTER_SIZE ((int)(sizeof(struct iphdr) + 16)) /* the path is over IPv4, with an empty stack */

/* Flow n: its low half is the source port, its high half the last two bytes of the source address. */
PT_INLINE int write_flow(struct __sk_buff *skb, __u32 n)
{
    void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
    struct iphdr *ip = data + ETH_HLEN;
    struct udphdr *udp = (void *)(ip + 1);

    if ((void *)(udp + 1) > end) {
        return 0;
    }
    ip->ttl = 64;
    ((__be16 *)&ip->saddr)[1] = (__be16)(n >> 16);
    udp->source = (__be16)n;
    return 1;
}

/* The same of IPv6; what was encapsulated said IPv4. */
PT_INLINE int write_flow6(struct __sk_buff *skb, __u32 n)
{
    void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
    struct ethhdr *eth = data;
    struct ipv6hdr *ip = data + ETH_HLEN;
    struct udphdr *udp = (void *)(ip + 1);

    if ((void *)(udp + 1) > end) {
        return 0;
    }
    eth->h_proto = bpf_htons(ETH_P_IPV6);
    ip->hop_limit = 64;
    ip->saddr.s6_addr16[7] = (__be16)(n >> 16);
    udp->source = (__be16)n;
    return 1;
}

PT_INLINE int first(struct __sk_buff *skb, int v6)
{
    __u32 zero = 0;
    struct bench *bench = bpf_map_lookup_elem(&pt_bench_lan, &zero);

    if (bench == NULL) {
        return TC_ACT_SHOT;
    }
    __u32 n = bench_next(&bench->seed);
    if (!(v6 ? write_flow6(skb, n) : write_flow(skb, n))) {
        return TC_ACT_SHOT;
    }
    int verdict = lan_hook(skb);
    if (verdict != TC_ACT_REDIRECT) {
        bench->other++;
        return verdict;
    }
    if (bpf_skb_adjust_room(skb, -OUTER_SIZE, BPF_ADJ_ROOM_MAC,
                            BPF_F_ADJ_ROOM_FIXED_GSO | (v6 ? BPF_F_ADJ_ROOM_DECAP_L3_IPV6 : 0)) != 0) {
        bench->other++;
        return TC_ACT_SHOT;
    }
    bench->sent++;
    return verdict;
}

SEC("tc")
int pt_first(struct __sk_buff *skb)
{
    return first(skb, 0);
}

SEC("tc")
int pt_first6(struct __sk_buff *skb)
{
    return first(skb, 1);
}

/* Flow n: source port 1024 + n % 4096, last two bytes of the source address n / 4096, as in cost.bpf.c. */
SEC("tc")
int pt_translated(struct __sk_buff *skb)
{
    void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
    struct iphdr *ip = data + ETH_HLEN;
    struct udphdr *udp = (void *)(ip + 1);
    __u32 zero = 0;
    struct bench *bench = bpf_map_lookup_elem(&pt_bench_lan, &zero);

    if (bench == NULL || (void *)(udp + 1) > end) {
        return TC_ACT_SHOT;
    }
    __u32 n = bench_next(&bench->seed) >> 8 & bench->flows_mask;
    ip->ttl = 64;
    ip->saddr = bpf_htonl(0x0a010000 | (n >> 12));
    udp->source = bpf_htons((__u16)(1024 + (n & 4095)));
    return bench_count(bench, lan_hook(skb), TC_ACT_REDIRECT);
}
