/*
 * Resources by name, and the references between them.
 *
 * Putting is optimistic: it inserts, and only when the name is taken does it read the old row (for undo and digest) and
 * update. A create, the common case, thus goes down the tree once.
 *
 * The digest holds one term for each resource and one for each resource's whole list of references, in order of name.
 *
 * Names below a parent are a range of the key: from "parent/" up to "parent0", for '0' is the byte behind '/'.
 */
#include "base/assert.h"
#include "base/limits.h"
#include "store/store_state.h"

#include <stdlib.h>

#define RANGE_SIZE (PT_NAME_SIZE_MAX + 2)

struct name_range {
    char low[RANGE_SIZE];  /* exclusive */
    char high[RANGE_SIZE]; /* exclusive; "" for no bound */
};

static void range_below(const char *parent, struct name_range *ret_range)
{
    size_t size = strlen(parent);
    pt_assert(size + 2 <= RANGE_SIZE);
    *ret_range = (struct name_range){0};
    if (size > 0) {
        memcpy(ret_range->low, parent, size);
        memcpy(ret_range->high, parent, size);
        ret_range->low[size] = '/';
        ret_range->high[size] = '/' + 1;
    }
}

static void bind_range(sqlite3_stmt *statement, int low_index, const struct name_range *range)
{
    store_bind_text(statement, low_index, range->low);
    if (range->high[0] != '\0') {
        store_bind_text(statement, low_index + 1, range->high);
    } else {
        (void)sqlite3_bind_blob(statement, low_index + 1, "", 0, SQLITE_STATIC); /* every blob is above every text */
    }
}

struct pt_digest store_row_digest(struct pt_store *store, const struct pt_row *row)
{
    store_form_start(store, STORE_TAG_ROW);
    store_form_text(store, row->name);
    store_form_u64(store, row->kind_id);
    store_form_bytes(store, row->value.data, row->value.size);
    store_form_text(store, row->uid);
    store_form_text(store, row->etag);
    store_form_u64(store, row->revision);
    return store_form_digest(store);
}

void store_row_of(sqlite3_stmt *statement, struct pt_row *ret_row)
{
    *ret_row = (struct pt_row){
        .name = store_column_text(statement, 0),
        .kind_id = (uint32_t)store_column_u64(statement, 1),
        .value = store_column_bytes(statement, 2),
        .uid = store_column_text(statement, 3),
        .etag = store_column_text(statement, 4),
        .revision = store_column_u64(statement, 5),
    };
}

/* ---- counts --------------------------------------------------------------------------------------------------- */

void store_counts_clear(struct pt_store *store)
{
    for (size_t i = 0; i < STORE_COUNTS_LEN; i++) {
        free(store->counts[i].parent);
        store->counts[i] = (struct store_count){0};
    }
}

/* A resource came (+1) or went (-1): put the remembered counts right. */
static void counts_move(struct pt_store *store, const char *name, uint32_t kind_id, int64_t by)
{
    for (size_t i = 0; i < STORE_COUNTS_LEN; i++) {
        struct store_count *count = &store->counts[i];
        if (count->parent == NULL || (count->kind_id != 0 && count->kind_id != kind_id)) {
            continue;
        }
        size_t size = strlen(count->parent);
        if (size == 0 || (strncmp(name, count->parent, size) == 0 && name[size] == '/')) {
            count->count = (uint64_t)((int64_t)count->count + by);
        }
    }
}

enum pt_code pt_store_count(struct pt_store *store, uint32_t kind_id, const char *parent, uint64_t *ret_count,
                            struct pt_error *reterr)
{
    for (size_t i = 0; i < STORE_COUNTS_LEN; i++) {
        const struct store_count *count = &store->counts[i];
        if (count->parent != NULL && count->kind_id == kind_id && strcmp(count->parent, parent) == 0) {
            *ret_count = count->count;
            return PT_OK;
        }
    }
    sqlite3_stmt *ask = NULL;
    PT_TRY(store_db_statement(&store->db, kind_id != 0 ? STORE_ROW_COUNT_KIND : STORE_ROW_COUNT, &ask, reterr));
    struct name_range range;
    range_below(parent, &range);
    if (kind_id != 0) {
        store_bind_u64(ask, 1, kind_id);
    }
    bind_range(ask, 2, &range);
    bool row = false;
    PT_TRY(store_db_step(&store->db, ask, &row, reterr));
    pt_assert(row);
    struct store_count *count = &store->counts[store->counts_next++ % STORE_COUNTS_LEN];
    free(count->parent);
    *count = (struct store_count){.parent = strdup(parent), .kind_id = kind_id, .count = store_column_u64(ask, 0)};
    pt_assert(count->parent != NULL);
    (void)sqlite3_reset(ask); /* the row was there: nothing can have failed */
    *ret_count = count->count;
    return PT_OK;
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

enum pt_code pt_store_get(struct pt_store *store, const char *name, struct pt_arena *arena, struct pt_row *ret_row,
                          struct pt_error *reterr)
{
    sqlite3_stmt *get = NULL;
    PT_TRY(store_db_statement(&store->db, STORE_ROW_GET, &get, reterr));
    store_bind_text(get, 1, name);
    bool found = false;
    PT_TRY(store_db_step(&store->db, get, &found, reterr));
    if (!found) {
        return PT_NOT_FOUND;
    }
    struct pt_row row;
    store_row_of(get, &row);
    row.name = pt_arena_strdup(arena, row.name);
    row.value.data = pt_arena_memdup(arena, row.value.data, row.value.size);
    row.uid = pt_arena_strdup(arena, row.uid);
    row.etag = pt_arena_strdup(arena, row.etag);
    (void)sqlite3_reset(get); /* the row was there: nothing can have failed */
    *ret_row = row;
    return PT_OK;
}

enum pt_code pt_store_exists(struct pt_store *store, const char *name, bool *ret_exists, struct pt_error *reterr)
{
    if (name[0] != '\0' && strcmp(name, store->known) == 0) {
        *ret_exists = true;
        return PT_OK;
    }
    if (store->db.failure.code == PT_OK && !store_names_may(store, name)) {
        *ret_exists = false;
        return PT_OK;
    }
    sqlite3_stmt *exists = NULL;
    PT_TRY(store_db_statement(&store->db, STORE_ROW_EXISTS, &exists, reterr));
    store_bind_text(exists, 1, name);
    bool row = false;
    PT_TRY(store_db_step(&store->db, exists, &row, reterr));
    (void)sqlite3_reset(exists); /* an error would have come with the step */
    if (row && strlen(name) < sizeof(store->known)) {
        memcpy(store->known, name, strlen(name) + 1);
    }
    *ret_exists = row;
    return PT_OK;
}

enum pt_code pt_store_scan(struct pt_store *store, const struct pt_store_range *range,
                           bool (*fn)(void *arg, const struct pt_row *row), void *arg, struct pt_error *reterr)
{
    enum store_statement which = range->kind_id != 0 ? STORE_ROW_SCAN_KIND : STORE_ROW_SCAN;
    struct name_range names;
    range_below(range->parent, &names);
    size_t after_size = strlen(range->after);
    if (after_size >= sizeof(names.low)) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_NAME_INVALID, NULL, "a name has at most %d bytes",
                       PT_NAME_SIZE_MAX);
    }
    if (strcmp(range->after, names.low) > 0) {
        memcpy(names.low, range->after, after_size + 1);
    }
    sqlite3_stmt *scan = NULL;
    PT_TRY(store_db_borrow(&store->db, which, &scan, reterr));
    if (range->kind_id != 0) {
        store_bind_u64(scan, 1, range->kind_id);
    }
    bind_range(scan, 2, &names);
    (void)sqlite3_bind_int64(scan, 4, range->len_max == 0 ? -1 : (sqlite3_int64)range->len_max);
    enum pt_code code = PT_OK;
    for (bool found = true, more = true; more;) {
        code = store_db_step(&store->db, scan, &found, reterr);
        if (code != PT_OK || !found) {
            break;
        }
        struct pt_row row;
        store_row_of(scan, &row);
        more = fn(arg, &row);
    }
    store_db_return(&store->db, which, scan);
    return code;
}

enum pt_code pt_store_referrer(struct pt_store *store, const char *to, struct pt_arena *arena, const char **ret_from,
                               struct pt_error *reterr)
{
    sqlite3_stmt *ask = NULL;
    struct name_range below;
    range_below(to, &below);
    PT_TRY(store_db_statement(&store->db, STORE_REFERRER, &ask, reterr));
    store_bind_text(ask, 1, to);
    bind_range(ask, 2, &below);
    bool found = false;
    PT_TRY(store_db_step(&store->db, ask, &found, reterr));
    if (!found) {
        *ret_from = "";
        return PT_OK;
    }
    *ret_from = pt_arena_strdup(arena, store_column_text(ask, 0));
    (void)sqlite3_reset(ask); /* the row was there: nothing can have failed */
    return PT_OK;
}

/* ---- references ----------------------------------------------------------------------------------------------- */

struct name_list {
    struct pt_arena arena;
    const char **names;
    size_t len, capacity;
};

static void list_add(struct name_list *list, const char *name)
{
    if (list->len == list->capacity) {
        size_t capacity = list->capacity == 0 ? 16 : list->capacity * 2;
        const char **names = pt_arena_array(&list->arena, capacity, sizeof(char *));
        if (list->len > 0) {
            memcpy(names, list->names, list->len * sizeof(char *));
        }
        list->names = names;
        list->capacity = capacity;
    }
    list->names[list->len++] = pt_arena_strdup(&list->arena, name);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct pt_digest store_references_digest(struct pt_store *store, const char *from, const char *const *to, size_t len)
{
    store_form_start(store, STORE_TAG_REFERENCES);
    store_form_text(store, from);
    for (size_t i = 0; i < len; i++) {
        store_form_text(store, to[i]);
    }
    return store_form_digest(store);
}

static enum pt_code list_references(struct pt_store *store, const char *from, struct name_list *ret_list,
                                    struct pt_error *reterr)
{
    sqlite3_stmt *list = NULL;
    PT_TRY(store_db_statement(&store->db, STORE_REFERENCE_LIST, &list, reterr));
    store_bind_text(list, 1, from);
    for (;;) {
        bool row = false;
        PT_TRY(store_db_step(&store->db, list, &row, reterr));
        if (!row) {
            return PT_OK;
        }
        list_add(ret_list, store_column_text(list, 0));
    }
}

static bool same_names(const char *const *a, size_t a_len, const char *const *b, size_t b_len)
{
    bool same = a_len == b_len;
    for (size_t i = 0; i < a_len && same; i++) {
        same = strcmp(a[i], b[i]) == 0;
    }
    return same;
}

static enum pt_code drop_references(struct pt_store *store, const char *from, const struct name_list *old,
                                    struct pt_error *reterr)
{
    store_undo_references(store, from, old->names, old->len);
    if (old->len == 0) {
        return PT_OK;
    }
    sqlite3_stmt *remove = NULL;
    PT_TRY(store_db_statement(&store->db, STORE_REFERENCE_REMOVE, &remove, reterr));
    store_bind_text(remove, 1, from);
    PT_TRY(store_db_run(&store->db, remove, reterr));
    struct pt_digest term = store_references_digest(store, from, old->names, old->len);
    store_digest_swap(store, &term, NULL);
    return PT_OK;
}

/* What stands there already is not written again: most updates leave a resource's references as they were, and each is
 * a row of two trees. */
static enum pt_code replace_references(struct pt_store *store, const char *from, const char *const *to, size_t len,
                                       struct pt_error *reterr)
{
    struct name_list old = {0};
    enum pt_code code = list_references(store, from, &old, reterr);
    if (code == PT_OK && !same_names(old.names, old.len, to, len)) {
        code = drop_references(store, from, &old, reterr);
        if (code == PT_OK) {
            code = store_references_put(store, from, to, len, reterr);
        }
    }
    pt_arena_fini(&old.arena);
    return code;
}

enum pt_code store_references_put(struct pt_store *store, const char *from, const char *const *to, size_t len,
                                  struct pt_error *reterr)
{
    if (len == 0) {
        return PT_OK;
    }
    for (size_t i = 0; i < len; i++) {
        sqlite3_stmt *insert = NULL;
        PT_TRY(store_db_statement(&store->db, STORE_REFERENCE_INSERT, &insert, reterr));
        store_bind_text(insert, 1, from);
        store_bind_text(insert, 2, to[i]);
        PT_TRY(store_db_run(&store->db, insert, reterr));
    }
    struct pt_digest term = store_references_digest(store, from, to, len);
    store_digest_swap(store, NULL, &term);
    return PT_OK;
}

enum pt_code pt_store_set_references(struct pt_store *store, const char *from, const char *const *to, size_t len,
                                     struct pt_error *reterr)
{
    pt_assert(store->in_transaction);
    bool fresh = strcmp(from, store->fresh) == 0;
    if (fresh) {
        store->fresh[0] = '\0'; /* a second call for it would find what this one puts */
        store_undo_references(store, from, NULL, 0);
        if (len == 0) {
            return PT_OK;
        }
    } else {
        bool exists = false;
        PT_TRY(pt_store_exists(store, from, &exists, reterr));
        if (!exists) {
            return pt_fail(reterr, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, NULL,
                           "references belong to a resource, and there is no %.200s", from);
        }
    }
    struct name_list list = {0};
    for (size_t i = 0; i < len; i++) {
        list_add(&list, to[i]);
    }
    if (list.len > 0) {
        qsort(list.names, list.len, sizeof(char *), compare_names);
    }
    size_t unique = 0;
    for (size_t i = 0; i < list.len; i++) {
        if (unique == 0 || strcmp(list.names[unique - 1], list.names[i]) != 0) {
            list.names[unique++] = list.names[i];
        }
    }
    enum pt_code code = fresh ? store_references_put(store, from, list.names, unique, reterr)
                              : replace_references(store, from, list.names, unique, reterr);
    pt_arena_fini(&list.arena);
    return code;
}

/* ---- writing -------------------------------------------------------------------------------------------------- */

static enum pt_code write_row(struct pt_store *store, enum store_statement which, const struct pt_row *row,
                              struct pt_error *reterr)
{
    sqlite3_stmt *write = NULL;
    PT_TRY(store_db_statement(&store->db, which, &write, reterr));
    store_bind_text(write, 1, row->name);
    store_bind_u64(write, 2, row->kind_id);
    store_bind_bytes(write, 3, row->value);
    store_bind_text(write, 4, row->uid);
    store_bind_text(write, 5, row->etag);
    store_bind_u64(write, 6, row->revision);
    return store_db_run(&store->db, write, reterr);
}

/* Remember the row for undo and take it out of digest and counts. PT_NOT_FOUND when there is none. */
static enum pt_code retire_row(struct pt_store *store, const char *name, struct pt_error *reterr)
{
    sqlite3_stmt *get = NULL;
    PT_TRY(store_db_statement(&store->db, STORE_ROW_GET, &get, reterr));
    store_bind_text(get, 1, name);
    bool found = false;
    PT_TRY(store_db_step(&store->db, get, &found, reterr));
    if (!found) {
        return PT_NOT_FOUND;
    }
    struct pt_row old;
    store_row_of(get, &old);
    store_undo_row(store, old.name, &old);
    struct pt_digest term = store_row_digest(store, &old);
    store_digest_swap(store, &term, NULL);
    counts_move(store, old.name, old.kind_id, -1);
    (void)sqlite3_reset(get); /* the row was there: nothing can have failed */
    return PT_OK;
}

enum pt_code pt_store_put(struct pt_store *store, const struct pt_row *row, struct pt_error *reterr)
{
    size_t name_size = strlen(row->name);
    pt_assert(store->in_transaction && name_size > 0 && name_size <= PT_NAME_SIZE_MAX && row->kind_id != 0);
    PT_TRY(write_row(store, STORE_ROW_INSERT, row, reterr));
    if (sqlite3_changes(store->db.handle) == 0) {
        enum pt_code code = retire_row(store, row->name, reterr);
        if (code == PT_NOT_FOUND) {
            return store_db_corrupt(&store->db, reterr, "a resource is there and is not");
        }
        PT_TRY(code);
        PT_TRY(write_row(store, STORE_ROW_UPDATE, row, reterr));
        store->fresh[0] = '\0';
    } else {
        store_undo_row(store, row->name, NULL);
        store_names_add(store, row->name);
        memcpy(store->fresh, row->name, name_size + 1);
    }
    struct pt_digest term = store_row_digest(store, row);
    store_digest_swap(store, NULL, &term);
    counts_move(store, row->name, row->kind_id, 1);
    return PT_OK;
}

enum pt_code store_row_erase(struct pt_store *store, const char *name, struct pt_error *reterr)
{
    sqlite3_stmt *remove = NULL;
    PT_TRY(store_db_statement(&store->db, STORE_ROW_REMOVE, &remove, reterr));
    store_bind_text(remove, 1, name);
    return store_db_run(&store->db, remove, reterr);
}

enum pt_code store_row_restore(struct pt_store *store, const struct pt_row *row, struct pt_error *reterr)
{
    PT_TRY(write_row(store, STORE_ROW_INSERT, row, reterr));
    return sqlite3_changes(store->db.handle) > 0 ? PT_OK : write_row(store, STORE_ROW_UPDATE, row, reterr);
}

enum pt_code pt_store_remove(struct pt_store *store, const char *name, struct pt_error *reterr)
{
    pt_assert(store->in_transaction);
    PT_TRY(retire_row(store, name, reterr));
    PT_TRY(replace_references(store, name, NULL, 0, reterr));
    store->fresh[0] = '\0';
    store->known[0] = '\0';
    return store_row_erase(store, name, reterr);
}
