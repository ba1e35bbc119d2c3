/* Change sets: what may be staged, and upon what it was. */
#pragma once

#include "kind/kind.h"

extern const struct pt_mod pt_mod_changeset;
