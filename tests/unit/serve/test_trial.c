/*
 * Change sets that wait to be confirmed, as nodes meet them: what they are told, and what their absence does.
 */
#include "edge_node.h"

#define CS "organizations/acme/changeSets/c1"

static void apply_waiting(struct cluster *cluster, unsigned octet)
{
    OK(cluster, 0, "ChangeSetService/UpdateChangeSet",
       "{\"changeSet\": {\"name\": \"" CS "\", \"changes\": [{\"action\": \"CHANGE_UPDATE\", \"name\": "
       "\"organizations/acme/sites/s2/edges/e1\", \"resource\": {\"@type\": "
       "\"type.googleapis.com/patronus.v1.Edge\", \"lanInterfaces\": [{\"interface\": \"lan0\", \"segment\": "
       "\"organizations/acme/segments/red\", \"prefixes\": [\"172.16.%u.0/24\"]}]}}]}, \"allowMissing\": true}",
       octet);
    OK(cluster, 0, "ChangeSetService/PlanChangeSet", "{\"name\": \"" CS "\"}");
    ANSWER_HAS("\"forwardingPlanned\":true");
    ANSWER_HAS("\"nodesAffected\":2"); /* whose prefix it is, and who routes to it */
    OK(cluster, 0, "ChangeSetService/ApplyChangeSet",
       "{\"name\": \"" CS "\", \"confirmTimeout\": \"600s\", \"reconnectTimeout\": \"5s\"}");
}

static bool is_state(struct cluster *cluster, const char *state)
{
    OK(cluster, 0, "ChangeSetService/GetChangeSet", "{\"name\": \"" CS "\"}");
    return strstr(cluster->answer.json, state) != NULL;
}

/* A node that was there and is not back in time takes the change set back; one that was never there does not. */
START_TEST(a_change_set_that_loses_a_node_is_taken_back)
{
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream node;
    network_init(cluster, nodes);
    node_join(cluster, 0, &nodes[0], &node);
    acknowledge(&node, "");
    apply_waiting(cluster, 77);
    STEP_UNTIL(cluster, node.bundles == 2);
    acknowledge(&node, "");
    run_for_ms(cluster, 20000);
    ck_assert(is_state(cluster, "\"CONFIRMING\""));
    node_leave(&node); /* for a moment */
    run_for_ms(cluster, 3000);
    node_join(cluster, 0, &nodes[0], &node);
    run_for_ms(cluster, 10000);
    ck_assert(is_state(cluster, "\"CONFIRMING\""));
    node_leave(&node);
    run_for_ms(cluster, 8000);
    ck_assert(is_state(cluster, "\"ROLLED_BACK\""));
    ANSWER_HAS("\"rollbackCause\":\"NODES_LOST\"");
    ANSWER_HAS("\"lostEdges\":[\"organizations/acme/sites/s1/edges/e1\"]");
    node_join(cluster, 0, &nodes[0], &node);
    const Patronus__V1__Bundle *bundle = node.bundle->bundle;
    for (size_t i = 0; i < bundle->n_entries; i++) { /* 172.16.77.0, v4 in v6 */
        const Patronus__V1__Entry *entry = bundle->entries[i];
        ck_assert(entry->entry_case != PATRONUS__V1__ENTRY__ENTRY_ROUTE || entry->route->prefix.len != 16 ||
                  entry->route->prefix.data[14] != 77);
    }
    node_leave(&node);
    network_fini(cluster, nodes);
}
END_TEST

static uint32_t trial_ms(const Patronus__V1__Bundle *bundle)
{
    for (size_t i = 0; i < bundle->n_entries; i++) {
        if (bundle->entries[i]->entry_case == PATRONUS__V1__ENTRY__ENTRY_NODE) {
            return bundle->entries[i]->node->trial_ms;
        }
    }
    ck_abort_msg("no node entry in the bundle");
    return 0;
}

/* Nodes hear that something waits and when it does not any more. One that refuses what waits, because it went back by
 * itself, is as good as away. */
START_TEST(a_node_that_refuses_what_waits_is_as_good_as_away)
{
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream node;
    network_init(cluster, nodes);
    node_join(cluster, 0, &nodes[0], &node);
    ck_assert_uint_eq(trial_ms(node.bundle->bundle), 0);
    acknowledge(&node, "");
    apply_waiting(cluster, 77);
    STEP_UNTIL(cluster, node.bundles == 2);
    ck_assert_uint_eq(trial_ms(node.bundle->bundle), 5000);
    acknowledge(&node, "");
    OK(cluster, 0, "ChangeSetService/ConfirmChangeSet", "{\"name\": \"" CS "\"}");
    STEP_UNTIL(cluster, node.bundles == 3);
    ck_assert_uint_eq(trial_ms(node.bundle->bundle), 0);
    ck_assert_uint_eq(node.bundle->bundle->n_entries, 1); /* a difference, and nothing else in it */
    acknowledge(&node, "");
    OK(cluster, 0, "ChangeSetService/DeleteChangeSet", "{\"name\": \"" CS "\"}");
    apply_waiting(cluster, 78);
    STEP_UNTIL(cluster, node.bundles == 4);
    acknowledge(&node, "");
    node_leave(&node);
    run_for_ms(cluster, 2000);
    node_connect(cluster, 0, &nodes[0], &node);
    say_hello(&node, NULL);
    for (unsigned refused = 0; !is_state(cluster, "\"ROLLED_BACK\""); refused++) {
        ck_assert_uint_lt(refused, 100);
        if (node.bundles > 0 && trial_ms(node.bundle->bundle) != 0) {
            acknowledge(&node, "the node went back");
        }
        run_for_ms(cluster, 500);
    }
    ANSWER_HAS("\"rollbackCause\":\"NODES_LOST\"");
    STEP_UNTIL(cluster, trial_ms(node.bundle->bundle) == 0);
    acknowledge(&node, "");
    node_leave(&node);
    network_fini(cluster, nodes);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("serve trial");
    TCase *tcase = tcase_create("change sets");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, a_change_set_that_loses_a_node_is_taken_back);
    tcase_add_test(tcase, a_node_that_refuses_what_waits_is_as_good_as_away);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return run_suite(make_suite());
}
