/* libs: pt_bfd */
/*
 * BFD packets from anybody: what is read is within its bounds and is written as it was, and a session that takes any
 * sequence of them keeps its promises. Input: records of one byte of time, one of size, and a packet.
 */
#include "base/assert.h"
#include "bfd/session.h"

#include <string.h>

static void write_again(const struct pt_bfd_packet *packet)
{
    uint8_t data[PT_BFD_SIZE_MAX];
    struct pt_bfd_packet again;
    struct pt_bfd_packet copy = *packet;
    if (copy.auth != PT_BFD_AUTH_SHA1 && copy.auth != PT_BFD_AUTH_SHA1_METICULOUS) {
        copy.auth = PT_BFD_AUTH_NONE;
    }
    size_t size = pt_bfd_packet_write(&copy, data);
    pt_assert(pt_bfd_packet_read(data, size, &again));
    pt_assert(again.my == packet->my && again.your == packet->your && again.state == packet->state);
    pt_assert(again.sequence == packet->sequence && again.poll == packet->poll && again.final == packet->final);
}

static void check(struct pt_bfd *bfd, uint64_t now_ns)
{
    uint8_t out[PT_BFD_SIZE_MAX];
    struct pt_bfd_packet sent;
    for (unsigned i = 0; i < 4; i++) {
        size_t size = pt_bfd_run(bfd, NULL, now_ns, out);
        if (size == 0) {
            pt_assert(pt_bfd_due(bfd) > now_ns);
            break;
        }
        pt_assert(i < 3); /* it comes to rest */
        pt_assert(pt_bfd_packet_read(out, size, &sent));
        pt_assert(sent.my == bfd->options.discriminator && sent.state == bfd->state);
    }
    pt_assert(bfd->state <= PT_BFD_UP && bfd->downs <= bfd->ups);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct pt_bfd_options options = {
        .discriminator = 1, .desired_min_tx_us = 50000, .required_min_rx_us = 50000, .multiplier = 4};
    struct pt_bfd bfd;
    uint64_t now_ns = 1000000000;
    pt_bfd_init(&bfd, &options, now_ns);
    while (size >= 2) {
        now_ns += (uint64_t)data[0] * 4000000;
        size_t len = data[1] < size - 2 ? data[1] : size - 2;
        struct pt_bfd_packet packet;
        if (pt_bfd_packet_read(data + 2, len, &packet)) {
            write_again(&packet);
            (void)pt_bfd_receive(&bfd, &packet, data + 2, NULL, now_ns);
        }
        check(&bfd, now_ns);
        data += 2 + len;
        size -= 2 + len;
    }
    return 0;
}
