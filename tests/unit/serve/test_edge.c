/*
 * EdgeSync as a node meets it: who gets a session, what a bundle is answered with, and whose word counts.
 */
#include "serve/controller_priv.h"
#include "edge_node.h"

#include "wire/time_text.h"

/* ---- tests --------------------------------------------------------------------------------------------------------
 */

/* Whole first, then the difference to what was acknowledged, signed, with rising generations; a node that comes back
 * with the digest in force gets nothing. */
START_TEST(a_bundle_comes_whole_then_as_a_difference)
{
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream node;
    cluster_init(cluster);
    make_network(cluster, nodes);
    node_connect(cluster, 0, &nodes[0], &node);
    say_hello(&node, NULL);
    STEP_UNTIL(cluster, node.bundles == 1);
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
    OK(cluster, 0, "EdgeService/UpdateEdge",
       "{\"edge\": {\"name\": \"organizations/acme/sites/s2/edges/e1\", \"lanInterfaces\": [{\"interface\": \"lan0\", "
       "\"segment\": \"organizations/acme/segments/red\", \"prefixes\": [\"172.16.2.0/24\", \"172.16.9.0/24\"]}]}, "
       "\"updateMask\": \"lanInterfaces\"}");
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
    enrolled_fini(&nodes[0]);
    enrolled_fini(&nodes[1]);
    cluster_fini(cluster);
}
END_TEST

/* A difference that is refused is followed at once by everything; everything refused is sent again after two seconds.
 */
START_TEST(a_refused_bundle_is_sent_again_whole)
{
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream node;
    cluster_init(cluster);
    make_network(cluster, nodes);
    node_connect(cluster, 0, &nodes[0], &node);
    say_hello(&node, NULL);
    STEP_UNTIL(cluster, node.bundles == 1);
    acknowledge(&node, "");
    OK(cluster, 0, "EdgeService/UpdateEdge",
       "{\"edge\": {\"name\": \"organizations/acme/sites/s2/edges/e1\", \"lanInterfaces\": [{\"interface\": \"lan0\", "
       "\"segment\": \"organizations/acme/segments/red\", \"prefixes\": [\"172.16.9.0/24\"]}]}, \"updateMask\": "
       "\"lanInterfaces\"}");
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
    enrolled_fini(&nodes[0]);
    enrolled_fini(&nodes[1]);
    cluster_fini(cluster);
}
END_TEST

START_TEST(the_newer_stream_of_a_node_takes_over)
{
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream first, second;
    cluster_init(cluster);
    make_network(cluster, nodes);
    node_connect(cluster, 0, &nodes[0], &first);
    say_hello(&first, NULL);
    STEP_UNTIL(cluster, first.bundles == 1);
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
    enrolled_fini(&nodes[0]);
    enrolled_fini(&nodes[1]);
    cluster_fini(cluster);
}
END_TEST

/* The hello comes first; what is no message, or says more than the schema allows, ends the stream. */
START_TEST(a_node_that_does_not_keep_to_the_protocol_is_sent_off)
{
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream node;
    cluster_init(cluster);
    make_network(cluster, nodes);
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
    enrolled_fini(&nodes[0]);
    enrolled_fini(&nodes[1]);
    cluster_fini(cluster);
}
END_TEST

/* Its certificate is good for an hour; the session ends in the turn in which the resource goes, and none is given
 * anew. */
START_TEST(a_node_whose_edge_is_deleted_is_sent_off)
{
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream node;
    cluster_init(cluster);
    make_network(cluster, nodes);
    node_connect(cluster, 0, &nodes[0], &node);
    say_hello(&node, NULL);
    STEP_UNTIL(cluster, node.bundles == 1);
    OK(cluster, 0, "LinkService/DeleteLink", "{\"name\": \"organizations/acme/sites/s1/links/wan0\"}");
    OK(cluster, 0, "EnrollmentTokenService/DeleteEnrollmentToken", "{\"name\": \"enrollmentTokens/t1\"}");
    uint64_t at_ns = pt_sim_now_ns(cluster->sim);
    OK(cluster, 0, "EdgeService/DeleteEdge", "{\"name\": \"organizations/acme/sites/s1/edges/e1\", \"force\": true}");
    STEP_UNTIL(cluster, node.ended);
    ck_assert_int_eq(node.error.code, PT_PERMISSION_DENIED);
    ck_assert_uint_lt(pt_sim_now_ns(cluster->sim) - at_ns, SECOND);
    node_leave(&node);
    node_connect(cluster, 0, &nodes[0], &node);
    say_hello(&node, NULL);
    STEP_UNTIL(cluster, node.ended);
    ck_assert_int_eq(node.error.code, PT_PERMISSION_DENIED);
    node_leave(&node);
    enrolled_fini(&nodes[0]);
    enrolled_fini(&nodes[1]);
    cluster_fini(cluster);
}
END_TEST

/* One transition makes one pass of the plan; the same word again, and another node's word about the path, make none.
 * SOFT fields stand in the leader's answers and are absent from stale ones. */
START_TEST(telemetry_makes_transitions_for_own_paths_only)
{
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream one, two;
    cluster_init(cluster);
    make_network(cluster, nodes);
    node_connect(cluster, 0, &nodes[0], &one);
    node_connect(cluster, 0, &nodes[1], &two);
    say_hello(&one, NULL);
    say_hello(&two, NULL);
    STEP_UNTIL(cluster, one.bundles == 1 && two.bundles == 1);
    acknowledge(&one, "");
    acknowledge(&two, "");
    uint64_t path = first_path(&one);
    ck_assert_uint_ne(path, first_path(&two));
    report(&one, path, true);
    report(&two, first_path(&two), true);
    run_for_ms(cluster, 3000);
    static const char get[] = "{\"name\": \"organizations/acme/sites/s1/links/wan0\"}";
    OK(cluster, 0, "LinkService/GetLink", get);
    ANSWER_HAS("\"latencyUs\":3000");
    OK(cluster, 0, "LinkService/GetLink", "{\"name\": \"organizations/acme/sites/s1/links/wan0\", \"stale\": true}");
    ANSWER_LACKS("latencyUs");
    OK(cluster, 0, "EdgeService/GetEdge", "{\"name\": \"organizations/acme/sites/s1/edges/e1\"}");
    ANSWER_HAS("\"connected\":true");
    OK(cluster, 0, "EdgeService/GetEdge", "{\"name\": \"organizations/acme/sites/s1/edges/e1\", \"stale\": true}");
    ANSWER_LACKS("\"connected\"");
    unsigned before = one.bundles;
    for (unsigned i = 0; i < 10; i++) {
        report(&two, path, false); /* not its path */
        report(&two, 0xdead0000 + i, false);
    }
    run_for_ms(cluster, 3000);
    OK(cluster, 0, "LinkService/GetLink", get);
    ANSWER_HAS("\"latencyUs\":3000"); /* still alive */
    ck_assert_uint_eq(one.bundles, before);
    report(&one, path, false);
    run_for_ms(cluster, 3000);
    OK(cluster, 0, "LinkService/GetLink", get);
    ANSWER_LACKS("latencyUs"); /* no living path leaves by it */
    ck_assert(!one.ended && !two.ended);
    node_leave(&one);
    node_leave(&two);
    enrolled_fini(&nodes[0]);
    enrolled_fini(&nodes[1]);
    cluster_fini(cluster);
}
END_TEST

/* What a node says of the queues of a link, with one class that is REALTIME. */
static void report_class(struct node_stream *node, const char *link, const char *error, uint32_t backlog_bytes)
{
    Patronus__V1__ClassReport class = PATRONUS__V1__CLASS_REPORT__INIT, *classes[] = {&class};
    Patronus__V1__LinkReport item = PATRONUS__V1__LINK_REPORT__INIT, *items[] = {&item};
    Patronus__V1__Telemetry telemetry = PATRONUS__V1__TELEMETRY__INIT;
    Patronus__V1__EdgeMessage message = PATRONUS__V1__EDGE_MESSAGE__INIT;
    class.traffic_class = PATRONUS__V1__TRAFFIC_CLASS__REALTIME;
    class.rate_bps = 7000001;
    class.promised_bps = 10000002;
    class.backlog_bytes = backlog_bytes;
    class.backlog_packets = 4;
    class.delay_us = 5005;
    class.drops = 6;
    class.packets = 7007;
    class.bytes = 8000008;
    item.name = (char *)(uintptr_t)link;
    item.error = (char *)(uintptr_t)error;
    item.classes = classes;
    item.n_classes = error[0] == '\0' ? 1 : 0;
    telemetry.links = items;
    telemetry.n_links = 1;
    message.message_case = PATRONUS__V1__EDGE_MESSAGE__MESSAGE_TELEMETRY;
    message.telemetry = &telemetry;
    node_send(node, &message);
}

/* Depth, drops, rate and delay of each class stand in Link, as its own edge said last, for as long as it says it. */
START_TEST(a_link_shows_its_queues_as_its_own_edge_says)
{
    static const char link[] = "organizations/acme/sites/s1/links/wan0";
    static const char get[] = "{\"name\": \"organizations/acme/sites/s1/links/wan0\"}";
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream one, two;
    cluster_init(cluster);
    make_network(cluster, nodes);
    OK(cluster, 0, "QosProfileService/CreateQosProfile",
       "{\"parent\": \"organizations/acme\", \"qosProfileId\": \"office\", \"qosProfile\": {\"classes\": [{"
       "\"trafficClass\": \"REALTIME\", \"percent\": 20}]}}");
    OK(cluster, 0, "LinkService/UpdateLink",
       "{\"link\": {\"name\": \"%s\", \"qosProfile\": \"organizations/acme/qosProfiles/office\", \"capacityUpBps\": "
       "\"50000000\"}, \"updateMask\": \"qosProfile,capacityUpBps\"}",
       link);
    node_connect(cluster, 0, &nodes[0], &one);
    node_connect(cluster, 0, &nodes[1], &two);
    say_hello(&one, NULL);
    say_hello(&two, NULL);
    STEP_UNTIL(cluster, one.bundles == 1 && two.bundles == 1);
    report_class(&one, link, "", 3003);
    run_for_ms(cluster, 1000);
    OK(cluster, 0, "LinkService/GetLink", get);
    ANSWER_HAS("\"trafficClass\":\"REALTIME\"");
    ANSWER_HAS("\"rateBps\":\"7000001\"");
    ANSWER_HAS("\"promisedBps\":\"10000002\"");
    ANSWER_HAS("\"backlogBytes\":3003");
    ANSWER_HAS("\"backlogPackets\":4");
    ANSWER_HAS("\"delayUs\":5005");
    ANSWER_HAS("\"drops\":\"6\"");
    ANSWER_HAS("\"packets\":\"7007\"");
    ANSWER_HAS("\"bytes\":\"8000008\"");
    report_class(&two, link, "", 666); /* not its link */
    run_for_ms(cluster, 1000);
    OK(cluster, 0, "LinkService/GetLink", get);
    ANSWER_HAS("\"backlogBytes\":3003");
    report_class(&one, link, "the kernel has no HTB", 0);
    run_for_ms(cluster, 1000);
    OK(cluster, 0, "LinkService/GetLink", get);
    ANSWER_HAS("\"shapingError\":\"the kernel has no HTB\"");
    ANSWER_LACKS("backlogBytes");
    report_class(&one, link, "", 3003);
    run_for_ms(cluster, 12000); /* and then no more */
    OK(cluster, 0, "LinkService/GetLink", get);
    ANSWER_LACKS("backlogBytes");
    ck_assert(!one.ended && !two.ended);
    node_leave(&one);
    node_leave(&two);
    enrolled_fini(&nodes[0]);
    enrolled_fini(&nodes[1]);
    cluster_fini(cluster);
}
END_TEST

static void report_translation(struct node_stream *node, const char *link, uint64_t exhausted)
{
    Patronus__V1__TranslationReport item = PATRONUS__V1__TRANSLATION_REPORT__INIT, *items[] = {&item};
    Patronus__V1__Telemetry telemetry = PATRONUS__V1__TELEMETRY__INIT;
    Patronus__V1__EdgeMessage message = PATRONUS__V1__EDGE_MESSAGE__INIT;
    item.link = (char *)(uintptr_t)link;
    item.made = 70007;
    item.exhausted = exhausted;
    item.tcp_ports = 31744;
    item.udp_ports = 5005;
    item.icmp_ids = 3;
    telemetry.translations = items;
    telemetry.n_translations = 1;
    message.message_case = PATRONUS__V1__EDGE_MESSAGE__MESSAGE_TELEMETRY;
    message.telemetry = &telemetry;
    node_send(node, &message);
}

/* Ports that are taken, and hosts that found none, stand in Link, in metrics and in what the doctor says, as the link's
 * own edge reported; what was refused before the leader heard of the link is no news. */
START_TEST(a_link_without_free_ports_is_told_of)
{
    static const char link[] = "organizations/acme/sites/s1/links/wan0";
    static const char get[] = "{\"name\": \"organizations/acme/sites/s1/links/wan0\"}";
    static const char site[] = "{\"name\": \"organizations/acme/sites/s1\"}";
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream one, two;
    PT_AUTO(buf) struct pt_buf metrics = {0};
    cluster_init(cluster);
    make_network(cluster, nodes);
    node_connect(cluster, 0, &nodes[0], &one);
    node_connect(cluster, 0, &nodes[1], &two);
    say_hello(&one, NULL);
    say_hello(&two, NULL);
    STEP_UNTIL(cluster, one.bundles == 1 && two.bundles == 1);
    OK(cluster, 0, "LinkService/GetLink", get);
    ANSWER_LACKS("mappingsMade");
    report_translation(&one, link, 5);
    report_translation(&two, link, 666); /* not its link */
    run_for_ms(cluster, 1000);
    OK(cluster, 0, "LinkService/GetLink", get);
    ANSWER_HAS("\"mappingsMade\":\"70007\"");
    ANSWER_HAS("\"exhaustedPackets\":\"5\"");
    ANSWER_HAS("\"tcpPorts\":31744");
    ANSWER_HAS("\"udpPorts\":5005");
    ANSWER_HAS("\"icmpIds\":3");
    ANSWER_HAS("\"ports\":31744");
    OK(cluster, 0, "DiagnosticsService/DiagnoseSite", site);
    ANSWER_HAS("few ports are left on the link");
    report_translation(&one, link, 8);
    run_for_ms(cluster, 1000);
    OK(cluster, 0, "DiagnosticsService/DiagnoseSite", site);
    ANSWER_HAS("CAUSE_PORTS_EXHAUSTED");
    ANSWER_HAS("31744 of 31744 ports are taken");
    ANSWER_HAS("8 packets were dropped as nat_exhausted");
    pt_soft_metrics(cluster->nodes[0].controller->soft, &metrics);
    pt_buf_append_u8(&metrics, '\0');
    ck_assert_ptr_nonnull(strstr((const char *)metrics.data, "patronus_nat_mappings_total{outcome=\"refused\"} 8\n"));
    ck_assert_ptr_nonnull(strstr((const char *)metrics.data, "patronus_nat_ports_taken{protocol=\"tcp\"} 31744\n"));
    ck_assert_ptr_nonnull(strstr((const char *)metrics.data, "patronus_nat_links{state=\"full\"} 1\n"));
    run_for_ms(cluster, 12000); /* nothing more is said */
    OK(cluster, 0, "LinkService/GetLink", get);
    ANSWER_LACKS("mappingsMade");
    ck_assert(!one.ended && !two.ended);
    node_leave(&one);
    node_leave(&two);
    enrolled_fini(&nodes[0]);
    enrolled_fini(&nodes[1]);
    cluster_fini(cluster);
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
    cluster_init(cluster);
    make_network(cluster, nodes);
    node_connect(cluster, 0, &nodes[0], &one);
    node_connect(cluster, 0, &nodes[1], &two);
    say_hello(&one, NULL);
    say_hello(&two, NULL);
    STEP_UNTIL(cluster, one.bundles == 1 && two.bundles == 1);
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
    enrolled_fini(&nodes[0]);
    enrolled_fini(&nodes[1]);
    cluster_fini(cluster);
}
END_TEST

START_TEST(a_follower_says_who_leads)
{
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream node;
    cluster_init_three(cluster);
    make_network(cluster, nodes);
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
    node_connect(cluster, leader, &nodes[0], &node);
    say_hello(&node, NULL);
    STEP_UNTIL(cluster, node.bundles == 1);
    OK(cluster, leader, "ClusterService/TransferLeadership", "{}");
    STEP_UNTIL(cluster, node.ended);
    ck_assert(node.redirected);
    node_leave(&node);
    enrolled_fini(&nodes[0]);
    enrolled_fini(&nodes[1]);
    cluster_fini(cluster);
}
END_TEST

static uint32_t label_of_group(const struct node_stream *node)
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

static void say_shares(struct node_stream *node, Patronus__V1__PathShare **shares, size_t len)
{
    Patronus__V1__NodeHello hello = PATRONUS__V1__NODE_HELLO__INIT;
    hello.software_version = (char *)"test";
    hello.abi_version = 1;
    hello.shares = shares;
    hello.n_shares = len;
    Patronus__V1__EdgeMessage message = PATRONUS__V1__EDGE_MESSAGE__INIT;
    message.message_case = PATRONUS__V1__EDGE_MESSAGE__MESSAGE_HELLO;
    message.hello = &hello;
    node_send(node, &message);
}

/* A split that a solver gave is in force when the leader goes. The next one has not measured the traffic yet: it keeps
 * what the node says, and leaves it, when nothing is measured after all, once it ought to know. */
START_TEST(a_new_leader_keeps_the_splits_in_force)
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
    node_connect(cluster, leader, &nodes[0], &node);
    say_hello(&node, NULL);
    STEP_UNTIL(cluster, node.bundles == 1);
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
    enrolled_fini(&nodes[0]);
    enrolled_fini(&nodes[1]);
    cluster_fini(cluster);
}
END_TEST

/* The matrix of the last hour is soft, but the node that counted it tells the next leader: percentiles, the usual of
 * the hour and the sum of bytes that it counts from there on. */
START_TEST(a_new_leader_learns_the_last_hour)
{
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream node;
    cluster_init_three(cluster);
    make_network(cluster, nodes);
    unsigned leader = (unsigned)leader_of(cluster);
    node_connect(cluster, leader, &nodes[0], &node);
    say_hello(&node, NULL);
    STEP_UNTIL(cluster, node.bundles == 1);
    OK(cluster, leader, "ClusterService/TransferLeadership", "{}");
    STEP_UNTIL(cluster, node.ended);
    node_leave(&node);
    STEP_UNTIL(cluster, leader_of(cluster) >= 0 && (unsigned)leader_of(cluster) != leader);
    leader = (unsigned)leader_of(cluster);
    node_connect(cluster, leader, &nodes[0], &node);
    say_hello(&node, NULL);
    STEP_UNTIL(cluster, node.bundles == 1);
    uint64_t bytes[100], hours[24];
    for (size_t i = 0; i < 100; i++) {
        bytes[i] = i < 50 ? 3750000 : i < 97 ? 7500000 : 37500000; /* 1, 2 and 10 Mbit/s */
    }
    for (size_t i = 0; i < 24; i++) {
        hours[i] = 3000001;
    }
    uint64_t now = (uint64_t)pt_sys_wall_ns(host_sys(cluster, leader)) / 30000000000ULL;
    Patronus__V1__DemandReport item = PATRONUS__V1__DEMAND_REPORT__INIT, *items[] = {&item};
    item.site_label = label_of_group(&node);
    item.traffic_class = 5;
    item.window_ms = 1000;
    item.history_bytes = bytes;
    item.n_history_bytes = 100;
    item.history_interval = now - 1;
    item.history_hours = hours;
    item.n_history_hours = 24;
    Patronus__V1__Telemetry telemetry = PATRONUS__V1__TELEMETRY__INIT;
    telemetry.demands = items;
    telemetry.n_demands = 1;
    Patronus__V1__EdgeMessage message = PATRONUS__V1__EDGE_MESSAGE__INIT;
    message.message_case = PATRONUS__V1__EDGE_MESSAGE__MESSAGE_TELEMETRY;
    message.telemetry = &telemetry;
    node_send(&node, &message);
    run_for_ms(cluster, 200);
    OK(cluster, leader, "TrafficEngineeringService/GetTrafficMatrix", "{\"parent\": \"organizations/acme\"}");
    ANSWER_HAS("\"p50Bps\":\"1000000\"");
    ANSWER_HAS("\"p95Bps\":\"2000000\"");
    ANSWER_HAS("\"maxBps\":\"10000000\"");
    ANSWER_HAS("\"usualBps\":\"3000000\"");
    node_leave(&node);
    enrolled_fini(&nodes[0]);
    enrolled_fini(&nodes[1]);
    cluster_fini(cluster);
}
END_TEST

/* ---- change sets ----------------------------------------------------------------------------------------------- */

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
    cluster_init(cluster);
    make_network(cluster, nodes);
    node_connect(cluster, 0, &nodes[0], &node);
    say_hello(&node, NULL);
    STEP_UNTIL(cluster, node.bundles == 1);
    acknowledge(&node, "");
    apply_waiting(cluster, 77);
    STEP_UNTIL(cluster, node.bundles == 2);
    acknowledge(&node, "");
    run_for_ms(cluster, 20000);
    ck_assert(is_state(cluster, "\"CONFIRMING\""));
    node_leave(&node); /* for a moment */
    run_for_ms(cluster, 3000);
    node_connect(cluster, 0, &nodes[0], &node);
    say_hello(&node, NULL);
    STEP_UNTIL(cluster, node.bundles == 1);
    run_for_ms(cluster, 10000);
    ck_assert(is_state(cluster, "\"CONFIRMING\""));
    node_leave(&node);
    run_for_ms(cluster, 8000);
    ck_assert(is_state(cluster, "\"ROLLED_BACK\""));
    ANSWER_HAS("\"rollbackCause\":\"NODES_LOST\"");
    ANSWER_HAS("\"lostEdges\":[\"organizations/acme/sites/s1/edges/e1\"]");
    node_connect(cluster, 0, &nodes[0], &node);
    say_hello(&node, NULL);
    STEP_UNTIL(cluster, node.bundles == 1);
    const Patronus__V1__Bundle *bundle = node.bundle->bundle;
    for (size_t i = 0; i < bundle->n_entries; i++) { /* 172.16.77.0, v4 in v6 */
        const Patronus__V1__Entry *entry = bundle->entries[i];
        ck_assert(entry->entry_case != PATRONUS__V1__ENTRY__ENTRY_ROUTE || entry->route->prefix.len != 16 ||
                  entry->route->prefix.data[14] != 77);
    }
    node_leave(&node);
    enrolled_fini(&nodes[0]);
    enrolled_fini(&nodes[1]);
    cluster_fini(cluster);
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
    cluster_init(cluster);
    make_network(cluster, nodes);
    node_connect(cluster, 0, &nodes[0], &node);
    say_hello(&node, NULL);
    STEP_UNTIL(cluster, node.bundles == 1);
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
    enrolled_fini(&nodes[0]);
    enrolled_fini(&nodes[1]);
    cluster_fini(cluster);
}
END_TEST

/* ---- sessions of users ----------------------------------------------------------------------------------------- */

static void log_in(struct cluster *cluster, const char *id, int64_t minutes_ago)
{
    char text[PT_TIME_TEXT_SIZE];
    int64_t end_s = pt_sys_wall_ns(host_sys(cluster, CLIENT)) / (int64_t)SECOND - minutes_ago * 60;
    ck_assert(pt_timestamp_format(end_s, 0, text));
    OK(cluster, 0, "UserSessionService/CreateUserSession",
       "{\"parent\": \"organizations/acme\", \"userSessionId\": \"%s\", \"userSession\": {\"user\": \"u\", \"site\": "
       "\"organizations/acme/sites/s1\", \"segment\": \"organizations/acme/segments/red\", \"addresses\": "
       "[\"172.16.1.9\"], \"expireTime\": \"%s\"}}",
       id, text);
}

static bool has_session(struct cluster *cluster, const char *id)
{
    return call(cluster, 0, "UserSessionService/GetUserSession", "{\"name\": \"organizations/acme/userSessions/%s\"}",
                id) == PT_OK;
}

/* Some time after it is over a session goes by itself, unless somebody prolonged it; more of them than go in one turn.
 */
START_TEST(sessions_that_are_long_over_are_deleted)
{
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    char id[16];
    cluster_init(cluster);
    make_network(cluster, nodes);
    for (unsigned i = 0; i < 70; i++) {
        (void)snprintf(id, sizeof(id), "old%u", i);
        log_in(cluster, id, 90);
    }
    log_in(cluster, "late", 30);
    log_in(cluster, "now", -30);
    run_for_ms(cluster, 130000);
    for (unsigned i = 0; i < 70; i++) {
        (void)snprintf(id, sizeof(id), "old%u", i);
        ck_assert(!has_session(cluster, id));
    }
    ck_assert(has_session(cluster, "late"));
    ck_assert(has_session(cluster, "now"));
    enrolled_fini(&nodes[0]);
    enrolled_fini(&nodes[1]);
    cluster_fini(cluster);
}
END_TEST

static void say_key(struct node_stream *node, const uint8_t key[32])
{
    Patronus__V1__NodeHello hello = PATRONUS__V1__NODE_HELLO__INIT;
    hello.software_version = (char *)"test";
    hello.abi_version = 1;
    hello.tunnel_public_key = (ProtobufCBinaryData){.len = 32, .data = (uint8_t *)(uintptr_t)key};
    Patronus__V1__EdgeMessage message = PATRONUS__V1__EDGE_MESSAGE__INIT;
    message.message_case = PATRONUS__V1__EDGE_MESSAGE__MESSAGE_HELLO;
    message.hello = &hello;
    node_send(node, &message);
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
    cluster_init(cluster);
    make_network(cluster, nodes);
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
    enrolled_fini(&nodes[0]);
    enrolled_fini(&nodes[1]);
    cluster_fini(cluster);
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
    tcase_add_test(tcase, telemetry_makes_transitions_for_own_paths_only);
    tcase_add_test(tcase, a_link_shows_its_queues_as_its_own_edge_says);
    tcase_add_test(tcase, a_link_without_free_ports_is_told_of);
    tcase_add_test(tcase, bandwidth_is_asked_of_the_edge_that_the_path_begins_at);
    tcase_add_test(tcase, a_follower_says_who_leads);
    tcase_add_test(tcase, a_new_leader_keeps_the_splits_in_force);
    tcase_add_test(tcase, a_new_leader_learns_the_last_hour);
    tcase_add_test(tcase, a_change_set_that_loses_a_node_is_taken_back);
    tcase_add_test(tcase, a_node_that_refuses_what_waits_is_as_good_as_away);
    tcase_add_test(tcase, sessions_that_are_long_over_are_deleted);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return run_suite(make_suite());
}
