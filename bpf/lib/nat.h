/*
 * Translation of addresses (abi/nat.h), at tc. The mappings are in lib/mapping.h, what they do to a packet in
 * lib/change.h.
 *
 *    host -> [flow says which mapping] -> source := link's address, port  -> TTL -> link
 *    link -> place of the port -> destination := host, its port -> TTL -> LAN
 *
 * A host keeps to one address (RFC 4787 REQ-2). It may send to a mapping of its neighbour (REQ-9); both then see each
 * other's address outside. ICMP errors about what was translated are translated (RFC 5508 REQ-3 to 5).
 */
#pragma once

#include "bpf/lib/change.h"
#include "bpf/lib/mapping.h"
#include "bpf/lib/send.h"

#include <linux/pkt_cls.h>

/* ---- outwards ------------------------------------------------------------------------------------------------- */

PT_INLINE int pt_nat_goes(const struct pt_abi_breakout *breakout, __be32 destination)
{
    if (breakout->destinations_len == 0) {
        return 1;
    }
    for (__u32 i = 0; i < PT_NAT_DESTINATIONS_MAX; i++) {
        if (i >= breakout->destinations_len) {
            break;
        }
        if ((destination & breakout->destinations[i].mask) == breakout->destinations[i].prefix) {
            return 1;
        }
    }
    return 0;
}

/* The flow of answers of a host to whom a packet from outside is forwarded. */
PT_INLINE struct pt_abi_flow4_key pt_nat_answers(__be32 host, __u16 port, __be32 remote, __u16 port_remote,
                                                 __u32 vni_protocol)
{
    struct pt_abi_flow4_key key = {.source = host,
                                   .destination = remote,
                                   .port_source = port,
                                   .port_destination = port_remote,
                                   .vni_protocol = vni_protocol};
    return key;
}

/* A port forward's way back: the link and port that the flow came in by, as long as they lead to this host; else those
 * of one of the links, for what the host begins itself. Index, or 0. */
PT_SUBPROGRAM __u32 pt_nat_forwarded(const struct pkt *p)
{
    if (p == NULL || !p->has_ports) {
        return 0;
    }
    struct pt_abi_forward_key key = {
        .address = p->source.words[3], .scope = p->vni, .port = p->port_source, .protocol = p->protocol, .inside = 1};
    const struct pt_abi_forward *forward = pt_find(&pt_forwards, p->slot, &key);
    if (forward == NULL) {
        return 0;
    }
    struct pt_abi_flow4_key answers = pt_nat_answers(p->source.words[3], p->port_source, p->destination.words[3],
                                                     p->port_destination, PT_FLOW_VNI_PROTOCOL(p->vni, p->protocol));
    __u32 *entered = bpf_map_lookup_elem(&pt_nat_entered, &answers);
    if (entered != NULL) {
        __u32 index = *entered;
        struct pt_abi_forward_key in = {
            .scope = PT_NAT_LINK(index), .port = PT_NAT_PORT(index), .protocol = p->protocol};
        const struct pt_abi_forward *leads = pt_find(&pt_forwards, p->slot, &in);
        if (leads != NULL && leads->address == p->source.words[3] && leads->port == p->port_source) {
            return index;
        }
    }
    return PT_NAT_INDEX(forward->scope, p->protocol == IPPROTO_TCP ? PT_NAT_TCP : PT_NAT_UDP, forward->port & 0xffff);
}

/* The exit that a host keeps to, and whether the destination is the address of one. */
PT_INLINE __u32 pt_nat_choose(const struct pkt *p, const struct pt_abi_breakout *breakout, __u32 *ret_own)
{
    __u32 at = pt_mix32(p->source.words[3]), chosen = 0;

    for (__u32 i = 0; i < PT_NAT_EXITS_MAX; i++) {
        if (i >= breakout->links_len) {
            break;
        }
        __u32 link = breakout->links[(i + at) % breakout->links_len & (PT_NAT_EXITS_MAX - 1)];
        const struct pt_abi_exit *exit = pt_find(&pt_exits, p->slot, &link);
        if (exit == NULL || exit->ifindex == 0) {
            continue;
        }
        if (exit->address == p->destination.words[3]) {
            *ret_own = link;
        }
        chosen = chosen == 0 ? link : chosen;
    }
    return chosen;
}

/* Which mapping a host's packet takes to the internet: index, or 0 and a reason. When the destination is an exit of
 * this node too, *ret_hairpin is the index of what is sent to. */
PT_INLINE __u32 pt_nat_out_ask(struct __sk_buff *skb, struct pkt *p, __u32 *ret_hairpin, __u32 *ret_reason)
{
    __u32 own = 0;
    const struct pt_abi_breakout *breakout = pt_find(&pt_breakouts, p->slot, &p->vni);

    *ret_reason = PT_DROP_NO_ROUTE;
    if (breakout == NULL || !pt_nat_goes(breakout, p->destination.words[3])) {
        __u32 answer = p->fragment ? 0 : pt_nat_forwarded(p); /* may go without breakout */
        *ret_reason = answer == 0 ? PT_DROP_NO_ROUTE : 0;
        return answer;
    }
    __u32 link = pt_nat_choose(p, breakout, &own);
    const struct pt_abi_exit *exit = link == 0 ? NULL : pt_find(&pt_exits, p->slot, &link);
    if (exit == NULL) {
        return 0;
    }
    int class = p->fragment ? -1 : pt_nat_class(skb, p);
    if (class < 0) {
        *ret_reason = p->fragment ? PT_DROP_NAT_FRAGMENT : PT_DROP_NAT_PROTOCOL;
        return 0;
    }
    __u32 index = pt_nat_forwarded(p);
    if (index == 0) {
        index = pt_nat_map(skb, p, breakout, exit, link, (__u32) class & 3);
    }
    if (index != 0 && (breakout->flags & PT_NAT_ADDRESS_DEPENDENT)) {
        struct pt_abi_nat_peer peer = {.index = index, .remote = p->destination.words[3]};
        __u32 until = pt_nat_now() + breakout->tcp;
        (void)bpf_map_update_elem(&pt_nat_peers, &peer, &until, BPF_ANY);
    }
    *ret_hairpin = own == 0 ? 0 : PT_NAT_INDEX(own, (__u32) class & 3, p->port_destination);
    *ret_reason = index == 0 ? PT_DROP_NAT_EXHAUSTED : 0;
    return index;
}

/* Send a host's packet out by an exit, under its mapping. A verdict. */
PT_INLINE int pt_nat_send(struct __sk_buff *skb, const struct pkt *p, __u32 index)
{
    __u32 link = PT_NAT_LINK(index);
    const struct pt_abi_exit *exit = pt_find(&pt_exits, p->slot, &link);

    if (exit == NULL || exit->ifindex == 0 || p->v6 || p->l4_offset == 0) {
        return DROP(NO_ROUTE);
    }
    if (pt_segment_size(skb, p->l4_offset, p->protocol, p->size) > exit->mtu) {
        return (int)(PT_SEND_TOO_BIG | (exit->mtu & 0xffff));
    }
    if (p->protocol == IPPROTO_TCP) {
        (void)pt_clamp_mss(skb, p->l4_offset, exit->mtu - 40);
    }
    if (p->ttl <= 1) {
        return DROP(TTL_EXCEEDED);
    }
    if (pt_nat_source(skb, p, exit->address, PT_NAT_PORT(index), 1) != 0) {
        return DROP(MALFORMED);
    }
    if (exit->nexthop == 0) {
        return (int)bpf_redirect_neigh(exit->ifindex, NULL, 0, 0);
    }
    struct bpf_redir_neigh neighbour = {.nh_family = 2, .ipv4_nh = exit->nexthop};
    return (int)bpf_redirect_neigh(exit->ifindex, &neighbour, sizeof(neighbour), 0);
}

/* ---- inwards -------------------------------------------------------------------------------------------------- */

struct pt_nat_host { /* whom a port leads to */
    __be32 address;
    __u32 lan_ifindex, vni;
    __u16 port;
    __u8 forwarded; /* by a policy's word */
};

/* What stands behind a port of a link. 0: nobody; it is the node's own business. Negative: a drop reason. */
PT_INLINE int pt_nat_behind(__u32 slot, __u32 index, __u8 protocol, __be32 remote, struct pt_nat_host *ret)
{
    struct pt_abi_forward_key key = {.scope = PT_NAT_LINK(index), .port = PT_NAT_PORT(index), .protocol = protocol};
    const struct pt_abi_forward *forward = protocol == IPPROTO_ICMP ? NULL : pt_find(&pt_forwards, slot, &key);

    if (forward != NULL) {
        ret->address = forward->address;
        ret->lan_ifindex = forward->lan_ifindex;
        ret->vni = forward->scope;
        ret->port = (__u16)forward->port;
        ret->forwarded = 1;
        return 1;
    }
    struct pt_abi_mapping *place = pt_nat_place(index);
    if (place == NULL || place->inside == 0 || !pt_nat_is_taken(place, pt_nat_now())) {
        return 0;
    }
    ret->address = place->inside;
    ret->lan_ifindex = place->lan_ifindex;
    ret->vni = place->vni;
    ret->port = place->port;
    const struct pt_abi_breakout *breakout = pt_find(&pt_breakouts, slot, &ret->vni);
    if (breakout == NULL) {
        return 0; /* not an exit of the segment any more */
    }
    if (breakout->flags & PT_NAT_ADDRESS_DEPENDENT) {
        struct pt_abi_nat_peer peer = {.index = index, .remote = remote};
        __u32 *until = bpf_map_lookup_elem(&pt_nat_peers, &peer);
        if (until == NULL || (__s32)(*until - pt_nat_now()) <= 0) {
            return DROP(NAT_FILTERED);
        }
    }
    if (!(place->flags & PT_NAT_ANSWERED)) {
        place->flags |= PT_NAT_ANSWERED;
    }
    place->packets_in++;
    return 1;
}

/* To a host of a LAN. A verdict. */
PT_INLINE int pt_nat_deliver(struct __sk_buff *skb, const struct pkt *p, const struct pt_nat_host *host)
{
    struct bpf_redir_neigh neighbour = {.nh_family = 2, .ipv4_nh = host->address};
    __u32 mtu = 0, ifindex = host->lan_ifindex;
    const struct pt_abi_lan *lan = pt_find(&pt_lans, p->slot, &ifindex);

    if (lan == NULL || lan->vni != host->vni) {
        return DROP(NO_ROUTE);
    }
    if (bpf_check_mtu(skb, ifindex, &mtu, 0, 0) != 0) {
        return DROP(EGRESS_TOO_BIG);
    }
    if (p->ttl <= 1) {
        return DROP(TTL_EXCEEDED);
    }
    if (pt_nat_destination(skb, p, host->address, host->port) != 0) {
        return DROP(MALFORMED);
    }
    return (int)bpf_redirect_neigh(ifindex, &neighbour, sizeof(neighbour), 0);
}

/* Both at once: a host sends to a port that leads to a host of this node. A verdict. */
PT_SUBPROGRAM int pt_nat_hairpin(struct __sk_buff *skb, struct pkt *p, __u32 index, __u32 to)
{
    struct pt_nat_host host = {};

    if (p == NULL) {
        return DROP(NO_ROUTE);
    }
    __u32 link = PT_NAT_LINK(index);
    const struct pt_abi_exit *exit = pt_find(&pt_exits, p->slot, &link);
    if (exit == NULL || p->protocol == IPPROTO_ICMP) {
        return DROP(NO_ROUTE);
    }
    int behind = pt_nat_behind(p->slot, to, p->protocol, exit->address, &host);
    if (behind <= 0) {
        return behind == 0 ? DROP(NO_ROUTE) : behind;
    }
    if (pt_nat_source(skb, p, exit->address, PT_NAT_PORT(index), 0) != 0) {
        return DROP(MALFORMED);
    }
    pt_nat_count(link, PT_NAT_HAIRPINS);
    return pt_nat_deliver(skb, p, &host);
}

/* An ICMP error from the internet, about a packet that we have translated: the packet in it is translated back. The
 * checksum of the quoted IP header changes by what its address does, so of all that only the port moves the sum of the
 * error. A verdict. */
PT_SUBPROGRAM int pt_nat_error_in(struct __sk_buff *skb, struct pkt *p, __u32 link)
{
    struct pt_nat_host host = {};
    struct iphdr quoted;
    __be16 port;

    if (p == NULL || p->l4_offset == 0 || p->l4_offset > 128) {
        return TC_ACT_OK;
    }
    __u32 at = p->l4_offset + 8, own = p->l4_offset + 2;
    if (bpf_skb_load_bytes(skb, at, &quoted, sizeof(quoted)) != 0 || quoted.version != 4 || quoted.ihl < 5 ||
        quoted.saddr != p->destination.words[3]) {
        return TC_ACT_OK;
    }
    __u32 l4 = at + quoted.ihl * 4U, port_at = quoted.protocol == IPPROTO_ICMP ? l4 + 4 : l4;
    __u32 class = quoted.protocol == IPPROTO_TCP   ? PT_NAT_TCP
                  : quoted.protocol == IPPROTO_UDP ? PT_NAT_UDP
                                                   : PT_NAT_ICMP;
    if ((class == PT_NAT_ICMP && quoted.protocol != IPPROTO_ICMP) ||
        bpf_skb_load_bytes(skb, port_at, &port, sizeof(port)) != 0) {
        return TC_ACT_OK;
    }
    int behind =
        pt_nat_behind(p->slot, PT_NAT_INDEX(link, class, bpf_ntohs(port)), quoted.protocol, quoted.daddr, &host);
    if (behind <= 0) {
        return behind; /* 0 is TC_ACT_OK: the node's own */
    }
    __be16 inside = bpf_htons(host.port);
    if (bpf_l3_csum_replace(skb, at + offsetof(struct iphdr, check), quoted.saddr, host.address, 4) != 0 ||
        bpf_skb_store_bytes(skb, at + offsetof(struct iphdr, saddr), &host.address, 4, 0) != 0 ||
        bpf_l4_csum_replace(skb, own, port, inside, 2) != 0 ||
        bpf_skb_store_bytes(skb, port_at, &inside, sizeof(inside), 0) != 0) {
        return DROP(MALFORMED);
    }
    p->l4_offset = 0; /* the error's own checksum does not hold the address */
    pt_nat_count(link, PT_NAT_ERRORS);
    return pt_nat_deliver(skb, p, &host);
}

/* A flow came in by a forwarded port: its answers go out by the same one; and the agent is told, once. */
PT_INLINE void pt_nat_enter(const struct pkt *p, const struct pt_nat_host *host, __u32 index)
{
    struct pt_abi_flow4_key answers = pt_nat_answers(host->address, host->port, p->source.words[3], p->port_source,
                                                     PT_FLOW_VNI_PROTOCOL(host->vni, p->protocol));
    __u32 *entered = bpf_map_lookup_elem(&pt_nat_entered, &answers), zero = 0;

    if (entered != NULL && *entered == index && !p->begins) {
        return;
    }
    (void)bpf_map_update_elem(&pt_nat_entered, &answers, &index, BPF_ANY);
    const struct pt_abi_node *node = pt_find(&pt_nodes, p->slot, &zero);
    __u64 label = node == NULL ? 0 : node->site_label;
    if (pt_event_put(p, NULL, PT_NAT_INBOUND | index, label << 32,
                     PT_EVENT_FLOW | PT_FLOW_LOCAL << 8 | PT_EVENT_OUT_IS_NAT)) {
        (void)pt_event_lost();
    }
}

/* A packet from a link that is no tunnel's. A verdict; TC_ACT_OK: not for a host of ours. */
PT_SUBPROGRAM int pt_nat_in(struct __sk_buff *skb, struct pkt *p)
{
    struct pt_nat_host host = {};
    __u8 type = 0;

    if (p == NULL || pkt_parse(skb, p) != 0 || p->v6 || p->l4_offset == 0) {
        return TC_ACT_OK;
    }
    if (p->protocol == IPPROTO_UDP && p->port_destination >= PT_GENEVE_PORT && p->port_destination <= PT_LIVE_PORT) {
        return TC_ACT_OK; /* the node's own, and many */
    }
    struct pt_abi_link_key key = {.ifindex = skb->ifindex, .local = p->destination};
    const struct pt_abi_link *link = pt_find(&pt_links, p->slot, &key);
    if (link == NULL || link->link >= PT_NAT_LINKS_MAX) {
        return TC_ACT_OK;
    }
    if (p->protocol == IPPROTO_ICMP) {
        if (bpf_skb_load_bytes(skb, p->l4_offset, &type, 1) != 0) {
            return TC_ACT_OK;
        }
        if (type == 3 || type == 11 || type == 12) {
            return pt_nat_error_in(skb, p, link->link);
        }
        if (type == PT_ICMP_ECHO) {
            return TC_ACT_OK;
        }
    }
    int class = pt_nat_class(skb, p);
    if (class < 0) {
        return TC_ACT_OK;
    }
    __u32 index = PT_NAT_INDEX(link->link, class, p->port_destination);
    int behind = pt_nat_behind(p->slot, index, p->protocol, p->source.words[3], &host);
    p->vni = host.vni; /* in whose name it is told */
    if (behind <= 0) {
        return behind;
    }
    if (host.forwarded) {
        pt_nat_enter(p, &host, index);
    }
    return pt_nat_deliver(skb, p, &host);
}
