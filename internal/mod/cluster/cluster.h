/*
 * The cluster mod: see docs/mod/cluster.md.
 */
#pragma once

#include "kind/kind.h"

extern const struct pt_mod pt_mod_cluster;
