/*
 * Keys of identity providers as a controller keeps them: fetched ahead of any token, kept while the provider is away,
 * asked for anew when it has others. The provider is played: its documents go by the port that libcurl serves in life.
 * What makes a token believed is in test_jwt.c; a real provider is in tests/clients/oidc.sh.
 */
#include "enrolled_edge.h"
#include "program.h"

#include "crypto/crypto.h"
#include "serve/controller_priv.h"

#define ISSUER "https://id.example"
#define ACME "organizations/acme"
#define RIVAL "organizations/rival"
#define MINUTE_MS 60000ULL
#define HOUR_MS (60 * MINUTE_MS)

struct issuer {
    uint8_t seed[PT_SIGN_PRIVATE_SIZE];
    char kid[8];
    bool away;
    unsigned asked; /* for its discovery document */
    unsigned keys;  /* for its keys */
};

static struct cluster the;
static struct issuer issuer;

static enum pt_code on_fetch(void *context, const char *url, struct pt_buf *ret_body, struct pt_error *reterr)
{
    struct issuer *is = context;
    bool discovery = strcmp(url, ISSUER "/.well-known/openid-configuration") == 0;
    ck_assert_msg(discovery || strcmp(url, ISSUER "/keys") == 0, "%s", url);
    is->asked += discovery;
    is->keys += !discovery;
    if (is->away) {
        return pt_fail(reterr, PT_UNAVAILABLE, PT_REASON_NONE, NULL, "nobody there");
    }
    if (discovery) {
        pt_buf_append_str(ret_body, "{\"issuer\":\"" ISSUER "\",\"jwks_uri\":\"" ISSUER "/keys\"}");
        return PT_OK;
    }
    uint8_t public[PT_SIGN_PUBLIC_SIZE];
    pt_sign_keypair(is->seed, public);
    pt_buf_printf(ret_body, "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"%s\",\"x\":\"", is->kid);
    pt_base64url_encode((struct pt_bytes){public, sizeof(public)}, ret_body);
    pt_buf_append_str(ret_body, "\"}]}");
    return PT_OK;
}

static void renew_keys(const char *kid)
{
    pt_sys_random(host_sys(&the, CLIENT), issuer.seed, sizeof(issuer.seed));
    (void)snprintf(issuer.kid, sizeof(issuer.kid), "%s", kid);
}

static void make_provider(const char *organization)
{
    struct cluster *cluster = &the;
    OK(cluster, 0, "IdentityProviderService/CreateIdentityProvider",
       "{\"parent\": \"%s\", \"identityProviderId\": \"idp\", \"identityProvider\": {\"issuer\": \"" ISSUER
       "\", \"audiences\": [\"patronus\"]}}",
       organization);
    OK(cluster, 0, "RoleBindingService/CreateRoleBinding",
       "{\"parent\": \"%s\", \"roleBindingId\": \"ann\", \"roleBinding\": {\"role\": \"roles/viewer\", \"members\": "
       "[\"%s/identityProviders/idp/users/ann\"]}}",
       organization, organization);
}

static void setup(void)
{
    struct cluster *cluster = &the;
    cluster_init(cluster);
    node_close(cluster, 0);
    issuer = (struct issuer){.away = false};
    cluster->fetch = on_fetch;
    cluster->fetch_context = &issuer;
    node_open(cluster, 0);
    STEP_UNTIL(cluster, leader_of(cluster) == 0);
    renew_keys("k1");
    OK(cluster, 0, "SiteService/CreateSite", "{\"parent\": \"" ACME "\", \"siteId\": \"nyc\", \"site\": {}}");
    make_provider(ACME);
}

static void teardown(void)
{
    cluster_fini(&the);
}

/* ann's token, signed by the issuer as it is now, good for so long. */
static void token_for(const char *kid, int64_t seconds, struct program *program)
{
    PT_AUTO(buf) struct pt_buf text = {0};
    char head[80], claims[200];
    uint8_t signature[PT_SIGNATURE_SIZE];
    long long end = (long long)(pt_sys_wall_ns(host_sys(&the, 0)) / (int64_t)SECOND + seconds);
    int head_size = snprintf(head, sizeof(head), "{\"alg\":\"EdDSA\",\"kid\":\"%s\"}", kid);
    int claims_size = snprintf(claims, sizeof(claims),
                               "{\"iss\":\"" ISSUER "\",\"aud\":\"patronus\",\"sub\":\"ann\",\"exp\":%lld}", end);
    pt_base64url_encode((struct pt_bytes){(uint8_t *)head, (size_t)head_size}, &text);
    pt_buf_append_u8(&text, '.');
    pt_base64url_encode((struct pt_bytes){(uint8_t *)claims, (size_t)claims_size}, &text);
    pt_sign(issuer.seed, text.data, text.size, signature);
    pt_buf_append_u8(&text, '.');
    pt_base64url_encode((struct pt_bytes){signature, sizeof(signature)}, &text);
    (void)snprintf(program->header, sizeof(program->header), "Bearer %.*s", (int)text.size, (const char *)text.data);
}

static enum pt_code get_site(const struct program *program)
{
    return call_as(&the, program, "SiteService/GetSite", "{\"name\": \"" ACME "/sites/nyc\"}");
}

/* ---- fetching ------------------------------------------------------------------------------------------------- */

START_TEST(keys_are_there_before_any_token_and_none_fetches_them)
{
    struct cluster *cluster = &the;
    struct program ann = {.channel = open_channel(cluster, 0, 7400, NULL, NULL)};
    STEP_UNTIL(cluster, issuer.keys == 1);
    run_for_ms(cluster, 1000);
    token_for("k1", 3000, &ann);
    for (unsigned i = 0; i < 100; i++) {
        ck_assert_msg(get_site(&ann) == PT_OK, "%s", cluster->answer.error.text);
    }
    ck_assert_uint_eq(issuer.asked, 1);
    run_for_ms(cluster, 9 * MINUTE_MS);
    ck_assert_uint_eq(issuer.asked, 1);
    run_for_ms(cluster, 2 * MINUTE_MS); /* each ten minutes */
    ck_assert_uint_eq(issuer.asked, 2);
    /* Tokens of keys that nobody has bring the next fetch nearer, and however many there are, not one each. */
    token_for("k9", 3000, &ann);
    for (unsigned i = 0; i < 300; i++) {
        ck_assert_int_eq(get_site(&ann), PT_UNAUTHENTICATED);
        run_for_ms(cluster, 100);
    }
    ck_assert_uint_ge(issuer.asked, 3);
    ck_assert_uint_le(issuer.asked, 2 + 4); /* in half a minute */
    pt_rpc_channel_free(ann.channel);
}
END_TEST

START_TEST(another_key_is_known_soon_after_its_first_token)
{
    struct cluster *cluster = &the;
    struct program ann = {.channel = open_channel(cluster, 0, 7400, NULL, NULL)}, old = ann;
    STEP_UNTIL(cluster, issuer.keys == 1);
    run_for_ms(cluster, MINUTE_MS);
    token_for("k1", 3000, &old);
    ck_assert_int_eq(get_site(&old), PT_OK);
    renew_keys("k2");
    token_for("k2", 3000, &ann);
    ck_assert_int_eq(get_site(&ann), PT_UNAUTHENTICATED); /* and the keys are asked for */
    run_for_ms(cluster, 1000);
    ck_assert_msg(get_site(&ann) == PT_OK, "%s", cluster->answer.error.text);
    ck_assert_int_eq(get_site(&old), PT_UNAUTHENTICATED); /* its key was taken back */
    pt_rpc_channel_free(ann.channel);
}
END_TEST

START_TEST(keys_outlive_their_provider_for_a_day)
{
    struct cluster *cluster = &the;
    struct program ann = {.channel = NULL};
    STEP_UNTIL(cluster, issuer.keys == 1);
    issuer.away = true;
    issuer.asked = 0;
    for (unsigned hour = 1; hour <= 25; hour++) {
        run_for_ms(cluster, HOUR_MS);
        if (hour == 1) { /* two seconds, four, eight ..., and from then on each ten minutes */
            ck_assert_uint_ge(issuer.asked, 8);
            ck_assert_uint_le(issuer.asked, 16);
        }
        set_own_leaf(cluster);
        pt_rpc_channel_free(ann.channel);
        ann.channel = open_channel(cluster, 0, 7400, NULL, NULL);
        token_for("k1", 600, &ann);
        enum pt_code code = get_site(&ann);
        ck_assert_msg(code == (hour < 24 ? PT_OK : PT_UNAVAILABLE), "hour %u: %s", hour, cluster->answer.error.text);
    }
    ck_assert_uint_le(issuer.asked, 16 + 24 * 6 + 1);
    issuer.away = false;
    run_for_ms(cluster, 11 * MINUTE_MS);
    token_for("k1", 600, &ann);
    ck_assert_msg(get_site(&ann) == PT_OK, "%s", cluster->answer.error.text);
    pt_rpc_channel_free(ann.channel);
}
END_TEST

/* ---- who a token makes ---------------------------------------------------------------------------------------- */

/* Whoever copies an issuer into his organization must not take its users away. */
START_TEST(a_token_that_fits_two_providers_says_which)
{
    struct cluster *cluster = &the;
    struct program ann = {.channel = open_channel(cluster, 0, 7400, NULL, NULL)};
    STEP_UNTIL(cluster, issuer.keys == 1);
    run_for_ms(cluster, 1000);
    token_for("k1", 3000, &ann);
    ck_assert_int_eq(get_site(&ann), PT_OK);
    OK(cluster, 0, "OrganizationService/CreateOrganization", "{\"organizationId\": \"rival\", \"organization\": {}}");
    make_provider(RIVAL);
    run_for_ms(cluster, 1000);
    ck_assert_int_eq(get_site(&ann), PT_UNAUTHENTICATED);
    ck_assert_ptr_nonnull(strstr(cluster->answer.error.text, "patronus-identity-provider"));
    static const struct {
        const char *provider;
        enum pt_code code;
    } rows[] = {{ACME "/identityProviders/idp", PT_OK},
                {RIVAL "/identityProviders/idp", PT_NOT_FOUND}, /* the rival's ann holds nothing here */
                {RIVAL "/identityProviders/none", PT_UNAUTHENTICATED}};
    PT_AUTO(buf) struct pt_buf request = {0};
    const char *method = "/patronus.v1.SiteService/GetSite";
    encode_json(cluster, pt_schema_method(cluster->schema, method)->input, "{\"name\": \"" ACME "/sites/nyc\"}",
                &request);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct pt_rpc_metadata metadata[] = {{.key = "authorization", .value = ann.header},
                                                   {.key = "patronus-identity-provider", .value = rows[i].provider}};
        answer_clear(&cluster->answer);
        (void)pt_rpc_unary(ann.channel, method, pt_buf_bytes(&request), metadata, 2, 0, on_answer, &cluster->answer);
        STEP_UNTIL(cluster, cluster->answer.done);
        ck_assert_msg(cluster->answer.error.code == rows[i].code, "%s: %s", rows[i].provider,
                      cluster->answer.error.text);
    }
    ck_assert_uint_eq(issuer.asked, 1); /* one issuer, whoever names it */
    pt_rpc_channel_free(ann.channel);
}
END_TEST

START_TEST(a_stream_ends_with_its_token)
{
    struct cluster *cluster = &the;
    struct program ann = {.channel = open_channel(cluster, 0, 7400, NULL, NULL)};
    struct stream stream;
    STEP_UNTIL(cluster, issuer.keys == 1);
    run_for_ms(cluster, 1000);
    token_for("k1", 30, &ann);
    open_watch(cluster, &ann, ACME, &stream);
    run_for_ms(cluster, 80000); /* clocks may differ by a minute */
    ck_assert(!stream.ended);
    run_for_ms(cluster, 15000);
    ck_assert(stream.ended);
    ck_assert_str_eq(pt_reason_name(stream.error.reason), "TOKEN_EXPIRED");
    /* And at once when its provider is not to be believed any more. */
    token_for("k1", 3000, &ann);
    open_watch(cluster, &ann, ACME, &stream);
    ck_assert(!stream.ended);
    OK(cluster, 0, "IdentityProviderService/UpdateIdentityProvider",
       "{\"identityProvider\": {\"name\": \"" ACME "/identityProviders/idp\", \"disabled\": true}}");
    run_for_ms(cluster, 1000);
    ck_assert(stream.ended);
    ck_assert_int_eq(stream.error.code, PT_UNAUTHENTICATED);
    pt_rpc_channel_free(ann.channel);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("serve oidc");
    TCase *tcase = tcase_create("oidc");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, keys_are_there_before_any_token_and_none_fetches_them);
    tcase_add_test(tcase, another_key_is_known_soon_after_its_first_token);
    tcase_add_test(tcase, keys_outlive_their_provider_for_a_day);
    tcase_add_test(tcase, a_token_that_fits_two_providers_says_which);
    tcase_add_test(tcase, a_stream_ends_with_its_token);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
