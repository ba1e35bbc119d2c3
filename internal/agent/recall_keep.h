/*
 * What was decided, kept on disk, so that an agent that restarts remembers. The form of the file; the agent's part is
 * in agent_priv.h.
 *
 *    file    "PTHIST1\n" sequence(8) frame frame ...
 *    frame   size(4) checksum(8) payload(size)        checksum: FNV-1a of the payload
 *    payload kind(1) flow size(4) FlowQuestion FlowRecord
 *
 * Big-endian. Reading ends at the first frame that is cut short or damaged: what stands behind it is not believed.
 */
#pragma once

#include "base/buf.h"
#include "patronus/v1/agent.pb-c.h"

#include <stdbool.h>

#define PT_KEPT_HEADER_SIZE 16U
#define PT_KEPT_FRAME_SIZE_MAX 65536U

struct pt_kept {
    uint8_t kind;                     /* enum pt_abi_event_kind */
    Patronus__V1__FlowQuestion *flow; /* which; its time is not used */
    Patronus__V1__FlowRecord *record;
};

void pt_kept_begin(struct pt_buf *out, uint64_t sequence);
void pt_kept_put(struct pt_buf *out, uint8_t kind, const Patronus__V1__FlowQuestion *flow,
                 const Patronus__V1__FlowRecord *record);
/* Take the header off. False: it is no such file. */
bool pt_kept_open(struct pt_bytes *rest, uint64_t *ret_sequence);
/* Take the next frame off; the caller calls pt_kept_fini. False: there is none that is whole. */
bool pt_kept_next(struct pt_bytes *rest, struct pt_kept *ret_kept);
void pt_kept_fini(struct pt_kept *kept);
