/*
 * A node that a change cuts off comes back by itself.
 *
 * While a change set waits for its confirmation, bundles of its organization say so (NodeEntry.trial_ms). The node then
 * keeps, beside what is in force, what was in force before. Without a controller for that long, it takes the change for
 * the reason, puts the former bundle in force, and looks for controllers by the routes of then.
 *
 *   "bundle"          what is in force            taken on trial: bundle.former <- bundle, bundle <- new
 *   "bundle.former"   what was, during a trial    gone back:      bundle.tried <- bundle, bundle <- former
 *   "bundle.tried"    what cut the node off       something else came: both are removed
 *
 * Each step leaves files by which a node that dies there starts well: it runs the trial again, or what it went back to.
 * The position in the order of bundles never falls: what is older than the one that was tried stays refused. What is
 * still on trial is refused too, until a bundle says that nothing waits any more: the controllers count the node as
 * away and take the change set back, or somebody confirms it and says by that that the node is to live with it.
 */
#include "agent/agent_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BUNDLE_SIZE_MAX (64U << 20)

static uint32_t trial_ms(const struct pt_bundle *bundle)
{
    size_t len = 0;
    const Patronus__V1__Entry *const *entries = bundle != NULL ? pt_bundle_entries(bundle, &len) : NULL;
    return len > 0 && entries[0]->entry_case == PATRONUS__V1__ENTRY__ENTRY_NODE ? entries[0]->node->trial_ms : 0;
}

static const char *place(const struct pt_agent *agent, const char *file, char path[static 1024])
{
    (void)snprintf(path, 1024, "%s/%s", agent->options.directory, file);
    return path;
}

static enum pt_code copy(struct pt_agent *agent, const char *from, const char *to, struct pt_error *reterr)
{
    char path[1024];
    PT_AUTO(buf) struct pt_buf data = {0};
    PT_TRY(pt_path_read(agent->options.sys, place(agent, from, path), BUNDLE_SIZE_MAX, &data, reterr));
    return pt_path_write(agent->options.sys, place(agent, to, path), data.data, data.size, reterr);
}

static void drop(struct pt_agent *agent, const char *file)
{
    char path[1024];
    struct pt_error error = {0};
    if (pt_path_exists(agent->options.sys, place(agent, file, path)) &&
        pt_path_remove(agent->options.sys, path, &error) != PT_OK) {
        pt_log_warn(agent->options.log, "file not removed", "path=%s reason=\"%s\"", path, error.text);
    }
}

enum pt_code pt_agent_trial_admit(const struct pt_agent *agent, const struct pt_bundle *bundle, struct pt_error *reterr)
{
    if (agent->trial.went_back && trial_ms(bundle) != 0) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "trial_ms",
                       "with the change set that waits the node lost the controllers, and went back to what it had");
    }
    return PT_OK;
}

enum pt_code pt_agent_trial_begin(struct pt_agent *agent, const struct pt_bundle *bundle,
                                  const struct pt_dp_origin *before, struct pt_error *reterr)
{
    struct pt_agent_trial *trial = &agent->trial;
    if (agent->bundle == NULL || trial->former != NULL || trial_ms(bundle) == 0 || trial_ms(agent->bundle) != 0) {
        return PT_OK;
    }
    PT_TRY(copy(agent, "bundle", "bundle.former", reterr));
    pt_bundle_ref(agent->bundle);
    trial->former = agent->bundle;
    trial->former_origin = *before;
    trial->heard_ns = pt_sys_now_ns(agent->options.sys);
    return PT_OK;
}

void pt_agent_trial_taken(struct pt_agent *agent, const struct pt_bundle *bundle)
{
    struct pt_agent_trial *trial = &agent->trial;
    if (trial->went_back) {
        trial->went_back = false;
        drop(agent, "bundle.tried");
    }
    if (trial_ms(bundle) == 0 && trial->former != NULL) {
        pt_bundle_unref(trial->former);
        trial->former = NULL;
        drop(agent, "bundle.former");
    }
}

void pt_agent_trial_undo(struct pt_agent *agent)
{
    if (agent->trial.former != NULL && agent->trial.former == agent->bundle) { /* this very call began it */
        pt_bundle_unref(agent->trial.former);
        agent->trial.former = NULL;
        drop(agent, "bundle.former");
    }
}

/* ---- going back ----------------------------------------------------------------------------------------------- */

/* On disk, so that a restart does not go through all of it again. Forwarding does not wait for a disk that fails. */
static void keep_former(struct pt_agent *agent)
{
    char from[1024];
    char to[1024];
    struct pt_error error = {0};
    enum pt_code code = copy(agent, "bundle", "bundle.tried", &error);
    if (code == PT_OK) {
        code =
            pt_path_rename(agent->options.sys, place(agent, "bundle.former", from), place(agent, "bundle", to), &error);
    }
    if (code != PT_OK) {
        pt_log_warn(agent->options.log, "going back not kept", "reason=\"%s\"", error.text);
    }
}

static void go_back(struct pt_agent *agent, uint64_t alone_ms)
{
    struct pt_agent_trial *trial = &agent->trial;
    struct pt_error error = {0};
    struct pt_dp *dp = agent->options.dp;
    const struct pt_dp_origin before = dp->origin;
    pt_agent_recall(agent); /* while the bundle that decided is at hand */
    dp->origin = trial->former_origin;
    if (pt_agent_apply(agent, trial->former, &error) != PT_OK) {
        dp->origin = before;
        pt_log_error(agent->options.log, "cut off, and not gone back", "reason=\"%s\"", error.text);
        return; /* tried again in a second */
    }
    pt_log_warn(agent->options.log, "cut off: gone back to the bundle before", "alone_ms=%" PRIu64, alone_ms);
    keep_former(agent);
    trial->went_back = true;
    pt_bundle_unref(agent->bundle);
    agent->bundle = trial->former;
    trial->former = NULL;
    agent->position.digest = *pt_bundle_digest(agent->bundle);
    pt_agent_settle(agent);
}

void pt_agent_trial_tick(struct pt_agent *agent)
{
    struct pt_agent_trial *trial = &agent->trial;
    uint64_t now_ns = pt_sys_now_ns(agent->options.sys);
    if (agent->state == PT_AGENT_STREAMING) {
        trial->heard_ns = now_ns;
    } else if (trial->former != NULL && now_ns - trial->heard_ns >= trial_ms(agent->bundle) * 1000000ULL) {
        go_back(agent, (now_ns - trial->heard_ns) / 1000000);
    }
}

/* ---- a start -------------------------------------------------------------------------------------------------- */

static bool later(const struct pt_agent_position *mine, const Patronus__V1__BundlePosition *other)
{
    if (other->epoch != mine->epoch) {
        return other->epoch > mine->epoch;
    }
    if (other->term != mine->term) {
        return other->term > mine->term;
    }
    return other->generation > mine->generation;
}

static void load_tried(struct pt_agent *agent)
{
    Patronus__V1__Bundle *tried = pt_agent_read_bundle(agent, "bundle.tried");
    if (tried == NULL) {
        return;
    }
    const Patronus__V1__BundlePosition *position = tried->header->position;
    if (later(&agent->position, position)) {
        agent->position.epoch = position->epoch;
        agent->position.term = position->term;
        agent->position.generation = position->generation;
        agent->trial.went_back = true;
    }
    patronus__v1__bundle__free_unpacked(tried, NULL);
}

static void load_former(struct pt_agent *agent)
{
    Patronus__V1__Bundle *former = pt_agent_read_bundle(agent, "bundle.former");
    struct pt_error error = {0};
    if (former == NULL) {
        return;
    }
    const Patronus__V1__BundlePosition *position = former->header->position;
    agent->trial.former_origin = (struct pt_dp_origin){.revision = former->header->revision,
                                                       .epoch = position->epoch,
                                                       .term = position->term,
                                                       .generation = position->generation};
    if (pt_bundle_apply(NULL, former, &agent->trial.former, &error) != PT_OK) {
        pt_log_warn(agent->options.log, "former bundle not used", "reason=\"%s\"", error.text);
    }
    patronus__v1__bundle__free_unpacked(former, NULL);
}

void pt_agent_trial_load(struct pt_agent *agent)
{
    agent->trial.heard_ns = pt_sys_now_ns(agent->options.sys);
    if (agent->bundle == NULL) {
        return;
    }
    load_tried(agent);
    if (trial_ms(agent->bundle) != 0) {
        load_former(agent);
    }
}

void pt_agent_trial_fini(struct pt_agent *agent)
{
    pt_bundle_unref(agent->trial.former);
}
