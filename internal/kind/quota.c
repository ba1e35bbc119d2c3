/*
 * Limits of tenants: which one holds, and what a refusal says.
 *
 * The limit of a metric at an organization is the nearest of: its own `quotas`, its tier, and then the same of the
 * organization above. A resource has to fit at its organization and at every one above, because each counts what is
 * below it. Both the fast check and apply ask here, on the same numbers, so of two creates for the last place exactly
 * one gets it.
 */
#include "base/assert.h"
#include "kind/machine.h"
#include "patronus/v1/tenancy.pb-c.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MIB (UINT64_C(1) << 20)

/* As the comments of Tier in tenancy.proto say; 0 is no limit. Order of enum pt_quota. */
static const uint64_t tiers[][PT_QUOTA_LEN] = {
    [PATRONUS__V1__TIER__FREE] = {3, 6, 64, 10, 1, MIB, 20, 8},
    [PATRONUS__V1__TIER__STARTER] = {25, 50, 10000, 100, 5, 16 * MIB, 100, 64},
    [PATRONUS__V1__TIER__PROFESSIONAL] = {500, 1000, 1000000, 1000, 50, 256 * MIB, 500, 512},
    [PATRONUS__V1__TIER__ENTERPRISE] = {0},
};

static const char *const names[PT_QUOTA_LEN] = {
    "sites", "edges", "tunnels", "policies", "models", "bytes", "requests_per_second", "streams"};

const char *pt_quota_name(enum pt_quota metric)
{
    return names[metric];
}

enum pt_quota pt_quota_by_name(const char *name)
{
    size_t i = 0;
    while (i < PT_QUOTA_LEN && strcmp(names[i], name) != 0) {
        i++;
    }
    return (enum pt_quota)i;
}

static uint64_t limit_at(const struct pt_tenant *tenant, enum pt_quota metric)
{
    for (; tenant != NULL; tenant = tenant->parent) {
        if (tenant->limits[metric] != 0) {
            return tenant->limits[metric];
        }
        if (tenant->tier != PATRONUS__V1__TIER__TIER_UNSPECIFIED && tenant->tier < sizeof(tiers) / sizeof(tiers[0])) {
            return tiers[tenant->tier][metric];
        }
    }
    return 0;
}

bool pt_quota_usage(const struct pt_machine_kind *machine, const char *organization, enum pt_quota metric,
                    uint64_t *ret_limit, uint64_t *ret_usage)
{
    const struct pt_tenant *tenant = pt_tenant_of(machine, organization);
    if (tenant == NULL) {
        return false;
    }
    *ret_limit = limit_at(tenant, metric);
    *ret_usage = tenant->usage[metric];
    return true;
}

void pt_quota_each(const struct pt_machine_kind *machine, const char *organization, enum pt_quota metric,
                   bool (*fn)(void *arg, const char *name, uint64_t limit), void *arg)
{
    for (const struct pt_tenant *at = pt_tenant_of(machine, organization); at != NULL; at = at->parent) {
        uint64_t limit = limit_at(at, metric);
        if (limit != 0 && !fn(arg, at->name, limit)) {
            return;
        }
    }
}

/* ---- checks --------------------------------------------------------------------------------------------------- */

static enum pt_code exceeded(const struct pt_tenant *tenant, enum pt_quota metric, uint64_t limit, uint64_t delta,
                             struct pt_error *reterr)
{
    uint64_t usage = tenant->usage[metric];
    (void)pt_fail(reterr, PT_EXHAUSTED, PT_REASON_QUOTA_EXCEEDED, names[metric],
                  "%.80s uses %" PRIu64 " of its %" PRIu64 " %s and this would take %" PRIu64
                  " more: delete some, or ask for a higher quota",
                  tenant->name, usage, limit, names[metric], delta);
    if (reterr != NULL) {
        reterr->limit = limit;
        reterr->usage = usage;
        (void)snprintf(reterr->subject, sizeof(reterr->subject), "%s", tenant->name);
    }
    return PT_EXHAUSTED;
}

/* Room for `delta` more at the tenant and above it, up to but without `until`. */
static enum pt_code room(const struct pt_tenant *tenant, const struct pt_tenant *until, enum pt_quota metric,
                         uint64_t delta, struct pt_error *reterr)
{
    for (; delta > 0 && tenant != NULL && tenant != until; tenant = tenant->parent) {
        uint64_t limit = limit_at(tenant, metric);
        if (limit != 0 && (tenant->usage[metric] >= limit || delta > limit - tenant->usage[metric])) {
            return exceeded(tenant, metric, limit, delta, reterr);
        }
    }
    return PT_OK;
}

/* An organization moves with all that it uses: there must be room wherever it was not counted before. */
static enum pt_code check_move(struct pt_machine_kind *machine, const char *name, const struct pt_msg *after,
                               struct pt_error *reterr)
{
    const struct pt_tenant *tenant = pt_tenant_of(machine, name);
    const struct pt_tenant *parent = pt_tenant_of(machine, pt_msg_str(after, "parent_organization"));
    if (tenant == NULL || parent == tenant->parent) {
        return PT_OK;
    }
    for (const struct pt_tenant *at = parent; at != NULL && !pt_tenant_below(tenant, at); at = at->parent) {
        for (size_t i = 0; i <= PT_QUOTA_BYTES; i++) {
            PT_TRY(room(at, at->parent, (enum pt_quota)i, tenant->usage[i], reterr));
        }
    }
    return PT_OK;
}

/* A link that comes, or goes to another underlay. There it leaves the tunnels that it had, which older levels did not
 * see: they asked for room for all that it has then. */
static enum pt_code check_tunnels(struct pt_machine_kind *machine, const char *name, const struct pt_msg *before,
                                  const struct pt_msg *after, struct pt_error *reterr)
{
    if (before != NULL && strcmp(pt_msg_str(before, "underlay"), pt_msg_str(after, "underlay")) == 0) {
        return PT_OK;
    }
    uint64_t has = pt_tenant_tunnels(&machine->tenants, name, after);
    uint64_t had = before != NULL && pt_kind_level(machine) >= PT_LEVEL_MOVES
                       ? pt_tenant_tunnels(&machine->tenants, name, before)
                       : 0;
    return has > had ? room(pt_tenant_of(machine, name), NULL, PT_QUOTA_TUNNELS, has - had, reterr) : PT_OK;
}

enum pt_code pt_quota_check(struct pt_machine_kind *machine, const struct pt_kind_info *info, const char *name,
                            const struct pt_msg *before, const struct pt_msg *after, struct pt_error *reterr)
{
    if (info->organization) {
        return before != NULL ? check_move(machine, name, after, reterr) : PT_OK;
    }
    if (info->quota == PT_QUOTA_LEN && !info->link) {
        return PT_OK;
    }
    const struct pt_tenant *tenant = pt_tenant_of(machine, name);
    if (before == NULL && info->quota < PT_QUOTA_LEN) {
        PT_TRY(room(tenant, NULL, info->quota, 1, reterr));
    }
    return info->link ? check_tunnels(machine, name, before, after, reterr) : PT_OK;
}

enum pt_code pt_quota_check_bytes(struct pt_machine_kind *machine, const char *name, const struct pt_msg *after,
                                  size_t size_before, size_t size_after, struct pt_error *reterr)
{
    const struct pt_tenant *tenant = pt_tenant_of(machine, name);
    if (size_after <= size_before) {
        return PT_OK;
    }
    if (tenant == NULL && pt_tenant_name_size(name) > 0) { /* a new organization: whose is above it */
        tenant = pt_tenant_of(machine, pt_msg_str(after, "parent_organization"));
    }
    return room(tenant, NULL, PT_QUOTA_BYTES, size_after - size_before, reterr);
}
