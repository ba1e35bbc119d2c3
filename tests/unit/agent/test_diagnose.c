/*
 * What an edge does when the leader asks it to look at its network: a played leader on one side, a wire with hosts
 * behind it on the other, and the agent between them, on virtual time.
 */
#include "agent/agent_priv.h"
#include "agent/diagnose.h"
#include "base/assert.h"
#include "crypto/identity.h"
#include "rpc/rpc_sim.h"
#include "sys/sys_sim.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EDGE "organizations/acme/sites/nyc/edges/e1"
#define CLUSTER "c-1"
#define VNI 7

/* ---- a wire with hosts behind it -------------------------------------------------------------------------------- */

struct pt_wire {
    struct pt_wire_options options;
    struct wires *wires;
    struct pt_list node;
};

struct wires {
    struct pt_wires port;
    struct pt_sys *sys;
    struct pt_list open;
    unsigned opened, closed, sent, around;
    uint8_t answers_from; /* time to live from which on the destination answers; below, a router does */
    bool silent, no_address;
    uint8_t ttl, dscp; /* of the newest packet */
};

static enum pt_code wire_open(struct pt_wires *port, const struct pt_wire_options *options, struct pt_wire **ret_wire,
                              struct pt_error *reterr)
{
    struct wires *wires = PT_CONTAINER(port, struct wires, port);
    (void)reterr;
    ck_assert_str_eq(options->interface, "lan0");
    struct pt_wire *wire = calloc(1, sizeof(*wire));
    ck_assert_ptr_nonnull(wire);
    *wire = (struct pt_wire){.options = *options, .wires = wires};
    pt_list_push_back(&wires->open, &wire->node);
    wires->opened++;
    *ret_wire = wire;
    return PT_OK;
}

static void wire_close(struct pt_wire *wire)
{
    wire->wires->closed++;
    pt_list_remove(&wire->node);
    free(wire);
}

static enum pt_code wire_address(struct pt_wire *wire, bool v4, struct pt_ip *ret_ip, struct pt_error *reterr)
{
    if (wire->wires->no_address || !v4) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_WRONG_STATE, "lan0", "no address");
    }
    *ret_ip = pt_ip_from_v4(0x0a010001);
    return PT_OK;
}

/* A frame passes: every open wire sees it. */
static void pass_frame(struct wires *wires, const uint8_t *data, size_t size)
{
    PT_LIST_FOREACH_SAFE (node, &wires->open) {
        const struct pt_wire *wire = PT_CONTAINER(node, struct pt_wire, node);
        size_t kept = size < wire->options.snap_size ? size : wire->options.snap_size;
        const struct pt_wire_frame frame = {
            .bytes = {data, kept}, .wire_size = size, .time_ns = pt_sys_wall_ns(wires->sys)};
        wire->options.on_frame(wire->options.arg, &frame);
    }
}

struct flying {
    struct wires *wires;
    struct pt_timer *timer;
    uint8_t frame[PT_ECHO_SIZE_MAX + 64];
    size_t size;
};

static void arrive(void *arg)
{
    struct flying *flying = arg;
    pass_frame(flying->wires, flying->frame, flying->size);
    pt_timer_free(flying->timer);
    free(flying);
}

/* The destination's reply, or a router's word about a packet whose time to live ended. */
static void make_answer(struct flying *flying, struct pt_bytes packet, bool expired)
{
    uint8_t *ip = flying->frame + 14;
    memset(flying->frame, 0, sizeof(flying->frame));
    flying->frame[12] = 8;
    if (!expired) {
        memcpy(ip, packet.data, packet.size);
        memcpy(ip + 12, packet.data + 16, 4);
        memcpy(ip + 16, packet.data + 12, 4);
        ip[20] = 0;
        flying->size = 14 + packet.size;
        return;
    }
    ip[0] = 0x45;
    ip[9] = 1;
    ip[12] = 10, ip[13] = 9, ip[14] = 0, ip[15] = packet.data[8];
    ip[20] = 11;
    memcpy(ip + 28, packet.data, packet.size);
    flying->size = 14 + 28 + packet.size;
}

static enum pt_code wire_send(struct pt_wire *wire, bool around, struct pt_bytes packet, struct pt_error *reterr)
{
    struct wires *wires = wire->wires;
    (void)reterr;
    wires->sent++;
    wires->around += around;
    wires->ttl = packet.data[8];
    wires->dscp = packet.data[1] >> 2;
    if (!wires->silent) {
        struct flying *flying = calloc(1, sizeof(*flying));
        ck_assert_ptr_nonnull(flying);
        flying->wires = wires;
        make_answer(flying, packet, packet.data[8] < wires->answers_from);
        flying->timer = pt_timer_new(wires->sys, arrive, flying);
        pt_timer_start(flying->timer, 5, 0);
    }
    return PT_OK;
}

static uint64_t wire_lost(struct pt_wire *wire)
{
    (void)wire;
    return 0;
}

/* ---- the leader, and the world ----------------------------------------------------------------------------------- */

struct heard {
    Patronus__V1__NodeAnswer *answers[256];
    size_t len;
};

struct world {
    struct pt_sim *sim;
    struct pt_rpc_world *net;
    struct pt_schema *schema;
    struct pt_log log;
    struct pt_buf ca_key, ca_cert, key, cert;
    struct pt_rpc_server *server;
    struct pt_rpc_call *call; /* the edge's stream */
    struct pt_node_files files;
    struct pt_dp *dp;
    struct pt_agent *agent;
    struct wires wires;
    struct heard heard;
    unsigned host;
    uint64_t id;
};

static uint64_t net_random(void *arg, uint64_t bound)
{
    return pt_sim_random(arg, bound);
}

static void no_line(void *context, enum pt_log_level level, const char *line)
{
    (void)context, (void)level, (void)line;
}

static void run_for_ms(struct world *world, uint64_t ms)
{
    uint64_t end_ns = pt_sim_now_ns(world->sim) + ms * 1000000;
    while (pt_sim_step(world->sim, end_ns)) {
    }
}

static void say(struct world *world, const Patronus__V1__ControllerMessage *message)
{
    PT_AUTO(buf) struct pt_buf data = {0};
    size_t size = patronus__v1__controller_message__get_packed_size(message);
    (void)patronus__v1__controller_message__pack(message, pt_buf_reserve(&data, size));
    data.size = size;
    (void)pt_rpc_call_send(world->call, pt_buf_bytes(&data));
}

static void on_call(void *arg, struct pt_rpc_call *call)
{
    struct world *world = arg;
    Patronus__V1__ControllerMessage message = PATRONUS__V1__CONTROLLER_MESSAGE__INIT;
    Patronus__V1__ControllerList list = PATRONUS__V1__CONTROLLER_LIST__INIT;
    message.message_case = PATRONUS__V1__CONTROLLER_MESSAGE__MESSAGE_CONTROLLERS;
    message.controllers = &list;
    world->call = call;
    say(world, &message);
}

static void on_message(void *arg, struct pt_rpc_call *call, struct pt_bytes data)
{
    struct world *world = arg;
    (void)call;
    Patronus__V1__EdgeMessage *message = patronus__v1__edge_message__unpack(NULL, data.size, data.data);
    ck_assert_ptr_nonnull(message);
    if (message->message_case == PATRONUS__V1__EDGE_MESSAGE__MESSAGE_ANSWER) {
        ck_assert_uint_lt(world->heard.len, sizeof(world->heard.answers) / sizeof(world->heard.answers[0]));
        world->heard.answers[world->heard.len++] = message->answer;
        message->message_case = PATRONUS__V1__EDGE_MESSAGE__MESSAGE__NOT_SET; /* taken */
    }
    patronus__v1__edge_message__free_unpacked(message, NULL);
}

static void on_end(void *arg, struct pt_rpc_call *call, bool cancelled)
{
    struct world *world = arg;
    (void)call, (void)cancelled;
    world->call = NULL;
}

static void sign(const struct world *world, const char *spiffe_id, const struct pt_buf *key, struct pt_buf *ret_cert)
{
    static const char *const dns[] = {PT_RPC_SERVER_NAME};
    PT_AUTO(buf) struct pt_buf csr = {0};
    const struct pt_leaf_options options = {.spiffe_id = spiffe_id,
                                            .now_ns = pt_sys_wall_ns(pt_sim_host(world->sim, 0)),
                                            .lifetime_ns = 86400LL * 1000000000LL,
                                            .dns = dns,
                                            .dns_len = 1,
                                            .serial = 5};
    ck_assert_int_eq(pt_csr_new((const char *)key->data, &csr, NULL), PT_OK);
    ck_assert_int_eq(pt_leaf_sign((const char *)world->ca_key.data, (const char *)world->ca_cert.data,
                                  pt_buf_bytes(&csr), &options, ret_cert, NULL),
                     PT_OK);
}

static void open_leader(struct world *world)
{
    static const struct pt_rpc_handler handler = {.on_call = on_call, .on_message = on_message, .on_end = on_end};
    const struct pt_rpc_listen listen = {.address = {.ip = pt_ip_from_v4(0x0a000001), .port = 7402},
                                         .door = PT_DOOR_AGENT};
    const struct pt_rpc_server_options options = {.listens = &listen,
                                                  .listens_len = 1,
                                                  .credentials = {.cert_pem = (const char *)world->cert.data,
                                                                  .key_pem = (const char *)world->key.data,
                                                                  .ca_pem = (const char *)world->ca_cert.data},
                                                  .handler = &handler,
                                                  .handler_arg = world,
                                                  .fabric = pt_rpc_world_host(world->net, 0)};
    ck_assert_int_eq(pt_key_new(&world->key, NULL), PT_OK);
    sign(world, "spiffe://" CLUSTER "/controller/c1", &world->key, &world->cert);
    struct pt_rpc_server_options with = options;
    with.credentials.cert_pem = (const char *)world->cert.data;
    with.credentials.key_pem = (const char *)world->key.data;
    ck_assert_int_eq(pt_rpc_server_new(pt_sim_host(world->sim, 0), &with, &world->server, NULL), PT_OK);
}

/* One wire, lan0, of one segment; 10.1.0.0/24 is behind it. */
static struct pt_bundle *bundle(void)
{
    Patronus__V1__Entry lan = PATRONUS__V1__ENTRY__INIT, route = PATRONUS__V1__ENTRY__INIT;
    Patronus__V1__LanEntry lan_entry = PATRONUS__V1__LAN_ENTRY__INIT;
    Patronus__V1__RouteEntry route_entry = PATRONUS__V1__ROUTE_ENTRY__INIT;
    struct pt_ip prefix = pt_ip_from_v4(0x0a010000);
    lan_entry.interface = (char *)"lan0";
    lan_entry.vni = VNI;
    lan.entry_case = PATRONUS__V1__ENTRY__ENTRY_LAN;
    lan.lan = &lan_entry;
    route_entry.vni = VNI;
    route_entry.prefix = (ProtobufCBinaryData){.len = sizeof(prefix.bytes), .data = prefix.bytes};
    route_entry.prefix_len = 24;
    route_entry.lan_interface = (char *)"lan0";
    route.entry_case = PATRONUS__V1__ENTRY__ENTRY_ROUTE;
    route.route = &route_entry;
    Patronus__V1__Entry *entries[] = {&lan, &route};
    return pt_bundle_new(entries, 2);
}

static void start_agent(struct world *world)
{
    struct pt_sys *sys = pt_sim_host(world->sim, world->host);
    struct pt_node_files *files = &world->files;
    const struct pt_agent_options options = {.sys = sys,
                                             .schema = world->schema,
                                             .log = &world->log,
                                             .fabric = pt_rpc_world_host(world->net, world->host),
                                             .directory = "/edge",
                                             .version = "test",
                                             .files = files,
                                             .dp = world->dp,
                                             .wires = &world->wires.port};
    ck_assert_int_eq(pt_agent_open(&options, &world->agent, NULL), PT_OK);
    world->agent->bundle = bundle();
}

static void open_edge(struct world *world)
{
    struct pt_node_files *files = &world->files;
    struct pt_sys *sys = pt_sim_host(world->sim, world->host);
    ck_assert_int_eq(pt_key_new(&files->key_pem, NULL), PT_OK);
    sign(world, "spiffe://" CLUSTER "/edge/" EDGE, &files->key_pem, &files->cert_pem);
    pt_buf_append_str(&files->ca_pem, (const char *)world->ca_cert.data);
    (void)snprintf(files->cluster_id, sizeof(files->cluster_id), CLUSTER);
    (void)snprintf(files->role, sizeof(files->role), "edge");
    (void)snprintf(files->node_id, sizeof(files->node_id), "edge/" EDGE);
    (void)snprintf(files->agent_addresses[0], sizeof(files->agent_addresses[0]), "10.0.0.1:7402");
    files->agent_addresses_len = 1;
    ck_assert_int_eq(pt_node_create(sys, "/edge", files, NULL), PT_OK);
    world->dp = pt_dp_sim_new();
    world->wires = (struct wires){
        .port = {.open = wire_open, .close = wire_close, .address = wire_address, .send = wire_send, .lost = wire_lost},
        .sys = sys};
    pt_list_init(&world->wires.open);
    start_agent(world);
}

static void world_init(struct world *world)
{
    *world = (struct world){.log = {.level_min = PT_LOG_ERROR, .sink = no_line, .node = "e1"}};
    const struct pt_sim_options sim = {.seed = 5};
    world->sim = pt_sim_new(&sim);
    const struct pt_rpc_world_options net = {.random = net_random, .random_arg = world->sim};
    world->net = pt_rpc_world_new(&net);
    (void)pt_sim_add_host(world->sim);
    world->host = pt_sim_add_host(world->sim);
    ck_assert_int_eq(pt_schema_new(pt_schema_embedded(), &world->schema, NULL), PT_OK);
    int64_t now = pt_sys_wall_ns(pt_sim_host(world->sim, 0));
    ck_assert_int_eq(pt_ca_new(CLUSTER, now, &world->ca_key, &world->ca_cert, NULL), PT_OK);
    open_leader(world);
    open_edge(world);
    run_for_ms(world, 200);
    ck_assert(pt_agent_connected(world->agent));
}

static void forget(struct world *world)
{
    for (size_t i = 0; i < world->heard.len; i++) {
        patronus__v1__node_answer__free_unpacked(world->heard.answers[i], NULL);
    }
    world->heard.len = 0;
}

static void count_close(void *arg)
{
    ++*(unsigned *)arg;
}

static void world_fini(struct world *world)
{
    unsigned closed = 0;
    pt_agent_close(world->agent);
    ck_assert_uint_eq(world->wires.opened, world->wires.closed);
    run_for_ms(world, 100); /* what flies lands */
    pt_rpc_server_close(world->server, 10, count_close, &closed);
    while (closed == 0) {
        ck_assert(pt_sim_step(world->sim, UINT64_MAX));
    }
    forget(world);
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

static void order(struct world *world, Patronus__V1__DiagnosticOrder *order)
{
    Patronus__V1__NodeQuestion question = PATRONUS__V1__NODE_QUESTION__INIT;
    Patronus__V1__ControllerMessage message = PATRONUS__V1__CONTROLLER_MESSAGE__INIT;
    order->vni = order->vni != 0 ? order->vni : VNI;
    question.id = ++world->id;
    question.question_case = PATRONUS__V1__NODE_QUESTION__QUESTION_DIAGNOSTIC;
    question.diagnostic = order;
    message.message_case = PATRONUS__V1__CONTROLLER_MESSAGE__MESSAGE_QUESTION;
    message.question = &question;
    say(world, &message);
}

static void stop(struct world *world, uint64_t id)
{
    Patronus__V1__NodeQuestion question = PATRONUS__V1__NODE_QUESTION__INIT;
    Patronus__V1__ControllerMessage message = PATRONUS__V1__CONTROLLER_MESSAGE__INIT;
    question.question_case = PATRONUS__V1__NODE_QUESTION__QUESTION_STOP;
    question.stop = id;
    message.message_case = PATRONUS__V1__CONTROLLER_MESSAGE__MESSAGE_QUESTION;
    message.question = &question;
    say(world, &message);
}

static void ping(struct world *world, const char *destination, uint32_t count)
{
    Patronus__V1__DiagnosticOrder what = PATRONUS__V1__DIAGNOSTIC_ORDER__INIT;
    Patronus__V1__PingRequest request = PATRONUS__V1__PING_REQUEST__INIT;
    request.destination = (char *)(uintptr_t)destination;
    request.count = count;
    request.interval_ms = 200;
    request.timeout_ms = 500;
    request.dscp = 46;
    what.request_case = PATRONUS__V1__DIAGNOSTIC_ORDER__REQUEST_PING;
    what.ping = &request;
    order(world, &what);
}

static const Patronus__V1__DiagnosticReport *report(const struct world *world, size_t index)
{
    ck_assert_uint_lt(index, world->heard.len);
    const Patronus__V1__NodeAnswer *answer = world->heard.answers[index];
    ck_assert_str_eq(answer->error, "");
    ck_assert_int_eq(answer->answer_case, PATRONUS__V1__NODE_ANSWER__ANSWER_DIAGNOSTIC);
    ck_assert_int_eq(answer->diagnostic->last, index + 1 == world->heard.len);
    return answer->diagnostic;
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

START_TEST(each_echo_is_told_when_it_is_answered)
{
    struct world world;
    world_init(&world);
    ping(&world, "10.2.0.10", 3);
    run_for_ms(&world, 100);
    ck_assert_uint_eq(world.heard.len, 1); /* and the others when they are */
    run_for_ms(&world, 2000);
    ck_assert_uint_eq(world.heard.len, 3);
    for (size_t i = 0; i < 3; i++) {
        const Patronus__V1__PingResponse *echo = report(&world, i)->ping;
        ck_assert(echo->answered);
        ck_assert_uint_eq(echo->sequence, i + 1);
        ck_assert(echo->rtt_us >= 5000 && echo->rtt_us < 5200);
        ck_assert_str_eq(echo->responder, "10.2.0.10");
        ck_assert_str_eq(echo->source, "10.1.0.1");
        ck_assert_uint_eq(echo->sent, i + 1);
        ck_assert_uint_eq(echo->received, i + 1);
    }
    ck_assert_uint_eq(world.wires.around, 3); /* through the programs, as traffic */
    ck_assert_uint_eq(world.wires.dscp, 46);
    ck_assert_uint_eq(world.wires.closed, 1);
    forget(&world);
    ping(&world, "10.1.0.9", 1); /* a host of the wire: straight to it */
    run_for_ms(&world, 1000);
    ck_assert(report(&world, 0)->ping->answered);
    ck_assert_uint_eq(world.wires.around, 3);
    world_fini(&world);
}
END_TEST

START_TEST(silence_is_told_after_its_time)
{
    struct world world;
    world_init(&world);
    world.wires.silent = true;
    ping(&world, "10.2.0.10", 2);
    run_for_ms(&world, 450);
    ck_assert_uint_eq(world.heard.len, 0);
    run_for_ms(&world, 1000);
    ck_assert_uint_eq(world.heard.len, 2);
    ck_assert(!report(&world, 0)->ping->answered && !report(&world, 1)->ping->answered);
    ck_assert_uint_eq(report(&world, 1)->ping->sent, 2);
    ck_assert_uint_eq(report(&world, 1)->ping->received, 0);
    world_fini(&world);
}
END_TEST

START_TEST(a_traceroute_goes_hop_by_hop)
{
    struct world world;
    Patronus__V1__DiagnosticOrder what = PATRONUS__V1__DIAGNOSTIC_ORDER__INIT;
    Patronus__V1__TracerouteRequest request = PATRONUS__V1__TRACEROUTE_REQUEST__INIT;
    world_init(&world);
    world.wires.answers_from = 4;
    request.destination = (char *)"10.2.0.10";
    request.probes = 2;
    what.request_case = PATRONUS__V1__DIAGNOSTIC_ORDER__REQUEST_TRACEROUTE;
    what.traceroute = &request;
    order(&world, &what);
    run_for_ms(&world, 3000);
    static const char *const responders[] = {"10.1.0.1", "10.9.0.2", "10.9.0.3", "10.2.0.10"};
    ck_assert_uint_eq(world.heard.len, 8);
    for (size_t i = 0; i < 8; i++) {
        const Patronus__V1__TracerouteResponse *hop = report(&world, i)->traceroute;
        ck_assert_uint_eq(hop->hop, i / 2 + 1);
        ck_assert_str_eq(hop->responder, responders[i / 2]);
        ck_assert_int_eq(hop->reached, i >= 6);
        ck_assert_uint_eq(report(&world, i)->path, 0); /* nothing was told of it */
    }
    ck_assert_uint_eq(world.wires.sent, 6); /* the edge itself needs no packet */
    forget(&world);
    world.wires.silent = true; /* and it ends where it is told to */
    request.max_hops = 3;
    request.timeout_ms = 100;
    order(&world, &what);
    run_for_ms(&world, 3000);
    ck_assert_uint_eq(world.heard.len, 6);
    ck_assert(report(&world, 1)->traceroute->answered && !report(&world, 5)->traceroute->answered);
    world_fini(&world);
}
END_TEST

static void capture(struct world *world, uint32_t packets, uint32_t size, uint32_t duration_ms)
{
    Patronus__V1__DiagnosticOrder what = PATRONUS__V1__DIAGNOSTIC_ORDER__INIT;
    Patronus__V1__CaptureRequest request = PATRONUS__V1__CAPTURE_REQUEST__INIT;
    request.max_packets = packets;
    request.max_size = size;
    request.duration_ms = duration_ms;
    request.snap_size = 64;
    what.request_case = PATRONUS__V1__DIAGNOSTIC_ORDER__REQUEST_CAPTURE;
    what.capture = &request;
    order(world, &what);
    run_for_ms(world, 50);
}

/* All pieces; the last one says why. */
static size_t captured(const struct world *world, const char *reason, uint64_t packets)
{
    size_t size = 0;
    for (size_t i = 0; i < world->heard.len; i++) {
        size += report(world, i)->capture->pcap.len;
    }
    const Patronus__V1__CaptureResponse *last = report(world, world->heard.len - 1)->capture;
    ck_assert_str_eq(last->end_reason, reason);
    ck_assert_uint_eq(last->packets, packets);
    return size;
}

/* The path that the echoes took between the sites stands with each hop behind the edge, as the data plane told it. */
START_TEST(a_traceroute_says_by_which_path)
{
    struct world world;
    Patronus__V1__DiagnosticOrder what = PATRONUS__V1__DIAGNOSTIC_ORDER__INIT;
    Patronus__V1__TracerouteRequest request = PATRONUS__V1__TRACEROUTE_REQUEST__INIT;
    world_init(&world);
    world.wires.silent = true; /* so that its id is known before it is answered */
    request.destination = (char *)"10.2.0.10";
    request.probes = 1;
    request.timeout_ms = 500;
    request.max_hops = 3;
    what.request_case = PATRONUS__V1__DIAGNOSTIC_ORDER__REQUEST_TRACEROUTE;
    what.traceroute = &request;
    order(&world, &what);
    run_for_ms(&world, 100);
    const struct pt_diagnostic *diagnostic =
        PT_CONTAINER(world.agent->diagnostics.next, const struct pt_diagnostic, node);
    const struct pt_dp_decision decision = {.flow = {.source = diagnostic->echoes.source,
                                                     .destination = diagnostic->echoes.destination,
                                                     .vni = VNI,
                                                     .source_port = diagnostic->echoes.id,
                                                     .destination_port = 8,
                                                     .protocol = 1},
                                            .path_id = 0xabc,
                                            .verdict = 1};
    pt_dp_sim_tell(world.dp, &decision);
    world.wires.silent = false;
    run_for_ms(&world, 3000);
    ck_assert_uint_eq(world.heard.len, 3);
    ck_assert_uint_eq(report(&world, 0)->path, 0); /* the edge itself */
    ck_assert_uint_eq(report(&world, 1)->path, 0); /* nobody answered */
    ck_assert(report(&world, 2)->traceroute->answered);
    ck_assert_uint_eq(report(&world, 2)->path, 0xabc);
    world_fini(&world);
}
END_TEST

START_TEST(a_capture_ends_by_whichever_limit_comes_first)
{
    struct world world;
    uint8_t frame[200] = {0};
    world_init(&world);
    capture(&world, 2, 0, 60000);
    for (int i = 0; i < 5; i++) {
        pass_frame(&world.wires, frame, sizeof(frame));
    }
    run_for_ms(&world, 300);
    ck_assert_uint_eq(captured(&world, "packets", 2), 24 + 2 * (16 + 64));
    forget(&world);
    capture(&world, 0, 1024, 60000);
    for (int i = 0; i < 100; i++) {
        pass_frame(&world.wires, frame, sizeof(frame));
    }
    run_for_ms(&world, 300);
    ck_assert_uint_eq(captured(&world, "size", 12), 24 + 12 * (16 + 64)); /* 1000 of 1024 bytes: no 13th */
    forget(&world);
    capture(&world, 0, 0, 200);
    run_for_ms(&world, 1000);
    ck_assert_uint_eq(captured(&world, "duration", 0), 24);
    ck_assert_uint_eq(world.wires.closed, 3);
    world_fini(&world);
}
END_TEST

/* More than a piece holds at a time is counted, not sent: the stream carries bundles too. */
START_TEST(a_flood_does_not_fill_the_stream)
{
    struct world world;
    uint8_t frame[200] = {0};
    world_init(&world);
    capture(&world, 100000, 16 << 20, 500);
    for (int i = 0; i < 5000; i++) {
        pass_frame(&world.wires, frame, sizeof(frame));
    }
    run_for_ms(&world, 1000);
    size_t size = captured(&world, "duration", 65536 / 80);
    ck_assert_uint_le(size, 65536 + 24);
    ck_assert_uint_eq(report(&world, world.heard.len - 1)->capture->lost, 5000 - 65536 / 80);
    world_fini(&world);
}
END_TEST

START_TEST(what_cannot_be_done_is_said)
{
    struct world world;
    Patronus__V1__DiagnosticOrder what = PATRONUS__V1__DIAGNOSTIC_ORDER__INIT;
    Patronus__V1__ProbePathRequest probe = PATRONUS__V1__PROBE_PATH_REQUEST__INIT;
    world_init(&world);
    world.wires.no_address = true;
    ping(&world, "10.2.0.10", 1);
    what.request_case = PATRONUS__V1__DIAGNOSTIC_ORDER__REQUEST_PROBE_PATH;
    what.probe_path = &probe;
    what.path = 99;
    order(&world, &what);
    what.request_case = PATRONUS__V1__DIAGNOSTIC_ORDER__REQUEST__NOT_SET; /* of a newer leader */
    order(&world, &what);
    Patronus__V1__CaptureRequest other = PATRONUS__V1__CAPTURE_REQUEST__INIT;
    what.request_case = PATRONUS__V1__DIAGNOSTIC_ORDER__REQUEST_CAPTURE;
    what.capture = &other;
    what.vni = VNI + 1; /* no wire of this segment is here */
    order(&world, &what);
    run_for_ms(&world, 1000);
    ck_assert_uint_eq(world.heard.len, 4);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_str_ne(world.heard.answers[i]->error, "");
    }
    world_fini(&world);
}
END_TEST

START_TEST(it_stops_when_it_is_told_and_when_the_leader_goes)
{
    struct world world;
    world_init(&world);
    ping(&world, "10.2.0.10", 1000);
    run_for_ms(&world, 1000);
    size_t before = world.heard.len;
    ck_assert_uint_ge(before, 4);
    stop(&world, world.id);
    run_for_ms(&world, 100);
    ck_assert_uint_eq(world.wires.closed, 1);
    unsigned sent = world.wires.sent;
    ping(&world, "10.2.0.10", 1000);
    run_for_ms(&world, 500);
    ck_assert_uint_gt(world.wires.sent, sent);
    pt_rpc_call_finish(world.call, NULL);
    run_for_ms(&world, 100);
    ck_assert_uint_eq(world.wires.closed, 2);
    world_fini(&world);
}
END_TEST

START_TEST(no_more_run_than_may)
{
    struct world world;
    world_init(&world);
    world.wires.silent = true;
    for (int i = 0; i < 3; i++) {
        capture(&world, 0, 0, 60000);
    }
    for (int i = 0; i < 7; i++) {
        ping(&world, "10.2.0.10", 1000);
    }
    run_for_ms(&world, 300);
    ck_assert_uint_eq(world.wires.opened, 8); /* two captures, six pings */
    size_t refused = 0;
    for (size_t i = 0; i < world.heard.len; i++) {
        refused += world.heard.answers[i]->error[0] != '\0';
    }
    ck_assert_uint_eq(refused, 2);
    world_fini(&world);
}
END_TEST

/* As it was then; 0: now. */
static void ask_about_then(struct world *world, const struct pt_dp_flow_key *flow, int64_t time_ns)
{
    Patronus__V1__NodeQuestion question = PATRONUS__V1__NODE_QUESTION__INIT;
    Patronus__V1__FlowQuestion about = PATRONUS__V1__FLOW_QUESTION__INIT;
    Patronus__V1__ControllerMessage message = PATRONUS__V1__CONTROLLER_MESSAGE__INIT;
    about.vni = flow->vni;
    about.source = (ProtobufCBinaryData){.len = 16, .data = (uint8_t *)(uintptr_t)flow->source.bytes};
    about.destination = (ProtobufCBinaryData){.len = 16, .data = (uint8_t *)(uintptr_t)flow->destination.bytes};
    about.protocol = flow->protocol;
    about.source_port = flow->source_port;
    about.destination_port = flow->destination_port;
    about.time_ns = time_ns;
    question.id = ++world->id;
    question.question_case = PATRONUS__V1__NODE_QUESTION__QUESTION_FLOW;
    question.flow = &about;
    message.message_case = PATRONUS__V1__CONTROLLER_MESSAGE__MESSAGE_QUESTION;
    message.question = &question;
    forget(world);
    say(world, &message);
    run_for_ms(world, 200);
    ck_assert_uint_eq(world->heard.len, 1);
    ck_assert_int_eq(world->heard.answers[0]->answer_case, PATRONUS__V1__NODE_ANSWER__ANSWER_FLOW);
}

static void ask_about(struct world *world, const struct pt_dp_flow_key *flow)
{
    ask_about_then(world, flow, 0);
}

static void restart(struct world *world)
{
    pt_agent_close(world->agent);
    run_for_ms(world, 100);
    start_agent(world);
    run_for_ms(world, 500);
    ck_assert(pt_agent_connected(world->agent));
}

/* Decisions of before a restart, and of before the one before; what is damaged on disk is not believed, what stands
 * before it is. */
START_TEST(what_was_decided_outlives_the_agent)
{
    struct world world;
    struct pt_dp_decision decision = {.flow = {.source = pt_ip_from_v4(0x0a010005),
                                               .destination = pt_ip_from_v4(0x0a020005),
                                               .vni = VNI,
                                               .source_port = 4711,
                                               .destination_port = 443,
                                               .protocol = 6},
                                      .path_id = 77,
                                      .rule_id = 3,
                                      .dscp = 46,
                                      .verdict = 1};
    world_init(&world);
    pt_dp_sim_tell(world.dp, &decision);
    run_for_ms(&world, 100); /* remembered, and perhaps not yet on disk: the end writes it */
    restart(&world);
    ask_about(&world, &decision.flow);
    const Patronus__V1__FlowAnswer *answer = world.heard.answers[0]->flow;
    ck_assert_uint_eq(answer->n_records, 1);
    ck_assert_uint_eq(answer->records[0]->path, 77);
    ck_assert_uint_eq(answer->records[0]->rule_id, 3);
    ck_assert_uint_eq(answer->records[0]->dscp, 46);
    int64_t time_ns = answer->records[0]->time_ns;
    decision.path_id = 78;
    pt_dp_sim_tell(world.dp, &decision);
    run_for_ms(&world, 1500);
    restart(&world);
    ask_about(&world, &decision.flow);
    answer = world.heard.answers[0]->flow;
    ck_assert_uint_eq(answer->n_records, 2); /* each once, newest first */
    ck_assert_uint_eq(answer->records[0]->path, 78);
    ck_assert_uint_eq(answer->records[1]->path, 77);
    ck_assert_int_eq(answer->records[1]->time_ns, time_ns);
    ask_about_then(&world, &decision.flow, time_ns); /* what was true then */
    ck_assert_uint_eq(world.heard.answers[0]->flow->n_records, 1);
    ck_assert_uint_eq(world.heard.answers[0]->flow->records[0]->path, 77);
    ask_about_then(&world, &decision.flow, time_ns - 1);
    ck_assert_uint_eq(world.heard.answers[0]->flow->n_records, 0);
    struct pt_buf data = {0};
    struct pt_sys *sys = pt_sim_host(world.sim, world.host);
    pt_agent_close(world.agent);
    ck_assert_int_eq(pt_path_read(sys, "/edge/history.0", 1 << 20, &data, NULL), PT_OK);
    data.data[data.size - 1] ^= 1; /* of the second record */
    ck_assert_int_eq(pt_path_write(sys, "/edge/history.0", data.data, data.size, NULL), PT_OK);
    pt_buf_fini(&data);
    run_for_ms(&world, 100);
    start_agent(&world);
    run_for_ms(&world, 500);
    ask_about(&world, &decision.flow);
    ck_assert_uint_eq(world.heard.answers[0]->flow->n_records, 1);
    ck_assert_uint_eq(world.heard.answers[0]->flow->records[0]->path, 77);
    world_fini(&world);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("diagnose");
    TCase *tcase = tcase_create("edge");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, each_echo_is_told_when_it_is_answered);
    tcase_add_test(tcase, silence_is_told_after_its_time);
    tcase_add_test(tcase, a_traceroute_goes_hop_by_hop);
    tcase_add_test(tcase, a_traceroute_says_by_which_path);
    tcase_add_test(tcase, a_capture_ends_by_whichever_limit_comes_first);
    tcase_add_test(tcase, a_flood_does_not_fill_the_stream);
    tcase_add_test(tcase, what_cannot_be_done_is_said);
    tcase_add_test(tcase, it_stops_when_it_is_told_and_when_the_leader_goes);
    tcase_add_test(tcase, no_more_run_than_may);
    tcase_add_test(tcase, what_was_decided_outlives_the_agent);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
