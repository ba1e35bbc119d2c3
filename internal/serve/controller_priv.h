/*
 * What the files of serve/ share: the controller's parts and the life of one call. Private to the folder.
 */
#pragma once

#include "base/arena.h"
#include "base/drop.h"
#include "base/list.h"
#include "base/map.h"
#include "serve/controller.h"

struct pt_push;
struct pt_soft_store;
struct pt_serve_method;
struct pt_carrier;
struct pt_fair;
struct pt_shed;
struct pt_refusal;
struct pt_artifacts;
struct pt_http_server;

#define PT_SERVE_PRINCIPAL_METADATA "patronus-principal"
#define PT_SERVE_CALLER_METADATA "patronus-caller" /* base64url of a patronus.v1.Caller */

#define PT_SERVE_WAITING_LEN_MAX 1024         /* calls that wait for the leader to be ready */
#define PT_SERVE_WAITING_SIZE_MAX (16U << 20) /* bytes of their requests */
#define PT_SERVE_WATCHES_MAX 10000            /* open Watch streams */
#define PT_SERVE_BACKUPS_MAX 2                /* at a time; each reads a snapshot's file */
#define PT_SERVE_ENROLL_SIZE_MAX (64U << 10)  /* an Enroll or Renew: their callers may be anybody */

#define PT_SERVE_CODES_LEN 17                  /* statuses of gRPC */
#define PT_SERVE_DROPS_LEN PT_DROP_REASONS_MAX /* reasons of the programs (64), then of the tunnel process */

struct pt_serve_counters {              /* since this process began */
    uint64_t calls[PT_SERVE_CODES_LEN]; /* answered, by status */
    uint64_t leaderships;
    uint64_t watch_events;
    uint64_t reports; /* of edges */
    uint64_t drops[PT_SERVE_DROPS_LEN];
};

/* One incoming call. Two holders at most: the rpc layer (until on_end) and one pending operation. */
struct pt_serve_call {
    struct pt_list node; /* controller->calls */
    struct pt_controller *controller;
    struct pt_rpc_call *rpc; /* NULL once the call is over: answers go nowhere */
    const struct pt_method_type *method;
    const struct pt_serve_method *custom; /* NULL for CRUD */
    struct pt_arena arena;                /* of the caller */
    struct pt_caller caller;              /* who asks; principal "anonymous" when nobody is known */
    int64_t credential_end_ns;            /* wall: when what was presented expires; INT64_MAX: not by itself */
    bool forwarded;                       /* came through a follower */
    bool got_message;
    bool permitted;             /* a client's stream: by its first message */
    uint64_t voters_asked_ns;   /* members.c: since when it waits for voters to be heard; 0: it does not */
    bool confirmed;             /* that this node still led when it looked at the state */
    bool recorded;              /* should it be refused: the audit log has it already, or will */
    bool has_turn;              /* fair.c: it has waited, and is carried out now */
    bool shed;                  /* shed.c: it is refused, and nothing of it is looked at */
    struct pt_refusal *refusal; /* shed.c: while that waits */
    unsigned refs;
    void *state;             /* of a stream's own handler */
    struct pt_list waiting;  /* in controller->waiting until the leader is ready, or in its tenant's queue */
    struct pt_bytes request; /* owned copy while waiting */
    /* What to do with the verdict of the proposal that is under way; NULL: answer with its reply. */
    void (*decided)(struct pt_serve_call *call, const struct pt_verdict *verdict);
    struct pt_serve_link *link;    /* forward.c: the channel that carries it, while it does */
    struct pt_rpc_stream *answers; /* forward.c: the leader's, of a stream of answers; NULL: it is over */
    /* carrier.c: it came in a parcel and has no rpc; NULL: answers go nowhere */
    struct pt_carrier *carrier;
    struct pt_list parcel; /* in the carrier's, or in the link's */
    uint64_t parcel_id;    /* by which the follower knows it */
};

/* A method that is not CRUD. */
struct pt_serve_method {
    const char *path;
    /* A message came (unary: the only one). */
    void (*on_message)(struct pt_serve_call *call, struct pt_bytes message);
    void (*on_open)(struct pt_serve_call *call);       /* streams; may be NULL */
    void (*on_half_close)(struct pt_serve_call *call); /* streams; may be NULL */
    void (*on_writable)(struct pt_serve_call *call);   /* streams; may be NULL */
    void (*on_end)(struct pt_serve_call *call);        /* frees call->state; may be NULL */
};

struct pt_controller {
    struct pt_controller_options options;
    struct pt_arena arena; /* strings of the options */
    struct pt_sys *sys;
    const struct pt_log *log;
    const struct pt_schema *schema;
    struct pt_machine_kind *machine;
    struct pt_raft *raft;
    struct pt_tls_context *tls;
    struct pt_rpc_server *server;
    struct pt_http_server *http; /* NULL: there is none */
    struct pt_serve_counters counters;
    struct pt_map drops;               /* metrics.c: Edge -> what it reported last */
    char *cert_pem, *ca_pem, *key_pem; /* heap; current */
    char *door_pem;                    /* what the doors show while an authority retires; NULL: cert_pem */

    bool leading;
    bool ready; /* leading, and every entry of older terms is applied */
    uint64_t term;
    uint64_t leading_since_ns;
    struct pt_list calls;   /* pt_serve_call.node: all */
    struct pt_list waiting; /* pt_serve_call.waiting: for `ready` */
    size_t waiting_len, waiting_size;

    struct pt_serve_link *leader_link; /* forward.c */
    struct pt_list carriers;           /* carrier.c: streams of parcels from followers, the newest first */
    struct pt_list retired_links;      /* carry calls that were under way when a newer one took over */

    struct pt_list watches; /* serve_watch.node */
    size_t watches_len;
    struct pt_list sessions; /* pt_edge_session.node: of nodes that said hello, one a node */
    struct pt_list openings; /* likewise: streams on which nothing was said yet, at most one a node */
    struct pt_list health;   /* health watchers */
    struct pt_push *push;
    struct pt_denied *denied;
    struct pt_limits *limits;
    struct pt_fair *fair;
    struct pt_shed *shed;
    struct pt_trust *trust;
    struct pt_oidc *oidc; /* NULL: no tokens of identity providers */
    struct pt_soft_store *soft;
    struct pt_artifacts *artifacts; /* artifact.h */

    struct pt_timer *tick; /* members, digest checks */
    uint64_t digest_due_index;
    bool member_change_running;
    uint64_t member_retry_at_ns; /* after a change that failed */
    uint64_t sessions_at_ns;     /* session.c: when to look next */

    int64_t renew_at_wall_ns; /* founding.c */

    struct pt_executor *backup_work; /* backup.c; NULL before the first */
    size_t backups_len;              /* under way */
    struct pt_list pending;          /* pending.c */
    struct pt_list measurements;     /* bandwidth.c: calls that wait for an edge */
    size_t measurements_len;
    struct pt_list classifying;  /* classify.c: captures that wait for a worker, or are with it */
    uint64_t measurement_newest; /* number of the newest */
    struct pt_list asked;        /* changeset.c: calls that wait for a quorum or a plan */
    struct pt_list explaining;   /* explain.c: calls that wait for edges */
    size_t explaining_len;
    struct pt_list diagnosing; /* diagnose.c: calls that edges report to */
    size_t diagnosing_len;
    uint64_t question_id; /* of the newest question to an edge */

    uint64_t access_revision; /* as of which open streams were judged */

    bool closing;
    pt_task_fn closed;
    void *closed_arg;
    uint64_t close_grace_ms;
    struct pt_timer *close_timer; /* between two tries to hand over; NULL: none */
    unsigned close_tries;
};

/* ---- calls (api.c) -------------------------------------------------------------------------------------------- */
void pt_serve_call_ref(struct pt_serve_call *call);
void pt_serve_call_unref(struct pt_serve_call *call);
/* Is there still somebody to answer? */
static inline bool pt_serve_call_open(const struct pt_serve_call *call)
{
    return call->rpc != NULL || call->carrier != NULL;
}
/* Answer a unary call. Fine when the call is over. */
void pt_serve_reply(struct pt_serve_call *call, struct pt_bytes reply);
void pt_serve_fail(struct pt_serve_call *call, const struct pt_error *error);
PT_PRINTF(4, 5)
void pt_serve_refuse(struct pt_serve_call *call, enum pt_code code, enum pt_reason reason, const char *format, ...);
const struct pt_rpc_handler *pt_serve_handler(void);
/* Run the calls that waited for the leader to be ready, or send them on, or (closing) refuse them. */
void pt_serve_run_waiting(struct pt_controller *controller);
/* Carry one out that was kept; who has waited too long, or is not there any more, is told so or not. */
void pt_serve_run(struct pt_serve_call *call);
/* A copy of the request in call->request, unless there is one. */
void pt_serve_keep_request(struct pt_serve_call *call, struct pt_bytes request);
/* This controller closes: end the streams that would otherwise stay open for as long as their clients like. */
void pt_serve_end_streams(struct pt_controller *controller);
/* The rpc layer forgot every call without a word, and consensus will too: free them. */
void pt_serve_abandon_calls(struct pt_controller *controller);
/* Propose a command and answer the call with the verdict's reply. */
void pt_serve_propose(struct pt_serve_call *call, struct pt_bytes command,
                      void (*done)(struct pt_serve_call *call, const struct pt_verdict *verdict));
/* The error that an unfinished or lost proposal gives the client. */
void pt_serve_fail_raft(struct pt_serve_call *call, enum pt_code code);

/* ---- custom methods ------------------------------------------------------------------------------------------- */
extern const struct pt_serve_method pt_serve_enroll, pt_serve_renew;                     /* enroll.c */
extern const struct pt_serve_method pt_serve_status, pt_serve_transfer;                  /* cluster.c */
extern const struct pt_serve_method pt_serve_upgrade;                                    /* upgrade.c */
extern const struct pt_serve_method pt_serve_watch;                                      /* watch.c */
extern const struct pt_serve_method pt_serve_backup;                                     /* backup.c */
extern const struct pt_serve_method pt_serve_health_check, pt_serve_health_watch;        /* health.c */
extern const struct pt_serve_method pt_serve_reflection_v1, pt_serve_reflection_v1alpha; /* reflection.c */
extern const struct pt_serve_method pt_serve_edge_sync;                                  /* edge.c */
extern const struct pt_serve_method pt_serve_query_audit, pt_serve_report_denied;        /* audit.c */
extern const struct pt_serve_method pt_serve_issue_key, pt_serve_test_permissions;       /* keys.c */

/* changeset.c */
extern const struct pt_serve_method pt_serve_plan_change, pt_serve_read_staged, pt_serve_apply_change;
extern const struct pt_serve_method pt_serve_confirm_change, pt_serve_roll_back_change;
extern const struct pt_serve_method pt_serve_list_revisions, pt_serve_restore_revision;
void pt_serve_abandon_asked(struct pt_controller *controller); /* before the calls themselves */
/* pending.c: change sets that wait for their confirmation; the leader ends what is late, or cuts nodes off. */
void pt_pending_tick(struct pt_controller *controller);
/* session.c: delete what has been over for long. */
void pt_sessions_tick(struct pt_controller *controller);
void pt_pending_forget(struct pt_controller *controller); /* this node leads no more, or closes */
/* Add the organizations with a change set that waits: name -> uint32_t, how long a node may be away, ms; in the arena.
 */
void pt_pending_trials(struct pt_controller *controller, struct pt_arena *arena, struct pt_map *trials);
/* Names of the connected edges below an organization, ascending, in the arena; at most PT_PENDING_EDGES_MAX. */
#define PT_PENDING_EDGES_MAX 4096
const char *const *pt_pending_connected(struct pt_controller *controller, const char *organization,
                                        struct pt_arena *arena, size_t *ret_len);

/* ---- authn.c: who calls --------------------------------------------------------------------------------------- */
/* Fill call->caller from certificate, token or (of controllers) metadata. PT_UNAUTHENTICATED when what was presented is
 * not good, or not good any more. */
PT_MUST enum pt_code pt_serve_authenticate(struct pt_serve_call *call, struct pt_error *reterr);
/* The same without a call of the rpc port: certificate's identity or NULL, authorization field or "". */
PT_MUST enum pt_code pt_serve_identify(struct pt_serve_call *call, const struct pt_identity *peer,
                                       const char *authorization, struct pt_error *reterr);
/* A forwarded call: who a controller says it is. more: patronus.v1.Caller. */
PT_MUST enum pt_code pt_serve_believe(struct pt_serve_call *call, const char *principal, struct pt_bytes more,
                                      struct pt_error *reterr);
/* Is the certificate of the key that the node enrolled with last? PT_UNAUTHENTICATED. */
PT_MUST enum pt_code pt_serve_key_current(struct pt_controller *controller, const struct pt_identity *peer,
                                          struct pt_error *reterr);
/* The digest under which an API key is stored (reseal.c). */
PT_MUST enum pt_code pt_serve_key_digest(struct pt_controller *controller, const char *key,
                                         struct pt_digest *ret_digest, struct pt_error *reterr);
#define PT_SERVE_KEY_PREFIX "ptk1_"
/* End the streams of callers who are revoked now, or whose credential has expired. */
void pt_serve_judge_streams(struct pt_controller *controller);

/* ---- oidc.c: tokens of identity providers --------------------------------------------------------------------- */
struct pt_oidc;
struct pt_oidc *pt_oidc_new(struct pt_controller *controller);
void pt_oidc_free(struct pt_oidc *oidc); /* NULL is fine; waits for what is fetched */
void pt_oidc_tick(struct pt_oidc *oidc);
/* wanted: name of the provider, "" for the one that fits. PT_UNAUTHENTICATED; PT_UNAVAILABLE before the keys came. */
PT_MUST enum pt_code pt_oidc_authenticate(struct pt_serve_call *call, const char *token, const char *wanted,
                                          struct pt_error *reterr);

/* ---- audit.c: calls that are recorded and change nothing -------------------------------------------------------- */
struct pt_denied *pt_denied_new(struct pt_controller *controller);
void pt_denied_close(struct pt_denied *denied);   /* answer who waits */
void pt_denied_free(struct pt_denied *denied);    /* NULL is fine */
void pt_denied_abandon(struct pt_denied *denied); /* what was under way will not be heard of */
/* Count a refusal that is answered elsewhere. */
void pt_serve_note_denied(struct pt_serve_call *call, const char *resource, const struct pt_error *error);
/* pt_serve_fail; a refusal for want of a right is recorded first. request may be NULL. */
void pt_serve_fail_recorded(struct pt_serve_call *call, const struct pt_msg *request, const struct pt_error *error);

/* A call that is carried out, and changes nothing in the state, is recorded first: who asked, its method, the resource.
 * `done` is called when that stands in the log, or cannot. */
void pt_serve_record(struct pt_serve_call *call, const char *resource,
                     void (*done)(struct pt_serve_call *call, const struct pt_verdict *verdict));

/* ---- limits.c: requests and streams of tenants ---------------------------------------------------------------- */
struct pt_limits *pt_limits_new(void);
void pt_limits_free(struct pt_limits *limits); /* NULL is fine */
void pt_limits_tick(struct pt_controller *controller);
/* PT_EXHAUSTED with a retry delay, and how long the refusal itself is to wait; 0: it goes out at once. */
PT_MUST enum pt_code pt_limits_request(struct pt_controller *controller, const struct pt_caller *caller,
                                       uint64_t *ret_hold_ns, struct pt_error *reterr);
PT_MUST enum pt_code pt_limits_open_stream(struct pt_controller *controller, const struct pt_caller *caller,
                                           struct pt_error *reterr);
void pt_limits_close_stream(struct pt_controller *controller, const struct pt_caller *caller);
/* Of requests in the last full second, or of open streams, at this controller; what is below the organization counts.
 */
uint64_t pt_limits_usage(const struct pt_controller *controller, const char *organization, enum pt_quota metric);

/* ---- shed.c: refusals that wait ---------------------------------------------------------------------------------- */
struct pt_shed *pt_shed_new(struct pt_controller *controller);
void pt_shed_free(struct pt_shed *shed); /* NULL is fine; no call is held any more */
/* In on_call, of a call that no handler has seen: refuse it after hold_ns, or half of its deadline. False: refuse it
 * now, for it would hardly wait, or too many do. */
bool pt_shed_hold(struct pt_serve_call *call, uint64_t hold_ns, const struct pt_error *error);
void pt_shed_forget(struct pt_serve_call *call);        /* it is over; fine when it is not held */
void pt_shed_release(struct pt_controller *controller); /* refuse all that wait, now */

/* ---- fair.c: whose change is proposed next --------------------------------------------------------------------- */
struct pt_fair *pt_fair_new(struct pt_controller *controller);
void pt_fair_free(struct pt_fair *fair); /* NULL is fine */
/* True when the mutation waits for its turn, or was refused for want of room: it is answered later, or is. */
bool pt_fair_wait(struct pt_serve_call *call, struct pt_bytes request);
/* A call's proposal is under way; it has its verdict. */
void pt_fair_proposed(struct pt_controller *controller);
void pt_fair_decided(struct pt_controller *controller);
/* What waits joins the calls that wait for a leader. */
void pt_fair_drain(struct pt_controller *controller);

/* ---- forward.c ------------------------------------------------------------------------------------------------ */
/* Send the whole call to the leader and pass its answer on. */
void pt_serve_forward(struct pt_serve_call *call, struct pt_bytes request);
/* Its caller is gone: the leader need not answer it any more. */
void pt_serve_forward_end(struct pt_serve_call *call);
/* A call of this controller's own to the leader. False when no leader is known: fn is not called then. */
bool pt_serve_ask_leader(struct pt_controller *controller, const char *method, struct pt_bytes request,
                         uint64_t deadline_ms, pt_rpc_reply_fn fn, void *arg);
/* Calls under way end now. */
void pt_serve_forward_reset(struct pt_controller *controller);
/* Certificate, leader or its address changed: new calls take a new channel, those under way finish on the old one. */
void pt_serve_forward_renew(struct pt_controller *controller);
/* Calls under way to one that led once end with LEADER_CHANGED when they have had their time; call now and then. */
void pt_serve_forward_drain(struct pt_controller *controller);
void pt_serve_forward_abandon(struct pt_controller *controller);
/* Name of the controller with a Raft id, and one of its addresses by field ("api_address"); "" when unknown. Lives in
 * the arena. */
const char *pt_serve_controller_name(struct pt_controller *controller, uint64_t raft_id, struct pt_arena *arena);
const char *pt_serve_controller_field(struct pt_controller *controller, uint64_t raft_id, const char *field,
                                      struct pt_arena *arena);

/* ---- founding.c ----------------------------------------------------------------------------------------------- */
void pt_serve_found_state(struct pt_controller *controller);
void pt_serve_renew_self(struct pt_controller *controller);
/* A leaf of this controller by the authority in a state, for its own key. */
PT_MUST enum pt_code pt_serve_own_leaf(struct pt_controller *controller, uint32_t state, struct pt_buf *ret_cert,
                                       struct pt_error *reterr);
/* A new own leaf by the authority that issues, in force together with these trusted ones. */
PT_MUST enum pt_code pt_serve_renew_under(struct pt_controller *controller, const char *ca_pem,
                                          struct pt_error *reterr);

/* ---- trust.c, rotate.c, reseal.c: authorities ------------------------------------------------------------------ */
struct pt_trust;
struct pt_trust *pt_trust_new(struct pt_controller *controller);
void pt_trust_free(struct pt_trust *trust); /* NULL is fine */
void pt_trust_tick(struct pt_controller *controller);
/* A person's certificate was presented. */
void pt_trust_seen(struct pt_controller *controller, const struct pt_identity *peer);
/* Open a sealed value of the state, with the seal key or the next one. */
PT_MUST enum pt_code pt_serve_unseal_value(struct pt_controller *controller, const char *context,
                                           struct pt_bytes sealed, struct pt_buf *out, struct pt_error *reterr);
extern const struct pt_serve_method pt_serve_list_authorities, pt_serve_rotate_authority; /* rotate.c */
extern const struct pt_serve_method pt_serve_report_trust, pt_serve_reseal_secrets;
extern const struct pt_serve_method pt_serve_issue_credential; /* credential.c */

/* ---- members.c: the configuration follows the Controller resources -------------------------------------------- */
void pt_serve_members_tick(struct pt_controller *controller);
/* Would an Update or Delete of a Controller leave fewer answering voters than a majority? The leader's own knowledge:
 * the state knows who should be there, not who is. *ret_wait: not known yet; ask again with the next tick. */
PT_MUST enum pt_code pt_serve_members_check(struct pt_serve_call *call, const struct pt_msg *request, bool *ret_wait,
                                            struct pt_error *reterr);

/* ---- health.c ------------------------------------------------------------------------------------------------- */
void pt_serve_health_changed(struct pt_controller *controller);
/* Does this node know who leads, and has it heard of that one lately? */
bool pt_serve_leader_heard(const struct pt_controller *controller);

/* ---- http.c: the HTTP listener; metrics.c: what it says ---------------------------------------------------------- */
struct Patronus__V1__Telemetry;
PT_MUST enum pt_code pt_serve_open_http(struct pt_controller *controller, struct pt_error *reterr);
void pt_metrics_write(struct pt_controller *controller, struct pt_buf *out);
void pt_metrics_drops(struct pt_controller *controller, const char *edge,
                      const struct Patronus__V1__Telemetry *telemetry);
/* What each edge dropped since its programs were loaded, and in the last 30 to 60 seconds. */
void pt_metrics_each_drop(const struct pt_controller *controller,
                          void (*fn)(void *arg, const char *edge, uint32_t reason, uint64_t packets, uint64_t recent),
                          void *arg);
void pt_metrics_forget(struct pt_controller *controller); /* what edges reported last: another node hears them now */

/* ---- soft.c: what nodes measure, and the views ---------------------------------------------------------------- */
struct pt_soft_store *pt_soft_new(struct pt_controller *controller);
void pt_soft_free(struct pt_soft_store *soft);
/* Replace the bounds on what is kept: beyond them telemetry of what is not known yet is dropped. For tests. */
void pt_soft_set_limits(struct pt_soft_store *soft, size_t paths_len_max, size_t demands_len_max);
void pt_soft_clear(struct pt_soft_store *soft);
/* What a report changed of what the plan is told; the greater matters sooner. */
enum pt_soft_change { PT_SOFT_SAME, PT_SOFT_QUALITY, PT_SOFT_ALIVE, PT_SOFT_DEAD };
enum pt_soft_change pt_soft_telemetry(struct pt_soft_store *soft, const char *edge,
                                      const struct Patronus__V1__Telemetry *telemetry);
/* Forget what the newest plan has no place for. */
void pt_soft_sweep(struct pt_soft_store *soft);
/* The plan has new bundles: forget what nodes said of paths that are not theirs. */
void pt_soft_sweep(struct pt_soft_store *soft);
/* A copy for a compute pass, in its arena. */
struct pt_soft;
const struct pt_soft *pt_soft_copy(struct pt_soft_store *soft, struct pt_arena *arena);
/* What a node reported of a path last; false: nothing. The arrays stay until the next report. */
struct te_measure;
bool pt_soft_measured(struct pt_soft_store *soft, uint64_t path_id, struct te_measure *ret_measure);
/* Every cell of the measured traffic matrix. */
struct te_series;
void pt_soft_matrix(struct pt_soft_store *soft,
                    void (*fn)(void *arg, const char *edge, uint32_t site_label, uint32_t traffic_class,
                               const struct te_series *series),
                    void *arg);
struct pt_soft_overlay pt_soft_overlay(struct pt_controller *controller);

/* ---- soft_inspection.c: applications of hosts' flows, in a map of the soft store ------------------------------- */
void pt_soft_take_inspection(struct pt_controller *controller, struct pt_map *inspections, const char *edge,
                             const struct Patronus__V1__Telemetry *telemetry);
void pt_soft_clear_inspections(struct pt_map *inspections);
void pt_soft_overlay_inspection(struct pt_controller *controller, const struct pt_map *inspections,
                                struct pt_msg *resource, struct pt_arena *arena);
/* Sums over all edges, for /metrics; nothing when this node does not lead. */
void pt_soft_put_inspections(const struct pt_map *inspections, struct pt_buf *out);
void pt_soft_metrics(const struct pt_soft_store *soft, struct pt_buf *out);
/* Hosts found no port on the link in the last minute. */
bool pt_soft_lacks_ports(const struct pt_soft_store *soft, const struct pt_msg *link);

/* ---- soft_class.c: queues of links, in a map of the soft store ------------------------------------------------- */
void pt_soft_take_links(struct pt_controller *controller, struct pt_map *links, const char *edge,
                        const struct Patronus__V1__Telemetry *telemetry);
void pt_soft_clear_links(struct pt_map *links);
void pt_soft_overlay_classes(struct pt_controller *controller, const struct pt_map *links, struct pt_msg *resource,
                             struct pt_arena *arena);

/* A node is believed about its own site: does the name of a link or the like stand below the site of the edge? */
bool pt_soft_is_of_site(const char *name, const char *edge);

/* ---- soft_translation.c: links that hosts leave by, in a map of the soft store --------------------------------- */
void pt_soft_take_translations(struct pt_controller *controller, struct pt_map *translations, const char *edge,
                               const struct Patronus__V1__Telemetry *telemetry);
void pt_soft_clear_translations(struct pt_map *translations);
void pt_soft_overlay_translation(struct pt_controller *controller, const struct pt_map *translations,
                                 struct pt_msg *resource, struct pt_arena *arena);
bool pt_soft_refuses_ports(struct pt_controller *controller, const struct pt_map *translations,
                           const struct pt_msg *link);
void pt_soft_put_translations(struct pt_controller *controller, const struct pt_map *translations, struct pt_buf *out);

/* ---- edge.c: sessions of nodes -------------------------------------------------------------------------------- */
struct pt_bundle;
struct pt_edge_session {
    struct pt_list node;
    struct pt_controller *controller;
    struct pt_serve_call *call;
    char edge[PT_NAME_SIZE_MAX + 1]; /* Edge resource */
    bool greeted;                    /* its hello came */
    bool closed;                     /* its end was asked for; in no list any more */
    char version[64];
    struct pt_digest reported; /* digest in force at the node */
    struct pt_bundle *acked;   /* in force at the node, when it is one of ours */
    struct pt_bundle *sent;    /* under way */
    uint64_t sent_generation, acked_generation;
    uint64_t sent_at_ns;
    bool clock_known;                       /* it says what time it has */
    int64_t clock_ms;                       /* its clock less ours, when its newest report came */
    uint64_t sent_revision, acked_revision; /* of the state that what was sent or is in force was computed from */
    uint64_t sent_te_epoch, acked_te_epoch; /* of the solution, likewise */
    uint64_t last_seen_wall_ns;
    uint64_t retry_at_ns; /* after a refusal */
    bool refused;         /* the newest bundle that it answered to */
    uint64_t after_pass;  /* bundles of earlier passes are not for it: pt_push_learn */
    /* What it trusts and who signed its certificate, as it said last. */
    bool trust_reported;
    struct pt_digest trust;
    char issuer[PT_KEY_ID_SIZE + 1];
    int64_t leaf_end_wall_ns;
    struct pt_digest key_digest;     /* of the certificate that opened the stream */
    struct pt_digest tunnel_key;     /* as it said last: the 32 bytes themselves */
    uint64_t tunnel_key_at_ns;       /* when to see again whether the state says so; 0: it does, or none was said */
    uint64_t tunnel_key_proposed_ns; /* when one was proposed last; 0: never */
};
struct Patronus__V1__NodeQuestion;
/* Ask a node; false: its stream is full or over. */
bool pt_edge_ask(struct pt_edge_session *session, const struct Patronus__V1__NodeQuestion *question);
/* What its tunnels' key is becomes part of the state, so that every leader can tell the others; a proposal that is lost
 * is made again. Does nothing before it is due. */
void pt_edge_tell_key(struct pt_edge_session *session);
/* Session of an Edge resource; NULL. */
struct pt_edge_session *pt_edge_find(struct pt_controller *controller, const char *edge);
/* Id of the Path resource of this name; 0: there is none (ids are digests and never 0 in practice). */
uint64_t pt_serve_path_id(struct pt_controller *controller, const char *name, struct pt_arena *arena);
/* The connected edge that the path begins at; NULL. */
struct pt_edge_session *pt_serve_path_session(struct pt_controller *controller, uint64_t path);
/* This node leads no more: tell the nodes where to go. */
void pt_edge_leave_all(struct pt_controller *controller);
/* An Edge changed, or (edge NULL) this node may now read all of the state: end sessions of nodes that are not enrolled.
 */
void pt_edge_check(struct pt_controller *controller, const char *edge);
/* Authorities changed. */
void pt_edge_send_trust(struct pt_controller *controller, struct pt_edge_session *only);
/* Controllers' addresses changed. */
void pt_edge_send_controllers(struct pt_controller *controller, struct pt_edge_session *only);

struct Patronus__V1__ControllerMessage;
void pt_edge_send(struct pt_edge_session *session, const struct Patronus__V1__ControllerMessage *message);

/* ---- bandwidth.c: measurements by nodes ------------------------------------------------------------------------ */
extern const struct pt_serve_method pt_serve_measure_bandwidth;
struct Patronus__V1__BandwidthReport;
void pt_bandwidth_take(struct pt_edge_session *session, const struct Patronus__V1__BandwidthReport *report);
void pt_bandwidth_tick(struct pt_controller *controller);    /* who waited too long is told so */
void pt_bandwidth_forget(struct pt_controller *controller);  /* this node leads no more, or closes */
void pt_bandwidth_abandon(struct pt_controller *controller); /* before the calls themselves */

/* ---- push.c: plan and bundles --------------------------------------------------------------------------------- */
struct pt_push *pt_push_new(struct pt_controller *controller);
void pt_push_free(struct pt_push *push);
void pt_push_dirty(struct pt_push *push);
/* The same for what nodes measured: dead paths soon, quality on an interval, so that load does not drive the plan. */
void pt_push_measured(struct pt_push *push, enum pt_soft_change change);
void pt_push_role_changed(struct pt_push *push);
struct Patronus__V1__NodeHello;
/* A node says which splits it has in force: until this leader has measured the traffic itself, they stay; so the node
 * gets no bundle that was planned before this was known. */
void pt_push_learn(struct pt_push *push, struct pt_edge_session *session, const struct Patronus__V1__NodeHello *hello);
/* Send the node what it lacks; true when something was sent. */
bool pt_push_session(struct pt_push *push, struct pt_edge_session *session);
uint64_t pt_push_generation(const struct pt_push *push);
/* May the node speak of this path, and of traffic to this site? Yes when they stand in its newest bundle, and before
 * the first pass, when nobody knows. */
bool pt_push_may_report(const struct pt_push *push, const char *edge, uint64_t path_id);
/* True when a change of a path that the node may report of can change the plan: the path is a single tunnel, for longer
 * ones are judged by theirs. */
bool pt_push_plans_by(const struct pt_push *push, const char *edge, uint64_t path_id);
bool pt_push_reaches(const struct pt_push *push, const char *edge, uint32_t site_label);
/* Results of the newest pass, for views; NULL before the first. */
struct pt_plan_pass;
const struct pt_plan_pass *pt_push_pass(const struct pt_push *push);

/* ---- ask.c: questions about the newest pass, and what waits for the nodes -------------------------------------- */
#define PT_PUSH_ASKING_MAX 32
#define PT_PUSH_SOLUTIONS_LEN 16
/* Answer a question on a worker: work reads the pass, done runs on the loop. PT_UNAVAILABLE before the first pass,
 * PT_EXHAUSTED when too many are under way. */
PT_MUST enum pt_code pt_push_ask(struct pt_push *push, void (*work)(void *arg, const struct pt_plan_pass *pass),
                                 void (*done)(void *arg), void *arg, struct pt_error *reterr);
/* Plan a state that is not, and compare it with the newest pass: what would change for the nodes of an organization.
 * Takes the view, also when it fails. fn runs on the loop. */
struct pt_push_try_node {
    const char *edge;
    uint32_t entries;
};
struct pt_push_try {
    const struct pt_push_try_node *nodes; /* ascending by edge */
    size_t nodes_len;
    uint32_t groups; /* next-hop groups that differ */
    const char *const *warnings;
    size_t warnings_len;
};
PT_MUST enum pt_code pt_push_try(struct pt_push *push, struct pt_view *view, const char *organization,
                                 void (*fn)(void *arg, const struct pt_push_try *result, const struct pt_error *error),
                                 void *arg, struct pt_error *reterr);
/* The view of the newest pass; NULL before the first. */
struct pt_view *pt_push_view(const struct pt_push *push);
/* Call fn when every connected node has in force what was computed from this revision or a later one, and traffic that
 * moves in steps has taken the last: nodes is how many. Else PT_DEADLINE_EXCEEDED, or PT_ABORTED when this node leads
 * no more. */
struct pt_push_wait {
    struct pt_list node;
    uint64_t revision;
    uint64_t deadline_ns;
    void (*fn)(void *arg, enum pt_code code, uint32_t nodes);
    void *arg;
};
void pt_push_wait(struct pt_push *push, struct pt_push_wait *wait);
/* A node acknowledged a bundle. */
void pt_push_acked(struct pt_push *push);
/* Bring a link or site back a quarter at a time, within PT_PUSH_RAMP_MS; it began so long ago. */
#define PT_PUSH_RAMP_MS 8000
void pt_push_ramp(struct pt_push *push, const char *name, uint64_t age_ns);
/* The newest solutions: index 0 is the newest; NULL past the last. What they were computed from is kept of the newest
 * that are PT_PUSH_SOLUTIONS_SIZE_MAX bytes together, and of others what came out. A reference for a question that a
 * worker answers; given back on the loop. */
#define PT_PUSH_SOLUTIONS_SIZE_MAX (64U << 20)
struct te_packed;
struct pt_push_solution;
struct pt_push_solution *pt_push_solution_ref(const struct pt_push *push, size_t index);
const struct te_packed *pt_push_solution_packed(const struct pt_push_solution *solution);
void pt_push_solution_unref(struct pt_push_solution *solution); /* NULL is fine */

/* ---- te.c: what if, drain, explain, matrix -------------------------------------------------------------------- */
extern const struct pt_serve_method pt_serve_what_if, pt_serve_explain_demand, pt_serve_traffic_matrix;
extern const struct pt_serve_method pt_serve_list_solutions, pt_serve_drain, pt_serve_undrain;
extern const struct pt_serve_method pt_serve_simulate_steering, pt_serve_find_shadowed;

/* ---- warn.c: rules that never decide -------------------------------------------------------------------------- */
#define PT_SERVE_WARNINGS_MAX 64
/* The answer of a validate_only call: conditions are added to a SteeringPolicy; others stay as they are. */
void pt_serve_warn(struct pt_serve_call *call, struct pt_buf *reply);
/* Sentences about an organization's state as a pass has it, in the arena. */
const char *const *pt_serve_plan_warnings(const struct pt_plan_pass *pass, const char *organization,
                                          struct pt_arena *arena, size_t *ret_len);

/* ---- explain.c: questions that only edges can answer ----------------------------------------------------------- */
extern const struct pt_serve_method pt_serve_explain_flow, pt_serve_explain_drop;
struct Patronus__V1__NodeAnswer;
/* An answer came; takes it. */
void pt_explain_answer(struct pt_controller *controller, const char *edge, struct Patronus__V1__NodeAnswer *answer);
/* This node leads no more, or closes: answer who waits. */
void pt_explain_forget(struct pt_controller *controller);
void pt_explain_abandon(struct pt_controller *controller); /* before the calls themselves */
/* ---- classify.c: a capture's applications ---------------------------------------------------------------------- */
extern const struct pt_serve_method pt_serve_classify;

/* ---- diagnose.c: what edges look at because somebody asks ------------------------------------------------------ */
extern const struct pt_serve_method pt_serve_ping, pt_serve_traceroute, pt_serve_capture, pt_serve_probe_path;
extern const struct pt_serve_method pt_serve_diagnose_site; /* doctor.c */
/* A report came. False: it is no diagnostic's. */
bool pt_diagnose_answer(struct pt_controller *controller, const char *edge,
                        const struct Patronus__V1__NodeAnswer *answer);
/* This node leads no more, or closes; an edge's stream ended. */
void pt_diagnose_forget(struct pt_controller *controller);
void pt_diagnose_gone(struct pt_controller *controller, const char *edge);

/* ---- ca.c ----------------------------------------------------------------------------------------------------- */
/* Sign a leaf for a node, by the authority that issues. not_after_ns 0: PT_SERVE_LEAF_NS from now. */
PT_MUST enum pt_code pt_serve_sign(struct pt_controller *controller, const char *spiffe_id, struct pt_bytes csr,
                                   const char *const *addresses, size_t addresses_len, int64_t not_after_ns,
                                   struct pt_buf *ret_cert_pem, struct pt_error *reterr);
/* The same by the authority in a state: RETIRING, for those who trust nothing newer. */
PT_MUST enum pt_code pt_serve_sign_by(struct pt_controller *controller, uint32_t state, const char *spiffe_id,
                                      struct pt_bytes csr, const char *const *addresses, size_t addresses_len,
                                      int64_t not_after_ns, struct pt_buf *ret_cert_pem, struct pt_error *reterr);
/* The bundle signing seed. */
PT_MUST enum pt_code pt_serve_bundle_key(struct pt_controller *controller, uint8_t seed[PT_SIGN_PRIVATE_SIZE],
                                         struct pt_error *reterr);
