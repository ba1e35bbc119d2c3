/*
 * Who calls. One credential a call, in this order:
 *
 *   a certificate          its SPIFFE id; of a controller with metadata: whoever the controller says, of this cluster
 *   authorization: Bearer  ptk1_...: an API key, found by its HMAC       a JWT: its identity provider's user
 *   nothing                "anonymous": Enroll and Renew, which prove themselves
 *
 * A key is 256 random bits behind a prefix and a checksum. The state holds its HMAC under a key that is derived from
 * the seal key, so that neither a backup nor the log lets anyone test a guess. The look-up by HMAC needs no comparison
 * in constant time: who does not have the key cannot choose what is looked up.
 */
#include "serve/controller_priv.h"

#include "base/assert.h"
#include "crypto/crypto.h"
#include "patronus/v1/replication.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEARER "Bearer "
#define TOKEN_SIZE_MAX 16384
#define GROUPS_MAX 64

static enum pt_code no_good(struct pt_error *reterr, const char *text)
{
    return pt_fail(reterr, PT_UNAUTHENTICATED, PT_REASON_TOKEN_INVALID, NULL, "%s", text);
}

/* ---- keys ----------------------------------------------------------------------------------------------------- */

static enum pt_code by_key(struct pt_serve_call *call, const char *key, struct pt_error *reterr)
{
    struct pt_digest digest;
    PT_TRY(pt_serve_key_digest(call->controller, key, &digest, reterr));
    char hex[65];
    const char *name = NULL;
    const char *account = NULL;
    if (!pt_kind_key_find(call->controller->machine, pt_digest_hex(&digest, hex), &name, &account, &call->arena)) {
        return no_good(reterr, "the cluster does not know this API key");
    }
    call->caller.principal = account;
    call->caller.api_key = name;
    return PT_OK;
}

/* ---- what a controller says ----------------------------------------------------------------------------------- */

static enum pt_code read_caller(struct pt_serve_call *call, struct pt_bytes bytes, struct pt_error *reterr)
{
    const struct pt_message_type *type = pt_schema_message(call->controller->schema, "patronus.v1.Caller");
    struct pt_msg *msg = NULL;
    /* What was parsed refers to the bytes. */
    bytes.data = pt_arena_memdup(&call->arena, bytes.data, bytes.size);
    PT_TRY(pt_msg_parse(type, bytes, NULL, &call->arena, &msg, reterr));
    const struct pt_msg_field *groups = pt_msg_field(msg, "groups");
    if (groups != NULL && groups->len <= GROUPS_MAX) {
        const char **list = pt_arena_array(&call->arena, groups->len, sizeof(*list));
        for (size_t i = 0; i < groups->len; i++) {
            list[i] = (const char *)groups->values[i].bytes.data;
        }
        call->caller.groups = list;
        call->caller.groups_len = groups->len;
    }
    call->caller.api_key = pt_msg_str(msg, "api_key");
    call->caller.source = pt_msg_str(msg, "source");
    return PT_OK;
}

static enum pt_code believe(struct pt_serve_call *call, const char *principal, struct pt_bytes more,
                            struct pt_error *reterr)
{
    struct pt_identity other;
    if (pt_identity_parse(principal, &other, NULL) == PT_OK &&
        strcmp(other.cluster_id, call->controller->options.identity.cluster_id) != 0) {
        return pt_fail(reterr, PT_PERMISSION_DENIED, PT_REASON_PERMISSION_MISSING, NULL,
                       "the caller is of another cluster");
    }
    call->caller.principal = pt_arena_strdup(&call->arena, principal);
    call->forwarded = true;
    return more.size > 0 ? read_caller(call, more, reterr) : PT_OK;
}

static enum pt_code known(struct pt_serve_call *call, struct pt_error *reterr)
{
    if (strcmp(call->caller.principal, "anonymous") == 0) {
        return PT_OK; /* the method says whether that is enough */
    }
    struct pt_controller *controller = call->controller;
    return pt_kind_authenticate(controller->machine, &call->caller, pt_sys_wall_ns(controller->sys), reterr);
}

enum pt_code pt_serve_believe(struct pt_serve_call *call, const char *principal, struct pt_bytes more,
                              struct pt_error *reterr)
{
    PT_TRY(believe(call, principal, more, reterr));
    return known(call, reterr);
}

/* The certificate of a node must be of the key that enrolled last: who joined again, with a new key, has made the leaf
 * of before worthless, though it may live for most of an hour. A controller that left is none. After a restore the key
 * of the controller that begins anew is another than the state says, so that keys of controllers are not compared then.
 */
enum pt_code pt_serve_key_current(struct pt_controller *controller, const struct pt_identity *peer,
                                  struct pt_error *reterr)
{
    bool edge = strcmp(peer->role, "edge") == 0;
    if (controller->options.keys_unbound) {
        return PT_OK;
    }
    char name[PT_SPIFFE_SIZE_MAX + 16];
    char hex[65];
    (void)snprintf(name, sizeof(name), "%s%s", edge ? "" : "controllers/", peer->path);
    struct pt_view *view = pt_view_new(controller->machine);
    const struct pt_msg *msg = strlen(name) <= PT_NAME_SIZE_MAX ? pt_view_get(view, name) : NULL;
    const char *enrolled = msg != NULL ? pt_msg_str(msg, "public_key_digest") : "";
    bool gone = msg == NULL && controller->ready && !edge; /* an edge is told so by its session */
    bool other = enrolled[0] != '\0' && (edge || controller->options.identity.epoch == 0) &&
                 strcmp(enrolled, pt_digest_hex(&peer->key_digest, hex)) != 0;
    pt_view_free(view);
    return gone || other ? pt_fail(reterr, PT_UNAUTHENTICATED, PT_REASON_IDENTITY_REVOKED, NULL,
                                   "the certificate is of a node that has joined again since, or has left: its key is "
                                   "worth nothing any more")
                         : PT_OK;
}

static enum pt_code by_certificate(struct pt_serve_call *call, const struct pt_identity *peer, struct pt_error *reterr)
{
    const char *cluster_id = call->controller->options.identity.cluster_id;
    if (strcmp(peer->cluster_id, cluster_id) != 0) {
        return pt_fail(reterr, PT_UNAUTHENTICATED, PT_REASON_CREDENTIALS_MISSING, NULL,
                       "the certificate is of another cluster");
    }
    call->caller.principal = pt_arena_strdup(&call->arena, peer->spiffe_id);
    if (strcmp(peer->role, "edge") != 0 && strcmp(peer->role, "controller") != 0) {
        pt_trust_seen(call->controller, peer);
        call->credential_end_ns = peer->not_after_ns; /* a node's is renewed under its open stream */
        return PT_OK;
    }
    PT_TRY(pt_serve_key_current(call->controller, peer, reterr));
    if (strcmp(peer->role, "controller") != 0) {
        return PT_OK;
    }
    if (call->rpc == NULL) {
        return PT_OK; /* the HTTP listener: controllers forward by gRPC only */
    }
    const char *on_behalf_of = pt_rpc_call_metadata(call->rpc, PT_SERVE_PRINCIPAL_METADATA);
    if (on_behalf_of[0] == '\0') {
        return PT_OK;
    }
    /* The controller itself must be good too. */
    PT_TRY(
        pt_kind_authenticate(call->controller->machine, &call->caller, pt_sys_wall_ns(call->controller->sys), reterr));
    PT_AUTO(buf) struct pt_buf more = {0};
    const char *text = pt_rpc_call_metadata(call->rpc, PT_SERVE_CALLER_METADATA);
    PT_TRY(pt_base64url_decode(text, strlen(text), &more, reterr));
    return believe(call, on_behalf_of, pt_buf_bytes(&more), reterr);
}

/* ---- any ------------------------------------------------------------------------------------------------------ */

/* "ipv4:10.0.0.9:4711", "10.0.0.9:4711" or "ipv6:[2001:db8::9]:4711" -> the address alone */
static const char *source_of(const char *peer, struct pt_arena *arena)
{
    peer += strncmp(peer, "ipv4:", 5) == 0 || strncmp(peer, "ipv6:", 5) == 0 ? 5 : 0;
    if (strncmp(peer, "%5B", 3) == 0) { /* gRPC writes brackets so */
        const char *end = strstr(peer + 3, "%5D");
        return pt_arena_strndup(arena, peer + 3, end != NULL ? (size_t)(end - peer - 3) : strlen(peer + 3));
    }
    if (peer[0] == '[') {
        return pt_arena_strndup(arena, peer + 1, strcspn(peer + 1, "]"));
    }
    const char *colon = strrchr(peer, ':');
    return pt_arena_strndup(arena, peer, colon != NULL ? (size_t)(colon - peer) : strlen(peer));
}

static enum pt_code by_bearer(struct pt_serve_call *call, const char *authorization, struct pt_error *reterr)
{
    if (strlen(authorization) > TOKEN_SIZE_MAX || strncmp(authorization, BEARER, strlen(BEARER)) != 0) {
        return no_good(reterr, "send the key or token as authorization: Bearer TOKEN");
    }
    const char *token = authorization + strlen(BEARER);
    if (strncmp(token, PT_SERVE_KEY_PREFIX, strlen(PT_SERVE_KEY_PREFIX)) == 0) {
        return by_key(call, token, reterr);
    }
    return pt_oidc_authenticate(
        call, token, call->rpc != NULL ? pt_rpc_call_metadata(call->rpc, "patronus-identity-provider") : "", reterr);
}

enum pt_code pt_serve_identify(struct pt_serve_call *call, const struct pt_identity *peer, const char *authorization,
                               struct pt_error *reterr)
{
    if (peer != NULL && authorization[0] != '\0') {
        return no_good(reterr, "present a certificate or a token, not both");
    }
    if (peer != NULL) {
        PT_TRY(by_certificate(call, peer, reterr));
    } else if (authorization[0] != '\0') {
        PT_TRY(by_bearer(call, authorization, reterr));
    }
    return known(call, reterr);
}

enum pt_code pt_serve_authenticate(struct pt_serve_call *call, struct pt_error *reterr)
{
    const struct pt_rpc_call_info *info = pt_rpc_call_info(call->rpc);
    call->caller.source = source_of(info->peer_address, &call->arena);
    return pt_serve_identify(call, info->peer, pt_rpc_call_metadata(call->rpc, "authorization"), reterr);
}

/* ---- streams -------------------------------------------------------------------------------------------------- */

void pt_serve_judge_streams(struct pt_controller *controller)
{
    int64_t now = pt_sys_wall_ns(controller->sys);
    pt_kind_now(controller->machine, now);
    PT_LIST_FOREACH_SAFE (node, &controller->calls) {
        struct pt_serve_call *call = PT_CONTAINER(node, struct pt_serve_call, node);
        bool stream = call->method->server_streaming || call->method->client_streaming;
        struct pt_error error = {0};
        if (!stream || call->rpc == NULL || strcmp(call->caller.principal, "anonymous") == 0) {
            continue;
        }
        if (call->credential_end_ns <= now) {
            pt_serve_refuse(call, PT_UNAUTHENTICATED, PT_REASON_TOKEN_EXPIRED,
                            "the credential has expired: begin again with a new one");
        } else if (pt_kind_authenticate(controller->machine, &call->caller, now, &error) != PT_OK) {
            pt_serve_fail(call, &error);
        }
    }
}
