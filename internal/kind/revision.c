/*
 * Revisions: what resources were before they were changed or deleted.
 *
 * A create leaves nothing behind and so costs nothing here. An update or delete keeps the state that it replaces, with
 * who replaced it and when, as a row of its own:
 *
 *   revisions/<revision, ordinal of the change that replaced it>      value: patronus.v1.KeptRevision, without secrets
 *
 * The rows are replicated, snapshotted and in the digest like any other, but of a kind that the schema does not have,
 * so that no list, watch, plan or reference meets them. Beside the store stands an index by name, and the order of
 * age, which is the order of the rows' names. Both follow from the rows.
 *
 * Bounds: so many of one resource, so many and so many bytes of all; the oldest goes first. What is kept below an
 * organization goes when it is deleted: another may have the name later.
 *
 *   slots  [gone gone | 17 18 19 ... 204]     oldest first; the first that counts is at `head`
 *   chain  of a name: 18 77 204               oldest first
 *
 * Additions are always at the end of both and removals always at the front of a chain, so that undoing an entry is
 * doing the opposite, backwards.
 */
#include "base/assert.h"
#include "base/limits.h"
#include "kind/machine.h"
#include "patronus/v1/replication.pb-c.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARENT "revisions"
#define ORDINAL_BITS 20
#define ROW_NAME_SIZE 32

struct pt_revision_chain {
    uint64_t keys[PT_REVISIONS_PER_RESOURCE_MAX + 1]; /* one more until the oldest is dropped */
    size_t len;
    bool doomed; /* empty, and about to be freed */
    char name[];
};

static void row_name(uint64_t key, char name[ROW_NAME_SIZE])
{
    (void)snprintf(name, ROW_NAME_SIZE, PARENT "/%016" PRIx64, key);
}

/* ---- the index ------------------------------------------------------------------------------------------------ */

static struct pt_revision_chain *chain_of(struct pt_revisions *revisions, const char *name)
{
    struct pt_revision_chain *chain = pt_map_get_str(&revisions->chains, name);
    if (chain == NULL) {
        size_t size = strlen(name) + 1;
        chain = calloc(1, sizeof(*chain) + size);
        pt_assert(chain != NULL);
        memcpy(chain->name, name, size);
        (void)pt_map_put_str(&revisions->chains, name, chain);
    }
    return chain;
}

static void free_if_empty(struct pt_revisions *revisions, struct pt_revision_chain *chain)
{
    if (chain->len == 0) {
        (void)pt_map_remove_str(&revisions->chains, chain->name);
        free(chain);
    }
}

static void note(struct pt_revisions *revisions, const struct pt_revision_step *step)
{
    if (!revisions->recording) {
        return;
    }
    if (revisions->steps_len == revisions->steps_capacity) {
        revisions->steps_capacity = revisions->steps_capacity == 0 ? 16 : revisions->steps_capacity * 2;
        revisions->steps = realloc(revisions->steps, revisions->steps_capacity * sizeof(*revisions->steps));
        pt_assert(revisions->steps != NULL);
    }
    revisions->steps[revisions->steps_len++] = *step;
}

static void index_add(struct pt_revisions *revisions, const char *name, uint64_t key, size_t size)
{
    struct pt_revision_chain *chain = chain_of(revisions, name);
    pt_assert(chain->len <= PT_REVISIONS_PER_RESOURCE_MAX && (chain->len == 0 || chain->keys[chain->len - 1] < key));
    chain->keys[chain->len++] = key;
    if (revisions->slots_len == revisions->slots_capacity) {
        revisions->slots_capacity = revisions->slots_capacity == 0 ? 64 : revisions->slots_capacity * 2;
        revisions->slots = realloc(revisions->slots, revisions->slots_capacity * sizeof(*revisions->slots));
        pt_assert(revisions->slots != NULL);
    }
    revisions->slots[revisions->slots_len++] = (struct pt_revision_slot){.key = key, .size = size, .chain = chain};
    revisions->len++;
    revisions->size += size;
    note(revisions, &(struct pt_revision_step){.chain = chain, .added = true});
}

static size_t slot_of(const struct pt_revisions *revisions, uint64_t key)
{
    size_t low = revisions->head, high = revisions->slots_len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (revisions->slots[middle].key < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    pt_assert(low < revisions->slots_len && revisions->slots[low].key == key);
    return low;
}

/* The oldest of its chain goes; the slot keeps its place until the front is cleared. */
static void index_remove(struct pt_revisions *revisions, size_t at)
{
    struct pt_revision_slot *slot = &revisions->slots[at];
    struct pt_revision_chain *chain = slot->chain;
    pt_assert(chain != NULL && chain->len > 0 && chain->keys[0] == slot->key);
    memmove(&chain->keys[0], &chain->keys[1], --chain->len * sizeof(chain->keys[0]));
    revisions->len--;
    revisions->size -= slot->size;
    slot->chain = NULL;
    note(revisions, &(struct pt_revision_step){.chain = chain, .slot = at});
    while (revisions->head < revisions->slots_len && revisions->slots[revisions->head].chain == NULL) {
        revisions->head++;
    }
    if (!revisions->recording) {
        free_if_empty(revisions, chain);
    }
}

/* Close the gap at the front so seldom that it costs nothing. */
static void compact(struct pt_revisions *revisions)
{
    if (revisions->head > 64 && revisions->head > revisions->slots_len / 2) {
        revisions->slots_len -= revisions->head;
        memmove(revisions->slots, revisions->slots + revisions->head, revisions->slots_len * sizeof(*revisions->slots));
        revisions->head = 0;
    }
}

void pt_revisions_mark(struct pt_machine_kind *machine)
{
    struct pt_revisions *revisions = &machine->revisions;
    compact(revisions);
    revisions->recording = true;
    revisions->steps_len = 0;
    revisions->head_marked = revisions->head;
}

void pt_revisions_release(struct pt_machine_kind *machine)
{
    struct pt_revisions *revisions = &machine->revisions;
    revisions->recording = false;
    for (size_t i = 0; i < revisions->steps_len; i++) { /* each chain that is empty now once */
        struct pt_revision_chain *chain = revisions->steps[i].chain;
        if (chain->len > 0 || chain->doomed) {
            revisions->steps[i].chain = NULL;
        } else {
            chain->doomed = true;
        }
    }
    for (size_t i = 0; i < revisions->steps_len; i++) {
        if (revisions->steps[i].chain != NULL) {
            free_if_empty(revisions, revisions->steps[i].chain);
        }
    }
    revisions->steps_len = 0;
}

void pt_revisions_undo(struct pt_machine_kind *machine)
{
    struct pt_revisions *revisions = &machine->revisions;
    for (size_t i = revisions->steps_len; i-- > 0;) {
        const struct pt_revision_step *step = &revisions->steps[i];
        struct pt_revision_chain *chain = step->chain;
        if (step->added) {
            struct pt_revision_slot *slot = &revisions->slots[--revisions->slots_len];
            pt_assert(slot->chain == chain && chain->keys[chain->len - 1] == slot->key);
            chain->len--;
            revisions->len--;
            revisions->size -= slot->size;
        } else {
            struct pt_revision_slot *slot = &revisions->slots[step->slot];
            memmove(&chain->keys[1], &chain->keys[0], chain->len++ * sizeof(chain->keys[0]));
            chain->keys[0] = slot->key;
            slot->chain = chain;
            revisions->len++;
            revisions->size += slot->size;
        }
    }
    revisions->head = revisions->head_marked;
    pt_revisions_release(machine); /* chains that only this entry had */
}

void pt_revisions_fini(struct pt_machine_kind *machine)
{
    struct pt_revisions *revisions = &machine->revisions;
    PT_MAP_FOREACH (entry, &revisions->chains) {
        free(entry->value);
    }
    pt_map_fini(&revisions->chains);
    free(revisions->slots);
    free(revisions->steps);
    *revisions = (struct pt_revisions){0};
}

static bool load_row(void *arg, const struct pt_row *row)
{
    struct pt_revisions *revisions = arg;
    Patronus__V1__KeptRevision *kept = patronus__v1__kept_revision__unpack(NULL, row->value.size, row->value.data);
    if (kept != NULL) {
        index_add(revisions, kept->name, strtoull(row->name + sizeof(PARENT), NULL, 16), row->value.size);
        patronus__v1__kept_revision__free_unpacked(kept, NULL);
    }
    return true;
}

enum pt_code pt_revisions_load(struct pt_machine_kind *machine, struct pt_error *reterr)
{
    pt_revisions_fini(machine);
    pt_map_init(&machine->revisions.chains);
    const struct pt_store_range range = {.kind_id = PT_KIND_REVISION, .parent = PARENT, .after = ""};
    return pt_store_scan(machine->store, &range, load_row, &machine->revisions, reterr);
}

/* ---- keeping -------------------------------------------------------------------------------------------------- */

static enum pt_code drop(struct pt_machine_kind *machine, size_t slot, struct pt_error *reterr)
{
    char name[ROW_NAME_SIZE];
    row_name(machine->revisions.slots[slot].key, name);
    PT_TRY(pt_store_remove(machine->store, name, reterr));
    index_remove(&machine->revisions, slot);
    return PT_OK;
}

static enum pt_code bound(struct pt_machine_kind *machine, const char *name, struct pt_error *reterr)
{
    struct pt_revisions *revisions = &machine->revisions;
    const struct pt_revision_chain *chain = pt_map_get_str(&revisions->chains, name);
    if (chain->len > PT_REVISIONS_PER_RESOURCE_MAX) {
        PT_TRY(drop(machine, slot_of(revisions, chain->keys[0]), reterr));
    }
    while (revisions->len > PT_REVISIONS_LEN_MAX || (revisions->size > PT_REVISIONS_SIZE_MAX && revisions->len > 1)) {
        PT_TRY(drop(machine, revisions->head, reterr));
    }
    return PT_OK;
}

enum pt_code pt_revision_keep(struct pt_execution *execution, const struct pt_kind_info *info, const char *name,
                              struct pt_msg *before, bool deleted, struct pt_error *reterr)
{
    struct pt_machine_kind *machine = execution->machine;
    if (info->change_set) {
        return PT_OK; /* it says itself what became of it */
    }
    PT_AUTO(buf) struct pt_buf resource = {0};
    if (info->has_secret) {
        before = pt_msg_dup(before, execution->arena);
        pt_msg_strip(before, PT_OUTPUT_USER, true);
    }
    pt_msg_encode(before, &resource);
    Patronus__V1__KeptRevision kept = PATRONUS__V1__KEPT_REVISION__INIT;
    kept.kind_id = info->type->resource->kind_id;
    kept.name = (char *)(uintptr_t)name;
    kept.resource = (ProtobufCBinaryData){.data = resource.data, .len = resource.size};
    kept.deleted = deleted;
    kept.principal = (char *)(uintptr_t)(execution->caller != NULL ? execution->caller->principal : "internal");
    kept.time_ns = execution->time_ns;
    kept.replaced_by = execution->index;
    PT_AUTO(buf) struct pt_buf value = {0};
    size_t size = patronus__v1__kept_revision__get_packed_size(&kept);
    value.size = patronus__v1__kept_revision__pack(&kept, pt_buf_reserve(&value, size));
    uint64_t key = execution->index << ORDINAL_BITS | execution->revisions_len++;
    char row[ROW_NAME_SIZE];
    row_name(key, row);
    const struct pt_row out = {.name = row,
                               .kind_id = PT_KIND_REVISION,
                               .value = pt_buf_bytes(&value),
                               .uid = "",
                               .etag = "",
                               .revision = execution->index};
    PT_TRY(pt_store_put(machine->store, &out, reterr));
    index_add(&machine->revisions, name, key, value.size);
    PT_TRY(bound(machine, name, reterr));
    if (!machine->revisions.recording) {
        compact(&machine->revisions);
    }
    return PT_OK;
}

enum pt_code pt_revision_forget(struct pt_execution *execution, const char *organization, struct pt_error *reterr)
{
    struct pt_revisions *revisions = &execution->machine->revisions;
    for (size_t i = revisions->head; i < revisions->slots_len; i++) { /* in order of age: each is its chain's oldest */
        const struct pt_revision_chain *chain = revisions->slots[i].chain;
        if (chain != NULL && pt_name_below(organization, chain->name)) {
            PT_TRY(drop(execution->machine, i, reterr));
        }
    }
    return PT_OK;
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

enum pt_code pt_revisions_read(struct pt_machine_kind *machine, const char *name, struct pt_arena *arena,
                               struct pt_revision *ret_revisions, size_t *ret_len, struct pt_error *reterr)
{
    const struct pt_revision_chain *chain = pt_map_get_str(&machine->revisions.chains, name);
    *ret_len = 0;
    for (size_t i = chain != NULL ? chain->len : 0; i-- > 0;) {
        char key[ROW_NAME_SIZE];
        struct pt_row row;
        row_name(chain->keys[i], key);
        PT_TRY(pt_store_get(machine->store, key, arena, &row, reterr));
        Patronus__V1__KeptRevision *kept = patronus__v1__kept_revision__unpack(NULL, row.value.size, row.value.data);
        if (kept == NULL) {
            return pt_fail(reterr, PT_CORRUPT, PT_REASON_MESSAGE_MALFORMED, NULL,
                           "a kept revision of %.200s is damaged", name);
        }
        struct pt_revision *out = &ret_revisions[(*ret_len)++];
        const struct pt_row stored = {
            .name = pt_arena_strdup(arena, kept->name),
            .kind_id = kept->kind_id,
            .value = {pt_arena_memdup(arena, kept->resource.data, kept->resource.len), kept->resource.len}};
        *out = (struct pt_revision){.deleted = kept->deleted,
                                    .principal = pt_arena_strdup(arena, kept->principal),
                                    .time_ns = kept->time_ns,
                                    .replaced_by = kept->replaced_by};
        patronus__v1__kept_revision__free_unpacked(kept, NULL);
        PT_TRY(pt_kind_parse_row(machine, &stored, arena, &out->resource, reterr));
    }
    return PT_OK;
}
