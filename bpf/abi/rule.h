/*
 * Compiled steering rules of a segment: one value holds them all, in order, so that matching is one lookup and a walk.
 */
#pragma once

#include "bpf/abi/address.h"

#define PT_RULES_MAX 64
#define PT_RULE_DENY 1U
#define PT_RULE_PORTS 2U       /* the port range is not "any": packets without ports do not match */
#define PT_RULE_PROTOCOL 4U    /* protocol is not "any" */
#define PT_RULE_APPLICATION 8U /* the packet's application must have the rule's bit in `applications` */

struct pt_abi_rule {
    struct pt_abi_address prefix, mask; /* destination & mask == prefix */
    __u64 dscp_mask;
    __u16 port_first, port_last;
    __u16 protocol;
    __u16 flags;
    __u32 policy_class;
    __u32 rule_id;  /* what a flow remembers of it; 0: has none */
    __u64 subjects; /* 0: anybody; else the source's word in `subjects` must share a bit */
};
_Static_assert(sizeof(struct pt_abi_rule) == 64, "abi");

/* Who is behind a source address: users and groups, by the numbers that the rules of this bundle give them. */
struct pt_abi_subject_key {
    __u32 vni;
    struct pt_abi_address source;
};
_Static_assert(sizeof(struct pt_abi_subject_key) == 20, "abi");

/*
 * What protocol and port say about a rule, so that most rules are passed over by one subtraction and one comparison,
 * eight of them in a cache line. A packet's key is its protocol and its destination port, or PT_RULE_NO_PORT in place
 * of one that it does not have; a rule may match only if key - first <= span, and is then looked at whole.
 */
#define PT_RULE_NO_PORT 0x10000U
#define PT_RULE_KEY(protocol, port) ((__u32)(protocol) << 17 | (port))

struct pt_abi_rule_head {
    __u32 first, span;
};
#define PT_RULE_HEAD_NEVER 0xffffffffU /* `first` of places without a rule, with a span of 0 */

/* key: VNI */
struct pt_abi_rules {
    __u32 len;
    __u32 reserved;
    struct pt_abi_rule_head heads[PT_RULES_MAX]; /* those behind the last rule match nothing */
    struct pt_abi_rule rules[PT_RULES_MAX];
};
_Static_assert(sizeof(struct pt_abi_rules) == 8 + (8 + 64) * PT_RULES_MAX, "abi");
