/*
 * What the parts of the interpreter share: bytes and sums, the policy's searches, the outer header.
 */
#pragma once

#include "reference.h"

#define ETH 14
#define V4 20
#define V6 40
#define UDP 8
#define GENEVE 8
#define QUOTE 128

struct ref_packet {
    bool v4, fragment, df, has_ports;
    bool begins; /* a TCP SYN without ACK */
    uint8_t source[16], destination[16];
    uint32_t size, tos, ttl, protocol, ports[2], flow;
    uint32_t l4; /* 0: none to be seen */
};

struct ref_envelope {
    uint32_t vni, inner_size, flow, source_port, port, protocol, tos;
    bool control, repaired, strict;
    const uint32_t *stack;
    uint32_t stack_len;
};

const struct ref_path *ref_choose(const struct ref_model *m, const struct ref_group *g, uint32_t flow, bool *ret_unmet);
void ref_drop(struct ref_verdict *v, uint32_t reason);
const struct ref_group *ref_find_group(const struct ref_model *m, uint32_t site, uint32_t class);
void ref_begin(struct ref_verdict *v, const struct packet *in); /* goes up as it is, so far */
uint32_t ref_checksum_changed(uint32_t check, uint32_t from, uint32_t to);
bool ref_hop(struct packet *out, const struct ref_packet *p);
bool ref_in_prefix(const uint8_t *address, const uint8_t *prefix, unsigned bits);
uint32_t ref_lan_segment(const struct ref_model *m, uint32_t ifindex);
bool ref_parse(const struct packet *in, uint32_t vni, struct ref_packet *p);
/* That of the packet's traffic class instead, if there is one. */
const struct ref_group *ref_group_for(const struct ref_model *m, const struct ref_group *g, uint32_t dscp);
uint32_t ref_get16(const uint8_t *p);
uint32_t ref_get32(const uint8_t *p);
bool ref_is_v4(const uint8_t address[16]);
uint32_t ref_mix(uint32_t h);
void ref_set16(uint8_t *p, uint32_t value);
void ref_v4_mapped(const uint8_t *v4, uint8_t out[16]);
uint32_t ref_write_outer(uint8_t *out, const struct ref_path *path, const struct ref_envelope *e);

/* ---- the flow cache (reference_flow.c) ---- */

enum ref_kept { REF_KEPT_NOTHING, REF_KEPT_PATH, REF_KEPT_LOCAL, REF_KEPT_DROP, REF_KEPT_EXIT };

struct ref_decision {
    enum ref_kept kept; /* nothing: `reason` says why, or it is this wire's own */
    uint32_t out;       /* slot of a path, interface, or link */
    uint32_t reason, tier;
    uint32_t site; /* 0: this wire's own */
    bool sealed;   /* no plain path */
    uint32_t vni;  /* of the segment that it goes to */
    uint32_t port; /* of the mapping that it leaves by */
    bool watched, forgotten;
};

struct ref_question {
    uint32_t ifindex, vni;
    const struct packet *in;
};

/* What is decided for a packet of this segment, by what is remembered or anew. */
void ref_decide(const struct ref_model *m, struct ref_flows *flows, struct ref_state *state,
                const struct ref_question *q, struct ref_packet *p, struct ref_decision *d);
const struct ref_rule *ref_find_rule(const struct ref_model *m, uint32_t vni, const struct ref_packet *p);

/* ---- firewall and translation (reference_nat.c) ---- */

struct ref_judgement {
    uint32_t vni, to; /* from this segment to that one, or REF_INTERNET */
    int answers;      /* what ref_answers said */
    bool local;       /* to a host of this site */
};

void ref_read_query(const struct packet *in, struct ref_packet *p);
const struct ref_filter *ref_find_filter(const struct ref_model *m, uint32_t vni);
/* enum pt_abi_track_state of the flow that this packet answers, and the segment of who began it; 0: none. */
int ref_answers(const struct ref_model *m, struct ref_state *state, const struct ref_packet *p, uint32_t vni,
                uint32_t *ret_vni);
bool ref_judge(const struct ref_model *m, struct ref_state *state, const struct ref_packet *p,
               const struct ref_judgement *j);
bool ref_arrives(const struct ref_model *m, struct ref_state *state, const struct ref_packet *p, uint32_t vni);
/* False: there is a checksum to be changed that the packet does not have. */
bool ref_set_address(struct packet *out, const struct ref_packet *p, bool source, uint32_t to);
bool ref_translate_source(const struct ref_model *m, struct packet *out, const struct ref_packet *p, uint32_t link,
                          uint32_t port);
bool ref_prefix_out(const struct ref_model *m, uint32_t vni, const struct ref_packet *p, uint32_t *ret_address);
bool ref_prefix_in(const struct ref_model *m, uint32_t vni, bool v4, uint8_t destination[16]);
void ref_exit(const struct ref_model *m, struct ref_state *state, const struct ref_question *q, struct ref_packet *p,
              struct ref_decision *d);
