/*
 * Protection against floods: what the XDP program of a link knows.
 */
#pragma once

#include "bpf/abi/address.h"

/* key: 0, in guards */
struct pt_abi_guard {
    __u32 source_pps; /* of one source; 0: no limit */
    __u32 syns_ps;    /* of all sources, before they must prove themselves; 0: no limit */
};
_Static_assert(sizeof(struct pt_abi_guard) == 8, "abi");

/* key of denied; value: 1 */
struct pt_abi_denied_key {
    __u32 prefix_len; /* 0..128 */
    struct pt_abi_address address;
};
_Static_assert(sizeof(struct pt_abi_denied_key) == 20, "abi");

/* Packets of a source, as time (GCRA): an array by the hash of the address. Sources that share a place share its rate.
 */
#define PT_SOURCES_MAX 65536U
