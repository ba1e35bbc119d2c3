/*
 * What the repeatable forms of the hooks share: which flow is next, and what became of it. Read by cost*.bpf.c, which
 * have the integers of the kernel, and by the tests that set the one row of the map.
 */
#pragma once

#include <linux/types.h>

struct bench {
    __u32 flows_mask; /* flows are numbered 0..mask */
    __u32 seed;
    __u32 sent, other;
};

/* The next number of a sequence that has each of 2^32 once. */
static inline __attribute__((always_inline)) __u32 bench_next(__u32 *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return *seed;
}

static inline __attribute__((always_inline)) int bench_count(struct bench *bench, int verdict, int wanted)
{
    if (verdict == wanted) {
        bench->sent++;
    } else {
        bench->other++;
    }
    return verdict;
}

/* Routes asked one by one: rows of map pt_bench_route. */
struct bench_route {
    __u32 vni, dir, slot;
    __u32 address;       /* as on the wire: asked for; 0: another random one each time */
    __u32 found, missed; /* how often */
    __u32 label;         /* of the last one found */
    __u32 seed;
    __u32 prefixes6; /* pt_route6: of so many, as test_route.c numbers them, a random one each time; 0: `address6` */
    __u32 address6[4];
};
