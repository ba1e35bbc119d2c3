/*
 * exp and log of our own: the library's differ in the last bit from one processor to the next, and an answer must be
 * the same bits wherever it is recomputed. Relative error below 1e-8. Private to the folder.
 */
#pragma once

#include <stdint.h>
#include <string.h>

/* 0 below -700; the argument is at most 700. */
static inline double flow_exp(double x)
{
    if (x < -700) {
        return 0;
    }
    double turns = x * 1.4426950408889634;
    int64_t k = (int64_t)(turns + (turns < 0 ? -0.5 : 0.5));
    double r = x - (double)k * 0.6931471805599453;
    double sum = 1.0 / 5040;
    sum = sum * r + 1.0 / 720;
    sum = sum * r + 1.0 / 120;
    sum = sum * r + 1.0 / 24;
    sum = sum * r + 1.0 / 6;
    sum = sum * r + 0.5;
    sum = sum * r + 1;
    sum = sum * r + 1;
    uint64_t bits = (uint64_t)(k + 1023) << 52;
    double scale = 0;
    memcpy(&scale, &bits, sizeof(scale));
    return sum * scale;
}

/* The argument is positive and normal. */
static inline double flow_log(double x)
{
    uint64_t bits = 0;
    memcpy(&bits, &x, sizeof(bits));
    int64_t k = (int64_t)(bits >> 52) - 1023;
    bits = (bits & 0xfffffffffffffU) | 0x3ff0000000000000U;
    double m = 0;
    memcpy(&m, &bits, sizeof(m));
    if (m > 1.4142135623730951) {
        m *= 0.5;
        k++;
    }
    double s = (m - 1) / (m + 1);
    double q = s * s;
    double sum = ((((q / 9 + 1.0 / 7) * q + 1.0 / 5) * q + 1.0 / 3) * q + 1) * s * 2;
    return sum + (double)k * 0.6931471805599453;
}
