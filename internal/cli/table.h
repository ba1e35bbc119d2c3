/*
 * Tables: columns as wide as their widest cell, two spaces between, the widest ones cut where a terminal is too narrow.
 */
#pragma once

#include "base/arena.h"
#include "cli/names.h"

#define PT_CLI_COLUMNS_MAX 24

struct pt_cli_row;
struct pt_cli_table {
    struct pt_arena *arena;
    const char *headers[PT_CLI_COLUMNS_MAX];
    size_t columns_len;
    struct pt_cli_row *first, *last;
    size_t rows_len;
};

void pt_cli_table_init(struct pt_cli_table *table, struct pt_arena *arena);
void pt_cli_table_column(struct pt_cli_table *table, const char *header);
/* One cell for each column; copied. Control characters become '?'. */
void pt_cli_table_row(struct pt_cli_table *table, const char *const *cells);
/* width_max: columns of the terminal, 0 for no limit. Nothing is printed after the last cell of a line. */
void pt_cli_table_render(const struct pt_cli_table *table, size_t width_max, struct pt_buf *out);

/* A table of one kind: NAME, the columns that its schema names, AGE. */
void pt_cli_table_kind(struct pt_cli_table *table, const struct pt_message_type *kind);
void pt_cli_table_resource(struct pt_cli_table *table, const struct pt_cli_scope *scope, const struct pt_msg *resource,
                           int64_t now_ns);
/* "5s", "3m", "4h", "12d"; "-" for a time that is not set. */
char *pt_cli_age(int64_t time_ns, int64_t now_ns, char text[16]);
