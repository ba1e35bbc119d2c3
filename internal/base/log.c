#include "base/log_priv.h"

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

#define LINE_SIZE (3 * PT_LOG_FIELDS_SIZE) /* of JSON: escapes take room */

static void time_text(char text[40])
{
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t at = strftime(text, 40, "%Y-%m-%dT%H:%M:%S", &utc);
    (void)snprintf(text + at, 40 - at, ".%03ldZ", now.tv_nsec / 1000000);
}

void pt_log_write(const struct pt_log *log, enum pt_log_level level, const char *event, const char *fields, ...)
{
    if (log == NULL || level < log->level_min) {
        return;
    }
    char line[LINE_SIZE];
    char time[40] = "";
    size_t at = 0;
    if (log->sink == NULL) {
        time_text(time);
    }
    if (log->json) {
        char text[PT_LOG_FIELDS_SIZE];
        va_list args;
        va_start(args, fields);
        (void)pt_log_fields(text, sizeof(text), fields, args);
        va_end(args);
        const struct pt_log_line parts = {.time = time,
                                          .level = levels[level],
                                          .node = log->node != NULL ? log->node : "",
                                          .event = event,
                                          .fields = text};
        at = pt_log_json(&parts, line, sizeof(line) - 1);
    } else {
        int head = snprintf(line, PT_LOG_FIELDS_SIZE, "%s%s%-5s %s%s%s%s", time, time[0] != '\0' ? " " : "",
                            levels[level], log->node != NULL ? log->node : "", log->node != NULL ? ": " : "", event,
                            fields[0] != '\0' ? " " : "");
        if (head > 0 && (size_t)head < PT_LOG_FIELDS_SIZE - 1) {
            va_list args;
            va_start(args, fields);
            (void)pt_log_fields(line + head, PT_LOG_FIELDS_SIZE - (size_t)head, fields, args);
            va_end(args);
        }
        at = strnlen(line, PT_LOG_FIELDS_SIZE - 1);
    }
    if (log->sink != NULL) {
        log->sink(log->context, level, line);
    } else {
        /* One write call, so that lines of threads do not mix. */
        line[at] = '\n';
        (void)fwrite(line, 1, at + 1, stderr);
    }
}
