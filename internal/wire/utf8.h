/*
 * UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. Private to this folder.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True for well-formed text without NUL. */
bool pt_utf8_valid(const uint8_t *text, size_t size);
/* Write a code point (valid, not a surrogate); returns the bytes used, 1..4. */
size_t pt_utf8_put(uint32_t point, uint8_t out[4]);
