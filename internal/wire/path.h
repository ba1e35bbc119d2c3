/*
 * Field paths for error messages: `lan_interfaces[0].prefixes[2]`, `labels.tier`.
 *
 * A path is a chain of frames on the stack of a recursive walk, the innermost first; text is made only when something
 * fails. Private to this folder.
 */
#pragma once

#include "base/error.h"
#include "base/limits.h"
#include "wire/msg.h"

#include <stdarg.h>

#define PT_PATH_NO_INDEX SIZE_MAX
#define PT_PATH_LEN_MAX (PT_MESSAGE_DEPTH_MAX + 8)

struct pt_path {
    const struct pt_path *parent; /* NULL at the top */
    const char *name;             /* name of the field */
    const char *key;              /* of a map entry, instead of an index; NULL when there is none or not known yet */
    size_t index;                 /* in a repeated field, or PT_PATH_NO_INDEX */
};

/* Write the path into text, cut short when it does not fit. NULL gives "". Returns text. */
char *pt_path_format(const struct pt_path *path, char *text, size_t size);

/* pt_fail with the field as a path; PT_INVALID_ARGUMENT. */
PT_PRINTF(4, 5)
enum pt_code pt_fail_at(struct pt_error *reterr, enum pt_reason reason, const struct pt_path *path, const char *format,
                        ...);
