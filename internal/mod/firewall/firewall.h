/*
 * The firewall mod: what may pass, and protection against floods. See docs/mod/firewall.md.
 */
#pragma once

#include "kind/kind.h"

extern const struct pt_mod pt_mod_firewall;

#define FIREWALL_REACH_MAX 8 /* other segments that rules of one lead to or from */
