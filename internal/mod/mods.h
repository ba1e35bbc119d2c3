/*
 * The list of mods: one folder here is one subsystem's meaning. A new one is one line in mods.def.
 */
#pragma once

#include "kind/kind.h"

/* Every mod, NULL-terminated, in order of need. */
const struct pt_mod *const *pt_mods(void);
