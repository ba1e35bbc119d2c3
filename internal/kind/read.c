/*
 * Get and List, from the state as it is now, for any kind.
 *
 * Rows come from the store without secrets; the overlay adds what only the leader knows (SOFT fields) before anything
 * is compared or shown. A List by name reads the store in chunks and stops when the page is full; any other order looks
 * at every resource once, keeps keys and names, sorts, and reads the page's resources again. Views have no rows: the
 * overlay makes them.
 *
 * Most reads want resources just as they are stored: nothing is hidden from the caller, nothing overlaid, nothing
 * compared. The stored form is the canonical one, so those bytes are the reply, and nothing is parsed.
 */
#include "kind/machine.h"
#include "kind/query.h"

#include "base/assert.h"
#include "base/limits.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_LEN 256
#define PAGE_SIZE_MAX (3U << 20) /* bytes; common gRPC clients take 4 MiB */

/* What a caller may see of a stored resource. */
static void make_visible(const struct pt_machine_kind *machine, const struct pt_soft_overlay *overlay,
                         struct pt_msg *resource, struct pt_arena *arena)
{
    if (pt_kind_info(machine, resource->type->resource->kind_id)->has_secret) {
        pt_msg_strip(resource, PT_OUTPUT_USER, true);
    }
    if (overlay != NULL && overlay->overlay != NULL) {
        overlay->overlay(overlay->context, resource, arena);
    }
}

/* Is what the caller may see of each resource of the kind the resource as it is stored? */
static bool shown_as_stored(const struct pt_machine_kind *machine, const struct pt_caller *caller,
                            const struct pt_soft_overlay *overlay, const struct pt_message_type *kind)
{
    bool overlaid =
        overlay != NULL && overlay->overlay != NULL && (overlay->overlays == NULL || overlay->overlays(kind));
    return caller == NULL && !overlaid && !kind->resource->view &&
           !pt_kind_info(machine, kind->resource->kind_id)->has_secret;
}

/* ---- views ---------------------------------------------------------------------------------------------------- */

struct view_collection {
    struct pt_arena *arena;
    struct pt_msg **items;
    size_t len, capacity;
};

static void collect_view(void *arg, struct pt_msg *resource)
{
    struct view_collection *views = arg;
    if (views->len == views->capacity) {
        size_t capacity = views->capacity == 0 ? 64 : views->capacity * 2;
        struct pt_msg **items = pt_arena_array(views->arena, capacity, sizeof(struct pt_msg *));
        if (views->len > 0) {
            memcpy(items, views->items, views->len * sizeof(struct pt_msg *));
        }
        views->items = items;
        views->capacity = capacity;
    }
    views->items[views->len++] = resource;
}

static enum pt_code collect_views(const struct pt_soft_overlay *overlay, const struct pt_message_type *kind,
                                  struct view_collection *views, struct pt_error *reterr)
{
    if (overlay == NULL || overlay->list_view == NULL) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_NO_LEADER, "stale",
                       "%s are computed by the leader; leave stale unset", kind->resource->plural);
    }
    overlay->list_view(overlay->context, kind, views->arena, collect_view, views);
    return PT_OK;
}

/* ---- get ------------------------------------------------------------------------------------------------------ */

static enum pt_code no_such(const struct pt_message_type *kind, const char *name, struct pt_error *reterr)
{
    return pt_fail(reterr, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "name", "there is no %s '%.300s'",
                   kind->resource->singular, name);
}

static enum pt_code get_view(const struct pt_soft_overlay *overlay, const struct pt_message_type *kind,
                             const char *name, struct pt_arena *arena, struct pt_msg **ret_msg, struct pt_error *reterr)
{
    struct view_collection views = {.arena = arena};
    PT_TRY(collect_views(overlay, kind, &views, reterr));
    for (size_t i = 0; i < views.len; i++) {
        if (strcmp(pt_msg_str(views.items[i], "name"), name) == 0) {
            *ret_msg = views.items[i];
            return PT_OK;
        }
    }
    return no_such(kind, name, reterr);
}

static enum pt_code get(struct pt_machine_kind *machine, const struct pt_caller *caller,
                        const struct pt_method_type *method, const struct pt_msg *request,
                        const struct pt_soft_overlay *overlay, struct pt_arena *arena, struct pt_buf *reply,
                        struct pt_error *reterr)
{
    const char *name = pt_msg_str(request, "name");
    const struct pt_message_type *kind = NULL;
    PT_TRY(pt_name_parse(machine->schema, name, &kind, reterr));
    if (kind != method->kind) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_NAME_INVALID, "name",
                       "'%.200s' is not the name of a %s; write %s", name, method->kind->resource->singular,
                       method->kind->resource->pattern);
    }
    PT_TRY(pt_permit_get(machine, caller, kind, name, NULL, reterr));
    if (shown_as_stored(machine, caller, overlay, kind)) {
        struct pt_row row;
        enum pt_code code = pt_store_get(machine->store, name, arena, &row, reterr);
        if (code == PT_OK) {
            pt_buf_append(reply, row.value.data, row.value.size);
        }
        return code == PT_NOT_FOUND ? no_such(kind, name, reterr) : code;
    }
    struct pt_msg *resource = NULL;
    if (kind->resource->view) {
        PT_TRY(get_view(overlay, kind, name, arena, &resource, reterr));
    } else {
        enum pt_code code = pt_kind_load(machine, name, arena, &resource, NULL, reterr);
        if (code == PT_NOT_FOUND) {
            return no_such(kind, name, reterr);
        }
        PT_TRY(code);
        PT_TRY(pt_permit_get(machine, caller, kind, name, resource, reterr));
        make_visible(machine, overlay, resource, arena);
    }
    pt_msg_encode(resource, reply);
    return PT_OK;
}

/* ---- list ----------------------------------------------------------------------------------------------------- */

struct list_item {
    struct pt_bytes key;
    const char *name;
    struct pt_msg *msg; /* NULL: to be read again */
};

struct list {
    struct pt_machine_kind *machine;
    const struct pt_caller *caller; /* NULL: sees everything */
    const struct pt_method_type *method;
    const struct pt_message_type *kind;
    const struct pt_kind_info *info;
    const struct pt_soft_overlay *overlay;
    struct pt_arena *arena; /* of the page */
    const char *parent;     /* may hold "-" */
    const char *query;      /* what page tokens are bound to */
    struct pt_filter filter;
    struct pt_order order;
    struct pt_bytes after; /* key of the last resource of the page before; size 0 at the start */
    size_t len_max;
    struct list_item *items;
    size_t items_len, items_capacity;
    size_t size; /* bytes of the items' values, when they are held */
    bool more;
};

static int compare_keys(struct pt_bytes a, struct pt_bytes b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size > 0 ? memcmp(a.data, b.data, size) : 0;
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static int by_key(const void *a, const void *b)
{
    return compare_keys(((const struct list_item *)a)->key, ((const struct list_item *)b)->key);
}

static void add_item(struct list *list, const char *name, struct pt_msg *sorted_by, struct pt_msg *kept)
{
    PT_AUTO(buf) struct pt_buf key = {0};
    pt_order_key(&list->order, sorted_by, name, &key);
    if (list->after.size > 0 && compare_keys(pt_buf_bytes(&key), list->after) <= 0) {
        return;
    }
    if (list->items_len == list->items_capacity) {
        size_t capacity = list->items_capacity == 0 ? 64 : list->items_capacity * 2;
        struct list_item *items = pt_arena_array(list->arena, capacity, sizeof(*items));
        if (list->items_len > 0) {
            memcpy(items, list->items, list->items_len * sizeof(*items));
        }
        list->items = items;
        list->items_capacity = capacity;
    }
    list->items[list->items_len++] =
        (struct list_item){.key = {pt_arena_memdup(list->arena, key.data, key.size), key.size},
                           .name = pt_arena_strdup(list->arena, name),
                           .msg = kept};
}

/* The part of the parent in front of the first "-" that the store can search below. No id begins with '-'. */
static const char *literal_parent(const char *parent, struct pt_arena *arena)
{
    const char *dash = strstr(parent, "/-");
    if (dash == NULL) {
        return parent;
    }
    char *literal = pt_arena_strndup(arena, parent, (size_t)(dash - parent)); /* ends with a collection */
    char *slash = strrchr(literal, '/');
    if (slash == NULL) {
        return "";
    }
    *slash = '\0';
    return literal;
}

/* One chunk of rows; *ret_last is the last name looked at, "" when there are no more. */
static enum pt_code list_chunk(struct list *list, const char *literal, struct pt_arena *chunk, char *after,
                               bool by_name, struct pt_error *reterr)
{
    struct pt_row_list rows = {.arena = chunk};
    const struct pt_store_range range = {
        .kind_id = list->kind->resource->kind_id, .parent = literal, .after = after, .len_max = CHUNK_LEN};
    PT_TRY(pt_kind_rows(list->machine, &range, &rows, reterr));
    for (size_t i = 0; i < rows.len && !list->more; i++) {
        const char *name = rows.rows[i].name;
        if (!pt_name_below(list->parent, name)) {
            continue;
        }
        struct pt_msg *msg = NULL;
        PT_TRY(pt_kind_parse_row(list->machine, &rows.rows[i], chunk, &msg, reterr));
        if (!pt_permit_row(list->machine, list->caller, list->info, name, msg)) {
            continue;
        }
        make_visible(list->machine, list->overlay, msg, chunk);
        if (!pt_filter_match(&list->filter, msg)) {
            continue;
        }
        if (by_name && (list->items_len == list->len_max || list->size > PAGE_SIZE_MAX)) {
            list->more = true;
            break;
        }
        add_item(list, name, msg, by_name ? pt_msg_dup(msg, list->arena) : NULL);
        list->size += by_name ? rows.rows[i].value.size : 0;
    }
    after[0] = '\0';
    if (rows.len == CHUNK_LEN && !list->more) {
        (void)strcpy(after, rows.rows[rows.len - 1].name); /* a stored name fits */
    }
    return PT_OK;
}

/* The name that a page in order of names begins behind; false: no name is that long, nothing is behind it. */
static bool after_name(const struct list *list, char after[PT_NAME_SIZE_MAX + 1])
{
    if (list->after.size > PT_NAME_SIZE_MAX) {
        return false;
    }
    if (list->after.size > 0) {
        memcpy(after, list->after.data, list->after.size);
    }
    after[list->after.size] = '\0';
    return true;
}

static enum pt_code list_rows(struct list *list, bool by_name, struct pt_error *reterr)
{
    const char *literal = literal_parent(list->parent, list->arena);
    char after[PT_NAME_SIZE_MAX + 1] = "";
    if (by_name && !after_name(list, after)) {
        return PT_OK;
    }
    do {
        struct pt_arena chunk;
        pt_arena_init(&chunk);
        enum pt_code code = list_chunk(list, literal, &chunk, after, by_name, reterr);
        pt_arena_fini(&chunk);
        PT_TRY(code);
    } while (after[0] != '\0');
    return PT_OK;
}

static enum pt_code list_views(struct list *list, struct pt_error *reterr)
{
    struct view_collection views = {.arena = list->arena};
    PT_TRY(collect_views(list->overlay, list->kind, &views, reterr));
    for (size_t i = 0; i < views.len; i++) {
        const char *name = pt_msg_str(views.items[i], "name");
        if (pt_name_below(list->parent, name) && pt_filter_match(&list->filter, views.items[i]) &&
            pt_permit_row(list->machine, list->caller, list->info, name, views.items[i])) {
            add_item(list, name, views.items[i], views.items[i]);
        }
    }
    return PT_OK;
}

/* Where the reply has its resources. */
static const struct pt_field_type *page_field(const struct list *list)
{
    for (size_t i = 0; i < list->method->output->fields_len; i++) {
        const struct pt_field_type *field = &list->method->output->fields[i];
        if (field->message == list->kind && field->repeated) {
            return field;
        }
    }
    pt_assert(false); /* the schema's rules for List */
    return NULL;
}

/* Sort, cut the page off, read what is not held. */
static enum pt_code cut_page(struct list *list, struct pt_error *reterr)
{
    if (list->items_len > 1) {
        qsort(list->items, list->items_len, sizeof(*list->items), by_key);
    }
    if (list->items_len > list->len_max) {
        list->items_len = list->len_max;
        list->more = true;
    }
    size_t size = 0;
    for (size_t i = 0; i < list->items_len; i++) {
        struct list_item *item = &list->items[i];
        if (item->msg == NULL) {
            PT_TRY(pt_kind_load(list->machine, item->name, list->arena, &item->msg, NULL, reterr));
            make_visible(list->machine, list->overlay, item->msg, list->arena);
        }
        size += pt_msg_encoded_size(item->msg);
        if (size > PAGE_SIZE_MAX && i + 1 < list->items_len) {
            list->items_len = i + 1;
            list->more = true;
        }
    }
    return PT_OK;
}

static enum pt_code parent_exists(struct list *list, struct pt_error *reterr)
{
    if (list->parent[0] == '\0' || strcmp(literal_parent(list->parent, list->arena), list->parent) != 0) {
        return PT_OK;
    }
    struct pt_row row;
    enum pt_code code = pt_store_get(list->machine->store, list->parent, list->arena, &row, reterr);
    return code == PT_NOT_FOUND ? pt_fail(reterr, PT_NOT_FOUND, PT_REASON_PARENT_NOT_FOUND, "parent",
                                          "there is no %s '%.300s'", list->kind->resource->parent, list->parent)
                                : code;
}

static enum pt_code read_query(struct list *list, const struct pt_msg *request, struct pt_error *reterr)
{
    list->parent = pt_msg_str(request, "parent");
    PT_TRY(pt_parent_parse(list->kind, list->parent, true, reterr));
    PT_TRY(pt_permit_list(list->machine, list->caller, list->kind, list->parent, reterr));
    int64_t page_size = pt_msg_i64(request, "page_size");
    if (page_size < 0) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "page_size",
                       "a page has 1 to %d resources; leave it out for %d", PT_PAGE_LEN_MAX, PT_PAGE_LEN_DEFAULT);
    }
    page_size = page_size == 0 ? PT_PAGE_LEN_DEFAULT : page_size;
    list->len_max = page_size > PT_PAGE_LEN_MAX ? PT_PAGE_LEN_MAX : (size_t)page_size;
    const char *filter = pt_msg_str(request, "filter");
    const char *order_by = pt_msg_str(request, "order_by");
    PT_TRY(pt_filter_parse(filter, list->arena, &list->filter, reterr));
    PT_TRY(pt_filter_check(&list->filter, list->kind, reterr));
    PT_TRY(pt_order_parse(order_by, list->kind, list->arena, &list->order, reterr));
    list->query = pt_arena_printf(list->arena, "%s\n%s\n%s\n%s", list->kind->full_name, list->parent, filter, order_by);
    const char *token = pt_msg_str(request, "page_token");
    if (token[0] != '\0') {
        PT_AUTO(buf) struct pt_buf key = {0};
        PT_TRY(pt_page_key(list->query, token, &key, reterr));
        list->after = (struct pt_bytes){pt_arena_memdup(list->arena, key.data, key.size), key.size};
    }
    return parent_exists(list, reterr);
}

static void list_reply(const struct list *list, struct pt_bytes last_key, struct pt_buf *reply)
{
    struct pt_msg *response = pt_msg_new(list->arena, list->method->output);
    const struct pt_field_type *field = page_field(list);
    for (size_t i = 0; i < list->items_len; i++) {
        pt_msg_append(response, list->arena, field->name, (union pt_value){.message = list->items[i].msg});
    }
    if (list->more) {
        PT_AUTO(buf) struct pt_buf token = {0};
        pt_page_token(list->query, last_key, &token);
        pt_msg_set_bytes(response, list->arena, "next_page_token", pt_buf_bytes(&token));
    }
    pt_msg_set_u64(response, list->arena, "revision", list->machine->applied_index);
    pt_msg_encode(response, reply);
}

static enum pt_code reply_with_items(struct list *list, struct pt_buf *reply, struct pt_error *reterr)
{
    PT_TRY(cut_page(list, reterr));
    const struct list_item *last = list->items_len > 0 ? &list->items[list->items_len - 1] : NULL;
    list_reply(list, last != NULL ? last->key : (struct pt_bytes){0}, reply);
    return PT_OK;
}

/* ---- a page as it is stored ------------------------------------------------------------------------------------- */

struct stored_page {
    struct list *list;
    struct pt_buf *reply;
    uint32_t tag;
    size_t len;
    char last[PT_NAME_SIZE_MAX + 1];
};

static void put_varint(struct pt_buf *buf, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) {
        pt_buf_append_u8(buf, (uint8_t)(value | 0x80));
    }
    pt_buf_append_u8(buf, (uint8_t)value);
}

static bool put_stored(void *arg, const struct pt_row *row)
{
    struct stored_page *page = arg;
    struct list *list = page->list;
    if (!pt_name_below(list->parent, row->name)) {
        return true;
    }
    if (page->len == list->len_max || list->size > PAGE_SIZE_MAX) {
        list->more = true;
        return false;
    }
    put_varint(page->reply, page->tag);
    put_varint(page->reply, row->value.size);
    pt_buf_append(page->reply, row->value.data, row->value.size);
    (void)strcpy(page->last, row->name); /* a stored name fits */
    page->len++;
    list->size += row->value.size;
    return true;
}

/* The resources first, then the other fields, whose numbers are higher. */
static enum pt_code reply_as_stored(struct list *list, struct pt_buf *reply, struct pt_error *reterr)
{
    char after[PT_NAME_SIZE_MAX + 1] = "";
    struct stored_page page = {.list = list, .reply = reply, .tag = page_field(list)->number << 3 | 2};
    if (after_name(list, after)) {
        const struct pt_store_range range = {.kind_id = list->kind->resource->kind_id,
                                             .parent = literal_parent(list->parent, list->arena),
                                             .after = after};
        PT_TRY(pt_store_scan(list->machine->store, &range, put_stored, &page, reterr));
    }
    list_reply(list, (struct pt_bytes){(const uint8_t *)page.last, strlen(page.last)}, reply);
    return PT_OK;
}

/* Deleted resources of the kind, all on one page. */
static enum pt_code list_deleted(struct list *list, struct pt_error *reterr)
{
    struct pt_msg *items[PT_TRASH_LEN_MAX];
    size_t len = 0;
    PT_TRY(pt_trash_list(list->machine, list->caller, list->arena, items, &len, reterr));
    for (size_t i = 0; i < len; i++) {
        /* Whose bindings decide about a deleted one: those of the organization above. */
        const char *above = pt_msg_str(items[i], "parent_organization");
        const struct pt_ask ask = {.permission = list->info->permissions[PT_VERB_LIST],
                                   .tenant = pt_tenant_of(list->machine, above),
                                   .resource = items[i],
                                   .time_ns = list->machine->wall_ns};
        if (pt_filter_match(&list->filter, items[i]) && pt_access_allowed(list->machine, list->caller, &ask)) {
            add_item(list, pt_msg_str(items[i], "name"), items[i], items[i]);
        }
    }
    list->len_max = PT_TRASH_LEN_MAX;
    return PT_OK;
}

static enum pt_code list_any(struct list *list, const struct pt_msg *request, struct pt_buf *reply,
                             struct pt_error *reterr)
{
    PT_TRY(read_query(list, request, reterr));
    bool by_name = list->order.path == NULL && !list->order.descending;
    if (pt_message_field(request->type, "show_deleted") != NULL && pt_msg_bool(request, "show_deleted")) {
        PT_TRY(list_deleted(list, reterr));
    } else if (list->kind->resource->view) {
        PT_TRY(list_views(list, reterr));
    } else if (by_name && pt_msg_str(request, "filter")[0] == '\0' &&
               shown_as_stored(list->machine, list->caller, list->overlay, list->kind)) {
        return reply_as_stored(list, reply, reterr);
    } else {
        PT_TRY(list_rows(list, by_name, reterr));
    }
    return reply_with_items(list, reply, reterr);
}

enum pt_code pt_kind_read(struct pt_machine_kind *machine, const struct pt_caller *caller,
                          const struct pt_method_type *method, const struct pt_msg *request,
                          const struct pt_soft_overlay *overlay, struct pt_buf *reply, struct pt_error *reterr)
{
    if (caller != NULL) {
        PT_TRY(pt_kind_authenticate(machine, caller, machine->wall_ns, reterr));
        caller = pt_access_unbound(caller) ? NULL : caller; /* asked once, not for each row */
    }
    struct pt_arena arena;
    pt_arena_init(&arena);
    enum pt_code code = PT_OK;
    if (method->verb == PT_VERB_GET) {
        code = get(machine, caller, method, request, overlay, &arena, reply, reterr);
    } else {
        pt_assert(method->verb == PT_VERB_LIST);
        struct list list = {.machine = machine,
                            .caller = caller,
                            .method = method,
                            .kind = method->kind,
                            .info = pt_kind_info(machine, method->kind->resource->kind_id),
                            .overlay = overlay,
                            .arena = &arena};
        code = list_any(&list, request, reply, reterr);
    }
    pt_arena_fini(&arena);
    return code;
}
