/*
 * The tunnel device (a TAP): how a steering verdict reaches the tunnel process, and an opened packet the programs.
 *
 * Packets of a segment that is to be sealed are sent out of the device with the verdict in place of Ethernet addresses;
 * the tunnel process seals and sends. Opened packets come in by the device the same way. The device's own address is
 * 02 50 00 00 00 00, so that the kernel takes what comes in for its own; what the kernel itself sends out of the device
 * (multicast) has another destination, or slot 0, and is thrown away.
 *
 *    to the tunnel     destination 02 50 | path slot (4)       source 02 54 MM | VNI (3)
 *    from the tunnel   destination 02 50 00 00 00 00           source 02 54 00 | VNI (3)
 *
 * MM is 0, or the DSCP of the outer header plus 1, where that is not to be the packet's own.
 */
#pragma once

#include <linux/types.h>

#define PT_TAP_TO_0 0x02
#define PT_TAP_TO_1 0x50
#define PT_TAP_FROM_0 0x02
#define PT_TAP_FROM_1 0x54

struct pt_abi_tap {
    __u8 to[2];
    __u8 path_slot[4]; /* big-endian; bytes, because they are not aligned */
    __u8 from[3];
    __u8 vni[3];
    __be16 protocol;
};
_Static_assert(sizeof(struct pt_abi_tap) == 14, "an Ethernet header");
