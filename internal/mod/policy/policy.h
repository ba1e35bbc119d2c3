/*
 * The policy mod: see docs/mod/policy.md.
 */
#pragma once

#include "kind/kind.h"

extern const struct pt_mod pt_mod_policy;
