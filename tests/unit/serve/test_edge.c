/*
 * EdgeSync as a node meets it: who gets a session, what a bundle is answered with, and what a new leader keeps. What
 * nodes report is in test_telemetry.c, change sets that wait for nodes are in test_trial.c.
 */
#include "serve/controller_priv.h"
#include "edge_node.h"

/* Whole first, then the difference to what was acknowledged, signed, with rising generations; a node that comes back
 * with the digest in force gets nothing. */
START_TEST(a_bundle_comes_whole_then_as_a_difference)
{
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream node;
    network_init(cluster, nodes);
    node_join(cluster, 0, &nodes[0], &node);
    ck_assert_uint_eq(node.lists, 2);  /* when the stream opens, and after the hello */
    ck_assert_uint_eq(node.trusts, 1); /* the authorities, with the addresses */
    const Patronus__V1__Bundle *bundle = node.bundle->bundle;
    ck_assert_uint_eq(bundle->base_digest.len, 0);
    ck_assert_str_eq(bundle->header->node_id, "organizations/acme/sites/s1/edges/e1");
    ck_assert(pt_bundle_verify(bundle->header, nodes[0].bundle_key));
    size_t whole = bundle->n_entries;
    uint64_t generation = bundle->header->position->generation;
    struct pt_digest base;
    memcpy(base.bytes, bundle->header->digest.data, PT_DIGEST_SIZE);
    acknowledge(&node, "");
    OK(cluster, 0, "SiteService/CreateSite", "{\"parent\": \"organizations/acme\", \"siteId\": \"s3\", \"site\": {}}");
    set_far_prefixes(cluster, "\"172.16.2.0/24\", \"172.16.9.0/24\"");
    STEP_UNTIL(cluster, node.bundles == 2);
    bundle = node.bundle->bundle;
    ck_assert_uint_eq(bundle->base_digest.len, PT_DIGEST_SIZE);
    ck_assert_mem_eq(bundle->base_digest.data, base.bytes, PT_DIGEST_SIZE);
    ck_assert_uint_lt(bundle->n_entries, whole);
    ck_assert_uint_gt(bundle->header->position->generation, generation);
    struct pt_digest newest;
    memcpy(newest.bytes, bundle->header->digest.data, PT_DIGEST_SIZE);
    acknowledge(&node, "");
    run_for_ms(cluster, 500);
    ck_assert_uint_eq(node.bundles, 2);
    node_leave(&node);
    node_connect(cluster, 0, &nodes[0], &node);
    say_hello(&node, &newest);
    run_for_ms(cluster, 500);
    ck_assert_uint_eq(node.bundles, 0);
    ck_assert_uint_eq(node.lists, 2); /* when the stream opens, and after the hello */
    node_leave(&node);
    network_fini(cluster, nodes);
}
END_TEST

/* A difference that is refused is followed at once by everything; everything refused is sent again after two seconds.
 */
START_TEST(a_refused_bundle_is_sent_again_whole)
{
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream node;
    network_init(cluster, nodes);
    node_join(cluster, 0, &nodes[0], &node);
    acknowledge(&node, "");
    set_far_prefixes(cluster, "\"172.16.9.0/24\"");
    STEP_UNTIL(cluster, node.bundles == 2);
    ck_assert_uint_ne(node.bundle->bundle->base_digest.len, 0);
    uint64_t at_ns = pt_sim_now_ns(cluster->sim);
    acknowledge(&node, "the base is another");
    STEP_UNTIL(cluster, node.bundles == 3);
    ck_assert_uint_eq(node.bundle->bundle->base_digest.len, 0);
    ck_assert_uint_lt(pt_sim_now_ns(cluster->sim) - at_ns, 100000000ULL);
    at_ns = pt_sim_now_ns(cluster->sim);
    acknowledge(&node, "the disk is full");
    STEP_UNTIL(cluster, node.bundles == 4);
    ck_assert_uint_eq(node.bundle->bundle->base_digest.len, 0);
    ck_assert_uint_ge(pt_sim_now_ns(cluster->sim) - at_ns, 2 * SECOND);
    ck_assert_uint_lt(pt_sim_now_ns(cluster->sim) - at_ns, 3 * SECOND);
    node_leave(&node);
    network_fini(cluster, nodes);
}
END_TEST

START_TEST(the_newer_stream_of_a_node_takes_over)
{
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream first, second;
    network_init(cluster, nodes);
    node_join(cluster, 0, &nodes[0], &first);
    node_connect(cluster, 0, &nodes[0], &second);
    say_hello(&second, NULL);
    say_hello(&first, NULL); /* still under way when the stream is taken over */
    STEP_UNTIL(cluster, first.ended && second.bundles == 1);
    ck_assert_int_eq(first.error.code, PT_ABORTED);
    OK(cluster, 0, "ClusterService/GetClusterStatus", "{}");
    ANSWER_HAS("\"connectedEdges\":1");
    ck_assert(!second.ended);
    node_leave(&first);
    node_leave(&second);
    network_fini(cluster, nodes);
}
END_TEST

/* The hello comes first; what is no message, or says more than the schema allows, ends the stream. */
START_TEST(a_node_that_does_not_keep_to_the_protocol_is_sent_off)
{
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream node;
    network_init(cluster, nodes);
    node_connect(cluster, 0, &nodes[0], &node);
    report(&node, 1, false);
    STEP_UNTIL(cluster, node.ended);
    ck_assert_int_eq(node.error.code, PT_FAILED_PRECONDITION);
    node_leave(&node);
    node_connect(cluster, 0, &nodes[0], &node);
    say_hello(&node, NULL);
    (void)pt_rpc_stream_send(node.stream, (struct pt_bytes){(const uint8_t *)"\xff\xff\xff", 3});
    STEP_UNTIL(cluster, node.ended);
    ck_assert_int_eq(node.error.code, PT_INVALID_ARGUMENT);
    node_leave(&node);
    network_fini(cluster, nodes);
}
END_TEST

/* Its certificate is good for an hour; the session ends in the turn in which the resource goes, and none is given
 * anew. */
START_TEST(a_node_whose_edge_is_deleted_is_sent_off)
{
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream node;
    network_init(cluster, nodes);
    node_join(cluster, 0, &nodes[0], &node);
    uint64_t at_ns = pt_sim_now_ns(cluster->sim);
    delete_near_edge(cluster);
    STEP_UNTIL(cluster, node.ended);
    ck_assert_int_eq(node.error.code, PT_PERMISSION_DENIED);
    ck_assert_uint_lt(pt_sim_now_ns(cluster->sim) - at_ns, SECOND);
    node_leave(&node);
    node_connect(cluster, 0, &nodes[0], &node);
    say_hello(&node, NULL);
    STEP_UNTIL(cluster, node.ended);
    ck_assert_int_eq(node.error.code, PT_PERMISSION_DENIED);
    node_leave(&node);
    network_fini(cluster, nodes);
}
END_TEST

/* The order goes to the edge that the path begins at and to no other; its answer is the call's, whatever it says. */
START_TEST(bandwidth_is_asked_of_the_edge_that_the_path_begins_at)
{
    static const char method[] = "TrafficEngineeringService/MeasureBandwidth",
                      name[] = "{\"name\": \"organizations/acme/paths/p-%016llx\", \"maxRateBps\": \"30000000\"}";
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream one, two;
    network_init(cluster, nodes);
    nodes_join(cluster, nodes, &one, &two);
    acknowledge(&one, "");
    acknowledge(&two, "");
    unsigned long long path = first_path(&one), other = first_path(&two);
    OK(cluster, 0, method, name, path);
    ANSWER_HAS("\"rateBps\":\"21000000\"");
    ANSWER_HAS("\"lowBps\":\"20000000\"");
    ck_assert_uint_eq(one.orders, 1);
    ck_assert_uint_eq(two.orders, 0);
    ck_assert_uint_eq(one.ordered_path, path);
    ck_assert_uint_eq(one.ordered_max_bps, 30000000);
    REFUSED(PT_NOT_FOUND, cluster, 0, method, name, 5ULL);
    REFUSED(PT_INVALID_ARGUMENT, cluster, 0, method, "{\"name\": \"organizations/acme/sites/s1\"}");
    one.order_code = PT_EXHAUSTED;
    REFUSED(PT_EXHAUSTED, cluster, 0, method, name, path);
    ck_assert_str_eq(pt_reason_name(cluster->answer.error.reason), "RATE_LIMITED");
    one.silent = true;
    REFUSED(PT_UNAVAILABLE, cluster, 0, method, name, path); /* after its time */
    node_leave(&two);
    run_for_ms(cluster, 1000);
    REFUSED(PT_UNAVAILABLE, cluster, 0, method, name, other);
    ck_assert_uint_eq(one.orders, 3);
    node_leave(&one);
    network_fini(cluster, nodes);
}
END_TEST

START_TEST(a_follower_says_who_leads)
{
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream node;
    network_init_three(cluster, nodes);
    unsigned leader = (unsigned)leader_of(cluster);
    unsigned follower = (leader + 1) % NODES;
    char address[32];
    node_address(leader, 7402, address);
    node_connect(cluster, follower, &nodes[0], &node);
    say_hello(&node, NULL);
    STEP_UNTIL(cluster, node.ended);
    ck_assert(node.redirected);
    ck_assert_str_eq(node.redirect, address);
    ck_assert_uint_eq(node.redirect_id, cluster->nodes[leader].files.raft_id);
    ck_assert_uint_eq(node.bundles, 0);
    node_leave(&node);
    /* A leader that hands over tells its nodes. */
    node_join(cluster, leader, &nodes[0], &node);
    OK(cluster, leader, "ClusterService/TransferLeadership", "{}");
    STEP_UNTIL(cluster, node.ended);
    ck_assert(node.redirected);
    node_leave(&node);
    network_fini(cluster, nodes);
}
END_TEST

static void say_shares(struct node_stream *node, Patronus__V1__PathShare **shares, size_t len)
{
    Patronus__V1__NodeHello hello = PATRONUS__V1__NODE_HELLO__INIT;
    hello.shares = shares;
    hello.n_shares = len;
    send_hello(node, &hello);
}

/* A split that a solver gave is in force when the leader goes. The next one has not measured the traffic yet: it keeps
 * what the node says, and leaves it, when nothing is measured after all, once it ought to know. */
START_TEST(a_new_leader_keeps_the_splits_in_force)
{
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream node;
    network_init_three(cluster, nodes);
    unsigned leader = (unsigned)leader_of(cluster);
    for (unsigned i = 1; i <= 2; i++) {
        OK(cluster, leader, "LinkService/CreateLink",
           "{\"parent\": \"organizations/acme/sites/s%u\", \"linkId\": \"wan1\", \"link\": {\"edge\": "
           "\"organizations/acme/sites/s%u/edges/e1\", \"interface\": \"wan1\", \"address\": \"198.51.100.%u\", "
           "\"underlay\": \"mpls\"}}",
           i, i, i);
    }
    run_for_ms(cluster, 3000); /* planned with both */
    node_join(cluster, leader, &nodes[0], &node);
    const Patronus__V1__GroupEntry *group = carrying_group(&node);
    Patronus__V1__PathShare items[2];
    Patronus__V1__PathShare *shares[] = {&items[0], &items[1]};
    for (size_t i = 0; i < 2; i++) {
        ck_assert_uint_eq(group->members[i]->tier, 0);
        ck_assert_uint_eq(group->members[i]->weight, 16);
        patronus__v1__path_share__init(&items[i]);
        items[i].path = group->members[i]->path;
        items[i].weight = i == 0 ? 200 : 56;
    }
    OK(cluster, leader, "ClusterService/TransferLeadership", "{}");
    STEP_UNTIL(cluster, node.ended);
    node_leave(&node);
    STEP_UNTIL(cluster, leader_of(cluster) >= 0 && (unsigned)leader_of(cluster) != leader);
    node_connect(cluster, (unsigned)leader_of(cluster), &nodes[0], &node);
    say_shares(&node, shares, 2);
    STEP_UNTIL(cluster, node.bundles == 1);
    group = carrying_group(&node);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_uint_eq(group->members[i]->tier, 0);
        ck_assert_uint_eq(group->members[i]->weight, group->members[i]->path == items[0].path ? 200 : 56);
    }
    acknowledge(&node, "");
    STEP_UNTIL(cluster, node.bundles == 2);
    ck_assert_uint_eq(node.bundle->bundle->n_entries, 1); /* a difference: the group */
    ck_assert_uint_eq(node.bundle->bundle->entries[0]->group->members[0]->weight, 16);
    node_leave(&node);
    network_fini(cluster, nodes);
}
END_TEST

static void say_key(struct node_stream *node, const uint8_t key[32])
{
    Patronus__V1__NodeHello hello = PATRONUS__V1__NODE_HELLO__INIT;
    hello.tunnel_public_key = (ProtobufCBinaryData){.len = 32, .data = (uint8_t *)(uintptr_t)key};
    send_hello(node, &hello);
}

/* Does the state say that these 32 bytes are the key of the first node's tunnels? */
static bool has_key(struct cluster *cluster, const uint8_t key[32])
{
    struct pt_digest bytes;
    char hex[65];
    memcpy(bytes.bytes, key, sizeof(bytes.bytes));
    OK(cluster, 0, "EdgeService/GetEdge", "{\"name\": \"organizations/acme/sites/s1/edges/e1\"}");
    return strstr(cluster->answer.json, pt_digest_hex(&bytes, hex)) != NULL;
}

/* Tunnel processes start late, or anew: the key is said with any hello. A proposal that is lost is made again. */
START_TEST(the_key_of_tunnels_gets_into_the_state)
{
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream node;
    uint8_t key[32], another[32], third[32];
    memset(key, 0x11, sizeof(key));
    memset(another, 0x22, sizeof(another));
    memset(third, 0x33, sizeof(third));
    network_init(cluster, nodes);
    node_connect(cluster, 0, &nodes[0], &node);
    say_hello(&node, NULL); /* without one */
    STEP_UNTIL(cluster, node.bundles == 1);
    acknowledge(&node, "");
    say_key(&node, key);
    run_for_ms(cluster, 1000);
    ck_assert(has_key(cluster, key));
    say_key(&node, another);
    run_for_ms(cluster, 5000);
    ck_assert(has_key(cluster, another));
    struct pt_edge_session *session =
        pt_edge_find(cluster->nodes[0].controller, "organizations/acme/sites/s1/edges/e1");
    ck_assert_ptr_nonnull(session);
    ck_assert_uint_eq(session->tunnel_key_at_ns, 0); /* the state was seen to say so */
    /* As if a third one had been proposed, and lost. */
    memcpy(session->tunnel_key.bytes, third, sizeof(third));
    session->tunnel_key_at_ns = pt_sim_now_ns(cluster->sim) + SECOND;
    run_for_ms(cluster, 5000);
    ck_assert(has_key(cluster, third));
    ck_assert(!node.ended);
    node_leave(&node);
    network_fini(cluster, nodes);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("serve edge");
    TCase *tcase = tcase_create("sessions");
    tcase_add_test(tcase, a_bundle_comes_whole_then_as_a_difference);
    tcase_add_test(tcase, a_refused_bundle_is_sent_again_whole);
    tcase_add_test(tcase, the_newer_stream_of_a_node_takes_over);
    tcase_add_test(tcase, a_node_that_does_not_keep_to_the_protocol_is_sent_off);
    tcase_add_test(tcase, a_node_whose_edge_is_deleted_is_sent_off);
    tcase_add_test(tcase, the_key_of_tunnels_gets_into_the_state);
    tcase_add_test(tcase, bandwidth_is_asked_of_the_edge_that_the_path_begins_at);
    tcase_add_test(tcase, a_follower_says_who_leads);
    tcase_add_test(tcase, a_new_leader_keeps_the_splits_in_force);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return run_suite(make_suite());
}
