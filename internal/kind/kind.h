/*
 * Kinds: the registry, and the one life of every change: authorise -> check -> propose -> apply -> watch.
 *
 * A kind is a message with resource rules plus, where it has behaviour, a `struct pt_kind` of its mod. Everything else
 * is derived from the schema. The machine here implements struct pt_machine on a store.
 *
 * Apply is a function of (entry, store) alone. It uses no clock, random, environment, float, locale or role.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/planted.h"
#include "store/store.h"
#include "wire/msg.h"
#include "wire/schema.h"

/* ---- what a mod declares -------------------------------------------------------------------------------------- */

struct pt_view; /* read access to the state for checks: below */

struct pt_change { /* one resource, as it was and as it would be */
    const struct pt_message_type *kind;
    const char *name;
    const struct pt_msg *before; /* NULL on create */
    const struct pt_msg *after;  /* NULL on delete; DERIVED fields may still be set by derive() */
    /* The leader's fast check, of what is in no log yet. False in apply, and where a former state is put back: there a
     * rule counts only if every binary of this cluster level has it. A rule that came later asks for this first. */
    bool proposed;
};

struct pt_kind {
    const char *message; /* "patronus.v1.Segment" */
    /* Rules that the schema cannot say. Pure. Runs on the leader (fast no) and again in apply (the verdict). */
    enum pt_code (*check)(struct pt_view *view, const struct pt_change *change, struct pt_error *reterr);
    /* Set DERIVED fields of `after` on create or update: allocations and the like. Runs in apply only. */
    enum pt_code (*derive)(struct pt_store *store, const struct pt_change *change, struct pt_msg *after,
                           struct pt_arena *arena, struct pt_error *reterr);
    /* Singular of a kind. A frozen view, and so the plan, has one of these only when it has one of that kind below it.
     * NULL: always. */
    const char *frozen_with;
};

struct pt_stage; /* plan/plan.h */

struct pt_mod {
    const char *name;
    const char *const *needs;             /* names of mods, NULL-terminated; may be NULL */
    const struct pt_kind *const *kinds;   /* NULL-terminated; may be NULL */
    const struct pt_stage *const *stages; /* NULL-terminated; may be NULL */
};

/* ---- views ---------------------------------------------------------------------------------------------------- */

/* The parsed resource, in the view's arena; NULL when it does not exist (or is not in a frozen view: frozen_with). */
const struct pt_msg *pt_view_get(struct pt_view *view, const char *name);
/* Every resource of a kind below a parent ("" for all), ascending by name. */
void pt_view_scan(struct pt_view *view, const char *kind_singular, const char *parent,
                  bool (*fn)(void *arg, const char *name, const struct pt_msg *msg), void *arg);
/* How many of a kind a frozen view holds, to make room for them at once; 0 of one that is not frozen. */
size_t pt_view_count(const struct pt_view *view, const char *kind_singular);
const struct pt_schema *pt_view_schema(const struct pt_view *view);
/* The time of the command that is being checked or applied; outside of one, of the last command. Never falls from one
 * command to the next. */
int64_t pt_view_time_ns(const struct pt_view *view);

/* ---- machine -------------------------------------------------------------------------------------------------- */

struct pt_machine_kind; /* the replicated state machine of this node */

struct pt_watch_event { /* as in HistoryEvent */
    uint64_t revision;
    uint32_t ordinal;
    uint32_t verb; /* Patronus__V1__Verb */
    uint32_t kind_id;
    const char *name;
    struct pt_bytes resource;
};

/* Called on the loop after each committed batch: (0 events: only the applied index moved). Events are borrowed. */
typedef void (*pt_applied_fn)(void *arg, uint64_t applied_index, const struct pt_watch_event *events, size_t len);

struct pt_kind_options {
    struct pt_sys *sys;
    const struct pt_schema *schema;
    const struct pt_mod *const *mods; /* NULL-terminated, in order of need */
    const char *store_path;
    const struct pt_log *log;
    uint64_t history_len_max; /* 0: PT_HISTORY_LEN_DEFAULT */
    uint32_t level_max;       /* 0: PT_CLUSTER_LEVEL_MAX; lower: as an older binary */
    enum pt_planted planted;  /* simulator only, see base/planted.h */
};

/* ---- quotas of tenants ------------------------------------------------------------------------------------------ */

/* Fields of patronus.v1.Quotas, in order of number, from 1. */
enum pt_quota {
    PT_QUOTA_SITES,
    PT_QUOTA_EDGES,
    PT_QUOTA_TUNNELS,
    PT_QUOTA_POLICIES,
    PT_QUOTA_MODELS,
    PT_QUOTA_BYTES, /* up to here counted in the state */
    PT_QUOTA_REQUESTS,
    PT_QUOTA_STREAMS,
    PT_QUOTA_LEN
};
const char *pt_quota_name(enum pt_quota metric);
enum pt_quota pt_quota_by_name(const char *name); /* PT_QUOTA_LEN when there is none */
/* Limit in force (0: none) and usage of the organization that a name is or stands below. False when there is none. */
struct pt_machine_kind;
bool pt_quota_usage(const struct pt_machine_kind *machine, const char *organization, enum pt_quota metric,
                    uint64_t *ret_limit, uint64_t *ret_usage);

/* For an organization's limit of a metric and those of the organizations above it: false stops. */
void pt_quota_each(const struct pt_machine_kind *machine, const char *organization, enum pt_quota metric,
                   bool (*fn)(void *arg, const char *name, uint64_t limit), void *arg);

/* ---- limits and replicated values ----------------------------------------------------------------------------- */

#define PT_HISTORY_LEN_DEFAULT 200000    /* events kept for Watch, audit records among them */
#define PT_HISTORY_SIZE_MAX (256U << 20) /* bytes of them */
#define PT_REPLIES_LEN_MAX 16384         /* replies kept by request id */
#define PT_VERDICTS_LEN_MAX 8192         /* verdicts kept in memory for proposers */
#define PT_DELETE_LEN_MAX 10000          /* most resources that one forced Delete removes */
#define PT_TRANSACTION_EVENTS_MAX 100000 /* most resources that one transaction changes */
#define PT_CLUSTER_LEVEL_MAX 4           /* highest cluster level that this binary supports: docs/mod/operation.md */
#define PT_LEVEL_MOVES 3   /* from here on: a move gives nothing that the mover lacks; tunnels by difference */
#define PT_LEVEL_RETURNS 4 /* from here on: an undelete gives nothing that the caller lacks, below the same parent */

#define PT_META_CLUSTER_ID "cluster.id"       /* text */
#define PT_META_AUDIT_HEAD "audit.head"       /* 8 bytes number of the newest audit record, 32 bytes its SHA-256 */
#define PT_META_CLUSTER_EPOCH "cluster.epoch" /* 8 bytes big-endian; absent means 0; raised by a restore */
#define PT_META_CLUSTER_LEVEL "cluster.level" /* 4 bytes big-endian; absent means 1 */

PT_MUST enum pt_code pt_kind_open(const struct pt_kind_options *options, struct pt_machine_kind **ret_machine,
                                  struct pt_error *reterr);
void pt_kind_close(struct pt_machine_kind *machine);
void pt_kind_abandon(struct pt_machine_kind *machine); /* after a simulated crash */
struct pt_store *pt_kind_store(struct pt_machine_kind *machine);
const struct pt_schema *pt_kind_schema(const struct pt_machine_kind *machine);
/* More than one may listen; order of adding. */
void pt_kind_on_applied(struct pt_machine_kind *machine, pt_applied_fn fn, void *arg);

/* The functions behind struct pt_machine (raft/raft_node.h); cmd/ and sim/ connect them.
 *
 * Apply fails only when this node must stop: PT_IO or PT_NO_SPACE (the disk), PT_CORRUPT (an entry of a format, kind or
 * field that this binary does not know; a state digest that differs from the leader's). Nothing is skipped. */
struct pt_log_entry {
    uint64_t index, term;
    struct pt_bytes data;
};
PT_MUST enum pt_code pt_kind_apply(struct pt_machine_kind *machine, const struct pt_log_entry *entries, size_t len,
                                   uint64_t acked_index, const struct pt_digest *log_hash, struct pt_error *reterr);
PT_MUST enum pt_code pt_kind_restore(struct pt_machine_kind *machine, const char *path, struct pt_error *reterr);

/* Verdict of an entry, kept for the newest PT_VERDICTS_LEN_MAX applied entries and at most 8 MiB of replies behind the
 * newest batch: what the proposer answers. The reply is the canonical resource without secrets (a transaction of one
 * create or update; enrolment), a DeleteResponse (one delete), or empty. */
struct pt_verdict {
    struct pt_error error; /* code PT_OK when applied */
    struct pt_bytes reply; /* borrowed until the next apply */
    uint64_t revision;
};
/* Digest of the state at the newest of those entries at which every machine keeps it (each 16th); 0: none since it was
 * opened. What a leader puts through the log to be compared must be one of these. */
uint64_t pt_kind_digest(const struct pt_machine_kind *machine, struct pt_digest *ret_digest);
/* NULL when the entry is too old or was not a command. Valid until the next call or apply. */
const struct pt_verdict *pt_kind_verdict(const struct pt_machine_kind *machine, uint64_t index);

/* ---- requests -> commands ------------------------------------------------------------------------------------- */

/* Who asks. Borrowed; strings may be empty, but not NULL. */
struct pt_caller {
    /* "internal"; a SPIFFE id; organizations/acme/serviceAccounts/ci; organizations/acme/identityProviders/okta/users/u
     */
    const char *principal;
    const char *const *groups; /* of a user, full names */
    size_t groups_len;
    const char *api_key; /* name of the key that was presented */
    const char *source;  /* address that the call came from, as text without port */
};

struct pt_request_context {
    struct pt_caller caller;
    int64_t time_ns;         /* leader's stamp */
    uint64_t uid_hi, uid_lo; /* random, for a new uid */
};
/* Turn a parsed CRUD mutation request into a canonical Command in `out`, after the leader's fast check against the
 * current state. *ret_validate_only is set when nothing must be proposed because `reply` holds the answer: the request
 * asked for no change, or its request id has been answered before. */
PT_MUST enum pt_code pt_kind_prepare(struct pt_machine_kind *machine, const struct pt_method_type *method,
                                     const struct pt_msg *request, const struct pt_request_context *context,
                                     struct pt_buf *out, bool *ret_validate_only, struct pt_buf *reply,
                                     struct pt_error *reterr);
/* The same for a resource that is made by another method than Create: there is no request id, and secrets may be set.
 */
PT_MUST enum pt_code pt_kind_prepare_create(struct pt_machine_kind *machine, const struct pt_message_type *kind,
                                            const char *parent, const char *id, struct pt_msg *resource,
                                            const struct pt_request_context *context, struct pt_buf *out,
                                            struct pt_error *reterr);
/* The same for a step of a change set: ApplyChangeSet, ConfirmChangeSet, RollbackChangeSet. `edges`: names of those
 * that are connected, ascending. */
PT_MUST enum pt_code pt_kind_prepare_step(struct pt_machine_kind *machine, const struct pt_method_type *method,
                                          const struct pt_msg *request, const struct pt_request_context *context,
                                          const char *const *edges, size_t edges_len, struct pt_buf *out,
                                          bool *ret_answered, struct pt_buf *reply, struct pt_error *reterr);
/* The same for RestoreRevision, which is an update like any other. */
PT_MUST enum pt_code pt_kind_prepare_restore(struct pt_machine_kind *machine, const struct pt_msg *request,
                                             const struct pt_request_context *context, struct pt_buf *out,
                                             bool *ret_answered, struct pt_buf *reply, struct pt_error *reterr);
/* Other commands. `fill` style: the caller sets the op of a Patronus__V1__Command and this packs it canonically. */
struct Patronus__V1__Command;
void pt_kind_command(const struct Patronus__V1__Command *command, struct pt_buf *out);
/* The no-operation command for barriers. */
void pt_kind_noop(struct pt_buf *out);

/* Level of behaviour in force: 1 unless the state says more. What a binary of a lower level would not understand in the
 * log, a new operation or field, is proposed from its level on only. */
uint32_t pt_kind_level(struct pt_machine_kind *machine);
/* Highest that this node supports. */
uint32_t pt_kind_level_max(const struct pt_machine_kind *machine);

/* ---- access (the decisions themselves: access.h) -------------------------------------------------------------- */

/* Is the identity known and good now? PT_UNAUTHENTICATED: revoked, disabled, expired. */
PT_MUST enum pt_code pt_kind_authenticate(struct pt_machine_kind *machine, const struct pt_caller *caller,
                                          int64_t time_ns, struct pt_error *reterr);
/* The API key with that HMAC, and the account that it speaks for; strings in the arena. */
bool pt_kind_key_find(struct pt_machine_kind *machine, const char *hmac_hex, const char **ret_key,
                      const char **ret_account, struct pt_arena *arena);
/* May the caller call a method that is not CRUD, with this request? */
PT_MUST enum pt_code pt_kind_permit(struct pt_machine_kind *machine, const struct pt_caller *caller,
                                    const struct pt_method_type *method, const struct pt_msg *request, int64_t time_ns,
                                    struct pt_error *reterr);
/* May the caller make a credential for this identity? He must hold what it holds, wherever it is bound, and whoever
 * makes one that is above bindings must be so himself. */
PT_MUST enum pt_code pt_kind_may_issue(struct pt_machine_kind *machine, const struct pt_caller *caller,
                                       const char *principal, int64_t time_ns, struct pt_error *reterr);
/* Has he the permission at the organization that `name` is or is below ("" for the cluster), now? `resource` is the one
 * of that name, which conditions on labels look at; NULL when there is none: then they do not hold. */
bool pt_kind_test_permission(struct pt_machine_kind *machine, const struct pt_caller *caller, const char *permission,
                             const char *name, const struct pt_msg *resource, int64_t time_ns);
/* Reads and watches judge time by this node's clock: call it before them. */
void pt_kind_now(struct pt_machine_kind *machine, int64_t wall_ns);
/* Rises whenever a replicated value (SetMeta) may be another. */
uint64_t pt_kind_meta_revision(const struct pt_machine_kind *machine);
/* QueryAudit, from the current state. */
PT_MUST enum pt_code pt_kind_audit_query(struct pt_machine_kind *machine, const struct pt_method_type *method,
                                         const struct pt_msg *request, struct pt_buf *reply, struct pt_error *reterr);
/* Rises with every change after which an answer may be another. */
uint64_t pt_kind_access_revision(const struct pt_machine_kind *machine);

/* Reads: parsed Get and List requests answered from the current state. `overlay` sets SOFT fields (may be NULL). View
 * kinds are served by the overlay alone (list callback). */
struct pt_soft_overlay {
    void *context;
    void (*overlay)(void *context, struct pt_msg *resource, struct pt_arena *arena);
    /* Has it anything to set in resources of the kind? NULL: in all. */
    bool (*overlays)(const struct pt_message_type *kind);
    /* For views: call emit for each resource, ascending by name. */
    void (*list_view)(void *context, const struct pt_message_type *kind, struct pt_arena *arena,
                      void (*emit)(void *arg, struct pt_msg *resource), void *arg);
};
PT_MUST enum pt_code pt_kind_read(struct pt_machine_kind *machine, const struct pt_caller *caller,
                                  const struct pt_method_type *method, const struct pt_msg *request,
                                  const struct pt_soft_overlay *overlay, struct pt_buf *reply, struct pt_error *reterr);

/* ListRevisions, from the current state. */
PT_MUST enum pt_code pt_kind_revisions(struct pt_machine_kind *machine, const struct pt_caller *caller,
                                       const struct pt_method_type *method, const struct pt_msg *request,
                                       struct pt_buf *reply, struct pt_error *reterr);

/* ---- artifacts ------------------------------------------------------------------------------------------------ */

struct pt_kind_artifact { /* bytes that a version has, or would have again when its organization is brought back */
    const char *name;     /* of the ModelVersion */
    const char *digest;   /* 64 hexadecimal digits */
    uint64_t size;
    uint32_t state;         /* Patronus__V1__ArtifactState */
    const char *offered_by; /* name of a Controller, or "" */
    bool deleted;           /* with its organization, which may come back */
};
/* Everything that refers to bytes. Strings are borrowed for the call. */
PT_MUST enum pt_code pt_kind_artifacts(struct pt_machine_kind *machine,
                                       void (*fn)(void *arg, const struct pt_kind_artifact *artifact), void *arg,
                                       struct pt_error *reterr);

/* ---- change sets ---------------------------------------------------------------------------------------------- */

/* PlanChangeSet: the response, in the arena, without what concerns forwarding. ret_view may be NULL; else it gives a
 * copied view (pt_view_copy) of the state as it would be, or NULL when the changes would be refused. `previous`, a
 * frozen view or NULL, makes it cheap. */
struct pt_view;
PT_MUST enum pt_code pt_kind_plan(struct pt_machine_kind *machine, const struct pt_caller *caller,
                                  const struct pt_method_type *method, const struct pt_msg *request, int64_t time_ns,
                                  struct pt_view *previous, struct pt_arena *arena, struct pt_msg **ret_response,
                                  struct pt_view **ret_view, struct pt_error *reterr);
/* ReadStagedState. */
PT_MUST enum pt_code pt_kind_read_staged(struct pt_machine_kind *machine, const struct pt_caller *caller,
                                         const struct pt_method_type *method, const struct pt_msg *request,
                                         int64_t time_ns, struct pt_buf *reply, struct pt_error *reterr);
/* For a mod: may these stand in the change set of that name? */
PT_MUST enum pt_code pt_kind_staged_check(struct pt_view *view, const char *change_set,
                                          const struct pt_msg_field *changes, struct pt_error *reterr);

struct pt_pending { /* a change set that waits for its confirmation */
    char name[PT_NAME_SIZE_MAX + 1];
    char uid[40];
    uint64_t apply_revision;
    int64_t deadline_ns; /* in the state's time */
};
void pt_kind_pending_each(struct pt_machine_kind *machine, void (*fn)(void *arg, const struct pt_pending *pending),
                          void *arg);
/* Edges that were connected when it was applied, in the arena; and how long one may be away. PT_NOT_FOUND. */
PT_MUST enum pt_code pt_kind_pending_edges(struct pt_machine_kind *machine, const struct pt_pending *pending,
                                           struct pt_arena *arena, const char *const **ret_edges, size_t *ret_len,
                                           int64_t *ret_timeout_ns);
/* Time of the newest command. */
int64_t pt_kind_state_time(const struct pt_machine_kind *machine);

/* A view of the current state, for checks and for the plan. A frozen one holds no annotations, display names, uids,
 * etags and times of resources: no plan may depend on them. Lives until pt_view_free; reads the store lazily, so use
 * it within one loop turn, or freeze it (reads everything now; then any thread may read). */
struct pt_view *pt_view_new(struct pt_machine_kind *machine);
void pt_view_freeze(struct pt_view *view);
/* The half of freezing that needs the loop: copy what changed since `previous` (the newest frozen view, or NULL), or
 * everything. False: there is more to copy, call it again a turn later. pt_view_freeze then does the rest on any one
 * thread; until it has, the view gives nothing but its revision and time. Both views share what did not change. */
bool pt_view_copy(struct pt_view *view, struct pt_view *previous);
void pt_view_free(struct pt_view *view); /* any thread */
uint64_t pt_view_revision(const struct pt_view *view);

/* ---- watch
 * ------------------------------------------------------------------------------------------------------------
 *
 * First, when asked for, the state as of one revision as ADDED events and a BOOKMARK; then what happened since, in log
 * order. A resume token stands on the last event of a transaction only, and on bookmarks. With a filter on fields, a
 * change after which a resource does not fit is sent as DELETED, whether or not it fitted before: the history does not
 * hold what was there before, and a token must mean the same on every node. Views cannot be watched.
 */

struct pt_watch;
struct pt_watch_options {
    struct pt_bytes request; /* serialised WatchRequest */
    /* Who watches; NULL: the system. Copied. What he may not list does not come; when he may not watch any more, the
     * watch ends. */
    const struct pt_caller *caller;
    /* One serialised WatchEvent, borrowed. It is taken in any case; false says that the reader's queue is full now: the
     * watch pauses until pt_watch_resume, then goes on from history. Never called from within pt_watch_open. It must
     * not close the watch. */
    bool (*on_event)(void *arg, struct pt_bytes event);
    /* The watch ended (history compacted while it was paused, a store error): nothing follows; close it. May close it
     * from within. */
    void (*on_error)(void *arg, const struct pt_error *error);
    void *arg;
};
PT_MUST enum pt_code pt_watch_open(struct pt_machine_kind *machine, const struct pt_watch_options *options,
                                   struct pt_watch **ret_watch, struct pt_error *reterr);
void pt_watch_resume(struct pt_watch *watch);
void pt_watch_close(struct pt_watch *watch); /* NULL is fine */
/* Does anybody watch here? */
bool pt_kind_watched(const struct pt_machine_kind *machine);
