/*
 * The tenancy mod: see docs/mod/tenancy.md.
 */
#pragma once

#include "kind/kind.h"

extern const struct pt_mod pt_mod_tenancy;
