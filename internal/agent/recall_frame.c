/*
 * The form of what is kept: see recall_keep.h.
 */
#include "agent/recall_keep.h"

#include <string.h>

#define MAGIC "PTHIST1\n"
#define FRAME_HEAD 12U
#define PAYLOAD_HEAD 5U

static uint64_t checksum(const uint8_t *data, size_t size)
{
    uint64_t hash = 0xcbf29ce484222325ULL;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ data[i]) * 0x100000001b3ULL;
    }
    return hash;
}

void pt_kept_begin(struct pt_buf *out, uint64_t sequence)
{
    pt_buf_append(out, MAGIC, 8);
    pt_buf_append_be64(out, sequence);
}

void pt_kept_put(struct pt_buf *out, uint8_t kind, const Patronus__V1__FlowQuestion *flow,
                 const Patronus__V1__FlowRecord *record)
{
    size_t flow_size = patronus__v1__flow_question__get_packed_size(flow);
    size_t size = PAYLOAD_HEAD + flow_size + patronus__v1__flow_record__get_packed_size(record);
    if (size > PT_KEPT_FRAME_SIZE_MAX) {
        return; /* names are bounded: it cannot be; and if it were, one record less */
    }
    uint8_t *head = pt_buf_reserve(out, FRAME_HEAD + size), *payload = head + FRAME_HEAD;
    payload[0] = kind;
    pt_put_be32(payload + 1, (uint32_t)flow_size);
    (void)patronus__v1__flow_question__pack(flow, payload + PAYLOAD_HEAD);
    (void)patronus__v1__flow_record__pack(record, payload + PAYLOAD_HEAD + flow_size);
    pt_put_be32(head, (uint32_t)size);
    pt_put_be64(head + 4, checksum(payload, size));
    out->size += FRAME_HEAD + size;
}

static void take(struct pt_bytes *rest, size_t size)
{
    rest->data += size;
    rest->size -= size;
}

bool pt_kept_open(struct pt_bytes *rest, uint64_t *ret_sequence)
{
    if (rest->size < PT_KEPT_HEADER_SIZE || memcmp(rest->data, MAGIC, 8) != 0) {
        return false;
    }
    *ret_sequence = pt_be64(rest->data + 8);
    take(rest, PT_KEPT_HEADER_SIZE);
    return true;
}

bool pt_kept_next(struct pt_bytes *rest, struct pt_kept *ret_kept)
{
    size_t size = rest->size >= FRAME_HEAD ? pt_be32(rest->data) : 0;
    if (size < PAYLOAD_HEAD || size > PT_KEPT_FRAME_SIZE_MAX || size > rest->size - FRAME_HEAD) {
        return false;
    }
    const uint8_t *payload = rest->data + FRAME_HEAD;
    size_t flow_size = pt_be32(payload + 1);
    if (checksum(payload, size) != pt_be64(rest->data + 4) || flow_size > size - PAYLOAD_HEAD) {
        return false;
    }
    struct pt_kept kept = {.kind = payload[0]};
    const uint8_t *record = payload + PAYLOAD_HEAD + flow_size;
    kept.flow = patronus__v1__flow_question__unpack(NULL, flow_size, payload + PAYLOAD_HEAD);
    kept.record = patronus__v1__flow_record__unpack(NULL, size - PAYLOAD_HEAD - flow_size, record);
    if (kept.flow == NULL || kept.record == NULL) {
        pt_kept_fini(&kept);
        return false;
    }
    take(rest, FRAME_HEAD + size);
    *ret_kept = kept;
    return true;
}

void pt_kept_fini(struct pt_kept *kept)
{
    if (kept->flow != NULL) {
        patronus__v1__flow_question__free_unpacked(kept->flow, NULL);
    }
    if (kept->record != NULL) {
        patronus__v1__flow_record__free_unpacked(kept->record, NULL);
    }
    *kept = (struct pt_kept){0};
}
