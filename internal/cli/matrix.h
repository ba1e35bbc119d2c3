/*
 * The traffic matrix for people, and as Demand documents that apply reads back.
 */
#pragma once

#include "cli/names.h"

/* The field of a MatrixCell that a word means: now, p50, p95, max, next (the forecast), usual (of this hour of the
 * day). NULL for another word. */
const char *pt_cli_matrix_field(const char *word);
/* A line a cell of a GetTrafficMatrixResponse, below a heading. */
void pt_cli_matrix_table(const struct pt_cli_scope *scope, const struct pt_msg *reply, struct pt_arena *arena,
                         struct pt_buf *out);
/* A JSON list of Demand documents below `parent`, of the cells whose `field` is above 0. A cell has the same name in
 * every export, so that a later one takes the place of an earlier one. */
void pt_cli_matrix_demands(const struct pt_msg *reply, const char *parent, const char *field, struct pt_buf *out);
