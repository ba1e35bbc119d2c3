/*
 * What push.c and ask.c share: the leader's passes, and what waits for them. Private to the two.
 */
#pragma once

#include "flow/paths.h"
#include "mod/te/packed.h"
#include "mod/te/te.h"
#include "plan/plan.h"
#include "serve/controller_priv.h"

struct node_bundle { /* newest bundle of a node */
    struct pt_bundle *bundle;
    uint64_t generation;
    uint64_t revision;
    int64_t time_ns;
    uint8_t signature[PT_SIGNATURE_SIZE];
};

struct pass {
    unsigned refs; /* the push, and questions that are being answered about it */
    struct pt_push *push;
    uint64_t number; /* counts passes */
    struct pt_arena arena;
    struct pt_plan_pass plan;
    struct pass *before;            /* while it runs: the one whose solution it goes on from; referenced */
    struct pt_flow_workers workers; /* its helpers */
    struct pt_map ramps;            /* name -> uint32_t percent */
    struct pt_map trials;           /* organization -> uint32_t ms, both in the arena */
    struct te_solution learned;     /* stands for the solution before, while the leader is new */
    struct pt_bundle **bundles;     /* by index of plan.nodes; made by the worker */
    uint64_t term;
    enum pt_code code;
    struct pt_error error;
    struct te_packed solution; /* when it is a new one */
};

struct pt_push {
    struct pt_controller *controller;
    struct pt_timer *timer;
    struct pt_timer *copier; /* the next turn of copying */
    struct pt_timer *pusher; /* the next turn of sending */
    uint64_t due_ns;         /* of the timer */
    struct pt_executor *worker;
    uint64_t began_ns, ended_ns, pass_ns; /* the newest pass: start, end, and how long it took in all */
    bool running, again;
    bool urgent;                    /* a death waits to be answered */
    uint64_t passes, newest_number; /* how many were started; which of them `newest` is */
    uint64_t moved_ns;              /* when the newest solution that moves traffic was done */
    struct pass *current;           /* while running; first being copied, then the worker's */
    uint64_t generation;
    struct pass *newest; /* results for views */
    struct pt_map nodes; /* Edge name -> struct node_bundle */

    unsigned liveness_burst; /* deaths answered lately */
    uint64_t liveness_ns;    /* the newest of them */

    /* learn.c */
    uint64_t ready_ns;     /* when this node began to lead */
    struct pt_map learned; /* te_weight_key, with the site -> uint32_t: splits that nodes had in force then */

    /* ask.c */
    struct pt_executor *asker;
    size_t asking;
    struct pt_list waits; /* pt_push_wait.node */
    struct pt_timer *waits_timer;
    struct pt_map ramps; /* name of a Link or Site -> uint64_t: when it was undrained, ns */
    struct pt_push_solution *solutions[PT_PUSH_SOLUTIONS_LEN]; /* newest at (solutions_len - 1) % ..._LEN */
    size_t solutions_len;
};

/* ---- push.c --------------------------------------------------------------------------------------------------- */
void pt_pass_unref(struct pass *pass); /* NULL is fine */
void pt_pass_clear(struct pass *pass); /* what it holds, but not itself */
/* On a worker: freeze its view, run the stages, make the bundles. */
void pt_pass_compute(struct pass *pass);
/* Plan in this long at the latest. */
void pt_push_within(struct pt_push *push, uint64_t delay_ms);

/* ---- learn.c -------------------------------------------------------------------------------------------------- */
void pt_learn_role_changed(struct pt_push *push);
/* What the pass is to go on from: the pass before, or, while the leader is new, what nodes said that they do. */
void pt_learn_start(struct pt_push *push, struct pass *pass);
/* What came back from a drain shortly before the leader changed goes on coming back by quarters. */
void pt_learn_ramps(struct pt_push *push, struct pt_view *view);
void pt_learn_fini(struct pt_push *push);

/* ---- ask.c ---------------------------------------------------------------------------------------------------- */
void pt_ask_init(struct pt_push *push);
void pt_ask_fini(struct pt_push *push);
/* The shares of what is being undrained, for a pass: name -> uint32_t percent, in its arena. Forgets what is done. */
void pt_ask_ramps(struct pt_push *push, struct pass *pass);
/* A pass is in force: keep its solution, go on with ramps and steps, answer who waited. */
void pt_ask_pass(struct pt_push *push, struct pass *pass);
/* Its shares of the traffic are others than those of the newest pass. */
bool pt_ask_moves(const struct pt_push *push, const struct pass *pass);
/* Whether the nodes have what the newest solution gives them, as the pass must know. */
void pt_ask_steps(struct pt_push *push, struct pass *pass);
void pt_ask_role_changed(struct pt_push *push);
