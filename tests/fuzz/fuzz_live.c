/* libs: pt_tunnel */
/* Liveness packets from anybody: what is read is in bounds, and is written as it was read. */
#include "base/assert.h"
#include "tunnel/live_wire.h"
#include "tunnel/train_wire.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
static void trains(const uint8_t *data, size_t size)
{
    static const uint8_t key[PT_HMAC_SIZE] = {7};
    struct pt_train_message message, again;
    const uint8_t *bytes = NULL, *begin = NULL;
    uint8_t written[8 + PT_TRAIN_MESSAGE_MAX];
    if (!pt_train_read(data, size, &message, &bytes)) {
        return;
    }
    pt_assert(bytes > data && bytes + PT_TRAIN_HEADER_SIZE <= data + size);
    (void)pt_train_authentic(&message, bytes, key);
    size_t outer = pt_live_outer(NULL, 0, written), whole = outer + pt_train_write(&message, key, written + outer);
    pt_assert(pt_train_read(written, whole, &again, &begin) && memcmp(&message, &again, sizeof(message)) == 0);
    pt_assert(pt_train_authentic(&again, begin, key));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pt_live_header header;
    const uint8_t *message = NULL;
    size_t bfd_size = 0;
    struct pt_bfd_packet packet;
    uint8_t again[PT_LIVE_HEADER_SIZE];
    trains(data, size);
    if (!pt_live_read(data, size, &header, &message, &bfd_size)) {
        return 0;
    }
    pt_assert(message >= data && message + PT_LIVE_HEADER_SIZE + bfd_size == data + size);
    pt_live_header_write(&header, again);
    pt_assert(memcmp(again, message, 54) == 0 && memcmp(again + 56, message + 56, 16) == 0); /* else padding */
    (void)pt_bfd_packet_read(message + PT_LIVE_HEADER_SIZE, bfd_size, &packet);
    return 0;
}
