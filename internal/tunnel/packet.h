/*
 * Inner packets: taking super-packets apart and putting them together again. Pure.
 *
 * A host on a virtual link hands over TCP or UDP data of up to 64 KiB under one header, to be cut into packets of
 * `gso_size` bytes of data. What is sealed is whole packets, one by one; the far edge opens them and, where they follow
 * each other, writes them to its host as one super-packet again. The cost of a host's network stack is paid per
 * super-packet: this is what makes a tunnel in user space fast.
 *
 * Checksums. Cutting leaves each packet's TCP or UDP checksum as the pseudo header's sum (flag PARTIAL): the seal
 * protects the packet better than the sum would, and whoever leaves the tunnel finishes it, or his hardware does.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PT_PACKET_SIZE_MAX 65535U
#define PT_PACKET_HEADERS_MAX 128U /* IP, extension headers and TCP of anything that is cut or joined */

struct pt_packet {
    uint16_t l4_offset;    /* 0: no whole TCP or UDP header, or a fragment */
    uint16_t headers_size; /* to the end of the TCP or UDP header; 0 like l4_offset */
    uint8_t protocol;
    uint8_t tos;
    bool v6;
};
/* From the IP header on. False when it is no well-formed IPv4 or IPv6 packet of exactly `size` bytes; `super`: the
 * length in the header may be anything. */
bool pt_packet_parse(const uint8_t *packet, size_t size, bool super, struct pt_packet *ret_packet);

/* Cutting. Pieces are made in order, each in place: the headers of piece n stand before its data, where the end of
 * piece n-1 was, which must have been used by then. */
struct pt_cut {
    uint8_t *packet;
    size_t size, at; /* of the data of the next piece */
    struct pt_packet parsed;
    uint16_t piece_size; /* data of a piece */
    uint16_t count;      /* pieces made */
    uint32_t pseudo;     /* sum of the pseudo header without the length */
    uint8_t headers[PT_PACKET_HEADERS_MAX];
};
/* False when it cannot be cut: not TCP or UDP, no data, piece_size 0. */
bool pt_cut_start(struct pt_cut *cut, uint8_t *packet, size_t size, const struct pt_packet *parsed,
                  uint16_t piece_size);
/* The next packet, valid until the next call; NULL at the end. */
uint8_t *pt_cut_next(struct pt_cut *cut, size_t *ret_size);

/* Joining: `packet` holds `size` bytes of a packet or of a super-packet made so far. */
struct pt_join {
    struct pt_packet parsed;
    size_t size;
    uint16_t piece_size; /* data of each piece but the last */
    uint16_t count;      /* pieces; 0: empty */
    bool closed;         /* nothing may follow */
    uint32_t next_sequence;
};
/* A first packet. */
void pt_join_start(struct pt_join *join, const uint8_t *packet, size_t size, const struct pt_packet *parsed);
/* Does `next` continue it? */
bool pt_join_fits(const struct pt_join *join, const uint8_t *packet, const uint8_t *next, size_t next_size,
                  const struct pt_packet *next_parsed);
/* It does, and its data already stands behind `packet`: count it. */
void pt_join_add(struct pt_join *join, uint8_t *packet, const uint8_t *next, size_t next_size);
/* Write the lengths and sums of a super-packet of more than one piece. */
void pt_join_finish(const struct pt_join *join, uint8_t *packet);

/* Finish a checksum that covers [start, size) and goes to start + offset. */
void pt_packet_finish_sum(uint8_t *packet, size_t size, size_t start, size_t offset);
/* Congestion was marked outside: mark it inside (RFC 6040). False: the packet must be dropped. */
bool pt_packet_mark_congestion(uint8_t *packet, const struct pt_packet *parsed);
