/*
 * What edges do with packets besides steering them: translation, firewall, protection, rates. Private to the mod.
 */
#pragma once

#include "mod/te/topology.h"

struct te_edge_rules;

/* Everything that is in force, read once a pass. */
const struct te_edge_rules *te_edge_rules_new(struct pt_plan_pass *pass, const struct te_topology *topology);
/* A prefix of a site as other sites know it: replaced where a prefix map of the segment has it inside. */
void te_edge_rules_outside(const struct te_edge_rules *rules, size_t segment, size_t site, struct pt_prefix *prefix);
/* Does the firewall let a segment that the site has reach this one, or the other way round? */
bool te_edge_rules_reach(const struct te_edge_rules *rules, size_t site, size_t segment);
/* The entries of a site's node. */
void te_edge_rules_emit(const struct te_edge_rules *rules, size_t site);
