/*
 * apply --owner ID --prune: whatever an owner applied carries the label applied-by=ID; what carries it and is in the
 * files no more is deleted.
 */
#pragma once

#include "cli/document.h"
#include "ctl.h"

struct ctl_prune {
    struct pt_cli_documents documents; /* what is to go, as if declared, for its order */
};

/* Put the owner's label on each document; nothing without --owner. */
PT_MUST enum pt_code ctl_owner_label(struct ctl *ctl, struct pt_cli_documents *documents, struct pt_error *reterr);
/* PT_FAILED_PRECONDITION when another owner applied the resource. `current` may be NULL. */
PT_MUST enum pt_code ctl_owner_check(const struct ctl *ctl, const struct pt_msg *current, struct pt_error *reterr);

PT_MUST enum pt_code ctl_prune_find(struct ctl *ctl, const struct pt_cli_documents *declared, struct ctl_prune *prune,
                                    struct pt_error *reterr);
/* Show it and ask on the terminal, unless --yes or a dry run; an exit code: PT_CLI_EXIT_OK is a yes. */
int ctl_prune_confirm(struct ctl *ctl, const struct ctl_prune *prune);
/* What is below or refers to others first. */
int ctl_prune_delete(struct ctl *ctl, struct ctl_prune *prune);
