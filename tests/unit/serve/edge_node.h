/*
 * A node that a test plays: its EdgeSync stream, and a network of two sites for it to be in. A test begins with
 * network_init, lets nodes in by node_join, and ends with node_leave for each and network_fini.
 */
#pragma once

#include "fixture.h"

#include "plan/plan.h"

struct node_stream {
    struct cluster *cluster;
    struct pt_rpc_channel *channel;
    struct pt_rpc_stream *stream;
    bool ended;
    struct pt_error error;
    bool redirected;
    uint64_t redirect_id;
    char redirect[80];
    unsigned bundles, lists, trusts, orders;
    bool silent;         /* orders are not answered */
    uint32_t order_code; /* what they are answered with */
    uint64_t ordered_path, ordered_max_bps;
    Patronus__V1__ControllerMessage *bundle; /* newest */
    unsigned questions, stops;
    Patronus__V1__ControllerMessage *question; /* newest that is no stop */
    uint64_t stopped;                          /* question that was stopped last */
};

static UNUSED void node_send(struct node_stream *node, const Patronus__V1__EdgeMessage *message)
{
    PT_AUTO(buf) struct pt_buf data = {0};
    size_t size = patronus__v1__edge_message__get_packed_size(message);
    (void)patronus__v1__edge_message__pack(message, pt_buf_reserve(&data, size));
    data.size = size;
    (void)pt_rpc_stream_send(node->stream, pt_buf_bytes(&data));
}

static UNUSED void send_hello(struct node_stream *node, Patronus__V1__NodeHello *hello)
{
    Patronus__V1__EdgeMessage message = PATRONUS__V1__EDGE_MESSAGE__INIT;
    hello->software_version = (char *)"test";
    hello->abi_version = 1;
    message.message_case = PATRONUS__V1__EDGE_MESSAGE__MESSAGE_HELLO;
    message.hello = hello;
    node_send(node, &message);
}

static UNUSED void send_telemetry(struct node_stream *node, Patronus__V1__Telemetry *telemetry)
{
    Patronus__V1__EdgeMessage message = PATRONUS__V1__EDGE_MESSAGE__INIT;
    message.message_case = PATRONUS__V1__EDGE_MESSAGE__MESSAGE_TELEMETRY;
    message.telemetry = telemetry;
    node_send(node, &message);
}

static UNUSED void send_answer(struct node_stream *node, uint64_t question, const char *error,
                               Patronus__V1__NodeAnswer *answer)
{
    Patronus__V1__EdgeMessage message = PATRONUS__V1__EDGE_MESSAGE__INIT;
    answer->id = question;
    answer->error = (char *)(uintptr_t)error;
    message.message_case = PATRONUS__V1__EDGE_MESSAGE__MESSAGE_ANSWER;
    message.answer = answer;
    node_send(node, &message);
}

static UNUSED void on_order(struct node_stream *node, const Patronus__V1__BandwidthOrder *order)
{
    Patronus__V1__BandwidthReport report = PATRONUS__V1__BANDWIDTH_REPORT__INIT;
    Patronus__V1__EdgeMessage message = PATRONUS__V1__EDGE_MESSAGE__INIT;
    node->orders++;
    node->ordered_path = order->path;
    node->ordered_max_bps = order->max_rate_bps;
    report.request = order->request;
    report.path = order->path;
    report.code = node->order_code;
    report.error = (char *)(node->order_code != 0 ? "not now" : "");
    report.rate_bps = 21000000;
    report.low_bps = 20000000;
    report.high_bps = 22000000;
    message.message_case = PATRONUS__V1__EDGE_MESSAGE__MESSAGE_BANDWIDTH;
    message.bandwidth = &report;
    if (!node->silent) {
        node_send(node, &message);
    }
}

static UNUSED void on_message(void *arg, struct pt_bytes data)
{
    struct node_stream *node = arg;
    Patronus__V1__ControllerMessage *message = patronus__v1__controller_message__unpack(NULL, data.size, data.data);
    ck_assert_ptr_nonnull(message);
    if (message->message_case == PATRONUS__V1__CONTROLLER_MESSAGE__MESSAGE_BUNDLE) {
        node->bundles++;
        if (node->bundle != NULL) {
            patronus__v1__controller_message__free_unpacked(node->bundle, NULL);
        }
        node->bundle = message;
        return;
    }
    bool is_question = message->message_case == PATRONUS__V1__CONTROLLER_MESSAGE__MESSAGE_QUESTION;
    if (is_question && message->question->question_case != PATRONUS__V1__NODE_QUESTION__QUESTION_STOP) {
        node->questions++;
        if (node->question != NULL) {
            patronus__v1__controller_message__free_unpacked(node->question, NULL);
        }
        node->question = message;
        return;
    }
    if (is_question) {
        node->stops++;
        node->stopped = message->question->stop;
    } else if (message->message_case == PATRONUS__V1__CONTROLLER_MESSAGE__MESSAGE_NOT_LEADER) {
        node->redirected = true;
        node->redirect_id = message->not_leader->leader_id;
        (void)snprintf(node->redirect, sizeof(node->redirect), "%.79s", message->not_leader->agent_address);
    } else if (message->message_case == PATRONUS__V1__CONTROLLER_MESSAGE__MESSAGE_TRUST) {
        node->trusts++;
    } else if (message->message_case == PATRONUS__V1__CONTROLLER_MESSAGE__MESSAGE_BANDWIDTH) {
        on_order(node, message->bandwidth);
    } else {
        node->lists++;
    }
    patronus__v1__controller_message__free_unpacked(message, NULL);
}

static UNUSED void on_end(void *arg, const struct pt_error *error)
{
    struct node_stream *node = arg;
    node->ended = true;
    if (error != NULL) {
        node->error = *error;
    }
}

static UNUSED void node_connect(struct cluster *cluster, unsigned number, const struct enrolled *identity,
                                struct node_stream *node)
{
    static const struct pt_rpc_stream_ops ops = {.on_message = on_message, .on_end = on_end};
    *node = (struct node_stream){.cluster = cluster};
    node->channel = open_channel(cluster, number, 7402, pem(&identity->cert_pem), pem(&identity->key_pem));
    node->stream = pt_rpc_stream_open(node->channel, "/patronus.v1.EdgeSync/Stream", NULL, 0, &ops, node);
}

static UNUSED void node_leave(struct node_stream *node)
{
    pt_rpc_channel_free(node->channel);
    if (node->bundle != NULL) {
        patronus__v1__controller_message__free_unpacked(node->bundle, NULL);
    }
    if (node->question != NULL) {
        patronus__v1__controller_message__free_unpacked(node->question, NULL);
    }
}

static UNUSED void say_hello(struct node_stream *node, const struct pt_digest *in_force)
{
    Patronus__V1__NodeHello hello = PATRONUS__V1__NODE_HELLO__INIT;
    if (in_force != NULL) {
        hello.digest = (ProtobufCBinaryData){.len = PT_DIGEST_SIZE, .data = (uint8_t *)(uintptr_t)in_force->bytes};
    }
    send_hello(node, &hello);
}

/* Connected, and the first bundle is there; nothing of it is acknowledged. */
static UNUSED void node_join(struct cluster *cluster, unsigned number, const struct enrolled *identity,
                             struct node_stream *node)
{
    node_connect(cluster, number, identity, node);
    say_hello(node, NULL);
    STEP_UNTIL(cluster, node->bundles == 1);
}

/* Both at the same time, at the first controller. */
static UNUSED void nodes_join(struct cluster *cluster, const struct enrolled nodes[2], struct node_stream *one,
                              struct node_stream *two)
{
    node_connect(cluster, 0, &nodes[0], one);
    node_connect(cluster, 0, &nodes[1], two);
    say_hello(one, NULL);
    say_hello(two, NULL);
    STEP_UNTIL(cluster, one->bundles == 1 && two->bundles == 1);
}

/* refusal "": in force. */
static UNUSED void acknowledge(struct node_stream *node, const char *refusal)
{
    const Patronus__V1__BundleHeader *header = node->bundle->bundle->header;
    Patronus__V1__BundleAck ack = PATRONUS__V1__BUNDLE_ACK__INIT;
    ack.position = header->position;
    ack.digest = header->digest;
    ack.error = (char *)(uintptr_t)refusal;
    if (refusal[0] != '\0') {
        ack.digest.len = 0;
    }
    Patronus__V1__EdgeMessage message = PATRONUS__V1__EDGE_MESSAGE__INIT;
    message.message_case = PATRONUS__V1__EDGE_MESSAGE__MESSAGE_ACK;
    message.ack = &ack;
    node_send(node, &message);
}

static UNUSED void report(struct node_stream *node, uint64_t path, bool alive)
{
    Patronus__V1__PathReport item = PATRONUS__V1__PATH_REPORT__INIT;
    item.path = path;
    item.alive = alive;
    item.rtt_us = 3000;
    Patronus__V1__PathReport *items[] = {&item};
    Patronus__V1__Telemetry telemetry = PATRONUS__V1__TELEMETRY__INIT;
    telemetry.n_paths = 1;
    telemetry.paths = items;
    send_telemetry(node, &telemetry);
}

/* ---- a network of two sites ---------------------------------------------------------------------------------------
 */

static UNUSED void make_site(struct cluster *cluster, unsigned number, struct enrolled *ret_node)
{
    char edge[80];
    unsigned leader = (unsigned)leader_of(cluster);
    (void)snprintf(edge, sizeof(edge), "organizations/acme/sites/s%u/edges/e1", number);
    OK(cluster, leader, "SiteService/CreateSite",
       "{\"parent\": \"organizations/acme\", \"siteId\": \"s%u\", \"site\": {}}", number);
    OK(cluster, leader, "EdgeService/CreateEdge",
       "{\"parent\": \"organizations/acme/sites/s%u\", \"edgeId\": \"e1\", \"edge\": {\"lanInterfaces\": [{"
       "\"interface\": \"lan0\", \"segment\": \"organizations/acme/segments/red\", \"prefixes\": "
       "[\"172.16.%u.0/24\"]}]}}",
       number, number);
    OK(cluster, leader, "LinkService/CreateLink",
       "{\"parent\": \"organizations/acme/sites/s%u\", \"linkId\": \"wan0\", \"link\": {\"edge\": \"%s\", "
       "\"interface\": \"wan0\", \"address\": \"192.0.2.%u\", \"underlay\": \"internet\"}}",
       number, edge, number);
    PT_AUTO(buf) struct pt_buf token = {0};
    make_token(cluster, "edge", edge, 600, &token);
    ck_assert_int_eq(enroll(cluster, leader, (const char *)token.data, -1, ret_node), PT_OK);
}

static UNUSED void make_network(struct cluster *cluster, struct enrolled nodes[2])
{
    unsigned leader = (unsigned)leader_of(cluster);
    OK(cluster, leader, "FabricService/CreateFabric",
       "{\"parent\": \"organizations/acme\", \"fabricId\": \"main\", \"fabric\": {\"topology\": \"FULL_MESH\"}}");
    OK(cluster, leader, "SegmentService/CreateSegment",
       "{\"parent\": \"organizations/acme\", \"segmentId\": \"red\", \"segment\": {\"fabric\": "
       "\"organizations/acme/fabrics/main\"}}");
    nodes[0] = nodes[1] = (struct enrolled){0};
    make_site(cluster, 1, &nodes[0]);
    make_site(cluster, 2, &nodes[1]);
}

static UNUSED void network_init(struct cluster *cluster, struct enrolled nodes[2])
{
    cluster_init(cluster);
    make_network(cluster, nodes);
}

static UNUSED void network_init_three(struct cluster *cluster, struct enrolled nodes[2])
{
    cluster_init_three(cluster);
    make_network(cluster, nodes);
}

static UNUSED void network_fini(struct cluster *cluster, struct enrolled nodes[2])
{
    enrolled_fini(&nodes[0]);
    enrolled_fini(&nodes[1]);
    cluster_fini(cluster);
}

/* A second underlay, "mpls": links wan1. */
static UNUSED void add_mpls_link(struct cluster *cluster, unsigned site)
{
    OK(cluster, (unsigned)leader_of(cluster), "LinkService/CreateLink",
       "{\"parent\": \"organizations/acme/sites/s%u\", \"linkId\": \"wan1\", \"link\": {\"edge\": "
       "\"organizations/acme/sites/s%u/edges/e1\", \"interface\": \"wan1\", \"address\": \"198.51.100.%u\", "
       "\"underlay\": \"mpls\"}}",
       site, site, site);
}

/* What the second site's edge has at its LAN: a list as it stands in JSON. */
static UNUSED void set_far_prefixes(struct cluster *cluster, const char *prefixes)
{
    OK(cluster, (unsigned)leader_of(cluster), "EdgeService/UpdateEdge",
       "{\"edge\": {\"name\": \"organizations/acme/sites/s2/edges/e1\", \"lanInterfaces\": [{\"interface\": \"lan0\", "
       "\"segment\": \"organizations/acme/segments/red\", \"prefixes\": [%s]}]}, \"updateMask\": "
       "\"lanInterfaces\"}",
       prefixes);
}

/* The first site's, with what refers to it. */
static UNUSED void delete_near_edge(struct cluster *cluster)
{
    OK(cluster, 0, "LinkService/DeleteLink", "{\"name\": \"organizations/acme/sites/s1/links/wan0\"}");
    OK(cluster, 0, "EnrollmentTokenService/DeleteEnrollmentToken", "{\"name\": \"enrollmentTokens/t1\"}");
    OK(cluster, 0, "EdgeService/DeleteEdge", "{\"name\": \"organizations/acme/sites/s1/edges/e1\", \"force\": true}");
}

static UNUSED uint64_t first_path(const struct node_stream *node)
{
    const Patronus__V1__Bundle *bundle = node->bundle->bundle;
    for (size_t i = 0; i < bundle->n_entries; i++) {
        if (bundle->entries[i]->entry_case == PATRONUS__V1__ENTRY__ENTRY_PATH) {
            return bundle->entries[i]->path->path;
        }
    }
    ck_abort_msg("no path in the bundle");
    return 0;
}

/* The other site's label. */
static UNUSED uint32_t label_of_group(const struct node_stream *node)
{
    const Patronus__V1__Bundle *bundle = node->bundle->bundle;
    for (size_t i = 0; i < bundle->n_entries; i++) {
        if (bundle->entries[i]->entry_case == PATRONUS__V1__ENTRY__ENTRY_GROUP) {
            return bundle->entries[i]->group->site_label;
        }
    }
    ck_abort_msg("no group in the bundle");
    return 0;
}

/* Traffic that hosts offered to a site in the last second. */
static UNUSED void offer(struct node_stream *node, uint32_t site_label, uint64_t bytes)
{
    Patronus__V1__DemandReport item = PATRONUS__V1__DEMAND_REPORT__INIT, *items[] = {&item};
    item.site_label = site_label;
    item.traffic_class = PATRONUS__V1__TRAFFIC_CLASS__STANDARD;
    item.window_ms = 1000;
    item.bytes = bytes;
    item.rate_bps = bytes * 8;
    Patronus__V1__Telemetry telemetry = PATRONUS__V1__TELEMETRY__INIT;
    telemetry.demands = items;
    telemetry.n_demands = 1;
    send_telemetry(node, &telemetry);
}

/* Members of tier 0 of the default class towards the other site. */
static UNUSED const Patronus__V1__GroupEntry *carrying_group(const struct node_stream *node)
{
    const Patronus__V1__Bundle *bundle = node->bundle->bundle;
    for (size_t i = 0; i < bundle->n_entries; i++) {
        const Patronus__V1__GroupEntry *group =
            bundle->entries[i]->entry_case == PATRONUS__V1__ENTRY__ENTRY_GROUP ? bundle->entries[i]->group : NULL;
        if (group != NULL && group->policy_class == 0 && group->n_members == 2) {
            return group;
        }
    }
    ck_abort_msg("no group of two paths in the bundle");
    return NULL;
}
