/*
 * What nodes say to each other about a path, some twenty times a second: a header of ours, then a BFD control packet
 * (RFC 5880). All numbers big-endian.
 *
 *   outer IP, UDP PT_LIVE_PORT, Geneve (O bit, VNI 0, PT_LIVE_PROTOCOL), path-stack option while labels are left, then:
 *
 *      0  magic            4  version, role, labels in the return stack, zero
 *      8  sender's site label                             12  sequence, per session and direction
 *     16  id of the path, as its owner calls it
 *     24  sender's wall clock when it sent, ns            32  that of the newest packet it has from the other side
 *     40  us that it had kept it                          44  packets it has received in this session
 *     48  highest sequence among them                     52  first stream of the path's sealed packets, how many, zero
 *     56  of those streams, in answers: packets received  64  and as many as there should have been by their numbers
 *     72  6 x return stack: what goes into the path stack of answers
 *     96  BFD control packet with keyed SHA1; the hash covers these 96 bytes too
 *
 * The return stack stands inside, and not what the Geneve option held, because transit sites take labels off.
 */
#pragma once

#include "bfd/packet.h"
#include "bpf/abi/geneve.h"

#define PT_LIVE_PROTOCOL 0x88b5  /* local experimental ethertype 1, as hellos; the magic number tells */
#define PT_LIVE_MAGIC 0x50544246 /* "PTBF" */
#define PT_LIVE_VERSION 2
#define PT_LIVE_HEADER_SIZE 96
#define PT_LIVE_MESSAGE_MAX (PT_LIVE_HEADER_SIZE + PT_BFD_SIZE_MAX)
#define PT_LIVE_PACKET_MAX (8 + 4 + 4 * PT_STACK_LEN_MAX + PT_LIVE_MESSAGE_MAX)

enum pt_live_role { PT_LIVE_OWNER = 1, PT_LIVE_ANSWER = 2 };

struct pt_live_header {
    enum pt_live_role role; /* of the sender: the path's owner, or its far end */
    uint32_t label;
    uint32_t sequence;
    uint64_t path;
    uint64_t sent_ns, echo_ns; /* echo 0: nothing received yet */
    uint32_t held_us;
    uint32_t received, highest;
    uint8_t first_stream, streams; /* streams 0: the path is plain, or they are not known */
    uint64_t data_received, data_expected;
    uint32_t back_len;
    uint32_t back[PT_STACK_LEN_MAX];
};

void pt_live_header_write(const struct pt_live_header *header, uint8_t out[PT_LIVE_HEADER_SIZE]);
/* From the Geneve header on. On success *ret_message is where the header begins and *ret_bfd_size what follows them.
 */
bool pt_live_read(const uint8_t *data, size_t size, struct pt_live_header *ret_header, const uint8_t **ret_message,
                  size_t *ret_bfd_size);
/* Geneve header and path stack before a message; returns their size. */
size_t pt_live_outer(const uint32_t *stack, uint32_t stack_len, uint8_t out[8 + 4 + 4 * PT_STACK_LEN_MAX]);
