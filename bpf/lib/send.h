/*
 * Sending a host's packet by a path: MTU, TTL, the outer header, and out by the link; or whole to the tunnel process.
 */
#pragma once

#include "bpf/abi/tap.h"
#include "bpf/lib/mtu.h"
#include "bpf/lib/outer.h"
#include "bpf/lib/packet.h"

/* A verdict is a TC action, or a drop reason negated; of what sends also this with an MTU, for the host to be told. The
 * caller does that: the stack of both would be too much. */
#define DROP(reason) (-(int)PT_DROP_##reason)
#define PT_SEND_TOO_BIG 0x10000

/* One hop less. 0 or a drop reason. */
PT_INLINE __u32 decrement_ttl(struct __sk_buff *skb, const struct pkt *p)
{
    if (p->ttl <= 1) {
        return PT_DROP_TTL_EXCEEDED;
    }
    __u8 ttl = p->ttl - 1;
    if (p->v6) {
        (void)bpf_skb_store_bytes(skb, ETH_HLEN + offsetof(struct ipv6hdr, hop_limit), &ttl, 1, BPF_F_RECOMPUTE_CSUM);
        return 0;
    }
    struct {
        __u8 ttl, protocol;
        __be16 check;
    } tail; /* read again: whoever rewrote an address changed the checksum */
    (void)bpf_skb_load_bytes(skb, ETH_HLEN + offsetof(struct iphdr, ttl), &tail, sizeof(tail));
    __u32 check = (__u32)tail.check + bpf_htons(0x0100); /* RFC 1141; the header's own sum stays what it was */
    tail.ttl = ttl;
    tail.check = (__be16)(check + (check >= 0xffff));
    (void)bpf_skb_store_bytes(skb, ETH_HLEN + offsetof(struct iphdr, ttl), &tail, sizeof(tail), 0);
    return 0;
}

/* Tell the host that at most `mtu` bytes fit. */
PT_INLINE int reply_too_big(struct __sk_buff *skb, const struct pkt *p, __u32 mtu)
{
    if (!p->df) {
        return DROP(TOO_BIG);
    }
    pt_count_drop(PT_DROP_TOO_BIG_REPORTED);
    if ((p->v6 ? pt_reply_v6(skb, p, mtu) : pt_reply_v4(skb, p, mtu)) != 0) {
        return DROP(TOO_BIG);
    }
    return (int)bpf_redirect(skb->ifindex, 0);
}

/* Room for the outer header, marked so that the kernel can still cut a super-packet. */
PT_INLINE int make_room(struct __sk_buff *skb, __u32 size, int v6)
{
    __u64 flags = BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_ENCAP_L4_UDP |
                  (v6 ? BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 : BPF_F_ADJ_ROOM_ENCAP_L3_IPV4);

    if (bpf_skb_adjust_room(skb, (__s32)size, BPF_ADJ_ROOM_MAC, flags) == 0) {
        return 0;
    }
    /* A host's own tunnel packet is marked already, and cannot be twice; one that need not be cut goes without. */
    if (skb->gso_size != 0) {
        return -1;
    }
    return bpf_skb_adjust_room(skb, (__s32)size, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO) != 0 ? -1 : 0;
}

/* IP header and tunnel header as they stand in the packet, so that one call stores both. */
struct pt_outer {
    union {
        struct {
            __u8 unused[sizeof(struct ipv6hdr) - sizeof(struct iphdr)];
            struct iphdr ip;
        } v4;
        struct ipv6hdr v6;
    };
    struct pt_tunnel_header tunnel;
};
_Static_assert(sizeof(struct pt_outer) == 40 + sizeof(struct pt_tunnel_header), "no padding");

PT_INLINE int store_outer(struct __sk_buff *skb, const struct pt_abi_path *path, const struct pt_envelope *e)
{
    struct pt_outer outer = {};
    __u32 size = pt_tunnel_size(e->stack_len);

    pt_tunnel_header_fill(&outer.tunnel, e);
    outer.tunnel.option.words |= (__u8)(path->flags & PT_PATH_STRICT);
    for (int i = 0; i < PT_STACK_LEN_MAX; i++) {
        outer.tunnel.stack[i] = bpf_htonl(path->stack[i]);
    }
    PT_OPAQUE(size);
    if (size < 16 || size > sizeof(outer.tunnel)) {
        return -1;
    }
    __be16 ethertype = path->flags & PT_PATH_V6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP);
    if (e->protocol != ethertype) { /* else it stands there already; no checksum covers it */
        (void)bpf_skb_store_bytes(skb, offsetof(struct ethhdr, h_proto), &ethertype, 2, 0);
    }
    if (path->flags & PT_PATH_V6) {
        pt_outer_v6(&outer.v6, path, e);
        return (int)bpf_skb_store_bytes(skb, ETH_HLEN, &outer.v6, sizeof(outer.v6) + size, BPF_F_RECOMPUTE_CSUM);
    }
    pt_outer_v4(&outer.v4.ip, path, e);
    return (int)bpf_skb_store_bytes(skb, ETH_HLEN, &outer.v4.ip, sizeof(outer.v4.ip) + size, BPF_F_RECOMPUTE_CSUM);
}

/* How a packet leaves: its segment refuses plain paths (bit 0), and from bit 8 the traffic class that its application
 * gives it, or 0. Of a decision's flags and class. */
#define PT_WAY(flags, class) (((flags)&PT_FLOW_SEALED) | ((flags)&PT_FLOW_CLASSED ? (__u32)(class) << 8 : 0))

/* The DSCP by which the link's queues know a class; PT_MARK_NONE: the packet's own. */
PT_INLINE __u8 mark_of(const struct pkt *p, __u32 ifindex, __u32 traffic_class)
{
    const struct pt_abi_marks *marks = traffic_class == 0 ? NULL : pt_find(&pt_marks, p->slot, &ifindex);

    return marks == NULL ? PT_MARK_NONE : marks->dscp[traffic_class & 7];
}

/* Out of the tunnel's device, whole: the tunnel process cuts super-packets itself. */
PT_INLINE int send_to_tunnel(struct __sk_buff *skb, const struct pkt *p, __u32 path_slot, __u8 mark)
{
    __u32 zero = 0, *ifindex = bpf_map_lookup_elem(&pt_tunnel_device, &zero);
    struct pt_abi_tap tap = {
        .to = {PT_TAP_TO_0, PT_TAP_TO_1},
        .path_slot = {(__u8)(path_slot >> 24), (__u8)(path_slot >> 16), (__u8)(path_slot >> 8), (__u8)path_slot},
        .from = {PT_TAP_FROM_0, PT_TAP_FROM_1, mark == PT_MARK_NONE ? 0 : mark + 1},
        .vni = {(__u8)(p->vni >> 16), (__u8)(p->vni >> 8), (__u8)p->vni},
        .protocol = p->v6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP)};

    if (ifindex == NULL || *ifindex == 0) {
        return DROP(NO_TUNNEL);
    }
    (void)bpf_skb_store_bytes(skb, 0, &tap, sizeof(tap), 0);
    return (int)bpf_redirect(*ifindex, 0);
}

/* The largest inner packet: what was found out, if that is less than what is configured. */
PT_INLINE __u32 path_mtu(const struct pt_abi_path *path, __u32 path_slot)
{
    __u32 *found = path->flags & PT_PATH_SEALED ? bpf_map_lookup_elem(&pt_path_mtu, &path_slot) : NULL;

    return found != NULL && *found != 0 && *found < path->mtu ? *found : path->mtu;
}

PT_INLINE int send_by_path(struct __sk_buff *skb, const struct pkt *p, __u32 path_slot, __be16 port, __u32 way)
{
    const struct pt_abi_path *path = pt_find(&pt_paths, p->slot, &path_slot);

    if (path == NULL || path->ifindex == 0 || path->stack_len > PT_STACK_LEN_MAX) {
        return DROP(NO_PATH);
    }
    pt_count_offered(path_slot, p->tos, p->size);
    if ((way & PT_FLOW_SEALED) && (path->flags & PT_PATH_SEALED) == 0) {
        return DROP(PLAIN_REFUSED);
    }
    __u32 mtu = path_mtu(path, path_slot);
    if (pt_segment_size(skb, p->l4_offset, p->protocol, p->size) > mtu) {
        return (int)(PT_SEND_TOO_BIG | mtu);
    }
    if (p->protocol == IPPROTO_TCP && p->l4_offset != 0) {
        (void)pt_clamp_mss(skb, p->l4_offset, mtu - (p->v6 ? 60 : 40));
    }
    __u32 reason = decrement_ttl(skb, p);
    if (reason != 0) {
        return -(int)reason;
    }
    if (path->flags & PT_PATH_SEALED) {
        int verdict = send_to_tunnel(skb, p, path_slot, mark_of(p, path->ifindex, way >> 8));
        if (verdict >= 0) { /* else it is counted as dropped */
            pt_count_tx(path_slot, p->packets, p->size);
        }
        return verdict;
    }
    __u8 mark = mark_of(p, path->ifindex, way >> 8);
    struct pt_envelope e = {.vni = p->vni,
                            .inner_size = p->size,
                            .flow = p->flow,
                            .port = port,
                            .protocol = p->v6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP),
                            .tos = mark == PT_MARK_NONE ? p->tos : (__u8)(mark << 2 | (p->tos & PT_ECN_MASK)),
                            .stack_len = path->stack_len};
    int v6 = (path->flags & PT_PATH_V6) != 0;
    __u32 size = pt_tunnel_size(e.stack_len) + (__u32)(v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr));
    if (make_room(skb, size, v6) != 0 || store_outer(skb, path, &e) != 0) {
        return DROP(ENCAP_FAILED);
    }
    pt_count_tx(path_slot, p->packets, p->size);
    if ((path->flags & PT_PATH_NEXTHOP) == 0) {
        return (int)bpf_redirect_neigh(path->ifindex, NULL, 0, 0);
    }
    struct bpf_redir_neigh neighbour = {};
    pt_nexthop_fill(&neighbour, v6 ? 10 : 2, &path->nexthop);
    return (int)bpf_redirect_neigh(path->ifindex, &neighbour, sizeof(neighbour), 0);
}
