/*
 * Questions about a pass: what if, why this path, what is the matrix. Pure; they read a finished pass and answer with
 * messages in an arena, so that serve/ can have them answered by a worker.
 */
#pragma once

#include "mod/te/changes.h"
#include "mod/te/te.h"
#include "patronus/v1/te.pb-c.h"

/* Read a WhatIfRequest. PT_NOT_FOUND or PT_INVALID_ARGUMENT naming the field. What is not below the request's parent
 * does not exist. */
PT_MUST enum pt_code te_changes_read(const struct pt_plan_pass *pass, const struct pt_msg *request,
                                     struct pt_arena *arena, struct te_changes **ret_changes, struct pt_error *reterr);

/* Run the stages again with the changes and compare. `pass` is only read; the answer speaks of the organization's own
 * links and traffic alone. */
PT_MUST enum pt_code te_what_if(const struct pt_plan_pass *pass, const struct te_changes *changes,
                                const char *organization, struct pt_arena *arena,
                                Patronus__V1__WhatIfResponse **ret_response, struct pt_error *reterr);

/* Would draining `name` (a site or a link) leave something full, cut off, or still on it? PT_FAILED_PRECONDITION says
 * what; the response is there in any case. */
PT_MUST enum pt_code te_drain_check(const struct pt_plan_pass *pass, const char *name, struct pt_arena *arena,
                                    Patronus__V1__WhatIfResponse **ret_response, struct pt_error *reterr);

/* constraints: a PathConstraints; NULL or without fields: the paths in force. */
PT_MUST enum pt_code te_explain(const struct pt_plan_pass *pass, const char *source, const char *destination,
                                const struct pt_msg *constraints, struct pt_arena *arena,
                                Patronus__V1__ExplainDemandResponse **ret_response, struct pt_error *reterr);

/* The pass's solution as a message; summary: without links and pairs. NULL when the pass has none. */
Patronus__V1__Solution *te_solution_message(const struct pt_plan_pass *pass, bool summary, struct pt_arena *arena);
/* Of an unpacked solution (on the heap): leave what is of this organization; and leave links and pairs out. */
void te_solution_part(Patronus__V1__Solution *solution, const char *organization);
void te_solution_summary(Patronus__V1__Solution *solution);
/* Compute a solution anew from its message alone: true when each weight is the one that it says, and so are the
 * utilisation, the bound and the gap that it claims. PT_INVALID_ARGUMENT naming what is missing or makes no sense. */
PT_MUST enum pt_code te_solution_recompute(const Patronus__V1__Solution *solution, bool *ret_equal,
                                           struct pt_error *reterr);
