/*
 * The schema as help: kinds, fields, rules, and words for the shell.
 */
#pragma once

#include "cli/table.h"

/* "link", "link.capacity_up_bps", "edge.lan_interfaces.segment". */
PT_MUST enum pt_code pt_cli_explain(const struct pt_schema *schema, const char *path, struct pt_buf *out,
                                    struct pt_error *reterr);
void pt_cli_kinds(const struct pt_schema *schema, struct pt_arena *arena, struct pt_buf *out);
/* A script for bash: verbs, flags, kinds, and the fields of a kind for create, update and explain. */
void pt_cli_completion_bash(const struct pt_schema *schema, struct pt_buf *out);
