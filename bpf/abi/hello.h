/*
 * Hellos on the wire: what internal/agent/hello.c sends and the XDP program answers. All numbers big-endian.
 *
 *   outer IP, UDP, Geneve (O bit, VNI 0, protocol PT_HELLO_PROTOCOL), path-stack option while labels are left, then:
 */
#pragma once

#include "bpf/abi/geneve.h"

#include <linux/types.h>

#define PT_HELLO_PROTOCOL 0x88b5  /* IEEE 802: local experimental ethertype 1 */
#define PT_HELLO_MAGIC 0x50544845 /* "PTHE" */
#define PT_HELLO_VERSION 1
#define PT_HELLO_REQUEST 1
#define PT_HELLO_REPLY 2

struct pt_hello_packet {
    __be32 magic;
    __u8 version;
    __u8 type;
    __u8 return_len; /* labels in return_stack */
    __u8 zero;
    __be64 path;                           /* sender's path id; copied into the reply */
    __be64 sequence;                       /* copied */
    __be64 sent_ns;                        /* sender's monotonic clock; copied */
    __be32 return_stack[PT_STACK_LEN_MAX]; /* labels for the reply's path stack, in order of travel */
};
_Static_assert(sizeof(struct pt_hello_packet) == 56, "hello layout");
