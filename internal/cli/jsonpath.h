/*
 * JSONPath templates, as kubectl has them: `{.items[*].name}`, `{range .items[*]}{.name}{"\t"}{.region}{"\n"}{end}`.
 *
 * Within braces: a path, a quoted text, `range PATH` ... `end`. A path begins with `$` (the whole), `@` or nothing (the
 * element of the range, or the whole) and goes on with
 *   .name ['name'] ['a','b']   members, by the name that JSON has or the schema's: adminState, admin_state
 *   [0] [-1] [0:2]             elements        .* [*]   all of them        ..name   at any depth
 *   [?(@.region == "eu")]      elements for which it holds: == != < <= > >=, or just @.path when it is there
 * An expression without braces stands for one path. What is not there prints nothing.
 */
#pragma once

#include "cli/value.h"

#define PT_CLI_JSONPATH_STEPS_MAX 24
#define PT_CLI_JSONPATH_RANGES_MAX 8 /* within each other */
#define PT_CLI_JSONPATH_FOUND_MAX 1000000

/* Appends what the template makes of `root`; several results of one path stand with a space between, texts bare,
 * arrays and objects as JSON. The arena is for the time of the call. PT_INVALID_ARGUMENT with what is wrong where. */
PT_MUST enum pt_code pt_cli_jsonpath(const char *expression, const struct pt_cli_value *root, struct pt_arena *arena,
                                     struct pt_buf *out, struct pt_error *reterr);
