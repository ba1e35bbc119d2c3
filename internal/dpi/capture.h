/*
 * Capture files in memory: pcap and pcapng, as tcpdump, Wireshark and `patronusctl` write them. Pure, and for bytes
 * from anywhere: what is damaged is an error that names the packet and the byte, never a guess.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PT_DPI_INTERFACES_MAX 64

struct pt_dpi_interface { /* of pcapng; pcap has one */
    uint16_t link_type;
    uint64_t units_per_s; /* of time stamps */
};

struct pt_dpi_capture {
    const uint8_t *data;
    size_t size, at;
    bool big_endian, ng;
    uint64_t packets; /* read so far */
    struct pt_dpi_interface interfaces[PT_DPI_INTERFACES_MAX];
    size_t interfaces_len;
};

struct pt_dpi_record {
    uint64_t time_ms;
    const uint8_t *frame; /* as it was captured */
    size_t frame_size;
    const uint8_t *ip; /* from the IP header on; NULL: it is no IP packet */
    size_t ip_size;
};

/* The bytes are borrowed for as long as records are read. PT_INVALID_ARGUMENT: no capture, or of a link type that is
 * not read (Ethernet, raw IP, BSD loopback, Linux "any" are). */
PT_MUST enum pt_code pt_dpi_capture_open(const uint8_t *data, size_t size, struct pt_dpi_capture *ret_capture,
                                         struct pt_error *reterr);
/* The next packet; *ret_more is false at the end. PT_INVALID_ARGUMENT: the file is cut short or damaged there. */
PT_MUST enum pt_code pt_dpi_capture_next(struct pt_dpi_capture *capture, struct pt_dpi_record *ret_record,
                                         bool *ret_more, struct pt_error *reterr);
