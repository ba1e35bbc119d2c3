/*
 * Drains as their callers and their nodes meet them, also when the leader changes.
 */
#include "edge_node.h"

/* A link is drained, and the leader dies: the next one knows it from the log, and its first word to the node leaves the
 * link out of what carries. */
START_TEST(a_drain_outlives_its_leader)
{
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream node;
    cluster_init_three(cluster);
    make_network(cluster, nodes);
    unsigned leader = (unsigned)leader_of(cluster);
    for (unsigned i = 1; i <= 2; i++) {
        OK(cluster, leader, "LinkService/CreateLink",
           "{\"parent\": \"organizations/acme/sites/s%u\", \"linkId\": \"wan1\", \"link\": {\"edge\": "
           "\"organizations/acme/sites/s%u/edges/e1\", \"interface\": \"wan1\", \"address\": \"198.51.100.%u\", "
           "\"underlay\": \"mpls\"}}",
           i, i, i);
    }
    run_for_ms(cluster, 3000); /* planned with both */
    static const char drain[] = "{\"name\": \"organizations/acme/sites/s1/links/wan1\"}";
    OK(cluster, leader, "TrafficEngineeringService/Drain", drain);
    ANSWER_HAS("\"adminState\":\"DRAINED\"");
    node_crash(cluster, leader);
    STEP_UNTIL(cluster, leader_of(cluster) >= 0 && (unsigned)leader_of(cluster) != leader);
    leader = (unsigned)leader_of(cluster);
    OK(cluster, leader, "LinkService/GetLink", drain);
    ANSWER_HAS("\"adminState\":\"DRAINED\"");
    node_connect(cluster, leader, &nodes[0], &node);
    say_hello(&node, NULL);
    STEP_UNTIL(cluster, node.bundles == 1);
    const Patronus__V1__GroupEntry *group = carrying_group(&node);
    ck_assert_uint_ne(group->members[0]->tier, group->members[1]->tier);
    node_leave(&node);
    enrolled_fini(&nodes[0]);
    enrolled_fini(&nodes[1]);
    cluster_fini(cluster);
}
END_TEST

static const char drain_link[] = "{\"name\": \"organizations/acme/sites/s1/links/wan1\"}";

static void ask_drain(struct cluster *cluster, unsigned number, struct answer *answer)
{
    const struct pt_method_type *type =
        pt_schema_method(cluster->schema, "/patronus.v1.TrafficEngineeringService/Drain");
    PT_AUTO(buf) struct pt_buf request = {0};
    encode_json(cluster, type->input, drain_link, &request);
    *answer = (struct answer){.done = false};
    (void)pt_rpc_unary(cluster->nodes[number].admin, type->path, pt_buf_bytes(&request), NULL, 0, 0, on_answer, answer);
}

/* The plan goes on changing, so that the node has never the newest bundle in force, but one that knows of the drain. */
static void acknowledge_always_late(struct cluster *cluster, unsigned leader, struct node_stream *node,
                                    const struct answer *answer)
{
    for (unsigned round = 0; round < 8 && !answer->done; round++) {
        OK(cluster, leader, "EdgeService/UpdateEdge",
           "{\"edge\": {\"name\": \"organizations/acme/sites/s2/edges/e1\", \"lanInterfaces\": [{\"interface\": "
           "\"lan0\", "
           "\"segment\": \"organizations/acme/segments/red\", \"prefixes\": [\"172.17.%u.0/24\"]}]}, \"updateMask\": "
           "\"lanInterfaces\"}",
           round);
        run_for_ms(cluster, 1000); /* planned, and not sent: one is under way */
        unsigned bundles = node->bundles;
        acknowledge(node, "");
        STEP_UNTIL(cluster, node->bundles > bundles);
    }
}

/* A drain, and another call for the same: both are answered while plans go on changing. When the leader goes, who waits
 * is told to ask the next one. */
START_TEST(a_drain_waits_for_its_own_plan_and_not_for_the_newest)
{
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream node;
    struct answer answer;
    cluster_init_three(cluster);
    make_network(cluster, nodes);
    unsigned leader = (unsigned)leader_of(cluster);
    OK(cluster, leader, "LinkService/CreateLink",
       "{\"parent\": \"organizations/acme/sites/s1\", \"linkId\": \"wan1\", \"link\": {\"edge\": "
       "\"organizations/acme/sites/s1/edges/e1\", \"interface\": \"wan1\", \"address\": \"198.51.100.1\", "
       "\"underlay\": \"mpls\"}}");
    node_connect(cluster, leader, &nodes[0], &node);
    say_hello(&node, NULL);
    STEP_UNTIL(cluster, node.bundles > 0);
    for (unsigned calls = 0; calls < 2; calls++) {
        ask_drain(cluster, leader, &answer);
        run_for_ms(cluster, 100);
        acknowledge_always_late(cluster, leader, &node, &answer);
        STEP_UNTIL(cluster, answer.done);
        ck_assert_msg(answer.error.code == PT_OK, "call %u: %s", calls, answer.error.text);
        answer_clear(&answer);
    }
    ask_drain(cluster, leader, &answer);
    run_for_ms(cluster, 100);
    ck_assert(!answer.done);
    OK(cluster, leader, "ClusterService/TransferLeadership", "{}");
    STEP_UNTIL(cluster, answer.done);
    ck_assert_int_eq(answer.error.code, PT_UNAVAILABLE);
    ck_assert_int_eq(answer.error.reason, PT_REASON_LEADER_CHANGED);
    answer_clear(&answer);
    node_leave(&node);
    enrolled_fini(&nodes[0]);
    enrolled_fini(&nodes[1]);
    cluster_fini(cluster);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("serve drain");
    TCase *tcase = tcase_create("drains");
    tcase_add_test(tcase, a_drain_outlives_its_leader);
    tcase_add_test(tcase, a_drain_waits_for_its_own_plan_and_not_for_the_newest);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return run_suite(make_suite());
}
