/*
 * See replay.h. Word w of the ring holds numbers [64 k, 64 k + 63] for the greatest k = w modulo the ring's length.
 *
 * One thread marks at a time, and others may look meanwhile. Words are cleared before `next` moves over them, so who
 * sees the new `next` does not see bits of a ring's length ago.
 */
#include "tunnel/replay.h"

bool pt_replay_fresh(const struct pt_replay *replay, uint64_t number)
{
    uint64_t next = __atomic_load_n(&replay->next, __ATOMIC_ACQUIRE);
    if (number >= next) {
        return number != UINT64_MAX; /* its successor could not be counted */
    }
    if (number + PT_REPLAY_WINDOW < next) {
        return false;
    }
    uint64_t word = __atomic_load_n(&replay->words[number / 64 % PT_REPLAY_WORDS], __ATOMIC_RELAXED);
    return (word >> number % 64 & 1) == 0;
}

static void set_word(struct pt_replay *replay, uint64_t word, uint64_t bits)
{
    __atomic_store_n(&replay->words[word % PT_REPLAY_WORDS], bits, __ATOMIC_RELAXED);
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
            set_word(replay, word, 0);
        }
        __atomic_store_n(&replay->next, number + 1, __ATOMIC_RELEASE);
    }
    set_word(replay, number / 64, replay->words[number / 64 % PT_REPLAY_WORDS] | 1ULL << number % 64);
    return true;
}
