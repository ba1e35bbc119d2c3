/*
 * The data plane as the agent sees it: a port. dp_bpf.c is the real one (the one door to libbpf); dp_sim.c keeps the
 * same state in memory for the simulator.
 *
 * A bundle is applied whole or not at all: written into the spare slot of every bundle map, then the generation word is
 * flipped. What is left to do then changes nothing that forwards, and waits (settle): after a grace period the other
 * slot follows. A path's liveness is one word that outlives bundles.
 */
#pragma once

#include "base/error.h"
#include "base/net.h"
#include "plan/plan.h"

struct pt_dp;

struct pt_dp_path_counters {
    uint64_t path_id;
    uint64_t tx_packets, tx_bytes, rx_packets, rx_bytes;
};

struct pt_dp_drop {
    uint32_t reason; /* bpf/abi/drop.h */
    uint64_t packets;
};

/* The queues of a shaped link, by number of a TrafficClass; 0 is network control. Counts since they were made. */
#define PT_DP_QUEUES 6
struct pt_dp_queue {
    uint64_t bytes, packets, drops, promised_bps;
    uint32_t backlog_bytes, backlog_packets; /* now */
};
struct pt_dp_link_queues {
    const char *link;  /* name of the resource */
    const char *error; /* why it is not shaped; "" when it is */
    struct pt_dp_queue queues[PT_DP_QUEUES];
    bool used[PT_DP_QUEUES];
};

/* A flow. */
struct pt_dp_flow_key {
    struct pt_ip source, destination;
    uint32_t vni;
    uint16_t source_port, destination_port; /* 0 of protocols that have none */
    uint8_t protocol;
};

/* What was decided of a flow, or of a packet (bpf/abi/event.h). */
struct pt_dp_decision {
    struct pt_dp_flow_key flow;
    uint64_t age_ns;  /* so long ago */
    uint64_t path_id; /* 0: none */
    uint32_t generation;
    uint32_t rule_id, policy_class, site_label, application, nat;
    uint8_t verdict, reason, dscp, flags, traffic_class, move, kind;
    uint8_t evidence, confidence; /* of the application */
};

/* What the flow cache says of a flow that is there. */
struct pt_dp_flow {
    uint64_t packets, bytes, seen_age_ns;
    uint32_t application, nat;
    uint8_t flags, evidence, confidence;
};

enum pt_dp_life { PT_DP_LIFE_UNKNOWN, PT_DP_LIFE_ALIVE, PT_DP_LIFE_DEAD }; /* as enum pt_abi_path_state */

struct pt_dp_origin;
/* A packet that was copied for inspection; borrowed. */
struct pt_dp_sample {
    uint64_t time_ms; /* monotonic */
    uint32_t vni;
    bool from_host;      /* else towards one */
    const uint8_t *data; /* from the IP header on */
    size_t size;
};

/* What inspection says of a flow, as it goes from a host: application in the low 24 bits. */
struct pt_dp_verdict {
    struct pt_ip source, destination;
    uint16_t port_source, port_destination;
    uint32_t vni, application;
    uint8_t protocol, evidence, confidence, traffic_class; /* 0: the class of its DSCP */
    bool final;                                            /* nothing more is to be copied of it */
};

/* What an address is for. */
struct pt_dp_known {
    uint32_t application, ttl_s;
    uint8_t evidence, confidence, traffic_class;
};

struct pt_dp_inspected {
    uint64_t sampled, not_sampled; /* packets */
    uint64_t hits, misses;         /* flows that began with a known application, and with none */
};

/* A link that hosts leave by, since its pool of ports was made. */
#define PT_DP_NAT_CLASSES 3 /* TCP, UDP, ICMP queries */
struct pt_dp_translation {
    uint64_t made, exhausted;          /* mappings; packets that found no port */
    uint32_t taken[PT_DP_NAT_CLASSES]; /* ports, now */
};

struct pt_dp_ops {
    /* Put a bundle in force. On failure the old one stays in force. generation is the one of the bundle's position. */
    enum pt_code (*apply)(struct pt_dp *dp, const struct pt_bundle *bundle, struct pt_error *reterr);
    /* Do what the newest apply left for later, if anything is: it waits some milliseconds for packets that are under
     * way by the old bundle. Apply and close do it themselves when nobody has. NULL: apply leaves nothing. */
    void (*settle)(struct pt_dp *dp);
    /* Read the forwarding state in force back from the maps into a bundle and give its digest: what is acknowledged. */
    enum pt_code (*verify)(struct pt_dp *dp, struct pt_digest *ret_digest, struct pt_error *reterr);
    /* A path died or recovered: flip its word. Unknown paths are ignored. A path in its first bundle is neither: it
     * carries traffic only where no living one is left, until this is called. */
    void (*set_path_alive)(struct pt_dp *dp, uint64_t path_id, bool alive);
    /* Steering may answer differently now (a path recovered, an SLA is kept again): every flow asks once more. */
    void (*ask_again)(struct pt_dp *dp);
    /* Counters of every path and drop reason; calls fn for each. */
    void (*counters)(struct pt_dp *dp, void (*path_fn)(void *arg, const struct pt_dp_path_counters *counters),
                     void (*drop_fn)(void *arg, const struct pt_dp_drop *drop), void *arg);
    /* Bytes that hosts offered towards each site since the programs were loaded, sent or not; calls fn for each. The
     * key is a PT_DEMAND_KEY (bpf/abi/demand.h): site and class. */
    void (*demands)(struct pt_dp *dp, void (*fn)(void *arg, uint32_t key, uint64_t bytes), void *arg);
    /* Every link that is to be shaped, and what waits there. */
    void (*queues)(struct pt_dp *dp, void (*fn)(void *arg, const struct pt_dp_link_queues *queues), void *arg);
    /* The map of path states, whose words liveness in the tunnel process flips by itself; -1: there is none. */
    int (*state_map)(struct pt_dp *dp);
    /* Steering, whose words judgement in the tunnel process flips by itself: the maps of profiles that paths break and
     * of the steering epoch. False: there are none. */
    bool (*sla_maps)(struct pt_dp *dp, int *ret_sla_map, int *ret_epoch_map);
    /* The number that a profile has in those words; -1: none. */
    int (*sla_number)(struct pt_dp *dp, uint64_t sla);
    /* The wall clock, seconds, by which the next apply leaves out rules and users that are out of their time. */
    void (*set_time)(struct pt_dp *dp, int64_t wall_s);
    /* When the bundle in force is to be applied again for that; INT64_MAX: never. */
    int64_t (*due)(struct pt_dp *dp);
    /* The slot that a path has, under which the tunnel knows it; 0 for none. */
    uint32_t (*path_slot)(struct pt_dp *dp, uint64_t path_id);
    /* Sealed packets go out of, and opened ones come in by, this interface from now on. */
    enum pt_code (*set_tunnel)(struct pt_dp *dp, uint32_t ifindex, struct pt_error *reterr);
    /* What the tunnel found a sealed path to carry; 0: not known. Unknown paths are ignored. */
    void (*set_path_mtu)(struct pt_dp *dp, uint64_t path_id, uint32_t mtu);
    /* Decisions since the last call, oldest first; at most a ring of them. Returns how many were lost so far. NULL, and
     * so the next three: it tells none. */
    uint64_t (*decisions)(struct pt_dp *dp, void (*fn)(void *arg, const struct pt_dp_decision *decision), void *arg);
    /* False: the flow cache has no such flow. */
    bool (*flow)(struct pt_dp *dp, const struct pt_dp_flow_key *key, struct pt_dp_flow *ret_flow);
    /* Which bundle a generation was; false: that is too long ago. */
    bool (*origin_of)(struct pt_dp *dp, uint32_t generation, struct pt_dp_origin *ret_origin);
    enum pt_dp_life (*path_life)(struct pt_dp *dp, uint64_t path_id);
    /* Diagnostics: a frame that leaves a LAN interface for that interface's own MAC address comes in by it, as if a
     * host had sent it; on: from now on, else no longer. NULL: it cannot. */
    enum pt_code (*turn)(struct pt_dp *dp, uint32_t ifindex, bool on, struct pt_error *reterr);
    /* From now on packets are copied for inspection; a descriptor that is readable when some were. -1, or NULL: none
     * ever are, and the next four are not called. */
    int (*sample_fd)(struct pt_dp *dp);
    /* Take some of them. */
    void (*samples)(struct pt_dp *dp, void (*fn)(void *arg, const struct pt_dp_sample *sample), void *arg);
    void (*set_verdict)(struct pt_dp *dp, const struct pt_dp_verdict *verdict);
    void (*set_host)(struct pt_dp *dp, uint32_t vni, const struct pt_ip *address, const struct pt_dp_known *known);
    void (*inspected)(struct pt_dp *dp, struct pt_dp_inspected *ret_counts);
    /* What translation did on a link, by number; taken ports only if asked for: that takes some milliseconds. False: no
     * hosts ever left by it. NULL: it translates nothing. */
    bool (*translation)(struct pt_dp *dp, uint32_t link, bool ports, struct pt_dp_translation *ret_counts);
    /* Free memory; what is pinned stays and goes on forwarding. */
    void (*close)(struct pt_dp *dp);
};

/* Where a bundle comes from. */
struct pt_dp_origin {
    uint64_t revision;                /* log index of the state that it was computed from */
    uint64_t epoch, term, generation; /* its position */
    uint64_t te_epoch;                /* of traffic engineering */
    int64_t time_ns;                  /* the node's clock when it was applied, since 1970 */
};

struct pt_dp {
    const struct pt_dp_ops *ops;
    /* Of the bundle that apply is given; set by who calls it. The data plane keeps it by its own generation, which
     * flows remember: so it can be told which bundle decided a flow. */
    struct pt_dp_origin origin;
    /* Called by apply when the new bundle's paths have their slots and nothing uses them yet. May be NULL. */
    void (*before_flip)(void *arg, const struct pt_bundle *bundle);
    void *before_flip_arg;
};

/* Where the fast way out of LANs is used: where LAN and links are hardware; nowhere; wherever the driver has XDP. */
enum pt_dp_swift { PT_DP_SWIFT_HARDWARE, PT_DP_SWIFT_OFF, PT_DP_SWIFT_ON };

struct pt_dp_bpf_options {
    const char
        *pin_directory; /* below a bpffs that dp_bpf mounts when needed, for example "/run/patronus/<node>/bpf" */
    const struct pt_log *log;
    enum pt_dp_swift swift;
    uint32_t dir_routes_min; /* IPv4 routes from which a segment gets a table of its own; 0: the default */
};
/* Load and attach, or take over what is pinned. PT_FAILED_PRECONDITION naming a missing kernel feature and what to do.
 */
PT_MUST enum pt_code pt_dp_bpf_new(const struct pt_dp_bpf_options *options, struct pt_dp **ret_dp,
                                   struct pt_error *reterr);
/* Detach and unpin everything below the directory: `patronusd --detach` and the lab's clean-up. */
PT_MUST enum pt_code pt_dp_bpf_remove(const struct pt_dp_bpf_options *options, struct pt_error *reterr);
struct pt_dp *pt_dp_sim_new(void);
/* Have the simulated one tell a decision, the next time that it is asked for them; at most 64 at a time. */
void pt_dp_sim_tell(struct pt_dp *dp, const struct pt_dp_decision *decision);
/* What the simulated one was last told of a path; false when nothing. */
bool pt_dp_sim_path_alive(const struct pt_dp *dp, uint64_t path_id);
