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
