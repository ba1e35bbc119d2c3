/*
 * Tenants: the tree of organizations with what each has used, kept beside the store.
 *
 * Everything here follows from the stored resources and is in no digest: it is made by one scan when the store is
 * opened or replaced, and moved by each change in apply. So every node has the same numbers, a limit costs a walk up
 * the tree (eight levels at most), and nothing is ever counted twice.
 *
 * An organization's usage is its own and that of all below it. A limit is thus a limit of the subtree: who may make
 * organizations below his own gains nothing by it.
 */
#pragma once

#include "base/map.h"
#include "kind/kind.h"

#define PT_TENANT_DEPTH_MAX 8 /* levels of the tree; mod/tenancy keeps it so */

struct pt_tenant {
    struct pt_tenant *parent; /* NULL: a root */
    uint64_t tier;            /* Patronus__V1__Tier */
    uint64_t limits[PT_QUOTA_LEN];
    uint64_t usage[PT_QUOTA_LEN]; /* with what is below */
    char name[];
};

struct pt_tenant_step { /* one addition, to be taken back */
    uint64_t *number;
    uint64_t delta; /* modulo 2^64 */
};

struct pt_tenants {
    struct pt_map by_name; /* organizations/acme -> struct pt_tenant */
    /* How many links an organization has on an underlay, and a site: "name\nunderlay" -> uint64_t. Their difference is
     * the number of tunnels that one link more makes. */
    struct pt_map links;
    struct pt_tenant_step *steps; /* since the savepoint */
    size_t steps_len, steps_capacity;
    bool recording; /* a savepoint is set */
    bool reshaped;  /* organizations came, went or moved since the savepoint */
};

struct pt_kind_info;

void pt_tenants_init(struct pt_tenants *tenants);
void pt_tenants_fini(struct pt_tenants *tenants);
/* Forget everything and count the store. */
PT_MUST enum pt_code pt_tenants_load(struct pt_machine_kind *machine, struct pt_error *reterr);
/* Savepoint, and back to it (undo) or on (release). */
void pt_tenants_mark(struct pt_machine_kind *machine);
void pt_tenants_release(struct pt_machine_kind *machine);
PT_MUST enum pt_code pt_tenants_undo(struct pt_machine_kind *machine, struct pt_error *reterr);

/* The organization that a name is or stands below; NULL for names at the top level. */
struct pt_tenant *pt_tenant_of(const struct pt_machine_kind *machine, const char *name);
/* Size of "organizations/acme" at the start of a name; 0 when it is not of an organization. */
size_t pt_tenant_name_size(const char *name);
/* Is `tenant` the ancestor or below it? */
bool pt_tenant_below(const struct pt_tenant *tenant, const struct pt_tenant *ancestor);

/* Directed tunnels that the link `msg` forms with those at the organization's other sites. */
uint64_t pt_tenant_tunnels(struct pt_tenants *tenants, const char *link, const struct pt_msg *msg);

/* A resource would come (before NULL) or change: do the limits allow its number? Bytes: see below. */
PT_MUST enum pt_code pt_quota_check(struct pt_machine_kind *machine, const struct pt_kind_info *info, const char *name,
                                    const struct pt_msg *before, const struct pt_msg *after, struct pt_error *reterr);
/* The same for bytes: known when the resource is encoded. */
PT_MUST enum pt_code pt_quota_check_bytes(struct pt_machine_kind *machine, const char *name, const struct pt_msg *after,
                                          size_t size_before, size_t size_after, struct pt_error *reterr);
/* A resource came (before NULL), changed or went (after NULL), and its row has so many bytes. */
void pt_quota_moved(struct pt_machine_kind *machine, const struct pt_kind_info *info, const char *name,
                    const struct pt_msg *before, const struct pt_msg *after, size_t size_before, size_t size_after);
