/*
 * Steps in the life of a change set, for the verbs that make one: apply, tf.
 */
#pragma once

#include "ctl.h"

/* Stage `changes` (of StagedChange; NULL: none yet) under this name, which nothing has so far. */
PT_MUST enum pt_code ctl_change_set_put(struct ctl *ctl, const char *name, const struct pt_msg_field *changes,
                                        struct pt_msg **ret_change_set, struct pt_error *reterr);
PT_MUST enum pt_code ctl_change_set_get(struct ctl *ctl, const char *name, struct pt_msg **ret_change_set,
                                        struct pt_error *reterr);
/* Put in force what was read; with --confirm, for the time being. */
PT_MUST enum pt_code ctl_change_set_apply(struct ctl *ctl, const struct pt_msg *change_set,
                                          struct pt_msg **ret_change_set, struct pt_error *reterr);
/* One that was refused is of no use to anybody: delete it, or say that it stays. */
void ctl_change_set_drop(struct ctl *ctl, const char *name);
/* Was a refused step refused, so that nothing has changed? Otherwise nobody knows. */
bool ctl_change_set_refused(const struct pt_error *error);
/* A line for each change: "created NAME". ret_counts[CHANGE_CREATE, ...] of each action. */
void ctl_change_set_print(const struct pt_msg *change_set, size_t ret_counts[4]);
/* "created" and so on, of a ChangeAction. */
const char *ctl_change_word(int64_t action);
/* With --confirm: until when it waits, and what keeps it. */
void ctl_change_set_print_wait(const struct ctl *ctl, const struct pt_msg *change_set);
