/*
 * Bugs that can be planted on purpose, so that the simulator proves it would find them. They exist only in builds with
 * -DPT_PLANTED_BUGS=ON; elsewhere the option fields that select one are ignored.
 */
#pragma once

enum pt_planted {
    PT_PLANTED_NONE = 0,
    PT_PLANTED_WITNESS_NOT_WRITTEN, /* kind: mutations are committed without the witness */
    PT_PLANTED_OLD_TERM_COMMIT,     /* raft: entries of an older term are committed by counting replicas */
    PT_PLANTED_ACK_BEFORE_SYNC,     /* raft: entries are acknowledged before they are durable */
    PT_PLANTED_LOST_GENERATION      /* serve: a new leader starts its generations anew */
};
