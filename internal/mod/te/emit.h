/*
 * Stage "emit": the entries of every node. Private to the mod.
 */
#pragma once

#include "plan/plan.h"

struct te_site;
struct te_topology;
struct te_path;

/* A path may be plain only if every link on it is. */
bool te_path_is_sealed(const struct te_topology *topology, const struct te_path *path);
/* Does an edge of the site have an interface in the segment? */
bool te_site_in_segment(const struct te_site *site, size_t segment);

enum pt_code te_emit_run(struct pt_plan_pass *pass, void **ret_section, struct pt_error *reterr);
