/*
 * Push: the compute loop of the leader.
 *
 *   change -> dirty -> (debounce) -> copy a view -> worker: parse, stages -> loop: bundle per node -> send differences
 *
 * The view shares with the one before what did not change; the first one of a leader is copied some rows a turn, so
 * that a large state does not hold up the loop.
 *
 * One pass at a time; a change during a pass starts the next one behind it. Generations count within a term and rise
 * with each pass that changed some node's bundle. Nodes get a difference when what they have is what was last sent to
 * them, and everything otherwise. A bundle is signed once and kept until the node's next one replaces it.
 *
 * A new leader waits briefly before its first pass, so that nodes can reconnect and say what they measure: forwarding
 * goes on meanwhile by what the nodes have.
 */
#include "serve/push_priv.h"

#include "base/assert.h"
#include "mod/te/ask.h"
#include "mod/te/te.h"
#include "serve/setup.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define DEBOUNCE_MS 10
#define PASS_THREADS 2 /* one more than the pass's own helps with what is large */
#define PASS_PAUSES 19 /* a pass is followed by so many times its length: at most a twentieth of a processor */
#define FIRST_PASS_MS 300
#define RETRY_MS 1000
#define LIVENESS_MS 10
#define LIVENESS_BURST_MAX 5
#define LIVENESS_CALM_MS 500
#define ALIVE_MS 100 /* what came back is not missed: its fellows come along */
#define QUALITY_MS 2000
#define SENT_PER_TURN 16

/* ---- results --------------------------------------------------------------------------------------------------------
 */

static void soft_fini(const struct pt_soft *soft)
{
    if (soft != NULL) {
        struct pt_soft *own = (struct pt_soft *)(uintptr_t)soft; /* made by this pass */
        pt_map_fini(&own->paths);
        pt_map_fini(&own->demands);
    }
}

void pt_pass_clear(struct pass *pass)
{
    te_packed_fini(&pass->solution);
    te_pass_fini(&pass->plan);
    pt_map_fini(&pass->ramps);
    pt_map_fini(&pass->trials);
    pt_map_fini(&pass->learned.weights);
    for (size_t i = 0; pass->bundles != NULL && i < pass->plan.nodes_len; i++) {
        pt_bundle_unref(pass->bundles[i]);
    }
    soft_fini(pass->plan.soft);
    pt_map_fini(&pass->plan.sections);
    pt_view_free(pass->plan.view);
    pt_arena_fini(&pass->arena);
}

void pt_pass_unref(struct pass *pass)
{
    if (pass == NULL || --pass->refs > 0) {
        return;
    }
    pt_pass_unref(pass->before); /* of a pass that never ended */
    pt_pass_clear(pass);
    free(pass);
}

static void node_bundle_free(struct node_bundle *node)
{
    if (node != NULL) {
        pt_bundle_unref(node->bundle);
        free(node);
    }
}

static void forget_nodes(struct pt_push *push)
{
    PT_MAP_FOREACH (entry, &push->nodes) {
        node_bundle_free(entry->value);
    }
    pt_map_clear(&push->nodes);
}

/* ---- sending --------------------------------------------------------------------------------------------------------
 */

/* Raised by every restore from backup, so that nodes take what follows for newer. */
static uint64_t epoch(const struct pt_controller *controller)
{
    PT_AUTO(buf) struct pt_buf value = {0};
    enum pt_code code = pt_store_meta_get(pt_kind_store(controller->machine), PT_META_CLUSTER_EPOCH, &value, NULL);
    return 1 + (code == PT_OK && value.size == 8 ? pt_be64(value.data) : 0);
}

static void fill_header(const struct pt_push *push, const struct pt_edge_session *session,
                        const struct node_bundle *node, Patronus__V1__BundlePosition *position,
                        Patronus__V1__BundleHeader *header)
{
    const struct pt_controller *controller = push->controller;
    position->cluster_id = (char *)(uintptr_t)controller->options.identity.cluster_id;
    position->epoch = epoch(controller);
    position->term = controller->term;
    position->generation = node->generation;
    header->position = position;
    header->node_id = (char *)(uintptr_t)session->edge;
    header->digest = (ProtobufCBinaryData){.len = PT_DIGEST_SIZE,
                                           .data = (uint8_t *)(uintptr_t)pt_bundle_digest(node->bundle)->bytes};
    header->revision = node->revision;
    header->time_ns = node->time_ns;
    const struct te_solution *solution = push->newest != NULL ? te_solution_of(&push->newest->plan) : NULL;
    header->te_epoch = solution != NULL ? solution->epoch : 0;
}

/* Is there a newer bundle for the node, and may it be sent now? */
static bool lacks_bundle(const struct pt_push *push, struct pt_edge_session *session)
{
    const struct pt_controller *controller = push->controller;
    const struct node_bundle *node = pt_map_get_str(&push->nodes, session->edge);
    if (node == NULL || !session->greeted || session->sent != NULL || session->retry_at_ns != 0 ||
        session->call->rpc == NULL || !controller->ready || push->newest_number < session->after_pass) {
        return false;
    }
    if (pt_digest_equal(&session->reported, pt_bundle_digest(node->bundle))) {
        if (session->acked == NULL) {
            /* The node came with exactly this. */
            pt_bundle_ref(node->bundle);
            session->acked = node->bundle;
            session->acked_generation = node->generation;
        }
        return false;
    }
    return true;
}

static void send_bundle(const struct pt_push *push, struct pt_edge_session *session,
                        const uint8_t seed[PT_SIGN_PRIVATE_SIZE])
{
    const struct node_bundle *node = pt_map_get_str(&push->nodes, session->edge);
    Patronus__V1__BundlePosition position = PATRONUS__V1__BUNDLE_POSITION__INIT;
    Patronus__V1__BundleHeader header = PATRONUS__V1__BUNDLE_HEADER__INIT;
    uint8_t signature[PT_SIGNATURE_SIZE];
    fill_header(push, session, node, &position, &header);
    pt_bundle_sign(&header, seed, signature);
    header.signature = (ProtobufCBinaryData){.len = sizeof(signature), .data = signature};

    PT_AUTO(buf) struct pt_buf bundle = {0};
    pt_bundle_encode(node->bundle, session->acked, &header, &bundle);
    /* ControllerMessage.bundle is field 2: its tag, the size as varint, the bytes. */
    PT_AUTO(buf) struct pt_buf message = {0};
    pt_buf_append_u8(&message, 2 << 3 | 2);
    size_t size = bundle.size;
    for (; size >= 0x80; size >>= 7) {
        pt_buf_append_u8(&message, (uint8_t)(size | 0x80));
    }
    pt_buf_append_u8(&message, (uint8_t)size);
    pt_buf_append(&message, bundle.data, bundle.size);
    pt_bundle_ref(node->bundle);
    session->sent = node->bundle;
    session->sent_at_ns = pt_sys_now_ns(push->controller->sys);
    session->sent_generation = node->generation;
    session->sent_revision = push->newest != NULL ? pt_view_revision(push->newest->plan.view) : 0;
    session->sent_te_epoch = header.te_epoch;
    (void)pt_rpc_call_send(session->call->rpc, pt_buf_bytes(&message)); /* one bundle under way at a time */
}

/* The key that bundles are signed with, out of its seal; the caller clears it. */
static bool open_key(const struct pt_push *push, uint8_t seed[PT_SIGN_PRIVATE_SIZE])
{
    struct pt_error error = {0};
    if (pt_serve_bundle_key(push->controller, seed, &error) != PT_OK) {
        pt_log_error(push->controller->log, "bundle not signed", "reason=\"%s\"", error.text);
        return false;
    }
    return true;
}

bool pt_push_session(struct pt_push *push, struct pt_edge_session *session)
{
    uint8_t seed[PT_SIGN_PRIVATE_SIZE];
    if (!lacks_bundle(push, session) || !open_key(push, seed)) {
        return false;
    }
    send_bundle(push, session, seed);
    pt_memory_clear(seed, sizeof(seed));
    return true;
}

/* To all that lack something, some a turn, for a bundle is signed and written out on the loop. */
static void push_some(void *arg)
{
    struct pt_push *push = arg;
    uint8_t seed[PT_SIGN_PRIVATE_SIZE];
    size_t sent = 0;
    PT_LIST_FOREACH_SAFE (node, &push->controller->sessions) {
        struct pt_edge_session *session = PT_CONTAINER(node, struct pt_edge_session, node);
        if (!lacks_bundle(push, session)) {
            continue;
        }
        if (sent == SENT_PER_TURN) {
            pt_timer_start(push->pusher, 0, 0);
            break;
        }
        if (sent == 0 && !open_key(push, seed)) { /* once for all of them */
            return;
        }
        send_bundle(push, session, seed);
        sent++;
    }
    pt_memory_clear(seed, sizeof(seed));
}

/* ---- passes ---------------------------------------------------------------------------------------------------------
 */

/* The node's bundle of the pass before; NULL: it had none. Both passes have their nodes in order of name, `*at` is how
 * far that pass has been walked. */
static const struct pt_bundle *bundle_before(const struct pass *pass, const char *edge, size_t *at)
{
    const struct pass *before = pass->before;
    while (before != NULL && *at < before->plan.nodes_len && strcmp(before->plan.nodes[*at]->edge, edge) < 0) {
        (*at)++;
    }
    bool is_there = before != NULL && *at < before->plan.nodes_len && strcmp(before->plan.nodes[*at]->edge, edge) == 0;
    return is_there && before->bundles != NULL ? before->bundles[*at] : NULL;
}

void pt_pass_compute(struct pass *pass)
{
    pt_view_freeze(pass->plan.view);
    pass->code = pt_plan_run(&pass->plan, pass->push->controller->options.mods, &pass->error);
    if (pass->code != PT_OK) {
        return;
    }
    const struct te_solution *solution = te_solution_of(&pass->plan);
    if (solution != NULL && (pass->plan.previous == NULL || solution->epoch != pass->plan.previous->epoch)) {
        te_solution_pack(&pass->plan, PT_PUSH_SOLUTIONS_SIZE_MAX, &pass->solution);
    }
    pass->bundles = pt_arena_array(&pass->arena, pass->plan.nodes_len, sizeof(struct pt_bundle *));
    for (size_t i = 0, before = 0; i < pass->plan.nodes_len; i++) {
        const struct pt_plan_node *node = pass->plan.nodes[i];
        const struct pt_bundle *like = bundle_before(pass, node->edge, &before);
        pass->bundles[i] = pt_bundle_new_like(like, node->entries, node->entries_len);
    }
}

static void pass_work(void *arg)
{
    pt_pass_compute(arg);
}

/* Keep the pass's bundles where they differ from those before; true when some did. */
static bool take_bundles(struct pt_push *push, struct pass *pass)
{
    struct pt_map old = push->nodes;
    pt_map_init(&push->nodes);
    bool changed = false;
    int64_t now = pt_sys_wall_ns(push->controller->sys);
    for (size_t i = 0; i < pass->plan.nodes_len; i++) {
        const char *edge = pass->plan.nodes[i]->edge;
        struct node_bundle *node = pt_map_remove_str(&old, edge);
        if (node == NULL || !pt_digest_equal(pt_bundle_digest(node->bundle), pt_bundle_digest(pass->bundles[i]))) {
            node_bundle_free(node);
            node = calloc(1, sizeof(*node));
            pt_assert(node != NULL);
            node->bundle = pass->bundles[i];
            pt_bundle_ref(node->bundle);
            node->generation = push->generation + 1;
            node->revision = pt_view_revision(pass->plan.view);
            node->time_ns = now;
            changed = true;
        }
        (void)pt_map_put_str(&push->nodes, edge, node);
    }
    PT_MAP_FOREACH (entry, &old) {
        node_bundle_free(entry->value);
    }
    pt_map_fini(&old);
    return changed;
}

static void start_pass(void *arg);

static void pass_done(void *arg)
{
    struct pass *pass = arg;
    struct pt_push *push = pass->push;
    struct pt_controller *controller = push->controller;
    push->running = false;
    push->ended_ns = pt_sys_now_ns(controller->sys);
    push->pass_ns = push->ended_ns - push->began_ns;
    push->current = NULL;
    pass->plan.previous = NULL;
    pt_pass_unref(pass->before);
    pass->before = NULL;
    if (!controller->ready || controller->term != pass->term) {
        pt_pass_unref(pass);
    } else if (pass->code != PT_OK) {
        pt_log_error(controller->log, "plan failed", "reason=\"%s\"", pass->error.text);
        pt_pass_unref(pass);
        pt_timer_start(push->timer, RETRY_MS, 0);
    } else {
        if (take_bundles(push, pass)) {
            push->generation++;
            pt_log_info(controller->log, "planned",
                        "generation=%" PRIu64 " nodes=%zu revision=%" PRIu64 " took_ms=%" PRIu64, push->generation,
                        pass->plan.nodes_len, pt_view_revision(pass->plan.view), push->pass_ns / 1000000);
        }
        if (pt_ask_moves(push, pass)) {
            push->moved_ns = push->ended_ns;
        }
        pt_pass_unref(push->newest);
        push->newest = pass;
        push->newest_number = pass->number;
        pt_soft_sweep(controller->soft);
        pt_ask_pass(push, pass);
        push_some(push);
    }
    if (push->again) {
        push->again = false;
        push->urgent ? pt_push_within(push, 0) : pt_push_dirty(push);
    }
}

static void spread(void *executor, pt_flow_work_fn work, void *arg, size_t parts)
{
    pt_executor_spread(executor, work, arg, parts);
}

static void copy_some(void *arg)
{
    struct pt_push *push = arg;
    struct pt_controller *controller = push->controller;
    struct pass *pass = push->current;
    if (!controller->ready || controller->term != pass->term) {
        pass_done(pass); /* drops it */
    } else if (!pt_view_copy(pass->plan.view, push->newest != NULL ? push->newest->plan.view : NULL)) {
        pt_timer_start(push->copier, 0, 0);
    } else {
        pt_pending_trials(controller, &pass->arena, &pass->trials);
        pass->plan.soft = pt_soft_copy(controller->soft, &pass->arena);
        if (push->worker == NULL) {
            push->worker = pt_executor_new(controller->sys, "plan", PASS_THREADS);
        }
        pass->workers = (struct pt_flow_workers){.run = spread, .run_arg = push->worker, .threads = PASS_THREADS};
        pass->plan.workers = &pass->workers;
        pt_executor_submit(push->worker, pass_work, pass_done, pass);
    }
}

static void start_pass(void *arg)
{
    struct pt_push *push = arg;
    struct pt_controller *controller = push->controller;
    if (!controller->ready || controller->closing) {
        return;
    }
    if (push->running) {
        push->again = true;
        return;
    }
    push->running = true;
    push->urgent = false;
    struct pass *pass = calloc(1, sizeof(*pass));
    pt_assert(pass != NULL);
    pt_arena_init(&pass->arena);
    push->current = pass;
    pass->refs = 1;
    pass->push = push;
    pass->number = ++push->passes;
    pass->term = controller->term;
    pass->plan.arena = &pass->arena;
    pass->plan.view = pt_view_new(controller->machine);
    push->began_ns = pt_sys_now_ns(controller->sys);
    pass->plan.time_ns = pt_sys_wall_ns(controller->sys);
    if (push->newest != NULL) {
        pass->before = push->newest;
        pass->before->refs++;
    }
    pt_learn_start(push, pass);
    pt_ask_ramps(push, pass);
    pt_ask_steps(push, pass);
    /* What waits now or when the view is whole: the view may be of a moment between. */
    pass->plan.trials = &pass->trials;
    pt_pending_trials(controller, &pass->arena, &pass->trials);
    copy_some(push);
}

void pt_push_within(struct pt_push *push, uint64_t delay_ms)
{
    uint64_t due_ns = pt_sys_now_ns(push->controller->sys) + delay_ms * 1000000;
    if (push->controller->ready && (!pt_timer_active(push->timer) || due_ns < push->due_ns)) {
        push->due_ns = due_ns;
        pt_timer_start(push->timer, delay_ms, 0);
    }
}

void pt_push_dirty(struct pt_push *push)
{
    uint64_t rested_ns = pt_sys_now_ns(push->controller->sys) - push->ended_ns;
    uint64_t pause_ns = push->pass_ns * PASS_PAUSES;
    uint64_t wait_ms = pause_ns > rested_ns ? (pause_ns - rested_ns) / 1000000 : 0;
    pt_push_within(push, wait_ms > DEBOUNCE_MS ? wait_ms : DEBOUNCE_MS);
}

/* The first death is answered at once: it is one end's word, which the other end's mostly changes nothing about. Each
 * further one within the next half seconds waits twice as long as the one before, so that links that flap do not keep
 * every node busy with bundles. */
static uint64_t liveness_delay_ms(struct pt_push *push)
{
    uint64_t now = pt_sys_now_ns(push->controller->sys);
    uint64_t calm = (now - push->liveness_ns) / (LIVENESS_CALM_MS * 1000000ULL);
    push->liveness_burst = calm >= push->liveness_burst ? 0 : push->liveness_burst - (unsigned)calm;
    uint64_t delay_ms = push->liveness_burst == 0 ? 0 : (uint64_t)LIVENESS_MS << push->liveness_burst;
    if (!pt_timer_active(push->timer)) { /* those that come while it runs are answered together */
        push->liveness_burst += push->liveness_burst < LIVENESS_BURST_MAX ? 1 : 0;
        push->liveness_ns = now;
    }
    return delay_ms;
}

void pt_push_measured(struct pt_push *push, enum pt_soft_change change)
{
    if (change == PT_SOFT_DEAD) {
        push->urgent = true;
        pt_push_within(push, liveness_delay_ms(push));
    } else if (change != PT_SOFT_SAME) {
        pt_push_within(push, change == PT_SOFT_ALIVE ? ALIVE_MS : QUALITY_MS);
    }
}

void pt_push_role_changed(struct pt_push *push)
{
    forget_nodes(push);
    pt_pass_unref(push->newest); /* an earlier leadership's */
    push->newest = NULL;
    push->generation = 0;
    pt_ask_role_changed(push);
    pt_learn_role_changed(push);
    if (push->controller->ready) {
        struct pt_view *view = pt_view_new(push->controller->machine);
        pt_learn_ramps(push, view);
        pt_view_free(view);
        pt_timer_start(push->timer, FIRST_PASS_MS, 0);
    } else {
        pt_timer_stop(push->timer);
    }
}

struct pt_push *pt_push_new(struct pt_controller *controller)
{
    struct pt_push *push = calloc(1, sizeof(*push));
    pt_assert(push != NULL);
    push->controller = controller;
    push->timer = pt_timer_new(controller->sys, start_pass, push);
    pt_ask_init(push);
    push->copier = pt_timer_new(controller->sys, copy_some, push);
    push->pusher = pt_timer_new(controller->sys, push_some, push);
    return push;
}

void pt_push_free(struct pt_push *push)
{
    if (push == NULL) {
        return;
    }
    push->controller->ready = false; /* a pass that ends now is dropped */
    pt_timer_free(push->timer);
    pt_timer_free(push->copier);
    pt_timer_free(push->pusher);
    push->timer = push->copier = push->pusher = NULL;
    pt_executor_free(push->worker);
    pt_ask_fini(push);
    pt_learn_fini(push);
    pt_pass_unref(push->current); /* of a host that crashed: its done never comes */
    pt_pass_unref(push->newest);
    forget_nodes(push);
    pt_map_fini(&push->nodes);
    free(push);
}

uint64_t pt_push_generation(const struct pt_push *push)
{
    return push->generation;
}

/* ---- what a node may speak of --------------------------------------------------------------------------------- */

/* First entry that is not below (entry_case, id); paths are ordered by id, groups by site first. */
static const Patronus__V1__Entry *lower_bound(const struct pt_bundle *bundle, Patronus__V1__Entry__EntryCase entry_case,
                                              uint64_t id)
{
    size_t len = 0;
    const Patronus__V1__Entry *const *entries = pt_bundle_entries(bundle, &len);
    size_t low = 0;
    size_t high = len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const Patronus__V1__Entry *entry = entries[middle];
        bool below = entry->entry_case < entry_case;
        if (entry->entry_case == entry_case) {
            below = (entry_case == PATRONUS__V1__ENTRY__ENTRY_PATH ? entry->path->path : entry->group->site_label) < id;
        }
        if (below) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < len && entries[low]->entry_case == entry_case ? entries[low] : NULL;
}

static const Patronus__V1__PathEntry *path_at(const struct pt_push *push, const char *edge, uint64_t path_id)
{
    const struct node_bundle *node = pt_map_get_str(&push->nodes, edge);
    const Patronus__V1__Entry *entry =
        node != NULL ? lower_bound(node->bundle, PATRONUS__V1__ENTRY__ENTRY_PATH, path_id) : NULL;
    return entry != NULL && entry->path->path == path_id ? entry->path : NULL;
}

bool pt_push_may_report(const struct pt_push *push, const char *edge, uint64_t path_id)
{
    return push->newest == NULL || path_at(push, edge, path_id) != NULL;
}

bool pt_push_plans_by(const struct pt_push *push, const char *edge, uint64_t path_id)
{
    const Patronus__V1__PathEntry *path = push->newest != NULL ? path_at(push, edge, path_id) : NULL;
    return push->newest == NULL || (path != NULL && path->n_stack == 0);
}

bool pt_push_reaches(const struct pt_push *push, const char *edge, uint32_t site_label)
{
    if (push->newest == NULL) {
        return true;
    }
    const struct node_bundle *node = pt_map_get_str(&push->nodes, edge);
    const Patronus__V1__Entry *entry =
        node != NULL ? lower_bound(node->bundle, PATRONUS__V1__ENTRY__ENTRY_GROUP, site_label) : NULL;
    return entry != NULL && entry->group->site_label == site_label;
}

const struct pt_plan_pass *pt_push_pass(const struct pt_push *push)
{
    return push->newest != NULL ? &push->newest->plan : NULL;
}
