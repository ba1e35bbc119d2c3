/*
 * The Internet checksum: see checksum.h. Two words at a time: carries wait in the upper half of a wide sum until the
 * end.
 */
#include "base/checksum.h"

#include "base/buf.h"
#include "base/word16.h"

uint32_t pt_checksum_add(const uint8_t *data, size_t size, uint32_t sum)
{
    uint64_t wide = sum;
    while (size >= 4) {
        wide += pt_be32(data);
        data += 4;
        size -= 4;
    }
    if (size >= 2) {
        wide += pt_be16(data);
        data += 2;
        size -= 2;
    }
    if (size > 0) {
        wide += (uint32_t)data[0] << 8;
    }
    while (wide >> 16 != 0) {
        wide = (wide & 0xffff) + (wide >> 16);
    }
    return (uint32_t)wide;
}

uint16_t pt_checksum_fold(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}
