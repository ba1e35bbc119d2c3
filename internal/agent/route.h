/*
 * Which link leads to a controller: host routes and rules by netlink. The real struct pt_agent_routes.
 */
#pragma once

#include "agent/agent.h"

/* context of use_link and hold_link: a const struct pt_log. */
void pt_route_use_link(void *context, const struct pt_ip *controller, const char *interface, const struct pt_ip *source,
                       const struct pt_ip *gateway);
bool pt_route_hold_link(void *context, const struct pt_ip *controller, const char *interface,
                        const struct pt_ip *source, const struct pt_ip *gateway);
/* Asks the kernel's tables; nothing is sent. */
bool pt_route_source_to(void *context, const struct pt_ip *controller, struct pt_ip *ret_source);
