/*
 * The access mod: see docs/mod/access.md. Decisions are the kind layer's (kind/access.h); this keeps what they are made
 * from in order.
 */
#pragma once

#include "kind/kind.h"

extern const struct pt_mod pt_mod_access;
