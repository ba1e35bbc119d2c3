/*
 * API keys are made here, on the leader: the key is drawn, its HMAC proposed, and its text answered once.
 *
 * There is no request id: a repetition would have to show the key again, which nobody can. A client that lost the
 * answer deletes the key and makes another.
 */
#include "serve/controller_priv.h"

#include "base/assert.h"
#include "crypto/crypto.h"
#include "patronus/v1/account.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECRET_SIZE 32
#define HINT_SIZE 10

static void issued(struct pt_serve_call *call, const struct pt_verdict *verdict)
{
    if (verdict->error.code != PT_OK) {
        pt_serve_fail(call, &verdict->error);
        return;
    }
    struct pt_arena arena;
    pt_arena_init(&arena);
    struct pt_msg *response = pt_msg_new(&arena, call->method->output);
    struct pt_msg *key = NULL;
    const struct pt_parse_options options = {.size_max = UINT32_MAX};
    const struct pt_message_type *type = pt_schema_message(call->controller->schema, "patronus.v1.ApiKey");
    if (pt_msg_parse(type, verdict->reply, &options, &arena, &key, NULL) == PT_OK) {
        pt_msg_set_child(response, &arena, "api_key", key);
    }
    pt_msg_set_str(response, &arena, "key", call->state);
    PT_AUTO(secret) struct pt_buf reply = {0};
    pt_msg_encode(response, &reply);
    pt_serve_reply(call, pt_buf_bytes(&reply));
    pt_arena_fini(&arena);
}

/* prefix, base64url of the secret, and eight digits that catch a slip when it is copied */
static char *draw(struct pt_controller *controller)
{
    uint8_t secret[SECRET_SIZE];
    pt_sys_random(controller->sys, secret, sizeof(secret));
    PT_AUTO(secret) struct pt_buf text = {0};
    pt_buf_append_str(&text, PT_SERVE_KEY_PREFIX);
    pt_base64url_encode((struct pt_bytes){secret, sizeof(secret)}, &text);
    pt_buf_printf(&text, "%08x", pt_crc32c(0, text.data, text.size));
    pt_memory_clear(secret, sizeof(secret));
    char *key = strndup((const char *)text.data, text.size);
    pt_assert(key != NULL);
    return key;
}

static void propose(struct pt_serve_call *call, const struct pt_msg *request, struct pt_arena *arena)
{
    struct pt_controller *controller = call->controller;
    const struct pt_message_type *kind = pt_schema_kind(controller->schema, "apiKey");
    struct pt_msg *body = pt_msg_child(request, "api_key");
    body = body != NULL ? body : pt_msg_new(arena, kind);
    pt_msg_strip(body, PT_OUTPUT_DERIVED, false);
    pt_msg_strip(body, PT_OUTPUT_SOFT, false);
    char *key = draw(controller);
    call->state = key;
    char hex[65];
    char hint[HINT_SIZE + 1];
    (void)snprintf(hint, sizeof(hint), "%.*s", HINT_SIZE, key);
    struct pt_digest digest;
    struct pt_error error = {0};
    if (pt_serve_key_digest(controller, key, &digest, &error) != PT_OK) {
        pt_serve_fail(call, &error);
        return;
    }
    pt_msg_set_str(body, arena, "secret_hmac", pt_digest_hex(&digest, hex));
    pt_msg_set_str(body, arena, "hint", hint);
    const struct pt_request_context context = {
        .caller = call->caller,
        .time_ns = pt_sys_wall_ns(controller->sys),
        .uid_hi = pt_sys_random_u64(controller->sys),
        .uid_lo = pt_sys_random_u64(controller->sys),
    };
    PT_AUTO(buf) struct pt_buf command = {0};
    if (pt_kind_prepare_create(controller->machine, kind, pt_msg_str(request, "parent"),
                               pt_msg_str(request, "api_key_id"), body, &context, &command, &error) != PT_OK) {
        pt_serve_fail_recorded(call, request, &error);
    } else {
        pt_serve_propose(call, pt_buf_bytes(&command), issued);
    }
}

static void issue_message(struct pt_serve_call *call, struct pt_bytes message)
{
    struct pt_arena arena;
    pt_arena_init(&arena);
    struct pt_msg *request = NULL;
    struct pt_error error = {0};
    if (pt_msg_parse(call->method->input, message, NULL, &arena, &request, &error) != PT_OK) {
        pt_serve_fail(call, &error);
    } else {
        propose(call, request, &arena);
    }
    pt_arena_fini(&arena);
}

static void issue_end(struct pt_serve_call *call)
{
    if (call->state != NULL) {
        pt_memory_clear(call->state, strlen(call->state));
        free(call->state);
        call->state = NULL;
    }
}

const struct pt_serve_method pt_serve_issue_key = {
    .path = "/patronus.v1.ApiKeyService/IssueApiKey", .on_message = issue_message, .on_end = issue_end};

/* ---- TestIamPermissions --------------------------------------------------------------------------------------- */

static void test_message(struct pt_serve_call *call, struct pt_bytes message)
{
    struct pt_arena arena;
    pt_arena_init(&arena);
    struct pt_msg *request = NULL;
    struct pt_error error = {0};
    if (pt_msg_parse(call->method->input, message, NULL, &arena, &request, &error) != PT_OK) {
        pt_serve_fail(call, &error);
        pt_arena_fini(&arena);
        return;
    }
    struct pt_machine_kind *machine = call->controller->machine;
    struct pt_msg *response = pt_msg_new(&arena, call->method->output);
    const struct pt_msg_field *asked = pt_msg_field(request, "permissions");
    const char *name = pt_msg_str(request, "resource");
    const struct pt_message_type *kind = NULL;
    struct pt_view *view = pt_view_new(machine);
    bool named = pt_name_parse(call->controller->schema, name, &kind, NULL) == PT_OK;
    const struct pt_msg *resource = named ? pt_view_get(view, name) : NULL; /* its labels count */
    for (size_t i = 0; asked != NULL && i < asked->len; i++) {
        if (pt_kind_test_permission(machine, &call->caller, (const char *)asked->values[i].bytes.data, name, resource,
                                    pt_sys_wall_ns(call->controller->sys))) {
            pt_msg_append(response, &arena, "permissions", asked->values[i]);
        }
    }
    pt_view_free(view);
    pt_msg_set_str(response, &arena, "principal", call->caller.principal);
    PT_AUTO(buf) struct pt_buf reply = {0};
    pt_msg_encode(response, &reply);
    pt_serve_reply(call, pt_buf_bytes(&reply));
    pt_arena_fini(&arena);
}

const struct pt_serve_method pt_serve_test_permissions = {.path = "/patronus.v1.AccessService/TestIamPermissions",
                                                          .on_message = test_message};
