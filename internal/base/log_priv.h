/*
 * What the files of the log share. Private to them.
 */
#pragma once

#include "base/log.h"

#include <stdarg.h>

#define PT_LOG_FIELDS_SIZE 2048U

/* Fields by their format, what is put in escaped; at most size - 1 bytes and a NUL. Returns the length. */
__attribute__((format(printf, 3, 0))) size_t pt_log_fields(char *text, size_t size, const char *format, va_list args);
