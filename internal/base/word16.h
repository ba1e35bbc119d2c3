/*
 * 16-bit words in network order, at any address. Those of 32 and 64 bits stand in buf.h.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

static inline uint16_t pt_be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

/* The low 16 bits of the value. */
static inline void pt_put_be16(uint8_t *p, size_t value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}
