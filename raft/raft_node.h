/*
 * Consensus: one member of a Raft group, on libraft's pure raft_step(). The one door to libraft.
 *
 * This folder does what libraft leaves to its user: the log on disk (log.h), the codec of messages (codec.h), the mTLS
 * links between members (peer.h), snapshots, and the order in which they happen. It knows no kinds: state changes go to
 * a `struct pt_machine`.
 *
 * Order that must hold (Raft section 5): term and vote are durable before anything that depends on them is sent;
 * entries are durable before they are acknowledged; entries are applied only when committed. A write or sync error
 * stops the node (on_fatal): nothing is acknowledged afterwards.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "base/log.h"
#include "base/planted.h"
#include "crypto/crypto.h"
#include "crypto/tls.h"
#include "sys/sys.h"

struct pt_raft;

struct pt_raft_entry { /* a committed entry of the state machine */
    uint64_t index, term;
    struct pt_bytes data;
};

/* What a state machine is to consensus. All on the loop but `snapshot`. */
struct pt_machine {
    void *context;
    /* Apply a batch in order, in one durable-enough transaction together with the witness {index and term of the last,
     * acked_index, log_hash}. Entries that the machine has applied already are never given again. Any code but PT_OK
     * stops the node. */
    enum pt_code (*apply)(void *context, const struct pt_raft_entry *entries, size_t len, uint64_t acked_index,
                          const struct pt_digest *log_hash, struct pt_error *reterr);
    /* What the machine found on its disk. */
    void (*witness)(void *context, uint64_t *ret_applied_index, uint64_t *ret_applied_term, uint64_t *ret_acked_index,
                    struct pt_digest *ret_log_hash);
    /* A snapshot, made while the machine goes on: begin holds the state as of now, and any code but PT_OK stops the
     * node; it, or the machine later on the loop, calls ready(arg) once, when snapshot may be called; snapshot, on a
     * worker thread, writes that state into a new file, syncs it, says its size and SHA-256, and for PT_NO_SPACE is
     * tried again later; end (after a failure too, and maybe before ready, which is not called any more then) lets go
     * of it. One at a time, no restore in between. */
    enum pt_code (*snapshot_begin)(void *context, pt_task_fn ready, void *arg, struct pt_error *reterr);
    enum pt_code (*snapshot)(void *context, const char *path, uint64_t *ret_size, struct pt_digest *ret_digest,
                             struct pt_error *reterr);
    void (*snapshot_end)(void *context);
    /* Replace the state by a file that another member's snapshot() made; the witness is in it. */
    enum pt_code (*restore)(void *context, const char *path, struct pt_error *reterr);
    /* This node became leader, or leads no more. After `leading`, entries of older terms may still be unapplied: wait
     * for pt_raft_barrier before reading. */
    void (*role_changed)(void *context, bool leading, uint64_t term);
    /* A follower may let committed entries wait some milliseconds and apply more of them at a time: nobody waits for
     * them here, and the witness names acked_index already. NULL: they do not wait. */
    bool (*may_lag)(void *context, uint64_t acked_index);
};

enum pt_raft_role { PT_RAFT_FOLLOWER, PT_RAFT_CANDIDATE, PT_RAFT_LEADER, PT_RAFT_STANDBY };

struct pt_raft_member {
    uint64_t id;
    const char *address; /* host:port of the peer listener */
    bool voter;          /* else standby or spare */
    bool spare;          /* added, not yet assigned a role */
    bool silent;         /* nothing was heard of it for an election timeout, or ever */
};

/* Transport security of the peer link; NULL context only in the simulator, where ids are taken on trust. */
struct pt_raft_options {
    uint64_t id;
    struct pt_endpoint listen;  /* own peer listener */
    const char *address;        /* as others know it; kept in the configuration */
    const char *directory;      /* the log's folder; made when missing; locked */
    const char *cluster_id;     /* refused when the folder or a peer belongs to another */
    const char *trust_id;       /* cluster in peers' certificates, where it differs; NULL: cluster_id. Borrowed */
    struct pt_tls_context *tls; /* borrowed until replaced by pt_raft_set_tls */
    struct pt_machine machine;
    const struct pt_log *log;
    uint32_t election_timeout_ms; /* 0: 400. Randomised up to twice that; longer on long lines. */
    uint32_t heartbeat_ms;        /* 0: 100; less than the election timeout */
    uint64_t snapshot_threshold;  /* fewest entries between snapshots; 0: 32768 */
    uint64_t snapshot_trailing;   /* entries kept behind a snapshot; 0: 4096 */
    /* May the node that a peer's certificate names talk as this id? NULL accepts. Called after the handshake. */
    bool (*peer_allowed)(void *context, uint64_t id, const struct pt_identity *identity);
    void *peer_context;
    /* The lane (pt_raft_lane_send): what member `id` sent, borrowed; what was sent to it may be lost. Both on the loop,
     * from inside the node: the second may ask it nothing. NULL: nobody listens. */
    void (*on_lane)(void *context, uint64_t id, struct pt_bytes bytes);
    void (*on_lane_lost)(void *context, uint64_t id);
    void *lane_context;
    /* A disk error or a broken invariant: the node has stopped; say so and exit. */
    void (*on_fatal)(void *context, const struct pt_error *error);
    void *fatal_context;
    uint32_t segment_size;   /* of the log's files, bytes; 0: 8 MiB */
    enum pt_planted planted; /* simulator only, see base/planted.h */
};

/* Make the log of a new cluster with this node as the only voter. PT_ALREADY_EXISTS when the folder has a log. */
PT_MUST enum pt_code pt_raft_bootstrap(struct pt_sys *sys, const char *directory, const char *cluster_id, uint64_t id,
                                       const char *address, struct pt_error *reterr);
/* Open the log, replay committed entries into the machine, start. A folder without a log makes a member that waits to
 * be added. A log that ends below the machine's witness (lost or damaged entries that were acknowledged): the node
 * starts, but neither votes nor stands until a snapshot has replaced its state. */
PT_MUST enum pt_code pt_raft_open(struct pt_sys *sys, const struct pt_raft_options *options, struct pt_raft **ret_raft,
                                  struct pt_error *reterr);
/* Stop; pending proposals end with PT_CLOSED before done. */
void pt_raft_close(struct pt_raft *raft, pt_task_fn done, void *arg);
void pt_raft_abandon(struct pt_raft *raft); /* after a simulated crash: free memory, touch nothing */
/* The machine can go on no more, which it found outside of apply: stop as after an error of the disk (on_fatal). */
void pt_raft_fail(struct pt_raft *raft, const struct pt_error *error);
/* The address it listens on (port 0 asks for any). */
struct pt_endpoint pt_raft_listening(const struct pt_raft *raft);
void pt_raft_set_tls(struct pt_raft *raft, struct pt_tls_context *tls);
/* What peer_allowed says may be another now: ask it again of every open link, and hang up where it says no. */
void pt_raft_judge_peers(struct pt_raft *raft);

/* Called on the loop once the entry is applied (PT_OK, index), or when it is known not to be (PT_NOT_LEADER before
 * submission; PT_NO_SPACE), or when its fate is unknown (PT_ABORTED after losing leadership; PT_CLOSED). */
typedef void (*pt_raft_done_fn)(void *arg, enum pt_code code, uint64_t index);
/* Data is copied. Proposals of one loop turn go into one batch. */
void pt_raft_propose(struct pt_raft *raft, struct pt_bytes data, pt_raft_done_fn fn, void *arg);
/* Linearizable reads: fn(PT_OK) when the state read afterwards on this node reflects every write acknowledged before
 * the call. On the leader only; costs a round to a majority, shared by the barriers of a turn, and no log entry. */
void pt_raft_barrier(struct pt_raft *raft, pt_raft_done_fn fn, void *arg);
/* The machine's no-operation entry: a new leader's first one. Copied. Without it libraft's barrier does, which the
 * machine does not see. */
void pt_raft_set_noop(struct pt_raft *raft, struct pt_bytes data);

/* Send bytes of the layer above to another member between the messages of consensus, which spares a connection, its
 * records and its wake-ups. Copied. False when the link is not idle enough that this delays nothing, or the bytes are
 * many: they go another way then. What was sent arrives once and in order, or on_lane_lost is called at some time. */
#define PT_RAFT_LANE_SIZE_MAX (64U << 10)
bool pt_raft_lane_send(struct pt_raft *raft, uint64_t id, struct pt_bytes bytes);

/* Membership, on the leader; one change at a time (PT_FAILED_PRECONDITION while one runs). add makes a spare; assign
 * makes it a standby or, after it caught up, a voter. */
void pt_raft_add(struct pt_raft *raft, uint64_t id, const char *address, pt_raft_done_fn fn, void *arg);
void pt_raft_assign(struct pt_raft *raft, uint64_t id, bool voter, pt_raft_done_fn fn, void *arg);
void pt_raft_remove(struct pt_raft *raft, uint64_t id, pt_raft_done_fn fn, void *arg);
/* id 0: the best voter. Done when this node leads no more. */
void pt_raft_transfer(struct pt_raft *raft, uint64_t id, pt_raft_done_fn fn, void *arg);

/* A snapshot that has at least everything up to `index` and up to what is applied now, on any member. fn on the loop,
 * later; the file is only sure to be there during the call: open it. Other codes than PT_OK (file NULL): PT_NO_SPACE;
 * PT_FAILED_PRECONDITION, the node is in quarantine; PT_CLOSED. While `index` is not applied it waits. */
struct pt_raft_snapshot_file {
    const char *path;
    uint64_t index, term;
    uint64_t machine_index; /* what the machine had applied: at or below index */
    uint64_t size;
    struct pt_digest digest; /* SHA-256 of the file */
};
typedef void (*pt_raft_snapshot_fn)(void *arg, enum pt_code code, const struct pt_raft_snapshot_file *file);
void pt_raft_snapshot_get(struct pt_raft *raft, uint64_t index, pt_raft_snapshot_fn fn, void *arg);

/* ---- offline: no node runs on the folder. These wait for the disk ----------------------------------------------- */

/* Make the folder of a node that is the only voter and begins with a machine's snapshot. The first pt_raft_open
 * restores the machine from it. PT_ALREADY_EXISTS when the folder holds a log. */
struct pt_raft_seed {
    const char *directory, *cluster_id;
    uint64_t id;
    const char *address;
    const char *state_path; /* moved into the folder; same file system */
    uint64_t index, term;   /* the machine's applied index in it; a term that is not below any in it */
    struct pt_digest chain; /* the log hash of its witness */
};
PT_MUST enum pt_code pt_raft_seed(struct pt_sys *sys, const struct pt_raft_seed *options, struct pt_error *reterr);

/* Give every entry behind the witness to `entry`, in order, committed or not. PT_CORRUPT when the log does not fit the
 * witness or is in quarantine. */
struct pt_raft_replay {
    const char *directory, *cluster_id;
    uint64_t id;
    uint64_t applied_index, acked_index; /* the machine's witness */
    struct pt_digest log_hash;
    enum pt_code (*entry)(void *context, const struct pt_raft_entry *entry, struct pt_error *reterr);
    void *context;
    /* Filled: */
    uint64_t entries_len; /* given */
    uint64_t last_index;  /* of the log */
    uint64_t term;        /* the node has promised no higher one */
};
PT_MUST enum pt_code pt_raft_replay(struct pt_sys *sys, struct pt_raft_replay *replay, struct pt_error *reterr);

struct pt_raft_status {
    enum pt_raft_role role;
    uint64_t id, term, leader_id; /* 0: unknown */
    uint64_t commit_index, applied_index, last_index, snapshot_index;
    bool quarantined;             /* the log is below the witness */
    uint32_t election_timeout_ms; /* in force, see node_election.c */
};
struct pt_raft_status pt_raft_status(const struct pt_raft *raft);
/* Members as configured, ascending by id; valid until the next change. match_index by id: leader only, else 0. */
size_t pt_raft_members(const struct pt_raft *raft, struct pt_raft_member *ret_members, size_t len_max);
uint64_t pt_raft_match_index(const struct pt_raft *raft, uint64_t id);
/* How long nothing was heard of a node; 0 for this one, UINT64_MAX when nothing ever was. Followers of this node as
 * leader speak with each heartbeat. */
uint64_t pt_raft_silent_ms(const struct pt_raft *raft, uint64_t id);
