/*
 * The machine's insides, shared by the files of this folder. Private.
 *
 *   command.c   entry bytes <-> commands          enroll.c   a node joins
 *   machine.c   batches, verdicts, listeners      view.c     reading for checks and plans
 *   execute.c   one command                       prepare.c  requests -> commands
 *   mutate.c    create, update, delete            read.c     Get and List (filter.c, page.c)
 *   rules.c     what both check and apply ask     watch.c    streams of changes (token.c)
 *   tenant.c    organizations and their usage     quota.c    their limits
 *   trash.c     deleted organizations             revision.c what resources were (revision_read.c)
 *   changeset.c changes that apply together       staged.c   what stands in them (kept.c: taking back)
 *   trial.c     what a change would do            artifact.c  the bytes of model versions
 */
#pragma once

#include "base/list.h"
#include "base/map.h"
#include "kind/access.h"
#include "kind/kind.h"

#include <stdatomic.h>
#include "kind/tenant.h"

/* What is known of a kind beyond its schema; one for each kind id. */
struct pt_kind_info {
    const struct pt_message_type *type;
    const struct pt_kind *rules; /* behaviour from a mod, or NULL */
    bool has_secret;             /* a field at some depth is secret */
    bool has_reference;          /* a field at some depth names another resource */
    bool organization, link;     /* the kinds that quotas and access know by name */
    bool token;                  /* enrollmentToken */
    bool access;                 /* a kind that decides about access */
    bool change_set;             /* changeSet */
    bool artifact;               /* modelVersion: bytes of its size lie beside the state */
    bool staged;                 /* a kind that change sets hold */
    uint32_t frozen_with;        /* as in struct pt_kind, by id; 0: none */
    bool freezes_above;          /* another kind's frozen_with */
    size_t permissions[7];       /* numbers, by enum pt_verb */
    enum pt_quota quota;         /* what each one counts to; PT_QUOTA_LEN: nothing */
};

/* A committed entry's outcome, kept small: most are never asked for. */
struct pt_verdict_slot {
    uint64_t index; /* 0: empty */
    uint64_t revision;
    struct pt_error *error; /* NULL when applied; heap */
    uint8_t *reply;         /* heap, or NULL */
    size_t reply_size;
};

#define PT_DIGESTS_LEN_MAX 256 /* digests kept to compare with the leader's */
/* Digests are kept at each 16th log index, the same ones on every node: one costs as much as hashing a row. */
#define PT_DIGESTS_EVERY 16

struct pt_digest_slot {
    uint64_t index; /* 0: empty */
    struct pt_digest digest;
};

struct pt_listener_slot {
    pt_applied_fn fn;
    void *arg;
};

#define PT_LISTENERS_LEN_MAX 8

/* Events of the batch that is being applied; memory in the batch's arena. */
struct pt_event_list {
    struct pt_watch_event *items;
    size_t len, capacity;
};

/* A deleted organization: trash.c. */
#define PT_KIND_TRASH 65535     /* kind id of its rows; no kind of the schema */
#define PT_TRASH_LEN_MAX 64     /* organizations */
#define PT_TRASH_ROWS_MAX 20000 /* resources in all */

struct pt_trash_item {
    char uid[40];
    char name[PT_ERROR_SUBJECT_SIZE];
    int64_t delete_time_ns;
    uint64_t revision; /* log index of the deletion */
    size_t len;        /* rows */
};

struct pt_trash { /* what the store holds of them, the oldest first */
    struct pt_trash_item items[PT_TRASH_LEN_MAX];
    size_t len, rows;
};

/* Former states of resources: revision.c. */
#define PT_KIND_REVISION 65534            /* kind id of their rows */
#define PT_REVISIONS_PER_RESOURCE_MAX 16U /* of one resource */
#define PT_REVISIONS_LEN_MAX 16384U       /* of all */
#define PT_REVISIONS_SIZE_MAX (64U << 20) /* bytes of all */

struct pt_revision_chain; /* those of one name */

struct pt_revision_slot {
    uint64_t key;
    size_t size;                     /* of the row's value */
    struct pt_revision_chain *chain; /* NULL: gone */
};

struct pt_revision_step { /* since the savepoint */
    struct pt_revision_chain *chain;
    bool added;
    size_t slot; /* of what was removed */
};

struct pt_revisions {
    struct pt_map chains;           /* resource name -> struct pt_revision_chain */
    struct pt_revision_slot *slots; /* oldest first, from `head` on */
    size_t head, slots_len, slots_capacity;
    size_t len, size; /* rows, and bytes of their values */
    bool recording;   /* a savepoint is set */
    size_t head_marked;
    struct pt_revision_step *steps;
    size_t steps_len, steps_capacity;
};

/* What change sets keep to be taken back: changeset.c. */
#define PT_KIND_KEPT_CHANGE 65533 /* kind id of their rows */

/* Names that changed since a view was copied, so that the next one need not copy everything. */
struct pt_changes {
    bool tracked;   /* the list is complete since the view of `epoch` */
    uint64_t epoch; /* counts views */
    struct pt_arena arena;
    const char **names;
    size_t len, capacity;
};

struct pt_machine_kind {
    struct pt_kind_options options;
    struct pt_sys *sys;
    const struct pt_schema *schema;
    struct pt_store *store;
    struct pt_kind_info *infos; /* by kind id */
    size_t infos_len;
    const struct pt_message_type *command_type; /* patronus.v1.Command */
    const struct pt_message_type *event_type;   /* patronus.v1.HistoryEvent */

    int64_t time_ns;        /* of the last command, as in the state */
    int64_t wall_ns;        /* for reads: this node's clock at the latest question; never looked at in apply */
    uint64_t applied_index; /* as committed */
    struct pt_map counts;   /* (kind id, parent) -> number of resources + 1; a cache of pt_store_count */
    struct pt_tenants tenants;
    struct pt_access access;
    struct pt_trash trash;
    struct pt_revisions revisions;
    struct pt_map pending;   /* organization -> struct pt_pending: the change set that waits for its confirmation */
    uint64_t audit_sequence; /* of the newest audit record; 0: none */
    struct pt_digest audit_hash;
    uint64_t meta_revision; /* rises with each value set by a command, and with a restore */
    bool failed;            /* an apply failed half-way: nothing more is applied */

    struct pt_verdict_slot *verdicts; /* PT_VERDICTS_LEN_MAX, by index modulo */
    uint64_t verdict_oldest;          /* index from which replies are still held */
    size_t verdict_replies_size;      /* bytes of replies held */
    struct pt_verdict verdict_out;    /* what pt_kind_verdict lends */
    struct pt_digest_slot *digests;   /* PT_DIGESTS_LEN_MAX, by index / PT_DIGESTS_EVERY modulo */
    uint64_t digest_index;            /* of the newest; 0: none */

    struct pt_listener_slot listeners[PT_LISTENERS_LEN_MAX];
    size_t listeners_len;
    struct pt_list watches;            /* struct pt_watch */
    struct pt_list pumping;            /* pt_watch.pumping: those that have something to send */
    struct pt_timer *pump;             /* for them; NULL: there was no watch yet */
    struct pt_recent *recent;          /* recent.c: what was read of history last; NULL: nothing */
    size_t initial_size;               /* bytes of initial states that they have still to send */
    struct pt_changes changes;         /* what the newest copied view lacks */
    struct pt_witness planted_witness; /* as at open: what a planted bug writes again */
};

#define PT_META_TIME "time" /* 8 bytes big-endian: time_ns of the last command that did something */

/* Commands' times are cut to milliseconds: they are for people, and many commands share one write of PT_META_TIME. */
#define PT_TIME_STEP_NS 1000000
int64_t pt_kind_time(const struct pt_machine_kind *machine, int64_t time_ns);

/* NULL for an id that is not a kind. */
const struct pt_kind_info *pt_kind_info(const struct pt_machine_kind *machine, uint32_t kind_id);

/* ---- one command's life
 * ------------------------------------------------------------------------------------------------
 *
 * Codes below 100 are verdicts: the command is refused and changes nothing. Codes from 100 (PT_IO, PT_NO_SPACE,
 * PT_CORRUPT) are this node's own failures: it must stop. */
static inline bool pt_code_is_fatal(enum pt_code code)
{
    return code >= PT_IO;
}

enum pt_standing { PT_STANDING_UNKNOWN, PT_STANDING_BOUND, PT_STANDING_UNBOUND };

struct pt_execution {
    struct pt_machine_kind *machine;
    struct pt_arena *arena;        /* of the entry or the request */
    struct pt_event_list *events;  /* NULL in a dry run */
    struct pt_arena *events_arena; /* what events point to */
    uint64_t index;                /* log index; in a dry run 0 */
    uint64_t revision;             /* index, or that of the first time when the request is a repetition */
    int64_t time_ns;
    uint32_t ordinal;                 /* of the next event */
    const struct pt_caller *caller;   /* who asks; NULL: the system */
    enum pt_standing standing;        /* the caller's, once permit.c has asked for it */
    bool dry;                         /* the leader's fast check: nothing is written, nothing allocated */
    bool trial;                       /* everything happens, and is undone: trial.c */
    bool unbarred;                    /* part of a change set: what waits for a confirmation does not hold it up */
    bool unlimited;                   /* puts back what was there before: quotas do not count */
    uint32_t revisions_len;           /* former states that it has kept */
    struct pt_journal *journal;       /* what has been changed, or NULL */
    const struct pt_journal *changed; /* what a change set has changed: each is recorded; or NULL */
    struct pt_buf *record;            /* an event or an audit record while it is written; not in a dry run */
    struct pt_buf *reply;             /* of the last mutation; NULL in a dry run whose answer nobody wants */
};

/* What a change set changed, in order. */
struct pt_journal_item {
    const struct pt_kind_info *info;
    const char *name;
    struct pt_msg *before; /* NULL: made */
    struct pt_msg *after;  /* NULL: removed */
};

struct pt_journal {
    struct pt_arena *arena;
    struct pt_journal_item *items;
    size_t len, capacity;
    size_t size; /* bytes of what was before */
};

/* A mutation, decoded. Everything borrowed. */
struct pt_mutation {
    uint32_t verb; /* Patronus__V1__Verb */
    const struct pt_kind_info *info;
    const char *name;
    struct pt_msg *resource;  /* CREATE, UPDATE; else NULL */
    const char *const *paths; /* UPDATE */
    size_t paths_len;
    const char *etag;
    bool force, allow_missing;
    const char *uid;
};

/* mutate.c: carry one mutation out, or in a dry run find out whether it could be. */
PT_MUST enum pt_code pt_mutate(struct pt_execution *execution, const struct pt_mutation *mutation,
                               struct pt_error *reterr);
/* Write a resource with its derived fields and say so in history: for changes that are not a user's. */
PT_MUST enum pt_code pt_mutate_derived(struct pt_execution *execution, const struct pt_kind_info *info,
                                       const char *name, struct pt_msg *resource, struct pt_error *reterr);
/* The resource as canonical bytes without secrets, into reply (replaced), if there is one. */
void pt_mutate_reply(struct pt_execution *execution, const struct pt_kind_info *info, struct pt_msg *resource);

/* Put a resource back that was deleted: as it was, with its uid and numbers. */
PT_MUST enum pt_code pt_mutate_restore(struct pt_execution *execution, const struct pt_kind_info *info,
                                       const char *name, struct pt_msg *resource, struct pt_error *reterr);

/* trash.c: rows[0] is an organization that is being deleted, the others stood below it, ascending by name. */
PT_MUST enum pt_code pt_trash_keep(struct pt_execution *execution, const struct pt_row *rows, size_t len,
                                   struct pt_error *reterr);
PT_MUST enum pt_code pt_trash_restore(struct pt_execution *execution, const struct pt_mutation *mutation,
                                      struct pt_error *reterr);
PT_MUST enum pt_code pt_trash_load(struct pt_machine_kind *machine, struct pt_error *reterr);
/* The deleted organizations that can be brought back, for a caller to whom whoever is above them may show them; room
 * for PT_TRASH_LEN_MAX. */
PT_MUST enum pt_code pt_trash_list(struct pt_machine_kind *machine, const struct pt_caller *caller,
                                   struct pt_arena *arena, struct pt_msg **ret_items, size_t *ret_len,
                                   struct pt_error *reterr);

/* Take a resource away that nothing is below and nothing refers to; nobody is asked. */
PT_MUST enum pt_code pt_mutate_remove(struct pt_execution *execution, const struct pt_kind_info *info, const char *name,
                                      struct pt_error *reterr);
/* Give a resource the user's fields that it had before. */
PT_MUST enum pt_code pt_mutate_revert(struct pt_execution *execution, const struct pt_kind_info *info, const char *name,
                                      const struct pt_msg *former, struct pt_error *reterr);

/* revision.c: what `before` was is replaced by this command. */
PT_MUST enum pt_code pt_revision_keep(struct pt_execution *execution, const struct pt_kind_info *info, const char *name,
                                      struct pt_msg *before, bool deleted, struct pt_error *reterr);
/* An organization went: so does what is kept of it and of all below it. */
PT_MUST enum pt_code pt_revision_forget(struct pt_execution *execution, const char *organization,
                                        struct pt_error *reterr);
struct pt_revision {
    struct pt_msg *resource; /* as it was, without secrets */
    bool deleted;            /* then it was deleted, else changed */
    const char *principal;   /* by whom */
    int64_t time_ns;
    uint64_t replaced_by; /* log index */
};
/* The newest first; room for PT_REVISIONS_PER_RESOURCE_MAX. */
PT_MUST enum pt_code pt_revisions_read(struct pt_machine_kind *machine, const char *name, struct pt_arena *arena,
                                       struct pt_revision *ret_revisions, size_t *ret_len, struct pt_error *reterr);
PT_MUST enum pt_code pt_revisions_load(struct pt_machine_kind *machine, struct pt_error *reterr);
void pt_revisions_fini(struct pt_machine_kind *machine);
/* Savepoint, and on (release) or back (undo: what was written is the store's to undo). */
void pt_revisions_mark(struct pt_machine_kind *machine);
void pt_revisions_release(struct pt_machine_kind *machine);
void pt_revisions_undo(struct pt_machine_kind *machine);
/* revision_read.c: who made a resource what it was from `revision` on; "" and 0 when that is not known any more. */
void pt_revision_author(struct pt_machine_kind *machine, const char *name, uint64_t revision, struct pt_arena *arena,
                        const char **ret_principal, int64_t *ret_time_ns);

/* One that is kept or current. PT_OUT_OF_RANGE. */
PT_MUST enum pt_code pt_revision_find(struct pt_machine_kind *machine, const char *name, uint64_t revision,
                                      struct pt_arena *arena, struct pt_msg **ret_resource, struct pt_error *reterr);

/* changeset.c: `op` is a patronus.v1.ChangeSetCommand. */
PT_MUST enum pt_code pt_change_set(struct pt_execution *execution, const struct pt_msg *op, struct pt_error *reterr);
/* Carry the staged changes out. `each` may be NULL; it is told of each one, and returns whether to go on. */
PT_MUST enum pt_code
pt_change_set_run(struct pt_execution *execution, const struct pt_msg *change_set, const struct pt_msg_field *changes,
                  const char *uid, bool (*each)(void *arg, size_t at, enum pt_code code, const struct pt_error *error),
                  void *arg, struct pt_error *reterr);
/* Refuse a change while a change set of the organization waits. */
PT_MUST enum pt_code pt_change_set_barred(const struct pt_execution *execution, const struct pt_kind_info *info,
                                          const char *name, struct pt_error *reterr);
/* A change set goes: so does what it kept. */
PT_MUST enum pt_code pt_change_set_removed(struct pt_execution *execution, const struct pt_msg *change_set,
                                           struct pt_error *reterr);
#define PT_CHANGE_SETS_REVERSIBLE 8 /* applied ones of an organization that can be taken back */
/* kept.c: write down what the journal says; forget it; go back through it, `sure`: nothing can have changed since. */
PT_MUST enum pt_code pt_kept_write(struct pt_execution *execution, const struct pt_msg *change_set,
                                   const struct pt_journal *journal, const struct pt_msg *op, struct pt_error *reterr);
PT_MUST enum pt_code pt_kept_forget(struct pt_execution *execution, const char *uid, struct pt_error *reterr);
PT_MUST enum pt_code pt_kept_undo(struct pt_execution *execution, const struct pt_msg *change_set, bool sure,
                                  struct pt_error *reterr);
/* staged.c: ABORTED, saying who changed the resource (present NULL: deleted it) and when. */
PT_MUST enum pt_code pt_staged_conflict(struct pt_execution *execution, const char *name, const struct pt_row *present,
                                        const char *since, struct pt_error *reterr);
void pt_journal_add(struct pt_execution *execution, const struct pt_kind_info *info, const char *name,
                    const struct pt_msg *before, size_t size, const struct pt_msg *after);
PT_MUST enum pt_code pt_pending_load(struct pt_machine_kind *machine, struct pt_error *reterr);
void pt_pending_fini(struct pt_machine_kind *machine);

/* trial.c: run `fn` as an entry behind the newest one, and undo it. Codes from 100 have stopped the machine. */
PT_MUST enum pt_code pt_trial(struct pt_machine_kind *machine, const struct pt_caller *caller, int64_t time_ns,
                              enum pt_code (*fn)(struct pt_execution *execution, void *arg, struct pt_error *reterr),
                              void *arg, struct pt_error *reterr);

/* prepare.c: has this very request been answered before? Then *ret_answered is set and `reply` holds the answer. */
PT_MUST enum pt_code pt_find_answer(struct pt_machine_kind *machine, const struct pt_msg *request,
                                    const struct pt_request_context *context, struct pt_bytes command,
                                    struct pt_arena *arena, bool *ret_answered, struct pt_buf *reply,
                                    struct pt_error *reterr);
/* prepare.c: a new uid, from what the leader drew. */
char *pt_request_uid(const struct pt_request_context *context, struct pt_arena *arena);
/* prepare.c: the paths of an update: those of the mask, or (empty) those that the body sets. */
PT_MUST enum pt_code pt_update_paths(const struct pt_msg *mask, const struct pt_msg *body, struct pt_arena *arena,
                                     const char *const **ret_paths, size_t *ret_len, struct pt_error *reterr);

/* enroll.c: `enroll` is a patronus.v1.EnrollCommand. */
PT_MUST enum pt_code pt_enroll(struct pt_execution *execution, const struct pt_msg *enroll, struct pt_error *reterr);
/* `op` is a patronus.v1.TunnelKeyCommand. */
PT_MUST enum pt_code pt_enroll_tunnel_key(struct pt_execution *execution, const struct pt_msg *op,
                                          struct pt_error *reterr);

/* artifact.c: `op` is a patronus.v1.ArtifactCommand. */
PT_MUST enum pt_code pt_artifact(struct pt_execution *execution, const struct pt_msg *op, struct pt_error *reterr);
/* What a resource counts to the quota of bytes: its row, and what lies outside of the state for it. */
uint64_t pt_artifact_quota(const struct pt_kind_info *info, const struct pt_msg *resource, size_t row_size);

/* execute.c: one decoded Command. A refusal has undone what it wrote. */
PT_MUST enum pt_code pt_execute(struct pt_execution *execution, const struct pt_msg *command, struct pt_error *reterr);
/* Back to the savepoint, with all that is kept beside the store. */
PT_MUST enum pt_code pt_undo(struct pt_machine_kind *machine, struct pt_error *reterr);
/* The answer given to this request before, if any: PT_OK with `reply` and *ret_revision; PT_NOT_FOUND when there is
 * none; PT_INVALID_ARGUMENT when the id was used for another request. `digest` from pt_command_digest. */
PT_MUST enum pt_code pt_replay(struct pt_machine_kind *machine, const char *principal, const char *request_id,
                               const struct pt_digest *digest, struct pt_buf *reply, uint64_t *ret_revision,
                               struct pt_error *reterr);

/* command.c: bytes -> command. PT_CORRUPT when this binary does not know what it is. */
PT_MUST enum pt_code pt_command_decode(struct pt_machine_kind *machine, struct pt_bytes data, struct pt_arena *arena,
                                       struct pt_msg **ret_command, struct pt_error *reterr);
struct pt_command_op {    /* what a command does */
    uint32_t which;       /* PATRONUS__V1__COMMAND__OP_*; 0: nothing that this binary knows */
    union pt_value value; /* mostly a message */
};
struct pt_command_op pt_command_op(const struct pt_msg *command);
PT_MUST enum pt_code pt_mutation_decode(struct pt_machine_kind *machine, const struct pt_msg *msg,
                                        struct pt_arena *arena, struct pt_mutation *ret_mutation,
                                        struct pt_error *reterr);
/* Who asked, by the entry; NULL: the system itself. */
const struct pt_caller *pt_command_caller(const struct pt_msg *command, struct pt_arena *arena,
                                          struct pt_caller *ret_caller);
/* What makes two requests with one id the same: the operation without what the leader chose (uids). */
struct pt_digest pt_command_digest(const struct pt_msg *command, struct pt_arena *arena);

/* audit.c: what is recorded of an entry and its verdict, behind everything else that the entry wrote. */
#define PT_AUDIT_NAME "!audit" /* of its records in the history; no resource is called so */
PT_MUST enum pt_code pt_audit_command(struct pt_execution *execution, const struct pt_msg *command,
                                      struct pt_bytes entry, const struct pt_error *verdict, struct pt_error *reterr);
PT_MUST enum pt_code pt_audit_load(struct pt_machine_kind *machine, struct pt_error *reterr);

/* permit.c: a method that is not CRUD, on a resource, as the state decides it. */
PT_MUST enum pt_code pt_permit_method(struct pt_execution *execution, const char *permission,
                                      const struct pt_kind_info *info, const char *name, const struct pt_msg *resource,
                                      struct pt_error *reterr);

/* ---- permit.c: may the caller? ---------------------------------------------------------------------------------
 *
 * A refusal says PERMISSION_DENIED to who holds anything at the organization; to everybody else it does not exist, and
 * he is told exactly what he would be told of one that does not. */

/* Before anything is looked up. */
PT_MUST enum pt_code pt_permit_mutation(struct pt_execution *execution, const struct pt_mutation *mutation,
                                        struct pt_error *reterr);
/* With the resource known: conditions on labels, what a change of an organization needs, grants. before NULL: create;
 * after NULL: delete. */
PT_MUST enum pt_code pt_permit_change(struct pt_execution *execution, const struct pt_kind_info *info, const char *name,
                                      const struct pt_msg *before, const struct pt_msg *after, struct pt_error *reterr);
/* Get: before the look-up (resource NULL) and with what was found. */
PT_MUST enum pt_code pt_permit_get(struct pt_machine_kind *machine, const struct pt_caller *caller,
                                   const struct pt_message_type *kind, const char *name, const struct pt_msg *resource,
                                   struct pt_error *reterr);
/* List and Watch: may anything below the parent be asked for? */
PT_MUST enum pt_code pt_permit_list(struct pt_machine_kind *machine, const struct pt_caller *caller,
                                    const struct pt_message_type *kind, const char *parent, struct pt_error *reterr);
/* One row of them. */
bool pt_permit_row(struct pt_machine_kind *machine, const struct pt_caller *caller, const struct pt_kind_info *info,
                   const char *name, const struct pt_msg *resource);

/* ---- reading -------------------------------------------------------------------------------------------------- */

/* PT_NOT_FOUND (no text) when absent. The message is parsed in the arena; row may be NULL. */
PT_MUST enum pt_code pt_kind_load(struct pt_machine_kind *machine, const char *name, struct pt_arena *arena,
                                  struct pt_msg **ret_msg, struct pt_row *ret_row, struct pt_error *reterr);
PT_MUST enum pt_code pt_kind_parse_row(struct pt_machine_kind *machine, const struct pt_row *row,
                                       struct pt_arena *arena, struct pt_msg **ret_msg, struct pt_error *reterr);
/* Rows of a range, copied, so that the caller may read the store while it goes through them. */
struct pt_row_list {
    struct pt_row *rows;
    size_t len, capacity;
    struct pt_arena *arena;
    size_t size; /* bytes of values */
};
PT_MUST enum pt_code pt_kind_rows(struct pt_machine_kind *machine, const struct pt_store_range *range,
                                  struct pt_row_list *list, struct pt_error *reterr);
/* A copy of the row behind the others; always true. */
bool pt_row_list_add(struct pt_row_list *list, const struct pt_row *row);
/* Does `name` equal the pattern or stand below it? "" fits all; "-" in place of an id fits any. */
bool pt_name_below(const char *pattern, const char *name);

/* A view for checks of a command: reads the state as changed so far. Fini frees what it cached. */
struct pt_view {
    struct pt_machine_kind *machine;
    struct pt_arena arena;
    struct pt_arena *memory; /* where results go: the own arena, or an execution's */
    struct pt_error error;   /* the first failure of the store, since reads have no way to report */
    int64_t time_ns;
    uint64_t revision;
    bool frozen;
    struct pt_view_freezer *freezer; /* view_frozen.c: what is copied, then frozen; NULL while open */
    atomic_uint refs;                /* of one that pt_view_new made */
};
void pt_view_init(struct pt_view *view, struct pt_machine_kind *machine, struct pt_arena *memory, int64_t time_ns);
void pt_view_fini(struct pt_view *view);
void pt_view_failed(struct pt_view *view, enum pt_code code, const struct pt_error *error);

/* view_frozen.c: the frozen half. */
const struct pt_msg *pt_view_frozen_get(const struct pt_view *view, const char *name);
void pt_view_frozen_scan(const struct pt_view *view, uint32_t kind_id, const char *parent,
                         bool (*fn)(void *arg, const char *name, const struct pt_msg *msg), void *arg);
void pt_view_frozen_fini(struct pt_view *view);
/* Copy as pt_view_copy does, in one go, what the list of changes and the events name, and leave the list for the next
 * view. False when the list does not go back to `previous`. */
bool pt_view_fork(struct pt_view *view, struct pt_view *previous, const struct pt_watch_event *events, size_t len);
/* A committed batch changed these; `events` NULL: everything may be different. */
void pt_changes_add(struct pt_machine_kind *machine, const struct pt_watch_event *events, size_t len);
void pt_changes_fini(struct pt_machine_kind *machine);

/* ---- rules.c: what both the fast check and apply ask ---------------------------------------------------------- */

/* Schema rules, references, the mod's check. before NULL on create. */
PT_MUST enum pt_code pt_rules_check(struct pt_execution *execution, const struct pt_kind_info *info, const char *name,
                                    const struct pt_msg *before, const struct pt_msg *after, struct pt_error *reterr);
PT_MUST enum pt_code pt_rules_check_delete(struct pt_execution *execution, const struct pt_kind_info *info,
                                           const char *name, const struct pt_msg *before, struct pt_error *reterr);
/* References and the mod's check, of a resource that was valid before and comes back. */
PT_MUST enum pt_code pt_rules_check_again(struct pt_execution *execution, const struct pt_kind_info *info,
                                          const char *name, const struct pt_msg *after, struct pt_error *reterr);
/* PT_INVALID_ARGUMENT for a field that may be set on create only and differs. */
PT_MUST enum pt_code pt_rules_immutable(const struct pt_msg *before, const struct pt_msg *after,
                                        struct pt_error *reterr);
/* PT_INVALID_ARGUMENT when a path of an update names a field that the server sets. */
PT_MUST enum pt_code pt_rules_path(const struct pt_message_type *type, const char *path, struct pt_error *reterr);
/* Number of resources of a kind directly below a parent; cached. */
PT_MUST enum pt_code pt_rules_count(struct pt_machine_kind *machine, uint32_t kind_id, const char *parent,
                                    uint64_t *ret_count, struct pt_error *reterr);
void pt_rules_count_add(struct pt_machine_kind *machine, uint32_t kind_id, const char *parent, int delta);
void pt_rules_counts_forget(struct pt_machine_kind *machine); /* after an undo or a restore */
/* 16 hexadecimal digits over the user's fields. */
#define PT_ETAG_SIZE 17
void pt_rules_etag(const struct pt_msg *resource, struct pt_arena *arena, char etag[PT_ETAG_SIZE]);

/* ---- watch.c -------------------------------------------------------------------------------------------------- */

/* New history may be there: wake the watches that wait. */
void pt_watches_wake(struct pt_machine_kind *machine);
/* The state was replaced: watches of another history end. */
void pt_watches_restored(struct pt_machine_kind *machine);
/* The machine goes: watches that are still open end silently; their owners still close them. */
void pt_watches_orphan(struct pt_machine_kind *machine);
