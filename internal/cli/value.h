/*
 * JSON as a tree, for what looks at values without knowing a type: YAML, JSONPath, the file of contexts. Messages are
 * read by wire/json.h; this is for everything else.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>

#define PT_CLI_VALUE_DEPTH_MAX 100 /* arrays and objects within each other */

enum pt_cli_value_kind {
    PT_CLI_VALUE_NULL,
    PT_CLI_VALUE_BOOL,
    PT_CLI_VALUE_NUMBER,
    PT_CLI_VALUE_STRING,
    PT_CLI_VALUE_ARRAY,
    PT_CLI_VALUE_OBJECT
};

struct pt_cli_value {
    enum pt_cli_value_kind kind;
    const char *key;  /* of a member of an object; else NULL */
    const char *text; /* of a scalar: as written, strings without quotes and escapes; NUL-terminated */
    size_t size;      /* bytes of text, which may hold NUL */
    struct pt_cli_value *first, *next;
    size_t len; /* elements or members */
};

/* One value with nothing behind it. PT_INVALID_ARGUMENT with "line L" in `field`. Lives in the arena. */
PT_MUST enum pt_code pt_cli_value_read(const char *text, size_t size, struct pt_arena *arena,
                                       const struct pt_cli_value **ret_value, struct pt_error *reterr);
/* A member by name; NULL when there is none, or `value` is no object. */
const struct pt_cli_value *pt_cli_value_member(const struct pt_cli_value *value, const char *key);
/* The text of a string member; `fallback` when it is absent or something else. */
const char *pt_cli_value_text(const struct pt_cli_value *value, const char *key, const char *fallback);
/* Compact JSON. */
void pt_cli_value_json(const struct pt_cli_value *value, struct pt_buf *out);
