/*
 * Prefixes, one to one: a site's own addresses, and those under which other sites know it. Stateless. What leaves by a
 * path gets the address outside, what arrives the one inside, before its route is looked for; within the site, and to
 * the internet, the address inside is used.
 */
#pragma once

#include "bpf/lib/change.h"

/* What stands in flow->nat for a packet that leaves by a path; 0: its source is not translated. */
PT_INLINE __u32 pt_prefix_out(const struct pkt *p)
{
    __u32 vni = p->vni;
    const struct pt_abi_prefixes *prefixes = p->v6 ? NULL : pt_find(&pt_prefixes, p->slot, &vni);

    for (__u32 i = 0; prefixes != NULL && i < PT_NAT_PREFIXES_MAX; i++) {
        if (i >= prefixes->len) {
            break;
        }
        if ((p->source.words[3] & prefixes->maps[i].mask) == prefixes->maps[i].inside) {
            return PT_NAT_PREFIX | i;
        }
    }
    return 0;
}

/* Translate the source, or what it was translated to back again. 0, or -1 when it cannot be: a fragment does not say
 * where its checksum is. */
PT_SUBPROGRAM int pt_prefix_source(struct __sk_buff *skb, struct pkt *p, __u32 nat, int back)
{
    if (p == NULL) {
        return -1;
    }
    __u32 vni = p->vni, i = nat & (PT_NAT_PREFIXES_MAX - 1);
    const struct pt_abi_prefixes *prefixes = pt_find(&pt_prefixes, p->slot, &vni);

    if (prefixes == NULL || p->l4_offset == 0) {
        return -1;
    }
    __be32 net = back ? prefixes->maps[i].inside : prefixes->maps[i].outside;
    struct pt_nat_change c = {.from = p->source.words[3],
                              .to = net | (p->source.words[3] & ~prefixes->maps[i].mask),
                              .is_source = 1,
                              .l4_offset = p->l4_offset,
                              .protocol = p->protocol};
    p->source.words[3] = c.to;
    return pt_nat_apply(skb, &c);
}

/* Translate the destination of what arrives, if it is one. 0, or -1 when it cannot be. */
PT_SUBPROGRAM int pt_prefix_destination(struct __sk_buff *skb, struct pkt *p)
{
    if (p == NULL) {
        return -1;
    }
    __u32 vni = p->vni;
    const struct pt_abi_prefixes *prefixes = p->v6 ? NULL : pt_find(&pt_prefixes, p->slot, &vni);

    for (__u32 i = 0; prefixes != NULL && i < PT_NAT_PREFIXES_MAX; i++) {
        __be32 mask = prefixes->maps[i].mask, to = p->destination.words[3];
        if (i >= prefixes->len) {
            break;
        }
        if ((to & mask) != prefixes->maps[i].outside) {
            continue;
        }
        struct pt_nat_change c = {.from = to,
                                  .to = prefixes->maps[i].inside | (to & ~mask),
                                  .l4_offset = p->l4_offset,
                                  .protocol = p->protocol};
        if (p->l4_offset == 0) {
            return -1;
        }
        p->destination.words[3] = c.to;
        return pt_nat_apply(skb, &c);
    }
    return 0;
}
