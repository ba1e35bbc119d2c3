/*
 * The site mod: sites, edges, links. See docs/mod/site.md.
 */
#pragma once

#include "base/net.h"
#include "kind/kind.h"

extern const struct pt_mod pt_mod_site;

/* The kinds' rules; used in site.c only. */
enum pt_code site_check_edge(struct pt_view *view, const struct pt_change *change, struct pt_error *reterr);
enum pt_code site_check_link(struct pt_view *view, const struct pt_change *change, struct pt_error *reterr);

/* True when the prefixes share an address. */
bool site_prefixes_overlap(const struct pt_prefix *a, const struct pt_prefix *b);
/* True when the segment names no prefixes or the prefix lies within one of them. */
bool site_prefix_allowed(const struct pt_prefix *prefix, const struct pt_msg *segment);
/* Name of the organization that a resource belongs to, in `organization` (PT_NAME_SIZE_MAX + 1 bytes). */
void site_organization_of(const char *name, char organization[]);

/* ---- outside.c: prefixes that a NatPolicy maps one to one ------------------------------------------------------ */

/* A prefix of a site as other sites know it, by the policy that applies there (NULL: by none). */
void site_prefix_outside(const struct pt_msg *policy, const char *site, struct pt_prefix *prefix);

/* NatPolicies of an organization that are in force. */
struct site_outside_policy {
    const char *name;
    const struct pt_msg *msg;
};
struct site_outside {
    struct site_outside_policy *policies;
    size_t len, capacity;
    bool any;           /* one of them maps prefixes */
    const char *except; /* while reading: the one that is being changed */
};
/* `change`, of a NatPolicy, as if it were done; NULL: none. */
void site_outside_read(struct pt_view *view, const char *organization, const struct pt_change *change,
                       struct site_outside *ret_outside);
void site_outside_fini(struct site_outside *outside);
/* An interface of an edge (its message), and its site's name. */
struct site_lan {
    const struct pt_msg *lan;
    const char *site;
};
/* Do prefixes of two sites' interfaces meet where they must not? Then which, as they were written. */
bool site_outside_clash(const struct site_outside *outside, const struct site_lan *a, const struct site_lan *b,
                        const char **ret_a, const char **ret_b);
/* Would a change of a NatPolicy make prefixes of two sites meet? */
enum pt_code site_check_outsides(struct pt_view *view, const struct pt_change *change, struct pt_error *reterr);
