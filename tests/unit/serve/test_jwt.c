/*
 * Forged tokens: each is refused; and the honest ones are believed, so that a refusal means something. Keys are made
 * anew; what is forged is made with everything that an attacker has: the public keys, keys of his own, honest tokens.
 *
 * The last lines print `figure forged_tokens` and `figure forged_tokens_accepted`.
 */
#include "serve/jwt.h"

#include "base/assert.h"
#include "crypto/crypto.h"

#include <check.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW 2000000000LL
#define ISSUER "https://id.example"
#define CLAIMS "{\"iss\":\"https://id.example\",\"aud\":\"patronus\",\"sub\":\"ann\",\"exp\":2000000600}"

enum sign {
    SIGN_RSA,
    SIGN_EC,
    SIGN_ED,
    SIGN_OTHER_RSA,
    SIGN_NONE,
    SIGN_HMAC_PEM,
    SIGN_HMAC_DER,
    SIGN_EMPTY_HMAC,
    SIGN_ZERO_EC
};

struct world {
    EVP_PKEY *rsa, *ec, *ed, *other;
    struct pt_jwks keys;
    struct pt_buf jwks;
    size_t tried, accepted;
};

static void put_number(struct pt_buf *out, const char *name, const uint8_t *data, size_t size)
{
    pt_buf_printf(out, ",\"%s\":\"", name);
    pt_base64url_encode((struct pt_bytes){data, size}, out);
    pt_buf_append_str(out, "\"");
}

static void put_bn(struct pt_buf *out, const char *name, EVP_PKEY *key, const char *param, int size)
{
    BIGNUM *number = NULL;
    uint8_t bytes[1024];
    ck_assert_int_eq(EVP_PKEY_get_bn_param(key, param, &number), 1);
    size = size != 0 ? size : BN_num_bytes(number);
    ck_assert_int_eq(BN_bn2binpad(number, bytes, size), size);
    BN_free(number);
    put_number(out, name, bytes, (size_t)size);
}

static void world_init(struct world *world)
{
    *world = (struct world){.rsa = EVP_RSA_gen(2048), .ec = EVP_EC_gen("P-256"), .other = EVP_RSA_gen(2048)};
    world->ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    uint8_t raw[32];
    size_t size = sizeof(raw);
    ck_assert_int_eq(EVP_PKEY_get_raw_public_key(world->ed, raw, &size), 1);
    pt_buf_append_str(&world->jwks, "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"r\",\"use\":\"sig\",\"alg\":\"RS256\"");
    put_bn(&world->jwks, "n", world->rsa, OSSL_PKEY_PARAM_RSA_N, 0);
    put_bn(&world->jwks, "e", world->rsa, OSSL_PKEY_PARAM_RSA_E, 0);
    pt_buf_append_str(&world->jwks, "},{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"e\"");
    put_bn(&world->jwks, "x", world->ec, OSSL_PKEY_PARAM_EC_PUB_X, 32);
    put_bn(&world->jwks, "y", world->ec, OSSL_PKEY_PARAM_EC_PUB_Y, 32);
    pt_buf_append_str(&world->jwks, "},{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"d\"");
    put_number(&world->jwks, "x", raw, size);
    pt_buf_append_str(&world->jwks, "}]}");
    struct pt_error error = {0};
    ck_assert_msg(pt_jwks_read(pt_buf_bytes(&world->jwks), &world->keys, &error) == PT_OK, "%s", error.text);
    ck_assert_uint_eq(world->keys.len, 3);
}

static void world_fini(struct world *world)
{
    EVP_PKEY_free(world->rsa);
    EVP_PKEY_free(world->ec);
    EVP_PKEY_free(world->ed);
    EVP_PKEY_free(world->other);
    pt_jwks_fini(&world->keys);
    pt_buf_fini(&world->jwks);
}

static size_t sign_with(EVP_PKEY *key, const EVP_MD *hash, struct pt_bytes input, uint8_t out[1024])
{
    size_t size = 1024;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    ck_assert_int_eq(EVP_DigestSignInit(context, NULL, hash, NULL, key), 1);
    ck_assert_int_eq(EVP_DigestSign(context, out, &size, input.data, input.size), 1);
    EVP_MD_CTX_free(context);
    return size;
}

static size_t sign_ec(EVP_PKEY *key, struct pt_bytes input, uint8_t out[1024])
{
    uint8_t der[1024];
    size_t size = sign_with(key, EVP_sha256(), input, der);
    const uint8_t *at = der;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)size);
    ck_assert_int_eq(BN_bn2binpad(ECDSA_SIG_get0_r(pair), out, 32), 32);
    ck_assert_int_eq(BN_bn2binpad(ECDSA_SIG_get0_s(pair), out + 32, 32), 32);
    ECDSA_SIG_free(pair);
    return 64;
}

/* The public key as an HMAC's key: what a library that trusts the token's alg falls for. */
static size_t sign_hmac(EVP_PKEY *key, bool pem, struct pt_bytes input, uint8_t out[1024])
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data = NULL;
    ck_assert_int_eq(pem ? PEM_write_bio_PUBKEY(bio, key) : i2d_PUBKEY_bio(bio, key), 1);
    long size = BIO_get_mem_data(bio, &data);
    struct pt_digest digest = pt_hmac_sha256((struct pt_bytes){(const uint8_t *)data, (size_t)size}, input);
    BIO_free(bio);
    memcpy(out, digest.bytes, 32);
    return 32;
}

static size_t sign(const struct world *world, enum sign how, struct pt_bytes input, uint8_t out[1024])
{
    struct pt_digest digest;
    switch (how) {
    case SIGN_RSA:
        return sign_with(world->rsa, EVP_sha256(), input, out);
    case SIGN_OTHER_RSA:
        return sign_with(world->other, EVP_sha256(), input, out);
    case SIGN_EC:
        return sign_ec(world->ec, input, out);
    case SIGN_ED:
        return sign_with(world->ed, NULL, input, out);
    case SIGN_HMAC_PEM:
        return sign_hmac(world->rsa, true, input, out);
    case SIGN_HMAC_DER:
        return sign_hmac(world->rsa, false, input, out);
    case SIGN_EMPTY_HMAC:
        digest = pt_hmac_sha256((struct pt_bytes){(const uint8_t *)"", 0}, input);
        memcpy(out, digest.bytes, 32);
        return 32;
    case SIGN_ZERO_EC:
        memset(out, 0, 64);
        return 64;
    default:
        return 0;
    }
}

static void make(const struct world *world, const char *header, const char *claims, enum sign how, struct pt_buf *out)
{
    uint8_t signature[1024];
    pt_base64url_encode((struct pt_bytes){(const uint8_t *)header, strlen(header)}, out);
    pt_buf_append_str(out, ".");
    pt_base64url_encode((struct pt_bytes){(const uint8_t *)claims, strlen(claims)}, out);
    size_t size = sign(world, how, pt_buf_bytes(out), signature);
    pt_buf_append_str(out, ".");
    pt_base64url_encode((struct pt_bytes){signature, size}, out);
    pt_buf_append_u8(out, 0);
}

static enum pt_code judge(const struct world *world, const char *token, struct pt_error *reterr)
{
    static const char *const audiences[] = {"patronus", "patronus-cli"};
    const struct pt_jwt_terms terms = {.issuer = ISSUER,
                                       .audiences = audiences,
                                       .audiences_len = 2,
                                       .subject_claim = "",
                                       .groups_claim = "",
                                       .now_s = NOW};
    struct pt_arena arena;
    struct pt_jwt jwt;
    struct pt_jwt_user user;
    bool unknown = false;
    pt_arena_init(&arena);
    enum pt_code code = pt_jwt_read(token, &arena, &jwt, reterr);
    if (code == PT_OK) {
        code = pt_jwt_believe(&jwt, pt_jwt_key(&jwt, &world->keys, &unknown), &terms, &arena, &user, reterr);
    }
    pt_arena_fini(&arena);
    return code;
}

static void honest(struct world *world, const char *header, const char *claims, enum sign how)
{
    PT_AUTO(buf) struct pt_buf token = {0};
    struct pt_error error = {0};
    make(world, header, claims, how, &token);
    ck_assert_msg(judge(world, (const char *)token.data, &error) == PT_OK, "%s %s: %s", header, claims, error.text);
}

static void refused(struct world *world, const char *what, const char *token)
{
    struct pt_error error = {0};
    world->tried++;
    if (judge(world, token, &error) == PT_OK) {
        world->accepted++;
        ck_abort_msg("accepted: %s", what);
    }
    ck_assert_int_eq(error.code, PT_UNAUTHENTICATED);
    ck_assert_str_ne(error.text, "");
}

static void forged(struct world *world, const char *header, const char *claims, enum sign how)
{
    PT_AUTO(buf) struct pt_buf token = {0};
    make(world, header, claims, how, &token);
    refused(world, header, (const char *)token.data);
}

static void forge_headers(struct world *world)
{
    static const char *const unsigned_headers[] = {"{\"alg\":\"none\"}",
                                                   "{\"alg\":\"None\"}",
                                                   "{\"alg\":\"NONE\",\"kid\":\"r\"}",
                                                   "{\"alg\":\"nOnE\"}",
                                                   "{\"alg\":\"\"}",
                                                   "{\"kid\":\"r\"}",
                                                   "{}",
                                                   "{\"alg\":null}",
                                                   "{\"alg\":[\"none\"]}",
                                                   "{\"alg\":0}"};
    for (size_t i = 0; i < sizeof(unsigned_headers) / sizeof(unsigned_headers[0]); i++) {
        forged(world, unsigned_headers[i], CLAIMS, SIGN_NONE);
        forged(world, unsigned_headers[i], CLAIMS, SIGN_EMPTY_HMAC);
    }
    static const char *const symmetric[] = {"{\"alg\":\"HS256\"}", "{\"alg\":\"HS256\",\"kid\":\"r\"}",
                                            "{\"alg\":\"RS256\",\"kid\":\"r\"}", "{\"alg\":\"HS512\",\"kid\":\"e\"}"};
    for (size_t i = 0; i < 4; i++) {
        forged(world, symmetric[i], CLAIMS, SIGN_HMAC_PEM);
        forged(world, symmetric[i], CLAIMS, SIGN_HMAC_DER);
    }
    /* Signed well, by the provider's own key, but the header wants something that we do not do. */
    static const char *const odd[] = {"{\"alg\":\"RS512\",\"kid\":\"r\"}",
                                      "{\"alg\":\"PS256\",\"kid\":\"r\"}",
                                      "{\"alg\":\"ES256\",\"kid\":\"r\"}",
                                      "{\"alg\":\"RS256\",\"kid\":\"e\"}",
                                      "{\"alg\":\"RS256\",\"kid\":\"R\"}",
                                      "{\"alg\":\"RS256\",\"kid\":\"r \"}",
                                      "{\"alg\":\"RS256\",\"kid\":\"../r\"}",
                                      "{\"alg\":\"RS256\",\"kid\":\"r' OR 1=1--\"}",
                                      "{\"alg\":\"RS256\",\"kid\":7}",
                                      "{\"alg\":\"RS256\",\"kid\":[\"r\"]}",
                                      "{\"alg\":\"RS256\",\"kid\":\"r\",\"kid\":\"r\"}",
                                      "{\"alg\":\"RS256\",\"alg\":\"RS256\",\"kid\":\"r\"}",
                                      "{\"alg\":\"RS256\",\"kid\":\"r\",\"crit\":[\"x\"]}",
                                      "{\"alg\":\"RS256\",\"kid\":\"r\",\"jku\":\"https://evil.example/k\"}",
                                      "{\"alg\":\"RS256\",\"kid\":\"r\",\"x5u\":\"https://evil.example/c\"}",
                                      "{\"alg\":\"RS256\",\"kid\":\"r\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AA\"}}",
                                      "{\"alg\":\"RS256\",\"kid\":\"r\",\"b64\":false}",
                                      "{\"alg\":\"RS256\",\"kid\":\"r\",\"typ\":\"logout+jwt\"}",
                                      "{\"alg\":\"RS256\",\"kid\":\"r\",\"typ\":\"JWE\"}",
                                      "{\"alg\":\"RS256\",\"kid\":\"r\",\"zip\":\"DEF\"}",
                                      "{\"alg\":\"rs256\",\"kid\":\"r\"}",
                                      "[\"RS256\"]",
                                      "\"RS256\"",
                                      "{\"alg\":\"RS256\",\"kid\":\"r\"} x"};
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        forged(world, odd[i], CLAIMS, SIGN_RSA);
    }
    forged(world, "{\"alg\":\"RS256\",\"kid\":\"r\"}", CLAIMS, SIGN_OTHER_RSA);
    forged(world, "{\"alg\":\"RS256\"}", CLAIMS, SIGN_OTHER_RSA);
    forged(world, "{\"alg\":\"ES256\",\"kid\":\"e\"}", CLAIMS, SIGN_ZERO_EC);
    forged(world, "{\"alg\":\"ES256\",\"kid\":\"e\"}", CLAIMS, SIGN_ED);
    forged(world, "{\"alg\":\"EdDSA\",\"kid\":\"d\"}", CLAIMS, SIGN_EC);
}

static void forge_claims(struct world *world)
{
    static const char *const claims[] = {
        "{\"iss\":\"https://id.example/\",\"aud\":\"patronus\",\"sub\":\"ann\",\"exp\":2000000600}",
        "{\"iss\":\"https://ID.example\",\"aud\":\"patronus\",\"sub\":\"ann\",\"exp\":2000000600}",
        "{\"iss\":[\"https://id.example\"],\"aud\":\"patronus\",\"sub\":\"ann\",\"exp\":2000000600}",
        "{\"aud\":\"patronus\",\"sub\":\"ann\",\"exp\":2000000600}",
        "{\"iss\":\"https://id.example\",\"aud\":\"other\",\"sub\":\"ann\",\"exp\":2000000600}",
        "{\"iss\":\"https://id.example\",\"aud\":[],\"sub\":\"ann\",\"exp\":2000000600}",
        "{\"iss\":\"https://id.example\",\"aud\":[[\"patronus\"]],\"sub\":\"ann\",\"exp\":2000000600}",
        "{\"iss\":\"https://id.example\",\"aud\":\"patronus \",\"sub\":\"ann\",\"exp\":2000000600}",
        "{\"iss\":\"https://id.example\",\"aud\":{\"patronus\":true},\"sub\":\"ann\",\"exp\":2000000600}",
        "{\"iss\":\"https://id.example\",\"sub\":\"ann\",\"exp\":2000000600}",
        "{\"iss\":\"https://id.example\",\"aud\":\"patronus\",\"sub\":\"ann\"}",
        "{\"iss\":\"https://id.example\",\"aud\":\"patronus\",\"sub\":\"ann\",\"exp\":1999999939}",
        "{\"iss\":\"https://id.example\",\"aud\":\"patronus\",\"sub\":\"ann\",\"exp\":\"2000000600\"}",
        "{\"iss\":\"https://id.example\",\"aud\":\"patronus\",\"sub\":\"ann\",\"exp\":2e400}",
        "{\"iss\":\"https://id.example\",\"aud\":\"patronus\",\"sub\":\"ann\",\"exp\":-1}",
        "{\"iss\":\"https://id.example\",\"aud\":\"patronus\",\"sub\":\"ann\",\"exp\":99999999999999999999}",
        "{\"iss\":\"https://id.example\",\"aud\":\"patronus\",\"sub\":\"ann\",\"exp\":2000000600.5}",
        "{\"iss\":\"https://id.example\",\"aud\":\"patronus\",\"sub\":\"ann\",\"exp\":null}",
        "{\"iss\":\"https://id.example\",\"aud\":\"patronus\",\"sub\":\"ann\",\"exp\":1,\"exp\":2000000600}",
        "{\"iss\":\"https://id.example\",\"aud\":\"patronus\",\"sub\":\"ann\",\"exp\":2000000600,\"nbf\":2000000061}",
        "{\"iss\":\"https://id.example\",\"aud\":\"patronus\",\"sub\":\"ann\",\"exp\":2000000600,\"nbf\":\"0\"}",
        "{\"iss\":\"https://id.example\",\"aud\":\"patronus\",\"sub\":\"ann\",\"exp\":2000000600,\"iat\":2000000061}",
        "{\"iss\":\"https://id.example\",\"aud\":\"patronus\",\"sub\":\"\",\"exp\":2000000600}",
        "{\"iss\":\"https://id.example\",\"aud\":\"patronus\",\"exp\":2000000600}",
        "{\"iss\":\"https://id.example\",\"aud\":\"patronus\",\"sub\":\"a/groups/admin\",\"exp\":2000000600}",
        "{\"iss\":\"https://id.example\",\"aud\":\"patronus\",\"sub\":\"a\\u0000b\",\"exp\":2000000600}",
        "{\"iss\":\"https://id.example\",\"aud\":\"patronus\",\"sub\":\"a\\nb\",\"exp\":2000000600}",
        "{\"iss\":\"https://id.example\",\"aud\":\"patronus\",\"sub\":{\"$ne\":1},\"exp\":2000000600}",
        "[]",
        "null"};
    for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
        forged(world, "{\"alg\":\"RS256\",\"kid\":\"r\"}", claims[i], SIGN_RSA);
    }
}

/* An honest token with one thing changed. */
static void forge_bytes(struct world *world)
{
    PT_AUTO(buf) struct pt_buf token = {0};
    make(world, "{\"alg\":\"EdDSA\",\"kid\":\"d\"}", CLAIMS, SIGN_ED, &token);
    const char *good = (const char *)token.data;
    size_t size = strlen(good);
    char *bad = malloc(size + 16);
    for (size_t i = 0; i < size; i++) {
        memcpy(bad, good, size + 1);
        bad[i] = good[i] == 'A' ? 'B' : 'A';
        refused(world, "a byte changed", bad);
    }
    for (size_t cut = 0; cut < size; cut += 7) {
        memcpy(bad, good, cut);
        bad[cut] = '\0';
        refused(world, "cut short", bad);
    }
    static const char *const tails[] = {".", "=", "==", "A", ".AA", " ", "\n"};
    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        memcpy(bad, good, size);
        (void)snprintf(bad + size, 16, "%s", tails[i]);
        refused(world, "a tail", bad);
    }
    free(bad);
    char *large = malloc((1U << 20) + 1);
    memset(large, 'A', 1U << 20);
    large[1U << 20] = '\0';
    refused(world, "a header of a MiB", large);
    free(large);
}

START_TEST(forged_tokens_are_refused)
{
    struct world world;
    world_init(&world);
    honest(&world, "{\"alg\":\"RS256\",\"kid\":\"r\",\"typ\":\"JWT\"}", CLAIMS, SIGN_RSA);
    honest(&world, "{\"alg\":\"ES256\",\"kid\":\"e\"}", CLAIMS, SIGN_EC);
    honest(&world, "{\"alg\":\"EdDSA\",\"kid\":\"d\",\"typ\":\"at+jwt\"}", CLAIMS, SIGN_ED);
    honest(&world, "{\"alg\":\"RS256\"}", CLAIMS, SIGN_RSA); /* the only key of the algorithm */
    honest(&world, "{\"alg\":\"RS256\",\"kid\":\"r\"}",
           "{\"iss\":\"https://id.example\",\"aud\":[\"x\",\"patronus-cli\"],\"sub\":\"ann|7\",\"exp\":1999999941,"
           "\"nbf\":2000000060,\"groups\":[\"a\",\"b/c\"]}",
           SIGN_RSA);
    forge_headers(&world);
    forge_claims(&world);
    forge_bytes(&world);
    ck_assert_uint_ge(world.tried, 60);
    printf("figure forged_tokens %zu goal >=60 met\nfigure forged_tokens_accepted %zu goal =0 met\n", world.tried,
           world.accepted);
    world_fini(&world);
}
END_TEST

START_TEST(bad_key_sets_are_refused)
{
    static const char *const bad[] = {"",
                                      "{}",
                                      "[]",
                                      "{\"keys\":{}}",
                                      "{\"keys\":[]}",
                                      "{\"keys\":[{\"kty\":\"oct\",\"k\":\"c2VjcmV0\"}]}",
                                      "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"}]}",
                                      "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}",
                                      "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}]}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct pt_jwks keys = {0};
        struct pt_bytes json = {.data = (const uint8_t *)bad[i], .size = strlen(bad[i])};
        ck_assert_msg(pt_jwks_read(json, &keys, NULL) != PT_OK, "%s", bad[i]);
    }
}
END_TEST

START_TEST(a_discovery_document_is_of_its_issuer)
{
    static const char *const bad[] = {"{}", "{\"issuer\":\"https://id.example\"}",
                                      "{\"issuer\":\"https://evil.example\",\"jwks_uri\":\"https://id.example/k\"}",
                                      "{\"issuer\":\"https://id.example\",\"jwks_uri\":\"http://id.example/k\"}",
                                      "{\"issuer\":\"https://id.example\",\"jwks_uri\":\"file:///etc/passwd\"}"};
    struct pt_arena arena;
    const char *uri = NULL;
    pt_arena_init(&arena);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct pt_bytes json = {.data = (const uint8_t *)bad[i], .size = strlen(bad[i])};
        ck_assert_msg(pt_discovery_read(json, ISSUER, &arena, &uri, NULL) != PT_OK, "%s", bad[i]);
    }
    static const char good[] = "{\"issuer\":\"https://id.example\",\"jwks_uri\":\"https://id.example/k\",\"x\":[1,{}]}";
    ck_assert_int_eq(
        pt_discovery_read((struct pt_bytes){(const uint8_t *)good, sizeof(good) - 1}, ISSUER, &arena, &uri, NULL),
        PT_OK);
    ck_assert_str_eq(uri, "https://id.example/k");
    pt_arena_fini(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("serve jwt");
    TCase *tcase = tcase_create("tokens");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, forged_tokens_are_refused);
    tcase_add_test(tcase, bad_key_sets_are_refused);
    tcase_add_test(tcase, a_discovery_document_is_of_its_issuer);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
