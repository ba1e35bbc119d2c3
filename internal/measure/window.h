/*
 * What a path was like just now: counts and round trips of the last ten seconds by the tenth, so that any window of
 * 100 ms to 10 s can be asked for. 4 KB a path. pt_measure is for what people and the leader are told; this is for who
 * must decide within a second. Pure.
 */
#pragma once

#include "measure/measure.h"

#define PT_WINDOW_SLOT_MS 100
#define PT_WINDOW_SLOTS 101 /* the newest is not full yet */
#define PT_WINDOW_MS_MAX ((PT_WINDOW_SLOTS - 1) * PT_WINDOW_SLOT_MS)

struct pt_window_slot {
    int32_t expected[PT_MEASURE_WAYS], lost[PT_MEASURE_WAYS]; /* lost may be negative: what came late was lost before */
    uint32_t rtt_us_min, probes;
    uint32_t varied_us[PT_MEASURE_WAYS]; /* sum of the differences from one probe to the next */
};

struct pt_window {
    uint64_t slot; /* the newest's number; monotonic time / PT_WINDOW_SLOT_MS */
    struct pt_measure_count last[PT_MEASURE_WAYS][2];
    bool known[PT_MEASURE_WAYS][2];
    int64_t transit_ns[PT_MEASURE_WAYS];
    bool has_transit;
    struct pt_window_slot slots[PT_WINDOW_SLOTS];
};

/* Of the worse way, where there are two. */
struct pt_window_values {
    uint32_t packets, lost;
    uint32_t probes;
    uint32_t rtt_us; /* median of the smallest of each tenth of a second: one late thread says nothing of the path */
    uint32_t rtt_us_min, jitter_us;
    uint32_t mos_100;
};

void pt_window_init(struct pt_window *window, uint64_t now_ms);
void pt_window_counts(struct pt_window *window, enum pt_measure_way way, bool data, struct pt_measure_count totals,
                      uint64_t now_ms);
void pt_window_probe(struct pt_window *window, int64_t forward_ns, int64_t back_ns, uint64_t now_ms);
/* The last window_ms (rounded up to a tenth of a second, and the one that is not full yet). */
void pt_window_read(struct pt_window *window, uint32_t window_ms, uint64_t now_ms, struct pt_window_values *ret_values);
