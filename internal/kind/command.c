/*
 * Commands: what a log entry holds.
 *
 * An entry is one patronus.v1.Command in canonical form. It is read by the same limit-checking walk as a request. What
 * this binary cannot read, it must not guess at: another member may have understood the entry, and skipping it would
 * make the two states differ for ever. So every failure here is PT_CORRUPT and stops the node, with a sentence that
 * says what to do.
 */
#include "kind/machine.h"

#include "base/assert.h"
#include "base/limits.h"
#include "wire/pack.h"
#include "patronus/v1/replication.pb-c.h"

#include <inttypes.h>
#include <string.h>

#define FORMAT 1

/* An entry may be larger than the largest resource by what stands around it. */
#define ENTRY_SIZE_MAX (PT_MESSAGE_SIZE_MAX + 65536)

static enum pt_code corrupt(struct pt_error *reterr, const char *what, const struct pt_error *cause)
{
    return pt_fail(reterr, PT_CORRUPT, PT_REASON_MESSAGE_MALFORMED, cause != NULL ? cause->field : NULL,
                   "%s: %s; it may come from a newer version: upgrade this node", what,
                   cause != NULL ? cause->text : "it is not known to this binary");
}

enum pt_code pt_command_decode(struct pt_machine_kind *machine, struct pt_bytes data, struct pt_arena *arena,
                               struct pt_msg **ret_command, struct pt_error *reterr)
{
    const struct pt_parse_options options = {.unknown = PT_UNKNOWN_REFUSE, .size_max = ENTRY_SIZE_MAX};
    struct pt_error cause;
    pt_error_clear(&cause);
    struct pt_msg *command = NULL;
    if (pt_msg_parse(machine->command_type, data, &options, arena, &command, &cause) != PT_OK) {
        return corrupt(reterr, "a log entry cannot be read", &cause);
    }
    if (pt_msg_u64(command, "format") != FORMAT) {
        return pt_fail(reterr, PT_CORRUPT, PT_REASON_MESSAGE_MALFORMED, "format",
                       "a log entry has format %" PRIu64 " and this binary knows %d; upgrade this node",
                       pt_msg_u64(command, "format"), FORMAT);
    }
    *ret_command = command;
    return PT_OK;
}

struct pt_command_op pt_command_op(const struct pt_msg *command)
{
    struct pt_command_op op = {0};
    for (size_t i = command->fields_len; i-- > 0 && op.which == 0;) {
        const struct pt_msg_field *field = &command->fields[i];
        if (field->type->oneof_index >= 0) { /* there is one oneof, and one member of it */
            op = (struct pt_command_op){.which = field->type->number, .value = field->values[0]};
        }
    }
    return op;
}

enum pt_code pt_mutation_decode(struct pt_machine_kind *machine, const struct pt_msg *msg, struct pt_arena *arena,
                                struct pt_mutation *ret_mutation, struct pt_error *reterr)
{
    struct pt_mutation mutation = {
        .verb = (uint32_t)pt_msg_i64(msg, "verb"),
        .info = pt_kind_info(machine, (uint32_t)pt_msg_u64(msg, "kind_id")),
        .name = pt_msg_str(msg, "name"),
        .etag = pt_msg_str(msg, "etag"),
        .force = pt_msg_bool(msg, "force"),
        .allow_missing = pt_msg_bool(msg, "allow_missing"),
        .uid = pt_msg_str(msg, "uid"),
    };
    if (mutation.info == NULL || mutation.info->type->resource->view) {
        return pt_fail(reterr, PT_CORRUPT, PT_REASON_MESSAGE_MALFORMED, "kind_id",
                       "a log entry changes a resource of kind %" PRIu64 ", which this binary does not know; upgrade "
                       "this node",
                       pt_msg_u64(msg, "kind_id"));
    }
    if (mutation.verb == PATRONUS__V1__VERB__VERB_UNSPECIFIED) {
        return corrupt(reterr, "a log entry has a mutation without verb", NULL);
    }
    if (mutation.verb != PATRONUS__V1__VERB__DELETE && mutation.verb != PATRONUS__V1__VERB__UNDELETE) {
        const struct pt_parse_options options = {.unknown = PT_UNKNOWN_REFUSE};
        struct pt_error cause;
        pt_error_clear(&cause);
        if (pt_msg_parse(mutation.info->type, pt_msg_bytes(msg, "resource"), &options, arena, &mutation.resource,
                         &cause) != PT_OK) {
            return corrupt(reterr, "a resource in a log entry cannot be read", &cause);
        }
    }
    const struct pt_msg_field *paths = pt_msg_field(msg, "paths");
    if (paths != NULL) {
        const char **list = pt_arena_array(arena, paths->len, sizeof(*list));
        for (size_t i = 0; i < paths->len; i++) {
            list[i] = (const char *)paths->values[i].bytes.data;
        }
        mutation.paths = list;
        mutation.paths_len = paths->len;
    }
    *ret_mutation = mutation;
    return PT_OK;
}

const struct pt_caller *pt_command_caller(const struct pt_msg *command, struct pt_arena *arena,
                                          struct pt_caller *ret_caller)
{
    *ret_caller = (struct pt_caller){.principal = pt_msg_str(command, "principal"), .api_key = "", .source = ""};
    if (strcmp(ret_caller->principal, "internal") == 0) {
        return NULL;
    }
    const struct pt_msg *caller = pt_msg_child(command, "caller");
    const struct pt_msg_field *groups = caller != NULL ? pt_msg_field(caller, "groups") : NULL;
    if (caller != NULL) {
        ret_caller->api_key = pt_msg_str(caller, "api_key");
        ret_caller->source = pt_msg_str(caller, "source");
    }
    if (groups != NULL) {
        const char **list = pt_arena_array(arena, groups->len, sizeof(*list));
        for (size_t i = 0; i < groups->len; i++) {
            list[i] = (const char *)groups->values[i].bytes.data;
        }
        ret_caller->groups = list;
        ret_caller->groups_len = groups->len;
    }
    return ret_caller;
}

struct pt_digest pt_command_digest(const struct pt_msg *command, struct pt_arena *arena)
{
    struct pt_msg *copy = pt_msg_dup(command, arena);
    pt_msg_clear(copy, "time_ns");
    pt_msg_clear(copy, "caller"); /* a retry may come from another address */
    struct pt_msg *transaction = pt_msg_child(copy, "transaction");
    const struct pt_msg_field *mutations = transaction != NULL ? pt_msg_field(transaction, "mutations") : NULL;
    for (size_t i = 0; mutations != NULL && i < mutations->len; i++) {
        pt_msg_clear(mutations->values[i].message, "uid");
    }
    struct pt_msg *change_set = pt_msg_child(copy, "change_set");
    if (change_set != NULL) {
        pt_msg_clear(change_set, "uid");
        pt_msg_clear(change_set, "edges");
    }
    struct pt_bytes bytes = pt_msg_encode_in(copy, arena);
    return pt_sha256(bytes.data, bytes.size);
}

void pt_kind_command(const struct Patronus__V1__Command *command, struct pt_buf *out)
{
    /* A Command has neither maps nor unknown fields, so that what is packed is canonical: by number, defaults
     * out. */
    pt_pack(&command->base, out);
}

void pt_kind_noop(struct pt_buf *out)
{
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    command.format = FORMAT;
    command.principal = (char *)(uintptr_t) "internal";
    command.op_case = PATRONUS__V1__COMMAND__OP_BARRIER;
    command.barrier = true;
    pt_kind_command(&command, out);
}
