/*
 * Identities and certificates: request to leaf to reading it back, and bad certificates, each refused for its own
 * reason.
 *
 * The bad ones are made with OpenSSL directly, because ours would refuse to make them.
 */
#include "crypto/identity.h"
#include "crypto/tls.h"

#include <check.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_NS INT64_C(1000000000)
#define NOW_S INT64_C(1800000000)
#define NOW_NS (NOW_S * SECOND_NS)
#define HOUR_S 3600
#define EDGE "spiffe://c-1/edge/organizations/acme/sites/nyc/edges/e1"

static struct pt_buf ca_key;
static struct pt_buf ca_cert;

static void setup(void)
{
    ck_assert_int_eq(pt_ca_new("c-1", NOW_NS, &ca_key, &ca_cert, NULL), PT_OK);
}

static void teardown(void)
{
    pt_auto_secret(&ca_key);
    pt_buf_fini(&ca_cert);
}

/* ---- SPIFFE ids ----------------------------------------------------------------------------------------------- */

START_TEST(an_identity_is_cluster_role_and_path)
{
    struct pt_identity identity;
    ck_assert_int_eq(pt_identity_parse(EDGE, &identity, NULL), PT_OK);
    ck_assert_str_eq(identity.spiffe_id, EDGE);
    ck_assert_str_eq(identity.cluster_id, "c-1");
    ck_assert_str_eq(identity.role, "edge");
    ck_assert_str_eq(identity.path, "organizations/acme/sites/nyc/edges/e1");
    ck_assert_int_eq(pt_identity_parse("spiffe://c-1/admin/root", &identity, NULL), PT_OK);
    ck_assert_str_eq(identity.path, "root");
    ck_assert_str_eq(pt_identity_role(EDGE), "edge");
    ck_assert_str_eq(pt_identity_role("spiffe://c-1/admin/root"), "admin");
}
END_TEST

START_TEST(other_texts_are_no_identity)
{
    static const char *const bad[] = {
        "",
        "spiffe:",
        "spiffe://",
        "http://c-1/edge/x",
        "SPIFFE://c-1/edge/x",
        "spiffe:///edge/x",
        "spiffe://c-1",
        "spiffe://c-1/",
        "spiffe://c-1/edge",
        "spiffe://c-1/edge/",
        "spiffe://c-1/edge//x",
        "spiffe://c-1/edge/x/",
        "spiffe://c-1/edge/../admin/root",
        "spiffe://c-1/edge/./x",
        "spiffe://c-1/root/x",
        "spiffe://c-1/edges/x",
        "spiffe://c-1/edg/x",
        "spiffe://C-1/edge/x",
        "spiffe://c-1:443/edge/x",
        "spiffe://u@c-1/edge/x",
        "spiffe://c-1/edge/x?y",
        "spiffe://c-1/edge/x#y",
        "spiffe://c-1/edge/%2e%2e",
        "spiffe://c-1/edge/x y",
        "spiffe://c-1/edge/\xc3\xa4",
        "spiffe://c-1/edge/x\n",
        " spiffe://c-1/edge/x",
        "spiffe://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/edge/x",
    };
    struct pt_identity identity = {.path = "untouched"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_msg(pt_identity_parse(bad[i], &identity, NULL) == PT_UNAUTHENTICATED, "%s", bad[i]);
        ck_assert_msg(pt_identity_role(bad[i])[0] == '\0', "%s", bad[i]);
    }
    char text[PT_SPIFFE_SIZE_MAX + 1];
    memset(text, 'a', sizeof(text));
    memcpy(text, "spiffe://c-1/edge/", 18);
    text[PT_SPIFFE_SIZE_MAX] = '\0';
    ck_assert_int_eq(pt_identity_parse(text, &identity, NULL), PT_UNAUTHENTICATED);
    ck_assert_str_eq(identity.path, "untouched");
    text[PT_SPIFFE_SIZE_MAX - 1] = '\0'; /* the longest */
    ck_assert_int_eq(pt_identity_parse(text, &identity, NULL), PT_OK);
}
END_TEST

/* ---- requests ------------------------------------------------------------------------------------------------- */

START_TEST(a_request_is_bound_to_its_key)
{
    PT_AUTO(secret) struct pt_buf key = {0};
    PT_AUTO(buf) struct pt_buf csr = {0};
    PT_AUTO(buf) struct pt_buf again = {0};
    struct pt_digest digest;
    struct pt_digest digest_again;
    ck_assert_int_eq(pt_key_new(&key, NULL), PT_OK);
    ck_assert_int_eq(pt_csr_new((char *)key.data, &csr, NULL), PT_OK);
    ck_assert_int_eq(pt_csr_new((char *)key.data, &again, NULL), PT_OK);
    ck_assert_int_eq(pt_csr_verify(pt_buf_bytes(&csr), &digest, NULL), PT_OK);
    ck_assert_int_eq(pt_csr_verify(pt_buf_bytes(&again), &digest_again, NULL), PT_OK);
    ck_assert(pt_digest_equal(&digest, &digest_again));
    for (size_t i = 0; i < csr.size; i++) {
        csr.data[i] ^= 1;
        ck_assert_msg(pt_csr_verify(pt_buf_bytes(&csr), &digest, NULL) == PT_INVALID_ARGUMENT, "byte %zu", i);
        csr.data[i] ^= 1;
        ck_assert_int_eq(pt_csr_verify((struct pt_bytes){csr.data, i}, &digest, NULL), PT_INVALID_ARGUMENT);
    }
    pt_buf_append(&csr, "x", 1);
    ck_assert_int_eq(pt_csr_verify(pt_buf_bytes(&csr), &digest, NULL), PT_INVALID_ARGUMENT);
    memset(pt_buf_reserve(&csr, 10000), 0, 10000);
    ck_assert_int_eq(pt_csr_verify((struct pt_bytes){csr.data, csr.size + 9000}, &digest, NULL), PT_INVALID_ARGUMENT);
}
END_TEST

START_TEST(a_request_with_another_kind_of_key_is_refused)
{
    EVP_PKEY *keys[] = {EVP_EC_gen("P-384"), EVP_EC_gen("secp256k1"), EVP_RSA_gen(2048)};
    for (size_t i = 0; i < 3; i++) {
        X509_REQ *request = X509_REQ_new();
        ck_assert_int_eq(X509_REQ_set_pubkey(request, keys[i]), 1);
        ck_assert_int_gt(X509_REQ_sign(request, keys[i], EVP_sha256()), 0);
        uint8_t *der = NULL;
        int size = i2d_X509_REQ(request, &der);
        struct pt_digest digest;
        struct pt_error error = {0};
        ck_assert_int_eq(pt_csr_verify((struct pt_bytes){der, (size_t)size}, &digest, &error), PT_INVALID_ARGUMENT);
        ck_assert_ptr_nonnull(strstr(error.text, "P-256"));
        OPENSSL_free(der);
        X509_REQ_free(request);
        EVP_PKEY_free(keys[i]);
    }
}
END_TEST

/* ---- leaves --------------------------------------------------------------------------------------------------- */

static X509 *cert_of(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    ck_assert_ptr_nonnull(cert);
    return cert;
}

static EVP_PKEY *key_of(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    ck_assert_ptr_nonnull(key);
    return key;
}

START_TEST(a_leaf_carries_what_was_asked_and_nothing_of_the_request)
{
    PT_AUTO(secret) struct pt_buf key = {0};
    PT_AUTO(buf) struct pt_buf csr = {0};
    PT_AUTO(buf) struct pt_buf leaf = {0};
    struct pt_digest digest;
    ck_assert_int_eq(pt_key_new(&key, NULL), PT_OK);
    ck_assert_int_eq(pt_csr_new((char *)key.data, &csr, NULL), PT_OK);
    ck_assert_int_eq(pt_csr_verify(pt_buf_bytes(&csr), &digest, NULL), PT_OK);
    struct pt_ip ips[2];
    ck_assert_int_eq(pt_ip_parse("192.0.2.7", &ips[0], NULL), PT_OK);
    ck_assert_int_eq(pt_ip_parse("2001:db8::7", &ips[1], NULL), PT_OK);
    const char *dns[] = {"localhost"};
    struct pt_leaf_options options = {.spiffe_id = EDGE,
                                      .now_ns = NOW_NS,
                                      .lifetime_ns = HOUR_S * SECOND_NS,
                                      .ips = ips,
                                      .ips_len = 2,
                                      .dns = dns,
                                      .dns_len = 1,
                                      .serial = 0x8123456789abcdefULL};
    ck_assert_int_eq(pt_leaf_sign((char *)ca_key.data, (char *)ca_cert.data, pt_buf_bytes(&csr), &options, &leaf, NULL),
                     PT_OK);
    struct pt_leaf_info info;
    struct pt_error error = {0};
    ck_assert_msg(pt_leaf_read((char *)leaf.data, (char *)ca_cert.data, NOW_NS, false, &info, &error) == PT_OK, "%s",
                  error.text);
    ck_assert_str_eq(info.identity.spiffe_id, EDGE);
    ck_assert(info.not_before_ns == NOW_NS - 300 * SECOND_NS);
    ck_assert(info.not_after_ns == NOW_NS + HOUR_S * SECOND_NS);
    ck_assert(pt_digest_equal(&info.key_digest, &digest));

    X509 *cert = cert_of((char *)leaf.data);
    uint64_t serial = 0;
    ck_assert_int_eq(ASN1_INTEGER_get_uint64(&serial, X509_get0_serialNumber(cert)), 1);
    ck_assert(serial == options.serial);
    ck_assert_int_eq(X509_check_ip_asc(cert, "192.0.2.7", 0), 1);
    ck_assert_int_eq(X509_check_ip_asc(cert, "2001:db8::7", 0), 1);
    ck_assert_int_eq(X509_check_ip_asc(cert, "192.0.2.8", 0), 0);
    ck_assert_int_eq(X509_check_host(cert, "localhost", 0, 0, NULL), 1);
    ck_assert_int_eq(X509_check_ca(cert), 0);
    ck_assert_uint_eq(X509_get_key_usage(cert), KU_DIGITAL_SIGNATURE);
    ck_assert_uint_eq(X509_get_extended_key_usage(cert), XKU_SSL_CLIENT | XKU_SSL_SERVER);
    ck_assert_ptr_nonnull(X509_get0_subject_key_id(cert));
    ck_assert_ptr_nonnull(X509_get0_authority_key_id(cert));
    X509_free(cert);

    cert = cert_of((char *)ca_cert.data);
    ck_assert_int_eq(X509_check_ca(cert), 1);
    ck_assert_int_eq(X509_get_pathlen(cert), 0);
    ck_assert_uint_eq(X509_get_key_usage(cert), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
    X509_free(cert);

    struct pt_digest pin;
    struct pt_digest other;
    ck_assert_int_eq(pt_cert_pin((char *)ca_cert.data, &pin, NULL), PT_OK);
    ck_assert_int_eq(pt_cert_pin((char *)leaf.data, &other, NULL), PT_OK);
    ck_assert(!pt_digest_equal(&pin, &other));
    ck_assert_int_eq(pt_cert_pin("nothing", &pin, NULL), PT_INVALID_ARGUMENT);
}
END_TEST

START_TEST(a_leaf_is_not_signed_for_bad_options)
{
    PT_AUTO(secret) struct pt_buf key = {0};
    PT_AUTO(buf) struct pt_buf csr = {0};
    PT_AUTO(buf) struct pt_buf leaf = {0};
    ck_assert_int_eq(pt_key_new(&key, NULL), PT_OK);
    ck_assert_int_eq(pt_csr_new((char *)key.data, &csr, NULL), PT_OK);
    const char *dns[] = {"a,URI:spiffe://c-1/admin/root"};
    const struct pt_leaf_options good = {
        .spiffe_id = EDGE, .now_ns = NOW_NS, .lifetime_ns = HOUR_S * SECOND_NS, .serial = 1};
    struct pt_leaf_options bad[4] = {good, good, good, good};
    bad[0].spiffe_id = "spiffe://c-1/nobody/x";
    bad[1].serial = 0;
    bad[2].lifetime_ns = 0;
    bad[3].dns = dns;
    bad[3].dns_len = 1;
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(
            pt_leaf_sign((char *)ca_key.data, (char *)ca_cert.data, pt_buf_bytes(&csr), &bad[i], &leaf, NULL),
            PT_INVALID_ARGUMENT);
    }
    ck_assert_int_eq(pt_leaf_sign((char *)key.data, (char *)ca_cert.data, pt_buf_bytes(&csr), &good, &leaf, NULL),
                     PT_INVALID_ARGUMENT); /* not the CA's key */
    ck_assert_int_eq(pt_leaf_sign((char *)ca_key.data, "", pt_buf_bytes(&csr), &good, &leaf, NULL),
                     PT_INVALID_ARGUMENT);
    ck_assert_uint_eq(leaf.size, 0);
}
END_TEST

/* ---- bad certificates ----------------------------------------------------------------------------------------- */

enum signer { BY_CA, BY_OTHER_CA, BY_LEAF, BY_ITSELF };
enum damage { WHOLE, BAD_SIGNATURE, BAD_BODY };

struct bad_cert {
    const char *what;
    const char *reason;    /* part of the text of the refusal */
    const char *san;       /* in OpenSSL's configuration syntax; NULL: a good one; "": none */
    const char *san_again; /* a second extension of the same kind */
    const char *eku;       /* NULL: a good one */
    const char *usage;
    const char *constraints;
    long from_s, to_s; /* from now; 0,0: an hour around it */
    enum signer signer;
    enum damage damage;
    bool unknown_critical;
};

#define AAAA "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct bad_cert bad_certs[] = {
    {.what = "expired", .reason = "expired", .from_s = -7200, .to_s = -1},
    {.what = "not yet valid", .reason = "not yet valid", .from_s = 1, .to_s = 7200},
    {.what = "of another CA of the same name", .reason = "issuer", .signer = BY_OTHER_CA},
    {.what = "signed by a leaf", .reason = "issuer", .signer = BY_LEAF},
    {.what = "self-signed", .reason = "self", .signer = BY_ITSELF},
    {.what = "with a changed signature", .reason = "signature", .damage = BAD_SIGNATURE},
    {.what = "with a changed name", .reason = "signature", .damage = BAD_BODY},
    {.what = "for servers only", .reason = "purpose", .eku = "serverAuth"},
    {.what = "for clients only", .reason = "purpose", .eku = "clientAuth"},
    {.what = "for code signing", .reason = "purpose", .eku = "codeSigning"},
    {.what = "for mail", .reason = "purpose", .eku = "emailProtection"},
    {.what = "for key encipherment", .reason = "purpose", .usage = "critical,keyEncipherment"},
    {.what = "for signing certificates", .reason = "", .usage = "critical,digitalSignature,keyCertSign"},
    {.what = "without names", .reason = "names nobody", .san = ""},
    {.what = "with a DNS name only", .reason = "no URI SAN", .san = "DNS:c1.example.com"},
    {.what = "with an address only", .reason = "no URI SAN", .san = "IP:192.0.2.1"},
    {.what = "with a mail address only", .reason = "no URI SAN", .san = "email:spiffe@example.com"},
    {.what = "with two URIs", .reason = "more than one", .san = "URI:" EDGE ",URI:spiffe://c-1/admin/root"},
    {.what = "with one URI twice", .reason = "more than one", .san = "URI:" EDGE ",URI:" EDGE},
    {.what = "with two name extensions", .reason = "", .san_again = "URI:spiffe://c-1/admin/root"},
    {.what = "with a web address", .reason = "scheme", .san = "URI:https://c-1/edge/x"},
    {.what = "with an unknown role", .reason = "role", .san = "URI:spiffe://c-1/root/x"},
    {.what = "with a role alone", .reason = "role", .san = "URI:spiffe://c-1/admin"},
    {.what = "with a path that climbs", .reason = "path", .san = "URI:spiffe://c-1/edge/../admin/root"},
    {.what = "with an escaped path", .reason = "path", .san = "URI:spiffe://c-1/edge/%2e%2e"},
    {.what = "of a bad cluster id", .reason = "cluster id", .san = "URI:spiffe://C_1/edge/x"},
    {.what = "with a long name", .reason = "511", .san = "URI:spiffe://c-1/edge/" AAAA AAAA AAAA AAAA AAAA},
    {.what = "that is a CA's", .reason = "", .constraints = "critical,CA:TRUE"},
    {.what = "with an unknown critical extension", .reason = "critical extension", .unknown_critical = true},
};

static void add_ext(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    ck_assert_msg(extension != NULL && X509_add_ext(cert, extension, -1) == 1, "%s", value);
    X509_EXTENSION_free(extension);
}

static void add_unknown_critical(X509 *cert)
{
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    ck_assert_int_eq(ASN1_OCTET_STRING_set(value, (const uint8_t *)"\x05\x00", 2), 1);
    ASN1_OBJECT *object = OBJ_txt2obj("1.3.6.1.4.1.99999.1", 1);
    X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, object, 1, value);
    ck_assert_int_eq(X509_add_ext(cert, extension, -1), 1);
    X509_EXTENSION_free(extension);
    ASN1_OBJECT_free(object);
    ASN1_OCTET_STRING_free(value);
}

static void fill_bad_cert(X509 *cert, X509 *issuer, const struct bad_cert *bad, EVP_PKEY *key)
{
    bool timed = bad->from_s != 0 || bad->to_s != 0;
    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 9);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC, (const uint8_t *)"edge", -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(issuer));
    ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)(NOW_S + (timed ? bad->from_s : -HOUR_S)));
    ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)(NOW_S + (timed ? bad->to_s : HOUR_S)));
    X509_set_pubkey(cert, key);
    add_ext(cert, issuer, NID_basic_constraints, bad->constraints != NULL ? bad->constraints : "critical,CA:FALSE");
    add_ext(cert, issuer, NID_key_usage, bad->usage != NULL ? bad->usage : "critical,digitalSignature");
    add_ext(cert, issuer, NID_ext_key_usage, bad->eku != NULL ? bad->eku : "clientAuth,serverAuth");
    add_ext(cert, issuer, NID_subject_key_identifier, "hash");
    add_ext(cert, issuer, NID_authority_key_identifier, issuer == cert ? "keyid" : "keyid:always");
    const char *san = bad->san != NULL ? bad->san : "URI:" EDGE;
    if (san[0] != '\0') {
        add_ext(cert, issuer, NID_subject_alt_name, san);
    }
    if (bad->san_again != NULL) {
        add_ext(cert, issuer, NID_subject_alt_name, bad->san_again);
    }
    if (bad->unknown_critical) {
        add_unknown_critical(cert);
    }
}

/* PEM of DER in which one byte of the signature, or of the SPIFFE id, is another. */
static void damaged_pem(X509 *cert, enum damage damage, struct pt_buf *ret_pem)
{
    uint8_t *der = NULL;
    int size = i2d_X509(cert, &der);
    ck_assert_int_gt(size, 0);
    if (damage == BAD_SIGNATURE) {
        der[size - 1] ^= 1;
    } else if (damage == BAD_BODY) {
        uint8_t *at = memmem(der, (size_t)size, "edges/e1", 8);
        ck_assert_ptr_nonnull(at);
        at[7] = '2';
    }
    BIO *bio = BIO_new(BIO_s_mem());
    ck_assert_int_gt(PEM_write_bio(bio, "CERTIFICATE", "", der, size), 0);
    char *data = NULL;
    long pem_size = BIO_get_mem_data(bio, &data);
    pt_buf_append(ret_pem, data, (size_t)pem_size);
    BIO_free(bio);
    OPENSSL_free(der);
}

/* ret_key_pem may be NULL. */
static void make_bad_cert(const struct bad_cert *bad, struct pt_buf *ret_pem, struct pt_buf *ret_key_pem)
{
    PT_AUTO(secret) struct pt_buf other_key = {0};
    PT_AUTO(buf) struct pt_buf other_cert = {0};
    ck_assert_int_eq(pt_ca_new("c-1", NOW_NS, &other_key, &other_cert, NULL), PT_OK);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    X509 *issuer = cert_of((char *)(bad->signer == BY_OTHER_CA ? other_cert.data : ca_cert.data));
    EVP_PKEY *issuer_key = key_of((char *)(bad->signer == BY_OTHER_CA ? other_key.data : ca_key.data));
    if (bad->signer == BY_LEAF) {
        static const struct bad_cert good = {.what = "a good leaf"};
        X509 *leaf = X509_new();
        EVP_PKEY *leaf_key = EVP_EC_gen("P-256");
        fill_bad_cert(leaf, issuer, &good, leaf_key);
        ck_assert_int_gt(X509_sign(leaf, issuer_key, EVP_sha256()), 0);
        X509_free(issuer);
        EVP_PKEY_free(issuer_key);
        issuer = leaf;
        issuer_key = leaf_key;
    }
    fill_bad_cert(cert, bad->signer == BY_ITSELF ? cert : issuer, bad, key);
    ck_assert_int_gt(X509_sign(cert, bad->signer == BY_ITSELF ? key : issuer_key, EVP_sha256()), 0);
    damaged_pem(cert, bad->damage, ret_pem);
    if (ret_key_pem != NULL) {
        BIO *bio = BIO_new(BIO_s_mem());
        ck_assert_int_eq(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
        char *data = NULL;
        long size = BIO_get_mem_data(bio, &data);
        pt_buf_append(ret_key_pem, data, (size_t)size);
        BIO_free(bio);
    }
    X509_free(issuer);
    EVP_PKEY_free(issuer_key);
    X509_free(cert);
    EVP_PKEY_free(key);
}

START_TEST(the_certificate_that_the_bad_ones_differ_from_is_good)
{
    static const struct bad_cert good = {.what = "good"};
    PT_AUTO(buf) struct pt_buf pem = {0};
    struct pt_leaf_info info;
    make_bad_cert(&good, &pem, NULL);
    struct pt_error error = {0};
    ck_assert_msg(pt_leaf_read((char *)pem.data, (char *)ca_cert.data, NOW_NS, false, &info, &error) == PT_OK, "%s",
                  error.text);
    ck_assert_str_eq(info.identity.spiffe_id, EDGE);
}
END_TEST

START_TEST(each_bad_certificate_is_refused_for_its_reason)
{
    const struct bad_cert *bad = &bad_certs[_i];
    PT_AUTO(buf) struct pt_buf pem = {0};
    make_bad_cert(bad, &pem, NULL);
    struct pt_leaf_info info = {.not_after_ns = 42};
    struct pt_error error = {0};
    enum pt_code code = pt_leaf_read((char *)pem.data, (char *)ca_cert.data, NOW_NS, false, &info, &error);
    ck_assert_msg(code == PT_UNAUTHENTICATED, "a certificate %s was accepted", bad->what);
    ck_assert_msg(strstr(error.text, bad->reason) != NULL, "%s: %s", bad->what, error.text);
    ck_assert_int_eq(info.not_after_ns, 42);
    /* A renewal forgives expiry, and expiry alone. */
    code = pt_leaf_read((char *)pem.data, (char *)ca_cert.data, NOW_NS, true, &info, &error);
    ck_assert_msg(code == (strcmp(bad->what, "expired") == 0 ? PT_OK : PT_UNAUTHENTICATED), "%s", bad->what);
}
END_TEST

/* The answer of the end that judges `cert`, presented by a client or by a server. */
static enum pt_code judge_in_handshake(struct pt_tls_context *judge_context, struct pt_tls_context *bad_context,
                                       bool bad_is_client, struct pt_error *reterr)
{
    struct pt_tls *judge = pt_tls_new(judge_context, bad_is_client);
    struct pt_tls *bad = pt_tls_new(bad_context, !bad_is_client);
    PT_AUTO(buf) struct pt_buf plain = {0};
    PT_AUTO(buf) struct pt_buf to_judge = {0};
    PT_AUTO(buf) struct pt_buf to_bad = {0};
    enum pt_code code = PT_OK;
    for (int round = 0; round < 4 && code == PT_OK; round++) {
        enum pt_code other = pt_tls_feed(bad, to_bad.data, to_bad.size, &plain, &to_judge, NULL);
        ck_assert(other == PT_OK || other == PT_UNAUTHENTICATED);
        pt_buf_reset(&to_bad);
        code = pt_tls_feed(judge, to_judge.data, to_judge.size, &plain, &to_bad, reterr);
        pt_buf_reset(&to_judge);
    }
    ck_assert(pt_tls_ready(judge) == (code == PT_OK));
    ck_assert_uint_eq(plain.size, 0);
    pt_tls_free(judge);
    pt_tls_free(bad);
    return code;
}

/* A leaf for one side only is right on that side and wrong on the other. */
START_TEST(each_bad_certificate_is_refused_in_the_handshake)
{
    static const struct bad_cert good = {.what = "good"};
    const struct bad_cert *bad = &bad_certs[_i];
    PT_AUTO(buf) struct pt_buf good_pem = {0};
    PT_AUTO(secret) struct pt_buf good_key = {0};
    PT_AUTO(buf) struct pt_buf bad_pem = {0};
    PT_AUTO(secret) struct pt_buf bad_key = {0};
    make_bad_cert(&good, &good_pem, &good_key);
    make_bad_cert(bad, &bad_pem, &bad_key);
    struct pt_tls_context *judge = NULL;
    struct pt_tls_context *context = NULL;
    const char *ca = (char *)ca_cert.data;
    ck_assert_int_eq(pt_tls_context_new((char *)good_pem.data, (char *)good_key.data, ca, &judge, NULL), PT_OK);
    ck_assert_int_eq(pt_tls_context_new((char *)bad_pem.data, (char *)bad_key.data, ca, &context, NULL), PT_OK);
    pt_tls_context_set_time(judge, NOW_NS);
    pt_tls_context_set_time(context, NOW_NS);
    for (int side = 0; side < 2; side++) {
        const char *right_eku = side == 0 ? "serverAuth" : "clientAuth";
        bool right = bad->eku != NULL && strcmp(bad->eku, right_eku) == 0;
        right = right || (side == 0 && bad->usage != NULL && strcmp(bad->usage, "critical,keyEncipherment") == 0);
        struct pt_error error = {0};
        enum pt_code code = judge_in_handshake(judge, context, side == 1, &error);
        ck_assert_msg(code == (right ? PT_OK : PT_UNAUTHENTICATED), "a certificate %s, side %d: %s", bad->what, side,
                      error.text);
        ck_assert_msg(right || bad->eku != NULL || strstr(error.text, bad->reason) != NULL, "%s: %s", bad->what,
                      error.text);
    }
    pt_tls_context_free(judge);
    pt_tls_context_free(context);
}
END_TEST

START_TEST(what_is_no_leaf_at_all_is_refused)
{
    struct pt_leaf_info info;
    const char *ca = (char *)ca_cert.data;
    ck_assert_int_eq(pt_leaf_read(ca, ca, NOW_NS, false, &info, NULL), PT_UNAUTHENTICATED);
    ck_assert_int_eq(pt_leaf_read(ca, NULL, NOW_NS, false, &info, NULL), PT_UNAUTHENTICATED);
    ck_assert_int_eq(pt_leaf_read("", ca, NOW_NS, false, &info, NULL), PT_UNAUTHENTICATED);
    ck_assert_int_eq(
        pt_leaf_read("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", ca, NOW_NS, false, &info, NULL),
        PT_UNAUTHENTICATED);
    ck_assert_int_eq(pt_leaf_read((char *)ca_key.data, ca, NOW_NS, false, &info, NULL), PT_UNAUTHENTICATED);
}
END_TEST

START_TEST(a_ca_that_has_expired_vouches_for_nobody)
{
    static const struct bad_cert good = {.what = "good", .from_s = -7200, .to_s = 20L * 365 * 86400};
    PT_AUTO(buf) struct pt_buf pem = {0};
    struct pt_leaf_info info;
    make_bad_cert(&good, &pem, NULL);
    int64_t later_ns = NOW_NS + 11L * 365 * 86400 * SECOND_NS;
    ck_assert_int_eq(pt_leaf_read((char *)pem.data, (char *)ca_cert.data, later_ns, false, &info, NULL),
                     PT_UNAUTHENTICATED);
    ck_assert_int_eq(pt_leaf_read((char *)pem.data, (char *)ca_cert.data, later_ns, true, &info, NULL),
                     PT_UNAUTHENTICATED);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("crypto/identity");
    TCase *tcase = tcase_create("identity");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, an_identity_is_cluster_role_and_path);
    tcase_add_test(tcase, other_texts_are_no_identity);
    tcase_add_test(tcase, a_request_is_bound_to_its_key);
    tcase_add_test(tcase, a_request_with_another_kind_of_key_is_refused);
    tcase_add_test(tcase, a_leaf_carries_what_was_asked_and_nothing_of_the_request);
    tcase_add_test(tcase, a_leaf_is_not_signed_for_bad_options);
    tcase_add_test(tcase, the_certificate_that_the_bad_ones_differ_from_is_good);
    tcase_add_loop_test(tcase, each_bad_certificate_is_refused_for_its_reason, 0,
                        (int)(sizeof(bad_certs) / sizeof(bad_certs[0])));
    tcase_add_loop_test(tcase, each_bad_certificate_is_refused_in_the_handshake, 0,
                        (int)(sizeof(bad_certs) / sizeof(bad_certs[0])));
    tcase_add_test(tcase, what_is_no_leaf_at_all_is_refused);
    tcase_add_test(tcase, a_ca_that_has_expired_vouches_for_nobody);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
