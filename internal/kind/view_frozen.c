/*
 * Frozen views: the whole state as it was at one revision, for a compute pass on another thread.
 *
 *   loop     pt_view_copy     rows that changed since the view before; or, without one, every row, some of them a turn
 *   worker   pt_view_freeze   parse them; merge them into the view before; drop that
 *
 * What a pass costs thus depends on what changed, not on what there is, but for one sorted array of pointers a kind.
 * While every row is copied the loop goes on, so rows may be of different instants: those that changed since the first
 * one was copied are on the list of changes, and are read again at the end, in one turn.
 *
 * Memory. A view leaves out what tells people and clients about a resource and means nothing to a plan (`left_out`): of
 * 100,000 sites those were four fifths. And it leaves out resources to which nothing can be planned (`frozen_with`): a
 * site that has no edge is a row of the store and nothing else. Such a kind is copied behind the others; when one of
 * what it needs below it changes, it is read again too. Messages that were parsed together share a batch, an arena with
 * a count of the views that use it. A view shares the batches of the one before and adds one. When they are many, or
 * much in them is no longer current, the worker copies what is current into one batch of its own.
 */
#include "kind/machine.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#define COPY_LEN 512          /* rows that are copied in one turn of the loop */
#define CHANGES_LEN_MAX 65536 /* names; with more, the next view copies everything */
#define BATCHES_LEN_MAX 64    /* of one view, before they become one */

struct batch {
    atomic_uint refs; /* views */
    struct pt_arena arena;
};

struct item {
    const char *name;
    const struct pt_msg *msg; /* NULL in a list of changes: gone */
};

struct items { /* ascending by name */
    struct item *list;
    size_t len;
};

struct pt_view_freezer {
    struct pt_view *previous; /* its items are the base; NULL: the rows are everything */
    uint64_t epoch;
    bool begun, copied;

    struct pt_arena arena;    /* rows and names, until they are parsed */
    struct pt_row_list *rows; /* by kind id: as they lie in the store */
    uint32_t step;            /* kind that is being copied, counted twice: first those that need nothing below them */
    char after[PT_NAME_SIZE_MAX + 1]; /* name of its last row looked at */
    struct pt_row *changed;           /* ascending by name, of any kind; value NULL: gone */
    size_t changed_len;

    struct items *kinds; /* by kind id: the result */
    struct batch *batches[BATCHES_LEN_MAX + 1];
    size_t batches_len;
    size_t len, stale_len; /* items; messages in batches that are no item any more */
};

/* ---- changes ---------------------------------------------------------------------------------------------------- */

static void changes_forget(struct pt_changes *changes)
{
    pt_arena_fini(&changes->arena);
    free(changes->names);
    *changes = (struct pt_changes){.epoch = changes->epoch};
}

void pt_changes_fini(struct pt_machine_kind *machine)
{
    changes_forget(&machine->changes);
}

/* From here on, for the view of the epoch that this returns. */
static uint64_t changes_track(struct pt_changes *changes)
{
    changes_forget(changes);
    changes->tracked = true;
    return ++changes->epoch;
}

void pt_changes_add(struct pt_machine_kind *machine, const struct pt_watch_event *events, size_t len)
{
    struct pt_changes *changes = &machine->changes;
    if (!changes->tracked) {
        return;
    }
    if (events == NULL || changes->len + len > CHANGES_LEN_MAX) {
        changes_forget(changes);
        return;
    }
    if (changes->len + len > changes->capacity) {
        changes->capacity = (changes->len + len) * 2;
        changes->names = realloc(changes->names, changes->capacity * sizeof(char *));
        pt_assert(changes->names != NULL);
    }
    for (size_t i = 0; i < len; i++) {
        changes->names[changes->len++] = pt_arena_strdup(&changes->arena, events[i].name);
    }
}

/* ---- copying, on the loop -----------------------------------------------------------------------------------------
 */

/* Negative: `other` comes before all that stands below the name; 0: it stands there. */
static int order_below(const char *other, const char *name, size_t size)
{
    int order = strncmp(other, name, size);
    return order != 0 ? order : (unsigned char)other[size] - '/';
}

/* What a view is built on, of a kind and ascending by name: the view before, or what has been copied. */
static size_t base_len(const struct pt_view *view, uint32_t kind)
{
    const struct pt_view_freezer *freezer = view->freezer;
    return freezer->previous != NULL ? freezer->previous->freezer->kinds[kind].len : freezer->rows[kind].len;
}

static const char *base_name(const struct pt_view *view, uint32_t kind, size_t at)
{
    const struct pt_view_freezer *freezer = view->freezer;
    return freezer->previous != NULL ? freezer->previous->freezer->kinds[kind].list[at].name
                                     : freezer->rows[kind].rows[at].name;
}

/* The first of it that does not come before the name, or before all that stands below the name. */
static size_t base_find(const struct pt_view *view, uint32_t kind, const char *name, bool below)
{
    size_t size = strlen(name), low = 0, high = base_len(view, kind);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const char *other = base_name(view, kind, middle);
        if ((below ? order_below(other, name, size) : strcmp(other, name)) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool base_has(const struct pt_view *view, uint32_t kind, const char *name)
{
    size_t at = base_find(view, kind, name, false);
    return at < base_len(view, kind) && strcmp(base_name(view, kind, at), name) == 0;
}

static bool base_has_below(const struct pt_view *view, uint32_t kind, const char *name)
{
    size_t at = base_find(view, kind, name, true);
    return at < base_len(view, kind) && order_below(base_name(view, kind, at), name, strlen(name)) == 0;
}

struct copying {
    struct pt_view *view;
    struct pt_row_list *rows;
    uint32_t frozen_with;
    size_t len; /* rows looked at */
};

static bool copy_row(void *arg, const struct pt_row *row)
{
    struct copying *copying = arg;
    copying->len++;
    (void)strcpy(copying->view->freezer->after, row->name); /* a stored name fits */
    bool needed = copying->frozen_with == 0 || base_has_below(copying->view, copying->frozen_with, row->name);
    return !needed || pt_row_list_add(copying->rows, row);
}

/* The next rows; *ret_more false when there are none left. */
static enum pt_code copy_rows(struct pt_view *view, bool *ret_more, struct pt_error *reterr)
{
    struct pt_view_freezer *freezer = view->freezer;
    struct pt_machine_kind *machine = view->machine;
    uint32_t kinds_len = (uint32_t)machine->infos_len;
    for (size_t room = COPY_LEN; freezer->step < 2 * kinds_len; freezer->step++, freezer->after[0] = '\0') {
        uint32_t kind = freezer->step % kinds_len;
        const struct pt_kind_info *info = pt_kind_info(machine, kind);
        if (info == NULL || info->type->resource->view || (info->frozen_with != 0) != (freezer->step >= kinds_len)) {
            continue;
        }
        if (room == 0) {
            *ret_more = true;
            return PT_OK;
        }
        struct copying copying = {view, &freezer->rows[kind], info->frozen_with, 0};
        char after[sizeof(freezer->after)];
        memcpy(after, freezer->after, sizeof(after));
        const struct pt_store_range range = {.kind_id = kind, .parent = "", .after = after, .len_max = room};
        copying.rows->arena = &freezer->arena;
        PT_TRY(pt_store_scan(machine->store, &range, copy_row, &copying, reterr));
        if (copying.len == room) {
            *ret_more = true;
            return PT_OK;
        }
        room -= copying.len;
    }
    *ret_more = false;
    return PT_OK;
}

/* ---- copying what changed -----------------------------------------------------------------------------------------
 */

struct named {
    const char *name;
    const struct pt_kind_info *info; /* NULL: of no kind that this binary knows */
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static struct named named_of(const struct pt_machine_kind *machine, const char *name)
{
    const struct pt_message_type *kind = NULL;
    bool known = pt_name_parse(machine->schema, name, &kind, NULL) == PT_OK;
    return (struct named){name, known ? pt_kind_info(machine, kind->resource->kind_id) : NULL};
}

/* Each name once, ascending, and those above that are frozen with one of them. */
static struct named *gather_names(struct pt_view *view, const char *const *names, size_t *len)
{
    struct pt_arena *arena = &view->freezer->arena;
    struct named *all = pt_arena_array(arena, *len * 2, sizeof(*all));
    size_t all_len = 0;
    for (size_t i = 0; i < *len; i++) {
        struct named named = named_of(view->machine, names[i]);
        all[all_len++] = named;
        if (named.info != NULL && named.info->freezes_above) {
            char above[PT_NAME_SIZE_MAX + 1];
            pt_name_parent(named.name, above);
            all[all_len++] = named_of(view->machine, pt_arena_strdup(arena, above));
        }
    }
    if (all_len > 0) {
        qsort(all, all_len, sizeof(*all), by_name);
    }
    *len = 0;
    for (size_t i = 0; i < all_len; i++) {
        if (i == 0 || strcmp(all[i - 1].name, all[i].name) != 0) {
            all[(*len)++] = all[i];
        }
    }
    return all;
}

static enum pt_code read_row(struct pt_view *view, struct pt_row *row, struct pt_error *reterr)
{
    enum pt_code code = pt_store_get(view->machine->store, row->name, &view->freezer->arena, row, reterr);
    return code == PT_NOT_FOUND ? PT_OK : code;
}

static int by_row_name(const void *a, const void *b)
{
    return strcmp(((const struct pt_row *)a)->name, ((const struct pt_row *)b)->name);
}

static bool is_changed(const struct pt_view_freezer *freezer, const char *name)
{
    const struct pt_row key = {.name = name};
    return freezer->changed_len > 0 &&
           bsearch(&key, freezer->changed, freezer->changed_len, sizeof(key), by_row_name) != NULL;
}

/* Does one of that kind stand below the name, as things are now? */
static bool is_needed(const struct pt_view *view, uint32_t frozen_with, const struct pt_row *row)
{
    const struct pt_view_freezer *freezer = view->freezer;
    size_t size = strlen(row->name);
    for (const struct pt_row *other = row + 1; other < freezer->changed + freezer->changed_len; other++) {
        int order = order_below(other->name, row->name, size);
        if (order > 0) {
            break;
        }
        if (order == 0 && other->kind_id == frozen_with) {
            return true;
        }
    }
    for (size_t i = base_find(view, frozen_with, row->name, true); i < base_len(view, frozen_with); i++) {
        const char *other = base_name(view, frozen_with, i);
        if (order_below(other, row->name, size) != 0) {
            break;
        }
        if (!is_changed(freezer, other)) {
            return true;
        }
    }
    return false;
}

/* Of what is frozen with something below it: read what has that; leave out what has it neither now nor had before. */
static enum pt_code read_frozen_with(struct pt_view *view, const struct named *all, struct pt_error *reterr)
{
    struct pt_view_freezer *freezer = view->freezer;
    for (size_t i = 0; i < freezer->changed_len; i++) {
        uint32_t frozen_with = all[i].info != NULL ? all[i].info->frozen_with : 0;
        if (frozen_with != 0 && is_needed(view, frozen_with, &freezer->changed[i])) {
            PT_TRY(read_row(view, &freezer->changed[i], reterr));
        }
    }
    size_t kept = 0;
    for (size_t i = 0; i < freezer->changed_len; i++) {
        const struct pt_row *row = &freezer->changed[i];
        if (row->kind_id != 0 || all[i].info == NULL || all[i].info->frozen_with == 0 ||
            base_has(view, all[i].info->type->resource->kind_id, row->name)) {
            freezer->changed[kept++] = *row;
        }
    }
    freezer->changed_len = kept;
    return PT_OK;
}

/* Read what these name, each name once. */
static enum pt_code copy_names(struct pt_view *view, const char *const *names, size_t len, struct pt_error *reterr)
{
    struct pt_view_freezer *freezer = view->freezer;
    struct named *all = gather_names(view, names, &len);
    freezer->changed = pt_arena_array(&freezer->arena, len, sizeof(*freezer->changed));
    for (; freezer->changed_len < len; freezer->changed_len++) {
        const struct named *named = &all[freezer->changed_len];
        struct pt_row *row = &freezer->changed[freezer->changed_len];
        *row = (struct pt_row){.name = pt_arena_strdup(&freezer->arena, named->name)};
        if (named->info == NULL || named->info->frozen_with == 0) {
            PT_TRY(read_row(view, row, reterr));
        }
    }
    return read_frozen_with(view, all, reterr);
}

static struct pt_view_freezer *freezer_new(struct pt_view *view)
{
    struct pt_view_freezer *freezer = calloc(1, sizeof(*freezer));
    pt_assert(freezer != NULL);
    view->freezer = freezer;
    freezer->rows = calloc(view->machine->infos_len + 1, sizeof(*freezer->rows));
    freezer->kinds = calloc(view->machine->infos_len + 1, sizeof(*freezer->kinds));
    pt_assert(freezer->rows != NULL && freezer->kinds != NULL);
    return freezer;
}

/* Does the list of changes say all that has changed since? */
static bool is_base(const struct pt_changes *changes, const struct pt_view *previous)
{
    return previous != NULL && previous->frozen && previous->error.code == PT_OK && changes->tracked &&
           changes->epoch == previous->freezer->epoch;
}

static void freezer_begin(struct pt_view *view, struct pt_view *previous)
{
    struct pt_view_freezer *freezer = freezer_new(view);
    const struct pt_changes *changes = &view->machine->changes;
    if (is_base(changes, previous)) {
        atomic_fetch_add(&previous->refs, 1);
        freezer->previous = previous;
        freezer->epoch = changes->epoch;
    } else {
        freezer->epoch = changes_track(&view->machine->changes);
    }
}

bool pt_view_copy(struct pt_view *view, struct pt_view *previous)
{
    struct pt_changes *changes = &view->machine->changes;
    if (view->freezer != NULL && (!changes->tracked || changes->epoch != view->freezer->epoch)) {
        pt_view_frozen_fini(view); /* the state was replaced meanwhile: from the start */
    }
    if (view->freezer == NULL) {
        freezer_begin(view, previous);
    }
    struct pt_view_freezer *freezer = view->freezer;
    pt_assert(!view->frozen && !freezer->copied);
    struct pt_error error = {0};
    bool more = false;
    enum pt_code code = freezer->previous != NULL ? PT_OK : copy_rows(view, &more, &error);
    if (code == PT_OK && !more) {
        code = copy_names(view, changes->names, changes->len, &error);
    }
    if (code != PT_OK) {
        pt_view_failed(view, code, &error);
        more = false;
    }
    if (!more) {
        freezer->copied = true;
        freezer->epoch = changes_track(changes);
        view->revision = view->machine->applied_index;
        view->time_ns = view->machine->time_ns;
    }
    return !more;
}

bool pt_view_fork(struct pt_view *view, struct pt_view *previous, const struct pt_watch_event *events, size_t len)
{
    const struct pt_changes *changes = &view->machine->changes;
    if (!is_base(changes, previous)) {
        return false;
    }
    struct pt_view_freezer *freezer = freezer_new(view); /* of no epoch: nothing is built on it */
    atomic_fetch_add(&previous->refs, 1);
    freezer->previous = previous;
    const char **names = pt_arena_array(&freezer->arena, changes->len + len, sizeof(char *));
    for (size_t i = 0; i < changes->len + len; i++) {
        names[i] = i < changes->len ? changes->names[i] : events[i - changes->len].name;
    }
    struct pt_error error = {0};
    enum pt_code code = copy_names(view, names, changes->len + len, &error);
    if (code != PT_OK) {
        pt_view_failed(view, code, &error);
    }
    freezer->copied = true;
    return true;
}

/* ---- freezing, on any thread --------------------------------------------------------------------------------------
 */

static struct batch *batch_new(struct pt_view_freezer *freezer)
{
    struct batch *batch = calloc(1, sizeof(*batch));
    pt_assert(batch != NULL && freezer->batches_len <= BATCHES_LEN_MAX);
    atomic_init(&batch->refs, 1);
    freezer->batches[freezer->batches_len++] = batch;
    return batch;
}

static void batches_drop(struct pt_view_freezer *freezer, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        struct batch *batch = freezer->batches[i];
        if (atomic_fetch_sub(&batch->refs, 1) == 1) {
            pt_arena_fini(&batch->arena);
            free(batch);
        }
    }
    freezer->batches_len -= len;
    memmove(freezer->batches, freezer->batches + len, freezer->batches_len * sizeof(struct batch *));
}

static const char *const left_out[] = {"annotations", "create_time", "display_name", "etag", "uid", "update_time"};

/* The name lies in the message; only a kind without that field would need one of its own. */
static struct item item_of(const struct pt_msg *msg, const char *name, struct pt_arena *arena)
{
    const char *own = pt_msg_str(msg, "name");
    return (struct item){strcmp(own, name) == 0 ? own : pt_arena_strdup(arena, name), msg};
}

/* Parsed aside and copied: the copy has no room to grow, and nothing that is left out. */
static enum pt_code parse(struct pt_view *view, const struct pt_row *row, struct pt_arena *arena, struct item *ret_item,
                          struct pt_error *reterr)
{
    struct pt_arena aside;
    PT_ARENA_LENT(memory, 8192);
    pt_arena_init_lent(&aside, memory, sizeof(memory));
    struct pt_msg *msg = NULL;
    enum pt_code code = pt_kind_parse_row(view->machine, row, &aside, &msg, reterr);
    if (code == PT_OK) {
        for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++) {
            if (pt_msg_has(msg, left_out[i])) {
                pt_msg_clear(msg, left_out[i]);
            }
        }
        *ret_item = item_of(pt_msg_dup(msg, arena), row->name, arena);
    }
    pt_arena_fini(&aside);
    return code;
}

static enum pt_code parse_rows(struct pt_view *view, struct batch *batch, struct pt_error *reterr)
{
    struct pt_view_freezer *freezer = view->freezer;
    for (uint32_t kind = 0; kind < view->machine->infos_len; kind++) {
        const struct pt_row_list *rows = &freezer->rows[kind];
        struct items *items = &freezer->kinds[kind];
        items->list = calloc(rows->len + 1, sizeof(*items->list));
        pt_assert(items->list != NULL);
        for (; items->len < rows->len; items->len++) {
            PT_TRY(parse(view, &rows->rows[items->len], &batch->arena, &items->list[items->len], reterr));
        }
    }
    return PT_OK;
}

static uint32_t kind_of(const struct pt_view *view, const struct pt_row *row)
{
    const struct pt_message_type *kind = NULL;
    if (row->kind_id != 0) {
        return row->kind_id;
    }
    return pt_name_parse(view->machine->schema, row->name, &kind, NULL) == PT_OK ? kind->resource->kind_id : 0;
}

static void take(struct pt_view_freezer *freezer, struct items *out, const struct item *item)
{
    if (item->msg != NULL) {
        out->list[out->len++] = *item;
        freezer->len++;
    }
}

/* base and changed, both ascending, into out; where both have a name, changed counts. */
static void merge(struct pt_view_freezer *freezer, const struct items *base, const struct items *changed,
                  struct items *out)
{
    out->list = calloc(base->len + changed->len + 1, sizeof(*out->list));
    pt_assert(out->list != NULL);
    size_t at = 0;
    for (size_t i = 0; i < changed->len; i++) {
        int order = -1;
        while (at < base->len && (order = strcmp(base->list[at].name, changed->list[i].name)) < 0) {
            take(freezer, out, &base->list[at++]);
        }
        if (at < base->len && order == 0) {
            at++;
            freezer->stale_len++;
        }
        take(freezer, out, &changed->list[i]);
    }
    while (at < base->len) {
        take(freezer, out, &base->list[at++]);
    }
}

static enum pt_code merge_changes(struct pt_view *view, struct batch *batch, struct pt_error *reterr)
{
    struct pt_view_freezer *freezer = view->freezer;
    size_t kinds_len = view->machine->infos_len;
    struct items *changed = calloc(kinds_len + 1, sizeof(*changed));
    pt_assert(changed != NULL);
    enum pt_code code = PT_OK;
    for (size_t i = 0; i < freezer->changed_len && code == PT_OK; i++) {
        const struct pt_row *row = &freezer->changed[i];
        uint32_t kind = kind_of(view, row);
        struct item item = {.name = row->name};
        if (row->kind_id != 0) {
            code = parse(view, row, &batch->arena, &item, reterr);
        }
        if (kind < kinds_len) {
            struct items *items = &changed[kind];
            if (items->list == NULL) {
                items->list = calloc(freezer->changed_len, sizeof(*items->list));
                pt_assert(items->list != NULL);
            }
            items->list[items->len++] = item;
        }
    }
    for (size_t kind = 0; kind < kinds_len; kind++) {
        struct items before = freezer->kinds[kind];
        const struct items *base = freezer->previous != NULL ? &freezer->previous->freezer->kinds[kind] : &before;
        freezer->kinds[kind] = (struct items){0};
        merge(freezer, base, &changed[kind], &freezer->kinds[kind]);
        free(before.list);
        free(changed[kind].list);
    }
    free(changed);
    return code;
}

static void compact(struct pt_view_freezer *freezer, size_t kinds_len)
{
    size_t old = freezer->batches_len;
    struct batch *batch = calloc(1, sizeof(*batch));
    pt_assert(batch != NULL);
    atomic_init(&batch->refs, 1);
    for (size_t kind = 0; kind < kinds_len; kind++) {
        struct items *items = &freezer->kinds[kind];
        for (size_t i = 0; i < items->len; i++) {
            items->list[i] = item_of(pt_msg_dup(items->list[i].msg, &batch->arena), items->list[i].name, &batch->arena);
        }
    }
    batches_drop(freezer, old);
    freezer->batches[freezer->batches_len++] = batch;
    freezer->stale_len = 0;
}

static void freezer_copied_fini(struct pt_view_freezer *freezer)
{
    free(freezer->rows);
    freezer->rows = NULL;
    freezer->changed = NULL;
    pt_arena_fini(&freezer->arena);
    pt_view_free(freezer->previous);
    freezer->previous = NULL;
}

void pt_view_freeze(struct pt_view *view)
{
    pt_assert(!view->frozen);
    while (view->freezer == NULL || !view->freezer->copied) {
        (void)pt_view_copy(view, NULL);
    }
    struct pt_view_freezer *freezer = view->freezer;
    if (freezer->previous != NULL) {
        const struct pt_view_freezer *previous = freezer->previous->freezer;
        for (size_t i = 0; i < previous->batches_len; i++) {
            atomic_fetch_add(&previous->batches[i]->refs, 1);
            freezer->batches[freezer->batches_len++] = previous->batches[i];
        }
        freezer->stale_len = previous->stale_len;
    }
    struct batch *batch = batch_new(freezer);
    struct pt_error error = {0};
    enum pt_code code = freezer->previous == NULL ? parse_rows(view, batch, &error) : PT_OK;
    if (code == PT_OK) {
        code = merge_changes(view, batch, &error);
    }
    if (code != PT_OK) {
        pt_view_failed(view, code, &error);
    }
    if (freezer->batches_len == BATCHES_LEN_MAX || freezer->stale_len > freezer->len + COPY_LEN) {
        compact(freezer, view->machine->infos_len);
    }
    freezer_copied_fini(freezer);
    view->frozen = true;
}

void pt_view_frozen_fini(struct pt_view *view)
{
    struct pt_view_freezer *freezer = view->freezer;
    if (freezer == NULL) {
        return;
    }
    for (size_t i = 0; i < view->machine->infos_len; i++) {
        free(freezer->kinds[i].list);
    }
    free(freezer->kinds);
    batches_drop(freezer, freezer->batches_len);
    freezer_copied_fini(freezer);
    free(freezer);
    view->freezer = NULL;
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

size_t pt_view_count(const struct pt_view *view, const char *kind_singular)
{
    const struct pt_message_type *kind = pt_schema_kind(view->machine->schema, kind_singular);
    pt_assert(kind != NULL);
    return view->frozen ? view->freezer->kinds[kind->resource->kind_id].len : 0;
}

/* First item whose name is not below. */
static size_t lower_bound(const struct items *items, const char *name)
{
    size_t low = 0;
    size_t high = items->len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(items->list[middle].name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const struct pt_msg *pt_view_frozen_get(const struct pt_view *view, const char *name)
{
    const struct pt_message_type *kind = NULL;
    if (pt_name_parse(view->machine->schema, name, &kind, NULL) != PT_OK) {
        return NULL;
    }
    const struct items *items = &view->freezer->kinds[kind->resource->kind_id];
    size_t at = lower_bound(items, name);
    return at < items->len && strcmp(items->list[at].name, name) == 0 ? items->list[at].msg : NULL;
}

void pt_view_frozen_scan(const struct pt_view *view, uint32_t kind_id, const char *parent,
                         bool (*fn)(void *arg, const char *name, const struct pt_msg *msg), void *arg)
{
    const struct items *items = &view->freezer->kinds[kind_id];
    size_t size = strlen(parent);
    for (size_t i = lower_bound(items, parent); i < items->len; i++) {
        const char *name = items->list[i].name;
        if (size > 0 && strncmp(name, parent, size) != 0) {
            return;
        }
        if ((size == 0 || name[size] == '/') && !fn(arg, name, items->list[i].msg)) {
            return;
        }
    }
}
