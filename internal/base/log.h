/*
 * Structured log: an event in constant text, then fields as key=value.
 *
 * The log is an object, not a global: a node gets one and hands it down. Library code does not log (style 13). Secrets
 * have no formatter. Thread-safe: a line is written whole.
 */
#pragma once

#include <stdint.h>

enum pt_log_level { PT_LOG_DEBUG, PT_LOG_INFO, PT_LOG_WARN, PT_LOG_ERROR };

struct pt_log {
    enum pt_log_level level_min;
    /* Takes a finished line without newline; NULL writes it to standard error. */
    void (*sink)(void *context, enum pt_log_level level, const char *line);
    void *context;
    const char *node; /* shown in each line; may be NULL; borrowed */
};

/* pt_log_info(log, "bundle applied", "site=%s generation=%" PRIu64, site, generation); fields may be "". log may be
 * NULL: nothing is written. */
__attribute__((format(printf, 4, 5))) void pt_log_write(const struct pt_log *log, enum pt_log_level level,
                                                        const char *event, const char *fields, ...);

#define pt_log_debug(log, event, ...) pt_log_write((log), PT_LOG_DEBUG, (event), __VA_ARGS__)
#define pt_log_info(log, event, ...) pt_log_write((log), PT_LOG_INFO, (event), __VA_ARGS__)
#define pt_log_warn(log, event, ...) pt_log_write((log), PT_LOG_WARN, (event), __VA_ARGS__)
#define pt_log_error(log, event, ...) pt_log_write((log), PT_LOG_ERROR, (event), __VA_ARGS__)

/* "debug", "info", "warn", "error"; -1 for anything else. */
int pt_log_level_parse(const char *text);
