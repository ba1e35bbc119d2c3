/*
 * The lexical half of the JSON reader: white space, strings, numbers, skipping. Private to this folder.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "wire/path.h"

#define PT_JSON_DEPTH_MAX 100 /* of arrays and objects, where a value is skipped */

struct pt_json_scan {
    const char *start;
    const char *at;
    const char *end;
    struct pt_arena *arena;
    struct pt_error *reterr;
};

/* Fail at a place of the text: field is "line L, column C"; the text starts with the path, when there is one. */
PT_PRINTF(5, 6)
enum pt_code pt_json_fail(const struct pt_json_scan *scan, const char *at, enum pt_reason reason,
                          const struct pt_path *path, const char *format, ...);
/* Skip white space and give the next byte, 0 at the end. */
char pt_json_peek(struct pt_json_scan *scan);
/* Take the byte, or fail. */
PT_MUST enum pt_code pt_json_expect(struct pt_json_scan *scan, char c, const struct pt_path *path);
/* Take a word (true, false, null) when it stands there whole. */
bool pt_json_take_word(struct pt_json_scan *scan, const char *word);
/* A string, unescaped, in the arena, NUL-terminated; NUL in it is refused. */
PT_MUST enum pt_code pt_json_string(struct pt_json_scan *scan, const struct pt_path *path, struct pt_bytes *ret_text);
/* A number as it is written, in the arena. */
PT_MUST enum pt_code pt_json_number(struct pt_json_scan *scan, const struct pt_path *path, struct pt_bytes *ret_text);
/* Any value, not looked at. */
PT_MUST enum pt_code pt_json_skip(struct pt_json_scan *scan, const struct pt_path *path, unsigned depth);
