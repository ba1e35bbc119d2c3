/*
 * A ring of tenths of a second. Totals go in as they are told; a slot holds what they grew by while it was the newest.
 */
#include "measure/window.h"

#include <stdlib.h>
#include <string.h>

#define NONSENSE_NS 100000000000LL

static void advance(struct pt_window *window, uint64_t now_ms)
{
    uint64_t slot = now_ms / PT_WINDOW_SLOT_MS;
    if (slot > window->slot + PT_WINDOW_SLOTS) {
        window->slot = slot - PT_WINDOW_SLOTS; /* all of them are cleared below */
    }
    while (window->slot < slot) {
        struct pt_window_slot *next = &window->slots[++window->slot % PT_WINDOW_SLOTS];
        *next = (struct pt_window_slot){.rtt_us_min = UINT32_MAX};
    }
}

void pt_window_init(struct pt_window *window, uint64_t now_ms)
{
    memset(window, 0, sizeof(*window));
    window->slot = now_ms / PT_WINDOW_SLOT_MS;
    for (size_t i = 0; i < PT_WINDOW_SLOTS; i++) {
        window->slots[i].rtt_us_min = UINT32_MAX;
    }
}

static struct pt_window_slot *newest(struct pt_window *window)
{
    return &window->slots[window->slot % PT_WINDOW_SLOTS];
}

static int32_t bounded(uint64_t value)
{
    return value < INT32_MAX / 2 ? (int32_t)value : INT32_MAX / 2;
}

void pt_window_counts(struct pt_window *window, enum pt_measure_way way, bool data, struct pt_measure_count totals,
                      uint64_t now_ms)
{
    struct pt_measure_count *last = &window->last[way][data];
    advance(window, now_ms);
    if (window->known[way][data] && totals.expected >= last->expected && totals.received >= last->received) {
        int32_t expected = bounded(totals.expected - last->expected);
        newest(window)->expected[way] += expected;
        newest(window)->lost[way] += expected - bounded(totals.received - last->received);
    }
    window->known[way][data] = true;
    *last = totals;
}

void pt_window_probe(struct pt_window *window, int64_t forward_ns, int64_t back_ns, uint64_t now_ms)
{
    const int64_t transit_ns[PT_MEASURE_WAYS] = {forward_ns, back_ns};
    advance(window, now_ms);
    if (llabs(forward_ns) > NONSENSE_NS || llabs(back_ns) > NONSENSE_NS || forward_ns + back_ns < 0) {
        return;
    }
    struct pt_window_slot *slot = newest(window);
    uint64_t rtt_us = (uint64_t)(forward_ns + back_ns) / 1000;
    slot->rtt_us_min = rtt_us < slot->rtt_us_min ? (uint32_t)rtt_us : slot->rtt_us_min;
    slot->probes++;
    for (unsigned w = 0; w < PT_MEASURE_WAYS; w++) {
        int64_t varied_us = llabs(transit_ns[w] - window->transit_ns[w]) / 1000;
        if (window->has_transit && varied_us < NONSENSE_NS / 1000) {
            slot->varied_us[w] += (uint32_t)varied_us;
        }
        window->transit_ns[w] = transit_ns[w];
    }
    window->has_transit = true;
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

void pt_window_read(struct pt_window *window, uint32_t window_ms, uint64_t now_ms, struct pt_window_values *ret_values)
{
    struct pt_window_values v = {.rtt_us_min = UINT32_MAX};
    uint32_t sorted[PT_WINDOW_SLOTS];
    size_t sorted_len = 0, slots = (window_ms + PT_WINDOW_SLOT_MS - 1) / PT_WINDOW_SLOT_MS + 1;
    int64_t expected[PT_MEASURE_WAYS] = {0}, lost[PT_MEASURE_WAYS] = {0}, varied[PT_MEASURE_WAYS] = {0};
    advance(window, now_ms);
    for (size_t i = 0; i < slots && i < PT_WINDOW_SLOTS; i++) {
        const struct pt_window_slot *slot =
            &window->slots[(window->slot % PT_WINDOW_SLOTS + PT_WINDOW_SLOTS - i) % PT_WINDOW_SLOTS];
        for (unsigned w = 0; w < PT_MEASURE_WAYS; w++) {
            expected[w] += slot->expected[w];
            lost[w] += slot->lost[w];
            varied[w] += slot->varied_us[w];
        }
        v.probes += slot->probes;
        if (slot->probes > 0) {
            sorted[sorted_len++] = slot->rtt_us_min;
            v.rtt_us_min = slot->rtt_us_min < v.rtt_us_min ? slot->rtt_us_min : v.rtt_us_min;
        }
    }
    for (unsigned w = 0; w < PT_MEASURE_WAYS; w++) {
        /* The worse way by its ratio; a / b > c / d without division. */
        int64_t packets = expected[w] > 0 ? expected[w] : 0, missing = lost[w] > 0 ? lost[w] : 0;
        if (w == 0 || missing * v.packets > (int64_t)v.lost * packets) {
            v.packets = (uint32_t)(packets < UINT32_MAX ? packets : UINT32_MAX);
            v.lost = (uint32_t)(missing < packets ? missing : packets);
        }
        uint32_t jitter_us = v.probes > 0 ? (uint32_t)(varied[w] / v.probes) : 0;
        v.jitter_us = jitter_us > v.jitter_us ? jitter_us : v.jitter_us;
    }
    if (sorted_len > 0) {
        qsort(sorted, sorted_len, sizeof(sorted[0]), compare);
        v.rtt_us = sorted[(sorted_len - 1) / 2];
        uint32_t loss_ppm = v.packets > 0 ? (uint32_t)((uint64_t)v.lost * 1000000 / v.packets) : 0;
        v.mos_100 = pt_measure_mos_100(v.rtt_us, v.jitter_us, loss_ppm);
    } else {
        v.rtt_us_min = 0;
    }
    *ret_values = v;
}
