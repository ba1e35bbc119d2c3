/*
 * Building a lab: the namespaces of a topology and their interfaces, addresses, routes and rules. Used by lab.c alone.
 */
#pragma once

#include "base/error.h"
#include "lab/topology.h"

/* Call fn with each namespace of the lab, without its prefix ("nyc", "nyc-corp", "relay", "underlay"), until one call
 * does not return PT_OK; returns that. */
PT_MUST enum pt_code pt_lab_each_netns(const struct pt_lab_topology *topology,
                                       enum pt_code (*fn)(void *arg, const char *node, struct pt_error *reterr),
                                       void *arg, struct pt_error *reterr);
/* Make all of it. On failure what was made is left for pt_lab_down. */
PT_MUST enum pt_code pt_lab_build(const char *name, const struct pt_lab_topology *topology, struct pt_error *reterr);
