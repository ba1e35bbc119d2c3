/*
 * Inspection from a program (abi/inspect.h): copying first packets, and asking what is known of a flow that has no
 * entry.
 *
 * Both directions of a flow are copied, because some servers speak first. Packets from hosts are a flow's own; those
 * towards hosts are recognised by a mark that the other direction left in pt_watched, at a place which both directions
 * share: a few instructions for all packets that are of no interest. Answers of DNS are copied without a mark.
 */
#pragma once

#include "bpf/abi/inspect.h"
#include "bpf/lib/flow.h"

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, PT_SAMPLES_SIZE);
} pt_samples SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct pt_abi_inspect);
} pt_inspect SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, PT_INSPECTED_LEN);
    __type(key, __u32);
    __type(value, __u64);
} pt_inspected SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, PT_HOSTS_MAX);
    __type(key, struct pt_abi_subject_key);
    __type(value, struct pt_abi_known);
} pt_hosts SEC(".maps");

/* Verdicts of flows that have no entry yet, by the keys that entries have: IPv4's stand at the front of zeroes. */
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, PT_VERDICTS_MAX);
    __type(key, struct pt_abi_flow6_key);
    __type(value, struct pt_abi_known);
} pt_verdicts SEC(".maps");

#define PT_WATCHED_MAX 65536U

/* Flows of which packets towards hosts are wanted too: a mark, and how many more. */
struct pt_watched {
    __u32 mark, left;
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, PT_WATCHED_MAX);
    __type(key, __u32);
    __type(value, struct pt_watched);
} pt_watched SEC(".maps");

#define PT_PORT_DNS 53

PT_INLINE void pt_count_inspected(__u32 what)
{
    __u64 *count = bpf_map_lookup_elem(&pt_inspected, &what);
    if (count != NULL) {
        *count += 1;
    }
}

/* The same for both directions. */
PT_INLINE __u32 pt_hash_both(const struct pkt *p)
{
    __u32 h = p->vni ^ (__u32)p->protocol << 24;

    for (int i = 0; i < 4; i++) {
        h = pt_mix32(h ^ (p->source.words[i] + p->destination.words[i]));
    }
    return pt_mix32(h ^ ((__u32)p->port_source + p->port_destination));
}

/* ---- copying -------------------------------------------------------------------------------------------------- */

/* One more below the rate? As a meter (lib/flow.h), but losing the race to another CPU lets nothing through. */
PT_INLINE int pt_sample_may(struct pt_abi_inspect *inspect, __u64 now_ns)
{
    __u64 until = inspect->until_ns, from = until > now_ns ? until : now_ns;

    return from + inspect->ns_per_sample <= now_ns + PT_SAMPLE_BURST_NS &&
           __sync_val_compare_and_swap(&inspect->until_ns, until, from + inspect->ns_per_sample) == until;
}

/* Is there something behind the packet's header of TCP or UDP? */
PT_INLINE int pt_sample_says(struct __sk_buff *skb, const struct pkt *p)
{
    __u8 offset = 2 << 4;

    if (p->protocol == IPPROTO_TCP && bpf_skb_load_bytes(skb, p->l4_offset + 12U, &offset, 1) != 0) {
        return 0;
    }
    return p->size > p->l4_offset - ETH_HLEN + (offset >> 4) * 4U;
}

/* Copy a packet for the agent, if it says something. A function of its own, and rarely called. 0. */
PT_SUBPROGRAM int pt_sample(struct __sk_buff *skb, const struct pkt *p, __u8 towards)
{
    __u32 zero = 0;
    __u64 now_ns = bpf_ktime_get_coarse_ns();
    struct pt_abi_inspect *inspect = bpf_map_lookup_elem(&pt_inspect, &zero);

    if (p == NULL || inspect == NULL || inspect->ns_per_sample == 0 || !pt_sample_says(skb, p)) {
        return 0;
    }
    if (!pt_sample_may(inspect, now_ns)) {
        pt_count_inspected(PT_INSPECTED_ABOVE_RATE);
        return 0;
    }
    struct pt_abi_sample *sample = bpf_ringbuf_reserve(&pt_samples, sizeof(*sample), 0);
    if (sample == NULL) {
        pt_count_inspected(PT_INSPECTED_NO_ROOM);
        return 0;
    }
    __u32 size = p->size < PT_SAMPLE_SIZE ? p->size : PT_SAMPLE_SIZE;
    PT_OPAQUE(size);
    if (size == 0 || size > PT_SAMPLE_SIZE || bpf_skb_load_bytes(skb, ETH_HLEN, sample->data, size) != 0) {
        bpf_ringbuf_discard(sample, BPF_RB_NO_WAKEUP);
        return 0;
    }
    sample->time_ns = now_ns;
    sample->vni = p->vni;
    sample->size = (__u16)size;
    sample->towards = towards;
    sample->reserved = 0;
    bpf_ringbuf_submit(sample, 0);
    pt_count_inspected(PT_INSPECTED_SAMPLED);
    return 0;
}

/* A packet from a host, of a flow that is to be inspected: a mark for its answers, and a copy. */
PT_INLINE void pt_sample_from_host(struct __sk_buff *skb, const struct pkt *p)
{
    __u32 hash = pt_hash_both(p), index = hash & (PT_WATCHED_MAX - 1), mark = hash | 1;
    struct pt_watched *watched = bpf_map_lookup_elem(&pt_watched, &index);

    if (watched != NULL && watched->mark != mark) {
        watched->left = PT_SAMPLE_PACKETS;
        watched->mark = mark;
    }
    (void)pt_sample(skb, p, PT_SAMPLE_FROM_HOST);
}

/* A packet towards a host: is it of interest? 0. */
PT_SUBPROGRAM int pt_inspect_arrived(struct __sk_buff *skb, const struct pkt *p)
{
    if (p == NULL || !p->has_ports) {
        return 0;
    }
    if (p->protocol == IPPROTO_UDP && p->port_source == PT_PORT_DNS) {
        return pt_sample(skb, p, PT_SAMPLE_TO_HOST);
    }
    __u32 hash = pt_hash_both(p), index = hash & (PT_WATCHED_MAX - 1), mark = hash | 1;
    struct pt_watched *watched = bpf_map_lookup_elem(&pt_watched, &index);
    if (watched != NULL && watched->mark == mark && watched->left > 0) {
        watched->left--;
        return pt_sample(skb, p, PT_SAMPLE_TO_HOST);
    }
    return 0;
}

/* ---- what is known -------------------------------------------------------------------------------------------- */

/* What is known of a flow without an entry: its verdict, which is final, or what its destination is for. 1: the first,
 * 2: the second, 0: nothing. */
PT_SUBPROGRAM int pt_recall(const struct pkt *p, struct pt_decision *d)
{
    struct pt_abi_flow6_key key = {};
    struct pt_abi_subject_key to = {};
    const struct pt_abi_known *known;
    int how = 1;

    if (p == NULL || d == NULL) {
        return 0;
    }
    pt_flow_key(p, (union pt_flow_key *)&key);
    known = bpf_map_lookup_elem(&pt_verdicts, &key);
    if (known == NULL) {
        __u32 units = (__u32)(bpf_ktime_get_coarse_ns() >> PT_FLOW_TIME_SHIFT);
        to.vni = p->vni;
        to.source = p->destination;
        known = bpf_map_lookup_elem(&pt_hosts, &to);
        if (known == NULL || (__s32)(known->until - units) <= 0) {
            return 0;
        }
        how = 2;
    }
    d->application = known->application;
    d->traffic_class = known->traffic_class;
    d->flags |= known->traffic_class != 0 ? PT_FLOW_CLASSED : 0;
    return how;
}

/* A flow that has no entry: take over what is known of it. Is it to be inspected? */
PT_INLINE int pt_inspect_begins(const struct pkt *p, struct pt_decision *d)
{
    struct pt_door door = {};
    int how = pt_recall(p, d);

    pt_door_read(p->flow, &door);
    if (door.found != (pt_mix32(p->flow) | 1)) { /* its first packet, which has yet to leave its mark */
        pt_count_inspected(how != 0 ? PT_INSPECTED_HITS : PT_INSPECTED_MISSES);
    }
    return how != 1;
}

/* A flow for which a decision is due, `flow` being its entry or NULL: take over what is known of it, and copy the
 * packet if more is to be found out. 0. */
PT_SUBPROGRAM int pt_inspect_flow(struct __sk_buff *skb, const struct pkt *p, const struct pt_abi_flow *flow,
                                  struct pt_decision *d)
{
    __u32 zero = 0;
    const struct pt_abi_inspect *inspect = bpf_map_lookup_elem(&pt_inspect, &zero);

    if (p == NULL || d == NULL) {
        return 0;
    }
    int asking = inspect != NULL && inspect->ns_per_sample != 0 && p->has_ports;
    if (flow != NULL) {
        d->application = flow->application;
        d->traffic_class = flow->traffic_class;
        d->flags |= flow->flags & PT_FLOW_CLASSED;
        asking = asking && (flow->flags & PT_FLOW_ASKING) && flow->packets < PT_SAMPLE_PACKETS;
    } else if (asking) {
        asking = pt_inspect_begins(p, d);
    }
    if (asking) {
        d->flags |= PT_FLOW_ASKING;
        pt_sample_from_host(skb, p);
    }
    return 0;
}
