/*
 * Width is counted in characters of UTF-8, each taken as one column wide. When a table is too wide, the
 * widest column is narrowed, again and again, and the first one last: what is short stays whole.
 */
#include "cli/table.h"

#include "base/assert.h"
#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define CELL_WIDTH_MIN 8

struct pt_cli_row {
    struct pt_cli_row *next;
    const char *cells[PT_CLI_COLUMNS_MAX];
};

static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text++) {
        width += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return width;
}

void pt_cli_table_init(struct pt_cli_table *table, struct pt_arena *arena)
{
    *table = (struct pt_cli_table){.arena = arena};
}

void pt_cli_table_column(struct pt_cli_table *table, const char *header)
{
    pt_assert(table->columns_len < PT_CLI_COLUMNS_MAX && table->rows_len == 0);
    table->headers[table->columns_len++] = header;
}

void pt_cli_table_row(struct pt_cli_table *table, const char *const *cells)
{
    struct pt_cli_row *row = PT_NEW(table->arena, struct pt_cli_row);
    for (size_t i = 0; i < table->columns_len; i++) {
        char *cell = pt_arena_strdup(table->arena, cells[i][0] != '\0' ? cells[i] : "-");
        pt_text_clean(cell); /* a value must not steer the terminal */
        row->cells[i] = cell;
    }
    if (table->last == NULL) {
        table->first = row;
    } else {
        table->last->next = row;
    }
    table->last = row;
    table->rows_len++;
}

/* ---- layout --------------------------------------------------------------------------------------------------- */

static void measure(const struct pt_cli_table *table, size_t widths[])
{
    for (size_t i = 0; i < table->columns_len; i++) {
        widths[i] = width_of(table->headers[i]);
    }
    for (const struct pt_cli_row *row = table->first; row != NULL; row = row->next) {
        for (size_t i = 0; i < table->columns_len; i++) {
            size_t width = width_of(row->cells[i]);
            widths[i] = width > widths[i] ? width : widths[i];
        }
    }
}

static void narrow(const struct pt_cli_table *table, size_t width_max, size_t widths[])
{
    size_t total = table->columns_len > 0 ? 2 * (table->columns_len - 1) : 0;
    for (size_t i = 0; i < table->columns_len; i++) {
        total += widths[i];
    }
    while (total > width_max) {
        /* The first column is the name, which people copy: it is narrowed last. */
        size_t widest = table->columns_len > 1 ? 1 : 0;
        for (size_t i = 2; i < table->columns_len; i++) {
            widest = widths[i] > widths[widest] ? i : widest;
        }
        widest = widths[widest] <= CELL_WIDTH_MIN ? 0 : widest;
        if (widths[widest] <= CELL_WIDTH_MIN) {
            return; /* the terminal wraps; better than cells that say nothing */
        }
        widths[widest]--;
        total--;
    }
}

/* At most `width` characters; a '~' at the end says that there was more. */
static void put_cell(const char *text, size_t width, bool pad, struct pt_buf *out)
{
    size_t have = width_of(text);
    size_t keep = have > width ? width - 1 : have;
    const char *end = text;
    for (size_t i = 0; i < keep; i++) {
        do {
            end++;
        } while (((unsigned char)*end & 0xc0) == 0x80);
    }
    pt_buf_append(out, text, (size_t)(end - text));
    if (have > width) {
        pt_buf_append_u8(out, '~');
        have = width;
    }
    if (pad) {
        pt_buf_printf(out, "%*s", (int)(width - have + 2), "");
    }
}

static void put_line(const struct pt_cli_table *table, const char *const *cells, const size_t widths[],
                     struct pt_buf *out)
{
    for (size_t i = 0; i < table->columns_len; i++) {
        put_cell(cells[i], widths[i], i + 1 < table->columns_len, out);
    }
    pt_buf_append_u8(out, '\n');
}

void pt_cli_table_render(const struct pt_cli_table *table, size_t width_max, struct pt_buf *out)
{
    size_t widths[PT_CLI_COLUMNS_MAX] = {0};
    measure(table, widths);
    if (width_max > 0) {
        narrow(table, width_max, widths);
    }
    put_line(table, table->headers, widths, out);
    for (const struct pt_cli_row *row = table->first; row != NULL; row = row->next) {
        put_line(table, row->cells, widths, out);
    }
}

/* ---- resources ------------------------------------------------------------------------------------------------ */

char *pt_cli_age(int64_t time_ns, int64_t now_ns, char text[16])
{
    int64_t seconds = (now_ns - time_ns) / 1000000000;
    seconds = seconds < 0 ? 0 : seconds; /* clocks differ a little */
    if (time_ns == 0) {
        (void)snprintf(text, 16, "-");
    } else if (seconds < 120) {
        (void)snprintf(text, 16, "%ds", (int)seconds);
    } else if (seconds < 120 * 60) {
        (void)snprintf(text, 16, "%dm", (int)(seconds / 60));
    } else if (seconds < 48 * 3600) {
        (void)snprintf(text, 16, "%dh", (int)(seconds / 3600));
    } else {
        (void)snprintf(text, 16, "%dd", (int)(seconds / 86400));
    }
    return text;
}

static size_t columns_of(const struct pt_resource_type *resource)
{
    size_t most = PT_CLI_COLUMNS_MAX - 2;
    return resource->columns_len < most ? resource->columns_len : most;
}

void pt_cli_table_kind(struct pt_cli_table *table, const struct pt_message_type *kind)
{
    const struct pt_resource_type *resource = kind->resource;
    pt_cli_table_column(table, "NAME");
    for (size_t i = 0; i < columns_of(resource); i++) {
        char *header = pt_arena_strdup(table->arena, resource->columns[i]);
        for (char *c = header; *c != '\0'; c++) {
            *c = (char)toupper((unsigned char)*c);
        }
        pt_cli_table_column(table, header);
    }
    if (!resource->view) {
        pt_cli_table_column(table, "AGE");
    }
}

/* Fractions of a second say nothing in a table. */
static void drop_fraction(const struct pt_message_type *type, const char *column, char *text)
{
    const struct pt_field_type *field = pt_message_field(type, column);
    char *point = strchr(text, '.');
    bool time = field != NULL && field->message != NULL && !field->repeated &&
                field->message->well_known == PT_WELL_KNOWN_TIMESTAMP;
    if (time && point != NULL) {
        memcpy(point, "Z", 2);
    }
}

void pt_cli_table_resource(struct pt_cli_table *table, const struct pt_cli_scope *scope, const struct pt_msg *resource,
                           int64_t now_ns)
{
    const struct pt_resource_type *type = resource->type->resource;
    const char *cells[PT_CLI_COLUMNS_MAX];
    size_t len = 0;
    cells[len++] = pt_cli_short_name(scope, pt_msg_str(resource, "name"));
    for (size_t i = 0; i < columns_of(type); i++) {
        struct pt_buf text = {0};
        if (pt_msg_text(resource, type->columns[i], &text, NULL) != PT_OK || text.size == 0) {
            cells[len++] = "-";
        } else {
            char *cell = pt_arena_strndup(table->arena, (const char *)text.data, text.size);
            drop_fraction(resource->type, type->columns[i], cell);
            cells[len++] = pt_cli_short_name(scope, cell);
        }
        pt_buf_fini(&text);
    }
    char age[16];
    if (!type->view) {
        cells[len++] = pt_cli_age(pt_msg_time(resource, "create_time"), now_ns, age);
    }
    pt_cli_table_row(table, cells);
}
