/*
 * Sessions of users, which a leader clears away when they are long over.
 */
#include "edge_node.h"

#include "wire/time_text.h"

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
    network_init(cluster, nodes);
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
    network_fini(cluster, nodes);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("serve user session");
    TCase *tcase = tcase_create("user sessions");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, sessions_that_are_long_over_are_deleted);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return run_suite(make_suite());
}
