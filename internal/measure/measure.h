/*
 * What a path is like: loss, delay and jitter of each direction, and what a caller would think of it. Pure: counts,
 * stamps and the time go in.
 *
 * Recent values are those of the last PT_MEASURE_SLOTS seconds; the last hour is kept by the minute. About 23 KB a
 * path.
 */
#pragma once

#include "measure/sketch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PT_MEASURE_SLOTS 10    /* of a second each */
#define PT_MEASURE_MINUTES 60  /* of history */
#define PT_MEASURE_TRANSITS 63 /* probes of which the delay is the median: 3 s of them */

enum pt_measure_way { PT_MEASURE_FORWARD, PT_MEASURE_BACK, PT_MEASURE_WAYS };

/* Packets of one way as their receiver counts them: running totals, from any start. */
struct pt_measure_count {
    uint64_t expected, received; /* expected: by the highest sequence number */
};

struct pt_measure_direction {
    struct pt_measure_count last[2]; /* newest totals; [0] probes, [1] data */
    bool known[2];
    struct { /* of each second; lost may be negative: what came late was counted lost before */
        int64_t expected, lost;
    } slots[PT_MEASURE_SLOTS];
    int64_t minute_expected, minute_lost;
    bool has_transit;
    int64_t transit_ns;                       /* of the newest probe, by two clocks */
    double jitter_ns;                         /* RFC 3550, 6.4.1 */
    int64_t transits_ns[PT_MEASURE_TRANSITS]; /* the newest ones */
    size_t transits_len, transits_next;
};

struct pt_measure_minute {
    uint64_t began_s; /* wall clock */
    uint32_t expected[PT_MEASURE_WAYS], lost[PT_MEASURE_WAYS], jitter_us[PT_MEASURE_WAYS];
    struct pt_sketch_packed rtt;
};

struct pt_measure {
    struct pt_measure_direction ways[PT_MEASURE_WAYS];
    uint64_t slot_s;                      /* second that is being counted; wall clock */
    uint64_t minute_s;                    /* when the minute began */
    uint32_t rtt_us;                      /* smoothed by 1/8 */
    uint32_t recent_us[PT_MEASURE_SLOTS]; /* smallest round trip of each second; UINT32_MAX: none */
    struct pt_sketch rtt;                 /* of this minute */
    struct pt_measure_minute minutes[PT_MEASURE_MINUTES];
    size_t minutes_len, minutes_next;
};

struct pt_measure_report {
    uint32_t loss_ppm[PT_MEASURE_WAYS], jitter_us[PT_MEASURE_WAYS];
    /* One way, the median of the last seconds; right as far as the two clocks agree, while their sum always is. */
    int32_t delay_us[PT_MEASURE_WAYS];
    uint32_t packets[PT_MEASURE_WAYS]; /* that the loss is of */
    uint32_t rtt_us, rtt_min_us;
    uint32_t p50_us, p95_us, p99_us; /* round trips; of the period asked for */
    uint32_t mos_100; /* mean opinion score times 100: 100 to 450; by the loss and jitter of the worse direction */
};

void pt_measure_init(struct pt_measure *measure, uint64_t wall_s);
/* The path was dead until now: what was lost meanwhile says nothing about how it is. */
void pt_measure_resume(struct pt_measure *measure);
/* Totals of one way; data: of data packets, else of probes. Totals that went backwards begin anew. */
void pt_measure_counts(struct pt_measure *measure, enum pt_measure_way way, bool data, struct pt_measure_count totals,
                       uint64_t wall_s);
/* A probe went round: what it took each way by the clocks of both ends. Nonsense (more than 100 s) is ignored. */
void pt_measure_probe(struct pt_measure *measure, int64_t forward_ns, int64_t back_ns, uint64_t wall_s);
/* Time passes without either. */
void pt_measure_tick(struct pt_measure *measure, uint64_t wall_s);
/* minutes 0: the last ten seconds (quantiles: of this minute and the last); else the last so many minutes: loss,
 * jitter (the mean of the minutes' by their packets), quantiles, and the score of these with the median round trip. */
void pt_measure_report(const struct pt_measure *measure, unsigned minutes, struct pt_measure_report *ret_report);

/*
 * What a caller would think of it, by ITU-T G.107 in its short form: R = 93.2 - Id(delay) - Ie(loss) for G.711 with
 * loss concealment (Bpl 25.1, random loss), then G.107 annex B from R to a score. Times 100, of 1.00 to 4.50. The delay
 * is one way from mouth to ear: half the round trip, twice the jitter for the buffer, 20 ms for the packet.
 */
uint32_t pt_measure_mos_100(uint32_t rtt_us, uint32_t jitter_us, uint32_t loss_ppm);
