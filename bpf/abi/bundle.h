/*
 * The maps that a bundle fills, in one list for both sides.
 *
 * Each is an outer array with two slots; a program reads the generation word once per packet and uses slot
 * generation & 1 of every map, so it never sees half a bundle.
 */
#pragma once

#include "bpf/abi/filter.h"
#include "bpf/abi/guard.h"
#include "bpf/abi/nat.h"
#include "bpf/abi/inspect.h"
#include "bpf/abi/path.h"
#include "bpf/abi/route.h"
#include "bpf/abi/rule.h"

/* Layout of everything pinned. Raised when a struct changes: the pins of each version have a folder of their own. */
#define PT_ABI_VERSION 3

/* Which meter a packet passes, in limits: the segment's towards a site, or (site 0) towards any. */
struct pt_abi_limit_key {
    __u32 vni;
    __u32 site_label;
};
_Static_assert(sizeof(struct pt_abi_limit_key) == 8, "abi");

/* key: 0 */
struct pt_abi_node {
    __u32 site_label;
    __be16 geneve_port;
    __u16 present; /* 1 */
};
_Static_assert(sizeof(struct pt_abi_node) == 8, "abi");

/* name, type, key, value, entries, flags. The array of paths may be larger than said here: its flag allows it. */
#define PT_BUNDLE_MAPS(X)                                                                                        \
    X(nodes, BPF_MAP_TYPE_ARRAY, __u32, struct pt_abi_node, 1, BPF_F_INNER_MAP)                                  \
    X(lans, BPF_MAP_TYPE_HASH, __u32, struct pt_abi_lan, 1024, BPF_F_NO_PREALLOC)                                \
    X(links, BPF_MAP_TYPE_HASH, struct pt_abi_link_key, struct pt_abi_link, 128, BPF_F_NO_PREALLOC)              \
    X(peers, BPF_MAP_TYPE_HASH, struct pt_abi_peer_key, struct pt_abi_peer, 16384, BPF_F_NO_PREALLOC)            \
    X(routes4, BPF_MAP_TYPE_LPM_TRIE, struct pt_abi_route4_key, struct pt_abi_route, 2000000, BPF_F_NO_PREALLOC) \
    X(routes6, BPF_MAP_TYPE_LPM_TRIE, struct pt_abi_route6_key, struct pt_abi_route, 2000000, BPF_F_NO_PREALLOC) \
    X(dirs, BPF_MAP_TYPE_HASH, __u32, __u32, PT_DIRS_MAX, BPF_F_NO_PREALLOC)                                     \
    X(rules, BPF_MAP_TYPE_HASH, __u32, struct pt_abi_rules, 4096, BPF_F_NO_PREALLOC)                             \
    X(subjects, BPF_MAP_TYPE_HASH, struct pt_abi_subject_key, __u64, 65536, BPF_F_NO_PREALLOC)                   \
    X(applications, BPF_MAP_TYPE_HASH, struct pt_abi_application_key, __u64, 65536, BPF_F_NO_PREALLOC)           \
    X(marks, BPF_MAP_TYPE_HASH, __u32, struct pt_abi_marks, PT_MARKS_MAX, BPF_F_NO_PREALLOC)                     \
    X(groups, BPF_MAP_TYPE_HASH, struct pt_abi_group_key, struct pt_abi_group, 65536, BPF_F_NO_PREALLOC)         \
    X(paths, BPF_MAP_TYPE_ARRAY, __u32, struct pt_abi_path, 256, BPF_F_INNER_MAP)                                \
    X(exits, BPF_MAP_TYPE_ARRAY, __u32, struct pt_abi_exit, 65, BPF_F_INNER_MAP)                                 \
    X(breakouts, BPF_MAP_TYPE_HASH, __u32, struct pt_abi_breakout, 1024, BPF_F_NO_PREALLOC)                      \
    X(forwards, BPF_MAP_TYPE_HASH, struct pt_abi_forward_key, struct pt_abi_forward, 8192, BPF_F_NO_PREALLOC)    \
    X(prefixes, BPF_MAP_TYPE_HASH, __u32, struct pt_abi_prefixes, 1024, BPF_F_NO_PREALLOC)                       \
    X(filters, BPF_MAP_TYPE_HASH, __u32, struct pt_abi_filter, 1024, BPF_F_NO_PREALLOC)                          \
    X(guards, BPF_MAP_TYPE_HASH, __u32, struct pt_abi_guard, 1, BPF_F_NO_PREALLOC)                               \
    X(denied, BPF_MAP_TYPE_LPM_TRIE, struct pt_abi_denied_key, __u32, 65536, BPF_F_NO_PREALLOC)                  \
    X(limits, BPF_MAP_TYPE_HASH, struct pt_abi_limit_key, __u32, 4096, BPF_F_NO_PREALLOC)

enum pt_bundle_map {
#define PT_BUNDLE_MAP_ENUM(name, type, key, value, entries, flags) PT_MAP_##name,
    PT_BUNDLE_MAPS(PT_BUNDLE_MAP_ENUM)
#undef PT_BUNDLE_MAP_ENUM
        PT_BUNDLE_MAPS_LEN
};
