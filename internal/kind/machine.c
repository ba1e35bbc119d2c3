/*
 * The machine: opens the store, applies batches of committed entries, keeps their verdicts, tells its listeners.
 *
 * A batch is one transaction of the store, and the witness goes with it. Between the entries of a batch the
 * state digest is recorded, so that a later DigestCheck can be compared wherever batches began and ended on this node.
 *
 *   entries -> decode -> execute -> (verdict, events)   for each
 *           -> end with witness                         once; the store commits some ten times a second
 *           -> listeners, watches                       once
 *
 * A failure that is not a verdict leaves the transaction open and the machine failed: the node stops, and closing the
 * store rolls back. The entries come again when the node starts.
 */
#include "kind/machine.h"

#include "base/assert.h"
#include "base/limits.h"
#include "patronus/v1/replication.pb-c.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLIES_SIZE_MAX (1U << 20) /* of former batches: whoever proposed asks in the turn of the batch */
#define HISTORY_TRIM_EVERY 256

/* ---- registry ------------------------------------------------------------------------------------------------- */

const struct pt_kind_info *pt_kind_info(const struct pt_machine_kind *machine, uint32_t kind_id)
{
    return kind_id < machine->infos_len && machine->infos[kind_id].type != NULL ? &machine->infos[kind_id] : NULL;
}

static bool has_secret(const struct pt_message_type *type)
{
    for (size_t i = 0; i < type->fields_len; i++) {
        const struct pt_field_type *field = &type->fields[i];
        if (field->rules.secret || (field->message != NULL && has_secret(field->message))) {
            return true; /* ends: no message contains itself */
        }
    }
    return false;
}

static bool has_reference(const struct pt_message_type *type)
{
    for (size_t i = 0; i < type->fields_len; i++) {
        const struct pt_field_type *field = &type->fields[i];
        if (field->rules.reference != NULL || (field->message != NULL && has_reference(field->message))) {
            return true;
        }
    }
    return false;
}

/* Below an organization, without secrets, and not marked otherwise. */
static bool is_staged(const struct pt_message_type *type)
{
    const struct pt_resource_type *resource = type->resource;
    return strncmp(resource->pattern, "organizations/{organization}/", 29) == 0 && !resource->view &&
           !resource->unstaged && !has_secret(type);
}

static enum pt_code check_needs(const struct pt_mod *const *mods, size_t at, struct pt_error *reterr)
{
    for (const char *const *need = mods[at]->needs; need != NULL && *need != NULL; need++) {
        bool found = false;
        for (size_t i = 0; i < at; i++) {
            found = found || strcmp(mods[i]->name, *need) == 0;
        }
        if (!found) {
            return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_NONE, "mods",
                           "mod %s needs %s, which must stand before it in mods.def", mods[at]->name, *need);
        }
    }
    return PT_OK;
}

static enum pt_code add_kind(struct pt_machine_kind *machine, const struct pt_mod *mod, const struct pt_kind *kind,
                             struct pt_error *reterr)
{
    const struct pt_message_type *type = pt_schema_message(machine->schema, kind->message);
    if (type == NULL || type->resource == NULL) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_NONE, "mods",
                       "mod %s gives rules for %s, which is not a kind of the schema", mod->name, kind->message);
    }
    struct pt_kind_info *info = &machine->infos[type->resource->kind_id];
    if (info->rules != NULL) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_NONE, "mods",
                       "mod %s gives rules for %s, and so does another mod", mod->name, kind->message);
    }
    info->rules = kind;
    if (kind->frozen_with != NULL) {
        const struct pt_message_type *below = pt_schema_kind(machine->schema, kind->frozen_with);
        pt_assert(below != NULL);
        info->frozen_with = below->resource->kind_id;
        machine->infos[info->frozen_with].freezes_above = true;
    }
    return PT_OK;
}

/* By name, whether or not there is a method of that verb: what has no name, nobody holds. A kind that has no Create is
 * made by Update with allow_missing. */
static void read_permissions(struct pt_machine_kind *machine, const struct pt_message_type *kind)
{
    static const char *const verbs[] = {
        [PT_VERB_CREATE] = "create", [PT_VERB_GET] = "get",       [PT_VERB_LIST] = "list",
        [PT_VERB_UPDATE] = "update", [PT_VERB_DELETE] = "delete", [PT_VERB_UNDELETE] = "undelete"};
    struct pt_kind_info *info = &machine->infos[kind->resource->kind_id];
    for (size_t verb = PT_VERB_CREATE; verb < sizeof(verbs) / sizeof(verbs[0]); verb++) {
        char name[256];
        (void)snprintf(name, sizeof(name), "%s.%s", kind->resource->plural, verbs[verb]);
        info->permissions[verb] = pt_permission_number(&machine->access, name);
    }
    if (info->permissions[PT_VERB_CREATE] == PT_PERMISSIONS_MAX) {
        info->permissions[PT_VERB_CREATE] = info->permissions[PT_VERB_UPDATE];
    }
}

static enum pt_code read_kinds(struct pt_machine_kind *machine, struct pt_error *reterr)
{
    size_t len = 0;
    const struct pt_message_type *const *kinds = pt_schema_kinds(machine->schema, &len);
    machine->infos_len = len == 0 ? 0 : (size_t)kinds[len - 1]->resource->kind_id + 1;
    machine->infos = calloc(machine->infos_len + 1, sizeof(*machine->infos));
    pt_assert(machine->infos != NULL);
    for (size_t i = 0; i < len; i++) {
        machine->infos[kinds[i]->resource->kind_id] =
            (struct pt_kind_info){.type = kinds[i],
                                  .has_secret = has_secret(kinds[i]),
                                  .has_reference = has_reference(kinds[i]),
                                  .organization = strcmp(kinds[i]->resource->singular, "organization") == 0,
                                  .link = strcmp(kinds[i]->resource->singular, "link") == 0,
                                  .token = strcmp(kinds[i]->resource->singular, "enrollmentToken") == 0,
                                  .change_set = strcmp(kinds[i]->resource->singular, "changeSet") == 0,
                                  .artifact = strcmp(kinds[i]->resource->singular, "modelVersion") == 0,
                                  .staged = is_staged(kinds[i]),
                                  .quota = pt_quota_by_name(kinds[i]->resource->quota)};
    }
    PT_TRY(pt_access_init(machine, reterr));
    for (size_t i = 0; i < len; i++) {
        read_permissions(machine, kinds[i]);
    }
    const struct pt_mod *const *mods = machine->options.mods;
    for (size_t i = 0; mods != NULL && mods[i] != NULL; i++) {
        PT_TRY(check_needs(mods, i, reterr));
        for (size_t j = 0; mods[i]->kinds != NULL && mods[i]->kinds[j] != NULL; j++) {
            PT_TRY(add_kind(machine, mods[i], mods[i]->kinds[j], reterr));
        }
    }
    return PT_OK;
}

/* ---- open and close ------------------------------------------------------------------------------------------- */

int64_t pt_kind_time(const struct pt_machine_kind *machine, int64_t time_ns)
{
    int64_t step = time_ns - time_ns % PT_TIME_STEP_NS;
    return step > machine->time_ns ? step : machine->time_ns;
}

int64_t pt_kind_state_time(const struct pt_machine_kind *machine)
{
    return machine->time_ns;
}

/* What is kept beside the store and follows from it. */
static enum pt_code load_caches(struct pt_machine_kind *machine, struct pt_error *reterr)
{
    PT_TRY(pt_audit_load(machine, reterr));
    PT_TRY(pt_tenants_load(machine, reterr));
    PT_TRY(pt_revisions_load(machine, reterr));
    PT_TRY(pt_pending_load(machine, reterr));
    return pt_access_load(machine, reterr);
}

/* What the state says about itself: after opening and after a restore. */
static enum pt_code read_state(struct pt_machine_kind *machine, struct pt_error *reterr)
{
    PT_AUTO(buf) struct pt_buf value = {0};
    enum pt_code code = pt_store_meta_get(machine->store, PT_META_TIME, &value, reterr);
    if (code != PT_OK && code != PT_NOT_FOUND) {
        return code;
    }
    machine->time_ns = code == PT_OK && value.size == 8 ? (int64_t)pt_be64(value.data) : 0;
    machine->applied_index = pt_store_witness(machine->store).applied_index;
    pt_rules_counts_forget(machine);
    pt_buf_reset(&value);
    code = pt_store_meta_get(machine->store, PT_META_CLUSTER_LEVEL, &value, reterr);
    if (code == PT_OK && value.size == 4 && pt_be32(value.data) > pt_kind_level_max(machine)) {
        return pt_fail(reterr, PT_CORRUPT, PT_REASON_NONE, NULL,
                       "the state is of cluster level %" PRIu32 " and this binary supports %" PRIu32
                       "; upgrade this node",
                       pt_be32(value.data), pt_kind_level_max(machine));
    }
    return code == PT_NOT_FOUND || code == PT_OK ? load_caches(machine, reterr) : code;
}

enum pt_code pt_kind_open(const struct pt_kind_options *options, struct pt_machine_kind **ret_machine,
                          struct pt_error *reterr)
{
    struct pt_machine_kind *machine = calloc(1, sizeof(*machine));
    pt_assert(machine != NULL);
    machine->options = *options;
    machine->sys = options->sys;
    machine->schema = options->schema;
    machine->command_type = pt_schema_message(options->schema, "patronus.v1.Command");
    machine->event_type = pt_schema_message(options->schema, "patronus.v1.HistoryEvent");
    pt_assert(machine->command_type != NULL && machine->event_type != NULL);
    machine->verdicts = calloc(PT_VERDICTS_LEN_MAX, sizeof(*machine->verdicts));
    machine->digests = calloc(PT_DIGESTS_LEN_MAX, sizeof(*machine->digests));
    pt_assert(machine->verdicts != NULL && machine->digests != NULL);
    pt_map_init(&machine->counts);
    pt_map_init(&machine->revisions.chains);
    pt_map_init(&machine->pending);
    pt_tenants_init(&machine->tenants);
    pt_list_init(&machine->watches);
    pt_list_init(&machine->pumping);
    if (machine->options.history_len_max == 0) {
        machine->options.history_len_max = PT_HISTORY_LEN_DEFAULT;
    }
    enum pt_code code = read_kinds(machine, reterr);
    if (code == PT_OK) {
        code = pt_store_open(options->sys, options->store_path, &machine->store, reterr);
    }
    if (code == PT_OK) {
        code = read_state(machine, reterr);
    }
    if (code != PT_OK) {
        pt_kind_close(machine);
        return code;
    }
    machine->planted_witness = pt_store_witness(machine->store);
    *ret_machine = machine;
    return PT_OK;
}

static void drop_verdict(struct pt_machine_kind *machine, struct pt_verdict_slot *slot)
{
    machine->verdict_replies_size -= slot->reply_size;
    free(slot->error);
    free(slot->reply);
    *slot = (struct pt_verdict_slot){0};
}

static void free_machine(struct pt_machine_kind *machine)
{
    for (size_t i = 0; i < PT_VERDICTS_LEN_MAX; i++) {
        drop_verdict(machine, &machine->verdicts[i]);
    }
    free(machine->verdicts);
    free(machine->digests);
    free(machine->infos);
    pt_map_fini(&machine->counts);
    pt_tenants_fini(&machine->tenants);
    pt_access_fini(&machine->access);
    pt_revisions_fini(machine);
    pt_pending_fini(machine);
    pt_changes_fini(machine);
    free(machine);
}

void pt_kind_close(struct pt_machine_kind *machine)
{
    if (machine != NULL) {
        pt_watches_orphan(machine);
        pt_store_close(machine->store);
        free_machine(machine);
    }
}

void pt_kind_abandon(struct pt_machine_kind *machine)
{
    if (machine != NULL) {
        pt_watches_orphan(machine);
        pt_store_abandon(machine->store);
        free_machine(machine);
    }
}

struct pt_store *pt_kind_store(struct pt_machine_kind *machine)
{
    return machine->store;
}

const struct pt_schema *pt_kind_schema(const struct pt_machine_kind *machine)
{
    return machine->schema;
}

void pt_kind_on_applied(struct pt_machine_kind *machine, pt_applied_fn fn, void *arg)
{
    pt_assert(machine->listeners_len < PT_LISTENERS_LEN_MAX);
    machine->listeners[machine->listeners_len++] = (struct pt_listener_slot){.fn = fn, .arg = arg};
}

/* ---- verdicts ------------------------------------------------------------------------------------------------- */

static void record_verdict(struct pt_machine_kind *machine, const struct pt_execution *execution,
                           const struct pt_error *error)
{
    struct pt_verdict_slot *slot = &machine->verdicts[execution->index % PT_VERDICTS_LEN_MAX];
    drop_verdict(machine, slot);
    slot->index = execution->index;
    slot->revision = execution->revision;
    if (error->code != PT_OK) {
        slot->error = malloc(sizeof(*slot->error));
        pt_assert(slot->error != NULL);
        *slot->error = *error;
    } else if (execution->reply->size > 0) {
        slot->reply = malloc(execution->reply->size);
        pt_assert(slot->reply != NULL);
        memcpy(slot->reply, execution->reply->data, execution->reply->size);
        slot->reply_size = execution->reply->size;
        machine->verdict_replies_size += slot->reply_size;
    }
}

/* Forget the oldest while there are too many bytes; those of the batch that begins at `first` stay. */
static void bound_verdicts(struct pt_machine_kind *machine, uint64_t first)
{
    uint64_t newest_dropped = first > PT_VERDICTS_LEN_MAX ? first - PT_VERDICTS_LEN_MAX : 0;
    if (machine->verdict_oldest < newest_dropped) {
        machine->verdict_oldest = newest_dropped;
    }
    for (; machine->verdict_replies_size > REPLIES_SIZE_MAX && machine->verdict_oldest < first;
         machine->verdict_oldest++) {
        struct pt_verdict_slot *slot = &machine->verdicts[machine->verdict_oldest % PT_VERDICTS_LEN_MAX];
        if (slot->index == machine->verdict_oldest) {
            drop_verdict(machine, slot);
        }
    }
}

const struct pt_verdict *pt_kind_verdict(const struct pt_machine_kind *machine, uint64_t index)
{
    const struct pt_verdict_slot *slot = &machine->verdicts[index % PT_VERDICTS_LEN_MAX];
    if (index == 0 || slot->index != index) {
        return NULL;
    }
    /* The caller's view is constant; what it is lent is scratch of the machine. */
    struct pt_verdict *out = &((struct pt_machine_kind *)(uintptr_t)machine)->verdict_out;
    out->revision = slot->revision;
    out->reply = (struct pt_bytes){slot->reply, slot->reply_size};
    pt_error_clear(&out->error);
    if (slot->error != NULL) {
        out->error = *slot->error;
    }
    return out;
}

uint64_t pt_kind_digest(const struct pt_machine_kind *machine, struct pt_digest *ret_digest)
{
    uint64_t index = machine->digest_index;
    if (index != 0) {
        *ret_digest = machine->digests[index / PT_DIGESTS_EVERY % PT_DIGESTS_LEN_MAX].digest;
    }
    return index;
}

/* ---- apply ---------------------------------------------------------------------------------------------------- */

struct batch {
    struct pt_machine_kind *machine;
    struct pt_arena arena; /* events */
    struct pt_event_list events;
    struct pt_buf record, reply;
    bool begun;
};

static enum pt_code begin(struct batch *batch, struct pt_error *reterr)
{
    if (!batch->begun) {
        PT_TRY(pt_store_begin(batch->machine->store, reterr));
        batch->begun = true;
    }
    return PT_OK;
}

static enum pt_code trim_history(struct pt_machine_kind *machine, uint64_t index, struct pt_error *reterr)
{
    /* By index, not by batch: every node trims at the same entries. */
    return index % HISTORY_TRIM_EVERY == 0
               ? pt_store_history_trim(machine->store, machine->options.history_len_max, PT_HISTORY_SIZE_MAX, reterr)
               : PT_OK;
}

static enum pt_code apply_entry(struct batch *batch, const struct pt_log_entry *entry, struct pt_arena *arena,
                                struct pt_error *reterr)
{
    struct pt_machine_kind *machine = batch->machine;
    struct pt_msg *command = NULL;
    PT_TRY(pt_command_decode(machine, entry->data, arena, &command, reterr));
    PT_TRY(begin(batch, reterr));
    struct pt_execution execution = {
        .machine = machine,
        .arena = arena,
        .events = &batch->events,
        .events_arena = &batch->arena,
        .index = entry->index,
        .revision = entry->index,
        .time_ns = pt_kind_time(machine, pt_msg_i64(command, "time_ns")),
        .record = &batch->record,
        .reply = &batch->reply,
    };
    struct pt_caller caller;
    uint32_t op = pt_command_op(command).which;
    bool asked = op == PATRONUS__V1__COMMAND__OP_TRANSACTION || op == PATRONUS__V1__COMMAND__OP_CHANGE_SET;
    execution.caller = asked ? pt_command_caller(command, arena, &caller) : NULL;
    struct pt_error error;
    pt_error_clear(&error);
    enum pt_code code = pt_execute(&execution, command, &error);
    if (pt_code_is_fatal(code)) {
        if (reterr != NULL) {
            *reterr = error;
        }
        return code;
    }
    error.code = code;
    PT_TRY(pt_audit_command(&execution, command, entry->data, &error, reterr));
    record_verdict(machine, &execution, &error);
    PT_TRY(trim_history(machine, entry->index, reterr));
    if (entry->index % PT_DIGESTS_EVERY == 0) {
        machine->digests[entry->index / PT_DIGESTS_EVERY % PT_DIGESTS_LEN_MAX] =
            (struct pt_digest_slot){.index = entry->index, .digest = pt_store_digest(machine->store)};
        machine->digest_index = entry->index;
    }
    return PT_OK;
}

static enum pt_code commit(struct batch *batch, const struct pt_log_entry *last, uint64_t acked_index,
                           const struct pt_digest *log_hash, struct pt_error *reterr)
{
    struct pt_witness witness = {
        .applied_index = last->index, .applied_term = last->term, .acked_index = acked_index, .log_hash = *log_hash};
#ifdef PT_PLANTED_BUGS
    if (batch->machine->options.planted == PT_PLANTED_WITNESS_NOT_WRITTEN) {
        witness = batch->machine->planted_witness;
    }
    if (batch->machine->options.planted == PT_PLANTED_ACK_BEFORE_SYNC) {
        /* Without the promise of pt_store_end, whose newest version mostly survives a power loss: a node that kept it
         * knows that its log is short and does not vote, so that the planted bug does no harm and cannot be found. */
        return pt_store_commit(batch->machine->store, &witness, reterr);
    }
#endif
    return pt_store_end(batch->machine->store, &witness, reterr);
}

static enum pt_code apply_batch(struct batch *batch, const struct pt_log_entry *entries, size_t len,
                                uint64_t acked_index, const struct pt_digest *log_hash, struct pt_error *reterr)
{
    PT_ARENA_LENT(memory, 16384); /* of one entry */
    enum pt_code code = PT_OK;
    for (size_t i = 0; i < len && code == PT_OK; i++) {
        struct pt_arena arena;
        pt_arena_init_lent(&arena, memory, sizeof(memory));
        code = apply_entry(batch, &entries[i], &arena, reterr);
        if (code != PT_OK) {
            (void)pt_wrap(reterr, code, "log index %" PRIu64, entries[i].index);
        }
        pt_arena_fini(&arena);
    }
    return code == PT_OK ? commit(batch, &entries[len - 1], acked_index, log_hash, reterr) : code;
}

enum pt_code pt_kind_apply(struct pt_machine_kind *machine, const struct pt_log_entry *entries, size_t len,
                           uint64_t acked_index, const struct pt_digest *log_hash, struct pt_error *reterr)
{
    if (len == 0) {
        return PT_OK;
    }
    if (machine->failed) {
        return pt_fail(reterr, PT_CORRUPT, PT_REASON_NONE, NULL,
                       "an earlier entry could not be applied; restart the node");
    }
    struct batch batch = {.machine = machine};
    pt_arena_init(&batch.arena);
    enum pt_code code = apply_batch(&batch, entries, len, acked_index, log_hash, reterr);
    if (code == PT_OK) {
        machine->applied_index = entries[len - 1].index;
        bound_verdicts(machine, entries[0].index);
        for (size_t i = 0; i < machine->listeners_len; i++) {
            machine->listeners[i].fn(machine->listeners[i].arg, machine->applied_index, batch.events.items,
                                     batch.events.len);
        }
        if (batch.events.len > 0) {
            pt_changes_add(machine, batch.events.items, batch.events.len);
            pt_watches_wake(machine);
        }
    } else {
        machine->failed = batch.begun;
    }
    pt_buf_fini(&batch.record);
    pt_buf_fini(&batch.reply);
    pt_arena_fini(&batch.arena);
    return code;
}

/* ---- snapshots ------------------------------------------------------------------------------------------------ */

enum pt_code pt_kind_restore(struct pt_machine_kind *machine, const char *path, struct pt_error *reterr)
{
    PT_TRY(pt_store_restore(machine->store, path, reterr));
    /* Digests that were recorded stay true: they are of indexes of the one log. */
    PT_TRY(read_state(machine, reterr));
    machine->meta_revision++;
    pt_changes_add(machine, NULL, 0);
    for (size_t i = 0; i < machine->listeners_len; i++) {
        machine->listeners[i].fn(machine->listeners[i].arg, machine->applied_index, NULL, 0);
    }
    pt_watches_restored(machine);
    pt_watches_wake(machine);
    return PT_OK;
}
