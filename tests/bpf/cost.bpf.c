/*
 * Hook `swift` in a form that BPF_PROG_RUN can repeat: each run is the next packet of another flow, and the frame is
 * put back afterwards. What that costs (two changes of the frame's start, 26 bytes stored, a random number) is in the
 * figure.
 */
#include "bpf/swift.bpf.c"

#include "bpf/lib/route.h"

#include "tests/bpf/cost.h"

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct bench);
} pt_bench SEC(".maps");

/* Flow n: source port 1024 + n % 4096, last two bytes of the source address n / 4096. */
PT_INLINE int write_flow(struct xdp_md *ctx, __u32 n, int v6)
{
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    struct ethhdr *eth = data;
    __be16 port = bpf_htons((__u16)(1024 + (n & 4095))), host = bpf_htons((__u16)(n >> 12));

    if (data + ETH_HLEN + sizeof(struct ipv6hdr) + sizeof(struct udphdr) > end) {
        return 0;
    }
    if (v6) {
        struct ipv6hdr *ip = data + ETH_HLEN;
        eth->h_proto = bpf_htons(ETH_P_IPV6);
        ip->saddr.s6_addr16[7] = host;
        ip->hop_limit = 64;
        ((struct udphdr *)(ip + 1))->source = port;
    } else {
        struct iphdr *ip = data + ETH_HLEN;
        eth->h_proto = bpf_htons(ETH_P_IP);
        ((__be16 *)&ip->saddr)[1] = host;
        ip->ttl = 64;
        ((struct udphdr *)(ip + 1))->source = port;
    }
    return 1;
}

PT_INLINE int again(struct xdp_md *ctx, int v6)
{
    __u32 zero = 0;
    struct bench *bench = bpf_map_lookup_elem(&pt_bench, &zero);

    if (bench == NULL) {
        return XDP_ABORTED;
    }
    if (!write_flow(ctx, bench_next(&bench->seed) >> 8 & bench->flows_mask, v6)) {
        return XDP_ABORTED;
    }
    int verdict = bench_count(bench, swift_run(ctx), XDP_REDIRECT);
    if (verdict == XDP_REDIRECT) {
        (void)bpf_xdp_adjust_head(ctx, sizeof(struct iphdr) + 16); /* the path is over IPv4, with an empty stack */
    }
    return verdict;
}

SEC("xdp.frags")
int pt_again4(struct xdp_md *ctx)
{
    return again(ctx, 0);
}

SEC("xdp.frags")
int pt_again6(struct xdp_md *ctx)
{
    return again(ctx, 1);
}

/* The same, of flows that go out to the internet: their source is another afterwards. */
SEC("xdp.frags")
int pt_again_nat(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    struct iphdr *ip = data + ETH_HLEN;
    struct udphdr *udp = (void *)(ip + 1);
    __u32 zero = 0;
    struct bench *bench = bpf_map_lookup_elem(&pt_bench, &zero);

    if (bench == NULL || (void *)(udp + 1) > end) {
        return XDP_ABORTED;
    }
    ip->saddr = bpf_htonl(0x0a010000);
    udp->check = 0x1234; /* not one that looks unfinished */
    if (!write_flow(ctx, bench_next(&bench->seed) >> 8 & bench->flows_mask, 0)) {
        return XDP_ABORTED;
    }
    return bench_count(bench, swift_run(ctx), XDP_REDIRECT);
}

/* ---- routes ---- */

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct bench_route);
} pt_bench_route SEC(".maps");

PT_INLINE int ask_route(struct bench_route *bench, const struct pt_route_question *q)
{
    struct pt_abi_route route = {};

    if (pt_route_find(q, &route)) {
        bench->found++;
        bench->label = route.site_label;
    } else {
        bench->missed++;
    }
    return XDP_PASS;
}

SEC("xdp.frags")
int pt_route(struct xdp_md *ctx)
{
    __u32 zero = 0;
    struct bench_route *bench = bpf_map_lookup_elem(&pt_bench_route, &zero);

    if (bench == NULL) {
        return XDP_ABORTED;
    }
    (void)bench_next(&bench->seed);
    struct pt_route_question q = {
        .slot = bench->slot & 1, .vni = bench->vni, .own_label = 1, .dir = bench->dir & (PT_DIRS_MAX - 1)};
    q.destination.words[3] = bench->address != 0 ? bench->address : pt_mix32(bench->seed);
    return ask_route(bench, &q);
}

SEC("xdp.frags")
int pt_route6(struct xdp_md *ctx)
{
    __u32 zero = 0;
    struct bench_route *bench = bpf_map_lookup_elem(&pt_bench_route, &zero);

    if (bench == NULL) {
        return XDP_ABORTED;
    }
    struct pt_route_question q = {.slot = bench->slot & 1, .vni = bench->vni, .own_label = 1, .v6 = 1};
    for (int i = 0; i < 4; i++) {
        q.destination.words[i] = bench->address6[i];
    }
    if (bench->prefixes6 != 0) {
        (void)bench_next(&bench->seed);
        __u32 random = pt_mix32(bench->seed), n = random % bench->prefixes6;
        q.destination.words[0] = bpf_htonl(0x20010000 + (n >> 8));
        q.destination.words[1] = bpf_htonl(n << 24 | (n * 77 & 0xff) << 16 | (random & 15));
        q.destination.words[3] = random;
    }
    return ask_route(bench, &q);
}
