/*
 * Insides of the node.
 *
 *   node.c             open, close, status
 *   node_events.c      raft_step: one event in, one update out, in the right order
 *   node_election.c    elections: sooner than by libraft's timeout alone, or later
 *   node_message.c     frames in, messages out
 *   node_apply.c       committed entries to the machine; proposals
 *   node_lag.c         a follower applies in larger pieces
 *   node_read.c        linearizable reads
 *   node_membership.c  changes of the configuration, leadership transfer
 *   node_snapshot.c    taking and sending snapshots
 *   node_install.c     receiving one and putting it in place
 *   snapshot_file.c    what a snapshot is on disk
 */
#pragma once

#include "base/list.h"
#include "raft/codec.h"
#include "raft/log.h"
#include "raft/peer.h"
#include "base/planted.h"
#include "raft/raft_node.h"
#include "raft/snapshot_file.h"

#include <raft.h>

#define PT_RAFT_BATCH_LEN_MAX 512U        /* entries of one apply, submit or message */
#define PT_RAFT_BATCH_SIZE_MAX (1U << 20) /* their bytes */
#define PT_RAFT_ROUNDS_MAX 2U             /* batches of proposals submitted and not committed; see node_apply.c */
#define PT_RAFT_ROUND_MS 10U              /* a second one waits so long for the first */
#define PT_RAFT_INFLIGHT_MAX 4096U        /* entries sent to a member and not yet acknowledged */
#define PT_RAFT_PROPOSALS_MAX 65536U      /* proposals waiting or pending */
#define PT_RAFT_DEFERRED_SIZE_MAX (16U << 20)
#define PT_RAFT_CAPACITY_MIN_KB 64U /* a member with less room counts as full */
#define PT_RAFT_TICK_MS 100U

#define PT_RAFT_CHUNK_HEAD_SIZE 24U
#define PT_RAFT_OFFSET_BROKEN UINT64_MAX /* in a chunk ack: the file does not check */
#define PT_RAFT_STALL_MS 15000U          /* no progress of a snapshot transfer for so long: given up */

struct pt_raft_incoming;
struct pt_raft_outgoing;

struct pt_raft_peer { /* another node that this one has to do with */
    struct pt_list node;
    struct pt_raft *owner;
    uint64_t id;
    char address[PT_RAFT_ADDRESS_SIZE_MAX + 1];
    bool capacity_known;
    unsigned capacity_kb;
    uint64_t heard_ms;      /* a frame of it; 0: none yet */
    uint64_t read_ack;      /* highest read round it confirmed in this term */
    uint64_t told;          /* highest commit index that it was sent in this term */
    struct pt_list backlog; /* messages behind one whose entries are being read from disk, in order */
    bool loading;
    struct pt_raft_outgoing *outgoing; /* a snapshot on its way; NULL: none */
};

struct pt_raft_proposal {
    size_t offset, size; /* in proposals.data */
    pt_raft_done_fn fn;
    void *arg;
};

struct pt_raft_pending { /* submitted, not applied */
    uint64_t index;
    pt_raft_done_fn fn;
    void *arg;
};

struct pt_raft_read {
    struct pt_list node;
    uint64_t round; /* 0: not begun */
    uint64_t index; /* what must be applied */
    pt_raft_done_fn fn;
    void *arg;
};

enum pt_raft_change_kind { PT_RAFT_CHANGE_ADD, PT_RAFT_CHANGE_ASSIGN, PT_RAFT_CHANGE_REMOVE, PT_RAFT_CHANGE_TRANSFER };

struct pt_raft_change {
    struct pt_list node;
    enum pt_raft_change_kind kind;
    uint64_t id;
    char address[PT_RAFT_ADDRESS_SIZE_MAX + 1];
    bool voter;
    bool halfway;     /* the entry that is under way makes a spare a standby; it becomes a voter later */
    bool catching_up; /* a transfer: libraft was told */
    struct {
        unsigned count;    /* of this member, the one under way included; 0: none began */
        uint64_t index;    /* the end of the log when it began: the member's log has to get there */
        uint64_t since_ms; /* when it began */
        uint64_t match;    /* how far the member's log was known to be when last looked at */
        uint64_t moved_ms; /* when that, or a snapshot on its way to it, last got further */
    } round;
    uint64_t index; /* of its entry, once submitted */
    pt_raft_done_fn fn;
    void *arg;
};

struct pt_raft_held { /* an old configuration entry, read at open */
    uint64_t index;
    struct pt_buf data;
};

struct pt_raft {
    struct pt_sys *sys;
    struct pt_raft_options options;
    char *address, *directory, *cluster_id;
    struct raft raft;
    bool raft_made;
    struct pt_raft_log *log;
    struct pt_raft_net *net;
    struct pt_timer *timer;   /* libraft's timeout */
    struct pt_timer *tick;    /* housekeeping */
    struct pt_timer *hasty;   /* stand now: the leader is gone */
    struct pt_timer *tell;    /* a commit that nothing else has told followers of */
    struct pt_timer *second;  /* the batch under way takes long: the next one need not wait for it */
    struct pt_executor *work; /* snapshot files */
    struct pt_list peers;

    bool closing, failed;
    bool busy;  /* inside an event: public calls only queue */
    bool gated; /* term and vote are being written: no event may enter */
    bool quarantined;
    struct raft_update held; /* messages of the update that waits for term and vote */
    struct pt_list deferred; /* frames that came meanwhile */
    size_t deferred_size;
    struct pt_raft_decoded *decoded; /* scratch */
    struct raft_entry *sending;      /* scratch for one outgoing message */
    bool fed;                        /* an event went in since settling began to look */

    bool leading;
    uint64_t leading_term;
    uint64_t leading_since_ms;
    uint64_t leading_from; /* index of the first entry that this node submitted as the leader of this term */

    struct {
        struct pt_buf data;
        struct pt_raft_proposal *items;
        size_t head, len, capacity;
    } proposals;
    uint64_t rounds[PT_RAFT_ROUNDS_MAX]; /* last index of the newest batches, the newest first; 0: none */
    uint64_t round_since_ms;             /* when the newest was submitted */
    struct {
        struct pt_raft_pending *items; /* ring, ascending by index */
        size_t head, len, capacity;
    } pending;
    struct pt_buf noop;
    bool run_posted;
    pt_task_fn close_done;
    void *close_arg;

    uint64_t applied;      /* by the machine, or passed as none of its business */
    uint64_t changes_done; /* configuration entries up to here were reported committed */
    bool loading;          /* entries for apply are being read */
    struct {
        struct pt_timer *timer;
        uint64_t since_ms; /* when something was applied last; 0: not yet */
        uint64_t seen;     /* entries up to here are counted in size */
        size_t size;       /* bytes of those behind `applied` */
    } lag;                 /* node_lag.c */
    struct {
        uint64_t first;
        size_t len;
        struct pt_raft_record *records;
        struct pt_buf bytes;
    } loaded;
    struct pt_raft_entry *batch; /* scratch */
    struct pt_raft_held *old_changes;
    size_t old_changes_len;

    unsigned election_ms;     /* in force: at least what was asked for, more where round trips are long */
    uint64_t gone;            /* the leader whose process has ended; 0: none */
    bool split_retried;       /* since a leader was heard */
    uint64_t yielded_ms;      /* when it last granted a pre-vote to a lower id; 0: never */
    struct raft_message told; /* to stand, by the leader (server_id 0: not), before all of the log was durable */
    uint64_t told_ms;         /* when it was told to, last; 0: not since it led */

    struct pt_list reads;
    uint64_t read_round;
    struct pt_list changes; /* the first one runs */

    struct pt_raft_snapshot snapshot; /* newest; index 0: none */
    bool snapshot_file_bad;
    uint64_t take_after_ms;             /* no own snapshot before */
    struct pt_raft_taking *taking;      /* a snapshot of our own is being finished */
    struct pt_raft_incoming *incoming;  /* a snapshot from the leader */
    bool installing;                    /* libraft waits for RAFT_PERSISTED_SNAPSHOT */
    uint64_t need_asked_ms, need_index; /* quarantine: when and for what the leader was asked */
    struct pt_list exports;             /* node_export.c: who waits for a snapshot */
};

/* node.c */
void pt_raft_fatal(struct pt_raft *raft, const struct pt_error *error);
struct pt_raft_peer *pt_raft_peer_get(struct pt_raft *raft, uint64_t id, const char *address); /* makes it */
struct pt_raft_peer *pt_raft_peer_find(struct pt_raft *raft, uint64_t id);
static inline bool pt_raft_dead(const struct pt_raft *raft)
{
    return raft->closing || raft->failed;
}
bool pt_raft_is_voter(const struct pt_raft *raft, uint64_t id);

/* node_events.c */
bool pt_raft_enter(struct pt_raft *raft); /* false: dead or gated; then do not leave */
void pt_raft_leave(struct pt_raft *raft); /* settles everything that follows from the events */
int pt_raft_feed(struct pt_raft *raft, struct raft_event *event);
void pt_raft_gate(struct pt_raft *raft); /* write term and vote, let nothing in meanwhile */
void pt_raft_on_durable(void *context, uint64_t index);
void pt_raft_on_timer(void *arg);
void pt_raft_on_tick(void *arg);
void pt_raft_run_soon(struct pt_raft *raft); /* a turn later: proposals, reads, changes */
uint64_t pt_raft_stored(const struct pt_raft *raft);
uint64_t pt_raft_committed(const struct pt_raft *raft);

/* node_election.c */
void pt_raft_on_gone(void *context, uint64_t id);
void pt_raft_on_hasty(void *arg);
void pt_raft_on_second(void *arg);
void pt_raft_election_heard(struct pt_raft *raft, uint64_t id); /* a frame of another member */
void pt_raft_election_tick(struct pt_raft *raft);
void pt_raft_election_allow(const struct pt_raft *raft, struct raft_request_vote *request);
void pt_raft_election_answered(struct pt_raft *raft, uint64_t id,
                               const struct raft_request_vote_result *result); /* to another */
bool pt_raft_election_yields(struct pt_raft *raft,
                             const struct raft_request_vote_result *result); /* then it is not to be fed */
void pt_raft_election_result(struct pt_raft *raft, const struct raft_request_vote_result *result); /* from another */
bool pt_raft_election_told(struct pt_raft *raft,
                           const struct raft_message *message); /* TimeoutNow; true: kept, then it is not to be fed */
void pt_raft_election_won(struct pt_raft *raft);                /* it leads from now on */
bool pt_raft_election_settle(struct pt_raft *raft);             /* true when something moved */

/* node_message.c */
bool pt_raft_on_frame(void *context, uint64_t id, const char *address, enum pt_raft_frame kind,
                      struct pt_bytes payload);
void pt_raft_send(struct pt_raft *raft, const struct raft_message *message);
void pt_raft_send_frame(struct pt_raft *raft, struct pt_raft_peer *peer, enum pt_raft_frame kind, const void *payload,
                        size_t size);
void pt_raft_deferred_run(struct pt_raft *raft);
void pt_raft_peer_free(struct pt_raft_peer *peer);
void pt_raft_deferred_free(struct pt_raft *raft);

/* node_apply.c */
bool pt_raft_apply_some(struct pt_raft *raft); /* true when there was something */
void pt_raft_flush_proposals(struct pt_raft *raft);
void pt_raft_proposals_end(struct pt_raft *raft, enum pt_code queued, enum pt_code submitted);
void pt_raft_submit_first(struct pt_raft *raft);
void pt_raft_pending_push(struct pt_raft *raft, uint64_t index, pt_raft_done_fn fn, void *arg);

/* node_lag.c */
bool pt_raft_lags(struct pt_raft *raft, uint64_t limit); /* true: entries up to `limit` wait a little */
void pt_raft_lag_restart(struct pt_raft *raft);          /* something was applied */
void pt_raft_on_lag(void *arg);

/* node_read.c */
void pt_raft_reads_run(struct pt_raft *raft);
void pt_raft_reads_resend(struct pt_raft *raft);
void pt_raft_reads_end(struct pt_raft *raft, enum pt_code code);
void pt_raft_on_read(struct pt_raft *raft, struct pt_raft_peer *peer, struct pt_bytes payload);
void pt_raft_on_read_ack(struct pt_raft *raft, struct pt_raft_peer *peer, struct pt_bytes payload);

/* node_lane.c */
void pt_raft_on_lane(struct pt_raft *raft, uint64_t id, struct pt_bytes bytes);
void pt_raft_on_lost(void *context, uint64_t id);
/* node_tell.c */
void pt_raft_tell_consider(struct pt_raft *raft);
void pt_raft_tell_sent(struct pt_raft_peer *peer, const struct raft_append_entries *append);
void pt_raft_on_tell(void *arg);

/* node_membership.c */
void pt_raft_changes_run(struct pt_raft *raft);
void pt_raft_members_tick(struct pt_raft *raft); /* hangs up on who is no member any more */
void pt_raft_changes_end(struct pt_raft *raft, enum pt_code code);
void pt_raft_change_committed(struct pt_raft *raft, uint64_t index);

/* node_snapshot.c */
void pt_raft_snapshot_consider(struct pt_raft *raft);
void pt_raft_snapshot_take(struct pt_raft *raft);              /* when it can be now */
void pt_raft_snapshot_send(struct pt_raft *raft, uint64_t id); /* libraft wants it sent */
void pt_raft_snapshot_need(struct pt_raft *raft, struct pt_raft_peer *peer, uint64_t index);
void pt_raft_on_chunk_ack(struct pt_raft *raft, struct pt_raft_peer *peer, struct pt_bytes payload);
bool pt_raft_snapshot_settle(struct pt_raft *raft); /* true when something moved */
void pt_raft_snapshot_tick(struct pt_raft *raft);
void pt_raft_outgoing_end(struct pt_raft_peer *peer);
uint64_t pt_raft_outgoing_moved_ms(const struct pt_raft_peer *peer); /* when it last got further; 0: there is none */
void pt_raft_snapshot_fini(struct pt_raft *raft);
/* On the executor. A transfer of an older one that is under way ends by this, and libraft asks for the newer one. */
void pt_raft_snapshot_others_remove(const struct pt_raft *raft, const struct pt_raft_snapshot *keep);

/* node_export.c */
void pt_raft_exports_tick(struct pt_raft *raft);
void pt_raft_exports_end(struct pt_raft *raft, enum pt_code code);
void pt_raft_exports_drop(struct pt_raft *raft); /* nobody is told */

/* node_install.c */
void pt_raft_on_install(struct pt_raft *raft, struct pt_raft_peer *peer, struct raft_message *message);
void pt_raft_on_chunk(struct pt_raft *raft, struct pt_raft_peer *peer, struct pt_bytes payload);
void pt_raft_install_begin(struct pt_raft *raft, const struct raft_update *update);
bool pt_raft_install_settle(struct pt_raft *raft);
void pt_raft_snapshot_ask(struct pt_raft *raft, struct pt_raft_peer *leader); /* quarantined */
void pt_raft_install_tick(struct pt_raft *raft, uint64_t now);
void pt_raft_install_fini(struct pt_raft *raft);
