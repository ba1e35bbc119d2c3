/*
 * Programs that call with an API key, and the watches that they keep open.
 */
#pragma once

#include "fixture.h"

#define WATCH "/patronus.v1.WatchService/Watch"

struct program { /* with an API key or a token */
    struct pt_rpc_channel *channel;
    char header[1024];
};

/* A key of an account; `more` are fields of the ApiKey in JSON. */
static UNUSED void issue_key(struct cluster *cluster, const char *account, const char *id, const char *more,
                             struct program *program)
{
    OK(cluster, 0, "ApiKeyService/IssueApiKey", "{\"parent\": \"%s\", \"apiKeyId\": \"%s\", \"apiKey\": {%s}}", account,
       id, more);
    const char *key = strstr(cluster->answer.json, "\"key\":\"");
    ck_assert_ptr_nonnull(key);
    key += 7;
    (void)snprintf(program->header, sizeof(program->header), "Bearer %.*s", (int)strcspn(key, "\""), key);
    program->channel = open_channel(cluster, 0, 7400, NULL, NULL);
}

/* An account with a role of its own organization, and a key. */
static UNUSED void account_with(struct cluster *cluster, const char *organization, const char *id, const char *role,
                                struct program *program)
{
    char account[200];
    (void)snprintf(account, sizeof(account), "%s/serviceAccounts/%s", organization, id);
    OK(cluster, 0, "ServiceAccountService/CreateServiceAccount", "{\"parent\": \"%s\", \"serviceAccountId\": \"%s\"}",
       organization, id);
    OK(cluster, 0, "RoleBindingService/CreateRoleBinding",
       "{\"parent\": \"%s\", \"roleBindingId\": \"%s\", \"roleBinding\": {\"role\": \"roles/%s\", \"members\": "
       "[\"%s\"]}}",
       organization, id, role, account);
    issue_key(cluster, account, "k", "", program);
}

/* A call with the key; the answer is in cluster->answer, as text when it is good. */
static UNUSED enum pt_code call_as(struct cluster *cluster, const struct program *program, const char *method,
                                   const char *json)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "/patronus.v1.%s", method);
    const struct pt_method_type *type = pt_schema_method(cluster->schema, path);
    ck_assert_msg(type != NULL, "%s", path);
    const struct pt_rpc_metadata metadata = {.key = "authorization", .value = program->header};
    PT_AUTO(buf) struct pt_buf request = {0};
    encode_json(cluster, type->input, json, &request);
    enum pt_code code = call_raw(cluster, program->channel, path, pt_buf_bytes(&request), &metadata);
    if (code == PT_OK) {
        cluster->answer.json = decode_json(cluster, type->output, pt_buf_bytes(&cluster->answer.message));
    }
    return code;
}

struct stream {
    struct pt_rpc_stream *stream;
    unsigned messages;
    bool ended;
    struct pt_error error;
};

static inline void on_watched(void *arg, struct pt_bytes message)
{
    struct stream *stream = arg;
    (void)message;
    stream->messages++;
}

static inline void on_watch_end(void *arg, const struct pt_error *error)
{
    struct stream *stream = arg;
    stream->ended = true;
    if (error != NULL) {
        stream->error = *error;
    }
}

static UNUSED void open_watch(struct cluster *cluster, const struct program *program, const char *parent,
                              struct stream *stream)
{
    static const struct pt_rpc_stream_ops ops = {.on_message = on_watched, .on_end = on_watch_end};
    const struct pt_rpc_metadata metadata = {.key = "authorization", .value = program->header};
    PT_AUTO(buf) struct pt_buf request = {0};
    char json[200];
    (void)snprintf(json, sizeof(json), "{\"parent\": \"%s\"}", parent);
    encode_json(cluster, pt_schema_method(cluster->schema, WATCH)->input, json, &request);
    *stream = (struct stream){.ended = false};
    stream->stream = pt_rpc_stream_open(program->channel, WATCH, &metadata, 1, &ops, stream);
    (void)pt_rpc_stream_send(stream->stream, pt_buf_bytes(&request));
    pt_rpc_stream_half_close(stream->stream);
    run_for_ms(cluster, 100);
}
