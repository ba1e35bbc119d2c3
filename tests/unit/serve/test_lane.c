/*
 * Parcels on the link of consensus: a follower's calls take it, what is too much for it takes the stream, and who
 * waited for what a broken link took along is told.
 */
#include "fixture.h"

#include "serve/lane.h"
#include "serve/parcel.h"

static void cut_doors(struct cluster *cluster, unsigned a, unsigned b, bool cut)
{
    pt_rpc_world_partition(cluster->net, a, b, cut);
    pt_rpc_world_partition(cluster->net, b, a, cut);
}

static void cut_links(struct cluster *cluster, unsigned a, unsigned b, bool cut)
{
    pt_sim_partition(cluster->sim, a, b, cut);
    pt_sim_partition(cluster->sim, b, a, cut);
}

/* By now a follower's stream is open and its lane agreed upon. */
static void warm(struct cluster *cluster, unsigned follower)
{
    OK(cluster, follower, "SiteService/ListSites", "{\"parent\": \"organizations/acme\"}");
    run_for_ms(cluster, 100);
}

/* With the doors of follower and leader cut off from each other, calls still go through. */
START_TEST(calls_take_the_link_of_consensus)
{
    struct cluster world, *cluster = &world;
    cluster_init_three(cluster);
    unsigned leader = (unsigned)leader_of(cluster);
    unsigned follower = (leader + 1) % NODES;
    warm(cluster, follower);
    cut_doors(cluster, leader, follower, true);
    OK(cluster, follower, "SiteService/CreateSite",
       "{\"parent\": \"organizations/acme\", \"siteId\": \"nyc\", \"site\": {}}");
    OK(cluster, follower, "SiteService/GetSite", "{\"name\": \"organizations/acme/sites/nyc\"}");
    ANSWER_HAS("sites/nyc");
    REFUSED(PT_ALREADY_EXISTS, cluster, follower, "SiteService/CreateSite",
            "{\"parent\": \"organizations/acme\", \"siteId\": \"nyc\", \"site\": {}}");
    cut_doors(cluster, leader, follower, false);
    cluster_fini(cluster);
}
END_TEST

/* With the link cut, what is too large for the lane still comes: it takes the stream. */
START_TEST(a_long_answer_takes_the_stream)
{
    struct cluster world, *cluster = &world;
    cluster_init_three(cluster);
    unsigned leader = (unsigned)leader_of(cluster);
    unsigned follower = (leader + 1) % NODES;
    char note[3001];
    memset(note, 'n', sizeof(note) - 1);
    note[sizeof(note) - 1] = '\0';
    for (unsigned i = 0; i < 40; i++) {
        OK(cluster, leader, "SiteService/CreateSite",
           "{\"parent\": \"organizations/acme\", \"siteId\": \"s%u\", \"site\": {\"annotations\": {\"v\": \"%s\"}}}", i,
           note);
    }
    warm(cluster, follower);
    OK(cluster, follower, "SiteService/ListSites", "{\"parent\": \"organizations/acme\", \"pageSize\": 100}");
    ck_assert_uint_gt(cluster->answer.message.size, PT_RAFT_LANE_SIZE_MAX);
    ANSWER_HAS("sites/s39");
    cluster_fini(cluster);
}
END_TEST

/* The link between a follower and a leader that goes on leading is cut with a call on its way. It is answered, and
 * calls find a way again while the link is down. */
START_TEST(a_link_that_is_lost_is_told)
{
    struct cluster world, *cluster = &world;
    cluster_init_three(cluster);
    unsigned leader = (unsigned)leader_of(cluster);
    unsigned follower = (leader + 1) % NODES;
    warm(cluster, follower);
    const struct pt_method_type *type = pt_schema_method(cluster->schema, "/patronus.v1.SiteService/CreateSite");
    struct answer pending = {.done = false};
    PT_AUTO(buf) struct pt_buf request = {0};
    encode_json(cluster, type->input,
                "{\"parent\": \"organizations/acme\", \"siteId\": \"nyc\", \"site\": {}, \"requestId\": \"r1\"}",
                &request);
    cut_links(cluster, leader, follower, true);
    (void)pt_rpc_unary(cluster->nodes[follower].admin, type->path, pt_buf_bytes(&request), NULL, 0, 0, on_answer,
                       &pending);
    uint64_t at_ns = pt_sim_now_ns(cluster->sim);
    STEP_UNTIL(cluster, pending.done);
    ck_assert_int_eq(pending.error.code, PT_UNAVAILABLE);
    ck_assert_int_eq(pending.error.reason, PT_REASON_LEADER_CHANGED);
    ck_assert_uint_lt(pt_sim_now_ns(cluster->sim) - at_ns, 4 * SECOND);
    answer_clear(&pending);
    cut_links(cluster, leader, follower, false);
    at_ns = pt_sim_now_ns(cluster->sim);
    while (call_raw(cluster, cluster->nodes[follower].admin, type->path, pt_buf_bytes(&request), NULL) != PT_OK) {
        ck_assert_int_eq(cluster->answer.error.code, PT_UNAVAILABLE);
        run_for_ms(cluster, 20);
    }
    ck_assert_uint_lt(pt_sim_now_ns(cluster->sim) - at_ns, 3 * SECOND);
    cluster_fini(cluster);
}
END_TEST

/* The leader finds its own half broken, with an answer in it: it ends the stream, and so the call. */
START_TEST(answers_that_are_lost_are_told)
{
    struct cluster world, *cluster = &world;
    cluster_init_three(cluster);
    unsigned leader = (unsigned)leader_of(cluster);
    unsigned follower = (leader + 1) % NODES;
    warm(cluster, follower);
    const struct pt_method_type *type = pt_schema_method(cluster->schema, "/patronus.v1.SiteService/GetSite");
    struct answer pending = {.done = false};
    PT_AUTO(buf) struct pt_buf request = {0};
    encode_json(cluster, type->input, "{\"name\": \"organizations/acme/sites/x\"}", &request);
    pt_sim_partition(cluster->sim, leader, follower, true);
    (void)pt_rpc_unary(cluster->nodes[follower].admin, type->path, pt_buf_bytes(&request), NULL, 0, 0, on_answer,
                       &pending);
    run_for_ms(cluster, 50);
    ck_assert(!pending.done);
    pt_lane_lost(cluster->nodes[leader].controller, cluster->nodes[follower].files.raft_id);
    run_for_ms(cluster, 50);
    ck_assert(pending.done);
    ck_assert_int_eq(pending.error.code, PT_UNAVAILABLE);
    ck_assert_int_eq(pending.error.reason, PT_REASON_LEADER_CHANGED);
    answer_clear(&pending);
    pt_sim_partition(cluster->sim, leader, follower, false);
    STEP_UNTIL(cluster, leader_of(cluster) >= 0);
    cluster_fini(cluster);
}
END_TEST

/* A frame for a session that nobody opened, or that another member did, carries nothing out. */
START_TEST(a_session_must_be_open)
{
    struct cluster world, *cluster = &world;
    cluster_init_three(cluster);
    unsigned leader = (unsigned)leader_of(cluster);
    unsigned follower = (leader + 1) % NODES;
    warm(cluster, follower);
    const struct pt_method_type *type = pt_schema_method(cluster->schema, "/patronus.v1.SiteService/CreateSite");
    PT_AUTO(buf) struct pt_buf request = {0};
    PT_AUTO(buf) struct pt_buf parcels = {0};
    encode_json(cluster, type->input, "{\"parent\": \"organizations/acme\", \"siteId\": \"nyc\", \"site\": {}}",
                &request);
    char admin[PT_SPIFFE_SIZE_MAX + 1];
    (void)snprintf(admin, sizeof(admin), "spiffe://%.63s/admin/root", cluster->nodes[0].files.cluster_id);
    ck_assert(pt_parcel_call_put(&parcels, 1, type->path, admin, (struct pt_bytes){0}, pt_buf_bytes(&request)));
    for (uint64_t session = 0; session < 3; session++) {
        ck_assert(pt_lane_send(cluster->nodes[follower].controller, cluster->nodes[leader].files.raft_id, PT_LANE_CALLS,
                               session, pt_buf_bytes(&parcels)));
    }
    run_for_ms(cluster, 1000);
    REFUSED(PT_NOT_FOUND, cluster, leader, "SiteService/GetSite", "{\"name\": \"organizations/acme/sites/nyc\"}");
    cluster_fini(cluster);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lane");
    TCase *tcase = tcase_create("lane");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, calls_take_the_link_of_consensus);
    tcase_add_test(tcase, a_long_answer_takes_the_stream);
    tcase_add_test(tcase, a_link_that_is_lost_is_told);
    tcase_add_test(tcase, answers_that_are_lost_are_told);
    tcase_add_test(tcase, a_session_must_be_open);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
