/*
 * The world and the life of its nodes: start, stop, crash.
 *
 * A crash takes three steps in one instant: the RPC network forgets the host, the simulated process ends, and the
 * node's memory is freed by its abandon function, which may touch neither.
 */
#include "nodes.h"

#include "base/assert.h"
#include "mod/mods.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ELECTION_MS 150
#define HEARTBEAT_MS 40
#define SNAPSHOT_THRESHOLD 200
#define SNAPSHOT_TRAILING 50
#define DIGEST_INTERVAL 100
#define LOG_SEGMENT_SIZE (256U << 10)
#define RPC_STALL_MS 1500

/* ---- the story ------------------------------------------------------------------------------------------------ */

uint64_t now_ns(const struct world *world)
{
    return pt_sim_now_ns(world->sim);
}

uint64_t draw(struct world *world, uint64_t bound)
{
    return pt_sim_random(world->sim, bound);
}

bool chance(struct world *world, unsigned percent)
{
    return draw(world, 100) < percent;
}

static void keep_line(struct world *world, const char *line)
{
    char *place = world->trace[world->trace_len++ % TRACE_LEN];
    uint64_t now_us = now_ns(world) / 1000;
    (void)snprintf(place, LINE_SIZE, "%4llu.%06llu %s", (unsigned long long)(now_us / 1000000),
                   (unsigned long long)(now_us % 1000000), line);
    if (world->options->verbose) {
        (void)printf("%s\n", place);
    }
}

void tell(struct world *world, const char *format, ...)
{
    char line[LINE_SIZE - 16];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    keep_line(world, line);
}

static void dump(const struct world *world)
{
    if (!world->options->verbose) {
        size_t first = world->trace_len > TRACE_LEN ? world->trace_len - TRACE_LEN : 0;
        for (size_t i = first; i < world->trace_len; i++) {
            (void)printf("  %s\n", world->trace[i % TRACE_LEN]);
        }
    }
}

void violate(struct world *world, const char *format, ...)
{
    char line[LINE_SIZE - 16];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (world->violations++ == 0 && world->options->dump_violation) {
        dump(world);
    }
    if (world->options->dump_violation) {
        uint64_t now_ms = now_ns(world) / MS;
        (void)printf("violation: %s (seed %llu, at %llu.%03llu s)\n", line, (unsigned long long)world->options->seed,
                     (unsigned long long)(now_ms / 1000), (unsigned long long)(now_ms % 1000));
        (void)fflush(stdout);
    }
}

static void log_line(void *context, enum pt_log_level level, const char *line)
{
    struct world *world = context;
    (void)level;
    keep_line(world, line);
}

static struct pt_log make_log(struct world *world, const char *name)
{
    return (struct pt_log){.level_min = world->options->verbose ? PT_LOG_INFO : PT_LOG_WARN,
                           .sink = log_line,
                           .context = world,
                           .node = name};
}

/* ---- controllers ---------------------------------------------------------------------------------------------- */

void controller_addresses(unsigned host, char peer[32], char api[32], char agent[32])
{
    (void)snprintf(peer, 32, "10.0.0.%u:%u", host + 1, PEER_PORT);
    (void)snprintf(api, 32, "10.0.0.%u:%u", host + 1, API_PORT);
    (void)snprintf(agent, 32, "10.0.0.%u:%u", host + 1, AGENT_PORT);
}

static void on_fatal(void *context, const struct pt_error *error)
{
    struct controller_host *node = context;
    node->fatal = true;
    node->error = *error;
    node->world->attention = true;
}

static void make_folder(struct controller_host *node, char path[16])
{
    struct pt_sys *sys = pt_sim_host(node->world->sim, node->host);
    (void)snprintf(path, 16, "/d%u", node->folder);
    pt_assert(pt_dir_make(sys, path, NULL) == PT_OK);
    pt_assert(pt_dir_sync(sys, "/", NULL) == PT_OK);
}

void controller_renew(struct controller_host *node, uint64_t raft_id)
{
    char path[16];
    node->raft_id = raft_id;
    node->folder++;
    node->damaged = false;
    node->flipped_path[0] = '\0';
    make_folder(node, path);
}

static void fill_options(struct controller_host *node, struct pt_controller_options *options)
{
    struct world *world = node->world;
    const struct leaf *leaf = &world->certs->controllers[node->number - 1];
    options->sys = pt_sim_host(world->sim, node->host);
    options->schema = world->schema;
    options->mods = pt_mods();
    options->log = &node->log;
    options->fabric = pt_rpc_world_host(world->net, node->host);
    options->peer_plain = true;
    options->keys_unbound = true;
    options->version = "simulated";
    options->identity = (struct pt_controller_identity){.cluster_id = CLUSTER_ID,
                                                        .raft_id = node->raft_id,
                                                        .cert_pem = (const char *)leaf->cert.data,
                                                        .key_pem = (const char *)leaf->key.data,
                                                        .ca_pem = (const char *)world->certs->ca.data,
                                                        .seal_key = world->seal_key};
    options->election_timeout_ms = ELECTION_MS;
    options->heartbeat_ms = HEARTBEAT_MS;
    options->snapshot_threshold = SNAPSHOT_THRESHOLD;
    options->snapshot_trailing = SNAPSHOT_TRAILING;
    options->digest_interval = DIGEST_INTERVAL;
    options->log_segment_size = LOG_SEGMENT_SIZE;
    options->planted = world->options->planted;
    options->on_fatal = on_fatal;
    options->fatal_context = node;
}

bool controller_is_damaged(const struct controller_host *node)
{
    bool there = node->flipped_path[0] != '\0' && pt_sim_durable_bit(node->world->sim, node->host, node->flipped_path,
                                                                     node->flipped_bit) == node->flipped_to;
    return node->damaged || there;
}

/* It would not start. */
static void start_failed(struct controller_host *node, const struct pt_error *error)
{
    struct world *world = node->world;
    tell(world, "%s: refuses to start: %s %s: %.120s", node->name, pt_code_name(error->code), error->field,
         error->text);
    bool faulty = node->disk_failing;
    bool damaged = controller_is_damaged(node);
    node->controller = NULL;
    node->state = HOST_UP; /* for the crash */
    controller_crash(node, false);
    if (damaged && error->code != PT_IO && error->code != PT_NO_SPACE) {
        node->state = HOST_BROKEN;
    } else if (!faulty) {
        violate(world, "%s: refuses to start though nothing was done to its disk: %s %s: %.150s", node->name,
                pt_code_name(error->code), error->field, error->text);
    }
}

void controller_start(struct controller_host *node)
{
    struct world *world = node->world;
    char peer[32], api[32], agent[32], name[32], path[16];
    pt_assert(node->controller == NULL);
    if (pt_sim_host(world->sim, node->host) == NULL) {
        pt_sim_restart(world->sim, node->host);
    }
    controller_addresses(node->host, peer, api, agent);
    (void)snprintf(name, sizeof(name), "controllers/c%u", node->number);
    (void)snprintf(path, sizeof(path), "/d%u", node->folder);
    struct pt_controller_options options = {.directory = path, .peer_address = peer};
    fill_options(node, &options);
    options.identity.name = name;
    pt_assert(pt_endpoint_parse(peer, &options.peer_listen, NULL) == PT_OK);
    pt_assert(pt_endpoint_parse(api, &options.api_listen, NULL) == PT_OK);
    pt_assert(pt_endpoint_parse(agent, &options.agent_listen, NULL) == PT_OK);
    node->fatal = node->stopped = node->seen_leading = false;
    node->seen_applied = node->seen_status_applied = 0;
    node->restart_ns = UINT64_MAX;
    struct pt_error error = {0};
    if (pt_controller_open(&options, &node->controller, &error) != PT_OK) {
        start_failed(node, &error);
        return;
    }
    node->state = HOST_UP;
    struct pt_raft_status status = pt_raft_status(pt_controller_raft(node->controller));
    tell(world, "%s: runs as %llu, term %llu, log to %llu, applied %llu%s", node->name,
         (unsigned long long)node->raft_id, (unsigned long long)status.term, (unsigned long long)status.last_index,
         (unsigned long long)status.applied_index, status.quarantined ? ", quarantined" : "");
}

void controller_crash(struct controller_host *node, bool power_loss)
{
    struct world *world = node->world;
    pt_assert(node->state == HOST_UP || node->state == HOST_STOPPING);
    pt_rpc_world_crash(world->net, node->host);
    pt_sim_crash(world->sim, node->host, power_loss);
    if (node->controller != NULL && !node->stopped) {
        pt_controller_abandon(node->controller);
    }
    node->controller = NULL;
    pt_sim_fail_disk(world->sim, node->host, 0, PT_OK, false);
    pt_sim_slow_disk(world->sim, node->host, 0);
    node->disk_failing = node->fatal = node->stopped = false;
    node->slow_until_ns = node->faulty_until_ns = 0;
    node->state = HOST_DOWN;
    node->restart_ns = now_ns(world) + (20 + draw(world, chance(world, 80) ? 400 : 3000)) * MS;
}

static void on_stopped(void *arg)
{
    struct controller_host *node = arg;
    node->stopped = true;
    node->world->attention = true;
}

void controller_stop(struct controller_host *node)
{
    node->state = HOST_STOPPING;
    pt_controller_close(node->controller, 500, on_stopped, node);
}

bool controller_serves(const struct controller_host *node)
{
    return node->state == HOST_UP && !node->fatal;
}

struct controller_host *leader_of(struct world *world)
{
    struct controller_host *leader = NULL;
    uint64_t term = 0;
    for (unsigned i = 0; i < CONTROLLERS_MAX; i++) {
        struct controller_host *node = &world->controllers[i];
        if (!controller_serves(node)) {
            continue;
        }
        struct pt_raft_status status = pt_raft_status(pt_controller_raft(node->controller));
        if (status.role == PT_RAFT_LEADER && status.term > term) {
            leader = node;
            term = status.term;
        }
    }
    return leader;
}

/* ---- edges ---------------------------------------------------------------------------------------------------- */

/* What the node has on its own disk since it enrolled. The addresses are those that it was given then. */
static void fill_files(struct edge_host *edge)
{
    struct world *world = edge->world;
    const struct leaf *leaf = &world->certs->edges[edge->number - 1];
    struct pt_node_files *files = &edge->files;
    pt_node_files_fini(files);
    *files = (struct pt_node_files){.raft_id = 0};
    (void)snprintf(files->cluster_id, sizeof(files->cluster_id), CLUSTER_ID);
    (void)snprintf(files->role, sizeof(files->role), "edge");
    (void)snprintf(files->node_id, sizeof(files->node_id), "edge/" ORG "/sites/s%u/edges/e1", edge->number);
    for (unsigned i = 0; i < CONTROLLERS_MAX; i++) {
        char peer[32], api[32], agent[32];
        unsigned from = (i + edge->first_address) % CONTROLLERS_MAX;
        controller_addresses(world->controllers[from].host, peer, api, agent);
        (void)snprintf(files->agent_addresses[i], sizeof(files->agent_addresses[i]), "%s", agent);
    }
    files->agent_addresses_len = CONTROLLERS_MAX;
    pt_buf_append(&files->key_pem, leaf->key.data, leaf->key.size);
    pt_buf_append(&files->cert_pem, leaf->cert.data, leaf->cert.size);
    pt_buf_append(&files->ca_pem, world->certs->ca.data, world->certs->ca.size);
    memcpy(files->bundle_key, world->bundle_public, sizeof(files->bundle_key));
}

void edge_start(struct edge_host *edge)
{
    struct world *world = edge->world;
    if (pt_sim_host(world->sim, edge->host) == NULL) {
        pt_sim_restart(world->sim, edge->host);
    }
    struct pt_sys *sys = pt_sim_host(world->sim, edge->host);
    pt_assert(pt_dir_make(sys, "/edge", NULL) == PT_OK);
    pt_assert(pt_dir_sync(sys, "/", NULL) == PT_OK);
    fill_files(edge);
    if (edge->dp == NULL) {
        edge->dp = pt_dp_sim_new();
    }
    const struct pt_agent_options options = {.sys = sys,
                                             .schema = world->schema,
                                             .log = &edge->log,
                                             .fabric = pt_rpc_world_host(world->net, edge->host),
                                             .directory = "/edge",
                                             .version = "simulated",
                                             .files = &edge->files,
                                             .dp = edge->dp,
                                             .planted = world->options->planted};
    pt_assert(pt_agent_open(&options, &edge->agent, NULL) == PT_OK);
    edge->state = HOST_UP;
    edge->restart_ns = UINT64_MAX;
}

void edge_crash(struct edge_host *edge, bool power_loss)
{
    struct world *world = edge->world;
    pt_assert(edge->state == HOST_UP);
    pt_rpc_world_crash(world->net, edge->host);
    pt_sim_crash(world->sim, edge->host, power_loss);
    pt_agent_abandon(edge->agent);
    edge->agent = NULL;
    if (power_loss) { /* what is pinned is in the kernel's memory */
        edge->dp->ops->close(edge->dp);
        edge->dp = NULL;
    }
    pt_sim_fail_disk(world->sim, edge->host, 0, PT_OK, false);
    edge->faulty_until_ns = 0;
    edge->state = HOST_DOWN;
    edge->restart_ns = now_ns(world) + (20 + draw(world, 1500)) * MS;
    edge->first_address = (unsigned)draw(world, CONTROLLERS_MAX);
}

/* ---- the world ------------------------------------------------------------------------------------------------ */

static uint64_t net_random(void *arg, uint64_t bound)
{
    struct world *world = arg;
    return pt_sim_random(world->sim, bound);
}

static void open_channels(struct world *world)
{
    for (unsigned i = 0; i < CONTROLLERS_MAX; i++) {
        char peer[32], api[32], agent[32];
        controller_addresses(world->controllers[i].host, peer, api, agent);
        const struct pt_rpc_channel_options options = {
            .address = api,
            .credentials = {.cert_pem = (const char *)world->certs->admin.cert.data,
                            .key_pem = (const char *)world->certs->admin.key.data,
                            .ca_pem = (const char *)world->certs->ca.data},
            .fabric = pt_rpc_world_host(world->net, world->client_host)};
        pt_assert(pt_rpc_channel_new(pt_sim_host(world->sim, world->client_host), &options, &world->channels[i],
                                     NULL) == PT_OK);
    }
}

void world_init(struct world *world, const struct options *options, const struct certs *certs,
                const struct pt_schema *schema)
{
    *world = (struct world){.options = options, .certs = certs, .schema = schema, .raft_id_next = 1};
    const struct pt_sim_options sim = {.seed = options->seed};
    world->sim = pt_sim_new(&sim);
    const struct pt_rpc_world_options net = {.random = net_random, .random_arg = world, .stall_ms = RPC_STALL_MS};
    world->net = pt_rpc_world_new(&net);
    for (unsigned i = 0; i < CONTROLLERS_MAX; i++) {
        struct controller_host *node = &world->controllers[i];
        *node = (struct controller_host){
            .world = world, .host = pt_sim_add_host(world->sim), .number = i + 1, .restart_ns = UINT64_MAX};
        (void)snprintf(node->name, sizeof(node->name), "c%u", i + 1);
        node->log = make_log(world, node->name);
    }
    world->edges_len = EDGES_MAX;
    for (unsigned i = 0; i < world->edges_len; i++) {
        struct edge_host *edge = &world->edges[i];
        *edge = (struct edge_host){
            .world = world, .host = pt_sim_add_host(world->sim), .number = i + 1, .restart_ns = UINT64_MAX};
        (void)snprintf(edge->name, sizeof(edge->name), "e%u", i + 1);
        edge->log = make_log(world, edge->name);
    }
    world->client_host = pt_sim_add_host(world->sim);
    world->client_log = make_log(world, "clients");
    open_channels(world);
}

void world_fini(struct world *world)
{
    for (unsigned i = 0; i < CONTROLLERS_MAX; i++) {
        pt_rpc_channel_free(world->channels[i]); /* tells whoever waits for an answer */
    }
    clients_fini(world);
    watchers_fini(world);
    operator_fini(world);
    tenants_fini(world);
    changer_fini(world);
    movers_fini(world);
    for (unsigned i = 0; i < CONTROLLERS_MAX; i++) {
        struct controller_host *node = &world->controllers[i];
        if (node->state == HOST_UP || node->state == HOST_STOPPING) {
            controller_crash(node, false);
        }
    }
    for (unsigned i = 0; i < world->edges_len; i++) {
        struct edge_host *edge = &world->edges[i];
        if (edge->state == HOST_UP) {
            edge_crash(edge, true);
        } else if (edge->dp != NULL) {
            edge->dp->ops->close(edge->dp);
        }
        pt_node_files_fini(&edge->files);
    }
    pt_rpc_world_crash(world->net, world->client_host);
    /* Let what is still on its way between dead hosts run out. */
    while (pt_rpc_world_calls(world->net) > 0 && pt_sim_step(world->sim, now_ns(world) + SECOND)) {
    }
    pt_rpc_world_free(world->net);
    pt_sim_free(world->sim);
}
