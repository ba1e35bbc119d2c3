/*
 * The packets of diagnostics, as bytes: echoes and what answers them (RFC 792, RFC 4443), which frames a capture wants,
 * and the capture file (pcap with nanoseconds, link type Ethernet). Pure; everything that is read may be anything.
 */
#pragma once

#include "base/buf.h"
#include "base/net.h"

#define PT_ECHO_SIZE_MAX 1500U

struct pt_echo {
    struct pt_ip source, destination; /* of one family */
    uint16_t id, sequence;
    uint16_t payload_size; /* as many as fit PT_ECHO_SIZE_MAX with the headers */
    uint8_t ttl, dscp;
};
/* The IP packet; returns its size. */
size_t pt_echo_build(const struct pt_echo *echo, uint8_t packet[PT_ECHO_SIZE_MAX]);

enum pt_echo_answer_kind {
    PT_ECHO_REPLY,   /* by the destination */
    PT_ECHO_EXPIRED, /* its time to live ended at the responder */
    PT_ECHO_ERROR    /* it went no further; `error` says why */
};
struct pt_echo_answer {
    enum pt_echo_answer_kind kind;
    struct pt_ip responder;
    uint16_t id, sequence; /* of the echo that it is about */
    uint8_t ttl;           /* that the answer came with */
    const char *error;     /* fixed text; "" */
};
/* What an IP packet says of an echo. False: nothing. */
bool pt_echo_read(struct pt_bytes packet, struct pt_echo_answer *ret_answer);

/* Which frames a capture wants. */
struct pt_frame_match {
    bool has_prefix;
    struct pt_prefix prefix; /* from or to it */
    uint8_t protocol;        /* 0: any */
    uint16_t port;           /* from or to it, TCP or UDP; 0: any */
};
bool pt_frame_matches(const struct pt_frame_match *match, struct pt_bytes frame);

#define PT_PCAP_HEADER_SIZE 24U
#define PT_PCAP_RECORD_SIZE 16U /* before each frame */
void pt_pcap_begin(struct pt_buf *out, uint32_t snap_size);
/* frame: what was kept of wire_size bytes. */
void pt_pcap_add(struct pt_buf *out, int64_t time_ns, struct pt_bytes frame, size_t wire_size);
