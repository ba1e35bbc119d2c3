/*
 * Any JSON as a tree, for documents whose shape is somebody else's: tokens, key sets, discovery documents. What has a
 * schema is read by json.h.
 *
 * Strict: one value and nothing behind it, no member twice (two readers could choose differently), no NUL in strings,
 * numbers kept as they are written. Everything lives in the arena.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define PT_JSON_VALUE_SIZE_MAX (256U << 10)
#define PT_JSON_VALUE_DEPTH_MAX 16
#define PT_JSON_VALUE_ITEMS_MAX 1024 /* of one array or object */

enum pt_json_type { PT_JSON_NULL, PT_JSON_BOOL, PT_JSON_NUMBER, PT_JSON_STRING, PT_JSON_ARRAY, PT_JSON_OBJECT };

struct pt_json_value {
    enum pt_json_type type;
    bool truth;                        /* BOOL */
    const char *text;                  /* STRING unescaped, NUMBER as written */
    const char *key;                   /* of a member of an object */
    const struct pt_json_value *items; /* ARRAY, OBJECT */
    size_t len;
};

PT_MUST enum pt_code pt_json_value_read(struct pt_bytes json, struct pt_arena *arena,
                                        const struct pt_json_value **ret_value, struct pt_error *reterr);
/* A member of an object; NULL when there is none, or when it is no object. value may be NULL. */
const struct pt_json_value *pt_json_member(const struct pt_json_value *value, const char *key);
/* The text of a string member; "" when there is none or it is something else. */
const char *pt_json_text(const struct pt_json_value *value, const char *key);
/* A whole number of at most 15 digits, not negative: no fraction, no exponent, no sign. */
bool pt_json_whole(const struct pt_json_value *value, int64_t *ret_number);
