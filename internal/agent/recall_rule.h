/*
 * Which rule a number means: one of steering or of the firewall, by the bundle of that time. Numbers of the two do not
 * overlap (internal/mod/te/edge_rules.c).
 */
#pragma once

#include "plan/plan.h"

struct pt_recall_rule {
    const char *origin; /* policy and place; the bundle's; "": not known */
    uint64_t revision;  /* of the policy; 0: not said */
};

/* bundle may be NULL. rule_id 0: none matched. */
struct pt_recall_rule pt_recall_rule_of(const struct pt_bundle *bundle, uint32_t vni, uint32_t rule_id);
