/*
 * patronusd restore FILE and patronusd recover: a cluster begins anew, from a backup or from one survivor. Both print
 * what they did, what is certain, and what to do next; neither starts the node, so that it can be read first.
 */
#include "node.h"

#include "mod/mods.h"
#include "node/artifact.h"
#include "node/files.h"
#include "serve/setup.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void print_common(const struct pt_reseed_report *report)
{
    printf(
        "  cluster           %s, epoch %" PRIu64 "; certificates of edges and admins stay good\n"
        "  state             of revision %" PRIu64 "\n"
        "  controllers       %s alone; %zu others are not members any more, and cannot come back with their old data\n"
        "  tokens            %zu enrollment tokens were dropped; make new ones\n",
        report->cluster_id, report->epoch, report->revision, report->controller, report->controllers_removed,
        report->tokens_removed);
}

static void print_next(const struct config *config, const struct pt_reseed_report *report)
{
    printf("Next:\n"
           "  1. make sure that no controller of before runs any more: it would serve edges beside this one\n"
           "  2. patronusd run --data %s --seal-key %s\n"
           "  3. patronusctl tokens create --role voter, and on each further machine, with an empty data folder:\n"
           "     patronusd join TOKEN --id ID --address ADDRESS\n",
           config->data, config->seal_key);
    (void)report;
    (void)fflush(stdout);
}

/* ---- the bytes of model versions ------------------------------------------------------------------------------ */

#define PIECE_SIZE (1U << 20)

struct bringing {
    struct pt_sys *sys;
    const struct pt_log *log;
    const char *from, *to;
    size_t len, damaged;
};

static enum pt_code bring(const struct bringing *bringing, const char *digest, struct pt_file *file,
                          struct pt_error *reterr)
{
    struct pt_artifact_options options = {.directory = bringing->to, .digest_hex = digest, .tag = "restore"};
    struct pt_artifact_writer *writer = NULL;
    PT_AUTO(buf) struct pt_buf piece = {0};
    PT_TRY(pt_file_size(file, &options.size, reterr));
    PT_TRY(pt_artifact_open(bringing->sys, &options, &writer, reterr));
    uint8_t *data = pt_buf_reserve(&piece, PIECE_SIZE);
    for (uint64_t at = 0; at < options.size;) {
        size_t size = options.size - at < PIECE_SIZE ? (size_t)(options.size - at) : PIECE_SIZE;
        enum pt_code code = pt_file_read(file, at, data, size, reterr);
        if (code == PT_OK) {
            code = pt_artifact_write(writer, (struct pt_bytes){.data = data, .size = size}, reterr);
        }
        if (code != PT_OK) {
            pt_artifact_cancel(writer);
            return code;
        }
        at += size;
    }
    return pt_artifact_finish(writer, reterr); /* the name says what the bytes must be */
}

static void bring_file(void *arg, const char *name)
{
    struct bringing *bringing = arg;
    char path[PT_ARTIFACT_PATH_SIZE];
    const char *tag = NULL;
    struct pt_file *file = NULL;
    struct pt_error error = {0};
    if (!pt_artifact_is_name(name, &tag) || tag != NULL) {
        return;
    }
    enum pt_code code =
        pt_file_open(bringing->sys, pt_artifact_path(bringing->from, name, path), PT_OPEN_READ, &file, &error);
    if (code == PT_OK) {
        code = bring(bringing, name, file, &error);
        pt_file_close(file);
    }
    if (code != PT_OK) {
        pt_log_warn(bringing->log, "bytes not restored", "path=%s reason=\"%s\"", path, error.text);
    }
    bringing->len += code == PT_OK ? 1 : 0;
    bringing->damaged += code == PT_OK ? 0 : 1;
}

/* What lies beside the backup. A file that is damaged is left out and said: `patronusctl models upload` puts it back.
 */
static enum pt_code bring_artifacts(const struct process *process, struct bringing *ret_bringing,
                                    struct pt_error *reterr)
{
    char from[1024], to[1024];
    (void)snprintf(from, sizeof(from), "%s.artifacts", process->config->file);
    (void)snprintf(to, sizeof(to), "%s/artifacts", process->config->data);
    *ret_bringing = (struct bringing){.sys = process->sys, .log = process->log, .from = from, .to = to};
    if (!pt_path_exists(process->sys, from)) {
        return PT_OK;
    }
    return pt_dir_list(process->sys, from, bring_file, ret_bringing, reterr);
}

enum pt_code make_restored(const struct process *process, struct pt_error *reterr)
{
    const struct config *config = process->config;
    struct addresses addresses;
    PT_TRY(make_addresses(config, &addresses, reterr));
    const struct pt_restore_options options = {
        .schema = process->schema,
        .mods = pt_mods(),
        .log = process->log,
        .file = config->file,
        .node = {.directory = config->data,
                 .seal_key_path = config->seal_key,
                 .id = config->id,
                 .region = config->region,
                 .peer_listen = addresses.peer_listen,
                 .api_listen = addresses.api_listen,
                 .agent_listen = addresses.agent_listen,
                 .peer_address = addresses.peer,
                 .api_address = addresses.api,
                 .agent_address = addresses.agent},
    };
    if (pt_path_exists(process->sys, config->admin_file)) {
        return pt_fail(reterr, PT_ALREADY_EXISTS, PT_REASON_RESOURCE_EXISTS, config->admin_file,
                       "the file for the admin credential exists; name another one with --admin-file");
    }
    config_make_parent(config->data);
    config_make_parent(config->admin_file);
    struct pt_reseed_report report;
    PT_AUTO(secret) struct pt_buf admin = {0};
    PT_TRY(pt_restore_cluster(process->sys, &options, &report, &admin, reterr));
    PT_TRY(pt_path_write(process->sys, config->admin_file, admin.data, admin.size, reterr));
    struct bringing bringing;
    PT_TRY(bring_artifacts(process, &bringing, reterr));
    printf("Restored %s into %s.\n", config->file, config->data);
    print_common(&report);
    if (bringing.len + bringing.damaged > 0) {
        printf("  models            %zu files of bytes from %s.artifacts%s\n", bringing.len, config->file,
               bringing.damaged > 0 ? "; others are damaged, see above" : "");
    }
    printf("  admin credential  %s  (keep it secret)\n"
           "Certain: everything that was acknowledged before the backup was taken. Lost: everything after it.\n"
           "Edges look for controllers where those of before were: give this one such an address (it has %s).\n",
           config->admin_file, addresses.agent);
    print_next(config, &report);
    return PT_OK;
}

static void print_price(const struct config *config)
{
    printf(
        "patronusd recover makes this stopped controller (%s) the only one of its cluster.\n"
        "Use it when a majority of the controllers is lost for good; else start them again, and nothing is lost.\n"
        "  kept     everything in this controller's log, also writes whose answer nobody ever got\n"
        "  lost     writes that were acknowledged by a majority which did not include this controller; when several\n"
        "           controllers are left, recover the one whose log reaches furthest (patronusctl cluster status, or\n"
        "           the line \"log\" that this command prints)\n"
        "  changed  the epoch rises: the other controllers must be stopped, and join again with empty data folders\n"
        "The old log stays in its folder in %s; the old state is kept there as recover.state.\n"
        "To do it: patronusd recover --force-new-cluster --data %s --seal-key %s\n",
        config->data, config->data, config->data, config->seal_key);
    (void)fflush(stdout);
}

enum pt_code make_recovered(const struct process *process, struct pt_error *reterr)
{
    const struct config *config = process->config;
    if (strcmp(config->force_new_cluster, "true") != 0) {
        print_price(config);
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_REQUIRED, "--force-new-cluster",
                       "nothing was changed: say it when this is what you want");
    }
    const struct pt_recover_options options = {.schema = process->schema,
                                               .mods = pt_mods(),
                                               .log = process->log,
                                               .directory = config->data,
                                               .seal_key_path = config->seal_key};
    struct pt_reseed_report report;
    PT_TRY(pt_recover_cluster(process->sys, &options, &report, reterr));
    printf("Recovered %s in %s.\n", report.controller, config->data);
    print_common(&report);
    printf("  log               up to index %" PRIu64 "; the state had applied %" PRIu64 ", %" PRIu64
           " more entries were applied now\n",
           report.last_index, report.applied_before, report.entries_replayed);
    if (report.voters_before == 1) {
        printf("Certain: everything that was ever acknowledged; this was the only voter.\n");
    } else {
        printf("Certain: everything that was acknowledged and reached this controller, up to index %" PRIu64
               ". It was one of\n"
               "%zu voters: what a majority without it acknowledged after that is lost.\n",
               report.last_index, report.voters_before);
    }
    print_next(config, &report);
    return PT_OK;
}
