/*
 * Steering rules of a segment, in ascending order; the first that matches decides. A rule matches when
 *
 *  1. its protocol is "any" or the packet's,
 *  2. its DSCP mask has the packet's code point,
 *  3. its ports are "any", or the packet has ports and its destination port is in the range,
 *  4. its destination prefix is empty or holds the packet's destination,
 *  5. it is for any application, or for the one that the packet's flow is known to belong to,
 *  6. it is for anybody, or one of the users and groups behind the packet's source address is among its subjects.
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

/* Users and groups behind the source address, as bits that this bundle's rules give them. */
PT_INLINE __u64 pt_rule_subjects(const struct pkt *p)
{
    struct pt_abi_subject_key key = {.vni = p->vni, .source = p->source};
    const __u64 *word = pt_find(&pt_subjects, p->slot, &key);

    return word == NULL ? 0 : *word;
}

#define PT_RULES_AT_ONCE 4 /* PT_RULES_MAX is a multiple */

PT_INLINE int pt_rule_head_matches(const struct pt_abi_rule_head *head, __u32 key)
{
    return key - head->first <= head->span;
}

/* Rules that an application satisfies, a bit each. */
PT_INLINE __u64 pt_rule_applications(const struct pkt *p, __u32 application)
{
    struct pt_abi_application_key key = {.vni = p->vni, .application = application & PT_FLOW_APPLICATION_MASK};
    const __u64 *word = key.application == 0 ? NULL : pt_find(&pt_applications, p->slot, &key);

    return word == NULL ? 0 : *word;
}

struct pt_ruling {
    __u32 application; /* of the packet's flow, as far as it is known: given */
    __u32 policy_class;
    __u32 rule_id;
    __u32 reason; /* a drop reason, or 0 */
};

/* What the rules say. 0; the answer is in *ret. */
PT_SUBPROGRAM int pt_rules_run(const struct pkt *p, struct pt_ruling *ret)
{
    __u64 subjects = 0, applications;
    int asked = 0;

    if (p == NULL || ret == NULL) {
        return 0;
    }
    __u32 vni = p->vni;
    const struct pt_abi_rules *set = pt_find(&pt_rules, p->slot, &vni);

    if (set == NULL) {
        return 0;
    }
    applications = pt_rule_applications(p, ret->application);
    __u32 key = PT_RULE_KEY(p->protocol, p->has_ports ? p->port_destination : PT_RULE_NO_PORT);
    for (__u32 i = 0; i < PT_RULES_MAX; i += PT_RULES_AT_ONCE) {
        const struct pt_abi_rule_head *heads = &set->heads[i];
        if (i >= set->len) {
            break;
        }
        if (!pt_rule_head_matches(heads, key) && !pt_rule_head_matches(heads + 1, key) &&
            !pt_rule_head_matches(heads + 2, key) && !pt_rule_head_matches(heads + 3, key)) {
            continue;
        }
        for (__u32 j = 0; j < PT_RULES_AT_ONCE; j++) {
            const struct pt_abi_rule *rule = &set->rules[i + j];
            if (!pt_rule_head_matches(heads + j, key) || !pt_rule_matches(rule, p)) {
                continue;
            }
            if ((rule->flags & PT_RULE_APPLICATION) && (applications >> (i + j) & 1) == 0) {
                continue;
            }
            if (rule->subjects != 0 && !asked) {
                subjects = pt_rule_subjects(p);
                asked = 1;
            }
            if (rule->subjects != 0 && (rule->subjects & subjects) == 0) {
                continue;
            }
            ret->reason = rule->flags & PT_RULE_DENY ? PT_DROP_POLICY_DENY : 0;
            ret->policy_class = rule->policy_class;
            ret->rule_id = rule->rule_id;
            return 0;
        }
    }
    return 0;
}
