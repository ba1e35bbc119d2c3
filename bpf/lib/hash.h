/*
 * Flow hash and weighted rendezvous choice. Pure arithmetic: the agent's tests run the same code.
 *
 * Rendezvous hashing gives each member of a group a score from (flow, member) alone; the best score wins. So when a
 * member dies only the flows it carried move, and they spread over the rest; when it returns exactly they come back. No
 * table, no state. Weights (Mosharaf, "weighted rendezvous"): with u uniform in (0, 1], the member with the least
 * -log2(u) / weight wins with probability weight / sum of weights. Here -log2(u) is fixed point with 16 fractional
 * bits, the fraction by a parabola whose error is below 0.008; fractions are compared by multiplying across.
 */
#pragma once

#include <linux/types.h>

/* A mix in which every input bit reaches every output bit (the finaliser of MurmurHash3). */
static inline __attribute__((always_inline)) __u32 pt_mix32(__u32 h)
{
    h ^= h >> 16;
    h *= 0x85ebca6bU;
    h ^= h >> 13;
    h *= 0xc2b2ae35U;
    h ^= h >> 16;
    return h;
}

/* 1 when x reaches 2^bits. Without a branch: each would double what the verifier must walk, for every member. */
#define PT_REACHES(x, bits) (((1ULL << (bits)) - 1 - (x)) >> 63)

/* -log2((h + 1) / 2^32) * 2^16: from 0 (largest h) to 32 << 16. */
static inline __attribute__((always_inline)) __u32 pt_neg_log2(__u32 h)
{
    __u64 x = (__u64)h + 1, rest = x, step;
    __u64 whole = 0; /* index of x's highest bit: 0..32 */

    step = PT_REACHES(rest, 32) << 5, rest >>= step, whole += step;
    step = PT_REACHES(rest, 16) << 4, rest >>= step, whole += step;
    step = PT_REACHES(rest, 8) << 3, rest >>= step, whole += step;
    step = PT_REACHES(rest, 4) << 2, rest >>= step, whole += step;
    step = PT_REACHES(rest, 2) << 1, rest >>= step, whole += step;
    whole += PT_REACHES(rest, 1);
    /* f in [0, 1) with 16 bits: what follows the highest bit; log2(1 + f) ~ f + 0.3437 f (1 - f) */
    __u64 f = ((x << 16) >> whole) & 0xffff;
    __u64 fraction = f + ((f * (0x10000 - f) >> 16) * 22525 >> 16);
    return (32U << 16) - (__u32)(whole << 16) - (__u32)fraction;
}

/* What a member bids for a flow; the least cost / weight wins. Never 0, so that weights always count. */
static inline __attribute__((always_inline)) __u64 pt_member_cost(__u32 flow, __u32 member)
{
    return 1 + (__u64)pt_neg_log2(pt_mix32(flow ^ pt_mix32(member + 0x9e3779b9U)));
}
