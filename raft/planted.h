/*
 * Planted bugs: classic mistakes of consensus, compiled in only with -DPT_PLANTED_BUGS=ON, so that the simulator can
 * prove that its checkers see them. Chosen at run time by pt_raft_options.planted; ignored in every other build.
 */
#pragma once

enum pt_planted {
    PT_PLANTED_NONE,
    PT_PLANTED_ACK_BEFORE_SYNC, /* entries count as durable before the sync has finished */
    PT_PLANTED_OLD_TERM_COMMIT, /* a leader commits entries of an old term by counting replicas (Raft 5.4.2) */
    PT_PLANTED_MAX
};
