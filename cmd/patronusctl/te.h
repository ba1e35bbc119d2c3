/*
 * patronusctl te: what its files share. `te solve` needs no cluster; the other questions go to one.
 */
#pragma once

#include "base/error.h"
#include "wire/msg.h"

/* argv[0] is "te", argv[1] "solve". Returns the exit code. */
int pt_cmd_te_solve(int argc, char **argv);

struct ctl;
/* What `te solutions -o json` has written, as a ListSolutionsResponse. */
PT_MUST enum pt_code ctl_te_read_solutions(struct ctl *ctl, const char *path, struct pt_msg **ret_solutions,
                                           struct pt_error *reterr);
/* Computes a Solution anew and says what came out. Returns the exit code. */
int ctl_te_recompute(const struct pt_msg *solution);

/* "50M" or "1500": a rate in bit/s. */
PT_MUST enum pt_code ctl_te_rate(const char *text, uint64_t *ret_bps, struct pt_error *reterr);
/* Put a word like "max-delay=20ms" into a PathConstraints; errors name the word. */
PT_MUST enum pt_code ctl_te_constraint(struct pt_arena *arena, struct pt_msg *constraints, const char *word,
                                       struct pt_error *reterr);
