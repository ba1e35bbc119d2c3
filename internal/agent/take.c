/*
 * Taking a bundle, and keeping the last good one on disk.
 *
 *   checked -> in force -> read back -> on disk -> acknowledged -> (a little later) settled
 *
 * All or nothing: a bundle that cannot be read back or kept (the disk is full) is taken out of force again, so that
 * what the node acknowledged, what it runs and what it would run after a restart are one.
 *
 * What need not be done for packets to go by the new bundle is done SETTLE_MS later: the data plane's grace period and
 * second slot, the tunnel process's and hello's lists of paths, of which those that both bundles have are watched all
 * along. After a failure in the network bundles come to all nodes at once, and often a second one to each.
 *
 * The file "bundle" holds one Bundle message with all its entries and its signed header, so that it is checked at start
 * just as if it had come from the leader.
 */
#include "agent/agent_priv.h"

#include "wire/msg.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BUNDLE_SIZE_MAX (64U << 20)
#define SETTLE_MS 20

Patronus__V1__ControllerMessage *pt_agent_parse(struct pt_agent *agent, struct pt_bytes data)
{
    struct pt_arena arena;
    pt_arena_init(&arena);
    const struct pt_message_type *type = pt_schema_message(agent->options.schema, "patronus.v1.ControllerMessage");
    const struct pt_parse_options options = {.unknown = PT_UNKNOWN_DROP, .size_max = BUNDLE_SIZE_MAX};
    struct pt_msg *msg = NULL;
    struct pt_error error = {0};
    enum pt_code code = pt_msg_parse(type, data, &options, &arena, &msg, &error);
    pt_arena_fini(&arena);
    if (code != PT_OK) {
        pt_log_warn(agent->options.log, "message refused", "field=%s reason=\"%s\"", error.field, error.text);
        return NULL;
    }
    return patronus__v1__controller_message__unpack(NULL, data.size, data.data);
}

enum pt_code pt_agent_check_header(const struct pt_agent *agent, const Patronus__V1__BundleHeader *header,
                                   struct pt_error *reterr)
{
    const struct pt_node_files *files = agent->options.files;
    const char *edge = strncmp(files->node_id, "edge/", 5) == 0 ? files->node_id + 5 : files->node_id;
    if (header == NULL || header->position == NULL || header->digest.len != PT_DIGEST_SIZE) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_MESSAGE_MALFORMED, "header",
                       "the header is not complete");
    }
    if (!pt_bundle_verify(header, files->bundle_key)) {
        return pt_fail(reterr, PT_UNAUTHENTICATED, PT_REASON_NONE, "header.signature",
                       "the signature is not the cluster's");
    }
    if (strcmp(header->node_id, edge) != 0 || strcmp(header->position->cluster_id, files->cluster_id) != 0) {
        return pt_fail(reterr, PT_PERMISSION_DENIED, PT_REASON_NONE, "header.node_id",
                       "the bundle is for another node");
    }
    return PT_OK;
}

static enum pt_code check_order(const struct pt_agent *agent, const Patronus__V1__BundleHeader *header,
                                struct pt_error *reterr)
{
    const struct pt_node_files *files = agent->options.files;
    if (agent->bundle == NULL) {
        return PT_OK;
    }
    Patronus__V1__BundlePosition mine = PATRONUS__V1__BUNDLE_POSITION__INIT;
    mine.cluster_id = (char *)(uintptr_t)files->cluster_id;
    mine.epoch = agent->position.epoch;
    mine.term = agent->position.term;
    mine.generation = agent->position.generation;
#ifdef PT_PLANTED_BUGS
    if (agent->options.planted == PT_PLANTED_LOST_GENERATION) {
        return PT_OK;
    }
#endif
    if (pt_bundle_position_compare(header->position, &mine) < 0) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "header.position",
                       "the bundle is older than the one in force");
    }
    return PT_OK;
}

static enum pt_code keep(struct pt_agent *agent, const struct pt_bundle *bundle,
                         const Patronus__V1__BundleHeader *header, struct pt_error *reterr)
{
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/bundle", agent->options.directory);
    PT_AUTO(buf) struct pt_buf data = {0};
    pt_bundle_encode(bundle, NULL, header, &data);
    return pt_path_write(agent->options.sys, path, data.data, data.size, reterr);
}

static enum pt_code verify(struct pt_agent *agent, const struct pt_bundle *bundle, struct pt_error *reterr)
{
    struct pt_dp *dp = agent->options.dp;
    struct pt_digest digest;
    PT_TRY(dp->ops->verify(dp, &digest, reterr));
    if (!pt_digest_equal(&digest, pt_bundle_digest(bundle))) {
        return pt_fail(reterr, PT_CORRUPT, PT_REASON_NONE, NULL, "the maps do not hold what was written");
    }
    return PT_OK;
}

enum pt_code pt_agent_apply(struct pt_agent *agent, const struct pt_bundle *bundle, struct pt_error *reterr)
{
    struct pt_dp *dp = agent->options.dp;
    int64_t now_ns = pt_sys_wall_ns(agent->options.sys), now_s = now_ns / 1000000000;
    dp->origin.time_ns = now_ns;
    dp->ops->set_time(dp, now_s);
    PT_TRY(dp->ops->apply(dp, bundle, reterr));
    agent->applied_s = now_s;
    pt_timer_start(agent->settle_timer, SETTLE_MS, 0);
    return PT_OK;
}

/* The new bundle is written but cannot be stood by: the data plane must run what the agent says that it runs. */
static void put_back(struct pt_agent *agent)
{
    struct pt_error error = {0};
    if (agent->bundle != NULL && pt_agent_apply(agent, agent->bundle, &error) != PT_OK) {
        pt_log_error(agent->options.log, "bundle not put back", "reason=\"%s\"", error.text);
    }
}

/* It is written: read it back, and keep it on disk when it has a header for that. */
static enum pt_code stand_by(struct pt_agent *agent, const struct pt_bundle *bundle,
                             const Patronus__V1__BundleHeader *header, const struct pt_dp_origin *before,
                             struct pt_error *reterr)
{
    PT_TRY(verify(agent, bundle, reterr));
    if (header == NULL) {
        return PT_OK;
    }
    pt_log_info(agent->options.log, "bundle in force", "term=%" PRIu64 " generation=%" PRIu64, header->position->term,
                header->position->generation);
    PT_TRY(pt_agent_trial_begin(agent, bundle, before, reterr));
    enum pt_code code = keep(agent, bundle, header, reterr);
    if (code != PT_OK) {
        pt_agent_trial_undo(agent);
    }
    return code;
}

void pt_agent_settle(void *arg)
{
    struct pt_agent *agent = arg;
    const struct pt_dp *dp = agent->options.dp;
    pt_timer_stop(agent->settle_timer);
    if (dp->ops->settle != NULL) {
        dp->ops->settle(agent->options.dp);
    }
    if (agent->bundle == NULL) {
        return; /* the first one was taken out of force again */
    }
    if (agent->options.tunnel != NULL) {
        pt_agent_tunnel_set_bundle(agent->options.tunnel, agent->bundle);
    }
    if (agent->hello != NULL) {
        pt_hello_set_bundle(agent->hello, agent->bundle);
    }
    if (agent->inspect != NULL) {
        pt_agent_inspect_set_bundle(agent->inspect, agent->bundle);
    }
}

enum pt_code pt_agent_take_bundle(struct pt_agent *agent, const Patronus__V1__Bundle *message, bool keep_it,
                                  struct pt_error *reterr)
{
    PT_TRY(pt_agent_check_header(agent, message->header, reterr));
    PT_TRY(check_order(agent, message->header, reterr));
    struct pt_bundle *bundle = NULL;
    PT_TRY(pt_bundle_apply(message->base_digest.len > 0 ? agent->bundle : NULL, message, &bundle, reterr));
    struct pt_dp *dp = agent->options.dp;
    const struct pt_dp_origin before = dp->origin;
    const Patronus__V1__BundlePosition *position = message->header->position;
    dp->origin = (struct pt_dp_origin){.revision = message->header->revision,
                                       .epoch = position->epoch,
                                       .term = position->term,
                                       .generation = position->generation,
                                       .te_epoch = message->header->te_epoch};
    pt_agent_recall(agent);
    enum pt_code code = pt_agent_trial_admit(agent, bundle, reterr);
    if (code == PT_OK) {
        code = pt_agent_apply(agent, bundle, reterr);
    }
    if (code != PT_OK) {
        dp->origin = before;
        pt_bundle_unref(bundle);
        return code;
    }
    code = stand_by(agent, bundle, keep_it ? message->header : NULL, &before, reterr);
    if (code != PT_OK) {
        dp->origin = before;
        put_back(agent);
        pt_bundle_unref(bundle);
        return code;
    }
    pt_agent_recall_bundle(agent, agent->bundle, &agent->position);
    agent->bundle = bundle;
    agent->position = (struct pt_agent_position){.epoch = message->header->position->epoch,
                                                 .term = message->header->position->term,
                                                 .generation = message->header->position->generation,
                                                 .digest = *pt_bundle_digest(bundle)};
    if (keep_it) {
        pt_agent_trial_taken(agent, bundle);
    } else {
        pt_agent_settle(agent); /* a start: nobody waits */
    }
    return PT_OK;
}

/* A clock that was set back counts too. On failure the old state stays, and it is tried again. */
void pt_agent_on_time(void *arg)
{
    struct pt_agent *agent = arg;
    pt_agent_trial_tick(agent);
    struct pt_dp *dp = agent->options.dp;
    int64_t now_s = pt_sys_wall_ns(agent->options.sys) / 1000000000;
    struct pt_error error = {0};
    if (agent->bundle == NULL || (now_s < dp->ops->due(dp) && now_s >= agent->applied_s)) {
        return;
    }
    if (pt_agent_apply(agent, agent->bundle, &error) != PT_OK) {
        pt_log_error(agent->options.log, "rules not changed by the clock", "field=%s reason=\"%s\"", error.field,
                     error.text);
    } else {
        pt_log_info(agent->options.log, "rules changed by the clock", "generation=%llu",
                    (unsigned long long)agent->position.generation);
    }
}

Patronus__V1__Bundle *pt_agent_read_bundle(struct pt_agent *agent, const char *file)
{
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/%s", agent->options.directory, file);
    if (!pt_path_exists(agent->options.sys, path)) {
        return NULL;
    }
    PT_AUTO(buf) struct pt_buf data = {0};
    struct pt_error error = {0};
    enum pt_code code = pt_path_read(agent->options.sys, path, BUNDLE_SIZE_MAX, &data, &error);
    Patronus__V1__Bundle *message = code == PT_OK ? patronus__v1__bundle__unpack(NULL, data.size, data.data) : NULL;
    if (code == PT_OK && message == NULL) {
        code = pt_fail(&error, PT_CORRUPT, PT_REASON_NONE, path, "the bundle on disk cannot be read");
    }
    if (code == PT_OK) {
        code = pt_agent_check_header(agent, message->header, &error);
    }
    if (code != PT_OK) {
        pt_log_warn(agent->options.log, "bundle on disk not used", "path=%s code=%s reason=\"%s\"", path,
                    pt_code_name(code), error.text);
        if (message != NULL) {
            patronus__v1__bundle__free_unpacked(message, NULL);
        }
        return NULL;
    }
    return message;
}

void pt_agent_load_bundle(struct pt_agent *agent)
{
    Patronus__V1__Bundle *message = pt_agent_read_bundle(agent, "bundle");
    struct pt_error error = {0};
    if (message == NULL) {
        return;
    }
    /* When the disk failed in keeping it, only its name may be missing there: what is run now is run after a loss of
     * power too. */
    if (pt_dir_sync(agent->options.sys, agent->options.directory, &error) != PT_OK) {
        pt_log_warn(agent->options.log, "bundle on disk may be an older one after a loss of power", "reason=\"%s\"",
                    error.text);
    }
    enum pt_code code = pt_agent_take_bundle(agent, message, false, &error);
    patronus__v1__bundle__free_unpacked(message, NULL);
    if (code == PT_OK) {
        pt_log_info(agent->options.log, "bundle from disk in force", "generation=%llu",
                    (unsigned long long)agent->position.generation);
        pt_agent_trial_load(agent);
    } else {
        pt_log_warn(agent->options.log, "bundle on disk not used", "code=%s reason=\"%s\"", pt_code_name(code),
                    error.text);
    }
}
