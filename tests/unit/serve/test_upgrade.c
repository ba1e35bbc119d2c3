/*
 * Rolling upgrades: three controllers of each older level are replaced one by one, with writes all the while; the level
 * is raised when the last one supports it and not before, and an older binary does not come back behind it.
 */
#include "fixture.h"

static struct cluster the;
static struct cluster *const cluster = &the;
static unsigned writes;

static unsigned leader(void)
{
    STEP_UNTIL(cluster, leader_of(cluster) >= 0);
    return (unsigned)leader_of(cluster);
}

static void write_one(void)
{
    OK(cluster, leader(), "OrganizationService/CreateOrganization",
       "{\"organizationId\": \"w%u\", \"organization\": {}}", writes++);
}

static void replace(unsigned number, uint32_t level_max)
{
    node_close(cluster, number);
    cluster->nodes[number].level_max = level_max;
    write_one(); /* two go on */
    node_open(cluster, number);
    write_one();
}

static bool agrees(unsigned number)
{
    struct pt_digest one = state_digest(cluster, number);
    struct pt_digest other = state_digest(cluster, leader());
    return pt_digest_equal(&one, &other);
}

/* Does the last answer say so of a level? */
static void level_is(const char *field, unsigned level)
{
    char text[64];
    (void)snprintf(text, sizeof(text), "\"%s\":%u", field, level);
    ANSWER_HAS(text);
}

#define FINALIZE "ClusterService/FinalizeUpgrade", "{}"

START_TEST(the_level_is_raised_when_the_last_binary_is_new)
{
    unsigned old = (unsigned)_i;
    writes = 0;
    cluster_init_at(cluster, old);
    for (unsigned i = 1; i < NODES; i++) {
        cluster_join(cluster, i);
        STEP_UNTIL(cluster, is_voter(cluster, i));
    }
    OK(cluster, leader(), FINALIZE);
    level_is("level", old);
    level_is("previousLevel", old);
    REFUSED(old < 2 ? PT_FAILED_PRECONDITION : PT_NOT_FOUND, cluster, leader(), "ArtifactService/UploadArtifact",
            "{\"name\": \"organizations/acme/models/m/versions/v1\"}");
    for (unsigned i = 0; i < NODES; i++) {
        replace((leader() + 1) % NODES, 0); /* the one that comes next, so that the leader of the last round is new */
        unsigned at = leader();
        OK(cluster, at, "ClusterService/GetClusterStatus", "{}");
        level_is("clusterLevel", old);
        if (i < NODES - 1 && cluster->nodes[at].level_max == 0) {
            REFUSED(PT_FAILED_PRECONDITION, cluster, at, FINALIZE);
            ck_assert_ptr_nonnull(strstr(cluster->answer.error.text, "an older binary runs on"));
        }
    }
    for (unsigned i = 0; i < NODES; i++) { /* whichever was left */
        if (cluster->nodes[i].level_max != 0) {
            replace(i, 0);
        }
    }
    unsigned silent = (leader() + 1) % NODES;
    node_crash(cluster, silent);
    REFUSED(PT_FAILED_PRECONDITION, cluster, leader(), FINALIZE);
    ck_assert_ptr_nonnull(strstr(cluster->answer.error.text, "no answer from c"));
    pt_sim_restart(cluster->sim, silent);
    node_open(cluster, silent);
    OK(cluster, leader(), "ClusterService/FinalizeUpgrade", "{\"validateOnly\": true}");
    level_is("level", PT_CLUSTER_LEVEL_MAX);
    OK(cluster, leader(), "ClusterService/GetClusterStatus", "{}");
    level_is("clusterLevel", old);
    OK(cluster, leader(), FINALIZE);
    level_is("level", PT_CLUSTER_LEVEL_MAX);
    level_is("previousLevel", old);
    OK(cluster, leader(), FINALIZE); /* repeated: nothing more */
    level_is("previousLevel", PT_CLUSTER_LEVEL_MAX);
    write_one();
    STEP_UNTIL(cluster, agrees(0) && agrees(1) && agrees(2));
    OK(cluster, leader(), "AuditService/QueryAudit", "{\"pageSize\": 1000}");
    ANSWER_HAS("RAISE_LEVEL");
    cluster_fini(cluster);
}
END_TEST

/* The older binary's machine stops at the entry, or at the state, and says what to do; nothing is lost by it. */
START_TEST(an_older_binary_does_not_come_back)
{
    cluster_init_three(cluster);
    OK(cluster, leader(), "ClusterService/GetClusterStatus", "{}");
    level_is("clusterLevel", PT_CLUSTER_LEVEL_MAX);
    unsigned number = (leader() + 1) % NODES;
    node_close(cluster, number);
    struct node *node = &cluster->nodes[number];
    char directory[32];
    node_path(number, "", directory);
    const struct pt_kind_options kind = {.sys = host_sys(cluster, number),
                                         .schema = cluster->schema,
                                         .mods = pt_mods(),
                                         .store_path = number == 0   ? "/c1/state.db"
                                                       : number == 1 ? "/c2/state.db"
                                                                     : "/c3/state.db",
                                         .log = &cluster->log,
                                         .level_max = (uint32_t)_i};
    struct pt_machine_kind *machine = NULL;
    struct pt_error error = {0};
    ck_assert_int_eq(pt_kind_open(&kind, &machine, &error), PT_CORRUPT);
    ck_assert_ptr_nonnull(strstr(error.text, "upgrade this node"));
    node_open(cluster, number);
    STEP_UNTIL(cluster, agrees(number));
    ck_assert_int_eq(node->fatal.code, PT_OK);
    cluster_fini(cluster);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("serve/upgrade");
    TCase *tests = tcase_create("upgrade");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, the_level_is_raised_when_the_last_binary_is_new, 1, PT_CLUSTER_LEVEL_MAX);
    tcase_add_loop_test(tests, an_older_binary_does_not_come_back, 1, PT_CLUSTER_LEVEL_MAX);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
