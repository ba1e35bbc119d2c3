/*
 * Where a packet came in: what the bundle in force says of the interface, and of the node that has it.
 *
 * Every packet asks this first, and the answer changes with the bundle only. So each CPU keeps the answers, in a small
 * array by the interface's index: one look-up without a hash in place of four, two of them with one. An answer is good
 * for the generation that it was read under; generations do not come back while the maps live. No other CPU writes the
 * place, and no program interrupts another on its CPU. What is not there is not kept: it is dropped, and rare.
 */
#pragma once

#include "bpf/lib/maps.h"

#define PT_INGRESS_MAX 64U /* interfaces that share a place take it from one another */

struct pt_ingress {
    __u32 ifindex; /* 0: free */
    __u32 generation;
    __u32 vni;
    __u32 own_label;    /* of this site */
    __u8 dir, features; /* as in struct pt_abi_lan */
    __be16 geneve_port;
};

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, PT_INGRESS_MAX);
    __type(key, __u32);
    __type(value, struct pt_ingress);
} pt_ingresses SEC(".maps");

/* Read the bundle. 0 or a drop reason. */
PT_SUBPROGRAM __u32 pt_ingress_read(__u32 ifindex, __u32 generation)
{
    __u32 zero = 0, place = ifindex & (PT_INGRESS_MAX - 1), key = ifindex;
    struct pt_ingress *in = bpf_map_lookup_elem(&pt_ingresses, &place);
    const struct pt_abi_node *node = pt_find(&pt_nodes, generation & 1, &zero);

    if (in == NULL || node == NULL || !node->present) {
        return PT_DROP_NO_BUNDLE;
    }
    const struct pt_abi_lan *lan = pt_find(&pt_lans, generation & 1, &key);
    if (lan == NULL) {
        return PT_DROP_UNKNOWN_LAN;
    }
    in->ifindex = ifindex;
    in->generation = generation;
    in->vni = lan->vni;
    in->own_label = node->site_label;
    in->dir = lan->dir;
    in->features = lan->features;
    in->geneve_port = node->geneve_port;
    return 0;
}

/* NULL: there is none, and *ret_reason says why. */
PT_INLINE const struct pt_ingress *pt_ingress_find(__u32 ifindex, __u32 generation, __u32 *ret_reason)
{
    __u32 place = ifindex & (PT_INGRESS_MAX - 1);
    const struct pt_ingress *in = bpf_map_lookup_elem(&pt_ingresses, &place);

    if (in != NULL && in->ifindex == ifindex && in->generation == generation) {
        return in;
    }
    *ret_reason = pt_ingress_read(ifindex, generation);
    return *ret_reason == 0 ? in : NULL;
}
