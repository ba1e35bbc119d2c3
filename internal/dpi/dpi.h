/*
 * Packet inspection: which application a flow belongs to, by its first packets.
 *
 *    packet -> flow table: known?  yes: count it
 *                          no:  libndpi -> organization's descriptions -> verdict, kept in the table
 *
 * One thread at a time. The table is bounded; so is the work on a flow: after a number of packets it is given up.
 */
#pragma once

#include "base/error.h"
#include "dpi/describe.h"
#include "dpi/dns.h"
#include "dpi/packet.h"

/* Numbered as Evidence in inspection.proto. */
enum pt_dpi_evidence {
    PT_DPI_EVIDENCE_NONE = 0,
    PT_DPI_EVIDENCE_PORT = 1,
    PT_DPI_EVIDENCE_ADDRESS = 2,
    PT_DPI_EVIDENCE_DNS_ANSWER = 3,
    PT_DPI_EVIDENCE_RELATED = 4,
    PT_DPI_EVIDENCE_PAYLOAD = 5,
    PT_DPI_EVIDENCE_DNS_NAME = 6,
    PT_DPI_EVIDENCE_HTTP_HOST = 7,
    PT_DPI_EVIDENCE_TLS_NAME = 8,
    PT_DPI_EVIDENCE_QUIC_NAME = 9,
    PT_DPI_EVIDENCE_DESCRIPTION = 10
};

struct pt_dpi_verdict {
    uint32_t application;        /* number of an Application, or a signature's with PT_DPI_SIGNATURE; 0: not known */
    uint32_t signature, carrier; /* of the catalogue; 0: none */
    uint16_t known_after;        /* packets; 0: guessed, or not known */
    uint8_t evidence, confidence, traffic_class;
};

/* The first 64 bytes are what a packet of a known flow touches. */
struct pt_dpi_flow {
    uint64_t key[5]; /* both ends, the lower first; scope and protocol */
    uint64_t bytes;
    uint32_t packets, next; /* the next in its chain, plus 1 */
    uint32_t seen_ms;       /* modulo 2^32; kept where flows go when they are old */
    bool used, done, recent, closed;
    struct pt_dpi_verdict verdict;
    struct pt_ip client, server;
    uint16_t port_client, port_server;
    uint32_t scope;
    uint8_t protocol, dscp;
    char *host; /* NULL: not known */
    struct dpi_state *state;
} __attribute__((aligned(64)));

struct pt_dpi_options {
    uint32_t flows_max;
    uint16_t tcp_packets_max, udp_packets_max; /* after which a flow is given up */
    bool replaces; /* a full table makes room by forgetting a flow; else new flows are left out and counted */
};

struct pt_dpi_counts {
    uint64_t packets, hits; /* hits: of flows that were known */
    uint64_t recognised, unknown, left_out, reloads;
};

struct pt_dpi;

PT_MUST enum pt_code pt_dpi_new(const struct pt_dpi_options *options, struct pt_dpi **ret_dpi, struct pt_error *reterr);
void pt_dpi_free(struct pt_dpi *dpi);
/* Descriptions from now on; takes the set over. Flows that are known stay what they are. */
void pt_dpi_describe(struct pt_dpi *dpi, struct pt_dpi_set *set);
const struct pt_dpi_set *pt_dpi_set(const struct pt_dpi *dpi);
/* A packet; its flow, or NULL when it has none (fragments, a full table). *ret_changed: its verdict is another now. The
 * flow is valid until the next call. */
struct pt_dpi_flow *pt_dpi_packet(struct pt_dpi *dpi, uint32_t scope, const struct pt_dpi_packet *packet,
                                  uint64_t time_ms, bool *ret_changed);
/* No more of it comes: guess. */
void pt_dpi_finish(struct pt_dpi *dpi, struct pt_dpi_flow *flow);
/* Application of hosts of that name, for flows that go to addresses which the name leads to; 0: not known. */
uint32_t pt_dpi_host(struct pt_dpi *dpi, uint32_t scope, const char *host, uint8_t *ret_traffic_class);
/* Flow number `index` in the order of first packets; NULL behind the last. Not for tables that replace. */
struct pt_dpi_flow *pt_dpi_flow_at(struct pt_dpi *dpi, size_t index);
struct pt_dpi_counts pt_dpi_counts(const struct pt_dpi *dpi);
