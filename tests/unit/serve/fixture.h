/*
 * What the tests of internal/serve share: a simulated world with a founded cluster, further controllers that join it by
 * token as real ones do, and a client on a host of its own that speaks JSON.
 *
 *   hosts 0..2  controllers c1..c3     host 3  the client (and the nodes that it plays)
 *
 * Everything between the RPC message port and the simulated disk is the real thing. Time is virtual: a call steps the
 * world until its answer is there.
 */
#pragma once

#include "base/assert.h"
#include "crypto/identity.h"
#include "mod/mods.h"
#include "node/files.h"
#include "node/join_token.h"
#include "patronus/v1/agent.pb-c.h"
#include "patronus/v1/cluster.pb-c.h"
#include "rpc/rpc_sim.h"
#include "serve/controller.h"
#include "serve/setup.h"
#include "sys/sys_sim.h"
#include "wire/json.h"

#include <check.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define UNUSED __attribute__((unused))
#ifndef NODES /* a test may have more of them */
#define NODES 3
#endif
#define CLIENT NODES
#define SECOND 1000000000ULL
#define GIVE_UP (60 * SECOND)

struct answer {
    bool done;
    struct pt_error error; /* code PT_OK: answered */
    struct pt_buf message;
    char *json; /* of the message, by its type */
};

struct node {
    struct pt_controller *controller; /* NULL: not running */
    uint32_t level_max;               /* cluster level that its binary supports; 0: all that there are */
    struct pt_node_files files;
    uint8_t seal_key[PT_SEAL_KEY_SIZE];
    bool closed;
    struct pt_error fatal;        /* why it stopped itself; code PT_OK: it did not */
    struct pt_rpc_channel *admin; /* of the client, to this controller's API door */
};

struct cluster {
    struct pt_sim *sim;
    struct pt_rpc_world *net;
    struct pt_schema *schema;
    struct pt_log log;
    struct node nodes[NODES];
    struct pt_buf admin_pem;
    struct answer answer; /* of the last call */
    unsigned tokens;
    /* GET of an identity provider's documents; controllers that are opened from then on have it. */
    enum pt_code (*fetch)(void *context, const char *url, struct pt_buf *ret_body, struct pt_error *reterr);
    void *fetch_context;
};

/* ---- the world ----------------------------------------------------------------------------------------------------
 */

static inline uint64_t net_random(void *arg, uint64_t bound)
{
    return pt_sim_random(arg, bound);
}

static inline void log_line(void *context, enum pt_log_level level, const char *line)
{
    (void)level;
    if (getenv("PT_TEST_LOG") != NULL) {
        (void)fprintf(stderr, "%8" PRIu64 " us %s\n", pt_sim_now_ns(context) / 1000, line);
    }
}

static inline struct pt_sys *host_sys(const struct cluster *cluster, unsigned host)
{
    return pt_sim_host(cluster->sim, host);
}

#define STEP_UNTIL(cluster, condition)                                                                 \
    do {                                                                                               \
        uint64_t end_ns_ = pt_sim_now_ns((cluster)->sim) + GIVE_UP;                                    \
        while (!(condition)) {                                                                         \
            ck_assert_msg(pt_sim_step((cluster)->sim, end_ns_), "never came to pass: %s", #condition); \
        }                                                                                              \
    } while (0)

static UNUSED void run_for_ms(struct cluster *cluster, uint64_t ms)
{
    uint64_t end_ns = pt_sim_now_ns(cluster->sim) + ms * 1000000;
    while (pt_sim_step(cluster->sim, end_ns)) {
    }
}

/* ---- controllers --------------------------------------------------------------------------------------------------
 */

static inline void node_path(unsigned number, const char *what, char path[32])
{
    (void)snprintf(path, 32, "/c%u%s", number + 1, what);
}

static inline void node_address(unsigned number, unsigned port, char text[32])
{
    (void)snprintf(text, 32, "10.0.0.%u:%u", number + 1, port);
}

static inline const char *pem(const struct pt_buf *buf)
{
    return (const char *)buf->data;
}

static inline void on_node_fatal(void *context, const struct pt_error *error)
{
    ((struct node *)context)->fatal = *error;
}

static inline void node_open_at(struct cluster *cluster, unsigned number, const char *directory)
{
    struct node *node = &cluster->nodes[number];
    struct pt_sys *sys = host_sys(cluster, number);
    char seal[32], name[32];
    struct pt_error error = {0};
    node_path(number, ".seal", seal);
    (void)snprintf(name, sizeof(name), "controllers/c%u", number + 1);
    pt_node_files_fini(&node->files);
    ck_assert_int_eq(pt_node_load(sys, directory, &node->files, &error), PT_OK);
    ck_assert_int_eq(pt_node_seal_key_load(sys, seal, node->seal_key, &error), PT_OK);
    struct pt_controller_options options = {
        .sys = sys,
        .schema = cluster->schema,
        .mods = pt_mods(),
        .log = &cluster->log,
        .fabric = pt_rpc_world_host(cluster->net, number),
        .peer_plain = true,
        .directory = directory,
        .version = "test",
        .identity = {.cluster_id = node->files.cluster_id,
                     .name = name,
                     .raft_id = node->files.raft_id,
                     .epoch = node->files.epoch,
                     .cert_pem = pem(&node->files.cert_pem),
                     .key_pem = pem(&node->files.key_pem),
                     .ca_pem = pem(&node->files.ca_pem),
                     .seal_key = node->seal_key},
        .peer_address = node->files.peer_address,
        .level_max = node->level_max,
        .fetch = cluster->fetch,
        .certificate_context = cluster->fetch_context,
        .on_fatal = on_node_fatal,
        .fatal_context = node,
    };
    node->fatal = (struct pt_error){0};
    ck_assert_int_eq(pt_endpoint_parse(node->files.peer_listen, &options.peer_listen, NULL), PT_OK);
    ck_assert_int_eq(pt_endpoint_parse(node->files.api_listen, &options.api_listen, NULL), PT_OK);
    ck_assert_int_eq(pt_endpoint_parse(node->files.agent_listen, &options.agent_listen, NULL), PT_OK);
    node->closed = false;
    enum pt_code code = pt_controller_open(&options, &node->controller, &error);
    ck_assert_msg(code == PT_OK, "%s: %s %s", name, error.field, error.text);
}

static inline void node_open(struct cluster *cluster, unsigned number)
{
    char directory[32];
    node_path(number, "", directory);
    node_open_at(cluster, number, directory);
}

static inline void on_node_closed(void *arg)
{
    struct node *node = arg;
    node->closed = true;
    node->controller = NULL;
}

static inline void node_close(struct cluster *cluster, unsigned number)
{
    struct node *node = &cluster->nodes[number];
    pt_controller_close(node->controller, 500, on_node_closed, node);
    STEP_UNTIL(cluster, node->closed);
}

static inline void node_crash(struct cluster *cluster, unsigned number)
{
    struct node *node = &cluster->nodes[number];
    pt_rpc_world_crash(cluster->net, number);
    pt_sim_crash(cluster->sim, number, false);
    pt_controller_abandon(node->controller);
    node->controller = NULL;
}

/* The node that leads and is ready; -1 for none. */
static inline int leader_of(const struct cluster *cluster)
{
    int leader = -1;
    uint64_t term = 0;
    for (unsigned i = 0; i < NODES; i++) {
        if (cluster->nodes[i].controller != NULL) {
            struct pt_raft_status status = pt_raft_status(pt_controller_raft(cluster->nodes[i].controller));
            if (status.role == PT_RAFT_LEADER && status.term > term) {
                leader = (int)i;
                term = status.term;
            }
        }
    }
    return leader;
}

static inline struct pt_digest state_digest(const struct cluster *cluster, unsigned number)
{
    return pt_store_digest(pt_kind_store(pt_controller_machine(cluster->nodes[number].controller)));
}

/* ---- calls --------------------------------------------------------------------------------------------------------
 */

static inline void on_answer(void *arg, const struct pt_error *error, struct pt_bytes message)
{
    struct answer *answer = arg;
    answer->done = true;
    if (error != NULL) {
        answer->error = *error;
    } else {
        pt_buf_append(&answer->message, message.data, message.size);
    }
}

static inline void answer_clear(struct answer *answer)
{
    pt_buf_fini(&answer->message);
    free(answer->json);
    *answer = (struct answer){.done = false};
}

static inline void encode_json(const struct cluster *cluster, const struct pt_message_type *type, const char *json,
                               struct pt_buf *out)
{
    struct pt_arena arena;
    struct pt_msg *msg = NULL;
    struct pt_error error = {0};
    pt_arena_init(&arena);
    enum pt_code code = pt_json_read(cluster->schema, type, json, strlen(json), &arena, &msg, &error);
    ck_assert_msg(code == PT_OK, "%s: %s %s", json, error.field, error.text);
    pt_msg_encode(msg, out);
    pt_arena_fini(&arena);
}

static inline char *decode_json(const struct cluster *cluster, const struct pt_message_type *type,
                                struct pt_bytes message)
{
    struct pt_arena arena;
    struct pt_msg *msg = NULL;
    struct pt_error error = {0};
    struct pt_buf out = {0};
    pt_arena_init(&arena);
    enum pt_code code = pt_msg_parse(type, message, NULL, &arena, &msg, &error);
    ck_assert_msg(code == PT_OK, "answer: %s %s", error.field, error.text);
    pt_json_write(cluster->schema, msg, PT_JSON_COMPACT, &out);
    pt_arena_fini(&arena);
    char *text = strndup((const char *)out.data, out.size);
    pt_buf_fini(&out);
    return text;
}

/* Bytes as they are; the answer stays in cluster->answer until the next call. */
static inline enum pt_code call_raw(struct cluster *cluster, struct pt_rpc_channel *channel, const char *method,
                                    struct pt_bytes request, const struct pt_rpc_metadata *metadata)
{
    struct answer *answer = &cluster->answer;
    answer_clear(answer);
    (void)pt_rpc_unary(channel, method, request, metadata, metadata != NULL ? 1 : 0, 0, on_answer, answer);
    STEP_UNTIL(cluster, answer->done);
    return answer->error.code;
}

static inline enum pt_code call_by(struct cluster *cluster, struct pt_rpc_channel *channel, const char *method,
                                   const char *json)
{
    const struct pt_method_type *type = pt_schema_method(cluster->schema, method);
    ck_assert_msg(type != NULL, "%s", method);
    PT_AUTO(buf) struct pt_buf request = {0};
    encode_json(cluster, type->input, json, &request);
    enum pt_code code = call_raw(cluster, channel, method, pt_buf_bytes(&request), NULL);
    if (code == PT_OK) {
        cluster->answer.json = decode_json(cluster, type->output, pt_buf_bytes(&cluster->answer.message));
    }
    return code;
}

/* The admin's call to a controller. "SiteService/CreateSite" is enough of a method. */
PT_PRINTF(4, 5)
static inline enum pt_code call(struct cluster *cluster, unsigned number, const char *method, const char *format, ...)
{
    char json[4096], path[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(json, sizeof(json), format, args);
    va_end(args);
    (void)snprintf(path, sizeof(path), "/patronus.v1.%s", method);
    return call_by(cluster, cluster->nodes[number].admin, path, json);
}

#define OK(...)                                                                                      \
    do {                                                                                             \
        enum pt_code code_ = call(__VA_ARGS__);                                                      \
        ck_assert_msg(code_ == PT_OK, "%s %s: %s", pt_code_name(code_), cluster->answer.error.field, \
                      cluster->answer.error.text);                                                   \
    } while (0)
#define REFUSED(expected, ...) ck_assert_str_eq(pt_code_name(call(__VA_ARGS__)), pt_code_name(expected))
#define ANSWER_HAS(text) \
    ck_assert_msg(strstr(cluster->answer.json, (text)) != NULL, "no %s in %s", (text), cluster->answer.json)
#define ANSWER_LACKS(text) \
    ck_assert_msg(strstr(cluster->answer.json, (text)) == NULL, "%s in %s", (text), cluster->answer.json)

/* A channel of the client host; cert and key NULL: anonymous. */
static inline struct pt_rpc_channel *open_channel(const struct cluster *cluster, unsigned number, unsigned port,
                                                  const char *cert_pem, const char *key_pem)
{
    char address[32];
    struct pt_rpc_channel *channel = NULL;
    node_address(number, port, address);
    const struct pt_rpc_channel_options options = {
        .address = address,
        .credentials = {.cert_pem = cert_pem, .key_pem = key_pem, .ca_pem = pem(&cluster->nodes[0].files.ca_pem)},
        .fabric = pt_rpc_world_host(cluster->net, CLIENT)};
    ck_assert_int_eq(pt_rpc_channel_new(host_sys(cluster, CLIENT), &options, &channel, NULL), PT_OK);
    return channel;
}

/* ---- tokens and enrolment -----------------------------------------------------------------------------------------
 */

/* Make an EnrollmentToken; its text for Enroll. edge "" for a controller. */
static inline void make_token(struct cluster *cluster, const char *role, const char *edge, int64_t lifetime_s,
                              struct pt_buf *ret_text)
{
    struct pt_join_token token = {.ca_pem = (char *)(uintptr_t)pem(&cluster->nodes[0].files.ca_pem)};
    char name[40], hex[65], id[16];
    pt_sys_random(host_sys(cluster, CLIENT), token.secret, sizeof(token.secret));
    struct pt_digest digest = pt_sha256(token.secret, sizeof(token.secret));
    (void)snprintf(id, sizeof(id), "t%u", ++cluster->tokens % 1000000);
    (void)snprintf(name, sizeof(name), "enrollmentTokens/%s", id);
    token.name = name;
    int64_t expires = pt_sys_wall_ns(host_sys(cluster, CLIENT)) / (int64_t)SECOND + lifetime_s;
    char time[32];
    time_t seconds = (time_t)expires;
    struct tm parts;
    (void)gmtime_r(&seconds, &parts);
    (void)strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%SZ", &parts);
    int leader = leader_of(cluster);
    ck_assert_int_ge(leader, 0);
    char edge_field[200] = "";
    if (edge[0] != '\0') {
        (void)snprintf(edge_field, sizeof(edge_field), ", \"edge\": \"%s\"", edge);
    }
    OK(cluster, (unsigned)leader, "EnrollmentTokenService/CreateEnrollmentToken",
       "{\"enrollmentTokenId\": \"%s\", \"enrollmentToken\": {\"role\": \"%s\", \"secretDigest\": \"%s\", "
       "\"expireTime\": \"%s\"%s}}",
       id, role, pt_digest_hex(&digest, hex), time, edge_field);
    pt_join_token_encode(&token, ret_text);
    pt_buf_append_u8(ret_text, 0);
}

struct enrolled { /* what a node has after Enroll */
    struct pt_buf key_pem, cert_pem;
    uint8_t seal_key[PT_SEAL_KEY_SIZE];
    uint8_t bundle_key[PT_SIGN_PUBLIC_SIZE];
    uint64_t raft_id;
    char spiffe_id[PT_SPIFFE_SIZE_MAX];
};

static inline void enrolled_fini(struct enrolled *node)
{
    pt_auto_secret(&node->key_pem);
    pt_buf_fini(&node->cert_pem);
}

/* Enroll at a controller, anonymously; the key is made unless there is one. number >= 0: as controller c<number+1>. */
static inline enum pt_code enroll(struct cluster *cluster, unsigned at, const char *token, int number,
                                  struct enrolled *node)
{
    PT_AUTO(buf) struct pt_buf csr = {0};
    if (node->key_pem.data == NULL) {
        ck_assert_int_eq(pt_key_new(&node->key_pem, NULL), PT_OK);
    }
    ck_assert_int_eq(pt_csr_new(pem(&node->key_pem), &csr, NULL), PT_OK);
    Patronus__V1__EnrollRequest request = PATRONUS__V1__ENROLL_REQUEST__INIT;
    char id[16], peer[32], api[32], agent[32];
    request.token = (char *)(uintptr_t)token;
    request.csr = (ProtobufCBinaryData){.len = csr.size, .data = csr.data};
    if (number >= 0) {
        (void)snprintf(id, sizeof(id), "c%d", number + 1);
        node_address((unsigned)number, 7401, peer);
        node_address((unsigned)number, 7400, api);
        node_address((unsigned)number, 7402, agent);
        request.controller_id = id;
        request.peer_address = peer;
        request.api_address = api;
        request.agent_address = agent;
    }
    PT_AUTO(buf) struct pt_buf data = {0};
    size_t size = patronus__v1__enroll_request__get_packed_size(&request);
    (void)patronus__v1__enroll_request__pack(&request, pt_buf_reserve(&data, size));
    data.size = size;
    struct pt_rpc_channel *channel = open_channel(cluster, at, 7400, NULL, NULL);
    enum pt_code code = call_raw(cluster, channel, "/patronus.v1.EnrollmentService/Enroll", pt_buf_bytes(&data), NULL);
    pt_rpc_channel_free(channel);
    if (code != PT_OK) {
        return code;
    }
    Patronus__V1__EnrollResponse *response =
        patronus__v1__enroll_response__unpack(NULL, cluster->answer.message.size, cluster->answer.message.data);
    ck_assert_ptr_nonnull(response);
    pt_buf_reset(&node->cert_pem);
    pt_buf_append_str(&node->cert_pem, response->certificate_pem);
    node->raft_id = response->raft_id;
    (void)snprintf(node->spiffe_id, sizeof(node->spiffe_id), "%s", response->spiffe_id);
    ck_assert_uint_eq(response->bundle_key.len, sizeof(node->bundle_key));
    memcpy(node->bundle_key, response->bundle_key.data, sizeof(node->bundle_key));
    if (response->seal_key.len == PT_SEAL_KEY_SIZE) {
        memcpy(node->seal_key, response->seal_key.data, PT_SEAL_KEY_SIZE);
    }
    patronus__v1__enroll_response__free_unpacked(response, NULL);
    return PT_OK;
}

/* ---- clusters -----------------------------------------------------------------------------------------------------
 */

/* level: of the cluster and of every binary; 0: the newest. */
static inline void cluster_init_at(struct cluster *cluster, uint32_t level)
{
    *cluster = (struct cluster){.log = {.level_min = PT_LOG_DEBUG, .sink = log_line, .node = "test"}};
    for (unsigned i = 0; i < NODES; i++) {
        cluster->nodes[i].level_max = level;
    }
    const struct pt_sim_options sim = {.seed = 7};
    cluster->sim = pt_sim_new(&sim);
    cluster->log.context = cluster->sim;
    const struct pt_rpc_world_options net = {.random = net_random, .random_arg = cluster->sim};
    cluster->net = pt_rpc_world_new(&net);
    for (unsigned i = 0; i <= NODES; i++) {
        (void)pt_sim_add_host(cluster->sim);
    }
    ck_assert_int_eq(pt_schema_new(pt_schema_embedded(), &cluster->schema, NULL), PT_OK);
    const struct pt_found_options found = {.level = level,
                                           .directory = "/c1",
                                           .seal_key_path = "/c1.seal",
                                           .id = "c1",
                                           .region = "",
                                           .peer_listen = "10.0.0.1:7401",
                                           .api_listen = "10.0.0.1:7400",
                                           .agent_listen = "10.0.0.1:7402",
                                           .peer_address = "10.0.0.1:7401",
                                           .api_address = "10.0.0.1:7400",
                                           .agent_address = "10.0.0.1:7402"};
    struct pt_error error = {0};
    enum pt_code code = pt_found_cluster(host_sys(cluster, 0), &found, &cluster->admin_pem, &error);
    ck_assert_msg(code == PT_OK, "%s %s", error.field, error.text);
    node_open(cluster, 0);
    cluster->nodes[0].admin = open_channel(cluster, 0, 7400, pem(&cluster->admin_pem), pem(&cluster->admin_pem));
    STEP_UNTIL(cluster, leader_of(cluster) == 0);
    OK(cluster, 0, "ClusterService/GetClusterStatus", "{}");
    /* The first write waits until founding is through. */
    OK(cluster, 0, "OrganizationService/CreateOrganization", "{\"organizationId\": \"acme\", \"organization\": {}}");
}

static UNUSED void cluster_init(struct cluster *cluster)
{
    cluster_init_at(cluster, 0);
}

/* Controller c<number+1> joins through c1, as `patronusd join` does, and becomes a voter. */
static UNUSED void cluster_join(struct cluster *cluster, unsigned number)
{
    PT_AUTO(buf) struct pt_buf token = {0};
    struct enrolled joined = {0};
    char directory[32], seal[32], id[32], peer[32], api[32], agent[32];
    make_token(cluster, "voter", "", 600, &token);
    enum pt_code code = enroll(cluster, 0, (const char *)token.data, (int)number, &joined);
    ck_assert_msg(code == PT_OK, "%s", cluster->answer.error.text);
    node_path(number, "", directory);
    node_path(number, ".seal", seal);
    (void)snprintf(id, sizeof(id), "controller/c%u", number + 1);
    node_address(number, 7401, peer);
    node_address(number, 7400, api);
    node_address(number, 7402, agent);
    struct pt_node_files files = {.raft_id = joined.raft_id, .key_pem = joined.key_pem, .cert_pem = joined.cert_pem};
    memcpy(files.cluster_id, cluster->nodes[0].files.cluster_id, sizeof(files.cluster_id));
    (void)snprintf(files.role, sizeof(files.role), "controller");
    (void)snprintf(files.node_id, sizeof(files.node_id), "%s", id);
    memcpy(files.peer_listen, peer, sizeof(peer));
    memcpy(files.api_listen, api, sizeof(api));
    memcpy(files.agent_listen, agent, sizeof(agent));
    memcpy(files.peer_address, peer, sizeof(peer));
    pt_buf_append_str(&files.ca_pem, pem(&cluster->nodes[0].files.ca_pem));
    memcpy(files.bundle_key, joined.bundle_key, sizeof(files.bundle_key));
    struct pt_sys *sys = host_sys(cluster, number);
    ck_assert_int_eq(pt_node_seal_key_create(sys, seal, joined.seal_key, NULL), PT_OK);
    ck_assert_int_eq(pt_node_create(sys, directory, &files, NULL), PT_OK);
    pt_node_files_fini(&files);
    node_open(cluster, number);
    cluster->nodes[number].admin =
        open_channel(cluster, number, 7400, pem(&cluster->admin_pem), pem(&cluster->admin_pem));
}

static inline bool is_voter(const struct cluster *cluster, unsigned number)
{
    struct pt_raft_member members[8];
    int leader = leader_of(cluster);
    if (leader < 0) {
        return false;
    }
    size_t len = pt_raft_members(pt_controller_raft(cluster->nodes[leader].controller), members, 8);
    for (size_t i = 0; i < len; i++) {
        if (members[i].id == cluster->nodes[number].files.raft_id && members[i].voter) {
            return true;
        }
    }
    return false;
}

static UNUSED void cluster_init_three(struct cluster *cluster)
{
    cluster_init(cluster);
    for (unsigned i = 1; i < NODES; i++) {
        cluster_join(cluster, i);
        STEP_UNTIL(cluster, is_voter(cluster, i));
    }
}

static inline void cluster_fini(struct cluster *cluster)
{
    for (unsigned i = 0; i < NODES; i++) {
        pt_rpc_channel_free(cluster->nodes[i].admin);
        if (cluster->nodes[i].controller != NULL) {
            node_close(cluster, i);
        }
        pt_node_files_fini(&cluster->nodes[i].files);
    }
    answer_clear(&cluster->answer);
    pt_auto_secret(&cluster->admin_pem);
    pt_rpc_world_free(cluster->net);
    pt_schema_free(cluster->schema);
    pt_sim_free(cluster->sim);
}

static inline int run_suite(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
