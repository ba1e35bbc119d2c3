/*
 * How a node finds the leader and renews its certificate, against controllers that are played by the test: three hosts
 * with both doors, of which each does what the test says. Time is virtual.
 */
#include "agent/agent_priv.h"
#include "base/assert.h"
#include "crypto/identity.h"
#include "patronus/v1/cluster.pb-c.h"
#include "rpc/rpc_sim.h"
#include "sys/sys_sim.h"
#include "tunnel/door_priv.h"

#include <arpa/inet.h>
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EDGE "organizations/acme/sites/nyc/edges/e1"
#define CLUSTER "c-1"
#define SPIFFE "spiffe://" CLUSTER "/edge/" EDGE
#define CONTROLLERS 2
#define SECOND 1000000000ULL
#define HOUR_NS (3600LL * 1000000000LL)
#define TUNNEL_PROGRAM "/bin/true" /* a tunnel process that ends at once: the test plays the one that is there */

enum manner { LEADS, LEADS_ONE, POINTS_AT_THE_OTHER, SILENT }; /* _ONE: one stream at a time */
enum signing { SIGNS, SIGNS_FOR_ANOTHER, SIGNS_ANOTHER_KEY, REFUSES };

struct world;

struct controller {
    struct world *world;
    struct pt_rpc_server *server;
    enum manner manner;
    struct pt_rpc_call *newest; /* LEADS_ONE */
    unsigned dials, hellos, ends, telemetry, renewals;
    uint8_t key[PT_X25519_SIZE]; /* of tunnels, as the newest hello said */
    size_t key_size;
    unsigned first_paths, whole, alone; /* in the first report; reports of both links' paths; of a dead one */
};

/* Two links of the node, with a neighbour at the other end of each, and what the kernel was told of them. */
#define LINKS 2
struct lines {
    struct pt_hello_io io; /* first: hellos go out by it */
    struct pt_sys *sys;
    bool cut[LINKS];
    bool held[LINKS];
    unsigned used; /* link that leads to the controllers; 0: none was told */
    bool cannot_hold;
};

struct world {
    struct pt_sim *sim;
    struct pt_rpc_world *net;
    struct pt_schema *schema;
    struct pt_log log;
    struct pt_buf ca_key, ca_cert, key, cert; /* the key and certificate of both controllers */
    struct controller controllers[CONTROLLERS];
    enum signing signing;
    struct pt_node_files files;
    struct pt_dp *dp;
    struct lines lines;
    struct pt_agent_tunnel *tunnel; /* NULL: nothing is sealed */
    struct pt_agent *agent;
    unsigned host;
};

static uint64_t net_random(void *arg, uint64_t bound)
{
    return pt_sim_random(arg, bound);
}

static void no_line(void *context, enum pt_log_level level, const char *line)
{
    (void)context, (void)level, (void)line;
}

static const char *pem(const struct pt_buf *buf)
{
    return (const char *)buf->data;
}

static struct pt_sys *sys_of(const struct world *world)
{
    return pt_sim_host(world->sim, world->host);
}

static void run_for_ms(struct world *world, uint64_t ms)
{
    uint64_t end_ns = pt_sim_now_ns(world->sim) + ms * 1000000;
    while (pt_sim_step(world->sim, end_ns)) {
    }
}

/* ---- controllers --------------------------------------------------------------------------------------------------
 */

static void sign(const struct world *world, const char *spiffe_id, struct pt_bytes csr, struct pt_buf *ret_cert)
{
    static const char *const dns[] = {PT_RPC_SERVER_NAME};
    const struct pt_leaf_options options = {.spiffe_id = spiffe_id,
                                            .now_ns = pt_sys_wall_ns(sys_of(world)),
                                            .lifetime_ns = strstr(spiffe_id, "/edge/") != NULL ? HOUR_NS : 24 * HOUR_NS,
                                            .dns = dns,
                                            .dns_len = 1,
                                            .serial = 5};
    ck_assert_int_eq(pt_leaf_sign(pem(&world->ca_key), pem(&world->ca_cert), csr, &options, ret_cert, NULL), PT_OK);
}

static void send_to_node(struct pt_rpc_call *call, const Patronus__V1__ControllerMessage *message)
{
    PT_AUTO(buf) struct pt_buf data = {0};
    size_t size = patronus__v1__controller_message__get_packed_size(message);
    (void)patronus__v1__controller_message__pack(message, pt_buf_reserve(&data, size));
    data.size = size;
    (void)pt_rpc_call_send(call, pt_buf_bytes(&data));
}

static void on_call(void *arg, struct pt_rpc_call *call)
{
    struct controller *controller = arg;
    struct world *world = controller->world;
    if (pt_rpc_call_info(call)->door == PT_DOOR_API) {
        ck_assert_ptr_null(pt_rpc_call_info(call)->peer); /* renewal proves the key, not the old certificate */
        pt_rpc_call_expect_one(call);
        return;
    }
    controller->dials++;
    Patronus__V1__ControllerMessage message = PATRONUS__V1__CONTROLLER_MESSAGE__INIT;
    Patronus__V1__NotLeader not_leader = PATRONUS__V1__NOT_LEADER__INIT;
    Patronus__V1__ControllerList list = PATRONUS__V1__CONTROLLER_LIST__INIT;
    char *agents[] = {(char *)"10.0.0.2:7402", (char *)"10.0.0.1:7402", (char *)"not an address"};
    char *apis[] = {(char *)"10.0.0.2:7400"};
    if (controller->manner == POINTS_AT_THE_OTHER) {
        not_leader.agent_address = (char *)(controller == &world->controllers[0] ? "10.0.0.2:7402" : "10.0.0.1:7402");
        message.message_case = PATRONUS__V1__CONTROLLER_MESSAGE__MESSAGE_NOT_LEADER;
        message.not_leader = &not_leader;
        send_to_node(call, &message);
        pt_rpc_call_finish(call, NULL);
    } else if (controller->manner == LEADS_ONE) {
        const struct pt_error taken = {.code = PT_ABORTED, .text = "a newer stream of this node took over"};
        if (controller->newest != NULL) {
            pt_rpc_call_finish(controller->newest, &taken);
        }
        controller->newest = call;
    } else if (controller->manner == LEADS) {
        list.n_agent_addresses = 3;
        list.agent_addresses = agents;
        list.n_api_addresses = 1;
        list.api_addresses = apis;
        message.message_case = PATRONUS__V1__CONTROLLER_MESSAGE__MESSAGE_CONTROLLERS;
        message.controllers = &list;
        send_to_node(call, &message);
    }
}

static void renew(struct controller *controller, struct pt_rpc_call *call, struct pt_bytes data)
{
    struct world *world = controller->world;
    struct pt_error error = {0};
    controller->renewals++;
    if (world->signing == REFUSES) {
        (void)pt_fail(&error, PT_PERMISSION_DENIED, PT_REASON_PERMISSION_MISSING, NULL, "no");
        pt_rpc_call_finish(call, &error);
        return;
    }
    Patronus__V1__RenewRequest *request = patronus__v1__renew_request__unpack(NULL, data.size, data.data);
    ck_assert_ptr_nonnull(request);
    struct pt_bytes csr = {.data = request->csr.data, .size = request->csr.len};
    PT_AUTO(buf) struct pt_buf other_csr = {0};
    PT_AUTO(buf) struct pt_buf cert = {0};
    if (world->signing == SIGNS_ANOTHER_KEY) {
        ck_assert_int_eq(pt_csr_new(pem(&world->key), &other_csr, NULL), PT_OK);
        csr = pt_buf_bytes(&other_csr);
    }
    sign(world, world->signing == SIGNS_FOR_ANOTHER ? SPIFFE "x" : SPIFFE, csr, &cert);
    Patronus__V1__RenewResponse response = PATRONUS__V1__RENEW_RESPONSE__INIT;
    response.certificate_pem = (char *)cert.data;
    response.ca_pem = (char *)world->ca_cert.data;
    PT_AUTO(buf) struct pt_buf reply = {0};
    size_t size = patronus__v1__renew_response__get_packed_size(&response);
    (void)patronus__v1__renew_response__pack(&response, pt_buf_reserve(&reply, size));
    reply.size = size;
    (void)pt_rpc_call_send(call, pt_buf_bytes(&reply));
    pt_rpc_call_finish(call, NULL);
    patronus__v1__renew_request__free_unpacked(request, NULL);
}

static void on_message(void *arg, struct pt_rpc_call *call, struct pt_bytes data)
{
    struct controller *controller = arg;
    if (pt_rpc_call_info(call)->door == PT_DOOR_API) {
        renew(controller, call, data);
        return;
    }
    Patronus__V1__EdgeMessage *message = patronus__v1__edge_message__unpack(NULL, data.size, data.data);
    ck_assert_ptr_nonnull(message);
    if (message->message_case == PATRONUS__V1__EDGE_MESSAGE__MESSAGE_TELEMETRY) {
        const Patronus__V1__Telemetry *said = message->telemetry;
        controller->first_paths = controller->telemetry++ == 0 ? (unsigned)said->n_paths : controller->first_paths;
        controller->whole += said->n_paths == LINKS;
        controller->alone += said->n_paths == 1 && !said->paths[0]->alive;
    }
    if (message->message_case == PATRONUS__V1__EDGE_MESSAGE__MESSAGE_HELLO) {
        controller->hellos++;
        controller->key_size = message->hello->tunnel_public_key.len;
        if (controller->key_size == sizeof(controller->key)) {
            memcpy(controller->key, message->hello->tunnel_public_key.data, sizeof(controller->key));
        }
        if (controller->manner == LEADS || controller->manner == LEADS_ONE) {
            Patronus__V1__ControllerMessage answer = PATRONUS__V1__CONTROLLER_MESSAGE__INIT;
            Patronus__V1__ControllerList list = PATRONUS__V1__CONTROLLER_LIST__INIT;
            answer.message_case = PATRONUS__V1__CONTROLLER_MESSAGE__MESSAGE_CONTROLLERS;
            answer.controllers = &list;
            send_to_node(call, &answer);
        }
    }
    patronus__v1__edge_message__free_unpacked(message, NULL);
}

static void on_end(void *arg, struct pt_rpc_call *call, bool cancelled)
{
    (void)cancelled;
    struct controller *controller = arg;
    controller->ends += pt_rpc_call_info(call)->door == PT_DOOR_AGENT;
    controller->newest = controller->newest == call ? NULL : controller->newest;
}

static void controller_open(struct world *world, unsigned number)
{
    static const struct pt_rpc_handler handler = {.on_call = on_call, .on_message = on_message, .on_end = on_end};
    struct controller *controller = &world->controllers[number];
    controller->world = world;
    const struct pt_rpc_listen listens[] = {
        {.address = {.ip = pt_ip_from_v4(0x0a000001 + number), .port = 7400}, .door = PT_DOOR_API},
        {.address = {.ip = pt_ip_from_v4(0x0a000001 + number), .port = 7402}, .door = PT_DOOR_AGENT}};
    const struct pt_rpc_server_options options = {
        .listens = listens,
        .listens_len = 2,
        .credentials = {.cert_pem = pem(&world->cert), .key_pem = pem(&world->key), .ca_pem = pem(&world->ca_cert)},
        .handler = &handler,
        .handler_arg = controller,
        .fabric = pt_rpc_world_host(world->net, number)};
    ck_assert_int_eq(pt_rpc_server_new(pt_sim_host(world->sim, number), &options, &controller->server, NULL), PT_OK);
}

/* ---- links --------------------------------------------------------------------------------------------------------
 */

static struct pt_ip address_of(unsigned link)
{
    return pt_ip_from_v4(0xc0000200 + link);
}

static enum pt_code set_links(struct pt_hello_io *io, const Patronus__V1__LinkEntry *const *links, size_t len,
                              struct pt_error *reterr)
{
    (void)io, (void)links, (void)len, (void)reterr;
    return PT_OK;
}

struct answer {
    struct lines *lines;
    struct pt_timer *timer;
    unsigned link;
    uint8_t data[sizeof(struct pt_geneve) + sizeof(struct pt_hello_packet)];
};

static void deliver(void *arg)
{
    struct answer *answer = arg;
    struct pt_ip from = pt_ip_from_v4(0xc0000210 + answer->link);
    if (answer->lines->io.on_packet != NULL) {
        answer->lines->io.on_packet(answer->lines->io.arg, answer->link, &from, answer->data, sizeof(answer->data));
    }
    pt_timer_free(answer->timer);
    free(answer);
}

/* The neighbour answers after 5 ms, unless the link is cut. */
static void send_request(struct pt_hello_io *io, uint32_t link, const struct pt_ip *remote, uint16_t port,
                         const void *data, size_t size)
{
    struct lines *lines = (struct lines *)io;
    (void)remote, (void)port;
    if (lines->cut[link - 1]) {
        return;
    }
    struct answer *answer = calloc(1, sizeof(*answer));
    struct pt_geneve geneve = {.flags = PT_GENEVE_CONTROL, .protocol = htons(PT_HELLO_PROTOCOL)};
    struct pt_hello_packet packet;
    ck_assert_uint_ge(size, sizeof(packet));
    memcpy(&packet, (const uint8_t *)data + size - sizeof(packet), sizeof(packet));
    packet.type = PT_HELLO_REPLY;
    memcpy(answer->data, &geneve, sizeof(geneve));
    memcpy(answer->data + sizeof(geneve), &packet, sizeof(packet));
    answer->lines = lines;
    answer->link = link;
    answer->timer = pt_timer_new(lines->sys, deliver, answer);
    pt_timer_start(answer->timer, 5, 0);
}

static unsigned link_of(const struct pt_ip *source)
{
    return pt_ip_to_v4(source) - 0xc0000200;
}

static void use_link(void *context, const struct pt_ip *controller, const char *interface, const struct pt_ip *source,
                     const struct pt_ip *gateway)
{
    (void)controller, (void)interface, (void)gateway;
    ((struct lines *)context)->used = link_of(source);
}

static bool hold_link(void *context, const struct pt_ip *controller, const char *interface, const struct pt_ip *source,
                      const struct pt_ip *gateway)
{
    struct lines *lines = context;
    (void)controller, (void)interface, (void)gateway;
    lines->held[link_of(source) - 1] = !lines->cannot_hold;
    return !lines->cannot_hold;
}

static bool source_to(void *context, const struct pt_ip *controller, struct pt_ip *ret_source)
{
    const struct lines *lines = context;
    (void)controller;
    *ret_source = address_of(lines->used);
    return lines->used != 0;
}

static struct pt_bundle *bundle_with_links(void)
{
    Patronus__V1__NodeEntry node = PATRONUS__V1__NODE_ENTRY__INIT;
    Patronus__V1__LinkEntry links[LINKS];
    Patronus__V1__TunnelEntry tunnels[LINKS];
    Patronus__V1__PathEntry paths[LINKS];
    Patronus__V1__Entry entries[1 + 3 * LINKS], *list[1 + 3 * LINKS];
    struct pt_ip own[LINKS], remote[LINKS];
    node.site_label = 1;
    node.geneve_port = 6081;
    node.hello_interval_ms = 100;
    node.hello_multiplier = 3;
    for (unsigned i = 0; i < 1 + 3 * LINKS; i++) {
        patronus__v1__entry__init(&entries[i]);
        list[i] = &entries[i];
    }
    entries[0].entry_case = PATRONUS__V1__ENTRY__ENTRY_NODE;
    entries[0].node = &node;
    for (unsigned i = 0; i < LINKS; i++) {
        own[i] = address_of(i + 1);
        remote[i] = pt_ip_from_v4(0xc0000211 + i);
        patronus__v1__link_entry__init(&links[i]);
        patronus__v1__tunnel_entry__init(&tunnels[i]);
        patronus__v1__path_entry__init(&paths[i]);
        links[i].link = tunnels[i].link = i + 1;
        links[i].interface = (char *)"wan";
        links[i].address = (ProtobufCBinaryData){.len = 16, .data = own[i].bytes};
        tunnels[i].tunnel = paths[i].tunnel = 11 + i;
        tunnels[i].remote = (ProtobufCBinaryData){.len = 16, .data = remote[i].bytes};
        tunnels[i].remote_site = 2;
        paths[i].path = 21 + i;
        entries[1 + i].entry_case = PATRONUS__V1__ENTRY__ENTRY_LINK;
        entries[1 + i].link = &links[i];
        entries[1 + LINKS + i].entry_case = PATRONUS__V1__ENTRY__ENTRY_TUNNEL;
        entries[1 + LINKS + i].tunnel = &tunnels[i];
        entries[1 + 2 * LINKS + i].entry_case = PATRONUS__V1__ENTRY__ENTRY_PATH;
        entries[1 + 2 * LINKS + i].path = &paths[i];
    }
    return pt_bundle_new(list, 1 + 3 * LINKS);
}

/* ---- the node -----------------------------------------------------------------------------------------------------
 */

static void make_files(struct world *world)
{
    struct pt_node_files *files = &world->files;
    PT_AUTO(buf) struct pt_buf csr = {0};
    ck_assert_int_eq(pt_key_new(&files->key_pem, NULL), PT_OK);
    ck_assert_int_eq(pt_csr_new(pem(&files->key_pem), &csr, NULL), PT_OK);
    sign(world, SPIFFE, pt_buf_bytes(&csr), &files->cert_pem);
    pt_buf_append_str(&files->ca_pem, pem(&world->ca_cert));
    (void)snprintf(files->cluster_id, sizeof(files->cluster_id), CLUSTER);
    (void)snprintf(files->role, sizeof(files->role), "edge");
    (void)snprintf(files->node_id, sizeof(files->node_id), "edge/" EDGE);
    (void)snprintf(files->agent_addresses[0], sizeof(files->agent_addresses[0]), "10.0.0.1:7402");
    files->agent_addresses_len = 1;
    (void)snprintf(files->api_addresses[0], sizeof(files->api_addresses[0]), "10.0.0.1:7400");
    files->api_addresses_len = 1;
    ck_assert_int_eq(pt_node_create(sys_of(world), "/edge", files, NULL), PT_OK);
}

/* socket: where a tunnel process may be found; NULL: nothing is sealed. */
static void world_init_sealing(struct world *world, enum manner first, enum manner second, const char *socket)
{
    *world = (struct world){.log = {.level_min = PT_LOG_ERROR, .sink = no_line, .node = "e1"}};
    const struct pt_sim_options sim = {.seed = 5};
    world->sim = pt_sim_new(&sim);
    const struct pt_rpc_world_options net = {.random = net_random, .random_arg = world->sim};
    world->net = pt_rpc_world_new(&net);
    for (unsigned i = 0; i <= CONTROLLERS; i++) {
        world->host = pt_sim_add_host(world->sim);
    }
    ck_assert_int_eq(pt_schema_new(pt_schema_embedded(), &world->schema, NULL), PT_OK);
    int64_t now = pt_sys_wall_ns(sys_of(world));
    ck_assert_int_eq(pt_ca_new(CLUSTER, now, &world->ca_key, &world->ca_cert, NULL), PT_OK);
    PT_AUTO(buf) struct pt_buf csr = {0};
    ck_assert_int_eq(pt_key_new(&world->key, NULL), PT_OK);
    ck_assert_int_eq(pt_csr_new(pem(&world->key), &csr, NULL), PT_OK);
    sign(world, "spiffe://" CLUSTER "/controller/c1", pt_buf_bytes(&csr), &world->cert);
    for (unsigned i = 0; i < CONTROLLERS; i++) {
        controller_open(world, i);
    }
    world->controllers[0].manner = first;
    world->controllers[1].manner = second;
    make_files(world);
    world->dp = pt_dp_sim_new();
    world->lines.io = (struct pt_hello_io){.set_links = set_links, .send = send_request};
    world->lines.sys = sys_of(world);
    const struct pt_agent_tunnel_options tunnel = {.sys = sys_of(world),
                                                   .log = &world->log,
                                                   .dp = world->dp,
                                                   .socket = socket,
                                                   .program = TUNNEL_PROGRAM,
                                                   .data = "/edge",
                                                   .log_level = "error"};
    world->tunnel = socket != NULL ? pt_agent_tunnel_new(&tunnel) : NULL;
    const struct pt_agent_options options = {
        .sys = sys_of(world),
        .schema = world->schema,
        .log = &world->log,
        .fabric = pt_rpc_world_host(world->net, world->host),
        .directory = "/edge",
        .version = "test",
        .files = &world->files,
        .dp = world->dp,
        .hello_io = &world->lines.io,
        .tunnel = world->tunnel,
        .routes = {.context = &world->lines, .use_link = use_link, .hold_link = hold_link, .source_to = source_to}};
    ck_assert_int_eq(pt_agent_open(&options, &world->agent, NULL), PT_OK);
}

static void world_init(struct world *world, enum manner first, enum manner second)
{
    world_init_sealing(world, first, second, NULL);
}

static void count_close(void *arg)
{
    ++*(unsigned *)arg;
}

static void world_fini(struct world *world)
{
    unsigned closed = 0;
    pt_agent_close(world->agent);
    for (unsigned i = 0; i < CONTROLLERS; i++) {
        pt_rpc_server_close(world->controllers[i].server, 10, count_close, &closed);
    }
    while (closed < CONTROLLERS) {
        ck_assert(pt_sim_step(world->sim, UINT64_MAX));
    }
    pt_agent_tunnel_free(world->tunnel);
    world->dp->ops->close(world->dp);
    pt_node_files_fini(&world->files);
    pt_auto_secret(&world->ca_key);
    pt_auto_secret(&world->key);
    pt_buf_fini(&world->ca_cert);
    pt_buf_fini(&world->cert);
    pt_rpc_world_free(world->net);
    pt_schema_free(world->schema);
    pt_sim_free(world->sim);
}

static int64_t expiry_on_disk(const struct world *world)
{
    struct pt_node_files files = {.raft_id = 0};
    ck_assert_int_eq(pt_node_load(sys_of(world), "/edge", &files, NULL), PT_OK);
    struct pt_leaf_info info;
    ck_assert_int_eq(pt_leaf_read(pem(&files.cert_pem), NULL, 0, true, &info, NULL), PT_OK);
    pt_node_files_fini(&files);
    return info.not_after_ns;
}

/* ---- finding the leader -------------------------------------------------------------------------------------------
 */

START_TEST(a_redirect_is_followed_at_once)
{
    struct world world;
    world_init(&world, POINTS_AT_THE_OTHER, LEADS);
    run_for_ms(&world, 100);
    ck_assert(pt_agent_connected(world.agent));
    ck_assert_uint_eq(world.controllers[0].dials, 1);
    ck_assert_uint_eq(world.controllers[1].dials, 1);
    ck_assert_uint_ge(world.controllers[1].telemetry, 1);
    run_for_ms(&world, 5000);
    ck_assert_uint_ge(world.controllers[1].telemetry, 5); /* one a second */
    ck_assert_uint_le(world.controllers[1].telemetry, 7);
    world_fini(&world);
}
END_TEST

/* Two controllers that each take the other for the leader: the node does not spin between them. */
START_TEST(controllers_that_point_at_each_other_are_not_flooded)
{
    struct world world;
    world_init(&world, POINTS_AT_THE_OTHER, POINTS_AT_THE_OTHER);
    run_for_ms(&world, 20000);
    ck_assert(!pt_agent_connected(world.agent));
    unsigned dials = world.controllers[0].dials + world.controllers[1].dials;
    ck_assert_uint_ge(dials, 10);
    ck_assert_uint_le(dials, 100);
    world.controllers[1].manner = LEADS;
    run_for_ms(&world, 3000);
    ck_assert(pt_agent_connected(world.agent));
    world_fini(&world);
}
END_TEST

/* The stream opens and nothing comes: the next address is tried after three seconds. */
START_TEST(a_silent_controller_is_given_up)
{
    struct world world;
    world_init(&world, LEADS, LEADS);
    run_for_ms(&world, 100);
    ck_assert_uint_eq(world.files.agent_addresses_len, 2); /* told by the first; the unsound one left out */
    ck_assert_str_eq(world.files.agent_addresses[0], "10.0.0.2:7402");
    ck_assert_str_eq(world.files.api_addresses[0], "10.0.0.2:7400");
    struct pt_node_files kept = {.raft_id = 0};
    ck_assert_int_eq(pt_node_load(sys_of(&world), "/edge", &kept, NULL), PT_OK);
    ck_assert_str_eq(kept.agent_addresses[0], "10.0.0.2:7402");
    ck_assert_str_eq(kept.api_addresses[0], "10.0.0.2:7400");
    pt_node_files_fini(&kept);
    world.controllers[1].manner = SILENT;
    pt_rpc_world_partition(world.net, 0, world.host, true); /* the stream breaks eight seconds later */
    run_for_ms(&world, 15000);
    pt_rpc_world_partition(world.net, 0, world.host, false);
    run_for_ms(&world, 15000);
    ck_assert_uint_ge(world.controllers[1].dials, 1);
    ck_assert(pt_agent_connected(world.agent));
    ck_assert_uint_ge(world.controllers[0].dials, 2);
    world_fini(&world);
}
END_TEST

/* ---- the key of tunnels -------------------------------------------------------------------------------------------
 */

/* A tunnel process as the agent sees it: it says its key, and does whatever it is told. */
struct process {
    int fd; /* listens */
    pthread_t thread;
    uint8_t key[PT_X25519_SIZE]; /* changed only while nobody asks */
};

static bool answer_one(const struct process *process, int fd)
{
    struct pt_door_header header;
    PT_AUTO(buf) struct pt_buf body = {0};
    if (!pt_door_read_all(fd, &header, sizeof(header)) ||
        !pt_door_read_all(fd, pt_buf_reserve(&body, header.size + 1), header.size)) {
        return false;
    }
    if (header.kind == PT_DOOR_STATUS) {
        struct pt_door_status status = {0};
        pt_door_program_of(TUNNEL_PROGRAM, &status.program);
        memcpy(status.public_key, process->key, sizeof(status.public_key));
        pt_buf_append(&body, &status, sizeof(status));
    } else {
        const struct pt_door_answer done = {.code = PT_OK};
        pt_buf_append(&body, &done, sizeof(done));
    }
    return pt_door_send_message(fd, (enum pt_door_kind)header.kind, &body);
}

static void *process_run(void *arg)
{
    const struct process *process = arg;
    int fd;
    while ((fd = accept(process->fd, NULL, NULL)) >= 0) {
        while (answer_one(process, fd)) {
        }
        (void)close(fd);
    }
    return NULL;
}

static void process_start(struct process *process, const char *path, uint8_t key)
{
    struct sockaddr_un address;
    memset(process->key, key, sizeof(process->key));
    ck_assert(pt_door_address(path, &address));
    process->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(process->fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(process->fd, 4), 0);
    ck_assert_int_eq(pthread_create(&process->thread, NULL, process_run, process), 0);
}

/* After the agent has hung up. */
static void process_end(struct process *process)
{
    (void)shutdown(process->fd, SHUT_RDWR);
    ck_assert_int_eq(pthread_join(process->thread, NULL), 0);
    (void)close(process->fd);
}

/* On a machine under load the process takes longer to start than the first hello waits for it. */
START_TEST(a_key_that_comes_after_the_hello_is_told)
{
    struct world world;
    struct process process;
    char folder[] = "/tmp/patronus-key-XXXXXX", path[sizeof(folder) + 8];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/socket", folder);
    world_init_sealing(&world, LEADS, LEADS, path);
    const struct controller *leader = &world.controllers[0];
    run_for_ms(&world, 3000);
    ck_assert(pt_agent_connected(world.agent));
    ck_assert_uint_eq(leader->hellos, 1);
    ck_assert_uint_eq(leader->key_size, 0);
    process_start(&process, path, 0x11);
    run_for_ms(&world, 3000);
    ck_assert_uint_eq(leader->hellos, 2);
    ck_assert_uint_eq(leader->key_size, PT_X25519_SIZE);
    ck_assert_mem_eq(leader->key, process.key, PT_X25519_SIZE);
    run_for_ms(&world, 10000); /* once is enough */
    ck_assert_uint_eq(leader->hellos, 2);
    memset(process.key, 0x22, sizeof(process.key)); /* one that lost its file */
    run_for_ms(&world, 3000);
    ck_assert_uint_eq(leader->hellos, 3);
    ck_assert_mem_eq(leader->key, process.key, PT_X25519_SIZE);
    ck_assert_uint_eq(leader->dials, 1);
    world_fini(&world);
    process_end(&process);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

static void controllers_leave(struct world *world)
{
    unsigned closed = 0;
    for (unsigned i = 0; i < CONTROLLERS; i++) {
        pt_rpc_server_close(world->controllers[i].server, 10, count_close, &closed);
    }
    while (closed < CONTROLLERS) {
        ck_assert(pt_sim_step(world->sim, UINT64_MAX));
    }
}

/* Both come back, with certificates that are signed anew. */
static void controllers_return(struct world *world)
{
    PT_AUTO(buf) struct pt_buf csr = {0};
    pt_buf_reset(&world->cert);
    ck_assert_int_eq(pt_csr_new(pem(&world->key), &csr, NULL), PT_OK);
    sign(world, "spiffe://" CLUSTER "/controller/c1", pt_buf_bytes(&csr), &world->cert);
    for (unsigned i = 0; i < CONTROLLERS; i++) {
        world->controllers[i].renewals = world->controllers[i].telemetry = 0;
        controller_open(world, i);
    }
}

/* ---- the second connection ----------------------------------------------------------------------------------------
 */

static void give_links(struct world *world)
{
    world->agent->bundle = bundle_with_links();
    pt_agent_settle(world->agent);
}

/* Open by the other link, silent; it takes over without a dial when the first one's link dies, and a new one is opened
 * when there is another link for it. */
START_TEST(a_second_connection_takes_over_when_the_link_dies)
{
    struct world world;
    struct controller *controller = &world.controllers[0];
    world_init(&world, LEADS, LEADS);
    give_links(&world);
    run_for_ms(&world, 900);
    ck_assert(pt_agent_connected(world.agent));
    ck_assert_uint_eq(controller->dials, 1);
    unsigned first = world.lines.used;
    run_for_ms(&world, 2000);
    ck_assert_uint_eq(controller->dials, 2);
    ck_assert_uint_eq(controller->hellos, 1);
    ck_assert(world.lines.held[0] && world.lines.held[1]);
    ck_assert_uint_eq(world.lines.used, first); /* for whatever else asks controllers */
    world.lines.cut[first - 1] = true;
    run_for_ms(&world, 500); /* three hellos, and no dial */
    ck_assert(pt_agent_connected(world.agent));
    ck_assert_uint_eq(controller->dials, 2);
    ck_assert_uint_eq(controller->hellos, 2);
    ck_assert_uint_eq(controller->ends, 1);
    run_for_ms(&world, 5000);
    ck_assert_uint_eq(controller->dials, 2); /* there is no other link */
    world.lines.cut[first - 1] = false;
    run_for_ms(&world, 5000);
    ck_assert_uint_eq(controller->dials, 3);
    ck_assert_uint_eq(controller->hellos, 2);
    ck_assert_uint_eq(controller->ends, 1);
    world.lines.cut[2 - first] = true; /* and back */
    run_for_ms(&world, 500);
    ck_assert(pt_agent_connected(world.agent));
    ck_assert_uint_eq(controller->dials, 3);
    ck_assert_uint_eq(controller->hellos, 3);
    ck_assert_uint_eq(world.controllers[1].dials, 0);
    world_fini(&world);
}
END_TEST

/* The dead path at once; everything 300 ms later. To a controller that was dialled anew everything first. */
START_TEST(a_death_is_told_alone_and_the_rest_after_it)
{
    struct world world;
    struct controller *controller = &world.controllers[0];
    world_init(&world, LEADS, LEADS);
    give_links(&world);
    run_for_ms(&world, 3000);
    ck_assert(controller->alone == 0 && controller->whole >= 2);
    world.lines.cut[world.lines.used - 1] = true;
    for (; controller->alone == 0; run_for_ms(&world, 1)) { /* ctest's limit ends it */
    }
    controller->whole = 0;
    run_for_ms(&world, 350);
    ck_assert_uint_eq(controller->whole, 1);
    controllers_leave(&world);
    world.lines.cut[0] = !(world.lines.cut[1] = world.lines.cut[0]); /* one is back, the other dies: one path of two */
    run_for_ms(&world, 2000);
    controllers_return(&world);
    run_for_ms(&world, 5000);
    ck_assert_uint_eq(world.controllers[controller->telemetry > 0 ? 0 : 1].first_paths, LINKS);
    world_fini(&world);
}
END_TEST

/* Its own link dies first: it is left, and the live connection does not notice. */
START_TEST(a_second_connection_whose_link_dies_is_left)
{
    struct world world;
    struct controller *controller = &world.controllers[0];
    world_init(&world, LEADS, LEADS);
    give_links(&world);
    run_for_ms(&world, 3000);
    ck_assert_uint_eq(controller->dials, 2);
    world.lines.cut[2 - world.lines.used] = true;
    run_for_ms(&world, 450); /* three hellos: the leader hears of it, and what can wait does */
    ck_assert_uint_eq(controller->ends, 0);
    run_for_ms(&world, 550);
    ck_assert_uint_eq(controller->ends, 1);
    run_for_ms(&world, 1000);
    ck_assert_uint_eq(controller->dials, 2);
    ck_assert_uint_eq(controller->hellos, 1);
    world.lines.cut[world.lines.used - 1] = true; /* nothing is left: it stays with what it has */
    run_for_ms(&world, 1000);
    ck_assert_uint_eq(controller->hellos, 1);
    world_fini(&world);
}
END_TEST

/* A kernel without rules would lead both connections by one link. */
START_TEST(there_is_no_second_connection_where_two_links_cannot_be_held)
{
    struct world world;
    world_init(&world, LEADS, LEADS);
    world.lines.cannot_hold = true;
    give_links(&world);
    run_for_ms(&world, 20000);
    ck_assert(pt_agent_connected(world.agent));
    ck_assert_uint_eq(world.controllers[0].dials, 1);
    world.lines.cut[world.lines.used - 1] = true;
    run_for_ms(&world, 1000);
    ck_assert(pt_agent_connected(world.agent)); /* by a new one */
    ck_assert_uint_eq(world.controllers[0].dials, 2);
    ck_assert_uint_eq(world.controllers[0].hellos, 2);
    world_fini(&world);
}
END_TEST

/* An older controller ends the first stream when a second opens: it is offered none any more. */
START_TEST(a_controller_that_takes_one_stream_is_not_offered_two)
{
    struct world world;
    struct controller *controller = &world.controllers[0];
    world_init(&world, LEADS_ONE, LEADS_ONE);
    give_links(&world);
    run_for_ms(&world, 60000);
    ck_assert(pt_agent_connected(world.agent));
    ck_assert_uint_eq(controller->dials, 3); /* the first, the second that ended it, and one that stayed */
    ck_assert_uint_eq(controller->hellos, 2);
    world_fini(&world);
}
END_TEST

/* ---- renewal ------------------------------------------------------------------------------------------------------
 */

START_TEST(the_certificate_is_renewed_at_half_life)
{
    struct world world;
    world_init(&world, LEADS, LEADS);
    int64_t first = expiry_on_disk(&world);
    run_for_ms(&world, 25ULL * 60 * 1000);
    ck_assert_uint_eq(world.controllers[0].renewals + world.controllers[1].renewals, 0);
    run_for_ms(&world, 10ULL * 60 * 1000);
    ck_assert_uint_eq(world.controllers[1].renewals, 1); /* at the address that the leader told */
    ck_assert_int_gt(expiry_on_disk(&world), first);
    /* And again; it is never without a valid one. */
    run_for_ms(&world, 3ULL * 3600 * 1000);
    ck_assert_int_gt(expiry_on_disk(&world), pt_sys_wall_ns(sys_of(&world)));
    ck_assert_uint_le(world.controllers[1].renewals, 8);
    world_fini(&world);
}
END_TEST

START_TEST(a_certificate_that_is_not_its_own_is_refused)
{
    static const enum signing wrong[] = {SIGNS_FOR_ANOTHER, SIGNS_ANOTHER_KEY, REFUSES};
    for (size_t i = 0; i < 3; i++) {
        struct world world;
        world_init(&world, LEADS, LEADS);
        world.signing = wrong[i];
        int64_t first = expiry_on_disk(&world);
        run_for_ms(&world, 40ULL * 60 * 1000);
        ck_assert_int_eq(expiry_on_disk(&world), first);
        ck_assert_uint_ge(world.controllers[1].renewals, 10); /* each five seconds */
        world.signing = SIGNS;
        run_for_ms(&world, 6000);
        ck_assert_int_gt(expiry_on_disk(&world), first);
        world_fini(&world);
    }
}
END_TEST

/* Alone: its certificate expires in the first hour. It goes on asking, says nothing with it, and needs
 * nobody's help when a controller is back: a new certificate within two tries, and the stream after it. */
START_TEST(a_node_that_was_alone_longer_than_its_certificate_renews_without_help)
{
    static const unsigned lengths_min[] = {90, 30 * 60}; /* each try costs real signatures: days take minutes */
    for (size_t i = 0; i < (getenv("PT_LONG") != NULL ? 2 : 1); i++) {
        struct world world;
        world_init(&world, LEADS, LEADS);
        run_for_ms(&world, 60ULL * 1000);
        ck_assert(pt_agent_connected(world.agent));
        controllers_leave(&world);
        int64_t last = expiry_on_disk(&world);
        run_for_ms(&world, lengths_min[i] * 60ULL * 1000);
        ck_assert(!pt_agent_connected(world.agent));
        ck_assert_int_eq(expiry_on_disk(&world), last);
        ck_assert_int_lt(last, pt_sys_wall_ns(sys_of(&world)));
        controllers_return(&world);
        run_for_ms(&world, 15ULL * 1000);
        ck_assert_int_gt(expiry_on_disk(&world), pt_sys_wall_ns(sys_of(&world)));
        ck_assert_uint_ge(world.controllers[0].renewals + world.controllers[1].renewals, 1);
        ck_assert(pt_agent_connected(world.agent));
        ck_assert_uint_ge(world.controllers[0].telemetry + world.controllers[1].telemetry, 1);
        printf("alone: %u minutes, expired for %lld of them, renewed without help\n", lengths_min[i],
               (long long)((pt_sys_wall_ns(sys_of(&world)) - last) / (HOUR_NS / 60)));
        world_fini(&world);
    }
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("agent life");
    TCase *tcase = tcase_create("all");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_redirect_is_followed_at_once);
    tcase_add_test(tcase, controllers_that_point_at_each_other_are_not_flooded);
    tcase_add_test(tcase, a_silent_controller_is_given_up);
    tcase_add_test(tcase, a_key_that_comes_after_the_hello_is_told);
    tcase_add_test(tcase, a_second_connection_takes_over_when_the_link_dies);
    tcase_add_test(tcase, a_death_is_told_alone_and_the_rest_after_it);
    tcase_add_test(tcase, a_second_connection_whose_link_dies_is_left);
    tcase_add_test(tcase, there_is_no_second_connection_where_two_links_cannot_be_held);
    tcase_add_test(tcase, a_controller_that_takes_one_stream_is_not_offered_two);
    tcase_add_test(tcase, the_certificate_is_renewed_at_half_life);
    tcase_add_test(tcase, a_certificate_that_is_not_its_own_is_refused);
    tcase_add_test(tcase, a_node_that_was_alone_longer_than_its_certificate_renews_without_help);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(make_suite());
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
