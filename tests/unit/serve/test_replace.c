/*
 * A controller is lost, deleted and replaced by another one, which is lost as well, all in one moment. Whether the
 * leader's look at the resources (each 200 ms) falls between deletion and joining decides in which order consensus is
 * told of them; so the moment is moved through a whole interval.
 */
#define NODES 4
#include "fixture.h"

#define LOOK_MS 200U
#define STEP_MS 20U

static bool deleted(const struct cluster *cluster, unsigned number)
{
    struct pt_raft_member members[8];
    size_t len = pt_raft_members(pt_controller_raft(cluster->nodes[0].controller), members, 8);
    for (size_t i = 0; i < len; i++) {
        if (members[i].id == cluster->nodes[number].files.raft_id) {
            return false;
        }
    }
    return true;
}

/* c3 is dead, c4 dies as soon as it has a vote: c1 and c2 are a majority of all that are left, whenever that was. */
START_TEST(a_newcomer_that_dies_takes_no_majority_along)
{
    struct cluster world, *cluster = &world;
    cluster_init(cluster);
    for (unsigned i = 1; i < 3; i++) {
        cluster_join(cluster, i);
        STEP_UNTIL(cluster, is_voter(cluster, i));
    }
    node_crash(cluster, 2);
    run_for_ms(cluster, 1000 + STEP_MS * (unsigned)_i);
    OK(cluster, 0, "ControllerService/DeleteController", "{\"name\": \"controllers/c3\"}");
    cluster_join(cluster, 3);
    STEP_UNTIL(cluster, is_voter(cluster, 3));
    uint64_t term = pt_raft_status(pt_controller_raft(cluster->nodes[0].controller)).term;
    node_crash(cluster, 3);
    run_for_ms(cluster, 1000);
    ck_assert_int_eq(leader_of(cluster), 0);
    ck_assert_uint_eq(pt_raft_status(pt_controller_raft(cluster->nodes[0].controller)).term, term);
    OK(cluster, 1, "ControllerService/DeleteController", "{\"name\": \"controllers/c4\"}");
    STEP_UNTIL(cluster, deleted(cluster, 2) && deleted(cluster, 3));
    OK(cluster, 1, "SiteService/CreateSite", "{\"parent\": \"organizations/acme\", \"siteId\": \"nyc\", \"site\": {}}");
    for (unsigned i = 2; i < NODES; i++) {
        pt_sim_restart(cluster->sim, i);
        node_open(cluster, i);
    }
    cluster_fini(cluster);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("serve replace");
    TCase *tcase = tcase_create("four controllers");
    tcase_add_loop_test(tcase, a_newcomer_that_dies_takes_no_majority_along, 0, LOOK_MS / STEP_MS);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return run_suite(make_suite());
}
