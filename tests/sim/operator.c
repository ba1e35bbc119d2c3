/*
 * The operator: an administrator with one job at a time, through the API like anybody else.
 *
 *   change members   IDLE --add----> CREATING --answer--> JOINING --voter in the leader's configuration--> IDLE
 *                    some as a standby first:  JOINING --standby there--> PROMOTING --answer--> JOINING
 *                    IDLE --demote--> DEMOTING --answer--> JOINING --standby there--> PROMOTING, and back
 *                    IDLE --remove-> DELETING --answer--> LEAVING --gone from it--> IDLE
 *   replace a node   DELETING -> LEAVING -> CREATING -> JOINING: under a new Raft id, with an empty disk. A voter whose
 *                    disk was lost must not come back under its old id: it may have voted.
 *   give edges work  IDLE --update an edge's prefixes--> IDLE
 */
#include "nodes.h"

#include "base/assert.h"
#include "patronus/v1/cluster.pb-c.h"
#include "patronus/v1/site.pb-c.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALL_MS 1500
#define RETRY_MS 60
#define WORK_MS 150
#define MEMBERS_MAX 16

enum job { JOB_IDLE, JOB_CREATING, JOB_JOINING, JOB_PROMOTING, JOB_DEMOTING, JOB_DELETING, JOB_LEAVING };

struct operator
{
    struct world *world;
    struct pt_timer *timer; /* the next try of the call under way */
    struct pt_timer *work_timer;
    enum job job;
    struct controller_host *node;   /* whom the job is about */
    bool comes_back;                /* DELETING, LEAVING: the node is replaced */
    bool as_standby;                /* CREATING, JOINING: it becomes a voter only later */
    uint64_t gone_term, gone_index; /* LEAVING: a leader's log ended there when it no longer had the node */
    uint64_t sequence;              /* of request ids */
    bool working;
    unsigned work_edge, work_count;
    uint64_t work_sequence;
};

static char *borrow(const char *text)
{
    return (char *)(uintptr_t)text;
}

static void call(struct operator* operator, const char * method, const ProtobufCMessage *request, pt_rpc_reply_fn fn)
{
    struct world *world = operator->world;
    PT_AUTO(buf) struct pt_buf data = {0};
    size_t size = protobuf_c_message_get_packed_size(request);
    (void)protobuf_c_message_pack(request, pt_buf_reserve(&data, size));
    data.size = size;
    (void)pt_rpc_unary(world->channels[draw(world, CONTROLLERS_MAX)], method, pt_buf_bytes(&data), NULL, 0, CALL_MS,
                       fn, operator);
}

static bool is_vague(const struct pt_error *error)
{
    return error->code == PT_UNAVAILABLE || error->code == PT_DEADLINE_EXCEEDED || error->code == PT_CANCELLED ||
           error->code == PT_EXHAUSTED;
}

/* The leader counts who answers before it changes the voters; the nemesis has some of them down. An operator waits
 * until they are back, as the refusal says. */
static bool lacks_majority(const struct pt_error *error)
{
    return error->code == PT_FAILED_PRECONDITION && strcmp(error->field, "role") == 0;
}

/* ---- members -------------------------------------------------------------------------------------------------- */

static void on_created(void *arg, const struct pt_error *error, struct pt_bytes message)
{
    struct operator* operator= arg;
    (void)message;
    if (error != NULL && is_vague(error)) {
        pt_timer_start(operator->timer, RETRY_MS, 0);
    } else if (error != NULL) {
        violate(operator->world, "a controller was not created: %s %s: %.120s", pt_code_name(error->code), error->field,
                error->text);
    } else {
        operator->job = JOB_JOINING;
    }
}

static void send_create(struct operator* operator)
{
    const struct controller_host *node = operator->node;
    char id[16], peer[32], api[32], agent[32], request_id[32];
    controller_addresses(node->host, peer, api, agent);
    (void)snprintf(id, sizeof(id), "c%u", node->number);
    (void)snprintf(request_id, sizeof(request_id), "members-%" PRIu64, operator->sequence);
    Patronus__V1__Controller resource = PATRONUS__V1__CONTROLLER__INIT;
    resource.raft_id = node->raft_id;
    resource.peer_address = peer;
    resource.api_address = api;
    resource.agent_address = agent;
    resource.role = operator->as_standby ? PATRONUS__V1__CONTROLLER_ROLE__STANDBY
                                         : PATRONUS__V1__CONTROLLER_ROLE__VOTER;
    Patronus__V1__CreateControllerRequest request = PATRONUS__V1__CREATE_CONTROLLER_REQUEST__INIT;
    request.controller_id = id;
    request.controller = &resource;
    request.request_id = request_id;
    call(operator, "/patronus.v1.ControllerService/CreateController", &request.base, on_created);
}

static void on_demoted(void *arg, const struct pt_error *error, struct pt_bytes message)
{
    struct operator* operator= arg;
    (void)message;
    if (error != NULL && (is_vague(error) || lacks_majority(error))) {
        pt_timer_start(operator->timer, RETRY_MS, 0);
    } else if (error != NULL) {
        violate(operator->world, "a controller was not demoted: %s %s: %.120s", pt_code_name(error->code), error->field,
                error->text);
    } else {
        operator->as_standby = true;
        operator->job = JOB_JOINING;
    }
}

static void on_promoted(void *arg, const struct pt_error *error, struct pt_bytes message)
{
    struct operator* operator= arg;
    (void)message;
    if (error != NULL && (is_vague(error) || lacks_majority(error))) {
        pt_timer_start(operator->timer, RETRY_MS, 0);
    } else if (error != NULL) {
        violate(operator->world, "a controller was not promoted: %s %s: %.120s", pt_code_name(error->code),
                error->field, error->text);
    } else {
        operator->as_standby = false;
        operator->job = JOB_JOINING;
    }
}

static void send_role(struct operator* operator, Patronus__V1__ControllerRole role, pt_rpc_reply_fn fn)
{
    char name[32], request_id[32];
    (void)snprintf(name, sizeof(name), "controllers/c%u", operator->node->number);
    (void)snprintf(request_id, sizeof(request_id), "members-%" PRIu64, operator->sequence);
    Patronus__V1__Controller resource = PATRONUS__V1__CONTROLLER__INIT;
    resource.name = name;
    resource.role = role;
    char *paths[] = {borrow("role")};
    Google__Protobuf__FieldMask mask = GOOGLE__PROTOBUF__FIELD_MASK__INIT;
    mask.paths = paths;
    mask.n_paths = 1;
    Patronus__V1__UpdateControllerRequest request = PATRONUS__V1__UPDATE_CONTROLLER_REQUEST__INIT;
    request.controller = &resource;
    request.update_mask = &mask;
    request.request_id = request_id;
    call(operator, "/patronus.v1.ControllerService/UpdateController", &request.base, fn);
}

static void on_deleted(void *arg, const struct pt_error *error, struct pt_bytes message)
{
    struct operator* operator= arg;
    (void)message;
    if (error != NULL && (is_vague(error) || lacks_majority(error))) {
        pt_timer_start(operator->timer, RETRY_MS, 0);
    } else if (error != NULL) {
        violate(operator->world, "a controller was not deleted: %s %s: %.120s", pt_code_name(error->code), error->field,
                error->text);
    } else {
        operator->job = JOB_LEAVING;
    }
}

static void send_delete(struct operator* operator)
{
    char name[32], request_id[32];
    (void)snprintf(name, sizeof(name), "controllers/c%u", operator->node->number);
    (void)snprintf(request_id, sizeof(request_id), "members-%" PRIu64, operator->sequence);
    Patronus__V1__DeleteControllerRequest request = PATRONUS__V1__DELETE_CONTROLLER_REQUEST__INIT;
    request.name = name;
    request.request_id = request_id;
    call(operator, "/patronus.v1.ControllerService/DeleteController", &request.base, on_deleted);
}

static void on_timer(void *arg)
{
    struct operator* operator= arg;
    if (operator->world->violations> 0) {
        return;
    }
    if (operator->job == JOB_CREATING) {
        send_create(operator);
    } else if (operator->job == JOB_PROMOTING) {
        send_role(operator, PATRONUS__V1__CONTROLLER_ROLE__VOTER, on_promoted);
    } else if (operator->job == JOB_DEMOTING) {
        send_role(operator, PATRONUS__V1__CONTROLLER_ROLE__STANDBY, on_demoted);
    } else if (operator->job == JOB_DELETING) {
        send_delete(operator);
    }
}

static void start_call(struct operator* operator, enum job job)
{
    operator->job = job;
    operator->sequence++;
    pt_timer_start(operator->timer, 1, 0);
}

static void start_create(struct operator* operator)
{
    struct world *world = operator->world;
    struct controller_host *node = operator->node;
    if (pt_sim_host(world->sim, node->host) == NULL) {
        pt_sim_restart(world->sim, node->host);
    }
    controller_renew(node, world->raft_id_next++);
    operator->as_standby = chance(world, 30);
    tell(world, "operator: adds %s as %" PRIu64 "%s", node->name,
         node->raft_id, operator->as_standby ? ", standby first" : "");
    controller_start(node);
    start_call(operator, JOB_CREATING);
}

static void transferred(void *arg, enum pt_code code, uint64_t index)
{
    (void)arg, (void)code, (void)index; /* seen in the next tick */
}

enum place { PLACE_UNKNOWN, PLACE_NONE, PLACE_SPARE, PLACE_STANDBY, PLACE_VOTER };

/* What the node is by the leader's word; UNKNOWN when nobody leads. */
static enum place ask_leader(struct operator* operator)
{
    struct controller_host *leader = leader_of(operator->world);
    if (leader == NULL) {
        return PLACE_UNKNOWN;
    }
    struct pt_raft_member members[MEMBERS_MAX];
    size_t len = pt_raft_members(pt_controller_raft(leader->controller), members, MEMBERS_MAX);
    for (size_t i = 0; i < len; i++) {
        if (members[i].id == operator->node->raft_id) {
            return members[i].voter ? PLACE_VOTER : members[i].spare ? PLACE_SPARE : PLACE_STANDBY;
        }
    }
    return PLACE_NONE;
}

static void watch_leaving(struct operator* operator)
{
    struct world *world = operator->world;
    struct controller_host *node = operator->node;
    enum place place = ask_leader(operator);
    if (place == PLACE_UNKNOWN) {
        return;
    }
    struct controller_host *leader = leader_of(world);
    struct pt_raft_status status = pt_raft_status(pt_controller_raft(leader->controller));
    if (place != PLACE_NONE) {
        operator->gone_term = 0;
        if (leader == node) { /* a leader does not remove itself */
            pt_raft_transfer(pt_controller_raft(node->controller), 0, transferred, NULL);
        }
        return;
    }
    if (operator->gone_term != status.term) {
        operator->gone_term = status.term;
        operator->gone_index = status.last_index;
    }
    if (status.commit_index < operator->gone_index) {
        return; /* the change may yet be undone by another leader */
    }
    operator->gone_term = 0;
    tell(world, "operator: %s is out", node->name);
    if (node->state == HOST_UP || node->state == HOST_STOPPING) {
        controller_crash(node, true);
    }
    node->state = HOST_UNUSED;
    node->restart_ns = UINT64_MAX;
    node->damaged = false;
    operator->job = JOB_IDLE;
    if (operator->comes_back) {
        start_create(operator);
    }
}

static void watch_joining(struct operator* operator)
{
    enum place place = ask_leader(operator);
    if (place == PLACE_STANDBY && operator->as_standby) {
        tell(operator->world, "operator: %s is a standby", operator->node->name);
        start_call(operator, JOB_PROMOTING);
    } else if (place == PLACE_VOTER && !operator->as_standby) {
        tell(operator->world, "operator: %s is in", operator->node->name);
        operator->job = JOB_IDLE;
    }
}

bool operator_replace(struct world *world, struct controller_host *node)
{
    struct operator* operator= world->operator;
    if (operator->job != JOB_IDLE) {
        return false;
    }
    tell(world, "operator: replaces %s", node->name);
    operator->node = node;
    operator->comes_back = true;
    start_call(operator, JOB_DELETING);
    return true;
}

bool operator_change_members(struct world *world)
{
    struct operator* operator= world->operator;
    unsigned members = 0;
    if (operator->job != JOB_IDLE) {
        return false;
    }
    for (unsigned i = 0; i < CONTROLLERS_MAX; i++) {
        members += world->controllers[i].state != HOST_UNUSED ? 1 : 0;
        if (world->controllers[i].state == HOST_BROKEN) {
            return false;
        }
    }
    struct controller_host *node = &world->controllers[draw(world, CONTROLLERS_MAX)];
    operator->node = node;
    if (node->state == HOST_UNUSED) {
        start_create(operator);
        return true;
    }
    if (members > 3 && chance(world, 40)) { /* with three, two would vote: then nobody's data may be in doubt */
        tell(world, "operator: demotes %s", node->name);
        start_call(operator, JOB_DEMOTING);
        return true;
    }
    operator->comes_back = chance(world, 30);
    if (members <= 3 && !operator->comes_back) {
        return false;
    }
    tell(world, "operator: removes %s", node->name);
    start_call(operator, JOB_DELETING);
    return true;
}

void operator_tick(struct world *world)
{
    struct operator* operator= world->operator;
    if (operator->job == JOB_LEAVING) {
        watch_leaving(operator);
    } else if (operator->job == JOB_JOINING) {
        watch_joining(operator);
    }
}

bool operator_idle(const struct world *world)
{
    return world->operator->job == JOB_IDLE;
}

/* ---- work for edges ------------------------------------------------------------------------------------------- */

static void on_worked(void *arg, const struct pt_error *error, struct pt_bytes message)
{
    struct operator* operator= arg;
    struct world *world = operator->world;
    (void)message;
    if (error != NULL && !is_vague(error)) {
        violate(world, "an edge was not updated: %s %s: %.120s", pt_code_name(error->code), error->field, error->text);
        return;
    }
    operator->working = error != NULL;
    pt_timer_start(operator->work_timer, 1 + draw(world, error != NULL ? RETRY_MS : WORK_MS), 0);
}

static void on_work_timer(void *arg)
{
    struct operator* operator= arg;
    struct world *world = operator->world;
    if (world->violations > 0 || (world->winding_down && !operator->working)) {
        return;
    }
    if (!operator->working) {
        operator->working = true;
        operator->work_sequence++;
        operator->work_edge =(unsigned) draw(world, world->edges_len) + 1;
        operator->work_count =(unsigned) draw(world, 200);
    }
    char name[96], prefix[32], request_id[32];
    (void)snprintf(name, sizeof(name), ORG "/sites/s%u/edges/e1", operator->work_edge);
    (void)snprintf(prefix, sizeof(prefix), "10.%u.%u.0/24", operator->work_edge, operator->work_count);
    (void)snprintf(request_id, sizeof(request_id), "work-%" PRIu64, operator->work_sequence);
    char *prefixes[] = {prefix};
    Patronus__V1__LanInterface lan = PATRONUS__V1__LAN_INTERFACE__INIT;
    lan.interface = borrow("lan0");
    lan.segment = borrow(ORG "/segments/red");
    lan.prefixes = prefixes;
    lan.n_prefixes = 1;
    Patronus__V1__LanInterface *lans[] = {&lan};
    Patronus__V1__Edge edge = PATRONUS__V1__EDGE__INIT;
    edge.name = name;
    edge.lan_interfaces = lans;
    edge.n_lan_interfaces = 1;
    Patronus__V1__UpdateEdgeRequest request = PATRONUS__V1__UPDATE_EDGE_REQUEST__INIT;
    request.edge = &edge;
    request.request_id = request_id;
    call(operator, "/patronus.v1.EdgeService/UpdateEdge", &request.base, on_worked);
}

void operator_init(struct world *world)
{
    struct operator* operator= calloc(1, sizeof(*operator));
    pt_assert(operator!= NULL);
    struct pt_sys *sys = pt_sim_host(world->sim, world->client_host);
    operator->world = world;
    operator->timer = pt_timer_new(sys, on_timer, operator);
    operator->work_timer = pt_timer_new(sys, on_work_timer, operator);
    pt_timer_start(operator->work_timer, WORK_MS, 0);
    world->operator= operator;
}

void operator_fini(struct world *world)
{
    if (world->operator!= NULL) {
        pt_timer_free(world->operator->timer);
        pt_timer_free(world->operator->work_timer);
        free(world->operator);
        world->operator= NULL;
    }
}
