/* libs: pt_tunnel */
/* Liveness packets from anybody: what is read is in bounds, and is written as it was read. */
#include "base/assert.h"
#include "tunnel/live_wire.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pt_live_header header;
    const uint8_t *message = NULL;
    size_t bfd_size = 0;
    struct pt_bfd_packet packet;
    uint8_t again[PT_LIVE_HEADER_SIZE];
    if (!pt_live_read(data, size, &header, &message, &bfd_size)) {
        return 0;
    }
    pt_assert(message >= data && message + PT_LIVE_HEADER_SIZE + bfd_size == data + size);
    pt_live_header_write(&header, again);
    pt_assert(memcmp(again, message, 54) == 0 && memcmp(again + 56, message + 56, 16) == 0); /* else padding */
    (void)pt_bfd_packet_read(message + PT_LIVE_HEADER_SIZE, bfd_size, &packet);
    return 0;
}
