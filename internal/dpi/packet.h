/*
 * An IP packet as inspection sees it: who with whom, and where what they say begins. Pure, for bytes from anywhere: it
 * reads nothing outside what it is given, and takes lengths from the packet only as far as they fit.
 */
#pragma once

#include "base/net.h"

#include <stddef.h>

#define PT_DPI_TCP_FIN 1
#define PT_DPI_TCP_SYN 2
#define PT_DPI_TCP_ACK 16

struct pt_dpi_packet {
    struct pt_ip source, destination;
    uint16_t port_source, port_destination; /* 0 of protocols that have none */
    uint8_t protocol;                       /* of L4 */
    uint8_t dscp;
    uint8_t tcp_flags;
    bool fragment;       /* not the first: there are no ports */
    const uint8_t *data; /* from the IP header on, borrowed */
    uint16_t size;       /* bytes there, without padding behind the packet */
    uint32_t wire_size;  /* as the header says; larger when the packet was cut short */
    const uint8_t *payload;
    uint16_t payload_size;
};

/* False when these bytes do not begin an IP packet. */
bool pt_dpi_packet_parse(const uint8_t *data, size_t size, struct pt_dpi_packet *ret_packet);
