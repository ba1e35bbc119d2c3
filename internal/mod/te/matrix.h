/*
 * One cell of the traffic matrix over time: what it carried lately, what is usual at this hour, what comes next.
 *
 * Reports are gathered into intervals of TE_MATRIX_INTERVAL_MS; the last hour of them gives percentiles, level and
 * trend (Holt 1957) the forecast of the next one, and each hour of the day keeps a mean over days. Pure; times are
 * given.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TE_MATRIX_INTERVAL_MS 30000U
#define TE_MATRIX_INTERVALS 120U /* an hour */

struct te_series {
    uint64_t bytes;    /* in all */
    uint64_t rate_bps; /* of the newest report */
    /* the interval that is being filled */
    int64_t interval; /* its number since 1970; 0: none yet */
    uint64_t interval_bytes;
    /* those that are full, newest at (len - 1) % TE_MATRIX_INTERVALS; len goes on counting */
    uint32_t len;
    float rates[TE_MATRIX_INTERVALS];
    float level, trend;
    float hours[24]; /* mean by hour of the day, UTC; negative: unknown */
    float hour_sum;  /* of the hour under way */
    uint32_t hour_len;
    int64_t hour; /* its number since 1970 */
};

void te_series_init(struct te_series *series);
/* A report: so many bytes in the window_ms up to now. */
void te_series_add(struct te_series *series, int64_t now_ns, uint32_t window_ms, uint64_t bytes);

/* What a node counted before this leader did: bytes of full intervals, the last of number `newest`, and means by hour
 * of the day (bit/s plus 1; 0 unknown). Taken by a series that has no full interval yet, and when the clocks agree; a
 * value that cannot be is left out. Returns whether it was taken. */
bool te_series_learn(struct te_series *series, uint64_t newest, const uint64_t *bytes, size_t len,
                     const uint64_t *hours, size_t hours_len);

struct te_series_summary {
    uint64_t p50_bps, p95_bps, max_bps, forecast_bps, usual_bps;
};
/* With less than one full interval everything is the newest rate. */
struct te_series_summary te_series_summarise(const struct te_series *series, int64_t now_ns);
