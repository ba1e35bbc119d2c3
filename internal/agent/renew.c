/*
 * Certificate renewal at half life, by any controller's API door, anonymously: the proof is the enrolled key.
 *
 * The data plane never depends on it. A node that was cut off longer than its certificate lives renews as soon as it
 * reaches a controller again.
 */
#include "agent/agent_priv.h"

#include "patronus/v1/cluster.pb-c.h"

#include <stdio.h>
#include <string.h>

#define RETRY_MS 5000
#define CHECK_MS 60000
#define CALL_MS 4000

static void later(struct pt_agent *agent, uint64_t delay_ms)
{
    pt_timer_start(agent->renew_timer, delay_ms, 0);
}

static void free_channel(void *arg)
{
    pt_rpc_channel_free(arg);
}

/* The new leaf must be this node's, or the node would lock itself out. */
static enum pt_code check_leaf(const struct pt_node_files *files, const struct pt_leaf_info *info, int64_t now,
                               struct pt_error *reterr)
{
    struct pt_leaf_info own;
    PT_TRY(pt_leaf_read((const char *)files->cert_pem.data, NULL, now, true, &own, reterr));
    if (strcmp(own.identity.spiffe_id, info->identity.spiffe_id) != 0 ||
        !pt_digest_equal(&own.key_digest, &info->key_digest)) {
        return pt_fail(reterr, PT_UNAUTHENTICATED, PT_REASON_NONE, NULL, "the new certificate is another node's");
    }
    return PT_OK;
}

static enum pt_code take_certificate(struct pt_agent *agent, struct pt_bytes message, struct pt_error *reterr)
{
    struct pt_node_files *files = agent->options.files;
    Patronus__V1__RenewResponse *response = patronus__v1__renew_response__unpack(NULL, message.size, message.data);
    if (response == NULL) {
        return pt_fail(reterr, PT_INTERNAL, PT_REASON_MESSAGE_MALFORMED, NULL, "the answer cannot be read");
    }
    struct pt_leaf_info info;
    int64_t now = pt_sys_wall_ns(agent->options.sys);
    enum pt_code code = pt_leaf_read(response->certificate_pem, response->ca_pem, now, false, &info, reterr);
    if (code == PT_OK) {
        code = check_leaf(files, &info, now, reterr);
    }
    if (code == PT_OK) {
        code = pt_node_save_certificate(agent->options.sys, agent->options.directory, response->certificate_pem,
                                        response->ca_pem, reterr);
    }
    if (code == PT_OK) {
        pt_buf_reset(&files->cert_pem);
        pt_buf_append_str(&files->cert_pem, response->certificate_pem);
        pt_buf_reset(&files->ca_pem);
        pt_buf_append_str(&files->ca_pem, response->ca_pem);
    }
    patronus__v1__renew_response__free_unpacked(response, NULL);
    return code;
}

static void on_reply(void *arg, const struct pt_error *error, struct pt_bytes message)
{
    struct pt_agent *agent = arg;
    if (agent->renew_channel == NULL) {
        return; /* closing */
    }
    pt_sys_post(agent->options.sys, free_channel, agent->renew_channel);
    agent->renew_channel = NULL;
    struct pt_error own = {0};
    enum pt_code code = error != NULL ? error->code : take_certificate(agent, message, &own);
    if (code == PT_OK) {
        pt_log_info(agent->options.log, "certificate renewed", "node=%s", agent->options.files->node_id);
        pt_agent_report_trust(agent);
        later(agent, CHECK_MS);
    } else {
        pt_log_warn(agent->options.log, "certificate not renewed", "reason=\"%s\"",
                    error != NULL ? error->text : own.text);
        later(agent, RETRY_MS);
    }
}

static void renew(struct pt_agent *agent)
{
    struct pt_node_files *files = agent->options.files;
    PT_AUTO(buf) struct pt_buf csr = {0};
    struct pt_error error = {0};
    if (files->api_addresses_len == 0 || pt_csr_new((const char *)files->key_pem.data, &csr, &error) != PT_OK) {
        later(agent, RETRY_MS);
        return;
    }
    const struct pt_rpc_channel_options options = {
        .address = files->api_addresses[agent->renew_turn++ % files->api_addresses_len],
        .credentials = {.ca_pem = (const char *)files->ca_pem.data},
        .fabric = agent->options.fabric};
    if (pt_rpc_channel_new(agent->options.sys, &options, &agent->renew_channel, &error) != PT_OK) {
        later(agent, RETRY_MS);
        return;
    }
    Patronus__V1__RenewRequest request = PATRONUS__V1__RENEW_REQUEST__INIT;
    request.certificate_pem = (char *)files->cert_pem.data;
    request.csr = (ProtobufCBinaryData){.len = csr.size, .data = csr.data};
    PT_AUTO(buf) struct pt_buf data = {0};
    size_t size = patronus__v1__renew_request__get_packed_size(&request);
    (void)patronus__v1__renew_request__pack(&request, pt_buf_reserve(&data, size));
    data.size = size;
    (void)pt_rpc_unary(agent->renew_channel, "/patronus.v1.EnrollmentService/Renew", pt_buf_bytes(&data), NULL, 0,
                       CALL_MS, on_reply, agent);
}

/* Half of its life is over, or its authority does not issue any more. */
static bool due(const struct pt_agent *agent, const struct pt_leaf_info *info, int64_t now)
{
    return now > info->not_before_ns + (info->not_after_ns - info->not_before_ns) / 2 ||
           (agent->issuer[0] != '\0' && strcmp(agent->issuer, info->identity.issuer) != 0);
}

static void on_timer(void *arg)
{
    struct pt_agent *agent = arg;
    struct pt_leaf_info info;
    struct pt_error error = {0};
    int64_t now = pt_sys_wall_ns(agent->options.sys);
    const struct pt_node_files *files = agent->options.files;
    if (pt_leaf_read((const char *)files->cert_pem.data, NULL, now, true, &info, &error) != PT_OK) {
        pt_log_error(agent->options.log, "own certificate cannot be read", "reason=\"%s\"", error.text);
        return;
    }
    if (due(agent, &info, now)) {
        renew(agent);
    } else {
        later(agent, CHECK_MS);
    }
}

/* ---- authorities ------------------------------------------------------------------------------------------------ */

void pt_agent_report_trust(struct pt_agent *agent)
{
    const struct pt_node_files *files = agent->options.files;
    struct pt_leaf_info info;
    if (files->cert_pem.size == 0 ||
        pt_leaf_read((const char *)files->cert_pem.data, NULL, 0, true, &info, NULL) != PT_OK) {
        return;
    }
    struct pt_digest digest = pt_sha256(files->ca_pem.data, strlen((const char *)files->ca_pem.data));
    Patronus__V1__TrustReport report = PATRONUS__V1__TRUST_REPORT__INIT;
    report.trust_digest = (ProtobufCBinaryData){.len = PT_DIGEST_SIZE, .data = digest.bytes};
    report.issuer = info.identity.issuer;
    report.expire_time_ns = info.not_after_ns;
    Patronus__V1__EdgeMessage message = PATRONUS__V1__EDGE_MESSAGE__INIT;
    message.message_case = PATRONUS__V1__EDGE_MESSAGE__MESSAGE_TRUST;
    message.trust = &report;
    pt_agent_send(agent, &message);
}

/* Kept only when the node's own certificate is good under one of them (it may have expired): a set that leaves the node
 * without standing is a mistake, and would lock it out for good. */
static enum pt_code keep_trust(struct pt_agent *agent, const char *ca_pem, struct pt_error *reterr)
{
    struct pt_node_files *files = agent->options.files;
    struct pt_leaf_info info;
    int64_t now = pt_sys_wall_ns(agent->options.sys);
    const char *cert = (const char *)files->cert_pem.data;
    PT_TRY(pt_leaf_read(cert, ca_pem, now, true, &info, reterr));
    PT_TRY(pt_node_save_certificate(agent->options.sys, agent->options.directory, cert, ca_pem, reterr));
    pt_buf_reset(&files->ca_pem);
    pt_buf_append_str(&files->ca_pem, ca_pem);
    return PT_OK;
}

void pt_agent_take_trust(struct pt_agent *agent, const Patronus__V1__TrustBundle *trust)
{
    struct pt_node_files *files = agent->options.files;
    struct pt_error error = {0};
    if (files->cert_pem.size == 0) {
        return; /* the simulator's nodes have no certificates */
    }
    if (strcmp((const char *)files->ca_pem.data, trust->ca_pem) != 0) {
        if (keep_trust(agent, trust->ca_pem, &error) != PT_OK) {
            pt_log_warn(agent->options.log, "authorities not taken", "reason=\"%s\"", error.text);
            return;
        }
        pt_log_info(agent->options.log, "authorities changed", "issuer=%.40s", trust->issuer);
    }
    (void)snprintf(agent->issuer, sizeof(agent->issuer), "%.*s", PT_KEY_ID_SIZE, trust->issuer);
    pt_agent_report_trust(agent);
    if (agent->renew_timer != NULL && agent->renew_channel == NULL) {
        later(agent, 0);
    }
}

void pt_agent_renew_start(struct pt_agent *agent)
{
    if (agent->options.files->cert_pem.size == 0) {
        return; /* the simulator's nodes have no certificates */
    }
    agent->renew_timer = pt_timer_new(agent->options.sys, on_timer, agent);
    later(agent, 0);
}

void pt_agent_renew_stop(struct pt_agent *agent)
{
    struct pt_rpc_channel *channel = agent->renew_channel;
    agent->renew_channel = NULL;
    pt_rpc_channel_free(channel);
    pt_timer_free(agent->renew_timer);
    agent->renew_timer = NULL;
}
