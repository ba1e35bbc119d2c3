/*
 * Structured log: an event in constant text, then fields as key=value.
 *
 * The log is an object, not a global: a node gets one and hands it down. Library code does not log (style 13). Secrets
 * have no formatter. Thread-safe: a line is written whole.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pt_log_level { PT_LOG_DEBUG, PT_LOG_INFO, PT_LOG_WARN, PT_LOG_ERROR };

struct pt_log {
    enum pt_log_level level_min;
    /* Takes a finished line without newline; NULL writes it to standard error. */
    void (*sink)(void *context, enum pt_log_level level, const char *line);
    void *context;
    const char *node; /* shown in each line; may be NULL; borrowed */
    bool json;        /* each line is one JSON object (log_json.c) */
};

/* pt_log_info(log, "bundle applied", "site=%s generation=%" PRIu64, site, generation); fields may be "". log may be
 * NULL: nothing is written. */
__attribute__((format(printf, 4, 5))) void pt_log_write(const struct pt_log *log, enum pt_log_level level,
                                                        const char *event, const char *fields, ...);

#define pt_log_debug(log, event, ...) pt_log_write((log), PT_LOG_DEBUG, (event), __VA_ARGS__)
#define pt_log_info(log, event, ...) pt_log_write((log), PT_LOG_INFO, (event), __VA_ARGS__)
#define pt_log_warn(log, event, ...) pt_log_write((log), PT_LOG_WARN, (event), __VA_ARGS__)
#define pt_log_error(log, event, ...) pt_log_write((log), PT_LOG_ERROR, (event), __VA_ARGS__)

/* One line as JSON, into text of at least 128 bytes; what does not fit is left out, field by field, and said so. The
 * parts are "" where there is nothing. Returns its length. */
struct pt_log_line {
    const char *time, *level, *node, *event;
    const char *fields; /* key=value key="a value" */
};
size_t pt_log_json(const struct pt_log_line *line, char *text, size_t size);

/* "debug", "info", "warn", "error"; -1 for anything else. */
int pt_log_level_parse(const char *text);
