#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *const levels[] = {"debug", "info", "warn", "error"};

int pt_log_level_parse(const char *text)
{
    for (int i = 0; i < 4; i++) {
        if (strcmp(levels[i], text) == 0) {
            return i;
        }
    }
    return -1;
}

void pt_log_write(const struct pt_log *log, enum pt_log_level level, const char *event, const char *fields, ...)
{
    if (log == NULL || level < log->level_min) {
        return;
    }
    char line[2048];
    int at = 0;
    if (log->sink == NULL) {
        struct timespec now;
        struct tm utc;
        clock_gettime(CLOCK_REALTIME, &now);
        gmtime_r(&now.tv_sec, &utc);
        at = (int)strftime(line, sizeof(line), "%Y-%m-%dT%H:%M:%S", &utc);
        at += snprintf(line + at, sizeof(line) - (size_t)at, ".%03ldZ ", now.tv_nsec / 1000000);
    }
    at += snprintf(line + at, sizeof(line) - (size_t)at, "%-5s %s%s%s%s", levels[level],
                   log->node != NULL ? log->node : "", log->node != NULL ? ": " : "", event,
                   fields[0] != '\0' ? " " : "");
    if (at > 0 && (size_t)at < sizeof(line) - 1) {
        va_list args;
        va_start(args, fields);
        (void)vsnprintf(line + at, sizeof(line) - (size_t)at, fields, args);
        va_end(args);
    }
    if (log->sink != NULL) {
        log->sink(log->context, level, line);
    } else {
        /* One write call, so that lines of threads do not mix. */
        size_t len = strnlen(line, sizeof(line) - 2);
        line[len] = '\n';
        (void)fwrite(line, 1, len + 1, stderr);
    }
}
