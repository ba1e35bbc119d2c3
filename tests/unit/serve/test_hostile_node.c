/*
 * A node whose holder means harm. Its certificate is good, so it gets as far as its own stream; nothing that it says
 * there changes what another node is told or what the cluster says of it, makes the log grow, or holds more memory than
 * a stream may. Each row is one behaviour: what it does, and whether its stream ends for it, with which code.
 *
 *   s1/e1  the hostile one        s2/e1  another node, in force and well        c1  the leader
 */
#include "edge_node.h"

#include "serve/controller_priv.h"

struct attacker {
    struct cluster *cluster;
    const struct enrolled *me;
    struct node_stream node; /* mine, with a hello said unless the row is a mute one */
    uint64_t own_path, victim_path;
    const uint8_t *victim_digest;
};

static size_t odd_lines; /* of the log, with a character that ends or hides a line */

static void look_at_line(void *context, enum pt_log_level level, const char *line)
{
    (void)context, (void)level;
    for (const char *c = line; *c != '\0'; c++) {
        odd_lines += (unsigned char)*c < ' ' || *c == 0x7f;
    }
}

/* ---- bytes ------------------------------------------------------------------------------------------------------ */

static void send_bytes(struct attacker *a, const char *bytes, size_t size)
{
    (void)pt_rpc_stream_send(a->node.stream, (struct pt_bytes){(const uint8_t *)bytes, size});
}

static void send_times(struct attacker *a, const char *piece, size_t size, size_t times)
{
    PT_AUTO(buf) struct pt_buf bytes = {0};
    for (size_t i = 0; i < times; i++) {
        pt_buf_append(&bytes, piece, size);
    }
    send_bytes(a, (const char *)bytes.data, bytes.size);
}

#define BYTES(name, text)                        \
    static void name(struct attacker *a)         \
    {                                            \
        send_bytes(a, (text), sizeof(text) - 1); \
    }
BYTES(sends_half_a_tag, "\xff")
BYTES(sends_a_length_behind_the_end, "\x0a\x05"
                                     "ab")
BYTES(sends_another_wire_type, "\x08\x01")
BYTES(sends_no_utf8, "\x0a\x04\x0a\x02\xff\xfe")
BYTES(sends_a_nul, "\x0a\x04\x0a\x02"
                   "a\x00")
BYTES(sends_two_messages_in_one, "\x12\x00\x1a\x00")
BYTES(sends_an_empty_message, "")
BYTES(sends_fields_of_the_future, "\xfa\x7f\x03"
                                  "new")

static void sends_ten_thousand_levels(struct attacker *a)
{
    send_times(a, "\xfb\x7f", 2, 10000);
}

static void sends_two_megabytes(struct attacker *a)
{
    send_times(a,
               "\xfa\x7f\x7d"
               "0123456789012345678901234567890123456789012345678901234567890"
               "1234567890123456789012345678901234567890123456789012345678901234",
               128, 1 << 14);
}

/* 65,537 shares and 100,001 paths, each of no bytes. */
static void sends_too_many_shares(struct attacker *a)
{
    PT_AUTO(buf) struct pt_buf bytes = {0};
    pt_buf_append(&bytes, "\x0a\x82\x80\x08", 4);
    for (size_t i = 0; i < 65537; i++) {
        pt_buf_append(&bytes, "\x3a\x00", 2);
    }
    send_bytes(a, (const char *)bytes.data, bytes.size);
}

static void sends_too_many_paths(struct attacker *a)
{
    PT_AUTO(buf) struct pt_buf bytes = {0};
    pt_buf_append(&bytes, "\x1a\xc2\x9a\x0c", 4);
    for (size_t i = 0; i < 100001; i++) {
        pt_buf_append(&bytes, "\x0a\x00", 2);
    }
    send_bytes(a, (const char *)bytes.data, bytes.size);
}

static void closes_its_side(struct attacker *a)
{
    pt_rpc_stream_half_close(a->node.stream);
}

/* ---- before its hello ------------------------------------------------------------------------------------------- */

static void reports_first(struct attacker *a)
{
    report(&a->node, a->own_path, true);
}

static void send_ack(struct attacker *a, uint64_t term, uint64_t generation, const uint8_t *digest, size_t size,
                     const char *error)
{
    Patronus__V1__BundlePosition position = PATRONUS__V1__BUNDLE_POSITION__INIT;
    Patronus__V1__BundleAck ack = PATRONUS__V1__BUNDLE_ACK__INIT;
    Patronus__V1__EdgeMessage message = PATRONUS__V1__EDGE_MESSAGE__INIT;
    position.term = term;
    position.generation = generation;
    ack.position = generation > 0 ? &position : NULL;
    ack.digest = (ProtobufCBinaryData){.len = size, .data = (uint8_t *)(uintptr_t)digest};
    ack.error = (char *)(uintptr_t)error;
    message.message_case = PATRONUS__V1__EDGE_MESSAGE__MESSAGE_ACK;
    message.ack = &ack;
    node_send(&a->node, &message);
}

static void acknowledges_first(struct attacker *a)
{
    send_ack(a, 1, 1, a->victim_digest, PT_DIGEST_SIZE, "");
}

static void answers(struct attacker *a)
{
    for (uint64_t id = 0; id < 50; id++) {
        Patronus__V1__NodeAnswer answer = PATRONUS__V1__NODE_ANSWER__INIT;
        Patronus__V1__FlowAnswer flow = PATRONUS__V1__FLOW_ANSWER__INIT;
        answer.answer_case = PATRONUS__V1__NODE_ANSWER__ANSWER_FLOW;
        answer.flow = &flow;
        send_answer(&a->node, id < 49 ? id : UINT64_MAX, "", &answer);
    }
}

static void send_trust(struct attacker *a, size_t size, const char *issuer, int64_t expires_ns)
{
    Patronus__V1__TrustReport trust = PATRONUS__V1__TRUST_REPORT__INIT;
    Patronus__V1__EdgeMessage message = PATRONUS__V1__EDGE_MESSAGE__INIT;
    trust.trust_digest = (ProtobufCBinaryData){.len = size, .data = (uint8_t *)(uintptr_t)a->victim_digest};
    trust.issuer = (char *)(uintptr_t)issuer;
    trust.expire_time_ns = expires_ns;
    message.message_case = PATRONUS__V1__EDGE_MESSAGE__MESSAGE_TRUST;
    message.trust = &trust;
    node_send(&a->node, &message);
}

static void trusts_strangely(struct attacker *a)
{
    send_trust(a, 5, "a", 1);
    send_trust(a, 0, "", INT64_MIN);
    send_trust(a, PT_DIGEST_SIZE, "0123456789012345678901234567890123456789012345678901234567890123456789", INT64_MAX);
}

static void measured_unasked(struct attacker *a)
{
    Patronus__V1__BandwidthReport item = PATRONUS__V1__BANDWIDTH_REPORT__INIT;
    Patronus__V1__EdgeMessage message = PATRONUS__V1__EDGE_MESSAGE__INIT;
    item.path = a->victim_path;
    item.rate_bps = UINT64_MAX;
    item.error = (char *)"";
    message.message_case = PATRONUS__V1__EDGE_MESSAGE__MESSAGE_BANDWIDTH;
    message.bandwidth = &item;
    for (item.request = 0; item.request < 20; item.request++) {
        node_send(&a->node, &message);
    }
}

/* ---- hellos ----------------------------------------------------------------------------------------------------- */

static void has_a_short_digest(struct attacker *a)
{
    Patronus__V1__NodeHello hello = PATRONUS__V1__NODE_HELLO__INIT;
    hello.digest = (ProtobufCBinaryData){.len = 5, .data = (uint8_t *)(uintptr_t)a->victim_digest};
    hello.tunnel_public_key = (ProtobufCBinaryData){.len = 31, .data = (uint8_t *)(uintptr_t)a->victim_digest};
    send_hello(&a->node, &hello);
}

static void has_anothers_bundle_of_the_future(struct attacker *a)
{
    Patronus__V1__BundlePosition position = PATRONUS__V1__BUNDLE_POSITION__INIT;
    Patronus__V1__NodeHello hello = PATRONUS__V1__NODE_HELLO__INIT;
    position.epoch = position.term = position.generation = UINT64_MAX;
    position.cluster_id = (char *)"another";
    hello.position = &position;
    hello.digest = (ProtobufCBinaryData){.len = PT_DIGEST_SIZE, .data = (uint8_t *)(uintptr_t)a->victim_digest};
    send_hello(&a->node, &hello);
}

static void shares_what_is_not_its_own(struct attacker *a)
{
    static const uint32_t weights[] = {0, 1, 256, 257, UINT32_MAX};
    Patronus__V1__PathShare items[10];
    Patronus__V1__PathShare *shares[10];
    Patronus__V1__NodeHello hello = PATRONUS__V1__NODE_HELLO__INIT;
    for (unsigned i = 0; i < 10; i++) {
        patronus__v1__path_share__init(&items[i]);
        items[i].path = i < 5 ? a->victim_path : i;
        items[i].weight = weights[i % 5];
        items[i].traffic_class = i % 3 == 2 ? UINT32_MAX : i % 3;
        shares[i] = &items[i];
    }
    hello.shares = shares;
    hello.n_shares = 10;
    send_hello(&a->node, &hello);
}

static void calls_its_version_something(struct attacker *a)
{
    char version[4001];
    memset(version, 'v', sizeof(version));
    memcpy(version, "1\r\nerror node connected edge=s2\x1b[2J\x07\x7f", 38);
    version[sizeof(version) - 1] = '\0';
    Patronus__V1__NodeHello hello = PATRONUS__V1__NODE_HELLO__INIT;
    Patronus__V1__EdgeMessage message = PATRONUS__V1__EDGE_MESSAGE__INIT;
    hello.software_version = version;
    hello.abi_version = UINT32_MAX;
    message.message_case = PATRONUS__V1__EDGE_MESSAGE__MESSAGE_HELLO;
    message.hello = &hello;
    node_send(&a->node, &message);
}

/* ---- acknowledgements ------------------------------------------------------------------------------------------- */

static void acknowledges_nothing(struct attacker *a)
{
    send_ack(a, 0, 0, NULL, 0, "");
}

static void acknowledges_what_was_never_sent(struct attacker *a)
{
    send_ack(a, UINT64_MAX, UINT64_MAX, a->victim_digest, PT_DIGEST_SIZE, "");
    send_ack(a, 1, UINT64_MAX, a->victim_digest, PT_DIGEST_SIZE, "");
}

static void acknowledges_anothers_bundle(struct attacker *a)
{
    const Patronus__V1__BundlePosition *position = a->node.bundle->bundle->header->position;
    for (unsigned i = 0; i < 20; i++) {
        send_ack(a, position->term, position->generation, a->victim_digest, PT_DIGEST_SIZE, "");
    }
}

static void refuses_in_strange_words(struct attacker *a)
{
    const Patronus__V1__BundlePosition *position = a->node.bundle->bundle->header->position;
    PT_AUTO(buf) struct pt_buf words = {0};
    for (unsigned i = 0; i < 5000; i++) {
        pt_buf_append_str(&words, "\"\n\x1b]0;%n%s\x07");
    }
    pt_buf_append_u8(&words, 0);
    send_ack(a, position->term, position->generation, NULL, 0, (const char *)words.data);
}

/* ---- telemetry -------------------------------------------------------------------------------------------------- */

static void kills_anothers_path(struct attacker *a)
{
    for (unsigned i = 0; i < 20; i++) {
        report(&a->node, a->victim_path, false);
    }
}

static void invents_paths(struct attacker *a)
{
    for (uint64_t i = 0; i < 500; i++) {
        report(&a->node, 0xbad0000 + i, i % 2 == 0);
    }
}

static void invents_demands(struct attacker *a)
{
    for (uint32_t i = 0; i < 500; i++) {
        offer(&a->node, 1000 + i, UINT64_MAX);
    }
}

static void has_an_impossible_history(struct attacker *a)
{
    uint64_t bytes[120], hours[24];
    memset(bytes, 0xff, sizeof(bytes));
    memset(hours, 0xff, sizeof(hours));
    Patronus__V1__DemandReport item = PATRONUS__V1__DEMAND_REPORT__INIT, *items[] = {&item};
    Patronus__V1__Telemetry telemetry = PATRONUS__V1__TELEMETRY__INIT;
    item.site_label = label_of_group(&a->node);
    item.window_ms = 1;
    item.history_bytes = bytes;
    item.n_history_bytes = 120;
    item.history_interval = UINT64_MAX;
    item.history_hours = hours;
    item.n_history_hours = 24;
    telemetry.demands = items;
    telemetry.n_demands = 1;
    send_telemetry(&a->node, &telemetry);
    item.history_interval = 0;
    item.traffic_class = UINT32_MAX;
    send_telemetry(&a->node, &telemetry);
}

static void lives_at_another_time(struct attacker *a)
{
    static const int64_t times[] = {INT64_MIN, INT64_MAX, -1, 1};
    for (unsigned i = 0; i < 4; i++) {
        Patronus__V1__Telemetry telemetry = PATRONUS__V1__TELEMETRY__INIT;
        telemetry.time_ns = times[i];
        send_telemetry(&a->node, &telemetry);
        struct cluster *cluster = a->cluster;
        run_for_ms(cluster, 100);
        OK(cluster, 0, "DiagnosticsService/DiagnoseSite", "{\"name\": \"organizations/acme/sites/s1\"}");
    }
}

static void drops_by_impossible_reasons(struct attacker *a)
{
    static const uint32_t reasons[] = {0, 1, 1, 255, 4096, UINT32_MAX};
    for (unsigned i = 0; i < 6; i++) {
        Patronus__V1__DropReport item = PATRONUS__V1__DROP_REPORT__INIT, *items[] = {&item};
        Patronus__V1__Telemetry telemetry = PATRONUS__V1__TELEMETRY__INIT;
        item.reason = reasons[i];
        item.packets = i % 2 == 0 ? UINT64_MAX : 1;
        telemetry.drops = items;
        telemetry.n_drops = 1;
        send_telemetry(&a->node, &telemetry);
    }
}

static void speaks_of_anothers_links(struct attacker *a)
{
    static const char *const names[] = {"organizations/acme/sites/s2/links/wan0", "", "organizations/acme", "../s2",
                                        "organizations/acme/sites/s2/links/wan0\n"};
    for (unsigned i = 0; i < 5; i++) {
        Patronus__V1__LinkReport link = PATRONUS__V1__LINK_REPORT__INIT, *links[] = {&link};
        Patronus__V1__TranslationReport nat = PATRONUS__V1__TRANSLATION_REPORT__INIT, *nats[] = {&nat};
        Patronus__V1__Telemetry telemetry = PATRONUS__V1__TELEMETRY__INIT;
        link.name = nat.link = (char *)(uintptr_t)names[i];
        link.error = (char *)"the kernel has no HTB";
        nat.exhausted = UINT64_MAX;
        telemetry.links = links;
        telemetry.translations = nats;
        telemetry.n_links = telemetry.n_translations = 1;
        send_telemetry(&a->node, &telemetry);
    }
}

static void recognises_strange_things(struct attacker *a)
{
    Patronus__V1__ApplicationReport items[64];
    Patronus__V1__ApplicationReport *list[64];
    Patronus__V1__InspectionReport inspection = PATRONUS__V1__INSPECTION_REPORT__INIT;
    Patronus__V1__Telemetry telemetry = PATRONUS__V1__TELEMETRY__INIT;
    for (unsigned i = 0; i < 64; i++) {
        patronus__v1__application_report__init(&items[i]);
        items[i].application = i % 2 == 0 ? UINT32_MAX - i : 7;
        items[i].name = (char *)"x\"} 1\npatronus_build_info{version=\"0\"} 1\n";
        items[i].flows = UINT64_MAX;
        list[i] = &items[i];
    }
    inspection.sampled = inspection.recognised = UINT64_MAX;
    inspection.applications = list;
    inspection.n_applications = 64;
    telemetry.inspection = &inspection;
    send_telemetry(&a->node, &telemetry);
}

/* ---- other ways in ---------------------------------------------------------------------------------------------- */

/* Streams that are opened and say nothing: the newest is kept, and the node's own goes on. */
static void opens_many_streams(struct attacker *a)
{
    struct node_stream more[20];
    unsigned ended = 0;
    for (unsigned i = 0; i < 20; i++) {
        node_connect(a->cluster, 0, a->me, &more[i]);
    }
    run_for_ms(a->cluster, 1000);
    for (unsigned i = 0; i < 20; i++) {
        ended += more[i].ended;
        ck_assert(!more[i].ended || more[i].error.code == PT_ABORTED);
        node_leave(&more[i]);
    }
    ck_assert_uint_eq(ended, 19);
}

static void is_refused(struct attacker *a, unsigned port, const char *method, const struct pt_rpc_metadata *metadata)
{
    struct cluster *cluster = a->cluster;
    struct pt_rpc_channel *channel = open_channel(cluster, 0, port, pem(&a->me->cert_pem), pem(&a->me->key_pem));
    enum pt_code code = call_raw(cluster, channel, method, (struct pt_bytes){0}, metadata);
    ck_assert_msg(code == PT_PERMISSION_DENIED || code == PT_UNIMPLEMENTED, "%s at %u: %s", method, port,
                  pt_code_name(code));
    pt_rpc_channel_free(channel);
}

static void calls_what_it_may_not(struct attacker *a)
{
    static const char *const methods[] = {"OrganizationService/ListOrganizations",
                                          "SiteService/ListSites",
                                          "EdgeService/UpdateEdge",
                                          "WatchService/Watch",
                                          "AuditService/QueryAudit",
                                          "AuthorityService/ReportTrust",
                                          "ClusterService/TransferLeadership"};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        char path[80];
        (void)snprintf(path, sizeof(path), "/patronus.v1.%s", methods[i]);
        is_refused(a, 7400, path, NULL);
        is_refused(a, 7402, path, NULL);
    }
    is_refused(a, 7400, "/patronus.v1.EdgeSync/Stream", NULL);
}

static void calls_in_an_admins_name(struct attacker *a)
{
    char name[160];
    (void)snprintf(name, sizeof(name), "spiffe://%.63s/admin/root", a->cluster->nodes[0].files.cluster_id);
    const struct pt_rpc_metadata admin = {.key = "patronus-principal", .value = name};
    is_refused(a, 7400, "/patronus.v1.SiteService/ListSites", &admin);
}

/* ---- each of them ----------------------------------------------------------------------------------------------- */

#define STAYS (-1)
static const struct behaviour {
    void (*act)(struct attacker *a);
    const char *what;
    int ends;       /* enum pt_code that the stream ends with, or STAYS */
    bool mute;      /* says no hello before */
    bool on_record; /* refused calls are: the audit log grows, in a few entries */
} behaviours[] = {
#define DOES(name, ...)          \
    {                            \
        name, #name, __VA_ARGS__ \
    }
    DOES(sends_half_a_tag, PT_INVALID_ARGUMENT),
    DOES(sends_a_length_behind_the_end, PT_INVALID_ARGUMENT),
    DOES(sends_another_wire_type, PT_INVALID_ARGUMENT),
    DOES(sends_no_utf8, PT_INVALID_ARGUMENT),
    DOES(sends_a_nul, PT_INVALID_ARGUMENT),
    DOES(sends_two_messages_in_one, PT_INVALID_ARGUMENT),
    DOES(sends_an_empty_message, STAYS),
    DOES(sends_fields_of_the_future, STAYS),
    DOES(sends_ten_thousand_levels, PT_INVALID_ARGUMENT),
    DOES(sends_two_megabytes, PT_EXHAUSTED),
    DOES(sends_too_many_shares, PT_INVALID_ARGUMENT),
    DOES(sends_too_many_paths, PT_INVALID_ARGUMENT),
    DOES(closes_its_side, PT_OK),
    DOES(closes_its_side, PT_OK, true),
    DOES(sends_half_a_tag, PT_INVALID_ARGUMENT, true),
    DOES(reports_first, PT_FAILED_PRECONDITION, true),
    DOES(acknowledges_first, PT_FAILED_PRECONDITION, true),
    DOES(answers, PT_FAILED_PRECONDITION, true),
    DOES(trusts_strangely, PT_FAILED_PRECONDITION, true),
    DOES(measured_unasked, PT_FAILED_PRECONDITION, true),
    DOES(answers, STAYS),
    DOES(trusts_strangely, STAYS),
    DOES(measured_unasked, STAYS),
    DOES(has_a_short_digest, STAYS, true),
    DOES(has_a_short_digest, STAYS),
    DOES(has_anothers_bundle_of_the_future, STAYS, true),
    DOES(shares_what_is_not_its_own, STAYS, true),
    DOES(calls_its_version_something, STAYS),
    DOES(acknowledges_nothing, STAYS),
    DOES(acknowledges_what_was_never_sent, STAYS),
    DOES(acknowledges_anothers_bundle, STAYS),
    DOES(refuses_in_strange_words, STAYS),
    DOES(kills_anothers_path, STAYS),
    DOES(invents_paths, STAYS),
    DOES(invents_demands, STAYS),
    DOES(has_an_impossible_history, STAYS),
    DOES(lives_at_another_time, STAYS),
    DOES(drops_by_impossible_reasons, STAYS),
    DOES(speaks_of_anothers_links, STAYS),
    DOES(recognises_strange_things, STAYS),
    DOES(opens_many_streams, STAYS),
    DOES(calls_what_it_may_not, STAYS, false, true),
    DOES(calls_in_an_admins_name, STAYS, false, true),
};

static uint64_t last_index(const struct cluster *cluster)
{
    return pt_raft_status(pt_controller_raft(cluster->nodes[0].controller)).last_index;
}

/* What the cluster says of the other node; the caller frees it. */
static char *seen_of_victim(struct cluster *cluster)
{
    PT_AUTO(buf) struct pt_buf all = {0};
    OK(cluster, 0, "LinkService/GetLink", "{\"name\": \"organizations/acme/sites/s2/links/wan0\"}");
    pt_buf_append_str(&all, cluster->answer.json);
    OK(cluster, 0, "TunnelService/ListTunnels",
       "{\"parent\": \"organizations/acme\", \"filter\": \"localLink = "
       "organizations/acme/sites/s2/links/wan0\"}");
    char *end = strrchr(cluster->answer.json, ']');
    ck_assert_msg(end != NULL, "%s", cluster->answer.json);
    *end = '\0'; /* behind it is the revision of the whole state */
    pt_buf_append_str(&all, cluster->answer.json);
    return strndup((const char *)all.data, all.size);
}

static void misbehave(struct attacker *a, struct node_stream *victim, const struct behaviour *row)
{
    struct cluster *cluster = a->cluster;
    node_connect(cluster, 0, a->me, &a->node);
    if (!row->mute) {
        say_hello(&a->node, NULL);
        STEP_UNTIL(cluster, a->node.bundles == 1);
    }
    report(victim, a->victim_path, true);
    run_for_ms(cluster, 1000);
    char *seen = seen_of_victim(cluster);
    struct pt_digest before = state_digest(cluster, 0);
    uint64_t index = last_index(cluster);
    unsigned bundles = victim->bundles;
    row->act(a);
    report(victim, a->victim_path, true);
    run_for_ms(cluster, 1500);
    ck_assert_msg(a->node.ended == (row->ends != STAYS), "%s: the stream %s: %s", row->what,
                  a->node.ended ? "ended" : "goes on", a->node.error.text);
    ck_assert_msg(row->ends == STAYS || (int)a->node.error.code == row->ends, "%s: %s: %s", row->what,
                  pt_code_name(a->node.error.code), a->node.error.text);
    ck_assert_msg(!victim->ended && victim->bundles == bundles, "%s: the other node hears of it", row->what);
    char *now = seen_of_victim(cluster);
    ck_assert_msg(strcmp(seen, now) == 0, "%s: was %s, is %s", row->what, seen, now);
    struct pt_digest after = state_digest(cluster, 0);
    ck_assert_msg(row->on_record || pt_digest_equal(&before, &after), "%s: changes the state", row->what);
    ck_assert_msg(last_index(cluster) - index <= (row->on_record ? 10 : 0), "%s: the log grew by %u", row->what,
                  (unsigned)(last_index(cluster) - index));
    ck_assert_msg(odd_lines == 0, "%s: a line of the log is not one", row->what);
    free(seen);
    free(now);
    node_leave(&a->node);
    run_for_ms(cluster, 200);
}

START_TEST(whatever_a_node_does_it_does_to_itself)
{
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream victim, honest;
    network_init(cluster, nodes);
    cluster->log.sink = look_at_line;
    nodes_join(cluster, nodes, &honest, &victim);
    acknowledge(&victim, "");
    struct pt_digest in_force;
    memcpy(in_force.bytes, victim.bundle->bundle->header->digest.data, PT_DIGEST_SIZE);
    struct attacker a = {.cluster = cluster,
                         .me = &nodes[0],
                         .own_path = first_path(&honest),
                         .victim_path = first_path(&victim),
                         .victim_digest = in_force.bytes};
    node_leave(&honest);
    run_for_ms(cluster, 7000); /* by now the leader needs nobody's word for splits */
    size_t len = sizeof(behaviours) / sizeof(behaviours[0]);
    for (size_t i = 0; i < len; i++) {
        misbehave(&a, &victim, &behaviours[i]);
    }
    ck_assert_uint_ge(len, 30);
    printf("figure hostile_node_behaviours %zu goal >=30 met\n", len);
    PT_AUTO(buf) struct pt_buf metrics = {0};
    pt_soft_metrics(cluster->nodes[0].controller->soft, &metrics);
    pt_buf_append_u8(&metrics, 0);
    ck_assert_ptr_null(strstr((const char *)metrics.data, "version=\"0\""));
    node_leave(&victim);
    network_fini(cluster, nodes);
}
END_TEST

/* Each hello is answered with what every node gets. Who says thousands and takes no answer is sent off, before they
 * are more than a stream may hold. */
START_TEST(who_does_not_read_is_sent_off)
{
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream node;
    network_init(cluster, nodes);
    node_join(cluster, 0, &nodes[0], &node);
    for (unsigned i = 0; i < 3000; i++) {
        say_hello(&node, NULL);
    }
    STEP_UNTIL(cluster, node.ended);
    ck_assert_str_eq(pt_code_name(node.error.code), pt_code_name(PT_EXHAUSTED));
    ck_assert_uint_le(node.lists, 2 * PT_RPC_QUEUE_LEN_MAX);
    node_leave(&node);
    node_join(cluster, 0, &nodes[0], &node); /* and comes back as anybody does */
    node_leave(&node);
    network_fini(cluster, nodes);
}
END_TEST

/* A key of tunnels is an entry of the log, and a change for every peer. One that is another each time is one each
 * two seconds, and the last one counts. */
START_TEST(a_key_that_is_another_each_time_does_not_fill_the_log)
{
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream node;
    network_init(cluster, nodes);
    node_join(cluster, 0, &nodes[0], &node);
    uint64_t before = last_index(cluster);
    uint8_t key[32] = {0};
    for (unsigned i = 0; i < 200; i++) {
        Patronus__V1__NodeHello hello = PATRONUS__V1__NODE_HELLO__INIT;
        key[0] = (uint8_t)(i + 1);
        hello.tunnel_public_key = (ProtobufCBinaryData){.len = sizeof(key), .data = key};
        send_hello(&node, &hello);
        run_for_ms(cluster, 20);
    }
    ck_assert(!node.ended);
    ck_assert_uint_le(last_index(cluster) - before, 4); /* of four seconds */
    run_for_ms(cluster, 3000);
    struct pt_digest bytes;
    char hex[65];
    memcpy(bytes.bytes, key, sizeof(key));
    OK(cluster, 0, "EdgeService/GetEdge", "{\"name\": \"organizations/acme/sites/s1/edges/e1\"}");
    ANSWER_HAS(pt_digest_hex(&bytes, hex));
    node_leave(&node);
    network_fini(cluster, nodes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("serve/hostile_node");
    TCase *tests = tcase_create("hostile_node");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, whatever_a_node_does_it_does_to_itself);
    tcase_add_test(tests, who_does_not_read_is_sent_off);
    tcase_add_test(tests, a_key_that_is_another_each_time_does_not_fill_the_log);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
