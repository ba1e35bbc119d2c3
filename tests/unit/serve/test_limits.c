/*
 * Requests a second and streams of tenants: a lasting excess is refused with the time to wait, at the tenant and above
 * it, and costs nobody else anything.
 */
#include "program.h"

#define T "organizations/tenant"

static void program_with(struct cluster *cluster, const char *organization, const char *role, struct program *program)
{
    account_with(cluster, organization, "ci", role, program);
}

static void program_new(struct cluster *cluster, const char *organization, struct program *program)
{
    program_with(cluster, organization, "viewer", program);
}

static enum pt_code list_sites(struct cluster *cluster, const struct program *program, const char *organization)
{
    char json[200];
    (void)snprintf(json, sizeof(json), "{\"parent\": \"%s\"}", organization);
    return call_as(cluster, program, "SiteService/ListSites", json);
}

/* Calls that succeed in so long, one after the other as fast as the world lets. */
static unsigned rush(struct cluster *cluster, const struct program *program, const char *organization, uint64_t ms)
{
    unsigned good = 0;
    uint64_t end_ns = pt_sim_now_ns(cluster->sim) + ms * 1000000;
    while (pt_sim_now_ns(cluster->sim) < end_ns) {
        enum pt_code code = list_sites(cluster, program, organization);
        if (code != PT_OK) {
            ck_assert_int_eq(code, PT_EXHAUSTED);
            ck_assert_int_eq(cluster->answer.error.reason, PT_REASON_RATE_LIMITED);
            ck_assert_uint_gt(cluster->answer.error.retry_ms, 0);
            ck_assert_uint_le(cluster->answer.error.retry_ms, 200);
        }
        good += code == PT_OK;
    }
    return good;
}

START_TEST(a_lasting_excess_is_refused_and_others_go_on)
{
    struct cluster world, *cluster = &world;
    struct program program, second, child, other;
    cluster_init(cluster);
    OK(cluster, 0, "OrganizationService/CreateOrganization",
       "{\"organizationId\": \"tenant\", \"organization\": {\"quotas\": {\"requestsPerSecond\": \"20\"}}}");
    OK(cluster, 0, "OrganizationService/CreateOrganization",
       "{\"organizationId\": \"child\", \"organization\": {\"parentOrganization\": \"" T "\"}}");
    program_new(cluster, T, &program);
    account_with(cluster, T, "second", "viewer", &second);
    program_new(cluster, "organizations/child", &child);
    program_new(cluster, "organizations/acme", &other);
    unsigned good = rush(cluster, &program, T, 5000);
    ck_assert_uint_ge(good, 16 * 5); /* one alone has four fifths */
    ck_assert_uint_le(good, 16 * 7 + 2);
    unsigned rest = 0; /* which leaves the others of the tenant theirs, with two seconds of burst */
    while (list_sites(cluster, &program, T) == PT_OK) {
        ck_assert_uint_lt(rest++, 10);
    }
    ck_assert_ptr_nonnull(strstr(cluster->answer.error.text, T "/serviceAccounts/ci makes more than its 16"));
    rest = 0;
    while (list_sites(cluster, &second, T) == PT_OK) {
        ck_assert_uint_lt(rest++, 40);
    }
    ck_assert_uint_ge(rest, 4);
    ck_assert_ptr_nonnull(strstr(cluster->answer.error.text, T " makes more than its 20"));
    /* What is below it counts to it; others, and admins, do not notice. */
    ck_assert_uint_le(rush(cluster, &child, "organizations/child", 2000), 20 * 2 + 2);
    for (unsigned i = 0; i < 100; i++) {
        ck_assert_int_eq(list_sites(cluster, &other, "organizations/acme"), PT_OK);
        OK(cluster, 0, "SiteService/ListSites", "{\"parent\": \"" T "\"}");
    }
    run_for_ms(cluster, 10000);
    ck_assert_int_eq(list_sites(cluster, &child, "organizations/child"), PT_OK);
    pt_rpc_channel_free(program.channel);
    pt_rpc_channel_free(second.channel);
    pt_rpc_channel_free(child.channel);
    pt_rpc_channel_free(other.channel);
    cluster_fini(cluster);
}
END_TEST

/* A number of the object that ends at `end`; zero is left out there. */
static unsigned number_in(const char *object, const char *end, const char *field)
{
    char name[32];
    (void)snprintf(name, sizeof(name), "\"%s\":\"", field);
    const char *at = strstr(object, name);
    return at != NULL && at < end ? (unsigned)strtoul(at + strlen(name), NULL, 10) : 0;
}

/* Limit and usage of an organization, as the admin reads them. */
static void usage_is(struct cluster *cluster, const char *organization, const char *metric, unsigned limit,
                     unsigned usage)
{
    char name[60];
    OK(cluster, 0, "OrganizationService/GetOrganization", "{\"name\": \"%s\"}", organization);
    (void)snprintf(name, sizeof(name), "{\"metric\":\"%s\"", metric);
    const char *at = strstr(cluster->answer.json, name);
    ck_assert_msg(at != NULL, "no %s in %s", name, cluster->answer.json);
    const char *end = strchr(at, '}');
    ck_assert_msg(number_in(at, end, "limit") == limit && number_in(at, end, "usage") == usage,
                  "%s: not %u of %u: %.*s", organization, usage, limit, (int)(end - at), at);
}

/* Each of them counts once: at its own organization, and at those above. */
START_TEST(what_is_used_of_a_rate_can_be_read)
{
    struct cluster world, *cluster = &world;
    struct program program, child;
    cluster_init(cluster);
    OK(cluster, 0, "OrganizationService/CreateOrganization",
       "{\"organizationId\": \"tenant\", \"organization\": {\"quotas\": {\"requestsPerSecond\": \"100\"}}}");
    OK(cluster, 0, "OrganizationService/CreateOrganization",
       "{\"organizationId\": \"child\", \"organization\": {\"parentOrganization\": \"" T "\"}}");
    program_new(cluster, T, &program);
    program_new(cluster, "organizations/child", &child);
    usage_is(cluster, T, "requests_per_second", 100, 0);
    run_for_ms(cluster, 1000 - pt_sim_now_ns(cluster->sim) / 1000000 % 1000); /* a second begins */
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(list_sites(cluster, &program, T), PT_OK);
        ck_assert_int_eq(list_sites(cluster, &child, "organizations/child"), PT_OK);
    }
    ck_assert_int_eq(list_sites(cluster, &child, "organizations/child"), PT_OK);
    run_for_ms(cluster, 1000 - pt_sim_now_ns(cluster->sim) / 1000000 % 1000);
    usage_is(cluster, T, "requests_per_second", 100, 7);
    usage_is(cluster, "organizations/child", "requests_per_second", 100, 4);
    usage_is(cluster, "organizations/acme", "requests_per_second", 0, 0);
    run_for_ms(cluster, 2000);
    usage_is(cluster, T, "requests_per_second", 100, 0);
    pt_rpc_channel_free(program.channel);
    pt_rpc_channel_free(child.channel);
    cluster_fini(cluster);
}
END_TEST

/* ---- fair queues ---------------------------------------------------------------------------------------------- */

#define CREATE "/patronus.v1.SiteService/CreateSite"
#define MANY 3000U

struct crowd {
    unsigned created, other;
};

static void on_created(void *arg, const struct pt_error *error, struct pt_bytes message)
{
    struct crowd *crowd = arg;
    (void)message;
    crowd->created += error == NULL;
    crowd->other += error != NULL;
}

static void create_site(struct cluster *cluster, const struct program *program, const char *organization,
                        unsigned number, struct crowd *crowd)
{
    const struct pt_rpc_metadata metadata = {.key = "authorization", .value = program->header};
    PT_AUTO(buf) struct pt_buf request = {0};
    char json[200];
    (void)snprintf(json, sizeof(json), "{\"parent\": \"%s\", \"siteId\": \"s%u\", \"site\": {}}", organization, number);
    encode_json(cluster, pt_schema_method(cluster->schema, CREATE)->input, json, &request);
    (void)pt_rpc_unary(program->channel, CREATE, pt_buf_bytes(&request), &metadata, 1, 30000, on_created, crowd);
}

/* One tenant sends thousands of changes at once; another's, sent behind them, is through before most of those. */
START_TEST(who_sends_thousands_at_once_does_not_stand_before_others)
{
    struct cluster world, *cluster = &world;
    struct program crowded, single;
    struct crowd many = {0}, one = {0};
    cluster_init(cluster);
    OK(cluster, 0, "OrganizationService/CreateOrganization",
       "{\"organizationId\": \"tenant\", \"organization\": {\"tier\": \"ENTERPRISE\"}}");
    program_with(cluster, T, "operator", &crowded);
    program_with(cluster, "organizations/acme", "operator", &single);
    for (unsigned i = 0; i < MANY; i++) {
        create_site(cluster, &crowded, T, i, &many);
    }
    create_site(cluster, &single, "organizations/acme", 0, &one);
    STEP_UNTIL(cluster, one.created + one.other == 1);
    ck_assert_uint_eq(one.created, 1);
    ck_assert_uint_lt(many.created, MANY / 2);
    STEP_UNTIL(cluster, many.created + many.other == MANY);
    ck_assert_uint_eq(many.other, 0);
    pt_rpc_channel_free(crowded.channel);
    pt_rpc_channel_free(single.channel);
    cluster_fini(cluster);
}
END_TEST

/* Those that wait are answered too when the leader goes: they are carried out elsewhere, or refused. */
START_TEST(who_waits_for_his_turn_is_answered_when_the_leader_closes)
{
    struct cluster world, *cluster = &world;
    struct program crowded;
    struct crowd many = {0};
    cluster_init(cluster);
    OK(cluster, 0, "OrganizationService/CreateOrganization",
       "{\"organizationId\": \"tenant\", \"organization\": {\"tier\": \"ENTERPRISE\"}}");
    program_with(cluster, T, "operator", &crowded);
    for (unsigned i = 0; i < MANY; i++) {
        create_site(cluster, &crowded, T, i, &many);
    }
    STEP_UNTIL(cluster, many.created > 0);
    node_close(cluster, 0);
    STEP_UNTIL(cluster, many.created + many.other == MANY);
    ck_assert_uint_gt(many.other, 0);
    pt_rpc_channel_free(crowded.channel);
    cluster_fini(cluster);
}
END_TEST

START_TEST(streams_are_counted_while_they_are_open)
{
    struct cluster world, *cluster = &world;
    struct program program, child;
    struct stream streams[4];
    cluster_init(cluster);
    OK(cluster, 0, "OrganizationService/CreateOrganization",
       "{\"organizationId\": \"tenant\", \"organization\": {\"quotas\": {\"streams\": \"2\"}}}");
    OK(cluster, 0, "OrganizationService/CreateOrganization",
       "{\"organizationId\": \"child\", \"organization\": {\"parentOrganization\": \"" T "\"}}");
    program_new(cluster, T, &program);
    program_new(cluster, "organizations/child", &child);
    open_watch(cluster, &program, T, &streams[0]);
    open_watch(cluster, &child, "organizations/child", &streams[1]);
    ck_assert(!streams[0].ended && !streams[1].ended);
    open_watch(cluster, &program, T, &streams[2]);
    ck_assert(streams[2].ended);
    ck_assert_int_eq(streams[2].error.code, PT_EXHAUSTED);
    ck_assert_int_eq(streams[2].error.reason, PT_REASON_RATE_LIMITED);
    usage_is(cluster, T, "streams", 2, 2);
    usage_is(cluster, "organizations/child", "streams", 2, 1);
    pt_rpc_stream_cancel(streams[1].stream);
    run_for_ms(cluster, 1000);
    ck_assert(streams[1].ended);
    usage_is(cluster, T, "streams", 2, 1);
    open_watch(cluster, &program, T, &streams[3]);
    ck_assert(!streams[3].ended);
    /* An organization that goes elsewhere takes its streams along. */
    OK(cluster, 0, "OrganizationService/CreateOrganization", "{\"organizationId\": \"above\", \"organization\": {}}");
    OK(cluster, 0, "OrganizationService/UpdateOrganization",
       "{\"organization\": {\"name\": \"" T "\", \"parentOrganization\": \"organizations/above\"}}");
    usage_is(cluster, "organizations/above", "streams", 0, 2);
    pt_rpc_channel_free(program.channel);
    pt_rpc_channel_free(child.channel);
    cluster_fini(cluster);
}
END_TEST

/* ---- refusals that wait ---------------------------------------------------------------------------------------- */

#define LIST "/patronus.v1.SiteService/ListSites"
#define HAMMERED 400U
#define HELD_LEN_MAX 512U /* as in shed.c */

struct hammer {
    unsigned good, refused;
    bool gone; /* server or client is: whatever comes is an end */
};

static void on_listed(void *arg, const struct pt_error *error, struct pt_bytes message)
{
    struct hammer *hammer = arg;
    (void)message;
    if (hammer->gone) {
        return;
    }
    if (error == NULL) {
        hammer->good++;
        return;
    }
    ck_assert_int_eq(error->code, PT_EXHAUSTED);
    ck_assert_int_eq(error->reason, PT_REASON_RATE_LIMITED);
    ck_assert_uint_gt(error->retry_ms, 0);
    hammer->refused++;
}

static void hammer(struct cluster *cluster, const struct program *program, unsigned calls, uint64_t deadline_ms,
                   struct hammer *hammer)
{
    const struct pt_rpc_metadata metadata = {.key = "authorization", .value = program->header};
    PT_AUTO(buf) struct pt_buf request = {0};
    encode_json(cluster, pt_schema_method(cluster->schema, LIST)->input, "{\"parent\": \"" T "\"}", &request);
    for (unsigned i = 0; i < calls; i++) {
        (void)pt_rpc_unary(program->channel, LIST, pt_buf_bytes(&request), &metadata, 1, deadline_ms, on_listed,
                           hammer);
    }
}

static void limited_program(struct cluster *cluster, struct program *program)
{
    OK(cluster, 0, "OrganizationService/CreateOrganization",
       "{\"organizationId\": \"tenant\", \"organization\": {\"quotas\": {\"requestsPerSecond\": \"20\"}}}");
    program_new(cluster, T, program);
}

/* All at once: the burst passes, a second's refusals come at once, the others a turn apart, as many a second as calls.
 */
START_TEST(who_hammers_is_answered_no_faster_than_it_may_call)
{
    struct cluster world, *cluster = &world;
    struct program program, other;
    struct hammer hammered = {0}, hasty = {0};
    cluster_init(cluster);
    limited_program(cluster, &program);
    program_new(cluster, "organizations/acme", &other);
    hammer(cluster, &program, HAMMERED, 30000, &hammered);
    STEP_UNTIL(cluster, hammered.refused >= 16);
    ck_assert_uint_eq(hammered.good, 32);
    run_for_ms(cluster, 40);
    ck_assert_uint_le(hammered.refused, 16 + 2);
    for (unsigned i = 0; i < 10; i++) { /* nobody else waits */
        ck_assert_int_eq(list_sites(cluster, &other, "organizations/acme"), PT_OK);
    }
    unsigned before = hammered.refused;
    run_for_ms(cluster, 3000);
    ck_assert_uint_ge(hammered.refused - before, 3 * 16 - 2);
    ck_assert_uint_le(hammered.refused - before, 3 * 16 + 2);
    run_for_ms(cluster, 1100);
    ck_assert_uint_eq(hammered.good + hammered.refused, HAMMERED); /* four seconds, and a turn */
    /* Who waits for less than that is told in time: on_listed takes no other end. */
    hammer(cluster, &program, 100, 100, &hasty);
    run_for_ms(cluster, 300);
    ck_assert_uint_eq(hasty.good + hasty.refused, 100);
    ck_assert_uint_ge(hasty.refused, 100 - 32); /* the bucket is full again */
    pt_rpc_channel_free(program.channel);
    pt_rpc_channel_free(other.channel);
    cluster_fini(cluster);
}
END_TEST

/* Who waits for half a second only is told before those whose turn was earlier and whose time is longer. */
START_TEST(a_refusal_that_is_due_first_does_not_wait_for_others)
{
    struct cluster world, *cluster = &world;
    struct program program;
    struct hammer hammered = {0}, hasty = {0};
    cluster_init(cluster);
    limited_program(cluster, &program);
    hammer(cluster, &program, HAMMERED, 30000, &hammered);
    STEP_UNTIL(cluster, hammered.refused >= 16);
    run_for_ms(cluster, 40);
    hammer(cluster, &program, 4, 500, &hasty);
    run_for_ms(cluster, 200);
    ck_assert_uint_eq(hasty.good + hasty.refused, 0);
    run_for_ms(cluster, 100);
    ck_assert_uint_eq(hasty.refused, 4);
    ck_assert_uint_lt(hammered.good + hammered.refused, HAMMERED);
    hammered.gone = true; /* what still waits ends with its client */
    pt_rpc_channel_free(program.channel);
    cluster_fini(cluster);
}
END_TEST

/* Beyond what may wait they go out at once. */
START_TEST(so_many_refusals_wait_and_no_more)
{
    struct cluster world, *cluster = &world;
    struct program program;
    struct hammer hammered = {0};
    cluster_init(cluster);
    limited_program(cluster, &program);
    hammer(cluster, &program, 32 + 16 + HELD_LEN_MAX + 100, 30000, &hammered);
    STEP_UNTIL(cluster, hammered.refused >= 116);
    run_for_ms(cluster, 40);
    ck_assert_uint_eq(hammered.good, 32);
    ck_assert_uint_le(hammered.refused, 116 + 2);
    run_for_ms(cluster, 4100);
    ck_assert_uint_eq(hammered.good + hammered.refused, 32 + 16 + HELD_LEN_MAX + 100);
    pt_rpc_channel_free(program.channel);
    cluster_fini(cluster);
}
END_TEST

START_TEST(refusals_that_wait_go_out_when_the_controller_closes)
{
    struct cluster world, *cluster = &world;
    struct program program;
    struct hammer hammered = {0};
    cluster_init(cluster);
    limited_program(cluster, &program);
    hammer(cluster, &program, HAMMERED, 30000, &hammered);
    STEP_UNTIL(cluster, hammered.refused >= 16);
    run_for_ms(cluster, 20);
    ck_assert_uint_lt(hammered.good + hammered.refused, HAMMERED);
    node_close(cluster, 0);
    STEP_UNTIL(cluster, hammered.good + hammered.refused == HAMMERED);
    pt_rpc_channel_free(program.channel);
    cluster_fini(cluster);
}
END_TEST

/* Their clients are gone, and then the host is. */
START_TEST(refusals_that_wait_for_nobody_cost_nothing)
{
    struct cluster world, *cluster = &world;
    struct program program;
    struct hammer hammered = {0};
    cluster_init(cluster);
    limited_program(cluster, &program);
    hammer(cluster, &program, HAMMERED, 30000, &hammered);
    STEP_UNTIL(cluster, hammered.refused >= 16);
    run_for_ms(cluster, 20);
    ck_assert_uint_lt(hammered.good + hammered.refused, HAMMERED);
    hammered.gone = true;
    node_crash(cluster, 0);
    pt_rpc_channel_free(program.channel);
    cluster_fini(cluster);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("serve limits");
    TCase *tcase = tcase_create("limits");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, a_lasting_excess_is_refused_and_others_go_on);
    tcase_add_test(tcase, who_hammers_is_answered_no_faster_than_it_may_call);
    tcase_add_test(tcase, a_refusal_that_is_due_first_does_not_wait_for_others);
    tcase_add_test(tcase, so_many_refusals_wait_and_no_more);
    tcase_add_test(tcase, refusals_that_wait_go_out_when_the_controller_closes);
    tcase_add_test(tcase, refusals_that_wait_for_nobody_cost_nothing);
    tcase_add_test(tcase, what_is_used_of_a_rate_can_be_read);
    tcase_add_test(tcase, who_sends_thousands_at_once_does_not_stand_before_others);
    tcase_add_test(tcase, who_waits_for_his_turn_is_answered_when_the_leader_closes);
    tcase_add_test(tcase, streams_are_counted_while_they_are_open);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return run_suite(make_suite());
}
