/*
 * Solutions of traffic engineering that a leader gives in parts.
 */
#pragma once

#include "wire/msg.h"

/* Append the links and pairs of a part to those of the parts before it. The part's messages are borrowed. */
void pt_cli_solution_join(struct pt_msg *whole, const struct pt_msg *part, struct pt_arena *arena);
