/*
 * The replay window (RFC 6479): which of the last 2048 packet numbers of a stream have been seen.
 *
 * A ring of 64-bit words, one of them always being cleared ahead of the newest number, so that moving forward never
 * shifts bits. Ask before the packet is opened (to save the work), mark after it proved authentic.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define PT_REPLAY_WINDOW 2048U
#define PT_REPLAY_WORDS (PT_REPLAY_WINDOW / 64 + 1) /* one more than the window: the newest word is partly used */

struct pt_replay {
    uint64_t next; /* greatest number seen, plus 1; 0: none yet */
    uint64_t words[PT_REPLAY_WORDS];
};

/* True when the number is neither older than the window nor seen. */
bool pt_replay_fresh(const struct pt_replay *replay, uint64_t number);
/* Mark; false, and nothing changes, when it was not fresh. */
bool pt_replay_mark(struct pt_replay *replay, uint64_t number);
