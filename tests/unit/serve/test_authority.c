/*
 * Rotation of the certificate authority, as it stands in the state and as callers see it.
 */
#include "enrolled_edge.h"

#include "patronus/v1/authority.pb-c.h"
#include "serve/roster.h"

static Patronus__V1__AuthorityRoster *roster_of(struct cluster *cluster)
{
    Patronus__V1__AuthorityRoster *roster = NULL;
    struct pt_store *store = pt_kind_store(pt_controller_machine(cluster->nodes[0].controller));
    ck_assert_int_eq(pt_roster_read(store, &roster, NULL), PT_OK);
    return roster;
}

static size_t authorities(struct cluster *cluster)
{
    Patronus__V1__AuthorityRoster *roster = roster_of(cluster);
    size_t len = roster->n_authorities;
    pt_roster_free(roster);
    return len;
}

START_TEST(a_dry_run_says_who_would_break_and_changes_nothing)
{
    struct cluster world, *cluster = &world;
    struct enrolled node = {0};
    cluster_init(cluster);
    make_edge(cluster);
    enroll_edge(cluster, &node);
    struct pt_digest before = state_digest(cluster, 0);
    OK(cluster, 0, "AuthorityService/RotateAuthority", "{\"validateOnly\": true}");
    ANSWER_HAS("\"name\":\"" EDGE "\"");
    ANSWER_HAS("offline");
    ANSWER_HAS("\"id\":\"ca-1\"");
    struct pt_digest after = state_digest(cluster, 0);
    ck_assert(pt_digest_equal(&before, &after));
    enrolled_fini(&node);
    cluster_fini(cluster);
}
END_TEST

/* The edge that is offline holds the rotation up where nothing is signed yet: it can be given up, and a number is not
 * used twice. */
START_TEST(a_rotation_waits_and_can_be_given_up)
{
    struct cluster world, *cluster = &world;
    struct enrolled node = {0};
    cluster_init(cluster);
    make_edge(cluster);
    enroll_edge(cluster, &node);
    OK(cluster, 0, "AuthorityService/RotateAuthority", "{}");
    run_for_ms(cluster, 5000);
    OK(cluster, 0, "AuthorityService/ListAuthorities", "{}");
    ANSWER_HAS("\"state\":\"PENDING\"");
    ANSWER_HAS("\"running\":true");
    ck_assert_uint_eq(authorities(cluster), 2);
    OK(cluster, 0, "AuthorityService/RotateAuthority", "{\"abort\": true}");
    ck_assert_uint_eq(authorities(cluster), 1);
    Patronus__V1__AuthorityRoster *roster = roster_of(cluster);
    ck_assert_uint_eq(roster->next, 3);
    ck_assert_str_eq(roster->authorities[0]->id, "ca-1");
    pt_roster_free(roster);
    enrolled_fini(&node);
    cluster_fini(cluster);
}
END_TEST

/* The caller's own credential is the last thing of the old authority: it is named, and it is waited for. */
START_TEST(people_are_waited_for_unless_it_is_forced)
{
    struct cluster world, *cluster = &world;
    cluster_init(cluster);
    OK(cluster, 0, "AuthorityService/RotateAuthority", "{}");
    run_for_ms(cluster, 10000);
    /* Meanwhile the doors show a leaf of the old authority: this caller knows no other. */
    OK(cluster, 0, "AuthorityService/ListAuthorities", "{}");
    ANSWER_HAS("\"state\":\"RETIRING\"");
    ANSWER_HAS("/admin/root");
    REFUSED(PT_FAILED_PRECONDITION, cluster, 0, "AuthorityService/RotateAuthority", "{\"abort\": true}");
    ck_assert_uint_eq(authorities(cluster), 2);
    OK(cluster, 0, "AuthorityService/RotateAuthority", "{\"force\": true}");
    STEP_UNTIL(cluster, authorities(cluster) == 1);
    Patronus__V1__AuthorityRoster *roster = roster_of(cluster);
    ck_assert_str_eq(roster->authorities[0]->id, "ca-2");
    ck_assert_int_eq(roster->authorities[0]->state, PATRONUS__V1__AUTHORITY_STATE__ISSUING);
    pt_roster_free(roster);
    cluster_fini(cluster);
}
END_TEST

/* What was logged, of those lines that a test looks for. */
struct lines {
    unsigned soon, expired, other;
};

static void count_line(void *context, enum pt_log_level level, const char *line)
{
    struct lines *lines = context;
    bool soon = strstr(line, "certificate expires soon") != NULL;
    bool expired = strstr(line, "certificate expired") != NULL;
    ck_assert(level == PT_LOG_WARN || !(soon || expired));
    lines->soon += soon;
    lines->expired += expired;
    lines->other += !soon && !expired;
}

/* The simulated controllers do not renew by themselves, as a real one may fail to: that is said before it is too late,
 * and once a minute, not each turn. */
START_TEST(a_certificate_that_is_not_renewed_is_warned_of)
{
    struct cluster world, *cluster = &world;
    struct enrolled node = {0};
    struct lines lines = {0};
    cluster_init(cluster);
    make_edge(cluster);
    enroll_edge(cluster, &node);
    OK(cluster, 0, "AuthorityService/RotateAuthority",
       "{}"); /* with one authority a simulated cluster warns of nothing */
    cluster->log.sink = count_line;
    cluster->log.context = &lines;
    run_for_ms(cluster, 45ULL * 60 * 1000);
    ck_assert_uint_eq(lines.soon + lines.expired, 0);
    run_for_ms(cluster, 10ULL * 60 * 1000);
    ck_assert_uint_ge(lines.soon, 1);
    ck_assert_uint_le(lines.soon, 10);
    ck_assert_uint_eq(lines.expired, 0);
    run_for_ms(cluster, 10ULL * 60 * 1000);
    ck_assert_uint_ge(lines.expired, 1);
    ck_assert_uint_le(lines.soon + lines.expired, 21);
    cluster->log.sink = log_line;
    cluster->log.context = cluster->sim;
    enrolled_fini(&node);
    cluster_fini(cluster);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("serve authority");
    TCase *tcase = tcase_create("rotation");
    tcase_add_test(tcase, a_dry_run_says_who_would_break_and_changes_nothing);
    tcase_add_test(tcase, a_rotation_waits_and_can_be_given_up);
    tcase_add_test(tcase, people_are_waited_for_unless_it_is_forced);
    tcase_add_test(tcase, a_certificate_that_is_not_renewed_is_warned_of);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return run_suite(make_suite());
}
