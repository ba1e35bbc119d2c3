/*
 * What stands on the wire between two nodes (RFC 8926).
 *
 *    outer IPv4 or IPv6   by the tunnel's addresses; DF set; DSCP and ECN as inside
 *    UDP                  source port from the flow's hash; checksum 0 (RFC 6935: the inner packet has its own)
 *    Geneve               VNI = segment; protocol 0x0800 or 0x86DD; O bit on the agent's own packets (hellos)
 *    path-stack option    only when labels are left:
 *
 *        0               1               2               3
 *       +---------------+---------------+---------------+---------------+
 *       |  class 0xFF00 (experimental)  |  type 0x81    |R|S|0|  words  |
 *       +---------------+---------------+---------------+---------------+
 *       |  12 bits zero   |  label of the next site after the receiver  |   once per label, 1..6, in order of travel
 *       +---------------+---------------+---------------+---------------+
 *
 *    inner packet         without Ethernet header
 *
 * The type has the critical bit: a receiver that does not know the option must drop the packet, else it would take what
 * is in transit for its own. A transit site removes the first label; the option goes with the last one.
 *
 * R says that a transit site has led the packet round a failure, by labels put in front. No other site does so again:
 * two detours could send it back and forth. S says that no site may: the packet must keep to links that its constraints
 * allow, so a transit site sends it by the tunnels that come first there, which are what the source has looked at, or
 * drops it. Both bits are ones that RFC 8926 reserves, so a receiver that does not know them ignores them.
 *
 * Senders of O packets from a socket must switch UDP checksums off (SO_NO_CHECK, UDP_NO_CHECK6_TX, and
 * UDP_NO_CHECK6_RX to receive): a transit site cannot redo a checksum that was left to hardware.
 */
#pragma once

#include <linux/types.h>

#define PT_GENEVE_PORT 6081
#define PT_SEALED_PORT 6082 /* sealed packets: to the tunnel process's sockets, or on by the stack */
#define PT_LIVE_PORT 6083   /* liveness: to the tunnel process's sockets, or on by the stack */
#define PT_SEALED_PROTOCOL                                                                                          \
    0x88b6                      /* IEEE 802: local experimental ethertype 2; what is behind stands in tunnel/wire.h \
                                 */
#define PT_GENEVE_CONTROL 0x80  /* O bit in flags */
#define PT_GENEVE_CRITICAL 0x40 /* C bit in flags */

#define PT_OPTION_CLASS 0xff00
#define PT_OPTION_PATH_STACK 0x81
#define PT_OPTION_CRITICAL 0x80
#define PT_OPTION_REPAIRED 0x80 /* in words */
#define PT_OPTION_STRICT 0x40
#define PT_STACK_LEN_MAX 6

struct pt_geneve {
    __u8 version_words; /* version in the upper 2 bits, length of the options in words below */
    __u8 flags;
    __be16 protocol;
    __be32 vni_reserved; /* VNI in the upper 24 bits */
};
_Static_assert(sizeof(struct pt_geneve) == 8, "RFC 8926");

struct pt_geneve_option {
    __be16 class;
    __u8 type;
    __u8 words; /* upper 3 bits reserved */
};
_Static_assert(sizeof(struct pt_geneve_option) == 4, "RFC 8926");

/* Bytes of the option for a stack of n labels. */
#define PT_STACK_SIZE(n) ((n) == 0 ? 0 : (__u32)sizeof(struct pt_geneve_option) + 4U * (n))
