/*
 * A capture file, whole: which flows it has and which application each belongs to.
 */
#pragma once

#include "dpi/capture.h"
#include "dpi/dpi.h"

struct pt_dpi_summary {
    uint64_t packets, skipped; /* skipped: no IP, or of no flow (fragments, flows beyond the limit) */
};

/* Packets as many as the library itself looks at by default, so that its own tools agree. */
#define PT_DPI_TCP_PACKETS_DEFAULT 80
#define PT_DPI_UDP_PACKETS_DEFAULT 24

/* Read a capture into an engine (whose table does not replace) and give up what is still open at its end. Flows are
 * then those of pt_dpi_flow_at. PT_INVALID_ARGUMENT names the packet at which the file is damaged; what came before it
 * has been read. */
PT_MUST enum pt_code pt_dpi_classify(struct pt_dpi *dpi, uint32_t scope, const uint8_t *data, size_t size,
                                     struct pt_dpi_summary *ret_summary, struct pt_error *reterr);
