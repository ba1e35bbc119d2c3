/*
 * patronusd join TOKEN: make the key here, have it certified, keep the result as this node's files.
 *
 * The controllers in the token are asked one after the other. The key is kept in the data folder from the first try, so
 * that a join whose answer was lost can be repeated with the same token.
 */
#include "node.h"

#include "base/assert.h"
#include "crypto/identity.h"
#include "node/files.h"
#include "node/join_token.h"
#include "patronus/v1/cluster.pb-c.h"
#include "rpc/rpc.h"
#include "sys/sys_uv.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CALL_MS 5000
#define ROUNDS 12

struct join {
    const struct process *process;
    struct pt_join_token token;
    struct pt_buf key, csr;
    Patronus__V1__EnrollResponse *response;
    struct pt_error error;
    bool answered;
};

static void on_reply(void *arg, const struct pt_error *error, struct pt_bytes message)
{
    struct join *join = arg;
    join->answered = true;
    if (error != NULL) {
        join->error = *error;
        return;
    }
    join->response = patronus__v1__enroll_response__unpack(NULL, message.size, message.data);
    if (join->response == NULL) {
        (void)pt_fail(&join->error, PT_INTERNAL, PT_REASON_MESSAGE_MALFORMED, NULL, "the answer cannot be read");
    }
    if (message.data != NULL) {
        pt_memory_clear((void *)(uintptr_t)message.data, message.size); /* it may hold the seal key */
    }
}

/* Ask one controller; true when the answer is final. */
static bool ask(struct join *join, const char *address)
{
    const struct config *config = join->process->config;
    char addresses[3][80];
    config_endpoint(config->address, config->peer_port, addresses[0]);
    config_endpoint(config->address, config->api_port, addresses[1]);
    config_endpoint(config->address, config->agent_port, addresses[2]);
    Patronus__V1__EnrollRequest request = PATRONUS__V1__ENROLL_REQUEST__INIT;
    request.token = (char *)(uintptr_t)config->token;
    request.csr = (ProtobufCBinaryData){.len = join->csr.size, .data = join->csr.data};
    request.controller_id = (char *)(uintptr_t)config->id;
    request.peer_address = addresses[0];
    request.api_address = addresses[1];
    request.agent_address = addresses[2];
    request.region = (char *)(uintptr_t)config->region;
    PT_AUTO(secret) struct pt_buf data = {0};
    size_t size = patronus__v1__enroll_request__get_packed_size(&request);
    (void)patronus__v1__enroll_request__pack(&request, pt_buf_reserve(&data, size));
    data.size = size;

    const struct pt_rpc_channel_options options = {.address = address, .credentials = {.ca_pem = join->token.ca_pem}};
    struct pt_rpc_channel *channel = NULL;
    if (pt_rpc_channel_new(join->process->sys, &options, &channel, &join->error) != PT_OK) {
        return true;
    }
    join->answered = false;
    (void)pt_rpc_unary(channel, "/patronus.v1.EnrollmentService/Enroll", pt_buf_bytes(&data), NULL, 0, CALL_MS,
                       on_reply, join);
    while (!join->answered) {
        pt_sys_uv_turn(join->process->sys, true);
    }
    pt_rpc_channel_free(channel);
    return join->response != NULL || (join->error.code != PT_UNAVAILABLE && join->error.code != PT_DEADLINE_EXCEEDED);
}

static void on_pause(void *arg)
{
    *(bool *)arg = true;
}

/* Wait a second on the loop. */
static void pause_a_second(struct pt_sys *sys)
{
    bool done = false;
    struct pt_timer *timer = pt_timer_new(sys, on_pause, &done);
    pt_timer_start(timer, 1000, 0);
    while (!done) {
        pt_sys_uv_turn(sys, true);
    }
    pt_timer_free(timer);
}

static enum pt_code enroll(struct join *join, struct pt_error *reterr)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < join->token.addresses_len; i++) {
            pt_log_info(join->process->log, "asking to join", "controller=%s", join->token.addresses[i]);
            if (ask(join, join->token.addresses[i])) {
                if (join->response != NULL) {
                    return PT_OK;
                }
                *reterr = join->error;
                return join->error.code;
            }
        }
        pause_a_second(join->process->sys);
    }
    *reterr = join->error;
    return pt_wrap(reterr, join->error.code, "no controller of the token answered");
}

/* ---- files ---------------------------------------------------------------------------------------------------- */

static enum pt_code keep_node(struct join *join, struct pt_error *reterr)
{
    const struct process *process = join->process;
    const struct config *config = process->config;
    const Patronus__V1__EnrollResponse *response = join->response;
    struct pt_node_files files = {.raft_id = response->raft_id, .epoch = response->epoch};
    struct pt_identity identity;
    PT_TRY(pt_identity_parse(response->spiffe_id, &identity, reterr));
    (void)snprintf(files.cluster_id, sizeof(files.cluster_id), "%.63s", response->cluster_id);
    (void)snprintf(files.role, sizeof(files.role), "%.15s", identity.role);
    (void)snprintf(files.node_id, sizeof(files.node_id), "%s/%.480s", identity.role, identity.path);
    if (response->bundle_key.len != sizeof(files.bundle_key)) {
        return pt_fail(reterr, PT_INTERNAL, PT_REASON_MESSAGE_MALFORMED, "bundle_key", "the answer is not complete");
    }
    memcpy(files.bundle_key, response->bundle_key.data, sizeof(files.bundle_key));
    for (size_t i = 0; i < response->n_controllers && i < PT_NODE_ADDRESSES_MAX; i++) {
        (void)snprintf(files.agent_addresses[i], 80, "%.79s", response->controllers[i]->agent_address);
        (void)snprintf(files.api_addresses[i], 80, "%.79s", response->controllers[i]->api_address);
        files.agent_addresses_len = files.api_addresses_len = i + 1;
    }
    if (strcmp(identity.role, "controller") == 0) {
        config_endpoint(config->address, config->peer_port, files.peer_listen);
        config_endpoint(config->address, config->api_port, files.api_listen);
        config_endpoint(config->address, config->agent_port, files.agent_listen);
        (void)snprintf(files.peer_address, 80, "%s", files.peer_listen);
        if (response->seal_key.len != PT_SEAL_KEY_SIZE) {
            return pt_fail(reterr, PT_INTERNAL, PT_REASON_MESSAGE_MALFORMED, "seal_key", "the answer is not complete");
        }
        PT_TRY(pt_node_seal_key_create(process->sys, config->seal_key, response->seal_key.data, reterr));
        pt_memory_clear(response->seal_key.data, response->seal_key.len);
    }
    pt_buf_append_str(&files.cert_pem, response->certificate_pem);
    pt_buf_append_str(&files.ca_pem, response->ca_pem);
    pt_buf_append(&files.key_pem, join->key.data, join->key.size);
    enum pt_code code = pt_node_create(process->sys, config->data, &files, reterr);
    if (code == PT_OK) {
        printf("Joined cluster %s as %s.\n", files.cluster_id, files.node_id);
        (void)fflush(stdout);
    }
    pt_node_files_fini(&files);
    return code;
}

static bool can_write_beside(const char *path)
{
    char folder[600];
    (void)snprintf(folder, sizeof(folder), "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash == NULL) {
        return access(".", W_OK) == 0;
    }
    slash[slash == folder ? 1 : 0] = '\0';
    return access(folder, W_OK) == 0;
}

/* The key of an earlier try, or a new one. */
static enum pt_code prepare_key(struct join *join, struct pt_error *reterr)
{
    const struct process *process = join->process;
    char path[600];
    config_make_parent(process->config->data);
    /* The token is good for one node: what can fail here is tried before it is used up. */
    config_make_parent(process->config->seal_key);
    if (process->config->id[0] != '\0' && pt_node_seal_key_is_file(process->config->seal_key) &&
        !can_write_beside(process->config->seal_key)) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_NONE, process->config->seal_key,
                       "the seal key cannot be written there; name another file with --seal-key");
    }
    PT_TRY(pt_dir_make(process->sys, process->config->data, reterr));
    (void)snprintf(path, sizeof(path), "%s/identity", process->config->data);
    if (pt_path_exists(process->sys, path)) {
        return pt_fail(reterr, PT_ALREADY_EXISTS, PT_REASON_RESOURCE_EXISTS, process->config->data,
                       "the folder already holds a node; start it with: patronusd run");
    }
    (void)snprintf(path, sizeof(path), "%s/key.pem", process->config->data);
    if (pt_path_exists(process->sys, path)) {
        PT_TRY(pt_path_read(process->sys, path, 65536, &join->key, reterr));
    } else {
        PT_TRY(pt_key_new(&join->key, reterr));
        PT_TRY(pt_path_write(process->sys, path, join->key.data, join->key.size, reterr));
    }
    return pt_csr_new((const char *)join->key.data, &join->csr, reterr);
}

enum pt_code make_joined(const struct process *process, struct pt_error *reterr)
{
    struct join join = {.process = process};
    PT_TRY(pt_join_token_decode(process->config->token, &join.token, reterr));
    enum pt_code code = prepare_key(&join, reterr);
    if (code == PT_OK) {
        code = enroll(&join, reterr);
    }
    if (code == PT_OK) {
        code = keep_node(&join, reterr);
    }
    if (join.response != NULL) {
        patronus__v1__enroll_response__free_unpacked(join.response, NULL);
    }
    pt_join_token_fini(&join.token);
    pt_auto_secret(&join.key);
    pt_buf_fini(&join.csr);
    return code;
}
