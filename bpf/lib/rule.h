/*
 * Steering rules of a segment, in ascending order; the first that matches decides. A rule matches when
 *
 *  1. its protocol is "any" or the packet's,
 *  2. its DSCP mask has the packet's code point,
 *  3. its ports are "any", or the packet has ports and its destination port is in the range,
 *  4. its destination prefix is empty or holds the packet's destination.
 *
 * Later fragments have no ports, so a rule with ports does not match them; a denied flow still never gets through, for
 * its first fragment is denied and the rest cannot be put together. Without a match the policy class is 0.
 */
#pragma once

#include "bpf/lib/packet.h"

PT_INLINE int pt_rule_matches(const struct pt_abi_rule *rule, const struct pkt *p)
{
    if ((rule->flags & PT_RULE_PROTOCOL) && rule->protocol != p->protocol) {
        return 0;
    }
    if ((rule->dscp_mask >> (p->tos >> 2) & 1) == 0) {
        return 0;
    }
    if ((rule->flags & PT_RULE_PORTS) &&
        (!p->has_ports || p->port_destination < rule->port_first || p->port_destination > rule->port_last)) {
        return 0;
    }
    __u32 differ = 0;
    for (int i = 0; i < 4; i++) {
        differ |= (p->destination.words[i] & rule->mask.words[i]) ^ rule->prefix.words[i];
    }
    return differ == 0;
}

/* The policy class; a drop reason in *ret_reason, or 0. */
PT_SUBPROGRAM __u32 pt_rules_run(const struct pkt *p, __u32 *ret_reason)
{
    if (p == NULL || ret_reason == NULL) {
        return 0;
    }
    __u32 vni = p->vni;
    const struct pt_abi_rules *set = pt_find(&pt_rules, p->slot, &vni);

    if (set == NULL) {
        return 0;
    }
    for (__u32 i = 0; i < PT_RULES_MAX; i++) {
        if (i >= set->len) {
            break;
        }
        if (pt_rule_matches(&set->rules[i], p)) {
            if (set->rules[i].flags & PT_RULE_DENY) {
                *ret_reason = PT_DROP_POLICY_DENY;
            }
            return set->rules[i].policy_class;
        }
    }
    return 0;
}
