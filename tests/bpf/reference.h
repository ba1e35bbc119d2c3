/*
 * What the programs should do, written a second time: an interpreter in plain C over a plain model of the policy, made
 * from the documents of bpf/ (which packets go where, what the outer header holds) and not from its code. It shares
 * numbers with the programs (drop reasons, wire constants) and nothing else.
 *
 * Slow on purpose: routes are searched in a list, logarithms taken by loops.
 */
#pragma once

#include "bed.h"

#define REF_MAX 64

struct ref_route {
    uint32_t vni, site, lan; /* lan: interface index; 0 unless here */
    uint8_t address[16];     /* v4-mapped */
    unsigned bits;           /* of the 128 */
    bool sealed;
};

struct ref_rule {
    uint32_t vni, protocol, first, last, class; /* protocol 256: any; 0-65535: any, with ports or without */
    int dscp;                                   /* -1: any */
    uint8_t address[16];
    unsigned bits; /* 0: any destination */
    bool deny;
};

struct ref_path {
    uint64_t id;
    uint32_t slot, ifindex, mtu, site;
    uint8_t local[16], remote[16], nexthop[16];
    bool has_nexthop, sealed;
    uint32_t stack[PT_STACK_LEN_MAX], stack_len;
    int state; /* enum pt_abi_path_state */
};

struct ref_member {
    size_t path; /* index */
    uint32_t weight, tier;
};

struct ref_group {
    uint32_t site, class;
    struct ref_member members[PT_MEMBERS_MAX];
    size_t members_len;
};

struct ref_link {
    uint32_t ifindex;
    uint8_t address[16];
};

struct ref_peer {
    uint32_t ifindex;
    uint8_t address[16];
    size_t path; /* index of its direct path; SIZE_MAX: none */
};

struct ref_lan {
    uint32_t ifindex, vni;
};

struct ref_model {
    uint32_t site;
    uint32_t lan_mtu;
    bool tunnel; /* there is a tunnel device */
    struct ref_lan lans[4];
    struct ref_link links[4];
    struct ref_route routes[REF_MAX];
    struct ref_rule rules[REF_MAX]; /* in order */
    struct ref_path paths[REF_MAX];
    struct ref_peer peers[REF_MAX];
    struct ref_group groups[REF_MAX];
    size_t lans_len, links_len, routes_len, rules_len, paths_len, peers_len, groups_len;
};

enum ref_action { REF_UP, REF_DROP, REF_SEND }; /* to the kernel; dropped; on by an interface */

struct ref_verdict {
    enum ref_action action;
    uint32_t reason;   /* REF_DROP */
    uint32_t reported; /* counted without being dropped: PT_DROP_TOO_BIG_REPORTED, or 0 */
    /* wan: where the companion is to send it */
    uint32_t ifindex, family;
    uint8_t nexthop[16];
    struct packet out; /* unless dropped */
};

void ref_lan(const struct ref_model *model, uint32_t ifindex, const struct packet *in, struct ref_verdict *ret);
void ref_wan(const struct ref_model *model, uint32_t ifindex, const struct packet *in, struct ref_verdict *ret);
