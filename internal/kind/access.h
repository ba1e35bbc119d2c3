/*
 * Access: who may do what, decided from the state alone.
 *
 * The objects that decide (roles, bindings, service accounts, keys, identity providers, denied identities) are kept
 * parsed beside the store, like tenants: they follow from it and are in no digest. Permission names come from the
 * schema and have numbers here, so that what a principal holds at an organization is a set of bits, resolved once and
 * remembered until something changes. The same code answers at the edge and in apply, where the caller comes from the
 * log entry and the time from the state.
 *
 * Deny by default. Certificates of admins and controllers, and the cluster itself, may everything; everybody else has
 * what bindings at the organization, above it, or of the cluster give him.
 */
#pragma once

#include "base/map.h"
#include "kind/kind.h"
#include "kind/tenant.h"

#define PT_PERMISSIONS_MAX 256

struct pt_permissions {
    uint64_t words[PT_PERMISSIONS_MAX / 64];
};

struct pt_access {
    const char **names; /* of the permissions, ascending; from the schema */
    size_t names_len;
    struct pt_permissions builtin[6]; /* by BuiltinRole */
    struct pt_map objects;            /* resource name -> struct access_object */
    struct pt_map scopes;             /* organization, or "" for the cluster -> struct access_object list of bindings */
    struct pt_map hmacs;              /* hexadecimal HMAC -> struct access_object list of keys: one */
    struct pt_map denied;             /* identity -> struct access_object list of denials */
    struct pt_map cache;              /* (principal, groups, organization) -> struct access_entry */
    uint64_t revision;                /* rises with each change that may alter an answer */
    bool touched;                     /* since the savepoint */
};

struct pt_kind_info;

PT_MUST enum pt_code pt_access_init(struct pt_machine_kind *machine, struct pt_error *reterr);
void pt_access_fini(struct pt_access *access);
PT_MUST enum pt_code pt_access_load(struct pt_machine_kind *machine, struct pt_error *reterr);
/* A resource came, changed or (NULL) went. */
void pt_access_moved(struct pt_machine_kind *machine, const struct pt_kind_info *info, const char *name,
                     const struct pt_msg *after);

/* Number of a permission; PT_PERMISSIONS_MAX when there is none of that name. */
size_t pt_permission_number(const struct pt_access *access, const char *name);

/* What is being asked for. */
struct pt_ask {
    size_t permission;
    const struct pt_tenant *tenant; /* NULL: the cluster */
    const struct pt_msg *resource;  /* for conditions on labels; NULL: none */
    int64_t time_ns;
    bool any_condition; /* a binding counts whether or not its condition holds: more is known later */
};
/* NULL caller: the system itself, which may everything. */
bool pt_access_allowed(struct pt_machine_kind *machine, const struct pt_caller *caller, const struct pt_ask *ask);
/* Does the caller hold anything at all there? Otherwise the organization does not exist for him. */
bool pt_access_visible(struct pt_machine_kind *machine, const struct pt_caller *caller, const struct pt_tenant *tenant,
                       int64_t time_ns);
/* Everything in `wanted`, at all times and places? For giving it to somebody else. */
bool pt_access_holds(struct pt_machine_kind *machine, const struct pt_caller *caller, const struct pt_tenant *tenant,
                     const struct pt_permissions *wanted, int64_t time_ns);
/* Certificates of admins and controllers, and the system: nothing is looked up for them. */
bool pt_access_unbound(const struct pt_caller *caller);

/* The organization whose bindings decide about a resource; NULL: the cluster. */
const struct pt_tenant *pt_access_scope(const struct pt_machine_kind *machine, const struct pt_kind_info *info,
                                        const char *name, const struct pt_msg *resource);

/* ---- grant.c: nobody gives what he does not hold -------------------------------------------------------------- */

struct pt_execution;
/* The organization `moved` goes below `to` (NULL: to the top): whoever is bound there and above gains what he has
 * there. From PT_LEVEL_MOVES on. */
PT_MUST enum pt_code pt_grant_move(struct pt_execution *execution, const struct pt_tenant *moved,
                                   const struct pt_tenant *to, struct pt_error *reterr);
/* A resource of an organization comes back with it, below `above` (NULL: at the top). From PT_LEVEL_RETURNS on. */
PT_MUST enum pt_code pt_grant_return(struct pt_execution *execution, const struct pt_tenant *above,
                                     const struct pt_kind_info *info, const struct pt_msg *returned,
                                     struct pt_error *reterr);
/* `after` NULL: a delete, which gives nothing. */
PT_MUST enum pt_code pt_grant_check(struct pt_execution *execution, const struct pt_kind_info *info, const char *name,
                                    const struct pt_msg *before, const struct pt_msg *after, struct pt_error *reterr);
/* The permissions of a role as a binding at `scope` ("" for the cluster) names it; false when it does not exist. */
bool pt_access_role(const struct pt_machine_kind *machine, const char *role, const char *scope,
                    struct pt_permissions *ret_permissions);
void pt_access_patterns(const struct pt_access *access, const struct pt_msg *msg, const char *field,
                        struct pt_permissions *permissions);
/* What counts in an organization and in those below it after it has moved below `to`, and did not before: calls `fn`
 * for each binding of the organizations that are above it then, with the moved one as scope; and for each binding of
 * the moved ones, with its own scope, whose role stands in one of those. In no order. */
void pt_access_gained(const struct pt_machine_kind *machine, const struct pt_tenant *moved, const struct pt_tenant *to,
                      void (*fn)(void *arg, const char *scope, const struct pt_permissions *permissions), void *arg);
/* Each binding that names the member, or (prefix) members that begin so. */
void pt_access_bindings_of(const struct pt_machine_kind *machine, const char *member, bool prefix,
                           void (*fn)(void *arg, const char *scope, const char *role), void *arg);
