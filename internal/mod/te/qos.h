/*
 * How a link is shaped, into its entry. Private to the mod.
 */
#pragma once

#include "mod/te/topology.h"
#include "patronus/v1/agent.pb-c.h"

/* Fills rate_bps and classes when the link names a profile. */
void te_emit_qos(struct pt_plan_pass *pass, const struct te_link *link, Patronus__V1__LinkEntry *entry);
