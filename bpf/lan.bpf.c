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
#include "bpf/lib/flow.h"
#include "bpf/lib/group.h"
#include "bpf/lib/route.h"
#include "bpf/lib/rule.h"
#include "bpf/lib/send.h"

#include <linux/pkt_cls.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

PT_INLINE int find_route(const struct pkt *p, const struct pt_abi_node *node, __u32 dir, struct pt_abi_route *ret)
{
    struct pt_route_question q = {.destination = p->destination,
                                  .slot = p->slot,
                                  .vni = p->vni,
                                  .own_label = node->site_label,
                                  .v6 = p->v6,
                                  .dir = dir};
    return pt_route_find(&q, ret);
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

/* The path to a site: the group's choice, and what the flow's path so far has to say to that. */
PT_INLINE void decide_path(const struct pkt *p, const struct pt_abi_flow *flow, const struct pt_flow_now *now,
                           struct pt_decision *d)
{
    const struct pt_abi_group *group = find_group(p, d->site_label, d->policy_class);

    if (group == NULL) {
        d->reason = PT_DROP_NO_GROUP;
        return;
    }
    __u32 choice = pt_group_choose(group, p->flow);
    if (choice == PT_GROUP_SLA_UNMET || choice == 0) {
        d->reason = choice == 0 ? PT_DROP_NO_PATH : PT_DROP_SLA_UNMET;
        return;
    }
    d->verdict = PT_FLOW_PATH;
    d->move = group->move;
    d->out = choice;
    if (flow != NULL && flow->verdict == PT_FLOW_PATH && flow->out != choice &&
        pt_flow_may_stay(group, flow->out, flow->reason)) {
        d->out = pt_flow_stay_or_follow(p, flow, now, d->move, choice, &d->flags);
    }
    d->reason = pt_flow_tier(group, d->out);
}

/* Rules, route and group for a packet. What must be asked for every packet (no path is alive, no route is there) has no
 * verdict to remember, only a reason. */
PT_INLINE void decide(const struct pkt *p, const struct pt_abi_node *node, __u32 ifindex,
                      const struct pt_abi_flow *flow, const struct pt_flow_now *now, struct pt_decision *d)
{
    struct pt_abi_route route = {};

    if (!find_route(p, node, p->dir, &route)) {
        d->reason = PT_DROP_NO_ROUTE;
        return;
    }
    if (route.lan_ifindex == ifindex) {
        d->verdict = PT_FLOW_LOCAL; /* its own wire: rules are for what crosses the node */
        d->out = ifindex;
        return;
    }
    struct pt_ruling ruling = {};
    (void)pt_rules_run(p, &ruling);
    d->rule_id = ruling.rule_id;
    d->policy_class = ruling.policy_class;
    d->site_label = PT_ROUTE_LABEL(&route);
    if (ruling.reason != 0) {
        d->verdict = PT_FLOW_DROP;
        d->reason = ruling.reason;
        return;
    }
    if (d->site_label == node->site_label) {
        d->reason = route.lan_ifindex == 0 ? PT_DROP_NO_ROUTE : 0;
        d->verdict = route.lan_ifindex == 0 ? 0 : PT_FLOW_LOCAL;
        d->out = route.lan_ifindex;
        return;
    }
    d->flags = route.site_label & PT_ROUTE_SEALED ? PT_FLOW_SEALED : 0;
    decide_path(p, flow, now, d);
}

/* Do what was decided. */
PT_INLINE int act(struct __sk_buff *skb, const struct pkt *p, const struct pt_abi_node *node,
                  const struct pt_decision *d)
{
    if (d->verdict == PT_FLOW_LOCAL) {
        return deliver_local(skb, p, d->out);
    }
    if (d->verdict == PT_FLOW_DROP) {
        return -(int)d->reason;
    }
    if (d->verdict != PT_FLOW_PATH) {
        if (d->site_label != 0 && d->site_label != node->site_label) {
            pt_count_demand(d->site_label, p->tos, p->size); /* wanted, and no way there */
        }
        return -(int)d->reason;
    }
    return send_by_path(skb, p, d->out, node->geneve_port, (d->flags & PT_FLOW_SEALED) != 0);
}

/* Not what depends on the interface that it came by: its own wire, and with it a rule about a host of this site. */
PT_INLINE int may_remember(const struct pt_abi_node *node, const struct pt_decision *d)
{
    return d->verdict != PT_FLOW_DROP || d->site_label != node->site_label;
}

/* The decision for a packet: the flow's, or a new one. */
PT_INLINE void look_up_or_decide(const struct pkt *p, const struct pt_abi_node *node, __u32 ifindex,
                                 const struct pt_flow_now *now, struct pt_decision *d)
{
    union pt_flow_key key = {};

    if (!pt_flow_can_cache(p)) {
        decide(p, node, ifindex, NULL, now, d);
        return;
    }
    pt_flow_key(p, &key);
    struct pt_abi_flow *flow = pt_flow_find(p, &key);
    if (flow == NULL || p->begins || !pt_flow_is_fresh(flow, now, p->tos >> 2)) {
        decide(p, node, ifindex, flow, now, d);
        if (d->verdict != 0 && d->site_label != 0 && may_remember(node, d)) {
            pt_flow_write(p, flow, d, now);
        } else if (d->verdict == 0) {
            if (flow != NULL) {
                flow->flags |= PT_FLOW_NO_WAY;
            }
            pt_event_tell(p, d, NULL, PT_EVENT_NO_WAY);
        }
        return;
    }
    d->verdict = flow->verdict;
    d->out = flow->out;
    d->reason = flow->reason;
    d->flags = flow->flags;
    pt_flow_count(flow, now, p->packets, p->size);
    if (!pt_meter_pass(flow->meter, now->ns, p->size)) {
        d->verdict = PT_FLOW_DROP;
        d->reason = PT_DROP_RATE_LIMITED;
    }
}

PT_INLINE int lan_run(struct __sk_buff *skb, struct pkt *p)
{
    struct pt_flow_now now;
    struct pt_decision d = {};
    __u32 zero = 0, ifindex = skb->ifindex;

    pt_flow_now(&now);
    p->slot = now.generation & 1;
    const struct pt_abi_node *node = pt_find(&pt_nodes, p->slot, &zero);
    if (node == NULL || !node->present) {
        return DROP(NO_BUNDLE);
    }
    const struct pt_abi_lan *lan = pt_find(&pt_lans, p->slot, &ifindex);
    if (lan == NULL) {
        return DROP(UNKNOWN_LAN);
    }
    p->vni = lan->vni;
    p->dir = lan->dir;
    __u32 reason = pkt_parse(skb, p);
    if (reason != 0) {
        return -(int)reason;
    }
    if (pkt_is_link_scope(p)) {
        return TC_ACT_OK;
    }
    look_up_or_decide(p, node, ifindex, &now, &d);
    return act(skb, p, node, &d);
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
        pt_event_drop(&p, (__u32)-verdict);
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
    struct pt_abi_route route = {};
    if (!find_route(p, node, PT_DIR_ASK, &route)) {
        return DROP(WRONG_SEGMENT);
    }
    if (PT_ROUTE_LABEL(&route) != node->site_label || route.lan_ifindex == 0) {
        return DROP(NOT_LOCAL);
    }
    __u32 mtu = 0;
    struct bpf_redir_neigh neighbour = {};
    if (bpf_check_mtu(skb, route.lan_ifindex, &mtu, 0, 0) != 0) {
        return DROP(EGRESS_TOO_BIG);
    }
    pt_nexthop_fill(&neighbour, p->v6 ? 10 : 2, &p->destination);
    return (int)bpf_redirect_neigh(route.lan_ifindex, &neighbour, sizeof(neighbour), 0);
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
