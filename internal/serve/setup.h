/*
 * Founding a cluster, and the names under which its own values stand in the replicated state.
 *
 * `patronusd init` makes everything on the first controller's disk: CA, seal key, bundle key, the node's files, a log
 * with one voter, and the founding commands. The first leader puts those through the log when the state is still empty,
 * so that founding survives a crash at any point. The CA key leaves init only sealed.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "sys/sys.h"

#define PT_META_CLUSTER_ID "cluster.id"
#define PT_META_CA_CERT "ca.cert"
#define PT_META_CA_KEY "ca.key.sealed"
#define PT_META_BUNDLE_KEY "bundle.key.sealed"
#define PT_META_BUNDLE_PUBLIC "bundle.public"

#define FIRST_RAFT_ID 1 /* of the controller that a cluster begins with; never given to another */

struct pt_found_options {
    const char *directory;                                  /* data folder; made when missing */
    const char *seal_key_path;                              /* outside the data folder */
    const char *id;                                         /* of the first controller: "c1" */
    const char *region;                                     /* may be "" */
    const char *peer_listen, *api_listen, *agent_listen;    /* host:port to bind */
    const char *peer_address, *api_address, *agent_address; /* host:port that others use */
};

/* On success `ret_admin_pem` holds the admin credential: certificate, key and CA, one PEM file. Show it once.
 * PT_ALREADY_EXISTS when the folder holds a node; nothing is changed then. */
PT_MUST enum pt_code pt_found_cluster(struct pt_sys *sys, const struct pt_found_options *options,
                                      struct pt_buf *ret_admin_pem, struct pt_error *reterr);
