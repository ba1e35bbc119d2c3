/*
 * Questions about traffic between a caller and edges that the test plays: who is asked, whose word counts, what a
 * caller is told when nobody can say, and how many may wait. Time is virtual.
 */
#include "edge_node.h"

#include "base/drop.h"
#include "serve/controller_priv.h"

#define S1 "organizations/acme/sites/s1"
#define EDGES 2
#define WAITING_MAX 64 /* CALLS_MAX of internal/serve/explain.c */

struct place {
    struct cluster cluster;
    struct enrolled identities[EDGES];
    struct node_stream edges[EDGES];
    unsigned leader;
};

/* Sites s1 and s2 with an edge each: 172.16.1.0/24 and 172.16.2.0/24. */
static void place_init(struct place *place, bool three)
{
    struct cluster *cluster = &place->cluster;
    if (three) {
        network_init_three(cluster, place->identities);
    } else {
        network_init(cluster, place->identities);
    }
    place->leader = (unsigned)leader_of(cluster);
    for (unsigned i = 0; i < EDGES; i++) {
        node_join(cluster, place->leader, &place->identities[i], &place->edges[i]);
        acknowledge(&place->edges[i], "");
    }
}

static void place_fini(struct place *place)
{
    for (unsigned i = 0; i < EDGES; i++) {
        node_leave(&place->edges[i]);
    }
    network_fini(&place->cluster, place->identities);
}

/* ---- the caller ------------------------------------------------------------------------------------------------ */

#define FLOW(source)                                                          \
    "{\"parent\": \"organizations/acme\", \"source\": \"" source "\", "       \
    "\"destination\": \"172.16.2.9\", \"protocol\": 6, \"sourcePort\": 4711," \
    "\"destinationPort\": 443, \"time\": \"1970-01-01T00:00:07Z\"}"
#define OF_S1 FLOW("172.16.1.5")

static void ask(struct place *place, unsigned at, const char *method, const char *json, struct answer *answer)
{
    PT_AUTO(buf) struct pt_buf request = {0};
    char path[96];
    (void)snprintf(path, sizeof(path), "/patronus.v1.ExplainService/%s", method);
    encode_json(&place->cluster, pt_schema_method(place->cluster.schema, path)->input, json, &request);
    *answer = (struct answer){.done = false};
    (void)pt_rpc_unary(place->cluster.nodes[at].admin, path, pt_buf_bytes(&request), NULL, 0, 0, on_answer, answer);
}

static void has(struct place *place, const char *method, struct answer *answer, const char *text)
{
    char path[96];
    (void)snprintf(path, sizeof(path), "/patronus.v1.ExplainService/%s", method);
    ck_assert_msg(answer->error.code == PT_OK, "%s: %s", answer->error.field, answer->error.text);
    free(answer->json);
    answer->json = decode_json(&place->cluster, pt_schema_method(place->cluster.schema, path)->output,
                               pt_buf_bytes(&answer->message));
    ck_assert_msg(strstr(answer->json, text) != NULL, "no %s in %s", text, answer->json);
}

/* ---- the edge -------------------------------------------------------------------------------------------------- */

static void answer_error(struct node_stream *edge, uint64_t id, const char *error)
{
    Patronus__V1__NodeAnswer answer = PATRONUS__V1__NODE_ANSWER__INIT;
    send_answer(edge, id, error, &answer);
}

/* It remembers one decision, by this rule; NULL: none. */
static void answer_flow(struct node_stream *edge, uint64_t id, const char *rule)
{
    Patronus__V1__NodeAnswer answer = PATRONUS__V1__NODE_ANSWER__INIT;
    Patronus__V1__FlowAnswer flow = PATRONUS__V1__FLOW_ANSWER__INIT;
    Patronus__V1__FlowRecord record = PATRONUS__V1__FLOW_RECORD__INIT, *records[] = {&record};
    record.time_ns = 6000000000;
    record.verdict = 3;
    record.reason = PT_DROP_POLICY_DENY;
    record.rule_origin = (char *)(uintptr_t)rule;
    flow.records = records;
    flow.n_records = rule != NULL ? 1 : 0;
    answer.answer_case = PATRONUS__V1__NODE_ANSWER__ANSWER_FLOW;
    answer.flow = &flow;
    send_answer(edge, id, "", &answer);
}

static void answer_drop(struct node_stream *edge, uint64_t id)
{
    static uint8_t source[16] = {[10] = 0xff, 0xff, 172, 16, 1, 5}, destination[16] = {[10] = 0xff, 0xff, 10, 9, 9, 9};
    Patronus__V1__NodeAnswer answer = PATRONUS__V1__NODE_ANSWER__INIT;
    Patronus__V1__DropAnswer drop = PATRONUS__V1__DROP_ANSWER__INIT;
    Patronus__V1__DropSample sample = PATRONUS__V1__DROP_SAMPLE__INIT, *samples[] = {&sample};
    sample.time_ns = 6000000000;
    sample.reason = PT_DROP_NO_ROUTE;
    sample.source = (ProtobufCBinaryData){.len = sizeof(source), .data = source};
    sample.destination = (ProtobufCBinaryData){.len = sizeof(destination), .data = destination};
    sample.protocol = 17;
    drop.samples = samples;
    drop.n_samples = 1;
    answer.answer_case = PATRONUS__V1__NODE_ANSWER__ANSWER_DROP;
    answer.drop = &drop;
    send_answer(edge, id, "", &answer);
}

static void report_drops(struct node_stream *edge, uint64_t packets)
{
    Patronus__V1__Telemetry telemetry = PATRONUS__V1__TELEMETRY__INIT;
    Patronus__V1__DropReport drop = PATRONUS__V1__DROP_REPORT__INIT, *drops[] = {&drop};
    drop.reason = PT_DROP_NO_ROUTE;
    drop.packets = packets;
    telemetry.drops = drops;
    telemetry.n_drops = 1;
    send_telemetry(edge, &telemetry);
}

/* ---- a flow ---------------------------------------------------------------------------------------------------- */

/* The edge that has the source is asked, about that time, and no other edge's word counts; nor does a second word. */
START_TEST(a_flow_is_told_by_the_edge_that_has_its_source)
{
    struct place place;
    struct answer answer;
    place_init(&place, false);
    struct node_stream *one = &place.edges[0], *two = &place.edges[1];
    ask(&place, 0, "ExplainFlow", OF_S1, &answer);
    STEP_UNTIL(&place.cluster, one->questions == 1);
    const Patronus__V1__NodeQuestion *question = one->question->question;
    ck_assert_int_eq(question->question_case, PATRONUS__V1__NODE_QUESTION__QUESTION_FLOW);
    ck_assert_uint_ne(question->flow->vni, 0);
    ck_assert_uint_eq(question->flow->source.len, 16);
    ck_assert_uint_eq(question->flow->source.data[15], 5);
    ck_assert_uint_eq(question->flow->source_port, 4711);
    ck_assert_uint_eq(question->flow->destination_port, 443);
    ck_assert_int_eq(question->flow->time_ns, 7000000000);
    uint64_t id = question->id;
    answer_flow(two, id, "organizations/acme/steeringPolicies/wrong rules[0]");
    answer_flow(one, id + 1000, "organizations/acme/steeringPolicies/wrong rules[0]");
    run_for_ms(&place.cluster, 500);
    ck_assert(!answer.done);
    answer_flow(one, id, "organizations/acme/steeringPolicies/right rules[2]");
    answer_flow(one, id, "organizations/acme/steeringPolicies/late rules[0]");
    STEP_UNTIL(&place.cluster, answer.done);
    has(&place, "ExplainFlow", &answer, "\"steeringPolicy\":\"organizations/acme/steeringPolicies/right\",\"rule\":2");
    has(&place, "ExplainFlow", &answer, "\"verdict\":\"DROPPED\",\"reason\":\"policy_deny\"");
    has(&place, "ExplainFlow", &answer, "\"edge\":\"" S1 "/edges/e1\"");
    run_for_ms(&place.cluster, 500);
    ck_assert_uint_eq(two->questions, 0);
    ck_assert(!one->ended && !two->ended);
    answer_clear(&answer);
    place_fini(&place);
}
END_TEST

static void refused(struct place *place, struct answer *answer, enum pt_code code, const char *text)
{
    STEP_UNTIL(&place->cluster, answer->done);
    ck_assert_str_eq(pt_code_name(answer->error.code), pt_code_name(code));
    ck_assert_msg(strstr(answer->error.text, text) != NULL, "no '%s' in: %s", text, answer->error.text);
    answer_clear(answer);
}

/* Nothing is made up: who cannot say says so, and a caller waits two seconds at most. */
START_TEST(where_nobody_knows_it_is_said)
{
    struct place place;
    struct answer answer;
    place_init(&place, false);
    struct node_stream *one = &place.edges[0];
    ask(&place, 0, "ExplainFlow", FLOW("172.16.9.5"), &answer);
    refused(&place, &answer, PT_NOT_FOUND, "no interface");
    ck_assert_uint_eq(one->questions, 0);
    ask(&place, 0, "ExplainFlow", OF_S1, &answer);
    STEP_UNTIL(&place.cluster, one->questions == 1);
    answer_flow(one, one->question->question->id, NULL);
    refused(&place, &answer, PT_NOT_FOUND, "remembers no such flow");
    ask(&place, 0, "ExplainFlow", OF_S1, &answer);
    STEP_UNTIL(&place.cluster, one->questions == 2);
    answer_error(one, one->question->question->id, "this node's data plane tells no decisions");
    refused(&place, &answer, PT_FAILED_PRECONDITION, "tells no decisions");
    ask(&place, 0, "ExplainFlow", OF_S1, &answer);
    STEP_UNTIL(&place.cluster, one->questions == 3);
    answer_drop(one, one->question->question->id); /* of another kind than was asked */
    refused(&place, &answer, PT_FAILED_PRECONDITION, "cannot say");
    uint64_t begun_ns = pt_sim_now_ns(place.cluster.sim);
    ask(&place, 0, "ExplainFlow", OF_S1, &answer);
    refused(&place, &answer, PT_UNAVAILABLE, "did not answer"); /* it is silent */
    ck_assert_uint_ge(pt_sim_now_ns(place.cluster.sim) - begun_ns, 2 * SECOND);
    ck_assert_uint_le(pt_sim_now_ns(place.cluster.sim) - begun_ns, 3 * SECOND);
    answer_flow(one, one->question->question->id, "late"); /* to nobody */
    pt_rpc_stream_cancel(one->stream);
    STEP_UNTIL(&place.cluster, one->ended);
    run_for_ms(&place.cluster, 1000);
    ask(&place, 0, "ExplainFlow", OF_S1, &answer);
    refused(&place, &answer, PT_UNAVAILABLE, "is not connected");
    place_fini(&place);
}
END_TEST

/* So many wait at a time; the next is refused at once, and there is room again when they are over. */
START_TEST(no_more_wait_than_may)
{
    struct place place;
    struct answer answers[WAITING_MAX], more;
    place_init(&place, false);
    struct node_stream *one = &place.edges[0];
    for (unsigned i = 0; i < WAITING_MAX; i++) {
        ask(&place, 0, "ExplainFlow", OF_S1, &answers[i]);
    }
    STEP_UNTIL(&place.cluster, one->questions == WAITING_MAX);
    ask(&place, 0, "ExplainFlow", OF_S1, &more);
    refused(&place, &more, PT_EXHAUSTED, "wait for edges already");
    ck_assert_uint_eq(one->questions, WAITING_MAX);
    for (unsigned i = 0; i < WAITING_MAX; i++) {
        refused(&place, &answers[i], PT_UNAVAILABLE, "did not answer");
    }
    ask(&place, 0, "ExplainFlow", OF_S1, &more);
    STEP_UNTIL(&place.cluster, one->questions == WAITING_MAX + 1);
    answer_flow(one, one->question->question->id, "organizations/acme/steeringPolicies/p rules[0]");
    STEP_UNTIL(&place.cluster, more.done);
    ck_assert_int_eq(more.error.code, PT_OK);
    answer_clear(&more);
    place_fini(&place);
}
END_TEST

/* Asked at a follower it is the leader that asks the edge; a change of leader ends what waits with a word of it. */
START_TEST(a_follower_asks_through_the_leader)
{
    struct place place;
    struct answer answer;
    place_init(&place, true);
    struct node_stream *one = &place.edges[0];
    unsigned follower = (place.leader + 1) % NODES;
    ask(&place, follower, "ExplainFlow", OF_S1, &answer);
    STEP_UNTIL(&place.cluster, one->questions == 1);
    answer_flow(one, one->question->question->id, "organizations/acme/steeringPolicies/right rules[2]");
    STEP_UNTIL(&place.cluster, answer.done);
    has(&place, "ExplainFlow", &answer, "steeringPolicies/right");
    answer_clear(&answer);
    ask(&place, place.leader, "ExplainFlow", OF_S1, &answer);
    STEP_UNTIL(&place.cluster, one->questions == 2);
    struct cluster *cluster = &place.cluster;
    OK(cluster, place.leader, "ClusterService/TransferLeadership", "{}");
    refused(&place, &answer, PT_UNAVAILABLE, "leader");
    place_fini(&place);
}
END_TEST

/* ---- drops ----------------------------------------------------------------------------------------------------- */

#define DROPS(rest) "{\"parent\": \"organizations/acme\"" rest "}"

/* Counts are what edges reported, examples what they answer; one that is silent costs its examples and two seconds. */
START_TEST(drops_are_told_with_examples)
{
    struct place place;
    struct answer answer;
    place_init(&place, false);
    struct node_stream *one = &place.edges[0], *two = &place.edges[1];
    report_drops(one, 5); /* of before: no news */
    report_drops(two, 70);
    run_for_ms(&place.cluster, 500);
    report_drops(one, 12);
    run_for_ms(&place.cluster, 500);
    ck_assert_uint_eq(place.cluster.nodes[0].controller->counters.drops[PT_DROP_NO_ROUTE], 7);
    ask(&place, 0, "ExplainDrop", DROPS(""), &answer);
    STEP_UNTIL(&place.cluster, one->questions == 1 && two->questions == 1);
    ck_assert_int_eq(one->question->question->question_case, PATRONUS__V1__NODE_QUESTION__QUESTION_DROP);
    answer_drop(one, one->question->question->id);
    STEP_UNTIL(&place.cluster, answer.done);
    has(&place, "ExplainDrop", &answer, "\"site\":\"" S1 "\",\"reason\":\"no_route\"");
    has(&place, "ExplainDrop", &answer, "\"packets\":\"12\",\"recentPackets\":\"7\"");
    has(&place, "ExplainDrop", &answer, "\"source\":\"172.16.1.5\"");
    has(&place, "ExplainDrop", &answer, "\"destination\":\"10.9.9.9\"");
    has(&place, "ExplainDrop", &answer, "\"packets\":\"70\"");
    has(&place, "ExplainDrop", &answer, pt_drop_text(PT_DROP_NO_ROUTE));
    answer_clear(&answer);
    ask(&place, 0, "ExplainDrop", DROPS(", \"site\": \"" S1 "\", \"reason\": \"no_path\""), &answer);
    STEP_UNTIL(&place.cluster, one->questions == 2);
    ck_assert_uint_eq(one->question->question->drop->reason, PT_DROP_NO_PATH);
    answer_error(one, one->question->question->id, "");
    STEP_UNTIL(&place.cluster, answer.done);
    has(&place, "ExplainDrop", &answer, "{}");
    ck_assert_uint_eq(two->questions, 1); /* of another site */
    answer_clear(&answer);
    ask(&place, 0, "ExplainDrop", DROPS(", \"reason\": \"no_such\""), &answer);
    STEP_UNTIL(&place.cluster, answer.done);
    ck_assert_str_eq(answer.error.field, "reason");
    refused(&place, &answer, PT_INVALID_ARGUMENT, "no_such");
    place_fini(&place);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("serve explain");
    TCase *tcase = tcase_create("questions");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, a_flow_is_told_by_the_edge_that_has_its_source);
    tcase_add_test(tcase, where_nobody_knows_it_is_said);
    tcase_add_test(tcase, no_more_wait_than_may);
    tcase_add_test(tcase, a_follower_asks_through_the_leader);
    tcase_add_test(tcase, drops_are_told_with_examples);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return run_suite(make_suite());
}
