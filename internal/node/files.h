/*
 * A node's own files: what makes it this node of this cluster after a restart.
 *
 *   <data>/identity     text, "key=value" lines: cluster_id, role, node_id, raft_id, addresses
 *   <data>/key.pem      private key, made on this node, never leaves it
 *   <data>/cert.pem     leaf certificate; replaced on renewal
 *   <data>/ca.pem       CA certificates that are trusted
 *   <data>/bundle.pub   Ed25519 public key of bundles, 32 bytes
 *   <data>/founding     on the first controller only: the commands that make the cluster's state
 *   <data>/lock         held while the node runs
 *   seal key            a file of its own, outside the data folder, 32 bytes; controllers only
 *
 * Every file is written atomically with mode 0600.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "crypto/identity.h"
#include "sys/sys.h"

#define PT_NODE_ADDRESSES_MAX 16

struct pt_node_files {
    char cluster_id[64];
    char role[PT_ROLE_SIZE_MAX];      /* "controller" or "edge" */
    char node_id[PT_SPIFFE_SIZE_MAX]; /* "controller/c1", "edge/organizations/..." */
    uint64_t raft_id;                 /* 0 for an edge */
    uint64_t epoch; /* restores in the cluster's life: controllers of different epochs are different groups */
    /* Controllers: where to listen and how others reach it. */
    char peer_listen[80], api_listen[80], agent_listen[80];
    char peer_address[80];
    /* Edges: agent addresses of controllers, newest list; API addresses for renewal. */
    char agent_addresses[PT_NODE_ADDRESSES_MAX][80];
    size_t agent_addresses_len;
    char api_addresses[PT_NODE_ADDRESSES_MAX][80];
    size_t api_addresses_len;
    struct pt_buf key_pem, cert_pem, ca_pem; /* NUL-terminated */
    uint8_t bundle_key[PT_SIGN_PUBLIC_SIZE];
};

/* PT_NOT_FOUND when the folder holds no node (say `patronusd init` or `join` first); PT_INVALID_ARGUMENT with file and
 * line when a file is damaged. */
PT_MUST enum pt_code pt_node_load(struct pt_sys *sys, const char *directory, struct pt_node_files *ret_files,
                                  struct pt_error *reterr);
/* Make the folder when missing and write every file; the identity last, so that a half-written folder is no node.
 * PT_ALREADY_EXISTS when the folder already holds a node. */
PT_MUST enum pt_code pt_node_create(struct pt_sys *sys, const char *directory, const struct pt_node_files *files,
                                    struct pt_error *reterr);
PT_MUST enum pt_code pt_node_save_identity(struct pt_sys *sys, const char *directory, const struct pt_node_files *files,
                                           struct pt_error *reterr);
PT_MUST enum pt_code pt_node_save_certificate(struct pt_sys *sys, const char *directory, const char *cert_pem,
                                              const char *ca_pem, struct pt_error *reterr);
void pt_node_files_fini(struct pt_node_files *files); /* clears the key */

/* One process per folder: PT_FAILED_PRECONDITION when another one runs on it. */
PT_MUST enum pt_code pt_node_lock(struct pt_sys *sys, const char *directory, struct pt_file **ret_lock,
                                  struct pt_error *reterr);

/* The seal key (seal_key.c). `path` is a file of 32 bytes, "env:NAME", a variable with 64 hexadecimal digits, or
 * "cmd:COMMAND", a command for the shell that prints either. What is not a file is kept by somebody else: create then
 * only checks that it holds this key. It refuses to replace a file with another key. */
bool pt_node_seal_key_is_file(const char *path);
PT_MUST enum pt_code pt_node_seal_key_load(struct pt_sys *sys, const char *path, uint8_t ret_key[PT_SEAL_KEY_SIZE],
                                           struct pt_error *reterr);
PT_MUST enum pt_code pt_node_seal_key_create(struct pt_sys *sys, const char *path, const uint8_t key[PT_SEAL_KEY_SIZE],
                                             struct pt_error *reterr);
