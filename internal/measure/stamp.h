/*
 * STAMP (RFC 8762), unauthenticated. The reflector's side: a test packet comes in, what answers it goes out. The
 * sender's: questions go out, answers come in, and what they say of both directions goes into a measurement. Pure: the
 * caller has the sockets and the clocks.
 *
 *    sender's packet, 44 bytes at least                  reflector's, as long as what it answers
 *      0  sequence                                         0  sequence: the same; stateful: how many before this one
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

#include "measure/measure.h"

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

/* ---- the reflector ---- */

/* Seconds since 1900 and their 2^32th parts. */
uint64_t pt_stamp_time(uint64_t wall_ns);
/* The answer to a packet, as long as it, all but the time it leaves; false: it is no test packet. */
bool pt_stamp_reflect(const uint8_t *packet, size_t size, const struct pt_stamp_arrival *arrival,
                      uint8_t out[PT_STAMP_SIZE_MAX]);
/* Say that the answer leaves now. */
void pt_stamp_leave(uint8_t *answer, uint64_t now_ns);
/* A stateful reflector's answer: its own number in place of the sender's. */
void pt_stamp_number(uint8_t *answer, uint32_t number);

/* ---- the sender ---- */

#define PT_STAMP_WINDOW 128U /* the newest questions, which may still be answered */

/*
 * One reflector. Loss is by two totals: how far our numbers and its own went. A stateful reflector's number says how
 * many questions reached it, so both directions are known; a stateless one repeats ours, and then all that was lost
 * counts as lost on the way back.
 */
struct pt_stamp_session {
    struct pt_measure measure;
    uint32_t next;                   /* number of the next question */
    uint64_t asked[PT_STAMP_WINDOW]; /* timestamp of question n at n % window; 0: none, or answered */
    bool answered;                   /* at least once; then: */
    uint32_t highest, reflected;     /* the highest question that was answered, and the reflector's number there */
    uint64_t received;               /* answers, each once */
    uint64_t answered_ns;            /* when the newest came, wall clock */
};

void pt_stamp_session_init(struct pt_stamp_session *session, uint64_t wall_ns);
void pt_stamp_ask(struct pt_stamp_session *session, uint64_t wall_ns, uint8_t out[PT_STAMP_SIZE]);
/* Take what came from the reflector. False: it answers no question that is open (a duplicate, too late, forged: the
 * timestamp that it repeats must be ours), and nothing changes. */
bool pt_stamp_take(struct pt_stamp_session *session, const uint8_t *packet, size_t size, uint64_t came_ns);
