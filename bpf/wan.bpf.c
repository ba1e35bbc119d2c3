/*
 * Hook `wan`: native XDP on a WAN link, and its companion at tc ingress of the same link.
 *
 *    ours? -> well formed? -> known peer? -+- labels left: the next site's group -> path -> new outer header
 *                                          |- sealed:      up to the tunnel process's sockets (liveness too)
 *                                          |- control:     hellos are answered, the rest goes up to the agent's socket
 *                                          +- else:        inner destination a prefix of this segment here? -> decap
 *
 * What came by no tunnel is, for all that XDP knows, the node's own; the companion looks whether a host of ours has it
 * (lib/nat.h).
 *
 * XDP decides and rewrites; the companion sends, because only at tc can a packet be handed to the neighbour table
 * (bpf_redirect_neigh) and pass the queueing discipline of the interface it leaves by. In between the kernel may merge
 * decapsulated packets of a TCP stream into one (GRO). The companion learns what to do from metadata before the frame.
 *
 * Unfinished checksums. A packet that was made on this machine may arrive over a veth with its inner checksum left to
 * hardware. On XDP_PASS the kernel keeps the order to finish it, which points into the inner packet and does not move
 * with the headers; so it is finished on the way out. XDP_REDIRECT would forget it: another reason to send at tc.
 */
#include "bpf/lib/cookie.h"
#include "bpf/lib/filter.h"
#include "bpf/lib/frame.h"
#include "bpf/lib/group.h"
#include "bpf/lib/nat.h"
#include "bpf/lib/route.h"

#include <linux/pkt_cls.h>

#include "bpf/abi/hello.h"
#include "bpf/abi/meta.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define PT_ECN_CE 3

/* Leave word for the companion. A verdict. */
PT_INLINE int hand_over(struct xdp_md *ctx, __u32 ifindex, __u32 family, const struct pt_abi_address *nexthop,
                        __be32 outside)
{
    if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(struct pt_abi_meta)) != 0) {
        return DROP(NO_METADATA);
    }
    struct pt_abi_meta *meta = (void *)(long)ctx->data_meta;
    if ((void *)(meta + 1) > (void *)(long)ctx->data) {
        return DROP(NO_METADATA);
    }
    meta->magic = PT_META_MAGIC;
    meta->ifindex = ifindex;
    meta->family = family;
    meta->nexthop = *nexthop;
    meta->outside = outside;
    return XDP_PASS;
}

/* The same for the next hop of a path. */
PT_INLINE int hand_over_by(struct xdp_md *ctx, const struct pt_abi_path *path)
{
    __u32 family = 0;

    if (path->flags & PT_PATH_NEXTHOP) {
        family = path->flags & PT_PATH_V6 ? 10 : 2;
    }
    return hand_over(ctx, path->ifindex, family, &path->nexthop, 0);
}

/* Move the start of the frame so that `size` bytes of Ethernet and new headers stand before the inner packet, and give
 * it the old Ethernet addresses (the kernel must see a frame for itself) with a new type. */
PT_INLINE int reframe(struct xdp_md *ctx, const struct frame *f, __u32 size, __be16 ethertype)
{
    struct ethhdr eth;

    if (bpf_xdp_load_bytes(ctx, 0, &eth, sizeof(eth)) != 0 ||
        bpf_xdp_adjust_head(ctx, (int)f->header_size - (int)size) != 0) {
        return -1;
    }
    eth.h_proto = ethertype;
    return bpf_xdp_store_bytes(ctx, 0, &eth, sizeof(eth)) != 0 ? -1 : 0;
}

struct labels { /* what a packet is to carry on */
    __be32 stack[PT_STACK_LEN_MAX];
    __u32 len;
    __u32 repaired;
};

/* The outer header for a path's tunnel, with this stack. 0 or -1. */
PT_INLINE int rewrite_outer(struct xdp_md *ctx, const struct frame *f, const struct pt_abi_path *path, __be16 port,
                            const struct labels *labels)
{
    struct pt_envelope e = {.vni = f->vni,
                            .inner_size = f->inner_size,
                            .flow = bpf_ntohs(f->source_port),
                            .port = port,
                            .protocol = f->protocol,
                            .tos = f->tos,
                            .control = f->control,
                            .stack_len = (__u16)labels->len,
                            .repaired = (__u8)labels->repaired,
                            .strict = f->strict};
    struct pt_tunnel_header tunnel = {};
    int v6 = (path->flags & PT_PATH_V6) != 0;
    __u32 size = pt_tunnel_size(e.stack_len), ip_size = v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);

    pt_tunnel_header_fill(&tunnel, &e);
    tunnel.udp.source = f->source_port;
    for (int i = 0; i < PT_STACK_LEN_MAX; i++) {
        tunnel.stack[i] = labels->stack[i];
    }
    if (reframe(ctx, f, ETH_HLEN + ip_size + size, v6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP)) != 0) {
        return -1;
    }
    PT_OPAQUE(size);
    if (size < 16 || size > sizeof(tunnel) || bpf_xdp_store_bytes(ctx, ETH_HLEN + ip_size, &tunnel, size) != 0) {
        return -1;
    }
    if (v6) {
        struct ipv6hdr ip = {};
        pt_outer_v6(&ip, path, &e);
        return (int)bpf_xdp_store_bytes(ctx, ETH_HLEN, &ip, sizeof(ip));
    }
    struct iphdr ip = {};
    pt_outer_v4(&ip, path, &e);
    return (int)bpf_xdp_store_bytes(ctx, ETH_HLEN, &ip, sizeof(ip));
}

/* Is the path one of those that come first in the group? */
PT_SUBPROGRAM int comes_first(const struct pt_abi_group *group, __u32 path_slot)
{
    if (group == NULL) {
        return 0;
    }
    for (__u32 i = 0; i < PT_MEMBERS_MAX; i++) {
        if (i < group->members_len && group->members[i].path_slot == path_slot) {
            return group->members[i].tier == 0;
        }
    }
    return 0;
}

/* The path that the group of a label gives, or NULL and the reason. */
PT_INLINE const struct pt_abi_path *towards(const struct frame *f, __be32 label, __u32 *path_slot, __u32 *reason)
{
    struct pt_abi_group_key key = {.site_label = bpf_ntohl(label), .policy_class = PT_CLASS_TRANSIT};
    const struct pt_abi_group *group = pt_find(&pt_groups, f->slot, &key);

    *reason = PT_DROP_NO_GROUP;
    if (group == NULL) {
        return NULL;
    }
    *reason = PT_DROP_NO_PATH;
    *path_slot = pt_group_choose(group, pt_mix32(f->vni ^ (__u32)f->source_port << 16));
    if (f->strict && !comes_first(group, *path_slot)) {
        return NULL;
    }
    const struct pt_abi_path *path = *path_slot == 0 ? NULL : pt_find(&pt_paths, f->slot, path_slot);
    /* One detour is enough: the site that it leads over may see no way either, and send the packet back. */
    return path == NULL || path->ifindex == 0 || (path->stack_len != 0 && f->repaired) ? NULL : path;
}

/* The packet's labels without the first `used`, behind those of the path. 0, or -1 when they are too many. */
PT_INLINE int put_labels(const struct frame *f, const struct pt_abi_path *path, __u32 used, struct labels *labels)
{
    __u32 own = path->stack_len;

    for (int i = 0; i < PT_STACK_LEN_MAX; i++) {
        __be32 next = i + 1 < PT_STACK_LEN_MAX ? f->stack[i + 1] : 0;
        __be32 after = i + 2 < PT_STACK_LEN_MAX ? f->stack[i + 2] : 0;
        labels->stack[i] = used == 1 ? next : after;
    }
    labels->len = own + f->stack_len - used;
    labels->repaired = f->repaired || own != 0 || used != 1;
    if (labels->len > PT_STACK_LEN_MAX) {
        return -1;
    }
    for (int i = 0; i < PT_STACK_LEN_MAX; i++) {
        if ((__u32)i >= own) {
            break;
        }
        for (int j = PT_STACK_LEN_MAX - 1; j > i; j--) {
            labels->stack[j] = labels->stack[j - 1];
        }
        labels->stack[i] = bpf_htonl(path->stack[i]);
    }
    return 0;
}

/*
 * Labels are left: forward by the stack alone, to the site that the first one names.
 *
 *  1. By a tunnel to that site; each site takes one label off, so that a local flip cannot make a loop.
 *  2. When none is alive, by a path round the failure, whose labels go in front: the higher tiers of the group.
 *  3. When that site cannot be reached at all, it has failed: to the site after it, if the stack names one.
 *
 * 2 and 3 mark the packet, and a marked packet takes neither; nor does one that its source has marked as strict, which
 * takes the tunnels of 1 that come first, and no others.
 */
PT_INLINE int forward(struct xdp_md *ctx, const struct frame *f, __be16 port)
{
    __u32 path_slot = 0, reason = 0, ignored = 0, used = 1;
    const struct pt_abi_path *path = towards(f, f->stack[0], &path_slot, &reason);

    if (path == NULL && reason == PT_DROP_NO_PATH && f->stack_len > 1 && !f->repaired && !f->strict) {
        used = 2;
        path = towards(f, f->stack[1], &path_slot, &ignored);
    }
    if (path == NULL) {
        return -(int)reason;
    }
    if (frame_checksum_is_partial(f)) {
        return DROP(OUTER_CHECKSUM);
    }
    struct labels labels = {};
    if (put_labels(f, path, used, &labels) != 0) {
        return DROP(NO_PATH);
    }
    if (rewrite_outer(ctx, f, path, port, &labels) != 0) {
        return DROP(NO_HEADROOM);
    }
    pt_count_tx(path_slot, 1, f->inner_size);
    return hand_over_by(ctx, path);
}

/* A hello that asks is answered here, along the tunnel it came by and with the stack it brought: what is judged is the
 * way of packets, and whether the agent's process runs does not matter. Everything else of control goes up. */
PT_INLINE int answer(struct xdp_md *ctx, const struct frame *f, const struct pt_abi_peer *peer, __be16 port)
{
    struct pt_hello_packet hello;

    if (f->protocol != bpf_htons(PT_HELLO_PROTOCOL) || f->inner_size < sizeof(hello) ||
        bpf_xdp_load_bytes(ctx, f->header_size, &hello, sizeof(hello)) != 0 ||
        hello.magic != bpf_htonl(PT_HELLO_MAGIC) || hello.version != PT_HELLO_VERSION ||
        hello.type != PT_HELLO_REQUEST) {
        return XDP_PASS;
    }
    __u32 path_slot = peer->path_slot;
    const struct pt_abi_path *path = pt_find(&pt_paths, f->slot, &path_slot);
    if (path == NULL || path->ifindex == 0 || hello.return_len > PT_STACK_LEN_MAX) {
        return DROP(NO_PATH);
    }
    struct labels back = {.len = hello.return_len};
    for (int i = 0; i < PT_STACK_LEN_MAX; i++) {
        back.stack[i] = hello.return_stack[i];
    }
    hello.type = PT_HELLO_REPLY;
    if (bpf_xdp_store_bytes(ctx, f->header_size, &hello, sizeof(hello)) != 0 ||
        rewrite_outer(ctx, f, path, port, &back) != 0) {
        return DROP(NO_HEADROOM);
    }
    return hand_over_by(ctx, path);
}

/* The inner packet, as far as delivering it asks. 0 or a drop reason. */
PT_INLINE __u32 parse_inner(struct xdp_md *ctx, const struct frame *f, struct pkt *p)
{
    union {
        struct iphdr v4;
        struct ipv6hdr v6;
    } ip;

    if (f->protocol == bpf_htons(ETH_P_IP)) {
        if (f->inner_size < sizeof(ip.v4) || bpf_xdp_load_bytes(ctx, f->header_size, &ip.v4, sizeof(ip.v4)) != 0 ||
            ip.v4.version != 4 || ip.v4.ihl < 5 || bpf_ntohs(ip.v4.tot_len) > f->inner_size ||
            bpf_ntohs(ip.v4.tot_len) < ip.v4.ihl * 4) {
            return PT_DROP_INNER_MALFORMED;
        }
        p->source.words[2] = p->destination.words[2] = bpf_htonl(0xffff);
        p->source.words[3] = ip.v4.saddr;
        p->destination.words[3] = ip.v4.daddr;
        p->tos = ip.v4.tos;
        p->protocol = ip.v4.protocol;
        p->fragment = (ip.v4.frag_off & bpf_htons(PT_IP_FRAGMENT_BITS)) != 0;
        p->l4_offset = f->header_size + ip.v4.ihl * 4U;
        return 0;
    }
    if (f->protocol != bpf_htons(ETH_P_IPV6) || f->inner_size < sizeof(ip.v6) ||
        bpf_xdp_load_bytes(ctx, f->header_size, &ip.v6, sizeof(ip.v6)) != 0 || ip.v6.version != 6 ||
        bpf_ntohs(ip.v6.payload_len) + sizeof(ip.v6) > f->inner_size) {
        return PT_DROP_INNER_MALFORMED;
    }
    __builtin_memcpy(&p->source, &ip.v6.saddr, 16);
    __builtin_memcpy(&p->destination, &ip.v6.daddr, 16);
    p->v6 = 1;
    p->tos = (__u8)(ip.v6.priority << 4 | ip.v6.flow_lbl[0] >> 4);
    p->protocol =
        ip.v6.nexthdr; /* behind extension headers a packet has no ports here: its answers are judged by rules */
    p->l4_offset = f->header_size + (__u32)sizeof(ip.v6);
    return 0;
}

/* The firewall's view of what arrives. 0 or a drop reason. */
PT_INLINE __u32 filter_inner(struct xdp_md *ctx, struct pkt *p)
{
    struct {
        __be16 source, destination;
        __be32 sequence, acknowledged;
        __u8 offset, flags;
    } head;

    if (pt_find(&pt_filters, p->slot, &p->vni) == NULL) {
        return 0;
    }
    int has_ports = p->protocol == IPPROTO_TCP || p->protocol == IPPROTO_UDP || p->protocol == IPPROTO_SCTP ||
                    p->protocol == IPPROTO_UDPLITE || p->protocol == IPPROTO_DCCP;
    if (!p->fragment && has_ports && bpf_xdp_load_bytes(ctx, p->l4_offset, &head, 8) == 0) {
        p->port_source = bpf_ntohs(head.source);
        p->port_destination = bpf_ntohs(head.destination);
        p->has_ports = 1;
        p->begins = p->protocol == IPPROTO_TCP && bpf_xdp_load_bytes(ctx, p->l4_offset, &head, 14) == 0 &&
                    (head.flags & (PT_TCP_SYN | PT_TCP_ACK)) == PT_TCP_SYN;
    }
    if (!p->fragment && !p->has_ports && bpf_xdp_load_bytes(ctx, p->l4_offset, &head, 8) == 0) {
        pkt_set_query(p, (__u8)(bpf_ntohs(head.source) >> 8), (__be16)head.sequence);
    }
    return pt_filter_arrives(p);
}

/* The address inside of one that a prefix of this site has outside. 0: it is none. */
PT_INLINE __be32 inside_of(const struct pkt *p)
{
    const struct pt_abi_prefixes *prefixes = p->v6 ? NULL : pt_find(&pt_prefixes, p->slot, &p->vni);
    __be32 to = p->destination.words[3];

    for (__u32 i = 0; prefixes != NULL && i < PT_NAT_PREFIXES_MAX; i++) {
        if (i >= prefixes->len) {
            break;
        }
        if ((to & prefixes->maps[i].mask) == prefixes->maps[i].outside) {
            return prefixes->maps[i].inside | (to & ~prefixes->maps[i].mask);
        }
    }
    return 0;
}

/* Congestion was marked outside: mark it inside (RFC 6040 4.2). After decapsulation; 0 or a drop reason. */
PT_INLINE __u32 mark_congestion(struct xdp_md *ctx, const struct frame *f, __u8 tos)
{
    if ((f->tos & PT_ECN_MASK) != PT_ECN_CE || (tos & PT_ECN_MASK) == PT_ECN_CE) {
        return 0;
    }
    if ((tos & PT_ECN_MASK) == 0) {
        return PT_DROP_ECN_INVALID;
    }
    __u8 word[12]; /* both headers begin with version; IPv4's checksum is at 10 */
    if (bpf_xdp_load_bytes(ctx, ETH_HLEN, word, sizeof(word)) != 0) {
        return PT_DROP_INNER_MALFORMED;
    }
    if (f->protocol == bpf_htons(ETH_P_IPV6)) {
        word[1] |= PT_ECN_CE << 4;
    } else {
        /* RFC 1624 in short: the header's sum grows by the difference, so its complement shrinks by it. */
        __u32 sum = ((__u32)word[10] << 8 | word[11]) + 0xffff - ((tos | PT_ECN_CE) - tos);
        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        word[10] = (__u8)(sum >> 8);
        word[11] = (__u8)sum;
        word[1] |= PT_ECN_CE;
    }
    (void)bpf_xdp_store_bytes(ctx, ETH_HLEN, word, sizeof(word));
    return 0;
}

/* No labels left: it must be for a host of this site, in this segment. */
PT_INLINE int deliver(struct xdp_md *ctx, const struct frame *f, const struct pt_abi_node *node)
{
    struct pkt p = {.slot = f->slot, .vni = f->vni};
    struct pt_abi_route route = {};
    __be32 outside = 0;
    __u32 reason = parse_inner(ctx, f, &p);

    if (reason != 0) {
        return -(int)reason;
    }
    __be32 inside = inside_of(&p);
    if (inside != 0) {
        outside = p.destination.words[3];
        p.destination.words[3] = inside;
    }
    __u32 family = pt_address_family(&p.destination);
    struct pt_route_question q = {.destination = p.destination,
                                  .slot = f->slot,
                                  .vni = f->vni,
                                  .own_label = node->site_label,
                                  .v6 = family != 2,
                                  .dir = PT_DIR_ASK};
    if (!pt_route_find(&q, &route)) {
        return DROP(WRONG_SEGMENT);
    }
    if (PT_ROUTE_LABEL(&route) != node->site_label || route.lan_ifindex == 0) {
        return DROP(NOT_LOCAL);
    }
    if (route.site_label & PT_ROUTE_SEALED) {
        return DROP(PLAIN_REFUSED);
    }
    reason = filter_inner(ctx, &p);
    if (reason != 0) {
        return -(int)reason;
    }
    if (reframe(ctx, f, ETH_HLEN, f->protocol) != 0) {
        return DROP(NO_HEADROOM);
    }
    reason = mark_congestion(ctx, f, p.tos);
    return reason != 0 ? -(int)reason : hand_over(ctx, route.lan_ifindex, family, &p.destination, outside);
}

#define WAN_OTHER 0x10000 /* no tunnel's: the kernel's, if protection has nothing against it */
#define WAN_MOVED 0x10001 /* sealed, and from an unknown address */

/* A function of its own: the stack of this and of what follows would be too much. */
PT_SUBPROGRAM int wan_run(struct xdp_md *ctx)
{
    __u32 zero = 0;
    struct frame frame = {}, *f = &frame;

    f->slot = pt_slot();
    f->ifindex = ctx->ingress_ifindex;
    const struct pt_abi_node *node = pt_find(&pt_nodes, f->slot, &zero);
    if (node == NULL || !node->present) {
        return XDP_PASS; /* before the first bundle there are no tunnels: only the agent's own traffic */
    }
    __u32 reason = frame_parse(ctx, f, node->geneve_port);
    if (reason == PT_FRAME_OTHER) {
        return WAN_OTHER;
    }
    if (reason != 0) {
        return -(int)reason;
    }
    struct pt_abi_peer_key key = {.ifindex = f->ifindex, .remote = f->source};
    const struct pt_abi_peer *peer = pt_find(&pt_peers, f->slot, &key);
    if (peer == NULL) {
        /* A sealed packet proves its sender by itself: a peer that moved, or stands behind a NAT. */
        return f->sealed && f->stack_len == 0 ? WAN_MOVED : DROP(UNKNOWN_PEER);
    }
    pt_count_rx(peer->path_slot, f->inner_size);
    if (f->stack_len != 0) {
        return forward(ctx, f, f->port);
    }
    if (f->sealed) {
        return XDP_PASS; /* to the tunnel process's sockets */
    }
    return f->control ? answer(ctx, f, peer, node->geneve_port) : deliver(ctx, f, node);
}

/* What is no known tunnel's. */
PT_SUBPROGRAM int wan_other(struct xdp_md *ctx, int why)
{
    __u32 syns_ps = 0, slot = pt_slot(), reason = pt_guard_judge(ctx, slot, &syns_ps);

    if (reason != 0) {
        return -(int)reason;
    }
    return why == WAN_OTHER && syns_ps != 0 ? pt_cookie_judge(ctx, slot, syns_ps) : XDP_PASS;
}

/* Tell of a frame that is dropped for what stands outside: its addresses are all that is known. Straight into the ring:
 * for a struct pkt there is no room on the stack. 1: the ring has no room. */
PT_SUBPROGRAM int wan_tell(struct xdp_md *ctx, __u32 reason)
{
    if (!pt_event_sample()) {
        return 0;
    }
    struct pt_abi_event *event = bpf_ringbuf_reserve(&pt_events, sizeof(*event), 0);
    if (event == NULL) {
        return 1;
    }
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    struct ethhdr *eth = data;
    struct iphdr *v4 = (void *)(eth + 1);
    struct ipv6hdr *v6 = (void *)(eth + 1);
    __be16 *ports = NULL;
    __u32 protocol = 0;
    __builtin_memset(event, 0, sizeof(*event));
    if ((void *)(v4 + 1) <= end && eth->h_proto == bpf_htons(ETH_P_IP)) {
        event->flow.source.words[2] = event->flow.destination.words[2] = bpf_htonl(0xffff);
        event->flow.source.words[3] = v4->saddr;
        event->flow.destination.words[3] = v4->daddr;
        protocol = v4->protocol;
        ports = v4->ihl == 5 && !(v4->frag_off & bpf_htons(0x1fff)) ? (void *)(v4 + 1) : NULL;
    } else if ((void *)(v6 + 1) <= end && eth->h_proto == bpf_htons(ETH_P_IPV6)) {
        __builtin_memcpy(&event->flow.source, &v6->saddr, 16);
        __builtin_memcpy(&event->flow.destination, &v6->daddr, 16);
        protocol = v6->nexthdr;
        ports = (void *)(v6 + 1);
    } else {
        bpf_ringbuf_discard(event, BPF_RB_NO_WAKEUP);
        return 0;
    }
    if (ports != NULL && (void *)(ports + 2) <= end && (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP)) {
        event->flow.port_source = bpf_ntohs(ports[0]);
        event->flow.port_destination = bpf_ntohs(ports[1]);
    }
    event->flow.vni_protocol = PT_FLOW_VNI_PROTOCOL(0, protocol);
    event->ns = bpf_ktime_get_coarse_ns();
    event->verdict = PT_FLOW_DROP;
    event->reason = (__u8)reason;
    event->kind = PT_EVENT_PACKET;
    bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
    return 0;
}

SEC("xdp.frags")
int pt_wan(struct xdp_md *ctx)
{
    int verdict = wan_run(ctx);

    if (verdict >= WAN_OTHER) {
        verdict = wan_other(ctx, verdict);
    }
    if (verdict < 0) {
        pt_count_drop((__u32)-verdict);
        if (wan_tell(ctx, (__u32)-verdict)) {
            (void)pt_event_lost();
        }
        return XDP_DROP;
    }
    return verdict;
}

/* No word from XDP: not from a tunnel. Somebody in the internet answers a host, or knocks at a forwarded port. */
PT_INLINE int from_internet(struct __sk_buff *skb)
{
    struct pkt p = {.slot = pt_slot()};

    if (skb->protocol != bpf_htons(ETH_P_IP)) {
        return TC_ACT_OK;
    }
    int verdict = pt_nat_in(skb, &p);
    if (verdict < 0) {
        pt_count_drop((__u32)-verdict);
        if (pt_event_sample()) {
            pt_event_drop(&p, (__u32)-verdict);
        }
        return TC_ACT_SHOT;
    }
    return verdict;
}

/* The destination that stands in the packet becomes the one inside. 0, or -1 when it cannot. */
PT_INLINE int translate_arrived(struct __sk_buff *skb, __be32 inside)
{
    struct pkt p = {};

    if (pkt_parse(skb, &p) != 0 || p.v6 || p.l4_offset == 0) {
        return -1;
    }
    struct pt_nat_change c = {
        .from = p.destination.words[3], .to = inside, .l4_offset = p.l4_offset, .protocol = p.protocol};
    return pt_nat_apply(skb, &c);
}

SEC("tc")
int pt_wan_tc(struct __sk_buff *skb)
{
    struct pt_abi_meta *meta = (void *)(long)skb->data_meta;
    struct bpf_redir_neigh neighbour = {};
    __u32 mtu = 0;

    if ((void *)(meta + 1) > (void *)(long)skb->data || meta->magic != PT_META_MAGIC) {
        return from_internet(skb);
    }
    meta->magic = 0;
    __u32 ifindex = meta->ifindex, family = meta->family;
    __be32 outside = meta->outside;
    pt_nexthop_fill(&neighbour, family == 0 ? 2 : family, &meta->nexthop);
    if (bpf_check_mtu(skb, ifindex, &mtu, 0, 0) != 0) {
        pt_count_drop(PT_DROP_EGRESS_TOO_BIG);
        return TC_ACT_SHOT;
    }
    if (outside != 0 && translate_arrived(skb, neighbour.ipv4_nh) != 0) {
        pt_count_drop(PT_DROP_NAT_FRAGMENT);
        return TC_ACT_SHOT;
    }
    if (family == 0) {
        return (int)bpf_redirect_neigh(ifindex, NULL, 0, 0);
    }
    return (int)bpf_redirect_neigh(ifindex, &neighbour, sizeof(neighbour), 0);
}
