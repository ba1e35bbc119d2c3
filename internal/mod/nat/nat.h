/*
 * The nat mod: see docs/mod/nat.md.
 */
#pragma once

#include "kind/kind.h"

extern const struct pt_mod pt_mod_nat;
