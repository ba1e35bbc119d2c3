/*
 * The firewall (abi/filter.h), where a host's packet begins its way, and where another site's arrives.
 *
 *    from a host   track of this packet?  denied: drop     it answers: pass     none: rules; what passes leaves a track
 *    to a host     track of this packet?  denied: drop     it answers: pass     none: it begins; leaves a track
 *
 * A track has the key of the packets that will answer. So whether a packet answers is one look-up by its own key.
 */
#pragma once

#include "bpf/lib/flow.h"

struct pt_filter_ask {
    __u32 to;      /* VNI that the packet goes to, or PT_FILTER_INTERNET */
    __u32 rule_id; /* the answer: which rule decided, 0 for none; */
    __u32 allow;   /* and what */
};

PT_INLINE int pt_filter_prefix_matches(const struct pt_abi_address *address, const struct pt_abi_address *prefix,
                                       const struct pt_abi_address *mask)
{
    __u32 differ = 0;
    for (int i = 0; i < 4; i++) {
        differ |= (address->words[i] & mask->words[i]) ^ prefix->words[i];
    }
    return differ == 0;
}

PT_INLINE int pt_filter_matches(const struct pt_abi_filter_rule *rule, const struct pkt *p, __u32 to)
{
    if (rule->to != to && (rule->to != 0 || (to != p->vni && to != PT_FILTER_INTERNET))) {
        return 0;
    }
    if ((rule->flags & PT_FILTER_PROTOCOL) && rule->protocol != p->protocol) {
        return 0;
    }
    if ((rule->flags & PT_FILTER_PORTS) &&
        (!p->has_ports || p->port_destination < rule->port_first || p->port_destination > rule->port_last)) {
        return 0;
    }
    return pt_filter_prefix_matches(&p->source, &rule->source, &rule->source_mask) &&
           pt_filter_prefix_matches(&p->destination, &rule->destination, &rule->destination_mask);
}

/* What the rules say of a packet that begins. 0; the answer is in *ask. */
PT_SUBPROGRAM int pt_filter_run(const struct pkt *p, struct pt_filter_ask *ask)
{
    if (p == NULL || ask == NULL) {
        return 0;
    }
    __u32 vni = p->vni;
    const struct pt_abi_filter *filter = pt_find(&pt_filters, p->slot, &vni);

    ask->rule_id = 0;
    ask->allow = ask->to == vni || ask->to == PT_FILTER_INTERNET;
    if (filter == NULL) {
        return 0;
    }
    ask->allow = ask->allow && !filter->drop;
    for (__u32 i = 0; i < PT_FILTER_RULES_MAX; i++) {
        if (i >= filter->len) {
            break;
        }
        if (pt_filter_matches(&filter->rules[i], p, ask->to)) {
            ask->allow = filter->rules[i].flags & PT_FILTER_ALLOW;
            ask->rule_id = filter->rules[i].rule_id;
            break;
        }
    }
    return 0;
}

/* ---- tracks --------------------------------------------------------------------------------------------------- */

PT_INLINE void pt_track_key(const struct pkt *p, __u32 vni, int answers, union pt_flow_key *key)
{
    const struct pt_abi_address *from = answers ? &p->destination : &p->source;
    const struct pt_abi_address *to = answers ? &p->source : &p->destination;
    __u16 port_from = answers ? p->port_destination : p->port_source;
    __u16 port_to = answers ? p->port_source : p->port_destination;

    __builtin_memset(key, 0, sizeof(*key));
    if (p->v6) {
        key->v6.source = *from;
        key->v6.destination = *to;
        key->v6.port_source = port_from;
        key->v6.port_destination = port_to;
        key->v6.vni_protocol = PT_FLOW_VNI_PROTOCOL(vni, p->protocol);
        return;
    }
    key->v4.source = from->words[3];
    key->v4.destination = to->words[3];
    key->v4.port_source = port_from;
    key->v4.port_destination = port_to;
    key->v4.vni_protocol = PT_FLOW_VNI_PROTOCOL(vni, p->protocol);
}

PT_INLINE struct pt_abi_track *pt_track_find(const struct pkt *p, const union pt_flow_key *key)
{
    return p->v6 ? bpf_map_lookup_elem(&pt_tracks6, &key->v6) : bpf_map_lookup_elem(&pt_tracks4, &key->v4);
}

PT_INLINE int pt_track_lives(const struct pt_abi_track *track, __u8 protocol, __u32 units)
{
    __u32 lasts = protocol != IPPROTO_TCP             ? PT_TRACK_OTHER
                  : track->state == PT_TRACK_ANSWERED ? PT_TRACK_TCP
                                                      : PT_TRACK_TCP_BEGINS;

    return units - track->seen < lasts;
}

/* The packet answers a flow that was let through: a living track has its key. State, or 0; it is told that it lives. */
PT_SUBPROGRAM __u32 pt_track_answers(const struct pkt *p, __u32 vni, __u32 units, __u32 *ret_vni)
{
    union pt_flow_key key;

    if (p == NULL || ret_vni == NULL) {
        return 0;
    }
    pt_track_key(p, vni, 0, &key);
    struct pt_abi_track *track = pt_track_find(p, &key);
    if (track == NULL || !pt_track_lives(track, p->protocol, units)) {
        return 0;
    }
    if (track->state == PT_TRACK_DENIED) {
        return PT_TRACK_DENIED;
    }
    track->state = PT_TRACK_ANSWERED;
    track->seen = units;
    *ret_vni = track->vni;
    return PT_TRACK_ANSWERED;
}

/* Packets that will answer this one pass (state BEGUN), or do not any more (DENIED: only where a track is). */
PT_SUBPROGRAM int pt_track_write(const struct pkt *p, __u32 vni, const struct pt_abi_track *value)
{
    union pt_flow_key key;

    if (p == NULL || value == NULL) {
        return 0;
    }
    pt_track_key(p, vni, 1, &key);
    struct pt_abi_track *track = pt_track_find(p, &key);
    if (track != NULL) {
        int lives = pt_track_lives(track, p->protocol, value->seen);
        if (value->state == PT_TRACK_DENIED || track->state == PT_TRACK_DENIED || !lives || p->begins) {
            track->state = value->state;
        }
        track->vni = value->vni;
        track->rule_id = value->rule_id;
        track->seen = value->seen;
        return 0;
    }
    if (value->state == PT_TRACK_DENIED) {
        return 0;
    }
    if (p->v6) { /* a full table evicts; a failure means that the answer is judged by rules */
        (void)bpf_map_update_elem(&pt_tracks6, &key.v6, value, BPF_ANY);
    } else {
        (void)bpf_map_update_elem(&pt_tracks4, &key.v4, value, BPF_ANY);
    }
    return 0;
}

/* A packet that arrives for a host of this site, in this segment. 0 or a drop reason. */
PT_SUBPROGRAM __u32 pt_filter_arrives(const struct pkt *p)
{
    if (p == NULL) {
        return 0;
    }
    __u32 vni = p->vni, ignored = 0;
    if (pt_find(&pt_filters, p->slot, &vni) == NULL) {
        return 0;
    }
    struct pt_abi_track value = {.seen = (__u32)(bpf_ktime_get_coarse_ns() >> PT_FLOW_TIME_SHIFT),
                                 .state = PT_TRACK_BEGUN};
    __u32 state = pt_track_answers(p, vni, value.seen, &ignored);
    if (state == PT_TRACK_DENIED) {
        return PT_DROP_FIREWALL;
    }
    if (state == 0) {
        (void)pt_track_write(p, vni, &value);
    }
    return 0;
}
