/*
 * Slots and minutes.
 *
 * Loss is the difference of two running totals of the receiver: how far the sequence numbers went, and how many packets
 * came. A packet that is late counts as lost first and is taken back when it comes, so that reordering is no loss in
 * the end.
 */
#include "measure/measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NONSENSE_NS 100000000000LL
#define CODEC_US 20000U

/* ---- time ----------------------------------------------------------------------------------------------------- */

static uint32_t clamp(int64_t value, int64_t max)
{
    return (uint32_t)(value < 0 ? 0 : value < max ? value : max);
}

static void close_minute(struct pt_measure *m, uint64_t wall_s)
{
    struct pt_measure_minute *minute = &m->minutes[m->minutes_next];
    *minute = (struct pt_measure_minute){.began_s = m->minute_s};
    for (unsigned w = 0; w < PT_MEASURE_WAYS; w++) {
        struct pt_measure_direction *way = &m->ways[w];
        minute->expected[w] = clamp(way->minute_expected, UINT32_MAX);
        minute->lost[w] = clamp(way->minute_lost, minute->expected[w]);
        minute->jitter_us[w] = (uint32_t)(way->jitter_ns / 1000);
        way->minute_expected = way->minute_lost = 0;
    }
    pt_sketch_pack(&m->rtt, &minute->rtt);
    pt_sketch_clear(&m->rtt);
    m->minutes_next = (m->minutes_next + 1) % PT_MEASURE_MINUTES;
    m->minutes_len += m->minutes_len < PT_MEASURE_MINUTES ? 1 : 0;
    m->minute_s = wall_s;
}

void pt_measure_tick(struct pt_measure *m, uint64_t wall_s)
{
    if (wall_s < m->slot_s) { /* the wall clock was set back: from here on it counts as it is now */
        m->slot_s = m->minute_s = wall_s;
    }
    if (wall_s - m->slot_s > PT_MEASURE_SLOTS) {
        m->slot_s = wall_s - PT_MEASURE_SLOTS; /* all of them are cleared below */
    }
    while (m->slot_s < wall_s) {
        size_t slot = ++m->slot_s % PT_MEASURE_SLOTS;
        for (unsigned w = 0; w < PT_MEASURE_WAYS; w++) {
            m->ways[w].slots[slot].expected = m->ways[w].slots[slot].lost = 0;
        }
        m->recent_us[slot] = UINT32_MAX;
    }
    if (wall_s >= m->minute_s + 60) {
        close_minute(m, wall_s);
    }
}

/* ---- input ---------------------------------------------------------------------------------------------------- */

void pt_measure_counts(struct pt_measure *m, enum pt_measure_way w, bool data, struct pt_measure_count totals,
                       uint64_t wall_s)
{
    struct pt_measure_direction *way = &m->ways[w];
    struct pt_measure_count *last = &way->last[data];
    pt_measure_tick(m, wall_s);
    if (way->known[data] && totals.expected >= last->expected && totals.received >= last->received) {
        int64_t expected = (int64_t)(totals.expected - last->expected);
        int64_t lost = expected - (int64_t)(totals.received - last->received);
        size_t slot = m->slot_s % PT_MEASURE_SLOTS;
        way->slots[slot].expected += expected;
        way->slots[slot].lost += lost;
        way->minute_expected += expected;
        way->minute_lost += lost;
    }
    way->known[data] = true;
    *last = totals;
}

static void add_transit(struct pt_measure_direction *way, int64_t transit_ns)
{
    if (way->has_transit) {
        double difference = fabs((double)(transit_ns - way->transit_ns));
        way->jitter_ns += (difference - way->jitter_ns) / 16;
    }
    way->transits_ns[way->transits_next] = transit_ns;
    way->transits_next = (way->transits_next + 1) % PT_MEASURE_TRANSITS;
    way->transits_len += way->transits_len < PT_MEASURE_TRANSITS ? 1 : 0;
    way->transit_ns = transit_ns;
    way->has_transit = true;
}

void pt_measure_probe(struct pt_measure *m, int64_t forward_ns, int64_t back_ns, uint64_t wall_s)
{
    pt_measure_tick(m, wall_s);
    if (llabs(forward_ns) > NONSENSE_NS || llabs(back_ns) > NONSENSE_NS || forward_ns + back_ns < 0) {
        return;
    }
    uint32_t rtt_us = clamp((forward_ns + back_ns) / 1000, PT_SKETCH_MAX);
    size_t slot = m->slot_s % PT_MEASURE_SLOTS;
    add_transit(&m->ways[PT_MEASURE_FORWARD], forward_ns);
    add_transit(&m->ways[PT_MEASURE_BACK], back_ns);
    m->rtt_us = m->rtt_us == 0 ? rtt_us : (uint32_t)(((uint64_t)m->rtt_us * 7 + rtt_us) / 8);
    m->recent_us[slot] = rtt_us < m->recent_us[slot] ? rtt_us : m->recent_us[slot];
    pt_sketch_add(&m->rtt, rtt_us);
}

void pt_measure_init(struct pt_measure *m, uint64_t wall_s)
{
    memset(m, 0, sizeof(*m));
    memset(m->recent_us, 0xff, sizeof(m->recent_us));
    m->slot_s = m->minute_s = wall_s;
}

void pt_measure_resume(struct pt_measure *measure)
{
    for (unsigned w = 0; w < PT_MEASURE_WAYS; w++) {
        measure->ways[w].known[false] = measure->ways[w].known[true] = false; /* the next totals are where it begins */
    }
}

/* ---- output --------------------------------------------------------------------------------------------------- */

uint32_t pt_measure_mos_100(uint32_t rtt_us, uint32_t jitter_us, uint32_t loss_ppm)
{
    double delay_ms = ((double)rtt_us / 2 + 2.0 * jitter_us + CODEC_US) / 1000;
    double loss = (double)loss_ppm / 10000; /* percent */
    double impairment = 0.024 * delay_ms + (delay_ms > 177.3 ? 0.11 * (delay_ms - 177.3) : 0);
    double r = 93.2 - impairment - 95.0 * loss / (loss + 25.1);
    if (r <= 0) {
        return 100;
    }
    double mos = r >= 100 ? 4.5 : 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6;
    return (uint32_t)(100 * (mos < 1 ? 1 : mos) + 0.5);
}

static uint32_t ppm(int64_t lost, int64_t expected)
{
    return expected <= 0 || lost <= 0 ? 0 : lost >= expected ? 1000000U : (uint32_t)(lost * 1000000 / expected);
}

static int compare_transits(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The median: one probe that waited for a busy machine says nothing of the path. */
static int64_t delay_ns(const struct pt_measure_direction *way)
{
    int64_t sorted[PT_MEASURE_TRANSITS];
    memcpy(sorted, way->transits_ns, sizeof(sorted));
    qsort(sorted, way->transits_len, sizeof(sorted[0]), compare_transits);
    return way->transits_len > 0 ? sorted[way->transits_len / 2] : 0;
}

/* The minute before the one that is being counted is step 1. */
static const struct pt_measure_minute *minute_at(const struct pt_measure *m, size_t step)
{
    return &m->minutes[(m->minutes_next + PT_MEASURE_MINUTES - step) % PT_MEASURE_MINUTES];
}

/* Of this minute and so many before it, each by its packets; what is measured now when no packets were counted. */
static uint32_t jitter_us(const struct pt_measure *m, unsigned w, size_t past)
{
    uint64_t now = (uint64_t)(m->ways[w].jitter_ns / 1000);
    uint64_t packets = past > 0 && m->ways[w].minute_expected > 0 ? (uint64_t)m->ways[w].minute_expected : 0;
    double sum = (double)now * (double)packets;
    for (size_t step = 1; step <= past; step++) {
        const struct pt_measure_minute *minute = minute_at(m, step);
        packets += minute->expected[w];
        sum += (double)minute->jitter_us[w] * minute->expected[w];
    }
    return packets == 0 ? (uint32_t)now : (uint32_t)(sum / (double)packets + 0.5);
}

void pt_measure_report(const struct pt_measure *m, unsigned minutes, struct pt_measure_report *ret_report)
{
    struct pt_measure_report r = {.rtt_us = m->rtt_us, .rtt_min_us = UINT32_MAX};
    struct pt_sketch rtt = m->rtt;
    size_t past = minutes < m->minutes_len ? minutes : m->minutes_len;
    for (unsigned w = 0; w < PT_MEASURE_WAYS; w++) {
        const struct pt_measure_direction *way = &m->ways[w];
        int64_t expected = 0, lost = 0;
        for (size_t i = 0; i < PT_MEASURE_SLOTS && minutes == 0; i++) {
            expected += way->slots[i].expected;
            lost += way->slots[i].lost;
        }
        for (size_t step = 1; step <= past; step++) {
            expected += minute_at(m, step)->expected[w];
            lost += minute_at(m, step)->lost[w];
        }
        if (minutes > 0) {
            expected += way->minute_expected;
            lost += way->minute_lost;
        }
        r.loss_ppm[w] = ppm(lost, expected);
        r.packets[w] = clamp(expected, UINT32_MAX);
        r.jitter_us[w] = jitter_us(m, w, minutes == 0 ? 0 : past);
        r.delay_us[w] = (int32_t)(delay_ns(way) / 1000);
    }
    past = minutes == 0 && m->minutes_len > 0 ? 1 : past;
    for (size_t step = 1; step <= past; step++) {
        pt_sketch_merge_packed(&rtt, &minute_at(m, step)->rtt);
    }
    for (size_t i = 0; i < PT_MEASURE_SLOTS; i++) {
        r.rtt_min_us = m->recent_us[i] < r.rtt_min_us ? m->recent_us[i] : r.rtt_min_us;
    }
    r.rtt_min_us = r.rtt_min_us == UINT32_MAX ? 0 : r.rtt_min_us;
    r.p50_us = pt_sketch_quantile(&rtt, 0.5);
    r.p95_us = pt_sketch_quantile(&rtt, 0.95);
    r.p99_us = pt_sketch_quantile(&rtt, 0.99);
    uint32_t worse = r.loss_ppm[0] > r.loss_ppm[1] ? r.loss_ppm[0] : r.loss_ppm[1];
    uint32_t jitter = r.jitter_us[0] > r.jitter_us[1] ? r.jitter_us[0] : r.jitter_us[1];
    uint32_t usual = minutes == 0 ? r.rtt_us : r.p50_us; /* of the period, like its loss and jitter */
    r.mos_100 = r.p50_us == 0 ? 0 : pt_measure_mos_100(usual, jitter, worse);
    *ret_report = r;
}
