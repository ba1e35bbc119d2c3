/*
 * May the caller? The questions that mutations, reads and other methods ask, and what a refusal says.
 *
 * To who holds nothing at an organization it does not exist: he gets the very words that a name which nobody has gives.
 * To who holds something there a refusal names the permission that he lacks.
 */
#include "base/assert.h"
#include "base/limits.h"
#include "kind/machine.h"
#include "patronus/v1/replication.pb-c.h"

#include <string.h>

static enum pt_code lacks(const struct pt_machine_kind *machine, size_t permission, const struct pt_tenant *tenant,
                          struct pt_error *reterr)
{
    const char *name = permission < machine->access.names_len ? machine->access.names[permission] : "";
    return pt_fail(reterr, PT_PERMISSION_DENIED, PT_REASON_PERMISSION_MISSING, NULL,
                   "the caller lacks the permission '%s' at %s%.80s", name, tenant != NULL ? "" : "the cluster",
                   tenant != NULL ? tenant->name : "");
}

/* Hidden behind the words of something else. */
static enum pt_code as_denied(enum pt_code code, struct pt_error *reterr)
{
    if (reterr != NULL) {
        reterr->denied = true;
    }
    return code;
}

static enum pt_code no_parent(const struct pt_message_type *kind, const char *parent, struct pt_error *reterr)
{
    return as_denied(pt_fail(reterr, PT_NOT_FOUND, PT_REASON_PARENT_NOT_FOUND, "parent", "there is no %s '%.300s'",
                             kind->resource->parent, parent),
                     reterr);
}

static enum pt_code no_resource(const struct pt_message_type *kind, const char *name, struct pt_error *reterr)
{
    return as_denied(pt_fail(reterr, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "name", "there is no %s '%.300s'",
                             kind->resource->singular, name),
                     reterr);
}

/* May the caller everything? His name is taken apart for that, so it is asked once for an execution. */
static bool unbound(struct pt_execution *execution)
{
    if (execution->standing == PT_STANDING_UNKNOWN) {
        execution->standing = pt_access_unbound(execution->caller) ? PT_STANDING_UNBOUND : PT_STANDING_BOUND;
    }
    return execution->standing == PT_STANDING_UNBOUND;
}

/* ---- mutations ------------------------------------------------------------------------------------------------ */

static enum pt_verb verb_of(uint32_t verb)
{
    return verb == PATRONUS__V1__VERB__CREATE   ? PT_VERB_CREATE
           : verb == PATRONUS__V1__VERB__UPDATE ? PT_VERB_UPDATE
                                                : PT_VERB_DELETE;
}

/* What the caller names does not exist for him. */
static enum pt_code hidden(const struct pt_mutation *mutation, struct pt_error *reterr)
{
    const struct pt_message_type *kind = mutation->info->type;
    if (mutation->verb != PATRONUS__V1__VERB__CREATE) {
        return no_resource(kind, mutation->name, reterr);
    }
    if (mutation->info->organization) {
        return as_denied(pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_REFERENCE_NOT_FOUND, "parent_organization",
                                 "there is no organization '%.200s'; create it first",
                                 pt_msg_str(mutation->resource, "parent_organization")),
                         reterr);
    }
    char parent[PT_NAME_SIZE_MAX + 1];
    pt_name_parent(mutation->name, parent);
    return as_denied(pt_fail(reterr, PT_NOT_FOUND, PT_REASON_PARENT_NOT_FOUND, "parent",
                             "there is no %s '%.300s'; create it first", kind->resource->parent, parent),
                     reterr);
}

/* The organization that decides before anything but the name is known; *ret_named tells whether one is named. */
static enum pt_code scope_of(struct pt_execution *execution, const struct pt_mutation *mutation,
                             const struct pt_tenant **ret_tenant, bool *ret_named, struct pt_error *reterr)
{
    struct pt_machine_kind *machine = execution->machine;
    const struct pt_kind_info *info = mutation->info;
    const char *name = mutation->name;
    if (info->organization && mutation->verb == PATRONUS__V1__VERB__CREATE) {
        name = pt_msg_str(mutation->resource, "parent_organization");
    } else if (info->token) {
        struct pt_msg *msg = mutation->resource;
        if (mutation->verb != PATRONUS__V1__VERB__CREATE) {
            enum pt_code code = pt_kind_load(machine, name, execution->arena, &msg, NULL, reterr);
            if (code != PT_OK && code != PT_NOT_FOUND) {
                return code;
            }
            msg = code == PT_OK ? msg : NULL;
        }
        *ret_named = false; /* whatever is wrong: the caller lacks the permission */
        *ret_tenant = pt_access_scope(machine, info, name, msg);
        return PT_OK;
    }
    *ret_named = pt_tenant_name_size(name) > 0;
    *ret_tenant = pt_tenant_of(machine, name);
    return PT_OK;
}

enum pt_code pt_permit_mutation(struct pt_execution *execution, const struct pt_mutation *mutation,
                                struct pt_error *reterr)
{
    struct pt_machine_kind *machine = execution->machine;
    const struct pt_caller *caller = execution->caller;
    if (caller == NULL) {
        return PT_OK;
    }
    PT_TRY(pt_kind_authenticate(machine, caller, execution->time_ns, reterr));
    if (unbound(execution) || mutation->verb == PATRONUS__V1__VERB__UNDELETE) {
        return PT_OK; /* undelete: asked when it is known what would come back */
    }
    const struct pt_tenant *tenant = NULL;
    bool named = false;
    PT_TRY(scope_of(execution, mutation, &tenant, &named, reterr));
    if (named && !pt_access_visible(machine, caller, tenant, execution->time_ns)) {
        return hidden(mutation, reterr);
    }
    if (mutation->info->organization && mutation->verb == PATRONUS__V1__VERB__DELETE) {
        tenant = tenant != NULL ? tenant->parent : NULL;
    }
    const struct pt_ask ask = {.permission = mutation->info->permissions[verb_of(mutation->verb)],
                               .tenant = tenant,
                               .time_ns = execution->time_ns,
                               .any_condition = true};
    return pt_access_allowed(machine, caller, &ask) ? PT_OK : lacks(machine, ask.permission, tenant, reterr);
}

static enum pt_code need(struct pt_execution *execution, size_t permission, const struct pt_tenant *tenant,
                         const struct pt_msg *resource, struct pt_error *reterr)
{
    const struct pt_ask ask = {
        .permission = permission, .tenant = tenant, .resource = resource, .time_ns = execution->time_ns};
    return pt_access_allowed(execution->machine, execution->caller, &ask)
               ? PT_OK
               : lacks(execution->machine, permission, tenant, reterr);
}

static bool same_limits(const struct pt_msg *before, const struct pt_msg *after)
{
    const struct pt_msg *a = before != NULL ? pt_msg_child(before, "quotas") : NULL;
    const struct pt_msg *b = pt_msg_child(after, "quotas");
    bool quotas = a == NULL || b == NULL ? a == b : pt_msg_equal(a, b);
    return quotas && (before != NULL ? pt_msg_i64(before, "tier") : 0) == pt_msg_i64(after, "tier");
}

/* Tier, quotas and place of an organization are the matter of whoever is above it. */
static enum pt_code organization_change(struct pt_execution *execution, const struct pt_kind_info *info,
                                        const char *name, const struct pt_msg *before, const struct pt_msg *after,
                                        struct pt_error *reterr)
{
    const struct pt_machine_kind *machine = execution->machine;
    const char *from = before != NULL ? pt_msg_str(before, "parent_organization") : "";
    const char *to = pt_msg_str(after, "parent_organization");
    if (!same_limits(before, after)) {
        size_t permission = pt_permission_number(&machine->access, "organizations.setQuotas");
        PT_TRY(need(execution, permission, pt_tenant_of(machine, before != NULL ? from : to), NULL, reterr));
    }
    if (before != NULL && strcmp(from, to) != 0) {
        const struct pt_tenant *target = pt_tenant_of(machine, to);
        if (to[0] != '\0' && !pt_access_visible(execution->machine, execution->caller, target, execution->time_ns)) {
            return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_REFERENCE_NOT_FOUND, "parent_organization",
                           "there is no organization '%.200s'; create it first", to);
        }
        PT_TRY(need(execution, info->permissions[PT_VERB_CREATE], target, NULL, reterr));
        PT_TRY(need(execution, info->permissions[PT_VERB_DELETE], pt_tenant_of(machine, from), NULL, reterr));
        PT_TRY(pt_grant_move(execution, pt_tenant_of(machine, name), target, reterr));
    }
    return PT_OK;
}

enum pt_code pt_permit_change(struct pt_execution *execution, const struct pt_kind_info *info, const char *name,
                              const struct pt_msg *before, const struct pt_msg *after, struct pt_error *reterr)
{
    const struct pt_machine_kind *machine = execution->machine;
    if (unbound(execution)) {
        return PT_OK;
    }
    enum pt_verb verb = before == NULL ? PT_VERB_CREATE : after == NULL ? PT_VERB_DELETE : PT_VERB_UPDATE;
    const struct pt_tenant *tenant = pt_access_scope(machine, info, name, before != NULL ? before : after);
    if (info->organization && verb == PT_VERB_CREATE) {
        tenant = pt_tenant_of(machine, pt_msg_str(after, "parent_organization"));
    } else if (info->organization && verb == PT_VERB_DELETE) {
        tenant = tenant != NULL ? tenant->parent : NULL;
    }
    PT_TRY(need(execution, info->permissions[verb], tenant, before != NULL ? before : after, reterr));
    if (verb == PT_VERB_UPDATE) { /* nor may a resource be moved out of, or into, what a condition covers */
        PT_TRY(need(execution, info->permissions[verb], pt_access_scope(machine, info, name, after), after, reterr));
    }
    if (info->organization && after != NULL) {
        PT_TRY(organization_change(execution, info, name, before, after, reterr));
    }
    return pt_grant_check(execution, info, name, before, after, reterr);
}

enum pt_code pt_permit_method(struct pt_execution *execution, const char *permission, const struct pt_kind_info *info,
                              const char *name, const struct pt_msg *resource, struct pt_error *reterr)
{
    struct pt_machine_kind *machine = execution->machine;
    if (execution->caller == NULL) {
        return PT_OK;
    }
    PT_TRY(pt_kind_authenticate(machine, execution->caller, execution->time_ns, reterr));
    if (unbound(execution)) {
        return PT_OK;
    }
    const struct pt_tenant *tenant = pt_access_scope(machine, info, name, resource);
    if (!pt_access_visible(machine, execution->caller, tenant, execution->time_ns)) {
        return no_resource(info->type, name, reterr);
    }
    return need(execution, pt_permission_number(&machine->access, permission), tenant, resource, reterr);
}

/* ---- reads ---------------------------------------------------------------------------------------------------- */

enum pt_code pt_permit_get(struct pt_machine_kind *machine, const struct pt_caller *caller,
                           const struct pt_message_type *kind, const char *name, const struct pt_msg *resource,
                           struct pt_error *reterr)
{
    const struct pt_kind_info *info = pt_kind_info(machine, kind->resource->kind_id);
    if (caller == NULL || (info->token && resource == NULL)) {
        return PT_OK; /* a token: asked when it is known whose edge it is for */
    }
    const struct pt_tenant *tenant = pt_access_scope(machine, info, name, resource);
    bool named = pt_tenant_name_size(name) > 0;
    if (named && !pt_access_visible(machine, caller, tenant, machine->wall_ns)) {
        return no_resource(kind, name, reterr);
    }
    const struct pt_ask ask = {.permission = info->permissions[PT_VERB_GET],
                               .tenant = tenant,
                               .resource = resource,
                               .time_ns = machine->wall_ns,
                               .any_condition = resource == NULL};
    if (pt_access_allowed(machine, caller, &ask)) {
        return PT_OK;
    }
    return info->token ? no_resource(kind, name, reterr) : lacks(machine, ask.permission, tenant, reterr);
}

enum pt_code pt_permit_list(struct pt_machine_kind *machine, const struct pt_caller *caller,
                            const struct pt_message_type *kind, const char *parent, struct pt_error *reterr)
{
    const struct pt_kind_info *info = pt_kind_info(machine, kind->resource->kind_id);
    bool wild = pt_tenant_name_size(parent) == 15 && parent[14] == '-'; /* organizations/- */
    if (caller == NULL || wild || (parent[0] == '\0' && (info->organization || info->token))) {
        return PT_OK; /* row by row */
    }
    const struct pt_tenant *tenant = pt_tenant_of(machine, parent);
    if (parent[0] != '\0' && !pt_access_visible(machine, caller, tenant, machine->wall_ns)) {
        return no_parent(kind, parent, reterr);
    }
    const struct pt_ask ask = {.permission = info->permissions[PT_VERB_LIST],
                               .tenant = tenant,
                               .time_ns = machine->wall_ns,
                               .any_condition = true};
    return pt_access_allowed(machine, caller, &ask) ? PT_OK : lacks(machine, ask.permission, tenant, reterr);
}

bool pt_permit_row(struct pt_machine_kind *machine, const struct pt_caller *caller, const struct pt_kind_info *info,
                   const char *name, const struct pt_msg *resource)
{
    const struct pt_ask ask = {.permission = info->permissions[PT_VERB_LIST],
                               .tenant = pt_access_scope(machine, info, name, resource),
                               .resource = resource,
                               .time_ns = machine->wall_ns};
    return caller == NULL || pt_access_allowed(machine, caller, &ask);
}

/* ---- other methods -------------------------------------------------------------------------------------------- */

enum pt_code pt_kind_permit(struct pt_machine_kind *machine, const struct pt_caller *caller,
                            const struct pt_method_type *method, const struct pt_msg *request, int64_t time_ns,
                            struct pt_error *reterr)
{
    PT_TRY(pt_kind_authenticate(machine, caller, time_ns, reterr));
    if (method->authenticated || pt_access_unbound(caller)) {
        return PT_OK;
    }
    const char *name = method->scope[0] != '\0' && request != NULL ? pt_msg_str(request, method->scope) : "";
    const struct pt_tenant *tenant = pt_tenant_of(machine, name);
    if (pt_tenant_name_size(name) > 0 && !pt_access_visible(machine, caller, tenant, time_ns)) {
        return as_denied(
            pt_fail(reterr, PT_NOT_FOUND, PT_REASON_PARENT_NOT_FOUND, method->scope, "there is no '%.300s'", name),
            reterr);
    }
    const struct pt_ask ask = {
        .permission = pt_permission_number(&machine->access, method->permission), .tenant = tenant, .time_ns = time_ns};
    return pt_access_allowed(machine, caller, &ask) ? PT_OK : lacks(machine, ask.permission, tenant, reterr);
}

bool pt_kind_test_permission(struct pt_machine_kind *machine, const struct pt_caller *caller, const char *permission,
                             const char *name, const struct pt_msg *resource, int64_t time_ns)
{
    const struct pt_tenant *tenant = pt_tenant_of(machine, name);
    if (pt_tenant_name_size(name) > 0 && tenant == NULL) {
        return false;
    }
    const struct pt_ask ask = {.permission = pt_permission_number(&machine->access, permission),
                               .tenant = tenant,
                               .resource = resource,
                               .time_ns = time_ns};
    return ask.permission < PT_PERMISSIONS_MAX && pt_access_allowed(machine, caller, &ask);
}

uint64_t pt_kind_meta_revision(const struct pt_machine_kind *machine)
{
    return machine->meta_revision;
}

uint64_t pt_kind_access_revision(const struct pt_machine_kind *machine)
{
    return machine->access.revision;
}

void pt_kind_now(struct pt_machine_kind *machine, int64_t wall_ns)
{
    machine->wall_ns = wall_ns > machine->time_ns ? wall_ns : machine->time_ns;
}
