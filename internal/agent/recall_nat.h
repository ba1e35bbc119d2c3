/*
 * What the number of a translation in a flow's entry means, by a bundle. Pure.
 */
#pragma once

#include "agent/dp.h"

/* Under what a flow's packets are sent on. */
struct pt_translation {
    bool there;
    struct pt_ip source;      /* zeroes: their own */
    uint16_t port;            /* 0: their own */
    uint32_t link;            /* number of the link whose address that is, or that it came for; 0: none's */
    struct pt_ip destination; /* zeroes: their own */
    uint16_t destination_port;
    uint32_t vni; /* of the segment that they go on in; 0: their own */
};

/* `there` is false when it is none, or the bundle does not know it. bundle may be NULL. */
struct pt_translation pt_translation_of(const struct pt_bundle *bundle, const struct pt_dp_flow_key *flow,
                                        uint32_t nat);
