/*
 * Translation and firewall of the interpreter of reference.h, written from docs/mod/nat.md and docs/mod/firewall.md.
 *
 * What depends on chance (which port a new mapping gets when the host's own is not free) is asked of the program under
 * test by `port_of`, and then held against the rules: within the range, of the same parity, given to nobody else, and
 * the host's own whenever that is free.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REF_NAT_MAX 16
#define REF_MAPPINGS_MAX 4096
#define REF_TRACKS_MAX 8192
#define REF_INTERNET 0xffffffffU

struct ref_filter_rule {
    uint32_t vni, to, protocol, first, last; /* to 0: within the segment, and to the internet; protocol 256: any */
    uint8_t source[16], destination[16];     /* v4-mapped */
    unsigned source_bits, destination_bits;
    bool allow;
};

struct ref_filter {      /* a segment that has a firewall */
    uint32_t vni, reach; /* another segment that rules lead to or from; 0: none */
    bool drop;           /* what no rule matches */
};

struct ref_exit { /* a segment reaches the internet by a link */
    uint32_t vni, link;
    bool dependent;
};

struct ref_forward {
    uint32_t link, protocol, port, vni, target, lan;
    uint8_t address[4];
};

struct ref_prefix {
    uint32_t vni;
    uint32_t inside, outside, mask; /* host order */
};

struct ref_nat {
    struct ref_filter filters[2];
    struct ref_filter_rule rules[32];
    struct ref_exit exits[4];
    struct ref_forward forwards[REF_NAT_MAX];
    struct ref_prefix prefixes[REF_NAT_MAX];
    size_t filters_len, rules_len, exits_len, forwards_len, prefixes_len;
};

/* Who has which port of a link. */
struct ref_mapping {
    uint32_t link, class, port; /* class: enum pt_abi_nat_class */
    uint32_t address, vni, inside_port, lan;
};

struct ref_peer_seen {
    uint32_t link, class, port, remote;
};

struct ref_entered { /* a flow that a port forward let in: its answers go out where it came in */
    uint32_t vni, protocol, host, port, remote, remote_port;
    uint32_t link, outside;
};

struct ref_track {
    uint8_t key[44];
    uint32_t vni; /* of who began */
    int state;    /* enum pt_abi_track_state */
};

/* What outlives packets and policies. Time does not pass: nothing ends but by ref_state_forget. */
struct ref_state {
    struct ref_mapping mappings[REF_MAPPINGS_MAX];
    struct ref_peer_seen peers[REF_MAPPINGS_MAX];
    struct ref_entered entered[REF_MAPPINGS_MAX];
    struct ref_track tracks[REF_TRACKS_MAX];
    size_t mappings_len, peers_len, entered_len, tracks_len;
    uint32_t (*port_of)(void *arg, const struct ref_mapping *wanted); /* that the program gave; 0: none */
    void *arg;
    uint64_t made, answered, refused; /* for the test: that all of it happened */
};

void ref_state_forget(struct ref_state *state);
