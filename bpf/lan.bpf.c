/*
 * Hook `lan`: tc ingress of an interface towards hosts.
 *
 *    parse -> segment of the interface -> flow cache -> (first packets: a copy to inspection) -> route -> firewall ->
 * steering rules -> next-hop group -> path -> MTU -> TTL -> Geneve -> link
 *
 * What the segment has no route to is in another segment that firewall rules lead to (lib/filter.h), or out in the
 * internet (lib/nat.h), or nowhere.
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
#include "bpf/lib/filter.h"
#include "bpf/lib/flow.h"
#include "bpf/lib/group.h"
#include "bpf/lib/ingress.h"
#include "bpf/lib/inspect.h"
#include "bpf/lib/nat.h"
#include "bpf/lib/prefix.h"
#include "bpf/lib/route.h"
#include "bpf/lib/rule.h"
#include "bpf/lib/send.h"

#include <linux/pkt_cls.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* The route to the destination in a segment. False: none. A function of its own for the sake of the stack. */
PT_SUBPROGRAM int find_route(const struct pkt *p, __u32 vni, __u32 dir, struct pt_abi_route *ret)
{
    if (p == NULL || ret == NULL) {
        return 0;
    }
    struct pt_route_question q = {
        .destination = p->destination, .slot = p->slot, .vni = vni, .own_label = p->own_label, .v6 = p->v6, .dir = dir};
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

/* The group for (site, policy class); a policy class without a group of its own uses class 0's. In its place that of
 * the packet's traffic class, where this one is split otherwise. */
PT_INLINE const struct pt_abi_group *find_group(const struct pkt *p, const struct pt_decision *d)
{
    struct pt_abi_group_key key = {.site_label = d->site_label, .policy_class = d->policy_class};
    const struct pt_abi_group *group = pt_find(&pt_groups, p->slot, &key);

    if (group == NULL && d->policy_class != 0) {
        key.policy_class = 0;
        group = pt_find(&pt_groups, p->slot, &key);
    }
    if (group == NULL || !(group->flags & PT_GROUP_BY_CLASS)) {
        return group;
    }
    __u32 class = d->flags & PT_FLOW_CLASSED ? d->traffic_class : pt_demand_class(p->tos >> 2);
    key.site_label = PT_DEMAND_KEY(d->site_label, PT_GROUP_CLASS(class));
    const struct pt_abi_group *own = pt_find(&pt_groups, p->slot, &key);
    return own == NULL ? group : own;
}

/* The path to a site: the group's choice, and what the flow's path so far has to say to that. */
PT_INLINE void decide_path(const struct pkt *p, const struct pt_abi_flow *flow, const struct pt_flow_now *now,
                           struct pt_decision *d)
{
    const struct pt_abi_group *group = find_group(p, d);

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
        pt_flow_may_stay(group, flow->out, flow->flags & PT_FLOW_LEARNED ? PT_FLOW_TIER_MAX : flow->reason) &&
        !pt_flow_share_moved(group, flow->out, choice)) {
        d->out = pt_flow_stay_or_follow(p, flow, now, d->move, choice, &d->flags);
    }
    d->reason = pt_flow_tier(group, d->out);
}

/* In which segment is the destination: the host's own, one that the firewall's rules lead to or from, or (0) none? */
PT_INLINE __u32 find_segment(const struct pkt *p, __u32 answered_vni, struct pt_abi_route *route)
{
    __u32 vni = p->vni;

    if (find_route(p, vni, p->dir, route)) {
        return vni;
    }
    const struct pt_abi_filter *filter = p->features & PT_LAN_FILTERED ? pt_find(&pt_filters, p->slot, &vni) : NULL;
    for (__u32 i = 0; filter != NULL && i < PT_FILTER_REACH_MAX; i++) {
        if (i >= filter->reach_len) {
            break;
        }
        vni = filter->reach[i];
        if ((answered_vni == 0 || answered_vni == vni) && find_route(p, vni, PT_DIR_ASK, route)) {
            return vni;
        }
    }
    return 0;
}

/* The firewall's word. Where a flow has been let through, its answers are known by their track; that is left here. */
PT_INLINE void judge(const struct pkt *p, __u32 units, __u32 answers, __u32 to, int local, struct pt_decision *d)
{
    struct pt_filter_ask ask = {.to = to};
    __u32 vni = p->vni;

    if (!(p->features & PT_LAN_FILTERED)) {
        return;
    }
    d->flags |= to == PT_FILTER_INTERNET ? 0 : PT_FLOW_WATCHED;
    if (answers == PT_TRACK_ANSWERED) {
        return;
    }
    (void)pt_filter_run(p, &ask);
    d->rule_id = ask.rule_id;
    if (to != PT_FILTER_INTERNET) {
        struct pt_abi_track value = {
            .seen = units, .vni = vni, .rule_id = ask.rule_id, .state = ask.allow ? PT_TRACK_BEGUN : PT_TRACK_DENIED};
        (void)pt_track_write(p, local ? to : vni, &value);
    }
    if (!ask.allow) {
        d->verdict = PT_FLOW_DROP;
        d->reason = PT_DROP_FIREWALL;
    }
}

/* Out to the internet, under a mapping. A function of its own, beside `decide`: the stack of both would be too much. */
PT_SUBPROGRAM int decide_exit(struct __sk_buff *skb, struct pkt *p, struct pt_decision *d)
{
    if (p == NULL || d == NULL) {
        return 0;
    }
    d->reason = PT_DROP_NO_ROUTE;
    if (p->v6 || !(p->features & PT_LAN_EXITS)) {
        return 0;
    }
    judge(p, 0, 0, PT_FILTER_INTERNET, 0, d);
    if (d->verdict == PT_FLOW_DROP && pt_nat_forwarded(p) == 0) {
        return 0; /* what a port forward let in is answered without a rule */
    }
    struct pt_ruling ruling = {.application = d->application};
    (void)pt_rules_run(p, &ruling);
    d->rule_id = ruling.rule_id != 0 ? ruling.rule_id : d->rule_id;
    d->verdict = PT_FLOW_DROP;
    d->reason = (__u16)ruling.reason;
    if (ruling.reason != 0) {
        return 0;
    }
    __u32 reason = 0;
    d->nat = pt_nat_out_ask(skb, p, &d->hairpin, &reason);
    d->reason = (__u16)reason;
    d->verdict = d->nat == 0 ? 0 : PT_FLOW_EXIT;
    d->out = PT_NAT_LINK(d->nat);
    d->site_label = PT_LABEL_INTERNET;
    d->flags |= PT_FLOW_WATCHED;
    return 0;
}

/* Rules, route and group for a packet. What must be asked for every packet (no path is alive, no route is there) has no
 * verdict to remember, only a reason. */
PT_SUBPROGRAM int decide(struct __sk_buff *skb, struct pkt *p, const struct pt_abi_flow *flow,
                         const struct pt_flow_now *now, struct pt_decision *d)
{
    struct pt_abi_route route = {};

    if (p == NULL || now == NULL || d == NULL) {
        return 0;
    }
    (void)pt_inspect_flow(skb, p, flow, d);
    __u32 ifindex = skb->ifindex, answered_vni = 0;
    __u32 answers = p->features & PT_LAN_FILTERED ? pt_track_answers(p, p->vni, now->units, &answered_vni) : 0;

    d->vni = find_segment(p, answered_vni, &route);
    if (d->vni == 0) {
        return 0;
    }
    if (route.lan_ifindex == ifindex && d->vni == p->vni) {
        d->verdict = PT_FLOW_LOCAL; /* its own wire: rules are for what crosses the node */
        d->out = ifindex;
        return 0;
    }
    d->site_label = PT_ROUTE_LABEL(&route);
    int local = d->site_label == p->own_label;
    judge(p, now->units, answers, d->vni, local, d);
    if (d->verdict == PT_FLOW_DROP) {
        return 0;
    }
    struct pt_ruling ruling = {.application = d->application};
    (void)pt_rules_run(p, &ruling);
    d->rule_id = ruling.rule_id != 0 ? ruling.rule_id : d->rule_id;
    d->policy_class = ruling.policy_class;
    if (ruling.reason != 0) {
        d->verdict = PT_FLOW_DROP;
        d->reason = ruling.reason;
        return 0;
    }
    d->nat = d->vni == p->vni ? 0 : PT_NAT_SEGMENT | d->vni;
    if (local) {
        d->reason = route.lan_ifindex == 0 ? PT_DROP_NO_ROUTE : 0;
        d->verdict = route.lan_ifindex == 0 ? 0 : PT_FLOW_LOCAL;
        d->out = route.lan_ifindex;
        return 0;
    }
    d->flags |= route.site_label & PT_ROUTE_SEALED ? PT_FLOW_SEALED : 0;
    decide_path(p, flow, now, d);
    if (d->nat == 0 && d->verdict == PT_FLOW_PATH && (p->features & PT_LAN_PREFIXES)) {
        d->nat = pt_prefix_out(p);
    }
    return 0;
}

/* The meter for what leaves the site: that of the pair of sites, else the segment's. */
PT_INLINE void decide_meter(const struct pkt *p, struct pt_decision *d)
{
    struct pt_abi_limit_key key = {.vni = p->vni, .site_label = d->site_label};

    if (!(p->features & PT_LAN_LIMITED) || (d->verdict != PT_FLOW_PATH && d->verdict != PT_FLOW_EXIT)) {
        return;
    }
    const __u32 *meter = pt_find(&pt_limits, p->slot, &key);
    if (meter == NULL) {
        key.site_label = 0;
        meter = pt_find(&pt_limits, p->slot, &key);
    }
    d->meter = meter == NULL ? 0 : (__u16)*meter;
}

/* Do what was decided. */
PT_SUBPROGRAM int act(struct __sk_buff *skb, struct pkt *p, const struct pt_decision *d, __u32 port)
{
    if (p == NULL || d == NULL) {
        return DROP(NO_BUNDLE);
    }
    if (d->verdict == PT_FLOW_EXIT) {
        return pt_nat_send(skb, p, d->nat);
    }
    if (d->verdict == PT_FLOW_LOCAL) {
        return deliver_local(skb, p, d->out);
    }
    if (d->verdict == PT_FLOW_DROP) {
        return -(int)d->reason;
    }
    if (d->verdict != PT_FLOW_PATH) {
        if (d->site_label != 0 && d->site_label != p->own_label && d->site_label != PT_LABEL_INTERNET) {
            pt_count_demand(d->site_label, p->tos, p->size); /* wanted, and no way there */
        }
        return -(int)d->reason;
    }
    if (d->nat & PT_NAT_SEGMENT) {
        p->vni = d->nat & PT_NAT_SEGMENT_VNI;
    } else if ((d->nat & PT_NAT_PREFIX) && pt_prefix_source(skb, p, d->nat, 0) != 0) {
        return DROP(NAT_FRAGMENT);
    }
    return send_by_path(skb, p, d->out, (__be16)port, PT_WAY(d->flags, d->traffic_class));
}

/* Not what depends on the interface that it came by: its own wire, and with it a rule about a host of this site. */
PT_INLINE int may_remember(const struct pkt *p, const struct pt_decision *d)
{
    if (d->verdict == PT_FLOW_EXIT && (d->hairpin != 0 || p->protocol == IPPROTO_ICMP)) {
        return 0; /* queries of several ids are one flow here */
    }
    return d->verdict != PT_FLOW_DROP || d->site_label != p->own_label;
}

/* The decision for a packet: the flow's, or a new one. */
PT_INLINE void look_up_or_decide(struct __sk_buff *skb, struct pkt *p, const struct pt_flow_now *now,
                                 struct pt_decision *d)
{
    union pt_flow_key key = {};
    struct pt_abi_flow *flow = NULL;
    struct pt_door door = {};
    int cached = pt_flow_can_cache(p);

    if (cached) {
        pt_flow_key(p, &key);
        flow = pt_flow_find(p, &key);
    }
    if (flow == NULL || p->begins || !pt_flow_is_fresh(flow, now, p->tos >> 2) ||
        (p->ends && flow->verdict == PT_FLOW_EXIT)) {
        if (cached && flow == NULL) {
            pt_door_read(p->flow, &door);
        }
        (void)decide(skb, p, flow, now, d);
        if (d->vni == 0) {
            (void)decide_exit(skb, p, d);
        }
        decide_meter(p, d);
        if (cached && d->verdict != 0 && d->site_label != 0 && may_remember(p, d)) {
            pt_flow_write(p, flow, &door, d, now);
        } else if (cached && (d->verdict == 0 || d->verdict == PT_FLOW_DROP)) {
            if (flow != NULL) {
                flow->flags |= PT_FLOW_NO_WAY;
            }
            pt_event_tell(p, d, NULL, PT_EVENT_NO_WAY);
        }
    } else {
        d->verdict = flow->verdict;
        d->out = flow->out;
        d->reason = flow->reason;
        d->flags = flow->flags;
        d->nat = flow->nat;
        d->meter = flow->meter;
        d->traffic_class = flow->traffic_class;
        pt_flow_count(flow, now, p->packets, p->size);
    }
    if (d->meter != 0 && !pt_meter_pass(d->meter, now->ns, p->size)) {
        d->verdict = PT_FLOW_DROP;
        d->reason = PT_DROP_RATE_LIMITED;
    }
}

PT_INLINE int lan_run(struct __sk_buff *skb, struct pkt *p)
{
    struct pt_flow_now now;
    struct pt_decision d = {};
    __u32 reason = 0;

    pt_flow_now(&now);
    const struct pt_ingress *in = pt_ingress_find(skb->ifindex, now.generation, &reason);
    if (in == NULL) {
        return -(int)reason;
    }
    p->slot = now.generation & 1;
    p->vni = in->vni;
    p->dir = in->dir;
    p->own_label = in->own_label;
    p->features = in->features;
    reason = pkt_parse(skb, p);
    if (reason != 0) {
        return -(int)reason;
    }
    if (pkt_is_link_scope(p)) {
        return TC_ACT_OK;
    }
    if (p->features & PT_LAN_FILTERED) {
        pkt_read_query(skb, p);
    }
    look_up_or_decide(skb, p, &now, &d);
    if (d.verdict == PT_FLOW_EXIT && d.hairpin != 0) {
        return pt_nat_hairpin(skb, p, d.nat, d.hairpin);
    }
    int verdict = act(skb, p, &d, in->geneve_port);
    if (verdict <= 0 || !(verdict & PT_SEND_TOO_BIG)) {
        return verdict;
    }
    if (d.verdict == PT_FLOW_PATH && (d.nat & PT_NAT_PREFIX)) {
        (void)pt_prefix_source(skb, p, d.nat, 1); /* the host is told of its own packet, at its own address */
    }
    return reply_too_big(skb, p, verdict & 0xffff);
}

PT_INLINE int lan_hook(struct __sk_buff *skb)
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

SEC("tc")
int pt_lan(struct __sk_buff *skb)
{
    return lan_hook(skb);
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
    if (pt_prefix_destination(skb, p) != 0) {
        return DROP(NAT_FRAGMENT);
    }
    p->own_label = node->site_label;
    if (!find_route(p, p->vni, PT_DIR_ASK, &route)) {
        return DROP(WRONG_SEGMENT);
    }
    if (PT_ROUTE_LABEL(&route) != node->site_label || route.lan_ifindex == 0) {
        return DROP(NOT_LOCAL);
    }
    pkt_read_query(skb, p);
    __u32 mtu = 0, reason = pt_filter_arrives(p);
    struct bpf_redir_neigh neighbour = {};
    if (reason != 0) {
        return -(int)reason;
    }
    if (bpf_check_mtu(skb, route.lan_ifindex, &mtu, 0, 0) != 0) {
        return DROP(EGRESS_TOO_BIG);
    }
    (void)pt_inspect_arrived(skb, p);
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
