/*
 * Edges: what their LAN interfaces announce must be theirs alone. Within one segment the prefixes of two sites (as
 * other sites know them: outside.c), or of two interfaces of one edge, share no address; two edges of one site may
 * announce the same, which is how a site has a spare. Where a segment names its prefixes, only what lies within them is
 * announced.
 */
#include "mod/site/site.h"

#include "base/limits.h"

#include <stdio.h>
#include <string.h>

bool site_prefixes_overlap(const struct pt_prefix *a, const struct pt_prefix *b)
{
    return pt_prefix_len128(a) <= pt_prefix_len128(b) ? pt_prefix_contains(a, &b->ip) : pt_prefix_contains(b, &a->ip);
}

static const struct pt_msg *lan_interface(const struct pt_msg *edge, size_t at)
{
    const struct pt_msg_field *field = edge != NULL ? pt_msg_field(edge, "lan_interfaces") : NULL;
    return field != NULL && at < field->len ? field->values[at].message : NULL;
}

static const char *prefix_text(const struct pt_msg *lan, size_t at)
{
    const struct pt_msg_field *field = pt_msg_field(lan, "prefixes");
    return field != NULL && at < field->len ? (const char *)field->values[at].bytes.data : NULL;
}

/* ---- one interface against another ---------------------------------------------------------------------------- */

/* A prefix of `lan` that overlaps one of `other` of the same segment; NULL for none. */
static const char *overlapping(const struct pt_msg *lan, const struct pt_msg *other, const char **ret_other)
{
    if (strcmp(pt_msg_str(lan, "segment"), pt_msg_str(other, "segment")) != 0) {
        return NULL;
    }
    for (size_t i = 0; prefix_text(lan, i) != NULL; i++) {
        for (size_t j = 0; prefix_text(other, j) != NULL; j++) {
            struct pt_prefix a;
            struct pt_prefix b;
            /* Their form has been checked: a failure cannot be. */
            if (pt_prefix_parse(prefix_text(lan, i), &a, NULL) == PT_OK &&
                pt_prefix_parse(prefix_text(other, j), &b, NULL) == PT_OK && site_prefixes_overlap(&a, &b)) {
                *ret_other = prefix_text(other, j);
                return prefix_text(lan, i);
            }
        }
    }
    return NULL;
}

static enum pt_code check_within_edge(const struct pt_msg *edge, struct pt_error *reterr)
{
    for (size_t i = 0; lan_interface(edge, i) != NULL; i++) {
        for (size_t j = 0; j < i; j++) {
            const struct pt_msg *a = lan_interface(edge, i);
            const struct pt_msg *b = lan_interface(edge, j);
            char path[96];
            if (strcmp(pt_msg_str(a, "interface"), pt_msg_str(b, "interface")) == 0) {
                (void)snprintf(path, sizeof(path), "lan_interfaces[%zu].interface", i);
                return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, path,
                               "interface '%.15s' is given twice", pt_msg_str(a, "interface"));
            }
            const char *other = NULL;
            const char *prefix = overlapping(a, b, &other);
            if (prefix != NULL) {
                (void)snprintf(path, sizeof(path), "lan_interfaces[%zu].prefixes", i);
                return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, path,
                               "%.49s overlaps %.49s, which is behind another interface of this edge", prefix, other);
            }
        }
    }
    return PT_OK;
}

/* ---- against the segment -------------------------------------------------------------------------------------- */

bool site_prefix_allowed(const struct pt_prefix *prefix, const struct pt_msg *segment)
{
    const struct pt_msg_field *field = pt_msg_field(segment, "prefixes");
    if (field == NULL || field->len == 0) {
        return true;
    }
    for (size_t i = 0; i < field->len; i++) {
        struct pt_prefix allowed;
        if (pt_prefix_parse((const char *)field->values[i].bytes.data, &allowed, NULL) == PT_OK &&
            pt_prefix_len128(&allowed) <= pt_prefix_len128(prefix) && pt_prefix_contains(&allowed, &prefix->ip)) {
            return true;
        }
    }
    return false;
}

static enum pt_code check_segments(struct pt_view *view, const struct pt_msg *edge, struct pt_error *reterr)
{
    for (size_t i = 0; lan_interface(edge, i) != NULL; i++) {
        const struct pt_msg *lan = lan_interface(edge, i);
        const struct pt_msg *segment = pt_view_get(view, pt_msg_str(lan, "segment"));
        for (size_t j = 0; segment != NULL && prefix_text(lan, j) != NULL; j++) {
            struct pt_prefix prefix;
            PT_TRY(pt_prefix_parse(prefix_text(lan, j), &prefix, reterr));
            if (!site_prefix_allowed(&prefix, segment)) {
                char path[96];
                (void)snprintf(path, sizeof(path), "lan_interfaces[%zu].prefixes[%zu]", i, j);
                return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, path,
                               "%.49s is not within the prefixes of %.200s; add it there first", prefix_text(lan, j),
                               pt_msg_str(lan, "segment"));
            }
        }
    }
    return PT_OK;
}

/* ---- against the other sites ---------------------------------------------------------------------------------- */

struct search {
    const struct pt_msg *edge;
    const char *site;
    struct site_outside outside;
    enum pt_code code;
    struct pt_error *reterr;
};

static bool check_other(void *arg, const char *name, const struct pt_msg *other)
{
    struct search *search = arg;
    size_t size = strlen(search->site);
    if (strncmp(name, search->site, size) == 0 && name[size] == '/') {
        return true; /* of the same site */
    }
    char site[PT_NAME_SIZE_MAX + 1];
    pt_name_parent(name, site);
    for (size_t i = 0; lan_interface(search->edge, i) != NULL; i++) {
        for (size_t j = 0; lan_interface(other, j) != NULL; j++) {
            const struct site_lan own = {.lan = lan_interface(search->edge, i), .site = search->site};
            const struct site_lan their = {.lan = lan_interface(other, j), .site = site};
            const char *ours, *theirs;
            if (site_outside_clash(&search->outside, &own, &their, &ours, &theirs)) {
                char path[96];
                (void)snprintf(path, sizeof(path), "lan_interfaces[%zu].prefixes", i);
                search->code = pt_fail(search->reterr, PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, path,
                                       "%.49s overlaps %.49s of %.200s in the same segment; prefix_maps of a NatPolicy "
                                       "can give both another outside",
                                       ours, theirs, name);
                return false;
            }
        }
    }
    return true;
}

static enum pt_code check_other_sites(struct pt_view *view, const struct pt_change *change, const char *site,
                                      struct pt_error *reterr)
{
    if (lan_interface(change->after, 0) == NULL) {
        return PT_OK;
    }
    char organization[PT_NAME_SIZE_MAX + 1];
    site_organization_of(change->name, organization);
    struct search search = {.edge = change->after, .site = site, .reterr = reterr};
    site_outside_read(view, organization, NULL, &search.outside);
    pt_view_scan(view, "edge", organization, check_other, &search);
    site_outside_fini(&search.outside);
    return search.code;
}

/* ---- against the edge's links --------------------------------------------------------------------------------- */

struct link_search {
    const struct pt_change *change;
    enum pt_code code;
    struct pt_error *reterr;
};

static bool check_link(void *arg, const char *name, const struct pt_msg *link)
{
    struct link_search *search = arg;
    for (size_t i = 0; lan_interface(search->change->after, i) != NULL; i++) {
        const char *interface = pt_msg_str(lan_interface(search->change->after, i), "interface");
        if (strcmp(pt_msg_str(link, "edge"), search->change->name) == 0 &&
            strcmp(pt_msg_str(link, "interface"), interface) == 0) {
            char path[96];
            (void)snprintf(path, sizeof(path), "lan_interfaces[%zu].interface", i);
            search->code = pt_fail(search->reterr, PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, path,
                                   "%.200s uses interface '%.15s' already", name, interface);
            return false;
        }
    }
    return true;
}

enum pt_code site_check_edge(struct pt_view *view, const struct pt_change *change, struct pt_error *reterr)
{
    if (change->after == NULL || lan_interface(change->after, 0) == NULL) {
        return PT_OK;
    }
    char site[PT_NAME_SIZE_MAX + 1];
    pt_name_parent(change->name, site);
    PT_TRY(check_within_edge(change->after, reterr));
    PT_TRY(check_segments(view, change->after, reterr));
    struct link_search search = {.change = change, .reterr = reterr};
    pt_view_scan(view, "link", site, check_link, &search);
    PT_TRY(search.code);
    return check_other_sites(view, change, site, reterr);
}
