/*
 * The checkers that look into the nodes.
 *
 * After each step: at most one leader in a term; equal state digest and equal log hash at equal applied index; no edge
 * ever in force of an older bundle than before, for the life of its data folder.
 *
 * In the end, when every fault is over: a write gets through, every member has applied the same log, every key holds
 * what the model allows, every watcher saw the history, every edge runs the leader's bundle.
 */
#include "nodes.h"

#include "base/assert.h"
#include "patronus/v1/policy.pb-c.h"
#include "plan/plan.h"
#include "serve/controller_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTLE_NS (30 * SECOND) /* the longest that anything may take after the healing */
#define TICK_NS (20 * MS)

/* ---- after each step ------------------------------------------------------------------------------------------ */

static void check_leader(struct controller_host *node, const struct pt_raft_status *status)
{
    struct world *world = node->world;
    struct model *model = &world->model;
    if (status->term >= model->leaders_len) {
        size_t len = ((size_t)status->term + 1) * 2;
        model->leaders = realloc(model->leaders, len * sizeof(*model->leaders));
        pt_assert(model->leaders != NULL);
        memset(model->leaders + model->leaders_len, 0, (len - model->leaders_len) * sizeof(*model->leaders));
        model->leaders_len = len;
    }
    uint64_t *leader = &model->leaders[status->term];
    if (*leader != 0 && *leader != node->raft_id) {
        violate(world, "term %" PRIu64 " has two leaders: %" PRIu64 " and %" PRIu64, status->term, *leader,
                node->raft_id);
    }
    if (*leader == 0) {
        tell(world, "%s: leads term %" PRIu64 ", log to %" PRIu64, node->name, status->term, status->last_index);
        nemesis_elected(world, node);
    }
    *leader = node->raft_id;
}

static void check_state(struct controller_host *node, const struct pt_witness *witness)
{
    struct world *world = node->world;
    struct model *model = &world->model;
    uint64_t index = witness->applied_index;
    if (index >= model->marks_len) {
        size_t len = ((size_t)index + 1) * 2;
        model->marks = realloc(model->marks, len * sizeof(*model->marks));
        pt_assert(model->marks != NULL);
        memset(model->marks + model->marks_len, 0, (len - model->marks_len) * sizeof(*model->marks));
        model->marks_len = len;
    }
    struct index_mark *mark = &model->marks[index];
    struct pt_digest digest = pt_store_digest(pt_kind_store(pt_controller_machine(node->controller)));
    if (mark->node == 0) {
        *mark = (struct index_mark){.digest = digest, .log_hash = witness->log_hash, .node = node->number};
    } else if (node->damaged) {
        /* it may be wrong; the cluster's own digest check must find it, or the replacement ends it */
    } else if (memcmp(&mark->log_hash, &witness->log_hash, sizeof(mark->log_hash)) != 0) {
        violate(world, "c%u and c%u applied different logs up to %" PRIu64, mark->node, node->number, index);
    } else if (memcmp(&mark->digest, &digest, sizeof(digest)) != 0) {
        violate(world, "c%u and c%u have different states at %" PRIu64, mark->node, node->number, index);
    }
}

static void check_controller(struct controller_host *node)
{
    struct pt_raft_status status = pt_raft_status(pt_controller_raft(node->controller));
    bool leading = status.role == PT_RAFT_LEADER;
    if (leading && (!node->seen_leading || node->seen_term != status.term)) {
        check_leader(node, &status);
    }
    node->seen_leading = leading;
    node->seen_term = status.term;
    /* What the machine has applied is what its witness says; consensus also counts entries of its own. */
    if (status.applied_index != node->seen_status_applied) {
        node->seen_status_applied = status.applied_index;
        struct pt_witness witness = pt_store_witness(pt_kind_store(pt_controller_machine(node->controller)));
        if (witness.applied_index != node->seen_applied) {
            node->seen_applied = witness.applied_index;
            check_state(node, &witness);
        }
    }
}

static int compare_positions(const struct pt_agent_position *a, const struct pt_agent_position *b)
{
    if (a->epoch != b->epoch) {
        return a->epoch < b->epoch ? -1 : 1;
    }
    if (a->term != b->term) {
        return a->term < b->term ? -1 : 1;
    }
    return a->generation < b->generation ? -1 : a->generation > b->generation ? 1 : 0;
}

static void check_edge(struct edge_host *edge)
{
    struct pt_agent_position position;
    if (!pt_agent_position(edge->agent, &position)) {
        if (edge->has_position) {
            violate(edge->world, "%s runs no bundle, but had one of term %" PRIu64 " generation %" PRIu64, edge->name,
                    edge->highest.term, edge->highest.generation);
        }
        return;
    }
    int order = edge->has_position ? compare_positions(&position, &edge->highest) : 1;
    if (order < 0) {
        violate(edge->world,
                "%s runs term %" PRIu64 " generation %" PRIu64 " after term %" PRIu64 " generation %" PRIu64,
                edge->name, position.term, position.generation, edge->highest.term, edge->highest.generation);
    }
    edge->highest = position;
    edge->has_position = true;
}

void check_step(struct world *world)
{
    for (unsigned i = 0; i < CONTROLLERS_MAX; i++) {
        if (controller_serves(&world->controllers[i])) {
            check_controller(&world->controllers[i]);
        }
    }
    for (unsigned i = 0; i < world->edges_len; i++) {
        if (world->edges[i].state == HOST_UP) {
            check_edge(&world->edges[i]);
        }
    }
}

/* ---- in the end ----------------------------------------------------------------------------------------------- */

static bool step_until(struct world *world, uint64_t until_ns)
{
    while (world->violations == 0 && pt_sim_step(world->sim, until_ns)) {
        world->events++;
        check_step(world);
        if (world->attention) {
            nemesis_attend(world);
        }
    }
    return world->violations == 0;
}

/* Let time pass until the condition holds; a violation when it does not in time. A planted bug must be found by the
 * harm that it does: that it also slows the cluster down proves nothing. */
static bool settle(struct world *world, bool (*holds)(struct world *world), const char *what)
{
    uint64_t until_ns = now_ns(world) + SETTLE_NS;
    while (!holds(world)) {
        if (now_ns(world) >= until_ns && world->options->planted != PT_PLANTED_NONE) {
            return false;
        }
        if (now_ns(world) >= until_ns) {
            violate(world, "after the healing: %s", what);
        }
        if (!step_until(world, now_ns(world) + TICK_NS)) {
            return false;
        }
        operator_tick(world);
        nemesis_heal(world);
    }
    return world->violations == 0;
}

static bool members_settled(struct world *world)
{
    for (unsigned i = 0; i < CONTROLLERS_MAX; i++) {
        if (world->controllers[i].state != HOST_UP && world->controllers[i].state != HOST_UNUSED) {
            return false;
        }
    }
    return operator_idle(world);
}

static bool all_idle(struct world *world)
{
    return clients_idle(world) && tenants_idle(world) && changer_idle(world) && movers_idle(world);
}

static bool probe_done(struct world *world)
{
    return clients_probe_done(world);
}

/* Every member has applied everything. */
static bool members_equal(struct world *world)
{
    const struct controller_host *leader = leader_of(world);
    if (leader == NULL) {
        return false;
    }
    uint64_t last = pt_raft_status(pt_controller_raft(leader->controller)).last_index;
    for (unsigned i = 0; i < CONTROLLERS_MAX; i++) {
        const struct controller_host *node = &world->controllers[i];
        if (node->state == HOST_UNUSED) {
            continue;
        }
        if (!controller_serves(node) || pt_raft_status(pt_controller_raft(node->controller)).applied_index != last) {
            return false;
        }
    }
    return true;
}

static bool watchers_settled(struct world *world)
{
    return watchers_reached(world, world->model.revision_max);
}

static bool edge_agrees(const struct edge_host *edge, const struct pt_plan_pass *pass)
{
    char name[96];
    (void)snprintf(name, sizeof(name), ORG "/sites/s%u/edges/e1", edge->number);
    struct pt_agent_position position;
    if (edge->state != HOST_UP || !pt_agent_position(edge->agent, &position)) {
        return false;
    }
    for (size_t i = 0; i < pass->nodes_len; i++) {
        if (strcmp(pass->nodes[i]->edge, name) == 0) {
            struct pt_bundle *bundle = pt_bundle_new(pass->nodes[i]->entries, pass->nodes[i]->entries_len);
            bool equal = pt_digest_equal(pt_bundle_digest(bundle), &position.digest);
            pt_bundle_unref(bundle);
            return equal;
        }
    }
    return false;
}

static bool edges_agree(struct world *world)
{
    struct controller_host *leader = leader_of(world);
    const struct pt_plan_pass *pass = leader != NULL ? pt_push_pass(leader->controller->push) : NULL;
    if (pass == NULL || !leader->controller->ready) {
        return false;
    }
    for (unsigned i = 0; i < world->edges_len; i++) {
        if (!edge_agrees(&world->edges[i], pass)) {
            return false;
        }
    }
    return true;
}

static void check_keys(struct world *world, struct controller_host *node)
{
    struct pt_store *store = pt_kind_store(pt_controller_machine(node->controller));
    for (unsigned key = 0; key < world->model.keys_len && world->violations == 0; key++) {
        char name[64];
        struct pt_row row;
        struct pt_arena arena;
        pt_arena_init(&arena);
        (void)snprintf(name, sizeof(name), ORG "/slaProfiles/k%02u", key);
        struct key_floor before = world->model.keys[key].floor;
        enum pt_code code = pt_store_get(store, name, &arena, &row, NULL);
        Patronus__V1__SlaProfile *profile =
            code == PT_OK ? patronus__v1__sla_profile__unpack(NULL, row.value.size, row.value.data) : NULL;
        if (code == PT_NOT_FOUND) {
            model_saw_nothing(world, key, &before);
        } else if (profile == NULL) {
            violate(world, "%s: %s cannot be read", node->name, name);
        } else {
            model_saw(world, key, profile->display_name, row.revision, &before);
        }
        if (profile != NULL) {
            patronus__v1__sla_profile__free_unpacked(profile, NULL);
        }
        pt_arena_fini(&arena);
    }
    struct pt_error error = {0};
    if (world->violations == 0 && !node->damaged && pt_store_scrub(store, &error) != PT_OK) {
        violate(world, "%s: the rows do not make the digest: %.150s", node->name, error.text);
    }
}

void check_end(struct world *world)
{
    world->winding_down = true;
    nemesis_heal(world);
    if (!settle(world, members_settled, "the members do not come back") ||
        !settle(world, all_idle, "clients get no answer")) {
        return;
    }
    clients_probe(world);
    if (!settle(world, probe_done, "no write gets through") ||
        !settle(world, members_equal, "the members do not agree") ||
        !settle(world, watchers_settled, "a watcher does not hear of the last change") ||
        !settle(world, edges_agree, "an edge does not run the leader's bundle")) {
        return;
    }
    for (unsigned i = 0; i < CONTROLLERS_MAX && world->violations == 0; i++) {
        if (controller_serves(&world->controllers[i])) {
            check_keys(world, &world->controllers[i]);
            tenants_check(world, &world->controllers[i]);
            changer_check(world, &world->controllers[i]);
            movers_check(world, &world->controllers[i]);
        }
    }
    struct controller_host *leader = leader_of(world);
    if (world->violations == 0 && leader != NULL) {
        watchers_check(world, leader);
    }
}
