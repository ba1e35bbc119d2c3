/*
 * IPv4 (RFC 791), IPv6 with the extension headers that may stand before ports (RFC 8200), TCP, UDP, SCTP.
 */
#include "dpi/packet.h"

#include "base/word16.h"

#include <string.h>

#define SIZE_MAX_READ 65535
#define EXTENSIONS_MAX 6
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17
#define PROTOCOL_SCTP 132
#define NEXT_HOP_BY_HOP 0
#define NEXT_ROUTING 43
#define NEXT_FRAGMENT 44
#define NEXT_DESTINATION 60

/* As pt_ip_from_v4, of bytes: this stands in every packet's way. */
static struct pt_ip mapped(const uint8_t address[4])
{
    struct pt_ip ip = {.bytes = {[10] = 0xff, [11] = 0xff}};
    memcpy(ip.bytes + 12, address, 4);
    return ip;
}

/* Ports and payload, of the L4 header at `offset`. */
static void parse_l4(struct pt_dpi_packet *packet, size_t offset)
{
    const uint8_t *l4 = packet->data + offset;
    size_t size = packet->size - offset, header = 0;
    if (packet->protocol == PROTOCOL_TCP && size >= 20) {
        header = (size_t)(l4[12] >> 4) * 4;
        packet->tcp_flags = l4[13];
    } else if (packet->protocol == PROTOCOL_UDP && size >= 8) {
        header = 8;
    } else if (packet->protocol == PROTOCOL_SCTP && size >= 12) {
        header = 12;
    } else {
        return;
    }
    packet->port_source = pt_be16(l4);
    packet->port_destination = pt_be16(l4 + 2);
    if (header >= 8 && header <= size) {
        packet->payload = l4 + header;
        packet->payload_size = (uint16_t)(size - header);
    }
}

static bool parse_v4(struct pt_dpi_packet *packet, size_t size)
{
    const uint8_t *ip = packet->data;
    size_t header = size >= 20 ? (size_t)(ip[0] & 15) * 4 : 0;
    if (header < 20 || header > size || pt_be16(ip + 2) < header) {
        return false;
    }
    packet->wire_size = pt_be16(ip + 2);
    packet->size = (uint16_t)(packet->wire_size < size ? packet->wire_size : size);
    packet->source = mapped(ip + 12);
    packet->destination = mapped(ip + 16);
    packet->protocol = ip[9];
    packet->dscp = ip[1] >> 2;
    packet->fragment = (pt_be16(ip + 6) & 0x1fff) != 0;
    if (!packet->fragment) {
        parse_l4(packet, header);
    }
    return true;
}

static bool parse_v6(struct pt_dpi_packet *packet, size_t size)
{
    const uint8_t *ip = packet->data;
    if (size < 40) {
        return false;
    }
    packet->wire_size = pt_be16(ip + 4) + 40U;
    packet->size = (uint16_t)(packet->wire_size < size ? packet->wire_size : size);
    memcpy(packet->source.bytes, ip + 8, 16);
    memcpy(packet->destination.bytes, ip + 24, 16);
    packet->dscp = (uint8_t)((ip[0] & 15) << 2 | ip[1] >> 6);
    size_t offset = 40;
    uint8_t next = ip[6];
    for (int i = 0; i < EXTENSIONS_MAX; i++) {
        if (next != NEXT_HOP_BY_HOP && next != NEXT_ROUTING && next != NEXT_FRAGMENT && next != NEXT_DESTINATION) {
            packet->protocol = next;
            parse_l4(packet, offset);
            return true;
        }
        if (offset + 8 > packet->size) {
            return false;
        }
        const uint8_t *extension = packet->data + offset;
        if (next == NEXT_FRAGMENT && (pt_be16(extension + 2) & 0xfff8) != 0) {
            packet->fragment = true;
            packet->protocol = extension[0];
            return true;
        }
        offset += next == NEXT_FRAGMENT ? 8 : 8 + (size_t)extension[1] * 8;
        next = extension[0];
        if (offset > packet->size) {
            return false;
        }
    }
    return false;
}

bool pt_dpi_packet_parse(const uint8_t *data, size_t size, struct pt_dpi_packet *ret_packet)
{
    struct pt_dpi_packet packet = {.data = data};
    if (size == 0) {
        return false;
    }
    size = size < SIZE_MAX_READ ? size : SIZE_MAX_READ;
    bool parsed = data[0] >> 4 == 4 ? parse_v4(&packet, size) : data[0] >> 4 == 6 && parse_v6(&packet, size);
    if (parsed) {
        *ret_packet = packet;
    }
    return parsed;
}
