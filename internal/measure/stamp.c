/* Layout: stamp.h. */
#include "measure/stamp.h"

#include "base/buf.h"

#include <string.h>

#define SECONDS_1900_1970 2208988800ULL
/* Not said to be synchronised; NTP's format; 1 * 2^22 of its units: a millisecond. RFC 4656, 4.1.2. */
#define ERROR_ESTIMATE (22U << 8 | 1U)
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
