/*
 * Tenancy: organizations are flat names with a parent field. This file keeps the parents a tree of bounded depth.
 */
#include "mod/tenancy/tenancy.h"

#include <string.h>

#define DEPTH_MAX 8

/* Levels from `name` up to its root, itself included; more than DEPTH_MAX when there are too many. *ret_found tells
 * whether `self` is among them. */
static size_t levels_up(struct pt_view *view, const char *name, const char *self, bool *ret_found)
{
    size_t levels = 0;
    while (name[0] != '\0' && levels <= DEPTH_MAX) {
        *ret_found = *ret_found || strcmp(name, self) == 0;
        levels++;
        const struct pt_msg *organization = pt_view_get(view, name);
        name = organization != NULL ? pt_msg_str(organization, "parent_organization") : "";
    }
    return levels;
}

struct tallest {
    struct pt_view *view;
    const char *root;
    size_t levels;
};

/* Levels from each organization up to `root`, for those below it. */
static bool measure(void *arg, const char *name, const struct pt_msg *msg)
{
    struct tallest *tallest = arg;
    size_t levels = 0;
    const char *at = pt_msg_str(msg, "parent_organization");
    while (at[0] != '\0' && levels <= DEPTH_MAX) {
        levels++;
        if (strcmp(at, tallest->root) == 0) {
            tallest->levels = levels > tallest->levels ? levels : tallest->levels;
            break;
        }
        const struct pt_msg *above = pt_view_get(tallest->view, at);
        at = above != NULL ? pt_msg_str(above, "parent_organization") : "";
    }
    (void)name;
    return true;
}

static enum pt_code organization_check(struct pt_view *view, const struct pt_change *change, struct pt_error *reterr)
{
    const char *parent = change->after != NULL ? pt_msg_str(change->after, "parent_organization") : "";
    if (parent[0] == '\0' ||
        (change->before != NULL && strcmp(parent, pt_msg_str(change->before, "parent_organization")) == 0)) {
        return PT_OK;
    }
    bool found = false;
    size_t above = levels_up(view, parent, change->name, &found);
    if (found || strcmp(parent, change->name) == 0) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "parent_organization",
                       "%.150s is %s %.150s: organizations form a tree", parent,
                       found ? "below or equal to" : "equal to", change->name);
    }
    struct tallest below = {.view = view, .root = change->name};
    if (change->before != NULL) { /* a new one has none below it */
        pt_view_scan(view, "organization", "", measure, &below);
    }
    if (above + 1 + below.levels > DEPTH_MAX) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_LIMIT_REACHED, "parent_organization",
                       "the tree of organizations would be %zu levels deep; at most %d are allowed",
                       above + 1 + below.levels, DEPTH_MAX);
    }
    return PT_OK;
}

static const struct pt_kind organization = {.message = "patronus.v1.Organization", .check = organization_check};
static const struct pt_kind *const kinds[] = {&organization, NULL};

const struct pt_mod pt_mod_tenancy = {.name = "tenancy", .kinds = kinds};
