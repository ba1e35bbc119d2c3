/*
 * Whole nodes in one process: what the files of tests/sim share. docs/simulation.md is the manual.
 *
 *   world --> controllers[]  real struct pt_controller, on a host each
 *         --> edges[]        real struct pt_agent, on a host each
 *         --> clients        on one host that never dies: writes and reads, watches, tenants, the operator
 *         --> model          what clients know, and the checks of it
 *
 * Everything runs on one thread and follows from the seed. A callback only takes notes where a node would have to be
 * killed: the driver acts on them between two steps of the world.
 */
#pragma once

#include "agent/agent.h"
#include "base/arena.h"
#include "base/planted.h"
#include "rpc/rpc_sim.h"
#include "serve/controller.h"
#include "sys/sys_sim.h"

#define CONTROLLERS_MAX 5
#define EDGES_MAX 3
#define CLIENTS_MAX 24
#define WATCHERS_MAX 3
#define HOSTS_MAX (CONTROLLERS_MAX + EDGES_MAX + 1)
#define KEYS_MAX 48
#define TRACE_LEN 60
#define LINE_SIZE 240
#define API_PORT 7443
#define AGENT_PORT 7444
#define PEER_PORT 7445
#define CLUSTER_ID "c-simulated"
#define ORG "organizations/sim"
#define TENANT "organizations/tenant"
#define TENANT_SITES_MAX 4U                /* its quota */
#define CHANGED "organizations/changed"    /* whose sites change by ChangeSets */
#define MOVE_PARENT "organizations/parent" /* 1 and 2: a quota of three sites each */
#define MOVER "organizations/mover"        /* 0 and 1: two sites each */
#define KIND_SITE 2
#define MS 1000000ULL
#define SECOND 1000000000ULL

struct world;

/* ---- credentials: made once in a process; nothing in the simulated world depends on their bytes --------------- */

struct leaf {
    struct pt_buf key, cert;
};

struct certs {
    struct pt_buf ca_key, ca;
    struct leaf controllers[CONTROLLERS_MAX], edges[EDGES_MAX], admin;
};

void certs_init(struct certs *certs);
void certs_fini(struct certs *certs);

/* ---- hosts ---------------------------------------------------------------------------------------------------- */

enum host_state {
    HOST_UNUSED,   /* no node: never made, or removed from the cluster */
    HOST_DOWN,     /* the process is gone, its disk is there; restarted at restart_ns */
    HOST_UP,       /* runs */
    HOST_STOPPING, /* closes in order */
    HOST_BROKEN    /* refused to start on damaged data: the operator replaces it */
};

struct controller_host {
    struct world *world;
    unsigned host, number; /* "controllers/c<number>" */
    enum host_state state;
    uint64_t raft_id;
    unsigned folder; /* "/d<folder>": a node that is made anew gets a new one */
    struct pt_controller *controller;
    struct pt_log log;
    char name[8];
    uint64_t restart_ns; /* UINT64_MAX: not by itself */
    uint64_t slow_until_ns, faulty_until_ns;
    uint64_t stop_by_ns; /* an orderly close must be done by then */
    bool stopped;        /* and it is done */
    bool fatal;          /* it stopped itself */
    bool disk_failing;   /* errors are injected: it may stop itself */
    bool damaged;        /* bits were flipped in its files */
    uint64_t damaged_ns;
    char flipped_path[80]; /* the newest bit that was flipped; empty: none */
    uint64_t flipped_bit;
    bool flipped_to;
    struct pt_error error;
    uint64_t seen_applied, seen_status_applied, seen_term; /* by the checker */
    bool seen_leading;
};

struct edge_host {
    struct world *world;
    unsigned host, number;
    enum host_state state;
    struct pt_agent *agent;
    struct pt_dp *dp; /* outlives the process, not the power */
    struct pt_node_files files;
    struct pt_log log;
    char name[8];
    uint64_t restart_ns, faulty_until_ns;
    unsigned first_address;           /* index of the controller that it asks first */
    struct pt_agent_position highest; /* in force so far */
    bool has_position;
};

/* ---- the model ------------------------------------------------------------------------------------------------ */

enum outcome { PENDING, ACKED, REFUSED, UNKNOWN };

struct write { /* its value is its index */
    unsigned key;
    bool deletes;
    enum outcome outcome;
    uint64_t revision; /* 0: not known to have been carried out */
};

struct key_floor { /* the newest change of a key that somebody was told of */
    uint64_t revision;
    bool absent; /* it was a delete */
};

struct key {
    struct key_floor floor;
    uint64_t delete_revision_max;
    unsigned deletes_open; /* deletes with an outcome that is not known (yet) */
};

struct index_mark { /* the state at an applied index, as the first node had it */
    struct pt_digest digest, log_hash;
    unsigned node; /* its number; 0: not seen */
};

struct model {
    unsigned keys_len;
    struct key keys[KEYS_MAX];
    struct write *writes;
    size_t writes_len, writes_capacity;
    uint64_t *writers; /* by revision: write + 1 */
    size_t writers_len;
    uint64_t revision_max;    /* newest revision that somebody was told of */
    struct index_mark *marks; /* by applied index */
    size_t marks_len;
    uint64_t *leaders; /* by term: raft id */
    size_t leaders_len;
};

/* ---- the world ------------------------------------------------------------------------------------------------ */

struct options {
    uint64_t seed;
    uint64_t seconds; /* virtual, before the healing */
    bool verbose;
    enum pt_planted planted;
    bool dump_violation; /* print it, not only count it */
    bool rot;            /* instead of a life under faults: see rot.c */
};

struct result {
    uint64_t ops, faults, violations, trace_hash, virtual_ms, events;
};

/* What this seed does: each seed turns some faults off, so that rare combinations come up undiluted. */
enum fault {
    FAULT_KILL,
    FAULT_POWER,
    FAULT_POWER_ALL,
    FAULT_STOP,
    FAULT_HALVES,
    FAULT_ONE_WAY,
    FAULT_ISOLATE_LEADER,
    FAULT_CLIENT_CUT,
    FAULT_PAUSE,
    FAULT_PAUSE_LEADER,
    FAULT_SLOW_DISK,
    FAULT_DISK_IO,
    FAULT_DISK_FULL,
    FAULT_FLIP,
    FAULT_MEMBERS,
    FAULT_TRANSFER,
    FAULT_CLOCK,
    FAULT_FORK,
    FAULT_STALE_LEADER,
    FAULT_EDGE_KILL,
    FAULT_EDGE_POWER,
    FAULT_EDGE_PAUSE,
    FAULT_EDGE_CUT,
    FAULT_EDGE_DISK,
    FAULTS_LEN
};

struct client;
struct watcher;
struct operator;
struct tenants;
struct changer;
struct movers;

struct world {
    const struct options *options;
    const struct certs *certs;
    const struct pt_schema *schema;
    struct pt_sim *sim;
    struct pt_rpc_world *net;
    struct controller_host controllers[CONTROLLERS_MAX];
    struct edge_host edges[EDGES_MAX];
    unsigned edges_len;
    unsigned client_host;
    struct pt_log client_log;
    uint64_t raft_id_next;

    struct pt_rpc_channel *channels[CONTROLLERS_MAX]; /* of all clients */
    struct client *clients;
    size_t clients_len;
    struct watcher *watchers;
    size_t watchers_len;
    struct operator* operator;
    struct tenants *tenants;
    struct changer *changer;
    struct movers *movers;
    bool winding_down; /* no new operations */

    struct model model;

    uint8_t seal_key[PT_SEAL_KEY_SIZE], bundle_seed[PT_SIGN_PRIVATE_SIZE], bundle_public[PT_SIGN_PUBLIC_SIZE];
    unsigned fault_weights[FAULTS_LEN];
    uint64_t fault_gap_ns;
    uint64_t heal_ns; /* when the cuts end; 0: nothing is cut */
    uint64_t next_fault_ns;
    uint64_t blackout_ns; /* the power goes then, everywhere */
    unsigned fork_phase;  /* see nemesis.c; 0: none */
    struct controller_host *fork_first, *fork_second;
    uint64_t fork_ns;
    struct controller_host *stale; /* sleeps; edges are to find it when it wakes */
    uint64_t stale_wake_ns;
    bool cuts[HOSTS_MAX][HOSTS_MAX]; /* [from][to] */
    uint64_t ops, faults, violations, reads, events;
    bool attention; /* some node stopped itself, or is done stopping */

    char trace[TRACE_LEN][LINE_SIZE]; /* the last lines, for a violation */
    size_t trace_len;
};

#define PT_SIM_PRINTF __attribute__((format(printf, 2, 3)))
/* A line for the story of a run. */
PT_SIM_PRINTF void tell(struct world *world, const char *format, ...);
/* A broken promise: the run ends. */
PT_SIM_PRINTF void violate(struct world *world, const char *format, ...);
uint64_t now_ns(const struct world *world);
uint64_t draw(struct world *world, uint64_t bound);
bool chance(struct world *world, unsigned percent);

/* nodes.c */
void world_init(struct world *world, const struct options *options, const struct certs *certs,
                const struct pt_schema *schema);
void world_fini(struct world *world);
void controller_start(struct controller_host *node);
void controller_crash(struct controller_host *node, bool power_loss);
void controller_stop(struct controller_host *node);
void edge_start(struct edge_host *edge);
void edge_crash(struct edge_host *edge, bool power_loss);
struct controller_host *leader_of(struct world *world); /* the one of the highest term; NULL */
/* Is a bit flipped that may still matter: not judged yet, or harmless until now and still on the disk, behind what is
 * cached or in the write-ahead log, from where a loss of power brings it back? */
bool controller_is_damaged(const struct controller_host *node);
/* A fresh data folder for a new member. */
void controller_renew(struct controller_host *node, uint64_t raft_id);
bool controller_serves(const struct controller_host *node);
void controller_addresses(unsigned host, char peer[32], char api[32], char agent[32]);

/* found.c */
void found_cluster(struct world *world, unsigned voters);

/* client.c */
void clients_init(struct world *world, size_t len);
void clients_fini(struct world *world);
bool clients_idle(const struct world *world);
/* One write that must succeed; true once it has. */
bool clients_probe_done(const struct world *world);
void clients_probe(struct world *world);

/* watcher.c */
void watchers_init(struct world *world, size_t len);
void watchers_fini(struct world *world);
bool watchers_reached(const struct world *world, uint64_t revision);
/* Compare what each watcher saw with the history of the node. */
void watchers_check(struct world *world, struct controller_host *node);

/* tenant.c: creates at a quota's limit */
void tenants_init(struct world *world);
void tenants_fini(struct world *world);
bool tenants_idle(const struct world *world);
/* In the end: the rows of one member keep the quota. */
void tenants_check(struct world *world, struct controller_host *node);

/* changer.c: changes that go together, wait, stay or are taken back */
void changer_init(struct world *world);
void changer_fini(struct world *world);
bool changer_idle(const struct world *world);
void changer_check(struct world *world, struct controller_host *node);

/* mover.c: organizations that move at a quota's limit */
void movers_init(struct world *world);
void movers_fini(struct world *world);
bool movers_idle(const struct world *world);
void movers_check(struct world *world, struct controller_host *node);

/* operator.c: membership, and changes that give edges new bundles */
void operator_init(struct world *world);
void operator_fini(struct world *world);
void operator_tick(struct world *world);
bool operator_idle(const struct world *world);
/* Grow, shrink or replace; false when one is under way. */
bool operator_change_members(struct world *world);
bool operator_replace(struct world *world, struct controller_host *node);

/* nemesis.c */
void nemesis_init(struct world *world);
void nemesis_tick(struct world *world);
/* A node was elected. */
void nemesis_elected(struct world *world, struct controller_host *node);
/* End every fault and start every node. */
void nemesis_heal(struct world *world);
/* After a step, when world->attention is set. */
void nemesis_attend(struct world *world);
void nemesis_cut(struct world *world, unsigned from, unsigned to, bool on);
/* Kill the node and flip a bit of one of its files; it comes back as after any kill. */
void nemesis_flip(struct world *world, struct controller_host *node);

/* rot.c: one bit flips, with one controller down and one lagging */
void rot_live(struct world *world);

/* model.c */
void model_init(struct model *model, unsigned keys_len);
void model_fini(struct model *model);
size_t model_write(struct world *world, unsigned key, bool deletes);
void model_write_acked(struct world *world, size_t write, uint64_t revision, const struct key_floor *before);
void model_write_over(struct world *world, size_t write, enum outcome outcome); /* refused or unknown */
/* Somebody saw the value at the revision; before: the floor when he began to look (NULL: no order is promised). */
void model_saw(struct world *world, unsigned key, const char *value, uint64_t revision, const struct key_floor *before);
void model_saw_nothing(struct world *world, unsigned key, const struct key_floor *before);
char *model_value(size_t write, char text[24]);

/* check.c */
void check_step(struct world *world);
void check_end(struct world *world);

/* run.c */
/* Until then, under what the nemesis and the operator do; false once a promise is broken. */
bool world_live(struct world *world, uint64_t until_ns);
void run_seed(const struct options *options, const struct certs *certs, const struct pt_schema *schema,
              struct result *ret_result);
