/*
 * The piece of history that was read last. It is the answer for whoever asks from the same position while nothing more
 * was applied: history is only written in apply, and trimmed there.
 */
#include "kind/recent.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

struct scan {
    struct pt_machine_kind *machine;
    struct pt_recent *recent;
    enum pt_code code;
    struct pt_error *reterr;
};

static struct pt_recent_row *row_new(struct pt_recent *recent)
{
    if (recent->len == recent->capacity) {
        size_t capacity = recent->capacity == 0 ? 16 : recent->capacity * 2;
        struct pt_recent_row *rows = pt_arena_array(&recent->arena, capacity, sizeof(*rows));
        if (recent->len > 0) {
            memcpy(rows, recent->rows, recent->len * sizeof(*rows));
        }
        recent->rows = rows;
        recent->capacity = capacity;
    }
    return &recent->rows[recent->len++];
}

static enum pt_code take(struct scan *scan, struct pt_position position, struct pt_bytes data)
{
    const struct pt_parse_options options = {.unknown = PT_UNKNOWN_REFUSE, .size_max = UINT32_MAX};
    struct pt_arena *arena = &scan->recent->arena;
    struct pt_msg *event = NULL;
    /* The store's bytes are borrowed for the moment of the scan. */
    struct pt_bytes copy = {pt_arena_memdup(arena, data.data, data.size), data.size};
    PT_TRY(pt_msg_parse(scan->machine->event_type, copy, &options, arena, &event, scan->reterr));
    const struct pt_kind_info *info = pt_kind_info(scan->machine, (uint32_t)pt_msg_u64(event, "kind_id"));
    if (info != NULL) {
        *row_new(scan->recent) = (struct pt_recent_row){.position = position,
                                                        .info = info,
                                                        .verb = (uint64_t)pt_msg_i64(event, "verb"),
                                                        .name = pt_msg_str(event, "name"),
                                                        .resource = pt_msg_bytes(event, "resource")};
    }
    return PT_OK;
}

static bool on_history(void *arg, uint64_t revision, uint32_t ordinal, const char *name, struct pt_bytes data)
{
    struct scan *scan = arg;
    struct pt_recent *recent = scan->recent;
    if (name[0] == '!') {
        return true; /* an audit record: nobody's resource */
    }
    if (recent->seen >= PT_RECENT_LEN && revision != recent->last.revision) {
        recent->more = true; /* it ends where transactions end */
        return false;
    }
    struct pt_position position = {.revision = revision, .ordinal = ordinal};
    scan->code = take(scan, position, data);
    recent->seen++;
    recent->last = position;
    return scan->code == PT_OK;
}

void pt_recent_forget(struct pt_machine_kind *machine)
{
    if (machine->recent != NULL) {
        pt_arena_fini(&machine->recent->arena);
        free(machine->recent);
        machine->recent = NULL;
    }
}

enum pt_code pt_recent_read(struct pt_machine_kind *machine, struct pt_position from, struct pt_recent **ret_recent,
                            struct pt_error *reterr)
{
    struct pt_recent *recent = machine->recent;
    bool same = recent != NULL && recent->filled && recent->from.revision == from.revision &&
                recent->from.ordinal == from.ordinal && recent->applied_index == machine->applied_index;
    if (!same) {
        pt_recent_forget(machine);
        recent = machine->recent = calloc(1, sizeof(*recent));
        pt_assert(recent != NULL);
        pt_arena_init(&recent->arena);
        recent->from = from;
        recent->applied_index = machine->applied_index;
        struct scan scan = {.machine = machine, .recent = recent, .reterr = reterr};
        PT_TRY(pt_store_history_scan(machine->store, from.revision, from.ordinal, on_history, &scan, reterr));
        PT_TRY(scan.code);
        recent->filled = true;
    }
    *ret_recent = recent;
    return PT_OK;
}
