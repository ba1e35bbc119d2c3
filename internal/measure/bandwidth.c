/* Which rate is tried next, and whether a train was faster than its path takes. What for: bandwidth.h. */
#include "measure/bandwidth.h"

#include "base/assert.h"

#include <math.h>
#include <stdlib.h>

#define START_BPS 2000000U
#define TRAIN_NS 200000000U
#define GROWTH_SLOW 0.06 /* of delay per time: the path takes less than 1 / 1.06 of the train */
#define LOST_SLOW 0.1    /* of the packets, beyond what is lost anyhow and by chance: slow, however the others fared */
#define LEFT_MIN 8U      /* packets that must have come for delays to say anything */
#define SPOILED_MAX 8U   /* trains that are sent again; then they are judged as they are */
#define CLOSE 0.9        /* low and high are near enough */

/* ---- one train ------------------------------------------------------------------------------------------------ */

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* Median delay of the packets [from, to) of those that came, and the middle of the time in which they were sent. */
static void middle(const struct pt_train *train, const uint32_t *came, uint32_t from, uint32_t to, double *ret_delay,
                   double *ret_sent)
{
    int64_t delays[PT_TRAIN_LEN_MAX];
    double sent = 0;
    for (uint32_t i = from; i < to; i++) {
        delays[i - from] = train->came_ns[came[i]] - train->sent_ns[came[i]];
        sent += (double)(train->sent_ns[came[i]] - train->sent_ns[0]);
    }
    qsort(delays, to - from, sizeof(delays[0]), compare);
    *ret_delay = (double)delays[(to - from) / 2];
    *ret_sent = sent / (to - from);
}

/* Between two packets, as they were mostly sent. */
static double usual_gap(const struct pt_train *train)
{
    int64_t gaps[PT_TRAIN_LEN_MAX];
    for (uint32_t i = 1; i < train->len; i++) {
        gaps[i - 1] = train->sent_ns[i] - train->sent_ns[i - 1];
    }
    qsort(gaps, train->len - 1, sizeof(gaps[0]), compare);
    int64_t gap = gaps[(train->len - 1) / 2];
    return gap > 1 ? (double)gap : 1;
}

void pt_train_judge(const struct pt_train *train, struct pt_train_verdict *ret_verdict)
{
    uint32_t came[PT_TRAIN_LEN_MAX];
    uint32_t len = 0;
    pt_assert(train->len >= 2 && train->len <= PT_TRAIN_LEN_MAX);
    for (uint32_t i = 0; i < train->len; i++) {
        if (train->came[i]) {
            came[len++] = i;
        }
    }
    double took_ns = (double)(train->sent_ns[train->len - 1] - train->sent_ns[0]);
    double gap_ns = usual_gap(train), sent_bps = PT_TRAIN_SIZE * 8e9 / gap_ns;
    double growth = 0;
    if (len >= LEFT_MIN) {
        double first, first_sent, last, last_sent;
        middle(train, came, 0, len / 4, &first, &first_sent);
        middle(train, came, len - len / 4, len, &last, &last_sent);
        growth = last_sent > first_sent ? (last - first) / (last_sent - first_sent) : 0;
    }
    double came_bps = growth > 0 ? sent_bps / (1 + growth) : sent_bps;
    ret_verdict->sent_bps = (uint64_t)sent_bps;
    ret_verdict->came_bps = (uint64_t)came_bps;
    ret_verdict->spoiled = took_ns > 1.25 * gap_ns * (train->len - 1);
    ret_verdict->lost = train->len - len;
    ret_verdict->slow = growth > GROWTH_SLOW || len < LEFT_MIN;
}

/* ---- the search ----------------------------------------------------------------------------------------------- */

void pt_bandwidth_init(struct pt_bandwidth *b, uint64_t max_bps)
{
    *b = (struct pt_bandwidth){.max_bps = max_bps};
    if (max_bps == 0 || max_bps > PT_BANDWIDTH_BPS_MAX) {
        b->max_bps = PT_BANDWIDTH_BPS_MAX;
    }
    if (b->max_bps < PT_BANDWIDTH_BPS_MIN) {
        b->max_bps = PT_BANDWIDTH_BPS_MIN;
    }
    b->next_bps = b->max_bps < START_BPS ? b->max_bps : START_BPS;
}

uint32_t pt_bandwidth_train_len(uint64_t rate_bps)
{
    uint64_t len = rate_bps * (TRAIN_NS / 1000000) / 1000 / (PT_TRAIN_SIZE * 8);
    return len < PT_TRAIN_LEN_MIN ? PT_TRAIN_LEN_MIN : len > PT_TRAIN_LEN_MAX ? PT_TRAIN_LEN_MAX : (uint32_t)len;
}

/* The rate to try next when a train was slow already; 0: none. */
static double between(struct pt_bandwidth *b)
{
    double low = (double)b->low_bps, high = (double)b->high_bps, hint = (double)b->hint_bps;
    if (low > CLOSE * high) {
        return 0;
    }
    while (b->hints > 0) {
        double rate = hint * (b->hints-- == 2 ? 0.96 : 1.07);
        if (rate > low && rate < high) {
            return rate;
        }
    }
    return low > 0 ? sqrt(low * high) : high / 4;
}

static void choose(struct pt_bandwidth *b)
{
    double next = between(b);
    b->next_bps = next >= PT_BANDWIDTH_BPS_MIN ? (uint64_t)next : 0;
}

static void put_fast(struct pt_bandwidth *b, const struct pt_train_verdict *verdict)
{
    b->doubtful = false;
    b->low_bps = verdict->came_bps > b->low_bps ? verdict->came_bps : b->low_bps;
    if (b->high_bps != 0) {
        choose(b);
    } else if (b->next_bps == b->max_bps || verdict->sent_bps * 5 < b->next_bps * 4) {
        b->next_bps = 0; /* as fast as was asked for, or as this machine sends */
    } else {
        b->next_bps = b->next_bps * 4 < b->max_bps ? b->next_bps * 4 : b->max_bps;
    }
}

static void put_slow(struct pt_bandwidth *b, const struct pt_train_verdict *verdict)
{
    if (!b->doubtful) {
        b->doubtful = true;
        b->hint_bps = verdict->came_bps;
        return;
    }
    b->doubtful = false;
    b->hints = 2;
    b->high_bps = verdict->sent_bps;
    b->hint_bps = verdict->came_bps > b->hint_bps ? verdict->came_bps : b->hint_bps; /* the less disturbed of the two */
    if (b->low_bps > b->high_bps) {
        b->low_bps = b->high_bps; /* what was free is not any more */
    }
    choose(b);
}

/* Beyond what is lost anyhow, as a share. */
static double lost_more(const struct pt_bandwidth *b, const struct pt_train_verdict *verdict, uint32_t len)
{
    double usual = b->fast_packets > 0 ? (double)b->fast_lost / b->fast_packets : 0;
    double more = (double)verdict->lost / len - usual;
    return more > LOST_SLOW + 0.6 / sqrt(len) ? more : 0;
}

void pt_bandwidth_put(struct pt_bandwidth *b, const struct pt_train *train)
{
    struct pt_train_verdict verdict;
    pt_assert(b->next_bps != 0);
    pt_train_judge(train, &verdict);
    verdict.sent_bps = verdict.sent_bps < b->next_bps ? verdict.sent_bps : b->next_bps;
    verdict.came_bps = verdict.came_bps < b->next_bps ? verdict.came_bps : b->next_bps;
    double lost = lost_more(b, &verdict, train->len), left_bps = (double)verdict.sent_bps * (1 - lost);
    if (lost > 0) {
        verdict.slow = true;
        verdict.came_bps = (double)verdict.came_bps > left_bps ? (uint64_t)left_bps : verdict.came_bps;
    }
    b->trains++;
    b->packets += train->len;
    b->bytes += (uint64_t)train->len * PT_TRAIN_SIZE;
    if (verdict.spoiled && b->spoiled < SPOILED_MAX) {
        b->spoiled++; /* the same once more */
    } else if (verdict.slow) {
        put_slow(b, &verdict);
    } else {
        b->fast_packets += train->len;
        b->fast_lost += verdict.lost;
        put_fast(b, &verdict);
    }
    if (b->trains == PT_TRAINS_MAX) {
        b->next_bps = 0;
    }
}

uint64_t pt_bandwidth_estimate(const struct pt_bandwidth *b)
{
    return b->high_bps == 0 || b->low_bps == 0 ? b->low_bps : (b->low_bps + b->high_bps) / 2;
}
