/* See replay.h. Word w of the ring holds numbers [64 k, 64 k + 63] for the greatest k = w modulo the ring's length. */
#include "tunnel/replay.h"

bool pt_replay_fresh(const struct pt_replay *replay, uint64_t number)
{
    if (number >= replay->next) {
        return number != UINT64_MAX; /* its successor could not be counted */
    }
    if (number + PT_REPLAY_WINDOW < replay->next) {
        return false;
    }
    return (replay->words[number / 64 % PT_REPLAY_WORDS] >> number % 64 & 1) == 0;
}

bool pt_replay_mark(struct pt_replay *replay, uint64_t number)
{
    if (!pt_replay_fresh(replay, number)) {
        return false;
    }
    if (number >= replay->next) {
        /* Words entered for the first time still hold bits of a ring's length ago. */
        uint64_t from = replay->next == 0 ? 0 : (replay->next - 1) / 64 + 1, to = number / 64;
        if (replay->next != 0 && to - (from - 1) > PT_REPLAY_WORDS) {
            from = to - PT_REPLAY_WORDS + 1;
        }
        for (uint64_t word = from; word <= to && word - from < PT_REPLAY_WORDS; word++) {
            replay->words[word % PT_REPLAY_WORDS] = 0;
        }
        replay->next = number + 1;
    }
    replay->words[number / 64 % PT_REPLAY_WORDS] |= 1ULL << number % 64;
    return true;
}
