#include "wire/path.h"

#include <stdio.h>
#include <string.h>

/* Append the frame's own piece at *at; snprintf cuts and *at then stays at the end. */
static void append_frame(const struct pt_path *path, char *text, size_t size, size_t *at)
{
    const char *dot = *at > 0 ? "." : "";
    int n;
    if (path->key != NULL) {
        n = snprintf(text + *at, size - *at, "%s%s.%s", dot, path->name, path->key);
    } else if (path->index != PT_PATH_NO_INDEX) {
        n = snprintf(text + *at, size - *at, "%s%s[%zu]", dot, path->name, path->index);
    } else {
        n = snprintf(text + *at, size - *at, "%s%s", dot, path->name);
    }
    if (n > 0) {
        *at = *at + (size_t)n < size ? *at + (size_t)n : size - 1;
    }
}

char *pt_path_format(const struct pt_path *path, char *text, size_t size)
{
    /* The walks are bounded by PT_MESSAGE_DEPTH_MAX; a deeper chain loses its outermost frames only. */
    const struct pt_path *frames[PT_PATH_LEN_MAX];
    size_t len = 0;
    for (; path != NULL && len < PT_PATH_LEN_MAX; path = path->parent) {
        frames[len++] = path;
    }
    size_t at = 0;
    text[0] = '\0';
    while (len > 0) {
        append_frame(frames[--len], text, size, &at);
    }
    return text;
}

enum pt_code pt_fail_at(struct pt_error *reterr, enum pt_reason reason, const struct pt_path *path, const char *format,
                        ...)
{
    if (reterr == NULL) {
        return PT_INVALID_ARGUMENT;
    }
    char field[PT_ERROR_FIELD_SIZE];
    char text[PT_ERROR_TEXT_SIZE];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return pt_fail(reterr, PT_INVALID_ARGUMENT, reason, pt_path_format(path, field, sizeof(field)), "%s", text);
}
