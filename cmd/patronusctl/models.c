/*
 * models: the bytes of model versions, and which version is in use.
 *
 * An upload reads the file twice: for its digest, then to send it. A server that goes away in between is followed by
 * the next; what it had is sent again, unless a server says at once that the bytes are there.
 */
#include "ctl.h"

#include "base/assert.h"
#include "cli/fields.h"
#include "cli/request.h"
#include "node/artifact.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ARTIFACTS "/patronus.v1.ArtifactService/"
#define PIECE_SIZE (256U << 10)
#define SEED_TEXT_SIZE (2 * PT_SIGN_PRIVATE_SIZE)

struct transfer {
    struct ctl *ctl;
    const struct pt_method_type *method;
    const char *name; /* of the ModelVersion */
    const char *path;
    struct pt_file *file;
    uint64_t size, at;
    char digest[65];
    struct pt_artifact_writer *writer; /* download */
    bool unsigned_too;                 /* the bytes are kept, not loaded */
    char directory[1024];
    struct pt_msg *reply;
    struct pt_error error; /* why we ended it */
};

static const struct pt_method_type *method_of(const struct ctl *ctl, const char *path)
{
    const struct pt_method_type *method = pt_schema_method(ctl->schema, path);
    pt_assert(method != NULL);
    return method;
}

/* "dpi/v7" below an organization, "models/dpi/versions/v7", or the full name. */
static enum pt_code version_name(struct ctl *ctl, const char *word, const char **ret_name, struct pt_error *reterr)
{
    const char *slash = strchr(word, '/');
    if (slash != NULL && strchr(slash + 1, '/') == NULL) {
        word = pt_arena_printf(ctl->arena, "models/%.*s/versions/%s", (int)(slash - word), word, slash + 1);
    }
    return pt_cli_name(&ctl->scope, pt_cli_kind(ctl->schema, "modelVersion"), word, ctl->arena, ret_name, NULL, reterr);
}

/* A stream with one server after the other, as long as there is time and none has answered. */
static enum pt_code stream(struct ctl *ctl, const struct ctl_stream_options *options,
                           bool (*again)(struct transfer *transfer), struct pt_error *reterr)
{
    struct transfer *transfer = options->arg;
    uint64_t end_ms = pt_sys_now_ms(ctl_client_sys(ctl->client)) + ctl->args->timeout_ms;
    for (;;) {
        uint64_t before = pt_sys_now_ms(ctl_client_sys(ctl->client));
        enum pt_code code = ctl_stream(ctl->client, options, reterr);
        if (transfer->error.code != PT_OK) {
            *reterr = transfer->error;
            return reterr->code;
        }
        if (code != PT_UNAVAILABLE || before >= end_ms || !again(transfer)) {
            return code;
        }
        ctl_client_next(ctl->client);
    }
}

static bool on_reply(void *arg, struct pt_bytes message)
{
    struct transfer *transfer = arg;
    const struct pt_parse_options options = {.unknown = PT_UNKNOWN_DROP, .size_max = 4U << 20};
    enum pt_code code = pt_msg_parse(transfer->method->output, message, &options, transfer->ctl->arena,
                                     &transfer->reply, &transfer->error);
    (void)code; /* it stands in the error */
    return false;
}

/* ---- upload --------------------------------------------------------------------------------------------------- */

static enum pt_code digest_file(struct transfer *transfer, struct pt_error *reterr)
{
    PT_TRY(pt_file_open(ctl_client_sys(transfer->ctl->client), transfer->path, PT_OPEN_READ, &transfer->file, reterr));
    PT_TRY(pt_file_size(transfer->file, &transfer->size, reterr));
    struct pt_sha256_stream *hash = pt_sha256_open();
    PT_AUTO(buf) struct pt_buf piece = {0};
    enum pt_code code = PT_OK;
    for (uint64_t at = 0; at < transfer->size && code == PT_OK; at += piece.size) {
        piece.size = transfer->size - at < PIECE_SIZE ? (size_t)(transfer->size - at) : PIECE_SIZE;
        size_t size = piece.size;
        piece.size = 0;
        code = pt_file_read(transfer->file, at, pt_buf_reserve(&piece, size), size, reterr);
        piece.size = size;
        pt_sha256_update(hash, piece.data, size);
    }
    struct pt_digest digest = pt_sha256_close(hash);
    (void)pt_digest_hex(&digest, transfer->digest);
    return code;
}

/* Make the version; one that is there already must be of these bytes. */
static enum pt_code make_version(struct transfer *transfer, const char *const *words, size_t words_len,
                                 struct pt_error *reterr)
{
    struct ctl *ctl = transfer->ctl;
    const struct pt_message_type *kind = pt_cli_kind(ctl->schema, "modelVersion");
    const struct pt_method_type *method = NULL;
    struct pt_msg *version = pt_msg_new(ctl->arena, kind);
    struct pt_cli_mask mask = {0};
    for (size_t i = 0; i < words_len; i++) {
        PT_TRY(pt_cli_assign(ctl->schema, words[i], version, &mask, ctl->arena, reterr));
    }
    pt_msg_set_str(version, ctl->arena, "digest", transfer->digest);
    pt_msg_set_u64(version, ctl->arena, "size_bytes", transfer->size);
    char request_id[33];
    ctl_random_id(ctl->client, request_id);
    const struct pt_cli_write_options options = {.request_id = request_id, .etag = ""};
    PT_TRY(pt_cli_method_find(ctl->schema, kind, PT_VERB_CREATE, &method, reterr));
    struct pt_msg *request = pt_cli_request_create(method, transfer->name, version, &options, ctl->arena);
    enum pt_code code = ctl_call(ctl->client, method, request, ctl->arena, &transfer->reply, reterr);
    if (code != PT_ALREADY_EXISTS) {
        return code;
    }
    PT_TRY(pt_cli_method_find(ctl->schema, kind, PT_VERB_GET, &method, reterr));
    request = pt_cli_request_get(method, transfer->name, false, ctl->arena);
    PT_TRY(ctl_call(ctl->client, method, request, ctl->arena, &transfer->reply, reterr));
    if (strcmp(pt_msg_str(transfer->reply, "digest"), transfer->digest) != 0) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_FIELD_IMMUTABLE, "digest",
                       "%.200s exists and is of other bytes: choose another id for these", transfer->name);
    }
    return PT_OK;
}

static bool feed(void *arg, struct pt_buf *out)
{
    struct transfer *transfer = arg;
    if (transfer->at > transfer->size) {
        return false;
    }
    struct pt_arena arena;
    pt_arena_init(&arena);
    struct pt_msg *request = pt_msg_new(&arena, transfer->method->input);
    size_t size = transfer->size - transfer->at < PIECE_SIZE ? (size_t)(transfer->size - transfer->at) : PIECE_SIZE;
    PT_AUTO(buf) struct pt_buf piece = {0};
    if (transfer->at == 0) {
        pt_msg_set_str(request, &arena, "name", transfer->name);
    }
    if (size > 0 && pt_file_read(transfer->file, transfer->at, pt_buf_reserve(&piece, size), size, NULL) == PT_OK) {
        piece.size = size; /* a file that shrank is found out by its digest */
        pt_msg_set_bytes(request, &arena, "data", pt_buf_bytes(&piece));
    }
    transfer->at += size > 0 && transfer->at + size < transfer->size ? size : size + 1; /* past the end: no more */
    pt_msg_encode(request, out);
    pt_arena_fini(&arena);
    return true;
}

static bool upload_again(struct transfer *transfer)
{
    transfer->at = 0;
    return transfer->reply == NULL;
}

static int upload(struct ctl *ctl)
{
    const struct pt_cli_args *args = ctl->args;
    struct transfer transfer = {
        .ctl = ctl, .path = args->words[1], .method = method_of(ctl, ARTIFACTS "UploadArtifact")};
    struct pt_error error = {0};
    if (version_name(ctl, args->words[2], &transfer.name, &error) != PT_OK) {
        return ctl_usage(&error);
    }
    enum pt_code code = ctl_connect(ctl, &error);
    code = code == PT_OK ? digest_file(&transfer, &error) : code;
    code = code == PT_OK ? make_version(&transfer, args->words + 3, args->words_len - 3, &error) : code;
    transfer.reply = NULL;
    if (code == PT_OK) {
        const struct ctl_stream_options options = {
            .method = transfer.method, .feed = feed, .on_message = on_reply, .arg = &transfer};
        code = stream(ctl, &options, upload_again, &error);
    }
    pt_file_close(transfer.file);
    if (code != PT_OK) {
        return ctl_fail(&error);
    }
    if (ctl_is_data(ctl)) {
        struct ctl_output *output = ctl_output_new(ctl, true);
        ctl_output_add(output, transfer.reply);
        return ctl_output_end(output);
    }
    printf("stored %s\n  size      %" PRIu64 " bytes, SHA-256 %s\n", transfer.name, transfer.size, transfer.digest);
    return PT_CLI_EXIT_OK;
}

/* ---- download ------------------------------------------------------------------------------------------------- */

/* The manifest says what must come: the signature is checked before a byte is written. */
static enum pt_code begin(struct transfer *transfer, const struct pt_msg *manifest, struct pt_error *reterr)
{
    const struct pt_msg_field *field = pt_msg_field(manifest, "signing_keys");
    const char *keys[8];
    size_t len = 0;
    for (; field != NULL && len < field->len && len < 8; len++) {
        keys[len] = (const char *)field->values[len].bytes.data;
    }
    struct pt_digest digest;
    PT_TRY(pt_digest_from_hex(pt_msg_str(manifest, "digest"), &digest, reterr));
    (void)pt_digest_hex(&digest, transfer->digest);
    transfer->size = pt_msg_u64(manifest, "size_bytes");
    if (!transfer->unsigned_too &&
        !pt_artifact_trusted(keys, len, pt_msg_str(manifest, "signature"), transfer->name, transfer->digest)) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_WRONG_STATE, "signature",
                       "no signing key of the model has signed %.200s: nothing may load it", transfer->name);
    }
    const struct pt_artifact_options options = {
        .directory = transfer->directory, .digest_hex = transfer->digest, .size = transfer->size, .tag = "download"};
    return pt_artifact_open(ctl_client_sys(transfer->ctl->client), &options, &transfer->writer, reterr);
}

static bool on_chunk(void *arg, struct pt_bytes message)
{
    struct transfer *transfer = arg;
    struct pt_arena arena;
    pt_arena_init(&arena);
    const struct pt_parse_options options = {.unknown = PT_UNKNOWN_DROP, .size_max = 4U << 20};
    struct pt_msg *chunk = NULL;
    enum pt_code code = pt_msg_parse(transfer->method->output, message, &options, &arena, &chunk, &transfer->error);
    const struct pt_msg *manifest = code == PT_OK ? pt_msg_child(chunk, "manifest") : NULL;
    if (manifest != NULL && transfer->writer == NULL) {
        code = begin(transfer, manifest, &transfer->error);
    }
    if (code == PT_OK && transfer->writer == NULL) {
        code = pt_fail(&transfer->error, PT_INTERNAL, PT_REASON_MESSAGE_MALFORMED, "manifest",
                       "the stream has no manifest");
    }
    if (code == PT_OK) {
        code = pt_artifact_write(transfer->writer, pt_msg_bytes(chunk, "data"), &transfer->error);
    }
    pt_arena_fini(&arena);
    return code == PT_OK && pt_artifact_written(transfer->writer) < transfer->size;
}

static bool download_again(struct transfer *transfer)
{
    pt_artifact_cancel(transfer->writer);
    transfer->writer = NULL;
    return true;
}

/* The bytes of transfer->name come into transfer->directory, under their digest's name when they are all there and
 * right. */
static enum pt_code fetch(struct transfer *transfer, struct pt_error *reterr)
{
    struct ctl *ctl = transfer->ctl;
    struct pt_msg *request = pt_msg_new(ctl->arena, transfer->method->input);
    pt_msg_set_str(request, ctl->arena, "name", transfer->name);
    const struct pt_msg *const requests[] = {request};
    const struct ctl_stream_options options = {.method = transfer->method,
                                               .requests = requests,
                                               .requests_len = 1,
                                               .on_message = on_chunk,
                                               .may_end = true,
                                               .arg = transfer};
    enum pt_code code = stream(ctl, &options, download_again, reterr);
    if (code == PT_OK && transfer->writer != NULL) {
        code = pt_artifact_finish(transfer->writer, reterr);
        transfer->writer = NULL;
    }
    pt_artifact_cancel(transfer->writer);
    transfer->writer = NULL;
    return code;
}

enum pt_code ctl_fetch_artifact(struct ctl *ctl, const char *version, const char *directory, struct pt_error *reterr)
{
    struct transfer transfer = {
        .ctl = ctl, .name = version, .method = method_of(ctl, ARTIFACTS "DownloadArtifact"), .unsigned_too = true};
    (void)snprintf(transfer.directory, sizeof(transfer.directory), "%s", directory);
    return fetch(&transfer, reterr);
}

static int download(struct ctl *ctl)
{
    struct transfer transfer = {
        .ctl = ctl, .path = ctl->args->words[2], .method = method_of(ctl, ARTIFACTS "DownloadArtifact")};
    struct pt_error error = {0};
    const char *slash = strrchr(transfer.path, '/');
    (void)snprintf(transfer.directory, sizeof(transfer.directory), "%.*s",
                   slash != NULL ? (int)(slash - transfer.path) + 1 : 1, slash != NULL ? transfer.path : ".");
    if (version_name(ctl, ctl->args->words[1], &transfer.name, &error) != PT_OK) {
        return ctl_usage(&error);
    }
    if (ctl_connect(ctl, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    struct pt_sys *sys = ctl_client_sys(ctl->client);
    if (pt_path_exists(sys, transfer.path)) {
        (void)pt_fail(&error, PT_ALREADY_EXISTS, PT_REASON_NONE, transfer.path,
                      "the file exists; name another one, or remove it first");
        return ctl_fail(&error);
    }
    enum pt_code code = fetch(&transfer, &error);
    char whole[PT_ARTIFACT_PATH_SIZE];
    if (code == PT_OK) {
        code = pt_path_rename(sys, pt_artifact_path(transfer.directory, transfer.digest, whole), transfer.path, &error);
    }
    if (code != PT_OK) {
        return ctl_fail(&error);
    }
    printf("wrote %s\n  size      %" PRIu64 " bytes, SHA-256 %s\n", transfer.path, transfer.size, transfer.digest);
    return PT_CLI_EXIT_OK;
}

/* ---- stages --------------------------------------------------------------------------------------------------- */

static int change_live(struct ctl *ctl, bool back)
{
    const struct pt_method_type *method = method_of(ctl, back ? "/patronus.v1.ModelService/RollbackModel"
                                                              : "/patronus.v1.ModelVersionService/PromoteModelVersion");
    const char *word = ctl->args->words[1], *name = NULL;
    struct pt_error error = {0};
    enum pt_code code =
        back ? pt_cli_name(&ctl->scope, pt_cli_kind(ctl->schema, "model"), word, ctl->arena, &name, NULL, &error)
             : version_name(ctl, word, &name, &error);
    if (code != PT_OK) {
        return ctl_usage(&error);
    }
    if (ctl_connect(ctl, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    char request_id[33];
    ctl_random_id(ctl->client, request_id);
    struct pt_msg *request = pt_msg_new(ctl->arena, method->input);
    struct pt_msg *reply = NULL;
    pt_msg_set_str(request, ctl->arena, "name", name);
    pt_msg_set_str(request, ctl->arena, "request_id", request_id);
    if (ctl_call(ctl->client, method, request, ctl->arena, &reply, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    if (ctl_is_data(ctl)) {
        struct ctl_output *output = ctl_output_new(ctl, true);
        ctl_output_add(output, reply);
        return ctl_output_end(output);
    }
    printf("live %s\n", pt_msg_str(reply, "live_version"));
    return PT_CLI_EXIT_OK;
}

/* ---- signatures ----------------------------------------------------------------------------------------------- */

static void print_hex(const uint8_t *data, size_t size, char *text)
{
    for (size_t i = 0; i < size; i++) {
        (void)sprintf(text + 2 * i, "%02x", data[i]);
    }
}

static int keygen(struct ctl *ctl, const char *path)
{
    struct pt_error error = {0};
    if (ctl_connect(ctl, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    struct pt_sys *sys = ctl_client_sys(ctl->client);
    if (pt_path_exists(sys, path)) {
        (void)pt_fail(&error, PT_ALREADY_EXISTS, PT_REASON_NONE, path, "the file exists; a key is never replaced");
        return ctl_fail(&error);
    }
    uint8_t seed[PT_SIGN_PRIVATE_SIZE], public_key[PT_SIGN_PUBLIC_SIZE];
    char text[SEED_TEXT_SIZE + 2], public_text[2 * PT_SIGN_PUBLIC_SIZE + 1];
    pt_sys_random(sys, seed, sizeof(seed));
    pt_sign_keypair(seed, public_key);
    print_hex(seed, sizeof(seed), text);
    print_hex(public_key, sizeof(public_key), public_text);
    text[SEED_TEXT_SIZE] = '\n';
    enum pt_code code = pt_path_write(sys, path, text, SEED_TEXT_SIZE + 1, &error);
    pt_memory_clear(seed, sizeof(seed));
    pt_memory_clear(text, sizeof(text));
    if (code != PT_OK) {
        return ctl_fail(&error);
    }
    printf("%s\n", public_text);
    return PT_CLI_EXIT_OK;
}

static enum pt_code read_seed(const char *path, uint8_t seed[PT_SIGN_PRIVATE_SIZE], struct pt_error *reterr)
{
    PT_AUTO(secret) struct pt_buf text = {0};
    PT_TRY(ctl_read_file(path, &text, reterr));
    const char *hex = (const char *)text.data;
    if (strspn(hex, "0123456789abcdef") != SEED_TEXT_SIZE) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, path,
                       "this is no signing key: patronusctl models keygen makes one");
    }
    for (size_t i = 0; i < PT_SIGN_PRIVATE_SIZE; i++) {
        unsigned value = 0;
        (void)sscanf(hex + 2 * i, "%2x", &value);
        seed[i] = (uint8_t)value;
    }
    return PT_OK;
}

static int sign(struct ctl *ctl)
{
    const struct pt_message_type *kind = pt_cli_kind(ctl->schema, "modelVersion");
    const struct pt_method_type *method = NULL;
    const char *name = NULL;
    struct pt_msg *version = NULL;
    struct pt_error error = {0};
    uint8_t seed[PT_SIGN_PRIVATE_SIZE], signature[PT_SIGNATURE_SIZE];
    if (version_name(ctl, ctl->args->words[1], &name, &error) != PT_OK ||
        pt_cli_method_find(ctl->schema, kind, PT_VERB_GET, &method, &error) != PT_OK) {
        return ctl_usage(&error);
    }
    if (read_seed(ctl->args->words[2], seed, &error) != PT_OK || ctl_connect(ctl, &error) != PT_OK ||
        ctl_call(ctl->client, method, pt_cli_request_get(method, name, false, ctl->arena), ctl->arena, &version,
                 &error) != PT_OK) {
        return ctl_fail(&error);
    }
    PT_AUTO(buf) struct pt_buf statement = {0};
    pt_artifact_statement(name, pt_msg_str(version, "digest"), &statement);
    pt_sign(seed, statement.data, statement.size, signature);
    pt_memory_clear(seed, sizeof(seed));
    char text[sizeof("signature=") + 2 * PT_SIGNATURE_SIZE] = "signature=";
    print_hex(signature, sizeof(signature), text + strlen(text));
    struct pt_msg *change = pt_msg_new(ctl->arena, kind);
    struct pt_cli_mask mask = {0};
    char request_id[33];
    ctl_random_id(ctl->client, request_id);
    const struct pt_cli_write_options options = {.request_id = request_id, .etag = ""};
    struct pt_msg *reply = NULL;
    if (pt_cli_assign(ctl->schema, text, change, &mask, ctl->arena, &error) != PT_OK ||
        pt_cli_method_find(ctl->schema, kind, PT_VERB_UPDATE, &method, &error) != PT_OK ||
        ctl_call(ctl->client, method, pt_cli_request_update(method, name, change, &mask, &options, ctl->arena),
                 ctl->arena, &reply, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    printf("signed %s\n", name);
    return PT_CLI_EXIT_OK;
}

int ctl_models(struct ctl *ctl)
{
    const struct pt_cli_args *args = ctl->args;
    const char *what = args->words_len > 0 ? args->words[0] : "";
    if (strcmp(what, "upload") == 0 && args->words_len >= 3) {
        return upload(ctl);
    }
    if (strcmp(what, "download") == 0 && args->words_len == 3) {
        return download(ctl);
    }
    if (strcmp(what, "sign") == 0 && args->words_len == 3) {
        return sign(ctl);
    }
    if (args->words_len == 2 && (strcmp(what, "promote") == 0 || strcmp(what, "rollback") == 0)) {
        return change_live(ctl, strcmp(what, "rollback") == 0);
    }
    if (strcmp(what, "keygen") == 0 && args->words_len == 2) {
        return keygen(ctl, args->words[1]);
    }
    return ctl_usage_text(ctl,
                          "write upload FILE VERSION, download VERSION FILE, promote VERSION, rollback MODEL, keygen "
                          "FILE, or sign VERSION FILE");
}
