/*
 * Is a rule in its time? By the wall clock of the node; pure.
 */
#pragma once

#include "patronus/v1/agent.pb-c.h"

#include <stdbool.h>
#include <stdint.h>

/* A rule without windows always is. *due_s falls to the moment, if that is earlier, at which the answer changes: the
 * begin or end of a window. Windows with values out of range never match. */
bool pt_plan_rule_in_time(const Patronus__V1__RuleEntry *rule, int64_t wall_s, int64_t *due_s);
