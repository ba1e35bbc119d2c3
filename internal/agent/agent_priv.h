/*
 * What the files of the agent share. Private to the folder.
 */
#pragma once

#include "agent/agent.h"
#include "base/list.h"

enum pt_agent_state { PT_AGENT_OFFLINE, PT_AGENT_CONNECTING, PT_AGENT_STREAMING };

struct pt_agent_demand;
struct pt_agent_queue;
struct pt_history;
struct pt_agent_inspect;
struct pt_arena;

struct pt_agent_trial {       /* trial.c */
    struct pt_bundle *former; /* what was in force before the change set that waits; NULL: nothing to go back to */
    struct pt_dp_origin former_origin;
    uint64_t heard_ns; /* since when there is no controller; that of the newest look while there is one */
    bool went_back;    /* and nothing came since that is not on trial */
};

struct pt_agent_connection { /* to a controller, with one EdgeSync stream */
    struct pt_agent *agent;
    struct pt_rpc_channel *channel;
    struct pt_rpc_stream *stream; /* NULL: it ended */
    char address[80];
    struct pt_ip from; /* address of the link by which; zero: not known */
    bool heard;        /* something came by it */
};

struct pt_agent_keep { /* recall_keep.c */
    struct pt_buf out; /* not written yet */
    uint64_t size;     /* of the file that is written to; 0: it is to be begun */
    uint64_t sequence; /* of it; the other one's is less */
    unsigned segment;  /* which one it is */
    unsigned ticks;
    bool over; /* the disk failed, or is not to be touched any more */
};

struct pt_agent {
    struct pt_agent_options options;
    enum pt_agent_state state;

    struct pt_agent_connection *live;           /* the one that is spoken on; NULL: hung up */
    struct {                                    /* second.c */
        struct pt_agent_connection *connection; /* to the same controller by another link, not spoken on; NULL: none */
        uint64_t due_ms;                        /* when to look for one, or to give up the one that is silent */
        uint64_t pause_ms;                      /* before another try */
        size_t turn;                            /* which of the other links is tried next */
    } second;
    struct pt_timer *dial_timer, *telemetry_timer, *time_timer, *settle_timer;
    int64_t applied_s; /* wall clock that the bundle in force was applied by */
    uint64_t backoff_ms;
    size_t address_turn, link_turn;
    unsigned redirects; /* followed in a row */
    char redirect[80];
    bool link_chosen; /* by us, who knew the links */
    bool link_doubt;  /* something died since it was looked at */
    bool died;        /* something died that the leader has not been told of */
    bool reported;    /* everything was, since it was dialled */
    bool moves;       /* leaves its link when the timer fires */
    bool key_told;    /* the newest hello said the tunnel's key, this one */
    uint8_t told_key[PT_X25519_SIZE];

    struct pt_bundle *bundle; /* in force; NULL: none yet */
    struct pt_agent_position position;
    struct pt_agent_trial trial;
    struct pt_hello *hello; /* NULL: paths are not probed */

    struct pt_agent_demand *demand; /* demand.c: bytes at the last report, and the last hour */
    size_t demand_len;
    size_t history_told; /* so many of them have been told to this leader */
    bool demand_known;   /* the data plane has been looked at once */
    uint64_t reported_at_ns;
    struct pt_agent_queue *queues; /* class_report.c: likewise */
    size_t queues_len;
    struct pt_agent_ports *ports;     /* translation_report.c: what was counted last; NULL: nothing yet */
    struct pt_agent_inspect *inspect; /* NULL: nothing is */

    struct pt_history *history; /* recall.c; NULL: nothing is remembered */
    struct pt_timer *record_timer;
    struct pt_bundle *earlier; /* the one before that in force; NULL: none */
    struct pt_agent_position earlier_position;
    uint64_t decisions_lost;
    struct pt_agent_keep keep;

    struct pt_timer *renew_timer;
    struct pt_rpc_channel *renew_channel;
    size_t renew_turn;
    struct pt_timer *bandwidth_timer; /* bandwidth.c: runs while a measurement does */
    uint64_t bandwidth_request, bandwidth_path;
    struct pt_list diagnostics;      /* diagnose.c: those that run */
    char issuer[PT_KEY_ID_SIZE + 1]; /* authority that issues, as the leader said; "" before it did */
};

/* ---- agent.c -------------------------------------------------------------------------------------------------- */
void pt_agent_send(struct pt_agent *agent, const Patronus__V1__EdgeMessage *message);
/* A pt_agent_alive_fn; arg is the agent. */
bool pt_agent_path_alive(void *agent, uint64_t path_id);
/* Nothing is said on it yet. The caller frees. */
PT_MUST enum pt_code pt_agent_connect(struct pt_agent *agent, const char *address,
                                      struct pt_agent_connection **ret_connection, struct pt_error *reterr);
/* NULL is fine; so is a call from one of its own callbacks. */
void pt_agent_disconnect(struct pt_agent_connection *connection);

/* ---- second.c: a connection in reserve ------------------------------------------------------------------------- */
/* Open one, or leave the one that is no good any more; while the live one streams, each second. */
void pt_agent_second_look(struct pt_agent *agent);
/* No new one for so long. */
void pt_agent_second_wait(struct pt_agent *agent, uint64_t ms);
/* What comes by it while it is in reserve. */
void pt_agent_second_heard(struct pt_agent *agent, const Patronus__V1__ControllerMessage *message);
void pt_agent_second_ended(struct pt_agent *agent);
/* Take it out of reserve, when it is good: the caller speaks on it from now on. NULL: there is none that is. */
struct pt_agent_connection *pt_agent_second_take(struct pt_agent *agent);
void pt_agent_second_drop(struct pt_agent *agent);

/* ---- take.c --------------------------------------------------------------------------------------------------- */
/* Walk the bytes, then unpack; NULL when they are no ControllerMessage. */
Patronus__V1__ControllerMessage *pt_agent_parse(struct pt_agent *agent, struct pt_bytes data);
/* Check a bundle and put it in force; keep: on disk too. On failure the old one stays. */
PT_MUST enum pt_code pt_agent_take_bundle(struct pt_agent *agent, const Patronus__V1__Bundle *message, bool keep,
                                          struct pt_error *reterr);
/* By the clock of now. */
PT_MUST enum pt_code pt_agent_apply(struct pt_agent *agent, const struct pt_bundle *bundle, struct pt_error *reterr);
/* The bundle as it is on disk, checked like one that came; the caller frees. NULL: there is none, or it is not good. */
Patronus__V1__Bundle *pt_agent_read_bundle(struct pt_agent *agent, const char *file);
/* What is in force is another one: whoever works by it hears so, and the data plane does what it left for later. */
void pt_agent_settle(void *agent);
PT_MUST enum pt_code pt_agent_check_header(const struct pt_agent *agent, const Patronus__V1__BundleHeader *header,
                                           struct pt_error *reterr);
/* Each second: have rules and users that came into or out of their time come into or out of force. */
void pt_agent_on_time(void *agent);
/* The one on disk, at start. */
void pt_agent_load_bundle(struct pt_agent *agent);

/* ---- trial.c -------------------------------------------------------------------------------------------------- */
/* May it be put in force at all? */
PT_MUST enum pt_code pt_agent_trial_admit(const struct pt_agent *agent, const struct pt_bundle *bundle,
                                          struct pt_error *reterr);
/* It is in force and about to be kept: remember what it replaces, when it begins a trial. */
PT_MUST enum pt_code pt_agent_trial_begin(struct pt_agent *agent, const struct pt_bundle *bundle,
                                          const struct pt_dp_origin *before, struct pt_error *reterr);
/* It is kept, or was not: forget what is not needed any more. */
void pt_agent_trial_taken(struct pt_agent *agent, const struct pt_bundle *bundle);
void pt_agent_trial_undo(struct pt_agent *agent);
/* At start, after the bundle on disk; and each second. */
void pt_agent_trial_load(struct pt_agent *agent);
void pt_agent_trial_tick(struct pt_agent *agent);
void pt_agent_trial_fini(struct pt_agent *agent);

/* ---- telemetry.c ---------------------------------------------------------------------------------------------- */
void pt_agent_report(struct pt_agent *agent);
void pt_agent_report_death(struct pt_agent *agent); /* the dead paths alone */

/* ---- bandwidth.c ---------------------------------------------------------------------------------------------- */
void pt_agent_bandwidth_init(struct pt_agent *agent);
void pt_agent_bandwidth_fini(struct pt_agent *agent);
void pt_agent_take_order(struct pt_agent *agent, const Patronus__V1__BandwidthOrder *order);

/* ---- diagnose.c ----------------------------------------------------------------------------------------------- */
/* A diagnostic is asked for, or nobody waits for one any more. */
void pt_agent_diagnose(struct pt_agent *agent, const Patronus__V1__NodeQuestion *question);
/* The leader is gone, and with it whoever waits. */
void pt_agent_diagnose_stop(struct pt_agent *agent);

/* ---- demand.c ------------------------------------------------------------------------------------------------- */
void pt_agent_add_demands(struct pt_agent *agent, struct pt_arena *arena, Patronus__V1__Telemetry *telemetry);

/* ---- recall.c: what was decided, for the leader's questions ---------------------------------------------------- */
void pt_agent_recall_start(struct pt_agent *agent);
void pt_agent_recall_stop(struct pt_agent *agent);
/* Remember what was decided since the last time; before a new bundle is applied, so that numbers mean what they did. */
void pt_agent_recall(struct pt_agent *agent);
/* Another bundle is in force: takes the reference of the one before (NULL: there was none). */
void pt_agent_recall_bundle(struct pt_agent *agent, struct pt_bundle *before, const struct pt_agent_position *position);
void pt_agent_answer(struct pt_agent *agent, const Patronus__V1__NodeQuestion *question);
/* A record in the words of the schema, in the arena; names are borrowed. */
struct pt_history_record;
Patronus__V1__FlowRecord *pt_agent_record_message(const struct pt_agent *agent, struct pt_arena *arena,
                                                  const struct pt_history_record *from);

/* ---- recall_keep.c: on disk ------------------------------------------------------------------------------------ */
/* At start, behind the bundle. */
void pt_agent_keep_load(struct pt_agent *agent);
void pt_agent_keep_add(struct pt_agent *agent, const struct pt_history_record *record);
/* Write what was added; each second, and at the end. */
void pt_agent_keep_flush(struct pt_agent *agent);

/* ---- class_report.c ------------------------------------------------------------------------------------------- */
void pt_agent_add_classes(struct pt_agent *agent, struct pt_arena *arena, Patronus__V1__Telemetry *telemetry,
                          uint64_t elapsed_ms);
/* translation_report.c: links that hosts leave by. */
void pt_agent_add_translations(struct pt_agent *agent, struct pt_arena *arena, Patronus__V1__Telemetry *telemetry);

/* ---- inspect.c ------------------------------------------------------------------------------------------------ */
/* NULL when the data plane copies nothing. */
struct pt_agent_inspect *pt_agent_inspect_new(struct pt_agent *agent);
void pt_agent_inspect_free(struct pt_agent_inspect *inspect); /* NULL is fine */
void pt_agent_inspect_set_bundle(struct pt_agent_inspect *inspect, const struct pt_bundle *bundle);
void pt_agent_add_inspection(const struct pt_agent_inspect *inspect, struct pt_arena *arena,
                             Patronus__V1__Telemetry *telemetry);

/* ---- renew.c -------------------------------------------------------------------------------------------------- */
void pt_agent_renew_start(struct pt_agent *agent);
void pt_agent_renew_stop(struct pt_agent *agent);
/* New authorities came; and say which ones are trusted and who signed the node's certificate. */
void pt_agent_take_trust(struct pt_agent *agent, const Patronus__V1__TrustBundle *trust);
void pt_agent_report_trust(struct pt_agent *agent);
