/* The stream that a node keeps in reserve, as its leader sees it. */
#include "edge_node.h"

/* A stream is the node's from its hello on. Until then the one before goes on, and nothing is said on the other; after
 * it the leader goes on from what the first one acknowledged. */
START_TEST(a_second_stream_waits_for_its_hello)
{
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream first, second, third;
    network_init(cluster, nodes);
    node_join(cluster, 0, &nodes[0], &first);
    acknowledge(&first, "");
    node_connect(cluster, 0, &nodes[0], &second);
    STEP_UNTIL(cluster, second.lists == 1);
    OK(cluster, 0, "ClusterService/GetClusterStatus", "{}");
    ANSWER_HAS("\"connectedEdges\":1");
    node_connect(cluster, 0, &nodes[0], &third); /* one in reserve a node */
    STEP_UNTIL(cluster, third.lists == 1 && second.ended);
    ck_assert_int_eq(second.error.code, PT_ABORTED);
    set_far_prefixes(cluster, "\"172.16.2.0/24\", \"172.16.9.0/24\"");
    STEP_UNTIL(cluster, first.bundles == 2);
    ck_assert(!first.ended && !third.ended);
    ck_assert_uint_eq(third.bundles + third.trusts, 0);
    struct pt_digest in_force;
    memcpy(in_force.bytes, first.bundle->bundle->header->digest.data, PT_DIGEST_SIZE);
    say_hello(&third, &in_force); /* it has it in force, and could not say so any more */
    STEP_UNTIL(cluster, first.ended && third.trusts == 1);
    ck_assert_int_eq(first.error.code, PT_ABORTED);
    OK(cluster, 0, "ClusterService/GetClusterStatus", "{}");
    ANSWER_HAS("\"connectedEdges\":1");
    set_far_prefixes(cluster, "\"172.16.2.0/24\", \"172.16.8.0/24\"");
    STEP_UNTIL(cluster, third.bundles == 1);
    ck_assert_uint_eq(third.bundle->bundle->base_digest.len, PT_DIGEST_SIZE);
    ck_assert_mem_eq(third.bundle->bundle->base_digest.data, in_force.bytes, PT_DIGEST_SIZE);
    node_leave(&first);
    node_leave(&second);
    node_leave(&third);
    network_fini(cluster, nodes);
}
END_TEST

/* What is in reserve ends with the node's right to be there. */
START_TEST(a_second_stream_of_a_deleted_edge_ends)
{
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream first, second;
    network_init(cluster, nodes);
    node_join(cluster, 0, &nodes[0], &first);
    node_connect(cluster, 0, &nodes[0], &second);
    STEP_UNTIL(cluster, second.lists == 1);
    delete_near_edge(cluster);
    STEP_UNTIL(cluster, first.ended && second.ended);
    ck_assert_int_eq(second.error.code, PT_PERMISSION_DENIED);
    node_leave(&first);
    node_leave(&second);
    network_fini(cluster, nodes);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("serve second stream");
    TCase *tcase = tcase_create("second stream");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, a_second_stream_waits_for_its_hello);
    tcase_add_test(tcase, a_second_stream_of_a_deleted_edge_ends);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return run_suite(make_suite());
}
