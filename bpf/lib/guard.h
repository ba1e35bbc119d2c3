/*
 * Protection against floods (abi/guard.h): what is no tunnel's is looked at before the kernel spends anything on it.
 *
 *    source on the deny list?  -> drop
 *    source above its rate?    -> drop
 *    a SYN above the rate?     -> answer by a cookie (lib/cookie.h)
 *
 * Frames of tunnels do not come here: their far ends are known by address, and forwarding pays nothing for this.
 */
#pragma once

#include "bpf/lib/flow.h"
#include "bpf/lib/hash.h"
#include "bpf/lib/outer.h"

#define PT_GUARD_BURST_NS 100000000ULL /* the clock has the kernel's tick */

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, PT_SOURCES_MAX);
    __type(key, __u32);
    __type(value, __u64); /* when what this source has sent so far would have ended at its rate */
} pt_sources SEC(".maps");

/* Has the source sent too much? */
PT_INLINE int pt_guard_is_above(const struct pt_abi_address *source, __u32 pps)
{
    __u32 h = 0;
    for (int i = 0; i < 4; i++) {
        h = pt_mix32(h ^ source->words[i]);
    }
    h &= PT_SOURCES_MAX - 1;
    __u64 *until = bpf_map_lookup_elem(&pt_sources, &h), now = bpf_ktime_get_coarse_ns();
    if (until == NULL) {
        return 0;
    }
    __u64 from = *until > now ? *until : now, to = from + 1000000000ULL / pps;
    if (to > now + PT_GUARD_BURST_NS && from != now) {
        return 1;
    }
    *until = to; /* losing a race to another CPU lets one packet more through */
    return 0;
}

/* 0 or a drop reason; and the rate of SYNs to keep to, 0 for none. */
PT_INLINE __u32 pt_guard_judge(struct xdp_md *ctx, __u32 slot, __u32 *ret_syns_ps)
{
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    struct ethhdr *eth = data;
    struct pt_abi_denied_key key = {.prefix_len = 128};
    __u32 zero = 0;
    const struct pt_abi_guard *guard = pt_find(&pt_guards, slot, &zero);

    if (guard == NULL || (void *)(eth + 1) > end) {
        return 0;
    }
    *ret_syns_ps = guard->syns_ps;
    if (eth->h_proto == bpf_htons(ETH_P_IP)) {
        struct iphdr *ip = (void *)(eth + 1);
        if ((void *)(ip + 1) > end) {
            return 0;
        }
        key.address.words[2] = bpf_htonl(0xffff);
        key.address.words[3] = ip->saddr;
    } else if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
        struct ipv6hdr *ip = (void *)(eth + 1);
        if ((void *)(ip + 1) > end) {
            return 0;
        }
        __builtin_memcpy(&key.address, &ip->saddr, 16);
    } else {
        return 0;
    }
    if (pt_find(&pt_denied, slot, &key) != NULL) {
        return PT_DROP_SOURCE_DENIED;
    }
    return guard->source_pps != 0 && pt_guard_is_above(&key.address, guard->source_pps) ? PT_DROP_SOURCE_RATE : 0;
}
