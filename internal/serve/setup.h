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
#define PT_META_DIGESTS_KEY "keys.digest.sealed" /* of API keys' HMACs; absent: derived from the seal key */

#define FIRST_RAFT_ID 1 /* of the controller that a cluster begins with; never given to another */

/* How consensus calls the group of controllers: the cluster's id, and the epoch once there is one, so that who was left
 * behind by a restore cannot join in. */
#define PT_SERVE_GROUP_SIZE 96
void pt_serve_group(const char *cluster_id, uint64_t epoch, char ret_group[PT_SERVE_GROUP_SIZE]);
/* Where its log stands in the data folder: "raft", later "raft.EPOCH". A new epoch takes over by its number in the
 * node's identity, which is one write; the log of before stays where it was. */
void pt_serve_log_folder(const char *directory, uint64_t epoch, char ret_path[1024]);

#define PT_SERVE_LEAF_NS (3600LL * 1000000000LL)             /* lifetime of a node's certificate */
#define PT_SERVE_ADMIN_NS (365LL * 24 * 3600 * 1000000000LL) /* of the admin credential that init makes */

/* A certificate made where the CA's key lies open: at founding and at a restore. *ret_key is used when it holds a key,
 * else it gets a new one. */
struct pt_serve_leaf {
    const char *cluster_id, *ca_key, *ca_cert;
    const char *path; /* "controller/c1" */
    int64_t lifetime_ns;
    const char *addresses[3]; /* host:port, of one that serves */
    bool serves;
};
PT_MUST enum pt_code pt_serve_leaf_new(struct pt_sys *sys, const struct pt_serve_leaf *leaf, struct pt_buf *ret_key,
                                       struct pt_buf *ret_cert, struct pt_error *reterr);

struct pt_found_options {
    uint32_t level;                                      /* of the cluster; 0: the highest that this binary supports */
    const char *directory;                               /* data folder; made when missing */
    const char *seal_key_path;                           /* outside the data folder; or env:, cmd: */
    const char *id;                                      /* of the first controller: "c1" */
    const char *region;                                  /* may be "" */
    const char *peer_listen, *api_listen, *agent_listen; /* host:port to bind */
    const char *peer_address, *api_address, *agent_address; /* host:port that others use */
};

/* On success `ret_admin_pem` holds the admin credential: certificate, key and CA, one PEM file. Show it once.
 * PT_ALREADY_EXISTS when the folder holds a node; nothing is changed then. */
PT_MUST enum pt_code pt_found_cluster(struct pt_sys *sys, const struct pt_found_options *options,
                                      struct pt_buf *ret_admin_pem, struct pt_error *reterr);

/* ---- beginning anew from what is left (reseed.c) ------------------------------------------------------------------
 *
 * Both make a data folder whose node is the only controller, under the same identity (cluster id, CA: certificates of
 * edges and admins stay good) and the next epoch: the controllers of before are not members any more, their logs and
 * streams do not fit, and bundles of the new leader stand above all of theirs. Enrollment tokens are dropped, for the
 * state may not know that they were used. */

struct pt_schema;
struct pt_mod;

struct pt_reseed_report {
    char cluster_id[64];
    char controller[80]; /* "controllers/c1" */
    uint64_t epoch;
    uint64_t revision; /* of the state that the new epoch begins with */
    size_t controllers_removed, tokens_removed;
    size_t voters_before;                /* in the state, this one included */
    uint64_t applied_before, last_index; /* recover: what the state had applied; the end of the log */
    uint64_t entries_replayed;           /* recover: of the log, committed or not */
};

struct pt_restore_options {
    const struct pt_schema *schema;
    const struct pt_mod *const *mods;
    const struct pt_log *log;
    const char *file;             /* the backup */
    struct pt_found_options node; /* id "": that of the controller in the backup */
};
/* PT_ALREADY_EXISTS when the folder is not empty; PT_CORRUPT with the place when the backup is damaged;
 * PT_FAILED_PRECONDITION when the seal key is not that of the cluster. What was made is removed after a failure.
 * `ret_admin_pem` as in pt_found_cluster. */
PT_MUST enum pt_code pt_restore_cluster(struct pt_sys *sys, const struct pt_restore_options *options,
                                        struct pt_reseed_report *ret_report, struct pt_buf *ret_admin_pem,
                                        struct pt_error *reterr);

struct pt_recover_options {
    const struct pt_schema *schema;
    const struct pt_mod *const *mods;
    const struct pt_log *log;
    const char *directory;
    const char *seal_key_path;
};
/* Of a node that ran before and is stopped. Its log of before stays, its state of before is kept: "recover.state". */
PT_MUST enum pt_code pt_recover_cluster(struct pt_sys *sys, const struct pt_recover_options *options,
                                        struct pt_reseed_report *ret_report, struct pt_error *reterr);
