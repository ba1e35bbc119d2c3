/*
 * Hook `lan`: tc ingress of an interface towards hosts.
 *
 *    parse -> segment of the interface -> steering rules -> route -> next-hop group -> path -> MTU -> TTL -> Geneve ->
 * link
 *
 * At tc and not at XDP, because a host on the same machine (veth, tap) hands over super-packets with unfinished
 * checksums: here they stay whole, and the kernel cuts and finishes them behind the tunnel header, or the NIC does. The
 * packet leaves by bpf_redirect_neigh, through the link's queueing discipline.
 *
 * What is not IPv4 or IPv6, what has link scope, and what is for a prefix of the same interface goes up to the kernel
 * (ARP, neighbour discovery, DHCP, a ping of the gateway).
 *
 * A sealed path leads out of the tunnel's device instead, with the verdict in place of Ethernet addresses (abi/tap.h).
 * Hook `tap` is the way back: packets that the tunnel process opened, for hosts of this site.
 */
#include "bpf/abi/tap.h"
#include "bpf/lib/group.h"
#include "bpf/lib/mtu.h"
#include "bpf/lib/outer.h"
#include "bpf/lib/packet.h"
#include "bpf/lib/rule.h"

#include <linux/pkt_cls.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* A verdict is a TC action, or a drop reason negated. */
#define DROP(reason) (-(int)PT_DROP_##reason)

PT_INLINE const struct pt_abi_route *find_route(const struct pkt *p)
{
    if (p->v6) {
        struct pt_abi_route6_key key = {
            .prefix_len = PT_ROUTE_VNI_BITS + 128, .vni = bpf_htonl(p->vni), .address = p->destination};
        return pt_find(&pt_routes6, p->slot, &key);
    }
    struct pt_abi_route4_key key = {
        .prefix_len = PT_ROUTE_VNI_BITS + 32, .vni = bpf_htonl(p->vni), .address = p->destination.words[3]};
    return pt_find(&pt_routes4, p->slot, &key);
}

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
    __be16 from = bpf_htons((__u16)(p->ttl << 8 | p->protocol)), to = bpf_htons((__u16)(ttl << 8 | p->protocol));
    (void)bpf_l3_csum_replace(skb, ETH_HLEN + offsetof(struct iphdr, check), from, to, 2);
    (void)bpf_skb_store_bytes(skb, ETH_HLEN + offsetof(struct iphdr, ttl), &ttl, 1, 0);
    return 0;
}

/* The destination is a host of this site. */
PT_INLINE int deliver_local(struct __sk_buff *skb, const struct pkt *p, __u32 lan_ifindex)
{
    struct bpf_redir_neigh neighbour = {};
    __u32 mtu = 0;

    if (lan_ifindex == skb->ifindex) {
        return TC_ACT_OK;
    }
    if (bpf_check_mtu(skb, lan_ifindex, &mtu, 0, 0) != 0) {
        return DROP(EGRESS_TOO_BIG);
    }
    __u32 reason = decrement_ttl(skb, p);
    if (reason != 0) {
        return -(int)reason;
    }
    pt_nexthop_fill(&neighbour, p->v6 ? 10 : 2, &p->destination);
    return (int)bpf_redirect_neigh(lan_ifindex, &neighbour, sizeof(neighbour), 0);
}

/* The group for (site, class); a class without a group of its own uses class 0's. */
PT_INLINE const struct pt_abi_group *find_group(const struct pkt *p, __u32 site_label, __u32 policy_class)
{
    struct pt_abi_group_key key = {.site_label = site_label, .policy_class = policy_class};
    const struct pt_abi_group *group = pt_find(&pt_groups, p->slot, &key);

    if (group == NULL && policy_class != 0) {
        key.policy_class = 0;
        group = pt_find(&pt_groups, p->slot, &key);
    }
    return group;
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

PT_INLINE int store_outer(struct __sk_buff *skb, const struct pt_abi_path *path, const struct pt_envelope *e)
{
    struct pt_tunnel_header tunnel = {};
    __u32 size = pt_tunnel_size(e->stack_len);
    __u32 offset = ETH_HLEN + (path->flags & PT_PATH_V6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr));

    pt_tunnel_header_fill(&tunnel, e);
    for (int i = 0; i < PT_STACK_LEN_MAX; i++) {
        tunnel.stack[i] = bpf_htonl(path->stack[i]);
    }
    PT_OPAQUE(size);
    if (size < 16 || size > sizeof(tunnel)) {
        return -1;
    }
    if (bpf_skb_store_bytes(skb, offset, &tunnel, size, BPF_F_RECOMPUTE_CSUM) != 0) {
        return -1;
    }
    if (path->flags & PT_PATH_V6) {
        struct ipv6hdr ip = {};
        __be16 ethertype = bpf_htons(ETH_P_IPV6);
        pt_outer_v6(&ip, path, e);
        (void)bpf_skb_store_bytes(skb, offsetof(struct ethhdr, h_proto), &ethertype, 2, 0);
        return (int)bpf_skb_store_bytes(skb, ETH_HLEN, &ip, sizeof(ip), BPF_F_RECOMPUTE_CSUM);
    }
    struct iphdr ip = {};
    __be16 ethertype = bpf_htons(ETH_P_IP);
    pt_outer_v4(&ip, path, e);
    (void)bpf_skb_store_bytes(skb, offsetof(struct ethhdr, h_proto), &ethertype, 2, 0);
    return (int)bpf_skb_store_bytes(skb, ETH_HLEN, &ip, sizeof(ip), BPF_F_RECOMPUTE_CSUM);
}

/* Out of the tunnel's device, whole: the tunnel process cuts super-packets itself. */
PT_INLINE int send_to_tunnel(struct __sk_buff *skb, const struct pkt *p, __u32 path_slot)
{
    __u32 zero = 0, *ifindex = bpf_map_lookup_elem(&pt_tunnel_device, &zero);
    struct pt_abi_tap tap = {
        .to = {PT_TAP_TO_0, PT_TAP_TO_1},
        .path_slot = {(__u8)(path_slot >> 24), (__u8)(path_slot >> 16), (__u8)(path_slot >> 8), (__u8)path_slot},
        .from = {PT_TAP_FROM_0, PT_TAP_FROM_1},
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

PT_INLINE int send_by_path(struct __sk_buff *skb, const struct pkt *p, __u32 path_slot, __be16 port, int sealed_only)
{
    const struct pt_abi_path *path = pt_find(&pt_paths, p->slot, &path_slot);

    if (path == NULL || path->ifindex == 0 || path->stack_len > PT_STACK_LEN_MAX) {
        return DROP(NO_PATH);
    }
    if (sealed_only && (path->flags & PT_PATH_SEALED) == 0) {
        return DROP(PLAIN_REFUSED);
    }
    __u32 packets = skb->gso_segs > 1 ? skb->gso_segs : 1, mtu = path_mtu(path, path_slot);
    if (pt_segment_size(skb, p->l4_offset, p->protocol, p->size) > mtu) {
        return reply_too_big(skb, p, mtu);
    }
    if (p->protocol == IPPROTO_TCP && p->l4_offset != 0) {
        (void)pt_clamp_mss(skb, p->l4_offset, mtu - (p->v6 ? 60 : 40));
    }
    __u32 reason = decrement_ttl(skb, p);
    if (reason != 0) {
        return -(int)reason;
    }
    if (path->flags & PT_PATH_SEALED) {
        pt_count_tx(path_slot, packets, p->size);
        return send_to_tunnel(skb, p, path_slot);
    }
    struct pt_envelope e = {.vni = p->vni,
                            .inner_size = p->size,
                            .flow = p->flow,
                            .port = port,
                            .protocol = p->v6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP),
                            .tos = p->tos,
                            .stack_len = path->stack_len};
    int v6 = (path->flags & PT_PATH_V6) != 0;
    __u32 size = pt_tunnel_size(e.stack_len) + (__u32)(v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr));
    if (make_room(skb, size, v6) != 0 || store_outer(skb, path, &e) != 0) {
        return DROP(ENCAP_FAILED);
    }
    pt_count_tx(path_slot, packets, p->size);
    if ((path->flags & PT_PATH_NEXTHOP) == 0) {
        return (int)bpf_redirect_neigh(path->ifindex, NULL, 0, 0);
    }
    struct bpf_redir_neigh neighbour = {};
    pt_nexthop_fill(&neighbour, v6 ? 10 : 2, &path->nexthop);
    return (int)bpf_redirect_neigh(path->ifindex, &neighbour, sizeof(neighbour), 0);
}

PT_INLINE int lan_run(struct __sk_buff *skb, struct pkt *p)
{
    __u32 zero = 0, ifindex = skb->ifindex;

    p->slot = pt_slot();
    const struct pt_abi_node *node = pt_find(&pt_nodes, p->slot, &zero);
    if (node == NULL || !node->present) {
        return DROP(NO_BUNDLE);
    }
    const struct pt_abi_lan *lan = pt_find(&pt_lans, p->slot, &ifindex);
    if (lan == NULL) {
        return DROP(UNKNOWN_LAN);
    }
    p->vni = lan->vni;
    __u32 reason = pkt_parse(skb, p);
    if (reason != 0) {
        return -(int)reason;
    }
    if (pkt_is_link_scope(p)) {
        return TC_ACT_OK;
    }
    const struct pt_abi_route *route = find_route(p);
    if (route == NULL) {
        return DROP(NO_ROUTE);
    }
    if (route->lan_ifindex == ifindex) {
        return TC_ACT_OK; /* its own wire: rules are for what crosses the node */
    }
    struct pt_ruling ruling = {};
    (void)pt_rules_run(p, &ruling);
    if (ruling.reason != 0) {
        return -(int)ruling.reason;
    }
    __u32 site_label = PT_ROUTE_LABEL(route);
    if (site_label == node->site_label) {
        return route->lan_ifindex == 0 ? DROP(NO_ROUTE) : deliver_local(skb, p, route->lan_ifindex);
    }
    pt_count_demand(site_label, p->tos, p->size);
    const struct pt_abi_group *group = find_group(p, site_label, ruling.policy_class);
    if (group == NULL) {
        return DROP(NO_GROUP);
    }
    __u32 path_slot = pt_group_choose(group, p->flow);
    if (path_slot == PT_GROUP_SLA_UNMET) {
        return DROP(SLA_UNMET);
    }
    return path_slot == 0
               ? DROP(NO_PATH)
               : send_by_path(skb, p, path_slot, node->geneve_port, (route->site_label & PT_ROUTE_SEALED) != 0);
}

SEC("tc")
int pt_lan(struct __sk_buff *skb)
{
    struct pkt p = {};

    if (skb->protocol != bpf_htons(ETH_P_IP) && skb->protocol != bpf_htons(ETH_P_IPV6)) {
        return TC_ACT_OK;
    }
    int verdict = lan_run(skb, &p);
    if (verdict < 0) {
        pt_count_drop((__u32)-verdict);
        return TC_ACT_SHOT;
    }
    return verdict;
}

/* An opened packet: its segment must have its destination here. The seal proved who sent it; that it is for this
 * segment is part of what was sealed. */
PT_INLINE int tap_run(struct __sk_buff *skb, struct pkt *p)
{
    __u32 zero = 0;
    struct pt_abi_tap tap;

    p->slot = pt_slot();
    const struct pt_abi_node *node = pt_find(&pt_nodes, p->slot, &zero);
    if (node == NULL || !node->present) {
        return DROP(NO_BUNDLE);
    }
    if (bpf_skb_load_bytes(skb, 0, &tap, sizeof(tap)) != 0 || tap.from[0] != PT_TAP_FROM_0 ||
        tap.from[1] != PT_TAP_FROM_1) {
        return DROP(INNER_MALFORMED);
    }
    p->vni = (__u32)tap.vni[0] << 16 | (__u32)tap.vni[1] << 8 | tap.vni[2];
    if (pkt_parse(skb, p) != 0) {
        return DROP(INNER_MALFORMED);
    }
    const struct pt_abi_route *route = find_route(p);
    if (route == NULL) {
        return DROP(WRONG_SEGMENT);
    }
    if (PT_ROUTE_LABEL(route) != node->site_label || route->lan_ifindex == 0) {
        return DROP(NOT_LOCAL);
    }
    __u32 mtu = 0;
    struct bpf_redir_neigh neighbour = {};
    if (bpf_check_mtu(skb, route->lan_ifindex, &mtu, 0, 0) != 0) {
        return DROP(EGRESS_TOO_BIG);
    }
    pt_nexthop_fill(&neighbour, p->v6 ? 10 : 2, &p->destination);
    return (int)bpf_redirect_neigh(route->lan_ifindex, &neighbour, sizeof(neighbour), 0);
}

SEC("tc")
int pt_tap(struct __sk_buff *skb)
{
    struct pkt p = {};
    int verdict = tap_run(skb, &p);

    if (verdict < 0) {
        pt_count_drop((__u32)-verdict);
        return TC_ACT_SHOT;
    }
    return verdict;
}
