/*
 * backup FILE: the cluster's state as a stream from any controller, checked as it comes. backup verify FILE: every byte
 * of a file against its digests, without a cluster.
 *
 * The bytes of model versions go beside it, into FILE.artifacts, each in a file that is called by its SHA-256: they can
 * be large, they never change, and a folder that has them already (a copy or a link of an older backup's) is not filled
 * again. patronusd restore takes them from there.
 */
#include "ctl.h"

#include "base/assert.h"
#include "cli/request.h"
#include "node/artifact.h"
#include "node/backup.h"
#include "patronus/v1/model.pb-c.h"
#include "sys/sys_uv.h"
#include "wire/time_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define METHOD "/patronus.v1.ClusterService/Backup"
#define CHUNK_SIZE_MAX (4U << 20)

struct receiving {
    struct ctl *ctl;
    const struct pt_method_type *method;
    const char *path;
    struct pt_backup_writer *writer; /* NULL before the manifest */
    struct pt_backup_manifest manifest;
    uint64_t taken;
    struct pt_error error; /* why we ended it; code PT_OK: everything is there */
};

static void copy_text(char *to, size_t size, const char *from)
{
    (void)snprintf(to, size, "%s", from);
}

static enum pt_code begin(struct receiving *receiving, const struct pt_msg *msg, struct pt_error *reterr)
{
    struct pt_backup_manifest *manifest = &receiving->manifest;
    *manifest = (struct pt_backup_manifest){.epoch = pt_msg_u64(msg, "epoch"),
                                            .revision = pt_msg_u64(msg, "revision"),
                                            .index = pt_msg_u64(msg, "index"),
                                            .term = pt_msg_u64(msg, "term"),
                                            .level = pt_msg_u64(msg, "level"),
                                            .time_ms = (uint64_t)(pt_msg_time(msg, "create_time") / 1000000),
                                            .stale = pt_msg_bool(msg, "stale"),
                                            .size = pt_msg_u64(msg, "size")};
    copy_text(manifest->cluster_id, sizeof(manifest->cluster_id), pt_msg_str(msg, "cluster_id"));
    copy_text(manifest->controller, sizeof(manifest->controller), pt_msg_str(msg, "controller"));
    copy_text(manifest->version, sizeof(manifest->version), pt_msg_str(msg, "software_version"));
    PT_TRY(pt_digest_from_hex(pt_msg_str(msg, "sha256"), &manifest->sha256, reterr));
    return pt_backup_create(ctl_client_sys(receiving->ctl->client), receiving->path, manifest, &receiving->writer,
                            reterr);
}

static enum pt_code take(struct receiving *receiving, const struct pt_msg *chunk, struct pt_error *reterr)
{
    const struct pt_msg *manifest = pt_msg_child(chunk, "manifest");
    if (manifest != NULL && receiving->writer == NULL) {
        PT_TRY(begin(receiving, manifest, reterr));
    }
    if (receiving->writer == NULL) {
        return pt_fail(reterr, PT_INTERNAL, PT_REASON_MESSAGE_MALFORMED, "manifest", "the stream has no manifest");
    }
    struct pt_bytes data = pt_msg_bytes(chunk, "data");
    receiving->taken += data.size;
    return pt_backup_write(receiving->writer, data, reterr);
}

static bool on_chunk(void *arg, struct pt_bytes message)
{
    struct receiving *receiving = arg;
    struct pt_arena arena;
    pt_arena_init(&arena);
    const struct pt_parse_options options = {.unknown = PT_UNKNOWN_DROP, .size_max = CHUNK_SIZE_MAX};
    struct pt_msg *chunk = NULL;
    enum pt_code code = pt_msg_parse(receiving->method->output, message, &options, &arena, &chunk, &receiving->error);
    if (code == PT_OK) {
        code = take(receiving, chunk, &receiving->error);
    }
    pt_arena_fini(&arena);
    return code == PT_OK && receiving->taken < receiving->manifest.size;
}

static void print_manifest(const char *what, const char *path, const struct pt_backup_manifest *manifest)
{
    char hex[65];
    char time[PT_TIME_TEXT_SIZE] = "an unknown time";
    (void)pt_timestamp_format((int64_t)(manifest->time_ms / 1000), (int64_t)(manifest->time_ms % 1000) * 1000000, time);
    printf("%s %s\n"
           "  cluster   %s, epoch %" PRIu64 ", level %" PRIu64 "\n"
           "  state     revision %" PRIu64 " of term %" PRIu64 "%s\n"
           "  taken     %s from %s, version %s\n"
           "  size      %" PRIu64 " bytes, SHA-256 %s\n",
           what, path, manifest->cluster_id, manifest->epoch, manifest->level, manifest->revision, manifest->term,
           manifest->stale ? "; stale: newer writes may be missing" : "", time, manifest->controller, manifest->version,
           manifest->size, pt_digest_hex(&manifest->sha256, hex));
}

/* One server after the other, like any call; but once bytes have come, a break is an error. */
static enum pt_code receive(struct receiving *receiving, struct pt_error *reterr)
{
    struct ctl *ctl = receiving->ctl;
    struct pt_msg *request = pt_msg_new(ctl->arena, receiving->method->input);
    pt_msg_set_bool(request, ctl->arena, "stale", pt_cli_given(ctl->args, PT_CLI_STALE));
    const struct pt_msg *const requests[] = {request};
    const struct ctl_stream_options options = {
        .method = receiving->method, .requests = requests, .requests_len = 1, .on_message = on_chunk, .arg = receiving};
    uint64_t end_ms = pt_sys_now_ms(ctl_client_sys(ctl->client)) + ctl->args->timeout_ms;
    for (;;) {
        enum pt_code code = ctl_stream(ctl->client, &options, reterr);
        if (receiving->error.code != PT_OK) {
            *reterr = receiving->error;
            return reterr->code;
        }
        if (code == PT_OK || code != PT_UNAVAILABLE || receiving->writer != NULL ||
            pt_sys_now_ms(ctl_client_sys(ctl->client)) >= end_ms) {
            return code;
        }
        ctl_client_next(ctl->client);
    }
}

/* ---- the bytes of model versions ------------------------------------------------------------------------------ */

struct saving {
    struct ctl *ctl;
    const char *directory;
    size_t len, fetched; /* files that there are now, and that came */
    uint64_t size;       /* of all, bytes */
    size_t failed;
    struct pt_error error; /* the first */
};

static char *directory_of(struct pt_arena *arena, const char *path)
{
    return pt_arena_printf(arena, "%s.artifacts", path);
}

static bool save_version(void *arg, const struct pt_msg *version)
{
    struct saving *saving = arg;
    struct pt_sys *sys = ctl_client_sys(saving->ctl->client);
    const char *digest = pt_msg_str(version, "digest");
    uint64_t size = pt_msg_u64(version, "size_bytes");
    char path[PT_ARTIFACT_PATH_SIZE];
    struct pt_error error = {0};
    if (pt_msg_i64(version, "artifact_state") != PATRONUS__V1__ARTIFACT_STATE__STORED) {
        return true; /* nobody was told that the cluster has them */
    }
    bool present = pt_path_exists(sys, pt_artifact_path(saving->directory, digest, path)) &&
                   pt_artifact_verify(sys, path, digest, size, NULL) == PT_OK;
    if (!present && ctl_fetch_artifact(saving->ctl, pt_msg_str(version, "name"), saving->directory, &error) != PT_OK) {
        saving->error = saving->failed++ == 0 ? error : saving->error;
        return true;
    }
    saving->fetched += present ? 0 : 1;
    saving->size += size;
    saving->len++;
    return true;
}

static enum pt_code save_artifacts(struct ctl *ctl, const char *path, struct saving *ret_saving,
                                   struct pt_error *reterr)
{
    *ret_saving = (struct saving){.ctl = ctl, .directory = directory_of(ctl->arena, path)};
    const struct pt_message_type *kind = pt_schema_kind(ctl->schema, "modelVersion");
    const struct pt_cli_list_options options = {
        .parent = "organizations/-/models/-", .filter = "", .order_by = "", .page_token = "", .page_size = 1000};
    PT_TRY(ctl_read_all(ctl, kind, &options, ctl->arena, save_version, ret_saving, reterr));
    if (ret_saving->failed > 0) {
        *reterr = ret_saving->error;
        return pt_wrap(reterr, reterr->code, "%zu files of model versions were not saved, for example",
                       ret_saving->failed);
    }
    return PT_OK;
}

struct verifying {
    struct pt_sys *sys;
    const char *directory;
    size_t len;
    enum pt_code code;
    struct pt_error *reterr;
};

/* The name says what the bytes must be. */
static void verify_file(void *arg, const char *name)
{
    struct verifying *verifying = arg;
    const char *tag = NULL;
    char path[PT_ARTIFACT_PATH_SIZE];
    struct pt_file *file = NULL;
    uint64_t size = 0;
    if (verifying->code != PT_OK || !pt_artifact_is_name(name, &tag) || tag != NULL) {
        return;
    }
    (void)pt_artifact_path(verifying->directory, name, path);
    verifying->code = pt_file_open(verifying->sys, path, PT_OPEN_READ, &file, verifying->reterr);
    if (verifying->code == PT_OK) {
        verifying->code = pt_file_size(file, &size, verifying->reterr);
        pt_file_close(file);
    }
    if (verifying->code == PT_OK) {
        verifying->code = pt_artifact_verify(verifying->sys, path, name, size, verifying->reterr);
    }
    if (verifying->code != PT_OK) {
        verifying->code = pt_wrap(verifying->reterr, verifying->code, "%.80s", name);
    }
    verifying->len++;
}

static int save(struct ctl *ctl, const char *path)
{
    struct receiving receiving = {.ctl = ctl, .method = pt_schema_method(ctl->schema, METHOD), .path = path};
    pt_assert(receiving.method != NULL);
    struct pt_error error = {0};
    if (ctl_connect(ctl, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    if (pt_path_exists(ctl_client_sys(ctl->client), path)) {
        (void)pt_fail(&error, PT_ALREADY_EXISTS, PT_REASON_NONE, path,
                      "the file exists; name another one, or remove it first");
        return ctl_fail(&error);
    }
    enum pt_code code = receive(&receiving, &error);
    if (code != PT_OK) {
        pt_backup_cancel(receiving.writer);
        return ctl_fail(&error);
    }
    if (pt_backup_finish(receiving.writer, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    print_manifest("saved", path, &receiving.manifest);
    struct saving saving;
    if (save_artifacts(ctl, path, &saving, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    if (saving.len > 0) {
        printf("  models    %zu versions' bytes, %" PRIu64 ", in %s (%zu came now)\n", saving.len, saving.size,
               saving.directory, saving.fetched);
    }
    printf("It holds no seal key: keep a copy of that apart from it. Check it with: patronusctl backup verify %s\n",
           path);
    return PT_CLI_EXIT_OK;
}

static int verify(struct ctl *ctl, const char *path)
{
    struct pt_sys *sys = NULL;
    struct pt_backup_manifest manifest;
    struct pt_error error = {0};
    enum pt_code code = pt_sys_uv_new(&sys, &error);
    if (code == PT_OK) {
        code = pt_backup_read(sys, path, NULL, &manifest, &error);
    }
    struct verifying verifying = {.sys = sys, .directory = directory_of(ctl->arena, path), .reterr = &error};
    if (code == PT_OK && pt_path_exists(sys, verifying.directory)) {
        code = pt_dir_list(sys, verifying.directory, verify_file, &verifying, &error);
        code = code == PT_OK ? verifying.code : code;
    }
    pt_sys_uv_free(sys);
    if (code != PT_OK) {
        return ctl_fail(&error);
    }
    print_manifest("good", path, &manifest);
    if (verifying.len > 0) {
        printf("  models    %zu files in %s\n", verifying.len, verifying.directory);
    }
    return PT_CLI_EXIT_OK;
}

int ctl_backup(struct ctl *ctl)
{
    const struct pt_cli_args *args = ctl->args;
    if (args->words_len == 2 && strcmp(args->words[0], "verify") == 0) {
        return verify(ctl, args->words[1]);
    }
    if (args->words_len == 1 && strcmp(args->words[0], "verify") != 0) {
        return save(ctl, args->words[0]);
    }
    return ctl_usage_text(ctl, "write backup FILE or backup verify FILE");
}
