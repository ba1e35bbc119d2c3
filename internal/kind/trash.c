/*
 * Deleted organizations that can be brought back (AIP-164).
 *
 * Deleting an organization moves it and all that was below it out of everybody's sight: each resource becomes a row of
 * kind PT_KIND_TRASH, which is no kind of the schema, so that no list, watch, plan or reference meets it. Its name is
 * free at once.
 *
 *   trash/<uid>             the organization          value: patronus.v1.DeletedResource
 *   trash/<uid>/<ordinal>   what was below it, parents before children
 *
 * Undelete writes the same resources again, with their uids, etags and numbers: numbers are never given out twice, and
 * nothing outside an organization refers into it, so only the name, the parent and the quotas can be in the way.
 *
 * Names of organizations are everybody's and free at once, that of the parent too: whoever makes another organization
 * of that name decides about what is below his own, not about what stood below the old one. So the parent is known by
 * its uid, and to callers whom bindings let in, what has no parent any more, or another one of its name, does not
 * exist.
 *
 * Kept for 30 days of the state's own time and within the limits below; beyond them the oldest goes of whoever has the
 * most there. What is too old is removed by the next deletion: there is no clock in apply.
 *
 * Which one is the oldest, and the newest of a name, is a part of the state: two deletions may have the same time, and
 * a node that reads the rows at its start must not put them in another order than one that saw them come.
 */
#include "base/assert.h"
#include "kind/machine.h"
#include "patronus/v1/replication.pb-c.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARENT "trash"
#define KEEP_NS (30LL * 86400 * 1000000000)

/* ---- the list ------------------------------------------------------------------------------------------------- */

static void forget(struct pt_trash *trash, size_t at)
{
    trash->rows -= trash->items[at].len;
    trash->len--;
    memmove(&trash->items[at], &trash->items[at + 1], (trash->len - at) * sizeof(trash->items[0]));
}

/* By time, then by log index (time never falls in the log), then by what one entry may still share. */
static bool older(const struct pt_trash_item *a, const struct pt_trash_item *b)
{
    if (a->delete_time_ns != b->delete_time_ns) {
        return a->delete_time_ns < b->delete_time_ns;
    }
    return a->revision != b->revision ? a->revision < b->revision : strcmp(a->uid, b->uid) < 0;
}

static void remember(struct pt_trash *trash, const struct pt_trash_item *item)
{
    pt_assert(trash->len < PT_TRASH_LEN_MAX);
    size_t at = trash->len++;
    for (; at > 0 && older(item, &trash->items[at - 1]); at--) {
        trash->items[at] = trash->items[at - 1];
    }
    trash->items[at] = *item;
    trash->rows += item->len;
}

static bool load_row(void *arg, const struct pt_row *row)
{
    struct pt_trash *trash = arg;
    Patronus__V1__DeletedResource *kept =
        patronus__v1__deleted_resource__unpack(NULL, row->value.size, row->value.data);
    if (kept != NULL && kept->len > 0 && trash->len < PT_TRASH_LEN_MAX) {
        struct pt_trash_item item = {
            .delete_time_ns = kept->delete_time_ns, .revision = row->revision, .len = kept->len};
        (void)snprintf(item.uid, sizeof(item.uid), "%.39s", row->name + sizeof(PARENT));
        (void)snprintf(item.name, sizeof(item.name), "%s", kept->name);
        remember(trash, &item);
    }
    patronus__v1__deleted_resource__free_unpacked(kept, NULL);
    return true;
}

enum pt_code pt_trash_load(struct pt_machine_kind *machine, struct pt_error *reterr)
{
    machine->trash.len = machine->trash.rows = 0;
    const struct pt_store_range range = {.kind_id = PT_KIND_TRASH, .parent = PARENT, .after = ""};
    return pt_store_scan(machine->store, &range, load_row, &machine->trash, reterr);
}

static void row_name(const char *uid, size_t ordinal, char name[64])
{
    int size = snprintf(name, 64, PARENT "/%.39s", uid);
    if (ordinal > 0) {
        (void)snprintf(name + size, 64 - (size_t)size, "/%08zx", ordinal);
    }
}

/* ret_parent_uid may be NULL. */
static enum pt_code read_row(struct pt_machine_kind *machine, const char *uid, size_t ordinal, struct pt_arena *arena,
                             struct pt_row *ret_row, struct pt_msg **ret_msg, const char **ret_parent_uid,
                             struct pt_error *reterr)
{
    char name[64];
    row_name(uid, ordinal, name);
    struct pt_row row;
    enum pt_code code = pt_store_get(machine->store, name, arena, &row, reterr);
    if (code == PT_NOT_FOUND) {
        return pt_fail(reterr, PT_CORRUPT, PT_REASON_NONE, NULL, "a deleted resource is gone: %s", name);
    }
    PT_TRY(code);
    Patronus__V1__DeletedResource *kept = patronus__v1__deleted_resource__unpack(NULL, row.value.size, row.value.data);
    if (kept == NULL) {
        return pt_fail(reterr, PT_CORRUPT, PT_REASON_MESSAGE_MALFORMED, NULL, "a deleted resource is damaged: %s",
                       name);
    }
    *ret_row = (struct pt_row){
        .name = pt_arena_strdup(arena, kept->name),
        .kind_id = kept->kind_id,
        .value = {pt_arena_memdup(arena, kept->resource.data, kept->resource.len), kept->resource.len},
    };
    if (ret_parent_uid != NULL) {
        *ret_parent_uid = pt_arena_strdup(arena, kept->parent_uid);
    }
    patronus__v1__deleted_resource__free_unpacked(kept, NULL);
    return pt_kind_parse_row(machine, ret_row, arena, ret_msg, reterr);
}

/* ---- into it -------------------------------------------------------------------------------------------------- */

static enum pt_code drop(struct pt_execution *execution, size_t at, struct pt_error *reterr)
{
    struct pt_trash *trash = &execution->machine->trash;
    const struct pt_trash_item item = trash->items[at];
    for (size_t i = 0; i < item.len; i++) {
        char name[64];
        row_name(item.uid, i, name);
        PT_TRY(pt_store_remove(execution->machine->store, name, reterr));
    }
    execution->machine->tenants.reshaped = true;
    forget(trash, at);
    return PT_OK;
}

/* Uid of the organization above the one in the row; "" when there is none. */
static enum pt_code uid_above(struct pt_machine_kind *machine, const struct pt_msg *organization,
                              struct pt_arena *arena, const char **ret_uid, struct pt_error *reterr)
{
    struct pt_row above = {.uid = ""};
    const char *name = pt_msg_str(organization, "parent_organization");
    enum pt_code code = name[0] != '\0' ? pt_store_get(machine->store, name, arena, &above, reterr) : PT_NOT_FOUND;
    *ret_uid = code == PT_OK ? above.uid : "";
    return code == PT_NOT_FOUND ? PT_OK : code;
}

static enum pt_code keep_row(struct pt_execution *execution, const struct pt_row *row, const char *uid, size_t ordinal,
                             size_t len, struct pt_error *reterr)
{
    Patronus__V1__DeletedResource kept = PATRONUS__V1__DELETED_RESOURCE__INIT;
    kept.kind_id = row->kind_id;
    kept.name = (char *)(uintptr_t)row->name;
    kept.resource = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)row->value.data, .len = row->value.size};
    kept.delete_time_ns = execution->time_ns;
    kept.len = ordinal == 0 ? (uint32_t)len : 0;
    if (ordinal == 0 && pt_kind_level(execution->machine) >= PT_LEVEL_RETURNS) {
        struct pt_msg *organization = NULL;
        const char *parent_uid = "";
        PT_TRY(pt_kind_parse_row(execution->machine, row, execution->arena, &organization, reterr));
        PT_TRY(uid_above(execution->machine, organization, execution->arena, &parent_uid, reterr));
        kept.parent_uid = (char *)(uintptr_t)parent_uid;
    }
    PT_AUTO(buf) struct pt_buf value = {0};
    size_t size = patronus__v1__deleted_resource__get_packed_size(&kept);
    value.size = patronus__v1__deleted_resource__pack(&kept, pt_buf_reserve(&value, size));
    char name[64];
    row_name(uid, ordinal, name);
    const struct pt_row out = {.name = name,
                               .kind_id = PT_KIND_TRASH,
                               .value = pt_buf_bytes(&value),
                               .uid = "",
                               .etag = "",
                               .revision = execution->index};
    return pt_store_put(execution->machine->store, &out, reterr);
}

/* Whose a deleted organization is: the topmost one above it. Of one whose parent is gone too that is all that is known.
 */
static const char *top_of(const struct pt_machine_kind *machine, const char *name, const struct pt_msg *msg)
{
    const char *parent = pt_msg_str(msg, "parent_organization");
    const struct pt_tenant *tenant = pt_tenant_of(machine, parent);
    while (tenant != NULL && tenant->parent != NULL) {
        tenant = tenant->parent;
    }
    return tenant != NULL ? tenant->name : parent[0] != '\0' ? parent : name;
}

/* Which one makes room for an organization of `top` with `len` rows: the oldest of whoever has the most there, so that
 * who makes and deletes organizations all day long loses his own, and not those of others. */
static enum pt_code choose(struct pt_execution *execution, const char *top, size_t len, size_t *ret_at,
                           struct pt_error *reterr)
{
    struct pt_machine_kind *machine = execution->machine;
    const struct pt_trash *trash = &machine->trash;
    bool by_rows = trash->len < PT_TRASH_LEN_MAX;
    const char *tops[PT_TRASH_LEN_MAX];
    size_t most = 0;
    for (size_t i = 0; i < trash->len; i++) {
        struct pt_row row;
        struct pt_msg *msg = NULL;
        PT_TRY(read_row(machine, trash->items[i].uid, 0, execution->arena, &row, &msg, NULL, reterr));
        tops[i] = top_of(machine, row.name, msg);
    }
    for (size_t i = 0; i < trash->len; i++) {
        size_t has = strcmp(tops[i], top) == 0 ? (by_rows ? len : 1) : 0;
        for (size_t j = 0; j < trash->len; j++) {
            has += strcmp(tops[j], tops[i]) != 0 ? 0 : by_rows ? trash->items[j].len : 1;
        }
        if (has > most) {
            most = has;
            *ret_at = i;
        }
    }
    return PT_OK;
}

static enum pt_code make_room(struct pt_execution *execution, const struct pt_row *organization, size_t len,
                              struct pt_error *reterr)
{
    struct pt_trash *trash = &execution->machine->trash;
    while (trash->len > 0 && trash->items[0].delete_time_ns + KEEP_NS <= execution->time_ns) {
        PT_TRY(drop(execution, 0, reterr));
    }
    if (trash->len < PT_TRASH_LEN_MAX && trash->rows + len <= PT_TRASH_ROWS_MAX) {
        return PT_OK;
    }
    struct pt_msg *msg = NULL;
    PT_TRY(pt_kind_parse_row(execution->machine, organization, execution->arena, &msg, reterr));
    const char *top = top_of(execution->machine, organization->name, msg);
    while (trash->len > 0 && (trash->len == PT_TRASH_LEN_MAX || trash->rows + len > PT_TRASH_ROWS_MAX)) {
        size_t at = 0;
        PT_TRY(choose(execution, top, len, &at, reterr));
        PT_TRY(drop(execution, at, reterr));
    }
    return PT_OK;
}

enum pt_code pt_trash_keep(struct pt_execution *execution, const struct pt_row *rows, size_t len,
                           struct pt_error *reterr)
{
    struct pt_trash *trash = &execution->machine->trash;
    if (rows[0].uid[0] == '\0') {
        return PT_OK; /* made without one: there is no key to keep it under */
    }
    PT_TRY(make_room(execution, &rows[0], len, reterr));
    struct pt_trash_item item = {.delete_time_ns = execution->time_ns, .revision = execution->index, .len = len};
    (void)snprintf(item.uid, sizeof(item.uid), "%s", rows[0].uid);
    (void)snprintf(item.name, sizeof(item.name), "%s", rows[0].name);
    for (size_t i = 0; i < len; i++) {
        PT_TRY(keep_row(execution, &rows[i], item.uid, i, len, reterr));
    }
    execution->machine->tenants.reshaped = true;
    remember(trash, &item);
    return PT_OK;
}

/* ---- out of it ------------------------------------------------------------------------------------------------ */

/* Index of the one that is meant; trash->len when there is none. */
static size_t find(const struct pt_trash *trash, const char *name, const char *uid, int64_t time_ns)
{
    for (size_t i = trash->len; i-- > 0;) {
        const struct pt_trash_item *item = &trash->items[i];
        if (strcmp(item->name, name) == 0 && (uid[0] == '\0' || strcmp(uid, item->uid) == 0) &&
            item->delete_time_ns + KEEP_NS > time_ns) {
            return i;
        }
    }
    return trash->len;
}

static enum pt_code restore_rest(struct pt_execution *execution, const struct pt_trash_item *item,
                                 struct pt_error *reterr)
{
    for (size_t i = 1; i < item->len; i++) {
        struct pt_row row;
        struct pt_msg *msg = NULL;
        PT_TRY(read_row(execution->machine, item->uid, i, execution->arena, &row, &msg, NULL, reterr));
        const struct pt_kind_info *info = pt_kind_info(execution->machine, row.kind_id);
        PT_TRY(pt_quota_check(execution->machine, info, row.name, NULL, msg, reterr));
        if (!execution->dry) {
            PT_TRY(pt_mutate_restore(execution, info, row.name, msg, reterr));
        }
    }
    return PT_OK;
}

static enum pt_code not_found(const struct pt_mutation *mutation, struct pt_error *reterr)
{
    return pt_fail(reterr, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "name",
                   "there is no deleted %s '%.200s'; list them with show_deleted",
                   mutation->info->type->resource->singular, mutation->name);
}

/* As if there were none. */
static enum pt_code hidden(const struct pt_mutation *mutation, struct pt_error *reterr)
{
    enum pt_code code = not_found(mutation, reterr);
    if (reterr != NULL) {
        reterr->denied = true;
    }
    return code;
}

/* Does whoever decides at the parent of that name decide about the deleted organization too? Of one that was deleted
 * before PT_LEVEL_RETURNS nobody knows, so that it is an admin's matter from then on. */
static enum pt_code in_place(struct pt_machine_kind *machine, const struct pt_msg *organization, const char *parent_uid,
                             struct pt_arena *arena, bool *ret_in_place, struct pt_error *reterr)
{
    const char *uid = "";
    PT_TRY(uid_above(machine, organization, arena, &uid, reterr));
    bool top = pt_msg_str(organization, "parent_organization")[0] == '\0';
    *ret_in_place =
        pt_kind_level(machine) < PT_LEVEL_RETURNS || top || (uid[0] != '\0' && strcmp(uid, parent_uid) == 0);
    return PT_OK;
}

/* Nobody gives what he does not hold: before anything is back, by what holds above. */
static enum pt_code permit_rest(struct pt_execution *execution, const struct pt_trash_item *item,
                                const struct pt_tenant *above, struct pt_error *reterr)
{
    for (size_t i = 1; i < item->len; i++) {
        struct pt_row row;
        struct pt_msg *msg = NULL;
        PT_TRY(read_row(execution->machine, item->uid, i, execution->arena, &row, &msg, NULL, reterr));
        const struct pt_kind_info *info = pt_kind_info(execution->machine, row.kind_id);
        PT_TRY(pt_grant_return(execution, above, info, msg, reterr));
    }
    return PT_OK;
}

static enum pt_code permit(struct pt_execution *execution, const struct pt_mutation *mutation,
                           const struct pt_trash_item *item, const struct pt_msg *organization, const char *parent_uid,
                           struct pt_error *reterr)
{
    struct pt_machine_kind *machine = execution->machine;
    if (pt_access_unbound(execution->caller)) {
        return PT_OK;
    }
    const struct pt_ask ask = {
        .permission = mutation->info->permissions[PT_VERB_UNDELETE],
        .tenant = pt_tenant_of(machine, pt_msg_str(organization, "parent_organization")),
        .resource = organization,
        .time_ns = execution->time_ns,
    };
    bool same = false;
    PT_TRY(in_place(machine, organization, parent_uid, execution->arena, &same, reterr));
    if (!same || !pt_access_allowed(machine, execution->caller, &ask)) {
        return hidden(mutation, reterr);
    }
    return pt_kind_level(machine) >= PT_LEVEL_RETURNS ? permit_rest(execution, item, ask.tenant, reterr) : PT_OK;
}

enum pt_code pt_trash_restore(struct pt_execution *execution, const struct pt_mutation *mutation,
                              struct pt_error *reterr)
{
    struct pt_machine_kind *machine = execution->machine;
    size_t at = find(&machine->trash, mutation->name, mutation->uid, execution->time_ns);
    if (at == machine->trash.len) {
        return not_found(mutation, reterr);
    }
    const struct pt_trash_item item = machine->trash.items[at];
    struct pt_row row;
    struct pt_msg *msg = NULL;
    const char *parent_uid = "";
    PT_TRY(read_row(machine, item.uid, 0, execution->arena, &row, &msg, &parent_uid, reterr));
    PT_TRY(permit(execution, mutation, &item, msg, parent_uid, reterr));
    struct pt_row present;
    enum pt_code code = pt_store_get(machine->store, mutation->name, execution->arena, &present, reterr);
    if (code != PT_NOT_FOUND) {
        return code != PT_OK ? code
                             : pt_fail(reterr, PT_ALREADY_EXISTS, PT_REASON_RESOURCE_EXISTS, "name",
                                       "%.200s has been created anew; delete that one first", mutation->name);
    }
    PT_TRY(pt_rules_check_again(execution, mutation->info, mutation->name, msg, reterr));
    if (!execution->dry) {
        PT_TRY(pt_mutate_restore(execution, mutation->info, mutation->name, msg, reterr));
    }
    PT_TRY(restore_rest(execution, &item, reterr));
    pt_mutate_reply(execution, mutation->info, msg);
    return execution->dry ? PT_OK : drop(execution, at, reterr);
}

enum pt_code pt_trash_list(struct pt_machine_kind *machine, const struct pt_caller *caller, struct pt_arena *arena,
                           struct pt_msg **ret_items, size_t *ret_len, struct pt_error *reterr)
{
    size_t len = 0;
    for (size_t i = 0; i < machine->trash.len; i++) {
        const struct pt_trash_item *item = &machine->trash.items[i];
        struct pt_row row;
        const char *parent_uid = "";
        bool shown = true;
        PT_TRY(read_row(machine, item->uid, 0, arena, &row, &ret_items[len], &parent_uid, reterr));
        if (!pt_access_unbound(caller)) {
            PT_TRY(in_place(machine, ret_items[len], parent_uid, arena, &shown, reterr));
        }
        pt_msg_set_time(ret_items[len], arena, "delete_time", item->delete_time_ns);
        pt_msg_set_time(ret_items[len], arena, "expire_time", item->delete_time_ns + KEEP_NS);
        len += shown && item->delete_time_ns + KEEP_NS > machine->time_ns;
    }
    *ret_len = len;
    return PT_OK;
}
