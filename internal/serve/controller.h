/*
 * A controller: the replicated state machine, its consensus member and the doors in.
 *
 *   clients --API door--> dispatch --> prepare -> propose -> apply -> verdict -> reply
 *                            |  `-- a follower forwards the whole call to the leader
 *                            `--> barrier -> read
 *   nodes --agent door--> EdgeSync sessions <-- push <-- plan (on the leader)
 *
 * Everything here runs on the loop thread but the plan, which runs on an executor over a frozen view. cmd/patronusd
 * opens one per process; the simulator opens many.
 */
#pragma once

#include "base/error.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/planted.h"
#include "kind/kind.h"
#include "raft/raft_node.h"
#include "rpc/rpc.h"
#include "sys/sys.h"

struct pt_controller;

/* What a controller has on its own disk: made by init or join (serve/setup.h). PEM texts, NUL-terminated. */
struct pt_controller_identity {
    const char *cluster_id;
    const char *name; /* "controllers/c1" */
    uint64_t raft_id;
    uint64_t epoch; /* of the cluster, as this node knows it: it talks to controllers of the same only */
    const char *cert_pem, *key_pem, *ca_pem;
    const uint8_t *seal_key; /* PT_SEAL_KEY_SIZE bytes */
};

struct pt_controller_options {
    struct pt_sys *sys;
    const struct pt_schema *schema;
    const struct pt_mod *const *mods;
    const struct pt_log *log;
    struct pt_rpc_fabric *fabric; /* NULL: gRPC */
    bool peer_plain;              /* the simulator's peer link carries no TLS */
    bool keys_unbound;     /* the simulator's certificates are made outside its world: their keys did not enroll */
    const char *directory; /* data folder: "state.db" and "raft/" stand in it */
    const char *version;   /* of the binary */
    struct pt_controller_identity identity;
    struct pt_endpoint peer_listen, api_listen, agent_listen;
    const struct pt_endpoint *http_listen;          /* NULL: no HTTP; needs a real sys. Borrowed for the call */
    const char *peer_address;                       /* as others reach the peer listener, host:port */
    uint32_t election_timeout_ms, heartbeat_ms;     /* 0: defaults of raft */
    uint64_t snapshot_threshold, snapshot_trailing; /* 0: defaults of raft */
    uint32_t log_segment_size;                      /* bytes; 0: default of raft */
    uint32_t level_max;       /* 0: the binary's; lower: as an older binary, in tests of upgrades */
    uint64_t digest_interval; /* entries between digest checks; 0: 1000 */
    enum pt_planted planted;  /* simulator only */
    /* A renewed certificate: keep it on disk. May be NULL. */
    void (*on_certificate)(void *context, const char *cert_pem, const char *ca_pem);
    void *certificate_context;
    /* GET of an https URL, on any thread: keys of identity providers. NULL: tokens of theirs are refused. */
    enum pt_code (*fetch)(void *context, const char *url, struct pt_buf *ret_body, struct pt_error *reterr);
    /* The operator's next seal key, when there is one; and it was put in the place of the old one. May be NULL. Of the
     * same context. */
    bool (*next_seal_key)(void *context, uint8_t ret_key[PT_SEAL_KEY_SIZE]);
    void (*seal_key_replaced)(void *context, const uint8_t key[PT_SEAL_KEY_SIZE]);
    /* The node has stopped (disk error, broken invariant): log it and exit. */
    void (*on_fatal)(void *context, const struct pt_error *error);
    void *fatal_context;
};

PT_MUST enum pt_code pt_controller_open(const struct pt_controller_options *options,
                                        struct pt_controller **ret_controller, struct pt_error *reterr);
/* Hand leadership over when this node leads, close the doors (grace_ms for calls under way), stop; then done. */
void pt_controller_close(struct pt_controller *controller, uint64_t grace_ms, pt_task_fn done, void *arg);
void pt_controller_abandon(struct pt_controller *controller); /* after a simulated crash */

/* New certificate: the doors and the peer link use it for new connections. */
PT_MUST enum pt_code pt_controller_set_certificate(struct pt_controller *controller, const char *cert_pem,
                                                   const char *ca_pem, struct pt_error *reterr);

/* For cmd/, tests and the simulator's checkers. */
struct pt_machine_kind *pt_controller_machine(struct pt_controller *controller);
struct pt_raft *pt_controller_raft(struct pt_controller *controller);
uint16_t pt_controller_api_port(const struct pt_controller *controller);
uint16_t pt_controller_agent_port(const struct pt_controller *controller);
uint16_t pt_controller_http_port(const struct pt_controller *controller); /* 0: there is none */
