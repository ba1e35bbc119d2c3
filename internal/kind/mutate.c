/*
 * Create, update and delete of any kind, on the store, within the transaction of a batch.
 *
 * The order within one mutation is always: look, refuse, then write. A refusal that comes before the first write needs
 * no undo; what allocates or removes several rows runs under a savepoint that execute.c sets. In a dry run (the
 * leader's fast check, validate_only) everything happens but the writing, so the two cannot disagree on a rule.
 */
#include "kind/machine.h"

#include "base/assert.h"
#include "base/limits.h"
#include "wire/pack.h"
#include "patronus/v1/common.pb-c.h"
#include "patronus/v1/replication.pb-c.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- writing -------------------------------------------------------------------------------------------------- */

static enum pt_code put_event(struct pt_execution *execution, uint32_t verb, const struct pt_kind_info *info,
                              const char *name, struct pt_bytes resource, struct pt_error *reterr)
{
    if (execution->ordinal == PT_TRANSACTION_EVENTS_MAX) {
        return pt_fail(reterr, PT_EXHAUSTED, PT_REASON_LIMIT_REACHED, NULL,
                       "one transaction changes at most %d resources; make several of it", PT_TRANSACTION_EVENTS_MAX);
    }
    Patronus__V1__HistoryEvent event = PATRONUS__V1__HISTORY_EVENT__INIT;
    event.revision = execution->index;
    event.ordinal = execution->ordinal++;
    event.verb = (Patronus__V1__Verb)verb;
    event.kind_id = info->type->resource->kind_id;
    event.name = (char *)(uintptr_t)name;
    event.resource.data = (uint8_t *)(uintptr_t)resource.data;
    event.resource.len = resource.size;
    pt_buf_reset(execution->record);
    pt_pack(&event.base, execution->record);
    PT_TRY(pt_store_history_put(execution->machine->store, event.revision, event.ordinal, name,
                                pt_buf_bytes(execution->record), reterr));
    struct pt_event_list *list = execution->events;
    if (list->len == list->capacity) {
        size_t capacity = list->capacity == 0 ? 64 : list->capacity * 2;
        struct pt_watch_event *items = pt_arena_array(execution->events_arena, capacity, sizeof(*items));
        if (list->len > 0) {
            memcpy(items, list->items, list->len * sizeof(*items));
        }
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->len++] = (struct pt_watch_event){
        .revision = event.revision,
        .ordinal = event.ordinal,
        .verb = verb,
        .kind_id = event.kind_id,
        .name = pt_arena_strdup(execution->events_arena, name),
        .resource = resource,
    };
    return PT_OK;
}

struct name_list {
    const char **names;
    size_t len, capacity;
    struct pt_arena *arena;
};

static void add_name(void *arg, const char *path, const char *kind, const char *name)
{
    (void)path;
    (void)kind; /* it exists with that kind: rules.c has seen to it */
    struct name_list *list = arg;
    if (list->len == list->capacity) {
        size_t capacity = list->capacity == 0 ? 8 : list->capacity * 2;
        const char **names = pt_arena_array(list->arena, capacity, sizeof(*names));
        if (list->len > 0) {
            memcpy(names, list->names, list->len * sizeof(*names));
        }
        list->names = names;
        list->capacity = capacity;
    }
    list->names[list->len++] = name;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What the resource refers to, ascending and each once. */
static struct name_list references_of(const struct pt_msg *resource, struct pt_arena *arena)
{
    struct name_list list = {.arena = arena};
    pt_msg_references(resource, add_name, &list);
    if (list.len > 1) {
        qsort(list.names, list.len, sizeof(*list.names), by_text);
        size_t kept = 1;
        for (size_t i = 1; i < list.len; i++) {
            if (strcmp(list.names[kept - 1], list.names[i]) != 0) {
                list.names[kept++] = list.names[i];
            }
        }
        list.len = kept;
    }
    return list;
}

/* What a resource was before a change: nothing, on create. */
struct former {
    const struct pt_msg *msg;
    size_t size; /* of its row's value */
};

/* The resource as it stands, DERIVED fields included, into the store, into history and into the reply. The first thing
 * that a change writes, so that a tenant's bytes are checked here without need to undo. */
static enum pt_code put(struct pt_execution *execution, uint32_t verb, const struct pt_kind_info *info,
                        const char *name, const struct former *before, struct pt_msg *resource, struct pt_error *reterr)
{
    struct pt_store *store = execution->machine->store;
    const struct pt_row row = {
        .name = name,
        .kind_id = info->type->resource->kind_id,
        .value = pt_msg_encode_in(resource, execution->events_arena),
        .uid = pt_msg_str(resource, "uid"),
        .etag = pt_msg_str(resource, "etag"),
        .revision = pt_msg_u64(resource, "revision"),
    };
    uint64_t size_before = before->msg != NULL ? pt_artifact_quota(info, before->msg, before->size) : 0;
    uint64_t size_after = pt_artifact_quota(info, resource, row.value.size);
    if (!execution->unlimited) {
        PT_TRY(pt_quota_check_bytes(execution->machine, name, resource, size_before, size_after, reterr));
    }
    PT_TRY(pt_store_put(store, &row, reterr));
    pt_journal_add(execution, info, name, before->msg, before->size, resource);
    pt_quota_moved(execution->machine, info, name, before->msg, resource, size_before, size_after);
    pt_access_moved(execution->machine, info, name, resource);
    struct name_list list = {0};
    if (info->has_reference) {
        list = references_of(resource, execution->arena);
    }
    if (list.len > 0 || verb != PATRONUS__V1__VERB__CREATE) {
        PT_TRY(pt_store_set_references(store, name, list.names, list.len, reterr));
    }
    if (info->has_secret) {
        pt_mutate_reply(execution, info, resource);
    } else {
        pt_buf_reset(execution->reply);
        pt_buf_append(execution->reply, row.value.data, row.value.size);
    }
    return put_event(execution, verb, info, name, row.value, reterr);
}

void pt_mutate_reply(struct pt_execution *execution, const struct pt_kind_info *info, struct pt_msg *resource)
{
    if (execution->reply == NULL) {
        return;
    }
    if (info->has_secret) {
        resource = pt_msg_dup(resource, execution->arena);
        pt_msg_strip(resource, PT_OUTPUT_USER, true);
    }
    pt_buf_reset(execution->reply);
    pt_msg_encode(resource, execution->reply);
}

enum pt_code pt_mutate_derived(struct pt_execution *execution, const struct pt_kind_info *info, const char *name,
                               struct pt_msg *resource, struct pt_error *reterr)
{
    pt_assert(!execution->dry);
    struct former before = {0};
    struct pt_row row;
    struct pt_msg *msg = NULL;
    PT_TRY(pt_kind_load(execution->machine, name, execution->arena, &msg, &row, reterr));
    before = (struct former){.msg = msg, .size = row.value.size};
    return put(execution, PATRONUS__V1__VERB__UPDATE, info, name, &before, resource, reterr);
}

enum pt_code pt_mutate_restore(struct pt_execution *execution, const struct pt_kind_info *info, const char *name,
                               struct pt_msg *resource, struct pt_error *reterr)
{
    pt_assert(!execution->dry);
    char parent[PT_NAME_SIZE_MAX + 1];
    pt_name_parent(name, parent);
    const struct former none = {0};
    PT_TRY(put(execution, PATRONUS__V1__VERB__CREATE, info, name, &none, resource, reterr));
    pt_rules_count_add(execution->machine, info->type->resource->kind_id, parent, 1);
    return PT_OK;
}

static enum pt_code derive(struct pt_execution *execution, const struct pt_kind_info *info, const char *name,
                           const struct pt_msg *before, struct pt_msg *after, struct pt_error *reterr)
{
    if (execution->dry || info->rules == NULL || info->rules->derive == NULL) {
        return PT_OK;
    }
    const struct pt_change change = {.kind = info->type, .name = name, .before = before, .after = after};
    return info->rules->derive(execution->machine->store, &change, after, execution->arena, reterr);
}

/* ---- create --------------------------------------------------------------------------------------------------- */

static enum pt_code check_place(struct pt_execution *execution, const struct pt_mutation *mutation, char parent[],
                                struct pt_error *reterr)
{
    struct pt_machine_kind *machine = execution->machine;
    const struct pt_resource_type *resource = mutation->info->type->resource;
    const struct pt_message_type *kind = NULL;
    PT_TRY(pt_name_parse(machine->schema, mutation->name, &kind, reterr));
    if (kind != mutation->info->type) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_NAME_INVALID, "name", "'%.200s' is not the name of a %s",
                       mutation->name, resource->singular);
    }
    bool exists = false;
    PT_TRY(pt_store_exists(machine->store, mutation->name, &exists, reterr));
    if (exists) {
        return pt_fail(reterr, PT_ALREADY_EXISTS, PT_REASON_RESOURCE_EXISTS, "name",
                       "%.300s exists already; update it, or choose another id", mutation->name);
    }
    pt_name_parent(mutation->name, parent);
    if (parent[0] != '\0') {
        PT_TRY(pt_store_exists(machine->store, parent, &exists, reterr));
        if (!exists) {
            return pt_fail(reterr, PT_NOT_FOUND, PT_REASON_PARENT_NOT_FOUND, "parent",
                           "there is no %s '%.300s'; create it first", resource->parent, parent);
        }
    }
    uint64_t count = 0;
    PT_TRY(pt_rules_count(machine, resource->kind_id, parent, &count, reterr));
    if (count >= resource->max_per_parent) {
        return pt_fail(reterr, PT_EXHAUSTED, PT_REASON_LIMIT_REACHED, "parent",
                       "'%.200s' has %" PRIu64 " %s already, and %u is the limit", parent, count, resource->plural,
                       resource->max_per_parent);
    }
    return PT_OK;
}

static enum pt_code create(struct pt_execution *execution, const struct pt_mutation *mutation, struct pt_error *reterr)
{
    char parent[PT_NAME_SIZE_MAX + 1];
    PT_TRY(check_place(execution, mutation, parent, reterr));
    struct pt_arena *arena = execution->arena;
    struct pt_msg *after = mutation->resource;
    pt_msg_set_str(after, arena, "name", mutation->name);
    PT_TRY(pt_permit_change(execution, mutation->info, mutation->name, NULL, after, reterr));
    PT_TRY(pt_rules_check(execution, mutation->info, mutation->name, NULL, after, reterr));
    PT_TRY(pt_quota_check(execution->machine, mutation->info, mutation->name, NULL, after, reterr));
    if (execution->dry && execution->reply == NULL) {
        return PT_OK; /* whatever can refuse has been asked */
    }
    char etag[PT_ETAG_SIZE];
    pt_rules_etag(after, arena, etag);
    PT_TRY(derive(execution, mutation->info, mutation->name, NULL, after, reterr));
    pt_msg_set_str(after, arena, "uid", mutation->uid);
    pt_msg_set_str(after, arena, "etag", etag);
    pt_msg_set_u64(after, arena, "revision", execution->index);
    pt_msg_set_time(after, arena, "create_time", execution->time_ns);
    pt_msg_set_time(after, arena, "update_time", execution->time_ns);
    if (execution->dry) {
        pt_mutate_reply(execution, mutation->info, after);
        return PT_OK;
    }
    const struct former none = {0};
    PT_TRY(put(execution, PATRONUS__V1__VERB__CREATE, mutation->info, mutation->name, &none, after, reterr));
    pt_rules_count_add(execution->machine, mutation->info->type->resource->kind_id, parent, 1);
    return PT_OK;
}

/* ---- update --------------------------------------------------------------------------------------------------- */

static enum pt_code not_found(const struct pt_mutation *mutation, struct pt_error *reterr)
{
    return pt_fail(reterr, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "name", "there is no %s '%.300s'",
                   mutation->info->type->resource->singular, mutation->name);
}

static enum pt_code check_etag(const struct pt_mutation *mutation, const struct pt_row *row, struct pt_error *reterr)
{
    if (mutation->etag[0] == '\0' || strcmp(mutation->etag, row->etag) == 0) {
        return PT_OK;
    }
    return pt_fail(reterr, PT_ABORTED, PT_REASON_ETAG_MISMATCH, "etag",
                   "%.200s has changed since you read it (etag %.16s, yours is %.32s); read it again and repeat",
                   mutation->name, row->etag, mutation->etag);
}

/* The row of the mutation's resource; PT_NOT_FOUND without text when there is none of that kind. */
static enum pt_code find(struct pt_execution *execution, const struct pt_mutation *mutation, struct pt_msg **ret_msg,
                         struct pt_row *ret_row, struct pt_error *reterr)
{
    PT_TRY(pt_kind_load(execution->machine, mutation->name, execution->arena, ret_msg, ret_row, reterr));
    return ret_row->kind_id == mutation->info->type->resource->kind_id ? PT_OK : PT_NOT_FOUND;
}

static enum pt_code merge(struct pt_execution *execution, const struct pt_mutation *mutation, struct pt_msg *after,
                          struct pt_error *reterr)
{
    for (size_t i = 0; i < mutation->paths_len; i++) {
        PT_TRY(pt_rules_path(mutation->info->type, mutation->paths[i], reterr));
        PT_TRY(pt_msg_copy_path(after, mutation->resource, mutation->paths[i], execution->arena, reterr));
    }
    return PT_OK;
}

static enum pt_code update(struct pt_execution *execution, const struct pt_mutation *mutation, struct pt_error *reterr)
{
    struct pt_arena *arena = execution->arena;
    struct pt_msg *before = NULL;
    struct pt_row row;
    enum pt_code code = find(execution, mutation, &before, &row, reterr);
    if (code == PT_NOT_FOUND) {
        return mutation->allow_missing ? create(execution, mutation, reterr) : not_found(mutation, reterr);
    }
    PT_TRY(code);
    PT_TRY(check_etag(mutation, &row, reterr));
    struct pt_msg *after = pt_msg_dup(before, arena);
    pt_msg_set_str(mutation->resource, arena, "name", mutation->name);
    PT_TRY(merge(execution, mutation, after, reterr));
    PT_TRY(pt_permit_change(execution, mutation->info, mutation->name, before, after, reterr));
    PT_TRY(pt_rules_immutable(before, after, reterr));
    char etag[PT_ETAG_SIZE];
    pt_rules_etag(after, arena, etag);
    if (strcmp(etag, row.etag) == 0) { /* nothing changed: not even the revision does */
        pt_mutate_reply(execution, mutation->info, before);
        return PT_OK;
    }
    PT_TRY(pt_rules_check(execution, mutation->info, mutation->name, before, after, reterr));
    PT_TRY(pt_quota_check(execution->machine, mutation->info, mutation->name, before, after, reterr));
    PT_TRY(derive(execution, mutation->info, mutation->name, before, after, reterr));
    pt_msg_set_str(after, arena, "etag", etag);
    pt_msg_set_time(after, arena, "update_time", execution->time_ns);
    if (execution->dry) {
        pt_mutate_reply(execution, mutation->info, after);
        return PT_OK;
    }
    pt_msg_set_u64(after, arena, "revision", execution->index);
    const struct former former = {.msg = before, .size = row.value.size};
    PT_TRY(put(execution, PATRONUS__V1__VERB__UPDATE, mutation->info, mutation->name, &former, after, reterr));
    return pt_revision_keep(execution, mutation->info, mutation->name, before, false, reterr);
}

static bool is_user_field(const struct pt_field_type *field)
{
    return field->rules.output == PT_OUTPUT_USER && strcmp(field->name, "name") != 0;
}

enum pt_code pt_mutate_revert(struct pt_execution *execution, const struct pt_kind_info *info, const char *name,
                              const struct pt_msg *former, struct pt_error *reterr)
{
    struct pt_arena *arena = execution->arena;
    struct pt_msg *before = NULL;
    struct pt_row row;
    PT_TRY(pt_kind_load(execution->machine, name, arena, &before, &row, reterr));
    struct pt_msg *after = pt_msg_dup(before, arena); /* what the system has derived since stays */
    for (size_t i = 0; i < info->type->fields_len; i++) {
        if (is_user_field(&info->type->fields[i])) {
            PT_TRY(pt_msg_copy_path(after, former, info->type->fields[i].name, arena, reterr));
        }
    }
    char etag[PT_ETAG_SIZE];
    pt_rules_etag(after, arena, etag);
    pt_msg_set_str(after, arena, "etag", etag);
    pt_msg_set_time(after, arena, "update_time", execution->time_ns);
    pt_msg_set_u64(after, arena, "revision", execution->index);
    const struct former present = {.msg = before, .size = row.value.size};
    PT_TRY(put(execution, PATRONUS__V1__VERB__UPDATE, info, name, &present, after, reterr));
    return pt_revision_keep(execution, info, name, before, false, reterr);
}

/* ---- delete --------------------------------------------------------------------------------------------------- */

static enum pt_code in_use(struct pt_execution *execution, const char *name, const char *referrer,
                           struct pt_error *reterr)
{
    (void)execution;
    return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_RESOURCE_IN_USE, "name",
                   "%.180s is in use: %.180s refers to it; change or delete that first", name, referrer);
}

static enum pt_code remove_one(struct pt_execution *execution, const struct pt_kind_info *info,
                               const struct pt_row *row, struct pt_msg *msg, bool keep, struct pt_error *reterr)
{
    PT_TRY(pt_store_remove(execution->machine->store, row->name, reterr));
    pt_journal_add(execution, info, row->name, msg, row->value.size, NULL);
    if (info->organization) {
        PT_TRY(pt_revision_forget(execution, row->name, reterr));
    } else if (info->change_set) {
        PT_TRY(pt_change_set_removed(execution, msg, reterr));
    } else if (keep) {
        PT_TRY(pt_revision_keep(execution, info, row->name, msg, true, reterr));
    }
    char parent[PT_NAME_SIZE_MAX + 1];
    pt_name_parent(row->name, parent);
    pt_rules_count_add(execution->machine, row->kind_id, parent, -1);
    pt_quota_moved(execution->machine, info, row->name, msg, NULL, pt_artifact_quota(info, msg, row->value.size), 0);
    pt_access_moved(execution->machine, info, row->name, NULL);
    const struct pt_bytes last = {pt_arena_memdup(execution->events_arena, row->value.data, row->value.size),
                                  row->value.size};
    return put_event(execution, PATRONUS__V1__VERB__DELETE, info, row->name, last, reterr);
}

/* Remove a tree, deepest first: a child's name is its parent's and more, so descending order has children first. Then
 * see whether anything that is left refers to what is gone; execute.c undoes everything if so. */
static enum pt_code remove_tree(struct pt_execution *execution, const struct pt_row_list *list, struct pt_error *reterr)
{
    struct pt_machine_kind *machine = execution->machine;
    bool trash = pt_kind_info(machine, list->rows[0].kind_id)->organization; /* keeps all of it in another way */
    for (size_t i = list->len; i-- > 0;) {
        const struct pt_row *row = &list->rows[i];
        const struct pt_kind_info *info = pt_kind_info(machine, row->kind_id);
        struct pt_msg *msg = NULL;
        PT_TRY(pt_kind_parse_row(machine, row, execution->arena, &msg, reterr));
        PT_TRY(pt_permit_change(execution, info, row->name, msg, NULL, reterr));
        if (!execution->dry) {
            PT_TRY(pt_rules_check_delete(execution, info, row->name, msg, reterr));
            PT_TRY(remove_one(execution, info, row, msg, !trash, reterr));
        } else if (i == 0) { /* what is below is judged by what is left of it then, which a dry run does not see */
            PT_TRY(pt_rules_check_delete(execution, info, row->name, msg, reterr));
        }
    }
    const char *root = list->rows[0].name;
    for (size_t i = 0; i < list->len; i++) {
        const char *referrer = "";
        PT_TRY(pt_store_referrer(machine->store, list->rows[i].name, execution->arena, &referrer, reterr));
        /* A dry run still has the tree's own references; the rest of what it cannot see, the verdict will. */
        if (referrer[0] != '\0' && !pt_name_below(root, referrer)) {
            return in_use(execution, list->rows[i].name, referrer, reterr);
        }
    }
    return PT_OK;
}

static enum pt_code delete_tree(struct pt_execution *execution, const struct pt_mutation *mutation,
                                const struct pt_row *root, struct pt_error *reterr)
{
    struct pt_row_list list = {.arena = execution->arena};
    list.rows = pt_arena_array(list.arena, 16, sizeof(*list.rows));
    list.capacity = 16;
    list.rows[list.len++] = *root;
    const struct pt_store_range range = {.parent = mutation->name, .after = "", .len_max = PT_DELETE_LEN_MAX + 1};
    PT_TRY(pt_kind_rows(execution->machine, &range, &list, reterr));
    if (list.len > PT_DELETE_LEN_MAX) {
        return pt_fail(reterr, PT_EXHAUSTED, PT_REASON_LIMIT_REACHED, "force",
                       "more than %d resources are below %.200s; delete them in parts", PT_DELETE_LEN_MAX,
                       mutation->name);
    }
    if (mutation->info->organization && !execution->dry) {
        PT_TRY(pt_trash_keep(execution, list.rows, list.len, reterr));
    }
    return remove_tree(execution, &list, reterr);
}

/* A resource that nothing is below. */
static enum pt_code delete_leaf(struct pt_execution *execution, const struct pt_mutation *mutation,
                                const struct pt_row *row, struct pt_msg *before, struct pt_error *reterr)
{
    struct pt_machine_kind *machine = execution->machine;
    PT_TRY(pt_permit_change(execution, mutation->info, mutation->name, before, NULL, reterr));
    struct pt_row_list children = {.arena = execution->arena};
    const struct pt_store_range range = {.parent = mutation->name, .after = "", .len_max = 1};
    PT_TRY(pt_kind_rows(machine, &range, &children, reterr));
    if (children.len > 0) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_RESOURCE_HAS_CHILDREN, "force",
                       "%.180s still has resources below it, for example %.180s; delete them first, or set force",
                       mutation->name, children.rows[0].name);
    }
    const char *referrer = "";
    PT_TRY(pt_store_referrer(machine->store, mutation->name, execution->arena, &referrer, reterr));
    if (referrer[0] != '\0' && strcmp(referrer, mutation->name) != 0) {
        return in_use(execution, mutation->name, referrer, reterr);
    }
    PT_TRY(pt_rules_check_delete(execution, mutation->info, mutation->name, before, reterr));
    if (execution->dry) {
        return PT_OK;
    }
    if (mutation->info->organization) {
        PT_TRY(pt_trash_keep(execution, row, 1, reterr));
    }
    return remove_one(execution, mutation->info, row, before, true, reterr);
}

enum pt_code pt_mutate_remove(struct pt_execution *execution, const struct pt_kind_info *info, const char *name,
                              struct pt_error *reterr)
{
    struct pt_msg *msg = NULL;
    struct pt_row row;
    PT_TRY(pt_kind_load(execution->machine, name, execution->arena, &msg, &row, reterr));
    return remove_one(execution, info, &row, msg, true, reterr);
}

static void delete_reply(struct pt_execution *execution)
{
    Patronus__V1__DeleteResponse response = PATRONUS__V1__DELETE_RESPONSE__INIT;
    response.revision = execution->index;
    if (execution->reply == NULL) {
        return;
    }
    pt_buf_reset(execution->reply);
    size_t size = patronus__v1__delete_response__get_packed_size(&response);
    execution->reply->size += patronus__v1__delete_response__pack(&response, pt_buf_reserve(execution->reply, size));
}

static enum pt_code delete (struct pt_execution *execution, const struct pt_mutation *mutation,
                            struct pt_error *reterr) {
    struct pt_msg *before = NULL; struct pt_row row;
    enum pt_code code = find(execution, mutation, &before, &row, reterr);
    if (code == PT_NOT_FOUND){if (!mutation->allow_missing){return not_found(mutation, reterr);}
delete_reply(execution);
return PT_OK;
}
PT_TRY(code);
PT_TRY(check_etag(mutation, &row, reterr));
PT_TRY(mutation->force ? delete_tree(execution, mutation, &row, reterr)
                       : delete_leaf(execution, mutation, &row, before, reterr));
delete_reply(execution);
return PT_OK;
}

enum pt_code pt_mutate(struct pt_execution *execution, const struct pt_mutation *mutation, struct pt_error *reterr)
{
    PT_TRY(pt_permit_mutation(execution, mutation, reterr));
    PT_TRY(pt_change_set_barred(execution, mutation->info, mutation->name, reterr));
    switch (mutation->verb) {
    case PATRONUS__V1__VERB__CREATE:
        return create(execution, mutation, reterr);
    case PATRONUS__V1__VERB__UPDATE:
        return update(execution, mutation, reterr);
    case PATRONUS__V1__VERB__DELETE:
        return delete (execution, mutation, reterr);
    case PATRONUS__V1__VERB__UNDELETE:
        return pt_trash_restore(execution, mutation, reterr);
    default:
        pt_unreachable(); /* pt_mutation_decode has refused it */
    }
}
