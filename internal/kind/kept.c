/*
 * What an applied change set keeps so that it can be taken back, and taking it back.
 *
 *   changes/<uid of the change set>              value: patronus.v1.KeptChangeSet
 *   changes/<uid of the change set>/<ordinal>    value: patronus.v1.KeptChange, in the order in which they changed
 *
 * The rows are of a kind that the schema does not have, like those of deleted organizations. Taking back walks them
 * backwards, so that each step leads to a state that has been.
 */
#include "base/assert.h"
#include "base/limits.h"
#include "kind/machine.h"
#include "patronus/v1/replication.pb-c.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PARENT "changes"
#define ROW_NAME_SIZE 80
#define KEPT_LEN_MAX 4096        /* resources that one change set changes */
#define KEPT_SIZE_MAX (4U << 20) /* bytes of what they were */
#define RECONNECT_DEFAULT_NS (30LL * 1000000000)

/* ---- what is kept --------------------------------------------------------------------------------------------- */

void pt_journal_add(struct pt_execution *execution, const struct pt_kind_info *info, const char *name,
                    const struct pt_msg *before, size_t size, const struct pt_msg *after)
{
    struct pt_journal *journal = execution->journal;
    if (journal == NULL) {
        return;
    }
    if (journal->len == journal->capacity) {
        size_t capacity = journal->capacity == 0 ? 32 : journal->capacity * 2;
        struct pt_journal_item *items = pt_arena_array(journal->arena, capacity, sizeof(*items));
        if (journal->len > 0) {
            memcpy(items, journal->items, journal->len * sizeof(*items));
        }
        journal->items = items;
        journal->capacity = capacity;
    }
    /* Copies: a message may be changed after it was written. */
    journal->items[journal->len++] =
        (struct pt_journal_item){.info = info,
                                 .name = pt_arena_strdup(journal->arena, name),
                                 .before = before != NULL ? pt_msg_dup(before, journal->arena) : NULL,
                                 .after = after != NULL ? pt_msg_dup(after, journal->arena) : NULL};
    journal->size += before != NULL ? size : 0;
}

static void row_name(const char *uid, size_t ordinal, char name[ROW_NAME_SIZE])
{
    int size = snprintf(name, ROW_NAME_SIZE, PARENT "/%.39s", uid);
    if (ordinal > 0) {
        (void)snprintf(name + size, ROW_NAME_SIZE - (size_t)size, "/%08zx", ordinal);
    }
}

static enum pt_code keep_row(struct pt_execution *execution, const char *uid, size_t ordinal,
                             const ProtobufCMessage *message, struct pt_error *reterr)
{
    PT_AUTO(buf) struct pt_buf value = {0};
    size_t size = protobuf_c_message_get_packed_size(message);
    value.size = protobuf_c_message_pack(message, pt_buf_reserve(&value, size));
    char name[ROW_NAME_SIZE];
    row_name(uid, ordinal, name);
    const struct pt_row row = {.name = name,
                               .kind_id = PT_KIND_KEPT_CHANGE,
                               .value = pt_buf_bytes(&value),
                               .uid = "",
                               .etag = "",
                               .revision = execution->index};
    return pt_store_put(execution->machine->store, &row, reterr);
}

enum pt_code pt_kept_write(struct pt_execution *execution, const struct pt_msg *change_set,
                           const struct pt_journal *journal, const struct pt_msg *op, struct pt_error *reterr)
{
    if (journal->len > KEPT_LEN_MAX || journal->size > KEPT_SIZE_MAX) {
        return pt_fail(reterr, PT_EXHAUSTED, PT_REASON_LIMIT_REACHED, "changes",
                       "the change set changes %zu resources of %zu bytes; at most %d of %u bytes can be taken back: "
                       "make several of it",
                       journal->len, journal->size, KEPT_LEN_MAX, KEPT_SIZE_MAX);
    }
    const char *uid = pt_msg_str(change_set, "uid");
    Patronus__V1__KeptChangeSet head = PATRONUS__V1__KEPT_CHANGE_SET__INIT;
    head.name = (char *)(uintptr_t)pt_msg_str(change_set, "name");
    head.len = (uint32_t)journal->len;
    head.reconnect_timeout_ns = pt_msg_i64(op, "reconnect_timeout_ns");
    const struct pt_msg_field *edges = pt_msg_field(op, "edges");
    head.n_edges = edges != NULL && pt_msg_i64(op, "confirm_timeout_ns") > 0 ? edges->len : 0;
    head.edges = pt_arena_array(execution->arena, head.n_edges, sizeof(char *));
    for (size_t i = 0; i < head.n_edges; i++) {
        head.edges[i] = (char *)(uintptr_t)edges->values[i].bytes.data;
    }
    PT_TRY(keep_row(execution, uid, 0, &head.base, reterr));
    for (size_t i = 0; i < journal->len; i++) {
        const struct pt_journal_item *item = &journal->items[i];
        PT_AUTO(buf) struct pt_buf before = {0};
        Patronus__V1__KeptChange kept = PATRONUS__V1__KEPT_CHANGE__INIT;
        kept.kind_id = item->info->type->resource->kind_id;
        kept.name = (char *)(uintptr_t)item->name;
        if (item->before != NULL) {
            pt_msg_encode(item->before, &before);
            kept.before = (ProtobufCBinaryData){.data = before.data, .len = before.size};
        }
        kept.etag_after = (char *)(uintptr_t)(item->after != NULL ? pt_msg_str(item->after, "etag") : "");
        PT_TRY(keep_row(execution, uid, i + 1, &kept.base, reterr));
    }
    return PT_OK;
}

/* NULL without error when nothing is kept any more. Free it. */
static enum pt_code kept_head(struct pt_machine_kind *machine, const char *uid, struct pt_arena *arena,
                              Patronus__V1__KeptChangeSet **ret_head, struct pt_error *reterr)
{
    char name[ROW_NAME_SIZE];
    struct pt_row row;
    row_name(uid, 0, name);
    *ret_head = NULL;
    enum pt_code code = pt_store_get(machine->store, name, arena, &row, reterr);
    if (code != PT_OK) {
        return code == PT_NOT_FOUND ? PT_OK : code;
    }
    *ret_head = patronus__v1__kept_change_set__unpack(NULL, row.value.size, row.value.data);
    return *ret_head != NULL
               ? PT_OK
               : pt_fail(reterr, PT_CORRUPT, PT_REASON_MESSAGE_MALFORMED, NULL, "what a change set keeps is damaged");
}

enum pt_code pt_kept_forget(struct pt_execution *execution, const char *uid, struct pt_error *reterr)
{
    struct pt_store *store = execution->machine->store;
    Patronus__V1__KeptChangeSet *head = NULL;
    PT_TRY(kept_head(execution->machine, uid, execution->arena, &head, reterr));
    if (head == NULL) {
        return PT_OK;
    }
    size_t len = head->len;
    patronus__v1__kept_change_set__free_unpacked(head, NULL);
    for (size_t i = 0; i <= len; i++) {
        char name[ROW_NAME_SIZE];
        row_name(uid, i, name);
        PT_TRY(pt_store_remove(store, name, reterr));
    }
    return PT_OK;
}

enum pt_code pt_change_set_removed(struct pt_execution *execution, const struct pt_msg *change_set,
                                   struct pt_error *reterr)
{
    return pt_kept_forget(execution, pt_msg_str(change_set, "uid"), reterr);
}

enum pt_code pt_kind_pending_edges(struct pt_machine_kind *machine, const struct pt_pending *pending,
                                   struct pt_arena *arena, const char *const **ret_edges, size_t *ret_len,
                                   int64_t *ret_timeout_ns)
{
    Patronus__V1__KeptChangeSet *head = NULL;
    PT_TRY(kept_head(machine, pending->uid, arena, &head, NULL));
    if (head == NULL) {
        return PT_NOT_FOUND;
    }
    const char **edges = pt_arena_array(arena, head->n_edges, sizeof(*edges));
    for (size_t i = 0; i < head->n_edges; i++) {
        edges[i] = pt_arena_strdup(arena, head->edges[i]);
    }
    *ret_edges = edges;
    *ret_len = head->n_edges;
    *ret_timeout_ns = head->reconnect_timeout_ns > 0 ? head->reconnect_timeout_ns : RECONNECT_DEFAULT_NS;
    patronus__v1__kept_change_set__free_unpacked(head, NULL);
    return PT_OK;
}

/* ---- taking back ---------------------------------------------------------------------------------------------- */

struct undoing {
    struct pt_execution *execution;
    bool sure; /* nothing can have changed since: nothing is asked */
};

static enum pt_code check_parent(struct pt_machine_kind *machine, const char *name, struct pt_error *reterr)
{
    char parent[PT_NAME_SIZE_MAX + 1];
    bool exists = false;
    pt_name_parent(name, parent);
    PT_TRY(pt_store_exists(machine->store, parent, &exists, reterr));
    return exists ? PT_OK
                  : pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_PARENT_NOT_FOUND, "name",
                            "%.180s cannot come back: %.180s is gone since", name, parent);
}

/* Put one resource back; what it must be now has been seen to. */
static enum pt_code put_back(const struct undoing *undoing, const struct pt_kind_info *info, const char *name,
                             struct pt_msg *before, struct pt_msg *present, struct pt_error *reterr)
{
    struct pt_execution *execution = undoing->execution;
    PT_TRY(pt_permit_change(execution, info, name, present, before, reterr));
    if (!undoing->sure) {
        PT_TRY(check_parent(execution->machine, name, reterr));
    }
    if (before == NULL) {
        if (!undoing->sure) {
            const struct pt_mutation mutation = {
                .verb = PATRONUS__V1__VERB__DELETE, .info = info, .name = name, .etag = "", .uid = ""};
            return pt_mutate(execution, &mutation, reterr);
        }
        return pt_mutate_remove(execution, info, name, reterr);
    }
    if (!undoing->sure) {
        PT_TRY(pt_rules_check_again(execution, info, name, before, reterr));
        PT_TRY(pt_quota_check(execution->machine, info, name, present, before, reterr));
    }
    if (present != NULL) {
        return pt_mutate_revert(execution, info, name, before, reterr);
    }
    pt_msg_set_u64(before, execution->arena, "revision", execution->index);
    pt_msg_set_time(before, execution->arena, "update_time", execution->time_ns);
    return pt_mutate_restore(execution, info, name, before, reterr);
}

static enum pt_code undo_one(const struct undoing *undoing, const char *uid, size_t ordinal, struct pt_error *reterr)
{
    struct pt_execution *execution = undoing->execution;
    struct pt_machine_kind *machine = execution->machine;
    struct pt_arena *arena = execution->arena;
    char row[ROW_NAME_SIZE];
    struct pt_row stored;
    row_name(uid, ordinal, row);
    enum pt_code code = pt_store_get(machine->store, row, arena, &stored, reterr);
    Patronus__V1__KeptChange *kept =
        code == PT_OK ? patronus__v1__kept_change__unpack(NULL, stored.value.size, stored.value.data) : NULL;
    if (kept == NULL) {
        return code != PT_OK && code != PT_NOT_FOUND ? code
                                                     : pt_fail(reterr, PT_CORRUPT, PT_REASON_MESSAGE_MALFORMED, NULL,
                                                               "what a change set keeps is damaged: %s", row);
    }
    const char *name = pt_arena_strdup(arena, kept->name);
    const char *etag = pt_arena_strdup(arena, kept->etag_after);
    const struct pt_row former = {
        .name = name,
        .kind_id = kept->kind_id,
        .value = {pt_arena_memdup(arena, kept->before.data, kept->before.len), kept->before.len}};
    patronus__v1__kept_change__free_unpacked(kept, NULL);
    struct pt_msg *before = NULL;
    struct pt_msg *present = NULL;
    struct pt_row now;
    if (former.value.size > 0) {
        PT_TRY(pt_kind_parse_row(machine, &former, arena, &before, reterr));
    }
    code = pt_kind_load(machine, name, arena, &present, &now, reterr);
    if (code != PT_OK && code != PT_NOT_FOUND) {
        return code;
    }
    if (strcmp(code == PT_OK ? now.etag : "", etag) != 0) {
        return pt_staged_conflict(execution, name, code == PT_OK ? &now : NULL, "the change set was applied", reterr);
    }
    return put_back(undoing, pt_kind_info(machine, former.kind_id), name, before, present, reterr);
}

enum pt_code pt_kept_undo(struct pt_execution *execution, const struct pt_msg *change_set, bool sure,
                          struct pt_error *reterr)
{
    const char *uid = pt_msg_str(change_set, "uid");
    Patronus__V1__KeptChangeSet *head = NULL;
    PT_TRY(kept_head(execution->machine, uid, execution->arena, &head, reterr));
    if (head == NULL) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_HISTORY_COMPACTED, "name",
                       "what %.180s changed is not kept any more: the newest %d can be taken back; restore revisions "
                       "one by one instead",
                       pt_msg_str(change_set, "name"), PT_CHANGE_SETS_REVERSIBLE);
    }
    size_t len = head->len;
    patronus__v1__kept_change_set__free_unpacked(head, NULL);
    const struct undoing undoing = {.execution = execution, .sure = sure};
    for (size_t i = len; i > 0; i--) {
        PT_TRY(undo_one(&undoing, uid, i, reterr));
    }
    return pt_kept_forget(execution, uid, reterr);
}
