/*
 * An address in a map: 16 bytes in network order, IPv4 as v4-mapped, as words so that programs compare them fast.
 */
#pragma once

#include <linux/types.h>

struct pt_abi_address {
    __be32 words[4];
};
_Static_assert(sizeof(struct pt_abi_address) == 16, "abi");
