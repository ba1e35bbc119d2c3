/*
 * Bytes of echoes, of their answers and of captures: see echo.h.
 *
 * An error quotes the packet that it is about, at least its IP header and 8 bytes (RFC 792; as much as fits, RFC 4443):
 * id and sequence number stand in these, so that one table of what was sent serves replies and errors alike.
 */
#include "agent/echo.h"

#include "base/assert.h"
#include "base/checksum.h"
#include "base/word16.h"

#include <string.h>

#define V4_SIZE 20U
#define V6_SIZE 40U
#define ICMP_SIZE 8U
#define ETHERNET_SIZE 14U
#define ETHERTYPE_V4 0x0800
#define ETHERTYPE_V6 0x86dd
#define PROTOCOL_ICMP 1
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17
#define PROTOCOL_ICMP6 58

/* ---- building ------------------------------------------------------------------------------------------------- */

static size_t put_v4(const struct pt_echo *echo, size_t payload, uint8_t *packet)
{
    memset(packet, 0, V4_SIZE);
    packet[0] = 0x45;
    packet[1] = (uint8_t)(echo->dscp << 2);
    pt_put_be16(packet + 2, (unsigned)(V4_SIZE + ICMP_SIZE + payload));
    packet[6] = 0x40; /* whole, or not at all: what does not fit is told */
    packet[8] = echo->ttl;
    packet[9] = PROTOCOL_ICMP;
    memcpy(packet + 12, echo->source.bytes + 12, 4);
    memcpy(packet + 16, echo->destination.bytes + 12, 4);
    pt_put_be16(packet + 10, (uint16_t)~pt_checksum_fold(pt_checksum_add(packet, V4_SIZE, 0)));
    return V4_SIZE;
}

static size_t put_v6(const struct pt_echo *echo, size_t payload, uint8_t *packet)
{
    memset(packet, 0, V6_SIZE);
    packet[0] = (uint8_t)(0x60 | echo->dscp >> 2);
    packet[1] = (uint8_t)((echo->dscp & 3) << 6);
    pt_put_be16(packet + 4, (unsigned)(ICMP_SIZE + payload));
    packet[6] = PROTOCOL_ICMP6;
    packet[7] = echo->ttl;
    memcpy(packet + 8, echo->source.bytes, 16);
    memcpy(packet + 24, echo->destination.bytes, 16);
    return V6_SIZE;
}

size_t pt_echo_build(const struct pt_echo *echo, uint8_t packet[PT_ECHO_SIZE_MAX])
{
    bool v4 = pt_ip_is_v4(&echo->destination);
    pt_assert(v4 == pt_ip_is_v4(&echo->source));
    size_t most = PT_ECHO_SIZE_MAX - ICMP_SIZE - (v4 ? V4_SIZE : V6_SIZE);
    size_t payload = echo->payload_size < most ? echo->payload_size : most;
    size_t at = v4 ? put_v4(echo, payload, packet) : put_v6(echo, payload, packet);
    uint8_t *icmp = packet + at;
    memset(icmp, 0, ICMP_SIZE);
    icmp[0] = v4 ? 8 : 128;
    pt_put_be16(icmp + 4, echo->id);
    pt_put_be16(icmp + 6, echo->sequence);
    for (size_t i = 0; i < payload; i++) {
        icmp[ICMP_SIZE + i] = (uint8_t)i;
    }
    uint32_t sum = pt_checksum_add(icmp, ICMP_SIZE + payload, 0);
    if (!v4) { /* the pseudo header */
        sum = pt_checksum_add(packet + 8, 32, sum + (uint32_t)(ICMP_SIZE + payload) + PROTOCOL_ICMP6);
    }
    pt_put_be16(icmp + 2, (uint16_t)~pt_checksum_fold(sum));
    return at + ICMP_SIZE + payload;
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

struct packet {
    struct pt_ip source, destination;
    uint8_t protocol, ttl;
    bool v4, first; /* first: it, or its first fragment */
    struct pt_bytes content;
};

static bool read_v4(struct pt_bytes data, struct packet *ret)
{
    if (data.size < V4_SIZE) {
        return false;
    }
    size_t size = (size_t)(data.data[0] & 15) * 4;
    if (size < V4_SIZE || size > data.size) {
        return false;
    }
    *ret = (struct packet){.source = pt_ip_from_v4(pt_be32(data.data + 12)),
                           .destination = pt_ip_from_v4(pt_be32(data.data + 16)),
                           .protocol = data.data[9],
                           .ttl = data.data[8],
                           .v4 = true,
                           .first = (pt_be16(data.data + 6) & 0x1fff) == 0,
                           .content = {data.data + size, data.size - size}};
    return true;
}

/* Extension headers that stand before what is sent: hop by hop, routing, fragment, destination. */
static bool is_extension(uint8_t protocol)
{
    return protocol == 0 || protocol == 43 || protocol == 44 || protocol == 60;
}

static bool read_v6(struct pt_bytes data, struct packet *ret)
{
    if (data.size < V6_SIZE) {
        return false;
    }
    *ret = (struct packet){.protocol = data.data[6], .ttl = data.data[7], .first = true};
    memcpy(ret->source.bytes, data.data + 8, 16);
    memcpy(ret->destination.bytes, data.data + 24, 16);
    struct pt_bytes rest = {data.data + V6_SIZE, data.size - V6_SIZE};
    for (int i = 0; i < 8 && is_extension(ret->protocol); i++) {
        size_t size = rest.size < 8 ? 0 : ret->protocol == 44 ? 8 : ((size_t)rest.data[1] + 1) * 8;
        if (size == 0 || size > rest.size) {
            return false;
        }
        ret->first = ret->protocol != 44 || (pt_be16(rest.data + 2) & 0xfff8) == 0;
        ret->protocol = rest.data[0];
        rest.data += size;
        rest.size -= size;
        if (!ret->first) {
            break;
        }
    }
    ret->content = rest;
    return true;
}

static bool read_packet(struct pt_bytes data, struct packet *ret)
{
    if (data.size == 0) {
        return false;
    }
    return data.data[0] >> 4 == 4 ? read_v4(data, ret) : data.data[0] >> 4 == 6 && read_v6(data, ret);
}

static const char *unreachable_v4(uint8_t code)
{
    static const char *const texts[] = {"network unreachable", "host unreachable", "protocol unreachable",
                                        "port unreachable", "does not fit: too big for a hop"};
    return code < 5 ? texts[code] : code == 9 || code == 10 || code == 13 ? "prohibited by a filter" : "unreachable";
}

static const char *unreachable_v6(uint8_t code)
{
    static const char *const texts[] = {"no route", "prohibited by a filter", "beyond scope of source",
                                        "address unreachable", "port unreachable"};
    return code < 5 ? texts[code] : "unreachable";
}

/* Kind of an error, and what it says; false: it is none. */
static bool classify(const struct packet *packet, struct pt_echo_answer *answer)
{
    uint8_t type = packet->content.data[0], code = packet->content.data[1];
    answer->error = "";
    if (packet->v4 ? type == 11 && code == 0 : type == 3 && code == 0) {
        answer->kind = PT_ECHO_EXPIRED;
        return true;
    }
    answer->kind = PT_ECHO_ERROR;
    if (packet->v4 && type == 3) {
        answer->error = unreachable_v4(code);
    } else if (!packet->v4 && type == 1) {
        answer->error = unreachable_v6(code);
    } else if (!packet->v4 && type == 2) {
        answer->error = "does not fit: too big for a hop";
    }
    return answer->error[0] != '\0';
}

static bool is_icmp(const struct packet *packet)
{
    return packet->first && packet->content.size >= ICMP_SIZE &&
           packet->protocol == (packet->v4 ? PROTOCOL_ICMP : PROTOCOL_ICMP6);
}

bool pt_echo_read(struct pt_bytes data, struct pt_echo_answer *ret_answer)
{
    struct packet packet, quoted;
    struct pt_echo_answer answer = {.kind = PT_ECHO_REPLY, .error = ""};
    if (!read_packet(data, &packet) || !is_icmp(&packet)) {
        return false;
    }
    const uint8_t *icmp = packet.content.data, *echo = icmp;
    if (icmp[0] != (packet.v4 ? 0 : 129)) {
        struct pt_bytes quote = {icmp + ICMP_SIZE, packet.content.size - ICMP_SIZE};
        if (!classify(&packet, &answer) || !read_packet(quote, &quoted) || !is_icmp(&quoted)) {
            return false;
        }
        echo = quoted.content.data;
        if (echo[0] != (quoted.v4 ? 8 : 128)) {
            return false;
        }
    }
    answer.responder = packet.source;
    answer.ttl = packet.ttl;
    answer.id = pt_be16(echo + 4);
    answer.sequence = pt_be16(echo + 6);
    *ret_answer = answer;
    return true;
}

/* ---- captures ------------------------------------------------------------------------------------------------- */

bool pt_frame_matches(const struct pt_frame_match *match, struct pt_bytes frame)
{
    struct packet packet;
    if (!match->has_prefix && match->protocol == 0 && match->port == 0) {
        return true;
    }
    if (frame.size < ETHERNET_SIZE ||
        !read_packet((struct pt_bytes){frame.data + ETHERNET_SIZE, frame.size - ETHERNET_SIZE}, &packet) ||
        pt_be16(frame.data + 12) != (packet.v4 ? ETHERTYPE_V4 : ETHERTYPE_V6)) {
        return false;
    }
    if (match->has_prefix && !pt_prefix_contains(&match->prefix, &packet.source) &&
        !pt_prefix_contains(&match->prefix, &packet.destination)) {
        return false;
    }
    if (match->protocol != 0 && match->protocol != packet.protocol) {
        return false;
    }
    if (match->port == 0) {
        return true;
    }
    bool ports = packet.protocol == PROTOCOL_TCP || packet.protocol == PROTOCOL_UDP;
    return ports && packet.first && packet.content.size >= 4 &&
           (pt_be16(packet.content.data) == match->port || pt_be16(packet.content.data + 2) == match->port);
}

void pt_pcap_begin(struct pt_buf *out, uint32_t snap_size)
{
    pt_buf_append_be32(out, 0xa1b23c4d); /* the reader tells byte order and nanoseconds by it */
    pt_buf_append_be32(out, 2 << 16 | 4);
    pt_buf_append_be32(out, 0);
    pt_buf_append_be32(out, 0);
    pt_buf_append_be32(out, snap_size);
    pt_buf_append_be32(out, 1);
}

void pt_pcap_add(struct pt_buf *out, int64_t time_ns, struct pt_bytes frame, size_t wire_size)
{
    pt_buf_append_be32(out, (uint32_t)(time_ns / 1000000000));
    pt_buf_append_be32(out, (uint32_t)(time_ns % 1000000000));
    pt_buf_append_be32(out, (uint32_t)frame.size);
    pt_buf_append_be32(out, (uint32_t)wire_size);
    pt_buf_append(out, frame.data, frame.size);
}
