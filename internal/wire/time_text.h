/*
 * Timestamps, durations and base64 as text, the way JSON and tables show them. Private to this folder.
 */
#pragma once

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define PT_TIME_TEXT_SIZE 40

/* RFC 3339 in UTC with 0, 3, 6 or 9 digits behind the point. False when out of the years 1 to 9999 or nanos is no
 * fraction; then text is untouched. */
bool pt_timestamp_format(int64_t seconds, int64_t nanos, char text[PT_TIME_TEXT_SIZE]);
/* Any RFC 3339 time of at most 9 digits behind the point. */
bool pt_timestamp_parse(const char *text, int64_t *ret_seconds, int32_t *ret_nanos);
/* "1.5s". False when seconds and nanos do not make a duration. */
bool pt_duration_format(int64_t seconds, int64_t nanos, char text[PT_TIME_TEXT_SIZE]);
/* Seconds with a fraction of at most 9 digits and an "s". */
bool pt_duration_parse(const char *text, int64_t *ret_seconds, int32_t *ret_nanos);

/* Standard alphabet with padding. */
void pt_base64_write(struct pt_bytes data, struct pt_buf *out);
/* Standard or URL alphabet, padding optional; false when it is neither. */
bool pt_base64_read(struct pt_bytes text, struct pt_buf *out);
