/*
 * A node that a test plays: its EdgeSync stream, and a network of two sites for it to be in.
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
    unsigned questions;
    Patronus__V1__ControllerMessage *question; /* newest */
};

static UNUSED void node_send(struct node_stream *node, const Patronus__V1__EdgeMessage *message)
{
    PT_AUTO(buf) struct pt_buf data = {0};
    size_t size = patronus__v1__edge_message__get_packed_size(message);
    (void)patronus__v1__edge_message__pack(message, pt_buf_reserve(&data, size));
    data.size = size;
    (void)pt_rpc_stream_send(node->stream, pt_buf_bytes(&data));
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
    if (message->message_case == PATRONUS__V1__CONTROLLER_MESSAGE__MESSAGE_QUESTION) {
        node->questions++;
        if (node->question != NULL) {
            patronus__v1__controller_message__free_unpacked(node->question, NULL);
        }
        node->question = message;
        return;
    }
    if (message->message_case == PATRONUS__V1__CONTROLLER_MESSAGE__MESSAGE_NOT_LEADER) {
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
    hello.software_version = (char *)"test";
    hello.abi_version = 1;
    if (in_force != NULL) {
        hello.digest = (ProtobufCBinaryData){.len = PT_DIGEST_SIZE, .data = (uint8_t *)(uintptr_t)in_force->bytes};
    }
    Patronus__V1__EdgeMessage message = PATRONUS__V1__EDGE_MESSAGE__INIT;
    message.message_case = PATRONUS__V1__EDGE_MESSAGE__MESSAGE_HELLO;
    message.hello = &hello;
    node_send(node, &message);
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
    Patronus__V1__EdgeMessage message = PATRONUS__V1__EDGE_MESSAGE__INIT;
    message.message_case = PATRONUS__V1__EDGE_MESSAGE__MESSAGE_TELEMETRY;
    message.telemetry = &telemetry;
    node_send(node, &message);
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
