/*
 * Questions about the newest pass, answered by a worker of their own; callers that wait until the nodes have what they
 * asked for; and links and sites that come back from a drain.
 *
 * A pass is immutable once it is done, so that a question only holds a reference: the planning goes on meanwhile. Waits
 * are looked at when a pass is done and when a node acknowledges, and once a second for their deadlines.
 */
#include "serve/push_priv.h"

#include "base/assert.h"
#include "mod/te/te.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAITS_MS 1000
#define RAMP_STEPS 4
#define RAMP_STEP_MS (PT_PUSH_RAMP_MS / RAMP_STEPS)
#define MORE_MS 1000 /* the next step of an update, when a node does not acknowledge the one before */

/* ---- questions ------------------------------------------------------------------------------------------------ */

struct ask {
    struct pt_push *push;
    struct pass *pass;
    void (*work)(void *arg, const struct pt_plan_pass *pass);
    void (*done)(void *arg);
    void *arg;
};

static void ask_work(void *arg)
{
    struct ask *ask = arg;
    ask->work(ask->arg, &ask->pass->plan);
}

static void ask_done(void *arg)
{
    struct ask *ask = arg;
    ask->push->asking--;
    pt_pass_unref(ask->pass);
    ask->done(ask->arg);
    free(ask);
}

static enum pt_code may_ask(struct pt_push *push, struct pt_error *reterr)
{
    if (push->newest == NULL) {
        return pt_fail(reterr, PT_UNAVAILABLE, PT_REASON_LEADER_CHANGED, NULL,
                       "the leader was elected just now and has no plan yet: try again in a second");
    }
    if (push->asking == PT_PUSH_ASKING_MAX) {
        return pt_fail(reterr, PT_EXHAUSTED, PT_REASON_OVERLOADED, NULL,
                       "%d questions are being answered: try again in a second", PT_PUSH_ASKING_MAX);
    }
    if (push->asker == NULL) {
        push->asker = pt_executor_new(push->controller->sys, "ask", 1);
    }
    return PT_OK;
}

enum pt_code pt_push_ask(struct pt_push *push, void (*work)(void *arg, const struct pt_plan_pass *pass),
                         void (*done)(void *arg), void *arg, struct pt_error *reterr)
{
    PT_TRY(may_ask(push, reterr));
    struct ask *ask = calloc(1, sizeof(*ask));
    pt_assert(ask != NULL);
    *ask = (struct ask){.push = push, .pass = push->newest, .work = work, .done = done, .arg = arg};
    push->newest->refs++;
    push->asking++;
    pt_executor_submit(push->asker, ask_work, ask_done, ask);
    return PT_OK;
}

/* ---- a state that is not --------------------------------------------------------------------------------------- */

struct attempt {
    struct pt_push *push;
    struct pass *base; /* the newest pass: referenced */
    struct pass pass;  /* the attempt's own: never in force */
    char organization[PT_NAME_SIZE_MAX + 2];
    struct pt_push_try result;
    void (*fn)(void *arg, const struct pt_push_try *result, const struct pt_error *error);
    void *arg;
};

/* Entries of `bundle` that `before` has not, or has otherwise, and the other way round. Either may be NULL. */
static void count_difference(const struct pt_bundle *before, const struct pt_bundle *bundle, uint32_t *ret_entries,
                             uint32_t *ret_groups)
{
    const Patronus__V1__BundleHeader header = PATRONUS__V1__BUNDLE_HEADER__INIT;
    PT_AUTO(buf) struct pt_buf bytes = {0};
    pt_bundle_encode(bundle != NULL ? bundle : before, bundle != NULL ? before : NULL, &header, &bytes);
    Patronus__V1__Bundle *message = patronus__v1__bundle__unpack(NULL, bytes.size, bytes.data);
    pt_assert(message != NULL);
    for (size_t i = 0; i < message->n_entries + message->n_removed; i++) {
        const Patronus__V1__Entry *entry =
            i < message->n_entries ? message->entries[i] : message->removed[i - message->n_entries];
        *ret_entries += 1;
        *ret_groups += entry->entry_case == PATRONUS__V1__ENTRY__ENTRY_GROUP;
    }
    patronus__v1__bundle__free_unpacked(message, NULL);
}

static void compare_node(struct attempt *attempt, struct pt_push_try_node *nodes, const char *edge,
                         const struct pt_bundle *before, const struct pt_bundle *bundle)
{
    bool same = before != NULL && bundle != NULL && pt_digest_equal(pt_bundle_digest(before), pt_bundle_digest(bundle));
    if (same || strncmp(edge, attempt->organization, strlen(attempt->organization)) != 0) {
        return; /* what a tenant plans is nothing to the next; and he sees nobody else's nodes */
    }
    struct pt_push_try_node *node = &nodes[attempt->result.nodes_len++];
    *node = (struct pt_push_try_node){.edge = edge};
    count_difference(before, bundle, &node->entries, &attempt->result.groups);
}

static void compare_passes(struct attempt *attempt)
{
    const struct pass *base = attempt->base;
    const struct pass *pass = &attempt->pass;
    size_t len = base->plan.nodes_len + pass->plan.nodes_len;
    struct pt_push_try_node *nodes = pt_arena_array(&attempt->pass.arena, len, sizeof(*nodes));
    attempt->result.nodes = nodes;
    for (size_t i = 0, j = 0; i < base->plan.nodes_len || j < pass->plan.nodes_len;) {
        const char *a = i < base->plan.nodes_len ? base->plan.nodes[i]->edge : NULL;
        const char *b = j < pass->plan.nodes_len ? pass->plan.nodes[j]->edge : NULL;
        int order = a == NULL ? 1 : b == NULL ? -1 : strcmp(a, b);
        compare_node(attempt, nodes, order <= 0 ? a : b, order <= 0 ? base->bundles[i] : NULL,
                     order >= 0 ? pass->bundles[j] : NULL);
        i += order <= 0;
        j += order >= 0;
    }
}

static void attempt_work(void *arg)
{
    struct attempt *attempt = arg;
    struct pass *pass = &attempt->pass;
    pt_pass_compute(pass);
    if (pass->code == PT_OK) {
        size_t size = strlen(attempt->organization) - 1; /* without the slash */
        const char *organization = pt_arena_strndup(&pass->arena, attempt->organization, size);
        compare_passes(attempt);
        attempt->result.warnings =
            pt_serve_plan_warnings(&pass->plan, organization, &pass->arena, &attempt->result.warnings_len);
    }
}

static void attempt_done(void *arg)
{
    struct attempt *attempt = arg;
    attempt->push->asking--;
    attempt->fn(attempt->arg, &attempt->result, attempt->pass.code != PT_OK ? &attempt->pass.error : NULL);
    attempt->pass.plan.soft = NULL; /* the base's */
    pt_pass_clear(&attempt->pass);
    pt_pass_unref(attempt->base);
    free(attempt);
}

struct pt_view *pt_push_view(const struct pt_push *push)
{
    return push->newest != NULL ? push->newest->plan.view : NULL;
}

enum pt_code pt_push_try(struct pt_push *push, struct pt_view *view, const char *organization,
                         void (*fn)(void *arg, const struct pt_push_try *result, const struct pt_error *error),
                         void *arg, struct pt_error *reterr)
{
    enum pt_code code = may_ask(push, reterr);
    if (code != PT_OK) {
        pt_view_free(view);
        return code;
    }
    struct attempt *attempt = calloc(1, sizeof(*attempt));
    pt_assert(attempt != NULL);
    *attempt = (struct attempt){.push = push, .base = push->newest, .fn = fn, .arg = arg};
    (void)snprintf(attempt->organization, sizeof(attempt->organization), "%s/", organization);
    struct pass *pass = &attempt->pass;
    pt_arena_init(&pass->arena);
    pass->push = push;
    pass->plan.arena = &pass->arena;
    pass->plan.view = view;
    pass->plan.time_ns = push->newest->plan.time_ns; /* what differs is the state, not the hour */
    pass->plan.previous = te_solution_of(&push->newest->plan);
    pass->plan.soft = push->newest->plan.soft;
    pass->plan.ramps = push->newest->plan.ramps;
    pass->plan.trials = push->newest->plan.trials;
    push->newest->refs++;
    push->asking++;
    pt_executor_submit(push->asker, attempt_work, attempt_done, attempt);
    return PT_OK;
}

/* ---- waiting for the nodes ------------------------------------------------------------------------------------ */

/* Every connected node has its newest bundle in force, or one computed from `revision` or later; how many there are.
 * Not the newest alone: plans go on changing while links and measurements do, after a change of leader for seconds, and
 * some node would always be a bundle behind. */
static bool all_acked(const struct pt_push *push, uint64_t revision, uint32_t *ret_nodes)
{
    uint32_t nodes = 0;
    bool all = true;
    PT_LIST_FOREACH (node, &push->controller->sessions) {
        struct pt_edge_session *session = PT_CONTAINER(node, struct pt_edge_session, node);
        const struct node_bundle *bundle = session->greeted ? pt_map_get_str(&push->nodes, session->edge) : NULL;
        if (bundle != NULL && session->acked != NULL &&
            pt_digest_equal(pt_bundle_digest(session->acked), pt_bundle_digest(bundle->bundle))) {
            session->acked_revision = pt_view_revision(push->newest->plan.view);
        } else if (bundle != NULL && (session->acked == NULL || session->acked_revision < revision)) {
            all = false;
        }
        nodes += bundle != NULL ? 1 : 0;
    }
    *ret_nodes = nodes;
    return all;
}

/* Every connected node shares the traffic as the newest solution says: by its newest bundle, or by one from between. */
static bool shares_in_force(const struct pt_push *push)
{
    const struct te_solution *solution = te_solution_of(&push->newest->plan);
    bool all = true;
    PT_LIST_FOREACH (node, &push->controller->sessions) {
        struct pt_edge_session *session = PT_CONTAINER(node, struct pt_edge_session, node);
        const struct node_bundle *bundle = session->greeted ? pt_map_get_str(&push->nodes, session->edge) : NULL;
        if (bundle == NULL || solution == NULL || session->acked_te_epoch == solution->epoch) {
            continue;
        }
        bool newest = session->acked != NULL &&
                      pt_digest_equal(pt_bundle_digest(session->acked), pt_bundle_digest(bundle->bundle));
        all = all && newest;
        session->acked_te_epoch = newest ? solution->epoch : session->acked_te_epoch;
    }
    return all;
}

static void end_wait(struct pt_push_wait *wait, enum pt_code code, uint32_t nodes)
{
    pt_list_remove(&wait->node);
    wait->fn(wait->arg, code, nodes);
}

static void look_at_waits(struct pt_push *push)
{
    uint64_t now = pt_sys_now_ns(push->controller->sys);
    PT_LIST_FOREACH_SAFE (node, &push->waits) {
        struct pt_push_wait *wait = PT_CONTAINER(node, struct pt_push_wait, node);
        uint32_t nodes = 0;
        const struct te_solution *solution = push->newest != NULL ? te_solution_of(&push->newest->plan) : NULL;
        if (push->newest != NULL && pt_view_revision(push->newest->plan.view) >= wait->revision &&
            (solution == NULL || !solution->more) && all_acked(push, wait->revision, &nodes)) {
            end_wait(wait, PT_OK, nodes);
        } else if (now >= wait->deadline_ns) {
            end_wait(wait, PT_DEADLINE_EXCEEDED, 0);
        }
    }
    if (pt_list_empty(&push->waits)) {
        pt_timer_stop(push->waits_timer);
    }
}

static void on_waits_timer(void *arg)
{
    look_at_waits(arg);
}

void pt_push_wait(struct pt_push *push, struct pt_push_wait *wait)
{
    pt_list_push_back(&push->waits, &wait->node);
    pt_timer_start(push->waits_timer, WAITS_MS, WAITS_MS);
    look_at_waits(push);
}

void pt_push_acked(struct pt_push *push)
{
    look_at_waits(push);
    const struct te_solution *solution = push->newest != NULL ? te_solution_of(&push->newest->plan) : NULL;
    if (solution != NULL && solution->more && shares_in_force(push)) {
        pt_push_within(push, 0); /* the next step */
    }
}

bool pt_ask_moves(const struct pt_push *push, const struct pass *pass)
{
    const struct te_solution *before = push->newest != NULL ? te_solution_of(&push->newest->plan) : NULL;
    const struct te_solution *solution = te_solution_of(&pass->plan);
    return solution != NULL && (before == NULL || before->epoch != solution->epoch);
}

void pt_ask_steps(struct pt_push *push, struct pass *pass)
{
    bool lacking = push->newest != NULL && !shares_in_force(push);
    bool timely = pt_sys_now_ns(push->controller->sys) - push->moved_ns < MORE_MS * 1000000ULL;
    pass->plan.under_way = lacking && timely;
    pass->plan.late = lacking && !timely;
}

/* ---- coming back ---------------------------------------------------------------------------------------------- */

void pt_push_ramp(struct pt_push *push, const char *name, uint64_t age_ns)
{
    uint64_t *began = malloc(sizeof(*began));
    pt_assert(began != NULL);
    *began = pt_sys_now_ns(push->controller->sys) - age_ns;
    free(pt_map_put_str(&push->ramps, name, began));
}

void pt_ask_ramps(struct pt_push *push, struct pass *pass)
{
    uint64_t now = pt_sys_now_ns(push->controller->sys);
    PT_MAP_FOREACH (entry, &push->ramps) {
        uint64_t *began = entry->value;
        uint64_t steps = (now - *began) / (RAMP_STEP_MS * 1000000ULL) + 1;
        if (steps >= RAMP_STEPS) {
            (void)pt_map_remove(&push->ramps, entry->key, entry->key_size);
            free(began);
            continue;
        }
        uint32_t *percent = PT_NEW(&pass->arena, uint32_t);
        *percent = (uint32_t)(100 * steps / RAMP_STEPS);
        (void)pt_map_put(&pass->ramps, entry->key, entry->key_size, percent);
    }
    pass->plan.ramps = &pass->ramps;
}

/* ---- solutions ------------------------------------------------------------------------------------------------ */

struct pt_push_solution {
    unsigned refs; /* the push, and questions; the loop's */
    struct te_packed packed;
};

static struct pt_push_solution *solution_new(struct te_packed packed)
{
    struct pt_push_solution *solution = calloc(1, sizeof(*solution));
    pt_assert(solution != NULL);
    *solution = (struct pt_push_solution){.refs = 1, .packed = packed};
    return solution;
}

void pt_push_solution_unref(struct pt_push_solution *solution)
{
    if (solution != NULL && --solution->refs == 0) {
        te_packed_fini(&solution->packed);
        free(solution);
    }
}

const struct te_packed *pt_push_solution_packed(const struct pt_push_solution *solution)
{
    return &solution->packed;
}

/* Slot of the solution that is `index` younger ones away from the newest. */
static struct pt_push_solution **solution_at(struct pt_push *push, size_t index)
{
    size_t kept = push->solutions_len < PT_PUSH_SOLUTIONS_LEN ? push->solutions_len : PT_PUSH_SOLUTIONS_LEN;
    return index < kept ? &push->solutions[(push->solutions_len - 1 - index) % PT_PUSH_SOLUTIONS_LEN] : NULL;
}

struct pt_push_solution *pt_push_solution_ref(const struct pt_push *push, size_t index)
{
    struct pt_push_solution **slot = solution_at((struct pt_push *)(uintptr_t)push, index);
    if (slot != NULL) {
        (*slot)->refs++;
    }
    return slot != NULL ? *slot : NULL;
}

/* The newest that fit together stay whole; a question that reads an older one has its own reference. */
static void keep_solution(struct pt_push *push, struct pass *pass)
{
    struct pt_push_solution **slot = &push->solutions[push->solutions_len++ % PT_PUSH_SOLUTIONS_LEN];
    pt_push_solution_unref(*slot);
    *slot = solution_new(pass->solution);
    pass->solution = (struct te_packed){0};
    const struct te_packed *kept[PT_PUSH_SOLUTIONS_LEN];
    size_t len = 0;
    for (; (slot = solution_at(push, len)) != NULL; len++) {
        kept[len] = &(*slot)->packed;
    }
    for (size_t i = te_packed_fit(kept, len, PT_PUSH_SOLUTIONS_SIZE_MAX); i < len; i++) {
        slot = solution_at(push, i);
        if ((*slot)->packed.parts_len > 0) {
            struct te_packed summary;
            te_packed_summary(&(*slot)->packed, &summary);
            pt_push_solution_unref(*slot);
            *slot = solution_new(summary);
        }
    }
}

void pt_ask_pass(struct pt_push *push, struct pass *pass)
{
    if (pass->solution.data.size > 0) {
        keep_solution(push, pass);
    }
    const struct te_solution *solution = te_solution_of(&pass->plan);
    if (push->ramps.count > 0) {
        pt_push_within(push, RAMP_STEP_MS);
    }
    if (solution != NULL && solution->more) {
        pt_push_within(push, MORE_MS);
    }
    look_at_waits(push);
}

/* ---- life ----------------------------------------------------------------------------------------------------- */

void pt_ask_init(struct pt_push *push)
{
    pt_list_init(&push->waits);
    push->waits_timer = pt_timer_new(push->controller->sys, on_waits_timer, push);
}

static void forget(struct pt_push *push)
{
    PT_MAP_FOREACH (entry, &push->ramps) {
        free(entry->value);
    }
    pt_map_clear(&push->ramps);
    for (size_t i = 0; i < PT_PUSH_SOLUTIONS_LEN; i++) {
        pt_push_solution_unref(push->solutions[i]);
        push->solutions[i] = NULL;
    }
    push->solutions_len = 0;
    PT_LIST_FOREACH_SAFE (node, &push->waits) {
        end_wait(PT_CONTAINER(node, struct pt_push_wait, node), PT_ABORTED, 0);
    }
}

void pt_ask_role_changed(struct pt_push *push)
{
    forget(push);
}

void pt_ask_fini(struct pt_push *push)
{
    pt_executor_free(push->asker);
    push->asker = NULL;
    forget(push);
    pt_timer_free(push->waits_timer);
    pt_map_fini(&push->ramps);
}
