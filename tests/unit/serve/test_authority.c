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

/* ---- certificates of people ------------------------------------------------------------------------------------- */

struct wish {
    const char *id, *role;
    int64_t lifetime_s; /* 0: not said */
};

/* A certificate for a key of the person's own, asked for by whoever has the channel. */
static enum pt_code issue(struct cluster *cluster, struct pt_rpc_channel *channel, const struct wish *wish,
                          struct enrolled *ret_person)
{
    Patronus__V1__IssueCredentialRequest request = PATRONUS__V1__ISSUE_CREDENTIAL_REQUEST__INIT;
    Google__Protobuf__Duration lifetime = GOOGLE__PROTOBUF__DURATION__INIT;
    PT_AUTO(buf) struct pt_buf csr = {0};
    PT_AUTO(buf) struct pt_buf data = {0};
    if (ret_person->key_pem.data == NULL) {
        ck_assert_int_eq(pt_key_new(&ret_person->key_pem, NULL), PT_OK);
    }
    ck_assert_int_eq(pt_csr_new(pem(&ret_person->key_pem), &csr, NULL), PT_OK);
    lifetime.seconds = wish->lifetime_s;
    request.id = (char *)(uintptr_t)wish->id;
    request.role = (char *)(uintptr_t)wish->role;
    request.csr = (ProtobufCBinaryData){.len = csr.size, .data = csr.data};
    request.lifetime = wish->lifetime_s != 0 ? &lifetime : NULL;
    size_t size = patronus__v1__issue_credential_request__get_packed_size(&request);
    data.size = patronus__v1__issue_credential_request__pack(&request, pt_buf_reserve(&data, size));
    static const char method[] = "/patronus.v1.AuthorityService/IssueCredential";
    enum pt_code code = call_raw(cluster, channel, method, pt_buf_bytes(&data), NULL);
    if (code == PT_OK) {
        const struct pt_buf *answer = &cluster->answer.message;
        Patronus__V1__IssueCredentialResponse *response =
            patronus__v1__issue_credential_response__unpack(NULL, answer->size, answer->data);
        ck_assert_ptr_nonnull(response);
        pt_buf_reset(&ret_person->cert_pem);
        pt_buf_append_str(&ret_person->cert_pem, response->certificate_pem);
        (void)snprintf(ret_person->spiffe_id, sizeof(ret_person->spiffe_id), "%s", response->spiffe_id);
        patronus__v1__issue_credential_response__free_unpacked(response, NULL);
    }
    return code;
}

#define SITES "/patronus.v1.SiteService/ListSites", "{\"parent\": \"organizations/acme\"}"

/* A certificate alone is worth nothing, with a binding what that says, and nothing again when the identity is denied.
 */
START_TEST(a_persons_certificate_is_worth_what_is_bound_to_it)
{
    struct cluster world, *cluster = &world;
    struct enrolled ann = {0};
    struct pt_leaf_info info;
    cluster_init(cluster);
    const struct wish wish = {.id = "ann", .role = "", .lifetime_s = 7200};
    int64_t now = pt_sys_wall_ns(host_sys(cluster, 0));
    enum pt_code code = issue(cluster, cluster->nodes[0].admin, &wish, &ann);
    ck_assert_msg(code == PT_OK, "%s %s", cluster->answer.error.field, cluster->answer.error.text);
    ck_assert_int_eq(pt_leaf_read(pem(&ann.cert_pem), pem(&cluster->nodes[0].files.ca_pem), now, false, &info, NULL),
                     PT_OK);
    ck_assert_str_eq(info.identity.role, "user");
    ck_assert_str_eq(info.identity.path, "ann");
    ck_assert_str_eq(info.identity.spiffe_id, ann.spiffe_id);
    ck_assert_int_le(info.not_after_ns - now, 7201 * (int64_t)SECOND);
    ck_assert_int_gt(info.not_after_ns - now, 7190 * (int64_t)SECOND);
    OK(cluster, 0, "AuditService/QueryAudit", "{\"pageSize\": 10000}");
    ANSWER_HAS("\"method\":\"IssueCredential\",\"resources\":[\"");
    ANSWER_HAS(ann.spiffe_id);
    struct pt_rpc_channel *channel = open_channel(cluster, 0, 7400, pem(&ann.cert_pem), pem(&ann.key_pem));
    ck_assert_int_eq(call_by(cluster, channel, SITES), PT_NOT_FOUND); /* as if there were no such organization */
    OK(cluster, 0, "RoleBindingService/CreateRoleBinding",
       "{\"parent\": \"organizations/acme\", \"roleBindingId\": \"ann\", \"roleBinding\": {\"role\": "
       "\"roles/viewer\", \"members\": [\"%s\"]}}",
       ann.spiffe_id);
    ck_assert_int_eq(call_by(cluster, channel, SITES), PT_OK);
    static const char create[] = "{\"parent\": \"organizations/acme\", \"siteId\": \"x\", \"site\": {}}";
    ck_assert_int_eq(call_by(cluster, channel, "/patronus.v1.SiteService/CreateSite", create), PT_PERMISSION_DENIED);
    struct enrolled more = {0};
    ck_assert_int_eq(issue(cluster, channel, &wish, &more), PT_PERMISSION_DENIED);
    struct pt_rpc_channel *nodes = open_channel(cluster, 0, 7402, pem(&ann.cert_pem), pem(&ann.key_pem));
    ck_assert_int_eq(call_by(cluster, nodes, SITES), PT_PERMISSION_DENIED); /* where nodes come in */
    OK(cluster, 0, "DeniedIdentityService/CreateDeniedIdentity",
       "{\"deniedIdentityId\": \"ann\", \"deniedIdentity\": {\"identity\": \"%s\"}}", ann.spiffe_id);
    ck_assert_int_eq(call_by(cluster, channel, SITES), PT_UNAUTHENTICATED);
    pt_rpc_channel_free(channel);
    pt_rpc_channel_free(nodes);
    enrolled_fini(&ann);
    enrolled_fini(&more);
    cluster_fini(cluster);
}
END_TEST

/* Who may everything by a binding makes users, but no admin; and who may it from one place only makes nobody who may
 * more. */
START_TEST(nobody_makes_a_certificate_above_himself)
{
    struct cluster world, *cluster = &world;
    struct enrolled boss = {0}, made = {0};
    cluster_init(cluster);
    const struct wish wish = {.id = "boss", .role = "user"}, admin = {.id = "eve", .role = "admin"};
    struct pt_rpc_channel *root = cluster->nodes[0].admin;
    ck_assert_int_eq(issue(cluster, root, &wish, &boss), PT_OK);
    OK(cluster, 0, "ClusterRoleBindingService/CreateClusterRoleBinding",
       "{\"clusterRoleBindingId\": \"boss\", \"clusterRoleBinding\": {\"role\": \"roles/admin\", \"members\": "
       "[\"%s\"]}}",
       boss.spiffe_id);
    struct pt_rpc_channel *channel = open_channel(cluster, 0, 7400, pem(&boss.cert_pem), pem(&boss.key_pem));
    const struct wish bob = {.id = "bob", .role = "user"};
    enum pt_code code = issue(cluster, channel, &bob, &made);
    ck_assert_msg(code == PT_OK, "%s", cluster->answer.error.text);
    ck_assert_int_eq(issue(cluster, channel, &admin, &made), PT_PERMISSION_DENIED);
    ck_assert_str_eq(pt_reason_name(cluster->answer.error.reason), "GRANT_NOT_HELD");
    OK(cluster, 0, "RoleBindingService/CreateRoleBinding",
       "{\"parent\": \"organizations/acme\", \"roleBindingId\": \"bob\", \"roleBinding\": {\"role\": "
       "\"roles/viewer\", \"members\": [\"%s\"]}}",
       made.spiffe_id);
    ck_assert_int_eq(issue(cluster, channel, &bob, &made), PT_OK);
    OK(cluster, 0, "ClusterRoleBindingService/UpdateClusterRoleBinding",
       "{\"clusterRoleBinding\": {\"name\": \"clusterRoleBindings/boss\", \"condition\": {\"sourcePrefixes\": "
       "[\"10.0.0.0/8\"]}}}");
    ck_assert_int_eq(issue(cluster, channel, &bob, &made), PT_PERMISSION_DENIED);
    ck_assert_str_eq(pt_reason_name(cluster->answer.error.reason), "GRANT_NOT_HELD");
    ck_assert_int_eq(issue(cluster, root, &admin, &made), PT_OK);
    ck_assert_ptr_nonnull(strstr(made.spiffe_id, "/admin/eve"));
    pt_rpc_channel_free(channel);
    enrolled_fini(&boss);
    enrolled_fini(&made);
    cluster_fini(cluster);
}
END_TEST

START_TEST(a_certificate_that_makes_no_sense_is_not_signed)
{
    static const struct {
        struct wish wish;
        const char *field;
    } rows[] = {
        {{.id = "", .role = "user"}, "id"},
        {{.id = "Ann", .role = "user"}, "id"},
        {{.id = "a/../../admin/root", .role = "user"}, "id"},
        {{.id = "ann", .role = "edge"}, "role"},
        {{.id = "c1", .role = "controller"}, "role"},
        {{.id = "ann", .role = "user", .lifetime_s = 3599}, "lifetime"},
        {{.id = "ann", .role = "user", .lifetime_s = 367 * 86400}, "lifetime"},
        {{.id = "ann", .role = "user", .lifetime_s = -1}, "lifetime"},
    };
    struct cluster world, *cluster = &world;
    struct enrolled person = {0};
    cluster_init(cluster);
    struct pt_digest before = state_digest(cluster, 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_assert_int_eq(issue(cluster, cluster->nodes[0].admin, &rows[i].wish, &person), PT_INVALID_ARGUMENT);
        ck_assert_str_eq(cluster->answer.error.field, rows[i].field);
    }
    static const char request[] = "{\"id\": \"ann\", \"csr\": \"AAAA\"}";
    REFUSED(PT_INVALID_ARGUMENT, cluster, 0, "AuthorityService/IssueCredential", request);
    struct pt_digest after = state_digest(cluster, 0);
    ck_assert(pt_digest_equal(&before, &after));
    enrolled_fini(&person);
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
    tcase_add_test(tcase, a_persons_certificate_is_worth_what_is_bound_to_it);
    tcase_add_test(tcase, nobody_makes_a_certificate_above_himself);
    tcase_add_test(tcase, a_certificate_that_makes_no_sense_is_not_signed);
    tcase_add_test(tcase, a_certificate_that_is_not_renewed_is_warned_of);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return run_suite(make_suite());
}
