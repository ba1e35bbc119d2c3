/* libs: pt_dpi */
/*
 * Captures, packets and DNS answers from anybody. Input: first byte even: a capture file, read whole; odd: the rest is
 * a packet from the IP header on, as a program copied it.
 */
#include "base/assert.h"
#include "dpi/capture.h"
#include "dpi/dns.h"
#include "dpi/packet.h"

#include <string.h>

static bool lies_in(const uint8_t *at, size_t len, const uint8_t *data, size_t size)
{
    return at >= data && len <= size && (size_t)(at - data) <= size - len;
}

static void read_packet(const uint8_t *data, size_t size)
{
    struct pt_dpi_packet packet;
    struct pt_dpi_answer answer;
    if (!pt_dpi_packet_parse(data, size, &packet)) {
        return;
    }
    pt_assert(packet.size <= size && packet.size <= packet.wire_size);
    if (packet.payload != NULL) {
        pt_assert(!packet.fragment && lies_in(packet.payload, packet.payload_size, data, packet.size));
        if (pt_dpi_dns_parse(packet.payload, packet.payload_size, &answer)) {
            pt_assert(answer.addresses_len > 0 && answer.addresses_len <= PT_DPI_DNS_ADDRESSES_MAX);
            pt_assert(answer.host[0] != '\0' && strlen(answer.host) < sizeof(answer.host));
        }
    }
}

static void read_capture(const uint8_t *data, size_t size)
{
    struct pt_dpi_capture capture;
    struct pt_error error = {0};
    bool more = true;
    enum pt_code code = pt_dpi_capture_open(data, size, &capture, &error);
    while (code == PT_OK && more) {
        struct pt_dpi_record record;
        uint64_t before = capture.packets;
        code = pt_dpi_capture_next(&capture, &record, &more, &error);
        if (code != PT_OK || !more) {
            break;
        }
        pt_assert(capture.packets == before + 1 && lies_in(record.frame, record.frame_size, data, size));
        if (record.ip != NULL) {
            pt_assert(lies_in(record.ip, record.ip_size, record.frame, record.frame_size));
            read_packet(record.ip, record.ip_size);
        }
    }
    pt_assert(code == PT_OK || error.field[0] != '\0'); /* an error names its place */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0 && data[0] % 2 == 1) {
        read_packet(data + 1, size - 1);
        (void)pt_dpi_dns_parse(data + 1, size - 1, &(struct pt_dpi_answer){0});
    } else if (size > 0) {
        read_capture(data + 1, size - 1);
    }
    return 0;
}
