/*
 * Views: reading for checks, for the plan and for whoever needs a resource by name.
 *
 * An open view reads the store at each call, so within apply it sees what the command has changed so far. A frozen view
 * (view_frozen.c) is constant: any thread may read it, nobody may write.
 *
 * Reads have no way to report a failing disk; a view remembers it, and apply looks before it trusts a verdict.
 */
#include "kind/machine.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

/* ---- rows ----------------------------------------------------------------------------------------------------- */

enum pt_code pt_kind_parse_row(struct pt_machine_kind *machine, const struct pt_row *row, struct pt_arena *arena,
                               struct pt_msg **ret_msg, struct pt_error *reterr)
{
    const struct pt_kind_info *info = pt_kind_info(machine, row->kind_id);
    const struct pt_parse_options options = {.unknown = PT_UNKNOWN_REFUSE, .size_max = UINT32_MAX};
    struct pt_error cause;
    pt_error_clear(&cause);
    if (info != NULL && pt_msg_parse(info->type, row->value, &options, arena, ret_msg, &cause) == PT_OK) {
        return PT_OK;
    }
    return pt_fail(reterr, PT_CORRUPT, PT_REASON_MESSAGE_MALFORMED, cause.field,
                   "the stored resource %.200s cannot be read: %s", row->name,
                   info != NULL ? cause.text : "its kind is not known to this binary; upgrade this node");
}

enum pt_code pt_kind_load(struct pt_machine_kind *machine, const char *name, struct pt_arena *arena,
                          struct pt_msg **ret_msg, struct pt_row *ret_row, struct pt_error *reterr)
{
    struct pt_row row;
    PT_TRY(pt_store_get(machine->store, name, arena, &row, reterr));
    PT_TRY(pt_kind_parse_row(machine, &row, arena, ret_msg, reterr));
    if (ret_row != NULL) {
        *ret_row = row;
    }
    return PT_OK;
}

bool pt_row_list_add(struct pt_row_list *list, const struct pt_row *row)
{
    if (list->len == list->capacity) {
        size_t capacity = list->capacity == 0 ? 16 : list->capacity * 2;
        struct pt_row *rows = pt_arena_array(list->arena, capacity, sizeof(*rows));
        if (list->len > 0) {
            memcpy(rows, list->rows, list->len * sizeof(*rows));
        }
        list->rows = rows;
        list->capacity = capacity;
    }
    list->rows[list->len++] = (struct pt_row){
        .name = pt_arena_strdup(list->arena, row->name),
        .kind_id = row->kind_id,
        .value = {pt_arena_memdup(list->arena, row->value.data, row->value.size), row->value.size},
        .uid = pt_arena_strdup(list->arena, row->uid),
        .etag = pt_arena_strdup(list->arena, row->etag),
        .revision = row->revision,
    };
    list->size += row->value.size;
    return true;
}

static bool copy_row(void *arg, const struct pt_row *row)
{
    return pt_row_list_add(arg, row);
}

enum pt_code pt_kind_rows(struct pt_machine_kind *machine, const struct pt_store_range *range, struct pt_row_list *list,
                          struct pt_error *reterr)
{
    return pt_store_scan(machine->store, range, copy_row, list, reterr);
}

bool pt_name_below(const char *pattern, const char *name)
{
    if (pattern[0] == '\0') {
        return true;
    }
    while (*pattern != '\0') {
        if (pattern[0] == '-' && (pattern[1] == '/' || pattern[1] == '\0')) { /* no id is "-" */
            pattern++;
            name += strcspn(name, "/");
        } else if (*pattern++ != *name++) {
            return false;
        }
    }
    return *name == '\0' || *name == '/';
}

/* ---- views ---------------------------------------------------------------------------------------------------- */

void pt_view_init(struct pt_view *view, struct pt_machine_kind *machine, struct pt_arena *memory, int64_t time_ns)
{
    *view =
        (struct pt_view){.machine = machine, .memory = memory, .time_ns = time_ns, .revision = machine->applied_index};
    pt_arena_init(&view->arena);
}

void pt_view_fini(struct pt_view *view)
{
    pt_view_frozen_fini(view);
    pt_arena_fini(&view->arena);
}

struct pt_view *pt_view_new(struct pt_machine_kind *machine)
{
    struct pt_view *view = malloc(sizeof(*view));
    pt_assert(view != NULL);
    pt_view_init(view, machine, NULL, machine->time_ns);
    view->memory = &view->arena;
    atomic_init(&view->refs, 1);
    return view;
}

void pt_view_free(struct pt_view *view)
{
    if (view != NULL && atomic_fetch_sub(&view->refs, 1) == 1) {
        pt_view_fini(view);
        free(view);
    }
}

uint64_t pt_view_revision(const struct pt_view *view)
{
    return view->revision;
}

const struct pt_schema *pt_view_schema(const struct pt_view *view)
{
    return view->machine->schema;
}

int64_t pt_view_time_ns(const struct pt_view *view)
{
    return view->time_ns;
}

void pt_view_failed(struct pt_view *view, enum pt_code code, const struct pt_error *error)
{
    if (view->error.code == PT_OK) {
        view->error = *error;
        view->error.code = code;
    }
}

const struct pt_msg *pt_view_get(struct pt_view *view, const char *name)
{
    if (view->frozen) {
        return pt_view_frozen_get(view, name);
    }
    struct pt_error error = {0};
    struct pt_msg *msg = NULL;
    enum pt_code code = pt_kind_load(view->machine, name, view->memory, &msg, NULL, &error);
    if (code != PT_OK && code != PT_NOT_FOUND) {
        pt_view_failed(view, code, &error);
    }
    return code == PT_OK ? msg : NULL;
}

/* ---- scans ---------------------------------------------------------------------------------------------------- */

void pt_view_scan(struct pt_view *view, const char *kind_singular, const char *parent,
                  bool (*fn)(void *arg, const char *name, const struct pt_msg *msg), void *arg)
{
    const struct pt_message_type *kind = pt_schema_kind(view->machine->schema, kind_singular);
    pt_assert(kind != NULL);
    if (view->frozen) {
        pt_view_frozen_scan(view, kind->resource->kind_id, parent, fn, arg);
        return;
    }
    struct pt_row_list list = {.arena = view->memory};
    const struct pt_store_range range = {.kind_id = kind->resource->kind_id, .parent = parent, .after = ""};
    struct pt_error error = {0};
    enum pt_code code = pt_kind_rows(view->machine, &range, &list, &error);
    for (size_t i = 0; i < list.len && code == PT_OK; i++) {
        struct pt_msg *msg = NULL;
        code = pt_kind_parse_row(view->machine, &list.rows[i], view->memory, &msg, &error);
        if (code == PT_OK && !fn(arg, list.rows[i].name, msg)) {
            break;
        }
    }
    if (code != PT_OK) {
        pt_view_failed(view, code, &error);
    }
}
