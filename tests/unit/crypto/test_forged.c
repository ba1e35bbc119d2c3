/*
 * Certificates that somebody made who should not have: each is refused by the same reading that doors and peer links
 * use, and the honest one is accepted, so that a refusal means something. Each case is an honest leaf with one thing
 * changed, by whoever could have changed it: a stranger with a CA of his own, or the cluster's CA misused.
 *
 * Prints `figure forged_certificates` and `figure forged_certificates_accepted`.
 */
#include "crypto/identity.h"

#include "base/assert.h"

#include <check.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW_S 2000000000L
#define NODE "URI:spiffe://c-1/edge/organizations/acme/sites/a/edges/a"
#define GOOD_EKU "clientAuth,serverAuth"

struct pair {
    X509 *cert;
    EVP_PKEY *key;
};

struct recipe {
    const char *what;
    const char *san;         /* NULL: NODE; "": none */
    const char *eku;         /* NULL: both; "": none */
    const char *usage;       /* NULL: digitalSignature */
    const char *constraints; /* NULL: CA:FALSE */
    long from_s, to_s;       /* 0: five minutes ago; an hour from now */
    enum { BY_CA, BY_STRANGER, BY_TWIN, BY_SELF, BY_LEAF, BY_OTHER_KEY } by;
    const char *extra; /* one more extension, critical, that nobody knows */
    bool twice;        /* the names stand there twice */
    int version;       /* 0: 3 */
};

static const struct recipe recipes[] = {
    {.what = "expired a second ago", .from_s = NOW_S - 3600, .to_s = NOW_S - 1},
    {.what = "expired a year ago", .from_s = NOW_S - 63072000, .to_s = NOW_S - 31536000},
    {.what = "valid from tomorrow", .from_s = NOW_S + 86400, .to_s = NOW_S + 90000},
    {.what = "valid from a second ahead", .from_s = NOW_S + 1, .to_s = NOW_S + 3600},
    {.what = "ends before it begins", .from_s = NOW_S + 10, .to_s = NOW_S - 10},
    {.what = "another CA", .by = BY_STRANGER},
    {.what = "another CA of the same name", .by = BY_TWIN},
    {.what = "signed by itself", .by = BY_SELF},
    {.what = "signed by a leaf", .by = BY_LEAF},
    {.what = "signed by the leaf's own key in the CA's name", .by = BY_OTHER_KEY},
    {.what = "no names", .san = ""},
    {.what = "a DNS name only", .san = "DNS:controller.patronus"},
    {.what = "an address only", .san = "IP:10.0.0.1"},
    {.what = "an email only", .san = "email:root@c-1"},
    {.what = "two URIs", .san = NODE ",URI:spiffe://c-1/admin/root"},
    {.what = "the same URI twice", .san = NODE "," NODE},
    {.what = "another scheme", .san = "URI:https://c-1/edge/a"},
    {.what = "scheme in capitals", .san = "URI:SPIFFE://c-1/edge/a"},
    {.what = "no cluster", .san = "URI:spiffe:///edge/a"},
    {.what = "a port", .san = "URI:spiffe://c-1:7400/edge/a"},
    {.what = "a user", .san = "URI:spiffe://root@c-1/edge/a"},
    {.what = "a query", .san = "URI:spiffe://c-1/edge/a?x=1"},
    {.what = "a fragment", .san = "URI:spiffe://c-1/edge/a#x"},
    {.what = "another role", .san = "URI:spiffe://c-1/chief/a"},
    {.what = "role in capitals", .san = "URI:spiffe://c-1/Admin/root"},
    {.what = "an empty role", .san = "URI:spiffe://c-1//root"},
    {.what = "no path", .san = "URI:spiffe://c-1/edge"},
    {.what = "an empty path", .san = "URI:spiffe://c-1/edge/"},
    {.what = "an empty segment", .san = "URI:spiffe://c-1/edge/a//b"},
    {.what = "dots", .san = "URI:spiffe://c-1/edge/../admin/root"},
    {.what = "a dot", .san = "URI:spiffe://c-1/edge/./a"},
    {.what = "percent", .san = "URI:spiffe://c-1/edge/%2e%2e/admin"},
    {.what = "a star", .san = "URI:spiffe://c-1/edge/*"},
    {.what = "a trailing slash", .san = "URI:spiffe://c-1/edge/a/"},
    {.what = "a backslash", .san = "URI:spiffe://c-1/edge\\\\admin/root"},
    {.what = "capitals in the cluster", .san = "URI:spiffe://C-1/edge/a"},
    {.what = "only for clients", .eku = "clientAuth"},
    {.what = "only for servers", .eku = "serverAuth"},
    {.what = "for code", .eku = "codeSigning"},
    {.what = "for mail", .eku = "emailProtection"},
    {.what = "for time stamps", .eku = "timeStamping"},
    {.what = "may sign certificates", .usage = "critical,keyCertSign"},
    {.what = "may only encipher", .usage = "critical,dataEncipherment"},
    {.what = "a CA", .constraints = "critical,CA:TRUE", .usage = "critical,keyCertSign,digitalSignature"},
    {.what = "a CA with a path", .constraints = "critical,CA:TRUE,pathlen:0", .usage = "critical,keyCertSign"},
    {.what = "an unknown critical extension", .extra = "1.2.3.4.5.6"},
    {.what = "names twice", .twice = true},
    {.what = "version 1", .version = 1},
};

static void add(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    ck_assert_msg(extension != NULL, "%s", value);
    ck_assert_int_eq(X509_add_ext(cert, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static void pair_fini(struct pair *pair)
{
    X509_free(pair->cert);
    EVP_PKEY_free(pair->key);
}

static struct pair pair_from(const struct pt_buf *cert, const struct pt_buf *key)
{
    BIO *one = BIO_new_mem_buf(cert->data, (int)cert->size);
    BIO *two = BIO_new_mem_buf(key->data, (int)key->size);
    struct pair pair = {PEM_read_bio_X509(one, NULL, NULL, NULL), PEM_read_bio_PrivateKey(two, NULL, NULL, NULL)};
    BIO_free(one);
    BIO_free(two);
    ck_assert(pair.cert != NULL && pair.key != NULL);
    return pair;
}

static void make_ca(const char *cluster, struct pt_buf *ret_pem, struct pair *ret_pair)
{
    PT_AUTO(secret) struct pt_buf key = {0};
    ck_assert_int_eq(pt_ca_new(cluster, NOW_S * 1000000000L - 1, &key, ret_pem, NULL), PT_OK);
    *ret_pair = pair_from(ret_pem, &key);
}

static void add_unknown(X509 *cert, const char *oid)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    ck_assert_int_eq(ASN1_OCTET_STRING_set(value, (const unsigned char *)"\x05", 2), 1);
    X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, object, 1, value);
    ck_assert_int_eq(X509_add_ext(cert, extension, -1), 1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(object);
}

static struct pair bake(const struct recipe *recipe, const struct pair *issuer)
{
    struct pair leaf = {X509_new(), EVP_EC_gen("P-256")};
    X509 *by = recipe->by == BY_SELF ? leaf.cert : issuer->cert;
    const char *san = recipe->san != NULL ? recipe->san : NODE;
    const char *eku = recipe->eku != NULL ? recipe->eku : GOOD_EKU;
    X509_set_version(leaf.cert, recipe->version == 1 ? X509_VERSION_1 : X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(leaf.cert), 7);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(leaf.cert), "CN", MBSTRING_ASC, (const unsigned char *)"edge", -1,
                               -1, 0);
    X509_set_issuer_name(leaf.cert, X509_get_subject_name(by));
    ASN1_TIME_set(X509_getm_notBefore(leaf.cert), recipe->from_s != 0 ? recipe->from_s : NOW_S - 300);
    ASN1_TIME_set(X509_getm_notAfter(leaf.cert), recipe->to_s != 0 ? recipe->to_s : NOW_S + 3600);
    X509_set_pubkey(leaf.cert, leaf.key);
    if (recipe->version != 1) {
        add(leaf.cert, by, NID_basic_constraints,
            recipe->constraints != NULL ? recipe->constraints : "critical,CA:FALSE");
        add(leaf.cert, by, NID_key_usage, recipe->usage != NULL ? recipe->usage : "critical,digitalSignature");
        add(leaf.cert, by, NID_subject_key_identifier, "hash");
        add(leaf.cert, by, NID_authority_key_identifier, "keyid");
        if (eku[0] != '\0') {
            add(leaf.cert, by, NID_ext_key_usage, eku);
        }
        for (int i = 0; san[0] != '\0' && i < (recipe->twice ? 2 : 1); i++) {
            add(leaf.cert, by, NID_subject_alt_name, san);
        }
    }
    if (recipe->extra != NULL) {
        add_unknown(leaf.cert, recipe->extra);
    }
    EVP_PKEY *signer = recipe->by == BY_SELF || recipe->by == BY_OTHER_KEY ? leaf.key : issuer->key;
    ck_assert_int_gt(X509_sign(leaf.cert, signer, EVP_sha256()), 0);
    return leaf;
}

static enum pt_code judge(X509 *cert, const char *ca_pem, struct pt_error *reterr)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data = NULL;
    ck_assert_int_eq(PEM_write_bio_X509(bio, cert), 1);
    long size = BIO_get_mem_data(bio, &data);
    char *pem = strndup(data, (size_t)size);
    BIO_free(bio);
    struct pt_leaf_info info;
    enum pt_code code = pt_leaf_read(pem, ca_pem, NOW_S * 1000000000L, false, &info, reterr);
    free(pem);
    return code;
}

START_TEST(forged_certificates_are_refused)
{
    PT_AUTO(buf) struct pt_buf ca_pem = {0}, stranger_pem = {0}, twin_pem = {0};
    struct pair ca, stranger, twin;
    make_ca("c-1", &ca_pem, &ca);
    make_ca("c-2", &stranger_pem, &stranger);
    make_ca("c-1", &twin_pem, &twin);
    static const struct recipe honest = {.what = "honest"};
    struct pair good = bake(&honest, &ca);
    struct pt_error error = {0};
    ck_assert_msg(judge(good.cert, (const char *)ca_pem.data, &error) == PT_OK, "%s", error.text);
    size_t len = sizeof(recipes) / sizeof(recipes[0]), accepted = 0;
    for (size_t i = 0; i < len; i++) {
        const struct recipe *recipe = &recipes[i];
        const struct pair *issuer = recipe->by == BY_STRANGER ? &stranger
                                    : recipe->by == BY_TWIN   ? &twin
                                    : recipe->by == BY_LEAF   ? &good
                                                              : &ca;
        struct pair leaf = bake(recipe, issuer);
        error = (struct pt_error){0};
        if (judge(leaf.cert, (const char *)ca_pem.data, &error) == PT_OK) {
            printf("accepted: %s\n", recipe->what);
            accepted++;
        } else {
            ck_assert_int_eq(error.code, PT_UNAUTHENTICATED);
        }
        pair_fini(&leaf);
    }
    printf("figure forged_certificates %zu goal >=40 %s\n", len, len >= 40 ? "met" : "short");
    printf("figure forged_certificates_accepted %zu goal =0 %s\n", accepted, accepted == 0 ? "met" : "short");
    ck_assert_uint_eq(accepted, 0);
    ck_assert_uint_ge(len, 40);
    pair_fini(&good);
    pair_fini(&ca);
    pair_fini(&stranger);
    pair_fini(&twin);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("forged certificates");
    TCase *tcase = tcase_create("certificates");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, forged_certificates_are_refused);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
