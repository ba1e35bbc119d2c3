/* Bucket n holds values in (g^(n-1), g^n] with g = (1 + error) / (1 - error); 2 g^n / (g + 1) is within the error of
 * all. */
#include "measure/sketch.h"

#include <math.h>
#include <string.h>

#define GROWTH ((1 + PT_SKETCH_ERROR) / (1 - PT_SKETCH_ERROR))

static size_t bucket_of(uint32_t value)
{
    if (value <= 1) {
        return 0;
    }
    double n = ceil(log((double)value) / log(GROWTH));
    return n < PT_SKETCH_BUCKETS - 1 ? (size_t)n : PT_SKETCH_BUCKETS - 1;
}

static uint32_t value_of(size_t bucket)
{
    double value = 2 * pow(GROWTH, (double)bucket) / (GROWTH + 1);
    return value < 1 ? 1 : (uint32_t)(value + 0.5);
}

void pt_sketch_clear(struct pt_sketch *sketch)
{
    memset(sketch, 0, sizeof(*sketch));
}

void pt_sketch_add(struct pt_sketch *sketch, uint32_t value)
{
    uint32_t *count = &sketch->counts[bucket_of(value)];
    if (*count < UINT32_MAX) {
        (*count)++;
        sketch->total++;
    }
}

uint32_t pt_sketch_quantile(const struct pt_sketch *sketch, double q)
{
    uint64_t rank = (uint64_t)(q * (double)(sketch->total > 0 ? sketch->total - 1 : 0));
    uint64_t below = 0;
    for (size_t i = 0; i < PT_SKETCH_BUCKETS; i++) {
        below += sketch->counts[i];
        if (below > rank) {
            return value_of(i);
        }
    }
    return 0;
}

void pt_sketch_merge(struct pt_sketch *sum, const struct pt_sketch *term)
{
    for (size_t i = 0; i < PT_SKETCH_BUCKETS; i++) {
        uint32_t room = UINT32_MAX - sum->counts[i];
        uint32_t more = term->counts[i] < room ? term->counts[i] : room;
        sum->counts[i] += more;
        sum->total += more;
    }
}

void pt_sketch_pack(const struct pt_sketch *sketch, struct pt_sketch_packed *ret_packed)
{
    memset(ret_packed, 0, sizeof(*ret_packed));
    for (size_t i = PT_SKETCH_BUCKETS; i-- > 0;) { /* from the highest: they are kept apart */
        uint32_t count = sketch->counts[i];
        if (count == 0) {
            continue;
        }
        if (ret_packed->len < PT_SKETCH_PACKED) {
            ret_packed->items[ret_packed->len++].bucket = (uint16_t)i;
        }
        uint32_t sum = count + ret_packed->items[ret_packed->len - 1].count;
        ret_packed->items[ret_packed->len - 1].count = (uint16_t)(sum < UINT16_MAX ? sum : UINT16_MAX);
    }
}

void pt_sketch_merge_packed(struct pt_sketch *sum, const struct pt_sketch_packed *term)
{
    for (size_t i = 0; i < term->len && i < PT_SKETCH_PACKED; i++) {
        if (term->items[i].bucket < PT_SKETCH_BUCKETS) {
            sum->counts[term->items[i].bucket] += term->items[i].count;
            sum->total += term->items[i].count;
        }
    }
}
