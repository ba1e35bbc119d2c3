/*
 * Hook `swift`: XDP on an interface towards hosts, before hook `lan`. It does one thing: the next packet of a flow that
 * hook `lan` has decided, out by a plain path, or to the internet under its mapping.
 *
 *    parse -> flow cache -> path alive -> meter -> next hop's addresses -> TTL -> Geneve ---------> link
 *                                                                             -> source, its port -> link
 *
 * Whatever is not that goes on to hook `lan` untouched: a flow without a fresh entry, a SYN (its MSS is clamped there),
 * the end of a flow that has a mapping, what is translated otherwise, fragments, IPv4 options, IPv6 extension headers,
 * a sealed path, one over a shaped link (its queues are the kernel's), a packet that is too big or at the end of its
 * TTL, checksums left to hardware (a redirected frame would forget that), and a next hop that the kernel has yet to
 * resolve. So there is one place that decides and one that reports, and this one can be left out: it is attached where
 * drivers can send XDP frames (internal/agent/dp_bpf_hook.c).
 *
 * The next hop's Ethernet addresses are asked of the kernel once a second for each path and CPU, and kept.
 */
#include "bpf/lib/change.h"
#include "bpf/lib/flow.h"
#include "bpf/lib/ingress.h"
#include "bpf/lib/outer.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define PT_NEIGHBOUR_NS 1000000000ULL
#define AF_INET 2
#define AF_INET6 10

/* What the kernel said of a path's next hop. By CPU: nobody else writes it while it is read. */
struct neighbour {
    __u8 to[6], from[6];
    __u32 generation; /* of the bundle that the path was read from */
    __u64 until_ns;
};

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, PT_PATH_SLOTS);
    __type(key, __u32);
    __type(value, struct neighbour);
} pt_neighbours SEC(".maps");

/* An exit (abi/nat.h) and its next hop, by the number of its link. */
struct way_out {
    struct neighbour neighbour;
    __be32 address;
    __u32 ifindex;
    __u32 mtu;
    __u32 reserved;
};

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, PT_NAT_LINKS_MAX);
    __type(key, __u32);
    __type(value, struct way_out);
} pt_ways_out SEC(".maps");

struct swift { /* a packet that may be sent on from here */
    union pt_flow_key key;
    __u32 size;
    __u8 v6, tos;
    __u8 ends; /* a TCP FIN or RST */
};

/* Is the checksum only the pseudo header's sum, the rest left to hardware? `sum` is over the addresses. */
PT_INLINE int checksum_is_partial(__u32 sum, __u8 protocol, __u32 l4_size, __be16 check)
{
    sum += bpf_htons((__u16)l4_size) + bpf_htons(protocol);
    return (__u16)~pt_checksum_fold(sum) == check;
}

PT_INLINE __u32 add_words(const __be32 *words, int len)
{
    __u64 sum = 0;

    for (int i = 0; i < len; i++) {
        sum += words[i];
    }
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
    return (__u32)sum;
}

/* Ports of TCP and UDP, into the key. False: not for this hook. */
PT_INLINE int read_l4(struct swift *s, void *l4, void *end, __u8 protocol, __u32 sum, __u32 size, __u16 *source,
                      __u16 *destination)
{
    if (protocol == IPPROTO_TCP) {
        struct tcphdr *tcp = l4;
        if ((void *)(tcp + 1) > end || tcp->syn || checksum_is_partial(sum, protocol, size, tcp->check)) {
            return 0;
        }
        s->ends = tcp->fin || tcp->rst;
        *source = bpf_ntohs(tcp->source);
        *destination = bpf_ntohs(tcp->dest);
        return 1;
    }
    struct udphdr *udp = l4;
    if (protocol != IPPROTO_UDP || (void *)(udp + 1) > end ||
        (udp->check != 0 && checksum_is_partial(sum, protocol, size, udp->check))) {
        return 0;
    }
    *source = bpf_ntohs(udp->source);
    *destination = bpf_ntohs(udp->dest);
    return 1;
}

PT_INLINE int read_v4(struct swift *s, struct iphdr *ip, void *end, __u32 vni)
{
    struct pt_abi_flow4_key *key = &s->key.v4;

    if ((void *)(ip + 1) > end || ip->version != 4 || ip->ihl != 5 || (ip->frag_off & bpf_htons(0x3fff)) ||
        ip->ttl <= 1) {
        return 0;
    }
    s->size = bpf_ntohs(ip->tot_len);
    s->tos = ip->tos;
    key->source = ip->saddr;
    key->destination = ip->daddr;
    key->vni_protocol = PT_FLOW_VNI_PROTOCOL(vni, ip->protocol);
    return read_l4(s, ip + 1, end, ip->protocol, add_words(&ip->saddr, 2), s->size - (__u32)sizeof(*ip),
                   &key->port_source, &key->port_destination);
}

PT_INLINE int read_v6(struct swift *s, struct ipv6hdr *ip, void *end, __u32 vni)
{
    struct pt_abi_flow6_key *key = &s->key.v6;

    if ((void *)(ip + 1) > end || ip->version != 6 || ip->hop_limit <= 1) {
        return 0;
    }
    s->v6 = 1;
    s->size = bpf_ntohs(ip->payload_len) + (__u32)sizeof(*ip);
    s->tos = (__u8)(ip->priority << 4 | ip->flow_lbl[0] >> 4);
    __builtin_memcpy(&key->source, &ip->saddr, 32);
    key->vni_protocol = PT_FLOW_VNI_PROTOCOL(vni, ip->nexthdr);
    return read_l4(s, ip + 1, end, ip->nexthdr, add_words((const __be32 *)&key->source, 8),
                   s->size - (__u32)sizeof(*ip), &key->port_source, &key->port_destination);
}

/* Ask the kernel who the next hop is, on this interface. */
PT_INLINE int resolve(struct xdp_md *ctx, struct bpf_fib_lookup *fib, const struct pt_flow_now *now,
                      struct neighbour *neighbour)
{
    __u32 ifindex = fib->ifindex;

    if (bpf_fib_lookup(ctx, fib, sizeof(*fib), BPF_FIB_LOOKUP_OUTPUT) != BPF_FIB_LKUP_RET_SUCCESS ||
        fib->ifindex != ifindex) {
        return 0;
    }
    __builtin_memcpy(neighbour->to, fib->dmac, 6);
    __builtin_memcpy(neighbour->from, fib->smac, 6);
    neighbour->generation = now->generation;
    neighbour->until_ns = now->ns + PT_NEIGHBOUR_NS;
    return 1;
}

PT_INLINE int resolve_path(struct xdp_md *ctx, const struct pt_abi_path *path, const struct pt_flow_now *now,
                           struct neighbour *neighbour)
{
    const struct pt_abi_address *to = path->flags & PT_PATH_NEXTHOP ? &path->nexthop : &path->remote;
    struct bpf_fib_lookup fib = {.ifindex = path->ifindex};

    if (path->flags & PT_PATH_V6) {
        fib.family = AF_INET6;
        __builtin_memcpy(fib.ipv6_src, &path->local, 16);
        __builtin_memcpy(fib.ipv6_dst, to, 16);
    } else {
        fib.family = AF_INET;
        fib.ipv4_src = path->local.words[3];
        fib.ipv4_dst = to->words[3];
    }
    return resolve(ctx, &fib, now, neighbour);
}

/* An exit that names no next hop has one for each destination: not for this hook. */
PT_INLINE int resolve_exit(struct xdp_md *ctx, __u32 link, const struct pt_flow_now *now, struct way_out *way)
{
    const struct pt_abi_exit *exit = pt_find(&pt_exits, now->generation & 1, &link);

    if (exit == NULL || exit->ifindex == 0 || exit->nexthop == 0 || (exit->flags & PT_EXIT_SHAPED)) {
        return 0;
    }
    struct bpf_fib_lookup fib = {
        .family = AF_INET, .ifindex = exit->ifindex, .ipv4_src = exit->address, .ipv4_dst = exit->nexthop};
    way->address = exit->address;
    way->ifindex = exit->ifindex;
    way->mtu = exit->mtu;
    return resolve(ctx, &fib, now, &way->neighbour);
}

PT_INLINE int is_old(const struct neighbour *neighbour, const struct pt_flow_now *now)
{
    return neighbour->until_ns <= now->ns || neighbour->generation != now->generation;
}

/* One hop less, in place: the packet begins behind where the Ethernet header is. */
PT_INLINE int decrement_ttl_in_place(void *l3, void *end, __u8 v6)
{
    if (v6) {
        struct ipv6hdr *ip = l3;
        if ((void *)(ip + 1) > end) {
            return 0;
        }
        ip->hop_limit--;
        return 1;
    }
    struct iphdr *ip = l3;
    if ((void *)(ip + 1) > end) {
        return 0;
    }
    __u32 sum = ip->check + bpf_htons(0x100); /* RFC 1141 */
    ip->check = (__be16)(sum + (sum >= 0xffff));
    ip->ttl--;
    return 1;
}

PT_INLINE void fill_ethernet(struct ethhdr *eth, const struct neighbour *neighbour, __be16 protocol)
{
    __builtin_memcpy(eth->h_dest, neighbour->to, 6);
    __builtin_memcpy(eth->h_source, neighbour->from, 6);
    eth->h_proto = protocol;
}

/* The outer header in front. */
PT_INLINE int encapsulate(struct xdp_md *ctx, const struct swift *s, const struct pt_abi_path *path,
                          const struct neighbour *neighbour, const struct pt_envelope *e)
{
    int v6 = (path->flags & PT_PATH_V6) != 0;
    __u32 size = pt_tunnel_size(e->stack_len), ip_size = v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
    struct pt_tunnel_header tunnel;

    if (bpf_xdp_adjust_head(ctx, -(int)(size + ip_size)) != 0) {
        return 0;
    }
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    struct ethhdr *eth = data;
    void *behind;
    if (v6) {
        struct ipv6hdr *ip = (void *)(eth + 1);
        if ((void *)(ip + 1) > end) {
            return 0;
        }
        fill_ethernet(eth, neighbour, bpf_htons(ETH_P_IPV6));
        pt_outer_v6(ip, path, e);
        behind = ip + 1;
    } else {
        struct iphdr *ip = (void *)(eth + 1);
        if ((void *)(ip + 1) > end) {
            return 0;
        }
        fill_ethernet(eth, neighbour, bpf_htons(ETH_P_IP));
        pt_outer_v4(ip, path, e);
        behind = ip + 1;
    }
    pt_tunnel_header_fill(&tunnel, e);
    tunnel.option.words |= (__u8)(path->flags & PT_PATH_STRICT);
    if (behind + 16 > end) {
        return 0;
    }
    __builtin_memcpy(behind, &tunnel, 16);
    if (e->stack_len == 0) {
        return 1;
    }
    for (int i = 0; i < PT_STACK_LEN_MAX; i++) {
        tunnel.stack[i] = bpf_htonl(path->stack[i]);
    }
    size -= 16;
    PT_OPAQUE(size);
    return size >= 4 && size <= sizeof(tunnel) - 16 &&
           bpf_xdp_store_bytes(ctx, ETH_HLEN + ip_size + 16, &tunnel.option, size) == 0;
}

/* Send by the flow's path. */
PT_INLINE int send(struct xdp_md *ctx, const struct swift *s, struct pt_abi_flow *flow, const struct pt_flow_now *now,
                   __be16 port)
{
    __u32 slot = now->generation & 1, path_slot = flow->out;
    const struct pt_abi_path *path = pt_find(&pt_paths, slot, &path_slot);
    struct neighbour *neighbour = bpf_map_lookup_elem(&pt_neighbours, &path_slot);

    if (path == NULL || neighbour == NULL || path->ifindex == 0 || (path->flags & (PT_PATH_SEALED | PT_PATH_SHAPED)) ||
        s->size > path->mtu || path->stack_len > PT_STACK_LEN_MAX) {
        return XDP_PASS;
    }
    if (is_old(neighbour, now) && !resolve_path(ctx, path, now, neighbour)) {
        return XDP_PASS;
    }
    pt_flow_count(flow, now, 1, s->size);
    if (!pt_meter_pass(flow->meter, now->ns, s->size)) {
        pt_count_offered(path_slot, s->tos, s->size);
        pt_count_drop(PT_DROP_RATE_LIMITED);
        return XDP_DROP;
    }
    struct pt_envelope e = {.vni = s->key.v4.vni_protocol & 0xffffff,
                            .inner_size = s->size,
                            .flow = flow->hash,
                            .port = port,
                            .protocol = s->v6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP),
                            .tos = s->tos,
                            .stack_len = path->stack_len};
    if (s->v6) {
        e.vni = s->key.v6.vni_protocol & 0xffffff;
    }
    if (!decrement_ttl_in_place((void *)(long)ctx->data + ETH_HLEN, (void *)(long)ctx->data_end, s->v6) ||
        !encapsulate(ctx, s, path, neighbour, &e)) {
        pt_count_drop(PT_DROP_ENCAP_FAILED);
        return XDP_DROP;
    }
    pt_count_sent(path_slot, s->tos, s->size);
    return (int)bpf_redirect(path->ifindex, 0);
}

/* Send to the internet under the flow's mapping, in place. A packet that cannot be is counted and dropped: by then it
 * is half changed. */
PT_INLINE int send_out(struct xdp_md *ctx, const struct swift *s, struct pt_abi_flow *flow,
                       const struct pt_flow_now *now)
{
    __u32 link = PT_NAT_LINK(flow->nat);
    struct way_out *way = bpf_map_lookup_elem(&pt_ways_out, &link);

    if (way == NULL || s->v6 || s->ends || (is_old(&way->neighbour, now) && !resolve_exit(ctx, link, now, way)) ||
        s->size > way->mtu) {
        return XDP_PASS;
    }
    pt_flow_count(flow, now, 1, s->size);
    if (!pt_meter_pass(flow->meter, now->ns, s->size)) {
        pt_count_drop(PT_DROP_RATE_LIMITED);
        return XDP_DROP;
    }
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    struct ethhdr *eth = data;
    struct iphdr *ip = data + ETH_HLEN;
    const struct pt_source_change change = {.from = s->key.v4.source,
                                            .to = way->address,
                                            .port_from = bpf_htons(s->key.v4.port_source),
                                            .port_to = bpf_htons(PT_NAT_PORT(flow->nat))};
    if (!decrement_ttl_in_place(ip, end, 0) || pt_source_change_in_place(ip, end, &change) != 0) {
        pt_count_drop(PT_DROP_MALFORMED);
        return XDP_DROP;
    }
    fill_ethernet(eth, &way->neighbour, bpf_htons(ETH_P_IP));
    return (int)bpf_redirect(way->ifindex, 0);
}

PT_INLINE int swift_run(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    struct pt_flow_now now;
    struct swift s = {};
    struct ethhdr *eth = data;
    __u32 reason = 0;
    struct pt_abi_flow *flow;

    if ((void *)(eth + 1) > end) {
        return XDP_PASS;
    }
    pt_flow_now(&now);
    const struct pt_ingress *in = pt_ingress_find(ctx->ingress_ifindex, now.generation, &reason);
    if (in == NULL) {
        return XDP_PASS;
    }
    if (eth->h_proto == bpf_htons(ETH_P_IP)) {
        if (!read_v4(&s, data + ETH_HLEN, end, in->vni)) {
            return XDP_PASS;
        }
        flow = bpf_map_lookup_elem(&pt_flows4, &s.key.v4);
    } else if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
        if (!read_v6(&s, data + ETH_HLEN, end, in->vni)) {
            return XDP_PASS;
        }
        flow = bpf_map_lookup_elem(&pt_flows6, &s.key.v6);
    } else {
        return XDP_PASS;
    }
    /* The frame may be longer than the packet (padding), never shorter. */
    if (s.size > (__u32)(end - data) - ETH_HLEN && s.size > (__u32)bpf_xdp_get_buff_len(ctx) - ETH_HLEN) {
        return XDP_PASS;
    }
    if (flow == NULL || !pt_flow_is_fresh(flow, &now, s.tos >> 2)) {
        return XDP_PASS;
    }
    if (flow->verdict == PT_FLOW_EXIT) {
        return send_out(ctx, &s, flow, &now);
    }
    /* A segment that refuses plain paths has nothing to send from here: hook `lan` seals its packets, or drops them. */
    return flow->verdict == PT_FLOW_PATH && flow->nat == 0 && !(flow->flags & PT_FLOW_SEALED)
               ? send(ctx, &s, flow, &now, in->geneve_port)
               : XDP_PASS;
}

SEC("xdp.frags")
int pt_swift(struct xdp_md *ctx)
{
    return swift_run(ctx);
}
