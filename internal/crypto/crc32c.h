/*
 * The portable CRC-32C, which the test compares with the processor's. Others call pt_crc32c.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

uint32_t pt_crc32c_table(uint32_t seed, const void *data, size_t size);
