/*
 * The lab: a whole WAN on one machine, in network namespaces, for users and for tests.
 *
 *   host of a LAN --veth-- site --veth-- relay --veth-- underlay (a router: every provider at once) -- ... -- others
 *
 * A lab has a name. Its namespaces are <name>-<node>, <name>-<node>-<segment> (LAN hosts), <name>-relay and
 * <name>-underlay; everything else is below /run/patronus/lab/<name>. Labs of different names do not touch. Root is
 * required. One thread; up and down of all labs exclude each other by a lock.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "lab/topology.h"

#include <stdbool.h>
#include <sys/types.h>

#define PT_LAB_DIRECTORY "/run/patronus/lab"
/* [a-z][a-z0-9]{0,11}: no '-', so that no lab's name is the beginning of another's namespaces. */
#define PT_LAB_NAME_SIZE 13U
#define PT_LAB_PATH_SIZE 256U

struct pt_lab_up_options {
    const char *name;
    const char *source; /* where the text is from, for errors */
    const char *text;   /* of a lab file */
    size_t text_size;
    bool limit;          /* enforce the declared capacities: rate=capacity where no rate is set */
    uint64_t seed;       /* of the relay */
    const char *program; /* starts the relay: <program> lab relay --name NAME --seed N [--limit] */
};

PT_MUST enum pt_code pt_lab_check_name(const char *name, struct pt_error *reterr);
/* PT_PERMISSION_DENIED with what to do, unless root. */
PT_MUST enum pt_code pt_lab_check_root(struct pt_error *reterr);

/* Make everything and start the relay. On failure nothing is left. PT_ALREADY_EXISTS when the lab is up. */
PT_MUST enum pt_code pt_lab_up(const struct pt_lab_up_options *options, struct pt_error *reterr);
/* End every process in the lab's namespaces and remove everything. Fine when there is little or nothing.
 * *ret_found (may be NULL) says whether there was anything. */
PT_MUST enum pt_code pt_lab_down(const char *name, bool *ret_found, struct pt_error *reterr);

/* The topology of a lab that is up. PT_NOT_FOUND when it is not. The caller calls pt_lab_topology_fini. */
PT_MUST enum pt_code pt_lab_open(const char *name, struct pt_lab_topology *ret_topology, struct pt_error *reterr);
/* Set rate=capacity on links that declare one and have no rate. */
void pt_lab_limit(struct pt_lab_topology *topology);

/* "/run/patronus/lab/<name>/<file>". Returns path. */
char *pt_lab_path(const char *name, const char *file, char path[PT_LAB_PATH_SIZE]);
/* "<name>-<node>". Returns text; PT_NETNS_NAME_SIZE bytes. */
char *pt_lab_netns(const char *name, const char *node, char *text);

/* Start argv in a node's namespace as a daemon called `daemon` (NULL: the last part of argv[0]). */
PT_MUST enum pt_code pt_lab_start(const char *name, const char *node, const char *daemon, const char *const *argv,
                                  pid_t *ret_pid, struct pt_error *reterr);
/* End the daemon, or every one of the node when NULL; those that ended by themselves are forgotten. *ret_len daemons
 * were running. PT_NOT_FOUND when a daemon that was named does not run. */
PT_MUST enum pt_code pt_lab_stop(const char *name, const char *node, const char *daemon, bool kill_at_once,
                                 size_t *ret_len, struct pt_error *reterr);

/* Nodes, links with addresses, gateways and underlays, LANs with prefixes and segments, as JSON. */
void pt_lab_export(const char *name, const struct pt_lab_topology *topology, struct pt_buf *json);
