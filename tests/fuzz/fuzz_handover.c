/* libs: pt_tunnel */
/*
 * Tables that a tunnel process is given by the one whose place it takes (tunnel/handover.h): whatever stands in them,
 * they are whole or refused, and every reader gets as many records as are there.
 */
#include "base/assert.h"
#include "tunnel/handover.h"

#include <string.h>

#define KNOWN 24 /* size of the records that this reader knows */

static size_t take(const struct pt_handover *handover, enum pt_handover_tag tag)
{
    size_t len, stored = pt_handover_record_size(handover, tag);
    uint8_t *records = pt_handover_take(handover, tag, KNOWN, &len);
    for (size_t i = 0; i < len; i++) {
        for (size_t at = stored; at < KNOWN; at++) {
            pt_assert(records[i * KNOWN + at] == 0);
        }
    }
    pt_handover_drop(records, KNOWN, len);
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pt_handover handover = {.data = (uint8_t *)(uintptr_t)data, .size = size};
    if (!pt_handover_valid(&handover)) {
        return 0;
    }
    for (int tag = 0; tag <= PT_HANDOVER_DOOR_LIVE; tag++) {
        size_t len = take(&handover, (enum pt_handover_tag)tag);
        pt_assert(len <= size);
        pt_assert((len == 0) || pt_handover_record_size(&handover, (enum pt_handover_tag)tag) > 0);
    }
    pt_assert(pt_handover_take_fd(&handover, 0) == -1);
    return 0;
}
