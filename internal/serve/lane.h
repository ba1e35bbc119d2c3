/*
 * Parcels on the link of consensus. Private to the folder.
 *
 * A stream of parcels (forward.c, carrier.c) may send a turn's parcels over the link that the two members have anyway
 * (raft_node.h), where that is idle enough; else over itself. Which way each went makes no difference to who reads it.
 *
 *   follower                                     leader
 *   opens the stream, names a session      ->    keeps the session with the carrier
 *   knows that lanes are understood        <-    answers a parcel that nobody sent: id 0
 *   lane: calls, session, parcels          ->    finds the carrier by member and session
 *   finds the stream by the session        <-    lane: answers, session, parcels
 *
 * The stream goes on to say who may, and whether the other side is there: when a link is lost, what went over it may be
 * lost, and each side ends the streams that used it, which answers whoever waits. A controller of before names no
 * session, or skips the answer, and is spoken to by the stream alone.
 *
 *   lane   u8 what: 1 calls, 2 answers   u64 session, random   parcels (parcel.h)
 */
#pragma once

#include "serve/controller_priv.h"

#define PT_LANE_METADATA "patronus-lane" /* of the stream: the session, in decimal */

enum pt_lane { PT_LANE_CALLS = 1, PT_LANE_ANSWERS = 2 };

/* False: send it by the stream. */
bool pt_lane_send(struct pt_controller *controller, uint64_t raft_id, enum pt_lane what, uint64_t session,
                  struct pt_bytes parcels);
/* As consensus has them; context is the controller. */
void pt_lane_take(void *context, uint64_t raft_id, struct pt_bytes bytes);
void pt_lane_lost(void *context, uint64_t raft_id);

/* carrier.c, forward.c: what came for a session, if there is one with that member; a link to it was lost. */
void pt_carrier_take(struct pt_controller *controller, uint64_t raft_id, uint64_t session, struct pt_bytes parcels);
void pt_carrier_lost(struct pt_controller *controller, uint64_t raft_id);
void pt_forward_take(struct pt_controller *controller, uint64_t raft_id, uint64_t session, struct pt_bytes parcels);
void pt_forward_lost(struct pt_controller *controller, uint64_t raft_id);
