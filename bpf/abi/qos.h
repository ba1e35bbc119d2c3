/*
 * What the marking program knows of a shaped link, by the DSCP of the outer header.
 */
#pragma once

#include <linux/types.h>

#define PT_QOS_DSCP_KEEP 0xff
#define PT_QOS_LINKS_MAX 128

struct pt_abi_qos {
    __u32 control;     /* queue of network control, and of what is not IP */
    __u32 hosts;       /* queue of what hosts mark as network control: theirs, not the network's that carries it */
    __u32 queue[64];   /* by DSCP; a number for skb->priority */
    __u8 dscp_out[64]; /* what to write in its place; PT_QOS_DSCP_KEEP: nothing */
};
_Static_assert(sizeof(struct pt_abi_qos) == 328, "abi");
