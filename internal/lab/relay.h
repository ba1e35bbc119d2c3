/*
 * The relay: one process that carries every frame of every link of a lab, and does to them what the parameters say.
 *
 * It runs in a namespace of its own, between the interfaces n<i> (towards the node) and u<i> (towards the underlay's
 * router) of link i. It is controlled through a UNIX socket (relay_control.h).
 */
#pragma once

#include "base/error.h"
#include "lab/topology.h"

#include <stdbool.h>

struct pt_relay_options {
    const struct pt_lab_topology *topology; /* borrowed for the run */
    const char *socket_path;                /* for control; made, and removed at the end */
    uint64_t seed;                          /* of loss and jitter; equal seeds and frames give equal drops */
    int ready_fd;                           /* "ready\n" is written here and it is closed; -1 for none */
};

/* Run in the namespace of the caller until SIGTERM or SIGINT. */
PT_MUST enum pt_code pt_relay_run(const struct pt_relay_options *options, struct pt_error *reterr);
