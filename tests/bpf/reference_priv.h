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
    bool control, repaired;
    const uint32_t *stack;
    uint32_t stack_len;
};

const struct ref_path *ref_choose(const struct ref_model *m, const struct ref_group *g, uint32_t flow, bool *ret_unmet);
void ref_drop(struct ref_verdict *v, uint32_t reason);
const struct ref_group *ref_find_group(const struct ref_model *m, uint32_t site, uint32_t class);
const struct ref_route *ref_find_route(const struct ref_model *m, uint32_t vni, const uint8_t *address, bool v4);
uint32_t ref_get16(const uint8_t *p);
uint32_t ref_get32(const uint8_t *p);
bool ref_is_v4(const uint8_t address[16]);
uint32_t ref_mix(uint32_t h);
void ref_set16(uint8_t *p, uint32_t value);
void ref_v4_mapped(const uint8_t *v4, uint8_t out[16]);
uint32_t ref_write_outer(uint8_t *out, const struct ref_path *path, const struct ref_envelope *e);

/* ---- the flow cache (reference_flow.c) ---- */

enum ref_kept { REF_KEPT_NOTHING, REF_KEPT_PATH, REF_KEPT_LOCAL, REF_KEPT_DROP };

struct ref_decision {
    enum ref_kept kept; /* nothing: `reason` says why, or it is this wire's own */
    uint32_t out;       /* slot of a path, or interface */
    uint32_t reason, tier;
    uint32_t site; /* 0: this wire's own */
    bool sealed;   /* no plain path */
};

/* What is decided for a packet of this segment, by what is remembered or anew. */
void ref_decide(const struct ref_model *m, struct ref_flows *flows, uint32_t ifindex, uint32_t vni,
                const struct ref_packet *p, struct ref_decision *d);
const struct ref_rule *ref_find_rule(const struct ref_model *m, uint32_t vni, const struct ref_packet *p);
