/*
 * Nobody gives what he does not hold. Access is given in seven ways, and each asks the same question, whether the giver
 * holds, there, at all times and without condition, everything that would be given:
 *
 *   a binding            the role's permissions, at the binding's organization
 *   a role               its permissions, at the role's organization, for it may be bound already
 *   a key, an account    what the account is bound to, wherever that is: who has the key is the account
 *   an identity provider what its users and groups are bound to: who has the issuer's key is all of them
 *   a certificate        what the person is bound to, wherever that is
 *   a move               what bindings above an organization's new place say, in it and below it; and what bindings in
 * it say by roles of that place. Held where it is now: what the mover has by the new place is what the move would give
 * to himself.
 *   an undelete          what bindings in the organization that comes back say, held at the one above it. Accounts are
 * the same as before, with the same keys, and are bound elsewhere by who is there: they are not asked about.
 */
#include "base/assert.h"
#include "base/limits.h"
#include "kind/machine.h"

#include <string.h>

struct grant {
    struct pt_execution *execution;
    enum pt_code code;
    const char *field; /* of the request; NULL: none */
    struct pt_error *reterr;
};

static void give(struct grant *grant, const char *scope, const struct pt_permissions *permissions)
{
    const struct pt_execution *execution = grant->execution;
    struct pt_machine_kind *machine = execution->machine;
    const struct pt_tenant *tenant = pt_tenant_of(machine, scope);
    if (grant->code != PT_OK || pt_access_holds(machine, execution->caller, tenant, permissions, execution->time_ns)) {
        return;
    }
    const char *missing = "";
    for (size_t i = 0; i < machine->access.names_len && missing[0] == '\0'; i++) {
        struct pt_permissions one = {{0}};
        one.words[i / 64] = permissions->words[i / 64] & UINT64_C(1) << (i % 64);
        if (!pt_access_holds(machine, execution->caller, tenant, &one, execution->time_ns)) {
            missing = machine->access.names[i];
        }
    }
    /* Where the caller sees nothing, the organization is not named. */
    bool seen = pt_access_visible(machine, execution->caller, tenant, execution->time_ns);
    grant->code = pt_fail(grant->reterr, PT_PERMISSION_DENIED, PT_REASON_GRANT_NOT_HELD, grant->field,
                          "this would give the permission '%s'%s%.80s, which the caller does not hold himself; ask "
                          "somebody who does",
                          missing, seen && tenant != NULL ? " at " : "", seen && tenant != NULL ? tenant->name : "");
}

static void give_role(void *arg, const char *scope, const char *role)
{
    struct grant *grant = arg;
    struct pt_permissions permissions = {{0}};
    if (pt_access_role(grant->execution->machine, role, scope, &permissions)) {
        give(grant, scope, &permissions);
    }
}

enum pt_code pt_grant_check(struct pt_execution *execution, const struct pt_kind_info *info, const char *name,
                            const struct pt_msg *before, const struct pt_msg *after, struct pt_error *reterr)
{
    (void)before; /* what stood there before gives nothing anew */
    if (after == NULL || !info->access) {
        return PT_OK;
    }
    const struct pt_machine_kind *machine = execution->machine;
    struct grant grant = {.execution = execution, .reterr = reterr};
    const char *kind = info->type->resource->singular;
    char owner[PT_NAME_SIZE_MAX + 1];
    size_t size = pt_tenant_name_size(name);
    memcpy(owner, name, size);
    owner[size] = '\0';
    if (strcmp(kind, "roleBinding") == 0 || strcmp(kind, "clusterRoleBinding") == 0) {
        give_role(&grant, owner, pt_msg_str(after, "role"));
    } else if (strcmp(kind, "role") == 0) {
        struct pt_permissions permissions = {{0}};
        pt_access_patterns(&machine->access, after, "permissions", &permissions);
        give(&grant, owner, &permissions);
    } else if (strcmp(kind, "apiKey") == 0) {
        pt_name_parent(name, owner);
        pt_access_bindings_of(machine, owner, false, give_role, &grant);
    } else if (strcmp(kind, "serviceAccount") == 0) {
        pt_access_bindings_of(machine, name, false, give_role, &grant);
    } else if (strcmp(kind, "identityProvider") == 0) {
        pt_access_bindings_of(machine, name, true, give_role, &grant);
    }
    return grant.code;
}

static void give_moved(void *arg, const char *scope, const struct pt_permissions *permissions)
{
    give(arg, scope, permissions);
}

enum pt_code pt_grant_move(struct pt_execution *execution, const struct pt_tenant *moved, const struct pt_tenant *to,
                           struct pt_error *reterr)
{
    struct grant grant = {.execution = execution, .reterr = reterr, .field = "parent_organization"};
    if (pt_kind_level(execution->machine) < PT_LEVEL_MOVES || moved == NULL || to == NULL ||
        pt_tenant_below(to, moved)) { /* a ring is refused by its own words */
        return PT_OK;
    }
    pt_access_gained(execution->machine, moved, to, give_moved, &grant);
    return grant.code;
}

enum pt_code pt_grant_return(struct pt_execution *execution, const struct pt_tenant *above,
                             const struct pt_kind_info *info, const struct pt_msg *returned, struct pt_error *reterr)
{
    struct grant grant = {.execution = execution, .reterr = reterr, .field = "name"};
    const char *scope = above != NULL ? above->name : "";
    const char *kind = info->type->resource->singular;
    if (strcmp(kind, "roleBinding") == 0) {
        give_role(&grant, scope, pt_msg_str(returned, "role")); /* one that comes back too is asked about itself */
    } else if (strcmp(kind, "role") == 0) {
        struct pt_permissions permissions = {{0}};
        pt_access_patterns(&execution->machine->access, returned, "permissions", &permissions);
        give(&grant, scope, &permissions);
    }
    return grant.code;
}

enum pt_code pt_kind_may_issue(struct pt_machine_kind *machine, const struct pt_caller *caller, const char *principal,
                               int64_t time_ns, struct pt_error *reterr)
{
    const struct pt_caller made = {.principal = principal, .api_key = "", .source = ""};
    if (pt_access_unbound(&made) && !pt_access_unbound(caller)) {
        return pt_fail(reterr, PT_PERMISSION_DENIED, PT_REASON_GRANT_NOT_HELD, "role",
                       "only an admin's certificate makes an admin's: ask for a user's and bind it");
    }
    struct pt_execution execution = {.machine = machine, .caller = caller, .time_ns = time_ns};
    struct grant grant = {.execution = &execution, .reterr = reterr};
    pt_access_bindings_of(machine, principal, false, give_role, &grant);
    return grant.code;
}
