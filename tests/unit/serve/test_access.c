/*
 * Access as callers meet it at a door: what they may ask about themselves, how far a key reaches, what ends under an
 * open stream, and that whoever is refused is on record. The decisions themselves are in tests/unit/kind/test_access.c.
 */
#include "program.h"

#define ACME "organizations/acme"
#define CI ACME "/serviceAccounts/ci"

static struct cluster the;

static void setup(void)
{
    struct cluster *cluster = &the;
    cluster_init(cluster);
    OK(cluster, 0, "SiteService/CreateSite", "{\"parent\": \"" ACME "\", \"siteId\": \"nyc\", \"site\": {}}");
}

static void teardown(void)
{
    cluster_fini(&the);
}

/* RFC 3339, so many seconds from now. */
static const char *in_seconds(struct cluster *cluster, int64_t seconds, char text[32])
{
    time_t at = (time_t)(pt_sys_wall_ns(host_sys(cluster, CLIENT)) / (int64_t)SECOND + seconds);
    struct tm parts;
    (void)gmtime_r(&at, &parts);
    (void)strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return text;
}

/* ---- what one may ask about oneself --------------------------------------------------------------------------- */

#define ASK(resource)                                                                                   \
    "{\"resource\": \"" resource "\", \"permissions\": [\"sites.get\", \"sites.update\", \"no.such\", " \
    "\"organizations.setQuotas\"]}"

static void may(const struct program *program, const char *json, const char *permissions)
{
    struct cluster *cluster = &the;
    ck_assert_int_eq(call_as(cluster, program, "AccessService/TestIamPermissions", json), PT_OK);
    ANSWER_HAS(permissions);
    ANSWER_HAS("\"principal\":\"" CI "\"");
}

START_TEST(a_caller_asks_what_he_may)
{
    struct cluster *cluster = &the;
    struct program viewer, narrow;
    account_with(cluster, ACME, "ci", "viewer", &viewer);
    issue_key(cluster, CI, "narrow", "\"scopes\": [\"sites.list\"]", &narrow);
    may(&viewer, ASK(ACME "/sites/nyc"), "{\"permissions\":[\"sites.get\"]");
    may(&viewer, ASK("organizations/none"), "{\"principal\"");
    may(&viewer, ASK(""), "{\"principal\"");
    may(&narrow, ASK(ACME "/sites/nyc"), "{\"principal\"");
    /* A condition on labels is judged by the resource that is named. */
    OK(cluster, 0, "RoleBindingService/CreateRoleBinding",
       "{\"parent\": \"" ACME "\", \"roleBindingId\": \"gold\", \"roleBinding\": {\"role\": \"roles/operator\", "
       "\"members\": [\"" CI "\"], \"condition\": {\"labels\": {\"tier\": \"gold\"}}}}");
    OK(cluster, 0, "SiteService/CreateSite",
       "{\"parent\": \"" ACME "\", \"siteId\": \"lon\", \"site\": {\"labels\": {\"tier\": \"gold\"}}}");
    may(&viewer, ASK(ACME "/sites/nyc"), "{\"permissions\":[\"sites.get\"],");
    may(&viewer, ASK(ACME "/sites/lon"), "{\"permissions\":[\"sites.get\",\"sites.update\"],");
    ck_assert_int_eq(call_as(cluster, &viewer, "SiteService/UpdateSite",
                             "{\"site\": {\"name\": \"" ACME "/sites/lon\", \"region\": \"eu\"}}"),
                     PT_OK);
    pt_rpc_channel_free(viewer.channel);
    pt_rpc_channel_free(narrow.channel);
}
END_TEST

/* ---- keys ----------------------------------------------------------------------------------------------------- */

#define GET_NYC "SiteService/GetSite", "{\"name\": \"" ACME "/sites/nyc\"}"

START_TEST(a_key_reaches_as_far_as_it_says)
{
    struct cluster *cluster = &the;
    struct program plain, here, elsewhere, brief;
    char more[100], end[32];
    account_with(cluster, ACME, "ci", "viewer", &plain);
    issue_key(cluster, CI, "here", "\"sourcePrefixes\": [\"10.0.0.0/24\"]", &here);
    issue_key(cluster, CI, "elsewhere", "\"sourcePrefixes\": [\"192.0.2.0/24\", \"2001:db8::/32\"]", &elsewhere);
    (void)snprintf(more, sizeof(more), "\"expireTime\": \"%s\"", in_seconds(cluster, 30, end));
    issue_key(cluster, CI, "brief", more, &brief);
    ck_assert_int_eq(call_as(cluster, &plain, GET_NYC), PT_OK);
    ck_assert_int_eq(call_as(cluster, &here, GET_NYC), PT_OK);
    ck_assert_int_eq(call_as(cluster, &elsewhere, GET_NYC), PT_UNAUTHENTICATED);
    ck_assert_int_eq(call_as(cluster, &brief, GET_NYC), PT_OK);
    run_for_ms(cluster, 31000);
    ck_assert_int_eq(call_as(cluster, &brief, GET_NYC), PT_UNAUTHENTICATED);
    ck_assert_int_eq(call_as(cluster, &plain, GET_NYC), PT_OK);
    pt_rpc_channel_free(plain.channel);
    pt_rpc_channel_free(here.channel);
    pt_rpc_channel_free(elsewhere.channel);
    pt_rpc_channel_free(brief.channel);
}
END_TEST

/* ---- what ends under an open stream --------------------------------------------------------------------------- */

static void make_site(const char *id)
{
    struct cluster *cluster = &the;
    OK(cluster, 0, "SiteService/CreateSite", "{\"parent\": \"" ACME "\", \"siteId\": \"%s\", \"site\": {}}", id);
}

START_TEST(a_stream_ends_with_what_it_stood_on)
{
    static const struct {
        const char *method, *request;
        enum pt_code code;
    } rows[] = {
        {"RoleBindingService/DeleteRoleBinding", "{\"name\": \"" ACME "/roleBindings/ci\"}", PT_PERMISSION_DENIED},
        {"RoleBindingService/UpdateRoleBinding",
         "{\"roleBinding\": {\"name\": \"" ACME "/roleBindings/ci\", \"condition\": {\"sourcePrefixes\": "
         "[\"192.0.2.0/24\"]}}}",
         PT_PERMISSION_DENIED},
        {"ApiKeyService/DeleteApiKey", "{\"name\": \"" CI "/apiKeys/k\"}", PT_UNAUTHENTICATED},
        {"ApiKeyService/UpdateApiKey", "{\"apiKey\": {\"name\": \"" CI "/apiKeys/k\", \"disabled\": true}}",
         PT_UNAUTHENTICATED},
        {"ServiceAccountService/UpdateServiceAccount",
         "{\"serviceAccount\": {\"name\": \"" CI "\", \"disabled\": true}}", PT_UNAUTHENTICATED},
        {"DeniedIdentityService/CreateDeniedIdentity",
         "{\"deniedIdentityId\": \"d\", \"deniedIdentity\": {\"identity\": \"" CI "\"}}", PT_UNAUTHENTICATED},
    };
    struct cluster *cluster = &the;
    struct program program;
    struct stream stream;
    account_with(cluster, ACME, "ci", "viewer", &program);
    pt_rpc_channel_free(program.channel);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char id[16];
        OK(cluster, 0, "ServiceAccountService/DeleteServiceAccount", "{\"name\": \"" CI "\", \"force\": true}");
        OK(cluster, 0, "RoleBindingService/UpdateRoleBinding",
           "{\"roleBinding\": {\"name\": \"" ACME "/roleBindings/ci\", \"role\": \"roles/viewer\", \"members\": [\"" CI
           "\"]}, \"updateMask\": \"*\", \"allowMissing\": true}");
        OK(cluster, 0, "ServiceAccountService/CreateServiceAccount",
           "{\"parent\": \"" ACME "\", \"serviceAccountId\": \"ci\"}");
        issue_key(cluster, CI, "k", "", &program);
        open_watch(cluster, &program, ACME, &stream);
        (void)snprintf(id, sizeof(id), "before%zu", i);
        make_site(id);
        STEP_UNTIL(cluster, stream.messages == 1);
        ck_assert(!stream.ended);
        OK(cluster, 0, rows[i].method, "%s", rows[i].request);
        (void)snprintf(id, sizeof(id), "after%zu", i);
        make_site(id);
        run_for_ms(cluster, 1000);
        ck_assert_msg(stream.ended, "%s: the stream goes on", rows[i].method);
        ck_assert_str_eq(pt_code_name(stream.error.code), pt_code_name(rows[i].code));
        ck_assert_uint_le(stream.messages, 2); /* what took the right away may be an event itself; nothing after it */
        pt_rpc_channel_free(program.channel);
    }
}
END_TEST

/* Nobody does anything: the key's time is over. */
START_TEST(a_stream_ends_with_the_time_of_its_key)
{
    struct cluster *cluster = &the;
    struct program program, brief;
    struct stream stream;
    char more[100], end[32];
    account_with(cluster, ACME, "ci", "viewer", &program);
    (void)snprintf(more, sizeof(more), "\"expireTime\": \"%s\"", in_seconds(cluster, 10, end));
    issue_key(cluster, CI, "brief", more, &brief);
    open_watch(cluster, &brief, ACME, &stream);
    run_for_ms(cluster, 5000);
    ck_assert(!stream.ended);
    run_for_ms(cluster, 7000);
    ck_assert(stream.ended);
    ck_assert_int_eq(stream.error.code, PT_UNAUTHENTICATED);
    pt_rpc_channel_free(program.channel);
    pt_rpc_channel_free(brief.channel);
}
END_TEST

/* ---- refusals are on record ----------------------------------------------------------------------------------- */

static void audit_has(const char *text)
{
    struct cluster *cluster = &the;
    OK(cluster, 0, "AuditService/QueryAudit", "{\"pageSize\": 10000}");
    ANSWER_HAS(text);
}

START_TEST(whoever_is_refused_is_on_record)
{
    struct cluster *cluster = &the;
    struct program viewer, keeper, guess = {.header = "Bearer ptk1_guessed"};
    account_with(cluster, ACME, "ci", "viewer", &viewer);
    account_with(cluster, ACME, "boss", "admin", &keeper);
    /* Whom a role lets issue keys, but not be somebody else. */
    OK(cluster, 0, "RoleService/CreateRole",
       "{\"parent\": \"" ACME "\", \"roleId\": \"keys\", \"role\": {\"permissions\": [\"apiKeys.issue\", "
       "\"apiKeys.create\"]}}");
    OK(cluster, 0, "RoleBindingService/CreateRoleBinding",
       "{\"parent\": \"" ACME "\", \"roleBindingId\": \"keys\", \"roleBinding\": {\"role\": \"" ACME
       "/roles/keys\", \"members\": [\"" CI "\"]}}");
    guess.channel = open_channel(cluster, 0, 7400, NULL, NULL);
    /* A known caller has his answer when the record is there. */
    ck_assert_int_eq(call_as(cluster, &viewer, "SiteService/DeleteSite", "{\"name\": \"" ACME "/sites/nyc\"}"),
                     PT_PERMISSION_DENIED);
    audit_has("\"principal\":\"" CI "\",\"apiKey\":\"" CI
              "/apiKeys/k\",\"source\":\"10.0.0.4\",\"method\":\"DeleteSite\","
              "\"resources\":[\"" ACME "/sites/nyc\"],\"resourcesLen\":1,\"code\":\"PERMISSION_DENIED\"");
    /* What does not exist for him is a refusal too. */
    ck_assert_int_eq(call_as(cluster, &viewer, "SiteService/GetSite", "{\"name\": \"organizations/rival/sites/x\"}"),
                     PT_NOT_FOUND);
    audit_has("\"method\":\"GetSite\",\"resources\":[\"organizations/rival/sites/x\"],\"resourcesLen\":1,\"code\":"
              "\"NOT_FOUND\"");
    ck_assert_int_eq(call_as(cluster, &viewer, "ApiKeyService/IssueApiKey",
                             "{\"parent\": \"" ACME "/serviceAccounts/boss\", \"apiKeyId\": \"mine\", \"apiKey\": {}}"),
                     PT_PERMISSION_DENIED);
    ck_assert_int_eq(cluster->answer.error.reason, PT_REASON_GRANT_NOT_HELD);
    audit_has("\"method\":\"IssueApiKey\",\"resources\":[\"" ACME
              "/serviceAccounts/boss\"],\"resourcesLen\":1,\"code\":\"PERMISSION_DENIED\"");
    /* Nobody, and somebody with a wrong key: counted, and recorded soon. */
    for (unsigned i = 0; i < 5; i++) {
        ck_assert_int_eq(call_as(cluster, &guess, GET_NYC), PT_UNAUTHENTICATED);
    }
    run_for_ms(cluster, 1000);
    audit_has("\"principal\":\"anonymous\"");
    audit_has("\"code\":\"UNAUTHENTICATED\"");
    pt_rpc_channel_free(viewer.channel);
    pt_rpc_channel_free(keeper.channel);
    pt_rpc_channel_free(guess.channel);
}
END_TEST

static void on_refused(void *arg, const struct pt_error *error, struct pt_bytes message)
{
    unsigned *refused = arg;
    (void)message;
    *refused += error != NULL && error->code == PT_NOT_FOUND;
}

/* Who is refused in a hundred ways at once makes numbers grow, and not the log. */
START_TEST(an_attacker_makes_numbers_grow_and_not_the_log)
{
    enum { WAYS = 100 };
    struct cluster *cluster = &the;
    struct program program;
    unsigned refused = 0;
    account_with(cluster, ACME, "ci", "viewer", &program);
    OK(cluster, 0, "AuditService/QueryAudit", "{\"pageSize\": 10000}");
    const char *head = strstr(cluster->answer.json, "\"headSequence\":\"");
    ck_assert_ptr_nonnull(head);
    unsigned long before = strtoul(head + 16, NULL, 10);
    const struct pt_rpc_metadata metadata = {.key = "authorization", .value = program.header};
    const char *method = "/patronus.v1.SiteService/GetSite";
    for (unsigned i = 0; i < WAYS; i++) {
        PT_AUTO(buf) struct pt_buf request = {0};
        char json[100];
        (void)snprintf(json, sizeof(json), "{\"name\": \"organizations/o%u/sites/x\"}", i);
        encode_json(cluster, pt_schema_method(cluster->schema, method)->input, json, &request);
        (void)pt_rpc_unary(program.channel, method, pt_buf_bytes(&request), &metadata, 1, 0, on_refused, &refused);
    }
    STEP_UNTIL(cluster, refused == WAYS);
    run_for_ms(cluster, 1000);
    OK(cluster, 0, "AuditService/QueryAudit", "{\"pageSize\": 10000}");
    unsigned long records = 0, counted = 0;
    for (const char *at = cluster->answer.json; (at = strstr(at, "{\"sequence\":\"")) != NULL; at++) {
        const char *end = strstr(at, "\"hash\":");
        const char *code = strstr(at, "\"code\":\"NOT_FOUND\"");
        if (strtoul(at + 13, NULL, 10) > before && code != NULL && code < end) {
            const char *count = strstr(at, "\"count\":\"");
            ck_assert(count != NULL && count < end);
            counted += strtoul(count + 9, NULL, 10);
            records++;
        }
    }
    ck_assert_uint_eq(counted, WAYS); /* each of them */
    ck_assert_uint_le(records, 2 * 17);
    pt_rpc_channel_free(program.channel);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("serve access");
    TCase *tcase = tcase_create("access");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, a_caller_asks_what_he_may);
    tcase_add_test(tcase, a_key_reaches_as_far_as_it_says);
    tcase_add_test(tcase, a_stream_ends_with_what_it_stood_on);
    tcase_add_test(tcase, a_stream_ends_with_the_time_of_its_key);
    tcase_add_test(tcase, whoever_is_refused_is_on_record);
    tcase_add_test(tcase, an_attacker_makes_numbers_grow_and_not_the_log);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
