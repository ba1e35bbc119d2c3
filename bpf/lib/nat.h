/*
 * Translation of addresses (abi/nat.h), at tc, where packets may be whole trains with unfinished checksums: the
 * kernel's helpers change a checksum by the difference (RFC 1624) and know which part of it is still to be made.
 *
 *    host -> [flow says which mapping] -> source := link's address, port  -> TTL -> link
 *    link -> place of the port -> destination := host, its port -> TTL -> LAN
 *
 * Mappings do not depend on the destination (RFC 4787 REQ-1), a host keeps to one address (REQ-2), ports are never
 * shared (REQ-3), the host's own port is taken when it is free, else one of its parity (REQ-4), by chance (RFC 6056).
 * Only the host's packets make a mapping last (REQ-6). A host may send to a mapping of its neighbour (REQ-9); both then
 * see each other's address outside. ICMP errors about what was translated are translated (RFC 5508 REQ-3 to 5).
 */
#pragma once

#include "bpf/abi/bundle.h"
#include "bpf/lib/packet.h"
#include "bpf/lib/send.h"

#include <linux/pkt_cls.h>

#define PT_NAT_PORTS ((PT_NAT_PORT_LAST + 1 - PT_NAT_PORT_FIRST) / 2) /* of one parity */
#define PT_NAT_STEP 7919U                                             /* shares no factor with it: visits all */
#define PT_NAT_PICKS 4
#define PT_ICMP_ECHO_REPLY 0
#define PT_ICMP_ECHO 8

PT_INLINE void pt_nat_count(__u32 what)
{
    __u64 *count = bpf_map_lookup_elem(&pt_nat_counts, &what);
    if (count != NULL) {
        *count += 1;
    }
}

PT_INLINE __u32 pt_nat_now(void)
{
    return (__u32)(bpf_ktime_get_coarse_ns() >> PT_NAT_TIME_SHIFT) + 1;
}

PT_INLINE struct pt_abi_mapping *pt_nat_place(__u32 index)
{
    __u32 link = PT_NAT_LINK(index), place = PT_NAT_PLACE(index);
    void *pool = bpf_map_lookup_elem(&pt_nat_pools, &link);

    return pool == NULL ? NULL : bpf_map_lookup_elem(pool, &place);
}

PT_INLINE int pt_nat_is_taken(const struct pt_abi_mapping *place, __u32 now)
{
    return place->until != 0 && (__s32)(place->until - now) > 0;
}

/* ---- changing packets ----------------------------------------------------------------------------------------- */

struct pt_nat_change {
    __be32 from, to; /* address */
    __be16 port_from, port_to;
    __u32 at;      /* of the address, from the start of the frame */
    __u32 port_at; /* of the port, or query id; 0: not to be changed */
    __u32 l4_offset;
    __u8 protocol;
};

/* 0, or -1 when the packet is too short. */
PT_SUBPROGRAM int pt_nat_apply(struct __sk_buff *skb, const struct pt_nat_change *c)
{
    if (c == NULL) {
        return -1;
    }
    __be32 to = c->to;
    __be16 port = c->port_to;
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
        if (c->protocol != IPPROTO_ICMP && c->from != to &&
            bpf_l4_csum_replace(skb, check, c->from, to, BPF_F_PSEUDO_HDR | flags | 4) != 0) {
            return -1;
        }
        if (c->port_at != 0 && c->port_from != port) {
            if (bpf_l4_csum_replace(skb, check, c->port_from, port, flags | 2) != 0 ||
                bpf_skb_store_bytes(skb, c->port_at, &port, sizeof(port), 0) != 0) {
                return -1;
            }
        }
    }
    if (c->from == to) {
        return 0;
    }
    return bpf_l3_csum_replace(skb, ETH_HLEN + offsetof(struct iphdr, check), c->from, to, 4) != 0 ||
                   bpf_skb_store_bytes(skb, c->at, &to, sizeof(to), 0) != 0
               ? -1
               : 0;
}

/* The source becomes this address and port. */
PT_INLINE int pt_nat_source(struct __sk_buff *skb, const struct pkt *p, __be32 address, __u16 port)
{
    struct pt_nat_change c = {.from = p->source.words[3],
                              .to = address,
                              .port_from = bpf_htons(p->port_source),
                              .port_to = bpf_htons(port),
                              .at = ETH_HLEN + offsetof(struct iphdr, saddr),
                              .port_at = p->l4_offset,
                              .l4_offset = p->l4_offset,
                              .protocol = p->protocol};

    if (p->protocol == IPPROTO_ICMP) {
        c.port_at += 4;
    }
    return pt_nat_apply(skb, &c);
}

/* The destination becomes this one. */
PT_INLINE int pt_nat_destination(struct __sk_buff *skb, const struct pkt *p, __be32 address, __u16 port)
{
    struct pt_nat_change c = {.from = p->destination.words[3],
                              .to = address,
                              .port_from = bpf_htons(p->port_destination),
                              .port_to = bpf_htons(port),
                              .at = ETH_HLEN + offsetof(struct iphdr, daddr),
                              .port_at = p->l4_offset + 2,
                              .l4_offset = p->l4_offset,
                              .protocol = p->protocol};

    if (p->protocol == IPPROTO_ICMP) {
        c.port_at = p->l4_offset + 4;
    }
    return pt_nat_apply(skb, &c);
}

/* ---- mappings ------------------------------------------------------------------------------------------------- */

/* What a mapping is for. -1: nothing that can be translated. Reads the query's id in place of ports. */
PT_INLINE int pt_nat_class(struct __sk_buff *skb, struct pkt *p)
{
    struct {
        __u8 type, code;
        __be16 check, id;
    } icmp;

    if (p->protocol == IPPROTO_TCP || p->protocol == IPPROTO_UDP) {
        return !p->has_ports ? -1 : p->protocol == IPPROTO_TCP ? PT_NAT_TCP : PT_NAT_UDP;
    }
    if (p->protocol != IPPROTO_ICMP || p->l4_offset == 0 ||
        bpf_skb_load_bytes(skb, p->l4_offset, &icmp, sizeof(icmp)) != 0 ||
        (icmp.type != PT_ICMP_ECHO && icmp.type != PT_ICMP_ECHO_REPLY)) {
        return -1;
    }
    p->port_source = p->port_destination = bpf_ntohs(icmp.id);
    return PT_NAT_ICMP;
}

/* How long from now a mapping lasts. */
PT_INLINE __u32 pt_nat_lasts(const struct pt_abi_breakout *breakout, const struct pt_abi_mapping *place, __u32 class)
{
    if (class == PT_NAT_UDP) {
        return breakout->udp;
    }
    if (class == PT_NAT_ICMP) {
        return breakout->icmp;
    }
    return (place->flags & (PT_NAT_ANSWERED | PT_NAT_CLOSING)) == PT_NAT_ANSWERED ? breakout->tcp
                                                                                  : breakout->tcp_transitory;
}

struct pt_nat_wanted {
    struct pt_abi_inside inside;
    __u32 until, now, lan_ifindex;
    __be32 address; /* of the exit */
};

struct pt_nat_search {
    __u32 link, class, own, until, now; /* what is wanted */
    __u32 at, parity;                   /* where the search is */
    __u32 port;                         /* found; 0: not yet */
};

/* Look at one place. 1: the search is over. */
static long pt_nat_try(__u32 i, struct pt_nat_search *s)
{
    __u32 port = PT_NAT_PORT_FIRST + s->at * 2 + s->parity;

    if (i == 0 && s->own >= PT_NAT_PORT_FIRST && s->own <= PT_NAT_PORT_LAST) {
        port = s->own;
    }
    struct pt_abi_mapping *place = pt_nat_place(PT_NAT_INDEX(s->link, s->class, port & 0xffff));
    if (place == NULL) {
        return 1;
    }
    __u32 old = place->until;
    if ((old == 0 || (__s32)(old - s->now) <= 0) && __sync_val_compare_and_swap(&place->until, old, s->until) == old) {
        s->port = port;
        return 1;
    }
    s->at += PT_NAT_STEP;
    s->at = s->at >= PT_NAT_PORTS ? s->at - PT_NAT_PORTS : s->at;
    return 0;
}

/* Take a free place. Tries the host's own port, then others of its parity. The port, or 0. */
PT_INLINE __u32 pt_nat_take(const struct pt_nat_wanted *w)
{
    struct pt_nat_search s = {.link = w->inside.link,
                              .class = w->inside.vni_class >> 24,
                              .own = w->inside.port,
                              .until = w->until,
                              .now = w->now,
                              .at = bpf_get_prandom_u32() % PT_NAT_PORTS,
                              .parity = w->inside.port & 1};

    (void)bpf_loop(PT_NAT_TRIES, pt_nat_try, &s, 0);
    return s.port;
}

/* Does a socket of the node use this port? What comes for it must go on reaching it. */
PT_SUBPROGRAM int pt_nat_is_the_nodes(struct __sk_buff *skb, __u32 class, __u32 address, __u32 port)
{
    struct { /* the IPv4 part of struct bpf_sock_tuple: all of that would be too much stack */
        __be32 source, destination;
        __be16 port_source, port_destination;
    } tuple = {.destination = address, .port_destination = bpf_htons((__u16)port)};
    struct bpf_sock *socket = NULL;

    if (class == PT_NAT_TCP) {
        socket = bpf_skc_lookup_tcp(skb, (struct bpf_sock_tuple *)&tuple, sizeof(tuple), BPF_F_CURRENT_NETNS, 0);
    } else if (class == PT_NAT_UDP) {
        socket = bpf_sk_lookup_udp(skb, (struct bpf_sock_tuple *)&tuple, sizeof(tuple), BPF_F_CURRENT_NETNS, 0);
    }
    if (socket == NULL) {
        return 0;
    }
    bpf_sk_release(socket);
    return 1;
}

/* A new mapping. The port, or 0. */
PT_SUBPROGRAM __u32 pt_nat_make(struct __sk_buff *skb, const struct pt_nat_wanted *w)
{
    if (w == NULL) {
        return 0;
    }
    struct pt_abi_inside key = w->inside;
    __u32 class = key.vni_class >> 24, link = key.link;

    for (int i = 0; i < PT_NAT_PICKS; i++) {
        __u32 port = pt_nat_take(w);
        if (port == 0) {
            break;
        }
        struct pt_abi_mapping *place = pt_nat_place(PT_NAT_INDEX(link, class, port & 0xffff));
        if (place == NULL) {
            return 0;
        }
        if (pt_nat_is_the_nodes(skb, class, w->address, port)) {
            place->inside = 0; /* kept from others for a while */
            place->vni = 0;
            continue;
        }
        place->inside = key.address;
        place->vni = key.vni_class & 0xffffff;
        place->port = key.port;
        place->flags = 0;
        place->lan_ifindex = w->lan_ifindex;
        place->packets_in = place->packets_out = 0;
        (void)bpf_map_update_elem(&pt_nat_out, &key, &port, BPF_ANY);
        pt_nat_count(PT_NAT_MADE);
        return port;
    }
    pt_nat_count(PT_NAT_EXHAUSTED);
    return 0;
}

/* The mapping of a host's packet by a link: the one that it has, told that it lives; or a new one. Index, or 0. */
PT_INLINE __u32 pt_nat_map(struct __sk_buff *skb, const struct pkt *p, const struct pt_abi_breakout *breakout,
                           const struct pt_abi_exit *exit, __u32 link, __u32 class)
{
    struct pt_nat_wanted w = {.inside = {.address = p->source.words[3],
                                         .vni_class = p->vni | class << 24,
                                         .port = p->port_source,
                                         .link = (__u16)link},
                              .now = pt_nat_now(),
                              .lan_ifindex = skb->ifindex,
                              .address = exit->address};
    __u32 *hint = bpf_map_lookup_elem(&pt_nat_out, &w.inside), port = hint == NULL ? 0 : *hint & 0xffff;

    if (port != 0) {
        struct pt_abi_mapping *place = pt_nat_place(PT_NAT_INDEX(link, class, port));
        if (place != NULL && pt_nat_is_taken(place, w.now) && place->inside == p->source.words[3] &&
            place->vni == p->vni && place->port == p->port_source) {
            if (p->begins) {
                place->flags = 0;
            } else if (p->ends) {
                place->flags |= PT_NAT_CLOSING;
            }
            place->until = w.now + pt_nat_lasts(breakout, place, class);
            place->lan_ifindex = w.lan_ifindex;
            return PT_NAT_INDEX(link, class, port);
        }
    }
    w.until = w.now + (class == PT_NAT_TCP   ? breakout->tcp_transitory
                       : class == PT_NAT_UDP ? breakout->udp
                                             : breakout->icmp);
    port = pt_nat_make(skb, &w);
    return port == 0 ? 0 : PT_NAT_INDEX(link, class, port);
}

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

/* A port forward's way back. */
PT_INLINE __u32 pt_nat_forwarded(const struct pkt *p)
{
    struct pt_abi_forward_key key = {
        .address = p->source.words[3], .scope = p->vni, .port = p->port_source, .protocol = p->protocol, .inside = 1};
    const struct pt_abi_forward *forward = p->has_ports ? pt_find(&pt_forwards, p->slot, &key) : NULL;

    return forward == NULL ? 0
                           : PT_NAT_INDEX(forward->scope, p->protocol == IPPROTO_TCP ? PT_NAT_TCP : PT_NAT_UDP,
                                          forward->port & 0xffff);
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
        return 0;
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
    __u32 reason = decrement_ttl(skb, p);
    if (reason != 0) {
        return -(int)reason;
    }
    if (pt_nat_source(skb, p, exit->address, PT_NAT_PORT(index)) != 0) {
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
    __u32 reason = decrement_ttl(skb, p);
    if (reason != 0) {
        return -(int)reason;
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
    if (pt_nat_source(skb, p, exit->address, PT_NAT_PORT(index)) != 0) {
        return DROP(MALFORMED);
    }
    pt_nat_count(PT_NAT_HAIRPINS);
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
    struct pkt outer = *p;
    outer.l4_offset = 0; /* its own checksum does not hold the address */
    pt_nat_count(PT_NAT_ERRORS);
    return pt_nat_deliver(skb, &outer, &host);
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
    int behind = pt_nat_behind(p->slot, PT_NAT_INDEX(link->link, class, p->port_destination), p->protocol,
                               p->source.words[3], &host);
    return behind <= 0 ? behind : pt_nat_deliver(skb, p, &host);
}
