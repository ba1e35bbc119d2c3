/*
 * Sites: a place has a number of its own in path stacks, allocated here; edges and links have files of their own.
 */
#include "mod/site/site.h"

#include "base/limits.h"

#include <string.h>

static enum pt_code site_derive(struct pt_store *store, const struct pt_change *change, struct pt_msg *after,
                                struct pt_arena *arena, struct pt_error *reterr)
{
    if (change->before != NULL) {
        return PT_OK; /* a number is kept for life */
    }
    uint64_t label = 0;
    PT_TRY(pt_store_allocate(store, "site_label", 1, PT_LABEL_MAX, &label, reterr));
    pt_msg_set_u64(after, arena, "site_label", label);
    return PT_OK;
}

void site_organization_of(const char *name, char organization[])
{
    size_t size = strcspn(name, "/");
    size += name[size] == '/';
    size += strcspn(name + size, "/");
    memcpy(organization, name, size);
    organization[size] = '\0';
}

static const struct pt_kind site = {.message = "patronus.v1.Site", .derive = site_derive, .frozen_with = "edge"};
static const struct pt_kind edge = {.message = "patronus.v1.Edge", .check = site_check_edge};
static const struct pt_kind link = {.message = "patronus.v1.Link", .check = site_check_link};
static const struct pt_kind *const kinds[] = {&site, &edge, &link, NULL};
static const char *const needs[] = {"tenancy", "qos", NULL};

const struct pt_mod pt_mod_site = {.name = "site", .needs = needs, .kinds = kinds};
