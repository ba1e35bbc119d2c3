/*
 * The relay's control protocol, both ends: one request a packet on a SOCK_SEQPACKET socket, one reply.
 *
 *     set PATTERN up|down|both KEY=VALUE...     -> "ok N" (N links changed) or "error TEXT"
 *     status                                    -> "ok" and a line per link and direction:
 *         NAME TAB up|down TAB PARAMS TAB frames bytes drops_cut drops_loss drops_tail drops_send queued duplicates
 *
 * PATTERN is that of pt_lab_link_matches. "up" is from the node, "down" to it. A set changes every direction that it
 * names or, when one word of it is wrong, none.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "lab/shaper.h"
#include "lab/topology.h"

#define PT_RELAY_REQUEST_SIZE_MAX 1024U
#define PT_RELAY_REPLY_SIZE_MAX (512U << 10)

enum pt_relay_direction { PT_RELAY_UP, PT_RELAY_DOWN };

/* What the control commands act on: link i of the topology is shapers[2 * i + direction]. */
struct pt_relay_state {
    const struct pt_lab_topology *topology;
    struct pt_shaper *shapers;
    uint64_t *drops_send; /* per shaper: frames that the kernel did not take */
};

/* Carry out one request; the reply is appended. Pure but for the state. */
void pt_relay_control(struct pt_relay_state *state, const char *request, struct pt_buf *reply);

/* The client: send a request, get the text of the reply behind "ok". PT_UNAVAILABLE when no relay listens. */
PT_MUST enum pt_code pt_relay_ask(const char *socket_path, const char *request, struct pt_buf *ret_reply,
                                  struct pt_error *reterr);
