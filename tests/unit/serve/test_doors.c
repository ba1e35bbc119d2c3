/*
 * The access matrix' third axis: by which listener a call comes. Every method of the schema x listener x credential,
 * against what the same table (tests/unit/kind/matrix.def) and three sentences say:
 *
 *   the agent listener serves nodes' streams and nothing else; a node has that and nothing on the other listener
 *   without a credential only Enroll and Renew answer; with a wrong one nothing does
 *   a certificate alone gives no right: a user to whom nothing is bound may call what everybody may
 *
 * The HTTP listener's rows are asked in tests/e2e/http.sh; the peer listener speaks no RPC (tests/unit/raft).
 */
#include "fixture.h"

#include "serve/controller_priv.h"

static const struct row {
    const char *method, *roles;
    char scope;
} rows[] = {
#define ROW(method, roles, scope) {method, roles, scope},
#include "../kind/matrix.def"
#undef ROW
};

enum credential { NOBODY, USER, NODE, CONTROLLER, ADMIN, GUESSED_KEY, FORGED_JWT, ADMIN_AND_KEY, CREDENTIALS };
static const char *const credentials[CREDENTIALS] = {"nobody",   "a user",        "a node",         "a controller",
                                                     "an admin", "a guessed key", "a forged token", "two credentials"};
static const unsigned doors[] = {7400, 7402};

static struct cluster the;

static void sign(const char *role_path, struct enrolled *leaf)
{
    PT_AUTO(buf) struct pt_buf csr = {0};
    char id[PT_SPIFFE_SIZE_MAX];
    (void)snprintf(id, sizeof(id), "spiffe://%.63s/%s", the.nodes[0].files.cluster_id, role_path);
    ck_assert_int_eq(pt_key_new(&leaf->key_pem, NULL), PT_OK);
    ck_assert_int_eq(pt_csr_new(pem(&leaf->key_pem), &csr, NULL), PT_OK);
    struct pt_error error = {0};
    enum pt_code code =
        pt_serve_sign(the.nodes[0].controller, id, pt_buf_bytes(&csr), NULL, 0, 0, &leaf->cert_pem, &error);
    ck_assert_msg(code == PT_OK, "%s", error.text);
}

/* "Bearer ..." of an account to which nothing is bound. */
static const char *issue_key(char bearer[256])
{
    struct cluster *cluster = &the;
    OK(cluster, 0, "ServiceAccountService/CreateServiceAccount",
       "{\"parent\": \"organizations/acme\", \"serviceAccountId\": \"eve\", \"serviceAccount\": {}}");
    OK(cluster, 0, "ApiKeyService/IssueApiKey",
       "{\"parent\": \"organizations/acme/serviceAccounts/eve\", \"apiKeyId\": \"k\"}");
    const char *field = strstr(the.answer.json, "\"key\":"); /* the resource holds a hint that looks alike */
    ck_assert_ptr_nonnull(field);
    const char *key = strstr(field, PT_SERVE_KEY_PREFIX);
    ck_assert_ptr_nonnull(key);
    (void)snprintf(bearer, 256, "Bearer %.*s", (int)strcspn(key, "\""), key);
    return bearer;
}

static bool expected(const struct row *row, unsigned door, enum credential credential)
{
    bool stream = strcmp(row->method, "/patronus.v1.EdgeSync/Stream") == 0;
    if (door == 7402 || stream) {
        return door == 7402 && stream && credential == NODE;
    }
    if (credential == GUESSED_KEY || credential == FORGED_JWT || credential == ADMIN_AND_KEY) {
        return false;
    }
    if (row->scope == 'X') {
        return true; /* they prove themselves by what they carry */
    }
    if (strcmp(row->method, "/patronus.v1.ArtifactService/ReportArtifacts") == 0 ||
        strcmp(row->method, "/patronus.v1.AuthorityService/ReportTrust") == 0) {
        return credential == CONTROLLER; /* voters tell each other what they hold, and whom they trust */
    }
    return credential == ADMIN || credential == CONTROLLER || (credential == USER && row->scope == 'A');
}

/* An empty request of an admin fails for want of fields, and of others for want of a right, or of something visible. */
static bool allowed(enum pt_code code, const struct row *row, enum credential credential)
{
    if (credential == USER && row->scope != 'X' && row->scope != 'A') {
        return code == PT_OK;
    }
    if (row->scope == 'X') { /* past the door they refuse what they carry, in words of their own */
        const char *text = the.answer.error.text;
        return strstr(text, "join token") != NULL || strstr(text, "in the PEM text") != NULL ||
               strstr(text, "does not know this node") != NULL;
    }
    return code != PT_UNAUTHENTICATED && code != PT_PERMISSION_DENIED &&
           strstr(the.answer.error.text, "handshake") == NULL;
}

static struct pt_rpc_channel *channel_of(unsigned door, enum credential credential, const struct enrolled *node)
{
    const struct pt_node_files *files = &the.nodes[0].files;
    switch (credential) {
    case NODE:
        return open_channel(&the, 0, door, pem(&node->cert_pem), pem(&node->key_pem));
    case CONTROLLER:
        return open_channel(&the, 0, door, pem(&files->cert_pem), pem(&files->key_pem));
    case ADMIN:
    case ADMIN_AND_KEY:
        return open_channel(&the, 0, door, pem(&the.admin_pem), pem(&the.admin_pem));
    default:
        return open_channel(&the, 0, door, NULL, NULL);
    }
}

START_TEST(every_method_by_every_door_with_every_credential)
{
    static const struct pt_rpc_metadata key = {"authorization", "Bearer ptk1_guessed"};
    static const struct pt_rpc_metadata jwt = {"authorization", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb290In0."};
    struct pt_rpc_metadata user = {"authorization", NULL};
    struct enrolled node = {0};
    size_t cases = 0, allows = 0, denies = 0;
    cluster_init(&the);
    char bearer[256];
    user.value = issue_key(bearer);
    sign("edge/organizations/acme/sites/a/edges/a", &node);
    for (size_t d = 0; d < 2; d++) {
        for (unsigned credential = 0; credential < CREDENTIALS; credential++) {
            struct pt_rpc_channel *channel = channel_of(doors[d], credential, &node);
            const struct pt_rpc_metadata *metadata = credential == USER                                         ? &user
                                                     : credential == GUESSED_KEY || credential == ADMIN_AND_KEY ? &key
                                                     : credential == FORGED_JWT                                 ? &jwt
                                                                                                                : NULL;
            for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                ck_assert_msg(pt_schema_method(the.schema, rows[i].method) != NULL, "%s", rows[i].method);
                enum pt_code code = call_raw(&the, channel, rows[i].method, (struct pt_bytes){0}, metadata);
                bool wanted = expected(&rows[i], doors[d], credential);
                bool got = allowed(code, &rows[i], credential);
                cases++;
                allows += got && !wanted;
                denies += !got && wanted;
                if (got != wanted && allows + denies < 20) {
                    printf("%s at port %u by %s: %s (%s)\n", rows[i].method, doors[d], credentials[credential],
                           pt_code_name(code), the.answer.error.text);
                }
            }
            pt_rpc_channel_free(channel);
        }
    }
    printf("figure matrix_listener_cases %zu goal >=1500 %s\n", cases, cases >= 1500 ? "met" : "short");
    printf("figure matrix_listener_allows %zu goal 0 %s\n", allows, allows == 0 ? "met" : "short");
    ck_assert_uint_eq(allows, 0);
    ck_assert_uint_eq(denies, 0);
    ck_assert_uint_ge(cases, 1500);
    enrolled_fini(&node);
    cluster_fini(&the);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("serve/doors");
    TCase *tests = tcase_create("doors");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, every_method_by_every_door_with_every_credential);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
