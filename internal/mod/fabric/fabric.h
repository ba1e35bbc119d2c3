/*
 * The fabric mod: see docs/mod/fabric.md.
 */
#pragma once

#include "kind/kind.h"

extern const struct pt_mod pt_mod_fabric;
