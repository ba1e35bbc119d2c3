/*
 * The controller's life: open in order, follow the role, close in reverse.
 *
 *   machine (store, kinds) -> peer TLS -> consensus -> doors
 *
 * Role. When consensus says that this node leads, nothing is served yet: a barrier first makes sure that every entry
 * of older terms is applied (ready). Calls that come in between wait. When it leads no more, sessions of nodes are told
 * where to go and calls that wait are sent on to the new leader.
 *
 * Every digest_interval entries the leader puts its state digest through the log; a member that disagrees stops.
 */
#include "serve/controller.h"
#include "serve/controller_priv.h"

#include "base/assert.h"
#include "http/http.h"
#include "patronus/v1/replication.pb-c.h"
#include "plan/plan.h"
#include "serve/artifact.h"
#include "serve/lane.h"
#include "serve/setup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS 200
#define DIGEST_INTERVAL 1000
#define CLOSE_RETRY_MS 50
#define CLOSE_TRIES 20

/* ---- the machine, as consensus sees it ----------------------------------------------------------------------------
 */

static enum pt_code machine_apply(void *context, const struct pt_raft_entry *entries, size_t len, uint64_t acked_index,
                                  const struct pt_digest *log_hash, struct pt_error *reterr)
{
    struct pt_controller *controller = context;
    _Static_assert(sizeof(struct pt_log_entry) == sizeof(struct pt_raft_entry), "same layout");
    _Static_assert(offsetof(struct pt_log_entry, data) == offsetof(struct pt_raft_entry, data), "same layout");
    return pt_kind_apply(controller->machine, (const struct pt_log_entry *)(const void *)entries, len, acked_index,
                         log_hash, reterr);
}

static void machine_witness(void *context, uint64_t *ret_applied_index, uint64_t *ret_applied_term,
                            uint64_t *ret_acked_index, struct pt_digest *ret_log_hash)
{
    struct pt_controller *controller = context;
    struct pt_witness witness = pt_store_witness(pt_kind_store(controller->machine));
    *ret_applied_index = witness.applied_index;
    *ret_applied_term = witness.applied_term;
    *ret_acked_index = witness.acked_index;
    *ret_log_hash = witness.log_hash;
}

static enum pt_code machine_snapshot_begin(void *context, pt_task_fn ready, void *arg, struct pt_error *reterr)
{
    struct pt_controller *controller = context;
    return pt_store_pin(pt_kind_store(controller->machine), ready, arg, reterr);
}

static enum pt_code machine_snapshot(void *context, const char *path, uint64_t *ret_size, struct pt_digest *ret_digest,
                                     struct pt_error *reterr)
{
    struct pt_controller *controller = context;
    return pt_store_copy(pt_kind_store(controller->machine), path, ret_size, ret_digest, reterr);
}

static void machine_snapshot_end(void *context)
{
    struct pt_controller *controller = context;
    pt_store_unpin(pt_kind_store(controller->machine));
}

static enum pt_code machine_restore(void *context, const char *path, struct pt_error *reterr)
{
    struct pt_controller *controller = context;
    return pt_kind_restore(controller->machine, path, reterr);
}

static void on_ready(void *arg, enum pt_code code, uint64_t index)
{
    struct pt_controller *controller = arg;
    (void)index;
    if (code == PT_CLOSED || controller->closing) {
        return;
    }
    if (code != PT_OK) {
        /* Leadership was lost meanwhile: role_changed has been or will be called. */
        return;
    }
    if (controller->leading && !controller->ready) {
        controller->ready = true;
        controller->counters.leaderships++;
        controller->leading_since_ns = pt_sys_now_ns(controller->sys);
        pt_log_info(controller->log, "leading", "term=%" PRIu64, controller->term);
        pt_serve_found_state(controller);
        pt_edge_check(controller, NULL);
        pt_push_role_changed(controller->push);
        pt_serve_health_changed(controller);
        pt_serve_run_waiting(controller);
    }
}

static void machine_role_changed(void *context, bool leading, uint64_t term)
{
    struct pt_controller *controller = context;
    bool was_leading = controller->leading;
    controller->leading = leading;
    controller->ready = false;
    controller->term = term;
    controller->member_change_running = false;
    pt_pending_forget(controller);
    pt_bandwidth_forget(controller);
    pt_serve_forward_renew(controller);
    if (leading) {
        pt_raft_barrier(controller->raft, on_ready, controller);
        return;
    }
    if (was_leading) {
        pt_log_info(controller->log, "leading no more", "term=%" PRIu64, term);
        pt_edge_leave_all(controller);
        pt_soft_clear(controller->soft);
        pt_metrics_forget(controller);
        pt_explain_forget(controller);
        pt_diagnose_forget(controller);
        pt_push_role_changed(controller->push);
    }
    pt_serve_health_changed(controller);
    pt_serve_run_waiting(controller);
}

static bool machine_may_lag(void *context, uint64_t acked_index)
{
    struct pt_controller *controller = context;
    return !pt_kind_watched(controller->machine) &&
           pt_store_promise(pt_kind_store(controller->machine), acked_index, NULL) ==
               PT_OK; /* the batch that is applied at once meets the failure again */
}

static bool peer_allowed(void *context, uint64_t id, const struct pt_identity *identity)
{
    struct pt_controller *controller = context;
    if (strcmp(identity->role, "controller") != 0 ||
        strcmp(identity->cluster_id, controller->options.identity.cluster_id) != 0) {
        return false;
    }
    struct pt_arena arena;
    pt_arena_init(&arena);
    const char *name = pt_serve_controller_name(controller, id, &arena);
    /* A member that is not yet in this node's state (it is behind) is judged by its certificate alone. */
    bool name_known = name[0] != '\0';
    bool allowed = name[0] == '\0' || strcmp(name + strlen("controllers/"), identity->path) == 0;
    pt_arena_fini(&arena);
    const struct pt_caller caller = {.principal = identity->spiffe_id, .api_key = "", .source = ""};
    return allowed &&
           pt_kind_authenticate(controller->machine, &caller, pt_sys_wall_ns(controller->sys), NULL) == PT_OK &&
           (name_known || !controller->ready) && pt_serve_key_current(controller, identity, NULL) == PT_OK;
}

static void on_fatal(void *context, const struct pt_error *error)
{
    struct pt_controller *controller = context;
    pt_log_error(controller->log, "stopped", "code=%s place=%s reason=\"%s\"", pt_code_name(error->code), error->field,
                 error->text);
    if (controller->options.on_fatal != NULL) {
        controller->options.on_fatal(controller->options.fatal_context, error);
    }
}

/* ---- events -------------------------------------------------------------------------------------------------------
 */

static void digest_done(void *arg, enum pt_code code, uint64_t index)
{
    (void)arg;
    (void)code; /* a check that was lost with leadership is not missed: the next leader does its own */
    (void)index;
}

static void check_digest(struct pt_controller *controller, uint64_t applied_index)
{
    if (!controller->ready || applied_index < controller->digest_due_index) {
        return;
    }
    struct pt_digest digest;
    uint64_t index = pt_kind_digest(controller->machine, &digest);
    if (index == 0) {
        return;
    }
    uint64_t interval = controller->options.digest_interval;
    controller->digest_due_index = applied_index + (interval != 0 ? interval : DIGEST_INTERVAL);
    Patronus__V1__DigestCheck check = PATRONUS__V1__DIGEST_CHECK__INIT;
    check.index = index;
    check.digest = (ProtobufCBinaryData){.len = PT_DIGEST_SIZE, .data = digest.bytes};
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    command.format = 1;
    command.time_ns = pt_sys_wall_ns(controller->sys);
    command.principal = (char *)"internal";
    command.op_case = PATRONUS__V1__COMMAND__OP_DIGEST_CHECK;
    command.digest_check = &check;
    PT_AUTO(buf) struct pt_buf data = {0};
    pt_kind_command(&command, &data);
    pt_raft_propose(controller->raft, pt_buf_bytes(&data), digest_done, NULL);
}

static void on_applied(void *arg, uint64_t applied_index, const struct pt_watch_event *events, size_t len)
{
    struct pt_controller *controller = arg;
    if (controller->raft == NULL || controller->closing) {
        return;
    }
    check_digest(controller, applied_index);
    if (controller->access_revision != pt_kind_access_revision(controller->machine)) {
        controller->access_revision = pt_kind_access_revision(controller->machine);
        pt_serve_judge_streams(controller);
        pt_raft_judge_peers(controller->raft);
    }
    if (len == 0) {
        return;
    }
    pt_push_dirty(controller->push);
    pt_artifacts_applied(controller->artifacts, events, len);
    bool controllers = false;
    for (size_t i = 0; i < len; i++) {
        controllers = controllers || strncmp(events[i].name, "controllers/", 12) == 0;
        if (strstr(events[i].name, "/edges/") != NULL) {
            pt_edge_check(controller, events[i].name);
        }
    }
    if (controllers) {
        pt_serve_forward_renew(controller);
        pt_edge_send_controllers(controller, NULL);
    }
}

static void on_tick(void *arg)
{
    struct pt_controller *controller = arg;
    /* A leader whose store fails while it reads refuses every write before the log, so apply would never find out. */
    const struct pt_error *failure = pt_store_failure(pt_kind_store(controller->machine));
    if (failure != NULL && !controller->closing) {
        pt_raft_fail(controller->raft, failure);
        return;
    }
    if (!controller->closing) {
        pt_trust_tick(controller);
        pt_oidc_tick(controller->oidc);
    }
    if (!controller->options.peer_plain && !controller->closing) {
        pt_serve_renew_self(controller);
    }
    pt_serve_judge_streams(controller);
    pt_limits_tick(controller);
    pt_serve_forward_drain(controller);
    pt_artifacts_tick(controller->artifacts);
    pt_serve_health_changed(controller); /* a follower is not told that it found a leader, or lost one */
    if (controller->ready && !controller->closing) {
        pt_serve_members_tick(controller);
        pt_serve_run_waiting(controller); /* calls that wait for voters to be heard */
        pt_pending_tick(controller);
        pt_sessions_tick(controller);
        pt_bandwidth_tick(controller);
        uint64_t now = pt_sys_now_ns(controller->sys);
        PT_LIST_FOREACH_SAFE (node, &controller->sessions) {
            struct pt_edge_session *session = PT_CONTAINER(node, struct pt_edge_session, node);
            if (session->retry_at_ns != 0 && session->retry_at_ns <= now) {
                session->retry_at_ns = 0;
                pt_push_session(controller->push, session);
            }
            pt_edge_tell_key(session);
        }
    }
}

/* ---- open ---------------------------------------------------------------------------------------------------------
 */

static void copy_options(struct pt_controller *controller, const struct pt_controller_options *options)
{
    struct pt_arena *arena = &controller->arena;
    controller->options = *options;
    struct pt_controller_options *own = &controller->options;
    own->directory = pt_arena_strdup(arena, options->directory);
    own->version = pt_arena_strdup(arena, options->version);
    own->peer_address = pt_arena_strdup(arena, options->peer_address);
    own->identity.cluster_id = pt_arena_strdup(arena, options->identity.cluster_id);
    own->identity.name = pt_arena_strdup(arena, options->identity.name);
    own->identity.seal_key = pt_arena_memdup(arena, options->identity.seal_key, PT_SEAL_KEY_SIZE);
    controller->cert_pem = strdup(options->identity.cert_pem);
    controller->key_pem = strdup(options->identity.key_pem);
    controller->ca_pem = strdup(options->identity.ca_pem);
    pt_assert(controller->cert_pem != NULL && controller->key_pem != NULL && controller->ca_pem != NULL);
    own->http_listen = NULL; /* opened already, or there is none */
    own->identity.cert_pem = own->identity.key_pem = own->identity.ca_pem = NULL;
}

static enum pt_code open_machine(struct pt_controller *controller, struct pt_error *reterr)
{
    const struct pt_controller_options *options = &controller->options;
    const struct pt_kind_options kind = {.sys = controller->sys,
                                         .schema = controller->schema,
                                         .mods = options->mods,
                                         .store_path =
                                             pt_arena_printf(&controller->arena, "%s/state.db", options->directory),
                                         .log = controller->log,
                                         .level_max = options->level_max,
                                         .planted = options->planted};
    PT_TRY(pt_kind_open(&kind, &controller->machine, reterr));
    pt_kind_on_applied(controller->machine, on_applied, controller);
    return PT_OK;
}

static enum pt_code open_raft(struct pt_controller *controller, struct pt_error *reterr)
{
    const struct pt_controller_options *options = &controller->options;
    if (!options->peer_plain) {
        PT_TRY(pt_tls_context_new(controller->cert_pem, controller->key_pem, controller->ca_pem, &controller->tls,
                                  reterr));
    }
    char group[PT_SERVE_GROUP_SIZE];
    char folder[1024];
    pt_serve_group(options->identity.cluster_id, options->identity.epoch, group);
    pt_serve_log_folder(options->directory, options->identity.epoch, folder);
    const struct pt_raft_options raft = {
        .id = options->identity.raft_id,
        .listen = options->peer_listen,
        .address = options->peer_address,
        .directory = folder,
        .cluster_id = group,
        .trust_id = options->identity.cluster_id,
        .tls = controller->tls,
        .machine = {.context = controller,
                    .apply = machine_apply,
                    .witness = machine_witness,
                    .snapshot_begin = machine_snapshot_begin,
                    .snapshot = machine_snapshot,
                    .snapshot_end = machine_snapshot_end,
                    .restore = machine_restore,
                    .role_changed = machine_role_changed,
                    .may_lag = machine_may_lag},
        .log = controller->log,
        .election_timeout_ms = options->election_timeout_ms,
        .heartbeat_ms = options->heartbeat_ms,
        .snapshot_threshold = options->snapshot_threshold,
        .snapshot_trailing = options->snapshot_trailing,
        .segment_size = options->log_segment_size,
        .peer_allowed = peer_allowed,
        .peer_context = controller,
        .on_lane = pt_lane_take,
        .on_lane_lost = pt_lane_lost,
        .lane_context = controller,
        .on_fatal = on_fatal,
        .fatal_context = controller,
        .planted = options->planted,
    };
    PT_TRY(pt_raft_open(controller->sys, &raft, &controller->raft, reterr));
    PT_AUTO(buf) struct pt_buf noop = {0};
    pt_kind_noop(&noop);
    pt_raft_set_noop(controller->raft, pt_buf_bytes(&noop));
    return PT_OK;
}

static enum pt_code open_doors(struct pt_controller *controller, struct pt_error *reterr)
{
    const struct pt_controller_options *options = &controller->options;
    const struct pt_rpc_listen listens[] = {{.address = options->api_listen, .door = PT_DOOR_API},
                                            {.address = options->agent_listen, .door = PT_DOOR_AGENT}};
    const struct pt_rpc_server_options server = {
        .fabric = options->fabric,
        .listens = listens,
        .listens_len = sizeof(listens) / sizeof(listens[0]),
        .credentials = {.cert_pem = controller->cert_pem, .key_pem = controller->key_pem, .ca_pem = controller->ca_pem},
        .handler = pt_serve_handler(),
        .handler_arg = controller,
        .polled = true,
    };
    return pt_rpc_server_new(controller->sys, &server, &controller->server, reterr);
}

static void controller_free(struct pt_controller *controller)
{
    pt_pending_forget(controller);
    pt_assert(pt_list_empty(&controller->calls));
    pt_timer_free(controller->tick);
    pt_timer_free(controller->close_timer);
    pt_soft_free(controller->soft);
    pt_metrics_forget(controller);
    pt_map_fini(&controller->drops);
    pt_denied_free(controller->denied);
    pt_artifacts_free(controller->artifacts);
    pt_limits_free(controller->limits);
    pt_fair_free(controller->fair);
    pt_shed_free(controller->shed);
    pt_trust_free(controller->trust);
    pt_assert(controller->oidc == NULL);
    pt_tls_context_free(controller->tls);
    if (controller->key_pem != NULL) {
        pt_memory_clear(controller->key_pem, strlen(controller->key_pem));
    }
    free(controller->cert_pem);
    free(controller->key_pem);
    free(controller->ca_pem);
    free(controller->door_pem);
    pt_memory_clear((void *)(uintptr_t)controller->options.identity.seal_key, PT_SEAL_KEY_SIZE);
    pt_arena_fini(&controller->arena);
    free(controller);
}

enum pt_code pt_controller_open(const struct pt_controller_options *options, struct pt_controller **ret_controller,
                                struct pt_error *reterr)
{
    struct pt_controller *controller = calloc(1, sizeof(*controller));
    pt_assert(controller != NULL);
    pt_arena_init(&controller->arena);
    controller->sys = options->sys;
    controller->log = options->log;
    controller->schema = options->schema;
    pt_list_init(&controller->calls);
    pt_list_init(&controller->waiting);
    pt_list_init(&controller->retired_links);
    pt_list_init(&controller->carriers);
    pt_list_init(&controller->watches);
    pt_list_init(&controller->sessions);
    pt_list_init(&controller->openings);
    pt_list_init(&controller->health);
    pt_list_init(&controller->pending);
    pt_list_init(&controller->asked);
    pt_list_init(&controller->measurements);
    pt_list_init(&controller->classifying);
    pt_list_init(&controller->explaining);
    pt_list_init(&controller->diagnosing);
    copy_options(controller, options);
    controller->soft = pt_soft_new(controller);
    controller->push = pt_push_new(controller);
    controller->denied = pt_denied_new(controller);
    controller->limits = pt_limits_new();
    controller->fair = pt_fair_new(controller);
    controller->shed = pt_shed_new(controller);
    controller->artifacts = pt_artifacts_new(controller);
    controller->trust = pt_trust_new(controller);
    controller->oidc = pt_oidc_new(controller);

    enum pt_code code = open_machine(controller, reterr);
    if (code != PT_OK) {
        goto fail_machine;
    }
    code = open_raft(controller, reterr);
    if (code != PT_OK) {
        goto fail_raft;
    }
    controller->options.http_listen = options->http_listen;
    code = pt_serve_open_http(controller, reterr);
    controller->options.http_listen = NULL;
    if (code == PT_OK) {
        code = open_doors(controller, reterr);
    }
    if (code != PT_OK) {
        goto fail_doors;
    }
    controller->tick = pt_timer_new(controller->sys, on_tick, controller);
    pt_timer_start(controller->tick, TICK_MS, TICK_MS);
    *ret_controller = controller;
    return PT_OK;

fail_doors:
    controller->closing = true;
    if (controller->http != NULL) {
        pt_http_close(controller->http, NULL, NULL);
    }
    pt_raft_abandon(controller->raft);
fail_raft:
    pt_kind_close(controller->machine);
fail_machine:
    pt_oidc_free(controller->oidc);
    controller->oidc = NULL;
    pt_push_free(controller->push);
    controller_free(controller);
    return code;
}

/* ---- close --------------------------------------------------------------------------------------------------------
 */

static void raft_closed(void *arg)
{
    struct pt_controller *controller = arg;
    pt_push_free(controller->push);
    pt_kind_close(controller->machine);
    pt_task_fn closed = controller->closed;
    void *closed_arg = controller->closed_arg;
    controller_free(controller);
    closed(closed_arg);
}

static void doors_closed(void *arg)
{
    struct pt_controller *controller = arg;
    pt_executor_free(controller->backup_work);
    controller->backup_work = NULL;
    pt_oidc_free(controller->oidc);
    controller->oidc = NULL;
    pt_artifacts_close(controller->artifacts);
    pt_serve_forward_reset(controller);
    pt_raft_close(controller->raft, raft_closed, controller);
}

static void http_closed(void *arg)
{
    struct pt_controller *controller = arg;
    controller->http = NULL;
    pt_rpc_server_close(controller->server, controller->close_grace_ms, doors_closed, controller);
}

static void hand_over(void *arg);

static void handed_over(void *arg, enum pt_code code, uint64_t index)
{
    struct pt_controller *controller = arg;
    (void)index;
    if (code == PT_FAILED_PRECONDITION && controller->member_change_running &&
        controller->close_tries++ < CLOSE_TRIES) {
        controller->close_timer = pt_timer_new(controller->sys, hand_over, controller);
        pt_timer_start(controller->close_timer, CLOSE_RETRY_MS, 0);
        return; /* a change of membership is under way: leadership can move when it is through */
    }
    if (code != PT_OK && code != PT_NOT_LEADER) {
        pt_log_warn(controller->log, "leadership not handed over", "code=%s", pt_code_name(code));
    }
    controller->closing = true;
    pt_serve_health_changed(controller);
    pt_edge_leave_all(controller);
    pt_bandwidth_forget(controller);
    pt_serve_run_waiting(controller);
    pt_denied_close(controller->denied);
    pt_explain_forget(controller);
    pt_diagnose_forget(controller);
    pt_serve_end_streams(controller);
    pt_shed_release(controller);
    if (controller->http != NULL) {
        pt_http_close(controller->http, http_closed, controller);
    } else {
        http_closed(controller);
    }
}

static void hand_over(void *arg)
{
    struct pt_controller *controller = arg;
    pt_timer_free(controller->close_timer);
    controller->close_timer = NULL;
    struct pt_raft_member members[64];
    size_t len = pt_raft_members(controller->raft, members, 64);
    bool others = false;
    for (size_t i = 0; i < len; i++) {
        others = others || (members[i].voter && members[i].id != controller->options.identity.raft_id);
    }
    if (controller->leading && others) {
        pt_raft_transfer(controller->raft, 0, handed_over, controller);
    } else {
        handed_over(controller, PT_OK, 0);
    }
}

void pt_controller_close(struct pt_controller *controller, uint64_t grace_ms, pt_task_fn done, void *arg)
{
    pt_assert(controller->closed == NULL);
    controller->closed = done;
    controller->closed_arg = arg;
    controller->close_grace_ms = grace_ms;
    pt_timer_stop(controller->tick);
    hand_over(controller);
}

void pt_controller_abandon(struct pt_controller *controller)
{
    controller->closing = true;
    pt_oidc_free(controller->oidc);
    controller->oidc = NULL;
    pt_assert(controller->http == NULL); /* the simulator has no HTTP */
    pt_push_free(controller->push);
    pt_denied_abandon(controller->denied);
    pt_raft_abandon(controller->raft);
    pt_executor_free(controller->backup_work);
    controller->backup_work = NULL;
    pt_serve_abandon_asked(controller);
    pt_bandwidth_abandon(controller);
    pt_explain_abandon(controller);
    pt_serve_abandon_calls(controller);
    pt_serve_forward_abandon(controller);
    pt_kind_abandon(controller->machine);
    controller_free(controller);
}

enum pt_code pt_controller_set_certificate(struct pt_controller *controller, const char *cert_pem, const char *ca_pem,
                                           struct pt_error *reterr)
{
    struct pt_tls_context *tls = NULL;
    PT_TRY(pt_tls_context_new(cert_pem, controller->key_pem, ca_pem, &tls, reterr));
    const struct pt_rpc_credentials credentials = {.cert_pem =
                                                       controller->door_pem != NULL ? controller->door_pem : cert_pem,
                                                   .key_pem = controller->key_pem,
                                                   .ca_pem = ca_pem};
    enum pt_code code = pt_rpc_server_set_credentials(controller->server, &credentials, reterr);
    if (code != PT_OK) {
        pt_tls_context_free(tls);
        return code;
    }
    if (!controller->options.peer_plain) {
        pt_raft_set_tls(controller->raft, tls);
    }
    if (controller->http != NULL) {
        pt_http_set_tls(controller->http, tls);
    }
    pt_tls_context_free(controller->tls);
    controller->tls = tls;
    char *cert = strdup(cert_pem);
    char *ca = strdup(ca_pem);
    pt_assert(cert != NULL && ca != NULL);
    free(controller->cert_pem);
    free(controller->ca_pem);
    controller->cert_pem = cert;
    controller->ca_pem = ca;
    pt_serve_forward_renew(controller);
    return PT_OK;
}

struct pt_machine_kind *pt_controller_machine(struct pt_controller *controller)
{
    return controller->machine;
}

struct pt_raft *pt_controller_raft(struct pt_controller *controller)
{
    return controller->raft;
}

uint16_t pt_controller_api_port(const struct pt_controller *controller)
{
    return pt_rpc_server_port(controller->server, 0);
}

uint16_t pt_controller_agent_port(const struct pt_controller *controller)
{
    return pt_rpc_server_port(controller->server, 1);
}

uint16_t pt_controller_http_port(const struct pt_controller *controller)
{
    return controller->http != NULL ? pt_http_port(controller->http) : 0;
}
