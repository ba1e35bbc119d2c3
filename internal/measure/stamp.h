/*
 * STAMP (RFC 8762), the reflector's side, unauthenticated and stateless: a test packet comes in, what answers it goes
 * out. Pure: the caller has the socket and the clocks.
 *
 *    sender's packet, 44 bytes at least                  reflector's, as long as what it answers
 *      0  sequence                                         0  sequence: the same, as it keeps no state
 *      4  timestamp                                        4  timestamp: when it leaves
 *     12  error estimate                                  12  error estimate of ours
 *     14  zero                                            16  timestamp: when the sender's came
 *     44  TLVs (RFC 8972), or zeros                       24  the sender's sequence, 28 timestamp, 36 error estimate
 *                                                         40  the TTL that it came with
 *                                                         44  TLVs, each marked as one that is not understood
 *
 * Numbers are big-endian, timestamps those of NTP. An answer is as long as the question: nobody gains by asking in
 * somebody else's name.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PT_STAMP_PORT 862
#define PT_STAMP_SIZE 44U
#define PT_STAMP_SIZE_MAX 1500U

struct pt_stamp_arrival {
    uint64_t came_ns; /* wall clock, since 1970 */
    uint8_t ttl;      /* 0: not known */
};

/* Seconds since 1900 and their 2^32th parts. */
uint64_t pt_stamp_time(uint64_t wall_ns);
/* The answer to a packet, as long as it, all but the time it leaves; false: it is no test packet. */
bool pt_stamp_reflect(const uint8_t *packet, size_t size, const struct pt_stamp_arrival *arrival,
                      uint8_t out[PT_STAMP_SIZE_MAX]);
/* Say that the answer leaves now. */
void pt_stamp_leave(uint8_t *answer, uint64_t now_ns);
