/*
 * One command: replay by request id, then its operation, whole or not at all.
 *
 * A refusal must leave no trace: not a number allocated, not a row, not an event. A single mutation refuses before it
 * writes; whatever may refuse later runs under a savepoint.
 */
#include "kind/machine.h"

#include "base/assert.h"
#include "base/limits.h"
#include "patronus/v1/replication.pb-c.h"

#include <inttypes.h>
#include <string.h>

/* ---- replies by request id ------------------------------------------------------------------------------------ */

/* Stored: digest of the request (32), revision (8), reply. Ids of two principals do not meet. */
#define REPLY_HEADER_SIZE (PT_DIGEST_SIZE + 8)

static void reply_key(const char *principal, const char *request_id, struct pt_buf *key)
{
    pt_buf_printf(key, "%s %s", request_id, principal);
}

enum pt_code pt_replay(struct pt_machine_kind *machine, const char *principal, const char *request_id,
                       const struct pt_digest *digest, struct pt_buf *reply, uint64_t *ret_revision,
                       struct pt_error *reterr)
{
    PT_AUTO(buf) struct pt_buf key = {0};
    PT_AUTO(buf) struct pt_buf stored = {0};
    reply_key(principal, request_id, &key);
    PT_TRY(pt_store_reply_get(machine->store, (const char *)key.data, &stored, reterr));
    if (stored.size < REPLY_HEADER_SIZE) {
        return pt_fail(reterr, PT_CORRUPT, PT_REASON_NONE, NULL, "a stored reply is cut short");
    }
    if (memcmp(stored.data, digest->bytes, PT_DIGEST_SIZE) != 0) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_REQUEST_ID_REUSED, "request_id",
                       "request id '%.64s' was used for another request; make a new id for each request", request_id);
    }
    pt_buf_reset(reply);
    pt_buf_append(reply, stored.data + REPLY_HEADER_SIZE, stored.size - REPLY_HEADER_SIZE);
    *ret_revision = pt_be64(stored.data + PT_DIGEST_SIZE);
    return PT_OK;
}

static enum pt_code store_reply(struct pt_execution *execution, const char *principal, const char *request_id,
                                const struct pt_digest *digest, struct pt_error *reterr)
{
    PT_AUTO(buf) struct pt_buf key = {0};
    PT_AUTO(buf) struct pt_buf stored = {0};
    reply_key(principal, request_id, &key);
    pt_buf_append(&stored, digest->bytes, PT_DIGEST_SIZE);
    pt_buf_append_be64(&stored, execution->index);
    pt_buf_append(&stored, execution->reply->data, execution->reply->size);
    return pt_store_reply_put(execution->machine->store, (const char *)key.data, execution->index,
                              pt_buf_bytes(&stored), PT_REPLIES_LEN_MAX, reterr);
}

/* ---- operations ----------------------------------------------------------------------------------------------- */

static enum pt_code transaction(struct pt_execution *execution, const struct pt_msg *op, struct pt_error *reterr)
{
    const struct pt_msg_field *mutations = pt_msg_field(op, "mutations");
    for (size_t i = 0; mutations != NULL && i < mutations->len; i++) {
        struct pt_mutation mutation;
        PT_TRY(
            pt_mutation_decode(execution->machine, mutations->values[i].message, execution->arena, &mutation, reterr));
        enum pt_code code = pt_mutate(execution, &mutation, reterr);
        if (code != PT_OK) {
            return mutations->len > 1 ? pt_wrap(reterr, code, "mutation %zu of %zu", i + 1, mutations->len) : code;
        }
    }
    if (mutations != NULL && mutations->len > 1) {
        pt_buf_reset(execution->reply); /* no one resource is the answer */
    }
    return PT_OK;
}

static enum pt_code set_meta(struct pt_execution *execution, const struct pt_msg *op, struct pt_error *reterr)
{
    struct pt_store *store = execution->machine->store;
    const char *key = pt_msg_str(op, "key");
    if (key[0] == '\0') {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_REQUIRED, "key", "a value needs a key");
    }
    if (pt_msg_bool(op, "if_absent")) {
        PT_AUTO(buf) struct pt_buf present = {0};
        enum pt_code code = pt_store_meta_get(store, key, &present, reterr);
        if (code != PT_NOT_FOUND) {
            return code;
        }
    }
    execution->machine->meta_revision++;
    return pt_store_meta_put(store, key, pt_msg_bytes(op, "value"), reterr);
}

uint32_t pt_kind_level(struct pt_machine_kind *machine)
{
    PT_AUTO(buf) struct pt_buf value = {0};
    bool said = pt_store_meta_get(machine->store, PT_META_CLUSTER_LEVEL, &value, NULL) == PT_OK && value.size == 4;
    return said ? pt_be32(value.data) : 1;
}

uint32_t pt_kind_level_max(const struct pt_machine_kind *machine)
{
    return machine->options.level_max != 0 ? machine->options.level_max : PT_CLUSTER_LEVEL_MAX;
}

static enum pt_code raise_level(struct pt_execution *execution, uint64_t level, struct pt_error *reterr)
{
    struct pt_store *store = execution->machine->store;
    if (level > pt_kind_level_max(execution->machine)) {
        return pt_fail(reterr, PT_CORRUPT, PT_REASON_NONE, NULL,
                       "the cluster was raised to level %" PRIu64 " and this binary supports %" PRIu32
                       "; upgrade this node",
                       level, pt_kind_level_max(execution->machine));
    }
    PT_AUTO(buf) struct pt_buf current = {0};
    enum pt_code code = pt_store_meta_get(store, PT_META_CLUSTER_LEVEL, &current, reterr);
    if (code != PT_OK && code != PT_NOT_FOUND) {
        return code;
    }
    uint64_t present = code == PT_OK && current.size == 4 ? pt_be32(current.data) : 1;
    if (level < present) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "raise_level",
                       "the cluster is at level %" PRIu64 " already; a level is never lowered", present);
    }
    uint8_t value[4];
    pt_put_be32(value, (uint32_t)level);
    return pt_store_meta_put(store, PT_META_CLUSTER_LEVEL, (struct pt_bytes){value, sizeof(value)}, reterr);
}

static enum pt_code digest_check(struct pt_execution *execution, const struct pt_msg *op, struct pt_error *reterr)
{
    uint64_t index = pt_msg_u64(op, "index");
    struct pt_bytes theirs = pt_msg_bytes(op, "digest");
    const struct pt_digest_slot *slot = &execution->machine->digests[index / PT_DIGESTS_EVERY % PT_DIGESTS_LEN_MAX];
    if (index == 0 || slot->index != index || theirs.size != PT_DIGEST_SIZE ||
        memcmp(slot->digest.bytes, theirs.data, PT_DIGEST_SIZE) == 0) {
        return PT_OK; /* equal, or applied before this process began: nothing to compare with */
    }
    return pt_fail(reterr, PT_CORRUPT, PT_REASON_CONFLICT, NULL,
                   "the state at log index %" PRIu64
                   " differs from the leader's: this node's copy is damaged; empty its "
                   "data folder and join it again",
                   index);
}

/* ---- one command ---------------------------------------------------------------------------------------------- */

/* May the operation refuse after it has written? */
static bool needs_savepoint(struct pt_machine_kind *machine, const struct pt_command_op *op)
{
    if (op->which != PATRONUS__V1__COMMAND__OP_TRANSACTION) {
        return op->which == PATRONUS__V1__COMMAND__OP_ENROLL || op->which == PATRONUS__V1__COMMAND__OP_CHANGE_SET;
    }
    const struct pt_msg_field *mutations = pt_msg_field(op->value.message, "mutations");
    if (mutations == NULL || mutations->len != 1) {
        return mutations != NULL;
    }
    const struct pt_msg *only = mutations->values[0].message;
    const struct pt_kind_info *info = pt_kind_info(machine, (uint32_t)pt_msg_u64(only, "kind_id"));
    return pt_msg_bool(only, "force") || pt_msg_i64(only, "verb") == PATRONUS__V1__VERB__UNDELETE ||
           (info != NULL && info->rules != NULL && info->rules->derive != NULL);
}

static enum pt_code operate(struct pt_execution *execution, const struct pt_command_op *op, struct pt_error *reterr)
{
    pt_buf_reset(execution->reply);
    switch (op->which) {
    case PATRONUS__V1__COMMAND__OP_TRANSACTION:
        return transaction(execution, op->value.message, reterr);
    case PATRONUS__V1__COMMAND__OP_ENROLL:
        return pt_enroll(execution, op->value.message, reterr);
    case PATRONUS__V1__COMMAND__OP_CHANGE_SET:
        return pt_change_set(execution, op->value.message, reterr);
    case PATRONUS__V1__COMMAND__OP_ARTIFACT:
        return pt_artifact(execution, op->value.message, reterr);
    case PATRONUS__V1__COMMAND__OP_TUNNEL_KEY:
        return pt_enroll_tunnel_key(execution, op->value.message, reterr);
    case PATRONUS__V1__COMMAND__OP_SET_META:
        return set_meta(execution, op->value.message, reterr);
    case PATRONUS__V1__COMMAND__OP_DIGEST_CHECK:
        return digest_check(execution, op->value.message, reterr);
    case PATRONUS__V1__COMMAND__OP_RAISE_LEVEL:
        return raise_level(execution, op->value.u64, reterr);
    case PATRONUS__V1__COMMAND__OP_CALLS: /* the record is all: audit.c */
    case PATRONUS__V1__COMMAND__OP_BARRIER:
        return PT_OK;
    default:
        return pt_fail(reterr, PT_CORRUPT, PT_REASON_MESSAGE_MALFORMED, "op",
                       "a log entry has an operation that this binary does not know; upgrade this node");
    }
}

enum pt_code pt_undo(struct pt_machine_kind *machine, struct pt_error *reterr)
{
    /* The refusal stands in reterr: what undoing says goes there only when it fails. */
    struct pt_error error = {0};
    enum pt_code code = pt_store_undo(machine->store, &error);
    if (code == PT_OK) {
        pt_revisions_undo(machine);
        code = pt_tenants_undo(machine, &error);
    }
    if (code != PT_OK && reterr != NULL) {
        *reterr = error;
    }
    pt_rules_counts_forget(machine);
    return code;
}

static enum pt_code operate_or_undo(struct pt_execution *execution, const struct pt_command_op *op,
                                    struct pt_error *reterr)
{
    struct pt_store *store = execution->machine->store;
    if (!needs_savepoint(execution->machine, op)) {
        return operate(execution, op, reterr);
    }
    size_t events_len = execution->events->len;
    PT_TRY(pt_store_savepoint(store, reterr));
    pt_tenants_mark(execution->machine);
    pt_revisions_mark(execution->machine);
    enum pt_code code = operate(execution, op, reterr);
    if (code == PT_OK) {
        pt_tenants_release(execution->machine);
        pt_revisions_release(execution->machine);
        return pt_store_release(store, reterr);
    }
    if (!pt_code_is_fatal(code)) {
        PT_TRY(pt_undo(execution->machine, reterr));
        execution->events->len = events_len;
        execution->ordinal = 0;
    }
    return code;
}

static bool tells_time(uint32_t op)
{
    return op == PATRONUS__V1__COMMAND__OP_TRANSACTION || op == PATRONUS__V1__COMMAND__OP_ENROLL ||
           op == PATRONUS__V1__COMMAND__OP_TUNNEL_KEY || op == PATRONUS__V1__COMMAND__OP_CHANGE_SET ||
           op == PATRONUS__V1__COMMAND__OP_ARTIFACT;
}

/* Time is state: the next command's may not be below. Kept only when something was done with it. */
static enum pt_code remember_time(struct pt_execution *execution, const struct pt_command_op *op,
                                  struct pt_error *reterr)
{
    struct pt_machine_kind *machine = execution->machine;
    if (execution->time_ns <= machine->time_ns || !tells_time(op->which)) {
        return PT_OK;
    }
    uint8_t value[8];
    pt_put_be64(value, (uint64_t)execution->time_ns);
    PT_TRY(pt_store_meta_put(machine->store, PT_META_TIME, (struct pt_bytes){value, sizeof(value)}, reterr));
    machine->time_ns = execution->time_ns;
    return PT_OK;
}

enum pt_code pt_execute(struct pt_execution *execution, const struct pt_msg *command, struct pt_error *reterr)
{
    const struct pt_command_op op = pt_command_op(command);
    const char *request_id = pt_msg_str(command, "request_id");
    if (request_id[0] == '\0') {
        PT_TRY(operate_or_undo(execution, &op, reterr));
        return remember_time(execution, &op, reterr);
    }
    const char *principal = pt_msg_str(command, "principal");
    struct pt_digest digest = pt_command_digest(command, execution->arena);
    enum pt_code code =
        pt_replay(execution->machine, principal, request_id, &digest, execution->reply, &execution->revision, reterr);
    if (code != PT_NOT_FOUND) {
        return code;
    }
    PT_TRY(operate_or_undo(execution, &op, reterr));
    PT_TRY(remember_time(execution, &op, reterr));
    return store_reply(execution, principal, request_id, &digest, reterr);
}
