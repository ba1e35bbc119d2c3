/*
 * Using the flow cache (abi/flow.h) from a program.
 *
 *    look up -> fresh?  yes: act on the entry
 *                       no:  decide -> settle with what the entry remembers -> write it down -> act
 *
 * Fresh means: decided under this bundle, this state of steering and this DSCP, its path not dead, and not waiting to
 * leave its path in a pause that is here now. The first packets of a flow that is to be inspected are never fresh.
 *
 * Only what a source sends twice gets an entry: the first packet of a flow leaves its mark at the door (pt_door), the
 * second finds it there. So a flood from invented sources writes marks and evicts nobody. Between the two nothing is
 * lost, because a decision depends on the flow alone: both packets get the same one.
 *
 * Writers may race. A new path is stored as one word in the entry; whatever changes what that word means is put as a
 * new element, which readers see whole or not at all. The date is written last.
 */
#pragma once

#include "bpf/lib/group.h"
#include "bpf/lib/packet.h"

#define PT_DOOR_MAX 65536U

/* Marks of flows of which one packet was seen: by the low bits of the flow's hash a word made from all of them. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, PT_DOOR_MAX);
    __type(key, __u32);
    __type(value, __u32);
} pt_door SEC(".maps");

struct pt_flow_now {
    __u64 ns;    /* monotonic, at the kernel's tick */
    __u32 units; /* the same as entries have it */
    __u32 generation, epoch;
};

/* What is decided for a flow. */
struct pt_decision {
    __u8 verdict, traffic_class; /* verdict 0: nothing to remember; traffic_class with PT_FLOW_CLASSED */
    __u8 flags, move;
    __u16 reason, meter;
    __u32 out, rule_id, site_label, policy_class;
    __u32 vni;          /* of the segment that the packet goes to */
    __u32 nat, hairpin; /* abi/nat.h */
    __u32 application;  /* as entries have it; for decisions only */
};

union pt_flow_key {
    struct pt_abi_flow4_key v4;
    struct pt_abi_flow6_key v6;
};

PT_INLINE void pt_flow_now(struct pt_flow_now *now)
{
    __u32 zero = 0;
    __u32 *generation = bpf_map_lookup_elem(&pt_generation, &zero);
    __u32 *epoch = bpf_map_lookup_elem(&pt_epoch, &zero);

    now->generation = generation == NULL ? 0 : *generation;
    now->epoch = epoch == NULL ? 0 : *epoch;
    now->ns = bpf_ktime_get_coarse_ns();
    now->units = (__u32)(now->ns >> PT_FLOW_TIME_SHIFT);
}

/* Fragments have no ports: they go the whole way, by what all of them have. */
PT_INLINE int pt_flow_can_cache(const struct pkt *p)
{
    return !p->fragment;
}

PT_INLINE void pt_flow_key(const struct pkt *p, union pt_flow_key *key)
{
    if (p->v6) {
        key->v6.source = p->source;
        key->v6.destination = p->destination;
        key->v6.port_source = p->port_source;
        key->v6.port_destination = p->port_destination;
        key->v6.vni_protocol = PT_FLOW_VNI_PROTOCOL(p->vni, p->protocol);
        return;
    }
    key->v4.source = p->source.words[3];
    key->v4.destination = p->destination.words[3];
    key->v4.port_source = p->port_source;
    key->v4.port_destination = p->port_destination;
    key->v4.vni_protocol = PT_FLOW_VNI_PROTOCOL(p->vni, p->protocol);
}

PT_INLINE struct pt_abi_flow *pt_flow_find(const struct pkt *p, const union pt_flow_key *key)
{
    return p->v6 ? bpf_map_lookup_elem(&pt_flows6, &key->v6) : bpf_map_lookup_elem(&pt_flows4, &key->v4);
}

PT_INLINE int pt_path_is_dead(__u32 slot)
{
    __u32 *state = bpf_map_lookup_elem(&pt_path_state, &slot);
    return state == NULL || *state == PT_PATH_DEAD;
}

/* Is it time for one of the flags in PT_FLOW_LOOK? */
PT_INLINE int pt_flow_is_due(const struct pt_abi_flow *flow, const struct pt_flow_now *now)
{
    if ((flow->flags & PT_FLOW_ASKING) ||
        ((flow->flags & PT_FLOW_WATCHED) && (now->units ^ flow->seen) >> PT_FLOW_WATCH_SHIFT)) {
        return 1;
    }
    return (flow->flags & PT_FLOW_LEAVING) && flow->verdict == PT_FLOW_PATH && now->units - flow->seen >= PT_FLOW_GAP;
}

PT_INLINE int pt_flow_is_fresh(const struct pt_abi_flow *flow, const struct pt_flow_now *now, __u8 dscp)
{
    if (flow->generation != now->generation || flow->epoch != now->epoch || flow->dscp != dscp) {
        return 0;
    }
    if ((flow->flags & PT_FLOW_LOOK) && pt_flow_is_due(flow, now)) {
        return 0;
    }
    return flow->verdict != PT_FLOW_PATH || !pt_path_is_dead(flow->out);
}

PT_INLINE void pt_flow_count(struct pt_abi_flow *flow, const struct pt_flow_now *now, __u64 packets, __u64 bytes)
{
    flow->seen = now->units;
    flow->packets += packets;
    flow->bytes += bytes;
}

/* ---- staying on a path ---------------------------------------------------------------------------------------- */

#define PT_FLOW_TIER_MAX 255U

/* Tier that the group gives the path, as entries have it. */
PT_SUBPROGRAM __u32 pt_flow_tier(const struct pt_abi_group *group, __u32 path_slot)
{
    if (group == NULL) {
        return 0;
    }
    for (__u32 i = 0; i < PT_MEMBERS_MAX; i++) {
        if (i >= group->members_len) {
            break;
        }
        if (group->members[i].path_slot == path_slot) {
            return group->members[i].tier < PT_FLOW_TIER_MAX ? group->members[i].tier : PT_FLOW_TIER_MAX;
        }
    }
    return PT_FLOW_TIER_MAX + 1; /* no member */
}

/* May the flow stay on its path: is it alive, still a member of the group, not put further behind than it was when the
 * flow took it (so a link is drained), and not what the group's rule forbids? */
PT_SUBPROGRAM int pt_flow_may_stay(const struct pt_abi_group *group, __u32 path_slot, __u32 tier_then)
{
    if (group == NULL || path_slot == 0 || pt_flow_tier(group, path_slot) > tier_then) {
        return 0;
    }
    return !pt_path_is_dead(path_slot) && !((group->flags & PT_GROUP_REQUIRE) && pt_group_sla_broken(group, path_slot));
}

/* Did only a share move: is the flow's path as good as the choice, in a group whose flows follow? Then the flow is one
 * of the few that the new weights want elsewhere, and the leader counts it there: who stays behind is on a link that
 * has been given to somebody else. Not when an SLA has a word in it: that is the move mode's. */
PT_INLINE int pt_flow_share_moved(const struct pt_abi_group *group, __u32 path_slot, __u32 choice)
{
    return (group->flags & PT_GROUP_FOLLOW) && pt_group_sla_state(group, path_slot) == 0 &&
           pt_flow_tier(group, path_slot) == pt_flow_tier(group, choice);
}

/*
 * Today's choice is another path than the flow's, on which it may stay. When does it follow?
 *
 *  1. A flow that begins (a SYN) follows: nothing of it is on its way.
 *  2. Without ports there is no order to keep: ICMP and tunnels of hosts follow.
 *  3. What is not TCP has no visible beginning: a pause begins it anew, so it treats NEW_ONLY as GRACEFUL.
 *  4. FORCED follows now, GRACEFUL in a pause, NEW_ONLY never.
 *
 * The path to use; *ret_leaving is set when it is the old one for now.
 */
PT_INLINE __u32 pt_flow_stay_or_follow(const struct pkt *p, const struct pt_abi_flow *flow,
                                       const struct pt_flow_now *now, __u8 move, __u32 choice, __u8 *ret_flags)
{
    if (p->begins || !p->has_ports || move == PT_MOVE_FORCED) {
        return choice;
    }
    if (move == PT_MOVE_NEW_ONLY && p->protocol == IPPROTO_TCP) {
        return flow->out;
    }
    if (now->units - flow->seen >= PT_FLOW_GAP) {
        return choice;
    }
    *ret_flags |= PT_FLOW_LEAVING;
    return flow->out;
}

/* ---- telling --------------------------------------------------------------------------------------------------- */

/* May one more event pass? Writers may race: then one too many does. */
PT_SUBPROGRAM int pt_event_pass(__u64 now_ns)
{
    __u32 zero = 0;
    struct pt_abi_event_gate *gate = bpf_map_lookup_elem(&pt_event_gate, &zero);

    if (gate == NULL) {
        return 0;
    }
    __u64 from = gate->until_ns > now_ns ? gate->until_ns : now_ns;
    if (from > now_ns + PT_EVENTS_BURST_NS) {
        gate->lost += 1;
        return 0;
    }
    gate->until_ns = from + 1000000000ULL / PT_EVENTS_PER_S;
    return 1;
}

/* May one more drop of what comes from outside be told? Few: anybody can send such, and what hosts do must find room.
 */
PT_SUBPROGRAM int pt_event_sample(void)
{
    __u32 zero = 0;
    __u64 *until = bpf_map_lookup_elem(&pt_event_samples, &zero), now = bpf_ktime_get_coarse_ns();

    if (until == NULL || *until > now + PT_EVENTS_BURST_NS) {
        return 0;
    }
    *until = (*until > now ? *until : now) + 1000000000ULL / PT_EVENTS_SAMPLES_PER_S;
    return 1;
}

/* The ring is full. */
PT_SUBPROGRAM int pt_event_lost(void)
{
    __u32 zero = 0;
    struct pt_abi_event_gate *gate = bpf_map_lookup_elem(&pt_event_gate, &zero);

    if (gate != NULL) {
        gate->lost += 1;
    }
    return 0;
}

#define PT_EVENT_OUT_IS_NAT (1ULL << 40) /* what stands for `out` is a translation too */

/* A decision in two words, and in a third what is small: the caller has no room on its stack for one whose address is
 * taken. 1: the ring has no room. */
PT_SUBPROGRAM int pt_event_put(const struct pkt *p, const struct pt_abi_flow *flow, __u64 out_rule, __u64 class_site,
                               __u64 small)
{
    struct pt_flow_now now;

    if (p == NULL) {
        return 0;
    }
    pt_flow_now(&now);
    if (!pt_event_pass(now.ns)) {
        return 0;
    }
    struct pt_abi_event *event = bpf_ringbuf_reserve(&pt_events, sizeof(*event), 0);
    if (event == NULL) {
        return 1;
    }
    event->flow.source = p->source;
    event->flow.destination = p->destination;
    event->flow.port_source = p->port_source;
    event->flow.port_destination = p->port_destination;
    event->flow.vni_protocol = PT_FLOW_VNI_PROTOCOL(p->vni, p->protocol);
    event->dscp = p->tos >> 2;
    event->traffic_class =
        flow != NULL && (flow->flags & PT_FLOW_CLASSED) ? flow->traffic_class : (__u8)pt_demand_class(p->tos >> 2);
    event->generation = now.generation;
    event->ns = now.ns;
    event->out = (__u32)out_rule;
    event->rule_id = (__u32)(out_rule >> 32);
    event->policy_class = (__u32)class_site;
    event->site_label = (__u32)(class_site >> 32);
    event->application = flow != NULL ? flow->application : 0;
    event->nat = flow != NULL ? flow->nat : small & PT_EVENT_OUT_IS_NAT ? (__u32)out_rule : 0;
    event->kind = (__u8)small;
    event->verdict = (__u8)(small >> 8);
    event->reason = (__u8)(small >> 16);
    event->flags = (__u8)(small >> 24);
    event->move = (__u8)(small >> 32);
    event->reserved = 0;
    bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
    return 0;
}

/* Tell the agent what was decided. `flow` is the entry that was there, or NULL. */
PT_INLINE void pt_event_tell(const struct pkt *p, const struct pt_decision *d, const struct pt_abi_flow *flow,
                             __u32 kind)
{
    __u64 verdict = kind == PT_EVENT_FLOW ? d->verdict : PT_FLOW_DROP;
    __u64 small = kind | verdict << 8 | (__u64)(d->reason & 255) << 16 | (__u64)d->flags << 24 | (__u64)d->move << 32;

    if (pt_event_put(p, flow, d->out | (__u64)d->rule_id << 32, d->policy_class | (__u64)d->site_label << 32, small)) {
        (void)pt_event_lost();
    }
}

/* Tell of a packet that is dropped although its flow has a way: what the flow's decision does not say. */
PT_INLINE void pt_event_drop(const struct pkt *p, __u32 reason)
{
    const __u64 told = 1ULL << PT_DROP_NO_BUNDLE | 1ULL << PT_DROP_UNKNOWN_LAN | 1ULL << PT_DROP_MALFORMED |
                       1ULL << PT_DROP_POLICY_DENY | 1ULL << PT_DROP_NO_ROUTE | 1ULL << PT_DROP_NO_GROUP |
                       1ULL << PT_DROP_NO_PATH | 1ULL << PT_DROP_SLA_UNMET | 1ULL << PT_DROP_RATE_LIMITED |
                       1ULL << PT_DROP_FIREWALL | 1ULL << PT_DROP_NAT_EXHAUSTED;
    __u64 small = PT_EVENT_PACKET | (__u64)PT_FLOW_DROP << 8 | (__u64)(reason & 255) << 16;

    if (!(told >> (reason & 63) & 1) && pt_event_put(p, NULL, 0, 0, small)) {
        (void)pt_event_lost();
    }
}

/* Is this another answer than the entry's? */
PT_INLINE int pt_flow_differs(const struct pt_abi_flow *flow, const struct pt_decision *d)
{
    return flow->verdict != d->verdict || flow->out != d->out || flow->rule_id != d->rule_id ||
           flow->policy_class != d->policy_class || (flow->flags & (PT_FLOW_NO_WAY | PT_FLOW_LEARNED)) ||
           (d->verdict == PT_FLOW_DROP && flow->reason != d->reason);
}

/* ---- writing down --------------------------------------------------------------------------------------------- */

/* Where a flow leaves its mark, and what was read there. Read before the decision and compared after it: the place is
 * in no near cache, and need not be waited for. */
struct pt_door {
    __u32 *at;
    __u32 found;
};

PT_INLINE void pt_door_read(__u32 hash, struct pt_door *door)
{
    __u32 index = hash & (PT_DOOR_MAX - 1);

    door->at = bpf_map_lookup_elem(&pt_door, &index);
    door->found = door->at == NULL ? 0 : *door->at;
}

/* Has a packet of this flow been seen? Leaves the mark. */
PT_INLINE int pt_door_knows(__u32 hash, const struct pt_door *door)
{
    __u32 mark = pt_mix32(hash) | 1;

    if (door->at == NULL || door->found == mark) {
        return 1;
    }
    *door->at = mark;
    return 0;
}

PT_INLINE void pt_flow_put(const struct pkt *p, const union pt_flow_key *key, const struct pt_abi_flow *value)
{
    /* A full table evicts; a failure means that the next packet asks again. */
    if (p->v6) {
        (void)bpf_map_update_elem(&pt_flows6, &key->v6, value, BPF_ANY);
    } else {
        (void)bpf_map_update_elem(&pt_flows4, &key->v4, value, BPF_ANY);
    }
}

/* A decision for a flow that has an entry of the same kind: its path's word first, its date last. */
PT_INLINE void pt_flow_renew(struct pt_abi_flow *flow, const struct pt_decision *d, const struct pt_flow_now *now,
                             __u8 dscp)
{
    if (flow->out != d->out) {
        flow->out = d->out;
        flow->since = now->units;
        flow->flags = d->flags | PT_FLOW_MOVED | (flow->flags & PT_FLOW_CLASSED);
    } else {
        flow->flags = d->flags | (flow->flags & (PT_FLOW_CLASSED | PT_FLOW_MOVED));
    }
    flow->rule_id = d->rule_id;
    flow->nat = d->nat;
    flow->meter = d->meter;
    flow->policy_class = d->policy_class;
    flow->reason = (__u8)d->reason;
    flow->move = d->move;
    flow->dscp = dscp;
    flow->epoch = now->epoch;
    PT_BARRIER();
    flow->generation = now->generation;
}

/* An entry that is new, or of another kind than the one found (`flow`, or NULL). */
PT_SUBPROGRAM int pt_flow_make(const struct pkt *p, const struct pt_abi_flow *flow, const struct pt_decision *d,
                               const struct pt_flow_now *now)
{
    union pt_flow_key key = {};

    if (p == NULL || d == NULL || now == NULL) {
        return 0;
    }
    struct pt_abi_flow value = {.generation = now->generation,
                                .epoch = now->epoch,
                                .out = d->out,
                                .verdict = (__u8)d->verdict,
                                .reason = (__u8)d->reason,
                                .dscp = p->tos >> 2,
                                .flags = d->flags,
                                .seen = now->units,
                                .nat = d->nat,
                                .meter = d->meter,
                                .traffic_class = d->flags & PT_FLOW_CLASSED ? (__u8)d->traffic_class
                                                                            : (__u8)pt_demand_class(p->tos >> 2),
                                .application = d->application,
                                .move = d->move,
                                .since = now->units,
                                .rule_id = d->rule_id,
                                .hash = p->flow,
                                .policy_class = d->policy_class,
                                .packets = p->packets,
                                .bytes = p->size};
    if (flow != NULL) {
        value.traffic_class = flow->traffic_class;
        value.application = flow->application;
        value.flags |= flow->flags & PT_FLOW_CLASSED;
        value.packets += flow->packets;
        value.bytes += flow->bytes;
    }
    pt_flow_key(p, &key);
    pt_flow_put(p, &key, &value);
    return 0;
}

/* Write a decision down. `flow` is the entry found, or NULL. */
PT_INLINE void pt_flow_write(const struct pkt *p, struct pt_abi_flow *flow, const struct pt_door *door,
                             const struct pt_decision *d, const struct pt_flow_now *now)
{
    if (flow == NULL && !pt_door_knows(p->flow, door)) {
        return;
    }
    if (flow == NULL || pt_flow_differs(flow, d)) {
        pt_event_tell(p, d, flow, PT_EVENT_FLOW);
    }
    if (flow != NULL && flow->verdict == d->verdict) {
        pt_flow_renew(flow, d, now, p->tos >> 2);
        pt_flow_count(flow, now, p->packets, p->size);
        return;
    }
    (void)pt_flow_make(p, flow, d, now);
}

/* ---- meters --------------------------------------------------------------------------------------------------- */

/* May this many bytes pass one meter? Another CPU's packet between our reading and writing makes one more try; losing
 * that too lets the packet through. */
PT_INLINE int pt_meter_pass_one(struct pt_abi_meter *meter, __u64 now_ns, __u32 bytes)
{
    __u64 cost = bytes * meter->ns_per_byte_q20 >> 20;

    for (int i = 0; i < 2 && meter->ns_per_byte_q20 != 0; i++) {
        __u64 until = meter->until_ns, from = until > now_ns ? until : now_ns;
        if (from + cost > now_ns + meter->burst_ns) {
            __sync_fetch_and_add(&meter->dropped, 1);
            return 0;
        }
        if (__sync_val_compare_and_swap(&meter->until_ns, until, from + cost) == until) {
            break;
        }
    }
    return 1;
}

/* May they pass the meter and the one above it? What the second refuses has been taken from the first. */
PT_INLINE int pt_meter_pass(__u32 index, __u64 now_ns, __u32 bytes)
{
    struct pt_abi_meter *meter = index == 0 ? NULL : bpf_map_lookup_elem(&pt_meters, &index);

    if (meter == NULL) {
        return 1;
    }
    if (!pt_meter_pass_one(meter, now_ns, bytes)) {
        return 0;
    }
    index = meter->parent;
    meter = index == 0 ? NULL : bpf_map_lookup_elem(&pt_meters, &index);
    return meter == NULL || pt_meter_pass_one(meter, now_ns, bytes);
}
