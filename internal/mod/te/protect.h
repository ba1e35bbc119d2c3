/*
 * Protection of pairs: for each single failure a path that avoids it, put into the node's groups beforehand, so that
 * the node takes it alone when hellos stay unanswered. Private to the mod.
 */
#pragma once

#include "mod/te/route.h"
#include "patronus/v1/te.pb-c.h"

/* For each destination from a site that is `wanted` (by site): a path for every single failure (of a link, a transit
 * site, a shared-risk group) that the paths found so far share, where the fabric has one and the pair has room. Notes
 * in `searched`, by site, what was found and not taken. */
void te_protect_source(struct te_search *search, size_t from, const bool *wanted, struct te_routing *routing,
                       struct te_searched *searched);

/* Failures that hit every path of tier 0: those that a waiting path survives are counted, those that nothing in the
 * fabric survives are named. */
void te_protect_explain(const struct te_topology *topology, const struct te_pair *pair,
                        Patronus__V1__ExplainDemandResponse *response, struct pt_arena *arena);
