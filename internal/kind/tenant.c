/*
 * The tree of organizations and its counters. See tenant.h.
 */
#include "kind/tenant.h"

#include "base/assert.h"
#include "base/limits.h"
#include "kind/machine.h"
#include "patronus/v1/tenancy.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "organizations/"
#define PREFIX_SIZE (sizeof(PREFIX) - 1)

void pt_tenants_init(struct pt_tenants *tenants)
{
    *tenants = (struct pt_tenants){0};
    pt_map_init(&tenants->by_name);
    pt_map_init(&tenants->links);
}

static void clear(struct pt_tenants *tenants)
{
    PT_MAP_FOREACH (entry, &tenants->by_name) {
        free(entry->value);
    }
    PT_MAP_FOREACH (counter, &tenants->links) {
        free(counter->value);
    }
    pt_map_clear(&tenants->by_name);
    pt_map_clear(&tenants->links);
    tenants->steps_len = 0;
    tenants->recording = tenants->reshaped = false;
}

void pt_tenants_fini(struct pt_tenants *tenants)
{
    clear(tenants);
    pt_map_fini(&tenants->by_name);
    pt_map_fini(&tenants->links);
    free(tenants->steps);
    tenants->steps = NULL;
}

/* ---- the tree ------------------------------------------------------------------------------------------------- */

size_t pt_tenant_name_size(const char *name)
{
    if (strncmp(name, PREFIX, PREFIX_SIZE) != 0) {
        return 0;
    }
    size_t size = (size_t)(strchrnul(name + PREFIX_SIZE, '/') - name);
    return size > PREFIX_SIZE ? size : 0;
}

struct pt_tenant *pt_tenant_of(const struct pt_machine_kind *machine, const char *name)
{
    size_t size = pt_tenant_name_size(name);
    return size > 0 ? pt_map_get(&machine->tenants.by_name, name, size) : NULL;
}

bool pt_tenant_below(const struct pt_tenant *tenant, const struct pt_tenant *ancestor)
{
    for (; tenant != NULL; tenant = tenant->parent) {
        if (tenant == ancestor) {
            return true;
        }
    }
    return false;
}

static void read_limits(const struct pt_msg *msg, struct pt_tenant *tenant)
{
    memset(tenant->limits, 0, sizeof(tenant->limits));
    tenant->tier = (uint64_t)pt_msg_i64(msg, "tier");
    const struct pt_msg *quotas = pt_msg_child(msg, "quotas");
    for (size_t i = 0; quotas != NULL && i < quotas->fields_len; i++) {
        const struct pt_msg_field *field = &quotas->fields[i];
        if (field->type->number <= PT_QUOTA_LEN) {
            tenant->limits[field->type->number - 1] = field->values[0].u64;
        }
    }
}

/* ---- counting ------------------------------------------------------------------------------------------------- */

static void add(struct pt_tenants *tenants, uint64_t *number, uint64_t delta)
{
    *number += delta;
    if (!tenants->recording || delta == 0) {
        return;
    }
    if (tenants->steps_len == tenants->steps_capacity) {
        tenants->steps_capacity = tenants->steps_capacity == 0 ? 256 : tenants->steps_capacity * 2;
        tenants->steps = realloc(tenants->steps, tenants->steps_capacity * sizeof(*tenants->steps));
        pt_assert(tenants->steps != NULL);
    }
    tenants->steps[tenants->steps_len++] = (struct pt_tenant_step){.number = number, .delta = delta};
}

static void use(struct pt_tenants *tenants, struct pt_tenant *tenant, enum pt_quota metric, uint64_t delta)
{
    for (; tenant != NULL && delta != 0; tenant = tenant->parent) {
        add(tenants, &tenant->usage[metric], delta);
    }
}

/* The counter of links of `owner` (the first `size` bytes of a name) on an underlay; made when missing and wanted. */
static uint64_t *links_of(struct pt_tenants *tenants, const char *owner, size_t size, const char *underlay, bool make)
{
    char key[PT_NAME_SIZE_MAX + 1200];
    int key_size = snprintf(key, sizeof(key), "%.*s\n%.1100s", (int)size, owner, underlay);
    uint64_t *counter = pt_map_get(&tenants->links, key, (size_t)key_size);
    if (counter == NULL && make) {
        counter = calloc(1, sizeof(*counter));
        pt_assert(counter != NULL);
        (void)pt_map_put(&tenants->links, key, (size_t)key_size, counter);
    }
    return counter;
}

static size_t site_size(const char *link)
{
    char parent[PT_NAME_SIZE_MAX + 1];
    pt_name_parent(link, parent);
    return strlen(parent);
}

/* Directed tunnels between this link and those of the organization's other sites on its underlay. */
uint64_t pt_tenant_tunnels(struct pt_tenants *tenants, const char *link, const struct pt_msg *msg)
{
    const char *underlay = pt_msg_str(msg, "underlay");
    const uint64_t *all = links_of(tenants, link, pt_tenant_name_size(link), underlay, false);
    const uint64_t *here = links_of(tenants, link, site_size(link), underlay, false);
    return 2 * ((all != NULL ? *all : 0) - (here != NULL ? *here : 0));
}

static void move_link(struct pt_tenants *tenants, struct pt_tenant *tenant, const char *link, const struct pt_msg *msg,
                      bool comes)
{
    const char *underlay = pt_msg_str(msg, "underlay");
    /* Whether the link is counted already makes no difference: it would stand on both sides of the subtraction. */
    uint64_t tunnels = pt_tenant_tunnels(tenants, link, msg);
    use(tenants, tenant, PT_QUOTA_TUNNELS, comes ? tunnels : -tunnels);
    uint64_t one = comes ? 1 : (uint64_t)-1;
    add(tenants, links_of(tenants, link, pt_tenant_name_size(link), underlay, true), one);
    add(tenants, links_of(tenants, link, site_size(link), underlay, true), one);
}

/* ---- organizations come, move and go -------------------------------------------------------------------------- */

static void reparent(struct pt_tenants *tenants, struct pt_tenant *tenant, struct pt_tenant *parent)
{
    if (tenant->parent == parent) {
        return;
    }
    for (size_t i = 0; i < PT_QUOTA_LEN; i++) {
        use(tenants, tenant->parent, (enum pt_quota)i, -tenant->usage[i]);
    }
    tenant->parent = parent;
    for (size_t i = 0; i < PT_QUOTA_LEN; i++) {
        use(tenants, parent, (enum pt_quota)i, tenant->usage[i]);
    }
}

static struct pt_tenant *put_tenant(struct pt_tenants *tenants, const char *name)
{
    struct pt_tenant *tenant = pt_map_get_str(&tenants->by_name, name);
    if (tenant == NULL) {
        tenant = calloc(1, sizeof(*tenant) + strlen(name) + 1);
        pt_assert(tenant != NULL);
        memcpy(tenant->name, name, strlen(name) + 1);
        (void)pt_map_put_str(&tenants->by_name, name, tenant);
    }
    return tenant;
}

static void organization_stands(struct pt_machine_kind *machine, const char *name, const struct pt_msg *msg)
{
    struct pt_tenants *tenants = &machine->tenants;
    struct pt_tenant *tenant = put_tenant(tenants, name);
    read_limits(msg, tenant);
    reparent(tenants, tenant, pt_tenant_of(machine, pt_msg_str(msg, "parent_organization")));
    tenants->reshaped = true;
}

static void organization_gone(struct pt_machine_kind *machine, const char *name)
{
    struct pt_tenant *tenant = pt_map_remove_str(&machine->tenants.by_name, name);
    pt_assert(tenant != NULL);
    /* What it held went before it, and an organization that is another's parent is not deleted. */
    pt_assert(tenant->usage[PT_QUOTA_BYTES] == 0);
    free(tenant);
    machine->tenants.reshaped = true;
}

void pt_quota_moved(struct pt_machine_kind *machine, const struct pt_kind_info *info, const char *name,
                    const struct pt_msg *before, const struct pt_msg *after, size_t size_before, size_t size_after)
{
    struct pt_tenants *tenants = &machine->tenants;
    if (info->organization && after != NULL) {
        organization_stands(machine, name, after);
    }
    struct pt_tenant *tenant = pt_tenant_of(machine, name);
    if (tenant == NULL) {
        return;
    }
    use(tenants, tenant, PT_QUOTA_BYTES, (uint64_t)size_after - (uint64_t)size_before);
    if (info->quota < PT_QUOTA_LEN && (before == NULL) != (after == NULL)) {
        use(tenants, tenant, info->quota, before == NULL ? 1 : (uint64_t)-1);
    }
    if (info->link && before != NULL) {
        move_link(tenants, tenant, name, before, false);
    }
    if (info->link && after != NULL) {
        move_link(tenants, tenant, name, after, true);
    }
    if (info->organization && after == NULL) {
        organization_gone(machine, name);
    }
}

/* ---- savepoints ----------------------------------------------------------------------------------------------- */

void pt_tenants_mark(struct pt_machine_kind *machine)
{
    machine->tenants.steps_len = 0;
    machine->tenants.recording = true;
    machine->tenants.reshaped = false;
    machine->access.touched = false;
}

void pt_tenants_release(struct pt_machine_kind *machine)
{
    machine->tenants.recording = false;
}

enum pt_code pt_tenants_undo(struct pt_machine_kind *machine, struct pt_error *reterr)
{
    struct pt_tenants *tenants = &machine->tenants;
    tenants->recording = false;
    if (machine->access.touched) {
        PT_TRY(pt_access_load(machine, reterr));
    }
    if (tenants->reshaped) { /* seldom: count anew rather than remember shapes */
        return pt_tenants_load(machine, reterr);
    }
    while (tenants->steps_len > 0) {
        const struct pt_tenant_step *step = &tenants->steps[--tenants->steps_len];
        *step->number -= step->delta;
    }
    return PT_OK;
}

/* ---- loading -------------------------------------------------------------------------------------------------- */

struct load {
    struct pt_machine_kind *machine;
    bool parents; /* second pass over organizations */
    enum pt_code code;
    struct pt_error *reterr;
};

static bool load_organization(void *arg, const struct pt_row *row)
{
    struct load *load = arg;
    struct pt_arena arena;
    pt_arena_init(&arena);
    struct pt_msg *msg = NULL;
    load->code = pt_kind_parse_row(load->machine, row, &arena, &msg, load->reterr);
    if (load->code == PT_OK && !load->parents) {
        read_limits(msg, put_tenant(&load->machine->tenants, row->name));
    } else if (load->code == PT_OK) {
        organization_stands(load->machine, row->name, msg);
    }
    pt_arena_fini(&arena);
    return load->code == PT_OK;
}

static bool load_row(void *arg, const struct pt_row *row)
{
    struct load *load = arg;
    struct pt_tenants *tenants = &load->machine->tenants;
    const struct pt_kind_info *info = pt_kind_info(load->machine, row->kind_id);
    struct pt_tenant *tenant = pt_tenant_of(load->machine, row->name);
    if (info == NULL || tenant == NULL) {
        return true;
    }
    if (info->quota < PT_QUOTA_LEN) {
        use(tenants, tenant, info->quota, 1);
    }
    if (!info->link && !info->artifact) {
        use(tenants, tenant, PT_QUOTA_BYTES, row->value.size);
    } else {
        struct pt_arena arena;
        pt_arena_init(&arena);
        struct pt_msg *msg = NULL;
        load->code = pt_kind_parse_row(load->machine, row, &arena, &msg, load->reterr);
        if (load->code == PT_OK) {
            use(tenants, tenant, PT_QUOTA_BYTES, pt_artifact_quota(info, msg, row->value.size));
        }
        if (load->code == PT_OK && info->link) {
            move_link(tenants, tenant, row->name, msg, true);
        }
        pt_arena_fini(&arena);
    }
    return load->code == PT_OK;
}

static enum pt_code scan(struct load *load, uint32_t kind_id, bool (*fn)(void *arg, const struct pt_row *row))
{
    const struct pt_store_range range = {.kind_id = kind_id, .parent = "", .after = ""};
    PT_TRY(pt_store_scan(load->machine->store, &range, fn, load, load->reterr));
    return load->code;
}

enum pt_code pt_tenants_load(struct pt_machine_kind *machine, struct pt_error *reterr)
{
    clear(&machine->tenants);
    const struct pt_message_type *organization = pt_schema_kind(machine->schema, "organization");
    struct load load = {.machine = machine, .reterr = reterr};
    if (organization != NULL) {
        PT_TRY(scan(&load, organization->resource->kind_id, load_organization));
        load.parents = true; /* they all exist now */
        PT_TRY(scan(&load, organization->resource->kind_id, load_organization));
        PT_TRY(scan(&load, 0, load_row));
    }
    machine->tenants.reshaped = false;
    return pt_trash_load(machine, reterr);
}
