/*
 * What traffic engineering answers, for people: rates, and the paths of a pair of sites.
 */
#pragma once

#include "base/buf.h"
#include "cli/names.h"

/* "1.50 Gbit/s". */
const char *pt_cli_rate(uint64_t bps, struct pt_arena *arena);
/* Name of the value that an enum field has; "" when the schema does not know it. */
const char *pt_cli_value_name(const struct pt_msg *msg, const char *field);
/* An ExplainedPath: what it carries and why, what was measured, its links. */
void pt_cli_explained_path(const struct pt_cli_scope *scope, const struct pt_msg *path, struct pt_arena *arena,
                           struct pt_buf *out);
