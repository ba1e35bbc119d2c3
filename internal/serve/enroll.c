/*
 * Enrolment: a token and a certificate request become an identity; later the identity renews itself.
 *
 * Enroll. The token's secret is compared by digest here, so that who does not hold one cannot make the log grow, and
 * again inside the state machine, in the same entry that marks the token as used and binds the node's public key, so
 * that two nodes with one token cannot both win. The certificate is signed
 * afterwards: a node whose answer was lost repeats the call with the same key and gets a new certificate.
 *
 * Renew. The request must be signed by the key that the old certificate names (its expiry does not matter), and the
 * resource must still be bound to that key.
 */
#include "serve/controller_priv.h"

#include "patronus/v1/cluster.pb-c.h"
#include "patronus/v1/replication.pb-c.h"
#include "node/join_token.h"
#include "serve/setup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RENEW_AFTER_EXPIRY_MAX_NS (30LL * 24 * 3600 * 1000000000LL)

struct enrolment { /* call->state while the command is under way */
    struct pt_buf csr;
    char role[PT_ROLE_SIZE_MAX];
    char node_id[PT_SPIFFE_SIZE_MAX];
    char addresses[3][80];
};

static void spiffe_of(struct pt_controller *controller, const char *node_id, char id[PT_SPIFFE_SIZE_MAX])
{
    (void)snprintf(id, PT_SPIFFE_SIZE_MAX, "spiffe://%.63s/%.400s", controller->options.identity.cluster_id, node_id);
}

struct controllers {
    struct pt_arena *arena;
    Patronus__V1__ControllerAddress *items[64];
    size_t len;
};

static bool add_controller(void *arg, const char *name, const struct pt_msg *msg)
{
    struct controllers *list = arg;
    Patronus__V1__ControllerAddress *item = pt_arena_alloc(list->arena, sizeof(*item));
    patronus__v1__controller_address__init(item);
    item->name = pt_arena_strdup(list->arena, name);
    item->raft_id = pt_msg_u64(msg, "raft_id");
    item->peer_address = pt_arena_strdup(list->arena, pt_msg_str(msg, "peer_address"));
    item->api_address = pt_arena_strdup(list->arena, pt_msg_str(msg, "api_address"));
    item->agent_address = pt_arena_strdup(list->arena, pt_msg_str(msg, "agent_address"));
    list->items[list->len++] = item;
    return list->len < 64;
}

static enum pt_code enroll_reply(struct pt_serve_call *call, const struct enrolment *state, uint64_t raft_id,
                                 struct pt_buf *reply, struct pt_error *reterr)
{
    struct pt_controller *controller = call->controller;
    char spiffe_id[PT_SPIFFE_SIZE_MAX];
    spiffe_of(controller, state->node_id, spiffe_id);
    const char *const addresses[] = {state->addresses[0], state->addresses[1], state->addresses[2]};
    PT_AUTO(buf) struct pt_buf cert = {0};
    PT_TRY(pt_serve_sign(controller, spiffe_id, pt_buf_bytes(&state->csr), addresses, 3, 0, &cert, reterr));
    PT_AUTO(buf) struct pt_buf bundle_key = {0};
    PT_TRY(pt_store_meta_get(pt_kind_store(controller->machine), PT_META_BUNDLE_PUBLIC, &bundle_key, reterr));

    struct pt_arena arena;
    pt_arena_init(&arena);
    struct controllers list = {.arena = &arena};
    struct pt_view *view = pt_view_new(controller->machine);
    pt_view_scan(view, "controller", "", add_controller, &list);
    pt_view_free(view);
    Patronus__V1__EnrollResponse response = PATRONUS__V1__ENROLL_RESPONSE__INIT;
    response.certificate_pem = (char *)cert.data;
    response.ca_pem = controller->ca_pem;
    response.cluster_id = (char *)(uintptr_t)controller->options.identity.cluster_id;
    response.role = (char *)(uintptr_t)state->role;
    response.spiffe_id = spiffe_id;
    response.raft_id = raft_id;
    response.epoch = controller->options.identity.epoch;
    if (raft_id != 0) {
        response.seal_key.data = (uint8_t *)(uintptr_t)controller->options.identity.seal_key;
        response.seal_key.len = PT_SEAL_KEY_SIZE;
    }
    response.bundle_key.data = bundle_key.data;
    response.bundle_key.len = bundle_key.size;
    response.controllers = list.items;
    response.n_controllers = list.len;
    size_t size = patronus__v1__enroll_response__get_packed_size(&response);
    (void)patronus__v1__enroll_response__pack(&response, pt_buf_reserve(reply, size));
    reply->size += size;
    pt_arena_fini(&arena);
    return PT_OK;
}

static void enroll_done(struct pt_serve_call *call, const struct pt_verdict *verdict)
{
    struct enrolment *state = call->state;
    struct pt_controller *controller = call->controller;
    if (call->rpc == NULL) {
        return; /* the caller went away; it may repeat the call */
    }
    if (verdict->error.code != PT_OK) {
        pt_serve_fail_recorded(call, NULL, &verdict->error);
        return;
    }
    uint64_t raft_id = 0;
    if (strcmp(state->role, "edge") != 0) {
        Patronus__V1__Controller *made =
            patronus__v1__controller__unpack(NULL, verdict->reply.size, verdict->reply.data);
        raft_id = made != NULL ? made->raft_id : 0;
        if (made != NULL) {
            patronus__v1__controller__free_unpacked(made, NULL);
        }
    }
    PT_AUTO(secret) struct pt_buf reply = {0};
    struct pt_error error = {0};
    if (enroll_reply(call, state, raft_id, &reply, &error) != PT_OK) {
        pt_log_error(controller->log, "enrolment failed", "node=%s reason=\"%s\"", state->node_id, error.text);
        pt_serve_fail_recorded(call, NULL, &error);
        return;
    }
    pt_log_info(controller->log, "enrolled", "node=%s role=%s", state->node_id, state->role);
    pt_serve_reply(call, pt_buf_bytes(&reply));
}

/* The Controller resource that a joining controller becomes, canonical. */
static void controller_resource(const Patronus__V1__EnrollRequest *request, bool voter, struct pt_buf *out)
{
    Patronus__V1__Controller resource = PATRONUS__V1__CONTROLLER__INIT;
    resource.peer_address = request->peer_address;
    resource.api_address = request->api_address;
    resource.agent_address = request->agent_address;
    resource.region = request->region;
    resource.role = voter ? PATRONUS__V1__CONTROLLER_ROLE__VOTER : PATRONUS__V1__CONTROLLER_ROLE__STANDBY;
    size_t size = patronus__v1__controller__get_packed_size(&resource);
    (void)patronus__v1__controller__pack(&resource, pt_buf_reserve(out, size));
    out->size += size;
}

/* What the token is for: role and, for an edge, its resource. From the state, before the command decides. */
static enum pt_code token_purpose(struct pt_controller *controller, const struct pt_join_token *token,
                                  const Patronus__V1__EnrollRequest *request, struct enrolment *state,
                                  struct pt_error *reterr)
{
    struct pt_view *view = pt_view_new(controller->machine);
    /* The name comes from anybody: nothing but a token is looked at. */
    bool named = strncmp(token->name, "enrollmentTokens/", 17) == 0 && strlen(token->name) <= PT_NAME_SIZE_MAX;
    const struct pt_msg *msg = named ? pt_view_get(view, token->name) : NULL;
    struct pt_digest secret = pt_sha256(token->secret, sizeof(token->secret));
    char hex[65];
    enum pt_code code = PT_OK;
    if (msg == NULL || strcmp(pt_msg_str(msg, "secret_digest"), pt_digest_hex(&secret, hex)) != 0) {
        code = pt_fail(reterr, PT_PERMISSION_DENIED, PT_REASON_TOKEN_INVALID, "token",
                       "the cluster does not know this token; make a new one with: patronusctl tokens create");
    } else {
        (void)snprintf(state->role, sizeof(state->role), "%s", pt_msg_str(msg, "role"));
        if (strcmp(state->role, "edge") == 0) {
            (void)snprintf(state->node_id, sizeof(state->node_id), "edge/%s", pt_msg_str(msg, "edge"));
        } else if (!pt_id_valid(request->controller_id)) {
            code = pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "controller_id",
                           "a controller needs an id of lower-case letters, digits and '-', for example c2");
        } else {
            (void)snprintf(state->node_id, sizeof(state->node_id), "controller/%s", request->controller_id);
        }
    }
    pt_view_free(view);
    return code;
}

static enum pt_code enroll_start(struct pt_serve_call *call, const Patronus__V1__EnrollRequest *request,
                                 struct pt_error *reterr)
{
    struct pt_controller *controller = call->controller;
    struct pt_join_token token;
    PT_TRY(pt_join_token_decode(request->token, &token, reterr));
    struct pt_bytes csr = {.data = request->csr.data, .size = request->csr.len};
    struct pt_digest key_digest;
    enum pt_code code = pt_csr_verify(csr, &key_digest, reterr);
    if (code != PT_OK) {
        pt_join_token_fini(&token);
        return code;
    }
    struct enrolment *state = call->state;
    code = token_purpose(controller, &token, request, state, reterr);
    struct pt_digest secret = pt_sha256(token.secret, sizeof(token.secret));
    char token_name[PT_NAME_SIZE_MAX + 1];
    (void)snprintf(token_name, sizeof(token_name), "%s", token.name);
    pt_join_token_fini(&token);
    if (code != PT_OK) {
        return code;
    }
    pt_buf_append(&state->csr, csr.data, csr.size);
    const char *const addresses[] = {request->peer_address, request->api_address, request->agent_address};
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(state->addresses[i], sizeof(state->addresses[i]), "%.79s", addresses[i]);
    }

    char secret_hex[65];
    char key_hex[65];
    char uid[33];
    char name[PT_NAME_SIZE_MAX + 1] = "";
    (void)snprintf(uid, sizeof(uid), "%016llx%016llx", (unsigned long long)pt_sys_random_u64(controller->sys),
                   (unsigned long long)pt_sys_random_u64(controller->sys));
    PT_AUTO(buf) struct pt_buf resource = {0};
    Patronus__V1__EnrollCommand enroll = PATRONUS__V1__ENROLL_COMMAND__INIT;
    enroll.token_name = token_name;
    enroll.secret_digest = pt_digest_hex(&secret, secret_hex);
    enroll.key_digest = pt_digest_hex(&key_digest, key_hex);
    enroll.node_id = state->node_id;
    if (strcmp(state->role, "edge") != 0) {
        controller_resource(request, strcmp(state->role, "voter") == 0, &resource);
        (void)snprintf(name, sizeof(name), "controllers/%.63s", request->controller_id);
        enroll.controller = (ProtobufCBinaryData){.len = resource.size, .data = resource.data};
        enroll.controller_name = name;
        enroll.uid = uid;
    }
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    command.format = 1;
    command.time_ns = pt_sys_wall_ns(controller->sys);
    command.principal = state->node_id;
    command.op_case = PATRONUS__V1__COMMAND__OP_ENROLL;
    command.enroll = &enroll;
    PT_AUTO(buf) struct pt_buf data = {0};
    pt_kind_command(&command, &data);
    pt_serve_propose(call, pt_buf_bytes(&data), enroll_done);
    return PT_OK;
}

/* Walk the bytes with the schema first, then let protobuf-c unpack what is known to be sound. */
static bool sound(struct pt_serve_call *call, struct pt_bytes message)
{
    struct pt_arena arena;
    pt_arena_init(&arena);
    const struct pt_parse_options options = {.unknown = PT_UNKNOWN_REFUSE, .size_max = PT_SERVE_ENROLL_SIZE_MAX};
    struct pt_msg *msg = NULL;
    struct pt_error error = {0};
    enum pt_code code = pt_msg_parse(call->method->input, message, &options, &arena, &msg, &error);
    pt_arena_fini(&arena);
    if (code != PT_OK) {
        pt_serve_fail_recorded(call, NULL, &error);
    }
    return code == PT_OK;
}

static void enroll_message(struct pt_serve_call *call, struct pt_bytes message)
{
    if (!sound(call, message)) {
        return;
    }
    Patronus__V1__EnrollRequest *request = patronus__v1__enroll_request__unpack(NULL, message.size, message.data);
    if (request == NULL) {
        pt_serve_refuse(call, PT_INVALID_ARGUMENT, PT_REASON_MESSAGE_MALFORMED, "the request cannot be read");
        return;
    }
    call->state = calloc(1, sizeof(struct enrolment));
    struct pt_error error = {0};
    if (enroll_start(call, request, &error) != PT_OK) {
        pt_serve_fail_recorded(call, NULL, &error);
    }
    patronus__v1__enroll_request__free_unpacked(request, NULL);
}

static void enroll_end(struct pt_serve_call *call)
{
    struct enrolment *state = call->state;
    if (state != NULL) {
        pt_buf_fini(&state->csr);
        free(state);
        call->state = NULL;
    }
}

const struct pt_serve_method pt_serve_enroll = {
    .path = "/patronus.v1.EnrollmentService/Enroll", .on_message = enroll_message, .on_end = enroll_end};

/* ---- renew ----------------------------------------------------------------------------------------------------------
 */

/* The resource behind an identity must exist and be bound to the key. The first controller's key was made with the
 * cluster, before there was a state to bind it in: it is known by its Raft id, which is never given again. */
static enum pt_code still_bound(struct pt_controller *controller, const struct pt_leaf_info *info,
                                struct pt_error *reterr)
{
    const struct pt_caller caller = {.principal = info->identity.spiffe_id, .api_key = "", .source = ""};
    PT_TRY(pt_kind_authenticate(controller->machine, &caller, pt_sys_wall_ns(controller->sys), reterr));
    struct pt_view *view = pt_view_new(controller->machine);
    char name[PT_NAME_SIZE_MAX + 1];
    bool edge = strcmp(info->identity.role, "edge") == 0;
    (void)snprintf(name, sizeof(name), "%s%.300s", edge ? "" : "controllers/", info->identity.path);
    const struct pt_msg *msg = pt_view_get(view, name);
    char hex[65];
    const char *digest = msg != NULL ? pt_msg_str(msg, "public_key_digest") : "";
    bool founder = msg != NULL && !edge && digest[0] == '\0' && pt_msg_u64(msg, "raft_id") == FIRST_RAFT_ID;
    bool bound = founder || (msg != NULL && strcmp(digest, pt_digest_hex(&info->key_digest, hex)) == 0);
    pt_view_free(view);
    return bound ? PT_OK
                 : pt_fail(reterr, PT_PERMISSION_DENIED, PT_REASON_PERMISSION_MISSING, "certificate_pem",
                           "the cluster does not know this node any more: join it again with a new token");
}

/* A person's credential, under the authority that issues now. It ends when the old one would have ended: who found it
 * gains no time. */
static enum pt_code reissue(struct pt_controller *controller, const struct pt_leaf_info *info, struct pt_bytes csr,
                            struct pt_buf *ret_cert, struct pt_error *reterr)
{
    const struct pt_caller caller = {.principal = info->identity.spiffe_id, .api_key = "", .source = ""};
    int64_t now = pt_sys_wall_ns(controller->sys);
    PT_TRY(pt_kind_authenticate(controller->machine, &caller, now, reterr));
    if (info->not_after_ns - now < 1000000000) {
        return pt_fail(reterr, PT_PERMISSION_DENIED, PT_REASON_TOKEN_EXPIRED, "certificate_pem",
                       "the credential has expired: ask an administrator for a new one");
    }
    return pt_serve_sign(controller, info->identity.spiffe_id, csr, NULL, 0, info->not_after_ns, ret_cert, reterr);
}

static enum pt_code renew(struct pt_controller *controller, const Patronus__V1__RenewRequest *request,
                          struct pt_buf *ret_cert, struct pt_error *reterr)
{
    int64_t now = pt_sys_wall_ns(controller->sys);
    struct pt_leaf_info info;
    PT_TRY(pt_leaf_read(request->certificate_pem, controller->ca_pem, now, true, &info, reterr));
    struct pt_bytes csr = {.data = request->csr.data, .size = request->csr.len};
    struct pt_digest key_digest;
    PT_TRY(pt_csr_verify(csr, &key_digest, reterr));
    if (!pt_digest_equal(&key_digest, &info.key_digest) ||
        strcmp(info.identity.cluster_id, controller->options.identity.cluster_id) != 0) {
        return pt_fail(reterr, PT_PERMISSION_DENIED, PT_REASON_PERMISSION_MISSING, "csr",
                       "the request is not signed by the key that enrolled");
    }
    if (strcmp(info.identity.role, "edge") != 0 && strcmp(info.identity.role, "controller") != 0) {
        return reissue(controller, &info, csr, ret_cert, reterr);
    }
    if (now - info.not_after_ns > RENEW_AFTER_EXPIRY_MAX_NS) {
        return pt_fail(reterr, PT_PERMISSION_DENIED, PT_REASON_TOKEN_EXPIRED, "certificate_pem",
                       "the certificate expired more than 30 days ago: join the node again with a new token");
    }
    PT_TRY(still_bound(controller, &info, reterr));
    struct pt_arena arena;
    pt_arena_init(&arena);
    char name[PT_NAME_SIZE_MAX + 1];
    (void)snprintf(name, sizeof(name), "controllers/%.300s", info.identity.path);
    struct pt_view *view = pt_view_new(controller->machine);
    const struct pt_msg *msg = strcmp(info.identity.role, "controller") == 0 ? pt_view_get(view, name) : NULL;
    const char *addresses[3] = {"", "", ""};
    if (msg != NULL) {
        addresses[0] = pt_arena_strdup(&arena, pt_msg_str(msg, "peer_address"));
        addresses[1] = pt_arena_strdup(&arena, pt_msg_str(msg, "api_address"));
        addresses[2] = pt_arena_strdup(&arena, pt_msg_str(msg, "agent_address"));
    }
    pt_view_free(view);
    enum pt_code code =
        pt_serve_sign(controller, info.identity.spiffe_id, csr, addresses, msg != NULL ? 3 : 0, 0, ret_cert, reterr);
    pt_arena_fini(&arena);
    return code;
}

static void renew_message(struct pt_serve_call *call, struct pt_bytes message)
{
    if (!sound(call, message)) {
        return;
    }
    Patronus__V1__RenewRequest *request = patronus__v1__renew_request__unpack(NULL, message.size, message.data);
    if (request == NULL) {
        pt_serve_refuse(call, PT_INVALID_ARGUMENT, PT_REASON_MESSAGE_MALFORMED, "the request cannot be read");
        return;
    }
    PT_AUTO(buf) struct pt_buf cert = {0};
    struct pt_error error = {0};
    if (renew(call->controller, request, &cert, &error) != PT_OK) {
        pt_serve_fail_recorded(call, NULL, &error);
    } else {
        Patronus__V1__RenewResponse response = PATRONUS__V1__RENEW_RESPONSE__INIT;
        response.certificate_pem = (char *)cert.data;
        response.ca_pem = call->controller->ca_pem;
        PT_AUTO(buf) struct pt_buf reply = {0};
        size_t size = patronus__v1__renew_response__get_packed_size(&response);
        (void)patronus__v1__renew_response__pack(&response, pt_buf_reserve(&reply, size));
        reply.size = size;
        pt_serve_reply(call, pt_buf_bytes(&reply));
    }
    patronus__v1__renew_request__free_unpacked(request, NULL);
}

const struct pt_serve_method pt_serve_renew = {.path = "/patronus.v1.EnrollmentService/Renew",
                                               .on_message = renew_message};
