/*
 * The schema as help: kinds, fields, rules.
 */
#pragma once

#include "cli/table.h"

/* "link", "link.capacity_up_bps", "edge.lan_interfaces.segment". */
PT_MUST enum pt_code pt_cli_explain(const struct pt_schema *schema, const char *path, struct pt_buf *out,
                                    struct pt_error *reterr);
void pt_cli_kinds(const struct pt_schema *schema, struct pt_arena *arena, struct pt_buf *out);
