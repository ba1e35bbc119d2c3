/*
 * The lane: bytes of the layer above between the messages of consensus.
 *
 * What a follower hands to its leader, and what that answers, mostly meets entries and their acknowledgements that go
 * the same way in the same turn. Together they are one record of TLS, one write and one wake-up at the other side.
 *
 * Consensus comes first: nothing goes over a link on which anything waits to be taken by the kernel, nor more at a time
 * than a slow line carries well within an election timeout.
 */
#include "raft/node_priv.h"

bool pt_raft_lane_send(struct pt_raft *raft, uint64_t id, struct pt_bytes bytes)
{
    if (pt_raft_dead(raft) || raft->net == NULL || bytes.size > PT_RAFT_LANE_SIZE_MAX) {
        return false;
    }
    struct pt_buf *out = pt_raft_net_begin_idle(raft->net, id, PT_RAFT_FRAME_LANE);
    if (out == NULL) {
        return false;
    }
    pt_buf_append(out, bytes.data, bytes.size);
    pt_raft_net_end(raft->net);
    return true;
}

void pt_raft_on_lane(struct pt_raft *raft, uint64_t id, struct pt_bytes bytes)
{
    if (raft->options.on_lane != NULL) {
        raft->options.on_lane(raft->options.lane_context, id, bytes);
    }
}

void pt_raft_on_lost(void *context, uint64_t id)
{
    struct pt_raft *raft = context;
    if (!pt_raft_dead(raft) && raft->options.on_lane_lost != NULL) {
        raft->options.on_lane_lost(raft->options.lane_context, id);
    }
}
