/*
 * patronusd run: open what the data folder says this node is, run the loop, close in reverse.
 */
#include "node.h"

#include "agent/agent.h"
#include "agent/hello.h"
#include "agent/route.h"
#include "agent/stamp.h"
#include "agent/tunnel.h"
#include "base/assert.h"
#include "fetch/fetch.h"
#include "mod/mods.h"
#include "node/files.h"
#include "serve/controller.h"
#include "sys/sys_uv.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define CLOSE_GRACE_MS 2000

#define ISSUER_NETWORKS_MAX 32

struct running {
    const struct process *process;
    struct pt_node_files files;
    struct pt_file *lock;
    uint8_t seal_key[PT_SEAL_KEY_SIZE];
    struct pt_prefix issuer_networks[ISSUER_NETWORKS_MAX];
    size_t issuer_networks_len;
    struct pt_controller *controller;
    struct pt_dp *dp;
    struct pt_agent_tunnel *tunnel;
    struct pt_hello_io *hello_io;
    struct pt_wires *wires;
    struct pt_agent *agent;
    struct pt_stamp_reflector *stamp;
    bool stopping;
    bool failed;
    struct pt_error error;
};

static void on_stopped(void *arg)
{
    struct running *running = arg;
    running->controller = NULL;
    pt_sys_uv_stop(running->process->sys);
}

static void on_signal(void *arg, int number)
{
    struct running *running = arg;
    if (number == SIGHUP || running->stopping) {
        return;
    }
    running->stopping = true;
    pt_log_info(running->process->log, "stopping", "signal=%d", number);
    if (running->controller != NULL) {
        pt_controller_close(running->controller, CLOSE_GRACE_MS, on_stopped, running);
    } else {
        pt_sys_uv_stop(running->process->sys);
    }
}

/* Fail stop: what is on disk decides at the next start; nothing is tidied up on the way. */
static void on_fatal(void *context, const struct pt_error *error)
{
    const struct running *running = context;
    fprintf(stderr, "patronusd: stopped: %s%s%s\n", error->field, error->field[0] != '\0' ? ": " : "", error->text);
    (void)fflush(stderr);
    (void)running;
    _Exit(3);
}

static void on_certificate(void *context, const char *cert_pem, const char *ca_pem)
{
    struct running *running = context;
    struct pt_error error = {0};
    if (pt_node_save_certificate(running->process->sys, running->process->config->data, cert_pem, ca_pem, &error) !=
        PT_OK) {
        pt_log_warn(running->process->log, "certificate not kept", "reason=\"%s\"", error.text);
    }
}

/* The operator's next seal key lies beside the present one: FILE.next. Whoever keeps the key elsewhere (env:, cmd:)
 * puts the next one into a file for the time of the change, DATA/seal.next. */
static void next_seal_path(const struct config *config, char ret_path[1024])
{
    if (pt_node_seal_key_is_file(config->seal_key)) {
        (void)snprintf(ret_path, 1024, "%s.next", config->seal_key);
    } else {
        (void)snprintf(ret_path, 1024, "%s/seal.next", config->data);
    }
}

static bool next_seal_key(void *context, uint8_t ret_key[PT_SEAL_KEY_SIZE])
{
    const struct running *running = context;
    char path[1024];
    next_seal_path(running->process->config, path);
    return pt_path_exists(running->process->sys, path) &&
           pt_node_seal_key_load(running->process->sys, path, ret_key, NULL) == PT_OK;
}

static void seal_key_replaced(void *context, const uint8_t key[PT_SEAL_KEY_SIZE])
{
    struct running *running = context;
    const struct process *process = running->process;
    struct pt_error error = {0};
    char path[1024];
    next_seal_path(process->config, path);
    enum pt_code code = PT_OK;
    if (pt_node_seal_key_is_file(process->config->seal_key)) {
        code = pt_path_write(process->sys, process->config->seal_key, key, PT_SEAL_KEY_SIZE, &error);
        code = code == PT_OK ? pt_path_remove(process->sys, path, &error) : code;
    } /* else the file stays until whoever keeps the key gives the new one: without it the next start would fail */
    if (code != PT_OK) {
        pt_log_warn(process->log, "seal key not kept", "file=%s reason=\"%s\"", process->config->seal_key, error.text);
    }
}

/* On a thread of the controller's. */
static enum pt_code fetch_issuer(void *context, const char *url, struct pt_buf *ret_body, struct pt_error *reterr)
{
    const struct running *running = context;
    const struct pt_fetch_options options = {.ca_file = running->process->config->issuer_ca,
                                             .allowed = running->issuer_networks,
                                             .allowed_len = running->issuer_networks_len};
    return pt_fetch(url, &options, ret_body, reterr);
}

static enum pt_code read_networks(struct running *running, struct pt_error *reterr)
{
    char text[sizeof(running->process->config->issuer_networks)];
    char *rest = NULL;
    (void)snprintf(text, sizeof(text), "%s", running->process->config->issuer_networks);
    for (char *word = strtok_r(text, ", ", &rest); word != NULL; word = strtok_r(NULL, ", ", &rest)) {
        if (running->issuer_networks_len == ISSUER_NETWORKS_MAX) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "issuer_networks",
                           "%d prefixes at most", ISSUER_NETWORKS_MAX);
        }
        enum pt_code code = pt_prefix_parse(word, &running->issuer_networks[running->issuer_networks_len++], reterr);
        if (code != PT_OK) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "issuer_networks",
                           "'%.60s' is no prefix; write, for example, 10.0.0.0/8", word);
        }
    }
    return PT_OK;
}

static enum pt_code open_controller(struct running *running, struct pt_error *reterr)
{
    const struct process *process = running->process;
    const struct pt_node_files *files = &running->files;
    PT_TRY(pt_node_seal_key_load(process->sys, process->config->seal_key, running->seal_key, reterr));
    PT_TRY(read_networks(running, reterr));
    char name[PT_SPIFFE_SIZE_MAX + 16];
    (void)snprintf(name, sizeof(name), "controllers/%s", files->node_id + strlen("controller/"));
    struct pt_controller_options options = {
        .sys = process->sys,
        .schema = process->schema,
        .mods = pt_mods(),
        .log = process->log,
        .directory = process->config->data,
        .version = PT_VERSION,
        .level_max = (uint32_t)(process->config->level_max[0] != '\0' ? process->config->level_max[0] - '0' : 0),
        .identity = {.cluster_id = files->cluster_id,
                     .name = name,
                     .raft_id = files->raft_id,
                     .epoch = files->epoch,
                     .cert_pem = (const char *)files->cert_pem.data,
                     .key_pem = (const char *)files->key_pem.data,
                     .ca_pem = (const char *)files->ca_pem.data,
                     .seal_key = running->seal_key},
        .peer_address = files->peer_address,
        .on_certificate = on_certificate,
        .certificate_context = running,
        .fetch = fetch_issuer,
        .next_seal_key = next_seal_key,
        .seal_key_replaced = seal_key_replaced,
        .on_fatal = on_fatal,
        .fatal_context = running,
    };
    PT_TRY(pt_endpoint_parse(files->peer_listen, &options.peer_listen, reterr));
    PT_TRY(pt_endpoint_parse(files->api_listen, &options.api_listen, reterr));
    PT_TRY(pt_endpoint_parse(files->agent_listen, &options.agent_listen, reterr));
    struct pt_endpoint http;
    if (process->config->http_listen[0] != '\0') {
        PT_TRY(pt_endpoint_parse(process->config->http_listen, &http, reterr));
        options.http_listen = &http;
    }
    PT_TRY(pt_controller_open(&options, &running->controller, reterr));
    pt_log_info(process->log, "controller runs", "name=%s api=%s agents=%s peers=%s http=%s", name, files->api_listen,
                files->agent_listen, files->peer_listen,
                options.http_listen != NULL ? process->config->http_listen : "none");
    return PT_OK;
}

static enum pt_code open_edge(struct running *running, struct pt_error *reterr)
{
    const struct process *process = running->process;
    const struct pt_dp_bpf_options dp = {.pin_directory = process->config->pin, .log = process->log};
    PT_TRY(pt_dp_bpf_new(&dp, &running->dp, reterr));
    struct tunnel_paths paths;
    struct pt_stamp_target stamps[PT_STAMP_TARGETS_MAX];
    size_t stamps_len = 0;
    PT_TRY(pt_stamp_targets_parse(process->config->stamp_probe, stamps, &stamps_len, reterr));
    tunnel_paths(process->config, &paths);
    const struct pt_agent_tunnel_options tunnel = {.sys = process->sys,
                                                   .log = process->log,
                                                   .dp = running->dp,
                                                   .socket = paths.socket,
                                                   .data = process->config->data,
                                                   .log_level = process->config->log_level,
                                                   .stamps = stamps,
                                                   .stamps_len = stamps_len,
                                                   .liveness = true};
    running->tunnel = pt_agent_tunnel_new(&tunnel);
    running->hello_io = pt_hello_udp_new(process->sys);
    running->wires = pt_wires_packet_new(process->sys, running->dp);
    const struct pt_agent_options options = {
        .sys = process->sys,
        .schema = process->schema,
        .log = process->log,
        .directory = process->config->data,
        .version = PT_VERSION,
        .files = &running->files,
        .dp = running->dp,
        .hello_io = running->hello_io,
        .tunnel = running->tunnel,
        .wires = running->wires,
        .routes = {.context = (void *)(uintptr_t)process->log,
                   .use_link = pt_route_use_link,
                   .hold_link = pt_route_hold_link,
                   .source_to = pt_route_source_to},
    };
    struct pt_endpoint stamp;
    if (process->config->stamp_listen[0] != '\0') {
        PT_TRY(pt_endpoint_parse(process->config->stamp_listen, &stamp, reterr));
        bool stateful = strcmp(process->config->stamp_stateful, "true") == 0;
        PT_TRY(pt_stamp_reflector_open(process->sys, &stamp, stateful, &running->stamp, reterr));
    }
    PT_TRY(pt_agent_open(&options, &running->agent, reterr));
    pt_log_info(process->log, "edge runs", "node=%s", running->files.node_id);
    return PT_OK;
}

static void close_edge(struct running *running)
{
    pt_stamp_reflector_close(running->stamp);
    pt_agent_close(running->agent);
    pt_agent_tunnel_free(running->tunnel);
    if (running->hello_io != NULL) {
        running->hello_io->close(running->hello_io);
    }
    if (running->wires != NULL) {
        running->wires->free(running->wires);
    }
    if (running->dp != NULL) {
        running->dp->ops->close(running->dp);
    }
}

enum pt_code run_node(const struct process *process, struct pt_error *reterr)
{
    struct running running = {.process = process};
    PT_TRY(pt_node_load(process->sys, process->config->data, &running.files, reterr));
    enum pt_code code = pt_node_lock(process->sys, process->config->data, &running.lock, reterr);
    if (code == PT_OK) {
        code = pt_sys_uv_on_signal(process->sys, on_signal, &running, reterr);
    }
    if (code == PT_OK) {
        bool controls = strcmp(running.files.role, "controller") == 0;
        code = controls ? open_controller(&running, reterr) : open_edge(&running, reterr);
    }
    if (code == PT_OK) {
        pt_sys_uv_run(process->sys);
    }
    close_edge(&running);
    pt_file_close(running.lock);
    pt_node_files_fini(&running.files);
    pt_memory_clear(running.seal_key, sizeof(running.seal_key));
    return code;
}
