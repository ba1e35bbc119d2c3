/*
 * The route to a destination within a segment: longest prefix, by trie or, for IPv4 in a big segment, by its own table.
 */
#pragma once

#include "bpf/lib/maps.h"

PT_INLINE __u32 pt_dir_word(void *table, __u32 entry, __u32 index)
{
    struct pt_abi_dir_line *line = bpf_map_lookup_elem(table, &entry);

    return line == NULL ? 0 : line->words[index & (PT_DIR_WORDS - 1)];
}

/* By the table `dir` of the slot. False: no route. */
PT_INLINE int pt_route_by_dir(__u32 slot, __u32 dir, __u32 own_label, __be32 address, struct pt_abi_route *ret)
{
    __u32 at = slot * PT_DIRS_MAX + dir - 1, host = bpf_ntohl(address);
    void *table = bpf_map_lookup_elem(&pt_tables, &at);

    if (table == NULL) {
        return 0;
    }
    __u32 word = pt_dir_word(table, host >> 12, host >> 8);
    if (word & PT_DIR_BLOCK) {
        word = pt_dir_word(table, PT_DIR_FIRST + (word & PT_DIR_VALUE) * (256 / PT_DIR_WORDS) + ((host & 0xff) >> 4),
                           host);
    }
    if (word == 0) {
        return 0;
    }
    ret->lan_ifindex = word & PT_DIR_LOCAL ? word & PT_DIR_VALUE : 0;
    ret->site_label =
        (word & PT_DIR_LOCAL ? own_label : word & PT_DIR_VALUE) | (word & PT_DIR_SEALED ? PT_ROUTE_SEALED : 0);
    return 1;
}

PT_INLINE int pt_route_take(const struct pt_abi_route *route, struct pt_abi_route *ret)
{
    if (route == NULL) {
        return 0;
    }
    *ret = *route;
    return 1;
}

struct pt_route_question {
    struct pt_abi_address destination;
    __u32 slot, vni, own_label;
    __u32 v6;
    __u32 dir; /* of the segment; PT_DIR_ASK: not known, look it up */
};
#define PT_DIR_ASK 0xffffffffU

/* False: no route. */
PT_INLINE int pt_route_find(const struct pt_route_question *q, struct pt_abi_route *ret)
{
    __u32 dir = q->dir, vni = q->vni;

    if (q->v6) {
        struct pt_abi_route6_key key = {
            .prefix_len = PT_ROUTE_VNI_BITS + 128, .vni = bpf_htonl(vni), .address = q->destination};
        return pt_route_take(pt_find(&pt_routes6, q->slot, &key), ret);
    }
    if (dir == PT_DIR_ASK) {
        const __u32 *found = pt_find(&pt_dirs, q->slot, &vni);
        dir = found == NULL ? 0 : *found;
    }
    if (dir != 0) {
        return pt_route_by_dir(q->slot, dir, q->own_label, q->destination.words[3], ret);
    }
    struct pt_abi_route4_key key = {
        .prefix_len = PT_ROUTE_VNI_BITS + 32, .vni = bpf_htonl(vni), .address = q->destination.words[3]};
    return pt_route_take(pt_find(&pt_routes4, q->slot, &key), ret);
}
