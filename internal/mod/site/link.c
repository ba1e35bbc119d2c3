/*
 * Links: plugged into an edge of their own site, one interface each, told apart by their address within an underlay.
 */
#include "mod/site/site.h"

#include "base/limits.h"
#include "mod/qos/qos.h"

#include <string.h>

static bool same(const struct pt_msg *a, const struct pt_msg *b, const char *field)
{
    return strcmp(pt_msg_str(a, field), pt_msg_str(b, field)) == 0;
}

struct clash {
    const struct pt_msg *link;
    const char *name;                 /* of the link that is checked */
    char other[PT_NAME_SIZE_MAX + 1]; /* the resource it clashes with; "" for none */
};

static bool same_interface(void *arg, const char *name, const struct pt_msg *msg)
{
    struct clash *clash = arg;
    if (strcmp(name, clash->name) != 0 && same(msg, clash->link, "edge") && same(msg, clash->link, "interface")) {
        (void)strcpy(clash->other, name); /* a stored name fits */
    }
    return clash->other[0] == '\0';
}

static bool same_address(void *arg, const char *name, const struct pt_msg *msg)
{
    struct clash *clash = arg;
    if (strcmp(name, clash->name) != 0 && same(msg, clash->link, "underlay") && same(msg, clash->link, "address")) {
        (void)strcpy(clash->other, name);
    }
    return clash->other[0] == '\0';
}

static bool is_lan_interface(const struct pt_msg *edge, const char *interface)
{
    const struct pt_msg_field *field = edge != NULL ? pt_msg_field(edge, "lan_interfaces") : NULL;
    for (size_t i = 0; field != NULL && i < field->len; i++) {
        if (strcmp(pt_msg_str(field->values[i].message, "interface"), interface) == 0) {
            return true;
        }
    }
    return false;
}

static enum pt_code check_interface(struct pt_view *view, const struct pt_change *change, const char *site,
                                    struct pt_error *reterr)
{
    const struct pt_msg *after = change->after;
    const char *interface = pt_msg_str(after, "interface");
    struct clash clash = {.link = after, .name = change->name};
    pt_view_scan(view, "link", site, same_interface, &clash);
    if (clash.other[0] == '\0' && is_lan_interface(pt_view_get(view, pt_msg_str(after, "edge")), interface)) {
        (void)strncat(clash.other, pt_msg_str(after, "edge"), PT_NAME_SIZE_MAX);
    }
    return clash.other[0] == '\0'
               ? PT_OK
               : pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "interface",
                         "%.200s uses interface '%.15s' of this edge already", clash.other, interface);
}

static enum pt_code check_address(struct pt_view *view, const struct pt_change *change, struct pt_error *reterr)
{
    char organization[PT_NAME_SIZE_MAX + 1];
    site_organization_of(change->name, organization);
    struct clash clash = {.link = change->after, .name = change->name};
    pt_view_scan(view, "link", organization, same_address, &clash);
    return clash.other[0] == '\0'
               ? PT_OK
               : pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "address",
                         "%.200s has address %.45s in underlay '%.63s' already", clash.other,
                         pt_msg_str(change->after, "address"), pt_msg_str(change->after, "underlay"));
}

enum pt_code site_check_link(struct pt_view *view, const struct pt_change *change, struct pt_error *reterr)
{
    const struct pt_msg *before = change->before;
    const struct pt_msg *after = change->after;
    if (after == NULL) {
        return PT_OK;
    }
    char site[PT_NAME_SIZE_MAX + 1];
    char edge_site[PT_NAME_SIZE_MAX + 1];
    pt_name_parent(change->name, site);
    pt_name_parent(pt_msg_str(after, "edge"), edge_site);
    if (strcmp(site, edge_site) != 0) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "edge",
                       "the edge is of site %.150s; a link is plugged into an edge of its own site, %.150s", edge_site,
                       site);
    }
    if (pt_msg_has(after, "qos_profile") && pt_msg_u64(after, "capacity_up_bps") < QOS_SHAPED_BPS_MIN) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "capacity_up_bps",
                       "a link with a qos_profile is shaped to its rate; set it, to %u bit/s at least",
                       QOS_SHAPED_BPS_MIN);
    }
    if (before == NULL || !same(before, after, "edge") || !same(before, after, "interface")) {
        PT_TRY(check_interface(view, change, site, reterr));
    }
    if (before == NULL || !same(before, after, "underlay") || !same(before, after, "address")) {
        PT_TRY(check_address(view, change, reterr));
    }
    return PT_OK;
}
