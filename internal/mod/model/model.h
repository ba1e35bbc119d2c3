/*
 * The model mod: see docs/mod/model.md.
 */
#pragma once

#include "kind/kind.h"

extern const struct pt_mod pt_mod_model;
