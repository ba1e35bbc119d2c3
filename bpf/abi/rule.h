/*
 * Compiled steering rules of a segment: one value holds them all, in order, so that matching is one lookup and a walk.
 */
#pragma once

#include "bpf/abi/address.h"

#define PT_RULES_MAX 64
#define PT_RULE_DENY 1U
#define PT_RULE_PORTS 2U    /* the port range is not "any": packets without ports do not match */
#define PT_RULE_PROTOCOL 4U /* protocol is not "any" */

struct pt_abi_rule {
    struct pt_abi_address prefix, mask; /* destination & mask == prefix */
    __u64 dscp_mask;
    __u16 port_first, port_last;
    __u16 protocol;
    __u16 flags;
    __u32 policy_class;
    __u32 reserved;
};
_Static_assert(sizeof(struct pt_abi_rule) == 56, "abi");

/* key: VNI */
struct pt_abi_rules {
    __u32 len;
    __u32 reserved;
    struct pt_abi_rule rules[PT_RULES_MAX];
};
_Static_assert(sizeof(struct pt_abi_rules) == 8 + 56 * PT_RULES_MAX, "abi");
