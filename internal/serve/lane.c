/*
 * Parcels on the link of consensus: their head, and whom they are for.
 */
#include "serve/lane.h"

#define HEAD_SIZE 9U

bool pt_lane_send(struct pt_controller *controller, uint64_t raft_id, enum pt_lane what, uint64_t session,
                  struct pt_bytes parcels)
{
    if (parcels.size > PT_RAFT_LANE_SIZE_MAX - HEAD_SIZE) {
        return false;
    }
    PT_AUTO(buf) struct pt_buf bytes = {0};
    pt_buf_append_u8(&bytes, (uint8_t)what);
    pt_buf_append_be64(&bytes, session);
    pt_buf_append(&bytes, parcels.data, parcels.size);
    return pt_raft_lane_send(controller->raft, raft_id, pt_buf_bytes(&bytes));
}

void pt_lane_take(void *context, uint64_t raft_id, struct pt_bytes bytes)
{
    struct pt_controller *controller = context;
    if (bytes.size < HEAD_SIZE) {
        return;
    }
    uint64_t session = pt_be64(bytes.data + 1);
    const struct pt_bytes parcels = {bytes.data + HEAD_SIZE, bytes.size - HEAD_SIZE};
    if (bytes.data[0] == PT_LANE_CALLS) {
        pt_carrier_take(controller, raft_id, session, parcels);
    } else if (bytes.data[0] == PT_LANE_ANSWERS) {
        pt_forward_take(controller, raft_id, session, parcels);
    }
}

void pt_lane_lost(void *context, uint64_t raft_id)
{
    pt_carrier_lost(context, raft_id);
    pt_forward_lost(context, raft_id);
}
