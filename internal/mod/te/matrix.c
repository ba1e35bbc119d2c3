/*
 * Intervals are numbered by the clock, so that the cells of all nodes are cut at the same instants. An interval without
 * any report counts as silent: a node that is not connected offers nothing that this leader could move.
 *
 * Forecast: level += a (rate - level - trend), trend += b (level' - level - trend), next = level + trend. Where the
 * same hour of earlier days is known, half of it comes from there: traffic has a day.
 */
#include "mod/te/matrix.h"

#include <stdlib.h>
#include <string.h>

#define LEVEL_GAIN 0.4F
#define TREND_GAIN 0.2F
#define DAY_GAIN 0.25F /* of the newest day in an hour's mean */
#define HOUR_NS 3600000000000LL
#define RATE_MOST 1e18F               /* bit/s: beyond any network */
#define BYTES_MOST 100000000000000ULL /* in a window; the rates of all classes can be added up */

static int64_t interval_of(int64_t now_ns)
{
    return now_ns / ((int64_t)TE_MATRIX_INTERVAL_MS * 1000000);
}

void te_series_init(struct te_series *series)
{
    memset(series, 0, sizeof(*series));
    for (size_t i = 0; i < 24; i++) {
        series->hours[i] = -1;
    }
}

static void end_hour(struct te_series *series, int64_t next)
{
    if (series->hour_len > 0) {
        float *usual = &series->hours[series->hour % 24];
        float mean = series->hour_sum / (float)series->hour_len;
        *usual = *usual < 0 ? mean : *usual + DAY_GAIN * (mean - *usual);
    }
    series->hour = next;
    series->hour_sum = 0;
    series->hour_len = 0;
}

static void end_interval(struct te_series *series, float rate)
{
    series->rates[series->len++ % TE_MATRIX_INTERVALS] = rate;
    if (series->len == 1) {
        series->level = rate;
    } else {
        float level = series->level + series->trend + LEVEL_GAIN * (rate - series->level - series->trend);
        series->trend += TREND_GAIN * (level - series->level - series->trend);
        series->level = level;
    }
    int64_t hour = series->interval * (int64_t)TE_MATRIX_INTERVAL_MS * 1000000 / HOUR_NS;
    if (hour != series->hour) {
        end_hour(series, hour);
    }
    series->hour_sum += rate;
    series->hour_len++;
}

void te_series_add(struct te_series *series, int64_t now_ns, uint32_t window_ms, uint64_t bytes)
{
    int64_t now = interval_of(now_ns);
    if (series->interval == 0 || now < series->interval) { /* the first, or the clock was set back */
        series->interval = now;
        series->interval_bytes = 0;
    }
    if (now - series->interval > TE_MATRIX_INTERVALS) { /* silent for longer than is kept */
        series->interval = now - TE_MATRIX_INTERVALS;
        series->interval_bytes = 0;
    }
    while (series->interval < now) {
        end_interval(series, (float)series->interval_bytes * 8000.0F / (float)TE_MATRIX_INTERVAL_MS);
        series->interval++;
        series->interval_bytes = 0;
    }
    series->interval_bytes += bytes;
    series->bytes += bytes;
    series->rate_bps = window_ms > 0 ? (bytes < BYTES_MOST ? bytes : BYTES_MOST) * 8000 / window_ms : 0;
}

bool te_series_learn(struct te_series *series, uint64_t newest, const uint64_t *bytes, size_t len,
                     const uint64_t *hours, size_t hours_len)
{
    int64_t now = series->interval;
    if (series->len > 0 || now == 0 || newest >= (uint64_t)now || (uint64_t)now - newest > TE_MATRIX_INTERVALS ||
        len > TE_MATRIX_INTERVALS) {
        return false;
    }
    uint64_t filled = series->interval_bytes;
    series->interval = (int64_t)newest + 1 - (int64_t)len;
    for (size_t i = 0; i < len; i++, series->interval++) {
        end_interval(series, (float)bytes[i] * 8000.0F / (float)TE_MATRIX_INTERVAL_MS);
    }
    for (; series->interval < now; series->interval++) {
        end_interval(series, 0); /* the node was alone, and counts it with what comes */
    }
    series->interval_bytes = filled;
    for (size_t i = 0; i < hours_len && i < 24; i++) {
        series->hours[i] = hours[i] > 0 ? (float)(hours[i] - 1) : series->hours[i];
    }
    return true;
}

static int compare(const void *a, const void *b)
{
    const float *x = a;
    const float *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* What a node says is no reason for a conversion that has no result. */
static uint64_t bps(float rate)
{
    return rate > 0 ? (rate < RATE_MOST ? (uint64_t)rate : (uint64_t)RATE_MOST) : 0;
}

struct te_series_summary te_series_summarise(const struct te_series *series, int64_t now_ns)
{
    uint64_t rate = series->rate_bps;
    if (series->len == 0) {
        return (struct te_series_summary){.p50_bps = rate, .p95_bps = rate, .max_bps = rate, .forecast_bps = rate};
    }
    float sorted[TE_MATRIX_INTERVALS];
    size_t len = series->len < TE_MATRIX_INTERVALS ? series->len : TE_MATRIX_INTERVALS;
    memcpy(sorted, series->rates, len * sizeof(float));
    qsort(sorted, len, sizeof(float), compare);
    float next = series->level + series->trend;
    float usual = series->hours[now_ns / HOUR_NS % 24];
    next = usual >= 0 ? (next + usual) / 2 : next;
    return (struct te_series_summary){
        .p50_bps = bps(sorted[(len - 1) / 2]),
        .p95_bps = bps(sorted[(len - 1) * 95 / 100]),
        .max_bps = bps(sorted[len - 1]),
        .forecast_bps = bps(next),
        .usual_bps = bps(usual),
    };
}
