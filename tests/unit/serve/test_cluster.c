/*
 * Three controllers: calls by way of a follower, reads that may be old, and what a change of leader looks like from
 * outside.
 */
#include "fixture.h"

static void create_site(struct cluster *cluster, unsigned number, const char *id)
{
    OK(cluster, number, "SiteService/CreateSite",
       "{\"parent\": \"organizations/acme\", \"siteId\": \"%s\", \"site\": {}}", id);
}

START_TEST(any_controller_takes_any_call)
{
    struct cluster world, *cluster = &world;
    cluster_init_three(cluster);
    unsigned leader = (unsigned)leader_of(cluster);
    unsigned follower = (leader + 1) % NODES;
    create_site(cluster, follower, "nyc");
    OK(cluster, follower, "SiteService/GetSite", "{\"name\": \"organizations/acme/sites/nyc\"}");
    OK(cluster, leader, "SiteService/GetSite", "{\"name\": \"organizations/acme/sites/nyc\"}");
    /* Errors come through whole. */
    REFUSED(PT_INVALID_ARGUMENT, cluster, follower, "SiteService/CreateSite",
            "{\"parent\": \"organizations/acme\", \"siteId\": \"Not An Id\", \"site\": {}}");
    ck_assert_str_eq(cluster->answer.error.field, "site_id");
    REFUSED(PT_NOT_FOUND, cluster, follower, "SiteService/GetSite", "{\"name\": \"organizations/acme/sites/x\"}");
    ck_assert_int_eq(cluster->answer.error.reason, PT_REASON_RESOURCE_NOT_FOUND);
    /* What is malformed goes no further than here. */
    ck_assert_int_eq(call_raw(cluster, cluster->nodes[follower].admin, "/patronus.v1.SiteService/CreateSite",
                              (struct pt_bytes){(const uint8_t *)"\xff", 1}, NULL),
                     PT_INVALID_ARGUMENT);
    cluster_fini(cluster);
}
END_TEST

START_TEST(a_stale_read_is_the_followers_own_and_has_no_soft_fields)
{
    struct cluster world, *cluster = &world;
    cluster_init_three(cluster);
    unsigned leader = (unsigned)leader_of(cluster);
    unsigned follower = (leader + 1) % NODES;
    run_for_ms(cluster, 1000);
    OK(cluster, follower, "ControllerService/GetController", "{\"name\": \"controllers/c1\"}");
    ANSWER_HAS("\"raftState\":");
    OK(cluster, follower, "ControllerService/GetController", "{\"name\": \"controllers/c1\", \"stale\": true}");
    ANSWER_LACKS("\"raftState\"");
    /* Alone it still answers, with what it has; a read that must be new is refused at once. */
    node_crash(cluster, leader);
    node_crash(cluster, (leader + 2) % NODES);
    run_for_ms(cluster, 5000);
    OK(cluster, follower, "ControllerService/ListControllers", "{\"stale\": true}");
    ANSWER_HAS("controllers/c3");
    REFUSED(PT_UNAVAILABLE, cluster, follower, "ControllerService/ListControllers", "{}");
    ck_assert_int_eq(cluster->answer.error.reason, PT_REASON_NO_LEADER);
    REFUSED(PT_UNAVAILABLE, cluster, follower, "SiteService/CreateSite",
            "{\"parent\": \"organizations/acme\", \"siteId\": \"nyc\", \"site\": {}}");
    for (unsigned i = 0; i < NODES; i++) {
        if (i != follower) {
            pt_sim_restart(cluster->sim, i);
            node_open(cluster, i);
        }
    }
    STEP_UNTIL(cluster, leader_of(cluster) >= 0);
    cluster_fini(cluster);
}
END_TEST

/* The leader crashes with calls under way. Retries with the same request id through a follower end in one creation;
 * the crashed node comes back and holds the same state. */
START_TEST(a_crash_of_the_leader_costs_a_retry)
{
    struct cluster world, *cluster = &world;
    cluster_init_three(cluster);
    unsigned leader = (unsigned)leader_of(cluster);
    unsigned follower = (leader + 1) % NODES;
    const struct pt_method_type *type = pt_schema_method(cluster->schema, "/patronus.v1.SiteService/CreateSite");
    PT_AUTO(buf) struct pt_buf request = {0};
    encode_json(cluster, type->input,
                "{\"parent\": \"organizations/acme\", \"siteId\": \"nyc\", \"site\": {}, \"requestId\": \"r1\"}",
                &request);
    struct answer pending[8] = {{.done = false}};
    for (unsigned i = 0; i < 8; i++) {
        (void)pt_rpc_unary(cluster->nodes[i % 2 == 0 ? leader : follower].admin, type->path, pt_buf_bytes(&request),
                           NULL, 0, 0, on_answer, &pending[i]);
    }
    uint64_t end_ns = pt_sim_now_ns(cluster->sim) + 600000; /* on the way, or in the leader's log */
    while (pt_sim_step(cluster->sim, end_ns)) {
    }
    node_crash(cluster, leader);
    for (unsigned i = 0; i < 8; i++) {
        STEP_UNTIL(cluster, pending[i].done);
        ck_assert(pending[i].error.code == PT_OK || pending[i].error.code == PT_UNAVAILABLE);
        answer_clear(&pending[i]);
    }
    uint64_t at_ns = pt_sim_now_ns(cluster->sim);
    while (call_raw(cluster, cluster->nodes[follower].admin, type->path, pt_buf_bytes(&request), NULL) != PT_OK) {
        ck_assert_int_eq(cluster->answer.error.code, PT_UNAVAILABLE);
        run_for_ms(cluster, 20);
    }
    ck_assert_uint_lt(pt_sim_now_ns(cluster->sim) - at_ns, 3 * SECOND);
    OK(cluster, follower, "SiteService/ListSites", "{\"parent\": \"organizations/acme\"}");
    ANSWER_HAS("sites/nyc");
    pt_sim_restart(cluster->sim, leader);
    node_open(cluster, leader);
    create_site(cluster, follower, "sfo");
    STEP_UNTIL(cluster, pt_raft_status(pt_controller_raft(cluster->nodes[leader].controller)).applied_index ==
                            pt_raft_status(pt_controller_raft(cluster->nodes[follower].controller)).applied_index);
    struct pt_digest a = state_digest(cluster, leader);
    struct pt_digest b = state_digest(cluster, follower);
    ck_assert(pt_digest_equal(&a, &b));
    cluster_fini(cluster);
}
END_TEST

/* The leader is cut off, with a call under way to it that nobody repeats and that has no deadline: a plain one and one
 * of a method of its own. Both are told as soon as another leads, and not when the connection is given up. */
START_TEST(a_call_to_a_leader_that_is_lost_ends_when_another_leads)
{
    struct cluster world, *cluster = &world;
    cluster_init_three(cluster);
    unsigned leader = (unsigned)leader_of(cluster);
    unsigned follower = (leader + 1) % NODES;
    create_site(cluster, follower, "warm"); /* the follower has a connection to the leader */
    for (unsigned i = 0; i < NODES; i++) {
        if (i != leader) {
            pt_sim_partition(cluster->sim, leader, i, true);
            pt_sim_partition(cluster->sim, i, leader, true);
            pt_rpc_world_partition(cluster->net, leader, i, true);
            pt_rpc_world_partition(cluster->net, i, leader, true);
        }
    }
    static const char *const methods[] = {"/patronus.v1.SiteService/CreateSite",
                                          "/patronus.v1.ClusterService/GetClusterStatus"};
    static const char *const requests[] = {
        "{\"parent\": \"organizations/acme\", \"siteId\": \"nyc\", \"site\": {}, \"requestId\": \"r1\"}", "{}"};
    struct answer pending[2] = {{.done = false}};
    for (unsigned i = 0; i < 2; i++) {
        const struct pt_method_type *type = pt_schema_method(cluster->schema, methods[i]);
        PT_AUTO(buf) struct pt_buf request = {0};
        encode_json(cluster, type->input, requests[i], &request);
        (void)pt_rpc_unary(cluster->nodes[follower].admin, type->path, pt_buf_bytes(&request), NULL, 0, 0, on_answer,
                           &pending[i]);
    }
    STEP_UNTIL(cluster, leader_of(cluster) >= 0 && (unsigned)leader_of(cluster) != leader);
    uint64_t elected_ns = pt_sim_now_ns(cluster->sim);
    for (unsigned i = 0; i < 2; i++) {
        STEP_UNTIL(cluster, pending[i].done);
        ck_assert_msg(pending[i].error.code == PT_OK || pending[i].error.code == PT_UNAVAILABLE, "%s: %s", methods[i],
                      pending[i].error.text);
        answer_clear(&pending[i]);
    }
    ck_assert_uint_lt(pt_sim_now_ns(cluster->sim) - elected_ns, SECOND / 2);
    create_site(cluster, follower, "lax");
    cluster_fini(cluster);
}
END_TEST

/* A stop hands leadership over first, so that a write through another controller goes on within an instant. */
START_TEST(a_stop_of_the_leader_hands_over)
{
    struct cluster world, *cluster = &world;
    cluster_init_three(cluster);
    unsigned leader = (unsigned)leader_of(cluster);
    node_close(cluster, leader);
    uint64_t at_ns = pt_sim_now_ns(cluster->sim);
    unsigned follower = (leader + 1) % NODES;
    while (call(cluster, follower, "SiteService/CreateSite",
                "{\"parent\": \"organizations/acme\", \"siteId\": \"nyc\", \"site\": {}, \"requestId\": \"r1\"}") !=
           PT_OK) {
        run_for_ms(cluster, 5);
    }
    ck_assert_uint_lt(pt_sim_now_ns(cluster->sim) - at_ns, 200000000ULL);
    cluster_fini(cluster);
}
END_TEST

/* Three voters, one dies, another is to be demoted the moment after: one of two voters would be left to answer. */
START_TEST(a_voter_that_died_just_now_does_not_count)
{
    struct cluster here;
    struct cluster *cluster = &here;
    cluster_init_three(cluster);
    run_for_ms(cluster, 1000); /* everybody was heard lately */
    unsigned leader = (unsigned)leader_of(cluster);
    unsigned dead = (leader + 1) % NODES;
    unsigned other = (leader + 2) % NODES;
    node_crash(cluster, dead);
    REFUSED(PT_FAILED_PRECONDITION, cluster, leader, "ControllerService/UpdateController",
            "{\"controller\": {\"name\": \"controllers/c%u\", \"role\": \"STANDBY\"}, \"updateMask\": \"role\"}",
            other + 1);
    ck_assert_ptr_nonnull(strstr(cluster->answer.error.text, "Bring c"));
    pt_sim_restart(cluster->sim, dead);
    node_open(cluster, dead);
    run_for_ms(cluster, 3000);
    OK(cluster, (unsigned)leader_of(cluster), "ControllerService/UpdateController",
       "{\"controller\": {\"name\": \"controllers/c%u\", \"role\": \"STANDBY\"}, \"updateMask\": \"role\"}", other + 1);
    STEP_UNTIL(cluster, !is_voter(cluster, other));
    cluster_fini(cluster);
}
END_TEST

/* The write changes the very addresses that forwarding depends on, and is applied at the follower while its answer is
 * still on the way. */
START_TEST(a_forwarded_change_of_a_controller_is_answered)
{
    struct cluster world, *cluster = &world;
    cluster_init_three(cluster);
    unsigned leader = (unsigned)leader_of(cluster);
    unsigned follower = (leader + 1) % NODES;
    for (unsigned i = 0; i < 20; i++) {
        OK(cluster, follower, "ControllerService/UpdateController",
           "{\"controller\": {\"name\": \"controllers/c%u\", \"displayName\": \"round %u\"}, \"updateMask\": "
           "\"displayName\"}",
           leader + 1, i);
    }
    cluster_fini(cluster);
}
END_TEST

/* A new certificate while forwarded calls are under way: they are answered. */
START_TEST(a_new_certificate_cuts_no_call)
{
    struct cluster world, *cluster = &world;
    cluster_init_three(cluster);
    unsigned leader = (unsigned)leader_of(cluster);
    unsigned follower = (leader + 1) % NODES;
    const struct pt_method_type *type = pt_schema_method(cluster->schema, "/patronus.v1.SiteService/CreateSite");
    struct answer pending[4] = {{.done = false}};
    const struct pt_node_files *files = &cluster->nodes[follower].files;
    create_site(cluster, follower, "first");
    for (unsigned i = 0; i < 4; i++) {
        PT_AUTO(buf) struct pt_buf request = {0};
        char json[128];
        (void)snprintf(json, sizeof(json), "{\"parent\": \"organizations/acme\", \"siteId\": \"s%u\", \"site\": {}}",
                       i);
        encode_json(cluster, type->input, json, &request);
        (void)pt_rpc_unary(cluster->nodes[follower].admin, type->path, pt_buf_bytes(&request), NULL, 0, 0, on_answer,
                           &pending[i]);
    }
    for (unsigned i = 0; i < 4; i++) {
        while (!pending[i].done) {
            ck_assert(pt_sim_step(cluster->sim, UINT64_MAX));
            ck_assert_int_eq(pt_controller_set_certificate(cluster->nodes[follower].controller, pem(&files->cert_pem),
                                                           pem(&files->ca_pem), NULL),
                             PT_OK);
        }
        ck_assert_msg(pending[i].error.code == PT_OK, "%s", pending[i].error.text);
        answer_clear(&pending[i]);
    }
    cluster_fini(cluster);
}
END_TEST

/* The leader's own resource is deleted: it hands over, and the next leader removes it from the configuration. */
START_TEST(membership_follows_the_resources_also_for_the_leader)
{
    struct cluster world, *cluster = &world;
    cluster_init_three(cluster);
    unsigned leader = (unsigned)leader_of(cluster);
    unsigned other = (leader + 1) % NODES;
    OK(cluster, other, "ControllerService/DeleteController", "{\"name\": \"controllers/c%u\"}", leader + 1);
    STEP_UNTIL(cluster, leader_of(cluster) >= 0 && leader_of(cluster) != (int)leader && !is_voter(cluster, leader));
    while (call(cluster, other, "SiteService/CreateSite",
                "{\"parent\": \"organizations/acme\", \"siteId\": \"nyc\", \"site\": {}, \"requestId\": \"r1\"}") !=
           PT_OK) {
        ck_assert_int_eq(cluster->answer.error.code, PT_UNAVAILABLE);
        run_for_ms(cluster, 20);
    }
    cluster_fini(cluster);
}
END_TEST

static void ignore_ready(void *arg)
{
    (void)arg;
}

/* The leader's disk is full for a moment, just when its store is to be made ready for a snapshot. The store trusts its
 * file no more and refuses everything; the log is well, so consensus alone would keep this leader for ever. First the
 * loop meets it, then a worker. */
START_TEST(a_leader_whose_store_has_failed_stops_itself)
{
    struct cluster world, *cluster = &world;
    cluster_init_three(cluster);
    int leader = leader_of(cluster);
    struct node *node = &cluster->nodes[leader];
    struct pt_store *store = pt_kind_store(pt_controller_machine(node->controller));
    ck_assert_ptr_null(pt_store_failure(store));
    if (_i == 1) {
        ck_assert_int_eq(pt_store_pin(store, ignore_ready, NULL, NULL), PT_OK);
        pt_store_unpin(store);
        create_site(cluster, (unsigned)leader, "sfo");
        ck_assert_int_eq(pt_store_pin(store, ignore_ready, NULL, NULL), PT_OK);
    }
    pt_sim_fail_disk(cluster->sim, (unsigned)leader, 1, PT_NO_SPACE, true);
    if (_i == 0) {
        ck_assert_int_eq(pt_store_pin(store, ignore_ready, NULL, NULL), PT_NO_SPACE);
    }
    STEP_UNTIL(cluster, pt_store_failure(store) != NULL);
    pt_sim_fail_disk(cluster->sim, (unsigned)leader, 0, PT_OK, false);
    ck_assert_int_eq(pt_store_failure(store)->code, PT_NO_SPACE);
    STEP_UNTIL(cluster, node->fatal.code == PT_NO_SPACE);
    node_crash(cluster, (unsigned)leader); /* the process ends */
    STEP_UNTIL(cluster, leader_of(cluster) >= 0);
    create_site(cluster, (unsigned)leader_of(cluster), "nyc");
    pt_sim_restart(cluster->sim, (unsigned)leader);
    node_open(cluster, (unsigned)leader);
    run_for_ms(cluster, 2000);
    OK(cluster, (unsigned)leader, "SiteService/GetSite", "{\"name\": \"organizations/acme/sites/nyc\"}");
    cluster_fini(cluster);
}
END_TEST

/* A node joins by way of a follower. */
START_TEST(enrolment_goes_through_any_controller)
{
    struct cluster world, *cluster = &world;
    struct enrolled node = {0};
    PT_AUTO(buf) struct pt_buf token = {0};
    cluster_init_three(cluster);
    unsigned leader = (unsigned)leader_of(cluster);
    unsigned follower = (leader + 1) % NODES;
    create_site(cluster, leader, "nyc");
    OK(cluster, leader, "EdgeService/CreateEdge",
       "{\"parent\": \"organizations/acme/sites/nyc\", \"edgeId\": \"e1\", \"edge\": {}}");
    make_token(cluster, "edge", "organizations/acme/sites/nyc/edges/e1", 600, &token);
    ck_assert_int_eq(enroll(cluster, follower, (const char *)token.data, -1, &node), PT_OK);
    enrolled_fini(&node);
    cluster_fini(cluster);
}
END_TEST

/* Leadership goes to the controller of the highest priority, and stays there. */
START_TEST(a_preferred_controller_leads)
{
    struct cluster world, *cluster = &world;
    cluster_init_three(cluster);
    unsigned leader = (unsigned)leader_of(cluster);
    unsigned other = (leader + 1) % NODES;
    OK(cluster, leader, "ControllerService/UpdateController",
       "{\"controller\": {\"name\": \"controllers/c%u\", \"leaderPriority\": 10}}", other + 1);
    STEP_UNTIL(cluster, leader_of(cluster) == (int)other);
    run_for_ms(cluster, 10000);
    ck_assert_int_eq(leader_of(cluster), (int)other);
    /* One that does not answer is not waited for; when it is back, it leads again. */
    node_crash(cluster, other);
    STEP_UNTIL(cluster, leader_of(cluster) >= 0);
    run_for_ms(cluster, 10000);
    ck_assert_int_ge(leader_of(cluster), 0);
    pt_sim_restart(cluster->sim, other);
    node_open(cluster, other);
    STEP_UNTIL(cluster, leader_of(cluster) == (int)other);
    cluster_fini(cluster);
}
END_TEST

/* One voter of three is silent: the second one is needed, the silent one is not. */
START_TEST(what_would_lose_the_majority_is_refused)
{
    struct cluster world, *cluster = &world;
    cluster_init_three(cluster);
    unsigned leader = (unsigned)leader_of(cluster);
    unsigned silent = (leader + 1) % NODES, needed = (leader + 2) % NODES;
    node_crash(cluster, silent);
    run_for_ms(cluster, 4000);
    REFUSED(PT_FAILED_PRECONDITION, cluster, needed, "ControllerService/DeleteController",
            "{\"name\": \"controllers/c%u\"}", needed + 1);
    REFUSED(PT_FAILED_PRECONDITION, cluster, needed, "ControllerService/UpdateController",
            "{\"controller\": {\"name\": \"controllers/c%u\", \"role\": \"STANDBY\"}}", needed + 1);
    ck_assert_str_eq(cluster->answer.error.field, "role");
    OK(cluster, needed, "ControllerService/UpdateController",
       "{\"controller\": {\"name\": \"controllers/c%u\", \"displayName\": \"needed\"}}", needed + 1);
    OK(cluster, needed, "ControllerService/DeleteController", "{\"name\": \"controllers/c%u\"}", silent + 1);
    STEP_UNTIL(cluster, !is_voter(cluster, silent));
    pt_sim_restart(cluster->sim, silent);
    node_open(cluster, silent);
    cluster_fini(cluster);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("serve cluster");
    TCase *tcase = tcase_create("three controllers");
    tcase_add_test(tcase, a_voter_that_died_just_now_does_not_count);
    tcase_add_test(tcase, any_controller_takes_any_call);
    tcase_add_test(tcase, a_stale_read_is_the_followers_own_and_has_no_soft_fields);
    tcase_add_test(tcase, a_crash_of_the_leader_costs_a_retry);
    tcase_add_loop_test(tcase, a_leader_whose_store_has_failed_stops_itself, 0, 2);
    tcase_add_test(tcase, a_call_to_a_leader_that_is_lost_ends_when_another_leads);
    tcase_add_test(tcase, a_stop_of_the_leader_hands_over);
    tcase_add_test(tcase, a_forwarded_change_of_a_controller_is_answered);
    tcase_add_test(tcase, a_new_certificate_cuts_no_call);
    tcase_add_test(tcase, membership_follows_the_resources_also_for_the_leader);
    tcase_add_test(tcase, enrolment_goes_through_any_controller);
    tcase_add_test(tcase, a_preferred_controller_leads);
    tcase_add_test(tcase, what_would_lose_the_majority_is_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return run_suite(make_suite());
}
