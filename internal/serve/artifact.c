/*
 * What is on this disk, what the state refers to, and what follows from the difference. See artifact.h.
 *
 * Removal is the dangerous half: a node whose state is behind its own acknowledgements must not remove what the newer
 * state refers to. So nobody trusts his own state alone: the leader is asked, who first makes a quorum confirm that it
 * leads; and what was counted on since the question stays.
 */
#include "serve/artifact.h"

#include "base/assert.h"
#include "patronus/v1/model.pb-c.h"
#include "patronus/v1/replication.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOON_MS 10     /* from a change of the state to what follows from it */
#define READ_MS 10000  /* the state is read again though nothing seems to have changed: a snapshot came */
#define REPORT_MS 1000 /* what is offered and here is told again */
#define ASK_MS 5000
#define COLLECT_FIRST_MS 30000 /* after the start */
#define COLLECT_MS 600000
#define COLLECT_SOON_MS 1000 /* after a version was deleted */
#define CHECK_FIRST_MS 5000
#define CHECK_MS (6ULL * 3600 * 1000)
#define DIGESTS_MAX 512
#define REPORTERS_MAX 16
#define OFFER "/patronus.v1.ArtifactService/OfferArtifact"
#define REPORT "/patronus.v1.ArtifactService/ReportArtifacts"

static uint64_t now_ms(const struct pt_artifacts *artifacts)
{
    return pt_sys_now_ms(artifacts->controller->sys);
}

struct pt_executor *pt_artifacts_work(struct pt_artifacts *artifacts)
{
    if (artifacts->work == NULL) {
        artifacts->work = pt_executor_new(artifacts->controller->sys, "artifacts", 2);
    }
    return artifacts->work;
}

/* ---- what is here --------------------------------------------------------------------------------------------- */

static struct pt_artifact_held *held_put(struct pt_artifacts *artifacts, const char *digest)
{
    struct pt_artifact_held *held = pt_map_get_str(&artifacts->held, digest);
    if (held == NULL) {
        held = calloc(1, sizeof(*held));
        pt_assert(held != NULL);
        (void)pt_map_put_str(&artifacts->held, digest, held);
    }
    return held;
}

bool pt_artifacts_has(const struct pt_artifacts *artifacts, const char *digest)
{
    const struct pt_artifact_held *held = pt_map_get_str(&artifacts->held, digest);
    return held != NULL && held->whole;
}

void pt_artifacts_touch(struct pt_artifacts *artifacts, const char *digest, bool whole)
{
    struct pt_artifact_held *held = held_put(artifacts, digest);
    held->whole = held->whole || whole;
    held->touched_ms = now_ms(artifacts);
}

void pt_artifacts_came(struct pt_artifacts *artifacts, const char *digest)
{
    pt_artifacts_touch(artifacts, digest, true);
    free(pt_map_remove_str(&artifacts->tried, digest));
    artifacts->report_ms = 0;
    pt_timer_start(artifacts->timer, 0, 0);
}

struct removal {
    struct pt_sys *sys;
    char path[PT_ARTIFACT_PATH_SIZE], part[PT_ARTIFACT_PATH_SIZE + 8];
};

static void removal_work(void *arg)
{
    struct removal *removal = arg;
    enum pt_code ignored = pt_path_remove(removal->sys, removal->path, NULL);
    ignored = pt_path_remove(removal->sys, removal->part, NULL);
    (void)ignored; /* what stays is found again at the next start */
}

static void remove_file(struct pt_artifacts *artifacts, const char *digest)
{
    struct removal *removal = calloc(1, sizeof(*removal));
    pt_assert(removal != NULL);
    removal->sys = artifacts->controller->sys;
    (void)pt_artifact_path(artifacts->directory, digest, removal->path);
    (void)snprintf(removal->part, sizeof(removal->part), "%s." PT_ARTIFACT_FETCH, removal->path);
    pt_executor_submit(pt_artifacts_work(artifacts), removal_work, free, removal);
    free(pt_map_remove_str(&artifacts->held, digest));
}

void pt_artifacts_lost(struct pt_artifacts *artifacts, const char *digest)
{
    pt_log_error(artifacts->controller->log, "an artifact is damaged and fetched anew", "digest=%s", digest);
    remove_file(artifacts, digest);
    artifacts->dirty = true;
    pt_timer_start(artifacts->timer, SOON_MS, 0);
}

static void on_entry(void *arg, const char *name)
{
    struct pt_artifacts *artifacts = arg;
    const char *tag = NULL;
    char digest[PT_ARTIFACT_HEX_SIZE];
    if (!pt_artifact_is_name(name, &tag)) {
        return;
    }
    (void)snprintf(digest, sizeof(digest), "%.64s", name);
    if (tag == NULL) {
        held_put(artifacts, digest)->whole = true;
    } else if (strcmp(tag, PT_ARTIFACT_FETCH) == 0) {
        (void)held_put(artifacts, digest);
    } else { /* an upload that the last stop cut off: its client sends it again */
        char path[PT_ARTIFACT_PATH_SIZE];
        enum pt_code ignored =
            pt_path_remove(artifacts->controller->sys, pt_artifact_path(artifacts->directory, name, path), NULL);
        (void)ignored; /* it stays, and costs its room until the next start */
    }
}

/* ---- what should be ------------------------------------------------------------------------------------------- */

static void add_wanted(void *arg, const struct pt_kind_artifact *artifact)
{
    struct pt_artifacts *artifacts = arg;
    if (artifacts->wanted_len == artifacts->wanted_capacity) {
        artifacts->wanted_capacity = artifacts->wanted_capacity == 0 ? 64 : artifacts->wanted_capacity * 2;
        artifacts->wanted = realloc(artifacts->wanted, artifacts->wanted_capacity * sizeof(*artifacts->wanted));
        pt_assert(artifacts->wanted != NULL);
    }
    artifacts->wanted[artifacts->wanted_len++] =
        (struct pt_artifact_wanted){.name = pt_arena_strdup(&artifacts->arena, artifact->name),
                                    .digest = pt_arena_strdup(&artifacts->arena, artifact->digest),
                                    .offered_by = pt_arena_strdup(&artifacts->arena, artifact->offered_by),
                                    .size = artifact->size,
                                    .state = artifact->state,
                                    .deleted = artifact->deleted};
}

static void read_wanted(struct pt_artifacts *artifacts)
{
    uint64_t now = now_ms(artifacts);
    if (!artifacts->dirty && now - artifacts->read_ms < READ_MS) {
        return;
    }
    pt_arena_fini(&artifacts->arena);
    pt_arena_init(&artifacts->arena);
    artifacts->wanted_len = 0;
    artifacts->dirty = false;
    artifacts->read_ms = now;
    struct pt_error error = {0};
    if (pt_kind_artifacts(artifacts->controller->machine, add_wanted, artifacts, &error) != PT_OK) {
        artifacts->dirty = true; /* a store that fails stops the node by itself */
    }
}

const struct pt_artifact_wanted *pt_artifacts_find(const struct pt_artifacts *artifacts, const char *name)
{
    for (size_t i = 0; i < artifacts->wanted_len; i++) {
        if (!artifacts->wanted[i].deleted && strcmp(artifacts->wanted[i].name, name) == 0) {
            return &artifacts->wanted[i];
        }
    }
    return NULL;
}

static bool referenced(const struct pt_artifacts *artifacts, const char *digest)
{
    for (size_t i = 0; i < artifacts->wanted_len; i++) {
        if (strcmp(artifacts->wanted[i].digest, digest) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- the leader counts ---------------------------------------------------------------------------------------- */

struct reporters {
    char names[REPORTERS_MAX][96]; /* of Controllers */
    size_t len;
    uint64_t proposed_ms;
};

static void reporters_add(struct pt_artifacts *artifacts, const char *digest, const char *name)
{
    struct reporters *reporters = pt_map_get_str(&artifacts->reporters, digest);
    if (reporters == NULL) {
        reporters = calloc(1, sizeof(*reporters));
        pt_assert(reporters != NULL);
        (void)pt_map_put_str(&artifacts->reporters, digest, reporters);
    }
    for (size_t i = 0; i < reporters->len; i++) {
        if (strcmp(reporters->names[i], name) == 0) {
            return;
        }
    }
    if (reporters->len < REPORTERS_MAX) {
        (void)snprintf(reporters->names[reporters->len++], sizeof(reporters->names[0]), "%s", name);
    }
}

static void reporters_clear(struct pt_artifacts *artifacts)
{
    PT_MAP_FOREACH (entry, &artifacts->reporters) {
        free(entry->value);
    }
    pt_map_clear(&artifacts->reporters);
}

static bool on_majority(struct pt_artifacts *artifacts, const struct reporters *reporters)
{
    struct pt_controller *controller = artifacts->controller;
    struct pt_raft_member members[64];
    size_t len = pt_raft_members(controller->raft, members, 64);
    size_t voters = 0, having = 0;
    struct pt_arena arena;
    pt_arena_init(&arena);
    for (size_t i = 0; i < len; i++) {
        if (!members[i].voter) {
            continue;
        }
        voters++;
        const char *name = pt_serve_controller_name(controller, members[i].id, &arena);
        for (size_t k = 0; k < reporters->len; k++) {
            having += strcmp(reporters->names[k], name) == 0;
        }
    }
    pt_arena_fini(&arena);
    return 2 * having > voters;
}

static void on_stored(void *arg, enum pt_code code, uint64_t index)
{
    (void)arg;
    (void)code; /* lost with leadership: the next leader is told the same */
    (void)index;
}

static void propose_stored(struct pt_artifacts *artifacts, const struct pt_artifact_wanted *wanted)
{
    Patronus__V1__ArtifactCommand op = PATRONUS__V1__ARTIFACT_COMMAND__INIT;
    op.name = (char *)(uintptr_t)wanted->name;
    op.digest = (char *)(uintptr_t)wanted->digest;
    op.stored = true;
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    command.format = 1;
    command.time_ns = pt_sys_wall_ns(artifacts->controller->sys);
    command.principal = (char *)(uintptr_t) "internal";
    command.op_case = PATRONUS__V1__COMMAND__OP_ARTIFACT;
    command.artifact = &op;
    PT_AUTO(buf) struct pt_buf data = {0};
    pt_kind_command(&command, &data);
    pt_raft_propose(artifacts->controller->raft, pt_buf_bytes(&data), on_stored, NULL);
}

/* Which offers have become true? */
static void count(struct pt_artifacts *artifacts)
{
    struct pt_controller *controller = artifacts->controller;
    if (!controller->ready) {
        reporters_clear(artifacts);
        return;
    }
    uint64_t now = now_ms(artifacts);
    bool open = false;
    for (size_t i = 0; i < artifacts->wanted_len; i++) {
        const struct pt_artifact_wanted *wanted = &artifacts->wanted[i];
        if (wanted->deleted || wanted->state != PATRONUS__V1__ARTIFACT_STATE__OFFERED) {
            continue;
        }
        open = true;
        if (pt_artifacts_has(artifacts, wanted->digest)) {
            reporters_add(artifacts, wanted->digest, controller->options.identity.name);
        }
        struct reporters *reporters = pt_map_get_str(&artifacts->reporters, wanted->digest);
        if (reporters != NULL && now - reporters->proposed_ms >= REPORT_MS && on_majority(artifacts, reporters)) {
            reporters->proposed_ms = now;
            propose_stored(artifacts, wanted);
        }
    }
    if (!open) {
        reporters_clear(artifacts);
    }
}

/* ---- a follower tells and asks -------------------------------------------------------------------------------- */

static bool ask_leader(struct pt_artifacts *artifacts, const Patronus__V1__ReportArtifactsRequest *request,
                       pt_rpc_reply_fn fn)
{
    PT_AUTO(buf) struct pt_buf data = {0};
    size_t size = patronus__v1__report_artifacts_request__get_packed_size(request);
    (void)patronus__v1__report_artifacts_request__pack(request, pt_buf_reserve(&data, size));
    data.size = size;
    return pt_serve_ask_leader(artifacts->controller, REPORT, pt_buf_bytes(&data), ASK_MS, fn, artifacts);
}

static void on_reported(void *arg, const struct pt_error *error, struct pt_bytes message)
{
    struct pt_artifacts *artifacts = arg;
    (void)error; /* told again in a moment */
    (void)message;
    artifacts->reporting = false;
}

static void report(struct pt_artifacts *artifacts)
{
    uint64_t now = now_ms(artifacts);
    if (artifacts->controller->leading || artifacts->reporting || now < artifacts->report_ms) {
        return;
    }
    char *digests[DIGESTS_MAX];
    Patronus__V1__ReportArtifactsRequest request = PATRONUS__V1__REPORT_ARTIFACTS_REQUEST__INIT;
    request.digests = digests;
    for (size_t i = 0; i < artifacts->wanted_len && request.n_digests < DIGESTS_MAX; i++) {
        const struct pt_artifact_wanted *wanted = &artifacts->wanted[i];
        if (!wanted->deleted && wanted->state == PATRONUS__V1__ARTIFACT_STATE__OFFERED &&
            pt_artifacts_has(artifacts, wanted->digest)) {
            digests[request.n_digests++] = (char *)(uintptr_t)wanted->digest;
        }
    }
    artifacts->report_ms = now + REPORT_MS;
    artifacts->reporting = request.n_digests > 0 && ask_leader(artifacts, &request, on_reported);
}

/* ---- removal -------------------------------------------------------------------------------------------------- */

static bool removable(const struct pt_artifacts *artifacts, const char *digest)
{
    const struct pt_artifact_held *held = pt_map_get_str(&artifacts->held, digest);
    return held != NULL && held->touched_ms < artifacts->asked_ms && !referenced(artifacts, digest);
}

static void remove_unreferenced(struct pt_artifacts *artifacts, const char *digest)
{
    if (removable(artifacts, digest)) {
        pt_log_info(artifacts->controller->log, "artifact removed", "digest=%s", digest);
        remove_file(artifacts, digest);
    }
}

static void on_collected(void *arg, const struct pt_error *error, struct pt_bytes message)
{
    struct pt_artifacts *artifacts = arg;
    artifacts->collecting = false;
    Patronus__V1__ReportArtifactsResponse *response =
        error == NULL ? patronus__v1__report_artifacts_response__unpack(NULL, message.size, message.data) : NULL;
    read_wanted(artifacts);
    for (size_t i = 0; response != NULL && i < response->n_unreferenced; i++) {
        remove_unreferenced(artifacts, response->unreferenced[i]);
    }
    patronus__v1__report_artifacts_response__free_unpacked(response, NULL);
}

/* Digests of what is here and nothing refers to, as far as this node knows; borrowed. */
static size_t candidates(struct pt_artifacts *artifacts, const char *digests[DIGESTS_MAX])
{
    size_t len = 0;
    PT_MAP_FOREACH (entry, &artifacts->held) {
        if (len < DIGESTS_MAX && removable(artifacts, (const char *)entry->key)) {
            digests[len++] = (const char *)entry->key;
        }
    }
    return len;
}

static void on_confirmed(void *arg, enum pt_code code, uint64_t index)
{
    struct pt_artifacts *artifacts = arg;
    (void)index;
    artifacts->collecting = false;
    if (code != PT_OK) {
        return;
    }
    artifacts->dirty = true;
    read_wanted(artifacts);
    const char *digests[DIGESTS_MAX];
    size_t len = candidates(artifacts, digests);
    for (size_t i = 0; i < len; i++) {
        char digest[PT_ARTIFACT_HEX_SIZE];
        (void)snprintf(digest, sizeof(digest), "%.64s", digests[i]);
        remove_unreferenced(artifacts, digest);
    }
}

static void collect(struct pt_artifacts *artifacts)
{
    uint64_t now = now_ms(artifacts);
    if (artifacts->collecting || now < artifacts->collect_ms) {
        return;
    }
    artifacts->collect_ms = now + COLLECT_MS;
    artifacts->asked_ms = now;
    const char *digests[DIGESTS_MAX];
    Patronus__V1__ReportArtifactsRequest request = PATRONUS__V1__REPORT_ARTIFACTS_REQUEST__INIT;
    request.n_digests = candidates(artifacts, digests);
    request.digests = (char **)(uintptr_t)digests;
    request.collect = true;
    if (request.n_digests == 0) {
        return;
    }
    if (artifacts->controller->leading) {
        artifacts->collecting = true;
        pt_raft_barrier(artifacts->controller->raft, on_confirmed, artifacts);
    } else {
        artifacts->collecting = ask_leader(artifacts, &request, on_collected);
    }
    if (!artifacts->collecting || request.n_digests == DIGESTS_MAX) {
        artifacts->collect_ms = now + COLLECT_SOON_MS * 5;
    }
}

/* ---- life ----------------------------------------------------------------------------------------------------- */

static void move(void *arg)
{
    struct pt_artifacts *artifacts = arg;
    if (artifacts->closing || artifacts->controller->closing) {
        return;
    }
    read_wanted(artifacts);
    pt_artifact_uploads_move(artifacts);
    pt_artifact_fetch_more(artifacts);
    report(artifacts);
    count(artifacts);
    collect(artifacts);
    if (now_ms(artifacts) >= artifacts->check_ms) {
        artifacts->check_ms = now_ms(artifacts) + CHECK_MS;
        artifacts->check_at = 0;
        pt_artifact_check_next(artifacts);
    }
    if (artifacts->retain && artifacts->controller->ready) {
        artifacts->retain = false;
        pt_models_retain(artifacts->controller);
    }
}

void pt_artifacts_tick(struct pt_artifacts *artifacts)
{
    move(artifacts);
}

void pt_artifacts_applied(struct pt_artifacts *artifacts, const struct pt_watch_event *events, size_t len)
{
    bool versions = false;
    for (size_t i = 0; i < len; i++) {
        versions = versions || events[i].kind_id == artifacts->kind_id;
        artifacts->retain = artifacts->retain || versions || events[i].kind_id == artifacts->model_kind_id;
        if (events[i].kind_id == artifacts->kind_id && events[i].verb == PATRONUS__V1__VERB__DELETE) {
            uint64_t soon = now_ms(artifacts) + COLLECT_SOON_MS;
            artifacts->collect_ms = artifacts->collect_ms < soon ? artifacts->collect_ms : soon;
        }
    }
    if (versions) {
        artifacts->dirty = true;
        if (!pt_timer_active(artifacts->timer)) {
            pt_timer_start(artifacts->timer, SOON_MS, 0);
        }
    }
}

struct pt_artifacts *pt_artifacts_new(struct pt_controller *controller)
{
    struct pt_artifacts *artifacts = calloc(1, sizeof(*artifacts));
    pt_assert(artifacts != NULL);
    artifacts->controller = controller;
    const struct pt_message_type *version = pt_schema_kind(controller->schema, "modelVersion");
    const struct pt_message_type *model = pt_schema_kind(controller->schema, "model");
    artifacts->kind_id = version != NULL ? version->resource->kind_id : 0;
    artifacts->model_kind_id = model != NULL ? model->resource->kind_id : 0;
    (void)snprintf(artifacts->directory, sizeof(artifacts->directory), "%s/artifacts", controller->options.directory);
    pt_map_init(&artifacts->held);
    pt_map_init(&artifacts->tried);
    pt_map_init(&artifacts->reporters);
    pt_arena_init(&artifacts->arena);
    pt_list_init(&artifacts->uploads);
    pt_list_init(&artifacts->fetches);
    artifacts->dirty = artifacts->retain = true;
    artifacts->timer = pt_timer_new(controller->sys, move, artifacts);
    artifacts->collect_ms = now_ms(artifacts) + COLLECT_FIRST_MS;
    artifacts->check_ms = now_ms(artifacts) + CHECK_FIRST_MS;
    if (pt_path_exists(controller->sys, artifacts->directory)) {
        struct pt_error error = {0};
        if (pt_dir_list(controller->sys, artifacts->directory, on_entry, artifacts, &error) != PT_OK) {
            pt_log_error(controller->log, "artifacts cannot be listed", "reason=\"%s\"", error.text);
        }
    }
    return artifacts;
}

void pt_artifacts_close(struct pt_artifacts *artifacts)
{
    artifacts->closing = true;
    pt_timer_stop(artifacts->timer);
    pt_artifact_fetch_close(artifacts);
    pt_executor_free(artifacts->work); /* runs what was asked to run at the end */
    artifacts->work = NULL;
}

void pt_artifacts_free(struct pt_artifacts *artifacts)
{
    if (artifacts == NULL) {
        return;
    }
    pt_artifact_fetch_forget(artifacts);
    pt_executor_free(artifacts->work);
    pt_timer_free(artifacts->timer);
    reporters_clear(artifacts);
    PT_MAP_FOREACH (held, &artifacts->held) {
        free(held->value);
    }
    PT_MAP_FOREACH (tried, &artifacts->tried) {
        free(tried->value);
    }
    pt_map_fini(&artifacts->held);
    pt_map_fini(&artifacts->tried);
    pt_map_fini(&artifacts->reporters);
    pt_arena_fini(&artifacts->arena);
    free(artifacts->wanted);
    free(artifacts);
}

/* ---- OfferArtifact -------------------------------------------------------------------------------------------- */

void pt_artifacts_offer(struct pt_controller *controller, const struct pt_caller *caller, const char *name,
                        const char *digest, const char *offered_by, struct pt_buf *out)
{
    Patronus__V1__ArtifactCommand op = PATRONUS__V1__ARTIFACT_COMMAND__INIT;
    op.name = (char *)(uintptr_t)name;
    op.digest = (char *)(uintptr_t)digest;
    op.offered_by = (char *)(uintptr_t)offered_by;
    Patronus__V1__Caller who = PATRONUS__V1__CALLER__INIT;
    who.groups = (char **)(uintptr_t)caller->groups;
    who.n_groups = caller->groups_len;
    who.api_key = (char *)(uintptr_t)caller->api_key;
    who.source = (char *)(uintptr_t)caller->source;
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    command.format = 1;
    command.time_ns = pt_sys_wall_ns(controller->sys);
    command.principal = (char *)(uintptr_t)caller->principal;
    command.caller = &who;
    command.op_case = PATRONUS__V1__COMMAND__OP_ARTIFACT;
    command.artifact = &op;
    pt_kind_command(&command, out);
}

/* Name of the controller that calls; false after refusing anybody else. */
static bool calling_controller(struct pt_serve_call *call, char name[96])
{
    struct pt_identity identity;
    if (pt_identity_parse(call->caller.principal, &identity, NULL) != PT_OK ||
        strcmp(identity.role, "controller") != 0) {
        pt_serve_refuse(call, PT_PERMISSION_DENIED, PT_REASON_PERMISSION_MISSING,
                        "the method is for controllers: send bytes with UploadArtifact");
        return false;
    }
    (void)snprintf(name, 96, "controllers/%.80s", identity.path);
    return true;
}

static void offered(struct pt_serve_call *call, const struct pt_verdict *verdict)
{
    if (verdict->error.code != PT_OK) {
        pt_serve_fail(call, &verdict->error);
    } else {
        pt_serve_reply(call, (struct pt_bytes){0}); /* OfferArtifactResponse has no fields */
    }
}

static void offer_message(struct pt_serve_call *call, struct pt_bytes message)
{
    struct pt_arena arena;
    pt_arena_init(&arena);
    struct pt_msg *request = NULL;
    struct pt_error error = {0};
    char name[96];
    if (pt_msg_parse(call->method->input, message, NULL, &arena, &request, &error) != PT_OK ||
        pt_msg_check(request, PT_RULE_CREATE, &error) != PT_OK) {
        pt_serve_fail(call, &error);
    } else if (calling_controller(call, name)) {
        const char *groups[64];
        const struct pt_msg_field *field = pt_msg_field(request, "groups");
        struct pt_caller caller = {.principal = pt_msg_str(request, "principal"),
                                   .groups = groups,
                                   .api_key = pt_msg_str(request, "api_key"),
                                   .source = pt_msg_str(request, "source")};
        for (; field != NULL && caller.groups_len < field->len; caller.groups_len++) {
            groups[caller.groups_len] = (const char *)field->values[caller.groups_len].bytes.data;
        }
        PT_AUTO(buf) struct pt_buf command = {0};
        pt_artifacts_offer(call->controller, &caller, pt_msg_str(request, "name"), pt_msg_str(request, "digest"), name,
                           &command);
        pt_serve_propose(call, pt_buf_bytes(&command), offered);
    }
    pt_arena_fini(&arena);
}

const struct pt_serve_method pt_serve_offer_artifact = {.path = OFFER, .on_message = offer_message};

/* ---- ReportArtifacts ------------------------------------------------------------------------------------------ */

static void answer_collect(void *arg, enum pt_code code, uint64_t index)
{
    struct pt_serve_call *call = arg;
    struct pt_artifacts *artifacts = call->controller->artifacts;
    struct pt_msg *request = NULL;
    struct pt_error error = {0};
    struct pt_arena arena;
    (void)index;
    pt_arena_init(&arena);
    if (code != PT_OK) {
        pt_serve_fail_raft(call, code);
    } else if (pt_msg_parse(call->method->input, call->request, NULL, &arena, &request, &error) != PT_OK) {
        pt_serve_fail(call, &error);
    } else {
        artifacts->dirty = true;
        read_wanted(artifacts);
        struct pt_msg *response = pt_msg_new(&arena, call->method->output);
        const struct pt_msg_field *digests = pt_msg_field(request, "digests");
        for (size_t i = 0; digests != NULL && i < digests->len; i++) {
            if (!referenced(artifacts, (const char *)digests->values[i].bytes.data)) {
                pt_msg_append(response, &arena, "unreferenced", digests->values[i]);
            }
        }
        PT_AUTO(buf) struct pt_buf reply = {0};
        pt_msg_encode(response, &reply);
        pt_serve_reply(call, pt_buf_bytes(&reply));
    }
    pt_arena_fini(&arena);
    pt_serve_call_unref(call);
}

static void report_message(struct pt_serve_call *call, struct pt_bytes message)
{
    struct pt_arena arena;
    pt_arena_init(&arena);
    struct pt_msg *request = NULL;
    struct pt_error error = {0};
    char name[96];
    if (pt_msg_parse(call->method->input, message, NULL, &arena, &request, &error) != PT_OK ||
        pt_msg_check(request, PT_RULE_CREATE, &error) != PT_OK) {
        pt_serve_fail(call, &error);
    } else if (!calling_controller(call, name)) {
        /* answered */
    } else if (pt_msg_bool(request, "collect")) {
        if (call->request.data == NULL) { /* else it waited for the leader to be ready, and is kept already */
            uint8_t *copy = malloc(message.size + 1);
            pt_assert(copy != NULL);
            memcpy(copy, message.data, message.size);
            call->request = (struct pt_bytes){.data = copy, .size = message.size};
        }
        pt_serve_call_ref(call);
        pt_raft_barrier(call->controller->raft, answer_collect, call);
    } else {
        const struct pt_msg_field *digests = pt_msg_field(request, "digests");
        for (size_t i = 0; digests != NULL && i < digests->len; i++) {
            reporters_add(call->controller->artifacts, (const char *)digests->values[i].bytes.data, name);
        }
        count(call->controller->artifacts);
        pt_serve_reply(call, (struct pt_bytes){0});
    }
    pt_arena_fini(&arena);
}

const struct pt_serve_method pt_serve_report_artifacts = {.path = REPORT, .on_message = report_message};
