/*
 * Change sets that wait for their confirmation: the leader's half.
 *
 * The state says until when one waits, in the time of log entries. The leader counts what is left of that on its
 * monotonic clock, so that a clock that is set ends no wait; and while anything waits it lets the state's time pass by
 * an entry now and then, so that the next leader finds how long it has waited already. When the time is over, or when
 * an edge that was connected has been away for too long, it says so in the log, and the state machine takes the change
 * set back, unless a confirmation came first.
 *
 * A new leader has no edge connected; each has its full time to come back.
 *
 * An edge that is alone for as long goes back to what it had before by itself (agent/trial.c), so that a change that
 * cuts it off does not do so for good. It comes back, then, and refuses what cut it off: that counts as being away.
 */
#include "serve/controller_priv.h"

#include "base/assert.h"
#include "patronus/v1/changeset.pb-c.h"
#include "patronus/v1/replication.pb-c.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_NS 2000000000ULL  /* how often the state's time passes */
#define RETRY_NS 1000000000ULL /* a proposal that has not done anything is made again */
#define LOST_LEN_MAX 16        /* edges that are named */

struct pending {
    struct pt_list node; /* controller->pending */
    struct pt_arena arena;
    const char *name;
    uint64_t apply_revision;
    int64_t state_ns;  /* time of the state when this node saw it first */
    uint64_t since_ns; /* and by its own clock */
    uint64_t due_ns;
    uint64_t retry_at_ns, wait_at_ns;
    const char *const *edges; /* that were connected */
    size_t edges_len;
    uint64_t *away_ns; /* by edge: since when; 0: it is here */
    uint64_t reconnect_ns;
    bool seen;
};

static void pending_free(struct pending *pending)
{
    pt_list_remove(&pending->node);
    pt_arena_fini(&pending->arena);
    free(pending);
}

void pt_pending_forget(struct pt_controller *controller)
{
    PT_LIST_FOREACH_SAFE (node, &controller->pending) {
        pending_free(PT_CONTAINER(node, struct pending, node));
    }
}

/* ---- connected edges ------------------------------------------------------------------------------------------ */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char *const *pt_pending_connected(struct pt_controller *controller, const char *organization,
                                        struct pt_arena *arena, size_t *ret_len)
{
    const char **names = pt_arena_array(arena, PT_PENDING_EDGES_MAX, sizeof(*names));
    size_t len = 0;
    size_t size = strlen(organization);
    PT_LIST_FOREACH (node, &controller->sessions) {
        const struct pt_edge_session *session = PT_CONTAINER(node, struct pt_edge_session, node);
        bool below = strncmp(session->edge, organization, size) == 0 && session->edge[size] == '/';
        if (below && session->greeted && len < PT_PENDING_EDGES_MAX) {
            names[len++] = pt_arena_strdup(arena, session->edge);
        }
    }
    qsort(names, len, sizeof(*names), by_text);
    size_t kept = len > 0 ? 1 : 0; /* a node may be connected twice for a moment */
    for (size_t i = 1; i < len; i++) {
        if (strcmp(names[i], names[kept - 1]) != 0) {
            names[kept++] = names[i];
        }
    }
    *ret_len = kept;
    return names;
}

static bool connected(struct pt_controller *controller, const char *edge)
{
    const struct pt_edge_session *session = pt_edge_find(controller, edge);
    return session != NULL && session->greeted && !session->closed && !session->refused;
}

/* Edges that have been away for too long; how many, at most LOST_LEN_MAX. */
static size_t lost(struct pt_controller *controller, struct pending *pending, uint64_t now_ns,
                   char *ret_edges[LOST_LEN_MAX])
{
    size_t len = 0;
    for (size_t i = 0; i < pending->edges_len; i++) {
        bool exists = false;
        if (connected(controller, pending->edges[i]) ||
            pt_store_exists(pt_kind_store(controller->machine), pending->edges[i], &exists, NULL) != PT_OK || !exists) {
            pending->away_ns[i] = 0; /* here; or the change set has deleted it */
        } else if (pending->away_ns[i] == 0) {
            pending->away_ns[i] = now_ns;
        } else if (now_ns - pending->away_ns[i] >= pending->reconnect_ns && len < LOST_LEN_MAX) {
            ret_edges[len++] = (char *)(uintptr_t)pending->edges[i];
        }
    }
    return len;
}

/* ---- saying so ------------------------------------------------------------------------------------------------ */

static void proposed(void *arg, enum pt_code code, uint64_t index)
{
    (void)arg, (void)code, (void)index; /* what did not do anything is proposed again */
}

static void propose(struct pt_controller *controller, const struct pending *pending, Patronus__V1__ChangeSetCommand *op)
{
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    op->name = (char *)(uintptr_t)pending->name;
    op->apply_revision = pending->apply_revision;
    command.format = 1;
    command.time_ns = pending->state_ns + (int64_t)(pt_sys_now_ns(controller->sys) - pending->since_ns);
    command.principal = (char *)(uintptr_t) "internal";
    command.op_case = PATRONUS__V1__COMMAND__OP_CHANGE_SET;
    command.change_set = op;
    PT_AUTO(buf) struct pt_buf data = {0};
    pt_kind_command(&command, &data);
    pt_raft_propose(controller->raft, pt_buf_bytes(&data), proposed, NULL);
}

static void look_at(struct pt_controller *controller, struct pending *pending, uint64_t now_ns)
{
    char *edges[LOST_LEN_MAX];
    Patronus__V1__ChangeSetCommand op = PATRONUS__V1__CHANGE_SET_COMMAND__INIT;
    op.n_lost_edges = lost(controller, pending, now_ns, edges);
    op.lost_edges = edges;
    bool late = now_ns >= pending->due_ns;
    if ((late || op.n_lost_edges > 0) && now_ns >= pending->retry_at_ns) {
        pending->retry_at_ns = now_ns + RETRY_NS;
        op.step = PATRONUS__V1__CHANGE_SET_STEP__STEP_EXPIRE;
        op.cause = op.n_lost_edges > 0 ? PATRONUS__V1__ROLLBACK_CAUSE__NODES_LOST
                                       : PATRONUS__V1__ROLLBACK_CAUSE__NOT_CONFIRMED;
        pt_log_warn(controller->log, "taking back", "change_set=%s cause=%s", pending->name,
                    op.n_lost_edges > 0 ? "nodes_lost" : "not_confirmed");
        propose(controller, pending, &op);
    } else if (!late && now_ns >= pending->wait_at_ns) {
        Patronus__V1__ChangeSetCommand wait = PATRONUS__V1__CHANGE_SET_COMMAND__INIT;
        pending->wait_at_ns = now_ns + WAIT_NS;
        wait.step = PATRONUS__V1__CHANGE_SET_STEP__STEP_WAIT;
        propose(controller, pending, &wait);
    }
}

/* ---- what the state says -------------------------------------------------------------------------------------- */

static struct pending *find(struct pt_controller *controller, const struct pt_pending *state)
{
    PT_LIST_FOREACH (node, &controller->pending) {
        struct pending *pending = PT_CONTAINER(node, struct pending, node);
        if (pending->apply_revision == state->apply_revision && strcmp(pending->name, state->name) == 0) {
            return pending;
        }
    }
    return NULL;
}

static struct pending *pending_new(struct pt_controller *controller, const struct pt_pending *state)
{
    struct pending *pending = calloc(1, sizeof(*pending));
    pt_assert(pending != NULL);
    pt_arena_init(&pending->arena);
    uint64_t now_ns = pt_sys_now_ns(controller->sys);
    pending->name = pt_arena_strdup(&pending->arena, state->name);
    pending->apply_revision = state->apply_revision;
    pending->state_ns = pt_kind_state_time(controller->machine);
    pending->since_ns = now_ns;
    int64_t left_ns = state->deadline_ns - pending->state_ns;
    pending->due_ns = now_ns + (left_ns > 0 ? (uint64_t)left_ns : 0);
    pending->wait_at_ns = now_ns + WAIT_NS;
    int64_t reconnect_ns = 0;
    if (pt_kind_pending_edges(controller->machine, state, &pending->arena, &pending->edges, &pending->edges_len,
                              &reconnect_ns) == PT_OK) {
        pending->reconnect_ns = (uint64_t)reconnect_ns;
        pending->away_ns = pt_arena_array(&pending->arena, pending->edges_len, sizeof(uint64_t));
    }
    pt_list_push_back(&controller->pending, &pending->node);
    return pending;
}

static void on_pending(void *arg, const struct pt_pending *state)
{
    struct pt_controller *controller = arg;
    struct pending *pending = find(controller, state);
    pending = pending != NULL ? pending : pending_new(controller, state);
    pending->seen = true;
}

struct trials {
    struct pt_controller *controller;
    struct pt_arena *arena;
    struct pt_map *map;
};

static void add_trial(void *arg, const struct pt_pending *state)
{
    struct trials *trials = arg;
    const char *const *edges = NULL;
    size_t edges_len = 0;
    int64_t away_ns = 0;
    if (pt_kind_pending_edges(trials->controller->machine, state, trials->arena, &edges, &edges_len, &away_ns) !=
        PT_OK) {
        return;
    }
    uint32_t *ms = PT_NEW(trials->arena, uint32_t);
    *ms = (uint32_t)(away_ns / 1000000);
    const char *rest = strchr(state->name, '/');
    rest = rest != NULL ? strchr(rest + 1, '/') : NULL;
    size_t size = rest != NULL ? (size_t)(rest - state->name) : strlen(state->name);
    (void)pt_map_put(trials->map, state->name, size, ms);
}

void pt_pending_trials(struct pt_controller *controller, struct pt_arena *arena, struct pt_map *trials)
{
    struct trials adding = {.controller = controller, .arena = arena, .map = trials};
    pt_kind_pending_each(controller->machine, add_trial, &adding);
}

void pt_pending_tick(struct pt_controller *controller)
{
    uint64_t now_ns = pt_sys_now_ns(controller->sys);
    pt_kind_pending_each(controller->machine, on_pending, controller);
    PT_LIST_FOREACH_SAFE (node, &controller->pending) {
        struct pending *pending = PT_CONTAINER(node, struct pending, node);
        if (!pending->seen) {
            pending_free(pending); /* confirmed, or taken back */
            continue;
        }
        pending->seen = false;
        look_at(controller, pending, now_ns);
    }
}
