/*
 * What the programs should do, written a second time: an interpreter in plain C over a plain model of the policy, made
 * from the documents of bpf/ (which packets go where, what the outer header holds) and not from its code. It shares
 * numbers with the programs (drop reasons, wire constants) and nothing else.
 *
 * Slow on purpose: routes are searched in a list, logarithms taken by loops.
 */
#pragma once

#include "bed.h"
#include "reference_nat.h"

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
    bool has_nexthop, sealed, strict;
    uint32_t stack[PT_STACK_LEN_MAX], stack_len;
    int state;       /* enum pt_abi_path_state */
    uint64_t breaks; /* SLAs, a bit each */
};

struct ref_member {
    size_t path; /* index */
    uint32_t weight, tier;
};

struct ref_group {
    uint32_t site, class;
    uint32_t traffic; /* the traffic class that it is for; 0: all others */
    struct ref_member members[PT_MEMBERS_MAX];
    size_t members_len;
    uint32_t sla;  /* 0: none; else its bit plus 1 */
    bool require;  /* members that break it are left out */
    uint32_t move; /* enum pt_abi_move */
    bool follow;   /* flows under way follow shares that move */
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
    struct ref_group groups[2 * REF_MAX];
    size_t lans_len, links_len, routes_len, rules_len, paths_len, peers_len, groups_len;
    struct ref_nat nat;
};

enum ref_action { REF_UP, REF_DROP, REF_SEND }; /* to the kernel; dropped; on by an interface */

struct ref_verdict {
    enum ref_action action;
    uint32_t reason;   /* REF_DROP */
    uint32_t reported; /* counted without being dropped: PT_DROP_TOO_BIG_REPORTED, or 0 */
    /* wan: where the companion is to send it */
    uint32_t ifindex, family;
    uint8_t nexthop[16];
    bool by_path;      /* sent by a path: counted there */
    bool strict;       /* in transit, and not to be led round a failure */
    bool repaired;     /* led round one here */
    bool translated;   /* the companion changes the destination to the next hop */
    uint32_t outside;  /* from this, then */
    struct packet out; /* unless dropped */
};

/*
 * The flow cache, as a list. Time does not pass in it: the caller sees to it that a flow that would wait for a pause
 * had one, so such flows follow a new choice with their next packet.
 */
#define REF_FLOWS_MAX 4096
#define REF_DOOR 65536

struct ref_flow {
    uint8_t key[44];
    uint32_t kept, out, reason, tier, dscp, generation, epoch;
    bool sealed, watched; /* watched: asks each time, as it had a pause */
};

struct ref_flows {
    uint32_t generation; /* of the policy */
    uint32_t epoch;      /* moved on when a path came to life or SLAs changed */
    uint32_t door[REF_DOOR];
    struct ref_flow list[REF_FLOWS_MAX];
    size_t len;
    uint64_t hits, stays, follows, by_class; /* for the test: that all of it happened */
    /* The flow of the last packet that was asked about, when it has an entry. */
    const struct ref_flow *last;
};

/* The longest prefix of the segment; NULL: none. */
const struct ref_route *ref_find_route(const struct ref_model *model, uint32_t vni, const uint8_t *address, bool v4);

/* The entry that a host's packet will find; NULL: none. */
const struct ref_flow *ref_known(const struct ref_model *model, const struct ref_flows *flows, uint32_t ifindex,
                                 const struct packet *in);
void ref_lan(const struct ref_model *model, struct ref_flows *flows, struct ref_state *state, uint32_t ifindex,
             const struct packet *in, struct ref_verdict *ret);
void ref_wan(const struct ref_model *model, struct ref_state *state, uint32_t ifindex, const struct packet *in,
             struct ref_verdict *ret);
/* The companion, on what came by no tunnel. */
void ref_internet(const struct ref_model *model, struct ref_state *state, uint32_t ifindex, const struct packet *in,
                  struct ref_verdict *ret);
/* The tunnel's device. */
void ref_tap(const struct ref_model *model, struct ref_state *state, const struct packet *in, struct ref_verdict *ret);
