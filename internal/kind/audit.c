/*
 * Audit: one record for every entry that changes something, and for calls that were refused or are recorded though they
 * change nothing (a diagnostic, a person's certificate), chained by hash.
 *
 *   record n = { ..., previous_hash = SHA-256(record n-1) }        head = { n, SHA-256(record n) } in the digest
 *
 * A record is written in the transaction of the change that it is about, so it is on a quorum before anybody is
 * answered. It stands in the history (store.h) behind the entry's events, under a name that no resource has, and is
 * kept as long as they are. The head is a replicated value, so that the state's digest vouches for the whole chain, and
 * whoever keeps an export can see whether the cluster's chain still goes through it.
 */
#include "base/assert.h"
#include "base/limits.h"
#include "kind/machine.h"
#include "kind/token.h"
#include "wire/pack.h"
#include "patronus/v1/audit.pb-c.h"
#include "patronus/v1/replication.pb-c.h"

#include <stdio.h>
#include <string.h>

#define RESOURCES_LEN_MAX 16
#define HEAD_SIZE (8 + PT_DIGEST_SIZE)

enum pt_code pt_audit_load(struct pt_machine_kind *machine, struct pt_error *reterr)
{
    PT_AUTO(buf) struct pt_buf value = {0};
    enum pt_code code = pt_store_meta_get(machine->store, PT_META_AUDIT_HEAD, &value, reterr);
    if (code != PT_OK && code != PT_NOT_FOUND) {
        return code;
    }
    machine->audit_sequence = 0;
    if (code == PT_OK && value.size == HEAD_SIZE) {
        machine->audit_sequence = pt_be64(value.data);
        memcpy(machine->audit_hash.bytes, value.data + 8, PT_DIGEST_SIZE);
    }
    return PT_OK;
}

/* ---- writing -------------------------------------------------------------------------------------------------- */

static enum pt_code append(struct pt_execution *execution, Patronus__V1__AuditRecord *record, struct pt_error *reterr)
{
    struct pt_machine_kind *machine = execution->machine;
    Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    time.seconds = execution->time_ns / 1000000000;
    time.nanos = (int32_t)(execution->time_ns % 1000000000);
    record->sequence = machine->audit_sequence + 1;
    record->revision = execution->index;
    record->time = &time;
    if (machine->audit_sequence > 0) {
        record->previous_hash = (ProtobufCBinaryData){.data = machine->audit_hash.bytes, .len = PT_DIGEST_SIZE};
    }
    pt_buf_reset(execution->record);
    pt_pack(&record->base, execution->record);
    struct pt_bytes bytes = pt_buf_bytes(execution->record);
    PT_TRY(pt_store_history_put(machine->store, execution->index, execution->ordinal++, PT_AUDIT_NAME, bytes, reterr));
    machine->audit_sequence++;
    machine->audit_hash = pt_sha256(bytes.data, bytes.size);
    return PT_OK;
}

static enum pt_code put_head(struct pt_machine_kind *machine, struct pt_error *reterr)
{
    uint8_t head[HEAD_SIZE];
    pt_put_be64(head, machine->audit_sequence);
    memcpy(head + 8, machine->audit_hash.bytes, PT_DIGEST_SIZE);
    return pt_store_meta_put(machine->store, PT_META_AUDIT_HEAD, (struct pt_bytes){head, sizeof(head)}, reterr);
}

static const char *verb_name(uint64_t verb)
{
    static const char *const names[] = {"", "CREATE", "UPDATE", "DELETE", "UNDELETE"};
    return verb < sizeof(names) / sizeof(names[0]) ? names[verb] : "";
}

static const char *step_name(int64_t step)
{
    static const char *const names[] = {"", "APPLY", "CONFIRM", "ROLLBACK", "EXPIRE"};
    return step > 0 && (size_t)step < sizeof(names) / sizeof(names[0]) ? names[step] : NULL;
}

static const char *describe_mutations(const struct pt_msg_field *mutations, const char *resources[RESOURCES_LEN_MAX],
                                      Patronus__V1__AuditRecord *record)
{
    for (size_t i = 0; i < mutations->len && i < RESOURCES_LEN_MAX; i++) {
        resources[i] = pt_msg_str(mutations->values[i].message, "name");
    }
    record->resources_len = (uint32_t)mutations->len;
    return verb_name((uint64_t)pt_msg_i64(mutations->values[0].message, "verb"));
}

/* Method and resources of the operation. False: nothing that is recorded. */
static bool describe(const struct pt_command_op *op, const char *resources[RESOURCES_LEN_MAX],
                     Patronus__V1__AuditRecord *record)
{
    const struct pt_msg_field *mutations = NULL;
    const char *method = NULL;
    record->resources_len = 1;
    switch (op->which) {
    case PATRONUS__V1__COMMAND__OP_TRANSACTION:
        mutations = pt_msg_field(op->value.message, "mutations");
        method = mutations != NULL ? describe_mutations(mutations, resources, record) : NULL;
        break;
    case PATRONUS__V1__COMMAND__OP_CHANGE_SET:
        method = step_name(pt_msg_i64(op->value.message, "step"));
        resources[0] = pt_msg_str(op->value.message, "name");
        break;
    case PATRONUS__V1__COMMAND__OP_ENROLL:
        method = "ENROLL";
        resources[0] = pt_msg_str(op->value.message, "token_name");
        break;
    case PATRONUS__V1__COMMAND__OP_SET_META:
        method = "SET_META";
        resources[0] = pt_msg_str(op->value.message, "key");
        break;
    case PATRONUS__V1__COMMAND__OP_RAISE_LEVEL:
        method = op->value.u64 > 1 ? "RAISE_LEVEL" : NULL;
        resources[0] = PT_META_CLUSTER_LEVEL;
        break;
    default:
        break;
    }
    record->method = (char *)(uintptr_t)method;
    record->n_resources = record->resources_len < RESOURCES_LEN_MAX ? record->resources_len : RESOURCES_LEN_MAX;
    record->resources = (char **)(uintptr_t)resources;
    return method != NULL;
}

static enum pt_code append_calls(struct pt_execution *execution, const struct pt_msg *op, struct pt_error *reterr)
{
    const struct pt_msg_field *calls = pt_msg_field(op, "calls");
    for (size_t i = 0; calls != NULL && i < calls->len; i++) {
        const struct pt_msg *call = calls->values[i].message;
        const char *resource = pt_msg_str(call, "resource");
        char *resources[] = {(char *)(uintptr_t)resource};
        Patronus__V1__AuditRecord record = PATRONUS__V1__AUDIT_RECORD__INIT;
        record.principal = (char *)(uintptr_t)pt_msg_str(call, "principal");
        record.api_key = (char *)(uintptr_t)pt_msg_str(call, "api_key");
        record.source = (char *)(uintptr_t)pt_msg_str(call, "source");
        record.method = (char *)(uintptr_t)pt_msg_str(call, "method");
        record.code = (char *)(uintptr_t)pt_msg_str(call, "code");
        record.count = pt_msg_u64(call, "count");
        record.resources = resources;
        record.n_resources = record.resources_len = resource[0] != '\0';
        PT_TRY(append(execution, &record, reterr));
    }
    return calls != NULL ? put_head(execution->machine, reterr) : PT_OK;
}

/* A change set has a record, and each resource that it changed has its own, as if it had been changed alone. */
static enum pt_code append_changed(struct pt_execution *execution, const Patronus__V1__AuditRecord *whole,
                                   struct pt_error *reterr)
{
    const struct pt_journal *changed = execution->changed;
    for (size_t i = 0; changed != NULL && i < changed->len; i++) {
        const struct pt_journal_item *item = &changed->items[i];
        char *resources[] = {(char *)(uintptr_t)item->name};
        Patronus__V1__AuditRecord record = *whole;
        record.method = (char *)(uintptr_t)(item->before == NULL  ? "CREATE"
                                            : item->after == NULL ? "DELETE"
                                                                  : "UPDATE");
        record.resources = resources;
        record.n_resources = record.resources_len = 1;
        PT_TRY(append(execution, &record, reterr));
    }
    return PT_OK;
}

enum pt_code pt_audit_command(struct pt_execution *execution, const struct pt_msg *command, struct pt_bytes entry,
                              const struct pt_error *verdict, struct pt_error *reterr)
{
    /* A refused enrolment is counted where it is answered: anybody may try. */
    const struct pt_command_op op = pt_command_op(command);
    bool denied = verdict->denied && (op.which == PATRONUS__V1__COMMAND__OP_TRANSACTION ||
                                      op.which == PATRONUS__V1__COMMAND__OP_CHANGE_SET);
    bool repeated = execution->revision != execution->index; /* answered from what was stored: nothing happened */
    if (op.which == PATRONUS__V1__COMMAND__OP_CALLS) {
        return append_calls(execution, op.value.message, reterr);
    }
    const char *resources[RESOURCES_LEN_MAX];
    Patronus__V1__AuditRecord record = PATRONUS__V1__AUDIT_RECORD__INIT;
    if (repeated || (verdict->code != PT_OK && !denied) || !describe(&op, resources, &record)) {
        return PT_OK;
    }
    const struct pt_msg *caller = pt_msg_child(command, "caller");
    struct pt_digest change = pt_sha256(entry.data, entry.size);
    record.principal = (char *)(uintptr_t)pt_msg_str(command, "principal");
    record.api_key = (char *)(uintptr_t)(caller != NULL ? pt_msg_str(caller, "api_key") : "");
    record.source = (char *)(uintptr_t)(caller != NULL ? pt_msg_str(caller, "source") : "");
    record.request_id = (char *)(uintptr_t)pt_msg_str(command, "request_id");
    record.code = (char *)(uintptr_t)pt_code_name(verdict->code);
    record.count = 1;
    record.change_digest = (ProtobufCBinaryData){.data = change.bytes, .len = PT_DIGEST_SIZE};
    PT_TRY(append(execution, &record, reterr));
    if (verdict->code == PT_OK) {
        PT_TRY(append_changed(execution, &record, reterr));
    }
    return put_head(execution->machine, reterr);
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

#define ENTRIES_MAX 10000
#define ENTRIES_DEFAULT 1000
#define SIZE_MAX_BYTES (2U << 20)

struct query {
    struct pt_machine_kind *machine;
    struct pt_arena *arena;
    const struct pt_message_type *type;
    const struct pt_tenant *tenant; /* NULL: everything */
    struct pt_msg *response;
    uint64_t revision; /* of the newest entry that was looked at */
    size_t entries, entries_max;
    size_t size;
    bool more;
    enum pt_code code;
    struct pt_error *reterr;
};

static bool concerns(const struct query *query, const struct pt_msg *record)
{
    if (query->tenant == NULL ||
        pt_tenant_below(pt_tenant_of(query->machine, pt_msg_str(record, "principal")), query->tenant)) {
        return true;
    }
    const struct pt_msg_field *resources = pt_msg_field(record, "resources");
    for (size_t i = 0; resources != NULL && i < resources->len; i++) {
        const char *name = (const char *)resources->values[i].bytes.data;
        if (pt_tenant_below(pt_tenant_of(query->machine, name), query->tenant)) {
            return true;
        }
    }
    return false;
}

static bool on_history(void *arg, uint64_t revision, uint32_t ordinal, const char *name, struct pt_bytes event)
{
    struct query *query = arg;
    (void)ordinal;
    if (revision != query->revision) {
        if (query->entries == query->entries_max || query->size > SIZE_MAX_BYTES) {
            query->more = true;
            return false;
        }
        query->revision = revision;
        query->entries++;
    }
    if (strcmp(name, PT_AUDIT_NAME) != 0) {
        return true;
    }
    struct pt_msg *record = NULL;
    query->code = pt_msg_parse(query->type, event, NULL, query->arena, &record, query->reterr);
    if (query->code == PT_OK && concerns(query, record)) {
        struct pt_digest hash = pt_sha256(event.data, event.size);
        pt_msg_set_bytes(record, query->arena, "hash", (struct pt_bytes){hash.bytes, PT_DIGEST_SIZE});
        pt_msg_append(query->response, query->arena, "records", (union pt_value){.message = record});
        query->size += event.size;
    }
    return query->code == PT_OK;
}

enum pt_code pt_kind_audit_query(struct pt_machine_kind *machine, const struct pt_method_type *method,
                                 const struct pt_msg *request, struct pt_buf *reply, struct pt_error *reterr)
{
    struct pt_arena arena;
    pt_arena_init(&arena);
    const char *parent = pt_msg_str(request, "parent");
    int64_t page = pt_msg_i64(request, "page_size");
    struct query query = {.machine = machine,
                          .arena = &arena,
                          .type = pt_schema_message(machine->schema, "patronus.v1.AuditRecord"),
                          .tenant = pt_tenant_of(machine, parent),
                          .response = pt_msg_new(&arena, method->output),
                          .entries_max = page <= 0            ? ENTRIES_DEFAULT
                                         : page > ENTRIES_MAX ? ENTRIES_MAX
                                                              : (size_t)page,
                          .reterr = reterr};
    uint64_t floor = pt_store_history_floor(machine->store) >> 20; /* the ordinal's bits */
    uint64_t from = pt_msg_u64(request, "after_revision");
    from = from < floor ? floor : from;
    enum pt_code code = PT_OK;
    if (parent[0] != '\0' && query.tenant == NULL) {
        code = pt_fail(reterr, PT_NOT_FOUND, PT_REASON_PARENT_NOT_FOUND, "parent", "there is no '%.300s'", parent);
    } else if (from < PT_REVISION_END) {
        code = pt_store_history_scan(machine->store, from, PT_ORDINAL_END, on_history, &query, reterr);
        code = code == PT_OK ? query.code : code;
    }
    if (code == PT_OK) {
        pt_msg_set_u64(query.response, &arena, "next_revision", query.more ? query.revision : 0);
        if (query.tenant == NULL) {
            pt_msg_set_u64(query.response, &arena, "head_sequence", machine->audit_sequence);
            pt_msg_set_bytes(query.response, &arena, "head_hash",
                             (struct pt_bytes){machine->audit_hash.bytes, PT_DIGEST_SIZE});
        }
        pt_msg_encode(query.response, reply);
    }
    pt_arena_fini(&arena);
    return code;
}
