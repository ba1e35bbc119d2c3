/*
 * Quantiles of many values in little memory: counts in buckets whose bounds grow by a constant factor (the idea of
 * DDSketch, Masson and others, VLDB 2019).
 *
 * Any quantile is within PT_SKETCH_ERROR of a value of that rank, relatively, whatever the distribution: 50 ms is said
 * to be 49 to 51. Sketches of the same kind add up: the sum is exactly the sketch of all values. Values are 1 to
 * PT_SKETCH_MAX; smaller and larger ones count as the ends.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define PT_SKETCH_ERROR 0.02
#define PT_SKETCH_MAX 100000000U /* us: 100 s */
#define PT_SKETCH_BUCKETS 462    /* log(PT_SKETCH_MAX) / log((1 + error) / (1 - error)), and both ends */

struct pt_sketch {
    uint64_t total;
    uint32_t counts[PT_SKETCH_BUCKETS];
};

void pt_sketch_clear(struct pt_sketch *sketch);
void pt_sketch_add(struct pt_sketch *sketch, uint32_t value);
/* The value of rank q (0 to 1) within PT_SKETCH_ERROR; 0 when it is empty. */
uint32_t pt_sketch_quantile(const struct pt_sketch *sketch, double q);
void pt_sketch_merge(struct pt_sketch *sum, const struct pt_sketch *term);

/* A closed sketch without its empty buckets. At most PT_SKETCH_PACKED: of more, the lowest are put together, which
 * keeps the error of the higher quantiles. */
#define PT_SKETCH_PACKED 64
struct pt_sketch_packed {
    uint16_t len;
    struct {
        uint16_t bucket, count; /* counts stop at 65,535 */
    } items[PT_SKETCH_PACKED];
};
void pt_sketch_pack(const struct pt_sketch *sketch, struct pt_sketch_packed *ret_packed);
void pt_sketch_merge_packed(struct pt_sketch *sum, const struct pt_sketch_packed *term);
