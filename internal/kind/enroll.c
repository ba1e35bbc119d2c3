/*
 * Enrolment: a token is used up and its node bound, in one step of the log.
 *
 * The token's secret never comes here, only its digest. A node that repeats its request with the same key, because the
 * answer was lost, gets the same answer; any other key finds the token used. Every refusal says PERMISSION_DENIED and
 * which of the things a person can mend it was.
 */
#include "kind/machine.h"

#include "base/assert.h"
#include "base/limits.h"
#include "patronus/v1/cluster.pb-c.h"
#include "patronus/v1/replication.pb-c.h"

#include <inttypes.h>
#include <string.h>

/* The first controller is made with the cluster and has Raft id 1. */
#define RAFT_ID_FIRST 2

struct enrolment {
    struct pt_execution *execution;
    const struct pt_msg *op;
    const char *key_digest;
    struct pt_msg *token;
    const char *role;
    bool repeated; /* the same key has used this token before */
};

static enum pt_code refuse(struct pt_error *reterr, enum pt_reason reason, const char *text)
{
    return pt_fail(reterr, PT_PERMISSION_DENIED, reason, "token", "%s; make a new one with: patronusctl tokens create",
                   text);
}

static const struct pt_kind_info *info_named(struct pt_machine_kind *machine, const char *singular)
{
    const struct pt_message_type *type = pt_schema_kind(machine->schema, singular);
    pt_assert(type != NULL);
    return pt_kind_info(machine, type->resource->kind_id);
}

/* The resource of that kind; PT_NOT_FOUND when there is none. */
static enum pt_code load(struct enrolment *enrolment, const char *singular, const char *name, struct pt_msg **ret_msg,
                         struct pt_error *reterr)
{
    struct pt_row row;
    struct pt_machine_kind *machine = enrolment->execution->machine;
    PT_TRY(pt_kind_load(machine, name, enrolment->execution->arena, ret_msg, &row, reterr));
    return row.kind_id == info_named(machine, singular)->type->resource->kind_id ? PT_OK : PT_NOT_FOUND;
}

static enum pt_code check_token(struct enrolment *enrolment, struct pt_error *reterr)
{
    const struct pt_msg *op = enrolment->op;
    enum pt_code code = load(enrolment, "enrollmentToken", pt_msg_str(op, "token_name"), &enrolment->token, reterr);
    if (code == PT_NOT_FOUND) {
        return refuse(reterr, PT_REASON_TOKEN_INVALID, "the cluster does not know this token");
    }
    PT_TRY(code);
    const struct pt_msg *token = enrolment->token;
    enrolment->role = pt_msg_str(token, "role");
    enrolment->key_digest = pt_msg_str(op, "key_digest");
    if (strcmp(pt_msg_str(token, "secret_digest"), pt_msg_str(op, "secret_digest")) != 0) {
        return refuse(reterr, PT_REASON_TOKEN_INVALID, "the token's secret is wrong");
    }
    if (pt_msg_bool(token, "used")) {
        enrolment->repeated = strcmp(pt_msg_str(token, "used_key_digest"), enrolment->key_digest) == 0;
        return enrolment->repeated ? PT_OK : refuse(reterr, PT_REASON_TOKEN_USED, "another node has used this token");
    }
    if (pt_msg_time(token, "expire_time") <= enrolment->execution->time_ns) {
        return refuse(reterr, PT_REASON_TOKEN_EXPIRED, "the token has expired");
    }
    return PT_OK;
}

static enum pt_code use_token(struct enrolment *enrolment, struct pt_error *reterr)
{
    struct pt_execution *execution = enrolment->execution;
    if (enrolment->repeated) {
        return PT_OK;
    }
    pt_msg_set_bool(enrolment->token, execution->arena, "used", true);
    pt_msg_set_str(enrolment->token, execution->arena, "used_key_digest", enrolment->key_digest);
    return pt_mutate_derived(execution, info_named(execution->machine, "enrollmentToken"),
                             pt_msg_str(enrolment->op, "token_name"), enrolment->token, reterr);
}

static enum pt_code bind_edge(struct enrolment *enrolment, struct pt_error *reterr)
{
    struct pt_execution *execution = enrolment->execution;
    const char *name = pt_msg_str(enrolment->token, "edge");
    const char *node_id = pt_msg_str(enrolment->op, "node_id");
    if (strncmp(node_id, "edge/", 5) != 0 || strcmp(node_id + 5, name) != 0) {
        return refuse(reterr, PT_REASON_TOKEN_INVALID, "the token is for another edge");
    }
    struct pt_msg *edge = NULL;
    enum pt_code code = load(enrolment, "edge", name, &edge, reterr);
    if (code == PT_NOT_FOUND) {
        return refuse(reterr, PT_REASON_TOKEN_INVALID, "the edge that the token is for is gone");
    }
    PT_TRY(code);
    const struct pt_kind_info *info = info_named(execution->machine, "edge");
    if (strcmp(pt_msg_str(edge, "public_key_digest"), enrolment->key_digest) != 0) {
        if (enrolment->repeated) {
            /* A newer token has given the edge to another node since, or the edge was made anew. */
            return refuse(reterr, PT_REASON_TOKEN_USED, "the edge has been bound to another node since");
        }
        pt_msg_set_str(edge, execution->arena, "node_id", node_id);
        pt_msg_set_str(edge, execution->arena, "public_key_digest", enrolment->key_digest);
        PT_TRY(pt_mutate_derived(execution, info, name, edge, reterr));
    }
    pt_mutate_reply(execution, info, edge);
    return PT_OK;
}

/* ---- tunnel keys ---------------------------------------------------------------------------------------------- */

/* The node that is enrolled as the edge says what the key of its tunnels is: who may say so, the leader knows. */
enum pt_code pt_enroll_tunnel_key(struct pt_execution *execution, const struct pt_msg *op, struct pt_error *reterr)
{
    const char *name = pt_msg_str(op, "edge");
    struct enrolment enrolment = {.execution = execution, .op = op};
    struct pt_msg *edge = NULL;
    struct pt_digest key;
    PT_TRY(pt_digest_from_hex(pt_msg_str(op, "public_key"), &key, reterr)); /* as long as a digest: 32 bytes */
    PT_TRY(load(&enrolment, "edge", name, &edge, reterr));
    if (strcmp(pt_msg_str(edge, "tunnel_public_key"), pt_msg_str(op, "public_key")) == 0) {
        return PT_OK;
    }
    pt_msg_set_str(edge, execution->arena, "tunnel_public_key", pt_msg_str(op, "public_key"));
    return pt_mutate_derived(execution, info_named(execution->machine, "edge"), name, edge, reterr);
}

/* ---- controllers ---------------------------------------------------------------------------------------------- */

struct raft_id_search {
    uint64_t raft_id;
    bool found;
};

static bool match_raft_id(void *arg, const char *name, const struct pt_msg *msg)
{
    (void)name;
    struct raft_id_search *search = arg;
    search->found = search->found || pt_msg_u64(msg, "raft_id") == search->raft_id;
    return !search->found;
}

/* The next number of the counter that no controller has been given by hand. */
static enum pt_code allocate_raft_id(struct pt_execution *execution, uint64_t *ret_raft_id, struct pt_error *reterr)
{
    struct raft_id_search search = {.found = true};
    while (search.found) {
        PT_TRY(pt_store_allocate(execution->machine->store, "raft_id", RAFT_ID_FIRST, UINT32_MAX, &search.raft_id,
                                 reterr));
        search.found = false;
        struct pt_view view;
        pt_view_init(&view, execution->machine, execution->arena, execution->time_ns);
        pt_view_scan(&view, "controller", "", match_raft_id, &search);
        enum pt_code code = view.error.code;
        if (code != PT_OK && reterr != NULL) {
            *reterr = view.error;
        }
        pt_view_fini(&view);
        PT_TRY(code);
    }
    *ret_raft_id = search.raft_id;
    return PT_OK;
}

/* The resource as the joining node describes itself. It comes from outside: what does not parse is refused, unless it
 * is a field of a newer version, which another member may understand. */
static enum pt_code parse_controller(struct enrolment *enrolment, const struct pt_kind_info *info,
                                     struct pt_msg **ret_resource, struct pt_error *reterr)
{
    const struct pt_parse_options options = {.unknown = PT_UNKNOWN_REFUSE};
    struct pt_error error = {0};
    enum pt_code code = pt_msg_parse(info->type, pt_msg_bytes(enrolment->op, "controller"), &options,
                                     enrolment->execution->arena, ret_resource, &error);
    if (code != PT_OK) {
        code = error.reason == PT_REASON_FIELD_UNKNOWN ? PT_CORRUPT : code;
        return pt_fail(reterr, code, error.reason, error.field, "%s", error.text);
    }
    bool voter = strcmp(enrolment->role, "voter") == 0;
    int64_t role = voter ? PATRONUS__V1__CONTROLLER_ROLE__VOTER : PATRONUS__V1__CONTROLLER_ROLE__STANDBY;
    if (pt_msg_i64(*ret_resource, "role") != role) {
        return refuse(reterr, PT_REASON_TOKEN_INVALID, "the token is for another role");
    }
    return PT_OK;
}

static enum pt_code bind_controller(struct enrolment *enrolment, struct pt_error *reterr)
{
    struct pt_execution *execution = enrolment->execution;
    const struct pt_kind_info *info = info_named(execution->machine, "controller");
    const char *name = pt_msg_str(enrolment->op, "controller_name");
    const char *node_id = pt_msg_str(enrolment->op, "node_id");
    if (strncmp(node_id, "controller/", 11) != 0 || strncmp(name, "controllers/", 12) != 0 ||
        strcmp(node_id + 11, name + 12) != 0) {
        return refuse(reterr, PT_REASON_TOKEN_INVALID, "the token is for a controller, and the node is none");
    }
    struct pt_msg *resource = NULL;
    if (enrolment->repeated) {
        enum pt_code code = load(enrolment, "controller", name, &resource, reterr);
        if (code == PT_NOT_FOUND) {
            return refuse(reterr, PT_REASON_TOKEN_USED, "the token has been used under another name");
        }
        PT_TRY(code);
        if (strcmp(pt_msg_str(resource, "public_key_digest"), enrolment->key_digest) != 0) {
            return refuse(reterr, PT_REASON_TOKEN_USED, "the controller has been bound to another node since");
        }
        pt_mutate_reply(execution, info, resource);
        return PT_OK;
    }
    PT_TRY(parse_controller(enrolment, info, &resource, reterr));
    uint64_t raft_id = 0;
    PT_TRY(allocate_raft_id(execution, &raft_id, reterr));
    pt_msg_set_u64(resource, execution->arena, "raft_id", raft_id);
    const struct pt_mutation mutation = {.verb = PATRONUS__V1__VERB__CREATE,
                                         .info = info,
                                         .name = name,
                                         .resource = resource,
                                         .etag = "",
                                         .uid = pt_msg_str(enrolment->op, "uid")};
    PT_TRY(pt_mutate(execution, &mutation, reterr));
    PT_TRY(load(enrolment, "controller", name, &resource, reterr));
    pt_msg_set_str(resource, execution->arena, "public_key_digest", enrolment->key_digest);
    PT_TRY(pt_mutate_derived(execution, info, name, resource, reterr));
    pt_mutate_reply(execution, info, resource);
    return PT_OK;
}

enum pt_code pt_enroll(struct pt_execution *execution, const struct pt_msg *enroll, struct pt_error *reterr)
{
    struct enrolment enrolment = {.execution = execution, .op = enroll};
    PT_TRY(check_token(&enrolment, reterr));
    PT_TRY(use_token(&enrolment, reterr));
    return strcmp(enrolment.role, "edge") == 0 ? bind_edge(&enrolment, reterr) : bind_controller(&enrolment, reterr);
}
