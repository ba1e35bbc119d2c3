/*
 * tokens create: the secret is drawn here and only its hash goes to the cluster, so that nobody who reads the cluster's
 * state, its log or a backup can join with it.
 */
#include "ctl.h"

#include "base/assert.h"
#include "cli/request.h"
#include "crypto/crypto.h"
#include "node/join_token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPIRES_S_DEFAULT 600
#define EXPIRES_S_MAX 86400

struct making {
    struct ctl *ctl;
    const struct pt_message_type *kind;
    const char *edge; /* full name, or "" */
    struct pt_join_token token;
};

static bool add_address(void *arg, const struct pt_msg *controller)
{
    struct pt_join_token *token = arg;
    const char *address = pt_msg_str(controller, "api_address");
    if (address[0] != '\0') {
        token->addresses[token->addresses_len] = strdup(address);
        pt_assert(token->addresses[token->addresses_len] != NULL);
        token->addresses_len++;
    }
    return token->addresses_len < PT_JOIN_ADDRESSES_MAX;
}

static enum pt_code create(struct making *making, struct pt_error *reterr)
{
    struct ctl *ctl = making->ctl;
    struct pt_sys *sys = ctl_client_sys(ctl->client);
    const struct pt_method_type *method = NULL;
    PT_TRY(pt_cli_method_find(ctl->schema, making->kind, PT_VERB_CREATE, &method, reterr));
    struct pt_msg *resource = pt_msg_new(ctl->arena, making->kind);
    struct pt_digest digest = pt_sha256(making->token.secret, sizeof(making->token.secret));
    char hex[65];
    uint64_t expires_s = ctl->args->expires_s != 0 ? ctl->args->expires_s : EXPIRES_S_DEFAULT;
    pt_msg_set_str(resource, ctl->arena, "role", ctl->args->role);
    pt_msg_set_str(resource, ctl->arena, "edge", making->edge);
    pt_msg_set_str(resource, ctl->arena, "secret_digest", pt_digest_hex(&digest, hex));
    int64_t now_s = pt_sys_wall_ns(sys) / 1000000000; /* whole seconds: people read it */
    pt_msg_set_time(resource, ctl->arena, "expire_time", (now_s + (int64_t)expires_s) * 1000000000);
    char request_id[33];
    ctl_random_id(ctl->client, request_id);
    const struct pt_cli_write_options options = {.request_id = request_id, .etag = ""};
    struct pt_msg *request = pt_cli_request_create(method, making->token.name, resource, &options, ctl->arena);
    struct pt_msg *reply = NULL;
    return ctl_call(ctl->client, method, request, ctl->arena, &reply, reterr);
}

static enum pt_code make(struct making *making, struct pt_error *reterr)
{
    struct ctl *ctl = making->ctl;
    pt_sys_random(ctl_client_sys(ctl->client), making->token.secret, sizeof(making->token.secret));
    PT_TRY(create(making, reterr));
    /* Read behind the create: a controller that just joined is in the token too. */
    const struct pt_message_type *controllers = NULL;
    PT_TRY(pt_cli_kind_find(ctl->schema, "controller", &controllers, reterr));
    const struct pt_cli_list_options all = {.parent = "", .filter = "", .order_by = "", .page_token = ""};
    PT_TRY(ctl_read_all(ctl, controllers, &all, ctl->arena, add_address, &making->token, reterr));
    making->token.ca_pem = strdup((const char *)ctl->credential->ca_pem.data);
    pt_assert(making->token.ca_pem != NULL);
    PT_AUTO(buf) struct pt_buf text = {0};
    pt_join_token_encode(&making->token, &text);
    pt_buf_append_u8(&text, '\n');
    ctl_print(&text);
    pt_memory_clear(text.data, text.size);
    fprintf(stderr, "It is shown once. On the node: patronusd join TOKEN%s\n",
            strcmp(ctl->args->role, "edge") == 0 ? "" : " --id ID --address IP");
    return PT_OK;
}

static int check(struct ctl *ctl, struct making *making)
{
    const struct pt_cli_args *args = ctl->args;
    struct pt_error error = {0};
    bool edge = strcmp(args->role, "edge") == 0;
    if (args->words_len != 1 || strcmp(args->words[0], "create") != 0) {
        return ctl_usage_text(ctl, "write tokens create; tokens are listed with: patronusctl get tokens");
    }
    if (!edge && strcmp(args->role, "voter") != 0 && strcmp(args->role, "standby") != 0) {
        return ctl_usage_text(ctl, "--role is needed: edge, voter or standby");
    }
    if (edge != (args->edge[0] != '\0')) {
        return ctl_usage_text(ctl, edge ? "--edge is needed: the resource that the node becomes"
                                        : "--edge goes with --role edge only");
    }
    if (args->expires_s > EXPIRES_S_MAX) {
        return ctl_usage_text(ctl, "--expires is at most 24h");
    }
    making->edge = "";
    const struct pt_message_type *kind = NULL;
    if (pt_cli_kind_find(ctl->schema, "enrollmentToken", &making->kind, &error) != PT_OK ||
        pt_cli_kind_find(ctl->schema, "edge", &kind, &error) != PT_OK ||
        (edge && pt_cli_name(&ctl->scope, kind, args->edge, ctl->arena, &making->edge, NULL, &error) != PT_OK)) {
        return ctl_usage(&error);
    }
    return PT_CLI_EXIT_OK;
}

int ctl_tokens(struct ctl *ctl)
{
    struct making making = {.ctl = ctl};
    struct pt_error error = {0};
    int status = check(ctl, &making);
    if (status != PT_CLI_EXIT_OK) {
        return status;
    }
    if (ctl->args->id[0] != '\0' && !pt_id_valid(ctl->args->id)) {
        return ctl_usage_text(ctl, "--id '%s' is not an id: 1 to 63 of a-z, 0-9 and '-'", ctl->args->id);
    }
    if (ctl_connect(ctl, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    char random[33];
    char name[128];
    ctl_random_id(ctl->client, random);
    random[16] = '\0';
    (void)snprintf(name, sizeof(name), "%s/%s%s", making.kind->resource->plural, ctl->args->id[0] != '\0' ? "" : "t",
                   ctl->args->id[0] != '\0' ? ctl->args->id : random);
    making.token.name = strdup(name);
    pt_assert(making.token.name != NULL);
    enum pt_code code = make(&making, &error);
    pt_join_token_fini(&making.token);
    return code == PT_OK ? PT_CLI_EXIT_OK : ctl_fail(&error);
}
