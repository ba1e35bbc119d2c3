/*
 * A STAMP reflector (RFC 8762) of an edge, for other people's senders: at one address and port that its configuration
 * names. Stateless, or stateful: then it numbers its answers to each of the PT_STAMP_SENDERS_MAX senders that asked
 * last, so that a sender learns what was lost in which direction. On the loop; times are the kernel's where packets
 * come, so that a busy loop is not taken for the network. Answers PT_STAMP_PPS_MAX packets a second at most; the rest
 * is dropped.
 */
#pragma once

#include "base/error.h"
#include "base/net.h"
#include "sys/sys.h"

#define PT_STAMP_PPS_MAX 2000U

#define PT_STAMP_SENDERS_MAX 64U

struct pt_stamp_reflector;
/* The address need not be there yet. */
PT_MUST enum pt_code pt_stamp_reflector_open(struct pt_sys *sys, const struct pt_endpoint *at, bool stateful,
                                             struct pt_stamp_reflector **ret_reflector, struct pt_error *reterr);
void pt_stamp_reflector_close(struct pt_stamp_reflector *reflector); /* NULL is fine */
