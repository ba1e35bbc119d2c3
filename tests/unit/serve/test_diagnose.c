/*
 * Diagnostics between a caller and an edge that the test plays: what reaches the edge, what comes back and in which
 * order, who may, what is recorded, and that nothing goes on when nobody waits. Time is virtual.
 */
#include "edge_node.h"

#include "patronus/v1/diagnostics.pb-c.h"

#define EDGE "organizations/acme/sites/s1/edges/e1"
#define SERVICE "/patronus.v1.DiagnosticsService/"

/* ---- the edge -------------------------------------------------------------------------------------------------- */

/* To what was asked last. */
static void edge_says(struct node_stream *edge, const char *error, Patronus__V1__DiagnosticReport *report)
{
    Patronus__V1__NodeAnswer answer = PATRONUS__V1__NODE_ANSWER__INIT;
    if (report != NULL) {
        answer.answer_case = PATRONUS__V1__NODE_ANSWER__ANSWER_DIAGNOSTIC;
        answer.diagnostic = report;
    }
    send_answer(edge, edge->question->question->id, error, &answer);
}

static void edge_pings(struct node_stream *edge, uint32_t sequence, bool last)
{
    Patronus__V1__DiagnosticReport report = PATRONUS__V1__DIAGNOSTIC_REPORT__INIT;
    Patronus__V1__PingResponse ping = PATRONUS__V1__PING_RESPONSE__INIT;
    ping.sequence = sequence;
    ping.answered = true;
    report.response_case = PATRONUS__V1__DIAGNOSTIC_REPORT__RESPONSE_PING;
    report.ping = &ping;
    report.last = last;
    edge_says(edge, "", &report);
}

static void edge_captures(struct node_stream *edge, uint64_t packets, const char *end_reason)
{
    static uint8_t bytes[100];
    Patronus__V1__DiagnosticReport report = PATRONUS__V1__DIAGNOSTIC_REPORT__INIT;
    Patronus__V1__CaptureResponse piece = PATRONUS__V1__CAPTURE_RESPONSE__INIT;
    piece.pcap = (ProtobufCBinaryData){.len = sizeof(bytes), .data = bytes};
    piece.packets = packets;
    piece.lost = 7;
    piece.end_reason = (char *)(uintptr_t)end_reason;
    report.response_case = PATRONUS__V1__DIAGNOSTIC_REPORT__RESPONSE_CAPTURE;
    report.capture = &piece;
    report.last = end_reason[0] != '\0';
    edge_says(edge, "", &report);
}

/* ---- the caller ------------------------------------------------------------------------------------------------ */

struct caller {
    struct pt_rpc_stream *stream;
    unsigned replies;
    uint32_t newest; /* sequence of the newest reply */
    bool ended;
    struct pt_error error; /* code PT_OK: it ended well */
};

static void on_reply(void *arg, struct pt_bytes data)
{
    struct caller *caller = arg;
    Patronus__V1__PingResponse *reply = patronus__v1__ping_response__unpack(NULL, data.size, data.data);
    ck_assert_ptr_nonnull(reply);
    ck_assert_uint_eq(reply->sequence, caller->newest + 1); /* in order, none twice */
    caller->newest = reply->sequence;
    caller->replies++;
    patronus__v1__ping_response__free_unpacked(reply, NULL);
}

static void on_reply_end(void *arg, const struct pt_error *error)
{
    struct caller *caller = arg;
    caller->ended = true;
    caller->stream = NULL;
    caller->error = error != NULL ? *error : (struct pt_error){0};
}

static void ask_by(struct cluster *cluster, struct pt_rpc_channel *channel, const char *method, const char *json,
                   struct caller *caller)
{
    static const struct pt_rpc_stream_ops ops = {.on_message = on_reply, .on_end = on_reply_end};
    PT_AUTO(buf) struct pt_buf request = {0};
    char path[96];
    (void)snprintf(path, sizeof(path), SERVICE "%s", method);
    encode_json(cluster, pt_schema_method(cluster->schema, path)->input, json, &request);
    *caller = (struct caller){.replies = 0};
    caller->stream = pt_rpc_stream_open(channel, path, NULL, 0, &ops, caller);
    (void)pt_rpc_stream_send(caller->stream, pt_buf_bytes(&request));
    pt_rpc_stream_half_close(caller->stream);
}

static void ask(struct cluster *cluster, unsigned number, const char *method, const char *json, struct caller *caller)
{
    ask_by(cluster, cluster->nodes[number].admin, method, json, caller);
}

#define PING_OF(address) "{\"edge\": \"" EDGE "\", \"destination\": \"" address "\"}"
#define PING "{\"edge\": \"" EDGE "\", \"destination\": \"172.16.2.9\", \"count\": 3}"

/* Refused before the edge hears of it. */
static void refused(struct cluster *cluster, const char *method, const char *json, enum pt_code code)
{
    struct caller caller;
    ask(cluster, (unsigned)leader_of(cluster), method, json, &caller);
    STEP_UNTIL(cluster, caller.ended);
    ck_assert_str_eq(pt_code_name(caller.error.code), pt_code_name(code));
}

struct reader { /* of a capture */
    struct pt_rpc_stream *stream;
    uint64_t pieces, packets, lost;
    char end_reason[32];
    bool ended;
};

static void on_piece(void *arg, struct pt_bytes data)
{
    struct reader *reader = arg;
    Patronus__V1__CaptureResponse *piece = patronus__v1__capture_response__unpack(NULL, data.size, data.data);
    ck_assert_ptr_nonnull(piece);
    ck_assert_str_eq(reader->end_reason, ""); /* nothing behind the last */
    ck_assert_uint_eq(piece->pcap.len, 100);
    reader->pieces++;
    ck_assert_uint_eq(piece->packets,
                      reader->pieces * 10); /* each has 10, and those that are missing are not counted */
    reader->packets = piece->packets;
    reader->lost = piece->lost;
    strncpy(reader->end_reason, piece->end_reason, sizeof(reader->end_reason) - 1);
    patronus__v1__capture_response__free_unpacked(piece, NULL);
}

static void on_piece_end(void *arg, const struct pt_error *error)
{
    struct reader *reader = arg;
    ck_assert_ptr_null(error);
    reader->ended = true;
}

static void on_hop(void *arg, struct pt_bytes data)
{
    Patronus__V1__TracerouteResponse *hop = patronus__v1__traceroute_response__unpack(NULL, data.size, data.data);
    ck_assert_ptr_nonnull(hop);
    (void)snprintf(arg, 128, "%s", hop->path);
    patronus__v1__traceroute_response__free_unpacked(hop, NULL);
}

static void on_hop_end(void *arg, const struct pt_error *error)
{
    (void)arg, (void)error;
}

/* ---- the world ------------------------------------------------------------------------------------------------- */

/* A second segment, which no edge has a wire of. */
static void make_blue(struct cluster *cluster)
{
    OK(cluster, 0, "SegmentService/CreateSegment",
       "{\"parent\": \"organizations/acme\", \"segmentId\": \"blue\", \"segment\": {\"fabric\": "
       "\"organizations/acme/fabrics/main\"}}");
}

/* ---- tests ----------------------------------------------------------------------------------------------------- */

/* Each reply as it comes, the end behind the last, and one record of it that was there before the edge was asked. */
START_TEST(replies_come_one_by_one_and_the_call_is_recorded)
{
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream edge;
    struct caller caller;
    network_init(cluster, nodes);
    node_join(cluster, 0, &nodes[0], &edge);
    ask(cluster, 0, "Ping", PING, &caller);
    STEP_UNTIL(cluster, edge.questions == 1);
    OK(cluster, 0, "AuditService/QueryAudit", "{\"parent\": \"organizations/acme\"}");
    ANSWER_HAS("\"method\":\"Ping\"");
    ANSWER_HAS(EDGE "\"],\"resourcesLen\":1,\"code\":\"OK\"");
    const Patronus__V1__NodeQuestion *question = edge.question->question;
    ck_assert_int_eq(question->question_case, PATRONUS__V1__NODE_QUESTION__QUESTION_DIAGNOSTIC);
    ck_assert_int_eq(question->diagnostic->request_case, PATRONUS__V1__DIAGNOSTIC_ORDER__REQUEST_PING);
    ck_assert_uint_ne(question->diagnostic->vni, 0);
    ck_assert_uint_eq(question->diagnostic->ping->count, 3);
    for (uint32_t i = 1; i <= 3; i++) {
        ck_assert(!caller.ended);
        edge_pings(&edge, i, i == 3);
        STEP_UNTIL(cluster, caller.replies == i);
    }
    STEP_UNTIL(cluster, caller.ended);
    ck_assert_int_eq(caller.error.code, PT_OK);
    run_for_ms(cluster, 1000);
    ck_assert_uint_eq(edge.stops, 0); /* it ended by itself */
    node_leave(&edge);
    network_fini(cluster, nodes);
}
END_TEST

START_TEST(what_makes_no_sense_is_refused_and_reaches_no_edge)
{
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream edge;
    network_init(cluster, nodes);
    node_join(cluster, 0, &nodes[0], &edge);
    refused(cluster, "Ping", "{\"destination\": \"172.16.2.9\"}", PT_INVALID_ARGUMENT);
    refused(cluster, "Ping", "{\"edge\": \"" EDGE "\", \"destination\": \"nonsense\"}", PT_INVALID_ARGUMENT);
    refused(cluster, "Ping", "{\"edge\": \"" EDGE "\", \"destination\": \"1.2.3.4\", \"count\": 1001}",
            PT_INVALID_ARGUMENT);
    refused(cluster, "Ping", "{\"edge\": \"" EDGE "\", \"destination\": \"1.2.3.4\", \"intervalMs\": 10}",
            PT_INVALID_ARGUMENT);
    refused(cluster, "Ping", "{\"edge\": \"organizations/acme/sites/s1/edges/e9\", \"destination\": \"1.2.3.4\"}",
            PT_NOT_FOUND);
    make_blue(cluster);
    /* A segment that no wire of the edge belongs to; one of another organization is no other. */
    refused(cluster, "Capture", "{\"edge\": \"" EDGE "\", \"segment\": \"organizations/acme/segments/blue\"}",
            PT_FAILED_PRECONDITION);
    refused(cluster, "Capture", "{\"edge\": \"" EDGE "\", \"segment\": \"organizations/other/segments/red\"}",
            PT_FAILED_PRECONDITION);
    refused(cluster, "ProbePath", "{\"name\": \"organizations/acme/paths/p-0000000000000005\"}", PT_NOT_FOUND);
    ck_assert_uint_eq(edge.questions, 0);
    node_leave(&edge);
    run_for_ms(cluster, 1000);
    refused(cluster, "Ping", PING, PT_UNAVAILABLE); /* the edge is away */
    network_fini(cluster, nodes);
}
END_TEST

/* The caller goes: the edge is told to stop. The edge refuses, falls silent, or goes: the caller is told. */
START_TEST(neither_side_waits_for_one_that_is_gone)
{
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream edge;
    struct caller caller;
    network_init(cluster, nodes);
    node_join(cluster, 0, &nodes[0], &edge);
    ask(cluster, 0, "Ping", PING, &caller);
    STEP_UNTIL(cluster, edge.questions == 1);
    pt_rpc_stream_cancel(caller.stream);
    STEP_UNTIL(cluster, edge.stops == 1);
    ck_assert_uint_eq(edge.stopped, edge.question->question->id);
    edge_pings(&edge, 1, false); /* too late: to nobody */
    ask(cluster, 0, "Ping", PING, &caller);
    STEP_UNTIL(cluster, edge.questions == 2);
    edge_says(&edge, "the edge has no IPv4 address on this wire", NULL);
    STEP_UNTIL(cluster, caller.ended);
    ck_assert_int_eq(caller.error.code, PT_FAILED_PRECONDITION);
    ck_assert_ptr_nonnull(strstr(caller.error.text, "no IPv4 address"));
    ask(cluster, 0, "Ping", PING, &caller);
    STEP_UNTIL(cluster, edge.questions == 3);
    STEP_UNTIL(cluster, caller.ended); /* silence */
    ck_assert_int_eq(caller.error.code, PT_UNAVAILABLE);
    STEP_UNTIL(cluster, edge.stops == 2);
    ask(cluster, 0, "Ping", PING, &caller);
    STEP_UNTIL(cluster, edge.questions == 4);
    node_leave(&edge);
    STEP_UNTIL(cluster, caller.ended);
    ck_assert_int_eq(caller.error.code, PT_UNAVAILABLE);
    network_fini(cluster, nodes);
}
END_TEST

START_TEST(no_more_run_at_a_time_than_may)
{
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream edge;
    struct caller callers[5];
    network_init(cluster, nodes);
    node_join(cluster, 0, &nodes[0], &edge);
    for (unsigned i = 0; i < 4; i++) {
        ask(cluster, 0, "Ping", PING, &callers[i]);
        STEP_UNTIL(cluster, edge.questions == i + 1);
    }
    ask(cluster, 0, "Ping", PING, &callers[4]);
    STEP_UNTIL(cluster, callers[4].ended);
    ck_assert_int_eq(callers[4].error.code, PT_EXHAUSTED);
    ck_assert_uint_eq(edge.questions, 4);
    pt_rpc_stream_cancel(callers[0].stream);
    STEP_UNTIL(cluster, edge.stops == 1);
    ask(cluster, 0, "Ping", PING, &callers[4]); /* there is room again */
    STEP_UNTIL(cluster, edge.questions == 5);
    edge_pings(&edge, 1, true);
    STEP_UNTIL(cluster, callers[4].ended);
    ck_assert_int_eq(callers[4].error.code, PT_OK);
    node_leave(&edge);
    STEP_UNTIL(cluster, callers[1].ended && callers[2].ended && callers[3].ended);
    network_fini(cluster, nodes);
}
END_TEST

START_TEST(no_more_run_in_an_organization_than_may)
{
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2], third = {0};
    struct node_stream edges[3];
    struct caller callers[9];
    char ping[160];
    network_init(cluster, nodes);
    make_site(cluster, 3, &third);
    for (unsigned i = 0; i < 3; i++) {
        node_join(cluster, 0, i < 2 ? &nodes[i] : &third, &edges[i]);
    }
    for (unsigned i = 0; i < 9; i++) {
        (void)snprintf(ping, sizeof(ping),
                       "{\"edge\": \"organizations/acme/sites/s%u/edges/e1\", \"destination\": \"172.16.9.9\"}",
                       i / 4 + 1);
        ask(cluster, 0, "Ping", ping, &callers[i]);
        STEP_UNTIL(cluster, i == 8 ? callers[8].ended : edges[i / 4].questions == i % 4 + 1);
    }
    ck_assert_int_eq(callers[8].error.code, PT_EXHAUSTED);
    ck_assert_ptr_nonnull(strstr(callers[8].error.text, "of this organization"));
    ck_assert_uint_eq(edges[2].questions, 0);
    edge_pings(&edges[0], 1, true); /* one ends */
    STEP_UNTIL(cluster, callers[3].ended);
    ask(cluster, 0, "Ping", ping, &callers[8]);
    STEP_UNTIL(cluster, edges[2].questions == 1);
    for (unsigned i = 0; i < 3; i++) {
        node_leave(&edges[i]);
    }
    STEP_UNTIL(cluster, callers[0].ended && callers[4].ended && callers[7].ended && callers[8].ended);
    enrolled_fini(&third);
    network_fini(cluster, nodes);
}
END_TEST

/* An edge knows a path by its number; who asked is told its name. */
START_TEST(a_path_of_a_traceroute_is_named)
{
    static const struct pt_rpc_stream_ops ops = {.on_message = on_hop, .on_end = on_hop_end};
    Patronus__V1__DiagnosticReport report = PATRONUS__V1__DIAGNOSTIC_REPORT__INIT;
    Patronus__V1__TracerouteResponse hop = PATRONUS__V1__TRACEROUTE_RESPONSE__INIT;
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream edge;
    char path[128] = "";
    PT_AUTO(buf) struct pt_buf request = {0};
    network_init(cluster, nodes);
    node_join(cluster, 0, &nodes[0], &edge);
    encode_json(cluster, pt_schema_method(cluster->schema, SERVICE "Traceroute")->input, PING_OF("172.16.2.9"),
                &request);
    struct pt_rpc_stream *stream =
        pt_rpc_stream_open(cluster->nodes[0].admin, SERVICE "Traceroute", NULL, 0, &ops, path);
    (void)pt_rpc_stream_send(stream, pt_buf_bytes(&request));
    pt_rpc_stream_half_close(stream);
    STEP_UNTIL(cluster, edge.questions == 1);
    hop.hop = 2;
    hop.answered = true;
    hop.path = (char *)"what an edge writes there is not taken";
    report.response_case = PATRONUS__V1__DIAGNOSTIC_REPORT__RESPONSE_TRACEROUTE;
    report.traceroute = &hop;
    report.path = 0xabc;
    report.last = true;
    edge_says(&edge, "", &report);
    STEP_UNTIL(cluster, path[0] != '\0');
    ck_assert_str_eq(path, "organizations/acme/paths/p-0000000000000abc");
    run_for_ms(cluster, 100);
    node_leave(&edge);
    network_fini(cluster, nodes);
}
END_TEST

/* More comes at once than a stream holds: what does not fit is left out and said to be lost, but not the last piece. */
START_TEST(a_slow_reader_of_a_capture_gets_its_end)
{
    static const struct pt_rpc_stream_ops ops = {.on_message = on_piece, .on_end = on_piece_end};
    static const char capture[] = "{\"edge\": \"" EDGE "\", \"segment\": \"organizations/acme/segments/red\"}";
    const uint64_t pieces = PT_RPC_QUEUE_LEN_MAX + 100;
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream edge;
    struct reader reader = {0};
    PT_AUTO(buf) struct pt_buf request = {0};
    network_init(cluster, nodes);
    node_join(cluster, 0, &nodes[0], &edge);
    encode_json(cluster, pt_schema_method(cluster->schema, SERVICE "Capture")->input, capture, &request);
    reader.stream = pt_rpc_stream_open(cluster->nodes[0].admin, SERVICE "Capture", NULL, 0, &ops, &reader);
    (void)pt_rpc_stream_send(reader.stream, pt_buf_bytes(&request));
    pt_rpc_stream_half_close(reader.stream);
    STEP_UNTIL(cluster, edge.questions == 1);
    for (uint64_t i = 1; i <= pieces; i++) {
        edge_captures(&edge, i * 10, i == pieces ? "packets" : "");
    }
    STEP_UNTIL(cluster, reader.ended);
    ck_assert_str_eq(reader.end_reason, "packets");
    ck_assert_uint_lt(reader.pieces, pieces); /* else nothing was shown */
    ck_assert_uint_ge(reader.pieces, PT_RPC_QUEUE_LEN_MAX);
    ck_assert_uint_eq(reader.packets + reader.lost, pieces * 10 + 7);
    node_leave(&edge);
    network_fini(cluster, nodes);
}
END_TEST

/* Asked at a follower: the leader's replies come through it, and its caller's end reaches the edge. A change of leader
 * ends the call with a word of it. */
START_TEST(a_follower_passes_replies_on)
{
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream edge;
    struct caller caller;
    network_init_three(cluster, nodes);
    unsigned leader = (unsigned)leader_of(cluster), follower = (leader + 1) % NODES;
    node_join(cluster, leader, &nodes[0], &edge);
    ask(cluster, follower, "Ping", PING, &caller);
    STEP_UNTIL(cluster, edge.questions == 1);
    edge_pings(&edge, 1, false);
    STEP_UNTIL(cluster, caller.replies == 1);
    ck_assert(!caller.ended);
    edge_pings(&edge, 2, true);
    STEP_UNTIL(cluster, caller.ended);
    ck_assert_int_eq(caller.error.code, PT_OK);
    ck_assert_uint_eq(caller.replies, 2);
    ask(cluster, follower, "Ping", PING, &caller);
    STEP_UNTIL(cluster, edge.questions == 2);
    pt_rpc_stream_cancel(caller.stream);
    STEP_UNTIL(cluster, edge.stops == 1);
    ask(cluster, follower, "Ping", PING, &caller);
    STEP_UNTIL(cluster, edge.questions == 3);
    OK(cluster, leader, "ClusterService/TransferLeadership", "{}");
    STEP_UNTIL(cluster, caller.ended);
    ck_assert_int_eq(caller.error.code, PT_UNAVAILABLE);
    node_leave(&edge);
    network_fini(cluster, nodes);
}
END_TEST

/* From the leader's own knowledge: an edge that is there, with a clock that is wrong, and then away. */
START_TEST(a_site_is_diagnosed_from_what_the_leader_knows)
{
    static const char request[] = "{\"name\": \"organizations/acme/sites/s1\"}";
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream edge;
    network_init(cluster, nodes);
    node_join(cluster, 0, &nodes[0], &edge);
    OK(cluster, 0, "DiagnosticsService/DiagnoseSite", request);
    ANSWER_LACKS("CAUSE_EDGE_NOT_CONNECTED");
    ANSWER_LACKS("CAUSE_CLOCK_OFF");
    Patronus__V1__Telemetry telemetry = PATRONUS__V1__TELEMETRY__INIT;
    telemetry.time_ns = pt_sys_wall_ns(host_sys(cluster, CLIENT)) - 60 * (int64_t)SECOND;
    send_telemetry(&edge, &telemetry);
    run_for_ms(cluster, 200);
    OK(cluster, 0, "DiagnosticsService/DiagnoseSite", request);
    ANSWER_HAS("CAUSE_CLOCK_OFF");
    ANSWER_HAS("s behind");
    node_leave(&edge);
    run_for_ms(cluster, 1000);
    OK(cluster, 0, "DiagnosticsService/DiagnoseSite", request);
    ANSWER_HAS("CAUSE_EDGE_NOT_CONNECTED");
    ANSWER_LACKS("CAUSE_CLOCK_OFF"); /* of one that is away nothing else is said */
    REFUSED(PT_NOT_FOUND, cluster, 0, "DiagnosticsService/DiagnoseSite", "{\"name\": \"organizations/acme/sites/s9\"}");
    network_fini(cluster, nodes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("diagnose");
    TCase *tcase = tcase_create("calls");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, replies_come_one_by_one_and_the_call_is_recorded);
    tcase_add_test(tcase, what_makes_no_sense_is_refused_and_reaches_no_edge);
    tcase_add_test(tcase, neither_side_waits_for_one_that_is_gone);
    tcase_add_test(tcase, no_more_run_at_a_time_than_may);
    tcase_add_test(tcase, no_more_run_in_an_organization_than_may);
    tcase_add_test(tcase, a_follower_passes_replies_on);
    tcase_add_test(tcase, a_slow_reader_of_a_capture_gets_its_end);
    tcase_add_test(tcase, a_path_of_a_traceroute_is_named);
    tcase_add_test(tcase, a_site_is_diagnosed_from_what_the_leader_knows);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
