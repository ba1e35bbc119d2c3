/*
 * Mappings (abi/nat.h): which port of which link a host is known by. They do not depend on the destination (RFC 4787
 * REQ-1), ports are never shared (REQ-3), the host's own port is taken when it is free, else one of its parity (REQ-4),
 * by chance (RFC 6056). Only the host's packets make a mapping last (REQ-6).
 *
 *    free --compare-and-swap of `until`--> taken --each packet of the host: `until` moves on--> out of its time = free
 */
#pragma once

#include "bpf/abi/bundle.h"
#include "bpf/lib/packet.h"

#define PT_NAT_PORTS ((PT_NAT_PORT_LAST + 1 - PT_NAT_PORT_FIRST) / 2) /* of one parity */
#define PT_NAT_STEP 7919U                                             /* shares no factor with it: visits all */
#define PT_NAT_PICKS 4
#define PT_ICMP_ECHO_REPLY 0
#define PT_ICMP_ECHO 8

PT_INLINE void pt_nat_count(__u32 link, __u32 what)
{
    __u32 key = PT_NAT_COUNT(link, what);
    __u64 *count = bpf_map_lookup_elem(&pt_nat_counts_v2, &key);

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
        pt_nat_count(link, PT_NAT_MADE);
        return port;
    }
    pt_nat_count(link, PT_NAT_EXHAUSTED);
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
