/*
 * Headers of IPv4, IPv6, TCP and UDP, at fixed offsets; nothing is read beyond what was checked.
 *
 * Joining compares two headers with the fields that may differ masked out: IPv4 length, identification and checksum,
 * IPv6 length; of TCP the sequence number, PSH and the checksum; of UDP length and checksum. Whatever else differs
 * (acknowledgement, window, options, TTL, DSCP, ECN) ends the super-packet, so that nothing a host said is lost.
 */
#include "tunnel/packet.h"

#include "base/assert.h"
#include "base/buf.h"
#include "base/checksum.h"
#include "base/word16.h"

#include <netinet/in.h>
#include <string.h>

#define V4_SIZE 20
#define V6_SIZE 40
#define TCP_SIZE 20
#define UDP_SIZE 8
#define TCP_CHECKSUM 16
#define UDP_CHECKSUM 6
#define TCP_FLAGS 13
#define TCP_FIN 0x01
#define TCP_PSH 0x08
#define TCP_ACK 0x10
#define TCP_CWR 0x80
#define ECN_MASK 3
#define JOIN_PIECES_MAX 64
#define EXTENSIONS_MAX 4

static void put_v4_checksum(uint8_t *packet)
{
    size_t size = (size_t)(packet[0] & 15) * 4;
    pt_put_be16(packet + 10, 0);
    pt_put_be16(packet + 10, (uint16_t)~pt_checksum_fold(pt_checksum_add(packet, size, 0)));
}

/* ---- parsing -------------------------------------------------------------------------------------------------- */

static void parse_l4(const uint8_t *packet, size_t size, size_t offset, struct pt_packet *ret_packet)
{
    size_t headers = 0;
    if (ret_packet->protocol == IPPROTO_TCP && offset + TCP_SIZE <= size) {
        headers = (size_t)(packet[offset + 12] >> 4) * 4;
        headers = headers >= TCP_SIZE && offset + headers <= size ? offset + headers : 0;
    } else if (ret_packet->protocol == IPPROTO_UDP && offset + UDP_SIZE <= size) {
        headers = offset + UDP_SIZE;
    }
    if (headers != 0 && headers <= PT_PACKET_HEADERS_MAX) {
        ret_packet->l4_offset = (uint16_t)offset;
        ret_packet->headers_size = (uint16_t)headers;
    }
}

static bool parse_v4(const uint8_t *packet, size_t size, bool super, struct pt_packet *ret_packet)
{
    size_t header = (size_t)(packet[0] & 15) * 4;
    if (size < V4_SIZE || header < V4_SIZE || header > size || (!super && pt_be16(packet + 2) != size)) {
        return false;
    }
    ret_packet->tos = packet[1];
    ret_packet->protocol = packet[9];
    if ((pt_be16(packet + 6) & 0x3fff) == 0) {
        parse_l4(packet, size, header, ret_packet);
    }
    return true;
}

static bool parse_v6(const uint8_t *packet, size_t size, bool super, struct pt_packet *ret_packet)
{
    if (size < V6_SIZE || (!super && (size_t)pt_be16(packet + 4) + V6_SIZE != size)) {
        return false;
    }
    ret_packet->v6 = true;
    ret_packet->tos = (uint8_t)(packet[0] << 4 | packet[1] >> 4);
    size_t offset = V6_SIZE;
    uint8_t next = packet[6];
    for (unsigned i = 0; i < EXTENSIONS_MAX; i++) {
        if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS) {
            break;
        }
        if (offset + 8 > size) {
            return true; /* whole enough to carry; whose it is the host must see */
        }
        next = packet[offset];
        offset += 8 + (size_t)packet[offset + 1] * 8;
    }
    ret_packet->protocol = next; /* a fragment header is no TCP or UDP: never joined or cut */
    parse_l4(packet, size, offset, ret_packet);
    return true;
}

bool pt_packet_parse(const uint8_t *packet, size_t size, bool super, struct pt_packet *ret_packet)
{
    *ret_packet = (struct pt_packet){0};
    if (size == 0 || size > PT_PACKET_SIZE_MAX + PT_PACKET_HEADERS_MAX) {
        return false;
    }
    switch (packet[0] >> 4) {
    case 4:
        return parse_v4(packet, size, super, ret_packet);
    case 6:
        return parse_v6(packet, size, super, ret_packet);
    default:
        return false;
    }
}

/* Addresses and protocol; the length comes later. */
static uint32_t pseudo_sum(const uint8_t *packet, const struct pt_packet *parsed)
{
    const uint8_t *addresses = packet + (parsed->v6 ? 8 : 12);
    return pt_checksum_add(addresses, parsed->v6 ? 32 : 8, parsed->protocol);
}

static void put_lengths(uint8_t *packet, const struct pt_packet *parsed, size_t size, uint32_t pseudo)
{
    uint8_t *l4 = packet + parsed->l4_offset;
    size_t l4_size = size - parsed->l4_offset;
    if (parsed->v6) {
        pt_put_be16(packet + 4, size - V6_SIZE);
    } else {
        pt_put_be16(packet + 2, size);
        put_v4_checksum(packet);
    }
    if (parsed->protocol == IPPROTO_UDP) {
        pt_put_be16(l4 + 4, l4_size);
        pt_put_be16(l4 + UDP_CHECKSUM, pt_checksum_fold(pseudo + (uint32_t)l4_size));
    } else {
        pt_put_be16(l4 + TCP_CHECKSUM, pt_checksum_fold(pseudo + (uint32_t)l4_size));
    }
}

/* ---- cutting -------------------------------------------------------------------------------------------------- */

bool pt_cut_start(struct pt_cut *cut, uint8_t *packet, size_t size, const struct pt_packet *parsed, uint16_t piece_size)
{
    if (parsed->headers_size == 0 || piece_size == 0 || size <= parsed->headers_size) {
        return false;
    }
    cut->packet = packet;
    cut->size = size;
    cut->at = parsed->headers_size;
    cut->parsed = *parsed;
    cut->piece_size = piece_size;
    cut->count = 0;
    cut->pseudo = pseudo_sum(packet, parsed);
    memcpy(cut->headers, packet, parsed->headers_size);
    return true;
}

uint8_t *pt_cut_next(struct pt_cut *cut, size_t *ret_size)
{
    const struct pt_packet *parsed = &cut->parsed;
    if (cut->at >= cut->size) {
        return NULL;
    }
    size_t data_size = cut->size - cut->at;
    bool last = data_size <= cut->piece_size;
    data_size = last ? data_size : cut->piece_size;
    uint8_t *piece = cut->packet + cut->at - parsed->headers_size, *l4 = piece + parsed->l4_offset;
    memcpy(piece, cut->headers, parsed->headers_size);
    if (!parsed->v6) {
        pt_put_be16(piece + 4, (size_t)pt_be16(piece + 4) + cut->count);
    }
    if (parsed->protocol == IPPROTO_TCP) {
        pt_put_be32(l4 + 4, pt_be32(l4 + 4) + (uint32_t)cut->count * cut->piece_size);
        l4[TCP_FLAGS] &= (uint8_t) ~((last ? 0 : TCP_FIN | TCP_PSH) | (cut->count == 0 ? 0 : TCP_CWR));
    }
    *ret_size = parsed->headers_size + data_size;
    put_lengths(piece, parsed, *ret_size, cut->pseudo);
    cut->at += data_size;
    cut->count++;
    return piece;
}

/* ---- joining -------------------------------------------------------------------------------------------------- */

void pt_join_start(struct pt_join *join, const uint8_t *packet, size_t size, const struct pt_packet *parsed)
{
    *join = (struct pt_join){.parsed = *parsed, .size = size, .count = 1, .closed = true};
    if (parsed->headers_size == 0 || size == parsed->headers_size) {
        return;
    }
    const uint8_t *l4 = packet + parsed->l4_offset;
    join->piece_size = (uint16_t)(size - parsed->headers_size);
    if (parsed->protocol == IPPROTO_TCP) {
        join->closed = (l4[TCP_FLAGS] | TCP_CWR) != (TCP_ACK | TCP_CWR); /* PSH ends one; others stand alone */
        join->next_sequence = pt_be32(l4 + 4) + join->piece_size;
    } else {
        /* A sum of 0 over IPv4 says "none": it must not come to life. */
        join->closed = pt_be16(l4 + UDP_CHECKSUM) == 0 || pt_be16(l4 + 4) != size - parsed->l4_offset;
    }
}

static bool same_network(const struct pt_packet *parsed, const uint8_t *a, const uint8_t *b)
{
    if (parsed->v6) {
        return memcmp(a, b, 4) == 0 && memcmp(a + 6, b + 6, (size_t)parsed->l4_offset - 6) == 0;
    }
    return a[0] == b[0] && a[1] == b[1] && memcmp(a + 6, b + 6, 4) == 0 &&
           memcmp(a + 12, b + 12, (size_t)parsed->l4_offset - 12) == 0;
}

bool pt_join_fits(const struct pt_join *join, const uint8_t *packet, const uint8_t *next, size_t next_size,
                  const struct pt_packet *next_parsed)
{
    const struct pt_packet *parsed = &join->parsed;
    if (join->closed || join->count >= JOIN_PIECES_MAX || next_parsed->l4_offset != parsed->l4_offset ||
        next_parsed->headers_size != parsed->headers_size || next_parsed->protocol != parsed->protocol ||
        next_parsed->v6 != parsed->v6 || next_size <= parsed->headers_size ||
        next_size - parsed->headers_size > join->piece_size || !same_network(parsed, packet, next)) {
        return false;
    }
    const uint8_t *a = packet + parsed->l4_offset, *b = next + parsed->l4_offset;
    if (parsed->protocol == IPPROTO_UDP) {
        return memcmp(a, b, 4) == 0 && pt_be16(b + UDP_CHECKSUM) != 0 &&
               pt_be16(b + 4) == next_size - parsed->l4_offset;
    }
    return memcmp(a, b, 4) == 0 && pt_be32(b + 4) == join->next_sequence && memcmp(a + 8, b + 8, 5) == 0 &&
           (b[TCP_FLAGS] & ~TCP_PSH) == TCP_ACK && memcmp(a + 14, b + 14, 2) == 0 &&
           memcmp(a + 18, b + 18, (size_t)(parsed->headers_size - parsed->l4_offset) - 18) == 0;
}

void pt_join_add(struct pt_join *join, uint8_t *packet, const uint8_t *next, size_t next_size)
{
    const struct pt_packet *parsed = &join->parsed;
    size_t data_size = next_size - parsed->headers_size;
    join->size += data_size;
    join->count++;
    join->closed = data_size < join->piece_size;
    if (parsed->protocol == IPPROTO_TCP) {
        uint8_t flags = next[parsed->l4_offset + TCP_FLAGS];
        join->next_sequence += (uint32_t)data_size;
        join->closed = join->closed || (flags & TCP_PSH) != 0;
        packet[parsed->l4_offset + TCP_FLAGS] |= flags;
    }
}

void pt_join_finish(const struct pt_join *join, uint8_t *packet)
{
    put_lengths(packet, &join->parsed, join->size, pseudo_sum(packet, &join->parsed));
}

/* ---- sums and marks ------------------------------------------------------------------------------------------- */

void pt_packet_finish_sum(uint8_t *packet, size_t size, size_t start, size_t offset)
{
    pt_assert(start + offset + 2 <= size);
    uint16_t sum = (uint16_t)~pt_checksum_fold(pt_checksum_add(packet + start, size - start, 0));
    pt_put_be16(packet + start + offset, sum == 0 ? 0xffff : sum);
}

bool pt_packet_mark_congestion(uint8_t *packet, const struct pt_packet *parsed)
{
    if ((parsed->tos & ECN_MASK) == 0) {
        return false;
    }
    if (parsed->v6) {
        packet[1] |= ECN_MASK << 4;
    } else {
        packet[1] |= ECN_MASK;
        put_v4_checksum(packet);
    }
    return true;
}
