/*
 * Demand: bytes that hosts offer towards a site, by what their DSCP says that they are for (RFC 4594).
 *
 * The classes are numbered as TrafficClass is in te.proto, but for STANDARD, which is 0 here: a key without a class is
 * the plain label.
 */
#pragma once

#include <linux/types.h>

#define PT_DEMAND_LABEL_BITS 20
#define PT_DEMAND_KEY(label, class) ((label) | (__u32)(class) << PT_DEMAND_LABEL_BITS)
#define PT_DEMAND_LABEL(key) ((key) & ((1U << PT_DEMAND_LABEL_BITS) - 1))
#define PT_DEMAND_CLASS(key) ((key) >> PT_DEMAND_LABEL_BITS)

#define PT_DEMAND_CLASSES 6

enum pt_demand_class {
    PT_DEMAND_STANDARD = 0,
    PT_DEMAND_REALTIME = 1,
    PT_DEMAND_INTERACTIVE = 2,
    PT_DEMAND_STREAMING = 3,
    PT_DEMAND_BULK = 5
};

#define PT_DSCP(n) (1ULL << (n))

static inline __attribute__((always_inline)) __u32 pt_demand_class(__u8 dscp)
{
    __u64 bit = PT_DSCP(dscp & 63);
    if (bit & (PT_DSCP(46) | PT_DSCP(44) | PT_DSCP(40) | PT_DSCP(32) | PT_DSCP(34) | PT_DSCP(36) | PT_DSCP(38))) {
        return PT_DEMAND_REALTIME;
    }
    if (bit & (PT_DSCP(16) | PT_DSCP(18) | PT_DSCP(20) | PT_DSCP(22) | PT_DSCP(48) | PT_DSCP(56))) {
        return PT_DEMAND_INTERACTIVE;
    }
    if (bit & (PT_DSCP(24) | PT_DSCP(26) | PT_DSCP(28) | PT_DSCP(30))) {
        return PT_DEMAND_STREAMING;
    }
    return bit & (PT_DSCP(1) | PT_DSCP(8) | PT_DSCP(10) | PT_DSCP(12) | PT_DSCP(14)) ? PT_DEMAND_BULK
                                                                                     : PT_DEMAND_STANDARD;
}
