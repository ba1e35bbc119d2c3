/*
 * api-keys create: the cluster draws the key and answers it once; it is printed alone on standard output.
 */
#include "ctl.h"

#include "base/assert.h"
#include "cli/request.h"

#include <stdio.h>
#include <string.h>

static struct pt_msg *request_of(struct ctl *ctl, const struct pt_method_type *method, const char *account)
{
    const struct pt_cli_args *args = ctl->args;
    struct pt_msg *request = pt_msg_new(ctl->arena, method->input);
    struct pt_msg *key = pt_msg_new(ctl->arena, pt_schema_message(ctl->schema, "patronus.v1.ApiKey"));
    char random[33];
    ctl_random_id(ctl->client, random);
    random[16] = '\0';
    for (size_t i = 2; i < args->words_len; i++) {
        const struct pt_bytes scope = {(const uint8_t *)args->words[i], strlen(args->words[i])};
        pt_msg_append(key, ctl->arena, "scopes", (union pt_value){.bytes = scope});
    }
    if (args->expires_s != 0) {
        int64_t now_s = pt_sys_wall_ns(ctl_client_sys(ctl->client)) / 1000000000;
        pt_msg_set_time(key, ctl->arena, "expire_time", (now_s + (int64_t)args->expires_s) * 1000000000);
    }
    pt_msg_set_str(request, ctl->arena, "parent", account);
    pt_msg_set_str(request, ctl->arena, "api_key_id",
                   args->id[0] != '\0' ? args->id : pt_arena_printf(ctl->arena, "k%s", random));
    pt_msg_set_child(request, ctl->arena, "api_key", key);
    return request;
}

int ctl_api_keys(struct ctl *ctl)
{
    const struct pt_cli_args *args = ctl->args;
    struct pt_error error = {0};
    if (args->words_len < 2 || strcmp(args->words[0], "create") != 0) {
        return ctl_usage_text(ctl, "write api-keys create ACCOUNT; keys are listed with: patronusctl get apiKeys");
    }
    const struct pt_message_type *kind = NULL;
    const char *account = NULL;
    if (pt_cli_kind_find(ctl->schema, "serviceAccount", &kind, &error) != PT_OK ||
        pt_cli_name(&ctl->scope, kind, args->words[1], ctl->arena, &account, NULL, &error) != PT_OK) {
        return ctl_usage(&error);
    }
    const struct pt_method_type *method = pt_schema_method(ctl->schema, "/patronus.v1.ApiKeyService/IssueApiKey");
    pt_assert(method != NULL);
    if (ctl_connect(ctl, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    struct pt_msg *reply = NULL;
    if (ctl_call(ctl->client, method, request_of(ctl, method, account), ctl->arena, &reply, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    printf("%s\n", pt_msg_str(reply, "key"));
    const struct pt_msg *key = pt_msg_child(reply, "api_key");
    fprintf(stderr, "%s: the key is shown once\n", key != NULL ? pt_msg_str(key, "name") : account);
    return PT_CLI_EXIT_OK;
}
