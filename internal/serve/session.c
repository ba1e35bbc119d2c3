/*
 * Sessions of users that are over are deleted, so that what nobody prolongs and nobody ends does not fill the state.
 *
 * Nodes forget a session by themselves when its time is over; this is only about what is kept. It is left for an hour
 * longer, by the leader's clock: whoever keeps the sessions may still prolong one that he was late with, and a clock
 * that is set wrong by less deletes nothing. Looked for once a minute in the newest plan's view, where nothing has to
 * be read or parsed; one that was prolonged since has another etag, and stays.
 */
#include "patronus/v1/replication.pb-c.h"
#include "serve/controller_priv.h"

#define EVERY_NS 60000000000ULL
#define KEEP_NS 3600000000000LL
#define DELETES_MAX 64 /* in a turn; when there are more, the next turn comes with the next tick */

struct sweep {
    struct pt_controller *controller;
    struct pt_arena arena;
    int64_t before_ns;
    const char *names[DELETES_MAX];
    size_t len;
};

static bool look_at(void *arg, const char *name, const struct pt_msg *session)
{
    struct sweep *sweep = arg;
    if (pt_msg_has(session, "expire_time") && pt_msg_time(session, "expire_time") < sweep->before_ns) {
        sweep->names[sweep->len++] = pt_arena_strdup(&sweep->arena, name);
    }
    return sweep->len < DELETES_MAX;
}

static void on_deleted(void *arg, enum pt_code code, uint64_t index)
{
    (void)arg, (void)code, (void)index; /* what is still there is found again */
}

static void delete_session(struct sweep *sweep, struct pt_view *view, const char *name)
{
    const struct pt_message_type *kind = pt_schema_kind(sweep->controller->schema, "userSession");
    const struct pt_msg *session = pt_view_get(view, name);
    if (session == NULL || pt_msg_time(session, "expire_time") >= sweep->before_ns) {
        return;
    }
    Patronus__V1__Mutation mutation = PATRONUS__V1__MUTATION__INIT;
    mutation.verb = PATRONUS__V1__VERB__DELETE;
    mutation.kind_id = kind->resource->kind_id;
    mutation.name = (char *)(uintptr_t)name;
    mutation.etag = (char *)(uintptr_t)pt_msg_str(session, "etag");
    Patronus__V1__Mutation *mutations[] = {&mutation};
    Patronus__V1__Transaction transaction = PATRONUS__V1__TRANSACTION__INIT;
    transaction.n_mutations = 1;
    transaction.mutations = mutations;
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    command.format = 1;
    command.time_ns = pt_sys_wall_ns(sweep->controller->sys);
    command.principal = (char *)(uintptr_t) "internal";
    command.op_case = PATRONUS__V1__COMMAND__OP_TRANSACTION;
    command.transaction = &transaction;
    PT_AUTO(buf) struct pt_buf data = {0};
    pt_kind_command(&command, &data);
    pt_raft_propose(sweep->controller->raft, pt_buf_bytes(&data), on_deleted, NULL);
}

void pt_sessions_tick(struct pt_controller *controller)
{
    uint64_t now_ns = pt_sys_now_ns(controller->sys);
    struct pt_view *planned = pt_push_view(controller->push);
    if (planned == NULL || now_ns < controller->sessions_at_ns) {
        return;
    }
    struct sweep sweep = {.controller = controller, .before_ns = pt_sys_wall_ns(controller->sys) - KEEP_NS};
    pt_arena_init(&sweep.arena);
    pt_view_scan(planned, "userSession", "", look_at, &sweep);
    struct pt_view *view = pt_view_new(controller->machine);
    for (size_t i = 0; i < sweep.len; i++) {
        delete_session(&sweep, view, sweep.names[i]);
    }
    pt_view_free(view);
    /* The plan's view is some milliseconds behind what is proposed here. */
    controller->sessions_at_ns = now_ns + (sweep.len == DELETES_MAX ? EVERY_NS / 60 : EVERY_NS);
    pt_arena_fini(&sweep.arena);
}
