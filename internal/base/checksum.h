/*
 * The Internet checksum (RFC 1071): the ones' complement of the ones' complement sum of 16-bit words.
 *
 *    checksum = ~pt_checksum_fold(pt_checksum_add(data, size, sum of what stands before))
 *
 * Sums are added to in any order, as long as each part but the last has an even size.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Add the words, big-endian, of a part; an odd last byte counts as the upper half of one. */
uint32_t pt_checksum_add(const uint8_t *data, size_t size, uint32_t sum);
/* A sum in 16 bits. */
uint16_t pt_checksum_fold(uint32_t sum);
