/* Layout: stamp.h. */
#include "measure/stamp.h"

#include "base/buf.h"

#include <string.h>

#define SECONDS_1900_1970 2208988800ULL
/* Not said to be synchronised; NTP's format; 1 * 2^22 of its units: a millisecond. RFC 4656, 4.1.2. */
#define ERROR_ESTIMATE (22U << 8 | 1U)
#define PTP_FORMAT 0x4000U /* Z in an error estimate: seconds since 1970, and nanoseconds (RFC 8186) */
#define TLV_HEADER_SIZE 4U
#define TLV_NOT_UNDERSTOOD 0x80U
#define TLV_MALFORMED 0x40U

uint64_t pt_stamp_time(uint64_t wall_ns)
{
    uint64_t seconds = wall_ns / 1000000000 + SECONDS_1900_1970, rest_ns = wall_ns % 1000000000;
    return seconds << 32 | (rest_ns << 32) / 1000000000;
}

/* RFC 8972, 4: flags, type, length of what follows. Type 0 is no TLV: padding of those who have none. */
static void mark_tlvs(uint8_t *tlv, size_t size)
{
    while (size >= TLV_HEADER_SIZE && tlv[1] != 0) {
        size_t whole = TLV_HEADER_SIZE + ((size_t)tlv[2] << 8 | tlv[3]);
        tlv[0] |= TLV_NOT_UNDERSTOOD;
        if (whole > size) {
            tlv[0] |= TLV_MALFORMED;
            return;
        }
        tlv += whole;
        size -= whole;
    }
}

bool pt_stamp_reflect(const uint8_t *packet, size_t size, const struct pt_stamp_arrival *arrival,
                      uint8_t out[PT_STAMP_SIZE_MAX])
{
    if (size < PT_STAMP_SIZE || size > PT_STAMP_SIZE_MAX) {
        return false;
    }
    memset(out, 0, PT_STAMP_SIZE);
    memcpy(out, packet, 4);
    pt_put_be32(out + 12, ERROR_ESTIMATE << 16);
    memcpy(out + 14, packet + 14, 2); /* RFC 8972: the session's identifier, zero for those who have none */
    pt_put_be64(out + 16, pt_stamp_time(arrival->came_ns));
    memcpy(out + 24, packet, 14); /* sequence, timestamp, error estimate */
    out[40] = arrival->ttl;
    memcpy(out + PT_STAMP_SIZE, packet + PT_STAMP_SIZE, size - PT_STAMP_SIZE);
    mark_tlvs(out + PT_STAMP_SIZE, size - PT_STAMP_SIZE);
    return true;
}

void pt_stamp_leave(uint8_t *answer, uint64_t now_ns)
{
    pt_put_be64(answer + 4, pt_stamp_time(now_ns));
}

void pt_stamp_number(uint8_t *answer, uint32_t number)
{
    pt_put_be32(answer, number);
}

/* ---- the sender ----------------------------------------------------------------------------------------------- */

void pt_stamp_session_init(struct pt_stamp_session *session, uint64_t wall_ns)
{
    memset(session, 0, sizeof(*session));
    pt_measure_init(&session->measure, wall_ns / 1000000000);
}

void pt_stamp_ask(struct pt_stamp_session *session, uint64_t wall_ns, uint8_t out[PT_STAMP_SIZE])
{
    uint64_t now = pt_stamp_time(wall_ns);
    now = now == 0 ? 1 : now; /* the moment when an era begins; 0 is none */
    memset(out, 0, PT_STAMP_SIZE);
    pt_put_be32(out, session->next);
    pt_put_be64(out + 4, now);
    pt_put_be32(out + 12, ERROR_ESTIMATE << 16);
    session->asked[session->next % PT_STAMP_WINDOW] = now;
    session->next++;
    pt_measure_tick(&session->measure, wall_ns / 1000000000);
}

/* NTP's format, whatever the reflector's is. */
static uint64_t reflectors_time(const uint8_t *at, bool ptp)
{
    uint64_t time = pt_be64(at);
    return ptp ? pt_stamp_time((time >> 32) * 1000000000 + (time & 0xffffffff)) : time;
}

/* Of two timestamps, which may lie on both sides of an era's end (2036). */
static int64_t difference_ns(uint64_t later, uint64_t earlier)
{
    int64_t parts = (int64_t)(later - earlier); /* of 2^-32 s */
    int64_t seconds = parts / (1LL << 32), rest = parts % (1LL << 32);
    return seconds * 1000000000 + rest * 1000000000 / (1LL << 32);
}

bool pt_stamp_take(struct pt_stamp_session *session, const uint8_t *packet, size_t size, uint64_t came_ns)
{
    uint64_t wall_s = came_ns / 1000000000;
    if (size < PT_STAMP_SIZE) {
        return false;
    }
    uint32_t question = pt_be32(packet + 24), age = session->next - question;
    uint64_t *asked = &session->asked[question % PT_STAMP_WINDOW], sent = pt_be64(packet + 28);
    if (age == 0 || age > PT_STAMP_WINDOW || *asked == 0 || *asked != sent) {
        return false;
    }
    *asked = 0;
    session->received++;
    session->answered_ns = came_ns;
    if (!session->answered || (int32_t)(question - session->highest) > 0) {
        session->highest = question;
        session->reflected = pt_be32(packet);
        session->answered = true;
    }
    const struct pt_measure_count there = {.expected = session->highest, .received = session->reflected};
    const struct pt_measure_count back = {.expected = session->reflected, .received = session->received};
    pt_measure_counts(&session->measure, PT_MEASURE_FORWARD, false, there, wall_s);
    pt_measure_counts(&session->measure, PT_MEASURE_BACK, false, back, wall_s);
    bool ptp = (pt_be32(packet + 12) >> 16 & PTP_FORMAT) != 0;
    int64_t forward_ns = difference_ns(reflectors_time(packet + 16, ptp), sent);
    int64_t back_ns = difference_ns(pt_stamp_time(came_ns), reflectors_time(packet + 4, ptp));
    pt_measure_probe(&session->measure, forward_ns, back_ns, wall_s);
    return true;
}
