/*
 * apply as one change set: staged, planned, applied in one step.
 */
#pragma once

#include "ctl.h"

#include "cli/document.h"

/* Do the flags ask for it (--confirm, --together)? */
bool ctl_apply_must_be_together(const struct ctl *ctl);
/* The same; or is it a dry run of what one change set could hold? */
bool ctl_apply_is_together(const struct ctl *ctl, const struct pt_cli_documents *documents);
/* The exit code. `order` as pt_cli_documents_order gives it. */
int ctl_apply_together(struct ctl *ctl, struct pt_cli_documents *documents, const size_t *order);

/* ---- verb_apply.c: one document ---- */

/* The resource as it is; NULL when there is none. */
PT_MUST enum pt_code ctl_document_current(struct ctl *ctl, const struct pt_cli_document *document,
                                          struct pt_arena *arena, struct pt_msg **ret_current, struct pt_error *reterr);
/* Has every field that the document names that value already? */
bool ctl_document_is(const struct pt_cli_document *document, const struct pt_msg *current, struct pt_arena *arena);
