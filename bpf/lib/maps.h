/*
 * Every map of the data plane, defined once: both objects include this, and the agent pins the maps by name, so that
 * the programs of one node share them and outlive the agent.
 */
#pragma once

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/abi/demand.h"
#include "bpf/abi/bundle.h"
#include "bpf/abi/drop.h"
#include "bpf/abi/event.h"
#include "bpf/abi/flow.h"
#include "bpf/abi/nat.h"

#define PT_INLINE static __always_inline
/* A function of its own, and global: the verifier checks it once, by its signature, not again for each state of a
 * caller. Its pointers may be NULL for all the verifier knows. */
#define PT_SUBPROGRAM __attribute__((noinline))
/* Keep a value that the verifier must see bounded from being folded into something it cannot follow. */
#define PT_OPAQUE(x) asm volatile("" : "+r"(x))
/* Stores before it stay before those after it, as far as the compiler goes; x86 and arm64 JITs keep their order within
 * what a reader on another CPU may see late but not wrong (lib/flow.h). */
#define PT_BARRIER() asm volatile("" : : : "memory")

/* ---- swapped with each bundle: pt_nodes, pt_lans, ... (bpf/abi/bundle.h) ----
 * Inner maps are described by sizes, not types: clang 14 leaves types at this depth out of the BTF. */
#define PT_DEFINE_BUNDLE_MAP(name, map_type, key_type, value_type, entries, flags) \
    struct {                                                                       \
        __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);                                  \
        __uint(max_entries, 2);                                                    \
        __type(key, __u32);                                                        \
        __array(                                                                   \
            values, struct {                                                       \
                __uint(type, map_type);                                            \
                __uint(max_entries, entries);                                      \
                __uint(map_flags, flags);                                          \
                __uint(key_size, sizeof(key_type));                                \
                __uint(value_size, sizeof(value_type));                            \
            });                                                                    \
    } pt_##name SEC(".maps");
PT_BUNDLE_MAPS(PT_DEFINE_BUNDLE_MAP)
#undef PT_DEFINE_BUNDLE_MAP

/* The tables whose numbers `dirs` and `lans` give: number n of slot s is at s * PT_DIRS_MAX + n - 1. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, 2 * PT_DIRS_MAX);
    __type(key, __u32);
    __array(
        values, struct {
            __uint(type, BPF_MAP_TYPE_ARRAY);
            __uint(max_entries, PT_DIR_FIRST);
            __uint(map_flags, BPF_F_INNER_MAP | BPF_F_MMAPABLE);
            __uint(key_size, sizeof(__u32));
            __uint(value_size, sizeof(struct pt_abi_dir_line));
        });
} pt_tables SEC(".maps");

/* ---- never swapped -------------------------------------------------------------------------------------------- */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u32);
} pt_generation SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, PT_PATH_SLOTS);
    __type(key, __u32);
    __type(value, __u32); /* enum pt_abi_path_state */
} pt_path_state SEC(".maps");

/* The tunnel's device, and the largest inner packet that a sealed path was seen to carry (0: not known). */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u32);
} pt_tunnel_device SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, PT_PATH_SLOTS);
    __type(key, __u32);
    __type(value, __u32);
} pt_path_mtu SEC(".maps");

/* Which path has which slot; 0 for a free one. Only the agent reads it: it makes slots survive the agent. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, PT_PATH_SLOTS);
    __type(key, __u32);
    __type(value, __u64);
} pt_path_ids SEC(".maps");

/* How each path stands to the SLAs. The tunnel process writes it (tunnel/live_sla.c), and then moves pt_epoch on. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, PT_PATH_SLOTS);
    __type(key, __u32);
    __type(value, struct pt_abi_path_sla);
} pt_path_sla SEC(".maps");

/* Which SLA profile has which bit; 0 for a free one. Only the agent reads it. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, PT_SLAS_MAX);
    __type(key, __u32);
    __type(value, __u64);
} pt_sla_ids SEC(".maps");

/* Moved on whenever steering may answer differently under the same bundle: every flow asks once more. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u32);
} pt_epoch SEC(".maps");

/* ---- translation (abi/nat.h) and firewall (abi/filter.h) ---- */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, PT_NAT_LINKS_MAX);
    __type(key, __u32);
    __array(
        values, struct {
            __uint(type, BPF_MAP_TYPE_ARRAY);
            __uint(max_entries, PT_NAT_PLACES);
            __uint(key_size, sizeof(__u32));
            __uint(value_size, sizeof(struct pt_abi_mapping));
        });
} pt_nat_pools SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, PT_NAT_OUT_MAX);
    __type(key, struct pt_abi_inside);
    __type(value, __u32); /* port */
} pt_nat_out SEC(".maps");

/* By which link and port a flow came that is forwarded: index, by the key of its answers. */
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, PT_NAT_ENTERED_MAX);
    __type(key, struct pt_abi_flow4_key);
    __type(value, __u32);
} pt_nat_entered SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, PT_NAT_PEERS_MAX);
    __type(key, struct pt_abi_nat_peer);
    __type(value, __u32); /* until, in units of abi/nat.h */
} pt_nat_peers SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, PT_NAT_COUNTS_MAX);
    __type(key, __u32);
    __type(value, __u64);
} pt_nat_counts_v2 SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, PT_TRACKS_MAX);
    __type(key, struct pt_abi_flow4_key);
    __type(value, struct pt_abi_track);
} pt_tracks4 SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, PT_TRACKS_MAX);
    __type(key, struct pt_abi_flow6_key);
    __type(value, struct pt_abi_track);
} pt_tracks6 SEC(".maps");

/* ---- flows (abi/flow.h) ---- */
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, PT_FLOWS_MAX);
    __type(key, struct pt_abi_flow4_key);
    __type(value, struct pt_abi_flow);
} pt_flows4 SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, PT_FLOWS_MAX);
    __type(key, struct pt_abi_flow6_key);
    __type(value, struct pt_abi_flow);
} pt_flows6 SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, PT_APPLIED_MAX);
    __type(key, __u32);
    __type(value, struct pt_abi_applied);
} pt_applied SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, PT_EVENTS_SIZE);
} pt_events SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u64); /* GCRA: until when examples of drops were told */
} pt_event_samples SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct pt_abi_event_gate);
} pt_event_gate SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, PT_METERS_MAX);
    __type(key, __u32);
    __type(value, struct pt_abi_meter);
} pt_meters SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, PT_PATH_SLOTS);
    __type(key, __u32);
    __type(value, struct pt_abi_counters);
} pt_counters SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, PT_DROP_LEN_MAX);
    __type(key, __u32);
    __type(value, __u64);
} pt_drops SEC(".maps");

/* Bytes that hosts offered towards each site and no path took, and those of paths that are gone. The demand is this and
 * what stands in the counters of the paths to the site. */
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_HASH);
    __uint(max_entries, 16384);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, __u32); /* PT_DEMAND_KEY */
    __type(value, __u64);
} pt_demands SEC(".maps");

/* The slot to use for this packet, for every bundle map alike. */
PT_INLINE __u32 pt_slot(void)
{
    __u32 zero = 0;
    __u32 *generation = bpf_map_lookup_elem(&pt_generation, &zero);
    return generation == NULL ? 0 : *generation & 1;
}

/* Look a key up in a bundle map; NULL when there is none. */
PT_INLINE void *pt_find(void *outer, __u32 slot, const void *key)
{
    void *inner = bpf_map_lookup_elem(outer, &slot);
    return inner == NULL ? NULL : bpf_map_lookup_elem(inner, key);
}

PT_INLINE void pt_count_drop(__u32 reason)
{
    __u64 *packets = bpf_map_lookup_elem(&pt_drops, &reason);
    if (packets != NULL) {
        *packets += 1;
    }
}

PT_INLINE void pt_count_tx(__u32 path_slot, __u64 packets, __u64 bytes)
{
    struct pt_abi_counters *counters = bpf_map_lookup_elem(&pt_counters, &path_slot);
    if (counters != NULL) {
        counters->tx_packets += packets;
        counters->tx_bytes += bytes;
    }
}

/* What a host offers to a path, before it is known whether it fits. */
PT_INLINE void pt_count_offered(__u32 path_slot, __u8 tos, __u64 bytes)
{
    struct pt_abi_counters *counters = bpf_map_lookup_elem(&pt_counters, &path_slot);
    __u32 class = pt_demand_class(tos >> 2);
    PT_OPAQUE(class);
    if (counters != NULL && class < PT_DEMAND_CLASSES) {
        counters->offered[class] += bytes;
    }
}

/* Both at once, for what certainly goes. */
PT_INLINE void pt_count_sent(__u32 path_slot, __u8 tos, __u64 bytes)
{
    struct pt_abi_counters *counters = bpf_map_lookup_elem(&pt_counters, &path_slot);
    __u32 class = pt_demand_class(tos >> 2);
    PT_OPAQUE(class);
    if (counters != NULL && class < PT_DEMAND_CLASSES) {
        counters->offered[class] += bytes;
        counters->tx_packets += 1;
        counters->tx_bytes += bytes;
    }
}

PT_INLINE void pt_count_rx(__u32 path_slot, __u64 bytes)
{
    struct pt_abi_counters *counters = bpf_map_lookup_elem(&pt_counters, &path_slot);
    if (counters != NULL) {
        counters->rx_packets += 1;
        counters->rx_bytes += bytes;
    }
}

PT_INLINE void pt_count_demand(__u32 site_label, __u8 tos, __u64 bytes)
{
    __u32 key = PT_DEMAND_KEY(site_label, pt_demand_class(tos >> 2));
    __u64 *sum = bpf_map_lookup_elem(&pt_demands, &key);
    if (sum != NULL) {
        *sum += bytes;
        return;
    }
    /* Losing a race to another CPU loses one packet's bytes; the table being full loses the site's. */
    (void)bpf_map_update_elem(&pt_demands, &key, &bytes, BPF_NOEXIST);
}
