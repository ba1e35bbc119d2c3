/*
 * Using the flow cache (abi/flow.h) from a program.
 *
 *    look up -> fresh?  yes: act on the entry
 *                       no:  decide -> settle with what the entry remembers -> write it down -> act
 *
 * Fresh means: decided under this bundle, this state of steering and this DSCP, its path not dead, and not waiting to
 * leave its path in a pause that is here now.
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
    __u32 verdict, out, reason; /* verdict 0: nothing to remember */
    __u32 rule_id, site_label, policy_class;
    __u8 flags, move;
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

PT_INLINE int pt_flow_is_fresh(const struct pt_abi_flow *flow, const struct pt_flow_now *now, __u8 dscp)
{
    if (flow->generation != now->generation || flow->epoch != now->epoch || flow->dscp != dscp) {
        return 0;
    }
    if (flow->verdict != PT_FLOW_PATH) {
        return 1;
    }
    if ((flow->flags & PT_FLOW_LEAVING) && now->units - flow->seen >= PT_FLOW_GAP) {
        return 0;
    }
    return !pt_path_is_dead(flow->out);
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

/* ---- writing down --------------------------------------------------------------------------------------------- */

/* Has a packet of this flow been seen? Leaves the mark. */
PT_INLINE int pt_flow_at_door(__u32 hash)
{
    __u32 index = hash & (PT_DOOR_MAX - 1), mark = pt_mix32(hash) | 1;
    __u32 *at = bpf_map_lookup_elem(&pt_door, &index);

    if (at == NULL || *at == mark) {
        return 1;
    }
    *at = mark;
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
        flow->flags = d->flags | PT_FLOW_MOVED | (flow->flags & PT_FLOW_ASKED);
    } else {
        flow->flags = d->flags | (flow->flags & (PT_FLOW_ASKED | PT_FLOW_MOVED));
    }
    flow->rule_id = d->rule_id;
    flow->policy_class = d->policy_class;
    flow->reason = (__u8)d->reason;
    flow->move = d->move;
    flow->dscp = dscp;
    flow->epoch = now->epoch;
    PT_BARRIER();
    flow->generation = now->generation;
}

/* Write a decision down. `flow` is the entry found, or NULL. */
PT_INLINE void pt_flow_write(const struct pkt *p, const union pt_flow_key *key, struct pt_abi_flow *flow,
                             const struct pt_decision *d, const struct pt_flow_now *now)
{
    if (flow != NULL && flow->verdict == d->verdict) {
        pt_flow_renew(flow, d, now, p->tos >> 2);
        pt_flow_count(flow, now, p->packets, p->size);
        return;
    }
    if (flow == NULL && !pt_flow_at_door(p->flow)) {
        return;
    }
    struct pt_abi_flow value = {.generation = now->generation,
                                .epoch = now->epoch,
                                .out = d->out,
                                .verdict = (__u8)d->verdict,
                                .reason = (__u8)d->reason,
                                .dscp = p->tos >> 2,
                                .flags = d->flags,
                                .seen = now->units,
                                .traffic_class = (__u8)pt_demand_class(p->tos >> 2),
                                .move = d->move,
                                .since = now->units,
                                .rule_id = d->rule_id,
                                .hash = p->flow,
                                .policy_class = d->policy_class,
                                .packets = p->packets,
                                .bytes = p->size};
    if (flow != NULL) {
        value.nat = flow->nat;
        value.meter = flow->meter;
        value.traffic_class = flow->traffic_class;
        value.application = flow->application;
        value.flags |= flow->flags & PT_FLOW_ASKED;
        value.packets += flow->packets;
        value.bytes += flow->bytes;
    }
    pt_flow_put(p, key, &value);
}

/* ---- meters --------------------------------------------------------------------------------------------------- */

/* May this many bytes pass? Another CPU's packet between our reading and writing makes one more try; losing that too
 * lets the packet through. */
PT_INLINE int pt_meter_pass(__u32 index, __u64 now_ns, __u32 bytes)
{
    struct pt_abi_meter *meter = index == 0 ? NULL : bpf_map_lookup_elem(&pt_meters, &index);

    if (meter == NULL || meter->ns_per_byte_q20 == 0) {
        return 1;
    }
    __u64 cost = bytes * meter->ns_per_byte_q20 >> 20;
    for (int i = 0; i < 2; i++) {
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
