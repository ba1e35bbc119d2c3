/*
 * Stage "emit": the entries of every node. Private to the mod.
 */
#pragma once

#include "plan/plan.h"

enum pt_code te_emit_run(struct pt_plan_pass *pass, void **ret_section, struct pt_error *reterr);
