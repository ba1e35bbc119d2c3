/*
 * Change sets as callers meet them: at any controller, with a confirmation that is awaited over a change of leader.
 * What becomes of nodes that are lost is in test_edge.c.
 */
#include "fixture.h"

#define CS "organizations/acme/changeSets/c1"

static void stage(struct cluster *cluster, unsigned at, const char *site)
{
    OK(cluster, at, "ChangeSetService/UpdateChangeSet",
       "{\"changeSet\": {\"name\": \"" CS "\", \"changes\": [{\"action\": \"CHANGE_CREATE\", \"name\": "
       "\"organizations/acme/sites/%s\", \"resource\": {\"@type\": \"type.googleapis.com/patronus.v1.Site\"}}]}, "
       "\"allowMissing\": true}",
       site);
}

static bool is_state(struct cluster *cluster, unsigned at, const char *state)
{
    return call(cluster, at, "ChangeSetService/GetChangeSet", "{\"name\": \"" CS "\"}") == PT_OK &&
           strstr(cluster->answer.json, state) != NULL;
}

static uint64_t now_s(const struct cluster *cluster)
{
    return pt_sim_now_ns(cluster->sim) / SECOND;
}

START_TEST(any_controller_takes_each_step)
{
    struct cluster world, *cluster = &world;
    cluster_init_three(cluster);
    unsigned leader = (unsigned)leader_of(cluster);
    unsigned follower = (leader + 1) % NODES;
    stage(cluster, follower, "a");
    OK(cluster, follower, "ChangeSetService/PlanChangeSet", "{\"name\": \"" CS "\"}");
    ANSWER_HAS("\"acceptable\":true");
    OK(cluster, follower, "ChangeSetService/ReadStagedState",
       "{\"name\": \"" CS "\", \"resource\": \"organizations/acme/sites/a\"}");
    ANSWER_HAS("\"staged\":true");
    REFUSED(PT_NOT_FOUND, cluster, follower, "SiteService/GetSite", "{\"name\": \"organizations/acme/sites/a\"}");
    OK(cluster, follower, "ChangeSetService/ApplyChangeSet",
       "{\"name\": \"" CS "\", \"confirmTimeout\": \"30s\", \"requestId\": \"r\"}");
    ANSWER_HAS("\"state\":\"CONFIRMING\"");
    OK(cluster, leader, "SiteService/GetSite", "{\"name\": \"organizations/acme/sites/a\"}");
    REFUSED(PT_FAILED_PRECONDITION, cluster, leader, "SiteService/DeleteSite",
            "{\"name\": \"organizations/acme/sites/a\"}");
    ck_assert_int_eq(cluster->answer.error.reason, PT_REASON_CHANGE_PENDING);
    OK(cluster, follower, "ChangeSetService/ConfirmChangeSet", "{\"name\": \"" CS "\"}");
    run_for_ms(cluster, 40000);
    ck_assert(is_state(cluster, follower, "\"APPLIED\""));
    OK(cluster, follower, "ChangeSetService/RollbackChangeSet", "{\"name\": \"" CS "\"}");
    REFUSED(PT_NOT_FOUND, cluster, follower, "SiteService/GetSite", "{\"name\": \"organizations/acme/sites/a\"}");
    OK(cluster, follower, "RevisionService/ListRevisions", "{\"name\": \"organizations/acme/sites/a\"}");
    ANSWER_HAS("\"current\":true");
    cluster_fini(cluster);
}
END_TEST

/* Twelve of twenty seconds have passed when the leader dies: the next one does not begin anew, and the last one that
 * stands does it alone with what is left. */
START_TEST(what_is_not_confirmed_is_taken_back_over_a_change_of_leader)
{
    struct cluster world, *cluster = &world;
    cluster_init_three(cluster);
    unsigned leader = (unsigned)leader_of(cluster);
    unsigned other = (leader + 1) % NODES;
    stage(cluster, other, "a");
    OK(cluster, leader, "ChangeSetService/ApplyChangeSet", "{\"name\": \"" CS "\", \"confirmTimeout\": \"20s\"}");
    uint64_t began = now_s(cluster);
    run_for_ms(cluster, 12000);
    ck_assert(is_state(cluster, other, "\"CONFIRMING\""));
    node_crash(cluster, leader);
    STEP_UNTIL(cluster, leader_of(cluster) >= 0);
    run_for_ms(cluster, 2000);
    ck_assert(is_state(cluster, other, "\"CONFIRMING\""));
    ck_assert_uint_lt(now_s(cluster) - began, 18);
    while (!is_state(cluster, other, "\"ROLLED_BACK\"")) {
        ck_assert_uint_lt(now_s(cluster) - began, 30);
        run_for_ms(cluster, 200);
    }
    ANSWER_HAS("\"rollbackCause\":\"NOT_CONFIRMED\"");
    ck_assert_uint_ge(now_s(cluster) - began, 19);
    REFUSED(PT_NOT_FOUND, cluster, other, "SiteService/GetSite", "{\"name\": \"organizations/acme/sites/a\"}");
    OK(cluster, other, "SiteService/CreateSite",
       "{\"parent\": \"organizations/acme\", \"siteId\": \"b\", \"site\": {}}");
    REFUSED(PT_FAILED_PRECONDITION, cluster, other, "ChangeSetService/ConfirmChangeSet", "{\"name\": \"" CS "\"}");
    cluster_fini(cluster);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("serve changeset");
    TCase *tcase = tcase_create("changeset");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, any_controller_takes_each_step);
    tcase_add_test(tcase, what_is_not_confirmed_is_taken_back_over_a_change_of_leader);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return run_suite(make_suite());
}
