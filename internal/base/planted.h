/*
 * Planted bugs: mistakes that the simulator must find, compiled in only with -DPT_PLANTED_BUGS=ON.
 *
 * A build that has them cannot be mistaken for another: without the flag the selector has no effect anywhere.
 */
#pragma once

enum pt_planted {
    PT_PLANTED_NONE,
    PT_PLANTED_WITNESS_NOT_WRITTEN, /* kind: the witness is left out of the transaction */
    PT_PLANTED_OLD_TERM_COMMIT,     /* raft: an entry of an old term counts as committed by replicas */
    PT_PLANTED_ACK_BEFORE_SYNC,     /* raft: entries are reported as persisted before the sync */
    PT_PLANTED_LOST_GENERATION,     /* agent: an older bundle replaces a newer one */
};
